"""A world that keeps a journal, and a plugin that does not come back: the journal goes on."""

import asyncio
import threading
from pathlib import Path

import pytest

from sim import World
from sim.runtime import Simulation, open_live
from sim.runtime.journal.writer import recover
from tests.unit.runtime.engine.test_stall import FREE, LONG, held_up, registered, stuck
from tests.unit.runtime.worlds import until

__all__ = ["registered"]


def made() -> World:
    return World.create(agents=300, mean_degree=6, seed=7)


async def test_a_journal_outlives_a_rebuild(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.runtime.engine.thread_client._PATIENCE_SECONDS", 0.2)
    async with Simulation(made(), path=path, journal=True) as simulation:
        await stuck(simulation, "test-deaf")
        ended = await simulation.restart()
        assert ended.was_rebuilt
        await simulation.step(4)
        await until(lambda: simulation.frame.durable_tick == 6, LONG)
        FREE.set()  # the thread that was left behind comes back, and may write nothing
        await until(lambda: not late(), LONG)
        await simulation.step(1)
        digest = await simulation.call(World.digest)
    found = recover(path)
    assert found.findings == ()
    assert (found.tick, found.world.digest()) == (7, digest)
    assert open_live(path).told == "Resumed at tick 7 (from its journal; never saved)."


async def test_late_commands_are_in_no_journal(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.runtime.engine.thread_client._PATIENCE_SECONDS", 0.2)
    async with Simulation(made(), path=path, journal=True) as simulation:
        await simulation.step(2)
        asked = asyncio.create_task(
            simulation.inject("Never starts.", seeds=[1], model="test-reluctant")
        )
        await held_up(simulation)
        await simulation.restart()
        FREE.set()
        with pytest.raises(Exception, match="was restarted"):
            await asked
        await until(lambda: not late(), LONG)
        await simulation.step(1)
    found = recover(path)
    assert found.findings == ()
    assert (found.tick, len(found.world.cascades)) == (3, 0)


def late() -> list[str]:
    """Return the threads of engines that were left behind."""
    names = [thread.name for thread in threading.enumerate() if thread.name == "engine"]
    return names[1:]
