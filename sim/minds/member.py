"""The member that a mind decides for: plans, memories, and questions for several at once."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sim.core.text import one_line
from sim.minds.models.asks import Answer, Ask, Fault, ModelError, Turn
from sim.minds.models.replies import object_in
from sim.minds.prompts.decisions import (
    Decision,
    Destination,
    DirectMessage,
    decision_in,
    fitting,
    schema_of,
)
from sim.minds.prompts.prompts import Post, Prompt, Scene
from sim.world.minds.state import MOST, Row, kept, recency


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What a mind needs to make a plan, or to revise it."""

    prompt: Prompt  # the template of the question
    steps: tuple[str, ...]  # the plan so far; empty: there is none
    decided: int  # decisions since it was made or revised; -1: it was never tried
    outcomes: str  # what came of the member's acts since, in words; empty: nothing
    is_bad: bool  # whether more was against the member than for it
    # takes the steps of the plan from now on, and the fault where no new one could be made
    keep: Callable[[tuple[str, ...], Fault | None], None]

    def is_due(self, every: int) -> bool:
        """Return whether to plan: never yet, so many decisions ago, or it goes badly."""
        return every > 0 and (self.decided < 0 or self.decided >= every or self.is_bad)


@dataclass(frozen=True, slots=True)
class ReflectionRequest:
    """What a mind needs to reflect."""

    prompt: Prompt  # the template of the question
    memories: tuple[str, ...]  # what was remembered since it reflected last, the newest first
    # takes the thoughts, and the fault where there are none
    keep: Callable[[tuple[str, ...], Fault | None], None]

    def is_due(self, every: int) -> bool:
        """Return whether so much was remembered since; 0: never."""
        return 0 < every <= len(self.memories)


async def _alone(key: str, ask: Ask, read: Callable[[str], Any]) -> Any:
    """Stand in where nobody shares an answer."""
    raise ModelError(Fault.MISSING, "nobody can be asked for several members here")


@dataclass(frozen=True, slots=True)
class Member:
    """Who decides, and whom it may ask.

    Attributes
    ----------
    index
        Of the agent.
    name, persona, goal
        Who it is and what it wants, in words.
    moment
        The simulated time in words.
    rule
        What the platform's rules would let it do.
    prompt
        The template of a decision.
    limit
        Tokens of a prompt at most.
    ask
        Asks a language model; the answer has a fault where there is no reply. Never raises.
    language
        In which it writes; empty: as the model likes.
    letters
        What was written to it since it last decided; answered by their numbers.
    places
        Allies and groups that it may write to, or join.
    planning
        What is needed to plan; None: it has no goal.
    reflecting
        What is needed to reflect; None: nothing is remembered.
    prompts
        Other templates, by name.
    tick
        When it decides.
    archetype, traits
        What kind of member it is (:data:`~sim.agents.character.ARCHETYPES`), and its openness,
        conscientiousness, extraversion, agreeableness and neuroticism, in [0, 1].
    draw
        Draws in [0, 1), by number; the only randomness of a mind: a run comes out alike again.
    write
        What rules would let it write: of its own, or upon a post.
    once
        ``await member.once(key, ask, read)`` asks on behalf of all members with the same key, and
        returns what ``read`` makes of the reply, which is kept. Raises :class:`ModelError`.
    """

    index: int
    name: str
    persona: str
    goal: str
    moment: str
    rule: tuple[Decision, ...]
    prompt: Prompt
    limit: int
    ask: Callable[[Ask], Awaitable[Answer]]
    language: str = ""
    letters: tuple[DirectMessage, ...] = ()
    places: tuple[Destination, ...] = ()
    planning: PlanRequest | None = None
    prompts: Mapping[str, Prompt] = field(default_factory=dict)
    tick: int = 0
    archetype: str = "regular"
    traits: tuple[float, ...] = (0.5, 0.5, 0.5, 0.5, 0.5)
    draw: Callable[[int], float] = lambda number: 0.5
    write: Callable[[Post | None], str] = lambda post: "Good morning."
    once: Callable[[str, Ask, Callable[[str], Any]], Awaitable[Any]] = _alone
    reflecting: ReflectionRequest | None = None


