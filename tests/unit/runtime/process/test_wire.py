"""What passes between two processes arrives whole, or is refused."""

import pickle
import queue
import socket
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from sim import Cascade, World
from sim.errors import FileError, FormatError, HubbubError, PluginError, UnknownNameError
from sim.runtime.engine.thread_client import ThreadEngine
from sim.runtime.process.breadcrumbs import CrashBreadcrumbs, read_mark, read_place
from sim.runtime.process.client import Process, _opened
from sim.runtime.process.host import main, prepare
from sim.runtime.process.wire import EngineOrder, PipeEnd, packed, sendable, unpacked


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
