"""What the next rings will do: spans of the calendar are begun, and looked at ahead."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.arrays import U8, U32, U64
from sim.jit.claims import is_open
from sim.jit.jit import inlined, lean
from sim.jit.prefetch import ahead
from sim.jit.sparse import slot
from sim.jit.types import Number, Word
from sim.jit.words import ONE, THREE, TWO, ZERO
from sim.spread.continuous.births_kernels import is_born, life_of
from sim.spread.continuous.calendar_kernels import (
    AHEAD,
    DUE,
    DUES,
    MAPPED,
    MOMENT,
    NEXT,
    SINCE,
    Calendar,
    order_due,
    take_span,
)
from sim.spread.continuous.epochs_kernels import BATCH, CODE, LIVES, LOW32, Epochs, begin_lives
from sim.spread.continuous.rates_kernels import (
    RESTLESS,
    STEADY,
    ListenerRows,
    Rates,
    outcome_of,
    weighed,
)

WINDOW = 128
"""Rings that are looked at ahead."""
KEPT = 255
"""What an agent becomes that stays what it is."""

_S6, _S32 = np.uint64(6), np.uint64(32)
_STATE = _M63 = np.uint64(0x3F)
_FULL = np.uint64(1 << 32)


class Lookahead(NamedTuple):
    """What the next rings do if nothing comes between.

    Of each of ``WINDOW``: ``seen`` (uint8), the state of its listener; ``new`` and ``now`` (uint8),
    what listener and speaker become. ``rings`` (uint64, ``BATCH`` + 1): at which of them the lives
    begin that are drawn, in order, then none.
    """

    seen: U8
    new: U8
    now: U8
    rings: U64


@inlined
def load_span(heard: ListenerRows, rates: Rates, state: U8, claim: U64, calendar: Calendar) -> bool:
    """Begin with the next span; returns whether there is room for it.

    Rings that are void, or can change nothing any more, are dropped; what others are going to read
    is fetched.
    """
    spare, low, born, kept = calendar.spare, calendar.low, calendar.born, ZERO
    n = take_span(calendar)
    if n < 0:
        return False
    if calendar.at[MAPPED]:
        for i in range(ZERO, np.uint64(n) * THREE, THREE):
            when, who, what = spare[i], spare[i + ONE], spare[i + TWO]
            v = who & LOW32
            is_low = (low[v >> _S6] >> (v & _M63)) & ONE & np.uint64(v != who >> _S32)
            ahead(state, v)
            ahead(heard.rows, v * TWO)
            spare[kept] = when
            spare[kept + ONE] = who
            spare[kept + TWO] = what
            kept += THREE * np.uint64((what >> _S32) < _FULL - is_low * rates.lack[when & _STATE])
        n = int(kept) // 3
    is_fickle = False
    for s in range(rates.marks.size):
        is_fickle |= (rates.marks[s] & (RESTLESS | STEADY)) == RESTLESS
    if is_fickle:
        kept = ZERO
        for i in range(ZERO, np.uint64(n) * THREE, THREE):
            when, who, what = spare[i], spare[i + ONE], spare[i + TWO]
            u = who >> _S32
            is_later = is_born(born, u)
            life = ((claim[u * is_later] + TWO) & LIVES) * is_later
            counts = ((when >> _S6) & LIVES == life) | (
                (rates.marks[when & _STATE] & STEADY) > np.uint8(0)
            )
            spare[kept] = when
            spare[kept + ONE] = who
            spare[kept + TWO] = what
            kept += THREE * np.uint64(counts)
        n = int(kept) // 3
    order_due(calendar, n)
    calendar.at[AHEAD] = 0
    return True


@inlined
def decided(
    heard: ListenerRows, rates: Rates, code: Number, u: Word, v: Word, s: Number, what: Word
) -> tuple[Number, Number]:  # fmt: skip
    """Return what a ring over a tie does: (the listener's new state, the speaker's), or 255."""
    row = s * rates.mode.size + np.int64(code & CODE)
    o = weighed(heard, rates, row, u, what & LOW32, what >> _S32)
    if heard.closed.size and not is_open(heard.closed, v):
        o = np.uint64(rates.edge.shape[1])
    return np.int64(rates.hears[row, o]), np.int64(rates.turns[row, o])


@inlined
def left_to(rates: Rates, s: Number, what: Word) -> Number:
    """Return what comes of a ring without a tie: the agent's next state, or the same."""
    if what & ONE:
        return s
    o = outcome_of(rates.soff[s], rates.soff[s + 1], rates.scum, what >> _S32)
    return np.int64(rates.snew[o])


@lean
def look_ahead(
    heard: ListenerRows, rates: Rates, key: Word, keys: U32, state: U8, claim: U64,
    calendar: Calendar,
    lives: Epochs, outlook: Lookahead,
) -> None:  # fmt: skip
    """Look up what the next rings do if nothing comes between, and draw lives they begin."""
    at, due = calendar.at, calendar.due
    first = np.uint64(at[DUE])
    many = np.uint64(min(at[DUES] - at[DUE], WINDOW))
    for k in range(many):
        outlook.seen[k] = state[slot(keys, due[(first + k) * THREE + ONE] & LOW32)]
    m = ZERO
    for k in range(many):
        i = (first + k) * THREE
        when, who, what = due[i], due[i + ONE], due[i + TWO]
        u, v, s = who >> _S32, who & LOW32, np.int64(when & _STATE)
        new: Number = np.int64(0)
        now: Number = np.int64(KEPT)
        if u == v:
            new = left_to(rates, s, what)
        else:
            new, now = decided(heard, rates, outlook.seen[k], u, v, s, what)
        outlook.new[k] = np.uint8(new)
        outlook.now[k] = np.uint8(now)
        begins = new != KEPT
        if begins:
            begins = (rates.marks[new] & RESTLESS) > 0
        lives.agent[m] = v
        lives.state[m] = np.uint64(new)
        lives.since[m] = when >> MOMENT
        outlook.rings[m] = k
        m += np.uint64(begins)
        if m == np.uint64(BATCH):
            many = k + ONE
            break
    for j in range(m):
        lives.number[j] = life_of(claim, calendar.born, lives.agent[j]) + ONE
    if m > ZERO:
        drawn = np.uint64(begin_lives(heard, rates, key, keys, state, calendar, lives, 0, int(m)))
        if drawn < m:
            many = outlook.rings[drawn]
        m = drawn
    outlook.rings[m] = np.uint64(WINDOW)
    at[SINCE] = at[DUE]
    at[AHEAD] = at[DUE] + np.int64(many)
    at[NEXT] = 0