GOALS = {
    "persuade": ("to win others over to this: ", "to win others over to what you think"),
    "debunk": ("to show others that this is wrong: ", "to put right what others get wrong"),
    "inform": ("to let others know this: ", "to see others well informed"),
}
"""Goals by name: the words before what it is about, and those without."""

FEWEST_STEPS, MOST_STEPS = 2, 4
_LONGEST_STEP = 100
_WRITTEN = 60
_MOST = 160
_WORSE = 3
PLAN_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "steps": {
            "type": "array",
            "items": {"type": "string", "maxLength": _LONGEST_STEP},
            "minItems": FEWEST_STEPS,
            "maxItems": MOST_STEPS,
        }
    },
    "required": ["steps"],
    "additionalProperties": False,
}
_COUNTED = ("likes", "shares", "replies", "new followers", "against you")


def goal_words(goal: str) -> str:
    """Return a goal in words; what begins with no name of :data:`GOALS` stays as it is.

    Examples
    --------
    >>> goal_words("debunk: the bridge is closed"), goal_words("be kind")
    ('to show others that this is wrong: the bridge is closed', 'be kind')
    """
    head, _, rest = goal.partition(":")
    words = GOALS.get(head.strip().lower())
    if words is None:
        return goal
    return f"{words[0]}{rest.strip()}" if rest.strip() else words[1]


def outcome_words(counts: Sequence[int]) -> str:
    """Return what came of a plan, of counts of likes, shares, replies, follows and against.

    Examples
    --------
    >>> outcome_words([3, 0, 1, 0, 0])
    '3 likes, 1 replies.'
    """
    said = [f"{number} {name}" for number, name in zip(counts, _COUNTED, strict=True) if number]
    return f"{', '.join(said)}." if said else ""


def is_bad(counts: Sequence[int]) -> bool:
    """Return whether three or more acts, and most of them, were against the member."""
    return counts[-1] >= _WORSE and counts[-1] > sum(counts[:-1])


async def planned(
    member: Member, memory: Sequence[str], every: int, temperature: float, model: str
) -> tuple[str, ...]:
    """Return the steps that a member follows now; asks for them where that is due."""
    planning = member.planning
    if planning is None:
        return ()
    if not planning.is_due(every):
        return planning.steps
    scene = Scene(
        member.name, member.persona, member.moment, member.goal, memory, plan=planning.steps,
        outcomes=planning.outcomes, language=member.language,
    )  # fmt: skip
    turns = planning.prompt.turns(scene, member.limit)
    answer = await member.ask(
        Ask(turns, _MOST, temperature, member.index, PLAN_SCHEMA, _WRITTEN, model)
    )
    steps, fault = planning.steps, answer.fault
    if fault is None:
        try:
            steps = steps_in(answer.text)
        except ModelError as error:
            fault = error.fault
    planning.keep(steps, fault)
    return steps


def steps_in(text: str) -> tuple[str, ...]:
    """Return the steps in a reply: one JSON object, alone or amid words."""
    said = object_in(text)
    steps = said.get("steps") if set(said) == {"steps"} else None
    if not isinstance(steps, list) or not all(isinstance(step, str) for step in steps):
        raise ModelError(Fault.MALFORMED, "it is no object of steps")
    lines = tuple(line for step in steps if (line := one_line(step, _LONGEST_STEP)))
    if not FEWEST_STEPS <= len(lines) <= MOST_STEPS:
        raise ModelError(Fault.MALFORMED, "a plan has two to four steps")
    return lines


_WORD = re.compile(r"\w{4,}")


@dataclass(frozen=True, slots=True)
class MemoryItem:
    """One memory."""

    hour: float  # of simulated time
    text: str  # at most 200 characters
    tags: int = 0  # interests as a mask of bits
    importance: float = 0.3  # in [0, 1]


