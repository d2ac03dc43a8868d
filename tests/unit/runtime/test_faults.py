"""A failing plugin costs its own cascade; a failing engine costs no saved work and no waiter."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sim import World
from sim.core import CascadeFailed, CascadeGrew, Event
from sim.errors import PluginError
from sim.runtime import EngineError, Simulation
from tests.unit.runtime.isolating import thread_of
from tests.unit.runtime.worlds import Gate, broken_phase, until


async def test_failing_plugin_is_named_and_the_others_go_on(
    world: World, simulation: Simulation, misbehaving: str
) -> None:
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

    other = World.create(agents=2000, mean_degree=10, seed=7)
    other.made = 1
    story = other.inject("good news", seeds=[2], model="si", beta=0.05)
    other.step(5)
    assert good.size == story.size


@pytest.mark.usefixtures("patient_pilot")
async def test_model_that_fails_in_the_pilot_is_refused(
    simulation: Simulation, misbehaving: str
) -> None:
    with pytest.raises(PluginError, match=f"Plugin '{misbehaving}': ZeroDivisionError: a third"):
        await simulation.plan("bad news", seeds=[1], model=misbehaving)
    assert simulation.frame.sessions_total == 0


async def test_failed_engine_tells_every_waiter_and_still_saves(
    world: World, tmp_path: Path
) -> None:
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
        with pytest.raises(EngineError):
            await simulation.inject("more", seeds=[1], model="si")
        await simulation.pause()
        assert (await simulation.save(tmp_path / "rescued.hub")).bytes > 0
        assert simulation.frame.state == "failed"
        assert not simulation.frame.dirty


async def test_failing_while_playing_ends_playing(world: World) -> None:
    world.phases.append(broken_phase(3))
    async with Simulation(world) as simulation:
        await simulation.play()
        await until(lambda: simulation.frame.state == "failed")
        with pytest.raises(EngineError):
            await simulation.play()


async def test_frame_that_cannot_be_made_is_a_failure_and_no_silence(
    world: World, simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = thread_of(simulation)
    monkeypatch.setattr(link.live, "frame", lambda *_: 1 / 0)
    await simulation.pause()
    assert simulation.frame.state == "failed"
    with pytest.raises(EngineError, match="ZeroDivisionError"):
        await simulation.step()


async def test_handler_that_raises_is_named_in_the_log_and_stops_nothing(
    simulation: Simulation,
) -> None:
    seen: list[Event] = []

    def clumsy(_event: CascadeGrew) -> None:
        raise KeyError("lost")

    simulation.subscribe(CascadeGrew, clumsy)
    simulation.subscribe(CascadeGrew, seen.append)
    await simulation.inject("news", seeds=[1], model="si")
    await until(lambda: any("clumsy failed" in line for _, line in simulation.frame.events))
    assert len(seen) == 1


async def test_slow_handler_gets_the_growth_of_a_cascade_in_sum(world: World) -> None:
    grown: list[CascadeGrew] = []
    async with Simulation(world) as simulation:
        simulation.subscribe(CascadeGrew, grown.append)
        session = await simulation.inject("news", seeds=[1], model="si", beta=1.0)
        await simulation.step(10)
        await until(lambda: bool(grown) and grown[-1].adopters == session.size)
    assert sum(event.new for event in grown) == session.size


async def test_closing_during_a_tick_waits_for_it(world: World, gate: Gate) -> None:
    async with Simulation(world) as simulation:
        await simulation.play()
        await until(lambda: gate.came == 1)
        asyncio.get_running_loop().call_later(0.05, gate.open)  # while it is being closed
    assert (world.tick, gate.came) == (1, 1)


async def test_world_that_cannot_be_opened_says_so_and_leaves_no_thread(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.runtime.engine.live.LiveWorld.open", lambda _live: 1 / 0)
    with pytest.raises(EngineError, match="ZeroDivisionError"):
        async with Simulation(world):
            pass


async def test_view_that_cannot_be_made_is_noted_and_stops_nothing(
    simulation: Simulation,
) -> None:
    thread_of(simulation).hurry(lambda: 1 / 0)
    await until(lambda: any("ZeroDivisionError" in line for _, line in simulation.frame.events))
    assert await simulation.step() == 1
