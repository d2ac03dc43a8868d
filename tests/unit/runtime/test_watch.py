"""Watchers take what they can; nobody waits for them."""

import asyncio
import time
from types import SimpleNamespace

import pytest

from sim import World
from sim.runtime import Simulation
from tests.unit.runtime.worlds import Gate, Hand, blocked_until, until


async def test_watch_begins_with_the_newest_frame_and_ends_with_it_all(world: World) -> None:
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


async def test_engine_does_not_wait_for_a_watcher_that_is_slow(simulation: Simulation) -> None:
    async with simulation.watch(size=2) as frames:

        async def look_once() -> None:
            async for _ in frames:
                await asyncio.Event().wait()  # for ever

        looking = asyncio.create_task(look_once())
        await asyncio.sleep(0)
        for _ in range(20):
            await simulation.step()  # each has a frame of its own
        looking.cancel()
    assert frames.dropped >= 18
    assert [frame.tick for frame in frames._waiting][-1] == 20


async def test_blocked_loop_does_not_slow_the_engine(world: World, counter: Gate) -> None:
    async with Simulation(world) as simulation:
        await simulation.play(ticks_per_second=500)
        began = counter.came
        blocked_until(lambda: counter.came > began + 25)  # that is the point
        await simulation.pause()
        assert simulation.frame.tick > began + 25


async def test_frames_while_playing_are_no_more_than_asked_for(
    world: World, counter: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand = Hand()
    stood = SimpleNamespace(monotonic=hand, sleep=time.sleep)
    monkeypatch.setattr("sim.runtime.engine.engine.time", stood)
    monkeypatch.setattr("sim.runtime.engine.thread_client.time", stood)
    async with Simulation(world, frames_per_second=4) as simulation:
        await simulation.inject("news", seeds=[1], model="sis")
        await simulation.play()
        async with simulation.watch(size=100) as frames:
            for shown in range(1, 5):
                await until(lambda many=shown: len(frames._waiting) >= many)  # type: ignore[misc]
                began = counter.came
                await until(lambda now=began: counter.came > now + 20)  # type: ignore[misc]
                assert len(frames._waiting) == shown
                hand.time += 0.25


async def test_two_watchers_see_the_same_end(simulation: Simulation) -> None:
    async with simulation.watch() as one, simulation.watch() as two:
        await simulation.step(3)
        await until(lambda: simulation.frame.tick == 3)
        await until(lambda: all(watch._waiting for watch in (one, two)))
        last = [[frame.tick for frame in watch._waiting][-1] for watch in (one, two)]
    assert last == [3, 3]
