"""The communities as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from sim.core import plural
from tui.draw.canvas import Canvas, nice_ticks
from tui.draw.panes import PixelPane
from tui.draw.table import ColumnTable, TableColumn
from tui.safe_text import line
from tui.text import count, percent

if TYPE_CHECKING:
    from sim.runtime import Frame


Order = Literal["size", "adoption", "onset", "name"]
"""Orders of communities, by what comes first: largest, most adopted, earliest, alphabetical."""

SHORTEST = 10
"""Minimum ticks on the time axis."""
LONGEST_NAME = 24
"""Maximum cells of a row's label."""


def ranked(
    order: Order,
    names: Sequence[str],
    sizes: NDArray[np.int64],
    adopted: NDArray[np.int64],
    onset: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the communities in an order, int64 (c,); ties keep their previous order."""
    if order == "name":
        keys = [name.casefold() for name in names]
        return np.array(sorted(range(len(names)), key=keys.__getitem__), dtype=np.int64)
    if order == "onset":
        never = np.iinfo(np.int64).max
        return np.argsort(np.where(onset < 0, never, onset), kind="stable")
    if order == "adoption":
        return np.argsort(-(adopted / np.maximum(sizes, 1)), kind="stable")
    return np.argsort(-sizes, kind="stable")


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells of the heat map: `top` is the first row shown, ticks are absolute."""

    x: int
    rows: int
    columns: int
    top: int
    start: int
    stop: int

    def column(self, tick: int) -> int:
        """Return the column of a tick, counted from the edge of the canvas."""
        share = (tick - self.start) / (self.stop - self.start + 1)
        return self.x + min(self.columns - 1, int(share * self.columns + 0.5))


class CommunityHeat(PixelPane):
    """A row per community, a column per span of ticks; the colour is the adopted share."""

    HELP = (
        "Each row is a community, each column a span of ticks, and the colour the share of members "
        "who have adopted (always on a scale of 0 to 100 %). Arrows move the cursor, whose value "
        "is shown below; S sorts the rows by size, adoption, onset or name; Enter selects the "
        "community."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "row(-1)", "Previous community", id="heat-up", show=False),
        Binding("down", "row(1)", "Next community", id="heat-down", show=False),
        Binding("pageup", "page(-1)", "Page up", id="heat-page-up", show=False),
        Binding("pagedown", "page(1)", "Page down", id="heat-page-down", show=False),
        Binding("left", "point(-1)", "Earlier", id="heat-left", show=False),
        Binding("right", "point(1)", "Later", id="heat-right", show=False),
        Binding("home", "first", "First tick", id="heat-first", show=False),
        Binding("end", "newest", "Follow the newest tick", id="heat-newest", show=False),
        Binding("S", "order", "Sort the rows", id="heat-order", show=False),
        Binding("enter", "choose", "Select this community", id="heat-choose", show=False),
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
        self.selected = 0
        self.order: Order = "onset"
        self._names: tuple[str, ...] = ()
        self._sizes = self._adopted = self._onset = np.zeros(0, dtype=np.int64)
        self._heat: NDArray[np.float32] = np.zeros((0, 0), dtype=np.float32)
        self._ticks = np.zeros(0, dtype=np.int64)
        self._rank = np.zeros(0, dtype=np.int64)
        self._cursor: int | None = None
        self._top = 0
        # Until the cursor is moved, the first rows are shown, wherever it is.
        self._touched = False
        self._grid: Grid | None = None

    def show(self, frame: Frame) -> None:
        found = frame.communities
        if found is None:
            none = np.zeros(0, dtype=np.int64)
            self.draw((), none, none, none, np.zeros((0, 0), dtype=np.float32), none)
        else:
            self.draw(
                found.names,
                found.sizes,
                found.adopted,
                found.onset,
                found.heat,
                found.heat_ticks,
            )

    def draw(
        self,
        names: Sequence[str],
        sizes: NDArray[np.int64],
        adopted: NDArray[np.int64],
        onset: NDArray[np.int64],
        heat: NDArray[np.float32],
        ticks: NDArray[np.int64],
    ) -> None:
        """Show communities; nothing is redrawn if the same arrays are already shown."""
        if heat is self._heat and adopted is self._adopted and tuple(names) == self._names:
            return
        if tuple(names) != self._names:
            self.selected, self._top, self._touched = 0, 0, False
        if len(ticks) < len(self._ticks):
            self._cursor = None
        self._names, self._heat, self._ticks = tuple(names), heat, ticks
        self._sizes, self._adopted, self._onset = sizes, adopted, onset
        self._rerank()
        self.changed()

    # -- keys and mouse -----------------------------------------------------------------------

    def select(self, index: int) -> None:
        """Move the cursor to a community, without a message."""
        if index != self.selected and 0 <= index < len(self._names):
            self.selected, self._touched = index, True
            self.changed()

    def sort_by(self, order: Order) -> None:
        """Order the rows; the cursor stays on its community."""
        self.order = order
        self._rerank()
        self.changed()

    def action_order(self) -> None:
        orders = get_args(Order)
        self.sort_by(orders[(orders.index(self.order) + 1) % len(orders)])

    def action_row(self, rows: int) -> None:
        if not len(self._rank):
            return
        self._touched = True
        row = min(max(0, self._row() + rows), len(self._rank) - 1)
        self.select(int(self._rank[row]))
        self.post_message(self.Selected(self.selected))

    def action_page(self, pages: int) -> None:
        self.action_row(pages * max(1, self._grid.rows if self._grid else 10))

    def action_point(self, columns: int) -> None:
        if not len(self._ticks):
            return
        grid = self._grid
        stride = 1
        if grid is not None:
            stride = max(1, round((grid.stop - grid.start + 1) / max(1, grid.columns)))
        first, last = int(self._ticks[0]), int(self._ticks[-1])
        there = (last if self._cursor is None else self._cursor) + columns * stride
        self._cursor = None if there >= last and columns > 0 else min(max(first, there), last)
        self.changed()

    def action_first(self) -> None:
        self._cursor = int(self._ticks[0]) if len(self._ticks) else None
        self.changed()

    def action_newest(self) -> None:
        self._cursor = None
        self.changed()

    def action_choose(self) -> None:
        if self._names:
            self.post_message(self.Chosen(self.selected))

    def on_click(self, event: events.Click) -> None:
        offset, grid = event.get_content_offset(self), self._grid
        if offset is None or grid is None or not 0 <= offset.y < grid.rows:
            return
        row = grid.top + offset.y
        if row < len(self._rank):
            if 0 <= offset.x - grid.x < grid.columns and len(self._ticks):
                share = (offset.x - grid.x) / grid.columns
                tick = grid.start + int(share * (grid.stop - grid.start + 1))
                self._cursor = min(tick, int(self._ticks[-1]))
            self.selected = int(self._rank[row])
            self.changed()
            self.post_message(self.Selected(self.selected))

    def _rerank(self) -> None:
        self._rank = ranked(self.order, self._names, self._sizes, self._adopted, self._onset)

    def _row(self) -> int:
        found = np.flatnonzero(self._rank == self.selected)
        return int(found[0]) if len(found) else 0

    # -- drawing ------------------------------------------------------------------------------

    def paint(self, width: int, height: int) -> list[Strip]:
        """Draw the rows with their names, the ticks, and the value under the cursor."""
        canvas = self.canvas(width, height)
        if not self._names:
            self._grid = None
            self.write_placeholder(canvas)
            return canvas.strips()
        grid = self._grid = self._place(width, height)
        self._write_names(canvas, grid)
        if grid.columns > 0 and len(self._ticks):
            self._paint_cells(canvas, grid)
            self._write_cursor(canvas, grid)
            if height - grid.rows >= 2:
                self._write_ticks(canvas, grid)
        if height > grid.rows:
            self.write_foot(canvas, self._names[self.selected], self._fact())
        return canvas.strips()

    def _place(self, width: int, height: int) -> Grid:
        feet = 2 if height >= 5 else 1 if height >= 3 else 0
        rows = max(1, min(height - feet, len(self._names)))
        if self._touched:
            row = self._row()
            self._top = min(max(self._top, row - rows + 1), row)
        self._top = max(0, min(self._top, len(self._names) - rows))
        longest = max(cell_len(line(name, LONGEST_NAME)) for name in self._names)
        x = min(longest, width // 3) + 1 if width >= 12 else 0
        start = int(self._ticks[0]) if len(self._ticks) else 0
        last = int(self._ticks[-1]) if len(self._ticks) else 0
        return Grid(x, rows, width - x, self._top, start, max(last, start + SHORTEST - 1))

    def _write_names(self, canvas: Canvas, grid: Grid) -> None:
        if not grid.x:
            return
        text, chosen = canvas.ink_of(self.tone("text")), canvas.ink_of(self.tone("good"))
        cursor = canvas.ink_of(self.tone("cursor"))
        for y, index in enumerate(self._rank[grid.top : grid.top + grid.rows].tolist()):
            ink = text
            if index == self.selected:
                ink = cursor if self.has_focus else chosen
                canvas.ink[y, : grid.x - 1] = ink
            canvas.text(0, y, self._names[index], ink, room=grid.x - 1)

    def _paint_cells(self, canvas: Canvas, grid: Grid) -> None:
        halves = 2 * grid.columns
        times = grid.start + (np.arange(halves) + 0.5) / halves * (grid.stop - grid.start + 1)
        places = np.searchsorted(self._ticks, np.floor(times).astype(np.int64))
        known = places < len(self._ticks)
        rows = self._rank[grid.top : grid.top + grid.rows]
        shares = self._heat[rows][:, np.minimum(places, len(self._ticks) - 1)]
        if self.in_glyphs:
            cells = np.where(known, shares, np.nan)[:, 1::2].astype(np.float64)
            area = (slice(0, len(rows)), slice(grid.x, grid.x + grid.columns))
            canvas.chars[area] = self.density(cells)
            canvas.ink[area] = canvas.ink_of(self.tone("line"))
            return
        pixels = self.shade(shares)
        pixels[~(known & np.isfinite(shares))] = self.ground
        canvas.side_blocks(grid.x, 0, pixels)

    def _write_cursor(self, canvas: Canvas, grid: Grid) -> None:
        if self._cursor is None:
            return
        x, y = grid.column(self._cursor), self._row() - grid.top
        if 0 <= y < grid.rows:
            canvas.chars[y, x] = "+" if self.symbols == "ascii" else "◆"
            canvas.ink[y, x] = canvas.ink_of(self.tone("cursor"))

    def _write_ticks(self, canvas: Canvas, grid: Grid) -> None:
        ink = canvas.ink_of(self.tone("muted"))
        mark = -9
        if self._cursor is not None:
            mark = grid.column(self._cursor)
            canvas.text(mark, grid.rows, "^", canvas.ink_of(self.tone("good")))
        ticks = nice_ticks(grid.start, grid.stop, max(1, grid.columns // 12))
        labels = [(canvas.width - len(count(grid.stop)), count(grid.stop))]
        labels += [(grid.column(tick), count(tick)) for tick in ticks]
        taken = [(mark, mark)]
        for x, label in labels:
            end = x + len(label)
            free = all(end < first or x > last for first, last in taken)
            if free and grid.x <= x and end <= canvas.width:
                canvas.text(x, grid.rows, label, ink)
                taken.append((x, end))

    def _fact(self) -> str:
        size = count(int(self._sizes[self.selected]))
        if not len(self._ticks):
            return plural(int(self._sizes[self.selected]), "member")
        tick = int(self._ticks[-1]) if self._cursor is None else self._cursor
        at = min(int(np.searchsorted(self._ticks, tick)), len(self._ticks) - 1)
        share = float(self._heat[self.selected, at])
        value = percent(share) if np.isfinite(share) else "unknown"
        return f"tick {count(tick)}: {value} of {size}"


_COLUMNS = (
    TableColumn("members", 9, numeric=True, least=8, rank=1, descending=True),
    TableColumn("adopted", 9, numeric=True, least=8, rank=4, descending=True),
    TableColumn("share", 6, numeric=True, rank=2, descending=True),
    TableColumn("first adopted", 13, numeric=True, least=13, rank=3),
    TableColumn("community", 26, least=14, rank=0),
    TableColumn("most followed", 40, least=13, rank=5),
)
_SORTS = {"size": (0, True), "adoption": (2, True), "onset": (3, False), "name": (4, False)}


@dataclass(frozen=True, slots=True, eq=False)
class CommunityRows:
    """Communities as rows of a table."""

    names: Sequence[str]  # their names, and their best-known members
    sizes: NDArray[np.int64]  # int64 (c,): members, how many adopted, and the tick of the first
    adopted: NDArray[np.int64]
    onset: NDArray[np.int64]
    top: Sequence[Sequence[str]]

    @property
    def columns(self) -> Sequence[TableColumn]:
        """The columns."""
        return _COLUMNS

    def __len__(self) -> int:
        return len(self.names)

    def cells(self, column: int, rows: NDArray[np.int64]) -> Sequence[str]:
        """Return the cells of a column for some rows."""
        if column == 0:
            return [count(size) for size in self.sizes[rows].tolist()]
        if column == 1:
            return [count(size) for size in self.adopted[rows].tolist()]
        if column == 2:
            return [percent(share) for share in self._shares()[rows].tolist()]
        if column == 3:
            return [count(tick) if tick >= 0 else "-" for tick in self.onset[rows].tolist()]
        if column == 4:
            return [self.names[row] for row in rows.tolist()]
        return [", ".join(self.top[row]) for row in rows.tolist()]

    def keys(self, column: int) -> NDArray[Any]:
        """Return the sort keys of a column."""
        if column == 3:
            return np.where(self.onset < 0, np.nan, self.onset)
        if column >= 4:
            texts = self.names if column == 4 else [" ".join(each) for each in self.top]
            return np.array([text.casefold() for text in texts], dtype=np.str_)
        return (self.sizes, self.adopted, self._shares())[column]

    def _shares(self) -> NDArray[np.float64]:
        shares: NDArray[np.float64] = self.adopted / np.maximum(self.sizes, 1)
        return shares


class CommunityTable(ColumnTable):
    """Members, adoption, onset, name and most followed members of every community."""

    HELP = (
        "Every community: number of members, number and share of adopters, tick of the first "
        "adoption, name, and most followed members. " + ColumnTable.HELP
    )

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self.placeholder = "This world has no communities."
        self._shown: CommunityRows | None = None

    def show(self, frame: Frame) -> None:
        found = frame.communities
        if found is None:
            none = np.zeros(0, dtype=np.int64)
            self.list_communities((), none, none, none, ())
        else:
            self.list_communities(found.names, found.sizes, found.adopted, found.onset, found.top)

    def list_communities(
        self,
        names: Sequence[str],
        sizes: NDArray[np.int64],
        adopted: NDArray[np.int64],
        onset: NDArray[np.int64],
        top: Sequence[Sequence[str]],
    ) -> None:
        """Show communities; nothing is redrawn if the same arrays are already shown."""
        old = self._shown
        if old is not None and names is old.names and adopted is old.adopted:
            return
        self._shown = CommunityRows(names, sizes, adopted, onset, top)
        self.fill(self._shown)

    def sort_by(self, order: Order) -> None:
        """Sort by size, adoption, onset or name, like the other views of communities."""
        column, descending = _SORTS[order]
        self.sort(column, descending=descending)
