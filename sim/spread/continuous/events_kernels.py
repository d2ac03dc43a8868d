"""Compartmental models one event at a time: each live agent rings, and a ring may change somebody.

An agent in a state that speaks rings as a Poisson process, each ring over one of its ties, at the
largest rate that its state allows; a tie whose actual rate is lower accepts with the ratio
(thinning: Lewis & Shedler 1979). What happens by itself has a clock of its own. So the law is that
of the Markov chain in continuous time, exactly. Poisson processes have no memory: every tick begins
with new rings, and nothing but the states lives on between ticks.

Rings are drawn by :mod:`sim.spread.continuous.epochs_kernels` and wait in a calendar
(:mod:`sim.spread.continuous.calendar_kernels`). They
happen one by one in order, but what the next ones will do if nothing comes between is looked up for
many at once, and lives that they will then begin are drawn at once; a ring whose listener has
changed meanwhile is looked up again, and a life that is not the expected one is drawn alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.arrays import F64, I64, U8, U32
from sim.jit.claims import NOBODY
from sim.jit.jit import inlined, lean
from sim.jit.prefetch import ahead
from sim.jit.sparse import VACANT, slot
from sim.jit.types import Number, Word
from sim.jit.words import EVER, ONE, THREE, TWO, ZERO
from sim.spread.continuous.births_kernels import NewLives, life_of, map_low, reborn, still_live
from sim.spread.continuous.calendar_kernels import (
    AHEAD,
    DUE,
    DUES,
    EVENTS,
    FIRST,
    FRESH,
    HEAPED,
    HELD,
    MAPPED,
    MOMENT,
    NEXT,
    ROOM,
    SINCE,
    SPAN,
    WATCHED,
    Calendar,
    pop_ring,
)
from sim.spread.continuous.epochs_kernels import (
    ALONE,
    BATCH,
    CODE,
    GRAIN,
    LEFT,
    LIVES,
    LOW32,
    MOST_RINGS,
    PARTS,
    RINGS,
    TICK,
    Epochs,
    begin_lives,
    put_life,
)
from sim.spread.continuous.lookahead_kernels import (
    KEPT,
    WINDOW,
    Lookahead,
    decided,
    left_to,
    load_span,
    look_ahead,
)
from sim.spread.continuous.rates_kernels import (
    LOW,
    RESTLESS,
    STEADY,
    ListenerRows,
    Rates,
    contacts_of,
)

__all__ = [
    "LEFT", "MOST_RINGS", "WINDOW", "FirstAdoptions", "ListenerRows", "Lookahead", "NewLives",
    "Rates", "map_low", "ring_first", "ring_on", "still_live",
]  # fmt: skip

_SIXTEEN = np.uint64(16)
_S6, _S32 = np.uint64(6), np.uint64(32)
_STATE = _M63 = np.uint64(0x3F)
_ALONE = np.uint64(ALONE)
_OWN = np.uint64(NOBODY)


class FirstAdoptions(NamedTuple):
    """First adoptions in order of time: ``agents``, ``sources`` (uint32), ``times`` (float64)."""

    agents: U32
    sources: U32
    times: F64


@inlined
def _watch(
    rates: Rates, calendar: Calendar, many: Number, old: Number, new: Number, t: Word
) -> None:
    """Count the ties over which an agent speaks from ``t`` on, less those of its state before."""
    more = contacts_of(rates.mode, many, new) - contacts_of(rates.mode, many, old)
    left = 1.0 - float(np.int64(t)) * GRAIN
    calendar.at[WATCHED] += np.int64(np.float64(more) * left * TICK)


@inlined
def _part(
    rates: Rates, state: U8, place: Number, tally: I64, calendar: Calendar, lives: Epochs, j: Word
) -> None:  # fmt: skip
    """Let an agent leave its state at once, where nobody can tell."""
    if lives.ends[j] >= PARTS:
        old, new = np.int64(lives.state[j]), np.int64(lives.ends[j] - PARTS)
        t = lives.since[j] + np.uint64(lives.grains[j])
        state[place] = (state[place] & EVER) | np.uint8(new)
        tally[old] -= 1
        tally[new] += 1
        calendar.at[EVENTS] += 1
        _watch(rates, calendar, np.int64(lives.many[j]), old, new, t)


@inlined
def _drawn_alone(
    heard: ListenerRows, rates: Rates, key: Word, keys: U32, state: U8, calendar: Calendar,
    lives: Epochs,
    u: Word, s: Number, t: Word, life: Word,
) -> Word:  # fmt: skip
    lives.agent[_ALONE] = u
    lives.state[_ALONE] = np.uint64(s)
    lives.since[_ALONE] = t
    lives.number[_ALONE] = life
    begin_lives(heard, rates, key, keys, state, calendar, lives, ALONE, ALONE + 1)
    return _ALONE


@inlined
def _become(
    heard: ListenerRows, rates: Rates, key: Word, keys: U32, state: U8, births: NewLives,
    tally: I64, calendar: Calendar, lives: Epochs, found: FirstAdoptions, v: Word, new: Number,
    source: Word, t: Word, j: Word,
) -> None:  # fmt: skip
    """Give agent ``v`` the state ``new``, note a first adoption, and begin its life.

    It is drawn as the ``j``-th, or not at all.
    """
    place, at = slot(keys, v), calendar.at
    if keys.size and keys[place] == VACANT:
        keys[place] = np.uint32(v)
        at[ROOM] -= 1
    code: Number = state[place]
    ever: Number = code & EVER
    if rates.adopting[new] and not ever:
        ever = EVER
        n = at[FRESH]
        found.agents[n] = np.uint32(v)
        found.sources[n] = np.uint32(source)
        found.times[n] = float(np.int64(t)) * GRAIN
        at[FRESH] = n + 1
    state[place] = ever | np.uint8(new)
    old: Number = np.int64(code & CODE)
    tally[old] -= 1
    tally[new] += 1
    if at[MAPPED]:
        is_low = np.uint64(rates.marks[new] & LOW)
        calendar.low[v >> _S6] |= is_low << (v & _M63)
    if rates.marks[new] & RESTLESS:
        life = life_of(births.claim, calendar.born, v) + ONE
        if j >= _ALONE or lives.number[j] != life or lives.state[j] != np.uint64(new):
            j = _drawn_alone(
                heard, rates, key, keys, state, calendar, lives, v, new, t, life
            )  # fmt: skip
        _watch(rates, calendar, np.int64(lives.many[j]), old, new, t)
        put_life(calendar, lives, j)
        _part(rates, state, place, tally, calendar, lives, j)
        if lives.ends[j] < PARTS or rates.marks[old] & (RESTLESS | STEADY) == RESTLESS:
            reborn(births, calendar, v)  # else nothing asks for its life any more
    elif rates.marks[old] & RESTLESS:
        _watch(rates, calendar, np.int64(heard.rows[v, 1]), old, new, t)
        reborn(births, calendar, v)


@lean
def ring_on(
    heard: ListenerRows, rates: Rates, key: Word, keys: U32, state: U8, births: NewLives,
    tally: I64, calendar: Calendar, lives: Epochs, outlook: Lookahead, found: FirstAdoptions,
) -> bool:  # fmt: skip
    """Let rings happen in order of time until the tick ends.

    Parameters
    ----------
    heard, rates, births, calendar, lives, outlook, found
        See there.
    key
        uint64, of this tick's rings.
    keys, state
        The states, a sparse column (:mod:`sim.jit.sparse`) of uint8.
    tally
        int64, agents in each state.

    Returns
    -------
    bool
        Whether the tick has ended; else some array has no room left: lengthen whichever is nearly
        full and call again.
    """
    at, due, heap = calendar.at, calendar.due, calendar.heap
    while True:
        i = np.uint64(at[DUE]) * THREE
        is_next = at[DUE] < at[DUES]
        if not is_next and at[HEAPED] == 0:
            if at[SPAN] == calendar.tail.size:
                return True
            if not load_span(heard, rates, state, births.claim, calendar):
                return False
            continue
        short = calendar.link.size - at[HELD] < LEFT or heap.size // 3 - at[HEAPED] < LEFT
        if short or at[FRESH] + 2 > found.agents.size or (keys.size and at[ROOM] < 2):
            return False
        if is_next and at[DUE] == at[AHEAD]:
            look_ahead(heard, rates, key, keys, state, births.claim, calendar, lives, outlook)
        if is_next and at[HEAPED] > 0:
            is_next = due[i] < heap[0] or (due[i] == heap[0] and due[i + ONE] < heap[1])
        k = np.uint64(WINDOW)
        if is_next:
            when, who, what = due[i], due[i + ONE], due[i + TWO]
            k = np.uint64(at[DUE] - at[SINCE])
            at[DUE] += 1
        else:
            when, who, what = heap[0], heap[1], heap[2]
            pop_ring(heap, at)
        _happen(
            heard, rates, key, keys, state, births, tally, calendar, lives, outlook, found, when,
            who, what, k,
        )  # fmt: skip


@inlined
def _happen(
    heard: ListenerRows, rates: Rates, key: Word, keys: U32, state: U8, births: NewLives,
    tally: I64, calendar: Calendar, lives: Epochs, outlook: Lookahead, found: FirstAdoptions,
    when: Word, who: Word, what: Word, k: Word,
) -> None:  # fmt: skip
    """Let a ring do what it does, unless it is void; it was looked at ahead as the ``k``-th."""
    u, v, s, t, at = who >> _S32, who & LOW32, np.int64(when & _STATE), when >> MOMENT, calendar.at
    j = _ALONE
    if k < np.uint64(WINDOW) and outlook.rings[at[NEXT]] == k:
        j = np.uint64(at[NEXT])
        at[NEXT] += 1
    life = life_of(births.claim, calendar.born, u) if not rates.marks[s] & STEADY else when >> _S6
    if (life ^ (when >> _S6)) & LIVES:
        return
    if u == v and what & ONE:
        life = life_of(births.claim, calendar.born, u) + ONE
        if j >= _ALONE or lives.number[j] != life:
            j = _drawn_alone(
                heard, rates, key, keys, state, calendar, lives, u, s, t, life
            )  # fmt: skip
        put_life(calendar, lives, j)
        _part(rates, state, slot(keys, u), tally, calendar, lives, j)
        reborn(births, calendar, u)
        return
    at[EVENTS] += 1
    code = state[slot(keys, v)]
    new: Number = np.int64(0)
    now: Number = np.int64(KEPT)
    source = u
    if k < np.uint64(WINDOW) and outlook.seen[k] == code:
        new, now = np.int64(outlook.new[k]), np.int64(outlook.now[k])
    elif u == v:
        new = left_to(rates, s, what)
    else:
        new, now = decided(heard, rates, code, u, v, s, what)
    if u == v:
        source = _OWN
    for who_first in range(2):
        x, y, other = (v, new, source) if who_first == 0 else (u, now, v)
        if y != KEPT:
            _become(
                heard, rates, key, keys, state, births, tally, calendar, lives, found, x, y, other,
                t, j,
            )  # fmt: skip
            j = _ALONE


@lean
def ring_first(
    heard: ListenerRows, rates: Rates, live: U32, count: int, key: Word, keys: U32, state: U8,
    tally: I64,
    calendar: Calendar, lives: Epochs,
) -> bool:  # fmt: skip
    """Draw the rings of each of ``live[:count]`` from the beginning of the tick on.

    Returns whether all are drawn; else the chunks run short: add some and call again.
    """
    at = calendar.at
    while at[FIRST] < count:
        if calendar.link.size - at[HELD] < RINGS + BATCH:
            return False
        many = min(BATCH, count - at[FIRST])
        for j in range(many):
            u = np.uint64(live[at[FIRST] + j])
            lives.agent[j] = u
            lives.state[j] = np.uint64(state[slot(keys, u)] & CODE)
            lives.since[j] = ZERO
            lives.number[j] = ZERO
        for i in range(at[FIRST] + many, min(at[FIRST] + 2 * many, count)):
            start = np.uint64(heard.rows[live[i], 0])
            ahead(heard.targets, start)
            ahead(heard.targets, start + _SIXTEEN)
        for i in range(at[FIRST] + 2 * many, min(at[FIRST] + 3 * many, count)):
            ahead(heard.rows, np.uint64(live[i]) * TWO)
        drawn = begin_lives(heard, rates, key, keys, state, calendar, lives, 0, many)
        for j in range(ZERO, np.uint64(drawn)):
            ties = contacts_of(rates.mode, np.int64(lives.many[j]), np.int64(lives.state[j]))
            at[WATCHED] += ties * TICK
            put_life(calendar, lives, np.uint64(j))
            _part(
                rates, state, slot(keys, lives.agent[j]), tally, calendar, lives, np.uint64(j)
            )  # fmt: skip
        at[FIRST] += drawn
    return True
