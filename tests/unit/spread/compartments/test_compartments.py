"""The compartmental form: what its class declares, keeps and saves."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest

from sim import Compartments, Field, World, after, contact, make
from sim.core.threads import BoundedCache
from sim.spread.compartments import compartments
from sim.testing import tiny_world

Enter = Callable[[type], str]


class Storm(Compartments):
    """Lightning strikes trees, fire spreads; the first state is restless."""

    strike: float = Field(0.02, ge=0, le=1)
    spread: float = Field(0.3, ge=0, le=1)

    @property
    def half(self) -> float:
        """Half of the chance to spread."""
        return self.spread / 2

    states: ClassVar[tuple[str, ...]] = ("tree", "fire", "ash")
    seeded: ClassVar[str] = "fire"
    rules: ClassVar = (
        contact("tree", "fire", by="fire", chance="2 * half"),
        after("tree", "fire", chance="strike"),
        after("fire", "ash", chance=0.5),
        after("ash", "tree", chance=0.1),
    )


class Vaccine(Compartments):
    """Adoption is what the class says it is."""

    states: ClassVar[tuple[str, ...]] = ("s", "i", "v")
    seeded: ClassVar[str] = "i"
    adopting: ClassVar[tuple[str, ...]] = ("v",)
    rules: ClassVar = (contact("s", "v", by="i", chance=1.0),)


def test_computed_parameters_may_be_chances_and_adoption_another_state(entered: Enter) -> None:
    world = World.from_edges([0], [1])
    story = world.inject("x", seeds=[0], model=entered(Storm), spread=1.0, strike=0.0)
    world.step()
    assert story.adopted_at.tolist() == [0, 1]
    world = World.from_edges([0, 0], [1, 2])
    story = world.inject("x", seeds=[0], model=entered(Vaccine))
    world.step()
    assert story.counts == {"s": 0, "i": 1, "v": 2}
    assert story.adopters.tolist() == [0, 1, 2]


def test_a_restless_first_state_keeps_everybody_live(entered: Enter) -> None:
    world = tiny_world(isolated=5000)
    story = world.inject("x", seeds=[0], model=entered(Storm))
    world.step()
    assert story.columns["state"].is_dense
    # 5,060 trees struck with chance .02: within 4 standard errors
    assert abs(story.size - 1 - 5059 * 0.02) < 4 * (5059 * 0.02 * 0.98) ** 0.5 + 5


def test_a_first_state_that_becomes_restless_is_seen(entered: Enter) -> None:
    world = tiny_world(isolated=5000)
    story = world.inject("x", seeds=[0], model=entered(Storm), strike=0.0, spread=0.0)
    world.step(2)
    assert (story.size, story.columns["state"].is_dense) == (1, False)
    story.revise(strike=1.0)
    world.step()
    assert story.size >= 5059


def test_the_state_stays_sparse_while_few_are_reached() -> None:
    world = World.create(50_000, mean_degree=6, seed=1)
    story = world.inject("x", seeds=[0, 1], model="sir", beta=0.05)
    world.step(3)
    assert story.columns["state"].nbytes < 5 * 4096
    again = World.restore(*world.dump())
    assert again.digest() == world.digest()
    for one in (world, again):
        one.step(60)
    assert story.size > 20_000
    assert story.columns["state"].is_dense
    assert again.digest() == world.digest()


@pytest.mark.parametrize("draws", ["coins", "skips"])
def test_slices_of_speakers_decide_nothing(monkeypatch: Any, draws: Any) -> None:
    one, two = tiny_world(), tiny_world()
    for world in (one, two):
        world.inject("x", seeds=range(9), model="sir", beta=0.3, draws=draws)
        world.step(8)
        monkeypatch.setattr(compartments, "SLICE", 3)
    assert one.digest() == two.digest()


def test_live_agents_that_are_absent_stay_live() -> None:
    world = tiny_world()
    story = world.inject("x", seeds=[0, 5, 9], model="si", beta=1e-9)
    world.agents.set_status([5], 3)
    world.step(2)
    live, count, _ = story.memo
    assert live[:count].tolist() == [0, 5, 9]


def test_tables_are_made_once_and_dropped_when_they_are_many(monkeypatch: Any) -> None:
    monkeypatch.setattr(compartments, "_tables", BoundedCache(3))
    model = make("sir", beta=0.5)
    assert model.table("coins") is model.table("coins")
    for beta in (0.1, 0.2, 0.3):
        make("sir", beta=beta).table("coins")
    assert 0 < len(compartments._tables) <= 3


def test_a_cascade_without_live_agents_rests_and_contacts_are_counted() -> None:
    assert Compartments.rules == ()
    world = World.from_edges([0], [1])
    story = world.inject("x", seeds=[0], model="sir", beta=0.0, gamma=1.0)
    assert world.run_until_quiet(story) == 1
    assert story.counts == {"susceptible": 1, "infected": 0, "recovered": 1}
    world = World.from_edges([0, 0, 1], [1, 2, 2])
    story = world.inject("x", seeds=[0], model="si", beta=1.0)
    world.step(2)
    assert story.contacts_seen == 2 + 3
    assert np.array_equal(story.history, [[2, 1], [0, 3], [0, 3]])
