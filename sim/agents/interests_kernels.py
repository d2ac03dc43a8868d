"""Kernels of fading interests: online members lose one occasionally."""

from __future__ import annotations

import numpy as np

from sim.arrays import U32, U64
from sim.jit.jit import kernel
from sim.jit.mix import word, word2
from sim.jit.words import ONE, S11, ZERO


@kernel
def fade(
    who: U32,
    key: np.uint64,
    gate: np.uint64,
    masks: U64,
) -> int:
    """Remove one random interest, but never the last, from each agent whose coin succeeds."""
    count = 0
    for row in range(who.size):
        own = word(key, who[row])
        if (own >> S11) >= gate:
            continue
        held = 0
        rest = masks[row]
        while rest != ZERO:
            rest &= rest - ONE
            held += 1
        if held < 2:
            continue
        skip = int(word2(own, 1) % np.uint64(held))
        rest = masks[row]
        for _ in range(skip):
            rest &= rest - ONE
        masks[row] &= ~(rest & (~rest + ONE))
        count += 1
    return count
