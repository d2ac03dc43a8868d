"""The engine's child process, as the one that started it holds it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol

from sim.core.files import open_log
from sim.core.rooms import environment
from sim.errors import HubbubError
from sim.runtime.process.breadcrumbs import show_place
from sim.runtime.process.wire import EngineOrder

_WORDS = ("-P", "-m", "sim.runtime.process.host")
_SAYS: dict[int, str] = {
    signal.SIGSEGV: "segmentation fault",
    signal.SIGABRT: "abort",
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "arithmetic error",
    signal.SIGILL: "illegal instruction",
    signal.SIGKILL: "killed, perhaps for its memory",
}


class DiedError(HubbubError):
    """A process ended before it was ready."""


class Child(Protocol):
    """What runs an engine at the other end of a pipe."""

    pipe: Connection

    def kill(self) -> None:
        """End it now."""

    def wait(self, timeout: float) -> str | None:
        """Return how it ended, in a few words; None while it runs on."""

    def show_place(self, marks: Path) -> None:
        """Ask which lines it runs; see :func:`sim.runtime.process.breadcrumbs.read_place`."""


class Process:
    """A process of this program's own, started afresh: no memory is shared.

    Attributes
    ----------
    pipe
        To it.
    pid
        Its number.
    """

    def __init__(self, order: EngineOrder, log: Path | None = None) -> None:
        ours, theirs = socket.socketpair()
        output = _opened(log)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, *_WORDS, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs.fileno(),),
                env=environment(),
                start_new_session=True,  # Ctrl-C is for the screen
            )
        finally:
            theirs.close()
            os.close(output)
        self.pid = self._process.pid
        self.pipe = Connection(ours.detach())
        with suppress(OSError):  # it has died: whoever reads is told
            self.pipe.send(order)

    def kill(self) -> None:
        """End it now."""
        with suppress(OSError):
            self._process.kill()

    def wait(self, timeout: float) -> str | None:
        """Return how it ended, in a few words; None while it runs on."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        if code >= 0:
            return f"exit code {code}"
        said = _SAYS.get(-code)
        return f"signal {_name(-code)}" + (f", {said}" if said else "")

    def show_place(self, marks: Path) -> None:
        """Ask which lines it runs."""
        if self._process.poll() is None:
            show_place(marks, self.pid)


def spawned(order: EngineOrder) -> Process:
    """Start an engine's process; what it prints goes to ``plugins.log`` of the logs."""
    from sim.settings.settings import current

    return Process(order, current().logs / "plugins.log")


def _name(number: int) -> str:
    return next((known.name for known in signal.Signals if known == number), str(number))


def _opened(log: Path | None) -> int:
    with suppress(OSError):
        if log is not None:
            log.parent.mkdir(0o700, parents=True, exist_ok=True)
            return open_log(log)
    return os.open(os.devnull, os.O_WRONLY)
