"""Differences between two arms: how large, between what bounds, in what unit."""

from __future__ import annotations

from collections.abc import Sequence
from math import copysign, exp, inf, lgamma, nan, sqrt
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.arrays import F64
from sim.errors import InputError
from sim.lab.statistics.intervals import (
    CONFIDENCE,
    Interval,
    are_truths,
    mean_interval,
    numbers,
    over_networks,
    require_confidence,
    t_quantile,
)


class EffectSize(NamedTuple):
    """How large a difference is.

    Attributes
    ----------
    plain
        Second minus first, in the unit of the values.
    cohen
        That in standard deviations: of the differences of pairs (d_z) where they are paired, else
        of both arms pooled (d). 0 for arms that are identical, infinite for a difference that is
        the same in every pair, NaN for a single pair.
    hedges
        Cohen's corrected for few values, which make it too large.
    """

    plain: float
    cohen: float
    hedges: float


class MeasuredDifference(NamedTuple):
    """Second minus first, as it was found.

    Attributes
    ----------
    mean
        In the unit of the values; NaN without pairs.
    interval
        Of that mean.
    pairs
        Pairs of values that it rests upon; unpaired: values of the smaller arm.
    effect
        Its size.
    is_paired
        Whether each value has its partner in the other arm.
    p
        Of the test whose interval this is, two-sided: below 1 less the confidence where the
        interval leaves out 0. 1 for arms that are identical; NaN where there is nothing to test by.
    """

    mean: float
    interval: Interval
    pairs: int
    effect: EffectSize
    is_paired: bool = True
    p: float = nan

    @property
    def sign(self) -> int:
        """1 or -1 where the interval is known and leaves out 0, else 0."""
        if self.interval.holds(0.0):
            return 0
        return 1 if self.interval.low > 0 else -1


def paired_difference(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    *,
    networks: npt.ArrayLike | None = None,
    confidence: float = CONFIDENCE,
) -> MeasuredDifference:
    """Return second minus first, pair by pair, with Student's t interval.

    It is always Student's: whoever chooses an interval by the skewness of the sample claims effects
    between arms of one heavy-tailed law, since a single far pair makes that choice.

    Parameters
    ----------
    first, second
        Numbers (n,) of the same replicates in the same order. A pair of which either is NaN (there
        was nothing to measure) is left out.
    networks
        Which network each pair is of, (n,): as of
        :func:`~sim.lab.statistics.intervals.mean_interval`.
    confidence
        In (0, 1). Where all values are 0 or 1, as of what happened or not, and pairs count, the
        interval is the adjusted one of Bonett & Price: of few pairs that differ, t claims a
        difference far too often.

    Returns
    -------
    MeasuredDifference
        Exactly 0 with an interval of width 0 where the arms are identical.

    Raises
    ------
    InputError
        For arms of different lengths, infinite values, or as of ``mean_interval``.

    Source: Bonett & Price (2012), Adjusted Wald confidence interval for a difference of binomial
    proportions based on paired data.

    Examples
    --------
    >>> found = paired_difference([1, 2, 3], [2, 4, 3])
    >>> found.mean, found.pairs, found.sign
    (1.0, 3, 0)
    >>> paired_difference([1, 2], [1, 2]).interval.width
    0.0
    """
    one, other = np.asarray(first, np.float64).ravel(), np.asarray(second, np.float64).ravel()
    if one.size != other.size:
        raise InputError(
            f"Pairs need as many values in both arms; got {one.size} and {other.size}."
        )
    is_known = ~(np.isnan(one) | np.isnan(other))
    one, other = one[is_known], other[is_known]
    if not one.size:
        require_confidence(confidence)
        unknown = Interval(nan, nan, confidence, "too few")
        return MeasuredDifference(nan, unknown, 0, EffectSize(nan, nan, nan))
    apart = numbers(other) - numbers(one)
    own = None if networks is None else np.asarray(networks).ravel()[is_known]
    counted = over_networks(apart, own)
    if counted is apart and are_truths(one) and are_truths(other) and np.ptp(apart) > 0:
        interval, p = _of_truths(apart, confidence)
    else:
        interval = mean_interval(apart, "t", networks=own, confidence=confidence)
        if are_truths(one) and are_truths(other):
            interval = interval._replace(low=max(interval.low, -1.0), high=min(interval.high, 1.0))
        p = _student_of(apart, counted) if interval.is_known else nan
    return MeasuredDifference(
        float(apart.mean()), interval, apart.size, effect_size(one, other), p=p
    )  # fmt: skip


def unpaired_difference(
    first: npt.ArrayLike, second: npt.ArrayLike, *, confidence: float = CONFIDENCE
) -> MeasuredDifference:
    """Return second minus first of arms that do not share their draws (Welch's interval).

    Parameters
    ----------
    first, second
        Finite numbers, (n,) and (m,).
    confidence
        In (0, 1).

    Raises
    ------
    InputError
        As of :func:`~sim.lab.statistics.intervals.mean_interval`.

    Source: Welch (1947), The generalization of Student's problem.

    Examples
    --------
    >>> round(unpaired_difference([1, 2, 3], [3, 4, 5]).interval.low, 3)
    -0.267
    """
    require_confidence(confidence)
    one, other = numbers(first), numbers(second)
    mean, fewer = float(other.mean() - one.mean()), min(one.size, other.size)
    effect = effect_size(one, other, is_paired=False)
    if fewer == 1:
        interval, p = Interval(nan, nan, confidence, "too few"), nan
    else:
        interval, p = _welch(one, other, mean, confidence)
    return MeasuredDifference(mean, interval, fewer, effect, is_paired=False, p=p)


