"""Candidates of a feed: recent shares of the viewer's sources, and messages from pools.

A post's hot row holds all that a feed reads of it: eight uint32 words, half a cache line (offsets
below). Candidates are drawn first and filtered afterwards, in short loops, so that memory reads
overlap. Every draw is addressed by (tick, viewer, number of the draw): the result does not depend
on chunks, threads or the order of viewers.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np

from sim.arrays import F32, I64, U8, U16, U32, U64
from sim.jit.jit import inlined, kernel, lean
from sim.jit.mix import ones, word2
from sim.jit.words import ONE, S32, ZERO, Number, Word
from sim.network.relations.blocklist_kernels import is_closed
from sim.platform.feed.draws_kernels import (
    BLOCK,
    LOOKED_AT,
    PLACES,
    RING,
    SETS,
    BlockDraws,
    FeedTables,
    block_draws,
    draws,
    hash_of,
    marked,
    remember,
)

__all__ = [
    "AUTHOR", "CREATED", "FLAGS", "HIDDEN", "LIKES", "LOOKED_AT", "META", "NOTHING", "RING",
    "SETS", "SHARES", "SHOWN", "TAGS", "CandidateColumns", "FeedTables",
    "gather", "judge", "remember", "sweep",
]  # fmt: skip

AUTHOR, CREATED, TAGS, LIKES, SHARES, SHOWN, META = 0, 1, 2, 4, 5, 6, 7
"""Offsets in a hot row; tags take two words, the low half first. The bytes of ``META``, lowest
first: appeal, topic, flags, kind."""

NOTHING = np.uint32(0xFFFFFFFF)
"""An empty entry of a ring; no member."""
HIDDEN = np.uint32(2 << 16)
"""The flag of :data:`META` that keeps a post out of every feed."""

_NONE_YET = cast("int", np.int64(0))  # a bare 0 has another type, and needs another compilation
_BYTE = np.uint32(255)
FLAGS = np.uint32(16)
"""Bit offset of the flags in :data:`META`."""
_FULL_TRUST = np.float32(1 / 65535)
_WHOLE, _NO_TRUST = np.float32(1.0), np.float32(0.0)
_LAST = np.uint64(PLACES - 1)
_PART = np.array([1.0] + [1.0 / k for k in range(1, 65)], np.float32)
"""Reciprocals of counts 0 (taken as 1) to 64."""


class CandidateColumns(NamedTuple):
    """Columns of candidates.

    Attributes
    ----------
    bits
        uint64: its draw.
    message, source, author
        uint32; the source is the first drawn member that shared the message, or the author.
    trust, interest, likes, shares, age
        float32: the viewer's trust in the source, 0 for strangers; share of the message's tags
        that the viewer has, 1 without tags; counters; ticks since posting.
    friends, appeal_byte, flags
        uint8: number of drawn members that shared it, 0 for a stranger's; the post's own columns.
    """

    bits: U64
    message: U32
    source: U32
    author: U32
    trust: F32
    interest: F32
    likes: F32
    shares: F32
    age: F32
    friends: U8
    appeal_byte: U8
    flags: U8


@kernel
def gather(
    viewers: U32, low: int, high: int, tables: FeedTables, out: CandidateColumns, stops: I64
) -> Number:
    """Write the candidates of ``viewers[low:high]``, viewer by viewer; return their number.

    ``inside`` places are divided among the viewer's sources that recently shared something (of too
    many, one of each equal part); ``outside`` more come from pools. Left out: seen, own, hidden or
    duplicate messages, and those of inactive or blocked members. ``stops`` takes each viewer's
    offset, and the end; ``out`` has room for the most there can be.
    """
    block = block_draws()
    filled = _NONE_YET
    for lo in range(low, high, BLOCK):
        many = min(BLOCK, high - lo)
        draws(viewers, lo, many, high, tables, block)
        filled = judge(viewers, low, lo, many, tables, block, filled, out, stops)
    stops[high - low] = filled
    return filled


@lean
def judge(
    viewers: U32, low: int, lo: int, many: int, tables: FeedTables, block: BlockDraws, filled: int,
    out: CandidateColumns, stops: I64,
) -> Number:  # fmt: skip
    """Write those of a block's draws that its viewers may see, each once, from ``filled`` on.

    ``stops`` takes the offset of each viewer, from index ``lo - low`` on. Return the end.
    """
    hot, found, message, friends = tables.hot, block.found, out.message, out.friends
    base, places = np.uint32(tables.first), block.places
    start, at = np.int64(0), np.uint64(filled)
    for i in range(many):
        viewer = np.int64(viewers[lo + i])
        stops[lo + i - low] = np.int64(at)
        mine = np.uint64(tables.interests[viewer])
        before = at - ONE
        for k in range(PLACES):
            places[k] = 0
        for j in range(start, block.ends[i]):
            m = found[j]
            is_friend = j < block.friendly[i]
            place = hash_of(m)
            twin = np.uint64(places[place])
            while twin != ZERO and message[before + twin] != m:
                place = (place + ONE) & _LAST
                twin = np.uint64(places[place])
            if twin != ZERO:
                friends[before + twin] += np.uint8(is_friend)
                continue
            row = np.int64(np.uint32(m - base))
            writer = hot[row, AUTHOR]
            meta = hot[row, META]
            speaker = block.by[block.which[j]] if is_friend else writer
            if not _may_see(tables, viewer, writer, speaker, meta):
                continue
            places[place] = np.uint8(at - before)
            out.bits[at] = word2(block.own[i], m)
            message[at] = m
            out.source[at] = speaker
            out.author[at] = writer
            out.likes[at] = np.float32(hot[row, LIKES])
            out.shares[at] = np.float32(hot[row, SHARES])
            out.age[at] = np.float32(tables.tick - np.int64(hot[row, CREATED]))
            out.appeal_byte[at] = np.uint8(meta & _BYTE)
            out.flags[at] = np.uint8((meta >> FLAGS) & _BYTE)
            out.interest[at] = _share_of(hot, row, mine)
            friends[at] = np.uint8(is_friend)
            tie = block.place[block.which[j]]
            out.trust[at] = _trust_of(tables.trust, tie) if is_friend else _NO_TRUST
            at += ONE
        start = block.ends[i]
    return np.int64(at)


@inlined
def _may_see(
    tables: FeedTables, viewer: Number, writer: Number, speaker: Number, meta: Number
) -> bool:
    """Return whether a viewer may be shown a message."""
    absent, closed = tables.absent, tables.closed
    if writer == viewer or meta & HIDDEN:
        return False
    if absent.size > 0 and (marked(absent, np.int64(writer)) or marked(absent, np.int64(speaker))):
        return False
    if closed.size == 0 or not marked(closed, viewer):
        return True
    return not (
        is_closed(closed, tables.deaf, tables.deaf_to, viewer, writer)
        or is_closed(closed, tables.deaf, tables.deaf_to, viewer, speaker)
    )


@inlined
def _share_of(hot: U32, row: Number, mine: Word) -> Number:
    """Return the share of a message's tags that a viewer has, float32; 1 without tags."""
    tags: Word = np.uint64(hot[row, TAGS]) | (np.uint64(hot[row, TAGS + 1]) << S32)
    if tags == ZERO:
        return _WHOLE
    return np.float32(ones(tags & mine)) * _PART[ones(tags)]


@inlined
def _trust_of(trust: U16, place: Number) -> Number:
    """Return the trust of a tie, float32."""
    return np.float32(trust[place]) * _FULL_TRUST if trust.size > 0 else _WHOLE


@kernel
def sweep(recent: U32, first: int, count: int, live: U64) -> None:
    """Mark in a bitmap the members whose ring holds one of ``count`` messages from ``first`` on."""
    base, many = np.uint32(first), np.uint32(count)
    for word_at in range(live.size):
        bits = ZERO
        for who in range(64 * word_at, min(64 * word_at + 64, recent.shape[0])):
            holds: Number = False
            for k in range(RING):
                holds |= np.uint32(recent[who, k] - base) < many
            bits |= np.uint64(holds) << np.uint64(who & 63)
        live[word_at] = bits
