"""Axes, curves and legends, in braille."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len

from tui.draw.canvas import Canvas, View, envelope, nice_ticks, trace
from tui.draw.panes import BraillePane
from tui.safe_text import line
from tui.text import count, short
from tui.theme import CurveStyle

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

    def tick(self, column: int) -> int:
        """Return the tick at a column of the canvas."""
        share = (column - self.x) / max(1, self.columns - 1)
        return round(self.view.start + share * (self.view.stop - self.view.start))


def share_labels(rows: int, view: View, agents: int | None = None) -> Labels:
    """Label a value axis of shares with percents, and with absolute numbers of `agents`."""
    parts = 4 if rows >= 13 else 2
    shares = [view.top * i / parts for i in range(parts + 1)]
    texts = [f"{100 * share:.3g}%" for share in shares]
    if agents is not None:
        numbers = [short(round(share * agents)) for share in shares]
        texts = [f"{t:>5} {n:>5}" for t, n in zip(texts, numbers, strict=True)]
    return _placed(rows, [(i / parts, text) for i, text in enumerate(texts)])


def number_labels(rows: int, view: View) -> Labels:
    """Label a value axis of numbers, from the bottom of the view to its top."""
    parts, span = 4 if rows >= 13 else 2, view.top - view.bottom
    values = [view.bottom + span * i / parts for i in range(parts + 1)]
    return _placed(rows, [(i / parts, short(value)) for i, value in enumerate(values)])


def log_labels(rows: int, view: View) -> Labels:
    """Label a value axis of decimal logarithms with the numbers 1, 10, 100 ..."""
    decades = range(int(view.top) + 1)
    return _placed(rows, [(decade / view.top, short(10.0**decade)) for decade in decades])


def _placed(rows: int, steps: list[tuple[float, str]]) -> Labels:
    return sorted({rows - 1 - round(at * (rows - 1)): text for at, text in steps}.items())


def place(canvas: Canvas, rows: int, view: View, labels: Labels) -> Plot:
    """Divide a canvas of sufficient width into axis and curves."""
    x = max((len(label) for _, label in labels), default=-1) + 1
    x = x if canvas.width >= x + 12 else 0
    return Plot(x, rows, canvas.width - x, view)


class Pen:
    """Draws one plot."""

    def __init__(self, canvas: Canvas, plot: Plot, pane: BraillePane) -> None:
        self._canvas, self._plot, self._pane = canvas, plot, pane
        self._letters = pane.symbols == "ascii"
        down, across = pane.dots_per_cell
        self._down, self._across = down, across
        self._size = (plot.rows * down, plot.columns * across)
        self._packed = np.zeros((plot.rows, plot.columns), dtype=np.uint8)
        self._markers: dict[tuple[int, int], tuple[str, int]] = {}
        area = (slice(0, plot.rows), slice(plot.x, plot.x + plot.columns))
        self._chars, self._ink = canvas.chars[area], canvas.ink[area]

    def axes(self, labels: Labels, first_tick: int) -> None:
        """Draw the value axis, and the ticks in the row below the curves if there is one."""
        canvas, plot = self._canvas, self._plot
        if plot.x:
            axis = canvas.ink_of(self._pane.tone("axis"))
            muted = canvas.ink_of(self._pane.tone("muted"))
            canvas.chars[: plot.rows, plot.x - 1] = "|" if self._letters else "│"
            canvas.ink[: plot.rows, plot.x - 1] = axis
            for row, label in labels:
                canvas.text(0, row, label.rjust(plot.x - 1), muted)
                canvas.chars[row, plot.x - 1] = "+" if self._letters else "┤"
        if plot.rows < canvas.height - 1:
            write_ticks(self._canvas, self._plot, first_tick, self._pane)

    def curve(
        self, values: NDArray[np.float64], style: CurveStyle, ink: int, *, lead: int | None = None
    ) -> None:
        """Draw a curve over the previous ones."""
        plot = self._plot
        rows, columns = self._size
        missing = max(0, int(plot.view.stop) + 2 - len(values))
        values = np.pad(values, (0, missing), constant_values=np.nan)
        low, high = envelope(values, plot.view.start, plot.view.stop, columns)
        curve = trace(low, high, plot.view, rows, 0xFF if self._letters else style.dash)
        packed = self._pane.pack(curve)
        drawn = packed > 0
        self._ink[drawn] = ink
        if self._letters:
            self._chars[drawn] = style.marker
        else:
            self._packed |= packed
        if lead is not None and not self._letters:
            self._mark((low + high) / 2, style.marker, ink, lead)

    def _mark(self, heights: NDArray[np.float64], letter: str, ink: int, lead: int) -> None:
        """Put letters on a curve, the last one at its end, but none over another curve's."""
        view = self._plot.view
        cells = heights[:: self._across]
        there = ~np.isnan(cells)
        if not there.any():
            return
        end = int(np.flatnonzero(there)[-1])
        scale = (self._size[0] - 1) / (view.top - view.bottom)
        for column in (*range(lead, end - 2, MARKER_EVERY), end):
            if there[column] and view.bottom <= cells[column] <= view.top:
                row = round((view.top - cells[column]) * scale) // self._down
                self._markers.setdefault((row, column), (letter, ink))

    def finish(self) -> None:
        """Draw the dots and letters of all curves onto the canvas."""
        if not self._letters:
            self._chars[:] = self._pane.dot_chars(self._packed)
        for (row, column), (letter, ink) in self._markers.items():
            self._chars[row, column] = letter
            self._ink[row, column] = ink

    def upright(self, tick: int, *, dotted: bool = False) -> None:
        """Draw a line at a tick behind the curves."""
        view = self._plot.view
        if view.start <= tick <= view.stop:
            column = self._plot.column(tick) - self._plot.x
            free = self._chars[:, column] == " "
            solid = "|" if self._letters else "│"
            self._chars[free, column] = (":" if self._letters else "┊") if dotted else solid
            tone = self._pane.tone("muted" if dotted else "line")
            self._ink[free, column] = self._canvas.ink_of(tone)

    def brighten(self, tick: int) -> None:
        """Let the curves stand out at a tick: the newest one."""
        if self._plot.view.start <= tick <= self._plot.view.stop:
            column = self._plot.column(tick) - self._plot.x
            drawn = self._chars[:, column] != " "
            drawn[[row for row, at in self._markers if at == column]] = False
            self._ink[drawn, column] = self._canvas.ink_of(self._pane.tone("strong"))


