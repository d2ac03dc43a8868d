"""Live: the message shown, spreading."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget

from tui.draw import CommunityHeat, CommunityMap, Curves, NowPane
from tui.draw.metric_chart import MetricChart
from tui.modes.mode import Mode, note_one_run, titled
from tui.modes.panes import ParametersPane, StoriesPane, WelcomePane

if TYPE_CHECKING:
    from sim.runtime import Frame


class LiveMode(Mode):
    """Curves and figures above, communities and messages below; wide: parameters and map too."""

    MODE: ClassVar[str] = "live"
    DEFAULT_CSS = """
    LiveMode #chart { display: none; width: 1fr; }
    LiveMode.-metrics #chart { display: block; }
    LiveMode.-metrics #curves { display: none; }
    """

    _is_metrics = False

    def compose(self) -> ComposeResult:
        """Lay the panes out; which of them are seen is a matter of the styles."""
        with Horizontal(id="upper"):
            yield titled(ParametersPane(), "Parameters")
            yield titled(WelcomePane(), "Welcome")
            yield titled(Curves(id="curves"), "Adoption")
            yield titled(MetricChart(id="chart"), "Metrics")
            yield titled(NowPane(id="now"), "Now")
        with Horizontal(id="lower"):
            yield titled(CommunityMap(id="map"), "Communities", counts=True)
            yield titled(CommunityHeat(id="heat"), "Communities over time", counts=True)
            yield titled(StoriesPane(), "Messages")

    TURNS: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("curves", "chart", "now", "welcome"),
        ("heat",),
        ("curves", "chart", "now", "stories"),
        ("map", "params"),
    )

    def show(self, frame: Frame) -> None:
        """Show a frame in every pane that is seen."""
        self._arrange(frame)
        super().show(frame)

    def show_next(self, frame: Frame) -> None:
        """Show a frame in the panes whose turn it is."""
        self._arrange(frame)
        super().show_next(frame)

    def turn_chart(self) -> None:
        """Show metrics where the curves are, or the curves again."""
        self._is_metrics = not self._is_metrics

    def _arrange(self, frame: Frame) -> None:
        """Show the metrics chosen, or what members do, where no message has its curves."""
        from sim.runtime.engine.metrics_tracker import unit_of

        names, is_quiet = self.app.preferences.metrics, frame.focus is None
        units = {name: unit_of(name) for name in names}
        self.query_one(NowPane).choose(names, units)
        is_chart = bool(names) and (self._is_metrics or (is_quiet and frame.metrics is not None))
        course = None
        if is_quiet and not is_chart and frame.platform is not None:
            course = frame.platform.course  # a platform lives without any message
        if course is None:
            self.query_one(MetricChart).choose(names, units)
        else:
            told = {name: unit_of(name) for name in course.names}
            self.query_one(MetricChart).choose(course.names, told, course)
            is_chart = True
        self.set_class(is_chart, "-metrics")
        self.set_class(is_quiet and not is_chart, "-quiet")

    def show_in(self, pane: Widget, frame: Frame) -> None:
        """Show a frame in one pane; the curves show what is predicted, too."""
        if isinstance(pane, Curves) and pane.display:
            pane.overlay(self.app.theory_beside(frame.focus))
        elif isinstance(pane, NowPane):
            note_one_run(pane, self.app.keymap, is_one=frame.focus is not None)
        super().show_in(pane, frame)

    @on(CommunityMap.Chosen)
    @on(CommunityHeat.Chosen)
    def _chosen(self, event: CommunityMap.Chosen) -> None:
        event.stop()
        self.app.show_community(event.index)

    def on_stories_pane_chosen(self, event: StoriesPane.Chosen) -> None:
        """Show the message that was chosen."""
        event.stop()
        self.app.obey(f"focus {event.session}")
