"""A copy of a running world: its own, and as the world was."""

from __future__ import annotations

from sim import World
from sim.runtime import Simulation
from sim.world.state.state import digest_of


def digest(world: World) -> str:
    return digest_of(*world.packed())


async def test_a_copy_stays_as_the_world_was_and_goes_on_as_it_does() -> None:
    world = World.create(agents=300, mean_degree=6, seed=7)
    world.open_platform(rhythm="flat", posting=0.5)
    async with Simulation(world) as simulation:
        await simulation.inject("Closed.", seeds=[3, 4], model="sir", beta=0.2)
        await simulation.step(3)
        copied = await simulation.world()
        before = digest(copied)
        await simulation.step(3)
        assert digest(copied) == before
        copied.step(3)
        assert digest(copied) == await simulation.call(digest)
