"""The program: one world on the screen, followed frame by frame, and the acts of keys and lines."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.segment import Segment, Segments
from textual.binding import BindingType
from textual.color import Color
from textual.css.query import NoMatches
from textual.events import Event, Key, Paste
from textual.filter import ANSIToTruecolor, LineFilter
from textual.screen import Screen
from textual.widgets import Input

from sim import runtime, settings
from sim.errors import Cancelled, HubbubError, InputError
from tui.actions import table
from tui.actions.command_line import NEXT, CommandHistory, ParsedCommand, parse
from tui.dialogs.dialog import Confirm, ErrorDialog, sentence_of
from tui.dialogs.progress import Loading, in_thread
from tui.experiments import Experiments
from tui.key_queue import KeysInOrder, shown_key
from tui.opening import Bubble, Opening
from tui.parts import BackgroundWork, Branches, LongWork, ModelAccess, Starting, TheoryCurves
from tui.safe_text import SafeFilter, line, plain
from tui.stored_run import TICKS_PER_SECOND
from tui.terminal import resume_collector, run_on_terminal, settle_collector
from tui.text import broken, endings, hint_for
from tui.theme import THEMES, register_themes, theme_named
from tui.world_session import WorldSession

if TYPE_CHECKING:
    from sim import World
    from sim.arrays import I64, Array
    from sim.core import Report
    from sim.runtime import Frame, Health, OpenResult, Simulation
    from sim.scenario import NewWorld
    from sim.settings import Settings

Ghost = tuple["I64", "Array"]

CLOSING_SECONDS = 5.0
"""Seconds that the engine may take to finish its tick when the world is left."""

PATIENCE = 0.5
"""Seconds that unfinished actions may take before the world is left."""

SLOW, FAST, MANY = 2.0, 5.0, 100_000
"""Ticks per second at first: a short cascade can be watched in worlds with fewer members."""

SAID_FOR = 8.0
"""Seconds that a sentence is shown before the hint returns."""

ACTS = ("agents", "lab", "messages", "minds", "time", "view", "world")
"""Modules of actions, which know the program; so they are named here and not imported."""


def import_acts() -> None:
    """Import the implementations of actions, with all dialogs and modes; after the first paint."""
    for name in ACTS:
        import_module(f"tui.actions.{name}")


class Hubbub(KeysInOrder, inherit_bindings=False):
    """The screen of the simulator: opens a world, follows it, shows it, and acts in it."""

    TITLE = "Hubbub"
    CSS_PATH = ["styles/app.tcss", "styles/dialogs.tcss"]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = list(table.bindings(""))
    ENABLE_COMMAND_PALETTE = False  # the table of actions defines its keys
    COMMANDS = {lambda: _palette().ActionProvider}  # noqa: RUF012 - as Textual declares it

    def __init__(
        self, saves: Path | None = None, preferences: Settings | None = None,
        path: Path | None = None,
        *, isolated: bool = False, read_only: bool = False, opening: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.use_command_palette = True
        self._lean = LeanColours(self.ansi_theme)
        self.preferences = preferences or settings.current()
        self.saves, self.isolated = saves or self.preferences.saves_folder, isolated
        self.keymap: Mapping[str, str] = self.preferences.keys
        self.history = CommandHistory()
        self.entered: Simulation | None = None  # the running simulation
        self.health: Health | None = None  # the last look at it
        self.frame: Frame | None = None
        self.branches = Branches()
        self.speed: float | None = TICKS_PER_SECOND  # requested per second; None: the most possible
        self.goal = 0  # the tick to which time runs; 0: none
        self.ghost: Ghost | None = None  # the future that was left: ticks, and ever adopted
        self.expected = ""  # the requested state, until it is confirmed; empty: none
        self.work = LongWork(self)  # long work, and experiments: one at a time of each
        self.experiments = Experiments(self)
        self.opening = Opening(self) if opening else None  # the stored run, while it is played
        self.homes = WorldSession(self)
        self.predicted = TheoryCurves(self)
        self.upkeep = BackgroundWork(self)
        self.asking = ModelAccess()
        self.sending = 0  # messages on their way to the engine
        self.undoable: list[tuple[int, str, Any]] = []  # message, parameter, its value before
        self.is_rescuing = False  # whether the engine is being restarted
        self.last_order: Any = None  # the last message that was sent
        self.recording: Any = None  # of the screen
        self.last_new: NewWorld | None = None
        self._is_new_world = True
        self._path, self._read_only = path, read_only
        self._said_at, self._hinted = 0.0, ""
        self.typed: list[Key] = []  # for the first world, while it is loaded
        self._first = Starting()
        self._loading = Loading(self._first)
        self._entering = asyncio.Lock()
        self._quick: set[asyncio.Event] = set()
        self.stage: Any = None  # all modes between the bars
        self.groups: Any = None
        self.messages: Any = None
        self.runs: Any = None

    # -- what is known -----------------------------------------------------------------------

    @property
    def simulation(self) -> Simulation:
        """The running simulation; raises ``InputError`` when no world is open."""
        if self.entered is None:
            raise InputError("No world is open yet; press n to create one or o to open one.")
        return self.entered

    @property
    def themes(self) -> tuple[str, ...]:
        return tuple(theme.name for theme in THEMES)

    @property
    def preparing(self) -> str:
        """What is loaded or compiled now, and how far it is; empty if nothing is."""
        for job in (self._first, self.upkeep.warming):
            job.look()
            if job.stage and job.share < 1:
                return f"{job.stage}, {job.share:.0%}"
        return ""

    @property
    def running(self) -> bool:
        state = self.expected or (self.frame.state if self.frame else "")
        return state in {"playing", "stepping"}

    # -- start ------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[Any]:
        if self.opening is None:
            return self._loading
        self.frame = self.opening.frame
        return self._made_stage()

    def on_mount(self) -> None:
        register_themes(self)
        self.animation_level = "none"
        self.prefer(self.preferences)
        if self.opening is not None:
            self.call_after_refresh(self.opening.begin)
        self.call_after_refresh(self.run_worker, self._begin, exit_on_error=False)

    async def take_key(self, key: Key) -> None:
        """Dispatch a key; while the stored run is played, none goes further."""
        if self._keeps(key) if self.opening is None else self.opening.keeps(key):
            return
        bubbles = self.screen.query(Bubble)
        if key.key == "escape" and bubbles:
            await bubbles.remove()
        else:
            await super().take_key(key)

    def _keeps(self, key: Key) -> bool:
        """Keep a key for the first world while that is loaded, unless it is not about a world."""
        if self.stage or self.screen is not self._loading or self._loading.has_class("-failed"):
            return False
        act = table.by_key(key.key, self.keymap)
        is_ours = act is not None and act.id != "command" and not act.when(table.ScreenState())
        if is_ours and (not self.typed or (act and act.id == "quit")):
            return False
        self.typed.append(key)
        self._loading.say(f"Typed ahead: {' '.join(map(shown_key, self.typed))}")
        return True

    def prefer(self, wanted: Settings) -> None:
        self.preferences, self.keymap = wanted, wanted.keys
        self.set_keymap(dict(self.keymap))
        try:
            if wanted.theme:
                is_there = wanted.theme in self.available_themes
                self.theme = wanted.theme if is_there else theme_named(wanted.theme)
        except InputError as error:
            self.notify(str(error))
        for problem in table.conflicts(self.keymap):
            self.notify(problem, severity="warning", timeout=10)
        if self.stage is not None:
            self.stage.draw_with(wanted.symbols)

    async def _begin(self) -> None:
        report = self._first.report
        try:
            try:
                await in_thread(lambda: self.prepare(report), "start")
            finally:
                resume_collector()
            if self.opening is not None:
                self.run_worker(self.upkeep.begin(), exit_on_error=False)
            await self.homes.begin(self._path, report, read_only=self._read_only)
        except Exception as error:
            if self.opening is None:
                self._loading.fail(sentence_of(error))
            else:
                self._end_opening()
                self.frame, self._is_new_world = None, True
                self.say(sentence_of(error), "error")
        self._first.stage = ""
        if not self.upkeep.has_begun:
            await self.upkeep.begin()

    def _end_opening(self) -> None:
        """Leave the stored run, for what was asked for and typed meanwhile."""
        opening, self.opening = self.opening, None
        if opening is not None:
            opening.end()
            if opening.then:
                self.call_after_refresh(self.action_act, opening.then)

    # -- the world on the screen -------------------------------------------------------------

    async def enter(
        self, world: World, name: str, path: Path | None = None, opened: OpenResult | None = None,
        *, is_first: bool = False,
    ) -> None:  # fmt: skip
        async with self._entering:
            if is_first and self.entered is not None:
                return
            simulation, home = await self.homes.start(world, name, path, opened)
            await self.part()
            self.entered, self.homes.home = simulation, home
            self.branches, self.ghost = Branches(), None
            self._end_opening()
            if self.speed in {TICKS_PER_SECOND, SLOW, FAST}:
                self.speed = SLOW if simulation.frame.agents < MANY else FAST
            # A turn may have met the new world's frame and refused it for its low revision.
            self.goal, self._is_new_world, self.undoable = 0, True, []
            self._accept(simulation.frame)
            learn: Any = partial(self.branches.learn, simulation, is_new=True)
            self.run_worker(learn, exit_on_error=False)
        await self._set_the_stage()
        self.go("live")
        self.redraw()
        typed, self.typed = self.typed, []
        for key in typed:
            self.call_after_refresh(self.post_message, key)
        self.call_after_refresh(self.hint)
        self.call_after_refresh(self.homes.greet, opened)
        self.call_after_refresh(settle_collector)

    async def part(self) -> None:
        """Leave the engine and its world, in bounded time whatever the engine does."""
        simulation, self.entered, self.health = self.entered, None, None
        if simulation is not None:
            self.homes.stopped(simulation.frame)
            leaving = asyncio.create_task(simulation.__aexit__(None, None, None))
            await asyncio.wait([leaving], timeout=CLOSING_SECONDS)
            await self.homes.leave()

    async def leave(self) -> None:
        """Leave the engine; called when the terminal has been given back."""
        self._first.cancel()
        await self.experiments.stop()
        self.upkeep.end()
        await self.asking.close()
        await self.part()

    async def _set_the_stage(self) -> None:
        """Show the stage in place of the loading screen, if needed; wait while a dialog is open."""
        while self.stage is None and self.screen is not self._loading:
            self._loading.uncovered.clear()
            await self._loading.uncovered.wait()
        if self.stage is None:
            await self.push_screen(self._made_stage())

    def _made_stage(self) -> Screen[Any]:
        stage: Screen[Any] = import_module("tui.modes.stage").Stage()
        self.stage = stage
        _, self.groups, self.messages, self.runs, _ = self.stage.modes.values()
        self.call_after_refresh(self.stage.draw_with, self.preferences.symbols)
        self.set_interval(1 / self.preferences.frames_per_second, self._turn)
        return stage

    # -- frames -----------------------------------------------------------------------------

    def _turn(self) -> None:
        with suppress(NoMatches):  # the stage is being taken down
            if self._take():
                self.redraw(whole=not self.running)
            elif self.stage.is_mounted:
                self.stage.look()
            if self.opening is not None:
                if self.opening.wanted.is_set() and self.preparing:
                    self.say(f"Opening the world: {self.preparing}")
                return
            sticks = self.stage.line.has_class("-sticks")
            is_over = time.monotonic() - self._said_at > SAID_FOR and not sticks
            if is_over if self._said_at else hint_for(self.frame, self.keymap) != self._hinted:
                self.hint()

    def _take(self) -> bool:
        return self.entered is not None and self._accept(self.entered.frame)

    def take_newest(self) -> None:
        if self._take():
            self.redraw()

    def _accept(self, frame: Frame) -> bool:
        before = self.frame
        if before is not None and before.revision >= frame.revision and not self._is_new_world:
            return False
        if before is not None and not self._is_new_world:
            for text, kind in endings(before, frame):
                self.say(text, kind)
        self.frame, self._is_new_world = frame, False
        if frame.tick >= self.goal:
            self.goal = 0
        return True

    def redraw(self, *, whole: bool = True) -> None:
        """Show the newest frame in the current mode, in all panes or in those next in turn."""
        if self.stage is not None and self.frame is not None and self.stage.is_mounted:
            with self.batch_update(), suppress(NoMatches):  # the stage is being taken down
                self.stage.show(self.frame, whole=whole)

    @contextmanager
    def expecting(self, state: str) -> Iterator[None]:
        """Show the requested state at once, until the engine has answered."""
        self.expected = state
        self.redraw()
        try:
            yield
        finally:
            self.expected = ""
            self._take()
            self.redraw()

    # -- what is known and shown ------------------------------------------------------------

    def situation(self) -> table.ScreenState:
        """Return the state on which available actions depend."""
        if self.stage is None:  # before it exists, a question would not be visible
            return table.ScreenState(None, "", self.work.busy)
        return table.ScreenState(self.frame, self.stage.mode, self.work.busy)

    def go(self, mode: str) -> None:
        if self.opening is not None:
            self.opening.ask(mode)
        elif self.stage is not None:
            self.stage.go(mode)

    # -- what is said -----------------------------------------------------------------------

    def say(self, text: str, kind: str = "info") -> None:
        self._said_at = time.monotonic()
        if self.stage is not None and self.stage.is_mounted:
            self.stage.line.say(text, kind)
        elif self.stage is None:
            self._loading.say(plain(text))

    def pressed(self) -> None:
        """Let an error go, as a key was pressed."""
        self.stage.line.remove_class("-sticks")

    def hint(self) -> None:
        self._hinted = self.opening.sentence if self.opening else hint_for(self.frame, self.keymap)
        self.say(self._hinted)
        self._said_at = 0.0

    def notify(self, message: str, *, title: str = "", **how: Any) -> None:
        """Show a toast; its text is never read as markup."""
        super().notify(plain(message), title=line(title, 60), **how | {"markup": False})

    async def confirmed(self, title: str, text: str, yes: str, no: str = "Cancel") -> bool:
        return await self.push_screen_wait(Confirm(title, text, yes=yes, no=no)) is True

    # -- what is done ----------------------------------------------------------------------

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Paste) and isinstance(self.focused, Input):
            event.text = _in_one_line(event.text, self.focused)
        await super().on_event(event)

    @property
    def clipboard(self) -> str:
        """The copied text; joined to one line for a one-line field."""
        copied = super().clipboard
        return _in_one_line(copied, self.focused) if isinstance(self.focused, Input) else copied

    def get_line_filters(self) -> Sequence[LineFilter]:
        found = super().get_line_filters()
        return [
            *(self._lean if isinstance(each, ANSIToTruecolor) else each for each in found),
            SafeFilter(),
        ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "act" and self.stage is not None:
            return table.by_id(str(parameters[0])).is_in(self.stage.mode)
        return True

    def action_act(self, name: str) -> None:
        action = table.by_id(name)
        count = self.prefix.words(action)
        if count:
            self.go(self.prefix.mode)
            self.perform(action, count)
        elif name == "command":
            self.ask_command("")
        elif action.asks and not action.when(self.situation()):
            self.ask_command(_palette().start_of(self, action.command))
        else:
            self.perform(action)

    def prepare(self, report: Report) -> None:
        """Import everything that the first paint does not need."""
        import_acts()
        report("importing numba", 0.0)
        import numba  # noqa: F401 - imported for its own sake

        report("importing the engine", 0.0)

    def obey(self, line: str) -> None:
        try:
            commands = [parse(part) for part in line.split(NEXT)]
        except InputError as error:
            self.say(str(error), "error")
            return
        if len(commands) == 1:
            self.perform(*commands[0])
        else:
            self.run_worker(self.carry_out(commands), group="acts", exit_on_error=False)

    async def carry_out(self, commands: Sequence[ParsedCommand]) -> None:
        """Carry out one action after the other, up to one that is not possible."""
        for action, words in commands:
            obstacle = action.when(self.situation())
            if obstacle:
                self.say(obstacle, "warning")
                return
            await self._perform(action, words, asyncio.Event())

    def perform(self, action: table.Action, words: tuple[str, ...] = ()) -> None:
        """Carry out an action in the background, or say why it is not possible now."""
        if self.opening is not None and action.id != "quit":
            self.opening.ask(action.id)
            return
        if self.stage is not None:
            for bubble in self.stage.query(Bubble):
                bubble.did(action.id)
        obstacle = action.when(self.situation())
        if obstacle:
            self.say(obstacle, "warning")
            return
        over = asyncio.Event()
        if action.opens:
            self.ahead.opens(over)
        else:
            self._quick.add(over)
        self.run_worker(self._perform(action, words, over), group="acts", exit_on_error=False)

    async def _perform(self, action: table.Action, words: table.Words, over: asyncio.Event) -> None:
        try:
            import_acts()
            await table.ACT_OF[action.id](self, words)
        except Cancelled as wish:
            self.say(str(wish))
        except InputError as error:
            self.say(str(error), "error")
        except Exception as error:
            if not isinstance(error, HubbubError):
                self.log.error(sentence_of(error))
            if (self.is_rescuing and action.id != "restart") or self._is_in_banner(error):
                self.say(sentence_of(error), "warning")  # it waited for the stopped plugin
            else:
                self.push_screen(ErrorDialog(error))
        finally:
            if self.homes.home.is_lost:
                self.homes.stay()
            over.set()
            self._quick.discard(over)
            self.ahead.ended(over)

    def _is_in_banner(self, error: Exception) -> bool:
        """Return whether the banner already shows the error: a full disk, or a replaced engine."""
        kept = self.frame.kept if self.frame else None
        is_full = kept is not None and kept.is_held_up and isinstance(error, HubbubError)
        return is_full or isinstance(error, runtime.ReplacedError)

    async def settled(self) -> Frame | None:
        """Return the newest frame, after giving unfinished actions a moment to end."""
        waiting = [asyncio.create_task(over.wait()) for over in self._quick]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=PATIENCE)
            for task in late:
                task.cancel()
        self.take_newest()
        return self.frame

    def ask_command(self, start: str) -> None:
        if self.stage is not None:
            self.stage.line.ask(start, _palette().known(self))

    def _fatal_error(self) -> None:
        """Print where the program itself failed, as clean text without values."""
        error = sys.exception()
        self._exit_renderables.append(Segments([Segment(broken(error, self.frame))]))
        self._close_messages_no_wait()


def _palette() -> Any:
    return import_module("tui.actions.palette")


def _in_one_line(text: str, field: Input) -> str:
    """Return a text for a field of one line; for the ``:`` line, each of its lines a command."""
    lines = text.splitlines()
    if len(lines) < 2:
        return "".join(lines)  # its blanks separate it from existing text
    between = f" {NEXT} " if field.id == "command" else " "
    return between.join(part for line in lines if (part := line.strip()))


class LeanColours(ANSIToTruecolor):
    """Passes lines in true colours through unchanged.

    The panes draw a thousand different colours per second; looking each of them up in a cache that
    holds fewer took an eighth of the time of a redraw.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        styles = [style for _, style, _ in segments if style is not None]
        inks = (ink for style in styles for ink in (style.color, style.bgcolor))
        is_true = all(ink is None or ink.triplet is not None for ink in inks)
        if is_true and not any(style.dim for style in styles):
            return segments
        return super().apply(segments, background)


def main(
    path: str | Path | None = None, *, saves: str | Path | None = None, fps: float | None = None,
    theme: str | None = None, isolated: bool = False, read_only: bool = False, tour: bool = False,
) -> int:  # fmt: skip
    """Open the screen, on a saved world or on the demo world."""
    theme = theme_named(theme) if theme else None

    def made() -> Hubbub:
        wanted = settings.current()
        if fps is not None:
            wanted = wanted.model_copy(update={"frames_per_second": min(30.0, max(0.2, fps))})
        if theme is not None:
            wanted = wanted.model_copy(update={"theme": theme})
        at = Path(path) if path is not None else None
        app = Hubbub(
            None if saves is None else Path(saves), wanted, at, isolated=isolated,
            read_only=read_only, opening=at is None,
        )  # fmt: skip
        if tour and app.opening is not None:
            app.opening.then = "tour"
            app.opening.wanted.set()
        return app

    return run_on_terminal(made)
