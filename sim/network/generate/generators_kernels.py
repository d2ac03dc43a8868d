"""Random networks drawn edge by edge: growth, skips, rewiring, stub matching.

Every draw is addressed by (vertex, draw number), so a network depends only on its key and
parameters. Long loops take a range, so that a caller can stop between chunks. Edges are
undirected pairs unless said otherwise; ids uint32, n < 2**32.
"""

from __future__ import annotations

import numpy as np

from sim.arrays import I64, U32
from sim.jit.exact import log_draw
from sim.jit.jit import kernel
from sim.jit.mix import uniform, word, word2
from sim.jit.words import ONE

_S56 = np.uint64(56)
_TRIES = 256  # draws before a rewired tie stays in place: its agent is tied to everybody


@kernel
def attach(
    key: np.uint64, rate: float, core: int, start: int, stop: int, edge: int, targets: U32
) -> int:
    """Let newcomers ``start..stop`` choose neighbours in proportion to degree.

    Edge e belongs to newcomer ``int((e + .5) * rate)``: each adds 1 / rate edges, to the nearest
    whole number, and only the far ends are stored, in ``targets`` uint32 (edges,). The first
    ``core`` agents (an odd number) are tied around a circle. ``edge`` is the first edge of
    ``start``; returns the first of ``stop``. A draw is an edge and one of its two ends (Batagelj &
    Brandes, Phys. Rev. E 71, 036113, 2005); a newcomer redraws neighbours that it has already.
    """
    edges = targets.size
    for v in range(start, stop):
        first = edge
        key_v = word(key, v)
        draw = 0
        while edge < edges and np.int64((edge + 0.5) * rate) == v:
            if v < core:
                targets[edge] = (v + 1 + edge - first) % core
                edge += 1
                continue
            bits = word2(key_v, draw)
            draw += 1
            drawn = np.int64(uniform(bits) * first)
            if bits & ONE:
                chosen = np.int64((drawn + 0.5) * rate)
            else:
                chosen = np.int64(targets[drawn])
            fresh = True
            for e in range(first, edge):
                if targets[e] == chosen:
                    fresh = False
                    break
            if fresh:
                targets[edge] = chosen
                edge += 1
    return edge


@kernel
def owners(rate: float, start: int, sources: U32) -> None:
    """Write the near ends of edges ``start..`` of :func:`attach`, uint32 (any length,)."""
    for i in range(sources.size):
        sources[i] = np.int64((start + i + 0.5) * rate)


@kernel
def skip_rows(
    key: np.uint64,
    scale: float,
    agents: int,
    start: int,
    stop: int,
    count: int,
    sources: U32,
    targets: U32,
) -> tuple[int, int]:
    """Draw each pair u < v, u in ``start..stop``, with one probability, skipping over the misses.

    ``scale`` is 1 / ln(1 - chance); a skip is geometric (Batagelj & Brandes 2005). Pairs are
    written from ``count`` on. Returns (row, count): the row is ``stop``, or the first that did not
    fit, whose pairs are not counted.
    """
    room = sources.size
    for u in range(start, stop):
        key_u = word(key, u)
        v = np.int64(u)
        at = count
        draw = 0
        while True:
            leap = log_draw(word2(key_u, draw)) * scale
            draw += 1
            if not leap < agents - 1 - v:
                break
            v += 1 + np.int64(leap)
            if at == room:
                return u, count
            sources[at] = u
            targets[at] = v
            at += 1
        count = at
    return stop, count


@kernel
def ring(half: float, agents: int, targets: U32) -> None:
    """Tie each agent to those before it on a circle.

    Agent v owns edges ``int(v * half)`` to ``int((v + 1) * half)``; ``targets`` uint32 (edges,)
    takes the far ends v + 1, v + 2, ... modulo ``agents``.
    """
    for v in range(agents):
        first = int(v * half)
        for e in range(first, min(int((v + 1) * half), targets.size)):
            targets[e] = (v + 1 + e - first) % agents


@kernel
def rewire(
    key: np.uint64, half: float, chance: float, agents: int, start: int, stop: int, targets: U32
) -> None:
    """Move the far ends of a share of the edges of :func:`ring` to random agents.

    Agents ``start..stop`` process their edges in order; an edge moves with ``chance``, to an
    agent that is neither its owner nor tied to it (Watts & Strogatz, Nature 393, 1998).
    """
    for v in range(start, stop):
        key_v = word(key, v)
        draw = 0
        first = int(v * half)
        last = min(int((v + 1) * half), targets.size)
        for e in range(first, last):
            draw += 1
            if uniform(word2(key_v, draw)) >= chance:
                continue
            for _ in range(_TRIES):
                draw += 1
                u = int(uniform(word2(key_v, draw)) * agents)
                tied = u == v
                for k in range(first, last):
                    tied |= targets[k] == u
                u_last = min(int((u + 1) * half), targets.size)
                for k in range(int(u * half), u_last):
                    tied |= targets[k] == v
                if not tied:
                    targets[e] = u
                    break


@kernel
def bucket(key: np.uint64, items: U32, out: U32, stops: I64) -> None:
    """Distribute ``items`` uint32 (m,) over 256 buckets: half of a cache-friendly shuffle.

    ``out`` uint32 (m,) gets them bucket by bucket; ``stops`` int64 (256,) the buckets' ends.
    With :func:`shuffle` in each bucket, every order is equally likely (Rao 1961; Sandelius 1962).
    """
    stops[:] = 0
    for i in range(items.size):
        stops[np.int64(word(key, i) >> _S56)] += 1
    total = 0
    for b in range(stops.size):
        size = int(stops[b])
        stops[b] = total
        total += size
    for i in range(items.size):
        at = np.int64(word(key, i) >> _S56)
        out[stops[at]] = items[i]
        stops[at] += 1


@kernel
def shuffle(key: np.uint64, start: int, stop: int, items: U32) -> None:
    """Shuffle ``items[start:stop]``; draws are addressed by position."""
    for i in range(stop - 1, start, -1):
        j = start + np.int64(uniform(word(key, i)) * (i - start + 1))
        held = items[i]
        items[i] = items[j]
        items[j] = held


@kernel
def relabel(labels: U32, start: int, stop: int, ids: U32) -> None:
    """Replace ``ids[start:stop]`` by their labels, uint32 (n,)."""
    for i in range(start, stop):
        ids[i] = labels[ids[i]]


@kernel
def count_pairs(sources: U32, targets: U32, start: int, stop: int, degrees: I64) -> None:
    """Add both ends of pairs ``start..stop`` to ``degrees`` int64 (n,)."""
    for i in range(start, stop):
        degrees[sources[i]] += 1
        degrees[targets[i]] += 1


@kernel
def mirror_pairs(sources: U32, targets: U32, start: int, stop: int, places: I64, rows: U32) -> None:
    """Write pairs ``start..stop`` into the rows of both ends.

    The pairs are u < v, in ascending order of (u, v): then an agent's row gets the smaller ids
    first, both parts ascending, and needs no sort. ``places`` int64 (n,): next free place of each
    row, advanced; ``rows`` uint32 (twice the pairs,).
    """
    for i in range(start, stop):
        u = sources[i]
        v = targets[i]
        rows[places[u]] = v
        places[u] += 1
        rows[places[v]] = u
        places[v] += 1
