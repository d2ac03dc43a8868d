"""What a tick of calls leaves: who adopted, by agent, and who speaks from now on."""

from __future__ import annotations

import numpy as np

from sim.arrays import F64, I64, U8, U32, U64
from sim.jit.jit import lean
from sim.jit.prefetch import ahead
from sim.jit.types import Number
from sim.jit.words import LOW32, S32
from sim.spread.compartments.single_contact_passing_kernels import lost
from sim.spread.continuous.epochs_kernels import CODE, GRAIN
from sim.spread.continuous.single_contact_kernels import NEW, TURNS, WINS, CallRules

DIGIT = 10
"""Bits of an agent's number that one pass orders by."""

_LAST = np.uint64((1 << DIGIT) - 1)
_CODE = np.uint64(0x3F)
_FAR = 32


@lean
def count_states(law: CallRules, hits: I64, tally: I64) -> None:
    """Keep the tally: what each outcome did, as often as it fell."""
    states = law.speaks.size
    for row in range(law.sure.size):
        for o in range(law.off[row], law.off[row + 1]):
            effect = law.effect[o]
            if effect & WINS:
                tally[row % states] -= hits[o]
                tally[(effect >> NEW) & _CODE] += hits[o]
            if effect & TURNS:
                tally[row // states] -= hits[o]
                tally[effect & _CODE] += hits[o]


@lean
def by_digit(
    won: U64, moments: U64, count: int, into: U64, moments_into: U64, shift: int, start: I64
) -> None:
    """Write ``won[:count]`` and ``moments[:count]`` (uint64) into others, in order of some bits.

    Stable; of the words of ``won`` the ``DIGIT`` bits from ``shift`` on count. ``start``: int64,
    scratch of 2**DIGIT.
    """
    by = np.uint64(shift)
    start[:] = 0
    for i in range(count):
        start[(won[i] >> by) & _LAST] += 1
    before: Number = np.int64(0)
    for digit in range(start.size):
        here = start[digit]
        start[digit] = before
        before += here
    for i in range(count):
        digit = (won[i] >> by) & _LAST
        to = start[digit]
        into[to] = won[i]
        moments_into[to] = moments[i]
        start[digit] = to + 1


@lean
def write_down(
    won: U64, moments: U64, fresh: int, began: float, calls: int, rows: U32, state: U8, speaks: U8,
    adopted: U32, sources: U32, times: F64, who: U32, start: U32, length: U32, count: int,
) -> tuple[Number, Number]:  # fmt: skip
    """Write first adoptions down, and who of them speaks behind ``who[:count]``, with its row.

    Parameters
    ----------
    won, moments, fresh
        uint64, ascending: who adopts ``<< 32 | `` from whom, in grains; how many.
    began
        The moment at which the tick began, in ticks.
    calls
        How many a speaker makes.
    rows, state, speaks
        uint32 (n, 2); uint8 (n,); uint8, of every state.
    adopted, sources, times
        uint32 (fresh,), uint32 (fresh,), float64 (n,): of each agent.
    who, start, length, count
        uint32, room for ``fresh + 1`` more.

    Returns
    -------
    (how many speak, 2**20 times the calls that adopters make for a tick)
    """
    watched: Number = np.int64(0)
    for i in range(fresh):
        later = np.int64(won[min(i + _FAR, fresh - 1)] >> S32)
        ahead(rows, later << 1)
        ahead(times, later)
        ahead(state, later)
        v = won[i] >> S32
        when = float(np.int64(moments[i])) * GRAIN
        adopted[i] = np.uint32(v)
        sources[i] = np.uint32(won[i] & LOW32)
        times[v] = began + when
        row, many = rows[v, 0], rows[v, 1]
        watched += np.int64(lost(calls, moments[i])) * np.int64(many > 0)
        who[count], start[count], length[count] = np.uint32(v), row, many
        count += speaks[state[v] & CODE] > 0
    return count, watched
