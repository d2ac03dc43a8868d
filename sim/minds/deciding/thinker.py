"""The thinker lets minds decide after each tick: which model to ask, how long to wait, fallbacks.

The thread that drives the world waits here, up to a deadline or until it is asked to stop. The
decisions are applied to the world as one command, ``decide``; recovery and replay repeat that
command and never ask a model.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple, Protocol

import numpy as np

from sim.agents.character import ARCHETYPES, archetype
from sim.core import rng
from sim.core.clock import Clock
from sim.core.registry import make
from sim.core.rng import Stream
from sim.core.text import one_line
from sim.errors import HubbubError, InputError
from sim.minds.deciding.commands import made_with, minds_of
from sim.minds.deciding.pending import PendingDecision, Row, SingleFlight, around, goal_of
from sim.minds.deciding.round import DecisionRound, FaultCounts, Patience
from sim.minds.member import BEGINS, Member, Memory, ReflectionRequest, since_thought
from sim.minds.minds import Mind
from sim.minds.models.asks import Answer, Ask, Fault, tokens_in, within
from sim.minds.models.replies import Slot
from sim.minds.prompts.decisions import Decided, Decision, DecisionCounts
from sim.minds.prompts.prompts import OF_PERSONA, Post, Prompt, read_prompt
from sim.minds.surrogate import seen_of
from sim.platform.platform import Platform
from sim.platform.posts.texts import Writer
from sim.spread.cascade.faults import checked
from sim.world.minds.minds import SeenMessage, feed_of, ruled
from sim.world.world import Watcher, World

Asking = Callable[[PendingDecision, Ask], Awaitable[Answer]]
_RECALLED = 5
_ABOUT, _OF_EACH = 5, 200
"""Posts to which memories are compared, and characters of each."""
_OF_THOUGHTS, _OF_NOTHING = 0.9, 0.1
_MOST_MEMORIES = 64
_TRAITS = (
    ("set in your ways", "curious"), ("careless", "careful"), ("quiet", "outgoing"),
    ("blunt", "kind"), ("calm", "anxious"),
)  # fmt: skip
_LOW, _HIGH = 0.35, 0.65
_MOST_TAGS = 4
_FIRST_OWN = 1 << 40
"""Texts that rules write for minds have numbers above those of messages."""


class PromptContext(NamedTuple):
    """The settings that a thinker provides for every decision."""

    prompt: Prompt  # prompt, limit: the template of a decision, and the maximum tokens of a prompt
    limit: int
    ask: Asking  # asks a model on behalf of a thought
    # returns the mind with a name and parameters; None: it no longer exists
    mind: Callable[[str, Mapping[str, Any]], Mind | None]
    prompts: Mapping[str, Prompt]  # other templates, by name
    alike: bool = False  # whether embeddings select the recalled memories


def thoughts_of(
    world: World, platform: Platform, members: Sequence[int], context: PromptContext
) -> list[PendingDecision]:
    """Return the pending decisions of members, with everything needed from the world."""
    rules = ruled(platform, np.array(members, np.uint32)) if members else {}
    kinds = archetype(world.agents, members).tolist() if members else []
    once = SingleFlight(dict(platform.minds.kept))
    moment = str(Clock(world.tick_minutes).moment(world.tick))
    return [
        _thought(
            world,
            platform,
            context,
            _SceneSubject(member, rules[member], ARCHETYPES[kind], moment),
            once,
        )
        for member, kind in zip(members, kinds, strict=True)
    ]


class _SceneSubject(NamedTuple):
    """A member, what the rules decide, the kind of member, and the time."""

    member: int
    rule: list[Row]
    archetype: str
    moment: str


def _thought(
    world: World, platform: Platform, context: PromptContext, of: _SceneSubject, once: SingleFlight
) -> PendingDecision:
    minds, member = platform.minds, of.member
    feed, hours = feed_of(world, platform, member), world.tick * world.tick_minutes / 60
    posts = tuple(_post(world, seen) for seen in feed)
    called = minds.kinds[member]
    thought = PendingDecision(
        Slot(world.tick, member), context.mind(called, minds.options.get(member, {})), called,
        feed, posts, hours, once=once,
    )  # fmt: skip
    near = around(world, platform, member, len(feed), context.prompts["plan"], hours)
    thought.around = near
    thought.memory = Memory.restore(_MOST_MEMORIES, platform.minds.memories.get(member, ()))
    tags = 0
    for seen in feed:
        tags |= seen.tags
    thought.recalled = [one.text for one in thought.memory.recall(hours, tags, _RECALLED)]
    if context.alike and feed:
        thought.asked_of = " / ".join(seen.text[:_OF_EACH] for seen in feed[:_ABOUT])
    places = {seen.message: at for at, seen in enumerate(feed, 1)}
    thought.member = Member(
        member, world.agents.name(member), persona_of(world, member, context.limit),
        goal_of(minds, member),
        of.moment,
        tuple(Decision(row["act"], places[row["message"]]) for row in of.rule),
        context.prompt, context.limit, partial(context.ask, thought),
        language=near.language, letters=near.letters, places=near.places, planning=near.planning,
        prompts=context.prompts, tick=world.tick, archetype=of.archetype,
        traits=tuple(value / 255 for value in world.agents.personality[member].tolist()),
        draw=partial(_draw, world.seed, world.tick, member),
        write=partial(_words, world, member),
        once=partial(_once, thought),
        reflecting=_reflecting(world, platform, member, context, thought),
    )  # fmt: skip
    thought.seen = seen_of(thought.member, posts)
    return thought


def _reflecting(
    world: World, platform: Platform, member: int, context: PromptContext, thought: PendingDecision
) -> ReflectionRequest | None:
    """Return the request to reflect on a member's memories; None without memories."""
    rows = platform.minds.memories.get(member, ())
    match = world.agents.vocabulary.match

    def keep(thoughts: tuple[str, ...], fault: Fault | None) -> None:
        thought.around.faults += [] if fault is None else [fault]
        thought.around.thoughts += [
            [thought.hours, f"{BEGINS}{one}", match(one), _OF_THOUGHTS] for one in thoughts
        ]
        if not thoughts:  # so it is asked again after as many memories, not with each decision
            thought.around.thoughts.append([thought.hours, f"{BEGINS}nothing new.", 0, _OF_NOTHING])

    memories = since_thought([str(row[1]) for row in rows])
    return ReflectionRequest(context.prompts["reflect"], memories, keep) if rows else None


