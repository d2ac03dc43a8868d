"""Compartmental models one event at a time: each live agent rings, and a ring may change somebody.

An agent in a state that speaks rings as a Poisson process, each ring over one of its ties, at the
largest rate that its state allows; a tie whose actual rate is lower accepts with the ratio
(thinning: Lewis & Shedler 1979). What happens by itself has a clock of its own. So the law is that
of the Markov chain in continuous time, exactly. Poisson processes have no memory: every tick begins
with new rings, and nothing but the states lives on between ticks.

Rings are drawn by :mod:`sim.kernels.lives` and wait in a calendar (:mod:`sim.kernels.rings`).
``claim`` holds the number of an agent's life where it is not 0, less 1, and in its upper half
whether the agent was live when the tick began.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.kernels.aims import RESTLESS, STEADY, Heard, Rates, contacts_of, outcome_of, weighed
from sim.kernels.claims import FREE, NOBODY, is_open
from sim.kernels.jit import inlined, lean
from sim.kernels.lives import (
    CODE,
    GRAIN,
    LEFT,
    LIVES,
    LOW32,
    MOST_RINGS,
    TICK,
    any_eager,
    begin_life,
    ring_first,
    row_ends,
)
from sim.kernels.rings import (
    DUE,
    DUES,
    EVENTS,
    FRESH,
    HEAPED,
    HELD,
    MOMENT,
    ROOM,
    SEEN,
    SPAN,
    TOUCHED,
    UNKNOWN,
    WATCHED,
    Calendar,
    order_due,
    pop_ring,
    take_span,
)
from sim.kernels.sparse import VACANT, slot
from sim.kernels.types import F64, I64, U8, U32, U64, Number, Word

__all__ = [
    "LEFT", "MOST_RINGS", "Found", "Heard", "Rates", "ring_first", "ring_on", "still_live",
]  # fmt: skip

_EVER = np.uint8(0x80)
_KEEP = 255
_NO, _ONE, _TWO, _THREE = (np.uint64(k) for k in range(4))
_S6, _S32 = np.uint64(6), np.uint64(32)
_STATE = _M63 = np.uint64(0x3F)


class Found(NamedTuple):
    """First adoptions in order of time: ``agents``, ``sources`` (uint32), ``times`` (float64)."""

    agents: U32
    sources: U32
    times: F64


@inlined
def _life_of(claim: U64, u: Word) -> Word:
    """Return in which of its lives an agent is."""
    return np.uint64(((claim[u] & LOW32) + _ONE) & LOW32)


@inlined
def _counts(claim: U64, born: U64, u: Word, when: Word) -> bool:
    """Return whether agent ``u`` still is in the life that drew a ring.

    Most agents are in their first one; the bits of ``born`` tell so from a nearer cache.
    """
    life = (when >> _S6) & LIVES
    if (born[u >> _S6] >> (u & _M63)) & _ONE:
        return bool(life == _life_of(claim, u) & LIVES)
    return bool(life == _NO)


@inlined
def _still_counts(claim: U64, born: U64, u: Word, when: Word) -> bool:
    """As :func:`_counts`, without a branch that a processor could guess wrong."""
    is_later = (born[u >> _S6] >> (u & _M63)) & _ONE
    life = np.uint64((claim[u * is_later] + _ONE) & LIVES) * is_later
    return bool((when >> _S6) & LIVES == life)


@inlined
def _reborn(claim: U64, touched: U32, calendar: Calendar, v: Word, was_live: bool) -> Word:
    """Begin a new life of agent ``v``; returns its number."""
    at = calendar.at
    life = _life_of(claim, v)
    before = claim[v]
    if before == FREE:
        calendar.born[v >> _S6] |= _ONE << (v & _M63)
        before = np.uint64(was_live) << _S32
        touched[at[TOUCHED]] = np.uint32(v)
        at[TOUCHED] += 1
    claim[v] = ((before >> _S32) << _S32) | life
    return life + _ONE


@inlined
def _become(
    heard: Heard, rates: Rates, key: Word, keys: U32, state: U8, claim: U64, touched: U32,
    tally: I64, calendar: Calendar, found: Found, v: Word, new: Number, source: Word, t: Word,
) -> None:  # fmt: skip
    """Give agent ``v`` the state ``new``, note a first adoption, and draw its rings."""
    place, at = slot(keys, v), calendar.at
    if keys.size and keys[place] == VACANT:
        keys[place] = np.uint32(v)
        at[ROOM] -= 1
    code: Number = state[place]
    ever: Number = code & _EVER
    when = float(np.int64(t)) * GRAIN
    if rates.adopting[new] and not ever:
        ever = _EVER
        n = at[FRESH]
        found.agents[n] = np.uint32(v)
        found.sources[n] = np.uint32(source)
        found.times[n] = when
        at[FRESH] = n + 1
    state[place] = ever | np.uint8(new)
    old: Number = np.int64(code & CODE)
    tally[old] -= 1
    tally[new] += 1
    was = bool(rates.marks[old] & RESTLESS)
    now = bool(rates.marks[new] & RESTLESS)
    if was or now:
        many = np.int64(heard.rows[v, 1])
        more = contacts_of(rates.mode, many, new) - contacts_of(rates.mode, many, old)
        at[WATCHED] += np.int64(np.float64(more) * (1.0 - when) * TICK)
        life = _reborn(claim, touched, calendar, v, was)
        if now:
            begin_life(heard, rates, key, keys, state, calendar, v, new, t, life)


@inlined
def _note_heard(rates: Rates, into: I64) -> None:
    """Write down, by speaker and listener, whether it is the listener whom a ring changes first."""
    for row in range(rates.mode.size * rates.mode.size):
        o = rates.off[row]
        into[row] = o < rates.off[row + 1] and rates.listener[o] != _KEEP


@inlined
def _read_first(
    rates: Rates, keys: U32, state: U8, claim: U64, calendar: Calendar, stop: Word
) -> Word:
    """Read what tells which rings of a span are left; returns what means nothing."""
    spare, born, seen, is_fickle = calendar.spare, calendar.born, _NO, False
    for s in range(rates.marks.size):
        is_fickle |= (rates.marks[s] & (RESTLESS | STEADY)) == RESTLESS
    for i in range(_NO, stop, _THREE):
        seen ^= np.uint64(state[slot(keys, spare[i + _ONE] & LOW32)])
    if is_fickle:
        for i in range(_NO, stop, _THREE):
            u = spare[i + _ONE] >> _S32
            seen ^= claim[u * ((born[u >> _S6] >> (u & _M63)) & _ONE)]
    return seen


@lean
def _load(heard: Heard, rates: Rates, keys: U32, state: U8, claim: U64, calendar: Calendar) -> bool:
    """Begin with the next span; returns whether there is room for it.

    Rings that are void, or can change nothing any more, are dropped. Reads are independent of one
    another, so that the memory serves them at the same time, and what the rings that are left are
    going to read is read here; ring by ring each would wait for its own. What is kept of that means
    nothing; without it the reads would be dropped as useless.
    """
    spare, due, rows, bound = calendar.spare, calendar.due, heard.rows, rates.bound
    n = take_span(calendar)
    if n < 0:
        return False
    stop = np.uint64(n) * _THREE
    for i in range(_NO, stop, _THREE):
        who = spare[i + _ONE]
        if who & LOW32 == UNKNOWN:
            u = who >> _S32
            tie = np.uint64(rows[u, 0]) + (spare[i + _TWO] & LOW32)
            spare[i + _ONE] = (u << _S32) | np.uint64(heard.targets[tie])
    seen = _read_first(rates, keys, state, claim, calendar, stop)
    kept, ahead, hears, states = _NO, _NO, np.uint64(n), rates.mode.size
    _note_heard(rates, calendar.fine)
    for i in range(_NO, stop, _THREE):
        when, who, what = spare[i], spare[i + _ONE], spare[i + _TWO]
        spare[kept] = when
        spare[kept + _ONE] = who
        spare[kept + _TWO] = what
        u, v, s = who >> _S32, who & LOW32, np.int64(when & _STATE)
        row = s * states + np.int64(state[slot(keys, v)] & CODE)
        counts = (u == v) | ((what >> _S32) < bound[row])
        if not rates.marks[s] & STEADY:
            counts &= _still_counts(claim, calendar.born, u, when)
        kept += _THREE * np.uint64(counts)
        is_heard = np.uint64(calendar.fine[row])
        due[ahead] = u ^ ((u ^ v) * is_heard)  # who is going to change
        due[hears] = v
        ahead += np.uint64(counts)
        hears += np.uint64(counts) * is_heard
    for i in range(ahead):
        v = due[i]
        seen ^= claim[v] ^ np.uint64(rows[v, 0]) ^ np.uint64(state[slot(keys, v)])
    if any_eager(heard, rates):
        for i in range(np.uint64(n), hears):
            seen ^= row_ends(heard, due[i])
    calendar.at[SEEN] = np.int64(seen >> _ONE)
    order_due(calendar, int(kept) // 3)
    return True


@inlined
def _decided(
    heard: Heard, rates: Rates, keys: U32, state: U8, u: Word, v: Word, s: Number, what: Word
) -> tuple[Number, Number]:  # fmt: skip
    """Return what a ring over a tie does: (the listener's new state, the speaker's).

    -1: unchanged.
    """
    now: Number = np.int64(-1)
    new: Number = np.int64(-1)
    row = s * rates.mode.size + np.int64(state[slot(keys, v)] & CODE)
    o = weighed(heard, rates, row, u, what & LOW32, what >> _S32)
    if o >= 0 and not (heard.closed.size and not is_open(heard.closed, v)):
        if rates.listener[o] != _KEEP:
            new = np.int64(rates.listener[o])
        if rates.speaker[o] != _KEEP:
            now = np.int64(rates.speaker[o])
    return new, now


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
        uint64 (n,), ``FREE`` for agents that began no life in this tick; uint32 (n + 1,): the
        others.
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
        i = np.uint64(at[DUE]) * _THREE
        is_next = at[DUE] < at[DUES]
        if not is_next and at[HEAPED] == 0:
            if at[SPAN] == calendar.tail.size:
                return True
            if not _load(heard, rates, keys, state, claim, calendar):
                return False
            continue
        short = calendar.link.size - at[HELD] < LEFT or heap.size // 3 - at[HEAPED] < LEFT
        if short or at[FRESH] + 2 > found.agents.size or (keys.size and at[ROOM] < 2):
            return False
        if is_next and at[HEAPED] > 0:
            is_next = due[i] < heap[0] or (due[i] == heap[0] and due[i + _ONE] < heap[1])
        if is_next:
            when, who, what = due[i], due[i + _ONE], due[i + _TWO]
            at[DUE] += 1
        else:
            when, who, what = heap[0], heap[1], heap[2]
            pop_ring(heap, at)
        _happen(
            heard, rates, key, keys, state, claim, touched, tally, calendar, found, when, who, what
        )


@inlined
def _happen(
    heard: Heard, rates: Rates, key: Word, keys: U32, state: U8, claim: U64, touched: U32,
    tally: I64, calendar: Calendar, found: Found, when: Word, who: Word, what: Word,
) -> None:  # fmt: skip
    """Let a ring do what it does, unless it is void."""
    u, v, s, t = who >> _S32, who & LOW32, np.int64(when & _STATE), when >> MOMENT
    if not rates.marks[s] & STEADY and not _counts(claim, calendar.born, u, when):
        return
    at = calendar.at
    new: Number = np.int64(-1)
    now: Number = np.int64(-1)
    source: Word = np.uint64(NOBODY)
    if u == v:
        if what & _ONE:
            life = _reborn(claim, touched, calendar, u, True)
            begin_life(heard, rates, key, keys, state, calendar, u, s, t, life)
            return
        at[EVENTS] += 1
        first, last = rates.soff[s], rates.soff[s + 1]
        now = np.int64(rates.snew[outcome_of(first, last, rates.scum, what >> _S32)])
    else:
        at[EVENTS] += 1
        if v == UNKNOWN:
            v = np.uint64(heard.targets[np.uint64(heard.rows[u, 0]) + (what & LOW32)])
        new, now = _decided(heard, rates, keys, state, u, v, s, what)
        source = v
    for who_first in range(2):
        x, y, other = (v, new, u) if who_first == 0 else (u, now, source)
        if y >= 0:
            _become(
                heard, rates, key, keys, state, claim, touched, tally, calendar, found, x, y,
                other, t,
            )  # fmt: skip


@lean
def still_live(
    live: U32,
    count: int,
    touched: U32,
    m: int,
    keys: U32,
    state: U8,
    claim: U64,
    marks: U8,
    born: U64,
) -> tuple[int, int]:
    """Free the claims of ``touched[:m]``, ascending; sort out who is live now.

    Agents of ``live`` that are live still stay there (their number is returned first), others that
    are live now take the first places of ``touched`` (second). ``born`` is cleared.
    """
    kept = 0
    for i in range(count):
        u = live[i]
        live[kept] = u
        kept += (marks[state[slot(keys, np.uint64(u))] & CODE] & RESTLESS) > 0
    roused = 0
    for i in range(m):
        v = np.uint64(touched[i])
        was_live = claim[v] >> _S32
        claim[v] = FREE
        born[v >> _S6] = np.uint64(0)
        touched[roused] = np.uint32(v)
        is_live = (marks[state[slot(keys, v)] & CODE] & RESTLESS) > 0
        roused += is_live and was_live == _NO
    return kept, roused
