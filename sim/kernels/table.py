"""One kernel for every compartmental model: rules as a table of (speaker state, listener state).

A tick has three passes. *Contacts* read ``state`` and write only claims
(:mod:`sim.kernels.claims`), so nobody sees a half-written tick. *Spontaneous* changes befall the
live agents that hold no claim.
*Commit* turns claims into states. A state byte holds the state in its low 7 bits and, in bit 7,
whether the agent ever adopted.
"""

from __future__ import annotations

import numpy as np

from sim.kernels.claims import FREE, NOBODY, remix
from sim.kernels.jit import kernel
from sim.kernels.mix import uniform, word, word2
from sim.kernels.types import F64, I64, U8, U16, U32, U64, Word

__all__ = ["any_contact_left", "table_commit", "table_contacts", "table_spontaneous"]

_S40 = np.uint64(40)
_S32 = np.uint64(32)
_BYTE = np.uint64(0xFF)
_LOW32 = np.uint64(0xFFFFFFFF)
_CODE = np.uint8(0x7F)
_EVER = np.uint8(0x80)
_KEEP = 255
_S6 = np.uint32(6)
_M63 = np.uint32(63)
_ONE = np.uint64(1)
_TINY = 1.1102230246251565e-16


@kernel
def _outcome(first: int, last: int, cum: F64, share: float) -> int:
    """Return which outcome of ``first:last`` the share (0 <= share < total) falls on, else -1."""
    for o in range(first, last):
        if share < cum[o]:
            return o
    return -1


@kernel
def table_contacts(
    rows: U32,
    targets: U32,
    trust: U16,
    live: U32,
    lo: int,
    hi: int,
    key: Word,
    state: U8,
    closed: U64,
    claim: U64,
    touched: U32,
    m: int,
    off: I64,
    cum: F64,
    listener: U8,
    speaker: U8,
    total: F64,
    trusted: U8,
    mode: I64,
    scale: F64,
    ceiling: F64,
    states: int,
) -> int:
    """Visit the ties of the speakers among ``live[lo:hi]`` and write claims.

    Parameters
    ----------
    rows, targets, trust
        The network: uint32 (n, 2), uint32 (m,), uint16 (m,) or empty.
    live, lo, hi
        uint32 list of agents whose state speaks or decays, and the part of this call.
    key
        uint64 key of this tick's contacts.
    state
        uint8 (n,), read only.
    closed
        uint64 bitmap of agents that take no part, or empty.
    claim, touched, m
        As in :mod:`sim.kernels.claims`.
    off, cum, listener, speaker
        Outcomes of row ``s * states + l`` are ``off[row]:off[row + 1]``: cumulated chance, the new
        state of the listener and of the speaker (255: unchanged).
    total, trusted
        Summed chance of each row, and whether the tie's trust multiplies it (uint8).
    mode, scale, ceiling
        Of each state: 0 silent, 1 a coin a tie, 2 geometric gaps, 3 + k: k random ties;
        ``1 / log1p(-ceiling)``; the largest row total.
    states
        Number of states.

    Returns
    -------
    int
        How many agents are touched now.
    """
    for i in range(lo, hi):
        u = live[i]
        s = np.int64(state[u] & _CODE)
        how = mode[s]
        if how == 0:
            continue
        start = np.int64(rows[u, 0])
        length = np.int64(rows[u, 1])
        if length == 0:
            continue
        stop = start + length
        key_u = word(key, u)
        own = FREE
        k = 0
        e = start
        tries = length if how <= 2 else np.int64(how) - 3
        while k < tries:
            if how == 1:
                bits = word2(key_u, targets[start + k])
                e = start + k
            else:
                bits = word2(key_u, k)
                if how == 2:
                    e += np.int64(np.log(_TINY + uniform(bits)) * scale[s]) + (1 if k > 0 else 0)
                    if e >= stop:
                        break
                else:
                    e = start + np.int64(uniform(remix(bits)) * length)
            k += 1
            v = targets[e]
            row = s * states + np.int64(state[v] & _CODE)
            if total[row] == 0.0:
                continue
            if closed.size and (closed[v >> _S6] >> np.uint64(v & _M63)) & _ONE:
                continue
            if how == 2:
                share = 0.0
                if trusted[row] or total[row] < ceiling[s] or off[row + 1] - off[row] > 1:
                    share = uniform(remix(bits)) * ceiling[s]
            else:
                share = uniform(bits)
            if trusted[row] and trust.size:
                if trust[e] == 0:
                    continue
                share = share / (trust[e] / 65535.0)
            o = _outcome(off[row], off[row + 1], cum, share)
            if o < 0:
                continue
            if listener[o] != _KEEP:
                c = (bits << _S40) | (np.uint64(listener[o]) << _S32) | np.uint64(u)
                old = claim[v]
                if c < old:
                    claim[v] = c
                    if old == FREE:
                        touched[m] = v
                        m += 1
            if speaker[o] != _KEEP:
                own = min(own, (bits << _S40) | (np.uint64(speaker[o]) << _S32) | np.uint64(v))
        if own < claim[u]:
            if claim[u] == FREE:
                touched[m] = u
                m += 1
            claim[u] = own
    return m


