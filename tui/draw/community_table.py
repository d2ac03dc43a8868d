"""What is shown of communities, their course over time, and their table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.reactive import reactive

from sim.arrays import F64, I64
from sim.core import plural
from sim.runtime import Communities, Frame
from tui.draw.canvas import Canvas, View, nice_ceiling
from tui.draw.curves import Plot, TickPane, write_ticks
from tui.draw.panes import PixelPane
from tui.draw.table import ColumnTable, Held, ListedRows, TableColumn, texts
from tui.safe_text import line
from tui.text import count, percent, real_rows, short, titled_count

Order = Literal["size", "adoption", "onset", "name"]
"""Orders of communities, by what comes first: largest, most adopted, earliest, alphabetical."""

MEASURES = {
    "ever": "Ever adopted",
    "spreading": "Spreading now",
    "new": "New this tick",
    "opinion": "Mean opinion",
    "impressions": "Impressions per member",
}
"""What can be shown of communities, and its title."""

LONGEST_NAME = 24
"""Maximum cells of a row's label."""
REMEMBERED = 400
"""Ticks of which measures without a course in the frame are remembered."""


def offered(frame: Frame) -> list[str]:
    """Return the measures known in a frame, the most telling first."""
    found, focus = frame.communities, frame.focus
    if found is None:
        return ["ever"]
    adoption = ["ever"] if focus is not None else []
    adoption += ["spreading"] * bool((found.spreading >= 0).any() and focus is not None)
    adoption += ["new"] * bool(len(found.new) and focus is not None)
    opinion = ["opinion"] * bool(np.isfinite(found.opinion).any())
    impressions = ["impressions"] * bool(found.impressions.any())
    is_opinions = focus is not None and bool({"for", "against"} & set(focus.states))
    known = opinion + adoption if is_opinions else adoption + opinion
    return (known + impressions if adoption else impressions + known) or ["ever"]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """The communities as one measure shows them."""

    found: Communities
    measure: str
    values: F64  # (c,), NaN: unknown
    most: float  # the value at the upper end of the colours
    rows: Sequence[str]  # of the course: communities, or bands of opinion
    course: F64  # (rows, columns), NaN: unknown
    ticks: I64  # at which each column ends

    @property
    def diverging(self) -> bool:
        return self.measure == "opinion"

    @property
    def is_bands(self) -> bool:
        """Whether the rows of the course are bands of opinion."""
        return self.rows is not self.found.names

    def places(self, values: F64) -> F64:
        """Return the places of values on the colours, in [0, 1]."""
        return (values + 1) / 2 if self.diverging else values / self.most

    def text(self, value: float) -> str:
        """Write a value in five cells at most."""
        if not np.isfinite(value):
            return "-"
        if self.measure == "opinion":
            return f"{value:+.2f}"
        if self.measure == "impressions":
            return short(value)
        return "<1 %" if 0 < value < 0.005 else f"{100 * value:.0f} %"

    @property
    def ends(self) -> tuple[str, str]:
        """The values at both ends of the colours."""
        return ("-1", "+1") if self.diverging else ("0", self.text(self.most))


def values_of(found: Communities, measure: str) -> F64:
    """Return a measure of every community, NaN where it is unknown."""
    if measure == "opinion":
        return np.resize(found.opinion.astype(np.float64), len(found.names))
    known = {"ever": found.adopted}.get(measure, getattr(found, measure, found.adopted))
    values = known.astype(np.float64) if len(known) else np.full(len(found.names), np.nan)
    return np.where(values < 0, np.nan, values) / np.maximum(found.sizes, 1)


class Past:
    """Values of ticks that were shown, of measures without a course in the frame."""

    def __init__(self) -> None:
        self._measure = ""
        self._columns: dict[int, F64] = {}

    def with_now(self, measure: str, tick: int, values: F64) -> tuple[F64, I64]:
        """Remember the newest values; return all, (c, columns), and their ticks."""
        known = self._columns
        if measure != self._measure or any(len(each) != len(values) for each in known.values()):
            known = {}
        self._measure = measure
        self._columns = {at: each for at, each in known.items() if at < tick} | {tick: values}
        if len(self._columns) > REMEMBERED:
            del self._columns[next(iter(self._columns))]
        ticks = np.array(list(self._columns), dtype=np.int64)
        return np.stack(list(self._columns.values()), axis=1), ticks


