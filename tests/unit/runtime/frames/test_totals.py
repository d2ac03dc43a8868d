"""What is counted of the message in focus as it runs, against its whole record."""

import numpy as np
import pytest

from sim import World
from sim.network.analysis import groups_kernels as kernels
from sim.runtime.frames.focus import Tally
from sim.spread.cascade import trees_kernels as trees
from sim.spread.cascade.generations import cohorts_of
from tests.unit.kernels.networks import lent


@pytest.mark.parametrize(
    "model",
    ["sir", "sis", "sis-continuous", "viral", "linear-threshold", "maki-thompson", "hawkes",
     "hoax"],
)  # fmt: skip
def test_r_of_the_message_in_focus_is_that_of_its_record(model: str) -> None:
    world = World.create(agents=300, mean_degree=6, seed=3)
    cascade = world.inject("x", seeds=[0, 5, 9], model=model)
    tally = Tally(cascade)
    for _ in range(12):
        world.step()
        tally.ticked()
        r, cohort = tally.cohorts
        wanted, newest = cohorts_of(cascade)
        assert np.array_equal(r, wanted, equal_nan=True)
        assert cohort == newest
        assert np.array_equal(r, cascade.r, equal_nan=True)


def test_a_source_behind_those_it_convinced_in_its_own_tick_is_counted() -> None:
    agents, ticks = np.array([4, 2, 1], np.uint32), np.array([7, 8, 8], np.int32)
    sources = np.array([0xFFFFFFFF, 1, 4], np.uint32)  # 1 convinced 2, and stands behind it
    caused, levels, out = (np.zeros(4, np.int64) for _ in range(3))
    when = np.full(5, -1, np.int32)
    log = (lent(agents), lent(ticks), lent(sources))
    kernels.follow(*log, 0, 3, 7, when, np.zeros(5, np.int32), caused, levels)
    trees.caused(*log, 7, np.full(5, -1, np.int32), out)
    assert caused.tolist() == out.tolist() == [1, 1, 0, 0]


def test_who_passes_it_on_is_counted_by_the_tick_of_adoption() -> None:
    states = np.array([0x80, 0x81, 0x81, 0x01, 0x81, 0x82], np.uint8)
    row_of, out = np.array([5, 5, 6, 5, -1, 6], np.int32), np.zeros(3, np.int64)
    trees.count_waiting(states, np.array([False, True, True]), row_of, 5, out)
    assert out.tolist() == [1, 2, 0]
