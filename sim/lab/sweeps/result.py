"""The result of a sweep: runs, points, sensitivity, and a measure over parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from rich.console import Group
from rich.text import Text

from sim.arrays import F64
from sim.core.data_frames import label, new_figure
from sim.core.text import one_line, plural, width
from sim.errors import InputError, UnknownNameError
from sim.lab.runs import Records
from sim.lab.statistics import Interval, mean_interval, means_said
from sim.lab.statistics.intervals import bootstrap
from sim.lab.sweeps.designs import Design
from sim.lab.tables import Result, Table, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Morris(NamedTuple):
    """Elementary effects of parameters: the change of a measure over a parameter's whole range."""

    mean: F64
    size: F64
    spread: F64
    low: F64
    high: F64


class Sobol(NamedTuple):
    """Shares of the variance of a measure."""

    first: F64
    total: F64
    first_low: F64
    first_high: F64
    total_low: F64
    total_high: F64


class RankRegression(NamedTuple):
    """Standardised coefficients of a linear regression of ranks."""

    coefficients: F64
    low: F64
    high: F64
    explained: float


def morris(shares: F64, values: F64, *, confidence: float = 0.95) -> Morris:
    """Return Morris' measures from trajectories."""
    steps = np.diff(shares, axis=1)
    changed = np.abs(steps).argmax(axis=2)
    effects = np.empty((len(values), shares.shape[2]))
    slopes = np.diff(values, axis=1) / np.take_along_axis(steps, changed[..., None], 2)[..., 0]
    np.put_along_axis(effects, changed, slopes, axis=1)
    sizes = np.abs(effects)
    low, high = bootstrap(len(values), lambda rows: sizes[rows].mean(axis=1), confidence)
    spread = effects.std(axis=0, ddof=1) if len(values) > 1 else np.full(effects.shape[1], np.nan)
    return Morris(effects.mean(axis=0), sizes.mean(axis=0), spread, low, high)


def sobol(values: F64, *, confidence: float = 0.95) -> Sobol:
    """Return Sobol' indices from Saltelli's sample."""
    centred = values - values[:, [0, -1]].mean()
    found = _indices(centred[None])[0]
    low, high = bootstrap(len(values), lambda rows: _indices(centred[rows]), confidence)
    return Sobol(found[0], found[1], low[0], high[0], low[1], high[1])


def _indices(values: F64) -> F64:
    """Return (resamples, 2, parameters) from (resamples, samples, parameters + 2)."""
    a, ab, b = values[..., :1], values[..., 1:-1], values[..., -1:]
    variance = values[..., [0, -1]].var(axis=(1, 2))[:, None]
    first = (b * (ab - a)).mean(axis=1)
    total = 0.5 * ((a - ab) ** 2).mean(axis=1)
    both = np.stack([first, total], axis=1)
    by = variance[:, None]
    shares: F64 = np.divide(both, by, out=np.zeros_like(both), where=by > 0)
    return shares


def rank_regression(places: F64, values: F64, *, confidence: float = 0.95) -> RankRegression:
    """Return standardised rank regression coefficients."""
    ranks = np.column_stack([_ranks(column) for column in (*places.T, values)])
    coefficients, explained = _fit(ranks)
    many = places.shape[1]
    if len(values) < many + 3:
        nothing = np.full(many, np.nan)
        return RankRegression(coefficients, nothing, nothing, explained)

    def again(rows: npt.NDArray[np.int64]) -> F64:
        return np.array([_fit(ranks[each])[0] for each in rows])

    low, high = bootstrap(len(values), again, confidence)
    return RankRegression(coefficients, low, high, explained)


def _ranks(column: F64) -> F64:
    from scipy.stats import rankdata

    return np.asarray(rankdata(column), np.float64)


def _fit(ranks: F64) -> tuple[F64, float]:
    centred = ranks - ranks.mean(axis=0)
    spread = centred.std(axis=0)
    scaled = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)
    places, values = scaled[:, :-1], scaled[:, -1]
    coefficients = np.linalg.lstsq(places, values, rcond=None)[0]
    left = values - places @ coefficients
    explained = 1 - float(left @ left) / float(values @ values) if values.any() else 0.0
    return coefficients, explained


