"""Resource limits on rows of untrusted files: total bytes and query time.

The pages of a file made to harm may lead into each other again and again, so that a few kilobytes
seem to be gigabytes of rows.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["DamagedError", "Deadline", "Room", "bounded", "room_of"]

ROW_BYTES = 16


class DamagedError(Exception):
    """What a file says does not fit together; the text is one clause."""


class Deadline:
    """Stops a query that takes too long; a progress handler of SQLite.

    Parameters
    ----------
    seconds
        What a query may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.restart()

    def restart(self) -> None:
        """Give it the whole time again."""
        self._end = time.monotonic() + self._seconds

    def cut(self) -> None:
        """Let it be over: nobody waits for the query any more."""
        self._end = -math.inf

    def __call__(self) -> bool:
        """Return whether it is over."""
        return time.monotonic() > self._end


class Room:
    """What rows may take; counts each that is read.

    Parameters
    ----------
    size
        Bytes of the file, or what is left of them.
    """

    def __init__(self, size: int) -> None:
        self._left = size

    def take(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """Count a row, and return it.

        Raises
        ------
        DamagedError
            When there is no room for it.
        """
        self._left -= ROW_BYTES + sum(len(each) for each in row if isinstance(each, (str, bytes)))
        if self._left < 0:
            raise DamagedError("its rows claim to be larger than the file")
        return row


def bounded(rows: Iterable[tuple[Any, ...]], room: int) -> Iterator[tuple[Any, ...]]:
    """Yield rows as long as they fit into a file of ``room`` bytes.

    Raises
    ------
    DamagedError
        When there are more.
    """
    return map(Room(room).take, rows)


def room_of(path: Path) -> int:
    """Return the bytes of a database and its log now: no rows of a query can be larger."""
    beside = (path, path.with_name(f"{path.name}-wal"))
    return sum(each.stat().st_size for each in beside if each.exists())
