"""Confidence intervals of a mean, a median, a proportion."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import isfinite, isnan, nan, sqrt
from statistics import NormalDist
from typing import Final, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from sim.arrays import F64
from sim.core.rng import Stream, key, uniforms
from sim.errors import InputError

MeanMethod = Literal["auto", "t", "bootstrap"]

CONFIDENCE: Final = 0.95
_FEWEST_RESAMPLED = 20
_ROUNDING = 1e-14
"""Relative to the largest value: networks that differ by no more count as equal."""
_RESAMPLES = 999
_SEED = 20_240_611
"""Seed of the bootstrap, independent of worlds: the same interval every time."""
_AT_ONCE = 400_000
"""Rows of resamples that are processed at once, to limit memory."""


class Interval(NamedTuple):
    """A confidence interval.

    Attributes
    ----------
    low, high
        Its ends, in the unit of the number; NaN if there are too few values.
    confidence
        In (0, 1).
    method
        How it was made: ``t``, ``bootstrap-t`` (either may add ``over 5 networks``),
        ``order statistics``, ``Wilson``, ``Bonett-Price``, ``identical`` (every value is the same)
        or ``too few``.
    """

    low: float
    high: float
    confidence: float
    method: str

    @property
    def is_known(self) -> bool:
        """Whether there were enough values for an interval."""
        return not isnan(self.low)

    @property
    def width(self) -> float:
        """High minus low; NaN if not known."""
        return self.high - self.low

    def holds(self, value: float) -> bool:
        """Return whether it contains a value, ends included; an unknown interval contains any."""
        return not self.is_known or self.low <= value <= self.high


def mean_interval(
    values: npt.ArrayLike,
    method: MeanMethod = "auto",
    *,
    networks: npt.ArrayLike | None = None,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Return an interval for the mean of the distribution that the values were drawn from.

    Parameters
    ----------
    values
        Finite numbers (n,), 1 or more.
    method
        ``t``: Student's t. ``bootstrap``: bootstrap-t with 999 resamples of addressed draws, so
        that the same values have the same interval; t below 20 values, and if nearly all are
        the same, so that many resamples have no spread. ``auto``: the
        bootstrap, or Wilson's interval if all values are 0 or 1. The skewness of the sample is
        not used: it depends itself on a few outliers. With fewer than 20 values, no
        interval of a skewed mean is reliable; see :func:`means_said`.
    networks
        The network of each value, (n,): values of one network are not independent, so the
        networks are the sample. None, one network, or one for each value: each value counts.
    confidence
        In (0, 1).

    Returns
    -------
    Interval
        Its ends are NaN for one value, and if values differ within networks but not between; its
        width is 0 if all values are equal. If all values are 0 or 1, it lies within 0 and 1.

    Raises
    ------
    InputError
        For no values, non-finite values, an unknown method, or a confidence out of range.

    Source: Student (1908), The probable error of a mean; Efron & Tibshirani (1993), An introduction
    to the bootstrap, 12.5; Cameron, Gelbach & Miller (2008), Bootstrap-based improvements for
    inference with clustered errors.

    Examples
    --------
    >>> low, high, *_ = mean_interval([1, 2, 3])
    >>> round(low, 3), round(high, 3)
    (-0.484, 4.484)
    >>> mean_interval([1, 2, 3, 5], networks=[0, 1, 0, 1]).method
    't over 2 networks'
    """
    if method not in get_args(MeanMethod):
        raise InputError(f"An interval of a mean is made by auto, t or bootstrap, not {method!r}.")
    require_confidence(confidence)
    given = numbers(values)
    if given.size == 1:
        return Interval(nan, nan, confidence, "too few")
    if np.all(given == given[0]):
        return Interval(float(given[0]), float(given[0]), confidence, "identical")
    counted = over_networks(given, networks)
    over = "" if counted is given else f" over {counted.size} networks"
    if method == "auto" and not over and are_truths(given):
        return share_interval(int(given.sum()), given.size, confidence=confidence)
    if over and np.ptp(counted) <= _ROUNDING * np.abs(given).max():  # by chance: they are few
        return Interval(nan, nan, confidence, "too few")
    found = _of_mean(counted, method, over, confidence)
    if method == "auto" and are_truths(given):
        return found._replace(low=max(found.low, 0.0), high=min(found.high, 1.0))
    return found


def _of_mean(counted: F64, method: MeanMethod, over: str, confidence: float) -> Interval:
    mean, spread = float(counted.mean()), float(counted.std(ddof=1))
    if method != "t" and counted.size >= _FEWEST_RESAMPLED:
        low, high = bootstrap(counted.size, lambda rows: _away(counted[rows], mean), confidence)
        ends = mean - float(high) * spread, mean - float(low) * spread
        if np.isfinite(ends).all():
            return Interval(*ends, confidence, f"bootstrap-t{over}")
    half = t_quantile(confidence, counted.size - 1) * spread / sqrt(counted.size)
    return Interval(mean - half, mean + half, confidence, f"t{over}")


def over_networks(values: F64, networks: npt.ArrayLike | None) -> F64:
    """Return one number per network, with the mean of the values; or the values if each counts.

    The contribution of a network to the sum of deviations from the mean: its own mean if all have
    equally many values.
    """
    if networks is None:
        return values
    _, place = np.unique(np.asarray(networks), return_inverse=True)
    many = int(place.max()) + 1
    if many in {1, values.size}:
        return values
    mean = float(values.mean())
    departures = np.bincount(place, weights=values - mean).astype(np.float64)
    return mean + departures * (many / values.size)


