"""Groups of agents, such as communities: ties between them, top members, adoption by group.

``row_of`` is int32 (n,): the group of each agent, always in 0..groups - 1.
"""

from __future__ import annotations

import numpy as np

from sim.arrays import I32, I64, U8, Ids
from sim.jit.jit import kernel

_NOBODY = np.uint32(0xFFFFFFFF)


@kernel
def count_links(rows: Ids, targets: Ids, row_of: I32, begin: int, end: int, links: I64) -> None:
    """Add the ties of the sources ``begin`` to ``end - 1`` to ``links``, int64 (groups, groups).

    ``links[a, b]`` counts ties whose source is in group a and whose target is in group b.
    """
    for u in range(begin, end):
        own = row_of[u]
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            links[own, row_of[targets[e]]] += 1


@kernel
def pick_best(row_of: I32, degree: Ids, best: I64) -> None:
    """Write each group's members of highest ``degree`` into ``best``, int64 (groups, k), -1: none.

    Highest first; equal degrees by lower index. ``degree`` is uint32 (n,).
    """
    width = best.shape[1]
    for v in range(row_of.size):
        own = best[row_of[v]]
        place = width
        while place > 0 and (own[place - 1] < 0 or degree[own[place - 1]] < degree[v]):
            place -= 1
        if place < width:
            for j in range(width - 1, place, -1):
                own[j] = own[j - 1]
            own[place] = v


@kernel
def follow(
    agents: Ids,
    ticks: I32,
    sources: Ids,
    begin: int,
    end: int,
    first: int,
    when: I32,
    level: I32,
    caused: I64,
    levels: I64,
) -> int:
    """Process entries ``begin`` to ``end - 1`` of a cascade's log; return the longest chain seen.

    ``caused`` counts by the adoption tick of the source, ``levels`` by distance from the seeds; the
    last entry of each holds all later or farther ones; both are added to. ``when`` is -1 at first.
    """
    deepest = 0
    last = levels.size - 1
    latest = caused.size - 1
    for i in range(begin, end):
        v = agents[i]
        when[v] = ticks[i] - first
        level[v] = 0
        if sources[i] != _NOBODY and when[sources[i]] >= 0:
            level[v] = level[sources[i]] + 1
        depth = int(level[v])
        levels[min(last, depth)] += 1
        deepest = max(deepest, depth)
    for i in range(begin, end):  # a source may come after those it convinced in the same tick
        if sources[i] != _NOBODY and 0 <= when[sources[i]] <= ticks[i] - first:
            caused[min(latest, int(when[sources[i]]))] += 1
    return deepest


@kernel
def spread_out(
    agents: Ids,
    ticks: I32,
    begin: int,
    end: int,
    first: int,
    width: int,
    row_of: I32,
    heat: I64,
    onset: I64,
) -> None:
    """Add the entries ``begin`` to ``end - 1`` of a log to a table of groups by time.

    The last column holds all later adopters; agents beyond the end of ``row_of`` are left out.
    ``heat`` (groups, columns) is added to; ``onset`` is -1 before a group's first adoption.
    """
    last = heat.shape[1] - 1
    for i in range(begin, end):
        if agents[i] >= row_of.size:
            continue
        row = row_of[agents[i]]
        heat[row, min(last, int(ticks[i] - first) // width)] += 1
        if onset[row] < 0:
            onset[row] = ticks[i]


@kernel
def reach(
    rows: Ids,
    targets: Ids,
    seeds: Ids,
    limit: int,
    marks: U8,
    ring: Ids,
) -> tuple[int, int, int]:
    """Return (non-seed followers of seeds, agents reached including seeds, ties followed).

    The search ends when all reachable agents are found, or once more than ``limit`` ties were
    followed and all seeds are done. ``seeds`` are distinct; ``marks`` is uint8 (n,) of zeros and
    ``ring`` uint32 (n,), both scratch.
    """
    count = 0
    for seed in seeds:
        marks[seed] = 1
        ring[count] = seed
        count += 1
    direct = 0
    place = 0
    followed = 0
    while place < count and (followed <= limit or place < seeds.size):
        u = ring[place]
        followed += int(rows[u, 1])
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            v = targets[e]
            if marks[v] == 0:
                marks[v] = 1
                ring[count] = v
                count += 1
        place += 1
        if place == seeds.size:
            direct = count - seeds.size
    return direct, count, followed


@kernel
def gather(rows: Ids, targets: Ids, founder: int, marks: U8, ring: Ids) -> int:
    """Write the agents nearest to ``founder`` along ties into ``ring``, starting with it.

    ``marks`` is uint8 (n,): 1 for excluded agents, and for each agent found; ``ring``
    is uint32 (most,). Returns the number of agents found.
    """
    ring[0] = founder
    marks[founder] = 1
    count = 1
    place = 0
    while place < count and count < ring.size:
        u = ring[place]
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            v = targets[e]
            if marks[v] == 0 and count < ring.size:
                marks[v] = 1
                ring[count] = v
                count += 1
        place += 1
    return count
