"""Distributions of residence times in a state, in whole ticks."""

from __future__ import annotations

from functools import lru_cache
from math import lgamma, log
from typing import Literal, get_args

import numpy as np

from sim.arrays import F64
from sim.errors import ParameterError

StayLaw = Literal["geometric", "fixed", "weibull", "gamma", "lognormal"]

LONGEST = 100_000
"""Ticks; what a law puts beyond is counted here."""
_POINTS = 40_000
_TINY = 1e-15
_DEEP = 40.0
"""How far into the tails a grid goes: to exp(-40) of the peak."""


@lru_cache(maxsize=256)
def stay_law(law: StayLaw, mean: float, spread: float) -> F64:
    """Return the chance of staying at most 1, 2, 3, ... ticks; the last one is 1.

    Times that are not whole are rounded up or down at random, so that the mean is kept. What would
    be no tick at all is one: short stays of a wide law last longer than their mean. Read-only.

    Examples
    --------
    >>> stay_law("fixed", 2.25, 1.0)
    array([0.  , 0.75, 1.  ])
    """
    if law not in get_args(StayLaw) or not mean >= 1.0:
        raise ParameterError(
            f"A stay lasts at least 1 tick on average under one of {', '.join(get_args(StayLaw))}; "
            f"got {law!r} with mean {mean:g}."
        )
    if law == "geometric":
        ticks = np.arange(1, min(int(40 * mean) + 2, LONGEST))
        return _closed(-np.expm1(ticks * np.log1p(-min(1.0 / mean, 1.0 - _TINY))))
    times, weights = (np.array([mean]), np.ones(1)) if law == "fixed" else _law(law, mean, spread)
    times = np.minimum(times, LONGEST - 1.0)
    whole = times.astype(np.int64)
    chances = np.bincount(whole, weights * (1.0 - times + whole), minlength=2)
    chances = np.concatenate([chances, [0.0]]) + np.bincount(
        whole + 1, weights * (times - whole), minlength=chances.size + 1
    )
    chances[1] += chances[0]
    return _closed(np.cumsum(chances[1:]))


def _closed(cumulated: F64) -> F64:
    """Return cumulated chances up to the first that is 1, read-only."""
    short = cumulated[: int(np.argmax(cumulated >= cumulated[-1] - _TINY)) + 1].copy()
    short[-1] = 1.0
    short.flags.writeable = False
    return short


def _law(law: str, mean: float, spread: float) -> tuple[F64, F64]:
    """Return times and their weights: a density on a fine grid of logarithms."""
    if not 0.05 <= spread <= 3.0:
        raise ParameterError(f"The spread of stays must be in [0.05, 3], got {spread:g}.")
    if law == "lognormal":
        variance = log(1.0 + spread**2)
        y = np.linspace(-9.0, 9.0, _POINTS) * variance**0.5 - variance / 2
        density = -((y + variance / 2) ** 2) / (2 * variance)
    elif law == "gamma":
        shape = spread**-2
        y = np.linspace(-_DEEP / shape, log(1.0 + _DEEP / shape) + 1.0, _POINTS)
        density = shape * (y - np.exp(y))
    else:
        shape = _weibull_shape(spread)
        y = np.linspace(-_DEEP, log(_DEEP), _POINTS) / shape - lgamma(1.0 + 1.0 / shape)
        scaled = shape * (y + lgamma(1.0 + 1.0 / shape))
        density = scaled - np.exp(scaled)
    weights = np.exp(density - density.max())
    weights /= weights.sum()
    times = np.exp(y)
    return times * (mean / float(weights @ times)), weights


def _weibull_shape(spread: float) -> float:
    """Return the shape at which the standard deviation is ``spread`` means."""
    low, high, shape = 0.1, 100.0, 1.0
    for _ in range(100):
        shape = float((low * high) ** 0.5)
        if lgamma(1 + 2 / shape) - 2 * lgamma(1 + 1 / shape) > log(1 + spread**2):
            low = shape
        else:
            high = shape
    return shape
