"""The table of members, and the drawing of one member's ties."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.reactive import reactive

from sim.agents import GRAMMAR, LANGUAGES, TRAITS
from sim.arrays import F64, I32, I64, U32, Array
from sim.core import plural
from tui.draw.canvas import Canvas
from tui.draw.community_map import draw_ties, ties_between
from tui.draw.panes import StripPane
from tui.draw.table import ColumnTable, Held, ListedRows, TableColumn
from tui.safe_text import line
from tui.text import count, percent

if TYPE_CHECKING:
    from sim.runtime.queries.members import Ego, MemberTable

STATUSES = (
    "created", "active", "idle", "paused", "suspended", "deactivated", "banned", "destroyed",
)  # fmt: skip
_COLUMNS = (
    TableColumn("id", 10, numeric=True, least=7, rank=1),
    TableColumn("followers", 10, numeric=True, rank=3, descending=True),
    TableColumn("follows", 8, numeric=True, least=8, rank=4, descending=True),
    TableColumn("activity", 8, numeric=True, rank=6, descending=True),
    TableColumn("last_active", 11, numeric=True, rank=8, descending=True),
    TableColumn("adopted", 7, numeric=True, rank=2),
    *(TableColumn(name, 9, numeric=True, rank=20, descending=True) for name in TRAITS),
    TableColumn("status", 11, least=7, rank=10),
    TableColumn("name", 24, least=16, rank=0),
    TableColumn("community", 24, least=12, rank=5),
    TableColumn("interest", 40, least=14, rank=9),
    TableColumn("language", 10, least=10, rank=5),  # if there are several
)
COLUMNS = tuple(column.title for column in _COLUMNS)
_FETCHED = ("id", "name", "interest")
_LANGUAGES = tuple(LANGUAGES.values())

UNKNOWN = "…"
MOST_KEPT = 4096

Order = Callable[[str], Awaitable[Array | None]]


class MemberTexts:
    """Ids, names and interests that were fetched, what is missing of those in sight, and orders."""

    def __init__(self) -> None:
        self.known: dict[int, tuple[str, ...]] = {}
        self.missing: set[int] = set()
        self.orders: dict[str, Array] = {}

    def learn(self, agents: Sequence[int], words: Sequence[tuple[str, str, str]]) -> None:
        if len(self.known) > MOST_KEPT:
            self.known.clear()
        for agent, texts in zip(agents, words, strict=True):
            self.known[agent] = tuple(line(text, 120) for text in texts)

    def forget(self) -> None:
        self.known.clear()
        self.orders.clear()


class _Fetched(Held):
    """A column whose texts are fetched when they come into view."""

    def __init__(self, texts: MemberTexts, title: str, total: int) -> None:
        super().__init__(np.zeros(0))
        self._texts, self._title, self._total = texts, title, total

    def cells(self, places: I64) -> list[str]:
        which, known = _FETCHED.index(self._title), self._texts.known
        found = places.tolist()
        self._texts.missing.update(agent for agent in found if agent not in known)
        return [
            known[agent][which] if agent in known else UNKNOWN if which else str(agent)
            for agent in found
        ]

    def keys(self) -> Array:
        """Return the order that was fetched, or that of the members' numbers."""
        order = self._texts.orders.get(self._title)
        return np.arange(self._total) if order is None or len(order) < self._total else order


def member_rows(people: MemberTable, listed: U32 | None, texts: MemberTexts) -> ListedRows:
    """Return all members, or those listed, as rows."""
    total = len(people)
    adopted = np.broadcast_to(np.int32(-1), total) if people.adopted is None else people.adopted
    traits = [Held(people.traits[:, at], lambda x: f"{x / 255:.2f}") for at in range(5)]
    names = [*people.communities, "-"]  # the last one stands for none
    values: list[Held] = [
        _Fetched(texts, "id", total), Held(people.listeners), Held(people.heard),
        Held(people.activity, percent), Held(people.last_active), Held(adopted), *traits,
        Held(people.status, STATUSES.__getitem__, lambda: _ranks(STATUSES)[people.status]),
        _Fetched(texts, "name", total),
        Held(people.community, names.__getitem__, lambda: _ranks(names)[people.community]),
        _Fetched(texts, "interest", total),
    ]  # fmt: skip
    if (own := people.language) is not None:
        values.append(Held(own, _LANGUAGES.__getitem__, lambda: _ranks(_LANGUAGES)[own]))
    return ListedRows(_COLUMNS[: len(values)], values, total, listed)


def _ranks(words: Sequence[str]) -> I64:
    """Return the alphabetical rank of each word; a dash comes last."""
    order = sorted(range(len(words)), key=lambda at: (words[at] == "-", words[at].casefold()))
    return np.argsort(np.array(order))


