"""The curves pane: how many members are in each state, tick by tick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.strip import Strip

from tui.draw.canvas import Canvas, View, nice_ceiling
from tui.draw.panes import BraillePane
from tui.draw.plotting import LegendEntry, Pen, Plot, log_labels, place, share_labels, write_legend
from tui.safe_text import line
from tui.text import count, percent
from tui.theme import CurveStyle, styles

if TYPE_CHECKING:
    from sim import Theory
    from sim.runtime import Focus, Frame


SHORTEST = 10
"""Minimum ticks on the time axis."""
TIGHTEST = 8
"""Ticks shown at the maximum zoom."""
SPARSE = 0b10001000
"""Dots of a predicted curve that are drawn: every fourth."""
OFF_SCALE_BELOW = 0.2
"""While all other states are below this share, the first state is left off the scale."""


class Curves(BraillePane):
    """The curves of all states over time, with a crosshair that reads values.

    Each curve has a colour, a dash style, a letter on the curve, and its value in the legend.
    """

    HELP = (
        "Number of members in each state, tick by tick. Left and right move the crosshair, "
        "( and ) zoom in time, L switches the logarithmic scale on and off, a also shows a state "
        "that is far above the others."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "point(-1)", "Crosshair left", id="curves-left", show=False),
        Binding("right", "point(1)", "Crosshair right", id="curves-right", show=False),
        Binding("shift+left", "point(-10)", "Far left", id="curves-far-left", show=False),
        Binding("shift+right", "point(10)", "Far right", id="curves-far-right", show=False),
        Binding("home", "first", "First tick", id="curves-first", show=False),
        Binding("end", "newest", "Follow the newest tick", id="curves-newest", show=False),
        Binding("left_parenthesis", "zoom(2.0)", "Zoom out", id="curves-out", show=False),
        Binding("right_parenthesis", "zoom(0.5)", "Zoom in", id="curves-in", show=False),
        Binding("L", "log", "Logarithmic scale", id="curves-log", show=False),
        Binding("a", "all", "Show every state", id="curves-all", show=False),
    ]

    class Pointed(Message):
        """The crosshair moved."""

        def __init__(self, tick: int | None) -> None:
            super().__init__()
            self.tick = tick

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self.placeholder = _empty(None)
        self._states: tuple[str, ...] = ()
        self._history: NDArray[np.int64] = np.zeros((0, 0), dtype=np.int64)
        self._agents = 0
        self._first = 0
        self._cursor: int | None = None
        self._hover: int | None = None
        self._span: float | None = None
        self._start = 0.0
        self._log = False
        self._all = False
        self._plot: Plot | None = None
        self._theory: Theory | None = None

    def show(self, frame: Frame) -> None:
        focus = frame.focus
        self.placeholder = _empty(focus)
        if focus is None:
            self.plot((), np.zeros((0, 0), dtype=np.int64), agents=frame.agents)
        else:
            first = max(0, focus.started_at)
            self.plot(focus.states, focus.history, agents=frame.agents, first_tick=first)

    def plot(
        self,
        states: Sequence[str],
        history: NDArray[np.int64],
        *,
        agents: int,
        first_tick: int = 0,
    ) -> None:
        """Show the curves of a history; nothing is redrawn if it is already shown."""
        same = history is self._history and agents == self._agents and first_tick == self._first
        if same and tuple(states) == self._states:
            return
        if tuple(states) != self._states or first_tick != self._first:
            self._cursor = self._hover = self._span = None
        self._states, self._history = tuple(states), history
        self._agents, self._first = agents, first_tick
        self.changed()

    def overlay(self, theory: Theory | None) -> None:
        """Draw the predictions of equations, dashed and dim, or remove them."""
        if theory is not self._theory:
            self._theory = theory
            said = f"dashed: {line(theory.name, 100)}" if theory is not None else ""
            more = (
                f" Dashed: {line(theory.name, 200)}. {theory.limits}" if theory is not None else ""
            )
            vars(self)["HELP"] = type(self).HELP + more  # ? explains what is drawn
            self.border_subtitle = Content(said)
            self.changed()

    def _predicted(self, state: int) -> NDArray[np.float64] | None:
        """Return the expected number of members in a state, tick by tick."""
        theory = self._theory
        if theory is None or self._states[state] not in theory.states:
            return None
        expected: NDArray[np.float64] = theory.expected[:, theory.states.index(self._states[state])]
        return expected

    # -- keys and mouse -----------------------------------------------------------------------

    def action_point(self, steps: int) -> None:
        last = len(self._history) - 1
        if last < 0:
            return
        columns = self._plot.columns if self._plot else last + 1
        start, stop = self._window()
        stride = max(1, round((stop - start) / max(1, columns - 1)))
        here = last if self._cursor is None else self._cursor
        there = max(0, here + steps * stride)
        self._point(None if there >= last and steps > 0 else min(there, last))

    def action_first(self) -> None:
        if len(self._history):
            self._point(0)

    def action_newest(self) -> None:
        self._point(None)

    def action_zoom(self, factor: float) -> None:
        start, stop = self._window()
        last = max(len(self._history) - 1, SHORTEST)
        span = max(float(min(TIGHTEST, last)), (stop - start) * factor)
        self._span = None if span >= last else span
        if self._cursor is not None:
            share = (self._cursor - start) / (stop - start)
            self._start = self._cursor - share * span
        self.changed()

    def action_log(self) -> None:
        self._log = not self._log
        self.changed()

    def action_all(self) -> None:
        self._all = not self._all
        self.changed()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        tick = self._tick_at(event)
        if tick != self._hover:
            self._hover = tick
            self.changed()

    def on_leave(self) -> None:
        if self._hover is not None:
            self._hover = None
            self.changed()

    def on_click(self, event: events.Click) -> None:
        tick = self._tick_at(event)
        if tick is not None:
            self._point(tick)

    def _tick_at(self, event: events.MouseEvent) -> int | None:
        offset, plot = event.get_content_offset(self), self._plot
        if offset is None or plot is None or not 0 <= offset.x - plot.x < plot.columns:
            return None
        tick = plot.tick(offset.x)
        return tick if tick < len(self._history) else None

    def _point(self, cursor: int | None) -> None:
        if cursor is not None:
            self._start = self._window()[0]
        self._cursor = cursor
        self.changed()
        self.post_message(self.Pointed(None if cursor is None else self._first + cursor))

    def _window(self) -> tuple[float, float]:
        """Return the first and last row shown; the crosshair is always inside."""
        last = float(max(len(self._history) - 1, SHORTEST))
        span = self._span
        if span is None or span >= last:
            return 0.0, last
        start = last - span
        if self._cursor is not None:
            start = min(max(self._start, self._cursor - span), self._cursor)
        start = min(max(0.0, start), last - span)
        return start, start + span

    # -- drawing ------------------------------------------------------------------------------

    def paint(self, width: int, height: int) -> list[Strip]:
        """Draw curves, axes and legend."""
        canvas = self.canvas(width, height)
        self._plot = None
        if not self._history.size:
            self.write_placeholder(canvas)
            return canvas.strips()
        looks = styles(self._states, dark=self.dark)
        base = self.rich_style
        inks = [canvas.ink_of(base + _style(each)) for each in looks]
        shown = self._on_scale()
        rows = height - write_legend(
            canvas,
            self._read_out(),
            [
                self._entry(i, looks[i], inks[i], shown)
                for i in sorted(range(len(shown)), key=lambda i: not shown[i])
            ],
            strong=canvas.ink_of(self.tone("strong")),
            text=canvas.ink_of(self.tone("text")),
        )
        rows -= 1 if rows >= 4 else 0
        if rows >= 2 and width >= 8:
            self._paint_plot(canvas, rows, looks, inks, shown)
        return canvas.strips()

    def _paint_plot(
        self,
        canvas: Canvas,
        rows: int,
        looks: Sequence[CurveStyle],
        inks: Sequence[int],
        shown: list[bool],
    ) -> None:
        view = self._view(shown)
        labels = (
            log_labels(rows, view)
            if self._log
            else share_labels(rows, view, self._agents if canvas.width >= 60 else None)
        )
        plot = self._plot = place(canvas, rows, view, labels)
        pen = Pen(canvas, plot, self)
        pen.axes(labels, self._first)
        for i, style in enumerate(looks):
            expected = self._predicted(i)
            if shown[i] and expected is not None:
                ink = canvas.ink_of(self.rich_style + _style(style, dim=True))
                pen.curve(self._on_axis(expected), replace(style, dash=SPARSE, marker="."), ink)
        for i, style in enumerate(looks):
            if shown[i]:
                pen.curve(self._scaled(i), style, inks[i], lead=3 + i * (26 // len(looks)))
        pen.finish()
        tick = self._read_at()
        if tick is not None:
            pen.crosshair(tick)

    def _on_scale(self) -> list[bool]:
        """Return the states that the value axis makes room for."""
        shown = [True] * len(self._states)
        if len(shown) > 1 and not self._all and not self._log:
            others = int(self._history[:, 1:].max())
            shown[0] = others >= OFF_SCALE_BELOW * max(1, self._agents)
        return shown

    def _top(self, shown: list[bool]) -> float:
        start, stop = self._window()
        ticks = slice(int(start), int(stop) + 2)
        most = float(self._history[ticks, shown].max(initial=0))
        for i in np.flatnonzero(shown).tolist():
            expected = self._predicted(i)
            if expected is not None:
                most = max(most, float(expected[ticks].max(initial=0)))
        share = most / max(1, self._agents)
        return min(1.0, nice_ceiling(share)) if share <= 1 else share

    def _view(self, shown: list[bool]) -> View:
        start, stop = self._window()
        if self._log:
            return View(start, stop, 0.0, float(np.log10(max(10, self._agents))))
        return View(start, stop, 0.0, self._top(shown))

    def _scaled(self, state: int) -> NDArray[np.float64]:
        return self._on_axis(self._history[:, state].astype(np.float64))

    def _on_axis(self, column: NDArray[np.float64]) -> NDArray[np.float64]:
        if not self._log:
            return column / max(1, self._agents)
        with np.errstate(divide="ignore"):
            return np.where(column > 0, np.log10(column), np.nan)

    # -- values as text -----------------------------------------------------------------------

    def _read_at(self) -> int | None:
        """Return the row under mouse or crosshair; None for the newest."""
        tick = self._cursor if self._hover is None else self._hover
        return tick if tick is not None and tick < len(self._history) else None

    def _read_out(self) -> str:
        tick = self._read_at()
        return f"tick {count(self._first + (len(self._history) - 1 if tick is None else tick))}"

    def _entry(self, state: int, style: CurveStyle, ink: int, shown: Sequence[bool]) -> LegendEntry:
        tick = self._read_at()
        agents = int(self._history[-1 if tick is None else tick, state])
        share = percent(agents / max(1, self._agents))
        expected, row = self._predicted(state), len(self._history) - 1 if tick is None else tick
        if expected is not None and row < len(expected):
            share += f" ~{percent(float(expected[row]) / max(1, self._agents))}"
        return LegendEntry(
            style.marker, ink, self._states[state], share, count(agents), off=not shown[state]
        )


def _empty(focus: Focus | None) -> str:
    """Say why there is no curve."""
    if focus is None:
        return "No message yet; press i to send one."
    why = f": {line(focus.error, 300)}" if focus.error else "; it is queued"
    return f"#{focus.id} has not started{why}."


def _style(one: CurveStyle, *, dim: bool = False) -> Style:
    return Style(color=Color.parse(one.colour), bold=not dim, dim=dim)
