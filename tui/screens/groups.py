"""Groups: the communities, as a map, over time, or as a table, and one of them in detail."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from tui.acts.view import ORDERS, VIEWS
from tui.screens.panes import Detail
from tui.screens.stage import Stage, mode_bindings, titled
from tui.widgets import CommunityHeat, CommunityMap, CommunityTable

if TYPE_CHECKING:
    from sim.run import Frame

__all__ = ["Groups"]


class Groups(Stage):
    """One of three views, and the chosen community beside it."""

    MODE: ClassVar[str] = "groups"
    BINDINGS: ClassVar[list[BindingType]] = mode_bindings("groups")

    view = "map"
    order = "size"
    chosen = 0

    def panes(self) -> ComposeResult:
        """Lay the views and the detail out."""
        with Horizontal(id="upper", classes="-map"):
            yield titled(CommunityMap(id="map"), "Communities", "view")
            yield titled(CommunityHeat(id="heat"), "Communities over time", "view")
            yield titled(CommunityTable(id="table"), "Communities", "view")
            yield titled(Detail(), "Detail")

    def show_panes(self, frame: Frame) -> None:
        """Show a frame in the view that is seen, and the chosen community."""
        for pane in self.query(".view"):
            if pane.display:
                pane.show(frame)  # type: ignore[attr-defined]
        self.query_one(Detail).show(frame.communities, self.chosen, frame.tick)

    def turn(self, view: str = "") -> str:
        """Turn to a view, or to the next one; returns its name."""
        self.view = view or VIEWS[(VIEWS.index(self.view) + 1) % len(VIEWS)]
        self.query_one("#upper").set_classes(f"-{self.view}")
        self.set_focus(self.query_one(f"#{self.view}"))
        self.app.redraw()
        return self.view

    def sort(self, order: str = "") -> str:
        """Order the communities, or take the next order; returns its name."""
        self.order = order or ORDERS[(ORDERS.index(self.order) + 1) % len(ORDERS)]
        self.app.redraw()
        return self.order
