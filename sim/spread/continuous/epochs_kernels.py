"""Lives of agents, in which they ring: how many rings, when each comes, and over which tie.

An agent draws its rings for a *life*: from when it entered its state, or the tick began, until it
changes by itself, the tick ends, or 16 rings are to be expected; then the next life begins. How
many rings there are is one draw, and given that each comes at a uniform moment of its own: they
need no order among themselves, the calendar puts
all in order anyway.
Lives of a tick count from 0, the one that begins with the tick; a change from or to a state that
rings begins a new one and voids the rings of the one before.

Draws of life ``g`` of agent ``u`` are ``word2(word(key, u), g << 10 | j)``: ``j`` = 0 the wait for
the change by itself and 2 its outcome, 1 the number of rings, and of ring ``i`` 3 + 2i its moment
and 4 + 2i its tie, by the whole part of draw times ties, and its share, by the rest.

Many lives are drawn at once, in flat passes over all their rings: reads of memory wait for none of
the others. A ring over a tie that can change nothing now, nor whatever becomes of the listener (its
share is not below ``Rates.bound``), is not kept.

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
from sim.jit.prefetch import ahead
from sim.jit.sparse import slot
from sim.jit.types import Number, Word
from sim.jit.words import CODE, FOUR, LOW6, ONE, S6, S32, THREE, TWO, ZERO

(SPAN, DUE, DUES, HEAPED, USED, FREED, HELD, TOUCHED, FRESH, ROOM, EVENTS, WATCHED, FIRST, MAPPED,
 AGAIN, SINCE, AHEAD, NEXT) = range(18)  # fmt: skip
"""Where ``Calendar.at`` keeps: the next span; of the one under way the next ring, and how many
there are; rings in the heap; chunks ever taken, the first vacated one of these, those in use;
agents touched; first adoptions; agents that may still be given a value in the sparse column; rings
so far; 2**20 times the ties that somebody spoke over for a tick; agents whose
first rings are drawn; whether ``low`` tells anything; agents in their second life or a later one;
the first ring that was looked at ahead, the first that was not, and the next of the lives drawn."""

CHUNK, WORDS, SLOTS, FINES = 8, 3, 18, 4098
"""Places in a chunk, words in a ring, the length of ``Calendar.at`` and of ``Calendar.fine``."""

NONE = np.uint32(0xFFFFFFFF)
"""No chunk."""
GRAINS = 1 << 42
"""Moments that a tick is told apart into."""
MOMENT = np.uint64(22)
"""How far the moment is shifted within a ring's first word."""

_SLOT, _SEVEN, _EIGHT = np.uint64(3), np.uint64(7), np.uint64(8)
_FINEST = np.uint64(12)
_MOST_FETCHED = 64


class Calendar(NamedTuple):
    """Rings to come in this tick.

    ``pool`` (uint64, three words a place) and ``link`` (uint32, for each chunk the one before it);
    ``tail`` (uint32, a power of two of spans): for each span the place after its last ring, 0 for
    none. The span under way: ``due`` in order, ``spare`` scratch of the same size, ``heap`` what
    was drawn since (uint64, three words each). ``fine`` int64 (``FINES``,), scratch. A bit an agent
    (uint64): ``born``, whether its first life is over; ``low``, whether it is in a ``LOW`` state.
    ``at``: int64, see ``SPAN``; ``shift`` (uint64, (1,)) takes the first word to its span.
    """

    pool: U64
    link: U32
    tail: U32
    due: U64
    spare: U64
    heap: U64
    fine: I64
    born: U64
    low: U64
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


@inlined
def _fetch_span(calendar: Calendar) -> None:
    """Have the rings of the next span fetched from memory, while those of this one happen."""
    span = np.uint64(calendar.at[SPAN])
    if span < np.uint64(calendar.tail.size) and calendar.tail[span] > np.uint32(0):
        chunk = (calendar.tail[span] - np.uint32(1)) >> np.uint32(_SLOT)
        for _ in range(_MOST_FETCHED):
            for k in range(THREE):
                ahead(calendar.pool, (np.uint64(chunk) * THREE + k) * _EIGHT)
            chunk = calendar.link[chunk]
            if chunk == NONE:
                break


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
    _fetch_span(calendar)
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


