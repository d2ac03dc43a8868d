"""The asyncio shell around a world: commands in, frames out, the world in a thread of its own."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import numpy.typing as npt

from sim.core.checks import whole_number
from sim.core.events import Event, EventBus, Middleware, Subscription
from sim.core.progress import Report, quiet
from sim.core.scratch import be_frugal
from sim.errors import HubbubError, InputError
from sim.runtime.bulk_jobs import BulkCommands
from sim.runtime.engine.outbox import AsyncHandlers, FrameWatch
from sim.runtime.engine.run_control import never
from sim.runtime.engine.thread_client import EngineClient, not_open
from sim.runtime.frames.frames import Frame
from sim.runtime.frames.sessions import Session
from sim.runtime.health.watch import HealthQueries
from sim.runtime.interactions import Batch, InteractionStream, read
from sim.runtime.jobs import in_thread
from sim.runtime.journal.persistence import Keeping, Persistence, begin, keeping_of
from sim.runtime.journal.writer import Pacing
from sim.runtime.ownership import claim, release
from sim.runtime.performance import Performance
from sim.runtime.preview import Plan, plan
from sim.runtime.queries.why import WhyQueries
from sim.runtime.stall_recovery import Restarts
from sim.settings.settings import current
from sim.world.influence import found_before, is_best
from sim.world.seeding import author_of, seeds_of, takes_long
from sim.world.state.snapshot import still
from sim.world.state.state import restore_world
from sim.world.world import World

if TYPE_CHECKING:
    from sim.minds.deciding.thinker import Thinker
    from sim.store import SaveReport

__all__ = ["Simulation"]

T = TypeVar("T")
P = ParamSpec("P")
E = TypeVar("E", bound=Event)

_MOST_TICKS = 100_000


class Simulation(BulkCommands, Restarts, WhyQueries, HealthQueries):
    """A world that lives: it runs in a thread, answers commands in order, and can be watched.

    A task that is cancelled while its command waits takes the command back; one that has begun is
    carried out, a stretch of ticks as far as the running tick.

    Parameters
    ----------
    world
        The world. While the simulation is open nobody else may touch it.
    name
        What it is called on the screen.
    path
        The file it was opened from, if any.
    max_running
        Messages that spread at once; more wait in the queue. At least 1; None: as the world has
        it, 1,000 for a new one.
    frames_per_second
        Frames while ticks run, in (0, 60]; each command has one of its own besides.
    journal
        Whether to keep a journal beside ``path``, and when to take checkpoints: then a command is
        answered once no crash can take it back, and :func:`sim.runtime.open_live` brings back
        everything that was answered. A :class:`~sim.runtime.journal.persistence.Keeping` names
        another file, and what was recovered there.
    author
        Who asks for what is done, as journal and audit log have it; a ``Keeping`` names its own.
    undo_bytes
        Memory for :meth:`back`; 0: none, None: as settings say. A journal reaches further.
    minds
        What lets minded members decide; None: the rules do.

    Examples
    --------
    ::

        async with Simulation(world) as simulation:
            await simulation.inject("The bridge is closed.", seeds="top:40", model="sir")
            await simulation.play(ticks_per_second=10)
            async with simulation.watch() as frames:
                async for frame in frames: ...
    """

    def __init__(
        self,
        world: World,
        *,
        name: str = "untitled",
        path: str | Path | None = None,
        max_running: int | None = None,
        frames_per_second: float = 10.0,
        journal: bool | Pacing | Keeping = False,
        author: str = "script",
        undo_bytes: int | None = None,
        minds: Thinker | None = None,
    ) -> None:
        if max_running is not None:
            whole_number(max_running, "max_running", low=1)
        if not 0 < frames_per_second <= 60:
            raise InputError(f"frames_per_second must be in (0, 60], got {frames_per_second}.")
        self._world = world
        self._keeping = keeping_of(journal, path, author)
        self._author = author if self._keeping is None else self._keeping.author
        self._max_running = max_running
        undo = current().undo_mb << 20 if undo_bytes is None else undo_bytes
        self._undo_bytes = whole_number(undo, "undo_bytes", low=0)
        self._awaiting = AsyncHandlers()
        self._bus, self._minds = EventBus(run=self._awaiting), minds
        self._opened: EngineClient | None = None
        at, fps = None if path is None else str(path), frames_per_second
        self._link_to = partial(
            EngineClient, name=name, path=at, bus=self._bus, frames_per_second=fps
        )

    async def __aenter__(self) -> Simulation:
        if self._opened is not None:
            raise HubbubError("A simulation is entered once; make a new one of its world.")
        claim(self._world)
        be_frugal()
        try:
            self._world.trail.by(self._world, self._author)
            custody = await self._kept()
            if self._max_running not in {None, self._world.max_running}:
                with custody.done("limit", (self._max_running,)):
                    self._world.max_running = self._max_running
            self._opened = self._link_to(self._world, custody=custody)
            await self._opened.open()
            await self._begin_thinking(self._minds)
        except BaseException:
            await self._close()
            raise
        return self

    async def _kept(self) -> Persistence:
        """Begin the journal, or go on with the one that is there."""
        if self._keeping is None:
            return Persistence(self._world, undo_bytes=self._undo_bytes)
        keeper = await in_thread(begin, self._world, self._keeping)
        return Persistence(self._world, keeper, self._keeping, undo_bytes=self._undo_bytes)

    async def _close(self) -> None:
        """Give the world back, as soon as no tick has it any more."""
        if self._opened is None:
            release(self._world)
        else:
            await self._opened.close()
            self._opened.when_over(partial(release, self._world))

    async def __aexit__(self, *_: object) -> None:
        await self._end_thinking()
        await self._close()
        await self._awaiting.close()

    @property
    def _link(self) -> EngineClient:
        if self._opened is None:
            raise not_open()
        return self._opened

    # Watching

    @property
    def frame(self) -> Frame:
        """The newest frame."""
        newest = self._link.frames.newest
        if newest is None:
            raise not_open()
        return newest

    def watch(self, size: int = 2) -> FrameWatch:
        """Return a watch: ``async with simulation.watch() as frames: async for frame in frames``.

        Parameters
        ----------
        size
            Frames kept for a watcher that is busy; the oldest one goes when there are more.
        """
        return self._link.frames.watch(size)

    def subscribe(self, kind: type[E], handler: Callable[[E], object]) -> Subscription:
        """Call ``handler`` with every event of a kind, in the event loop's thread.

        An asynchronous one is awaited, beside others. A handler that raises is named in the log of
        events; one that raises three times is unsubscribed, and that is told there. While the loop
        is busy, growth of one cascade is told in sum.
        """
        return self._bus.subscribe(kind, handler)

    def use(self, middleware: Middleware) -> None:
        """Let ``middleware(event, forward)`` see, change or keep every event."""
        self._bus.use(middleware)

    def performance(self) -> Performance:
        """Return how well commands were answered so far."""
        return self._link.meter.read(self._link.live.contacts.rate)

    # Messages

    async def inject(
        self,
        text: str,
        *,
        seeds: npt.ArrayLike | str,
        model: str,
        author: int | str | None = None,
        tags: int | Sequence[str] | None = None,
        kind: str = "post",
        at: int | None = None,
        priority: int = 0,
        draws: Any = None,
        channel: str | None = None,
        **parameters: Any,
    ) -> Session:
        """Send a message on its way.

        Parameters
        ----------
        text
            The message, not empty.
        seeds
            Indices of the agents that hold it first, or an expression of
            :func:`sim.world.seeding.choose_seeds`, such as ``"top:40:pagerank"``.
        model
            The registered name of a propagation model.
        author
            Index of its author; as a string, a foreign id or a name.
        tags, kind, at, draws, channel
            As for ``World.inject``.
        priority
            Among messages in the queue the highest starts first.
        **parameters
            Of the model.

        Returns
        -------
        Session
            ``await session.done()`` waits for its end.

        Raises
        ------
        InputError, ParameterError, UnknownNameError
            One sentence; nothing is changed.
        """
        options: dict[str, Any] = {"tags": tags, "kind": kind, "at": at, "priority": priority}
        options |= {"draws": draws, "channel": channel}
        live, message = self._link.live, {"text": text, "model": model, **options, **parameters}
        await self._find_best(seeds, message)
        cascade = await self._link.ask(
            lambda: live.inject(message, seeds=seeds, author=author), is_long=takes_long(seeds)
        )
        return self._link.session(cascade)

    async def plan(
        self,
        text: str,
        *,
        seeds: npt.ArrayLike | str,
        model: str,
        author: int | str | None = None,
        **parameters: Any,
    ) -> Plan:
        """Check a message and tell what to expect of it; nothing is changed.

        Parameters are those of :meth:`inject`; a pilot run takes at most some 0.2 s.
        """

        def act() -> Plan:
            live, message = self._link.live, {"text": text, "model": model, **parameters}
            holders, writer = seeds_of(live.world, seeds, message), author_of(live.world, author)
            found = plan(live.world, message | {"seeds": holders, "author": writer})
            return replace(found, best=found_before(live.world, seeds, message))

        await self._find_best(seeds, {"model": model} | parameters)
        planned: Plan = await self._link.ask(act, is_long=takes_long(seeds))
        return planned

    async def _find_best(self, seeds: npt.ArrayLike | str, message: dict[str, Any]) -> None:
        """Find seeds that are the best of something beside the engine, which has them then."""
        if isinstance(seeds, str) and is_best(seeds):
            await self.best_seeds(seeds, **message)

    def session(self, number: int) -> Session:
        """Return the session of a message, whoever sent it."""
        return self._link.session(self._link.live.cascade(number))

    async def set_parameter(self, session: int, name: str, value: object) -> None:
        """Change a parameter of a session's model from the next tick on; one at rest wakes."""
        await self._link.ask(lambda: self._link.live.set_parameter(session, name, value))

    async def cancel(self, session: int) -> None:
        """Stop a session; what it reached stays. One that has ended stays as it is."""
        await self._link.ask(lambda: self._link.live.cancel(session))

    async def focus(self, session: int | None) -> None:
        """Show a session in full in the frames to come; None: always the newest."""
        await self._link.ask(lambda: self._link.live.focus(session), is_safe=True)

    # Time

    async def step(self, ticks: int = 1) -> int:
        """Run ``ticks`` ticks, and return how many were run: fewer when paused meanwhile.

        Playing ends here. Cancelling the awaiting task ends the stepping after the running tick.
        """
        return await self._link.stretch(ticks, never)

    async def run_until_quiet(self, session: int | None = None, limit: int = _MOST_TICKS) -> int:
        """Step until a session (None: every one) has ended, at most ``limit`` ticks."""
        live = self._link.live

        def is_quiet() -> bool:
            return not (live.ledger.alive if session is None else live.cascade(session).alive)

        return await self._link.stretch(limit, is_quiet)

    async def play(
        self,
        ticks_per_second: float | None = None,
        *,
        until_tick: int | None = None,
        until_quiet: bool = False,
    ) -> None:
        """Run until paused; answered at once. Playing already: take the new rate.

        Parameters
        ----------
        ticks_per_second
            In [0.01, 100,000]; None: as fast as possible, though at most 100 a second while no
            message is under way.
        until_tick
            Pause once this tick is complete.
        until_quiet
            Pause once no message is queued or running.
        """
        live, drive, order = self._link.live, self._link.engine.drive, self._link.order()
        last = math.inf if until_tick is None else whole_number(until_tick, "until_tick")

        def is_over() -> bool:
            return live.world.tick >= last or (until_quiet and not live.ledger.alive)

        def act() -> None:
            drive.play(order, ticks_per_second, is_over)
            if is_over():
                drive.pause()

        await self._link.ask(act, order=order)

    async def pause(self) -> None:
        """Stop after the running tick; answered once that is true.

        Steps under way end early; commands sent before the pause are carried out before it.
        """
        await self._link.pause()

    # The world as a whole

    async def save(
        self, path: str | Path | None = None, *, note: str = "", report: Report = quiet
    ) -> SaveReport:
        """Write the world as it is between two ticks to a file; None: to the one it came from.

        It is copied, and written by a thread while ticks and commands go on; this returns once the
        file is safe on the disk. Works also after the engine failed. ``report`` is called in that
        thread.
        """
        live = self._link.live
        saved: SaveReport = await self._link.ask(
            lambda: live.save(path, note, report), is_long=True, is_safe=True, report=report
        )
        return saved

    async def call(
        self,
        function: Callable[Concatenate[World, P], T],
        *args: P.args,
        **keywords: P.kwargs,
    ) -> T:
        """Run ``function(world, ...)`` in the engine's thread between two ticks.

        Meanwhile nothing ticks: what takes long belongs into a thread of its own.
        """
        live = self._link.live
        result: T = await self._link.ask(
            lambda: live.call(function, *args, **keywords),
            is_long=True,
            is_safe=True,
        )
        return result

    async def world(self) -> World:
        """Return a copy of the world as it is now, which this one's ticks never touch.

        What ticks write into is copied between two of them; the rest is done beside the engine.
        """
        copied: World = await self.query(_stilled, then=_restored)
        return copied

    async def interactions(
        self,
        batch_size: int = 1000,
        *,
        max_ticks: int = _MOST_TICKS,
        response_ms: float = 100.0,
    ) -> AsyncIterator[Batch]:
        """Run the world and yield who convinced whom, and who did what to whom, from now on.

        It ends when every message is at rest and there is no platform.

        Parameters
        ----------
        batch_size
            Interactions in the first batch, at least 1; later ones grow or shrink so that a batch
            takes about ``response_ms``.
        max_ticks
            Ends the iteration after this many ticks.
        response_ms
            Milliseconds that a batch should take.
        """
        stream = InteractionStream(batch_size, response_ms)
        async for batch in read(self._link, stream, max_ticks):
            yield batch


def _stilled(world: World) -> World:
    return still(world, lambda _name, column: column.copy())


def _restored(twin: World) -> World:
    return restore_world(type(twin), *twin.packed())
