"""The Messages mode: a table of all messages, and details of one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from sim.core import plural
from tui.draw.table import ColumnTable, Held, ListedRows, TableColumn
from tui.modes.groups import FetchingMode
from tui.modes.inspector import ScrollingLines, below_headings, fact, gauge, heading, muted, wrapped
from tui.modes.panes import entitle, of_one_run, titled
from tui.safe_text import line
from tui.text import count, percent, short

if TYPE_CHECKING:
    from sim.runtime import Frame, SessionRow
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
Key = tuple[bool, int]
"""Whether a message was sent, and its number."""

Texts = dict[int, tuple[str, str]]
"""Author and text of posts by number."""


def message_rows(
    sessions: Sequence[SessionRow], posts: MemberMessages, texts: Texts
) -> tuple[ListedRows, list[Key]]:
    """Return the rows of all messages, newest sent ones first, and the key of each."""
    sent, own = sessions[::-1], np.flatnonzero(posts.cascade < 0)
    numbers = posts.number[own].tolist()
    known = [texts.get(number, ("…", "…")) for number in numbers]
    places = {cascade: at for at, cascade in enumerate(posts.cascade.tolist())}
    in_feed = [places.get(row.id, -1) for row in sent]

    def told(of_sent: Iterable[str], of_posts: Iterable[str], keys: Any = None) -> Held:
        return Held(np.array([*of_sent, *of_posts], object), str, keys)

    def counted(values: NDArray[np.int64]) -> Held:
        of_sent = [int(values[at]) if at >= 0 else -1 for at in in_feed]
        return Held(np.array([*of_sent, *values[own].tolist()], np.int64))

    r = np.array([row.r for row in sent] + [np.nan] * len(own))
    values: list[Held] = [
        told((f"#{row.id}" for row in sent), (f"m{n}" for n in numbers), lambda: np.arange(len(r))),
        told(["sent"] * len(sent), (KINDS[kind] for kind in posts.kind[own].tolist())),
        Held(np.array([row.size for row in sent] + [-1] * len(own), np.int64)),
        *(counted(each) for each in (posts.shown, posts.likes, posts.shares, posts.replies)),
        told(
            (f"{row.r:.2f} @{count(row.cohort)}" if row.r == row.r else "-" for row in sent),
            ["-"] * len(own),
            lambda: r,
        ),
        Held(np.array([row.started_at for row in sent] + posts.created[own].tolist(), np.int64)),
        told((row.status for row in sent), map(_flags, posts.flags[own].tolist())),
        told([""] * len(sent), (author for author, _ in known)),
        told((row.text for row in sent), (text for _, text in known)),
    ]
    keys = [(True, row.id) for row in sent] + [(False, number) for number in numbers]
    return ListedRows(_COLUMNS, values, len(keys)), keys


def _flags(flags: int) -> str:
    return ", ".join(name for bit, name in enumerate(FLAGS) if flags >> bit & 1)


class MessagesTable(ColumnTable):
    """Every sent message, and the most liked and shared posts of members."""

    HELP = (
        "Every message: # marks messages that were sent and spread by a model; m marks posts of "
        "members, the 500 most liked and shared in feeds. Adopters: members who ever adopted it; "
        "impressions: how often it was shown in a feed (-: it does not spread in feeds). R_t: mean "
        "number of adoptions caused by each member of the newest complete generation, with its "
        "tick (-: none is complete). Enter shows a sent message in Live. " + ColumnTable.HELP
    )

    placeholder = reactive("Loading messages ...")
    _keys: Sequence[Key] = ()

    def list_messages(
        self, sessions: Sequence[SessionRow], posts: MemberMessages, texts: Texts
    ) -> None:
        """Show messages; the cursor stays on its message if it is still listed."""
        chosen = self.chosen
        self.placeholder = "No message yet; press i to send one."
        rows, self._keys = message_rows(sessions, posts, texts)
        self.fill(rows, self._keys.index(chosen) if chosen in self._keys else None)

    @property
    def chosen(self) -> Key | None:
        return self._keys[self.selected] if self.selected < len(self._keys) else None


class StoryTree(ScrollingLines):
    """Who adopted a message from whom: its largest branches."""

    HELP = (
        "Who adopted the message from whom, largest branches first: name, tick of adoption, and "
        "number of descendants. Up and down scroll."
    )
    EMPTY = "No message selected."

    ascii_only = False

    def lines(self, story: Story, width: int) -> list[Content]:
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

    def lines(self, story: Story, width: int) -> list[Content]:
        told = [Content.styled(line(story.title, width), "bold $primary")]
        told += wrapped(story.text, width)
        if story.upon:
            told += wrapped(f"<- {story.upon}", width, indent=2)
        told += [muted(f"by {story.author}" if story.author else "no author", width)]
        told += [fact(label, value, width) for label, value in story.facts]
        if story.reach:
            told += heading("Communities", width)
        for name, reached, members in story.reach:
            share = reached / max(1, members)
            told.append(gauge(name, share, f" {short(reached):>5} {percent(share):>6}", width))
        replies = [f"{name}: {text}" for name, text in story.replies]
        return told + below_headings([("Replies", replies)], width)


class MessagesMode(FetchingMode):
    """The table above, the chosen message below."""

    MODE: ClassVar[str] = "messages"
    QUERIES: ClassVar[str] = "messages"
    TURNS: ClassVar[tuple[tuple[str, ...], ...]] = (("messages",),)

    _texts: Texts

    def compose(self) -> ComposeResult:
        with Horizontal(id="upper"):
            yield titled(MessagesTable(id="messages"), "Messages")
        with Horizontal(id="lower"):
            yield titled(StoryTree(id="tree"), "Cascade: member, tick, descendants")
            yield titled(StoryFacts(id="story"), "Message")

    def on_mount(self) -> None:
        self.last_focused = self.table

    @property
    def table(self) -> MessagesTable:
        return self.query_one(MessagesTable)

    @property
    def chosen(self) -> Key | None:
        """Whether the chosen message was sent, and its number."""
        return self.table.chosen if self.is_mounted else None

    def show_in(self, pane: Widget, frame: Frame) -> None:
        if isinstance(pane, MessagesTable):
            self.look_soon(frame, frame.tick, frame.sessions)

    def begin_anew(self) -> None:
        super().begin_anew()
        self._texts = {}

    async def look(self, frame: Frame) -> None:
        """Fetch the posts that were liked and shared most; sent messages are in the frame."""
        numbers = await self.answer(self.queries.worth, then=self.queries.best_of)
        posts = await self.answer(self.queries.organic, numbers)
        fresh = [number for number in posts.number.tolist() if number not in self._texts]
        words = await self.answer(self.queries.texts, fresh)
        for number, (author, text) in zip(fresh, words, strict=True):
            self._texts[number] = line(author, 80), line(text, 400)
        self.table.list_messages(frame.sessions, posts, self._texts)
        organic = int((posts.cascade < 0).sum())
        sent = f"Messages: {count(len(frame.sessions))} sent"
        best = "top " if len(numbers) >= self.queries.MOST_POSTS else ""  # by likes and shares
        title = f"{sent}, {best}{plural(organic, 'post')}" if organic else sent
        self.table.border_title = Content(title)
        self.tell_soon(self.chosen, at_once=True)

    @on(MessagesTable.Selected)
    def _selected(self, event: MessagesTable.Selected) -> None:
        event.stop()
        self.tell_soon(self.chosen)

    @on(MessagesTable.Chosen)
    def _row_chosen(self, event: MessagesTable.Chosen) -> None:
        event.stop()
        chosen = self.chosen
        if chosen is not None and chosen[0]:
            self.app.obey(f"focus {chosen[1]}")
            self.app.go("live")
        else:
            self.query_one(StoryTree).focus()

    async def tell(self, wanted: Key | None) -> None:
        story, ask = None, self.queries
        if wanted is not None:
            sent, number = wanted
            given: tuple[Any, ...] = ask.cascade, number
            if not sent:
                replies = await self.answer(ask.replies, number, then=ask.replies_of)
                given = ask.post, number, replies
            story = await self.answer(*given, then=ask.story_of)
        tree, facts = self.query_one(StoryTree), self.query_one(StoryFacts)
        tree.ascii_only = self.table.symbols == "ascii"
        tree.tell(story)
        facts.tell(story)
        entitle(facts, below=of_one_run(self.app.keymap) if story is not None else "")
