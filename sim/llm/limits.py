"""How many calls at once, and how many a minute: both found out, never guessed too high."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic

from sim.errors import InputError

__all__ = ["Gate", "Rate"]


class Gate:
    """Concurrency that halves on congestion and grows by one a window of successes (AIMD).

    Parameters
    ----------
    most
        Calls at once, at most.
    start
        Calls at once, at first.
    """

    def __init__(self, most: int = 32, start: int = 8) -> None:
        if most < 1:
            raise InputError(f"At least 1 call at once is needed, got {most}.")
        self._most = most
        self._limit = float(min(start, most))
        self._running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._calls = 0
        self._halved_at = 0

    @property
    def limit(self) -> int:
        """Calls that may run at once now."""
        return int(self._limit)

    @property
    def running(self) -> int:
        """Calls that run now."""
        return self._running

    @property
    def waiting(self) -> int:
        """Calls that wait for their turn."""
        return len(self._waiting)

    async def enter(self) -> int:
        """Wait for a turn; returns the number of the call, which :meth:`leave` is told."""
        if self._waiting or self._running >= self.limit:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                self._give_up(turn)
                raise
        else:
            self._running += 1
        self._calls += 1
        return self._calls

    def _give_up(self, turn: asyncio.Future[None]) -> None:
        """Leave the queue; a turn that came at the same moment goes to the next."""
        if turn.done() and not turn.cancelled():
            self._running -= 1
            self._admit()
        elif turn in self._waiting:
            self._waiting.remove(turn)

    def leave(self, call: int, *, congested: bool) -> None:
        """End a call; one that met congestion halves the limit, once for all that ran with it."""
        self._running -= 1
        if not congested:
            self._limit = min(self._limit + 1 / max(self._limit, 1), float(self._most))
        elif call > self._halved_at:
            self._limit = max(self._limit / 2, 1.0)
            self._halved_at = self._calls
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._running < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self._running += 1
                turn.set_result(None)


class Rate:
    """So much a minute: a bucket that fills steadily and may be emptied at once.

    Parameters
    ----------
    per_minute
        Requests or tokens a minute; None: no limit.
    clock
        Seconds that never go back.
    """

    def __init__(self, per_minute: float | None, clock: Callable[[], float] = monotonic) -> None:
        if per_minute is not None and not per_minute > 0:
            raise InputError(f"A rate is more than 0 a minute, got {per_minute!r}.")
        self._per_minute = per_minute
        self._clock = clock
        self._level = per_minute or 0.0
        self._at = clock()

    def delay(self, amount: float) -> float:
        """Take ``amount`` and return the seconds to wait before it may be used.

        More than a whole minute's worth waits for a full bucket.
        """
        if self._per_minute is None:
            return 0.0
        now = self._clock()
        filled = self._level + (now - self._at) * self._per_minute / 60
        self._level, self._at = min(filled, self._per_minute), now
        self._level -= amount
        return max(-self._level * 60 / self._per_minute, 0.0)

    def give_back(self, amount: float) -> None:
        """Return what was taken and not used."""
        if self._per_minute is not None:
            self._level = min(self._level + amount, self._per_minute)
