"""Shape of cascades: depth, breadth, structural virality, reproduction; from its log."""

from __future__ import annotations

import numpy as np

from sim.kernels.claims import NOBODY
from sim.kernels.jit import kernel
from sim.kernels.types import I32, I64, U32

__all__ = ["caused", "depths", "fill_columns", "wiener"]


@kernel
def fill_columns(agents: U32, ticks: I32, sources: U32, adopted_at: I32, source: I64) -> None:
    """Write a log (uint32, int32, uint32) into columns over all agents (int32, int64)."""
    for i in range(agents.size):
        v = agents[i]
        adopted_at[v] = ticks[i]
        if sources[i] != NOBODY:
            source[v] = np.int64(sources[i])


@kernel
def depths(agents: U32, sources: U32, place: I32, out: I32) -> None:
    """Write each adopter's distance from its seed (int32) into ``out``, in the log's order.

    ``place`` is int32 (n,) scratch filled with -1. A source stands before those it convinced.
    """
    for i in range(agents.size):
        place[agents[i]] = i
        parent = -1 if sources[i] == NOBODY else place[sources[i]]
        out[i] = 0 if parent < 0 else out[parent] + 1


@kernel
def caused(agents: U32, ticks: I32, sources: U32, first: int, place: I32, out: I64) -> None:
    """Count for each tick, from ``first``, the adopters that its own adopters caused (int64)."""
    for i in range(agents.size):
        place[agents[i]] = ticks[i]
        if sources[i] != NOBODY and place[sources[i]] >= 0:
            out[place[sources[i]] - first] += 1


@kernel
def wiener(agents: U32, sources: U32, place: I32, size: I64) -> tuple[float, float]:
    """Return (sum of distances over pairs, number of pairs) within the trees of a log.

    A tie of a tree that parts s of its N members from the others lies on s (N - s) paths.
    ``place`` is int32 (n,) scratch filled with -1; ``size`` is int64 scratch of the log's length:
    members of each subtree.
    """
    count = agents.size
    root = np.empty(count, np.int64)
    parent = np.empty(count, np.int64)
    for i in range(count):
        place[agents[i]] = i
        size[i] = 1
        parent[i] = -1 if sources[i] == NOBODY else place[sources[i]]
        root[i] = i if parent[i] < 0 else root[parent[i]]
    for i in range(count - 1, -1, -1):
        if parent[i] >= 0:
            size[parent[i]] += size[i]
    paths = 0.0
    pairs = 0.0
    for i in range(count):
        whole = size[root[i]]
        if parent[i] < 0:
            pairs += 0.5 * whole * (whole - 1)
        else:
            paths += np.float64(size[i]) * (whole - size[i])
    return paths, pairs
