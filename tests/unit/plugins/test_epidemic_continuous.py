"""Models in continuous time against exact Markov chains, and published numbers of small cases."""

from typing import Any

import numpy as np
import pytest

from sim import World
from sim.lab.validation.chains import CONTINUOUS, Plain, counted, flowed
from sim.spread import exact_times
from sim.testing import tiny_world
from tests.unit.plugins.chains import assert_law, copies_of


def left(model: str, agents: int, copies: int, seed: int, **options: Any) -> np.ndarray:
    """How many the message never reached, in each copy of a complete network."""
    world = copies_of(agents, copies, seed)
    seeds = np.arange(0, agents * copies, agents)
    story = world.inject("x", seeds=seeds, model=f"{model}-continuous", **options)
    world.run_until_quiet(story)
    return agents - np.bincount(story.adopters // agents, minlength=copies)


def assert_mean(values: np.ndarray, exact: float, bias: float = 0.0) -> None:
    assert abs(values.mean() - exact) <= 4 * values.std() / np.sqrt(values.size) + bias


def assert_shares(values: np.ndarray, shares: list[float]) -> None:
    seen = np.bincount(values, minlength=len(shares)) / values.size
    for share, found in zip(shares, seen, strict=True):
        assert abs(found - share) <= 4 * np.sqrt(share * (1 - share) / values.size)


@pytest.mark.parametrize("plain", CONTINUOUS, ids=lambda plain: plain.name)
def test_models_have_the_exact_law_of_three_agents(plain: Plain) -> None:
    # 20,000 copies of 3 agents with mutual ties, seed 22: every outcome within 4 standard errors
    world = copies_of(3, 20_000, seed=22)
    story = world.inject("x", seeds=np.arange(0, 60_000, 3), model=plain.name, **plain.options)
    for tick, law in zip((1, 3), flowed(plain, 3, [1.0, 3.0]), strict=True):
        world.step(tick - world.tick)
        assert_law(story, 3, counted(law, len(story.states)))


def test_markov_sir_has_its_exact_sizes() -> None:
    # rates (1, 1), 100,000 copies, seeds 31 and 32
    three = 3 - left("sir", 3, 100_000, 31, beta=1.0, gamma=1.0)
    assert_shares(three, [0.0, 1 / 3, 1 / 6, 1 / 2])
    assert_mean(three, 13 / 6)
    assert_mean(5 - left("sir", 5, 100_000, 32, beta=1.0, gamma=1.0), 3.898611)


def test_maki_thompson_leaves_the_exact_number() -> None:
    # 100,000 and 20,000 copies, seed 41; whatever the rate of calls
    assert_shares(left("maki-thompson", 3, 100_000, 41, call=1.0), [3 / 4, 1 / 4])
    assert_mean(left("maki-thompson", 11, 20_000, 41, call=0.7), 2.22591959)


def test_daley_kendall_leaves_the_exact_number() -> None:
    # 100,000 and 20,000 copies, seed 42
    assert_shares(left("daley-kendall", 3, 100_000, 42, meet=1.0), [2 / 3, 1 / 3])
    assert_mean(left("daley-kendall", 11, 20_000, 42, meet=0.1), 2.70174978)


@pytest.mark.parametrize("model", ["sir", "sveir", "maki-thompson"])
def test_exact_times_are_those_of_the_tick(model: str) -> None:
    world = tiny_world(seed=4)
    fast: dict[str, Any] = {
        "sir": {"beta": 2.0},
        "sveir": {"beta": 2.0, "delta": 3.0},
        "maki-thompson": {"call": 3},
    }
    world.step(2)
    story = world.inject("x", seeds=[0, 5, 9], model=f"{model}-continuous", **fast[model])
    world.step(6)
    times, ticks, source = exact_times(story), story.adopted_at, story.source
    reached = ticks >= 0
    assert story.size > 20
    assert np.isnan(times[~reached]).all()
    assert (np.ceil(times[reached]) == ticks[reached]).all()
    caused = np.flatnonzero(source >= 0)
    assert (times[source[caused]] < times[caused]).all()
    assert (ticks[source[caused]] == ticks[caused]).any()


def test_exact_times_of_models_in_ticks_are_whole() -> None:
    world = World.from_edges([0, 1], [1, 2])
    story = world.inject("x", seeds=[0], model="si", beta=1.0)
    world.step(1)
    assert exact_times(story).tolist()[:2] == [0.0, 1.0]
    assert np.isnan(exact_times(story)[2])


def test_a_chain_of_ties_is_passed_at_its_rate() -> None:
    # 4,000 chains of 6 agents, seed 5: the wait of five ties at rate 3 is Gamma(5, 1/3), although
    # most pass several ties within a tick
    start = np.arange(4000)[:, None] * 6 + np.arange(5)
    world = World.from_edges(start.ravel(), start.ravel() + 1, seed=5)
    story = world.inject("x", seeds=start[:, 0], model="si-continuous", beta=3.0)
    world.run_until_quiet(story)
    waits = exact_times(story)[5::6]
    assert_mean(waits, 5 / 3)
    assert_mean((waits - 5 / 3) ** 2, 5 / 9)


def test_nothing_happens_at_rate_zero() -> None:
    world = tiny_world()
    story = world.inject("x", seeds=[0], model="sir-continuous", beta=0.0, gamma=0.0)
    world.step(3)
    assert (story.size, story.status) == (1, "quiet")


def test_agents_that_are_paused_take_no_part() -> None:
    world = World.from_edges([0, 1], [1, 2])
    world.agents.set_status([1], 3)
    story = world.inject("x", seeds=[0], model="sir-continuous", beta=50.0, gamma=0.0)
    world.step(2)
    assert story.size == 1
    world.agents.set_status([1], 1)
    world.agents.set_status([0], 3)
    world.step(2)
    assert story.size == 1
    world.agents.set_status([0], 1)
    world.step(2)
    assert story.size == 3


def test_trust_thins_the_rate_of_a_tie() -> None:
    # 20,000 pairs of trust .25 and a pair rate of 2, seed 6: within a tick 1 - exp(-.5)
    from sim import Compartments, ContinuousTime, contact, register

    class Trusting(ContinuousTime, Compartments):
        """Passes on at twice the trust."""

        states = ("unaware", "aware")
        seeded = "aware"
        rules = (contact("unaware", "aware", by="aware", chance="2 * trust"),)

    register("test-trusting")(Trusting)
    sources = np.arange(0, 40_000, 2)
    world = World.from_edges(sources, sources + 1, trust=np.full(20_000, 0.25), seed=6)
    story = world.inject("x", seeds=sources, model="test-trusting")
    world.step()
    assert_mean(story.adopted_at[1::2] == 1, -np.expm1(-0.5), bias=1e-4)


def test_a_negative_rate_is_refused() -> None:
    from sim import Compartments, ContinuousTime, after
    from sim.errors import ParameterError

    class Backwards(ContinuousTime, Compartments):
        """Decays at a rate below nothing."""

        states = ("here", "there")
        seeded = "there"
        rules = (after("there", "here", chance=-1.0),)

    with pytest.raises(ParameterError, match="must be at least 0"):
        Backwards().check()
