"""What is another matter where the engine is a process: what travels, and engines that die."""

import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from sim import Phase, World
from sim.core import registry
from sim.errors import Cancelled, HubbubError, InputError
from sim.runtime import EngineError, IsolatedSimulation, ReplacedError, Simulation
from sim.runtime.journal.writer import recover
from sim.store import save
from tests.raising import raises, raises_awaited
from tests.unit.runtime.isolating import LONG, ROUGH, Thread, agents_of, line_of, unwilling
from tests.unit.runtime.worlds import present, until


async def test_a_cascade_is_elsewhere(isolated: Simulation) -> None:
    session = await isolated.inject("Hello.", seeds=[1], model="si")
    with pytest.raises(HubbubError, match="another process, which has the cascade"):
        _ = session.cascade
    with pytest.raises(AttributeError):
        cast("Any", session).nothing  # noqa: B018
    raises(InputError, "No session 7", isolated.session, 7)


async def test_a_session_that_is_not_listed_any_more_is_at_rest(isolated: Simulation) -> None:
    session = await isolated.inject("Hello.", seeds=[1], model="si")
    session.id = 99
    assert (session.status, session.size, session.error) == ("quiet", 0, None)


async def test_unsendable_is_refused(isolated: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"<lambda>' cannot be sent there"):
        await isolated.call(lambda world: 1)
    with pytest.raises(InputError, match="cannot be sent there"):
        await isolated.call(agents_of, cast("Any", threading.Lock()))
    with pytest.raises(InputError, match="does not have it: Can't pickle local object"):
        await isolated.call(unwilling)
    monkeypatch.setattr(agents_of, "__module__", "__main__")
    with pytest.raises(InputError, match="'agents_of' of this script; put it into a module"):
        await isolated.call(agents_of)


async def test_arrays_of_frames_are_read_only_and_sent_once(isolated: Simulation) -> None:
    await isolated.inject("Hello.", seeds=[1, 2], model="si", beta=0.2)
    await isolated.step(3)
    before = isolated.frame
    assert before.focus is not None
    assert before.focus.history.shape == (4, 2)
    with pytest.raises(ValueError, match="read-only"):
        before.focus.history[0, 0] = 1
    await isolated.focus(0)
    assert isolated.frame.revision > before.revision
    assert isolated.frame.focus is before.focus


async def test_nothing_tells_of_the_journal_that_nobody_asked_for(isolated: Simulation) -> None:
    await isolated.step(1)
    assert (isolated.frame.kept, isolated.frame.durable_tick) == (None, None)


def test_a_job_is_called_off_where_it_reports(world: World) -> None:
    # Told by hand: how long real work takes is nobody's to say.
    from sim.runtime.process.client import ProcessEngine

    async def main() -> list[tuple[Any, ...]]:
        sent: list[tuple[Any, ...]] = []
        future = asyncio.get_running_loop().create_future()
        remote = cast("Any", SimpleNamespace(_wire=SimpleNamespace(send=lambda *m: sent.append(m))))
        remote._progress = {4: ("counting", 0.5)}

        def refuse(stage: str, share: float) -> None:
            future.set_exception(Cancelled("there too"))
            raise Cancelled(f"{stage} at {share}")

        with pytest.raises(Cancelled, match=r"counting at 0\.5"):
            await ProcessEngine._reporting(remote, 4, future, refuse)
        return sent

    assert asyncio.run(main()) == [("stop", 4)]


async def test_a_world_file_is_opened(world: World, tmp_path: Path) -> None:
    save(world, tmp_path / "w.hub")
    async with IsolatedSimulation(tmp_path / "w.hub", spawn=Thread) as simulation:
        assert simulation.frame.path == str(tmp_path / "w.hub")
        assert simulation.frame.agents == 2000


async def test_what_does_not_travel_is_refused(world: World) -> None:
    raises(InputError, "memory_mb must be at least 1", IsolatedSimulation, world, memory_mb=0)
    world.phases.append(Phase("own", "does nothing", lambda _: None))
    raises(InputError, "phases of your own cannot be sent", IsolatedSimulation, world)


