"""Ensembles: replicates of one program on one world, and statistics of their outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core.data_frames import label, new_figure
from sim.core.progress import Report, quiet
from sim.core.text import one_line, plural
from sim.errors import InputError
from sim.lab.background import awaited
from sim.lab.runs.experiment import (
    MOST_TICKS,
    ExperimentProgress,
    Messages,
    experiment_now,
    messages_of,
    seeds_from,
)
from sim.lab.runs.results import UNITS, Records
from sim.lab.statistics import Takeoff, mean_interval, means_said, median_interval, takeoff
from sim.lab.tables import Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sim.lab.runs.measures import Measure
    from sim.runtime.engine.run_control import Program
    from sim.world.world import World


QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Quantiles of a fan chart, by default."""

_NOT_MEASURED = ("program", "replicate", "seed")


@dataclass(frozen=True, eq=False, repr=False)
class Ensemble(Result):
    """Replicates of one program on one world; usable before all of them are finished.

    Parameters
    ----------
    records
        The records of one program.

    Raises
    ------
    InputError
        If the records are of several programs.
    """

    records: Records

    def __post_init__(self) -> None:
        if len(self.records.programs) != 1:
            raise InputError(
                f"An ensemble is of one program; got {', '.join(self.records.programs)}."
            )

    @property
    def tables(self) -> Mapping[str, Table]:
        """The tables ``summary``, ``runs`` and ``curves``."""
        return {"summary": self.summary(), "runs": self.runs, "curves": self.curves}

    @property
    def runs(self) -> Table:
        """One row per replicate: its number, seed, ticks, and each measure."""
        return self.records.runs

    @property
    def curves(self) -> Table:
        """One row per replicate and tick: each series."""
        return self.records.curves

    def summary(self) -> Table:
        """Return one row per measure: mean and median, each with its 95 % interval, and the range.

        Columns: ``measure``, ``unit``, ``mean``, ``mean_low``, ``mean_high``, ``method`` of the
        mean's interval, ``median``, ``median_low``, ``median_high`` (order statistics), ``sd``,
        ``least``, ``most``, and ``runs``: how many have a value. A measure without values is left
        out.
        """
        return self._summary

    @cached_property
    def _summary(self) -> Table:
        rows = []
        for name in self.runs.names:
            values = self.runs[name] if name not in _NOT_MEASURED else np.empty(0)
            known = values[np.isfinite(values.astype(np.float64))].astype(np.float64)
            if known.size:
                rows.append({"measure": name, "unit": UNITS.get(name, ""), **_row(known)})
        names = ["measure", "unit", *_row(np.zeros(1))]
        said = f"{plural(self.records.finished, 'replicate')} {self.records.where}"
        said += f"; {means_said(row['method'] for row in rows)}; medians by order statistics"
        return Table.of_rows(rows, names=names, caption=said)

    def takeoff(self, threshold: float | None = None) -> Takeoff:
        """Return how many replicates took off, by their largest message, and its probability.

        Parameters
        ----------
        threshold
            Agents that a message must exceed, chosen before looking at the runs; None:
            the number of agents to the power of 2/3
            (:func:`~sim.lab.statistics.takeoff_threshold`), which theory gives for random networks.

        Raises
        ------
        InputError
            If no replicate had a message.
        """
        sizes = self._sizes
        sizes = sizes[~np.isnan(sizes)]
        if not sizes.size:
            raise InputError("No take-off to measure: no finished replicate had a message.")
        if threshold is not None:
            return takeoff(sizes, threshold=threshold)
        return takeoff(sizes, members=self.records.agents)

    @property
    def _sizes(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Sizes of the largest message of each replicate; sums would exceed the threshold."""
        sizes = self.runs["size"] if "size" in self.runs else np.empty(0)
        if "largest" not in self.runs:
            return sizes
        largest = self.runs["largest"]
        return np.where(np.isnan(largest), sizes, largest)

    def _holders(self) -> float:
        """Return the largest number of adopters that a message had before the first tick."""
        several = "largest" in self.runs or "ever" not in self.curves
        return 0.0 if several else float(self.records.curve("ever")[:, 0].max(initial=0.0))

    def fan(self, series: str = "ever", quantiles: Sequence[float] = QUANTILES) -> Table:
        """Return quantiles over replicates, tick by tick.

        Parameters
        ----------
        series
            A name of :data:`~sim.lab.runs.SERIES`. Series of messages, opinions or ties keep their
            last value once a run has ended; for other series only runs that continue count,
            so compare those over a fixed number of ticks.
        quantiles
            Each in [0, 1], rising.

        Returns
        -------
        Table
            Columns ``tick``, ``mean``, and one for each quantile, such as ``q5`` and ``q50``.

        Raises
        ------
        UnknownNameError, InputError
            For an unknown series, or quantiles out of range.
        """
        wanted = [float(q) for q in quantiles]
        if not wanted or any(not 0 <= q <= 1 for q in wanted) or wanted != sorted(set(wanted)):
            raise InputError(f"Quantiles rise within 0 and 1; got {list(quantiles)}.")
        rows = self.records.curve(series)
        there = ~np.isnan(rows).all(axis=0) if len(rows) else np.zeros(0, np.bool_)
        found = rows[:, there]
        columns: dict[str, Any] = {"tick": np.flatnonzero(there)}
        columns["mean"] = np.nanmean(found, axis=0) if found.size else np.empty(0)
        levels = np.nanquantile(found, wanted, axis=0) if found.size else np.empty((len(wanted), 0))
        columns |= {f"q{100 * q:g}": level for q, level in zip(wanted, levels, strict=True)}
        units = dict.fromkeys([*columns][1:], UNITS[series]) if series in UNITS else {}
        return Table(columns, units=units, caption=f"{series}, {plural(len(rows), 'replicate')}")

    def plot(self, series: str = "ever", **_: Any) -> Figure:
        """Draw the fan chart of a series: the median, the middle half and nine tenths."""
        fan = self.fan(series)
        figure = new_figure()
        ax = figure.subplots()
        for low, high, said, alpha in (("q5", "q95", "90 %", 0.18), ("q25", "q75", "50 %", 0.35)):
            ax.fill_between(
                fan["tick"], fan[low], fan[high], alpha=alpha, color="C0", linewidth=0,
                label=f"{said} of replicates",
            )  # fmt: skip
        ax.plot(fan["tick"], fan["q50"], color="C0", label="median")
        ax.set(xlabel="tick", ylabel=label(UNITS.get(series, series)), title=label(fan.caption))
        ax.legend()
        return figure

    def conclusion(self) -> str:
        """Return whether messages take off, with the threshold, and what the reader should know."""
        lines = []
        if not np.isnan(self._sizes).all():
            found = self.takeoff()
            lines.append(_said(found, "the largest" if "largest" in self.runs else "a"))
            if self._holders() > found.threshold:
                lines.append(
                    f"Up to {self._holders():,.0f} were seeds, more than the take-off threshold, "
                    "so take-off is not informative; use fewer seeds or a higher threshold."
                )
        failed = int((self.runs["failed"] > 0).sum()) if "failed" in self.runs else 0
        if failed:
            some = plural(failed, "replicate")
            lines.append(f"In {some} a message stopped because its model failed.")
        return "\n".join([*lines, *map(one_line, self.records.remarks)])

    def _in_short(self) -> list[Table]:
        return [self.summary()]


def _said(found: Takeoff, which: str) -> str:
    low, high = found.interval[:2]
    return (
        f"{found.runs:,} of {plural(found.of, 'replicate')} took off ({found.share:.1%}, 95 % "
        f"interval {low:.1%} to {high:.1%} by {found.interval.method}): {which} message reached "
        f"more than {plural(found.threshold, 'member')}."
    )


def _row(known: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, Any]:
    mean, median = mean_interval(known), median_interval(known)
    return {
        "mean": float(known.mean()),
        "mean_low": mean.low,
        "mean_high": mean.high,
        "method": mean.method,
        "median": float(np.median(known)),
        "median_low": median.low,
        "median_high": median.high,
        "sd": float(known.std(ddof=1)) if known.size > 1 else float("nan"),
        "least": float(known.min()),
        "most": float(known.max()),
        "runs": known.size,
    }


Said = str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]]


def ensemble_now(
    world: World,
    messages: Said = (),
    *,
    replicates: int = 200,
    program: Program | None = None,
    ticks: int | None = None,
    until_quiet: bool | None = None,
    seed: int | None = None,
    measures: Mapping[str, Measure] | None = None,
    series: Mapping[str, Measure] | None = None,
    workers: int = 2,
    backend: str = "loky",
    into: str | Path | None = None,
    resume: bool = False,
    report: Report = quiet,
    follow: Callable[[ExperimentProgress], object] | None = None,
) -> Ensemble:
    """Run a world many times, each time with different random draws.

    Replicate 0 uses the world's own draws; the others use the seeds that follow its own.
    Messages that are already spreading use the new draws from here on.

    Parameters
    ----------
    world
        Not changed.
    messages
        Messages to send in each: a text, arguments of :meth:`World.inject`, or several of these.
    replicates
        Number of replicates, at least 1.
    program
        A program to run in place of messages (:class:`~sim.lab.runs.Program`).
    ticks
        Ticks of each run; None: until nothing can change any more, at most 1,000.
    until_quiet
        Whether each ends as soon as nothing can change; None: if no ticks are given.
    seed
        Of replicate 0; None: the world's.
    measures, series, workers, backend, into, resume, report, follow
        As in :func:`~sim.lab.runs.experiment_now`.

    Raises
    ------
    InputError, FileError, PluginError, UnknownNameError, ParameterError
        One sentence; what is finished is in the file.

    Examples
    --------
    >>> from hubbub import World, lab
    >>> world = World.create(agents=300, mean_degree=4, seed=1)
    >>> rumour = {"text": "The bridge is closed.", "model": "independent-cascade"}
    >>> found = lab.ensemble_now(world, rumour, replicates=6, workers=1)
    >>> found.fan("ever").names
    ('tick', 'mean', 'q5', 'q25', 'q50', 'q75', 'q95')
    """
    said = messages_of(messages)
    if said and program is not None:
        raise InputError("An ensemble takes messages or a program; give one of the two.")
    if program is None and not said and ticks is None:
        raise InputError("Nothing would happen: give messages=..., program=... or ticks=...")
    quietly = ticks is None if until_quiet is None else until_quiet
    first = world.seed if seed is None else seed
    records = experiment_now(
        world,
        [program if program is not None else Messages(said, until_quiet=quietly)],
        seeds_from(first, replicates),
        ticks=MOST_TICKS if ticks is None else ticks,
        measures=measures, series=series, workers=workers, backend=backend,
        into=into, resume=resume, report=report, follow=follow,
    )  # fmt: skip
    return Ensemble(records)


ensemble = awaited(ensemble_now)
