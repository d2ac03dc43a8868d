"""The legend of curves: letter, name and value of each, as much as fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from tui.draw.canvas import Canvas
from tui.safe_text import line

_OFF = " off scale"


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """One curve in the legend.

    Attributes
    ----------
    marker, ink
        Its letter and colour.
    name, share, amount
        What it shows, and its value in percent and in full.
    off
        Whether it lies above the scale.
    """

    marker: str
    ink: int
    name: str
    share: str
    amount: str
    off: bool = False

    def text(self, names: int, *, amount: bool) -> str:
        """Return name and value with at most `names` cells for the name."""
        parts = [line(self.name, names), self.share]
        if amount and self.amount:
            parts.append(f"({self.amount})")
        note = (_OFF if amount else " ^") if self.off else ""
        return " ".join(part for part in parts if part) + note


def write_legend(
    canvas: Canvas, heading: str, entries: Sequence[LegendEntry], *, strong: int, text: int
) -> int:
    """Write the legend at the foot of a canvas, in the longest form that fits.

    One row; two where the canvas is tall enough and one row would cut the names. Where even the
    letters alone do not fit, the last item says how many curves are left out.
    """
    most = 3 if canvas.height >= 14 else 2 if canvas.height >= 8 else 1
    forms = [(rows, 40, True) for rows in range(1, min(2, most) + 1)]
    forms += [(rows, names, False) for names in (40, 12, 5) for rows in range(1, most + 1)]
    forms += [(most, 0, False)]
    drawn = len(entries)
    for rows, names, amount in forms:
        texts = [entry.text(names, amount=amount) for entry in entries]
        lines = _wrap([len(heading), *(cell_len(each) + 2 for each in texts)], canvas.width)
        if len(lines) <= rows:
            break
    else:
        lines, texts = _shortened(heading, texts, canvas.width, rows)
        drawn = max(len(texts) - 1, 0)
    for row, members in enumerate(lines, start=canvas.height - len(lines)):
        x = 0
        for member in members:
            if member == 0:
                x += canvas.text(x, row, heading, strong) + 2
            elif member > drawn:
                canvas.text(x, row, texts[member - 1], text)
            else:
                entry = entries[member - 1]
                x += canvas.text(x, row, entry.marker, entry.ink) + 1
                x += canvas.text(x, row, texts[member - 1], text) + 2
    return len(lines)


def _shortened(
    heading: str, texts: Sequence[str], width: int, rows: int
) -> tuple[list[list[int]], list[str]]:
    """Return the lines that fit, the last item saying how many curves have no room there."""
    for kept in range(len(texts) - 1, 0, -1):
        shown = [*texts[:kept], f"and {len(texts) - kept} more"]
        lines = _wrap([len(heading), *(cell_len(each) + 2 for each in shown)], width)
        if len(lines) <= rows:
            return lines, shown
    lines = _wrap([len(heading), *(cell_len(each) + 2 for each in texts)], width)
    return lines[:rows], [*texts, ""]  # not even one letter and the count fit


def _wrap(widths: Sequence[int], room: int) -> list[list[int]]:
    """Break items into rows of at most `room` cells, two cells between items."""
    rows: list[list[int]] = []
    used = room + 1
    for i, width in enumerate(widths):
        if used + 2 + width > room:
            rows.append([])
            used = -2
        rows[-1].append(i)
        used += 2 + width
    return rows
