"""Kernels that draw agents' personality, activity and interests, each at its own address.

Every kernel fills rows ``start .. start + len(out)`` of a column; row ``i`` depends only on the key
and on ``i``, so that values do not depend on the size of the world or on how it grew.
"""

from __future__ import annotations

import numpy as np

from sim.arrays import F32, I32, I64, U8, U64
from sim.jit.jit import kernel
from sim.jit.mix import mix, word, word2
from sim.jit.words import ONE, S11, ZERO

TABLE = 4096
"""Entries of the popularity table: the top 12 bits of a draw are the index."""
SLOTS = 8
"""Entries of a community's row of topics, padded by repeating its first topics."""
LEAN = 0.6
"""Chance that a member's interest is drawn from the topics of its community."""
MOST_INTERESTS = 6
"""An agent has 3 to 6 interests."""

_THREE_BITS = np.uint64(7)
_TEN_BITS = np.uint64(1023)
_UNDER_LEAN = np.uint64(int(LEAN * 1024))
_LOW_21 = np.uint64((1 << 21) - 1)
_S10 = np.uint64(10)
_S21 = np.uint64(21)
_S42 = np.uint64(42)
_S52 = np.uint64(52)
_S62 = np.uint64(62)
_CUT = np.uint64(24576)  # 3 * 2**21 / 256: three 21-bit numbers summed, to one byte
_TRIES = 48  # draws before the lowest free topics are used; reached only by lopsided vocabularies
_QUIETEST = 0.01
_STEP_53 = 1.1102230246251565e-16
_PRIME = np.uint64(0x100000001B3)
_BASIS = np.uint64(0xCBF29CE484222325)


@kernel
def fill_personality(key: np.uint64, start: int, out: U8) -> None:
    """Draw the Big Five into (n, 5): each the mean of three uniforms (sd 0.167), in 1/255."""
    for row in range(out.shape[0]):
        own = word(key, start + row)
        for trait in range(5):
            bits = word2(own, trait)
            total = (bits & _LOW_21) + ((bits >> _S21) & _LOW_21) + ((bits >> _S42) & _LOW_21)
            out[row, trait] = np.uint8(total // _CUT)


@kernel
def fill_activity(key: np.uint64, start: int, out: F32) -> None:
    """Draw the share of ticks online: 0.01 + 0.99 u^3, mean 0.26, median 0.13."""
    for row in range(out.shape[0]):
        u = float(word(key, start + row) >> S11) * _STEP_53
        out[row] = np.float32(_QUIETEST + (1.0 - _QUIETEST) * (u * u * u))


@kernel
def fill_topics(key: np.uint64, table: U8, out: U8) -> None:
    """Draw 4 to 6 topics of each community from ``table`` (4096,), and repeat them up to eight."""
    for row in range(out.shape[0]):
        own = word(key, row)
        wanted = 4 + int(word2(own, 0) % np.uint64(3))
        taken = ZERO
        have = 0
        for attempt in range(1, _TRIES):
            topic = table[int(word2(own, attempt) >> _S52)]
            bit = ONE << np.uint64(topic)
            if taken & bit == ZERO:
                taken |= bit
                out[row, have] = topic
                have += 1
                if have == wanted:
                    break
        for slot in range(have, out.shape[1]):
            out[row, slot] = out[row, slot - have]


@kernel
def fill_interests(
    key: np.uint64,
    start: int,
    community: I32,
    topics: U8,
    table: U8,
    size: int,
    out: U64,
) -> None:
    """Draw 3 to 6 interests per agent (bit t: topic t); members favour topics of their community.

    ``community`` -1: none; ``topics`` is (communities, 8), ``table`` is (4096,).
    """
    for row in range(out.shape[0]):
        own = word(key, start + row)
        wanted = min(3 + int(word2(own, 0) >> _S62), size)
        label = community[row]
        mask = ZERO
        have = 0
        for attempt in range(1, _TRIES):
            bits = word2(own, attempt)
            if label >= 0 and (bits & _TEN_BITS) < _UNDER_LEAN:
                topic = topics[label, int((bits >> _S10) & _THREE_BITS)]
            else:
                topic = table[int(bits >> _S52)]
            bit = ONE << np.uint64(topic)
            if mask & bit == ZERO:
                mask |= bit
                have += 1
                if have == wanted:
                    break
        while have < wanted:
            low = (mask + ONE) & ~mask  # the lowest topic not taken yet
            mask |= low
            have += 1
        out[row] = mask


@kernel
def hash_texts(blob: U8, offsets: I64, out: U64) -> None:
    """Hash each text (FNV-1a over its UTF-8, then mixed); the last of ``offsets`` is the end."""
    for row in range(out.shape[0]):
        h = _BASIS
        for at in range(offsets[row], offsets[row + 1]):
            h = (h ^ np.uint64(blob[at])) * _PRIME
        out[row] = mix(h)
