"""One call a speaker: a tick of rules in which speakers call one random tie and none is called on.

As :mod:`sim.kernels.table`, with the same draws and the same result, where no contact changes the
state of an agent that itself speaks. Then what a call makes of the caller depends on nobody else:
it is no claim, only a change that is written when the tick is over. Calls pass in blocks through
short loops that do not branch; a tick waits for memory once a call, for the tie that is drawn.
"""

from __future__ import annotations

import numpy as np

from sim.kernels.claims import BATCH, FREE, is_open, remix
from sim.kernels.jit import kernel
from sim.kernels.mix import gate, uniform, word, word2
from sim.kernels.types import F64, I64, U8, U32, U64, Number, Word

__all__ = ["answer", "call_once", "rows_of", "turn"]

_S11 = np.uint64(11)
_S32 = np.uint64(32)
_S40 = np.uint64(40)
_ONE = np.uint64(1)
_CODE = np.uint8(0x7F)
_EVER = np.uint8(0x80)
_NOT_EVER = np.uint8(0)
_SEVEN = np.uint8(7)
_KEEP = np.uint8(255)
_BYTE = np.uint64(0xFF)
_LOW32 = np.uint64(0xFFFFFFFF)


@kernel
def call_once(
    start_of: U32, length_of: U32, targets: U32, live: U32, count: int, key: Word, state: U8,
    closed: U64, claim: U64, touched: U32, off: I64, cum: F64, listener: U8, speaker: U8,
    total: F64, ceiling: F64, states: int, turning: U32, into: U8,
) -> tuple[Number, Number, Number]:  # fmt: skip
    """Let each of ``live[:count]`` call one of its listeners, or nobody.

    Parameters
    ----------
    start_of, length_of
        uint32, the row of each of ``live``, beside it: read in order, where ``rows`` are not.
    targets, live, count, key
        As in :func:`sim.kernels.table.table_contacts`; all of ``live`` speak, in any order.
    state
        uint8 (n,).
    closed, claim, touched, off, cum, listener, speaker, total, ceiling, states
        As there.
    turning, into
        uint32 and uint8 (count + 1,): take who changes by its own call, ascending, and its state.

    Returns
    -------
    (agents claimed, agents turning, calls weighed)
    """
    drawn = np.empty(BATCH, np.uint64)
    code, told = np.empty(BATCH, np.uint8), np.empty(BATCH, np.uint8)
    start = np.empty(BATCH, np.int64)
    chosen, what = np.empty(BATCH + 1, np.int64), np.empty(BATCH + 1, np.int64)
    heard = np.empty(BATCH, np.uint32)
    under = np.empty(states, np.uint64)
    for s in range(states):
        under[s] = gate(ceiling[s]) + _ONE
    m: Number = np.int64(0)
    t: Number = np.int64(0)
    seen: Number = np.int64(0)
    for first in range(0, count, BATCH):
        size = min(BATCH, count - first)
        who = live[first : first + size]
        for j in range(size):
            drawn[j] = word2(word(key, who[j]), 0)
        for j in range(size):  # nothing but reads, which do not wait for one another
            code[j] = state[who[j]] & _CODE
        n: Number = np.int64(0)
        for j in range(size):
            chosen[n] = j
            seen += length_of[first + j] > 0
            n += ((drawn[j] >> _S11) < under[code[j]]) & (length_of[first + j] > 0)
        for j in range(n):
            i = chosen[j]
            share = uniform(remix(drawn[i]))
            length = np.float64(length_of[first + i])
            start[j] = np.int64(start_of[first + i]) + np.int64(share * length)
        for j in range(n):
            heard[j] = targets[start[j]]
        for j in range(n):
            told[j] = state[heard[j]] & _CODE
        k: Number = np.int64(0)
        for j in range(n):
            i = chosen[j]
            row = np.int64(code[i]) * states + np.int64(told[j])
            share = uniform(drawn[i])
            last = max(off[row + 1] - 1, np.int64(0))
            o = min(off[row], last)
            for q in range(o, last):
                o += share >= cum[q]
            falls = (total[row] > 0.0) & (share < cum[last])
            if closed.size:
                falls &= is_open(closed, np.uint64(heard[j]))
            turning[t] = who[i]
            into[t] = speaker[o]
            t += falls & (speaker[o] != _KEEP)
            drawn[j] = (drawn[i] << _S40) | (np.uint64(listener[o]) << _S32) | np.uint64(who[i])
            what[k] = j
            k += falls & (listener[o] != _KEEP)
        waits = np.uint64(0)
        for j in range(k):
            waits ^= claim[heard[what[j]]]
        chosen[BATCH] = np.int64(waits >> _S32)  # kept, lest the reads be dropped as useless
        for j in range(k):
            v = heard[what[j]]
            old = claim[v]
            claim[v] = min(old, drawn[what[j]])
            touched[m] = v
            m += old == FREE
    return m, t, seen


@kernel
def turn(
    live: U32, start_of: U32, length_of: U32, count: int, turning: U32, into: U8, t: int, state: U8,
    mode: I64, tally: I64,
) -> Number:  # fmt: skip
    """Write the states of ``turning[:t]``; keep those of ``live[:count]`` that still speak.

    ``mode`` and ``tally`` (int64) of every state. Returns how many are kept, in place, with their
    rows.
    """
    for i in range(t):
        u = turning[i]
        tally[state[u] & _CODE] -= 1
        tally[into[i]] += 1
        state[u] = (state[u] & _EVER) | into[i]
    kept: Number = np.int64(0)
    for i in range(count):
        live[kept], start_of[kept], length_of[kept] = live[i], start_of[i], length_of[i]
        kept += mode[state[live[i]] & _CODE] > 0
    return kept


@kernel
def answer(
    touched: U32, m: int, state: U8, claim: U64, mode: I64, adopting: U8, tally: I64, adopted: U32,
    sources: U32, live: U32, kept: Number,
) -> tuple[Number, Number]:  # fmt: skip
    """As :func:`sim.kernels.table.table_commit`; who is live now is put behind ``live[:kept]``.

    ``adopted``, ``sources`` and ``live`` have room for one more. Returns (agents that are live,
    first adoptions).
    """
    claims, codes = np.empty(BATCH, np.uint64), np.empty(BATCH, np.uint8)
    fresh: Number = np.int64(0)
    for first in range(0, m, BATCH):
        size = min(BATCH, m - first)
        for j in range(size):  # nothing but reads, which do not wait for one another
            claims[j] = claim[touched[first + j]]
            codes[j] = state[touched[first + j]]
        for j in range(size):
            v = touched[first + j]
            old, new = np.int64(codes[j] & _CODE), np.int64((claims[j] >> _S32) & _BYTE)
            first_time = (adopting[new] > 0) & (codes[j] & _EVER == _NOT_EVER)
            adopted[fresh] = v
            sources[fresh] = np.uint32(claims[j] & _LOW32)
            fresh += first_time
            ever = (codes[j] & _EVER) | (np.uint8(first_time) << _SEVEN)
            state[v] = ever | np.uint8(new)
            claim[v] = FREE
            tally[old] -= 1
            tally[new] += 1
            live[kept] = v
            kept += mode[new] > 0
    return kept, fresh


@kernel
def rows_of(rows: U32, live: U32, lo: int, hi: int, start_of: U32, length_of: U32) -> None:
    """Write the rows of ``live[lo:hi]`` beside them."""
    for i in range(lo, hi):
        start_of[i] = rows[live[i], 0]
        length_of[i] = rows[live[i], 1]
