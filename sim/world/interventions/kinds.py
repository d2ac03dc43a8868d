"""The kinds of interventions: each with its fields, which are scenario keys and form fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np

from sim.agents.lifecycle import Lifecycle, belongs
from sim.arrays import Ids
from sim.core import rng
from sim.core.checks import number_or_word
from sim.core.params import Field
from sim.core.registry import make, names, refuse_off, spec
from sim.core.rng import Stream
from sim.errors import InputError, ParameterError, UnknownNameError
from sim.network.graph.changes import AppliedChanges
from sim.network.relations.membership import ENDLESS
from sim.platform.acts.kinds import Act, act_of
from sim.platform.settings import PlatformSettings
from sim.spread.cascade.faults import checked
from sim.world.contract import WorldState
from sim.world.interventions.base import (
    AGENTS,
    MESSAGE,
    OPENS,
    Intervention,
    OnPlatform,
    members_of,
    platform_of,
)
from sim.world.interventions.messages import DownRank, FactCheck, Hide, Inject, Label, Vote, post_of
from sim.world.metrics.values import cascade_of

_MOST_PAIRS = 10_000_000
_SETTINGS = ("outside", "posting", "label_reports", "label_share", "hide_reports", "hide_share")


class _Status(Intervention):
    goal: ClassVar[Lifecycle] = Lifecycle.ACTIVE

    agents: str = Field(description=AGENTS)

    def do(self, world: WorldState, number: int) -> str:
        """Give them the status."""
        who = self.chosen(world, number)
        world.agents.set_status(who, self.goal)
        world.wake()
        return f"{who.size:,} members are {self.goal.name.lower()}"

    def chosen(self, world: WorldState, number: int) -> Ids:
        """Return whom."""
        return members_of(world, self.agents, number)


class Ban(_Status):
    """Ban members: they neither hear, speak nor act, and nobody is shown what they wrote."""

    plugin_name: ClassVar[str] = "ban"
    says: ClassVar[str] = "ban members"
    goal: ClassVar[Lifecycle] = Lifecycle.BANNED


class Freeze(_Status):
    """Freeze accounts until they are thawed."""

    plugin_name: ClassVar[str] = "freeze"
    says: ClassVar[str] = "suspend members until they are thawed"
    goal: ClassVar[Lifecycle] = Lifecycle.SUSPENDED


class Thaw(_Status):
    """Let frozen members be active again."""

    plugin_name: ClassVar[str] = "thaw"
    says: ClassVar[str] = "let suspended members be active again"

    agents: str = Field("all", description="whom, by ids; all: everybody who is suspended")

    def chosen(self, world: WorldState, number: int) -> Ids:
        """Return whom: expressions choose active members alone, so ids are looked up here."""
        if self.agents == "all":
            frozen = world.agents.status == np.uint8(Lifecycle.SUSPENDED)
            return np.flatnonzero(frozen).astype(np.uint32)
        ids = self.agents.removeprefix("ids:").split(",")
        return np.array([world.agents.index(one.strip()) for one in ids], np.uint32)


class Recommend(OnPlatform):
    """Let another recommender rank feeds."""

    plugin_name: ClassVar[str] = "recommend"
    says: ClassVar[str] = "let another recommender rank feeds"

    recommender: str = Field(description="its name")
    agents: str = Field("", description="whose feeds, as for seeds; empty: everybody's")
    parameters: dict[str, Any] = Field(default_factory=dict, description="of the recommender")

    def check_in(self, world: WorldState) -> None:
        """Refuse an unknown recommender or a wrong parameter."""
        super().check_in(world)
        make(self.recommender, "recommender", **self.parameters)

    def do(self, world: WorldState, number: int) -> str:
        """Change it."""
        who = members_of(world, self.agents, number) if self.agents else None
        platform_of(world, self.plugin_name).recommend(self.recommender, who, **self.parameters)
        whose = "everybody" if who is None else f"{who.size:,} members"
        return f"{self.recommender} ranks the feeds of {whose}"


class Behave(OnPlatform):
    """Let another policy decide what members do with what they are shown."""

    plugin_name: ClassVar[str] = "behave"
    says: ClassVar[str] = "let another policy decide what members do"

    policy: str = Field("rule", description="its name")
    agents: str = Field("", description="for whom, as for seeds; empty: for everybody")
    parameters: dict[str, Any] = Field(default_factory=dict, description="of the policy")

    def check_in(self, world: WorldState) -> None:
        """Refuse an unknown policy or a wrong parameter."""
        super().check_in(world)
        make(self.policy, "policy", **self.parameters)

    def do(self, world: WorldState, number: int) -> str:
        """Change it."""
        who = members_of(world, self.agents, number) if self.agents else None
        platform_of(world, self.plugin_name).behave(self.policy, who, **self.parameters)
        whom = "everybody" if who is None else f"{who.size:,} members"
        return f"{self.policy} decides what {whom} do{'es' if who is None else ''}"


class ChangeSetting(OnPlatform):
    """Change a parameter of a message's model, or a setting of the platform."""

    plugin_name: ClassVar[str] = "set"
    says: ClassVar[str] = "change a parameter"

    name: str = Field(description=f"of the message's model, or without one: {', '.join(_SETTINGS)}")
    value: Any = Field(description="the new value")
    message: int = Field(-1, ge=-1, description=f"{MESSAGE}; -1: a setting of the platform")

    def check_in(self, world: WorldState) -> None:
        """Refuse a setting that there is not."""
        if self.message < 0:
            super().check_in(world)
            if self.name not in _SETTINGS:
                raise UnknownNameError("setting that can change", self.name, _SETTINGS)
            self._changed(world)

    def _changed(self, world: WorldState) -> PlatformSettings:
        known = {} if world.platform is None else world.platform.settings.values()
        return PlatformSettings(**{**known, self.name: self.value})

    def do(self, world: WorldState, number: int) -> str:
        """Change it."""
        if self.message >= 0:
            cascade_of(world, self.message).revise(**{self.name: self.value})
            return f"message #{self.message}: {self.name} is {self.value}"
        platform_of(world, self.plugin_name).settings = self._changed(world)
        return f"{self.name} is {self.value}"


