"""The number of threads that may compute at once, for whatever divides its work among threads.

Saving and verifying hash a file by its MiB on all of them; a platform makes feeds, and lets members
act on them, a few thousand viewers at a time. All else of a tick runs in one thread, and what
threads made is joined in order: results do not depend on this number.
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
