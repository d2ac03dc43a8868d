"""Lives of agents, in which they ring: how many rings, when each comes, and over which tie.

An agent draws its rings for a *life*: from when it entered its state, or the tick began, until it
changes by itself, the tick ends, or 16 rings are to be expected; then the next life begins. How
many rings there are is one draw, and given that each comes at a uniform moment of its own: they
need no order among themselves, the calendar (:mod:`sim.kernels.rings`) puts all in order anyway.
Lives of a tick count from 0, the one that begins with the tick; a change from or to a state that
rings begins a new one and voids the rings of the one before.

Draws of life ``g`` of agent ``u`` are ``word2(word(key, u), g << 10 | j)``: ``j`` = 0 the wait for
the change by itself and 2 its outcome, 1 the number of rings, and of ring ``i`` 3 + 2i its moment
and 4 + 2i its tie, by the whole part of draw times ties, and its share, by the rest.

A ring over a tie that can change nothing now, nor whatever becomes of the listener (its share is
not below ``Rates.bound``), is not kept.
"""

from __future__ import annotations

import numpy as np

from sim.kernels.aims import EAGER, Heard, Rates, contacts_of, count_of, wait
from sim.kernels.jit import inlined, lean
from sim.kernels.mix import uniform, word, word2
from sim.kernels.rings import (
    FIRST,
    GRAINS,
    HELD,
    MOMENT,
    SEEN,
    SPAN,
    UNKNOWN,
    WATCHED,
    Calendar,
    push_ring,
    put_ring,
)
from sim.kernels.sparse import slot
from sim.kernels.types import U8, U32, U64, Number, Word

__all__ = ["CODE", "GRAIN", "LEFT", "LIVES", "LOW32", "MOST_RINGS", "TICK", "any_eager",
           "begin_life", "ring_first", "row_ends"]  # fmt: skip

LEFT = 260
"""Chunks, and places in the heap, that must be left: what one ring may lead to."""

MOST_RINGS = 128
"""More than a life ever has: 16 are to be expected."""

CODE = np.uint8(0x7F)
"""What of an agent's state tells which one it is."""
LIVES = np.uint64(0xFFFF)
"""What of a life's number its rings know."""
LOW32 = np.uint64(0xFFFFFFFF)
"""The lower half of a word."""
GRAIN = 1.0 / GRAINS
"""A grain in ticks."""
TICK = 1 << 20
"""A tie spoken over for a tick, in ``WATCHED``."""

_BLOCK = 16.0
_NO, _ONE, _TWO, _THREE, _FOUR = (np.uint64(k) for k in range(5))
_LIFE = np.uint64(10)
_S6, _S32 = np.uint64(6), np.uint64(32)
_MOST = np.uint64(MOST_RINGS)
_WHOLE = np.uint64(GRAINS)
_WIDE = 4294967296.0
_STAGE = 64


@inlined
def _keep(calendar: Calendar, when: Word, who: Word, what: Word) -> None:
    """Keep a ring for the span it falls in."""
    span = when >> calendar.shift[0]
    if np.int64(span) >= calendar.at[SPAN]:
        put_ring(calendar, span, when, who, what)
    else:
        push_ring(calendar.heap, calendar.at, when, who, what)


@inlined
def _picked(
    heard: Heard, rates: Rates, keys: U32, state: U8, picked: U64, u: Number, s: Number, own: Word,
    at_life: Number, n: Number,
) -> Number:  # fmt: skip
    """Aim ``n`` rings, and write those that may change anything into ``picked``; returns how many.

    In the first half its number ``<< 32`` and the listener, or ``UNKNOWN`` where any would do; in
    the second the ring's last word. There is no branch that a processor could guess wrong.
    """
    start, many = np.uint64(heard.rows[u, 0]), np.float64(heard.rows[u, 1])
    eager, row = (rates.marks[s] & EAGER) > 0, s * rates.mode.size
    m = _NO
    for i in range(np.uint64(n)):
        scaled = uniform(word2(own, at_life + _FOUR + _TWO * i)) * many
        place = np.uint64(scaled)
        share = np.uint64((scaled - np.float64(place)) * _WIDE)
        v, keep = UNKNOWN, True
        if eager:
            v = np.uint64(heard.targets[start + place])
            keep = share < rates.bound[row + np.int64(state[slot(keys, v)] & CODE)]
        picked[m] = (i << _S32) | v
        picked[_MOST + m] = (share << _S32) | place
        m += np.uint64(keep)
    return m


