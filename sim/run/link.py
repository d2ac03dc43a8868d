"""Between the event loop and the engine's thread: questions and answers, frames, sessions."""

from __future__ import annotations

import asyncio
import copy
import itertools
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

from sim.core.checks import whole_number
from sim.core.events import EventBus
from sim.core.progress import Report
from sim.errors import HubbubError
from sim.network.ties import Ties
from sim.run.arranger import Arranger
from sim.run.drive import Stretch
from sim.run.engine import Command, Engine, EngineError, closed
from sim.run.frames import Frame, SessionRow
from sim.run.jobs import Job, in_thread
from sim.run.live import LiveWorld, next_revision
from sim.run.outbox import Frames, Outbox, Poster
from sim.run.performance import Meter
from sim.run.sessions import ENDED, Session
from sim.spread.cascade import Cascade
from sim.world.world import World

__all__ = ["Link", "not_open"]

T = TypeVar("T")

CLOSING_SECONDS = 10.0
"""How long closing waits for the running tick."""

_PULSE_SECONDS = 0.5
_STALLED_SECONDS = 2.0


class Link:
    """One engine, seen from one event loop; all of it is used in the loop's thread.

    Parameters
    ----------
    world, name, path
        As for :class:`~sim.run.live.LiveWorld`.
    bus
        Where events go.
    frames_per_second
        Frames while ticks run.

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
    ) -> None:
        self._loop = asyncio.get_running_loop()
        post = Poster(self._loop)
        self.frames = Frames(post)
        self.meter = Meter()
        self._orders = itertools.count(1)
        self._sessions: dict[int, Session] = {}
        self._ended: dict[int, SessionRow] = {}
        self._jobs: set[Job[Any]] = set()
        self._failure: EngineError | None = None
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._post = post
        self._pulse: asyncio.TimerHandle | None = None
        self.live = LiveWorld(
            world,
            name=name,
            path=path,
            outbox=Outbox(bus, post, self.note),
            ended=lambda number, row: post(self._session_ended, number, row),
            woken=lambda number: post(self._session_woken, number),
            arranger=Arranger(self.hurry),
        )
        self.engine = Engine(
            self.live,
            publish=self.frames.publish,
            failed=lambda error: post(self._engine_failed, error),
            frames_per_second=frames_per_second,
        )

    # Coming and going

    async def open(self) -> None:
        """Start the engine and wait for the first frame."""
        self.engine.start(lambda: self._post(self._thread_ended))
        self._beat()
        await self.ask(_nothing, is_safe=True)

    async def close(self) -> bool:
        """Stop the engine after the running tick; whoever waits is told.

        Returns
        -------
        bool
            Whether it has stopped; a tick that does not end keeps its thread, and the world.
        """
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
            for session in self._sessions.values():
                session.settle(self._ended.get(session.id), self._failure or closed())
        return self._over.done()

    def _thread_ended(self) -> None:
        if not self._over.done():
            self._over.set_result(None)

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
    ) -> Any:
        """Run ``act()`` in the engine's thread, in its turn, and return what it returns.

        An awaiter that is cancelled leaves; the command is carried out nevertheless.
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
        self.engine.submit(Command(number, act, settle, is_long, is_safe))
        return await future

    async def stretch(self, ticks: int, until: Callable[[], bool]) -> int:
        """Run at most ``ticks`` ticks, until ``until`` is true; return how many were run."""
        ticks = whole_number(ticks, "A world steps forward; ticks", low=0)
        order = self.order()
        stretch = Stretch(order, ticks, until)

        def act() -> Stretch:
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
        await self.ask(self.engine.drive.pause, order=order, is_safe=True)

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
                result: T = self.live.call(lambda world: function(world, *args, report=report))
                return result

            result: T = await self.ask(act, is_long=True)
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
                await self.ask(lambda: then(result), is_long=True)
            return result

        return self.job(work)

    # Sessions

    def session(self, cascade: Cascade) -> Session:
        """Return the session of a cascade, always the same one."""
        session = self._sessions.get(cascade.id)
        if session is None:
            session = self._sessions[cascade.id] = Session(cascade)
            session.settle(self._ended.get(cascade.id) or self._row(cascade), self._failure)
        return session

    def _row(self, cascade: Cascade) -> SessionRow | None:
        """Return the last line of a session that had ended before the engine began."""
        return self.live.ledger.row(cascade.id) if cascade.status in ENDED else None

    def _session_ended(self, number: int, row: SessionRow) -> None:
        self._ended[number] = row
        if number in self._sessions:
            self._sessions[number].settle(row)

    def _session_woken(self, number: int) -> None:
        self._ended.pop(number, None)
        if number in self._sessions:
            self._sessions[number].reopen()

    def _engine_failed(self, error: EngineError) -> None:
        self._failure = error
        for session in self._sessions.values():
            session.settle(None, error)

    # Watching over the engine

    def _beat(self) -> None:
        """Every half second: warn of a tick that does not end; the engine itself cannot."""
        self._pulse = self._loop.call_later(_PULSE_SECONDS, self._beat)
        under_way, newest = self.engine.under_way, self.frames.newest
        if under_way is None or newest is None:
            return
        what, since = under_way
        seconds = time.monotonic() - since
        if seconds > _STALLED_SECONDS:
            warning = f"{what} has been running for {seconds:.0f} s; the engine answers after it."
            self.frames.publish(self._warned(newest, warning))

    def _warned(self, frame: Frame, warning: str) -> Frame:
        return replace(frame, revision=next_revision(), banner=warning)


def _nothing() -> None:
    """Do nothing: the answer says that the engine is there."""


def not_open() -> HubbubError:
    """Return the error of using a simulation outside its block."""
    return HubbubError("The simulation is not open; use `async with Simulation(world)`.")
