"""A twin says what the world was, whatever the world does meanwhile."""

from copy import copy

import numpy as np
import pytest

from sim import World
from sim.arrays import Array
from sim.spread.cascade.adoption import GrowingRows, Log
from sim.world.state.snapshot import still


def copied(_: str, column: Array) -> Array:
    return np.array(column)


def busy(model: str) -> World:
    world = World.create(agents=200, mean_degree=6, seed=5)
    for number in range(2):
        world.inject(f"News {number}", seeds=[number, number + 9], model=model)
    world.step(3)
    return world


def test_messages_at_rest_are_taken_from_the_last_twin_until_something_happens() -> None:
    world = busy("sir")
    world.cascades[0].cancel()
    one = still(world, copied)
    world.step()
    two = still(world, copied, one)
    assert two.cascades[0] is one.cascades[0]
    assert two.cascades[1] is not one.cascades[1]
    world.create_agents(1)
    assert still(world, copied, two).cascades[0] is not two.cascades[0]
    assert still(world, copied, two).digest() == world.digest()


def test_a_part_that_nobody_knows_is_copied_as_a_whole() -> None:
    world = busy("sir")
    vars(world)["feed"] = Feed()
    twin = still(world, copied)
    vars(world)["feed"].posts.append("late")
    assert vars(twin)["feed"].posts == []


class Feed:
    def __init__(self) -> None:
        self.posts: list[str] = []

    def dump(self) -> list[str]:
        return self.posts


def test_what_is_cut_and_written_anew_does_not_reach_those_who_share_it() -> None:
    log, rows = Log(), GrowingRows(1)
    for number in range(3):
        log.append(np.array([number], np.uint32), number, np.array([9], np.uint32))
        rows.append(np.array([number]))
    lent, held = log.so_far(), rows.so_far()
    copy(log).cut(3)  # nothing behind it is lent
    log.cut(1)
    rows.cut(1)
    log.append(np.array([7], np.uint32), 7, np.array([8], np.uint32))
    rows.append(np.array([7]))
    assert lent.agents.tolist() == [0, 1, 2]
    assert log.agents.tolist() == [0, 7]
    assert held.view.tolist() == [[0], [1], [2]]
    assert rows.view.tolist() == [[0], [7]]


@pytest.mark.parametrize("model", ["competitive-continuous", "competitive-threshold"])
def test_a_message_at_rest_whose_rivals_write_into_it_is_copied_anew(model: str) -> None:
    world = busy(model)
    world.cascades[0].cancel()
    before = still(world, copied)
    world.step(2)
    assert still(world, copied, before).digest() == world.digest()


def test_a_twin_of_a_platform_stays_as_it_was_and_shares_its_log() -> None:
    world = World.create(agents=300, mean_degree=6, seed=5)
    platform = world.open_platform()
    world.step(8)
    twin, digest = still(world, copied), world.digest()
    lent = list(twin.platform.arrays())  # type: ignore[union-attr]
    assert all(any(a is b for b in lent) for a in platform.log.arrays())
    platform.note(platform.acted)
    world.step(3)
    assert twin.digest() == digest


def test_large_arrays_of_a_part_are_copied_where_the_caller_says() -> None:
    world = World.create(agents=20_000, mean_degree=2, seed=5)
    world.mute(1, 2)
    places: dict[str, Array] = {}

    def noted(name: str, column: Array) -> Array:
        places[name] = np.array(column)
        return places[name]

    twin, digest = still(world, noted), world.digest()
    assert any(name.startswith("relationships.blocklist") for name in places)
    world.mute(3, 4)
    assert twin.digest() == digest


def test_a_twin_of_ties_that_change_in_place_stays_as_it_was() -> None:
    world = busy("sir")
    world.ties.change([0, 1, 2], [90, 91, 92], True, trust=[0.5, 0.25, 1.0])
    assert not world.ties.is_still
    twin, digest = still(world, copied), world.digest()
    world.ties.change([0, 5], [90, 80], [False, True])
    world.step()
    assert twin.digest() == digest
    assert twin.ties.reverse.count == twin.ties.count
