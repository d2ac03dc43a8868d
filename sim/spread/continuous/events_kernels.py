"""Compartmental models one event at a time: each live agent rings, and a ring may change a state.

An agent in a state that speaks rings as a Poisson process, each ring over one of its ties, at the
largest rate that its state allows; a tie whose actual rate is lower accepts with that ratio
(thinning: Lewis & Shedler 1979). A spontaneous change has a clock of its own. So the law is exactly
that of the Markov chain in continuous time. Poisson processes have no memory: every tick begins
with new rings, and only the states persist between ticks.

``claim`` holds the number of an agent's current life if that is over 1, less 2; most agents are in
their first or second life, and a bit (``born``) tells which.

An agent draws its rings for a *life*: from its entry into its state, or the start of the tick,
until a spontaneous change, the end of the tick, or 16 expected rings; then the next life begins.
The number of rings is one draw; each ring then has an independent uniform time. They need
no order among themselves, as the calendar sorts them anyway. Lives of a
tick count from 0, the one that begins with it; a change from or to a state that rings begins a new
one and voids the rings of the one before.

Draws of life ``g`` of agent ``u`` are ``word2(word(key, u), g << 10 | j)``: ``j`` = 0 the wait for
the spontaneous change and 2 its outcome, 1 the number of rings, and of ring ``i`` 3 + 2i its time
and 4 + 2i its tie, by the integer part of draw times ties, and its share, by the fraction.

A ring over a tie that cannot change anything, whatever happens to the listener (its share is
not below ``Rates.bound``), is dropped.

A ring waits in the calendar of the tick: spans of equal length, with the current one sorted. It
consists of three words (uint64):

- *when*: its time, an integer of the 2**42 grains of a tick ``<< 22``, the life of the agent
  that drew it ``<< 6`` (16 bits), and the agent's state (6 bits);
- *who*: the agent ``<< 32 | `` the listener, or the agent itself if no tie is involved;
- *what*: a share in [0, 1) as 32 bits ``<< 32 | `` the tie's place in the agent's row.

Rings of future spans are stored in chunks of eight, which are freed as soon as their span begins;
so sorting is a scatter to some thousand places and a short sort within the
L1 cache (R. Brown, "Calendar queues: a fast O(1) priority queue implementation for the
simulation event set problem", CACM 1988). Rings drawn for the current span wait in a heap.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.arrays import F64, I64, U8, U16, U32, U64
from sim.jit.claims import FREE, NOBODY, is_open
from sim.jit.jit import inlined, lean
from sim.jit.mix import C2, mix, uniform, word, word2
from sim.jit.prefetch import ahead
from sim.jit.sparse import VACANT, slot
from sim.jit.words import (
    CODE,
    EVER,
    FOUR,
    LOW6,
    LOW32,
    ONE,
    S6,
    S32,
    THREE,
    TWO,
    ZERO,
    Number,
    Word,
)

(SPAN, DUE, DUES, HEAPED, USED, FREED, HELD, TOUCHED, FRESH, ROOM, EVENTS, WATCHED, FIRST,
 AGAIN) = range(14)  # fmt: skip
"""Indices into ``Calendar.at``: the next span; in the current one the next ring, and the number
of rings; rings in the heap; chunks ever used, the first free one of these, those in use;
agents touched; first adoptions; agents that may still be given a value in the sparse column; rings
so far; 2**20 times the ties used by speakers times their duration in ticks; agents whose first
rings are drawn; agents in their second life or a later one."""

CHUNK, WORDS, SLOTS, FINES = 8, 3, 14, 4098
"""Rings in a chunk, words in a ring, the length of ``Calendar.at`` and of ``Calendar.fine``."""

NONE = np.uint32(0xFFFFFFFF)
"""No chunk."""
GRAINS = 1 << 42
"""Number of distinct times in a tick."""
MOMENT = np.uint64(22)
"""The shift of the time within a ring's first word."""

_SLOT, _SEVEN, _EIGHT = np.uint64(3), np.uint64(7), np.uint64(8)
_FINEST = np.uint64(12)


class Calendar(NamedTuple):
    """Pending rings of this tick.

    ``pool`` (uint64, three words a place) and ``link`` (uint32, for each chunk the one before it);
    ``tail`` (uint32, a power of two of spans): for each span the place after its last ring, 0 if
    empty. The current span: ``due`` sorted, ``spare`` scratch of the same size, ``heap`` the rings
    drawn since (uint64, three words each). ``fine`` int64 (``FINES``,), scratch. ``born``
    (uint64), a bit per agent: whether its first life is over. ``at``: int64, see ``SPAN``;
    ``shift`` (uint64, (1,)) maps the first word to its span.
    """

    pool: U64
    link: U32
    tail: U32
    due: U64
    spare: U64
    heap: U64
    fine: I64
    born: U64
    shift: U64
    at: I64


