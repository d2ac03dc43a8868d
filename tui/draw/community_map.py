"""The map of communities: bubbles, the ties between them, and what crosses them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.color import Color
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.timer import Timer

from sim.arrays import F64, I64, U8, Array, Bools
from sim.core import plural
from sim.runtime import Communities, Frame
from tui.draw.canvas import BRAILLE, Canvas, pack
from tui.draw.community_table import CommunityPane, Seen, look, measure_in
from tui.safe_text import line
from tui.text import all_of, count, counted, real_rows, short

FILL = 0.45
"""Share of the area that all bubbles may cover before the largest are scaled down."""
STEPS = 4
"""Levels of transparency along a rim; few, so that cells repeat and redraws stay cheap."""
_ROUNDS = 40
LONGEST = 18
"""Cells of a name at most."""
SHORTEST = 9
"""Minimum cells of a name that is cut; with less room it is omitted."""
LEAST = 4
"""Cells of a name that need not be cut, as all it has in common with others is left out."""
WIDEST = len("100 %")
"""Cells kept for the value beside a name, so that names stay where they are."""
CELLS_PER_NAME = 60
"""Cells of the map per name on it; more names would hide the map."""
MOST_BUBBLES = 40
"""Maximum number of communities drawn, largest first; the others share one bubble."""
MOST_FLOWS = 24
"""Maximum number of ties on which dots travel."""
CLOSEST = 8.0
"""The maximum zoom."""
BEATS = 5
"""Redraws for which a rim fades, and dots travel."""
BEAT = 0.1
"""Seconds between two of them."""
SLOW = 5.0
"""Redraws a second below which nothing moves."""
SOLID = 0.5
"""Opacity from which a pixel belongs to a bubble."""
_TEXT = -2
MOST_TIES = 160
PLACING = ("links", "sizes", "positions")
SUMMED = ("sizes", "adopted", "spreading", "new", "impressions")

Disc = tuple[tuple[slice, slice], F64, F64]
"""One bubble: its part of the pixel plane, and the opacity of body and rim there."""

Ties = tuple["NDArray[np.str_]", F64]
"""Lines between bubbles: characters and strengths of cells, (rows, columns)."""


@dataclass(frozen=True, slots=True)
class PlacedLabel:
    """A name on the map, its first cell, and whether the value is below it, on the bubble."""

    index: int
    x: int
    y: int
    text: str
    inside: bool


@dataclass(frozen=True, slots=True, eq=False)
class BubbleLayout:
    """The positions of everything at one size and zoom."""

    centres: F64  # (c, 2) and (c,): in pixels
    radii: F64
    ties: Ties
    cut: list[Disc | None]
    owner: I64  # (rows, columns): the visible bubble of each cell, -1: none
    labels: list[PlacedLabel]


def merged(found: Communities) -> Communities:
    """Return what is drawn of the communities: the largest, and all others as one."""
    largest = min(real_rows(found), MOST_BUBBLES)
    rest = max(all_of(found) - largest, 0) if len(found.names) > largest else 0
    starts = np.arange(largest + (rest > 0))

    def sums(values: Array) -> Any:
        values = values if rest else values[:largest]
        return np.add.reduceat(values, starts, axis=0) if values.size else values

    opinion = np.resize(found.opinion.astype(np.float64), len(found.names))
    known = found.sizes * np.isfinite(opinion)
    with np.errstate(invalid="ignore"):
        opinion = sums(np.nan_to_num(opinion) * known) / sums(known)
    names, positions = found.names[:largest], found.positions[:largest]
    return replace(
        found,
        names=(*names, f"{count(rest)} smaller ones") if rest else names,
        positions=np.vstack([positions, [[0.97, 0.97]]]) if rest else positions,
        links=sums(sums(found.links).T).T,
        labels=np.append(np.arange(largest), [-1] * (rest > 0)),
        total=all_of(found),
        opinion=opinion.astype(np.float32),
        **{part: sums(getattr(found, part)) for part in SUMMED},
    )


def size_radii(sizes: I64, height: int, width: int) -> F64:
    """Return radii in pixels, with areas proportional to sizes, float64 (c,)."""
    members = np.maximum(sizes, 0).astype(np.float64)
    total = float(members.sum())
    if total <= 0:
        return np.full(len(sizes), 0.7)
    radii = np.sqrt(members / total * height * width * FILL / np.pi)
    return radii.clip(0.7, max(0.7, 0.25 * min(height, width)))


def separate(places: F64, radii: F64, height: int, width: int) -> F64:
    """Map positions in the unit square to the plane, and push overlapping bubbles apart."""
    margin = np.minimum(radii[:, None] + 1, np.array([width, height]) / 2)
    room = np.array([width, height], dtype=np.float64)
    places = np.nan_to_num(places, nan=0.5).clip(0, 1)
    if len(places) > 2:  # half by rank, so that no part of the plane stays empty
        below = (places[:, None] > places[None]).sum(axis=1)
        equal = (places[:, None] == places[None]).sum(axis=1) - 1
        places = (places + (below + equal / 2) / (len(places) - 1)) / 2
    centres: F64 = margin + places * (room - 2 * margin)
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


def strongest(links: I64) -> tuple[I64, I64, F64]:
    """Return both ends and strength, (0, 1], of ties to the closest communities, weakest first."""
    both = (links + links.T).astype(np.float64)
    np.fill_diagonal(both, 0.0)
    total = len(both)
    near = np.argsort(-both, axis=1, kind="stable")[:, : 2 if total <= 60 else 1]
    a = np.repeat(np.arange(total), near.shape[1])
    b = near.ravel()
    a, b = np.unique(np.sort([a, b], axis=0), axis=1)
    weight = both[a, b]
    order = np.argsort(weight, kind="stable")[-MOST_TIES:]
    order = order[weight[order] > 0]
    return a[order], b[order], np.sqrt(weight[order] / both.max(initial=1e-300))


def ties_between(a: I64, b: I64, strength: F64, centres: F64, rows: int, width: int) -> Ties:
    """Draw lines in dots, 4 x 2 per cell."""
    dots, strengths = np.zeros((4 * rows, 2 * width), dtype=np.bool_), np.zeros((rows, width))
    start, stop = 2 * centres[a], 2 * centres[b]
    longest = np.abs(stop - start).max(initial=0.0)
    steps = int(np.ceil(min(longest, 8.0 * (2 * rows + width)))) + 2
    along = np.linspace(0, 1, steps)[None, :, None]
    points = np.floor(start[:, None] * (1 - along) + stop[:, None] * along).astype(np.int64)
    x, y = points[..., 0], points[..., 1]
    seen = (x >= 0) & (x < 2 * width) & (y >= 0) & (y < 4 * rows)
    shade = np.broadcast_to(strength[:, None], seen.shape)[seen]
    x, y = x[seen], y[seen]
    dots[y, x] = True
    np.maximum.at(strengths, (y // 4, x // 2), shade)
    return BRAILLE[pack(dots, 4)], strengths


def draw_ties(canvas: Canvas, ties: Ties, glyph: str, tones: Sequence[tuple[float, str]]) -> None:
    """Draw lines, with a glyph for dots if there is one, each tone from a strength."""
    chars, strength = ties
    area = tuple(slice(cells) for cells in strength.shape)
    for least, tone in tones:
        cells = strength > least
        canvas.chars[area][cells] = glyph or chars[cells]
        canvas.ink[area][cells] = canvas.ink_of(tone)


def cut_disc(x: float, y: float, r: float, height: int, width: int) -> Disc | None:
    """Cut a bubble out of the plane; None for an invisible one."""
    top, bottom = max(0, int(y - r - 1)), min(height, int(y + r + 2))
    left, right = max(0, int(x - r - 1)), min(width, int(x + r + 2))
    if top >= bottom or left >= right:
        return None
    dy = np.arange(top, bottom)[:, None] + 0.5 - y
    dx = np.arange(left, right)[None, :] + 0.5 - x
    depth = r - np.sqrt(dx * dx + dy * dy) + 0.5
    body = _stepped(depth)
    return (slice(top, bottom), slice(left, right)), body, body - _stepped(depth - 1.0)


def _stepped(opacity: F64) -> F64:
    stepped: F64 = np.rint(opacity.clip(0, 1) * STEPS) / STEPS
    return stepped


def nearest(places: F64, start: int, right: int, down: int) -> int:
    """Return the next bubble in a direction, or `start` if there is none."""
    gap = places - places[start]
    ahead = gap[:, 0] * right + gap[:, 1] * down
    aside = np.abs(gap[:, 0] * down) + np.abs(gap[:, 1] * right)
    cost = np.where(ahead > 1e-9, ahead + 2 * aside, np.inf)
    cost[start] = np.inf
    best = int(np.argmin(cost))
    return best if np.isfinite(cost[best]) else start


def shortened(names: Sequence[str], cells: int) -> list[str]:
    """Return names of at most some cells, without what they have in common before what differs."""
    texts = [line(name, 400) for name in names]
    while any(cell_len(text) > cells for text in texts):
        heads = Counter(text.partition(" ")[0] for text in texts if " " in text)
        tails = Counter(text.rpartition(" ")[2] for text in texts if " " in text)
        (head, ahead), (tail, behind) = (
            each.most_common(1)[0] if each else ("", 0) for each in (heads, tails)
        )
        if 2 * max(ahead, behind) <= len(texts) or max(ahead, behind) < 2:
            break
        if ahead >= behind:
            texts = [text.removeprefix(head + " ") for text in texts]
        else:
            texts = [text.removesuffix(" " + tail) for text in texts]
    cut = Counter(line(text, cells) for text in texts)
    return [
        f"…{text[1 - cells :]}"
        if cut[line(text, cells)] > 1 and text.isascii() and len(text) > cells > 1
        else line(text, cells)
        for text in texts
    ]


def contrasting(colour: U8) -> Style:
    """Return the style of text on a colour: black or white, whichever contrasts more."""
    ink = "#000000" if np.dot(colour, (0.299, 0.587, 0.114)) > 128 else "#ffffff"
    return Style(color=ink, bgcolor=Color.from_rgb(*colour.tolist()), bold=True)


def place_labels(
    names: Sequence[str], centres: F64, radii: F64, owner: I64, full: Bools
) -> list[PlacedLabel]:
    """Place as many names as there is room for, those of the largest first, and their values."""
    rows, width = owner.shape
    owner, taken, full = owner.copy(), owner >= 0, full.copy()
    forms = [shortened(names, cells) for cells in (LONGEST, SHORTEST, LEAST)]
    placed: list[PlacedLabel] = []
    for index in np.argsort(-radii, kind="stable").tolist():
        if len(placed) >= max(6, rows * width // CELLS_PER_NAME):
            break
        x, y, r = float(centres[index, 0]), float(centres[index, 1]), float(radii[index])
        if not (0 <= x < width and 0 <= y < 2 * rows):
            continue
        texts = [form[index] for form in forms]
        texts = list(dict.fromkeys(texts if "…" not in texts[-1] else texts[:-1]))
        spots = [spot for text in texts for spot in _spots(index, text, x, y, r)]
        for spot, hidden in [(spot, plane) for plane in (taken, full) for spot in spots]:
            wide, high = max(cell_len(spot.text), WIDEST), 2
            if not spot.inside:
                wide, high = cell_len(spot.text) + WIDEST + 1, 1
            if spot.x < 0 or spot.y < 0 or spot.x + wide > width or spot.y + high > rows:
                continue
            area = slice(spot.y, spot.y + high), slice(max(0, spot.x - 1), spot.x + wide + 1)
            if (owner[area] == index).all() if spot.inside else not hidden[area].any():
                owner[area], taken[area], full[area] = _TEXT, True, True
                placed.append(spot)
                break
    return placed


def _spots(index: int, text: str, x: float, y: float, r: float) -> Iterator[PlacedLabel]:
    """Yield where a name may stand: on its bubble, right, left, below, above."""
    if not text:
        return
    cells, row, column = cell_len(text), int(y / 2), int(x)
    wide = cells + WIDEST + 1
    if r >= 5:
        yield PlacedLabel(index, round(x - max(cells, WIDEST) / 2), row - 1, text, inside=True)
    yield PlacedLabel(index, int(x + r) + 2, row, text, inside=False)
    yield PlacedLabel(index, int(x - r) - 1 - wide, row, text, inside=False)
    yield PlacedLabel(index, column - wide // 2, int((y + r) / 2) + 1, text, inside=False)
    yield PlacedLabel(index, column - wide // 2, int((y - r) / 2) - 1, text, inside=False)


class CommunityMap(CommunityPane):
    """A map with a bubble per community, near those it has ties to; one can be selected.

    While time runs, the rims of those that gained members flash, and dots run along the ties
    that adoptions crossed.
    """

    HELP = (
        "Each bubble is a community: area is the number of members, colour what the title says, "
        "on the scale below. A rim flashes where members have just adopted; dots run along the "
        "ties that adoptions crossed in the last tick, one to four by the logarithm of their "
        "number. v switches what is coloured, t shows it over time or as a table. Arrows move "
        "between communities, ( and ) zoom, Enter selects one."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "go(-1,0)", "Community to the left", id="map-left", show=False),
        Binding("right", "go(1,0)", "Community to the right", id="map-right", show=False),
        Binding("up", "go(0,-1)", "Community above", id="map-up", show=False),
        Binding("down", "go(0,1)", "Community below", id="map-down", show=False),
        Binding("left_parenthesis", "zoom(0.5)", "Zoom out", id="map-out", show=False),
        Binding("right_parenthesis", "zoom(2.0)", "Zoom in", id="map-in", show=False),
        Binding("enter", "choose", "Select this community", id="map-choose", show=False),
    ]

    _zoom = 1.0
    _source: Communities | None = None  # what `seen` was made of
    _layout: BubbleLayout | None = None
    _layout_key: tuple[object, ...] = ()
    _is_quiet = False
    _tick = -1
    _glow: F64 = np.zeros(0)
    _beats = _beat = 0
    _timer: Timer | None = None
    _path: tuple[int, ...] = ()

    def show(self, frame: Frame) -> None:
        found, old, before = frame.communities, self._source, self.seen
        measure = measure_in(frame, self.measure)
        if found is None:
            self.seen = self._source = None
            self.changed()
            return
        if found is old and before is not None and measure == before.measure:
            return
        if old is None or old.names != found.names:
            self.selected, self._hover, self._zoom, self._layout = -1, None, 1.0, None
            self._glow, self._beats = np.zeros(0), 0
        elif any(getattr(old, part) is not getattr(found, part) for part in PLACING):
            self._layout = None
        self._source, self.seen = found, look(merged(found), measure)
        self._is_quiet = frame.focus is None and measure == "ever"
        moved = 0 <= self._tick < frame.tick and before is not None
        self._tick = frame.tick
        if moved and found is not old and len(found.new):
            self._start_motion(self.seen.found)
        self.repaint_changes()

    # -- motion -------------------------------------------------------------------------------

    @property
    def calm(self) -> bool:
        """Whether nothing moves: a mark stands where a rim would flash."""
        preferences = getattr(self.app, "preferences", None)
        slow = getattr(preferences, "frames_per_second", 10.0) < SLOW
        return self.in_glyphs or slow or getattr(preferences, "calm", False)

    def _start_motion(self, found: Communities) -> None:
        """Let the rims flash of those that gained, and dots travel, for some redraws."""
        gained, drawn = found.new > 0, len(found.names)
        old = self._glow if len(self._glow) == drawn else np.zeros(drawn)
        self._glow = np.maximum(old, gained)
        if gained.any() or len(found.flows):
            self._beats = BEATS
            self._wait_for_beat()

    def _wait_for_beat(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(BEATS * BEAT if self.calm else BEAT, self._pulse)

    def _pulse(self) -> None:
        self._beats = 0 if self.calm else self._beats - 1
        self._beat += 1
        self._glow = np.maximum(self._glow - 1 / BEATS, 0.0) * (self._beats > 0)
        self._timer = None
        self.repaint_changes()
        if self._beats > 0:
            self._wait_for_beat()

    def trace(self, rows: Sequence[int]) -> None:
        """Draw a path from community to community, or none; those that are not drawn are left."""
        self._path = tuple(rows)
        self.changed()

    # -- keys and mouse -----------------------------------------------------------------------

    def select(self, index: int) -> None:
        super().select(index if index < self.shown else -1)  # too small to be drawn

    def action_go(self, right: int, down: int) -> None:
        layout, at = self._layout, self.selected
        if layout is not None and self.shown:
            self.pick(0 if at < 0 else nearest(layout.centres[: self.shown], at, right, down))

    def action_zoom(self, factor: float) -> None:
        self._zoom = min(CLOSEST, max(1.0, self._zoom * factor))
        self.changed()

    def pick(self, item: int) -> None:
        if item < self.shown:
            self.select(item)
            self.post_message(self.Selected(self, item))

    def item_at(self, x: int, y: int) -> int | None:
        layout = self._layout
        if layout is None:
            return None
        gap = layout.centres - np.array([x + 0.5, 2 * y + 1.0])
        # Small bubbles are on top and hard to hit: allow one more cell around them.
        beyond = np.sqrt((gap**2).sum(axis=1)) - layout.radii
        hit = np.flatnonzero(beyond <= 1.0)
        return int(hit[np.argmin(layout.radii[hit])]) if len(hit) else None

    # -- drawing ------------------------------------------------------------------------------

    def draw_on(self, canvas: Canvas) -> None:
        width, height, seen = canvas.width, canvas.height, self.seen
        if seen is None or not seen.found.names:
            return
        rows = height - 1 if height >= 3 else height
        key = (width, rows, self._zoom, self.selected if self._zoom > 1 else -1)
        if self._layout is None or key != self._layout_key:
            self._layout, self._layout_key = self._lay_out(seen.found, 2 * rows, width), key
        layout = self._layout
        places = np.nan_to_num(seen.places(seen.values), nan=0.0).clip(0, 1)
        fills = self.shade(places, diverging=seen.diverging)
        self._paint_ties(canvas, layout)
        if self.in_glyphs:
            self._paint_glyphs(canvas, layout, places)
        else:
            self._paint_pixels(canvas, layout, fills)
        self._paint_motion(canvas, seen.found, layout)
        self._write_names(canvas, seen, layout, fills)
        if rows < height:
            self.write_foot(canvas, seen.ends, *self._describe(seen), diverging=seen.diverging)

    def _lay_out(self, found: Communities, height: int, width: int) -> BubbleLayout:
        radii = size_radii(found.sizes, height, width)
        centres = separate(found.positions, radii, height, width)
        if self._zoom > 1:
            middle = np.array([width / 2, height / 2])
            focus = centres[self.selected] if self.selected >= 0 else middle
            centres = middle + (centres - focus) * self._zoom
            radii = radii * np.sqrt(self._zoom)
        rows = height // 2
        cut = [
            cut_disc(float(x), float(y), float(r), height, width)
            for (x, y), r in zip(centres, radii, strict=True)
        ]
        owner = np.full((rows, width), -1, dtype=np.int64)
        full = np.zeros((rows, width), dtype=np.bool_)
        for index in np.argsort(-radii, kind="stable").tolist():
            disc = cut[index]
            if disc is not None:
                solid = np.zeros((2 * rows, width), dtype=np.bool_)
                solid[disc[0]] = disc[1] > SOLID
                owner[solid[::2] | solid[1::2]] = index
                full |= solid[::2] & solid[1::2]
        labels = place_labels(found.names, centres, radii, owner, full)
        ties = ties_between(*strongest(found.links), centres, rows, width)
        return BubbleLayout(centres, radii, ties, cut, owner, labels)

    def _paint_ties(self, canvas: Canvas, layout: BubbleLayout) -> None:
        is_ascii, (rows, width) = self.symbols == "ascii", layout.owner.shape
        canvas.ink[:rows, :width] = canvas.ink_of("axis")  # blanks too, so that runs are long
        draw_ties(canvas, layout.ties, "." if is_ascii else "", ((0, "axis"), (0.5, "muted")))
        if len(self._path) > 1:
            path = np.array([i for i in self._path if 0 <= i < len(layout.radii)], dtype=np.int64)
            strength = np.ones(max(0, len(path) - 1))
            ties = ties_between(path[:-1], path[1:], strength, layout.centres, rows, width)
            draw_ties(canvas, ties, "#" if is_ascii else "", ((0, "good"),))

    def _paint_pixels(self, canvas: Canvas, layout: BubbleLayout, fills: U8) -> None:
        text, chosen = self._rgb("text"), self._rgb("good")
        rows, width = layout.owner.shape
        pixels = np.empty((2 * rows, width, 3))
        pixels[:] = self.ground
        glow = self._glow if len(self._glow) == len(fills) and not self.calm else 0 * layout.radii
        for i in np.argsort(-layout.radii, kind="stable").tolist():
            disc = layout.cut[i]
            if disc is not None:
                rim = fills[i] + (0.3 + 0.7 * glow[i]) * (text - fills[i])
                part = pixels[disc[0]]
                part += disc[1][..., None] * (fills[i] - part)
                part += disc[2][..., None] * ((chosen if i == self.selected else rim) - part)
        canvas.blocks(0, 0, np.rint(pixels).astype(np.uint8), "▀", self.ground)

    def _paint_glyphs(self, canvas: Canvas, layout: BubbleLayout, places: F64) -> None:
        area = tuple(slice(cells) for cells in layout.owner.shape)
        drawn = layout.owner >= 0
        owner = layout.owner[drawn]
        canvas.chars[area][drawn] = self.density(0.01 + 0.99 * places)[owner]
        inks = canvas.ink_of("line"), canvas.ink_of("good")
        canvas.ink[area][drawn] = np.where(owner == self.selected, inks[1], inks[0])

    def _paint_motion(self, canvas: Canvas, found: Communities, layout: BubbleLayout) -> None:
        """Draw dots on the ties that adoptions crossed; if calm, a mark at each rim that gained."""
        if not self._beats:
            return
        rows, width = layout.owner.shape
        if self.calm:
            for i in np.flatnonzero(self._glow).tolist():
                x, y = layout.centres[i] - np.array([0, layout.radii[i]])
                if 0 <= x < width and 0 <= y < 2 * rows:
                    canvas.text(int(x), int(y / 2), "*", "good")
            return
        flows = np.minimum(found.flows[:MOST_FLOWS], [len(layout.radii) - 1] * 2 + [9999])
        a, b, crossed = flows[flows[:, 0] != flows[:, 1]].T
        gap = layout.centres[b] - layout.centres[a]
        reach = gap / np.maximum(1e-6, np.hypot(*gap.T))[:, None]
        start = layout.centres[a] + reach * layout.radii[a, None]
        way = gap - reach * (layout.radii[a] + layout.radii[b])[:, None]
        dots = 1 + np.log10(np.maximum(1, crossed)).astype(np.int64)[:, None]
        flow, dot = np.nonzero(np.arange(4) < dots)
        along = (dot + (self._beat % BEATS + 0.5) / BEATS) / dots[flow, 0]
        column, row = (start[flow] + along[:, None] * way[flow]).T / [[1], [2]]
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < rows)
        cells = row[inside].astype(np.int64), column[inside].astype(np.int64)
        cells = tuple(each[layout.owner[cells] < 0] for each in cells)
        canvas.chars[cells], canvas.ink[cells] = "•", canvas.ink_of("good")

    def _rgb(self, tone: str) -> F64:
        colour = self.tone(tone).color
        return np.array(self.ground if colour is None else colour.get_truecolor(), dtype=np.float64)

    def _write_names(self, canvas: Canvas, seen: Seen, layout: BubbleLayout, fills: U8) -> None:
        for label in layout.labels:
            at, cells = label.index, cell_len(label.text)
            size = short(int(seen.found.sizes[at]))
            value = size if self._is_quiet else seen.text(seen.values[at])
            style: str | Style = "good" if at == self.selected else "text"
            if label.inside:
                if not self.in_glyphs:
                    style = contrasting(fills[at])
                wide = max(cells, WIDEST)
                canvas.text(label.x + (wide - cells) // 2, label.y, label.text, style)
                canvas.text(label.x + (wide - len(value)) // 2, label.y + 1, value, style)
                continue
            end = label.x + cells + 1 + WIDEST
            around = (label.y, slice(max(0, label.x - 1), end + 1))  # no tie crosses the text
            canvas.chars[around][layout.owner[around] < 0] = " "
            canvas.text(label.x, label.y, label.text, style)
            canvas.text(label.x + cells + 1, label.y, value, style)

    def _describe(self, seen: Seen) -> tuple[str, str]:
        """Return name and facts of the community under mouse or cursor, else of all communities."""
        found, at = seen.found, self.selected if self._hover is None else self._hover
        if not 0 <= at < len(found.names):
            known = "known " if found.label == "known" else ""
            origin = f" ({found.label})" if found.label and not known else ""
            return "", counted(self.shown, all_of(found), known) + origin
        facts = f"{plural(int(found.sizes[at]), 'member')}, {seen.text(float(seen.values[at]))}"
        onset = int(found.onset[at]) if at < self.shown else -1
        facts += f", first at tick {count(onset)}" if onset >= 0 and seen.measure == "ever" else ""
        return found.names[at], facts
