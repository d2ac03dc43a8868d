"""What members do about each other in a live world, and done again from a journal."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from sim import World, replay
from sim.errors import InputError
from sim.runtime import Simulation
from sim.runtime.frames import communities as layout
from sim.runtime.journal.acts import perform
from sim.world import commands as hosting
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


def test_large_networks_are_not_pictured_anew_for_each_tie(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "_AT_ONCE_TIES", 5)
    world = World.create(agents=60, mean_degree=6, seed=5, network="planted-communities")
    pictures: list[object] = []

    def at_once(act: Callable[[], object]) -> None:
        act()

    made = layout.CommunityLayout(at_once)

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


async def test_a_plugin_of_the_platform_that_fails_is_told_on_frames() -> None:
    world = World.create(agents=60, mean_degree=4, seed=5)
    platform = world.open_platform(rhythm="flat", posting=0.5)
    async with Simulation(world) as simulation:
        platform.failing[0] = ValueError("oops")
        await simulation.step(2)
        frame = simulation.frame
        assert frame.banner == platform.faults[0] == frame.events[-1][1]
        assert "The policy 'rule' failed" in frame.banner


def test_what_is_done_to_a_platform_can_be_done_again() -> None:
    world = World.create(agents=200, mean_degree=6, seed=5)
    perform(world, "open_platform", [{"slots": 4, "posting": 0.3}])
    perform(world, "step", [2])
    perform(world, "act", [3, "post"], {"text": "music"})
    perform(world, "recommend", ["popularity"], {"members": [1, 2], "weight": 3.0})
    perform(world, "behave", ["rule"], {"members": [1, 2], "likes": 2.0})
    perform(world, "step", [2])
    assert world.platform is not None
    perform(world, "flag", [world.platform.posts.first, "pinned"])
    again = replay(world.trail.acts)
    assert again.is_same
    assert again.world.digest() == world.digest()
    assert name_of(hosting.act) == "act"


def test_a_world_without_a_platform_refuses_its_acts() -> None:
    world = World.create(agents=10, mean_degree=2, seed=5)
    for name, said in (("act", [1, "like"]), ("recommend", ["random"]), ("flag", [0, "ad"])):
        with pytest.raises(InputError, match="no platform"):
            COMMANDS[name].apply(world, *said)
