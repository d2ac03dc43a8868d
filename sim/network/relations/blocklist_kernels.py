"""Kernels of the blocklist: whether an agent must not hear another.

``closed`` uint64 has one bit per agent, set for those that do not hear everybody; it is (0,)
if there are none, so the test costs nothing then, and one read of a small bitmap for most agents
otherwise. ``rows`` uint32 (n, 2) and ``ids`` uint32 hold the sources, ascending in each row.
"""

from __future__ import annotations

import numpy as np

from sim.arrays import U8, U32, U64
from sim.jit.jit import kernel
from sim.jit.words import LOW6, ONE, S6, Number


@kernel
def is_closed(closed: U64, rows: U32, ids: U32, listener: Number, source: Number) -> bool:
    """Return whether ``listener`` must not hear ``source``."""
    if closed.size == 0:
        return False
    v = np.uint64(listener)
    if not (closed[np.int64(v >> S6)] >> (v & LOW6)) & ONE:
        return False
    low = np.int64(rows[listener, 0])
    stop = low + np.int64(rows[listener, 1])
    high = stop
    while low < high:
        middle = (low + high) // 2
        if ids[middle] < source:
            low = middle + 1
        else:
            high = middle
    return bool(low < stop and ids[low] == source)


@kernel
def shut(
    closed: U64, rows: U32, ids: U32, listeners: U32, sources: U32, out: U8
) -> None:  # fmt: skip
    """Write into ``out`` uint8 (k,) whether ``listeners[i]`` must not hear ``sources[i]``."""
    for i in range(listeners.size):
        v, u = np.int64(listeners[i]), np.int64(sources[i])
        out[i] = is_closed(closed, rows, ids, v, u)


@kernel
def look_up(rows: U32, ids: U32, kind: U8, listeners: U32, sources: U32, out: U8) -> None:
    """Write the mark of each pair into ``out`` uint8 (k,), 0 if it has none."""
    for i in range(listeners.size):
        low = np.int64(rows[listeners[i], 0])
        stop = low + np.int64(rows[listeners[i], 1])
        high = stop
        while low < high:
            middle = (low + high) // 2
            if ids[middle] < sources[i]:
                low = middle + 1
            else:
                high = middle
        out[i] = kind[low] if low < stop and ids[low] == sources[i] else 0
