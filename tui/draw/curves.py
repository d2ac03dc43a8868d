"""Charts over ticks with axes and legends, and the curves of a message."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from rich.cells import cell_len
from rich.color import Color
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.reactive import reactive

from sim import Theory
from sim.arrays import F64, I64
from sim.runtime import Frame
from tui.draw.canvas import (
    BRAILLE,
    QUADRANTS,
    Canvas,
    View,
    envelope,
    nice_ceiling,
    nice_ticks,
    pack,
    trace,
)
from tui.draw.panes import FAR, StripPane, Symbols
from tui.safe_text import line
from tui.text import count, percent, short
from tui.theme import CurveStyle, styles

SHORTEST = 10
"""Minimum ticks on the time axis."""
TIGHTEST = 8
"""Ticks shown at the maximum zoom."""
SPARSE = 0b10001000
"""Dots of a predicted curve, or of one that was left, that are drawn: every fourth."""
OFF_SCALE_BELOW = 0.2
"""While all other states are below this share, the first state is left off the scale."""

MARKER_EVERY = 26
"""Columns between two marker letters on a curve."""

Labels = Sequence[tuple[int, str]]
"""(row, text) of the value axis, from the top down."""


@dataclass(frozen=True, slots=True)
class Plot:
    """The position of the curves on the canvas, in cells, and their view."""

    x: int  # first column of the curves; the axis is left of it. 0: there is no axis
    rows: int  # of the curves
    columns: int
    view: View  # ticks and values shown

    def column(self, tick: float) -> int:
        """Return the column of a tick, counted from the edge of the canvas."""
        share = (tick - self.view.start) / (self.view.stop - self.view.start)
        return self.x + round(share * (self.columns - 1))

    def visible(self, tick: int) -> int | None:
        """Return the column of a tick, counted from the axis; None: it is not shown."""
        shown = self.view.start <= tick <= self.view.stop
        return self.column(tick) - self.x if shown else None

    def tick(self, column: int) -> int:
        share = (column - self.x) / max(1, self.columns - 1)
        return round(self.view.start + share * (self.view.stop - self.view.start))


def labels_of(rows: int, view: View, write: Callable[[float], str], step: float = 0) -> Labels:
    """Label a value axis in steps from the bottom of the view to its top."""
    step = step or (view.top - view.bottom) / (4 if rows >= 13 else 2)
    known = {}
    for value in np.arange(view.bottom, view.top + step / 1e6, step).tolist():
        at = (value - view.bottom) / (view.top - view.bottom)
        known[rows - 1 - round(at * (rows - 1))] = write(value)
    return sorted(known.items())


def share_label(share: float, agents: int, width: int) -> str:
    """Return a share as a percentage, and as a number if the chart is wide."""
    text = f"{100 * share:.3g}%"
    return f"{text:>5} {short(round(share * agents)):>5}" if width >= 60 else text


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One curve of a chart; `lead` is the column of its first letter."""

    values: F64
    look: CurveStyle
    tone: Style | str
    lead: int | None = None


