"""A compartmental model whose contacts are few: as ``table_kernels``, in little room.

Who speaks stands in a list with its row beside it, and claims are a sparse column
(:mod:`sim.jit.sparse`) that holds ``FREE ^ claim``, so that 0 is no claim and the largest wins.
What comes of a tick is the same.
"""

from __future__ import annotations

import numpy as np

from sim.arrays import F64, I64, U8, U16, U32, U64
from sim.jit.claims import FREE, NOBODY, gap, is_open, remix
from sim.jit.jit import kernel
from sim.jit.mix import gate, uniform, word, word2
from sim.jit.sparse import slot, take_slot
from sim.jit.types import Number, Word
from sim.jit.words import BYTE, CODE, EVER, LOW32, ONE, S11, S32, S40, ZERO
from sim.spread.compartments.table_kernels import ContactRules, code_of

_KEEP = 255
_NEVER = 2.0
_COINS = 1
_SKIPS = 2


@kernel
def _put(claimed: U32, claim: U64, touched: U32, m: Number, v: Word, c: Word) -> Number:
    """Lower the claim on ``v`` to ``c`` (uint64); returns how many agents are touched."""
    at = take_slot(claimed, v)
    old: Number = claim[at]
    claim[at] = max(old, FREE ^ c)
    touched[m] = np.uint32(v)
    return m + (old == ZERO)


@kernel
def _meet(
    u: Word, v: Word, e: Number, s: int, bits: Word, trust: U16, keys: U32, state: U8, closed: U64,
    claimed: U32, claim: U64, touched: U32, m: Number, rules: ContactRules,
) -> Number:  # fmt: skip
    """Let one contact, over the tie ``e``, have the outcome that the table says."""
    off, cum, listener, speaker, total, trusted, mode, _, ceiling = rules
    row = s * mode.size + code_of(keys, state, v)
    if total[row] <= 0.0 or (closed.size and not is_open(closed, v)):
        return m
    share: Number = 0.0
    if mode[s] != _SKIPS:
        share = uniform(bits)
    elif trusted[row] or total[row] < ceiling[s] or off[row + 1] - off[row] > 1:
        share = uniform(remix(bits)) * ceiling[s]
    if trusted[row] and trust.size:
        share = share / (trust[e] / 65535.0) if trust[e] else _NEVER
    last = off[row + 1] - 1
    o: Number = off[row]
    for q in range(o, last):
        o += share >= cum[q]
    if share >= cum[last]:
        return m
    high = bits << S40
    if listener[o] != _KEEP:
        c = high | (np.uint64(listener[o]) << S32) | u
        m = _put(claimed, claim, touched, m, v, c)
    if speaker[o] != _KEEP:
        c = high | (np.uint64(speaker[o]) << S32) | v
        m = _put(claimed, claim, touched, m, u, c)
    return m


@kernel
def few_contacts(
    speakers: U32, spans: U32, targets: U32, trust: U16, lo: int, hi: int, key: Word, keys: U32,
    state: U8, closed: U64, claimed: U32, claim: U64, touched: U32, m: Number, rules: ContactRules,
) -> tuple[Number, Number]:  # fmt: skip
    """Visit the rows of ``speakers[lo:hi]`` whose state speaks, and write claims.

    Parameters
    ----------
    speakers, spans
        uint32 (k,), and uint32 (k, 2): start and length of each one's row in ``targets``.
    claimed, claim
        uint32 and uint64: keys and values of a sparse column with room for what is claimed.

    All else as :func:`sim.spread.compartments.table_kernels.table_contacts` takes it.

    Returns
    -------
    (int, int)
        How many agents are touched now, and how many contacts the speakers have.
    """
    mode, scale, ceiling = rules.mode, rules.scale, rules.ceiling
    attempts: Number = np.int64(0)
    for i in range(lo, hi):
        u = np.uint64(speakers[i])
        s: int = code_of(keys, state, u)
        start, length = np.int64(spans[i, 0]), np.int64(spans[i, 1])
        how = mode[s]
        if how == 0 or length == 0 or (closed.size and not is_open(closed, u)):
            continue
        key_u = word(key, speakers[i])
        under = gate(ceiling[s]) + ONE
        tosses = length if how <= _SKIPS else how - 3
        attempts += tosses
        at: Number = np.int64(-1)
        for k in range(tosses):
            e: Number = start + k
            drawn: Number = targets[e] if how == _COINS else k
            bits = word2(key_u, drawn)
            if how == _SKIPS:
                at += 1 + gap(bits, scale[s])
                if at >= length:
                    break
                e = start + at
            elif (bits >> S11) >= under:
                continue
            elif how > _SKIPS:
                e = start + np.int64(uniform(remix(bits)) * length)
            m = _meet(
                u, np.uint64(targets[e]), e, s, bits, trust, keys, state, closed, claimed, claim,
                touched, m, rules,
            )  # fmt: skip
    return m, attempts


@kernel
def few_spontaneous(
    live: U32, count: int, key: Word, keys: U32, state: U8, claimed: U32, claim: U64, touched: U32,
    m: int, soff: I64, scum: F64, snew: U8, mode: I64, adopting: U8, tally: I64,
) -> tuple[int, int]:  # fmt: skip
    """As ``table_spontaneous``, by claims of :func:`few_contacts`."""
    kept = 0
    for i in range(count):
        u = np.uint64(live[i])
        if claim[slot(claimed, u)] != ZERO:
            continue
        code = state[slot(keys, u)]
        s = np.int64(code & CODE)
        new = s
        if soff[s + 1] > soff[s]:
            bits = word(key, live[i])
            share = uniform(bits)
            o = soff[s]
            while o < soff[s + 1] and share >= scum[o]:
                o += 1
            if o < soff[s + 1]:
                new = np.int64(snew[o])
                if adopting[new] and not code & EVER:
                    c = (bits << S40) | (np.uint64(new) << S32) | np.uint64(NOBODY)
                    m = _put(claimed, claim, touched, m, u, c)
                    continue
                state[take_slot(keys, u)] = (code & EVER) | np.uint8(new)
                tally[s] -= 1
                tally[new] += 1
        live[kept] = np.uint32(u)
        kept += mode[new] > 0 or soff[new + 1] > soff[new]
    return kept, m


@kernel
def few_commit(
    touched: U32, m: int, keys: U32, state: U8, claimed: U32, claim: U64, soff: I64, mode: I64,
    adopting: U8, tally: I64, adopted: U32, sources: U32,
) -> tuple[int, int]:  # fmt: skip
    """As ``table_commit``; claims are left, to be given up as a whole."""
    alive = 0
    fresh = 0
    for i in range(m):
        v = np.uint64(touched[i])
        c = FREE ^ claim[slot(claimed, v)]
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
