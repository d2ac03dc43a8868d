"""Limits on calls, adapted to the server: how many, how fast; when to stop using a provider."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from math import inf
from time import monotonic

from sim.errors import InputError


class ConcurrencyLimit:
    """Concurrency: halves on congestion, grows by one per window (AIMD), and doubles at first."""

    def __init__(self, most: int = 32, start: int = 4) -> None:
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
        """Maximum number of concurrent calls now."""
        return int(self._limit)

    @property
    def running(self) -> int:
        """Number of running calls."""
        return self._running

    @property
    def waiting(self) -> int:
        """Number of waiting calls."""
        return len(self._waiting)

    async def enter(self) -> int:
        """Wait for a turn; return the number of the call, to be passed to :meth:`leave`."""
        if self._waiting or self._running >= self.limit:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._running -= 1
                    self._admit()
                elif turn in self._waiting:
                    self._waiting.remove(turn)
                raise
        else:
            self._running += 1
        self._calls += 1
        return self._calls

    def leave(self, call: int, *, congested: bool) -> None:
        """End a call; one that met congestion halves the limit, once for all that ran with it."""
        self._running -= 1
        if not congested:
            step = 1 / self._limit if self._halved_at else 1.0
            self._limit = min(self._limit + step, float(self._most))
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


class TokenBucket:
    """A rate per minute: a bucket that fills steadily and may be emptied at once."""

    def __init__(self, per_minute: float | None, clock: Callable[[], float] = monotonic) -> None:
        if per_minute is not None and not per_minute > 0:
            raise InputError(f"A rate is more than 0 a minute, got {per_minute!r}.")
        self._per_minute = per_minute
        self._clock = clock
        self._level = per_minute or 0.0
        self._at = clock()

    def delay(self, amount: float) -> float:
        """Take ``amount`` and return the seconds to wait, at most until the bucket is full."""
        if self._per_minute is None:
            return 0.0
        now = self._clock()
        filled = self._level + (now - self._at) * self._per_minute / 60
        self._level, self._at = min(filled, self._per_minute), now
        self._level -= amount
        return max(-self._level * 60 / self._per_minute, 0.0)

    def give_back(self, amount: float) -> None:
        """Return an amount that was taken but not used."""
        if self._per_minute is not None:
            self._level = min(self._level + amount, self._per_minute)


class RequestPace:
    """The rate at which a server accepts requests, learned from its refusals (429).

    Calls are not delayed until the first refusal. Then all wait as long as the server asks, and
    continue at the rate that it accepted before: the highest of the last minute, since quiet times
    say nothing about a server. The rate grows slowly, and falls when the server refuses again. All
    callers of a server share one pace, so that one refusal slows all of them.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._rate = 0.0  # requests per second; 0: unknown
        self._next = 0.0
        self._resumes = 0.0
        self._taken: deque[float] = deque()  # times of the last minute's requests, until a refusal
        self._in_a_row = 0
        self._first_at = math.inf
        self._refused_at = -math.inf
        self._grown_at = 0.0

    @property
    def rate(self) -> float:
        """Requests per second that it allows; 0: no limit."""
        return self._rate

    @property
    def wait(self) -> float:
        """Seconds until the next request may go."""
        return max(self._resumes, self._next) - self._clock() if self._rate else 0.0

    @property
    def refused_for(self) -> float:
        """Seconds for which the server has refused every request; 0: it answered last."""
        now = self._clock()
        is_old = now - self._refused_at > _LONGEST_PAUSE
        return 0.0 if is_old else max(now - self._first_at, 0.0)

    def take(self) -> float:
        """Let a request go now; return its time, to be passed to :meth:`refused`."""
        now = self._clock()
        if self._rate:
            self._next = max(self._next, self._resumes, now - 1 / self._rate) + 1 / self._rate
            return now
        self._taken.append(now)
        while now - self._taken[0] > _LONGEST_PAUSE:
            self._taken.popleft()
        return now

    def refused(self, sent: float, wait: float | None) -> float:
        """Hold all requests back after a refusal; return for how many seconds."""
        now = self._clock()
        is_new = sent > self._refused_at  # older requests tell nothing new
        self._in_a_row += is_new
        is_old = now - self._refused_at > _LONGEST_PAUSE
        self._first_at = now if is_old else min(self._first_at, now)
        pause = wait if wait is not None else min(2.0 ** (self._in_a_row - 1), _LONGEST_PAUSE)
        pause = max(pause, _SHORTEST_PAUSE)
        self._resumes = max(self._resumes, now + pause)
        if is_new:
            self._rate = self._rate * _SLOWER if self._rate else self._seen(sent, now + pause)
            self._rate = max(self._rate, 1 / _LONGEST_PAUSE)
            self._refused_at = self._grown_at = now
        return pause

    def _seen(self, refused: float, until: float) -> float:
        """Return the highest rate that the server accepted, requests under way included."""
        with suppress(ValueError):  # it was sent more than a minute ago
            self._taken.remove(refused)
        taken, self._taken = self._taken or deque([refused]), deque()
        return max(
            (len(taken) - before) / max(until - since, _SHORTEST_SPAN)
            for before, since in enumerate(taken)
        )

    def answered(self) -> None:
        """Record that the server accepted a request: go a little faster."""
        self._in_a_row, self._first_at = 0, math.inf
        if self._rate:
            now = self._clock()
            is_long_ago = now - self._refused_at > _CAREFUL
            grown = min(max(now - max(self._grown_at, self._resumes), 0.0), _MOST_GROWTH)
            self._rate *= (_FASTER if is_long_ago else _CAREFULLY) ** grown
            self._grown_at = now


