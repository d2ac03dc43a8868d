"""Network analysis: PageRank, components, paths, cores, clustering, communities, subgraphs.

Functions of :class:`~sim.network.graph.ties.Ties` that return arrays or numbers and change nothing.
Costly results are cached with the ties until these change; arrays are read-only. All accept a
``report`` that may cancel. "Neighbours" are tied in either direction; where a function considers
neighbours, a tie and its reverse count once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, I32, I64, Ids
from sim.core import rng
from sim.core.progress import Report, quiet
from sim.core.rng import Stream
from sim.errors import InputError, ParameterError, UnknownNameError
from sim.network.analysis import clustering_kernels as triangle_kernels
from sim.network.analysis import communities as detection
from sim.network.analysis import components_kernels as kernels
from sim.network.analysis import cores_kernels as core_kernels
from sim.network.analysis import pagerank_kernels as rank_kernels
from sim.network.analysis import paths_kernels as paths
from sim.network.analysis.communities import by_size
from sim.network.graph.arcs import NO_TRUST, chunks, even_chunks, merged, transposed
from sim.network.graph.slab import SlabArrays
from sim.network.graph.ties import Ties

Result = TypeVar("Result")
_SEARCHES = 64  # breadth-first searches a sweep: bits of a word


@dataclass(frozen=True, slots=True)
class MeasureEstimate:
    """A number with its standard error."""

    value: float
    error: float = 0.0
    sampled: int = 0


METHODS = ("louvain", "label-propagation", "leiden")
"""Methods of :func:`communities`."""


def _kept(ties: Ties, name: object, make: Callable[[], Result]) -> Result:
    """Return the cached result ``name`` of this version of the network; compute it if missing."""
    memo = ties.memo
    if name not in memo:
        made = make()
        if isinstance(made, np.ndarray):
            made.flags.writeable = False
        memo[name] = made
    kept: Result = memo[name]
    return kept


def undirected(ties: Ties, report: Report = quiet) -> tuple[Ids, Ids]:
    """Return (rows, targets) of each agent's neighbours, ascending: each tie in both directions."""
    if ties.is_symmetric:
        return ties.rows, ties.targets
    own = (ties.rows, ties.targets, NO_TRUST)
    back = ties.reverse if ties.has_reverse else None
    turned = (
        (back.rows, back.targets, NO_TRUST)
        if back is not None
        else transposed(*own, ties.in_degree, report)
    )
    rows, targets, _ = merged(own, turned, report)
    return rows, targets


def degrees(ties: Ties, report: Report = quiet) -> Ids:
    """Return the number of neighbours of each agent, uint32 (n,)."""
    return _kept(ties, "degrees", lambda: undirected(ties, report)[0][:, 1].copy())


def pagerank(ties: Ties, *, damping: float = 0.85, report: Report = quiet) -> F64:
    """Return the PageRank of each agent: high if it is followed by agents of high rank.

    A walker moves from an agent to one that it follows, so that rank flows against the ties,
    towards the influential; from agents that follow nobody it jumps anywhere. Page et al., "The
    PageRank citation ranking", 1999.

    Parameters
    ----------
    ties
        The network.
    damping
        Probability of taking a step instead of a jump, in [0, 1).
    report
        Progress callback; may cancel.

    Returns
    -------
    float64 (n,), positive except 0 for destroyed agents, sum 1, exact to 1e-9 in sum
    """
    if not 0 <= damping < 1:
        raise ParameterError(f"PageRank: damping must be in [0, 1), got {damping}.")
    return _kept(ties, ("pagerank", damping), lambda: ranked(ties, damping, report))


def _without_gone(ties: Ties, labels: I32) -> I32:
    """Return labels with -1 for destroyed agents, who are isolated, renumbered without gaps."""
    if not ties.gone.size:
        return labels
    kept = np.ones(ties.agents, np.bool_)
    kept[ties.gone] = False
    found = np.full(ties.agents, -1, np.int32)
    found[kept] = np.unique(labels[kept], return_inverse=True)[1]
    return found


