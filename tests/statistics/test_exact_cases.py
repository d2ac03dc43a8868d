"""Exact numbers of small networks, on many disjoint copies in one world.

Four standard errors; the number of copies and the seed stand in each test.
"""

from collections.abc import Callable
from math import comb
from typing import Any

import networkx as nx
import numpy as np
import pytest
from scipy import stats

from sim import World
from sim.lab.validation.declared.cascades import KARATE, KARATE_THRESHOLDS, PERCOLATED, THRESHOLDS
from sim.lab.validation.declared.epidemics import DISCRETE
from tests.statistics.small import complete, copies, error_of, outbreak, single_seeds

pytestmark = pytest.mark.slow
DRAWS = ["coins", "skips"]


def assert_mean(values: np.ndarray, exact: float, bias: float = 0.0) -> None:
    assert abs(values.mean() - exact) <= 4 * error_of(values) + bias


@pytest.mark.parametrize("draws", DRAWS)
@pytest.mark.parametrize(("n", "p", "exact"), PERCOLATED)
def test_independent_cascade_on_complete_networks(
    n: int, p: float, exact: float, draws: Any
) -> None:
    world = copies(complete(n), n, 100_000, seed=1)
    assert_mean(outbreak(world, n, "independent-cascade", probability=p, draws=draws), exact)


@pytest.mark.parametrize(("n", "exact"), THRESHOLDS)
def test_linear_threshold_on_complete_networks(n: int, exact: float) -> None:
    world = copies(complete(n), n, 100_000 if n < 100 else 3000, seed=2)
    assert_mean(outbreak(world, n, "linear-threshold"), exact)


@pytest.mark.parametrize("draws", DRAWS)
@pytest.mark.parametrize(("n", "beta", "gamma", "exact"), DISCRETE)
def test_discrete_sir_on_complete_networks(
    n: int, beta: float, gamma: float, exact: float, draws: Any
) -> None:
    world = copies(complete(n), n, 100_000, seed=3)
    assert_mean(outbreak(world, n, "sir", beta=beta, gamma=gamma, draws=draws), exact)


@pytest.mark.parametrize("draws", DRAWS)
def test_diffusion_in_thin_ticks_is_markov_sir_on_three(draws: Any) -> None:
    # rates (1, 1) at 1/100 of a unit of time a tick, 100,000 copies, seed 4
    world = copies(complete(3), 3, 100_000, seed=4)
    sizes = outbreak(world, 3, "diffusion", rate=0.01, span=100, draws=draws)
    assert_mean(sizes, 13 / 6, bias=0.005)
    shares = np.bincount(sizes, minlength=4)[1:] / sizes.size
    assert np.abs(shares - [1 / 3, 1 / 6, 1 / 2]).max() < 4 * 0.5 / 316 + 0.005


@pytest.mark.parametrize("draws", DRAWS)
def test_diffusion_in_thin_ticks_is_markov_sir_on_five(draws: Any) -> None:
    # as above; the bias of a tick is about linear in its width
    world = copies(complete(5), 5, 100_000, seed=5)
    sizes = outbreak(world, 5, "diffusion", rate=0.01, span=100, draws=draws)
    assert_mean(sizes, 3.898611, bias=0.01)


def test_thick_ticks_are_another_process() -> None:
    # rates (1, 1) at one unit of time a tick: the sentence above would not hold by itself
    world = copies(complete(5), 5, 100_000, seed=5)
    assert abs(outbreak(world, 5, "diffusion", rate=1.0, span=1.0).mean() - 3.898611) > 0.1


@pytest.mark.parametrize("draws", DRAWS)
def test_the_time_along_a_chain_is_a_sum_of_geometric_delays(draws: Any) -> None:
    # 6 agents in a row, 20,000 copies, seed 6: five delays of chance h, mean 5 / h
    rate, ties = 0.2, 5
    world = copies([(i, i + 1) for i in range(ties)], ties + 1, 20_000, seed=6)
    seeds = np.arange(0, len(world.agents), ties + 1)
    story = world.inject("x", seeds=seeds, model="diffusion", rate=rate, span=1e6, draws=draws)
    world.step(250)
    times = story.adopted_at[ties :: ties + 1]
    h = -np.expm1(-rate)
    assert (times > 0).all()
    assert_mean(times, ties / h)
    law = stats.nbinom(ties, h)  # failures before the fifth success
    edges = np.arange(15, 60, 5)
    seen = np.histogram(times, [0, *edges, 10_000])[0]
    expected = np.diff([0.0, *law.cdf(edges - 1 - ties), 1.0])
    assert stats.chisquare(seen, expected * times.size).pvalue > 1e-4


