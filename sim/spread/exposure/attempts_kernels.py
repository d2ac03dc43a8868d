"""Attempts whose chance differs from tie to tie: one chance times a share, filled block by block.

The loops are those of :mod:`sim.jit.claims`: coins pick contacts into a batch, which then
claims its open listeners.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.arrays import F64, I32, U8, U32, U64
from sim.jit.claims import AHEAD, BATCH, BLOCK, FREE, approach, is_open, narrow
from sim.jit.jit import kernel
from sim.jit.mix import uniform, word, word2
from sim.jit.sparse import slot
from sim.jit.types import Number, Word
from sim.jit.words import LOW32, S32, S40
from sim.spread.exposure.overlaps_kernels import approach_labels, fall_by_overlap

LEVELS, NOVELTY, BORDER, EMBEDDED = 0, 1, 2, 3
"""What a share is: one of ``levels`` by a draw of the tie; ``levels[times heard]``; 1 within a
community and ``across`` between two; how far two neighbourhoods overlap."""


class TieShares(NamedTuple):
    """What share of a chance each tie has.

    Attributes
    ----------
    rule
        :data:`LEVELS` (by a draw under ``tie_key``), :data:`NOVELTY` (``keys``, ``heard``: uint8
        sparse column of hearings), :data:`BORDER` or :data:`EMBEDDED`.
    levels
        float64, of the first two rules.
    community, across
        int32 (n,), -1 for none, of the last two rules; ``across`` is the share between two
        communities. :data:`EMBEDDED` with a negative ``across``: the speaker's least overlap.
    """

    rule: int
    tie_key: Word
    levels: F64
    keys: U32
    heard: U8
    community: I32
    across: float


@kernel
def claim_shares(
    rows: U32, targets: U32, speakers: U32, lo: int, hi: int, key: Word, coins: U64, p: float,
    shares: TieShares, done: U64, claim: U64, touched: U32, m: Number,
) -> Number:  # fmt: skip
    """Toss the coin of every tie of ``speakers[lo:hi]``: it falls below ``p`` times its share.

    Parameters
    ----------
    rows, targets
        The network: uint32 (n, 2), uint32 (ties,).
    speakers, lo, hi
        uint32, who speaks, and the part of this call.
    key, coins
        uint64: coins are ``word2(word(key, u), v)``, or given (uint64 (ties,)).
    p, shares
        The chance that is multiplied, and by what.
    done, claim, touched, m
        As in :func:`sim.jit.claims.claim_coins`.

    Returns
    -------
    int
        How many are touched now.
    """
    rule, tie_key, levels, keys, heard, community, across = shares
    share = np.empty(BLOCK)
    fell = np.empty(BLOCK, np.uint8)
    batch = np.empty(BATCH + 1, np.uint64)
    drawn = np.empty(BATCH, np.uint64)
    mates = np.empty(BLOCK, np.uint32)
    inside = np.empty(BLOCK, np.uint8)
    places = np.empty(BLOCK, np.uint32)
    marked = np.zeros(community.size // 64 + 1 if rule == EMBEDDED else 0, np.uint64)
    n: Number = np.int64(0)
    for i in range(lo, hi):
        if (i - lo) % AHEAD == 0:
            batch[BATCH] = approach(rows, targets, speakers, i, min(i + AHEAD, hi))
            if rule == EMBEDDED:
                batch[BATCH] ^= approach_labels(
                    rows, targets, community, speakers, i, min(i + AHEAD, hi), mates
                )
        u = speakers[i]
        start = np.int64(rows[u, 0])
        length: Number = np.int64(rows[u, 1])
        key_u = word(key, u)
        if rule == EMBEDDED:
            if length >= mates.size:
                mates = np.empty(2 * length, np.uint32)
                inside = np.empty(2 * length, np.uint8)
                places = np.empty(2 * length, np.uint32)
                share = np.empty(2 * length)
            found = fall_by_overlap(
                rows, targets, key_u, coins, p, community, across, done, u, mates, inside, share,
                places, marked,
            )  # fmt: skip
            for j in range(found):
                batch[n] = (np.uint64(u) << S32) | np.uint64(places[j])
                n += 1
                if n == BATCH:
                    m = _claim(rows, targets, key, coins, batch, drawn, n, done, claim, touched, m)
                    n = np.int64(0)
            continue
        for first in range(0, length, BLOCK):
            size = min(length - first, BLOCK)
            ties = targets[start + first : start + first + size]
            if rule == LEVELS:
                _fill_levels(word(tie_key, u), levels, ties, share)
            elif rule == NOVELTY:
                _fill_novelty(levels, keys, heard, ties, share)
            else:
                _fill_border(community, u, across, ties, share)
            for j in range(size):
                bits = coins[start + first + j] if coins.size else word2(key_u, ties[j])
                fell[j] = uniform(bits) < p * share[j]
            n = narrow(fell, size, u, first, batch, n)
            if n > BATCH - BLOCK:
                m = _claim(rows, targets, key, coins, batch, drawn, n, done, claim, touched, m)
                n = np.int64(0)
    return _claim(rows, targets, key, coins, batch, drawn, n, done, claim, touched, m)


@kernel
def _fill_levels(key_u: Word, levels: F64, ties: U32, share: F64) -> None:
    """Write one of the levels for each tie, by the draw of that tie."""
    for j in range(ties.size):
        share[j] = levels[int(uniform(word2(key_u, ties[j])) * levels.size)]


@kernel
def _fill_novelty(levels: F64, keys: U32, heard: U8, ties: U32, share: F64) -> None:
    """Write what is left to a listener who heard the message so often."""
    most = levels.size - 1
    for j in range(ties.size):
        share[j] = levels[min(int(heard[slot(keys, np.uint64(ties[j]))]), most)]


@kernel
def _fill_border(community: I32, u: Number, across: float, ties: U32, share: F64) -> None:
    """Write 1 for listeners of the speaker's community, ``across`` for others."""
    own = community[u]
    for j in range(ties.size):
        share[j] = 1.0 if own >= 0 and community[ties[j]] == own else across


@kernel
def _claim(
    rows: U32,
    targets: U32,
    key: Word,
    coins: U64,
    batch: U64,
    drawn: U64,
    n: Number,
    done: U64,
    claim: U64,
    touched: U32,
    m: Number,
) -> Number:
    """Let the contacts ``batch[:n]`` claim their listeners, where open, by their coins."""
    k = 0
    for j in range(n):
        u = batch[j] >> S32
        place = np.uint64(rows[u, 0]) + (batch[j] & LOW32)
        v = np.uint64(targets[place])
        batch[k] = (u << S32) | v
        drawn[k] = coins[place] if coins.size else word2(word(key, u), int(v))
        k += is_open(done, v)
    for j in range(k):
        v = batch[j] & LOW32
        old = claim[v]
        claim[v] = min(old, (drawn[j] << S40) | (batch[j] >> S32))
        touched[m] = np.uint32(v)
        m += old == FREE
    return m
