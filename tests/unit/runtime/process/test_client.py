"""What the loop's side of an isolated engine makes of silence, stalls and ends, told by hand."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sim import World
from sim.core import Event, WorldSaved
from sim.errors import HubbubError, InputError
from sim.runtime import EngineError, IsolatedSimulation, ReplacedError, Simulation
from sim.runtime.engine.live import next_revision
from sim.runtime.engine.stall import Stall
from sim.runtime.engine.thread_client import ThreadEngine
from sim.runtime.process.client import ProcessEngine
from sim.runtime.process.wire import FrameReader, FrameWriter
from sim.world import LoggedAct
from tests.raising import raises_awaited
from tests.unit.runtime.isolating import LONG, Thread, process_of
from tests.unit.runtime.worlds import present, until


@pytest.fixture
def remote(isolated: Simulation) -> ProcessEngine:
    """The link of an open simulation, whose pulse stands still."""
    found = process_of(isolated)
    present(found._pulse).cancel()
    return found


def stalled(remote: ProcessEngine, plugin: str = "") -> None:
    """Let the newest frame say that the engine is held up."""
    newest = present(remote.frames.newest)
    stall = Stall("Tick 3", 3.0, plugin, "mine.py, line 6, in step" if plugin else "")
    remote.frames.publish(replace(newest, revision=next_revision(), stalled=stall))


def marked(remote: ProcessEngine, plugin: str, tick: int) -> None:
    remote._marks.write_bytes(plugin.encode().ljust(248, b"\0") + tick.to_bytes(8, "little"))


async def test_silence_is_a_banner_to_its_end(isolated: Simulation, remote: ProcessEngine) -> None:
    before = isolated.frame
    remote._warn(before, 3.0)
    assert isolated.frame.stalled == Stall("The engine", 3.0)
    marked(remote, "mine", 12)
    remote._warn(before, 4.0)
    assert isolated.frame.stalled == Stall("Tick 12", 4.0, "mine", "compiled code")
    remote._heard += 1000.0
    remote._beat()
    assert isolated.frame.stalled is None
    assert isolated.frame.banner == before.banner


async def test_long_silence_is_noticed(isolated: Simulation, remote: ProcessEngine) -> None:
    remote._generation += 1  # whatever comes is not heard any more
    remote._heard -= 1000.0
    remote._beat()
    assert present(isolated.frame.stalled).seconds > 999
    remote._generation -= 1


async def test_a_mark_names_a_compiled_stall(isolated: Simulation, remote: ProcessEngine) -> None:
    held = replace(isolated.frame, stalled=Stall("Tick 3", 3.0))
    assert remote._completed(held).stalled == Stall("Tick 3", 3.0)
    marked(remote, "mine", 3)
    done = remote._completed(held)
    assert done.stalled == Stall("Tick 3", 3.0, "mine", "compiled code")
    assert "'mine' has not returned for 3 s (compiled code)" in str(done.banner)


async def test_without_a_mark_the_one_that_could_be_is_named(
    isolated: Simulation, remote: ProcessEngine, misbehaving: str
) -> None:
    assert remote._culprit() == ("", "")
    await isolated.inject("Hello.", seeds=[1], model=misbehaving)
    assert remote._culprit() == (misbehaving, "")
    await isolated.cancel(0)
    assert remote._culprit() == ("", "")
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    remote._asked[99] = (ThreadEngine.plan, {"model": misbehaving}, future)
    assert remote._culprit() == (misbehaving, "")
    future.cancel()


async def test_only_foreign_plugins_are_ended(isolated: Simulation, remote: ProcessEngine) -> None:
    stalled(remote)
    await raises_awaited(EngineError, "No third-party plugin is running; wait", isolated.restart())
    stalled(remote, "mine")
    await raises_awaited(InputError, "nothing to stop", isolated.restart())


async def test_what_cannot_be_interrupted_is_replaced_once(
    isolated: Simulation, remote: ProcessEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_name: str) -> None:
        raise EngineError("no copy")

    monkeypatch.setattr(remote, "ask", refuse)
    remote._generation += 1  # whatever comes is not heard any more
    marked(remote, "mine", 3)
    stalled(remote, "mine")
    first = asyncio.create_task(isolated.restart())
    await until(lambda: remote._revival is not None, LONG)
    ended, same = await asyncio.gather(first, isolated.restart())
    assert ended == same
    assert (ended.plugin, ended.was_rebuilt, ended.sessions) == ("mine", True, ())
    assert ended.sentence == (
        "Plugin 'mine' did not return (mine.py, line 6, in step); everything else resumes "
        "from tick 0."
    )


async def test_leaving_does_not_wait_for_a_stall(world: World) -> None:
    async with IsolatedSimulation(world, spawn=Thread) as simulation:
        remote = process_of(simulation)
        stalled(remote, "mine")
        remote._aside(asyncio.sleep(3600))
    assert not remote._beside


async def test_whoever_waits_is_told_when_closing_is_cancelled(
    isolated: Simulation, remote: ProcessEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cancelled() -> str:
        raise asyncio.CancelledError

    remove_destroyed, waiting = remote._bury, asyncio.get_running_loop().create_future()
    remote._asked[10**6] = (print, {}, waiting)
    with monkeypatch.context() as patched:
        patched.setattr(remote, "_bury", cancelled)
        await raises_awaited(asyncio.CancelledError, "", remote.close())
    await raises_awaited(HubbubError, "closed before", asyncio.wait_for(waiting, LONG))
    await remove_destroyed()


async def test_saved_plugin_files_are_taken_up(isolated: Simulation, remote: ProcessEngine) -> None:
    taken: list[str] = []
    changed = iter([["mine.py"]])
    files: Any = SimpleNamespace(changed=lambda: next(changed, []), take_up=taken.append)
    remote._files = files
    remote._beat()
    await until(lambda: taken == ["mine.py"], LONG)


async def test_a_journal_is_sought_where_its_world_was_saved(world: World, tmp_path: Path) -> None:
    at = tmp_path / "a.hub"
    async with IsolatedSimulation(world, path=at, journal=True, spawn=Thread) as simulation:
        remote = process_of(simulation)
        await simulation.step(1)
        assert remote._lies_at() == at
        await simulation.save(tmp_path / "b.hub")
        await simulation.step(1)
        assert remote._lies_at() == tmp_path / "b.hub"


@pytest.mark.parametrize("where", ["here", "there"])
async def test_a_fault_of_our_own_is_told_as_that_and_blames_no_plugin(
    isolated: Simulation,
    remote: ProcessEngine,
    misbehaving: str,
    where: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await isolated.inject("Hello.", seeds=[1], model=misbehaving)
    broken = FrameReader if where == "here" else FrameWriter
    method = "read" if where == "here" else "write"

    def fail(*_: Any) -> None:
        monkeypatch.undo()
        raise KeyError("planted")

    monkeypatch.setattr(broken, method, fail)
    asking = asyncio.ensure_future(isolated.step(1))
    await until(lambda: remote.last is not None, LONG)
    with suppress(ReplacedError):
        await asking
    assert remote.last is not None
    assert (remote.last.plugin, remote.last.sessions) == ("", ())
    assert remote.last.how == "failed because of an internal error (KeyError: 'planted')"
    assert isolated.frame.sessions[0].status != "failed"
    assert await isolated.step(1) == 1


async def test_a_fault_again_and_again_ends_it(isolated: Simulation, remote: ProcessEngine) -> None:
    remote._faults, remote._fault = 2, "KeyError: 7"
    remote._revive("")
    await until(lambda: remote.failure is not None, LONG)
    with pytest.raises(EngineError, match=r"an internal error \(KeyError: 7\), 3 times"):
        await isolated.step()


async def test_events_that_were_lost_are_told(isolated: Simulation, remote: ProcessEngine) -> None:
    heard: list[Event] = []
    isolated.subscribe(Event, heard.append)
    remote._take(remote._generation, FrameReader(), ("events", [WorldSaved(tick=0, path="a")], 7))
    await until(lambda: bool(heard), LONG)
    await isolated.focus(None)
    lost = "7 events dropped: the pipe was too slow"
    assert isolated.frame.events[-1] == (0, lost)


async def test_the_log_of_acts_and_contacts_are_those_of_the_engine(isolated: Simulation) -> None:
    await isolated.inject("Hello.", seeds=[1, 2], model="si", beta=0.5)
    await isolated.step(2)
    await isolated.create_agents(2)
    await isolated.step(1)
    await isolated.create_agents(1)
    kinds = ["create", "inject", "step", "create_agents", "step", "create_agents"]
    assert [act.kind for act in isolated.audit()] == kinds
    assert [act.number for act in isolated.audit(2)] == [4, 5]
    assert isolated.audit() == tuple(await isolated.call(acts_of))
    assert isolated.contacts == await isolated.call(contacts_of) > 0
    with pytest.raises(InputError, match="last"):
        isolated.audit(0)


async def test_copies_that_are_asked_for_at_once_do_not_meet(isolated: Simulation) -> None:
    worlds = await asyncio.gather(*(isolated.world() for _ in range(3)))
    assert len({world.digest() for world in worlds}) == 1


def acts_of(world: World) -> list[LoggedAct]:
    return list(world.trail.acts)


def contacts_of(world: World) -> int:
    return sum(cascade.contacts_seen for cascade in world.cascades)
