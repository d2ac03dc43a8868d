""":class:`PerTick`: copy-on-write rows by tick; old ticks lie in scratch files."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.core.scratch import ScratchFiles

__all__ = ["Chains", "PerTick"]

Row = npt.NDArray[Any]

SETTLED = 64
"""Ticks in a part that changes no more; twice as many are kept as they come."""


_AT_HAND = 64
"""Parts in memory; further ones lie in a scratch file."""


class _SettledRows(NamedTuple):
    """Settled rows, in order of their ticks, int64 (k,)."""

    first: int
    ticks: Row
    rows: Row


class PerTick:
    """Rows by tick, of which all but the newest are shared by whoever copies them.

    Parameters
    ----------
    width, dtype
        Of a row.

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
        self._state: tuple[tuple[_SettledRows, ...], dict[int, Row]] = ((), {})

    def put(self, tick: int, row: Row) -> None:
        """Write the row of a tick, over the one it has."""
        parts, newest = self._state
        if parts and tick <= int(parts[-1].ticks[-1]):
            parts, newest = (), dict(self)  # something settled changes
        newest[tick] = row
        self._state = (parts, newest)
        if len(newest) > 2 * SETTLED:
            self._settle()

    def _settle(self) -> None:
        parts, newest = self._state
        ticks = sorted(newest)
        while len(ticks) > 2 * SETTLED:
            old, ticks = ticks[:SETTLED], ticks[SETTLED:]
            rows = np.array([newest[tick] for tick in old], self._dtype)
            where = np.array(old, np.int64)
            if len(parts) >= _AT_HAND:
                where, rows = self._spill.moved(where), self._spill.moved(rows)
            parts = (*parts, _SettledRows(old[0], where, rows))
        self._state = (parts, {tick: newest[tick] for tick in ticks})

    def get(self, tick: int) -> Row | None:
        """Return the row of a tick; None where it has none."""
        parts, newest = self._state
        if (row := newest.get(tick)) is not None:
            return row
        place = bisect_right(parts, tick, key=lambda part: part.first) - 1
        if place < 0:
            return None
        part = parts[place]
        at = int(np.searchsorted(part.ticks, tick))
        there = at < part.ticks.size and int(part.ticks[at]) == tick
        return np.array(part.rows[at]) if there else None

    def last(self) -> Row | None:
        """Return the row of the last tick; None without one."""
        newest = self._state[1]
        return newest[max(newest)] if newest else None

    def copy(self) -> PerTick:
        """Return rows that do not change with these."""
        twin = PerTick(self._width, self._dtype)
        parts, newest = self._state
        twin._spill, twin._state = self._spill, (parts, dict(newest))
        return twin

    def columns(self) -> tuple[npt.NDArray[np.int64], Row]:
        """Return the ticks, int64 (k,), rising, and their rows, (k, width)."""
        parts, newest = self._state
        held = list(newest.items())  # at one go: the engine may add to it
        held.sort(key=lambda each: each[0])
        ticks = [part.ticks for part in parts] + [np.array([at for at, _ in held], np.int64)]
        own = np.array([row for _, row in held], self._dtype).reshape(len(held), self._width)
        return np.concatenate(ticks), np.concatenate([*(part.rows for part in parts), own])

    def take(self, ticks: Iterable[int], rows: Iterable[Row]) -> None:
        """Write many rows."""
        for tick, row in zip(ticks, rows, strict=True):
            self.put(tick, row.copy())

    def __iter__(self) -> Iterator[tuple[int, Row]]:
        ticks, rows = self.columns()
        return zip(ticks.tolist(), rows, strict=True)

    def __len__(self) -> int:
        parts, newest = self._state
        return sum(part.ticks.size for part in parts) + len(newest)


class Chains(Mapping[int, bytes]):
    """What each tick was sealed with, 16 bytes, by tick, rising.

    Parameters
    ----------
    rows
        uint8 (ticks, 16).
    """

    def __init__(self, rows: PerTick) -> None:
        self._rows = rows

    def __getitem__(self, tick: int) -> bytes:
        row = self._rows.get(tick)
        if row is None:
            raise KeyError(tick)
        return row.tobytes()

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows.columns()[0].tolist())

    def values(self) -> Any:
        """Return all of them, in order."""
        return [row.tobytes() for row in self._rows.columns()[1]]

    def __len__(self) -> int:
        return len(self._rows)