def measure_in(frame: Frame, measure: str) -> str:
    """Return a measure, or the most telling one if it is not known in a frame."""
    known = offered(frame)
    return measure if measure in known else known[0]


def look(found: Communities, measure: str, tick: int = 0, past: Past | None = None) -> Seen:
    """Return communities by a measure, with its course if there is a past."""
    values, ticks = values_of(found, measure), found.heat_ticks
    course, rows, most = found.heat.astype(np.float64), found.names, 1.0
    if measure == "new":
        gaps = np.diff(ticks, prepend=ticks[:1] - 1)
        course = np.diff(course, axis=1, prepend=0.0) / np.maximum(gaps, 1)
        most = _ceiling(course, values)
    elif measure == "opinion" and past is not None:
        course = found.opinion_heat[::-1].astype(np.float64)
        bands = np.linspace(1, -1, 2 * len(course) + 1)[1::2]
        rows = tuple(f"{band:+.2f}" for band in bands)
    elif measure in {"spreading", "impressions"} and past is not None:
        course, ticks = past.with_now(measure, tick, values)
        most = _ceiling(course) if measure == "impressions" else 1.0
    elif measure == "impressions":
        most = _ceiling(values)
    return Seen(found, measure, values, most, rows, course, ticks[: course.shape[1]])


def _ceiling(*known: F64) -> float:
    return nice_ceiling(max(float(np.nanmax(each, initial=0.0)) for each in known))


def ranked(order: Order, found: Communities) -> I64:
    """Return the communities in an order, int64 (c,); ties keep their previous order."""
    onset = np.where(found.onset < 0, np.inf, found.onset)
    keys = {
        "size": -found.sizes, "adoption": -values_of(found, "ever"), "onset": onset,
        "name": np.array([name.casefold() for name in found.names], np.str_),
    }  # fmt: skip
    return np.argsort(keys[order], kind="stable")


class CommunityPane(PixelPane):
    """A picture of communities, one of which can be selected and chosen."""

    placeholder = reactive("No communities are known; :detect finds them.")
    measure = ""
    """What is shown; "": what tells most."""
    selected = -1
    seen: Seen | None = None

    @property
    def shown(self) -> int:
        return 0 if self.seen is None else real_rows(self.seen.found)

    @property
    def heading(self) -> str:
        if self.seen is None:
            return "Communities"
        return f"{MEASURES[self.seen.measure]}{titled_count(self.seen.found, self.shown)}"

    def select(self, index: int) -> None:
        if index != self.selected and self.seen is not None and index < len(self.seen.found.names):
            self.selected = index
            self.changed()

    def action_choose(self) -> None:
        if self.selected >= 0:
            self.post_message(self.Chosen(self, self.selected))


