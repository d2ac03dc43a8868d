"""A plan says what would happen, and nothing happens."""

import itertools
from typing import Any

import numpy as np
import pytest

from sim import PropagationModel, World
from sim.core import registry
from sim.errors import InputError, ParameterError
from sim.runtime import Simulation
from sim.runtime.preview import plan
from tests.raising import raises_awaited
from tests.unit.runtime.worlds import Hand


@pytest.mark.usefixtures("patient_pilot")
async def test_pilot_that_came_to_rest_is_the_run_that_follows(simulation: Simulation) -> None:
    for text in ("first", "second"):
        await simulation.step(2)
        planned = await simulation.plan(text, seeds="top:10", model="independent-cascade")
        session = await simulation.inject(text, seeds="top:10", model="independent-cascade")
        ticks = await simulation.run_until_quiet(session.id)
        assert not planned.is_least
        assert (planned.size, planned.ticks) == (session.size, ticks)
        np.testing.assert_array_equal(planned.seeds, session.cascade.seeds)


async def test_planning_changes_nothing(world: World, simulation: Simulation) -> None:
    before = await simulation.call(lambda world: world.digest())
    await simulation.plan("news", seeds="random:5", model="sir")
    assert await simulation.call(lambda world: world.digest()) == before
    assert not simulation.frame.dirty


async def test_bad_messages_are_refused_when_planned(simulation: Simulation) -> None:
    with pytest.raises(ParameterError, match="probability"):
        await simulation.plan("x", seeds=[1], model="independent-cascade", probability=1.5)
    await raises_awaited(InputError, "99999", simulation.plan("x", seeds=[99999], model="si"))


def test_pilot_stops_when_its_time_is_up_and_says_so() -> None:
    world = World.create(agents=500, mean_degree=6, seed=1)
    clock = itertools.count()
    planned = plan(
        world, {"text": "x", "seeds": [1], "model": "sis"}, budget=3, now=lambda: float(next(clock))
    )
    assert (planned.is_least, planned.ticks) == (True, 2)


def test_audience_hears_a_seed_and_reach_follows_chains() -> None:
    chain = World.from_edges([0, 0, 1, 2, 5], [1, 2, 2, 3, 6], agents=8)
    planned = plan(chain, {"text": "the film", "seeds": [0, 5], "model": "si"})
    assert planned.audience == 3  # 1, 2 and 6
    assert planned.reach == 6  # those, the seeds, and 3
    assert not planned.is_reach_least
    assert planned.tags == chain.agents.vocabulary.names(chain.agents.vocabulary.match("the film"))
    assert dict(planned.parameters).keys() >= {"beta"}


def test_a_pilot_of_what_feeds_will_carry_says_that_it_has_none() -> None:
    world = World.create(agents=50, mean_degree=4, seed=1, platform={})
    message = {"text": "x", "seeds": [1], "model": "si"}
    assert plan(world, message).is_without_feeds
    assert not plan(world, message | {"channel": "broadcast"}).is_without_feeds


def test_the_first_plan_of_a_model_says_what_the_second_does() -> None:
    """What a model's first ticks spend on loading kernels is not the pilot's time."""
    hand, loaded = Hand(), itertools.count()

    class Loading(PropagationModel):
        """Takes long as long as nothing is loaded; then a second a tick."""

        def step(self, cascade: Any, contacts: Any, draws: Any, *_: Any) -> None:
            hand.time += 2.0 if next(loaded) < 3 else 0.25

        def is_quiet(self, *_: Any) -> bool:
            return False

    registry.load_plugins()
    registry.register("test-loading")(Loading)
    try:
        world = World.create(agents=200, mean_degree=6, seed=1)
        message = {"text": "x", "seeds": [1], "model": "test-loading"}
        first, second = (plan(world, message, budget=1.0, now=hand) for _ in range(2))
    finally:
        del registry._known["propagation"]["test-loading"]
    assert (first.ticks, first.size, first.seconds) == (second.ticks, second.size, second.seconds)
    assert first.ticks == 4
