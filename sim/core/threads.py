"""Threads: how many may compute at once, what they share, and the interrupt of one that hangs.

Saving and verifying hash a file by its MiB on all of them; a platform makes feeds, and lets members
act on them, a few thousand viewers at a time. All else of a tick runs in one thread, and what
threads made is joined in order: results do not depend on this number. Engine threads yield to the
screen's by their priority (``nice``) where cores are few.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from types import TracebackType
from typing import Generic, TypeVar

V = TypeVar("V")


class BoundedCache(Generic[V]):
    """Values by key, at most so many: then all of them are forgotten and made again.

    Whoever has one keeps it, and whoever asks meanwhile gets one: nothing is taken away from under
    a reader.
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


_allowed: list[int] = []
_open: dict[int, interruptible] = {}
_striking = threading.Lock()
_LOOKS = 1_000
"""Turns of a loop, in any of which Python raises what it was told to; the first would do."""


def allow(count: int | None) -> None:
    """Set the number for the whole process."""
    _allowed[:] = [] if count is None else [max(1, count)]


def workers() -> int:
    """Return how many threads may compute at once, at least 1."""
    return _allowed[0] if _allowed else os.cpu_count() or 1


class Stalled(BaseException):
    """Raised by :func:`interrupt`, in a plugin that did not come back."""

    def __init__(self, said: str = "it did not return and was stopped") -> None:
        super().__init__(said)


class interruptible:  # noqa: N801 - read as a verb
    """A block that another thread may interrupt: the exception rises in it, and never behind it.

    Python raises such an exception some time after it is told to, wherever the thread is by then.
    So a block that was struck does not end before the exception has risen.
    """

    __slots__ = ("is_struck", "outer", "thread")

    def __enter__(self) -> None:
        self.is_struck, self.thread = False, threading.get_ident()
        outer = _open.get(self.thread)
        while outer is not None and outer.is_struck:  # it may have ended where it was struck last
            outer = outer.outer
        self.outer: interruptible | None = outer
        _open[self.thread] = self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.outer is None:
            _open.pop(self.thread, None)
        else:
            _open[self.thread] = self.outer
        with _striking:  # from here on nobody strikes
            is_struck = self.is_struck
        if is_struck and not isinstance(error, Stalled):
            for _ in range(_LOOKS):
                pass
            raise Stalled


def open_block(thread: int | None) -> interruptible | None:
    """Return the innermost interruptible block that a thread is in; None: it is in none."""
    return _open.get(thread or 0)


def interrupt(block: interruptible) -> bool:
    """Raise :class:`Stalled` in a block, once; return False where it has ended, or was struck."""
    with _striking:
        if block.is_struck or _open.get(block.thread) is not block:
            return False
        block.is_struck = True
        _raise_in(block.thread, Stalled)
        return True


def _raise_in(thread: int, error: type[BaseException]) -> None:
    """Have Python raise an error in a thread, at its next call or turn of a loop.

    It is never taken back: Python 3.11 then keeps looking for it, and a traced function that is
    called never begins.
    """
    raised = ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)


BEHIND = 5
"""By how much threads that compute step back, on the scale of ``nice``."""

_wanted = False


def answers_first(*, on: bool = True) -> None:
    """Let engines that start from now on step back behind the thread that draws and answers.

    A thread that was asked for much, and one that was asked for little, are alike to the system;
    on few processors a key then waits for ticks. Linux alone knows a priority of single threads.
    """
    global _wanted
    _wanted = on


def give_way() -> None:
    """Step back, where that is wanted: this thread, and those that it starts from now on.

    One that is further back already, as all of a program under ``nice`` are, stays there.
    """
    if _wanted and sys.platform == "linux":
        own = threading.get_native_id()
        with suppress(OSError):  # a system that forbids it goes on as it was
            if os.getpriority(os.PRIO_PROCESS, own) < BEHIND:
                os.setpriority(os.PRIO_PROCESS, own, BEHIND)
