"""The face of network analysis: PageRank, components, paths, cores, clustering, communities.

Functions of :class:`~sim.network.graph.ties.Ties` that return arrays or numbers and change nothing.
Costly results are kept with the ties until these change; arrays are read-only. All take a
``report`` that may cancel. "Neighbours" are tied in either direction; where a function looks at
neighbours, a tie and its reverse are one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from sim.core import rng
from sim.core.progress import Report, quiet
from sim.core.rng import Stream
from sim.errors import InputError, ParameterError, UnknownNameError
from sim.network.analysis import centrality, measures
from sim.network.analysis import communities as detection
from sim.network.analysis import paths as reach
from sim.network.analysis.measures import MeasureEstimate, checked_sample
from sim.network.graph.arcs import NO_TRUST, merged, transposed
from sim.network.graph.ties import Ties

__all__ = [
    "METHODS",
    "MeasureEstimate",
    "assortativity",
    "clustering",
    "communities",
    "components",
    "core_numbers",
    "degrees",
    "distances",
    "local_clustering",
    "modularity",
    "pagerank",
    "path_length",
    "reciprocity",
    "shortest_path",
    "strong_components",
    "top",
    "transitivity",
    "triangles",
    "undirected",
]

Ids = npt.NDArray[np.uint32]
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Result = TypeVar("Result")

METHODS = ("louvain", "label-propagation", "leiden")
"""How :func:`communities` can be found."""


def _kept(ties: Ties, name: object, make: Callable[[], Result]) -> Result:
    """Return the result ``name`` of this version of the network, made at the first request."""
    memo = ties.memo
    if name not in memo:
        made = make()
        if isinstance(made, np.ndarray):
            made.flags.writeable = False
        memo[name] = made
    kept: Result = memo[name]
    return kept


def undirected(ties: Ties, report: Report = quiet) -> tuple[Ids, Ids]:
    """Return (rows, targets) of the neighbours of each agent, rising: each tie in both directions.

    A symmetric network's own arrays; else new ones, of up to 8 bytes a tie, which are not kept.
    """
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
    """Return how many neighbours each agent has, uint32 (n,)."""
    return _kept(ties, "degrees", lambda: undirected(ties, report)[0][:, 1].copy())


def pagerank(ties: Ties, *, damping: float = 0.85, report: Report = quiet) -> Floats:
    """Return the PageRank of each agent: who is heard by those who are heard.

    A walker goes from a listener to one of those it hears, so that rank flows against the ties,
    towards the influential; from agents that hear nobody it jumps to anybody. Page et al., "The
    PageRank citation ranking", 1999.

    Parameters
    ----------
    ties
        The network.
    damping
        Chance of a step against a jump, in [0, 1).
    report
        Told of progress; may cancel.

    Returns
    -------
    float64 (n,), positive but for who is gone, sum 1, exact to 1e-9 in sum
    """
    if not 0 <= damping < 1:
        raise ParameterError(f"PageRank: damping must be in [0, 1), got {damping}.")
    return _kept(ties, ("pagerank", damping), lambda: centrality.ranked(ties, damping, report))


def _without_gone(ties: Ties, labels: Ints) -> Ints:
    """Return labels with -1 for those that are no part of the network any more; none is left out.

    They stand alone, so that no other label changes but for the gaps that theirs leave.
    """
    if not ties.gone.size:
        return labels
    kept = np.ones(ties.agents, np.bool_)
    kept[ties.gone] = False
    found = np.full(ties.agents, -1, np.int32)
    found[kept] = np.unique(labels[kept], return_inverse=True)[1]
    return found


def components(ties: Ties, report: Report = quiet) -> Ints:
    """Return the component of each agent, int32 (n,): 0 is the largest. Direction does not count.

    Labels rise with falling size; of equals, the one with the lowest agent comes first. -1: gone.
    """
    return _kept(
        ties,
        "components",
        lambda: _without_gone(ties, reach.weak(ties.rows, ties.targets, report)),
    )


def strong_components(ties: Ties, report: Report = quiet) -> Ints:
    """Return the strong component of each agent, int32 (n,): all in it reach each other.

    Labels as in :func:`components`.
    """
    if ties.is_symmetric:
        return components(ties, report)
    return _kept(
        ties,
        "strong",
        lambda: _without_gone(ties, reach.strong(ties.rows, ties.targets, report)),
    )


def distances(ties: Ties, agent: int, report: Report = quiet) -> Ints:
    """Return over how many ties a message of ``agent`` reaches each agent, int32 (n,); -1: never.

    Raises
    ------
    InputError
        For an agent that does not exist.
    """
    return reach.search(ties.rows, ties.targets, _existing(ties, agent), report)


def shortest_path(ties: Ties, start: int, goal: int) -> tuple[int, ...] | None:
    """Return the agents over which a message comes from ``start`` to ``goal`` soonest; or None.

    Both ends are included. Builds the reverse of a directed network on first use.

    Raises
    ------
    InputError
        For an agent that does not exist.
    """
    start, goal = _existing(ties, start), _existing(ties, goal)
    back = ties.reverse
    return reach.path_between((ties.rows, ties.targets), (back.rows, back.targets), start, goal)


def _existing(ties: Ties, agent: int) -> int:
    if not 0 <= agent < ties.agents:
        raise InputError(
            f"No agent {agent}: the network has {ties.agents:,} agents, counted from 0."
        )
    return int(agent)


def core_numbers(ties: Ties, report: Report = quiet) -> Ints:
    """Return the core of each agent, int32 (n,): the largest k of a group with k neighbours each.

    Seidman, "Network structure and minimum degree", Social Networks 1983.
    """
    return _kept(ties, "cores", lambda: centrality.peeled(*undirected(ties, report), report))


def triangles(ties: Ties, report: Report = quiet) -> Longs:
    """Return how many triangles of neighbours each agent is in, int64 (n,)."""
    return _local(ties, report)[0]


def local_clustering(ties: Ties, report: Report = quiet) -> Floats:
    """Return the share of pairs of neighbours that are neighbours, float64 (n,) in [0, 1].

    0 for agents with fewer than two neighbours. Watts & Strogatz, Nature 1998.
    """
    found, pairs = _local(ties, report)
    return np.divide(found, pairs, out=np.zeros(len(pairs)), where=pairs > 0)


def _local(ties: Ties, report: Report) -> tuple[Longs, Longs]:
    """Return (triangles, pairs of neighbours) of each agent."""

    def make() -> tuple[Longs, Longs]:
        rows, targets = undirected(ties, report)
        found, near = measures.triangles(rows, targets, report), rows[:, 1].astype(np.int64)
        pairs: Longs = near * (near - 1) // 2
        found.flags.writeable = pairs.flags.writeable = False
        return found, pairs

    return _kept(ties, "triangles", make)


def transitivity(ties: Ties, report: Report = quiet) -> float:
    """Return the share of chains of three agents that are closed, in [0, 1]; 0 without any."""
    found, pairs = _local(ties, report)
    return float(found.sum()) / max(1, int(pairs.sum()))


def clustering(
    ties: Ties, sample: int | None = None, *, seed: int = 0, report: Report = quiet
) -> MeasureEstimate:
    """Return the mean of :func:`local_clustering` over all agents.

    Parameters
    ----------
    ties
        The network.
    sample
        Draws, where an estimate is enough (its error is at most 0.5 / sqrt(sample)); None: exact.
    seed
        Any integer; decides the sample.
    report
        Told of progress; may cancel.
    """
    if checked_sample(sample) is None:
        total = float(local_clustering(ties, report).sum())  # 0 for those that are gone
        return MeasureEstimate(total / max(ties.members, 1))
    key = rng.key(seed, Stream.CLUSTERING)
    count = sample or 1

    def make() -> MeasureEstimate:
        found = measures.mean_clustering(*undirected(ties, report), count, key)
        more = ties.agents / max(ties.members, 1)  # who is gone was drawn too, and closes nothing
        return MeasureEstimate(found.value * more, found.error * more, found.sampled)

    return _kept(ties, ("clustering", sample, seed), make)


def path_length(
    ties: Ties, sample: int | None = 64, *, seed: int = 0, report: Report = quiet
) -> MeasureEstimate:
    """Return the mean number of ties on shortest paths, over pairs that a path joins.

    Parameters
    ----------
    ties
        The network.
    sample
        Agents whose distances to all others are measured, 64 at a time; None: all, exact.
    seed, report
        As in :func:`clustering`.
    """
    checked_sample(sample)

    def make() -> MeasureEstimate:
        return measures.mean_path_length(ties.rows, ties.targets, sample, seed, report)

    return _kept(ties, ("paths", sample, seed), make)


def reciprocity(ties: Ties, report: Report = quiet) -> float:
    """Return the share of ties whose reverse is a tie too, in [0, 1]; 0 without ties."""
    if ties.is_symmetric:
        return 1.0 if ties.count else 0.0
    pairs = int(degrees(ties, report).sum(dtype=np.int64))
    return (2 * ties.count - pairs) / ties.count


def assortativity(ties: Ties, report: Report = quiet) -> float:
    """Return the correlation of the numbers of neighbours at both ends of a tie; 0 if undefined."""
    return _kept(ties, "assortativity", lambda: measures.assortativity(*undirected(ties, report)))


def communities(
    ties: Ties, method: str = "louvain", *, seed: int = 0, report: Report = quiet
) -> Ints:
    """Return the community of each agent, int32 (n,): 0 is the largest.

    Parameters
    ----------
    ties
        The network.
    method
        ``"louvain"``, ``"label-propagation"`` (faster, coarser), or ``"leiden"`` (through igraph,
        up to 200,000 agents).
    seed
        Any integer: decides in what order agents choose. Equal seeds, equal communities.
    report
        Told of progress; may cancel.

    Returns
    -------
    int32 (n,)
        Labels rise with falling size; of equals, the one with the lowest agent comes first.

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


