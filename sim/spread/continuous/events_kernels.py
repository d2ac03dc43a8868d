"""Compartmental models one event at a time: each live agent rings, and a ring may change somebody.

An agent in a state that speaks rings as a Poisson process, each ring over one of its ties, at the
largest rate that its state allows; a tie whose actual rate is lower accepts with the ratio
(thinning: Lewis & Shedler 1979). What happens by itself has a clock of its own. So the law is that
of the Markov chain in continuous time, exactly. Poisson processes have no memory: every tick begins
with new rings, and nothing but the states lives on between ticks.

Rings are drawn by :mod:`sim.spread.continuous.epochs_kernels` and wait in its calendar. They happen
one by one in order, but what the next ones will do if nothing comes between is looked up for many
at once, and lives that they will then begin are drawn at once; a ring whose listener has changed
meanwhile is looked up again, and a life that is not the expected one is drawn alone.

``claim`` holds the number of an agent's life where that is over 1, less 2; most agents are in their
first or second one, and a bit (``born``) tells which.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.arrays import F64, I64, U8, U32, U64
from sim.jit.claims import FREE, NOBODY, is_open
from sim.jit.jit import inlined, kernel, lean
from sim.jit.prefetch import ahead
from sim.jit.sparse import VACANT, slot
from sim.jit.types import Number, Word
from sim.jit.words import CODE, EVER, LOW6, LOW32, ONE, S6, S11, S32, THREE, TWO, ZERO
from sim.spread.continuous.epochs_kernels import (
    AGAIN,
    AHEAD,
    ALONE,
    BATCH,
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
    LOW,
    MAPPED,
    MOMENT,
    NEXT,
    PARTS,
    RESTLESS,
    RINGS,
    ROOM,
    SINCE,
    SPAN,
    STEADY,
    TICK,
    TOUCHED,
    WATCHED,
    Calendar,
    Epochs,
    ListenerRows,
    Rates,
    begin_lives,
    contacts_of,
    order_due,
    outcome_of,
    pop_ring,
    put_life,
    take_span,
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
def map_low(state: U8, marks: U8, low: U64) -> None:
    """Write down who of all agents, in state ``state`` (uint8), is in a ``LOW`` one."""
    for w in range(low.size):
        first, bits = np.uint64(w) << S6, ZERO
        for i in range(min(_S64, np.uint64(state.size) - first)):
            bits |= np.uint64(marks[state[first + i] & CODE] & LOW) << i
        low[w] = bits


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


WINDOW = 128
"""Rings that are looked at ahead."""
KEPT = 255
"""What an agent becomes that stays what it is."""

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
            is_low = (low[v >> S6] >> (v & LOW6)) & ONE & np.uint64(v != who >> S32)
            ahead(state, v)
            ahead(heard.rows, v * TWO)
            spare[kept] = when
            spare[kept + ONE] = who
            spare[kept + TWO] = what
            kept += THREE * np.uint64((what >> S32) < _FULL - is_low * rates.lack[when & LOW6])
        n = int(kept) // 3
    is_fickle = False
    for s in range(rates.marks.size):
        is_fickle |= (rates.marks[s] & (RESTLESS | STEADY)) == RESTLESS
    if is_fickle:
        kept = ZERO
        for i in range(ZERO, np.uint64(n) * THREE, THREE):
            when, who, what = spare[i], spare[i + ONE], spare[i + TWO]
            u = who >> S32
            is_later = is_born(born, u)
            life = ((claim[u * is_later] + TWO) & LIVES) * is_later
            counts = ((when >> S6) & LIVES == life) | (
                (rates.marks[when & LOW6] & STEADY) > np.uint8(0)
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
    o = weighed(heard, rates, row, u, what & LOW32, what >> S32)
    if heard.closed.size and not is_open(heard.closed, v):
        o = np.uint64(rates.edge.shape[1])
    return np.int64(rates.hears[row, o]), np.int64(rates.turns[row, o])


@inlined
def left_to(rates: Rates, s: Number, what: Word) -> Number:
    """Return what comes of a ring without a tie: the agent's next state, or the same."""
    if what & ONE:
        return s
    o = outcome_of(rates.soff[s], rates.soff[s + 1], rates.scum, what >> S32)
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
        u, v, s = who >> S32, who & LOW32, np.int64(when & LOW6)
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


_SIXTEEN = np.uint64(16)
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
        calendar.low[v >> S6] |= is_low << (v & LOW6)
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
    u, v, s, t, at = who >> S32, who & LOW32, np.int64(when & LOW6), when >> MOMENT, calendar.at
    j = _ALONE
    if k < np.uint64(WINDOW) and outlook.rings[at[NEXT]] == k:
        j = np.uint64(at[NEXT])
        at[NEXT] += 1
    life = life_of(births.claim, calendar.born, u) if not rates.marks[s] & STEADY else when >> S6
    if (life ^ (when >> S6)) & LIVES:
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
