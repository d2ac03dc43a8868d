"""Linear thresholds: integer weights are added up, so a result never depends on the order."""

from __future__ import annotations

import numpy as np

from sim.kernels.jit import kernel
from sim.kernels.mix import uniform, word

__all__ = ["hear_count", "hear_trust", "in_trust"]

_S6 = np.uint32(6)
_M63 = np.uint32(63)
_ONE = np.uint64(1)


@kernel
def _open(done, v):
    return (done[v >> _S6] >> np.uint64(v & _M63)) & _ONE == np.uint64(0)


@kernel
def _need(key, given, theta, v, total):
    """Return the weight that convinces ``v``: ceil(threshold * total), at least 1."""
    if theta >= 0.0:
        share = theta
    elif given.size:
        share = given[v]
    else:
        share = uniform(word(key, v))
    return max(1.0, np.ceil(share * total - 1e-9))


@kernel
def hear_count(
    rows, targets, degree, speakers, lo, hi, key, given, theta, done, heard, touched, sources, m
):  # fmt: skip
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
    heard
        Integer (n,), speakers heard so far.
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
            before = heard[v]
            heard[v] = before + 1
            need = _need(key, given, theta, v, np.float64(degree[v]))
            if before + 1 >= need and before < need and _open(done, v):
                touched[m] = v
                sources[m] = u
                m += 1
    return m


@kernel
def hear_trust(
    rows, targets, trust, total, speakers, lo, hi, key, given, theta, done, heard, touched, sources, m
):  # fmt: skip
    """As :func:`hear_count`, adding each tie's trust (uint16) towards ``total`` (int64 (n,))."""
    for i in range(lo, hi):
        u = speakers[i]
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            v = targets[e]
            before = heard[v]
            after = before + np.int64(trust[e])
            heard[v] = after
            need = _need(key, given, theta, v, np.float64(total[v]))
            if after >= need and before < need and _open(done, v):
                touched[m] = v
                sources[m] = u
                m += 1
    return m


@kernel
def in_trust(targets, trust, total):
    """Add the trust of every tie to its listener's ``total`` (int64 (n,))."""
    for e in range(targets.size):
        total[targets[e]] += np.int64(trust[e])
