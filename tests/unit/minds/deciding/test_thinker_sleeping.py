"""Minds that were awake when a world was last seen sleep until somebody wakes them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sim import World
from sim.runtime import Simulation
from sim.runtime.minds import asleep
from sim.store import load, save
from tests.unit.runtime.minds_world import minded, platform_of


def test_a_world_that_crashed_with_minds_awake_goes_by_the_rules(tmp_path: Path) -> None:
    save(minded("model", members=120), tmp_path / "w.hub")
    world = load(tmp_path / "w.hub")
    assert platform_of(world).minds.awake

    async def told() -> str:
        async with Simulation(world) as simulation:
            said = simulation.frame.banner or ""
            await simulation.step(3)
            return said

    said = asyncio.run(told())
    assert "Language models of 120 members are off; rules decide for them." in said
    assert not platform_of(world).minds.awake
    assert platform_of(world).log.counted[1].sum() > 0
    assert platform_of(world).acted.agent.size


def test_there_is_nothing_to_say_of_worlds_without_minds() -> None:
    world = World.create(agents=10, mean_degree=2)
    assert asleep(world) == ""
    world.open_platform()
    assert asleep(world) == ""
