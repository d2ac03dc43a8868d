"""Draws of a feed: sources of a viewer that shared something, and messages from pools.

Every draw is addressed by (tick, viewer, number of the draw). Draws come first and are filtered
afterwards, a few viewers at a time, so that memory is prefetched meanwhile.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.arrays import I64, U8, U16, U32, U64
from sim.jit.jit import inlined, kernel, lean
from sim.jit.mix import ones, word, word2
from sim.jit.prefetch import ahead
from sim.jit.words import LOW32, ONE, S32, THREE, ZERO, Number, Word

BLOCK = 8
"""Viewers whose memory reads are batched."""
MOST = 64
"""Maximum number of candidates per viewer."""
SETS = 12
"""Words per member for seen messages, two messages in each, as a byte of their hash: a full word
matches an unseen message with probability 2/255."""

RING = 4
"""Messages in a member's ring."""
LOOKED_AT = 64
"""Maximum number of sources checked for recent shares."""

_WORDS = 16
"""Ids per cache line."""
_HASH = np.uint64(2654435761)
_S24 = np.uint64(24)
_SETS = np.uint64(SETS)
_BYTE, _S8 = np.uint64(255), np.uint64(8)
_PICKS, _POOLS, _LOOKS = 1 << 40, 1 << 41, 1 << 42
"""Second addresses of a viewer's draws: of members, of pools, of sources to check. The draw that
orders equal scores has the message's number as its address."""
_COMMON = np.uint64(64)
"""Index of the common pool in ``parts``."""
PLACES = 256
"""Places in the hash table of a viewer's messages, a power of two, several times :data:`MOST`."""


class FeedTables(NamedTuple):
    """The tables that the feeds of a tick are drawn from.

    Attributes
    ----------
    rows, targets, trust
        Sources of each agent: uint32 (n, 2), uint32 (m,), uint16 (m,) or empty for full trust.
    recent, live
        uint32 (n, 4) rings of recent shares; uint64 bitmap of members with a nonempty ring.
    seen
        uint16 (n, 12) of recently seen messages; written.
    interests
        uint64 (n,).
    absent
        uint64 bitmap of inactive agents, or empty.
    hot, first
        uint32 (posts, 8), and the number of its first row.
    closed, deaf, deaf_to
        Mutes and blocks (:mod:`sim.network.relations.blocklist_kernels`).
    pool, parts
        uint32 messages by topic; int64 (66,): offset of each topic, of the common pool, the end.
    inside, outside
        Number of draws from the viewer's sources, and from the pools; at most 64 in sum.
    key, tick
        uint64 of this tick's draws; the tick.
    """

    rows: U32
    targets: U32
    trust: U16
    recent: U32
    live: U64
    seen: U16
    interests: U64
    absent: U64
    hot: U32
    first: int
    closed: U64
    deaf: U32
    deaf_to: U32
    pool: U32
    parts: I64
    inside: int
    outside: int
    key: Word
    tick: int


class BlockDraws(NamedTuple):
    """The draws of a block of viewers.

    Attributes
    ----------
    by, place
        uint32, int64: the members drawn, and their places in ``targets``.
    drawn, topics
        uint64, int64: working memory.
    own, begins
        uint64, int64: key of each viewer, and offset of its members.
    friendly, ends
        int64: end of a viewer's messages from members, and of those from pools.
    found, which
        uint32, int64: the messages, and the index of each one's member in ``by``.
    places
        uint8: working memory.
    """

    by: U32
    place: I64
    drawn: U64
    topics: I64
    own: U64
    begins: I64
    friendly: I64
    ends: I64
    found: U32
    which: I64
    places: U8


@kernel
def block_draws() -> BlockDraws:
    """Return working memory for the draws of a block."""
    room = BLOCK * MOST
    return BlockDraws(
        np.empty(room + 1, np.uint32), np.empty(room + 1, np.int64), np.empty(room, np.uint64),
        np.empty(64, np.int64), np.empty(BLOCK, np.uint64), np.empty(BLOCK + 1, np.int64),
        np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64), np.empty(room + 1, np.uint32),
        np.empty(room + 1, np.int64), np.empty(PLACES, np.uint8),
    )  # fmt: skip


