"""Models of what is heard in sum, against exact numbers and mean fields."""

import math

import numpy as np
import pytest

from sim import World


def copies(sources: np.ndarray, targets: np.ndarray, agents: int, count: int, seed: int) -> World:
    base = agents * np.repeat(np.arange(count), sources.size)
    return World.from_edges(
        np.tile(sources, count) + base, np.tile(targets, count) + base, agents * count, seed=seed
    )


def test_general_thresholds_of_power_one_on_five() -> None:
    # 20,000 copies of K5, seed 4: 3.21875 within 4 standard errors
    n = 20_000
    one, two = np.nonzero(~np.eye(5, dtype=bool))
    world = copies(one, two, 5, n, seed=4)
    story = world.inject("x", seeds=5 * np.arange(n), model="general-threshold", power=1.0)
    world.run_until_quiet(story)
    sizes = np.bincount(story.adopters // 5)
    assert abs(sizes.mean() - 3.21875) < 4 * sizes.std() / math.sqrt(n)


@pytest.mark.parametrize("power", [0.5, 2.0])
def test_the_first_of_two_words_counts_by_its_power(power: float) -> None:
    # 0 -> 1 -> 2 and 0 -> 2: agent 1 always adopts, agent 2 hears one word, then both
    n = 20_000
    world = copies(np.array([0, 1, 0]), np.array([1, 2, 2]), 3, n, seed=5)
    story = world.inject("x", seeds=3 * np.arange(n), model="general-threshold", power=power)
    world.run_until_quiet(story)
    at = story.adopted_at.reshape(n, 3)[:, 2]
    chance = 0.5**power
    assert abs((at == 1).mean() - chance) < 4 * math.sqrt(chance * (1 - chance) / n)
    assert set(at.tolist()) == {1, 2}


def test_a_hoax_dies_once_enough_verify_it() -> None:
    # mean field: dies iff verify > 2 a f / (1 - a) = .085714; 4,000 agents of mean degree 60,
    # seed 3, 250 ticks
    world = World.create(4000, "erdos-renyi", mean_degree=60, seed=3)
    lives, dies = (
        world.inject("x", seeds=range(0, 4000, 10), model="hoax", credibility=0.3, forget=0.1,
                     verify=verify)
        for verify in (0.055, 0.12)
    )  # fmt: skip
    world.step(250)
    assert lives.counts["believer"] > 400
    assert dies.counts["believer"] == 0
