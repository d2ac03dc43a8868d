"""From scores to slots: the best few candidates of each viewer, in order."""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np

from sim.arrays import F32, I64, U8, U16, U32, U64
from sim.jit.jit import inlined, kernel, lean
from sim.jit.words import LOW32, ONE, S32, ZERO, Number
from sim.platform.feed.candidates_kernels import SHOWN, CandidateColumns, judge
from sim.platform.feed.draws_kernels import BLOCK, MOST, FeedTables, block_draws, draws, remember

_NONE_YET = cast("int", np.int64(0))  # a bare 0 has another type, and needs another compilation
DOWNRANKED = np.uint8(4)
"""The flag that subtracts the last weight of :func:`add_up` from a post's score."""
_SIGN = np.uint32(0x80000000)
_ALL = np.uint32(0xFFFFFFFF)
_REST = np.uint32(0x7FFFFFFF)
_INFINITE = np.uint32(0x7F800000)
_BYTE = np.float32(255.0)
_HALF = np.float32(0.5)
_LONE, _TWICE = np.float32(1.0), np.float32(2.0)


class ShownColumns(NamedTuple):
    """Columns of exposures.

    Attributes
    ----------
    message, source, score
        uint32; the score is stored as the bits of a float32.
    trust, interest, age, friends, appeal, flags
        uint8: trust and interest in 1/255, age in ticks up to 255, the others as in candidates.
    """

    message: U32
    source: U32
    score: U32
    trust: U8
    interest: U8
    age: U8
    friends: U8
    appeal: U8
    flags: U8


@kernel
def serve(
    viewers: U32, low: int, high: int, tables: FeedTables, weights: F32, half_life: float,
    saturation: float, slots: int, counts: U8, shown: ShownColumns,
) -> int:  # fmt: skip
    """Write the best candidates of ``viewers[low:high]`` by :func:`add_up`, and mark them as seen.

    Candidates of a few viewers at a time stay in the L1 cache. ``weights`` are finite;
    ``half_life`` and ``saturation`` are over 0. Returns the number of exposures.
    """
    room = BLOCK * MOST
    block, stops, score = block_draws(), np.empty(BLOCK + 1, np.int64), np.empty(room, np.float32)
    found = CandidateColumns(
        np.empty(room, np.uint64), np.empty(room, np.uint32), np.empty(room, np.uint32),
        np.empty(room, np.uint32), np.empty(room, np.float32), np.empty(room, np.float32),
        np.empty(room, np.float32), np.empty(room, np.float32), np.empty(room, np.float32),
        np.empty(room, np.uint8), np.empty(room, np.uint8), np.empty(room, np.uint8),
    )  # fmt: skip
    bits, best, at = score.view(np.uint32), np.empty(256, np.uint64), np.empty(256, np.uint64)
    filled = _NONE_YET
    for lo in range(low, high, BLOCK):
        many = min(BLOCK, high - lo)
        draws(viewers, lo, many, high, tables, block)
        stops[many] = judge(viewers, lo, lo, many, tables, block, _NONE_YET, found, stops)
        add_up(
            found.interest, found.trust, found.friends, found.age, found.likes, found.shares,
            found.flags, weights, half_life, saturation, score[: stops[many]],
        )  # fmt: skip
        _ordered(bits, stops[many], found.bits)
        filled = _best(
            viewers[lo : lo + many], stops, found, slots, tables.seen, counts[lo - low :], shown,
            filled, best, at,
        )  # fmt: skip
    return filled


@kernel
def select(
    viewers: U32, low: int, high: int, stops: I64, score: U32, found: CandidateColumns, slots: int,
    seen: U16, counts: U8, shown: ShownColumns,
) -> Number:  # fmt: skip
    """Write the ``slots`` best candidates of ``viewers[low:high]``, and mark them as seen.

    Scores are the bits of a float32; equal ones are ordered by draws, so that the order of agents
    has no effect. Returns the number of exposures; -1 if a score is NaN, and none is written.
    ``slots`` is up to 255; ``seen`` is (n, 12). The high half of ``found.bits`` is overwritten.
    """
    if not _ordered(score, stops[high - low], found.bits):
        return -1
    best, at = np.empty(256, np.uint64), np.empty(256, np.uint64)
    return _best(viewers[low:high], stops, found, slots, seen, counts, shown, _NONE_YET, best, at)


