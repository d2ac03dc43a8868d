"""Phases that wait, fail or take long, clocks that a test moves, and waiting for conditions."""

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from sim import Phase, World

T = TypeVar("T")
PATIENCE = 60.0
"""Seconds that anything may take which will come true: machines are busy."""


class Gate:
    """A phase in which ticks wait until the test lets them go on.

    Parameters
    ----------
    at
        The first tick to be held, counted from 1; None: none is, they are only counted.

    Attributes
    ----------
    came
        Ticks that came to it so far.
    """

    def __init__(self, at: int | None = 1) -> None:
        self.came = 0
        self._at = at
        self._is_open = threading.Event()
        self.phase = Phase("gate", "waits for the test", self._pass)

    def open(self) -> None:
        self._is_open.set()

    def _pass(self, _world: World) -> None:
        self.came += 1
        if self._at is not None and self.came >= self._at:
            assert self._is_open.wait(PATIENCE), "nobody opened the gate"


class Hand:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def slow_phase(seconds: float) -> Phase:
    return Phase("slow", "takes its time", lambda _world: time.sleep(seconds))


def broken_phase(tick: int) -> Phase:
    def run(world: World) -> None:
        if world.tick >= tick:
            sys.exit("a phase that ends the program")

    return Phase("broken", "fails", run)


def present(found: T | None) -> T:
    """Return what is not None."""
    assert found is not None
    return found


async def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.005)


def blocked_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition and let nothing else run in this thread meanwhile."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.005)
