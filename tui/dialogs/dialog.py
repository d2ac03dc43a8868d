"""The base of all dialogs: a titled box, a line for errors, buttons, Enter and Escape."""

from __future__ import annotations

import traceback
from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import DescendantFocus
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Input, Select, Static

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
        """Limit the body to ``room`` lines."""
        for body in self.query("#body"):
            body.styles.max_height = room

    def body(self) -> ComposeResult:
        yield from ()

    def more_buttons(self) -> ComposeResult:
        """Yield buttons between the two standard ones."""
        yield from ()

    def result(self) -> T | None:
        return None

    def chosen(self, picker: str, what: str) -> str:
        """Return the choice in a list, or ask for ``what``, such as ``"a network"``."""
        value = self.query_one(picker, Select).value
        if not isinstance(value, str):
            raise InputError(f"Choose {what} first.")
        return value

    def accept(self) -> None:
        """Close with the result, if there is one."""
        try:
            found = self.result()
        except HubbubError as error:
            self.complain(str(error))
            return
        if found is not None:
            self.dismiss(found)

    def action_accept(self) -> None:
        self.accept()

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
        """Show an error, or clear it."""
        self.query_one("#problem", Static).update(plain(sentence))
        self.set_class(bool(sentence), "-wrong")

    @on(Button.Pressed, "#yes")
    def _yes(self, event: Button.Pressed) -> None:
        event.stop()
        self.accept()

    @on(Button.Pressed, "#no")
    def _no(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_close()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.accept()


def field(label: str, *, note: str = "") -> Static:
    """Return the label at the left of a field."""
    return Static(Content(label) + Content.styled(note, "$foreground-muted"), classes="label")


class Notice(Dialog[bool]):
    """Shows a text; one button."""

    AUTO_FOCUS = ""

    def __init__(self, title: str, text: str) -> None:
        super().__init__(title, yes="OK", no="")
        self._text = text

    def body(self) -> ComposeResult:
        yield Static(plain(self._text), markup=False, id="statement")

    def on_mount(self) -> None:
        self.read()

    def result(self) -> bool:
        return True


class Confirm(Dialog[bool]):
    """Asks before something is lost; the safe answer has the focus."""

    AUTO_FOCUS = "#no"

    def __init__(self, title: str, text: str, *, yes: str, no: str) -> None:
        super().__init__(title, yes=yes, no=no)
        self._text = text

    def body(self) -> ComposeResult:
        yield Static(plain(self._text), markup=False, id="statement")

    def result(self) -> bool:
        return True


class ErrorDialog(Dialog[bool]):
    """Shows an error; an unexpected one also with its location."""

    def __init__(self, error: BaseException) -> None:
        super().__init__("Error", yes="OK", no="")
        self._sentence = sentence_of(error)
        self._details = "" if isinstance(error, HubbubError) else _where(error)

    def body(self) -> ComposeResult:
        yield Static(plain(self._sentence), id="statement", markup=False)
        if self._details:
            yield Static(plain(self._details), id="details", markup=False)

    def more_buttons(self) -> ComposeResult:
        yield Button(" Copy ", id="copy", compact=True)

    def result(self) -> bool:
        return True

    @on(Button.Pressed, "#copy")
    def _copy(self, event: Button.Pressed) -> None:
        event.stop()
        self.app.copy_to_clipboard(plain(f"{self._sentence}\n{self._details}".strip()))
        self.complain("Copied.")


def sentence_of(error: BaseException) -> str:
    """Return an error as one sentence."""
    if isinstance(error, HubbubError):
        return str(error)
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _where(error: BaseException) -> str:
    """Return the last calls, without values."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return "\n".join(f"{frame.name} (line {frame.lineno})" for frame in frames)


class StalledDialog(Dialog[str]):
    """Returns ``"go"``, ``"save"``, or nothing if the user wants to wait."""

    AUTO_FOCUS = "#no"

    def __init__(self, sentence: str, tick: int) -> None:
        super().__init__("The engine is blocked by a plugin", yes="Stop plugin", no="Wait")
        self._sentence = sentence
        self._tick = tick

    def body(self) -> ComposeResult:
        ends = (
            f"Stopping the plugin ends its messages; everything else resumes from tick "
            f"{count(self._tick)}, the last completed tick."
        )
        yield Static(plain(f"{self._sentence}\n\n{ends}"), markup=False, id="statement")

    def more_buttons(self) -> ComposeResult:
        yield Button(" Stop and save ", id="save", compact=True)

    def result(self) -> str:
        return "go"

    @on(Button.Pressed, "#save")
    def _save(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss("save")
