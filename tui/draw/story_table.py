"""The messages of a world as a table: those that were sent, and the best of those members wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from textual.message import Message
from textual.strip import Strip

from tui.draw.rows import TableColumn
from tui.draw.table import ColumnTable
from tui.figures import count
from tui.safe_text import line

if TYPE_CHECKING:
    from sim.runtime import SessionRow
    from sim.runtime.queries.messages import MemberMessages


KINDS = ("post", "quote", "reply", "letter", "group")
FLAGS = ("labelled", "hidden", "down-ranked", "pinned", "ad")
_COLUMNS = (
    TableColumn("no.", 10, numeric=True, least=8, rank=1),
    TableColumn("kind", 8, least=6, rank=5),
    TableColumn("adopters", 9, numeric=True, least=9, rank=2, descending=True),
    TableColumn("showings", 9, numeric=True, least=9, rank=3, descending=True),
    TableColumn("likes", 8, numeric=True, least=7, rank=6, descending=True),
    TableColumn("shares", 8, numeric=True, least=7, rank=6, descending=True),
    TableColumn("replies", 8, numeric=True, least=8, rank=9, descending=True),
    TableColumn("R_t", 12, numeric=True, least=8, rank=8, descending=True),
    TableColumn("tick", 7, numeric=True, least=6, rank=4, descending=True),
    TableColumn("state", 12, least=8, rank=10),
    TableColumn("author", 18, least=12, rank=7),
    TableColumn("text", 60, least=24, rank=0),
)
_COUNTED = {"showings": "shown", "likes": "likes", "shares": "shares", "replies": "replies"}
"""Columns that feeds count, and what a post calls them."""

_NUMBERS = frozenset({"adopters", "tick", "R_t", *_COUNTED})


class StoryRows:
    """Messages as rows: first those that were sent, the newest first."""

    def __init__(
        self,
        sessions: Sequence[SessionRow],
        posts: MemberMessages,
        told: dict[int, tuple[str, str]],
    ) -> None:
        self.sessions = tuple(reversed(sessions))
        own = posts.cascade < 0
        self._in_feed = {int(c): at for at, c in enumerate(posts.cascade.tolist()) if c >= 0}
        self._posts, self._places, self._told = posts, np.flatnonzero(own), told
        self.missing: set[int] = set()

    @property
    def columns(self) -> Sequence[TableColumn]:
        """The columns."""
        return _COLUMNS

    def __len__(self) -> int:
        return len(self.sessions) + len(self._places)

    def key_of(self, row: int) -> tuple[bool, int]:
        """Return whether a row was sent, and its number."""
        if row < len(self.sessions):
            return True, self.sessions[row].id
        return False, int(self._posts.number[self._places[row - len(self.sessions)]])

    def row_of(self, key: tuple[bool, int]) -> int:
        """Return the row of a message; -1 where it is not listed."""
        sent, number = key
        if sent:
            return next((at for at, each in enumerate(self.sessions) if each.id == number), -1)
        at = np.flatnonzero(self._posts.number[self._places] == number)
        return int(at[0]) + len(self.sessions) if at.size else -1

    def cells(self, column: int, rows: NDArray[np.int64]) -> Sequence[str]:
        """Return what to write in a column for some rows; texts not known yet are noted."""
        return [self._cell(column, row) for row in rows.tolist()]

    def _cell(self, column: int, row: int) -> str:
        title = _COLUMNS[column].title
        if title in _NUMBERS:
            value = self._value(title, row)
            if value != value:
                return "-"
            if title == "R_t":
                return f"{value:.2f} @{count(self.sessions[row].cohort)}"
            return count(value)
        if row < len(self.sessions):
            session = self.sessions[row]
            words = {"no.": f"#{session.id}", "kind": "sent", "state": session.status}
            return words.get(title, "" if title == "author" else session.text)
        return self._organic_word(title, int(self._places[row - len(self.sessions)]))

    def _organic_word(self, title: str, at: int) -> str:
        posts, number = self._posts, int(self._posts.number[at])
        if title == "no.":
            return f"m{number}"
        if title == "kind":
            return KINDS[int(posts.kind[at])]
        if title == "state":
            return ", ".join(f for bit, f in enumerate(FLAGS) if int(posts.flags[at]) >> bit & 1)
        words = self._told.get(number)
        if words is None:
            self.missing.add(number)
            return "…"
        return words[0 if title == "author" else 1]

    def _value(self, title: str, row: int) -> float:
        if row >= len(self.sessions):
            at = int(self._places[row - len(self.sessions)])
            if title in {"R_t", "adopters"}:
                return float("nan")
            return float(getattr(self._posts, _COUNTED.get(title, "created"))[at])
        session = self.sessions[row]
        if title in _COUNTED:
            place = self._in_feed.get(session.id)
            held = getattr(self._posts, _COUNTED[title])
            return float("nan") if place is None else float(held[place])
        own = {"adopters": session.size, "R_t": session.r, "tick": session.started_at}
        return float(own[title])

    def keys(self, column: int) -> NDArray[Any]:
        """Return what a column is sorted by."""
        title = _COLUMNS[column].title
        if title in _NUMBERS:
            return np.array([self._value(title, row) for row in range(len(self))], np.float64)
        if title == "no.":
            return np.arange(len(self))
        words = [self._cell(column, row).casefold() for row in range(len(self))]
        return np.array(words, np.str_)


class StoryTable(ColumnTable):
    """Every message that was sent, and those of members that were liked and shared most."""

    HELP = (
        "Every message: # were sent, and spread by a model; m are what members of a platform "
        "wrote, the 500 most liked and shared of those in feeds. Adopters: who ever took a sent "
        "one up; showings: how often it stood in a feed, - where it spreads past feeds. R: how "
        "many each of its newest whole generation convinced, - before one is whole. Enter shows "
        "a sent one in Live. " + ColumnTable.HELP
    )

    class Wanted(Message):
        """Texts that are in sight and not known."""

        def __init__(self, numbers: list[int]) -> None:
            super().__init__()
            self.numbers = numbers

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self.placeholder = "Looking at the messages ..."
        self.told: dict[int, tuple[str, str]] = {}
        self.shown: StoryRows | None = None

    def list_stories(self, sessions: Sequence[SessionRow], posts: MemberMessages) -> None:
        """Show messages; the cursor stays on its message where it is still listed."""
        key = self.chosen
        self.placeholder = "No message yet; press i to send one."
        self.shown = StoryRows(sessions, posts, self.told)
        self.fill(self.shown)
        if key is not None and self.shown.row_of(key) >= 0:
            self.select(self.shown.row_of(key))

    @property
    def chosen(self) -> tuple[bool, int] | None:
        """Whether the message under the cursor was sent, and its number."""
        if self.shown is None or not len(self.shown):
            return None
        return self.shown.key_of(self.selected)

    def learn(self, numbers: Sequence[int], words: Sequence[tuple[str, str]]) -> None:
        """Take texts that were fetched."""
        for number, (author, text) in zip(numbers, words, strict=True):
            self.told[number] = line(author, 80), line(text, 400)
        self.changed()

    def forget(self) -> None:
        """Forget what was fetched: it is another world."""
        self.told.clear()
        self.shown = None

    def paint(self, width: int, height: int) -> list[Strip]:
        """Draw the rows in sight, and ask for the texts that are missing."""
        strips = super().paint(width, height)
        rows = self.shown
        if rows is not None and rows.missing:
            self.post_message(self.Wanted(sorted(rows.missing)))
            rows.missing = set()
        return strips
