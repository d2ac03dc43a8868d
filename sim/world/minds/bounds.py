"""Bounds of minded members in a file: whatever else it says is refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sim.core.text import clean
from sim.errors import InputError
from sim.world.minds.memory import kept
from sim.world.minds.news import LONGEST_LETTER, MOST_LETTERS, OUTCOMES

_LONGEST = 400
_MOST_STEPS, _LONGEST_STEP = 4, 100
_MOST_OPTIONS = 32
_CAPS = 3


def sound(name: str, member: Any, value: Any) -> tuple[int, Any]:
    """Return a member, and what it has, as it may be kept."""
    try:
        return int(member), OF_EACH[name](value)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError):
        raise InputError(f"The {name} of a minded member cannot be read.") from None


def caps_of(said: Any) -> list[int | None]:
    """Return caps on requests, tokens and nano-dollars as a file or a journal says them."""
    if (
        not isinstance(said, list | tuple)
        or len(said) != _CAPS
        or not all(one is None or (type(one) is int and one >= 0) for one in said)
    ):
        raise InputError("The caps of a run's minds cannot be read.")
    return list(said)


def asked_of(words: Any, members: Any) -> tuple[str, list[int]]:
    """Return the words that named members, and those members, as they may be kept."""
    try:
        who = [int(member) for member in members]
    except (TypeError, ValueError, OverflowError):
        who = [-1]
    if not isinstance(words, str) or min(who, default=0) < 0:
        raise InputError("The members that a run gave minds cannot be read.")
    return clean(words, _LONGEST), who


def _words(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no words")
    return clean(value, _LONGEST)


def _options(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or len(value) > _MOST_OPTIONS:
        raise TypeError("no options")
    return {str(key): _option(one) for key, one in value.items()}


def _option(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _options(value)  # of the mind that a person stands for
    if not isinstance(value, str | int | float | None):
        raise TypeError("no value of an option")
    return value


def _plan(value: Any) -> dict[str, Any]:
    outcomes = [int(number) for number in value["outcomes"]]
    if len(outcomes) != len(OUTCOMES):
        raise ValueError("no outcomes")
    return {
        "steps": [clean(step, _LONGEST_STEP) for step in value["steps"][:_MOST_STEPS]],
        "tick": int(value["tick"]),
        "decided": int(value["decided"]),
        "outcomes": outcomes,
    }


def _letters(value: Any) -> list[list[Any]]:
    return [
        [int(tick), int(sender), int(group), clean(text, LONGEST_LETTER)]
        for tick, sender, group, text in value[-MOST_LETTERS:]
    ]


OF_EACH: dict[str, Callable[[Any], Any]] = {
    "kinds": _words,
    "goals": _words,
    "languages": _words,
    "options": _options,
    "memories": kept,
    "plans": _plan,
    "letters": _letters,
}
"""What is kept of each minded member, and how it is read."""
