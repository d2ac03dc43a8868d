"""The table: order, columns, cursor, and a million rows."""

import asyncio
import math
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.pilot import Pilot

from tests.screens.showing import assert_fills, drawn, screen_of, shown
from tests.screens.test_widgets import five, framed
from tui.draw.community_table import CommunityTable
from tui.draw.panes import FAR
from tui.draw.table import GAP, ColumnTable, ListedRows, TableColumn, fit, row_order

NAMES = ("Iceland", "Peru", "[b]Oman[/b]", "日本 · 電車", "Chad")
SIZES = np.array([500, 400, 300, 200, 100], dtype=np.int64)
ADOPTED = np.array([50, 400, 0, 20, 90], dtype=np.int64)
ONSET = np.array([30, 10, -1, 20, 15], dtype=np.int64)
TOP = [("ann", "bob"), ("eve",), (), ("太郎",), ("zoe",)]


class Rows(ListedRows):
    """A number and its square root, for any count."""

    columns: Sequence[TableColumn] = (
        TableColumn("number", 9, numeric=True),
        TableColumn("hash", 9, numeric=True),
        TableColumn("name", 20, least=6),
    )

    def __init__(self, count: int) -> None:
        super().__init__(self.columns, (), count)
        self.count = count
        self.hash = (np.arange(count, dtype=np.uint64) * np.uint64(2654435761)) % np.uint64(2**32)
        self.asked = self.sorted = 0
        self.may_sort = threading.Event()
        self.may_sort.set()

    def __len__(self) -> int:
        return self.count

    def cells(self, column: int, rows: np.ndarray) -> list[str]:
        self.asked += len(rows)
        shown: Any = self.hash[rows] if column == 1 else rows
        return [f"row {row}" if column == 2 else str(row) for row in shown.tolist()]

    def keys(self, column: int) -> np.ndarray:
        self.may_sort.wait(60)
        self.sorted += 1
        return self.hash if column == 1 else np.arange(self.count)


def fill(table: CommunityTable, adopted: np.ndarray = ADOPTED) -> None:
    table.show(framed(five(names=NAMES, sizes=SIZES, adopted=adopted, onset=ONSET, top=TOP)))


def column_of(pilot: Pilot[None], column: int) -> list[str]:
    """What five rows show in a column."""
    return [line.split()[column] for line in screen_of(pilot).splitlines()[1:6]]


@given(
    st.lists(st.integers(-50, 50) | st.just(math.nan), max_size=60).map(
        lambda values: np.array(values, dtype=np.float64)
    ),
    st.booleans(),
)
def test_rows_are_in_the_order_of_plain_python(keys: np.ndarray, descending: bool) -> None:
    known = [i for i in range(len(keys)) if not math.isnan(keys[i])]
    expected = sorted(known, key=lambda i: -keys[i] if descending else keys[i])
    expected += [i for i in range(len(keys)) if math.isnan(keys[i])]
    assert row_order(keys, descending=descending).tolist() == expected


columns = st.builds(
    TableColumn, st.just("title"), st.integers(1, 40), numeric=st.booleans(),
    least=st.integers(0, 20), rank=st.integers(0, 5),
)  # fmt: skip


@given(st.lists(columns, min_size=1, max_size=8), st.integers(1, 170), st.data())
def test_columns_fit_without_overlap_and_the_wanted_one_is_there(
    all_: list[TableColumn], width: int, data: st.DataObject
) -> None:
    wanted = data.draw(st.integers(0, len(all_) - 1))
    placed = fit(all_, width, wanted)
    assert wanted in [index for index, _, _ in placed]
    assert [index for index, _, _ in placed] == sorted(index for index, _, _ in placed)
    end = -GAP
    for _, x, cells in placed:
        assert x == end + GAP
        end = x + cells
    assert end <= width


async def test_the_table_of_communities_shows_every_figure() -> None:
    async with drawn(CommunityTable(), fill, (100, 10)) as (_, pilot):
        lines = screen_of(pilot).splitlines()
    heading = "members ever adopted first adopted community most followed"
    assert " ".join(lines[0].split()) == heading
    assert lines[2].split() == ["400", "400", "100.0%", "10", "Peru", "eve"]
    assert "-  [b]Oman[/b]" in lines[3]
    assert lines[4].split() == ["200", "20", "10.0%", "20", "日本", "·", "電車", "太郎"]


async def test_a_narrow_table_keeps_members_and_name() -> None:
    async with drawn(CommunityTable(), fill, (26, 8)) as (_, pilot):
        lines = screen_of(pilot).splitlines()
    assert lines[1].split()[:2] == ["500", "Iceland"]
    assert lines[0].rstrip().endswith(">")


