"""Agents in ascending order: the order in which a tick's adopters are recorded."""

from __future__ import annotations

import numpy as np

from sim.arrays import I64, U32
from sim.jit.jit import kernel
from sim.jit.words import Number

_DIGIT = 11
_BUCKETS = 1 << _DIGIT
_FEW = 64


@kernel
def sort_ids(ids: U32, count: int, spare: U32) -> None:
    """Sort ``ids[:count]`` (uint32) in place, ascending; ``spare`` has as many places.

    Radix sort by digits of 11 bits, lowest first: at a million ids about five times as fast as a
    comparison sort; a handful is sorted by insertion.
    """
    if count <= _FEW:
        for i in range(1, count):
            moved = ids[i]
            j = i
            while j > 0 and ids[j - 1] > moved:
                ids[j] = ids[j - 1]
                j -= 1
            ids[j] = moved
        return
    largest = np.int64(0)
    for i in range(count):
        largest = max(largest, np.int64(ids[i]))
    start = np.empty(_BUCKETS, np.int64)
    shift = 0
    while largest >> shift:
        _by_digit(ids, spare, count, shift, start)
        shift += _DIGIT
        if not largest >> shift:
            for i in range(count):
                ids[i] = spare[i]
            return
        _by_digit(spare, ids, count, shift, start)
        shift += _DIGIT


@kernel
def _by_digit(ids: U32, into: U32, count: int, shift: int, start: I64) -> None:
    """Write ``ids[:count]`` into ``into``, ordered by one digit, stable."""
    start[:] = 0
    for i in range(count):
        start[(np.int64(ids[i]) >> shift) & (_BUCKETS - 1)] += 1
    before: Number = 0
    for digit in range(_BUCKETS):
        here = start[digit]
        start[digit] = before
        before += here
    for i in range(count):
        place: Number = (np.int64(ids[i]) >> shift) & (_BUCKETS - 1)
        into[start[place]] = ids[i]
        start[place] += 1


@kernel
def merge_ids(ids: U32, count: int, others: U32, more: int) -> None:
    """Merge ``others[:more]`` into ``ids[:count]``, both ascending and without common ids.

    ``ids`` (uint32) has room for ``count + more``; it is filled from the back.
    """
    i, j, at = count - 1, more - 1, count + more - 1
    while i >= 0 and j >= 0:
        mine, other = ids[i], others[j]
        first = mine > other
        ids[at] = mine if first else other
        i -= first
        j -= not first
        at -= 1
    while j >= 0:
        ids[at] = others[j]
        j -= 1
        at -= 1
