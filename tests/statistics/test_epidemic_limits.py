"""Epidemics and rumours one event at a time: published numbers of larger cases."""

from typing import Any

import numpy as np
import pytest

from sim import Setting, World, make
from sim.spread import attack_rate
from tests.statistics.small import complete, copies, error_of, regular

pytestmark = pytest.mark.slow


def left(model: str, agents: int, count: int, seed: int, **options: Any) -> np.ndarray:
    """How many never heard of it, in each copy of a complete network with one spreader."""
    world = copies(complete(agents), agents, count, seed)
    firsts = np.arange(0, agents * count, agents)
    story = world.inject("x", seeds=firsts, model=model, **options)
    world.run_until_quiet(story)
    return agents - np.bincount(story.adopters // agents, minlength=count)


@pytest.mark.parametrize(
    ("model", "exact", "seed"),
    [("maki-thompson-continuous", 20.4518789, 41), ("daley-kendall-continuous", 21.0346656, 42)],
)
def test_rumours_among_a_hundred_and_one(model: str, exact: float, seed: int) -> None:
    # 2,000 copies
    survivors = left(model, 101, 2000, seed)
    assert abs(survivors.mean() - exact) <= 4 * error_of(survivors)


def test_two_fold_stifling_leaves_six_of_a_hundred() -> None:
    # x = exp(-3 (1 - x)): .0595; 400 agents, 200 copies, seed 43
    x = 0.05
    for _ in range(100):
        x = float(np.exp(-3 * (1 - x)))
    assert x == pytest.approx(0.0595, abs=1e-4)
    shares = left("k-fold-stifling-continuous", 400, 200, 43, k=2) / 400
    large = shares[shares < 0.5]
    assert abs(large.mean() - x) <= 4 * error_of(large) + 0.003


def test_endemic_contact_process_follows_the_pair_approximation() -> None:
    # rates gamma = beta on 4-regular: .727273, within -.01 and +.003; 50,000 agents, seed 6
    world = regular(50_000, 4, seed=6)
    options: Any = {"beta": 1.0, "gamma": 1.0}
    story = world.inject("flu", seeds=np.arange(36_000), model="sis-continuous", **options)
    world.step(25)
    level = story.history[10:, 1].mean() / 50_000
    assert -0.01 < level - 0.727273 < 0.003


def test_fixed_periods_reach_as_many_as_their_transmissibility_says() -> None:
    # 4-regular, 5 ticks at .12: T = 1 - .88^5; 60,000 agents, 60 seeds, seed 53, within .01
    world = regular(60_000, 4, seed=53)
    options: Any = {"beta": 0.12, "infectious": 5, "law": "fixed"}
    story = world.inject("x", seeds=range(0, 60_000, 1000), model="sir-durations", **options)
    world.run_until_quiet(story)
    degrees = np.bincount(world.ties.out_degree) / 60_000
    exact = attack_rate(Setting(60_000, 60, degrees), 1 - 0.88**5)
    assert abs(story.size / 60_000 - exact) < 0.01


def scale_free(agents: int, seed: int) -> World:
    """A random network with P(k) ~ k^-2.5, 3 to 100 mutual ties (loops and duplicates dropped)."""
    draws = np.random.default_rng(seed)
    k = np.arange(3, 101)
    degrees = draws.choice(k, agents, p=k**-2.5 / (k**-2.5).sum())
    degrees[0] += degrees.sum() % 2
    stubs = draws.permutation(np.repeat(np.arange(agents), degrees))
    return World.from_edges(stubs[::2], stubs[1::2], agents, False, seed=seed)


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("sir", {"beta": 0.1, "gamma": 0.3}),
        ("sir-continuous", {"beta": 0.1, "gamma": 0.3}),
        ("seir", {"beta": 0.1, "alpha": 0.5, "gamma": 0.3}),
        ("sair-continuous", {"beta": 0.15, "beta_a": 0.05, "gamma": 0.3, "gamma_a": 0.2}),
        ("seir-durations", {"beta": 0.1, "law": "gamma", "latent": 2, "infectious": 4}),
    ],
)
def test_edge_based_curves_are_those_of_large_networks(model: str, options: Any) -> None:
    # 100,000 agents, P(k) ~ k^-2.5 from 3 to 100, 1,000 seeds, mean of 5 runs, seed 54: every state
    # within .005 of all agents at every one of 40 ticks
    world = scale_free(100_000, 54)
    degrees = np.bincount(world.ties.out_degree) / 100_000
    theory = make(model, **options).theory(Setting(100_000, 1000, degrees), 40)[0]
    assert theory.name.startswith("edge-based")
    courses = []
    for run in range(5):
        seeds = np.random.default_rng(run).choice(100_000, 1000, replace=False)
        story = world.inject("x", seeds=seeds, model=model, **options)
        while story.status == "running" and len(story.history) < 41:
            world.step()
        last = 40 - len(story.history) + 1
        courses.append(np.vstack([story.history, np.tile(story.history[-1], (last, 1))]))
        world.cascades.clear()
    far = np.abs(np.mean(courses, axis=0) - theory.expected).max() / 100_000
    assert far < 0.005, far
