"""Leiden in a separate process: reads degrees and targets from stdin, writes labels to stdout.

Run as a program by :func:`sim.network.analysis.communities.leiden`; imports nothing from Hubbub.
Input: three
uint64 (agents, ties, seed), uint32 (agents,) degrees, uint32 (ties,) targets in sorted rows, both
directions of each tie. Output: int32 (agents,).
"""

from __future__ import annotations

import random  # noqa: TID251 - igraph draws from it, and nothing else does in this process
import sys

import numpy as np

_ITERATIONS = 4


def main() -> None:
    """Read a network, write its communities."""
    import igraph

    read = sys.stdin.buffer.read
    agents, ties, seed = np.frombuffer(read(24), np.uint64).tolist()
    degrees = np.frombuffer(read(4 * agents), np.uint32)
    targets = np.frombuffer(read(4 * ties), np.uint32)
    sources = np.repeat(np.arange(agents, dtype=np.int64), degrees)
    once = sources < targets
    graph = igraph.Graph(agents)
    graph.add_edges(np.column_stack((sources[once], targets[once].astype(np.int64))))
    random.seed(seed)
    found = graph.community_leiden(objective_function="modularity", n_iterations=_ITERATIONS)
    sys.stdout.buffer.write(np.array(found.membership, np.int32).tobytes())


if __name__ == "__main__":
    main()
