"""How long ticks, commands, saves and calls of models take: histograms, and OpenTelemetry's spans.

Whoever starts the program sets tracing up (such as ``opentelemetry-instrument hubbub run ...``);
otherwise OpenTelemetry is not even imported.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from threading import Lock
from time import perf_counter
from typing import Any

BOUNDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Upper bounds of a histogram's buckets, in seconds."""

DURATIONS: dict[str, list[float]] = {}
"""Of this process, by kind: the counts of the buckets and of what took longer, and all seconds."""

_LOCK = Lock()


class timed:  # noqa: N801 - used as a function; a class enters in a tenth of a generator's time
    """Count how long a block takes, and trace it if tracing is set up."""

    __slots__ = ("_began", "_facts", "_span", "_what")

    def __init__(self, what: str, **facts: str | int) -> None:
        self._what, self._facts = what, facts

    def __enter__(self) -> None:
        trace: Any = sys.modules.get("opentelemetry.trace")
        self._span: Any = None
        if trace and not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            tracer, name = trace.get_tracer("hubbub"), f"hubbub {self._what}"
            self._span = tracer.start_as_current_span(name, attributes=self._facts)
            self._span.__enter__()
        self._began = perf_counter()

    def __exit__(self, *error: Any) -> None:
        seconds = perf_counter() - self._began
        with _LOCK:
            if (row := DURATIONS.get(self._what)) is None:
                row = DURATIONS[self._what] = [0.0] * (len(BOUNDS) + 2)
            row[bisect_left(BOUNDS, seconds)] += 1
            row[-1] += seconds
        if self._span is not None:
            self._span.__exit__(*error)
