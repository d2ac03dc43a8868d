"""Reflections: what a minded member makes of what it remembers, kept as memories.

After so many memories a member is asked for one or two thoughts, as in Park et al. (2023,
Generative Agents); they weigh more than what they were made of, and stay longer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.core.text import one_line
from sim.minds.models.asks import Ask
from sim.minds.models.faults import Fault, ModelError
from sim.minds.models.json_objects import object_in
from sim.minds.prompts.prompts import Prompt, Scene

if TYPE_CHECKING:
    from sim.minds.minds import Member

__all__ = [
    "BEGINS",
    "THOUGHTS_SCHEMA",
    "ReflectionRequest",
    "reflected",
    "since_thought",
    "thoughts_in",
]

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


@dataclass(frozen=True, slots=True)
class ReflectionRequest:
    """What a mind needs to reflect.

    Attributes
    ----------
    prompt
        The template of the question.
    memories
        What was remembered since it reflected last, the newest first.
    keep
        Takes the thoughts, and the fault where there are none.
    """

    prompt: Prompt
    memories: tuple[str, ...]
    keep: Callable[[tuple[str, ...], Fault | None], None]

    def is_due(self, every: int) -> bool:
        """Return whether so much was remembered since; 0: never."""
        return 0 < every <= len(self.memories)


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
    """Return what a member comes to think now; asks for it where that is due.

    Parameters
    ----------
    every
        Memories after which it reflects; 0: never.
    temperature, model
        Of the question.
    """
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
    """Return the thoughts in a reply: one JSON object, alone or amid words.

    Raises
    ------
    ModelError
        MALFORMED.
    """
    said = object_in(text)
    thoughts = said.get("thoughts") if set(said) == {"thoughts"} else None
    if not isinstance(thoughts, list) or not all(isinstance(one, str) for one in thoughts):
        raise ModelError(Fault.MALFORMED, "it is no object of thoughts")
    lines = tuple(line for one in thoughts if (line := one_line(one, _LONGEST).strip()))
    if not 1 <= len(lines) <= _MOST_THOUGHTS:
        raise ModelError(Fault.MALFORMED, "one or two thoughts were asked for")
    return lines
