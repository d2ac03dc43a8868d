"""The fan chart of an experiment: the spread of its replicates, tick by tick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rich.color import Color

from sim.arrays import F64
from tui.draw.canvas import Canvas, View, envelope, nice_ceiling, paired
from tui.draw.curves import LegendEntry, Line, Plot, TickPane, number_labels, share_labels
from tui.safe_text import line
from tui.text import count, percent, short
from tui.theme import CurveStyle, series

if TYPE_CHECKING:
    from tui.experiment_figures import Outcome


RGB = tuple[int, int, int]

GLYPHS = {"ascii": ".:", "else": "░▒"}
"""Glyphs of the outer and the inner band, for terminals with few colours."""


@dataclass(frozen=True, eq=False)
class Band:
    """The area between two curves."""

    low: F64  # float64 (ticks + 1,); NaN: there is none
    high: F64
    depth: int  # 0: the outer one; 1: the inner one, which is drawn over it


class BandPane(TickPane):
    """A chart with curves of dots over bands of colour, or of glyphs if colours are few."""

    def band_colour(self, depth: int) -> RGB:
        """Return the colour of a band: the line's colour mixed with the background."""
        share = (0.2, 0.42)[depth]
        line = self.tone("line").color
        tint = (line or Color.parse("#56b4e9")).get_truecolor()
        return tuple(  # type: ignore[return-value]  # three numbers stay three
            round(share * over + (1 - share) * under)
            for over, under in zip(tint, self.ground, strict=True)
        )

    def band_glyph(self, depth: int) -> str:
        return GLYPHS["ascii" if self.symbols == "ascii" else "else"][depth]

    def inks_of(
        self, canvas: Canvas, looks: Sequence[CurveStyle]
    ) -> tuple[list[int], dict[int, RGB]]:
        inks = [self.ink_like(canvas, look) for look in looks]
        triplets = [Color.parse(look.colour).get_truecolor() for look in looks]
        return inks, dict(zip(inks, ((t.red, t.green, t.blue) for t in triplets), strict=True))

    def swatch(self, canvas: Canvas, depth: int) -> tuple[str, int]:
        """Return marker and ink of a band in the legend."""
        if self.in_glyphs:
            return self.band_glyph(depth), canvas.ink_of(self.tone("muted"))
        colour = np.array(self.band_colour(depth), np.uint8)
        return " ", int(paired(colour, colour))

    def paint_bands(self, canvas: Canvas, bands: Sequence[Band], inks: dict[int, RGB]) -> None:
        """Draw bands behind the existing content."""
        plot = self._plot
        assert plot is not None  # noqa: S101 - the curves are drawn already
        plane = np.full((2 * plot.rows, plot.columns), -1, np.int8)
        for band in bands:
            plane[_between(band, plot)] = band.depth
        area = (slice(0, plot.rows), slice(plot.x, plot.x + plot.columns))
        chars, ink = canvas.chars[area], canvas.ink[area]
        free = chars == " "
        if self.in_glyphs:
            both = np.maximum(plane[0::2], plane[1::2])
            for depth in (0, 1):
                cells = free & (both == depth)
                chars[cells] = self.band_glyph(depth)
                ink[cells] = canvas.ink_of(self.tone("muted"))
            return
        colours = np.array([self.band_colour(0), self.band_colour(1), self.ground], np.uint8)
        kept, drawn = chars.copy(), ink.copy()
        pixels = colours[plane]
        canvas.half_blocks(plot.x, 0, pixels, self.ground)
        chars[~free], ink[~free] = kept[~free], drawn[~free]
        behind = pixels[0::2]  # what a curve crosses is visible beside its dots
        for number, colour in inks.items():
            cells = ~free & (drawn == number) & (plane[0::2] >= 0)
            ink[cells] = paired(np.array(colour, np.uint8), behind[cells])