class CommunityHeat(CommunityPane, TickPane):
    """A row per community, a column per span of ticks, coloured by the measure."""

    HELP = (
        "Each row is a community, each column a span of ticks, coloured as on the map; with "
        "opinions each row is a band of opinion, coloured by the share of members in it. Arrows "
        "move the cursor, whose value is shown below, ( and ) zoom in time; v switches the "
        "measure; S sorts the rows by size, adoption, onset or name; Enter selects the community."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "row(-1)", "Previous community", id="heat-up", show=False),
        Binding("down", "row(1)", "Next community", id="heat-down", show=False),
        Binding("pageup", "page(-1)", "Page up", id="heat-page-up", show=False),
        Binding("pagedown", "page(1)", "Page down", id="heat-page-down", show=False),
        Binding("S", "order", "Sort the rows", id="heat-order", show=False),
        Binding("enter", "choose", "Select this community", id="heat-choose", show=False),
    ]

    selected = 0
    order: Order = "onset"
    _rank: I64 = np.zeros(0, dtype=np.int64)
    _top = 0
    _tall = 1  # lines of a row, so that few communities fill the pane
    _touched = False  # until the cursor is moved, the first rows are shown, wherever it is

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self._past = Past()

    def show(self, frame: Frame) -> None:
        found, before, measure = frame.communities, self.seen, measure_in(frame, self.measure)
        if before is not None and found is before.found and measure == before.measure:
            return
        self.seen = seen = None if found is None else look(found, measure, frame.tick, self._past)
        ticks = [] if seen is None else seen.ticks.tolist()
        first, last = (ticks[0], ticks[-1]) if ticks else (0, -1)
        if self._cursor is not None:
            self._cursor = max(0, self._cursor + self._first - first)
        self._first, self._ticks = first, last - first + 1
        if before is not None and seen is not None:
            if seen.rows != before.rows:
                self.selected, self._top, self._touched = 0, 0, False
            if len(seen.ticks) < len(before.ticks):
                self._cursor = None
        self._rerank()
        self.changed()

    @property
    def heading(self) -> str:
        return super().heading and f"{super().heading} over time"

    # -- keys and mouse -----------------------------------------------------------------------

    def select(self, index: int) -> None:
        self._touched = True
        super().select(index)

    def sort_by(self, order: Order) -> None:
        """Order the rows; the cursor stays on its community."""
        self.order = order
        self._rerank()
        self.changed()

    def action_order(self) -> None:
        orders = get_args(Order)
        self.sort_by(orders[(orders.index(self.order) + 1) % len(orders)])

    def action_row(self, rows: int) -> None:
        if len(self._rank):
            self._select_row(min(max(0, self._place() + rows), len(self._rank) - 1))

    def _select_row(self, row: int) -> None:
        self._touched, self.selected = True, int(self._rank[row])
        self.changed()
        if self.seen is not None and not self.seen.is_bands:
            self.post_message(self.Selected(self, self.selected))

    def action_page(self, pages: int) -> None:
        self.action_row(pages * max(1, self._plot.rows // self._tall if self._plot else 10))

    def item_at(self, x: int, y: int) -> int | None:
        return None  # the mouse reads nothing until it clicks

    def on_click(self, event: events.Click) -> None:
        offset, plot = event.get_content_offset(self), self._plot
        if offset is None or plot is None or offset.y >= plot.rows:
            return
        tick = super().item_at(*offset)
        if tick is not None:
            self.pick(tick)
        self._select_row(self._top + offset.y // self._tall)

    def _rerank(self) -> None:
        seen = self.seen
        if seen is None or seen.is_bands:
            self._rank = np.arange(0 if seen is None else len(seen.rows))
        else:
            self._rank = ranked(self.order, seen.found)

    def _place(self) -> int:
        """Return the row of the cursor, counted from the first one."""
        found = np.flatnonzero(self._rank == self.selected)
        return int(found[0]) if len(found) else 0

    # -- drawing ------------------------------------------------------------------------------

    def draw_on(self, canvas: Canvas) -> None:
        width, height, seen = canvas.width, canvas.height, self.seen
        self._plot = None
        if seen is None or not len(seen.rows):
            return
        rows = max(1, min(room := height - (2 if height >= 5 else height >= 3), len(seen.rows)))
        tall = self._tall = max(1, room // rows)
        place = self._place()
        if self._touched:
            self._top = min(max(self._top, place - rows + 1), place)
        self._top = max(0, min(self._top, len(seen.rows) - rows))
        longest = max(cell_len(line(name, LONGEST_NAME)) for name in seen.rows)
        x = min(longest, width // 3) + 1 if width >= 12 else 0
        plot = self._plot = Plot(x, rows * tall, width - x, View(*self._window(), 0.0, 1.0))
        here = "cursor" if self.has_focus else "good"
        for y, index in enumerate(self._rank[self._top : self._top + rows].tolist()):
            tone = here if index == self.selected else "text"
            if tone == here:
                canvas.ink[y * tall, : max(0, x - 1)] = canvas.ink_of(here)
            canvas.text(0, y * tall, seen.rows[index], tone, room=x - 1)
        if plot.columns > 0 and len(seen.ticks):
            self._paint_cells(canvas, seen, plot)
            mark = -9
            if self._cursor is not None:
                mark = plot.column(self._cursor)
                at = (place - self._top) * tall if 0 <= place - self._top < rows else height
                canvas.text(mark, at, "+" if self.symbols == "ascii" else "◆", "cursor")
            if height - plot.rows >= 2:
                write_ticks(canvas, plot, self._first, mark)
        if height > plot.rows:
            ends = ("0", "100 %") if seen.is_bands else seen.ends
            index = int(self._rank[place])
            self.write_foot(canvas, ends, seen.rows[index], self._fact(seen, index))

    def _paint_cells(self, canvas: Canvas, seen: Seen, plot: Plot) -> None:
        start, stop, halves = plot.view.start, plot.view.stop, 2 * plot.columns
        times = self._first + start + (np.arange(halves) + 0.5) / halves * (stop - start + 1)
        places = np.searchsorted(seen.ticks, np.floor(times).astype(np.int64))
        rows = self._rank[self._top :][: plot.rows // self._tall].repeat(self._tall)
        shares = seen.course[rows][:, np.minimum(places, len(seen.ticks) - 1)] / seen.most
        self.paint_shares(canvas, plot.x, 0, np.where(places < len(seen.ticks), shares, np.nan))

    def _fact(self, seen: Seen, index: int) -> str:
        members = "" if seen.is_bands else plural(int(seen.found.sizes[index]), "member")
        if not len(seen.ticks):
            return members
        tick = self._first + self._row()
        at = min(int(np.searchsorted(seen.ticks, tick)), len(seen.ticks) - 1)
        value = float(seen.course[index, at])
        told = percent(value) if seen.is_bands else seen.text(value)
        told = told if np.isfinite(value) else "unknown"
        return f"tick {count(tick)}: {told}" + (f" of {members}" if members else "")


def community_rows(found: Communities, measures: Sequence[str]) -> ListedRows:
    """Return communities as rows of a table; the measures that are known are its columns."""
    columns, values = [], []
    for at, name in enumerate(measures):
        title = MEASURES[name].lower().removesuffix(" per member")
        columns.append(TableColumn(title, 15, numeric=True, least=14, rank=2 + at, descending=True))
        seen, shares = Seen(found, name, *[None] * 5), values_of(found, name)  # type: ignore[arg-type]
        if name in {"opinion", "impressions"}:
            cells = [seen.text(value) for value in shares.tolist()]
        else:
            amounts = np.rint(shares * np.maximum(found.sizes, 1))
            cells = [
                f"{short(amount)} {percent(value):>6}" if np.isfinite(value) else "-"
                for amount, value in zip(amounts.tolist(), shares.tolist(), strict=True)
            ]
        values.append(texts(cells, shares.tolist()))
    return ListedRows(
        (
            TableColumn("members", 9, numeric=True, least=8, rank=1, descending=True),
            *columns,
            TableColumn("first adopted", 13, numeric=True, least=13, rank=8),
            TableColumn("community", 26, least=14, rank=0),
            TableColumn("most followed", 40, least=13, rank=9),
        ),
        [
            Held(found.sizes), *values, Held(found.onset), texts(found.names),
            texts(", ".join(each) for each in found.top),
        ],
        len(found.names),
    )  # fmt: skip


class CommunityTable(ColumnTable):
    """Members, measures, onset, name and most followed members of every community."""

    HELP = (
        "Every community: number of members, each measure with its number and share, tick of the "
        "first adoption, name, and most followed members; v sorts by the next measure. "
        + ColumnTable.HELP
    )

    placeholder = reactive("No communities are known; :detect finds them.")
    _measure = measure = heading = ""
    _found: Communities | None = None

    def show(self, frame: Frame) -> None:
        found, known = frame.communities, offered(frame)
        if found is None:
            return
        if found is not self._found:
            self._found = found
            self.fill(community_rows(found, known))
        if self.measure != self._measure and self.measure in known:
            self.sort(1 + known.index(self.measure), descending=True)
        self._measure = self.measure
        self.heading = f"Communities{titled_count(found)}"

    def sort_by(self, order: Order) -> None:
        """Sort by size, adoption, onset or name, like the other views of communities."""
        after = max(0, len(self.titles) - 3)
        columns = {"size": 0, "adoption": 1, "onset": after, "name": after + 1}
        self.sort(columns[order], descending=order in {"size", "adoption"})
