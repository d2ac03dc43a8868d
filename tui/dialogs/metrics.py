"""The metrics dialog: the metrics that Live shows, and their alert thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, OptionList

from sim.errors import InputError
from tui.dialogs.dialog import ListDialog
from tui.dialogs.form import Field, Row, refusal
from tui.draw.now import figure
from tui.safe_text import line

if TYPE_CHECKING:
    from sim.world import AlertRule


NOTE = "Space: select   Enter: apply   !: has an alert (tab: edit thresholds)"
GROUPS = {
    "Members and activity": ("active", "online", "acts", "act_", "interactions_s", "exposures"),
    "Messages": ("running", "adopted", "spread", "speed", "success", "r", "propagation_ticks"),
    "Feeds": ("attention_gini", "diversity", "strangers", "feed_ei", "response_"),
    "Opinions": ("opinion_", "variance", "polarisation", "bimodality"),
    "Network": ("ties", "density", "mean_degree", "modularity", "ties_ei", "clustering",
                "path_length", "reputation_"),
    "Language models": ("minds_",),
    "Speed": ("tick_ms", "cpu_ms"),
}  # fmt: skip
"""Groups of metrics; a name that ends with ``_`` stands for all that begin with it."""

Bounds = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class MetricChoice:
    """The chosen metrics and thresholds."""

    names: tuple[str, ...]
    alerts: Mapping[str, Bounds] = field(default_factory=dict)


class MetricsDialog(ListDialog[Any]):
    """Lists every metric by group, with its unit and its current value."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pick", "Select or deselect", id="metrics-choose", show=False)
    ]
    beside = 6

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
        self._before = {name: _bounds(self._rules.get(name)) for name in known}
        self._bounds = dict(self._before)

    def body(self) -> ComposeResult:
        yield from super().body()
        for name, text in (("warning", "Warning at"), ("critical", "Critical at")):
            yield Row(Field(name, text, hint="never", check=_problem), name)

    def on_mount(self) -> None:
        self.tell(NOTE)
        self._fill(next(iter(self._known)))

    def _fill(self, at: str) -> None:
        rows: list[tuple[Content, str | None]] = []
        rest = dict.fromkeys(self._known)
        for group, names in (*GROUPS.items(), ("Other", tuple(rest))):
            own = [name for name in rest if name in names or name.startswith(_prefix(names))]
            if own:
                rows.append((Content.styled(group, "bold $primary"), None))
                rows += [(self._option(name), name) for name in own]
            rest = {name: None for name in rest if name not in own}
        self.offer(rows, at)

    def _option(self, name: str) -> Content:
        unit, says = self._known[name]
        mark = "●" if name in self._chosen else "·"
        value = figure(self._values.get(name, float("nan")), unit)
        bell = "!" if self._bounds[name] != ("", "") else " "
        return Content.assemble(
            (f"{mark} ", "bold"), f"{name:<20}", bell, (f"{value:>9} ", "bold"),
            (f"{unit:<12} ", "$foreground-muted"), line(says, 120),
        )  # fmt: skip

    def moved(self) -> str:
        name = self.here
        if name is None:
            return ""
        unit, says = self._known[name]
        rule = self._rules.get(name)
        below = "; alerts below the threshold" if rule is not None and rule.below else ""
        with self.prevent(Input.Changed):
            for row, bound in zip(self.query(Row), self._bounds[name], strict=True):
                row.control.value = bound
        return f"{name}: {says}" + (f" ({unit}{below})" if unit or below else "")

    def action_pick(self) -> None:
        name = self.here
        if name in self._chosen:
            self._chosen.remove(name)
        elif name is not None:
            self._chosen.append(name)
        self._redraw()

    def _redraw(self) -> None:
        options = self.query_one("#list", OptionList)
        if self.here is not None and options.highlighted is not None:
            options.replace_option_prompt_at_index(options.highlighted, self._option(self.here))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        low, high = (row.typed for row in self.query(Row))
        if self.here is not None:
            self._bounds[self.here] = low, high
        self.complain(_problem(low) or _problem(high))
        self._redraw()

    def result(self) -> MetricChoice:
        for name, bounds in self._bounds.items():
            for problem in filter(None, map(_problem, bounds)):
                raise InputError(f"{name}: {problem}")
        alerts = {
            name: (_number(low), _number(high))
            for name, (low, high) in self._bounds.items()
            if (low, high) != self._before[name]
        }
        return MetricChoice(tuple(self._chosen), alerts)


def _prefix(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the beginnings among names: those that end with ``_``."""
    return tuple(name for name in names if name.endswith("_"))


def _bounds(rule: AlertRule | None) -> tuple[str, str]:
    low, high = (None, None) if rule is None else (rule.warning, rule.critical)
    return "" if low is None else f"{low:g}", "" if high is None else f"{high:g}"


def _number(text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        said = f"A threshold must be a number or empty, got {line(text, 40)!r}."
        raise InputError(said) from None


_problem = refusal(_number)
