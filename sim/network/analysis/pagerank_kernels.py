"""PageRank by Gauss-Seidel sweeps.

With jumps to any agent, both from every agent and from dead ends, the ranks are proportional to
the solution of ``x[u] = (1 - d) + d * sum(x[v] / degree[v])``, in which dead ends pass on nothing
(Langville & Meyer, "Deeper inside PageRank", Internet Mathematics 2004).
"""

from __future__ import annotations

import numpy as np

from sim.arrays import F64, U32
from sim.jit.jit import kernel


@kernel
def sweep(
    rows: U32, targets: U32, passed: F64, base: float, begin: int, end: int, rank: F64, share: F64,
) -> float:  # fmt: skip
    """Update the agents ``begin`` to ``end - 1`` in place; return the sum of absolute changes.

    ``passed`` is damping / degree, 0 for a dead end; ``base`` is 1 - damping; ``share`` is what
    each agent passes along each of its ties. A row holds those that pass the agent a share.
    """
    change = 0.0
    for u in range(begin, end):
        total = base
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            total += share[targets[e]]
        change += abs(total - rank[u])
        rank[u] = total
        share[u] = total * passed[u]
    return change
