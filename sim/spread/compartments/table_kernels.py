"""One kernel for every compartmental model: rules as a table of (speaker state, listener state).

A tick has three passes. *Contacts* read ``state`` and write only claims
(:mod:`sim.jit.claims`), so no one reads a half-written tick. *Spontaneous* changes apply to the
live agents without a claim.
*Commit* turns claims into states. A state byte holds the state in its low 7 bits and, in bit 7,
whether the agent has ever adopted. ``keys`` and ``state`` are a sparse column
(:mod:`sim.jit.sparse`): if keys is empty, state is uint8 (n,).

Rules with conditions use the same passes over whole columns, with the same draws (:func:`pick`
lists contacts), in :mod:`sim.spread.compartments.compartments`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.arrays import F64, I32, I64, U8, U16, U32, U64
from sim.jit.claims import (
    AHEAD,
    BATCH,
    BLOCK,
    FREE,
    NOBODY,
    approach,
    gap,
    is_open,
    remix,
)  # fmt: skip
from sim.jit.jit import kernel
from sim.jit.mix import gate, uniform, word, word2
from sim.jit.sparse import slot, take_slot
from sim.jit.words import BYTE, CODE, EVER, LOW32, ONE, S11, S32, S40, Number, Word

_KEEP = 255
_NEVER = 2.0
_COINS = 1
_SKIPS = 2


class ContactRules(NamedTuple):
    """Effects of contacts, by the states of speaker and listener.

    Attributes
    ----------
    off, cum, listener, speaker
        Outcomes of row ``s * states + l`` are ``off[row]:off[row + 1]``: cumulative chance, the new
        state of the listener and of the speaker (255: unchanged).
    total, trusted
        Total chance of each row, and whether the tie's trust multiplies it (uint8).
    mode, scale, ceiling
        For each state: 0 silent, 1 a coin per tie, 2 geometric gaps, 3 + k: k random ties;
        the :func:`~sim.jit.claims.gap_scale` of the ceiling; the largest row total.
    """

    off: I64
    cum: F64
    listener: U8
    speaker: U8
    total: F64
    trusted: U8
    mode: I64
    scale: F64
    ceiling: F64


@kernel
def code_of(keys: U32, state: U8, v: Word) -> Number:
    """Return the state (int64) of agent ``v`` (uint64)."""
    return np.int64(state[slot(keys, v)] & CODE)


@kernel
def _outcome(first: int, last: int, cum: F64, share: float) -> int:
    """Return the outcome in ``first:last`` selected by the share (0 <= share < total), or -1."""
    for o in range(first, last):
        if share < cum[o]:
            return o
    return -1


@kernel
def put(claim: U64, touched: U32, m: Number, v: Word, c: Word) -> Number:
    """Lower the claim on ``v`` (uint64) to ``c``; return the number of touched agents.

    ``FREE`` claims nothing.
    """
    old = claim[v]
    claim[v] = min(old, c)
    touched[m] = np.uint32(v)
    return m + ((old == FREE) & (c != FREE))


@kernel
def pick(
    rows: U32, targets: U32, live: U32, i: Number, hi: int, at: Number, k: Number, key: Word,
    keys: U32, state: U8, rules: ContactRules, tossed: U64, batch: U64, drawn: U64,
) -> tuple[Number, Number, Number, Number]:  # fmt: skip
    """Fill a batch with contacts whose coin is below the largest chance of the speaker.

    The cursor is (speaker ``live[i]``, next place ``at`` in its row, draws ``k`` made for it).
    Returns (contacts, i, at, k); a full batch may end anywhere in a row.
    """
    mode, scale, ceiling = rules.mode, rules.scale, rules.ceiling
    n: Number = np.int64(0)
    near: Number = i
    while i < hi:
        u: Number = live[i]
        s: int = code_of(keys, state, np.uint64(u))
        length: Number = np.int64(rows[u, 1])
        key_u = word(key, u)
        contact = np.uint64(u) << S32
        if mode[s] == _SKIPS:
            bits = word2(key_u, k)
            at += gap(bits, scale[s])
            while at < length:
                if n == BATCH:
                    return n, i, at - gap(bits, scale[s]), k
                batch[n] = contact | np.uint64(at)
                drawn[n] = bits
                n += 1
                k += 1
                bits = word2(key_u, k)
                at += 1 + gap(bits, scale[s])
        elif mode[s] == _COINS:
            if i >= near:
                near = min(i + AHEAD, np.int64(hi))
                drawn[BATCH] = approach(rows, targets, live, i, near)
            start = np.int64(rows[u, 0])
            under = gate(ceiling[s]) + ONE
            while at < length:
                if n > BATCH - BLOCK:
                    return n, i, at, k
                size = min(length - at, BLOCK)
                heard = targets[start + at : start + at + size]
                for j in range(size):
                    tossed[j] = word2(key_u, heard[j])
                for j in range(size):
                    batch[n] = contact | np.uint64(at + j)
                    drawn[n] = tossed[j]
                    n += (tossed[j] >> S11) < under
                at += size
        elif mode[s] > _SKIPS and length:
            under = gate(ceiling[s]) + ONE
            while k < mode[s] - 3:
                if n == BATCH:
                    return n, i, at, k
                bits = word2(key_u, k)
                batch[n] = contact | np.uint64(uniform(remix(bits)) * length)
                drawn[n] = bits
                n += (bits >> S11) < under
                k += 1
        i += 1
        at = np.int64(0)
        k = np.int64(0)
    return n, i, at, k


@kernel
def _meet(
    rows: U32, targets: U32, trust: U16, keys: U32, state: U8, closed: U64, claim: U64,
    touched: U32, m: Number, rules: ContactRules, batch: U64, drawn: U64, n: Number,
) -> Number:  # fmt: skip
    """Turn the outcomes of the contacts ``batch[:n]`` in the table into claims."""
    off, cum, listener, speaker, total, trusted, mode, _, ceiling = rules
    states = mode.size
    heard = np.empty(BATCH + 1, np.uint32)
    what = np.empty(BATCH + 1, np.int64)
    k = 0
    for j in range(n):  # only independent reads of the network, which overlap
        u: Number = batch[j] >> S32
        heard[j] = targets[np.uint64(rows[u, 0]) + (batch[j] & LOW32)]
    for j in range(n):
        u = batch[j] >> S32
        v: Number = np.uint64(heard[j])
        row = code_of(keys, state, u) * states + code_of(keys, state, v)
        batch[k] = batch[j]
        drawn[k] = drawn[j]
        heard[k] = np.uint32(v)
        what[k] = row
        k += total[row] > 0.0
    seen = np.uint64(0)  # independent reads that overlap: the next loop finds all in the cache
    for j in range(k):
        seen ^= claim[heard[j]]
    drawn[BATCH] = seen
    w: Number = np.int64(0)
    for j in range(k):
        u = batch[j] >> S32
        v = np.uint64(heard[j])
        s: int = code_of(keys, state, u)
        row = what[j]
        share: float = 0.0
        if mode[s] != _SKIPS:
            share = uniform(drawn[j])
        elif trusted[row] or total[row] < ceiling[s] or off[row + 1] - off[row] > 1:
            share = uniform(remix(drawn[j])) * ceiling[s]
        if trusted[row] and trust.size:
            faith = trust[np.uint64(rows[u, 0]) + (batch[j] & LOW32)]
            share = share / (faith / 65535.0) if faith else _NEVER
        last = off[row + 1] - 1
        o: Number = off[row]
        for q in range(o, last):
            o += share >= cum[q]
        what[w] = o
        batch[w] = (u << S32) | v
        drawn[w] = drawn[j]
        w += (share < cum[last]) & (closed.size == 0 or is_open(closed, v))
    turns = False
    for q in range(speaker.size):
        turns |= speaker[q] != _KEEP
    for j in range(w):
        u, v, o = batch[j] >> S32, batch[j] & LOW32, what[j]
        high = drawn[j] << S40
        if turns:  # branch-free: claim both; FREE has no effect
            mine = high | (np.uint64(listener[o]) << S32) | u
            m = put(claim, touched, m, v, mine if listener[o] != _KEEP else FREE)
            mine = high | (np.uint64(speaker[o]) << S32) | v
            m = put(claim, touched, m, u, mine if speaker[o] != _KEEP else FREE)
        elif listener[o] != _KEEP:
            m = put(claim, touched, m, v, high | (np.uint64(listener[o]) << S32) | u)
    return m


@kernel
def table_contacts(
    rows: U32, targets: U32, trust: U16, live: U32, lo: int, hi: int, key: Word, keys: U32,
    state: U8, closed: U64, claim: U64, touched: U32, m: Number, rules: ContactRules,
) -> tuple[Number, Number]:  # fmt: skip
    """Visit ties of speakers in ``live[lo:hi]``, write claims; return agents touched, contacts.

    ``trust`` empty: 1 each; ``closed`` empty: all take part; the slot after the last ``touched`` is
    overwritten.
    """
    tossed = np.empty(BLOCK, np.uint64)
    batch = np.empty(BATCH + 1, np.uint64)
    drawn = np.empty(BATCH + 1, np.uint64)
    speaking = np.empty(hi - lo + 1, np.uint32)
    many: Number = np.int64(0)
    for j in range(lo, hi):
        speaking[many] = live[j]
        many += rules.mode[code_of(keys, state, np.uint64(live[j]))] > 0
    attempts: Number = np.int64(0)
    for j in range(many):
        how = rules.mode[code_of(keys, state, np.uint64(speaking[j]))]
        length: Number = np.int64(rows[speaking[j], 1])
        attempts += length if how <= _SKIPS else (length > 0) * (how - 3)
    i, at, k = np.int64(0), np.int64(0), np.int64(0)
    while i < many:
        n, i, at, k = pick(
            rows, targets, speaking, i, many, at, k, key, keys, state, rules, tossed, batch, drawn
        )
        m = _meet(
            rows, targets, trust, keys, state, closed, claim, touched, m, rules, batch, drawn, n
        )
    return m, attempts


@kernel
def table_spontaneous(
    live: U32, count: int, key: Word, keys: U32, state: U8, claim: U64, touched: U32, m: int, soff:
    I64, scum: F64, snew: U8, mode: I64, adopting: U8, tally: I64,
) -> tuple[int, int]:  # fmt: skip
    """Apply spontaneous transitions to unclaimed agents; compact the live list in place.

    ``soff, scum, snew`` hold the outcomes of each state. A first adoption becomes a claim of
    ``NOBODY`` (so that it is logged); any other change is written at once. ``tally`` (int64,
    states) is updated. Returns (agents kept in ``live``, agents touched).
    """
    kept = 0
    for i in range(count):
        u: Number = np.uint64(live[i])
        if claim[u] != FREE:
            continue
        code = state[slot(keys, u)]
        s = np.int64(code & CODE)
        new = s
        if soff[s + 1] > soff[s]:
            bits = word(key, u)
            o = _outcome(soff[s], soff[s + 1], scum, uniform(bits))
            if o >= 0:
                new = np.int64(snew[o])
                if adopting[new] and not code & EVER:
                    claim[u] = (bits << S40) | (np.uint64(new) << S32) | np.uint64(NOBODY)
                    touched[m] = np.uint32(u)
                    m += 1
                    continue
                state[take_slot(keys, u)] = (code & EVER) | np.uint8(new)
                tally[s] -= 1
                tally[new] += 1
        live[kept] = np.uint32(u)
        kept += mode[new] > 0 or soff[new + 1] > soff[new]
    return kept, m


@kernel
def table_commit(
    touched: U32, m: int, keys: U32, state: U8, claim: U64, soff: I64, mode: I64, adopting: U8,
    tally: I64, adopted: U32, sources: U32,
) -> tuple[int, int]:  # fmt: skip
    """Turn the claims on ``touched[:m]``, ascending, into states and clear them.

    First adoptions are listed in ``adopted`` (uint32) with their sources in ``sources``
    (uint32); agents that are live now overwrite the start of ``touched``. Returns (number of
    live agents, first adoptions).
    """
    alive = 0
    fresh = 0
    for i in range(m):
        v = np.uint64(touched[i])
        c = claim[v]
        claim[v] = FREE
        at = take_slot(keys, v)
        code: Number = state[at]
        old = np.int64(code & CODE)
        new = np.int64((c >> S32) & BYTE)
        ever = code & EVER
        if adopting[new] and not ever:
            ever = EVER
            adopted[fresh] = np.uint32(v)
            sources[fresh] = np.uint32(c & LOW32)
            fresh += 1
        state[at] = ever | np.uint8(new)
        tally[old] -= 1
        tally[new] += 1
        touched[alive] = np.uint32(v)
        alive += mode[new] > 0 or soff[new + 1] > soff[new]
    return alive, fresh


@kernel
def any_contact_left(
    rows: U32, targets: U32, live: U32, count: int, keys: U32, state: U8, closed: U64, total: F64,
    states: int,
) -> bool:  # fmt: skip
    """Return whether any tie of a live agent has a table row of positive chance."""
    for i in range(count):
        u = live[i]
        base = code_of(keys, state, np.uint64(u)) * states
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            v = np.uint64(targets[e])
            if total[base + code_of(keys, state, v)] > 0.0:
                if closed.size and not is_open(closed, v):
                    continue
                return True
    return False


@kernel
def claim_due(
    live: U32, count: int, tick: int, keys: U32, state: U8, until_keys: U32, until: I32,
    becomes: U8, claim: U64, touched: U32, m: int,
) -> Number:  # fmt: skip
    """Claim the live agents whose time is over and that no contact claimed for their next state.

    ``until`` is the last tick of a state, 0: never ends; ``becomes`` 255: a state without
    duration. Returns the number of touched agents.
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
