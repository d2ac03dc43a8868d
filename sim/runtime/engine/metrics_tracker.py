"""Metrics, alerts and interventions of a running world: into frames, events and a command."""

from __future__ import annotations

import atexit
import json
import shlex
import shutil
import subprocess
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict
from threading import Lock, Thread
from typing import TYPE_CHECKING

import numpy as np

from sim.core.events import AlertRaised, Event, InterventionDone
from sim.network.graph.slab import read_only
from sim.runtime.queries.feeds import MetricsState
from sim.settings.logging import log
from sim.settings.settings import current
from sim.world.metrics.alerts import ALERTS, Alert, AlertRule
from sim.world.metrics.values import METRICS, known_metrics, own_metrics

if TYPE_CHECKING:
    from sim.world.metrics.alerts import Alert
    from sim.world.world import World


MOST_WAITING = 64
SECONDS = 30.0
"""How long a command may take before it is killed."""
AT_EXIT_SECONDS = 5.0
"""How long the program waits for commands when it ends."""


class _Delivery:
    """Alerts that wait for their command; one runs at a time, in a thread that ends with them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: deque[tuple[list[str], bytes]] = deque()
        self._thread: Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def put(self, words: list[str], said: bytes) -> bool:
        """Queue an alert for its command; False: too many wait."""
        with self._lock:
            if len(self._waiting) >= MOST_WAITING:
                return False
            self._waiting.append((words, said))
            if self._thread is None:
                self._thread = Thread(target=self._run, name="alert command", daemon=True)
                self._thread.start()
        return True

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                words, said = self._waiting.popleft()
            try:
                self._one(words, said)
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                log("alert command failed", "warning", command=words[0], error=str(error))

    def _one(self, words: list[str], said: bytes) -> None:
        with subprocess.Popen(  # noqa: S603 - the person's own command, without a shell
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # keys that stop the program must not reach it
        ) as self._process:
            try:
                self._process.communicate(said, timeout=SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                raise
        if self._process.returncode:
            code = self._process.returncode
            log("alert command failed", "warning", command=words[0], code=code)

    def drain(self, seconds: float) -> None:
        """Wait until nothing waits; after a timeout (seconds) kill the command, drop the rest."""
        thread = self._thread
        if thread is None:
            return
        thread.join(seconds)
        if thread.is_alive():
            self._waiting.clear()
            process = self._process
            if process is not None:
                with suppress(OSError):
                    process.kill()
            thread.join(1.0)


_delivery = _Delivery()


def drain(seconds: float = AT_EXIT_SECONDS) -> None:
    """Wait until every alert was delivered, up to a timeout in seconds."""
    _delivery.drain(seconds)


atexit.register(drain)


def deliver(alerts: Iterable[Alert]) -> str:
    """Pass alerts to the command, and return at once.

    Each is JSON on standard input: ``tick``, ``name``, ``level`` ("over", "warning", "critical"),
    ``metric``, ``value`` and ``sentence``.
    """
    words = shlex.split(current().alert_command)
    if not words:
        return ""
    if shutil.which(words[0]) is None:
        return f"The alert command {words[0]!r} is not found; alerts are not delivered."
    dropped = 0
    for alert in alerts:
        said = json.dumps(asdict(alert) | {"level": alert.level.name.lower()})
        dropped += not _delivery.put(words, said.encode() + b"\n")
    if not dropped:
        return ""
    return f"The alert command is slow: {dropped:,} alerts were not delivered."


MOST_ROWS = 400
MOST_PLANS = 100


class MetricsTracker:
    """Reports what is new in metrics, alerts and interventions after each tick."""

    def __init__(self, world: World) -> None:
        self._cascades = len(world.cascades)
        self._alerts = 0 if world.metrics is None else world.metrics.alerts.raised
        self._done = sum(planned.is_over for planned in world.interventions)
        self._faults = 0 if world.platform is None else len(world.platform.faults)
        self._view: tuple[object, MetricsState] | None = None

    def ticked(self, world: World) -> Iterator[tuple[str, Event | None]]:
        """Return what the tick raised and did: a sentence each, with its event if it has one."""
        if world.metrics is not None:
            fresh = world.metrics.alerts.since(self._alerts)
            if fresh and (remark := deliver(fresh)):
                yield remark, None
            for alert in fresh:
                yield alert.sentence, AlertRaised(
                    tick=alert.tick, name=alert.name, level=int(alert.level), value=alert.value,
                    sentence=alert.sentence,
                )  # fmt: skip
            self._alerts = world.metrics.alerts.raised
        done = [planned for planned in world.interventions if planned.is_over]
        if len(done) != self._done:
            for planned in [p for p in done if p.done_at == world.tick - 1]:
                yield (
                    str(planned),
                    InterventionDone(
                        tick=world.tick - 1, number=planned.number, sentence=str(planned)
                    ),
                )
            self._done = len(done)

    def faults(self, world: World) -> list[str]:
        """Return the platform's faults that are new since the last call."""
        faults = [] if world.platform is None else world.platform.faults
        fresh, self._faults = faults[self._faults :], len(faults)
        return fresh

    def has_new_cascades(self, world: World) -> bool:
        """Return whether messages were added since the last call, as by an intervention."""
        before, self._cascades = self._cascades, len(world.cascades)
        return self._cascades != before

    def view(self, world: World) -> MetricsState | None:
        """Return what is measured, the same object until a tick changes it, or None."""
        metrics = world.metrics
        if metrics is None:
            return None
        rules = tuple(metrics.alerts.thresholds.items())
        state = (id(metrics), world.tick, metrics.alerts.raised, rules)
        if self._view is None or self._view[0] != state:
            names, newest = metrics.names, slice(-MOST_ROWS, None)
            columns = [metrics[name][newest] for name in names]
            rows = np.column_stack(columns) if columns else np.empty((0, 0))
            alarms = tuple((name, int(level)) for name, level in metrics.alerts.active.items())
            latest = tuple((name, metrics.latest[name], metrics.taken[name]) for name in names)
            self._view = state, MetricsState(
                names, read_only(metrics.ticks[newest]), read_only(rows), latest, alarms,
                tuple(metrics.alerts.said), rules, metrics.alerts.raised,
            )  # fmt: skip
        return self._view[1]