@inlined
def put_ring(calendar: Calendar, span: Word, when: Word, who: Word, what: Word) -> None:
    """Store a ring for a future span; there must be room."""
    at, link = calendar.at, calendar.link
    place = np.uint64(calendar.tail[span])
    if place & _SEVEN == ZERO:
        chunk = np.uint64(at[FREED])
        if at[FREED] >= 0:
            before = link[chunk]
            at[FREED] = -1 if before == NONE else np.int64(before)
        else:
            chunk = np.uint64(at[USED])
            at[USED] += 1
        at[HELD] += 1
        link[chunk] = NONE if place == ZERO else np.uint32((place - ONE) >> _SLOT)
        place = chunk << _SLOT
    word = place * THREE
    calendar.pool[word] = when
    calendar.pool[word + ONE] = who
    calendar.pool[word + TWO] = what
    calendar.tail[span] = np.uint32(place + ONE)


@lean
def take_span(calendar: Calendar) -> int:
    """Copy the rings of the next span into ``spare``; return their number, -1 if no room."""
    at, link, pool, spare = calendar.at, calendar.link, calendar.pool, calendar.spare
    span = np.uint64(at[SPAN])
    stop = np.uint64(calendar.tail[span])
    room = np.uint64(spare.size)
    to = ZERO
    first: Number = (stop - ONE) >> _SLOT if stop > ZERO else ZERO
    last = first
    chunks = 0
    while stop > ZERO:
        last = (stop - ONE) >> _SLOT
        if to + _EIGHT * THREE > room:
            return -1
        place = (last << _SLOT) * THREE
        for k in range(_EIGHT * THREE):  # a whole chunk, even if only a part of it is used
            spare[to + k] = pool[place + k]
        to += stop * THREE - place
        chunks += 1
        stop = ZERO if link[last] == NONE else (np.uint64(link[last]) + ONE) << _SLOT
    if chunks:
        link[last] = NONE if at[FREED] < 0 else np.uint32(at[FREED])
        at[FREED] = np.int64(first)
        at[HELD] -= chunks
    calendar.tail[span] = np.uint32(0)
    at[SPAN] += 1
    return int(to) // WORDS


@inlined
def _is_before(a: U64, i: Word, when: Word, who: Word) -> bool:
    """Return whether the ring at word ``i`` comes before another one."""
    return bool(a[i] < when or (a[i] == when and a[i + ONE] < who))


@lean
def _scatter(due: U64, spare: U64, fine: I64, n: Word, shift: Word) -> None:
    """Write the first ``n`` rings of ``spare`` into ``due``, sorted except for a few neighbours.

    Uses as many further bits of their times as there are rings.
    """
    bits = np.uint64(4)
    while bits < _FINEST and (ONE << bits) < TWO * n:
        bits += ONE
    shift -= bits
    last = (ONE << bits) - ONE
    for b in range(last + TWO):
        fine[b] = 0
    for i in range(n):
        fine[((spare[i * THREE] >> shift) & last) + ONE] += 1
    for b in range(last):
        fine[b + ONE] += fine[b]
    for i in range(n):
        b = (spare[i * THREE] >> shift) & last
        to = np.uint64(fine[b]) * THREE
        fine[b] += 1
        due[to] = spare[i * THREE]
        due[to + ONE] = spare[i * THREE + ONE]
        due[to + TWO] = spare[i * THREE + TWO]


@lean
def order_due(calendar: Calendar, count: int) -> None:
    """Write the first rings of ``spare`` into ``due``, sorted.

    By bits of their times, then by insertion.
    """
    due, spare, fine = calendar.due, calendar.spare, calendar.fine
    n = np.uint64(count)
    if count <= 12:
        for i in range(n * THREE):
            due[i] = spare[i]
    else:
        _scatter(due, spare, fine, n, calendar.shift[0])
    for i in range(ONE, n):
        j = i * THREE
        when, who, what = due[j], due[j + ONE], due[j + TWO]
        while j > ZERO and not _is_before(due, j - THREE, when, who):
            due[j] = due[j - THREE]
            due[j + ONE] = due[j - TWO]
            due[j + TWO] = due[j - ONE]
            j -= THREE
        due[j] = when
        due[j + ONE] = who
        due[j + TWO] = what
    calendar.at[DUE] = 0
    calendar.at[DUES] = count


