"""Who is in which state now is a call, and agrees with what is counted."""

from __future__ import annotations

import numpy as np
import pytest

from sim import World, names
from sim.errors import InputError, UnknownNameError

QUICK = ("sir", "utldr", "deffuant", "voter", "linear-threshold", "independent-cascade", "hoax",
         "seir-durations", "sis-continuous", "k-fold-stifling", "hawkes", "bass")  # fmt: skip


@pytest.mark.parametrize("model", QUICK)
def test_states_now_are_those_that_are_counted(model: str) -> None:
    agree(model)


@pytest.mark.slow
@pytest.mark.parametrize("model", sorted(set(names("propagation")) - set(QUICK)))
def test_states_now_are_those_that_are_counted_whatever_the_model(model: str) -> None:
    agree(model)


def agree(model: str) -> None:
    """See that states and counts agree."""
    world = World.create(agents=120, mean_degree=6, seed=2)
    story = world.inject("x", seeds=[0, 7, 9], model=model)
    for _ in range(3):
        world.step(2)
        found = np.bincount(story.state_now, minlength=len(story.states))
        assert dict(zip(story.states, found.tolist(), strict=True)) == story.counts
        for state, count in story.counts.items():
            who = story.in_state(state)
            assert who.size == count
            assert (np.diff(who.astype(int)) > 0).all()


def test_states_are_named_for_seeds_and_unknown_ones_refused() -> None:
    world = World.create(agents=120, mean_degree=6, seed=2)
    story = world.inject("x", seeds=[0, 7, 9], model="sir", beta=0.0, gamma=0.0)
    queued = world.inject("y", seeds=[0], model="sir", at=9)
    assert not queued.state_now.any()
    assert world.inject("z", seeds="state:0:infected", model="si").seeds.tolist() == [0, 7, 9]
    assert world.inject("z", seeds="state:0:infected:2", model="si").seeds.size == 2
    with pytest.raises(UnknownNameError, match="state of sir"):
        story.in_state("zombie")
    with pytest.raises(InputError, match="no message '77'"):
        world.inject("z", seeds="state:77:infected", model="si")
