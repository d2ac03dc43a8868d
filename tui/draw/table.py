"""The table of all lists: columns of values, order, cursor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView

from sim.arrays import I64, U32, Array, Bools
from tui.draw.canvas import Canvas
from tui.draw.panes import FAR, StripPane
from tui.text import count

GAP = 2
"""Cells between two columns."""


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column of a table."""

    title: str  # its heading, with the unit if it has one
    width: int  # maximum cells; the last column shown takes the remaining space
    numeric: bool = False  # whether it is right-aligned
    least: int = 0  # minimum cells
    rank: int = 0  # columns of the lowest rank stay when the table is narrow
    descending: bool = False

    @property
    def narrowest(self) -> int:
        """Minimum cells; with fewer the column is omitted."""
        return min(self.width, self.least or self.width)


class Held:
    """Values in an array; negative integers and NaN are unknown, and sorted last."""

    def __init__(
        self, values: Array, show: Callable[[Any], str] = count,
        keys: Callable[[], Array] | None = None,
    ) -> None:  # fmt: skip
        self.values, self.show, self._keys = values, show, keys

    def cells(self, places: I64) -> list[str]:
        unknown = self._unknown(found := self.values[places]).tolist()
        pairs = zip(found.tolist(), unknown, strict=True)
        return ["-" if lacks else self.show(value) for value, lacks in pairs]

    def keys(self) -> Array:
        if self._keys is not None:
            return self._keys()
        if self.values.dtype.kind in "OU":
            return np.array([str(text).casefold() for text in self.values.tolist()], np.str_)
        unknown = self._unknown(self.values)
        return np.where(unknown, np.nan, self.values) if unknown.any() else self.values

    @staticmethod
    def _unknown(values: Array) -> Bools:
        kind = values.dtype.kind
        found: Bools = values < 0 if kind == "i" else np.zeros(len(values), np.bool_)
        return np.isnan(values) if kind == "f" else found


def texts(words: Iterable[str], keys: Sequence[Any] | None = None) -> Held:
    """Return a column of texts, sorted by its keys if it has any."""
    values = np.array([*words], object)
    return Held(values, str, None if keys is None else lambda: np.array(keys))


class ListedRows:
    """The rows of a table from the values of its columns: all of them, or those at some places.

    Rows never change: new data come in new ones, and only visible cells are asked for. Texts from
    outside belong in the last columns, where widths matter least.
    """

    def __init__(
        self, columns: Sequence[TableColumn], values: Sequence[Held], total: int,
        places: Array | None = None,
    ) -> None:  # fmt: skip
        self.columns, self.total, self.listed = columns, total, places
        self._values = values

    def __len__(self) -> int:
        return self.total if self.listed is None else len(self.listed)

    def places(self, rows: I64) -> I64:
        return rows if self.listed is None else self.listed[rows].astype(np.int64)

    def row_of(self, place: int) -> int:
        """Return the row that shows a place; -1 if none does."""
        if self.listed is None:
            return place if 0 <= place < self.total else -1
        found = np.flatnonzero(self.listed == place)
        return int(found[0]) if found.size else -1

    def cells(self, column: int, rows: I64) -> list[str]:
        return self._values[column].cells(self.places(rows))

    def keys(self, column: int) -> Array:
        keys = self._values[column].keys() if self._values else np.zeros(0)
        return keys if self.listed is None else keys[self.listed]


def row_order(keys: Array, *, descending: bool) -> U32:
    """Return row numbers in the order of their keys, uint32 (rows,); the sort is stable."""
    if not descending:
        return np.argsort(keys, kind="stable").astype(np.uint32)
    count = len(keys)
    order = (count - 1 - np.argsort(keys[::-1], kind="stable")[::-1]).astype(np.uint32)
    if keys.dtype.kind == "f":
        unknown = int(np.isnan(keys).sum())
        order = np.concatenate([order[unknown:], order[:unknown]])
    return order


def fit(columns: Sequence[TableColumn], width: int, wanted: int = 0) -> list[tuple[int, int, int]]:
    """Select the columns that fit, and their widths."""
    ranks = sorted(range(len(columns)), key=lambda i: (i != wanted, columns[i].rank, i))
    chosen: list[int] = []
    left = width + GAP
    for index in ranks:
        need = columns[index].narrowest + GAP
        if need > left and chosen:
            break
        chosen.append(index)
        left -= need
    left, last = max(0, left), max(chosen)
    cells = {index: columns[index].narrowest for index in chosen}
    for index in sorted(chosen, key=lambda i: (columns[i].numeric, i)):
        grown = min(left, columns[index].width - cells[index])
        cells[index], left = cells[index] + grown, left - grown
    placed, x = [], 0
    for index in sorted(chosen):
        cells[index] = min(cells[index], width - x)
        if index == last and not columns[index].numeric:
            cells[index] += left
        placed.append((index, x, cells[index]))
        x += cells[index] + GAP
    return placed


