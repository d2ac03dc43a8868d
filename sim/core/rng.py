"""Addressed randomness: every draw is named by what it is for, never drawn in sequence.

``key`` folds (seed, stream, salt, tick) into 64 bits; ``words`` and ``uniforms`` turn ids into
draws. Kernels continue the same chain (:mod:`sim.kernels.mix`), bit for bit.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt

__all__ = ["Stream", "fold", "key", "uniforms", "words"]

_MASK = (1 << 64) - 1
_C1 = 0x9E3779B97F4A7C15
_C2 = 0xD1B54A32D192ED03
_C3 = 0x8CB92BA72F3D8DD7
_K1 = 0x632BE59BD9B4E019


class Stream(IntEnum):
    """What a draw is for. Numbers are part of the world format: never renumber, only add."""

    TIES = 1
    TRUST = 2
    COMMUNITY = 3
    PERSONALITY = 4
    INTERESTS = 5
    ACTIVITY = 6
    NAMES = 7
    COINS = 8
    THRESHOLDS = 9
    SPONTANEOUS = 10
    OUTCOMES = 11
    CONTACTS = 12
    SEEDS = 13
    ANALYSIS = 14
    SAMPLE = 15
    MODEL = 16
    WAKE = 17
    CHRONOTYPES = 18
    WRITE = 19
    FEED = 20
    ACTS = 21
    TEXTS = 22


def _mix(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def fold(seed: int) -> int:
    """Return any integer folded to 64 bits, 0 <= result < 2**64; small seeds stay themselves."""
    folded = seed & _MASK
    seed >>= 64
    while seed not in {0, -1}:
        folded = _mix(folded ^ (seed & _MASK))
        seed >>= 64
    return folded


def key(seed: int, stream: int, tick: int = 0, salt: int = 0) -> np.uint64:
    """Return the key under which the ids of one purpose draw.

    Parameters
    ----------
    seed
        The world's seed, any integer.
    stream
        A :class:`Stream`: the purpose.
    tick
        The tick, where the draw is made anew each tick; else 0.
    salt
        The cascade's id, where the draw belongs to one; else 0.

    Returns
    -------
    numpy.uint64

    Examples
    --------
    >>> hex(key(7, Stream.COINS))
    '0x332a4bc4d9856755'
    >>> bool(key(7, Stream.COINS, tick=1) == key(7, Stream.COINS, tick=2))
    False
    """
    return np.uint64(_mix((_before_tick(seed, stream, salt) + int(tick) * _C1 + _C3) & _MASK))


@lru_cache(maxsize=16_384)
def _before_tick(seed: int, stream: int, salt: int) -> int:
    """Return what a key shares with those of other ticks; a thousand cascades ask each tick."""
    z = _mix((fold(seed) + _C1) & _MASK)
    z = _mix((z + int(stream) * _C2 + _K1) & _MASK)
    return _mix((z + int(salt) * _C3 + _C1) & _MASK)


def _mix_array(z: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def words(
    key: np.uint64, ids: npt.ArrayLike, ids2: npt.ArrayLike | None = None
) -> npt.NDArray[np.uint64]:
    """Return the 64 random bits at each address.

    Parameters
    ----------
    key
        From :func:`key`.
    ids, ids2
        Integers, broadcast together.

    Returns
    -------
    uint64 array of the broadcast shape
    """
    with np.errstate(over="ignore"):
        first = np.atleast_1d(np.asarray(ids)).astype(np.uint64)
        out = _mix_array(first * np.uint64(_C1) + np.uint64(key))
        if ids2 is None:
            return out
        second = np.atleast_1d(np.asarray(ids2)).astype(np.uint64)
        return _mix_array(second * np.uint64(_C2) + out)


def uniforms(
    key: np.uint64, ids: npt.ArrayLike, ids2: npt.ArrayLike | None = None
) -> npt.NDArray[np.float64]:
    """Return a float64 in [0, 1) at each address, 53 bits of resolution."""
    bits = words(key, ids, ids2) >> np.uint64(11)
    return bits.astype(np.float64) * 2.0**-53
