"""Whatever an engine is, thread or process: the same answers, frames, errors and events."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sim import Thinker, World
from sim.core import CascadeGrew, CascadeStarted, Event
from sim.errors import (
    Cancelled,
    FileError,
    HubbubError,
    InputError,
    ParameterError,
    UnknownNameError,
)
from sim.runtime import EngineError, IsolatedSimulation, JournalConfig, Simulation
from sim.runtime.journal.acts import perform
from sim.runtime.journal.writer import recover
from sim.store import load
from tests.raising import raises_awaited
from tests.unit.runtime.isolating import LONG, Thread, agents_of, failing, ties_of
from tests.unit.runtime.worlds import present, until

Opening = Callable[..., Simulation]
KINDS: dict[str, Opening] = {
    "thread": Simulation,
    "process": partial(IsolatedSimulation, spawn=Thread),
}


@pytest.fixture(params=KINDS)
def opening(request: pytest.FixtureRequest) -> Opening:
    """How a simulation is opened: with its engine in a thread, or in a process."""
    return KINDS[request.param]


@pytest.fixture
async def live(world: World, opening: Opening) -> AsyncIterator[Simulation]:
    async with opening(world, name="here") as opened:
        yield opened


def tick_of(world: World) -> int:
    return world.tick


def digest_of(world: World) -> str:
    return world.digest()


def shown_of(world: World) -> tuple[int, int]:
    shown = present(world.platform).exposures
    return int(shown.viewer[4]), int(shown.message[4])


def twin() -> World:
    """As the fixture ``world``."""
    return World.create(agents=2000, mean_degree=10, seed=7)


async def test_the_world_comes_out_as_where_nobody_watches(opening: Opening) -> None:
    plain = twin()
    plain.inject("Hello.", seeds="top:5:degree", model="sir", beta=0.3)
    plain.step(6)
    async with opening(twin()) as live:
        session = await live.inject("Hello.", seeds="top:5:degree", model="sir", beta=0.3)
        assert await live.step(6) == 6
        assert live.frame.tick == 6
        assert session.size == plain.cascades[0].size
        assert (await live.world()).digest() == plain.digest()


async def test_a_session_is_waited_for_and_read(live: Simulation) -> None:
    session = await live.inject("Hello.", seeds=[1, 2], model="sir", beta=0.2)
    assert (session.id, session.text, session.model) == (0, "Hello.", "sir")
    waiting = asyncio.create_task(session.done())
    await live.play(until_quiet=True)
    row = await waiting
    assert (row.status, row.size) == ("quiet", session.size)
    assert (session.status, session.error) == ("quiet", None)
    assert live.session(0).text == "Hello."
    assert "Hello" not in repr(session)
    with pytest.raises(InputError, match="No session 7"):
        live.session(7)


async def test_errors_come_back_as_they_are(live: Simulation, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="No propagation model named 'sirr'") as unknown:
        await live.inject("x", seeds=[1], model="sirr")
    assert unknown.value.name == "sirr"
    await raises_awaited(ParameterError, "beta", live.inject("x", seeds=[1], model="sir", beta=7.0))
    with pytest.raises(FileError) as refused:
        await live.save(tmp_path / "nowhere" / "x.hub")
    assert str(tmp_path) in refused.value.path
    await raises_awaited(LookupError, "as it should", live.call(failing))
    assert live.frame.tick == 0
    assert live.frame.sessions_total == 0


async def test_what_a_plugin_breaks_costs_its_message(live: Simulation, misbehaving: str) -> None:
    other = await live.inject("Hello.", seeds=[1, 2], model="si", beta=0.05)
    broken = await live.inject("Broken.", seeds=[1], model=misbehaving)
    await live.step(6)
    assert "a third is too much" in str((await broken.done()).error)
    assert (other.status, live.frame.tick) == ("running", 6)


async def test_functions_are_called_and_asked_where_the_world_is(live: Simulation) -> None:
    assert await live.call(agents_of) == 2000
    assert await live.call(agents_of, factor=3) == 6000
    assert await live.query(agents_of, 2) == 4000
    assert await live.query(agents_of, then=str) == "2000"
    assert await live.study(ties_of) == live.frame.ties


async def test_a_command_is_carried_out_by_its_name(live: Simulation) -> None:
    before = live.frame.ties
    told = await live.do("befriend", [1, 2], [1500, 1600])
    assert (live.frame.ties, told.added) == (before + 4, 2)
    assert live.audit()[-1].kind == "befriend"
    with pytest.raises(UnknownNameError, match="No command named 'befrend'"):
        await live.do("befrend", [1], [2])
    with pytest.raises(InputError, match=r"The command limit takes \(max_running\): missing"):
        await live.do("limit")
    no_names: list[Any] = [5, None, [], {}]
    for wrong in no_names:
        await raises_awaited(UnknownNameError, "No command named", live.do(wrong))
    assert len(live.audit()) == 2
    assert (await live.do("step", ticks=3), live.frame.tick) == (3, 3)
    with pytest.raises(InputError, match=r"of at least 0 and at most 2,147,483,647, got -1"):
        await live.do("step", -1)


async def test_frames_are_followed(live: Simulation) -> None:
    await live.inject("Hello.", seeds=[1, 2], model="si", beta=0.2)
    await live.step(3)
    before = live.frame
    assert present(before.focus).history.shape == (4, 2)
    await live.focus(0)
    assert live.frame.revision > before.revision
    seen = []
    async with live.watch() as frames:
        await live.play()
        async for frame in frames:
            seen.append(frame.tick)
            if frame.tick > 10:
                break
    await live.pause()
    assert seen == sorted(seen)
    assert live.frame.state == "paused"


async def test_events_come_here(live: Simulation) -> None:
    grown: list[CascadeGrew] = []
    kinds: set[type[Event]] = set()
    live.subscribe(CascadeGrew, grown.append)

    def see(event: Event, forward: Any) -> None:
        kinds.add(type(event))
        forward(event)

    live.use(see)
    await live.inject("Hello.", seeds=[1, 2], model="si", beta=0.9)
    await live.step(4)
    await until(lambda: CascadeStarted in kinds and len(grown) > 0, LONG)
    assert grown[-1].cascade == 0


async def test_events_asked_for_before_come_too(world: World, opening: Opening) -> None:
    live = opening(world)
    grown: list[CascadeGrew] = []
    live.subscribe(CascadeGrew, grown.append)
    async with live:
        await live.inject("Hello.", seeds=[1, 2], model="si", beta=0.9)
        await live.step(4)
        await until(lambda: len(grown) > 0, LONG)


async def test_a_plan_parameters_and_cancelling(live: Simulation) -> None:
    assert (await live.plan("Hello.", seeds=[1, 2], model="sir")).seeds.tolist() == [1, 2]
    session = await live.inject("Hello.", seeds=[1, 2], model="sir", beta=0.1)
    await live.set_parameter(session.id, "beta", "0.7")
    assert dict(present(live.frame.focus).parameters)["beta"] == 0.7
    await live.cancel(session.id)
    assert session.status == "cancelled"
    assert live.performance().success_rate == 1.0
    assert [act.kind for act in live.audit()] == ["create", "inject", "set_parameter", "cancel"]


async def test_long_work_is_a_job(live: Simulation) -> None:
    assert await live.create_agents(100) == range(2000, 2100)
    assert await live.build_friendships(2) > 0
    assert max((await live.create_communities(["music", "sport"], max_members=30)).values()) <= 30
    assert (await live.detect_communities("label-propagation")).count >= 1
    assert (await live.best_seeds("best:2", model="icp")).seeds.size == 2
    with pytest.raises(UnknownNameError):
        live.detect_communities("astrology")


async def test_interactions_are_streamed(live: Simulation) -> None:
    await live.inject("Hello.", seeds=[1, 2], model="sir", beta=0.3)
    batches = [batch async for batch in live.interactions(50)]
    assert sum(len(batch) for batch in batches) == live.frame.sessions[0].size - 2
    await raises_awaited(InputError, "batch_size", anext(live.interactions(0)))


async def test_time_plays_and_runs_to_where_it_was_told(live: Simulation) -> None:
    await live.play(until_tick=3)
    await until(lambda: live.frame.state == "paused" and live.frame.tick == 3, LONG)
    await live.inject("Hello.", seeds=[1], model="sir", beta=0.05, gamma=0.9)
    ran = await live.run_until_quiet()
    assert live.frame.tick == 3 + ran
    assert live.frame.sessions[0].status == "quiet"


async def test_stepping_ends_when_nobody_waits_for_it(live: Simulation) -> None:
    stepping = asyncio.create_task(live.step(100_000))
    await until(lambda: live.frame.tick > 0, LONG)
    stepping.cancel()
    await until(lambda: live.frame.state == "paused", LONG)
    assert await live.step(1) == 1


async def test_the_world_goes_back_and_forward_again(live: Simulation) -> None:
    await live.inject("Hello.", seeds=[1, 2], model="si", beta=0.2)
    await live.step(2)
    then = await live.call(digest_of)
    await live.step(3)
    now = await live.call(digest_of)
    assert (await live.bookmark("two", 2)).tick == 2
    gone = await live.back(3)
    assert (gone.tick, gone.before, await live.call(digest_of)) == (2, 5, then)
    assert (await live.forward()).tick == 5
    assert await live.call(digest_of) == now
    assert (await live.go_to("two")).tick == live.frame.tick == 2
    assert [each.name for each in await live.bookmarks()] == ["two"]
    assert (await live.reach()).last == 5
    await live.forget("two")
    assert await live.bookmarks() == ()
    await raises_awaited(InputError, "A world begins at tick 0", live.back(9))
    await live.inject("Another.", seeds=[3], model="si")
    await raises_awaited(InputError, "Nothing to redo", live.forward())


async def test_a_branch_a_history_and_an_audit_are_told(
    world: World, opening: Opening, tmp_path: Path
) -> None:
    async with opening(world, path=tmp_path / "a.hub", journal=True) as live:
        session = await live.inject("Hello.", seeds=[1, 2], model="si", beta=0.2)
        await live.step(3)
        now = await live.call(digest_of)
        assert load((await live.branch(tmp_path / "b.hub")).path).digest() == now
        assert (await live.history()).events == session.size
        assert await live.history(1)
        audit = await live.audited()
        assert [act.kind for act in audit.acts[:3]] == ["create", "inject", "step"]
        await live.step(1)
        now = await live.call(digest_of)
    found = recover(tmp_path / "a.hub")
    assert (found.is_whole, found.tick, found.world.digest()) == (True, 4, now)


async def test_an_exposure_is_explained_now_and_later(opening: Opening) -> None:
    platform = {"posting": 0.3}
    world = World.create(agents=200, mean_degree=6, seed=3, platform=platform)
    async with opening(world) as live:
        await live.step(3)
        viewer, message = await live.query(shown_of)
        then = await live.why(viewer, message)
        await live.step(2)
        assert await live.why(viewer, message, 3) == then
        assert live.frame.tick == 5


async def test_interventions_take_effect_where_the_world_is(live: Simulation) -> None:
    said = {"text": "It is open.", "seeds": [5], "model": "si"}
    await live.call(perform, "at", (2, "inject"), said)
    assert "send 'It is open.'" in live.frame.interventions[0]
    await live.step(4)
    assert [row.text for row in live.frame.sessions] == ["It is open."]


async def test_a_platform_and_metrics_run_there_too(opening: Opening) -> None:
    worlds = [World.create(agents=100, mean_degree=6, seed=3, platform=True) for _ in range(2)]
    for each in worlds:
        each.open_metrics()
    async with opening(worlds[0]) as live:
        await live.step(3)
        found = await live.world()
    worlds[1].step(3)
    assert found.digest() == worlds[1].digest()
    assert found.phases == worlds[1].phases


async def test_minds_think_in_this_process_alone(opening: Opening) -> None:
    world = World.create(agents=100, mean_degree=6, seed=3, platform=True)
    async with opening(world) as live:
        await live.call(perform, "give_minds", ([1, 2, 3],))
        if live.is_isolated:
            with pytest.raises(InputError, match="Minds think in the program's own process"):
                await live.think(Thinker(offline=True))
            return
        await live.think(Thinker(offline=True))
        await live.step(2)
        assert live.frame.minds is not None
        assert live.frame.minds.awake
        await live.think(None)
        assert not live.frame.minds.awake


async def test_a_save_reports_and_a_world_has_its_name(live: Simulation, tmp_path: Path) -> None:
    await live.step(2)
    stages: list[str] = []
    saved = await live.save(tmp_path / "a.hub", report=lambda stage, _: stages.append(stage))
    assert (saved.bytes > 0, len(stages) > 0) == (True, True)
    assert (live.frame.name, live.frame.dirty) == ("a", False)
    assert not (tmp_path / "a.hub.live").exists()
    assert load(tmp_path / "a.hub").tick == 2
    assert (await live.save()).bytes > 0


async def test_journals_stay_and_move_along(world: World, opening: Opening, tmp_path: Path) -> None:
    async with opening(world, path=tmp_path / "w.hub", journal=True) as live:
        await live.inject("Hello.", seeds=[1], model="si", beta=0.5)
        await live.step(3)
        assert live.frame.kept is not None
        await live.save(tmp_path / "other.hub")
        await live.step(2)
        digest = (await live.world()).digest()
    found = recover(tmp_path / "other.hub")
    assert (found.is_whole, found.tick, found.world.digest()) == (True, 5, digest)


async def test_a_journal_is_begun_later_in_this_process_alone(live: Simulation, path: Path) -> None:
    if live.is_isolated:
        with pytest.raises(InputError, match="without --isolated to keep one beside its file"):
            await live.keep(JournalConfig(path))
        return
    await live.keep(JournalConfig(path))
    await live.step(2)
    assert live.frame.kept is not None


async def test_an_engine_that_answers_is_not_restarted(live: Simulation) -> None:
    await raises_awaited(InputError, "nothing to stop", live.restart())
    await live.ready()
    assert live.ended is None
    assert live.health().reading("memory").sentence


async def test_it_is_entered_once_and_used_inside(world: World, opening: Opening) -> None:
    live = opening(world)
    with pytest.raises(HubbubError, match="not open"):
        _ = live.frame
    async with live:
        await raises_awaited(HubbubError, "entered once", live.__aenter__())
        waiting = asyncio.create_task(live.run_until_quiet())
        session = await live.inject("Hello.", seeds=[1], model="si", beta=0.001)
        ending = asyncio.create_task(session.done())
        await asyncio.sleep(0)
    for task in (waiting, ending):
        with pytest.raises((Cancelled, EngineError)):
            await task
