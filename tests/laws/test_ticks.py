"""A model counts by hours, or a world whose ticks are no hours says that it does not."""

from __future__ import annotations

import asyncio
import re
import warnings
from typing import Any

import numpy as np
import pytest

from sim import Simulation, World, make, names, spec
from sim.core import card_of, describe
from sim.core.clock import TickWarning
from sim.errors import InputError

MODELS = names("propagation")
BY_HOURS = {"diffusion", "viral", "hybrid", "novelty", "hawkes"}


def spoken_of(model: str, minutes: float) -> tuple[World, list[str]]:
    """Start two messages of a model; returns the world and what a program was warned of."""
    world = World.create(agents=60, mean_degree=6, seed=3, tick_minutes=minutes)
    world.agents.set_community(np.arange(60) % 3)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for seeds in ([0, 1], [2, 3]):
            world.inject("x", seeds=seeds, model=model)
    return world, [str(each.message) for each in caught if each.category is TickWarning]


@pytest.mark.parametrize("model", MODELS)
def test_a_model_by_ticks_is_said_to_be_one_once_in_a_world(model: str) -> None:
    world, warned = spoken_of(model, 5.0)
    assert make(model).by_hours == (model in BY_HOURS)
    told = [] if model in BY_HOURS else [f"The parameters of {model} are per tick of 5 minutes"]
    assert [said.partition(":")[0] for said in world.remarks] == told
    assert list(world.remarks) == warned


@pytest.mark.filterwarnings("ignore::sim.core.clock.TickWarning")
async def test_the_screen_is_told_at_once() -> None:
    world = World.create(agents=60, mean_degree=6, seed=3, tick_minutes=5)
    async with Simulation(world) as simulation:
        await simulation.inject("x", seeds=[0], model="sir")
        for _ in range(500):
            if simulation.frame.banner is not None:
                break
            await asyncio.sleep(0.01)
        assert "sir are per tick of 5 minutes" in str(simulation.frame.banner)
        await simulation.inject("x", seeds=[1], model="sir")
        assert len(world.remarks) == 1


@pytest.mark.parametrize("model", ["sir", "deffuant"])
def test_ticks_of_an_hour_need_no_words(model: str) -> None:
    world, warned = spoken_of(model, 60.0)
    assert not world.remarks
    assert not warned


@pytest.mark.parametrize("model", ["novelty", "hawkes"])
def test_popularity_is_the_same_in_ticks_of_any_length(model: str) -> None:
    options: dict[str, Any] = {"mean": 0.05} if model == "novelty" else {"branching": 0.5}
    sizes: dict[float, list[int]] = {}
    for minutes in (60.0, 10.0):
        for seed in range(40):
            world = World.create(agents=2000, mean_degree=8, seed=seed, tick_minutes=minutes)
            story = world.inject("x", seeds=range(50), model=model, **options)
            world.step(round(12 * 60 / minutes))
            sizes.setdefault(minutes, []).append(story.size)
    one, two = (np.array(found, float) for found in sizes.values())
    error = np.sqrt(one.var() / one.size + two.var() / two.size)
    assert one.mean() > 60
    assert abs(one.mean() - two.mean()) < 4 * error


@pytest.mark.parametrize("model", MODELS)
def test_every_chance_and_rate_of_a_card_has_a_unit(model: str) -> None:
    for each in describe(spec(model).cls):
        is_rate = re.match(r"(chance|rate|transmissions|mean time|mean delay)\b", each.description)
        if each.type == "float" and is_rate:
            assert each.unit, f"{model}: {each.name}"
    if model in BY_HOURS:
        assert re.search(r"hour|minute", card_of(spec(model).cls).time_unit)


def test_nothing_that_a_tick_calls_runs_another() -> None:
    from sim import Phase

    world = World.create(agents=20, mean_degree=4)
    world.add_phase(Phase("greedy", "runs a tick", lambda inside: inside.step()))
    with pytest.raises(InputError, match="within a tick"):
        world.step()
    world.phases.pop()
    world.step()
    assert world.tick == 2
