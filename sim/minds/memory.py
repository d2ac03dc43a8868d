"""What a minded member remembers and reflects on.

What is kept, and what is forgotten, is said in :mod:`sim.world.minds.memory`. What comes to mind is
chosen by recency, importance and relevance in equal parts, as in Park et al. (2023, Generative
Agents): recency ``0.995 ** hours``, importance in [0, 1], relevance the share of the asked
interests that a memory is about, or of the asked words that stand in it, whichever is more; or how
far its embedding is like that of what is asked, where a server says it.

After so many memories a member is asked for one or two thoughts, as in Park et al. (2023,
Generative Agents); they weigh more than what they were made of, and stay longer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sim.core.text import one_line
from sim.minds.member import Member
from sim.minds.models.asks import Ask
from sim.minds.models.faults import Fault, ModelError
from sim.minds.models.replies import object_in
from sim.minds.prompts.prompts import Scene
from sim.world.minds.memory import MOST, Row, kept, recency

_WORD = re.compile(r"\w{4,}")


@dataclass(frozen=True, slots=True)
class MemoryItem:
    """One memory.

    Attributes
    ----------
    hour
        Of simulated time.
    text
        At most 200 characters.
    tags
        Interests as a mask of bits.
    importance
        In [0, 1].
    """

    hour: float
    text: str
    tags: int = 0
    importance: float = 0.3


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