@lean
def push_ring(heap: U64, at: I64, when: Word, who: Word, what: Word) -> None:
    """Push a ring onto the heap, ordered by time, then by word."""
    i = np.uint64(at[HEAPED])
    at[HEAPED] += 1
    while i > ZERO:
        above = (i - ONE) >> ONE
        if _is_before(heap, above * THREE, when, who):
            break
        for k in range(THREE):
            heap[i * THREE + k] = heap[above * THREE + k]
        i = above
    heap[i * THREE] = when
    heap[i * THREE + ONE] = who
    heap[i * THREE + TWO] = what


@lean
def pop_ring(heap: U64, at: I64) -> None:
    """Remove the first ring from the heap."""
    at[HEAPED] -= 1
    last = np.uint64(at[HEAPED])
    when, who, what = heap[last * THREE], heap[last * THREE + ONE], heap[last * THREE + TWO]
    i, below = ZERO, ONE
    while below < last:
        other = below + ONE
        if other < last and _is_before(
            heap, other * THREE, heap[below * THREE], heap[below * THREE + ONE]
        ):
            below = other
        if not _is_before(heap, below * THREE, when, who):
            break
        for k in range(THREE):
            heap[i * THREE + k] = heap[below * THREE + k]
        i = below
        below = (i << ONE) + ONE
    heap[i * THREE] = when
    heap[i * THREE + ONE] = who
    heap[i * THREE + TWO] = what


STEADY, RESTLESS, PARTING = np.uint8(1), np.uint8(2), np.uint8(4)
"""Marks of a state, see :class:`Rates`."""

_CALLS = 2
_MOST_DRAWN = 127
_INVERSE = np.array([0.0, *(1.0 / k for k in range(1, _MOST_DRAWN + 1))])
_TRUSTED = np.uint64(65535)


class ListenerRows(NamedTuple):
    """The listeners of each agent.

    ``rows`` uint32 (n, 2), ``targets`` uint32, ``trust`` uint16 or empty; ``closed`` uint64 bitmap
    of agents that take no part, or empty.
    """

    rows: U32
    targets: U32
    trust: U16
    closed: U64


class Rates(NamedTuple):
    """The rules as in ``Table``, with rates instead of chances.

    ``scum`` (uint64) is cumulative in 2**-32 of ``alone`` (float64, per state: the total rate of
    spontaneous changes); the last of a state is 2**32. ``bound`` (uint64, by speaker and
    listener): the largest total that the speaker's state can ever have for a listener of that
    state, whatever happens to the listener. ``marks`` (uint8, per state): ``STEADY`` if the
    state is left only spontaneously; ``RESTLESS`` if agents in it ring; ``PARTING`` if it is
    steady, and the state that follows it, for good, cannot be told apart: contacts have the
    same effect before and after.

    ``edge`` (uint64, a row of equal length for each pair of states): upper bounds of outcomes, in
    2**-32 of the speaker's ``ceiling``; ``hears``, ``turns`` (uint8, one longer): the new states
    of listener and speaker.
    """

    trusted: U8
    mode: I64
    ceiling: F64
    soff: I64
    scum: U64
    snew: U8
    adopting: U8
    bound: U64
    alone: F64
    marks: U8
    edge: U64
    hears: U8
    turns: U8


@inlined
def contacts_of(mode: I64, many: Number, s: Number) -> Number:
    """Return how many of ``many`` ties state ``s`` uses, or how many calls it makes."""
    if mode[s] == 0:
        return np.int64(0)
    return mode[s] - 3 if mode[s] > _CALLS and many > 0 else many


@inlined
def wait(draw: float, rate: float, left: float) -> float:
    """Return an exponential wait at ``rate`` from a draw in [0, 1); 1.0 if it exceeds ``left``.

    Most waits that are too long are detected without a logarithm: ``1 - exp(-x)`` is at most
    ``x - x^2 / 2 + x^3 / 6``.
    """
    x = rate * left
    if draw >= x * (1.0 - x * (0.5 - x * 0.16666666666666669)):
        return 1.0
    return float(-np.log(1.0 - draw) / rate)


@inlined
def count_of(draw: float, mean: float) -> Number:
    """Return a Poisson number of mean ``mean``, at most 16, from a draw in [0, 1), by inversion.

    Most zeros are detected without an exponential: ``exp(-x)`` is at least ``1 - x``.
    """
    n: Number = np.int64(0)
    if draw < 1.0 - mean:
        return n
    chance = np.exp(-mean)
    below = chance
    while draw >= below and n < _MOST_DRAWN:
        n += 1
        chance *= mean * _INVERSE[n]
        below += chance
    return n