def components(ties: Ties, report: Report = quiet) -> I32:
    """Return the component of each agent, int32 (n,): 0 is the largest. Direction is ignored.

    Sorted by size, largest first, then by lowest agent. -1: destroyed.
    """
    return _kept(
        ties, "components", lambda: _without_gone(ties, weak(ties.rows, ties.targets, report))
    )


def strong_components(ties: Ties, report: Report = quiet) -> I32:
    """Return the strong component of each agent, int32 (n,); labels as in :func:`components`."""
    if ties.is_symmetric:
        return components(ties, report)
    return _kept(
        ties, "strong", lambda: _without_gone(ties, strong(ties.rows, ties.targets, report))
    )


def distances(ties: Ties, agent: int, report: Report = quiet) -> I32:
    """Return the number of ties from ``agent`` to each agent, int32 (n,); -1: unreachable."""
    return search(ties.rows, ties.targets, _existing(ties, agent), report)


def shortest_path(ties: Ties, start: int, goal: int) -> tuple[int, ...] | None:
    """Return the agents on a shortest path from ``start`` to ``goal`` along ties; or None.

    Both ends are included. Builds the reverse of a directed network on first use.

    Raises
    ------
    InputError
        For an agent that does not exist.
    """
    start, goal = _existing(ties, start), _existing(ties, goal)
    back = ties.reverse
    return path_between((ties.rows, ties.targets), (back.rows, back.targets), start, goal)


def _existing(ties: Ties, agent: int) -> int:
    if not 0 <= agent < ties.agents:
        raise InputError(
            f"No agent {agent}: the network has {ties.agents:,} agents, counted from 0."
        )
    return int(agent)


def core_numbers(ties: Ties, report: Report = quiet) -> I32:
    """Return the core number of each agent, int32 (n,): the largest k whose k-core contains it.

    Seidman, "Network structure and minimum degree", Social Networks 1983.
    """
    return _kept(ties, "cores", lambda: peeled(*undirected(ties, report), report))


def triangles(ties: Ties, report: Report = quiet) -> I64:
    """Return the number of triangles of neighbours that each agent is in, int64 (n,)."""
    return _local(ties, report)[0]


def local_clustering(ties: Ties, report: Report = quiet) -> F64:
    """Return the share of pairs of neighbours that are tied to each other, float64 (n,) in [0, 1].

    0 for agents with fewer than two neighbours. Watts & Strogatz, Nature 1998.
    """
    found, pairs = _local(ties, report)
    return np.divide(found, pairs, out=np.zeros(len(pairs)), where=pairs > 0)