@kernel
def table_spontaneous(
    live: U32,
    count: int,
    key: Word,
    state: U8,
    claim: U64,
    touched: U32,
    m: int,
    soff: I64,
    scum: F64,
    snew: U8,
    mode: I64,
    adopting: U8,
    tally: I64,
) -> tuple[int, int]:
    """Befall the live agents that hold no claim; keep those that stay live, in place.

    ``soff, scum, snew`` hold the outcomes of each state. A first adoption becomes a claim of
    ``NOBODY`` (so that it is logged); any other change is written at once. ``tally`` (int64,
    states) follows. Returns (agents kept in ``live``, agents touched).
    """
    kept = 0
    for i in range(count):
        u = live[i]
        if claim[u] != FREE:
            continue
        code = state[u]
        s = np.int64(code & _CODE)
        new = s
        if soff[s + 1] > soff[s]:
            bits = word(key, u)
            o = _outcome(soff[s], soff[s + 1], scum, uniform(bits))
            if o >= 0:
                new = np.int64(snew[o])
                if adopting[new] and not code & _EVER:
                    claim[u] = (bits << _S40) | (np.uint64(new) << _S32) | np.uint64(NOBODY)
                    touched[m] = u
                    m += 1
                    continue
                state[u] = (code & _EVER) | np.uint8(new)
                tally[s] -= 1
                tally[new] += 1
        if mode[new] or soff[new + 1] > soff[new]:
            live[kept] = u
            kept += 1
    return kept, m


@kernel
def table_commit(
    touched: U32,
    m: int,
    live: U32,
    kept: int,
    state: U8,
    claim: U64,
    soff: I64,
    mode: I64,
    adopting: U8,
    tally: I64,
    adopted: U32,
    sources: U32,
) -> tuple[int, int]:
    """Turn the claims on ``touched[:m]`` into states and free them.

    Agents that are now live join ``live``; first adoptions are listed in ``adopted`` (uint32) with
    who convinced them in ``sources`` (uint32). Returns (live agents, first adoptions).
    """
    fresh = 0
    for i in range(m):
        v = touched[i]
        c = claim[v]
        claim[v] = FREE
        code = state[v]
        old = np.int64(code & _CODE)
        new = np.int64((c >> _S32) & _BYTE)
        ever = code & _EVER
        if adopting[new] and not ever:
            ever = _EVER
            adopted[fresh] = v
            sources[fresh] = np.uint32(c & _LOW32)
            fresh += 1
        state[v] = ever | np.uint8(new)
        tally[old] -= 1
        tally[new] += 1
        if mode[new] or soff[new + 1] > soff[new]:
            live[kept] = v
            kept += 1
    return kept, fresh


@kernel
def any_contact_left(
    rows: U32, targets: U32, live: U32, count: int, state: U8, closed: U64, total: F64, states: int
) -> bool:
    """Return whether any tie of a live agent meets a row of positive chance."""
    for i in range(count):
        u = live[i]
        base = np.int64(state[u] & _CODE) * states
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            v = targets[e]
            if total[base + np.int64(state[v] & _CODE)] > 0.0:
                if closed.size and (closed[v >> _S6] >> np.uint64(v & _M63)) & _ONE:
                    continue
                return True
    return False
