"""The acknowledgement queue: who waits to hear that an entry is on the disk, in order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

__all__ = ["AckQueue", "Tell"]

Tell = Callable[[Exception | None], object]


class AckQueue:
    """Those who wait for entries to become durable; used by any thread.

    Parameters
    ----------
    durable
        The last entry on the disk.

    Attributes
    ----------
    durable
        As it is now.
    """

    def __init__(self, durable: int) -> None:
        self.durable = durable
        self._lock = threading.Lock()
        self._queue: deque[tuple[int, Tell]] = deque()
        self._error: Exception | None = None

    def __len__(self) -> int:
        return len(self._queue)

    def when(self, number: int, tell: Tell) -> None:
        """Call ``tell(None)`` once an entry is on the disk: now, or in the journal's thread.

        In the order of the calls; with an error when it never will be.
        """
        with self._lock:
            if self._error is None and (self.durable < number or self._queue):
                self._queue.append((number, tell))
                return
            error = self._error if self.durable < number else None
        tell(error)

    def came(self, number: int) -> None:
        """Say that an entry is on the disk."""
        with self._lock:
            self.durable = number
        self._tell()

    def ended(self, error: Exception) -> None:
        """Say that no further entry will be."""
        with self._lock:
            self._error = error
        self._tell()

    def _tell(self) -> None:
        while True:
            with self._lock:
                if not self._queue or (self._error is None and self._queue[0][0] > self.durable):
                    return
                number, tell = self._queue.popleft()
                error = self._error if number > self.durable else None
            tell(error)
