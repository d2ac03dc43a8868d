"""One sentence on a difference, which never says more than its interval allows."""

from __future__ import annotations

from math import isfinite

import numpy as np
import numpy.typing as npt

from sim.core.text import one_line
from sim.errors import InputError
from sim.lab.statistics.differences import MeasuredDifference
from sim.lab.statistics.intervals import CONFIDENCE
from sim.lab.statistics.power import POWER, replicates_needed

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
) -> str:
    """Return what follows from a difference.

    An interval that holds 0 shows neither a difference nor its absence, and the sentence says so.
    That two arms are alike is said only where a ``margin``, chosen before the runs, holds the
    whole interval.

    Parameters
    ----------
    difference
        Second minus first.
    what
        What was measured, such as ``"share reached"``; begins the sentence.
    first, second
        The arms.
    unit
        Of the numbers, written behind them; empty: none.
    margin
        A difference, above 0, that would not matter; None: there is none.

    Raises
    ------
    InputError
        For a margin that is not above 0.

    Examples
    --------
    >>> from sim.lab.statistics import paired_difference
    >>> found = paired_difference([5, 6, 7, 6, 5], [8, 9, 11, 9, 8])
    >>> conclusion(found, what="reach", first="as it is", second="warned", unit="members")
    'Reach is larger under warned than under as it is by 3.2 members (95 % interval 2.64 to 3.76 by t, 5 pairs).'
    """  # noqa: E501
    require_margin(margin)
    what, first, second, unit = map(one_line, (what, first, second, unit))
    named = what, first, second, unit
    if difference.pairs == 0:
        return f"Nothing follows for {what}: no replicate has a number under both arms."
    is_same = difference.interval.width == 0 and difference.mean == 0
    if is_same and difference.pairs > 1:
        return _identical(difference, what, first, second)
    if not difference.interval.is_known:
        return (_single if difference.pairs == 1 else _level)(difference, *named)
    if difference.interval.width == 0:
        return _constant(difference, *named)
    if difference.sign == 0:
        return _undecided(difference, *named, margin)
    return _decided(difference, *named, margin)


def corrected(p: npt.ArrayLike, holm: npt.ArrayLike, *, level: float = 1 - CONFIDENCE) -> str:
    """Return how many of several differences leave out 0, and how many by Holm's correction.

    Empty for one, of which there is nothing to correct.

    Examples
    --------
    >>> corrected([0.01, 0.04, 0.5], [0.03, 0.08, 0.5])
    "Of 3 differences 2 leave out 0, each by itself; by Holm's correction for all of them 1."
    """
    alone, together = (np.asarray(each, np.float64) for each in (p, holm))
    many = int(np.count_nonzero(~np.isnan(alone)))
    if many < 2:
        return ""
    return (
        f"Of {many:,} differences {np.count_nonzero(alone < level):,} leave out 0, each by itself; "
        f"by Holm's correction for all of them {np.count_nonzero(together < level):,}."
    )


def require_margin(margin: float | None) -> None:
    """Refuse a margin that is not above 0; None is none."""
    if margin is not None and not margin > 0:
        raise InputError(f"A difference that would not matter is above 0; got {margin}.")


def amount(value: float, unit: str = "") -> str:
    """Return a number to three digits, with its unit.

    Examples
    --------
    >>> amount(1234.5, "members"), amount(0.01234)
    ('1,234 members', '0.0123')
    """
    large = 1000
    shown = f"{value:,.0f}" if large <= abs(value) < large**5 else f"{value:.3g}"
    return f"{shown} {unit}".rstrip()


def _identical(found: MeasuredDifference, what: str, first: str, second: str) -> str:
    if not found.is_paired:
        return f"{_capital(what)} was the same in every run under {first} and {second}."
    return (
        f"{_capital(what)} was exactly the same under {first} and {second} in each of "
        f"{_pairs(found)}: here they do not differ in it."
    )


def _single(found: MeasuredDifference, what: str, first: str, second: str, unit: str) -> str:
    more = "the same" if found.mean == 0 else f"{amount(abs(found.mean), unit)} {_more(found.mean)}"
    return (
        f"{_capital(what)} was {more} under {second} {'as' if found.mean == 0 else 'than'} under "
        f"{first} in one replicate, which gives no interval: nothing follows for other seeds."
    )


def _level(found: MeasuredDifference, what: str, first: str, second: str, unit: str) -> str:
    mean = amount(found.mean, unit)
    return (
        f"Nothing follows for {what}: the mean of {second} minus {first} is {mean} over "
        f"{_pairs(found)}, and their networks are too few to show how much it varies between them."
    )


def _constant(found: MeasuredDifference, what: str, first: str, second: str, unit: str) -> str:
    return (
        f"{_capital(what)} was {_larger(found.mean)} under {second} than under {first} by "
        f"{amount(abs(found.mean), unit)} in each of {_pairs(found)}: without any spread there is "
        f"no interval to judge other seeds by."
    )


def _undecided(
    found: MeasuredDifference, what: str, first: str, second: str, unit: str, margin: float | None
) -> str:
    if margin is not None and _is_within(found, margin):
        return (
            f"{_capital(what)} differs between {first} and {second} by less than "
            f"{amount(margin, unit)} ({_interval(found, unit)})."
        )
    return (
        f"A difference of {what} between {first} and {second} is not shown, nor is its absence: "
        f"the mean of {second} minus {first} is {amount(found.mean, unit)} and its "
        f"{_interval(found, unit)} holds 0{_needed(found)}{_caution(found)}."
    )


def _decided(
    found: MeasuredDifference, what: str, first: str, second: str, unit: str, margin: float | None
) -> str:
    size = f"{amount(abs(found.mean), unit)} ({_interval(found, unit)})"
    within = ""
    if margin is not None and _is_within(found, margin):
        within = f", less than the {amount(margin, unit)} that would matter"
    return (
        f"{_capital(what)} is {_larger(found.mean)} under {second} than under {first} by {size}"
        f"{within}{_caution(found)}."
    )


def _is_within(found: MeasuredDifference, margin: float) -> bool:
    return -margin < found.interval.low and found.interval.high < margin


def _interval(found: MeasuredDifference, unit: str) -> str:
    low, high, confidence, method = found.interval
    side = f"{amount(low)} to {amount(high)}"
    if found.mean < 0 and found.sign:
        side = f"{amount(-high)} to {amount(-low)}"  # as the amount by which it is smaller
    return f"{confidence * 100:g} % interval {side} by {method}, {_pairs(found)}"


def _needed(found: MeasuredDifference) -> str:
    effect = found.effect.hedges
    if not isfinite(effect) or effect == 0:
        return ""
    count = replicates_needed(effect, is_paired=found.is_paired)
    if count > _MOST_NEEDED:
        return ""
    return (
        f"; if the true difference were of this size, {count:,} replicates{_each(found)} would "
        f"show it with a chance of {POWER * 100:.0f} %"
    )


def _each(found: MeasuredDifference) -> str:
    return " on networks of their own" if "networks" in found.interval.method else ""


def _caution(found: MeasuredDifference) -> str:
    if found.pairs >= _FEW:
        return ""
    return "; so few replicates rest on the differences being normal, which they cannot show"


def _pairs(found: MeasuredDifference) -> str:
    kind = "pair" if found.is_paired else "run of each arm"
    if found.pairs == 1:
        return f"1 {kind}"
    return f"{found.pairs:,} {kind.replace('pair', 'pairs').replace('run', 'runs')}"


def _more(mean: float) -> str:
    return "more" if mean > 0 else "less"


def _larger(mean: float) -> str:
    return "larger" if mean > 0 else "smaller"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
