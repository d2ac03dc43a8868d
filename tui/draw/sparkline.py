"""The sparkline: a course of values in one line of text."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BARS = "▁▂▃▄▅▆▇█"
_ASCII = "_.-=+*#"
_FAR = 1e300


def sparkline(values: NDArray[np.float64], cells: int, *, ascii_only: bool = False) -> str:
    """Return the course of `values` as bars, the newest at the right; zero is the lowest bar.

    Each bar is the largest value of its span. With fewer values than cells the line is shorter.

    Examples
    --------
    >>> sparkline(np.array([0.0, 1.0, 4.0, 7.0]), 4)
    '▁▂▅█'
    """
    if cells < 1 or not len(values):
        return ""
    if len(values) > cells:
        starts = np.linspace(0, len(values), cells + 1)[:-1].astype(np.int64)
        values = np.fmax.reduceat(values, starts)
    bars = _ASCII if ascii_only else _BARS
    known = np.isfinite(values)
    finite = np.clip(values[known], -_FAR, _FAR)  # their span stays a number
    low = min(0.0, float(finite.min(initial=0.0)))
    span = float(finite.max(initial=0.0)) - low
    if span <= 0:
        return "".join(bars[0] if there else " " for there in known)
    steps = np.zeros(len(values), dtype=np.int64)
    steps[known] = np.rint((finite - low) / span * (len(bars) - 1)).astype(np.int64)
    return "".join(bars[i] if there else " " for i, there in zip(steps, known, strict=True))


def bars(
    values: NDArray[np.float64], cells: int, rows: int, *, ascii_only: bool = False
) -> tuple[list[str], float, float]:
    """Return a course as bars of several rows, the top one first, and what floor and top stand for.

    Zero is the floor, unless something lies below it. The newest value stands at the right; a
    value that is not known keeps the bar before it.

    Examples
    --------
    >>> bars(np.array([0.0, 1.0, 2.0]), 3, 2)
    (['  █', ' ██'], 0.0, 2.0)
    """
    values = held(values)
    if len(values) > cells:
        starts = np.linspace(0, len(values), cells + 1)[:-1].astype(np.int64)
        values = np.fmax.reduceat(values, starts)
    known = values[np.isfinite(values)]
    low, high = min(0.0, float(known.min(initial=0.0))), float(known.max(initial=0.0))
    glyphs = " " + (_ASCII if ascii_only else _BARS)
    parts = len(glyphs) - 1
    scaled = (np.nan_to_num(values, nan=low) - low) / max(high - low, 1e-300)
    steps = np.rint(scaled * rows * parts).astype(np.int64)
    told = [
        "".join(glyphs[min(max(step - row * parts, 0), parts)] for step in steps.tolist())
        for row in reversed(range(rows))
    ]
    return [line.rjust(cells) for line in told], low, high


def held(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values in which each that is not known is the one before it."""
    known = np.isfinite(values)
    last = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
    found: NDArray[np.float64] = np.where(last >= 0, values[np.maximum(last, 0)], np.nan)
    return found


def arrow(values: NDArray[np.float64], *, span: int = 5, ascii_only: bool = False) -> str:
    """Return whether values rise, fall or stay, the last against `span` ticks before."""
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return " "
    before, now = float(known[max(0, len(known) - 1 - span)]), float(known[-1])
    margin = 0.005 * max(abs(before), abs(now))
    rising, falling, steady = "^v=" if ascii_only else "▲▼="
    return rising if now > before + margin else falling if now < before - margin else steady
