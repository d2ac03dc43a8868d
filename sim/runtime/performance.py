"""Performance of a running world: operations, their success and their time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from sim.agents.records import tally

_WINDOW_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Performance:
    """What :meth:`sim.runtime.Simulation.performance` returns.

    Parameters
    ----------
    operations
        Commands answered so far.
    success_rate
        Share of them that were carried out rather than refused, in [0, 1]; 1.0 before the first.
    mean_response_ms
        Milliseconds from sending a command to its answer, on average.
    peak_concurrency
        Most commands that were under way at one time.
    operations_per_second
        Commands answered a second over the last ten seconds.
    contacts_per_second
        Contacts between agents that the engine weighed a second, over its last ticks.
    cold_hit_rate
        Share of what was asked about agents' cold records that need not be unpacked, in [0, 1];
        1.0 before the first. Of this process: an isolated engine's own is in its health.
    """

    operations: int
    success_rate: float
    mean_response_ms: float
    peak_concurrency: int
    operations_per_second: float
    contacts_per_second: float
    cold_hit_rate: float = 1.0


class Meter:
    """Counts commands from their sending to their answer; used in one thread."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._opened = now()
        self._under_way = 0
        self._peak = 0
        self._answered = 0
        self._carried_out = 0
        self._seconds = 0.0
        self._recent: deque[float] = deque(maxlen=10_000)

    def began(self) -> float:
        """Note that a command is sent; returns the time, to be handed to :meth:`ended`."""
        self._under_way += 1
        self._peak = max(self._peak, self._under_way)
        return self._now()

    def ended(self, began: float, *, carried_out: bool) -> None:
        """Note that the command sent at ``began`` is answered."""
        now = self._now()
        self._under_way -= 1
        self._answered += 1
        self._carried_out += carried_out
        self._seconds += now - began
        self._recent.append(now)

    def read(self, contacts_per_second: float) -> Performance:
        """Return the figures now."""
        answered = self._answered
        return Performance(
            operations=answered,
            success_rate=self._carried_out / answered if answered else 1.0,
            mean_response_ms=1000 * self._seconds / answered if answered else 0.0,
            peak_concurrency=self._peak,
            operations_per_second=self._rate(),
            contacts_per_second=contacts_per_second,
            cold_hit_rate=_hit_rate(),
        )

    def _rate(self) -> float:
        now = self._now()
        since = max(self._opened, now - _WINDOW_SECONDS)
        if len(self._recent) == self._recent.maxlen:  # the window is longer than what is kept
            since = max(since, self._recent[0])
        count = sum(moment >= since for moment in self._recent)
        return count / max(now - since, 1e-3)


def _hit_rate() -> float:
    hits, asked = tally()
    return hits / asked if asked else 1.0
