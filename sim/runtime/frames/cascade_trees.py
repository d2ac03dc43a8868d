"""The tree of a message: who took it up through whom, its largest branches."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.spread.cascade import trees_kernels as trees

if TYPE_CHECKING:
    from sim.agents.columns import Agents

__all__ = ["MOST_BRANCHES", "NOBODY", "TreeBranch", "tree_of"]

Ids = npt.NDArray[np.uint32]
Longs = npt.NDArray[np.int64]

NOBODY = 0xFFFFFFFF
"""The source of one whom nobody convinced."""

MOST_BRANCHES, WIDEST = 60, 5
"""Members of a tree that are told, and of those that each of them convinced."""


class TreeBranch(NamedTuple):
    """A member of a cascade's tree.

    Attributes
    ----------
    depth
        Steps from the seed.
    name, tick
        Who took it up, and when.
    below
        How many took it up through this member, itself included.
    direct
        How many it convinced itself.
    is_last
        For each step from the seed down to it: whether nothing follows at that step.
    """

    depth: int
    name: str
    tick: int
    below: int
    direct: int
    is_last: tuple[bool, ...]


def tree_of(
    agents: Agents, who: Ids, ticks: npt.NDArray[np.int32], sources: Ids, count: int
) -> tuple[tuple[TreeBranch, ...], int, int]:
    """Return the largest branches as they are drawn, the depth, and the breadth."""
    if not who.size:
        return (), 0, 0
    below, depth = np.empty(who.size, np.int64), np.empty(who.size, np.int32)
    trees.wiener(who, sources, np.full(count, -1, np.int32), below)
    trees.depths(who, sources, np.full(count, -1, np.int32), depth)
    place = np.full(count, -1, np.int64)
    place[who] = np.arange(who.size)
    parent = np.where(sources == NOBODY, -1, place[np.minimum(sources, count - 1)])
    parent[depth == 0] = -1
    children = _Children(parent, below)
    chosen = _chosen(children, below)
    branches: list[TreeBranch] = []

    def draw(at: int, step: int, last: tuple[bool, ...]) -> None:
        own = children.of(at)
        name = agents.name(int(who[at]))
        told = TreeBranch(step, name, int(ticks[at]), int(below[at]), own.size, last)
        branches.append(told)
        kept = [each for each in own.tolist() if each in chosen]
        for number, each in enumerate(kept):
            draw(each, step + 1, (*last, number == len(kept) - 1))

    roots = [each for each in children.of(-1).tolist() if each in chosen]
    for number, root in enumerate(roots):
        draw(root, 0, (number == len(roots) - 1,))
    return tuple(branches), int(depth.max()), int(np.bincount(depth).max())


class _Children:
    """Whom each entry of a log convinced, the largest branches first."""

    def __init__(self, parent: npt.NDArray[Any], below: Longs) -> None:
        self._order = np.lexsort((np.arange(parent.size), -below, parent))
        self._parent = parent[self._order]

    def of(self, at: int) -> npt.NDArray[np.int64]:
        start, stop = np.searchsorted(self._parent, [at, at + 1])
        found: npt.NDArray[np.int64] = self._order[start:stop]
        return found


def _chosen(children: _Children, below: Longs) -> set[int]:
    """Return the entries that are drawn: the largest, each with the one that convinced it."""
    waiting = [(-int(below[at]), int(at)) for at in children.of(-1)[:WIDEST]]
    heapq.heapify(waiting)
    chosen: set[int] = set()
    while waiting and len(chosen) < MOST_BRANCHES:
        _, at = heapq.heappop(waiting)
        chosen.add(at)
        for child in children.of(at)[:WIDEST].tolist():
            heapq.heappush(waiting, (-int(below[child]), child))
    return chosen
