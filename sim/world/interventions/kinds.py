"""The kinds of interventions; their fields are scenario keys and form fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np

from sim.agents.lifecycle import Lifecycle, belongs
from sim.arrays import Ids
from sim.core import rng
from sim.core.checks import number_or_word
from sim.core.params import Field, Parameters
from sim.core.plugin_files import API_VERSION
from sim.core.registry import make, names, refuse_off, spec
from sim.core.rng import Stream
from sim.errors import InputError, ParameterError, UnknownNameError
from sim.network.graph.changes import AppliedChanges
from sim.network.relations.membership import ENDLESS
from sim.platform.acts.kinds import Act, act_of
from sim.platform.feed.candidates_kernels import LIKES
from sim.platform.posts.posts import Flag
from sim.platform.settings import PlatformSettings
from sim.spread.cascade.faults import checked
from sim.world.base import PlatformState, WorldState
from sim.world.channels import FEED
from sim.world.metrics.values import cascade_of
from sim.world.seeding import choose_seeds

AGENTS = "members: ids or e.g. top:10:degree, community:NAME"
OPENS = "open-platform"
MESSAGE = "number of the message sent, from 0"


class Intervention(Parameters):
    """Something that is done to a world at a tick, or when a condition holds.

    Its fields are the keys of a scenario and the fields of a form; it is made by name wherever an
    intervention is planned. What it draws, it draws from :class:`~sim.core.rng.Lots` by its name
    and ``number``.

    Examples
    --------
    >>> from hubbub import Field, Intervention, World, register
    >>> @register("curfew")
    ... class Curfew(Intervention):
    ...     says = "let everybody be less active"
    ...     share: float = Field(0.5, ge=0, le=1, description="what is left of activity")
    ...
    ...     def do(self, world, number):
    ...         world.agents.set_activity(range(len(world.agents)), self.share)
    ...         return f"activity is {self.share}"
    >>> world = World.create(agents=20, mean_degree=4)
    >>> planned = world.at(1, "curfew", share=0.25)
    >>> world.step(2)
    >>> float(world.agents.activity.max()), world.interventions[0].result
    (0.25, 'activity is 0.25')
    """

    plugin_kind: ClassVar[str] = "intervention"
    version: ClassVar[str] = "1"
    api: ClassVar[int] = API_VERSION
    requires: ClassVar[tuple[str, ...]] = ()
    says: ClassVar[str] = ""
    """Short description of what it does."""
    phrase: ClassVar[str] = ""
    """How one is put in words, with its fields: ``ban {agents}``; empty: by its name."""

    def check_in(self, world: Any) -> None:
        """Raise if this could never be done in this world."""

    def do(self, world: Any, number: int) -> str:
        """Carry it out and return the result. ``number`` is its own number, for its draws."""
        raise NotImplementedError


def members_of(world: WorldState, expression: str, number: int, *, others: bool = False) -> Ids:
    """Return the members an intervention applies to; each side draws from its own stream."""
    key = rng.key(world.seed, Stream.CHOSEN, world.tick, 2 * number + others)
    return choose_seeds(world, expression, key=key)


class OnPlatform(Intervention):
    """One that needs a platform."""

    def check_in(self, world: Any) -> None:
        """Raise for a world without one, unless opening one is planned."""
        if not opens_later(world):
            platform_of(world, self.plugin_name)


def opens_later(world: WorldState) -> bool:
    """Return whether opening a platform is planned and has not happened yet."""
    return any(each.does.plugin_name == OPENS and not each.is_over for each in world.interventions)


def platform_of(world: WorldState, name: str) -> PlatformState:
    """Return a world's platform, or raise that ``name`` needs one."""
    if world.platform is None:
        raise InputError(f"{name} needs a platform, and this world has none; open one first.")
    return world.platform


