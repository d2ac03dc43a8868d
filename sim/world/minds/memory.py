"""Memories of a minded member: a short term, a long one, and a bound in bytes.

The newest quarter is kept whatever it is. Of what is older the strongest stay: by importance in
[0, 1], and by recency, ``0.995 ** hours`` as in Park et al. (2023, Generative Agents). The rest is
forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sim.core.text import one_line

MOST = 64
"""Memories of a member."""
LONGEST = 200
"""Characters of one."""
MOST_BYTES = 16_384
"""Bytes of a member's memories, as UTF-8 with 24 for the numbers of each."""

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
