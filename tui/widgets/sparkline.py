"""A course of values in one line of text."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["arrow", "sparkline"]

_BARS = "▁▂▃▄▅▆▇█"
_ASCII = "_.-=+*#"
_FAR = 1e300


def sparkline(values: NDArray[np.float64], cells: int, *, ascii_only: bool = False) -> str:
    """Return the course of `values` as bars, the newest at the right; zero is the lowest bar.

    Each bar is the largest value of its span. With fewer values than cells the line is shorter.

    Parameters
    ----------
    values : float64 (n,)
        NaN leaves a gap.
    cells
        How long the line may be.
    ascii_only
        Whether bars are ASCII characters.

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


def arrow(values: NDArray[np.float64], *, span: int = 5, ascii_only: bool = False) -> str:
    """Return whether values rise, fall or stay, the last against `span` ticks before.

    Parameters
    ----------
    values : float64 (n,)
        NaN is passed over.
    span
        How far back is looked.
    ascii_only
        ``^ v =`` instead of arrows.
    """
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return " "
    before, now = float(known[max(0, len(known) - 1 - span)]), float(known[-1])
    margin = 0.005 * max(abs(before), abs(now))
    rising, falling, steady = "^v=" if ascii_only else "▲▼="
    return rising if now > before + margin else falling if now < before - margin else steady
