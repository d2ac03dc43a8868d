"""Feeds by a weighted sum, from draws to slots in one pass: candidates never leave the first cache.

What comes of it is what :func:`sim.platform.feed.candidates_kernels.gather`,
:func:`sim.platform.feed.ranking_kernels.add_up` and
:func:`sim.platform.feed.ranking_kernels.select` make of the same, to the last bit.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from sim.jit.jit import inlined, kernel, lean
from sim.jit.mix import word2
from sim.jit.types import F32, I64, U8, U16, U32, U64, Number, Word
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
from sim.platform.feed.draws_kernels import BLOCK, MOST, bit_of, draws
from sim.platform.feed.ranking_kernels import as_byte, bits_of, place_of, summed

__all__ = ["serve"]

_NONE = np.uint64(0)
_NONE_YET = cast("int", np.int64(0))  # a bare 0 has a type, and a compilation, of its own
_S32 = np.uint64(32)
_LOW32 = np.uint64(0xFFFFFFFF)
_BYTE = np.uint32(255)
_NO_TRUST = np.float32(0.0)
_OLDEST = np.float32(255.0)


@kernel
def serve(
    viewers: U32, low: int, high: int, rows: U32, targets: U32, trust: U16, recent: U32, live: U64,
    seen: U64, interests: U64, absent: U64, hot: U32, first: int, closed: U64, deaf: U32,
    deaf_to: U32, pool: U32, parts: I64, inside: int, outside: int, key: Word, tick: int,
    weights: F32, half_life: float, saturation: float, slots: int, counts: U8, shown: U32,
    shared_by: U32, scores: U32, trusts: U8, cares: U8, ages: U8, proofs: U8, appeals: U8,
    marks: U8,
) -> int:  # fmt: skip
    """Write the best candidates of ``viewers[low:high]`` by a weighted sum; mark them as seen.

    Parameters
    ----------
    viewers ... tick
        As :func:`~sim.platform.feed.candidates_kernels.gather` takes them.
    weights, half_life, saturation
        As :func:`~sim.platform.feed.ranking_kernels.add_up`; finite, ``half_life`` and
        ``saturation`` over 0.
    slots
        How many a viewer is shown at most, up to 255.
    counts
        uint8 (high - low,), written: exposures of each viewer.
    shown ... marks
        As :func:`~sim.platform.feed.ranking_kernels.select` writes them from 0 on; they have room
        for 64 more.

    Returns
    -------
    How many exposures.
    """
    room = BLOCK * MOST
    by, place = np.empty(room + 1, np.uint32), np.empty(room + 1, np.int64)
    drawn, topics = np.empty(room, np.uint64), np.empty(64, np.int64)
    found, which = np.empty(room + 1, np.uint32), np.empty(room + 1, np.int64)
    own, begins = np.empty(BLOCK, np.uint64), np.empty(BLOCK + 1, np.int64)
    friendly, ends = np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64)
    message, source = np.empty(MOST, np.uint32), np.empty(MOST, np.uint32)
    trusted, interest = np.empty(MOST, np.float32), np.empty(MOST, np.float32)
    age, friends = np.empty(MOST, np.float32), np.empty(MOST, np.uint8)
    order, rank = np.empty(MOST, np.uint64), np.empty(MOST, np.int64)
    base = np.uint32(first)
    filled = _NONE_YET
    for lo in range(low, high, BLOCK):
        many = min(BLOCK, high - lo)
        draws(
            viewers, lo, many, high, rows, targets, recent, live, seen, interests, hot, base, pool,
            parts, inside, outside, key, by, place, drawn, topics, own, begins, friendly, ends,
            found, which,
        )  # fmt: skip
        filled = _shown(
            viewers, low, lo, many, own, interests, absent, hot, base, closed, deaf, deaf_to, trust,
            by, place, which, found, friendly, ends, tick, weights, np.float32(half_life),
            np.float32(saturation), slots, seen, message, source, trusted, interest, age, friends,
            order, rank, filled, counts, shown, shared_by, scores, trusts, cares, ages, proofs,
            appeals, marks,
        )  # fmt: skip
    return filled


@lean
def _shown(
    viewers: U32, low: int, lo: int, many: int, own: U64, interests: U64, absent: U64, hot: U32,
    base: Number, closed: U64, deaf: U32, deaf_to: U32, trust: U16, by: U32, place: I64, which: I64,
    found: U32, friendly: I64, ends: I64, tick: int, weights: F32, life: Number, enough: Number,
    slots: int, seen: U64, message: U32, source: U32, trusted: F32, interest: F32, age: F32,
    friends: U8, order: U64, rank: I64, filled: int, counts: U8, shown: U32, shared_by: U32,
    scores: U32, trusts: U8, cares: U8, ages: U8, proofs: U8, appeals: U8, marks: U8,
) -> int:  # fmt: skip
    """Rank a block's draws and write what is shown; returns where the next exposure goes."""
    start = np.int64(0)
    for i in range(many):
        viewer = np.int64(viewers[lo + i])
        have = _seen_by(
            viewer, start, friendly[i], ends[i], found, which, by, place, trust, absent, hot, base,
            closed, deaf, deaf_to, message, source, trusted, friends,
        )  # fmt: skip
        start = ends[i]
        mine = np.uint64(interests[viewer])
        for c in range(have):
            row = np.int64(np.uint32(message[c] - base))
            interest[c] = share_of(hot, row, mine)
            age[c] = np.float32(tick - np.int64(hot[row, CREATED]))
            score = summed(
                interest[c], trusted[c], friends[c], age[c], np.float32(hot[row, LIKES]),
                np.float32(hot[row, SHARES]), hot[row, META] >> FLAGS, weights, life, enough,
            )  # fmt: skip
            order[c] = place_of(score) | (word2(own[i], message[c]) & _LOW32)
        _rank(have, order, rank)
        known = np.uint64(seen[viewer])
        for c in range(have):
            at = filled + rank[c]
            meta = hot[np.int64(np.uint32(message[c] - base)), META]
            known |= bit_of(message[c]) if rank[c] < slots else _NONE
            shown[at] = message[c]
            shared_by[at] = source[c]
            scores[at] = bits_of(order[c])
            trusts[at] = as_byte(trusted[c])
            cares[at] = as_byte(interest[c])
            ages[at] = np.uint8(min(age[c], _OLDEST))
            proofs[at] = friends[c]
            appeals[at] = np.uint8(meta & _BYTE)
            marks[at] = np.uint8((meta >> FLAGS) & _BYTE)
        seen[viewer] = known
        counts[lo + i - low] = np.uint8(min(have, slots))
        filled += min(have, slots)
    return filled


