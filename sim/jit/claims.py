"""Claims: which source convinced each agent this tick, independent of the order of contacts.

A claim is one uint64 per agent: ``draw << 40 | new_state << 32 | source`` (24 + 8 + 32 bits). Every
successful contact writes the minimum, and no one reads a half-written tick. Claims compare
the low 24 bits of the draw; its high bits decided success. So the winner among several
successes is a fair draw, whatever their chances; equal draws, one in 2**24, go to the smaller state
and source. ``claim`` holds ``FREE`` outside a tick.

The loops run in two stages without branches that a processor could mispredict: coins select
contacts into a *batch*, then the batch is narrowed to open listeners, which are claimed. That is
twice as fast as one loop with the obvious ``if``. A contact in a batch is one uint64,
``speaker << 32 | index into the speaker's row``.
"""

from __future__ import annotations

import numpy as np

from sim.arrays import F64, U8, U16, U32, U64
from sim.jit.jit import kernel
from sim.jit.mix import gate, mix, uniform, word, word2
from sim.jit.words import LOW6, LOW32, ONE, S6, S11, S32, S40, Number, Word

FREE = np.uint64(0xFFFFFFFFFFFFFFFF)
"""No claim on this agent."""
NOBODY = np.uint32(0xFFFFFFFF)
"""The source of a seed, or of a spontaneous change."""

BATCH = 1024
"""Contacts processed at once; their columns stay in the L1 cache."""
BLOCK = 128
"""Ties of a row processed between two checks of whether the batch is full."""
AHEAD = 32
"""Rows that are prefetched together."""

_TINY = 1.1102230246251565e-16
_FAR = 4611686018427387904.0


@kernel
def mark(ids: U32, done: U64) -> None:
    """Set the bit of each id (uint32) in the bitmap ``done`` (uint64, one bit per agent)."""
    for i in range(ids.size):
        v = np.uint64(ids[i])
        done[v >> S6] |= ONE << (v & LOW6)


@kernel
def unmark(ids: U32, done: U64) -> None:
    """Clear the bit of each id (uint32) in the bitmap ``done`` (uint64)."""
    for i in range(ids.size):
        v = np.uint64(ids[i])
        done[v >> S6] &= ~(ONE << (v & LOW6))


@kernel
def first_marked(ids: U32, done: U64) -> int:
    """Return the index of the first id (uint32) whose bit in ``done`` (uint64) is set, or -1."""
    for i in range(ids.size):
        if not is_open(done, np.uint64(ids[i])):
            return i
    return -1


@kernel
def is_open(done: U64, v: Word) -> bool:
    """Return whether the bit of agent ``v`` (uint64) is clear."""
    return bool((done[v >> S6] >> (v & LOW6)) & ONE == np.uint64(0))


@kernel
def count_ties(rows: U32, speakers: U32, lo: int, hi: int) -> Number:
    """Return how many ties the rows (uint32 (n, 2)) of ``speakers[lo:hi]`` (uint32) hold."""
    ties: Number = np.int64(0)
    for i in range(lo, hi):
        ties += np.int64(rows[speakers[i], 1])
    return ties


@kernel
def gap_scale(p: float) -> float:
    """Return ``1 / log1p(-p)`` for a chance 0 < p < 1, finite however small the chance is."""
    return float(1.0 / min(np.log1p(-p), -1e-300))


@kernel
def gap(bits: Word, scale: float) -> Number:
    """Return how many ties a draw skips: geometric, for the :func:`gap_scale` of a chance.

    At most 2**62, which no row reaches.
    """
    return np.int64(min(np.log(_TINY + uniform(bits)) * scale, _FAR))


@kernel
def approach(rows: U32, targets: U32, speakers: U32, lo: int, hi: int) -> Word:
    """Touch both ends of the rows of ``speakers[lo:hi]``.

    The reads are independent, so the memory serves them in parallel; without them a sparse frontier
    waits for each row in turn. The result is meaningless; the caller must keep it so that the
    compiler does not drop the reads.
    """
    seen = np.uint64(0)
    for i in range(lo, hi):
        start = np.int64(rows[speakers[i], 0])
        length = np.int64(rows[speakers[i], 1])
        if length:
            seen ^= np.uint64(targets[start]) ^ np.uint64(targets[start + length - 1])
    return seen


@kernel
def narrow(fell: U8, size: Number, u: Number, first: Number, batch: U64, n: Number) -> Number:
    """Append the contacts of a block whose coin succeeded to a batch; return their new number.

    ``first`` is the place of the block in its row; the slot after the last contact is overwritten.
    """
    contact = (np.uint64(u) << S32) | np.uint64(first)
    for j in range(size):
        batch[n] = contact + np.uint64(j)
        n += fell[j]
    return n


@kernel
def claim_batch(
    rows: U32,
    targets: U32,
    batch: U64,
    drawn: U64,
    n: Number,
    done: U64,
    claim: U64,
    touched: U32,
    m: Number,
) -> Number:
    """Let the contacts ``batch[:n]`` claim their open listeners, by their draws (uint64)."""
    k = 0
    for j in range(n):
        u = batch[j] >> S32
        v = np.uint64(targets[np.uint64(rows[u, 0]) + (batch[j] & LOW32)])
        batch[k] = (u << S32) | v
        drawn[k] = drawn[j]
        k += is_open(done, v)
    for j in range(k):
        v = batch[j] & LOW32
        old = claim[v]
        claim[v] = min(old, (drawn[j] << S40) | (batch[j] >> S32))
        touched[m] = np.uint32(v)
        m += old == FREE
    return m


