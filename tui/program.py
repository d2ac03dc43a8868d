"""The interface of the program to its parts: what is open and shown, and what it can do."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sim.errors import InputError
from tui.actions.command_line import CommandHistory
from tui.dialogs.progress import DialogJob, EngineJob, ProgressDialog, in_thread
from tui.experiments import Experiments
from tui.key_queue import KeysInOrder
from tui.simulator import JournalLocation, Preferences, Simulator
from tui.stored_run import TICKS_PER_SECOND
from tui.theme import THEMES

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from sim import Theory, World
    from sim.core import Report
    from sim.runtime import Focus, Frame, Health, Job, OpenResult, Simulation
    from tui.actions.table import ScreenState
    from tui.opening import Opening


T = TypeVar("T")
Ghost = tuple["npt.NDArray[np.int64]", "npt.NDArray[np.int64]"]

PATIENCE = 0.2
"""Seconds that work may take before a chip or a dialog shows it."""


class LongWork:
    """Runs long work: a chip on the stage shows it, or a dialog where no stage is on top."""

    def __init__(self, app: KeysInOrder) -> None:
        self._app = app
        self._jobs: list[DialogJob] = []
        self.shown: DialogJob | None = None  # what the chip shows, and escape cancels

    @property
    def busy(self) -> str:
        """The work in progress, such as ``"saving the world"``; empty if there is none."""
        return self._jobs[-1].title if self._jobs else ""

    async def in_thread(self, title: str, function: Callable[[Report], T]) -> T:
        """Run a function in a thread; it reports progress, and is cancelled through its report."""
        job = DialogJob(title)
        return await self._follow(job, in_thread(lambda: function(job.report), title))

    async def of_engine(self, title: str, answer: Awaitable[T]) -> T:
        """Wait for a reply of the engine that cannot be cancelled."""
        return await self._follow(
            DialogJob(title, cancellable=False), asyncio.ensure_future(answer)
        )

    async def reporting(self, title: str, start: Callable[[Report], Awaitable[T]]) -> T:
        """Wait for the engine, which reports its progress."""
        job = DialogJob(title)
        return await self._follow(job, asyncio.ensure_future(start(job.report)))

    async def job(self, title: str, job: Job[T]) -> T:
        """Wait for a job of the engine."""
        return await self._follow(EngineJob(title, job), asyncio.ensure_future(_result_of(job)))

    async def _follow(self, job: DialogJob, future: asyncio.Future[T]) -> T:
        self._jobs.append(job)
        dialog: ProgressDialog | None = None
        try:
            await asyncio.wait([future], timeout=PATIENCE)
            if not future.done() and self._app.screen is self._app.stage:
                self.shown = job
                self._app.ahead.released()
            elif not future.done():
                dialog = ProgressDialog(job)
                await self._app.push_screen(dialog)
            return await future
        finally:
            self._jobs.remove(job)
            if self.shown is job:
                self.shown = None
            if dialog is not None:
                dialog.leave()


async def _result_of(job: Job[T]) -> T:
    return await job


CLOSING_SECONDS = 5.0
"""Seconds that the engine may take to finish its tick when the world is left."""


class FrameFeed:
    """One running simulation and the task that watches it.

    The simulation is entered and left in the same task, whatever the caller's task.
    """

    def __init__(self, simulation: Simulation, on_failure: Callable[[Exception], None]) -> None:
        self.simulation = simulation
        self._on_failure = on_failure
        self.newest: Frame | None = None  # its newest frame
        self.health: Health | None = None  # the last look at its health
        self._ready: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start the engine and begin to watch; raise the engine's errors."""
        self._ready = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._watch(), name="feed")
        await self._ready

    async def close(self) -> None:
        """Stop watching and leave the engine, in bounded time whatever the engine does."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait([self._task], timeout=CLOSING_SECONDS)
        self._task = None

    async def _watch(self) -> None:
        assert self._ready is not None  # noqa: S101 - open() made it
        try:
            async with self.simulation as simulation, simulation.watch() as frames:
                self.newest = simulation.frame
                self._ready.set_result(None)
                async for frame in frames:
                    self.newest = frame
        except Exception as error:
            if self._ready.done():
                self._on_failure(error)
            else:
                self._ready.set_exception(error)
        finally:
            with suppress(asyncio.InvalidStateError):
                self._ready.cancel()


class HubbubApp(KeysInOrder, inherit_bindings=False):
    """The attributes and methods of the program that parts, modes and dialogs use.

    It is below all of them, so that none imports the program: :class:`~tui.viewer.Viewer` makes
    parts and modes, and :class:`~tui.app.Hubbub` carries out what keys and the ``:`` line ask for.
    """

    def __init__(self, simulator: Simulator, preferences: Preferences | None = None) -> None:
        super().__init__()
        self.simulator = simulator
        self.preferences = preferences or Preferences()
        self.history = CommandHistory()
        self.feed: FrameFeed | None = None  # the simulation that is watched, and its newest frame
        self.frame: Frame | None = None
        self.opening: Opening | None = None  # the stored run, while it is played
        self.speed: float | None = (
            TICKS_PER_SECOND  # requested ticks per second; None: as many as possible
        )
        self.goal = 0  # the tick to which time runs; 0: none
        self.ghost: Ghost | None = None  # the future that was left: ticks, and ever adopted
        self.expected = ""  # the requested state, until it is confirmed; empty: none
        self.work = LongWork(self)  # long work, and experiments: one at a time of each
        self.experiments = Experiments(self, simulator.workers)

    # -- what is known -----------------------------------------------------------------------

    @property
    def simulation(self) -> Simulation:
        """The running simulation; raises ``InputError`` when no world is open."""
        if self.feed is None:
            raise InputError("No world is open yet; press n to create one or o to open one.")
        return self.feed.simulation

    @property
    def themes(self) -> tuple[str, ...]:
        """The names of our themes."""
        return tuple(theme.name for theme in THEMES)

    @property
    def keymap(self) -> Mapping[str, str]:
        """The user's keys, action id to keys."""
        return self.preferences.keymap

    @property
    def running(self) -> bool:
        """Whether time runs, as requested."""
        state = self.expected or (self.frame.state if self.frame else "")
        return state in {"playing", "stepping"}

    @property
    @abstractmethod
    def home(self) -> JournalLocation:
        """The location of the world on the screen."""

    @abstractmethod
    def situation(self) -> ScreenState:
        """Return the state on which available actions depend."""

    @abstractmethod
    def theory_beside(self, focus: Focus | None) -> Theory | None:
        """Return the theory to draw with a message, if it has been computed."""

    # -- what is asked of it -----------------------------------------------------------------

    @abstractmethod
    async def enter(
        self, world: World, name: str, path: Path | None = None, opened: OpenResult | None = None,
        *, is_first: bool = False,
    ) -> None:  # fmt: skip
        """Leave the old world and show another."""

    @abstractmethod
    async def part(self) -> None:
        """Leave the world on the screen, and clean up after it."""

    @abstractmethod
    async def leave(self) -> None:
        """Leave the engine; called when the terminal has been given back."""

    @abstractmethod
    def prefer(self, wanted: Preferences) -> None:
        """Apply the user's preferences."""

    @abstractmethod
    def go(self, mode: str) -> None:
        """Go to a mode, which is as it was left."""

    @abstractmethod
    def show_community(self, index: int) -> None:
        """Go to a community in the Groups mode."""

    @abstractmethod
    def redraw(self, *, whole: bool = True) -> None:
        """Show the newest frame in the current mode, in all panes or in those next in turn."""

    @abstractmethod
    def redraw_modes(self) -> None:
        """Redraw the bar of modes."""

    @abstractmethod
    def hint(self) -> None:
        """Show a hint on what to do next."""

    @abstractmethod
    def say(self, text: str, kind: str = "info") -> None:
        """Show a sentence on the line above the footer."""

    @abstractmethod
    def pressed(self) -> None:
        """Note that a key was pressed on the stage: what was said until then has been read."""

    @abstractmethod
    def say_preparing(self, stage: str) -> None:
        """Show in the bar of modes what is still being prepared; empty if nothing is."""

    @abstractmethod
    def show_problem(self, error: Exception) -> None:
        """Show an error; the program continues."""

    @abstractmethod
    def action_act(self, name: str) -> None:
        """Carry out the action of a key, or ask for its words first."""

    @abstractmethod
    def obey(self, line: str) -> None:
        """Carry out a line typed after ``:``."""