class Inject(Intervention):
    """Start a message."""

    plugin_name: ClassVar[str] = "inject"
    says: ClassVar[str] = "start a message"
    phrase: ClassVar[str] = "send '{text}' to {seeds}"

    text: str = Field(description="message text")
    seeds: str = Field("random:10", description="seed members, e.g. random:10")
    model: str = Field("independent-cascade", description="the propagation model")
    channel: str = Field("", description="who receives it; default: the world's channel")
    author: str = Field("", description="id of the author")
    priority: int = Field(0, description="among waiting or competing messages the highest wins")
    parameters: dict[str, Any] = Field(default_factory=dict, description="of the model")

    def check_in(self, world: WorldState) -> None:
        """Raise for an unknown model or a wrong parameter."""
        checked(make(self.model, "propagation", **self.parameters))
        if self.channel and not (self.channel == FEED and opens_later(world)):
            world.channel(self.channel)

    def do(self, world: WorldState, number: int) -> str:
        """Inject the message at this tick."""
        cascade = world.inject(
            self.text,
            seeds=members_of(world, self.seeds, number),
            model=self.model,
            channel=self.channel or None,
            author=world.agents.index(self.author) if self.author else None,
            priority=self.priority,
            **self.parameters,
        )
        return f"message #{cascade.id} from {cascade.seeds.size:,} seeds"


class FactCheck(Intervention):
    """Label a message, and let a correction reach a share of all members."""

    plugin_name: ClassVar[str] = "fact-check"
    says: ClassVar[str] = "label a message and spread a correction"
    phrase: ClassVar[str] = "fact-check message {message}"

    message: int = Field(0, ge=0, description=MESSAGE)
    reach: float = Field(
        0.1, gt=0, le=1, description="share of the active members who get the correction first"
    )
    text: str = Field("Fact-check: this is not true.", description="text of the correction")
    model: str = Field("", description="model of the correction; default: that of the message")
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="of that model; default: those of the message"
    )
    priority: int = Field(
        1, description="which one wins a member convinced by both, under tie = priority"
    )

    def check_in(self, world: WorldState) -> None:
        """Raise for an unknown model or a wrong parameter."""
        if self.model:
            checked(make(self.model, "propagation", **self.parameters))

    def do(self, world: WorldState, number: int) -> str:
        """Label and inject; adopters of the message are skipped."""
        checked = cascade_of(world, self.message)
        key = rng.key(world.seed, Stream.INTERVENTIONS, world.tick, number)
        everybody = np.arange(len(world.agents), dtype=np.uint32)
        may = world.agents.is_active(everybody) & (checked.adopted_at < 0)
        lucky = everybody[may & (rng.uniforms(key, everybody) < self.reach)]
        if not lucky.size:
            raise InputError("nobody was left whom the correction could reach")
        own = checked.model.values() if self.model in {"", checked.model_name} else {}
        correction = world.inject(
            self.text,
            seeds=lucky,
            model=self.model or checked.model_name,
            priority=self.priority,
            channel=checked.channel.name,
            tags=checked.message.tags,
            **{**own, **self.parameters},
        )
        _flag(world, self.message, "labelled", on=True, strict=False)
        return f"message #{correction.id} corrects #{self.message} with {lucky.size:,} members"


class _Flagging(OnPlatform):
    flag: ClassVar[str] = ""

    message: int = Field(0, ge=0, description=MESSAGE)
    post: int = Field(-1, ge=-1, description="or the number of a member's post; -1: none")
    on: bool = Field(True, description="false: remove the flag")

    def do(self, world: WorldState, number: int) -> str:
        """Set the flag on the message's post, or on a member's."""
        which = f"message #{self.message}" if self.post < 0 else f"post m{self.post}"
        if self.post < 0:
            _flag(world, self.message, self.flag, on=self.on, strict=True)
        else:
            posts = platform_of(world, self.plugin_name).posts
            posts.mark(self.post, Flag[self.flag.upper()], on=self.on)
        return f"{which} is {'' if self.on else 'no longer '}{self.flag}"


def _flag(world: WorldState, message: int, flag: str, *, on: bool, strict: bool) -> None:
    try:
        post = post_of(world, message)
    except InputError:
        if strict:
            raise
    else:
        platform_of(world, flag).posts.mark(post, Flag[flag.upper()], on=on)


