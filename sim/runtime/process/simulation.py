"""A simulation whose engine is a process of its own: what a plugin breaks there stays there.

The world lives in the other process, and in a journal that makes whatever was answered outlast that
process. When it dies, or is killed because a plugin does not come back, another one goes on from
the journal, without the messages of the plugin at fault.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import numpy.typing as npt

from sim.core.checks import whole_number
from sim.core.events import Event, Middleware, Subscription
from sim.core.progress import Report, quiet
from sim.errors import HubbubError, InputError
from sim.platform.opening import phases_of
from sim.runtime.engine.outbox import FrameWatch
from sim.runtime.engine.stall import StallOutcome
from sim.runtime.engine.thread_client import not_open
from sim.runtime.frames.frames import Frame
from sim.runtime.health.checks import Health
from sim.runtime.health.watch import ProcessHealthWatch
from sim.runtime.interactions import Batch, InteractionStream
from sim.runtime.jobs import in_thread
from sim.runtime.journal.persistence import Keeping, begin
from sim.runtime.journal.writer import Pacing
from sim.runtime.ownership import claim, release
from sim.runtime.performance import Performance
from sim.runtime.preview import Plan
from sim.runtime.process.child import spawned
from sim.runtime.process.client import Begin, ProcessEngine
from sim.runtime.process.sessions import IsolatedSession, ProcessBulkCommands
from sim.runtime.process.wire import EngineOrder
from sim.runtime.simulation import Simulation
from sim.world.log import LoggedAct
from sim.world.world import World

if TYPE_CHECKING:
    from sim.store import SaveReport

__all__ = ["IsolatedSession", "IsolatedSimulation"]

T = TypeVar("T")
P = ParamSpec("P")
E = TypeVar("E", bound=Event)

_MOST_TICKS = 100_000


class IsolatedSimulation(ProcessBulkCommands, Simulation):
    """A simulation that no plugin can take down: it loops, crashes or eats memory elsewhere.

    Everything that can be awaited and watched is that of :class:`~sim.runtime.Simulation`, but:
    functions and arguments must be picklable; a session has no ``cascade``; the world that is
    passed stays as it is, and the one under way is had by :meth:`save` or :meth:`world`. Phases of
    one's own do not travel, and it does not go back, branch, explain, study or think. What was not
    yet answered when an engine ended is refused with
    :class:`~sim.runtime.engine.engine_command.ReplacedError`,
    "ask again"; after that the new engine is paused.

    Parameters
    ----------
    world
        The world, or the file to load it from.
    name, path, max_running, frames_per_second, journal, author
        As of :class:`~sim.runtime.Simulation`. Without ``journal`` one is kept in a temporary
        folder all the same, which is removed at the end.
    patience
        Seconds after which a foreign plugin that does not come back is stopped unasked; None: only
        :meth:`restart` stops it.
    memory_mb
        What the engine may allocate; None: nine tenths of what is free at the start, at most 2 GiB
        and 16 times the world more than it has then.
    spawn
        Starts an engine's process.

    Examples
    --------
    ::

        async with IsolatedSimulation(world, patience=60) as simulation:
            session = await simulation.inject("Hello.", seeds=[0], model="mine")
            await simulation.play()
            print((await session.done()).error)
    """

    def __init__(
        self,
        world: World | str | Path,
        *,
        name: str = "untitled",
        path: str | Path | None = None,
        max_running: int | None = None,
        frames_per_second: float = 10.0,
        journal: bool | Pacing | Keeping = False,
        author: str = "script",
        patience: float | None = None,
        memory_mb: int | None = None,
        spawn: Begin = spawned,
    ) -> None:
        if isinstance(world, str | Path):
            from sim.store import load

            path, world = path or world, load(world)
        super().__init__(
            world, name=name, path=path, max_running=max_running,
            frames_per_second=frames_per_second, journal=journal, author=author,
        )  # fmt: skip
        is_open = {"platform": world.platform is not None, "metrics": world.metrics is not None}
        if world.phases != phases_of(**is_open):
            raise InputError(
                "The engine is another process, where phases of your own cannot be sent; use "
                "Simulation, or write a plugin."
            )
        if memory_mb is not None and memory_mb < 1:
            raise InputError(f"memory_mb must be at least 1, got {memory_mb}.")
        self._order = EngineOrder(
            at="", name=name, path=None if path is None else str(path), max_running=max_running,
            frames_per_second=frames_per_second, memory_mb=memory_mb, author=self._author,
        )  # fmt: skip
        self._patience = patience
        self._spawn = spawn
        self._remote: ProcessEngine | None = None
        self._folder: Path | None = None
        self._streams = itertools.count(1)
        self._copies = itertools.count(1)
        self._far = ProcessHealthWatch()

    async def __aenter__(self) -> IsolatedSimulation:
        if self._folder is not None:
            raise HubbubError("A simulation is entered once; make a new one of its world.")
        self._folder = Path(tempfile.mkdtemp(prefix="hubbub-"))
        try:
            order = await self._with_journal(self._folder)
            del self._world  # it lives elsewhere now, and once is enough
            self._remote = ProcessEngine(
                order, self._folder / "mark", begin=self._spawn, bus=self._bus,
                patience=self._patience,
            )  # fmt: skip
            await self._remote.open()
        except BaseException:
            self._sweep(self._folder)
            raise
        return self

    async def _with_journal(self, folder: Path) -> EngineOrder:
        """Give the journal its beginning, and return what a process is told."""
        from sim.settings.settings import current

        asked = self._keeping
        keeping = asked or Keeping(folder / "world.hub", Pacing(), self._author)
        claim(self._world)
        try:
            keeper = await in_thread(begin, self._world, keeping)
            keeper.close(self._world)
        finally:
            release(self._world)
        return replace(
            self._order, at=str(keeping.path), is_asked_for=asked is not None,
            pacing=keeping.pacing, settings=current(),
        )  # fmt: skip

    async def __aexit__(self, *_: object) -> None:
        if self._remote is not None:
            await self._remote.close()
        await self._awaiting.close()
        if self._folder is not None and (self._remote is None or not self._remote.failure):
            self._sweep(self._folder)

    def _sweep(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)

    @property
    def _engine(self) -> ProcessEngine:
        if self._remote is None:
            raise not_open()
        return self._remote

    # Watching

    @property
    def frame(self) -> Frame:
        """The newest frame."""
        newest = self._engine.frames.newest
        if newest is None:
            raise not_open()
        return newest

    def watch(self, size: int = 2) -> FrameWatch:
        """Return a watch; see :meth:`sim.runtime.Simulation.watch`."""
        return self._engine.frames.watch(size)

    def subscribe(self, kind: type[E], handler: Callable[[E], object]) -> Subscription:
        """Call ``handler`` with every event of a kind, in this process."""
        self._hear()
        return self._bus.subscribe(kind, handler)

    def use(self, middleware: Middleware) -> None:
        """Let ``middleware(event, forward)`` see, change or keep every event, in this process."""
        self._hear()
        self._bus.use(middleware)

    def _hear(self) -> None:
        """Have events sent, if they are not yet."""
        if self._remote is not None and not self._bus:
            self._remote.hear()

    def health(self, *, within: float = 0.0) -> Health:
        """Return the checks as far as the engine's frames tell of its process."""
        return self._far.look(self.frame, within)

    def audit(self, last: int = 100) -> tuple[LoggedAct, ...]:
        """Return the newest acts of the world's log, oldest first, as of the newest frame.

        Parameters
        ----------
        last
            How many at most, from 1; of more than 1,000 the journal and saves know.
        """
        return self._engine.acts(whole_number(last, "last", low=1))

    @property
    def contacts(self) -> int:
        """Contacts between agents that were weighed, as of the newest frame."""
        return self._engine.contacts

    def performance(self) -> Performance:
        """Return how well commands were answered so far."""
        return self._engine.meter.read(self.frame.contacts_per_second)

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
    ) -> IsolatedSession:
        """Send a message on its way; see :meth:`sim.runtime.Simulation.inject`."""
        said: dict[str, Any] = {"tags": tags, "kind": kind, "at": at, "priority": priority}
        said |= {"draws": draws, "channel": channel, "author": author, **parameters}
        engine = self._engine
        made = await engine.ask("inject", text, seeds=seeds, model=model, **said)
        return IsolatedSession(engine, *made)

    async def plan(
        self,
        text: str,
        *,
        seeds: npt.ArrayLike | str,
        model: str,
        author: int | str | None = None,
        **parameters: Any,
    ) -> Plan:
        """Check a message and tell what to expect of it; nothing is changed."""
        said = {"seeds": seeds, "model": model, "author": author, **parameters}
        plan: Plan = await self._engine.ask("plan", text, **said)
        return plan

    def session(self, number: int) -> IsolatedSession:
        """Return the session of a message, whoever sent it."""
        rows = [row for row in self.frame.sessions if row.id == number]
        if not rows:
            raise InputError(f"No session {number} is listed.")
        return IsolatedSession(self._engine, number, rows[0].text, rows[0].model)

    async def set_parameter(self, session: int, name: str, value: object) -> None:
        """Change a parameter of a session's model from the next tick on; one at rest wakes."""
        await self._engine.ask("set_parameter", session, name, value)

    async def cancel(self, session: int) -> None:
        """Stop a session; what it reached stays. One that has ended stays as it is."""
        await self._engine.ask("cancel", session)

    async def focus(self, session: int | None) -> None:
        """Show a session in full in the frames to come; None: always the newest."""
        await self._engine.ask("focus", session)
        self._engine.chosen = session

    # Time

    async def step(self, ticks: int = 1) -> int:
        """Run ``ticks`` ticks, and return how many were run: fewer when paused meanwhile."""
        return int(await self._engine.ask("step", ticks))

    async def run_until_quiet(self, session: int | None = None, limit: int = _MOST_TICKS) -> int:
        """Step until a session (None: every one) has ended, at most ``limit`` ticks."""
        return int(await self._engine.ask("run_until_quiet", session, limit))

    async def play(
        self,
        ticks_per_second: float | None = None,
        *,
        until_tick: int | None = None,
        until_quiet: bool = False,
    ) -> None:
        """Run until paused; answered at once. Playing already: take the new rate."""
        said = {"until_tick": until_tick, "until_quiet": until_quiet}
        await self._engine.ask("play", ticks_per_second, **said)

    async def pause(self) -> None:
        """Stop after the running tick; answered once that is true."""
        await self._engine.ask("pause")

    @property
    def ended(self) -> StallOutcome | None:
        """How the last engine ended that another one took over from; None: none did."""
        return self._engine.last

    async def ready(self) -> None:
        """Wait while one engine takes over from another; at once when none has ended.

        Raises
        ------
        EngineError
            When none can go on; the sentence says where the world is.
        """
        await self._engine.ready()

    async def restart(self) -> StallOutcome:
        """End a stall (``frame.stalled``): the plugin that does not come back is stopped.

        A loop written in Python is interrupted; from any other the process is killed, and another
        one goes on from the last completed tick.

        Raises
        ------
        InputError
            When the engine answers.
        EngineError
            When no foreign plugin holds it up.
        """
        return await self._engine.restart()

    # The world as a whole

    async def save(
        self, path: str | Path | None = None, *, note: str = "", report: Report = quiet
    ) -> SaveReport:
        """Write the world to a file between two ticks; None: to the one it came from."""
        where = None if path is None else str(Path.cwd() / path)  # the process may be elsewhere
        engine = self._engine
        engine.saving = None if where is None else Path(where)
        saved: SaveReport = await engine.asking("save", (where, note), {}, report)
        return saved

    async def world(self) -> World:
        """Return a copy of the world as it is now, in this process."""
        from sim.store import load

        assert self._folder is not None  # noqa: S101 - _engine raises before
        at = self._folder / f"copy-{next(self._copies)}.hub"
        await self._engine.ask("call", _written, str(at))
        try:
            return await in_thread(load, at)
        finally:
            at.unlink(missing_ok=True)

    async def call(
        self,
        function: Callable[Concatenate[World, P], T],
        *args: P.args,
        **keywords: P.kwargs,
    ) -> T:
        """Run ``function(world, ...)`` in the engine's process between two ticks.

        Raises
        ------
        InputError
            When the function, or what it is called with, cannot be sent there.
        """
        result: T = await self._engine.ask("call", function, *args, **keywords)
        return result

    async def interactions(
        self,
        batch_size: int = 1000,
        *,
        max_ticks: int = _MOST_TICKS,
        response_ms: float = 100.0,
    ) -> AsyncIterator[Batch]:
        """Run the world and yield who convinced whom, as :meth:`Simulation.interactions`."""
        InteractionStream(batch_size, response_ms)  # refuses what is wrong, here and now
        number = next(self._streams)
        said = {"batch_size": batch_size, "max_ticks": max_ticks, "response_ms": response_ms}
        while (batch := await self._engine.ask("batch", number, said)) is not None:
            yield batch


def _written(world: World, path: str) -> None:
    """Write a world to a file, in the engine's process."""
    from sim.store import save

    save(world, path)