def _local(ties: Ties, report: Report) -> tuple[I64, I64]:
    """Return (triangles, pairs of neighbours) of each agent."""

    def make() -> tuple[I64, I64]:
        rows, targets = undirected(ties, report)
        n = len(rows)
        oriented = np.empty_like(rows), np.empty(targets.size // 2, np.uint32)
        triangle_kernels.orient(rows, targets, *oriented)
        marks, found = np.full(n, -1, np.int32), np.zeros(n, np.int64)
        for begin, end in even_chunks(oriented[0], 1 << 19):
            report("counting triangles", begin / n)
            triangle_kernels.count_triangles(*oriented, begin, end, marks, found)
        near = rows[:, 1].astype(np.int64)
        pairs: I64 = near * (near - 1) // 2
        found.flags.writeable = pairs.flags.writeable = False
        return found, pairs

    return _kept(ties, "triangles", make)


def transitivity(ties: Ties, report: Report = quiet) -> float:
    """Return the share of connected triples that are closed, in [0, 1]; 0 if there are none."""
    found, pairs = _local(ties, report)
    return float(found.sum()) / max(1, int(pairs.sum()))


def clustering(
    ties: Ties, sample: int | None = None, *, seed: int = 0, report: Report = quiet
) -> MeasureEstimate:
    """Return the mean of :func:`local_clustering` over all agents, or its estimate.

    From ``sample`` draws: of a random agent, are two random neighbours tied? The error
    falls with the square root of ``sample``, whatever the size of the network.
    """
    if _checked_sample(sample) is None:
        total = float(local_clustering(ties, report).sum())  # 0 for destroyed agents
        return MeasureEstimate(total / max(ties.members, 1))
    key = rng.key(seed, Stream.CLUSTERING)
    count = sample or 1

    def make() -> MeasureEstimate:
        rows, targets = undirected(ties, report)
        agents = (rng.words(key, np.arange(count)) % np.uint64(max(1, len(rows)))).astype(np.uint32)
        closed = triangle_kernels.closed_wedges(rows, targets, agents, key) if len(rows) else 0
        share = closed / count
        error = float(np.sqrt(share * (1 - share) / count))
        more = ties.agents / max(ties.members, 1)  # destroyed agents were drawn too, closing none
        return MeasureEstimate(share * more, error * more, count)

    return _kept(ties, ("clustering", sample, seed), make)


def path_length(
    ties: Ties, sample: int | None = 64, *, seed: int = 0, report: Report = quiet
) -> MeasureEstimate:
    """Return the mean shortest-path length along ties, over connected pairs."""
    _checked_sample(sample)

    return _kept(
        ties,
        ("paths", sample, seed),
        lambda: _mean_path_length(ties.rows, ties.targets, sample, seed, report),
    )


def _mean_path_length(
    rows: Ids, targets: Ids, sample: int | None, seed: int, report: Report = quiet
) -> MeasureEstimate:
    """Return the mean distance along ties, over connected pairs of different agents."""
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


def _checked_sample(sample: int | None) -> int | None:
    if sample is not None and sample < 1:
        raise InputError(f"A sample has at least 1 draw, got {sample}.")
    return sample


def reciprocity(ties: Ties, report: Report = quiet) -> float:
    """Return the share of ties whose reverse exists, in [0, 1]; 0 without ties."""
    if ties.is_symmetric:
        return 1.0 if ties.count else 0.0
    pairs = int(degrees(ties, report).sum(dtype=np.int64))
    return (2 * ties.count - pairs) / ties.count


def assortativity(ties: Ties, report: Report = quiet) -> float:
    """Return the degree correlation at both ends of a tie; 0 if undefined.

    Newman, "Assortative mixing in networks", Phys. Rev. Lett. 2002.
    """

    def make() -> float:
        rows, targets = undirected(ties, report)
        if targets.size == 0:
            return 0.0
        degree = rows[:, 1].astype(np.float64)
        count = float(targets.size)
        mean = float((degree**2).sum()) / count
        variance = float((degree**3).sum()) / count - mean**2
        both = triangle_kernels.sum_of_products(rows, targets) / count
        return (both - mean**2) / variance if variance > 1e-12 * mean**2 else 0.0

    return _kept(ties, "assortativity", make)


def communities(
    ties: Ties, method: str = "louvain", *, seed: int = 0, report: Report = quiet
) -> I32:
    """Return the community of each agent, int32 (n,): 0 is the largest.

    Parameters
    ----------
    ties
        The network.
    method
        ``"louvain"``, ``"label-propagation"`` (faster, coarser), or ``"leiden"`` (through igraph,
        up to 200,000 agents).
    seed
        Any integer: decides in what order agents move. Equal seeds give equal communities.
    report
        Progress callback; may cancel.

    Returns
    -------
    int32 (n,)
        Sorted by size, largest first, then by lowest agent.

    Raises
    ------
    UnknownNameError
        For another method.
    CapacityError
        For Leiden on a larger world.
    """
    if method not in METHODS:
        raise UnknownNameError("method of finding communities", method, METHODS)
    return _kept(
        ties,
        ("communities", method, seed),
        lambda: _without_gone(ties, _found(ties, method, seed, report)),
    )


def _found(ties: Ties, method: str, seed: int, report: Report) -> I32:
    if method == "leiden":
        detection.refuse_leiden(ties.agents)
        return detection.leiden(*undirected(ties, report), seed, report)
    act = detection.louvain if method == "louvain" else detection.label_propagation
    return act(*undirected(ties, report), rng.key(seed, Stream.ANALYSIS), report)


def modularity(ties: Ties, labels: npt.ArrayLike, report: Report = quiet) -> float:
    """Return how much more often neighbours share a community than by chance, in [-0.5, 1].

    Newman & Girvan, "Finding and evaluating community structure in networks", Phys. Rev. E 2004.
    """
    given = np.asarray(labels)
    if given.shape != (ties.agents,) or given.dtype.kind not in "iu":
        raise InputError(
            f"Communities need one integer an agent ({ties.agents:,}), "
            f"got {given.dtype.name} {given.shape}."
        )
    if ties.agents == 0:
        return 0.0
    _, found = np.unique(given, return_inverse=True)
    own: I32 = found.astype(np.int32)
    alone = given < 0
    own[alone] = own.max() + 1 + np.arange(int(alone.sum()), dtype=np.int32)
    return detection.modularity(*undirected(ties, report), own, report)


def top(values: npt.ArrayLike, k: int) -> Ids:
    """Return the ``k`` agents with the highest values, highest first; equal ones by lower id."""
    measured = np.asarray(values)
    count = min(k, measured.size)
    if count < 1:
        return np.empty(0, np.uint32)
    least = np.partition(measured, measured.size - count)[measured.size - count]
    sure = np.flatnonzero(measured > least)
    even = np.flatnonzero(measured == least)[: count - sure.size]
    chosen = np.concatenate((sure, even))
    order = np.lexsort((chosen, -measured[chosen].astype(np.float64)))
    return chosen[order].astype(np.uint32)


_TOLERANCE = 1e-9  # sum of the errors of all PageRanks; igraph's own is 1e-10
_SWEEPS = 1000
_SLICE = 1 << 16  # agents a kernel call


def ranked(ties: Ties, damping: float, report: Report) -> F64:
    """Return PageRanks; see :func:`sim.network.analysis.analysis.pagerank`."""
    rows, targets, n = ties.rows, ties.targets, ties.agents
    hears = ties.in_degree.astype(np.float64)
    passed = np.divide(damping, hears, out=np.zeros(n), where=hears > 0)
    base, length = 1.0 - damping, rows[:, 1].astype(np.float64)
    rank = base + damping * length / max(float(length.mean()) if n else 0.0, 1e-300)
    share = rank * passed
    for sweep in range(_SWEEPS):
        change = 0.0
        for begin, end in even_chunks(rows):
            report("ranking", sweep / (sweep + 10))
            change += rank_kernels.sweep(rows, targets, passed, base, begin, end, rank, share)
        # In the solution inflow equals outflow: without this the sum converges last.
        through = damping * float(rank.sum(where=hears > 0))
        scale = n * base / (float(rank.sum()) - through) if n else 1.0
        rank *= scale
        share *= scale
        if change * damping <= _TOLERANCE * n * base:
            break
    rank[ties.gone] = 0.0  # they are isolated: they passed no rank to others
    return rank / max(float(rank.sum()), 1e-300)


def peeled(rows: Ids, targets: Ids, report: Report) -> I32:
    """Return cores from both directions of each tie; see ``analysis.core_numbers``."""
    n = len(rows)
    core = rows[:, 1].astype(np.int32)
    first = np.zeros(int(core.max(initial=0)) + 2, np.int64)
    order, place = np.empty(n, np.int32), np.empty(n, np.int32)
    core_kernels.sort_by_degree(core, first, order, place)
    for begin, end in chunks(n, _SLICE):
        report("peeling cores", begin / n)
        core_kernels.peel(rows, targets, begin, end, core, first, order, place)
    return core


_BUDGET = 1 << 20  # ties a kernel call, where memory access is random
_SAMPLED = 2  # ties of each row that are joined before the rest


def weak(rows: Ids, targets: Ids, report: Report = quiet) -> I32:
    """Return each agent's component, ignoring the direction of ties, largest first."""
    parent = np.arange(len(rows), dtype=np.int32)
    for first, most in ((0, _SAMPLED), (_SAMPLED, 1 << 32)):
        for begin, end in even_chunks(rows):
            report("joining components", begin / len(rows))
            kernels.join_ends(rows, targets, first, most, begin, end, parent)
        kernels.flatten(parent)
    return by_size(parent)


def strong(rows: Ids, targets: Ids, report: Report = quiet) -> I32:
    """Return each agent's strong component, largest first: members reach each other along ties."""
    n = len(rows)
    state, label = np.zeros(5, np.int64), np.full(n, -1, np.int32)
    order, low, cursor = np.zeros(n, np.int32), np.zeros(n, np.int32), np.zeros(n, np.uint32)
    stacks = np.empty(n, np.uint32), np.empty(n, np.uint32)
    done = False
    while not done:
        report("searching strong components", float(state[3]) / max(1, n))
        done = kernels.strong_search(
            rows, targets, _BUDGET, state, order, low, cursor, *stacks, label
        )
    return by_size(label)


def search(rows: Ids, targets: Ids, start: int, report: Report = quiet) -> I32:
    """Return each agent's distance from ``start`` in ties, int32 (n,); -1: unreachable."""
    n = len(rows)
    distance, queue = np.full(n, -1, np.int32), np.empty(n, np.uint32)
    distance[start], queue[0] = 0, start
    begin, tail = 0, 1
    while begin < tail:
        report("searching", begin / n)
        end = min(tail, begin + _BUDGET // 16)
        begin, tail = end, paths.expand(rows, targets, begin, end, queue, tail, distance)
    return distance


def path_between(
    forward: tuple[Ids, Ids], backward: tuple[Ids, Ids], start: int, goal: int
) -> tuple[int, ...] | None:
    """Return the agents on a shortest path from ``start`` to ``goal``, both included; or None.

    Two searches grow towards each other; the one with the smaller frontier is expanded first.
    ``forward``, ``backward`` are (rows, targets) of the network and of its reverse.
    """
    if start == goal:
        return (start,)
    sides = [_Side(*forward, start), _Side(*backward, goal)]
    met = -1
    while met < 0:
        near, far = sorted(sides, key=lambda side: side.edge)
        if near.edge == 0:
            return None
        met = near.grow(far)
    there, back = sides[0].trail(met), sides[1].trail(met)
    return (*reversed(there), *back[1:])


class _Side:
    """One side of a bidirectional search."""

    def __init__(self, rows: Ids, targets: Ids, start: int) -> None:
        self._network = (rows, targets)
        self._came_from = np.full(len(rows), -1, np.int32)
        self._queue = np.empty(len(rows), np.uint32)
        self._came_from[start], self._queue[0] = start, start
        self._begin, self._tail = 0, 1

    @property
    def edge(self) -> int:
        """The number of agents in the frontier."""
        return self._tail - self._begin

    def grow(self, other: _Side) -> int:
        """Expand the frontier by one step; return an agent that both sides have reached, or -1."""
        begin, end = self._begin, self._tail
        self._begin = end
        self._tail, met = paths.meet(
            *self._network, begin, end, self._queue, end, self._came_from, other._came_from
        )
        return int(met)

    def trail(self, agent: int) -> tuple[int, ...]:
        """Return the agents from ``agent`` back to the start of this side."""
        out = np.empty(len(self._queue), np.uint32)
        return tuple(out[: paths.trace(self._came_from, agent, out)].tolist())


class Subgraph(NamedTuple):
    """A part of a network.

    Attributes
    ----------
    agents
        uint32 (k,): ascending.
    steps
        int32 (k,): distance of each from the centre.
    sources, targets
        uint32 (m,): every tie between two of the agents.
    trust
        uint16 (m,) / 65535, or (0,).
    kind
        uint8 (m,), or (0,).
    is_cut
        Whether some agents within reach were left out.
    """

    agents: Ids
    steps: npt.NDArray[np.int32]
    sources: Ids
    targets: Ids
    trust: npt.NDArray[np.uint16]
    kind: npt.NDArray[np.uint8]
    is_cut: bool


def subgraph(ties: Ties, agent: int, radius: int, most: int) -> Subgraph:
    """Return at most ``most`` agents within ``radius`` steps of one, ignoring direction.

    If there are more, those of the last step with the lowest ids are included.
    """
    ways = ties.live, ties.reverse.live
    known = np.array([agent], np.uint32)
    steps, front, is_cut = np.zeros(1, np.int32), known, False
    for step in range(1, radius + 1):
        met = np.unique(np.concatenate([_row_of(live, front)[0] for live in ways]))
        front = np.setdiff1d(met, known, assume_unique=False)
        if known.size + front.size > most:
            front, is_cut = front[: most - known.size], True
        known = np.append(known, front)
        steps = np.append(steps, np.full(front.size, step, np.int32))
        if is_cut or not front.size:
            break
    order = np.argsort(known)
    agents: Ids = known[order].astype(np.uint32)
    return Subgraph(agents, steps[order], *_between(ties.live, agents), is_cut)


def induced(ties: Ties, agents: npt.ArrayLike) -> tuple[Ties, Ids]:
    """Return the network of the ties between some agents, and the agents.

    Parameters
    ----------
    ties
        The whole network.
    agents
        Indices; those that were destroyed are left out.

    Returns
    -------
    tuple of Ties and uint32 (k,)
        Agent i of the network is the i-th of the second, which is ascending.

    Raises
    ------
    InputError
        If no agent is left, or for an agent that does not exist.

    Examples
    --------
    >>> ties = Ties.from_arcs([0, 1, 3], [1, 3, 2])
    >>> part, who = induced(ties, [0, 1, 3])
    >>> part.count, who.tolist()
    (2, [0, 1, 3])
    """
    asked = np.unique(np.asarray(agents, np.int64))
    if asked.size and not 0 <= asked[0] <= asked[-1] < ties.agents:
        raise InputError(f"Agents are 0 to {ties.agents - 1}, got {asked[0]} to {asked[-1]}.")
    who: Ids = np.setdiff1d(asked, ties.gone).astype(np.uint32)
    if not who.size:
        raise InputError("No member matches; choose others to measure.")
    sources, targets, trust, _ = _between(ties.live, who)
    ends = np.searchsorted(who, sources), np.searchsorted(who, targets)
    return Ties.from_arcs(*ends, who.size, trust=trust if trust.size else None), who


def _between(
    live: SlabArrays, agents: Ids
) -> tuple[Ids, Ids, npt.NDArray[np.uint16], npt.NDArray[np.uint8]]:
    targets, places = _row_of(live, agents)
    sources = np.repeat(agents, live.rows[agents, 1])
    inside = np.isin(targets, agents)
    places = places[inside]
    trust = live.trust[places] if live.trust.size else live.trust
    kind = live.kind[places] if live.kind.size else live.kind
    return sources[inside], targets[inside], trust, kind


def _row_of(live: SlabArrays, agents: Ids) -> tuple[Ids, npt.NDArray[np.int64]]:
    """Return the concatenated ids of some rows, and their places."""
    starts, lengths = live.rows[agents].astype(np.int64).T
    before = np.cumsum(lengths) - lengths
    places = np.arange(int(lengths.sum())) + np.repeat(starts - before, lengths)
    return live.ids[places], places
