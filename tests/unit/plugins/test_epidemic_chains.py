"""The declared epidemic and rumour models against their rules in plain Python."""

from typing import Any

import numpy as np
import pytest

from sim.lab.validation.chains import MODELS, Plain, counted, ticked
from sim.testing import tiny_world
from tests.unit.plugins.chains import assert_law, copies_of, naive_tick, states_of

each = pytest.mark.parametrize("plain", MODELS, ids=lambda plain: plain.name)


@each
def test_models_have_the_exact_law_of_three_agents(plain: Plain) -> None:
    # 20,000 copies of 3 agents with mutual ties, seed 21: every outcome within 4 standard errors
    world = copies_of(3, 20_000, seed=21)
    story = world.inject(
        "x", seeds=np.arange(0, 60_000, 3), model=plain.name, draws="skips", **plain.options
    )
    laws = ticked(plain, 3, 6)
    for tick in (1, 3, 6):
        world.step(tick - world.tick)
        assert_law(story, 3, counted(laws[tick], len(story.states)))


@each
@pytest.mark.parametrize("seed", [1, 2**40 + 3])
def test_models_equal_plain_python_with_the_same_coins(plain: Plain, seed: int) -> None:
    world = tiny_world(seed=seed)
    story = world.inject("x", seeds=[0, 5, 9], model=plain.name, draws="coins", **plain.options)
    state: list[Any] = [plain.seeded if v in {0, 5, 9} else 0 for v in range(60)]
    for _ in range(12):
        state = naive_tick(world, plain, story, state)
        world.step()
        assert (
            story.history[-1].tolist() == np.bincount(state, minlength=len(story.states)).tolist()
        )
        if story.status == "running":
            assert states_of(story).tolist() == state


def test_the_exact_law_of_discrete_sir_is_the_published_one() -> None:
    # the solver itself: mean size 1.3571429 on two agents (.1, .2)
    plain = Plain("sir", 1, {(1, 0): [(0.1, 1, None)]}, {1: [(0.2, 2)]})
    law = counted(ticked(plain, 2, 150)[-1], 3)
    assert sum(p * (counts[1] + counts[2]) for counts, p in law.items()) == pytest.approx(
        1.3571429, abs=1e-7
    )
