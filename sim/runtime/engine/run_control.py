""":class:`RunControl`: play, step and pause, and at which pace: when the next tick is due."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sim.errors import InputError

Gear = Literal["paused", "pausing", "playing", "stepping"]

_IDLE_SECONDS = 0.01
"""A world in which nothing happens is not driven faster than this, whatever was asked."""


@dataclass(slots=True)
class StepRequest:
    """A number of ticks to run and then stop."""

    order: int
    ticks: int
    until: Callable[[], bool]
    done: int = 0
    ended: bool = False


class RunControl:
    """Decides on the next tick; belongs to the engine's thread, but for :attr:`cut`.

    Attributes
    ----------
    cut
        Whatever was ordered by a command numbered below this ends after the running tick. Another
        thread may raise it: a pause need not wait for its turn to be felt.
    """

    def __init__(self) -> None:
        self.cut = 0
        self.pace = TickPace()
        self.stretch: StepRequest | None = None
        self._played_by: int | None = None
        self._until: Callable[[], bool] = never

    @property
    def gear(self) -> Gear:
        """The state to show."""
        if self.stretch is None and self._played_by is None:
            return "paused"
        if self._is_cut:
            return "pausing"
        return "playing" if self.stretch is None else "stepping"

    @property
    def wants_tick(self) -> bool:
        """Whether there is a tick to run, now or when :attr:`TickPace.wait` is over."""
        running = self.stretch is not None or self._played_by is not None
        return running and not self._is_cut

    @property
    def _is_cut(self) -> bool:
        order = self.stretch.order if self.stretch else self._played_by
        return order is not None and order < self.cut

    def play(self, order: int, rate: float | None, until: Callable[[], bool]) -> None:
        """Run until paused, or until ``until`` is true after a tick."""
        self.pace.ask(rate)
        self._played_by, self._until = order, until

    def step(self, stretch: StepRequest) -> None:
        """Run a stretch; playing ends here."""
        self.pause()
        self.pace.ask(None)
        self.stretch = stretch

    def pause(self) -> None:
        """Run nothing more."""
        self.stretch = self._played_by = None
        self.pace.restart()

    def halt(self) -> None:
        """Have whatever runs end after the running tick; whoever waits for it is answered."""
        if self.stretch is not None:
            self.stretch.ended = True
        else:
            self.pause()

    def ticked(self, *, idle: bool) -> None:
        """Note a tick; ``idle``: nothing could happen in it, and it took no time."""
        slow = idle and self.stretch is None and self.pace.asked is None
        self.pace.ticked(at_least=_IDLE_SECONDS if slow else 0.0)
        if self.stretch is not None:
            self.stretch.done += 1
            self.stretch.ended |= self.stretch.until()
        elif self._until():
            self.pause()

    @property
    def finished(self) -> StepRequest | None:
        """The stretch that has come to its end, by its length, its condition or a cut."""
        stretch = self.stretch
        if stretch and (stretch.ended or stretch.done >= stretch.ticks or self._is_cut):
            return stretch
        return None


def never() -> bool:
    """Return False: no condition."""
    return False


LOWEST_RATE = 0.01
HIGHEST_RATE = 100_000.0
"""Ticks a second that :meth:`TickPace.ask` takes."""

_SAMPLE_SECONDS = 0.05
_WINDOW_SAMPLES = 40
_DEBT_SECONDS = 0.25


class RateGauge:
    """How fast a counter grows, over the last two seconds or a little more."""

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
    """Ticks a second."""

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
        """Set the rate, and make the next tick due now."""
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
