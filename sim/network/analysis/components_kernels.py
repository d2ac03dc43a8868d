"""Connected components: weak by union-find, strong by a depth-first search.

Both process a part of the work per call, so that a caller can stop in between.
"""

from __future__ import annotations

import numpy as np

from sim.arrays import I32, I64, U32
from sim.jit.jit import kernel
from sim.jit.words import Number


@kernel
def _root(parent: I32, u: Number) -> Number:
    while parent[u] != u:
        parent[u] = parent[parent[u]]
        u = parent[u]
    return u


@kernel
def join_ends(
    rows: U32, targets: U32, first: int, most: int, begin: int, end: int, parent: I32
) -> None:
    """Join both ends of the ties of the agents ``begin`` to ``end - 1``.

    Only the ties ``first`` to ``first + most - 1`` of each row. Joining two ties of each row first
    makes most later searches short (Sutton, Ben-Nun & Barak, "Optimizing parallel graph
    connectivity computation via subgraph sampling", IPDPS 2018).
    ``parent`` int32 (n,): a forest whose roots are their component's lowest agents; updated.
    """
    for u in range(begin, end):
        start = np.int64(rows[u, 0])
        stop = start + np.int64(rows[u, 1])
        start += first
        stop = min(stop, start + most)
        if start >= stop:
            continue
        own = _root(parent, u)
        for e in range(start, stop):
            v = np.int64(targets[e])
            if parent[v] == own:
                continue
            other = _root(parent, v)
            if other < own:
                parent[own] = other
                own = other
            elif other > own:
                parent[other] = own


@kernel
def flatten(parent: I32) -> None:
    """Point every agent directly at the root of its tree, its lowest agent."""
    for u in range(parent.size):
        parent[u] = parent[parent[u]]


@kernel
def strong_search(
    rows: U32,
    targets: U32,
    budget: int,
    state: I64,
    order: I32,
    low: I32,
    cursor: U32,
    path: U32,
    pending: U32,
    label: I32,
) -> bool:
    """Continue the search for strong components for about ``budget`` ties; return whether it ended.

    Tarjan, "Depth-first search and linear graph algorithms", SIAM J. Comput. 1972. ``state``, zeros
    at first: next root, agents on the path, agents pending, agents visited, components found.
    ``order`` and ``cursor`` are zeros at first, ``label`` is -1.
    """
    root, depth, waiting, met, found = state[0], state[1], state[2], state[3], state[4]
    n = order.size
    followed: Number = 0
    while followed < budget:
        if depth == 0:
            while root < n and order[root] != 0:
                root += 1
            if root == n:
                state[4] = found
                return True
            path[0] = root
            pending[waiting] = root
            waiting += 1
            depth = 1
            met += 1
            order[root] = met
            low[root] = met
        u = path[depth - 1]
        start = np.int64(rows[u, 0])
        e = start + np.int64(cursor[u])
        stop = start + np.int64(rows[u, 1])
        lowest = low[u]
        below: Number = -1
        while e < stop:
            v = targets[e]
            e += 1
            if order[v] == 0:
                below = np.int64(v)
                break
            if label[v] < 0 and order[v] < lowest:
                lowest = order[v]
        followed += e - start - np.int64(cursor[u]) + 1
        cursor[u] = e - start
        low[u] = lowest
        if below >= 0:
            path[depth] = below
            depth += 1
            pending[waiting] = below
            waiting += 1
            met += 1
            order[below] = met
            low[below] = met
            continue
        depth -= 1
        if depth > 0:
            above = path[depth - 1]
            low[above] = min(low[above], lowest)
        if lowest == order[u]:
            v = u
            while True:
                waiting -= 1
                v = pending[waiting]
                label[v] = found
                if v == u:
                    break
            found += 1
    state[0], state[1], state[2], state[3], state[4] = root, depth, waiting, met, found
    return False
