"""Differences between two conditions: size, interval and effect size."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, copysign, exp, inf, isfinite, isnan, lgamma, nan, sqrt
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.arrays import F64
from sim.core.text import one_line, plural
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
    """The size of a difference.

    Attributes
    ----------
    plain
        Second minus first, in the unit of the values.
    cohen
        The same in standard deviations: of the differences of pairs (d_z) if they are paired, else
        of both arms pooled (d). 0 for identical arms, infinite for a difference that is
        the same in every pair, NaN for a single pair.
    hedges
        Cohen's d corrected for its upward bias in small samples.
    """

    plain: float
    cohen: float
    hedges: float


class MeasuredDifference(NamedTuple):
    """The measured difference, second minus first.

    Attributes
    ----------
    mean
        In the unit of the values; NaN without pairs.
    interval
        The interval of that mean.
    pairs
        Number of pairs used; unpaired: number of values of the smaller arm.
    effect
        Its effect size.
    is_paired
        Whether each value is paired with one in the other arm.
    p
        Two-sided p-value of the test behind the interval: below 1 minus the confidence if the
        interval excludes 0. 1 for identical arms; NaN if no test is possible.
    """

    mean: float
    interval: Interval
    pairs: int
    effect: EffectSize
    is_paired: bool = True
    p: float = nan

    @property
    def sign(self) -> int:
        """1 or -1 if the interval is known and excludes 0, else 0."""
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
    """Return second minus first, pairwise, with Student's t interval.

    It is always Student's: choosing the interval by the skewness of the sample finds false effects
    between arms of one heavy-tailed distribution, as a single outlying pair decides the choice.

    Parameters
    ----------
    first, second
        Numbers (n,) of the same replicates in the same order. A pair with a NaN (there
        was nothing to measure) is omitted.
    networks
        The network of each pair, (n,): as in
        :func:`~sim.lab.statistics.intervals.mean_interval`.
    confidence
        In (0, 1). If all values are 0 or 1 (whether something happened), and pairs count, the
        interval is the adjusted one of Bonett & Price: with few pairs that differ, t finds a
        difference far too often.

    Returns
    -------
    MeasuredDifference
        Exactly 0 with an interval of width 0 if the arms are identical.

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
            f"Pairs need as many values in both conditions; got {one.size} and {other.size}."
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
    """Return second minus first for arms that do not share their draws (Welch's interval).

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
    """Return p-values corrected for multiple tests; NaN stays, and does not count.

    The probability that any falls below a level without a true difference is at most that level.

    Source: Holm (1979), A simple sequentially rejective multiple test procedure.
    """
    found = np.array(p, np.float64)
    order = np.argsort(found)[: np.count_nonzero(~np.isnan(found))]  # NaN sorts last
    steps = found[order] * np.arange(order.size, 0, -1)
    found[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return found


def family(found: Sequence[MeasuredDifference]) -> list[dict[str, Any]]:
    """Return one row of a table for each of several differences that are tested together.

    ``difference``, ``low``, ``high``, ``method`` of the interval, ``p``, ``p_holm`` (corrected for
    all rows), ``pairs`` and ``hedges``.
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
    """Return the size of second minus first, in units and in standard deviations.

    Parameters
    ----------
    first, second
        Finite numbers, (n,) each if they are paired, else (n,) and (m,).
    is_paired
        Whether the values are paired.

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
                f"Pairs need as many values in both conditions; got {one.size} and {other.size}."
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
    """Return the interval of a difference of proportions, from pairs that differ by -1, 0 or 1."""
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
    """Return the p-value of Student's t for a mean of 0; NaN if the values have no spread."""
    from scipy.special import stdtr

    if mean == 0:
        return 1.0
    return 2 * float(stdtr(freedom, -abs(mean) / error)) if error > 0 else nan


def _in_deviations(plain: float, spread: float) -> float:
    if spread != 0:
        return plain / spread
    return 0.0 if plain == 0 else copysign(inf, plain)


def _hedges(freedom: int) -> float:
    """Return the factor in [0, 1) that corrects Cohen's d for small samples."""
    if freedom < 2:
        return nan  # there is no finite mean to correct
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


POWER = 0.8
_FAR = 6.0
"""From here on a significant result of the wrong sign is rarer than 1e-9 (normal tail)."""
_MANY = 100_000
"""From here on Student's t equals the normal distribution to six digits."""


def power(
    effect: float, replicates: int, *, is_paired: bool = True, confidence: float = CONFIDENCE
) -> float:
    """Return the probability that a Student's t interval excludes 0, given the true effect."""
    from scipy.special import nctdtr

    require_confidence(confidence)
    if replicates < 2 or not isfinite(effect):
        raise InputError(
            f"Power is of a finite effect and 2 replicates or more; got {effect} and {replicates}."
        )
    freedom = replicates - 1 if is_paired else 2 * replicates - 2
    away = abs(effect) * sqrt(replicates if is_paired else replicates / 2)
    edge = t_quantile(confidence, freedom)
    missed = float(nctdtr(freedom, away, edge)) if isfinite(away) else 0.0
    wrong = float(nctdtr(freedom, away, -edge)) if away < _FAR else 0.0
    return 1.0 if isnan(missed) else 1 - missed + wrong  # NaN if the series falls below 1e-300


