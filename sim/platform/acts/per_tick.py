""":class:`PerTick`: a row for each tick that a world ever had, which copies of the world share.

Rows of old ticks lie one behind the other, of many ticks in a scratch file. There they are only
added to, so a copy of the world that sees fewer of them costs nothing, and a save reads them as
they lie: an hour of play has tens of thousands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.scratch import ScratchFiles

Row = npt.NDArray[Any]

SETTLED = 64
"""Rows that settle together; so many stay behind, as they may change."""

_FEWEST = 4 * SETTLED
_IN_MEMORY = 1 << 20
"""Bytes of rows up to which they stay in memory."""

_adding = Lock()


class _SettledRows:
    """Rows in order of their ticks. One that was written stays as it is."""

    def __init__(
        self, width: int, dtype: np.dtype[Any], spill: ScratchFiles, room: int = _FEWEST
    ) -> None:
        self._spill = spill
        size = room * width * dtype.itemsize
        if size <= _IN_MEMORY:
            self.ticks, self.rows = np.empty(room, np.int64), np.empty((room, width), dtype)
        else:
            self.ticks = spill.empty(room, np.int64)
            self.rows = spill.empty(room * width, dtype).reshape(room, width)
        self._taken = 0

    def followed_by(self, count: int, ticks: Row, rows: Row) -> _SettledRows:
        """Return rows of which so many are the first of these, and then come others.

        They are these where nobody else went on from there, or just so.
        """
        stop = count + ticks.size
        with _adding:
            there = slice(count, min(stop, self._taken))
            known = max(there.stop - count, 0)
            is_so = np.array_equal(self.ticks[there], ticks[:known]) and np.array_equal(
                self.rows[there], rows[:known]
            )
            if is_so and stop <= self.ticks.size:
                self.ticks[count + known : stop] = ticks[known:]
                self.rows[count + known : stop] = rows[known:]
                self._taken = max(self._taken, stop)
                return self
        room = max(_FEWEST, 2 * stop)
        others = _SettledRows(self.rows.shape[1], self.rows.dtype, self._spill, room)
        others.ticks[:count], others.rows[:count] = self.ticks[:count], self.rows[:count]
        others._taken = count
        return others.followed_by(count, ticks, rows)


class PerTick:
    """Rows by tick, of which all but the newest are shared by whoever copies them.

    Examples
    --------
    >>> counts = PerTick(2, np.int64)
    >>> for tick in range(1000):
    ...     counts.put(tick, np.array([tick, 1]))
    >>> twin = counts.copy()
    >>> counts.put(1000, np.array([0, 0]))
    >>> len(twin), twin.get(7).tolist(), twin.get(1000) is None
    (1000, [7, 1], True)
    """

    def __init__(self, width: int, dtype: npt.DTypeLike) -> None:
        self._width, self._dtype = width, np.dtype(dtype)
        self._spill = ScratchFiles()
        self._state = self._without()

    def _without(self) -> tuple[_SettledRows, int, dict[int, Row]]:
        return _SettledRows(self._width, self._dtype, self._spill), 0, {}

    def put(self, tick: int, row: Row) -> None:
        """Write the row of a tick, over the one it has."""
        settled, count, newest = self._state
        if count and tick <= int(settled.ticks[count - 1]):  # something settled changes
            every = dict(self)
            settled, count, newest = self._without()
            newest |= every
        newest[tick] = row
        self._state = (settled, count, newest)
        if len(newest) > 2 * SETTLED:
            self._settle()

    def _settle(self) -> None:
        settled, count, newest = self._state
        ticks = sorted(newest)
        old = ticks[:-SETTLED]
        rows = np.array([newest[tick] for tick in old], self._dtype)
        settled = settled.followed_by(count, np.array(old, np.int64), rows)
        rest = {tick: newest[tick] for tick in ticks[-SETTLED:]}
        self._state = (settled, count + len(old), rest)

    def get(self, tick: int) -> Row | None:
        """Return the row of a tick; None where it has none."""
        settled, count, newest = self._state
        if (row := newest.get(tick)) is not None:
            return row
        at = int(np.searchsorted(settled.ticks[:count], tick))
        there = at < count and int(settled.ticks[at]) == tick
        return np.array(settled.rows[at]) if there else None

    def last(self) -> Row | None:
        """Return the row of the last tick; None without one."""
        newest = self._state[2]
        return newest[max(newest)] if newest else None

    def since(self, tick: int) -> list[int]:
        """Return the ticks behind one that have a row, rising."""
        settled, count, newest = self._state
        old = settled.ticks[:count]
        behind: list[int] = old[np.searchsorted(old, tick, "right") :].tolist()
        return behind + sorted(at for at in list(newest) if at > tick)

    def copy(self) -> PerTick:
        """Return rows that do not change with these."""
        settled, count, newest = self._state
        twin = copy(self)
        vars(twin).update(_state=(settled, count, dict(newest)))
        return twin

    def columns(self) -> tuple[npt.NDArray[np.int64], Row]:
        """Return the ticks, int64 (k,), rising, and their rows, (k, width), read-only.

        Nothing is copied unless it changed since it was asked for last.
        """
        settled, count, newest = self._state
        held = list(newest.items())  # at one go: the engine may add to it
        held.sort(key=lambda each: each[0])
        ticks = np.array([at for at, _ in held], np.int64)
        rows = np.array([row for _, row in held], self._dtype).reshape(len(held), self._width)
        settled, count = settled.followed_by(count, ticks, rows), count + len(held)
        found = settled.ticks[:count], settled.rows[:count]
        for column in found:
            column.flags.writeable = False
        return found

    def take(self, ticks: Iterable[int], rows: Iterable[Row]) -> None:
        """Write many rows."""
        for tick, row in zip(ticks, rows, strict=True):
            self.put(tick, row.copy())

    def __iter__(self) -> Iterator[tuple[int, Row]]:
        ticks, rows = self.columns()
        return zip(ticks.tolist(), rows, strict=True)

    def __len__(self) -> int:
        _, count, newest = self._state
        return count + len(newest)
