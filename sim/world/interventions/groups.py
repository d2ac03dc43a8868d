"""An intervention about groups: make one, with or without a limit, and let members in or out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sim.agents.lifecycle import belongs
from sim.core.params import Field
from sim.errors import InputError
from sim.network.relations.membership import ENDLESS
from sim.world.interventions.base import AGENTS, Intervention, members_of

if TYPE_CHECKING:
    from sim.world.world import World

__all__ = ["Group"]


class Group(Intervention):
    """Make a group where there is none of the name, and let members join it, or leave."""

    plugin_name: ClassVar[str] = "group"
    says: ClassVar[str] = "make a group, let members join or leave it"

    name: str = Field(description="the group")
    agents: str = Field("", description=f"{AGENTS}; empty: nobody yet")
    limit: int = Field(0, ge=0, description="of a new group: how many it takes; 0: all who come")
    leave: bool = Field(False, description="they leave")

    def do(self, world: World, number: int) -> str:
        """Do it; of a crowd the first find room, and banned and destroyed ones stay out."""
        groups, said = world.groups, f"the group {self.name!r}"
        is_new = self.name not in groups.names
        if is_new and self.leave:
            raise InputError(f"there is no group {self.name!r} to leave")
        who = members_of(world, self.agents, number) if self.agents else np.empty(0, np.uint32)
        if is_new:
            groups.create(self.name, self.limit or None)
        if self.leave:
            return f"{groups.leave(who, self.name):,} left {said}"
        limit, inside = groups.limit(self.name), groups.members(self.name)
        who = who[~np.isin(who, inside) & belongs(world.agents.status[who], "ties")]
        room = who.size if limit >= ENDLESS else max(limit - inside.size, 0)
        joined = groups.join(who[:room], self.name)
        left = f"; {who.size - joined:,} found no room" if who.size > joined else ""
        return (
            f"{said} is made; {joined:,} joined{left}"
            if is_new
            else f"{joined:,} joined {said}{left}"
        )
