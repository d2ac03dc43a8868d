"""k-cores by peeling, in time linear in the number of ties.

Batagelj & Zaversnik, "An O(m) algorithm for cores decomposition of networks", 2003.
"""

from __future__ import annotations

import numpy as np

from sim.arrays import I32, I64, U32
from sim.jit.jit import kernel


@kernel
def sort_by_degree(degree: I32, first: I64, order: I32, place: I32) -> None:
    """Sort agents by ``degree``, int32 (n,), ascending; equal degrees by id.

    Writes ``first`` int64 (largest degree + 2,), initially zeros: where each degree begins in
    ``order`` int32 (n,); and ``place`` int32 (n,): the position of each agent in it.
    """
    for u in range(degree.size):
        first[degree[u] + 1] += 1
    for d in range(1, first.size):
        first[d] += first[d - 1]
    for u in range(degree.size):
        at = first[degree[u]]
        first[degree[u]] = at + 1
        order[at] = u
        place[u] = at
    for d in range(first.size - 1, 0, -1):
        first[d] = first[d - 1]
    first[0] = 0


@kernel
def peel(
    rows: U32, targets: U32, begin: int, end: int, core: I32, first: I64, order: I32, place: I32
) -> None:
    """Remove the agents ``order[begin:end]``, lowest degree first.

    ``rows``, ``targets`` hold both directions of each tie. ``core`` int32 (n,): initially degrees;
    final for all removed agents. ``first``, ``order``, ``place`` are as :func:`sort_by_degree` left
    them, and updated as neighbours lose a tie.
    """
    for i in range(begin, end):
        u = order[i]
        own = core[u]
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            v = targets[e]
            degree = core[v]
            if degree <= own:
                continue
            at = place[v]
            front = first[degree]
            w = order[front]
            order[front] = v
            order[at] = w
            place[v] = front
            place[w] = at
            first[degree] = front + 1
            core[v] = degree - 1
