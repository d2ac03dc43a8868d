"""Threads: how many may compute at once, and the interrupt of one that has to end.

Saving and verifying hash a file by its MiB on all of them; a platform makes feeds, and lets members
act on them, a few thousand viewers at a time. All else of a tick runs in one thread, and what
threads made is joined in order: results do not depend on this number.
"""

from __future__ import annotations

import ctypes
import os

__all__ = ["Stalled", "allow", "interrupt", "workers"]

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


class Stalled(BaseException):
    """Raised in the engine's thread, inside a plugin that did not come back."""

    def __init__(self, said: str = "it did not come back, and was stopped") -> None:
        super().__init__(said)


def interrupt(thread: int | None) -> None:
    """Raise :class:`Stalled` in a thread, at its next line of Python."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread or 0), ctypes.py_object(Stalled)
    )
