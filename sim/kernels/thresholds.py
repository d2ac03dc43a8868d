"""Linear thresholds: integer weights are added up, so a result never depends on the order.

``left`` holds, for each agent that heard anything, the weight still missing plus one; 0 means that
it heard nothing yet, 1 that its threshold is reached. Thresholds are addressed draws, made at the
first hearing.
"""

from __future__ import annotations

import numpy as np

from sim.kernels.jit import kernel
from sim.kernels.mix import uniform, word
from sim.kernels.types import F64, I32, I64, U16, U32, U64, Number, Word

__all__ = ["hear_count", "hear_trust", "in_trust"]

_S6 = np.uint32(6)
_M63 = np.uint32(63)
_ONE = np.uint64(1)


@kernel
def _need(key: Word, given: F64, theta: float, v: Number, total: float) -> Number:
    """Return the weight that convinces ``v``: ceil(threshold * total), at least 1."""
    if theta >= 0.0:
        share = theta
    elif given.size:
        share = float(given[v])
    else:
        share = uniform(word(key, v))
    return np.int64(max(1.0, np.ceil(share * total - 1e-9)))


@kernel
def _is_open(done: U64, v: Number) -> bool:
    return bool((done[v >> _S6] >> np.uint64(v & _M63)) & _ONE == np.uint64(0))


@kernel
def hear_count(
    rows: U32,
    targets: U32,
    degree: U32,
    speakers: U32,
    lo: int,
    hi: int,
    key: Word,
    given: F64,
    theta: float,
    done: U64,
    left: I32,
    touched: U32,
    sources: U32,
    m: int,
) -> int:
    """Add one speaker to the count of every listener of ``speakers[lo:hi]``; list who crosses.

    Parameters
    ----------
    rows, targets
        The network: uint32 (n, 2), uint32 (m,).
    degree
        uint32 (n,), how many sources each agent hears: the whole that its threshold is a share of.
    speakers, lo, hi
        uint32 new adopters in ascending order, and the part of this call.
    key, given, theta
        Thresholds: the same for all when ``theta >= 0``; else ``given`` (float64 (n,)) or, when
        that is empty, a uniform draw addressed by the agent under ``key``.
    done
        uint64 bitmap of agents that are closed to the message.
    left
        int32 (n,), the speakers still missing plus one.
    touched, sources, m
        uint32 lists of who crossed its threshold and whose word tipped it, and their number.

    Returns
    -------
    int
        How many crossed so far. A count only grows, so each agent crosses once.
    """
    for i in range(lo, hi):
        u = speakers[i]
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            v = targets[e]
            missing = left[v]
            if missing == 1:
                continue
            if missing == 0:
                missing = np.int32(_need(key, given, theta, v, np.float64(degree[v])) + 1)
            missing -= np.int32(1)
            left[v] = missing
            if missing == 1 and _is_open(done, v):
                touched[m] = v
                sources[m] = u
                m += 1
    return m


@kernel
def hear_trust(
    rows: U32,
    targets: U32,
    trust: U16,
    total: I64,
    speakers: U32,
    lo: int,
    hi: int,
    key: Word,
    given: F64,
    theta: float,
    done: U64,
    left: I64,
    touched: U32,
    sources: U32,
    m: int,
) -> int:
    """As :func:`hear_count`, adding each tie's trust (uint16) towards ``total`` (int64 (n,)).

    ``left`` is int64 (n,).
    """
    for i in range(lo, hi):
        u = speakers[i]
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            v = targets[e]
            missing = left[v]
            if missing == 1:
                continue
            if missing == 0:
                missing = _need(key, given, theta, v, np.float64(total[v])) + 1
            missing = max(missing - np.int64(trust[e]), 1)
            left[v] = missing
            if missing == 1 and _is_open(done, v):
                touched[m] = v
                sources[m] = u
                m += 1
    return m


@kernel
def in_trust(targets: U32, trust: U16, total: I64) -> None:
    """Add the trust of every tie to its listener's ``total`` (int64 (n,))."""
    for e in range(targets.size):
        total[targets[e]] += np.int64(trust[e])
