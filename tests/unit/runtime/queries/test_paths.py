"""Paths between members, asked of a world under way."""

import pytest

from sim import World
from sim.errors import InputError
from sim.network import shortest_path
from sim.runtime.queries import pairs


def between(world: World, start: int, goal: int) -> tuple[int, ...] | None:
    return pairs.found(pairs.sought(world, str(start), str(goal)))


def test_a_path_is_searched_beside_where_nothing_is_turned_round() -> None:
    world = World.create(agents=300, mean_degree=4, seed=5, network="preferential-attachment")
    sought = pairs.sought(world, "7", "191")
    assert sought.ties is not None
    assert sought.path is None
    assert pairs.found(sought) == shortest_path(world.ties, 7, 191)


def test_a_path_follows_ties_that_changed() -> None:
    world = World.from_edges([0, 1, 3], [1, 2, 4], agents=5)
    assert world.ties.reverse.count == 3
    assert between(world, 0, 2) == (0, 1, 2)
    assert between(world, 0, 4) is None
    world.follow([4], [0])
    assert world.ties.slab is not None
    assert pairs.sought(world, "0", "4").ties is None
    assert between(world, 0, 4) == (0, 4)
    assert between(world, 3, 3) == (3,)


def test_whom_nobody_knows_is_said() -> None:
    world = World.create(agents=20, mean_degree=2, seed=1)
    with pytest.raises(InputError, match="No member 77"):
        pairs.sought(world, "0", "77")
