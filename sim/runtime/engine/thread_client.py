"""The engine client, between event loop and engine thread: questions, answers, frames, sessions."""

from __future__ import annotations

import asyncio
import copy
import itertools
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from sim.core.checks import whole_number
from sim.core.events import EventBus
from sim.core.interrupt import interrupt
from sim.core.progress import Report, quiet
from sim.errors import HubbubError, InputError
from sim.network.graph.ties import Ties
from sim.runtime.engine.engine import Engine, EngineCommand, EngineError, closed
from sim.runtime.engine.engine_command import nothing
from sim.runtime.engine.live import LiveWorld, next_revision
from sim.runtime.engine.outbox import Frames, Outbox, Poster
from sim.runtime.engine.output_capture import PluginFiles
from sim.runtime.engine.run_control import StepRequest
from sim.runtime.engine.stall import Stall, StallOutcome, stall_of
from sim.runtime.frames.community_layout import CommunityLayout
from sim.runtime.frames.frames import Frame, SessionRow
from sim.runtime.frames.sessions import ENDED, Session, remember
from sim.runtime.health.watch import HealthWatch
from sim.runtime.jobs import Job, in_thread
from sim.runtime.journal.persistence import Persistence
from sim.runtime.performance import Meter
from sim.runtime.stall_recovery import taken_over, was_stopped
from sim.spread.cascade.cascade import Cascade
from sim.world.world import World

__all__ = ["EngineClient", "not_open"]

T = TypeVar("T")

CLOSING_SECONDS = 10.0
"""How long closing waits for the running tick."""

_PULSE_SECONDS = 0.5
_STALLED_SECONDS = 2.0
_WAITING = "waiting for its turn"
_PATIENCE_SECONDS = 5.0
"""How long an interrupted plugin may take to give way."""


