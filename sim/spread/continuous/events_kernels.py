"""Compartmental models one event at a time: each live agent rings, and a ring may change somebody.

An agent in a state that speaks rings as a Poisson process, each ring over one of its ties, at the
largest rate that its state allows; a tie whose actual rate is lower accepts with the ratio
(thinning: Lewis & Shedler 1979). What happens by itself has a clock of its own. So the law is that
of the Markov chain in continuous time, exactly. Poisson processes have no memory: every tick begins
with new rings, and nothing but the states lives on between ticks.

Rings are drawn by :mod:`sim.spread.continuous.epochs_kernels` and wait in its calendar. They happen
one by one, in order.

``claim`` holds the number of an agent's life where that is over 1, less 2; most agents are in their
first or second one, and a bit (``born``) tells which.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.arrays import F64, I64, U8, U32, U64
from sim.jit.claims import FREE, NOBODY, is_open
from sim.jit.jit import inlined, kernel, lean
from sim.jit.sparse import VACANT, slot
from sim.jit.types import Number, Word
from sim.jit.words import CODE, EVER, LOW6, LOW32, ONE, S6, S11, S32, THREE, TWO, ZERO
from sim.spread.continuous.epochs_kernels import (
    AGAIN,
    DUE,
    DUES,
    EVENTS,
    FIRST,
    FRESH,
    GRAIN,
    HEAPED,
    HELD,
    LEFT,
    LIVES,
    MOMENT,
    RESTLESS,
    ROOM,
    SPAN,
    STEADY,
    TICK,
    TOUCHED,
    WATCHED,
    Calendar,
    ListenerRows,
    Rates,
    begin_life,
    contacts_of,
    next_state,
    order_due,
    pop_ring,
    take_span,
    watch,
    weighed,
)

_S64 = np.uint64(64)
_DIGITS = 2048
_LAST = np.uint64(_DIGITS - 1)


class NewLives(NamedTuple):
    """Who began which life in a tick.

    ``claim`` uint64 (n,), ``FREE`` for agents that began no second life; ``touched`` uint32
    (n + 1,): those that began a first one; ``again`` uint32 (n,): those that began a second one.
    """

    claim: U64
    touched: U32
    again: U32


@inlined
def is_born(born: U64, u: Word) -> Word:
    """Return 1 where the first life of agent ``u`` is over, else 0."""
    return np.uint64((born[u >> S6] >> (u & LOW6)) & ONE)


@inlined
def life_of(claim: U64, born: U64, u: Word) -> Word:
    """Return in which of its lives an agent is; most bits of ``born`` say: in its first one."""
    if is_born(born, u):
        return np.uint64((claim[u] + TWO) & LOW32)
    return ZERO


@inlined
def reborn(births: NewLives, calendar: Calendar, v: Word) -> None:
    """Begin a new life of agent ``v``."""
    at, claim = calendar.at, births.claim
    if not is_born(calendar.born, v):
        calendar.born[v >> S6] |= ONE << (v & LOW6)
        births.touched[at[TOUCHED]] = np.uint32(v)
        at[TOUCHED] += 1
        return
    life = (claim[v] + TWO) & LOW32
    if life == ONE:
        births.again[at[AGAIN]] = np.uint32(v)
        at[AGAIN] += 1
    claim[v] = life - ONE


@lean
def still_live(
    live: U32, count: int, touched: U32, m: int, again: U32, more: int, keys: U32, state: U8,
    claim: U64, marks: U8, born: U64,
) -> tuple[int, int]:  # fmt: skip
    """Free the claims of ``again[:more]``; sort out who is live now.

    Agents of ``live`` that are live still stay there (their number is returned first); of
    ``touched[:m]``, ascending as well, others that are live now take the first places (second).
    ``born`` is cleared.
    """
    for i in range(more):
        claim[again[i]] = FREE
    roused = i = 0
    for k in range(m):
        v = np.uint64(touched[k])
        born[v >> S6] = ZERO
        while i < count and live[i] < v:
            i += 1
        was_live = i < count and live[i] == v
        touched[roused] = np.uint32(v)
        roused += (marks[state[slot(keys, v)] & CODE] & RESTLESS) > 0 and not was_live
    kept = 0
    for i in range(count):
        u = live[i]
        live[kept] = u
        kept += (marks[state[slot(keys, np.uint64(u))] & CODE] & RESTLESS) > 0
    return kept, roused


@kernel
def by_agent(agents: U32, sources: U32, times: F64, count: int, words: U64, into: U32) -> F64:
    """Sort the first ``count`` of what was found by agent, in place; returns the times, sorted.

    By digits of the agents' numbers, which carry their places along. ``sources`` are written into
    ``into`` (uint32, ``count``); ``words`` (uint64) has room for twice as many.
    """
    largest = ZERO
    for i in range(count):
        words[i] = (np.uint64(agents[i]) << S32) | np.uint64(i)
        largest = max(largest, np.uint64(agents[i]))
    here, there, shift = 0, count, S32
    start = np.empty(_DIGITS, np.int64)
    while largest >> (shift - S32):
        start[:] = 0
        for i in range(here, here + count):
            start[(words[i] >> shift) & _LAST] += 1
        before = there
        for digit in range(_DIGITS):
            many = start[digit]
            start[digit] = before
            before += many
        for i in range(here, here + count):
            digit = (words[i] >> shift) & _LAST
            words[start[digit]] = words[i]
            start[digit] += 1
        here, there, shift = there, here, shift + S11
    sorted_times = np.empty(count, np.float64)
    for i in range(count):
        agents[i] = np.uint32(words[here + i] >> S32)
        place = words[here + i] & LOW32
        into[i] = sources[place]
        sorted_times[i] = times[place]
    return sorted_times


KEPT = 255
"""What an agent becomes that stays what it is."""

_OWN = np.uint64(NOBODY)


class FirstAdoptions(NamedTuple):
    """First adoptions in order of time: ``agents``, ``sources`` (uint32), ``times`` (float64)."""

    agents: U32
    sources: U32
    times: F64


@inlined
def _become(
    heard: ListenerRows, rates: Rates, key: Word, keys: U32, state: U8, births: NewLives,
    tally: I64, calendar: Calendar, found: FirstAdoptions, v: Word, new: Number, source: Word,
    t: Word,
) -> None:  # fmt: skip
    """Give agent ``v`` the state ``new``, note a first adoption, and begin its life."""
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
    begins = (rates.marks[new] & RESTLESS) > np.uint8(0)
    counts = (rates.marks[old] & RESTLESS) > np.uint8(0)
    if begins or counts:
        watch(rates, calendar, np.int64(heard.rows[v, 1]), old, new, t)
    if begins:
        counts &= (rates.marks[old] & STEADY) == np.uint8(0)
        life = life_of(births.claim, calendar.born, v) + ONE
        counts |= begin_life(heard, rates, key, keys, state, tally, calendar, v, new, t, life)
    if counts:
        reborn(births, calendar, v)  # else nothing asks for its life any more


@lean
def ring_on(
    heard: ListenerRows, rates: Rates, key: Word, keys: U32, state: U8, births: NewLives,
    tally: I64, calendar: Calendar, found: FirstAdoptions,
) -> bool:  # fmt: skip
    """Let rings happen in order of time until the tick ends.

    Parameters
    ----------
    heard, rates, births, calendar, found
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
            count = take_span(calendar)
            if count < 0:
                return False
            order_due(calendar, count)
            continue
        short = calendar.link.size - at[HELD] < LEFT or heap.size // 3 - at[HEAPED] < LEFT
        if short or at[FRESH] + 2 > found.agents.size or (keys.size and at[ROOM] < 2):
            return False
        if is_next and at[HEAPED] > 0:
            is_next = due[i] < heap[0] or (due[i] == heap[0] and due[i + ONE] < heap[1])
        if is_next:
            when, who, what = due[i], due[i + ONE], due[i + TWO]
            at[DUE] += 1
        else:
            when, who, what = heap[0], heap[1], heap[2]
            pop_ring(heap, at)
        _happen(
            heard, rates, key, keys, state, births, tally, calendar, found, when, who, what
        )  # fmt: skip


