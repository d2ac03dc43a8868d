"""The network report and its measures, and caveats about a theory's curves.

Measures that can be exact or sampled are :class:`MeasureEstimate` objects with a standard
error. "Neighbours" are agents tied in either direction; paths follow the direction of ties.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arrays import Ids
from sim.core.cards import Setting, Theory, as_if_mutual, as_if_unclustered, with_doubts
from sim.core.progress import Report, quiet
from sim.core.registry import make
from sim.network.analysis import analysis
from sim.network.analysis.analysis import MeasureEstimate, clustering
from sim.network.graph.ties import Ties


@dataclass(frozen=True, slots=True)
class Degrees:
    """Summary of a degree distribution."""

    mean: float
    median: float
    p90: float
    p99: float
    most: int
    none: int
    bins: tuple[tuple[int, int, int], ...]


def degree_summary(degree: Ids) -> Degrees:
    """Return the summary of ``degree`` uint32 (n,); all zeros if it is empty."""
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


_EXACT = 2_000_000  # ties up to which triangles are counted instead of sampled
_DRAWS = 100_000
_SEARCHED = 64  # start agents for the sample of path lengths


@dataclass(frozen=True, slots=True)
class InfluentialMember:
    """An influential agent."""

    agent: int
    pagerank: float
    listeners: int


@dataclass(frozen=True, slots=True)
class NetworkReport:
    """Measures of a network.

    Parameters
    ----------
    agents, ties
        Their numbers, without destroyed agents; a friendship is two ties.
    is_symmetric
        Whether the reverse of every tie exists.
    density
        Ties as a share of all possible ties.
    listeners, heard
        Followers per agent; agents followed per agent.
    reciprocity
        Share of ties with a reverse.
    assortativity
        Correlation of the degrees at both ends of a tie, ignoring direction.
    clustering
        Mean local clustering, ignoring direction.
    path_length
        Mean distance along ties, over connected pairs.
    components, largest_component
        Number of components, ignoring direction, and the size of the largest in agents.
    strong_components, largest_strong_component
        The same for strong components.
    communities, largest_community, modularity
        As found by Louvain.
    influential
        The agents with the highest PageRank, highest first.
    """

    agents: int
    ties: int
    is_symmetric: bool
    density: float
    listeners: Degrees
    heard: Degrees
    reciprocity: float
    assortativity: float
    clustering: MeasureEstimate
    path_length: MeasureEstimate
    components: int
    largest_component: int
    strong_components: int
    largest_strong_component: int
    communities: int
    largest_community: int
    modularity: float
    influential: tuple[InfluentialMember, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain dictionaries, tuples and numbers, fit for JSON."""
        return dataclasses.asdict(self)


def network_report(
    ties: Ties, *, members: int = 10, seed: int = 0, report: Report = quiet
) -> NetworkReport:
    """Measure a network.

    Parameters
    ----------
    ties
        The network.
    members
        Number of influential agents to list.
    seed
        Any integer; decides samples and the order of moves in community detection.
    report
        Progress callback; may cancel.

    Returns
    -------
    NetworkReport
        Clustering is exact up to 2 million ties and estimated from 100,000 draws beyond; path
        length is estimated from the distances from 64 agents.
    """
    draws = _DRAWS if ties.count > _EXACT else None
    weak = _sizes(analysis.components(ties, report))
    strong = _sizes(analysis.strong_components(ties, report))
    labels = analysis.communities(ties, seed=seed, report=report)
    sizes = _sizes(labels)
    there = np.setdiff1d(np.arange(ties.agents), ties.gone, assume_unique=True)
    return NetworkReport(
        agents=ties.members,
        ties=ties.count,
        is_symmetric=ties.is_symmetric,
        density=ties.count / max(1, ties.members * (ties.members - 1)),
        listeners=degree_summary(ties.out_degree[there]),
        heard=degree_summary(ties.in_degree[there]),
        reciprocity=analysis.reciprocity(ties, report),
        assortativity=analysis.assortativity(ties, report),
        clustering=analysis.clustering(ties, draws, seed=seed, report=report),
        path_length=analysis.path_length(ties, _SEARCHED, seed=seed, report=report),
        components=weak.size,
        largest_component=int(weak.max(initial=0)),
        strong_components=strong.size,
        largest_strong_component=int(strong.max(initial=0)),
        communities=sizes.size,
        largest_community=int(sizes.max(initial=0)),
        modularity=analysis.modularity(ties, labels, report),
        influential=_influential(ties, members, report),
    )


