"""A failing plugin costs its own cascade; a failing engine costs no saved work and no waiter."""

import asyncio
from pathlib import Path

import pytest

from sim import World
from sim.core import CascadeFailed
from sim.errors import PluginError
from sim.runtime import EngineError, Simulation
from tests.raising import raises_awaited
from tests.unit.runtime.isolating import thread_of
from tests.unit.runtime.worlds import Gate, broken_phase, until


async def test_failing_plugin_costs_nobody_else(simulation: Simulation, misbehaving: str) -> None:
    failures: list[CascadeFailed] = []
    simulation.subscribe(CascadeFailed, failures.append)
    bad = await simulation.inject("bad news", seeds=[1], model=misbehaving)
    good = await simulation.inject("good news", seeds=[2], model="si", beta=0.05)
    await simulation.step(5)
    row = await bad.done()
    assert (row.status, good.status) == ("failed", "running")
    assert "ZeroDivisionError: a third is too much" in str(row.error)
    assert misbehaving in str(simulation.frame.banner)
    assert [(event.cascade, event.model) for event in failures] == [(bad.id, misbehaving)]
    assert any("failed" in line for _, line in simulation.frame.events)


@pytest.mark.usefixtures("patient_pilot")
async def test_model_that_fails_pilots_is_refused(simulation: Simulation, misbehaving: str) -> None:
    with pytest.raises(PluginError, match=f"Plugin '{misbehaving}': ZeroDivisionError: a third"):
        await simulation.plan("bad news", seeds=[1], model=misbehaving)
    assert simulation.frame.sessions_total == 0


async def test_failed_engine_tells_all_and_still_saves(world: World, tmp_path: Path) -> None:
    world.phases.append(broken_phase(3))
    async with Simulation(world) as simulation:
        session = await simulation.inject("news", seeds=[1], model="sis")
        ended = asyncio.create_task(session.done())
        steps = asyncio.create_task(simulation.step(10))
        more = asyncio.create_task(simulation.step(1))
        for task in (ended, steps, more):
            with pytest.raises(EngineError, match="SystemExit: a phase that ends the program"):
                await task
        assert simulation.frame.state == "failed"
        assert "Save the world" in str(simulation.frame.banner)
        await raises_awaited(EngineError, "", simulation.inject("more", seeds=[1], model="si"))
        await simulation.pause()
        assert (await simulation.save(tmp_path / "rescued.hub")).bytes > 0
        assert simulation.frame.state == "failed"
        assert not simulation.frame.dirty


async def test_frame_that_cannot_be_made_is_a_failure_and_no_silence(
    world: World, simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = thread_of(simulation)
    monkeypatch.setattr(link.live, "frame", lambda *_: 1 / 0)
    await simulation.pause()
    assert simulation.frame.state == "failed"
    await raises_awaited(EngineError, "ZeroDivisionError", simulation.step())


async def test_closing_during_a_tick_waits_for_it(world: World, gate: Gate) -> None:
    async with Simulation(world) as simulation:
        await simulation.play()
        await until(lambda: gate.came == 1)
        asyncio.get_running_loop().call_later(0.05, gate.open)  # while it is being closed
    assert (world.tick, gate.came) == (1, 1)
