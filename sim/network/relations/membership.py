"""Membership of groups that agents join and leave, each with a limit; agents may be in several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arrays import Bools, Ids
from sim.core.checks import short_text, shown, whole_number
from sim.core.text import one_line
from sim.errors import InputError
from sim.network.graph.slab import Slab, ordered
from sim.network.graph.slab_kernels import ADDED, REMOVED

_LONGEST_NAME = 60
ENDLESS = (1 << 32) - 1


class Membership:
    """Members of groups: rows of members by group, and rows of groups by agent."""

    def __init__(self, agents: int) -> None:
        self.agents = agents
        self.names: list[str] = []
        self.limits: list[int] = []
        self._numbers: dict[str, int] = {}
        self._members: Slab | None = None
        self._groups: Slab | None = None

    def __len__(self) -> int:
        return len(self.names)

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """Number of members of each group: int64 (groups,)."""
        rows = self._slabs()[0].rows if self.names else np.empty((0, 2), np.uint32)
        sizes: npt.NDArray[np.int64] = rows[:, 1].astype(np.int64)
        return sizes

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(slab.nbytes for slab in (self._members, self._groups) if slab is not None)

    def create(self, name: str, limit: int | None = None) -> int:
        """Create an empty group; return its number."""
        clean = one_line(short_text(name, _LONGEST_NAME, "A group's name"))
        if not clean:
            raise InputError(f"A group's name has 1 to {_LONGEST_NAME} characters, got none.")
        if clean in self._numbers:
            raise InputError(f"There is a group {clean!r} already; take another name.")
        most = ENDLESS if limit is None else whole_number(limit, "The limit of a group", low=1)
        self._slabs()[0].grow(1)
        self._numbers[clean] = len(self.names)
        self.names.append(clean)
        self.limits.append(min(most, ENDLESS))
        return len(self.names) - 1

    def number(self, group: int | str) -> int:
        """Return the number of a group, given its number or name."""
        if isinstance(group, str):
            found = self._numbers.get(group, -1)
        else:
            found = whole_number(group, "A group, by its number,")
        if not 0 <= found < len(self.names):
            there = f"there are {len(self.names):,} groups"
            raise InputError(f"There is no group {shown(group)}; {there}.")
        return found

    def members(self, group: int | str) -> Ids:
        """Return the members of a group: uint32, ascending."""
        return self._slabs()[0].row(self.number(group)).copy()

    def of(self, agent: int) -> Ids:
        """Return the numbers of the groups that an agent is in: uint32, ascending."""
        if not 0 <= agent < self.agents:
            raise InputError(f"No agent {agent}: there are {self.agents:,}, counted from 0.")
        return self._slabs()[1].row(agent).copy()

    def join(self, agents: Ids, groups: Ids, *, strict: bool = True) -> Bools:
        """Add agents to groups, pair by pair; return which are new members: bool (k,)."""
        keys, order = ordered(groups, agents)
        fate, _ = self._slabs()[0].find(keys, np.ones(keys.size, np.uint8))
        new = np.zeros(agents.size, np.bool_)
        new[order[fate == ADDED]] = True
        new = self._fitting(groups, new, strict)
        self._change(agents[new], groups[new], ADDED)
        return new

    def _fitting(self, groups: Ids, new: Bools, strict: bool) -> Bools:
        """Return which new pairs fit within their groups' limits, first come, first served."""
        coming = np.bincount(groups[new], minlength=len(self.names))
        room = np.array(self.limits, np.int64) - self.sizes
        full = np.flatnonzero(coming > room)
        if full.size and strict:
            one = int(full[0])
            raise InputError(
                f"The group {self.names[one]!r} takes {self.limits[one]:,} members and has "
                f"{int(self.sizes[one]):,}, so {int(coming[one]):,} more cannot join."
            )
        for group in full:
            places = np.flatnonzero(new & (groups == group))
            new[places[room[group] :]] = False
        return new

    def leave(self, agents: Ids, groups: Ids) -> Bools:
        """Remove agents from groups, pair by pair; return which were members: bool (k,)."""
        keys, order = ordered(groups, agents)
        fate, _ = self._slabs()[0].find(keys, np.zeros(keys.size, np.uint8))
        gone = np.zeros(agents.size, np.bool_)
        gone[order[fate == REMOVED]] = True
        self._change(agents[gone], groups[gone], REMOVED)
        return gone

    def forget(self, agents: Ids) -> None:
        """Remove agents from all of their groups."""
        held = self.dump()[1]
        if held:
            theirs = np.isin(held["member"], agents)
            self.leave(held["member"][theirs], held["group"][theirs])

    def _change(self, agents: Ids, groups: Ids, what: int) -> None:
        work = []
        for slab, rows, ids in zip(self._slabs(), (groups, agents), (agents, groups), strict=True):
            keys, _ = ordered(rows, ids)
            fate, at = slab.find(keys, np.full(keys.size, what == ADDED, np.uint8))
            slab.make_room(keys, fate)
            work.append((slab, keys, fate, at))
        for slab, keys, fate, at in work:
            slab.change(keys, fate, at, np.empty(0, np.uint16), np.empty(0, np.uint8))

    def _slabs(self) -> tuple[Slab, Slab]:
        """Return rows of members by group and of groups by agent; created with the first group."""
        if self._members is None or self._groups is None:
            self._members, self._groups = Slab.vacant(len(self.names)), Slab.vacant(self.agents)
        return self._members, self._groups

    def grow(self, count: int) -> None:
        """Add agents that are in no group."""
        self.agents += count
        if self._groups is not None:
            self._groups.grow(count)

    def dump(self) -> tuple[list[dict[str, Any]], dict[str, npt.NDArray[Any]]]:
        """Return (name and limit of each group, columns ``group`` and ``member``)."""
        said = [
            {"name": name, "limit": None if limit == ENDLESS else limit}
            for name, limit in zip(self.names, self.limits, strict=True)
        ]
        if not said:
            return said, {}
        rows, columns = self._slabs()[0].tight()
        groups = np.repeat(np.arange(len(said), dtype=np.uint32), rows[:, 1])
        return said, {"group": groups, "member": columns.ids}

    @classmethod
    def restore(
        cls, said: Sequence[Mapping[str, Any]], columns: Mapping[str, npt.NDArray[Any]], agents: int
    ) -> Membership:
        """Restore the membership from :meth:`dump`."""
        made = cls(agents)
        for group in said:
            made.create(str(group["name"]), group["limit"])
        if not said:
            return made
        none = np.empty(0, np.uint32)
        groups, members = columns.get("group", none), columns.get("member", none)
        beyond = groups.size and (
            int(groups.max()) >= len(said) or int(members.max(initial=0)) >= agents
        )
        if groups.shape != members.shape or groups.ndim != 1 or beyond:
            raise InputError("Groups: the columns do not name members and groups that there are.")
        made.join(members.astype(np.uint32), groups.astype(np.uint32))
        return made
