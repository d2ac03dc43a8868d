""":class:`PendingDecision`: a decision under way, with the member's context and shared answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeVar

from sim.errors import InputError
from sim.minds.member import Member, Memory, PlanRequest, goal_words, is_bad, outcome_words
from sim.minds.minds import Mind
from sim.minds.models.asks import Answer, Ask, Fault, ModelError, Spend, Turn
from sim.minds.models.replies import ReplyLog, Slot
from sim.minds.prompts.decisions import NOTHING, Decided, Decision, Destination, DirectMessage
from sim.minds.prompts.prompts import Post, Prompt
from sim.platform.acts.kinds import act_of
from sim.platform.platform import Platform
from sim.world.minds.minds import SeenMessage
from sim.world.minds.news import allies_of, groups_near
from sim.world.minds.state import OUTCOMES, Minds
from sim.world.world import World

T = TypeVar("T")


class SingleFlight:
    """The answers of one tick, or stored ones: equal questions wait for the first of them."""

    def __init__(self, kept: Mapping[str, str]) -> None:
        self._kept = kept
        self._under_way: dict[str, asyncio.Future[Answer]] = {}
        self.fresh: dict[str, str] = {}  # replies of this tick, by their keys

    async def ask(
        self, key: str, ask: Ask, send: Callable[[Ask], Awaitable[Answer]], read: Callable[[str], T]
    ) -> tuple[T, bool]:
        """Return the parsed reply, and whether it is new."""
        if key in self._kept:
            with suppress(ModelError):  # an unreadable one is requested again
                return read(self._kept[key]), False
        waiting = self._under_way.get(key)
        if waiting is not None:
            return read((await asyncio.shield(waiting)).demanded()), False
        done = self._under_way[key] = asyncio.get_running_loop().create_future()
        answer = Answer("", Fault.TIMEOUT, detail="whoever asked for all gave up")
        try:
            answer = await send(ask)
            found = read(answer.demanded())
            self.fresh[key] = answer.text
        finally:
            done.set_result(answer)  # a failure ends the wait of all others
        return found, True


_OF_LETTERS, _OF_WRITING = 0.5, 0.6
_MOST_PLANS = 3


@dataclass(eq=False)
class MemberContext:
    """What a member knows besides its feed, and the results."""

    letters: tuple[DirectMessage, ...] = ()
    places: tuple[Destination, ...] = ()
    planning: PlanRequest | None = None
    language: str = ""
    # by number after the feed's: other or group, and its name
    targets: dict[int, tuple[dict[str, int], str]] = field(default_factory=dict)
    # memories of direct messages: (hour, text, tags, importance)
    heard: list[list[Any]] = field(default_factory=list)
    # memories of new thoughts, as rows
    thoughts: list[list[Any]] = field(default_factory=list)
    steps: tuple[str, ...] | None = None  # the new plan; None: none
    # of questions that brought no plan, or no thoughts
    faults: list[Fault] = field(default_factory=list)

    def keep(self, steps: tuple[str, ...], fault: Fault | None) -> None:
        """Store a plan; after a fault it is the old one, and is retried later."""
        self.steps = steps
        self.faults += [] if fault is None else [fault]

    def act(self, one: Decision) -> dict[str, Any]:
        """Return an act on a target after the feed, in the form that the world takes."""
        target, _ = self.targets[one.post]
        if one.act in {"follow", "mute", "direct message"} and "other" not in target:
            target = {}  # a group, not a member; the world ignores it
        return {"act": one.act, **target} | ({"text": one.text} if one.text else {})

    def memory(self, one: Decision, hours: float) -> list[Any]:
        """Return the memory of an act on a target after the feed."""
        _, called = self.targets[one.post]
        said = f" and said: {one.text}" if one.text else ""
        return [hours, f"You chose to {one.act}: {called}{said}", 0, _OF_WRITING]

    @property
    def row(self) -> dict[str, Any]:
        """The part that goes with the decision; memories of direct messages are separate."""
        return {} if self.steps is None else {"plan": list(self.steps)}


def around(
    world: World, platform: Platform, member: int, feed: int, prompt: Prompt, hours: float
) -> MemberContext:
    """Return what a member knows besides its feed of ``feed`` posts."""
    minds, found = platform.minds, MemberContext()
    found.language = minds.languages.get(member) or world.agents.language_name(member)
    number = feed
    letters = []
    for _, sender, group, text in minds.letters.get(member, ()):
        number += 1
        group = (
            group if group < len(world.relationships.groups.names) else -1
        )  # a file may say anything
        where = world.relationships.groups.names[group] if group >= 0 else ""
        name = world.agents.name(sender)
        letters.append(DirectMessage(number, name, text, where))
        target = {"other": sender} | ({"group": group} if group >= 0 else {})
        found.targets[number] = target, f"{where or name} (they wrote: {text})"
        told = f"{name} wrote to {where}: {text}" if where else f"{name} wrote to you: {text}"
        found.heard.append([hours, told, world.agents.vocabulary.match(text), _OF_LETTERS])
    found.letters = tuple(letters)
    found.places = _places(world, platform, member, number, found)
    found.planning = _planning(minds, member, prompt, found)
    return found


def _places(
    world: World, platform: Platform, member: int, number: int, found: MemberContext
) -> tuple[Destination, ...]:
    own, others = groups_near(world, platform, member)
    names = world.relationships.groups.names
    rows: list[tuple[Any, dict[str, int], str]] = [
        *(
            ("ally", {"other": ally}, world.agents.name(ally))
            for ally in allies_of(platform, member)
        ),
        *(("group", {"group": group}, names[group]) for group in own),
        *(("open", {"group": group}, names[group]) for group in others),
    ]
    places = []
    for at, (kind, target, name) in enumerate(rows, number + 1):
        places.append(Destination(at, kind, name))
        found.targets[at] = target, name
    return tuple(places)


def _planning(
    minds: Minds, member: int, prompt: Prompt, found: MemberContext
) -> PlanRequest | None:
    if not minds.goals.get(member, ""):
        return None
    plan = minds.plans.get(member, {})
    counts: Sequence[int] = plan.get("outcomes", [0] * len(OUTCOMES))
    return PlanRequest(
        prompt, tuple(plan.get("steps", ())), int(plan.get("decided", -1)), outcome_words(counts),
        is_bad(counts), found.keep,
    )  # fmt: skip


def goal_of(minds: Minds, member: int) -> str:
    """Return the goal of a member, in words."""
    return goal_words(minds.goals.get(member, ""))


def steps_of(minds: Minds, member: int) -> tuple[str, ...]:
    """Return the plan that a member follows; empty: none."""
    return tuple(minds.plans.get(member, {}).get("steps", ()))


def plans_in(world: World) -> Iterator[tuple[str, str]]:
    """Yield name and plan of the first few members with a plan."""
    minds = world.platform.minds if world.platform is not None else Minds()
    followed = (who for who in sorted(minds.plans) if minds.plans[who]["steps"])
    for member, _ in zip(followed, range(_MOST_PLANS), strict=False):
        steps = enumerate(steps_of(minds, member), 1)
        yield world.agents.name(member), " ".join(f"{number}. {step}" for number, step in steps)


Row = dict[str, Any]
MOST_ACTS = 16
"""Maximum number of acts in one decision; more are a fault of the mind."""

LATE = "not decided in time"
COUNTED = {
    Fault.REFUSED: Decided.REFUSED, Fault.FILTERED: Decided.REFUSED,
    Fault.MALFORMED: Decided.MALFORMED, Fault.CUT: Decided.MALFORMED,
    Fault.EMPTY: Decided.MALFORMED,
}  # fmt: skip
"""The kind under which a fault is counted; any other counts as failed."""


@dataclass(eq=False)
class PendingDecision:
    """A decision under way."""

    slot: Slot  # slot, hours: tick, time in hours, and member
    # mind, called: what decides, and its name; None: the mind no longer exists
    mind: Mind | None
    called: str
    # feed, posts: what the member was shown, in the form of the world and of minds
    feed: tuple[SeenMessage, ...]
    posts: tuple[Post, ...]
    hours: float
    recalled: Sequence[str] = ()  # recalled memories
    # for questions that many members share
    once: SingleFlight = field(default_factory=lambda: SingleFlight({}))
    answers: list[Answer] = field(default_factory=list)  # answers, log: the replies so far
    log: ReplyLog = field(default_factory=ReplyLog)
    # faults, why: faults on the way to a decision that was made nevertheless; and
    # the reasons, in words
    faults: list[Decided] = field(default_factory=list)
    why: list[str] = field(default_factory=list)
    kept: list[list[str]] = field(default_factory=list)
    # what a surrogate could learn from; empty: nothing
    seen: list[Any] = field(default_factory=list)
    lead: PendingDecision | None = None  # the decision that asked on its behalf, too; None: none
    # what the member knows besides its feed
    around: MemberContext = field(default_factory=MemberContext)
    member: Member = None  # type: ignore[assignment]  # it holds a way to ask that knows this
    # memory, asked_of: all memories, and the text for which embeddings find
    # similar ones
    memory: Memory = field(default_factory=Memory)
    asked_of: str = ""
    asking: int = 0  # asking, idle_since: pending answers; the time since when there is none
    idle_since: float = field(default_factory=monotonic)
    result: Row | None = None

    async def recall(self) -> None:
        """Recall the memories most similar to what is seen, if a server can compare them."""
        rows = self.memory.dump()
        if not self.asked_of or len(rows) <= len(self.recalled) or not self.remembers:
            return
        texts = tuple(str(row[1]) for row in rows)
        answer = await self.member.ask(Ask((Turn("user", self.asked_of),), 1, None, alike=texts))
        if answer.fault is None:
            self.recalled = self.memory.told(self.hours, _cosines(answer.text, len(texts)))

    @property
    def remembers(self) -> bool:
        """Whether its mind uses recalled memories."""
        return self.mind is not None and self.mind.remembers

    @property
    def highest(self) -> int:
        """The highest number that a decision may name."""
        letters = [one.number for one in self.member.letters]
        return max([len(self.feed), *letters, *(one.number for one in self.member.places)])

    def settle(self, said: tuple[Decision, ...] | None, *faults: Decided) -> None:
        """Set the decision; None: what the rules decide."""
        self.result = self.row(said, [*self.faults, *faults])

    def row(self, said: tuple[Decision, ...] | None, faults: Sequence[Decided]) -> Row:
        """Return the decision in the form that the world takes; None: what the rules decide."""
        chosen = self.member.rule if said is None else said
        retried = [Decided.RETRIED] if any(answer.retries for answer in self.answers) else []
        done = [one for one in chosen if one.act != NOTHING]
        row: Row = {
            "member": self.slot.member,
            "source": str(Decided.RULE if said is None else self._source()),
            "acts": [self._act(one) for one in done],
        }
        slips = [COUNTED.get(fault, Decided.FAILED) for fault in self.around.faults]
        wrong = [*slips, *faults, *retried]
        if wrong:
            row["faults"] = [str(one) for one in wrong]
        why = [*(str(fault) for fault in self.around.faults), *self.why]
        if said is None and not why:
            why = [] if not faults else [LATE]
        if why:
            row["why"] = why
        if self.answers:
            row["replies"] = list(self.log.rows())
            total = Spend()
            for answer in self.answers:
                total = total.plus(answer.spent)
            row["spent"] = list(total)
        if self.kept:
            row["kept"] = self.kept
        row |= self.around.row
        told = [*self.around.heard, *self.around.thoughts]
        memory = [*told, *(self._memory(one) for one in done if said is not None)]
        if said is not None:
            row |= self._learned(row["source"], chosen)
        return row | ({"memory": memory} if memory else {})

    def _source(self) -> Decided:
        mine = self.mind.source if self.mind is not None else Decided.RULE
        answers = self.answers or (self.lead.answers if self.lead is not None else [])
        answers = [answer for answer in answers if answer.source != "alike"]
        if not answers:
            return mine
        cached = all(answer.source == "cache" for answer in answers)
        return Decided.CACHE if cached else Decided.MODEL

    def _learned(self, source: str, chosen: Sequence[Decision]) -> Row:
        """Return what surrogates learn from a model's first act: what was seen, its post."""
        if not self.seen or source not in {"model", "cache"} or self.kept:
            return {}
        first = chosen[0] if chosen else Decision(NOTHING)
        return {"seen": [self.seen, first.act, first.post]}

    def _act(self, one: Decision) -> Row:
        if one.post > len(self.feed):
            return self.around.act(one)
        row: Row = {"act": one.act}
        if one.post:
            row["message"] = self.feed[one.post - 1].message
        return row | ({"text": one.text} if one.text else {})

    def _memory(self, one: Decision) -> list[Any]:
        if not one.post:
            return [self.hours, f"You wrote: {one.text}", 0, 0.6]
        if one.post > len(self.feed):
            return self.around.memory(one, self.hours)
        seen = self.feed[one.post - 1]
        said = f" and said: {one.text}" if one.text else ""
        did = "reply to" if one.act == "reply" else one.act
        text = f"You chose to {did} {seen.name}'s post: {seen.text}{said}"[:200]
        return [self.hours, text, seen.tags, 0.6 if one.text else 0.3]


