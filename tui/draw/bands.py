"""Bands behind curves: where a share of the replicates lies, tick by tick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.color import Color

from tui.draw.canvas import Canvas, paired
from tui.draw.panes import BraillePane
from tui.draw.plotting import Plot
from tui.draw.raster import View, envelope

Floats = NDArray[np.float64]
RGB = tuple[int, int, int]

GLYPHS = {"ascii": ".:", "else": "░▒"}
"""The outer and the inner band, where colours are few."""


@dataclass(frozen=True, eq=False)
class Band:
    """What lies between two curves.

    Attributes
    ----------
    low, high
        float64 (ticks + 1,); NaN: there is none.
    depth
        0: the outer one; 1: the inner one, which is drawn over it.
    """

    low: Floats
    high: Floats
    depth: int


class BandPane(BraillePane):
    """A pane with curves of dots over bands of colour; of glyphs where colours are few."""

    @property
    def in_glyphs(self) -> bool:
        """Whether bands are told by the density of a character instead of a colour."""
        return self.symbols == "ascii" or self.few_colours

    def band_colour(self, depth: int) -> RGB:
        """Return the colour of a band: that of the line, mixed into the ground."""
        share = (0.2, 0.42)[depth]
        line = self.tone("line").color
        tint = (line or Color.parse("#56b4e9")).get_truecolor()
        return tuple(  # type: ignore[return-value]  # three numbers stay three
            round(share * over + (1 - share) * under)
            for over, under in zip(tint, self.ground, strict=True)
        )

    def band_glyph(self, depth: int) -> str:
        """Return the character of a band."""
        return GLYPHS["ascii" if self.symbols == "ascii" else "else"][depth]

    def paint_bands(
        self, canvas: Canvas, plot: Plot, bands: Sequence[Band], inks: dict[int, RGB]
    ) -> None:
        """Draw bands behind what is drawn already."""
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
        behind = pixels[0::2]  # what a curve crosses shows through beside its dots
        for number, colour in inks.items():
            cells = ~free & (drawn == number) & (plane[0::2] >= 0)
            ink[cells] = paired(np.array(colour, np.uint8), behind[cells])


def _between(band: Band, plot: Plot) -> NDArray[np.bool_]:
    """Return which half cells lie in a band, bool (2 * rows, columns)."""
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


def _long(values: Floats, view: View) -> Floats:
    missing = max(0, int(view.stop) + 2 - len(values))
    return np.pad(values, (0, missing), constant_values=np.nan)
