"""Drawing in arrays: dots and pixels for the panes, nothing of Textual in here.

A *dot plane* is bool, its rows counted from the top. Braille packs 4 x 2 dots in a cell, quadrant
blocks 2 x 2. A *pixel plane* is uint8 RGB with two rows a cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BRAILLE: NDArray[np.str_] = np.array([chr(0x2800 + bits) for bits in range(256)])
"""All Braille patterns by their bits; 0 is written as a space by the callers."""
BRAILLE[0] = " "

QUADRANTS: NDArray[np.str_] = np.array(list(" ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"))
"""Quadrant blocks by bits: 1 upper left, 2 upper right, 4 lower left, 8 lower right."""

# Bit of each dot of a cell, row by row.
_BRAILLE_BITS = (0, 3, 1, 4, 2, 5, 6, 7)
_QUADRANT_BITS = (0, 1, 2, 3)


@dataclass(frozen=True, slots=True)
class View:
    """The part of a plot that is shown.

    Attributes
    ----------
    start, stop : float
        First and last tick, ``start < stop``.
    bottom, top : float
        Values at the lowest and highest row, ``bottom < top``.
    """

    start: float
    stop: float
    bottom: float
    top: float


def pack_braille(dots: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Pack a dot plane (4h, 2w) into Braille bits, uint8 (h, w)."""
    return _pack(dots, 4, _BRAILLE_BITS)


def pack_quadrants(dots: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Pack a dot plane (2h, 2w) into quadrant bits, uint8 (h, w)."""
    return _pack(dots, 2, _QUADRANT_BITS)


def _pack(dots: NDArray[np.bool_], high: int, bits: tuple[int, ...]) -> NDArray[np.uint8]:
    height, width = dots.shape[0] // high, dots.shape[1] // 2
    cells = np.ascontiguousarray(dots).view(np.uint8).reshape(height, high, width, 2)
    packed = np.zeros((height, width), dtype=np.uint8)
    for place, bit in enumerate(bits):
        packed |= cells[:, place // 2, :, place % 2] << np.uint8(bit)
    return packed


def envelope(
    values: NDArray[np.float64], start: float, stop: float, columns: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest value in each of `columns` equal spans of ticks `start` to `stop`.

    Spans narrower than a tick are interpolated; neighbouring spans are joined, so that the drawn
    curve has no gaps. NaN values are left out; a span of nothing but NaN is NaN.
    """
    if not len(values):
        return np.full(columns, np.nan), np.full(columns, np.nan)
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


def trace(
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    view: View,
    rows: int,
    dash: int = 0xFF,
) -> NDArray[np.bool_]:
    """Draw a curve given by its `envelope` as a dot plane, bool (rows, columns).

    Values outside the view are not drawn.
    """
    scale = (rows - 1) / (view.top - view.bottom)
    # 16-bit rows halve the time of the comparison below, most of what a curve costs.
    upper = _row_of((view.top - high) * scale, rows)
    lower = _row_of((view.top - low) * scale, -1)
    row = np.arange(rows, dtype=np.int16)[:, None]
    dots: NDArray[np.bool_] = (row >= upper) & (row <= lower)
    if dash != 0xFF:
        # Dashes are measured along the curve, so that a steep one has as many as a flat one.
        lengths = np.maximum(lower - upper + 1, 1).astype(np.int64)
        offset = np.cumsum(lengths) - lengths - upper
        y, x = np.nonzero(dots)
        dots[y, x] = (dash >> ((y + offset[x]) & 7)) & 1
    return dots


def _row_of(places: NDArray[np.float64], unknown: int) -> NDArray[np.int16]:
    rows = np.where(np.isnan(places), unknown, np.rint(places))
    return rows.clip(-2, 30_000).astype(np.int16)


def nice_ceiling(value: float) -> float:
    """Round up to 1, 2 or 5 times a power of ten; 1 for what is not a positive number.

    Examples
    --------
    >>> [nice_ceiling(value) for value in (0.013, 0.3, 1, 7, float("nan"))]
    [0.02, 0.5, 1.0, 10.0, 1.0]
    """
    if not np.isfinite(value) or value <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(value))
    for step in (1, 2, 5, 10):
        if value <= step * power * (1 + 1e-9):
            break
    return float(f"{step * power:.6g}")


def nice_ticks(start: float, stop: float, most: int) -> list[int]:
    """Choose round whole numbers in ``start .. stop``, at most `most` of them, evenly spaced.

    Examples
    --------
    >>> nice_ticks(0, 1204, 5)
    [0, 500, 1000]
    """
    if most < 1 or stop < start:
        return []
    step = max(1, int(nice_ceiling((stop - start) / most)))
    first = -(-int(np.ceil(start)) // step) * step
    return list(range(first, int(stop) + 1, step))[:most]
