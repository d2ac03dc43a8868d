"""A platform in a journal: opened, commanded and replayed."""

import pytest

from sim import World, replay
from sim.errors import InputError
from sim.runtime import Simulation
from sim.runtime.journal.acts import perform
from sim.world import commands as hosting
from sim.world.commands import COMMANDS, name_of


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
