"""What is kept of a minded member, and its bounds: memories, plans, letters.

Of memories the newest quarter is kept whatever it is. Of what is older the strongest stay:
by importance in [0, 1], and by recency, ``0.995 ** hours`` as in Park et al. (2023, Generative
Agents). The rest is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sim.core.text import clean, one_line
from sim.errors import InputError

MOST = 64
"""Memories of a member."""
LONGEST = 200
"""Characters of one."""
MOST_BYTES = 16_384
"""Bytes of a member's memories, as UTF-8 with 24 for the numbers of each."""

MOST_LETTERS, LONGEST_LETTER = 6, 200
"""Of a member, the newest; characters of each."""

OUTCOMES = ("likes", "shares", "replies", "follows", "against")
"""What is counted for a plan; the last: dislikes, reports, mutes, blocks, unfollows."""

_PER_HOUR = 0.995
_SHORT = 4  # of so many, one is of the short term
_NUMBERS = 24
Row = list[Any]


def recency(hour: float, now: float) -> float:
    """Return how fresh a memory of an hour is, 1 for now."""
    return float(_PER_HOUR ** max(now - hour, 0.0))


def tidy(row: Iterable[Any]) -> Row:
    """Return a memory as it is kept: (hour, text, tags, importance), clean and within bounds."""
    hour, text, tags, importance = row
    weight = min(max(float(importance), 0.0), 1.0)
    return [float(hour), one_line(str(text), LONGEST), int(tags) & (1 << 64) - 1, weight]


def size_of(rows: Iterable[Sequence[Any]]) -> int:
    """Return the bytes of memories."""
    return sum(len(row[1].encode("utf-8", "replace")) + _NUMBERS for row in rows)


def kept(rows: Iterable[Iterable[Any]], most: int = MOST) -> list[Row]:
    """Return what is kept of memories, in their order.

    Examples
    --------
    >>> rows = [[hour, "rain", 0, 0.9 if hour == 0 else 0.1] for hour in range(5)]
    >>> [row[0] for row in kept(rows, 4)]
    [0.0, 2.0, 3.0, 4.0]
    """
    held = [tidy(row) for row in rows]
    now = max((row[0] for row in held), default=0.0)
    short, size = max(most, 1) // _SHORT, size_of(held)
    while len(held) > max(most, 1) or size > MOST_BYTES:
        old = max(len(held) - short, 1)
        weakest = min(range(old), key=lambda at: recency(held[at][0], now) + held[at][3])
        size -= size_of([held.pop(weakest)])
    return held


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
