"""Memory that copies of a world are written into again and again."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Buffers"]

Column = npt.NDArray[Any]
Bytes = npt.NDArray[np.uint8]

_SPARE = 4
"""A buffer has a quarter of its size to grow into."""
_SMALL = 1 << 16


class Buffers:
    """Copies by name, in the memory of the copies before: fresh memory costs ten times more.

    Examples
    --------
    >>> buffers = Buffers()
    >>> first = buffers.copied("ages", np.arange(8))
    >>> buffers.make_room()
    >>> second = buffers.next().copied("ages", np.arange(9))
    >>> bool(np.shares_memory(first, second)), second.tolist()
    (True, [0, 1, 2, 3, 4, 5, 6, 7, 8])
    """

    def __init__(self) -> None:
        self._free: dict[str, Bytes] = {}
        self._used: dict[str, Bytes] = {}
        self._sizes: dict[str, int] = {}
        self._untouched: list[Bytes] = []

    def next(self) -> Buffers:
        """Return buffers that write over the copies of these; what had no copy is let go."""
        following = Buffers()
        following._free = self._used
        return following

    def copied(self, name: str, column: Column) -> Column:
        """Return a copy of an array, C-contiguous."""
        size = column.nbytes
        held = self._free.get(name)
        if held is None or held.size < size:
            held = _room_for(size)
            self._untouched.append(held[size:])
        self._used[name], self._sizes[name] = held, size
        copy = held[:size].view(column.dtype).reshape(column.shape)
        np.copyto(copy, column)
        return copy

    def make_room(self) -> None:
        """Get memory for what will soon have grown out of its own, while nobody waits for it.

        The copies stay as they are.
        """
        for name, size in self._sizes.items():
            spare = self._used[name].size - size
            if size > _SMALL and spare < size // (2 * _SPARE):
                self._used[name] = _room_for(size)
                self._untouched.append(self._used[name])
        while self._untouched:
            self._untouched.pop()[:] = 0  # the system lends memory once it is written to


def _room_for(size: int) -> Bytes:
    return np.empty(size + size // _SPARE, np.uint8)