@inlined
def hash_of(message: Number) -> Word:
    """Return a message's first place in a table of :data:`PLACES`."""
    return ((np.uint64(message) * _HASH) & LOW32) >> _S24


@kernel
def remember(seen: U16, viewer: Number, message: Number) -> None:
    """Mark a message as seen by a viewer; a third one in a word replaces the oldest."""
    place = _place_of(_salt_of(viewer), message)
    mark = _mark_of(place)
    before = np.uint64(seen[viewer, np.int64(place >> S32)])
    if before & _BYTE != mark:
        seen[viewer, np.int64(place >> S32)] = np.uint16(((before & _BYTE) << _S8) | mark)


@inlined
def _salt_of(viewer: Number) -> Word:
    """Return the viewer's hash salt, so that collisions differ between viewers."""
    return ((np.uint64(viewer) * _HASH) & LOW32) >> _S8


@inlined
def _place_of(salt: Word, message: Number) -> Word:
    """Return the index of a message's word for a viewer (the high half), and its mark there."""
    return (((np.uint64(message) ^ salt) * _HASH) & LOW32) * _SETS


@inlined
def _mark_of(place: Word) -> Word:
    """Return the byte that marks a message in its word; 0 means none."""
    mark = (place >> _S24) & _BYTE
    return mark + np.uint64(mark == ZERO)


@inlined
def _knows(seen: U16, viewer: Number, salt: Word, message: Number) -> bool:
    """Return whether a viewer has seen a message; false positives are possible."""
    place = _place_of(salt, message)
    mark = _mark_of(place)
    both = np.uint64(seen[viewer, np.int64(place >> S32)])
    return bool((both & _BYTE == mark) | (both >> _S8 == mark))


@kernel
def marked(bits: U64, agent: Number) -> bool:
    """Return whether an agent's bit in a bitmap is set."""
    return bool((bits[agent >> 6] >> np.uint64(agent & 63)) & ONE != ZERO)


@lean
def draws(
    viewers: U32, low: int, many: int, upto: int, tables: FeedTables, block: BlockDraws
) -> None:
    """Draw for ``viewers[low:low + many]``."""
    own, by, begins = block.own, block.by, block.begins
    rows, targets, base = tables.rows, tables.targets, np.uint32(tables.first)
    _come(viewers, low + many, min(BLOCK, upto - low - many), rows, targets)
    total = np.int64(0)
    for i in range(many):
        begins[i] = total
        own[i] = word(tables.key, viewers[low + i])
        who, place = viewers[low + i], block.place
        ahead(tables.seen, SETS * np.int64(who))
        ahead(tables.seen, SETS * np.int64(who) + SETS - 1)
        lively = lively_of(who, rows, targets, tables.live, own[i], total, by, place)
        picks = _picked(own[i], tables.inside, lively, total, by, place, block.drawn)
        for j in range(total, total + picks):
            ahead(tables.recent, RING * np.int64(by[j]))
            ahead(tables.trust, place[j])
        total = total + picks
    begins[many] = total
    total = np.int64(0)
    for i in range(many):
        viewer = np.int64(viewers[low + i])
        start = total
        block.friendly[i] = _unseen(tables, block, own[i], begins[i], begins[i + 1], viewer, start)
        mine = np.uint64(tables.interests[viewer])
        block.ends[i] = total = _from_pools(tables, block, mine, own[i], viewer, block.friendly[i])
        for j in range(start, total):
            ahead(tables.hot, 8 * np.int64(np.uint32(block.found[j] - base)))


@inlined
def _come(viewers: U32, low: int, many: int, rows: U32, targets: U32) -> None:
    """Prefetch the first words of some viewers' rows."""
    for i in range(many):
        start = np.int64(rows[viewers[low + i], 0])
        length: Number = np.int64(rows[viewers[low + i], 1])
        ahead(targets, start)
        if length > _WORDS:
            ahead(targets, start + _WORDS)
            ahead(targets, start + min(length - 1, 2 * _WORDS))


