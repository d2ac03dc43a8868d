"""The mode Live: a message, its adoption by communities, and the sliders of its parameters."""

from __future__ import annotations

import re
from shlex import quote
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Key
from textual.geometry import Size
from textual.timer import Timer
from textual.widget import Widget

from sim import runtime
from sim.core import ParameterSpec
from sim.runtime import Focus, Frame
from tui.actions.command_line import parse
from tui.app import Hubbub
from tui.dialogs.form import written
from tui.dialogs.progress import in_thread
from tui.draw.community_map import CommunityMap
from tui.draw.community_table import MEASURES, CommunityHeat, CommunityTable, offered
from tui.draw.curves import Curves
from tui.draw.now import MetricChart, NowPane
from tui.draw.panes import StripPane
from tui.modes.panes import MessagesPane, Mode, WelcomePane, entitle, of_one_run, titled
from tui.safe_text import line

VIEWS = ("map", "heat", "table")


class LiveMode(Mode):
    """Map, heat map or table of the communities; beside it the message, parameters and events."""

    MODE: ClassVar[str] = "live"

    view = "map"
    is_metrics = False

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

    def colour(self, measure: str) -> str:
        """Switch all views to a measure, or to the next one that is known; return its title."""
        frame, pane = self.app.frame, self.query_one(CommunityMap)
        known = offered(frame) if frame is not None else ["ever"]
        now = pane.measure if pane.measure in known else known[0]
        chosen = measure or known[(known.index(now) + 1) % len(known)]
        for each in self.screen.query(".view"):
            each.measure = chosen  # type: ignore[attr-defined]  # every view has it
        self.app.redraw()
        return MEASURES[chosen]

    def show(self, frame: Frame, *, whole: bool = True) -> None:
        self._arrange(frame)
        super().show(frame, whole=whole)

    def _arrange(self, frame: Frame) -> None:
        """Show the chosen metrics, or acts of members, if there are no curves of a message."""
        names, is_quiet = self.app.preferences.metrics, frame.focus is None
        if self.app.opening is not None:  # metrics are of the engine, which is not there yet
            return
        from sim.runtime.engine.metrics_tracker import unit_of

        units = {name: unit_of(name) for name in names}
        self.query_one(NowPane).choose(names, units)
        is_chart = bool(names) and (self.is_metrics or (is_quiet and frame.metrics is not None))
        course = None
        if is_quiet and not is_chart and frame.platform is not None:
            course = frame.platform.course  # a platform is active without any message
        if course is not None:
            names, is_chart = course.names, True
            units = {name: unit_of(name) for name in names}
        self.query_one(MetricChart).choose(names, units, course)
        self.set_class(is_chart, "-metrics")
        self.set_class(is_quiet and not is_chart, "-quiet")
        self.set_class(not frame.sessions and not frame.events, "-silent")
        focus = frame.focus
        title = "Platform" if focus is None else line(f"#{focus.id} {focus.text}", 80)
        theory = str(self.query_one(Curves).border_subtitle or "")
        below = theory or ("" if focus is None else of_one_run(self.app.keymap))
        entitle(self.query_one("#message"), title, below)

    def show_in(self, pane: Widget, frame: Frame) -> None:
        """Show a frame in one pane; the curves also show predictions."""
        if isinstance(pane, Curves) and self.has_class("-quiet"):
            pane.show(frame)  # hidden, it must not come back with a message of another world
        elif isinstance(pane, Curves) and pane.display:
            theory = self.app.predicted.shown(frame.focus)
            pane.overlay(theory, parameter_ticks(frame), self.app.ghost)
        super().show_in(pane, frame)

    @on(StripPane.Chosen)
    def _chosen(self, event: StripPane.Chosen) -> None:
        event.stop()
        if isinstance(event.pane, MessagesPane):
            self.app.obey(f"focus {event.index}")
        else:
            self.app.go("groups")
            self.app.groups.turn("communities")
            self.app.call_after_refresh(self.app.groups.choose, event.index)


