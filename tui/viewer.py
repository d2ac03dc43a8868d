"""The viewer: one world on the screen, followed frame by frame, with its parts and modes."""

from __future__ import annotations

import asyncio
import sys
import time
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.css.query import NoMatches
from textual.events import Key
from textual.notifications import SeverityLevel
from textual.screen import Screen

from sim import runtime, settings
from sim.errors import HubbubError, InputError
from tui.actions.table import ScreenState, conflicts
from tui.dialogs.dialog import ErrorDialog, sentence_of
from tui.dialogs.progress import POLLS_PER_SECOND, DialogJob, Loading, in_thread
from tui.opening import Bubble, Opening
from tui.program import HubbubApp
from tui.safe_text import line, plain
from tui.simulator import JournalLocation, NewWorldSpec, Preferences, Simulator
from tui.stored_run import TICKS_PER_SECOND
from tui.terminal import resume_collector
from tui.text import endings, hint_for
from tui.theme import register_themes, theme_named
from tui.world_session import WorldSession

if TYPE_CHECKING:
    from sim import Theory, World
    from sim.core import Report
    from sim.minds.deciding.thinker import Thinker
    from sim.minds.models.budget import Budget
    from sim.runtime import Focus, Frame, Health, OpenResult
    from tui.actions.table import Action
    from tui.dialogs.inject import MessageOrder
    from tui.modes.groups import GroupsMode
    from tui.modes.messages import MessagesMode
    from tui.modes.runs import RunsMode
    from tui.modes.stage import Stage


class Starting(DialogJob):
    """The start; how far it is can be seen by the modules that are imported."""

    MODULES = 750

    def __init__(self) -> None:
        super().__init__("starting")
        self._at_first = len(sys.modules)

    def look(self) -> None:
        if self.stage.startswith(("importing", "opening the demo")):
            self.share = min(0.95, (len(sys.modules) - self._at_first) / self.MODULES)


MOST_FILES = 200
"""Maximum number of files in this folder whose names can be completed."""
LOOKS_EVERY = 2.0
"""Seconds between two looks at the settings file, and at the world's health."""
LATE_SECONDS = 5.0
"""Seconds after which an unfinished health check is a warning."""


class BackgroundWork:
    """Work in the background."""

    def __init__(self, app: HubbubApp) -> None:
        self._app = app
        self._warming = DialogJob("preparing the models")
        self.model_words: list[str] = []
        self.saved_words: list[str] = []
        self.lab_words: list[str] = []
        self.has_begun = False
        self.scenario_words: list[str] = []

    async def begin(self) -> None:
        """Start, once the engine is imported."""
        self.has_begun = True
        for look in (self.look_at_settings, self.look_at_health):
            self._app.run_worker(_again_and_again(look), group="looks")
        await self._learn_words()
        await self._warm()

    def end(self) -> None:
        """Stop what can be stopped."""
        self._warming.cancel()

    async def _learn_words(self) -> None:
        simulator = self._app.simulator
        cards = await in_thread(simulator.models, "models")
        names = [f"model={card.name}" for card in cards]
        parameters = {f"{spec.name}=" for card in cards for spec in card.parameters}
        self.model_words = [*names, *sorted(parameters)]
        saved = await simulator.saved()
        self.saved_words = [world.path.stem for world in saved]
        await self.learn_files()
        left = [line(world.path.stem, 30) for world in saved if world.state == "not closed"]
        if left:
            self._app.notify(f"Recovered after a crash: {', '.join(left[:5])}. Press o to open.")

    async def learn_files(self) -> None:
        """Find the studies and scenarios in this folder."""
        names = await in_thread(lambda: sorted(Path.cwd().glob("*.toml"))[:MOST_FILES], "studies")
        self.lab_words = [name.stem for name in names]
        found = await in_thread(self._app.simulator.scenarios, "scenarios")
        self.scenario_words = [each.where for each in found]

    async def _warm(self) -> None:
        """Compile the first models; the bar shows the current one."""
        simulator, timer = (
            self._app.simulator,
            self._app.set_interval(1 / POLLS_PER_SECOND, self._tell),
        )
        try:
            await in_thread(lambda: simulator.warm(self._report), "warm")
        except Exception as error:
            self._app.log.warning(sentence_of(error))
        timer.stop()
        self._warming.share = 1.0
        self._tell()

    def _report(self, stage: str, share: float) -> None:
        """Note the progress; the fresh world that is wanted goes before the next model."""
        opening = self._app.opening
        while stage.startswith("preparing") and opening and opening.wanted.is_set():
            time.sleep(0.1)
            opening = self._app.opening
        self._warming.report(stage, share)

    def _tell(self) -> None:
        with suppress(NoMatches):  # the stage is being taken down
            job = self._warming
            told = f"{job.stage}, {job.share:.0%}" if job.stage and job.share < 1 else ""
            self._app.say_preparing(told)

    async def look_at_settings(self) -> None:
        """Announce changes in the settings file, and apply them."""
        changed = await in_thread(self._app.simulator.changed_settings, "settings")
        for sentence in changed:
            self._app.notify(sentence, title="Settings")
        if changed:
            self._app.prefer(await in_thread(self._app.simulator.preferences, "settings"))

    async def look_at_health(self) -> None:
        """Fetch the world's health; drawing it never waits for a disk or a plugin's check."""
        feed = self._app.feed
        if feed is None:
            return
        asked = in_thread(lambda: feed.simulation.health(within=LOOKS_EVERY), "look at health")
        try:
            done, _ = await asyncio.wait([asked], timeout=LATE_SECONDS)
            if not done:
                feed.health = _late(feed.health)
                self._draw_health()
            with suppress(HubbubError):  # it is being closed
                feed.health = await asked
        finally:
            asked.cancel()
        self._draw_health()

    def _draw_health(self) -> None:
        with suppress(NoMatches):  # the stage is being taken down
            self._app.redraw(whole=False)
            self._app.redraw_modes()


