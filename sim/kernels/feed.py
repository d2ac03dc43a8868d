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
    "AUTHOR", "CREATED", "FULL", "LIKES", "LOOKED_AT", "META", "NOTHING", "RING", "SHARES", "SHOWN",
    "TAGS",
    "bit_of", "gather", "ones", "sweep",
]  # fmt: skip

AUTHOR, CREATED, TAGS, LIKES, SHARES, SHOWN, META = 0, 1, 2, 4, 5, 6, 7
"""Places in a hot row; tags take two words, the low half first. The bytes of ``META``, the lowest
first: appeal, topic, flags, kind."""

NOTHING = np.uint32(0xFFFFFFFF)
"""An empty place in a ring; nobody."""
RING = 4
"""Messages that a member's ring holds."""
BLOCK = 32
"""Viewers whose reads from memory go together."""
MOST = 64
"""Candidates of a viewer, at most."""
LOOKED_AT = 64
"""Members whom a viewer hears of whom it is asked, at most, whether they shared anything."""
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
    viewers: U32, low: int, high: int, rows: U32, targets: U32, trust: U16, recent: U32, live: U64,
    seen: U64, interests: U64, absent: U64, hot: U32, first: int, closed: U64, deaf: U32,
    deaf_to: U32, pool: U32, parts: I64, inside: int, outside: int, key: Word, tick: int, draw: U64,
    message: U32, source: U32, author: U32, trusted: F32, interest: F32, likes: F32, shares: F32,
    age: F32, friends: U8, appeal: U8, flags: U8, stops: I64,
) -> int:  # fmt: skip
    """Write the candidates of ``viewers[low:high]``, viewer by viewer.

    ``inside`` places are shared among the members whom a viewer hears and who lately shared
    something: one place for each, of more members one of each equal part; where they are fewer,
    several each. A member's ring fills its places from a random entry on, passing over what is
    empty or lately seen. ``outside`` more come from the pools: in turn from that of one of the
    viewer's interests, and from everybody's.
    Left out are messages that left the table, that the viewer saw lately, wrote, or gets twice (the
    first stands, and counts how often); hidden ones; and those of members who are away, or whom the
    viewer must not hear.

    Parameters
    ----------
    viewers
        uint32 (k,), who is online.
    rows, targets, trust
        Whom each agent hears: uint32 (n, 2), uint32 (m,), uint16 (m,) or empty for full trust.
    recent, live
        uint32 (n, 4) rings of messages lately shared; uint64 bitmap of whose hold any.
    seen
        uint64 (n,) Bloom words of what was seen, begun anew here when they are full.
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
    room = BLOCK * MOST
    by, near = np.empty(room + 1, np.uint32), np.empty(room * RING, np.uint32)
    place, drawn = np.empty(room + 1, np.int64), np.empty(room, np.uint64)
    found, writers = np.empty(room + 1, np.uint32), np.empty(room, np.uint32)
    which, own = np.empty(room + 1, np.int64), np.empty(BLOCK, np.uint64)
    begins, ends = np.empty(BLOCK + 1, np.int64), np.empty(BLOCK, np.int64)
    friendly = np.empty(BLOCK, np.int64)
    count = np.uint32(hot.shape[0])
    base = np.uint32(first)
    filled = 0
    for lo in range(low, high, BLOCK):
        many = min(BLOCK, high - lo)
        place[room] = _approach(viewers, lo, many, rows, targets)
        total = 0
        for i in range(many):
            begins[i] = total
            own[i] = word(key, viewers[lo + i])
            lively = _lively(viewers[lo + i], rows, targets, live, own[i], total, by, place)
            total += _picked(own[i], inside, lively, total, by, place, drawn)
        begins[many] = total
        for j in range(total):
            who = np.int64(by[j])
            near[4 * j] = recent[who, 0]
            near[4 * j + 1] = recent[who, 1]
            near[4 * j + 2] = recent[who, 2]
            near[4 * j + 3] = recent[who, 3]
        total = 0
        for i in range(many):
            viewer = np.int64(viewers[lo + i])
            known = np.uint64(seen[viewer])
            if ones(known) > FULL:
                known = _NONE
                seen[viewer] = _NONE
            friendly[i] = _unseen(
                own[i], inside, begins[i], begins[i + 1], near, drawn, known, base, count, total,
                found, which,
            )  # fmt: skip
            ends[i] = total = _from_pools(
                np.uint64(interests[viewer]), pool, parts, own[i], inside, outside, known, base,
                count, friendly[i], found, which,
            )  # fmt: skip
        for j in range(total):
            writers[j] = hot[np.int64(np.uint32(found[j] - base)), AUTHOR]
        start = np.int64(0)
        for i in range(many):
            viewer = np.int64(viewers[lo + i])
            mine = np.uint64(interests[viewer])
            is_deaf = closed.size > 0 and _marked(closed, viewer)
            stops[lo + i - low] = begin = filled
            taken = _NONE
            for j in range(start, ends[i]):
                m = found[j]
                bit = bit_of(m)
                is_friend = j < friendly[i]
                if taken & bit != _NONE:
                    twin = begin
                    while twin < filled and message[twin] != m:
                        twin += 1
                    if twin < filled:
                        friends[twin] += np.uint8(is_friend)
                        continue
                row = np.int64(np.uint32(m - base))
                writer = writers[j]
                meta = hot[row, META]
                if writer == viewer or meta & HIDDEN:
                    continue
                speaker = by[which[j]] if is_friend else writer
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
                draw[filled] = word2(own[i], m)
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
                friends[filled] = np.uint8(is_friend)
                trusted[filled] = np.float32(is_friend)
                if is_friend and trust.size > 0:
                    trusted[filled] = np.float32(trust[place[which[j]]]) * _FULL_TRUST
                filled += 1
            start = ends[i]
    stops[high - low] = filled
    return filled


@lean
def _approach(viewers: U32, low: int, many: int, rows: U32, targets: U32) -> Number:
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
def _lively(
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
            found += np.int64(_marked(live, np.int64(who)))
        return found - at
    step = (heard << 24) // LOOKED_AT
    for j in range(LOOKED_AT):
        lowest = (j * step) >> 24
        width = np.uint64((((j + 1) * step) >> 24) - lowest)
        where = start + lowest + np.int64(((word2(own, _LOOKS + j) >> _S32) * width) >> _S32)
        by[found] = targets[where]
        place[found] = where
        found += np.int64(_marked(live, np.int64(targets[where])))
    return found - at


@lean
def _picked(
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
def _unseen(
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
def _from_pools(
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


@kernel
def sweep(recent: U32, first: int, count: int, live: U64) -> None:
    """Mark the members whose ring holds a message that is in the table.

    Parameters
    ----------
    recent
        uint32 (n, 4).
    first, count
        The number of the first message, and how many there are.
    live
        uint64 (words,), written: one bit a member.
    """
    base, many = np.uint32(first), np.uint32(count)
    for word_at in range(live.size):
        bits = _NONE
        for who in range(64 * word_at, min(64 * word_at + 64, recent.shape[0])):
            holds: Number = False
            for k in range(RING):
                holds |= np.uint32(recent[who, k] - base) < many
            bits |= np.uint64(holds) << np.uint64(who & 63)
        live[word_at] = bits
