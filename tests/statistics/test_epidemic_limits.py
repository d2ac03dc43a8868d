"""Epidemics and rumours one event at a time: published numbers of larger cases."""

from typing import Any

import numpy as np
import pytest

from sim import Setting
from sim.spread.meanfield_edges import attack_rate
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
    [
        ("maki-thompson-continuous", 20.4518789, 41),
        ("daley-kendall-continuous", 21.0346656, 42),
    ],
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
