"""Sums of rivals go on over saves, absences and new agents."""

from typing import Any

import numpy as np
import pytest

from sim import Cascade, World


def contest(rule: str, **options: Any) -> tuple[World, list[Cascade]]:
    world = World.create(3000, mean_degree=6, seed=1)
    stories = [
        world.inject("x", seeds=seeds, model="competitive-threshold", rule=rule, **options)
        for seeds in (range(1, 3000, 300), range(3, 3000, 300))
    ]
    return world, stories


@pytest.mark.parametrize("rule", ["proportional", "separate"])
def test_a_world_that_was_saved_goes_on_alike(rule: str) -> None:
    world, _ = contest(rule)
    for tick in range(8):
        again = World.restore(*world.dump())
        if tick == 5:
            for one in (world, again):
                one.ties.add([1, 2, 3], [50, 51, 52])
        for one in (world, again):
            one.step()
        assert again.digest() == world.digest()


def test_absent_agents_and_those_who_join_hear_what_they_should() -> None:
    world, stories = contest("proportional")
    world.step(4)
    world.agents.set_status(range(0, 3000, 3), 3)
    world.step(2)
    before = [story.size for story in stories]
    world.agents.set_status(range(0, 3000, 3), 1)
    again = World.restore(*world.dump())
    for one in (world, again):
        new = one.create_agents(3)
        one.step()
        one.ties.add([*stories[0].adopters[:3]], [*new])
        one.step(4)
    assert again.digest() == world.digest()
    assert all(story.size >= size for story, size in zip(stories, before, strict=True))
    everybody = [v for story in stories for v in story.adopters]
    assert len(set(everybody)) == len(everybody)


def test_sums_that_a_save_does_not_hold_begin_anew() -> None:
    world, stories = contest("proportional")
    world.step(3)
    again = World.restore(*world.dump())
    for name in ("sum", "said"):
        del again.cascades[0].held[name]
    for one in (world, again):
        one.step(5)
    at = [np.stack([story.adopted_at for story in one.cascades]) for one in (world, again)]
    np.testing.assert_array_equal(*(ticks.max(axis=0) for ticks in at))  # whoever's message it is
    assert sum(story.size for story in stories) > 30