class Memory:
    """One member's memory.

    Examples
    --------
    >>> memory = Memory(2)
    >>> for hour, text in enumerate(["a wedding", "a cloud", "a cat"]):
    ...     memory.add(MemoryItem(hour, text, importance=0.9 if hour == 0 else 0.1))
    >>> [one.text for one in memory.recall(now=3, most=2)]
    ['a wedding', 'a cat']
    """

    def __init__(self, most: int = MOST, known: Iterable[MemoryItem] = ()) -> None:
        self._most = max(most, 1)
        self._rows = kept([_row(one) for one in known], self._most)

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, one: MemoryItem) -> None:
        """Remember; over a bound, what weighs least is forgotten."""
        self._rows = kept([*self._rows, _row(one)], self._most)

    def recall(
        self,
        now: float,
        tags: int = 0,
        most: int = 5,
        words: str = "",
        alike: Sequence[float] | None = None,
    ) -> list[MemoryItem]:
        """Return what comes to mind, the strongest first."""
        asked = set(_WORD.findall(words.casefold()))
        near = [_relevance(row, tags, asked) for row in self._rows]
        if alike is not None and len(alike) == len(near):
            near = [min(max(float(one), 0.0), 1.0) for one in alike]
        strength = [
            recency(row[0], now) + row[3] + relevance
            for row, relevance in zip(self._rows, near, strict=True)
        ]
        order = sorted(range(len(self._rows)), key=lambda at: (-strength[at], -at))
        return [MemoryItem(*self._rows[at]) for at in order[:most]]

    def told(self, now: float, alike: Sequence[float] | None = None) -> list[str]:
        """Return the texts of the five that come to mind; see :meth:`recall`."""
        return [one.text for one in self.recall(now, alike=alike)]

    def dump(self) -> list[Row]:
        """Return what :meth:`restore` takes; only lists, numbers and texts."""
        return [list(row) for row in self._rows]

    @classmethod
    def restore(cls, most: int, rows: Iterable[Iterable[Any]]) -> Memory:
        """Return the memory of :meth:`dump`."""
        return cls(most, (MemoryItem(*row) for row in rows))


def _row(one: MemoryItem) -> Row:
    return [one.hour, one.text, one.tags, one.importance]


def _relevance(row: Row, tags: int, asked: set[str]) -> float:
    shared = (row[2] & tags).bit_count() / tags.bit_count() if tags else 0.0
    if not asked:
        return shared
    said = asked.intersection(_WORD.findall(row[1].casefold()))
    return max(shared, len(said) / len(asked))


BEGINS = "You came to think: "
"""Of a memory that is a thought."""
_MOST_THOUGHTS, _LONGEST = 2, 120
_MOST, _WRITTEN = 120, 40
_SHOWN = 16
THOUGHTS_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "thoughts": {
            "type": "array",
            "items": {"type": "string", "maxLength": _LONGEST},
            "minItems": 1,
            "maxItems": _MOST_THOUGHTS,
        }
    },
    "required": ["thoughts"],
    "additionalProperties": False,
}


def since_thought(texts: Sequence[str]) -> tuple[str, ...]:
    """Return what was remembered since the last thought, the newest first; given oldest first.

    Examples
    --------
    >>> since_thought(["rain", "You came to think: it rains.", "sun", "wind"])
    ('wind', 'sun')
    """
    found: list[str] = []
    for text in reversed(texts):
        if text.startswith(BEGINS):
            break
        found.append(text)
    return tuple(found)


async def reflected(member: Member, every: int, temperature: float, model: str) -> tuple[str, ...]:
    """Return what a member comes to think now; asks for it where that is due."""
    reflecting = member.reflecting
    if reflecting is None or not reflecting.is_due(every):
        return ()
    scene = Scene(
        member.name, member.persona, member.moment, member.goal, reflecting.memories[:_SHOWN],
        language=member.language,
    )  # fmt: skip
    turns = reflecting.prompt.turns(scene, member.limit)
    answer = await member.ask(
        Ask(turns, _MOST, temperature, member.index, THOUGHTS_SCHEMA, _WRITTEN, model)
    )
    thoughts: tuple[str, ...] = ()
    fault = answer.fault
    if fault is None:
        try:
            thoughts = thoughts_in(answer.text)
        except ModelError as error:
            fault = error.fault
    reflecting.keep(thoughts, fault)
    return thoughts


def thoughts_in(text: str) -> tuple[str, ...]:
    """Return the thoughts in a reply: one JSON object, alone or amid words."""
    said = object_in(text)
    thoughts = said.get("thoughts") if set(said) == {"thoughts"} else None
    if not isinstance(thoughts, list) or not all(isinstance(one, str) for one in thoughts):
        raise ModelError(Fault.MALFORMED, "it is no object of thoughts")
    lines = tuple(line for one in thoughts if (line := one_line(one, _LONGEST).strip()))
    if not 1 <= len(lines) <= _MOST_THOUGHTS:
        raise ModelError(Fault.MALFORMED, "one or two thoughts were asked for")
    return lines