def _found(ties: Ties, method: str, seed: int, report: Report) -> Ints:
    if method == "leiden":
        detection.refuse_leiden(ties.agents)
        return detection.leiden(*undirected(ties, report), seed, report)
    act = detection.louvain if method == "louvain" else detection.label_propagation
    return act(*undirected(ties, report), rng.key(seed, Stream.ANALYSIS), report)


def modularity(ties: Ties, labels: npt.ArrayLike, report: Report = quiet) -> float:
    """Return how far neighbours share a community beyond chance, in [-0.5, 1].

    Newman & Girvan, "Finding and evaluating community structure in networks", Phys. Rev. E 2004.

    Parameters
    ----------
    ties
        The network.
    labels
        Integers (n,), the community of each agent; agents with -1 are each on their own.
    report
        Told of progress; may cancel.
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
    own: Ints = found.astype(np.int32)
    alone = given < 0
    own[alone] = own.max() + 1 + np.arange(int(alone.sum()), dtype=np.int32)
    return detection.modularity(*undirected(ties, report), own, report)


def top(values: npt.ArrayLike, k: int) -> Ids:
    """Return the ``k`` agents of highest value, highest first; of equals, the lower id.

    Parameters
    ----------
    values
        Numbers (n,).
    k
        How many; all where n is smaller.

    Returns
    -------
    uint32 (min(k, n),)
    """
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