class Pen:
    """Draws one plot."""

    def __init__(self, canvas: Canvas, plot: Plot, symbols: Symbols) -> None:
        self._canvas, self._plot = canvas, plot
        self._letters = symbols == "ascii"
        self._down, self._across = {"braille": (4, 2), "block": (2, 2), "ascii": (1, 1)}[symbols]
        self._size = (plot.rows * self._down, plot.columns * self._across)
        self._packed = np.zeros((plot.rows, plot.columns), dtype=np.uint8)
        self._markers: dict[tuple[int, int], tuple[str, int]] = {}
        area = (slice(0, plot.rows), slice(plot.x, plot.x + plot.columns))
        self._chars, self._ink = canvas.chars[area], canvas.ink[area]

    def axes(self, labels: Labels, first_tick: int) -> None:
        """Draw the value axis, and the ticks in the row below the curves if there is one."""
        canvas, plot, x = self._canvas, self._plot, self._plot.x - 1
        if plot.x:
            canvas.chars[: plot.rows, x] = "|" if self._letters else "│"
            canvas.ink[: plot.rows, x] = canvas.ink_of("axis")
            for row, label in labels:
                canvas.text(0, row, label.rjust(x), "muted")
                canvas.chars[row, x] = "+" if self._letters else "┤"
        if plot.rows < canvas.height - 1:
            write_ticks(canvas, plot, first_tick)

    def curve(self, drawn: Line) -> None:
        """Draw a curve over the previous ones."""
        view, look, ink = self._plot.view, drawn.look, self._canvas.ink_of(drawn.tone)
        rows, columns = self._size
        low, high = envelope(drawn.values, view.start, view.stop, columns)
        dots = trace(low, high, view, rows, 0xFF if self._letters else look.dash)
        packed = dots.view(np.uint8) if self._letters else pack(dots, self._down)
        self._ink[packed > 0] = ink
        if self._letters:
            self._chars[packed > 0] = look.marker
            return
        self._packed |= packed
        if drawn.lead is not None:
            self._mark((low + high)[:: self._across] / 2, (look.marker, ink), drawn.lead)

    def _mark(self, heights: F64, marker: tuple[str, int], lead: int) -> None:
        """Put letters on a curve, the last one at its end, but none over another curve's."""
        view, there = self._plot.view, np.flatnonzero(~np.isnan(heights))
        end = int(there[-1]) if len(there) else -1
        scale = (self._size[0] - 1) / (view.top - view.bottom)
        for column in (*range(lead, end - 2, MARKER_EVERY), end):
            if view.bottom <= heights[column] <= view.top:
                row = round((view.top - heights[column]) * scale) // self._down
                self._markers.setdefault((row, column), marker)

    def finish(self) -> None:
        if not self._letters:
            self._chars[:] = (BRAILLE if self._down == 4 else QUADRANTS)[self._packed]
        for place, (letter, ink) in self._markers.items():
            self._chars[place], self._ink[place] = letter, ink

    def upright(self, tick: int, *, dotted: bool = False) -> None:
        """Draw a line at a tick behind the curves."""
        if (column := self._plot.visible(tick)) is not None:
            free = self._chars[:, column] == " "
            self._chars[free, column] = ("|:" if self._letters else "│┊")[dotted]
            self._ink[free, column] = self._canvas.ink_of("muted" if dotted else "line")

    def brighten(self, tick: int) -> None:
        """Let the curves stand out at a tick: the newest one."""
        if (column := self._plot.visible(tick)) is not None:
            drawn = self._chars[:, column] != " "
            drawn[[row for row, at in self._markers if at == column]] = False
            self._ink[drawn, column] = self._canvas.ink_of("strong")