def write_ticks(canvas: Canvas, plot: Plot, first_tick: int, pane: BraillePane) -> None:
    """Write round ticks, and the last one, in the row below the curves."""
    ink = canvas.ink_of(pane.tone("muted"))
    first, last = first_tick + round(plot.view.start), first_tick + round(plot.view.stop)
    free = canvas.width - len(count(last))
    if free < plot.x:
        return
    canvas.text(free, plot.rows, count(last), ink)
    taken = plot.x
    for tick in nice_ticks(first, last, max(1, plot.columns // 12)):
        label, x = count(tick), plot.column(tick - first_tick)
        if taken <= x and x + len(label) < free:
            canvas.text(x, plot.rows, label, ink)
            taken = x + len(label) + 1


_OFF = " off scale"


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """One curve in the legend."""

    marker: str  # its letter and colour
    ink: int
    name: str  # what it shows, and its value in percent and in full
    share: str
    amount: str
    off: bool = False  # whether it is above the scale

    def text(self, names: int, *, amount: bool) -> str:
        """Return name and value with at most `names` cells for the name."""
        parts = [line(self.name, names), self.share]
        if amount and self.amount:
            parts.append(f"({self.amount})")
        note = (_OFF if amount else " ^") if self.off else ""
        return " ".join(part for part in parts if part) + note


def write_legend(
    canvas: Canvas, heading: str, entries: Sequence[LegendEntry], *, strong: int, text: int
) -> int:
    """Write the legend at the foot of a canvas, in the longest form that fits."""
    most = 3 if canvas.height >= 14 else 2 if canvas.height >= 8 else 1
    forms = [(rows, 40, True) for rows in range(1, min(2, most) + 1)]
    forms += [(rows, names, False) for names in (40, 12, 5) for rows in range(1, most + 1)]
    forms += [(most, 0, False)]
    drawn = len(entries)
    for rows, names, amount in forms:
        texts = [entry.text(names, amount=amount) for entry in entries]
        lines = _wrap([len(heading), *(cell_len(each) + 2 for each in texts)], canvas.width)
        if len(lines) <= rows:
            break
    else:
        lines, texts = _shortened(heading, texts, canvas.width, rows)
        drawn = max(len(texts) - 1, 0)
    for row, members in enumerate(lines, start=canvas.height - len(lines)):
        x = 0
        for member in members:
            if member == 0:
                x += canvas.text(x, row, heading, strong) + 2
            elif member > drawn:
                canvas.text(x, row, texts[member - 1], text)
            else:
                entry = entries[member - 1]
                x += canvas.text(x, row, entry.marker, entry.ink) + 1
                x += canvas.text(x, row, texts[member - 1], text) + 2
    return len(lines)


def _shortened(
    heading: str, texts: Sequence[str], width: int, rows: int
) -> tuple[list[list[int]], list[str]]:
    """Return the lines that fit, the last item saying how many curves are omitted."""
    for kept in range(len(texts) - 1, 0, -1):
        shown = [*texts[:kept], f"and {len(texts) - kept} more"]
        lines = _wrap([len(heading), *(cell_len(each) + 2 for each in shown)], width)
        if len(lines) <= rows:
            return lines, shown
    lines = _wrap([len(heading), *(cell_len(each) + 2 for each in texts)], width)
    return lines[:rows], [*texts, ""]  # not even one letter and the count fit


def _wrap(widths: Sequence[int], room: int) -> list[list[int]]:
    """Break items into rows of at most `room` cells, two cells between items."""
    rows: list[list[int]] = []
    used = room + 1
    for i, width in enumerate(widths):
        if used + 2 + width > room:
            rows.append([])
            used = -2
        rows[-1].append(i)
        used += 2 + width
    return rows