@inlined
def next_state(rates: Rates, s: Number, what: Word) -> Number:
    """Return the state that spontaneously follows ``s``; upper half of ``what``: the share."""
    o = rates.soff[s]
    while what >> S32 >= rates.scum[o]:
        o += 1
    return np.int64(rates.snew[o])


@inlined
def weighed(
    heard: ListenerRows, rates: Rates, row: Number, u: Word, place: Word, share: Word
) -> Word:
    """Return the outcome of a try over a tie; the last entry of ``hears`` means none."""
    o = ZERO
    if heard.trust.size:
        trust = _TRUSTED
        if rates.trusted[row]:
            trust = np.uint64(heard.trust[np.uint64(heard.rows[u, 0]) + place])
        for k in range(rates.edge.shape[1]):
            o += np.uint64(share * _TRUSTED >= rates.edge[row, k] * trust)
    else:
        for k in range(rates.edge.shape[1]):
            o += np.uint64(share >= rates.edge[row, k])
    return o


LEFT = 260
"""Minimum free chunks and heap places: the most that one ring may cause, two lives of fewer
than 128 rings, where 16 are expected."""

LIVES = np.uint64(0xFFFF)
"""The bits of a life's number that its rings store."""
GRAIN = 1.0 / GRAINS
"""A grain in ticks."""
TICK = 1 << 20
"""A tie used by a speaker for one tick, in ``WATCHED``."""
_BLOCK = 16.0
_LIFE = np.uint64(10)
_WHOLE = np.uint64(GRAINS)
_WIDE = 4294967296.0
_C2 = np.uint64(C2)
_AHEAD = np.uint64(25)  # in `due`, the agents of the eighth ring from here
_STEP = np.uint64((2 * int(C2)) & 0xFFFFFFFFFFFFFFFF)


@inlined
def _keep(calendar: Calendar, when: Word, who: Word, what: Word) -> None:
    """Store a ring in the span it belongs to."""
    span = when >> calendar.shift[0]
    if np.int64(span) >= calendar.at[SPAN]:
        put_ring(calendar, span, when, who, what)
    else:
        push_ring(calendar.heap, calendar.at, when, who, what)


@inlined
def watch(
    rates: Rates, calendar: Calendar, many: Number, old: Number, new: Number, t: Word
) -> None:
    """Count the ties that an agent uses from ``t`` on, minus those of its previous state."""
    more = contacts_of(rates.mode, many, new) - contacts_of(rates.mode, many, old)
    left = 1.0 - float(np.int64(t)) * GRAIN
    calendar.at[WATCHED] += np.int64(np.float64(more) * left * TICK)


@lean
def begin_life(
    heard: ListenerRows, rates: Rates, key: Word, keys: U32, state: U8, tally: I64,
    calendar: Calendar, u: Number, s: Number, t: Word, life: Number,
) -> bool:  # fmt: skip
    """Draw a life of agent ``u``, in state ``s`` from time ``t`` on, and store its rings.

    Returns False if the end of the life is invisible to others: then the agent has changed its
    state at once, and ``tally`` (int64, agents in each state) is updated. There must be room.
    """
    many = np.int64(heard.rows[u, 1])
    ties = contacts_of(rates.mode, many, s) * rates.ceiling[s]
    alone = float(rates.alone[s])
    own, at_life = word(key, u), life << _LIFE
    sign = ((life & LIVES) << S6) | np.uint64(s)
    end = float(np.int64(_WHOLE - t)) * GRAIN
    ends, parts, share = ties * end > _BLOCK, False, ONE
    if ends:
        end = _BLOCK / ties
    if alone > 0.0:
        waited = wait(uniform(word2(own, at_life)), alone, end)
        if waited < end:
            end, ends = waited, True
            share = np.uint64(uniform(word2(own, at_life + TWO)) * _WIDE) << S32
            parts = bool(rates.marks[s] & PARTING)
    grains = end * GRAINS
    if ties > 0.0:
        z = own + (at_life + FOUR) * _C2
        start = np.uint64(heard.rows[u, 0])
        for _ in range(count_of(uniform(word2(own, at_life + ONE)), ties * end)):
            scaled = uniform(mix(z)) * np.float64(many)
            place = np.uint64(scaled)
            part = np.uint64((scaled - np.float64(place)) * _WIDE)
            v = np.uint64(heard.targets[start + place])
            row = s * rates.mode.size + np.int64(state[slot(keys, v)] & CODE)
            if part < rates.bound[row]:
                when = t + np.uint64(grains * uniform(mix(z - _C2)))
                _keep(calendar, (when << MOMENT) | sign, (u << S32) | v, (part << S32) | place)
            z += _STEP
    last = t + np.uint64(grains)
    if parts:
        new = next_state(rates, s, share)
        here = slot(keys, u)
        state[here] = (state[here] & EVER) | np.uint8(new)
        tally[s] -= 1
        tally[new] += 1
        calendar.at[EVENTS] += 1
        watch(rates, calendar, many, s, new, last)
    elif ends:
        _keep(calendar, (last << MOMENT) | sign, (u << S32) | u, share)
    return not parts


