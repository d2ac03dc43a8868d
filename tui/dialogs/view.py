"""The dialogs of the view: help, export, and the metrics that Live shows with their thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static

from sim import io
from sim.errors import InputError
from sim.world import AlertRule
from tui.actions.table import ACTIONS, NO_KEY, ScreenState, by_id, key_label
from tui.dialogs.dialog import Confirm, ListDialog, hanging
from tui.dialogs.form import Field, Row, refusal
from tui.draw.now import figure
from tui.safe_text import line

MUTED = "$foreground-muted"
WELCOME = (
    "Hubbub simulates how messages spread in a social network. Send a message (i), run the world "
    "(space), and watch which communities adopt it. Every action has a command for the : line "
    "and an entry in the palette (;), the usual ones a key, which means the same in every mode. "
    "A number before a key repeats it: 20< goes back 20 ticks. A digit alone shows its mode; "
    "followed at once by < > . or , it is a count."
)


class HelpDialog(Confirm):
    """A text and a table of keys."""

    AUTO_FOCUS = ""

    def __init__(
        self, focused: Widget | None, bindings: Mapping[str, ActiveBinding], situation: ScreenState
    ) -> None:
        super().__init__("Help", "", yes="Close", no="")
        self._focused, self._active, self._situation = focused, bindings, situation

    def body(self) -> ComposeResult:
        pane = getattr(self._focused, "HELP", None) or ""
        yield Static(WELCOME + (f"\n\n{pane}" if pane else ""), markup=False)
        active = [(key, each.binding) for key, each in self._active.items()]
        keys: dict[str, list[str]] = {}
        for key, binding in active:
            keys.setdefault(act_of(binding.action), []).append(key)
        own = [
            self._line([key], Content(binding.description))
            for key, binding in active
            if not act_of(binding.action) and binding.description and not binding.system
        ]
        groups = {"Keys of this pane": own}
        for action in ACTIONS:
            if action.id in keys:
                dim = MUTED if action.when(self._situation) else ""
                typed = f"  :{action.command} {action.usage}".rstrip()
                does = Content.assemble((action.help, dim), (typed, MUTED))
                groups.setdefault(action.group, []).append(self._line(keys[action.id], does))
        for group, lines in groups.items():
            if lines:
                yield Static(group, classes="heading", markup=False)
                yield Static(Content("\n").join(lines), classes="keys")

    def on_mount(self) -> None:
        self.read()

    def _line(self, keys: Sequence[str], does: Content) -> Content:
        shown = " ".join(key_label(key) for key in keys if not key.startswith(NO_KEY))
        return hanging(Content.styled(f"{shown:<12} ", "$accent bold"), does, self.across)


def act_of(binding: str) -> str:
    """Return the id of the action that a binding calls; empty if none."""
    head, _, rest = binding.partition("act('")
    name = rest.removesuffix("')")
    return name if head in {"app.", ""} and rest and by_id(name) else ""


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


class MetricsDialog(ListDialog[Any]):
    """Lists every metric by group; returns the chosen ones, and the changed alert thresholds."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pick", "Select or deselect", id="metrics-choose", show=False)
    ]
    beside = 6

    def __init__(
        self, known: Mapping[str, tuple[str, str]], values: Mapping[str, float],
        chosen: Sequence[str], rules: Mapping[str, AlertRule],
    ) -> None:  # fmt: skip
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
        rest = list(self._known)
        for group, names in (*GROUPS.items(), ("Other", ("",))):
            begins = tuple(name for name in names if name.endswith("_") or not name)
            own = [name for name in rest if name in names or name.startswith(begins)]
            if own:
                rows.append((Content.styled(group, "bold $primary"), None))
                rows += [(self._option(name), name) for name in own]
            rest = [name for name in rest if name not in own]
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

    def result(self) -> tuple[tuple[str, ...], Mapping[str, Bounds]]:
        for name, bounds in self._bounds.items():
            for problem in filter(None, map(_problem, bounds)):
                raise InputError(f"{name}: {problem}")
        alerts = {
            name: (threshold(low), threshold(high))
            for name, (low, high) in self._bounds.items()
            if (low, high) != self._before[name]
        }
        return tuple(self._chosen), alerts


def _bounds(rule: AlertRule | None) -> tuple[str, str]:
    low, high = (None, None) if rule is None else (rule.warning, rule.critical)
    return "" if low is None else f"{low:g}", "" if high is None else f"{high:g}"


NEVER = {"never", "off", "none", ""}


def threshold(text: str) -> float | None:
    """Parse a threshold; None: there is none."""
    try:
        return None if text in NEVER else float(text)
    except ValueError:
        said = f"A threshold must be a number or never, got {line(text, 40)!r}."
        raise InputError(said) from None


_problem = refusal(threshold)


def export_dialog(*, has_results: bool) -> ListDialog[str]:
    """Return the list of what can be exported; its values are words of ``export``."""
    rows = [("screenshot", "the screen as SVG; as PNG by :export screenshot NAME.png")]
    rows += [("pane", "the focused pane alone"), ("cast", "the screen as it moves (asciicast)")]
    rows += [("run html", "this run as a report: figures, curves, communities")]
    rows += [(f"run {name}", said) for name, said in io.EXPORTS.items()]
    rows += [("tables", "the results in Runs as tables")] if has_results else []

    async def load() -> tuple[list[tuple[Content, str | None]], str]:
        return [(Content.assemble((f"{each:<14}", "bold"), said), each) for each, said in rows], ""

    return ListDialog("Export", yes="Export", load=load)
