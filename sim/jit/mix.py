"""Addressed draws inside kernels: a chain of splitmix64 mixes, one per word of the address.

A draw has no history: it is a pure function of (seed, stream, tick, id, second id), so results do
not depend on threads, order or restarts. Mixing function: Steele, Lea & Flood, "Fast splittable
pseudorandom number generators", OOPSLA 2014.
"""

from __future__ import annotations

import numpy as np

from sim.jit.jit import kernel
from sim.jit.words import S11, Number, Word

C1 = np.uint64(0x9E3779B97F4A7C15)
C2 = np.uint64(0xD1B54A32D192ED03)
K1 = np.uint64(0x632BE59BD9B4E019)
_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)
_S30 = np.uint64(30)
_S27 = np.uint64(27)
_S31 = np.uint64(31)

_PAIRS = np.uint64(0x5555555555555555)
_FOURS = np.uint64(0x3333333333333333)
_EIGHTS = np.uint64(0x0F0F0F0F0F0F0F0F)
_BYTES = np.uint64(0x0101010101010101)
_S1 = np.uint64(1)
_S2 = np.uint64(2)
_S4 = np.uint64(4)
_S56 = np.uint64(56)


@kernel
def mix(z: np.uint64) -> np.uint64:
    """Return the splitmix64 finaliser of ``z`` (uint64)."""
    z = np.uint64(z)  # a Python int below 2**63 would be signed, and its shifts arithmetic
    z = (z ^ (z >> _S30)) * _M1
    z = (z ^ (z >> _S27)) * _M2
    return z ^ (z >> _S31)


@kernel
def word(key: np.uint64, i: int) -> np.uint64:
    """Return the 64 random bits at address ``i`` under ``key``; also a key for :func:`word2`."""
    return mix(np.uint64(key) + np.uint64(i) * C1)


@kernel
def word2(key_i: np.uint64, j: int) -> np.uint64:
    """Return the 64 random bits at second address ``j`` under ``key_i`` (a :func:`word`)."""
    return mix(np.uint64(key_i) + np.uint64(j) * C2)


@kernel
def uniform(bits: np.uint64) -> float:
    """Return ``bits`` as a float64 in [0, 1) with a resolution of 53 bits."""
    return float(np.uint64(bits) >> S11) * 1.1102230246251565e-16


@kernel
def gate(p: float) -> np.uint64:
    """Return the threshold of a coin with chance ``p``: success when ``(bits >> 11) < gate(p)``.

    ``p`` is clipped to [0, 1]; 0 never succeeds, 1 always does.
    """
    if p <= 0.0:
        return np.uint64(0)
    if p >= 1.0:
        return np.uint64(9007199254740992)
    return np.uint64(p * 9007199254740992.0)


@kernel
def ones(x: Word) -> Number:
    """Return the number of set bits of a uint64."""
    x = x - ((x >> _S1) & _PAIRS)
    x = (x & _FOURS) + ((x >> _S2) & _FOURS)
    x = (x + (x >> _S4)) & _EIGHTS
    return np.int64((x * _BYTES) >> _S56)
