"""The pressure on each listener by those that speak: a sum of weights, and one of the speakers."""

from __future__ import annotations

import numpy as np

from sim.arrays import F64, U32, U64
from sim.jit.claims import AHEAD, BLOCK, FREE, approach, is_open
from sim.jit.jit import kernel
from sim.jit.mix import word, word2
from sim.jit.words import LOW32, S32, Number, Word


@kernel
def press(
    rows: U32, targets: U32, speakers: U32, lo: int, hi: int, weights: F64, key: Word, closed: U64,
    total: F64, claim: U64, touched: U32, m: Number,
) -> Number:  # fmt: skip
    """Add the weight of each of ``speakers[lo:hi]`` to all of its open listeners.

    A claim is ``draw << 32 | speaker``, the lowest wins. Returns how many agents hear any; the
    slot of ``touched`` after the last, and its last, are overwritten. ``closed`` may be empty.
    """
    spare = touched.size - 1
    heard = np.empty(BLOCK + 1, np.uint32)
    for i in range(lo, hi):
        if (i - lo) % AHEAD == 0:
            seen = approach(rows, targets, speakers, i, min(i + AHEAD, hi))
            touched[spare] = np.uint32(seen & LOW32)
        u: Number = np.uint64(speakers[i])
        weight = weights[i]
        key_u = word(key, u)
        start: Number = np.int64(rows[u, 0])
        stop: Number = start + np.int64(rows[u, 1])
        for first in range(start, stop, BLOCK):
            n = 0
            for e in range(first, min(first + BLOCK, stop)):
                heard[n] = targets[e]
                n += closed.size == 0 or is_open(closed, np.uint64(targets[e]))
            for k in range(n):
                v: Number = np.uint64(heard[k])
                old = claim[v]
                claim[v] = min(old, ((word2(key_u, v) >> S32) << S32) | u)
                total[v] += weight
                touched[m] = np.uint32(v)
                m += old == FREE
    return m


@kernel
def release(touched: U32, m: int, total: F64, claim: U64, sums: F64, sources: U32) -> None:
    """Move what ``touched[:m]`` hear to ``sums`` (float64), ``sources`` (uint32); clear it."""
    for i in range(m):
        v = np.uint64(touched[i])
        sums[i] = total[v]
        sources[i] = np.uint32(claim[v] & LOW32)
        claim[v] = FREE
        total[v] = 0.0
