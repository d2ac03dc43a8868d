"""Replayable commands of the journal: plan interventions, open metrics, set alerts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sim.world.world import World

__all__ = ["ACTS", "at", "open_metrics", "set_alert"]


def at(world: World, /, when: int | str, does: str, **said: Any) -> int:
    """Plan an intervention, as ``world.at``; returns its number."""
    return world.at(when, does, **said).number


def open_metrics(world: World, /, settings: Any = None, **more: Any) -> None:
    """Let a world take metrics, as ``world.open_metrics``."""
    world.open_metrics(settings, **more)


def set_alert(world: World, /, name: str, **changes: Any) -> None:
    """Change an alert, as ``world.metrics.alerts.set``; opens metrics where there are none.

    ``off=True`` takes it away.
    """
    metrics = world.open_metrics() if world.metrics is None else world.metrics
    if changes.pop("off", False):
        metrics.alerts.off(name)
    else:
        metrics.alerts.set(name, **changes)


ACTS: dict[str, Callable[..., Any]] = {
    "at": at,
    "open_metrics": open_metrics,
    "set_alert": set_alert,
}
"""Name in the journal to function."""
