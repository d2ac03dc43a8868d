"""The neighbourhood of one agent: who is within some steps, and the ties between them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.arrays import Ids
from sim.errors import InputError
from sim.network.graph.slab import SlabArrays
from sim.network.graph.ties import Ties


class Subgraph(NamedTuple):
    """A part of a network.

    Attributes
    ----------
    agents
        uint32 (k,): rising.
    steps
        int32 (k,): how far each is from the middle.
    sources, targets
        uint32 (m,): every tie between two of them.
    trust
        uint16 (m,) / 65535, or (0,).
    kind
        uint8 (m,), or (0,).
    is_cut
        Whether more agents were within reach than were asked for.
    """

    agents: Ids
    steps: npt.NDArray[np.int32]
    sources: Ids
    targets: Ids
    trust: npt.NDArray[np.uint16]
    kind: npt.NDArray[np.uint8]
    is_cut: bool


def subgraph(ties: Ties, agent: int, radius: int, most: int) -> Subgraph:
    """Return the agents within ``radius`` steps of one, either way, at most ``most`` of them.

    Where there are more, those of the last step with the lowest ids are taken.
    """
    ways = ties.live, ties.reverse.live
    known = np.array([agent], np.uint32)
    steps, front, is_cut = np.zeros(1, np.int32), known, False
    for step in range(1, radius + 1):
        met = np.unique(np.concatenate([_row_of(live, front)[0] for live in ways]))
        front = np.setdiff1d(met, known, assume_unique=False)
        if known.size + front.size > most:
            front, is_cut = front[: most - known.size], True
        known = np.append(known, front)
        steps = np.append(steps, np.full(front.size, step, np.int32))
        if is_cut or not front.size:
            break
    order = np.argsort(known)
    agents: Ids = known[order].astype(np.uint32)
    return Subgraph(agents, steps[order], *_between(ties.live, agents), is_cut)


def induced(ties: Ties, agents: npt.ArrayLike) -> tuple[Ties, Ids]:
    """Return the ties between some agents as a network of these alone, and who they are.

    Parameters
    ----------
    ties
        The whole network.
    agents
        Indices; those that were destroyed are left out.

    Returns
    -------
    tuple of Ties and uint32 (k,)
        Agent i of the network is the i-th of the second, which rises.

    Raises
    ------
    InputError
        When nobody is left, and for an agent that there is not.

    Examples
    --------
    >>> ties = Ties.from_arcs([0, 1, 3], [1, 3, 2])
    >>> part, who = induced(ties, [0, 1, 3])
    >>> part.count, who.tolist()
    (2, [0, 1, 3])
    """
    asked = np.unique(np.asarray(agents, np.int64))
    if asked.size and not 0 <= asked[0] <= asked[-1] < ties.agents:
        raise InputError(f"Agents are 0 to {ties.agents - 1}, got {asked[0]} to {asked[-1]}.")
    who: Ids = np.setdiff1d(asked, ties.gone).astype(np.uint32)
    if not who.size:
        raise InputError("Nobody is among those whose network is measured; choose others.")
    sources, targets, trust, _ = _between(ties.live, who)
    ends = np.searchsorted(who, sources), np.searchsorted(who, targets)
    return Ties.from_arcs(*ends, who.size, trust=trust if trust.size else None), who


def _between(
    live: SlabArrays, agents: Ids
) -> tuple[Ids, Ids, npt.NDArray[np.uint16], npt.NDArray[np.uint8]]:
    targets, places = _row_of(live, agents)
    sources = np.repeat(agents, live.rows[agents, 1])
    inside = np.isin(targets, agents)
    places = places[inside]
    trust = live.trust[places] if live.trust.size else live.trust
    kind = live.kind[places] if live.kind.size else live.kind
    return sources[inside], targets[inside], trust, kind


def _row_of(live: SlabArrays, agents: Ids) -> tuple[Ids, npt.NDArray[np.int64]]:
    """Return the ids in some rows, one after the other, and where they stand."""
    starts, lengths = live.rows[agents].astype(np.int64).T
    before = np.cumsum(lengths) - lengths
    places = np.arange(int(lengths.sum())) + np.repeat(starts - before, lengths)
    return live.ids[places], places