def spawning(started: list[Thread]) -> Any:
    def spawn(order: Any) -> Thread:
        started.append(Thread(order))
        return started[-1]

    return spawn


async def test_another_engine_goes_on_from_the_last_answer(world: World) -> None:
    started: list[Thread] = []
    async with IsolatedSimulation(world, spawn=spawning(started)) as simulation:
        session = await simulation.inject("Hello.", seeds=[1, 2], model="si", beta=0.02)
        await simulation.step(4)
        size, ending = session.size, asyncio.create_task(session.done())
        stepping = asyncio.create_task(simulation.step(100_000))
        await until(lambda: simulation.frame.tick > 4, LONG)
        started[0].kill()
        with pytest.raises(ReplacedError, match="restarted; try again"):
            await stepping
        await simulation.ready()
        assert len(started) == 2
        assert simulation.frame.tick >= 4
        assert "The engine ended" in str(simulation.frame.banner)
        assert session.size >= size
        await simulation.run_until_quiet()
        assert (await ending).status == "quiet"
        again = await simulation.world()
    other = World.create(agents=2000, mean_degree=10, seed=7)
    other.inject("Hello.", seeds=[1, 2], model="si", beta=0.02)
    other.step(again.tick)
    assert np.array_equal(other.cascades[0].adopted_at, again.cascades[0].adopted_at)


class Stillborn(Thread):
    """Dies before it is ready."""

    def __init__(self, order: Any) -> None:
        super().__init__(order)
        self.kill()

    def wait(self, timeout: float) -> str | None:
        return super().wait(60 * timeout)  # how it ended is known, however busy the machine is


async def test_an_engine_that_cannot_start_is_an_error(world: World) -> None:
    with pytest.raises(EngineError, match="could not start: exit code 0"):
        async with IsolatedSimulation(world, spawn=Stillborn):
            pass


async def test_when_none_can_go_on_the_journal_is_left_and_named(world: World) -> None:
    import shutil

    started: list[Thread] = []

    def spawn(order: Any) -> Thread:
        started.append(Stillborn(order) if started else Thread(order))
        return started[-1]

    async with IsolatedSimulation(world, spawn=spawn) as simulation:
        await simulation.step(2)
        started[0].kill()
        await until(lambda: simulation.frame.state == "failed", LONG)
        assert len(started) == 4
        await raises_awaited(EngineError, "hubbub recover ", simulation.step(1))
        at = Path(started[0].order.at)
    assert recover(at).tick == 2
    shutil.rmtree(at.parent)


async def test_a_damaged_journal_is_told_and_not_gone_on_with(world: World) -> None:
    def spawn(order: Any) -> Thread:
        for checkpoint in Path(f"{order.at}.live").glob("checkpoint-*"):
            checkpoint.write_bytes(b"nothing")
        return Thread(order)

    with pytest.raises(HubbubError, match="no checkpoint to begin from"):
        async with IsolatedSimulation(world, spawn=spawn):
            pass


async def test_an_engine_that_fails_and_is_gone_at_once_is_ended_once(world: World) -> None:
    """Both are heard in one turn of the loop, before whoever waits for the first is told."""
    killed: list[Thread] = []

    class Failing(Thread):
        def kill(self) -> None:
            killed.append(self)
            super().kill()

    def spawn(order: Any) -> Thread:
        for checkpoint in Path(f"{order.at}.live").glob("checkpoint-*"):
            checkpoint.write_bytes(b"nothing")
        child = Failing(order)
        asyncio.get_running_loop().call_soon(child.wait, LONG)
        asyncio.get_running_loop().call_soon(time.sleep, 0.1)
        return child

    with pytest.raises(HubbubError, match="no checkpoint to begin from"):
        async with IsolatedSimulation(world, spawn=spawn):
            pass
    assert len(killed) == 1


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
