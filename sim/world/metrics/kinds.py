"""Custom metrics: a number a tick that a plugin takes of a world."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any, ClassVar

from sim.core.params import Parameters
from sim.core.plugin_files import API_VERSION
from sim.core.registry import names, spec
from sim.world.contract import WorldState
from sim.world.metrics.values import EVERY_TICK, SAMPLED, STRUCTURE

METRICS: dict[str, str] = {
    name: says
    for gauges in (EVERY_TICK, SAMPLED, STRUCTURE)
    for gauge in gauges
    for name, says in gauge.names.items()
}
"""Every built-in metric of a world: its name, and what it means."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Metric(Parameters):
    """A number that describes a world, taken again and again while its metrics are open.

    Its name among the metrics is its registered one with ``_`` for ``-``; it is drawn, written,
    exported, alarming and waited for as the built-in ones are. Its fields take their defaults.

    Examples
    --------
    >>> from sim import Metric, World, register
    >>> @register("hubs")
    ... class Hubs(Metric):
    ...     says = "agents with more than 100 listeners"
    ...
    ...     def take(self, world):
    ...         return (world.ties.out_degree > 100).sum()
    >>> world = World.create(agents=2_000, mean_degree=20, seed=1)
    >>> metrics = world.open_metrics()
    >>> world.step()
    >>> bool(metrics.latest["hubs"] == (world.ties.out_degree > 100).sum())
    True
    """

    plugin_kind: ClassVar[str] = "metric"
    version: ClassVar[str] = "1"
    api: ClassVar[int] = API_VERSION
    requires: ClassVar[tuple[str, ...]] = ()
    says: ClassVar[str] = ""
    """What it means, in a few words."""
    unit: ClassVar[str] = ""
    """Of its numbers."""
    every: ClassVar[int] = 1
    """How many ticks pass between two looks; what is dear to take is taken seldom."""

    def take(self, world: Any) -> Any:
        """Return a number; NaN where it does not apply. The world is only read."""
        raise NotImplementedError


def metric_name(name: str) -> str:
    """Return how a registered metric is called among metrics."""
    return name.replace("-", "_")


def is_metric_name(name: object) -> bool:
    """Return whether a file may call a metric so."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def own_metrics(taken: Iterable[str] = ()) -> dict[str, type[Metric]]:
    """Return the metrics of plugins by their names, without those that are called as ``taken``."""
    found: dict[str, type[Metric]] = {}
    for name in names("metric"):
        cls = spec(name, "metric").cls
        if issubclass(cls, Metric) and metric_name(name) not in {*taken}:
            found[metric_name(name)] = cls
    return found


def value_of(metric: Metric, world: WorldState) -> float:
    """Return what a metric takes as a number; infinity is none."""
    value = float(metric.take(world))
    return value if math.isfinite(value) else math.nan


def known_metrics() -> dict[str, str]:
    """Return every metric that can be taken, with what it means: built-in, then of plugins."""
    return METRICS | {name: cls.says or name for name, cls in own_metrics(METRICS).items()}
