"""Threads that step back behind answers."""

import os
import sys
import threading
from collections.abc import Callable

import pytest

from sim.core.thread_priority import BEHIND, answers_first, give_way

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="of single threads on Linux alone")


def nice_after(work: Callable[[], None]) -> list[int]:
    """Return how nice a thread is that did something, and one that it started then."""
    found: list[int] = []

    def look() -> None:
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    def run() -> None:
        work()
        look()
        inner = threading.Thread(target=look)
        inner.start()
        inner.join()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found


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