class ChangeTies(Intervention):
    """Add or cut ties, or let members mute or block others: each of some, each of the others."""

    plugin_name: ClassVar[str] = "ties"
    says: ClassVar[str] = "add or cut ties, mute or block"

    act: Literal[
        "follow", "unfollow", "befriend", "unfriend", "block", "unblock", "mute", "unmute"
    ] = Field(description="what each of the agents does about each of the others")
    agents: str = Field(description=AGENTS)
    others: str = Field(description=AGENTS)

    def do(self, world: WorldState, number: int) -> str:
        """Do it; an agent that is on both sides leaves itself out."""
        agents, others = (
            members_of(world, self.agents, number),
            members_of(world, self.others, number, others=True),
        )
        if agents.size * others.size > _MOST_PAIRS:
            raise InputError(f"more than {_MOST_PAIRS:,} pairs")
        who, whom = np.repeat(agents, others.size), np.tile(others, agents.size)
        apart = who != whom
        done: AppliedChanges = getattr(world, self.act)(who[apart], whom[apart])
        return str(done)


class CutTies(Intervention):
    """Cut the ties between two groups, or a share of them, both ways."""

    plugin_name: ClassVar[str] = "cut"
    says: ClassVar[str] = "cut the ties between two groups"

    agents: str = Field(description=AGENTS)
    others: str = Field("", description="the other side, as for seeds; empty: everybody")
    share: float = Field(1.0, gt=0, le=1, description="of the ties between them, at random")

    def do(self, world: WorldState, number: int) -> str:
        """Cut them."""
        n = len(world.agents)
        here, there = np.zeros((2, n), np.bool_)
        here[members_of(world, self.agents, number)] = True
        there[
            members_of(world, self.others, number, others=True) if self.others else slice(None)
        ] = True
        sources, targets = world.ties.sources(), world.ties.targets
        between = (here[sources] & there[targets]) | (there[sources] & here[targets])
        sources, targets = sources[between], targets[between]
        key = rng.key(world.seed, Stream.INTERVENTIONS, world.tick, number)
        drawn = rng.uniforms(key, sources, targets) < self.share
        done = world.remove_ties(sources[drawn], targets[drawn])
        return f"{done.removed:,} ties are cut"


