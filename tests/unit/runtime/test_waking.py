"""A message at rest that a tick wakes is followed again."""

from __future__ import annotations

import numpy as np

from sim import Phase, World
from sim.runtime import Simulation


def away(world: World) -> None:
    world.agents.set_status([1], 3)


async def test_a_message_that_wakes_in_a_tick_is_shown_as_it_runs() -> None:
    world = World.from_edges([0, 1, 2, 3], [1, 2, 3, 4])
    away(world)
    async with Simulation(world) as simulation:
        session = await simulation.inject("x", seeds=[0], model="si", beta=1.0)
        await simulation.step(4)
        assert session.status == "quiet"
        world.phases.append(back_at(6))
        await simulation.step(5)
        frame = simulation.frame
        assert [row.status for row in frame.sessions] == ["running"]
        assert frame.sessions[0].size == 4
        assert frame.focus is not None
        history = frame.focus.history
        np.testing.assert_array_equal(history[:, 1], [1, 1, 1, 1, 1, 1, 1, 2, 3, 4])
        await simulation.step(3)
        assert session.status == "quiet"
        assert simulation.frame.sessions[0].size == 5


def back_at(tick: int) -> Phase:
    def run(world: World) -> None:
        if world.tick == tick:
            world.agents.set_status([1], 1)

    return Phase("return", "brings an agent back", run)
