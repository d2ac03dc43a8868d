"""The thread engine: a world that runs in a thread of this process, and its requests.

A request is a coroutine method of the engine, or a function that takes the engine first and, if it
reports progress, a report second. A client carries it out, or sends its name and arguments to the
process that does; so what requests take and return can be pickled. Those about time are in
:mod:`sim.runtime.travel`, the one about feeds in :mod:`sim.runtime.queries.why`.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from copy import copy
from dataclasses import replace
from functools import partial
from inspect import iscoroutinefunction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakSet, WeakValueDictionary

import psutil

from sim.core.checks import LAST_TICK, whole_number
from sim.core.events import EventBus
from sim.core.progress import Report, quiet
from sim.core.scratch import be_frugal
from sim.core.threads import Stalled, interrupt
from sim.errors import HubbubError, InputError, UnknownNameError
from sim.minds.deciding import commands as minding
from sim.runtime import bulk_operations as batches
from sim.runtime.engine.engine import Engine, EngineCommand, EngineError, closed, nothing, outcome
from sim.runtime.engine.live import LiveWorld, next_revision
from sim.runtime.engine.outbox import Frames, LoopCaller, Outbox
from sim.runtime.engine.output_capture import PluginFiles
from sim.runtime.engine.run_control import Program, StepRequest, never
from sim.runtime.engine.stall import Stall, StallOutcome, stall_of, stalled_blocks
from sim.runtime.frames.communities import CommunityLayout
from sim.runtime.frames.frames import SessionRow
from sim.runtime.frames.sessions import ENDED, Session, remember
from sim.runtime.health import (
    Health,
    HealthWatch,
    JournalStatus,
    Meter,
    Performance,
    Vitals,
    broken_plugins,
    caches,
    memory_ceilings,
    queued_messages,
)
from sim.runtime.interactions import Batch, InteractionStream
from sim.runtime.jobs import Job, in_thread
from sim.runtime.journal.persistence import JournalConfig, Persistence, begin
from sim.runtime.minds import DecisionRunner, are_awake, sleep_minds
from sim.runtime.preview import Plan
from sim.runtime.preview import plan as make_plan
from sim.spread.cascade.cascade import Cascade
from sim.store import available_bytes
from sim.world.commands import COMMANDS
from sim.world.log import LoggedAct
from sim.world.seeding import (
    BestSeeds,
    FoundSeeds,
    author_of,
    found_before,
    is_best,
    seeds_of,
    takes_long,
)
from sim.world.state.snapshot import still
from sim.world.state.state import restore_world
from sim.world.world import World

if TYPE_CHECKING:
    from sim.minds.deciding.thinker import Thinker
    from sim.store import SaveReport


T = TypeVar("T")
P = ParamSpec("P")

CLOSING_SECONDS = 10.0
"""How long closing waits for the running tick, in seconds."""

_PULSE_SECONDS = 0.5
_STALLED_SECONDS = 2.0
_WAITING = "waiting for its turn"
_PATIENCE_SECONDS = 5.0
"""How long to wait for an interrupted plugin to stop, in seconds."""

_QUIET_SECONDS = 5.0
"""How long closing waits for the engine to switch minds back to the rules, in seconds."""

_LOOK_SECONDS = 1.0
"""Interval in seconds at which a waiting query checks that the engine still runs."""


class ThreadEngine:
    """An engine in a thread of this process; use it only in the event loop's thread."""

    def __init__(
        self,
        world: World,
        *,
        name: str,
        path: str | None,
        bus: EventBus,
        frames_per_second: float,
        persistence: Persistence | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        post = LoopCaller(self._loop)
        self.frames = Frames(post)
        self.meter = Meter()
        self._orders = itertools.count(1)
        self._sessions: WeakValueDictionary[int, Session] = WeakValueDictionary()
        self._ended: dict[int, SessionRow] = {}
        self._jobs: set[Job[Any]] = set()
        self._failure: EngineError | None = None
        self.last: StallOutcome | None = None
        self.streams: dict[int, AsyncIterator[Batch]] = {}
        self._post = post
        self._pulse: asyncio.TimerHandle | None = None
        self._files = PluginFiles()
        self._outbox = Outbox(bus, post, self.note)
        self._frames_per_second = frames_per_second
        self._drive(world, name, path, persistence)
        self.looking = HealthWatch(self._vitals, self._pause, post)

    def _drive(
        self, world: World, name: str, path: str | None, persistence: Persistence | None = None
    ) -> None:
        """Make a new engine for a world; do not start it yet."""
        post = self._post
        self._over: asyncio.Future[None] = self._loop.create_future()
        self.live = LiveWorld(
            world,
            name=name,
            path=path,
            outbox=self._outbox,
            ended=lambda number, row: post(self._session_ended, number, row),
            woken=lambda number: post(self._session_woken, number),
            layout=CommunityLayout(self.run_soon),
            persistence=persistence,
        )
        self.engine = Engine(
            self.live,
            publish=self.frames.publish,
            failed=lambda error: post(self._engine_failed, error),
            frames_per_second=self._frames_per_second,
        )

    # Opening and closing

    async def open(self, minds: Thinker | None = None) -> None:
        """Start the engine, wait for the first frame, and let minds decide, if there are any."""
        self._start()
        self._beat()
        self.looking.start()
        await self.do(nothing, is_safe=True)
        if minds is not None:
            await self.think(minds)
        elif are_awake(self.live.world):
            await self.do(lambda: sleep_minds(self.live), is_long=True, is_safe=True)

    def _start(self) -> None:
        over = self._over
        self.engine.start(lambda: self._post(_settled, over))

    async def close(self) -> None:
        """Stop after the running tick and notify waiting callers; the world is then released."""
        if self.engine.thinking is not None:
            with suppress(HubbubError, TimeoutError):  # if the engine can still be asked
                await asyncio.wait_for(self.think(None), _QUIET_SECONDS)
        try:
            await self._stop()
        finally:
            act = partial(release, self.live.world)
            if self._over.done():
                act()
            else:
                self._over.add_done_callback(lambda _: act())

    async def _stop(self) -> None:
        self.looking.stop()
        if self._pulse is not None:
            self._pulse.cancel()
        for job in self._jobs:
            job.cancel()
        self.engine.stop()
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._over), CLOSING_SECONDS)
            if self._jobs:
                await asyncio.wait([job.task for job in self._jobs], timeout=CLOSING_SECONDS)
        finally:
            self.engine.join(1.0 if self._over.done() else 0.0)
            self.frames.close()
            for session in list(self._sessions.values()):
                session.settle(self._ended.get(session.id), self._failure or closed())

    # Requests and answers

    def order(self) -> int:
        """Return the number of a new command."""
        return next(self._orders)

    async def ask(
        self,
        request: Callable[Concatenate[ThreadEngine, P], Awaitable[T]],
        /,
        *args: P.args,
        **keywords: P.kwargs,
    ) -> T:
        """Return the result of a request."""
        return await request(self, *args, **keywords)

    def job(
        self,
        request: Callable[Concatenate[ThreadEngine, Report, P], Awaitable[T]],
        /,
        *args: P.args,
        **keywords: P.kwargs,
    ) -> Job[T]:
        """Return a request as a job, which ends no later than the engine."""
        return self._job(lambda report: request(self, report, *args, **keywords))

    def _job(self, work: Callable[[Report], Awaitable[T]]) -> Job[T]:
        async def worked(report: Report) -> T:
            return await work(report)

        job = Job(worked)
        self._jobs.add(job)
        job.task.add_done_callback(lambda _: self._jobs.discard(job))
        return job

    async def do(
        self,
        act: Callable[[], Any],
        *,
        order: int | None = None,
        is_long: bool = False,
        is_safe: bool = False,
        is_felt: bool = False,
        report: Report = quiet,
    ) -> Any:
        """Run ``act()`` in the engine's thread, in order; cancelling withdraws it."""
        future: asyncio.Future[Any] = self._loop.create_future()
        began = self.meter.began()

        def answer(result: Any, error: Exception | None) -> None:
            self.meter.ended(began, carried_out=error is None)
            if future.done():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        def settle(result: Any, error: Exception | None) -> None:
            self._post(answer, result, error)

        number = self.order() if order is None else order

        def begun() -> Any:
            report(_WAITING, 0.0)
            return act()

        command = EngineCommand(number, begun, settle, is_long, is_safe, is_felt)
        self.engine.submit(command)
        try:
            return await future
        except asyncio.CancelledError:
            if command.withdraw():
                self.meter.ended(began, carried_out=False)
            raise

    async def stretch(self, ticks: int, until: Callable[[], bool]) -> int:
        """Run at most ``ticks`` ticks, until ``until`` is true; return how many were run."""
        ticks = whole_number(ticks, "A world steps forward; ticks", low=0, high=LAST_TICK)
        order = self.order()
        stretch = StepRequest(order, ticks, until)

        def act() -> StepRequest:
            stretch.ended = stretch.ended or until()
            self.engine.drive.step(stretch)
            return stretch

        try:
            return int(await self.do(act, order=order))
        except asyncio.CancelledError:
            stretch.ended = True  # no caller waits for the remaining ticks
            raise

    async def pause(self) -> None:
        """Stop running after the running tick."""
        order = self.order()
        self.engine.cut(order)
        newest = self.frames.newest
        if newest is not None and newest.state in {"playing", "stepping"}:
            self.frames.publish(replace(newest, revision=next_revision(), state="pausing"))
        await self.do(self.engine.drive.pause, order=order, is_safe=True, is_felt=True)

    def run_soon(self, function: Callable[[], object]) -> None:
        """Run ``function()`` in the engine's thread, ahead of the queue; only for views."""
        self.engine.run_soon(function)

    def note(self, line: str) -> None:
        """Add a line to the log of events."""
        self.run_soon(lambda: self.live.note(line))

    async def change(self, report: Report, function: Callable[..., T], *args: Any) -> T:
        """Return ``function(world, *args, report=...)``, called between two ticks."""

        def act() -> T:
            result: T = self.live.call(function, *args, report=report)
            return result

        result: T = await self.do(act, is_long=True, report=report)
        return result

    async def study(
        self, report: Report, function: Callable[..., T], /, *args: Any, **keywords: Any
    ) -> T:
        """Return ``function(ties, ..., report=...)``, called in a thread on a copy of the ties."""
        ties = await self.do(lambda: copy(self.live.world.ties))
        return await in_thread(function, ties, *args, report=report, **keywords)

    async def look(self, function: Callable[..., T], *args: Any) -> T:
        """Return ``function(world, *args)``, called ahead of the queue; it must change nothing."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def settle(result: Any, error: Exception | None) -> None:
            if not future.done():
                future.set_result((result, error))

        def act() -> None:
            if future.cancelled():
                return  # no caller waits any more
            found, refusal = outcome(lambda: function(self.live.world, *args))
            loop.call_soon_threadsafe(settle, found, refusal)

        self.run_soon(act)
        try:
            while not future.done():
                await asyncio.wait([future], timeout=_LOOK_SECONDS)
                if not future.done() and self.engine.join(0.0):
                    raise not_open()
        except asyncio.CancelledError:
            future.cancel()
            raise
        result, error = future.result()
        if error is not None:
            raise error
        found: T = result
        return found

    async def focus(self, session: int | None) -> None:
        """Show a session in future frames; None: always the newest."""
        await self.do(lambda: self.live.focus(session), is_safe=True)

    async def begin(self, program: Program, since: int | None) -> list[tuple[int, str, str]]:
        """Carry out a program from now on; return the messages that it sent at once."""

        def act() -> list[tuple[int, str, str]]:
            sent = self.live.begin(program, since)
            return [(cascade.id, cascade.text, cascade.model_name) for cascade in sent]

        begun: list[tuple[int, str, str]] = await self.do(act, is_long=True)
        return begun

    async def save(self, report: Report, path: str | Path | None, note: str) -> SaveReport:
        """Write the current world to a file, between two ticks."""
        live = self.live
        saved: SaveReport = await self.do(
            lambda: live.save(path, note, report), is_long=True, is_safe=True, report=report
        )
        return saved

    async def world(self) -> World:
        """Return a copy of the world: arrays that ticks write to are copied between two of them."""
        twin = await self.look(lambda world: still(world, lambda _name, column: column.copy()))
        return await in_thread(lambda: restore_world(type(twin), *twin.packed()))

    async def think(self, thinker: Thinker | None) -> None:
        """Let members with minds decide from now on; None: the rules decide for all of them."""
        before = self.engine.thinking
        if before is not None:
            before.stop()
        made = [] if thinker is None else [thinker.made]

        def changed() -> object:
            if before is not None:
                before.clear_banner(self.live)
            woken = self.live.call(minding.wake_minds, thinker is not None, *made)
            self.engine.thinking = (
                None if thinker is None else DecisionRunner(thinker, self.run_soon, *made)
            )
            return woken

        await self.do(changed, is_long=True, is_safe=True, is_felt=before is not None)

    # Requests

    async def inject(
        self, /, text: str, *, seeds: Any, model: str, author: Any = None, **said: Any
    ) -> tuple[int, str, str]:
        """Send a message; return its number, its text, and the name of its model."""
        live, message = self.live, {"text": text, "model": model, **said}
        await self._find_best(seeds, message)
        cascade = await self.do(
            lambda: live.inject(message, seeds=seeds, author=author), is_long=takes_long(seeds)
        )
        return cascade.id, cascade.text, cascade.model_name

    async def plan(
        self, /, text: str, *, seeds: Any, model: str, author: Any = None, **said: Any
    ) -> Plan:
        """Check a message and estimate its effect; nothing is changed."""

        def act() -> Plan:
            world, message = self.live.world, {"text": text, "model": model, **said}
            holders, writer = seeds_of(world, seeds, message), author_of(world, author)
            found = make_plan(world, message | {"seeds": holders, "author": writer})
            return replace(found, best=found_before(world, seeds, message))

        await self._find_best(seeds, {"model": model} | said)
        planned: Plan = await self.do(act, is_long=takes_long(seeds))
        return planned

    async def _find_best(self, seeds: Any, message: dict[str, Any]) -> None:
        """Search for the best seeds outside the engine's thread; the result is cached for it."""
        if isinstance(seeds, str) and is_best(seeds):
            await self.job(ThreadEngine.best_seeds, seeds, **message)

    async def best_seeds(self, report: Report, /, seeds: str, **message: Any) -> FoundSeeds:
        """Find the seeds of an expression such as ``best:20``, outside the engine's thread."""
        live = self.live
        question, ties = await self.do(
            lambda: (BestSeeds.of_message(live.world, seeds, message), copy(live.world.ties))
        )
        found: FoundSeeds = await in_thread(question.find, ties, report)
        return found

    async def set_parameter(self, session: int, name: str, value: object) -> None:
        """Change a parameter of a session's model from the next tick on."""
        await self.do(lambda: self.live.set_parameter(session, name, value))

    async def cancel(self, session: int) -> None:
        """Stop a session."""
        await self.do(lambda: self.live.cancel(session))

    async def done(self, session: int) -> SessionRow:
        """Wait until a session has ended, and until a frame shows it, for callers with frames."""
        row = await self.session(session).done()
        async with self.frames.watch(1) as frames:
            async for frame in frames:
                going = [r for r in frame.sessions if r.id == session and r.status not in ENDED]
                if not going or frame.state == "failed":
                    break
        return row

    async def step(self, ticks: int) -> int:
        """Run ``ticks`` ticks, and return how many were run."""
        return await self.stretch(ticks, never)

    async def run_until_quiet(self, session: int | None, limit: int) -> int:
        """Step until a session (None: all) has ended, at most ``limit`` ticks."""
        live = self.live

        def is_quiet() -> bool:
            return not (live.tracker.alive if session is None else live.cascade(session).alive)

        return await self.stretch(limit, is_quiet)

    async def play(self, rate: float | None, until_tick: int | None, *, until_quiet: bool) -> None:
        """Run until paused."""
        live, drive, order = self.live, self.engine.drive, self.order()
        last = math.inf if until_tick is None else whole_number(until_tick, "until_tick")

        def is_over() -> bool:
            return live.world.tick >= last or (until_quiet and not live.tracker.alive)

        def act() -> None:
            drive.play(order, rate, is_over)
            if is_over():
                drive.pause()

        await self.do(act, order=order)

    async def call(self, function: Callable[..., Any], /, *args: Any, **keywords: Any) -> Any:
        """Return ``function(world, ...)``, called between two ticks."""
        return await self.do(
            lambda: self.live.call(function, *args, **keywords), is_long=True, is_safe=True
        )

    async def command(self, command: str, /, *args: Any, **keywords: Any) -> Any:
        """Carry out a command of :data:`sim.world.commands.COMMANDS` between two ticks."""
        return await self.command_by("", command, *args, **keywords)

    async def command_by(self, author: str, command: str, /, *args: Any, **keywords: Any) -> Any:
        """Carry out a command for an author (empty: the simulation's), and return its result.

        For a named author the result of a message is its number.
        """
        row = COMMANDS.get(command) if isinstance(command, str) else None
        if row is None:
            raise UnknownNameError("command", str(command), COMMANDS)
        row.check(args, keywords)
        if command == "step":  # tick by tick: it can be paused, and what is due on the way is done
            if author:
                await self.do(lambda: self.live.sign(author), is_safe=True)
            return await self.step(*args, **keywords)
        if not author:
            return await self.call(row.apply, *args, **keywords)
        act = partial(self.live.call, row.apply, *args, **keywords)
        found = await self.do(lambda: self.live.call_as(author, act), is_long=True, is_safe=True)
        return found.id if isinstance(found, Cascade) else found

    async def query(
        self, function: Callable[..., Any], /, *args: Any, then: Callable[[Any], Any] | None = None
    ) -> Any:
        """Return ``then(function(world, *args))``, called ahead of the queue."""
        found = await self.look(function, *args)
        if then is None:
            return found
        return await (then(found) if iscoroutinefunction(then) else in_thread(then, found))

    async def keep(self, journal_config: JournalConfig) -> None:
        """Begin a journal now; there must be none."""
        await self.do(lambda: self.live.keep(journal_config), is_long=True)

    async def batch(
        self, number: int, size: int, max_ticks: int, response_ms: float
    ) -> Batch | None:
        """Return the next interactions of a stream, which this call may begin; None: the end."""
        if number not in self.streams:
            stream = InteractionStream(size, response_ms)
            self.streams[number] = self._read(stream, max_ticks)
        found = await anext(self.streams[number], None)
        if found is None:
            del self.streams[number]
        return found

    async def _read(self, stream: InteractionStream, max_ticks: int) -> AsyncIterator[Batch]:
        """Run at most ``max_ticks`` ticks and yield batches, until nothing more can happen."""
        live = self.live

        def is_enough() -> bool:
            goes_on = live.tracker.alive or live.world.platform is not None
            return stream.collect(live.world) or not goes_on

        await self.do(lambda: stream.collect(live.world))
        while True:
            began = time.perf_counter()
            if max_ticks > 0 and not stream.is_full:
                max_ticks -= await self.stretch(max_ticks, is_enough)
            batch = stream.take(1000 * (time.perf_counter() - began))
            if batch is None:
                return
            yield batch

    async def detect_communities(self, report: Report, method: str) -> batches.DetectedCommunities:
        """Find communities outside the engine's thread, and assign them to agents."""
        live = self.live
        seed = live.world.seed
        found = await self.study(report, batches.detect, method, seed)
        await self.do(lambda: live.assign(found), is_long=True, report=report)
        return found

    # State of the engine

    def hear(self) -> None:
        """Do nothing: events are always sent."""

    def health(self, within: float) -> Health:
        """Return every check."""
        return self.looking.look(within)

    def _vitals(self) -> Vitals:
        live, frame = self.live, self.frames.newest
        journal = live.persistence.owned
        folder = Path(live.path or ".").absolute().parent if journal is None else journal.folder
        room = None
        with suppress(OSError):
            room = shutil.disk_usage(folder).free
        soft, hard = memory_ceilings()
        return Vitals(
            tick=live.world.tick,
            state=frame.state if frame is not None else "paused",
            room=room,
            folder=str(folder),
            resident=int(psutil.Process().memory_info().rss),
            free=available_bytes(),
            soft=soft,
            hard=hard,
            journal=JournalStatus.of(journal),
            commands=self.engine.waiting,
            queued=queued_messages(frame),
            caches=caches(),
            broken_plugins=broken_plugins(frame),
        )

    def _pause(self, sentence: str) -> None:
        """Pause because memory runs out; called from the thread that monitors it."""

        def act() -> None:
            self.engine.drive.pause()
            self.live.announce(sentence)

        self.engine.cut(self.order())
        self.run_soon(act)

    def acts(self, last: int) -> tuple[LoggedAct, ...]:
        """Return the newest acts of the world's log, oldest first."""
        return tuple(self.live.world.trail.acts[-last:])

    def performance(self) -> Performance:
        """Return the performance figures of commands so far."""
        return self.meter.read(self.live.contacts.rate)

    @property
    def contacts(self) -> int:
        """Contacts between agents evaluated so far, over the current messages."""
        return self.live.tracker.contacts

    # Sessions

    def session(self, number: int, said: tuple[str, str] | None = None) -> Session:
        """Return the session of a message, the same object while anyone holds a reference to it."""
        del said  # the world is in this process
        cascade = self.live.cascade(number)
        session = self._sessions.get(cascade.id)
        if session is None or session.cascade is not cascade:
            if session is not None:
                self._ended.pop(cascade.id, None)  # another message's, on another timeline
            session = self._sessions[cascade.id] = Session(cascade, self._loop)
            session.settle(self._ended.get(cascade.id) or self._row(cascade), self._failure)
        return session

    def _row(self, cascade: Cascade) -> SessionRow | None:
        """Return the last row of a session that had ended before the engine began."""
        return self.live.tracker.row(cascade.id) if cascade.status in ENDED else None

    def _session_ended(self, number: int, row: SessionRow) -> None:
        remember(self._ended, number, row)
        if (session := self._sessions.get(number)) is not None:
            session.settle(row)

    def _session_woken(self, number: int) -> None:
        self._ended.pop(number, None)
        if (session := self._sessions.get(number)) is not None:
            session.reopen()

    def _engine_failed(self, error: EngineError) -> None:
        self._failure = error
        for session in list(self._sessions.values()):
            session.settle(None, error)

    # Monitoring the engine

    def _beat(self) -> None:
        """Every half second: warn of a tick that does not end; the engine itself cannot."""
        self._pulse = self._loop.call_later(_PULSE_SECONDS, self._beat)
        for path in self._files.changed():
            self._job(partial(self._take_up, path))
        revision = next_revision()  # first: a frame that is made meanwhile supersedes the warning
        under_way, newest = self.engine.under_way, self.frames.newest
        if under_way is None or newest is None:
            return
        what, since = under_way
        seconds = time.monotonic() - since
        if seconds > _STALLED_SECONDS:
            stall = stall_of(self.engine.thread, what, seconds)
            self.frames.publish(
                replace(newest, revision=revision, banner=stall.sentence, stalled=stall)
            )

    async def ready(self) -> None:
        """Return at once: no other engine takes over unless requested."""

    async def restart(self) -> StallOutcome:
        """End a stall: stop the plugin; if that fails, rebuild the world without it."""
        under_way = self.engine.under_way
        if under_way is None:
            raise InputError("The engine is responding; there is nothing to stop.")
        stall = stall_of(self.engine.thread, under_way[0], time.monotonic() - under_way[1])
        was_struck = [interrupt(one) for one in stalled_blocks(self.engine.thread, stall.plugin)]
        if stall.plugin and await self._came_back(under_way):
            ended: StallOutcome = await self.do(
                lambda: self._told(was_stopped, stall, was_struck=any(was_struck)), is_safe=True
            )
            return ended
        if not self.live.rollback.has_copy:
            raise EngineError(
                "No third-party plugin is running, so nothing can be stopped; wait for the engine."
            )
        return await self._rebuild(stall)

    async def _came_back(self, under_way: tuple[str, float]) -> bool:
        """Return whether the engine responds in time, and can go on."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while self.engine.under_way is under_way and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.02)  # it is another thread that changes
        return self.engine.under_way is not under_way and not self.engine.has_failed

    async def _rebuild(self, stall: Stall) -> StallOutcome:
        """Leave the thread behind, and resume from the last completed tick in a new one."""
        before, behind, persistence = self.live, self.engine, self.live.persistence.let_go()
        restarted = EngineError("The engine was restarted; try again.")
        behind.abandon(restarted, persistence.owned)
        try:
            world = await in_thread(before.rollback.rebuilt, before.world.phases)
        except BaseException:
            persistence.close(is_whole=False)
            raise
        self._failure = None
        claim(world)
        world.trail.by(world, before.author)  # the copy may date from while a program acted
        self._drive(world, before.name, before.path, persistence.of(world))
        if before.program is not None:
            self.live.program = before.program.left_behind(world.tick, stall.plugin, stall.place)
        self._start()
        ended: StallOutcome = await self.do(
            lambda: self._told(taken_over, before, stall), is_safe=True
        )
        self.last = ended
        for session in list(self._sessions.values()):
            if (cascade := world.cascades.find(session.id)) is not None:
                session.cascade = cascade
        return ended

    def _told(self, what: Callable[..., StallOutcome], *args: Any, **said: Any) -> StallOutcome:
        """Give the journal the state after a restart, which cannot be replayed."""
        with self.live.persistence.done("call:restart", ()):
            return what(self.live, *args, **said)

    async def _take_up(self, path: str, _report: Report) -> None:
        said = await in_thread(self._files.take_up, path)
        if said:
            self.run_soon(lambda: self.live.announce(said))


def _settled(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def open_thread(
    world: World,
    *,
    name: str,
    path: str | None,
    bus: EventBus,
    frames_per_second: float,
    journal_config: JournalConfig | None,
    author: str,
    max_running: int | None,
    undo_bytes: int,
    minds: Thinker | None = None,
    custody_of: type[Persistence] = Persistence,
    prepare: Callable[[ThreadEngine], None] = lambda _: None,
) -> ThreadEngine:
    """Claim a world, begin or resume its journal, and start its engine."""
    claim(world)
    be_frugal()
    engine = None
    try:
        world.trail.by(world, author)
        keeper = None if journal_config is None else await in_thread(begin, world, journal_config)
        persistence = custody_of(world, keeper, journal_config, undo_bytes=undo_bytes)
        if max_running not in {None, world.max_running}:
            with persistence.done("limit", (max_running,)):
                world.max_running = max_running
        engine = ThreadEngine(
            world, name=name, path=path, bus=bus, frames_per_second=frames_per_second,
            persistence=persistence,
        )  # fmt: skip
        prepare(engine)
        await engine.open(minds)
    except BaseException:
        if engine is None:
            release(world)
        else:
            await engine.close()
        raise
    return engine


def not_open() -> HubbubError:
    """Return the error for using a simulation outside its block."""
    return HubbubError("The simulation is not open; use `async with Simulation(world)`.")


def was_stopped(live: LiveWorld, stall: Stall, *, was_struck: bool) -> StallOutcome:
    """Report what the interruption of a plugin ended; nothing if it returned before."""
    ended = [c.id for c in live.world.cascades if c.error and Stalled.__name__ in c.error][-1:]
    live.notice()
    said = StallOutcome(live.world.tick, stall.plugin, stall.place, tuple(ended), was_rebuilt=False)
    if not was_struck:
        said = replace(said, sessions=(), how="returned by itself")
    live.announce(said.sentence)
    return said


def taken_over(live: LiveWorld, other: LiveWorld, stall: Stall) -> StallOutcome:
    """Resume from another engine, of whose world this is a copy; stop what stalled it."""
    live.lines.extendleft(reversed(other.lines))
    live.chosen, live.is_dirty = other.chosen, True
    stopped = [c for c in live.world.cascades.loose if c.alive and c.model_name == stall.plugin]
    for cascade in stopped:
        cascade.fail(f"{stall.plugin}: did not return ({stall.place})")
    live.notice()
    ids = tuple(cascade.id for cascade in stopped)
    said = StallOutcome(live.world.tick, stall.plugin, stall.place, ids, was_rebuilt=True)
    live.announce(said.sentence)
    if other.program is not None and other.program.is_at_work and live.program is not None:
        live.note(live.program.now(live.world.tick).sentence)
    return said


_driven: WeakSet[World] = WeakSet()


def claim(world: World) -> None:
    """Claim a world for one engine."""
    if world in _driven:
        raise InputError(
            "This world runs in a simulation already; use that one, close it first, or load the "
            "world again from its file."
        )
    _driven.add(world)


def release(world: World) -> None:
    """Release a world, so that another engine can claim it."""
    _driven.discard(world)