def _post(world: World, seen: SeenMessage) -> Post:
    return Post(
        seen.name, seen.text, seen.likes, seen.shares,
        world.agents.vocabulary.names(seen.tags), seen.interest,
        seen.age * world.tick_minutes / 60, seen.followed, seen.labelled, seen.to, seen.answers,
        seen.image,
    )  # fmt: skip


def _draw(seed: int, tick: int, member: int, number: int = 0) -> float:
    """Return a number in [0, 1): equal for equal seed, tick, member and number."""
    key = rng.key(seed, Stream.DECIDING, tick)
    return float(rng.uniforms(key, [member], [number])[0])


@lru_cache(maxsize=24)
def _writer(vocabulary: tuple[str, ...], language: int) -> Writer:
    return Writer(vocabulary, language)


def _words(world: World, member: int, post: Post | None = None) -> str:
    """Return what rules would let a member write, as a post or about a post."""
    agents = world.agents
    writer = _writer(tuple(agents.vocabulary), int(agents.language[member]))
    number = _FIRST_OWN + world.tick * len(agents) + member
    traits = agents.personality[member].tolist()
    if post is None:
        tags = int(agents.interests[member])
        return writer.post(world.seed, number, tags=tags, personality=traits)
    tags, name = agents.vocabulary.mask(post.tags), post.author.split(" ")[0]
    return writer.reply(world.seed, number, to=name, tags=tags, personality=traits)


async def _once(thought: PendingDecision, key: str, ask: Ask, read: Callable[[str], Any]) -> Any:
    """Ask a question that many share; the first reply is used for all."""
    thought.asking += 1
    try:
        found, is_new = await thought.once.ask(key, ask, thought.member.ask, read)
    finally:
        thought.asking -= 1
    if is_new:
        thought.kept.append([key, thought.once.fresh[key]])
    return found


