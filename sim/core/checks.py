"""Checks of plain values that many rooms share; each refusal is one sentence."""

from __future__ import annotations

from operator import index
from typing import Any

from sim.errors import InputError

__all__ = ["whole_number"]

_SHOWN = 40


def whole_number(value: Any, what: str, *, low: int | None = None) -> int:
    """Return a whole number as a plain ``int``, or refuse what is none.

    Parameters
    ----------
    value
        An ``int`` or a whole number of numpy; no truth value, no text, no 3.0.
    what
        What it is, as the sentence begins: ``"priority"``.
    low
        The least allowed; None: any.

    Raises
    ------
    InputError
        One sentence with what is allowed and what it got.

    Examples
    --------
    >>> whole_number(3, "priority")
    3
    """
    least = "" if low is None else f" of at least {low:,}"
    try:
        number = None if isinstance(value, bool) else index(value)
    except TypeError:
        number = None
    if number is None or (low is not None and number < low):
        raise InputError(f"{what} must be a whole number{least}, got {_shown(value)}.")
    return number


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