class Shock(Intervention):
    """Let members be online more or less often, for a while or for good."""

    plugin_name: ClassVar[str] = "shock"
    says: ClassVar[str] = "let members be online more or less often"

    factor: float = Field(ge=0, le=100, description="times their activity, which ends at 1")
    agents: str = Field("", description=f"{AGENTS}; empty: everybody")
    ticks: int = Field(0, ge=0, description="for how long; 0: for good")

    def do(self, world: WorldState, number: int) -> str:
        """Change activity; what it was is kept, where it is to come back."""
        everybody = np.arange(len(world.agents), dtype=np.uint32)
        who = members_of(world, self.agents, number) if self.agents else everybody
        before = world.agents.activity[who].copy()
        after = np.minimum(before * np.float32(self.factor), np.float32(1))
        world.agents.set_activity(who, after)
        if self.ticks:
            world.interventions.later(world.tick + self.ticks, number, who, before)
        return f"{who.size:,} members are {self.factor:g}x as active"


def largest_community(world: WorldState) -> Ids:
    """Return the members of the largest community; of equals the first."""
    label = world.agents.community
    if not (label >= 0).any():
        raise InputError("nobody is in a community")
    most = np.bincount(label[label >= 0]).argmax()
    return np.flatnonzero(label == most).astype(np.uint32)


class Newcomers(Intervention):
    """Let new members join, each friends with some who are there."""

    plugin_name: ClassVar[str] = "newcomers"
    says: ClassVar[str] = "let new members join"

    count: int = Field(ge=1, le=100_000_000, description="how many")
    among: str = Field(
        "",
        description="whose friends they become, as for seeds; empty: anybody's; 'largest': the "
        "largest community's",
    )
    friends: int = Field(5, ge=0, le=1000, description="how many friends each makes, by lot")

    def do(self, world: WorldState, number: int) -> str:
        """Let them in; a friend that the lot names twice is one."""
        n = len(world.agents)
        known = np.arange(n, dtype=np.uint32)
        if self.among == "largest":
            known = largest_community(world)
        elif self.among:
            known = members_of(world, self.among, number)
        joined = np.asarray(world.create_agents(self.count), np.uint32)
        key = rng.key(world.seed, Stream.INTERVENTIONS, world.tick, number)
        who = np.repeat(joined, self.friends)
        lots = np.tile(np.arange(self.friends, dtype=np.uint32), self.count)
        whom = known[(rng.uniforms(key, who, lots) * known.size).astype(np.int64)]
        if who.size:
            world.befriend(who, whom)
        return f"{self.count:,} members join"


class Group(Intervention):
    """Make a group where there is none of the name, and let members join it, or leave."""

    plugin_name: ClassVar[str] = "group"
    says: ClassVar[str] = "make a group, let members join or leave it"

    name: str = Field(description="the group")
    agents: str = Field("", description=f"{AGENTS}; empty: nobody yet")
    limit: int = Field(0, ge=0, description="of a new group: how many it takes; 0: all who come")
    leave: bool = Field(False, description="they leave")

    def do(self, world: WorldState, number: int) -> str:
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


_MOST_ACTS = 100_000