def persona_of(world: World, member: int, limit: int = 1000) -> str:
    """Return the persona of a member: from its profile, and its character and interests in words.

    From a profile it takes the persona, additions in the biography, and facts such as age, country
    and occupation, except those it already has in the form ``Age: 34``: a word alone may mean
    something else ("jokes in bars" is no India). Character is added without a profile, or if that
    has traits. If the text is longer than its part of a prompt of ``limit`` tokens, the profile's
    texts are cut, each field to its share: beliefs and behaviour first, what the rest says last.
    """
    record = world.agents.lore.cold.get(member)
    texts = [str(record.get(name) or "") for name in ("persona", "biography")]
    persona, biography = map(_line, texts)
    told = [persona, "" if biography in persona else biography]
    told = [text if text[-1] in ".!?" else f"{text}." for text in told if text]
    rest, most = _rest(world, member, not told), limit // OF_PERSONA
    facts = _facts(record.get("more"), " ".join(told).casefold())
    said = " ".join([*told, *facts, *rest])
    if tokens_in(said) <= most:
        return said
    short = (within(fact, most // _FACTS_IN) for fact in _facts(record.get("more"), ""))
    rest = [within(" ".join(short), most // 3), *rest]
    lines = [line for text in texts for line in map(_line, text.splitlines()) if line]
    return " ".join([_fitted(lines, most - tokens_in(" ".join(rest))), *rest])


def _rest(world: World, member: int, is_bare: bool) -> list[str]:
    """Return sentences on interests, and on character if a profile has such data or is missing."""
    agents = world.agents
    names = agents.vocabulary.names(int(agents.interests[member]))[:_MOST_TAGS]
    told = [f"You care about {', '.join(names)}."] if names else []
    if is_bare or agents.lore.cold.get(member).get("traits"):
        words = [
            pair[value > _HIGH]
            for pair, value in zip(
                _TRAITS, (agents.personality[member] / 255).tolist(), strict=True
            )
            if not _LOW <= value <= _HIGH
        ]
        return [f"You are {' and '.join(words) or 'even-tempered'}.", *told]
    return told


def _fitted(lines: Sequence[str], room: int) -> str:
    """Fit texts into ``room`` tokens: each is cut so that at least six have room."""
    ranked = sorted((line for line in lines if _rank(line) < _LAST), key=_rank)
    costs = [tokens_in(line) for line in ranked]
    least = room // min(len(ranked) or 1, _AT_LEAST)
    fair = (n for n in range(room, least, -1) if sum(min(cost, n) for cost in costs) <= room)
    share, told = next(fair, least), []
    for line in ranked:
        text = within(line, share - 1)
        told.append(text if text[-1:] in ".!?\u2026" else f"{text}.")
        room -= tokens_in(told[-1])
        if room < 0:
            return " ".join(told[:-1])
    return " ".join(told)


def _rank(line: str) -> int:
    """Return the rank of a text: by how much its label tells about a member's behaviour."""
    label, colon, _ = line.partition(":")
    found = _TELLING.match(label) if colon else None
    if found is not None:
        return (found.lastindex or 0) - 1
    return _LAST if colon and _plain(label) in _REPEATED else _LAST - 1


def _facts(more: object, known: str) -> list[str]:
    """Return the other facts of a profile that a prompt should have, as separate sentences."""
    fields = (
        {_plain(name): value for name, value in more.items()} if isinstance(more, Mapping) else {}
    )
    found = []
    for label, names in _FACTS.items():
        value = _line(next((fields[name] for name in names if name in fields), ""))
        said = rf"(?<!\w){label}\s*:\s*{re.escape(value)}(?!\w)".casefold()
        if value and not re.search(said, known):
            found.append(f"{label}: {value.rstrip('.')}.")
    return found


def _plain(name: object) -> str:
    return str(name).strip().casefold().replace(" ", "_").replace("-", "_")


def _line(value: object) -> str:
    """Return a value of a profile as one line; empty for lists and tables."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return one_line(str(value), _LONGEST).strip()
    return ""


_LONGEST = 1 << 16
_AT_LEAST, _FACTS_IN = 6, 12
_TELLING = re.compile(
    r".*?\b(?:(belie)|(behavi)|(personality|traits|character)|(occupation|work.status|job)"
    r"|(values|views?\b|opinion|attitude|party|religion)|(.*goals)|(style)|(likes|preferences))",
    re.IGNORECASE,
)
"""Labels that tell most about a member's behaviour, the most important first."""
_LAST = 99
_FACTS = {
    "Age": ("age", "age_group"),
    "Gender": ("gender", "sex"),
    "Country": ("country", "nationality"),
    "Place": ("city", "location", "residence", "region"),
    "Occupation": ("occupation", "profession", "job", "work"),
    "Education": ("education", "degree"),
    "Politics": ("leaning", "political_leaning", "party"),
    "Personality type": ("mbti",),
}
"""Other facts of a profile by label, and the field names under which they are found."""
_REPEATED = frozenset(
    {"name", "first_name", "last_name", "real_name", "realname", "username", "interests"}
).union(*_FACTS.values())
"""Fields that a prompt has in any case."""


ENOUGH = 20
"""Decisions before which too small a share of models is not reported."""
OFFLINE = "no model is asked offline; leave out either offline or the least share"
_OTHERS = ("batch", "archetype", "plan", "reflect")
_MARGIN = 0.1
"""Seconds that an answer needs to reach its member before the deadline."""


def _percent(share: float) -> str:
    return f"{100 * share:.4g}%"


def never() -> bool:
    """Return False: never stop."""
    return False


class Answerer(Protocol):
    """Something that answers questions: a ``ModelPool``, or a replacement."""

    def submit(self, ask: Ask, seconds: float | None = None) -> Future[Answer]:
        """Ask from any thread; the answer arrives within ``seconds``."""


class Thinker:
    """Lets members with minds decide.

    Parameters
    ----------
    pool
        The models to ask; None: none, the rules decide for all that would ask.
    lacks
        Why there is no model, one sentence.
    seconds
        Time limit for all decisions of a tick together.
    prompts
        The folder of the user's own templates; None: the packaged ones.
    limit
        Maximum tokens of a prompt.
    minds
        Minds by name that replace those of the registry, with their own parameters.
    patience
        How long one mind may take; None: the default.
    least
        The share of decisions below which :attr:`too_few` reports; 0: never.
    alike
        Whether the pool compares memories with what is seen, by embeddings.
    offline
        Whether the user asked to run without any model.

    Attributes
    ----------
    counts
        Durations of calls, of this run alone.
    asked, stood_in
        Decisions of minds other than the rules so far, and those for which rules stood in.
    faults
        Faults of minds, a sentence for each mind.
    """

    def __init__(
        self,
        pool: Answerer | None = None,
        *,
        lacks: str = "",
        seconds: float = 600.0,
        prompts: Path | None = None,
        limit: int = 1000,
        minds: Mapping[str, Mind] | None = None,
        patience: Patience | None = None,
        least: float = 0.0,
        alike: bool = False,
        offline: bool = False,
    ) -> None:
        self.pool = pool
        self.offline = offline
        self.least = least
        self.asked = self.stood_in = 0
        self.lacks = lacks
        self.counts = DecisionCounts()
        self._patience = (patience or Patience())._replace(all=seconds)
        self._others = {name: read_prompt(name, prompts) for name in _OTHERS}
        self._context = PromptContext(
            read_prompt("decide", prompts), limit, self._ask, self._mind, self._others, alike
        )
        self._folder = prompts
        self._given = dict(minds or {})
        self._made: dict[tuple[str, str], Mind | None] = {}
        self._strikes = FaultCounts()
        self._watchers: tuple[Watcher, ...] = ()
        self._ends = 0.0

    @property
    def faults(self) -> list[str]:
        """Faults of minds, a sentence for each mind."""
        return self._strikes.faults

    def think(self, world: World, stopped: Callable[[], bool] = never) -> list[Row]:
        """Return the decisions of online members with minds on what they were shown in this tick.

        Parameters
        ----------
        world
            The world after a tick; it is not changed.
        stopped
            Called ten times a second: once true, the rules decide for members that are not done. An
            exception from it ends the round.
        """
        return self.answer(self.prepare(world), stopped)

    def prepare(self, world: World) -> list[PendingDecision]:
        """Return the pending decisions: they hold everything needed from the world."""
        minds, platform = minds_of(world), world.platform
        self._watchers = tuple(world.watchers)
        if platform is None or not (minds.awake and minds.members.size):
            return []
        if platform.exposures.tick != world.tick:
            return []  # just opened: what they were shown is unknown
        online = np.intersect1d(np.setdiff1d(minds.members, minds.played), platform.online)
        return thoughts_of(world, platform, online.tolist(), self._context)

    def answer(self, thoughts: Sequence[PendingDecision], stopped: Callable[[], bool]) -> list[Row]:
        """Return the decisions on those of :meth:`prepare`; in any thread, as the world runs on."""
        if not thoughts:
            return []
        self._ends = monotonic() + self._patience.all
        rows = DecisionRound(thoughts, self._strikes, self._patience).run(stopped)
        for thought, row in zip(thoughts, rows, strict=True):
            if thought.mind is None or thought.mind.source is not Decided.RULE:
                self.asked += 1
                self.stood_in += row["source"] == str(Decided.RULE)
        return rows

    def too_few(self, enough: int = ENOUGH) -> str:
        """Return a warning that minds decide less than the least share, one sentence; empty: none.

        Parameters
        ----------
        enough
            Decisions before which it does not warn.
        """
        own = self.asked - self.stood_in
        if not self.least or self.asked < max(enough, 1) or own / self.asked >= self.least:
            return ""  # 7 of 100 are 7%; 0.07 * 100 is more than 7
        why = OFFLINE if self.offline else self.trouble.rstrip(".")
        return (
            f"Models decided {own:,} of {self.asked:,} times ({_percent(own / self.asked)}), and "
            f"at least {_percent(self.least)} were asked for{f': {why}' if why else ''}."
        )

    @property
    def made(self) -> dict[str, Any]:
        """The settings that minds decide with: versions, templates, limit and models, as JSON."""
        models = [one.provider.called for one in getattr(self.pool, "clients", ())]
        made = made_with(self._folder, self._context.limit, models)
        return made | ({"alike": True} if self._context.alike else {})

    @property
    def trouble(self) -> str:
        """Why rules decide for those that would ask, one sentence; empty: they do not."""
        if self.pool is None:
            return self.lacks
        return str(getattr(self.pool, "trouble", ""))

    def _mind(self, name: str, options: Mapping[str, Any]) -> Mind | None:
        """Return a mind, made once; a failure is recorded, and the rules decide."""
        key = (name, json.dumps(options, sort_keys=True))
        if key not in self._made:
            self._made[key] = self._given.get(name) or self._new(name, options)
        return self._made[key]

    def _new(self, name: str, options: Mapping[str, Any]) -> Mind | None:
        try:
            made = make(name, "mind", **options)
            if not isinstance(made, Mind):
                raise InputError(f"{name!r} is no mind.")
            checked(made)
        except HubbubError as error:
            self._strikes.note(name, str(error))
            return None
        return made

    async def _ask(self, thought: PendingDecision, ask: Ask) -> Answer:
        thought.asking += 1
        try:
            answer = await self._answer(ask)
            if ask.alike:
                answer = replace(answer, source="alike")  # it decides nothing
        finally:
            thought.asking -= 1
            thought.idle_since = monotonic()
        if answer.source == "model":
            self.counts.took(answer.seconds)
        question = ask.fingerprint(answer.model)
        for watcher in self._watchers:
            watcher.asked(question, [(turn.role, turn.text) for turn in ask.turns])
        thought.log.record(Slot(*thought.slot[:2], len(thought.log)), question, answer)
        thought.answers.append(answer)
        return answer

    async def _answer(self, ask: Ask) -> Answer:
        if self.pool is None:
            return Answer("", Fault.MISSING, "none", detail=self.lacks)
        left = self._ends - monotonic() - _MARGIN
        if left <= 0:
            return Answer("", Fault.TIMEOUT, "none", detail="the tick is over")
        return await asyncio.wrap_future(self.pool.submit(ask, left))
