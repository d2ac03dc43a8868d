"""Communities in a symmetric network: Louvain's moves and merges, label propagation, modularity.

All use both directions of each tie. ``weights`` is uint32 (m,), or (0,) if all are 1;
self-loops are not in the rows: they count only in an agent's strength.
"""

from __future__ import annotations

import numpy as np

from sim.arrays import F64, I32, I64, U8, U32
from sim.jit.jit import kernel
from sim.jit.mix import word, word2
from sim.jit.words import Number

_AHEAD = np.int64(32)


@kernel
def shuffle(key: np.uint64, out: U32) -> None:
    """Write 0..n - 1 in an order that depends only on ``key`` (Fisher & Yates)."""
    for i in range(out.size):
        out[i] = i
    for i in range(out.size - 1, 0, -1):
        j = np.int64(word(key, i) % np.uint64(i + 1))
        out[i], out[j] = out[j], out[i]


@kernel
def renumber(labels: I32, mapping: I32) -> int:
    """Renumber labels 0, 1, ... by first appearance, in place; return how many there are.

    ``labels`` int32 (n,) with values below n; ``mapping`` int32 (n,), -1 at first: old to new.
    """
    found = 0
    for u in range(labels.size):
        if mapping[labels[u]] < 0:
            mapping[labels[u]] = found
            found += 1
        labels[u] = mapping[labels[u]]
    return found


@kernel
def _fetch(rows: U32, targets: U32, queue: U32, first: Number, count: Number) -> float:
    """Prefetch what the next agents of a queue need, so that memory serves the reads in parallel.

    In a shuffled order nearly every read misses the caches; issued together, 32 misses take as long
    as two. The sum is returned so that the loads are not optimised away. Worth a factor of 1.5.
    """
    seen = 0.0
    for i in range(first, first + count):
        u = queue[i if i < queue.size else i - queue.size]
        start = np.int64(rows[u, 0])
        stop = start + np.int64(rows[u, 1])
        if stop > start:
            seen += targets[start] + targets[stop - 1]
    return seen


@kernel
def move_agents(
    rows: U32, targets: U32, weights: U32, strength: F64, whole: float, budget: int, queue: U32,
    state: I64, waiting: U8, label: I32, book: F64, touched: I32, scratch: F64,
) -> bool:  # fmt: skip
    """Move waiting agents to the community of highest modularity; return whether none waits.

    Blondel et al. 2008; after the first round only agents whose neighbourhood changed are visited
    again (Traag, Waltman & van Eck 2019). Self-loops count twice in ``strength``.
    ``queue`` is circular, ``state`` its head and size; ``book`` (n, 2): strength of a community,
    and zeros before and after; ``touched`` is one longer than the longest row.
    """
    weighted = weights.size > 0
    head, size, fetched = state[0], state[1], np.int64(0)
    looked: Number = 0
    while size > 0 and looked < budget:
        if fetched == 0:
            fetched = min(_AHEAD, size)
            scratch[0] = _fetch(rows, targets, queue, head, fetched)
        fetched -= 1
        u = queue[head]
        head = head + 1 if head + 1 < queue.size else np.int64(0)
        size -= 1
        waiting[u] = 0
        start = np.int64(rows[u, 0])
        stop = start + np.int64(rows[u, 1])
        looked += stop - start + 1
        near = 0
        for e in range(start, stop):
            c = label[targets[e]]
            touched[near] = c
            near += 1 if book[c, 1] == 0.0 else 0
            book[c, 1] += np.float64(weights[e]) if weighted else 1.0
        own = label[u]
        scale = strength[u] / whole
        best = own
        most = book[own, 1] - (book[own, 0] - strength[u]) * scale
        for i in range(near):
            c = touched[i]
            gain = book[c, 1] - book[c, 0] * scale
            book[c, 1] = 0.0
            if c != own and gain > most:
                best = c
                most = gain
        if best == own:
            continue
        book[own, 0] -= strength[u]
        book[best, 0] += strength[u]
        label[u] = best
        for e in range(start, stop):
            v = targets[e]
            if waiting[v] == 0 and label[v] != best:
                at = head + size
                queue[at if at < queue.size else at - queue.size] = v
                size += 1
                waiting[v] = 1
    state[0], state[1] = head, size
    return bool(size == 0)


@kernel
def split_agents(
    rows: U32, targets: U32, weights: U32, strength: F64, whole: float, bound: I32, order: U32,
    begin: int, end: int, label: I32, book: F64, touched: I32, scratch: F64,
) -> None:  # fmt: skip
    """Let the agents ``order[begin:end]`` move between parts of their community.

    The refinement of Traag, Waltman & van Eck (2019), but always with the best choice; started with
    every agent alone, it finds well-knit parts, so that misplaced ones can leave as a whole.
    ``label`` is at first each agent's own id; ``book`` is as in :func:`move_agents`, for parts.
    """
    weighted = weights.size > 0
    for i in range(begin, end):
        if (i - begin) % _AHEAD == 0:
            ahead = min(_AHEAD, end - i)
            scratch[0] = _fetch(rows, targets, order, i, ahead)
        u = order[i]
        own = label[u]
        start = np.int64(rows[u, 0])
        near = 0
        for e in range(start, start + np.int64(rows[u, 1])):
            v = targets[e]
            if bound[v] != bound[u]:
                continue
            c = label[v]
            touched[near] = c
            near += 1 if book[c, 1] == 0.0 else 0
            book[c, 1] += np.float64(weights[e]) if weighted else 1.0
        scale = strength[u] / whole
        best = own
        most = book[own, 1] - (book[own, 0] - strength[u]) * scale
        for k in range(near):
            c = touched[k]
            gain = book[c, 1] - book[c, 0] * scale
            book[c, 1] = 0.0
            if c != own and gain > most:
                best = c
                most = gain
        if best != own:
            book[own, 0] -= strength[u]
            book[best, 0] += strength[u]
            label[u] = best


