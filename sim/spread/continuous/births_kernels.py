"""Which lives agents are in within a tick, and who is live when it ends.

``claim`` holds the number of an agent's life where that is over 1, less 2; most agents are in their
first or second one, and a bit (``born``) tells which.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.arrays import F64, U8, U32, U64
from sim.jit.claims import FREE
from sim.jit.jit import inlined, kernel, lean
from sim.jit.sparse import slot
from sim.jit.types import Word
from sim.jit.words import ONE, TWO, ZERO
from sim.spread.continuous.calendar_kernels import AGAIN, TOUCHED, Calendar
from sim.spread.continuous.epochs_kernels import CODE, LOW32
from sim.spread.continuous.rates_kernels import LOW, RESTLESS

_S64 = np.uint64(64)
_DIGITS = 2048
_LAST, _S11, _S32 = np.uint64(_DIGITS - 1), np.uint64(11), np.uint64(32)
_S6, _M63 = np.uint64(6), np.uint64(63)


class NewLives(NamedTuple):
    """Who began which life in a tick.

    ``claim`` uint64 (n,), ``FREE`` for agents that began no second life; ``touched`` uint32
    (n + 1,): those that began a first one; ``again`` uint32 (n,): those that began a second one.
    """

    claim: U64
    touched: U32
    again: U32


@inlined
def is_born(born: U64, u: Word) -> Word:
    """Return 1 where the first life of agent ``u`` is over, else 0."""
    return np.uint64((born[u >> _S6] >> (u & _M63)) & ONE)


@inlined
def life_of(claim: U64, born: U64, u: Word) -> Word:
    """Return in which of its lives an agent is; most bits of ``born`` say: in its first one."""
    if is_born(born, u):
        return np.uint64((claim[u] + TWO) & LOW32)
    return ZERO


@inlined
def reborn(births: NewLives, calendar: Calendar, v: Word) -> None:
    """Begin a new life of agent ``v``."""
    at, claim = calendar.at, births.claim
    if not is_born(calendar.born, v):
        calendar.born[v >> _S6] |= ONE << (v & _M63)
        births.touched[at[TOUCHED]] = np.uint32(v)
        at[TOUCHED] += 1
        return
    life = (claim[v] + TWO) & LOW32
    if life == ONE:
        births.again[at[AGAIN]] = np.uint32(v)
        at[AGAIN] += 1
    claim[v] = life - ONE


@lean
def map_low(state: U8, marks: U8, low: U64) -> None:
    """Write down who of all agents, in state ``state`` (uint8), is in a ``LOW`` one."""
    for w in range(low.size):
        first, bits = np.uint64(w) << _S6, ZERO
        for i in range(min(_S64, np.uint64(state.size) - first)):
            bits |= np.uint64(marks[state[first + i] & CODE] & LOW) << i
        low[w] = bits


@lean
def still_live(
    live: U32, count: int, touched: U32, m: int, again: U32, more: int, keys: U32, state: U8,
    claim: U64, marks: U8, born: U64,
) -> tuple[int, int]:  # fmt: skip
    """Free the claims of ``again[:more]``; sort out who is live now.

    Agents of ``live`` that are live still stay there (their number is returned first); of
    ``touched[:m]``, ascending as well, others that are live now take the first places (second).
    ``born`` is cleared.
    """
    for i in range(more):
        claim[again[i]] = FREE
    roused = i = 0
    for k in range(m):
        v = np.uint64(touched[k])
        born[v >> _S6] = ZERO
        while i < count and live[i] < v:
            i += 1
        was_live = i < count and live[i] == v
        touched[roused] = np.uint32(v)
        roused += (marks[state[slot(keys, v)] & CODE] & RESTLESS) > 0 and not was_live
    kept = 0
    for i in range(count):
        u = live[i]
        live[kept] = u
        kept += (marks[state[slot(keys, np.uint64(u))] & CODE] & RESTLESS) > 0
    return kept, roused


@kernel
def by_agent(agents: U32, sources: U32, times: F64, count: int, words: U64, into: U32) -> F64:
    """Sort the first ``count`` of what was found by agent, in place; returns the times, sorted.

    By digits of the agents' numbers, which carry their places along. ``sources`` are written into
    ``into`` (uint32, ``count``); ``words`` (uint64) has room for twice as many.
    """
    largest = ZERO
    for i in range(count):
        words[i] = (np.uint64(agents[i]) << _S32) | np.uint64(i)
        largest = max(largest, np.uint64(agents[i]))
    here, there, shift = 0, count, _S32
    start = np.empty(_DIGITS, np.int64)
    while largest >> (shift - _S32):
        start[:] = 0
        for i in range(here, here + count):
            start[(words[i] >> shift) & _LAST] += 1
        before = there
        for digit in range(_DIGITS):
            many = start[digit]
            start[digit] = before
            before += many
        for i in range(here, here + count):
            digit = (words[i] >> shift) & _LAST
            words[start[digit]] = words[i]
            start[digit] += 1
        here, there, shift = there, here, shift + _S11
    sorted_times = np.empty(count, np.float64)
    for i in range(count):
        agents[i] = np.uint32(words[here + i] >> _S32)
        place = words[here + i] & LOW32
        into[i] = sources[place]
        sorted_times[i] = times[place]
    return sorted_times
