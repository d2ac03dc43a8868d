"""The table of members, and the drawing of one member's ties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from sim.core import plural
from tui.draw.canvas import BRAILLE, Canvas, pack_braille
from tui.draw.community_map import BubbleLines, edge_dots
from tui.draw.panes import StripPane
from tui.draw.table import ColumnTable, TableColumn
from tui.safe_text import line
from tui.text import count, percent

if TYPE_CHECKING:
    from sim.runtime.queries.members import Ego, MemberTable


STATUSES = (
    "created", "active", "idle", "paused", "suspended", "deactivated", "banned", "destroyed",
)  # fmt: skip
TRAITS = ("open", "consc", "extra", "agree", "neuro")

_COLUMNS = (
    TableColumn("id", 10, numeric=True, least=7, rank=1),
    TableColumn("followers", 10, numeric=True, rank=2, descending=True),
    TableColumn("follows", 8, numeric=True, least=8, rank=3, descending=True),
    TableColumn("online", 6, numeric=True, rank=5, descending=True),
    TableColumn("last_active", 11, numeric=True, rank=7, descending=True),
    TableColumn("adopted", 7, numeric=True, rank=4),
    *(TableColumn(name, 5, numeric=True, rank=20, descending=True) for name in TRAITS),
    TableColumn("status", 11, least=7, rank=10),
    TableColumn("name", 24, least=16, rank=0),
    TableColumn("community", 24, least=12, rank=6),
    TableColumn("interests", 40, least=14, rank=8),
)
_NAMES = [column.title for column in _COLUMNS]
_STATUS, _NAME, _COMMUNITY, _INTERESTS = range(11, 15)
WORDED = {_STATUS, _NAME, _COMMUNITY, _INTERESTS}
ASKED = {0: "id", _NAME: "name", _INTERESTS: "interests"}
"""Columns whose sort order is fetched when it is needed."""

UNKNOWN = "…"
MOST_KEPT = 4096


def sortable() -> list[str]:
    """Return the titles of the columns."""
    return list(_NAMES)


class AgentRows:
    """Members as rows of a table."""

    def __init__(
        self,
        people: MemberTable,
        agents: NDArray[np.uint32] | None,
        told: dict[int, tuple[str, str, str]],
        orders: Mapping[int, NDArray[Any]] = MappingProxyType({}),
    ) -> None:
        self.people, self.agents, self._told = people, agents, told
        self._orders = orders
        self.missing: set[int] = set()

    @property
    def columns(self) -> Sequence[TableColumn]:
        """The columns."""
        return _COLUMNS

    def __len__(self) -> int:
        return len(self.people) if self.agents is None else len(self.agents)

    def ids(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the indices of the members in the given rows."""
        return rows if self.agents is None else self.agents[rows].astype(np.int64)

    def cells(self, column: int, rows: NDArray[np.int64]) -> Sequence[str]:
        """Return the cells of a column for some rows; missing names are noted."""
        ids, people = self.ids(rows), self.people
        if column == 0:
            return [self._word(at, 0) for at in ids.tolist()]
        if column in {1, 2}:
            numbers = (people.listeners, people.heard)[column - 1][ids]
            return [count(number) for number in numbers.tolist()]
        if column == 3:
            return [percent(share) for share in people.activity[ids].tolist()]
        if column in {4, 5}:
            at = (people.last_active, people.adopted)[column - 4]
            ticks = [-1] * len(ids) if at is None else at[ids].tolist()
            return [count(tick) if tick >= 0 else "-" for tick in ticks]
        if column < _STATUS:
            return [f"{x / 255:.2f}" for x in people.traits[ids, column - 6].tolist()]
        if column == _STATUS:
            return [STATUSES[status] for status in people.status[ids].tolist()]
        if column == _COMMUNITY:
            names = people.communities
            return [names[at] if at >= 0 else "-" for at in people.community[ids].tolist()]
        return [self._word(at, 1 if column == _NAME else 2) for at in ids.tolist()]

    def _word(self, agent: int, which: int) -> str:
        words = self._told.get(agent)
        if words is None:
            self.missing.add(agent)
            return str(agent) if which == 0 else UNKNOWN
        return words[which]

    def keys(self, column: int) -> NDArray[Any]:
        """Return the sort keys of a column; by index if its order was not fetched."""
        people = self.people
        if column in ASKED:
            order = self._orders.get(column)
            whole = np.arange(len(people)) if order is None or len(order) < len(people) else order
        elif column in {4, 5}:
            return self._ticks((people.last_active, people.adopted)[column - 4])
        elif column in {_STATUS, _COMMUNITY}:
            words = STATUSES if column == _STATUS else people.communities
            places = people.status if column == _STATUS else people.community
            whole = _alphabetical(words)[places]
        else:
            known = {1: people.listeners, 2: people.heard, 3: people.activity}
            whole = known[column] if column in known else people.traits[:, column - 6]
        return whole if self.agents is None else whole[self.agents]

    def _ticks(self, ticks: NDArray[np.int32] | None) -> NDArray[np.float32]:
        if ticks is None:
            return np.full(len(self), np.nan, np.float32)
        known = ticks if self.agents is None else ticks[self.agents]
        return np.where(known < 0, np.float32(np.nan), known.astype(np.float32))


