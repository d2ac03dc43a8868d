"""Watchers take what they can; nobody waits for them."""

from __future__ import annotations

import asyncio
import time

from sim.run import Simulation
from sim.world.world import World
from tests.unit.run.worlds import slow_phase, until


async def test_watch_begins_with_the_newest_frame_and_ends_with_the_simulation(
    world: World,
) -> None:
    seen: list[int] = []
    async with Simulation(world) as simulation:
        await simulation.step(2)

        async def look() -> None:
            async with simulation.watch() as frames:
                seen.extend([frame.tick async for frame in frames])

        looking = asyncio.create_task(look())
        await asyncio.sleep(0)
        await simulation.step(1)
    await looking
    assert seen[0] == 2
    assert seen[-1] == 3


async def test_revisions_rise_and_no_frame_comes_twice(simulation: Simulation) -> None:
    revisions: list[int] = []
    async with simulation.watch(size=100) as frames:
        for tick in range(1, 6):
            await simulation.step()
            async for frame in frames:
                revisions.append(frame.revision)
                if frame.tick == tick and frame.state == "paused":
                    break
    assert revisions == sorted(set(revisions))


async def test_slow_watcher_misses_frames_and_does_not_slow_the_engine(world: World) -> None:
    world.phases.append(slow_phase(0.002))
    async with Simulation(world, frames_per_second=60) as simulation:
        async with simulation.watch() as frames:
            await simulation.inject("news", seeds=[1], model="sis")
            began = time.monotonic()
            await simulation.step(200)
            alone = time.monotonic() - began

            async def dawdle() -> None:
                async for _ in frames:
                    await asyncio.sleep(0.3)

            dawdling = asyncio.create_task(dawdle())
            began = time.monotonic()
            await simulation.step(200)
            watched = time.monotonic() - began
            dawdling.cancel()
        assert watched < 2 * alone + 0.3  # one dawdle for each frame would be 7 s
        assert frames.dropped > 0


async def test_blocked_loop_does_not_slow_the_engine(world: World) -> None:
    world.phases.append(slow_phase(0.002))
    async with Simulation(world, frames_per_second=60) as simulation:
        await simulation.play()
        await asyncio.sleep(0.1)
        began = simulation.frame.tick
        time.sleep(0.5)  # noqa: ASYNC251 - that is the point
        await simulation.pause()
        assert simulation.frame.tick - began > 25


async def test_frames_while_playing_are_no_more_than_asked_for(world: World) -> None:
    async with Simulation(world, frames_per_second=5) as simulation:
        await simulation.inject("news", seeds=[1], model="sis")
        await simulation.play()
        async with simulation.watch(size=100) as frames:
            await asyncio.sleep(1.0)
            assert 3 <= len(frames._waiting) <= 7


async def test_two_watchers_see_the_same_end(simulation: Simulation) -> None:
    async with simulation.watch() as one, simulation.watch() as two:
        await simulation.step(3)
        await until(lambda: simulation.frame.tick == 3)
        await asyncio.sleep(0.01)
        last = [[frame.tick for frame in watch._waiting][-1] for watch in (one, two)]
    assert last == [3, 3]
