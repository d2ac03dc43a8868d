"""How well a message's seeds are heard: a factor of its own, the same on average."""

import math
from typing import Any

import numpy as np
import pytest

from sim import Cascade, Contacts, Setting, World
from sim.spread.cascade.contacts import FeedContacts
from sim.testing import Given, tiny_world
from tests.unit.plugins.naive import adoptions
from tests.unit.plugins.test_relabelled import LABEL, arcs

SPREAD = 0.9
MODELS: dict[str, dict[str, Any]] = {
    "viral": {"base": 0.5, "fading": 0.1},
    "hybrid": {"base": 0.5, "rate": 0.2, "fading": 0.1},
    "diffusion": {"rate": 0.5, "span": 5.0, "draws": "coins"},
}
SETTING = Setting(60, 1, np.array([0.0, 0.0, 1.0]))
SIBLINGS = pytest.mark.parametrize("model", MODELS)


def told(world: World, model: str, seeds: Any = (0, 5, 9), **options: Any) -> Cascade:
    return world.inject("x", seeds=seeds, model=model, **MODELS[model] | options)


class Fed(Given):
    """The pairs as feeds hand them over, without rows over all agents."""

    def contacts(self, network: Contacts, message: int, tick: int) -> Contacts:
        return FeedContacts(network, self.viewers, self.sources, [])


def test_factors_are_lognormal_of_mean_one_over_messages() -> None:
    world = World.from_edges([0], [1], seed=3)
    stories = [world.inject("x", seeds=[0], model="viral") for _ in range(4000)]
    factors = np.array([story.audience(SPREAD) for story in stories])
    # 4,000 draws, 4 standard errors each
    assert abs(factors.mean() - 1) < 4 * math.sqrt(math.expm1(SPREAD**2) / 4000)
    logs = np.log(factors)
    assert abs(logs.mean() + SPREAD**2 / 2) < 4 * SPREAD / math.sqrt(4000)
    assert abs(logs.std() - SPREAD) < 4 * SPREAD / math.sqrt(8000)
    assert {story.audience(0.0) for story in stories} == {1.0}


@SIBLINGS
def test_without_spread_all_is_as_with_a_factor_of_one(model: str, monkeypatch: Any) -> None:
    plain, other = tiny_world(), tiny_world()
    monkeypatch.setattr(Cascade, "audience", lambda *_: 1.0)
    one, two = told(plain, model, audience_spread=0.0), told(other, model, audience_spread=SPREAD)
    plain.step(12)
    other.step(12)
    assert adoptions(one) == adoptions(two)
    assert one.size > 6


@SIBLINGS
def test_a_larger_audience_with_the_same_coins_reaches_a_superset_of_listeners(
    model: str, monkeypatch: Any
) -> None:
    reached = []
    for factor in (0.3, 1.0, 3.0):
        monkeypatch.setattr(Cascade, "audience", lambda *_, factor=factor: factor)
        world = tiny_world()
        story = told(world, model, audience_spread=SPREAD)
        world.step()
        reached.append(set(story.adopters.tolist()))
    assert reached[0] <= reached[1] <= reached[2]
    assert len(reached[0]) < len(reached[2])


@SIBLINGS
def test_a_saved_world_goes_on_with_the_same_audiences(model: str) -> None:
    world = tiny_world()
    for number in range(12):  # several in one pass
        told(world, model, [number, number + 20], audience_spread=SPREAD)
    world.step(2)
    again = World.restore(*world.dump())
    world.step(6)
    again.step(6)
    assert again.digest() == world.digest()


@SIBLINGS
def test_messages_together_are_what_each_is_alone(model: str, monkeypatch: Any) -> None:
    digests = set()
    for _ in range(2):
        world = tiny_world()
        for number in range(12):
            told(world, model, [number, number + 20], audience_spread=SPREAD)
        world.step(8)
        digests.add(world.digest())
        monkeypatch.setattr(type(world.cascades[0].model), "together", lambda _: None)
    assert len(digests) == 1


@SIBLINGS
def test_the_factor_asks_neither_who_the_seeds_are_nor_when_they_start(model: str) -> None:
    world = tiny_world()
    sources, targets = arcs(world)
    other = World.from_edges(LABEL[sources], LABEL[targets], 60, seed=world.seed)
    other.step(3)
    one = told(world, model, [0, 5], audience_spread=SPREAD)
    two = told(other, model, LABEL[[0, 5, 9]], audience_spread=SPREAD)
    assert one.audience(SPREAD) == two.audience(SPREAD) != 1.0
    world.step(2)
    assert one.audience(SPREAD) == two.audience(SPREAD)


def test_rules_weigh_what_a_feed_hands_over_alike() -> None:
    world, other = tiny_world(), tiny_world()
    channel = Fed(world.ties.targets, arcs(world)[0])
    one = told(world, "diffusion", audience_spread=SPREAD)
    two = told(other, "diffusion", audience_spread=SPREAD, channel=channel)
    world.step(12)
    other.step(12)
    assert adoptions(one) == adoptions(two)
    assert one.size > 6


def test_no_equation_is_known_where_audiences_differ() -> None:
    assert tiny_world().inject("x", seeds=[0], model="diffusion").model.theory(SETTING, 5)
    spread: Any = told(tiny_world(), "diffusion", audience_spread=SPREAD).model
    assert spread.theory(SETTING, 5) == ()


@pytest.mark.parametrize("model", ["diffusion", "viral", "hybrid"])
def test_a_day_is_a_day_in_ticks_of_any_length(model: str) -> None:
    sizes = {}
    options: dict[str, Any] = {"rate": 0.02} if model == "diffusion" else {"base": 0.5}
    options |= {"fading": 0.61} if model == "hybrid" else {}
    for minutes in (60.0, 10.0):
        found = []
        for seed in range(6):
            world = World.create(agents=4000, mean_degree=10, seed=seed, tick_minutes=minutes)
            story = world.inject("x", seeds=range(60), model=model, **options)
            world.step(round(24 * 60 / minutes))
            found.append(story.size)
        sizes[minutes] = float(np.mean(found))
    # in finer ticks a story passes through more hands while it is new
    assert sizes[10.0] == pytest.approx(sizes[60.0], rel=0.25 if model == "diffusion" else 0.6)
    assert sizes[60.0] > 80


def test_attention_ends_after_its_hours() -> None:
    for minutes in (60.0, 5.0):
        world = World.from_edges([0], [1], 3, tick_minutes=minutes)
        story = world.inject("x", seeds=[0], model="viral", base=0.0, attention=2)
        world.step(round(120 / minutes) - 1)
        assert story.alive
        world.step(2)
        assert not story.alive
