"""The panes of experiments: fans, differences, maps of parameters, bars, and their list."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from rich.cells import cell_len
from rich.color import Color
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.reactive import reactive

from sim import lab
from sim.arrays import F64
from tui.draw.canvas import RGB, Canvas, View, envelope, nice_ceiling, trace
from tui.draw.community_map import contrasting
from tui.draw.curves import Labels, LegendEntry, Line, TickPane, labels_of, share_label
from tui.draw.panes import PixelPane, StripPane
from tui.draw.table import ColumnTable, Held, ListedRows, TableColumn, texts
from tui.safe_text import line
from tui.text import count, percent, short
from tui.theme import CurveStyle, series

if TYPE_CHECKING:
    from sim.lab import AxisBar, Bars, HeatMap, Outcome
    from tui.experiments import Experiment

SOLID = 0xFF
OF_AGENTS = "agents"

Band = tuple[F64, F64, int]
"""The area between two curves, and its depth, 0: the outer one; 1: the inner one, over it."""


class BandPane(TickPane):
    """A chart with curves of dots over bands of colour, or of glyphs if colours are few."""

    _outcome: Outcome | None = None
    _live: F64 = np.zeros(0)

    def show_outcome(self, outcome: Outcome | None, live: F64 = _live) -> None:
        """Show the outcome of an experiment, and the course of the world itself since then."""
        if outcome is self._outcome and np.array_equal(live, self._live):
            return
        self._outcome, self._live = outcome, live
        levels = None if outcome is None else self.levels_of(outcome)
        self._ticks = 0 if levels is None else levels.shape[1]
        self._first = 0 if outcome is None else outcome.tick
        self.changed()

    def levels_of(self, outcome: Outcome) -> F64 | None:
        """Return the curves around the line in the middle, (levels, ticks)."""
        return next(iter(outcome.arms.values()), None)

    def _colour(self, depth: int) -> RGB:
        """Return the colour of a band: the line's colour mixed with the background."""
        share, tone = (0.2, 0.42)[depth], self.tone("line").color or Color.parse("#56b4e9")
        mixed = share * np.array(tone.get_truecolor()) + (1 - share) * np.array(self.ground)
        red, green, blue = np.rint(mixed).astype(int).tolist()
        return red, green, blue

    def _swatch(self, depth: int) -> tuple[str, str | Style]:
        """Return marker and style of a band in the legend, and of its cells if colours are few."""
        if self.in_glyphs:
            return (".:" if self.symbols == "ascii" else "░▒")[depth], "muted"
        return " ", Style(bgcolor=Color.from_rgb(*self._colour(depth)))

    def draw_bands(
        self, canvas: Canvas, rows: int, view: View, labels: Labels, lines: Sequence[Line],
        bands: Sequence[Band],
    ) -> None:  # fmt: skip
        self.draw_lines(canvas, rows, view, labels, lines)
        plot = self._plot
        assert plot is not None  # noqa: S101 - the curves are drawn already
        plane = np.full((2 * rows, plot.columns), -1, np.int8)
        for low, high, depth in bands:
            ends = [envelope(each, view.start, view.stop, plot.columns) for each in (low, high)]
            plane[trace(ends[0][0], ends[1][1], view, 2 * rows)] = depth
        area = (slice(0, rows), slice(plot.x, plot.x + plot.columns))
        chars, ink = canvas.chars[area], canvas.ink[area]
        if self.in_glyphs:
            both = np.maximum(plane[::2], plane[1::2])
            for depth in (0, 1):
                cells = (chars == " ") & (both == depth)
                chars[cells], ink[cells] = self._swatch(depth)[0], canvas.ink_of("muted")
            return
        drawn, before = chars != " ", (chars.copy(), ink.copy())
        pixels = np.array([self._colour(0), self._colour(1), self.ground], np.uint8)[plane]
        canvas.blocks(plot.x, 0, pixels, "▀", self.ground)
        chars[drawn], ink[drawn] = before[0][drawn], before[1][drawn]
        # What a curve crosses is visible beside its dots.
        canvas.put_behind(area, pixels[::2], drawn & (plane[::2] >= 0))


