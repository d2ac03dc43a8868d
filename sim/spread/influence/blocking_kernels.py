"""Blocking: how many agents a run loses with each agent, or each tie, on its way.

Who is reached in a run only through v hangs below v in the tree of dominators of its live ties
(Xie, Zhang, Wang, Lin & Zhang, "Minimizing the influence of misinformation via vertex blocking",
ICDE 2023). The tree is found by intersecting paths until nothing changes (Cooper, Harvey & Kennedy,
"A simple, fast dominance algorithm", 2001), in the order of the run: a dominator comes earlier.
"""

from __future__ import annotations

import numpy as np

from sim.arrays import I32, I64, U32
from sim.jit.jit import kernel
from sim.jit.types import Number


@kernel
def _tree(begin: I64, sources: I32, above: I32) -> None:
    """Write the immediate dominator of each place into ``above``; 0 is the root."""
    above[0] = 0
    for v in range(1, above.size):
        above[v] = sources[begin[v]]
        for i in range(begin[v], begin[v + 1]):  # who reached it first is nearest the seeds
            above[v] = min(above[v], sources[i])
    is_changed = True
    while is_changed:
        is_changed = False
        for v in range(1, above.size):
            common = sources[begin[v]]
            for i in range(begin[v] + 1, begin[v + 1]):
                other = sources[i]
                while common != other:
                    while common > other:
                        common = above[common]
                    while other > common:
                        other = above[other]
            if common < above[v]:
                above[v] = common
                is_changed = True


@kernel
def add_losses(
    queue: U32, reached: int, seeds: int, targets: U32, live: I64, met: int, place: I32,
    agents: I64, ties: U32,
) -> None:  # fmt: skip
    """Add what a run would lose with each agent, or each tie.

    Parameters
    ----------
    queue, reached, seeds
        uint32: who was reached, the seeds first; how many, and how many of them are seeds.
    targets, live, met
        uint32 (ties,): listeners; the run's live ties, and how many
        (:func:`sim.spread.influence.live_edges_kernels.followed`).
    place
        int32 (n,): -1 each, as it is afterwards.
    agents
        int64 (n,): takes agents lost with each agent, itself among them; or empty.
    ties
        uint32 (ties,): takes agents lost with each tie; or empty.
    """
    size = reached - seeds + 1  # the seeds are one place, the root
    for q in range(reached):
        place[queue[q]] = max(q - seeds + 1, 0)
    begin = np.zeros(size + 1, np.int64)
    for i in range(met):
        begin[place[targets[live[2 * i + 1]]] + 1] += 1
    begin[0] = begin[1] = 0  # ties to who takes no part, or to the root, lead nowhere
    for v in range(1, size + 1):
        begin[v] += begin[v - 1]
    used = begin.copy()
    sources, edges = np.empty(begin[size], np.int32), np.empty(begin[size], np.int64)
    for i in range(met):
        v = place[targets[live[2 * i + 1]]]
        if v > 0:
            sources[used[v]] = max(live[2 * i] - seeds + 1, 0)
            edges[used[v]] = live[2 * i + 1]
            used[v] += 1
    above, below = np.empty(size, np.int32), np.ones(size, np.int64)
    _tree(begin, sources, above)
    for v in range(size - 1, 0, -1):
        below[above[v]] += below[v]
    for q in range(reached):
        place[queue[q]] = -1
    if agents.size:
        for v in range(1, size):
            agents[queue[v + seeds - 1]] += below[v]
    if ties.size:
        _add_ties(begin, sources, edges, above, below, ties)


@kernel
def _add_ties(begin: I64, sources: I32, edges: I64, above: I32, below: I64, ties: U32) -> Number:
    """Add what is lost with each tie that is the only way to its listener; return how many are."""
    size = above.size
    first, free = np.zeros(size, np.int64), np.ones(size, np.int64)
    for v in range(1, size):  # places below v are first[v] to first[v] + below[v] - 1
        first[v] = free[above[v]]
        free[above[v]] += below[v]
        free[v] = first[v] + 1
    found = np.int64(0)
    for v in range(1, size):
        ways, only = np.int64(0), np.int64(-1)
        for i in range(begin[v], begin[v + 1]):
            turn = first[sources[i]] - first[v]
            if turn < 0 or turn >= below[v]:
                ways += 1
                only = edges[i]
        if ways == 1:
            ties[only] += np.uint32(below[v])
            found += 1
    return found
