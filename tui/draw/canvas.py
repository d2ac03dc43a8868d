"""The canvas: a sheet of terminal cells, and the strips that Textual draws of them.

Ink is an integer per cell. Neighbouring cells of one ink become one segment, so a redraw costs
what changes along the rows, not the number of cells.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.color import Color
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.safe_text import line

_PAIR = 1 << 48
"""Inks from here on are two colours: foreground << 24 | background, 24 bits each."""


class Canvas:
    """Cells to draw on, (height, width).

    Attributes
    ----------
    chars : str1 (height, width)
        One character of one cell each.
    ink : int64 (height, width)
        0, a number from `ink_of`, or a pair of colours from `half_blocks`.
    """

    def __init__(self, width: int, height: int, base: Style) -> None:
        self.width, self.height = width, height
        self.chars: NDArray[np.str_] = np.full((height, width), " ", dtype="<U1")
        self.ink: NDArray[np.int64] = np.zeros((height, width), dtype=np.int64)
        self._styles = [base]
        self._spans: list[tuple[str, int, Style]] = []

    def ink_of(self, style: Style) -> int:
        """Take up a style and return its ink."""
        self._styles.append(style)
        return len(self._styles) - 1

    def text(self, x: int, y: int, text: str, ink: int, *, room: int | None = None) -> int:
        """Write one line of any text, made safe and clipped; return the cells it took."""
        if not (0 <= y < self.height and 0 <= x < self.width):
            return 0
        space = self.width - x if room is None else min(room, self.width - x)
        fits = text.isascii() and text.isprintable() and len(text) <= space
        written = text if fits else line(text, space)
        if not written:
            return 0
        if written.isascii():
            end = x + len(written)
            self.chars[y, x:end] = list(written)
            self.ink[y, x:end] = ink
        else:
            # Characters may be wider than a cell: the text stays whole, under an ink of its own.
            end = x + cell_len(written)
            self._spans.append((written, end - x, self._styles[ink]))
            self.ink[y, x:end] = -len(self._spans)
        return end - x

    def words(self, x: int, y: int, parts: list[tuple[str, int]]) -> int:
        """Write texts one after the other, each with its ink; return the cells they took."""
        start = x
        for text, ink in parts:
            x += self.text(x, y, text, ink)
        return x - start

    def half_blocks(
        self, x: int, y: int, pixels: NDArray[np.uint8], ground: tuple[int, int, int]
    ) -> None:
        """Paint pixels, uint8 (2 * rows, columns, 3), with the corner cell at (x, y).

        Cells that show nothing but `ground` keep what was there.
        """
        packed = _packed(pixels)
        upper, lower = packed[0::2], packed[1::2]
        rows, columns = upper.shape
        blank = (upper == lower) & (upper == _packed(np.array(ground, dtype=np.uint8)))
        area = (slice(y, y + rows), slice(x, x + columns))
        drawn = ~blank
        self.chars[area][drawn] = np.where(upper == lower, " ", "▀")[drawn]
        self.ink[area][drawn] = (_PAIR | (upper << 24) | lower)[drawn]

    def side_blocks(self, x: int, y: int, pixels: NDArray[np.uint8]) -> None:
        """Paint pixels, uint8 (rows, 2 * columns, 3), two beside each other in a cell."""
        packed = _packed(pixels)
        left, right = packed[:, 0::2], packed[:, 1::2]
        rows, columns = left.shape
        self.chars[y : y + rows, x : x + columns] = np.where(left == right, " ", "▌")
        self.ink[y : y + rows, x : x + columns] = _PAIR | (left << 24) | right

    def strips(self) -> list[Strip]:
        """Return what was drawn, `height` strips of `width` cells."""
        if self.width < 1:
            return [Strip([], 0) for _ in range(self.height)]
        rows, columns = np.nonzero(self.ink[:, 1:] != self.ink[:, :-1])
        starts = np.searchsorted(rows, np.arange(self.height + 1)).tolist()
        breaks = (columns + 1).tolist()
        return [self._strip(y, [0, *breaks[starts[y] : starts[y + 1]]]) for y in range(self.height)]

    def _strip(self, y: int, starts: list[int]) -> Strip:
        text = "".join(self.chars[y].tolist())
        inks = self.ink[y, starts].tolist()
        stops = [*starts[1:], self.width]
        styles = self._styles
        segments = [
            Segment(text[a:b], styles[ink] if ink < _PAIR else pair_style(ink))
            if ink >= 0
            else self._span(-ink - 1, b - a)
            for a, b, ink in zip(starts, stops, inks, strict=True)
        ]
        return Strip(segments, self.width)

    def _span(self, number: int, cells: int) -> Segment:
        text, width, style = self._spans[number]
        # A text that something else was drawn over is left out rather than torn.
        return Segment(text if width == cells else " " * cells, style)


@lru_cache(maxsize=16384)
def pair_style(ink: int) -> Style:
    """Return the style of an ink that is a pair of colours."""
    return Style.from_color(_colour(ink >> 24 & 0xFFFFFF), _colour(ink & 0xFFFFFF))


@lru_cache(maxsize=4096)
def _colour(packed: int) -> Color:
    return Color.from_triplet(ColorTriplet(packed >> 16, packed >> 8 & 0xFF, packed & 0xFF))


def paired(fore: NDArray[np.uint8], back: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the inks of two colours each, RGB (..., 3)."""
    pairs: NDArray[np.int64] = _PAIR | (_packed(fore) << 24) | _packed(back)
    return pairs


def _packed(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    wide = pixels.astype(np.int64)
    packed: NDArray[np.int64] = (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]
    return packed
