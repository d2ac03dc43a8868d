"""Linear thresholds: integer weights are summed, so results do not depend on the order.

``left`` holds, for each agent that heard anything, the missing weight plus one; 0 means that
it heard nothing yet, 1 that its threshold is reached. Thresholds are addressed draws. Either they
are set when the agent first hears something (:func:`hear`): contacts pass in batches through short
branch-free loops, as in :mod:`sim.jit.claims`. Or, after many contacts, for all agents at once
(:func:`fill`), in memory order and several at a time; a tie of weight 1 then decrements one
small number, and nothing else is read until a threshold is reached (:func:`count_down`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.arrays import F64, I64, U16, U32, U64
from sim.jit.claims import AHEAD, BATCH, approach, is_open
from sim.jit.jit import kernel
from sim.jit.mix import uniform, word
from sim.jit.sparse import take_slots
from sim.jit.words import LOW32, S32, Number, Word


class Thresholds(NamedTuple):
    """Thresholds of agents, in [0, 1].

    Equal for all if ``theta >= 0``; else ``given`` (float64 (n,)) or, if that is empty, a
    uniform draw addressed by the agent under ``key``.
    """

    key: Word
    given: F64
    theta: float


@kernel
def hear(
    rows: U32, targets: U32, trust: U16, total: Any, speakers: U32, lo: int, hi: int,
    thresholds: Thresholds, closed: U64, keys: U32, left: Any, claim: U64, touched: U32, m: Number,
) -> Number:  # fmt: skip
    """Add the weight of ``speakers[lo:hi]`` to the sums of their listeners; crossing agents claim.

    ``left`` is the missing weight plus one; ``trust`` empty: 1 each; ``speakers`` ascend. Returns
    how many have crossed; the slot of ``touched`` after the last is overwritten.
    """
    batch = np.empty(BATCH + 1, np.uint64)
    added = np.empty(BATCH + 1, np.int64)
    heard = np.empty(BATCH, np.uint32)
    places = np.empty(BATCH, np.uint64)
    marked = np.empty(BATCH + 1, np.int64)
    n: Number = np.int64(0)
    for i in range(lo, hi):
        if (i - lo) % AHEAD == 0:
            batch[BATCH] = approach(rows, targets, speakers, i, min(i + AHEAD, hi))
        u = np.uint64(speakers[i])
        at = np.int64(rows[u, 0])
        stop = at + np.int64(rows[u, 1])
        while at < stop:
            last = min(stop, at + BATCH - n)
            for e in range(at, last):
                v = np.uint64(targets[e])
                batch[n] = (u << S32) | v
                added[n] = np.int64(trust[e]) if trust.size else np.int64(1)
                n += is_open(closed, v)
            at = last
            if n == BATCH:
                _first(batch, n, total, thresholds, keys, left, heard, places, marked)
                m = _add(batch, added, n, left, places, marked, claim, touched, m)
                n = np.int64(0)
    _first(batch, n, total, thresholds, keys, left, heard, places, marked)
    return _add(batch, added, n, left, places, marked, claim, touched, m)


@kernel
def fill(total: Any, thresholds: Thresholds, left: Any) -> None:
    """Set the missing weight of all agents that heard nothing yet, as :func:`hear` does.

    ``left`` is a dense column; the rest as in :func:`hear`.
    """
    key, given, theta = thresholds
    for v in range(left.size):
        share = theta
        if theta < 0.0:
            share = given[v] if given.size else uniform(word(key, v))
        need = 1 + np.int64(max(1.0, np.ceil(share * np.float64(total[v]) - 1e-9)))
        left[v] = left[v] or need


@kernel
def count_down(
    rows: U32, targets: U32, speakers: U32, lo: int, hi: int, closed: U64, left: Any, claim: U64,
    touched: U32, m: Number,
) -> Number:  # fmt: skip
    """As :func:`hear` if every tie has weight 1 and ``left`` is dense and filled.

    Agents that are ``closed`` are counted too, but do not claim: so they are checked only then.
    """
    for i in range(lo, hi):
        if (i - lo) % AHEAD == 0:
            seen = approach(rows, targets, speakers, i, min(i + AHEAD, hi))
            touched[touched.size - 1] = np.uint32(seen & LOW32)
        u = np.uint64(speakers[i])
        start = np.int64(rows[u, 0])
        crossed = m
        for e in range(start, start + np.int64(rows[u, 1])):
            v = np.uint64(targets[e])
            missing = np.int64(left[v])
            left[v] = missing - (missing > 1)
            touched[crossed] = targets[e]
            crossed += missing == 2
        for k in range(m, crossed):
            v = np.uint64(touched[k])
            touched[m] = touched[k]
            if is_open(closed, v):
                claim[v] = u
                m += 1
    return m


@kernel
def _first(
    batch: U64, n: Number, total: Any, thresholds: Thresholds, keys: U32, left: Any, heard: U32,
    places: U64, marked: I64,
) -> None:  # fmt: skip
    """Find the listeners' slots; set the missing weight of those that hear something first.

    It is ceil(threshold * total), at least 1.
    """
    key, given, theta = thresholds
    for j in range(n):
        heard[j] = np.uint32(batch[j] & LOW32)
    take_slots(keys, heard[:n], places)
    new = np.int64(0)
    for j in range(n):
        marked[new] = j
        new += left[places[j]] == 0
    for k in range(new):
        j = marked[k]
        v = heard[j]
        share = theta
        if theta < 0.0:
            share = given[v] if given.size else uniform(word(key, v))
        left[places[j]] = 1 + np.int64(max(1.0, np.ceil(share * np.float64(total[v]) - 1e-9)))


@kernel
def _add(
    batch: U64, added: I64, n: Number, left: Any, places: U64, marked: I64, claim: U64, touched:
    U32, m: Number,
) -> Number:  # fmt: skip
    """Add a batch to the sums; agents that cross claim for the source that tipped them."""
    crossed = np.int64(0)
    for j in range(n):
        missing = np.int64(left[places[j]])
        after = max(missing - added[j], np.int64(1))
        left[places[j]] = after
        marked[crossed] = j
        crossed += missing > 1 and after == 1
    for k in range(crossed):
        v = batch[marked[k]] & LOW32
        claim[v] = batch[marked[k]] >> S32
        touched[m] = np.uint32(v)
        m += 1
    return m


@kernel
def in_trust(rows: U32, targets: U32, trust: U16, total: I64) -> None:
    """Add the trust of every tie to its listener's ``total`` (int64 (n,))."""
    for u in range(rows.shape[0]):
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            total[targets[e]] += np.int64(trust[e])
