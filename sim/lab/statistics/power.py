"""How many replicates show an effect, and how likely so many show it."""

from __future__ import annotations

from math import ceil, isfinite, isnan, sqrt
from statistics import NormalDist

from sim.errors import InputError
from sim.lab.statistics.intervals import CONFIDENCE, require_confidence, t_quantile

POWER = 0.8
_FAR = 6.0
"""From here on a significant result of the wrong sign is rarer than 1e-9, a normal's tail."""
_MANY = 100_000
"""From so many on Student's t is normal to six digits."""


def power(
    effect: float, replicates: int, *, is_paired: bool = True, confidence: float = CONFIDENCE
) -> float:
    """Return the chance that an interval of Student's t leaves out 0, given the true effect.

    Parameters
    ----------
    effect
        True difference in standard deviations: of the differences of pairs where arms are paired,
        else of one arm (as :attr:`~sim.lab.statistics.differences.EffectSize.cohen`).
    replicates
        Of each arm, 2 or more.
    is_paired
        Whether the arms share their draws.
    confidence
        Of the interval, in (0, 1).

    Raises
    ------
    InputError
        For values outside these ranges.

    Source: Cohen (1988), Statistical power analysis, 2.3; exact by the noncentral t.

    Examples
    --------
    >>> round(power(0.5, 34), 4), round(power(0.5, 64, is_paired=False), 4)
    (0.8078, 0.8015)
    """
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
    return 1.0 if isnan(missed) else 1 - missed + wrong  # NaN where the series falls below 1e-300


def replicates_needed(
    effect: float,
    *,
    power: float = POWER,
    is_paired: bool = True,
    confidence: float = CONFIDENCE,
) -> int:
    """Return the fewest replicates that show an effect with a given chance.

    An effect that was itself found in few runs is uncertain, and so is what comes of it.

    Parameters
    ----------
    effect
        True difference in standard deviations, not 0, as of :func:`power`.
    power
        Chance of an interval that leaves out 0, in (0, 1).
    is_paired
        Whether the arms share their draws.
    confidence
        Of that interval, in (0, 1).

    Returns
    -------
    Replicates of each arm, 2 or more.

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
    """Halve the range that holds the answer; more replicates never have less power."""

    def is_enough(count: int) -> bool:
        return _power(effect, count, is_paired=is_paired, confidence=confidence) >= power

    low, high = 1, rough
    while not is_enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high
