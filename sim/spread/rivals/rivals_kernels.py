"""Mutually exclusive messages: which one wins an agent that several reach in one tick.

Each message claims separately (:mod:`sim.jit.claims`); :func:`enter` then turns its claims into
ballots, of which an agent keeps the lowest: ``rank << 32 | message``.

A voice is drawn in proportion to weight among all that a listener has heard. Sums and voices are
sparse columns; a new voice replaces the old one with chance (its weight) / (the sum so far), and
agents that heard anything in a tick are processed afterwards (:func:`listen`, :func:`crossed`).
"""

from __future__ import annotations

import numpy as np

from sim.arrays import F64, I64, U16, U32, U64
from sim.jit.claims import AHEAD, BATCH, FREE, NOBODY, approach, is_open
from sim.jit.jit import kernel
from sim.jit.mix import uniform, word, word2
from sim.jit.sparse import slot, take_slots
from sim.jit.words import LOW32, ONE32, S32, S40, Number, Word

BY_ATTEMPT, BY_DRAW = -1, -2
"""Ranks: the lowest draw among successful attempts; a draw for each message and agent."""


@kernel
def enter(
    claimed: U32, count: Number, claim: U64, message: Number, rank: Number, key: Word, ballot: U64,
    source: U32, listed: U32, m: Number,
) -> Number:  # fmt: skip
    """Turn a message's claims into ballots, and clear them; return how many agents have a ballot.

    ``rank``: the message's, if the order decides; else :data:`BY_ATTEMPT` or :data:`BY_DRAW`.
    ``ballot`` is ``FREE`` outside a tick; the lowest wins, and ``source`` is its source.
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
    """Claim for one message the agents it won, and clear their ballots; return their number."""
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
    """List the agents (uint32) whose voice (uint32) has adopted a message, and these voices.

    ``taken`` is the uint64 bitmap of the message's adopters; ``out``, ``sources`` uint32 have room
    for one more. Returns their number.
    """
    n: Number = np.int64(0)
    for i in range(agents.size):
        out[n] = agents[i]
        sources[n] = voices[i]
        n += voices[i] != NOBODY and not is_open(taken, np.uint64(voices[i]))
    return n


_MARK = np.int64(1 << 62)
_SUM = np.int64((1 << 62) - 1)


@kernel
def listen(
    rows: U32, targets: U32, trust: U16, speakers: U32, lo: int, hi: int, key: Word, closed: U64,
    keys: U32, total: I64, voice_keys: U32, voice: U32, touched: U32, m: Number,
) -> Number:  # fmt: skip
    """Add the weight of ``speakers[lo:hi]`` to their listeners' sums, whatever their message.

    Each listener keeps one voice, drawn in proportion to weight among all it has heard: a new one
    replaces it with chance (its weight) / (the sum so far). ``voice`` is plus one; both columns
    have room; ``trust`` empty: 1 each; the slot after the last ``touched`` is overwritten.
    """
    batch = np.empty(BATCH + 1, np.uint64)
    added = np.empty(BATCH + 1, np.int64)
    drawn = np.empty(BATCH + 1, np.uint64)
    spoken = np.empty(BATCH, np.uint64)
    heard = np.empty(BATCH, np.uint32)
    places = np.empty(BATCH, np.uint64)
    n: Number = np.int64(0)
    for i in range(lo, hi):
        if (i - lo) % AHEAD == 0:
            batch[BATCH] = approach(rows, targets, speakers, i, min(i + AHEAD, hi))
        u = np.uint64(speakers[i])
        key_u = word(key, int(u))
        at = np.int64(rows[u, 0])
        stop = at + np.int64(rows[u, 1])
        while at < stop:
            last = min(stop, at + BATCH - n)
            for e in range(at, last):
                v = np.uint64(targets[e])
                batch[n] = (u << S32) | v
                added[n] = np.int64(trust[e]) if trust.size else np.int64(1)
                drawn[n] = key_u
                n += is_open(closed, v)
            at = last
            if n == BATCH:
                m = _weigh(
                    batch, added, drawn, n, heard, places, spoken, keys, total, voice_keys, voice,
                    touched, m,
                )  # fmt: skip
                n = np.int64(0)
    return _weigh(
        batch, added, drawn, n, heard, places, spoken, keys, total, voice_keys, voice, touched, m
    )


@kernel
def _weigh(
    batch: U64, added: I64, drawn: U64, n: Number, heard: U32, places: U64, spoken: U64, keys: U32,
    total: I64, voice_keys: U32, voice: U32, touched: U32, m: Number,
) -> Number:  # fmt: skip
    """Add a batch to the sums, and draw voices."""
    for j in range(n):
        heard[j] = np.uint32(batch[j] & LOW32)
    take_slots(keys, heard[:n], places)
    take_slots(voice_keys, heard[:n], spoken)
    seen = np.uint64(0)  # independent reads that overlap: the next loop finds all in the cache
    for j in range(n):
        seen ^= np.uint64(total[places[j]]) ^ np.uint64(voice[spoken[j]])
    drawn[BATCH] = seen
    for j in range(n):
        old = total[places[j]]
        now = (old & _SUM) + added[j]
        total[places[j]] = now | _MARK
        share = uniform(word2(drawn[j], int(heard[j])))
        wins = share * np.float64(now) < np.float64(added[j])
        mine = np.uint32(batch[j] >> S32) + ONE32
        voice[spoken[j]] = mine if wins else voice[spoken[j]]
        touched[m] = heard[j]
        m += old < _MARK
    return m


@kernel
def crossed(
    touched: U32, m: Number, whole: I64, key: Word, given: F64, keys: U32, total: I64, voice_keys:
    U32, voice: U32, source: U32,
) -> Number:  # fmt: skip
    """Keep those of ``touched[:m]`` whose sum reaches their threshold; write their voices.

    ``whole`` holds integers (n,), the total weight of an agent's sources: it needs the share that
    is its threshold, drawn under ``key`` or ``given`` (float64 (n,)), and at least 1. ``source``
    uint32 takes the voices; the marks of sums are cleared. Returns the number of agents kept.
    """
    kept: Number = np.int64(0)
    for i in range(m):
        v = np.uint64(touched[i])
        share = given[v] if given.size else uniform(word(key, int(v)))
        need = np.int64(max(1.0, np.ceil(share * np.float64(whole[v]) - 1e-9)))
        at = slot(keys, v)
        total[at] &= _SUM
        touched[kept] = touched[i]
        kept += total[at] >= need
    for i in range(kept):
        who = voice[slot(voice_keys, np.uint64(touched[i]))]
        source[i] = who - ONE32 if who else NOBODY
    return kept