_BLOCKS = " ░▒▓█"
"""Blocks from the lowest to the highest value, a fifth of the span each."""
_BINS = 8
"""Parts of a range by which points of a random design are grouped."""
_OUTER = 0.2
_WIDE, _BAR, _NAME = 79, 12, 24


@dataclass(frozen=True, eq=False, repr=False)
class HeatMap(Result):
    """A measure over two parameters."""

    x: str
    y: str
    measure: str
    across: tuple[Any, ...]
    up: tuple[Any, ...]
    means: F64

    @property
    def tables(self) -> Mapping[str, Table]:
        """One row per cell: x, y, and the mean of the measure."""
        columns = {
            self.x: [value for _ in self.up for value in self.across],
            self.y: [value for value in self.up for _ in self.across],
            self.measure: self.means.reshape(-1),
        }
        return {"heat_map": Table(columns, caption=f"{self.measure} by {self.x} and {self.y}")}

    def __str__(self) -> str:
        """Return it as lines of text: y upwards, x to the right, each block a fifth of the span."""
        lines = [f"{one_line(self.measure)}: {one_line(self.y)} upwards, {one_line(self.x)} across"]
        heads = [shown(value) for value in self.up]
        left = max(map(width, heads))
        cells = [[self._cell(value) for value in row] for row in self.means]
        feet = [shown(value) for value in self.across]
        column = max(7, 2 + max(map(width, (*feet, *(c for row in cells for c in row)))))
        is_wide = left + column * len(self.across) > _WIDE
        if is_wide:
            column, cells = 2, [[2 * self._block(v) for v in row] for row in self.means]
            feet = []
        for head, row in zip(reversed(heads), reversed(cells), strict=True):
            body = "".join(f"{cell:>{column}}" for cell in row).rstrip()
            lines.append(f"{head:>{left}} |{body}".rstrip())
        lines.append(f"{'':{left}} +{'-' * (column * len(self.across))}")
        if feet:
            lines.append(f"{'':{left}}  " + "".join(f"{foot:>{column}}" for foot in feet))
        else:
            ends = f"{shown(self.across[0])} to {shown(self.across[-1])}"
            lines.append(f"{'':{left}}  {ends}")
        return "\n".join([*lines, self._legend()])

    def _span(self) -> tuple[float, float]:
        known = self.means[~np.isnan(self.means)]
        return (float(known.min()), float(known.max())) if known.size else (math.nan, math.nan)

    def _block(self, value: float) -> str:
        low, high = self._span()
        if math.isnan(value):
            return "?"
        share = (value - low) / (high - low) if high > low else 0.5
        return _BLOCKS[min(int(share * len(_BLOCKS)), len(_BLOCKS) - 1)]

    def _cell(self, value: float) -> str:
        return "?" if math.isnan(value) else f"{value:.3g} {self._block(value)}"

    def _legend(self) -> str:
        low, high = self._span()
        if math.isnan(low):
            return "No point has a number."
        missing = ", ? no number" if np.isnan(self.means).any() else ""
        return f"'{_BLOCKS}' from {low:.3g} to {high:.3g}{missing}"

    def __rich__(self) -> Group:
        return Group(Text(str(self)))

    def plot(self, **_: Any) -> Figure:
        """Draw it; brighter means higher."""
        figure = new_figure()
        ax = figure.subplots()
        drawn = ax.imshow(self.means, origin="lower", aspect="auto", cmap="viridis")
        ax.set_xticks(range(len(self.across)), [label(shown(v)) for v in self.across])
        ax.set_yticks(range(len(self.up)), [label(shown(v)) for v in self.up])
        ax.set(xlabel=label(self.x), ylabel=label(self.y))
        figure.colorbar(drawn, label=label(self.measure))
        return figure


