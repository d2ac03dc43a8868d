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
    """Gives ``"save"``, ``"keep"``, ``"drop"`` or nothing, when the person wants to stay.

    Parameters
    ----------
    name, tick
        The world and where it stands.
    purpose
        What happens next, such as ``"quit"``.
    kept_as
        The working name under which its journal keeps it; empty when nothing does.
    """

    def __init__(self, name: str, tick: int, purpose: str, kept_as: str = "") -> None:
        title = "A world without a name" if kept_as else "Unsaved changes"
        super().__init__(title, yes=f"Save and {purpose}"[:30], no="Stay")
        self._world, self._tick, self._kept_as = name, tick, kept_as

    def body(self) -> ComposeResult:
        """Say what would be lost, or how it is kept."""
        if self._kept_as:
            yield Static(self._kept(), id="statement")
            return
        yield Static(
            Content.assemble(
                (line(self._world, 40), "bold"),
                f" stands at tick {count(self._tick)} and has changed since it was last saved.\n",
                "Leaving it now loses what happened since then.",
            ),
            id="statement",
        )

    def _kept(self) -> Content:
        return Content.assemble(
            (line(self._world, 40), "bold"),
            f" stands at tick {count(self._tick)} and was never saved. Its journal keeps it: "
            f"o lists it as ",
            (line(self._kept_as, 40), "bold"),
            ". It can also be saved under a name, or thrown away.",
        )

    def more_buttons(self) -> ComposeResult:
        """Offer to leave without saving."""
        if self._kept_as:
            yield Button(" Keep it ", id="keep", compact=True)
            yield Button(" Throw it away ", id="drop", variant="error", compact=True)
        else:
            yield Button(" Do not save ", id="drop", variant="error", compact=True)

    def result(self) -> str:
        """Return the wish to save."""
        return "save"

    @on(Button.Pressed, "#keep")
    def _keep(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss("keep")

    @on(Button.Pressed, "#drop")
    def _drop(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss("drop")
