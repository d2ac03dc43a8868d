"""Bits of a word, counted."""

from __future__ import annotations

import numpy as np

from sim.jit.jit import kernel
from sim.jit.types import Number, Word

_PAIRS = np.uint64(0x5555555555555555)
_FOURS = np.uint64(0x3333333333333333)
_EIGHTS = np.uint64(0x0F0F0F0F0F0F0F0F)
_BYTES = np.uint64(0x0101010101010101)
_S1 = np.uint64(1)
_S2 = np.uint64(2)
_S4 = np.uint64(4)
_S56 = np.uint64(56)


@kernel
def ones(x: Word) -> Number:
    """Return how many bits of a uint64 are set."""
    x = x - ((x >> _S1) & _PAIRS)
    x = (x & _FOURS) + ((x >> _S2) & _FOURS)
    x = (x + (x >> _S4)) & _EIGHTS
    return np.int64((x * _BYTES) >> _S56)