def _cosines(text: str, many: int) -> list[float] | None:
    """Return the cosines in a reply; None if it has none."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    is_right = isinstance(said, list) and len(said) == many
    return said if is_right and all(type(one) in {int, float} for one in said) else None


def checked(said: object, highest: int) -> tuple[Decision, ...]:
    """Return a mind's decision, or raise if it is invalid."""
    if not isinstance(said, list | tuple) or not all(isinstance(one, Decision) for one in said):
        raise TypeError(f"decide() returns a list of Decision, and it returned {_shown(said)}")
    if len(said) > MOST_ACTS:
        raise ValueError(f"decide() returned {len(said):,} decisions; at most {MOST_ACTS}")
    for one in said:
        if not isinstance(one.act, str) or not isinstance(one.text, str):
            raise TypeError(f"the act and the text of a Decision are words, got {_shown(one)}")
        if one.act != NOTHING:
            try:
                act_of(one.act)
            except InputError:
                raise ValueError(f"there is no act {one.act[:40]!r}") from None
        if type(one.post) is not int or not 0 <= one.post <= highest:
            raise ValueError(f"a Decision is about number 0 to {highest}, got {_shown(one.post)}")
    return tuple(said)


def _shown(said: object) -> str:
    text = ascii(said)
    return text if len(text) <= 60 else f"{type(said).__name__} {text[:57]}..."