class NewLives(NamedTuple):
    """Agents that began a new life in a tick.

    ``claim`` uint64 (n,), ``FREE`` for agents that began no second life; ``touched`` uint32
    (n + 1,): agents that began a first one; ``again`` uint32 (n,): agents that began a second one.
    """

    claim: U64
    touched: U32
    again: U32


@inlined
def is_born(born: U64, u: Word) -> Word:
    """Return 1 if the first life of agent ``u`` is over, else 0."""
    return np.uint64((born[u >> S6] >> (u & LOW6)) & ONE)


@inlined
def life_of(claim: U64, born: U64, u: Word) -> Word:
    """Return the number of an agent's current life; by ``born`` mostly its first."""
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
    """Clear the claims of ``again[:more]``; find the agents that are live now.

    Agents of ``live`` that are still live stay in it (their number is the first result); of
    ``touched[:m]``, also ascending, others that are live now are moved to the front (second).
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


KEPT = 255
"""The new state of an agent that does not change."""

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
    """Give agent ``v`` the state ``new``, record a first adoption, and begin its new life."""
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
        reborn(births, calendar, v)  # otherwise its life is not used any more


@lean
def ring_on(
    heard: ListenerRows, rates: Rates, key: Word, keys: U32, state: U8, births: NewLives,
    tally: I64, calendar: Calendar, found: FirstAdoptions,
) -> bool:  # fmt: skip
    """Process rings in order of time until the tick ends; return whether it did.

    If not, some array is nearly full: enlarge it and call again.
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
            if at[DUE] + 8 < at[DUES]:
                later = due[i + _AHEAD]
                ahead(heard.rows, (later & LOW32) * TWO)
                ahead(births.claim, later & LOW32)
                if keys.size == 0:
                    ahead(state, later & LOW32)
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
    """Apply the effect of a ring, unless it is void."""
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


@inlined
def _first_place(heard: ListenerRows, key: Word, u: Number) -> Word:
    """Return the place in ``targets`` of the first listener that an agent rings."""
    many = np.float64(heard.rows[u, 1])
    place = uniform(mix(word(key, u) + FOUR * _C2)) * many
    return np.uint64(heard.rows[u, 0]) + np.uint64(place)


@inlined
def _fetch_lives(
    heard: ListenerRows, key: Word, state: U8, live: U32, first: int, count: int
) -> None:  # fmt: skip
    """Prefetch what the lives of the next agents read."""
    if first + 24 < count:
        u = np.uint64(live[first + 24])
        ahead(heard.rows, u * TWO)
        ahead(state, u)
    if first + 16 < count:
        ahead(heard.targets, _first_place(heard, key, np.uint64(live[first + 16])))
    if first + 8 < count and heard.rows[live[first + 8], 1] > 0:
        ahead(state, heard.targets[_first_place(heard, key, np.uint64(live[first + 8]))])


@lean
def ring_first(
    heard: ListenerRows, rates: Rates, live: U32, count: int, key: Word, keys: U32, state: U8,
    tally: I64, calendar: Calendar,
) -> bool:  # fmt: skip
    """Draw the rings of each of ``live[:count]`` from the start of the tick.

    Returns whether all are drawn; if not, chunks are running out: add some and call again.
    """
    at = calendar.at
    while at[FIRST] < count:
        if calendar.link.size - at[HELD] < LEFT:
            return False
        if keys.size == 0:
            _fetch_lives(heard, key, state, live, at[FIRST], count)
        u = np.uint64(live[at[FIRST]])
        s = np.int64(state[slot(keys, u)] & CODE)
        at[WATCHED] += contacts_of(rates.mode, np.int64(heard.rows[u, 1]), s) * TICK
        begin_life(heard, rates, key, keys, state, tally, calendar, u, s, ZERO, ZERO)
        at[FIRST] += 1
    return True
