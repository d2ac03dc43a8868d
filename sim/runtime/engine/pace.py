""":class:`TickPace`: the requested and the achieved number of ticks a second."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable

from sim.errors import InputError

__all__ = ["HIGHEST_RATE", "LOWEST_RATE", "RateGauge", "TickPace"]

LOWEST_RATE = 0.01
HIGHEST_RATE = 100_000.0
"""Ticks a second that :meth:`TickPace.ask` takes."""

_SAMPLE_SECONDS = 0.05
_WINDOW_SAMPLES = 40
_DEBT_SECONDS = 0.25


class RateGauge:
    """How fast a counter grows, over the last two seconds or a little more.

    Parameters
    ----------
    now
        A monotonic clock in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._samples: deque[tuple[float, int]] = deque(maxlen=_WINDOW_SAMPLES)
        self._value = 0
        self.restart()

    def restart(self) -> None:
        """Forget what was measured."""
        self._samples.clear()
        self._samples.append((self._now(), self._value))

    def read(self, value: int) -> None:
        """Take the counter's value."""
        now, self._value = self._now(), value
        if now - self._samples[-1][0] >= _SAMPLE_SECONDS:
            self._samples.append((now, value))

    @property
    def rate(self) -> float:
        """Counts a second, 0.0 before there is anything."""
        since, value = self._samples[0]
        span = self._now() - since
        return (self._value - value) / span if span > 0 else 0.0


class TickPace:
    """Ticks a second.

    Parameters
    ----------
    now
        A monotonic clock in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._asked: float | None = None
        self._due = now()
        self._ticks = 0
        self._gauge = RateGauge(now)

    @property
    def asked(self) -> float | None:
        """Ticks a second asked for; None: as fast as possible."""
        return self._asked

    def ask(self, rate: float | None) -> None:
        """Set the rate, and make the next tick due now.

        Parameters
        ----------
        rate
            Ticks a second in [0.01, 100,000]; None: as fast as possible.

        Raises
        ------
        InputError
            When the rate is outside.
        """
        if rate is not None and not (math.isfinite(rate) and LOWEST_RATE <= rate <= HIGHEST_RATE):
            raise InputError(
                f"ticks_per_second must be in [{LOWEST_RATE}, {HIGHEST_RATE:,.0f}], or None for as "
                f"fast as possible; got {rate}."
            )
        self._asked = None if rate is None else float(rate)
        self.restart()

    def restart(self) -> None:
        """Forget what was measured; the next tick is due now."""
        self._due = self._now()
        self._gauge.restart()

    @property
    def wait(self) -> float:
        """Seconds until the next tick is due, 0.0 when it is."""
        return max(0.0, self._due - self._now())

    def ticked(self, *, at_least: float = 0.0) -> None:
        """Note a tick; the next is due one period after this one was, or ``at_least`` seconds on.

        A small delay is caught up with, so that the mean rate is the one asked for; a debt of more
        than a quarter of a second is forgiven: a slow world must not burst afterwards.
        """
        now = self._now()
        self._ticks += 1
        period = 0.0 if self._asked is None else 1.0 / self._asked
        self._due = max(self._due + period, now - _DEBT_SECONDS)
        if at_least:
            self._due = max(self._due, now + at_least)
        self._gauge.read(self._ticks)

    @property
    def achieved(self) -> float:
        """Ticks a second over the last two seconds or more, 0.0 before there is anything."""
        return self._gauge.rate
