"""Bounded rows of a file that nobody vouches for: never more than the file can hold.

The pages of a file made to harm may lead into each other again and again, so that a few kilobytes
seem to be gigabytes of rows.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

__all__ = ["DamagedError", "Deadline", "bounded"]

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

    def __call__(self) -> bool:
        """Return whether it is over."""
        return time.monotonic() > self._end


def bounded(rows: Iterable[tuple[Any, ...]], room: int) -> Iterator[tuple[Any, ...]]:
    """Yield rows as long as they fit into a file of ``room`` bytes.

    Raises
    ------
    DamagedError
        When there are more.
    """
    for row in rows:
        room -= ROW_BYTES + sum(len(each) for each in row if isinstance(each, (str, bytes)))
        if room < 0:
            raise DamagedError("its rows claim to be larger than the file")
        yield row
