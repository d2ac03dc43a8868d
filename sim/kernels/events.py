"""Compartmental models one event at a time: each live agent rings, and a ring may change somebody.

An agent in a state that speaks or decays rings at the largest rate that its state allows: its ties
times the largest rate of a tie, and what happens by itself. A ring chooses one of these; a tie
whose actual rate is lower accepts with the ratio (thinning: Lewis & Shedler 1979), so the law is
that of the Markov chain in continuous time, exactly. Exponential waits have no memory: every tick
begins with new ones, and nothing but the states lives on between ticks.

Ring ``k`` of agent ``u`` in a tick comes ``-log(draw 2k) / rate`` after the one before, and draw
``2k + 1`` decides what it does; draws are ``word2(word(key, u), .)``. Ring 0 is the first one of an
agent that is live when the tick begins; whenever somebody else changes an agent its next ring is
drawn anew, under the next number, and the pending one is void: ``claim`` holds the number that
counts. A ring over a tie that can change nothing now, nor whatever becomes of the listener (its
share is not below :class:`Rates` ``bound``), is passed over at once: the one after it waits in its
place.

Rings of a tick wait in a calendar (:mod:`sim.kernels.rings`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.kernels.aims import (
    Heard,
    Rates,
    aim,
    contacts_of,
    outcome_of,
    rate_alone,
    rate_of_ties,
    weighed,
)  # fmt: skip
from sim.kernels.claims import FREE, NOBODY, is_open
from sim.kernels.jit import inlined, lean
from sim.kernels.mix import uniform
from sim.kernels.rings import (
    DUE,
    EVENTS,
    FRESH,
    KNOWN,
    ROOM,
    SEEN,
    SPAN,
    SPARE,
    TOUCHED,
    USED,
    WATCHED,
    Calendar,
    drawn,
    keep_late,
    load_span,
    pop_ring,
    push_ring,
    take_place,
    wait,
)
from sim.kernels.sparse import VACANT, slot
from sim.kernels.types import F64, I64, U8, U32, U64, Number, Word

__all__ = ["Found", "Heard", "Rates", "ring_first", "ring_on", "still_live"]

_CODE = np.uint8(0x7F)
_EVER = np.uint8(0x80)
_NONE, _ONE = np.uint64(0), np.uint64(1)
_KEEP = 255
_S32 = np.uint64(32)
_TICK = 1 << 20
_LOW32 = np.uint64(0xFFFFFFFF)


class Found(NamedTuple):
    """First adoptions in order of time: ``agents``, ``sources`` (uint32), ``times`` (float64)."""

    agents: U32
    sources: U32
    times: F64


@inlined
def _next(
    rows: U32, targets: U32, mode: I64, ceiling: F64, soff: I64, scum: F64, bound: F64, spares: U8,
    key: Word, keys: U32, state: U8, u: Word, s: Number, t: float, number: Word, rate: float,
) -> tuple[float, Word, Number, float]:  # fmt: skip
    """Return the first ring after ``t`` that may change anything: (when, number, tie, share).

    From ``number`` on, of agent ``u`` in state ``s``; 1.0 or more: none in this tick. Tie and share
    are known where the state ``spares`` listeners.
    """
    e: Number = np.int64(-1)
    share = 0.0
    while True:
        t += wait(uniform(drawn(key, u, number + number)), rate, 1.0 - t)
        if t >= 1.0 or not spares[s]:
            break
        e, share = aim(rows, mode, ceiling, soff, scum, key, u, number, s)
        if e < 0:
            break
        v = np.uint64(targets[e])
        if share < bound[s * mode.size + np.int64(state[slot(keys, v)] & _CODE)]:
            break
        number += _ONE
    return t, number, e, share


@lean
def ring_first(
    heard: Heard, rates: Rates, live: U32, count: int, key: Word, keys: U32, state: U8,
    claim: U64, touched: U32, calendar: Calendar, when: F64, who: U64,
) -> None:  # fmt: skip
    """Draw the first ring of each of ``live[:count]``; those within the tick enter the calendar.

    ``when`` (float64) and ``who`` (uint64) are scratch of at least ``count``. The ``claim`` of
    agents that enter is the number of their ring.
    """
    rows, mode, ceiling, soff, scum = heard.rows, rates.mode, rates.ceiling, rates.soff, rates.scum
    start, sorted_when, ring = calendar.start, calendar.when, calendar.ring
    spans = calendar.head.size
    start[:] = 0
    n = 0
    m: Number = np.int64(0)
    watched: Number = np.int64(0)
    for i in range(count):
        u = np.uint64(live[i])
        s = np.int64(state[slot(keys, u)] & _CODE)
        watched += contacts_of(rows, mode, u, s)
        rate = rate_of_ties(rows, mode, ceiling, u, s) + rate_alone(soff, scum, s)
        if rate > 0.0:
            t, number, _, _ = _next(
                rows, heard.targets, mode, ceiling, soff, scum, rates.bound, rates.spares, key,
                keys, state, u, s, 0.0, np.uint64(0), rate,
            )  # fmt: skip
            if t < 1.0:
                when[n] = t
                who[n] = (u << _S32) | number
                start[np.int64(t * spans) + 1] += 1
                n += 1
            if t < 1.0 or number > _NONE:
                touched[m] = np.uint32(u)
                claim[u] = number
                m += 1
    calendar.at[TOUCHED] = m
    calendar.at[WATCHED] = watched * _TICK
    for i in range(spans):
        start[i + 1] += start[i]
    for i in range(n):
        b: Number = np.int64(when[i] * spans)
        sorted_when[start[b]] = when[i]
        ring[start[b]] = who[i]
        start[b] += 1
    for i in range(spans, 0, -1):
        start[i] = start[i - 1]
    start[0] = 0


@inlined
def _become(
    rows: U32, mode: I64, adopting: U8, keys: U32, state: U8, claim: U64, touched: U32, tally: I64,
    at: I64, agents: U32, sources: U32, times: F64, v: Word, new: Number, source: Word, t: float,
) -> None:  # fmt: skip
    """Give agent ``v`` the state ``new``, and note a first adoption."""
    place = slot(keys, v)
    if keys.size and keys[place] == VACANT:
        keys[place] = np.uint32(v)
        at[ROOM] -= 1
    if claim[v] == FREE:
        claim[v] = np.uint64(0)
        touched[at[TOUCHED]] = np.uint32(v)
        at[TOUCHED] += 1
    code: Number = state[place]
    ever: Number = code & _EVER
    if adopting[new] and not ever:
        ever = _EVER
        n = at[FRESH]
        agents[n] = np.uint32(v)
        sources[n] = np.uint32(source)
        times[n] = t
        at[FRESH] = n + 1
    state[place] = ever | np.uint8(new)
    old: Number = np.int64(code & _CODE)
    tally[old] -= 1
    tally[new] += 1
    more = contacts_of(rows, mode, v, new) - contacts_of(rows, mode, v, old)
    at[WATCHED] += np.int64(np.float64(more) * (1.0 - t) * _TICK)


@inlined
def _await(
    rows: U32, targets: U32, mode: I64, ceiling: F64, soff: I64, scum: F64, bound: F64, spares: U8,
    key: Word, keys: U32, state: U8, claim: U64, calendar: Calendar, u: Word, s: Number, t: float,
    number: Word,
) -> None:  # fmt: skip
    """Draw the next ring of agent ``u``, in state ``s``, after ``t``, from ``number`` on."""
    claim[u] = number
    rate = rate_of_ties(rows, mode, ceiling, u, s) + rate_alone(soff, scum, s)
    if rate <= 0.0:
        return
    t, number, e, share = _next(
        rows, targets, mode, ceiling, soff, scum, bound, spares, key, keys, state, u, s, t, number,
        rate,
    )  # fmt: skip
    claim[u] = number
    if t >= 1.0:
        return
    at, due_tie = calendar.at, calendar.due_tie
    ring = (u << _S32) | number
    b = np.int64(t * calendar.head.size)
    if b >= at[SPAN]:
        keep_late(
            calendar.head, calendar.late_when, calendar.late_ring, calendar.late_next, at, b, t,
            ring,
        )  # fmt: skip
        return
    place = take_place(due_tie, at)
    calendar.due_ring[place] = ring
    if not spares[s]:
        e, share = aim(rows, mode, ceiling, soff, scum, key, u, number, s)
    due_tie[place] = e
    calendar.due_share[place] = share
    if e >= 0:
        calendar.due_goal[place] = targets[e]
    push_ring(calendar.heap_when, calendar.heap_place, calendar.due_ring, at, t, place)


@lean
def _fetch(
    rows: U32, targets: U32, mode: I64, ceiling: F64, soff: I64, scum: F64, key: Word, keys: U32,
    state: U8, claim: U64, due_ring: U64, due_tie: I64, due_goal: U32, due_share: F64, at: I64,
) -> None:  # fmt: skip
    """Aim the rings of a span, and read what they are going to read.

    A ring that still counts when its time comes finds the state that it is aimed by here. Reads are
    independent, so that the memory serves them at the same time; ring by ring each would wait for
    its own. What is kept of them means nothing; without it they would be dropped as useless.
    """
    due = at[DUE]
    seen = np.uint64(0)
    for i in range(due):
        u = due_ring[i] >> _S32
        seen ^= claim[u] ^ np.uint64(rows[u, 0]) ^ np.uint64(state[slot(keys, u)])
    for i in range(due):
        u = due_ring[i] >> _S32
        s = np.int64(state[slot(keys, u)] & _CODE)
        e, share = aim(rows, mode, ceiling, soff, scum, key, u, due_ring[i] & _LOW32, s)
        due_tie[i] = e
        due_share[i] = share
        due_goal[i] = targets[e] if e >= 0 else np.uint32(u)
    for i in range(due):
        v = np.uint64(due_goal[i])
        seen ^= claim[v] ^ np.uint64(rows[v, 0]) ^ np.uint64(state[slot(keys, v)])
    at[SEEN] = np.int64(seen >> _ONE)


@inlined
def _decided(
    heard: Heard, rates: Rates, keys: U32, state: U8, calendar: Calendar, place: Number, e: Number,
    s: Number, states: int,
) -> tuple[Number, Number, Number]:  # fmt: skip
    """Return what the ring at ``place`` does: (who is spoken to, its new state, the speaker's).

    -1: unchanged. ``e`` is the ring's tie; without one ``NOBODY`` is spoken to.
    """
    now: Number = np.int64(-1)
    new: Number = np.int64(-1)
    share, soff = float(calendar.due_share[place]), rates.soff
    if e < 0:
        now = np.int64(rates.snew[outcome_of(soff[s], soff[s + 1], rates.scum, share)])
        return np.uint64(NOBODY), new, now
    v: Number = np.uint64(calendar.due_goal[place])
    row = s * states + np.int64(state[slot(keys, v)] & _CODE)
    o = weighed(
        heard.trust, rates.off, rates.cum, rates.total, rates.trusted, row, np.uint64(e), share
    )
    if o >= 0 and not (heard.closed.size and not is_open(heard.closed, v)):
        if rates.listener[o] != _KEEP:
            new = np.int64(rates.listener[o])
        if rates.speaker[o] != _KEEP:
            now = np.int64(rates.speaker[o])
    return v, new, now


@lean
def ring_on(
    heard: Heard, rates: Rates, key: Word, keys: U32, state: U8, claim: U64, touched: U32,
    tally: I64, calendar: Calendar, found: Found,
) -> bool:  # fmt: skip
    """Let rings happen in order of time until the tick ends.

    Parameters
    ----------
    heard, rates, calendar, found
        See there.
    key
        uint64, of this tick's rings.
    keys, state
        The states, a sparse column (:mod:`sim.kernels.sparse`) of uint8.
    claim, touched
        uint64 (n,): the number of the ring that counts, ``FREE`` for agents that no ring and no
        change concerned; uint32 (n + 1,): the others.
    tally
        int64, agents in each state.

    Returns
    -------
    bool
        Whether the tick has ended; else some array has no room left: lengthen whichever is nearly
        full and call again.
    """
    rows, targets, adopting = heard.rows, heard.targets, rates.adopting
    mode, ceiling, soff, scum = rates.mode, rates.ceiling, rates.soff, rates.scum
    bound, spares = rates.bound, rates.spares
    agents, at = found.agents, calendar.at
    due_ring, due_tie, heap_when = calendar.due_ring, calendar.due_tie, calendar.heap_when
    while True:
        if at[DUE] == 0:
            if at[SPAN] == calendar.head.size:
                return True
            if not _load(heard, rates, key, keys, state, claim, calendar):
                return False
            continue
        short = at[KNOWN] + 2 > heap_when.size or at[FRESH] + 2 > agents.size
        if short or at[USED] + 2 > calendar.late_when.size or (keys.size and at[ROOM] < 2):
            return False
        t, place = heap_when[0], np.int64(calendar.heap_place[0])
        u, number = due_ring[place] >> _S32, due_ring[place] & _LOW32
        e = due_tie[place]
        pop_ring(heap_when, calendar.heap_place, due_ring, at)
        due_tie[place] = at[SPARE]
        at[SPARE] = place
        if claim[u] != number:
            continue
        at[EVENTS] += 1
        s: Number = np.int64(state[slot(keys, u)] & _CODE)
        v, new, now = _decided(heard, rates, keys, state, calendar, place, e, s, tally.size)
        if new >= 0:
            _become(
                rows, mode, adopting, keys, state, claim, touched, tally, at, agents,
                found.sources, found.times, v, new, u, t,
            )  # fmt: skip
            _await(
                rows, targets, mode, ceiling, soff, scum, bound, spares, key, keys, state, claim,
                calendar, v, new, t, np.uint64(claim[v]) + _ONE,
            )  # fmt: skip
        if now >= 0:
            _become(
                rows, mode, adopting, keys, state, claim, touched, tally, at, agents,
                found.sources, found.times, u, now, v, t,
            )  # fmt: skip
            s = now
        _await(
            rows, targets, mode, ceiling, soff, scum, bound, spares, key, keys, state, claim,
            calendar, u, s, t, number + _ONE,
        )  # fmt: skip


@lean
def _load(
    heard: Heard, rates: Rates, key: Word, keys: U32, state: U8, claim: U64, calendar: Calendar
) -> bool:
    """Begin with the next span; returns whether there is room for it."""
    loaded = load_span(
        calendar.start, calendar.when, calendar.ring, calendar.head, calendar.late_when,
        calendar.late_ring, calendar.late_next, calendar.heap_when, calendar.heap_place,
        calendar.due_ring, calendar.at,
    )  # fmt: skip
    if loaded:
        _fetch(
            heard.rows, heard.targets, rates.mode, rates.ceiling, rates.soff, rates.scum, key, keys,
            state, claim, calendar.due_ring, calendar.due_tie, calendar.due_goal,
            calendar.due_share, calendar.at,
        )  # fmt: skip
    return bool(loaded)


@lean
def still_live(
    live: U32, count: int, touched: U32, m: int, keys: U32, state: U8, claim: U64, mode: I64,
    soff: I64,
) -> tuple[int, int]:  # fmt: skip
    """Free the claims of ``touched[:m]``, ascending; sort out who is live now.

    Untouched agents stay in ``live`` (their number is returned first), touched ones that are live
    now take the first places of ``touched`` (second).
    """
    kept = 0
    for i in range(count):
        u = live[i]
        live[kept] = u
        kept += claim[u] == FREE
    roused = 0
    for i in range(m):
        v = np.uint64(touched[i])
        claim[v] = FREE
        s = np.int64(state[slot(keys, v)] & _CODE)
        touched[roused] = np.uint32(v)
        roused += mode[s] > 0 or soff[s + 1] > soff[s]
    return kept, roused
