""":class:`Groups`: a world's commands on groups that members create, join and leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sim.agents.lifecycle import Lifecycle, belongs
from sim.errors import InputError

if TYPE_CHECKING:
    from sim.world.world import World

__all__ = ["Groups"]

Ids = npt.NDArray[np.uint32]


class Groups:
    """Groups that members join and leave; an agent may be in several.

    Parameters
    ----------
    world
        Whose groups; they are kept in ``world.bonds.groups``
        (:class:`~sim.network.relations.membership.Membership`).

    Examples
    --------
    >>> from sim import World
    >>> world = World.create(agents=10, mean_degree=4, seed=7)
    >>> group = world.groups.create("gardeners", limit=3)
    >>> world.groups.join([4, 7], "gardeners")
    2
    >>> world.groups.members("gardeners")
    array([4, 7], dtype=uint32)
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._held = world.bonds.groups

    def __len__(self) -> int:
        return len(self._held)

    @property
    def names(self) -> tuple[str, ...]:
        """Of each group; its number is its place here."""
        return tuple(self._held.names)

    def limit(self, group: int | str) -> int:
        """Return how many members a group takes at most."""
        return self._held.limits[self._held.number(group)]

    def members(self, group: int | str) -> Ids:
        """Return who is in a group: uint32, rising."""
        return self._held.members(group)

    def of(self, agent: int) -> Ids:
        """Return the numbers of an agent's groups: uint32, rising."""
        return self._held.of(agent)

    def create(self, name: str, limit: int | None = None) -> int:
        """Make an empty group; returns its number.

        Parameters
        ----------
        name
            1 to 60 characters; no two groups have one name.
        limit
            How many members it takes, at least 1; None: as many as come.

        Raises
        ------
        InputError
            For a name or limit that is not allowed.
        """
        with self._world.trail.doing(self._world, "create_group", (name, limit), {}) as note:
            number = self._held.create(name, limit)
            note.result = f"group {number}"
        return number

    def join(self, agents: npt.ArrayLike, group: int | str) -> int:
        """Let agents into a group; returns how many are new there.

        Raises
        ------
        InputError
            For a group or agents that there are not, for banned and destroyed ones, and where the
            limit would be passed; nothing is changed.
        """
        with self._world.trail.doing(self._world, "join_group", (agents, group), {}) as note:
            number, ids = self._held.number(group), self._known(agents)
            status = self._world.agents.status[ids]
            gone = np.flatnonzero(~belongs(status, "ties"))
            if gone.size:
                said = Lifecycle(int(status[gone[0]])).name.lower()
                raise InputError(
                    f"Agent {self._world.agents.id(int(ids[gone[0]]))} is {said} and cannot join "
                    f"the group {self._held.names[number]!r}."
                )
            count = int(self._held.join(ids, np.full(ids.size, number, np.uint32)).sum())
            note.result = f"{count:,} joined"
        return count

    def leave(self, agents: npt.ArrayLike, group: int | str) -> int:
        """Let agents out of a group; returns how many were in.

        Raises
        ------
        InputError
            For a group or agents that there are not.
        """
        with self._world.trail.doing(self._world, "leave_group", (agents, group), {}) as note:
            number, ids = self._held.number(group), self._known(agents)
            count = int(self._held.leave(ids, np.full(ids.size, number, np.uint32)).sum())
            note.result = f"{count:,} left"
        return count

    def _known(self, agents: npt.ArrayLike) -> Ids:
        ids = np.atleast_1d(np.asarray(agents))
        if not ids.size:
            return np.empty(0, np.uint32)
        count = len(self._world.agents)
        if ids.dtype.kind not in "iu" or ids.ndim != 1:
            raise InputError("Members of a group are agents' indices, whole numbers.")
        wrong = np.flatnonzero((ids < 0) | (ids >= count))
        if wrong.size:
            raise InputError(
                f"No agent {int(ids[wrong[0]])}: the world has {count:,} agents, counted from 0."
            )
        return np.unique(ids).astype(np.uint32)