def _late(last: Health | None) -> Health:
    """Return the last look with a warning that the next one has not returned."""
    said = f"A health check has not returned for {LATE_SECONDS:.0f} s; other values are older."
    late = runtime.Reading("checks", "s", "warning", said, LATE_SECONDS, (LATE_SECONDS,))
    return (
        runtime.Health(0, (late,))
        if last is None
        else replace(last, readings=(late, *last.readings))
    )


async def _again_and_again(look: Callable[[], Awaitable[None]]) -> None:
    """Look repeatedly; a timer that waits would delay the keys."""
    while True:
        await look()
        await asyncio.sleep(LOOKS_EVERY)


SHORTEST = 64
"""Minimum predicted ticks; doubled whenever a message has run longer."""

READ_FOR = 20.0
"""Seconds that the toast is shown."""

TheoryKey = tuple[object, ...]


class TheoryCurves:
    """The theories of one message, and which of them is drawn."""

    def __init__(self, app: HubbubApp) -> None:
        self._app = app
        self._at = -1
        self._known: tuple[Theory, ...] = ()
        self._key: TheoryKey = ()
        self._asked: TheoryKey = ()

    async def turn(self) -> str:
        """Switch to the next theory, or to none after the last; return what to say."""
        focus = self._app.frame.focus if self._app.frame else None
        if focus is None:
            return "No message is shown; press i to send one."
        await self._learn(focus, self._key_of(focus))
        if not self._known:
            self._at = -1
            return f"No theory is available for {focus.model} with these parameters."
        self._at = self._at + 1 if self._at + 1 < len(self._known) else -1
        self._app.redraw()
        if self._at < 0:
            return "Theory hidden."
        theory = self._known[self._at]
        self._app.notify(theory.limits, title="Theory", timeout=READ_FOR)
        return f"Theory, dashed: {line(theory.name, 200)}."

    def shown(self, focus: Focus | None) -> Theory | None:
        """Return the theory to draw with a message, if it has been computed."""
        if focus is None or self._at < 0:
            return None
        key = self._key_of(focus)
        if key != self._key and key != self._asked:
            self._app.run_worker(self._follow(focus, key), group="theory", exit_on_error=False)
        is_same = key[:-1] == self._key[:-1]
        return self._known[self._at] if is_same and self._at < len(self._known) else None

    def _key_of(self, focus: Focus) -> TheoryKey:
        """Return what a prediction depends on; the last item is its number of ticks."""
        ticks = SHORTEST
        while ticks < len(focus.history):
            ticks *= 2
        frame = self._app.frame
        ties = frame.ties if frame else 0
        return focus.id, focus.model, focus.parameters, focus.seeds, ties, id(self._app.feed), ticks

    async def _follow(self, focus: Focus, key: TheoryKey) -> None:
        await self._learn(focus, key)
        self._app.redraw()

    async def _learn(self, focus: Focus, key: TheoryKey) -> None:
        if key == self._key:
            return
        self._asked = key
        ticks, simulator = int(str(key[-1])), self._app.simulator
        try:
            known = await self._app.simulation.study(
                simulator.theory, focus.model, dict(focus.parameters), focus.seeds, ticks
            )
        except Exception as error:
            self._app.say(f"Theory: {sentence_of(error)}", "error")
            known = ()
        self._known, self._key = known, key


