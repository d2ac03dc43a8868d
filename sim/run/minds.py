"""Lets minds decide after each tick: whom to ask, how long to wait, what stands in.

The thread that drives the world waits here, within a deadline and with an ear for whoever wants it
to stop. What was decided goes into the world as one command, ``decide``; recovery and replay do
that command again and never ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from sim.core.clock import Clock
from sim.core.registry import make
from sim.errors import InputError
from sim.llm.asks import Answer, Ask
from sim.llm.counts import SOURCES, Decided, Ledger
from sim.llm.decisions import NOTHING, Decision
from sim.llm.faults import Fault, ModelError
from sim.llm.memory import Memory
from sim.llm.minds import Member, Mind
from sim.llm.prompts import Post, read_prompt
from sim.llm.replylog import ReplyLog, Slot
from sim.run.minding import minds_of
from sim.world.platform import Platform
from sim.world.platform_minds import Seen, feed_of, ruled
from sim.world.world import World

__all__ = ["Asked", "Thinker", "accounts", "persona_of"]

Row = dict[str, Any]
_LOOK = 0.1
_RECALLED = 5
_TRAITS = (
    ("set in your ways", "curious"), ("careless", "careful"), ("quiet", "outgoing"),
    ("blunt", "kind"), ("calm", "anxious"),
)  # fmt: skip
_LOW, _HIGH = 0.35, 0.65
_MOST_TAGS = 4
_FAULTS = {
    Fault.REFUSED: Decided.REFUSED, Fault.FILTERED: Decided.REFUSED,
    Fault.MALFORMED: Decided.MALFORMED, Fault.CUT: Decided.MALFORMED,
    Fault.EMPTY: Decided.MALFORMED,
}  # fmt: skip


def never() -> bool:
    """Return False: nobody wants to stop."""
    return False


class Asked(Protocol):
    """Who answers questions: a :class:`~sim.llm.pool.ModelPool`, or what stands for one."""

    def submit(self, ask: Ask) -> Future[Answer]:
        """Ask from any thread."""


class Thinker:
    """Lets minded members decide.

    Parameters
    ----------
    pool
        Whom to ask; None: nobody, the rules decide for all that would ask.
    lacks
        Why there is nobody, one sentence.
    seconds
        What the decisions of a tick may take together.
    prompts
        The folder of the user's own templates; None: the packaged ones.
    limit
        Tokens of a prompt, at most.
    minds
        Minds by name that stand for those of the registry, with parameters of their own.

    Attributes
    ----------
    ledger
        How long calls took, of this run alone.
    faults
        What minds did wrong, a sentence each.
    """

    def __init__(
        self,
        pool: Asked | None = None,
        *,
        lacks: str = "",
        seconds: float = 600.0,
        prompts: Path | None = None,
        limit: int = 1000,
        minds: Mapping[str, Mind] | None = None,
    ) -> None:
        self.pool = pool
        self.lacks = lacks
        self.ledger = Ledger()
        self.faults: list[str] = []
        self._seconds = seconds
        self._prompt = read_prompt("decide", prompts)
        self._limit = limit
        self._minds = dict(minds or {})

    def think(self, world: World, stopped: Callable[[], bool] = never) -> list[Row]:
        """Return what the minded members online decide on what they were shown in this tick.

        Parameters
        ----------
        world
            After a tick; nothing of it is changed.
        stopped
            Looked at ten times a second: once true, the rules decide for who is not done. What it
            raises ends the thinking.
        """
        return self.answer(self.prepare(world), stopped)

    def prepare(self, world: World) -> list[_Thought]:
        """Return what there is to decide on: it holds all that is needed of the world."""
        minds, platform = minds_of(world), world.platform
        if platform is None or not (minds.awake and minds.members.size):
            return []
        online = np.intersect1d(np.setdiff1d(minds.members, minds.played), platform.online)
        rules = ruled(platform, online) if online.size else {}
        return [self._thought(world, platform, int(m), rules[int(m)]) for m in online]

    def answer(self, thoughts: Sequence[_Thought], stopped: Callable[[], bool]) -> list[Row]:
        """Return the decisions on :meth:`prepare`'s; in any thread, the world may go on."""
        return asyncio.run(self._all(thoughts, stopped)) if thoughts else []

    @property
    def trouble(self) -> str:
        """Why rules decide for those that would ask, one sentence; empty: they need not."""
        if self.pool is None:
            return self.lacks
        return str(getattr(self.pool, "trouble", ""))

    def _thought(self, world: World, platform: Platform, member: int, rule: list[Row]) -> _Thought:
        minds, feed = platform.minds, feed_of(world, platform, member)
        places = {seen.message: at for at, seen in enumerate(feed, 1)}
        decisions = tuple(Decision(row["act"], places[row["message"]]) for row in rule)
        moment, tags = Clock(world.tick_minutes).moment(world.tick), 0
        for seen in feed:
            tags |= seen.tags
        hours = world.tick * world.tick_minutes / 60
        memory = Memory.restore(64, minds.memories.get(member, ()))
        recalled = [one.text for one in memory.recall(hours, tags, _RECALLED)]
        thought = _Thought(Slot(world.tick, member), self._mind(minds.kinds[member]), feed, hours)
        thought.recalled = recalled
        thought.member = Member(
            member, world.agents.name(member), persona_of(world, member), minds.goals[member],
            str(moment),
            decisions, self._prompt, self._limit, partial(self._ask, thought),
        )  # fmt: skip
        return thought

    def _mind(self, name: str) -> Mind:
        if name not in self._minds:
            made = make(name, "mind")
            if not isinstance(made, Mind):
                raise InputError(f"{name!r} is no mind.")
            self._minds[name] = made
        return self._minds[name]

    async def _ask(self, thought: _Thought, ask: Ask) -> Answer:
        if self.pool is None:
            answer = Answer("", Fault.MISSING, "none", detail=self.lacks)
        else:
            answer = await asyncio.wrap_future(self.pool.submit(ask))
        if answer.source == "model":
            self.ledger.took(answer.seconds)
        thought.log.record(
            Slot(*thought.slot[:2], len(thought.log)), ask.fingerprint(answer.model), answer
        )
        thought.answers.append(answer)
        return answer

    async def _all(self, thoughts: Sequence[_Thought], stopped: Callable[[], bool]) -> list[Row]:
        """Let all decide at once, until they are done, the deadline, or somebody stops it."""
        tasks = [asyncio.ensure_future(self._decided(thought)) for thought in thoughts]
        clock = asyncio.get_running_loop()
        ends, waiting = clock.time() + self._seconds, set(tasks)
        try:
            while waiting and clock.time() < ends and not stopped():
                _, waiting = await asyncio.wait(waiting, timeout=_LOOK)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return [
            task.result() if not task.cancelled() else thought.row(None, [Decided.FAILED])
            for thought, task in zip(thoughts, tasks, strict=True)
        ]

    async def _decided(self, thought: _Thought) -> Row:
        """Let one decide; what goes wrong leaves it to the rules, and is counted."""
        try:
            said = await thought.mind.decide(thought.member, thought.posts, thought.recalled)
            return thought.row(tuple(said), [])
        except ModelError as error:
            return thought.row(None, [_FAULTS.get(error.fault, Decided.FAILED)])
        except Exception as error:  # somebody's mind
            self.faults.append(f"The mind {thought.mind.plugin_name!r} failed: {error}")
            return thought.row(None, [Decided.FAILED])


