"""Candidates of a feed: what the members that a viewer hears lately shared, and what others like.

A post's hot row is eight uint32 words, one half of a cache line (:data:`WORDS` names them): what a
feed reads of a post is together. Draws come first and are judged after, in short loops, so that
reads from memory overlap. Every draw is addressed by (tick, viewer, number of the draw): chunks,
threads and the order of viewers leave no trace.
"""

from __future__ import annotations

import numpy as np

from sim.kernels.ears import is_closed
from sim.kernels.jit import kernel, lean
from sim.kernels.mix import word, word2
from sim.kernels.types import F32, I64, U8, U16, U32, U64, Number, Word

__all__ = [
    "AUTHOR", "CREATED", "FULL", "LIKES", "META", "NOTHING", "RING", "SHARES", "SHOWN", "TAGS",
    "bit_of", "gather", "ones",
]  # fmt: skip

AUTHOR, CREATED, TAGS, LIKES, SHARES, SHOWN, META = 0, 1, 2, 4, 5, 6, 7
"""Places in a hot row; tags take two words, the low half first. The bytes of ``META``, the lowest
first: appeal, topic, flags, kind."""

NOTHING = np.uint32(0xFFFFFFFF)
"""An empty place in a ring; nobody."""
RING = 4
"""Messages that a member's ring holds."""
FULL = 32
"""A Bloom word with more bits than this is begun anew."""
HIDDEN = np.uint32(2 << 16)
"""The flag of :data:`META` that keeps a post out of every feed."""

_ONE = np.uint64(1)
_NONE = np.uint64(0)
_S6 = np.uint64(6)
_S32 = np.uint64(32)
_M63 = np.uint64(63)
_LOW32 = np.uint64(0xFFFFFFFF)
_HASH = np.uint64(2654435761)
_S26 = np.uint64(26)
_A = np.uint64(0x5555555555555555)
_B = np.uint64(0x3333333333333333)
_C = np.uint64(0x0F0F0F0F0F0F0F0F)
_D = np.uint64(0x0101010101010101)
_S1 = np.uint64(1)
_THREE = np.uint64(3)
_S2 = np.uint64(2)
_S4 = np.uint64(4)
_S56 = np.uint64(56)
_BYTE = np.uint32(255)
_FLAGS = np.uint32(16)
_FULL_TRUST = np.float32(1 / 65535)
_FIRST = np.array([0, 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0], np.uint8)
"""The place of the lowest bit of four."""
_PART = np.array([1.0] + [1.0 / k for k in range(1, 65)], np.float32)
"""One over how many, for counts of 0 (1) to 64."""


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
def _marked(bits: U64, agent: Number) -> bool:
    return bool((bits[agent >> 6] >> np.uint64(agent & 63)) & _ONE != _NONE)


@kernel
def _nth_bit(mask: Word, n: Number) -> Number:
    """Return the place of the n-th set bit, counted from 0; the mask has more than n."""
    for _ in range(n):
        mask &= mask - _ONE
    return ones((mask & (~mask + _ONE)) - _ONE)


