"""What the loop's side of an isolated engine makes of silence, stalls and ends, told by hand."""

import asyncio
import pickle
import queue
import socket
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sim import Cascade, World
from sim.core import Event, WorldSaved
from sim.errors import (
    FileError,
    FormatError,
    HubbubError,
    InputError,
    PluginError,
    UnknownNameError,
)
from sim.runtime import EngineError, IsolatedSimulation, ReplacedError, Simulation
from sim.runtime.engine.live import next_revision
from sim.runtime.engine.stall import Stall
from sim.runtime.engine.thread_client import ThreadEngine
from sim.runtime.process.breadcrumbs import CrashBreadcrumbs, read_mark, read_place
from sim.runtime.process.client import Process, ProcessEngine, _opened
from sim.runtime.process.host import main, prepare
from sim.runtime.process.wire import (
    EngineOrder,
    FrameReader,
    FrameWriter,
    PipeEnd,
    packed,
    sendable,
    unpacked,
)
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


@pytest.mark.parametrize(
    "error",
    [UnknownNameError("model", "sirr", ["sir"]), FileError("a.hub", "is gone"),
     FormatError("a.txt", 3, "x y", "two numbers"), PluginError("mine", "fails"),
     ZeroDivisionError("a third is too much")],
)  # fmt: skip
def test_an_error_arrives_with_its_class_words_and_facts(error: Exception) -> None:
    arrived = unpacked(packed(error))
    assert (type(arrived), str(arrived)) == (type(error), str(error))
    assert vars(arrived) == vars(error)


def test_an_error_that_cannot_be_copied_arrives_as_its_words() -> None:
    class OddError(Exception):
        pass

    arrived = unpacked(packed(OddError("it is")))
    assert (type(arrived), str(arrived)) == (HubbubError, "OddError: it is")
    held = LookupError("it is")
    vars(held)["held"] = lambda: None
    assert str(unpacked(packed(held))) == "it is"
    assert vars(unpacked(packed(held))) == {}


def test_a_call_without_arguments_can_be_sent() -> None:
    assert sendable(ThreadEngine.step, (), {"a": 1}) != sendable(ThreadEngine.step, (), {"a": 2})


def test_messages_arrive_in_order_and_the_end_is_told() -> None:
    here, there = socket.socketpair()
    heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
    ours = PipeEnd(Connection(here.detach()), heard.put, lambda: heard.put("end"))
    theirs = PipeEnd(Connection(there.detach()), heard.put, lambda: heard.put("end"))
    for number in range(3):
        ours.send("say", number)
    assert [heard.get(timeout=90)[1] for _ in range(3)] == [0, 1, 2]
    ours.close()
    assert heard.get(timeout=90) == "end"
    for wire in (ours, theirs):
        wire.join(90)


def test_what_nobody_can_read_is_the_end() -> None:
    here, there = socket.socketpair()
    ended: queue.SimpleQueue[bool] = queue.SimpleQueue()
    wire = PipeEnd(Connection(here.detach()), lambda _: None, lambda: ended.put(True))
    other = Connection(there.detach())
    other.send_bytes(b"nonsense")
    assert ended.get(timeout=90)
    assert isinstance(wire.fault, pickle.UnpicklingError)
    wire.join(90)
    other.close()


def test_what_cannot_be_taken_is_a_fault_of_this_side() -> None:
    here, there = socket.socketpair()
    ended: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def refuse(_message: tuple[Any, ...]) -> None:
        raise KeyError("lost")

    wire = PipeEnd(Connection(here.detach()), refuse, lambda: ended.put(True))
    other = PipeEnd(Connection(there.detach()), lambda _: None, lambda: None)
    other.send("say", 1)
    assert ended.get(timeout=90)
    assert str(wire.fault) == "'lost'"
    for each in (wire, other):
        each.join(90)
    assert other.fault is None, "there it is the end"


def test_a_mark_names_foreign_models_alone(tmp_path: Any, world: World, misbehaving: str) -> None:
    marks = CrashBreadcrumbs(tmp_path / "mark")
    theirs = world.inject("x", seeds=[1], model=misbehaving)
    ours = world.inject("x", seeds=[1], model="si")
    marks.note(theirs, 12)
    assert read_mark(tmp_path / "mark") == (misbehaving, 12)
    marks.note(ours)
    assert read_mark(tmp_path / "mark") == ("", 0)
    marks.note(theirs)
    marks.clear()
    assert read_mark(tmp_path / "mark") == ("", 0)
    marks.close()
    assert read_mark(tmp_path / "none") == ("", 0)
    assert read_place(tmp_path / "none") == ("", "")


def test_marks_are_noted_while_a_world_steps(
    tmp_path: Any, world: World, misbehaving: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import faulthandler

    from sim.runtime.frames.focus import ModelReports

    for name in ("enable", "register"):
        monkeypatch.setattr(faulthandler, name, lambda *_, **__: None)
    for owner, names in (
        (Cascade, ("begin", "draws", "advance", "measure")),
        (World, ("step",)),
        (ModelReports, ("_asked",)),
    ):
        for name in names:
            monkeypatch.setattr(owner, name, getattr(owner, name))
    marks = CrashBreadcrumbs(tmp_path / "mark")
    noted: list[str] = []
    marks.watch()
    monkeypatch.setattr(marks, "note", lambda cascade, *_: noted.append(cascade.model_name))
    cascade = world.inject("x", seeds=[1], model=misbehaving)
    world.step(2)
    assert noted[:2] == [misbehaving, misbehaving]
    noted.clear()
    assert ModelReports().metrics(cascade) == ()
    assert noted == [misbehaving]
    marks.close()
    assert read_mark(tmp_path / "mark") == ("", 0)


def test_a_process_that_is_told_nothing_ends() -> None:
    here, there = socket.socketpair()
    here.close()
    main([str(there.detach())])


def test_what_cannot_be_prepared_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.runtime.process.host.die_with_parent", lambda: None)
    here, there = socket.socketpair()
    with Connection(here.detach()) as pipe:
        pipe.send(EngineOrder("w.hub", "w", None, None, 10.0, plugins=("/nowhere/mine.py",)))
        main([str(there.detach())])
        kind, said = pipe.recv()
    assert kind == "failed"
    assert "there is no such plugin file" in str(unpacked(said))


def test_a_process_is_prepared_with_the_settings_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    from sim.settings import current

    limits: list[int] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: limits.append(pair[0]))
    prepare(EngineOrder("w.hub", "w", None, None, 10.0, settings=current(), memory_mb=64))
    prepare(EngineOrder("w.hub", "w", None, None, 10.0))
    assert limits[0] == 64 << 20
    assert limits[1] > 64 << 20


def test_how_a_process_ended_is_said(tmp_path: Any) -> None:
    process = Process(EngineOrder("w.hub", "w", None, None, 10.0), tmp_path / "logs" / "said.log")
    assert process.wait(0.0) is None
    process.kill()
    assert process.wait(90) == "signal SIGKILL, killed, perhaps for its memory"
    process.show_place(tmp_path / "mark")
    process.pipe.close()
    process._process.returncode = -10
    assert process.wait(0) == "signal SIGUSR1"
    process._process.returncode = -200
    assert process.wait(0) == "signal 200"


def test_output_goes_nowhere_where_no_log_can_be_written(tmp_path: Any) -> None:
    import os

    (tmp_path / "file").touch()
    for log in (None, tmp_path / "file" / "log"):
        descriptor = _opened(log)
        assert os.fstat(descriptor).st_rdev == Path(os.devnull).stat().st_rdev
        os.close(descriptor)