def write_ticks(canvas: Canvas, plot: Plot, first_tick: int, mark: int = -9) -> None:
    """Write round ticks, and the last one, in the row below the curves; `mark`: a column."""
    first, last = first_tick + round(plot.view.start), first_tick + round(plot.view.stop)
    free = canvas.width - len(count(last))
    if free < plot.x:
        return
    if mark >= 0:
        canvas.text(mark, plot.rows, "^", "good")
    taken = plot.x
    ticks = nice_ticks(first, last, max(1, plot.columns // 12))
    labels = [(plot.column(tick - first_tick), count(tick)) for tick in ticks]
    labels = [(x, label) for x, label in labels if x + len(label) < free]
    for x, label in (*labels, (free, count(last))):
        if taken <= x and not x - 1 <= mark <= x + len(label):
            canvas.text(x, plot.rows, label, "muted")
            taken = x + len(label) + 1


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """One curve in the legend."""

    marker: str  # its letter and colour
    tone: Style | str
    name: str  # what it shows, and its value in percent and in full
    share: str
    amount: str = ""
    off: bool = False  # whether it is above the scale

    def text(self, names: int, *, amount: bool) -> str:
        """Return name and value with at most `names` cells for the name."""
        parts = [line(self.name, names), self.share]
        if amount and self.amount:
            parts.append(f"({self.amount})")
        note = (" off scale" if amount else " ^") if self.off else ""
        return " ".join(part for part in parts if part) + note


def write_legend(canvas: Canvas, heading: str, entries: Sequence[LegendEntry]) -> int:
    """Write the legend at the foot of a canvas, in the longest form that fits."""
    most = 3 if canvas.height >= 14 else 2 if canvas.height >= 8 else 1
    every = len(entries)
    forms = [(rows, 40, True, every) for rows in range(1, min(2, most) + 1)]
    forms += [(rows, names, False, every) for names in (40, 12, 5) for rows in range(1, most + 1)]
    forms += [(most, 0, False, kept) for kept in (*range(every, 0, -1), every)]
    for rows, names, amount, kept in forms:
        items = [(each.marker, each.tone, each.text(names, amount=amount)) for each in entries]
        items[kept:] = [("", "text", f"{every - kept} more")] * (kept < every)
        lines = _wrap([("", "strong", heading), *items], canvas.width)
        if len(lines) <= rows:
            break
    for y, items in enumerate(lines[:rows], start=canvas.height - min(rows, len(lines))):
        x = 0
        for marker, tone, text in items:
            x += canvas.text(x, y, marker, tone) + 1 if marker else 0
            x += canvas.text(x, y, text, "text" if marker else tone) + 2
    return min(rows, len(lines))


LegendItem = tuple[str, Style | str, str]


def _wrap(items: Sequence[LegendItem], room: int) -> list[list[LegendItem]]:
    """Break items into rows of at most `room` cells, two cells between items."""
    rows: list[list[LegendItem]] = []
    used = room + 1
    for item in items:
        width = cell_len(item[2]) + (2 if item[0] else 0)
        if used + 2 + width > room:
            rows.append([])
            used = -2
        rows[-1].append(item)
        used += 2 + width
    return rows


class TickPane(StripPane):
    """A chart over ticks, with a crosshair that reads values, and zoom in time."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "point(-1)", "Crosshair left", id="chart-left", show=False),
        Binding("right", "point(1)", "Crosshair right", id="chart-right", show=False),
        Binding("shift+left", "point(-10)", "Far left", id="chart-far-left", show=False),
        Binding("shift+right", "point(10)", "Far right", id="chart-far-right", show=False),
        Binding("home", f"point({-FAR})", "First tick", id="chart-first", show=False),
        Binding("end", f"point({FAR})", "Follow the newest tick", id="chart-newest", show=False),
        Binding("left_parenthesis", "zoom(2.0)", "Zoom out", id="chart-out", show=False),
        Binding("right_parenthesis", "zoom(0.5)", "Zoom in", id="chart-in", show=False),
    ]

    _ticks = _first = 0
    _cursor: int | None = None
    _span: float | None = None
    _start = 0.0
    _plot: Plot | None = None

    # -- keys and mouse -----------------------------------------------------------------------

    def action_point(self, steps: int) -> None:
        last = self._ticks - 1
        if last < 0:
            return
        columns = self._plot.columns if self._plot else last + 1
        start, stop = self._window()
        stride = max(1, round((stop - start) / max(1, columns - 1)))
        here = last if self._cursor is None else self._cursor
        there = max(0, here + steps * stride)
        self.pick(None if there >= last and steps > 0 else min(there, last))

    def action_zoom(self, factor: float) -> None:
        start, stop = self._window()
        last = max(self._ticks - 1, SHORTEST)
        span = max(float(min(TIGHTEST, last)), (stop - start) * factor)
        self._span = None if span >= last else span
        if self._cursor is not None:
            share = (self._cursor - start) / (stop - start)
            self._start = self._cursor - share * span
        self.changed()

    def item_at(self, x: int, y: int) -> int | None:
        plot = self._plot
        tick = plot.tick(x) if plot is not None and 0 <= x - plot.x < plot.columns else self._ticks
        return tick if tick < self._ticks else None

    def pick(self, item: int | None) -> None:
        """Put the crosshair on a row; None: it follows the newest."""
        if item is not None:
            self._start = self._window()[0]
        self._cursor = item
        self.changed()

    def _window(self) -> tuple[float, float]:
        """Return the first and last row shown; the crosshair is always inside."""
        last = float(max(self._ticks - 1, SHORTEST))
        span = self._span
        if span is None or span >= last:
            return 0.0, last
        start = last - span
        if self._cursor is not None:
            start = min(max(self._start, self._cursor - span), self._cursor)
        start = min(max(0.0, start), last - span)
        return start, start + span

    def _pointed(self) -> int | None:
        """Return the row under mouse or crosshair; None for the newest."""
        tick = self._cursor if self._hover is None else self._hover
        return tick if tick is not None and tick < self._ticks else None

    def _row(self) -> int:
        tick = self._pointed()
        return max(0, self._ticks - 1) if tick is None else tick

    # -- drawing ------------------------------------------------------------------------------

    def write_legend(self, canvas: Canvas, entries: Sequence[LegendEntry]) -> int:
        """Write the legend; return the rows left for the chart, 0 if they are too few."""
        self._plot = None
        heading = f"tick {count(self._first + self._row())}"
        rows = canvas.height - write_legend(canvas, heading, entries)
        rows -= 1 if rows >= 4 else 0
        return rows if rows >= 2 and canvas.width >= 8 else 0

    def draw_lines(
        self, canvas: Canvas, rows: int, view: View, labels: Labels, lines: Sequence[Line]
    ) -> Pen:
        """Draw axes and curves, each over the ones before, and the crosshair."""
        x = max((len(label) for _, label in labels), default=-1) + 1
        x = x if canvas.width >= x + 12 else 0
        plot = self._plot = Plot(x, rows, canvas.width - x, view)
        pen = Pen(canvas, plot, self.symbols)
        pen.axes(labels, self._first)
        for each in lines:
            pen.curve(each)
        pen.finish()
        tick = self._pointed()
        if tick is not None:
            pen.upright(tick)
        return pen

    def tone_of(self, look: CurveStyle, *, dim: bool = False) -> Style:
        return self.rich_style + Style(color=Color.parse(look.colour), bold=not dim, dim=dim)


class Curves(TickPane):
    """The curves of all states over time, each with colour, dash style, letter and legend."""

    HELP = (
        "Number of members in each state, tick by tick. Left and right move the crosshair, "
        "( and ) zoom in time, L switches the logarithmic scale on and off, a also shows a state "
        "that is far above the others. A dotted vertical line marks a changed parameter, a dim "
        "curve the future that was left by going back, with its difference."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("L", "log", "Logarithmic scale", id="curves-log", show=False),
        Binding("a", "all", "Show every state", id="curves-all", show=False),
    ]

    placeholder = reactive("No message yet; press i to send one.")
    _states: tuple[str, ...] = ()
    _history: I64 = np.zeros((0, 0), dtype=np.int64)
    _agents = 0
    _log = _all = False
    _theory: Theory | None = None
    _marks: tuple[int, ...] = ()
    _ghost: tuple[I64, F64] | None = None

    def show(self, frame: Frame) -> None:
        focus = frame.focus
        if focus is None:
            self.placeholder = "No message yet; press i to send one."
            self.plot((), np.zeros((0, 0), dtype=np.int64), agents=frame.agents)
        else:
            why = f": {line(focus.error, 300)}" if focus.error else "; it is queued"
            self.placeholder = f"#{focus.id} has not started{why}."
            first = max(0, focus.started_at)
            self.plot(focus.states, focus.history, agents=frame.agents, first_tick=first)

    def plot(
        self, states: Sequence[str], history: I64, *, agents: int, first_tick: int = 0
    ) -> None:
        """Show the curves of a history; nothing is redrawn if it is already shown."""
        same = history is self._history and agents == self._agents and first_tick == self._first
        if same and tuple(states) == self._states:
            return
        if tuple(states) != self._states or first_tick != self._first:
            self._cursor = self._hover = self._span = None
        self._states, self._history = tuple(states), history
        self._agents, self._first, self._ticks = agents, first_tick, len(history)
        self.repaint_changes()

    def overlay(
        self, theory: Theory | None, marks: tuple[int, ...], ghost: tuple[I64, F64] | None
    ) -> None:
        """Draw predictions dashed, marked ticks, and the future that was left: ticks, adopters."""
        if theory is self._theory and marks == self._marks and ghost is self._ghost:
            return
        self._theory, self._marks, self._ghost = theory, marks, ghost
        said = f"dashed: {line(theory.name, 100)}" if theory is not None else ""
        more = f" Dashed: {line(theory.name, 200)}. {theory.limits}" if theory is not None else ""
        vars(self)["HELP"] = type(self).HELP + more  # ? explains what is drawn
        self.border_subtitle = Content(said)
        self.changed()

    def _predicted(self, state: int) -> F64 | None:
        """Return the expected number of members in a state, tick by tick."""
        theory, name = self._theory, self._states[state]
        if theory is None or name not in theory.states:
            return None
        return theory.expected[:, theory.states.index(name)]

    def action_log(self) -> None:
        self._log = not self._log
        self.changed()

    def action_all(self) -> None:
        self._all = not self._all
        self.changed()

    # -- drawing ------------------------------------------------------------------------------

    def draw_on(self, canvas: Canvas) -> None:
        self._plot = None
        if not self._history.size:
            return
        looks, shown = styles(self._states, dark=self.dark), self._on_scale()
        entries = [self._entry(i, look, shown) for i, look in enumerate(looks)]
        entries.sort(key=lambda entry: entry.off)
        ghost = self._left_behind()
        if ghost is not None:
            entries.append(self._ghost_entry(ghost))
        rows = self.write_legend(canvas, entries)
        if not rows:
            return
        view = self._view(shown)
        if self._log:
            labels = labels_of(rows, view, lambda decade: short(10.0**decade), 1.0)
        else:
            width, agents = canvas.width, self._agents
            labels = labels_of(rows, view, lambda share: share_label(share, agents, width))
        lines, dotted = [], []
        if ghost is not None:
            dotted.append(Line(self._on_axis(ghost), CurveStyle("", "~", SPARSE), "muted"))
        for i, look in enumerate(looks):
            if not shown[i]:
                continue
            expected = self._predicted(i)
            if expected is not None:
                faint = replace(look, dash=SPARSE, marker=".")
                dotted.append(Line(self._on_axis(expected), faint, self.tone_of(look, dim=True)))
            values = self._on_axis(self._history[:, i].astype(np.float64))
            lines.append(Line(values, look, self.tone_of(look), 3 + i * (26 // len(looks))))
        pen = self.draw_lines(canvas, rows, view, labels, [*dotted, *lines])
        for tick in self._marks:
            pen.upright(tick - self._first, dotted=True)
        pen.brighten(self._ticks - 1)

    def _on_scale(self) -> list[bool]:
        """Return the states that the value axis makes room for."""
        shown = [True] * len(self._states)
        if len(shown) > 1 and not self._all and not self._log:
            others = int(self._history[:, 1:].max())
            shown[0] = others >= OFF_SCALE_BELOW * max(1, self._agents)
        return shown

    def _view(self, shown: list[bool]) -> View:
        start, stop = self._window()
        if self._log:
            return View(start, stop, 0.0, float(np.log10(max(10, self._agents))))
        ticks = slice(int(start), int(stop) + 2)
        most = float(self._history[ticks, shown].max(initial=0))
        for i in np.flatnonzero(shown).tolist():
            expected = self._predicted(i)
            if expected is not None:
                most = max(most, float(expected[ticks].max(initial=0)))
        share = most / max(1, self._agents)
        return View(start, stop, 0.0, min(1.0, nice_ceiling(share)) if share <= 1 else share)

    def _on_axis(self, column: F64) -> F64:
        if not self._log:
            return column / max(1, self._agents)
        with np.errstate(divide="ignore"):
            return np.where(column > 0, np.log10(column), np.nan)

    def _left_behind(self) -> F64 | None:
        """Return the future that was left, by rows of the chart."""
        if self._ghost is None:
            return None
        rows, values = self._ghost[0] - self._first, self._ghost[1]
        known = rows >= 0
        if not known.any():
            return None
        found = np.full(int(rows[known].max()) + 1, np.nan)
        found[rows[known]] = values[known]
        return found

    # -- values as text -----------------------------------------------------------------------

    def _entry(self, state: int, look: CurveStyle, shown: Sequence[bool]) -> LegendEntry:
        row, total = self._row(), max(1, self._agents)
        agents = int(self._history[row, state])
        share = percent(agents / total)
        expected = self._predicted(state)
        if expected is not None and row < len(expected):
            share += f" ~{percent(float(expected[row]) / total)}"
        name, tone = self._states[state], self.tone_of(look)
        return LegendEntry(look.marker, tone, name, share, count(agents), off=not shown[state])

    def _ghost_entry(self, ghost: F64) -> LegendEntry:
        """Say how far what is now is from what was there at the tick that is read."""
        row, total = self._row(), max(1, self._agents)
        was = float(ghost[row]) if row < len(ghost) else float("nan")
        now = total - int(self._history[row, 0])
        said = f"{100 * (now - was) / total:+.1f} points" if was == was else "-"
        return LegendEntry("~", "muted", "against before", said)