SETTLES = 0.15
"""Seconds without a key after which a moved value is sent."""
STEPS = 20
"""Steps from one end of a slider to the other; with shift, ten times as many."""
_CHANGE = re.compile(r"#(\d+) \w+ = .* from the next tick$")
_DIGIT = re.compile(r"[0-9.eE+-]")


def parameter_ticks(frame: Frame) -> tuple[int, ...]:
    """Return the ticks at which a parameter of the message shown was changed, oldest first."""
    shown = None if frame.focus is None else str(frame.focus.id)
    changes = ((tick, _CHANGE.match(text)) for tick, text in frame.events)
    return tuple(dict.fromkeys(tick for tick, found in changes if found and found[1] == shown))


def span_of(spec: ParameterSpec, value: float) -> tuple[float, float]:
    """Return the ends of a slider: the declared range, or one around default and value."""
    low = min(0.0, value) if spec.low is None else spec.low
    if spec.high is not None:
        return low, spec.high
    usual = abs(spec.default) if isinstance(spec.default, int | float) else 0.0
    return low, max(low + 1.0, 2 * max(usual, abs(value)))


def moved(spec: ParameterSpec, value: object, by: float) -> object:
    """Return the value ``by`` steps away: the next choice, or a number within the range."""
    choices = (False, True) if spec.type == "bool" else spec.choices
    if choices:
        at = choices.index(value) if value in choices else 0
        return choices[(at + (1 if by > 0 else -1)) % len(choices)]
    now = _number(value)
    if now is None:
        return value
    low, high = span_of(spec, now)
    step = (high - low) / STEPS
    if spec.type == "int":
        step = max(1.0, round(step))
        by = max(by, 1 / step) if by > 0 else min(by, -1 / step)
    after = min(max(now + by * step, low), high)
    if (after == low and spec.low_open) or (after == high and spec.high_open):
        return value
    return round(after) if spec.type == "int" else float(f"{after:.6g}")


