"""Checks of plain values, and of Python source from outside; each error is one sentence."""

from __future__ import annotations

import ast
import threading
from operator import index
from typing import Any

from sim.core.text import clean
from sim.errors import InputError

LAST_TICK = 2**31 - 1
"""Ticks are stored as int32."""

_SHOWN = 40
_DIGITS = 19
"""Digits of the largest 64-bit number. Python refuses to parse thousands of digits."""


def whole_number(value: Any, what: str, *, low: int | None = None, high: int | None = None) -> int:
    """Return an integer as a plain ``int``, or raise."""
    allowed = f" of at least {low:,}" if low is not None else ""
    if high is not None:
        allowed += f"{' and' if allowed else ' of'} at most {high:,}"
    try:
        number = None if isinstance(value, bool) else index(value)
    except TypeError:
        number = None
    is_low = number is not None and low is not None and number < low
    if number is None or is_low or (high is not None and number > high):
        raise InputError(f"{what} must be a whole number{allowed}, got {shown(value)}.")
    return number


def whole_of(text: str) -> int | None:
    """Return the 64-bit integer that a text contains, or None.

    Examples
    --------
    >>> whole_of("007"), whole_of("-7"), whole_of("7.0"), whole_of("9" * 5000)
    (7, -7, None, None)
    """
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()) or len(digits.lstrip("0")) > _DIGITS:
        return None
    number = int(digits.lstrip("0") or "0") * (-1 if digits != text else 1)
    return number if -(2**63) <= number < 2**63 else None


def number_or_word(text: str) -> int | str:
    """Return the number if a text has digits only, else the text.

    Examples
    --------
    >>> number_or_word("12"), number_or_word("m12"), number_or_word("-12")
    (12, 'm12', '-12')
    """
    number = whole_of(text)
    return text if number is None or text.startswith("-") else number


def short_text(text: str, limit: int, what: str) -> str:
    """Return a text cleaned and stripped; raise if it is too long, as none is cut silently."""
    if not isinstance(text, str):
        raise InputError(f"{what} is a text, got {shown(text)}.")
    said = text.strip()
    if len(said) > limit:
        raise InputError(f"{what} has at most {limit:,} characters, got {len(said):,}; shorten it.")
    return clean(said, limit).strip()


def shown(value: object) -> str:
    """Return a value as text for a sentence, shortened if it is long."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


_one_at_a_time = threading.Lock()
"""CPython 3.11 counts the depth of all trees being built in one counter (gh-106905)."""


def parsed(text: bytes | str) -> ast.Module:
    """Return the syntax tree of a text."""
    with _one_at_a_time:
        return ast.parse(text)


def expression(text: str) -> ast.expr:
    """Return the syntax tree of an expression; parameters and errors as in :func:`parsed`."""
    with _one_at_a_time:
        return ast.parse(text, mode="eval").body