Using = Callable[["Thinker"], Awaitable[None]]


class ModelAccess:
    """Access to language models, shared by minds, interviews and surveys.

    It is opened on first use, and closed with the program. There is one budget for as
    long as the program runs: closing and reopening the access does not renew it.
    """

    def __init__(self) -> None:
        self.prefer = ""  # the model that is asked first; empty: as in the settings
        self.least: float | None = None  # the share of decisions below which models decide too few
        self.thinker: Thinker | None = None  # the thinker, while the access is open
        self._opening: AbstractContextManager[Thinker] | None = None
        self._budget: Budget | None = None

    async def budget(self) -> Budget:
        """Return the caps, initially those of the settings, and what was spent."""
        if self._budget is None:
            from sim.minds.models.configured import budget_in

            self._budget = await in_thread(lambda: budget_in(settings.current()), "settings")
        return self._budget

    async def ready(self) -> Thinker:
        """Return the thinker; open the access if it is not open."""
        thinker = self.thinker
        if thinker is None or thinker.pool is None:
            thinker = await self.anew()
        if thinker.pool is None:
            raise InputError(thinker.lacks)
        return thinker

    async def anew(self, use: Using | None = None, *, offline: bool = False) -> Thinker:
        """Reopen the access with the current settings, close the old one; models may be missing."""
        from sim.runtime.minds import thinker_of

        budget = await self.budget()
        opening = thinker_of(offline=offline, budget=budget, prefer=self.prefer, least=self.least)
        thinker = await in_thread(opening.__enter__, "language models")
        if use is not None:
            try:
                await use(thinker)
            except BaseException:
                await in_thread(lambda: opening.__exit__(None, None, None), "language models")
                raise
        await self.close()
        self._opening, self.thinker = opening, thinker
        return thinker

    async def close(self) -> None:
        """Close the access; requests in progress end. Closing again is harmless."""
        opening, self._opening, self.thinker = self._opening, None, None
        if opening is not None:
            await in_thread(lambda: opening.__exit__(None, None, None), "language models")


SLOW, FAST, MANY = 2.0, 5.0, 100_000
"""Ticks per second at first: a short cascade can be watched in worlds with fewer members."""

SAID_FOR = 8.0
"""Seconds that a sentence is shown before the hint returns."""