def holm(p: npt.ArrayLike) -> F64:
    """Return p-values corrected for being several; NaN stays, and counts nothing.

    The chance that any of them falls below a level without a difference is at most that level.

    Source: Holm (1979), A simple sequentially rejective multiple test procedure.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    found = np.array(p, np.float64)
    order = np.argsort(found)[: np.count_nonzero(~np.isnan(found))]  # NaN sorts last
    steps = found[order] * np.arange(order.size, 0, -1)
    found[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return found


def family(found: Sequence[MeasuredDifference]) -> list[dict[str, Any]]:
    """Return a row of a table for each of several differences that are looked at together.

    ``difference``, ``low``, ``high``, ``method`` of the interval, ``p``, ``p_holm`` (corrected for
    all of these), ``pairs`` and ``hedges``.
    """
    corrected = holm([each.p for each in found]).tolist()
    return [
        {
            "difference": each.mean, "low": each.interval.low, "high": each.interval.high,
            "method": each.interval.method, "p": each.p, "p_holm": p, "pairs": each.pairs,
            "hedges": each.effect.hedges,
        }
        for each, p in zip(found, corrected, strict=True)
    ]  # fmt: skip


def effect_size(
    first: npt.ArrayLike, second: npt.ArrayLike, *, is_paired: bool = True
) -> EffectSize:
    """Return how large second minus first is, plainly and in standard deviations.

    Parameters
    ----------
    first, second
        Finite numbers, (n,) each where they are paired, else (n,) and (m,).
    is_paired
        Whether values are partners.

    Raises
    ------
    InputError
        For no values, values that are not finite, or pairs that do not match.

    Source: Cohen (1988), Statistical power analysis, 2.2 and 2.3; Hedges (1981), Distribution
    theory for Glass's estimator of effect size.

    Examples
    --------
    >>> effect_size([0, 0, 0], [1, 2, 3]).cohen
    2.0
    """
    one, other = numbers(first), numbers(second)
    plain = float(other.mean() - one.mean())
    if is_paired:
        if one.size != other.size:
            raise InputError(
                f"Pairs need as many values in both arms; got {one.size} and {other.size}."
            )
        apart = other - one
        plain, freedom = float(apart.mean()), apart.size - 1
        spread = float(apart.std(ddof=1)) if freedom else nan
    else:
        freedom = one.size + other.size - 2
        within = np.sum((one - one.mean()) ** 2) + np.sum((other - other.mean()) ** 2)
        spread = sqrt(float(within) / freedom) if freedom else nan
    cohen = _in_deviations(plain, spread)
    return EffectSize(plain, cohen, cohen * _hedges(freedom))


def _of_truths(apart: F64, confidence: float) -> tuple[Interval, float]:
    """Return the interval of a difference of shares, from pairs that differ by -1, 0 or 1."""
    require_confidence(confidence)
    pairs, normal = apart.size + 2, NormalDist()
    more, less = (int((apart == way).sum()) + 1 for way in (1.0, -1.0))
    middle = (more - less) / pairs
    spread = sqrt(((more + less) / pairs - middle**2) / pairs)
    half = normal.inv_cdf((1 + confidence) / 2) * spread
    ends = max(middle - half, -1.0), min(middle + half, 1.0)
    p = 2 * normal.cdf(-abs(middle) / spread)
    return Interval(*ends, confidence, "Bonett-Price"), p


def _student_of(apart: F64, counted: F64) -> float:
    error = float(counted.std(ddof=1)) / sqrt(counted.size) if np.ptp(apart) > 0 else 0.0
    return _student(float(apart.mean()), error, counted.size - 1)


def _student(mean: float, error: float, freedom: float) -> float:
    """Return p of Student's t for a mean of 0; NaN where values have no spread to test by."""
    from scipy.special import stdtr

    if mean == 0:
        return 1.0
    return 2 * float(stdtr(freedom, -abs(mean) / error)) if error > 0 else nan


def _in_deviations(plain: float, spread: float) -> float:
    if spread != 0:
        return plain / spread
    return 0.0 if plain == 0 else copysign(inf, plain)


def _hedges(freedom: int) -> float:
    """Return by how much Cohen's d of few values is to be made smaller; in [0, 1)."""
    if freedom < 2:
        return nan  # no finite mean to be corrected
    return exp(lgamma(freedom / 2) - lgamma((freedom - 1) / 2)) / sqrt(freedom / 2)


def _welch(
    one: F64, other: F64, mean: float, confidence: float
) -> tuple[Interval, float]:  # fmt: skip
    a, b = float(one.var(ddof=1)) / one.size, float(other.var(ddof=1)) / other.size
    if a + b == 0:
        return Interval(mean, mean, confidence, "identical"), _student(mean, 0.0, 1)
    freedom = (a + b) ** 2 / (a**2 / (one.size - 1) + b**2 / (other.size - 1))
    half = t_quantile(confidence, freedom) * sqrt(a + b)
    p = _student(mean, sqrt(a + b), freedom)
    return Interval(mean - half, mean + half, confidence, "t"), p
