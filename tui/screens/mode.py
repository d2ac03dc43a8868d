"""What a mode is: panes that show a frame, and remember where the focus was."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

if TYPE_CHECKING:
    from sim.run import Frame
    from tui.app import Hubbub

__all__ = ["Mode", "titled"]


class Mode(Vertical):
    """The panes of one mode of the program.

    Attributes
    ----------
    last_focused
        The pane that had the focus when the mode was left.
    """

    app: Hubbub

    MODE: ClassVar[str] = ""

    last_focused: Widget | None = None

    def show(self, frame: Frame) -> None:
        """Show a frame in the panes that are seen."""


def titled(pane: Widget, title: str, classes: str = "") -> Widget:
    """Give a pane its frame and title."""
    pane.add_class("pane", *classes.split())
    pane.border_title = Content(title)
    return pane
