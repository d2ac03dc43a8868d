"""Coverage: the agent that is in the most sets that no chosen agent is in.

Counts are always exact: once a set is covered, the counts of all its agents fall by one. As
counts only fall, agents with a low earlier count need no new check (Minoux 1978; Leskovec et
al., "Cost-effective outbreak detection in networks", KDD 2007).

Blocking counts how many agents a run loses with each agent, or each tie, on its way. An agent
reached only through v is below v in the dominator tree of the live ties (Xie, Zhang, Wang,
Lin & Zhang, "Minimizing the influence of misinformation via vertex blocking", ICDE 2023). The tree
is computed by intersecting paths until nothing changes (Cooper, Harvey & Kennedy, "A simple, fast
dominance algorithm", 2001), in the order of the run: a dominator comes earlier.
"""

from __future__ import annotations

import numpy as np

from sim.arrays import F64, I32, I64, U8, U32, U64
from sim.jit.jit import kernel
from sim.jit.mix import word
from sim.jit.words import LOW6, ONE, S6, Number, Word


@kernel
def add_counts(members: U32, begin: int, end: int, counts: U32) -> None:
    """Increment the count of every agent of ``members[begin:end]`` (``counts`` uint32 (n,))."""
    for i in range(begin, end):
        counts[members[i]] += np.uint32(1)


@kernel
def fill_index(members: U32, ends: U32, starts: U32, index: U32) -> None:
    """Write for each agent the sets it is in, ascending; ``starts`` advance to the ends."""
    at = np.int64(0)
    for s in range(ends.size):
        for i in range(at, np.int64(ends[s])):
            v = members[i]
            index[starts[v]] = np.uint32(s)
            starts[v] += np.uint32(1)
        at = np.int64(ends[s])


@kernel
def best(
    order: U32, bounds: F64, counts: U32, costs: F64, budget: float, taken: U8, key: Word
) -> tuple[Number, float]:
    """Return the agent with the highest worth, and its worth; (-1, 0.0) if all are worth nothing.

    Worth is count, or with ``costs`` count / cost within ``budget``; ``bounds`` is an earlier one,
    descending in ``order``. Equal worth is decided by the lowest draw. Those ``taken`` are skipped.
    """
    found, most = np.int64(-1), 0.0
    lot = np.uint64(0)
    for i in range(order.size):
        if bounds[i] < most or bounds[i] <= 0.0:
            break
        v: Number = np.int64(order[i])
        if taken[v] or (costs.size and costs[v] > budget):
            continue
        worth: Number = np.float64(counts[v])
        if costs.size:
            worth /= costs[v]
        if worth > most:
            found, most, lot = v, worth, word(key, v)
        elif worth == most and worth > 0.0:
            other = word(key, v)
            if other < lot:
                found, lot = v, other
    return found, most


@kernel
def largest_sum(order: U32, bounds: F64, counts: U32, k: int) -> float:
    """Return the sum of the ``k`` largest counts; ``order`` and ``bounds`` as in :func:`best`."""
    heap = np.zeros(max(k, 1), np.int64)
    for i in range(order.size):
        if bounds[i] <= np.float64(heap[0]):
            break
        value = np.int64(counts[order[i]])
        if value > heap[0]:
            at = np.int64(0)
            while True:
                child = 2 * at + 1
                if child >= k:
                    break
                if child + 1 < k and heap[child + 1] < heap[child]:
                    child += 1
                if heap[child] >= value:
                    break
                heap[at] = heap[child]
                at = child
            heap[at] = value
    total = 0.0
    for i in range(k):
        total += np.float64(heap[i])
    return total


@kernel
def cover(
    begin: int, end: int, index: U32, members: U32, ends: U32, covered: U8, counts: U32
) -> Number:
    """Cover the sets ``index[begin:end]``; return the number of newly covered ones."""
    new = np.int64(0)
    for i in range(begin, end):
        s = np.int64(index[i])
        if covered[s]:
            continue
        covered[s] = 1
        new += 1
        for j in range(np.int64(ends[s - 1]) if s else np.int64(0), np.int64(ends[s])):
            counts[members[j]] -= np.uint32(1)
    return new


@kernel
def set_bits(members: U32, bits: U64) -> None:
    """Set the bit of each agent in ``bits``, a uint64 bitmap of zeros."""
    for i in range(members.size):
        v = np.uint64(members[i])
        bits[np.int64(v >> S6)] |= ONE << (v & LOW6)


@kernel
def count_bits(bits: U64, counts: U32, by: int) -> None:
    """Add ``by`` (1 or -1) to the count of each agent whose bit is set."""
    for w in range(bits.size):
        left = bits[w]
        if left == np.uint64(0):
            continue
        for b in range(64):
            v = 64 * w + b
            if v < counts.size:
                bit = np.int64((left >> np.uint64(b)) & ONE)
                counts[v] = np.uint32(np.int64(counts[v]) + by * bit)


@kernel
def cover_bits(v: int, maps: U64, covered: U8, counts: U32) -> Number:
    """As :func:`cover`, for sets stored as bitmaps: uint64 (sets, words)."""
    new = np.int64(0)
    agent = np.uint64(v)
    for s in range(maps.shape[0]):
        if not covered[s] and (maps[s, np.int64(agent >> S6)] >> (agent & LOW6)) & ONE:
            covered[s] = 1
            new += 1
            count_bits(maps[s], counts, -1)
    return new


@kernel
def covered_by(members: U32, ends: U32, chosen: U8) -> Number:
    """Return the number of sets that contain any of ``chosen`` (uint8 (n,))."""
    found, at = np.int64(0), np.int64(0)
    for s in range(ends.size):
        end = np.int64(ends[s])
        while at < end:
            if chosen[members[at]]:
                found += 1
                break
            at += 1
        at = end
    return found


@kernel
def held_by(maps: U64, seeds: U32) -> Number:
    """As :func:`covered_by`, for sets stored as bitmaps."""
    found = np.int64(0)
    for s in range(maps.shape[0]):
        for i in range(seeds.size):
            v = np.uint64(seeds[i])
            if (maps[s, np.int64(v >> S6)] >> (v & LOW6)) & ONE:
                found += 1
                break
    return found


@kernel
def _tree(begin: I64, sources: I32, above: I32) -> None:
    """Write the immediate dominator of each place into ``above``; 0 is the root."""
    above[0] = 0
    for v in range(1, above.size):
        above[v] = sources[begin[v]]
        for i in range(begin[v], begin[v + 1]):  # the first to reach it is the nearest to the seeds
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
    """Add the losses of a run with each agent (itself included), and each tie; empty: not wanted.

    ``queue`` and ``live`` are those of ``followed``; ``place``, all -1, is restored afterwards.
    """
    size = reached - seeds + 1  # all seeds are one place, the root
    for q in range(reached):
        place[queue[q]] = max(q - seeds + 1, 0)
    begin = np.zeros(size + 1, np.int64)
    for i in range(met):
        begin[place[targets[live[2 * i + 1]]] + 1] += 1
    begin[0] = begin[1] = 0  # ties to non-participants, or to the root, have no effect
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
    """Add the losses of each tie that is the only way to its listener; return their number."""
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