def heat_map(design: Design, x: str, y: str, measure: str, means: F64) -> HeatMap:
    """Return the heat map of means, float64 (points,), over two parameters of a design."""
    across, columns = _sorted(design, x)
    up, rows = _sorted(design, y)
    found = np.full((len(up), len(across)), np.nan)
    for row in range(len(up)):
        for column in range(len(across)):
            here = means[(rows == row) & (columns == column)]
            here = here[~np.isnan(here)]
            found[row, column] = here.mean() if here.size else np.nan
    return HeatMap(x, y, measure, across, up, found)


def _sorted(design: Design, name: str) -> tuple[tuple[Any, ...], npt.NDArray[np.int64]]:
    """Return the values of a parameter, and the index of each point's value."""
    number = design.names.index(name)
    values = [point[number] for point in design.points]
    apart = list(dict.fromkeys(values))
    is_number = all(isinstance(v, int | float) and not isinstance(v, bool) for v in apart)
    if len(apart) <= _BINS or design.kind == "grid" or not is_number:
        order = sorted(apart) if is_number else apart
        return tuple(order), np.array([order.index(value) for value in values], np.int64)
    low, high = min(apart), max(apart)
    places = np.array([(value - low) / (high - low) * _BINS for value in values])
    middles = tuple(float(f"{low + (k + 0.5) / _BINS * (high - low):.3g}") for k in range(_BINS))
    return middles, np.minimum(places.astype(np.int64), _BINS - 1)


@dataclass(frozen=True, eq=False, repr=False)
class Tornado(Result):
    """A measure at the two ends of each parameter."""

    measure: str
    middle: float
    ends: Table

    @property
    def tables(self) -> Mapping[str, Table]:
        """The table ``tornado``: the measure at the two ends of each parameter."""
        return {"tornado": self.ends}

    def __str__(self) -> str:
        """Return it as lines of text: one bar per parameter, between the values at its ends."""
        title = f"{one_line(self.measure)} between the low and the high end of each parameter"
        rows = list(self.ends.rows())
        every = [v for row in rows for v in (row["low"], row["high"]) if not math.isnan(v)]
        if not every:
            return f"{title}: no number"
        low, high = min([*every, self.middle]), max([*every, self.middle])
        left = min(max(width(one_line(row["parameter"], _NAME)) for row in rows), _NAME)
        lines = [f"{title}; {self.middle:.3g} (|) on average"]
        ends = [_said(row) for row in rows]
        cells = max(_BAR, _WIDE - 2 - left - max(map(width, ends)))
        for row, said in zip(rows, ends, strict=True):
            name = one_line(row["parameter"], _NAME)
            bar = self._bar(row["low"], row["high"], (low, high), cells)
            lines.append(f"{name}{'':{left - width(name)}} {bar} {said}")
        return "\n".join(lines)

    def _bar(self, first: float, last: float, span: tuple[float, float], wide: int) -> str:
        low, high = span

        def place(value: float) -> int:
            return round((value - low) / (high - low) * (wide - 1)) if high > low else 0

        if math.isnan(first) or math.isnan(last):
            return " " * wide
        cells = [" "] * wide
        start, stop = sorted((place(first), place(last)))
        cells[start : stop + 1] = "█" * (stop + 1 - start)
        cells[place(self.middle)] = "|"
        return "".join(cells)

    def __rich__(self) -> Group:
        return Group(Text(str(self)))

    def plot(self, **_: Any) -> Figure:
        """Draw it: one bar per parameter, the largest difference on top."""
        figure = new_figure()
        ax = figure.subplots()
        names = [label(name) for name in self.ends["parameter"]]
        places = range(len(names))
        ax.barh(places, self.ends["high"] - self.ends["low"], left=self.ends["low"])
        ax.axvline(self.middle, color="black", linewidth=1)
        ax.set_yticks(places, names)
        ax.invert_yaxis()
        ax.set(xlabel=label(self.measure))
        return figure


def tornado(design: Design, measure: str, means: F64) -> Tornado:
    """Return the tornado of means, float64 (points,), over the parameters of a design."""
    rows = [_ends(design, number, means) for number in range(len(design.names))]
    rows.sort(key=_by_difference)
    known = means[~np.isnan(means)]
    middle = float(known.mean()) if known.size else math.nan
    names = ("parameter", "low_value", "high_value", "low", "high", "difference")
    return Tornado(measure, middle, Table.of_rows(rows, names=names, caption=measure))