class ParametersPane(Widget, can_focus=True):
    """The parameters of the message shown, each on a slider over its declared range."""

    HELP = (
        "The parameters of the message shown. Up and down choose one, left and right move it (with "
        "shift by a tenth), a typed number and Enter set it; u undoes the last change. A change "
        "acts from the next tick, also while time runs."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "choose(-1)", "Parameter above", id="params-up", show=False),
        Binding("down", "choose(1)", "Parameter below", id="params-down", show=False),
        Binding("left", "turn(-1)", "Less", id="params-less", show=False),
        Binding("right", "turn(1)", "More", id="params-more", show=False),
        Binding("shift+left", "turn(-0.1)", "A little less", id="params-fine-less", show=False),
        Binding("shift+right", "turn(0.1)", "A little more", id="params-fine-more", show=False),
    ]
    ALLOW_SELECT = False
    takes_numbers = True  # digits are not counts of keys here
    app: Hubbub

    def __init__(self) -> None:
        super().__init__(id="params")
        self._focus: Focus | None = None
        self._specs: dict[str, ParameterSpec] = {}
        self._model = ""  # whose specifications are known, or asked for
        self._moved: dict[str, object] = {}  # values that the engine has not confirmed yet
        self._at = 0
        self._typed = ""
        self._timer: Timer | None = None

    def show(self, frame: Frame) -> None:
        focus, before = frame.focus, self._focus
        if focus is None or before is None or focus.id != before.id:
            self._moved, self._typed, self._at = {}, "", 0
        if focus is not None and focus.model != self._model:
            self._model = focus.model
            self.run_worker(self._learn(focus.model), group="specs", exclusive=True)
        key = (None, ()) if focus is None else (focus.id, focus.parameters)
        if before is None or key != (before.id, before.parameters):
            is_other = focus is None or before is None or focus.model != before.model
            self._focus = focus
            self.refresh(layout=is_other)

    async def _learn(self, model: str) -> None:
        cards = await in_thread(lambda: runtime.choices.models(), "models")
        found = next((card for card in cards if card.name == model), None)
        self._specs = {} if found is None else {spec.name: spec for spec in found.parameters}
        self.refresh()

    @property
    def values(self) -> dict[str, object]:
        """The parameters, with those moved just now."""
        return {} if self._focus is None else dict(self._focus.parameters) | self._moved

    @property
    def chosen(self) -> str:
        names = list(self.values)
        return names[min(self._at, len(names) - 1)] if names else ""

    def action_choose(self, by: int) -> None:
        self._at = min(max(0, self._at + by), max(0, len(self.values) - 1))
        self._typed = ""
        self.refresh()

    def action_turn(self, by: float) -> None:
        spec = self._specs.get(self.chosen)
        if spec is None:
            return
        self._typed = ""
        self._moved[self.chosen] = moved(spec, self.values[self.chosen], by)
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(SETTLES, lambda: self.run_worker(self._send()))
        self.refresh()

    async def _send(self) -> None:
        """Set what was moved, as the ``:`` line does; what is refused moves back."""
        now = {} if self._focus is None else dict(self._focus.parameters)
        sent = {name: value for name, value in self._moved.items() if value != now.get(name)}
        for name, value in sent.items():
            await self.app.carry_out([parse(f"set {name} {quote(written(value))}")])
        self.app.take_newest()
        self._moved = {k: v for k, v in self._moved.items() if k in sent and v != sent[k]}
        self.refresh()

    def on_key(self, event: Key) -> None:
        letter = event.character or ""
        if (self._typed and _DIGIT.fullmatch(letter)) or letter.isdecimal():
            self._typed += letter
        elif self._typed and event.key == "enter":
            self.app.obey(f"set {self.chosen} {quote(self._typed)}")
            self._typed = ""
        elif self._typed and event.key == "backspace":
            self._typed = self._typed[:-1]
        elif self._typed and event.key == "escape":
            self._typed = ""
        elif event.key == "escape" and self.app.stage is not None:
            self.app.stage.main_pane().focus()
        else:
            return
        event.stop()
        event.prevent_default()
        self.refresh()

    def open(self) -> None:
        """Take the focus; where there is no room for the pane, show it while it has the focus."""
        self.set_class(not self.display, "-opened")
        if self.app.frame is not None:
            self.show(self.app.frame)  # a pane takes none while it is not there
        self.focus()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self._typed = ""
        self.set_class(False, "-opened")
        self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1 + len(self.values) + (len(self._focus.panel) if self._focus else 0)

    def render(self) -> Content:
        focus, width = self._focus, self.size.width
        if focus is None:
            return Content.styled("No message yet.", "$foreground-muted")
        lines = [Content.styled(line(f"#{focus.id} {focus.model}", width), "bold")]
        room = max(1, self.size.height - 1)
        names = list(self.values)
        top = max(0, min(self._at - room + 1, len(names) - room))
        lines += [self._line(name, width) for name in names[top : top + room]]
        lines += [Content(line(told, width)) for told in focus.panel]
        return Content("\n").join(lines)

    def _line(self, name: str, width: int) -> Content:
        is_here = self.has_focus and name == self.chosen
        value = self.values[name]
        shown = f"{self._typed}▏" if is_here and self._typed else _short(value)
        label = line(name, max(4, min(12, width - 12)))
        head = f"{label:<{min(12, max(4, width - 12))}} "
        figure = line(shown, 8)
        pad = " " * max(1, 8 - cell_len(figure))
        track = self._track(name, value, width - len(head) - 8 - 1)
        style = "bold $primary" if is_here else "$foreground-muted"
        ink = "bold $warning" if name in self._moved else "bold"
        return Content.assemble((head, style), (figure, ink), pad, (track, style))

    def _track(self, name: str, value: object, cells: int) -> str:
        spec = self._specs.get(name)
        now = _number(value)
        if spec is None or now is None or spec.choices or cells < 5:
            return ""
        low, high = span_of(spec, now)
        at = round((min(max(now, low), high) - low) / max(high - low, 1e-12) * (cells - 1))
        return "-" * at + "o" + "-" * (cells - 1 - at)


def _number(value: object) -> float | None:
    """Return a value as a number; None if it is a word or a switch."""
    try:
        return None if isinstance(value, bool) else float(str(value))
    except ValueError:
        return None


def _short(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
