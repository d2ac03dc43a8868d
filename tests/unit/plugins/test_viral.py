"""``viral`` against its formula, one exposure at a time."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import World
from sim.testing import tiny_world
from tests.unit.plugins.naive import (
    Shown,
    WordOfMouth,
    adoptions,
    audience_of,
    fresh_hours,
    interest_of,
)  # fmt: skip

SHARES = st.floats(0, 1)


def check(world: World, seeds: list[int], ticks: int, **options: Any) -> int:
    story = world.inject("news", seeds=seeds, model="viral", **options)
    p: Any = story.model
    tags = story.message.tags
    hours = [0.0, *(fresh_hours(tick, p.fading) for tick in range(1, ticks + 1))]
    audience = audience_of(world, story, p.audience_spread)

    def chance(shown: Shown) -> float:
        interest = p.indifference + (1 - p.indifference) * interest_of(world, tags, shown.viewer)
        further = 1 + p.reinforcement * min(shown.sources - 1, 3)
        reached = audience if shown.source in seeds else 1.0
        return float(p.base * hours[shown.age] * shown.trust * interest * further * reached)

    expected = WordOfMouth(world, story, p.attention, chance).run(ticks)
    world.step(ticks)
    assert adoptions(story) == expected
    return story.size


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**64 - 1), tags=st.sampled_from([0, 1, 0b1110, 2**60 - 1]), base=SHARES,
    indifference=SHARES, fading=st.floats(0, 1), reinforcement=st.floats(0, 3),
    attention=st.integers(1, 5), audience_spread=st.sampled_from([0.0, 0.9, 3.0]),
)  # fmt: skip
def test_every_exposure_is_weighed_by_the_formula(seed: int, **options: Any) -> None:
    check(tiny_world(seed=seed), [0, 5, 9], 8, **options)


def test_further_sources_reinforce_up_to_three_times() -> None:
    # 0..5 all speak to 6: five further sources count as three
    world = World.from_edges(range(6), [6] * 6, seed=4)
    options = {"base": 0.002, "reinforcement": 5.0, "fading": 0.0, "attention": 40}
    assert check(world, list(range(6)), 40, **options) == 7


def test_attention_of_one_tick_is_one_attempt_and_an_old_message_convinces_nobody() -> None:
    world = World.from_edges([0], [1], seed=1)
    story = world.inject("x", seeds=[0], model="viral", base=0.0, attention=1)
    world.run_until_quiet(story)
    assert (world.tick, story.contacts_seen) == (1, 1)
    world = World.from_edges([0], [1], seed=1)
    story = world.inject("x", seeds=[0], model="viral", base=1.0, fading=10.0, attention=100)
    world.step(100)
    assert story.size == 1


@pytest.mark.parametrize("interested", [False, True])
def test_indifference_is_what_is_left_without_a_shared_interest(interested: bool) -> None:
    n = 4000
    world = World.from_edges([0] * n, list(range(1, n + 1)), seed=5)
    mask = next(1 << bit for bit in range(64) if 1 << bit & ~int(world.agents.interests[1]))
    world.agents.set_interests(
        np.arange(1, n + 1), np.full(n, mask if interested else 0, np.uint64)
    )
    story = world.inject("x", seeds=[0], model="viral", base=0.8, fading=0, tags=mask)
    world.step()
    chance = 0.8 * (1.0 if interested else 0.25)
    # binomial, 4,000 listeners: within 4 standard errors
    assert abs((story.size - 1) / n - chance) < 4 * (chance * (1 - chance) / n) ** 0.5
