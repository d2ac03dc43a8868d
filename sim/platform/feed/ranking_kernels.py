"""From scores to slots: the best few candidates of each viewer, in order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.arrays import F32, I64, U8, U16, U32
from sim.jit.jit import inlined, kernel
from sim.jit.words import LOW32, S32, Number, Word
from sim.platform.feed.candidates_kernels import SHOWN, CandidateColumns
from sim.platform.feed.draws_kernels import remember

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
def select(
    viewers: U32, low: int, high: int, stops: I64, score: U32, found: CandidateColumns, slots: int,
    seen: U16, counts: U8, shown: ShownColumns,
) -> Number:  # fmt: skip
    """Write the ``slots`` best candidates of ``viewers[low:high]``, and mark them as seen.

    Scores are the bits of a float32; equal ones are ordered by draws, so that the order of agents
    has no effect. Returns the number of exposures; -1 if a score is NaN, and nothing is written.
    ``slots`` is up to 255; ``seen`` is (n, 12).
    """
    best = np.empty(slots + 1, np.uint64)
    at = np.empty(slots + 1, np.int64)
    filled: Number = np.int64(0)
    wrong = False
    for c in range(stops[0], stops[high - low]):
        wrong |= score[c] & _REST > _INFINITE
    if wrong:
        return -1
    for i in range(low, high):
        have = 0
        for c in range(stops[i - low], stops[i - low + 1]):
            bits = score[c]
            rank = bits ^ _ALL if bits & _SIGN else bits ^ _SIGN
            key = (np.uint64(rank) << S32) | (found.bits[c] & LOW32)
            if have == slots and key <= best[have - 1]:
                continue
            k = have if have < slots else slots - 1
            while k > 0 and best[k - 1] < key:
                best[k] = best[k - 1]
                at[k] = at[k - 1]
                k -= 1
            best[k] = key
            at[k] = c
            if have < slots:
                have += 1
        for k in range(have):
            c = at[k]
            remember(seen, np.int64(viewers[i]), found.message[c])
            shown.message[filled] = found.message[c]
            shown.source[filled] = found.source[c]
            shown.score[filled] = score[c]
            shown.trust[filled] = as_byte(found.trust[c])
            shown.interest[filled] = as_byte(found.interest[c])
            shown.age[filled] = np.uint8(min(found.age[c], _BYTE))
            shown.friends[filled] = found.friends[c]
            shown.appeal[filled] = found.appeal_byte[c]
            shown.flags[filled] = found.flags[c]
            filled += 1
        counts[i - low] = np.uint8(have)
    return filled


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
    for c in range(out.size):
        out[c] = summed(
            interest[c], trust[c], friends[c], age[c], likes[c], shares[c], flags[c], weights, life,
            enough,
        )  # fmt: skip


@inlined
def summed(
    interest: Number, trust: Number, friends: Number, age: Number, likes: Number, shares: Number,
    flags: Number, weights: F32, life: Number, enough: Number,
) -> Number:  # fmt: skip
    """Return the weighted sum of :func:`add_up` for one candidate, float32."""
    n = likes + _TWICE * shares
    score = weights[0] * interest + weights[1] * trust
    if friends > 0:
        score += weights[2] + weights[5] * (np.float32(friends) - _LONE)
    score += weights[3] * (life / (life + age))
    score += weights[4] * (n / (n + enough))
    if flags & DOWNRANKED:
        score -= weights[6]
    return score


@inlined
def place_of(score: Number) -> Word:
    """Return a float32 score as the high half of a word; word order is score order."""
    bits = np.float32(score).view(np.uint32)
    return np.uint64(bits ^ _ALL if bits & _SIGN else bits ^ _SIGN) << S32


@inlined
def bits_of(place: Word) -> Number:
    """Return the bits of the score in a word of :func:`place_of`."""
    high = np.uint32(place >> S32)
    return high ^ _SIGN if high & _SIGN else high ^ _ALL


@inlined
def as_byte(share: Number) -> Number:
    """Return a share in [0, 1] as a byte in 1/255, rounded."""
    return np.uint8(share * _BYTE + _HALF)