@lean
def _ordered(score: U32, count: int, bits: U64) -> bool:
    """Replace the high half of each draw, so that word order is score order; False for a NaN."""
    wrong = False
    for c in range(count):
        own = score[c]
        wrong |= own & _REST > _INFINITE
        place = own ^ _ALL if own & _SIGN else own ^ _SIGN
        bits[c] = (np.uint64(place) << S32) | (bits[c] & LOW32)
    return not wrong


@lean
def _best(
    viewers: U32, stops: I64, found: CandidateColumns, slots: int, seen: U16, counts: U8,
    shown: ShownColumns, filled: int, best: U64, at: U64,
) -> Number:  # fmt: skip
    """Write the candidates with the highest words in ``bits``, from ``filled`` on; return the end.

    ``best`` and ``at`` are working memory.
    """
    most, free = np.uint64(slots), np.uint64(filled)
    for i in range(viewers.size):
        have = least = ZERO
        for j in range(np.uint64(stops[i]), np.uint64(stops[i + 1])):
            word = found.bits[j]
            if have == most and word <= least:
                continue
            k = have if have < most else most - ONE
            while k > ZERO and best[k - ONE] < word:
                best[k], at[k] = best[k - ONE], at[k - ONE]
                k -= ONE
            best[k], at[k] = word, j
            have += np.uint64(have < most)
            least = best[have - ONE]
        for rank in range(have):
            c = at[rank]
            remember(seen, np.int64(viewers[i]), found.message[c])
            shown.message[free] = found.message[c]
            shown.source[free] = found.source[c]
            high = np.uint32(best[rank] >> S32)
            shown.score[free] = high ^ _SIGN if high & _SIGN else high ^ _ALL
            shown.trust[free] = _as_byte(found.trust[c])
            shown.interest[free] = _as_byte(found.interest[c])
            shown.age[free] = np.uint8(min(found.age[c], _BYTE))
            shown.friends[free] = found.friends[c]
            shown.appeal[free] = found.appeal_byte[c]
            shown.flags[free] = found.flags[c]
            free += ONE
        counts[i] = np.uint8(have)
    return np.int64(free)


@kernel
def count_shown(message: U32, first: int, hot: U32) -> None:
    """Count each exposure in its message's row of ``hot``, (posts, 8); all are in the table."""
    base = np.uint32(first)
    for i in range(message.size):
        hot[np.int64(np.uint32(message[i] - base)), SHOWN] += np.uint32(1)


@kernel
def tally(message: U32, first: int, shown: U32) -> None:
    """Count as :func:`count_shown`, but outside the table, if posts must not change yet."""
    base = np.uint32(first)
    for i in range(message.size):
        shown[np.int64(np.uint32(message[i] - base))] += np.uint32(1)


@kernel
def viewers_of(viewers: U32, counts: U8, who: U32, slot: U8) -> None:
    """Write the viewer and the slot (from 0) of each exposure."""
    e = 0
    for i in range(viewers.size):
        for k in range(counts[i]):
            who[e] = viewers[i]
            slot[e] = np.uint8(k)
            e += 1


@kernel
def add_up(
    interest: F32, trust: F32, friends: U8, age: F32, likes: F32, shares: F32, flags: U8,
    weights: F32, half_life: float, saturation: float, out: F32,
) -> None:  # fmt: skip
    """Write the weighted sum of each candidate's features.

    ``weights``: interest, trust, being followed, novelty, popularity, each further friend, and
    (subtracted) being down-ranked. Novelty is 1/2 at ``half_life``, popularity at ``saturation``.
    """
    life, enough = np.float32(half_life), np.float32(saturation)
    liked, trusted, followed, fresh = weights[0], weights[1], weights[2], weights[3]
    popular, further, demoted = weights[4], weights[5], weights[6]
    for c in range(out.size):
        n = likes[c] + _TWICE * shares[c]
        score = liked * interest[c] + trusted * trust[c]
        if friends[c] > 0:
            score += followed + further * (np.float32(friends[c]) - _LONE)
        score += fresh * (life / (life + age[c]))
        score += popular * (n / (n + enough))
        if flags[c] & DOWNRANKED:
            score -= demoted
        out[c] = score


@inlined
def _as_byte(share: Number) -> Number:
    """Return a share in [0, 1] as a byte in 1/255, rounded."""
    return np.uint8(share * _BYTE + _HALF)
