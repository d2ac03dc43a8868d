"""Draws of a feed: members that a viewer hears and that shared something, and messages of pools.

Every draw is addressed by (tick, viewer, number of the draw); they come first and are judged after.
"""

from __future__ import annotations

import numpy as np

from sim.kernels.jit import kernel, lean
from sim.kernels.mix import word2
from sim.kernels.types import I64, U32, U64, Number, Word

__all__ = [
    "LOOKED_AT", "RING", "approach", "bit_of", "from_pools", "lively_of", "marked", "ones",
    "picked", "unseen",
]  # fmt: skip

RING = 4
"""Messages that a member's ring holds."""
LOOKED_AT = 64
"""Members whom a viewer hears of whom it is asked, at most, whether they shared anything."""

_ONE = np.uint64(1)
_NONE = np.uint64(0)
_S32 = np.uint64(32)
_LOW32 = np.uint64(0xFFFFFFFF)
_HASH = np.uint64(2654435761)
_S26 = np.uint64(26)
_PICKS, _POOLS, _LOOKS = 1 << 40, 1 << 41, 1 << 42
"""Second addresses of a viewer's draws of members, of the pools, of whom it is looked at; a
message's number is that of its own draw, by which equal scores are put in order."""
_A = np.uint64(0x5555555555555555)
_B = np.uint64(0x3333333333333333)
_C = np.uint64(0x0F0F0F0F0F0F0F0F)
_D = np.uint64(0x0101010101010101)
_S1 = np.uint64(1)
_THREE = np.uint64(3)
_S2 = np.uint64(2)
_S4 = np.uint64(4)
_S56 = np.uint64(56)
_FIRST = np.array([0, 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0], np.uint8)
"""The place of the lowest bit of four."""


@kernel
def ones(x: Word) -> Number:
    """Return how many bits of a word are set."""
    x = x - ((x >> _S1) & _A)
    x = (x & _B) + ((x >> _S2) & _B)
    x = (x + (x >> _S4)) & _C
    return np.int64((x * _D) >> _S56)


@kernel
def bit_of(message: int) -> Word:
    """Return the bit of a Bloom word that stands for a message."""
    return _ONE << (((np.uint64(message) * _HASH) & _LOW32) >> _S26)


@kernel
def marked(bits: U64, agent: Number) -> bool:
    """Return whether an agent's bit of a bitmap is set."""
    return bool((bits[agent >> 6] >> np.uint64(agent & 63)) & _ONE != _NONE)


@kernel
def _nth_bit(mask: Word, n: Number) -> Number:
    """Return the place of the n-th set bit, counted from 0; the mask has more than n."""
    for _ in range(n):
        mask &= mask - _ONE
    return ones((mask & (~mask + _ONE)) - _ONE)


@lean
def approach(viewers: U32, low: int, many: int, rows: U32, targets: U32) -> Number:
    """Read the first words of some viewers' rows, so that they come from memory together."""
    sum_of = np.int64(0)
    last = targets.size - 1
    for i in range(many):
        start = np.int64(rows[viewers[low + i], 0])
        if last >= 0:
            near: Number = min(start, np.int64(last))
            far: Number = min(start + 15, np.int64(last))
            sum_of += np.int64(targets[near]) + np.int64(targets[far])
    return sum_of


@lean
def lively_of(
    viewer: Number, rows: U32, targets: U32, live: U64, own: Word, at: Number, by: U32, place: I64
) -> Number:
    """Write whom a viewer hears of those who lately shared something, from ``at`` on.

    Of more than :data:`LOOKED_AT` one is looked at of each equal part. Returns how many.
    """
    start = np.int64(rows[viewer, 0])
    heard = np.int64(rows[viewer, 1])
    found = np.int64(at)
    if heard <= LOOKED_AT:
        for j in range(heard):
            who = targets[start + j]
            by[found] = who
            place[found] = start + j
            found += np.int64(marked(live, np.int64(who)))
        return found - at
    step = (heard << 24) // LOOKED_AT
    for j in range(LOOKED_AT):
        lowest = (j * step) >> 24
        width = np.uint64((((j + 1) * step) >> 24) - lowest)
        where = start + lowest + np.int64(((word2(own, _LOOKS + j) >> _S32) * width) >> _S32)
        by[found] = targets[where]
        place[found] = where
        found += np.int64(marked(live, np.int64(targets[where])))
    return found - at


@lean
def picked(
    own: Word, inside: int, lively: Number, at: Number, by: U32, place: I64, drawn: U64
) -> Number:
    """Keep ``inside`` of the lively, one of each equal part, with a draw each; returns how many."""
    if lively <= inside:
        for j in range(lively):
            drawn[at + j] = word2(own, _PICKS + j)
        return lively
    if inside == 0:
        return np.int64(0)
    step = ((lively << 32) + inside - 1) // inside  # rounded up: floors are those of the quotient
    for j in range(inside):
        lowest = (j * step) >> 32
        width = np.uint64((((j + 1) * step) >> 32) - lowest)
        bits = word2(own, _PICKS + j)
        chosen = at + lowest + np.int64(((bits >> _S32) * width) >> _S32)
        drawn[at + j] = bits
        by[at + j] = by[chosen]
        place[at + j] = place[chosen]
    return np.int64(inside)


@lean
def unseen(
    own: Word, inside: int, begin: Number, end: Number, near: U32, drawn: U64, known: Word,
    base: Number, count: Number, at: Number, found: U32, which: I64,
) -> Number:  # fmt: skip
    """Write what rings hold that a viewer has not seen, from ``at`` on; returns where it ends."""
    kept = np.int64(at)
    picks = np.int64(end) - np.int64(begin)
    if picks == 0:
        return kept
    wanted = min(np.int64(inside), picks * RING)
    each = wanted // picks
    more = wanted - each * picks
    turned = np.int64(((own >> _S32) * np.uint64(picks)) >> _S32)
    for j in range(begin, end):
        fits = np.int64(0)
        for k in range(RING):
            m = near[4 * j + k]
            fits |= np.int64((np.uint32(m - base) < count) & (known & bit_of(m) == _NONE)) << k
        turn = np.int64(drawn[j] & _THREE)
        fits = ((fits >> turn) | (fits << (RING - turn))) & 15
        quota = each + np.int64(turned < more)
        turned = turned + 1 if turned + 1 < picks else np.int64(0)
        for k in range(RING):
            found[kept] = near[4 * j + ((turn + _FIRST[fits]) & 3)]
            which[kept] = j
            kept += np.int64((fits != 0) & (k < quota))
            fits &= fits - 1
    return kept


@lean
def from_pools(
    mine: Word, pool: U32, parts: I64, own: Word, inside: int, outside: int, known: Word,
    base: Number, count: Number, at: Number, found: U32, which: I64,
) -> Number:  # fmt: skip
    """Write what is drawn of the pools, from ``at`` on; returns where it ends."""
    kept = np.int64(at)
    many = ones(mine)
    for j in range(outside):
        bits = word2(own, _POOLS + j)
        part: Number = 64
        if j & 1 == 0 and many > 0:
            part = _nth_bit(mine, np.int64(((bits & _LOW32) * np.uint64(many)) >> _S32))
            if parts[part + 1] == parts[part]:
                part = 64
        size = np.uint64(parts[part + 1] - parts[part])
        if size == _NONE:
            continue
        m = pool[parts[part] + np.int64(((bits >> _S32) * size) >> _S32)]
        found[kept] = m
        which[kept] = 0
        kept += np.int64((np.uint32(m - base) < count) & (known & bit_of(m) == _NONE))
    return kept
