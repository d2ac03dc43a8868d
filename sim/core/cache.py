"""A bounded cache of values made once for each key, shared by all threads of the process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class BoundedCache(Generic[V]):
    """Values by key, at most so many: then all of them are forgotten and made again.

    Whoever has one keeps it, and whoever asks meanwhile gets one: nothing is taken away from under
    a reader.

    Examples
    --------
    >>> kept = BoundedCache(2)
    >>> kept.get("a", lambda: 1), kept.get("a", lambda: 2), len(kept)
    (1, 1, 1)
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[Hashable, V] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """Return what is kept under a key, else what ``make`` returns, which is kept from now on.

        Two threads that ask at once may both make it; both get the same one.
        """
        held = self._held
        if key in held:
            return held[key]  # nothing is ever removed from a dictionary that others may have
        made = make()
        with self._lock:
            if key not in self._held and len(self._held) >= self._most:
                self._held = {}
            return self._held.setdefault(key, made)
