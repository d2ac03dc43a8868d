"""The process of an isolated engine: a thread engine, used through a pipe.

:class:`~sim.runtime.process.client.ProcessEngine` starts it as ``python -m sim.runtime.process.host
DESCRIPTOR``. It always starts from a journal alone, so that it can die at any moment.
"""

from __future__ import annotations

import asyncio
import pickle  # nosec B403 - of the process that started this one
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sim.core.events import Event, EventBus
from sim.core.registry import foreign, load_file, load_plugins
from sim.core.rooms import die_with_parent
from sim.core.threads import allow
from sim.errors import Cancelled, HubbubError, InputError
from sim.runtime.engine.live import LiveWorld
from sim.runtime.engine.outbox import AsyncHandlers, Backlog
from sim.runtime.engine.stall import RollbackState, StallOutcome
from sim.runtime.engine.thread_client import ThreadEngine, open_thread
from sim.runtime.jobs import Job, in_thread
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.journal.persistence import JournalConfig, Persistence
from sim.runtime.journal.writer import JournalMark, recover
from sim.runtime.process.breadcrumbs import CrashBreadcrumbs, limit_memory
from sim.runtime.process.wire import MOST_ACTS, EngineOrder, FrameWriter, PipeEnd, packed
from sim.settings.settings import use
from sim.store.journal.recovery import Recovery
from sim.world.log import LoggedAct
from sim.world.world import World

BEAT_SECONDS = 0.4
"""Interval in seconds between signs of life of the process."""

_DRAIN_SECONDS = 0.01
_LAST_SECONDS = 0.5
_ROOM = 2 << 30
"""Bytes by which the process of a small world may grow; for a large one up to 16 times its size."""


class _NoCopies(RollbackState):
    """Takes no copies: another process would resume from the journal."""

    def before_tick(self, world: World) -> None:
        """Do nothing."""

    def before_command(self, world: World) -> None:
        """Do nothing."""


class _Staying(Persistence):
    """Keeps a journal that the user did not request: it stays where it is, whatever is saved."""

    def record(self, path: str | Path | None) -> None:
        """Record what members do beside the world's own file, not beside the journal."""
        if path is not None:
            super().record(path)

    def saved(self, target: Path, mark: JournalMark | None) -> str | None:
        """Move the history along; the journal stays."""
        return self._taken_along(target)


async def _opened(found: Recovery, order: EngineOrder, bus: EventBus) -> ThreadEngine:
    """Start an engine for a recovered world, which continues the journal it was recovered from."""

    def prepare(engine: ThreadEngine) -> None:
        engine.live.rollback = _NoCopies()
        engine.live.lines.extend(order.lines)
        engine.live.is_dirty = order.is_dirty

    return await open_thread(
        found.world, name=order.name, path=order.path, bus=bus,
        frames_per_second=order.frames_per_second,
        journal_config=JournalConfig(Path(order.at), order.pacing or Pacing(), order.author, found),
        author=order.author, max_running=order.max_running, undo_bytes=order.undo_bytes,
        custody_of=Persistence if order.is_asked_for else _Staying, prepare=prepare,
    )  # fmt: skip


async def _taken_over(engine: ThreadEngine, order: EngineOrder) -> StallOutcome | None:
    """Resume from the process before this one, and stop the plugin that ended it."""
    if order.chosen is not None:
        with suppress(InputError):
            await engine.focus(order.chosen)
    if order.ended is None:
        return None
    told: StallOutcome = await engine.do(partial(_stopped, engine.live, *order.ended))
    if order.program is not None:
        await engine.do(partial(engine.live.take_up, replace(order.program)), is_safe=True)
    return told


def _stopped(live: LiveWorld, plugin: str, place: str, how: str) -> StallOutcome:
    """Stop the messages of a plugin, report it, and give the journal a checkpoint."""
    where = f" ({place})" if place else ""
    stopped = [
        c for c in live.world.cascades.loose if c.alive and plugin and c.model_name == plugin
    ]
    with live.persistence.done("call:restart", ()):
        for cascade in stopped:
            cascade.fail(f"{plugin}: {how}{where}")
    live.notice()
    ids = tuple(cascade.id for cascade in stopped)
    told = StallOutcome(live.world.tick, plugin, place, ids, was_rebuilt=True, how=how)
    live.announce(told.sentence)
    return told