class Viewer(HubbubApp, inherit_bindings=False):
    """Opens a world, follows it and shows it; implements what actions ask of the screen."""

    def __init__(
        self, simulator: Simulator, preferences: Preferences | None = None,
        path: Path | None = None,
        *, read_only: bool = False, opening: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(simulator, preferences)
        self.opening = Opening(self) if opening else None
        self.homes = WorldSession(self)
        self.predicted = TheoryCurves(self)
        self.upkeep = BackgroundWork(self)
        self.asking = ModelAccess()
        self.sending = 0  # messages on their way to the engine
        self.undoable: list[tuple[int, str, Any]] = []  # message, parameter, its value before
        self.is_rescuing = False  # whether the engine is being restarted
        self.last_order: MessageOrder | None = None
        self.last_new: NewWorldSpec | None = None
        self._is_new_world = True
        self._path, self._read_only = path, read_only
        self._said_at, self._hinted = 0.0, ""
        self._first = Starting()
        self._loading = Loading(self._first)
        self._entering = asyncio.Lock()
        self.stage: Stage | None = None  # all modes between the bars
        self.groups: GroupsMode
        self.messages: MessagesMode
        self.runs: RunsMode

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
        if self.opening is not None and self.opening.keeps(key):
            return
        bubbles = self.screen.query(Bubble)
        if key.key == "escape" and bubbles:
            await bubbles.remove()
        else:
            await super().take_key(key)

    def prefer(self, wanted: Preferences) -> None:
        """Apply the user's preferences."""
        self.preferences = wanted
        self.set_keymap(dict(wanted.keymap))
        try:
            if wanted.theme:
                is_there = wanted.theme in self.available_themes
                self.theme = wanted.theme if is_there else theme_named(wanted.theme)
        except InputError as error:
            self.notify(str(error))
        for problem in conflicts(wanted.keymap):
            self.notify(problem, severity="warning", timeout=10)
        if self.stage is not None:
            self.stage.draw_with(wanted.symbols)

    async def _begin(self) -> None:
        report = self._first.report
        try:
            try:
                await in_thread(lambda: self.prepare(report), "start")
            finally:
                is_made = self.feed or self.work.busy or self._entering.locked()
                resume_collector(freezing=not is_made)  # a world may have been requested meanwhile
            if self.opening is not None:
                self.run_worker(self.upkeep.begin(), exit_on_error=False)
            await self.homes.begin(self._path, report, read_only=self._read_only)
            self.say_preparing("")
        except Exception as error:
            if self.opening is None:
                self._loading.fail(sentence_of(error))
            else:
                self._end_opening()
                self.frame, self._is_new_world = None, True
                self.say(sentence_of(error), "error")
        if not self.upkeep.has_begun:
            await self.upkeep.begin()

    def _end_opening(self) -> None:
        """Leave the stored run, for what was asked for and typed meanwhile."""
        opening, self.opening = self.opening, None
        if opening is not None:
            opening.end()
            if opening.then:
                self.call_after_refresh(self.action_act, opening.then)
            for key in opening.typed:
                self.call_after_refresh(self.post_message, key)

    # -- the world on the screen -------------------------------------------------------------

    async def enter(
        self, world: World, name: str, path: Path | None = None, opened: OpenResult | None = None,
        *, is_first: bool = False,
    ) -> None:  # fmt: skip
        """Leave the old world and show another."""
        async with self._entering:
            if is_first and self.feed is not None:
                return
            feed, home = await self.homes.start(world, name, path, opened)
            await self.part()
            self.feed, self.homes.home = feed, home
            self._end_opening()
            if self.speed in {TICKS_PER_SECOND, SLOW, FAST}:
                self.speed = SLOW if feed.simulation.frame.agents < MANY else FAST
            # A turn may have met the new world's frame and refused it for its low revision.
            self.goal, self._is_new_world, self.undoable = 0, True, []
            self._accept(feed.simulation.frame)
        await self._set_the_stage()
        self.go("live")
        self.redraw()
        self.call_after_refresh(self.hint)
        self.call_after_refresh(self.homes.greet, opened)

    def show_tour(self) -> None:
        """Show the first stop of the tour."""
        if self.stage is not None and not self.stage.query(Bubble):
            self.stage.mount(Bubble())

    async def part(self) -> None:
        """Leave the world on the screen, and clean up after it."""
        feed, self.feed = self.feed, None
        if feed is not None:
            self.homes.stopped(feed.simulation.frame)
            await feed.close()
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

    def _made_stage(self) -> Stage:
        """Return the stage with its modes."""
        from tui.modes import groups, live, messages, runs, stage, system

        self.groups, self.messages = groups.GroupsMode(), messages.MessagesMode()
        self.runs = runs.RunsMode()
        modes = [live.LiveMode(), self.groups, self.messages, self.runs, system.SystemMode()]
        self.stage = stage.Stage(modes)
        self.call_after_refresh(self.stage.draw_with, self.preferences.symbols)
        self.set_interval(1 / self.preferences.frames_per_second, self._turn)
        return self.stage

    # -- frames -----------------------------------------------------------------------------

    def _turn(self) -> None:
        """Take the newest frame, if there is a new one, and show it."""
        if self.opening is not None:
            self._tell_loading()
            return
        with suppress(NoMatches):  # the stage is being taken down
            if self._take():
                self.redraw(whole=not self.running)
            sticks = self.stage is not None and self.stage.line.sticks
            is_over = time.monotonic() - self._said_at > SAID_FOR and not sticks
            if is_over if self._said_at else hint_for(self.frame, self.keymap) != self._hinted:
                self.hint()

    def _tell_loading(self) -> None:
        """Say what is loaded while the stored run is played, and how far it is."""
        self._first.look()
        if self._first.stage:
            told = f"{self._first.stage}, {self._first.share:.0%}"
            self.say_preparing(told)
            if self.opening is not None and self.opening.wanted.is_set():
                self.say(f"Opening the world: {told}")

    def _take(self) -> bool:
        newest = self.feed.newest if self.feed else None
        return newest is not None and self._accept(newest)

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
        """Show the engine's current frame, if it is newer."""
        if self.feed is not None and self._accept(self.feed.simulation.frame):
            self.redraw()

    def redraw(self, *, whole: bool = True) -> None:
        """Show the newest frame in the current mode, in all panes or in those next in turn."""
        if self.stage is not None and self.frame is not None and self.stage.is_mounted:
            with self.batch_update():
                self.stage.show(self.frame, whole=whole)

    def redraw_modes(self) -> None:
        """Redraw the bar of modes."""
        if self.stage is not None and self.stage.is_mounted:
            self.stage.redraw_modes()

    def _announce(self, before: Frame, now: Frame) -> None:
        """Announce the messages that ended since the previous frame."""
        for text, kind in endings(before, now):
            self.say(text, kind)

    @contextmanager
    def expecting(self, state: str) -> Iterator[None]:
        """Show the requested state at once, until the engine has answered."""
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
    def home(self) -> JournalLocation:
        """The location of the world on the screen."""
        return self.homes.home

    def situation(self) -> ScreenState:
        """Return the state on which available actions depend."""
        if self.stage is None:  # before it exists, a question would not be visible
            return ScreenState(None, "", self.work.busy)
        return ScreenState(self.frame, self.stage.mode, self.work.busy)

    def theory_beside(self, focus: Focus | None) -> Theory | None:
        """Return the theory to draw with a message, if it has been computed."""
        return self.predicted.shown(focus)

    def go(self, mode: str) -> None:
        """Go to a mode, which is as it was left."""
        if self.opening is not None:
            self.opening.ask(mode)
        elif self.stage is not None:
            self.stage.go(mode)

    def show_community(self, index: int) -> None:
        """Go to a community in the Groups mode."""
        self.go("groups")
        self.groups.turn("communities")
        self.call_after_refresh(self.groups.choose, index)

    # -- what is said -----------------------------------------------------------------------

    def say(self, text: str, kind: str = "info") -> None:
        """Show a sentence on the line above the footer."""
        self._said_at = time.monotonic()
        if self.stage is not None and self.stage.is_mounted:
            self.stage.line.say(text, kind)
        elif self.stage is None:
            self._loading.say(plain(text))

    def pressed(self) -> None:
        """Let an error go, as a key was pressed."""
        if self.stage is not None and self.stage.line.sticks:
            self.stage.line.unstick()

    def say_preparing(self, stage: str) -> None:
        """Show in the bar of modes what is still being prepared; empty if nothing is."""
        if self.stage is not None:
            self.stage.prepare(stage)

    def hint(self) -> None:
        """Show a hint on what to do next."""
        self._hinted = self.opening.sentence if self.opening else hint_for(self.frame, self.keymap)
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
        """Show an error; the program continues."""
        self.push_screen(ErrorDialog(error))

    # -- what Hubbub does --------------------------------------------------------------------

    @abstractmethod
    def prepare(self, report: Report) -> None:
        """Import everything that the first paint does not need."""

    @abstractmethod
    def perform(self, action: Action, words: tuple[str, ...] = ()) -> None:
        """Carry out an action, or say why it is not possible now."""

    @abstractmethod
    def ask_command(self, start: str) -> None:
        """Open the ``:`` line."""

    @abstractmethod
    async def settled(self) -> Frame | None:
        """Return the newest frame, after giving unfinished actions a moment to end."""
