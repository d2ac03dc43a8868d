""":class:`Stall`: which foreign plugin hangs in the engine's thread; and rollback of its tick.

Python can raise an exception in another thread, at its next line: that ends a loop written in
Python, and the handler around the plugin turns it into a failed message. A loop in compiled code
never gets to a next line; then its thread is left behind, and the world is rebuilt from an earlier
copy, by running the ticks since then again: a world is a value, so the result is the same.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from types import FrameType
from typing import Any

import numpy.typing as npt

from sim.core.registry import foreign, spec_of
from sim.core.threads import interruptible, open_block
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import OpenedChannel
from sim.spread.cascade.model import PropagationModel
from sim.world.channels import reopened
from sim.world.log import Trail
from sim.world.world import World

_OURS = {"plugins", "sim"}
_SHARED = ("ties.", "interactions.", "relations.")
"""Columns that a change replaces and never writes to: a copy may share them."""

_LEAST_SECONDS = 1.0
_COST_SHARE = 50.0
"""Between two copies at least 1 s passes, or fifty times what one took: at most 2 % of the time."""


COMPILING = "Compiling"


@dataclass(frozen=True, slots=True)
class Stall:
    """A plugin that blocks the engine."""

    what: str  # what the engine was doing, such as "Tick 14"
    seconds: float  # for how many seconds
    plugin: str = ""  # the plugin whose code runs, as registered; empty: no foreign one
    place: str = ""  # such as "spin.py, line 6, in step"; empty if no foreign plugin runs

    @property
    def sentence(self) -> str:
        """What a person is shown."""
        if not self.plugin:
            about = " (first use, about 10 s)" if self.what == COMPILING else ""
            return f"{self.what}{about} ... {self.seconds:.0f} s"
        return (
            f"{self.what}: plugin {self.plugin!r} has not returned for {self.seconds:.0f} s "
            f"({self.place}); wait, or stop it and resume from the last completed tick."
        )


@dataclass(frozen=True, slots=True)
class StallOutcome:
    """How a stall ended."""

    tick: int  # the last completed tick, at which the world resumes
    plugin: str
    place: str
    sessions: tuple[int, ...]  # ids of the messages that were stopped
    was_rebuilt: bool  # whether the engine's thread was left behind, and the world rebuilt
    how: str = "did not return"  # what the plugin did

    @property
    def sentence(self) -> str:
        """What a person is shown."""
        who = f"Plugin {self.plugin!r}" if self.plugin else "The engine"
        where = f" ({self.place})" if self.place else ""
        stopped = ", ".join(f"#{number}" for number in self.sessions)
        what = f" message {stopped} was stopped," if stopped else ""
        rest = "everything else" if self.plugin or stopped else "the world"
        return f"{who} {self.how}{where};{what} {rest} resumes from tick {self.tick:,}."


def is_foreign(cascade: Cascade) -> bool:
    """Return whether a cascade's model or channel is not a built-in plugin."""
    channel: object = getattr(cascade.channel, "plugin", cascade.channel)
    used = (type(cascade.model), type(channel))
    return any(each.__module__.partition(".")[0] not in _OURS for each in used)


def _may_get_stuck(world: World) -> bool:
    """Return whether a tick runs code of a foreign plugin."""
    if any(c.alive and is_foreign(c) for c in world.cascades.loose):
        return True
    return world.platform is not None and any(item.kind != "propagation" for item in foreign())


def stall_of(thread: int | None, what: str, seconds: float) -> Stall:
    """Return the innermost foreign line that blocks a thread or one that makes feeds for it."""
    frames = sys._current_frames()  # noqa: SLF001 - the only way to ask
    for number in _threads(thread):
        stall = _stall_in(frames.get(number), what, seconds)
        if stall.plugin:
            return stall
    is_compiling = thread is not None and _is_compiling(frames.get(thread))
    return Stall(COMPILING if is_compiling else what, seconds)


def _is_compiling(frame: FrameType | None) -> bool:
    """Return whether the compiler is running on a stack."""
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).startswith("numba.core.compiler"):
            return True
        frame = frame.f_back
    return False


def _threads(thread: int | None) -> list[int]:
    """Return a thread, and the threads that make feeds for it."""
    feeds = [each.ident for each in threading.enumerate() if each.name.startswith("worker")]
    return [number for number in (thread, *feeds) if number is not None]


def stalled_blocks(thread: int | None, plugin: str) -> list[interruptible]:
    """Return the blocks in which a plugin runs, in a thread and in its feeds' threads."""
    if not plugin:
        return []
    blocks = [(number, open_block(number)) for number in _threads(thread)]
    frames = sys._current_frames()  # noqa: SLF001 - as above, and after the blocks were seen
    return [
        block
        for number, block in blocks
        if block is not None and _stall_in(frames.get(number), "", 0.0).plugin == plugin
    ]


def _stall_in(frame: FrameType | None, what: str, seconds: float) -> Stall:
    modules = {item.cls.__module__: item.name for item in foreign()}
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module in modules:
            code = frame.f_code
            place = f"{PurePath(code.co_filename).name}, line {frame.f_lineno}, in {code.co_name}"
            mine = frame.f_locals.get("self")
            found = spec_of(type(mine)) if mine is not None else None
            return Stall(what, seconds, found.name if found is not None else modules[module], place)
        frame = frame.f_back
    return Stall(what, seconds)


class RollbackState:
    """Copies of a world's state, taken only while a foreign plugin might hang in it."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._state: tuple[dict[str, Any], dict[str, npt.NDArray[Any]]] | None = None
        self._made_by: dict[int, tuple[PropagationModel, OpenedChannel]] = {}
        self._trail = Trail()
        self._is_stale = True
        self._due = 0.0
        self._completed = -1

    @property
    def has_copy(self) -> bool:
        """Whether there is a state to go back to."""
        return self._state is not None

    def before_tick(self, world: World) -> None:
        """Take a copy if one is due and a foreign plugin is about to run."""
        if not _may_get_stuck(world):
            self._state, self._is_stale = None, True
        elif self._is_stale or self._now() >= self._due:
            self._take(world)
        self._completed = world.tick

    def after_tick(self, world: World) -> None:
        """Record that a tick was completed: its commands were answered, so it is not undone."""
        self._completed = world.tick

    def before_command(self, world: World) -> None:
        """Take a copy before a call that may run a foreign plugin for the first time."""
        is_old = self._state is None or self._state[0]["tick"] != world.tick
        if foreign() and (self._is_stale or is_old):
            self._take(world)
        self._completed = world.tick

    def changed(self) -> None:
        """Record that a command may have changed the world since the copy was taken."""
        self._is_stale = True

    def _take(self, world: World) -> None:
        began = self._now()
        meta, columns = world.dump()
        self._state = (
            meta,
            {
                name: column if name.startswith(_SHARED) else column.copy()
                for name, column in columns.items()
            },
        )
        self._made_by = {c.id: (c.model, c.channel) for c in world.cascades.items}
        self._trail = world.trail.copy()
        self._is_stale = False
        now = self._now()
        self._due = now + max(_LEAST_SECONDS, _COST_SHARE * (now - began))

    def rebuilt(self, phases: list[Any]) -> World:
        """Return a new world at the last completed tick."""
        assert self._state is not None  # noqa: S101 - has_copy was asked
        world = World.restore(*self._state)
        world.phases, world.trail = phases, self._trail.copy()
        for cascade in world.cascades:  # these very plugins, even if others have their names by now
            cascade.model, channel = self._made_by[cascade.id]
            cascade.channel = reopened(channel, world)
        world.step(max(self._completed - world.tick, 0))
        return world
