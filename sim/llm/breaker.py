"""When to leave a provider alone for a while, or for the rest of the run."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

__all__ = ["Breaker"]


class Breaker:
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
        self._until = 0.0
        self._trying = False
        self.reason = ""

    @property
    def state(self) -> str:
        """``"closed"`` (calls pass), ``"open"``, ``"trying"`` (one call passes) or ``"off"``."""
        if self.reason:
            return "off"
        if self._faults < self._most:
            return "closed"
        return "open" if self._clock() < self._until else "trying"

    def admits(self) -> bool:
        """Return whether a call may pass; of those that come after a rest, one tries."""
        state = self.state
        if state == "trying" and not self._trying:
            self._trying = True
            return True
        return state == "closed"

    def abandon(self) -> None:
        """Forget a call that was let pass and never sent."""
        self._trying = False

    def succeeded(self) -> None:
        """Close it: the provider answers."""
        self._faults, self._rest, self._trying = 0, self._first_rest, False

    def failed(self) -> None:
        """Count a fault; enough in a row, or one while trying, open it."""
        self._trying = False
        self._faults += 1
        if self._faults >= self._most:
            self._until = self._clock() + self._rest
            self._rest = min(2 * self._rest, self._longest)

    def end(self, reason: str) -> None:
        """Turn it off for the rest of the run."""
        self.reason = self.reason or reason
