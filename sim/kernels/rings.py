"""The calendar of rings within a tick: spans of equal length, the one under way a heap.

R. Brown, "Calendar queues: a fast O(1) priority queue implementation for the simulation event set
problem", CACM 1988.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.kernels.jit import lean
from sim.kernels.mix import uniform, word, word2
from sim.kernels.types import F64, I32, I64, U32, U64, Number, Word

__all__ = [
    "DUE", "EVENTS", "FREED", "FRESH", "ROOM", "SEEN", "SPAN", "TOUCHED", "USED", "Calendar",
    "await_ring", "drawn", "load_span", "pop_ring", "push_ring", "wait",
]  # fmt: skip

_S32 = np.uint64(32)

SPAN, DUE, USED, FREED, TOUCHED, FRESH, ROOM, EVENTS, SEEN = range(9)
"""Where ``Calendar.at`` keeps: the next span; rings in the heap; late rings ever kept; the first
vacated place of those, -1 none; agents touched; first adoptions; agents that may still be given a
value in the sparse column; rings so far."""


class Calendar(NamedTuple):
    """Rings to come in this tick; a ring is ``agent << 32 | number`` (uint64) at a time in [0, 1).

    First rings stand by span: those of span ``b`` are ``start[b]:start[b + 1]`` (int64) of ``when``
    (float64) and ``ring``. ``late_*``: rings drawn within the tick, for each span a list from
    ``head`` (int32, -1 none) over ``late_next`` (int32). ``heap_*``: the span under way, the
    earliest first; ``ahead``: uint32 scratch of its length. ``at``: int64, see ``SPAN``.
    """

    start: I64
    when: F64
    ring: U64
    head: I32
    late_when: F64
    late_ring: U64
    late_next: I32
    heap_when: F64
    heap_ring: U64
    ahead: U32
    at: I64


@lean
def drawn(key: Word, u: Number, k: Number) -> Word:
    """Return draw ``k`` of agent ``u`` (uint64 both)."""
    return word2(word(key, u), k)


@lean
def wait(draw: float, rate: float, left: float) -> float:
    """Return an exponential wait at ``rate`` from a draw in [0, 1); 1.0 where it is over ``left``.

    Most waits that last too long are seen without a logarithm: ``1 - exp(-x)`` is at most
    ``x - x^2 / 2 + x^3 / 6``.
    """
    x = rate * left
    if draw >= x * (1.0 - x * (0.5 - x * 0.16666666666666669)):
        return 1.0
    return float(-np.log(1.0 - draw) / rate)


@lean
def push_ring(heap_when: F64, heap_ring: U64, at: I64, t: float, ring: Word) -> None:
    """Put a ring into the heap; of rings at one moment the smaller number comes first."""
    i = at[DUE]
    at[DUE] = i + 1
    while i > 0:
        above = (i - 1) >> 1
        if heap_when[above] < t or (heap_when[above] == t and heap_ring[above] < ring):
            break
        heap_when[i] = heap_when[above]
        heap_ring[i] = heap_ring[above]
        i = above
    heap_when[i] = t
    heap_ring[i] = ring


@lean
def pop_ring(heap_when: F64, heap_ring: U64, at: I64) -> None:
    """Drop the first ring of the heap."""
    last = at[DUE] - 1
    at[DUE] = last
    t, ring = heap_when[last], heap_ring[last]
    i = np.int64(0)
    below = np.int64(1)
    while below < last:
        other = below + 1
        if other < last and (
            heap_when[other] < heap_when[below]
            or (heap_when[other] == heap_when[below] and heap_ring[other] < heap_ring[below])
        ):
            below = other
        if t < heap_when[below] or (t == heap_when[below] and ring < heap_ring[below]):
            break
        heap_when[i] = heap_when[below]
        heap_ring[i] = heap_ring[below]
        i = below
        below = 2 * i + 1
    heap_when[i] = t
    heap_ring[i] = ring


@lean
def load_span(
    start: I64, when: F64, ring: U64, head: I32, late_when: F64, late_ring: U64, late_next: I32,
    heap_when: F64, heap_ring: U64, at: I64,
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
    for i in range(start[b], start[b + 1]):
        push_ring(heap_when, heap_ring, at, when[i], ring[i])
    late = head[b]
    while late >= 0:
        push_ring(heap_when, heap_ring, at, late_when[late], late_ring[late])
        following = late_next[late]
        late_next[late] = np.int32(at[FREED])
        at[FREED] = late
        late = following
    head[b] = np.int32(-1)
    at[SPAN] = b + 1
    return True


@lean
def await_ring(
    rate: float, key: Word, claim: U64, head: I32, late_when: F64, late_ring: U64, late_next: I32,
    heap_when: F64, heap_ring: U64, at: I64, u: Word, t: float, number: Word,
) -> None:  # fmt: skip
    """Draw ring ``number`` of agent ``u`` after time ``t``; it enters the calendar."""
    claim[u] = number
    if rate <= 0.0:
        return
    t += wait(uniform(drawn(key, u, number + number)), rate, 1.0 - t)
    if t >= 1.0:
        return
    ring = (u << _S32) | number
    b = np.int64(t * head.size)
    if b < at[SPAN]:
        push_ring(heap_when, heap_ring, at, t, ring)
        return
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
