"""The panes of experiments: their list, maps of parameters, bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.strip import Strip

from sim.arrays import F64
from tui.draw.canvas import Canvas, paired
from tui.draw.panes import PixelPane, StripPane
from tui.draw.table import ColumnTable, Held, ListedRows, TableColumn, texts
from tui.safe_text import line
from tui.text import short

if TYPE_CHECKING:
    from tui.experiment_figures import Bar, Bars, ParameterMap
    from tui.experiments import Experiment


LONGEST = 14
"""Maximum cells of a label beside a row of the map."""
TALLEST = 4
"""Maximum rows of a cell of the map."""
SCALE = 10
"""Colours of the legend."""


class ParameterMapPane(PixelPane):
    """A measure over two parameters: one field per pair of values, coloured by the mean of runs."""

    HELP = (
        "The mean of a measure over two parameters of a sweep, averaged over all others: one "
        "parameter to the right, the other upwards; brighter is higher; ?: no finished run. "
        "Arrows move the cursor, whose values are shown below. v shows the next measure, t the "
        "next chart; `picture heat X Y` selects other parameters."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1, 0)", "Left", id="sweep-left", show=False),
        Binding("right", "move(1, 0)", "Right", id="sweep-right", show=False),
        Binding("up", "move(0, 1)", "Up", id="sweep-up", show=False),
        Binding("down", "move(0, -1)", "Down", id="sweep-down", show=False),
    ]

    def __init__(self, *, id: str = "parameters") -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self._map: ParameterMap | None = None
        self._at = (0, 0)

    def show_map(self, found: ParameterMap | None) -> None:
        """Show another map; the cursor keeps its position if that exists."""
        if found is not self._map:
            self._map = found
            self.changed()

    def action_move(self, right: int, up: int) -> None:
        if self._map is None:
            return
        rows, columns = self._map.means.shape
        x, y = self._here(rows, columns)
        self._at = min(max(x + right, 0), columns - 1), min(max(y + up, 0), rows - 1)
        self.changed()

    def _here(self, rows: int, columns: int) -> tuple[int, int]:
        return min(self._at[0], columns - 1), min(self._at[1], rows - 1)

    def paint(self, width: int, height: int) -> list[Strip]:
        """Draw fields, axes and the value under the cursor."""
        canvas, found = self.canvas(width, height), self._map
        if found is None or not found.means.size:
            self.write_placeholder(canvas)
            return canvas.strips()
        rows, columns = found.means.shape
        self._foot(canvas, found)
        left = min(max(map(cell_len, found.up)), LONGEST, max(0, width - 2 * columns)) + 1
        tall = min(max((height - 3) // rows, 0), TALLEST)
        wide = (width - left) // columns
        if not tall or wide < 1 or height < 4:
            canvas.text(0, 0, "Too many values for this pane; press z to maximize it.",
                        canvas.ink_of(self.tone("muted")), room=width)  # fmt: skip
            return canvas.strips()
        self._fields(canvas, found, left, tall, wide)
        self._axes(canvas, found, left, tall, wide)
        return canvas.strips()

    def _fields(self, canvas: Canvas, found: ParameterMap, left: int, tall: int, wide: int) -> None:
        """Paint the fields, each with its number if there is room."""
        rows, columns = found.means.shape
        shares = _shares(found.means)
        here, muted = self._here(rows, columns), canvas.ink_of(self.tone("muted"))
        cursor = canvas.ink_of(self.tone("cursor"))
        for y in range(rows):
            for x in range(columns):
                top, start = (rows - 1 - y) * tall, left + x * wide
                share, value = float(shares[y, x]), float(found.means[y, x])
                said = "?" if math.isnan(value) else short(value)
                if not math.isnan(value):
                    self._fill(canvas, share, start, top, wide, tall)
                top += (tall - 1) // 2
                if (x, y) == here:
                    canvas.text(start, top, f"{said:^{wide}}"[:wide], cursor)
                elif math.isnan(value):
                    canvas.text(start, top, said, muted, room=wide)
                elif len(said) <= wide:
                    self._number(canvas, share, start + (wide - len(said)) // 2, top, said)

    def _fill(self, canvas: Canvas, share: float, x: int, y: int, wide: int, tall: int) -> None:
        if self.in_glyphs:
            area = (slice(y, y + tall), slice(x, x + wide))
            canvas.chars[area] = self.density(np.array([share]))[0]
            canvas.ink[area] = canvas.ink_of(self.tone("line"))
            return
        pixels = np.broadcast_to(self.shade(np.array(share)), (tall, 2 * wide, 3))
        canvas.side_blocks(x, y, np.ascontiguousarray(pixels))

    def _number(self, canvas: Canvas, share: float, x: int, y: int, said: str) -> None:
        """Write a number over its field, in black or white, whichever is readable."""
        if self.in_glyphs:
            _put(canvas, x, y, said, canvas.ink_of(self.tone("strong")))
            return
        ground = self.shade(np.array(share))
        is_bright = float(ground @ np.array([0.299, 0.587, 0.114])) > 128
        fore = np.full(3, 0 if is_bright else 255, np.uint8)
        _put(canvas, x, y, said, int(paired(fore, ground)))

    def _axes(self, canvas: Canvas, found: ParameterMap, left: int, tall: int, wide: int) -> None:
        """Write the values beside and below the fields, and the name of y."""
        ink, strong = canvas.ink_of(self.tone("muted")), canvas.ink_of(self.tone("text"))
        rows = len(found.up)
        for place, said in enumerate(reversed(found.up)):
            shown = line(said, left - 1)
            canvas.text(left - 1 - cell_len(shown), place * tall + (tall - 1) // 2, shown, ink)
        free = 0
        for place, said in enumerate(found.across):
            at = left + place * wide
            if at >= free:
                free = at + canvas.text(at, rows * tall, said, ink, room=canvas.width - at) + 1
        names = f"{line(found.x, 30)} across, {line(found.y, 30)} upwards"
        canvas.text(left, rows * tall + 1, names, strong, room=canvas.width - left)

    def _foot(self, canvas: Canvas, found: ParameterMap) -> None:
        """Write the value under the cursor, and the scale if there is room."""
        x, y = self._here(*found.means.shape)
        value = float(found.means[y, x])
        said = "no run" if math.isnan(value) else f"{value:.4g}"
        row, inks = canvas.height - 1, [canvas.ink_of(self.tone(n)) for n in ("strong", "text")]
        where = f"{line(found.x, 20)} {found.across[x]}, {line(found.y, 20)} {found.up[y]}"
        used = canvas.text(0, row, f"{line(found.measure, 20)} {said}", inks[0]) + 2
        used += canvas.text(used, row, where, inks[1])
        known = found.means[~np.isnan(found.means)]
        if not known.size:
            return
        ends = short(float(known.min())), short(float(known.max()))
        start = canvas.width - SCALE - sum(map(len, ends)) - 2
        if start < used + 2:
            return
        start += canvas.text(start, row, ends[0], inks[1]) + 1
        for place in range(SCALE):
            self._fill(canvas, place / (SCALE - 1), start + place, row, 1, 1)
        canvas.text(start + SCALE + 1, row, ends[1], inks[1])


def _shares(means: F64) -> F64:
    """Return each value's position between minimum and maximum; the middle if all are equal."""
    known = means[~np.isnan(means)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    return (means - low) / (high - low) if high > low else np.where(np.isnan(means), np.nan, 0.5)


class BarsPane(StripPane):
    """Numbers on one axis, one per row, with their intervals."""

    HELP = (
        "One row each: a bar up to the value, ├ and ┤ at the ends of its 95 % interval, and the "
        "same in numbers. For a sweep: how much the measure depends on each parameter (Sobol or "
        "Morris indices, or rank correlation), and its value at the low and high end of each; for "
        "a study: every condition; for a calibration: every value within its range. Up and down "
        "scroll; t shows the next chart, v the next measure of a sweep."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll(-1)", "Up", id="bars-up", show=False),
        Binding("down", "scroll(1)", "Down", id="bars-down", show=False),
    ]

    def __init__(self, *, id: str = "bars") -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self._bars: Bars | None = None
        self._top = 0

    def show_bars(self, found: Bars | None) -> None:
        """Show other numbers."""
        if found != self._bars:
            self._bars, self._top = found, 0
            self.changed()

    def action_scroll(self, by: int) -> None:
        many = 0 if self._bars is None else len(self._bars.rows)
        self._top = min(max(self._top + by, 0), max(0, many - max(1, self.size.height - 2)))
        self.changed()

    def paint(self, width: int, height: int) -> list[Strip]:
        """Draw the rows, the axis below, and a caption."""
        canvas, found = self.canvas(width, height), self._bars
        if found is None or not found.rows:
            self.write_placeholder(canvas)
            return canvas.strips()
        muted = canvas.ink_of(self.tone("muted"))
        canvas.text(0, height - 1, found.note, muted, room=width)
        room = max(height - 2, 1)
        step = 2 if 2 * len(found.rows) <= room else 1
        shown = found.rows[self._top : self._top + room // step]
        left = min(max(cell_len(row.label) for row in shown), max(6, width // 4)) + 1
        right = min(max(cell_len(row.said) for row in shown), max(8, width // 2)) + 1
        axis = _Axis(found, left, max(4, width - left - right))
        for place, row in enumerate(shown):
            self._row(canvas, place * step, row, axis, left, right)
        if height >= 3:
            self._ruler(canvas, min(len(shown) * step, height - 2), axis, muted)
        return canvas.strips()

    def _row(self, canvas: Canvas, y: int, row: Bar, axis: _Axis, left: int, right: int) -> None:
        text, ink = canvas.ink_of(self.tone("text")), canvas.ink_of(self.tone("line"))
        faint, strong = canvas.ink_of(self.tone("axis")), canvas.ink_of(self.tone("strong"))
        is_plain = self.symbols == "ascii"
        canvas.text(0, y, row.label, strong, room=left - 1)
        canvas.text(axis.x + axis.cells + 1, y, row.said, text, room=right - 1)
        if not math.isnan(axis.middle):
            _put(canvas, axis.at(axis.middle), y, "|" if is_plain else "│", faint)
        if not math.isnan(row.start) and not math.isnan(row.value):
            first, last = sorted((axis.at(row.start), axis.at(row.value)))
            _put(canvas, first, y, ("=" if is_plain else "█") * (last - first + 1), ink)
        if not math.isnan(row.low):
            first, last = axis.at(row.low), axis.at(row.high)
            for at in range(first + 1, last):
                if canvas.chars[y, at] in " |│":
                    _put(canvas, at, y, "-" if is_plain else "─", strong)
            _put(canvas, first, y, "[" if is_plain else "├", strong)
            _put(canvas, last, y, "]" if is_plain else "┤", strong)
        if math.isnan(row.start) and not math.isnan(row.value):
            _put(canvas, axis.at(row.value), y, "o" if is_plain else "●", strong)

    @staticmethod
    def _ruler(canvas: Canvas, y: int, axis: _Axis, ink: int) -> None:
        """Write the ends of the axis below, and 0 if it lies between them."""
        ends = short(axis.low), short(axis.high)
        canvas.text(axis.x, y, ends[0], ink)
        canvas.text(axis.x + axis.cells - len(ends[1]), y, ends[1], ink)
        zero = axis.at(0.0) if axis.low < 0 < axis.high else -1
        if axis.x + len(ends[0]) < zero < axis.x + axis.cells - len(ends[1]) - 1:
            canvas.text(zero, y, "0", ink)


def _put(canvas: Canvas, x: int, y: int, glyphs: str, ink: int) -> None:
    """Write one-cell glyphs over existing content."""
    end = min(x + len(glyphs), canvas.width)
    if y < canvas.height and x < end:
        canvas.chars[y, x:end] = list(glyphs[: end - x])
        canvas.ink[y, x:end] = ink


class _Axis:
    """The cells of a row, and the numbers that they represent."""

    def __init__(self, found: Bars, x: int, cells: int) -> None:
        every = [n for row in found.rows for n in (row.value, row.low, row.high, row.start)]
        known = [n for n in (*every, found.middle, *found.span) if not math.isnan(n)] or [0.0]
        self.x, self.cells, self.low, self.high = x, cells, min(known), max(known)
        self.middle = found.middle
        if math.isnan(self.middle) and self.low < 0 < self.high:
            self.middle = 0.0

    def at(self, value: float) -> int:
        """Return the cell of a number."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return self.x + round(share * (self.cells - 1))


_COLUMNS = (
    TableColumn("no.", 4, numeric=True, rank=0, descending=True),
    TableColumn("runs", 7, numeric=True, least=5, rank=1, descending=True),
    TableColumn("from tick", 9, numeric=True, rank=3),
    TableColumn("state", 26, least=16, rank=1),
    TableColumn("what", 80, least=16, rank=2),
)


def experiment_rows(experiments: Sequence[Experiment]) -> ListedRows:
    """Return experiments as rows, the newest first."""
    newest = experiments[::-1]
    numbers = np.array([(each.number, each.total, each.tick) for each in newest]).reshape(-1, 3)
    values = [
        *(Held(column) for column in numbers.T),
        texts(each.how_far for each in newest),
        texts(line(each.problem or each.plan.title, 200) for each in newest),
    ]
    return ListedRows(_COLUMNS, values, len(newest))


class ExperimentTable(ColumnTable):
    """The experiments of this session and their progress."""

    HELP = (
        "The experiments of this session, newest first: number of runs, starting tick, progress, "
        "and message. " + ColumnTable.HELP
    )

    def __init__(self, *, id: str) -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self.placeholder = (
            "No experiment yet; type :study, :sweep or :calibrate for those of files."
        )
        self._experiments: tuple[Experiment, ...] = ()

    def list_experiments(self, experiments: Sequence[Experiment]) -> None:
        """Show experiments; the cursor moves to a new one, and otherwise stays."""
        rows = experiment_rows(experiments)
        chosen, is_new = self.chosen, len(experiments) > len(self._experiments)
        self._experiments = tuple(experiments)
        self.fill(rows)
        self.select(0 if is_new or chosen is None else len(rows) - chosen.number)

    @property
    def chosen(self) -> Experiment | None:
        """The experiment under the cursor."""
        if not self._experiments:
            return None
        return self._experiments[-1 - min(self.selected, len(self._experiments) - 1)]