ASK_ALONE = frozenset(
    {Fault.MALFORMED, Fault.CUT, Fault.EMPTY, Fault.REFUSED, Fault.FILTERED, Fault.TOO_LONG}
)
"""Faults of one question; whoever it was about may be asked alone."""

_BEGINS = re.compile(r'\{\s*"answers"\s*:\s*\[\s*')
_NEXT = re.compile(r"\s*,\s*")
_FRAME = 20
"""Tokens that an answer in a list takes beyond one alone."""
_LIKELY = 45


class BatchItem(NamedTuple):
    """What a mind decides on for one of several members.

    Attributes
    ----------
    member, feed, memory
        As :meth:`~sim.minds.minds.Mind.decide` is told.
    """

    member: Member
    feed: Sequence[Post]
    memory: Sequence[str]


class BatchPlace(NamedTuple):
    """A member's place in a question."""

    block: str  # what is said of it
    acts: tuple[str, ...]  # acts, last: what it may do, and the highest number that it may name
    last: int
    scene: Scene  # what it is shown

    def read(self, said: Mapping[str, Any]) -> Decision:
        """Return what an answer says that this member does; MALFORMED where that cannot be."""
        found = decision_in({**said}, self.acts, self.last)
        return fitting(found, len(self.scene.feed), self.scene.letters, self.scene.places)


def seated(member: Member, scene: Scene) -> BatchPlace:
    """Return a member's place: within the limit that it has alone."""
    turns, shown = member.prompts["batch"].fitted(scene, member.limit)
    return BatchPlace(turns[1].text, tuple(scene.acts), shown.last, shown)


def ask_for(
    members: Sequence[Member],
    seats: Sequence[BatchPlace],
    *,
    most: int,
    temperature: float,
    model: str,
) -> Ask:
    """Return the question for several members."""
    blocks = (
        f'<member number="{number}">\n{seat.block}\n</member>'
        for number, seat in enumerate(seats, 1)
    )
    turns = (Turn("system", members[0].prompts["batch"].system), Turn("user", "\n".join(blocks)))
    return Ask(
        turns, (most + _FRAME) * len(seats), temperature, members[0].index, schema_for(seats),
        (_LIKELY + _FRAME // 2) * len(seats), model,
    )  # fmt: skip


def schema_for(seats: Sequence[BatchPlace]) -> Mapping[str, Any]:
    """Return the JSON Schema of the answers."""
    acts = list(dict.fromkeys(act for seat in seats for act in seat.acts))
    one = schema_of(acts, max(seat.last for seat in seats))
    number = {"type": "integer", "minimum": 1, "maximum": len(seats)}
    item = {
        **one,
        "properties": {"member": number, **one["properties"]},
        "required": ["member", *one["required"]],
    }
    several = {"type": "array", "items": item, "minItems": len(seats), "maxItems": len(seats)}
    return {
        "type": "object",
        "properties": {"answers": several},
        "required": ["answers"],
        "additionalProperties": False,
    }


def answers_in(text: str, seats: Sequence[BatchPlace]) -> list[Decision | None]:
    """Return each member's decision; None where the reply has none, a wrong one, or two."""
    found: dict[int, Decision] = {}
    entries = [one for one in _entries(text) if type(one.get("member")) is int]
    times = Counter(one["member"] for one in entries)
    for entry in entries:
        number = entry.pop("member")
        if times[number] > 1 or not 1 <= number <= len(seats):
            continue
        try:
            found[number] = seats[number - 1].read(entry)
        except ModelError:
            continue
    return [found.get(number) for number in range(1, len(seats) + 1)]


def _entries(text: str) -> Iterator[dict[str, Any]]:
    """Yield the whole objects of the list, up to where the reply ends or goes wrong."""
    places = list(_BEGINS.finditer(text))
    begins = places[0] if len(places) == 1 else None  # of two, nobody knows which is meant
    at, decoder = begins.end() if begins else len(text), json.JSONDecoder()
    while at < len(text):
        try:
            entry, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        if isinstance(entry, dict):
            yield entry
        following = _NEXT.match(text, at)
        if following is None:
            return
        at = following.end()
