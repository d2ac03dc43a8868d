"""What every mode has: status, modes, panes, timeline, line, footer."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from tui.actions import bindings
from tui.safe import line
from tui.screens.bars import Footer, ModeBar, StatusBar, Timeline
from tui.screens.line import Line

if TYPE_CHECKING:
    from sim.run import Frame
    from tui.app import Hubbub

__all__ = ["Stage", "mode_bindings", "titled"]

SMALLEST = "Enlarge the terminal to 60x16 to see every pane."


class Stage(Screen[None], inherit_bindings=False):
    """A mode of the program; the panes are its own, the bars are the same everywhere."""

    app: Hubbub

    MODE: ClassVar[str] = ""
    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual declares it
        (0, "-tiny"),
        (60, "-narrow"),
        (120, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual declares it
        (0, "-flat"),
        (16, "-low"),
        (36, "-tall"),
    ]
    ALLOW_IN_MAXIMIZED_VIEW = "#status, #modes, #timeline, #line, #footer"

    def compose(self) -> ComposeResult:
        """Lay the bars around the panes."""
        yield StatusBar(id="status")
        modes = ModeBar(id="modes")
        modes.mode = self.MODE
        yield modes
        yield Static("", id="banner", markup=False)
        with Vertical(id="panes"):
            yield from self.panes()
        yield Static(SMALLEST, id="enlarge", markup=False)
        yield Timeline(id="timeline")
        yield Line(self.app.history)
        yield Footer(id="footer")

    def panes(self) -> ComposeResult:
        """Yield the panes of the mode."""
        yield from ()

    def on_screen_resume(self) -> None:
        """Show what happened while another mode was open."""
        self.line.say(*self.app.last_said)
        self.call_after_refresh(self.app.redraw)

    def on_resize(self) -> None:
        """Panes that come into sight with a new size get the frame too."""
        self.call_after_refresh(self.app.redraw)

    def show(self, frame: Frame) -> None:
        """Show a frame in every bar and pane."""
        status = self.query_one(StatusBar)
        status.asked_state, status.speed = self.app.expected, self.app.speed
        status.show(frame)
        self.query_one(ModeBar).show(frame)
        timeline = self.query_one(Timeline)
        timeline.goal = self.app.goal
        timeline.show(frame)
        self.query_one(Footer).show(self.app.situation())
        banner = self.query_one("#banner", Static)
        banner.display = bool(frame.banner)
        if frame.banner:
            banner.update(" " + line(frame.banner, 400))
        self.show_panes(frame)

    def show_panes(self, frame: Frame) -> None:
        """Show a frame in the panes of the mode."""

    def main_pane(self) -> Widget:
        """Return the first pane that is seen."""
        return next(pane for pane in self.query(".pane") if pane.display and pane.can_focus)

    @property
    def line(self) -> Line:
        """The line above the footer."""
        return self.query_one(Line)

    def on_line_entered(self, event: Line.Entered) -> None:
        """Carry out what was typed."""
        event.stop()
        self.app.obey(event.line)


def mode_bindings(mode: str) -> list[BindingType]:
    """Make the keys of a mode from the table of acts."""
    return list(bindings(mode))


def titled(pane: Widget, title: str, classes: str = "") -> Widget:
    """Give a pane its frame and title."""
    pane.add_class("pane", *classes.split())
    pane.border_title = Content(title)
    return pane
