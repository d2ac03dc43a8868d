"""Runs: replicates of the world on the screen, their charts, and conclusions."""

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
from textual.widgets import ContentSwitcher

from sim import lab
from sim.arrays import F64
from sim.core import plural
from tui.actions.table import way_to
from tui.dialogs.progress import in_thread
from tui.draw.experiments import (
    BarsPane,
    DifferencePane,
    ExperimentTable,
    FanPane,
    ParameterMapPane,
)
from tui.experiments import REPLICATES, Experiment
from tui.modes.inspector import ScrollingLines, fact, heading, wrapped
from tui.modes.panes import Mode, entitle, titled
from tui.safe_text import line

if TYPE_CHECKING:
    from sim.lab import Outcome
    from sim.runtime import Frame

LOOKS_PER_SECOND = 4


class OutcomePane(ScrollingLines):
    """The conclusions from the finished runs."""

    HELP = (
        "Results of the finished runs, in words first: how conditions differ, whether the "
        "expected results of a study were observed, with 95 % confidence intervals. Then the "
        "figures: means and medians, how many runs took off. Up and down scroll."
    )
    EMPTY = "No results yet."

    def key_of(self, shown: tuple[Experiment | None, Outcome | None]) -> object:
        return shown[0]

    def lines(self, shown: tuple[Experiment | None, Outcome | None], width: int) -> list[Content]:
        problem, outcome = shown[0].problem if shown[0] else "", shown[1]
        found = wrapped(problem, width) if problem else []
        if outcome is None:
            return found
        for sentence in outcome.sentences:
            found += wrapped(sentence, width)
        if outcome.sentences:
            found += heading("Figures", width)
        return found + [fact(label, value, width) for label, value in outcome.facts]


