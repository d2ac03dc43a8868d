"""The health watch: measures, runs the checks, and pauses a world before memory runs out."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import psutil

from sim.core.registry import failures
from sim.runtime.health.checks import CheckHistory, Health, JournalStatus, Vitals, caches, look
from sim.settings.logging import Level, log
from sim.store import available_bytes

if TYPE_CHECKING:
    from sim.runtime.engine.engine import Engine
    from sim.runtime.engine.live import LiveWorld
    from sim.runtime.engine.outbox import Frames, Poster
    from sim.runtime.frames.frames import Frame


PERIOD_SECONDS = 2.0
_JOIN_SECONDS = 1.0
_FRESH_SECONDS = 0.2


class WatchedEngine(Protocol):
    """An engine in this process, as far as its health is looked at."""

    live: LiveWorld
    engine: Engine
    frames: Frames

    def order(self) -> int:
        """Return the number of a new command."""

    def hurry(self, function: Callable[[], object]) -> None:
        """Run ``function()`` in the engine's thread ahead of the queue."""


class HealthWatch:
    """The thread that looks at a link's world every two seconds.

    Attributes
    ----------
    newest
        The last look; None before the first.
    """

    def __init__(
        self,
        link: WatchedEngine,
        post: Poster,
        *,
        period: float = PERIOD_SECONDS,
        wall: Callable[[], float] = time.time,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.newest: Health | None = None
        self._link = link
        self._post = post
        self._period = period
        self._wall = wall
        self._now = now
        self._history = CheckHistory()
        self._process = psutil.Process()
        self._clocks = (wall(), now())
        self._called: float | None = None
        self._lag = 0.0
        self._looked = 0.0
        self._held = False
        self._levels: dict[str, str] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(_JOIN_SECONDS)

    def look(self, within: float = _FRESH_SECONDS) -> Health:
        """Look now, unless that was done ``within`` so many seconds; any thread may ask."""
        with self._lock:
            if self.newest is None or self._now() - self._looked > within:
                self.newest = look(self.vitals(), self._history)
                self._looked = self._now()
            return self.newest

    def _run(self) -> None:
        while not self._over.wait(self._period):
            self._call_loop()
            health = self.look()
            self._note(health)
            self._hold(health)

    # What is measured

    def vitals(self) -> Vitals:
        """Return what there is to be measured."""
        live, engine, frame = self._link.live, self._link.engine, self._link.frames.newest
        room, folder = self._room()
        soft, hard = _ceilings()
        return Vitals(
            tick=live.world.tick,
            state=frame.state if frame is not None else "paused",
            room=room,
            folder=folder,
            resident=int(self._process.memory_info().rss),
            free=available_bytes(),
            soft=soft,
            hard=hard,
            journal=self._journal(),
            loop_lag=self._lag,
            commands=engine.waiting,
            queued=_queued(frame),
            caches=caches(),
            broken_plugins=_broken(frame),
            jump=self._jump(),
        )

    def _room(self) -> tuple[int | None, str]:
        live = self._link.live
        kept = live.custody.owned
        folder = kept.folder if kept is not None else Path(live.path or ".").absolute().parent
        with suppress(OSError):
            return shutil.disk_usage(folder).free, str(folder)
        return None, str(folder)

    def _journal(self) -> JournalStatus | None:
        keeper = self._link.live.custody.owned
        if keeper is None:
            return None
        waiting = max(keeper.number - keeper.durable, 0)
        return JournalStatus(keeper.durable_tick, waiting, keeper.trouble or keeper.remark)

    def _jump(self) -> float:
        """Return by how much the wall clock went otherwise than time did."""
        wall, now = self._wall(), self._now()
        (before, then), self._clocks = self._clocks, (wall, now)
        return (wall - before) - (now - then)

    def _call_loop(self) -> None:
        """Ask the event loop to answer, and note how long the last call took, or takes."""
        if self._called is not None:
            self._lag = self._now() - self._called
            return
        self._called = self._now()
        self._post(self._answered)

    def _answered(self) -> None:
        if self._called is not None:
            self._lag, self._called = self._now() - self._called, None

    # What is done about it

    def _note(self, health: Health) -> None:
        """Write into the program's log what became worse, or well again."""
        was, self._levels = self._levels, {each.name: each.level for each in health.readings}
        for each in health.readings:
            if each.level != was.get(each.name, "ok"):
                grave: Level = "info" if each.level == "ok" else "warning"
                log("health", grave, check=each.name, now=each.level, says=each.sentence)

    def _hold(self, health: Health) -> None:
        """Pause at the hard ceiling of memory, once each time it is reached."""
        memory = health.reading("memory")
        was_held, self._held = self._held, memory.level == "critical"
        if self._held and not was_held:
            self._pause(f"Paused before memory runs out. {memory.sentence}")

    def _pause(self, sentence: str) -> None:
        link = self._link

        def act() -> None:
            link.engine.drive.pause()
            link.live.announce(sentence)

        link.engine.cut(link.order())
        link.hurry(act)


class ProcessHealthWatch:
    """Looks at an engine in another process, as far as its frames tell."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._history = CheckHistory()
        self._looked = 0.0
        self._newest: Health | None = None

    def look(self, frame: Frame, within: float = 0.0) -> Health:
        """Look at a frame, unless one was looked at ``within`` so many seconds."""
        if self._newest is None or self._now() - self._looked > within:
            soft, hard = _ceilings()
            kept = frame.kept
            vitals = Vitals(
                tick=frame.tick,
                state=frame.state,
                resident=frame.memory_bytes,
                free=available_bytes(),
                soft=soft,
                hard=hard,
                journal=None if kept is None else JournalStatus(kept.tick, 0, frame.banner),
                queued=_queued(frame),
                broken_plugins=_broken(frame),
            )
            self._newest, self._looked = look(vitals, self._history), self._now()
        return self._newest


def _queued(frame: Frame | None) -> int:
    return 0 if frame is None else sum(row.status == "queued" for row in frame.sessions)


def _broken(frame: Frame | None) -> tuple[str, ...]:
    said = [str(error) for error in failures()]
    if frame is not None:
        failed = [row for row in frame.sessions if row.status == "failed"]
        said += [f"Message #{row.id} stopped: {row.error}" for row in failed[-3:]]
        if frame.stalled is not None and frame.stalled.plugin:
            said.append(frame.stalled.sentence)
    return tuple(said)


def _ceilings() -> tuple[int | None, int | None]:
    """Return the ceilings of memory that the settings set, in bytes."""
    from sim.settings.settings import current

    settings = current()
    soft, hard = settings.memory_soft_mb, settings.memory_hard_mb
    return (
        None if soft is None else soft << 20,
        None if hard is None else hard << 20,
    )
