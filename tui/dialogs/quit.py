"""The quit dialog: what becomes of unsaved changes before the world is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, Static

from tui.dialogs.dialog import Dialog
from tui.figures import count
from tui.safe_text import line

if TYPE_CHECKING:
    from sim.runtime import Frame


class QuitDialog(Dialog[str]):
    """Gives ``"save"``, ``"keep"``, ``"drop"`` or nothing, when the person wants to stay."""

    def __init__(self, frame: Frame, purpose: str, kept_as: str = "") -> None:
        title = "A world without a name" if kept_as else "Unsaved changes"
        super().__init__(
            title, yes="Save ..." if kept_as else f"Save and {purpose}"[:40], no="Stay"
        )
        self._frame, self._kept_as = frame, kept_as

    def body(self) -> ComposeResult:
        """Say what would be lost, or how it is kept."""
        frame = self._frame
        yield Static(
            Content.assemble(
                (line(frame.name, 40), "bold"),
                f" stands at tick {count(frame.tick)} ",
                *(self._kept() if self._kept_as else [self._lost()]),
            ),
            id="statement",
        )

    def _lost(self) -> str:
        kept = self._frame.kept
        if kept is not None:
            return (
                f"and its journal, at tick {count(kept.tick)}, takes nothing more.\n"
                "Leaving it now loses what happened since then, unless it is saved elsewhere."
            )
        return (
            "and has changed since it was last saved.\n"
            "Leaving it now loses what happened since then."
        )

    def _kept(self) -> list[str | tuple[str, str]]:
        return [
            "and was never saved. Its journal keeps it: o lists it as ",
            (line(self._kept_as, 40), "bold"),
            ". It can also be saved under a name, or thrown away.",
        ]

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
