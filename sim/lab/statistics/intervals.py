"""Intervals: of a mean, a median, a share."""

from __future__ import annotations

from math import inf, isnan, nan, sqrt
from statistics import NormalDist
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from sim.errors import InputError

__all__ = [
    "CONFIDENCE",
    "Floats",
    "Interval",
    "MeanMethod",
    "mean_interval",
    "median_interval",
    "numbers",
    "require_confidence",
    "share_interval",
    "skewness",
    "t_quantile",
]

Floats = npt.NDArray[np.float64]
MeanMethod = Literal["auto", "t", "bootstrap"]

CONFIDENCE: Final = 0.95
_SKEWED = 1.0
_FEWEST_RESAMPLED = 20
_RESAMPLES = 9_999
_SEED = 20_240_611
"""Of the bootstrap's own generator: no draw of a world, and the same interval every time."""


class Interval(NamedTuple):
    """Where a number lies, with some confidence.

    Attributes
    ----------
    low, high
        Its ends, in the unit of the number; NaN where there are too few values for any.
    confidence
        In (0, 1).
    method
        What it was made by: ``t``, ``bootstrap``, ``order statistics``, ``Wilson``,
        ``Bonett-Price``, ``identical`` (every value is the same) or ``too few``.
    """

    low: float
    high: float
    confidence: float
    method: str

    @property
    def is_known(self) -> bool:
        """Whether there were values enough for an interval."""
        return not isnan(self.low)

    @property
    def width(self) -> float:
        """High less low; NaN where it is not known."""
        return self.high - self.low

    def holds(self, value: float) -> bool:
        """Return whether a value lies in it, ends included; what is not known holds everything."""
        return not self.is_known or self.low <= value <= self.high


def mean_interval(
    values: npt.ArrayLike, method: MeanMethod = "auto", *, confidence: float = CONFIDENCE
) -> Interval:
    """Return an interval for the mean of what the values were drawn from.

    Parameters
    ----------
    values
        Finite numbers (n,), 1 or more.
    method
        ``t``: Student's t. ``bootstrap``: bias-corrected and accelerated, 9,999 resamples by a
        generator of fixed seed, so that the same values have the same interval. ``auto``: the
        bootstrap where there are 20 values or more and their skewness is beyond 1 either way,
        else t; of fewer values the bootstrap promises more than it holds.
    confidence
        In (0, 1).

    Returns
    -------
    Interval
        With ends NaN for one value, and of width 0 where all values are the same.

    Raises
    ------
    InputError
        For no values, values that are not finite, an unknown method, a confidence out of range.

    Source: Student (1908), The probable error of a mean; Efron (1987), Better bootstrap
    confidence intervals.

    Examples
    --------
    >>> low, high, *_ = mean_interval([1, 2, 3])
    >>> round(low, 3), round(high, 3)
    (-0.484, 4.484)
    """
    if method not in get_args(MeanMethod):
        raise InputError(f"An interval of a mean is made by auto, t or bootstrap, not {method!r}.")
    require_confidence(confidence)
    given = numbers(values)
    if given.size == 1:
        return Interval(nan, nan, confidence, "too few")
    if np.all(given == given[0]):
        return Interval(float(given[0]), float(given[0]), confidence, "identical")
    if method == "bootstrap" or (method == "auto" and _is_skewed(given)):
        return _bootstrap(given, confidence)
    half = t_quantile(confidence, given.size - 1) * float(given.std(ddof=1)) / sqrt(given.size)
    mean = float(given.mean())
    return Interval(mean - half, mean + half, confidence, "t")


