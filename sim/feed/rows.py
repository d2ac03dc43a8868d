"""Rows that come at the end and go at the front, in no more memory than those there are need."""

from __future__ import annotations

import mmap
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Rows"]

_MOVED = 1 << 16
"""Rows that are moved at once; those behind them are given back before the next."""
_LEAST = 1024
_LARGE = 1 << 22
"""Bytes from which the system may use large pages, as numpy lets it."""


class Rows:
    """A table with a number of columns of one kind; each row begins where its width divides.

    Room to grow is asked for amply, but takes no memory before rows are written there. Rows move
    to the front of it a block at a time, and what a block took is given back before the next is
    moved: there is never a second copy of all.

    Parameters
    ----------
    width, kind
        Columns, and what they hold.
    """

    def __init__(self, width: int, kind: npt.DTypeLike) -> None:
        self._width, self._kind = width, np.dtype(kind)
        self._held, self._rows = self._room(0)
        self._begin = self._end = self._most = 0

    def __len__(self) -> int:
        return self._end - self._begin

    @property
    def live(self) -> npt.NDArray[Any]:
        """The rows there are, (rows, width); they can be written."""
        return self._rows[self._begin : self._end]

    @property
    def nbytes(self) -> int:
        """Bytes of memory that rows were written to."""
        return self._most * self._width * self._kind.itemsize

    def extend(self, count: int) -> npt.NDArray[Any]:
        """Return so many new rows at the end, of zeros."""
        live = len(self)
        if self._end + count > len(self._rows):
            roomy = live + count > len(self._rows) // 2
            self._move(max(_LEAST, 2 * (live + count)) if roomy else len(self._rows))
        elif self._begin > max(_LEAST, live // 8):
            self._move(len(self._rows))
        fresh = self._rows[self._end : self._end + count]
        fresh[:] = 0
        self._end += count
        self._most = max(self._most, self._end)
        return fresh

    def drop(self, count: int) -> None:
        """Take rows off the front."""
        self._begin += count

    def copied(self, kind: npt.DTypeLike) -> Rows:
        """Return the same rows, of another kind."""
        rows = Rows(self._width, kind)
        rows.extend(len(self))[:] = self.live
        return rows

    def _move(self, room: int) -> None:
        """Move all rows to the front of the room, or of a larger one."""
        held, old, live = self._held, self._rows, len(self)
        wider = room > len(old)
        if wider:
            self._held, self._rows = self._room(room)
        for at in range(0, live, _MOVED):
            block = old[self._begin + at : min(self._begin + at + _MOVED, self._end)]
            self._rows[at : at + len(block)] = block
            if wider:
                self._give_back(held, self._begin + at, len(block))
        if not wider:
            self._give_back(held, live, self._end - live)
        self._begin, self._end = 0, live
        self._most = live

    def _give_back(self, held: mmap.mmap, first: int, count: int) -> None:
        """Give back the memory of rows that nobody reads any more: whole pages of it."""
        size, page = self._width * self._kind.itemsize, mmap.PAGESIZE
        low, high = -(-first * size // page) * page, (first + count) * size // page * page
        if high > low and hasattr(held, "madvise"):
            held.madvise(mmap.MADV_DONTNEED, low, high - low)

    def _room(self, rows: int) -> tuple[mmap.mmap, npt.NDArray[Any]]:
        """Return memory for so many rows, and a view of it."""
        size = max(rows * self._width * self._kind.itemsize, 1)
        held = mmap.mmap(-1, size, **_OWN)
        if size >= _LARGE and hasattr(mmap, "MADV_HUGEPAGE"):
            with suppress(OSError):
                held.madvise(mmap.MADV_HUGEPAGE)
        flat = np.frombuffer(held, self._kind, count=rows * self._width)
        return held, flat.reshape(rows, self._width)


_OWN: dict[str, int] = (
    {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
)
"""A process that forks keeps its own."""