@kernel
def gather_members(label: I32, stops: I64, members: U32) -> None:
    """Group agents by label: ``members`` uint32 (n,), ascending within a group; both written.

    ``stops`` int64 (groups,): initially zeros; then the end of each group.
    """
    for u in range(label.size):
        stops[label[u]] += 1
    at = np.int64(0)
    for c in range(stops.size):
        size = stops[c]
        stops[c] = at
        at += size
    for u in range(label.size):
        c = label[u]
        members[stops[c]] = u
        stops[c] += 1


@kernel
def merge_communities(
    rows: U32, targets: U32, weights: U32, label: I32, stops: I64, members: U32, begin: int, end:
    int, link: I64, touched: I32, lengths: I64, out_targets: U32, out_weights: U32,
) -> int:  # fmt: skip
    """Sum the ties of communities ``begin`` to ``end - 1`` to others; return their number.

    Writes their rows one after another into ``out_targets`` and ``out_weights`` uint32, and their
    ``lengths`` int64 (groups,). Scratch: ``link`` int64 (groups,), zeros; ``touched`` int32
    (groups,).
    """
    weighted = weights.size > 0
    place = 0
    for c in range(begin, end):
        near = 0
        for i in range(np.int64(0) if c == 0 else stops[c - 1], stops[c]):
            u = members[i]
            start = np.int64(rows[u, 0])
            for e in range(start, start + np.int64(rows[u, 1])):
                d = label[targets[e]]
                if d == c:
                    continue
                if link[d] == 0:
                    touched[near] = d
                    near += 1
                link[d] += np.int64(weights[e]) if weighted else np.int64(1)
        for i in range(near):
            d = touched[i]
            out_targets[place] = d
            out_weights[place] = link[d]
            link[d] = 0
            place += 1
        lengths[c] = near
    return place


@kernel
def pass_labels(
    rows: U32, targets: U32, key: np.uint64, budget: int, queue: U32, state: I64, waiting: U8,
    label: I32, link: I32, touched: I32, scratch: F64,
) -> bool:  # fmt: skip
    """Give waiting agents the most frequent neighbour label; return whether none waits.

    An agent keeps its label unless another is more frequent, so that each change makes more ties
    agree and the process ends; an addressed draw decides between equals. Raghavan, Albert &
    Kumara, "Near linear time algorithm to detect community structures", Phys. Rev. E 2007.
    Arguments as in :func:`move_agents`; ``link`` int32 (n,), zeros.
    """
    head, size, fetched = state[0], state[1], np.int64(0)
    looked: Number = 0
    while size > 0 and looked < budget:
        if fetched == 0:
            fetched = min(_AHEAD, size)
            scratch[0] = _fetch(rows, targets, queue, head, fetched)
        fetched -= 1
        u = queue[head]
        head = head + 1 if head + 1 < queue.size else np.int64(0)
        size -= 1
        waiting[u] = 0
        start = np.int64(rows[u, 0])
        stop = start + np.int64(rows[u, 1])
        looked += stop - start + 1
        near = 0
        most = np.int32(0)
        for e in range(start, stop):
            c = label[targets[e]]
            touched[near] = c
            near += 1 if link[c] == 0 else 0
            link[c] += 1
            most = max(most, link[c])
        own = label[u]
        best = own
        keeps = link[own] == most
        drawn = np.uint64(0)
        address = word(key, u)
        for i in range(near):
            c = touched[i]
            if not keeps and link[c] == most:
                bits = word2(address, c)
                if best == own or bits < drawn:
                    best = c
                    drawn = bits
            link[c] = 0
        if best == own:
            continue
        label[u] = best
        for e in range(start, stop):
            v = targets[e]
            if waiting[v] == 0 and label[v] != best:
                at = head + size
                queue[at if at < queue.size else at - queue.size] = v
                size += 1
                waiting[v] = 1
    state[0], state[1] = head, size
    return bool(size == 0)


@kernel
def outside_weight(rows: U32, targets: U32, weights: U32, label: I32, begin: int, end: int) -> int:
    """Return the weight of ties from the agents ``begin`` to ``end - 1`` to other communities."""
    weighted = weights.size > 0
    outside = np.int64(0)
    for u in range(begin, end):
        own = label[u]
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            if label[targets[e]] != own:
                outside += np.int64(weights[e]) if weighted else np.int64(1)
    return int(outside)
