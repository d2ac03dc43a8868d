"""The exporter for monitoring systems: ``/metrics`` for Prometheus and ``/healthz``.

The page is made on request, in a separate thread, from the numbers at that moment. Only the
values of counters are kept between two requests: they never fall, even if a world goes
back.
"""

from __future__ import annotations

import itertools
import json
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import psutil

from sim.errors import InputError
from sim.minds.deciding.commands import facts_of
from sim.runtime.health import CheckHistory, Health, JournalStatus, Performance, Vitals, look
from sim.settings.durations import BOUNDS, DURATIONS
from sim.store import available_bytes

if TYPE_CHECKING:
    from sim.runtime.frames.frames import MindsNow
    from sim.runtime.health import Health, Performance
    from sim.runtime.journal.writer import JournalWriter
    from sim.runtime.simulation import Simulation
    from sim.world.world import World


_WITHIN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of a world; None: not available."""

    tick: int = 0
    agents: int = 0
    ties: int = 0
    messages: Mapping[str, int] = field(default_factory=dict)
    adoptions: int = 0
    contacts: int = 0
    tick_seconds: float | None = None
    phases: Mapping[str, float] = field(default_factory=dict)
    memory: int = 0
    durable_tick: int | None = None
    cpu_seconds: float = field(default_factory=lambda: sum(psutil.Process().cpu_times()[:2]))
    metrics: Mapping[str, float] = field(default_factory=dict)
    alerts: int = 0
    performance: Performance | None = None
    minds: Mapping[str, Any] | None = None


class WorldSource:
    """A world run by another thread; its numbers are read while it runs."""

    def __init__(self, world: World, keeper: JournalWriter | None, folder: Path) -> None:
        self._world = world
        self._keeper = keeper
        self._folder = folder
        self._process = psutil.Process()
        self._history = CheckHistory()

    def numbers(self) -> Numbers:
        """Return the current numbers."""
        world = self._world
        phases, cascades = dict(world.phase_seconds), world.cascades.items
        return Numbers(
            tick=world.tick,
            agents=len(world.agents),
            ties=world.ties.count,
            messages=Counter(cascade.status for cascade in cascades),
            adoptions=sum(cascade.size for cascade in cascades),
            contacts=sum(int(cascade.contacts_seen) for cascade in cascades),
            tick_seconds=sum(phases.values()) if phases else None,
            phases=phases,
            memory=int(self._process.memory_info().rss),
            durable_tick=None if self._keeper is None else self._keeper.durable_tick,
            minds=facts_of(world),
            metrics={} if world.metrics is None else dict(world.metrics.latest),
            alerts=0 if world.metrics is None else world.metrics.alerts.raised,
        )

    def health(self) -> Health:
        """Return all checks now."""
        room = None
        with suppress(OSError):
            room = shutil.disk_usage(self._folder).free
        vitals = Vitals(
            tick=self._world.tick,
            state="playing",
            room=room,
            folder=str(self._folder),
            resident=int(self._process.memory_info().rss),
            free=available_bytes(),
            journal=JournalStatus.of(self._keeper),
        )
        return look(vitals, self._history)


class SimulationSource:
    """A running simulation, or the one on the screen.

    Parameters
    ----------
    simulation
        Returns it; None while there is none.
    """

    def __init__(self, simulation: Callable[[], Simulation | None]) -> None:
        self._simulation = simulation

    def numbers(self) -> Numbers:
        """Return the numbers of the newest frame."""
        simulation = self._simulation()
        if simulation is None:
            return Numbers()
        frame, measured = simulation.frame, simulation.frame.metrics
        return Numbers(
            tick=frame.tick,
            agents=frame.agents,
            ties=frame.ties,
            messages=Counter(row.status for row in frame.sessions),
            adoptions=sum(row.size for row in frame.sessions),
            contacts=simulation.contacts,
            tick_seconds=frame.tick_ms / 1000,
            phases={name: ms / 1000 for name, ms in frame.phase_ms},
            memory=frame.memory_bytes,
            durable_tick=frame.durable_tick,
            minds=_mind_facts(frame.minds),
            metrics={} if measured is None else {name: value for name, value, _ in measured.latest},
            alerts=0 if measured is None else measured.raised,
            performance=simulation.performance(),
        )

    def health(self) -> Health:
        """Return all checks; none before there is a world."""
        simulation = self._simulation()
        return Health(0, ()) if simulation is None else simulation.health(within=_WITHIN_SECONDS)


def _mind_facts(now: MindsNow | None) -> dict[str, Any] | None:
    """Return the facts on minds in a frame, as :func:`facts_of` does for a world."""
    if now is None:
        return None
    return {
        "members": now.members,
        "counts": dict((*now.sources, *now.faults)),
        "reasons": dict(now.reasons),
        "requests": now.requests,
        "tokens": now.tokens,
        "dollars": now.dollars,
    }


MetricsSource = WorldSource | SimulationSource

HOST = "127.0.0.1"
SECONDS = 5.0
"""How long a client may take to send its request, in seconds."""

_NAMES = frozenset({"127.0.0.1", "localhost"})
_LEVELS = {"ok": 0, "warning": 1, "critical": 2}


class Exporter:
    """Serves the numbers of a world."""

    def __init__(self, source: MetricsSource, port: int) -> None:
        if not 0 <= port <= 65_535:
            raise InputError(f"A port for metrics is a number from 0 to 65,535, got {port:,}.")
        try:
            import prometheus_client.core
        except ImportError:
            raise InputError(
                "Metrics need the package prometheus-client; install hubbub[metrics], or leave out "
                "--metrics-port."
            ) from None
        prometheus: Any = prometheus_client
        registry = prometheus.CollectorRegistry(auto_describe=False)
        registry.register(_Collector(source, prometheus.core))
        told = {"source": source, "registry": registry, "prometheus": prometheus}
        pages = type("Pages", (_Pages,), told)
        try:
            self._server = ThreadingHTTPServer((HOST, port), pages)
        except OSError as error:
            raise InputError(
                f"Metrics cannot be served on port {port}: {(error.strerror or 'it fails').lower()}"
                "; choose another, or 0 for any that is free."
            ) from None
        self._server.daemon_threads = True
        self.url = f"http://{HOST}:{self._server.server_address[1]}/metrics"
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="metrics", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def exported(source: MetricsSource, port: int | None) -> Iterator[Exporter | None]:
    """Serve the numbers of a world while the block runs; without a port, serve nothing."""
    if port is None:
        yield None
        return
    exporter = Exporter(source, port)
    try:
        yield exporter
    finally:
        exporter.close()


class _Pages(BaseHTTPRequestHandler):
    timeout = SECONDS
    source: ClassVar[MetricsSource]
    registry: ClassVar[Any]
    prometheus: ClassVar[Any]
    server_version = "Hubbub"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer the request."""
        host = (self.headers.get("Host") or "").rpartition(":")[0] or self.headers.get("Host")
        if host not in _NAMES:  # a page elsewhere may have made its name resolve to this machine
            self._send(HTTPStatus.FORBIDDEN, "text/plain", b"Only this machine may ask.\n")
        elif self.path == "/metrics":
            page = self.prometheus.generate_latest(self.registry)
            self._send(HTTPStatus.OK, self.prometheus.CONTENT_TYPE_LATEST, page)
        elif self.path == "/healthz":
            health = self.source.health()
            grave = health.level == "critical"
            status = HTTPStatus.SERVICE_UNAVAILABLE if grave else HTTPStatus.OK
            self._send(status, "application/json", _healthz(health))
        else:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"Ask for /metrics or /healthz.\n")

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
        """Log nothing: the terminal shows the screen."""


