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
    """Input of a mind for making or revising a plan."""

    prompt: Prompt  # template of the question
    steps: tuple[str, ...]  # the current plan; empty: none
    decided: int  # decisions since it was made or revised; -1: never tried
    outcomes: str  # effect of the member's acts since then, in words; empty: none
    is_bad: bool  # whether more acts were against the member than for it
    # called with the steps of the new plan, and the fault if none could be made
    keep: Callable[[tuple[str, ...], Fault | None], None]

    def is_due(self, every: int) -> bool:
        """Return whether to plan: never done yet, ``every`` decisions ago, or things go badly."""
        return every > 0 and (self.decided < 0 or self.decided >= every or self.is_bad)


@dataclass(frozen=True, slots=True)
class ReflectionRequest:
    """Input of a mind for reflecting."""

    prompt: Prompt  # template of the question
    memories: tuple[str, ...]  # memories since the last reflection, newest first
    # called with the thoughts, and the fault if there are none
    keep: Callable[[tuple[str, ...], Fault | None], None]

    def is_due(self, every: int) -> bool:
        """Return whether enough was remembered since the last time; 0: never."""
        return 0 < every <= len(self.memories)


async def _alone(key: str, ask: Ask, read: Callable[[str], Any]) -> Any:
    """Replace the shared question if answers are not shared."""
    raise ModelError(Fault.MISSING, "nobody can be asked for several members here")


@dataclass(frozen=True, slots=True)
class Member:
    """The member that decides, and its way to ask a model.

    Attributes
    ----------
    index
        Of the agent.
    name, persona, goal
        Its name, persona and goal, in words.
    moment
        The simulated time in words.
    rule
        What the platform's rules would decide for it.
    prompt
        The template of a decision.
    limit
        Maximum tokens of a prompt.
    ask
        Asks a language model; the answer has a fault if there is no reply. Never raises.
    language
        The language in which it writes; empty: the model's choice.
    letters
        Direct messages since it last decided; answered by their numbers.
    places
        Allies and groups that it may write to, or join.
    planning
        The input for planning; None: it has no goal.
    reflecting
        The input for reflecting; None: no memories.
    prompts
        Other templates, by name.
    tick
        The tick of the decision.
    archetype, traits
        What kind of member it is (:data:`~sim.agents.character.ARCHETYPES`), and its openness,
        conscientiousness, extraversion, agreeableness and neuroticism, in [0, 1].
    draw
        Draws in [0, 1), by number; the only randomness of a mind, so that a run can be repeated.
    write
        Returns what rules would let it write: a post, or about a post.
    once
        ``await member.once(key, ask, read)`` asks on behalf of all members with the same key, and
        returns the result of ``read`` on the reply, which is stored. Raises :class:`ModelError`.
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
"""Goals by name: the words before their subject, and the words without a subject."""

FEWEST_STEPS, MOST_STEPS = 2, 4
_LONGEST_STEP = 100
_OF_PLAN, _OF_THOUGHTS = (160, 60), (120, 40)
"""Most tokens of an answer, and the average."""
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
    """Return a goal in words; text that begins with no name of :data:`GOALS` stays unchanged.

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
    """Return the effect of a plan, from counts of likes, shares, replies, follows and against.

    Examples
    --------
    >>> outcome_words([3, 0, 1, 0, 0])
    '3 likes, 1 replies.'
    """
    said = [f"{number} {name}" for number, name in zip(counts, _COUNTED, strict=True) if number]
    return f"{', '.join(said)}." if said else ""


def is_bad(counts: Sequence[int]) -> bool:
    """Return whether three or more acts, and the majority, were against the member."""
    return counts[-1] >= _WORSE and counts[-1] > sum(counts[:-1])


async def planned(
    member: Member, memory: Sequence[str], every: int, temperature: float, model: str
) -> tuple[str, ...]:
    """Return the steps that a member follows now; ask for a plan if one is due."""
    planning = member.planning
    if planning is None:
        return ()
    if not planning.is_due(every):
        return planning.steps
    scene = Scene(
        member.name, member.persona, member.moment, member.goal, memory, plan=planning.steps,
        outcomes=planning.outcomes, language=member.language,
    )  # fmt: skip
    turns, (most, likely) = planning.prompt.turns(scene, member.limit), _OF_PLAN
    ask = Ask(turns, most, temperature, member.index, PLAN_SCHEMA, likely, model)
    steps, fault = await _lines_of(member, ask, steps_in)
    planning.keep(steps or planning.steps, fault)
    return steps or planning.steps


