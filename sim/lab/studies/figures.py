"""Figures of a report as plain SVG: without any library, the same bytes for the same study."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import floor, isfinite, log10
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.core.text import one_line
from sim.lab.tables.shown import shown

__all__ = ["Drawn", "Marked", "curves_drawn", "means_drawn"]

Floats = npt.NDArray[np.float64]

_WIDE, _LABEL, _RIGHT, _ROW, _TOP = 640, 150, 40, 34, 14
_HIGH = 260
_COLOURS = ("#1f5fa8", "#c4572b", "#2f8a57", "#8a4fa3", "#a3872b", "#5b6672", "#b0436e", "#2b95a3")
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#333}.axis{stroke:#999;stroke-width:1}"
    ".grid{stroke:#e4e4e4;stroke-width:1}"
)
_WIDEST = 22


class Drawn(NamedTuple):
    """A figure.

    Attributes
    ----------
    name
        Fit for a file's name.
    caption
        What is to be seen.
    svg
        The drawing.
    """

    name: str
    caption: str
    svg: str


class Marked(NamedTuple):
    """An arm's numbers: every replicate, their mean, and the ends of its interval."""

    arm: str
    values: Floats
    mean: float
    low: float
    high: float


def means_drawn(name: str, caption: str, rows: Sequence[Marked]) -> Drawn:
    """Return a row an arm: a dot a replicate, the mean, its interval as a bar.

    Parameters
    ----------
    name, caption
        Of the figure.
    rows
        The arms; of an arm without numbers its name alone is drawn.
    """
    every = np.concatenate(
        [np.empty(0), *(np.append(row.values, (row.low, row.high)) for row in rows)]
    )
    axis = _Axis(every[np.isfinite(every)], _LABEL, _WIDE - _RIGHT)
    bottom = _TOP + _ROW * len(rows)
    parts = [axis.grid(_TOP, bottom)]
    for place, row in enumerate(rows):
        parts += _marks(row, axis, _TOP + _ROW * place + _ROW / 2, _COLOURS[place % len(_COLOURS)])
    return Drawn(name, caption, _svg(parts, bottom + 28, caption))


def _marks(row: Marked, axis: _Axis, y: float, colour: str) -> list[str]:
    parts = [_text(_LABEL - 8, y + 4, row.arm, "end")]
    parts += [
        f'<circle cx="{axis.at(value):.1f}" cy="{y:.1f}" r="3" fill="{colour}" fill-opacity=".3"/>'
        for value in row.values[np.isfinite(row.values)]
    ]
    if isfinite(row.low):
        left, right = axis.at(row.low), axis.at(row.high)
        parts.append(
            f'<rect x="{left:.1f}" y="{y - 4:.1f}" width="{max(right - left, 1):.1f}" height="8" '
            f'fill="{colour}" fill-opacity=".45"/>'
        )
    if isfinite(row.mean):
        x = axis.at(row.mean)
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y - 9:.1f}" y2="{y + 9:.1f}" '
            f'stroke="{colour}" stroke-width="2.5"/>'
        )
    return parts


def curves_drawn(name: str, caption: str, arms: Sequence[tuple[str, Floats]]) -> Drawn:
    """Return the curves of arms: the mean, with the middle nine tenths of replicates around it.

    Parameters
    ----------
    name, caption
        Of the figure.
    arms
        Each with float64 (replicates, ticks).
    """
    every = np.concatenate([np.zeros(1), *(rows.ravel() for _, rows in arms)])
    longest = max((rows.shape[1] for _, rows in arms), default=1)
    across = _Axis(np.array([0.0, max(longest - 1, 1)]), 60, _WIDE - _LABEL)
    up = _Axis(every[np.isfinite(every)], _HIGH, _TOP)
    parts = [across.grid(_TOP, _HIGH), up.rules(60, _WIDE - _LABEL)]
    for place, (arm, rows) in enumerate(arms):
        colour = _COLOURS[place % len(_COLOURS)]
        parts += _band(rows, across, up, colour)
        parts.append(f'<rect x="{_WIDE - _LABEL + 12}" y="{_TOP + 20 * place}" width="10" '
                     f'height="10" fill="{colour}"/>')  # fmt: skip
        parts.append(_text(_WIDE - _LABEL + 28, _TOP + 20 * place + 10, arm, "start"))
    return Drawn(name, caption, _svg(parts, _HIGH + 28, caption))


def _band(rows: Floats, across: _Axis, up: _Axis, colour: str) -> list[str]:
    if not rows.size:
        return []
    low, mean, high = (
        np.quantile(rows, 0.05, axis=0),
        rows.mean(axis=0),
        np.quantile(rows, 0.95, axis=0),
    )
    ticks = range(rows.shape[1])
    there = [f"{across.at(t):.1f},{up.at(high[t]):.1f}" for t in ticks]
    back = [f"{across.at(t):.1f},{up.at(low[t]):.1f}" for t in reversed(ticks)]
    line = " ".join(f"{across.at(t):.1f},{up.at(mean[t]):.1f}" for t in ticks)
    return [
        f'<polygon points="{" ".join(there + back)}" fill="{colour}" fill-opacity=".15"/>',
        f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>',
    ]


class _Axis:
    """Numbers along a line of the drawing, with round numbers marked.

    Parameters
    ----------
    values
        That are to be shown.
    start, end
        Where the smallest and the largest lie.
    """

    def __init__(self, values: Floats, start: float, end: float) -> None:
        low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
        if high <= low:
            low, high = low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2
        self._low, self._high, self._start, self._end = low, high, start, end
        self._marks = _round_numbers(low, high)

    def at(self, value: float) -> float:
        """Return where a number lies."""
        share = (value - self._low) / (self._high - self._low)
        return self._start + share * (self._end - self._start)

    def grid(self, top: float, bottom: float) -> str:
        """Return lines from top to bottom, with numbers below."""
        return "".join(
            f'<line class="grid" x1="{self.at(n):.1f}" x2="{self.at(n):.1f}" y1="{top}" '
            f'y2="{bottom}"/>{_text(self.at(n), bottom + 16, shown(n), "middle")}'
            for n in self._marks
        )

    def rules(self, left: float, right: float) -> str:
        """Return lines from left to right, with numbers on the left."""
        return "".join(
            f'<line class="grid" y1="{self.at(n):.1f}" y2="{self.at(n):.1f}" x1="{left}" '
            f'x2="{right}"/>{_text(left - 6, self.at(n) + 4, shown(n), "end")}'
            for n in self._marks
        )


def _round_numbers(low: float, high: float) -> list[float]:
    """Return some five round numbers between two."""
    rough = (high - low) / 5
    size = 10 ** floor(log10(rough))
    step = next(size * f for f in (1, 2, 5, 10) if size * f >= rough * 0.999)
    first = int(np.ceil(low / step - 1e-9))
    last = int(np.floor(high / step + 1e-9))
    return [float(f"{place * step:.10g}") for place in range(first, last + 1)]


def _text(x: float, y: float, said: str, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f"{escape(one_line(said, _WIDEST))}</text>"
    )


def _svg(parts: Sequence[str], high: float, caption: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {high:g}" role="img">'
        f"<title>{escape(one_line(caption))}</title><style>{_STYLE}</style>"
        f'<rect width="{_WIDE}" height="{high:g}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )
