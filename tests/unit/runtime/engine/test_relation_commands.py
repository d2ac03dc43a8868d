"""What members do about each other in a live world, and done again from a journal."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from sim import World, replay
from sim.runtime import Simulation
from sim.runtime.frames import communities as arranger
from sim.runtime.journal.acts import perform
from sim.store.journal.state import Observer, whole_state
from sim.world.commands import COMMANDS, name_of
from sim.world.log import words_of

PAIRS: tuple[object, ...] = ([1, 2], [0, 3])
GROUPS: dict[str, tuple[object, ...]] = {
    "create_group": ("gardeners", 4),
    "join_group": ([1, 2], "owls"),
    "leave_group": ([4], "owls"),
    "learn": ([1, 1, 2], [0, 0, 3], [True, False, True], 0.1),
}


def small() -> World:
    return World.create(agents=20, mean_degree=4, seed=5)


PAIRED = ("follow", "unfollow", "befriend", "unfriend", "block", "unblock", "mute", "unmute")


@pytest.mark.parametrize("name", [*PAIRED, "remove_ties", *GROUPS])
def test_an_act_done_again_from_json_leaves_the_same_world(name: str) -> None:
    one, other = small(), small()
    for world in (one, other):
        world.befriend([1, 4], [0, 5])
        world.mute(2, 3)
        world.block(6, 7)
        world.groups.create("owls")
        world.groups.join([4], "owls")
    said = GROUPS.get(name, PAIRS)
    COMMANDS[name].apply(one, *said)
    perform(other, name, json.loads(json.dumps(said)))
    assert one.digest() == other.digest()
    assert other.trail.acts[-1].kind == name
    assert words_of(other.trail.acts[-1].said)[0] == list(said)
    assert name_of(COMMANDS[name].apply) == name


def test_a_world_with_a_life_is_made_again_from_its_log() -> None:
    world = small()
    world.follow([1, 2, 3], 9)
    world.step(1)
    world.block(9, 2)
    world.mute([3, 5], [9, 0])
    world.remove_ties([9], [1])
    world.step(2)
    world.trail.seal(world)
    again = replay(world.trail.acts)
    assert again.is_same
    assert again.world.digest() == world.digest()


async def test_a_live_world_does_it_between_ticks() -> None:
    world = small()
    async with Simulation(world) as simulation:
        done = await simulation.do("follow", np.array([1, 2]), np.array([0, 0]))
        assert done.added + done.known == 2
        await simulation.do("mute", [1], [0])
    assert world.neighbours(1, "muted").tolist() == [0]
    assert [act.kind for act in world.trail.acts[-2:]] == ["follow", "mute"]


def test_a_journal_sees_every_kind_of_change() -> None:
    world, seen = small(), set()
    observer = Observer(world)
    for name in ("befriend", "unfriend", "follow", "mute", "unmute", "block", "unblock"):
        getattr(world, name)([1], [13])
        seen.add((whole_state(world), name))
        states = {observer.look(world, number).state for number in range(16)}
        assert len(states) > 1
    assert len({state for state, _ in seen}) >= 5


def test_parts_of_a_changed_world_are_those_of_one_just_loaded() -> None:
    world = small()
    world.befriend([1, 2, 3], [11, 12, 13])
    world.unfriend([1], [11])
    world.mute([4], [2])
    again = World.restore(*world.dump())
    observers = Observer(world), Observer(again)
    for number in range(16):
        assert observers[0].look(world, number) == observers[1].look(again, number)


def test_a_large_network_in_motion_is_not_pictured_anew_for_every_tie(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(arranger, "_AT_ONCE_TIES", 5)
    world = World.create(agents=60, mean_degree=6, seed=5, network="planted-communities")
    pictures: list[object] = []

    def at_once(act: Callable[[], object]) -> None:
        act()

    made = arranger.CommunityLayout(at_once)

    def arranged() -> int:
        made.arrange(world, pictures.append)
        if made._thread is not None:
            made._thread.join()
        return len(pictures)

    assert arranged() == arranged() == 1
    world.follow([0], [1])
    assert arranged() == 2, "the first change"
    world.unfollow([0], [1])
    assert arranged() == 2
    world.follow(np.arange(1, 40), 0)
    assert arranged() == 3
