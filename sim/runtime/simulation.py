"""The asyncio interface of a world: commands in, frames out, the world in a separate thread."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, overload

import numpy.typing as npt

from sim.core.checks import LAST_TICK, whole_number
from sim.core.events import Event, EventBus, Middleware, Subscription
from sim.core.progress import Report, quiet
from sim.errors import HubbubError, InputError
from sim.platform.feed.why import Why
from sim.runtime import bulk_operations
from sim.runtime import travel as travel
from sim.runtime.bulk_operations import DetectedCommunities, check_method
from sim.runtime.engine.outbox import AsyncHandlers, FrameWatch
from sim.runtime.engine.run_control import Program
from sim.runtime.engine.stall import StallOutcome
from sim.runtime.engine.thread_client import ThreadEngine, not_open, open_thread
from sim.runtime.frames.frames import Frame
from sim.runtime.frames.sessions import Session, require_loop
from sim.runtime.health import Health, Performance
from sim.runtime.interactions import Batch, InteractionStream
from sim.runtime.jobs import Job
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.journal.persistence import JournalConfig, journal_config_of
from sim.runtime.preview import Plan
from sim.runtime.process.client import (
    Begin,
    Isolation,
    ProcessEngine,
    open_process,
    refuse_own_phases,
    spawned,
)
from sim.runtime.queries import why as reasons
from sim.runtime.queries.why import Chain
from sim.runtime.travel import Branch
from sim.settings.settings import current
from sim.store import SaveReport, load
from sim.world.log import LoggedAct
from sim.world.seeding import FoundSeeds
from sim.world.world import World

if TYPE_CHECKING:
    from sim.minds.deciding.thinker import Thinker
    from sim.runtime.travel import Reach
    from sim.store.history.reading import HistoryEvent, WorldHistory
    from sim.store.journal.lineage import Bookmark
    from sim.store.journal.reading import Audit


R = TypeVar("R")
T = TypeVar("T")
P = ParamSpec("P")
E = TypeVar("E", bound=Event)
EngineClient = ThreadEngine | ProcessEngine

_MOST_TICKS = 100_000


class Simulation:
    """A live world: it runs in a thread, answers commands in order, and can be watched.

    Cancelling a task withdraws its command if that still waits; a command that has begun is carried
    out, a run of ticks up to the end of the running tick.

    Parameters
    ----------
    world
        The world. It must not be used directly while the simulation is open.
    name
        Its name on the screen.
    path
        The file it was opened from, if any.
    max_running
        Messages that spread at once; more wait in the queue. At least 1; None: the world's own
        limit, 1,000 for a new one.
    frames_per_second
        Frames per second while ticks run, in (0, 60]; each command makes one in addition.
    journal
        Whether to keep a journal beside ``path``, and when to take checkpoints: then a command is
        answered once it is safe from a crash, and :func:`sim.runtime.open_live` recovers
        everything that was answered. A
        :class:`~sim.runtime.journal.persistence.JournalConfig` names another file, and what was
        recovered there.
    author
        The author of commands in the journal and the audit log; a ``JournalConfig`` names its
        own.
    undo_bytes
        Bytes for :meth:`back`; 0: none, None: as in the settings. A journal reaches further.
    minds
        Lets members with minds decide; None: the rules decide.
    isolated
        Whether the engine is a separate process, so that no plugin can take this one down: it
        loops, crashes or eats memory there, and another process resumes from the last completed
        tick, paused, without the messages of the plugin at fault. Unanswered commands raise
        :class:`~sim.runtime.engine.engine.ReplacedError`, "ask again". It is
        no guard against malice: a plugin can do whatever the program can. An
        :class:`~sim.runtime.process.client.Isolation` says how. Then functions and arguments must
        be picklable, a session has no ``cascade``, custom phases are refused, minds do not decide,
        and no journal can be begun later; the world that is passed does not change, and
        :meth:`save` or :meth:`world` give the one that runs. Without ``journal`` one is kept in a
        temporary folder, which is removed at the end.

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
        journal: bool | Pacing | JournalConfig = False,
        author: str = "script",
        undo_bytes: int | None = None,
        minds: Thinker | None = None,
        isolated: bool | Isolation = False,
    ) -> None:
        if max_running is not None:
            whole_number(max_running, "max_running", low=1)
        if not 0 < frames_per_second <= 60:
            raise InputError(f"frames_per_second must be in (0, 60], got {frames_per_second}.")
        self._world: World | None = world
        journal_config = journal_config_of(journal, path, author)
        undo = current().undo_mb << 20 if undo_bytes is None else undo_bytes
        whole_number(undo, "undo_bytes", low=0)
        self._awaiting = AsyncHandlers()
        self._bus = EventBus(run=self._awaiting)
        self._opened: EngineClient | None = None
        self._streams = itertools.count(1)
        self.is_isolated = bool(isolated)
        opening: Callable[..., Awaitable[EngineClient]]
        if isolated:
            refuse_own_phases(world)
            if minds is not None:
                raise InputError(
                    "Minds think in the program's own process; open the world without isolation."
                )
            how = isolated if isinstance(isolated, Isolation) else Isolation()
            opening = partial(open_process, isolation=how)
        else:
            opening = partial(open_thread, minds=minds)
        self._open = partial(
            opening, name=name, path=None if path is None else str(path), bus=self._bus,
            frames_per_second=frames_per_second, journal_config=journal_config,
            author=author if journal_config is None else journal_config.author,
            max_running=max_running, undo_bytes=undo,
        )  # fmt: skip

    async def __aenter__(self) -> Simulation:
        if self._world is None:
            raise HubbubError("A simulation is entered once; make a new one of its world.")
        self._loop = asyncio.get_running_loop()
        self._opened = await self._open(self._handed_over())
        return self

    def __repr__(self) -> str:
        if self._opened is None:
            return f"<Simulation of {self._world!r}, not entered>"
        return f"<Simulation of {self._opened.frames.newest!r}>"

    def _handed_over(self) -> World:
        """Return the world and drop the reference: an isolated engine should hold the only copy."""
        world, self._world = self._world, None
        assert world is not None  # noqa: S101 - asked before
        return world

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()
        await self._awaiting.close()

    @property
    def _client(self) -> EngineClient:
        if self._opened is None:
            raise not_open()
        require_loop(self._loop)
        return self._opened

    # Watching

    @property
    def frame(self) -> Frame:
        """The newest frame."""
        newest = self._client.frames.newest
        if newest is None:
            raise not_open()
        return newest

    def watch(self, size: int = 2) -> FrameWatch:
        """Return a watch: ``async with simulation.watch() as frames: async for frame in frames``.

        Parameters
        ----------
        size
            Frames kept for a busy watcher; the oldest is dropped when there are more.
        """
        return self._client.frames.watch(size)

    def subscribe(self, kind: type[E], handler: Callable[[E], object]) -> Subscription:
        """Call ``handler`` with every event of a kind, in the event loop's thread.

        An asynchronous handler is awaited, concurrently with others. A handler that raises is named
        in the log of events; one that raises three times is unsubscribed, which is logged, too.
        While the loop is busy, growth events of one cascade are summed up.
        """
        self._hear()
        return self._bus.subscribe(kind, handler)

    def use(self, middleware: Middleware) -> None:
        """Let ``middleware(event, forward)`` see, change or withhold every event.

        An asynchronous one is awaited, concurrently with others, and may await ``forward(event)``;
        events that arrive while it waits may overtake the one it holds.
        """
        self._hear()
        self._bus.use(middleware)

    def _hear(self) -> None:
        """Have events sent, if they are not sent yet."""
        if self._opened is not None and not self._bus:
            self._opened.hear()

    def performance(self) -> Performance:
        """Return the performance figures of commands so far."""
        return self._client.performance()

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
        image: str | None = None,
        alt: str | None = None,
        **parameters: Any,
    ) -> Session:
        """Send a message.

        Parameters
        ----------
        text
            The message, not empty.
        seeds
            Indices of the agents that hold it first, or an expression of
            :func:`sim.world.seeding.choose_seeds`, such as ``"top:40:pagerank"``.
        model
            The registered name of a propagation model.
        author, tags, kind, at, priority, draws, channel, image, alt
            As for ``World.inject``.
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
        said: dict[str, Any] = {"tags": tags, "kind": kind, "at": at, "priority": priority}
        said |= {"draws": draws, "channel": channel, "author": author, "image": image, "alt": alt}
        client = self._client
        number, *words = await client.ask(
            ThreadEngine.inject, text, seeds=seeds, model=model, **said, **parameters
        )
        return client.session(number, (words[0], words[1]))

    async def plan(
        self,
        text: str,
        *,
        seeds: npt.ArrayLike | str,
        model: str,
        **said: Any,
    ) -> Plan:
        """Check a message and estimate its effect; nothing is changed.

        Parameters are those of :meth:`inject`; a pilot run takes at most about 0.2 s.
        """
        return await self._client.ask(ThreadEngine.plan, text, seeds=seeds, model=model, **said)

    def session(self, number: int) -> Session:
        """Return the session of a message from any sender."""
        return self._client.session(number)

    async def set_parameter(self, session: int, name: str, value: object) -> None:
        """Change a parameter of a session's model from the next tick on.

        An ended one runs again; a change that would not let it run is refused.
        """
        await self._client.ask(ThreadEngine.set_parameter, session, name, value)

    async def cancel(self, session: int) -> None:
        """Stop a session; its adopters stay. One that has ended is left unchanged."""
        await self._client.ask(ThreadEngine.cancel, session)

    async def focus(self, session: int | None) -> None:
        """Show a session in full in future frames; None: always the newest."""
        await self._client.focus(session)

    # Time

    async def step(self, ticks: int = 1) -> int:
        """Run ``ticks`` ticks, and return how many were run: fewer when paused meanwhile.

        This ends playing. Cancelling the awaiting task ends the run after the running tick.
        """
        return await self._client.ask(ThreadEngine.step, ticks)

    async def run_until_quiet(self, session: int | None = None, limit: int = _MOST_TICKS) -> int:
        """Step until a session (None: all) has ended, at most ``limit`` ticks."""
        return await self._client.ask(ThreadEngine.run_until_quiet, session, limit)

    async def play(
        self,
        ticks_per_second: float | None = None,
        *,
        until_tick: int | None = None,
        until_quiet: bool = False,
    ) -> None:
        """Run until paused; return at once. If it plays already, set the new rate.

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
        await self._client.ask(
            ThreadEngine.play, ticks_per_second, until_tick, until_quiet=until_quiet
        )

    async def pause(self) -> None:
        """Stop after the running tick; return once it has ended.

        Steps under way end early; commands sent before the pause are carried out before it.
        """
        await self._client.ask(ThreadEngine.pause)

    # The world as a whole

    async def save(
        self, path: str | Path | None = None, *, note: str = "", report: Report = quiet
    ) -> SaveReport:
        """Write the current world to a file, between two ticks; None: to the one it came from.

        It is copied, and written by a thread while ticks and commands continue; this returns once
        the file is safe on the disk. It also works after an engine failure. ``report`` is called in
        that thread.

        Raises
        ------
        FileError
            If another program wrote the world's own file since it was opened or saved there, or if
            writing fails.
        """
        return await self._client.save(report, path, note)

    async def keep(self, journal_config: JournalConfig) -> None:
        """Begin a journal now, if there is none; the world is paused for it.

        Raises
        ------
        InputError
            If it keeps one already, or is isolated.
        LeaseError, FileError
            If another process has a world there, or writing fails.
        """
        await self._client.ask(ThreadEngine.keep, journal_config)

    async def world(self) -> World:
        """Return a copy of the current world, which this one's ticks never change.

        Arrays that ticks write to are copied between two of them; the rest is done in a thread.
        """
        return await self._client.world()

    async def call(
        self, function: Callable[Concatenate[World, P], T], *args: P.args, **keywords: P.kwargs
    ) -> T:
        """Run ``function(world, ...)`` in the engine, between two ticks.

        No tick runs meanwhile: long work belongs in a separate thread.

        Raises
        ------
        InputError
            If the function or its arguments cannot be sent to an isolated engine.
        """
        result: T = await self._client.ask(ThreadEngine.call, function, *args, **keywords)
        return result

    async def begin(self, program: Program, since: int | None = None) -> tuple[Session, ...]:
        """Carry out a program from now on, such as the plan of a scenario.

        Its ``begin`` is called now, and what is due after a tick is done once the tick was run, by
        any caller. When it is over, the world is paused, and a line of ``frame.events`` says so;
        ``frame.program`` shows its state. Its actions are journalled like any command.

        Parameters
        ----------
        program
            A :class:`~sim.scenario.plan.RunPlan`, or another one; a world runs one at a time.
            It runs in the engine, so for an isolated one it must be picklable.
        since
            The tick at which it began in this world, if its ``begin`` was called before, also in a
            resumed save; what is due at the world's own tick is then done now. None: it begins
            now.

        Returns
        -------
        tuple of Session
            The messages that it sent at once.

        Raises
        ------
        InputError, ParameterError, UnknownNameError, FileError
            One sentence: if the world cannot do what it says, or another program is running.

        Examples
        --------
        ::

            scenario = read_scenario("storm.toml")
            async with Simulation(scenario.world(quiet)) as simulation:
                await simulation.begin(scenario.plan())
                ticks = await simulation.step(1000)  # fewer: its stop rule pauses
        """
        client = self._client
        sent = await client.begin(program, since)
        return tuple(client.session(number, (text, model)) for number, text, model in sent)

    async def do(self, command: str, /, *args: Any, **keywords: Any) -> Any:
        """Carry out a command between two ticks: a journal records it and can replay it.

        Parameters
        ----------
        command
            A name of :data:`sim.world.commands.COMMANDS`, such as ``"follow"``.
        *args, **keywords
            Its arguments besides the world.

        Returns
        -------
        object
            The result.

        Raises
        ------
        UnknownNameError, InputError
            If there is no such command, or it takes other arguments; and what it raises itself.

        Examples
        --------
        ::

            await simulation.do("follow", [1, 2], [7, 7])
        """
        return await self._client.ask(ThreadEngine.command, command, *args, **keywords)

    async def do_as(self, author: str, command: str, /, *args: Any, **keywords: Any) -> Any:
        """As :meth:`do`, for an author whom journal and audit log name; of a message, its number.

        Ticks are run in the name of who asked for steps last, 0 of them at least.
        """
        return await self._client.ask(ThreadEngine.command_by, author, command, *args, **keywords)

    @overload
    async def query(self, function: Callable[..., R], *args: Any) -> R: ...

    @overload
    async def query(
        self, function: Callable[..., R], *args: Any, then: Callable[[R], Awaitable[T]]
    ) -> T: ...

    @overload
    async def query(self, function: Callable[..., R], *args: Any, then: Callable[[R], T]) -> T: ...

    async def query(
        self, function: Callable[..., Any], *args: Any, then: Callable[[Any], Any] | None = None
    ) -> Any:
        """Return ``function(world, *args)``, called between two ticks; it must change nothing.

        Unlike with :meth:`call`, it is answered ahead of waiting commands, in any state and also
        during a run of steps, ten times a second if need be; changes to the world go
        unnoticed.

        Parameters
        ----------
        function
            It should take less than 50 ms, as no tick runs meanwhile, and must return nothing
            that the world continues to write to.
        *args
            Its arguments.
        then
            Computes the answer from its result, in a thread outside the engine, for slower work;
            or a coroutine function, which is awaited instead.

        Raises
        ------
        InputError
            What the function raises; and if it cannot be sent to an isolated engine.
        HubbubError
            If the simulation is not open, or is closed meanwhile.
        """
        return await self._client.ask(ThreadEngine.query, function, *args, then=then)

    async def interactions(
        self, batch_size: int = 1000, *, max_ticks: int = _MOST_TICKS, response_ms: float = 100.0
    ) -> AsyncIterator[Batch]:
        """Run the world and yield batches of adoptions with their sources, and acts, from now on.

        It ends when every message has ended and there is no platform.

        Parameters
        ----------
        batch_size
            Interactions in the first batch, at least 1; later ones grow or shrink so that a batch
            takes about ``response_ms``.
        max_ticks
            The iteration ends after this many ticks.
        response_ms
            Target time per batch, in milliseconds.
        """
        InteractionStream(batch_size, response_ms)  # raises for invalid arguments, here and now
        client, number = self._client, next(self._streams)
        while True:
            found = await client.ask(ThreadEngine.batch, number, batch_size, max_ticks, response_ms)
            if found is None:
                return
            yield found

    async def think(self, thinker: Thinker | None) -> None:
        """Let members with minds decide from now on; None: the rules decide for all of them again.

        Commands are answered while they decide; the next tick waits for them.

        Raises
        ------
        InputError
            If the world has no platform, or is isolated.
        """
        await self._client.ask(ThreadEngine.think, thinker)

    # Long work

    def create_agents(self, count: int) -> Job[range]:
        """Add agents without ties; await it for their indices."""
        return self._client.job(ThreadEngine.change, bulk_operations.create_agents, count)

    def build_friendships(self, max_friends: int = 10) -> Job[int]:
        """Befriend agents, similar ones first, up to ``max_friends`` each; await the ties added."""
        return self._client.job(ThreadEngine.change, bulk_operations.build_friendships, max_friends)

    def create_communities(
        self, names: Sequence[str], max_members: int = 150
    ) -> Job[dict[str, int]]:
        """Gather agents around the named topics; await it for the size of each community."""
        return self._client.job(
            ThreadEngine.change, bulk_operations.create_communities, tuple(names), max_members
        )

    def detect_communities(self, method: str = "louvain") -> Job[DetectedCommunities]:
        """Find communities in the network, in a thread of their own, and assign them to agents.

        A cancelled job leaves the communities unchanged.

        Parameters
        ----------
        method
            A name of :data:`sim.network.analysis.analysis.METHODS`.
        """
        check_method(method)
        return self._client.job(ThreadEngine.detect_communities, method)

    def best_seeds(self, seeds: str, *, model: str, **parameters: Any) -> Job[FoundSeeds]:
        """Find the seeds of an expression such as ``best:20``, in a thread outside the engine.

        The result is cached until ties or members change: a message with the same expression gets
        it at once.

        Parameters
        ----------
        seeds
            ``best:20``, or ``best:20:linear-threshold``.
        model, parameters
            Of the message; other arguments of ``inject`` are ignored.
        """
        return self._client.job(ThreadEngine.best_seeds, seeds, model=model, **parameters)

    def study(self, function: Callable[..., T], *args: Any, **keywords: Any) -> Job[T]:
        """Run ``function(ties, ..., report=...)`` in a thread outside the engine.

        It is for long work that only reads the network, such as
        :func:`sim.network.analysis.report.network_report`; it gets the current ties.
        """
        return self._client.job(ThreadEngine.study, function, *args, **keywords)

    # Time travel; playing ends when the world goes back

    def back(self, ticks: int = 1) -> Job[travel.Travelled]:
        """Take the world back by ``ticks`` ticks; await it. See :meth:`go_to`."""
        ticks = whole_number(ticks, "A world goes back; ticks", low=0, high=LAST_TICK)
        return self._client.job(travel.back, ticks)

    def go_to(self, tick: int | str) -> Job[travel.Travelled]:
        """Take the world to an earlier tick, to the state in which it left it; or forward again.

        Later commands are undone; they stay recorded, and :meth:`forward` redoes them until a new
        command is given. A journal is never rewritten: it records that the world went to a
        tick.

        Parameters
        ----------
        tick
            At least 0, or the name of a bookmark. Memory holds as many ticks as fit into
            ``undo_bytes``; a journal reaches back to its first checkpoint, and to bookmarks on
            abandoned lines.

        Returns
        -------
        Job
            Await it for a :class:`~sim.runtime.travel.Travelled`; it reports progress and can be
            cancelled.

        Raises
        ------
        InputError
            If the world never was at that tick, or nothing reaches that far; nothing is changed.
        """
        goal = tick if isinstance(tick, str) else whole_number(tick, "A tick", low=0)
        return self._client.job(travel.go_to, goal)

    def forward(self, ticks: int | None = None) -> Job[travel.Travelled]:
        """Take the world forward again to where it was before it went back; await it.

        Parameters
        ----------
        ticks
            Number of ticks; None: all.

        Raises
        ------
        InputError
            If it did not go back, or a new command was given since.
        """
        if ticks is not None:
            ticks = whole_number(ticks, "A world goes forward; ticks", low=0, high=LAST_TICK)
        return self._client.job(travel.forward, ticks)

    async def bookmark(self, name: str, tick: int | None = None) -> Bookmark:
        """Give a tick a name; an earlier bookmark of that name is replaced.

        Parameters
        ----------
        name
            One line of at most 64 characters, not a number.
        tick
            The tick, not after the world's own; None: the world's own.
        """
        return await self._client.ask(travel.bookmark, name, tick)

    async def bookmarks(self) -> tuple[Bookmark, ...]:
        """Return the bookmarks, in order of tick."""
        return await self._client.ask(travel.bookmarks)

    async def reach(self) -> Reach:
        """Return the range of ticks to which the world can go."""
        return await self._client.ask(travel.reach)

    async def forget(self, name: str) -> None:
        """Remove a bookmark."""
        await self._client.ask(travel.forget, name)

    def branch(self, path: str | Path, tick: int | None = None) -> Job[Branch]:
        """Make another world from a tick of this one, which continues. Await it.

        Parameters
        ----------
        path
            The file to create; it must not exist. Without a journal it is a snapshot.
        tick
            The tick; None: the world's own. Any other requires a journal.
        """
        return self._client.job(travel.branch_off, str(path), tick)

    @overload
    async def history(self) -> WorldHistory: ...

    @overload
    async def history(
        self,
        agent: int,
        other: int | None = None,
        *,
        first: int | None = None,
        last: int | None = None,
    ) -> list[HistoryEvent]: ...

    async def history(
        self,
        agent: int | None = None,
        other: int | None = None,
        *,
        first: int | None = None,
        last: int | None = None,
    ) -> WorldHistory | list[HistoryEvent]:
        """Return the history so far; the database beside the world's file is read while it runs.

        Parameters
        ----------
        agent
            Only its messages, adoptions and acts, in order of time; None: the whole
            :class:`~sim.store.history.reading.WorldHistory`, which reads the database when asked.
        other
            Only adoptions and acts between the two.
        first, last
            Ticks; None: from the beginning, to the end.

        Raises
        ------
        SnapshotError
            If the database is damaged, or foreign.
        """
        return await self._client.ask(travel.history, agent, other, first, last)

    async def audited(self) -> Audit:
        """Return all acts on the world since it was made, compared with its digests.

        They are read from the journal; without one, from the world's last file.

        Raises
        ------
        InputError
            If there is neither.
        SnapshotError
            If they cannot be read.
        """
        return await self._client.ask(travel.audited)

    def why(self, viewer: int, message: int, tick: int | None = None) -> Job[Why]:
        """Return why a member was shown a message, now or in an earlier tick; await it.

        An earlier tick is run again, in a copy: from memory (``undo_bytes``), or otherwise from
        the journal.

        Parameters
        ----------
        viewer, message
            The index of the member, the number of the message.
        tick
            From 1 to the world's own tick; None: the latter.

        Raises
        ------
        InputError
            If it was not shown the message then, there is no platform, or the tick is out of reach.
        """
        return self._client.job(reasons.why, viewer, message, tick)

    async def why_adopted(self, member: int, message: int | None = None) -> Chain:
        """Return through whom a member adopted a message, up to a seed; under every model.

        Parameters
        ----------
        member
            The index of the member.
        message
            The number of the message; None: the newest that it adopted.

        Raises
        ------
        InputError
            If it did not adopt it, or the model does not record from whom members adopt.
        """
        return await self.query(reasons.chain_of, member, message)

    # State

    def health(self, *, within: float = 0.0) -> Health:
        """Return every check: level, sentence, and the numbers of the last minutes.

        Parameters
        ----------
        within
            Maximum age of the result in seconds; the checks run every two seconds anyway. For an
            isolated engine the checks are limited to what frames show.
        """
        return self._client.health(within)

    def audit(self, last: int = 100) -> tuple[LoggedAct, ...]:
        """Return the newest acts of the world's log, oldest first.

        Parameters
        ----------
        last
            Maximum number, at least 1. Ticks since the last act are not included yet. For an
            isolated engine the acts are those of the newest frame, 1,000 at most.
        """
        return self._client.acts(whole_number(last, "last", low=1))

    @property
    def contacts(self) -> int:
        """Contacts between agents evaluated so far, over the current messages."""
        return self._client.contacts

    # Engines that end

    @property
    def ended(self) -> StallOutcome | None:
        """How the last replaced engine ended; None: none was replaced."""
        return self._client.last

    async def ready(self) -> None:
        """Wait while one engine takes over from another; return at once if none has ended.

        Raises
        ------
        EngineError
            If none can continue; the sentence says where the world is.
        """
        await self._client.ready()

    async def restart(self) -> StallOutcome:
        """End a stall (``frame.stalled``): stop the plugin that does not return.

        A loop written in Python is interrupted, and its message fails. For any other loop the
        thread is left behind, or the process killed, and the world resumes from its last completed
        tick in a new one; waiting commands then fail with the advice to try again.

        Raises
        ------
        InputError
            If the engine responds.
        EngineError
            If no foreign plugin blocks it.
        """
        return await self._client.restart()


