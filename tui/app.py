"""The program on the terminal: opens a world, follows it, carries out what is asked."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.segment import Segment, Segments
from textual.binding import BindingType
from textual.css.query import NoMatches
from textual.filter import LineFilter
from textual.notifications import SeverityLevel
from textual.screen import Screen

from sim.errors import InputError
from tui.actions.command_line import CommandHistory
from tui.actions.completion import known, start_of
from tui.actions.keys import conflicts
from tui.actions.palette import ActionProvider
from tui.actions.runner import ActionRunner
from tui.actions.situation import ScreenState
from tui.actions.table import Action, bindings, by_id
from tui.ansi_filter import lean
from tui.backend import Backend, NewWorldSpec, Preferences
from tui.background_work import BackgroundWork
from tui.dialogs.error import ErrorDialog, sentence_of
from tui.dialogs.loading import Loading
from tui.dialogs.progress import DialogJob, in_thread
from tui.experiments import Experiments
from tui.frame_feed import FrameFeed
from tui.key_queue import KeysInOrder
from tui.long_work import LongWork
from tui.open_worlds import OpenWorlds
from tui.safe_text import SafeFilter, line, plain
from tui.sentences import broken, endings, hint_for
from tui.theme import THEMES, register_themes
from tui.theory_curves import TheoryCurves

if TYPE_CHECKING:
    from sim import Opened, World
    from sim.runtime import Frame, Simulation
    from tui.dialogs.inject import MessageOrder
    from tui.modes.agents import AgentsMode
    from tui.modes.groups import GroupsMode
    from tui.modes.messages import MessagesMode
    from tui.modes.runs import RunsMode
    from tui.modes.stage import Stage

__all__ = ["Hubbub", "main"]


class Hubbub(KeysInOrder, inherit_bindings=False):
    """The screen of the simulator.

    Parameters
    ----------
    backend
        The simulator.
    preferences
        What the user set.
    path
        The saved world to open; the demo world when there is none.
    read_only
        Whether to open a copy of it.
    """

    TITLE = "Hubbub"
    CSS_PATH = ["styles/app.tcss", "styles/dialogs.tcss"]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(""))
    ENABLE_COMMAND_PALETTE = False  # the table of acts gives it its keys
    COMMANDS = {ActionProvider}  # noqa: RUF012 - as Textual declares it

    def __init__(
        self, backend: Backend, preferences: Preferences | None = None, path: Path | None = None,
        *, read_only: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.use_command_palette = True
        self.backend = backend
        self.preferences = preferences or Preferences()
        self.history = CommandHistory()
        self.feed: FrameFeed | None = None
        self.frame: Frame | None = None
        self.speed: float | None = 5.0
        self.goal = 0
        self.sending = 0
        self.work = LongWork(self)
        self.doing = ActionRunner(self)
        self.homes = OpenWorlds(self)
        self.predicted = TheoryCurves(self)
        self.experiments = Experiments(self)
        self.expected, self.upkeep = "", BackgroundWork(self)
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

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Let no control character reach the terminal, whatever widget it came through."""
        return [*map(lean, super().get_line_filters()), SafeFilter()]

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
            await in_thread(lambda: self.backend.prepare(report), "start")
            await self.homes.begin(self._path, report, read_only=self._read_only)
        except Exception as error:
            self._loading.fail(sentence_of(error))
        await self.upkeep.begin()

    # -- the world on the screen -------------------------------------------------------------

    async def enter(
        self, world: World, name: str, path: Path | None = None, opened: Opened | None = None,
        *, is_first: bool = False,
    ) -> None:  # fmt: skip
        """Leave the old world and show another.

        Parameters
        ----------
        world
            The world, which belongs to the engine from here on.
        name, path
            What it is called and where it is saved, if it is.
        opened
            How it was found, when it was opened.
        is_first
            Whether it is the one of the start, which yields to any that was asked for meanwhile.
        """
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

    @property
    def simulation(self) -> Simulation:
        """The running simulation; raises ``InputError`` when no world is open."""
        if self.feed is None:
            raise InputError("No world is open yet; press n for a new one or o to open one.")
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
        """Whether time goes on, as far as was asked."""
        state = self.expected or (self.frame.state if self.frame else "")
        return state in {"playing", "stepping"}

    def situation(self) -> ScreenState:
        """Return what decides which acts make sense."""
        if self.stage is None:  # what is asked before it is there would be seen by nobody
            return ScreenState(None, "", self.work.busy)
        return ScreenState(self.frame, self.stage.mode, self.work.busy)

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

    def go(self, mode: str) -> None:
        """Go to a mode; everything in it is as it was left."""
        if self.stage is not None:
            self.stage.go(mode)

    # -- what is said -----------------------------------------------------------------------

    def say(self, text: str, kind: str = "info") -> None:
        """Say a sentence on the line above the footer."""
        self._said_at = time.monotonic()
        if self.stage is not None and self.stage.is_mounted:
            self.stage.line.say(text, kind)
        elif self.stage is None:
            self._loading.say(plain(text))

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

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let the keys of a mode work in that mode alone."""
        if action == "act" and self.stage is not None:
            return by_id(str(parameters[0])).where in {"", self.stage.mode}
        return True

    # -- acts -------------------------------------------------------------------------------

    def action_act(self, name: str) -> None:
        """Carry out the act of a key; one that needs words asks for them."""
        action = by_id(name)
        if name == "command":
            self.ask_command("")
        elif action.asks and not action.when(self.situation()):
            self.ask_command(start_of(self, action.command))
        else:
            self.perform(action)

    def obey(self, line: str) -> None:
        """Carry out a line typed after ``:``."""
        self.doing.obey(line)

    def perform(self, action: Action, words: tuple[str, ...] = ()) -> None:
        """Carry out an act, or say why it cannot be done now."""
        self.doing.perform(action, words)

    async def settled(self) -> Frame | None:
        """Return the newest frame there is, once the acts begun before have had a moment to end."""
        await self.doing.settle()
        if self.feed is not None and self._accept(self.feed.simulation.frame):
            self.redraw()
        return self.frame

    def show_problem(self, error: Exception) -> None:
        """Show what went wrong; the program goes on."""
        self.push_screen(ErrorDialog(error))

    def _fatal_error(self) -> None:
        """Say where the program itself broke, without the values in it, in clean text."""
        error = sys.exception()
        self._exit_renderables.append(Segments([Segment(broken(error, self.frame))]))
        self._close_messages_no_wait()

    def ask_command(self, start: str) -> None:
        """Open the ``:`` line."""
        if self.stage is not None:
            self.stage.line.ask(start, self.known_words())

    def known_words(self) -> dict[str, list[str]]:
        """Return what may follow each command now."""
        return known(self)

    async def leave(self) -> None:
        """Leave the engine; called when the terminal has been given back."""
        self._first.cancel()
        await self.experiments.stop()
        await self.upkeep.end()
        await self.part()

    async def part(self) -> None:
        """Leave the world on the screen, and clear up behind it."""
        feed, self.feed = self.feed, None
        if feed is not None:
            await feed.close()
            await self.homes.leave()


SAID_FOR = 8.0
"""Seconds that a sentence stays, until the hint returns."""


def main(
    path: str | Path | None = None,
    *,
    saves: str | Path | None = None,
    fps: float | None = None,
    theme: str | None = None,
    isolated: bool = False,
    read_only: bool = False,
) -> int:
    """Open the screen, on a saved world or on the demo world.

    Parameters
    ----------
    path
        A saved world; none for the demo world.
    saves
        The saves folder; none for the one of the settings.
    fps
        Frames a second; none for the settings' own.
    theme
        The name of a theme; none for the settings' own.
    isolated
        Whether the engine runs in a process of its own, where no plugin harms the screen.
    read_only
        Whether it is a copy of the world, of which nothing is written.

    Returns
    -------
    int
        The exit code: 0, 2 where there is no terminal, 128 + n after signal n.
    """
    from tui.terminal import run_on_terminal

    return run_on_terminal(
        path, saves=saves, fps=fps, theme=theme, isolated=isolated, read_only=read_only
    )
