"""The shortest path between two members of a world under way; for :meth:`Simulation.query`."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.network.analysis.analysis import shortest_path
from sim.network.analysis.paths import path_between
from sim.network.graph.slab import read_only

if TYPE_CHECKING:
    from sim.network.graph.ties import Ties
    from sim.world.world import World

__all__ = ["PathInputs", "found", "sought"]

Ids = npt.NDArray[np.uint32]


class PathInputs(NamedTuple):
    """What :func:`found` makes a path of.

    Attributes
    ----------
    start, goal
        Agents.
    ties
        In which to search; None where the path is known.
    path
        The agents on it; None where there is none, or it is not known.
    """

    start: int
    goal: int
    ties: Ties | None
    path: tuple[int, ...] | None


def sought(world: World, start: str, goal: str) -> PathInputs:
    """Search for a path from one member to another, by id, in some milliseconds.

    Where the network was never turned round, it is left to :func:`found`: that takes longer.

    Raises
    ------
    InputError
        When there is no such member.
    """
    agents, ties = world.agents, world.ties
    ends = [agents.index(int(text) if text.isdecimal() else text) for text in (start, goal)]
    back = ties.back
    if back is None:
        return PathInputs(ends[0], ends[1], copy(ties), None)
    return PathInputs(ends[0], ends[1], None, path_between(_rows(ties), _rows(back), *ends))


def _rows(ties: Ties) -> tuple[Ids, Ids]:
    """Return rows and ids as they lie; unlike ``ties.live``, trust is not brought up to date."""
    if ties.slab is None:
        return ties.rows, ties.targets
    return read_only(ties.slab.rows), read_only(ties.slab.columns.ids)


def found(sought: PathInputs) -> tuple[int, ...] | None:
    """Return the agents from start to goal, both included; None where no path joins them."""
    if sought.ties is None:
        return sought.path
    return shortest_path(sought.ties, sought.start, sought.goal)
