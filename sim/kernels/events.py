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
counts.

Rings of a tick wait in a calendar (:mod:`sim.kernels.rings`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.kernels.claims import FREE, NOBODY, is_open
from sim.kernels.jit import lean
from sim.kernels.mix import uniform
from sim.kernels.rings import (
    DUE,
    EVENTS,
    FRESH,
    ROOM,
    SEEN,
    SPAN,
    TOUCHED,
    USED,
    Calendar,
    await_ring,
    drawn,
    load_span,
    pop_ring,
    wait,
)
from sim.kernels.sparse import VACANT, slot
from sim.kernels.types import F64, I64, U8, U16, U32, U64, Number, Word

__all__ = ["Found", "Heard", "Rates", "ring_first", "ring_on", "still_live"]

_CODE = np.uint8(0x7F)
_EVER = np.uint8(0x80)
_ONE = np.uint64(1)
_KEEP = 255
_CALLS = 2
_S32 = np.uint64(32)
_LOW32 = np.uint64(0xFFFFFFFF)


class Heard(NamedTuple):
    """Who hears whom.

    ``rows`` uint32 (n, 2), ``targets`` uint32, ``trust`` uint16 or empty; ``closed`` uint64 bitmap
    of agents that take no part, or empty.
    """

    rows: U32
    targets: U32
    trust: U16
    closed: U64


class Rates(NamedTuple):
    """Rules as :class:`sim.spread.rules.Table` has them, with rates in place of chances."""

    off: I64
    cum: F64
    listener: U8
    speaker: U8
    total: F64
    trusted: U8
    mode: I64
    ceiling: F64
    soff: I64
    scum: F64
    snew: U8
    adopting: U8


class Found(NamedTuple):
    """First adoptions in order of time: ``agents``, ``sources`` (uint32), ``times`` (float64)."""

    agents: U32
    sources: U32
    times: F64


@lean
def _of_ties(rows: U32, mode: I64, ceiling: F64, u: Number, s: Number) -> float:
    """Return at which rate agent ``u`` in state ``s`` tries its ties."""
    many: Number = np.int64(rows[u, 1])
    if mode[s] > _CALLS and many > 0:
        many = mode[s] - 3
    return float(many * ceiling[s])


@lean
def _alone(soff: I64, scum: F64, s: Number) -> float:
    """Return at which rate an agent in state ``s`` changes by itself."""
    last = soff[s + 1]
    return float(scum[last - 1]) if last > soff[s] else 0.0


@lean
def ring_first(
    heard: Heard, rates: Rates, live: U32, count: int, key: Word, keys: U32, state: U8,
    claim: U64, touched: U32, calendar: Calendar, when: F64, who: U32,
) -> None:  # fmt: skip
    """Draw the first ring of each of ``live[:count]``; those within the tick enter the calendar.

    ``when`` (float64) and ``who`` (uint32) are scratch of at least ``count``. The ``claim`` of
    agents that enter is 0.
    """
    rows, mode, ceiling, soff, scum = heard.rows, rates.mode, rates.ceiling, rates.soff, rates.scum
    start, sorted_when, ring = calendar.start, calendar.when, calendar.ring
    spans = calendar.head.size
    start[:] = 0
    n = 0
    for i in range(count):
        u = np.uint64(live[i])
        s = np.int64(state[slot(keys, u)] & _CODE)
        rate = _of_ties(rows, mode, ceiling, u, s) + _alone(soff, scum, s)
        if rate > 0.0:
            t = wait(uniform(drawn(key, u, np.uint64(0))), rate, 1.0)
            if t < 1.0:
                when[n] = t
                who[n] = np.uint32(u)
                touched[n] = np.uint32(u)
                claim[u] = np.uint64(0)
                start[np.int64(t * spans) + 1] += 1
                n += 1
    calendar.at[TOUCHED] = n
    for i in range(spans):
        start[i + 1] += start[i]
    for i in range(n):
        b: Number = np.int64(when[i] * spans)
        sorted_when[start[b]] = when[i]
        ring[start[b]] = np.uint64(who[i]) << _S32
        start[b] += 1
    for i in range(spans, 0, -1):
        start[i] = start[i - 1]
    start[0] = 0


@lean
def _become(
    adopting: U8, keys: U32, state: U8, claim: U64, touched: U32, tally: I64, at: I64,
    agents: U32, sources: U32, times: F64, v: Word, new: Number, source: Word, t: float,
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
    tally[np.int64(code & _CODE)] -= 1
    tally[new] += 1


@lean
def _outcome(first: Number, last: Number, cum: F64, share: float) -> int:
    """Return which outcome of ``first:last`` the share falls on, else -1."""
    for o in range(first, last):
        if share < cum[o]:
            return o
    return -1


@lean
def _weighed(
    trust: U16, off: I64, cum: F64, total: F64, trusted: U8, row: Number, e: Word, share: float
) -> int:
    """Return the outcome of a try over tie ``e``, -1 for none; ``share`` is below the ceiling."""
    if total[row] <= 0.0:
        return -1
    if trusted[row] and trust.size:
        if trust[e] == 0:
            return -1
        share = share / (trust[e] / 65535.0)
    return _outcome(off[row], off[row + 1], cum, share)


@lean
def _aim(
    rows: U32, mode: I64, ceiling: F64, soff: I64, scum: F64, key: Word, u: Word, number: Word,
    s: Number,
) -> tuple[Number, float]:  # fmt: skip
    """Return what a ring is aimed at.

    Either (place in the row of ``u``, a share in [0, ceiling)), or (-1, a share of the rate at
    which the state ``s`` is left without a contact).
    """
    ties = _of_ties(rows, mode, ceiling, u, s)
    alone = _alone(soff, scum, s)
    x = uniform(drawn(key, u, number + number + _ONE)) * (ties + alone)
    if x < alone or ties <= 0.0:
        return np.int64(-1), x
    length = np.int64(rows[u, 1])
    scaled = (x - alone) / ties * length
    place: Number = min(np.int64(scaled), length - 1)
    return place, float((scaled - place) * ceiling[s])


@lean
def _fetch(
    rows: U32, targets: U32, mode: I64, ceiling: F64, soff: I64, scum: F64, key: Word, keys: U32,
    state: U8, claim: U64, heap_ring: U64, ahead: U32, at: I64,
) -> None:  # fmt: skip
    """Read what the rings of a span are going to read.

    Independent reads, which the memory serves at the same time; ring by ring each would wait for
    its own. What is kept means nothing; without it the reads would be dropped as useless.
    """
    due = at[DUE]
    seen = np.uint64(0)
    for i in range(due):
        u = heap_ring[i] >> _S32
        seen ^= claim[u] ^ np.uint64(rows[u, 0]) ^ np.uint64(state[slot(keys, u)])
    for i in range(due):
        u = heap_ring[i] >> _S32
        s = np.int64(state[slot(keys, u)] & _CODE)
        place, _ = _aim(rows, mode, ceiling, soff, scum, key, u, heap_ring[i] & _LOW32, s)
        ahead[i] = np.uint32(u)
        if place >= 0:
            ahead[i] = targets[np.uint64(rows[u, 0]) + np.uint64(place)]
    for i in range(due):
        v = np.uint64(ahead[i])
        seen ^= claim[v] ^ np.uint64(rows[v, 0]) ^ np.uint64(state[slot(keys, v)])
    at[SEEN] = np.int64(seen >> _ONE)


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
    rows, targets, trust, closed = heard
    off, cum, listener, speaker, total, trusted, mode, ceiling, soff, scum, snew, adopting = rates
    start, when, ring, head, late_when, late_ring, late_next, heap_when, heap_ring, ahead, at = (
        calendar
    )
    agents, sources, times = found
    while True:
        if at[DUE] == 0:
            if at[SPAN] == head.size:
                return True
            if not load_span(
                start, when, ring, head, late_when, late_ring, late_next, heap_when, heap_ring, at
            ):
                return False
            _fetch(
                rows, targets, mode, ceiling, soff, scum, key, keys, state, claim, heap_ring,
                ahead, at,
            )  # fmt: skip
            continue
        short = at[DUE] + 2 > heap_when.size or at[FRESH] + 2 > agents.size
        if short or at[USED] + 2 > late_when.size or (keys.size and at[ROOM] < 2):
            return False
        t = heap_when[0]
        u = heap_ring[0] >> _S32
        number = heap_ring[0] & _LOW32
        pop_ring(heap_when, heap_ring, at)
        if claim[u] != number:
            continue
        at[EVENTS] += 1
        s: Number = np.int64(state[slot(keys, u)] & _CODE)
        v: Number = u
        now: Number = np.int64(-1)
        new: Number = np.int64(-1)
        place, share = _aim(rows, mode, ceiling, soff, scum, key, u, number, s)
        if place < 0:
            now = np.int64(snew[_outcome(soff[s], soff[s + 1], scum, share)])
            v = np.uint64(NOBODY)
        else:
            e = np.uint64(rows[u, 0]) + np.uint64(place)
            v = np.uint64(targets[e])
            row = s * tally.size + np.int64(state[slot(keys, v)] & _CODE)
            o = _weighed(trust, off, cum, total, trusted, row, e, share)
            if o >= 0 and not (closed.size and not is_open(closed, v)):
                if listener[o] != _KEEP:
                    new = np.int64(listener[o])
                if speaker[o] != _KEEP:
                    now = np.int64(speaker[o])
        if new >= 0:
            _become(
                adopting, keys, state, claim, touched, tally, at, agents, sources, times, v, new,
                u, t,
            )  # fmt: skip
            await_ring(
                _of_ties(rows, mode, ceiling, v, new) + _alone(soff, scum, new), key, claim, head,
                late_when, late_ring, late_next, heap_when, heap_ring, at, v, t,
                np.uint64(claim[v]) + _ONE,
            )  # fmt: skip
        if now >= 0:
            _become(
                adopting, keys, state, claim, touched, tally, at, agents, sources, times, u, now,
                v, t,
            )  # fmt: skip
            s = now
        await_ring(
            _of_ties(rows, mode, ceiling, u, s) + _alone(soff, scum, s), key, claim, head,
            late_when, late_ring, late_next, heap_when, heap_ring, at, u, t, number + _ONE,
        )  # fmt: skip


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
