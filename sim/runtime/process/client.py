"""The process engine: an engine whose world runs in a separate process.

The world lives in the other process, and in a journal that preserves every answered command. When
the process dies, or is killed because a plugin does not return, another one resumes from the
journal, without the messages of the plugin at fault.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import pickle  # nosec B403 - of our own process
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sim.core.events import EventBus
from sim.core.files import open_log
from sim.core.progress import Report
from sim.core.registry import foreign
from sim.core.rooms import environment
from sim.core.text import one_line, plural
from sim.errors import HubbubError, InputError
from sim.platform.opening import phases_of
from sim.runtime.engine.engine import EngineError, ReplacedError, closed
from sim.runtime.engine.live import next_revision
from sim.runtime.engine.outbox import Frames, LoopCaller, Outbox
from sim.runtime.engine.output_capture import PluginFiles
from sim.runtime.engine.run_control import LiveProgram, Program
from sim.runtime.engine.stall import StallOutcome
from sim.runtime.engine.thread_client import ThreadEngine, claim, release
from sim.runtime.frames.frames import Frame, SessionRow
from sim.runtime.frames.sessions import Session, require_loop
from sim.runtime.health import Health, Meter, Performance, ProcessHealthWatch
from sim.runtime.jobs import Job, in_thread
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.journal.persistence import JournalConfig, begin
from sim.runtime.process.breadcrumbs import culprit, named, said, show_place, silent
from sim.runtime.process.wire import (
    MOST_ACTS,
    EngineOrder,
    FrameReader,
    PipeEnd,
    sendable,
    unpacked,
)
from sim.runtime.saves.places import has_journal
from sim.settings.settings import current
from sim.store import SaveReport, load, save
from sim.world.log import LoggedAct
from sim.world.world import World

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


class Process:
    """A new process of this program; no memory is shared."""

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
        with suppress(OSError):  # it has died: the reader is told
            self.pipe.send(order)

    def kill(self) -> None:
        """End it now."""
        with suppress(OSError):
            self._process.kill()

    def wait(self, timeout: float) -> str | None:
        """Wait; return how it ended, in a few words, or None if it still runs."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        if code >= 0:
            return f"exit code {code}"
        said = _SAYS.get(-code)
        name = next((known.name for known in signal.Signals if known == -code), str(-code))
        return f"signal {name}" + (f", {said}" if said else "")

    def show_place(self, marks: Path) -> None:
        """Ask the process for its stack."""
        if self._process.poll() is None:
            show_place(marks, self.pid)


def spawned(order: EngineOrder) -> Process:
    """Start an engine's process; its output goes to ``plugins.log`` in the log folder."""
    return Process(order, current().logs / "plugins.log")


def _opened(log: Path | None) -> int:
    with suppress(OSError):
        if log is not None:
            log.parent.mkdir(0o700, parents=True, exist_ok=True)
            return open_log(log)
    return os.open(os.devnull, os.O_WRONLY)


T = TypeVar("T")
P = ParamSpec("P")
Begin = Callable[[EngineOrder], Process]

CLOSING_SECONDS = 10.0
"""How long closing waits for the running tick, in seconds."""

_PULSE_SECONDS = 0.25
_SILENT_SECONDS = 1.6
_INTERRUPT_SECONDS = 10.0
"""How long the process itself may try to interrupt a plugin before it is killed, in seconds."""

_REPORT_SECONDS = 0.1
_ENDS_IT = "what is due at this tick ended the engine's process twice"
_MOST = 20
_TRIES = 3

_REFUSED: dict[Callable[..., Any], str] = {
    ThreadEngine.keep: "An isolated engine keeps a journal of its own, which ends with it; open "
    "the world without --isolated to keep one beside its file, or save it.",
    ThreadEngine.think: "Minds think in the program's own process; open the world without "
    "--isolated.",
}
"""Requests that an engine in another process refuses, and why."""


@dataclass(frozen=True, slots=True)
class Isolation:
    """How an engine is isolated."""

    patience: float | None = None
    memory_mb: int | None = None
    spawn: Begin = spawned

    def __post_init__(self) -> None:
        if self.memory_mb is not None and self.memory_mb < 1:
            raise InputError(f"memory_mb must be at least 1, got {self.memory_mb}.")


