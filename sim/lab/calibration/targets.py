"""What simulated messages are held to: a few numbers of their curves, and how sure those are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.arrays import F64
from sim.errors import InputError
from sim.lab.calibration.curves import MEASURES, GrowthCurves
from sim.lab.calibration.observed import Fact

_SHARES = (1 / 144, 1 / 24, 5 / 24, 1 / 2, 1.0)  # of a day: 10 minutes, 1, 5, 12 and 24 hours
_FEW = 4
"""So many messages for each number are needed for a covariance of their own."""
_ROUNDING = 1e-3
"""What is known no better than to a thousandth: the least standard error of a logarithm."""


@dataclass(frozen=True, slots=True)
class SummaryStatistics:
    """Numbers of messages.

    Attributes
    ----------
    names
        Of the numbers.
    values
        float64 (p,).
    parts
        float64 (messages, p): how much each message adds to a number, of mean 0; their covariance
        over the messages is that of the numbers.
    """

    names: tuple[str, ...]
    values: F64
    parts: F64

    def covariance(self, messages: int) -> F64:
        """Return the covariance of the numbers of so many messages, float64 (p, p)."""
        count = len(self.parts)
        if count < 2:
            return np.zeros((self.values.size, self.values.size))
        return np.asarray(self.parts.T @ self.parts / (count - 1) / messages)


def numbers_of(
    curves: GrowthCurves, *, alone: bool = False, least: float = 0.0
) -> SummaryStatistics:
    """Return what curves are held to: logarithms of means at five times, and spread of sizes.

    The times are 10 minutes, 1, 5, 12 and 24 hours where the curves are a day long. Depth is
    counted from 1 on. Of the size at the end also the mean logarithm and its standard deviation.

    Examples
    --------
    >>> grid = np.array([0.0, 10.0])
    >>> curves = GrowthCurves(grid, {"scale": np.array([[1.0, 2.0], [1.0, 6.0]])}, ("a", "b"))
    >>> found = numbers_of(curves)
    >>> found.names[-1], round(float(np.exp(found.values[0])), 3)
    ('log size sd', 4.0)
    """
    names, columns = [], []
    for measure in MEASURES:
        if measure not in curves.of:
            continue
        for place in _places(curves.minutes, least):
            names.append(f"{measure} at {curves.minutes[place]:g} min")
            columns.append(curves.of[measure][:, place] + (measure == "depth"))
    above = np.maximum(np.array(columns), 1e-9)
    if alone:
        return _means(names, np.log(above).T)
    means = above.mean(axis=1)
    found = SummaryStatistics(tuple(names), np.log(means), (above / means[:, None] - 1).T)
    return _joined(found, _spread(curves.sizes))


def _places(minutes: F64, least: float) -> list[int]:
    """Return five places of a grid; those of a short one are not told apart twice."""
    last = minutes.size - 1
    found = sorted({max(round(share * last), min(1, last)) for share in _SHARES})
    return [place for place in found if minutes[place] >= least] or [last]


def _means(names: list[str], rows: F64) -> SummaryStatistics:
    means = rows.mean(axis=0)
    return SummaryStatistics(tuple(names), means, rows - means)


def _spread(sizes: F64) -> SummaryStatistics:
    logs = np.log(np.maximum(sizes, 1e-9))
    mean, sd = float(logs.mean()), max(float(logs.std()), _ROUNDING)
    parts = np.column_stack([logs - mean, ((logs - mean) ** 2 - sd * sd) / (2 * sd)])
    return SummaryStatistics(("log size", "log size sd"), np.array([mean, sd]), parts)


def _joined(one: SummaryStatistics, two: SummaryStatistics) -> SummaryStatistics:
    return SummaryStatistics(
        one.names + two.names,
        np.concatenate([one.values, two.values]),
        np.concatenate([one.parts, two.parts], axis=1),
    )


def facts_of(curves: GrowthCurves, facts: tuple[Fact, ...]) -> SummaryStatistics:
    """Return of messages the numbers that facts are about; means by their logarithms.

    Depth is counted from 1 on, as in :func:`numbers_of`.
    """
    spread = _spread(curves.sizes)
    found = {
        name: (float(spread.values[place]), spread.parts[:, place])
        for place, name in enumerate(("log_size", "log_size_sd"))
    }
    for measure, rows in curves.of.items():
        column = rows[:, -1] + (measure == "depth")
        mean = max(float(column.mean()), 1e-9)
        found["mean_size" if measure == "scale" else f"mean_{measure}"] = (
            float(np.log(mean)),
            column / mean - 1,
        )
    pairs = [found[fact.name] for fact in facts]
    return SummaryStatistics(
        tuple(fact.name for fact in facts),
        np.array([value for value, _ in pairs]),
        np.column_stack([parts for _, parts in pairs]),
    )


def _as_number(fact: Fact) -> tuple[float, float]:
    """Return a fact and its error as :func:`facts_of` has them."""
    if fact.name.startswith("log"):
        return fact.value, fact.error
    value = fact.value + (fact.name == "mean_depth")
    return float(np.log(value)), fact.error / value


@dataclass(frozen=True, slots=True)
class Target:
    """What was observed, as numbers with their covariance.

    Attributes
    ----------
    names, values
        As of :class:`SummaryStatistics`.
    covariance
        float64 (p, p); None: as many simulated messages as were observed would have it.
    messages
        How many were observed.
    discrepancy
        float64 (p,): by how much the model itself may be off (standard deviation).
    facts
        Where facts were observed; else empty.
    minutes
        Grid on which curves are compared.
    least
        As of :func:`numbers_of`.
    """

    names: tuple[str, ...]
    values: F64
    covariance: F64 | None
    messages: int
    discrepancy: F64
    facts: tuple[Fact, ...]
    minutes: F64
    least: float = 0.0

    @classmethod
    def of_curves(cls, curves: GrowthCurves, discrepancy: float, least: float = 0.0) -> Target:
        """Return what messages give as numbers."""
        if not len(curves):
            raise InputError("No message is left to fit; give more of them, or a smaller holdout.")
        found = numbers_of(curves, alone=len(curves) == 1, least=least)
        enough = len(curves) >= _FEW * len(found.names)
        own = found.covariance(len(curves)) if enough else None
        off = np.full(found.values.size, discrepancy)
        return cls(found.names, found.values, own, len(curves), off, (), curves.minutes, least)

    @classmethod
    def of_facts(cls, facts: tuple[Fact, ...], discrepancy: float, minutes: F64) -> Target:
        """Return facts as numbers."""
        values, errors = np.array([_as_number(fact) for fact in facts]).T
        names = tuple(fact.name for fact in facts)
        off = np.full(values.size, discrepancy)
        return cls(names, values, np.diag(errors**2), 1, off, facts, minutes)

    def of(self, curves: GrowthCurves) -> SummaryStatistics:
        """Return the same numbers of simulated messages."""
        if self.facts:
            return facts_of(curves, self.facts)
        on_grid = GrowthCurves(
            self.minutes,
            {m: _at(curves, c, self.minutes) for m, c in curves.of.items() if self._has(m)},
            curves.names,
        )
        return numbers_of(on_grid, alone=self.messages == 1, least=self.least)

    def _has(self, measure: str) -> bool:
        return any(name.startswith(f"{measure} at") for name in self.names)

    def spread(self, simulated: F64, messages: int) -> F64:
        """Return the covariance of simulated minus observed numbers, float64 (p, p)."""
        own = simulated / self.messages if self.covariance is None else self.covariance
        return np.asarray(own + simulated / messages + np.diag(self.discrepancy**2 + _ROUNDING**2))


def _at(curves: GrowthCurves, rows: F64, minutes: F64) -> F64:
    """Return curves at other minutes: each is a staircase."""
    if np.array_equal(curves.minutes, minutes):
        return rows
    places = np.searchsorted(curves.minutes, minutes + 1e-9, side="right") - 1
    found: F64 = rows[:, np.clip(places, 0, None)]
    return found
