"""Paths along ties: components, distances, a shortest path between two agents."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.core.progress import Report, quiet
from sim.network.analysis import components_kernels as kernels
from sim.network.analysis import paths_kernels as paths
from sim.network.analysis.communities import by_size
from sim.network.graph.arcs import even_chunks

__all__ = ["path_between", "search", "strong", "weak"]

Ids = npt.NDArray[np.uint32]
Ints = npt.NDArray[np.int32]

_BUDGET = 1 << 20  # ties a kernel call, where looks go all over memory
_SAMPLED = 2  # ties a row that are joined before the rest


def weak(rows: Ids, targets: Ids, report: Report = quiet) -> Ints:
    """Return the component of each agent when ties count in both directions, by falling size."""
    parent = np.arange(len(rows), dtype=np.int32)
    for first, most in ((0, _SAMPLED), (_SAMPLED, 1 << 32)):
        for begin, end in even_chunks(rows):
            report("joining components", begin / len(rows))
            kernels.join_ends(rows, targets, first, most, begin, end, parent)
        kernels.flatten(parent)
    return by_size(parent)


def strong(rows: Ids, targets: Ids, report: Report = quiet) -> Ints:
    """Return the strong component of each agent, by falling size: all reach all along ties."""
    n = len(rows)
    state, label = np.zeros(5, np.int64), np.full(n, -1, np.int32)
    order, low, cursor = np.zeros(n, np.int32), np.zeros(n, np.int32), np.zeros(n, np.uint32)
    stacks = np.empty(n, np.uint32), np.empty(n, np.uint32)
    done = False
    while not done:
        report("searching strong components", float(state[3]) / max(1, n))
        done = kernels.strong_search(
            rows, targets, _BUDGET, state, order, low, cursor, *stacks, label
        )
    return by_size(label)


def search(rows: Ids, targets: Ids, start: int, report: Report = quiet) -> Ints:
    """Return how many ties each agent is away from ``start``, int32 (n,); -1: out of reach."""
    n = len(rows)
    distance, queue = np.full(n, -1, np.int32), np.empty(n, np.uint32)
    distance[start], queue[0] = 0, start
    begin, tail = 0, 1
    while begin < tail:
        report("searching", begin / n)
        end = min(tail, begin + _BUDGET // 16)
        begin, tail = end, paths.expand(rows, targets, begin, end, queue, tail, distance)
    return distance


def path_between(
    forward: tuple[Ids, Ids], backward: tuple[Ids, Ids], start: int, goal: int
) -> tuple[int, ...] | None:
    """Return the agents on a shortest path from ``start`` to ``goal``, both included; or None.

    Two searches grow towards each other, the one with fewer agents at its edge first.
    ``forward``, ``backward`` are (rows, targets) of the network and of its reverse.
    """
    if start == goal:
        return (start,)
    sides = [_Side(*forward, start), _Side(*backward, goal)]
    met = -1
    while met < 0:
        near, far = sorted(sides, key=lambda side: side.edge)
        if near.edge == 0:
            return None
        met = near.grow(far)
    there, back = sides[0].trail(met), sides[1].trail(met)
    return (*reversed(there), *back[1:])


class _Side:
    """One of two searches that grow towards each other."""

    def __init__(self, rows: Ids, targets: Ids, start: int) -> None:
        self._network = (rows, targets)
        self._came_from = np.full(len(rows), -1, np.int32)
        self._queue = np.empty(len(rows), np.uint32)
        self._came_from[start], self._queue[0] = start, start
        self._begin, self._tail = 0, 1

    @property
    def edge(self) -> int:
        """How many agents were reached last."""
        return self._tail - self._begin

    def grow(self, other: _Side) -> int:
        """Take one step in all directions; return an agent that both sides have reached, or -1."""
        begin, end = self._begin, self._tail
        self._begin = end
        self._tail, met = paths.meet(
            *self._network, begin, end, self._queue, end, self._came_from, other._came_from
        )
        return int(met)

    def trail(self, agent: int) -> tuple[int, ...]:
        """Return the agents from ``agent`` back to where this side began."""
        out = np.empty(len(self._queue), np.uint32)
        return tuple(out[: paths.trace(self._came_from, agent, out)].tolist())