def refuse_own_phases(world: World) -> None:
    """Raise InputError if a world has phases that cannot be sent to another process."""
    is_open = {"platform": world.platform is not None, "metrics": world.metrics is not None}
    if world.phases != phases_of(**is_open):
        raise InputError(
            "The engine is another process, where phases of your own cannot be sent; use "
            "Simulation, or write a plugin."
        )


async def open_process(
    world: World,
    *,
    isolation: Isolation,
    name: str,
    path: str | None,
    bus: EventBus,
    frames_per_second: float,
    journal_config: JournalConfig | None,
    author: str,
    max_running: int | None,
    undo_bytes: int,
) -> ProcessEngine:
    """Begin a world's journal, and start the process that continues it; see ``open_thread``."""
    folder = Path(tempfile.mkdtemp(prefix="hubbub-"))
    try:
        kept = journal_config or JournalConfig(folder / "world.hub", Pacing(), author)
        await _journal_begun(world, kept)
        del world  # it lives in the process now; one copy is enough
        order = EngineOrder(
            at=str(kept.path), name=name, path=path, max_running=max_running,
            frames_per_second=frames_per_second, is_asked_for=journal_config is not None,
            pacing=kept.pacing, author=kept.author, settings=current(), undo_bytes=undo_bytes,
            memory_mb=isolation.memory_mb,
        )  # fmt: skip
        engine = ProcessEngine(
            order, folder, begin=isolation.spawn, bus=bus, patience=isolation.patience
        )
        await engine.open()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return engine


async def _journal_begun(world: World, journal_config: JournalConfig) -> None:
    claim(world)
    try:
        keeper = await in_thread(begin, world, journal_config)
        keeper.close(world)
    finally:
        release(world)


