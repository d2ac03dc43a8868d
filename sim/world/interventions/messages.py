"""Interventions that are about messages."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from sim.core import rng
from sim.core.params import Field
from sim.core.registry import make
from sim.core.rng import Stream
from sim.errors import InputError
from sim.platform.channel import FEED
from sim.platform.feed.candidates_kernels import LIKES
from sim.platform.posts.posts import Flag
from sim.spread.cascade.faults import checked
from sim.world.contract import WorldState
from sim.world.interventions.base import (
    MESSAGE,
    Intervention,
    OnPlatform,
    members_of,
    opens_later,
    platform_of,
)
from sim.world.metrics.values import cascade_of


class Inject(Intervention):
    """Start a message."""

    plugin_name: ClassVar[str] = "inject"
    says: ClassVar[str] = "start a message"

    text: str = Field(description="what it says")
    seeds: str = Field("random:10", description="who holds it first, an expression")
    model: str = Field("independent-cascade", description="the propagation model")
    channel: str = Field("", description="who hears whom; empty: the world's own")
    author: str = Field("", description="the id of the agent that wrote it")
    priority: int = Field(0, description="of messages that wait or compete the highest wins")
    parameters: dict[str, Any] = Field(default_factory=dict, description="of the model")

    def check_in(self, world: WorldState) -> None:
        """Refuse an unknown model or a wrong parameter."""
        checked(make(self.model, "propagation", **self.parameters))
        if self.channel and not (self.channel == FEED and opens_later(world)):
            world.channel(self.channel)

    def do(self, world: WorldState, number: int) -> str:
        """Inject it at this tick."""
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

    message: int = Field(0, ge=0, description=MESSAGE)
    reach: float = Field(
        0.1, gt=0, le=1, description="share of the active members that hold the correction first"
    )
    text: str = Field("Fact-check: this is not true.", description="what the correction says")
    model: str = Field("", description="the correction's model; empty: the message's own")
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="of that model; else the message's own"
    )
    priority: int = Field(1, description="where both convince somebody, under tie = priority")

    def check_in(self, world: WorldState) -> None:
        """Refuse an unknown model or a wrong parameter."""
        if self.model:
            checked(make(self.model, "propagation", **self.parameters))

    def do(self, world: WorldState, number: int) -> str:
        """Label and inject; those who hold the message already are not asked."""
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
    on: bool = Field(True, description="false takes it off again")

    def do(self, world: WorldState, number: int) -> str:
        """Put the flag on the message's post, or on a member's."""
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
    """Return the post that an injected message is in feeds."""
    cascade_of(world, message)
    post = None if world.platform is None else world.platform.injected.get(message)
    if world.platform is None or post is None or post < world.platform.posts.first:
        raise InputError(f"message #{message} stands in no feed")
    return post


class Label(_Flagging):
    """Label a message: members see that it is disputed."""

    plugin_name: ClassVar[str] = "label"
    says: ClassVar[str] = "label a message as disputed"
    flag: ClassVar[str] = "labelled"


class DownRank(_Flagging):
    """Let recommenders rank a message lower."""

    plugin_name: ClassVar[str] = "down-rank"
    says: ClassVar[str] = "rank a message lower in feeds"
    flag: ClassVar[str] = "downranked"


class Hide(_Flagging):
    """Take a message out of feeds."""

    plugin_name: ClassVar[str] = "hide"
    says: ClassVar[str] = "take a message out of feeds"
    flag: ClassVar[str] = "hidden"


class Vote(OnPlatform):
    """Give a message likes or dislikes that nobody gave: a manipulated first impression."""

    plugin_name: ClassVar[str] = "vote"
    says: ClassVar[str] = "give a message likes or dislikes"

    message: int = Field(0, ge=0, description=MESSAGE)
    likes: int = Field(0, ge=0, le=1_000_000, description="how many")
    dislikes: int = Field(0, ge=0, le=1_000_000, description="how many")

    def do(self, world: WorldState, number: int) -> str:
        """Add them to the post's counters."""
        posts = platform_of(world, self.plugin_name).posts
        row = posts.row(post_of(world, self.message))
        posts.hot[row, LIKES] += np.uint32(self.likes)
        posts.hold(np.full(self.dislikes, row, np.uint32))
        posts.cold[row, 0] += np.uint32(self.dislikes)
        return f"message #{self.message} has {self.likes:,} likes, {self.dislikes:,} dislikes more"
