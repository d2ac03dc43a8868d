"""Ends a live world while a command waits for a slow disk; killed once that is acknowledged.

python -m tests.faults.closing FILE.hub {thread,process} {close,fail,restart}
"""

import asyncio
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from sim import World
from sim.runtime import EngineError, IsolatedSimulation, Simulation
from sim.runtime.engine.live import LiveWorld
from sim.runtime.journal.checkpoints import Pacing
from sim.store.journal import journal
from tests.unit.runtime.isolating import Thread, thread_of
from tests.unit.runtime.worlds import until

NEVER = Pacing(None, None, None)
KINDS: dict[str, Any] = {"thread": Simulation, "process": partial(IsolatedSimulation, spawn=Thread)}
SLOW_SECONDS = 0.4
seen = LiveWorld.frame


class SlowDisk:
    """A journal whose commits take their time, once the test says so."""

    def __init__(self) -> None:
        self.is_slow, self.began = False, 0
        self._commit: Any = journal.commit
        setattr(journal, "commit", self._take_time)  # noqa: B010 - of another type

    def _take_time(self, *args: Any) -> None:
        if self.is_slow:
            self.began += 1
            time.sleep(SLOW_SECONDS)
        self._commit(*args)


async def acknowledged(work: Any) -> None:
    """Be killed as by a power button once a command is answered well."""
    try:
        await work
    except Exception as error:
        print(f"{type(error).__name__}: {error}", flush=True)  # noqa: T201 - the test reads it
    else:
        print("acknowledged", flush=True)  # noqa: T201 - the test reads it
        os.kill(os.getpid(), signal.SIGKILL)


def unseen(live: LiveWorld, *said: Any) -> Any:
    """Make no frame of what was just sent: a fault of the engine's own."""
    if live.world.made > 1:
        raise RuntimeError("planted")
    return seen(live, *said)


async def main(path: Path, kind: str, how: str) -> None:
    """Send a message, and end the world in one way before the disk has it."""
    disk, world = SlowDisk(), World.create(agents=300, mean_degree=6, seed=2)
    simulation = KINDS[kind](world, path=path, journal=NEVER)
    await simulation.__aenter__()
    await simulation.inject("First", seeds=[2], model="sir")  # every kernel is loaded
    await simulation.step(2)
    disk.is_slow = True
    if how == "fail":
        vars_of: Any = LiveWorld
        vars_of.frame = unseen
    task = asyncio.create_task(acknowledged(simulation.inject("News", seeds=[1], model="sir")))
    await until(lambda: disk.began > 0)
    if how == "restart":
        engine = thread_of(simulation)
        owned = engine.live.persistence.let_go().owned
        engine.engine.abandon(EngineError("The engine was restarted; try again."), owned)
    elif how == "close":
        await simulation.__aexit__()
    await task


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
