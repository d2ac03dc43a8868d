"""Names that communities had before names were coined; seeds of old journals may name them so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from sim.agents.columns import Agents
from sim.agents.names import is_unnamed
from sim.network.analysis.groups_kernels import count_interests, pick_best
from sim.network.graph.ties import Ties


def readable_names(
    agents: Agents,
    ties: Ties,
    labels: npt.NDArray[np.int32],
    names: Sequence[str],
    wanted: Iterable[int],
) -> tuple[str, ...]:
    """Return names for communities; unnamed ones are named by top interest and top member."""
    chosen = list(wanted)
    if not any(is_unnamed(label, names[label]) for label in chosen):
        return tuple(names[label] for label in chosen)
    rows = np.where(labels < 0, len(names), labels).astype(np.int32)
    best = np.full((len(names) + 1, 1), -1, np.int64)
    pick_best(rows, ties.out_degree, best)
    topics = _leading_interests(agents, rows, chosen, len(names))
    titles = []
    for label, topic in zip(chosen, topics, strict=True):
        made = _title(agents, topic, int(best[label, 0]))
        titles.append(made if made and is_unnamed(label, names[label]) else names[label])
    return _distinct(titles)


def _title(agents: Agents, topic: str, member: int) -> str:
    return " / ".join(filter(None, (topic, agents.name(member)))) if member >= 0 else ""


def _leading_interests(
    agents: Agents, rows: npt.NDArray[np.int32], chosen: list[int], count: int
) -> list[str]:
    place = np.full(count + 1, len(chosen), np.int32)
    place[chosen] = np.arange(len(chosen), dtype=np.int32)
    own = place[rows]
    holders = np.zeros((len(chosen) + 1, 64), np.int64)
    count_interests(own, agents.interests, holders)
    members = np.bincount(own, minlength=len(chosen) + 1)
    excess = holders / np.maximum(members, 1)[:, None] - holders.sum(axis=0) / len(agents)
    leading = excess[:-1].argmax(axis=1).tolist()
    known = [agents.vocabulary.names(1 << bit) for bit in range(len(agents.vocabulary))]
    return [known[bit][0] if bit < len(known) else "" for bit in leading]


def _distinct(names: list[str]) -> tuple[str, ...]:
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return tuple(out)
