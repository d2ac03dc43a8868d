"""Ties as sorted rows: merge, transpose and checks, all linear in the ties.

A network is ``rows`` uint32 (n, 2), the (start, length) of each agent's row, and ``targets``
uint32 (m,), each row strictly increasing. ``trust`` is uint16 (m,) parallel to ``targets``, or (0,)
if every tie has trust 1.0. Long loops take a range, so that a caller can stop between chunks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.arrays import I64, U16, U32
from sim.jit.jit import kernel

Floats = np.ndarray[Any, np.dtype[np.floating]]

_FULL = 65535.0


@kernel
def row_starts(lengths: I64, rows: U32) -> None:
    """Set the starts of ``rows`` uint32 (n, 2) from ``lengths`` int64 (n,); lengths become 0."""
    total = np.int64(0)
    for u in range(lengths.size):
        rows[u, 0] = total
        rows[u, 1] = 0
        total += lengths[u]


@kernel
def count_targets(targets: U32, begin: int, end: int, in_count: I64) -> None:
    """Add ties ``begin..end`` to the in-degrees, ``in_count`` int64 (n,)."""
    for e in range(begin, end):
        in_count[targets[e]] += 1


@kernel
def transpose_rows(
    rows: U32,
    targets: U32,
    trust: U16,
    begin: int,
    end: int,
    out_rows: U32,
    out_targets: U32,
    out_trust: U16,
) -> None:
    """Append agents ``begin..end`` to the reverse rows of their listeners.

    ``out_rows`` holds the starts of the reverse rows and the lengths written so far. Agents come
    in ascending order, so the reverse rows are sorted by construction.
    """
    weighted = trust.size > 0
    for u in range(begin, end):
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            v = targets[e]
            length = np.int64(out_rows[v, 1])
            place = np.int64(out_rows[v, 0]) + length
            out_rows[v, 1] = length + 1
            out_targets[place] = u
            if weighted:
                out_trust[place] = trust[e]


@kernel
def count_shared(
    rows: U32, targets: U32, new_rows: U32, new_targets: U32, begin: int, end: int
) -> int:
    """Return how many ties of the agents ``begin`` to ``end - 1`` are in both sets of rows."""
    shared = 0
    for u in range(begin, end):
        i = np.int64(rows[u, 0])
        j = np.int64(new_rows[u, 0])
        i_stop = i + np.int64(rows[u, 1])
        j_stop = j + np.int64(new_rows[u, 1])
        while i < i_stop and j < j_stop:
            a = targets[i]
            b = new_targets[j]
            shared += 1 if a == b else 0
            i += 1 if a <= b else 0
            j += 1 if b <= a else 0
    return shared


@kernel
def merge_rows(
    rows: U32, targets: U32, trust: U16, new_rows: U32, new_targets: U32, new_trust: U16, begin:
    int, end: int, out_rows: U32, out_targets: U32, out_trust: U16,
) -> None:  # fmt: skip
    """Write the union of two sets of sorted rows, agents ``begin`` to ``end - 1``.

    Continues after the row of agent ``begin - 1``. A tie in both gets the new trust. The trust
    arrays are all (0,), or all given.
    """
    weighted = out_trust.size > 0
    place = np.int64(0)
    if begin > 0:
        place = np.int64(out_rows[begin - 1, 0]) + np.int64(out_rows[begin - 1, 1])
    for u in range(begin, end):
        i = np.int64(rows[u, 0])
        j = np.int64(new_rows[u, 0])
        i_stop = i + np.int64(rows[u, 1])
        j_stop = j + np.int64(new_rows[u, 1])
        out_rows[u, 0] = place
        first = place
        while i < i_stop or j < j_stop:
            is_old = j == j_stop or (i < i_stop and targets[i] < new_targets[j])
            if is_old:
                out_targets[place] = targets[i]
                if weighted:
                    out_trust[place] = trust[i]
                i += 1
            else:
                if i < i_stop and targets[i] == new_targets[j]:
                    i += 1
                out_targets[place] = new_targets[j]
                if weighted:
                    out_trust[place] = new_trust[j]
                j += 1
            place += 1
        out_rows[u, 1] = place - first


@kernel
def check_rows(rows: U32, targets: U32) -> int:
    """Return the first agent whose row is not ascending, in range and free of loops; or -1."""
    n = rows.shape[0]
    for u in range(n):
        start = np.int64(rows[u, 0])
        last = np.int64(-1)
        for e in range(start, start + np.int64(rows[u, 1])):
            v = np.int64(targets[e])
            if v <= last or v >= n or v == u:
                return u
            last = v
    return -1


@kernel
def quantise(values: Floats, out: U16) -> int:
    """Write values in [0, 1] as uint16 / 65535; return the first index out of range, or -1."""
    for i in range(values.size):
        value = values[i]
        if not (value >= 0.0 and value <= 1.0):
            return i
        out[i] = np.uint16(value * _FULL + 0.5)
    return -1


@kernel
def mirrors(rows: U32, targets: U32) -> bool:
    """Return whether the reverse of every tie exists.

    Traversing the rows in order visits the reverse ties in the order of their sorted rows; so
    one cursor per row is enough to compare them. A directed network fails early.
    """
    n = rows.shape[0]
    seen = np.zeros(n, np.uint32)
    for u in range(n):
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            v = targets[e]
            done = np.int64(seen[v])
            if done == rows[v, 1] or targets[np.int64(rows[v, 0]) + done] != u:
                return False
            seen[v] = done + 1
    return True


@kernel
def tie_between(rows: U32, targets: U32, sources: U32, listeners: U32, out: I64) -> None:
    """Write the index of each tie ``sources[i] -> listeners[i]`` into ``out`` (int64), or -1."""
    for i in range(sources.size):
        low = np.int64(rows[sources[i], 0])
        stop = low + np.int64(rows[sources[i], 1])
        high = stop
        while low < high:
            middle = (low + high) // 2
            if targets[middle] < listeners[i]:
                low = middle + 1
            else:
                high = middle
        out[i] = low if low < stop and targets[low] == listeners[i] else -1
