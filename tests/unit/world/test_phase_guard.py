"""A phase behind a fence costs itself, not the tick."""

import re

from sim import Phase, World
from sim.runtime import Simulation
from sim.testing import tiny_world
from sim.world import fenced


def leave(_world: World) -> None:
    raise SystemExit("enough")


def test_a_phase_that_fails_three_times_is_left_out() -> None:
    world = tiny_world()
    calls: list[int] = []

    def broken(world: World) -> None:
        calls.append(world.tick)
        leave(world)

    world.phases.append(fenced(Phase("broken", "fails", broken)))
    world.step(6)
    assert calls == [1, 2, 3]
    assert world.tick == 6
    place = r"\(test_phase_guard\.py, line \d+\)"
    assert re.fullmatch(
        rf"The phase 'broken' failed in tick 1: SystemExit: enough {place}\.", world.remarks[0]
    )
    assert re.search(
        rf"SystemExit: enough {place}; it is left out from now on\.$", world.remarks[2]
    )


def test_a_phase_that_works_runs_in_every_tick() -> None:
    world = tiny_world()
    seen: list[int] = []
    world.phases.insert(0, fenced(Phase("fine", "notes", lambda world: seen.append(world.tick))))
    world.step(3)
    assert (seen, world.remarks) == ([1, 2, 3], ())


async def test_a_running_simulation_shows_what_failed() -> None:
    world = tiny_world()
    world.phases.append(fenced(Phase("broken", "fails", leave)))
    async with Simulation(world) as simulation:
        await simulation.step(2)
        assert "The phase 'broken' failed in tick 2" in str(simulation.frame.banner)
        assert simulation.frame.state == "paused"
