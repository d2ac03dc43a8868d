"""What is between two members: ties, likeness and why, and what they did about each other."""

import numpy as np
import pytest

from sim import World
from sim.cli.agents import member_facts
from sim.errors import InputError
from sim.network import shortest_path
from sim.runtime import pair_of
from sim.runtime.queries import pairs
from sim.runtime.queries.members import inspected
from tests.raising import raises


def test_a_pair_is_told_by_ties_likeness_and_acts() -> None:
    world = World.from_edges([0, 0, 1, 2], [1, 2, 2, 0], 5, trust=[0.5, 1, 1, 1])
    platform = world.open_platform(posting=0.0, log_ticks=9)
    world.agents.set_community([0, 0, 1, 1, -1], ["a", "b"])
    world.groups.create("gardeners")
    world.groups.join([0, 3], "gardeners")
    one, other, third = (world.agents.name(agent) for agent in range(3))
    found = pair_of(world, 1, 0)
    assert found.ties == (f"{other} follows {one}, with trust 0.50.",)
    assert found.score == pytest.approx(world.compatibility(0, 1).score[0])
    assert found.score == pytest.approx(sum(part.value * part.weight for part in found.parts))
    assert {part.name: part.why for part in found.parts}["communities"] == "a"
    assert {part.name: part.why for part in found.parts}["friends"] == "1 in common"
    assert pair_of(world, 0, 3).parts[-1].why == "gardeners"
    assert pair_of(world, 0, 3).ties == ()
    platform.act(0, "post", text="Hello.")
    world.step()
    platform.act(1, "like", message=0)
    platform.act(1, "join group", group="gardeners")  # of group 0, not of member 0
    world.step()
    world.mute([1], [0])
    world.befriend([0], [2])
    found = pair_of(world, 0, 1)
    assert found.acts == ((2, other, "like", 0),)
    assert found.changes == ((2, other, "mute"),)
    assert found.ties == (
        f"{other} follows {one} (suspended by a mute).", f"{other} has muted {one}.",
    )  # fmt: skip
    friends = pair_of(world, 0, 2).ties
    assert friends[0].startswith(f"{one} is a friend of {third}, with trust")
    assert len(friends) == 2
    raises(InputError, "agents are 0 to 4", pair_of, world, 0, 9)
    raises(InputError, "got 3 twice", pair_of, world, 3, 3)


def test_a_member_that_signs_up_with_the_next_tick_is_told_of_as_well() -> None:
    world = World.from_edges([0, 1], [1, 2], 3)
    platform = world.open_platform(posting=0.0)
    platform.held["reputation"] = np.array([2.0, 0.5, 0.5], np.float32)
    newcomer = world.create_agents(1)[0]
    assert platform.reputation.tolist() == [2.0, 0.5, 0.5, 0.0]
    _, feed, _, inner, *_ = inspected(world, newcomer)
    assert (feed and feed.reputation, inner.mood, inner.late) == (0.0, None, None)
    assert "recommender" not in member_facts(world, newcomer)
    assert pair_of(world, newcomer, 0).acts == ()


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
