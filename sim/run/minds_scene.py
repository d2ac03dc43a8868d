"""What a member sees, remembers and wants, put before the mind that decides for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np

from sim.agents.character import ARCHETYPES, archetype
from sim.core import rng
from sim.core.clock import Clock
from sim.core.rng import Stream
from sim.feed.writer import Writer
from sim.llm.asks import Answer, Ask
from sim.llm.decisions import Decision
from sim.llm.memory import Memory
from sim.llm.minds import Member, Mind
from sim.llm.once import Once
from sim.llm.prompts import Post, Prompt
from sim.llm.replylog import Slot
from sim.llm.seeing import seen_of
from sim.run.minds_around import around, goal_of
from sim.run.minds_thoughts import Row, Thought
from sim.world.platform import Platform
from sim.world.platform_minds import Seen, feed_of, ruled
from sim.world.world import World

__all__ = ["Asking", "Scenery", "persona_of", "thoughts_of"]

Asking = Callable[[Thought, Ask], Awaitable[Answer]]
_RECALLED = 5
_MOST_MEMORIES = 64
_TRAITS = (
    ("set in your ways", "curious"), ("careless", "careful"), ("quiet", "outgoing"),
    ("blunt", "kind"), ("calm", "anxious"),
)  # fmt: skip
_LOW, _HIGH = 0.35, 0.65
_MOST_TAGS = 4
_DECIDES = 0x4D494E44
"""Salt of the draws that members decide by."""
_FIRST_OWN = 1 << 40
"""Texts that rules write for minds have numbers beyond those of messages."""


class Scenery(NamedTuple):
    """What a thinker brings to every member's decision.

    Attributes
    ----------
    prompt, limit
        The template of a decision, and the tokens of a prompt at most.
    ask
        Who asks a model on behalf of a thought.
    mind
        Returns the mind of a name and its parameters; None: there is none any more.
    prompts
        Other templates, by name.
    """

    prompt: Prompt
    limit: int
    ask: Asking
    mind: Callable[[str, Mapping[str, Any]], Mind | None]
    prompts: Mapping[str, Prompt]


def thoughts_of(
    world: World, platform: Platform, members: Sequence[int], scenery: Scenery
) -> list[Thought]:
    """Return what members have to decide on: it holds all that is needed of the world."""
    rules = ruled(platform, np.array(members, np.uint32)) if members else {}
    kinds = archetype(world.agents, members).tolist() if members else []
    once = Once(dict(platform.minds.kept))
    moment = str(Clock(world.tick_minutes).moment(world.tick))
    return [
        _thought(
            world, platform, scenery, _Of(member, rules[member], ARCHETYPES[kind], moment), once
        )
        for member, kind in zip(members, kinds, strict=True)
    ]


class _Of(NamedTuple):
    """A member, what rules say, what kind of member it is, and when."""

    member: int
    rule: list[Row]
    archetype: str
    moment: str


def _thought(world: World, platform: Platform, scenery: Scenery, of: _Of, once: Once) -> Thought:
    minds, member = platform.minds, of.member
    feed, hours = feed_of(world, platform, member), world.tick * world.tick_minutes / 60
    posts = tuple(_post(world, seen) for seen in feed)
    called = minds.kinds[member]
    thought = Thought(
        Slot(world.tick, member), scenery.mind(called, minds.options.get(member, {})), called,
        feed, posts, hours, once=once,
    )  # fmt: skip
    near = around(world, platform, member, len(feed), scenery.prompts["plan"], hours)
    thought.around = near
    thought.recalled = _recalled(platform, member, feed, hours)
    places = {seen.message: at for at, seen in enumerate(feed, 1)}
    thought.member = Member(
        member, world.agents.name(member), persona_of(world, member), goal_of(minds, member),
        of.moment,
        tuple(Decision(row["act"], places[row["message"]]) for row in of.rule),
        scenery.prompt, scenery.limit, partial(scenery.ask, thought),
        language=near.language, letters=near.letters, places=near.places, planning=near.planning,
        prompts=scenery.prompts, tick=world.tick, archetype=of.archetype,
        traits=tuple(value / 255 for value in world.agents.personality[member].tolist()),
        draw=partial(_draw, world.seed, world.tick, member),
        write=partial(_words, world, member),
        once=partial(_once, thought),
    )  # fmt: skip
    thought.seen = seen_of(thought.member, posts)
    return thought


def _recalled(platform: Platform, member: int, feed: Sequence[Seen], hours: float) -> list[str]:
    """Return what comes to mind at the sight of a feed."""
    tags = 0
    for seen in feed:
        tags |= seen.tags
    memory = Memory.restore(_MOST_MEMORIES, platform.minds.memories.get(member, ()))
    return [one.text for one in memory.recall(hours, tags, _RECALLED)]


def _post(world: World, seen: Seen) -> Post:
    return Post(
        seen.name, seen.text, seen.likes, seen.shares,
        world.agents.vocabulary.names(seen.tags), seen.interest,
        seen.age * world.tick_minutes / 60, seen.followed, seen.labelled,
    )  # fmt: skip


def _draw(seed: int, tick: int, member: int, number: int = 0) -> float:
    """Return a number in [0, 1): the same for the same seed, tick, member and number."""
    key = rng.key(seed, Stream.ACTS, tick=tick, salt=_DECIDES)
    return float(rng.uniforms(key, [member], [number])[0])


@lru_cache(maxsize=4)
def _writer(vocabulary: tuple[str, ...]) -> Writer:
    return Writer(vocabulary)


def _words(world: World, member: int, post: Post | None = None) -> str:
    """Return what rules let a member write, of its own or upon a post."""
    agents, writer = world.agents, _writer(tuple(world.agents.vocabulary))
    number = _FIRST_OWN + world.tick * len(agents) + member
    traits = agents.personality[member].tolist()
    if post is None:
        tags = int(agents.interests[member])
        return writer.post(world.seed, number, tags=tags, personality=traits)
    tags, name = agents.vocabulary.mask(post.tags), post.author.split(" ")[0]
    return writer.reply(world.seed, number, to=name, tags=tags, personality=traits)


async def _once(thought: Thought, key: str, ask: Ask, read: Callable[[str], Any]) -> Any:
    """Ask what many ask; who asks first keeps the reply for all."""
    thought.asking += 1
    try:
        found, is_new = await thought.once.ask(key, ask, thought.member.ask, read)
    finally:
        thought.asking -= 1
    if is_new:
        thought.kept.append([key, thought.once.fresh[key]])
    return found


def persona_of(world: World, member: int) -> str:
    """Return who a member is, in two sentences."""
    agents = world.agents
    traits = [value / 255 for value in agents.personality[member].tolist()]
    words = [
        pair[value > _HIGH]
        for pair, value in zip(_TRAITS, traits, strict=True)
        if not _LOW <= value <= _HIGH
    ]
    names = agents.vocabulary.names(int(agents.interests[member]))[:_MOST_TAGS]
    said = f"You are {' and '.join(words) or 'even-tempered'}."
    return f"{said} You care about {', '.join(names)}." if names else said
