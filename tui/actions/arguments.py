"""Arguments of a command: a number, NAME=VALUE pairs, one of some words; and which there are."""

from __future__ import annotations

from collections.abc import Iterable

from sim.core import whole_of
from sim.errors import InputError, UnknownNameError

ORDERS = ("size", "adoption", "onset", "name")
"""Orders of communities."""

VIEWS = ("map", "heat", "table")
"""Panes of the Groups mode."""

SPEEDS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, None)
"""Ticks a second that ``+`` and ``-`` go through; the last is as fast as it can."""


def pairs(words: Iterable[str]) -> dict[str, str]:
    """Read ``name=value`` words.

    Examples
    --------
    >>> pairs(["text=hello", "probability=0.1"])
    {'text': 'hello', 'probability': '0.1'}
    """
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            told = "name each value, one with blanks in quotes: text='Hello there.'"
            raise InputError(f"{word!r} is not NAME=VALUE; {told}")
        if name in found:
            raise InputError(f"{name!r} is given twice; give it once.")
        found[name] = value
    return found


def number(
    words: tuple[str, ...], *, default: int, low: int = 1, what: str = "number of ticks"
) -> int:
    """Read the one whole number that a command takes.

    Raises
    ------
    InputError
        When it is no whole number of at least ``low``, or more than one word was typed.
    """
    if not words:
        return default
    found = whole_of(words[0].replace(",", "").replace("_", ""))
    if len(words) > 1 or found is None or found < low:
        raise InputError(f"The {what} must be a whole number from {low}, got {words[0]!r}.")
    return found


def choice(what: str, words: tuple[str, ...], known: tuple[str, ...]) -> str:
    """Read the one word that a command takes, out of those known; empty when none was typed."""
    if words and words[0] not in known:
        raise UnknownNameError(what, words[0], known)
    return words[0] if words else ""


def share_of(word: str) -> float:
    """Read a share: ``0.5``, ``50%``; ``none`` is 0."""
    try:
        found = 0.0 if word == "none" else float(word.rstrip("%")) / (100 if "%" in word else 1)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise InputError(f"A share is a number from 0 to 1, such as 0.5 or 50%; got {word!r}.")
    return found