def replicates_needed(
    effect: float, *, power: float = POWER, is_paired: bool = True, confidence: float = CONFIDENCE
) -> int:
    """Return the fewest replicates that show an effect with a given probability.

    An effect measured in few runs is uncertain, and so is the result.

    Parameters
    ----------
    effect
        True difference in standard deviations, not 0, as in :func:`power`.
    power
        Probability that the interval excludes 0, in (0, 1).
    is_paired
        Whether the arms share their draws.
    confidence
        Confidence of that interval, in (0, 1).

    Returns
    -------
    Number of replicates per arm, 2 or more.

    Raises
    ------
    InputError
        For an effect of 0 or one that no number of runs would show, or values out of range.

    Examples
    --------
    >>> replicates_needed(0.5), replicates_needed(0.5, is_paired=False)
    (34, 64)
    """
    require_confidence(confidence)
    if not 0 < power < 1:
        raise InputError(f"A power lies between 0 and 1, such as 0.8; got {power}.")
    if not isfinite(effect) or effect == 0:
        raise InputError(f"No number of replicates shows an effect of {effect}; name another.")
    rough = _by_normal(abs(effect), power, is_paired=is_paired, confidence=confidence)
    if rough > _MANY:
        return rough
    return _fewest(effect, power, rough, is_paired=is_paired, confidence=confidence)


_power = power


def _by_normal(effect: float, power: float, *, is_paired: bool, confidence: float) -> int:
    normal = NormalDist()
    z = normal.inv_cdf((1 + confidence) / 2) + normal.inv_cdf(power)
    try:
        return max(2, ceil((1 if is_paired else 2) * (z / effect) ** 2))
    except (OverflowError, ValueError):
        raise InputError(f"An effect of {effect} is too small for any number of runs.") from None


def _fewest(
    effect: float, power: float, rough: int, *, is_paired: bool, confidence: float
) -> int:  # fmt: skip
    """Bisect the range that holds the answer; more replicates never have less power."""

    def is_enough(count: int) -> bool:
        return _power(effect, count, is_paired=is_paired, confidence=confidence) >= power

    low, high = 1, rough
    while not is_enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


_FEW = 5
_MOST_NEEDED = 1_000_000


def conclusion(
    difference: MeasuredDifference,
    *,
    what: str,
    first: str,
    second: str,
    unit: str = "",
    margin: float | None = None,
    means: tuple[float, float] | None = None,
) -> str:
    """Return the conclusion from a difference, as a sentence.

    An interval with 0 in it shows neither a difference nor its absence, and the sentence says so.
    Two arms are called equivalent only if a ``margin``, chosen before the runs, contains the
    whole interval.

    Parameters
    ----------
    difference
        Second minus first.
    what
        The measure, such as ``"share reached"``; begins the sentence.
    first, second
        The conditions; one called ``"baseline"`` is written "the baseline".
    unit
        Unit of the numbers, written after them; empty: none; ``"share"``: they are written as
        percentage points.
    margin
        A difference, above 0, that would not matter; None: there is none.
    means
        Of both arms, if they shall be told with the difference of shares.

    Raises
    ------
    InputError
        For a margin that is not above 0.

    Examples
    --------
    >>> from sim.lab.statistics import paired_difference
    >>> found = paired_difference([5, 6, 7, 6, 5], [8, 9, 11, 9, 8])
    >>> conclusion(found, what="reach", first="baseline", second="warned", unit="members")
    'warned reaches 3.2 members more than the baseline (95 % interval 2.64 to 3.76 by t, 5 pairs).'
    """
    require_margin(margin)
    what, first, second, unit = map(one_line, (what, first, second, unit))
    first, second = (f"{'the ' * (each == 'baseline')}{each}" for each in (first, second))
    unit = unit.replace("agents", "members").replace(" a tick", " per tick")
    named = what, first, second, unit, means if unit == SHARE and what in REACHES else None
    if difference.pairs == 0:
        return f"No conclusion about {what}: no replicate has a value in both conditions."
    is_same = difference.interval.width == 0 and difference.mean == 0
    if is_same and difference.pairs > 1:
        if not difference.is_paired:
            return f"No difference: {what} was the same in all runs of {first} and {second}."
        many = "both" if difference.pairs == 2 else f"all {difference.pairs:,}"
        return f"No difference: {what} was the same in {many} paired runs of {first} and {second}."
    if not difference.interval.is_known:
        return (_single if difference.pairs == 1 else _level)(difference, *named)
    if difference.interval.width == 0:
        return _constant(difference, *named)
    if difference.sign == 0:
        return _undecided(difference, *named, margin)
    return _decided(difference, *named, margin)


def corrected(p: npt.ArrayLike, holm: npt.ArrayLike, *, level: float = 1 - CONFIDENCE) -> str:
    """Say how many of several differences exclude 0, and how many after Holm; empty for one."""
    alone, together = (np.asarray(each, np.float64) for each in (p, holm))
    many = int(np.count_nonzero(~np.isnan(alone)))
    if many < 2:
        return ""
    return (
        f"{np.count_nonzero(alone < level):,} of {many:,} intervals exclude 0; after Holm's "
        f"correction, {np.count_nonzero(together < level):,}."
    )


