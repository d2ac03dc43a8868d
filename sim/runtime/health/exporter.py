"""The exporter for monitoring systems: ``/metrics`` for Prometheus and ``/healthz``.

The page is made when it is asked for, in a thread of its own, of numbers that are read as they
are. Kept between two readings is what counters came to: they never fall, even where a world goes
back.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from sim.errors import InputError
from sim.runtime.health.sources import MetricsSource, Numbers

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from sim.runtime.health.checks import Health
    from sim.runtime.performance import Performance


HOST = "127.0.0.1"
SECONDS = 5.0
"""How long a reader may take to say what it wants."""

_NAMES = frozenset({"127.0.0.1", "localhost"})
_LEVELS = {"ok": 0, "warning": 1, "critical": 2}


class Exporter:
    """Serves the numbers of a world.

    Attributes
    ----------
    url
        Where the metrics are.
    """

    def __init__(self, source: MetricsSource, port: int) -> None:
        if not 0 <= port <= 65_535:
            raise InputError(f"A port for metrics is a number from 0 to 65,535, got {port:,}.")
        pages = type("Pages", (_Pages,), {"source": source, "registry": _registry(source)})
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
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def exported(source: MetricsSource, port: int | None) -> Iterator[Exporter | None]:
    """Serve the numbers of a world while the block runs; on no port nothing is served."""
    if port is None:
        yield None
        return
    exporter = Exporter(source, port)
    try:
        yield exporter
    finally:
        exporter.close()


class _Pages(BaseHTTPRequestHandler):
    """Answers one reader."""

    timeout = SECONDS
    source: ClassVar[MetricsSource]
    registry: ClassVar[Any]
    server_version = "Hubbub"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer what is asked."""
        host = (self.headers.get("Host") or "").rpartition(":")[0] or self.headers.get("Host")
        if host not in _NAMES:  # a page elsewhere may have let its name mean this machine
            self._send(HTTPStatus.FORBIDDEN, "text/plain", b"Only this machine may ask.\n")
        elif self.path == "/metrics":
            from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

            self._send(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(self.registry))
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
        """Write nothing: the screen is there."""


def _healthz(health: Health) -> bytes:
    checks = {
        each.name: {"level": each.level, "value": each.value, "unit": each.unit,
                    "sentence": each.sentence}
        for each in health.readings
    }  # fmt: skip
    said = {"level": health.level, "sentence": health.sentence, "checks": checks}
    return json.dumps(said | {"tick": health.tick}).encode() + b"\n"


def _registry(source: MetricsSource) -> CollectorRegistry:
    try:
        from prometheus_client import CollectorRegistry
    except ImportError:
        raise InputError(
            "Metrics need the package prometheus-client; install hubbub[metrics], or leave out "
            "--metrics-port."
        ) from None
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(source))
    return registry


