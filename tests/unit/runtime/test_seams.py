"""Whatever fails round a command or a tick: whoever waits is told, and the world can be saved."""

import asyncio
import threading
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from sim import Phase, World
from sim.core import ParameterChanged
from sim.errors import HubbubError
from sim.runtime import EngineError, Simulation
from sim.runtime.engine.engine import nothing
from sim.store import load
from tests.raising import raises_awaited
from tests.unit.runtime.isolating import thread_of
from tests.unit.runtime.worlds import PATIENCE, present, until

SEAMS: dict[str, Callable[[Simulation], tuple[Any, str]]] = {
    "a copy before a command": lambda s: (thread_of(s).live.rollback, "before_command"),
    "a copy before a tick": lambda s: (thread_of(s).live.rollback, "before_tick"),
    "what follows a command": lambda s: (thread_of(s).live.rollback, "changed"),
    "the hush round plugins": lambda s: (type(thread_of(s).live.output_capture), "__enter__"),
    "the end of the hush": lambda s: (type(thread_of(s).live.output_capture), "__exit__"),
    "a frame": lambda s: (thread_of(s).live, "frame"),
    "the hook of frames": lambda s: (thread_of(s).engine, "_publish"),
    "the curve of the message in focus": lambda s: (thread_of(s).live.focused, "follow"),
    "what is caught up with": lambda s: (thread_of(s).live, "catch_up"),
    "the way back": lambda s: (thread_of(s).live.persistence.past, "leave"),
    "the journal's ticks": lambda s: (thread_of(s).live.persistence.keeper, "flush"),
    "the journal's tick": lambda s: (thread_of(s).live.persistence.keeper, "ticked"),
    "the journal's promise": lambda s: (thread_of(s).live.persistence.keeper, "when_durable"),
    "the sessions": lambda s: (thread_of(s).live.tracker, "look"),
    "metrics": lambda s: (thread_of(s).live.measuring, "ticked"),
    "the pace": lambda s: (thread_of(s).engine.drive, "ticked"),
}
ERRORS = (OSError("planted"), SystemExit("planted"), MemoryError("planted"))


class UnsayableError(Exception):
    """Cannot even be said."""

    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(("seam", "error"), list(zip(SEAMS, cycle(ERRORS), strict=False)), ids=str)
async def test_nobody_is_left_waiting_and_the_world_is_savable(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seam: str, error: BaseException
) -> None:
    async with Simulation(world, path=tmp_path / "a.hub", journal=True) as simulation:
        session = await simulation.inject("news", seeds=[1], model="sis")
        await simulation.step(1)

        def fail(*_: Any, **__: Any) -> None:
            raise error

        monkeypatch.setattr(*SEAMS[seam](simulation), fail)
        waiting = [
            asyncio.ensure_future(work)
            for work in (
                session.done(),
                simulation.step(5),
                simulation.set_parameter(session.id, "beta", 0.5),
                simulation.inject("more", seeds=[2], model="si"),
                simulation.create_agents(2),
                simulation.run_until_quiet(limit=3),
            )
        ]
        ended, left = await asyncio.wait(waiting[1:], timeout=PATIENCE)
        assert not left, seam
        told = {str(task.exception()) for task in ended if task.exception() is not None}
        assert all("planted" in sentence for sentence in told), told
        has_failed = thread_of(simulation).engine.has_failed
        if has_failed:
            assert "planted" in str((await asyncio.wait(waiting[:1]))[0].pop().exception())
            with pytest.raises(EngineError, match=r"planted\. Save the world and open it again\.$"):
                await simulation.step()
            assert simulation.frame.state == "failed" or seam == "the hook of frames"
        else:
            waiting[0].cancel()
        saved = await asyncio.wait_for(simulation.save(tmp_path / "rescued.hub"), PATIENCE)
        assert saved.bytes > 0
    assert load(tmp_path / "rescued.hub").digest() == world.digest()


async def test_an_end_that_fails_is_told_like_any_other(world: World) -> None:
    async with Simulation(world) as simulation:
        await simulation.inject("news", seeds=[1], model="sis")

        def is_over() -> bool:
            if world.tick >= 2:
                raise UnsayableError
            return False

        with pytest.raises(EngineError, match=r"at tick 2: UnsayableError\. Save"):
            await thread_of(simulation).stretch(5, is_over)