class MembersTable(ColumnTable):
    """All members, or those that match a filter; only visible rows are fetched."""

    HELP = (
        "Every member of the world, or those that match a filter (/): number of followers, number "
        "of members it follows (follows), share of ticks online (activity), tick of the last post, "
        "action or adoption on record (last_active), tick at which it adopted the message shown "
        "(adopted); sorting by interest compares the first nine. " + ColumnTable.HELP + "\n\n"
        "A filter (/) tests the columns; several tests beside each other must all hold:\n"
        + "\n".join(f"{example:<15} {meaning}" for example, meaning in GRAMMAR)
    )

    def __init__(self, names: Callable[[list[int]], None], order: Order) -> None:
        super().__init__(id="members")
        self.placeholder = "Loading members ..."
        self.texts = MemberTexts()
        self.people: MemberTable | None = None
        self._rows: ListedRows = ListedRows(_COLUMNS, (), 0)
        self._ask_names, self._ask_order = names, order

    def list_members(self, people: MemberTable, listed: U32 | None) -> None:
        """Show members; the cursor stays on its member if it is still listed."""
        chosen, before = self.chosen, self._rows
        if self.people is not None and len(people) != len(self.people):
            self.texts.orders.clear()
        self.people = people
        rows = member_rows(people, listed, self.texts)
        is_other = listed is not before.listed
        self.placeholder = "No members match; Esc shows all."
        self.fill(rows, max(0, rows.row_of(chosen)) if is_other and chosen is not None else None)

    @property
    def chosen(self) -> int | None:
        if not len(self._rows):
            return None
        return int(self._rows.places(np.array([self.selected]))[0])

    @property
    def chosen_id(self) -> str:
        """The id by which files and commands know the member under the cursor."""
        known = self.texts.known.get(-1 if self.chosen is None else self.chosen)
        return known[0] if known else str(self.chosen)

    def go_to(self, agent: int) -> bool:
        """Put the cursor on a member; False if it is not listed."""
        row = self._rows.row_of(agent)
        self.select(row)
        return row >= 0

    def _is_quick(self, column: int) -> bool:
        return super()._is_quick(column) and (
            COLUMNS[column] not in _FETCHED or COLUMNS[column] in self.texts.orders
        )

    async def fetch_keys(self, column: int) -> None:
        title = COLUMNS[column]
        if title in _FETCHED and title not in self.texts.orders:
            order = await self._ask_order(title)
            if order is not None:
                self.texts.orders[title] = order

    def action_sort(self, column: int = -1) -> None:
        self.texts.orders.pop("interest", None)  # they change over time
        super().action_sort(column)

    def forget(self) -> None:
        self.texts.forget()
        self.people = None
        self.fill(ListedRows(_COLUMNS, (), 0))

    def draw_on(self, canvas: Canvas) -> None:
        super().draw_on(canvas)
        if self.texts.missing:
            self._ask_names(sorted(self.texts.missing))
            self.texts.missing.clear()


SHORTEST = 5
LONGEST = 18
"""Cells of a name."""
MARKS = {"=": "both follow", ">": "follows it", "<": "followed by it"}


