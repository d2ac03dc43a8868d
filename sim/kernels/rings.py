"""The calendar of rings within a tick: spans of equal length, the one under way a heap.

R. Brown, "Calendar queues: a fast O(1) priority queue implementation for the simulation event set
problem", CACM 1988.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.kernels.jit import inlined, lean
from sim.kernels.mix import word, word2
from sim.kernels.types import F64, I32, I64, U32, U64, Number, Word

__all__ = [
    "DUE", "EVENTS", "FREED", "FRESH", "KNOWN", "ROOM", "SEEN", "SPAN", "SPARE", "TOUCHED", "USED",
    "WATCHED", "Calendar", "drawn", "keep_late", "load_span", "pop_ring", "push_ring", "take_place",
    "wait",
]  # fmt: skip

_S32 = np.uint64(32)
_NONE, _ONE = np.uint64(0), np.uint64(1)

SPAN, DUE, USED, FREED, TOUCHED, FRESH, ROOM, EVENTS, SEEN, KNOWN, SPARE, WATCHED = range(12)
"""Where ``Calendar.at`` keeps: the next span; rings in the heap; late rings ever kept; the first
vacated place of those, -1 none; agents touched; first adoptions; agents that may still be given a
value in the sparse column; rings so far; what was read ahead; places of the span under way ever
taken, the first vacated one of these; 2**20 times the ties that somebody spoke over for a tick."""


class Calendar(NamedTuple):
    """Rings to come in this tick; a ring is ``agent << 32 | number`` (uint64) at a time in [0, 1).

    First rings stand by span: those of span ``b`` are ``start[b]:start[b + 1]`` (int64) of ``when``
    (float64) and ``ring``. ``late_*``: rings drawn within the tick, for each span a list from
    ``head`` (int32, -1 none) over ``late_next`` (int32). The span under way: ``heap_when`` is a
    heap, the earliest first, of places (``heap_place``, int32) in ``due_ring`` and in what is known
    of each ring beforehand: its tie (``due_tie`` int64, -1 none), its listener (``due_goal``
    uint32) and a share (``due_share`` float64). ``at``: int64, see ``SPAN``.
    """

    start: I64
    when: F64
    ring: U64
    head: I32
    late_when: F64
    late_ring: U64
    late_next: I32
    heap_when: F64
    heap_place: I32
    due_ring: U64
    due_tie: I64
    due_goal: U32
    due_share: F64
    at: I64


@inlined
def drawn(key: Word, u: Number, k: Number) -> Word:
    """Return draw ``k`` of agent ``u`` (uint64 both)."""
    return word2(word(key, u), k)


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
def take_place(due_tie: I64, at: I64) -> Number:
    """Return a place for a ring of the span under way."""
    place = at[SPARE]
    if place >= 0:
        at[SPARE] = due_tie[place]
    else:
        place = at[KNOWN]
        at[KNOWN] = place + 1
    return place


@inlined
def push_ring(
    heap_when: F64, heap_place: I32, due_ring: U64, at: I64, t: float, place: Number
) -> None:
    """Put a ring into the heap; of rings at one moment the smaller number comes first."""
    i: Number = np.uint64(at[DUE])  # unsigned: no place is counted from the end
    at[DUE] += 1
    while i > _NONE:
        above = (i - _ONE) >> _ONE
        if heap_when[above] < t or (
            heap_when[above] == t and due_ring[heap_place[above]] < due_ring[place]
        ):
            break
        heap_when[i] = heap_when[above]
        heap_place[i] = heap_place[above]
        i = above
    heap_when[i] = t
    heap_place[i] = np.int32(place)


@inlined
def pop_ring(heap_when: F64, heap_place: I32, due_ring: U64, at: I64) -> None:
    """Drop the first ring of the heap."""
    at[DUE] -= 1
    last: Number = np.uint64(at[DUE])
    t, place = heap_when[last], heap_place[last]
    i = _NONE
    below = _ONE
    while below < last:
        other = below + _ONE
        if other < last and (
            heap_when[other] < heap_when[below]
            or (
                heap_when[other] == heap_when[below]
                and due_ring[heap_place[other]] < due_ring[heap_place[below]]
            )
        ):
            below = other
        if t < heap_when[below] or (
            t == heap_when[below] and due_ring[place] < due_ring[heap_place[below]]
        ):
            break
        heap_when[i] = heap_when[below]
        heap_place[i] = heap_place[below]
        i = below
        below = (i << _ONE) + _ONE
    heap_when[i] = t
    heap_place[i] = place


@lean
def load_span(
    start: I64, when: F64, ring: U64, head: I32, late_when: F64, late_ring: U64, late_next: I32,
    heap_when: F64, heap_place: I32, due_ring: U64, at: I64,
) -> bool:  # fmt: skip
    """Move the next span into the empty heap; returns False when the heap is too small."""
    b = at[SPAN]
    due = start[b + 1] - start[b]
    late = head[b]
    while late >= 0:
        due += 1
        late = late_next[late]
    if due > heap_when.size:
        return False
    at[KNOWN] = due
    at[SPARE] = -1
    place = np.int64(0)
    for i in range(start[b], start[b + 1]):
        due_ring[place] = ring[i]
        push_ring(heap_when, heap_place, due_ring, at, when[i], place)
        place += 1
    late = head[b]
    while late >= 0:
        due_ring[place] = late_ring[late]
        push_ring(heap_when, heap_place, due_ring, at, late_when[late], place)
        place += 1
        following = late_next[late]
        late_next[late] = np.int32(at[FREED])
        at[FREED] = late
        late = following
    head[b] = np.int32(-1)
    at[SPAN] = b + 1
    return True


@inlined
def keep_late(
    head: I32, late_when: F64, late_ring: U64, late_next: I32, at: I64, b: Number, t: float,
    ring: Word,
) -> None:  # fmt: skip
    """Keep a ring at time ``t`` for span ``b``, which is still to come."""
    place = at[FREED]
    if place >= 0:
        at[FREED] = late_next[place]
    else:
        place = at[USED]
        at[USED] = place + 1
    late_when[place] = t
    late_ring[place] = ring
    late_next[place] = head[b]
    head[b] = np.int32(place)