@kernel
def gather(
    viewers: U32, low: int, high: int, rows: U32, targets: U32, trust: U16, recent: U32, seen: U64,
    interests: U64, absent: U64, hot: U32, first: int, closed: U64, deaf: U32, deaf_to: U32,
    pool: U32, parts: I64, inside: int, outside: int, key: Word, tick: int, draw: U64, message: U32,
    source: U32, author: U32, trusted: F32, interest: F32, likes: F32, shares: F32, age: F32,
    friends: U8, appeal: U8, flags: U8, stops: I64,
) -> int:  # fmt: skip
    """Write the candidates of ``viewers[low:high]``, viewer by viewer.

    ``inside`` places are shared among the members whom a viewer hears: one each for as many, one
    of each equal part of them; where they are fewer, several each. A member's ring fills its places
    from a random entry on, passing over what is empty or lately seen. ``outside`` more come from
    the pools: in turn from that of one of the viewer's interests, and from everybody's.
    Left out are messages that left the table, that the viewer saw lately, wrote, or gets twice (the
    first stands, and counts how often); hidden ones; and those of members who are away, or whom the
    viewer must not hear.

    Parameters
    ----------
    viewers
        uint32 (k,), who is online.
    rows, targets, trust
        Whom each agent hears: uint32 (n, 2), uint32 (m,), uint16 (m,) or empty for full trust.
    recent, seen
        uint32 (n, 4) rings of messages lately shared; uint64 (n,) Bloom words of what was seen,
        begun anew here when they are full.
    interests
        uint64 (n,).
    absent
        uint64 bitmap of who is not active, or empty.
    hot, first
        uint32 (posts, 8), and the number of its first row.
    closed, deaf, deaf_to
        Closed ears (:mod:`sim.kernels.ears`).
    pool, parts
        uint32 messages, by topic; int64 (66,): where each topic's begin, then everybody's, the end.
    inside, outside
        How many are drawn of each, at most 64 together.
    key, tick
        uint64 of this tick; the tick.
    draw
        uint64 (c,), written: the draw of each candidate.
    message, source, author
        uint32 (c,), written; the source is the first drawn member that shared it, or the author.
    trusted, interest, likes, shares, age
        float32 (c,), written: the viewer's trust in the source, 0 for strangers; the share of the
        message's tags that the viewer has, 1 without tags; counters; ticks since it was posted.
    friends, appeal, flags
        uint8 (c,), written: how many of the drawn members shared it, 0 for a stranger's; the
        message's own.
    stops
        int64 (high - low + 1,), written: where each viewer's candidates begin, and the end.

    Returns
    -------
    How many candidates.
    """
    place, which = np.empty(64, np.int64), np.empty(65, np.int64)
    drawn = np.empty(64, np.uint64)
    found, by = np.empty(65, np.uint32), np.empty(64, np.uint32)
    near = np.empty(64 * RING, np.uint32)
    count = np.uint32(hot.shape[0])
    base = np.uint32(first)
    filled = 0
    for i in range(low, high):
        viewer: Number = np.int64(viewers[i])
        own = word(key, viewer)
        known = np.uint64(seen[viewer])
        if ones(known) > FULL:
            known = _NONE
            seen[viewer] = _NONE
        mine = np.uint64(interests[viewer])
        friendly = _from_rings(
            viewer, rows, targets, recent, own, inside, known, base, count, drawn, found, by, place,
            near, which,
        )  # fmt: skip
        total = _from_pools(
            mine, pool, parts, own, inside, outside, known, base, count, friendly, drawn, found,
            which,
        )  # fmt: skip
        is_deaf = closed.size > 0 and _marked(closed, viewer)
        stops[i - low] = begin = filled
        taken = _NONE
        for j in range(total):
            m = found[j]
            bit = bit_of(m)
            if taken & bit != _NONE:
                twin = begin
                while twin < filled and message[twin] != m:
                    twin += 1
                if twin < filled:
                    friends[twin] += np.uint8(j < friendly)
                    continue
            row = np.int64(np.uint32(m - base))
            writer = hot[row, AUTHOR]
            meta = hot[row, META]
            if writer == viewer or meta & HIDDEN:
                continue
            speaker = by[which[j]] if j < friendly else writer
            if absent.size > 0 and (
                _marked(absent, np.int64(writer)) or _marked(absent, np.int64(speaker))
            ):
                continue
            if is_deaf and (
                is_closed(closed, deaf, deaf_to, viewer, writer)
                or is_closed(closed, deaf, deaf_to, viewer, speaker)
            ):
                continue
            taken |= bit
            tags: Word = np.uint64(hot[row, TAGS]) | (np.uint64(hot[row, TAGS + 1]) << _S32)
            draw[filled] = drawn[which[j]] + np.uint64(j)
            message[filled] = m
            source[filled] = speaker
            author[filled] = writer
            likes[filled] = np.float32(hot[row, LIKES])
            shares[filled] = np.float32(hot[row, SHARES])
            age[filled] = np.float32(tick - np.int64(hot[row, CREATED]))
            appeal[filled] = np.uint8(meta & _BYTE)
            flags[filled] = np.uint8((meta >> _FLAGS) & _BYTE)
            interest[filled] = np.float32(1.0)
            if tags != _NONE:
                interest[filled] = np.float32(ones(tags & mine)) * _PART[ones(tags)]
            friends[filled] = np.uint8(j < friendly)
            trusted[filled] = np.float32(j < friendly)
            if j < friendly and trust.size > 0:
                trusted[filled] = np.float32(trust[place[which[j]]]) * _FULL_TRUST
            filled += 1
    stops[high - low] = filled
    return filled


@lean
def _from_rings(
    viewer: Number, rows: U32, targets: U32, recent: U32, own: Word, inside: int, known: Word,
    base: Number, count: Number, drawn: U64, found: U32, by: U32, place: I64, near: U32,
    which: I64,
) -> Number:  # fmt: skip
    """Write what is drawn of the rings of those whom a viewer hears; returns how many."""
    start = np.int64(rows[viewer, 0])
    heard = np.int64(rows[viewer, 1])
    if heard == 0 or inside == 0:
        return 0
    picks = min(np.int64(inside), heard)
    wanted = min(np.int64(inside), heard * RING)
    for j in range(picks):
        lowest = j * heard // picks
        width = np.uint64((j + 1) * heard // picks - lowest)
        drawn[j] = word2(own, j)
        place[j] = start + lowest + np.int64(((drawn[j] >> _S32) * width) >> _S32)
    for j in range(picks):
        by[j] = targets[place[j]]
    for j in range(picks):
        who = by[j]
        near[4 * j] = recent[who, 0]
        near[4 * j + 1] = recent[who, 1]
        near[4 * j + 2] = recent[who, 2]
        near[4 * j + 3] = recent[who, 3]
    kept = 0
    for j in range(picks):
        fits = 0
        for k in range(RING):
            m = near[4 * j + k]
            fits |= int((np.uint32(m - base) < count) & (known & bit_of(m) == _NONE)) << k
        turn = np.int64(drawn[j] & _THREE)
        fits = ((fits >> turn) | (fits << (RING - turn))) & 15
        for k in range((j + 1) * wanted // picks - j * wanted // picks):
            found[kept] = near[4 * j + ((turn + _FIRST[fits]) & 3)]
            which[kept] = j
            kept += int(fits != 0)
            fits &= fits - 1
    return kept


@lean
def _from_pools(
    mine: Word, pool: U32, parts: I64, own: Word, inside: int, outside: int, known: Word,
    base: Number, count: Number, kept: Number, drawn: U64, found: U32, which: I64,
) -> Number:  # fmt: skip
    """Write what is drawn of the pools behind the first ``kept``; returns how many there are."""
    many = ones(mine)
    for j in range(outside):
        bits = word2(own, inside + j)
        part: Number = 64
        if j & 1 == 0 and many > 0:
            part = _nth_bit(mine, np.int64(((bits & _LOW32) * np.uint64(many)) >> _S32))
            if parts[part + 1] == parts[part]:
                part = 64
        size = np.uint64(parts[part + 1] - parts[part])
        if size == _NONE:
            continue
        m = pool[parts[part] + np.int64(((bits >> _S32) * size) >> _S32)]
        drawn[inside + j] = bits
        found[kept] = m
        which[kept] = inside + j
        kept += int((np.uint32(m - base) < count) & (known & bit_of(m) == _NONE))
    return kept
