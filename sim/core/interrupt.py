"""The interrupt of another thread: it ends what runs there, at its next line of Python."""

from __future__ import annotations

import ctypes

__all__ = ["Stalled", "interrupt"]


class Stalled(BaseException):
    """Raised in the engine's thread, inside a plugin that did not come back."""

    def __init__(self, said: str = "it did not come back, and was stopped") -> None:
        super().__init__(said)


def interrupt(thread: int | None) -> None:
    """Raise :class:`Stalled` in a thread, at its next line of Python."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread or 0), ctypes.py_object(Stalled)
    )