class ReportedActs:
    """Tracks which acts of the log the other process has, so that only the rest is sent."""

    def __init__(self) -> None:
        self._last: LoggedAct | None = None

    def news(self, engine: ThreadEngine) -> tuple[int, list[LoggedAct]]:
        """Return (contacts so far, new or extended acts, at most ``MOST_ACTS``)."""
        acts = engine.acts(MOST_ACTS)
        known = self._last
        if known is not None:
            acts = tuple(act for act in acts if act.number >= known.number and act != known)
        self._last = acts[-1] if acts else known
        return engine.contacts, list(acts)


class EngineServer:
    """Answers requests of the other process to an engine, and sends it frames."""

    def __init__(self, engine: ThreadEngine, bus: EventBus, wire: PipeEnd) -> None:
        self._engine = engine
        self._bus = bus
        self._wire = wire
        self._frames = FrameWriter()
        self._shown = -1
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._stopped: set[int] = set()
        self._jobs: dict[int, Job[Any]] = {}
        self._events = Backlog()
        self._telling: asyncio.Task[None] | None = None
        self._told = ReportedActs()
        self._is_over = False

    async def follow(self, messages: asyncio.Queue[tuple[Any, ...] | None]) -> None:
        """Handle messages until the other process closes or is gone."""
        showing = asyncio.create_task(self._show_all())
        ends = partial(self._own_fault, messages)
        showing.add_done_callback(ends)
        while (message := await messages.get()) is not None and message[0] != "close":
            kind, *rest = message
            if kind == "ask":
                number = rest[0]
                self._tasks[number] = task = asyncio.create_task(self._answer(*rest))
                task.add_done_callback(partial(self._forget, number))
                task.add_done_callback(ends)
            elif kind == "stop":
                self._stop(*rest)
            else:
                self._bus.subscribe(Event, self._hear)
        self._is_over = True
        telling = [] if self._telling is None else [self._telling]
        lost = list(self._tasks.values()) if message is None else []  # another process is asked
        for task in (showing, *telling, *lost):
            task.cancel()

    async def ended(self) -> None:
        """Send the answers from the engine's end; cancel tasks that wait for anything else."""
        if self._tasks:
            _, left = await asyncio.wait(set(self._tasks.values()), timeout=_LAST_SECONDS)
            for task in left:
                task.cancel()

    def _own_fault(
        self, messages: asyncio.Queue[tuple[Any, ...] | None], task: asyncio.Task[None]
    ) -> None:
        """Report an internal error of a task, and end: otherwise a caller would wait for ever."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._wire.send("failed", packed(error))
            messages.put_nowait(None)

    # Events

    def _hear(self, event: Event) -> None:
        """Send an event as soon as the pipe accepts it; until then merge and bound them."""
        self._events.put(event)
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_events())

    async def _tell_events(self) -> None:
        while True:
            while self._wire.is_behind:  # noqa: ASYNC110 - it is a thread that writes
                await asyncio.sleep(_DRAIN_SECONDS)
            events, lost = self._events.take()
            if not events:
                return
            self._wire.send("events", events, lost)

    def _forget(self, number: int, task: asyncio.Task[None]) -> None:
        if task.cancelled() and not self._is_over:  # the caller may wait for its end
            self._wire.send("answer", number, False, packed(Cancelled("Cancelled.")))
        self._tasks.pop(number, None)
        self._jobs.pop(number, None)
        self._stopped.discard(number)

    def _stop(self, number: int) -> None:
        """Stop a job at its next report; cancel the task of any other request."""
        if number in self._jobs:
            self._jobs[number].cancel()
        elif number in self._stopped or number not in self._tasks:
            return
        else:
            self._stopped.add(number)
            self._tasks[number].cancel()

    async def _answer(self, number: int, said: bytes) -> None:
        try:
            request, reports, args, keywords = pickle.loads(said)  # noqa: S301  # nosec B301
            if reports:
                result = await self._followed(number, request, args, keywords)
            else:
                result = await request(self._engine, *args, **keywords)
            reply = pickle.dumps(result, pickle.HIGHEST_PROTOCOL)
        except Exception as error:
            self.show()
            self._wire.send("answer", number, False, packed(_named(error)))
        else:
            self.show()
            self._wire.send("answer", number, True, reply)

    async def _followed(
        self, number: int, request: Callable[..., Any], args: Any, keywords: dict[str, Any]
    ) -> Any:
        """Carry out a request that reports, and send its progress."""
        self._jobs[number] = job = self._engine.job(request, *args, **keywords)
        telling = asyncio.create_task(self._tell(number, job))
        try:
            return await job
        finally:
            telling.cancel()

    async def _tell(self, number: int, job: Job[Any]) -> None:
        async for progress in job.changes():
            self._wire.send("progress", number, progress.stage, progress.share)

    # Frames

    async def _show_all(self) -> None:
        async with self._engine.frames.watch(1) as frames:
            async for _ in frames:
                while self._wire.is_behind:  # noqa: ASYNC110 - it is a thread that writes
                    await asyncio.sleep(_DRAIN_SECONDS)
                self.show()

    def show(self) -> None:
        """Send the newest frame, if it has not been sent."""
        frame = self._engine.frames.newest
        if frame is not None and frame.revision > self._shown:
            self._shown = frame.revision
            self._wire.send("facts", *self._told.news(self._engine))
            self._wire.send("frame", self._frames.write(frame))


def _named(error: Exception) -> Exception:
    """Explain an error about an object that cannot be unpickled: this process lacks its module."""
    if isinstance(error, (AttributeError, ModuleNotFoundError)):
        return InputError(
            f"The engine's process does not have it: {str(error).rstrip('.')}; a function that is "
            "sent there lies in a module that can be imported."
        )
    return error


async def serve(pipe: Connection, order: EngineOrder) -> None:
    """Recover the world, run it, and answer until the pipe ends."""
    loop = asyncio.get_running_loop()
    messages: asyncio.Queue[tuple[Any, ...] | None] = asyncio.Queue()

    def take(message: tuple[Any, ...] | None) -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(messages.put_nowait, message)

    wire = PipeEnd(pipe, take, lambda: take(None))
    beating = asyncio.create_task(_beat(wire))
    try:
        found = await in_thread(recover, order.at)
        if found.acked is None and not found.number:  # nothing was done yet: nothing can be lost
            found = replace(found, findings=())
        if not found.is_whole:
            raise HubbubError(" ".join(found.findings))  # noqa: TRY301 - told as any other
        if order.marks is not None:  # it is a separate process
            limit_memory(order.memory_mb, _ROOM + 16 * found.world.nbytes)
        awaiting = AsyncHandlers()
        bus = EventBus(run=awaiting)
        engine = await _opened(found, order, bus)
        host = EngineServer(engine, bus, wire)
        try:
            if order.hears:
                await messages.put(("hear",))
            told = await _taken_over(engine, order)
            host.show()
            wire.send("ready", told)
            await host.follow(messages)
        finally:
            await engine.close()
            await host.ended()
            await awaiting.close()
    except Exception as error:
        wire.send("failed", packed(error))
    finally:
        beating.cancel()
        wire.close()
        await in_thread(wire.join, BEAT_SECONDS)


async def _beat(wire: PipeEnd) -> None:
    while True:
        wire.send("beat")
        await asyncio.sleep(BEAT_SECONDS)


def prepare(order: EngineOrder) -> None:
    """Prepare this process to run foreign plugins; they are loaded here."""
    if order.settings is not None:
        use(order.settings)
        allow(order.settings.threads)
    if order.marks is not None:
        CrashBreadcrumbs(Path(order.marks)).watch()
    load_plugins()
    for path in order.plugins:
        if path not in {item.origin for item in foreign()}:
            load_file(path)
    limit_memory(order.memory_mb)


def main(words: list[str] | None = None) -> None:
    """Serve the process at the other end of a descriptor."""
    die_with_parent()
    pipe = Connection(int((words or sys.argv[1:])[0]))
    try:
        order: EngineOrder = pipe.recv()
    except EOFError:
        return
    try:
        prepare(order)
    except Exception as error:
        pipe.send(("failed", packed(error)))
        return
    asyncio.run(serve(pipe, order))


if __name__ == "__main__":
    main()
