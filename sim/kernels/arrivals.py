"""Messages that take time along a tie: when each agent is reached first.

Times are whole numbers of 2**-32 ticks (uint64), so that the order of additions does not matter.
``due`` holds the earliest arrival known for an agent, 0: none; ``by`` who sends it, plus one.
Delays are addressed draws of the tie, made when the sender is reached: the result is that of
shortest paths over live ties, found tick by tick.
"""

from __future__ import annotations

import numpy as np

from sim.kernels.claims import AHEAD, BATCH, FREE, approach, is_open, remix
from sim.kernels.jit import kernel
from sim.kernels.mix import uniform, word, word2
from sim.kernels.sparse import VACANT, take_slot
from sim.kernels.types import F64, U16, U32, U64, Number, Word

__all__ = ["ATTEMPTS", "EXPONENTIAL", "TICK", "WEIBULL", "delay", "due_between", "send"]

EXPONENTIAL, WEIBULL, ATTEMPTS = 0, 1, 2
"""How long a tie takes: Exp(rate); Weibull(scale, shape); the first of several attempts that
succeeds, one a tick, by their cumulated chances."""
TICK = 1 << 32
"""One tick."""

_S32 = np.uint64(32)
_LOW32 = np.uint64(0xFFFFFFFF)
_ZERO = np.uint64(0)
_ONE = np.uint64(1)
_FREE = FREE
_LONG = 2.0**61
_TICK = 4294967296.0


@kernel
def delay(share: float, law: int, scale: float, shape: float, below: F64) -> Word:
    """Return the delay (uint64, at least 1) of a draw in [0, 1), 0 for never.

    Parameters
    ----------
    share
        The draw.
    law
        :data:`EXPONENTIAL` of mean ``scale`` ticks, :data:`WEIBULL` of that scale with ``shape``,
        or :data:`ATTEMPTS`.
    scale, shape
        In ticks; a pure number.
    below
        float64, the chance that attempts 1, 2, ... up to each have succeeded.
    """
    if law == ATTEMPTS:
        for k in range(below.size):
            if share < below[k]:
                return np.uint64(k + 1) << _S32
        return _ZERO
    wait = -np.log1p(-share)
    if law == WEIBULL:
        wait = wait ** (1.0 / shape)
    return np.uint64(min(wait * scale * _TICK, _LONG)) + _ONE


@kernel
def send(
    rows: U32,
    targets: U32,
    trust: U16,
    speakers: U32,
    left_at: U64,
    lo: int,
    hi: int,
    key: Word,
    coins: U64,
    p: float,
    law: int,
    scale: float,
    shape: float,
    below: F64,
    now: Word,
    until: Word,
    end: Word,
    closed: U64,
    keys: U32,
    due: U64,
    by_keys: U32,
    by: U32,
    claim: U64,
    touched: U32,
    m: Number,
) -> Number:
    """Send the message over the ties of ``speakers[lo:hi]``, who were reached at ``left_at``.

    Parameters
    ----------
    rows, targets, trust
        The network; ``trust`` uint16 (ties,) multiplies ``p``, or is empty.
    speakers, left_at
        uint32 and their times, uint64.
    key, coins
        The tie's draw is ``word2(word(key, u), v)``, or given (uint64 (ties,)).
    p
        The chance that a tie passes the message on at all.
    law, scale, shape, below
        As :func:`delay` takes them, by a second word of the tie's draw.
    now, until, end
        The start and end of this tick, and the horizon: later arrivals are dropped.
    closed
        uint64 bitmap of agents that cannot be reached.
    keys, due, by_keys, by
        Sparse columns, with room.
    claim, touched, m
        Marks, ``FREE`` outside a tick, and the list (uint32) of agents whose arrival moved and
        falls into this tick: these send anew.

    Returns
    -------
    int
        How many are listed.
    """
    batch = np.empty(BATCH + 1, np.uint64)
    drawn = np.empty(BATCH + 1, np.uint64)
    start = np.empty(BATCH + 1, np.uint64)
    n: Number = np.int64(0)
    chance = p
    for i in range(lo, hi):
        if (i - lo) % AHEAD == 0:
            batch[BATCH] = approach(rows, targets, speakers, i, min(i + AHEAD, hi))
        u = np.uint64(speakers[i])
        key_u = word(key, int(u))
        at = np.int64(rows[u, 0])
        stop = at + np.int64(rows[u, 1])
        while at < stop:
            last = min(stop, at + BATCH - n)
            for e in range(at, last):
                v = np.uint64(targets[e])
                bits = coins[e] if coins.size else word2(key_u, int(v))
                if trust.size:
                    chance = p * (trust[e] / 65535.0)
                batch[n] = (u << _S32) | v
                drawn[n] = bits
                start[n] = left_at[i]
                n += (uniform(bits) < chance) & is_open(closed, v)
            at = last
            if n == BATCH:
                m = _arrive(
                    batch, drawn, start, n, law, scale, shape, below, now, until, end, keys, due,
                    by_keys, by, claim, touched, m,
                )  # fmt: skip
                n = np.int64(0)
    return _arrive(
        batch, drawn, start, n, law, scale, shape, below, now, until, end, keys, due, by_keys, by,
        claim, touched, m,
    )  # fmt: skip


@kernel
def _arrive(
    batch: U64,
    drawn: U64,
    start: U64,
    n: Number,
    law: int,
    scale: float,
    shape: float,
    below: F64,
    now: Word,
    until: Word,
    end: Word,
    keys: U32,
    due: U64,
    by_keys: U32,
    by: U32,
    claim: U64,
    touched: U32,
    m: Number,
) -> Number:
    """Lower the arrivals of a batch; list those that moved and fall into this tick."""
    k: Number = np.int64(0)
    for j in range(n):
        wait = delay(uniform(remix(drawn[j])), law, scale, shape, below)
        batch[k] = batch[j]
        start[k] = start[j] + wait
        k += wait > _ZERO and start[k] <= end
    for j in range(k):
        v = batch[j] & _LOW32
        mine = np.uint32(batch[j] >> _S32) + np.uint32(1)
        at = take_slot(keys, v)
        known = due[at]
        time = start[j]
        if known > now and known < time:
            continue
        place = take_slot(by_keys, v)
        if known == time and by[place] <= mine:
            continue
        due[at] = time
        by[place] = mine
        if time <= until and claim[v] == _FREE:
            claim[v] = _ZERO
            touched[m] = np.uint32(v)
            m += 1
    return m


@kernel
def due_between(
    keys: U32, due: U64, closed: U64, now: Word, until: Word, out: U32
) -> tuple[Number, Number]:
    """List in ``out`` (uint32) the open agents due after ``now`` and not after ``until``.

    Returns how many, and how many are due later.
    """
    m: Number = np.int64(0)
    later: Number = np.int64(0)
    for i in range(due.size):
        if due[i] > now and not (keys.size and keys[i] == VACANT):
            v = np.uint64(keys[i]) if keys.size else np.uint64(i)
            if is_open(closed, v):
                if due[i] <= until:
                    out[m] = np.uint32(v)
                    m += 1
                else:
                    later += 1
    return m, later
