"""Ranges: which values a parameter takes in a sweep, as a person writes them.

::

    0.1:0.5:9            nine values from 0.1 to 0.5, equally far apart, ends included
    0.001:1:7:log        seven values, each the same multiple of the one before
    0.1:0.5              any value in between, for designs that draw; 0.001:1:log likewise
    5, 10, 20            these; in TOML also [5, 10, 20]
    blend, random        words too
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sim.core.checks import whole_of
from sim.core.text import one_line
from sim.core.toml import from_toml
from sim.errors import InputError

_NUMBER = r"[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_SPAN = re.compile(rf"^\s*({_NUMBER})\s*:\s*({_NUMBER})\s*(?::\s*([^:\s]+)\s*)?(?::\s*(log)\s*)?$")
_FORMS = "LOW:HIGH:COUNT, LOW:HIGH, or VALUE,VALUE"
_DIGITS = 12
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class ValueRange:
    """Values of a parameter: some that are listed, or all between two ends.

    Attributes
    ----------
    values
        Those that are listed; empty: all between the ends.
    low, high
        The ends, low < high; of a list the first and the last value where they are numbers.
    count
        Of the values that a grid takes; 0: nobody said.
    is_log
        Whether they are equally far apart by their ratio.
    is_whole
        Whether both ends were written without a point.
    """

    values: tuple[Any, ...] = ()
    low: float = math.nan
    high: float = math.nan
    count: int = 0
    is_log: bool = False
    is_whole: bool = False

    def __iter__(self) -> Iterator[Any]:
        """Yield the values of a grid, one at a time."""
        if self.values:
            yield from self.values
            return
        for place in range(self.count):
            yield self._at(place / (self.count - 1), is_whole=False)

    def at(self, share: float, *, is_whole: bool = False) -> Any:
        """Return the value at a share in [0, 1] of the way from low to high.

        Of a list each value has as large a part of the way, and so has each whole number.

        Examples
        --------
        >>> read_range("0:10").at(0.25, is_whole=True), read_range("1:100:log").at(0.5)
        (2, 10)
        """
        if self.values:
            return self.values[min(int(share * len(self.values)), len(self.values) - 1)]
        return self._at(share, is_whole=is_whole)

    def _at(self, share: float, *, is_whole: bool) -> int | float:
        if is_whole and not self.is_log:
            low, many = math.ceil(self.low), math.floor(self.high) - math.ceil(self.low) + 1
            return low + min(int(share * many), many - 1)
        if self.is_log:
            value = self.low * (self.high / self.low) ** share
        else:
            value = self.low + share * (self.high - self.low)
        plain = min(max(float(f"{value:.{_DIGITS}g}"), self.low), self.high)
        if is_whole:
            return round(plain)
        return int(plain) if self.is_whole and plain.is_integer() else plain

    @property
    def ends(self) -> tuple[Any, ...]:
        """The values between which, or among which, all others are."""
        if self.values:
            return self.values
        return tuple(int(e) if self.is_whole else e for e in (self.low, self.high))


def read_range(said: Any) -> ValueRange:
    """Read what a person wrote.

    Examples
    --------
    >>> list(read_range("0.1:0.5:5")), list(read_range("5,10")), list(read_range(["a", "b"]))
    ([0.1, 0.2, 0.3, 0.4, 0.5], [5, 10], ['a', 'b'])
    """
    if isinstance(said, ValueRange):
        return said
    if isinstance(said, str):
        found = _SPAN.match(said)
        if found is not None:
            return _span(said, *found.groups())
        if not said.strip():
            raise InputError(f"values are written as {_FORMS}, got nothing")
        return _listed([_value(word) for word in said.split(",")])
    if hasattr(said, "tolist"):
        said = said.tolist()
    if isinstance(said, Mapping) or not isinstance(said, bool | int | float | Sequence | range):
        raise InputError(f"values are written as {_FORMS}, got {_shown(said)}")
    return _listed(list(said) if isinstance(said, Sequence) else [said])


def _listed(values: list[Any]) -> ValueRange:
    if not values:
        raise InputError("there is no value in its list")
    for value in values:
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"a value is finite, got {value!r}")
    if len({repr(value) for value in values}) < len(values):
        raise InputError(f"each value is listed once, got {_shown(', '.join(map(str, values)))}")
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) < len(values):
        return ValueRange(tuple(values))
    return ValueRange(tuple(values), float(numbers[0]), float(numbers[-1]))


def _span(said: str, low: str, high: str, third: str | None, fourth: str | None) -> ValueRange:
    is_log = fourth == "log" or third == "log"
    count = 0
    if third is not None and third != "log":
        count = whole_of(third) or 0
        if count < 2:
            raise InputError(f"COUNT of {_shown(said)} is a whole number of at least 2")
    first, last = float(low), float(high)
    if not first < last < math.inf:
        raise InputError(f"a range rises from LOW to HIGH, got {_shown(said)}")
    if is_log and first <= 0:
        raise InputError(f"a range by ratios begins above 0, got {_shown(said)}")
    is_whole = not set(low + high) & set(".eE")
    return ValueRange((), first, last, count, is_log, is_whole)


def _value(word: str) -> Any:
    """Return what a word is in TOML, else the word."""
    try:
        return from_toml(f"value = {word.strip()}")["value"]
    except ValueError:
        return word.strip()


def _shown(said: object) -> str:
    return repr(one_line(str(said), _SHOWN))


def split_vary(words: str) -> tuple[str, ValueRange]:
    """Read ``KEY=RANGE``.

    Examples
    --------
    >>> split_vary("network.mean_degree=5,10")[0]
    'network.mean_degree'
    """
    key, sign, values = words.partition("=")
    if not sign or not key.strip():
        raise InputError(f"--vary takes KEY={_FORMS}, such as beta=0.1:0.5:9; got {_shown(words)}.")
    try:
        return key.strip(), read_range(values)
    except InputError as error:
        raise InputError(f"--vary {one_line(key.strip(), _SHOWN)}: {error}.") from None


def flattened(said: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return the keys of nested tables as one key each, with dots between.

    Examples
    --------
    >>> flattened({"beta": "0:1:3", "platform": {"slots": [5, 10]}})
    {'beta': '0:1:3', 'platform.slots': [5, 10]}
    """
    found: dict[str, Any] = {}
    for key, value in said.items():
        name = f"{above}.{key}" if above else str(key)
        found |= flattened(value, name) if isinstance(value, Mapping) else {name: value}
    return found
