"""What strangers' code does to a simulation: it is named, made harmless, and costs nobody else."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import PropagationModel, World
from sim.core import CascadeFailed, CascadeGrew, Event, registry
from sim.errors import InputError
from sim.runtime import EngineError, Simulation
from sim.runtime.engine import thread_client as claims
from sim.runtime.engine.thread_client import claim
from sim.store import load
from tests.unit.runtime.worlds import Gate, until

LOUD = "\x1b]0;owned\x07 it broke\nand \x9b2J went on"


@pytest.fixture
def loud() -> Iterator[str]:
    """The name of a model whose error would drive a terminal."""
    name = "test-loud"

    class Loud(PropagationModel):
        """Fails at once."""

        def step(self, *_: Any) -> None:
            raise ValueError(LOUD)

    registry.load_plugins()
    registry.register(name)(Loud)
    yield name
    del registry._known["propagation"][name]


async def test_what_a_failing_plugin_says_is_made_safe(simulation: Simulation, loud: str) -> None:
    heard: list[CascadeFailed] = []
    simulation.subscribe(CascadeFailed, heard.append)
    session = await simulation.inject("news", seeds=[1], model=loud)
    await simulation.step(1)
    row = await session.done()
    await until(lambda: bool(heard))
    shown = [heard[0].error, session.error or "", row.error or "", simulation.frame.banner or ""]
    assert all(text.isprintable() and "it broke and" in text for text in shown)


@pytest.mark.parametrize("kind", [KeyError, SystemExit, KeyboardInterrupt, asyncio.CancelledError])
async def test_handlers_end_no_program(simulation: Simulation, kind: type[BaseException]) -> None:
    def selfish(_event: Event) -> None:
        raise kind

    seen: list[CascadeGrew] = []
    simulation.subscribe(CascadeGrew, selfish)
    simulation.subscribe(CascadeGrew, seen.append)
    await simulation.inject("news", seeds=[1, 2], model="si")
    await simulation.step(2)
    await until(lambda: any("selfish failed" in line for _, line in simulation.frame.events))
    assert seen
    assert await simulation.step(1) == 1


async def test_second_simulation_is_refused(world: World, simulation: Simulation) -> None:
    with pytest.raises(InputError, match=r"This world runs in a simulation already"):
        async with Simulation(world):
            pass
    assert await simulation.step(1) == 1  # the first one is none the worse


async def test_taken_while_late(world: World, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.runtime.engine.thread_client.CLOSING_SECONDS", 0.01)
    async with Simulation(world) as simulation:
        await simulation.play()
        await until(lambda: gate.came == 1)
    with pytest.raises(InputError, match="runs in a simulation already"):
        claim(world)
    gate.open()
    await until(lambda: world not in claims._driven)
    assert world.tick == 1


async def test_unopened_worlds_are_free(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("sim.runtime.engine.live.LiveWorld.open", lambda _live: 1 / 0)
        with pytest.raises(EngineError, match="ZeroDivisionError"):
            async with Simulation(world):
                pass
    async with Simulation(world) as simulation:
        assert await simulation.step(1) == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"priority": 1.5}, "priority must be a whole number, got 1.5"),
        ({"priority": "high"}, "priority must be a whole number, got 'high'"),
        ({"priority": True}, "priority must be a whole number, got True"),
        ({"at": 2.5}, "at, the tick at which a message starts, must be a whole number, got 2.5"),
        ({"at": "3"}, "at, the tick at which a message starts, must be a whole number, got '3'"),
        ({"at": -1}, "A message cannot start at tick -1; it is 0 already"),
    ],
)
async def test_whole_numbers_only(simulation: Simulation, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=f"^{said}"):
        await simulation.inject("news", seeds=[1], model="si", **wrong)
    assert simulation.frame.sessions_total == 0


async def test_numpy_numbers_are_whole_numbers_too(simulation: Simulation, tmp_path: Path) -> None:
    at, priority = np.int64(2), np.int32(3)
    await simulation.inject("news", seeds=[1], model="si", at=at, priority=priority)  # type: ignore[arg-type]
    await simulation.save(tmp_path / "world.hub")
    again = load(tmp_path / "world.hub")
    assert (again.cascades[0].starts_at, again.cascades[0].priority) == (2, 3)


@pytest.mark.parametrize("ticks", [1.5, "3", True, -1])
async def test_steps_are_whole_numbers(simulation: Simulation, ticks: Any) -> None:
    with pytest.raises(InputError, match="ticks must be a whole number of at least 0"):
        await simulation.step(ticks)
    with pytest.raises(InputError, match="ticks must be a whole number of at least 0"):
        await simulation.run_until_quiet(limit=ticks)
    if ticks != -1:
        with pytest.raises(InputError, match="until_tick must be a whole number"):
            await simulation.play(until_tick=ticks)
    assert (simulation.frame.tick, simulation.frame.state) == (0, "paused")