_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.05, 60.0
_SLOWER = 0.9
_CAREFULLY, _FASTER = 1.01, 1.1
"""Growth per second: near the refused rate, and after a while without refusals."""
_SHORTEST_SPAN = 1.0
"""Minimum time span in seconds for measuring rates."""
_MOST_GROWTH = 10.0
"""Maximum seconds of growth per answer: quiet times say nothing."""
_CAREFUL = 20.0
"""Seconds after a refusal in which the rate grows carefully."""


class CircuitBreaker:
    """State of a (provider, model): closed, open for a while after repeated faults, or off."""

    def __init__(
        self,
        faults: int = 5,
        rest: float = 5.0,
        longest: float = 120.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._most = faults
        self._first_rest = rest
        self._rest = rest
        self._longest = longest
        self._clock = clock
        self._faults = 0
        self._failed_at = -inf
        self._until = 0.0
        self._calls = 0
        self._trial = 0  # the trial call; 0: none
        self.reason = ""

    @property
    def state(self) -> str:
        """``"closed"`` (calls pass), ``"open"``, ``"trying"`` (one call passes) or ``"off"``."""
        if self.reason:
            return "off"
        if self._faults < self._most:
            return "closed"
        return "open" if self._clock() < self._until else "trying"

    def admits(self) -> int:
        """Return the number of a call that may pass, or 0; after a rest, one call is a trial."""
        state = self.state
        tries = state == "trying" and not self._trial
        if not tries and state != "closed":
            return 0
        self._calls += 1
        self._trial = self._calls if tries else self._trial
        return self._calls

    def abandon(self, call: int) -> None:
        """Forget a call that was admitted but never sent; if it was the trial, another may be."""
        self._trial = 0 if call == self._trial else self._trial

    def succeeded(self) -> None:
        """Close it: the provider answers."""
        self._faults, self._rest, self._trial = 0, self._first_rest, 0

    def failed(self, call: int, sent: float | None = None) -> None:
        """Count a fault, once for calls under way together; enough consecutive ones open it."""
        is_late = self._faults >= self._most and call != self._trial
        if is_late or (sent is not None and sent <= self._failed_at):
            return
        self._trial = 0
        self._faults += 1
        self._failed_at = self._clock()
        if self._faults >= self._most:
            self._until = self._failed_at + self._rest
            self._rest = min(2 * self._rest, self._longest)

    def end(self, reason: str) -> None:
        """Turn it off for the rest of the run."""
        self.reason = self.reason or reason


class ReplyRoom:
    """Extra tokens granted to replies, learned from replies that were cut off.

    Models that think first need some, and often write nothing else before they are cut. A reply cut
    in its text gets only the first step. Room that never helped is withdrawn for good.
    """

    _FIRST, _STEP, _MOST = 500, 4, 8000

    def __init__(self) -> None:
        self.tokens = 0  # extra tokens of the next reply: 0, 500, 2,000 or 8,000
        self._most = self._MOST
        self._has_helped = False

    def below(self, room: int) -> int:
        """Return the next smaller step, for a server that refuses ``room`` tokens."""
        return room // self._STEP if room > self._FIRST else 0

    def answered(self, room: int, limit: int) -> None:
        """Record that a reply was complete; the server accepts at most ``limit`` tokens."""
        self._most = min(self._most, limit)
        self.tokens = min(self.tokens, self._most)
        self._has_helped |= room > 0

    def cut(self, room: int, limit: int, text: str) -> bool:
        """Record that a reply was cut off after this text; return whether there is more room."""
        self.answered(0, limit)
        if room == self.tokens:  # otherwise another reply was cut meanwhile
            more = self._STEP * room or self._FIRST
            if more <= self._most and not (room and text):
                self.tokens = more
            elif not self._has_helped:
                self._most = self.tokens = 0
        return self.tokens > room