class OpenPlatform(Intervention):
    """Open a platform: members post, read feeds and act from then on."""

    plugin_name: ClassVar[str] = OPENS
    says: ClassVar[str] = "open a platform"

    recommender: str = Field("blend", description="who ranks feeds")
    policy: str = Field("rule", description="who decides what members do")
    parameters: dict[str, Any] = Field(default_factory=dict, description="of the recommender")
    settings: dict[str, Any] = Field(default_factory=dict, description="of the platform")

    def check_in(self, world: WorldState) -> None:
        """Refuse a world that has one, unknown names and wrong settings."""
        if world.platform is not None:
            raise InputError("This world has a platform already.")
        PlatformSettings(**self.settings).check()
        checked(make(self.recommender, "recommender", **self.parameters))
        make(self.policy, "policy")

    def do(self, world: WorldState, number: int) -> str:
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

    def check_in(self, world: WorldState) -> None:
        """Refuse an unknown act, and one about two messages."""
        super().check_in(world)
        if act_of(self.act) is Act.SIGN_UP:
            raise InputError("Members sign up by joining the world: newcomers.")
        if self.message >= 0 and self.post >= 0:
            raise InputError("An act is about one message: give message or post, not both.")

    def do(self, world: WorldState, number: int) -> str:
        """Let them, before the feeds of the tick that begins; who may not is counted."""
        platform, who = platform_of(world, self.plugin_name), members_of(world, self.agents, number)
        if who.size > _MOST_ACTS:
            raise InputError(f"at most {_MOST_ACTS:,} members act by hand at once")
        said: dict[str, Any] = {
            "message": post_of(world, self.message) if self.message >= 0 else self._post,
            "other": world.agents.index(self.other) if self.other else None,
            "text": self.text,
            "group": number_or_word(self.group) if self.group else None,
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


__all__ = ["KINDS", "Intervention", "LostIntervention", "kinds", "made", "remade"]

KINDS: dict[str, type[Intervention]] = {
    kind.plugin_name: kind
    for kind in (
        Inject, FactCheck, Label, DownRank, Hide, Vote, Ban, Freeze, Thaw, Recommend, Behave,
        ChangeSetting, ChangeTies, CutTies, Group, Shock, Newcomers, ActByHand, OpenPlatform,
    )
}  # fmt: skip
"""The built-in kinds by name."""


class LostIntervention(Intervention):
    """Stands for one whose plugin is not here: what was said of it is kept, nothing is done."""

    saved: ClassVar[Mapping[str, Any]] = {}

    def values(self) -> dict[str, Any]:
        """Return its fields as they were saved."""
        return dict(type(self).saved)

    def do(self, world: WorldState, number: int) -> str:
        """Refuse."""
        raise InputError(f"its plugin {self.plugin_name!r} is not there; load it: --plugin FILE")


def kinds() -> dict[str, type[Intervention]]:
    """Return every kind by its name: the built-in ones, then those of plugins."""
    foreign = {name: spec(name, "intervention").cls for name in names("intervention")}
    return KINDS | {n: cls for n, cls in foreign.items() if issubclass(cls, Intervention)}


def made(kind: str, said: dict[str, Any]) -> Intervention:
    """Return an intervention of a kind, checked."""
    known = kinds()
    if kind not in known:
        refuse_off(kind)
        raise UnknownNameError("intervention", str(kind), tuple(known))
    if "message" in said and isinstance(said["message"], bool):
        raise ParameterError(f"{kind}: message is a number, got {said['message']}.")
    return known[kind](**said)


def remade(kind: str, said: dict[str, Any]) -> Intervention:
    """Return an intervention as a file has it; without its plugin, what stands for it."""
    is_name = isinstance(kind, str) and kind == kind.lower() and kind.replace("-", "").isalnum()
    if not is_name or not isinstance(said, dict):
        raise InputError(f"What an intervention does has a name and fields, got {kind!r:.40}.")
    try:
        return made(kind, said)
    except UnknownNameError:
        own = {"__module__": __name__, "plugin_name": kind, "saved": said}
        return type("LostIntervention", (LostIntervention,), own)()  # type: ignore[no-any-return]