class _Sums:
    """What counters come to: what was added between two readings, and never less.

    A world that goes back, or another one in its place, has fewer adoptions than before; what it
    then does again is added.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], tuple[float, float]] = {}

    def of(self, name: str, now: float, label: str = "") -> float:
        """Return what a counter came to, given what the world says of it now."""
        with self._lock:
            total, last = self._seen.get((name, label), (0.0, 0.0))
            total += max(now - last, 0.0)
            self._seen[name, label] = total, now
        return total


class _Collector:
    """Makes the metrics when they are asked for."""

    def __init__(self, source: MetricsSource) -> None:
        self._source = source
        self._sums = _Sums()

    def collect(self) -> Iterator[Any]:
        """Yield every metric."""
        from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily

        version = import_module("sim").__version__  # a plain import would tie all rooms to this one
        yield InfoMetricFamily("hubbub", "The program.", value={"version": version})
        numbers, health = self._source.numbers(), self._source.health()
        yield from _plain(numbers, self._sums)
        messages = GaugeMetricFamily("hubbub_messages", "Messages by status.", labels=["status"])
        for status, count in sorted(numbers.messages.items()):
            messages.add_metric([status], count)
        phases = GaugeMetricFamily(
            "hubbub_phase_seconds", "Seconds of each phase of the last tick.", labels=["phase"]
        )
        for phase, seconds in numbers.phases.items():
            phases.add_metric([phase], seconds)
        measured = GaugeMetricFamily(
            "hubbub_metric", "The newest of the world's metrics, by name.", labels=["name"]
        )
        for name, value in numbers.metrics.items():
            measured.add_metric([name], value)
        yield from (messages, phases, measured, *_minds(numbers, self._sums), *_checks(health))


def _plain(numbers: Numbers, sums: _Sums) -> Iterator[Any]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    for name, says, value in (
        ("hubbub_tick", "The world's tick.", numbers.tick),
        ("hubbub_agents", "Members of the world.", numbers.agents),
        ("hubbub_ties", "Ties between them.", numbers.ties),
        ("hubbub_tick_seconds", "Seconds that the last tick took.", numbers.tick_seconds),
        ("hubbub_memory_bytes", "Bytes of memory that the process holds.", numbers.memory),
        ("hubbub_durable_tick", "The last tick that no crash takes back.", numbers.durable_tick),
    ):
        if value is not None:
            yield GaugeMetricFamily(name, says, value=value)
    for name, says, value in (
        ("hubbub_adoptions", "Adoptions of all messages.", numbers.adoptions),
        ("hubbub_contacts", "Contacts between agents that were weighed.", numbers.contacts),
        ("hubbub_cpu_seconds", "Processor time that the process has used.", numbers.cpu_seconds),
        ("hubbub_alerts", "Alerts that were raised.", numbers.alerts),
    ):
        yield CounterMetricFamily(name, says, value=sums.of(name, value))
    if numbers.performance is not None:
        yield from _answered(numbers.performance, sums)


def _answered(performance: Performance, sums: _Sums) -> Iterator[Any]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    answered = sums.of("hubbub_operations", performance.operations)
    yield CounterMetricFamily("hubbub_operations", "Commands answered.", value=answered)
    for name, says, value in (
        ("hubbub_operation_success_ratio", "Share of them carried out.", performance.success_rate),
        ("hubbub_operation_latency_seconds", "From sending a command to its answer, mean.",
         performance.mean_response_ms / 1000),
        ("hubbub_cold_hit_ratio", "Share of cold records that need not be unpacked.",
         performance.cold_hit_rate),
    ):  # fmt: skip
        yield GaugeMetricFamily(name, says, value=value)


def _minds(numbers: Numbers, sums: _Sums) -> Iterator[Any]:
    """Yield what came of members with minds; nothing where nobody has, or had, one."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    if numbers.minds is None:
        return
    said = numbers.minds
    yield GaugeMetricFamily("hubbub_minds", "Members with a mind.", value=said["members"])
    for name, says, value in (
        ("hubbub_minds_requests", "Calls of language models.", said["requests"]),
        ("hubbub_minds_tokens", "Tokens of calls of language models.", said["tokens"]),
        ("hubbub_minds_dollars", "What calls of language models cost.", said["dollars"]),
    ):
        yield CounterMetricFamily(name, says, value=sums.of(name, value))
    for name, label, says, counts in (
        ("hubbub_minds_decisions", "came", "Decisions by what they came from, or how they failed.",
         said["counts"]),
        ("hubbub_minds_errors", "reason", "What kept models from deciding.", said["reasons"]),
    ):  # fmt: skip
        family = CounterMetricFamily(name, says, labels=[label])
        for of, count in sorted(counts.items()):
            family.add_metric([of], sums.of(name, count, of))
        yield family


def _checks(health: Health) -> Iterator[Any]:
    from prometheus_client.core import GaugeMetricFamily

    level = GaugeMetricFamily(
        "hubbub_health", "0 ok, 1 warning, 2 critical, by check.", labels=["check"]
    )
    value = GaugeMetricFamily(
        "hubbub_check", "The number behind a check.", labels=["check", "unit"]
    )
    for each in health.readings:
        level.add_metric([each.name], _LEVELS[each.level])
        value.add_metric([each.name, each.unit], each.value)
    yield from (level, value)