def post_of(world: WorldState, message: int) -> int:
    """Return the post of an injected message."""
    cascade_of(world, message)
    post = None if world.platform is None else world.platform.injected.get(message)
    if world.platform is None or post is None or post < world.platform.posts.first:
        raise InputError(f"message #{message} stands in no feed")
    return post


class Label(_Flagging):
    """Label a message: members see that it is disputed."""

    plugin_name: ClassVar[str] = "label"
    says: ClassVar[str] = "label a message as disputed"
    phrase: ClassVar[str] = "label message {message}"
    flag: ClassVar[str] = "labelled"


class DownRank(_Flagging):
    """Let recommenders rank a message lower."""

    plugin_name: ClassVar[str] = "down-rank"
    says: ClassVar[str] = "rank a message lower in feeds"
    phrase: ClassVar[str] = "rank message {message} lower"
    flag: ClassVar[str] = "downranked"


class Hide(_Flagging):
    """Take a message out of feeds."""

    plugin_name: ClassVar[str] = "hide"
    says: ClassVar[str] = "remove a message from feeds"
    phrase: ClassVar[str] = "hide message {message}"
    flag: ClassVar[str] = "hidden"


class Vote(OnPlatform):
    """Give a message likes or dislikes that nobody gave: a manipulated first impression."""

    plugin_name: ClassVar[str] = "vote"
    says: ClassVar[str] = "give a message likes or dislikes"

    message: int = Field(0, ge=0, description=MESSAGE)
    likes: int = Field(0, ge=0, le=1_000_000, description="how many")
    dislikes: int = Field(0, ge=0, le=1_000_000, description="how many")

    def do(self, world: WorldState, number: int) -> str:
        """Add the votes to the post's counters."""
        posts = platform_of(world, self.plugin_name).posts
        row = posts.row(post_of(world, self.message))
        posts.hot[row, LIKES] += np.uint32(self.likes)
        posts.hold(np.full(self.dislikes, row, np.uint32))
        posts.cold[row, 0] += np.uint32(self.dislikes)
        return f"message #{self.message} has {self.likes:,} likes, {self.dislikes:,} dislikes more"


_MOST_PAIRS = 10_000_000
_SETTINGS = ("outside", "posting", "label_reports", "label_share", "hide_reports", "hide_share")


class _Status(Intervention):
    goal: ClassVar[Lifecycle] = Lifecycle.ACTIVE

    agents: str = Field(description=AGENTS)

    def do(self, world: WorldState, number: int) -> str:
        """Set the status of the chosen members."""
        who = self.chosen(world, number)
        world.agents.set_status(who, self.goal)
        world.wake()
        return f"{who.size:,} members are {self.goal.name.lower()}"

    def chosen(self, world: WorldState, number: int) -> Ids:
        """Return the chosen members."""
        return members_of(world, self.agents, number)


class Ban(_Status):
    """Ban members: they neither hear, speak nor act, and nobody is shown what they wrote."""

    plugin_name: ClassVar[str] = "ban"
    says: ClassVar[str] = "ban members"
    phrase: ClassVar[str] = "ban {agents}"
    goal: ClassVar[Lifecycle] = Lifecycle.BANNED


class Freeze(_Status):
    """Freeze accounts until they are thawed."""

    plugin_name: ClassVar[str] = "freeze"
    says: ClassVar[str] = "suspend members until they are thawed"
    phrase: ClassVar[str] = "suspend {agents}"
    goal: ClassVar[Lifecycle] = Lifecycle.SUSPENDED


class Thaw(_Status):
    """Let frozen members be active again."""

    plugin_name: ClassVar[str] = "thaw"
    says: ClassVar[str] = "reactivate suspended members"
    phrase: ClassVar[str] = "reactivate {agents}"

    agents: str = Field("all", description="members by ids; all: all suspended members")

    def chosen(self, world: WorldState, number: int) -> Ids:
        """Return the members; expressions choose only active ones, so ids are looked up here."""
        if self.agents == "all":
            frozen = world.agents.status == np.uint8(Lifecycle.SUSPENDED)
            return np.flatnonzero(frozen).astype(np.uint32)
        ids = self.agents.removeprefix("ids:").split(",")
        return np.array([world.agents.index(one.strip()) for one in ids], np.uint32)


