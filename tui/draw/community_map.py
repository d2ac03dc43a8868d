"""The map of communities: bubbles and the ties between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.color import Color
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from sim.core import plural
from tui.draw.canvas import BRAILLE, Canvas, pack_braille
from tui.draw.panes import PixelPane
from tui.safe_text import line
from tui.text import all_of, count, counted, percent, real_rows

if TYPE_CHECKING:
    from sim.runtime import Communities, Frame


FILL = 0.2
"""Share of the area that all bubbles may cover before the largest are scaled down."""
STEPS = 4
"""Levels of transparency along a rim; few, so that cells repeat and redraws stay cheap."""
_ROUNDS = 40


@dataclass(frozen=True, slots=True)
class Disc:
    """One bubble, cut to its visible pixels."""

    rows: slice  # the part of the pixel plane it lies in
    columns: slice
    body: NDArray[np.float64]
    rim: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class BubbleLayout:
    """The positions of everything at one size and zoom."""

    centres: NDArray[np.float64]  # float64 (c, 2) and (c,): in pixels
    radii: NDArray[np.float64]
    dots: NDArray[np.bool_]  # bool (4 * rows, columns) and float64 (rows, columns): the lines
    strength: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BubbleLines:
    """Lines between bubbles, strongest last."""

    a: NDArray[np.int64]  # int64 (edges,): which bubbles
    b: NDArray[np.int64]
    strength: NDArray[np.float64]  # float64 (edges,): in (0, 1]


def size_radii(sizes: NDArray[np.int64], height: int, width: int) -> NDArray[np.float64]:
    """Return radii in pixels, with areas proportional to sizes, float64 (c,)."""
    members = np.maximum(sizes, 0).astype(np.float64)
    total = float(members.sum())
    if total <= 0:
        return np.full(len(sizes), 0.7)
    radii = np.sqrt(members / total * height * width * FILL / np.pi)
    bounded: NDArray[np.float64] = radii.clip(0.7, max(0.7, 0.2 * min(height, width)))
    return bounded


def separate(
    places: NDArray[np.float64], radii: NDArray[np.float64], height: int, width: int
) -> NDArray[np.float64]:
    """Map positions in the unit square to the plane, and push overlapping bubbles apart."""
    margin = np.minimum(radii[:, None] + 1, np.array([width, height]) / 2)
    room = np.array([width, height], dtype=np.float64)
    centres: NDArray[np.float64] = margin + np.nan_to_num(places, nan=0.5).clip(0, 1) * (
        room - 2 * margin
    )
    reach = radii[:, None] + radii[None, :] + 1.5
    np.fill_diagonal(reach, 0.0)
    for _ in range(_ROUNDS):
        gap = centres[:, None, :] - centres[None, :, :]
        distance = np.sqrt((gap**2).sum(axis=2)) + 1e-6
        overlap = np.maximum(reach - distance, 0.0)
        if overlap.max(initial=0.0) < 0.5:
            break
        # Two at the same position have no direction: their order decides.
        gap[..., 0] += 1e-3 * np.sign(np.subtract.outer(radii, radii))
        centres += 0.4 * (gap / distance[..., None] * overlap[..., None]).sum(axis=1)
        centres = centres.clip(margin, room - margin)
    return centres


def strongest(links: NDArray[np.int64], most: int = 160) -> BubbleLines:
    """Select the ties to draw: for each community, those with its closest others."""
    both = (links + links.T).astype(np.float64)
    np.fill_diagonal(both, 0.0)
    count = len(both)
    if count < 2 or both.max() <= 0:
        none = np.zeros(0, dtype=np.int64)
        return BubbleLines(none, none, np.zeros(0))
    near = np.argsort(-both, axis=1, kind="stable")[:, : 2 if count <= 60 else 1]
    a = np.repeat(np.arange(count), near.shape[1])
    b = near.ravel()
    pairs = np.unique(np.minimum(a, b) * count + np.maximum(a, b))
    a, b = pairs // count, pairs % count
    weight = both[a, b]
    order = np.argsort(weight, kind="stable")[-most:]
    order = order[weight[order] > 0]
    return BubbleLines(a[order], b[order], np.sqrt(weight[order] / both.max()))


def edge_dots(
    edges: BubbleLines, centres: NDArray[np.float64], rows: int, width: int
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Draw lines in dots, 4 x 2 per cell."""
    dots = np.zeros((4 * rows, 2 * width), dtype=np.bool_)
    strength = np.zeros((rows, width))
    if not len(edges.a):
        return dots, strength
    start, stop = 2 * centres[edges.a], 2 * centres[edges.b]
    steps = int(np.ceil(min(np.abs(stop - start).max(), 8.0 * (2 * rows + width)))) + 2
    along = np.linspace(0, 1, steps)[None, :, None]
    points = np.floor(start[:, None] * (1 - along) + stop[:, None] * along).astype(np.int64)
    x, y = points[..., 0], points[..., 1]
    seen = (x >= 0) & (x < 2 * width) & (y >= 0) & (y < 4 * rows)
    shade = np.broadcast_to(edges.strength[:, None], seen.shape)[seen]
    x, y = x[seen], y[seen]
    dots[y, x] = True
    np.maximum.at(strength, (y // 4, x // 2), shade)
    return dots, strength


def discs(
    centres: NDArray[np.float64],
    radii: NDArray[np.float64],
    height: int,
    width: int,
    chosen: int = -1,
) -> list[Disc | None]:
    """Cut the bubbles out of the plane; None for an invisible one."""
    return [
        _disc(float(x), float(y), float(r), height, width, 2.0 if i == chosen and r >= 4 else 1.0)
        for i, ((x, y), r) in enumerate(zip(centres, radii, strict=True))
    ]


def _disc(x: float, y: float, r: float, height: int, width: int, line: float) -> Disc | None:
    top, bottom = max(0, int(y - r - 1)), min(height, int(y + r + 2))
    left, right = max(0, int(x - r - 1)), min(width, int(x + r + 2))
    if top >= bottom or left >= right:
        return None
    dy = np.arange(top, bottom)[:, None] + 0.5 - y
    dx = np.arange(left, right)[None, :] + 0.5 - x
    depth = r - np.sqrt(dx * dx + dy * dy) + 0.5
    body = _stepped(depth)
    return Disc(slice(top, bottom), slice(left, right), body, body - _stepped(depth - line))


def _stepped(opacity: NDArray[np.float64]) -> NDArray[np.float64]:
    stepped: NDArray[np.float64] = np.rint(opacity.clip(0, 1) * STEPS) / STEPS
    return stepped


def nearest(places: NDArray[np.float64], start: int, right: int, down: int) -> int:
    """Return the next bubble in a direction, or `start` if there is none."""
    gap = places - places[start]
    ahead = gap[:, 0] * right + gap[:, 1] * down
    aside = np.abs(gap[:, 0] * down) + np.abs(gap[:, 1] * right)
    cost = np.where(ahead > 1e-9, ahead + 2 * aside, np.inf)
    cost[start] = np.inf
    best = int(np.argmin(cost))
    return best if np.isfinite(cost[best]) else start


LONGEST = 18
"""Cells of a name at most."""
SHORTEST = 10
"""Minimum cells of a name; with less room it is omitted, not cut further."""


SOLID = 0.5
"""Opacity from which a pixel belongs to a bubble."""
_TEXT = -2


@dataclass(frozen=True, slots=True)
class BubbleLabel:
    """The label of a bubble: its index, name, value, and a shorter name if any."""

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
    """Return names without a first word that most of them share; "" if no shorter name exists.

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
    """Return the style of text on a colour: black or white, whichever contrasts more."""
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
    """Place as many labels as there is room for, in their order."""
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
    """Return the visible bubble of each cell (-1: none), and the cells fully covered by one."""
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
    """Place name and value below each other in a bubble that is large enough and not covered."""
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


CELLS_PER_NAME = 100
"""Cells of the map per name on it; more names would hide the map."""
MOST_BUBBLES = 40
"""Maximum number of communities drawn, largest first; more would be illegible."""
CLOSEST = 8.0
"""The maximum zoom."""


class CommunityMap(PixelPane):
    """A map with a bubble per community, near those it has ties to; one can be chosen."""

    HELP = (
        "Each bubble is a community: area is the number of members, colour the share of adopters "
        "(always on a scale of 0 to 100 %), and lines are ties between communities. Arrows move "
        "between communities, [ and ] zoom, Enter selects one."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "go(-1,0)", "Community to the left", id="map-left", show=False),
        Binding("right", "go(1,0)", "Community to the right", id="map-right", show=False),
        Binding("up", "go(0,-1)", "Community above", id="map-up", show=False),
        Binding("down", "go(0,1)", "Community below", id="map-down", show=False),
        Binding("left_square_bracket", "zoom(0.5)", "Zoom out", id="map-out", show=False),
        Binding("right_square_bracket", "zoom(2.0)", "Zoom in", id="map-in", show=False),
        Binding("enter", "choose", "Select this community", id="map-choose", show=False),
    ]

    class Selected(Message):
        """The cursor moved to a community."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    class Chosen(Selected):
        """Enter was pressed on a community."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self.placeholder = "This world has no communities."
        self.selected = -1
        self._hover, self._zoom = -1, 1.0
        self._names: tuple[str, ...] = ()
        self._short: list[str] = []
        self._sizes = np.zeros(0, dtype=np.int64)
        self._adopted = np.zeros(0, dtype=np.int64)
        self._onset = np.zeros(0, dtype=np.int64)
        self._places = np.zeros((0, 2))
        self._links = np.zeros((0, 0), dtype=np.int64)
        self._label = ""
        self._whole: Communities | None = None
        self._known = 0
        self._layout: BubbleLayout | None = None
        self._layout_key: tuple[object, ...] = ()
        self._cut: tuple[BubbleLayout, int, list[Disc | None]] | None = None

    def show(self, frame: Frame) -> None:
        found = frame.communities
        if found is None:
            none = np.zeros(0, dtype=np.int64)
            self.draw((), none, none, np.zeros((0, 2)), np.zeros((0, 0), dtype=np.int64))
        else:
            self._show_largest(found)
        self._whole = found

    def _show_largest(self, found: Communities) -> None:
        """Draw the largest communities; the row for all others is omitted."""
        if found is self._whole:
            return
        self._known = all_of(found)
        most = min(real_rows(found), MOST_BUBBLES)
        sizes, positions, links = found.sizes, found.positions, found.links
        if most < len(found.names):
            is_same = self._whole is not None and self._whole.links is found.links
            if is_same and len(self._names) == most:
                sizes, positions, links = self._sizes, self._places, self._links
            else:
                sizes, positions, links = sizes[:most], positions[:most], links[:most, :most]
        self.draw(
            found.names[:most],
            sizes,
            found.adopted[:most] if most < len(found.names) else found.adopted,
            positions,
            links,
            onset=found.onset[:most],
            label=found.label,
        )

    def draw(
        self,
        names: Sequence[str],
        sizes: NDArray[np.int64],
        adopted: NDArray[np.int64],
        positions: NDArray[np.float64],
        links: NDArray[np.int64],
        *,
        onset: NDArray[np.int64] | None = None,
        label: str = "",
    ) -> None:
        """Show communities; nothing is redrawn if the same arrays are already shown."""
        onset = np.full(len(sizes), -1, dtype=np.int64) if onset is None else onset
        kept = adopted is self._adopted and links is self._links and sizes is self._sizes
        if kept and tuple(names) == self._names and label == self._label:
            return
        if links is not self._links:
            self.selected, self._hover, self._zoom = -1, -1, 1.0
        if tuple(names) != self._names:
            self._short = shortened(names)
        self._names, self._label = tuple(names), label
        self._sizes, self._adopted, self._onset = sizes, adopted, onset
        self._places, self._links = positions, links
        self.changed()

    # -- keys and mouse -----------------------------------------------------------------------

    @property
    def shown(self) -> int:
        """Number of communities drawn."""
        return len(self._names)

    def select(self, index: int) -> None:
        """Move the cursor to a community, without a message."""
        if index >= len(self._names):
            index = -1  # too small to be drawn
        if index != self.selected and index >= -1:
            self.selected = index
            self.changed()

    def action_go(self, right: int, down: int) -> None:
        if not self._names:
            return
        layout = self._layout
        places = self._places if layout is None else layout.centres
        at = self.selected
        self._choose(int(np.argmax(self._sizes)) if at < 0 else nearest(places, at, right, down))

    def action_zoom(self, factor: float) -> None:
        self._zoom = min(CLOSEST, max(1.0, self._zoom * factor))
        self.changed()

    def action_choose(self) -> None:
        if self.selected >= 0:
            self.post_message(self.Chosen(self.selected))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        index = self._at(event)
        if index != self._hover:
            self._hover = index
            self.changed()

    def on_leave(self) -> None:
        if self._hover >= 0:
            self._hover = -1
            self.changed()

    def on_click(self, event: events.Click) -> None:
        index = self._at(event)
        if index >= 0:
            self._choose(index)

    def _choose(self, index: int) -> None:
        self.select(index)
        self.post_message(self.Selected(index))

    def _at(self, event: events.MouseEvent) -> int:
        offset, layout = event.get_content_offset(self), self._layout
        if offset is None or layout is None or not len(layout.radii):
            return -1
        gap = layout.centres - np.array([offset.x + 0.5, 2 * offset.y + 1.0])
        # Small bubbles are on top and hard to hit: allow one more cell around them.
        beyond = np.sqrt((gap**2).sum(axis=1)) - layout.radii
        hit = np.flatnonzero(beyond <= 1.0)
        return int(hit[np.argmin(layout.radii[hit])]) if len(hit) else -1

    # -- drawing ------------------------------------------------------------------------------

    def paint(self, width: int, height: int) -> list[Strip]:
        """Draw lines, bubbles and names, and below them a line about the chosen community."""
        canvas = self.canvas(width, height)
        if not self._names:
            self.write_placeholder(canvas)
            return canvas.strips()
        rows = height - 1 if height >= 3 else height
        shares = self._shares()
        layout = self._laid_out(width, rows)
        cut = self._cut_out(layout)
        order = [int(i) for i in np.argsort(-layout.radii, kind="stable")]
        fills = self.shade(shares)
        self._paint_lines(canvas, layout)
        if self.in_glyphs:
            self._paint_glyphs(canvas, layout, cut, order, shares)
        else:
            self._paint_pixels(canvas, layout, cut, order, fills)
        self._write_names(canvas, layout, cut, order, fills)
        if rows < height:
            self.write_foot(canvas, *self._describe())
        return canvas.strips()

    def _shares(self) -> NDArray[np.float64]:
        shares: NDArray[np.float64] = self._adopted / np.maximum(self._sizes, 1)
        return shares

    def _laid_out(self, width: int, rows: int) -> BubbleLayout:
        centre = self.selected if self._zoom > 1 else -1
        key = (id(self._places), id(self._links), id(self._sizes), width, rows, self._zoom, centre)
        if self._layout is None or key != self._layout_key:
            self._layout = self._lay_out(2 * rows, width)
            self._layout_key = key
        return self._layout

    def _cut_out(self, layout: BubbleLayout) -> list[Disc | None]:
        """Return the discs of a layout, cached until it or the chosen community changes."""
        kept = self._cut
        if kept is None or kept[0] is not layout or kept[1] != self.selected:
            height, width = 2 * len(layout.strength), layout.strength.shape[1]
            cut = discs(layout.centres, layout.radii, height, width, chosen=self.selected)
            kept = self._cut = (layout, self.selected, cut)
        return kept[2]

    def _lay_out(self, height: int, width: int) -> BubbleLayout:
        radii = size_radii(self._sizes, height, width)
        centres = separate(self._places, radii, height, width)
        if self._zoom > 1:
            middle = np.array([width / 2, height / 2])
            focus = centres[self.selected] if self.selected >= 0 else middle
            centres = middle + (centres - focus) * self._zoom
            radii = radii * np.sqrt(self._zoom)
        dots, strength = edge_dots(strongest(self._links), centres, height // 2, width)
        return BubbleLayout(centres, radii, dots, strength)

    def _paint_lines(self, canvas: Canvas, layout: BubbleLayout) -> None:
        rows = len(layout.strength)
        chars, ink = canvas.chars[:rows], canvas.ink[:rows]
        lines = layout.strength > 0
        if self.symbols == "braille":
            chars[lines] = BRAILLE[pack_braille(layout.dots)][lines]
        else:
            chars[lines] = "." if self.symbols == "ascii" else "·"
        ink[lines] = canvas.ink_of(self.tone("axis"))
        ink[layout.strength > 0.5] = canvas.ink_of(self.tone("muted"))

    def _paint_pixels(
        self,
        canvas: Canvas,
        layout: BubbleLayout,
        cut: Sequence[Disc | None],
        order: Sequence[int],
        fills: NDArray[np.uint8],
    ) -> None:
        text, chosen = self._rgb("text"), self._rgb("good")
        rows, width = layout.strength.shape
        pixels = np.empty((2 * rows, width, 3))
        pixels[:] = self.ground
        for i in order:
            disc = cut[i]
            if disc is not None:
                rim = chosen if i == self.selected else fills[i] + 0.35 * (text - fills[i])
                part = pixels[disc.rows, disc.columns]
                part += disc.body[..., None] * (fills[i] - part)
                part += disc.rim[..., None] * (rim - part)
        canvas.half_blocks(0, 0, np.rint(pixels).astype(np.uint8), self.ground)

    def _paint_glyphs(
        self,
        canvas: Canvas,
        layout: BubbleLayout,
        cut: Sequence[Disc | None],
        order: Sequence[int],
        shares: NDArray[np.float64],
    ) -> None:
        rows = len(layout.strength)
        body, chosen = canvas.ink_of(self.tone("line")), canvas.ink_of(self.tone("good"))
        marks = self.density(0.01 + 0.99 * shares)
        for i in order:
            disc = cut[i]
            if disc is None:
                continue
            first, last = disc.rows.start // 2, (disc.rows.stop + 1) // 2
            full = np.zeros((2 * (last - first), disc.body.shape[1]))
            lead = disc.rows.start - 2 * first
            full[lead : lead + len(disc.body)] = disc.body
            cells = full.reshape(last - first, 2, -1).mean(axis=1) > 0.5
            cells |= ~cells.any() & (full.reshape(last - first, 2, -1).max(axis=1) > 0.5)
            area = (slice(first, min(last, rows)), disc.columns)
            cells = cells[: area[0].stop - first]
            canvas.chars[area][cells] = marks[i]
            canvas.ink[area][cells] = chosen if i == self.selected else body

    def _rgb(self, tone: str) -> NDArray[np.float64]:
        colour = self.tone(tone).color
        triplet = self.ground if colour is None else colour.get_truecolor()
        return np.array(tuple(triplet), dtype=np.float64)

    def _write_names(
        self,
        canvas: Canvas,
        layout: BubbleLayout,
        cut: Sequence[Disc | None],
        order: Sequence[int],
        fills: NDArray[np.uint8],
    ) -> None:
        shares = self._shares()
        first = [i for i in (self.selected, self._hover) if i >= 0]
        labels = [
            BubbleLabel(i, self._names[i], percent(float(shares[i])), self._short[i])
            for i in dict.fromkeys([*first, *order])
            if cut[i] is not None
        ]
        text, strong = self.tone("text"), self.tone("good")
        rows = len(layout.strength)
        most = max(6, rows * canvas.width // CELLS_PER_NAME)
        spots = place_labels(labels, most, layout.centres, layout.radii, cut, rows, canvas.width)
        for spot in spots:
            style = strong if spot.index == self.selected else text
            if spot.inside and not self.in_glyphs:
                style = contrasting(fills[spot.index])
            elif not spot.inside:  # no line crosses the text
                around = slice(max(0, spot.x - 1), spot.x + spot.cells + 1)
                lines = layout.strength[spot.y, around] > 0
                canvas.chars[spot.y, around][lines] = " "
            canvas.text(spot.x, spot.y, spot.text, canvas.ink_of(style), room=spot.cells)

    def _describe(self) -> tuple[str, str]:
        """Return name and facts of the community under mouse or cursor, else of all communities."""
        index = self._hover if self._hover >= 0 else self.selected
        if index >= 0:
            return self._names[index], self._facts(index)
        total = max(self._known, len(self._names))
        if self._label == "known":
            return "", counted(len(self._names), total, "known ")
        summary = counted(len(self._names), total)
        return "", summary + (f" ({self._label})" if self._label else "")

    def _facts(self, index: int) -> str:
        size, adopted, onset = (int(c[index]) for c in (self._sizes, self._adopted, self._onset))
        facts = f"{plural(size, 'member')}, {percent(adopted / max(1, size))} adopted"
        return facts + (f", first at tick {count(onset)}" if onset >= 0 else "")
