"""Alerts: a metric crosses a threshold; reported once when raised and once when it ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import IntEnum
from typing import Any

from sim.errors import InputError, UnknownNameError
from sim.world.metrics.values import known_metrics

MOST_ALERTS = 200


class Level(IntEnum):
    """Severity of an alert."""

    OVER = 0
    WARNING = 1
    CRITICAL = 2


@dataclass(frozen=True, slots=True)
class AlertRule:
    """Rule that raises alerts on a metric.

    Attributes
    ----------
    metric
        Name of the metric.
    says
        Short description of the problem.
    warning, critical
        Thresholds; None: never.
    below
        Whether low values raise the alert.
    slack
        Hysteresis: an alert ends once the value is this share of the threshold away from it on
        the good side (for a threshold of 0: this amount).
    ticks
        Number of consecutive measurements that must be past the threshold.
    """

    metric: str
    says: str
    warning: float | None
    critical: float | None
    below: bool = False
    slack: float = 0.1
    ticks: int = 1

    def level(self, value: float, now: Level = Level.OVER) -> Level:
        """Return the level of a value, given the level before."""
        for level in (Level.CRITICAL, Level.WARNING):
            bound = self.critical if level is Level.CRITICAL else self.warning
            if bound is None:
                continue
            away = self.slack * (abs(bound) or 1.0) if now >= level else 0.0
            past = value <= bound + away if self.below else value >= bound - away
            if past:
                return level
        return Level.OVER


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that was raised, changed its level, or ended.

    Attributes
    ----------
    tick
        Tick at which it happened.
    name
        Name of the alert rule.
    level
        Its level now.
    metric, value
        The metric, and its value.
    sentence
        Description for people.
    """

    tick: int
    name: str
    level: Level
    metric: str
    value: float
    sentence: str


ALERTS: dict[str, AlertRule] = {
    "spread too fast": AlertRule("spread", "a message spreads too fast", 0.05, 0.2),
    "polarisation": AlertRule("polarisation", "opinions drift apart", 0.5, 0.75),
    "no activity": AlertRule(
        "acts", "nobody does anything", 0.0, None, below=True, slack=0.0, ticks=3
    ),
    "cascade success rate": AlertRule("success", "few messages get through", 0.05, 0.0, below=True),
    "slow ticks": AlertRule("tick_ms", "ticks are slow", 1000.0, 5000.0, ticks=3),
}
"""Default alert rules of a world with metrics."""


class Alerts:
    """Alert rules of a world, and the alerts raised."""

    def __init__(self, thresholds: Mapping[str, AlertRule] = ALERTS) -> None:
        self.thresholds = dict(thresholds)  # by name
        self.said: deque[Alert] = deque(maxlen=MOST_ALERTS)  # recent alerts, the newest last
        self.raised = 0  # total number ever raised
        self._now: dict[str, Level] = {}
        self._since: dict[str, int] = {}

    @property
    def active(self) -> dict[str, Level]:
        """Active alerts: level by name."""
        return {name: level for name, level in self._now.items() if level}

    def set(self, name: str, **changes: Any) -> None:
        """Change an alert rule, or create one."""
        known = self.thresholds.get(name)
        allowed = tuple(AlertRule.__dataclass_fields__)
        for key in changes:
            if key not in allowed:
                raise UnknownNameError("key of an alert", key, allowed)
        if known is None and "metric" not in changes:
            raise InputError(
                f"No alert {name!r}; there are {', '.join(self.thresholds)}. A new one needs the "
                f"metric that it is about."
            )
        fresh = AlertRule(metric="", says=name, warning=None, critical=None)
        self.thresholds[name] = _checked(name, replace(known or fresh, **changes))

    def off(self, name: str) -> None:
        """Remove an alert rule."""
        if name not in self.thresholds:
            raise UnknownNameError("alert", name, tuple(self.thresholds))
        del self.thresholds[name]
        self._now.pop(name, None)
        self._since.pop(name, None)

    def look(self, tick: int, values: Mapping[str, float]) -> None:
        """Compare a tick's values with the rules; metrics not measured change nothing."""
        for name, threshold in self.thresholds.items():
            value = values.get(threshold.metric)
            if value is None or value != value:
                continue
            before = self._now.get(name, Level.OVER)
            level = threshold.level(value, before)
            self._since[name] = self._since.get(name, 0) + 1 if level > before else 0
            if level < before or (level > before and self._since[name] >= threshold.ticks):
                self._now[name], self._since[name] = level, 0
                self._tell(tick, name, threshold, level, value)

    def _tell(self, tick: int, name: str, of: AlertRule, level: Level, value: float) -> None:
        state = {Level.OVER: "Over", Level.WARNING: "Warning", Level.CRITICAL: "Critical"}[level]
        said = f"{state}: {of.says} ({of.metric} is {value:.3g})"
        self.said.append(Alert(tick, name, level, of.metric, float(value), said))
        self.raised += 1

    def since(self, count: int) -> list[Alert]:
        """Return the alerts after the first ``count`` ever raised."""
        fresh = min(self.raised - count, len(self.said))
        return list(self.said)[len(self.said) - fresh :] if fresh > 0 else []

    def dump(self) -> dict[str, Any]:
        """Return the alerts as JSON data."""
        return {
            "thresholds": {name: asdict(each) for name, each in self.thresholds.items()},
            "said": [asdict(alert) for alert in self.said],
            "raised": self.raised,
            "now": {name: int(level) for name, level in self._now.items()},
            "since": dict(self._since),
        }

    @classmethod
    def restore(cls, said: Mapping[str, Any]) -> Alerts:
        """Return the alerts of :meth:`dump`."""
        rules = {name: AlertRule(**each) for name, each in said["thresholds"].items()}
        alerts = cls({name: _checked(name, rule, is_saved=True) for name, rule in rules.items()})
        old: Iterable[Mapping[str, Any]] = said["said"]
        alerts.said.extend(Alert(**{**each, "level": Level(each["level"])}) for each in old)
        alerts.raised = int(said["raised"])
        alerts._now = {name: Level(level) for name, level in said["now"].items()}
        alerts._since = {name: int(looks) for name, looks in said["since"].items()}
        return alerts


def _checked(name: str, threshold: AlertRule, *, is_saved: bool = False) -> AlertRule:
    known = known_metrics()
    if threshold.metric not in known and not is_saved:
        raise UnknownNameError("metric", threshold.metric, tuple(known))
    for key in ("warning", "critical", "slack"):
        bound = getattr(threshold, key)
        number = isinstance(bound, int | float) and not isinstance(bound, bool)
        if bound is not None and (not number or bound != bound):
            raise InputError(f"Alert {name!r}: {key} is a number, got {bound!r}.")
    if threshold.slack is None or threshold.slack < 0:
        raise InputError(f"Alert {name!r}: slack is 0 or more, got {threshold.slack}.")
    if not isinstance(threshold.ticks, int) or threshold.ticks < 1:
        raise InputError(
            f"Alert {name!r}: ticks is a whole number from 1, got {threshold.ticks!r}."
        )
    low, high = threshold.warning, threshold.critical
    if low is not None and high is not None and (high < low) != threshold.below and high != low:
        worse = "below" if threshold.below else "above"
        raise InputError(
            f"Alert {name!r}: critical lies {worse} warning, got {high:g} and {low:g}."
        )
    return threshold