class Recommend(OnPlatform):
    """Let another recommender rank feeds."""

    plugin_name: ClassVar[str] = "recommend"
    says: ClassVar[str] = "change the recommender of feeds"
    phrase: ClassVar[str] = "rank feeds by {recommender}"

    recommender: str = Field(description="name of the recommender")
    agents: str = Field("", description=f"{AGENTS}; default: all")
    parameters: dict[str, Any] = Field(default_factory=dict, description="of the recommender")

    def check_in(self, world: WorldState) -> None:
        """Raise for an unknown recommender or a wrong parameter."""
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
    says: ClassVar[str] = "change the policy of members"

    policy: str = Field("rule", description="name of the policy")
    agents: str = Field("", description=f"{AGENTS}; default: all")
    parameters: dict[str, Any] = Field(default_factory=dict, description="of the policy")

    def check_in(self, world: WorldState) -> None:
        """Raise for an unknown policy or a wrong parameter."""
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
    phrase: ClassVar[str] = "set {name} to {value}"

    name: str = Field(description=f"a parameter; without a message: {', '.join(_SETTINGS)}")
    value: Any = Field(description="the new value")
    message: int = Field(-1, ge=-1, description=f"{MESSAGE}; -1: a setting of the platform")

    def check_in(self, world: WorldState) -> None:
        """Raise for an unknown setting."""
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
    ] = Field(description="action of each of the agents towards each of the others")
    agents: str = Field(description=AGENTS)
    others: str = Field(description=AGENTS)

    def do(self, world: WorldState, number: int) -> str:
        """Change the ties; an agent on both sides is not paired with itself."""
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
    phrase: ClassVar[str] = "cut the ties of {agents}"

    agents: str = Field(description=AGENTS)
    others: str = Field("", description="the other side, as for agents; default: all")
    share: float = Field(1.0, gt=0, le=1, description="share of the ties between them, at random")

    def do(self, world: WorldState, number: int) -> str:
        """Cut the ties."""
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
    says: ClassVar[str] = "change how often members are online"
    phrase: ClassVar[str] = "multiply activity by {factor}"

    factor: float = Field(ge=0, le=100, description="multiplies their activity (at most 1)")
    agents: str = Field("", description=f"{AGENTS}; default: all")
    ticks: int = Field(0, ge=0, description="duration; 0: permanent")

    def do(self, world: WorldState, number: int) -> str:
        """Change activity; the previous values are kept if they are to be restored."""
        everybody = np.arange(len(world.agents), dtype=np.uint32)
        who = members_of(world, self.agents, number) if self.agents else everybody
        before = world.agents.activity[who].copy()
        after = np.minimum(before * np.float32(self.factor), np.float32(1))
        world.agents.set_activity(who, after)
        if self.ticks:
            world.interventions.later(world.tick + self.ticks, number, who, before)
        return f"{who.size:,} members are {self.factor:g}x as active"


def largest_community(world: WorldState) -> Ids:
    """Return the members of the largest community; the first of equally large ones."""
    label = world.agents.community
    if not (label >= 0).any():
        raise InputError("nobody is in a community")
    most = np.bincount(label[label >= 0]).argmax()
    return np.flatnonzero(label == most).astype(np.uint32)


