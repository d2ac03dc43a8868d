"""Threads: their number, caches that they share, interrupts and priorities."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from sim import make
from sim.core import answers_first, threads
from sim.core.threads import (
    BEHIND,
    BoundedCache,
    Stalled,
    allow,
    give_way,
    interrupt,
    interruptible,
    open_block,
    workers,
)
from tests.raising import raises

ME = threading.get_ident()


def test_a_block_is_interrupted_from_another_thread_once() -> None:
    answers: list[bool] = []
    block = interruptible()
    striker = threading.Thread(target=lambda: answers.extend((interrupt(block), interrupt(block))))

    def loops() -> None:
        with block:
            striker.start()
            while True:
                pass

    raises(Stalled, "did not return and was stopped", loops)
    striker.join()
    assert answers == [True, False]
    assert open_block(ME) is None


def test_a_block_that_has_ended_is_not_struck(monkeypatch: pytest.MonkeyPatch) -> None:
    struck: list[object] = []
    monkeypatch.setattr(threads, "_raise_in", lambda *said: struck.append(said))
    with interruptible():
        block = open_block(ME)
    assert block is not None
    assert not interrupt(block)
    assert struck == []


@pytest.mark.parametrize("error", [None, ValueError("its own")])
def test_a_struck_block_never_ends_before_the_exception_has_risen(
    monkeypatch: pytest.MonkeyPatch, error: Exception | None
) -> None:
    """Python is told while the block ends, and would raise behind it: the end waits for that."""
    block, told = interruptible(), threads._raise_in
    monkeypatch.setattr(threads, "_raise_in", lambda *_: None)  # late

    class Lock:
        def __enter__(self) -> None:
            if block.is_struck and open_block(ME) is None:  # the block looks a last time
                told(ME, Stalled)

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(threads, "_striking", Lock())

    def comes_back() -> None:
        with block:
            assert interrupt(block)
            if error is not None:
                raise error

    raises(Stalled, "", comes_back)
    for _ in range(10_000):
        pass  # nothing is left to rise here
    assert open_block(ME) is None


def test_a_plugin_that_swallows_the_interrupt_is_stalled_at_its_end() -> None:
    def swallows(block: interruptible) -> None:
        with block, suppress(BaseException):
            interrupt(block)
            while True:
                pass

    with pytest.raises(Stalled):
        swallows(interruptible())


def test_functions_that_are_traced_begin_after_a_block_was_struck() -> None:
    """Python 3.11 never began one after an interrupt that was taken back; coverage traces."""
    code = """
import sys
from sim.core.threads import Stalled, interrupt, interruptible
def called(): return 1
for wait in (False, True):
    block = interruptible()
    try:
        with block:
            interrupt(block)
            while wait: pass
    except Stalled:
        pass
    sys.settrace(lambda *_: None)
    assert called() == 1
    sys.settrace(None)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_block_that_ended_where_it_was_struck_is_nobodys_outer() -> None:
    outer, struck = interruptible(), interruptible()
    with outer:
        struck.__enter__()
        struck.is_struck = True  # the exception rises before __exit__ does anything
        with interruptible():
            pass
        assert open_block(ME) is outer


def test_the_innermost_block_is_struck_and_the_outer_one_goes_on() -> None:
    def loops(outer: interruptible) -> None:
        with interruptible():
            inner = open_block(ME)
            assert inner is not None
            assert not interrupt(outer)
            interrupt(inner)
            while True:
                pass

    with interruptible():
        outer = open_block(ME)
        assert outer is not None
        raises(Stalled, "", loops, outer)
        assert open_block(ME) is outer
    assert open_block(ME) is None
    assert open_block(None) is None


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="of single threads on Linux alone")


def together(*works: Callable[[], object]) -> None:
    """Do each in a thread of its own."""
    running = [threading.Thread(target=work) for work in works]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def nice_after(work: Callable[[], None]) -> list[int]:
    """Return how nice a thread is that did something, and one that it started then."""
    found: list[int] = []

    def look() -> None:
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    def run() -> None:
        work()
        look()
        together(look)

    together(run)
    return found


@on_linux
def test_a_thread_steps_back_with_those_that_it_starts_where_that_is_wanted() -> None:
    (own, _), mine = nice_after(lambda: None), os.getpriority(os.PRIO_PROCESS, 0)
    answers_first()
    try:
        stepped = nice_after(give_way)
    finally:
        answers_first(on=False)
    assert stepped == [max(BEHIND, own)] * 2
    assert nice_after(give_way) == [own] * 2
    assert os.getpriority(os.PRIO_PROCESS, 0) == mine


@on_linux
def test_a_thread_that_is_further_back_stays_there() -> None:
    behind = max(BEHIND + 3, os.getpriority(os.PRIO_PROCESS, 0))

    def work() -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), behind)
        give_way()

    answers_first()
    try:
        assert nice_after(work) == [behind] * 2
    finally:
        answers_first(on=False)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    allow(None)


def test_there_is_one_a_core_unless_a_number_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    assert workers() == os.cpu_count()
    allow(3)
    assert workers() == 3
    allow(0)
    assert workers() == 1
    allow(None)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert workers() == 1


ROOT = Path(__file__).resolve().parents[3]


def test_a_value_is_made_once_until_there_are_too_many() -> None:
    kept: BoundedCache[int] = BoundedCache(2)
    assert [kept.get(key, partial(int, key * 10)) for key in (1, 2, 1)] == [10, 20, 10]
    assert kept.get(1, lambda: 7) == 10
    assert len(kept) == 2
    assert kept.get(3, lambda: 30) == 30
    assert len(kept) == 1
    assert kept.get(1, lambda: 7) == 7


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for one value each."""
    for where in ("compartments.compartments._tables", "compartments.compartments._lives",
                  "continuous.continuous._rates"):  # fmt: skip
        monkeypatch.setattr(f"sim.spread.{where}", BoundedCache(1))


def test_models_find_their_rules_while_other_threads_make_room(hasty: None) -> None:
    models = [make("sir", beta=0.1 * n) for n in range(1, 7)]
    failed: list[BaseException] = []

    def look() -> None:
        try:
            for turn in range(300):
                model = models[turn % len(models)]
                model.table("coins")
                model.lives("coins")
        except BaseException as error:
            failed.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # they take turns all the time
    try:
        together(*[look] * 4)
    finally:
        sys.setswitchinterval(before)
    assert failed == []


def test_no_cache_of_a_module_is_cleared() -> None:
    """One that others may be reading is replaced; :class:`BoundedCache` does that."""
    found = []
    for file in (ROOT / "sim").rglob("*.py"):
        text = file.read_text()
        names = re.findall(r"^(_[a-z_]+)(?:: dict\[.*\])? = \{\}$", text, re.MULTILINE)
        found += [(file.name, name) for name in names if f"{name}.clear()" in text]
    assert set(found) <= {
        ("models.py", "_worlds"),  # of one command line, which has one thread
        ("registry.py", "_known"),  # behind a lock
    }
