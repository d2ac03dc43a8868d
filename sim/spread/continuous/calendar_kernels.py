"""The calendar of rings within a tick: spans of equal length, and the one under way in order.

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

from sim.arrays import I64, U32, U64
from sim.jit.jit import inlined, lean
from sim.jit.prefetch import ahead
from sim.jit.types import Number, Word

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

_SLOT, _THREE, _SEVEN, _EIGHT = np.uint64(3), np.uint64(3), np.uint64(7), np.uint64(8)
_NO, _ONE, _TWO = np.uint64(0), np.uint64(1), np.uint64(2)
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
    if place & _SEVEN == _NO:
        chunk = np.uint64(at[FREED])
        if at[FREED] >= 0:
            before = link[chunk]
            at[FREED] = -1 if before == NONE else np.int64(before)
        else:
            chunk = np.uint64(at[USED])
            at[USED] += 1
        at[HELD] += 1
        link[chunk] = NONE if place == _NO else np.uint32((place - _ONE) >> _SLOT)
        place = chunk << _SLOT
    word = place * _THREE
    calendar.pool[word] = when
    calendar.pool[word + _ONE] = who
    calendar.pool[word + _TWO] = what
    calendar.tail[span] = np.uint32(place + _ONE)


@inlined
def _fetch_span(calendar: Calendar) -> None:
    """Have the rings of the next span fetched from memory, while those of this one happen."""
    span = np.uint64(calendar.at[SPAN])
    if span < np.uint64(calendar.tail.size) and calendar.tail[span] > np.uint32(0):
        chunk = (calendar.tail[span] - np.uint32(1)) >> np.uint32(_SLOT)
        for _ in range(_MOST_FETCHED):
            for k in range(_THREE):
                ahead(calendar.pool, (np.uint64(chunk) * _THREE + k) * _EIGHT)
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
    to = _NO
    first: Number = (stop - _ONE) >> _SLOT if stop > _NO else _NO
    last = first
    chunks = 0
    while stop > _NO:
        last = (stop - _ONE) >> _SLOT
        if to + _EIGHT * _THREE > room:
            return -1
        place = (last << _SLOT) * _THREE
        for k in range(_EIGHT * _THREE):  # a whole chunk, however many of its places are taken
            spare[to + k] = pool[place + k]
        to += stop * _THREE - place
        chunks += 1
        stop = _NO if link[last] == NONE else (np.uint64(link[last]) + _ONE) << _SLOT
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
    return bool(a[i] < when or (a[i] == when and a[i + _ONE] < who))


@lean
def _scatter(due: U64, spare: U64, fine: I64, n: Word, shift: Word) -> None:
    """Write the first ``n`` rings of ``spare`` into ``due``, in order but for a few neighbours.

    By as many further bits of their moments as there are rings.
    """
    bits = np.uint64(4)
    while bits < _FINEST and (_ONE << bits) < _TWO * n:
        bits += _ONE
    shift -= bits
    last = (_ONE << bits) - _ONE
    for b in range(last + _TWO):
        fine[b] = 0
    for i in range(n):
        fine[((spare[i * _THREE] >> shift) & last) + _ONE] += 1
    for b in range(last):
        fine[b + _ONE] += fine[b]
    for i in range(n):
        b = (spare[i * _THREE] >> shift) & last
        to = np.uint64(fine[b]) * _THREE
        fine[b] += 1
        due[to] = spare[i * _THREE]
        due[to + _ONE] = spare[i * _THREE + _ONE]
        due[to + _TWO] = spare[i * _THREE + _TWO]


@lean
def order_due(calendar: Calendar, count: int) -> None:
    """Write the first rings of ``spare`` into ``due``, in order.

    By bits of their moments, then by insertion.
    """
    due, spare, fine = calendar.due, calendar.spare, calendar.fine
    n = np.uint64(count)
    if count <= 12:
        for i in range(n * _THREE):
            due[i] = spare[i]
    else:
        _scatter(due, spare, fine, n, calendar.shift[0])
    for i in range(_ONE, n):
        j = i * _THREE
        when, who, what = due[j], due[j + _ONE], due[j + _TWO]
        while j > _NO and not _is_before(due, j - _THREE, when, who):
            due[j] = due[j - _THREE]
            due[j + _ONE] = due[j - _TWO]
            due[j + _TWO] = due[j - _ONE]
            j -= _THREE
        due[j] = when
        due[j + _ONE] = who
        due[j + _TWO] = what
    calendar.at[DUE] = 0
    calendar.at[DUES] = count


@lean
def push_ring(heap: U64, at: I64, when: Word, who: Word, what: Word) -> None:
    """Put a ring into the heap, the earliest first; of two at one moment the smaller word."""
    i = np.uint64(at[HEAPED])
    at[HEAPED] += 1
    while i > _NO:
        above = (i - _ONE) >> _ONE
        if _is_before(heap, above * _THREE, when, who):
            break
        for k in range(_THREE):
            heap[i * _THREE + k] = heap[above * _THREE + k]
        i = above
    heap[i * _THREE] = when
    heap[i * _THREE + _ONE] = who
    heap[i * _THREE + _TWO] = what


@lean
def pop_ring(heap: U64, at: I64) -> None:
    """Drop the first ring of the heap."""
    at[HEAPED] -= 1
    last = np.uint64(at[HEAPED])
    when, who, what = heap[last * _THREE], heap[last * _THREE + _ONE], heap[last * _THREE + _TWO]
    i, below = _NO, _ONE
    while below < last:
        other = below + _ONE
        if other < last and _is_before(
            heap, other * _THREE, heap[below * _THREE], heap[below * _THREE + _ONE]
        ):
            below = other
        if not _is_before(heap, below * _THREE, when, who):
            break
        for k in range(_THREE):
            heap[i * _THREE + k] = heap[below * _THREE + k]
        i = below
        below = (i << _ONE) + _ONE
    heap[i * _THREE] = when
    heap[i * _THREE + _ONE] = who
    heap[i * _THREE + _TWO] = what
