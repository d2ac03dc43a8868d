""":class:`CopyBuffers`: scratch files reused for successive copies of a world."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.scratch import ScratchArray, ScratchFiles

__all__ = ["LARGE", "CopyBuffers"]

Column = npt.NDArray[Any]

_SPARE = 4
"""A place has a quarter of its size to grow into."""

LARGE = 1 << 16
"""Smaller copies stay in memory: a small world needs no file."""


class CopyBuffers:
    """Copies by name, each in the place of the copy before: in scratch files, not in memory.

    Parameters
    ----------
    spill
        Where there is room.

    Examples
    --------
    >>> buffers = CopyBuffers()
    >>> first = buffers.copied("ages", np.arange(20_000))
    >>> second = buffers.next().copied("ages", np.arange(22_000))
    >>> bool(np.shares_memory(first, second)), second[-2:].tolist()
    (True, [21998, 21999])
    """

    def __init__(self, spill: ScratchFiles | None = None) -> None:
        self._spill = spill or ScratchFiles()
        self._free: dict[str, ScratchArray] = {}
        self._used: dict[str, ScratchArray] = {}

    def next(self) -> CopyBuffers:
        """Return buffers that write over the copies of these; what had no copy is let go."""
        following = CopyBuffers(self._spill)
        following._free = self._used
        return following

    def copied(self, name: str, column: Column) -> Column:
        """Return a copy of an array, C-contiguous."""
        size = column.nbytes
        if size < LARGE:
            return np.array(column, order="C")
        room = self._free.get(name)
        if room is None or room.size < size:
            room = self._spill.room(size + size // _SPARE)
        self._used[name] = room
        return room.hold(column)
