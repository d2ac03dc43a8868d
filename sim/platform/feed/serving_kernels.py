"""Feeds by a weighted sum, from draws to slots in one pass: candidates stay in the L1 cache.

The result is bit for bit that of :func:`sim.platform.feed.candidates_kernels.gather`,
:func:`sim.platform.feed.ranking_kernels.add_up` and
:func:`sim.platform.feed.ranking_kernels.select`.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np

from sim.arrays import F32, I64, U8, U32, U64
from sim.jit.jit import inlined, kernel, lean
from sim.jit.mix import word2
from sim.jit.words import LOW32, ZERO, Number
from sim.platform.feed.candidates_kernels import (
    AUTHOR,
    CREATED,
    FLAGS,
    LIKES,
    META,
    SHARES,
    may_see,
    share_of,
    trust_of,
)
from sim.platform.feed.draws_kernels import (
    BLOCK,
    MOST,
    BlockDraws,
    FeedTables,
    bit_of,
    block_draws,
    draws,
    remember,
)
from sim.platform.feed.ranking_kernels import ShownColumns, as_byte, bits_of, place_of, summed

_NONE_YET = cast("int", np.int64(0))  # a bare 0 has another type, and needs another compilation
_BYTE = np.uint32(255)
_NO_TRUST = np.float32(0.0)
_OLDEST = np.float32(255.0)


class _Seen(NamedTuple):
    """Candidates of one viewer: columns, sort order, and rank of each."""

    message: U32
    source: U32
    trust: F32
    interest: F32
    age: F32
    friends: U8
    order: U64
    rank: I64


@kernel
def serve(
    viewers: U32, low: int, high: int, tables: FeedTables, weights: F32, half_life: float,
    saturation: float, slots: int, counts: U8, shown: ShownColumns,
) -> int:  # fmt: skip
    """Write the best candidates of ``viewers[low:high]`` by a weighted sum, and mark them as seen.

    ``shown`` has room for 64 more; ``slots`` is up to 255; ``weights`` are finite; ``half_life``
    and ``saturation`` are over 0. Returns the number of exposures.
    """
    block = block_draws()
    have = _Seen(
        np.empty(MOST, np.uint32), np.empty(MOST, np.uint32), np.empty(MOST, np.float32),
        np.empty(MOST, np.float32), np.empty(MOST, np.float32), np.empty(MOST, np.uint8),
        np.empty(MOST, np.uint64), np.empty(MOST, np.int64),
    )  # fmt: skip
    life, enough = np.float32(half_life), np.float32(saturation)
    filled = _NONE_YET
    for lo in range(low, high, BLOCK):
        many = min(BLOCK, high - lo)
        draws(viewers, lo, many, high, tables, block)
        filled = _shown(
            viewers, low, lo, many, tables, block, weights, life, enough, slots, have, filled,
            counts, shown,
        )  # fmt: skip
    return filled


@lean
def _shown(
    viewers: U32, low: int, lo: int, many: int, tables: FeedTables, block: BlockDraws, weights: F32,
    life: Number, enough: Number, slots: int, have: _Seen, filled: int, counts: U8,
    shown: ShownColumns,
) -> int:  # fmt: skip
    """Rank a block's draws and write its exposures; return the next free place."""
    hot, base = tables.hot, np.uint32(tables.first)
    start = np.int64(0)
    for i in range(many):
        viewer = np.int64(viewers[lo + i])
        count = _seen_by(viewer, start, block.friendly[i], block.ends[i], tables, block, have)
        start = block.ends[i]
        mine = np.uint64(tables.interests[viewer])
        for c in range(count):
            row = np.int64(np.uint32(have.message[c] - base))
            have.interest[c] = share_of(hot, row, mine)
            have.age[c] = np.float32(tables.tick - np.int64(hot[row, CREATED]))
            score = summed(
                have.interest[c], have.trust[c], have.friends[c], have.age[c],
                np.float32(hot[row, LIKES]), np.float32(hot[row, SHARES]), hot[row, META] >> FLAGS,
                weights, life, enough,
            )  # fmt: skip
            have.order[c] = place_of(score) | (word2(block.own[i], have.message[c]) & LOW32)
        _rank(count, have.order, have.rank)
        for c in range(count):
            at = filled + have.rank[c]
            m = have.message[c]
            meta = hot[np.int64(np.uint32(m - base)), META]
            shown.message[at] = m
            shown.source[at] = have.source[c]
            shown.score[at] = bits_of(have.order[c])
            shown.trust[at] = as_byte(have.trust[c])
            shown.interest[at] = as_byte(have.interest[c])
            shown.age[at] = np.uint8(min(have.age[c], _OLDEST))
            shown.friends[at] = have.friends[c]
            shown.appeal[at] = np.uint8(meta & _BYTE)
            shown.flags[at] = np.uint8((meta >> FLAGS) & _BYTE)
        for k in range(min(count, slots)):
            remember(tables.seen, viewer, shown.message[filled + k])
        counts[lo + i - low] = np.uint8(min(count, slots))
        filled += min(count, slots)
    return filled


@inlined
def _seen_by(
    viewer: Number, start: Number, friendly: Number, end: Number, tables: FeedTables,
    block: BlockDraws, have: _Seen,
) -> Number:  # fmt: skip
    """Write those of a viewer's draws that it may see, each once; return how many."""
    hot, base, message = tables.hot, np.uint32(tables.first), have.message
    count = np.int64(0)
    taken = ZERO
    for j in range(start, end):
        m = block.found[j]
        bit = bit_of(m)
        is_friend = j < friendly
        if taken & bit != ZERO:
            twin = 0
            while twin < count and message[twin] != m:
                twin += 1
            if twin < count:
                have.friends[twin] += np.uint8(is_friend)
                continue
        row = np.int64(np.uint32(m - base))
        writer = hot[row, AUTHOR]
        speaker = block.by[block.which[j]] if is_friend else writer
        if not may_see(tables, viewer, writer, speaker, hot[row, META]):
            continue
        taken |= bit
        message[count] = m
        have.source[count] = speaker
        have.friends[count] = np.uint8(is_friend)
        at = block.place[block.which[j]]
        have.trust[count] = trust_of(tables.trust, at) if is_friend else _NO_TRUST
        count += 1
    return count


@inlined
def _rank(have: Number, order: U64, rank: I64) -> None:
    """Write the rank of each: number of higher ones, and of equal ones that came first."""
    for c in range(have):
        behind = np.int64(0)
        for k in range(c):
            before = np.int64(order[k] >= order[c])
            behind += before
            rank[k] += 1 - before
        rank[c] = behind
