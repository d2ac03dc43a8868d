"""What a notebook shows of the main objects, and what it may write for a number of agents."""

from __future__ import annotations

import pytest

from sim import Simulation, World
from sim.errors import InputError


def test_main_objects_say_what_they_are_in_a_line() -> None:
    world = World.create(agents=1e2, mean_degree=4, seed=3)
    story = world.inject("Hello.", seeds=[0, 1], model="si", beta=0.0)
    metrics = world.open_metrics()
    world.step(2)
    assert (
        repr(world) == f"<World: 100 agents, {world.ties.count:,} ties, tick 2, 1 messages, seed 3>"
    )
    assert repr(story) == "<Cascade 0: si, quiet, 2 of 100 agents>"
    assert repr(metrics) == f"<Metrics: {len(metrics.names)} series, 2 rows to tick 2>"


async def test_a_simulation_and_its_frame_say_what_they_are_in_a_line() -> None:
    world = World.create(agents=100, mean_degree=4)
    told = repr(world)
    assert repr(Simulation(world)) == f"<Simulation of {told}, not entered>"
    async with Simulation(world, name="mine") as simulation:
        frame = simulation.frame
        assert repr(frame).startswith(f"<Frame {frame.revision}: 'mine', paused, tick 0, 100 ")
        assert repr(simulation) == f"<Simulation of {frame!r}>"


@pytest.mark.parametrize("agents", [100.5, "many", True])
def test_a_number_of_agents_is_a_whole_one(agents: object) -> None:
    with pytest.raises(InputError, match=r"^agents must be a whole number, got "):
        World.create(agents=agents)  # type: ignore[arg-type]
