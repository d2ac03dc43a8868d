"""Rules with conditions: contacts and changes that would happen, listed, and then let happen.

A tick has the passes of :mod:`sim.spread.compartments.table_kernels`, each in two halves. The
first half draws, from
the same addresses, and lists what would happen; then conditions are asked, outside; the second
half does what is left.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.arrays import F64, I64, U8, U16, U32, U64
from sim.jit.claims import BATCH, BLOCK, FREE, NOBODY, is_open, remix
from sim.jit.jit import kernel
from sim.jit.mix import uniform, word
from sim.jit.sparse import slot, take_slot
from sim.jit.types import Number, Word
from sim.jit.words import CODE, EVER, LOW32, S32, S40
from sim.spread.compartments.table_kernels import ContactRules, code_of, pick, put

_KEEP = 255
_SKIPS = 2


class Hits(NamedTuple):
    """Contacts that would happen.

    ``speaker``, ``listener`` (uint32), ``tie`` (int64): who, over which tie; ``bits`` (uint64): by
    which draw; ``share`` (float64): how far into the chances of ``row`` (int64) of the table.
    """

    speaker: U32
    listener: U32
    tie: I64
    bits: U64
    share: F64
    row: I64


@kernel
def table_hits(
    rows: U32, targets: U32, trust: U16, live: U32, i: Number, hi: int, at: Number, k: Number,
    key: Word, keys: U32, state: U8, closed: U64, rules: ContactRules, hits: Hits,
) -> tuple[Number, Number, Number, Number]:  # fmt: skip
    """List the contacts whose draw falls below the chances of their row.

    Parameters
    ----------
    rows, targets, trust, live, hi, key, keys, state, closed, rules
        As in :func:`sim.spread.compartments.table_kernels.table_contacts`.
    i, at, k
        The cursor: the speaker's place in ``live``, the next place in its row, draws made for it.
    hits
        Of at least ``BATCH`` rows, filled.

    Returns
    -------
    (rows filled, next i, next at, next k)
    """
    off, _, _, _, total, trusted, mode, _, ceiling = rules
    speaker, listener, tie, bits, share, row = hits
    tossed = np.empty(BLOCK, np.uint64)
    batch = np.empty(BATCH + 1, np.uint64)
    drawn = np.empty(BATCH + 1, np.uint64)
    n = np.int64(0)
    while i < hi and n + BATCH <= speaker.size:
        size, i, at, k = pick(
            rows, targets, live, i, hi, at, k, key, keys, state, rules, tossed, batch, drawn
        )
        for j in range(size):
            u: Number = batch[j] >> S32
            e = np.uint64(rows[u, 0]) + (batch[j] & LOW32)
            v: Number = np.uint64(targets[e])
            s: int = code_of(keys, state, u)
            r = s * mode.size + code_of(keys, state, v)
            if total[r] <= 0.0 or (closed.size and not is_open(closed, v)):
                continue
            draw = drawn[j]
            x: float = 0.0
            if mode[s] != _SKIPS:
                x = uniform(draw)
            elif trusted[r] or total[r] < ceiling[s] or off[r + 1] - off[r] > 1:
                x = uniform(remix(draw)) * ceiling[s]
            if trusted[r] and trust.size:
                if trust[e] == 0:
                    continue
                x = x / (trust[e] / 65535.0)
            speaker[n] = np.uint32(u)
            listener[n] = np.uint32(v)
            tie[n] = np.int64(e)
            bits[n] = draw
            share[n] = x
            row[n] = r
            n += x < total[r]
    return n, i, at, k


@kernel
def claim_hits(
    speaker: U32, listener: U32, bits: U64, becomes: U8, turned: U8, claim: U64, touched: U32,
    m: Number,
) -> Number:  # fmt: skip
    """Let listed contacts claim: listeners become ``becomes``, speakers ``turned`` (255: neither).

    ``claim, touched, m`` as in :func:`sim.jit.claims.claim_coins`. Returns how many agents are
    touched.
    """
    for j in range(speaker.size):
        u = np.uint64(speaker[j])
        v = np.uint64(listener[j])
        high = bits[j] << S40
        if becomes[j] != _KEEP:
            m = put(claim, touched, m, v, high | (np.uint64(becomes[j]) << S32) | u)
        if turned[j] != _KEEP:
            m = put(claim, touched, m, u, high | (np.uint64(turned[j]) << S32) | v)
    return m


@kernel
def hits_alone(
    live: U32, count: int, key: Word, keys: U32, state: U8, claim: U64, soff: I64, total: F64,
    place: I64, share: F64, row: I64,
) -> int:  # fmt: skip
    """List the live agents without a claim whose draw falls below what their state may do alone.

    ``total`` (float64, states) is the sum of a state's chances; ``place, share, row`` (int64,
    float64, int64) are filled with places in ``live``, draws and states. Returns how many.
    """
    n = 0
    for i in range(count):
        u: Number = np.uint64(live[i])
        s: Number = code_of(keys, state, u)
        if claim[u] != FREE or soff[s + 1] == soff[s]:
            continue
        place[n] = i
        share[n] = uniform(word(key, u))
        row[n] = s
        n += share[n] < total[s]
    return n


@kernel
def befall(
    live: U32, count: int, becomes: U8, key: Word, keys: U32, state: U8, claim: U64, touched: U32,
    m: int, soff: I64, mode: I64, adopting: U8, tally: I64, changed: U32,
) -> tuple[int, int, int]:  # fmt: skip
    """As ``table_spontaneous``, with what becomes of each live agent given.

    ``becomes`` is uint8 (count,), 255: nothing. Who changed without a claim is listed in
    ``changed`` (uint32). Returns (agents kept in ``live``, agents touched, agents changed).
    """
    kept = 0
    c = 0
    for i in range(count):
        u: Number = np.uint64(live[i])
        if claim[u] != FREE:
            continue
        code = state[slot(keys, u)]
        s = np.int64(code & CODE)
        new = s
        if becomes[i] != _KEEP:
            new = np.int64(becomes[i])
            if adopting[new] and not code & EVER:
                low = (np.uint64(new) << S32) | np.uint64(NOBODY)
                claim[u] = (word(key, u) << S40) | low
                touched[m] = np.uint32(u)
                m += 1
                continue
            state[take_slot(keys, u)] = (code & EVER) | np.uint8(new)
            tally[s] -= 1
            tally[new] += 1
            changed[c] = np.uint32(u)
            c += new != s
        live[kept] = np.uint32(u)
        kept += mode[new] > 0 or soff[new + 1] > soff[new]
    return kept, m, c


@kernel
def contacts_left(
    rows: U32, targets: U32, live: U32, i: Number, hi: int, e: Number, keys: U32, state: U8,
    closed: U64, total: F64, states: int, speaker: U32, listener: U32, tie: I64, row: I64,
) -> tuple[Number, Number, Number]:  # fmt: skip
    """List contacts of live agents that meet a row of positive chance, from a cursor on.

    The cursor is (place in ``live``, offset in its row). Returns (rows filled, next i, next e).
    """
    n = np.int64(0)
    while i < hi:
        u = live[i]
        base = code_of(keys, state, np.uint64(u)) * states
        start = np.int64(rows[u, 0])
        stop = start + np.int64(rows[u, 1])
        for place in range(start + e, stop):
            if n == speaker.size:
                return n, i, np.int64(place - start)
            v = np.uint64(targets[place])
            r: Number = base + code_of(keys, state, v)
            if total[r] > 0.0 and (closed.size == 0 or is_open(closed, v)):
                speaker[n] = u
                listener[n] = np.uint32(v)
                tie[n] = place
                row[n] = r
                n += 1
        i += 1
        e = np.int64(0)
    return n, i, e
