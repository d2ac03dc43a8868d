"""Candidates of a feed: what the members that a viewer hears lately shared, and what others like.

A post's hot row is eight uint32 words, one half of a cache line (:data:`WORDS` names them): what a
feed reads of a post is together. Draws come first and are judged after, in short loops, so that
reads from memory overlap. Every draw is addressed by (tick, viewer, number of the draw): chunks,
threads and the order of viewers leave no trace.
"""

from __future__ import annotations

import numpy as np

from sim.kernels.ears import is_closed
from sim.kernels.feed_draws import (
    LOOKED_AT,
    RING,
    approach,
    bit_of,
    from_pools,
    lively_of,
    marked,
    ones,
    picked,
    unseen,
)
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
BLOCK = 32
"""Viewers whose reads from memory go together."""
MOST = 64
"""Candidates of a viewer, at most."""
FULL = 32
"""A Bloom word with more bits than this is begun anew."""
HIDDEN = np.uint32(2 << 16)
"""The flag of :data:`META` that keeps a post out of every feed."""

_ONE = np.uint64(1)
_NONE = np.uint64(0)
_S32 = np.uint64(32)
_BYTE = np.uint32(255)
_FLAGS = np.uint32(16)
_FULL_TRUST = np.float32(1 / 65535)
_PART = np.array([1.0] + [1.0 / k for k in range(1, 65)], np.float32)
"""One over how many, for counts of 0 (1) to 64."""


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
    credit = np.ones(room, np.float32)
    count = np.uint32(hot.shape[0])
    base = np.uint32(first)
    filled = 0
    for lo in range(low, high, BLOCK):
        many = min(BLOCK, high - lo)
        place[room] = approach(viewers, lo, many, rows, targets)
        total = 0
        for i in range(many):
            begins[i] = total
            own[i] = word(key, viewers[lo + i])
            lively = lively_of(viewers[lo + i], rows, targets, live, own[i], total, by, place)
            total += picked(own[i], inside, lively, total, by, place, drawn)
        begins[many] = total
        for j in range(total):
            who = np.int64(by[j])
            near[4 * j] = recent[who, 0]
            near[4 * j + 1] = recent[who, 1]
            near[4 * j + 2] = recent[who, 2]
            near[4 * j + 3] = recent[who, 3]
        if trust.size > 0:
            for j in range(total):
                credit[j] = np.float32(trust[place[j]]) * _FULL_TRUST
        total = 0
        for i in range(many):
            viewer = np.int64(viewers[lo + i])
            known = np.uint64(seen[viewer])
            if ones(known) > FULL:
                known = _NONE
                seen[viewer] = _NONE
            friendly[i] = unseen(
                own[i], inside, begins[i], begins[i + 1], near, drawn, known, base, count, total,
                found, which,
            )  # fmt: skip
            ends[i] = total = from_pools(
                np.uint64(interests[viewer]), pool, parts, own[i], inside, outside, known, base,
                count, friendly[i], found, which,
            )  # fmt: skip
        for j in range(total):
            writers[j] = hot[np.int64(np.uint32(found[j] - base)), AUTHOR]
        filled = _judged(
            viewers, low, lo, many, own, interests, absent, hot, base, closed, deaf, deaf_to, by,
            which, found, writers, credit, friendly, ends, tick, filled, draw, message, source,
            author, trusted, interest, likes, shares, age, friends, appeal, flags, stops,
        )  # fmt: skip
    stops[high - low] = filled
    return filled


@lean
def _judged(
    viewers: U32, low: int, lo: int, many: int, own: U64, interests: U64, absent: U64, hot: U32,
    base: Number, closed: U64, deaf: U32, deaf_to: U32, by: U32, which: I64, found: U32,
    writers: U32, credit: F32, friendly: I64, ends: I64, tick: int, filled: int, draw: U64,
    message: U32, source: U32, author: U32, trusted: F32, interest: F32, likes: F32, shares: F32,
    age: F32, friends: U8, appeal: U8, flags: U8, stops: I64,
) -> int:  # fmt: skip
    """Write those of a block's draws that its viewers may see; returns where the next one goes."""
    start = np.int64(0)
    for i in range(many):
        viewer = np.int64(viewers[lo + i])
        mine = np.uint64(interests[viewer])
        is_deaf = closed.size > 0 and marked(closed, viewer)
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
                marked(absent, np.int64(writer)) or marked(absent, np.int64(speaker))
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
            trusted[filled] = np.float32(0.0)
            if is_friend:
                trusted[filled] = credit[which[j]]
            filled += 1
        start = ends[i]
    return filled


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