def _between(band: Band, plot: Plot) -> NDArray[np.bool_]:
    """Return the half cells inside a band, bool (2 * rows, columns)."""
    view, rows = plot.view, 2 * plot.rows
    low, _ = envelope(_long(band.low, view), view.start, view.stop, plot.columns)
    _, high = envelope(_long(band.high, view), view.start, view.stop, plot.columns)
    scale = (rows - 1) / (view.top - view.bottom)
    known = ~(np.isnan(low) | np.isnan(high))
    upper = np.where(known, np.rint((view.top - np.where(known, high, 0)) * scale), rows)
    lower = np.where(known, np.rint((view.top - np.where(known, low, 0)) * scale), -1)
    row = np.arange(rows)[:, None]
    found: NDArray[np.bool_] = (row >= upper) & (row <= lower)
    return found


def _long(values: F64, view: View) -> F64:
    missing = max(0, int(view.stop) + 2 - len(values))
    return np.pad(values, (0, missing), constant_values=np.nan)


SOLID = 0xFF
MEDIAN_MARKER, LIVE_MARKER = "m", "x"
OF_AGENTS = "agents"


class FanPane(BandPane):
    """The median over replicates with the bands of 50 % and 95 %, and the live run on top."""

    HELP = (
        "The replicates, tick by tick: their median (m), the inner band with half of them and the "
        "outer band with 95 %; a run that died out keeps its last value. x is the world on the "
        "screen: a single run. In a comparison: the median of each condition, and the bands of "
        "the first. Left and right move the crosshair, v shows the next series."
    )

    _outcome: Outcome | None = None
    _live: F64 = np.zeros(0)

    def show_outcome(self, outcome: Outcome | None, live: F64) -> None:
        """Show the outcome of an experiment, and the course of the world itself since then."""
        if outcome is self._outcome and np.array_equal(live, self._live):
            return
        self._outcome, self._live = outcome, live
        self._ticks = 0 if outcome is None else outcome.arms[0].median.size
        self._first = 0 if outcome is None else outcome.tick
        self.changed()

    def draw_on(self, canvas: Canvas) -> None:
        outcome = self._outcome
        if outcome is None:
            self.write_placeholder(canvas)
            return
        looks = self._looks(outcome)
        inks, colours = self.inks_of(canvas, looks)
        rows = self.write_foot(canvas, self._entries(canvas, outcome, looks, inks))
        if rows:
            self._paint_plot(canvas, rows, outcome, looks, inks, colours)

    def _looks(self, outcome: Outcome) -> list[CurveStyle]:
        """Return the style of each arm's median, and of the live run."""
        known = series(len(outcome.arms) + 1, dark=self.dark)
        markers = MEDIAN_MARKER if len(outcome.arms) == 1 else "abcdefghij"
        arms = [
            CurveStyle(look.colour, markers[at % len(markers)], SOLID if at == 0 else look.dash)
            for at, look in enumerate(known[:-1])
        ]
        strong = self.tone("strong").color or Color.parse(known[-1].colour)
        return [*arms, CurveStyle(strong.get_truecolor().hex, LIVE_MARKER, SOLID)]

    def _paint_plot(
        self, canvas: Canvas, rows: int, outcome: Outcome, looks: Sequence[CurveStyle],
        inks: Sequence[int], colours: dict[int, RGB],
    ) -> None:  # fmt: skip
        bands, curves = _bands(outcome), [arm.median for arm in outcome.arms]
        view = self._view(outcome, [*curves, *(band.high for band in bands)])
        is_share = outcome.unit == OF_AGENTS and outcome.agents > 0
        wide = outcome.agents if canvas.width >= 60 else None
        scaled = View(view.start, view.stop, 0.0, view.top / outcome.agents) if is_share else view
        labels = share_labels(rows, scaled, wide) if is_share else number_labels(rows, view)
        lead = 26 // len(looks)
        lines = [
            Line(curves[at], looks[at], inks[at], 3 + at * lead)
            for at in reversed(range(len(curves)))
        ]
        live = self._live[: int(view.stop) + 1]
        if live.size:
            lines.append(Line(live, looks[-1], inks[-1], 3 + len(curves) * lead))
        self.draw_lines(canvas, rows, view, labels, lines)
        self.paint_bands(canvas, bands, colours)

    def _view(self, outcome: Outcome, shown: Sequence[F64]) -> View:
        start, stop = self._window()
        live = self._live[: int(stop) + 1]
        known = [each[~np.isnan(each)] for each in (*shown, live)]
        most = max((float(each.max()) for each in known if each.size), default=0.0)
        least = min((float(each.min()) for each in known if each.size), default=0.0)
        if outcome.unit == OF_AGENTS and outcome.agents:
            share = nice_ceiling(most / outcome.agents)
            return View(start, stop, 0.0, (min(1.0, share) if most <= outcome.agents else share)
                        * outcome.agents)  # fmt: skip
        bottom = -nice_ceiling(-least) if least < 0 else 0.0
        return View(start, stop, bottom, nice_ceiling(most) if most > 0 else bottom + 1.0)

    def _entries(
        self, canvas: Canvas, outcome: Outcome, looks: Sequence[CurveStyle], inks: Sequence[int]
    ) -> list[LegendEntry]:
        row, found = self._row(), []
        for arm, look, ink in zip(outcome.arms, looks, inks, strict=False):
            name = line(arm.name, 40) or "median"
            found.append(LegendEntry(look.marker, ink, name, *self._said(outcome, arm.median, row)))
        for depth, label, low, high in ((1, "50 %", 1, 3), (0, "95 %", 0, 4)):
            levels = outcome.arms[0].levels
            if np.isnan(levels[low]).all():  # no bands are known: only a course
                continue
            ends = [self._said(outcome, levels[at], row)[0] for at in (low, high)]
            found.append(LegendEntry(*self.swatch(canvas, depth), label, "-".join(ends), ""))
        if row < self._live.size or (self._live.size and self._cursor is None):
            at = min(row, self._live.size - 1)
            said = self._said(outcome, self._live, at)
            found.append(LegendEntry(LIVE_MARKER, inks[-1], "this run", *said))
        return found

    @staticmethod
    def _said(outcome: Outcome, values: F64, row: int) -> tuple[str, str]:
        value = float(values[row]) if row < values.size else float("nan")
        if np.isnan(value):
            return "-", "-"
        if outcome.unit == OF_AGENTS and outcome.agents:
            return percent(value / outcome.agents), count(value)
        return short(value), short(value)