def _healthz(health: Health) -> bytes:
    checks = {
        each.name: {"level": each.level, "value": each.value, "unit": each.unit,
                    "sentence": each.sentence}
        for each in health.readings
    }  # fmt: skip
    said = {"level": health.level, "sentence": health.sentence, "checks": checks}
    return json.dumps(said | {"tick": health.tick}).encode() + b"\n"


class _Sums:
    """Counter values: the sum of increases between readings, which never falls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], tuple[float, float]] = {}

    def of(self, name: str, now: float, label: str = "") -> float:
        """Return the value of a counter, given the world's current number."""
        with self._lock:
            total, last = self._seen.get((name, label), (0.0, 0.0))
            total += max(now - last, 0.0)
            self._seen[name, label] = total, now
        return total


class _Collector:
    def __init__(self, source: MetricsSource, core: Any) -> None:
        self._source = source
        self._core = core
        self._sums = _Sums()

    def collect(self) -> Iterator[Any]:
        """Yield every metric."""
        version = import_module("sim").__version__  # a plain import would tie all rooms to this one
        yield self._core.InfoMetricFamily("hubbub", "The program.", value={"version": version})
        numbers, health = self._source.numbers(), self._source.health()
        answers, minds = numbers.performance, numbers.minds
        gauges: list[tuple[str, str, float | None]] = [
            ("hubbub_tick", "The world's tick.", numbers.tick),
            ("hubbub_agents", "Members of the world.", numbers.agents),
            ("hubbub_ties", "Ties between them.", numbers.ties),
            ("hubbub_tick_seconds", "Seconds that the last tick took.", numbers.tick_seconds),
            ("hubbub_memory_bytes", "Bytes of memory that the process holds.", numbers.memory),
            (
                "hubbub_durable_tick",
                "The last tick that no crash takes back.",
                numbers.durable_tick,
            ),
        ]
        counters: list[tuple[str, str, float]] = [
            ("hubbub_adoptions", "Adoptions of all messages.", numbers.adoptions),
            ("hubbub_contacts", "Contacts between agents that were weighed.", numbers.contacts),
            (
                "hubbub_cpu_seconds",
                "Processor time that the process has used.",
                numbers.cpu_seconds,
            ),
            ("hubbub_alerts", "Alerts that were raised.", numbers.alerts),
        ]
        if answers is not None:
            counters.append(("hubbub_operations", "Commands answered.", answers.operations))
            gauges += [
                ("hubbub_operation_success_ratio", "Share of them carried out.",
                 answers.success_rate),
                ("hubbub_operation_latency_seconds", "From sending a command to its answer, mean.",
                 answers.mean_response_ms / 1000),
                ("hubbub_cold_hit_ratio", "Share of cold records that need not be unpacked.",
                 answers.cold_hit_rate),
            ]  # fmt: skip
        if minds is not None:
            gauges.append(("hubbub_minds", "Members with a mind.", minds["members"]))
            counters += [
                ("hubbub_minds_requests", "Calls of language models.", minds["requests"]),
                ("hubbub_minds_tokens", "Tokens of calls of language models.", minds["tokens"]),
                ("hubbub_minds_dollars", "What calls of language models cost.", minds["dollars"]),
            ]
        for name, says, value in gauges:
            if value is not None:
                yield self._core.GaugeMetricFamily(name, says, value=value)
        for name, says, value in counters:
            total = self._sums.of(name, value)
            yield self._core.CounterMetricFamily(name, says, value=total)
        yield from self._families(numbers, health)

    def _families(self, numbers: Numbers, health: Health) -> Iterator[Any]:
        """Yield the metrics that have labels."""
        units = [((each.name, each.unit), each.value) for each in health.readings]
        levels = [((each.name,), _LEVELS[each.level]) for each in health.readings]
        gauges: tuple[tuple[str, str, list[str], list[Any]], ...] = (
            ("hubbub_messages", "Messages by status.", ["status"], _rows(numbers.messages)),
            ("hubbub_phase_seconds", "Seconds of each phase of the last tick.", ["phase"],
             _rows(numbers.phases)),
            ("hubbub_metric", "The newest of the world's metrics, by name.", ["name"],
             _rows(numbers.metrics)),
            ("hubbub_health", "0 ok, 1 warning, 2 critical, by check.", ["check"], levels),
            ("hubbub_check", "The number behind a check.", ["check", "unit"], units),
        )  # fmt: skip
        for name, says, labels, rows in gauges:
            family = self._core.GaugeMetricFamily(name, says, labels=labels)
            for key, value in rows:
                family.add_metric(key, value)
            yield family
        for what in ("tick", "command", "save"):
            row = DURATIONS.get(what, [0.0] * (len(BOUNDS) + 2))
            sums = zip((*map(str, BOUNDS), "+Inf"), itertools.accumulate(row[:-1]), strict=True)
            yield self._core.HistogramMetricFamily(
                f"hubbub_{what}_duration_seconds", f"Seconds that each {what} took.",
                buckets=list(sums), sum_value=row[-1],
            )  # fmt: skip
        minds = numbers.minds or {}
        for name, label, says, of in (
            ("hubbub_minds_decisions", "came",
             "Decisions by what they came from, or how they failed.", "counts"),
            ("hubbub_minds_errors", "reason", "What kept models from deciding.", "reasons"),
        ):  # fmt: skip
            if of in minds:
                family = self._core.CounterMetricFamily(name, says, labels=[label])
                for (key,), count in _rows(minds[of]):
                    family.add_metric([key], self._sums.of(name, count, key))
                yield family


def _rows(counts: Mapping[str, float]) -> list[tuple[tuple[str], float]]:
    return [((name,), value) for name, value in sorted(counts.items())]
