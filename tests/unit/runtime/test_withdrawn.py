"""A command whose awaiter leaves before its turn is taken back: every one, in both engines."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sim import World
from sim.runtime import IsolatedSimulation, Job, Simulation
from sim.runtime.engine.engine import EngineCommand
from tests.unit.runtime.isolating import Thread
from tests.unit.runtime.worlds import PATIENCE, until

Live = Simulation

COMMANDS: dict[str, Callable[[Live], Awaitable[Any]]] = {
    "inject": lambda s: s.inject("late", seeds=[3], model="si"),
    "set_parameter": lambda s: s.set_parameter(0, "beta", 0.9),
    "cancel": lambda s: s.cancel(0),
    "focus": lambda s: s.focus(0),
    "plan": lambda s: s.plan("late", seeds=[3], model="si"),
    "step": lambda s: s.step(2),
    "run_until_quiet": lambda s: s.run_until_quiet(limit=5),
    "play": lambda s: s.play(until_tick=3),
    "save": lambda s: s.save(AT[0] / "late.hub"),
    "call": lambda s: s.call(deactivated, 4),
    "query": lambda s: s.query(noting),
    "create_agents": lambda s: s.create_agents(3),
    "build_friendships": lambda s: s.build_friendships(12),
    "create_communities": lambda s: s.create_communities(["music"], 10),
    "detect_communities": lambda s: s.detect_communities("label-propagation"),
}
HERE = {
    "bookmark": lambda s: s.bookmark("here"),
    "go_to": lambda s: s.go_to(0),
    "back": lambda s: s.back(1),
    "branch": lambda s: s.branch(AT[0] / "late.hub"),
    "act": lambda s: s.call(shouted),
}
"""What an engine in a process of its own does not do."""

AT: list[Path] = [Path()]
NOTED: list[str] = []


def deactivated(world: World, agent: int) -> None:
    world.agents.set_status([agent], 5)


def shouted(world: World) -> None:
    world.inject("by hand", seeds=[5], model="si")


def noting(_world: World) -> None:
    NOTED.append("asked")


def held(_world: World, at: str) -> None:
    """Hold the engine until a file is gone."""
    import time

    Path(at).with_suffix(".in").touch()
    end = time.monotonic() + PATIENCE
    while Path(at).exists() and time.monotonic() < end:
        time.sleep(0.002)


def seen(world: World) -> tuple[str, int]:
    world.trail.seal(world)
    return world.digest(), len(world.trail.acts)


@asynccontextmanager
async def holding(live: Live, folder: Path) -> AsyncIterator[None]:
    """Let the engine be busy for the length of the block."""
    at = folder / "held"
    at.touch()
    busy = asyncio.create_task(live.call(held, str(at)))
    await until(at.with_suffix(".in").exists)
    try:
        yield
    finally:
        at.unlink()
        await busy


async def left(live: Live, name: str, folder: Path) -> None:
    """Ask for something while the engine is busy, and leave before its turn."""
    AT[0] = folder
    NOTED.clear()
    before = await live.call(seen), live.frame.tick, live.frame.state, live.frame.events
    async with holding(live, folder):

        async def wait() -> None:
            await (COMMANDS | HERE)[name](live)

        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0.05)
        assert not waiting.done(), "it is its turn that it waits for"
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        # Elsewhere it has to be told, by threads that share their processors with others.
        await asyncio.sleep(0.5 if live.is_isolated else 0.05)
    at_rest = await live.call(seen), live.frame.tick
    await until(lambda: live.frame.state == before[2])  # it is painted a little later
    assert (*at_rest, live.frame.state, live.frame.events) == before
    assert not (folder / "late.hub").exists()
    assert NOTED == []
    assert await live.step(1) == 1, "whoever comes next is answered"


@pytest.mark.parametrize("name", [*COMMANDS, *HERE])
async def test_what_nobody_awaits_is_off(simulation: Simulation, name: str, tmp_path: Path) -> None:
    await simulation.inject("news", seeds=[1], model="si", beta=0.1)
    await simulation.step(1)
    await left(simulation, name, tmp_path)


@pytest.mark.parametrize("name", COMMANDS)
async def test_it_is_taken_back_elsewhere_too(world: World, name: str, tmp_path: Path) -> None:
    async with IsolatedSimulation(world, spawn=Thread) as isolated:
        await isolated.inject("news", seeds=[1], model="si", beta=0.1)
        await isolated.step(1)
        await left(isolated, name, tmp_path)


@pytest.mark.parametrize("name", ["create_agents", "build_friendships", "step", "inject"])
async def test_elsewhere_it_is_taken_back_as_soon_as_its_awaiter_leaves(
    world: World, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.runtime.process.client._REPORT_SECONDS", 600.0)  # not at the next
    async with IsolatedSimulation(world, spawn=Thread) as isolated:
        await isolated.inject("news", seeds=[1], model="si", beta=0.1)
        await asyncio.wait_for(left(isolated, name, tmp_path), PATIENCE)


async def test_what_has_begun_is_carried_out(simulation: Simulation, tmp_path: Path) -> None:
    at = tmp_path / "held"
    at.touch()
    busy = asyncio.create_task(simulation.call(held, str(at)))
    await until(at.with_suffix(".in").exists)
    busy.cancel()
    with pytest.raises(asyncio.CancelledError):
        await busy
    at.unlink()
    assert await simulation.step(1) == 1


async def test_a_pause_is_felt_at_once_and_stays(simulation: Simulation, tmp_path: Path) -> None:
    await simulation.play()
    async with holding(simulation, tmp_path):
        pausing = asyncio.create_task(simulation.pause())
        await asyncio.sleep(0.02)
        pausing.cancel()
    await until(lambda: simulation.frame.state == "paused")
    assert await simulation.step(1) == 1


async def test_a_job_cancelled_early_does_nothing(simulation: Simulation, tmp_path: Path) -> None:
    ties = simulation.frame.ties
    async with holding(simulation, tmp_path):
        job: Job[int] = simulation.build_friendships(12)
        await asyncio.sleep(0.02)
        job.cancel()
    with pytest.raises(Exception, match="Cancelled while waiting for its turn"):
        await job
    assert simulation.frame.ties == ties


def test_a_command_is_either_begun_or_taken_back() -> None:
    def command(*, is_felt: bool = False) -> EngineCommand:
        return EngineCommand(1, lambda: None, lambda *_: None, is_felt=is_felt)

    begun, back, felt = command(), command(), command(is_felt=True)
    assert begun.begin()
    assert not begun.withdraw()
    assert back.withdraw()
    assert not back.begin()
    assert not felt.withdraw()
    assert felt.begin()
