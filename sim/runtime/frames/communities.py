"""The communities in frames: labels, sizes, names, ties, positions; built in a thread."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from sim.agents.columns import Agents
from sim.agents.names import is_unnamed
from sim.arrays import F64, I64
from sim.core import rng
from sim.core.progress import Report, quiet
from sim.core.rng import Stream
from sim.errors import Cancelled
from sim.network.analysis import groups_kernels as kernels
from sim.network.graph.slab import read_only
from sim.network.graph.ties import Ties
from sim.world.world import World

MOST_GROUPS = 200
"""Rows shown; smaller communities and agents without one share the last row."""

_TOP = 3
_SLICE = 50_000


@dataclass(frozen=True, slots=True, eq=False)
class CommunityTotals:
    """The fields of ``Communities`` that do not depend on any message."""

    names: tuple[str, ...]
    labels: I64
    sizes: I64
    top: tuple[tuple[str, ...], ...]
    label: str
    links: I64
    positions: npt.NDArray[np.float64]
    row_of: npt.NDArray[np.int32]
    total: int


@dataclass(frozen=True, slots=True, eq=False)
class CommunityLabels:
    """The community of each agent."""

    of: npt.NDArray[np.int32]
    names: tuple[str, ...]
    origin: str = ""


def arrange(
    agents: Agents,
    ties: Ties,
    given: CommunityLabels,
    report: Report = quiet,
    *,
    placed: CommunityTotals | None = None,
    between_ticks: Callable[[Callable[[], Any]], Any] = lambda look: look(),
) -> CommunityTotals | None:
    """Return the communities of a world, largest first; None if no agent is in one."""
    if int(given.of.max(initial=-1)) < 0:
        return None
    report("naming communities", 0.0)
    shown, row_of, sizes = _rows(given.of, len(given.names))
    titles = [given.names[label] for label in shown.tolist()]
    links = np.zeros((len(sizes), len(sizes)), np.int64)
    for begin in range(0, ties.agents, _SLICE):
        report("counting ties between communities", 0.1 + 0.8 * begin / ties.agents)
        between_ticks(partial(_count, ties, row_of, begin, links))
    top = between_ticks(partial(_top, agents, ties, row_of, len(sizes)))
    report("placing communities", 0.9)
    labels = np.append(shown, [-1] * (len(sizes) - len(shown)))
    if placed is not None and _is_alike(placed, row_of, links):
        spots = placed.positions
    else:
        spots = read_only(positions(links, sizes, _former(placed, labels)))
    total = int(np.count_nonzero(np.bincount(given.of[given.of >= 0])))
    if len(sizes) > len(shown):
        titles.append(_title_of_rest(total - len(shown)))
    return CommunityTotals(
        names=tuple(titles),
        labels=read_only(labels),
        sizes=read_only(sizes),
        top=top,
        label=given.origin or _origin(agents),
        links=read_only(links),
        positions=spots,
        row_of=read_only(row_of),
        total=total,
    )


def _count(ties: Ties, row_of: npt.NDArray[np.int32], begin: int, links: I64) -> None:
    """Count the ties of a slice of agents, some 5 ms."""
    if ties.agents != len(row_of):
        raise Cancelled("Agents came while ties were counted.")
    end = min(begin + _SLICE, ties.agents)
    kernels.count_links(ties.rows, ties.targets, row_of, begin, end, links)


def _former(placed: CommunityTotals | None, labels: I64) -> F64 | None:
    """Return the places that communities had, NaN for new ones."""
    if placed is None:
        return None
    spots = dict(zip(placed.labels.tolist(), placed.positions.tolist(), strict=True))
    return np.array([spots.get(label, (np.nan, np.nan)) for label in labels.tolist()])


def _is_alike(placed: CommunityTotals, row_of: npt.NDArray[np.int32], links: I64) -> bool:
    """Return whether communities have the same members, and few ties between them changed."""
    if not np.array_equal(placed.row_of, row_of):
        return False
    return int(np.abs(links - placed.links).sum()) <= _CHANGED * int(placed.links.sum())


KNOWN = "known"


def _origin(agents: Agents) -> str:
    stored = agents.stored_communities
    unnamed = sum(is_unnamed(label, name) for label, name in enumerate(stored))
    return KNOWN if 2 * unnamed < len(stored) else ""


def _rows(labels: npt.NDArray[np.int32], count: int) -> tuple[I64, npt.NDArray[np.int32], I64]:
    """Return (labels shown, row of each agent, members of each row)."""
    sizes = np.bincount(labels + 1, minlength=count + 1)
    outside, members = int(sizes[0]), sizes[1:]
    order = np.argsort(-members, kind="stable")
    order = order[members[order] > 0]
    shown = order[: MOST_GROUPS - 1] if outside or len(order) > MOST_GROUPS else order
    row_of_label = np.full(count + 1, len(shown), np.int32)
    row_of_label[shown] = np.arange(len(shown), dtype=np.int32)
    row_of = row_of_label[labels]  # -1 takes the last entry: the rest
    return shown, row_of, np.bincount(row_of, minlength=len(shown)).astype(np.int64)


def _title_of_rest(rest: int) -> str:
    return f"{rest:,} smaller ones" if rest else "no community"


def _top(
    agents: Agents, ties: Ties, row_of: npt.NDArray[np.int32], groups: int
) -> tuple[tuple[str, ...], ...]:
    best = np.full((groups, _TOP), -1, np.int64)
    kernels.pick_best(row_of, ties.out_degree, best)
    return tuple(tuple(agents.name(v) for v in row if v >= 0) for row in best.tolist())


_ROUNDS = 150

_WARM = 0.01
"""How far a round may move what has a place already; 0.1 what has none."""

_CHANGED = 0.02
"""Share of ties; when more were added or removed, communities are placed again."""


def positions(
    links: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64], former: F64 | None = None
) -> F64:
    """Return places for groups in the unit square, near their ``former`` ones (NaN: none).

    Forces of Fruchterman & Reingold, "Graph drawing by force-directed placement", Software:
    Practice and Experience 1991; larger groups push further.
    """
    count = len(sizes)
    if count < 2:
        return np.full((count, 2), 0.5)
    both = (links + links.T).astype(np.float64)
    np.fill_diagonal(both, 0.0)
    members = np.maximum(sizes, 1).astype(np.float64)
    density = both / np.sqrt(np.outer(members, members))
    pull: F64 = np.sqrt(density / max(float(density.max()), 1e-12))  # ties above chance, [0, 1]
    room = np.sqrt(sizes / max(int(sizes.max()), 1)) + 0.3
    push = np.add.outer(room, room) / 2
    places = rng.uniforms(rng.key(0, Stream.LAYOUT), np.arange(2 * count)).reshape(count, 2)
    hot, rounds = 0.1, _ROUNDS
    if former is not None and not (new := np.isnan(former).any(axis=1)).all():
        places[~new] = former[~new]
        hot, rounds = _WARM, _ROUNDS // 5
    for heat in np.linspace(hot, 0.002, rounds):
        places += _move(places, pull, push, heat)
    low, high = places.min(axis=0), places.max(axis=0)
    fitted: F64 = (places - low) / np.maximum(high - low, 1e-9)
    return fitted


def _move(places: F64, pull: F64, push: F64, heat: float) -> F64:
    apart = places[:, None, :] - places[None, :, :]
    distance = np.sqrt((apart**2).sum(axis=2)) + 1e-9
    ideal = 1.0 / np.sqrt(len(places))
    force = (ideal * push) ** 2 / distance - pull * distance**2 / ideal
    np.fill_diagonal(force, 0.0)
    step: F64 = ((force / distance)[:, :, None] * apart).sum(axis=1)
    step -= 0.5 * (places - places.mean(axis=0))  # a pull to the centre keeps loose ones in sight
    step *= np.minimum(1.0, heat / (np.sqrt((step**2).sum(axis=1, keepdims=True)) + 1e-12))
    return step


_AT_ONCE_TIES = 2_000_000
"""A network up to this size is laid out immediately (some 30 ms); a larger one in a thread."""


_PATIENCE = 0.05
"""Seconds after which a thread that waits for its turn looks whether it is still wanted."""


class CommunityLayout:
    """Tracks the communities of a world; belongs to the engine's thread."""

    def __init__(self, run_soon: Callable[[Callable[[], object]], None]) -> None:
        self._origin = ""
        self._hurry = run_soon
        self._state: object = None
        self._labels: object = None
        self._placed: CommunityTotals | None = None
        self._thread: threading.Thread | None = None
        self._is_stale = threading.Event()

    def arrange(
        self, world: World, show: Callable[[CommunityTotals | None], None], origin: str = ""
    ) -> None:
        """Make a new layout, from ``origin``, if groups, agents or ties changed."""
        agents, ties = world.agents, world.ties
        names = tuple(agents.communities)
        labels = (xxhash.xxh3_64_intdigest(agents.community.data), names)
        state = (labels, _about(ties), len(agents))
        if state == self._state and not origin:
            return
        if origin or self._labels != labels:
            self._origin = origin
        self._state, self._labels = state, labels
        self.stop()
        given = CommunityLabels(agents.community.copy(), names, self._origin)
        if ties.count <= _AT_ONCE_TIES:
            show(self._noted(arrange(agents, ties, given, placed=self._placed)))
            return
        stale = self._is_stale = threading.Event()
        work = partial(arrange, agents, ties, given, placed=self._placed)
        self._thread = threading.Thread(
            target=self._work, args=(work, show, stale), name="communities", daemon=True
        )
        self._thread.start()

    def _work(
        self,
        work: Callable[..., CommunityTotals | None],
        show: Callable[[CommunityTotals | None], None],
        stale: threading.Event,
    ) -> None:
        def report(stage: str, _share: float) -> None:
            if stale.is_set():
                raise Cancelled(f"Other communities came while {stage}.")

        def between_ticks(look: Callable[[], Any]) -> Any:
            """Let the engine's thread look at its ties, which are too large to be copied."""
            future: Future[Any] = Future()

            def turn() -> None:
                try:
                    future.set_result(look())
                except Exception as error:
                    future.set_exception(error)

            self._hurry(turn)
            while not wait((future,), _PATIENCE).done:
                report("ties were counted", 0.0)
            return future.result()

        with suppress(Cancelled):
            groups = work(report, between_ticks=between_ticks)
            self._hurry(lambda: None if stale.is_set() else show(self._noted(groups)))

    def _noted(self, groups: CommunityTotals | None) -> CommunityTotals | None:
        """Store where communities were placed, if they were."""
        if self._placed is None or groups is None or groups.positions is not self._placed.positions:
            self._placed = groups
        return groups

    def stop(self) -> None:
        """Cancel a layout that is being made, and wait for its thread."""
        self._is_stale.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None


def _about(ties: Ties) -> int | tuple[int]:
    """Return the key of the layout of ties; in a large network it changes with 2 % of them."""
    if ties.is_still or ties.count <= _AT_ONCE_TIES:
        return ties.version
    return (round(50 * math.log(ties.count)),)
