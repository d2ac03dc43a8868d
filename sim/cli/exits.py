"""How a command ends: exit codes, signals, and where the world of a stopped run is kept."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from sim import errors
from sim.errors import Cancelled, StuckError

if TYPE_CHECKING:
    from sim.runtime.journal.writer import JournalWriter
    from sim.world.world import World


OK, ERROR, USAGE, FILE, CAPACITY, PLUGIN = 0, 1, 2, 3, 4, 5
CANCELLED, TERMINATED, HUNG_UP = 130, 143, 129

EXITS = {
    OK: "done",
    ERROR: (
        "an internal error, a problem found by doctor, a claim that does not hold (validate), or "
        "models that made too few decisions or did not answer"
    ),
    USAGE: "a wrong option or value, or no terminal for the screen",
    FILE: "a file is missing, damaged, foreign or cannot be written",
    CAPACITY: "not enough memory",
    PLUGIN: "a plugin failed",
    HUNG_UP: "stopped by SIGHUP or the end of the terminal; what was running is kept",
    CANCELLED: "cancelled (Ctrl-C); what was running is kept",
    TERMINATED: "stopped by SIGTERM; what was running is kept",
}
"""Every exit code and what it means."""


def code_of(error: errors.HubbubError) -> int:
    """Return the exit code of an error."""
    if isinstance(error, errors.Cancelled):
        return 128 + int(getattr(error, "number", 2))
    # A file too large for memory is both kinds of error; more memory is what helps.
    kinds = {
        errors.CapacityError: CAPACITY,
        errors.FileError: FILE,
        errors.PluginError: PLUGIN,
        errors.InputError: USAGE,
    }
    return next((code for kind, code in kinds.items() if isinstance(error, kind)), ERROR)


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

GRACE_SECONDS = 4.0
"""Seconds after a signal until work that has not stopped is interrupted."""

END_SECONDS = 0.75
"""Seconds after that until the process is ended, even if Python code no longer runs."""

_LOOK_SECONDS = 0.5


class StoppedError(Cancelled):
    """A signal, or the end of the terminal, stopped the command."""

    def __init__(self, said: str, number: int) -> None:
        super().__init__(said)
        self.number = number


class StopRequest:
    """A request to end the command, as made by a signal or a closed terminal."""

    def __init__(self) -> None:
        self.number = 0
        self._timers: list[threading.Timer] = []
        self._looked = 0.0
        self._had_terminal = sys.stderr.isatty()

    def is_set(self) -> bool:
        """Return whether to end; check now and then whether the terminal is gone, too."""
        now = time.monotonic()
        if not self.number and self._had_terminal and now - self._looked > _LOOK_SECONDS:
            self._looked = now
            if hung_up(sys.stderr.fileno()):
                self.number = signal.SIGHUP
        return self.number > 0

    def noted(self) -> None:
        """Stop the timers: the work has noticed the request, and may take its time to end."""
        for timer in self._timers:
            timer.cancel()

    def set(self, number: int) -> None:
        """Make the request, and start the timers."""
        self.number = number
        # Work that never reports again, such as a plugin in an endless loop, is stopped too.
        again = threading.Timer(GRACE_SECONDS, os.kill, (os.getpid(), signal.SIGINT))
        last = threading.Timer(GRACE_SECONDS + END_SECONDS, os._exit, (128 + number,))
        self._timers = [again, last]
        for timer in self._timers:
            timer.daemon = True
            timer.start()


@contextmanager
def listening() -> Iterator[StopRequest]:
    """Catch signals while the block runs; a second one raises ``KeyboardInterrupt``."""
    asked = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def interrupted(number: int, frame: FrameType | None) -> None:
        if asked.number:
            raise KeyboardInterrupt
        asked.set(number)

    before = {n: signal.getsignal(n) for n in SIGNALS if signal.getsignal(n) != signal.SIG_IGN}
    for number in before:
        signal.signal(number, interrupted)
    try:
        yield asked
    except KeyboardInterrupt:
        raise StoppedError("Cancelled.", asked.number or signal.SIGINT) from None
    finally:
        asked.noted()
        for number, handler in before.items():
            signal.signal(number, handler)


def hung_up(descriptor: int) -> bool:
    """Return whether the terminal of a file descriptor is gone."""
    with suppress(OSError, ValueError):
        poll = select.poll()
        poll.register(descriptor, 0)
        return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))
    return True


# What is kept of a stopped run


@contextmanager
def kept_when_stopped(
    world: World, keeper: JournalWriter | None, target: Path | None
) -> Iterator[None]:
    """If the run stops between two ticks, keep its world and add to the error where it is kept."""
    begun = world.tick
    try:
        yield
    except Cancelled as wish:
        if world.tick == begun:
            raise
        said = str(wish).partition(";")[0].rstrip(".")
        text = f"{said}; {_kept(world, keeper, target)}."
        raise StoppedError(text, getattr(wish, "number", signal.SIGINT)) from None
    except StuckError as stuck:
        if world.tick == begun or stuck.__cause__ is not None:  # the error says what is kept
            raise
        reason = f"{stuck.reason}; {_kept(world, keeper, target)}"
        raise StuckError(stuck.plugin, reason) from None


def _kept(world: World, keeper: JournalWriter | None, target: Path | None) -> str:
    return rescued(world, target) if keeper is None else "everything is in its journal"


def rescued(world: World, target: Path | None, of: World | None = None) -> str:
    """Save the world of a stopped run, near ``target`` if given; return a clause saying where."""
    from sim.runtime.journal.history import HistoryWriter
    from sim.store import save

    path = rescue_path(target)
    save(world, path, note=f"rescued at tick {world.tick:,}, when the run was stopped")
    for watcher in (of or world).watchers:
        if isinstance(watcher, HistoryWriter):
            watcher.move(path)
    return said_of_rescue(world.tick, path)


def rescue_path(target: Path | None) -> Path:
    """Return the rescue file for a run that was to be saved at ``target``, or not at all."""
    if target is not None:
        return target.with_name(f"{target.stem}.rescued.hub")
    from sim.settings.settings import current

    now = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    path = current().saves_folder / f"rescued-{now}-{os.getpid()}.hub"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def said_of_rescue(tick: int, path: Path) -> str:
    """Return a clause that says where a run is kept."""
    return f"the world at tick {tick:,} is kept in {path}, hubbub run goes on from there"