class Newcomers(Intervention):
    """Let new members join, each friends with some who are there."""

    plugin_name: ClassVar[str] = "newcomers"
    says: ClassVar[str] = "add new members"

    count: int = Field(ge=1, le=100_000_000, description="number of new members")
    among: str = Field(
        "",
        description="members whose friends they become, as for seeds; default: all; 'largest': the "
        "largest community",
    )
    friends: int = Field(5, ge=0, le=1000, description="number of random friends of each")

    def do(self, world: WorldState, number: int) -> str:
        """Add the members; a friend drawn twice counts once."""
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
    says: ClassVar[str] = "create a group, or let members join or leave it"

    name: str = Field(description="name of the group")
    agents: str = Field("", description=f"{AGENTS}; default: none")
    limit: int = Field(0, ge=0, description="most members of a new group; 0: no limit")
    leave: bool = Field(False, description="leave instead of join")

    def do(self, world: WorldState, number: int) -> str:
        """Carry it out; the first members get the free places, banned and destroyed ones none."""
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

    recommender: str = Field("blend", description="recommender of feeds")
    policy: str = Field("rule", description="policy of members")
    parameters: dict[str, Any] = Field(default_factory=dict, description="of the recommender")
    settings: dict[str, Any] = Field(default_factory=dict, description="of the platform")

    def check_in(self, world: WorldState) -> None:
        """Raise for a world that has one, unknown names and wrong settings."""
        if world.platform is not None:
            raise InputError("This world has a platform already.")
        PlatformSettings(**self.settings).check()
        checked(make(self.recommender, "recommender", **self.parameters))
        make(self.policy, "policy")

    def do(self, world: WorldState, number: int) -> str:
        """Open the platform."""
        ranks = make(self.recommender, "recommender", **self.parameters)
        world.open_platform(self.settings, recommender=ranks, policy=self.policy)
        return f"a platform is open; {self.recommender} ranks feeds"


class ActByHand(OnPlatform):
    """Let each of some members do the same by hand: like, post, reply, follow, join a group."""

    plugin_name: ClassVar[str] = "act"
    says: ClassVar[str] = "make members act"

    act: str = Field(description="action, such as 'like', 'reply' or 'join group'")
    agents: str = Field(description=AGENTS)
    message: int = Field(-1, ge=-1, description="number of the message sent; -1: none")
    post: int = Field(-1, ge=-1, description="or number of a post; -1: none")
    other: str = Field("", description="id of the other member")
    text: str = Field("", description="text, search words, or name of a new group")
    group: str = Field("", description="the group, by number or name")

    def check_in(self, world: WorldState) -> None:
        """Raise for an unknown act, and for one about two messages."""
        super().check_in(world)
        if act_of(self.act) is Act.SIGN_UP:
            raise InputError("Members sign up by joining the world: newcomers.")
        if self.message >= 0 and self.post >= 0:
            raise InputError("An act is about one message: give message or post, not both.")

    def do(self, world: WorldState, number: int) -> str:
        """Schedule the acts before the next tick's feeds; count the members who may not act."""
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
        """Raise: the plugin is missing."""
        raise InputError(f"its plugin {self.plugin_name!r} is not there; load it: --plugin FILE")


def kinds() -> dict[str, type[Intervention]]:
    """Return all kinds by name: the built-in ones, then those of plugins."""
    foreign = {name: spec(name, "intervention").cls for name in names("intervention")}
    return KINDS | {n: cls for n, cls in foreign.items() if issubclass(cls, Intervention)}


def made(kind: str, said: dict[str, Any]) -> Intervention:
    """Return a checked intervention of a kind."""
    known = kinds()
    if kind not in known:
        refuse_off(kind)
        raise UnknownNameError("intervention", str(kind), tuple(known))
    if "message" in said and isinstance(said["message"], bool):
        raise ParameterError(f"{kind}: message is a number, got {said['message']}.")
    return known[kind](**said)


def remade(kind: str, said: dict[str, Any]) -> Intervention:
    """Return an intervention as saved in a file, or a placeholder if its plugin is missing."""
    is_name = isinstance(kind, str) and kind == kind.lower() and kind.replace("-", "").isalnum()
    if not is_name or not isinstance(said, dict):
        raise InputError(f"What an intervention does has a name and fields, got {kind!r:.40}.")
    try:
        return made(kind, said)
    except UnknownNameError:
        own = {"__module__": __name__, "plugin_name": kind, "saved": said}
        return type("LostIntervention", (LostIntervention,), own)()  # type: ignore[no-any-return]
