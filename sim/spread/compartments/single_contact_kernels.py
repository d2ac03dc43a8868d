"""One call a speaker: a tick of rules in which speakers call one random tie and none is called on.

As :mod:`sim.spread.compartments.table_kernels`, with the same draws and the same result, where no
contact changes the
state of an agent that itself speaks. Then what a call makes of the caller depends on nobody else:
it is no claim, only a change that is written when the tick is over, and the row and the state of
who speaks are kept beside the list of speakers, read in order.

A tick waits for memory once a call, for the tie that is drawn; so calls pass in blocks through
short loops that do not branch, and the ties of one block are fetched while the one before it is
worked on. Claims are written down one behind the other, and sorted by listener when all is said:
they fit into a near cache, where a place for each agent would be far away.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.arrays import F64, I64, U8, U32, U64
from sim.jit.claims import BATCH, is_open, remix
from sim.jit.jit import kernel
from sim.jit.mix import gate, uniform, word, word2
from sim.jit.prefetch import ahead
from sim.jit.types import Number, Word
from sim.jit.words import BYTE, CODE, EVER, LOW32, ONE, S11, S32, S40
from sim.spread.compartments.table_kernels import ContactRules

_S64 = np.uint64(64)
_NOT_EVER = np.uint8(0)
_SEVEN = np.uint8(7)
_KEEP = np.uint8(255)
_DIGIT = np.uint64(11)
_BUCKETS = 1 << 11
_DIGITS = np.uint64(_BUCKETS - 1)
_FEW = 64


class CallsMade(NamedTuple):
    """What comes of the calls of a tick.

    ``who``, ``claim`` (uint64): ``listener << 32 | place``, and the claim at that place;
    ``turning``, ``into`` (uint32, uint8): who changes by its own call, and its state. Each has room
    for one more than there are speakers.
    """

    who: U64
    claim: U64
    turning: U32
    into: U8


class _Limits(NamedTuple):
    """The gate of each state; first and last outcome and limit of the draw of each row."""

    under: U64
    first: I64
    last: I64
    until: F64


@kernel
def call_once(
    live: U32, start_of: U32, length_of: U32, code_of: U8, count: int, targets: U32, key: Word,
    state: U8, closed: U64, rules: ContactRules, made: CallsMade,
) -> tuple[Number, Number, Number, Number]:  # fmt: skip
    """Let each of ``live[:count]`` call one of its listeners, or nobody.

    Parameters
    ----------
    live, start_of, length_of, code_of, count
        uint32 agents that speak, in any order, how many, and beside them their rows (uint32) and
        states (uint8); those that speak on are kept, in place.
    targets, key
        As in :func:`sim.spread.compartments.table_kernels.table_contacts`.
    state
        uint8 (n,), not written to.
    closed, rules
        As there.
    made
        Written.

    Returns
    -------
    (speakers kept, claims, agents turning, calls weighed)
    """
    limits = _limits(rules)
    speaks = (rules.mode > 0).astype(np.uint8)
    drawn, place = np.empty((2, BATCH), np.uint64), np.empty((2, BATCH), np.int64)
    chosen, many = np.empty((2, BATCH + 1), np.int64), np.zeros(2, np.int64)
    heard = np.empty(BATCH, np.uint32)
    kept: Number = np.int64(0)
    m: Number = np.int64(0)
    t: Number = np.int64(0)
    seen: Number = np.int64(0)
    for first in range(0, count + BATCH, BATCH):
        side = (first // BATCH) & 1
        here = slice(min(first, count), min(first + BATCH, count))
        many[side], found = _dial(
            live[here], start_of[here], length_of[here], code_of[here], key, limits.under,
            drawn[side], chosen[side], place[side],
        )  # fmt: skip
        seen += found
        lo, hi, other = max(first - BATCH, 0), min(first, count), 1 - side
        n = many[other]
        for j in range(n):
            heard[j] = targets[place[other, j]]
        m, t = _talk(
            live[lo:hi], code_of[lo:hi], drawn[other], chosen[other], heard[:n], targets,
            place[side, : many[side]], state, closed, rules, limits, made, m, t,
        )  # fmt: skip
        for i in range(lo, hi):
            live[kept], start_of[kept] = live[i], start_of[i]
            length_of[kept], code_of[kept] = length_of[i], code_of[i]
            kept += speaks[code_of[i]]
    return kept, m, t, seen


@kernel
def _limits(rules: ContactRules) -> _Limits:
    off, total, ceiling = rules.off, rules.total, rules.ceiling
    under = np.empty(ceiling.size, np.uint64)
    for s in range(ceiling.size):
        under[s] = gate(ceiling[s]) + ONE
    first, last = np.empty(total.size, np.int64), np.empty(total.size, np.int64)
    until = np.zeros(total.size, np.float64)
    for row in range(total.size):
        last[row] = max(off[row + 1] - 1, np.int64(0))
        first[row] = min(off[row], last[row])
        if total[row] > 0.0:
            until[row] = rules.cum[last[row]]
    return _Limits(under, first, last, until)


@kernel
def _dial(
    live: U32, start_of: U32, length_of: U32, code_of: U8, key: Word, under: U64, drawn: U64,
    chosen: I64, place: I64,
) -> tuple[Number, Number]:  # fmt: skip
    """Choose who of a block calls, and whom; returns (how many do, how many could)."""
    for j in range(live.size):
        drawn[j] = word2(word(key, live[j]), 0)
    n: Number = np.int64(0)
    seen: Number = np.int64(0)
    for j in range(live.size):
        chosen[n] = j
        could = length_of[j] > 0
        seen += could
        n += ((drawn[j] >> S11) < under[code_of[j]]) & could
    for j in range(n):
        i = chosen[j]
        drawn[j] = drawn[i]
        share = uniform(remix(drawn[i]))
        place[j] = np.int64(start_of[i]) + np.int64(share * np.float64(length_of[i]))
    return n, seen


@kernel
def _talk(
    live: U32, code_of: U8, drawn: U64, chosen: I64, heard: U32, targets: U32, soon: I64, state: U8,
    closed: U64, rules: ContactRules, limits: _Limits, made: CallsMade, m: Number, t: Number,
) -> tuple[Number, Number]:  # fmt: skip
    """Weigh the calls of a block: write claims, and who changes by its own call.

    Meanwhile the ties of the next block, ``soon``, are fetched.
    """
    cum, listener, speaker = rules.cum, rules.listener, rules.speaker
    who, claim, turning, into = made
    told = np.empty(heard.size, np.uint8)
    for j in range(heard.size):  # nothing but reads, which do not wait for one another
        told[j] = state[heard[j]] & CODE
    for j in range(soon.size - heard.size):
        ahead(targets, soon[heard.size + j])
    for j in range(heard.size):
        if j < soon.size:
            ahead(targets, soon[j])
        i = chosen[j]
        row = np.int64(code_of[i]) * rules.mode.size + np.int64(told[j])
        share = uniform(drawn[j])
        o = limits.first[row]
        for q in range(o, limits.last[row]):
            o += share >= cum[q]
        falls = share < limits.until[row]
        if closed.size:
            falls &= is_open(closed, np.uint64(heard[j]))
        turns = falls & (speaker[o] != _KEEP)
        turning[t], into[t] = live[i], speaker[o]
        t += turns
        code_of[i] ^= (code_of[i] ^ speaker[o]) & (_NOT_EVER - np.uint8(turns))
        who[m] = (np.uint64(heard[j]) << S32) | np.uint64(m)
        claim[m] = (drawn[j] << S40) | (np.uint64(listener[o]) << S32) | np.uint64(live[i])
        m += falls & (listener[o] != _KEEP)
    return m, t


@kernel
def turn(turning: U32, into: U8, t: int, state: U8, tally: I64) -> None:
    """Write the states (uint8) of ``turning[:t]``, and count them in ``tally`` (int64)."""
    for i in range(t):
        u = turning[i]
        old = state[u]
        tally[old & CODE] -= 1
        tally[into[i]] += 1
        state[u] = (old & EVER) | into[i]


@kernel
def winners(who: U64, claim: U64, m: int, spare: U64, touched: U32) -> Number:
    """Put the claims in order of listener, of each the lowest.

    Parameters
    ----------
    who, claim, m
        As :func:`call_once` leaves them; ``who`` takes the claims that win.
    spare
        uint64 scratch of at least ``m``.
    touched
        uint32 (m,), takes their listeners, ascending.

    Returns
    -------
    How many listeners there are.
    """
    largest = np.uint64(0)
    for i in range(m):
        largest = max(largest, who[i])
    shift = S32
    where, other = who, spare
    if m <= _FEW:
        _insert(who, m)
        largest = np.uint64(0)
    while shift < _S64 and largest >> shift:
        _by_digit(where, other, m, shift)
        where, other = other, where
        shift += _DIGIT
    n: Number = np.int64(0)
    before = LOW32
    for i in range(m):
        v, c = where[i] >> S32, claim[where[i] & LOW32]
        again = v == before
        n -= again
        who[n] = min(c, who[n]) if again else c
        touched[n] = np.uint32(v)
        n += 1
        before = v
    return n


@kernel
def _insert(who: U64, m: int) -> None:
    """Sort a handful in place."""
    for i in range(1, m):
        moved = who[i]
        j = i
        while j > 0 and who[j - 1] > moved:
            who[j] = who[j - 1]
            j -= 1
        who[j] = moved


@kernel
def _by_digit(who: U64, into: U64, m: int, shift: Word) -> None:
    """Write ``who[:m]`` into ``into``, ordered by one digit, stable."""
    start = np.zeros(_BUCKETS, np.int64)
    for i in range(m):
        start[(who[i] >> shift) & _DIGITS] += 1
    before: Number = 0
    for digit in range(_BUCKETS):
        here = start[digit]
        start[digit] = before
        before += here
    for i in range(m):
        digit = (who[i] >> shift) & _DIGITS
        into[start[digit]] = who[i]
        start[digit] += 1


@kernel
def answer(
    touched: U32, won: U64, m: int, state: U8, mode: I64, adopting: U8, tally: I64, sources: U32,
    rows: U32, live: U32, start_of: U32, length_of: U32, code_of: U8, kept: Number,
) -> tuple[Number, Number]:  # fmt: skip
    """As ``table_commit``; who is live now is put behind ``live[:kept]``.

    ``touched``, ``won`` and ``m`` are as :func:`winners` leaves them, the rest as in
    :func:`call_once`; ``live`` and what is beside it have room for one more. Of ``touched`` those
    who adopt are kept, in place. Returns (agents that are live, first adoptions).
    """
    codes = np.empty(BATCH, np.uint8)
    row = np.empty((2, BATCH), np.uint32)
    fresh: Number = np.int64(0)
    for first in range(0, m, BATCH):
        size = min(BATCH, m - first)
        for j in range(size):  # nothing but reads, which do not wait for one another
            row[0, j], row[1, j] = rows[touched[first + j], 0], rows[touched[first + j], 1]
        for j in range(size):
            codes[j] = state[touched[first + j]]
        soon = min(BATCH, m - first - size)
        for j in range(size):
            if j < soon:
                ahead(rows, 2 * np.int64(touched[first + BATCH + j]))
            v, c = touched[first + j], won[first + j]
            old, new = np.int64(codes[j] & CODE), np.int64((c >> S32) & BYTE)
            first_time = (adopting[new] > 0) & (codes[j] & EVER == _NOT_EVER)
            touched[fresh] = v
            sources[fresh] = np.uint32(c & LOW32)
            fresh += first_time
            state[v] = (codes[j] & EVER) | (np.uint8(first_time) << _SEVEN) | np.uint8(new)
            tally[old] -= 1
            tally[new] += 1
            live[kept], code_of[kept] = v, np.uint8(new)
            start_of[kept], length_of[kept] = row[0, j], row[1, j]
            kept += mode[new] > 0
    return kept, fresh


@kernel
def rows_of(
    rows: U32, state: U8, live: U32, count: int, start_of: U32, length_of: U32, code_of: U8
) -> None:
    """Write the rows and the states of ``live[:count]`` beside them."""
    for i in range(count):
        start_of[i] = rows[live[i], 0]
        length_of[i] = rows[live[i], 1]
        code_of[i] = state[live[i]] & CODE
