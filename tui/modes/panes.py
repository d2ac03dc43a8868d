"""The base of modes, and modes that consist of panes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from sim.core import plural
from sim.runtime import Frame, SessionRow
from tui.actions.table import way_to
from tui.app import Hubbub
from tui.draw.canvas import Canvas
from tui.draw.panes import StripPane
from tui.text import all_of, count, counted, percent, short


class Mode(Vertical):
    """The panes of one mode of the program."""

    app: Hubbub

    MODE: ClassVar[str] = ""

    last_focused: Widget | None = None  # the pane that had the focus when the mode was left

    TURNS: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Ids of the panes updated by each frame in turn, while time runs."""

    _turn = -1

    def begin(self) -> None:
        self.display = True

    def back(self) -> bool:
        """Go back one step in the mode; False if there is none."""
        return False

    def focus_pane(self, pane: Widget) -> None:
        """Focus a pane, at once or when the mode is shown."""
        self.last_focused = pane
        if self.display:
            pane.focus()

    def ask(self, work: Callable[..., Any], *given: Any, group: str, newest: bool = False) -> None:
        """Query the engine in the background; `newest`: in place of an earlier one of the group."""
        begin: Any = partial(work, *given)  # a coroutine made here might never be awaited
        self.run_worker(begin, group=group, exclusive=newest, exit_on_error=False)  # it just ends

    def show(self, frame: Frame, *, whole: bool = True) -> None:
        """Show a frame in all panes, or in those whose turn it is: a key waits for a few only."""
        self._turn = -1 if whole else (self._turn + 1) % len(self.TURNS)
        for pane in self.query(".pane"):
            if whole or pane.id in self.TURNS[self._turn]:
                self.show_in(pane, frame)

    def show_in(self, pane: Widget, frame: Frame) -> None:
        """Show a frame in one pane, if it is visible."""
        if pane.display:
            pane.show(frame)  # type: ignore[attr-defined]  # every pane has it
            entitle(pane, getattr(pane, "heading", "") or None)


def titled(pane: Widget, title: str, classes: str = "") -> Widget:
    """Give a pane its frame and title; one with a ``heading`` changes it with what it shows."""
    pane.add_class("pane", *classes.split())
    pane.border_title = Content(title)
    return pane


def entitle(pane: Widget, title: str | None = None, below: str | None = None) -> None:
    """Change the title and what stands below a pane; it is redrawn only if they are others."""
    for edge, text in (("border_title", title), ("border_subtitle", below)):
        if text is not None and str(getattr(pane, edge) or "") != text:
            setattr(pane, edge, Content(text))


def of_one_run(keymap: Mapping[str, str]) -> str:
    """Say that figures are of a single run, and which key runs replicates."""
    return f"single run; {way_to('replicates', keymap)} runs 100"


_STATUS = {"running": "▸", "queued": "…", "quiet": "■", "failed": "✗", "cancelled": "-"}


