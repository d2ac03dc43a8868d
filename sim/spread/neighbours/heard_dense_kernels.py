"""What agents hear in sum, where every agent has a row: ``tell`` at its best.

Without trust and with a voice for everybody, or none, a contact is a listener and the place of its
speaker; what a speaker says is looked up by that place.
"""

from __future__ import annotations

import numpy as np

from sim.arrays import U8, U32, U64
from sim.jit.claims import BATCH, is_open
from sim.jit.jit import inlined, kernel
from sim.jit.mix import C1, mix, word
from sim.jit.prefetch import ahead
from sim.jit.types import Number, Word
from sim.jit.words import ONE, ONE32, ZERO
from sim.spread.neighbours.heard_kernels import BITS, NONE

_TOUCHED = np.uint64(1 << 63)
_LOUD = np.uint64(1 << BITS)
_COUNTS = np.uint64((1 << BITS) - 1)
_NEAR = 32
"""So many contacts ahead what is needed of a listener is fetched from memory."""
_SOON = 12
"""So many speakers ahead the ties are, and twice as many the rows."""
_LINE = 16


@kernel
def tell_dense(
    rows: U32,
    targets: U32,
    speakers: U32,
    was: U8,
    now: Number,
    lo: int,
    hi: int,
    bits: Number,
    key: Word,
    deaf: U64,
    sums: U64,
    voice: U32,
    touched: U32,
    m: Number,
) -> Number:
    """As ``tell`` with dense rows, voices and states, and without trust.

    ``sums`` is uint64 (n, 1); ``voice`` uint32 (n,), or empty.
    """
    gain, drawn = np.empty(hi - lo, np.uint64), np.empty(hi - lo, np.uint64)
    heard, place = np.zeros(BATCH + _NEAR, np.uint32), np.empty(BATCH + 1, np.uint32)
    entered = ZERO if now == NONE else ONE << np.uint64(bits * now)
    loud = ZERO if now == NONE or voice.size == 0 else _LOUD << np.uint64(now)
    n: Number = np.int64(0)
    for i in range(lo, hi):
        _approach(rows, targets, speakers, i, hi)
        u = np.uint64(speakers[i])
        drawn[i - lo] = word(key, int(u))
        gain[i - lo] = entered
        if was[i] != NONE:
            gain[i - lo] = entered - (ONE << np.uint64(bits * np.int64(was[i])))
        at = np.int64(rows[u, 0])
        stop = at + np.int64(rows[u, 1])
        while at < stop:
            last = min(stop, at + BATCH - n)
            for e in range(at, last):
                heard[n], place[n] = targets[e], i - lo
                n += is_open(deaf, np.uint64(targets[e]))
            at = last
            if n == BATCH:
                m = _take(heard, place, n, gain, drawn, speakers, lo, key, loud, sums, voice,
                          touched, m)  # fmt: skip
                n = np.int64(0)
    return _take(heard, place, n, gain, drawn, speakers, lo, key, loud, sums, voice, touched, m)


@inlined
def _approach(rows: U32, targets: U32, speakers: U32, i: Number, hi: int) -> None:
    """Have the ties of a speaker fetched that comes soon, and the row of a later one."""
    if i + 2 * _SOON < hi:
        ahead(rows, 2 * np.int64(speakers[i + 2 * _SOON]))
    if i + _SOON < hi:
        start = np.int64(rows[speakers[i + _SOON], 0])
        ahead(targets, start)
        ahead(targets, start + _LINE)


@kernel
def _take(
    heard: U32, place: U32, n: Number, gain: U64, drawn: U64, speakers: U32, lo: int, key: Word,
    loud: Word, sums: U64, voice: U32, touched: U32, m: Number,
) -> Number:  # fmt: skip
    """Add a batch of changes, note whom each listener heard last; list whom this tick touches."""
    if loud == ZERO:
        for j in range(n):
            ahead(sums, heard[j + _NEAR])
            old = sums[heard[j], 0]
            rest = (old & ~_COUNTS) | _TOUCHED
            sums[heard[j], 0] = (((old & _COUNTS) + gain[place[j]]) & _COUNTS) | rest
            touched[m] = heard[j]
            m += old & _TOUCHED == ZERO
        return m
    for j in range(n):
        ahead(sums, heard[j + _NEAR])
        ahead(voice, heard[j + _NEAR])
        v, i = heard[j], place[j]
        old = sums[v, 0]
        rest = (old & ~_COUNTS) | _TOUCHED | loud
        sums[v, 0] = (((old & _COUNTS) + gain[i]) & _COUNTS) | rest
        touched[m] = v
        m += old & _TOUCHED == ZERO
        other = voice[v]
        draw = mix(key + (np.uint64(other) - ONE) * C1)  # means nothing if this one is the first
        keeps = (old & loud != ZERO) & (draw <= drawn[i])
        voice[v] = other if keeps else speakers[lo + i] + ONE32
    return m
