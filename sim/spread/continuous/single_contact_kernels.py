"""Calls in order of time, for rules in which speakers call random ties and nobody else acts.

The same draws and the same events as :mod:`sim.spread.continuous.events_kernels`, ring by ring,
where speakers make
calls of one random listener each, nothing happens by itself, a listener is changed once at most,
from the first state to one that speaks, and whoever turns by its own call never comes back to a
state it left. Then the state that a call was drawn in tells whether it still counts.

A call is two words (uint64): its moment, a whole number of the 2**42 grains of a tick ``<< 22``,
its number in the life of the caller that drew it ``<< 14``, that life ``<< 6``, and the caller's
state; the caller ``<< 32``, and the place of the tie. Calls wait in spans of equal length;
:mod:`sim.spread.compartments.single_contact_passing_kernels` lets them happen.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.arrays import F64, I64, U8, U32, U64
from sim.jit.jit import inlined, lean
from sim.jit.mix import uniform, word, word2
from sim.jit.prefetch import ahead
from sim.jit.types import Number, Word
from sim.jit.words import FOUR, ONE, THREE, TWO, ZERO
from sim.spread.continuous.calendar_kernels import MOMENT
from sim.spread.continuous.epochs_kernels import CODE, LOW32, MOST_RINGS, TICK

SPAN, DUE, DUES, LATE, FRESH, WATCHED, READ, SPEAKERS = range(8)
"""Where ``CallQueue.at`` keeps: the next span; of the one under way, when it passes call by call,
the next call, and how many there are; calls in ``CallQueue.late``; first adoptions; 2**20 times
the calls of a whole tick, without those lost to changes of state; agents drawn for, and how many
of them speak."""

SLOTS, STAGE, SOON = 8, 256, 1024
"""The length of ``CallQueue.at``; agents drawn for at a time; room for calls of new speakers of a
span."""

NEW, WINS, TURNS, GOES_ON, MUST_DRAW = (
    np.uint64(n) for n in (8, 1 << 16, 1 << 17, 1 << 18, 1 << 19)
)
"""An effect: the caller's new state, that of the listener ``<< NEW``, and whether the listener
adopts, the caller changes, it speaks on; or that it takes a draw; its outcome in the upper half."""

_EIGHT = np.uint64(8)
_S11, _S14, _S32 = np.uint64(11), np.uint64(14), np.uint64(32)
_STEPS = np.uint64(MOST_RINGS)
_FAR = 32


class CallRules(NamedTuple):
    """What a call does.

    ``sure`` uint64, by speaker and listener: the effect that it always has (see ``NEW``), or
    ``MUST_DRAW``; ``effect`` uint64, that of every outcome, the last one: of none; ``off`` and
    ``cum`` as in :class:`sim.spread.continuous.rates_kernels.Rates`. ``mean`` float64, of every
    state: calls expected
    in a tick; ``steps`` uint64, ``MOST_RINGS`` of every state: that many calls are drawn as are not
    over the upper 53 bits of a draw. ``speaks`` uint8, of every state. ``calls``: how many a
    speaker makes at most.
    """

    sure: U64
    effect: U64
    off: I64
    cum: U64
    mean: F64
    steps: U64
    speaks: U8
    calls: int


class CallQueue(NamedTuple):
    """Calls to come in this tick, and what is won.

    ``pool`` uint64, two words for each of ``room`` places of every span, ``fill`` uint32, how many
    are taken; calls that find none free: ``late`` uint64, two words each, ``link`` uint32 the one
    before it in its span, by number from 1, ``head`` uint32 the last one of a span. The span under
    way: ``due`` uint64, two words a call, ``heard`` uint32, ``effect`` uint64, and as bytes what
    callers and listeners were and are going to be: ``did``, ``was``, ``turns``, ``becomes``.
    ``soon`` uint64, two words for each call of new speakers; ``drawn``, ``whose``, ``lots``
    uint64, and ``chosen``, ``owns``, ``own`` (``STAGE``,), scratch. ``won`` uint64: who adopts and,
    below, from whom, ``moments`` uint64 in grains; ``spare`` and ``others`` as them, scratch.
    ``hits`` int64, how often each outcome fell. ``shift`` takes the first word to its span.
    """

    pool: U64
    fill: U32
    head: U32
    late: U64
    link: U32
    due: U64
    heard: U32
    effect: U64
    did: U8
    was: U8
    turns: U8
    becomes: U8
    soon: U64
    drawn: U64
    whose: U64
    chosen: U64
    owns: U64
    own: U64
    lots: U64
    won: U64
    moments: U64
    spare: U64
    others: U64
    hits: I64
    at: I64
    room: int
    shift: Word


@inlined
def room_for_lives(desk: CallQueue, lives: Number) -> bool:
    """Return whether there is room for all calls that so many new lives may draw."""
    return bool(desk.link.size - desk.at[LATE] >= lives * MOST_RINGS)


@inlined
def keep(desk: CallQueue, when: Word, who: Word) -> None:
    """Keep a call for the span that it falls in, which is to come."""
    span = when >> desk.shift
    taken = np.uint64(desk.fill[span])
    if taken < np.uint64(desk.room):
        to = (span * np.uint64(desk.room) + taken) << ONE
        desk.pool[to] = when
        desk.pool[to + ONE] = who
        ahead(desk.pool, np.int64(to + _EIGHT))
        desk.fill[span] = np.uint32(taken + ONE)
    else:
        n = np.uint64(desk.at[LATE])
        desk.late[n << ONE] = when
        desk.late[(n << ONE) + ONE] = who
        desk.link[n] = desk.head[span]
        desk.head[span] = np.uint32(n + ONE)
        desk.at[LATE] += 1


@inlined
def _keep_chosen(
    who: U32, start: U32, length: U32, desk: CallQueue, n: Number, number: Number
) -> None:  # fmt: skip
    """Keep the calls of that ``number`` of those in ``chosen[:n]``."""
    chosen, own, lots = desk.chosen, desk.own, desk.lots
    for i in range(n):
        own[i] = desk.owns[chosen[i] & LOW32]
    for i in range(n):
        lots[i] = word2(own[i], FOUR + TWO * number)
    for i in range(n):
        own[i] = word2(own[i], THREE + TWO * number)
    for i in range(n):
        j = chosen[i] & LOW32
        place = np.uint64(start[j]) + np.uint64(uniform(lots[i]) * np.float64(length[j]))
        when = ((own[i] >> MOMENT) << MOMENT) | (number << _S14) | (chosen[i] >> _S32)
        keep(desk, when, (np.uint64(who[j]) << _S32) | place)


@lean
def call_first(
    law: CallRules, who: U32, start: U32, length: U32, count: int, key: Word, state: U8,
    desk: CallQueue,
) -> bool:  # fmt: skip
    """Draw the calls of ``who[:count]`` (uint32) from the tick's beginning.

    ``start`` and ``length`` uint32: their rows, beside them. Those that speak no more are dropped:
    others take their places. Returns whether calls of all are drawn; else ``late`` runs short.
    """
    owns, drawn, chosen, steps, codes = desk.owns, desk.drawn, desk.chosen, law.steps, desk.did
    at, able = desk.at, np.int64(0)
    once: Number = ONE
    while at[READ] < count and room_for_lives(desk, STAGE):
        first, low = at[READ], at[SPEAKERS]
        size = min(STAGE, count - first)
        mine, begin, many = who[low:], start[low:], length[low:]
        theirs, begins, manies = who[first:], start[first:], length[first:]
        k: Number = ZERO
        for i in range(np.uint64(size)):
            ahead(state, np.int64(who[min(first + np.int64(i) + _FAR, count - 1)]))
            u = theirs[i]
            code = state[u] & CODE
            mine[k], begin[k], many[k], codes[k] = u, begins[i], manies[i], code
            k += np.uint64(law.speaks[code])
        for j in range(k):
            owns[j] = word(key, mine[j])
        for j in range(k):
            drawn[j] = word2(owns[j], once) >> _S11
        n: Number = ZERO
        for j in range(k):
            s = np.uint64(codes[j])
            chosen[n] = (s << _S32) | j
            may = many[j] > 0
            able += may
            n += np.uint64(may & (drawn[j] >= steps[s * _STEPS]))
        number: Number = ZERO
        while n > ZERO:
            _keep_chosen(mine, begin, many, desk, n, number)
            number += ONE
            m = ZERO
            for i in range(n):
                one = chosen[i]
                chosen[m] = one
                m += np.uint64(drawn[one & LOW32] >= steps[(one >> _S32) * _STEPS + number])
            n = m
        at[READ], at[SPEAKERS] = first + size, low + np.int64(k)
    at[WATCHED] += np.int64(law.calls) * TICK * able
    return bool(at[READ] == count)
