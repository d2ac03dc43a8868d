"""The fan chart of an experiment: the spread of its replicates, tick by tick."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.color import Color
from rich.style import Style

from sim.arrays import F64
from tui.draw.canvas import RGB, Canvas, View, envelope, nice_ceiling, trace
from tui.draw.curves import Labels, LegendEntry, Line, TickPane, labels_of, share_label
from tui.safe_text import line
from tui.text import count, percent, short
from tui.theme import CurveStyle, series

if TYPE_CHECKING:
    from sim.lab import Outcome


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
        """Draw curves, with bands behind them."""
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
        """Return the style of each arm's median, and of the live run."""
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
