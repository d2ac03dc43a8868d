"""How many threads may compute at once, for whatever divides its work among threads.

Saving and verifying hash a file by its MiB on all of them. Ticks run in one thread, so results do
not depend on this number; kernels that numba divides take it too, should a plugin have some.
"""

from __future__ import annotations

import os

__all__ = ["allow", "workers"]

_allowed: list[int] = []


def allow(count: int | None) -> None:
    """Set the number for the whole process.

    Parameters
    ----------
    count
        At least 1; None: one a core.
    """
    _allowed[:] = [] if count is None else [max(1, count)]


def workers() -> int:
    """Return how many threads may compute at once, at least 1."""
    return _allowed[0] if _allowed else os.cpu_count() or 1
