"""Models give the numbers that theory gives; 4 standard errors, fixed seeds, runs stated."""

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

from sim import World


def world_of(graph: nx.Graph, seed: int = 1) -> World:
    arcs = np.array(graph.edges()).reshape(-1, 2)
    world = World.from_edges(
        arcs[:, 0], arcs[:, 1], graph.number_of_nodes(), directed=False, seed=seed
    )
    world.max_running = 10**6
    return world


def sizes(
    graph: nx.Graph, model: str, runs: int, seeds: Iterable[int] = (0,), **options: Any
) -> np.ndarray:
    """Sizes of independent cascades: each message draws for itself."""
    world = world_of(graph)
    stories = [world.inject("news", seeds=list(seeds), model=model, **options) for _ in range(runs)]
    while any(story.alive for story in stories):
        world.step()
    return np.array([story.size for story in stories])


def assert_mean(values: np.ndarray, exact: float) -> None:
    error = values.std(ddof=1) / np.sqrt(values.size)
    assert abs(values.mean() - exact) <= 4 * error + 1e-12


@pytest.mark.parametrize("draws", ["coins", "skips"])
@pytest.mark.parametrize(
    ("graph", "p", "exact"),
    [
        pytest.param(nx.path_graph(6), 0.5, (1 - 0.5**6) / 0.5, marks=pytest.mark.slow),
        (nx.star_graph(8), 0.3, 1 + 8 * 0.3),
        pytest.param(nx.complete_graph(3), 0.5, 2.25, marks=pytest.mark.slow),
        pytest.param(nx.complete_graph(4), 0.5, 3.25, marks=pytest.mark.slow),
        pytest.param(nx.complete_graph(5), 0.3, 3.1011297736, marks=pytest.mark.slow),
        pytest.param(nx.complete_graph(10), 0.1, 3.026928593, marks=pytest.mark.slow),
        (nx.complete_graph(10), 0.2, 6.784458345),
    ],
)
def test_independent_cascade_has_the_exact_mean_size(
    graph: nx.Graph, p: float, exact: float, draws: str
) -> None:
    assert_mean(sizes(graph, "independent-cascade", 2000, probability=p, draws=draws), exact)


@pytest.mark.parametrize(
    ("n", "exact"),
    [
        *(
            pytest.param(n, size, marks=pytest.mark.slow)
            for n, size in ((2, 2.0), (3, 2.5), (10, 4.458316))
        ),
        (5, 3.21875),
        (100, 13.147187),
    ],
)
def test_linear_threshold_on_complete_graphs_has_the_exact_mean_size(n: int, exact: float) -> None:
    assert_mean(sizes(nx.complete_graph(n), "linear-threshold", 2000), exact)


@pytest.mark.parametrize("draws", ["coins", "skips"])
@pytest.mark.parametrize(
    ("n", "beta", "gamma", "exact"),
    [
        pytest.param(2, 0.1, 0.2, 1.3571429, marks=pytest.mark.slow),
        (5, 0.1, 0.2, 3.2588066),
        pytest.param(10, 0.05, 0.2, 5.8949893, marks=pytest.mark.slow),
    ],
)
def test_sir_has_the_exact_mean_final_size(
    n: int, beta: float, gamma: float, exact: float, draws: str
) -> None:
    values = sizes(nx.complete_graph(n), "sir", 2000, beta=beta, gamma=gamma, draws=draws)
    assert_mean(values, exact)


@pytest.mark.parametrize(
    ("seeds", "exact"),
    [
        *(
            pytest.param([u], size, marks=pytest.mark.slow)
            for u, size in ((0, 3.4109), (33, 3.5033))
        ),
        ([0, 33], 6.4240),
    ],
)
def test_karate_club_cascades_have_their_known_size(seeds: list[int], exact: float) -> None:
    graph = nx.karate_club_graph()
    assert_mean(sizes(graph, "independent-cascade", 3000, seeds, probability=0.1), exact)


