"""Messages that take time along a tie: the time at which each agent is first reached.

Times are integers in 2**-32 ticks (uint64), so that the order of additions does not matter.
``due`` holds the earliest known arrival at an agent, 0: none; ``by`` its sender, plus one.
Delays are addressed draws of the tie, made when the sender is reached: the result is that of
shortest paths over live ties, found tick by tick.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.arrays import F64, U32, U64
from sim.jit.claims import AHEAD, BATCH, BLOCK, FREE, approach, is_open, narrow, remix
from sim.jit.jit import kernel
from sim.jit.mix import uniform, word, word2
from sim.jit.sparse import VACANT, take_slot
from sim.jit.words import LOW32, ONE, ONE32, S32, ZERO, Number, Word
from sim.spread.continuous.events_kernels import ListenerRows

EXPONENTIAL, WEIBULL, ATTEMPTS = 0, 1, 2
"""The laws of a tie's delay: Exp(rate); Weibull(scale, shape); the first success of several
attempts, one per tick, by cumulative chances."""
TICK = 1 << 32
"""One tick."""

_FAR = np.uint64(0xFFFFFFFFFFFFFFFF)
_LONG = 2.0**61
_TICK = 4294967296.0


@kernel
def delay(share: float, law: int, scale: float, shape: float, below: F64) -> Word:
    """Return the delay (2**32 a tick, at least 1) of a draw in [0, 1), 0 for never.

    ``scale`` is in ticks; ``below``: the chance that one of the attempts up to each succeeded.
    """
    if law == ATTEMPTS:
        tries: Number = np.int64(1)
        for k in range(below.size):
            tries += share >= below[k]
        return np.uint64(tries) << S32 if tries <= below.size else ZERO
    wait = -np.log1p(-share)
    if law == WEIBULL:
        wait = wait ** (1.0 / shape)
    return np.uint64(min(wait * scale * _TICK, _LONG)) + ONE


class Passing(NamedTuple):
    """How ties pass a message on: with chance ``p``, after a :func:`delay`."""

    p: float
    law: int
    scale: float
    shape: float
    below: F64


class UnderWay(NamedTuple):
    """Pending arrivals: sparse columns ``due`` (uint64) and ``by`` (uint32)."""

    keys: U32
    due: U64
    by_keys: U32
    by: U32


@kernel
def send(
    heard: ListenerRows, speakers: U32, left_at: U64, lo: int, hi: int, key: Word, coins: U64,
    ties: Passing, now: Word, until: Word, end: Word, under_way: UnderWay, claim: U64, touched: U32,
    m: Number,
) -> Number:  # fmt: skip
    """Send the message over the ties of ``speakers[lo:hi]``, which were reached at ``left_at``.

    The tie's draw is ``word2(word(key, u), v)``, or given by ``coins`` unless empty; ``touched``
    lists agents whose arrival changed and is within this tick: these send again. ``claim`` is
    ``FREE`` outside a tick; ``under_way`` has room for more.
    """
    rows, targets, trust, p = heard.rows, heard.targets, heard.trust, ties.p
    fell = np.empty(BLOCK, np.uint8)
    batch = np.empty(BATCH + 1, np.uint64)
    drawn = np.empty(BATCH, np.uint64)
    time = np.empty(BATCH, np.uint64)
    n: Number = np.int64(0)
    under = p / 65535.0 if trust.size else p
    for i in range(lo, hi):
        if (i - lo) % AHEAD == 0:
            batch[BATCH] = approach(rows, targets, speakers, i, min(i + AHEAD, hi))
        u = speakers[i]
        start = np.int64(rows[u, 0])
        length: Number = np.int64(rows[u, 1])
        key_u = word(key, int(u))
        for first in range(0, length, BLOCK):
            size = min(length - first, BLOCK)
            whom = targets[start + first : start + first + size]
            if coins.size:
                for j in range(size):
                    weight = trust[start + first + j] if trust.size else np.uint16(1)
                    fell[j] = uniform(coins[start + first + j]) < under * weight
            elif trust.size:
                share = trust[start + first : start + first + size]
                for j in range(size):
                    fell[j] = uniform(word2(key_u, int(whom[j]))) < under * share[j]
            else:
                for j in range(size):
                    fell[j] = uniform(word2(key_u, int(whom[j]))) < under
            n = narrow(fell, size, i, first, batch, n)
            if n > BATCH - BLOCK:
                n = _toss(heard, speakers, key, coins, batch, drawn, n)
                _time(left_at, batch, drawn, time, n, ties)
                m = _arrive(
                    speakers, batch, drawn, time, n, now, until, end, under_way, claim, touched, m
                )
                n = np.int64(0)
    n = _toss(heard, speakers, key, coins, batch, drawn, n)
    _time(left_at, batch, drawn, time, n, ties)
    return _arrive(speakers, batch, drawn, time, n, now, until, end, under_way, claim, touched, m)


@kernel
def _toss(
    heard: ListenerRows, speakers: U32, key: Word, coins: U64, batch: U64, drawn: U64, n: Number
) -> Number:
    """Turn (speaker's index, place) of ``batch[:n]`` into (index, listener) for open listeners.

    Writes the ties' draws into ``drawn``; returns how many contacts are left.
    """
    rows, targets, closed = heard.rows, heard.targets, heard.closed
    k: Number = np.int64(0)
    for j in range(n):
        u = speakers[batch[j] >> S32]
        place = np.uint64(rows[u, 0]) + (batch[j] & LOW32)
        v = np.uint64(targets[place])
        batch[k] = ((batch[j] >> S32) << S32) | v
        drawn[k] = coins[place] if coins.size else word2(word(key, int(u)), int(v))
        k += is_open(closed, v)
    return k


@kernel
def _time(left_at: U64, batch: U64, drawn: U64, time: U64, n: Number, ties: Passing) -> None:
    """Write the arrival time of each message of a batch, 0 for never."""
    law, scale, shape, below = ties.law, ties.scale, ties.shape, ties.below
    for j in range(n):
        wait = delay(uniform(remix(drawn[j])), law, scale, shape, below)
        time[j] = left_at[batch[j] >> S32] + wait if wait > ZERO else ZERO


@kernel
def _arrive(
    speakers: U32, batch: U64, drawn: U64, time: U64, n: Number, now: Word, until: Word, end: Word,
    under_way: UnderWay, claim: U64, touched: U32, m: Number,
) -> Number:  # fmt: skip
    """Lower the arrival times of a batch; list agents whose time changed and is in this tick."""
    keys, due, by_keys, by = under_way
    k: Number = np.int64(0)
    for j in range(n):
        at = take_slot(keys, batch[j] & LOW32)
        better = (due[at] <= now) | (time[j] <= due[at])
        batch[k] = batch[j]
        time[k] = time[j]
        drawn[k] = at
        k += better & (time[j] > now) & (time[j] <= end)
    for j in range(k):
        v = batch[j] & LOW32
        mine = speakers[batch[j] >> S32] + ONE32
        at = drawn[j]
        known: Number = due[at] if due[at] > now else _FAR
        place = take_slot(by_keys, v)
        if known < time[j] or (known == time[j] and by[place] <= mine):
            continue
        due[at] = time[j]
        by[place] = mine
        if time[j] <= until and claim[v] == FREE:
            claim[v] = ZERO
            touched[m] = np.uint32(v)
            m += 1
    return m


@kernel
def due_between(
    keys: U32, due: U64, closed: U64, now: Word, until: Word, out: U32
) -> tuple[Number, Number]:
    """List in ``out`` (uint32) the open agents due after ``now`` and not after ``until``.

    Returns their number, and the number due later.
    """
    m: Number = np.int64(0)
    later: Number = np.int64(0)
    if keys.size == 0:
        for first in range(0, due.size, 64):
            word_of = closed[first >> 6]
            if word_of == _FAR:  # all of these are closed
                continue
            block = due[first : min(first + 64, due.size)]
            soon, late = ZERO, ZERO
            for j in range(block.size):
                apart = ~(word_of >> np.uint64(j)) & ONE
                late += np.uint64(block[j] > until) & apart
                soon += np.uint64(block[j] > now) & apart
            later += np.int64(late)
            if soon == late:
                continue
            for j in range(block.size):
                if now < block[j] <= until and (word_of >> np.uint64(j)) & ONE == ZERO:
                    out[m] = np.uint32(first + j)
                    m += 1
        return m, later
    for i in range(due.size):
        if due[i] > now and keys[i] != VACANT and is_open(closed, np.uint64(keys[i])):
            if due[i] <= until:
                out[m] = keys[i]
                m += 1
            else:
                later += 1
    return m, later


@kernel
def roots(reached: U32, sources: U32, claim: U64, out: U32) -> None:
    """Write for each agent reached in a tick the last sender on its path from before the tick.

    ``claim`` is ``FREE`` before and after; ``sources`` change; chains of senders must end.
    """
    for i in range(reached.size):
        claim[reached[i]] = np.uint64(i)
    for i in range(reached.size):
        top = sources[i]
        while claim[top] != FREE:
            top = sources[claim[top]]
        out[i] = top
        step = np.uint64(i)
        while sources[step] != top:  # path compression
            following = claim[sources[step]]
            sources[step] = top
            step = following
    for i in range(reached.size):
        claim[reached[i]] = FREE