@inlined
def _happen(
    heard: ListenerRows, rates: Rates, key: Word, keys: U32, state: U8, births: NewLives,
    tally: I64, calendar: Calendar, found: FirstAdoptions, when: Word, who: Word, what: Word,
) -> None:  # fmt: skip
    """Let a ring do what it does, unless it is void."""
    u, v, s, t = who >> S32, who & LOW32, np.int64(when & LOW6), when >> MOMENT
    life = life_of(births.claim, calendar.born, u) if not rates.marks[s] & STEADY else when >> S6
    if (life ^ (when >> S6)) & LIVES:
        return
    if u == v and what & ONE:
        life = life_of(births.claim, calendar.born, u) + ONE
        begin_life(heard, rates, key, keys, state, tally, calendar, u, s, t, life)
        reborn(births, calendar, u)
        return
    calendar.at[EVENTS] += 1
    new: Number = np.int64(0)
    now: Number = np.int64(KEPT)
    source = u
    if u == v:
        new, source = next_state(rates, s, what), _OWN
    else:
        row = s * rates.mode.size + np.int64(state[slot(keys, v)] & CODE)
        o = weighed(heard, rates, row, u, what & LOW32, what >> S32)
        if heard.closed.size and not is_open(heard.closed, v):
            o = np.uint64(rates.edge.shape[1])
        new, now = np.int64(rates.hears[row, o]), np.int64(rates.turns[row, o])
    for who_first in range(2):
        x, y, other = (v, new, source) if who_first == 0 else (u, now, v)
        if y != KEPT:
            _become(
                heard, rates, key, keys, state, births, tally, calendar, found, x, y, other, t
            )  # fmt: skip


@lean
def ring_first(
    heard: ListenerRows, rates: Rates, live: U32, count: int, key: Word, keys: U32, state: U8,
    tally: I64, calendar: Calendar,
) -> bool:  # fmt: skip
    """Draw the rings of each of ``live[:count]`` from the beginning of the tick on.

    Returns whether all are drawn; else the chunks run short: add some and call again.
    """
    at = calendar.at
    while at[FIRST] < count:
        if calendar.link.size - at[HELD] < LEFT:
            return False
        u = np.uint64(live[at[FIRST]])
        s = np.int64(state[slot(keys, u)] & CODE)
        at[WATCHED] += contacts_of(rates.mode, np.int64(heard.rows[u, 1]), s) * TICK
        begin_life(heard, rates, key, keys, state, tally, calendar, u, s, ZERO, ZERO)
        at[FIRST] += 1
    return True