def require_margin(margin: float | None) -> None:
    """Refuse a margin that is not above 0; None means no margin."""
    if margin is not None and not margin > 0:
        raise InputError(f"A difference that would not matter is above 0; got {margin}.")


def amount(value: float, unit: str = "") -> str:
    """Return a number to three digits, with its unit; shares as percentage points."""
    large = 1000
    if unit == SHARE:
        value, unit = 100 * value, "point" if f"{abs(100 * value):.3g}" == "1" else "points"
    shown = f"{value:,.0f}" if large <= abs(value) < large**5 else f"{value:.3g}"
    return f"{shown} {unit}".rstrip()


def percent(share: float) -> str:
    """Return a share as a percentage with one decimal."""
    return f"{100 * share:.1f} %"


Means = tuple[float, float] | None

SHARE = "share"
"""The unit of proportions."""

REACHES = frozenset({"share reached", "reach"})


def _single(
    found: MeasuredDifference, what: str, first: str, second: str, unit: str, means: Means
) -> str:
    said = _compared(found, what, first, second, unit, means)
    if found.mean == 0:
        said = f"{_capital(what)} is the same in {second} and {first}"
    return f"{said} in one replicate; a single pair gives no interval."


def _level(
    found: MeasuredDifference, what: str, first: str, second: str, unit: str, means: Means
) -> str:
    mean = amount(found.mean, unit)
    return (
        f"No conclusion about {what}: the mean of {second} minus {first} is {mean} over "
        f"{_pairs(found)}, but there are too few networks to estimate the variation between them."
    )


def _constant(
    found: MeasuredDifference, what: str, first: str, second: str, unit: str, means: Means
) -> str:
    return (
        f"{_compared(found, what, first, second, unit, means)} in each of {_pairs(found)}: without "
        "any variation there is no interval."
    )


def _compared(
    found: MeasuredDifference, what: str, first: str, second: str, unit: str, means: Means
) -> str:
    size = amount(abs(found.mean), unit)
    if means is not None:
        shares = f"{percent(means[1])} against {percent(means[0])}"
        return f"{second} reaches {shares} under {first}: {'+' if found.mean > 0 else '-'}{size}"
    if what in REACHES:
        more = "more" if found.mean > 0 else "less"
        return f"{second} reaches {size} {more} than {first}"
    higher = "higher" if found.mean > 0 else "lower"
    return f"{_capital(what)} is {size} {higher} in {second} than in {first}"


def _undecided(
    found: MeasuredDifference,
    what: str,
    first: str,
    second: str,
    unit: str,
    means: Means,
    margin: float | None,
) -> str:
    if margin is not None and _is_within(found, margin):
        return (
            f"{_capital(what)} differs between {first} and {second} by less than "
            f"{amount(margin, unit)} ({_interval(found, unit, means)})."
        )
    return (
        f"Inconclusive for {what}: the mean of {second} minus {first} is "
        f"{amount(found.mean, unit)}, and the {_interval(found, unit, means)} includes 0"
        f"{_needed(found)}{_caution(found)}."
    )


def _decided(
    found: MeasuredDifference,
    what: str,
    first: str,
    second: str,
    unit: str,
    means: Means,
    margin: float | None,
) -> str:
    within = ""
    if margin is not None and _is_within(found, margin):
        within = f", less than the {amount(margin, unit)} that would matter"
    said = _compared(found, what, first, second, unit, means)
    return f"{said} ({_interval(found, unit, means)}){within}{_caution(found)}."


def _is_within(found: MeasuredDifference, margin: float) -> bool:
    return -margin < found.interval.low and found.interval.high < margin


def _interval(found: MeasuredDifference, unit: str, means: Means) -> str:
    low, high, confidence, method = found.interval
    if found.mean < 0 and found.sign and means is None:
        low, high = -high, -low  # as the amount by which it is smaller
    scale = 100 if unit == SHARE else 1  # the unit is given with the mean
    side = f"{amount(scale * low)} to {amount(scale * high)}"
    return f"{confidence * 100:g} % interval {side} by {method}, {_pairs(found)}"


def _needed(found: MeasuredDifference) -> str:
    effect = found.effect.hedges
    if not isfinite(effect) or effect == 0:
        return ""
    count = replicates_needed(effect, is_paired=found.is_paired)
    if count > _MOST_NEEDED:
        return ""
    return (
        f"; a true difference of this size would need {count:,} replicates{_each(found)} "
        f"({POWER * 100:.0f} % power)"
    )


def _each(found: MeasuredDifference) -> str:
    return " on separate networks" if "networks" in found.interval.method else ""


def _caution(found: MeasuredDifference) -> str:
    if found.pairs >= _FEW:
        return ""
    return "; with so few replicates the interval assumes normal differences"


def _pairs(found: MeasuredDifference) -> str:
    if found.is_paired:
        return plural(found.pairs, "pair")
    return f"{plural(found.pairs, 'run')} per condition"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
