"""The base of all dialogs: a titled box, a line for errors, buttons, Enter and Escape."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import DescendantFocus
from textual.message import Message
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from sim.errors import HubbubError, InputError
from tui.safe_text import line, plain
from tui.text import count

T = TypeVar("T")


AROUND = 6
"""Lines of the box besides its body: frame, error, buttons."""


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
        self.fit(max(1, self.size.height - AROUND))

    def fit(self, room: int) -> None:
        for body in self.query("#body"):
            body.styles.max_height = room

    def body(self) -> ComposeResult:
        yield from ()

    def more_buttons(self) -> ComposeResult:
        yield from ()

    def result(self) -> T | None:
        return None

    def action_accept(self) -> None:
        try:
            found = self.result()
        except HubbubError as error:
            self.complain(str(error))
            return
        if found is not None:
            self.dismiss(found)

    def read(self) -> None:
        """Let the arrows scroll the body."""
        for body in self.query("#body"):  # none if it is closed before it was laid out
            body.can_focus = True
            body.focus()

    def action_close(self) -> None:
        self.dismiss(None)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        field = event.widget.parent
        for row in self.query(".row, .field"):
            row.set_class(row is field, "-here")
        text = getattr(field, "explanation", "") if isinstance(field, Widget) else ""
        self.query_one("#box").border_subtitle = Content(line(text, 104))

    def complain(self, sentence: str) -> None:
        self.query_one("#problem", Static).update(plain(sentence))
        self.set_class(bool(sentence), "-wrong")

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


def field(label: str, *, note: str = "") -> Static:
    """Return the label at the left of a field."""
    return Static(Content(label) + Content.styled(note, "$foreground-muted"), classes="label")


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


class ListDialog(Dialog[T]):
    """A list to choose from; Enter or a click takes the row under the cursor."""

    AUTO_FOCUS = "#list"
    empty: ClassVar[str] = "Nothing selected."
    beside: ClassVar[int] = 2
    """Lines of the body besides the list."""

    def body(self) -> ComposeResult:
        yield Static("", id="told", classes="note", markup=False)
        yield OptionList(id="list", markup=False, compact=True)
        yield Static("", id="about", markup=False)

    def fit(self, room: int) -> None:
        """Keep what stands beside the list visible."""
        super().fit(room)
        for options in self.query("#list"):
            options.styles.max_height = max(1, room - self.beside)

    def offer(self, rows: Iterable[tuple[Content, T | None]], at: T | None = None) -> None:
        """List rows with their values; one without is a heading."""
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
        return ""

    def result(self) -> T | None:
        if self.here is None:
            raise InputError(self.empty)
        return self.here

    @on(OptionList.OptionHighlighted)
    def _went(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self.query_one("#about", Static).update(line(self.moved(), 400))


def sentence_of(error: BaseException) -> str:
    """Return an error as one sentence."""
    if isinstance(error, HubbubError):
        return str(error)
    return f"{type(error).__name__}: {error}".rstrip(": ")


class StalledDialog(Confirm):
    """Returns ``"go"``, ``"save"``, or nothing if the user wants to wait."""

    def __init__(self, sentence: str, tick: int) -> None:
        ends = "Stopping the plugin ends its messages; everything else resumes from tick"
        super().__init__(
            "The engine is blocked by a plugin",
            f"{sentence}\n\n{ends} {count(tick)}, the last completed tick.",
            yes="Stop plugin", no="Wait", more=(("save", "Stop and save", "default"),), answer="go",
        )  # fmt: skip
