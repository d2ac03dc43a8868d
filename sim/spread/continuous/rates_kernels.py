"""What a ring is about: at which rates an agent acts, and what comes of a try."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.arrays import F64, I64, U8, U16, U32, U64
from sim.jit.jit import inlined
from sim.jit.types import Number, Word
from sim.jit.words import ZERO

LOW, STEADY, RESTLESS, PARTING = np.uint8(1), np.uint8(2), np.uint8(4), np.uint8(8)
"""Marks of a state, see :class:`Rates`."""

_CALLS = 2
_MOST_RINGS = 127
_INVERSE = np.array([0.0, *(1.0 / k for k in range(1, _MOST_RINGS + 1))])
_FULL = np.uint64(65535)


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
    while draw >= below and n < _MOST_RINGS:
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
        trust = _FULL
        if rates.trusted[row]:
            trust = np.uint64(heard.trust[np.uint64(heard.rows[u, 0]) + place])
        for k in range(rates.edge.shape[1]):
            o += np.uint64(share * _FULL >= rates.edge[row, k] * trust)
    else:
        for k in range(rates.edge.shape[1]):
            o += np.uint64(share >= rates.edge[row, k])
    return o
