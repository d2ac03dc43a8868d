"""The error dialog: what went wrong, in one sentence, with the details to copy."""

from __future__ import annotations

import traceback

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button, Static

from sim.errors import HubbubError
from tui.dialogs.dialog import Dialog
from tui.safe_text import plain


class ErrorDialog(Dialog[bool]):
    """Shows an error; what we did not foresee also shows where it happened."""

    def __init__(self, error: BaseException) -> None:
        super().__init__("That did not work", yes="OK", no="")
        self._sentence = sentence_of(error)
        self._details = "" if isinstance(error, HubbubError) else _where(error)

    def body(self) -> ComposeResult:
        """Show the sentence and the details."""
        yield Static(plain(self._sentence), id="statement", markup=False)
        if self._details:
            yield Static(plain(self._details), id="details", markup=False)

    def more_buttons(self) -> ComposeResult:
        """Offer to copy it."""
        yield Button(" Copy ", id="copy", compact=True)

    def result(self) -> bool:
        """Return that it was read."""
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
    """Return the last calls, without the values in them."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return "\n".join(f"{frame.name} (line {frame.lineno})" for frame in frames)
