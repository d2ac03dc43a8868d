"""What a program changes in ``Simulation.call`` is seen like what a command changes."""

import asyncio
from typing import Any

from sim import Phase, World
from sim.core import ParameterChanged
from sim.runtime import Simulation
from tests.unit.runtime.worlds import present, until


def _revise(world: World, /, number: int, **changes: Any) -> None:
    world.cascades[number].revise(**changes)


async def test_parameters_changed_in_a_call_are_shown_and_told(simulation: Simulation) -> None:
    told: list[ParameterChanged] = []
    simulation.subscribe(ParameterChanged, told.append)
    await simulation.inject("news", seeds=[1], model="independent-cascade", probability=0.1)
    await simulation.call(_revise, 0, probability=0.25)
    assert dict(present(simulation.frame.focus).parameters)["probability"] == 0.25
    assert simulation.frame.events[-1] == (0, "#0 probability = 0.25 from the next tick")
    await until(lambda: bool(told))
    assert (told[0].cascade, told[0].name, told[0].value) == (0, "probability", 0.25)


async def test_a_message_that_a_call_wakes_is_followed_again(simulation: Simulation) -> None:
    session = await simulation.inject("news", seeds=list(range(40)), model="si", beta=0.0)
    await simulation.step(5)
    assert (await session.done()).size == 40
    await simulation.call(_revise, 0, beta=1.0)
    row, focus = simulation.frame.sessions[0], simulation.frame.focus
    assert focus is not None
    assert (row.status, focus.status, len(focus.history)) == ("running", "running", 6)
    waiting = asyncio.ensure_future(session.done())
    await simulation.step(1)
    grown = simulation.frame.sessions[0]
    assert grown.size > 40
    assert grown.new == grown.size - 40
    assert not waiting.done()
    await simulation.run_until_quiet()
    assert (await waiting).size == simulation.frame.sessions[0].size


async def test_a_call_and_a_command_that_change_the_same_leave_the_same_world() -> None:
    digests = []
    for by_call in (True, False):
        world = World.create(agents=300, mean_degree=6, seed=7)
        async with Simulation(world) as simulation:
            await simulation.inject("news", seeds=[1, 2], model="si", beta=0.0)
            await simulation.step(4)
            if by_call:
                await simulation.call(_revise, 0, beta=0.5)
            else:
                await simulation.set_parameter(0, "beta", 0.5)
            await simulation.step(3)
        digests.append(world.digest())
    assert digests[0] == digests[1]


async def test_a_message_that_wakes_in_a_tick_is_shown_as_it_runs() -> None:
    def back(world: World) -> None:
        if world.tick == 6:
            world.agents.set_status([1], 1)

    world = World.from_edges([0, 1, 2, 3], [1, 2, 3, 4])
    world.agents.set_status([1], 3)
    async with Simulation(world) as simulation:
        session = await simulation.inject("x", seeds=[0], model="si", beta=1.0)
        await simulation.step(4)
        assert session.status == "quiet"
        world.phases.append(Phase("return", "brings an agent back", back))
        await simulation.step(5)
        row, focus = simulation.frame.sessions[0], simulation.frame.focus
        assert focus is not None
        assert (row.status, row.size) == ("running", 4)
        assert focus.history[:, 1].tolist() == [1, 1, 1, 1, 1, 1, 1, 2, 3, 4]
        await simulation.step(3)
        assert (session.status, simulation.frame.sessions[0].size) == ("quiet", 5)
