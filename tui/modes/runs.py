"""Runs: replicates of the world on the screen, their fan chart, and conclusions."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.css.query import NoMatches
from textual.widget import Widget

from sim.arrays import F64
from sim.core import plural
from sim.errors import HubbubError
from tui.actions.table import way_to
from tui.dialogs.progress import in_thread
from tui.draw.experiments import BarsPane, ExperimentTable, ParameterMapPane
from tui.draw.fan import DifferencePane, FanPane
from tui.experiment_figures import (
    BY_CONDITION,
    FAN,
    Bars,
    Outcome,
    ParameterMap,
    course,
    outcome_of,
    series_of,
)
from tui.experiments import REPLICATES, Experiment, ExperimentPlan
from tui.modes.inspector import ScrollingLines, fact, heading, muted, wrapped
from tui.modes.panes import Mode, titled
from tui.safe_text import line

if TYPE_CHECKING:
    from sim.runtime import Frame


SERIES_TITLES = {"ever": "ever adopted", "now": "spreading now", "new": "new adopters"}


def _runs_said(done: int, total: int) -> str:
    return plural(total, "run") if done >= total else f"{done:,} of {plural(total, 'run')}"


LOOKS_PER_SECOND = 4
_BESIDE = ("study", "sweep")
"""Actions that start an experiment from a file."""


class OutcomePane(ScrollingLines):
    """The conclusions from the finished runs."""

    HELP = (
        "Results of the finished runs: the mean and the median number of adopters, each with its "
        "95 % confidence interval; how many runs took off, and the size that counts as take-off; "
        "for a study, whether the expected results were observed. Up and down scroll."
    )
    EMPTY = "No results yet."

    def __init__(self, *, id: str = "outcome") -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self._outcome: Outcome | None = None
        self._problem = ""

    def tell(self, outcome: Outcome | None, problem: str) -> None:
        """Show an outcome, or why there is none."""
        if (outcome, problem) != (self._outcome, self._problem):
            self._outcome, self._problem = outcome, problem
            self.refresh()

    def lines(self, width: int) -> list[Content]:
        """Return the text as lines."""
        found, outcome = wrapped(self._problem, width) if self._problem else [], self._outcome
        if outcome is None:
            return found
        found += [fact(label, value, width) for label, value in outcome.facts]
        if outcome.sentences:
            found += heading("Conclusion", width)
        for sentence in outcome.sentences:
            found += wrapped(sentence, width)
        if outcome.arms and outcome.series != "ever":
            name = SERIES_TITLES.get(outcome.series, outcome.series)
            found.append(muted(f"curves: {line(name, 40)}", width))
        return found


class RunsMode(Mode):
    """A picture and conclusions above, the experiments of this session below."""

    MODE: ClassVar[str] = "runs"
    TURNS: ClassVar[tuple[tuple[str, ...], ...]] = (("experiments",),)

    _series = "ever"
    _view = FAN
    _axes: tuple[str, ...] = ()
    _key: tuple[object, ...] = ()
    _live_key: tuple[object, ...] = ()
    _is_looking = False
    _followed: Experiment | None = None
    _outcome: Outcome | None = None
    _live: F64 = np.zeros(0)

    def compose(self) -> ComposeResult:
        with Horizontal(id="upper"):
            yield titled(FanPane(), "Fan", "picture")
            yield titled(ParameterMapPane(), "Heat map", "picture")
            yield titled(BarsPane(), "Numbers", "picture")
            yield titled(OutcomePane(), "Outcome")
        with Horizontal(id="lower"):
            yield titled(DifferencePane(), "Difference")
            yield titled(ExperimentTable(id="experiments"), "Experiments")

    def on_mount(self) -> None:
        self.last_focused = self.table
        studies, sweep = (way_to(n, self.app.keymap) for n in _BESIDE)
        self.table.placeholder = (
            f"No experiment yet; {studies} lists studies, {sweep} sweeps parameters."
        )
        self.set_interval(1 / LOOKS_PER_SECOND, self._beat)

    def _beat(self) -> None:
        """Follow the running experiment; in other modes the bar shows its progress."""
        running = self.app.experiments.running
        if running is not self._followed or running is not None:
            self._followed = running
            self.app.redraw_modes()
        self._turn_over()

    @property
    def table(self) -> ExperimentTable:
        """The table."""
        return self.query_one(ExperimentTable)

    @property
    def chosen(self) -> Experiment | None:
        """The experiment under the cursor."""
        return self.table.chosen if self.is_mounted else None

    def show_in(self, pane: Widget, frame: Frame) -> None:
        """Follow the world; the running experiment is followed by a timer."""
        del frame
        if isinstance(pane, ExperimentTable):
            self._turn_over()

    def turn_series(self, wanted: str) -> str:
        """Show another series, or the next one; return its name."""
        known = series_of(self.chosen) if self.chosen is not None else ()
        if not known:
            return ""
        at = known.index(self._series) + 1 if self._series in known else 0
        self._series = wanted if wanted in known else known[at % len(known)]
        self._turn_over()
        return self._series

    @property
    def views(self) -> tuple[str, ...]:
        """Names of the pictures of the experiment shown."""
        return self._outcome.views if self._outcome is not None else ()

    @property
    def view(self) -> str:
        """The picture that is shown."""
        views = self.views
        return self._view if self._view in views or not views else views[0]

    def turn_view(self, wanted: str, axes: tuple[str, ...] = ()) -> str:
        """Show another picture, or the next one; return its name."""
        views = self.views
        if views:
            self._view = wanted or views[(views.index(self.view) + 1) % len(views)]
            self._axes = axes or self._axes
            self._show()
            self._turn_over()
        return self.view if views else ""

    @property
    def known_series(self) -> tuple[str, ...]:
        """The series of the experiment shown."""
        return series_of(self.chosen) if self.chosen is not None else ()

    def _turn_over(self) -> None:
        """Update the experiments while the mode is visible."""
        if not self.display or not self.is_mounted:
            return
        with suppress(NoMatches):  # the stage is being taken down
            self.table.list_experiments(self.app.experiments.all)
            self._title()
            chosen = self.chosen
            key = (chosen, self._series, self._axes, chosen and chosen.found)
            if key != self._key and not self._is_looking:
                self._key, self._is_looking = key, True
                self.ask(self._look, chosen, self._series, self._axes, group="outcome")
            self._ask_live()

    def _title(self) -> None:
        chosen, fan, view = self.chosen, self.query_one(FanPane), self.view
        fan.placeholder = self._invitation() if chosen is None else chosen.problem or (
            f"{chosen.stage.capitalize()} ..." if chosen.state == "running" else "No results."
        )  # fmt: skip
        title, below = "Fan", ""
        if chosen is not None:
            done = self._outcome.finished if self._outcome is not None else 0
            view = "runs" if self._outcome is None else view
            series = "" if self._outcome is None else self._outcome.series
            is_named = view.endswith(BY_CONDITION) or not series
            name = SERIES_TITLES.get(series, line(series, 24))
            named = name if view == FAN else f"{line(view, 24)}{'' if is_named else f' of {name}'}"
            runs = f", {_runs_said(done, chosen.total)}" if chosen.total else ""
            title = f"{named[:1].upper()}{named[1:]}{runs}"
            below = f"{chosen.how_far}; esc cancels" if chosen.state == "running" else ""
        pane = next((each for each in self.query(".picture") if each.display), fan)
        if str(pane.border_title) != title:
            pane.border_title = Content(title)
        if str(pane.border_subtitle or "") != below:
            pane.border_subtitle = Content(below)

    def _invitation(self) -> str:
        key = way_to("replicates", self.app.keymap)
        return f"Press {key} for {REPLICATES} replicates from this tick."

    async def _look(self, chosen: Experiment | None, series: str, axes: tuple[str, ...]) -> None:
        try:
            found = None
            if chosen is not None:
                found = await in_thread(lambda: outcome_of(chosen, series, axes), "outcome")
        finally:
            self._is_looking = False
        if self.chosen is chosen:
            self._outcome = found
            self._show()

    def _show(self) -> None:
        chosen, outcome = self.chosen, self._outcome
        self._show_picture(outcome)
        apart = outcome.difference if outcome is not None else None
        self.set_class(apart is not None, "-compared")
        difference = self.query_one(DifferencePane)
        difference.show_outcome(outcome)
        if apart is not None:
            said = f"Difference: {line(apart.arm, 30)} minus {line(apart.against, 30)}"
            difference.border_title = Content(said)
        self.query_one(OutcomePane).tell(outcome, chosen.problem if chosen else "")
        self._title()

    def _show_picture(self, outcome: Outcome | None) -> None:
        """Show the wanted picture; unless it is the fan chart, in a pane of its own."""
        picture = None if outcome is None else outcome.pictures.get(self.view)
        seen = {ParameterMap: "-map", Bars: "-bars"}.get(type(picture), "")
        had_focus = any(each.has_focus for each in self.query(".picture"))
        for name in ("-map", "-bars"):
            self.set_class(name == seen, name)
        has_fan = outcome is not None and bool(outcome.arms)
        self.query_one(FanPane).show_outcome(outcome if has_fan else None, self._live)
        if isinstance(picture, ParameterMap):
            self.query_one(ParameterMapPane).show_map(picture)
        elif isinstance(picture, Bars):
            self.query_one(BarsPane).show_bars(picture)
        if had_focus:
            pane = {"-map": ParameterMapPane, "-bars": BarsPane}.get(seen, FanPane)
            self.query_one(pane).focus()

    def _ask_live(self) -> None:
        """Fetch the course of the world itself, if the experiment is of this world."""
        chosen, frame = self.chosen, self.app.frame
        is_its = chosen is not None and chosen.world is not None and self.app.feed is not None
        if not is_its or chosen is None or frame is None or chosen.world is None:
            self._live = np.zeros(0)
            return
        key = (chosen, self._series, frame.revision)
        if key != self._live_key:
            self._live_key = key
            self.ask(self._follow, chosen, self._series, group="live", newest=True)

    async def _follow(self, chosen: Experiment, series: str) -> None:
        simulation = self.app.simulation
        plan = chosen.plan
        if (
            chosen.world is None
            or chosen.world() is not simulation
            or not isinstance(plan, ExperimentPlan)
        ):
            live: F64 = np.zeros(0)
        else:
            said = tuple(str(each["text"]) for each in plan.messages)
            sent = tuple(range(chosen.made, chosen.made + len(said)))
            try:
                live = await simulation.query(
                    course, series, chosen.tick, sent or chosen.under_way, said
                )
            except HubbubError:  # it was closed: the bars say so
                live = np.zeros(0)
        if self.chosen is chosen:
            self._live = live
            self._show()

    @on(ExperimentTable.Selected)
    def _selected(self, event: ExperimentTable.Selected) -> None:
        event.stop()
        self.query_one(OutcomePane).start()
        self._turn_over()