class ProcessEngine:
    """A sequence of engines, each a ``ThreadEngine`` in a process, used from one event loop."""

    def __init__(
        self,
        order: EngineOrder,
        folder: Path,
        *,
        begin: Begin,
        bus: EventBus,
        patience: float | None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._order = order
        self._spawn = begin
        self._bus = bus
        self._patience = patience
        self._at = Path(order.at)
        self._folder = folder
        self._marks = folder / "mark"
        self._copies = itertools.count(1)
        self._looking = ProcessHealthWatch()
        self._post = LoopCaller(self._loop)
        self._remarks: tuple[tuple[int, str], ...] = ()
        self.frames = Frames(self._post)
        self.meter = Meter()
        self.chosen: int | None = None
        self.program: tuple[Program, int] | None = None
        self.saving: Path | None = None
        self.failure: EngineError | None = None
        self.last: StallOutcome | None = None
        self.contacts = 0
        self._acts: dict[int, LoggedAct] = {}
        self._outbox = Outbox(bus, self._post, self._remark)
        self._fault = ""
        self._faults = 0
        self._numbers = itertools.count(1)
        self._asked: dict[int, tuple[Callable[..., Any], dict[str, Any], asyncio.Future[Any]]] = {}
        self._progress: dict[int, tuple[str, float]] = {}
        self._generation = 0
        self._heard = time.monotonic()
        self._unwarned: Frame | None = None
        self._pulse: asyncio.TimerHandle | None = None
        self._files = PluginFiles()
        self._revival: asyncio.Task[StallOutcome] | None = None
        self._beside: set[asyncio.Task[Any]] = set()
        self._is_closing = False

    # Opening and closing

    async def open(self) -> None:
        """Start the first process and wait for its first frame."""
        try:
            await self._begin(self._order)
        except DiedError as error:
            why = f"The engine's process could not start: {error}"
            raise EngineError(f"{why}; see plugins.log, whose folder hubbub doctor says.") from None
        self._beat()

    async def _begin(self, order: EngineOrder) -> StallOutcome | None:
        """Start a process; return what it reports about the one before it."""
        self._generation += 1
        turn = self._generation
        order = replace(
            order,
            marks=str(self._marks),
            hears=bool(self._bus),
            plugins=tuple({item.origin for item in foreign() if item.origin.endswith(".py")}),
        )
        self._ready: asyncio.Future[StallOutcome | None] = self._loop.create_future()
        self._child = self._spawn(order)
        self._wire = PipeEnd(
            self._child.pipe,
            partial(self._take, turn, FrameReader()),
            partial(self._post, self._gone, turn),
        )
        try:
            return await self._ready
        except BaseException:
            await self._bury()
            raise

    async def _bury(self) -> str:
        """Kill the process and close its pipe; return how it ended."""
        self._generation += 1
        self._child.kill()
        self._wire.close()
        how = await in_thread(self._child.wait, CLOSING_SECONDS)
        await in_thread(self._wire.join, CLOSING_SECONDS)
        return how or "no end"

    async def close(self) -> None:
        """Let the engine stop after the running tick, or kill it if it is blocked."""
        self._is_closing = True
        if self._pulse is not None:
            self._pulse.cancel()
        try:
            await self._end()
        finally:  # waiting callers are told, even if this is cancelled
            self._settle_all(self.failure or closed())
            self.frames.close()
        if self.failure is None:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def _end(self) -> None:
        for task in (*self._beside, self._revival):
            if task is not None and not task.done():
                task.cancel()
                await asyncio.wait([task])
        newest = self.frames.newest
        try:
            if newest is None or newest.stalled is None:
                self._wire.send("close")
                if await in_thread(self._child.wait, CLOSING_SECONDS) is not None:
                    await in_thread(self._wire.join, CLOSING_SECONDS)  # its last answers are read
        finally:
            await self._bury()

    def _settle_all(self, error: Exception) -> None:
        for _, _, future in self._asked.values():
            if not future.done():
                future.set_exception(error)
                future.exception()  # retrieved: awaiting it is optional

    # Messages from the process

    def _take(self, turn: int, reader: FrameReader, message: tuple[Any, ...]) -> None:
        """Handle a message, in the thread that reads."""
        if turn != self._generation:
            return
        self._heard = time.monotonic()
        kind, *rest = message
        if kind == "frame":
            self._unwarned = None
            self.frames.publish(self._completed(reader.read(rest[0])))
        elif kind == "events":
            events, lost = rest
            for event in events:
                self._outbox.emit(event)
            if lost:
                self._remark(f"{plural(lost, 'event')} dropped: the pipe was too slow")
        elif kind == "facts":
            self.contacts, acts = rest
            known = self._acts | {act.number: act for act in acts}
            self._acts = {number: known[number] for number in sorted(known)[-MOST_ACTS:]}
        elif kind != "beat":
            self._post(getattr(self, f"_on_{kind}"), *rest)

    def _completed(self, frame: Frame) -> Frame:
        """Give a frame a revision here, and add the name of a plugin stuck in compiled code."""
        frame = replace(frame, events=(*frame.events, *self._remarks))
        if frame.kept is not None and self._order.is_asked_for:
            self._at = Path(frame.kept.folder).with_suffix("")
        elif not self._order.is_asked_for:
            frame = replace(frame, kept=None, durable_tick=None)
        return named(replace(frame, revision=next_revision()), self._marks)

    def _on_answer(self, number: int, is_well: bool, said: Any) -> None:
        if number not in self._asked or self._asked[number][2].done():
            return
        future = self._asked[number][2]
        if is_well:
            future.set_result(pickle.loads(said))  # noqa: S301  # nosec B301
        else:
            future.set_exception(unpacked(said))

    def _on_progress(self, number: int, stage: str, share: float) -> None:
        self._progress[number] = (stage, share)

    def _on_ready(self, told: StallOutcome | None) -> None:
        if not self._ready.done():
            self._ready.set_result(told)

    def _on_failed(self, said: tuple[Any, ...]) -> None:
        if not self._ready.done():
            self._ready.set_exception(unpacked(said))
        else:  # an internal error, no plugin's; its end follows
            error = unpacked(said)
            self._fault = one_line(f"{type(error).__name__}: {error}").rstrip(".")

    def _gone(self, turn: int) -> None:
        """Continue without a process that died or closed its pipe."""
        if turn != self._generation or self._is_closing:
            return
        if self._wire.fault is not None:
            error = self._wire.fault
            self._fault = one_line(f"{type(error).__name__}: {error}").rstrip(".")
        if not self._ready.done():
            how = self._child.wait(_PULSE_SECONDS)
            self._ready.set_exception(DiedError(how or "it closed its pipe"))
        elif self._has_begun and self._revival is None:
            self._revive("")

    @property
    def _has_begun(self) -> bool:
        """Whether the process was ever ready; one that was not is removed by ``_begin``."""
        ready = self._ready
        return ready.done() and not ready.cancelled() and ready.exception() is None

    # Requests and answers

    async def ask(
        self,
        request: Callable[Concatenate[ThreadEngine, P], Awaitable[T]],
        /,
        *args: P.args,
        **keywords: P.kwargs,
    ) -> T:
        """Let the process carry out a request, and return its result."""
        found: T = await self._asked_of(request, args, keywords)
        return found

    def job(
        self,
        request: Callable[Concatenate[ThreadEngine, Report, P], Awaitable[T]],
        /,
        *args: P.args,
        **keywords: P.kwargs,
    ) -> Job[T]:
        """Return a request as a job; if cancelled before it begins there, it never begins."""

        async def work(report: Report) -> T:
            found: T = await self._asked_of(request, args, keywords, report, job.stopping)
            return found

        job = Job(work)
        return job

    async def focus(self, session: int | None) -> None:
        """Show a session in future frames, of this process and later ones."""
        await self.ask(ThreadEngine.focus, session)
        self.chosen = session

    async def begin(self, program: Program, since: int | None) -> list[tuple[int, str, str]]:
        """Carry out a program from now on, in this process and later ones."""
        begun = await self.ask(ThreadEngine.begin, program, since)
        now = self._newest.program
        self.program = None if now is None else (program, now.since)
        return begun

    async def save(self, report: Report, path: str | Path | None, note: str) -> SaveReport:
        """Write the world to a file between two ticks."""
        where = None if path is None else str(Path.cwd() / path)  # the process may have another one
        self.saving = None if where is None else Path(where)
        saved: SaveReport = await self._asked_of(ThreadEngine.save, (where, note), {}, report)
        return saved

    async def world(self) -> World:
        """Return a copy of the world, by way of a file."""
        at = self._folder / f"copy-{next(self._copies)}.hub"
        await self.ask(ThreadEngine.call, _written, str(at))
        try:
            return await in_thread(load, at)
        finally:
            at.unlink(missing_ok=True)

    async def _asked_of(
        self,
        request: Callable[..., Any],
        args: tuple[Any, ...],
        said: dict[str, Any],
        report: Report | None = None,
        stopping: asyncio.Event | None = None,
    ) -> Any:
        """Let the process carry out a request that may report progress.

        ``stopping``: set once the work must stop, for which ``report`` then raises; the process is
        told at once, so that what still waits there never begins.
        """
        require_loop(self._loop)
        await self.ready()
        if request in _REFUSED:
            raise InputError(_REFUSED[request])
        payload = sendable(request, args, said, reports=report is not None)
        number, future = next(self._numbers), self._loop.create_future()
        self._asked[number] = (request, said, future)
        began, is_well = self.meter.began(), False
        self._wire.send("ask", number, payload)
        try:
            if report is not None:
                await self._reporting(number, future, report, stopping)
            result = await future
            is_well = True
        except asyncio.CancelledError:
            self._wire.send("stop", number)
            raise
        finally:
            self.meter.ended(began, carried_out=is_well)
            self._asked.pop(number, None)
            self._progress.pop(number, None)
        return result

    async def _reporting(
        self,
        number: int,
        future: asyncio.Future[Any],
        report: Report,
        stopping: asyncio.Event | None = None,
    ) -> None:
        """Report until there is an answer; an exception from the report stops the work there."""
        stops = asyncio.create_task((stopping or asyncio.Event()).wait())
        ends: set[asyncio.Future[Any]] = {future, stops}
        try:
            while not future.done():
                await asyncio.wait(
                    ends, timeout=_REPORT_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                try:
                    report(*self._progress.get(number, ("", 0.0)))
                except BaseException:
                    self._wire.send("stop", number)
                    await asyncio.wait({future})
                    if future.exception() is not None:
                        raise
        finally:
            stops.cancel()

    def session(self, number: int, said: tuple[str, str] | None = None) -> IsolatedSession:
        """Return the session of a message, if the newest frame lists it."""
        newest = self.frames.newest
        rows = [row for row in newest.sessions if row.id == number] if newest is not None else []
        if said is None and not rows:
            raise InputError(f"No session {number} is listed.")
        return IsolatedSession(self, number, *(said or (rows[0].text, rows[0].model)))

    def health(self, within: float) -> Health:
        """Return the checks as far as the frames of the process allow."""
        return self._looking.look(self._newest, within)

    def performance(self) -> Performance:
        """Return the performance figures of commands so far."""
        return self.meter.read(self._newest.contacts_per_second)

    @property
    def _newest(self) -> Frame:
        newest = self.frames.newest
        assert newest is not None  # noqa: S101 - it is open
        return newest

    def acts(self, last: int) -> tuple[LoggedAct, ...]:
        """Return the newest acts of the world's log, oldest first, as of the newest frame."""
        return tuple(self._acts.values())[-last:]

    def _remark(self, line: str) -> None:
        """Add a line of this side to the log of events, after those of the engine."""
        newest = self.frames.newest
        self._remarks = (*self._remarks, (newest.tick if newest is not None else 0, line))[-_MOST:]

    def hear(self) -> None:
        """Have events sent from now on."""
        self._wire.send("hear")

    async def ready(self) -> None:
        """Wait while one process takes over from another."""
        if self._revival is not None and not self._is_closing:
            await asyncio.wait([self._revival])
        if self.failure is not None:
            raise self.failure

    # Monitoring the engine

    def _beat(self) -> None:
        """Four times a second: warn of an engine that is blocked or unresponsive."""
        self._pulse = self._loop.call_later(_PULSE_SECONDS, self._beat)
        for path in self._files.changed():
            self._aside(self._take_up(path))
        newest, silent = self.frames.newest, time.monotonic() - self._heard
        if newest is None or self._revival is not None or self.failure is not None:
            return
        if silent > _SILENT_SECONDS:
            self._warn(newest, silent)
        elif self._unwarned is not None:
            self.frames.publish(replace(self._unwarned, revision=next_revision()))
            self._unwarned = None
        stall, patience = newest.stalled, self._patience
        if stall is not None and patience is not None and stall.seconds > patience and stall.plugin:
            self._revive("did not return")

    def _warn(self, newest: Frame, seconds: float) -> None:
        """Warn that something in the process holds the interpreter."""
        if self._unwarned is None:
            self._unwarned = newest
            self._child.show_place(self._marks)
        stall = silent(self._marks, self._culprit(), newest, seconds)
        self.frames.publish(said(newest, stall.sentence, stall))

    def _aside(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def _take_up(self, path: str) -> None:
        """Reload a changed plugin file here too, for forms and names; the engine reports it."""
        with suppress(HubbubError):
            await in_thread(self._files.take_up, path)

    def _culprit(self) -> tuple[str, str]:
        """Return (plugin, place) of the code that runs, or ran last; both empty if unknown."""
        newest = self.frames.newest
        stall = newest.stalled if newest is not None else None
        if stall is not None and stall.plugin and stall.place:
            return stall.plugin, stall.place
        asked = [said.get("model") for _, said, _ in self._asked.values()]
        return culprit(self._marks, asked, newest)

    async def restart(self) -> StallOutcome:
        """End a stall; see :meth:`sim.runtime.Simulation.restart`."""
        newest = self.frames.newest
        stall = newest.stalled if newest is not None else None
        if self._revival is not None:
            return await asyncio.shield(self._revival)
        if stall is None:
            raise InputError("The engine is responding; there is nothing to stop.")
        if time.monotonic() - self._heard <= _SILENT_SECONDS:
            if not stall.plugin:
                raise EngineError("No third-party plugin is running; wait for the engine.")
            with suppress(TimeoutError, EngineError):
                ended: StallOutcome = await asyncio.wait_for(
                    self.ask(ThreadEngine.restart), _INTERRUPT_SECONDS
                )
                return ended
        return await asyncio.shield(self._revive("did not return"))

    # Recovering from a dead process

    def _lies_at(self) -> Path:
        """Return the world's file that the journal is beside: a save elsewhere moves it."""
        saving = self.saving if self._order.is_asked_for else None
        return saving if saving is not None and has_journal(saving) else self._at

    def _revive(self, how: str) -> asyncio.Task[StallOutcome]:
        if self._revival is None:
            self._revival = asyncio.create_task(self._revived(how))
            self._revival.add_done_callback(self._on_revived)
        return self._revival

    def _on_revived(self, task: asyncio.Task[StallOutcome]) -> None:
        self._revival, self._heard = None, time.monotonic()
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.failure = EngineError(
                f"The engine cannot continue: {str(error).rstrip('.')}. The completed ticks are in "
                f"{self._at}.live; hubbub recover {self._at}"
            )
            self.failure.__cause__ = error
            self._settle_all(self.failure)
            self._say("failed", str(self.failure))

    def _say(self, state: Any, banner: str) -> None:
        if self.frames.newest is not None:
            self.frames.publish(said(self.frames.newest, banner, None, state))

    async def _revived(self, how: str) -> StallOutcome:
        """Kill the process, if it runs, and let another one resume from the journal."""
        before = self.frames.newest
        fault, self._fault = self._fault, ""
        plugin, place = ("", "") if fault else self._culprit()
        ended = await self._bury()
        if fault:
            how = f"failed because of an internal error ({fault})"
            self._faults += 1
            if self._faults >= _TRIES:
                raise HubbubError(f"It {how}, {self._faults} times")
        if not how:
            place = place or self._culprit()[1]
            how = "ended the engine's process" if plugin else "ended unexpectedly"
            how = f"{how} ({ended})"
        self._settle_all(ReplacedError("The engine was restarted; try again."))
        who = f"Plugin {plugin!r}" if plugin else "The engine"
        self._say("busy", f"{who} {how}; a new process takes over from the last completed tick.")
        order = replace(self._order, ended=(plugin, place, how), chosen=self.chosen)
        order = replace(order, program=self._carried_on(before))
        if before is not None:
            order = replace(order, name=before.name, path=before.path, lines=before.events)
            order = replace(order, at=str(self._lies_at()), is_dirty=True)
        said = ""
        for tried in range(_TRIES):
            try:
                told = await self._begin(order)
            except DiedError as error:
                said = str(error)
                if tried and order.program is not None:
                    order.program.error = order.program.error or _ENDS_IT
                continue
            assert told is not None  # noqa: S101 - it was told how the last one ended
            self.last = told
            return told
        raise HubbubError(f"{who} {how}, and {_TRIES} new processes ended at once ({said})")

    def _carried_on(self, before: Frame | None) -> LiveProgram | None:
        """Return the program for the next process; it is ended if it just ended a process again."""
        shown = None if before is None else before.program
        if before is None or shown is None or self.program is None:
            return None
        live = LiveProgram(*self.program, ended=shown.ended, error=shown.error)
        if shown.is_due and self.last is not None and self.last.tick == before.tick:
            live.error = live.error or _ENDS_IT
        return live


class IsolatedSession(Session):
    """A message of an engine in another process: its ``cascade`` cannot be read here.

    Attributes
    ----------
    id, text, model
        As of :class:`~sim.runtime.Session`.
    """

    def __init__(self, remote: ProcessEngine, number: int, text: str, model: str) -> None:
        self.id, self.text, self.model = number, text, model
        self._remote = remote

    def __getattr__(self, name: str) -> Any:
        if name == "cascade":
            raise HubbubError(
                "The engine is another process, which has the cascade; look at it there, with "
                "simulation.call(function), or at simulation.frame.focus."
            )
        raise AttributeError(name)

    def _row(self) -> SessionRow | None:
        newest = self._remote.frames.newest
        rows = newest.sessions if newest is not None else ()
        return next((row for row in reversed(rows) if row.id == self.id), None)

    @property
    def status(self) -> str:
        """Status in the newest frame; ``"quiet"`` once it is too old to be listed."""
        row = self._row()
        return "quiet" if row is None else row.status

    @property
    def size(self) -> int:
        """Agents that ever adopted, in the newest frame; 0 once it is no longer listed."""
        row = self._row()
        return 0 if row is None else row.size

    @property
    def error(self) -> str | None:
        """Why it failed, one sentence; or None."""
        row = self._row()
        return None if row is None else row.error

    async def done(self) -> SessionRow:
        """Wait until nothing about the message can change, and return its last row."""
        while True:
            try:
                row = await self._remote.ask(ThreadEngine.done, self.id)
            except ReplacedError:
                await self._remote.ready()  # raises if no process can go on
            else:
                return row


def _written(world: World, path: str) -> None:
    """Write a world to a file, in the engine's process."""
    save(world, path)
