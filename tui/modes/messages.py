"""The Messages mode: a table of all messages, and details of one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from sim.core import plural
from sim.errors import HubbubError
from tui.draw.table import ColumnTable, TableColumn
from tui.modes.agents import PATIENCE, REST
from tui.modes.inspector import ScrollingLines, fact, heading, muted, wrapped
from tui.modes.panes import Mode, note_one_run, titled
from tui.safe_text import line
from tui.text import count, percent, short

if TYPE_CHECKING:
    from sim.runtime import Frame, SessionRow, Simulation
    from sim.runtime.queries.messages import MemberMessages, Story, TreeBranch


KINDS = ("post", "quote", "reply", "letter", "group")
FLAGS = ("labelled", "hidden", "down-ranked", "pinned", "ad")
_COLUMNS = (
    TableColumn("no.", 10, numeric=True, least=8, rank=1),
    TableColumn("kind", 8, least=6, rank=5),
    TableColumn("adopters", 9, numeric=True, least=9, rank=2, descending=True),
    TableColumn("impressions", 11, numeric=True, least=11, rank=3, descending=True),
    TableColumn("likes", 8, numeric=True, least=7, rank=6, descending=True),
    TableColumn("shares", 8, numeric=True, least=7, rank=6, descending=True),
    TableColumn("replies", 8, numeric=True, least=8, rank=9, descending=True),
    TableColumn("R_t", 12, numeric=True, least=8, rank=8, descending=True),
    TableColumn("tick", 7, numeric=True, least=6, rank=4, descending=True),
    TableColumn("state", 12, least=8, rank=10),
    TableColumn("author", 18, least=12, rank=7),
    TableColumn("text", 60, least=24, rank=0),
)
_COUNTED = {"impressions": "shown", "likes": "likes", "shares": "shares", "replies": "replies"}
"""Columns counted by feeds, and their names in posts."""

_NUMBERS = frozenset({"adopters", "tick", "R_t", *_COUNTED})


class StoryRows:
    """Messages as rows: first those that were sent, newest first."""

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
        """Return whether the message of a row was sent, and its number."""
        if row < len(self.sessions):
            return True, self.sessions[row].id
        return False, int(self._posts.number[self._places[row - len(self.sessions)]])

    def row_of(self, key: tuple[bool, int]) -> int:
        """Return the row of a message; -1 if it is not listed."""
        sent, number = key
        if sent:
            return next((at for at, each in enumerate(self.sessions) if each.id == number), -1)
        at = np.flatnonzero(self._posts.number[self._places] == number)
        return int(at[0]) + len(self.sessions) if at.size else -1

    def cells(self, column: int, rows: NDArray[np.int64]) -> Sequence[str]:
        """Return the cells of a column for some rows; missing texts are noted."""
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
        """Return the sort keys of a column."""
        title = _COLUMNS[column].title
        if title in _NUMBERS:
            return np.array([self._value(title, row) for row in range(len(self))], np.float64)
        if title == "no.":
            return np.arange(len(self))
        words = [self._cell(column, row).casefold() for row in range(len(self))]
        return np.array(words, np.str_)


class StoryTable(ColumnTable):
    """Every sent message, and the most liked and shared posts of members."""

    HELP = (
        "Every message: # marks messages that were sent and spread by a model; m marks posts of "
        "members, the 500 most liked and shared in feeds. Adopters: members who ever adopted it; "
        "impressions: how often it was shown in a feed (-: it does not spread in feeds). R: mean "
        "number of adoptions caused by each member of the newest complete generation (-: none is "
        "complete). Enter shows a sent message in Live. " + ColumnTable.HELP
    )

    class Wanted(Message):
        """Visible rows have texts that were not fetched."""

        def __init__(self, numbers: list[int]) -> None:
            super().__init__()
            self.numbers = numbers

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self.placeholder = "Loading messages ..."
        self.told: dict[int, tuple[str, str]] = {}
        self.shown: StoryRows | None = None

    def list_stories(self, sessions: Sequence[SessionRow], posts: MemberMessages) -> None:
        """Show messages; the cursor stays on its message if it is still listed."""
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
        """Store fetched texts."""
        for number, (author, text) in zip(numbers, words, strict=True):
            self.told[number] = line(author, 80), line(text, 400)
        self.changed()

    def forget(self) -> None:
        """Forget everything fetched, for another world."""
        self.told.clear()
        self.shown = None

    def paint(self, width: int, height: int) -> list[Strip]:
        """Draw the visible rows, and ask for missing texts."""
        strips = super().paint(width, height)
        rows = self.shown
        if rows is not None and rows.missing:
            self.post_message(self.Wanted(sorted(rows.missing)))
            rows.missing = set()
        return strips


class StoryTree(ScrollingLines):
    """Who adopted a message from whom: its largest branches."""

    HELP = (
        "Who adopted the message from whom, largest branches first: name, tick of adoption, and "
        "number of descendants. Up and down scroll."
    )
    EMPTY = "No message selected."

    def __init__(self, *, id: str = "tree") -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self._story: Story | None = None
        self.ascii_only = False

    def tell(self, story: Story | None) -> None:
        """Show a message."""
        self._story = story
        self.refresh()

    def lines(self, width: int) -> list[Content]:
        """Return a line for each member."""
        story = self._story
        if story is None:
            return []
        drawn = [self._branch(branch, width) for branch in story.tree]
        if story.is_cut:
            drawn.append(muted("... and smaller branches", width))
        return drawn or [muted("No adopters yet.", width)]

    def _branch(self, branch: TreeBranch, width: int) -> Content:
        bend, end, bar = ("|-", "`-", "| ") if self.ascii_only else ("├─", "└─", "│ ")
        stem = "".join("  " if last else bar for last in branch.is_last[1:-1])
        stem += "" if branch.depth == 0 else end if branch.is_last[-1] else bend
        tail = f" {count(branch.tick):>5}  {short(branch.below):>5}"
        stem = stem[-max(0, width - len(tail) - 12) :]
        name = line(branch.name, max(4, width - len(stem) - len(tail)))
        gap = " " * max(0, width - len(stem) - len(tail) - len(name))
        style = "bold" if branch.depth == 0 else ""
        return Content.assemble(
            (stem, "$foreground-disabled"), (name, style), gap, (tail, "$foreground-muted")
        )


class StoryFacts(ScrollingLines):
    """Text, author and numbers of a message, and the communities that it reached."""

    HELP = (
        "The selected message: its text and author, its figures, the share of each community that "
        "adopted it, and its most liked replies. R_t is the mean number of adoptions caused by "
        "each member who adopted at that tick; the newest complete one is shown. R of the seeds "
        "is listed separately, because they were selected. Up and down scroll."
    )
    EMPTY = "No message selected."

    def __init__(self, *, id: str = "story") -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self._story: Story | None = None

    def tell(self, story: Story | None) -> None:
        """Show a message."""
        self._story = story
        self.refresh()

    def lines(self, width: int) -> list[Content]:
        """Return everything known of the message."""
        story = self._story
        if story is None:
            return []
        told = [Content.styled(line(story.title, width), "bold $primary")]
        told += wrapped(story.text, width)
        if story.upon:
            told += wrapped(f"<- {story.upon}", width, indent=2)
        told += [muted(f"by {story.author}" if story.author else "no author", width)]
        told += [fact(label, value, width) for label, value in story.facts]
        if story.reach:
            told += heading("Communities", width)
            told += [_bar(*row, width) for row in story.reach]
        if story.replies:
            told += heading("Replies", width)
            told += [Content(line(f"{name}: {text}", width)) for name, text in story.replies]
        return told


def _bar(name: str, reached: int, members: int, width: int) -> Content:
    share = reached / max(1, members)
    tail = f" {short(reached):>5} {percent(share):>6}"
    label = line(name, max(4, min(20, width // 2)))
    room = max(0, width - len(tail) - len(label) - 1)
    done = round(room * share)
    return Content.assemble(
        (label, "$foreground-muted"), " ",
        ("━" * done, "$primary"), ("─" * (room - done), "$foreground-disabled"), tail,
    )  # fmt: skip


class MessagesMode(Mode):
    """The table above, the chosen message below."""

    MODE: ClassVar[str] = "messages"
    TURNS: ClassVar[tuple[tuple[str, ...], ...]] = (("messages",),)

    _simulation: Simulation | None = None
    _key: tuple[object, ...] = ()
    _looked_at = 0.0
    _is_looking = False
    _asked: tuple[bool, int] | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(id="upper"):
            yield titled(StoryTable(id="messages"), "Messages")
        with Horizontal(id="lower"):
            yield titled(StoryTree(), "Cascade: member, tick, descendants")
            yield titled(StoryFacts(), "Message")

    def on_mount(self) -> None:
        self.last_focused = self.table

    @property
    def table(self) -> StoryTable:
        """The table."""
        return self.query_one(StoryTable)

    @property
    def chosen(self) -> tuple[bool, int] | None:
        """Whether the chosen message was sent, and its number."""
        return self.table.chosen if self.is_mounted else None

    def show_in(self, pane: Widget, frame: Frame) -> None:
        """Fetch the messages again if the world has advanced, at most once per second."""
        if not isinstance(pane, StoryTable) or self.app.feed is None:
            return
        if self.app.simulation is not self._simulation:
            self._simulation, self._key = self.app.simulation, ()
            self.table.forget()
        key = (frame.tick, frame.sessions)
        rests = self.app.running and time.monotonic() - self._looked_at < REST
        if key != self._key and not rests and not self._is_looking:
            self._key, self._is_looking = key, True
            self.ask(self._look, self.app.simulation, frame, group="stories")

    async def _look(self, simulation: Simulation, frame: Frame) -> None:
        from sim.runtime.queries import messages as stories

        try:
            numbers = await simulation.query(stories.worth, then=stories.best_of)
            posts = await simulation.query(stories.organic, numbers)
        except HubbubError:  # it was closed or has failed: the bars say so
            return
        finally:
            self._is_looking, self._looked_at = False, time.monotonic()
        if simulation is self._simulation:
            self.table.list_stories(frame.sessions, posts)
            organic = int((posts.cascade < 0).sum())
            sent = f"Messages: {count(len(frame.sessions))} sent"
            best = "top " if len(numbers) >= stories.MOST_POSTS else ""  # by likes and shares
            title = f"{sent}, {best}{plural(organic, 'post')}" if organic else sent
            self.table.border_title = Content(title)
            self._ask_soon(at_once=True)

    @on(StoryTable.Selected)
    def _selected(self, event: StoryTable.Selected) -> None:
        event.stop()
        self.query_one(StoryTree).start()
        self.query_one(StoryFacts).start()
        self._ask_soon()

    @on(StoryTable.Chosen)
    def _row_chosen(self, event: StoryTable.Chosen) -> None:
        event.stop()
        chosen = self.chosen
        if chosen is not None and chosen[0]:
            self.app.obey(f"focus {chosen[1]}")
            self.app.go("live")
        else:
            self.query_one(StoryTree).focus()

    @on(StoryTable.Wanted)
    def _wanted(self, event: StoryTable.Wanted) -> None:
        event.stop()
        self.ask(self._fetch_texts, event.numbers, group="texts")

    async def _fetch_texts(self, numbers: list[int]) -> None:
        from sim.runtime.queries import messages as stories

        simulation = self.app.simulation
        try:
            words = await simulation.query(stories.texts, numbers)
        except HubbubError:
            return
        if simulation is self._simulation:
            self.table.learn(numbers, words)

    def _ask_soon(self, *, at_once: bool = False) -> None:
        """Ask for the chosen message, unless that is in progress: an answer waits for a tick."""
        patience, chosen = 0.0 if at_once else PATIENCE, self.chosen
        if chosen is None or chosen != self._asked:
            self._asked = chosen
            for pane in self.query(ScrollingLines):
                pane.await_one(chosen is not None)
            self.ask(self._ask, chosen, patience, group="story", newest=True)

    async def _ask(self, chosen: tuple[bool, int] | None, patience: float) -> None:
        try:
            await asyncio.sleep(patience)
            await self._tell(chosen)
        finally:
            if chosen == self._asked:
                self._asked = None

    async def _tell(self, chosen: tuple[bool, int] | None) -> None:
        from sim.runtime.queries import messages as stories

        story = None
        if chosen is not None:
            sent, number = chosen
            query = self.app.simulation.query
            try:
                if sent:
                    story = await query(stories.cascade, number, then=stories.story_of)
                else:
                    answers = await query(stories.replies, number, then=stories.replies_of)
                    story = await query(stories.post, number, answers, then=stories.story_of)
            except HubbubError:  # it has left the feeds meanwhile
                return
        tree = self.query_one(StoryTree)
        tree.ascii_only = self.table.symbols == "ascii"
        tree.tell(story)
        facts = self.query_one(StoryFacts)
        facts.tell(story)
        note_one_run(facts, self.app.keymap, is_one=story is not None)
