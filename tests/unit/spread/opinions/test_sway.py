"""Messages with a stance: they move opinions, and opinions carry them."""

from typing import Any

import numpy as np
import pytest

from sim import Exposure, Floats, PerExposure, Swaying, World, register
from sim.errors import ParameterError
from sim.testing import tiny_world


@register("test-creed")
class Creed(Swaying, PerExposure):
    """Taken up by whoever leans its way; adopters repeat it for two ticks."""

    def speaks_for(self) -> int:
        return 2

    def chance(self, exposure: Exposure) -> Floats:
        return (self.stance * exposure.viewer.opinion > 0).astype(float)


def test_every_hearing_moves_the_hearer_towards_the_stance() -> None:
    world = World.from_edges([0, 1, 0, 1, 2], [2, 2, 3, 4, 5], 6)
    world.opinions.hold("t", [0.0, 0.0, -0.5, -0.5, 0.5, 0.0])
    options: Any = {"topic": "t", "pull": 0.2, "base": 1, "taste": 0, "stance": 1}
    story = world.inject("Close it!", seeds=[0, 1], model="persuasion", **options)
    world.step()
    twice, once = 1 - 1.5 * 0.8**2, 1 - 1.5 * 0.8
    expected = [0, 0, twice, once, 1 - 0.5 * 0.8, 0]
    np.testing.assert_allclose(world.opinions["t"], expected, rtol=0, atol=1e-12)
    world.step()
    assert world.opinions["t"][5] == pytest.approx(0.2, abs=1e-12)
    assert story.counts["active"] == 6


def test_opinion_decides_who_takes_it_up() -> None:
    world = World.from_edges(np.zeros(4, int), [1, 2, 3, 4], 5)
    world.opinions.hold("t", [0.0, -0.4, 0.4, -0.1, 0.1])
    story = world.inject("x", seeds=[0], model="test-creed", topic="t", pull=0.3)
    world.step()
    assert story.adopters.tolist() == [0, 2, 4]
    world.step()  # agent 3 was moved from -0.1 to 0.23, agent 1 from -0.4 to 0.02
    assert story.counts["active"] == 5


def test_a_message_against_or_of_another_range_moves_by_its_own_measure() -> None:
    world = World.from_edges([0], [1], 2)
    world.opinions.hold("t", [0.0, 0.6])
    world.inject("x", seeds=[0], model="test-creed", topic="t", stance=-1, pull=0.5)
    world.step()
    assert world.opinions["t"].tolist() == [0.0, pytest.approx(-0.2)]
    world = World.from_edges([0], [1], 2)
    world.opinions.hold("t", [0.5, 0.25], span=(0, 1))
    world.inject("x", seeds=[0], model="persuasion", topic="t", pull=0.5, base=0)
    world.step()
    assert world.opinions["t"].tolist() == [0.5, 0.625]  # -0.5 moves to 0.25


def test_without_taste_and_pull_it_is_word_of_mouth() -> None:
    world = tiny_world()
    story = world.inject("x", seeds=[0, 9], model="persuasion", base=0.9, taste=0, pull=0)
    plain = tiny_world()
    options: Any = {"base": 0.9, "indifference": 1, "fading": 0, "reinforcement": 0}
    other = plain.inject("x", seeds=[0, 9], model="viral", attention=1, **options)
    world.run_until_quiet(story)
    plain.run_until_quiet(other)
    assert story.size > 10
    assert story.adopters.tolist() == other.adopters.tolist()


def test_without_a_topic_its_opinions_are_its_own() -> None:
    world = tiny_world()
    story = world.inject("x", seeds=[0], model="persuasion", initial="normal:0:0.2", base=1)
    assert not world.opinions
    model: Any = story.model
    before = model.held(story).mean()
    world.step(3)
    assert model.held(story).mean() > before
    assert model.metrics(story)["mean"] == pytest.approx(model.held(story).mean())
    world.create_agents(4)
    assert np.isfinite(model.held(story)).all()
    again = World.restore(*world.dump())
    world.step(3)
    again.step(3)
    assert again.digest() == world.digest()


def test_a_discussion_and_a_message_act_on_one_another() -> None:
    def share(pull: float) -> float:
        world = tiny_world()
        world.inject("?", seeds=[0], model="degroot", topic="bridge", initial="uniform:0:0.4")
        options: Any = {"topic": "bridge", "pull": pull, "base": 0.8}
        world.inject("Close it!", seeds=range(6), model="persuasion", **options)
        world.step(10)
        return float(world.opinions["bridge"].mean())

    assert share(0.5) > share(0.1) > share(0.0)


def test_newcomers_to_a_shared_topic_have_opinions() -> None:
    world = tiny_world()
    world.inject("x", seeds=[0], model="persuasion", topic="t", at=5)
    world.inject("x", seeds=[0], model="persuasion", topic="t")
    world.create_agents(2)
    assert np.isfinite(world.opinions["t"]).all()
    assert world.opinions["t"].size == 62


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ParameterError, match="topic must be"):
        tiny_world().inject("x", seeds=[0], model="persuasion", topic=" a")
    with pytest.raises(ParameterError, match="must be one of"):
        tiny_world().inject("x", seeds=[0], model="persuasion", initial="no")
