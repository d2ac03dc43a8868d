"""Sorting arcs into rows: by blocks of sources first, then each block within the cache.

An arc is one uint64: source within its block, target, trust, from high bits to low. A scatter to
1,024 blocks writes 1,024 streams, which fit in the caches, while a scatter to a million rows misses
every time: three times faster at 20 million arcs than two counting sorts. Each step is
stable, so of duplicate arcs the last one in the input comes last.
"""

from __future__ import annotations

import numpy as np

from sim.arrays import I64, U16, U32, U64
from sim.jit.jit import kernel
from sim.jit.words import ONE, ZERO, Number

_TRUST = np.uint64(0xFFFF)
_LOW = np.uint64(16)  # the target's lowest bit, above the trust
_NONE = np.uint64(0xFFFFFFFFFFFFFFFF)


@kernel
def count_blocks(
    sources: U32, targets: U32, both: bool, shift: int, begin: int, end: int, counts: I64
) -> int:
    """Count the arcs ``begin`` to ``end - 1`` by block of source; return the number of loops.

    ``sources``, ``targets`` uint32 (m,); ``both``: count the reverse of each arc too; a block has
    2**shift agents; ``counts`` int64 (blocks,). Loops are not added.
    """
    loops = 0
    for i in range(begin, end):
        s = np.int64(sources[i])
        t = np.int64(targets[i])
        if s == t:
            loops += 1
            continue
        counts[s >> shift] += 1
        if both:
            counts[t >> shift] += 1
    return loops


@kernel
def scatter_blocks(
    sources: U32, targets: U32, trust: U16, both: bool, shift: int, bits: int, first: int, last:
    int, begin: int, end: int, cursor: I64, records: U64,
) -> None:  # fmt: skip
    """Write the arcs ``begin`` to ``end - 1`` into the blocks ``first`` to ``last - 1``.

    ``trust`` uint16 (m,) or (0,); ``bits``: bits of an agent's id; ``cursor`` int64 (blocks,): next
    free place of each block, advanced; ``records`` uint64: written. Skips arcs of other blocks.
    """
    weighted = trust.size > 0
    inner = (ONE << np.uint64(shift)) - ONE
    high = np.uint64(bits) + _LOW
    for i in range(begin, end):
        s = np.uint64(sources[i])
        t = np.uint64(targets[i])
        if s == t:
            continue
        weight = np.uint64(trust[i]) if weighted else ZERO
        block = np.int64(s >> np.uint64(shift))
        if first <= block < last:
            records[cursor[block]] = ((s & inner) << high) | (t << _LOW) | weight
            cursor[block] += 1
        block = np.int64(t >> np.uint64(shift))
        if both and first <= block < last:
            records[cursor[block]] = ((t & inner) << high) | (s << _LOW) | weight
            cursor[block] += 1


@kernel
def _sorted(records: U64, spare: U64, counts: I64) -> U64:
    """Sort by all bits above the trust, stably; return the array that holds the result.

    ``counts`` int64 (passes, 2**width): scratch.
    """
    passes, values = counts.shape
    mask = np.uint64(values - 1)
    width = 0
    while 1 << width < values:
        width += 1
    counts[:] = 0
    for i in range(records.size):
        rest = records[i] >> _LOW
        for p in range(passes):
            counts[p, np.int64(rest & mask)] += 1
            rest >>= np.uint64(width)
    for p in range(passes):
        total: Number = 0
        for value in range(values):
            count = counts[p, value]
            counts[p, value] = total
            total += count
        shift = _LOW + np.uint64(p * width)
        for i in range(records.size):
            digit = np.int64((records[i] >> shift) & mask)
            spare[counts[p, digit]] = records[i]
            counts[p, digit] += 1
        records, spare = spare, records
    return records


@kernel
def sort_blocks(
    records: U64, stops: I64, first: int, begin: int, end: int, shift: int, bits: int, spare: U64,
    counts: I64, place: Number, rows: U32, targets: U32, trust: U16,
) -> Number:  # fmt: skip
    """Append the rows of the blocks ``begin`` to ``end - 1``; return the new number of ties.

    A duplicate overwrites the tie before it. ``records`` begin with the block ``first``, ``stops``
    with block 0. Scratch: ``spare``, as long as the largest block; ``counts``, (passes, 2**width)
    for all bits of a source within its block and a target.
    """
    high = np.uint64(bits) + _LOW
    one_id = (ONE << np.uint64(bits)) - ONE
    weighted = trust.size > 0
    gone = np.int64(0) if first == 0 else stops[first - 1]
    for block in range(begin, end):
        start = np.int64(0) if block == first else stops[block - 1] - gone
        size = stops[block] - gone - start
        ordered = _sorted(records[start : start + size], spare[:size], counts)
        u = np.int64(block) << shift
        stop = min(np.int64(rows.shape[0]), u + (np.int64(1) << shift))
        lowest = u
        last = _NONE
        rows[u, 0] = place
        for i in range(size):
            arc = ordered[i] >> _LOW
            s = lowest + np.int64(ordered[i] >> high)
            while u < s:
                rows[u, 1] = place - np.int64(rows[u, 0])
                u += 1
                rows[u, 0] = place
            if arc == last:
                place -= 1
            last = arc
            targets[place] = np.uint32(arc & one_id)
            if weighted:
                trust[place] = np.uint16(ordered[i] & _TRUST)
            place += 1
        while u < stop:
            rows[u, 1] = place - np.int64(rows[u, 0])
            u += 1
            if u < stop:
                rows[u, 0] = place
    return place
