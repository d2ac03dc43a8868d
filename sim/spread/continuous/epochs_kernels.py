"""Lives of agents, in which they ring: how many rings, when each comes, and over which tie.

An agent draws its rings for a *life*: from when it entered its state, or the tick began, until it
changes by itself, the tick ends, or 16 rings are to be expected; then the next life begins. How
many rings there are is one draw, and given that each comes at a uniform moment of its own: they
need no order among themselves, the calendar (:mod:`sim.spread.continuous.calendar_kernels`) puts
all in order anyway.
Lives of a tick count from 0, the one that begins with the tick; a change from or to a state that
rings begins a new one and voids the rings of the one before.

Draws of life ``g`` of agent ``u`` are ``word2(word(key, u), g << 10 | j)``: ``j`` = 0 the wait for
the change by itself and 2 its outcome, 1 the number of rings, and of ring ``i`` 3 + 2i its moment
and 4 + 2i its tie, by the whole part of draw times ties, and its share, by the rest.

Many lives are drawn at once, in flat passes over all their rings: reads of memory wait for none of
the others. A ring over a tie that can change nothing now, nor whatever becomes of the listener (its
share is not below ``Rates.bound``), is not kept.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.arrays import F64, U8, U32, U64
from sim.jit.jit import inlined, lean
from sim.jit.mix import C2, mix, uniform, word, word2
from sim.jit.prefetch import ahead
from sim.jit.sparse import slot
from sim.jit.types import Word
from sim.jit.words import FOUR, ONE, THREE, TWO, ZERO
from sim.spread.continuous.calendar_kernels import (
    GRAINS,
    MAPPED,
    MOMENT,
    SPAN,
    Calendar,
    push_ring,
    put_ring,
)
from sim.spread.continuous.rates_kernels import (
    PARTING,
    ListenerRows,
    Rates,
    contacts_of,
    count_of,
    outcome_of,
    wait,
)

LEFT = 260
"""Chunks, and places in the heap, that must be left: what one ring may lead to."""

MOST_RINGS = 128
"""More than a life ever has: 16 are to be expected."""

BATCH, ALONE = 64, 64
"""Lives drawn at once; the place of one that is drawn alone."""

RINGS = 1024
"""Rings of lives drawn at once, at most."""

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
PARTS = np.uint64(2)
"""What ``Epochs.ends`` is, less the state that follows, where a life ends unseen: at once."""

_BLOCK = 16.0
_LIFE = np.uint64(10)
_S6, _S32, _M63 = np.uint64(6), np.uint64(32), np.uint64(63)
_MOST = np.uint64(MOST_RINGS)
_WHOLE = np.uint64(GRAINS)
_FULL = np.uint64(1 << 32)
_WIDE = 4294967296.0
_EIGHT, _SIXTEEN = np.uint64(8), np.uint64(16)
_RINGS, _ALONE = np.uint64(RINGS), np.uint64(ALONE)
_C2 = np.uint64(C2)
_STEP = np.uint64((2 * int(C2)) & 0xFFFFFFFFFFFFFFFF)


class Epochs(NamedTuple):
    """Lives that are about to begin, ``BATCH`` and one.

    Given, uint64: ``agent``, its ``state`` (its code), ``since`` which moment, and ``number``.
    Drawn: ``start`` (uint64) and ``many`` (float64), its row; ``grains`` (float64), how long it
    lasts; ``sign`` (uint64), the lower bits of its rings; ``lack`` as in ``Rates``; ``ends``
    (uint64): 0 with the tick, 1 with a ring whose last word is ``share`` (uint64), ``PARTS`` and
    more: unseen, to the state that this is more; ``drawn`` and ``stop`` (uint64): how many rings,
    and where those that are kept end. Of each ring: ``seed``, ``what``, ``tie`` (uint64) and ``of``
    (uint64, whose it is), scratch; ``ring`` (uint64), three words for each one kept.
    """

    agent: U64
    state: U64
    since: U64
    number: U64
    start: U64
    many: F64
    grains: F64
    sign: U64
    lack: U64
    ends: U64
    share: U64
    drawn: U64
    stop: U64
    seed: U64
    what: U64
    tie: U64
    of: U64
    ring: U64


@inlined
def _begin(heard: ListenerRows, rates: Rates, key: Word, lives: Epochs, j: Word, n: Word) -> Word:
    """Draw how long a life lasts and how many rings it has, after ``n`` of others; returns all."""
    u, s, t = lives.agent[j], np.int64(lives.state[j]), lives.since[j]
    many = np.int64(lives.many[j])
    ties = contacts_of(rates.mode, many, s) * rates.ceiling[s]
    alone = float(rates.alone[s])
    own, at_life = word(key, u), lives.number[j] << _LIFE
    end = float(np.int64(_WHOLE - t)) * GRAIN
    goes_on = ties * end > _BLOCK
    if goes_on:
        end = _BLOCK / ties
    ends = np.uint64(goes_on)
    share = ONE
    if alone > 0.0:
        waited = wait(uniform(word2(own, at_life)), alone, end)
        if waited < end:
            end = waited
            part = np.uint64(uniform(word2(own, at_life + TWO)) * _WIDE)
            share, ends = part << _S32, ONE
            if rates.marks[s] & PARTING:
                o = outcome_of(rates.soff[s], rates.soff[s + 1], rates.scum, part)
                ends = PARTS + np.uint64(rates.snew[o])
    lives.grains[j] = end * GRAINS
    lives.sign[j] = ((lives.number[j] & LIVES) << _S6) | np.uint64(s)
    lives.lack[j], lives.ends[j], lives.share[j] = rates.lack[s], ends, share
    count = ZERO
    if ties > 0.0:
        count = np.uint64(count_of(uniform(word2(own, at_life + ONE)), ties * end))
    lives.drawn[j] = count
    z = own + (at_life + FOUR) * _C2
    for k in range(n, n + count, _EIGHT):  # eight at a time: no number of rings is guessed wrong
        for i in range(_EIGHT):
            lives.seed[k + i] = z
            lives.of[k + i] = j
            z += _STEP
    return n + count


@inlined
def _aim(heard: ListenerRows, lives: Epochs, n: Word) -> None:
    """Draw over which tie each of ``n`` rings comes, and look up its listener."""
    seed, of, what, tie = lives.seed, lives.of, lives.what, lives.tie
    for r in range(n):
        scaled = uniform(mix(seed[r])) * lives.many[of[r]]
        place = np.uint64(scaled)
        what[r] = (np.uint64((scaled - np.float64(place)) * _WIDE) << _S32) | place
        tie[r] = lives.start[of[r]] + place
    for r in range(n):
        tie[r] = np.uint64(heard.targets[tie[r]])


@inlined
def _narrow(
    rates: Rates, keys: U32, state: U8, calendar: Calendar, lives: Epochs, n: Word
) -> Word:  # fmt: skip
    """Keep those of ``n`` rings that may change anything; returns how many."""
    seed, of, what, tie, low = lives.seed, lives.of, lives.what, lives.tie, calendar.low
    m = ZERO
    if calendar.at[MAPPED]:
        for r in range(n):
            j, v, w = of[r], tie[r], what[r]
            is_low = (low[v >> _S6] >> (v & _M63)) & ONE
            of[m], tie[m], what[m], seed[m] = j, v, w, seed[r]
            m += np.uint64((w >> _S32) < _FULL - is_low * lives.lack[j])
            lives.stop[j] = m
    else:
        for r in range(n):
            j, v, w = of[r], tie[r], what[r]
            row = np.int64(lives.state[j]) * rates.mode.size
            limit = rates.bound[row + np.int64(state[slot(keys, v)] & CODE)]
            of[m], tie[m], what[m], seed[m] = j, v, w, seed[r]
            m += np.uint64((w >> _S32) < limit)
            lives.stop[j] = m
    return m


@lean
def begin_lives(
    heard: ListenerRows, rates: Rates, key: Word, keys: U32, state: U8, calendar: Calendar,
    lives: Epochs,
    lo: int, hi: int,
) -> int:  # fmt: skip
    """Draw lives from ``lo`` on, up to ``hi`` or as many as there is room for; returns up to which.

    Either all are below ``BATCH``, or it is ``ALONE``; that leaves what is drawn of the others.
    """
    n, j, stop = ZERO, np.uint64(lo), np.uint64(hi)
    for i in range(j, stop):
        u = lives.agent[i]
        lives.start[i] = np.uint64(heard.rows[u, 0])
        lives.many[i] = np.float64(heard.rows[u, 1])
    for i in range(j, stop):
        ahead(heard.targets, lives.start[i])
        ahead(heard.targets, lives.start[i] + _SIXTEEN)
    while j < stop and n + _MOST <= _RINGS:
        n = _begin(heard, rates, key, lives, j, n)
        j += ONE
    _aim(heard, lives, n)
    m = _narrow(rates, keys, state, calendar, lives, n)
    base = _RINGS * np.uint64(lo == ALONE)
    before = base
    for i in range(np.uint64(lo), j):
        if lives.drawn[i] > ZERO:
            before = base + lives.stop[i]
        lives.stop[i] = before
    for r in range(m):
        i, at = lives.of[r], (base + r) * THREE
        grains = lives.grains[i] * uniform(mix(lives.seed[r] - _C2))
        lives.ring[at] = ((lives.since[i] + np.uint64(grains)) << MOMENT) | lives.sign[i]
        lives.ring[at + ONE] = (lives.agent[i] << _S32) | lives.tie[r]
        lives.ring[at + TWO] = lives.what[r]
    return int(j)


@inlined
def _keep(calendar: Calendar, when: Word, who: Word, what: Word) -> None:
    """Keep a ring for the span it falls in."""
    span = when >> calendar.shift[0]
    if np.int64(span) >= calendar.at[SPAN]:
        put_ring(calendar, span, when, who, what)
    else:
        push_ring(calendar.heap, calendar.at, when, who, what)


@inlined
def put_life(calendar: Calendar, lives: Epochs, j: Word) -> None:
    """Put the rings of a life into the calendar."""
    first = _RINGS if j == _ALONE else ZERO
    if j != _ALONE and j > ZERO:
        first = lives.stop[j - ONE]
    for r in range(first * THREE, lives.stop[j] * THREE, THREE):
        _keep(calendar, lives.ring[r], lives.ring[r + ONE], lives.ring[r + TWO])
    if lives.ends[j] == ONE:
        u = lives.agent[j]
        when = ((lives.since[j] + np.uint64(lives.grains[j])) << MOMENT) | lives.sign[j]
        _keep(calendar, when, (u << _S32) | u, lives.share[j])
