"""A running world's metrics, alerts and interventions, as frames and events tell them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sim.core.events import AlertRaised, InterventionDone
from sim.run.tallies import frozen
from sim.world.alerts import Alert

if TYPE_CHECKING:
    from sim.run.live import LiveWorld
    from sim.world.world import World

__all__ = ["Measured", "Measuring"]

MOST_ROWS = 400
MOST_PLANS = 100


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What a world that takes metrics knows; arrays are read-only.

    Parameters
    ----------
    names
        The metrics that were ever taken.
    ticks
        int64 (rows,): the last tick of each row, at most the newest 400.
    rows
        float64 (rows, names): the series; NaN where a metric was not taken.
    latest
        (name, value, tick) of the newest number of each.
    alarms
        (name, level) of what is alarming now: 1 warning, 2 critical.
    alerts
        The newest alerts, newest last (:class:`~sim.world.alerts.Alert`).
    """

    names: tuple[str, ...]
    ticks: npt.NDArray[np.int64]
    rows: npt.NDArray[np.float64]
    latest: tuple[tuple[str, float, int], ...]
    alarms: tuple[tuple[str, int], ...]
    alerts: tuple[Alert, ...]

    def series(self, name: str) -> npt.NDArray[np.float64]:
        """Return the series of a metric, float64 (rows,)."""
        return self.rows[:, self.names.index(name)]


class Measuring:
    """Tells what is new of metrics, alerts and interventions after each tick."""

    def __init__(self, world: World) -> None:
        self._cascades = len(world.cascades)
        self._alerts = 0 if world.metrics is None else world.metrics.alerts.raised
        self._done = sum(planned.is_over for planned in world.interventions)
        self._view: tuple[object, Measured] | None = None

    def ticked(self, live: LiveWorld) -> None:
        """Tell what the tick brought; messages that an intervention sent are followed."""
        world = live.world
        if world.metrics is not None:
            for alert in world.metrics.alerts.since(self._alerts):
                live.note(alert.sentence)
                live.emit(AlertRaised(tick=alert.tick, name=alert.name, level=int(alert.level),
                                      value=alert.value, sentence=alert.sentence))  # fmt: skip
            self._alerts = world.metrics.alerts.raised
        done = [planned for planned in world.interventions if planned.is_over]
        if len(done) != self._done:
            for planned in [p for p in done if p.done_at == world.tick - 1]:
                live.note(str(planned))
                live.emit(InterventionDone(tick=world.tick - 1, number=planned.number,
                                           sentence=str(planned)))  # fmt: skip
            self._done = len(done)
        if len(world.cascades) != self._cascades:
            live.notice()
        self._cascades = len(world.cascades)

    def view(self, world: World) -> Measured | None:
        """Return what there is, the same object until a tick changed it; None without metrics."""
        metrics = world.metrics
        if metrics is None:
            return None
        state = (id(metrics), world.tick, metrics.alerts.raised)
        if self._view is None or self._view[0] != state:
            names, newest = metrics.names, slice(-MOST_ROWS, None)
            columns = [metrics[name][newest] for name in names]
            rows = np.column_stack(columns) if columns else np.empty((0, 0))
            alarms = tuple((name, int(level)) for name, level in metrics.alerts.active.items())
            latest = tuple((name, metrics.latest[name], metrics.taken[name]) for name in names)
            self._view = state, Measured(
                names, frozen(metrics.ticks[newest]), frozen(rows), latest, alarms,
                tuple(metrics.alerts.said),
            )  # fmt: skip
        return self._view[1]


def plans_of(world: World) -> tuple[str, ...]:
    """Return the newest interventions, a line each, newest last."""
    return tuple(str(planned) for planned in list(world.interventions)[-MOST_PLANS:])
