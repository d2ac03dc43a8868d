"""Names beside, above, below or inside bubbles, where there is room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.color import Color
from rich.style import Style

from tui.draw.bubbles import Disc
from tui.safe_text import line

LONGEST = 18
"""Cells of a name at most."""
SHORTEST = 10
"""Cells of a name at least; where there is less room it is left out, not cut further."""


SOLID = 0.5
"""Opacity from which a pixel belongs to a bubble."""
_TEXT = -2


@dataclass(frozen=True, slots=True)
class BubbleLabel:
    """What is to be written at a bubble: its index, name, value, and a shorter name if any."""

    index: int
    name: str
    value: str
    short: str = ""


@dataclass(frozen=True, slots=True)
class PlacedLabel:
    """A text and its first cell; `inside`: on the colour of the bubble."""

    index: int
    x: int
    y: int
    cells: int
    text: str
    inside: bool = False


def shortened(names: Sequence[str]) -> list[str]:
    """Return names without a first word that most of them share; "" where nothing is shorter.

    Examples
    --------
    >>> shortened(["Country A", "Country B", "the others"])
    ['A', 'B', '']
    """
    heads = Counter(name.partition(" ")[0] for name in names)
    return [
        rest.strip() if 2 * heads[head] > len(names) > 1 else ""
        for head, _, rest in (name.partition(" ") for name in names)
    ]


def contrasting(colour: NDArray[np.uint8]) -> Style:
    """Return the style of text on a colour: black or white, whichever is read better."""
    red, green, blue = (int(channel) for channel in colour)
    bright = 0.299 * red + 0.587 * green + 0.114 * blue > 128
    ink = Color.from_rgb(0, 0, 0) if bright else Color.from_rgb(255, 255, 255)
    return Style(color=ink, bgcolor=Color.from_rgb(red, green, blue), bold=True)


def place_labels(
    labels: Sequence[BubbleLabel],
    most: int,
    centres: NDArray[np.float64],
    radii: NDArray[np.float64],
    cut: Sequence[Disc | None],
    rows: int,
    width: int,
) -> list[PlacedLabel]:
    """Find a place for as many labels as there is room for, the first ones first."""
    owner, taken = _owners(cut, radii, rows, width)
    spots: list[PlacedLabel] = []
    placed = 0
    for label in labels:
        if placed >= most:
            break
        x, y = (float(c) for c in centres[label.index])
        found = _inside(label, x, y, float(radii[label.index]), owner)
        if not found:
            found = _beside(label, x, y, float(radii[label.index]), taken)
        for spot in found:
            place = (spot.y, slice(max(0, spot.x - 1), spot.x + spot.cells + 1))
            taken[place], owner[place] = True, _TEXT
        spots += found
        placed += bool(found)
    return spots


def _owners(
    cut: Sequence[Disc | None], radii: NDArray[np.float64], rows: int, width: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return which bubble is seen in each cell, -1: none, and which cells are full of one."""
    owner = np.full((rows, width), -1, dtype=np.int64)
    full = np.zeros((rows, width), dtype=np.bool_)
    for index in np.argsort(-radii, kind="stable").tolist():
        disc = cut[index]
        if disc is not None:
            solid = np.zeros((2 * rows, width), dtype=np.bool_)
            solid[disc.rows, disc.columns] = disc.body > SOLID
            owner[solid[::2] | solid[1::2]] = index
            full |= solid[::2] & solid[1::2]
    return owner, full


def _inside(
    label: BubbleLabel, x: float, y: float, r: float, owner: NDArray[np.int64]
) -> list[PlacedLabel]:
    """Name and value under each other in a bubble that is large enough and not covered there."""
    rows, width = owner.shape
    room = int(2 * np.sqrt(max(0.0, r * r - 4.0)) - 2)
    name = line(label.name, LONGEST)
    if r < 4 or cell_len(name) > room:
        return []
    texts = [name, label.value] if r >= 5 else [name]
    spots = [
        PlacedLabel(
            label.index, round(x - cell_len(text) / 2), at, cell_len(text), text, inside=True
        )
        for at, text in enumerate(texts, start=round((y - len(texts)) / 2))
    ]
    inside = all(0 <= s.y < rows and s.x >= 0 and s.x + s.cells <= width for s in spots)
    own = inside and all((owner[s.y, s.x : s.x + s.cells] == label.index).all() for s in spots)
    return spots if own else []


def _beside(
    label: BubbleLabel, x: float, y: float, r: float, taken: NDArray[np.bool_]
) -> list[PlacedLabel]:
    rows, width = taken.shape
    full = line(label.name, LONGEST)
    texts = [f"{full} {label.value}", full]
    if label.short:
        texts += [f"{label.short} {label.value}", label.short]
    else:
        texts += [line(label.name, SHORTEST)] * (cell_len(full) > SHORTEST)
    for text in texts:
        cells = cell_len(text)
        for left, row in _around(x, y, r, cells):
            inside = 0 <= row < rows and left >= 0 and left + cells <= width
            if inside and not taken[row, max(0, left - 1) : left + cells + 1].any():
                return [PlacedLabel(label.index, left, row, cells, text)]
    return []


def _around(x: float, y: float, r: float, cells: int) -> Iterator[tuple[int, int]]:
    """Yield (first cell, row): right, left, below, above."""
    row, column = int(y / 2), int(x)
    yield int(x + r) + 2, row
    yield int(x - r) - 1 - cells, row
    yield column - cells // 2, int((y + r) / 2) + 1
    yield column - cells // 2, int((y - r) / 2) - 1
