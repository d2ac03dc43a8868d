"""Parts of the program: long work, what is done beside, branches, theory, models."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sim import lab, network, runtime, settings
from sim.errors import HubbubError, InputError
from tui.actions.command_line import MOST_FILES
from tui.dialogs.dialog import sentence_of
from tui.dialogs.progress import DialogJob, EngineJob, ProgressDialog, in_thread
from tui.safe_text import line

if TYPE_CHECKING:
    from sim import Theory
    from sim.core import Report
    from sim.minds.deciding.thinker import Thinker
    from sim.minds.models.budget import Budget
    from sim.runtime import Focus, Health, Job, Simulation
    from sim.store import Bookmark

T = TypeVar("T")

PATIENCE = 0.2
"""Seconds that work may take before a chip or a dialog shows it."""


class LongWork:
    """Runs long work: a chip on the stage shows it, or a dialog where no stage is on top."""

    def __init__(self, app: Any) -> None:
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
        job = DialogJob(title, cancellable=False)
        return await self._follow(job, asyncio.ensure_future(answer))

    async def reporting(self, title: str, start: Callable[[Report], Awaitable[T]]) -> T:
        job = DialogJob(title)
        return await self._follow(job, asyncio.ensure_future(start(job.report)))

    async def job(self, title: str, job: Job[T]) -> T:
        return await self._follow(EngineJob(title, job), asyncio.ensure_future(job))

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


class Starting(DialogJob):
    """The start; how far it is can be seen by the modules that are imported."""

    MODULES = 750

    def __init__(self) -> None:
        super().__init__("starting")
        self._at_first = len(sys.modules)

    def look(self) -> None:
        if self.stage.startswith(("importing", "opening the demo")):
            self.share = min(0.95, (len(sys.modules) - self._at_first) / self.MODULES)


LOOKS_EVERY = 2.0
"""Seconds between two looks at the settings file, and at the world's health."""
LATE_SECONDS = 5.0
"""Seconds after which an unfinished health check is a warning."""


class BackgroundWork:
    """Work in the background."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.warming = DialogJob("preparing the models")
        self.model_words: list[str] = []
        self.saved_words: list[str] = []
        self.lab_words: list[str] = []
        self.has_begun = False
        self.watch = settings.SettingsWatch()
        self.scenario_words: list[str] = []

    async def begin(self) -> None:
        """Start, once the engine is imported."""
        self.has_begun = True
        for look in (self.look_at_settings, self.look_at_health):
            self._app.run_worker(self._again_and_again(look), group="looks")
        await self._learn_words()
        await self._warm()

    def end(self) -> None:
        self.warming.cancel()

    async def _learn_words(self) -> None:
        cards = await in_thread(lambda: runtime.choices.models(), "models")
        names = [f"model={card.name}" for card in cards]
        parameters = {f"{spec.name}=" for card in cards for spec in card.parameters}
        self.model_words = [*names, *sorted(parameters)]
        saved = await in_thread(lambda: runtime.saved_worlds(self._app.saves), "saves")
        self.saved_words = [world.path.stem for world in saved]
        files = await in_thread(lambda: sorted(Path.cwd().glob("*.toml"))[:MOST_FILES], "studies")
        self.lab_words = [file.stem for file in files]
        self.scenario_words = await in_thread(lambda: lab.scenarios(), "scenarios")
        left = [line(world.path.stem, 30) for world in saved if world.state == "not closed"]
        if left:
            self._app.notify(f"Recovered after a crash: {', '.join(left[:5])}. Press o to open.")

    async def _warm(self) -> None:
        """Compile the first models; the bar shows the current one."""
        try:
            await in_thread(lambda: runtime.warm(None, self._report), "warm")
        except Exception as error:
            self._app.log.warning(sentence_of(error))
        self.warming.share = 1.0

    def _report(self, stage: str, share: float) -> None:
        """Note the progress; the fresh world that is wanted goes before the next model."""
        opening = self._app.opening
        while stage.startswith("preparing") and opening and opening.wanted.is_set():
            time.sleep(0.1)
            opening = self._app.opening
        self.warming.report(stage, share)

    async def _again_and_again(self, look: Callable[[], Awaitable[None]]) -> None:
        """Look repeatedly; a timer that waits would delay the keys."""
        while True:
            await look()
            await asyncio.sleep(LOOKS_EVERY)

    async def look_at_settings(self) -> None:
        try:
            said = [f"{each}." for each in await in_thread(self.watch.changed, "settings")]
        except HubbubError as error:
            said = [str(error)]
        for sentence in said:
            self._app.notify(sentence, title="Settings")
        if said:
            self._app.prefer(settings.current())

    def keep_metrics(self, names: Sequence[str]) -> None:
        """Save in the settings file which metrics Live shows, without announcing a change."""
        settings.keep_words(self.watch.settings.files[0], "metrics", names)
        with suppress(HubbubError):  # other errors in the file are reported as usual
            self.watch.changed()

    async def look_at_health(self) -> None:
        """Fetch the world's health; drawing it never waits for a disk or a plugin's check."""
        app, simulation = self._app, self._app.entered
        if simulation is None:
            return
        asked = in_thread(lambda: simulation.health(within=LOOKS_EVERY), "look at health")
        try:
            done, _ = await asyncio.wait([asked], timeout=LATE_SECONDS)
            if not done:
                app.health = _late(app.health)
                app.redraw(whole=False)
            with suppress(HubbubError):  # it is being closed
                found = await asked
                app.health = found if simulation is app.entered else app.health
        finally:
            asked.cancel()
        app.redraw(whole=False)


def _late(last: Health | None) -> Health:
    """Return the last look with a warning that the next one has not returned."""
    said = f"A health check has not returned for {LATE_SECONDS:.0f} s; other values are older."
    late = runtime.Reading("checks", "s", "warning", said, LATE_SECONDS, (LATE_SECONDS,))
    last = last or runtime.Health(0, ())
    return replace(last, readings=(late, *last.readings))


TIP = re.compile(r"branch (.+) from (\d+)")


class Branches:
    """The branches of the world on the screen: the current one, and those that were left.

    The tip of a branch is a bookmark of the journal, ``branch NAME from TICK``, so that going there
    loses nothing and a crash does not either.
    """

    def __init__(self) -> None:
        self.name = "main"
        self.fork = 0
        self.back_at = 0  # the tick to which the world went back last
        self.left = 0  # the tick of the tip from which the world went back; 0: it is at a tip
        self.marks: tuple[Bookmark, ...] = ()
        self.owners: dict[str, str] = {}  # in this session: bookmarks, and the branches they are on
        self.is_cut = False  # whether the world was taken into the middle of another branch

    async def learn(self, simulation: Simulation, *, is_new: bool = False) -> None:
        """Read the bookmarks; in a world just opened, the newest branch is the current one."""
        self.marks = await simulation.bookmarks()
        if is_new and (tips := self.tips):
            self.name = max(tips, key=lambda name: (tips[name][2], tips[name][0]))
            self.fork = tips[self.name][0]

    @property
    def tips(self) -> dict[str, tuple[int, int, int]]:
        """The branches that are kept: where each began, its tip, and the entry of its tip."""
        found = ((TIP.fullmatch(mark.name), mark) for mark in self.marks)
        return {each[1]: (int(each[2]), mark.tick, mark.line) for each, mark in found if each}

    @property
    def others(self) -> dict[str, tuple[int, int, int]]:
        return {name: tip for name, tip in self.tips.items() if name != self.name}

    @property
    def names(self) -> list[str]:
        tips = self.tips | {self.name: (self.fork, 0, 0)}
        return sorted(tips, key=lambda name: (tips[name][0], name != "main", name))

    @property
    def title(self) -> str:
        """The name of the bookmark of the current branch's tip."""
        return f"branch {self.name} from {self.fork}"

    def turn(self, name: str, fork: int) -> None:
        self.name, self.fork, self.left, self.is_cut = name, fork, 0, False

    def reach(self, mark: str, tick: int) -> None:
        """Note that the world was taken to a bookmark, perhaps on another branch."""
        owner = self.owners.get(mark, self.name)
        fork, tip, _ = self.tips.get(owner, (0, 0, 0))
        if owner != self.name and tick > max(fork, self.fork):
            self.turn(owner, fork)
            if tick < tip:
                self.left, self.back_at, self.is_cut = tip, tick, True


