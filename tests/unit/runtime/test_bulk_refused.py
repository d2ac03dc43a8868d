"""What acts on many agents refuse, before they begin."""

from typing import Any

import pytest

from sim import World
from sim.errors import CapacityError, InputError
from sim.runtime.bulk_operations import build_friendships, create_agents, create_communities
from tests.raising import raises


@pytest.fixture
def few() -> World:
    return World.from_edges([0, 1], [1, 2], agents=6, seed=4)


@pytest.mark.parametrize("most", [6, 10**9, 10**30])
def test_more_friends_than_others_are_refused_before_any_work(few: World, most: int) -> None:
    def report(_stage: str, _share: float) -> None:
        raise AssertionError("work has begun")

    with pytest.raises(InputError, match=r"max_friends must be in \[1, 5\], got .*more than 5"):
        build_friendships(few, most, report)
    assert few.ties.count == 2


def test_as_many_friends_as_there_are_others_are_allowed(few: World) -> None:
    assert build_friendships(few, 5) > 0
    assert max(few.neighbours(agent, "friends").size for agent in range(6)) <= 5


def test_rounds_end_once_nobody_has_room() -> None:
    world, told = World.from_edges([0], [1], agents=400, seed=4), list[float]()
    assert build_friendships(world, 399, lambda _, share: told.append(share)) > 0
    told.clear()
    assert build_friendships(World.from_edges([0, 1], [1, 0]), 1, lambda _, s: told.append(s)) == 0
    assert told == [0.0]


def test_friendships_that_do_not_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.from_edges([0], [1], agents=1000, seed=4)
    monkeypatch.setattr("sim.runtime.bulk_operations.available_bytes", lambda: 1 << 20)
    with pytest.raises(CapacityError, match=r"Up to 99,000 new ties need about .* lower max_fri"):
        build_friendships(world, 99)
    assert world.ties.count == 1
    assert build_friendships(world, 2) > 0


def test_more_agents_than_fit_are_refused_and_the_world_stays_whole(few: World) -> None:
    raises(CapacityError, r"2,000,000,006 agents", create_agents, few, 2_000_000_000)
    assert (len(few.agents), few.ties.agents) == (6, 6)


@pytest.mark.parametrize("wrong", [1.5, "3", True, None])
def test_numbers_of_agents_and_friends_are_whole(few: World, wrong: Any) -> None:
    raises(InputError, "max_friends must be a whole number", build_friendships, few, wrong)
    with pytest.raises(InputError, match="How many agents to create must be a whole number"):
        create_agents(few, wrong)
    with pytest.raises(InputError, match="max_members must be a whole number"):
        create_communities(few, ["Chess"], wrong)