def _alphabetical(words: Sequence[str]) -> NDArray[np.int64]:
    """Return the alphabetical rank of each word; one more for none, at the end."""
    ranks = np.full(len(words) + 1, len(words), np.int64)
    ranks[sorted(range(len(words)), key=lambda at: words[at].casefold())] = np.arange(len(words))
    return ranks


class AgentTable(ColumnTable):
    """All members, or those that match a filter; only visible rows are fetched."""

    HELP = (
        "Every member of the world, or those that match a filter (/): number of followers, number "
        "of members it follows (follows), share of ticks online, tick of the last post, action or "
        "adoption on record (last_active), tick at which it adopted the message shown (adopted); "
        "sorting by interests compares the first nine. " + ColumnTable.HELP
    )

    class OrderWanted(Message):
        """A sort needs an order that was not fetched."""

        def __init__(self, column: int, title: str) -> None:
            super().__init__()
            self.column, self.title = column, title

    class Wanted(Message):
        """Visible rows have names that were not fetched."""

        def __init__(self, agents: list[int]) -> None:
            super().__init__()
            self.agents = agents

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self.placeholder = "Loading members ..."
        self.told: dict[int, tuple[str, str, str]] = {}
        self.shown: AgentRows | None = None
        self.orders: dict[int, NDArray[Any]] = {}

    def list_agents(self, people: MemberTable, agents: NDArray[np.uint32] | None) -> None:
        """Show members; the cursor stays on its member if it is still listed."""
        before, chosen = self.shown, self.chosen
        if before is not None and len(before.people) != len(people):
            self.orders.clear()
        self.shown = AgentRows(people, agents, self.told, self.orders)
        self.placeholder = "No members match; press / and Enter to show all."
        self.fill(self.shown)
        is_other = before is not None and before.agents is not agents
        if is_other and self._sort is not None:
            self.sort(self._sort[0], descending=self._sort[1])
        if is_other and chosen is not None:
            self.go_to(chosen, or_first=True)

    @property
    def chosen(self) -> int | None:
        """Index of the member under the cursor."""
        if self.shown is None or not len(self.shown):
            return None
        return int(self.shown.ids(np.array([self.selected]))[0])

    def id_of(self, agent: int) -> str:
        """Return the foreign id of a member that was visible."""
        return self.told[agent][0] if agent in self.told else str(agent)

    def go_to(self, agent: int, *, or_first: bool = False) -> bool:
        """Put the cursor on a member; False if it is not listed."""
        rows = self.shown
        if rows is None:
            return False
        row = agent if rows.agents is None else int(np.searchsorted(rows.agents, agent))
        listed = rows.agents is None or (row < len(rows) and int(rows.agents[row]) == agent)
        if listed and 0 <= row < len(rows):
            self.select(row)
        elif or_first:
            self.action_first()
        return listed

    def sort_by(self, title: str) -> None:
        """Sort by a column; the same one again reverses the order."""
        self._sort_by_column(_NAMES.index(title))

    def sort(self, column: int, *, descending: bool) -> None:
        """Sort by a column, fetching its order first if needed."""
        if column in ASKED and column not in self.orders:
            self.postpone(column, descending=descending)
            self.post_message(self.OrderWanted(column, ASKED[column]))
        else:
            super().sort(column, descending=descending)

    def _sort_by_column(self, column: int) -> None:
        self.orders.pop(_INTERESTS, None)  # they change over time
        super()._sort_by_column(column)

    def learn_order(self, column: int, order: NDArray[Any]) -> None:
        """Store a fetched order, and sort by it if that is still wanted."""
        self.orders[column] = order
        if self._sort is not None and self._sort[0] == column:
            super().sort(column, descending=self._sort[1])

    def learn(self, agents: list[int], words: list[tuple[str, str, str]]) -> None:
        """Store fetched names."""
        if len(self.told) > MOST_KEPT:
            self.told.clear()
        for agent, (number, name, interests) in zip(agents, words, strict=True):
            self.told[agent] = line(number, 40), line(name, 80), line(interests, 120)
        self.changed()

    def forget(self) -> None:
        """Forget everything fetched, for another world."""
        self.forget_words()
        self.shown = None

    def forget_words(self) -> None:
        """Forget names and interests, and orders by them: they have changed."""
        self.told.clear()
        self.orders.clear()

    def paint(self, width: int, height: int) -> list[Strip]:
        """Draw the visible rows, and ask for missing names."""
        strips = super().paint(width, height)
        rows = self.shown
        if rows is not None and rows.missing:
            self.post_message(self.Wanted(sorted(rows.missing)))
            rows.missing = set()
        return strips


SHORTEST = 5
LONGEST = 18
"""Cells of a name."""