def _said(row: Mapping[str, Any]) -> str:
    low, high = (f"{row[end]:.3g} at {shown(row[f'{end}_value'])}" for end in ("low", "high"))
    return f"{low}, {high}"


def _by_difference(row: Mapping[str, Any]) -> float:
    found = row["difference"]
    return math.inf if math.isnan(found) else -abs(found)


def _ends(design: Design, number: int, means: F64) -> dict[str, Any]:
    shares = design.shares[:, number]
    if design.kind == "grid":
        low, high = shares == shares.min(), shares == shares.max()
    else:
        low, high = shares <= _OUTER, shares >= 1 - _OUTER
    first, last = _mean(means[low]), _mean(means[high])
    order: Sequence[int] = np.argsort(shares, kind="stable").tolist()
    return {
        "parameter": design.names[number],
        "low_value": design.points[order[0]][number],
        "high_value": design.points[order[-1]][number],
        "low": first,
        "high": last,
        "difference": last - first,
    }


def _mean(values: F64) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else math.nan


LAST = "last_"
"""Prefix of the name of a series: the measure of its last value."""

_NOTHING = Interval(np.nan, np.nan, 0.95, "too few")
_FIGURES = {
    "morris": ("mu_star", "Morris' mu*"),
    "sobol": ("total", "Sobol's total index"),
    "grid": ("coefficient", "rank regression coefficient"),
}
"""By design, the sensitivity column used in conclusions; other designs as a grid."""

_ROUNDING = 1e-9

_NO_MEASURES = ("program", "replicate", "seed")


