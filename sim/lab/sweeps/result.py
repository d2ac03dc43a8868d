"""The result of a sweep: runs, points, sensitivity, and how a measure lies over parameters."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.arrays import F64
from sim.core.text import one_line
from sim.errors import InputError, UnknownNameError
from sim.lab.runs import Records
from sim.lab.statistics import Interval, mean_interval, means_said
from sim.lab.sweeps.designs import Design
from sim.lab.sweeps.maps import HeatMap, Tornado, heat_map, tornado
from sim.lab.sweeps.sensitivity import morris, rank_regression, sobol
from sim.lab.tables import Result, Table, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure


LAST = "last_"
"""Before the name of a series: the measure that is how it ended."""

_NOTHING = Interval(np.nan, np.nan, 0.95, "too few")
_FIGURES = {
    "morris": ("mu_star", "Morris' mu*"),
    "sobol": ("total", "Sobol's total index"),
    "grid": ("coefficient", "rank regression coefficient"),
}
"""By design, the column of the sensitivity that a conclusion goes by; others go as a grid."""

_ROUNDING = 1e-9

_NO_MEASURES = ("program", "replicate", "seed")


@dataclass(frozen=True, eq=False, repr=False)
class Sweep(Result):
    """What came of a sweep.

    Attributes
    ----------
    design
        Its points.
    place
        int64 (points,): which program each point is; points of the same values are run once.
    programs
        Their names.
    records
        Of the runs, one for each base world.
    measure
        What is looked at when none is named.
    """

    design: Design
    place: npt.NDArray[np.int64]
    programs: tuple[str, ...]
    records: tuple[Records, ...]
    measure: str = "share"

    @property
    def tables(self) -> Mapping[str, Table]:
        """The tables ``points``, ``sensitivity`` (where there are numbers for it) and ``runs``."""
        found = {"points": self.points}
        with suppress(InputError):
            found["sensitivity"] = self.sensitivity()
        return found | {"runs": self.runs}

    @cached_property
    def runs(self) -> Table:
        """One row a run: its parameters, replicate, seed, ticks, and each measure."""
        tables = [one.runs for one in self.records]
        of = dict(zip(self.programs, self._values, strict=True))
        names = dict.fromkeys(name for table in tables for name in table.names)
        columns: dict[str, Any] = {}
        programs = [str(name) for table in tables for name in table["program"]]
        for number, name in enumerate(self.design.names):
            columns[name] = [of[program][number] for program in programs]
        for name in names:
            if name != "program":
                columns[name] = np.concatenate(
                    [t[name] if name in t else np.full(len(t), np.nan) for t in tables]
                )
        units = {k: v for table in tables for k, v in table.units.items() if k in columns}
        return Table(columns, units=units, caption="runs of the sweep")

    @property
    def _values(self) -> list[tuple[Any, ...]]:
        """The values of each program."""
        found: dict[int, tuple[Any, ...]] = {}
        for number, values in zip(self.place.tolist(), self.design.points, strict=True):
            found.setdefault(number, values)
        return [found[number] for number in range(len(self.programs))]

    @cached_property
    def measures(self) -> tuple[str, ...]:
        """Names of what was measured of each run."""
        own = [n for n in self.runs.names if n not in (*_NO_MEASURES, *self.design.names)]
        return tuple(dict.fromkeys([*own, self.measure]))

    @cached_property
    def _by_program(self) -> dict[str, list[dict[str, float]]]:
        found: dict[str, list[dict[str, float]]] = {name: [] for name in self.programs}
        for one in self.records:
            for (program, _), each in sorted(one.found.items()):
                row = {"ticks": float(each.ticks), **each.measured}
                row |= {f"{LAST}{s}": float(v[-1]) for s, v in each.series.items()}
                found[one.programs[program]].append(row)
        return found

    def values(self, measure: str | None = None) -> tuple[F64, ...]:
        """Return a measure at each point, float64 (replicates that have a number,).

        Parameters
        ----------
        measure
            A name of :attr:`measures`, or ``last SERIES``, how a series of
            :data:`~sim.lab.runs.SERIES` ended; None: that of the sweep.

        Raises
        ------
        UnknownNameError
            For another name.
        """
        name = self._known(measure)
        rows = [
            np.array([row.get(name, np.nan) for row in self._by_program[program]], np.float64)
            for program in self.programs
        ]
        known = [row[~np.isnan(row)] for row in rows]
        return tuple(known[number] for number in self.place.tolist())

    def means(self, measure: str | None = None) -> F64:
        """Return the mean over replicates at each point, float64 (points,); NaN where none is."""
        return np.array([v.mean() if v.size else np.nan for v in self.values(measure)], np.float64)

    def _known(self, measure: str | None) -> str:
        name = self.measure if measure is None else measure
        every = dict.fromkeys(n for rows in self._by_program.values() for row in rows for n in row)
        if every and name not in every:
            raise UnknownNameError("measure", name, every)
        return name

    @cached_property
    def points(self) -> Table:
        """One row a point: its parameters, and each measure with its 95 % interval.

        Columns: ``point`` from 0, the parameters, ``replicates``, and of each measure its mean as
        ``NAME``, and ``NAME_low``, ``NAME_high``; the caption names the interval.
        """
        return self._points(self.measures)

    def _points(self, measures: tuple[str, ...]) -> Table:
        columns: dict[str, Any] = {"point": np.arange(len(self.design))}
        for number, name in enumerate(self.design.names):
            columns[name] = [values[number] for values in self.design.points]
        many = [len(self._by_program[program]) for program in self.programs]
        columns["replicates"] = np.array(many, np.int64)[self.place]
        units: dict[str, str] = {}
        methods: set[str] = set()
        for measure in measures:
            own, by = self._interval_columns(measure)
            columns, methods = columns | own, methods | by
            if measure in self.runs.units:
                ends = (measure, f"{measure}_low", f"{measure}_high")
                units |= dict.fromkeys(ends, self.runs.units[measure])
        where = self.records[0].where if self.records else ""
        caption = f"{self._said}, each {where}; {means_said(methods)}"
        return Table(columns, units=units, caption=caption)

    def _interval_columns(self, measure: str) -> tuple[dict[str, F64], set[str]]:
        ends: dict[int, Interval] = {}
        found = self.values(measure)
        for program, values in zip(self.place.tolist(), found, strict=True):
            if program not in ends:
                ends[program] = mean_interval(values) if values.size else _NOTHING
        every = [ends[program] for program in self.place.tolist()]
        low, high = np.array([each[:2] for each in every]).T
        columns = {measure: self.means(measure), f"{measure}_low": low, f"{measure}_high": high}
        return columns, {each.method for each in every}

    @property
    def _said(self) -> str:
        runs = sum(one.finished for one in self.records)
        return f"{self.design.kind} of {len(self.design):,} points, {runs:,} runs"

    def __repr__(self) -> str:
        return f"Sweep({self._said})"

    def _in_short(self) -> list[Table]:
        found = [self._points((self._known(None),))]
        with suppress(InputError):
            found.append(self.sensitivity())
        return found

    def sensitivity(self, measure: str | None = None) -> Table:
        """Return what a measure owes to each parameter, with 95 % intervals.

        Columns: ``parameter``, and by the design:

        - ``morris``: ``mu``, ``mu_star`` (mean effect and mean size of the effect of a parameter
          over its whole range), ``mu_star_low``, ``mu_star_high``, ``sigma`` (large where it acts
          together with others, or not in a line);
        - ``sobol``: ``first`` and ``total`` (shares of the variance), each with ``_low``,
          ``_high``;
        - any other: ``coefficient`` of a regression of ranks, standardised, with
          ``coefficient_low``, ``coefficient_high``; the caption says how much of the variance of
          ranks it explains.

        Parameters
        ----------
        measure
            A name of :attr:`measures`; None: that of the sweep.

        Raises
        ------
        UnknownNameError, InputError
            For another name; where fewer than two blocks of points have a number.
        """
        name = self._known(measure)
        means, shares, size = self.means(name), self.design.shares, self.design.block
        whole = np.logical_not(np.isnan(means).reshape(-1, size).any(axis=1)).reshape(-1)
        if whole.sum() < 2:
            raise InputError(f"{name} has a number at too few points to say what it depends on.")
        y = means.reshape(-1, size)[whole]
        x = shares.reshape(-1, size, shares.shape[1])[whole]
        left = int((~whole).sum())
        note = f"; {left:,} of {len(whole):,} without a number left out" if left else ""
        if self.design.kind == "morris":
            return self._of_morris(name, x, y, note)
        if self.design.kind == "sobol":
            return self._of_sobol(name, y, note)
        found = rank_regression(x[:, 0], y[:, 0])
        columns = {
            "coefficient": found.coefficients,
            "coefficient_low": found.low,
            "coefficient_high": found.high,
        }
        is_known = bool(np.isfinite(found.low).any())  # a line through as few points fits always
        share = f"explains {found.explained:.0%} of ranks"
        says = share if is_known else "so few points do not test"
        said = f"{name}: rank regression, which {says}{note}"
        return self._table(columns, said)

    def _of_morris(self, name: str, x: F64, y: F64, note: str) -> Table:
        found = morris(x, y)
        columns = {
            "mu": found.mean,
            "mu_star": found.size,
            "mu_star_low": found.low,
            "mu_star_high": found.high,
            "sigma": found.spread,
        }
        return self._table(columns, f"{name}: Morris, {len(y):,} trajectories{note}")

    def _of_sobol(self, name: str, y: F64, note: str) -> Table:
        columns = sobol(y)._asdict()
        order = ("first", "first_low", "first_high", "total", "total_low", "total_high")
        said = f"{name}: Sobol's indices, {len(y):,} base samples{note}"
        return self._table({key: columns[key] for key in order}, said)

    def _table(self, columns: Mapping[str, F64], said: str) -> Table:
        if any(np.isfinite(one).any() for name, one in columns.items() if name.endswith("_low")):
            said += "; 95 % intervals by percentile bootstrap"
        return Table({"parameter": list(self.design.names), **columns}, caption=said)

    def heat_map(
        self, x: str | None = None, y: str | None = None, measure: str | None = None
    ) -> HeatMap:
        """Return the mean of a measure over two parameters; over all others it is averaged.

        Parameters
        ----------
        x, y
            Parameters; None: the first two.
        measure
            A name of :attr:`measures`; None: that of the sweep.

        Raises
        ------
        InputError, UnknownNameError
            For a sweep of one parameter, and other names.
        """
        names = self.design.names
        if len(names) < 2:
            raise InputError(
                f"A heat map is over two parameters, and only {names[0]} varies; vary another."
            )
        across = names[0] if x is None else x
        up = next(name for name in names if name != across) if y is None else y
        for name in (across, up):
            if name not in names:
                raise UnknownNameError("parameter of the sweep", name, names)
        if across == up:
            raise InputError(f"A heat map is over two parameters; {across} is named twice.")
        name = self._known(measure)
        return heat_map(self.design, across, up, name, self.means(name))

    def tornado(self, measure: str | None = None) -> Tornado:
        """Return what a measure is at the low and at the high end of each parameter.

        An end is the lowest and the highest value of a grid, and the outer fifth of the points of
        any other design. The parameter with the largest difference comes first.

        Parameters
        ----------
        measure
            A name of :attr:`measures`; None: that of the sweep.
        """
        name = self._known(measure)
        return tornado(self.design, name, self.means(name))

    def plot(self, measure: str | None = None, **how: Any) -> Figure:
        """Draw the heat map of two parameters; of any other number a tornado."""
        return self.picture(measure).plot(**how)

    def picture(self, measure: str | None = None) -> HeatMap | Tornado:
        """Return the heat map where two parameters vary, else the tornado."""
        if len(self.design.names) == 2:
            return self.heat_map(measure=measure)
        return self.tornado(measure)

    def conclusion(self, measure: str | None = None) -> str:
        """Return which parameter matters most by :meth:`sensitivity`, and what one should know.

        Parameters
        ----------
        measure
            A name of :attr:`measures`; None: that of the sweep.
        """
        lines, name = [], self._known(measure)
        with suppress(InputError):
            lines.append(self._most(name))
        remarks = dict.fromkeys(line for one in self.records for line in one.remarks)
        return "\n".join([*lines, *map(one_line, remarks)])

    def _most(self, name: str) -> str:
        """Return which parameter comes first by the design's own figure, and which may as well."""
        figure, said = _FIGURES.get(self.design.kind, _FIGURES["grid"])
        rows = sorted(self.sensitivity(name).rows(), key=lambda row: -abs(row[figure]))
        y = self.means(name)
        if not rows[0][figure] and (figure != "coefficient" or np.nanmax(y) == np.nanmin(y)):
            return f"{name} depends on none of these: {said} is 0 for each."
        if figure == "coefficient" and all(map(_is_flat, rows)):
            return (
                f"Rank regression shows no parameter that {name} rises or falls with; a dependence "
                "that turns is not seen by it: look at the points, or sweep by sobol."
            )
        first, low, high = rows[0], *(rows[0][f"{figure}_{end}"] for end in ("low", "high"))
        text = f"{name} depends most on {first['parameter']}: {said} {first[figure]:.3g}"
        if not np.isnan(low):
            least = min(abs(low), abs(high)) if low * high > 0 else 0.0
            most = [max(abs(each[f"{figure}_{end}"]) for end in ("low", "high")) for each in rows]
            others = [rows[k]["parameter"] for k in range(1, len(rows)) if most[k] >= least]
            text += f" (95 % interval {low:.3g} to {high:.3g} by percentile bootstrap"
            text += f"; that of {', '.join(others)} reaches it)" if others else ")"
        (ends,) = self.tornado(name).table().where(parameter=first["parameter"]).rows()
        if np.isnan(ends["difference"]):
            return f"{text}."
        return (
            f"{text}; it is {ends['low']:.3g} at {shown(ends['low_value'])}, {ends['high']:.3g} "
            f"at {shown(ends['high_value'])}."
        )


def _is_flat(row: Mapping[str, Any]) -> bool:
    """Return whether a coefficient is 0 but for rounding, or its interval holds 0."""
    is_zero = abs(row["coefficient"]) < _ROUNDING
    return is_zero or bool(row["coefficient_low"] <= 0.0 <= row["coefficient_high"])
