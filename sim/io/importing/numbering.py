""":class:`Numbering`: external integer ids to indices 0..n-1, by order of appearance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.errors import CapacityError
from sim.io.importing.scan_kernels import intern, rehash
from sim.network.generate.generators_kernels import relabel

__all__ = ["Numbering"]

Words = npt.NDArray[np.uint32]
Longs = npt.NDArray[np.int64]

_FIRST = 1 << 16
_MOST = 1 << 31
_CHUNK = 1 << 22


class Numbering:
    """Integer ids met so far, each with a number in order of appearance."""

    def __init__(self) -> None:
        self._ids: Longs = np.empty(_FIRST // 2, np.int64)
        self._keys: Longs = np.empty(_FIRST, np.int64)
        self._slots: Words = np.zeros(_FIRST, np.uint32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def number(self, values: Longs) -> Words:
        """Return the numbers of some ids, uint32 of their shape; new ids get the next ones."""
        numbers = np.empty(values.size, np.uint32)
        place = 0
        while True:
            place, self._count = intern(
                values, place, values.size, self._count, self._ids, self._keys, self._slots, numbers
            )
            if place == values.size:
                return numbers
            self._grow()

    def in_order(self, columns: list[Words]) -> Longs:
        """Renumber by rising id, in place in ``columns``; return the ids int64 (n,), rising."""
        ids = self._ids[: self._count]
        order = np.argsort(ids, kind="stable")
        ranks = np.empty(self._count, np.uint32)
        ranks[order] = np.arange(self._count, dtype=np.uint32)
        for column in columns:
            for start in range(0, column.size, _CHUNK):
                relabel(ranks, start, min(start + _CHUNK, column.size), column)
        ordered: Longs = ids[order]
        return ordered

    def _grow(self) -> None:
        size = 2 * self._keys.size
        if size > 2 * _MOST:
            raise CapacityError(f"A world has at most {_MOST - 1:,} agents; the file names more.")
        self._ids = np.concatenate([self._ids, np.empty(size // 2 - self._ids.size, np.int64)])
        self._keys = np.empty(size, np.int64)
        self._slots = np.zeros(size, np.uint32)
        rehash(self._ids, self._count, self._keys, self._slots)
