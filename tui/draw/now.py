"""The pane of figures in Live, and the chart of metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from rich.cells import cell_len
from textual.reactive import reactive

from sim.arrays import F64
from tui.draw.canvas import Canvas, arrow, bars, held, sparkline
from tui.draw.panes import StripPane
from tui.safe_text import line
from tui.text import count, percent, short

if TYPE_CHECKING:
    from sim.runtime import Focus, Frame
    from sim.runtime.queries.feeds import MetricsState, PlatformNow

ROOM = 14
"""Cells that names leave to notes if possible."""

SHORTEST = 6
"""Minimum cells of a note or a sparkline; with fewer it is omitted."""


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """One figure."""

    name: str  # what it is, and how much, with its unit
    value: str
    note: str = ""  # what else is worth knowing, such as when it peaked
    course: F64 = field(default_factory=lambda: np.zeros(0))


def metrics_of(focus: Focus, agents: int) -> list[Figure]:
    """Return the figures of a message."""
    total = max(1, agents)
    first = max(0, focus.started_at)
    adopters = np.cumsum(focus.new).astype(np.float64)
    new = focus.new.astype(np.float64)
    speed = focus.speed if focus.status in {"queued", "running"} else 0.0
    held, note = count(focus.now), percent(focus.now / total)
    if focus.now < 0:
        held, note = "-", "model missing"
    virality = figure(focus.virality), "structural"
    if 0 < focus.virality_size < focus.reached:  # measured only while paused
        virality = "-", "when paused"
    seeds_r = f"R {focus.seeds_r:.2f}" if np.isfinite(focus.seeds_r) else f"at tick {count(first)}"
    return [
        Figure("ever adopted", count(focus.reached), percent(focus.reached / total), adopters),
        Figure("spreading now", held, note),
        Figure("new adopters", short(new[-1]) if len(new) else "0", _peak(new, first), new),
        _r_of(focus, first),
        *(Figure(line(name, 14), figure(value)) for name, value in focus.metrics),
        Figure("10-tick mean", figure(speed), "per tick"),
        Figure("longest chain", count(focus.depth), "hop" if focus.depth == 1 else "hops"),
        Figure("generation", count(focus.breadth), "widest"),
        Figure("virality", *virality),
        Figure("seeds", count(focus.seeds), seeds_r),
    ]


def _r_of(focus: Focus, first: int) -> Figure:
    """Write R of the newest complete cohort, or why there is none."""
    later = focus.r[1:]
    if focus.cohort > first:
        value = float(focus.r[focus.cohort - first])
        peak = _peak(later, first + 1, "{:.2f}".format)
        return Figure(f"R({count(focus.cohort)})", f"{value:.2f}", peak, later)
    if focus.cohort < -1:
        return Figure("R", "-", "not recorded")
    running = focus.status in {"queued", "running"}
    return Figure("R", "-", "no complete cohort" if running else "died out")


def platform_metrics(now: PlatformNow, agents: int) -> list[Figure]:
    """Return the figures of a platform in its last tick."""
    is_known = now.online >= 0
    share = percent(now.online / max(1, agents)) if is_known else "after a tick"
    shown = short(now.exposures) if now.exposures >= 0 else "-"
    return [
        Figure("online", count(now.online) if is_known else "-", share),
        Figure("impressions", shown, f"{short(now.messages)} messages"),
        *(Figure(name, short(many), "acts") for name, many in now.acts),
    ]


def chosen_metrics(
    names: Sequence[str], units: Mapping[str, str], measured: MetricsState | None
) -> list[Figure]:
    """Return the figures of the chosen metrics, with alerts as their notes."""
    if measured is None:
        return [Figure(name.replace("_", " "), "-", "off; press G") for name in names]
    latest = {name: (value, tick) for name, value, tick in measured.latest}
    bad = {alert.metric: int(alert.level) for alert in measured.alerts}
    found = []
    for name in names:
        value, tick = latest.get(name, (float("nan"), -1))
        level = bad.get(name, 0)
        when = "" if tick in measured.ticks[-1:] else f"@{count(tick)}"
        note = ("", "warning", "critical")[level] or (when if tick >= 0 else "no value yet")
        course = held(measured.series(name)) if name in latest else np.zeros(0)
        found.append(Figure(name.replace("_", " "), figure(value, units[name]), note, course))
    return found


def _peak(course: F64, first: int, write: Callable[[float], str] = short) -> str:
    if not np.isfinite(course).any():
        return ""
    at = int(np.nanargmax(course))
    return f"peak {write(float(course[at]))} @{count(first + at)}"


class NowPane(StripPane):
    """The figures of the message shown, as many as there are rows for."""

    HELP = (
        "The message shown at this tick: how many members have ever adopted it, how many are "
        "spreading it now (a dash: the plugin of its model is missing), new adopters and R with "
        "their peaks, the mean number of new adopters over 10 ticks, the shape of the cascade "
        "tree, and structural virality (mean distance between two adopters in that tree). R(12) "
        "is the mean number of adoptions caused by each member who adopted at tick 12; it is "
        "incomplete (a dash; dots in its history) until all of them have finished spreading. R of "
        "the seeds is listed separately, because they were selected. With a platform: members "
        "online, impressions, actions of the last tick; or the metrics selected with G."
    )

    placeholder = reactive("No message yet.")
    _heading = ""
    _metrics: tuple[Figure, ...] = ()
    _shown: tuple[object, ...] = ()
    _chosen: tuple[str, ...] = ()
    _units: Mapping[str, str] = MappingProxyType({})

    def choose(self, names: Sequence[str], units: dict[str, str]) -> None:
        """Show these metrics of the world in place of the platform's figures."""
        if (tuple(names), units) != (self._chosen, self._units):
            self._chosen, self._units, self._shown = tuple(names), units, ()

    def show(self, frame: Frame) -> None:
        focus, platform = frame.focus, frame.platform
        key = (focus, frame.tick, frame.agents, frame.metrics)
        hosted = [] if platform is None else platform_metrics(platform, frame.agents)
        if self._chosen:
            hosted = chosen_metrics(self._chosen, self._units, frame.metrics)
        if focus is None:
            ranks = ", ".join(platform.recommenders) if platform is not None else ""
            feeds = f", feeds by {ranks}" if ranks else ""
            self.tell(f"tick {count(frame.tick)}{feeds}" if hosted else "", hosted)
        elif key[1:] != self._shown[1:] or focus is not self._shown[0]:
            heading = f"#{focus.id} {focus.status}, tick {count(frame.tick)}"
            told = metrics_of(focus, frame.agents)
            self.tell(heading, [*told[:3], *hosted, *told[3:]])
        self._shown = key

    def tell(self, heading: str, metrics: Sequence[Figure]) -> None:
        if heading == self._heading and not metrics and not self._metrics:
            return
        self._heading, self._metrics = heading, tuple(metrics)
        self.changed()

    def draw_on(self, canvas: Canvas) -> None:
        width, height = canvas.width, canvas.height
        if not self._metrics:
            return
        first = int(height > len(self._metrics))
        if first:
            canvas.text(0, 0, self._heading, "muted")
        values = max(cell_len(line(m.value, 14)) for m in self._metrics)
        room = max(4, width // 3, width - values - ROOM)
        names = min(max(cell_len(line(m.name, 16)) for m in self._metrics), room)
        notes = max((cell_len(m.note) for m in self._metrics if len(m.course)), default=0)
        for y, metric in enumerate(self._metrics[: height - first], first):
            self._write(canvas, y, metric, names, values, notes)

    def _write(
        self, canvas: Canvas, y: int, metric: Figure, names: int, values: int, notes: int
    ) -> None:
        ascii_only = self.symbols == "ascii"
        canvas.text(0, y, metric.name, "muted", room=names)
        value = line(metric.value, values)
        x = names + 1 + values
        canvas.text(x - cell_len(value), y, value, "strong")
        canvas.text(x + 1, y, arrow(metric.course, ascii_only=ascii_only), "strong", room=1)
        x += 3
        if canvas.width - x >= SHORTEST:
            canvas.text(x, y, metric.note, "muted")
        x += notes + 1
        course = sparkline(metric.course, canvas.width - x, ascii_only=ascii_only)
        if canvas.width - x >= SHORTEST and course:
            canvas.text(x, y, course, "line")


SCALE = 6
"""Cells of the numbers at the right."""


def figure(value: float, unit: str = "") -> str:
    """Write a metric's value, with its unit if that is short."""
    if not np.isfinite(value):
        return "-"
    if unit == "share":
        return f"{value:.2g}" if 0 < abs(value) < 0.0005 else percent(value)
    if unit == "ms":
        return f"{value:.1f} ms" if value < 1000 else f"{value / 1000:.1f} s"
    return short(value) if value == int(value) or abs(value) >= 100 else f"{value:.2f}"


class MetricChart(StripPane):
    """The chosen metrics, as series of bars."""

    HELP = (
        "The metrics selected with G, each on its own scale, with zero at its base; the numbers "
        "at the right are the bottom and the top. c returns to the curves of the message shown."
    )

    placeholder = reactive("No metric selected; press G for a list.")
    _units: Mapping[str, str] = MappingProxyType({})
    _names: Sequence[str] = ()
    _course: MetricsState | None = None
    _figures: Sequence[Figure] = ()

    def choose(
        self, names: Sequence[str], units: dict[str, str], course: MetricsState | None = None
    ) -> None:
        """Show other metrics; ``units``: of each; ``course``: their series, if frames have none."""
        self._names, self._units, self._course = names, units, course

    def show(self, frame: Frame) -> None:
        measured = frame.metrics if self._course is None else self._course
        self._figures = chosen_metrics(self._names, self._units, measured)
        self.repaint_changes()

    def draw_on(self, canvas: Canvas) -> None:
        width, height = canvas.width, canvas.height
        if not self._figures:
            return
        shown = self._figures[: max(1, height // 2)]
        rows, ascii_only = max(1, height // len(shown) - 1), self.symbols == "ascii"
        left = len(self._figures) - len(shown)
        more = f"  {left} more" if left else ""
        for place, each in enumerate(shown):
            y, end = place * (rows + 1), width - (len(more) if place == 0 else 0)
            trend = arrow(each.course, ascii_only=ascii_only)
            used = canvas.text(0, y, f"{line(each.name, 24)} {each.value} {trend} ", "strong")
            canvas.text(used, y, each.note, "muted", room=max(0, end - used))
            if np.isfinite(each.course).any():
                self._write_bars(canvas, y + 1, rows, each, self._units[self._names[place]])
        canvas.text(width - len(more), 0, more, "muted")

    def _write_bars(self, canvas: Canvas, y: int, rows: int, each: Figure, unit: str) -> None:
        """Write a series as bars, with the values at their top and base beside them."""
        cells = max(1, canvas.width - SCALE - 1)
        drawn, low, high = bars(each.course, cells, rows, ascii_only=self.symbols == "ascii")
        for at, text in enumerate(drawn):
            canvas.text(0, y + at, text, "line")
        canvas.text(cells + 1, y, _scaled(high, unit), "muted")
        if rows > 1:
            canvas.text(cells + 1, y + rows - 1, _scaled(low, unit), "muted")


def _scaled(value: float, unit: str) -> str:
    text = figure(value, unit).replace(" ", "")
    return text.rjust(SCALE) if cell_len(text) <= SCALE else short(value).rjust(SCALE)
