"""The threshold form: adoption once enough sources adopted."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest

from sim import Field, Threshold, World
from sim.spread.neighbours import threshold
from sim.testing import tiny_world

Enter = Callable[[type], str]


class Watts(Threshold):
    """One threshold for all: Watts 2002."""

    phi: float = Field(0.5, ge=0, le=1, description="share of sources")
    version: ClassVar[str] = "2"

    def level(self) -> float | None:
        return self.phi


@pytest.fixture
def fan() -> World:
    # 4 hears 0, 1, 2, 3
    return World.from_edges([0, 1, 2, 3], [4, 4, 4, 4], 6)


@pytest.mark.parametrize(
    ("phi", "seeds", "adopts"),
    [(0.5, [0], False), (0.5, [0, 1], True), (0.51, [0, 1], False), (0.0, [2], True),
     (1.0, [0, 1, 2], False), (1.0, [0, 1, 2, 3], True), (0.26, [0], False), (0.25, [0], True)],
)  # fmt: skip
def test_the_share_is_compared_with_at_least(
    fan: World, entered: Enter, phi: float, seeds: list[int], adopts: bool
) -> None:
    story = fan.inject("x", seeds=seeds, model=entered(Watts), phi=phi)
    fan.run_until_quiet(story)
    assert story.adopted_at[4] == (1 if adopts else -1)


def test_shares_that_are_no_exact_numbers_are_reached(entered: Enter) -> None:
    # 3 * .1 of 10 sources is 3.0000000000000004: rounding must not ask for one more
    world = World.from_edges(np.arange(10), np.full(10, 10))
    name = entered(Watts)
    stories = [world.inject("x", seeds=range(k), model=name, phi=k * 0.1) for k in range(1, 11)]
    world.step()
    assert [story.size for story in stories] == [k + 1 for k in range(1, 11)]


def test_words_add_up_and_the_one_that_tips_it_is_the_source(fan: World, entered: Enter) -> None:
    story = fan.inject("x", seeds=[1, 2, 3], model=entered(Watts), phi=0.5)
    fan.run_until_quiet(story)
    assert story.source[4] == 2
    world = World.from_edges([0, 0, 1], [1, 2, 2])
    story = world.inject("x", seeds=[0], model=entered(Watts), phi=1.0)
    world.run_until_quiet(story)
    assert story.adopted_at.tolist() == [0, 1, 2]
    assert story.source[2] == 1


def test_agents_without_sources_never_adopt(fan: World, entered: Enter) -> None:
    story = fan.inject("x", seeds=[0], model=entered(Watts), phi=0.0)
    fan.run_until_quiet(story)
    assert story.adopted_at.tolist() == [0, -1, -1, -1, 1, -1]


def test_trust_weighs_the_sources(entered: Enter) -> None:
    world = World.from_edges([0, 1, 2], [3, 3, 3], trust=[0.2, 0.2, 0.6])
    told: Any = {"model": entered(Watts), "phi": 0.5, "weights": "trust"}
    stories = [world.inject("x", seeds=seeds, **told) for seeds in ([0, 1], [2])]
    world.step()
    assert [story.size for story in stories] == [2, 2]


def test_without_trust_the_sources_count_alike(fan: World, entered: Enter) -> None:
    story = fan.inject("x", seeds=[0, 1], model=entered(Watts), phi=0.5, weights="trust")
    fan.run_until_quiet(story)
    assert story.size == 3
    assert story.columns["left"].values.dtype == np.uint16


def test_slices_of_speakers_decide_nothing(monkeypatch: Any) -> None:
    one, two = tiny_world(), tiny_world()
    one.run_until_quiet(one.inject("x", seeds=range(0, 60, 4), model="linear-threshold"))
    monkeypatch.setattr(threshold, "SLICE", 2)
    story = two.inject("x", seeds=range(0, 60, 4), model="linear-threshold")
    two.run_until_quiet(story)
    assert one.digest() == two.digest()
    assert story.size > 20


def test_what_is_missing_is_kept_sparse_in_a_large_world() -> None:
    world = World.create(50_000, mean_degree=6, seed=1)
    story = world.inject("x", seeds=range(100), model="linear-threshold")
    world.step()
    left = story.columns["left"]
    assert 300 < np.count_nonzero(left.values) < left.keys.size / 2
    assert left.nbytes <= 8 * 4096
    for ticks in (1, 30):  # many heard it after the first: everybody is given a need
        again = World.restore(*world.dump())
        assert again.digest() == world.digest()
        world.step(ticks)
        again.step(ticks)
        assert again.digest() == world.digest()
    assert story.columns["left"].is_dense
    assert story.columns["left"].values.all()


def test_an_agent_that_was_away_sees_when_it_is_back_who_adopted(entered: Enter) -> None:
    world = World.from_edges([0, 0, 1, 2], [1, 2, 3, 3], 4)
    story = world.inject("x", seeds=[0], model=entered(Watts), phi=0.5)
    world.step()
    world.agents.set_status([3], 3)
    world.step()  # 1 and 2 speak while 3 is away
    world.agents.set_status([3], 1)
    world.step(3)
    assert story.adopted_at.tolist() == [0, 1, 1, 3]