@kernel
def _claim_tossed(
    rows: U32,
    targets: U32,
    key: Word,
    batch: U64,
    drawn: U64,
    n: Number,
    done: U64,
    claim: U64,
    touched: U32,
    m: Number,
) -> Number:
    """As :func:`claim_batch`, drawing the coin of each tie: ``word2(word(key, u), v)``."""
    for j in range(n):
        u = batch[j] >> S32
        v = targets[np.uint64(rows[u, 0]) + (batch[j] & LOW32)]
        drawn[j] = word2(word(key, u), v)
    return claim_batch(rows, targets, batch, drawn, n, done, claim, touched, m)


@kernel
def claim_coins(
    rows: U32, targets: U32, trust: U16, degree: U32, speakers: U32, lo: int, hi: int, key: Word, p:
    float, done: U64, claim: U64, touched: U32, m: Number,
) -> Number:  # fmt: skip
    """Toss the coin of every tie of ``speakers[lo:hi]``: ``uniform(word2(word(key, u), v)) < p``.

    ``p`` is multiplied by trust / 65535, or if that is empty divided by the listener's ``degree``,
    unless empty. Returns the number of ``touched``; the slot after the last is overwritten.
    """
    fell = np.empty(BLOCK, np.uint8)
    batch = np.empty(BATCH + 1, np.uint64)
    drawn = np.empty(BATCH, np.uint64)
    n: Number = np.int64(0)
    under = gate(p)
    scaled = p / 65535.0
    for i in range(lo, hi):
        if (i - lo) % AHEAD == 0:
            batch[BATCH] = approach(rows, targets, speakers, i, min(i + AHEAD, hi))
        u = speakers[i]
        start = np.int64(rows[u, 0])
        length: Number = np.int64(rows[u, 1])
        key_u = word(key, u)
        for first in range(0, length, BLOCK):
            size = min(length - first, BLOCK)
            heard = targets[start + first : start + first + size]
            if trust.size:
                share = trust[start + first : start + first + size]
                for j in range(size):
                    fell[j] = uniform(word2(key_u, heard[j])) < scaled * share[j]
            elif degree.size:
                for j in range(size):
                    whole = max(degree[heard[j]], 1)
                    fell[j] = uniform(word2(key_u, heard[j])) * whole < p
            else:
                for j in range(size):
                    fell[j] = (word2(key_u, heard[j]) >> S11) < under
            n = narrow(fell, size, u, first, batch, n)
            if n > BATCH - BLOCK:
                m = _claim_tossed(rows, targets, key, batch, drawn, n, done, claim, touched, m)
                n = np.int64(0)
    return _claim_tossed(rows, targets, key, batch, drawn, n, done, claim, touched, m)


@kernel
def claim_skips(
    rows: U32, targets: U32, speakers: U32, lo: int, hi: int, key: Word, scale: float, done: U64,
    claim: U64, touched: U32, m: Number,
) -> Number:  # fmt: skip
    """As :func:`claim_coins`, by geometric gaps: only the successful ties are visited.

    ``scale`` is the :func:`gap_scale` of the chance. Same distribution as coins, different draws.
    """
    batch = np.empty(BATCH, np.uint64)
    drawn = np.empty(BATCH, np.uint64)
    n = np.int64(0)
    for i in range(lo, hi):
        u = speakers[i]
        length: Number = np.int64(rows[u, 1])
        key_u = word(key, u)
        k = 0
        bits = word2(key_u, k)
        e = gap(bits, scale)
        while e < length:
            batch[n] = (np.uint64(u) << S32) | np.uint64(e)
            drawn[n] = bits
            n += 1
            if n == BATCH:
                m = claim_batch(rows, targets, batch, drawn, n, done, claim, touched, m)
                n = np.int64(0)
            k += 1
            bits = word2(key_u, k)
            e += 1 + gap(bits, scale)
    return claim_batch(rows, targets, batch, drawn, n, done, claim, touched, m)


@kernel
def claim_given(
    rows: U32, targets: U32, chance: F64, coins: U64, speakers: U32, lo: int, hi: int, done: U64,
    claim: U64, touched: U32, m: Number,
) -> Number:  # fmt: skip
    """As :func:`claim_coins`, with a given chance (float64) and coin (uint64 bits) for each tie."""
    batch = np.empty(1, np.uint64)
    drawn = np.empty(1, np.uint64)
    for i in range(lo, hi):
        u = speakers[i]
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            if uniform(coins[e]) < chance[e]:
                batch[0] = (np.uint64(u) << S32) | np.uint64(e - start)
                drawn[0] = coins[e]
                m = claim_batch(rows, targets, batch, drawn, 1, done, claim, touched, m)
    return m


@kernel
def commit_once(touched: U32, m: int, done: U64, claim: U64, sources: U32) -> None:
    """Turn the claims on ``touched[:m]`` (uint32) into adoptions.

    Sets their bit in ``done``, writes their source into ``sources`` (uint32) and clears the
    claims.
    """
    for i in range(m):
        v = np.uint64(touched[i])
        sources[i] = np.uint32(claim[v] & LOW32)
        claim[v] = FREE
        done[v >> S6] |= ONE << (v & LOW6)


@kernel
def remix(bits: Word) -> Word:
    """Return a second word derived from one draw (uint64)."""
    return mix(np.uint64(bits) + np.uint64(0x632BE59BD9B4E019))