@pytest.mark.parametrize(
    ("seeds", "exact"),
    [
        pytest.param([0], 12.2436, marks=pytest.mark.slow),
        pytest.param([33], 13.0837, marks=pytest.mark.slow),
        ([0, 33], 22.6145),
    ],
)
def test_karate_club_thresholds_have_their_known_size(seeds: list[int], exact: float) -> None:
    assert_mean(sizes(nx.karate_club_graph(), "linear-threshold", 3000, seeds), exact)


@pytest.mark.parametrize("c", [1.5, 2.0, 3.0])
def test_giant_outbreak_on_random_graph_has_the_mass_action_size(c: float) -> None:
    # ER giant component: IC with p on G(n, c/(np)): 20,000 agents, 12 runs; size given large.
    n, p = 20_000, 0.25
    exact = {1.5: 0.582812, 2.0: 0.796812, 3.0: 0.940480}[c]
    world = World.create(n, "erdos-renyi", mean_degree=c / p, seed=3)
    stories = [
        world.inject("n", seeds=[i], model="independent-cascade", probability=p, draws="coins")
        for i in range(12)
    ]
    for story in stories:
        world.run_until_quiet(story)
    large = [story.size / n for story in stories if story.size > 0.1 * n]
    assert large
    assert abs(np.mean(large) - exact) < 0.02


def test_sis_is_endemic_where_the_pair_approximation_says() -> None:
    # k-regular, k=4, gamma/tau=1 in thin ticks: pair approximation .727273, within -.01 .. +.003
    # widened to .02 by the width of a tick (gamma .02) and 4,000 agents.
    world = world_of(nx.random_regular_graph(4, 4000, seed=5))
    story = world.inject("flu", seeds=list(range(2000)), model="sis", beta=0.02, gamma=0.02)
    world.step(900)
    level = story.history[400:, 1].mean() / 4000
    assert abs(level - 0.727273) < 0.02


def test_bond_percolation_on_regular_graph_attacks_the_known_share() -> None:
    world = world_of(nx.random_regular_graph(3, 20_000, seed=2))
    story = world.inject("n", seeds=list(range(20)), model="independent-cascade", probability=0.75)
    world.run_until_quiet(story)
    assert abs(story.size / 20_000 - 0.962963) < 0.006


RUNS = 400


def naive_sizes(heard_by: dict[int, list[int]], seed: int, p: float, runs: int) -> np.ndarray:
    """Sizes of independent cascades by sets and lists, with Python's own generator."""
    coins = random.Random(1)
    sizes = []
    for _ in range(runs):
        adopted, frontier = {seed}, [seed]
        while frontier:
            frontier = [
                v
                for u in frontier
                for v in heard_by.get(u, [])
                if v not in adopted and coins.random() < p and not adopted.add(v)  # type: ignore[func-returns-value]
            ]
        sizes.append(len(adopted))
    return np.array(sizes)


@pytest.mark.slow
def test_cascades_on_wiki_vote_have_the_size_of_a_naive_reference(shared_data: Path) -> None:
    # "A B" is a vote by A for B: A follows B, so B influences A.
    arcs = np.loadtxt(shared_data / "wiki-vote" / "edges.tsv.gz", np.int64)
    ids, codes = np.unique(arcs, return_inverse=True)
    codes = codes.reshape(arcs.shape)
    world = World.from_edges(codes[:, 1], codes[:, 0], ids.size, seed=3)
    world.max_running = 10**6
    start = int(np.argmax(world.ties.out_degree))
    stories = [
        world.inject("x", seeds=[start], model="independent-cascade", probability=0.05)
        for _ in range(RUNS)
    ]
    while any(story.alive for story in stories):
        world.step()
    heard_by: dict[int, list[int]] = {}
    for source, target in zip(codes[:, 1].tolist(), codes[:, 0].tolist(), strict=True):
        heard_by.setdefault(source, []).append(target)
    ours = np.mean([story.size for story in stories])
    assert abs(ours / naive_sizes(heard_by, start, 0.05, RUNS).mean() - 1) < 0.02