def _sizes(labels: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Return how many agents have each label, ignoring those without one."""
    sizes: npt.NDArray[np.int64] = np.bincount(labels[labels >= 0])
    return sizes


def _influential(ties: Ties, count: int, report: Report) -> tuple[InfluentialMember, ...]:
    rank = analysis.pagerank(ties, report=report)
    best = analysis.top(rank, count).tolist()
    return tuple(InfluentialMember(v, float(rank[v]), int(ties.out_degree[v])) for v in best)


_CLUSTERED = 0.05
"""The mean local clustering above which curves get a caveat.

Planted communities of degree 4 have 0.06, where edge-based curves are off by 0.06 of all agents.
"""
_BY_CHANCE = 3.0
"""Clustering must also exceed this multiple of that of a random network of equal size and ties."""
_CLUSTERING_DRAWS = 10_000


def report_text(facts: Mapping[str, Any]) -> str:
    """Return :meth:`NetworkReport.as_dict`, with names of the members, as text."""
    ways = "all mutual" if facts["is_symmetric"] else f"{facts['reciprocity']:.1%} mutual"
    rows = [
        ("members", f"{facts['agents']:,}"),
        ("ties", f"{facts['ties']:,}, {ways}; density {facts['density']:.2g}"),
        ("followers", _degrees(facts["listeners"])),
        ("following", _degrees(facts["heard"])),
        ("assortativity", f"{facts['assortativity']:.3f}"),
        ("clustering", _estimate(facts["clustering"])),
        ("mean path", f"{_estimate(facts['path_length'])} steps"),
        ("components", f"{facts['components']:,} (largest {facts['largest_component']:,})"),
        ("strongly connected", f"{facts['strong_components']:,} (largest "
                               f"{facts['largest_strong_component']:,})"),
        ("communities", f"{facts['communities']:,} (Louvain; largest "
                        f"{facts['largest_community']:,}), modularity {facts['modularity']:.2f}"),
    ]  # fmt: skip
    return "\n".join([
        *(f"{label:<18} {text}" for label, text in rows),
        "", "Most influential members (PageRank)",
        *(f"  {one['pagerank']:8.3%}  {one['listeners']:>9,} followers  {one['name']}"
          for one in facts["influential"]),
    ])  # fmt: skip


def _degrees(found: Mapping[str, Any]) -> str:
    return (
        f"mean {found['mean']:.1f}, median {found['median']:.0f}, max {found['most']:,}; "
        f"{found['none']:,} with none"
    )


def _estimate(found: Mapping[str, Any]) -> str:
    return f"{found['value']:.3f}" + (f" ± {found['error']:.3f}" if found["error"] else "")


def predicted(
    ties: Ties, model: str, parameters: Mapping[str, Any], seeds: int, ticks: int,
    *, report: Report = quiet,
) -> tuple[Theory, ...]:  # fmt: skip
    """Return what a model's equations predict for a message in a network, with caveats."""
    report("counting followers", 0.1)
    shares = np.bincount(ties.out_degree) / max(1, ties.agents)
    report("solving equations", 0.3)
    setting = Setting(ties.agents, seeds, shares)
    return with_caveats(make(model, **parameters).theory(setting, ticks), ties, report)


def with_caveats(
    theories: Iterable[Theory], ties: Ties, report: Report = quiet
) -> tuple[Theory, ...]:
    """Return the curves, with caveats about these ties added to their names.

    Equations treat every tie as mutual, and an agent's neighbours as strangers: in a small
    world of clustering 0.4 they were off by 0.4 of all agents. Some treat an agent's neighbours as
    random agents, or all agents as alike (:func:`~sim.core.cards.with_doubts`). Curves without a
    caveat were within 0.05 of simulations.

    Parameters
    ----------
    theories
        Predictions of the equations for the degrees of these ties.
    ties
        The network.
    report
        Progress callback; may cancel.
    """
    found = tuple(theories)
    if not found or not ties.agents:
        return found
    counts = np.bincount(ties.out_degree)
    found = with_doubts(found, counts / counts.sum())
    if not ties.is_symmetric:
        found = as_if_mutual(found)
    share = clustering(ties, sample=_CLUSTERING_DRAWS, report=report).value
    by_chance = ties.count / ties.agents**2
    if share > max(_CLUSTERED, _BY_CHANCE * by_chance):
        found = as_if_unclustered(found, share)
    return found