async def test_sorting_keeps_the_cursor_on_its_row_also_in_later_frames() -> None:
    async with drawn(CommunityTable(), fill, (100, 10)) as (table, pilot):
        await pilot.press("down", "right")
        table.action_sort()
        await pilot.pause()
        assert column_of(pilot, 0) == ["400", "100", "500", "200", "300"]
        assert (table.selected, table._at) == (1, 0)  # sorting goes to the top
        fill(table, np.array([500, 0, 300, 200, 1]))
        await pilot.pause()
        assert (table.selected, table._at) == (1, 4)
        table.action_sort()
        await pilot.pause()
        assert (table.selected, table._at) == (1, 0)
        assert "ever adopted▲" in screen_of(pilot)


async def test_orders_have_the_names_of_the_other_views() -> None:
    async with drawn(CommunityTable(), fill, (100, 10)) as (table, pilot):
        firsts = {}
        for order in ("size", "adoption", "onset", "name"):
            table.sort_by(order)
            await pilot.pause()
            firsts[order] = screen_of(pilot).splitlines()[1].split()[4]
    assert firsts == {"size": "Iceland", "adoption": "Peru", "onset": "Peru", "name": "[b]Oman[/b]"}


async def test_headings_and_rows_can_be_clicked() -> None:
    async with drawn(CommunityTable(), fill, (100, 10)) as (table, pilot):
        at = screen_of(pilot).splitlines()[0].index("first adopted")
        await pilot.click(CommunityTable, (at, 0))
        assert column_of(pilot, 3) == ["10", "15", "20", "30", "-"]
        await pilot.click(CommunityTable, (at, 0))
        assert column_of(pilot, 3) == ["30", "20", "15", "10", "-"]
        await pilot.click(CommunityTable, (5, 1))
        assert table.selected == table._rows_at(0, 1)[0]


async def test_empty_tables_say_so_and_take_every_key() -> None:
    table = CommunityTable()
    async with shown(table, (40, 6)) as pilot:
        for _ in range(2):
            await pilot.press("down", "end", "right", "enter", "pageup")
            assert "No communities" in screen_of(pilot)
            none = np.zeros(0, dtype=np.int64)
            table.show(framed(five(names=(), sizes=none, adopted=none, onset=none, top=())))


async def test_a_million_rows_open_at_once_and_only_the_seen_are_fetched() -> None:
    rows, table = Rows(1_000_000), ColumnTable()
    async with shown(table, (100, 40)) as pilot:
        table.fill(rows)
        table.render_line(0)
        assert 0 < rows.asked <= 3 * 40
        assert rows.sorted == 0
        table.action_move(FAR)
        while "999999" not in screen_of(pilot):
            await pilot.pause(0.01)
        # Three columns of a screenful, once where it was and once where it went.
        assert rows.asked <= 4 * 3 * 40


async def test_a_million_rows_are_sorted_while_keys_still_work() -> None:
    rows, table = Rows(1_000_000), ColumnTable()
    async with shown(table, (100, 40)) as pilot:
        rows.may_sort.clear()
        table.fill(rows)
        table.sort(1, descending=True)
        await pilot.press("down")
        assert table.selected == 1
        assert table._order is None
        rows.may_sort.set()
        while table._order is None:
            await pilot.pause(0.01)
        assert rows.sorted == 1
        await pilot.press("home")
        assert table.selected == int(np.argmax(rows.hash))
        assert table._order.dtype == np.uint32


async def test_the_wheel_scrolls_rows() -> None:
    async with drawn(ColumnTable(), lambda one: one.fill(Rows(500)), (60, 10)) as (table, pilot):
        table.scroll_to(y=100, animate=False)
        await pilot.pause()
        assert screen_of(pilot).splitlines()[1].split()[0] == "100"


@pytest.mark.parametrize("width", [1, 3, 10, 20, 60, 170])
@pytest.mark.parametrize("height", [1, 2, 3, 30])
async def test_rows_fill_any_size(width: int, height: int) -> None:
    async with drawn(ColumnTable(), lambda one: one.fill(Rows(50)), (40, 10)) as (table, _):
        for top in (0, 30, 45):
            table.scroll_to(y=top, animate=False)
            assert_fills(table.paint(width, height), width, height)


@given(st.integers(0, 40), st.lists(st.sampled_from(["up", "down", "home", "end"]), max_size=8))
@settings(deadline=None, max_examples=15)
def test_the_cursor_never_leaves_the_rows(count: int, keys: list[str]) -> None:
    async def run() -> None:
        table = ColumnTable()
        async with shown(table, (40, 8)) as pilot:
            table.fill(Rows(count))
            await pilot.press(*keys)
            assert 0 <= table.selected < max(1, count)
            await pilot.pause()
            assert not count or f"row {table.selected}" in screen_of(pilot)
            table.fill(Rows(count // 9))
            assert 0 <= table.selected < max(1, count // 9)

    asyncio.run(run())
