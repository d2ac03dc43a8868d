""":class:`Futures`: results of a comparison of branches: runs, differences, conclusion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite, nan, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.arrays import F64
from sim.core.data_frames import label, new_figure
from sim.errors import InputError, UnknownNameError
from sim.lab.runs.measures import at_rest_value, column_name, stays
from sim.lab.runs.records import Records
from sim.lab.statistics import (
    Interval,
    MeasuredDifference,
    conclusion,
    family,
    mean_interval,
    means_said,
    paired_difference,
    replicates_needed,
    share_interval,
    takeoff_threshold,
)
from sim.lab.statistics.sentences import corrected
from sim.lab.tables import Result, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_KEYS = ("program", "replicate", "seed", "tick", "ticks")
TOOK_OFF = "took_off"
"""The measure of whether a run took off."""
_FEEDS = (
    "end_feed_inequality", "end_feed_variety", "end_feed_outside", "end_feed_engagement",
)  # fmt: skip
_FIRST = ("share", "size", *_FEEDS)
_SAID = {
    "share": "share reached",
    "size": "reach",
    "r": "R of the seeds",
    TOOK_OFF: "share of runs that took off",
    "peak_tick": "tick of the peak",
    "end_feed_inequality": "concentration of impressions (Gini)",
    "end_feed_variety": "variety of topics in a feed",
    "end_feed_outside": "share of impressions from other communities",
    "end_feed_engagement": "likes, shares and replies per impression",
}
_MOST_NEEDED = 1_000_000


@dataclass(frozen=True, eq=False, repr=False)
class Futures(Result):
    """What came of it.

    Measures are those of a run (:data:`~sim.lab.runs.MEASURES`); ``took_off``, 1 where its size is
    beyond :func:`~sim.lab.statistics.takeoff_threshold` and else 0, where one message is measured;
    and of each series ``mean_NAME`` over the ticks after the fork, or ``end_NAME`` for what stays
    as it was.

    Attributes
    ----------
    records
        Every run of every arm; the first arm is what the others are compared with.
    tick
        Of the fork.
    digest
        Of the world at the fork: all arms began as this.
    begun
        The digest of each arm's world once it had begun, before any tick: arms of the same one
        differ only by what they do later.
    measure
        Whose difference is the conclusion; empty: see :attr:`main`.
    """

    records: Records
    tick: int
    digest: str
    begun: tuple[str, ...] = ()
    measure: str = ""

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the arms, in order."""
        return self.records.programs

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of the replicates; one draws the same under every arm."""
        return self.records.seeds

    @cached_property
    def measures(self) -> tuple[str, ...]:
        """Names of what some run has a number of."""
        runs, curves = self.records.runs, self.records.curves
        own = [name for name in runs.names if name not in _KEYS and _has_numbers(runs[name])]
        if "failed" in own and not runs["failed"].any():
            own.remove("failed")
        if "size" in own and "largest" not in own:
            own.append(TOOK_OFF)
        series = [name for name in curves.names if name not in _KEYS and _has_numbers(curves[name])]
        return (*own, *(column_name("end" if stays(name) else "mean", name) for name in series))

    @property
    def main(self) -> str:
        """The measure of the conclusion.

        Raises
        ------
        UnknownNameError, InputError
            When there is none of that name, or none at all.
        """
        if self.measure:
            if self.measure not in self.measures:
                raise UnknownNameError("measure", self.measure, self.measures)
            return self.measure
        for name in (*_FIRST, *self.measures):
            if name in self.measures:
                return name
        raise InputError("Nothing was measured in any run.")

    def values(self, measure: str, arm: str) -> F64:
        """Return a measure of an arm, float64 (replicates,); NaN where a run has none.

        Raises
        ------
        UnknownNameError
            For another measure or arm.
        """
        if measure not in self.measures:
            raise UnknownNameError("measure", measure, self.measures)
        if measure == TOOK_OFF and measure not in self.records.runs:
            sizes = self.values("size", arm)
            beyond = sizes > takeoff_threshold(self.records.agents)
            return np.where(np.isnan(sizes), nan, beyond)
        kind, _, series = measure.partition("_")
        if kind in {"end", "mean"} and measure not in self.records.runs:
            rows = self.curve(series, arm)
            return rows[:, -1] if kind == "end" else _means(rows[:, 1:])
        place = self._place(arm)
        found = self.records.found
        every = (found.get((place, number)) for number in range(len(self.seeds)))
        return _finite(
            np.array([nan if one is None else one.measured.get(measure, nan) for one in every])
        )

    def curve(self, series: str, arm: str) -> F64:
        """Return a series of an arm, float64 (replicates, ticks + 1), tick 0 being the fork.

        Once a run has come to rest, it counts as it stayed; all arms are equally long. A replicate
        that is not finished is NaN.

        Raises
        ------
        UnknownNameError
            For another series or arm.
        """
        self._place(arm)
        found, programs = self.records.found, self.records.programs
        longest = max((each.ticks for each in found.values()), default=-1) + 1
        rows, own = np.full((len(self.seeds), longest), nan), self.records.curve(series, arm)
        place = programs.index(arm)
        numbers = [number for number in range(len(self.seeds)) if (place, number) in found]
        rows[numbers, : own.shape[1]] = _finite(own)  # others stay NaN: pairs stay pairs
        for number in numbers:
            if own.shape[1] < longest and series in found[place, number].series:
                rows[number, own.shape[1] :] = at_rest_value(series, rows[number, own.shape[1] - 1])
        return rows

    def difference(
        self, measure: str | None = None, arm: str | None = None, against: str | None = None
    ) -> MeasuredDifference:
        """Return an arm minus another, replicate by replicate, with its 95 % interval.

        Parameters
        ----------
        measure
            None: :attr:`main`.
        arm, against
            None: the second arm, and the first.

        Raises
        ------
        UnknownNameError
            For another measure or arm.
        """
        name = self.main if measure is None else measure
        first = self.arms[0] if against is None else against
        second = self.values(name, self.arms[1] if arm is None else arm)
        return paired_difference(self.values(name, first), second, networks=self._networks)

    @property
    def _networks(self) -> npt.NDArray[np.int64] | None:
        return np.array(self.records.networks) if self.records.networks else None

    def mean(self, measure: str, arm: str) -> float:
        """Return the mean of a measure over replicates; NaN where none has a number."""
        known = _known(self.values(measure, arm))
        return float(known.mean()) if known.size else nan

    def needed(self, measure: str, arm: str) -> float:
        """Return how many replicates would show a true difference of the size that was found.

        With a chance of 80 %; NaN where there is none to be shown, or it takes over a million.
        """
        return _needed(self.difference(measure, arm).effect.hedges)

    def difference_curve(
        self, series: str, arm: str | None = None, against: str | None = None
    ) -> Table:
        """Return the mean difference of a series, tick by tick, with its 95 % interval (t).

        Each tick's interval is right by itself; the whole curve leaves some band more often.

        Parameters
        ----------
        series
            A name of the table ``curves``.
        arm, against
            As of :meth:`difference`.

        Returns
        -------
        Table
            Columns ``tick``, ``mean``, ``low``, ``high``; NaN where there are no two pairs.
        """
        first = self.arms[0] if against is None else against
        second = self.arms[1] if arm is None else arm
        apart = self.curve(series, second) - self.curve(series, first)
        mean, half = _means(apart.T), self._halves(apart)
        columns = {"tick": np.arange(mean.size), "mean": mean, "low": mean - half}
        caption = f"{series}: {second} minus {first}, 95 % intervals by t {self.records.where}"
        return Table(columns | {"high": mean + half}, caption=caption)

    def _halves(self, rows: F64) -> F64:
        """Return half the width of the interval of each column's mean (replicates, ticks)."""
        halves, networks = np.full(rows.shape[1], nan), self._networks
        for tick, column in enumerate(rows.T):
            is_known = ~np.isnan(column)
            own = None if networks is None else networks[is_known]
            if is_known.any():
                halves[tick] = mean_interval(column[is_known], "t", networks=own).width / 2
        return halves

    @property
    def tables(self) -> Mapping[str, Table]:
        """The tables ``differences``, ``arms``, ``runs`` and ``curves``."""
        return {
            "differences": self.differences,
            "arms": self.means,
            "runs": self.records.runs,
            "curves": self.records.curves,
        }

    @cached_property
    def differences(self) -> Table:
        """One row an arm but the first, and measure: how it differs from the first arm.

        Columns: ``measure``, ``arm``, ``against``, ``difference``, ``low``, ``high``, ``method``,
        ``p``, ``p_holm`` (corrected for all rows), ``pairs``, ``hedges``, ``cohen_dz``, and
        ``needed``: replicates that would show a true difference of this size with a chance of 80 %
        (NaN: none to be shown, or over a million).
        """
        caption = (
            f"{len(self.seeds):,} replicates {self.records.where}, from tick {self.tick:,}, the "
            f"same draws under each arm. Each 95 % interval, and p, is right by itself: of twenty "
            f"without any difference, one leaves out 0; p_holm is corrected for all rows (Holm)."
        )
        pairs = list(self._pairs())
        facts = family([found for *_, found in pairs])
        rows = [
            {"measure": measure, "arm": arm, "against": self.arms[0], **row,
             "cohen_dz": found.effect.cohen, "needed": _needed(found.effect.hedges)}
            for (arm, measure, found), row in zip(pairs, facts, strict=True)
        ]  # fmt: skip
        return Table.of_rows(rows, caption=caption)

    def _pairs(self) -> Iterator[tuple[str, str, MeasuredDifference]]:
        for arm in self.arms[1:]:
            for measure in self.measures:
                yield arm, measure, self.difference(measure, arm)

    @cached_property
    def means(self) -> Table:
        """One row an arm and measure: its mean and median, the interval of the mean, the runs.

        Columns: ``arm``, ``measure``, ``mean``, ``low``, ``high``, ``method`` of the interval,
        ``median``, ``runs``, ``digest``.

        ``digest`` is that of the arm's world once it had begun, before any tick.
        """
        rows = []
        for place, arm in enumerate(self.arms):
            begun = self.begun[place] if place < len(self.begun) else ""
            for measure in self.measures:
                values = self.values(measure, arm)
                known = _known(values)
                said = self._interval(measure, values)
                rows.append({
                    "arm": arm, "measure": measure,
                    "mean": self.mean(measure, arm),
                    "low": nan if said is None else said.low,
                    "high": nan if said is None else said.high,
                    "method": "too few" if said is None else said.method,
                    "median": float(np.median(known)) if known.size else nan,
                    "runs": known.size, "digest": begun,
                })  # fmt: skip
        how = means_said(str(row["method"]) for row in rows)
        caption = f"Each arm {self.records.where}: {how}; the world at the fork: {self.digest}"
        return Table.of_rows(rows, caption=caption)

    def _interval(self, measure: str, values: F64) -> Interval | None:
        is_known, networks = ~np.isnan(values), self._networks
        if not is_known.any():
            return None
        known = values[is_known]
        if measure == TOOK_OFF and networks is None:
            return share_interval(int(known.sum()), known.size)
        return mean_interval(known, networks=None if networks is None else networks[is_known])

    def conclusion(self, measure: str | None = None, *, margin: float | None = None) -> str:
        """Return what follows: a sentence for each arm but the first.

        Parameters
        ----------
        measure
            None: :attr:`main`, and what members were shown, where that was measured.
        margin
            A difference that would not matter, chosen before the runs; None: there is none.

        Raises
        ------
        UnknownNameError, InputError
            For another measure, or a margin that is not above 0.
        """
        names = [self.main if measure is None else measure]
        if not (measure or self.measure):
            names += [each for each in _FEEDS if each in self.measures and each not in names]
        sentences = [
            conclusion(
                self.difference(name, arm), what=_SAID.get(name, name), first=self.arms[0],
                second=arm, unit=self.records.runs.units.get(name, ""), margin=margin,
            )
            for name in names
            for arm in self.arms[1:]
        ]  # fmt: skip
        return "\n".join(sentences)

    def corrected(self) -> str:
        """Return how many differences are left by Holm's correction, a sentence; of one none."""
        return corrected(self.differences["p"], self.differences["p_holm"])

    def plot(self, series: str | None = None, **_how: Any) -> Figure:
        """Draw a series of all arms, each replicate as a ghost, and the differences below.

        Parameters
        ----------
        series
            A name of the table ``curves``; None: ``ever`` where messages were sent, else the first
            that there is.

        Raises
        ------
        UnknownNameError, InputError
            For another series, or where matplotlib is missing.
        """
        curves = self.records.curves
        known = [name for name in curves.names if name not in _KEYS and _has_numbers(curves[name])]
        if not known:
            raise InputError("There is nothing to draw: no run has a series.")
        chosen = series or ("ever" if "ever" in known and curves["ever"].any() else known[0])
        if chosen not in known:
            raise UnknownNameError("series", chosen, known)
        return drawn(self, chosen)

    def _in_short(self) -> list[Table]:
        every = self.differences
        short = every.only("measure", "arm", "difference", "low", "high", "method", "p", "p_holm")
        caption = f"{every.caption} Differences are from {self.arms[0]}."
        return [Table({name: short[name] for name in short.names}, caption=caption)]

    def _place(self, arm: str) -> int:
        if arm not in self.arms:
            raise UnknownNameError("arm", arm, self.arms)
        return self.arms.index(arm)