LOW, STEADY, RESTLESS, PARTING = np.uint8(1), np.uint8(2), np.uint8(4), np.uint8(8)
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

    ``cum`` and ``scum`` (uint64) add up in 2**-32 of the state's ``ceiling``, and of ``alone``
    (float64, of each state: the rate at which it is left without a contact); the last of ``scum``
    is 2**32. ``bound`` (uint64, by speaker and listener): the largest total that the speaker's
    state will ever find at a listener of that state, whatever becomes of the listener. ``marks``
    (uint8, of each state): ``LOW`` where that is below the ceiling for all who speak, as it is in
    every state that may follow; ``STEADY`` where nobody leaves the state but by itself;
    ``RESTLESS`` where agents ring; ``PARTING`` where it is steady, and to whatever state an agent
    leaves it, for good, nobody can tell: contacts do the same to it before and after. ``lack``
    (uint64, of each state): how far its largest ``bound`` at a ``LOW`` one is below 2**32.

    ``edge`` (uint64, a row of the same length for each pair of states): where outcomes end, as
    ``cum``; ``hears``, ``turns`` (uint8, one longer): what each makes of listener and speaker.
    """

    off: I64
    cum: U64
    listener: U8
    speaker: U8
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
    lack: U64
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
def outcome_of(first: Number, last: Number, cum: U64, share: Word) -> Number:
    """Return which outcome of ``first:last`` the share falls on, else -1."""
    for o in range(first, last):
        if share < cum[o]:
            return np.int64(o)
    return np.int64(-1)


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
"""Chunks, and places in the heap, that must be left: what one ring may lead to."""

MOST_RINGS = 128
"""More than a life ever has: 16 are to be expected."""

BATCH, ALONE = 64, 64
"""Lives drawn at once; the place of one that is drawn alone."""

RINGS = 1024
"""Rings of lives drawn at once, at most."""

LIVES = np.uint64(0xFFFF)
"""What of a life's number its rings know."""
GRAIN = 1.0 / GRAINS
"""A grain in ticks."""
TICK = 1 << 20
"""A tie spoken over for a tick, in ``WATCHED``."""
PARTS = np.uint64(2)
"""What ``Epochs.ends`` is, less the state that follows, where a life ends unseen: at once."""

_BLOCK = 16.0
_LIFE = np.uint64(10)
_MOST = np.uint64(MOST_RINGS)
_WHOLE = np.uint64(GRAINS)
_FULL = np.uint64(1 << 32)
_WIDE = 4294967296.0
_SIXTEEN = np.uint64(16)
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
            share, ends = part << S32, ONE
            if rates.marks[s] & PARTING:
                o = outcome_of(rates.soff[s], rates.soff[s + 1], rates.scum, part)
                ends = PARTS + np.uint64(rates.snew[o])
    lives.grains[j] = end * GRAINS
    lives.sign[j] = ((lives.number[j] & LIVES) << S6) | np.uint64(s)
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
        what[r] = (np.uint64((scaled - np.float64(place)) * _WIDE) << S32) | place
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
            is_low = (low[v >> S6] >> (v & LOW6)) & ONE
            of[m], tie[m], what[m], seed[m] = j, v, w, seed[r]
            m += np.uint64((w >> S32) < _FULL - is_low * lives.lack[j])
            lives.stop[j] = m
    else:
        for r in range(n):
            j, v, w = of[r], tie[r], what[r]
            row = np.int64(lives.state[j]) * rates.mode.size
            limit = rates.bound[row + np.int64(state[slot(keys, v)] & CODE)]
            of[m], tie[m], what[m], seed[m] = j, v, w, seed[r]
            m += np.uint64((w >> S32) < limit)
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
        lives.ring[at + ONE] = (lives.agent[i] << S32) | lives.tie[r]
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
        _keep(calendar, when, (u << S32) | u, lives.share[j])
