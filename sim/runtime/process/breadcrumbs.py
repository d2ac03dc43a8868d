"""Crash breadcrumbs and heartbeats: whose code runs in another process, and what hangs there."""

from __future__ import annotations

import faulthandler
import mmap
import os
import resource
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from sim.core.registry import foreign
from sim.runtime.engine.live import next_revision
from sim.runtime.engine.stall import Stall, is_foreign
from sim.runtime.engine.watchdog import place_in
from sim.runtime.frames.focus import ModelReports
from sim.runtime.frames.frames import Frame, State
from sim.runtime.frames.sessions import ENDED
from sim.spread.cascade.cascade import Cascade
from sim.world.world import World

_BYTES = 256
_NAME_BYTES = _BYTES - 8
_NOBODY = bytes(_BYTES)
_ASKED = ("begin", "draws", "advance", "measure")
"""Methods of a cascade; each is called before code of its model runs."""


class CrashBreadcrumbs:
    """Notes in a file whose model is about to run; 0.3 us per note, without a system call."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(_NOBODY)
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _BYTES)
        self._names: dict[type, bytes] = {}
        self._where = _where(path).open("wb")

    def note(self, cascade: Cascade, tick: int = 0) -> None:
        """Note that a cascade's model runs, in a tick; 0: the tick is unknown."""
        kind = type(cascade.model)
        name = self._names.get(kind)
        if name is None:
            said = cascade.model_name.encode() if is_foreign(cascade) else b""
            name = self._names[kind] = said[:_NAME_BYTES].ljust(_NAME_BYTES, b"\0")
        self._map[:] = name + max(tick, 0).to_bytes(8, "little")

    def clear(self) -> None:
        """Note that no model runs."""
        self._map[:] = _NOBODY

    def close(self) -> None:
        """Close both files; no more notes can be written."""
        self._map.close()
        self._where.close()

    def watch(self) -> None:
        """Note every cascade called in this process, and dump the stacks if the process crashes."""
        for name in _ASKED:
            setattr(Cascade, name, self._noting(getattr(Cascade, name)))
        told = ModelReports._asked  # noqa: SLF001 - the one place where metrics and panels are asked

        def asked(telling: ModelReports, cascade: Cascade, *args: Any) -> Any:
            self.note(cascade)
            said = told(telling, cascade, *args)
            self.clear()
            return said

        setattr(ModelReports, "_asked", asked)  # noqa: B010 - in this process alone
        stepped = World.step

        def step(world: World, ticks: int = 1) -> None:
            stepped(world, ticks)
            self.clear()

        setattr(World, "step", step)  # noqa: B010 - in this process alone
        faulthandler.enable(self._where, all_threads=True)
        faulthandler.register(signal.SIGUSR1, self._where, all_threads=True)

    def _noting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def noted(cascade: Cascade, *args: Any) -> Any:
            self.note(cascade, args[0] if type(args[0]) is int else 0)
            return function(cascade, *args)

        return noted


def _where(path: Path) -> Path:
    return path.with_suffix(".where")


def read_mark(path: Path) -> tuple[str, int]:
    """Return (model, tick) of the code that runs, or ran last; ``("", 0)``: no foreign code."""
    with suppress(OSError):
        said = path.read_bytes()
        name = said[:_NAME_BYTES].rstrip(b"\0").decode(errors="replace")
        return name, int.from_bytes(said[_NAME_BYTES:], "little") if name else 0
    return "", 0


def read_place(path: Path) -> tuple[str, str]:
    """Return (model, place) of the innermost foreign line in the last stack dump; empty: none."""
    with suppress(OSError):
        origins = {item.origin: item.name for item in foreign()}
        return place_in(_where(path).read_text(errors="replace"), origins) or ("", "")
    return "", ""


def show_place(path: Path, pid: int) -> None:
    """Ask a process for its stack; it is written to the file, whatever blocks the process."""
    with suppress(OSError):
        os.truncate(_where(path), 0)
        os.kill(pid, signal.SIGUSR1)


def limit_memory(most_mb: int | None, room: int | None = None) -> None:
    """Make excessive allocations fail, so that the machine does not run out of memory."""
    process = psutil.Process()
    most = int(psutil.virtual_memory().available * 0.9) + process.memory_info().rss
    if most_mb is not None:
        most = most_mb << 20
    elif room is not None:
        told = process.memory_info()
        most = min(most, room + int(getattr(told, "data", told.vms)))
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def culprit(marks: Path, asked: Iterable[Any], newest: Frame | None) -> tuple[str, str]:
    """Return (plugin, place) of the code that runs, or ran last; both empty: unknown."""
    (noted, _), (found, place) = read_mark(marks), read_place(marks)
    if noted or found:
        return noted or found, place
    theirs = {item.name for item in foreign()}
    sent = [model for model in asked if model in theirs]
    if sent:
        return str(sent[0]), ""
    rows = newest.sessions if newest is not None else ()
    running = {row.model for row in rows if row.status not in ENDED and row.model in theirs}
    return (running.pop(), "") if len(running) == 1 else ("", "")


def silent(marks: Path, who: tuple[str, str], newest: Frame, seconds: float) -> Stall:
    """Return the stall of an unresponsive process: something holds its interpreter."""
    (plugin, place), tick = who, read_mark(marks)[1]
    what = f"Tick {tick:,}" if tick > newest.tick else "The engine"
    return Stall(what, seconds, plugin, place or ("compiled code" if plugin else ""))


def named(frame: Frame, marks: Path) -> Frame:
    """Return a frame whose stall names the plugin that hangs in compiled code."""
    if frame.stalled is None or frame.stalled.plugin:
        return frame
    stall = replace(frame.stalled, plugin=read_mark(marks)[0], place="compiled code")
    return replace(frame, stalled=stall, banner=stall.sentence) if stall.plugin else frame


def said(frame: Frame, banner: str, stall: Stall | None, state: State | None = None) -> Frame:
    """Return a newer frame with a banner."""
    now = next_revision()
    return replace(frame, revision=now, banner=banner, stalled=stall, state=state or frame.state)
