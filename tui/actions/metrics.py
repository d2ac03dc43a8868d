"""Metrics actions: choose the charts of Live, set alert thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.errors import InputError, UnknownNameError
from tui.actions.action import Words, does
from tui.actions.arguments import pairs
from tui.dialogs.progress import in_thread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tui.viewer import Viewer


NEVER = {"never", "off", "none", ""}


@does("metrics")
async def metrics(app: Viewer, words: Words) -> None:
    """Show the metrics that were typed in Live, or ask which."""
    from sim.runtime.engine import metrics_tracker as measuring
    from tui.dialogs.metrics import MetricChoice, MetricsDialog

    known = await in_thread(app.backend.metrics, "metrics")
    for word in words:
        if word not in known and words != ("none",):
            raise UnknownNameError("metric", word, tuple(known))
    if words:
        choice: MetricChoice | None = MetricChoice(() if words == ("none",) else words)
    else:
        now = app.simulation.frame.metrics
        rules = measuring.rules_of(now)
        values = {} if now is None else {name: value for name, value, _ in now.latest}
        chosen = app.preferences.metrics
        choice = await app.push_screen_wait(MetricsDialog(known, values, chosen, rules))
        for metric, (warning, critical) in (choice.alerts if choice is not None else {}).items():
            await _alarm(app, metric, {"warning": warning, "critical": critical})
    if choice is not None:
        await _show(app, choice.names)


async def _show(app: Viewer, names: Sequence[str]) -> None:
    """Show metrics from now on, and keep which; a world that takes none takes them."""
    from dataclasses import replace

    if names and app.simulation.frame.metrics is None:
        await app.simulation.do("open_metrics")
    app.prefer(replace(app.preferences, metrics=tuple(names)))
    app.redraw()
    await in_thread(lambda: app.backend.keep_metrics(names), "settings")
    shown = ", ".join(names) if names else "what the program chooses itself"
    app.say(f"Live shows {shown}.", "good")


@does("chart")
async def chart(app: Viewer, _words: Words) -> None:
    """Turn the chart of Live: the curves of the message, or the metrics chosen."""
    from tui.modes.live import LiveMode

    if not app.preferences.metrics:
        raise InputError("No metric is chosen; G lists them.")
    if app.stage is not None:
        app.stage.query_one(LiveMode).turn_chart()
    app.redraw()


@does("alert")
async def alert(app: Viewer, words: Words) -> None:
    """Say from where on a metric is alarming, as was typed, or what is alarming now."""
    if not words:
        now = app.simulation.frame.metrics
        active = [] if now is None else [f"{n} ({_level(level)})" for n, level in now.alarms]
        app.say(f"Alarming: {', '.join(active)}." if active else "Nothing is alarming.")
        return
    said = pairs(words[1:])
    for key in said:
        if key not in {"warning", "critical"}:
            raise UnknownNameError("key of an alert", key, ("warning", "critical"))
    if not said:
        raise InputError("Type bounds, such as `alert polarisation warning=0.5 critical=never`.")
    await _alarm(app, words[0], {key: _bound(key, value) for key, value in said.items()})
    app.say(f"{words[0]}: {' '.join(words[1:])}.", "good")


def _level(level: int) -> str:
    return "critical" if level > 1 else "warning"


def _bound(key: str, text: str) -> float | None:
    try:
        return None if text in NEVER else float(text)
    except ValueError:
        raise InputError(f"{key} is a number or never, got {text!r}.") from None


async def _alarm(app: Viewer, metric: str, bounds: Mapping[str, float | None]) -> None:
    """Change the alert of a metric, or make it one; one without bounds goes."""
    from sim.runtime.engine import metrics_tracker as measuring

    rules = measuring.rules_of(app.simulation.frame.metrics)
    name = next((n for n, rule in rules.items() if metric in {n, rule.metric}), metric)
    changes: dict[str, Any] = dict(bounds)
    rule = rules.get(name)
    before = (None, None) if rule is None else (rule.warning, rule.critical)
    after = dict(zip(("warning", "critical"), before, strict=True)) | changes
    if set(after.values()) == {None}:
        changes = {"off": True} if rule is not None else {}
    elif rule is None:
        changes["metric"] = metric
    if changes:
        await app.simulation.do("set_alert", name, **changes)
