"""The metrics dialog: the metrics that Live shows, and their alert thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.dialogs.dialog import Dialog
from tui.dialogs.dialog import field as label
from tui.draw.now import figure
from tui.safe_text import line

if TYPE_CHECKING:
    from sim.world import AlertRule


NOTE = "Space: select   Enter: apply   !: has an alert (tab: edit thresholds)"

Bounds = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class MetricChoice:
    """The chosen metrics and thresholds."""

    names: tuple[str, ...]
    alerts: Mapping[str, Bounds] = field(default_factory=dict)


class Picks(OptionList):
    """The metrics; space selects one, Enter applies."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "select", "Select or deselect", id="metrics-choose", show=False),
        Binding("enter", "agree", "Apply", id="metrics-agree", show=False),
    ]

    def action_agree(self) -> None:
        if isinstance(self.screen, MetricsDialog):
            self.screen.accept()


class MetricsDialog(Dialog[MetricChoice]):
    """Lists every metric with its unit and its current value."""

    AUTO_FOCUS = "#metrics"

    def __init__(
        self,
        known: Mapping[str, tuple[str, str]],
        values: Mapping[str, float],
        chosen: Sequence[str],
        rules: Mapping[str, AlertRule],
    ) -> None:
        super().__init__("Metrics in Live", yes="Apply")
        self._known, self._values = known, values
        self._chosen = [name for name in chosen if name in known]
        self._rules = {rule.metric: rule for rule in rules.values()}
        self._alerts: dict[str, tuple[str, str]] = {}

    def body(self) -> ComposeResult:
        yield Static(NOTE, classes="note", markup=False)
        yield Picks(id="metrics", markup=False, compact=True)
        yield Static("", id="meaning", markup=False)
        with Horizontal(classes="row"):
            yield label("Warning at")
            yield Input(id="warning", compact=True, placeholder="never")
            yield label("   Critical")
            yield Input(id="critical", compact=True, placeholder="never")

    def fit(self, room: int) -> None:
        """Keep the fields below the list visible."""
        super().fit(room)
        self.query_one("#metrics").styles.max_height = max(3, room - 5)

    def on_mount(self) -> None:
        self.query_one("#metrics").styles.height = len(self._known)
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        picks = self.query_one("#metrics", Picks)
        picks.add_options([self._option(name) for name in self._known])
        picks.highlighted = 0

    def _option(self, name: str) -> Option:
        unit, says = self._known[name]
        mark = "●" if name in self._chosen else "·"
        value = figure(self._values.get(name, float("nan")), unit)
        bell = "!" if self._bounds(name) != ("", "") else " "
        return Option(
            Content.assemble(
                (f"{mark} ", "bold"), f"{name:<20}", bell, (f"{value:>9} ", "bold"),
                (f"{unit:<12} ", "$foreground-muted"), line(says, 120),
            ),
            id=name,
        )  # fmt: skip

    def _bounds(self, name: str) -> tuple[str, str]:
        """Return the warning and critical thresholds of a metric, as typed."""
        if name in self._alerts:
            return self._alerts[name]
        rule = self._rules.get(name)
        if rule is None:
            return "", ""
        low, high = (
            "" if bound is None else f"{bound:g}" for bound in (rule.warning, rule.critical)
        )
        return low, high

    @property
    def _here(self) -> str:
        """The metric under the cursor."""
        at = self.query_one("#metrics", Picks).highlighted
        return list(self._known)[at or 0]

    @on(OptionList.OptionHighlighted)
    def _went(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        name = self._here
        unit, says = self._known[name]
        rule = self._rules.get(name)
        below = "; alerts below the threshold" if rule is not None and rule.below else ""
        told = f"{name}: {says}" + (f" ({unit}{below})" if unit or below else "")
        self.query_one("#meaning", Static).update(Content(line(told, 300)))
        with self.prevent(Input.Changed):
            for field_, bound in zip(("#warning", "#critical"), self._bounds(name), strict=True):
                self.query_one(field_, Input).value = bound

    @on(OptionList.OptionSelected)
    def _picked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        name = self._here
        if name in self._chosen:
            self._chosen.remove(name)
        else:
            self._chosen.append(name)
        self._redraw(name)

    def _redraw(self, name: str) -> None:
        picks = self.query_one("#metrics", Picks)
        picks.replace_option_prompt(name, self._option(name).prompt)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        name = self._here
        fields = [self.query_one(each, Input).value.strip() for each in ("#warning", "#critical")]
        self._alerts[name] = (fields[0], fields[1])
        self.complain(_problem(name, *self._alerts[name]))
        self._redraw(name)

    def result(self) -> MetricChoice | None:
        problems = [_problem(name, *bounds) for name, bounds in self._alerts.items()]
        for problem in filter(None, problems):
            self.complain(problem)
            return None
        alerts = {
            name: (_number(low), _number(high))
            for name, (low, high) in self._alerts.items()
            if (low, high) != self._before(name)
        }
        return MetricChoice(tuple(self._chosen), alerts)

    def _before(self, name: str) -> tuple[str, str]:
        alerts, self._alerts = self._alerts, {}
        bounds = self._bounds(name)
        self._alerts = alerts
        return bounds


def _number(text: str) -> float | None:
    return float(text) if text else None


def _problem(name: str, low: str, high: str) -> str:
    for text in (low, high):
        try:
            _number(text)
        except ValueError:
            return f"The threshold of {name} must be a number or empty, got {line(text, 40)!r}."
    return ""