SHORTEST = 64
"""Minimum predicted ticks, a power of two; doubled whenever a message has run longer."""

TheoryKey = tuple[object, ...]


class TheoryCurves:
    """The theories of one message, and which of them is drawn."""

    def __init__(self, app: Any) -> None:
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
        await self._learn(focus)
        if not self._known:
            self._at = -1
            return f"No theory is available for {focus.model} with these parameters."
        self._at = self._at + 1 if self._at + 1 < len(self._known) else -1
        self._app.redraw()
        if self._at < 0:
            return "Theory hidden."
        theory = self._known[self._at]
        self._app.notify(theory.limits, title="Theory", timeout=20.0)
        return f"Theory, dashed: {line(theory.name, 200)}."

    def shown(self, focus: Focus | None) -> Theory | None:
        """Return the theory to draw with a message, if it has been computed."""
        if focus is None or self._at < 0:
            return None
        key = self._key_of(focus)
        if key != self._key and key != self._asked:
            self._app.run_worker(self._learn(focus), group="theory", exit_on_error=False)
        is_same = key[:-1] == self._key[:-1]
        return self._known[self._at] if is_same and self._at < len(self._known) else None

    def _key_of(self, focus: Focus) -> TheoryKey:
        """Return what a prediction depends on; the last item is its number of ticks."""
        ticks = max(SHORTEST, 1 << (len(focus.history) - 1).bit_length())
        frame = self._app.frame
        ties = frame.ties if frame else 0
        world = id(self._app.entered)
        return focus.id, focus.model, focus.parameters, focus.seeds, ties, world, ticks

    async def _learn(self, focus: Focus) -> None:
        key = self._key_of(focus)
        if key == self._key:
            return
        self._asked = key
        said = focus.model, dict(focus.parameters), focus.seeds, int(str(key[-1]))
        try:
            known = await self._app.simulation.study(network.predicted, *said)
        except Exception as error:
            self._app.say(f"Theory: {sentence_of(error)}", "error")
            known = ()
        self._known, self._key = known, key
        self._app.redraw()


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

    async def anew(
        self, use: Callable[[Thinker], Awaitable[None]] | None = None, *, offline: bool = False
    ) -> Thinker:
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