@dataclass
class _Thought:
    """A decision under way."""

    slot: Slot
    mind: Mind
    feed: tuple[Seen, ...]
    hours: float
    recalled: Sequence[str] = ()
    answers: list[Answer] = field(default_factory=list)
    log: ReplyLog = field(default_factory=ReplyLog)
    member: Member = None  # type: ignore[assignment]  # it holds a way to ask that knows this

    @property
    def posts(self) -> tuple[Post, ...]:
        return tuple(Post(seen.name, seen.text, seen.likes) for seen in self.feed)

    def row(self, said: tuple[Decision, ...] | None, faults: list[Decided]) -> Row:
        """Return the decision as the world takes it; None: what the rules say."""
        chosen = self.member.rule if said is None else said
        retried = [Decided.RETRIED] if any(answer.retries for answer in self.answers) else []
        done = [one for one in chosen if one.act != NOTHING]
        row: Row = {
            "member": self.slot.member,
            "source": str(Decided.RULE if said is None else self._source()),
            "acts": [self._act(one) for one in done],
        }
        if faults or retried:
            row["faults"] = [str(one) for one in (*faults, *retried)]
        if self.answers:
            row["replies"] = list(self.log.rows())
            row["spent"] = self._spent()
        if said is not None and done:
            row["memory"] = [self._memory(one) for one in done]
        return row

    def _source(self) -> Decided:
        cached = self.answers and all(answer.source == "cache" for answer in self.answers)
        return Decided.CACHE if cached else self.mind.source

    def _act(self, one: Decision) -> Row:
        row: Row = {"act": one.act}
        if one.post:
            row["message"] = self.feed[one.post - 1].message
        return row | ({"text": one.text} if one.text else {})

    def _spent(self) -> list[int]:
        asked = [answer for answer in self.answers if answer.source == "model" and answer.model]
        used = [answer.usage for answer in asked if answer.usage is not None]
        tokens = sum(usage.read + usage.written for usage in used)
        return [len(asked), tokens, sum(answer.nano for answer in asked)]

    def _memory(self, one: Decision) -> list[Any]:
        if not one.post:
            return [self.hours, f"You wrote: {one.text}", 0, 0.6]
        seen = self.feed[one.post - 1]
        said = f" and said: {one.text}" if one.text else ""
        text = f"You chose to {one.act} {seen.name}'s post: {seen.text}{said}"[:200]
        return [self.hours, text, seen.tags, 0.6 if one.text else 0.3]


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


def accounts(world: World) -> Iterable[str]:
    """Yield what came of decisions so far, a line each; nothing where nobody has a mind."""
    minds = world.platform.minds if world.platform is not None else None
    if minds is None or not minds.counts:
        return
    ledger = Ledger(_known(minds.counts), minds.effective)
    total = ledger.decisions
    sources = ", ".join(
        f"{name} {number:,} ({number / total:.0%})"
        for name, number in ledger.counts.items()
        if number and name in {str(one) for one in SOURCES}
    )
    yield (
        f"Minds: {minds.members.size:,} members, {total:,} decisions, {ledger.effective:,} with an "
        f"act: {sources}."
    )
    wrong = [f"{name} {ledger.counts[name]:,}" for name in ledger.counts
             if ledger.counts[name] and name not in {str(one) for one in SOURCES}]  # fmt: skip
    if wrong:
        yield f"On the way: {', '.join(wrong)}."
    requests, tokens, nano = minds.spent
    if requests:
        yield f"Asked {requests:,} times: {tokens:,} tokens, ${nano / 1e9:.6f}."
    if ledger.warning:
        yield ledger.warning


def _known(counts: Mapping[str, int]) -> dict[str, int]:
    known = {str(one) for one in Decided}
    return {name: number for name, number in counts.items() if name in known}
