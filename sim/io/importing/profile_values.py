"""Values of profiles as people write them: levels in words, lists in cells, shares of 100."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sim.agents.hours import DAY
from sim.errors import InputError
from sim.io.importing.sniff import whole

__all__ = [
    "float_of",
    "hours_of",
    "id_of",
    "kept",
    "level_of",
    "said",
    "scaled_hours",
    "score_of",
    "share_of",
    "words_of",
]

_BETWEEN_HIGH = r"(?:moderate|moderately|medium) (?:to )?high|above average"
_BETWEEN_LOW = (
    r"(?:moderate|moderately|medium) (?:to )?low|low (?:to )?(?:moderate|medium)|below av"
)
_LEVELS: Final = (
    (re.compile(r"extremely low|very low"), 0.1),
    (re.compile(r"extremely high|very high"), 0.9),
    (re.compile(_BETWEEN_HIGH), 0.65),
    (re.compile(_BETWEEN_LOW), 0.35),
    (re.compile(r"low"), 0.2),
    (re.compile(r"medium|moderate|average"), 0.5),
    (re.compile(r"high"), 0.8),
)
_OF = re.compile(r"(\d+(?:\.\d+)?)\s*(?:/\s*(100|10|5)\b|(%))")
_NEAR = 60
_SPLIT = re.compile(r"[,;|]")
_SCORES = ("score", "value", "level")


def float_of(value: object) -> float:
    """Return a number, NaN for what is none."""
    try:
        return math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return math.nan


def level_of(value: object, name: str, *, of: float) -> float | None:
    """Return a trait in [0, 1]; None for words that name no level.

    Parameters
    ----------
    value
        A number up to ``of``; "7/10", "65 %"; words such as "Medium-high. Likes ..."; or a table
        with one of these as score, value or level.
    name
        Of the trait, for the error.
    of
        The highest number: 1 or 100.

    Raises
    ------
    InputError
        For a number outside its range.
    """
    value = score_of(value)
    number = float_of(value)
    if isinstance(value, str) and math.isnan(number):
        return _worded(value)
    if not 0 <= number <= of:
        raise InputError(f"{name} must be a number in [0, {of:g}], got {str(value)[:40]!r}")
    return number / of


def score_of(value: object) -> object:
    """Return the score of a table such as ``{"score": 35, "description": ...}``; others as is."""
    if not isinstance(value, Mapping):
        return value
    return next((value[each] for each in _SCORES if each in value), "")


def _worded(text: str) -> float | None:
    head = text.strip().casefold()[:_NEAR]
    if score := _OF.search(head):
        return min(float(score[1]) / (100.0 if score[3] else float(score[2])), 1.0)
    head = head.replace("-", " ")
    return next((share for words, share in _LEVELS if words.match(head)), None)


def share_of(value: object, name: str) -> float | None:
    """Return a number in [0, 1], None for nothing; InputError for anything else."""
    if value is None:
        return None
    number = float_of(value)
    if not 0 <= number <= 1:
        raise InputError(f"{name} must be a number in [0, 1], got {str(value)[:40]!r}")
    return number


def hours_of(value: object) -> list[float]:
    """Return the numbers of a list, or of a cell such as ``[0, 3, 1]``; NaN for what is none."""
    if isinstance(value, str):
        value = _SPLIT.split(value.strip("[]() "))
    return [float_of(each) for each in value] if isinstance(value, (list, tuple)) else []


def scaled_hours(weights: Sequence[float], scale: float) -> tuple[float, ...]:
    """Return 24 weights divided by ``scale``, or none; InputError for another number of them."""
    if weights and (len(weights) != DAY or not all(weight >= 0 for weight in weights)):
        raise InputError(f"hours must be {DAY} numbers of at least 0, got {len(weights)} values")
    return tuple(weight / scale for weight in weights)


def words_of(value: object) -> tuple[str, ...]:
    """Return the words of a list, or of a cell such as ``music, chess``; InputError for others."""
    if value is None:
        return ()
    if isinstance(value, str):
        text = value.strip()
        listed = text.startswith("[") and text.endswith("]")
        value = [part.strip(" '\"") for part in _SPLIT.split(text[1:-1] if listed else text)]
    if not isinstance(value, (list, tuple)):
        raise InputError(f"interests must be a list of words, got {str(value)[:40]!r}")
    return tuple(str(each).strip() for each in value if str(each).strip())


def id_of(value: object) -> int | str | None:
    """Return a foreign id as worlds have them: ``007`` is 7."""
    if value is None or isinstance(value, bool):
        return None
    text = str(value).strip()
    return int(text) if whole(text) else text


def kept(value: object) -> Any:
    """Return a value of JSON as msgpack holds it: whole numbers beyond 64 bits as text."""
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): kept(each) for name, each in value.items()}
    return [kept(each) for each in value] if isinstance(value, list) else value


def said(value: object) -> str:
    """Return a value of JSON as text that a person reads."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {said(each)}" for name, each in value.items())
    if isinstance(value, (list, tuple)):
        return "; ".join(said(each) for each in value)
    return str(value)