def median_interval(values: npt.ArrayLike, *, confidence: float = CONFIDENCE) -> Interval:
    """Return an interval for the median: two of the values, chosen by the binomial law.

    It assumes nothing of the distribution and covers at least as often as it says. Fewer than 6
    values give none at 95 %.

    Parameters
    ----------
    values
        Finite numbers (n,), 1 or more.
    confidence
        In (0, 1).

    Raises
    ------
    InputError
        As of :func:`mean_interval`.

    Source: Hahn & Meeker (1991), Statistical intervals, 5.2.

    Examples
    --------
    >>> median_interval(range(1, 11))[:2]
    (2.0, 9.0)
    """
    from scipy.special import bdtr

    require_confidence(confidence)
    given = np.sort(numbers(values))
    below = np.arange(given.size // 2)
    reached = 1 - 2 * np.asarray(bdtr(below, given.size, 0.5)) >= confidence
    if not reached.any():
        return Interval(nan, nan, confidence, "too few")
    place = int(below[reached][-1])
    ends = float(given[place]), float(given[given.size - 1 - place])
    return Interval(*ends, confidence, "order statistics")


def share_interval(hits: int, of: int, *, confidence: float = CONFIDENCE) -> Interval:
    """Return an interval for a chance, from how often something happened.

    Parameters
    ----------
    hits, of
        How often it happened, of how many times: 0 <= hits <= of, of 1 or more.
    confidence
        In (0, 1).

    Raises
    ------
    InputError
        For numbers outside these ranges.

    Source: Wilson (1927), Probable inference, the law of succession, and statistical inference.

    Examples
    --------
    >>> low, high, *_ = share_interval(0, 10)
    >>> round(low, 3), round(high, 3)
    (0.0, 0.278)
    """
    require_confidence(confidence)
    if not 0 <= hits <= of or of < 1:
        raise InputError(f"A share is of 1 or more and no more than all; got {hits} of {of}.")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, spread = hits / of, z * z / of
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * sqrt(share * (1 - share) / of + spread / (4 * of))
    low = 0.0 if hits == 0 else middle - half  # exact ends: rounding would leave 1e-17 beside them
    high = 1.0 if hits == of else middle + half
    return Interval(low, high, confidence, "Wilson")


def skewness(values: npt.ArrayLike) -> float:
    """Return the adjusted Fisher-Pearson skewness of a sample; 0 for fewer than 3 or equal values.

    Source: Joanes & Gill (1998), Comparing measures of sample skewness and kurtosis, G1.

    Examples
    --------
    >>> round(skewness([0, 0, 0, 1]), 12)
    2.0
    """
    given = numbers(values)
    n = given.size
    apart = given - given.mean()
    widest = float(np.abs(apart).max())
    if n < 3 or not 0 < widest < inf:
        return 0.0
    apart = apart / widest  # powers of very large or small numbers are none
    second = float(np.mean(apart**2))
    third = float(np.mean(apart**3))
    return float(sqrt(n * (n - 1)) / (n - 2) * third / second**1.5)


def t_quantile(confidence: float, freedom: float) -> float:
    """Return the ``t`` such that Student's t lies between ``-t`` and ``t`` with a given chance."""
    from scipy.special import stdtrit  # scipy.stats.t without the second that scipy.stats takes

    return float(stdtrit(freedom, (1 + confidence) / 2))


def numbers(values: npt.ArrayLike) -> Floats:
    """Return values as float64 (n,); refuse none, and what is not finite."""
    given = np.asarray(values, np.float64).ravel()
    if not given.size:
        raise InputError("There are no values to make an interval of; run 1 replicate or more.")
    if not np.isfinite(given).all():
        raise InputError("An interval needs finite values; leave out runs that have no number.")
    return given


def require_confidence(confidence: float) -> None:
    """Refuse a confidence outside (0, 1)."""
    if not 0 < confidence < 1:
        raise InputError(f"A confidence lies between 0 and 1, such as 0.95; got {confidence}.")


def _is_skewed(given: Floats) -> bool:
    return given.size >= _FEWEST_RESAMPLED and abs(skewness(given)) > _SKEWED


def _bootstrap(given: Floats, confidence: float) -> Interval:
    from scipy.stats import bootstrap

    made: Any = bootstrap(
        (given,), np.mean, n_resamples=_RESAMPLES, confidence_level=confidence, method="BCa",
        rng=_SEED,
    ).confidence_interval  # fmt: skip
    low, high = float(made.low), float(made.high)
    if not -inf < low <= high < inf:
        return mean_interval(given, "t", confidence=confidence)
    return Interval(low, high, confidence, "bootstrap")