@pytest.mark.parametrize(("seeds", "exact"), KARATE)
@pytest.mark.parametrize("draws", DRAWS)
def test_karate_club_cascades(seeds: list[int], exact: float, draws: Any) -> None:
    # 20,000 copies, seed 7; the number itself is known to .0018
    world = copies(list(nx.karate_club_graph().edges()), 34, 20_000, seed=7)
    sizes = outbreak(world, 34, "independent-cascade", seeds, probability=0.1, draws=draws)
    assert_mean(sizes, exact, bias=0.0018)


@pytest.mark.parametrize(("seeds", "exact", "known"), KARATE_THRESHOLDS)
def test_karate_club_thresholds(seeds: list[int], exact: float, known: float) -> None:
    world = copies(list(nx.karate_club_graph().edges()), 34, 20_000, seed=8)
    assert_mean(outbreak(world, 34, "linear-threshold", seeds), exact, bias=known)


def percolated(graph: nx.Graph, draws: np.random.Generator, p: float) -> int:
    kept = nx.Graph()
    kept.add_nodes_from(graph)
    kept.add_edges_from(e for e in graph.edges() if draws.random() < p)
    return len(nx.node_connected_component(kept, 0))


def live_edges(graph: nx.Graph, draws: np.random.Generator) -> int:
    picked = nx.DiGraph()
    picked.add_nodes_from(graph)
    for v in graph:
        friends = list(graph[v])
        picked.add_edge(friends[draws.integers(len(friends))], v)
    return len(nx.descendants(picked, 0)) + 1


@pytest.mark.parametrize(
    ("model", "options", "other"),
    [
        ("independent-cascade", {"probability": 0.2, "draws": "coins"}, percolated),
        ("independent-cascade", {"probability": 0.2, "draws": "skips"}, percolated),
        ("linear-threshold", {}, live_edges),
    ],
)
def test_sizes_have_the_law_of_percolation(
    model: str, options: Any, other: Callable[..., int]
) -> None:
    # 20,000 copies against 3,000 graphs, seeds 9 and 1: two-sample chi-square over pooled sizes
    graph = nx.karate_club_graph()
    ours = outbreak(copies(list(graph.edges()), 34, 20_000, seed=9), 34, model, **options)
    draws, more = np.random.default_rng(1), [options["probability"]] if options else []
    theirs = np.array([other(graph, draws, *more) for _ in range(3000)])
    edges = [0, *np.unique(np.quantile(theirs, np.linspace(0.1, 0.9, 9))) + 0.5, 35]
    table = [np.histogram(sizes, edges)[0] for sizes in (ours, theirs)]
    assert stats.chi2_contingency(table).pvalue > 1e-4
    assert stats.ks_2samp(ours, theirs).pvalue > 1e-4


def test_small_cascades_have_the_law_of_a_branching_process() -> None:
    # Poisson offspring of mean .5: total size is Borel; 6,000 single seeds, seed 10
    world = World.create(100_000, "erdos-renyi", mean_degree=5, seed=10)
    world.max_running = 10**6
    sizes = single_seeds(world, 6000, "independent-cascade", probability=0.1)
    assert_mean(sizes, 2.0)
    borel = [np.exp(-0.5 * n) * (0.5 * n) ** (n - 1) / _factorial(n) for n in range(1, 9)]
    assert borel[:3] == pytest.approx([0.606531, 0.183940, 0.083674], abs=1e-6)
    seen = np.bincount(np.minimum(sizes, 9), minlength=10)[1:]
    assert stats.chisquare(seen, np.array([*borel, 1 - sum(borel)]) * sizes.size).pvalue > 1e-4


def _factorial(n: int) -> int:
    return 1 if n < 2 else n * _factorial(n - 1)


def test_hits_of_skips_are_binomial() -> None:
    # a speaker with 20 listeners, 20,000 copies, seed 11
    world = copies([(0, v) for v in range(1, 21)], 21, 20_000, seed=11)
    story = world.inject(
        "x", seeds=np.arange(0, len(world.agents), 21), model="sir", beta=0.3, gamma=1
    )
    world.step()
    hits = np.bincount(story.adopters // 21, minlength=20_000) - 1
    law = np.array([comb(20, k) * 0.3**k * 0.7 ** (20 - k) for k in range(21)])
    seen = np.bincount(hits, minlength=21)
    pooled = [(a[:2].sum(), *a[2:12], a[12:].sum()) for a in (seen, law * hits.size)]
    assert stats.chisquare(*pooled).pvalue > 1e-4