class FanPane(BandPane):
    """The median over replicates with the bands of 50 % and 95 %, and the live run on top."""

    HELP = (
        "The replicates, tick by tick: their median (m), the inner band with half of them and the "
        "outer band with 95 %; a run that died out keeps its last value. x is the world on the "
        "screen: a single run. In a comparison: the median of each condition, and the bands of "
        "the first. Left and right move the crosshair, v shows the next series."
    )

    def draw_on(self, canvas: Canvas) -> None:
        outcome = self._outcome
        if outcome is None:
            return
        looks = self._looks(outcome)
        rows = self.write_legend(canvas, self._entries(outcome, looks))
        if not rows:
            return
        levels = next(iter(outcome.arms.values()))
        curves = [each[2] for each in outcome.arms.values()]
        bands = [(levels[0], levels[4], 0), (levels[1], levels[3], 1)]
        view = self._view(outcome, [*curves, levels[4], levels[3]])
        agents, width = outcome.agents if outcome.unit == OF_AGENTS else 0, canvas.width

        def write(value: float) -> str:
            return share_label(value / agents, agents, width) if agents else short(value)

        labels = labels_of(rows, view, write)
        curves.append(self._live[: int(view.stop) + 1])
        lines = [
            Line(each, look, self.tone_of(look), 3 + at * (26 // len(looks)))
            for at, (each, look) in enumerate(zip(curves, looks, strict=True))
        ]
        self.draw_bands(canvas, rows, view, labels, [*lines[-2::-1], lines[-1]], bands)

    def _looks(self, outcome: Outcome) -> list[CurveStyle]:
        known = series(len(outcome.arms) + 1, dark=self.dark)
        markers = "m" if len(outcome.arms) == 1 else "abcdefghij"
        arms = [
            CurveStyle(look.colour, markers[at % len(markers)], SOLID if at == 0 else look.dash)
            for at, look in enumerate(known[:-1])
        ]
        strong = self.tone("strong").color or Color.parse(known[-1].colour)
        return [*arms, CurveStyle(strong.get_truecolor().hex, "x", SOLID)]

    def _view(self, outcome: Outcome, shown: Sequence[F64]) -> View:
        start, stop = self._window()
        known = np.concatenate([*shown, self._live[: int(stop) + 1]])
        most, least = (float(np.fmax.reduce(each, initial=0.0)) for each in (known, -known))
        if outcome.unit == OF_AGENTS and outcome.agents:
            share = nice_ceiling(most / outcome.agents)
            return View(start, stop, 0.0, (min(1.0, share) if most <= outcome.agents else share)
                        * outcome.agents)  # fmt: skip
        bottom = -nice_ceiling(least) if least > 0 else 0.0
        return View(start, stop, bottom, nice_ceiling(most) if most > 0 else bottom + 1.0)

    def _entries(self, outcome: Outcome, looks: Sequence[CurveStyle]) -> list[LegendEntry]:
        row, found = self._row(), []
        for (arm, levels), look in zip(outcome.arms.items(), looks, strict=False):
            name, said = line(arm, 40) or "median", _said(outcome, levels[2], row)
            found.append(LegendEntry(look.marker, self.tone_of(look), name, *said))
        for depth, label, low, high in ((1, "50 %", 1, 3), (0, "95 %", 0, 4)):
            levels = next(iter(outcome.arms.values()))
            if np.isnan(levels[low]).all():  # no bands are known: only a course
                continue
            ends = [_said(outcome, levels[at], row)[0] for at in (low, high)]
            found.append(LegendEntry(*self._swatch(depth), label, "-".join(ends)))
        if row < self._live.size or (self._live.size and self._cursor is None):
            said = _said(outcome, self._live, min(row, self._live.size - 1))
            tone = self.tone_of(looks[-1])
            found.append(LegendEntry(looks[-1].marker, tone, "this run", *said))
        return found


def _said(outcome: Outcome, values: F64, row: int) -> tuple[str, str]:
    value = float(values[row]) if row < values.size else float("nan")
    if np.isnan(value):
        return "-", "-"
    if outcome.unit == OF_AGENTS and outcome.agents:
        return percent(value / outcome.agents), count(value)
    return short(value), short(value)


class DifferencePane(BandPane):
    """The mean difference between two futures with its 95 % interval, tick by tick."""

    HELP = (
        "The second condition minus the first, paired by replicate with the same random draws: the "
        "mean (d) with its pointwise 95 % interval (t); where the interval includes zero, there is "
        "no significant difference. Left and right move the crosshair."
    )

    def levels_of(self, outcome: Outcome) -> F64 | None:
        return None if outcome.difference is None else outcome.difference.levels

    def draw_on(self, canvas: Canvas) -> None:
        levels = None if self._outcome is None else self.levels_of(self._outcome)
        if levels is None:
            return
        low, mean, high = levels
        look = CurveStyle(series(2, dark=self.dark)[1].colour, "d", SOLID)
        at = [short(each) if each == each else "-" for each in levels[:, self._row()].tolist()]
        entries = [LegendEntry("d", self.tone_of(look), "mean", at[1]),
                   LegendEntry(*self._swatch(0), "95 %", f"{at[0]} to {at[2]}")]  # fmt: skip
        rows = self.write_legend(canvas, entries)
        if rows:
            top = nice_ceiling(float(np.nanmax(np.abs(levels), initial=0.0)))
            view = View(*self._window(), -top, top)
            zero = CurveStyle(look.colour, "-", 0b00010001)
            lines = [Line(np.zeros(int(view.stop) + 1), zero, "muted"),
                     Line(mean, look, self.tone_of(look), 3)]  # fmt: skip
            labels = labels_of(rows, view, short)
            self.draw_bands(canvas, rows, view, labels, lines, [(low, high, 0)])


LONGEST = 14
"""Maximum cells of a label beside a row of the map."""
TALLEST = 4
"""Maximum rows of a cell of the map."""


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
    _map: HeatMap | None = None
    _at = (0, 0)

    def show_map(self, found: HeatMap) -> None:
        """Show another map; the cursor keeps its position if that exists."""
        if found is not self._map:
            self._map = found
            self.action_move(0, 0)

    def action_move(self, right: int, up: int) -> None:
        if self._map is not None:
            rows, columns = self._map.means.shape
            x, y = self._at[0] + right, self._at[1] + up
            self._at = min(max(x, 0), columns - 1), min(max(y, 0), rows - 1)
            self.changed()

    def draw_on(self, canvas: Canvas) -> None:
        width, height, found = canvas.width, canvas.height, self._map
        if found is None or not found.means.size:
            return
        means, (rows, columns) = found.means, found.means.shape
        self._foot(canvas, found)
        up = [lab.parameter(each) for each in found.up]
        left = min(max(map(cell_len, up)), LONGEST, max(0, width - 2 * columns)) + 1
        tall, wide = min(max((height - 3) // rows, 0), TALLEST), (width - left) // columns
        if not tall or wide < 1 or height < 4:
            said = "Too many values for this pane; press z to maximize it."
            canvas.text(0, 0, said, "muted", room=width)
            return
        low, high = (each.reduce(means, axis=None) for each in (np.fmin, np.fmax))
        shares = (means - low) / (high - low) if high > low else 0.5 + 0 * means
        self.paint_shares(canvas, left, 0, shares[::-1].repeat(tall, 0).repeat(2 * wide, 1))
        for (y, x), value in np.ndenumerate(means):
            at, middle = left + x * wide, (rows - 1 - y) * tall + (tall - 1) // 2
            said = "?" if math.isnan(value) else short(float(value))
            if (x, y) == self._at:
                canvas.text(at, middle, f"{said:^{wide}}"[:wide], "cursor")
            elif math.isnan(value):
                canvas.text(at, middle, said, "muted")
            elif len(said) <= wide:
                on = "strong" if self.in_glyphs else contrasting(self.shade(shares[y, x]))
                canvas.text(at + (wide - len(said)) // 2, middle, said, on)
        for y, label in enumerate(line(each, left - 1) for each in up):
            middle = (rows - 1 - y) * tall + (tall - 1) // 2
            canvas.text(left - 1 - cell_len(label), middle, label, "muted")
        free = 0
        for place, said in enumerate(map(lab.parameter, found.across)):
            at = left + place * wide
            if at >= free:
                free = at + canvas.text(at, rows * tall, said, "muted") + 1
        names = f"{line(found.x, 30)} across, {line(found.y, 30)} upwards"
        canvas.text(left, rows * tall + 1, names, "text")

    def _foot(self, canvas: Canvas, found: HeatMap) -> None:
        """Write the scale, and the value under the cursor."""
        x, y = self._at
        value, known = float(found.means[y, x]), found.means[~np.isnan(found.means)]
        said = "no run" if math.isnan(value) else f"{value:.4g}"
        here = lab.parameter(found.across[x]), lab.parameter(found.up[y])
        where = f"{line(found.x, 20)} {here[0]}, {line(found.y, 20)} {here[1]}"
        ends = (short(float(known.min())), short(float(known.max()))) if known.size else ("", "")
        self.write_foot(canvas, ends, f"{line(found.measure, 20)} {said}", where)


class BarsPane(StripPane):
    """Numbers on one axis, one per row, with their intervals."""

    HELP = (
        "One row each: a bar up to the value, ├ and ┤ at the ends of its 95 % interval, and the "
        "same in numbers. For a sweep: how much the measure depends on each parameter (Sobol or "
        "Morris indices, or rank correlation), and its value at the low and high end of each; for "
        "a comparison or a study: every condition; for a calibration: every value within its "
        "range. Up and down scroll; t shows the next chart, v the next measure of a sweep."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll(-1)", "Up", id="bars-up", show=False),
        Binding("down", "scroll(1)", "Down", id="bars-down", show=False),
    ]
    _bars: Bars | None = None
    _top = 0

    def show_bars(self, found: Bars) -> None:
        if found != self._bars:
            self._bars, self._top = found, 0
            self.changed()

    def action_scroll(self, by: int) -> None:
        many = 0 if self._bars is None else len(self._bars.rows)
        self._top = min(max(self._top + by, 0), max(0, many - max(1, self.size.height - 2)))
        self.changed()

    def draw_on(self, canvas: Canvas) -> None:
        width, height, found = canvas.width, canvas.height, self._bars
        if found is None or not found.rows:
            return
        canvas.text(0, height - 1, found.note, "muted")
        room = max(height - 2, 1)
        step = 2 if 2 * len(found.rows) <= room else 1
        shown = found.rows[self._top : self._top + room // step]
        left = min(max(cell_len(row.label) for row in shown), max(6, width // 4)) + 1
        right = min(max(cell_len(row.said) for row in shown), max(8, width // 2)) + 1
        axis = _Axis(found, left, max(4, width - left - right))
        for y, row in zip(range(0, height, step), shown, strict=False):
            canvas.text(0, y, row.label, "strong", room=left - 1)
            canvas.text(left + axis.cells + 1, y, row.said, "text", room=right - 1)
            self._mark(canvas, y, row, axis)
        if height >= 3:
            ends, below = (short(axis.low), short(axis.high)), min(len(shown) * step, height - 2)
            canvas.text(left, below, ends[0], "muted")
            canvas.text(left + axis.cells - len(ends[1]), below, ends[1], "muted")
            zero = axis.at(0.0) if axis.low < 0 < axis.high else -1
            if left + len(ends[0]) < zero < left + axis.cells - len(ends[1]) - 1:
                canvas.text(zero, below, "0", "muted")

    def _mark(self, canvas: Canvas, y: int, row: AxisBar, axis: _Axis) -> None:
        """Draw a bar or a mark, with its interval over it."""
        middle, bar, dash, low, high, mark = "|=-[]o" if self.symbols == "ascii" else "│█─├┤●"
        if not math.isnan(axis.middle):
            canvas.text(axis.at(axis.middle), y, middle, "axis")
        if not math.isnan(row.start) and not math.isnan(row.value):
            first, last = sorted((axis.at(row.start), axis.at(row.value)))
            canvas.text(first, y, bar * (last - first + 1), "line")
        if not math.isnan(row.low):
            first, last = axis.at(row.low), axis.at(row.high)
            for at in range(first + 1, min(last, canvas.width)):
                if canvas.chars[y, at] in " |│":
                    canvas.text(at, y, dash, "strong")
            canvas.text(first, y, low, "strong")
            canvas.text(last, y, high, "strong")
        if math.isnan(row.start) and not math.isnan(row.value):
            canvas.text(axis.at(row.value), y, mark, "strong")


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
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return self.x + round(share * (self.cells - 1))


_COLUMNS = (
    TableColumn("no.", 4, numeric=True, rank=0, descending=True),
    TableColumn("runs", 7, numeric=True, least=5, rank=1, descending=True),
    TableColumn("from tick", 9, numeric=True, rank=3),
    TableColumn("state", 26, least=16, rank=1),
    TableColumn("what", 80, least=16, rank=2),
)


class ExperimentTable(ColumnTable):
    """The experiments of this session and their progress."""

    HELP = (
        "The experiments of this session, newest first: number of runs, starting tick, progress, "
        "and message. " + ColumnTable.HELP
    )

    placeholder = reactive("No experiment yet; :study, :sweep and :calibrate run those of files.")
    _experiments: tuple[Experiment, ...] = ()
    _told: Sequence[tuple[object, ...]] = ()

    def list_experiments(self, experiments: Sequence[Experiment]) -> None:
        """Show experiments; the cursor moves to a new one, and otherwise stays."""
        told = [(each, each.total, each.tick, each.how_far, each.problem) for each in experiments]
        if told == self._told:
            return
        self._told = told
        newest = experiments[::-1]
        numbers = np.array([(each.number, each.total, each.tick) for each in newest]).reshape(-1, 3)
        values = [
            *(Held(column) for column in numbers.T),
            texts(each.how_far for each in newest),
            texts(line(each.problem or each.plan.title, 200) for each in newest),
        ]
        chosen, is_new = self.chosen, len(experiments) > len(self._experiments)
        self._experiments = tuple(experiments)
        self.fill(ListedRows(_COLUMNS, values, len(newest)))
        self.select(0 if is_new or chosen is None else len(newest) - chosen.number)

    @property
    def chosen(self) -> Experiment | None:
        if not self._experiments:
            return None
        return self._experiments[-1 - min(self.selected, len(self._experiments) - 1)]