async def test_a_view_that_wants_to_end_the_program_is_noted(simulation: Simulation) -> None:
    def leave(_world: World) -> None:
        raise SystemExit("now")

    await raises_awaited(HubbubError, "SystemExit: now", simulation.query(leave))
    thread_of(simulation).run_soon(lambda: leave(thread_of(simulation).live.world))
    await until(lambda: any("SystemExit" in line for _, line in simulation.frame.events))
    assert await simulation.step() == 1


async def test_a_command_passes_what_only_woke_the_engine(world: World) -> None:
    async with Simulation(world) as simulation:
        client, gate, ticks = thread_of(simulation), threading.Event(), list[int]()
        await simulation.inject("news", seeds=range(99), model="si", beta=0.0001)
        await simulation.play()
        note = lambda: ticks.append(world.tick)  # noqa: E731
        for act in (note, lambda: gate.wait(PATIENCE), *[nothing] * 40):
            client.run_soon(act)
        asked = asyncio.ensure_future(client.do(note, is_safe=True))
        await until(lambda: bool(ticks))
        gate.set()
        await asked
    assert ticks[1] - ticks[0] <= 2


def _revise(world: World, /, number: int, **changes: Any) -> None:
    world.cascades[number].revise(**changes)


async def test_parameters_changed_in_a_call_are_shown_and_told(simulation: Simulation) -> None:
    told: list[ParameterChanged] = []
    simulation.subscribe(ParameterChanged, told.append)
    await simulation.inject("news", seeds=[1], model="independent-cascade", probability=0.1)
    await simulation.call(_revise, 0, probability=0.25)
    assert dict(present(simulation.frame.focus).parameters)["probability"] == 0.25
    assert simulation.frame.events[-1] == (0, "#0 probability = 0.25 from the next tick")
    await until(lambda: bool(told))
    assert (told[0].cascade, told[0].name, told[0].value) == (0, "probability", 0.25)


async def test_a_message_that_a_call_wakes_is_followed_again(simulation: Simulation) -> None:
    session = await simulation.inject("news", seeds=list(range(40)), model="si", beta=0.0)
    await simulation.step(5)
    assert (await session.done()).size == 40
    await simulation.call(_revise, 0, beta=1.0)
    row, focus = simulation.frame.sessions[0], simulation.frame.focus
    assert focus is not None
    assert (row.status, focus.status, len(focus.history)) == ("running", "running", 6)
    waiting = asyncio.ensure_future(session.done())
    await simulation.step(1)
    grown = simulation.frame.sessions[0]
    assert grown.size > 40
    assert grown.new == grown.size - 40
    assert not waiting.done()
    await simulation.run_until_quiet()
    assert (await waiting).size == simulation.frame.sessions[0].size


async def test_a_call_and_a_command_that_change_the_same_leave_the_same_world() -> None:
    digests = []
    for by_call in (True, False):
        world = World.create(agents=300, mean_degree=6, seed=7)
        async with Simulation(world) as simulation:
            await simulation.inject("news", seeds=[1, 2], model="si", beta=0.0)
            await simulation.step(4)
            if by_call:
                await simulation.call(_revise, 0, beta=0.5)
            else:
                await simulation.set_parameter(0, "beta", 0.5)
            await simulation.step(3)
        digests.append(world.digest())
    assert digests[0] == digests[1]


async def test_a_message_that_wakes_in_a_tick_is_shown_as_it_runs() -> None:
    def back(world: World) -> None:
        if world.tick == 6:
            world.agents.set_status([1], 1)

    world = World.from_edges([0, 1, 2, 3], [1, 2, 3, 4])
    world.agents.set_status([1], 3)
    async with Simulation(world) as simulation:
        session = await simulation.inject("x", seeds=[0], model="si", beta=1.0)
        await simulation.step(4)
        assert session.status == "quiet"
        world.phases.append(Phase("return", "brings an agent back", back))
        await simulation.step(5)
        row, focus = simulation.frame.sessions[0], simulation.frame.focus
        assert focus is not None
        assert (row.status, row.size) == ("running", 4)
        assert focus.history[:, 1].tolist() == [1, 1, 1, 1, 1, 1, 1, 2, 3, 4]
        await simulation.step(3)
        assert (session.status, simulation.frame.sessions[0].size) == ("quiet", 5)