@inlined
def _seen_by(
    viewer: Number, start: Number, friendly: Number, end: Number, found: U32, which: I64, by: U32,
    place: I64, trust: U16, absent: U64, hot: U32, base: Number, closed: U64, deaf: U32,
    deaf_to: U32, message: U32, source: U32, trusted: F32, friends: U8,
) -> Number:  # fmt: skip
    """Write those of a viewer's draws that it may see, each once; returns how many."""
    have = np.int64(0)
    taken = _NONE
    for j in range(start, end):
        m = found[j]
        bit = bit_of(m)
        is_friend = j < friendly
        if taken & bit != _NONE:
            twin = 0
            while twin < have and message[twin] != m:
                twin += 1
            if twin < have:
                friends[twin] += np.uint8(is_friend)
                continue
        row = np.int64(np.uint32(m - base))
        writer = hot[row, AUTHOR]
        speaker = by[which[j]] if is_friend else writer
        if not may_see(viewer, writer, speaker, hot[row, META], absent, closed, deaf, deaf_to):
            continue
        taken |= bit
        message[have] = m
        source[have] = speaker
        friends[have] = np.uint8(is_friend)
        trusted[have] = trust_of(trust, place[which[j]]) if is_friend else _NO_TRUST
        have += 1
    return have


@inlined
def _rank(have: Number, order: U64, rank: I64) -> None:
    """Write how many stand before each: what is higher, and of equals what came first."""
    for c in range(have):
        behind = np.int64(0)
        for k in range(c):
            before = np.int64(order[k] >= order[c])
            behind += before
            rank[k] += 1 - before
        rank[c] = behind
