"""Asks what becomes of unsaved changes before the world is left."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, Static

from tui.figures import count
from tui.safe import line
from tui.screens.dialog import Dialog

__all__ = ["Leave"]


class Leave(Dialog[str]):
    """Gives ``"save"``, ``"drop"`` or nothing, when the person wants to stay.

    Parameters
    ----------
    name, tick
        The world and where it stands.
    purpose
        What happens next, such as ``"quit"``.
    """

    def __init__(self, name: str, tick: int, purpose: str) -> None:
        super().__init__("Unsaved changes", yes=f"Save and {purpose}"[:40], no="Stay")
        self._world, self._tick = name, tick

    def body(self) -> ComposeResult:
        """Say what would be lost."""
        yield Static(
            Content.assemble(
                (line(self._world, 40), "bold"),
                f" stands at tick {count(self._tick)} and has changed since it was last saved.\n",
                "Leaving it now loses what happened since then.",
            ),
            id="statement",
        )

    def more_buttons(self) -> ComposeResult:
        """Offer to leave without saving."""
        yield Button(" Do not save ", id="drop", variant="error", compact=True)

    def result(self) -> str:
        """Return the wish to save."""
        return "save"

    @on(Button.Pressed, "#drop")
    def _drop(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss("drop")
