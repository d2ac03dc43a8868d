"""Lives of agents, in which they ring: how many rings, when each comes, and over which tie.

An agent draws its rings for a *life*: from when it entered its state, or the tick began, until it
changes by itself, the tick ends, or 16 rings are to be expected; then the next life begins. How
many rings there are is one draw, and given that each comes at a uniform moment of its own: they
need no order among themselves, the calendar puts all in order anyway.
Lives of a tick count from 0, the one that begins with the tick; a change from or to a state that
rings begins a new one and voids the rings of the one before.

Draws of life ``g`` of agent ``u`` are ``word2(word(key, u), g << 10 | j)``: ``j`` = 0 the wait for
the change by itself and 2 its outcome, 1 the number of rings, and of ring ``i`` 3 + 2i its moment
and 4 + 2i its tie, by the whole part of draw times ties, and its share, by the rest.

A ring over a tie that can change nothing now, nor whatever becomes of the listener (its share is
not below ``Rates.bound``), is not kept.

The calendar of rings within a tick: spans of equal length, and the one under way in order.

A ring is three words (uint64):

- *when*: its moment, a whole number of the 2**42 grains of a tick ``<< 22``, the life of the agent
  that drew it ``<< 6`` (16 bits), and the agent's state (6 bits);
- *who*: the agent ``<< 32 | `` the listener, the agent itself where no tie is meant;
- *what*: a share in [0, 1) as 32 bits ``<< 32 | `` the tie's place in the agent's row.

Rings of spans to come stand in chunks of eight, which are given back as soon as their span begins;
so the sorting is a scatter to some thousand places and a short sort of what then lies in the
nearest cache (R. Brown, "Calendar queues: a fast O(1) priority queue implementation for the
simulation event set problem", CACM 1988). Rings drawn for the span under way wait in a heap.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.arrays import F64, I64, U8, U16, U32, U64
from sim.jit.jit import inlined, lean
from sim.jit.mix import C2, mix, uniform, word, word2
from sim.jit.sparse import slot
from sim.jit.types import Number, Word
from sim.jit.words import CODE, EVER, FOUR, ONE, S6, S32, THREE, TWO, ZERO

(SPAN, DUE, DUES, HEAPED, USED, FREED, HELD, TOUCHED, FRESH, ROOM, EVENTS, WATCHED, FIRST,
 AGAIN) = range(14)  # fmt: skip
"""Where ``Calendar.at`` keeps: the next span; of the one under way the next ring, and how many
there are; rings in the heap; chunks ever taken, the first vacated one of these, those in use;
agents touched; first adoptions; agents that may still be given a value in the sparse column; rings
so far; 2**20 times the ties that somebody spoke over for a tick; agents whose first rings are
drawn; agents in their second life or a later one."""

CHUNK, WORDS, SLOTS, FINES = 8, 3, 14, 4098
"""Places in a chunk, words in a ring, the length of ``Calendar.at`` and of ``Calendar.fine``."""

NONE = np.uint32(0xFFFFFFFF)
"""No chunk."""
GRAINS = 1 << 42
"""Moments that a tick is told apart into."""
MOMENT = np.uint64(22)
"""How far the moment is shifted within a ring's first word."""

_SLOT, _SEVEN, _EIGHT = np.uint64(3), np.uint64(7), np.uint64(8)
_FINEST = np.uint64(12)