class EgoPane(StripPane):
    """A member in the middle, surrounded by its ties; one of them can be chosen."""

    HELP = (
        "The selected member in the middle and its ties around it, mutual ones first, then the "
        "most followed: = both follow, > follows the member, < is followed by it. Arrows select "
        "one, Enter goes to it, e returns to the table."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,up", "go(-1)", "Previous member", id="ego-before", show=False),
        Binding("right,down", "go(1)", "Next member", id="ego-next", show=False),
        Binding("enter", "choose", "Go to this member", id="ego-choose", show=False),
    ]

    class Chosen(Message):
        """Enter was pressed on a member."""

        def __init__(self, agent: int) -> None:
            super().__init__()
            self.agent = agent

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self.placeholder = "No member selected."
        self.ego: Ego | None = None
        self.at = 0

    def draw(self, ego: Ego | None) -> None:
        """Show a member."""
        same = ego is not None and self.ego is not None and ego.agents[0] == self.ego.agents[0]
        self.ego = ego
        last = len(ego.agents) - 1 if ego is not None else 0
        self.at = min(self.at, last) if same else 0
        self.changed()

    def action_go(self, by: int) -> None:
        if self.ego is not None:
            self.at = (self.at + by) % len(self.ego.agents)
            self.changed()

    def action_choose(self) -> None:
        if self.ego is not None:
            self.post_message(self.Chosen(int(self.ego.agents[self.at])))

    def paint(self, width: int, height: int) -> list[Strip]:
        """Draw ties, members and a line about the chosen one."""
        canvas, ego = self.canvas(width, height), self.ego
        if ego is None or height < 4:
            self.write_placeholder(canvas)
            return canvas.strips()
        rows = height - 2
        spots = self.spots(len(ego.agents) - 1, width, rows)
        self._write_ties(canvas, ego, spots, rows)
        for place in [*range(1, len(ego.agents)), 0]:
            self._write_member(canvas, ego, place, spots[place])
        self._write_foot(canvas, ego)
        return canvas.strips()

    def spots(self, others: int, width: int, rows: int) -> NDArray[np.float64]:
        """Return the position of each member, float64 (others + 1, 2): x in cells, y in rows."""
        middle = np.array([width / 2, (rows - 1) / 2])
        inner = others // 3 if others > 8 else 0
        rings = [(inner, 0.55), (others - inner, 1.0)]
        places = [middle[None]]
        for number, (members, size) in enumerate(rings):
            angles = 2 * np.pi * (np.arange(members) + 0.5 * number) / max(1, members)
            reach = size * np.array([max(2.0, width / 2 - LONGEST / 2 - 1), max(1.0, middle[1])])
            places.append(middle + np.stack([np.sin(angles), -np.cos(angles)], axis=1) * reach)
        found: NDArray[np.float64] = np.concatenate(places)
        return found

    def _write_ties(self, canvas: Canvas, ego: Ego, spots: NDArray[np.float64], rows: int) -> None:
        centres = np.stack([spots[:, 0], 2 * spots[:, 1] + 1], axis=1)
        shade = np.where(ego.a == 0, 1.0, 0.4)
        dots, strength = edge_dots(BubbleLines(ego.a, ego.b, shade), centres, rows, canvas.width)
        lines = strength > 0
        chars, ink = canvas.chars[:rows], canvas.ink[:rows]
        if self.symbols == "braille":
            chars[lines] = BRAILLE[pack_braille(dots)][lines]
        else:
            chars[lines] = "." if self.symbols == "ascii" else "·"
        ink[lines] = canvas.ink_of(self.tone("axis"))
        ink[strength > 0.5] = canvas.ink_of(self.tone("line"))

    def _write_member(
        self, canvas: Canvas, ego: Ego, place: int, spot: NDArray[np.float64]
    ) -> None:
        crowd = max(SHORTEST, min(LONGEST, canvas.width // 5))
        text = f" {_mark(ego, place)}{line(ego.names[place], crowd)} "
        x = round(float(spot[0]) - cell_len(text) / 2)
        x = min(max(0, x), max(0, canvas.width - cell_len(text)))
        tone = "strong" if place == 0 else "text"
        if place == self.at:
            tone = "cursor" if self.has_focus else "good"
        canvas.text(x, round(float(spot[1])), text, canvas.ink_of(self.tone(tone)))

    def _write_foot(self, canvas: Canvas, ego: Ego) -> None:
        muted, strong = canvas.ink_of(self.tone("muted")), canvas.ink_of(self.tone("strong"))
        shown = len(ego.agents) - 1
        of = f"{count(shown)} of {plural(ego.total, 'tie')} of {line(ego.names[0], 24)}"
        canvas.text(0, canvas.height - 2, of, muted)
        mark = {"=": "both follow", ">": "follows it", "<": "followed by it"}.get(
            _mark(ego, self.at).strip(), "in the middle"
        )
        facts = f"{mark}, {plural(int(ego.listeners[self.at]), 'follower')}"
        used = canvas.text(0, canvas.height - 1, line(ego.names[self.at], 28), strong)
        canvas.text(used + 2, canvas.height - 1, facts, muted)


def _mark(ego: Ego, place: int) -> str:
    """Return the mark of a member's tie to the one in the middle."""
    if place == 0:
        return "@"
    both = bool(ego.hears[place]), bool(ego.heard[place])
    return {(True, True): "=", (False, True): ">", (True, False): "<"}.get(both, "")
