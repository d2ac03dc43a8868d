"""Groups: the communities, as a map, over time, or as a table, and one of them in detail."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget

from tui.actions.arguments import ORDERS, VIEWS
from tui.draw import CommunityHeat, CommunityMap, CommunityTable
from tui.modes.mode import Mode, titled
from tui.modes.panes import CommunityDetail

if TYPE_CHECKING:
    from sim.runtime import Frame


Order = Literal["size", "adoption", "onset", "name"]


class GroupsMode(Mode):
    """One of three views, and the chosen community beside it."""

    MODE: ClassVar[str] = "groups"

    view = "map"
    order: Order = "size"
    chosen = 0
    _was_chosen = False

    def compose(self) -> ComposeResult:
        """Lay the views and the detail out."""
        with Horizontal(id="upper", classes="-map"):
            yield titled(CommunityMap(id="map"), "Communities", "view", counts=True)
            yield titled(CommunityHeat(id="heat"), "Communities over time", "view", counts=True)
            yield titled(CommunityTable(id="table"), "Communities", "view", counts=True)
            yield titled(CommunityDetail(), "Detail")

    TURNS: ClassVar[tuple[tuple[str, ...], ...]] = (("map", "heat", "table"), ("detail",))

    def show_in(self, pane: Widget, frame: Frame) -> None:
        """Show a frame in one pane; the detail shows the chosen community."""
        if isinstance(pane, CommunityDetail):
            pane.show(frame.communities, self.chosen, frame.tick)
        else:
            super().show_in(pane, frame)

    @on(CommunityMap.Selected)
    @on(CommunityMap.Chosen)
    @on(CommunityHeat.Selected)
    @on(CommunityHeat.Chosen)
    def _selected(self, event: CommunityMap.Selected) -> None:
        event.stop()
        self.choose(event.index)

    @on(CommunityTable.Selected)
    @on(CommunityTable.Chosen)
    def _row_selected(self, event: CommunityTable.Selected) -> None:
        event.stop()
        self.choose(event.row)

    def choose(self, index: int) -> None:
        """Show a community in detail, and put every cursor on it."""
        self.chosen, self._was_chosen = index, True
        self._put_cursors()
        frame = self.app.frame
        if frame is not None:
            self.query_one(CommunityDetail).show(frame.communities, index, frame.tick)

    def _put_cursors(self) -> None:
        self.query_one(CommunityMap).select(self.chosen)
        self.query_one(CommunityHeat).select(self.chosen)
        self.query_one(CommunityTable).select(self.chosen)

    def turn(self, view: str = "") -> str:
        """Turn to a view, or to the next one; returns its name."""
        self.view = view or VIEWS[(VIEWS.index(self.view) + 1) % len(VIEWS)]
        self.query_one("#upper").set_classes(f"-{self.view}")
        self.focus_pane(self.query_one(f"#{self.view}"))
        self.app.redraw()
        if self._was_chosen:  # a view that was not seen yet had no rows then
            self._put_cursors()
        return self.view

    def sort(self, order: str = "") -> str:
        """Order the communities, or take the next order; returns its name."""
        after = ORDERS[(ORDERS.index(self.order) + 1) % len(ORDERS)]
        self.order = order or after  # type: ignore[assignment]  # the act checked the word
        self.query_one(CommunityHeat).sort_by(self.order)
        self.query_one(CommunityTable).sort_by(self.order)
        return self.order
