"""Plugins that do not come back are interrupted, or end the process; what there is is kept."""

import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from sim import World
from sim.core.threads import Stalled, interruptible
from sim.errors import StuckError
from sim.runtime.engine import warden as wardens
from sim.runtime.engine.stall import RollbackState
from sim.runtime.engine.warden import (
    PluginTimeout,
    calls_of_plugins,
    on_watch,
    patience_for,
    room_for,
    warden,
)
from tests.raising import raises
from tests.unit.runtime.worlds import blocked_until, present

NAME = "hubbub_file_stuck"
CODE = """
import queue, threading, time

def loops():
    while True:
        pass

def sleeps():
    time.sleep(600)

def locks():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()

def waits():
    queue.Queue().get()

def grows():
    kept = []
    while True:
        kept.append(bytearray(1 << 22))

def asks(connection):
    return connection.execute(
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
    ).fetchall()

def stubborn(is_over):
    while not is_over():
        try:
            while not is_over():
                pass
        except BaseException:
            pass

def calls(function):
    return function()
"""


@pytest.fixture
def stuck() -> Iterator[Any]:
    """A plugin's file with a function for each way not to come back."""
    module = ModuleType(NAME)
    exec(compile(CODE, "/somewhere/stuck.py", "exec"), vars(module))  # noqa: S102
    sys.modules[NAME] = module
    yield module
    del sys.modules[NAME]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wardens, "current", lambda: SimpleNamespace(plugin_patience=0.2))
    monkeypatch.setattr(wardens, "ROOM", 1 << 27)
    monkeypatch.setattr(wardens, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(wardens, "_GRACE_SECONDS", 0.4)


def slowly() -> str:
    time.sleep(1)
    return "late"


def nobody(sentence: str) -> None:
    raise AssertionError(sentence)


@pytest.mark.parametrize("how", ["loops", "sleeps", "locks", "waits", "grows"])
def test_what_python_reaches_is_interrupted_and_named(stuck: Any, how: str) -> None:
    with warden(nobody) as mine:
        assert mine is not None
        mine.check()
        if how == "grows":
            mine.patience = 60
        raises(BaseException, "did not return and was stopped", getattr(stuck, how))
        why = "uses .* GiB of memory" if how == "grows" else "has not returned after"
        raises(StuckError, rf"^Plugin 'stuck.py': {why}.*\(stuck.py, line ", mine.check)
    assert on_watch() is None


def test_who_is_waited_for_is_told_of_once(stuck: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wardens, "_TELL_SECONDS", 0.1)
    told: list[str] = []
    with warden(nobody, told.append) as mine:
        assert mine is not None
        mine.patience = 1.5
        raises(BaseException, "did not return and was stopped", stuck.loops)
        assert mine._stuck is not None
    assert len(told) == 1
    assert told[0].startswith("Waiting for plugin 'stuck.py' (stuck.py, line ")
    assert wardens._LOOK_SECONDS + 1.4 < 2  # a person is told within two seconds


def test_after_the_first_nobody_waits_for_another(stuck: Any) -> None:
    """A tick of forty messages under one model that loops ends as soon as one of them would."""
    told: list[str] = []
    with warden(nobody, told.append) as mine:
        assert mine is not None
        raises(BaseException, "did not return and was stopped", stuck.loops)
        mine.patience = 600
        for _ in range(3):
            raises(BaseException, "did not return and was stopped", stuck.sleeps)
        assert not told
        raises(StuckError, r"^Plugin 'stuck.py': has not returned .* in loops\)", mine.check)


def test_a_thread_that_makes_feeds_is_interrupted_too(stuck: Any) -> None:
    met: list[BaseException] = []

    def work() -> None:
        try:
            with interruptible():
                stuck.loops()
        except BaseException as error:
            met.append(error)

    thread = threading.Thread(target=work, name="worker_0")
    with warden(nobody) as mine:
        assert mine is not None
        thread.start()
        blocked_until(lambda: not thread.is_alive())
        raises(StuckError, "line 5, in loops", mine.check)
    assert [str(error) for error in met] == ["it did not return and was stopped"]


def test_what_comes_back_just_then_is_let_be(stuck: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is seen to be stuck, comes back, and only then is the strike made."""
    seen, left, went_on = threading.Event(), threading.Event(), threading.Event()
    met: list[BaseException] = []

    def work() -> None:
        try:
            with interruptible():
                stuck.calls(lambda: seen.wait(60))
            left.set()
            went_on.wait(60)
            sum(range(1000))  # our own code
        except BaseException as error:
            met.append(error)

    looks = PluginTimeout._lasts

    def comes_back(mine: PluginTimeout, number: int, call: Any) -> bool:
        lasts = looks(mine, number, call)
        seen.set()
        assert left.wait(60)
        return lasts

    thread = threading.Thread(target=work, name="worker_0")
    with warden(nobody) as mine:
        assert mine is not None
        monkeypatch.setattr(PluginTimeout, "_lasts", comes_back)
        thread.start()
        blocked_until(left.is_set)
        time.sleep(0.1)  # for the strike, which follows
        went_on.set()
        thread.join()
        mine.check()
    assert met == []


@pytest.mark.parametrize("keeps", ["well", "not", "late", "nothing"])
def test_the_unreached_is_ended(stuck: Any, keeps: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wardens, "_KEEPING_SECONDS", 0.2)
    connection, said = sqlite3.connect(":memory:", check_same_thread=False), []
    keep: dict[str, Callable[[], str]] = {
        "well": lambda: "the world is kept",
        "not": lambda: str(1 / 0),
        "late": slowly,
    }

    def ended(sentence: str) -> None:
        said.append(sentence)
        connection.interrupt()

    with warden(ended) as mine:
        present(mine).keep = keep.get(keeps)
        with pytest.raises((sqlite3.OperationalError, Stalled)):
            stuck.asks(connection)
    connection.close()
    (sentence,) = said
    assert sentence.startswith("Plugin 'stuck.py': has not returned after ")
    clause = {
        "well": "the world is kept",
        "not": "the last completed tick cannot be kept (division by zero)",
        "late": "the last completed tick could not be kept in time",
        "nothing": "there was nothing to keep",
    }
    assert sentence.endswith(f"; {clause[keeps]}.")
    blocked_until(lambda: threading.active_count() < 12)


def test_what_catches_everything_ends_the_process(stuck: Any) -> None:
    said: list[str] = []
    with warden(said.append):
        stuck.stubborn(lambda: bool(said))
    assert "in stubborn" in said[0]


def test_calls_that_come_back_are_left_alone(stuck: Any) -> None:
    with warden(nobody) as mine:
        assert mine is not None
        end = time.monotonic() + 0.6
        while time.monotonic() < end:
            stuck.calls(lambda: time.sleep(0.01))
        time.sleep(0.3)  # nobody's lines but ours
        mine.check()
        mine.check_after(lambda: "nothing")


def test_while_numba_compiles_no_call_is_under_way(stuck: Any) -> None:
    found: list[int] = []
    module = ModuleType("numba.core.compiler")
    exec("def compiled(look): look()", vars(module))  # noqa: S102
    me = threading.get_ident()
    stuck.calls(lambda: found.append(me in calls_of_plugins()))
    stuck.calls(lambda: vars(module)["compiled"](lambda: found.append(me in calls_of_plugins())))
    assert found == [True, False]


def test_a_thread_of_a_plugins_own_holds_nobody_up(stuck: Any) -> None:
    ended = threading.Event()
    thread = threading.Thread(target=lambda: stuck.calls(ended.wait), name="its own")
    thread.start()
    assert calls_of_plugins() == {}
    ended.set()
    thread.join()


def test_only_one_watches_and_only_from_the_main_thread() -> None:
    found: list[PluginTimeout | None] = []
    before = signal.getsignal(wardens._SIGNAL)

    def look() -> None:
        with warden(nobody) as mine:
            found.append(mine)

    with warden(nobody) as first, warden(nobody) as second:
        assert (first is None, second) == (False, None)
        assert on_watch() is first
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [None]
    assert signal.getsignal(wardens._SIGNAL) == before


def test_a_large_world_gives_plugins_more() -> None:
    world = World.create(agents=20_000, mean_degree=10, seed=1)
    assert patience_for(world) == pytest.approx(0.2 + (20_000 + world.ties.count) / 1e6)
    assert room_for(world) == wardens.ROOM + 4 * world.nbytes


def test_platforms_with_foreign_plugins_are_copied_first(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.create(agents=50, mean_degree=4, seed=1, platform=True)
    rollback = RollbackState()
    monkeypatch.setattr("sim.runtime.engine.stall.foreign", tuple)
    rollback.before_tick(world)
    assert not rollback.has_copy
    one = type("One", (), {"kind": "recommender"})()
    monkeypatch.setattr("sim.runtime.engine.stall.foreign", lambda: (one,))
    rollback.before_tick(world)
    assert rollback.has_copy