@dataclass(frozen=True, eq=False, repr=False)
class Sweep(Result):
    """The result of a sweep.

    Attributes
    ----------
    design
        The points of the sweep.
    place
        int64 (points,): the index of each point's program; points with equal values are run once.
    programs
        Names of the programs.
    records
        Records of the runs, one for each base world.
    measure
        The default measure.
    """

    design: Design
    place: npt.NDArray[np.int64]
    programs: tuple[str, ...]
    records: tuple[Records, ...]
    measure: str = "share"

    @property
    def tables(self) -> Mapping[str, Table]:
        """The tables ``points``, ``sensitivity`` (if it can be computed) and ``runs``."""
        found = {"points": self.points}
        with suppress(InputError):
            found["sensitivity"] = self.sensitivity()
        return found | {"runs": self.runs}

    @cached_property
    def runs(self) -> Table:
        """One row per run: its parameters, replicate, seed, ticks, and each measure."""
        tables = [one.runs for one in self.records]
        found: dict[int, tuple[Any, ...]] = {}
        for number, values in zip(self.place.tolist(), self.design.points, strict=True):
            found.setdefault(number, values)
        of = dict(
            zip(self.programs, [found[number] for number in range(len(self.programs))], strict=True)
        )
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

    @cached_property
    def measures(self) -> tuple[str, ...]:
        """Names of the measures of each run."""
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
        """Return a measure at each point, float64 (replicates with a value,).

        Parameters
        ----------
        measure
            A name of :attr:`measures`, or ``last SERIES``, the last value of a series of
            :data:`~sim.lab.runs.SERIES`; None: that of the sweep.

        Raises
        ------
        UnknownNameError
            For an unknown name.
        """
        name = self._known(measure)
        rows = [
            np.array([row.get(name, np.nan) for row in self._by_program[program]], np.float64)
            for program in self.programs
        ]
        known = [row[~np.isnan(row)] for row in rows]
        return tuple(known[number] for number in self.place.tolist())

    def means(self, measure: str | None = None) -> F64:
        """Return the mean over replicates at each point, float64 (points,); NaN without values."""
        return np.array([v.mean() if v.size else np.nan for v in self.values(measure)], np.float64)

    def _known(self, measure: str | None) -> str:
        name = self.measure if measure is None else measure
        every = dict.fromkeys(n for rows in self._by_program.values() for row in rows for n in row)
        if every and name not in every:
            raise UnknownNameError("measure", name, every)
        return name

    @cached_property
    def points(self) -> Table:
        """One row per point: its parameters, and each measure with its 95 % interval.

        Columns: ``point`` from 0, the parameters, ``replicates``, and for each measure its mean as
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
        return f"{self.design.kind} of {plural(len(self.design), 'point')}, {plural(runs, 'run')}"

    def __repr__(self) -> str:
        return f"Sweep({self._said})"

    def _in_short(self) -> list[Table]:
        found = [self._points((self._known(None),))]
        with suppress(InputError):
            found.append(self.sensitivity())
        return found

    def sensitivity(self, measure: str | None = None) -> Table:
        """Return the sensitivity of a measure to each parameter, with 95 % intervals.

        Columns: ``parameter``, and by the design:

        - ``morris``: ``mu``, ``mu_star`` (mean effect and mean size of the effect of a parameter
          over its whole range), ``mu_star_low``, ``mu_star_high``, ``sigma`` (large if it interacts
          with others, or acts nonlinearly);
        - ``sobol``: ``first`` and ``total`` (shares of the variance), each with ``_low``,
          ``_high``;
        - any other: ``coefficient`` of a rank regression, standardised, with
          ``coefficient_low``, ``coefficient_high``; the caption says how much of the variance of
          ranks it explains.

        Parameters
        ----------
        measure
            A name of :attr:`measures`; None: that of the sweep.

        Raises
        ------
        UnknownNameError, InputError
            For an unknown name; if fewer than two blocks of points have a value.
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
            effects = morris(x, y)
            columns = {
                "mu": effects.mean,
                "mu_star": effects.size,
                "mu_star_low": effects.low,
                "mu_star_high": effects.high,
                "sigma": effects.spread,
            }
            return self._table(columns, f"{name}: Morris, {len(y):,} trajectories{note}")
        if self.design.kind == "sobol":
            return self._of_sobol(name, y, note)
        found = rank_regression(x[:, 0], y[:, 0])
        columns = {
            "coefficient": found.coefficients,
            "coefficient_low": found.low,
            "coefficient_high": found.high,
        }
        is_known = bool(np.isfinite(found.low).any())  # a line through so few points always fits
        share = f"explains {found.explained:.0%} of ranks"
        says = share if is_known else "so few points do not test"
        said = f"{name}: rank regression, which {says}{note}"
        return self._table(columns, said)

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
        """Return the mean of a measure over two parameters, averaged over all others.

        Parameters
        ----------
        x, y
            Parameters; None: the first two.
        measure
            A name of :attr:`measures`; None: that of the sweep.

        Raises
        ------
        InputError, UnknownNameError
            For a sweep of one parameter, or an unknown name.
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
        """Return a measure at the low and at the high end of each parameter.

        The ends are the lowest and highest value of a grid, and the outer fifths of the points of
        any other design. The parameter with the largest difference comes first.

        Parameters
        ----------
        measure
            A name of :attr:`measures`; None: that of the sweep.
        """
        name = self._known(measure)
        return tornado(self.design, name, self.means(name))

    def plot(self, measure: str | None = None, **how: Any) -> Figure:
        """Draw the heat map of two parameters; for any other number of parameters a tornado."""
        return self.picture(measure).plot(**how)

    def picture(self, measure: str | None = None) -> HeatMap | Tornado:
        """Return the heat map if two parameters vary, else the tornado."""
        if len(self.design.names) == 2:
            return self.heat_map(measure=measure)
        return self.tornado(measure)

    def conclusion(self, measure: str | None = None) -> str:
        """Return the parameter that matters most by :meth:`sensitivity`, and what to know about it.

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
        """Return the most important parameter by the design's statistic, and possible equals."""
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
    """Return whether a coefficient is 0 up to rounding, or its interval contains 0."""
    is_zero = abs(row["coefficient"]) < _ROUNDING
    return is_zero or bool(row["coefficient_low"] <= 0.0 <= row["coefficient_high"])