@inlined
def lively_of(
    viewer: Number, rows: U32, targets: U32, live: U64, own: Word, at: Number, by: U32, place: I64
) -> Number:
    """Write the viewer's sources that recently shared something, from ``at`` on.

    If it has more than :data:`LOOKED_AT`, one of each equal part is checked. Return the number.
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
        where = start + lowest + np.int64(((word2(own, _LOOKS + j) >> S32) * width) >> S32)
        by[found] = targets[where]
        place[found] = where
        found += np.int64(marked(live, np.int64(targets[where])))
    return found - at


@inlined
def _picked(
    own: Word, inside: int, lively: Number, at: Number, by: U32, place: I64, drawn: U64
) -> Number:
    """Keep ``inside`` of the lively sources, one of each equal part, by draws; return how many."""
    if lively <= inside:
        for j in range(lively):
            drawn[at + j] = word2(own, _PICKS + j)
        return lively
    if inside == 0:
        return np.int64(0)
    step = np.uint64(((lively << 32) + inside - 1) // inside)  # rounded up: floors stay exact
    first, lowest, upto = np.uint64(at), ZERO, ZERO
    for j in range(inside):
        upto += step
        bits = word2(own, _PICKS + j)
        chosen = first + lowest + (((bits >> S32) * ((upto >> S32) - lowest)) >> S32)
        lowest = upto >> S32
        drawn[at + j] = bits
        by[at + j] = by[chosen]
        place[at + j] = place[chosen]
    return np.int64(inside)


@inlined
def _unseen(
    tables: FeedTables, block: BlockDraws, own: Word, begin: Number, end: Number, viewer: Number,
    at: Number,
) -> Number:  # fmt: skip
    """Write messages in rings that a viewer has not seen, from ``at`` on; return the end."""
    recent, by, inside = tables.recent, block.by, tables.inside
    base, count = np.uint32(tables.first), np.uint32(tables.hot.shape[0])
    seen, salt = tables.seen, _salt_of(viewer)
    kept = np.uint64(at)
    picks = np.int64(end) - np.int64(begin)
    if picks == 0:
        return np.int64(kept)
    wanted = min(np.int64(inside), picks * RING)
    each = wanted // picks
    more = wanted - each * picks
    turned = np.int64(((own >> S32) * np.uint64(picks)) >> S32)
    for j in range(begin, end):
        enough = kept + np.uint64(each + np.int64(turned < more))
        turned = turned + 1 if turned + 1 < picks else np.int64(0)
        for k in range(RING):
            m = recent[by[j], (block.drawn[j] + np.uint64(k)) & THREE]
            block.found[kept] = m
            block.which[kept] = j
            kept += np.uint64(_fits(m, seen, viewer, salt, base, count))
            if kept == enough:
                break
    return np.int64(kept)


@inlined
def _fits(
    message: Number, seen: U16, viewer: Number, salt: Word, base: Number, count: Number
) -> Number:
    """Return 1 for an unseen message in the table, else 0."""
    return np.int64((np.uint32(message - base) < count) & (not _knows(seen, viewer, salt, message)))


@inlined
def _from_pools(
    tables: FeedTables, block: BlockDraws, mine: Word, own: Word, viewer: Number, at: Number
) -> Number:
    """Write draws from the pools, from ``at`` on; return the end."""
    topics, parts = block.topics, tables.parts
    base, count = np.uint32(tables.first), np.uint32(tables.hot.shape[0])
    salt = _salt_of(viewer)
    kept = np.uint64(at)
    many = ZERO
    while mine != ZERO:
        lowest = mine & (~mine + ONE)
        topics[many] = ones(lowest - ONE)
        many += ONE
        mine ^= lowest
    for j in range(tables.outside):
        bits = word2(own, _POOLS + j)
        part = _COMMON
        if j & 1 == 0 and many != ZERO:
            part = np.uint64(topics[((bits & LOW32) * many) >> S32])
            if parts[part + ONE] == parts[part]:
                part = _COMMON
        first = np.uint64(parts[part])
        size = np.uint64(parts[part + ONE]) - first
        if size == ZERO:
            continue
        m = tables.pool[first + (((bits >> S32) * size) >> S32)]
        block.found[kept] = m
        block.which[kept] = 0
        kept += np.uint64(_fits(m, tables.seen, viewer, salt, base, count))
    return np.int64(kept)
