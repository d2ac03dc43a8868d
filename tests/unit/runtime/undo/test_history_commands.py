"""Commands after going back: to a platform they are as good as to any other world."""

import pytest

from sim import Simulation, World
from sim.platform import Flag
from sim.platform.platform import PlatformSnapshot
from sim.store.journal.state import whole_state


@pytest.mark.parametrize("back", [1, 3])
async def test_a_platform_runs_on_after_a_command_in_its_past(back: int) -> None:
    world = World.create(agents=60, mean_degree=6, seed=7, platform={"posting": 0.5})
    async with Simulation(world) as simulation:
        for _ in range(4):
            await simulation.step(1)
            await simulation.call(lambda world: world.tick)
        await simulation.back(back)
        await simulation.call(lambda world: world.tick)
        assert (await simulation.reach()).last == 4  # nothing was changed
        await simulation.do("give_minds", [1, 2])
        assert await simulation.step(1) == 1
        assert (await simulation.reach()).last == 5 - back


def test_a_copy_of_a_platform_tells_what_commands_changed() -> None:
    world = World.create(agents=60, mean_degree=6, seed=7, platform={"posting": 0.5})
    world.step(2)
    platform = world.platform
    assert platform is not None
    before, still = whole_state(world), PlatformSnapshot(platform)
    world.platform = still  # type: ignore[assignment]  # as in the copies of the past
    assert whole_state(world) == before
    world.platform = platform
    platform.posts.mark(platform.posts.first, Flag.LABELLED)
    assert whole_state(world) != before
