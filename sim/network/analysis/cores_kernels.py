"""k-cores by peeling, in time linear in the ties.

Batagelj & Zaversnik, "An O(m) algorithm for cores decomposition of networks", 2003.
"""

from __future__ import annotations

import numpy as np

from sim.arrays import I32, I64, U32
from sim.jit.jit import kernel


@kernel
def sort_by_degree(degree: I32, first: I64, order: I32, place: I32) -> None:
    """Sort agents by ``degree``, int32 (n,), rising; of equals the lower id comes first.

    Writes ``first`` int64 (largest degree + 2,), zeros at first: where each degree begins in
    ``order`` int32 (n,); and ``place`` int32 (n,): where each agent stands there.
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
    """Take the agents ``order[begin:end]`` out, lowest degree first.

    ``rows``, ``targets`` hold both directions of each tie. ``core`` int32 (n,): degrees at first;
    final for all agents taken out. ``first``, ``order``, ``place`` as :func:`sort_by_degree` left
    them, kept up as neighbours lose a tie.
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
