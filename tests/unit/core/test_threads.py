"""An interrupt rises in the block that it is meant for, or nowhere."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from sim.core import threads
from sim.core.threads import Stalled, interrupt, interruptible, open_block

ME = threading.get_ident()


def test_a_block_is_interrupted_from_another_thread_once() -> None:
    answers: list[bool] = []
    block = interruptible()

    def strike() -> None:
        answers.extend((interrupt(block), interrupt(block)))

    striker = threading.Thread(target=strike)

    def loops() -> None:
        with block:
            striker.start()
            while True:
                pass

    with pytest.raises(Stalled, match="did not come back, and was stopped"):
        loops()
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

    with pytest.raises(Stalled):
        comes_back()
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
        with pytest.raises(Stalled):
            loops(outer)
        assert open_block(ME) is outer
    assert open_block(ME) is None
    assert open_block(None) is None
