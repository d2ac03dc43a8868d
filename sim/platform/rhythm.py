"""The daily rhythm: how a member's share of ticks online bends over 24 hours.

The law of an hour is stated, so that what happens can be held against it: an agent of activity
``a`` and chronotype ``s`` hours late is online with chance ``min(1, a * c(h - s))``, where ``c`` is
the day's curve with mean 1. A tick takes the mean of the curve over the hours it spans.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.agents.rhythm_kernels import fill_kinds
from sim.arrays import F64
from sim.core import rng
from sim.core.rng import Stream
from sim.errors import InputError

_DAILY = (
    0.72, 0.45, 0.28, 0.19, 0.16, 0.20, 0.36, 0.62, 0.88, 1.03, 1.11, 1.16,
    1.24, 1.22, 1.17, 1.17, 1.22, 1.30, 1.40, 1.52, 1.66, 1.72, 1.50, 1.12,
)  # fmt: skip
"""Hours 0 to 23: quiet before dawn, busiest at nine in the evening. A made curve of the shape that
counts of posts by the hour commonly have; scaled to mean 1. State your own where it matters."""

SHIFTS = (-3, -2, -1, 0, 1, 2, 3)
"""Hours by which a chronotype is late."""
_SHARES = (0.05, 0.10, 0.20, 0.30, 0.20, 0.10, 0.05)
KINDS = len(SHIFTS)


def curve_of(rhythm: str) -> F64:
    """Return the day's curve, float64 (24,) with mean 1."""
    if rhythm == "flat":
        return np.ones(24)
    try:
        hours = _DAILY if rhythm == "daily" else tuple(float(part) for part in rhythm.split(","))
    except ValueError:
        hours = ()
    curve = np.array(hours)
    if curve.shape != (24,) or not np.isfinite(curve).all() or (curve < 0).any() or not curve.sum():
        raise InputError(
            "A rhythm is 'daily', 'flat' or 24 numbers of at least 0, one an hour, separated by "
            f"commas; got {rhythm!r}."
        )
    mean_one: F64 = curve / curve.mean()
    return mean_one


def chronotypes(seed: int, start: int, count: int) -> npt.NDArray[np.uint8]:
    """Return the chronotype of agents ``start .. start + count``: uint8, a place in ``SHIFTS``."""
    out = np.empty(count, np.uint8)
    upto = np.cumsum(np.array(_SHARES))
    fill_kinds(rng.key(seed, Stream.CHRONOTYPES), start, upto, out)
    return out


def factors(curve: F64, tick: int, tick_minutes: float) -> F64:
    """Return the factor of each chronotype in a tick, float64 (``KINDS``,)."""
    hours = tick_minutes / 60
    begin = (tick - 1) * hours - np.array(SHIFTS, np.float64)
    return (_upto(curve, begin + hours) - _upto(curve, begin)) / hours


def _upto(curve: F64, hour: F64) -> F64:
    """Return the integral of the curve from hour 0; days repeat."""
    sums = np.concatenate([[0.0], np.cumsum(curve)])
    day, rest = np.divmod(hour, 24.0)
    whole = np.minimum(rest.astype(np.int64), 23)
    total: F64 = day * sums[24] + sums[whole] + (rest - whole) * curve[whole]
    return total
