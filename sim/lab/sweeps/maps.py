"""Pictures of a sweep: a heat map over two parameters, and a tornado over all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.arrays import F64
from sim.core.text import one_line, width
from sim.lab.sweeps.designs import Design
from sim.lab.tables import Result, Table, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Group


_BLOCKS = " ░▒▓█"
"""From the lowest to the highest value: a fifth of the span each."""
_BINS = 8
"""Parts of a range that points which were drawn are sorted into."""
_OUTER = 0.2
_WIDE, _BAR, _NAME = 79, 12, 24


@dataclass(frozen=True, eq=False, repr=False)
class HeatMap(Result):
    """A measure over two parameters.

    Attributes
    ----------
    x, y, measure
        Names.
    across, up
        Values of x and y, rising; where points were drawn, the middles of parts of their ranges.
    means
        float64 (up, across); NaN where no point lies, or none has a number.
    """

    x: str
    y: str
    measure: str
    across: tuple[Any, ...]
    up: tuple[Any, ...]
    means: F64

    @property
    def tables(self) -> Mapping[str, Table]:
        """One row a cell: x, y, and the mean of the measure."""
        columns = {
            self.x: [value for _ in self.up for value in self.across],
            self.y: [value for value in self.up for _ in self.across],
            self.measure: self.means.reshape(-1),
        }
        return {"heat_map": Table(columns, caption=f"{self.measure} by {self.x} and {self.y}")}

    def __str__(self) -> str:
        """Return it as lines of text: y upwards, x to the right, one block a fifth of the span."""
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
        from rich.console import Group
        from rich.text import Text

        return Group(Text(str(self)))

    def plot(self, **_: Any) -> Figure:
        """Draw it; brighter is more."""
        from sim.core.data_frames import label, new_figure

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
    """Return the values of a parameter, and at which of them each point is."""
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
    """A measure at the two ends of each parameter.

    Attributes
    ----------
    measure
        Its name.
    middle
        Its mean over all points.
    ends
        ``parameter``, ``low_value``, ``high_value``, ``low``, ``high``, ``difference``; the
        largest difference first.
    """

    measure: str
    middle: float
    ends: Table

    @property
    def tables(self) -> Mapping[str, Table]:
        """The table ``tornado``: what the measure is at the ends."""
        return {"tornado": self.ends}

    def __str__(self) -> str:
        """Return it as lines of text: a bar a parameter, between what its ends make."""
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
        from rich.console import Group
        from rich.text import Text

        return Group(Text(str(self)))

    def plot(self, **_: Any) -> Figure:
        """Draw it: a bar a parameter, the largest difference on top."""
        from sim.core.data_frames import label, new_figure

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
