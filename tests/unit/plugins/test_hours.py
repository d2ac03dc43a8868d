"""Models that count by the hour do the same in ticks of any length."""

from typing import Any

import numpy as np
import pytest

from sim import World


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
