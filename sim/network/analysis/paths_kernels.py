"""Shortest paths along ties: from one agent, between two, from 64 at once."""

from __future__ import annotations

import numpy as np

from sim.arrays import I32, I64, U32, U64
from sim.jit.jit import kernel
from sim.jit.words import ONE, ZERO, Number


@kernel
def expand(
    rows: U32, targets: U32, begin: int, end: int, queue: U32, tail: int, distance: I32
) -> int:
    """Expand the agents ``queue[begin:end]`` to their listeners; return the new end of the queue.

    ``distance`` int32 (n,): ties from the start, -1 if not reached; ``queue`` uint32 (n,),
    of which ``tail`` places are used. One breadth-first level takes one call, or several.
    """
    for i in range(begin, end):
        u = queue[i]
        farther = distance[u] + 1
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            v = targets[e]
            if distance[v] < 0:
                distance[v] = farther
                queue[tail] = v
                tail += 1
    return tail


@kernel
def meet(
    rows: U32,
    targets: U32,
    begin: int,
    end: int,
    queue: U32,
    tail: int,
    came_from: I32,
    other: I32,
) -> tuple[Number, Number]:
    """Expand one side of a bidirectional search by the agents ``queue[begin:end]``.

    ``came_from`` int32 (n,): the predecessor on this side, -1 if not reached; ``other``: the
    same for the other side. Returns (new end of the queue, first agent reached from both sides or
    -1). Levels are expanded as a whole, so the first meeting point is on a shortest path.
    """
    for i in range(begin, end):
        u = queue[i]
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            v = targets[e]
            if came_from[v] < 0:
                came_from[v] = u
                if other[v] >= 0:
                    return tail, np.int64(v)
                queue[tail] = v
                tail += 1
    return tail, np.int64(-1)


@kernel
def trace(came_from: I32, agent: int, out: U32) -> int:
    """Write the agents from ``agent`` back to the start into ``out``; return their number.

    The start is its own predecessor.
    """
    count = 0
    while True:
        out[count] = agent
        count += 1
        if came_from[agent] == agent:
            return count
        agent = came_from[agent]


@kernel
def spread_many(rows: U32, targets: U32, begin: int, end: int, front: U64, reached: U64) -> None:
    """Pass the searches at the agents ``begin`` to ``end - 1`` on to their listeners.

    Bit b of ``front`` uint64 (n,): the agent is in the frontier of search b; ``reached`` collects
    the bits of all listeners. Then et al., "The more the merrier: efficient multi-source graph
    traversal", VLDB 2014.
    """
    for u in range(begin, end):
        bits = front[u]
        if bits == ZERO:
            continue
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            reached[targets[e]] |= bits


@kernel
def settle_many(reached: U64, seen: U64, front: U64, counts: I64) -> int:
    """Keep only the new bits of ``reached``; return how many agents are now in the frontier.

    ``reached``, ``seen``, ``front`` uint64 (n,): the first is cleared, the second grows, the third
    is replaced; ``counts`` int64 (64,): newly reached agents of each search, added to.
    """
    standing = 0
    for u in range(reached.size):
        bits = reached[u] & ~seen[u]
        front[u] = bits
        reached[u] = ZERO
        if bits != ZERO:
            standing += 1
            seen[u] |= bits
            for b in range(64):
                counts[b] += np.int64((bits >> np.uint64(b)) & ONE)
    return standing
