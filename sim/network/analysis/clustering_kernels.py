"""Triangles, counted or sampled, in a symmetric simple network (both directions of each tie)."""

from __future__ import annotations

import numpy as np

from sim.arrays import I32, I64, U32
from sim.jit.jit import kernel
from sim.jit.mix import word, word2


@kernel
def orient(rows: U32, targets: U32, out_rows: U32, out_targets: U32) -> None:
    """Keep one direction of each tie, towards the end of higher degree (or else higher id).

    ``out_rows`` uint32 (n, 2), ``out_targets`` uint32 (m / 2,): written. No oriented row is longer
    than sqrt(m), which is what makes counting fast.
    """
    place = np.int64(0)
    for u in range(rows.shape[0]):
        first = place
        degree = rows[u, 1]
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(degree)):
            v = targets[e]
            if rows[v, 1] > degree or (rows[v, 1] == degree and v > u):
                out_targets[place] = v
                place += 1
        out_rows[u, 0] = first
        out_rows[u, 1] = place - first


@kernel
def count_triangles(
    rows: U32, targets: U32, begin: int, end: int, marks: I32, triangles: I64
) -> None:
    """Count triangles whose lowest end is in ``begin`` to ``end - 1``, for all three ends.

    ``rows``, ``targets`` from :func:`orient`; ``marks`` int32 (n,), -1 at first, scratch;
    ``triangles`` int64 (n,): added to. Schank & Wagner, "Finding, counting and listing all
    triangles in large graphs", WEA 2005.
    """
    for u in range(begin, end):
        start = np.int64(rows[u, 0])
        stop = start + np.int64(rows[u, 1])
        if stop - start < 2:
            continue
        for e in range(start, stop):
            marks[targets[e]] = u
        own = np.int64(0)
        for e in range(start, stop):
            v = targets[e]
            begin_v = np.int64(rows[v, 0])
            found = np.int64(0)
            for f in range(begin_v, begin_v + np.int64(rows[v, 1])):
                w = targets[f]
                if marks[w] == u:
                    triangles[w] += 1
                    found += 1
            triangles[v] += found
            own += found
        triangles[u] += own


@kernel
def closed_wedges(rows: U32, targets: U32, agents: U32, key: np.uint64) -> int:
    """Draw two neighbours of each of ``agents``; return how many pairs are tied.

    An agent with fewer than two counts as open. The expected closed share is the mean local
    clustering (Schank & Wagner, "Approximating clustering coefficient and transitivity", 2005).
    """
    closed = 0
    for i in range(agents.size):
        u = agents[i]
        degree = np.int64(rows[u, 1])
        if degree < 2:
            continue
        bits = word(key, i)
        a = np.int64(word2(bits, 1) % np.uint64(degree))
        b = np.int64(word2(bits, 2) % np.uint64(degree - 1))
        if b >= a:
            b += 1
        start = np.int64(rows[u, 0])
        v = targets[start + a]
        w = targets[start + b]
        low = np.int64(rows[v, 0])
        high = low + np.int64(rows[v, 1])
        stop = high
        while low < high:
            middle = (low + high) >> 1
            if targets[middle] < w:
                low = middle + 1
            else:
                high = middle
        if low < stop and targets[low] == w:
            closed += 1
    return closed


@kernel
def sum_of_products(rows: U32, targets: U32) -> float:
    """Return the sum of the product of both end degrees over all ties."""
    total = 0.0
    for u in range(rows.shape[0]):
        near = 0.0
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            near += np.float64(rows[targets[e], 1])
        total += near * np.float64(rows[u, 1])
    return total
