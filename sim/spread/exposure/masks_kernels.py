"""Overlaps within small communities: an agent's listeners among its members are one word.

In a community of at most :data:`SMALL` members each has a *rank*; bit r of an agent's *mask* says
that the member of rank r hears it. What two agents share is counted in a register.

Who hears an agent from other small communities is a word too, its *guests*: up to four numbers of
16 bits, the low ten bits of a guest's community and its rank; others say that nothing is known. So
it is seen, without a look at a row far away, that two agents of different communities share nobody.
"""

from __future__ import annotations

import numpy as np

from sim.arrays import F64, I32, I64, U8, U32, U64
from sim.jit.bits import ones
from sim.jit.claims import is_open
from sim.jit.jit import inlined, lean
from sim.jit.mix import uniform, word2
from sim.jit.types import Number, Word
from sim.jit.words import LOW6, ONE, ZERO
from sim.spread.exposure.overlaps_kernels import ratio

SMALL = 64
"""The most members of a community that a mask has bits for."""

_NO_RANK = np.uint8(255)
_NOBODY = np.uint64(0xFFFFFFFFFFFFFFFF)
_UNKNOWN = np.uint64(0)
_GUESTS = 4
_LABEL = np.uint64(0x3FF)
_SIX, _SIXTEEN = np.uint64(6), np.uint64(16)


@lean
def ranked(community: I32, members: I64, rank: U8) -> None:
    """Give the members of each small community a number; 255 to those of large ones, or of none.

    ``community`` int32 (n,); ``members`` int64, one place more than there are labels, all 0: takes
    how many each has; ``rank`` uint8 (n,).
    """
    for v in range(community.size):
        at = np.int64(community[v])
        before = members[at]
        members[at] = before + 1
        rank[v] = before if before < SMALL else _NO_RANK
    members[members.size - 1] = SMALL + 1  # of none: the label -1 counts from the end
    for v in range(community.size):
        rank[v] = rank[v] if members[community[v]] <= SMALL else _NO_RANK


@inlined
def _mask_of(rows: U32, targets: U32, community: I32, rank: U8, u: Number, own: Number) -> Word:
    """Return which members of the small community ``own`` hear ``u``."""
    start = np.int64(rows[u, 0])
    mask = ZERO
    for e in range(start, start + np.int64(rows[u, 1])):
        v = targets[e]
        mask |= np.uint64(community[v] == own) << (np.uint64(rank[v]) & LOW6)
    return mask


@lean
def mask_all(rows: U32, targets: U32, community: I32, rank: U8, masks: U64, guests: U64) -> None:
    """Make the masks of all in small communities, and everybody's guests, in the order of memory.

    ``masks`` and ``guests`` uint64 (n,).
    """
    for u in range(masks.size):
        own = community[u]
        mask, known = ZERO, _NOBODY
        count = np.int64(0)
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            v = targets[e]
            label, place = community[v], np.uint64(rank[v])
            mask |= np.uint64(label == own) << (place & LOW6)
            guest = (label != own) & (place < SMALL)
            here = ((np.uint64(label) & _LABEL) << _SIX) | (place & LOW6)
            known = (known << _SIXTEEN) | here if guest else known
            count += guest
        if rank[u] < SMALL:
            masks[u] = mask
        guests[u] = known if count <= _GUESTS else _UNKNOWN


@inlined
def _shares_nobody(known: Word, own: Number, mine: Word) -> bool:
    """Return whether no guest is known to be in ``mine``, a mask of the community ``own``.

    False says nothing.
    """
    label = np.uint64(own) & _LABEL
    shared = np.uint64(known == _UNKNOWN)
    for _ in range(_GUESTS):
        member = (mine >> (known & LOW6)) & ONE
        shared |= np.uint64((known >> _SIX) & _LABEL == label) & member
        known >>= _SIXTEEN
    return bool(shared == ZERO)


@lean
def fall_by_masks(
    rows: U32,
    targets: U32,
    key_u: Word,
    coins: U64,
    p: float,
    community: I32,
    across: float,
    rank: U8,
    masks: U64,
    guests: U64,
    done: U64,
    u: Number,
    inside: U8,
    draws: F64,
    fell: U32,
) -> Number:
    """As ``fall_by_overlap`` for a speaker of a small community.

    ``rank`` uint8 (n,) by :func:`ranked`; ``masks`` uint64 (n,), 0 where not made yet; ``guests``
    uint64 (n,), or empty.
    """
    start = np.int64(rows[u, 0])
    length = np.int64(rows[u, 1])
    own = community[u]
    if masks[u] == ZERO:
        masks[u] = _mask_of(rows, targets, community, rank, u, own)
    mine = np.uint64(masks[u])
    k = ones(mine)
    beyond = across if across >= 0.0 else ratio(k, length, k)
    within = ratio(k - 1, length, k - 1) if k else 0.0
    n = np.int64(0)
    if k == 0 and beyond == 0.0:
        return n
    for j in range(length):
        bits = coins[start + j] if coins.size else word2(key_u, targets[start + j])
        draws[j] = uniform(bits)
    for j in range(length):
        inside[j] = community[targets[start + j]] == own
    if across < 0.0 and guests.size:
        for j in range(length - 1, -1, -1):  # the last one's guests have been read
            if not inside[j] and _shares_nobody(guests[targets[start + j]], own, mine):
                beyond = 0.0
                break
    for j in range(length):
        fell[n] = j
        n += draws[j] < p * (within if inside[j] else beyond)
    kept = np.int64(0)
    for i in range(n):
        fell[kept] = fell[i]
        kept += is_open(done, np.uint64(targets[start + fell[i]]))
    n, kept = kept, np.int64(0)
    lowest = 1.0
    for i in range(n):
        j = fell[i]
        v = targets[start + j]
        stays = True
        if inside[j]:
            if masks[v] == ZERO:
                masks[v] = _mask_of(rows, targets, community, rank, v, own)
            found = ones(mine & masks[v])
            stays = draws[j] < p * ratio(found, length, np.int64(rows[v, 1]))
        elif across < 0.0:
            lowest = min(lowest, draws[j])
        fell[kept] = j
        kept += stays
    if lowest < 1.0:
        least = _least_by_masks(
            rows, targets, p, community, rank, masks, u, own, mine, inside, lowest
        )
        n, kept = kept, np.int64(0)
        for i in range(n):
            j = fell[i]
            fell[kept] = j
            kept += inside[j] or draws[j] < p * least
    return kept


@lean
def _least_by_masks(
    rows: U32, targets: U32, p: float, community: I32, rank: U8, masks: U64, u: Number, own: Number,
    mine: Word, inside: U8, lowest: float,
) -> float:  # fmt: skip
    """Return the least overlap with any listener, or a bound of it under which no coin falls."""
    start = np.int64(rows[u, 0])
    length = np.int64(rows[u, 1])
    least = 1.0
    for same in range(2):
        for j in range(length - 1, -1, -1):  # the last one's row has been read
            if inside[j] != same:
                continue
            v = targets[start + j]
            theirs = masks[v] if same else ZERO
            if theirs == ZERO:
                theirs = _mask_of(rows, targets, community, rank, v, own)
            least = min(least, ratio(ones(mine & theirs), length, np.int64(rows[v, 1])))
            if lowest >= p * least:
                return least
    return least