def IsolatedSimulation(  # noqa: N802 - scripts have called it since it was a class
    world: World | str | Path,
    *,
    path: str | Path | None = None,
    patience: float | None = None,
    memory_mb: int | None = None,
    spawn: Begin = spawned,
    **options: Any,
) -> Simulation:
    """Return a simulation with the engine in a separate process; see its ``isolated``.

    Parameters
    ----------
    world
        The world, or the file to load it from.
    patience, memory_mb, spawn
        As of :class:`~sim.runtime.process.client.Isolation`.
    path, options
        As of :class:`Simulation`.

    Examples
    --------
    ::

        async with IsolatedSimulation(world, patience=60) as simulation:
            session = await simulation.inject("Hello.", seeds=[0], model="mine")
            await simulation.play()
            print((await session.done()).error)
    """
    if isinstance(world, str | Path):
        path, world = path or world, load(world)
    how = Isolation(patience=patience, memory_mb=memory_mb, spawn=spawn)
    return Simulation(world, path=path, isolated=how, **options)


def ignore(_frame: Frame) -> None:
    """Ignore the frame."""


def run_blocking(
    world: World,
    ticks: int = 100_000,
    *,
    until_quiet: bool = False,
    progress: Callable[[Frame], object] = ignore,
    frames_per_second: float = 10.0,
    max_running: int | None = None,
) -> Frame:
    """Run a world as fast as possible, and return its last frame.

    If interrupted (ctrl+c) or cancelled by ``progress``, it stops after the running tick: the
    world is then at a complete tick and can be saved.

    Parameters
    ----------
    world
        The world; at ``world.tick + ticks`` afterwards, or earlier.
    ticks
        Maximum number of ticks, at least 0.
    until_quiet
        Stop once no message is queued or running.
    progress
        Called with a frame several times a second, and with the last one; may raise to stop.
    frames_per_second
        Calls per second, in (0, 60].
    max_running
        Messages that spread at once; None: the world's own limit.

    Raises
    ------
    EngineError
        If the engine failed; and whatever ``progress`` raises.
    """
    return asyncio.run(_run(world, ticks, until_quiet, progress, frames_per_second, max_running))


async def _run(
    world: World,
    ticks: int,
    until_quiet: bool,
    progress: Callable[[Frame], object],
    frames_per_second: float,
    max_running: int | None,
) -> Frame:
    simulation = Simulation(
        world, frames_per_second=frames_per_second, max_running=max_running, undo_bytes=0
    )
    async with simulation:
        run = simulation.run_until_quiet(limit=ticks) if until_quiet else simulation.step(ticks)
        work = asyncio.create_task(run)
        work.add_done_callback(lambda _: watch.end())
        try:
            async with simulation.watch(size=1) as watch:
                async for frame in watch:
                    progress(frame)
            await work
        finally:
            work.cancel()
        progress(simulation.frame)
        return simulation.frame
