"""Agents whose time in a state is up: the tick at which each leaves was drawn when it entered."""

from __future__ import annotations

import numpy as np

from sim.arrays import I32, U8, U32, U64
from sim.jit.claims import FREE, NOBODY
from sim.jit.jit import kernel
from sim.jit.sparse import slot
from sim.jit.types import Number
from sim.jit.words import CODE, S32


@kernel
def claim_due(
    live: U32, count: int, tick: int, keys: U32, state: U8, until_keys: U32, until: I32,
    becomes: U8, claim: U64, touched: U32, m: int,
) -> Number:  # fmt: skip
    """Claim for their next state the live agents whose time is up and whom no contact claimed.

    Parameters
    ----------
    live, count
        uint32 list of agents that speak or change by themselves.
    tick
        Now.
    keys, state
        The states, a sparse column of uint8.
    until_keys, until
        The tick after which each agent leaves its state, a sparse column of int32; 0: never.
    becomes
        uint8 (states,): the state that follows; 255 where time does not count.
    claim, touched, m
        As in :func:`sim.jit.claims.claim_coins`.

    Returns
    -------
    int
        How many agents are touched now.
    """
    for i in range(count):
        u = np.uint64(live[i])
        new = becomes[np.int64(state[slot(keys, u)] & CODE)]
        if new == np.uint8(255) or claim[u] != FREE:
            continue
        end = until[slot(until_keys, u)]
        if 0 < end <= tick:
            claim[u] = (np.uint64(new) << S32) | np.uint64(NOBODY)
            touched[m] = np.uint32(u)
            m += 1
    return m