class Calendar(NamedTuple):
    """Rings to come in this tick.

    ``pool`` (uint64, three words a place) and ``link`` (uint32, for each chunk the one before it);
    ``tail`` (uint32, a power of two of spans): for each span the place after its last ring, 0 for
    none. The span under way: ``due`` in order, ``spare`` scratch of the same size, ``heap`` what
    was drawn since (uint64, three words each). ``fine`` int64 (``FINES``,), scratch. ``born``
    (uint64), a bit an agent: whether its first life is over. ``at``: int64, see ``SPAN``; ``shift``
    (uint64, (1,)) takes the first word to its span.
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
    """Keep a ring for a span to come; there is room."""
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
    """Copy the rings of the next span into ``spare``; returns how many, -1 without room."""
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
        for k in range(_EIGHT * THREE):  # a whole chunk, however many of its places are taken
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
    """Write the first ``n`` rings of ``spare`` into ``due``, in order but for a few neighbours.

    By as many further bits of their moments as there are rings.
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
    """Write the first rings of ``spare`` into ``due``, in order.

    By bits of their moments, then by insertion.
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
    """Put a ring into the heap, the earliest first; of two at one moment the smaller word."""
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
    """Drop the first ring of the heap."""
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
    """Who hears whom.

    ``rows`` uint32 (n, 2), ``targets`` uint32, ``trust`` uint16 or empty; ``closed`` uint64 bitmap
    of agents that take no part, or empty.
    """

    rows: U32
    targets: U32
    trust: U16
    closed: U64


class Rates(NamedTuple):
    """Rules as ``Table`` has them, with rates in place of chances.

    ``scum`` (uint64) adds up in 2**-32 of ``alone`` (float64, of each state: the rate at which it
    is left without a contact); the last of a state is 2**32. ``bound`` (uint64, by speaker and
    listener): the largest total that the speaker's state will ever find at a listener of that
    state, whatever becomes of the listener. ``marks`` (uint8, of each state): ``STEADY`` where
    nobody leaves the state but by itself; ``RESTLESS`` where agents ring; ``PARTING`` where it is
    steady, and to whatever state an agent leaves it, for good, nobody can tell: contacts do the
    same to it before and after.

    ``edge`` (uint64, a row of the same length for each pair of states): where outcomes end, in
    2**-32 of the speaker's ``ceiling``; ``hears``, ``turns`` (uint8, one longer): what each makes
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
    """Return over how many of ``many`` ties state ``s`` speaks, or how many calls it makes."""
    if mode[s] == 0:
        return np.int64(0)
    return mode[s] - 3 if mode[s] > _CALLS and many > 0 else many


@inlined
def wait(draw: float, rate: float, left: float) -> float:
    """Return an exponential wait at ``rate`` from a draw in [0, 1); 1.0 where it is over ``left``.

    Most waits that last too long are seen without a logarithm: ``1 - exp(-x)`` is at most
    ``x - x^2 / 2 + x^3 / 6``.
    """
    x = rate * left
    if draw >= x * (1.0 - x * (0.5 - x * 0.16666666666666669)):
        return 1.0
    return float(-np.log(1.0 - draw) / rate)


@inlined
def count_of(draw: float, mean: float) -> Number:
    """Return a Poisson number of that ``mean``, at most 16, from a draw in [0, 1): by inversion.

    Most zeros are seen without an exponential: ``exp(-x)`` is at least ``1 - x``.
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
    """Return to which state ``s`` is left by itself; the upper half of ``what`` is the share."""
    o = rates.soff[s]
    while what >> S32 >= rates.scum[o]:
        o += 1
    return np.int64(rates.snew[o])


@inlined
def weighed(
    heard: ListenerRows, rates: Rates, row: Number, u: Word, place: Word, share: Word
) -> Word:
    """Return the outcome of a try over a tie; the last of ``hears`` is none."""
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
"""Chunks, and places in the heap, that must be left: what one ring may lead to, two lives of fewer
than 128 rings, where 16 are to be expected."""

LIVES = np.uint64(0xFFFF)
"""What of a life's number its rings know."""
GRAIN = 1.0 / GRAINS
"""A grain in ticks."""
TICK = 1 << 20
"""A tie spoken over for a tick, in ``WATCHED``."""
_BLOCK = 16.0
_LIFE = np.uint64(10)
_WHOLE = np.uint64(GRAINS)
_WIDE = 4294967296.0
_C2 = np.uint64(C2)
_STEP = np.uint64((2 * int(C2)) & 0xFFFFFFFFFFFFFFFF)


@inlined
def _keep(calendar: Calendar, when: Word, who: Word, what: Word) -> None:
    """Keep a ring for the span it falls in."""
    span = when >> calendar.shift[0]
    if np.int64(span) >= calendar.at[SPAN]:
        put_ring(calendar, span, when, who, what)
    else:
        push_ring(calendar.heap, calendar.at, when, who, what)


@inlined
def watch(
    rates: Rates, calendar: Calendar, many: Number, old: Number, new: Number, t: Word
) -> None:
    """Count the ties over which an agent speaks from ``t`` on, less those of its state before."""
    more = contacts_of(rates.mode, many, new) - contacts_of(rates.mode, many, old)
    left = 1.0 - float(np.int64(t)) * GRAIN
    calendar.at[WATCHED] += np.int64(np.float64(more) * left * TICK)


@lean
def begin_life(
    heard: ListenerRows, rates: Rates, key: Word, keys: U32, state: U8, tally: I64,
    calendar: Calendar, u: Word, s: Number, t: Word, life: Word,
) -> bool:  # fmt: skip
    """Draw a life of agent ``u``, in state ``s`` from moment ``t`` on, and keep its rings.

    Returns whether its end can be seen; else it has left the state at once. ``tally`` (int64,
    agents in each state) follows. There is room for what it rings.
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
            parts = (rates.marks[s] & PARTING) > np.uint8(0)
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
