"""Numbers that describe a network: clustering, path length, reciprocity, degrees.

Measures that exist both exactly and by sample come as an :class:`MeasureEstimate` with its standard
error. "Neighbours" are agents tied in either direction; paths follow the direction of ties.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sim.arrays import I64, Ids
from sim.core import rng
from sim.core.progress import Report, quiet
from sim.core.rng import Stream
from sim.errors import InputError
from sim.network.analysis import clustering_kernels as kernels
from sim.network.analysis import paths_kernels as paths
from sim.network.graph.arcs import even_chunks

_SEARCHES = 64  # breadth-first searches a sweep: bits of a word


@dataclass(frozen=True, slots=True)
class MeasureEstimate:
    """A number, and how sure it is."""

    value: float
    error: float = 0.0
    sampled: int = 0


@dataclass(frozen=True, slots=True)
class Degrees:
    """How many ties agents have."""

    mean: float
    median: float
    p90: float
    p99: float
    most: int
    none: int
    bins: tuple[tuple[int, int, int], ...]


def degree_summary(degree: Ids) -> Degrees:
    """Return what ``degree`` uint32 (n,) is like; all zeros for nobody."""
    if degree.size == 0:
        return Degrees(0.0, 0.0, 0.0, 0.0, 0, 0, ())
    most = int(degree.max())
    counts = np.bincount(degree)
    below = np.concatenate(([0], np.cumsum(counts)))
    edges = [1 << k for k in range(most.bit_length() + 1)] if most else []
    bins = tuple(
        (low, high, int(below[min(high, most + 1)] - below[low])) for low, high in pairwise(edges)
    )
    middle, p90, p99 = (float(x) for x in np.percentile(degree, (50, 90, 99)))
    return Degrees(float(degree.mean()), middle, p90, p99, most, int(counts[0]), bins)


def triangles(rows: Ids, targets: Ids, report: Report = quiet) -> I64:
    """Return how many triangles each agent is in, int64 (n,).

    ``rows``, ``targets`` hold both directions of each tie.
    """
    n = len(rows)
    oriented = np.empty_like(rows), np.empty(targets.size // 2, np.uint32)
    kernels.orient(rows, targets, *oriented)
    marks, found = np.full(n, -1, np.int32), np.zeros(n, np.int64)
    for begin, end in even_chunks(oriented[0], 1 << 19):
        report("counting triangles", begin / n)
        kernels.count_triangles(*oriented, begin, end, marks, found)
    return found


def mean_clustering(rows: Ids, targets: Ids, sample: int, key: np.uint64) -> MeasureEstimate:
    """Return the mean local clustering of agents, from ``sample`` draws.

    Of a random agent, do two random neighbours know each other? ``rows``, ``targets`` as in
    :func:`triangles`; the error falls with the root of ``sample`` alone, whatever the size.
    """
    agents = (rng.words(key, np.arange(sample)) % np.uint64(max(1, len(rows)))).astype(np.uint32)
    closed = kernels.closed_wedges(rows, targets, agents, key) if len(rows) else 0
    share = closed / sample
    return MeasureEstimate(share, float(np.sqrt(share * (1 - share) / sample)), sample)


def mean_path_length(
    rows: Ids, targets: Ids, sample: int | None, seed: int, report: Report = quiet
) -> MeasureEstimate:
    """Return the mean distance along ties, over pairs of different agents that a path joins."""
    n = len(rows)
    starts = _starts(n, n if sample is None else min(sample, n), seed)
    reached, summed = np.zeros(starts.size, np.int64), np.zeros(starts.size, np.int64)
    for begin in range(0, starts.size, _SEARCHES):
        batch = slice(begin, min(begin + _SEARCHES, starts.size))
        done = begin / starts.size
        reached[batch], summed[batch] = _search_many(rows, targets, starts[batch], done, report)
    total = int(reached.sum())
    if total == 0:
        return MeasureEstimate(0.0)
    mean, k = int(summed.sum()) / total, starts.size
    if k == n or k == 1:
        return MeasureEstimate(mean, 0.0 if k == n else float("inf"), 0 if k == n else 1)
    spread = float(((summed - mean * reached) ** 2).sum()) / (k - 1)
    return MeasureEstimate(mean, float(np.sqrt(spread * (1 - k / n) / k)) / (total / k), k)


def _starts(agents: int, count: int, seed: int) -> Ids:
    if count == agents:
        return np.arange(agents, dtype=np.uint32)
    bits = rng.words(rng.key(seed, Stream.SAMPLE), np.arange(agents))
    return np.sort(np.argpartition(bits, count)[:count]).astype(np.uint32)


def _search_many(
    rows: Ids, targets: Ids, starts: Ids, done: float, report: Report
) -> tuple[I64, I64]:
    """Return (agents reached, sum of their distances) of up to 64 searches at once."""
    n = len(rows)
    front, seen, reached = (np.zeros(n, np.uint64) for _ in range(3))
    reached[starts] = np.uint64(1) << np.arange(starts.size, dtype=np.uint64)
    counts = np.zeros(_SEARCHES, np.int64)
    paths.settle_many(reached, seen, front, counts)
    counts[:] = 0
    found, summed = np.zeros_like(counts), np.zeros_like(counts)
    standing, distance = starts.size, 0
    while standing:
        distance += 1
        for begin, end in even_chunks(rows):
            report("measuring paths", done)
            paths.spread_many(rows, targets, begin, end, front, reached)
        counts[:] = 0
        standing = paths.settle_many(reached, seen, front, counts)
        found += counts
        summed += distance * counts
    return found[: starts.size], summed[: starts.size]


def assortativity(rows: Ids, targets: Ids) -> float:
    """Return the correlation of the degrees at both ends of a tie, in [-1, 1]; 0 if undefined.

    ``rows``, ``targets`` hold both directions of each tie. Newman, "Assortative mixing in
    networks", Phys. Rev. Lett. 2002.
    """
    if targets.size == 0:
        return 0.0
    degree = rows[:, 1].astype(np.float64)
    ties = float(targets.size)
    mean = float((degree**2).sum()) / ties
    variance = float((degree**3).sum()) / ties - mean**2
    both = kernels.sum_of_products(rows, targets) / ties
    return (both - mean**2) / variance if variance > 1e-12 * mean**2 else 0.0


def checked_sample(sample: int | None) -> int | None:
    """Return ``sample``, or refuse it unless it is None or at least 1."""
    if sample is not None and sample < 1:
        raise InputError(f"A sample has at least 1 draw, got {sample}.")
    return sample
