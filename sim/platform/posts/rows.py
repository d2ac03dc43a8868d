"""Row queues: growable arrays with appends at the end and removals at the front."""

from __future__ import annotations

import mmap
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["RowQueue"]

_MOVED = 1 << 16
"""Rows that are moved at once; those behind them are given back before the next."""
_LEAST = 1024
_ROOM = 4
"""How many times the rows there are a new room holds."""
_LARGE = 1 << 22
"""Bytes from which the system may use large pages, as numpy lets it."""


class RowQueue:
    """A table with a number of columns of one kind; each row begins where its width divides.

    Room to grow is asked for amply, but takes no memory before rows are written there, and what
    rows took that were dropped is given back at once. So rows stand still until the room is used
    up; then they move into another, a block at a time, and there is never a second copy of all.

    Parameters
    ----------
    width, kind
        Columns, and what they hold.
    large
        Whether the system may use large pages: for rows that are read here and there, and are
        written all of them.
    """

    def __init__(self, width: int, kind: npt.DTypeLike, *, large: bool = False) -> None:
        self._width, self._kind, self._large = width, np.dtype(kind), large
        self._size = width * self._kind.itemsize
        self._held, self._rows = self._room(0)
        self._begin = self._end = self._given = 0

    def __len__(self) -> int:
        return self._end - self._begin

    @property
    def live(self) -> npt.NDArray[Any]:
        """The rows there are, (rows, width); they can be written."""
        return self._rows[self._begin : self._end]

    @property
    def nbytes(self) -> int:
        """Bytes of memory that rows may have been written to."""
        return self._end * self._size - self._given

    def extend(self, count: int) -> npt.NDArray[Any]:
        """Return so many new rows at the end, of zeros; they take memory as they are written."""
        if self._end + count > len(self._rows):
            needed = len(self) + count
            self._move(max(_LEAST, _ROOM * needed), needed + needed // 4)
        self._end += count
        return self._rows[self._end - count : self._end]

    def drop(self, count: int) -> None:
        """Take rows off the front."""
        self._begin += count
        self._given = max(self._given, self._give_back(self._held, self._given, self._begin))

    def copied(self, kind: npt.DTypeLike) -> RowQueue:
        """Return the same rows, of another kind."""
        rows = RowQueue(self._width, kind, large=self._large)
        rows.extend(len(self))[:] = self.live
        return rows

    def _move(self, room: int, least: int) -> None:
        """Move all rows to the front of another room, of ``least`` where there is no more."""
        held, old, given, live = self._held, self._rows, self._given, len(self)
        try:
            self._held, self._rows = self._room(room)
        except MemoryError:  # a system that promises no more than it has
            self._held, self._rows = self._room(least)
        for at in range(0, live, _MOVED):
            block = old[self._begin + at : min(self._begin + at + _MOVED, self._end)]
            self._rows[at : at + len(block)] = block
            given = max(given, self._give_back(held, given, self._begin + at + len(block)))
        self._begin, self._end, self._given = 0, live, 0

    def _give_back(self, held: mmap.mmap, given: int, stop: int) -> int:
        """Give back the whole pages before a row, from a byte on; returns up to which byte."""
        high = stop * self._size // mmap.PAGESIZE * mmap.PAGESIZE
        if high > given and hasattr(held, "madvise"):
            held.madvise(mmap.MADV_DONTNEED, given, high - given)
        return high

    def _room(self, rows: int) -> tuple[mmap.mmap, npt.NDArray[Any]]:
        """Return memory for so many rows, and a view of it."""
        size = max(rows * self._size, 1)
        try:
            held = mmap.mmap(-1, size, **_OWN)
        except OSError:
            raise MemoryError(f"Unable to allocate {size:,} bytes for messages.") from None
        if self._large and size >= _LARGE and hasattr(mmap, "MADV_HUGEPAGE"):
            with suppress(OSError):
                held.madvise(mmap.MADV_HUGEPAGE)
        flat = np.frombuffer(held, self._kind, count=rows * self._width)
        return held, flat.reshape(rows, self._width)


_OWN: dict[str, int] = (
    {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
)
"""A process that forks keeps its own."""