def _bands(outcome: Outcome) -> list[Band]:
    levels = outcome.arms[0].levels
    return [Band(levels[0], levels[4], 0), Band(levels[1], levels[3], 1)]


class DifferencePane(BandPane):
    """The mean difference between two futures with its 95 % interval, tick by tick."""

    HELP = (
        "The second condition minus the first, paired by replicate with the same random draws: the "
        "mean (d) with its pointwise 95 % interval (t); where the interval includes zero, there is "
        "no significant difference. Left and right move the crosshair."
    )

    _outcome: Outcome | None = None

    def show_outcome(self, outcome: Outcome | None) -> None:
        if outcome is not self._outcome:
            self._outcome = outcome
            found = None if outcome is None else outcome.difference
            self._ticks = 0 if found is None else found.levels.shape[1]
            self._first = 0 if outcome is None else outcome.tick
            self.changed()

    def draw_on(self, canvas: Canvas) -> None:
        outcome = self._outcome
        if outcome is None or outcome.difference is None:
            self.write_placeholder(canvas)
            return
        low, mean, high = levels = outcome.difference.levels
        look = CurveStyle(series(2, dark=self.dark)[1].colour, "d", SOLID)
        inks, colours = self.inks_of(canvas, [look])
        at = [short(each) if each == each else "-" for each in levels[:, self._row()].tolist()]
        swatch = self.swatch(canvas, 0)
        entries = [LegendEntry("d", inks[0], "mean", at[1], ""),
                   LegendEntry(*swatch, "95 %", f"{at[0]} to {at[2]}", "")]  # fmt: skip
        rows = self.write_foot(canvas, entries)
        if rows:
            known = np.abs(levels[~np.isnan(levels)])
            top = nice_ceiling(float(known.max())) if known.size and known.max() > 0 else 1.0
            view = View(*self._window(), -top, top)
            zero = CurveStyle(look.colour, "-", 0b00010001)
            level = Line(np.zeros(int(view.stop) + 1), zero, canvas.ink_of(self.tone("muted")))
            lines = [level, Line(mean, look, inks[0], 3)]
            self.draw_lines(canvas, rows, view, number_labels(rows, view), lines)
            self.paint_bands(canvas, [Band(low, high, 0)], colours)
