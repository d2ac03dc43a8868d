"""Shape of cascades: depth, breadth, structural virality, reproduction; from the adoption log."""

from __future__ import annotations

import numpy as np

from sim.arrays import I32, I64, U8, U32, U64, Bools
from sim.jit.claims import NOBODY
from sim.jit.jit import kernel
from sim.jit.sparse import slot, take_slot
from sim.jit.words import BYTE, CODE, LOW32, S32


@kernel
def fill_columns(agents: U32, ticks: I32, sources: U32, adopted_at: I32, source: I64) -> None:
    """Write a log (uint32, int32, uint32) into columns over all agents (int32, int64)."""
    for i in range(agents.size):
        v = agents[i]
        adopted_at[v] = ticks[i]
        if sources[i] != NOBODY:
            source[v] = np.int64(sources[i])


@kernel
def _find_parents(agents: U32, sources: U32, place: I32, parent: I64) -> None:
    """Write the log index of each adopter's source (int64, -1: none) into ``parent``.

    ``place`` is int32 (n,) scratch filled with -1. A source may come after those it convinced,
    if several adopt one after the other within a tick.
    """
    for i in range(agents.size):
        place[agents[i]] = i
    for i in range(agents.size):
        parent[i] = -1 if sources[i] == NOBODY else place[sources[i]]


@kernel
def depths(agents: U32, sources: U32, place: I32, out: I32) -> None:
    """Write each adopter's distance from its seed (int32) into ``out``, in log order.

    ``place`` is int32 (n,) scratch filled with -1. Adopters that are each other's source, which
    only a faulty model records, count as seeds.
    """
    parent = np.empty(agents.size, np.int64)
    _find_parents(agents, sources, place, parent)
    out[:] = -1
    for i in range(agents.size):
        steps = 0
        j = np.int64(i)
        while j >= 0 and out[j] < 0 and steps <= agents.size:
            j = parent[j]
            steps += 1
        if steps > agents.size:
            out[i] = 0
            continue
        depth = steps if j >= 0 else steps - 1
        depth += out[j] if j >= 0 else 0
        k = np.int64(i)
        while k != j:
            out[k] = depth
            depth -= 1
            k = parent[k]


@kernel
def caused(agents: U32, ticks: I32, sources: U32, first: int, place: I32, out: I64) -> None:
    """Count for each tick, from ``first``, the adoptions caused by its adopters (int64)."""
    for i in range(agents.size):
        place[agents[i]] = ticks[i]
    for i in range(agents.size):
        if sources[i] != NOBODY and 0 <= place[sources[i]] <= ticks[i]:
            out[place[sources[i]] - first] += 1


@kernel
def count_waiting(states: U8, passes_on: Bools, row_of: I32, first: int, out: I64) -> None:
    """Count in each row the adopters that may still pass it on; bit 7 of a state: adopter."""
    for v in range(states.size):
        if states[v] > CODE and passes_on[states[v] & CODE]:
            row = row_of[v] - first
            if 0 <= row < out.size:
                out[row] += 1


@kernel
def wiener(agents: U32, sources: U32, place: I32, size: I64) -> tuple[float, float]:
    """Return (sum of distances over pairs, number of pairs) within the trees of a log.

    An edge of a tree that separates s of its N members from the others is on s (N - s) paths.
    ``place`` is int32 (n,) scratch filled with -1; ``size`` is int64 scratch of the log's length:
    members of each subtree.
    """
    count = agents.size
    parent = np.empty(count, np.int64)
    depth = np.empty(count, np.int32)
    depths(agents, sources, place, depth)
    _find_parents(agents, sources, place, parent)
    order = _by_depth(depth)
    root = np.empty(count, np.int64)
    size[:] = 1
    for i in order:
        root[i] = i if depth[i] == 0 else root[parent[i]]
    for i in order[::-1]:
        if depth[i] > 0:
            size[parent[i]] += size[i]
    paths = 0.0
    pairs = 0.0
    for i in range(count):
        whole = size[root[i]]
        if depth[i] == 0:
            pairs += 0.5 * whole * (whole - 1)
        else:
            paths += np.float64(size[i]) * (whole - size[i])
    return paths, pairs


@kernel
def _by_depth(depth: I32) -> I64:
    """Return the indices that sort ``depth`` (int32) ascending, int64, stable."""
    deepest = 0
    for i in range(depth.size):
        deepest = max(deepest, depth[i])
    start = np.zeros(deepest + 2, np.int64)
    for i in range(depth.size):
        start[depth[i] + 1] += 1
    for level in range(deepest + 1):
        start[level + 1] += start[level]
    order = np.empty(depth.size, np.int64)
    for i in range(depth.size):
        order[start[depth[i]]] = i
        start[depth[i]] += 1
    return order


@kernel
def count_again(
    agents: U32, claims: U64, keys: U32, states: U8, adopts: Bools, course: Bools, row: int,
    turn_keys: U32, turns: I32, began: I64, caused: I64,
) -> None:  # fmt: skip
    """Count the adoptions from claims, and those caused by each cohort of adopters.

    Claims hold the new state in bits 32 to 39, the source below; ``turns`` the latest cohort plus
    one, 0 for none, with room for all ``agents``; ``states`` are those before the changes.
    ``began`` and ``caused`` (row + 1,) are added to.
    """
    for i in range(agents.size):
        new = (claims[i] >> S32) & BYTE
        if adopts[new] and not course[states[slot(keys, np.uint64(agents[i]))] & CODE]:
            began[row] += 1
            source = np.uint32(claims[i] & LOW32)
            if source != NOBODY:
                turn = turns[slot(turn_keys, np.uint64(source))]
                if 0 < turn <= row + 1:
                    caused[turn - 1] += 1
    for i in range(agents.size):
        new = (claims[i] >> S32) & BYTE
        if adopts[new] and not course[states[slot(keys, np.uint64(agents[i]))] & CODE]:
            turns[take_slot(turn_keys, np.uint64(agents[i]))] = row + 1
