"""``hybrid`` against its formula, one exposure at a time."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import World
from sim.testing import tiny_arcs, tiny_world
from tests.unit.plugins.naive import (
    Shown,
    WordOfMouth,
    adoptions,
    audience_of,
    fresh_hours,
    interest_of,
)  # fmt: skip


def check(world: World, ticks: int = 8, **options: Any) -> int:
    story = world.inject("news", seeds=[0, 5, 9], model="hybrid", **options)
    p: Any = story.model
    community = world.agents.community.tolist()
    hours = [0.0, *(fresh_hours(tick, p.fading) for tick in range(1, ticks + 1))]

    audience = audience_of(world, story, p.audience_spread)

    def is_strong(shown: Shown) -> bool:
        if p.strong == "trust" or max(community) < 0:
            return bool(shown.trust >= p.cut)
        return bool(community[shown.viewer] >= 0) and (
            community[shown.viewer] == community[shown.source]
        )

    def chance(shown: Shown) -> float:
        told = hours[shown.age] * (audience if shown.source in {0, 5, 9} else 1.0)
        if is_strong(shown):
            interest = interest_of(world, story.message.tags, shown.viewer)
            return float(p.base * told * shown.trust * interest)
        return -math.expm1(-p.rate * told)

    expected = WordOfMouth(world, story, p.attention, chance).run(ticks)
    world.step(ticks)
    assert adoptions(story) == expected
    return story.size


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**64 - 1), tags=st.sampled_from([0, 1, 0b1110]), base=st.floats(0, 1),
    rate=st.floats(0, 3), fading=st.floats(0, 1), attention=st.integers(1, 5), cut=st.floats(0, 1),
    strong=st.sampled_from(["community", "trust"]),
    audience_spread=st.sampled_from([0.0, 0.9, 3.0]),
)  # fmt: skip
def test_every_exposure_is_weighed_by_the_kind_of_its_tie(seed: int, **options: Any) -> None:
    check(tiny_world(seed=seed), **options)


def test_agents_of_no_community_have_weak_ties_only_where_others_are_in_one() -> None:
    sources, targets = tiny_arcs(60, 11)
    labels = np.where(np.arange(60) == 59, 0, -1)
    world = World.from_edges(sources, targets, 60, community=labels)
    assert check(world, base=0.0, rate=2.0, fading=0.0) > 40
    again = World.from_edges(sources, targets, 60, community=labels)
    assert check(again, base=1.0, rate=0.0) == 3


def test_without_any_community_trust_says_which_ties_are_strong() -> None:
    sources, targets = tiny_arcs(60, 11)
    told: dict[str, Any] = {"rate": 0.0, "fading": 0.0, "tags": 0}
    sizes = [
        check(World.from_edges(sources, targets, 60, trust=trust), base=base, **told)
        for base in (0.0, 1.0)
        for trust in (np.full(sources.size, 0.8), np.full(sources.size, 0.2))
    ]
    assert sizes[:2] == [3, 3]
    assert sizes[2] > 40  # base counts
    assert sizes[3] == 3  # a weak tie each


@pytest.mark.parametrize(("trust", "cut", "reached"), [(1.0, 1.0, True), (0.2, 0.200001, False)])
def test_a_tie_is_strong_from_the_cut_on(trust: float, cut: float, reached: bool) -> None:
    world = World.from_edges([0], [1], trust=[trust])
    story = world.inject(
        "x", seeds=[0], model="hybrid", strong="trust", cut=cut, base=1.0, rate=0.0,
        fading=0.0, attention=200,
    )  # fmt: skip
    world.step(200)
    assert (story.size == 2) is reached
