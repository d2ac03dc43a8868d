"""Plugins that crash, loop in compiled code or eat memory, in a real process: each costs itself."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim import World
from sim.core import registry
from sim.runtime import IsolatedSimulation, Simulation
from tests.unit.runtime.isolating import LONG, ROUGH, line_of
from tests.unit.runtime.worlds import present, until

NULL = f"rough.py, line {line_of('string_at')}, in harm"
DEAF = f"rough.py, line {line_of('.read(')}, in harm"


@pytest.fixture
def rough(tmp_path: Path) -> Iterator[Path]:
    """A file of plugins that do harm in their third tick."""
    path = tmp_path / "rough.py"
    path.write_text(ROUGH)
    brought = registry.load_file(path)
    yield path
    for item in brought:
        del registry._known[item.kind][item.name]
        sys.modules.pop(item.cls.__module__, None)


async def grown_alone(simulation: Simulation) -> bool:
    """Whether message #0 is what it would be if #1 had never been."""
    world = await simulation.world()
    other = World.create(agents=2000, mean_degree=10, seed=7)
    story = other.inject("Ours.", seeds=[1, 2, 3], model="si", beta=0.1)
    other.step(world.tick)
    return story.size == world.cascades[0].size


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("model", "how"),
    [
        pytest.param(
            "rough-exit", "ended the engine's process (exit code 3)", marks=pytest.mark.slow
        ),
        ("rough-null", f"ended the engine's process (signal SIGSEGV, segmentation fault) ({NULL})"),
    ],
)
async def test_a_crash_costs_its_message(world: World, rough: Path, model: str, how: str) -> None:
    async with IsolatedSimulation(world) as simulation:
        await simulation.inject("Ours.", seeds=[1, 2, 3], model="si", beta=0.1)
        theirs = await simulation.inject("Theirs.", seeds=[4], model=model)
        assert await simulation.step(2) == 2
        playing = asyncio.create_task(simulation.play())  # it may die before it answers
        row = await theirs.done()
        await asyncio.gather(playing, return_exceptions=True)
        assert (row.status, row.error) == ("failed", f"{model}: {how}")
        assert simulation.frame.state == "paused"
        assert simulation.frame.banner == (
            f"Plugin {model!r} {how}; message #1 was stopped, everything else resumes from tick 2."
        )
        assert any("#1 failed" in line for _, line in simulation.frame.events)
        assert await simulation.step(3) == 3
        assert simulation.frame.tick == 5
        assert await grown_alone(simulation)


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_loop_that_holds_the_lock_is_named_and_killed(world: World, rough: Path) -> None:
    async with IsolatedSimulation(world) as simulation:
        await simulation.inject("Ours.", seeds=[1, 2, 3], model="si", beta=0.1)
        await simulation.inject("Theirs.", seeds=[4], model="rough-deaf")
        hungry = await simulation.inject("Theirs.", seeds=[5], model="rough-hungry")
        assert await simulation.step(2) == 2
        playing = asyncio.create_task(simulation.play())  # it may die before it answers

        def is_named() -> bool:
            stall = simulation.frame.stalled
            return stall is not None and stall.place.endswith("in harm")

        await until(is_named, LONG)
        stall = present(simulation.frame.stalled)
        assert (stall.what, stall.plugin, stall.place) == (
            "Tick 3", "rough-deaf", DEAF,
        )  # fmt: skip
        ended = await simulation.restart()
        await asyncio.gather(playing, return_exceptions=True)
        assert (ended.tick, ended.sessions, ended.was_rebuilt) == (2, (1,), True)
        assert f"did not return ({DEAF}); message #1" in ended.sentence
        assert await simulation.step(2) == 2
        assert "MemoryError" in str(hungry.error)
        assert await grown_alone(simulation)


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_plugin_is_stopped_unasked_when_patience_ends(world: World, rough: Path) -> None:
    async with IsolatedSimulation(world, patience=0.1) as simulation:
        theirs = await simulation.inject("Theirs.", seeds=[4], model="rough-deaf")
        playing = asyncio.create_task(simulation.play())  # it may die before it answers
        row = await theirs.done()
        await asyncio.gather(playing, return_exceptions=True)
        assert row.error == f"rough-deaf: did not return ({DEAF})"
