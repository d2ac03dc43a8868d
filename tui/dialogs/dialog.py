"""The base of all dialogs: a titled box, a line for errors, buttons, Enter and Escape."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, ClassVar, Generic, TypeVar, cast

from rich.segment import Segment
from rich.style import Style
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.css.query import NoMatches
from textual.events import DescendantFocus
from textual.message import Message
from textual.renderables.background_screen import BackgroundScreen
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from sim.errors import HubbubError, InputError
from tui.safe_text import line, plain
from tui.text import count

T = TypeVar("T")

AROUND = 6
"""Lines of the box besides its body: frame, error, buttons; and columns besides its lines."""
WIDEST = 110
"""Columns of a wide box, as in the styles."""


@lru_cache(4096)
def _dimmed(style: Style, color: Color) -> Style:
    only = next(iter(BackgroundScreen.process_segments([Segment("", style)], color)))
    return cast(Style, only.style)


class _Covered(BackgroundScreen):
    """The screen that a dialog covers; dimming each style once takes half of a paint off."""

    @classmethod
    def process_segments(cls, segments: Iterable[Segment], color: Color) -> Iterator[Segment]:
        for text, style, control in segments:
            yield Segment(text, _dimmed(style or Style.null(), color), control)


class Dialog(ModalScreen[T], Generic[T]):
    """A box with a title, a scrollable body, one line for errors and two buttons."""

    AUTO_FOCUS = "#yes"
    takes_keys: ClassVar[bool] = True
    """Whether keys typed before it was open are passed to it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="dialog-close", show=False),
        Binding("up", "app.focus_previous", "Previous field", id="dialog-up", show=False),
        Binding("down", "app.focus_next", "Next field", id="dialog-down", show=False),
        Binding("enter", "accept", "Agree", id="dialog-accept", show=False),
        Binding("ctrl+enter", "accept", "Send", id="dialog-send", show=False, priority=True),
    ]

    def __init__(self, title: str, *, yes: str = "OK", no: str = "Cancel") -> None:
        super().__init__()
        self.heading = title
        self._labels = (yes, no)

    def render(self) -> Any:
        covered = super().render()
        if isinstance(covered, BackgroundScreen):
            covered = _Covered(covered.screen, covered.color)
        return covered

    def compose(self) -> ComposeResult:
        yes, no = self._labels
        with Vertical(id="box") as box:
            box.border_title = Content(line(self.heading, 60))
            with VerticalScroll(id="body", can_focus=False):
                yield from self.body()
            yield Static("", id="problem", markup=False)
            with Horizontal(id="buttons"):
                if yes:
                    yield Button(
                        Content(f" {line(yes, 40)} "), id="yes", variant="primary", compact=True
                    )
                yield from self.more_buttons()
                if no:
                    yield Button(Content(f" {line(no, 40)} "), id="no", compact=True)

    def on_resize(self) -> None:
        lines = sum(each.size.height for each in self.query("Dialog.-wrong #problem"))
        self.fit(max(1, self.size.height - AROUND - max(0, lines - 1)))

    def fit(self, room: int) -> None:
        for body in self.query("#body"):
            body.styles.max_height = room

    @property
    def across(self) -> int:
        """Cells of a line of a wide box."""
        return max(36, min(self.app.size.width * 98 // 100, WIDEST) - AROUND)

    def body(self) -> ComposeResult:
        yield from ()

    def more_buttons(self) -> ComposeResult:
        yield from ()

    def result(self) -> T | None:
        return None

    def action_accept(self) -> None:
        with self.complaining():
            found = self.result()
            if found is not None:
                self.dismiss(found)

    def read(self) -> None:
        """Let the arrows scroll the body."""
        for body in self.query("#body"):  # none if it is closed before it was laid out
            body.can_focus = True
            body.focus()

    def action_close(self) -> None:
        self.call_later(self._close)  # what is being mounted must be there before it is removed

    def _close(self) -> None:
        self.dismiss(None)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        field = event.widget.parent
        for row in self.query(".row, .field"):
            row.set_class(row is field, "-here")
        text = getattr(field, "explanation", "") if isinstance(field, Widget) else ""
        self.query_one("#box").border_subtitle = Content(line(text, 104))

    def complain(self, sentence: str) -> None:
        problem = self.query_one("#problem", Static)
        if problem.content != (said := plain(sentence)):
            problem.update(said)
            self.set_class(bool(said), "-wrong")
            self.call_after_refresh(self.on_resize)  # its lines leave less room to the body

    @contextmanager
    def complaining(self) -> Iterator[None]:
        """Show the sentence of a failure."""
        self.complain("")
        try:
            yield
        except HubbubError as error:
            self.complain(str(error))

    @on(Button.Pressed, "#yes")
    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def _yes(self, event: Message) -> None:
        event.stop()
        self.action_accept()

    @on(Button.Pressed, "#no")
    def _no(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_close()


def hanging(head: Content, text: Content, cells: int) -> Content:
    """Return a text of lines of so many cells, which stand beside a head."""
    indent = "\n" + " " * head.cell_length
    return head + Content(indent).join(text.wrap(cells - head.cell_length))


class Confirm(Dialog[Any]):
    """Shows a text, and asks what to do; the safe answer has the focus.

    The answer is True, or that of one of ``more`` buttons: (answer, label, variant) of each.
    """

    AUTO_FOCUS = "#no"

    def __init__(
        self, title: str, text: str | Content, *, yes: str, no: str = "Cancel",
        more: Sequence[tuple[str, str, Any]] = (), answer: Any = True,
    ) -> None:  # fmt: skip
        super().__init__(title, yes=yes, no=no)
        self._text = plain(text) if isinstance(text, str) else text
        self._more, self._answer = more, answer

    def body(self) -> ComposeResult:
        yield Static(self._text, markup=False, id="statement")

    def more_buttons(self) -> ComposeResult:
        for answer, label, variant in self._more:
            yield Button(f" {label} ", id=answer, variant=variant, compact=True)

    def result(self) -> Any:
        return self._answer

    @on(Button.Pressed)
    def _answered(self, event: Button.Pressed) -> None:
        if event.button.id in {answer for answer, _, _ in self._more}:
            event.stop()
            self.dismiss(event.button.id)


class Notice(Confirm):
    """Shows a text; one button."""

    AUTO_FOCUS = ""

    def __init__(
        self, title: str, text: str | Content, *, more: Sequence[tuple[str, str, Any]] = ()
    ) -> None:
        super().__init__(title, text, yes="OK", no="", more=more)

    def on_mount(self) -> None:
        self.read()


class ErrorDialog(Notice):
    """Shows an error; an unexpected one also with its location."""

    def __init__(self, error: BaseException) -> None:
        last = traceback.extract_tb(error.__traceback__)[-6:]  # without values
        calls = [] if isinstance(error, HubbubError) else last
        where = [f"{call.name} (line {call.lineno})" for call in calls]
        self._shown = "\n".join([sentence_of(error), *where])
        super().__init__("Error", self._shown, more=(("copy", "Copy", "default"),))

    @on(Button.Pressed, "#copy")
    def _copy(self, event: Button.Pressed) -> None:
        event.stop()
        event.prevent_default()
        self.app.copy_to_clipboard(plain(self._shown))
        self.complain("Copied.")


Listed = Iterable[tuple[Content, T | None]]
"""Rows of a list, and their values; one without is a heading."""


class ListDialog(Dialog[T]):
    """A list to choose from; Enter or a click takes the row under the cursor.

    ``load`` returns what is listed, and a sentence about it; ``about`` and ``damage`` say of a
    value what it is, and why it cannot be taken.
    """

    AUTO_FOCUS = "#list"
    beside: ClassVar[int] = 4
    """Lines of the body besides the list."""

    def __init__(
        self, title: str, *, yes: str, no: str = "Cancel", empty: str = "Nothing selected.",
        load: Callable[[], Awaitable[tuple[Listed[T], str]]] | None = None,
        about: Callable[[T], str] = lambda _: "", damage: Callable[[T], str] = lambda _: "",
    ) -> None:  # fmt: skip
        super().__init__(title, yes=yes, no=no)
        self._empty, self._load, self._about, self._damage = empty, load, about, damage

    def body(self) -> ComposeResult:
        yield Static("", id="told", classes="note", markup=False)
        yield OptionList(id="list", markup=False, compact=True)
        yield Static("", id="about", markup=False)

    def on_mount(self) -> None:
        if self._load is not None:
            self.tell("Loading ...")
            self.run_worker(self._fetch(self._load()))

    async def _fetch(self, loading: Awaitable[tuple[Listed[T], str]]) -> None:
        with suppress(NoMatches), self.complaining():  # the dialog may be closed meanwhile
            rows, told = await loading
            self.offer(rows)
            self.tell(told)
            if self.here is None:  # Enter says what to do
                self.query_one("#yes").focus()

    def fit(self, room: int) -> None:
        """Keep what stands beside the list visible."""
        super().fit(room)
        for options in self.query("#list"):
            options.styles.max_height = max(1, room - self.beside)

    def offer(self, rows: Listed[T], at: T | None = None) -> None:
        options, pairs = self.query_one("#list", OptionList), list(rows)
        self._listed = [value for _, value in pairs]
        options.set_options(Option(text, disabled=value is None) for text, value in pairs)
        can = [place for place, value in enumerate(self._listed) if value is not None]
        places = [place for place in can if self._listed[place] == at] or can
        options.highlighted = places[0] if places else None

    @property
    def here(self) -> T | None:
        found = self.query_one("#list", OptionList).highlighted
        return None if found is None else self._listed[found]

    def tell(self, text: str) -> None:
        self.query_one("#told", Static).update(line(text, 400))

    def moved(self) -> str:
        """Return what is shown below the list of the row under the cursor."""
        here = self.here
        self.complain("" if here is None else self._damage(here))
        return "" if here is None else self._about(here)

    def result(self) -> T | None:
        if self.here is None:
            raise InputError(self._empty)
        if damage := self._damage(self.here):
            raise InputError(damage)
        return self.here

    @on(OptionList.OptionHighlighted)
    def _went(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self.tell_about()

    def tell_about(self) -> None:
        self.query_one("#about", Static).update(line(self.moved(), 400))


def sentence_of(error: BaseException) -> str:
    """Return an error as one sentence."""
    if isinstance(error, HubbubError):
        return str(error)
    return f"{type(error).__name__}: {error}".rstrip(": ")


def stalled_dialog(sentence: str, tick: int) -> Confirm:
    """Return the question to which the answer is ``"go"``, ``"save"``, or nothing to wait."""
    ends = "Stopping the plugin ends its messages; everything else resumes from tick"
    text = f"{sentence}\n\n{ends} {count(tick)}, the last completed tick."
    return Confirm(
        "The engine is blocked by a plugin", text, yes="Stop plugin", no="Wait",
        more=(("save", "Stop and save", "default"),), answer="go",
    )  # fmt: skip