AT_ONCE = 20_000
"""Maximum rows sorted immediately; more are sorted in a thread."""


class ColumnTable(StripPane, ScrollView, inherit_bindings=False):
    """Rows under headings, with a cursor that stays on its row."""

    HELP = (
        "Up and down move the cursor, left and right select a column, S sorts by it (again: "
        "reverses the order), Enter selects the row."
    )
    DEFAULT_CSS = """
    ColumnTable { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Previous row", id="table-up", show=False),
        Binding("down", "move(1)", "Next row", id="table-down", show=False),
        Binding("pageup", "page(-1)", "Page up", id="table-page-up", show=False),
        Binding("pagedown", "page(1)", "Page down", id="table-page-down", show=False),
        Binding("home", f"move({-FAR})", "First row", id="table-first", show=False),
        Binding("end", f"move({FAR})", "Last row", id="table-last", show=False),
        Binding("left", "column(-1)", "Previous column", id="table-left", show=False),
        Binding("right", "column(1)", "Next column", id="table-right", show=False),
        Binding("enter", "choose", "Select this row", id="table-choose", show=False),
    ]

    class Sorted(Message):
        """The rows are in a new order."""

        def __init__(self, column: TableColumn, *, descending: bool) -> None:
            super().__init__()
            self.column, self.descending = column, descending

    placeholder = reactive("No rows.")
    selected = 0
    _rows = ListedRows((), (), 0)
    _order: U32 | None = None
    _sort: tuple[int, bool] | None = None
    _column = _at = 0

    # -- data -----------------------------------------------------------------------------------

    def fill(self, rows: ListedRows, at: int | None = None) -> None:
        """Show rows; order and cursor are kept, or the cursor is put on the row `at`."""
        is_other = len(rows) != len(self._rows) or at is not None
        self._rows = rows
        if self._sort is not None and self._sort[0] >= len(rows.columns):
            self._sort = self._order = None
        self.selected = min(max(0, self.selected if at is None else at), max(0, len(rows) - 1))
        if self._sort is not None:
            if self._is_quick(self._sort[0]):
                self._order = row_order(rows.keys(self._sort[0]), descending=self._sort[1])
            elif is_other:
                self._order = None
                self._sort_apart(to_top=False)
        self._at = self._place_of(self.selected)
        self._column = min(self._column, max(0, len(rows.columns) - 1))
        # A header, and a row for each; the width follows the pane.
        self.virtual_size = Size(1, len(rows) + 1)
        if at is None:
            self.changed()
        else:
            self._show_cursor()

    def select(self, row: int) -> None:
        """Move the cursor to a row, without a message."""
        if 0 <= row < len(self._rows) and row != self.selected:
            self.selected, self._at = row, self._place_of(row)
            self._show_cursor()

    def sort(self, column: int, *, descending: bool) -> None:
        """Sort by a column and go to the top; a long table stays usable meanwhile."""
        if not 0 <= column < len(self._rows.columns):
            return
        self._sort, self._column = (column, descending), column
        if self._is_quick(column):
            self._take_order(row_order(self._rows.keys(column), descending=descending), to_top=True)
        else:
            self._sort_apart(to_top=True)

    @property
    def titles(self) -> tuple[str, ...]:
        return tuple(column.title for column in self._rows.columns)

    def _is_quick(self, column: int) -> bool:
        """Whether a column can be sorted at once."""
        return len(self._rows) <= AT_ONCE and column >= 0

    async def fetch_keys(self, column: int) -> None:
        """Fetch what a column is sorted by, if it is not held."""

    def _sort_apart(self, *, to_top: bool) -> None:
        if self._sort is None:
            return
        rows, sort = self._rows, self._sort
        self.border_subtitle = Content(f"sorting by {rows.columns[sort[0]].title} ...")
        self.changed()
        work: Any = partial(self._sort_later, rows, sort, to_top)
        self.run_worker(work, group="sort", exclusive=True)

    async def _sort_later(self, rows: ListedRows, sort: tuple[int, bool], to_top: bool) -> None:
        await self.fetch_keys(sort[0])
        order = await asyncio.to_thread(lambda: row_order(rows.keys(sort[0]), descending=sort[1]))
        if sort == self._sort and len(order) == len(self._rows):
            self._take_order(order, to_top=to_top)

    def _take_order(self, order: U32, *, to_top: bool) -> None:
        self._order = order
        if to_top and len(order):
            self.selected = int(order[0])
        self._at = self._place_of(self.selected)
        self.border_subtitle = Content("")
        self._show_cursor()
        if to_top and self._sort is not None:
            column, descending = self._sort
            self.post_message(self.Sorted(self._rows.columns[column], descending=descending))
            self.post_message(self.Selected(self, self.selected))

    def _place_of(self, row: int) -> int:
        if self._order is None or row >= len(self._order):
            return row
        return int(np.flatnonzero(self._order == row)[0])

    def _rows_at(self, start: int, stop: int) -> I64:
        if self._order is None:
            return np.arange(start, stop, dtype=np.int64)
        return self._order[start:stop].astype(np.int64)

    # -- keys and mouse -------------------------------------------------------------------------

    def action_move(self, rows: int) -> None:
        self._go(self._at + rows)

    def action_page(self, pages: int) -> None:
        self._go(self._at + pages * max(1, self._page))

    def action_column(self, columns: int) -> None:
        self._column = min(max(0, self._column + columns), max(0, len(self._rows.columns) - 1))
        self.changed()

    def action_sort(self, column: int = -1) -> None:
        """Sort by a column, or that of the cursor; the same one again reverses the order."""
        if not self._rows.columns:
            return
        column = self._column if column < 0 else column
        descending = self._rows.columns[column].descending
        if self._sort is not None and self._sort[0] == column:
            descending = not self._sort[1]
        self.sort(column, descending=descending)

    def action_choose(self) -> None:
        if len(self._rows):
            self.post_message(self.Chosen(self, self.selected))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None or not self._rows.columns:
            return
        if offset.y == 0:
            for index, x, cells in fit(self._rows.columns, self._width, self._column):
                if x <= offset.x < x + cells:
                    self.action_sort(index)
            return
        place = self._top + offset.y - 1
        if place < len(self._rows):
            again = event.chain > 1 and place == self._at
            self._go(place)
            if again:
                self.action_choose()

    def _go(self, place: int) -> None:
        if not len(self._rows):
            return
        self._at = min(max(0, place), len(self._rows) - 1)
        self.selected = int(self._rows_at(self._at, self._at + 1)[0])
        self._show_cursor()
        self.post_message(self.Selected(self, self.selected))

    def _show_cursor(self) -> None:
        if not self._bring_cursor():
            # The rows are newer than the layout, which limits scrolling.
            self.call_after_refresh(self._bring_cursor)
        self.changed()

    def _bring_cursor(self) -> bool:
        """Scroll the cursor into view; return whether it is visible."""
        top = min(max(self._top, self._at - max(1, self._page) + 1), self._at)
        if top != self._top:
            self.scroll_to(y=top, animate=False)
        return top == self._top

    def on_resize(self) -> None:
        self.call_after_refresh(self._bring_cursor)

    # -- drawing --------------------------------------------------------------------------------

    @property
    def _top(self) -> int:
        return self.scroll_offset.y

    @property
    def _page(self) -> int:
        return self.scrollable_content_region.height - 1

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width

    def view(self) -> tuple[int, int, int]:
        return self._width, self.size.height, self._top

    def draw_on(self, canvas: Canvas) -> None:
        top = self._top
        width, height = canvas.width, canvas.height
        if not self._rows.columns or not len(self._rows):
            return
        fitted = fit(self._rows.columns, width, self._column)
        self._write_header(canvas, fitted)
        rows = self._rows_at(top, min(top + height - 1, len(self._rows)))
        here = "cursor" if self.has_focus else "good"
        tones = [here if row == self.selected else "text" for row in rows.tolist()]
        if self.has_focus and here in tones:
            canvas.ink[tones.index(here) + 1] = canvas.ink_of(here)
        for index, x, cells in fitted:
            numeric = self._rows.columns[index].numeric
            for y, text in enumerate(self._rows.cells(index, rows)):
                canvas.text(x, y + 1, text.rjust(cells) if numeric else text, tones[y], room=cells)

    def _write_header(self, canvas: Canvas, fitted: list[tuple[int, int, int]]) -> None:
        up_down = "^v" if self.symbols == "ascii" else "▲▼"
        more = len(fitted) < len(self._rows.columns)
        for index, x, cells in fitted:
            column = self._rows.columns[index]
            title = column.title
            if self._sort is not None and self._sort[0] == index:
                title += up_down[self._sort[1]]
            room = min(cells, canvas.width - x - 2) if more else cells
            start = x + max(0, room - len(title)) if column.numeric else x
            tone = "line" if index == self._column and self.has_focus else "muted"
            canvas.text(start, 0, title, tone, room=room)
        if more:
            canvas.text(canvas.width - 1, 0, ">", "muted")