class MessagesPane(StripPane):
    """Messages above, newest first, and events below."""

    HELP = (
        "Every message with its adopters, their share and R, newest first; Enter shows one. "
        "Below: events, each with its tick."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Message above", id="stories-up", show=False),
        Binding("down", "move(1)", "Message below", id="stories-down", show=False),
        Binding("pageup", "move(-10)", "Ten messages up", id="stories-page-up", show=False),
        Binding("pagedown", "move(10)", "Ten messages down", id="stories-page-down", show=False),
        Binding("enter", "choose", "Show this message", id="stories-choose", show=False),
    ]

    placeholder = reactive("No message yet; press i to send one.")
    _rows: tuple[SessionRow, ...] = ()
    _events: tuple[tuple[int, str], ...] = ()
    _shown: int | None = None
    _agents = _cursor = _top = 0

    def show(self, frame: Frame) -> None:
        rows = tuple(reversed(frame.sessions))
        shown = frame.focus.id if frame.focus else None
        if (rows, frame.events, shown) == (self._rows, self._events, self._shown):
            return
        if self._cursor:  # the cursor stays on its message, or at the top
            held = self._rows[self._cursor].id
            self._cursor = next((i for i, row in enumerate(rows) if row.id == held), 0)
        self._rows, self._events, self._shown = rows, frame.events, shown
        self._agents = frame.agents
        self.border_title = Content(f"Messages ({len(rows)})" if rows else "Messages")
        self.repaint_changes()

    def action_move(self, by: int) -> None:
        self._cursor = min(max(0, self._cursor + by), max(0, len(self._rows) - 1))
        self.changed()

    def action_choose(self) -> None:
        if self._rows:
            self.post_message(self.Chosen(self, self._rows[self._cursor].id))

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        if offset is not None and offset.y < min(len(self._rows) - self._top, self._room):
            self._cursor = self._top + offset.y
            self.action_choose()

    @property
    def _room(self) -> int:
        """Lines for messages; the events get the rest, at least a third."""
        height = self.size.height
        events = min(len(self._events) + 1, height // 3 + 1)
        return max(1, min(len(self._rows) or 1, height - events))

    def draw_on(self, canvas: Canvas) -> None:
        width, height, room = canvas.width, canvas.height, self._room
        self._top = min(max(self._top, self._cursor - room + 1), self._cursor)
        for y, row in enumerate(self._rows[self._top : self._top + room]):
            tone, tail = self._tone_of(row, self._top + y), self._tail(row)
            canvas.ink[y] = canvas.ink_of(tone)
            head = f"{_STATUS.get(row.status, ' ')}#{row.id} {row.text}"
            canvas.text(0, y, head, tone, room=max(0, width - cell_len(tail) - 1))
            canvas.text(max(0, width - cell_len(tail)), y, tail, tone)
        if self._rows and room < height:
            canvas.chars[room], canvas.ink[room] = "─", canvas.ink_of("axis")
        first = room + 1 if self._rows else 0
        newest = reversed(self._events[max(0, len(self._events) - height + first) :])
        for y, (tick, text) in enumerate(newest, start=first):
            canvas.text(0, y, f"{count(tick):>6}", "muted")
            canvas.text(7, y, text, "muted")

    def _tail(self, row: SessionRow) -> str:
        share = percent(row.size / self._agents if self._agents else 0)
        wide = self.size.width >= 44
        new = f" +{short(row.new)}" if wide and row.status == "running" else ""
        r = f"  R({count(row.cohort)}) {row.r:.2f}" if wide and row.cohort >= 0 else ""
        return f"{short(row.size)} {share}{new}{r}"

    def _tone_of(self, row: SessionRow, index: int) -> str:
        if self.has_focus and index == self._cursor:
            return "cursor"
        return "error" if row.status == "failed" else "line" if row.id == self._shown else "text"


class WelcomePane(Static):
    """Shown in place of the curves until the first message is sent."""

    app: Hubbub

    ALLOW_SELECT = False

    def show(self, frame: Frame) -> None:
        groups = all_of(frame.communities) if frame.communities else 0
        among = f" in {counted(groups, groups)}." if groups else ", communities not detected yet."
        invitations = (
            ("inject", "send a message"),
            ("run", "run / pause"),
            ("step", "advance one tick"),
            ("groups", "show the communities"),
            ("new", "create a new world") if groups else ("detect", "find communities"),
            ("scenario", "play a scenario"),
            ("help", "list all keys"),
        )
        keymap, posts = self.app.keymap, frame.platform.messages if frame.platform else 0
        told = f"{short(posts)} messages in feeds." if posts else "No message has been sent."
        keys = [(way_to(act, keymap), text) for act, text in invitations]
        lines = [
            Content.assemble((plural(frame.agents, "member"), "bold"), among),
            Content.styled(f"{plural(frame.ties, 'tie')}. {told}", "$foreground-muted"),
            Content(""),
            *[Content.assemble((f"{key:>7}  ", "bold $accent"), text) for key, text in keys],
        ]
        self.update(Content("\n").join(lines), layout=False)