async def _lines_of(
    member: Member, ask: Ask, read: Callable[[str], tuple[str, ...]]
) -> tuple[tuple[str, ...], Fault | None]:
    """Return the lines in the answer to a question, or none and why."""
    try:
        return read((await member.ask(ask)).demanded()), None
    except ModelError as error:
        return (), error.fault


def steps_in(text: str) -> tuple[str, ...]:
    """Return the steps in a reply: one JSON object, alone or within other text."""
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
        """Add a memory; beyond the limit, the weakest is forgotten."""
        self._rows = kept([*self._rows, _row(one)], self._most)

    def recall(
        self,
        now: float,
        tags: int = 0,
        most: int = 5,
        words: str = "",
        alike: Sequence[float] | None = None,
    ) -> list[MemoryItem]:
        """Return the recalled memories, strongest first."""
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
        """Return the texts of the five strongest memories; see :meth:`recall`."""
        return [one.text for one in self.recall(now, alike=alike)]

    def dump(self) -> list[Row]:
        """Return the input for :meth:`restore`; only lists, numbers and texts."""
        return [list(row) for row in self._rows]

    @classmethod
    def restore(cls, most: int, rows: Iterable[Iterable[Any]]) -> Memory:
        """Return the memory from the output of :meth:`dump`."""
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
"""Start of a memory that is a thought."""
_MOST_THOUGHTS, _LONGEST = 2, 120
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
    """Return the memories since the last thought, newest first; the input is oldest first.

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
    """Return the new thoughts of a member; ask for them if they are due."""
    reflecting = member.reflecting
    if reflecting is None or not reflecting.is_due(every):
        return ()
    scene = Scene(
        member.name, member.persona, member.moment, member.goal, reflecting.memories[:_SHOWN],
        language=member.language,
    )  # fmt: skip
    turns, (most, likely) = reflecting.prompt.turns(scene, member.limit), _OF_THOUGHTS
    ask = Ask(turns, most, temperature, member.index, THOUGHTS_SCHEMA, likely, model)
    thoughts, fault = await _lines_of(member, ask, thoughts_in)
    reflecting.keep(thoughts, fault)
    return thoughts


def thoughts_in(text: str) -> tuple[str, ...]:
    """Return the thoughts in a reply: one JSON object, alone or within other text."""
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
"""Faults of one question; its members may be asked alone."""

_BEGINS = re.compile(r'\{\s*"answers"\s*:\s*\[\s*')
_NEXT = re.compile(r"\s*,\s*")
_FRAME = 20
"""Tokens that an answer in a list takes beyond a separate one."""
_LIKELY = 45


class BatchItem(NamedTuple):
    """The input for one of several members.

    Attributes
    ----------
    member, feed, memory
        As for :meth:`~sim.minds.minds.Mind.decide`.
    """

    member: Member
    feed: Sequence[Post]
    memory: Sequence[str]


class BatchPlace(NamedTuple):
    """A member's place in a question."""

    block: str  # the part of the prompt on it
    acts: tuple[str, ...]  # acts, last: what it may do, and the highest number that it may name
    last: int
    scene: Scene  # what it is shown

    def read(self, said: Mapping[str, Any]) -> Decision:
        """Return this member's decision in an answer; MALFORMED if it is invalid."""
        found = decision_in({**said}, self.acts, self.last)
        return fitting(found, len(self.scene.feed), self.scene.letters, self.scene.places)


def seated(member: Member, scene: Scene) -> BatchPlace:
    """Return a member's place, within the limit that it has alone."""
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
    """Return each member's decision; None if the reply has none, an invalid one, or two."""
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
    """Yield the complete objects of the list, up to the end of the reply or an error in it."""
    places = list(_BEGINS.finditer(text))
    begins = places[0] if len(places) == 1 else None  # with two lists it is unclear which is meant
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
