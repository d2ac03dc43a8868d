"""Trust that changes with outcomes, and reputation that flows along trust.

Reputation is EigenTrust (Kamvar, Schlosser & Garcia-Molina, WWW 2003): each agent passes on its
reputation to those it follows, in proportion to its trust in them, and a part always
returns to the pre-trusted agents.
"""

from __future__ import annotations

import numpy as np

from sim.arrays import F32, F64, I8, I64, U8, U16, U32
from sim.jit.jit import inlined, kernel
from sim.jit.prefetch import ahead
from sim.jit.words import Number

Shares = F64 | F32
_FULL = np.int64(65535)
_SOON = 12
"""Prefetch distance, in outcomes; twice that in ties."""


@kernel
def learn(
    rows: U32, ids: U32, trust: U16, sources: U32, targets: U32, good: U8, gain: int, loss: int,
    found: U8,
) -> None:  # fmt: skip
    """Update the trust of ties by outcomes, one after the other.

    A good outcome moves trust by ``gain`` / 65535 of its distance to 1, a bad one by ``loss`` /
    65535 of its distance to 0; in integers, so both directions of a tie get the same value. A step
    changes trust by at least 1 / 65535 unless it is already at the end.

    Parameters
    ----------
    rows, ids, trust
        As in :mod:`sim.network.graph.slab_kernels`; ``trust`` is written.
    sources, targets, good
        uint32 (k,), uint32 (k,), uint8 (k,): outcome 1 or 0 for the tie of a row and an id.
    gain, loss
        In 1/65535.
    found
        uint8 (k,): written, 1 where the tie exists.
    """
    for i in range(sources.size):
        _fetch(rows, ids, trust, sources, i)
        start = np.int64(rows[sources[i], 0])
        low, high = start, start + np.int64(rows[sources[i], 1])
        stop = high
        while low < high:
            middle = (low + high) // 2
            if ids[middle] < targets[i]:
                low = middle + 1
            else:
                high = middle
        found[i] = low < stop and ids[low] == targets[i]
        if found[i]:
            now = np.int64(trust[low])
            if good[i]:
                now += ((_FULL - now) * gain + _FULL - 1) // _FULL
            else:
                now -= (now * loss + _FULL - 1) // _FULL
            trust[low] = np.uint16(now)


@inlined
def _fetch(rows: U32, ids: U32, trust: U16, sources: U32, i: Number) -> None:
    """Prefetch data for later outcomes: first their rows, then the contents of these."""
    later, soon = i + 2 * _SOON, i + _SOON
    if later < sources.size:
        ahead(rows, 2 * np.int64(sources[later]))
    if soon < sources.size:
        start = np.int64(rows[sources[soon], 0])
        length = np.int64(rows[sources[soon], 1])
        ahead(ids, start)
        ahead(ids, start + length // 2)
        ahead(ids, start + length - 1)
        ahead(trust, start + length // 2)


@kernel
def given_trust(rows: U32, ids: U32, trust: U16, sign: I8, total: I64) -> None:
    """Add the trust (in 1/65535) that each agent gives those it follows to ``total`` int64 (n,).

    ``trust`` and ``sign`` may be (0,): all 1.0, all positive. A tie of negative sign gives none.
    """
    for u in range(rows.shape[0]):
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            if sign.size == 0 or sign[e] > 0:
                total[ids[e]] += np.int64(trust[e]) if trust.size else _FULL


@kernel
def flow(
    rows: U32, ids: U32, trust: U16, sign: I8, base: F64, passed: F64, begin: int, end: int,
    rank: F64, share: Shares, after: Shares,
) -> float:  # fmt: skip
    """Update the agents ``begin`` to ``end - 1``; return the sum of absolute changes.

    Parameters
    ----------
    rows, ids, trust, sign
        The listeners of each agent, and their trust in it.
    base
        float64 (n,): the part that comes from prior trust.
    passed
        float64 (n,): the share of its reputation that an agent passes on per unit of trust given.
    rank
        float64 (n,): reputation; updated.
    share, after
        float32 or float64 (n,): what each agent passes on per unit of trust, before and after;
        only ``after`` is written, so that parts may run at once and their order does not matter.
    """
    change, last = 0.0, ids.size - 1
    for u in range(begin, end):
        total = base[u]
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            ahead(share, ids[min(e + 2 * _SOON, last)])
            if sign.size == 0 or sign[e] > 0:
                weight = np.float64(trust[e]) if trust.size else 65535.0
                total += np.float64(share[ids[e]]) * weight
        change += abs(total - rank[u])
        rank[u] = total
        after[u] = total * passed[u]
    return change


@kernel
def foretell(raters: U32, rated: U32, good: U8, received: F64, given: F64, out: F64) -> None:
    """Predict for each outcome, in order, the probability that it is good; then learn from it.

    Parameters
    ----------
    raters, rated, good
        uint32 (k,), uint32 (k,), uint8 (k,).
    received, given
        float64 (n, 2): bad and good outcomes so far, by rated agent and by rater; updated.
    out
        float64 (k,): written, in (0, 1).
    """
    for i in range(raters.size):
        u, v = raters[i], rated[i]
        odds = (received[v, 1] + 1.0) / (received[v, 0] + 1.0)
        odds *= (given[u, 1] + 1.0) / (given[u, 0] + 1.0)
        out[i] = odds / (1.0 + odds)
        received[v, good[i]] += 1.0
        given[u, good[i]] += 1.0
