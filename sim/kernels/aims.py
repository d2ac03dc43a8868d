"""What a ring is about: at which rates an agent acts, and what it tries over which tie."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.kernels.jit import inlined
from sim.kernels.mix import uniform
from sim.kernels.rings import drawn
from sim.kernels.types import F64, I64, U8, U16, U32, U64, Number, Word

__all__ = [
    "Heard", "Rates", "aim", "contacts_of", "outcome_of", "rate_alone", "rate_of_ties", "weighed",
]  # fmt: skip

_ONE = np.uint64(1)
_CALLS = 2


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
    """Rules as :class:`sim.spread.rules.Table` has them, with rates in place of chances.

    ``bound`` (float64, a row as ``total``): the largest total that the speaker's state will ever
    find at a listener of that state, whatever becomes of the listener. ``spares`` (uint8, of each
    state): whether that is below the ceiling for some listeners.
    """

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
    bound: F64
    spares: U8


@inlined
def contacts_of(rows: U32, mode: I64, u: Number, s: Number) -> Number:
    """Return over how many ties agent ``u`` in state ``s`` speaks, or how many calls it makes."""
    if mode[s] == 0:
        return np.int64(0)
    many: Number = np.int64(rows[u, 1])
    return mode[s] - 3 if mode[s] > _CALLS and many > 0 else many


@inlined
def rate_of_ties(rows: U32, mode: I64, ceiling: F64, u: Number, s: Number) -> float:
    """Return at which rate agent ``u`` in state ``s`` tries its ties."""
    return float(contacts_of(rows, mode, u, s) * ceiling[s])


@inlined
def rate_alone(soff: I64, scum: F64, s: Number) -> float:
    """Return at which rate an agent in state ``s`` changes by itself."""
    last = soff[s + 1]
    return float(scum[last - 1]) if last > soff[s] else 0.0


@inlined
def outcome_of(first: Number, last: Number, cum: F64, share: float) -> int:
    """Return which outcome of ``first:last`` the share falls on, else -1."""
    for o in range(first, last):
        if share < cum[o]:
            return o
    return -1


@inlined
def weighed(
    trust: U16, off: I64, cum: F64, total: F64, trusted: U8, row: Number, e: Word, share: float
) -> int:
    """Return the outcome of a try over tie ``e``, -1 for none; ``share`` is below the ceiling."""
    if total[row] <= 0.0:
        return -1
    if trusted[row] and trust.size:
        if trust[e] == 0:
            return -1
        share = share / (trust[e] / 65535.0)
    return outcome_of(off[row], off[row + 1], cum, share)


@inlined
def aim(
    rows: U32, mode: I64, ceiling: F64, soff: I64, scum: F64, key: Word, u: Word, number: Word,
    s: Number,
) -> tuple[Number, float]:  # fmt: skip
    """Return what a ring is aimed at.

    Either (a tie of ``u``, a share in [0, ceiling)), or (-1, a share of the rate at which the state
    ``s`` is left without a contact).
    """
    ties = rate_of_ties(rows, mode, ceiling, u, s)
    alone = rate_alone(soff, scum, s)
    x = uniform(drawn(key, u, number + number + _ONE)) * (ties + alone)
    if x < alone or ties <= 0.0:
        return np.int64(-1), x
    length = np.int64(rows[u, 1])
    scaled = (x - alone) / ties * length
    place: Number = min(np.int64(scaled), length - 1)
    return np.int64(rows[u, 0]) + place, float((scaled - place) * ceiling[s])
