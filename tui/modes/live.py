"""The mode Live: a message, and its adoption by communities."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget

from tui.actions.command_line import VIEWS
from tui.draw.community_map import CommunityMap
from tui.draw.community_table import MEASURES, CommunityHeat, CommunityTable, offered
from tui.draw.curves import Curves
from tui.draw.now import MetricChart, NowPane
from tui.draw.panes import StripPane
from tui.modes.panes import MessagesPane, Mode, WelcomePane, note_one_run, titled
from tui.modes.sliders import ParametersPane, parameter_ticks
from tui.safe_text import line

if TYPE_CHECKING:
    from sim.runtime import Frame


class LiveMode(Mode):
    """Map, heat map or table of the communities; beside it the message, parameters and events."""

    MODE: ClassVar[str] = "live"

    view = "map"
    _is_metrics = False

    def compose(self) -> ComposeResult:
        with Horizontal(id="upper", classes="-map"):
            yield titled(CommunityMap(id="map"), "Communities", "view")
            yield titled(CommunityHeat(id="heat"), "Communities over time", "view")
            yield titled(CommunityTable(id="table"), "Communities", "view")
            with Vertical(id="side"):
                yield titled(WelcomePane(id="welcome"), "Welcome")
                with Vertical(id="message"):
                    yield titled(NowPane(id="now"), "")
                    yield titled(Curves(id="curves"), "")
                    yield titled(MetricChart(id="chart"), "")
                yield titled(ParametersPane(), "Parameters")
                yield titled(MessagesPane(id="stories"), "Messages")

    TURNS: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("map", "heat", "table"),
        ("curves", "chart", "now", "welcome"),
        ("map", "heat", "table"),
        ("now", "stories", "params"),
    )

    def turn(self, view: str = "") -> str:
        """Switch to a view, or to the next one; return its name."""
        self.view = view or VIEWS[(VIEWS.index(self.view) + 1) % len(VIEWS)]
        self.query_one("#upper").set_classes(f"-{self.view}")
        self.focus_pane(self.query_one(f"#{self.view}"))
        self.app.redraw()
        return self.view

    def colour(self, measure: str = "") -> str:
        """Switch all views to a measure, or to the next one that is known; return its title."""
        frame, pane = self.app.frame, self.query_one(CommunityMap)
        known = offered(frame) if frame is not None else ["ever"]
        now = pane.measure if pane.measure in known else known[0]
        chosen = measure or known[(known.index(now) + 1) % len(known)]
        for each in self.screen.query(".view"):
            each.measure = chosen  # type: ignore[attr-defined]  # every view has it
        self.app.redraw()
        return MEASURES[chosen]

    def show(self, frame: Frame) -> None:
        self._arrange(frame)
        super().show(frame)

    def show_next(self, frame: Frame) -> None:
        """Show a frame in the panes whose turn it is."""
        self._arrange(frame)
        super().show_next(frame)

    def turn_chart(self) -> None:
        """Switch between metrics and curves."""
        self._is_metrics = not self._is_metrics

    def _arrange(self, frame: Frame) -> None:
        """Show the chosen metrics, or acts of members, if there are no curves of a message."""
        names, is_quiet = self.app.preferences.metrics, frame.focus is None
        if self.app.opening is not None:  # metrics are of the engine, which is not there yet
            return
        from sim.runtime.engine.metrics_tracker import unit_of

        units = {name: unit_of(name) for name in names}
        self.query_one(NowPane).choose(names, units)
        is_chart = bool(names) and (self._is_metrics or (is_quiet and frame.metrics is not None))
        course = None
        if is_quiet and not is_chart and frame.platform is not None:
            course = frame.platform.course  # a platform is active without any message
        if course is None:
            self.query_one(MetricChart).choose(names, units)
        else:
            told = {name: unit_of(name) for name in course.names}
            self.query_one(MetricChart).choose(course.names, told, course)
            is_chart = True
        self.set_class(is_chart, "-metrics")
        self.set_class(is_quiet and not is_chart, "-quiet")
        self.set_class(not frame.sessions and not frame.events, "-silent")
        focus = frame.focus
        title = "Platform" if focus is None else line(f"#{focus.id} {focus.text}", 80)
        message = self.query_one("#message")
        if str(message.border_title) != title:
            message.border_title = Content(title)
        note_one_run(message, self.app.keymap, is_one=focus is not None)
        theory = self.query_one(Curves).border_subtitle
        if theory:
            message.border_subtitle = theory

    def show_in(self, pane: Widget, frame: Frame) -> None:
        """Show a frame in one pane; the curves also show predictions."""
        if isinstance(pane, Curves) and pane.display:
            ghost = getattr(self.app, "ghost", None)
            pane.overlay(self.app.predicted.shown(frame.focus), parameter_ticks(frame), ghost)
        super().show_in(pane, frame)

    @on(StripPane.Chosen)
    def _chosen(self, event: StripPane.Chosen) -> None:
        event.stop()
        if isinstance(event.pane, MessagesPane):
            self.app.obey(f"focus {event.index}")
        else:
            self.app.show_community(event.index)
