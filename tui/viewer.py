"""The viewer: one world on the screen, followed frame by frame, with its parts and modes."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.css.query import NoMatches
from textual.notifications import SeverityLevel
from textual.screen import Screen

from tui.actions.keys import conflicts
from tui.actions.situation import ScreenState
from tui.backend import Backend, Home, NewWorldSpec, Preferences
from tui.background_work import BackgroundWork
from tui.dialogs.error import ErrorDialog, sentence_of
from tui.dialogs.loading import Loading
from tui.dialogs.progress import DialogJob, in_thread
from tui.garbage_collector import resume_collector
from tui.open_worlds import OpenWorlds
from tui.program import HubbubApp
from tui.safe_text import line, plain
from tui.sentences import endings, hint_for
from tui.theme import register_themes
from tui.theory_curves import TheoryCurves

if TYPE_CHECKING:
    from sim import Theory, World
    from sim.runtime import Focus, Frame, Opened
    from tui.actions.action import Action
    from tui.dialogs.inject import MessageOrder
    from tui.modes.agents import AgentsMode
    from tui.modes.groups import GroupsMode
    from tui.modes.messages import MessagesMode
    from tui.modes.runs import RunsMode
    from tui.modes.stage import Stage


class Viewer(HubbubApp, inherit_bindings=False):
    """Opens a world, follows it and shows it; what actions ask of the screen.

    Attributes
    ----------
    homes, predicted, upkeep
        Where worlds live, theories drawn beside curves, work that nobody waits for.
    sending
        Messages on their way to the engine.
    is_rescuing
        Whether the engine is being restarted; what it was asked before gets no answer then.
    last_order, last_new
        What was sent last, and what the last new world was made of.
    stage
        All modes between the bars; None until the first world is open. The four that actions
        ask for something are ``groups``, ``agents``, ``messages`` and ``runs``.
    """

    def __init__(
        self, backend: Backend, preferences: Preferences | None = None, path: Path | None = None,
        *, read_only: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(backend, preferences)
        self.homes = OpenWorlds(self)
        self.predicted = TheoryCurves(self)
        self.upkeep = BackgroundWork(self)
        self.sending = 0
        self.is_rescuing = False
        self.last_order: MessageOrder | None = None
        self.last_new: NewWorldSpec | None = None
        self._is_new_world = True
        self._path, self._read_only = path, read_only
        self._said_at, self._hinted = 0.0, ""
        self._first = DialogJob("starting")
        self._loading = Loading(self._first)
        self._entering = asyncio.Lock()
        self.stage: Stage | None = None
        self.groups: GroupsMode
        self.agents: AgentsMode
        self.messages: MessagesMode
        self.runs: RunsMode

    # -- start ------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[Any]:
        """Begin with the loading screen: nothing heavy is imported before it is painted."""
        return self._loading

    def on_mount(self) -> None:
        """Take the user's keys and colours, and start the engine once the screen is painted."""
        register_themes(self)
        self.animation_level = "none"
        self.prefer(self.preferences)
        self.call_after_refresh(self.run_worker, self._begin, exit_on_error=False)

    def prefer(self, wanted: Preferences) -> None:
        """Do as the user prefers."""
        self.preferences = wanted
        self.set_keymap(dict(wanted.keymap))
        if wanted.theme in self.available_themes:
            self.theme = wanted.theme
        elif wanted.theme:
            self.notify(f"There is no theme {wanted.theme!r}; there are {', '.join(self.themes)}.")
        for problem in conflicts(wanted.keymap):
            self.notify(problem, severity="warning", timeout=10)
        if self.stage is not None:
            self.stage.draw_with(wanted.symbols)

    async def _begin(self) -> None:
        report = self._first.report
        try:
            try:
                await in_thread(lambda: self.backend.prepare(report), "start")
            finally:
                is_made = self.feed or self.work.busy or self._entering.locked()
                resume_collector(freezing=not is_made)  # a world may have been asked for meanwhile
            await self.homes.begin(self._path, report, read_only=self._read_only)
        except Exception as error:
            self._loading.fail(sentence_of(error))
        await self.upkeep.begin()

    # -- the world on the screen -------------------------------------------------------------

    async def enter(
        self, world: World, name: str, path: Path | None = None, opened: Opened | None = None,
        *, is_first: bool = False,
    ) -> None:  # fmt: skip
        """Leave the old world and show another."""
        async with self._entering:
            if is_first and self.feed is not None:
                return
            feed, home = await self.homes.start(world, name, path, opened)
            await self.part()
            self.feed, self.homes.home = feed, home
            # A turn may have met the new world's frame and refused it for its low revision.
            self.goal, self._is_new_world = 0, True
            self._accept(feed.simulation.frame)
        await self._set_the_stage()
        self.go("live")
        self.redraw()
        self.call_after_refresh(self.hint)
        self.call_after_refresh(self.homes.greet, opened)

    async def part(self) -> None:
        """Leave the world on the screen, and clear up behind it."""
        feed, self.feed = self.feed, None
        if feed is not None:
            self.homes.stopped(feed.simulation.frame)
            await feed.close()
            await self.homes.leave()

    async def leave(self) -> None:
        """Leave the engine; called when the terminal has been given back."""
        self._first.cancel()
        await self.experiments.stop()
        await self.upkeep.end()
        await self.part()

    async def _set_the_stage(self) -> None:
        """Show the stage in place of the start, where it is not there; under a dialog it waits."""
        from tui.modes import agents, groups, live, messages, runs, stage, system

        while self.stage is None and self.screen is not self._loading:
            self._loading.uncovered.clear()
            await self._loading.uncovered.wait()
        if self.stage is not None:
            return
        self.groups, self.agents = groups.GroupsMode(), agents.AgentsMode()
        self.messages, self.runs = messages.MessagesMode(), runs.RunsMode()
        modes = [
            live.LiveMode(), self.groups, self.agents, self.messages, self.runs,
            system.SystemMode(),
        ]  # fmt: skip
        self.stage = stage.Stage(modes)
        await self.push_screen(self.stage)
        self.stage.draw_with(self.preferences.symbols)
        self.set_interval(1 / self.preferences.frames_per_second, self._turn)

    # -- frames -----------------------------------------------------------------------------

    def _turn(self) -> None:
        """Take the newest frame, if there is a new one, and show it."""
        with suppress(NoMatches):  # the stage is being taken down
            if self._take():
                self.redraw(whole=not self.running)
            is_over = time.monotonic() - self._said_at > SAID_FOR
            if is_over if self._said_at else hint_for(self.frame, self.keymap) != self._hinted:
                self.hint()

    def _take(self) -> bool:
        frame = self.feed.mailbox.take() if self.feed else None
        return frame is not None and self._accept(frame)

    def _accept(self, frame: Frame) -> bool:
        """Make a frame the newest, unless a newer one is known."""
        before = self.frame
        if before is not None and before.revision >= frame.revision and not self._is_new_world:
            return False
        if before is not None and not self._is_new_world:
            self._announce(before, frame)
        self.frame, self._is_new_world = frame, False
        if frame.tick >= self.goal:
            self.goal = 0
        return True

    def take_newest(self) -> None:
        """Show the frame that the engine has by now, if it is newer."""
        if self.feed is not None and self._accept(self.feed.simulation.frame):
            self.redraw()

    def redraw(self, *, whole: bool = True) -> None:
        """Show the newest frame in the mode that is open, in all panes or those next in turn."""
        if self.stage is not None and self.frame is not None and self.stage.is_mounted:
            with self.batch_update():
                self.stage.show(self.frame, whole=whole)

    def redraw_modes(self) -> None:
        """Draw the bar of modes anew."""
        if self.stage is not None and self.stage.is_mounted:
            self.stage.redraw_modes()

    def _announce(self, before: Frame, now: Frame) -> None:
        """Say which messages came to an end since the frame before."""
        for text, kind in endings(before, now):
            self.say(text, kind)

    @contextmanager
    def expecting(self, state: str) -> Iterator[None]:
        """Show at once what was asked for, until the engine has answered."""
        self.expected = state
        self.redraw()
        try:
            yield
        finally:
            self.expected = ""
            if self.feed is not None:
                self._accept(self.feed.simulation.frame)
            self.redraw()

    # -- what is known and shown ------------------------------------------------------------

    @property
    def home(self) -> Home:
        """Where the world on the screen lives."""
        return self.homes.home

    def situation(self) -> ScreenState:
        """Return what decides which acts make sense."""
        if self.stage is None:  # what is asked before it is there would be seen by nobody
            return ScreenState(None, "", self.work.busy)
        return ScreenState(self.frame, self.stage.mode, self.work.busy)

    def theory_beside(self, focus: Focus | None) -> Theory | None:
        """Return the theory to draw beside a message, if it is known by now."""
        return self.predicted.shown(focus)

    def go(self, mode: str) -> None:
        """Go to a mode; everything in it is as it was left."""
        if self.stage is not None:
            self.stage.go(mode)

    def show_community(self, index: int) -> None:
        """Go to a community in the Groups mode."""
        self.go("groups")
        self.call_after_refresh(self.groups.choose, index)

    # -- what is said -----------------------------------------------------------------------

    def say(self, text: str, kind: str = "info") -> None:
        """Say a sentence on the line above the footer."""
        self._said_at = time.monotonic()
        if self.stage is not None and self.stage.is_mounted:
            self.stage.line.say(text, kind)
        elif self.stage is None:
            self._loading.say(plain(text))

    def say_preparing(self, stage: str) -> None:
        """Say in the bar of modes what is still being prepared; nothing when all is."""
        if self.stage is not None:
            self.stage.prepare(stage)

    def hint(self) -> None:
        """Say what can be done next."""
        self._hinted = hint_for(self.frame, self.keymap)
        self.say(self._hinted)
        self._said_at = 0.0

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a toast; its text is never read as markup."""
        super().notify(
            plain(message), title=line(title, 60), severity=severity, timeout=timeout, markup=False
        )

    def show_problem(self, error: Exception) -> None:
        """Show what went wrong; the program goes on."""
        self.push_screen(ErrorDialog(error))

    # -- what actions ask -------------------------------------------------------------------

    @abstractmethod
    def perform(self, action: Action, words: tuple[str, ...] = ()) -> None:
        """Carry out an act, or say why it cannot be done now."""

    @abstractmethod
    def ask_command(self, start: str) -> None:
        """Open the ``:`` line."""

    @abstractmethod
    async def settled(self) -> Frame | None:
        """Return the newest frame there is, once the acts begun before have had a moment to end."""


SAID_FOR = 8.0
"""Seconds that a sentence stays, until the hint returns."""
