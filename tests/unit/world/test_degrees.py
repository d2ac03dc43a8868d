"""Worlds of given degree pairs."""

import numpy as np
import pytest

from sim import World
from sim.errors import InputError, ParameterError

PAIRS = np.array([[1, 2], [2, 1], [1, 1], [0, 0]])


def test_degree_pairs_say_how_many_agents_there_are() -> None:
    world = World.create(network="configuration", degrees=PAIRS, seed=3)
    assert len(world.agents) == 4
    assert (world.ties.out_degree <= PAIRS[:, 0]).all()
    assert (world.ties.in_degree <= PAIRS[:, 1]).all()
    assert world.digest() == World.create(4, "configuration", seed=3, degrees=PAIRS).digest()


def test_degrees_that_fit_neither_agents_nor_network_are_refused() -> None:
    with pytest.raises(ParameterError, match="4 degree pairs make 4 agents, but 5 were asked"):
        World.create(5, "configuration", degrees=PAIRS)
    with pytest.raises(ParameterError, match="takes no degrees"):
        World.create(network="small-world", degrees=PAIRS)
    with pytest.raises(ParameterError, match="exponent does nothing where degree pairs are given"):
        World.create(network="configuration", degrees=PAIRS, exponent=3)
    with pytest.raises(InputError, match="degrees must be whole numbers in two columns"):
        World.create(3, "configuration", degrees=[1, 2, 3])


def test_a_world_has_ten_thousand_agents_when_nobody_says_how_many() -> None:
    assert len(World.create(mean_degree=1, network="erdos-renyi").agents) == 10_000
