"""Phases that take long or fail, and waiting for something to come true."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable

from sim.world.phases import Phase
from sim.world.world import World


def slow_phase(seconds: float) -> Phase:
    return Phase("slow", "takes its time", lambda _world: time.sleep(seconds))


def broken_phase(tick: int) -> Phase:
    def run(world: World) -> None:
        if world.tick >= tick:
            sys.exit("a phase that ends the program")

    return Phase("broken", "fails", run)


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.005)
