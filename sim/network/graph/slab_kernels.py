"""Rows that change in one slab: each sorted, with spare room, moved to the tail when full.

``rows`` uint32 (n, 2) holds start and length of each row, ``capacity`` uint32 (n,) its places.
Five parallel columns: ``ids`` uint32, and ``trust`` uint16, ``kind`` uint8, ``time``
int64, ``sign`` int8, each as long as ``ids`` or (0,) if nothing is known. ``state`` int64 (1,)
is the first free place of the tail. Rows are sorted by id, so their content depends only on the
set of ties; starts, capacities and free places depend on history and must not affect a result.

A batch is ``keys`` uint64 (k,), row in the high half and id in the low half, strictly ascending.
:func:`find` looks up each, :func:`room_needed` computes the room needed at the tail, and
:func:`change` cannot fail after that.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.arrays import I8, I64, U8, U16, U32, U64
from sim.jit.jit import kernel
from sim.jit.words import LOW32, S32, Number

UNKNOWN, ADDED, REMOVED, KNOWN = 0, 1, 2, 3
"""Outcomes of a change: no such id to remove, added, removed, already there."""

_DIGIT = 11
_BUCKETS = 1 << _DIGIT
_MASK = np.uint64(_BUCKETS - 1)
_FEW = 32


@kernel
def sort_pairs(keys: U64, order: U32, spare_keys: U64, spare_order: U32) -> bool:
    """Sort keys with their places, stably, by digits of 11 bits; skip digits that all share.

    ``keys``, ``spare_keys`` uint64 (k,), ``order``, ``spare_order`` uint32 (k,). Returns whether
    the result is in the spare arrays.
    """
    n = keys.size
    if n <= _FEW:
        for i in range(1, n):
            key, place = keys[i], order[i]
            j = i
            while j > 0 and keys[j - 1] > key:
                keys[j], order[j] = keys[j - 1], order[j - 1]
                j -= 1
            keys[j], order[j] = key, place
        return False
    start = np.empty(_BUCKETS, np.int64)
    swapped = False
    for digit in range(6):
        shift = np.uint64(digit * _DIGIT)
        start[:] = 0
        for i in range(n):
            start[np.int64((keys[i] >> shift) & _MASK)] += 1
        if start[np.int64((keys[0] >> shift) & _MASK)] == n:
            continue
        before: Number = 0
        for bucket in range(_BUCKETS):
            here = start[bucket]
            start[bucket] = before
            before += here
        for i in range(n):
            b = np.int64((keys[i] >> shift) & _MASK)
            spare_keys[start[b]] = keys[i]
            spare_order[start[b]] = order[i]
            start[b] += 1
        keys, spare_keys = spare_keys, keys
        order, spare_order = spare_order, order
        swapped = not swapped
    return swapped


@kernel
def find(rows: U32, ids: U32, keys: U64, adds: U8, places: I64, fate: U8) -> None:
    """Look up every change in its row.

    ``adds`` uint8 (k,): 1 to add, 0 to remove. Written: ``places`` int64 (k,), where the id is
    or would be, counted from the start of its row; ``fate`` uint8 (k,).
    """
    for i in range(keys.size):
        u = np.int64(keys[i] >> S32)
        wanted = np.uint32(keys[i] & LOW32)
        start = np.int64(rows[u, 0])
        low, high = start, start + np.int64(rows[u, 1])
        stop = high
        while low < high:
            middle = (low + high) // 2
            if ids[middle] < wanted:
                low = middle + 1
            else:
                high = middle
        there = low < stop and ids[low] == wanted
        places[i] = low - start
        if adds[i]:
            fate[i] = KNOWN if there else ADDED
        else:
            fate[i] = REMOVED if there else UNKNOWN


@kernel
def _wanted(length: Number, capacity: Number) -> Number:
    """Return the new capacity of a row that outgrew its old one."""
    return max(length, np.int64(capacity) + np.int64(capacity) // 2 + 4)


@kernel
def room_needed(rows: U32, capacity: U32, keys: U64, fate: U8) -> Number:
    """Return the number of free places needed at the tail for rows that outgrow theirs."""
    needed: Number = 0
    i, k = 0, keys.size
    while i < k:
        u = np.int64(keys[i] >> S32)
        length = np.int64(rows[u, 1])
        while i < k and np.int64(keys[i] >> S32) == u:
            length += fate[i] == ADDED
            length -= fate[i] == REMOVED
            i += 1
        if length > np.int64(capacity[u]):
            needed += _wanted(length, capacity[u])
    return needed


@kernel
def _move(column: Number, begin: Number, count: Number, to: Number) -> None:
    """Move ``count`` places of a column, if present, to a range that may overlap."""
    if column.size:
        if to < begin:
            for e in range(count):
                column[to + e] = column[begin + e]
        else:
            for e in range(count - 1, -1, -1):
                column[to + e] = column[begin + e]


@kernel
def _move_all(
    ids: U32, trust: U16, kind: U8, time: I64, sign: I8, begin: Number, end: Number, to: Number
) -> None:
    """Move the places ``begin`` to ``end - 1`` of every column to ``to`` and after."""
    _move(ids, begin, end - begin, to)
    _move(trust, begin, end - begin, to)
    _move(kind, begin, end - begin, to)
    _move(time, begin, end - begin, to)
    _move(sign, begin, end - begin, to)


@kernel
def _take_out(
    start: Number, length: Number, places: I64, fate: U8, first: Number, last: Number,
    ids: U32, trust: U16, kind: U8, time: I64, sign: I8,
) -> Number:  # fmt: skip
    """Close the gaps of removals among the changes ``first`` to ``last - 1``; return the length.

    The places of the other changes are adjusted to the shorter row.
    """
    gone = np.int64(0)
    kept = start
    for i in range(first, last + 1):
        if i < last:
            here = start + places[i]
            places[i] -= gone
            if fate[i] != REMOVED:
                continue
        else:
            here = start + length
        if gone:
            _move_all(ids, trust, kind, time, sign, kept, here, kept - gone)
        kept = here + 1
        gone += i < last
    return length - gone


@kernel
def change(
    rows: U32, capacity: U32, state: I64, ids: U32, trust: U16, kind: U8, time: I64, sign: I8,
    keys: U64, fate: U8, places: I64, new_trust: U16, new_kind: U8,
) -> None:  # fmt: skip
    """Apply a batch that :func:`find` looked up; the tail must have enough room.

    ``new_trust`` uint16 (k,), ``new_kind`` uint8 (k,): values of what is added, read if the column
    is present. Existing ties are left unchanged. A new time is -1 (unknown), a new sign 1.
    """
    i, k = np.int64(0), keys.size
    while i < k:
        u = np.int64(keys[i] >> S32)
        first = i
        more = np.int64(0)
        while i < k and np.int64(keys[i] >> S32) == u:
            more += fate[i] == ADDED
            i += 1
        start = np.int64(rows[u, 0])
        length = _take_out(
            start, np.int64(rows[u, 1]), places, fate, first, i, ids, trust, kind, time, sign
        )
        if length + more > np.int64(capacity[u]):
            room = _wanted(length + more, capacity[u])
            tail = state[0]
            state[0] = tail + room
            _move_all(ids, trust, kind, time, sign, start, start + length, tail)
            rows[u, 0] = np.uint32(tail)
            capacity[u] = np.uint32(room)
            start = tail
        rows[u, 1] = np.uint32(length + more)
        stop = start + length
        for j in range(i - 1, first - 1, -1):
            if fate[j] != ADDED:
                continue
            here = start + places[j]
            _move_all(ids, trust, kind, time, sign, here, stop, here + more)
            stop = here
            more -= 1
            ids[here + more] = np.uint32(keys[j] & LOW32)
            if trust.size:
                trust[here + more] = new_trust[j]
            if kind.size:
                kind[here + more] = new_kind[j]
            if time.size:
                time[here + more] = -1
            if sign.size:
                sign[here + more] = 1


@kernel
def write_values(
    rows: U32, ids: U32, sources: U32, targets: U32, values: Number, column: Number, found: U8
) -> None:
    """Write ``values`` (k,) into ``column`` where ``targets[i]`` is in the row ``sources[i]``.

    ``found`` uint8 (k,): 1 where it is. The last of several values wins.
    """
    for i in range(sources.size):
        start = np.int64(rows[sources[i], 0])
        low, high = start, start + np.int64(rows[sources[i], 1])
        stop = high
        while low < high:
            middle = (low + high) // 2
            if ids[middle] < targets[i]:
                low = middle + 1
            else:
                high = middle
        found[i] = low < stop and ids[low] == targets[i]
        if found[i]:
            column[low] = values[i]


@kernel
def lay_out(
    rows: U32, begin: int, end: int, slack: int, place: Number, columns: Any, out_rows: U32,
    out_capacity: U32, into: Any,
) -> Number:  # fmt: skip
    """Copy the rows ``begin`` to ``end - 1`` to ``place`` and after; return the next free place.

    Each gets an eighth and ``slack`` spare places; none if ``slack`` is negative.
    ``columns`` and ``into`` are :class:`~sim.network.graph.slab.TieColumns`; ``out_rows`` uint32
    (end - begin, 2) and ``out_capacity`` uint32 of the same length or (0,).
    """
    ids, trust, kind, time, sign = columns
    out_ids, out_trust, out_kind, out_time, out_sign = into
    for u in range(begin, end):
        start = np.int64(rows[u, 0])
        length: Number = np.int64(rows[u, 1])
        out_rows[u - begin, 0] = np.uint32(place)
        out_rows[u - begin, 1] = np.uint32(length)
        for e in range(length):
            out_ids[place + e] = ids[start + e]
        if trust.size:
            for e in range(length):
                out_trust[place + e] = trust[start + e]
        if kind.size:
            for e in range(length):
                out_kind[place + e] = kind[start + e]
        if time.size:
            for e in range(length):
                out_time[place + e] = time[start + e]
        if sign.size:
            for e in range(length):
                out_sign[place + e] = sign[start + e]
        place += length
        if slack >= 0:
            spare = length // 8 + slack
            place += spare
            out_capacity[u - begin] = np.uint32(length + spare)
    return place


@kernel
def count_ids(rows: U32, ids: U32, begin: int, end: int, counts: I64) -> None:
    """Add how often each id occurs in the rows ``begin`` to ``end - 1``, to int64 (n,)."""
    for u in range(begin, end):
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            counts[ids[e]] += 1


@kernel
def transpose(rows: U32, begin: int, end: int, columns: Any, out_rows: U32, into: Any) -> None:
    """Append the agents ``begin`` to ``end - 1`` to the reverse rows of those in their rows.

    ``out_rows`` holds the starts of the reverse rows and the lengths so far; columns as in
    :func:`lay_out`.
    """
    ids, trust, kind, time, sign = columns
    out_ids, out_trust, out_kind, out_time, out_sign = into
    for u in range(begin, end):
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            v = ids[e]
            length = np.int64(out_rows[v, 1])
            place = np.int64(out_rows[v, 0]) + length
            out_rows[v, 1] = np.uint32(length + 1)
            out_ids[place] = np.uint32(u)
            if trust.size:
                out_trust[place] = trust[e]
            if kind.size:
                out_kind[place] = kind[e]
            if time.size:
                out_time[place] = time[e]
            if sign.size:
                out_sign[place] = sign[e]


@kernel
def transpose_trust(
    rows: U32, ids: U32, trust: U16, out_rows: U32, out_trust: U16, seen: U32
) -> None:
    """Copy the trust of every tie to the reverse rows, whose ids are set already.

    ``seen`` uint32 (n,) zeros: scratch. Sources come in ascending order, as in each
    reverse row; so one cursor per row finds their places.
    """
    for u in range(rows.shape[0]):
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            v = ids[e]
            out_trust[np.int64(out_rows[v, 0]) + np.int64(seen[v])] = trust[e]
            seen[v] += np.uint32(1)
