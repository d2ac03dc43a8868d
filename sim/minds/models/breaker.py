"""The circuit breaker: when to leave a provider alone for a while, or for the rest of the run."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from time import monotonic

__all__ = ["CircuitBreaker"]


class CircuitBreaker:
    """One (provider, model): closed, open for a while after faults in a row, or off for good.

    Parameters
    ----------
    faults
        Faults in a row that open it.
    rest
        Seconds it stays open at first; doubles each time up to ``longest``.
    longest
        Seconds it stays open at most.
    clock
        Seconds that never go back.
    """

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
        self._trial = 0  # the call that tries; 0: none does
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
        """Return the number of a call that may pass, else 0; of those after a rest, one tries."""
        state = self.state
        tries = state == "trying" and not self._trial
        if not tries and state != "closed":
            return 0
        self._calls += 1
        self._trial = self._calls if tries else self._trial
        return self._calls

    def abandon(self, call: int) -> None:
        """Forget a call that was let pass and never sent; if it tried, another one may."""
        self._trial = 0 if call == self._trial else self._trial

    def succeeded(self) -> None:
        """Close it: the provider answers."""
        self._faults, self._rest, self._trial = 0, self._first_rest, 0

    def failed(self, call: int, sent: float | None = None) -> None:
        """Count a fault; enough in a row, or one while trying, open it.

        Calls that were under way together meet the same trouble, and count once.

        Parameters
        ----------
        call
            Its number; while it rests, or one tries, only that of the one that tries counts.
        sent
            The moment of its request, by the clock: before the last fault it tells nothing new.
            None: it counts in any case.
        """
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
