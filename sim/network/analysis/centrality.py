"""Centrality: PageRank by sweeps, k-cores by peeling."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.core.progress import Report
from sim.network.analysis import cores_kernels as core_kernels
from sim.network.analysis import pagerank_kernels as rank_kernels
from sim.network.graph.arcs import chunks, even_chunks
from sim.network.graph.ties import Ties

__all__ = ["peeled", "ranked"]

Ids = npt.NDArray[np.uint32]
Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

_TOLERANCE = 1e-9  # sum of the errors of all PageRanks; igraph's own is 1e-10
_SWEEPS = 1000
_SLICE = 1 << 16  # agents a kernel call


def ranked(ties: Ties, damping: float, report: Report) -> Floats:
    """Return PageRanks; see :func:`sim.network.analysis.analysis.pagerank`."""
    rows, targets, n = ties.rows, ties.targets, ties.agents
    hears = ties.in_degree.astype(np.float64)
    passed = np.divide(damping, hears, out=np.zeros(n), where=hears > 0)
    rank, share, base = np.ones(n), passed.copy(), 1.0 - damping
    for sweep in range(_SWEEPS):
        change = 0.0
        for begin, end in even_chunks(rows):
            report("ranking", sweep / (sweep + 10))
            change += rank_kernels.sweep(rows, targets, passed, base, begin, end, rank, share)
        # What enters equals what leaves in the solution: without this the sum converges last.
        through = damping * float(rank.sum(where=hears > 0))
        scale = n * base / (float(rank.sum()) - through) if n else 1.0
        rank *= scale
        share *= scale
        if change * damping <= _TOLERANCE * n * base:
            break
    rank[ties.gone] = 0.0  # they stand alone: nothing came to the others from them
    return rank / max(float(rank.sum()), 1e-300)


def peeled(rows: Ids, targets: Ids, report: Report) -> Ints:
    """Return cores from both directions of each tie; see ``analysis.core_numbers``."""
    n = len(rows)
    core = rows[:, 1].astype(np.int32)
    first = np.zeros(int(core.max(initial=0)) + 2, np.int64)
    order, place = np.empty(n, np.int32), np.empty(n, np.int32)
    core_kernels.sort_by_degree(core, first, order, place)
    for begin, end in chunks(n, _SLICE):
        report("peeling cores", begin / n)
        core_kernels.peel(rows, targets, begin, end, core, first, order, place)
    return core