UNITS = {
    "active": "members", "ties": "ties", "density": "share", "tick_ms": "ms", "cpu_ms": "ms",
    "mean_degree": "followers", "running": "messages",
    "adopted": "members/tick", "spread": "share", "speed": "members/tick", "success": "share",
    "online": "members", "exposures": "messages", "acts": "actions", "interactions_s": "actions/s",
    "attention_gini": "0 to 1", "diversity": "0 to 1", "strangers": "share", "feed_ei": "-1 to 1",
    "r": "adopters", "opinion_mean": "opinion", "variance": "opinion²", "polarisation": "0 to 1",
    "bimodality": "0 to 1", "opinion_ei": "-1 to 1", "modularity": "up to 1",
    "ties_ei": "-1 to 1", "propagation_ticks": "ticks", "response_p50": "ticks",
    "response_p90": "ticks", "clustering": "0 to 1", "path_length": "ties",
    "reputation_gini": "0 to 1", "reputation_p50": "of mean 1", "reputation_p99": "of mean 1",
    "reputation_top": "share", "minds_model": "decisions", "minds_rule": "decisions",
    "minds_errors": "decisions", "minds_requests": "requests", "minds_tokens": "tokens",
    "minds_dollars": "dollars",
}  # fmt: skip
"""Units of metrics; an error has the unit of its subject, and acts of a kind have "acts"."""


def unit_of(metric: str) -> str:
    """Return the unit of a metric, or its range."""
    own = own_metrics(METRICS).get(metric)
    if own is not None:
        return own.unit
    return UNITS.get(metric.removesuffix("_error"), "actions" if metric.startswith("act_") else "")


def listed() -> dict[str, tuple[str, str]]:
    """Return every metric of a world: its name with its unit and meaning."""
    return {name: (unit_of(name), says) for name, says in known_metrics().items()}


def rules_of(measured: MetricsState | None) -> dict[str, AlertRule]:
    """Return the alert conditions, by the name of the alert."""
    return dict(ALERTS if measured is None else measured.rules)


def plans_of(world: World) -> tuple[str, ...]:
    """Return the newest interventions, a line each, newest last."""
    return tuple(str(planned) for planned in list(world.interventions)[-MOST_PLANS:])
