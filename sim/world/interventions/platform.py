"""Interventions on the platform: open it late, and let members act by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from sim.core.params import Field
from sim.core.registry import make
from sim.errors import InputError
from sim.platform.acts.kinds import Act, act_of
from sim.platform.settings import PlatformSettings
from sim.world.interventions.base import (
    AGENTS,
    OPENS,
    Intervention,
    OnPlatform,
    members_of,
    platform_of,
)
from sim.world.interventions.messages import post_of

if TYPE_CHECKING:
    from sim.world.world import World

__all__ = ["ActByHand", "OpenPlatform"]

_MOST_ACTS = 100_000


class OpenPlatform(Intervention):
    """Open a platform: members post, read feeds and act from then on."""

    plugin_name: ClassVar[str] = OPENS
    says: ClassVar[str] = "open a platform"

    recommender: str = Field("blend", description="who ranks feeds")
    policy: str = Field("rule", description="who decides what members do")
    parameters: dict[str, Any] = Field(default_factory=dict, description="of the recommender")
    settings: dict[str, Any] = Field(default_factory=dict, description="of the platform")

    def check_in(self, world: World) -> None:
        """Refuse a world that has one, unknown names and wrong settings."""
        if world.platform is not None:
            raise InputError("This world has a platform already.")
        PlatformSettings(**self.settings).check()
        make(self.recommender, "recommender", **self.parameters).check()
        make(self.policy, "policy")

    def do(self, world: World, number: int) -> str:
        """Open it."""
        ranks = make(self.recommender, "recommender", **self.parameters)
        world.open_platform(self.settings, recommender=ranks, policy=self.policy)
        return f"a platform is open; {self.recommender} ranks feeds"


class ActByHand(OnPlatform):
    """Let each of some members do the same by hand: like, post, reply, follow, join a group."""

    plugin_name: ClassVar[str] = "act"
    says: ClassVar[str] = "let members act by hand"

    act: str = Field(description="what, such as 'like', 'reply' or 'join group'")
    agents: str = Field(description=AGENTS)
    message: int = Field(-1, ge=-1, description="the injected message that it is about; -1: none")
    post: int = Field(-1, ge=-1, description="or the number of a post; -1: none")
    other: str = Field("", description="the id of the member that it is about")
    text: str = Field("", description="what is said or looked for; a new group's name")
    group: str = Field("", description="the group, by number or name")

    def check_in(self, world: World) -> None:
        """Refuse an unknown act, and one about two messages."""
        super().check_in(world)
        if act_of(self.act) is Act.SIGN_UP:
            raise InputError("Members sign up by joining the world: newcomers.")
        if self.message >= 0 and self.post >= 0:
            raise InputError("An act is about one message: give message or post, not both.")

    def do(self, world: World, number: int) -> str:
        """Let them, before the feeds of the tick that begins; who may not is counted."""
        platform, who = platform_of(world, self.plugin_name), members_of(world, self.agents, number)
        if who.size > _MOST_ACTS:
            raise InputError(f"at most {_MOST_ACTS:,} members act by hand at once")
        said: dict[str, Any] = {
            "message": post_of(world, self.message) if self.message >= 0 else self._post,
            "other": world.agents.index(self.other) if self.other else None,
            "text": self.text,
            "group": int(self.group) if self.group.isdecimal() else self.group or None,
        }
        refused: list[str] = []
        for agent in who.tolist():
            try:
                platform.act(agent, self.act, **said)
            except InputError as error:
                refused.append(str(error))
        if len(refused) == who.size:
            raise InputError(refused[0])
        told = f"; {len(refused):,} may not: {refused[0]}" if refused else ""
        return f"{who.size - len(refused):,} members {act_of(self.act).says}{told}"

    @property
    def _post(self) -> int | None:
        return self.post if self.post >= 0 else None
