"""A world runs without a screen, and stops at a whole tick."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sim import Phase, Simulation, World
from sim.errors import InputError
from sim.runtime import EngineError, Frame, run_blocking
from tests.unit.runtime.worlds import blocked_until, broken_phase, slow_phase


def test_world_runs_the_ticks_asked_for(world: World) -> None:
    twin = World.create(agents=2000, mean_degree=10, seed=7)
    for one in (world, twin):
        one.inject("news", seeds=[1], model="sis")
    frame = run_blocking(world, 12)
    twin.step(12)
    assert (frame.tick, frame.state) == (12, "paused")
    assert world.digest() == twin.digest()


def test_world_runs_until_it_is_quiet(world: World) -> None:
    story = world.inject("news", seeds=[1], model="independent-cascade")
    frame = run_blocking(world, until_quiet=True)
    assert story.status == "quiet"
    assert frame.tick == len(story.history) - 1


def test_progress_sees_frames_and_the_last_one(world: World) -> None:
    ticks: list[int] = []

    def wait_to_be_seen(world: World) -> None:
        if world.tick == 29:
            blocked_until(lambda: bool(ticks) and ticks[-1] > 0)

    world.phases += [slow_phase(0.01), Phase("last", "waits", wait_to_be_seen)]
    run_blocking(world, 30, progress=lambda frame: ticks.append(frame.tick), frames_per_second=20)
    assert ticks == sorted(ticks)
    assert ticks[-1] == 30
    assert any(0 < tick < 30 for tick in ticks)


def test_progress_that_raises_stops_the_run(world: World) -> None:
    world.phases.append(slow_phase(0.005))
    story = world.inject("news", seeds=[1], model="sis")

    def enough(frame: Frame) -> None:
        if frame.tick >= 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_blocking(world, 100_000, progress=enough, frames_per_second=50)
    assert 5 <= world.tick < 100_000
    assert len(story.history) == world.tick + 1


def test_failed_engine_is_raised(world: World) -> None:
    world.phases.append(broken_phase(3))
    with pytest.raises(EngineError, match="SystemExit"):
        run_blocking(world, 10)


def test_no_ticks_is_allowed(world: World) -> None:
    assert run_blocking(world, 0).tick == 0


ASKED: dict[str, Callable[[Simulation, Any], Awaitable[object]]] = {
    "a step": lambda simulation, _: simulation.step(),
    "a pause": lambda simulation, _: simulation.pause(),
    "a message": lambda simulation, _: simulation.inject("Hello.", seeds=[1], model="sir"),
    "the end of a message": lambda _, session: session.done(),
    "the end": lambda simulation, _: simulation.__aexit__(),
}


@pytest.mark.parametrize("isolated", [False, True])
def test_another_loop_is_refused_in_one_sentence(isolated: bool) -> None:
    own = asyncio.new_event_loop()
    simulation = Simulation(World.create(agents=30, mean_degree=4, seed=1), isolated=isolated)
    own.run_until_complete(simulation.__aenter__())
    session = own.run_until_complete(simulation.inject("Hi.", seeds=[1], model="sir"))

    async def other(ask: Callable[[Simulation, Any], Awaitable[object]]) -> None:
        with pytest.raises(InputError, match=r"lives in the event loop .* use it there"):
            await ask(simulation, session)

    for ask in ASKED.values():
        asyncio.run(other(ask))
    assert simulation.frame.tick == 0
    assert own.run_until_complete(simulation.step()) == 1
    own.run_until_complete(simulation.__aexit__())
    own.close()