class EngineClient:
    """One engine, seen from one event loop; all of it is used in the loop's thread.

    Parameters
    ----------
    world, name, path
        As for :class:`~sim.runtime.engine.live.LiveWorld`.
    bus
        Where events go.
    frames_per_second
        Frames while ticks run.
    custody
        Has the world's journal, if it keeps one; closed with the engine.

    Attributes
    ----------
    live
        The world under way; only touched by what runs in the engine's thread.
    frames
        The frames and who watches them.
    meter
        How well commands are answered.
    """

    def __init__(
        self,
        world: World,
        *,
        name: str,
        path: str | None,
        bus: EventBus,
        frames_per_second: float,
        custody: Persistence | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        post = Poster(self._loop)
        self.frames = Frames(post)
        self.meter = Meter()
        self._orders = itertools.count(1)
        self._sessions: WeakValueDictionary[int, Session] = WeakValueDictionary()
        self._ended: dict[int, SessionRow] = {}
        self._jobs: set[Job[Any]] = set()
        self._failure: EngineError | None = None
        self._post = post
        self._pulse: asyncio.TimerHandle | None = None
        self._files = PluginFiles()
        self._outbox = Outbox(bus, post, self.note)
        self._frames_per_second = frames_per_second
        self._drive(world, name, path, custody)
        self.health = HealthWatch(self, self._post)

    def _drive(
        self, world: World, name: str, path: str | None, custody: Persistence | None = None
    ) -> None:
        """Make a new engine for a world; not started yet."""
        post = self._post
        self._over: asyncio.Future[None] = self._loop.create_future()
        self.live = LiveWorld(
            world,
            name=name,
            path=path,
            outbox=self._outbox,
            ended=lambda number, row: post(self._session_ended, number, row),
            woken=lambda number: post(self._session_woken, number),
            arranger=CommunityLayout(self.hurry),
            custody=custody,
        )
        self.engine = Engine(
            self.live,
            publish=self.frames.publish,
            failed=lambda error: post(self._engine_failed, error),
            frames_per_second=self._frames_per_second,
        )

    # Coming and going

    async def open(self) -> None:
        """Start the engine and wait for the first frame."""
        self._start()
        self._beat()
        self.health.start()
        await self.ask(nothing, is_safe=True)

    def _start(self) -> None:
        over = self._over
        self.engine.start(lambda: self._post(_settled, over))

    def when_over(self, act: Callable[[], object]) -> None:
        """Call ``act()`` once the engine has stopped: now, or when a late tick has ended."""
        if self._over.done():
            act()
        else:
            self._over.add_done_callback(lambda _: act())

    async def close(self) -> None:
        """Stop the engine after the running tick; whoever waits is told."""
        self.health.stop()
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

    # Questions and answers

    def order(self) -> int:
        """Return the number of a new command."""
        return next(self._orders)

    async def ask(
        self,
        act: Callable[[], Any],
        *,
        order: int | None = None,
        is_long: bool = False,
        is_safe: bool = False,
        is_felt: bool = False,
        report: Report = quiet,
    ) -> Any:
        """Run ``act()`` in the engine's thread, in its turn, and return what it returns.

        An awaiter that is cancelled takes the command back; once it has begun it is carried out
        nevertheless, and the awaiter leaves. So does a job whose ``report`` raises by then.
        """
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
        ticks = whole_number(ticks, "A world steps forward; ticks", low=0)
        order = self.order()
        stretch = StepRequest(order, ticks, until)

        def act() -> StepRequest:
            stretch.ended = stretch.ended or until()
            self.engine.drive.step(stretch)
            return stretch

        try:
            return int(await self.ask(act, order=order))
        except asyncio.CancelledError:
            stretch.ended = True  # nobody waits for the rest
            raise

    async def pause(self) -> None:
        """Run nothing more after the running tick."""
        order = self.order()
        self.engine.cut(order)
        newest = self.frames.newest
        if newest is not None and newest.state in {"playing", "stepping"}:
            self.frames.publish(replace(newest, revision=next_revision(), state="pausing"))
        await self.ask(self.engine.drive.pause, order=order, is_safe=True, is_felt=True)

    def hurry(self, function: Callable[[], object]) -> None:
        """Run ``function()`` in the engine's thread ahead of the queue; only for views."""
        self.engine.hurry(function)

    def note(self, line: str) -> None:
        """Add a line to the log of events."""
        self.hurry(lambda: self.live.note(line))

    def job(self, work: Callable[[Report], Coroutine[Any, Any, T]]) -> Job[T]:
        """Return long work that ends with the link at the latest."""
        job = Job(work)
        self._jobs.add(job)
        job.task.add_done_callback(lambda _: self._jobs.discard(job))
        return job

    def call_job(self, function: Callable[..., T], *args: Any) -> Job[T]:
        """Return the job of calling ``function(world, *args, report=...)`` between two ticks."""

        async def work(report: Report) -> T:
            def act() -> T:
                result: T = self.live.call(function, *args, report=report)
                return result

            result: T = await self.ask(act, is_long=True, report=report)
            return result

        return self.job(work)

    def study(
        self,
        function: Callable[[Ties, Report], T],
        then: Callable[[T], object] | None = None,
    ) -> Job[T]:
        """Return the job of ``function(ties, report)`` in a thread beside the engine.

        The ties are as they are now: changes make new arrays. ``then`` is called with the result
        in the engine's thread.
        """

        async def work(report: Report) -> T:
            ties = await self.ask(lambda: copy.copy(self.live.world.ties))
            result = await in_thread(function, ties, report)
            if then is not None:
                await self.ask(lambda: then(result), is_long=True, report=report)
            return result

        return self.job(work)

    # Sessions

    def session(self, cascade: Cascade) -> Session:
        """Return the session of a cascade, the same one as long as anybody holds it."""
        session = self._sessions.get(cascade.id)
        if session is None or session.cascade is not cascade:
            if session is not None:
                self._ended.pop(cascade.id, None)  # of another message, on another line of time
            session = self._sessions[cascade.id] = Session(cascade, self._loop)
            session.settle(self._ended.get(cascade.id) or self._row(cascade), self._failure)
        return session

    def _row(self, cascade: Cascade) -> SessionRow | None:
        """Return the last line of a session that had ended before the engine began."""
        return self.live.ledger.row(cascade.id) if cascade.status in ENDED else None

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

    # Watching over the engine

    def _beat(self) -> None:
        """Every half second: warn of a tick that does not end; the engine itself cannot."""
        self._pulse = self._loop.call_later(_PULSE_SECONDS, self._beat)
        self._look_at_files()
        revision = next_revision()  # first: a frame that is made meanwhile outranks the warning
        under_way, newest = self.engine.under_way, self.frames.newest
        if under_way is None or newest is None:
            return
        what, since = under_way
        seconds = time.monotonic() - since
        if seconds > _STALLED_SECONDS:
            stall = stall_of(self.engine.thread, what, seconds)
            self.frames.publish(_warned(newest, stall, revision))

    async def restart(self) -> StallOutcome:
        """End a stall: stop the plugin; where it cannot be stopped, rebuild the world without it.

        Raises
        ------
        InputError
            When the engine answers.
        EngineError
            When it is no foreign plugin that holds it up, and there is nothing to go back to.
        """
        under_way = self.engine.under_way
        if under_way is None:
            raise InputError("The engine answers; there is nothing to stop.")
        stall = stall_of(self.engine.thread, under_way[0], time.monotonic() - under_way[1])
        if stall.plugin and await self._stopped(under_way):
            ended: StallOutcome = await self.ask(
                lambda: self._told(was_stopped, stall), is_safe=True
            )
            return ended
        if not self.live.safety.has_copy:
            raise EngineError(
                f"{stall.what} runs no foreign plugin, so there is no copy of the world to go back "
                "to; wait for it."
            )
        return await self._rebuild(stall)

    async def _stopped(self, under_way: tuple[str, float]) -> bool:
        """Interrupt the plugin, and return whether the engine came back and can go on."""
        interrupt(self.engine.thread)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while self.engine.under_way is under_way and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.02)  # it is another thread that changes
        return self.engine.under_way is not under_way and not self.engine.has_failed

    async def _rebuild(self, stall: Stall) -> StallOutcome:
        """Leave the thread behind, and go on from the last completed tick in a new one."""
        before, behind, custody = self.live, self.engine, self.live.custody.let_go()
        behind.abandon(EngineError("The engine was restarted meanwhile; ask again."))
        try:
            world = await in_thread(before.safety.rebuilt, before.world.phases)
        except BaseException:
            custody.close(is_whole=False)
            raise
        self._failure = None
        self._drive(world, before.name, before.path, custody.of(world))
        self._start()
        ended: StallOutcome = await self.ask(
            lambda: self._told(taken_over, before, stall), is_safe=True
        )
        for session in list(self._sessions.values()):
            if (cascade := world.cascades.find(session.id)) is not None:
                session.cascade = cascade
        return ended

    def _told(self, what: Callable[..., StallOutcome], *args: Any) -> StallOutcome:
        """Let a journal have the world as it is after a restart, which nobody can do again."""
        with self.live.custody.done("call:restart", ()):
            return what(self.live, *args)

    def _look_at_files(self) -> None:
        """Take up plugin files that were saved meanwhile, in a thread."""
        for path in self._files.changed():
            self.job(partial(self._take_up, path))

    async def _take_up(self, path: str, _report: Report) -> None:
        said = await in_thread(self._files.take_up, path)
        if said:
            self.hurry(lambda: self.live.announce(said))


def _settled(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _warned(frame: Frame, stall: Stall, revision: int) -> Frame:
    return replace(frame, revision=revision, banner=stall.sentence, stalled=stall)


def not_open() -> HubbubError:
    """Return the error of using a simulation outside its block."""
    return HubbubError("The simulation is not open; use `async with Simulation(world)`.")
