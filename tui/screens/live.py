"""Live: the message shown, spreading."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget

from tui.screens.mode import Mode, titled
from tui.screens.panes import Parameters, Stories, Welcome
from tui.widgets import CommunityHeat, CommunityMap, Curves, NowPane

if TYPE_CHECKING:
    from sim.run import Frame

__all__ = ["Live"]


class Live(Mode):
    """Curves and figures above, communities and messages below; wide: parameters and map too."""

    MODE: ClassVar[str] = "live"

    def compose(self) -> ComposeResult:
        """Lay the panes out; which of them are seen is a matter of the styles."""
        with Horizontal(id="upper"):
            yield titled(Parameters(), "Parameters")
            yield titled(Welcome(), "Welcome")
            yield titled(Curves(id="curves"), "Adoption")
            yield titled(NowPane(id="now"), "Now")
        with Horizontal(id="lower"):
            yield titled(CommunityMap(id="map"), "Communities", counts=True)
            yield titled(CommunityHeat(id="heat"), "Communities over time", counts=True)
            yield titled(Stories(), "Messages")

    TURNS: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("curves", "now", "welcome"),
        ("heat",),
        ("curves", "now", "stories"),
        ("map", "params"),
    )

    def show(self, frame: Frame) -> None:
        """Show a frame in every pane that is seen."""
        self.set_class(frame.focus is None, "-quiet")
        super().show(frame)

    def show_in(self, pane: Widget, frame: Frame) -> None:
        """Show a frame in one pane; the curves show what is predicted, too."""
        if isinstance(pane, Curves) and pane.display:
            pane.overlay(self.app.predicted.shown(frame.focus))
        super().show_in(pane, frame)

    @on(CommunityMap.Chosen)
    @on(CommunityHeat.Chosen)
    def _chosen(self, event: CommunityMap.Chosen) -> None:
        event.stop()
        self.app.go("groups")
        self.app.call_after_refresh(self.app.groups.choose, event.index)

    def on_stories_chosen(self, event: Stories.Chosen) -> None:
        """Show the message that was chosen."""
        event.stop()
        self.app.obey(f"focus {event.session}")
