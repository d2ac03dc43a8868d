"""The tree approximation against whole cascades, and against numbers known in closed form."""

from typing import Any

import networkx as nx
import numpy as np
import pytest
from scipy import stats

from sim import Setting, World, make
from sim.spread import binomial

N = 20_000


def world_and_setting(z: float) -> tuple[World, Setting]:
    graph = nx.fast_gnp_random_graph(N, z / (N - 1), seed=6)
    one, two = np.array(graph.edges()).T
    world = World.from_edges(one, two, N, directed=False, seed=6)
    degrees = np.bincount(world.ties.rows[:, 1]) / N
    return world, Setting(N, N // 5, degrees)


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("independent-cascade", {"probability": 0.15}),
        ("independent-cascade", {"weights": "weighted-cascade"}), ("linear-threshold", {}),
        ("watts", {"phi": 0.25}), ("centola-macy", {"needed": 2}),
        ("general-threshold", {"power": 0.5}), ("general-threshold", {"power": 2.0}),
    ],
)  # fmt: skip
def test_curves_are_those_of_random_networks(model: str, options: Any) -> None:
    # 20,000 agents of mean degree 6, 20 % random seeds, seed 6: every tick within 1.5 % of all
    world, setting = world_and_setting(6.0)
    seeds = np.random.default_rng(6).choice(N, setting.seeds, replace=False)
    story = world.inject("x", seeds=seeds, model=model, **options)
    world.step(12)
    (curve,) = story.model.theory(setting, 12)
    assert curve.states == story.states
    assert story.size > 1.2 * setting.seeds
    seen = np.cumsum(story.new_adopters)
    seen = np.append(seen, np.full(13 - seen.size, story.size))  # at rest
    assert np.abs(seen - curve.expected[:, 1]).max() < 0.015 * N
    np.testing.assert_allclose(curve.expected.sum(axis=1), N)


def test_the_giant_component_appears_in_the_limit() -> None:
    # an independent cascade of chance p on a random network, c p = 2: .796812 of all
    k = np.arange(60)
    setting = Setting(10**9, 1000, stats.poisson(4).pmf(k))
    (curve,) = make("independent-cascade", probability=0.5).theory(setting, 200)
    assert abs(curve.expected[-1, 1] / 10**9 - 0.796812) < 1e-4


@pytest.mark.parametrize(
    ("mean", "seeds", "doubted"),
    [(3, 100, False), (5, 100, False), (5, 20, True), (7, 100, True), (7, 400, False),
     (8, 20, False), (9, 100, True), (12, 100, False)],
)  # fmt: skip
def test_curves_that_hang_on_few_seeds_say_so(mean: int, seeds: int, doubted: bool) -> None:
    # runs with 10,000 members: 0.2 of them off at (7, 100), up to 0.98 at (9, 100), else below 0.03
    degrees = stats.poisson(mean).pmf(np.arange(60))
    (curve,) = make("watts", phi=0.18).theory(Setting(10_000, seeds, degrees), 40)
    assert ("few seeds decide" in curve.name and "may be far off" in curve.name) == doubted


def test_weights_that_numbers_do_not_tell_have_no_curve() -> None:
    setting = Setting(100, 1, np.array([0.0, 0.5, 0.5]))
    for model, weights in (
        ("independent-cascade", "trust"), ("independent-cascade", "trivalency"),
        ("linear-threshold", "trust"), ("general-threshold", "trust"),
    ):  # fmt: skip
        assert make(model, weights=weights).theory(setting, 3) == ()


@pytest.mark.parametrize(("n", "q"), [(0, 0.3), (5, 0.0), (5, 1.0), (7, 0.3), (30_000, 0.001)])
def test_binomial_probabilities(n: int, q: float) -> None:
    number, chance = binomial(n, q)
    np.testing.assert_allclose(chance, stats.binom(n, q).pmf(number), atol=1e-12)
    assert abs(chance.sum() - 1) < 1e-12
