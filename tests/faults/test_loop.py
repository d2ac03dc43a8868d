"""The event loop stays free while a large world ticks, takes checkpoints and is looked at."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sim import Simulation, World
from sim.runtime.journal.checkpoints import Pacing

MOST = 0.25


@pytest.fixture
def longest(monkeypatch: pytest.MonkeyPatch) -> Callable[[], float]:
    """Tells how much a callback computed at most, in s of its thread: a busy machine adds none."""
    spent = [0.0]
    run: Any = asyncio.Handle._run

    def watched(handle: asyncio.Handle) -> None:
        began = time.thread_time()
        run(handle)
        spent.append(time.thread_time() - began)

    monkeypatch.setattr(asyncio.Handle, "_run", watched)
    return lambda: max(spent)


def busy(agents: int) -> World:
    world = World.create(agents=agents, mean_degree=10, seed=5)
    world.open_platform()
    world.step()
    return world


async def played(world: World, ticks: int, path: Path) -> None:
    async with (
        Simulation(world, path=path, journal=Pacing(3, None, None)) as simulation,
        simulation.watch() as frames,
    ):
        await simulation.inject("News", seeds="random:40", model="sir")
        await simulation.play()
        async for frame in frames:
            if frame.tick >= ticks:
                break
        await simulation.pause()


def test_no_callback_computes_long_while_a_platform_plays(
    longest: Callable[[], float], tmp_path: Path
) -> None:
    asyncio.run(played(busy(20_000), 12, tmp_path / "a.hub"))
    assert longest() < MOST


@pytest.mark.slow
def test_no_callback_computes_long_while_a_million_play(
    longest: Callable[[], float], tmp_path: Path
) -> None:
    asyncio.run(played(busy(1_000_000), 12, tmp_path / "a.hub"))
    assert longest() < MOST


def test_the_watch_finds_a_callback_that_computes_long(longest: Callable[[], float]) -> None:
    async def keeps_it() -> None:
        until = time.thread_time() + MOST
        while time.thread_time() < until:
            pass

    asyncio.run(keeps_it())
    assert longest() >= MOST