def means_said(methods: Iterable[str]) -> str:
    """Return how intervals of means were made, and whether they are reliable."""
    made = sorted({method for method in methods if method not in {"identical", "too few"}})
    said = f"means with 95 % intervals by {', '.join(made)}" if made else "means"
    if any(method.split()[0] == "t" for method in made):
        said += (
            f"; t intervals of skewed measures (such as sizes) are unreliable with fewer than "
            f"{_FEWEST_RESAMPLED} runs or nearly equal values: prefer the median and the take-off "
            "share"
        )
    return said


def median_interval(values: npt.ArrayLike, *, confidence: float = CONFIDENCE) -> Interval:
    """Return an interval for the median: two of the values, chosen by the binomial law.

    It assumes nothing about the distribution, and its coverage is at least the stated one. Fewer
    than 6 values give none at 95 %.

    Parameters
    ----------
    values
        Finite numbers (n,), 1 or more.
    confidence
        In (0, 1).

    Raises
    ------
    InputError
        As in :func:`mean_interval`.

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
    """Return an interval for a probability, from how often an event happened.

    Parameters
    ----------
    hits, of
        Number of occurrences, and of trials: 0 <= hits <= of, of 1 or more.
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


def t_quantile(confidence: float, freedom: float) -> float:
    """Return the ``t`` such that Student's t is in ``-t`` to ``t`` with a given probability."""
    from scipy.special import stdtrit  # scipy.stats.t, without its import time of a second

    return float(stdtrit(freedom, (1 + confidence) / 2))


def numbers(values: npt.ArrayLike) -> F64:
    """Return values as float64 (n,); refuse an empty sequence, and non-finite values."""
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


def are_truths(values: F64) -> bool:
    """Return whether all values are 0 or 1."""
    return bool(np.isin(values, (0.0, 1.0)).all())


def bootstrap(
    many: int, statistic: Callable[[npt.NDArray[np.int64]], F64], confidence: float
) -> tuple[F64, F64]:
    """Return percentiles of a statistic of int64 (resamples, many) indices; NaN for one value."""
    drawn = key(_SEED, Stream.RESAMPLES)
    parts = []
    along = max(_AT_ONCE // many, 1)
    for start in range(0, _RESAMPLES, along):
        again = np.arange(start, min(start + along, _RESAMPLES))[:, None]
        rows = uniforms(drawn, again, np.arange(many)[None, :]) * many
        parts.append(statistic(rows.astype(np.int64)))
    found = np.concatenate(parts)
    if many < 2:
        nothing = np.full(found.shape[1:], np.nan)
        return nothing, nothing
    tail = (1 - confidence) / 2
    with np.errstate(invalid="ignore"):  # infinity minus infinity
        low, high = np.quantile(found, [tail, 1 - tail], axis=0)
    return low, high


def _away(again: F64, mean: float) -> F64:
    """Return how far the mean of each resample (resamples, n) is, in its standard deviations."""
    spread = np.where(np.ptp(again, axis=1) > 0, again.std(axis=1, ddof=1), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):  # infinite without any spread
        away: F64 = (again.mean(axis=1) - mean) / spread
    return away


class Takeoff(NamedTuple):
    """The number of runs that took off.

    Attributes
    ----------
    share
        Share of the runs, in [0, 1].
    interval
        Interval of the probability to take off.
    runs, of
        Number of runs that took off, and of all runs.
    threshold
        The reach that a run must exceed.
    """

    share: float
    interval: Interval
    runs: int
    of: int
    threshold: float


def takeoff_threshold(members: int) -> float:
    """Return the reach from which a message has taken off: members to the power of 2/3.

    In large random networks, below the critical point of spreading, the reach of a message grows
    as the logarithm of the members; at that point as this power; above it as the members
    themselves. So it separates the two there, whatever the probability to share. For other networks
    (communities, hubs, lattices, a platform's feeds) there is no such theorem: it is a convention,
    and another threshold may separate better. In a world of 1,000 it is 100 members (10 %), in
    one of a million 10,000 (1 %).
    """
    if members < 1:
        raise InputError(f"A world has 1 member or more; got {members}.")
    return float(members ** (2 / 3))


def takeoff(
    reached: npt.ArrayLike,
    *,
    members: int | None = None,
    threshold: float | None = None,
    confidence: float = CONFIDENCE,
) -> Takeoff:
    """Return the share of runs that exceeded a threshold, with Wilson's interval.

    Parameters
    ----------
    reached
        Number of members that each run reached (n,), finite.
    members
        Number of members of the world; the threshold is its :func:`takeoff_threshold`.
    threshold
        Or the threshold itself, chosen before looking at the runs.
    confidence
        In (0, 1).

    Raises
    ------
    InputError
        Unless exactly one of ``members`` and ``threshold`` is given, or for no runs.

    Examples
    --------
    >>> takeoff([1, 3, 800, 2, 790], members=1000).share
    0.4
    """
    if (members is None) == (threshold is None):
        raise InputError("What took off is told by members or by a threshold: give one of the two.")
    given = numbers(reached)
    edge = takeoff_threshold(members) if members is not None else float(threshold or 0.0)
    if not isfinite(edge):
        raise InputError(f"A threshold is a finite number; got {edge}.")
    runs = int((given > edge).sum())
    interval = share_interval(runs, given.size, confidence=confidence)
    return Takeoff(runs / given.size, interval, runs, given.size, edge)