class RunsMode(Mode):
    """A picture and conclusions above, the experiments of this session below."""

    MODE: ClassVar[str] = "runs"
    TURNS: ClassVar[tuple[tuple[str, ...], ...]] = (("experiments",),)

    _series = "ever"
    _view = "fan"
    _axes: tuple[str, ...] = ()
    _key: tuple[object, ...] = ()
    _is_looking = False
    _outcome: Outcome | None = None
    _live: F64 = np.zeros(0)

    def compose(self) -> ComposeResult:
        with Horizontal(id="upper"):
            with ContentSwitcher(id="pictures", initial="fan"):
                yield titled(FanPane(id="fan"), "Fan")
                yield titled(ParameterMapPane(id="parameters"), "Heat map")
                yield titled(BarsPane(id="bars"), "Numbers")
            yield titled(OutcomePane(id="outcome"), "Conclusion")
        with Horizontal(id="lower"):
            yield titled(DifferencePane(id="difference"), "Difference")
            yield titled(ExperimentTable(id="experiments"), "Experiments")

    def on_mount(self) -> None:
        self.last_focused = self.table
        self.set_interval(1 / LOOKS_PER_SECOND, self._turn_over)

    @property
    def table(self) -> ExperimentTable:
        return self.query_one(ExperimentTable)

    @property
    def chosen(self) -> Experiment | None:
        return self.table.chosen if self.is_mounted else None

    def show_in(self, pane: Widget, frame: Frame) -> None:
        """Follow the world; the running experiment is followed by a timer."""
        del frame
        if isinstance(pane, ExperimentTable):
            self._turn_over()

    @property
    def known_series(self) -> tuple[str, ...]:
        return self.chosen.series if self.chosen is not None else ()

    @property
    def series(self) -> str:
        known = self.known_series
        return self._series if self._series in known or not known else known[0]

    @property
    def views(self) -> tuple[str, ...]:
        return self._outcome.views if self._outcome is not None else ()

    @property
    def view(self) -> str:
        views = self.views
        return self._view if self._view in views or not views else views[0]

    def turn_series(self, wanted: str) -> str:
        """Show another series, or the next one; return its name."""
        if not self.known_series:
            return ""
        self._series = wanted or _after(self.series, self.known_series)
        self._turn_over()
        return self._series

    def turn_view(self, wanted: str, axes: tuple[str, ...] = ()) -> str:
        """Show another picture, or the next one; return its name."""
        if not self.views:
            return ""
        self._view = wanted or _after(self.view, self.views)
        self._axes = axes or self._axes
        self._show()
        self._turn_over()
        return self.view

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
            self._follow()

    def _title(self) -> None:
        """Name the chart and the series, and below them what the keys show next."""
        chosen, outcome, fan = self.chosen, self._outcome, self.query_one(FanPane)
        title, below = "Fan", ""
        if chosen is None:
            key = way_to("replicates", self.app.keymap)
            fan.placeholder = f"Press {key} for {REPLICATES} replicates from this tick."
        else:
            fan.placeholder = chosen.problem or (
                f"{chosen.stage.capitalize()} ..." if chosen.state == "running" else "No results."
            )
            done = 0 if outcome is None else outcome.finished
            whole = plural(chosen.total, "run")
            runs = whole if done >= chosen.total else f"{done:,} of {whole}"
            title = f"{self._named()}{f', {runs}' if chosen.total else ''}"
            below = self._next_ones()
            if chosen.state == "running":
                below = f"{chosen.how_far}; esc cancels"
        entitle(self.query_one(ContentSwitcher).visible_content or fan, title, below)

    def _named(self) -> str:
        if self._outcome is None:
            return "Runs"
        view, series = line(self.view, 40), self._outcome.series
        is_named = view.endswith(lab.BY_CONDITION) or not series
        said = view if is_named else f"{view} of {lab.name_of(series)}"
        return f"{said[:1].upper()}{said[1:]}"

    def _next_ones(self) -> str:
        """Return what the keys for chart and series show next, if there is another one."""
        told = []
        for action, shown, known in (
            ("picture", self.view, self.views), ("series", self.series, self.known_series),
        ):  # fmt: skip
            if len(known) > 1:
                key = way_to(action, self.app.keymap)
                told.append(f"{key}: {line(lab.name_of(_after(shown, known)), 24)}")
        return "  ".join(told)

    def _follow(self) -> None:
        """Draw the course of the world itself, if the experiment is of this world."""
        chosen, entered = self.chosen, self.app.entered
        its_own = None if chosen is None or chosen.world is None else chosen.world()
        is_its = entered is not None and its_own is entered
        live = chosen.live(self.app.frame, self.series) if chosen and is_its else np.zeros(0)
        if not np.array_equal(live, self._live):
            self._live = live
            self._show()

    async def _look(self, chosen: Experiment | None, series: str, axes: tuple[str, ...]) -> None:
        try:
            found = None
            if chosen is not None:
                found = await in_thread(lambda: chosen.outcome(series, axes), "outcome")
        finally:
            self._is_looking = False
        if self.chosen is chosen:
            self._outcome = found
            self._show()

    def _show(self) -> None:
        """Show the wanted picture in its pane, the difference and the conclusion."""
        chosen, outcome = self.chosen, self._outcome
        picture = None if outcome is None else outcome.pictures.get(self.view)
        pictures, difference = self.query_one(ContentSwitcher), self.query_one(DifferencePane)
        had_focus = pictures.has_focus_within
        pictures.current = {lab.HeatMap: "parameters", lab.Bars: "bars"}.get(type(picture), "fan")
        apart = outcome.difference if outcome is not None else None
        self.set_class(apart is not None, "-compared")
        arms = outcome if outcome is not None and outcome.arms else None
        self.query_one(FanPane).show_outcome(arms, self._live)
        if isinstance(picture, lab.HeatMap):
            self.query_one(ParameterMapPane).show_map(picture)
        elif isinstance(picture, lab.Bars):
            self.query_one(BarsPane).show_bars(picture)
        if had_focus and pictures.visible_content is not None:
            pictures.visible_content.focus()
        difference.show_outcome(outcome)
        if apart is not None:
            said = f"Difference: {line(apart.arm, 30)} minus {line(apart.against, 30)}"
            entitle(difference, said)
        self.query_one(OutcomePane).tell((chosen, outcome))
        self._title()

    @on(ExperimentTable.Selected)
    def _selected(self, event: ExperimentTable.Selected) -> None:
        event.stop()
        self._turn_over()


def _after(shown: str, known: tuple[str, ...]) -> str:
    return known[(known.index(shown) + 1) % len(known)] if shown in known else known[0]
