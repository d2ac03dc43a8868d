"""The dialog about a plugin that does not come back."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button, Static

from tui.dialogs.dialog import Dialog
from tui.figures import count
from tui.safe_text import plain


class StalledDialog(Dialog[str]):
    """Gives ``"go"``, ``"save"`` or nothing, when the person wants to wait."""

    AUTO_FOCUS = "#no"

    def __init__(self, sentence: str, tick: int) -> None:
        super().__init__("The engine is held up", yes="Stop it and go on", no="Wait")
        self._sentence = sentence
        self._tick = tick

    def body(self) -> ComposeResult:
        """Say what would happen."""
        ends = (
            f"To stop it ends its messages; everything else goes on from tick {count(self._tick)}, "
            "the last that was completed."
        )
        yield Static(plain(f"{self._sentence}\n\n{ends}"), markup=False, id="statement")

    def more_buttons(self) -> ComposeResult:
        """Offer to save what was completed."""
        yield Button(" Stop it and save ", id="save", compact=True)

    def result(self) -> str:
        """Return the wish to go on."""
        return "go"

    @on(Button.Pressed, "#save")
    def _save(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss("save")
