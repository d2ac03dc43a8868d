"""An interrupt rises in the block that it is meant for, or nowhere."""

from __future__ import annotations

import threading

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
    """Python was told, and would have raised only behind the block: that is taken back."""
    told: list[object] = []
    monkeypatch.setattr(threads, "_raise_in", lambda *said: told.append(said))
    block = interruptible()

    def comes_back() -> None:
        with block:
            assert interrupt(block)
            if error is not None:
                raise error

    with pytest.raises(Stalled):
        comes_back()
    assert told == [(ME, Stalled), (ME, None)]


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
