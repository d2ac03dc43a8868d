"""An isolated simulation is a simulation: the same answers, frames, errors and events."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from sim.core.events import CascadeGrew, CascadeStarted, Event
from sim.errors import (
    Cancelled,
    FileError,
    HubbubError,
    InputError,
    ParameterError,
    UnknownNameError,
)
from sim.runtime import EngineError, IsolatedSimulation, ReplacedError, Simulation
from sim.runtime.journal.persistence import Keeping
from sim.runtime.journal.writer import recover
from sim.store import load, save
from sim.world.phases import Phase
from sim.world.world import World
from tests.unit.runtime.isolating import LONG, Thread, agents_of, failing, ties_of, unwilling
from tests.unit.runtime.worlds import until


@pytest.fixture
async def isolated(world: World) -> AsyncIterator[IsolatedSimulation]:
    async with IsolatedSimulation(world, name="here", spawn=Thread) as opened:
        yield opened


async def test_it_comes_out_as_in_the_same_process(world: World) -> None:
    other = World.create(agents=2000, mean_degree=10, seed=7)
    async with Simulation(other) as plain:
        await plain.inject("Hello.", seeds="top:5:degree", model="sir", beta=0.3)
        assert await plain.step(6) == 6
    async with IsolatedSimulation(world, spawn=Thread) as simulation:
        session = await simulation.inject("Hello.", seeds="top:5:degree", model="sir", beta=0.3)
        assert await simulation.step(6) == 6
        assert simulation.frame.tick == 6
        assert session.size == other.cascades[0].size
        assert (await simulation.world()).digest() == other.digest()
    assert world.tick == 0


async def test_a_journal_beside_a_file_is_refused_in_a_sentence(
    isolated: IsolatedSimulation, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="without --isolated to keep one beside its file"):
        await isolated.keep(Keeping(tmp_path / "a.hub"))


async def test_a_session_is_waited_for_and_read(isolated: IsolatedSimulation) -> None:
    session = await isolated.inject("Hello.", seeds=[1, 2], model="sir", beta=0.2)
    assert (session.id, session.text, session.model) == (0, "Hello.", "sir")
    waiting = asyncio.create_task(session.done())
    await isolated.play(until_quiet=True)
    row = await waiting
    assert (row.status, row.size) == ("quiet", session.size)
    assert (session.status, session.error) == ("quiet", None)
    assert isolated.session(0).text == "Hello."
    assert "Hello" not in repr(session)


async def test_a_cascade_is_elsewhere(isolated: IsolatedSimulation) -> None:
    session = await isolated.inject("Hello.", seeds=[1], model="si")
    with pytest.raises(HubbubError, match="another process, which has the cascade"):
        _ = session.cascade
    with pytest.raises(AttributeError):
        cast("Any", session).nothing  # noqa: B018
    with pytest.raises(InputError, match="No session 7"):
        isolated.session(7)


async def test_a_session_that_is_not_listed_any_more_is_at_rest(
    isolated: IsolatedSimulation,
) -> None:
    session = await isolated.inject("Hello.", seeds=[1], model="si")
    session.id = 99
    assert (session.status, session.size, session.error) == ("quiet", 0, None)


async def test_errors_come_back_as_they_are(isolated: IsolatedSimulation, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="No propagation model named 'sirr'") as unknown:
        await isolated.inject("x", seeds=[1], model="sirr")
    assert unknown.value.name == "sirr"
    with pytest.raises(ParameterError, match="beta"):
        await isolated.inject("x", seeds=[1], model="sir", beta=7.0)
    with pytest.raises(FileError) as refused:
        await isolated.save(tmp_path / "nowhere" / "x.hub")
    assert str(tmp_path) in refused.value.path
    with pytest.raises(LookupError, match="as it should"):
        await isolated.call(failing)


async def test_a_function_of_a_module_is_called_there(isolated: IsolatedSimulation) -> None:
    assert await isolated.call(agents_of) == 2000
    assert await isolated.call(agents_of, factor=3) == 6000
    assert await isolated.study(ties_of) == isolated.frame.ties


async def test_what_cannot_be_sent_is_refused_in_one_sentence(
    isolated: IsolatedSimulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"<lambda>' cannot be sent there"):
        await isolated.call(lambda world: 1)
    with pytest.raises(InputError, match="cannot be sent there"):
        await isolated.call(agents_of, cast("Any", threading.Lock()))
    with pytest.raises(InputError, match="does not have it: Can't pickle local object"):
        await isolated.call(unwilling)
    monkeypatch.setattr(agents_of, "__module__", "__main__")
    with pytest.raises(InputError, match="'agents_of' of this script; put it into a module"):
        await isolated.call(agents_of)


async def test_frames_are_followed_and_their_arrays_are_read_only(
    isolated: IsolatedSimulation,
) -> None:
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
    seen = []
    async with isolated.watch() as frames:
        await isolated.play()
        async for frame in frames:
            seen.append(frame.tick)
            if frame.tick > 10:
                break
    await isolated.pause()
    assert seen == sorted(seen)
    assert isolated.frame.state == "paused"


async def test_nothing_tells_of_the_journal_that_nobody_asked_for(
    isolated: IsolatedSimulation,
) -> None:
    await isolated.step(1)
    assert (isolated.frame.kept, isolated.frame.durable_tick) == (None, None)


async def test_events_come_here(isolated: IsolatedSimulation) -> None:
    grown: list[CascadeGrew] = []
    kinds: set[type[Event]] = set()
    isolated.subscribe(CascadeGrew, grown.append)

    def see(event: Event, forward: Any) -> None:
        kinds.add(type(event))
        forward(event)

    isolated.use(see)
    await isolated.inject("Hello.", seeds=[1, 2], model="si", beta=0.9)
    await isolated.step(4)
    await until(lambda: CascadeStarted in kinds and len(grown) > 0, LONG)
    assert grown[-1].cascade == 0


async def test_events_asked_for_before_come_too(world: World) -> None:
    simulation = IsolatedSimulation(world, spawn=Thread)
    grown: list[CascadeGrew] = []
    simulation.subscribe(CascadeGrew, grown.append)
    async with simulation:
        await simulation.inject("Hello.", seeds=[1, 2], model="si", beta=0.9)
        await simulation.step(4)
        await until(lambda: len(grown) > 0, LONG)


async def test_a_plan_parameters_and_cancelling(isolated: IsolatedSimulation) -> None:
    plan = await isolated.plan("Hello.", seeds=[1, 2], model="sir")
    assert plan.seeds.tolist() == [1, 2]
    session = await isolated.inject("Hello.", seeds=[1, 2], model="sir", beta=0.1)
    await isolated.set_parameter(session.id, "beta", 0.7)
    focus = isolated.frame.focus
    assert focus is not None
    assert dict(focus.parameters)["beta"] == 0.7
    await isolated.cancel(session.id)
    assert session.status == "cancelled"
    assert isolated.performance().operations == 4


async def test_long_work_is_a_job(isolated: IsolatedSimulation) -> None:
    assert await isolated.create_agents(100) == range(2000, 2100)
    assert await isolated.build_friendships(2) > 0
    sizes = await isolated.create_communities(["music", "sport"], max_members=30)
    assert max(sizes.values()) <= 30
    found = await isolated.detect_communities("label-propagation")
    assert found.count >= 1
    with pytest.raises(UnknownNameError):
        isolated.detect_communities("astrology")


async def test_interactions_are_streamed(isolated: IsolatedSimulation) -> None:
    await isolated.inject("Hello.", seeds=[1, 2], model="sir", beta=0.3)
    batches = [batch async for batch in isolated.interactions(50)]
    told = sum(len(batch) for batch in batches)
    assert told == isolated.frame.sessions[0].size - 2
    with pytest.raises(InputError, match="batch_size"):
        await anext(isolated.interactions(0))


async def test_a_save_reports_and_can_be_called_off(
    isolated: IsolatedSimulation, tmp_path: Path
) -> None:
    stages: list[str] = []
    saved = await isolated.save(tmp_path / "a.hub", report=lambda stage, _: stages.append(stage))
    assert (saved.bytes > 0, len(stages) > 0) == (True, True)
    assert isolated.frame.name == "a"
    assert not (tmp_path / "a.hub.live").exists()
    assert load(tmp_path / "a.hub").tick == 0
    assert (await isolated.save()).bytes > 0


async def test_stepping_ends_when_nobody_waits_for_it(isolated: IsolatedSimulation) -> None:
    stepping = asyncio.create_task(isolated.step(100_000))
    await until(lambda: isolated.frame.tick > 0, LONG)
    stepping.cancel()
    await until(lambda: isolated.frame.state == "paused", LONG)
    assert await isolated.step(1) == 1


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


# Coming and going


async def test_a_world_file_is_opened(world: World, tmp_path: Path) -> None:
    save(world, tmp_path / "w.hub")
    async with IsolatedSimulation(tmp_path / "w.hub", spawn=Thread) as simulation:
        assert simulation.frame.path == str(tmp_path / "w.hub")
        assert simulation.frame.agents == 2000


async def test_a_journal_that_is_asked_for_stays_and_moves_along(
    world: World, tmp_path: Path
) -> None:
    path = tmp_path / "w.hub"
    async with IsolatedSimulation(world, path=path, journal=True, spawn=Thread) as simulation:
        await simulation.inject("Hello.", seeds=[1], model="si", beta=0.5)
        await simulation.step(3)
        assert simulation.frame.kept is not None
        await simulation.save(tmp_path / "other.hub")
        await simulation.step(2)
        digest = (await simulation.world()).digest()
    found = recover(tmp_path / "other.hub")
    assert (found.is_whole, found.tick, found.world.digest()) == (True, 5, digest)


async def test_what_does_not_travel_is_refused(world: World) -> None:
    with pytest.raises(InputError, match="memory_mb must be at least 1"):
        IsolatedSimulation(world, memory_mb=0)
    world.phases.append(Phase("own", "does nothing", lambda _: None))
    with pytest.raises(InputError, match="phases of your own cannot be sent"):
        IsolatedSimulation(world)


async def test_a_platform_and_metrics_travel() -> None:
    worlds = [World.create(agents=100, mean_degree=6, seed=3, platform=True) for _ in range(2)]
    for each in worlds:
        each.open_metrics()
    async with IsolatedSimulation(worlds[0], spawn=Thread) as simulation:
        await simulation.step(3)
        found = await simulation.world()
    worlds[1].step(3)
    assert found.digest() == worlds[1].digest()
    assert found.phases == worlds[1].phases


async def test_what_needs_the_world_at_hand_is_refused(isolated: IsolatedSimulation) -> None:
    for asked in (isolated.back, lambda: isolated.why(0, 0), isolated.bookmarks):
        with pytest.raises(HubbubError, match=r"^An isolated simulation does not go back"):
            await asked()


async def test_it_is_entered_once_and_used_inside(world: World) -> None:
    simulation = IsolatedSimulation(world, spawn=Thread)
    with pytest.raises(HubbubError, match="not open"):
        _ = simulation.frame
    async with simulation:
        with pytest.raises(HubbubError, match="entered once"):
            await simulation.__aenter__()
        waiting = asyncio.create_task(simulation.run_until_quiet())
        session = await simulation.inject("Hello.", seeds=[1], model="si", beta=0.001)
        ending = asyncio.create_task(session.done())
        await asyncio.sleep(0)
    for task in (waiting, ending):
        with pytest.raises((Cancelled, EngineError)):
            await task


# Dying and going on


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
        with pytest.raises(ReplacedError, match="restarted meanwhile; ask again"):
            await stepping
        await simulation.ready()
        assert len(started) == 2
        assert simulation.frame.tick >= 4
        assert "Something in the engine ended" in str(simulation.frame.banner)
        assert session.size >= size
        await simulation.run_until_quiet()
        assert (await ending).status == "quiet"
        again = await simulation.world()
    other = World.create(agents=2000, mean_degree=10, seed=7)
    other.inject("Hello.", seeds=[1, 2], model="si", beta=0.02)
    other.step(again.tick)
    assert np.array_equal(other.cascades[0].adopted_at, again.cascades[0].adopted_at)


async def test_an_engine_that_answers_is_not_restarted(isolated: IsolatedSimulation) -> None:
    with pytest.raises(InputError, match="nothing to stop"):
        await isolated.restart()


class Stillborn(Thread):
    """Dies before it is ready."""

    def __init__(self, order: Any) -> None:
        super().__init__(order)
        self.kill()


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
        with pytest.raises(EngineError, match="hubbub recover "):
            await simulation.step(1)
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
