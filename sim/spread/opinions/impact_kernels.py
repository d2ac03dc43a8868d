"""Social impact: everybody weighs on everybody, the less the further away in the network."""

from __future__ import annotations

import numpy as np

from sim.arrays import F64, U8, U32, U64
from sim.jit.claims import is_open
from sim.jit.jit import kernel
from sim.jit.types import Number

_FARTHEST = 255


@kernel
def distances(rows: U32, sources: U32, lo: int, hi: int, queue: U32, out: U8) -> None:
    """Write how many ties lie between agents ``lo`` to ``hi - 1`` and whoever they hear in turn.

    Parameters
    ----------
    rows, sources
        uint32 (n, 2), uint32 (m,): whom each agent hears.
    queue
        uint32 (n,) scratch.
    out
        uint8 (n, n), 0 before: ``out[v, u]`` ties lead from u to v; 0 for none and for v itself.
        Distances above 255 count as 255.
    """
    for v in range(lo, hi):
        queue[0] = v
        head, tail = 0, 1
        while head < tail:
            u = queue[head]
            head += 1
            far: Number = min(np.int64(out[v, u]) + 1, _FARTHEST)
            start = np.int64(rows[u, 0])
            for e in range(start, start + np.int64(rows[u, 1])):
                w = sources[e]
                if out[v, w] == 0 and w != v:
                    out[v, w] = np.uint8(far)
                    queue[tail] = w
                    tail += 1


@kernel
def impacts(
    apart: U8,
    near: F64,
    persuasive: F64,
    supportive: F64,
    root: int,
    absent: U64,
    lo: int,
    hi: int,
    x: F64,
    out: F64,
) -> None:
    """Write, for agents ``lo`` to ``hi - 1``, the impact to change less the impact to stay.

    Parameters
    ----------
    apart
        uint8 (n, n) of :func:`distances`.
    near
        float64 (256,): what the strength of an agent at each distance counts for.
    persuasive, supportive
        float64 (n,): strengths towards those of the other and of the same opinion.
    root
        0: impacts add up; 1: they are the mean of their kind times the root of its number.
    absent
        uint64 bitmap, or (0,): has no impact.
    x, out
        float64 (n,): opinions; and the results.
    """
    for v in range(lo, hi):
        against, staying = 0.0, 0.0
        others, same = 0, 0
        for u in range(x.size):
            if apart[v, u] == 0 or (absent.size and not is_open(absent, np.uint64(u))):
                continue
            if x[u] != x[v]:
                against += persuasive[u] * near[apart[v, u]]
                others += 1
            else:
                staying += supportive[u] * near[apart[v, u]]
                same += 1
        if root:
            against /= max(np.sqrt(others), 1.0)
            staying /= max(np.sqrt(same), 1.0)
        out[v] = against - staying
