"""Metrics of the world over time, one above the other, each on its own scale."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.cells import cell_len
from textual.strip import Strip

from tui.draw.canvas import Canvas
from tui.draw.panes import StripPane
from tui.draw.sparkline import arrow, bars
from tui.figures import count, percent, short
from tui.safe_text import line

if TYPE_CHECKING:
    from sim.runtime import Frame
    from sim.runtime.engine.metrics_tracker import MetricsState


SCALE = 6
"""Cells of the numbers at the right."""


def figure(value: float, unit: str) -> str:
    """Write a metric's value, with its unit where that is short.

    Examples
    --------
    >>> figure(0.125, "share"), figure(1204.0, "acts"), figure(0.5, "0 to 1"), figure(12.3, "ms")
    ('12.5%', '1.2k', '0.50', '12.3 ms')
    """
    if value != value:
        return "-"
    if unit == "share":
        return f"{value:.2g}" if 0 < abs(value) < 0.0005 else percent(value)
    if unit == "ms":
        return f"{value:.1f} ms" if value < 1000 else f"{value / 1000:.1f} s"
    return short(value) if value == int(value) or abs(value) >= 100 else f"{value:.2f}"


class MetricChart(StripPane):
    """The metrics that were chosen, as courses of bars."""

    HELP = (
        "The metrics chosen with G, each on a scale of its own, zero at its floor; the numbers at "
        "the right are floor and top. c goes back to the curves of the message shown."
    )

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self.placeholder = "No metric is chosen; G lists them."
        self._units: dict[str, str] = {}
        self._names: tuple[str, ...] = ()
        self._measured: MetricsState | None = None
        self._course: MetricsState | None = None

    def choose(
        self, names: Sequence[str], units: dict[str, str], course: MetricsState | None = None
    ) -> None:
        """Show other metrics; ``units``: of each; ``course``: theirs, where frames have none."""
        self._course = course
        if (tuple(names), units) != (self._names, self._units):
            self._names, self._units = tuple(names), units
            self.changed()

    def show(self, frame: Frame) -> None:
        """Show the metrics of a frame."""
        measured = frame.metrics if self._course is None else self._course
        if measured is not self._measured and not _same(measured, self._measured):
            self._measured = measured
            self.changed()

    def paint(self, width: int, height: int) -> list[Strip]:
        """Draw a band for each metric, as high as there is room."""
        canvas, measured = self.canvas(width, height), self._measured
        if not self._names:
            self.write_placeholder(canvas)
            return canvas.strips()
        shown = self._names[: max(1, height // 2)]
        rows = max(1, height // len(shown) - 1)
        left = len(self._names) - len(shown)
        more = f"  {left} more" if left else ""
        for place, name in enumerate(shown):
            end = width - (len(more) if place == 0 else 0)
            self._write_band(canvas, place * (rows + 1), rows, end, name, measured)
        canvas.text(width - len(more), 0, more, canvas.ink_of(self.tone("muted")))
        return canvas.strips()

    def _write_band(
        self, canvas: Canvas, y: int, rows: int, end: int, name: str, measured: MetricsState | None
    ) -> None:
        """Write a metric's name and value, up to ``end``, and below them its course."""
        muted, strong = canvas.ink_of(self.tone("muted")), canvas.ink_of(self.tone("strong"))
        there = measured is not None and name in measured.names
        course = measured.series(name) if measured is not None and there else np.zeros(0)
        known = course[np.isfinite(course)]
        unit, ascii_only = self._units.get(name, ""), self.symbols == "ascii"
        value = figure(float(known[-1]) if known.size else float("nan"), unit)
        used = canvas.text(0, y, line(name, 24), strong) + 1
        used += canvas.text(used, y, f"{value} {arrow(course, ascii_only=ascii_only)}", strong) + 1
        note = _note(measured, unit if unit not in {"share", "ms"} else "", known.size)
        canvas.text(used, y, note, muted, room=max(0, end - used))
        if known.size:
            cells = max(1, canvas.width - SCALE - 1)
            drawn, low, high = bars(course, cells, rows, ascii_only=ascii_only)
            for at, text in enumerate(drawn):
                for run in re.finditer(r"\S+", text):
                    canvas.text(run.start(), y + 1 + at, run[0], canvas.ink_of(self.tone("line")))
            canvas.text(cells + 1, y + 1, _scaled(high, unit), muted)
            if rows > 1:
                canvas.text(cells + 1, y + rows, _scaled(low, unit), muted)


def _same(one: MetricsState | None, other: MetricsState | None) -> bool:
    """Whether two courses are of the same ticks; those of metrics are made anew for each."""
    if one is None or other is None or not len(one.ticks) or one.names != other.names:
        return False
    alike = np.array_equal(one.rows, other.rows, equal_nan=True)
    return alike and np.array_equal(one.ticks, other.ticks)


def _scaled(value: float, unit: str) -> str:
    text = figure(value, unit).replace(" ", "")
    return text.rjust(SCALE) if cell_len(text) <= SCALE else short(value).rjust(SCALE)


def _note(measured: MetricsState | None, unit: str, known: int) -> str:
    if measured is None:
        return "not taken in this world; G takes it"
    if not known:
        return "not known yet"
    ticks = measured.ticks
    span = f"ticks {count(int(ticks[0]))} to {count(int(ticks[-1]))}" if len(ticks) else ""
    return "  ".join(part for part in (unit, span) if part)