class EgoPane(StripPane):
    """A member in the middle, surrounded by its ties; one of them can be chosen."""

    HELP = (
        "The selected member in the middle and its ties around it, mutual ones first, then the "
        "most followed: = both follow, > follows the member, < is followed by it. Members who "
        "adopted the message shown are coloured, with the tick; after W, the way by which it came "
        "from its seed is drawn. Arrows select a member, Enter goes to it, Esc returns to the "
        "table."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,up", "go(-1)", "Previous member", id="ego-before", show=False),
        Binding("right,down", "go(1)", "Next member", id="ego-next", show=False),
        Binding("enter", "choose", "Go to this member", id="ego-choose", show=False),
    ]

    placeholder = reactive("No member selected.")
    ego: Ego | None = None
    at = 0
    _adopted: Sequence[int] = ()
    _path: Sequence[int] = ()

    def draw(self, ego: Ego | None, adopted: I32 | None = None, path: Sequence[int] = ()) -> None:
        """Show a member; `adopted`: when each member did, `path`: the chain up to a seed."""
        same = ego is not None and self.ego is not None and ego.agents[0] == self.ego.agents[0]
        self.ego = ego
        agents = [] if ego is None else ego.agents.tolist()
        inside = adopted is not None and max(agents, default=0) < len(adopted)
        self._adopted = adopted[agents].tolist() if adopted is not None and inside else []
        self._path = [agents.index(agent) for agent in path if agent in agents]
        self.at = min(self.at, max(0, len(agents) - 1)) if same else 0
        self.changed()

    def action_go(self, by: int) -> None:
        if self.ego is not None:
            self.at = (self.at + by) % len(self.ego.agents)
            self.changed()

    def action_choose(self) -> None:
        if self.ego is not None:
            self.post_message(self.Chosen(self, int(self.ego.agents[self.at])))

    def draw_on(self, canvas: Canvas) -> None:
        width, height, ego = canvas.width, canvas.height, self.ego
        if ego is None or height < 4:
            return
        rows = height - 2
        spots = self.spots(len(ego.agents) - 1, width, rows)
        labels = list(self._labels(ego, spots, rows, width))
        self._write_ties(canvas, ego, spots, rows)
        for x, row, text, tone in labels:
            canvas.text(x, row, text, tone)
        self._write_foot(canvas, ego)

    def spots(self, others: int, width: int, rows: int) -> F64:
        """Return the position of each member, float64 (others + 1, 2): x in cells, y in rows."""
        middle = np.array([width / 2, (rows - 1) / 2])
        reach = np.array([max(2.0, width / 2 - LONGEST / 2 - 1), max(1.0, middle[1])])
        inner = others // 3 if others > 8 else 0
        places = [middle[None]]
        for number, members, size in ((0, inner, 0.55), (1, others - inner, 1.0)):
            angles = 2 * np.pi * (np.arange(members) + 0.5 * number) / max(1, members)
            around = np.stack([np.sin(angles), -np.cos(angles)], axis=1)
            places.append(middle + around * (size * reach))
        return np.concatenate(places)

    def _write_ties(self, canvas: Canvas, ego: Ego, spots: F64, rows: int) -> None:
        centres = np.stack([spots[:, 0], 2 * spots[:, 1] + 1], axis=1)
        path = np.array(self._path, np.int64)
        a, b = np.append(ego.a, path[:-1]), np.append(ego.b, path[1:])
        shade = np.where(a == 0, 0.7, 0.4)
        shade[len(ego.a) :] = 1.0
        ties = ties_between(a, b, shade, centres, rows, canvas.width)
        glyph = {"braille": "", "block": "·", "ascii": "."}[self.symbols]
        draw_ties(canvas, ties, glyph, ((0, "axis"), (0.5, "line"), (0.8, "good")))

    def _labels(
        self, ego: Ego, spots: F64, rows: int, width: int
    ) -> Iterator[tuple[int, int, str, str]]:
        """Yield names where they cover no other; one moves to the nearest row with room."""
        crowd, free = max(SHORTEST, min(LONGEST, width // 3)), np.ones((rows, width), np.bool_)
        for place in range(len(ego.agents)):
            tick = self._adopted[place] if self._adopted else -1
            when = f" {count(tick)}" if tick >= 0 else ""
            text = f" {_mark(ego, place)}{line(ego.names[place], crowd)}{when} "
            cells = cell_len(text)
            x = min(max(0, round(float(spots[place, 0]) - cells / 2)), max(0, width - cells))
            area = slice(x, x + cells)
            empty = np.flatnonzero(free[:, area].all(axis=1))
            if not empty.size and place != self.at:
                continue
            wanted = spots[place, 1]
            row = int(empty[np.abs(empty - wanted).argmin()]) if empty.size else round(wanted)
            free[row, area], spots[place, 1] = False, row
            tone = "good" if tick >= 0 else "strong" if place == 0 else "text"
            if place == self.at:
                tone = "cursor" if self.has_focus else "strong"
            yield x, row, text, tone

    def _write_foot(self, canvas: Canvas, ego: Ego) -> None:
        shown = int((ego.hears | ego.heard)[1:].sum())
        of = f"{count(shown)} of {plural(ego.total, 'tie')} of {line(ego.names[0], 24)}"
        canvas.text(0, canvas.height - 2, of, "muted")
        mark = MARKS.get(_mark(ego, self.at), "in the middle")
        tick = self._adopted[self.at] if self._adopted else -1
        when = f", adopted at tick {count(tick)}" if tick >= 0 else ""
        facts = f"{mark}, {plural(int(ego.listeners[self.at]), 'follower')}{when}"
        used = canvas.text(0, canvas.height - 1, line(ego.names[self.at], 28), "strong")
        canvas.text(used + 2, canvas.height - 1, facts, "muted")


def _mark(ego: Ego, place: int) -> str:
    if place == 0:
        return "@"
    return ("", ">", "<", "=")[2 * int(ego.hears[place]) + int(ego.heard[place])]
