"""Drawing on cells: a canvas of characters, pixels of braille and blocks, sparklines."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.color import Color
from rich.color_triplet import ColorTriplet
from rich.console import Console
from rich.segment import Segment, Segments
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from sim.arrays import F64, I64, U8, Bools
from tui.safe_text import line

RGB = tuple[int, int, int]

_PLAIN = re.compile("[ -~…•─-◼]*")
"""Texts with one character in each cell."""

_PAIR = 1 << 48
"""Inks from here on are two colours: foreground << 24 | background, 24 bits each."""


class Canvas:
    """Cells to draw on, (height, width); `tone` gives the style of an ink that has a name."""

    def __init__(
        self, width: int, height: int, base: Style, tone: Callable[[str], Style] = Style.parse
    ) -> None:
        self.width, self.height = width, height
        self.chars: NDArray[np.str_] = np.full((height, width), " ", dtype="<U1")
        self.ink: I64 = np.zeros((height, width), dtype=np.int64)
        self.styles, self._tone = [base], tone
        self._inks: dict[str | Style, int] = {}
        self._spans: list[tuple[str, int, Style]] = []

    def ink_of(self, tone: str | Style) -> int:
        if tone not in self._inks:
            self._inks[tone] = len(self.styles)
            self.styles.append(self._tone(tone) if isinstance(tone, str) else tone)
        return self._inks[tone]

    def text(
        self, x: int, y: int, text: str, tone: str | Style | int, *, room: int | None = None
    ) -> int:
        """Write one line of any text, cleaned and clipped; return the cells used."""
        if not (0 <= y < self.height and 0 <= x < self.width):
            return 0
        space = self.width - x if room is None else min(room, self.width - x)
        is_plain = _PLAIN.fullmatch(text)
        written = text if is_plain and len(text) <= space else line(text, space)
        ink = tone if isinstance(tone, int) else self.ink_of(tone)
        cells = len(written)
        if is_plain or _PLAIN.fullmatch(written):
            self.chars[y, x : x + cells] = list(written)
        else:
            # Characters may be wider than a cell: the text is kept whole, with an ink of its own.
            cells = cell_len(written)
            self._spans.append((written, cells, self.styles[ink]))
            ink = -len(self._spans)
        self.ink[y, x : x + cells] = ink
        return cells

    def blocks(self, x: int, y: int, pixels: U8, glyph: str, ground: RGB) -> None:
        """Paint pixels, uint8 (rows, columns, 3), but those of `ground`; two per cell, ▀ or ▌."""
        packed = _packed(pixels)
        is_upper = glyph == "▀"
        one, other = (packed[::2], packed[1::2]) if is_upper else (packed[:, ::2], packed[:, 1::2])
        drawn = (one != other) | (one != _packed(np.array(ground)))
        area = (slice(y, y + len(one)), slice(x, x + one.shape[1]))
        self.chars[area][drawn] = np.where(one == other, " ", glyph)[drawn]
        self.ink[area][drawn] = (_PAIR | (one << 24) | other)[drawn]

    def put_behind(self, area: tuple[slice, slice], colours: U8, drawn: Bools) -> None:
        """Give what is drawn in some cells a background, uint8 (rows, columns, 3)."""
        ink, packed = self.ink[area], _packed(colours)
        for number in np.unique(ink[drawn]).tolist():
            style = self.styles[number] if 0 <= number < _PAIR else None
            if style is not None and style.color is not None:
                cells, fore = drawn & (ink == number), np.array(style.color.get_truecolor())
                ink[cells] = _PAIR | (_packed(fore) << 24) | packed[cells]

    def strips(self) -> list[Strip]:
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
        styles = self.styles
        segments = [
            Segment(text[a:b], styles[ink] if ink < _PAIR else pair_style(ink))
            if ink >= 0
            else self._span(-ink - 1, b - a)
            for a, b, ink in zip(starts, stops, inks, strict=True)
        ]
        return Strip(segments, self.width)

    def _span(self, number: int, cells: int) -> Segment:
        text, width, style = self._spans[number]
        # A text that was partly overdrawn is omitted rather than cut.
        return Segment(text if width == cells else " " * cells, style)


@lru_cache(maxsize=16384)
def pair_style(ink: int) -> Style:
    """Return the style of an ink that is a pair of colours."""
    return Style.from_color(_colour(ink >> 24 & 0xFFFFFF), _colour(ink & 0xFFFFFF))


@lru_cache(maxsize=4096)
def _colour(packed: int) -> Color:
    return Color.from_triplet(ColorTriplet(packed >> 16, packed >> 8 & 0xFF, packed & 0xFF))


def _packed(colours: U8) -> I64:
    packed: I64 = colours @ np.array([1 << 16, 1 << 8, 1])
    return packed


BRAILLE: NDArray[np.str_] = np.array([chr(0x2800 + bits) for bits in range(256)])
"""All Braille patterns by their bits; 0 is written as a space by the callers."""
BRAILLE[0] = " "

QUADRANTS: NDArray[np.str_] = np.array(list(" ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"))
"""Quadrant blocks by bits: 1 upper left, 2 upper right, 4 lower left, 8 lower right."""

_BITS = {4: (0, 3, 1, 4, 2, 5, 6, 7), 2: (0, 1, 2, 3)}
"""Bit of each dot of a cell, row by row, by the number of rows."""


@dataclass(frozen=True, slots=True)
class View:
    """The visible part of a plot."""

    start: float  # first and last tick, `start < stop`
    stop: float
    bottom: float  # values at the lowest and highest row, `bottom < top`
    top: float


def pack(dots: Bools, high: int) -> U8:
    """Pack dots (high * h, 2w) into bits, uint8 (h, w): of Braille if `high` is 4, 2: quadrants."""
    height, width = dots.shape[0] // high, dots.shape[1] // 2
    cells = np.ascontiguousarray(dots).view(np.uint8).reshape(height, high, width, 2)
    packed = np.zeros((height, width), dtype=np.uint8)
    for place, bit in enumerate(_BITS[high]):
        packed |= cells[:, place // 2, :, place % 2] << np.uint8(bit)
    return packed


def envelope(values: F64, start: float, stop: float, columns: int) -> tuple[F64, F64]:
    """Lowest and highest value in each of `columns` equal spans of ticks `start` to `stop`."""
    missing = max(0, int(stop) + 2 - len(values))
    values = np.pad(values, (0, missing), constant_values=np.nan)  # unknown
    if stop - start <= columns:
        places = np.linspace(start, stop, columns)
        low = np.interp(places, np.arange(len(values)), values)
        high = low
    else:
        edges = np.linspace(start, stop + 1, columns + 1)[:-1].astype(np.int64)
        window = values[: int(stop) + 1]
        low = np.fmin.reduceat(window, edges)
        high = np.fmax.reduceat(window, edges)
    joined_low, joined_high = low.copy(), high.copy()
    joined_low[1:] = np.where(np.isnan(low[1:]), np.nan, np.fmin(low[1:], high[:-1]))
    joined_high[1:] = np.where(np.isnan(high[1:]), np.nan, np.fmax(high[1:], low[:-1]))
    return joined_low, joined_high


def trace(low: F64, high: F64, view: View, rows: int, dash: int = 0xFF) -> Bools:
    """Draw a curve given by its `envelope` as a dot plane, bool (rows, columns)."""
    scale = (rows - 1) / (view.top - view.bottom)
    # 16-bit rows halve the time of the comparison below, most of the cost of a curve.
    upper = _row_of((view.top - high) * scale, rows)
    lower = _row_of((view.top - low) * scale, -1)
    row = np.arange(rows, dtype=np.int16)[:, None]
    dots: Bools = (row >= upper) & (row <= lower)
    if dash != 0xFF:
        # Dashes are measured along the curve, so that a steep one has as many as a flat one.
        lengths = np.maximum(lower - upper + 1, 1).astype(np.int64)
        offset = np.cumsum(lengths) - lengths - upper
        y, x = np.nonzero(dots)
        dots[y, x] = (dash >> ((y + offset[x]) & 7)) & 1
    return dots


def _row_of(places: F64, unknown: int) -> NDArray[np.int16]:
    return np.where(np.isnan(places), unknown, np.rint(places)).clip(-2, 30_000).astype(np.int16)


def nice_ceiling(value: float) -> float:
    """Round up to 1, 2 or 5 times a power of ten; 1 for anything but a positive number."""
    if not np.isfinite(value) or value <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(value))
    for step in (1, 2, 5, 10):
        if value <= step * power * (1 + 1e-9):
            break
    return float(f"{step * power:.6g}")


def nice_ticks(start: float, stop: float, most: int) -> list[int]:
    """Choose round whole numbers in ``start .. stop``, at most `most` of them, evenly spaced."""
    if most < 1 or stop < start:
        return []
    step = max(1, int(nice_ceiling((stop - start) / most)))
    first = -(-int(np.ceil(start)) // step) * step
    return list(range(first, int(stop) + 1, step))[:most]


_BARS = "▁▂▃▄▅▆▇█"
_ASCII = "_.-=+*#"
_FAR = 1e300


def sparkline(values: F64, cells: int, *, ascii_only: bool = False) -> str:
    """Return values as bars from zero, each the largest of its span; dots: unknown at the end."""
    if cells < 1:
        return ""
    glyphs = _ASCII if ascii_only else _BARS
    steps, _, _ = _steps(values, cells, len(glyphs) - 1)
    drawn = "".join(glyphs[step] if step >= 0 else " " for step in steps)
    return drawn.rstrip().ljust(len(drawn), "." if ascii_only else "·")


def _steps(values: F64, cells: int, most: int) -> tuple[list[int], float, float]:
    """Return the height of each bar, -1 where it is unknown, and the values of floor and top."""
    if len(values) > cells:
        starts = np.linspace(0, len(values), cells + 1)[:-1].astype(np.int64)
        values = np.fmax.reduceat(values, starts)
    known = np.isfinite(values)
    finite = np.clip(values[known], -_FAR, _FAR)  # keeps their span finite
    low, high = min(0.0, float(finite.min(initial=0.0))), float(finite.max(initial=0.0))
    steps = np.full(len(values), -1)
    steps[known] = np.rint((finite - low) / max(high - low, 1e-300) * most).astype(np.int64)
    return steps.tolist(), low, high


def bars(
    values: F64, cells: int, rows: int, *, ascii_only: bool = False
) -> tuple[list[str], float, float]:
    """Return values as bars of several rows, top row first, and the values of floor and top."""
    glyphs = " " + (_ASCII if ascii_only else _BARS)
    parts = len(glyphs) - 1
    steps, low, high = _steps(held(values), cells, rows * parts)
    told = [
        "".join(glyphs[min(max(step - row * parts, 0), parts)] for step in steps)
        for row in reversed(range(rows))
    ]
    return [line.rjust(cells) for line in told], low, high


def held(values: F64) -> F64:
    """Return values with each unknown one replaced by its predecessor."""
    known = np.isfinite(values)
    last = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
    return np.where(last >= 0, values[last], np.nan)


def arrow(values: F64, *, ascii_only: bool = False) -> str:
    """Return whether values rise, fall or stay: the last compared with five ticks earlier."""
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return " "
    before, now = float(known[max(0, len(known) - 6)]), float(known[-1])
    margin = 0.005 * max(abs(before), abs(now))
    rising, falling, steady = "^v=" if ascii_only else "▲▼="
    return rising if now > before + margin else falling if now < before - margin else steady


def picture_of(pane: Widget) -> str:
    """Return a pane as SVG."""
    width, height = pane.outer_size
    console = Console(
        width=width, height=height, file=io.StringIO(), force_terminal=True, record=True,
        color_system="truecolor", legacy_windows=False,
    )  # fmt: skip
    for strip in pane.render_lines(Region(0, 0, width, height)):
        console.print(Segments([*strip, Segment.line()]), end="")
    return console.export_svg(title="Hubbub")