@inlined
def begin_life(
    heard: Heard, rates: Rates, key: Word, keys: U32, state: U8, calendar: Calendar, u: Number,
    s: Number, t: Word, life: Number,
) -> None:  # fmt: skip
    """Draw the rings of a life of agent ``u``, in state ``s`` from moment ``t`` on."""
    ties = contacts_of(rates.mode, np.int64(heard.rows[u, 1]), s) * rates.ceiling[s]
    alone = float(rates.alone[s])
    own, at_life = word(key, u), life << _LIFE
    end = float(np.int64(_WHOLE - t)) * GRAIN
    goes_on = ties * end > _BLOCK
    if goes_on:
        end = _BLOCK / ties
    changes = False
    if alone > 0.0:
        waited = wait(uniform(word2(own, at_life)), alone, end)
        changes = waited < end
        end = min(waited, end)
    sign = ((life & LIVES) << _S6) | np.uint64(s)
    grains = end * GRAINS
    if ties > 0.0:
        n = count_of(uniform(word2(own, at_life + _ONE)), ties * end)
        m = _picked(heard, rates, keys, state, calendar.picked, u, s, own, at_life, n)
        for i in range(m):
            v = calendar.picked[i] & LOW32
            j = at_life + _THREE + _TWO * (calendar.picked[i] >> _S32)
            when = ((t + np.uint64(grains * uniform(word2(own, j)))) << MOMENT) | sign
            _keep(calendar, when, (u << _S32) | v, calendar.picked[_MOST + i])
    if changes or goes_on:
        share = np.uint64(uniform(word2(own, at_life + _TWO)) * _WIDE)
        when = ((t + np.uint64(grains)) << MOMENT) | sign
        _keep(calendar, when, (u << _S32) | u, (share << _S32) | np.uint64(not changes))


@inlined
def row_ends(heard: Heard, u: Word) -> Word:
    """Read the first and the last listener of ``u``; returns what means nothing."""
    start, many = np.uint64(heard.rows[u, 0]), np.uint64(heard.rows[u, 1])
    last = np.uint64(heard.targets.size) - _ONE
    end = start + many - np.uint64(many > _NO)
    return np.uint64(heard.targets[min(start, last)]) ^ np.uint64(heard.targets[min(end, last)])


@inlined
def any_eager(heard: Heard, rates: Rates) -> bool:
    """Return whether rings of any state are looked at when they are drawn."""
    found = False
    for s in range(rates.marks.size):
        found |= (rates.marks[s] & EAGER) > 0
    return found and heard.targets.size > 0


@lean
def ring_first(
    heard: Heard, rates: Rates, live: U32, count: int, key: Word, keys: U32, state: U8,
    calendar: Calendar,
) -> bool:  # fmt: skip
    """Draw the rings of each of ``live[:count]`` from the beginning of the tick on.

    Returns whether all are drawn; else the chunks run short: add some and call again.
    """
    rows, at = heard.rows, calendar.at
    watched: Number = np.int64(0)
    seen = np.uint64(0)
    first = at[FIRST]
    reads = any_eager(heard, rates)
    while first < count:
        last = min(first + _STAGE, count)
        if calendar.link.size - at[HELD] < (last - first) * LEFT // 2:
            at[WATCHED] += watched * TICK
            return False
        if reads:
            m = _NO
            for i in range(first, last):
                u = np.uint64(live[i])
                calendar.picked[m] = u
                m += np.uint64(rates.mode[np.int64(state[slot(keys, u)] & CODE)] > 0)
            for i in range(m):  # reads that wait for nothing: all at the same time
                seen ^= row_ends(heard, calendar.picked[i])
        for i in range(first, last):
            u = np.uint64(live[i])
            s = np.int64(state[slot(keys, u)] & CODE)
            watched += contacts_of(rates.mode, np.int64(rows[u, 1]), s)
            begin_life(heard, rates, key, keys, state, calendar, u, s, _NO, _NO)
        first = last
        at[FIRST] = last
    at[SEEN] = np.int64(seen)
    at[WATCHED] += watched * TICK
    return True
