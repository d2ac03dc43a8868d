"""Kernels of fading interests: members who are online lose one now and then."""

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
    """Take one interest, any of them alike, from each agent whose coin falls; keep the last.

    Parameters
    ----------
    who
        uint32 (k,).
    key
        uint64: coin and choice are drawn by agent under it.
    gate
        uint64: of :func:`sim.jit.mix.gate`.
    masks
        uint64 (k,): the interests of each, changed.

    Returns
    -------
    How many lost one.
    """
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
