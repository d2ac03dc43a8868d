"""Attempts whose chance differs by tie: one chance times a share, computed block by block.

The loops are those of :mod:`sim.jit.claims`: coins select contacts into a batch, which then
claims its open listeners.

The overlap of ``u`` and ``v`` is c / (d_u + d_v - c), with d the number of listeners and c that of
common ones in u's community. It is rarely needed: coins are tossed first, and only those below an
upper bound of the overlap are compared with its exact value.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.arrays import F64, I32, U8, U32, U64
from sim.jit.claims import AHEAD, BATCH, BLOCK, approach, claim_batch, is_open, narrow
from sim.jit.jit import kernel, lean
from sim.jit.mix import uniform, word, word2
from sim.jit.sparse import slot
from sim.jit.words import LOW6, LOW32, ONE, S6, S32, Number, Word

_FAR_APART = 8


@lean
def approach_labels(
    rows: U32, targets: U32, community: I32, speakers: U32, lo: int, hi: int, spare: U32
) -> Word:  # fmt: skip
    """Prefetch labels (int32) of listeners of ``speakers[lo:hi]`` (uint32), a block per row.

    And for each the row of one listener of another community, whose overlap is likely the smallest.
    As :func:`sim.jit.claims.approach`: no branch waits for any of them. ``spare`` uint32 has room
    for one id per speaker. The result is meaningless; it must be kept.
    """
    seen = np.uint64(0)
    for i in range(lo, hi):
        u = speakers[i]
        start = np.int64(rows[u, 0])
        other = u
        for e in range(start, start + min(np.int64(rows[u, 1]), np.int64(BLOCK))):
            v = targets[e]
            other = v if community[v] != community[u] else other
        spare[i - lo] = other
    for i in range(hi - lo):
        start = np.int64(rows[spare[i], 0])
        length: Number = np.int64(rows[spare[i], 1])
        if length:
            seen ^= np.uint64(targets[start]) ^ np.uint64(targets[start + length - 1])
    for i in range(hi - lo):
        start = np.int64(rows[spare[i], 0])
        if rows[spare[i], 1]:
            seen ^= np.uint64(community[targets[start]])
    return seen


@lean
def fall_by_overlap(
    rows: U32, targets: U32, key_u: Word, coins: U64, p: float, community: I32, across: float, done:
    U64, u: Number, mates: U32, inside: U8, draws: F64, fell: U32, marked: U64,
) -> Number:  # fmt: skip
    """List the ties of ``u`` whose coin is below ``p`` times their share, as places in its row.

    The share is the overlap within u's community, ``across`` outside; with a negative ``across``
    u's smallest overlap. Some closed listeners are left out. ``coins`` are given, or empty.
    ``mates`` to ``fell`` are one longer than the row; ``marked`` is clear before and after.
    """
    start = np.int64(rows[u, 0])
    length = np.int64(rows[u, 1])
    own = community[u]
    k = np.int64(0)
    for j in range(length):
        v = targets[start + j]
        same = community[v] == own
        mates[k] = v
        inside[j] = same and own >= 0
        k += same
    beyond = across if across >= 0.0 else ratio(k, length, k)
    within = ratio(k - 1, length, k - 1) if k else 0.0
    n = np.int64(0)
    if k == 0 and beyond == 0.0:
        return n
    for j in range(length):
        bits = coins[start + j] if coins.size else word2(key_u, targets[start + j])
        draw = uniform(bits)
        draws[j] = draw
        fell[n] = j
        n += draw < p * (within if inside[j] else beyond)
    kept = np.int64(0)
    lowest = 1.0
    for i in range(n):
        j = fell[i]
        v = np.int64(targets[start + j])
        other = np.int64(rows[v, 1])
        most = min(k - 1, other)
        stays = is_open(done, np.uint64(v))
        if inside[j]:
            stays &= draws[j] < p * ratio(most, length, other)
        elif across < 0.0 and stays:
            lowest = min(lowest, draws[j])
        fell[kept] = j
        kept += stays
    _mark(mates, k, marked)
    approach_rows(rows, targets, start, fell, kept, mates)
    n, kept = kept, np.int64(0)
    for i in range(n):
        j = fell[i]
        stays = True
        if inside[j]:
            v = np.int64(targets[start + j])
            other = np.int64(rows[v, 1])
            found = _shared(mates, k, marked, targets, np.int64(rows[v, 0]), other)
            stays = draws[j] < p * ratio(found, length, other)
        fell[kept] = j
        kept += stays
    if across < 0.0 and lowest < 1.0:
        least = _least(rows, targets, p, u, mates, k, inside, lowest, marked)
        n, kept = kept, np.int64(0)
        for i in range(n):
            j = fell[i]
            fell[kept] = j
            kept += inside[j] or draws[j] < p * least
    for i in range(k):
        marked[mates[i] >> S6] = np.uint64(0)
    return kept


@lean
def _mark(mates: U32, k: Number, marked: U64) -> None:
    """Set the bits of ``mates[:k]``."""
    for i in range(k):
        v = np.uint64(mates[i])
        marked[v >> S6] |= ONE << (v & LOW6)


@lean
def approach_rows(
    rows: U32, targets: U32, start: Number, places: U32, n: Number, kept: U32
) -> None:
    """Prefetch both ends of the rows of the listeners at ``places[:n]`` after ``start``.

    As :func:`sim.jit.claims.approach`; the values read are kept in the last entry of ``kept``.
    """
    seen = np.uint32(0)
    for i in range(n):
        v = targets[start + places[i]]
        at = np.int64(rows[v, 0])
        length = np.int64(rows[v, 1])
        if length:
            seen ^= targets[at] ^ targets[at + length - 1]
    kept[kept.size - 1] = seen


@lean
def _shared(mates: U32, k: Number, marked: U64, targets: U32, at: Number, other: Number) -> Number:
    """Return how many of ``targets[at:at + other]`` are among ``mates[:k]``, which are marked."""
    if k * _FAR_APART < other:
        return in_both(mates, 0, k, targets, at, at + other)
    found = np.uint64(0)
    for e in range(at, at + other):
        v = np.uint64(targets[e])
        found += (marked[v >> S6] >> (v & LOW6)) & ONE
    return np.int64(found)


@lean
def ratio(shared: Number, one: Number, other: Number) -> float:
    """Return the overlap of rows of ``one`` and ``other`` listeners that share ``shared``."""
    return float(shared / max(one + other - shared, 1))


@lean
def _least(
    rows: U32, targets: U32, p: float, u: Number, mates: U32, k: Number, inside: U8, lowest: float,
    marked: U64,
) -> float:  # fmt: skip
    """Return the smallest overlap with any listener, or a bound of it below which no coin falls.

    Listeners of other communities, which share the fewest, come first.
    """
    start = np.int64(rows[u, 0])
    length = np.int64(rows[u, 1])
    least = 1.0
    for j in range(length):
        v = targets[start + j]
        other = np.int64(rows[v, 1])
        most = min(k - inside[j], other)
        least = min(least, ratio(most, length, other))
        if lowest >= p * least:
            return least
    least = 1.0
    for same in range(2):
        for j in range(length):
            if inside[j] != same:
                continue
            v = targets[start + j]
            other = np.int64(rows[v, 1])
            found = _shared(mates, k, marked, targets, np.int64(rows[v, 0]), other)
            least = min(least, ratio(found, length, other))
            if lowest >= p * least:
                return least
    return least


@lean
def in_both(one: U32, at: Number, stop: Number, other: U32, low: Number, end: Number) -> Number:
    """Return the number of ids in both ``one[at:stop]`` and ``other[low:end]``, each ascending.

    The first should be the shorter one: its ids are looked up in the second.
    """
    found = np.int64(0)
    while at < stop:
        low = _first_from(other, low, end, one[at])
        if low == end:
            break
        found += other[low] == one[at]
        at += 1
    return found


@lean
def _first_from(targets: U32, low: Number, high: Number, wanted: Number) -> Number:
    """Return the first place in ``low:high`` that holds ``wanted`` or more."""
    while low < high:
        middle = (low + high) // 2
        if targets[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


LEVELS, NOVELTY, BORDER, EMBEDDED = 0, 1, 2, 3
"""The rules for a share: one of ``levels`` drawn per tie; ``levels[times heard]``; 1 within a
community and ``across`` between two; the overlap of two neighbourhoods."""


class TieShares(NamedTuple):
    """The share of the chance for each tie.

    Attributes
    ----------
    rule
        :data:`LEVELS` (by a draw under ``tie_key``), :data:`NOVELTY` (``keys``, ``heard``: uint8
        sparse column of hearings), :data:`BORDER` or :data:`EMBEDDED`.
    levels
        float64, for the first two rules.
    community, across
        int32 (n,), -1 for none, for the last two rules; ``across`` is the share between two
        communities. :data:`EMBEDDED` with a negative ``across``: the speaker's smallest overlap.
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
    """Toss the coin of every tie of ``speakers[lo:hi]``: success is below ``p`` times its share.

    Coins are ``word2(word(key, u), v)``, or given for each tie, unless empty. Returns the number of
    touched agents; the slot after the last is overwritten.
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
    """Write the level for the number of times each listener heard the message."""
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
    rows: U32, targets: U32, key: Word, coins: U64, batch: U64, drawn: U64, n: Number, done: U64,
    claim: U64, touched: U32, m: Number,
) -> Number:  # fmt: skip
    """Let the contacts ``batch[:n]`` claim their open listeners, by their coins."""
    for j in range(n):
        u = batch[j] >> S32
        place = np.uint64(rows[u, 0]) + (batch[j] & LOW32)
        drawn[j] = coins[place] if coins.size else word2(word(key, u), int(targets[place]))
    return claim_batch(rows, targets, batch, drawn, n, done, claim, touched, m)
