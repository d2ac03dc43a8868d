"""Threads: number of workers, a shared cache, and interrupting a plugin that hangs.

Saving and verifying hash a file in blocks of 1 MiB on all workers; a platform computes feeds and
acts in chunks of a few thousand viewers. The rest of a tick runs in one thread, and results of
workers are joined in order, so they do not depend on the number of workers. Engine threads yield
to the screen's thread by priority (``nice``) if there are few cores.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Generic, TypeVar

S = TypeVar("S")
T = TypeVar("T")
V = TypeVar("V")


class BoundedCache(Generic[V]):
    """A cache of values by key; when it is full, all entries are dropped.

    Values in use stay valid, and concurrent readers are safe: no entry is removed from a dictionary
    that another thread may be reading.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[Hashable, V] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """Return the cached value of a key, or cache and return the result of ``make``.

        Two threads may both call ``make`` at once; both get the same value.
        """
        held = self._held
        if key in held:
            return held[key]  # no entry is ever removed from a shared dictionary
        made = make()
        with self._lock:
            if key not in self._held and len(self._held) >= self._most:
                self._held = {}
            return self._held.setdefault(key, made)


_allowed: list[int] = []
_open: dict[int, interruptible] = {}
_striking = threading.Lock()
_LOOKS = 1_000
"""Loop iterations in which Python raises a pending exception; usually in the first."""


def allow(count: int | None) -> None:
    """Set the number of workers of the whole process."""
    _allowed[:] = [] if count is None else [max(1, count)]


def workers() -> int:
    """Return the number of threads that may compute at once, at least 1."""
    return _allowed[0] if _allowed else os.cpu_count() or 1


def in_threads(work: Callable[[S], T], parts: Iterable[S], threads: int) -> list[T]:
    """Return ``work(part)`` for each part, in order, using ``threads`` threads."""
    todo = list(parts)
    if threads == 1 or len(todo) < 2:
        return [work(part) for part in todo]
    with ThreadPoolExecutor(min(threads, len(todo)), "worker") as pool:
        return list(pool.map(work, todo))


class Stalled(BaseException):
    """Raised by :func:`interrupt` in a plugin that did not return."""

    def __init__(self, said: str = "it did not return and was stopped") -> None:
        super().__init__(said)


class interruptible:  # noqa: N801 - read as a verb
    """A block that another thread may interrupt; the exception is raised inside it, never after.

    Python raises such an exception with a delay, wherever the thread is by then. So an interrupted
    block does not end before the exception was raised.
    """

    __slots__ = ("is_struck", "outer", "thread")

    def __enter__(self) -> None:
        self.is_struck, self.thread = False, threading.get_ident()
        outer = _open.get(self.thread)
        while outer is not None and outer.is_struck:  # a struck one may have ended
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
        with _striking:  # no interrupts from here on
            is_struck = self.is_struck
        if is_struck and not isinstance(error, Stalled):
            for _ in range(_LOOKS):
                pass
            raise Stalled


def open_block(thread: int | None) -> interruptible | None:
    """Return the innermost interruptible block of a thread, or None."""
    return _open.get(thread or 0)


def interrupt(block: interruptible) -> bool:
    """Raise :class:`Stalled` in a block, once; return False if it has ended or was interrupted."""
    with _striking:
        if block.is_struck or _open.get(block.thread) is not block:
            return False
        block.is_struck = True
        _raise_in(block.thread, Stalled)
        return True


def _raise_in(thread: int, error: type[BaseException]) -> None:
    """Make Python raise an error in a thread, at its next call or loop iteration.

    It is never withdrawn: Python 3.11 would keep checking for it, and a traced function would never
    start.
    """
    raised = ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)


BEHIND = 5
"""Increase of ``nice`` for computing threads."""

_wanted = False


def answers_first(*, on: bool = True) -> None:
    """Make engines that start from now on yield to the thread that draws and handles input.

    The system treats busy and idle threads alike, so that with few processors a key press waits
    for ticks. Only Linux supports priorities of single threads.
    """
    global _wanted
    _wanted = on


def give_way() -> None:
    """Lower the priority, if enabled, of this thread and of those it starts from now on.

    A thread with a lower priority already, as in a program under ``nice``, keeps it.
    """
    if _wanted and sys.platform == "linux":
        own = threading.get_native_id()
        with suppress(OSError):  # not permitted on some systems
            if os.getpriority(os.PRIO_PROCESS, own) < BEHIND:
                os.setpriority(os.PRIO_PROCESS, own, BEHIND)