def _needed(effect: float) -> float:
    if not isfinite(effect) or abs(effect) < sqrt(1 / _MOST_NEEDED):
        return nan
    count = replicates_needed(effect)
    return float(count) if count <= _MOST_NEEDED else nan


def _finite(values: F64) -> F64:
    """Return values with NaN for what is infinite: nothing follows from it."""
    return np.where(np.isfinite(values), values, nan)


def _has_numbers(column: npt.NDArray[Any]) -> bool:
    return column.dtype.kind in "iuf" and bool((~np.isnan(column.astype(np.float64))).any())


def _known(values: F64) -> F64:
    return values[~np.isnan(values)]


def _means(rows: F64) -> F64:
    """Return the mean of what is known of each row (rows, ticks); NaN of nothing."""
    known = ~np.isnan(rows)
    count = known.sum(axis=1)
    total = np.where(known, rows, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), nan)


_GHOSTS = 200
"""So many replicates of an arm are drawn; more would hide one another."""


def drawn(found: Futures, series: str) -> Figure:
    """Return a figure of two panels: the series of each arm, and its difference from the first."""
    figure = new_figure(7.0, 6.0)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
    for place, arm in enumerate(found.arms):
        _arm(above, found, series, arm, f"C{place}")
    for place, arm in enumerate(found.arms[1:], 1):
        _difference(below, found, series, arm, f"C{place}")
    below.axhline(0.0, color="0.5", linewidth=0.8)
    unit = found.records.curves.units.get(series, "")
    above.set_ylabel(label(f"{series} ({unit})" if unit else series))
    below.set(xlabel="ticks after the fork", ylabel=label(f"minus {found.arms[0]}"))
    above.legend()
    return figure


def _arm(ax: Axes, found: Futures, series: str, arm: str, colour: str) -> None:
    rows = found.curve(series, arm)
    ax.plot(rows[:_GHOSTS].T, color=colour, alpha=0.15, linewidth=0.7)
    known = ~np.isnan(rows)
    mean = np.where(known, rows, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    ax.plot(np.where(known.any(axis=0), mean, np.nan), color=colour, label=label(arm))


def _difference(ax: Axes, found: Futures, series: str, arm: str, colour: str) -> None:
    table = found.difference_curve(series, arm)
    ax.plot(table["tick"], table["mean"], color=colour)
    ax.fill_between(table["tick"], table["low"], table["high"], color=colour, alpha=0.2)
