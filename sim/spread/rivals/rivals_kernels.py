"""Messages that exclude one another: who wins an agent that several reach in one tick.

Each message claims by itself (:mod:`sim.jit.claims`); :func:`enter` then turns its claims into
ballots, of which an agent keeps the lowest: ``rank << 32 | message``. How much all messages
together weigh is summed up in :mod:`sim.spread.rivals.sums_kernels`.
"""

from __future__ import annotations

import numpy as np

from sim.arrays import U32, U64
from sim.jit.claims import FREE, NOBODY, is_open
from sim.jit.jit import kernel
from sim.jit.mix import word
from sim.jit.types import Number, Word
from sim.jit.words import LOW32, S32, S40

BY_ATTEMPT, BY_DRAW = -1, -2
"""Ranks: the lowest draw among successful attempts; a draw for each message and agent."""


@kernel
def enter(
    claimed: U32,
    count: Number,
    claim: U64,
    message: Number,
    rank: Number,
    key: Word,
    ballot: U64,
    source: U32,
    listed: U32,
    m: Number,
) -> Number:
    """Turn a message's claims into ballots, and free them.

    Parameters
    ----------
    claimed, count, claim
        uint32 agents, how many, and their claims (uint64 (n,)).
    message
        Its number among the rivals.
    rank
        Its place when order decides (the lowest wins), :data:`BY_ATTEMPT` or :data:`BY_DRAW`.
    key
        Of its draws, for the latter.
    ballot, source, listed, m
        uint64 (n,), ``FREE`` outside a tick; uint32 (n,), who convinces for the lowest ballot;
        uint32, who has a ballot; and how many.

    Returns
    -------
    int
        How many have a ballot now.
    """
    for i in range(count):
        v = claimed[i]
        c = claim[v]
        claim[v] = FREE
        place = np.uint64(0)
        if rank == BY_ATTEMPT:
            place = c >> S40
        elif rank == BY_DRAW:
            place = word(key, int(v)) >> S32
        else:
            place = np.uint64(rank)
        mine = (place << S32) | np.uint64(message)
        if ballot[v] == FREE:
            listed[m] = v
            m += 1
        if mine < ballot[v]:
            ballot[v] = mine
            source[v] = np.uint32(c & LOW32)
    return m


@kernel
def elect(
    listed: U32, m: Number, message: Number, ballot: U64, source: U32, claim: U64, won: U32
) -> Number:
    """Claim for one message the agents that it won, and free their ballots; returns how many."""
    wins: Number = np.int64(0)
    for i in range(m):
        v = listed[i]
        if ballot[v] != FREE and ballot[v] & LOW32 == np.uint64(message):
            ballot[v] = FREE
            claim[v] = np.uint64(source[v])
            won[wins] = v
            wins += 1
    return wins


@kernel
def told_by(agents: U32, voices: U32, taken: U64, out: U32, sources: U32) -> Number:
    """List the agents (uint32) whose voice (uint32) has taken a message up, and these voices.

    ``taken`` is the uint64 bitmap of the message's adopters; ``out``, ``sources`` uint32 have room
    for one more. Returns how many.
    """
    n: Number = np.int64(0)
    for i in range(agents.size):
        out[n] = agents[i]
        sources[n] = voices[i]
        n += voices[i] != NOBODY and not is_open(taken, np.uint64(voices[i]))
    return n
