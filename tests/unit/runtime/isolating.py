"""Engines elsewhere: in a thread of the test, where nothing has to start; and harmful plugins."""

import asyncio
import socket
import threading
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sim import World
from sim.runtime import Simulation
from sim.runtime.engine.thread_client import ThreadEngine
from sim.runtime.process.client import Process, ProcessEngine
from sim.runtime.process.host import serve
from sim.runtime.process.wire import EngineOrder

LONG = 90.0


def thread_of(simulation: Simulation) -> ThreadEngine:
    """The engine of a simulation that runs in this process."""
    assert isinstance(simulation._client, ThreadEngine)
    return simulation._client


def process_of(simulation: Simulation) -> ProcessEngine:
    """The engine of an isolated simulation."""
    assert isinstance(simulation._client, ProcessEngine)
    return simulation._client


ROUGH = '''
import ctypes, os

from sim import PropagationModel, register


class Rough(PropagationModel):
    """Does harm in its third tick."""

    def step(self, cascade, contacts, draws):
        seen = cascade.columns.setdefault("seen", contacts.degree[:1].copy())
        seen[0] += 1
        if draws.tick >= cascade.started_at + 3:
            self.harm()

    def is_quiet(self, cascade, contacts):
        return False


@register("rough-exit")
class Exit(Rough):
    """Ends the process."""

    def harm(self):
        os._exit(3)


@register("rough-null")
class Null(Rough):
    """Reads where nothing is."""

    def harm(self):
        ctypes.string_at(0)


@register("rough-deaf")
class Deaf(Rough):
    """Holds the interpreter and does not come back."""

    def harm(self):
        never, _ = os.pipe()
        ctypes.PyDLL(None).read(never, ctypes.create_string_buffer(1), 1)


@register("rough-hungry")
class Hungry(Rough):
    """Wants four terabytes."""

    def harm(self):
        bytearray(1 << 42)
'''


def line_of(words: str) -> int:
    """The number of a line of the harmful plugins."""
    return next(n for n, line in enumerate(ROUGH.splitlines(), 1) if words in line)


class Thread(Process):
    """An engine's process that is none: a thread with an event loop of its own."""

    def __init__(self, order: EngineOrder) -> None:
        ours, theirs = socket.socketpair()
        self.pipe = Connection(ours.detach())
        self.order = order
        self._theirs = theirs.dup()
        work = serve(Connection(theirs.detach()), replace(order, marks=None))
        self._thread = threading.Thread(target=lambda: asyncio.run(work), daemon=True)
        self._thread.start()

    def kill(self) -> None:
        with suppress(OSError):
            self._theirs.shutdown(socket.SHUT_RDWR)

    def wait(self, timeout: float) -> str | None:
        self._thread.join(timeout)
        if self._thread.is_alive():
            return None
        self._theirs.close()
        return "exit code 0"

    def show_place(self, marks: Path) -> None:
        del marks


def agents_of(world: World, factor: int = 1) -> int:
    """What a test sends to another process."""
    return factor * len(world.agents)


def ties_of(ties: Any, report: Any) -> int:
    report("counting", 0.5)
    return int(ties.count)


def unwilling(_world: World) -> Any:
    return lambda: None


def failing(_world: World) -> None:
    raise LookupError("as it should")
