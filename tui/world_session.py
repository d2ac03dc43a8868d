"""The world on the screen: its engine, its journal, and its lock."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sim
from sim import runtime, settings, store
from sim.errors import Cancelled, FileError, HubbubError
from tui.dialogs.dialog import Notice, sentence_of
from tui.dialogs.progress import in_thread
from tui.safe_text import line
from tui.text import count

if TYPE_CHECKING:
    from sim import World
    from sim.core import Report
    from sim.runtime import Frame, JournalConfig, OpenResult, Simulation

DEMO = "lastfm-asia"
"""The name of the demo world."""

AUTHOR = "screen"
"""The author of the screen's commands, as recorded in journals."""

TRIES = 3
"""Attempts at a free name, which another program may take at the same moment."""

COPY = (
    "\n\nYou can open a copy and step it; nothing is written, and changes are lost unless you save "
    "it under another name."
)


@dataclass(frozen=True, slots=True)
class JournalLocation:
    """The location of a world."""

    at: Path | None = None
    is_named: bool = False
    is_copy: bool = False
    is_lost: bool = False


class WorldSession:
    """Opens the simulation of a world with its journal, and cleans up after the previous one."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.home = JournalLocation()  # of the world on the screen
        self.is_quitting = False
        self._obstacle = self._over = self._left = ""

    # Opening

    async def begin(self, path: Path | None, report: Report, *, read_only: bool = False) -> None:
        """Enter the first world: that of the command line, or else the demo world."""
        app = self._app
        if path is None:
            world = await in_thread(lambda: _demo(report), "start")
            if app.opening is not None:
                report("", 1.0)
                await app.opening.wanted.wait()
            report("starting the engine", 0.9)
            await app.enter(world, DEMO, is_first=True)
            return

        opened = await self.opened(path, report, read_only=read_only)
        if opened is None:
            raise Cancelled(f"{path.name} is in use.")
        report("starting the engine", 0.9)
        await app.enter(opened.world, path.stem, path, opened, is_first=True)

    async def opened(
        self, path: Path, starting: Report | None = None, *, read_only: bool = False
    ) -> OpenResult | None:
        """Open a file; if another process has it open, offer a copy. None: declined."""
        app = self._app

        def opened(report: Report) -> OpenResult:
            return runtime.open_live(path, read_only=read_only, report=report)

        while True:
            try:
                if starting is not None:  # the loading screen shows it
                    return await in_thread(lambda: opened(starting), "start")
                return await app.work.in_thread("opening the world", opened)  # type: ignore[no-any-return]
            except store.LeaseError as held:
                if not await app.confirmed("In use", f"{held}{COPY}", "Open a copy"):
                    return None
                read_only = True

    async def start(
        self, world: World, name: str, path: Path | None, opened: OpenResult | None
    ) -> tuple[Simulation, JournalLocation]:
        """Start the engine of a world, without a journal if none can be kept."""
        if opened is not None and opened.is_read_only:
            return await self._entered(world, name, None, None), JournalLocation(is_copy=True)
        if not await self._wants_journal(name):
            return await self._entered(world, name, path, None), JournalLocation()
        try:
            if path is None:
                return await self._unnamed(world, name)
            found = opened.recovered if opened is not None else None
            config = runtime.JournalConfig(path, author=AUTHOR, recovered=found)
            return await self._entered(world, name, path, config), JournalLocation(
                path, is_named=True
            )
        except (FileError, OSError) as error:
            if path is not None and isinstance(error, store.LeaseError):
                raise
            self._obstacle = f"No journal: {sentence_of(error)}"
        return await self._entered(world, name, path, None), JournalLocation()

    async def _unnamed(self, world: World, name: str) -> tuple[Simulation, JournalLocation]:
        saves: Path = self._app.saves
        await in_thread(lambda: saves.mkdir(parents=True, exist_ok=True), "saves")
        for left in reversed(range(TRIES)):
            at = await in_thread(lambda: runtime.free_name(saves, name), "saves")
            try:
                config = runtime.JournalConfig(at, author=AUTHOR)
                return await self._entered(world, name, None, config), JournalLocation(at)
            except store.LeaseError:
                if not left:
                    raise
        raise AssertionError  # pragma: no cover - the last try raises

    async def _entered(
        self, world: World, name: str, path: Path | None, journal: JournalConfig | None
    ) -> Simulation:
        now = settings.current()
        if path is None:
            world.max_running = now.max_running
        simulation = runtime.Simulation(
            world, name=name, path=path, max_running=now.max_running,
            frames_per_second=now.frames_per_second, journal=journal or False, author=AUTHOR,
            isolated=self._app.isolated,
        )  # fmt: skip
        return await simulation.__aenter__()

    async def _wants_journal(self, name: str) -> bool:
        wish: str = self._app.preferences.journal
        if wish != "ask":
            return wish == "on"
        question = (
            f"With a journal, changes in {line(name, 40)} survive a crash; without one, unsaved "
            "changes are lost."
        )
        ask = "Without a journal?", question, "Without journal", "With journal"
        return not await self._app.confirmed(*ask)

    # While it is open

    async def greet(self, opened: OpenResult | None) -> None:
        """Show what was found when the world was opened, and what is missing."""
        obstacle, over, left = self._obstacle, self._over, self._left
        self._obstacle = self._over = self._left = ""
        if left:
            self._app.notify(left)
        if over:
            self._app.notify(over, title="Scenario", severity="warning")
        if opened is not None and opened.told:
            kind = "warning" if opened.findings or opened.is_read_only else "good"
            self._app.say(opened.told, kind)
        if obstacle:
            self._app.say(obstacle, "warning")
        if opened is not None and opened.findings:
            text = "\n\n".join((opened.told, *opened.findings))
            await self._app.push_screen(Notice("Recovery incomplete", text))

    async def saved(self, path: Path) -> None:
        """Note that the world was saved: its location is now this file."""
        if self._app.simulation.frame.kept is not None:
            self.home = JournalLocation(path, is_named=True)
            return
        self.home = replace(self.home, is_named=True, is_copy=False)
        if self._app.preferences.journal == "on":
            await self.keep(path)

    async def keep(self, path: Path) -> None:
        try:
            await self._app.simulation.keep(runtime.JournalConfig(path, author=AUTHOR))
        except (HubbubError, OSError) as error:
            self._app.say(f"No journal: {sentence_of(error)}", "warning")
        else:
            self.home = JournalLocation(path, is_named=True)

    # Leaving

    def stopped(self, frame: Frame) -> None:
        """Note where a world that is left is kept, and that its scenario ends there."""
        now, kept, home = frame.program, frame.kept, self.home
        is_kept = frame.dirty and kept is not None and not kept.is_held_up
        if home.at is not None and is_kept and not home.is_lost:
            tick = count(frame.tick)
            self._left = f"{home.at.stem} was kept at tick {tick}. Press o to open it."
        if now is not None and now.ended is None:
            self._over = (
                f"{line(now.name, 40)} ended at tick {count(frame.tick)}, where you left it: a "
                "saved world does not resume its scenario. Type :scenario to play it again."
            )

    async def go_back(self, path: Path | None) -> None:
        """Leave the world, discarding unsaved changes, and enter its file; None: the demo world."""
        app = self._app
        world = await app.work.in_thread(
            "opening the world",
            lambda report: sim.load(path, report=report) if path else _demo(report),
        )
        self.throw_away()
        await app.part()
        await app.enter(world, path.stem if path else DEMO, path)
        if path is not None and app.frame is not None:
            app.say(f"Reverted to {path.name} as saved at tick {count(app.frame.tick)}.", "good")

    async def erased(self, path: Path, who: str, how: Any) -> None:
        """Leave the world, delete profiles from everything stored of it, and enter it again."""
        app = self._app
        told, refused = "", ""
        await app.part()
        self._left = ""  # it is entered again
        try:
            done = await app.work.in_thread(
                "deleting profiles",
                lambda report: runtime.erase_profiles(path, who, how, author=AUTHOR, report=report),
            )
            told = done.sentence
        except HubbubError as error:
            refused = sentence_of(error)
        opened = await self.opened(path)
        if opened is not None:
            await app.enter(opened.world, path.stem, path, opened)
        if refused:
            app.say(refused, "error")
        else:  # not on the line below, where the world's own first sentence appears
            await app.push_screen_wait(Notice("Profiles deleted", told))

    def throw_away(self) -> None:
        """Mark everything unsaved to be removed when the world is left."""
        self.home = replace(self.home, is_lost=True)

    def stay(self) -> None:
        """Undo that mark: the action has ended, and the world was not left after all."""
        if not self.is_quitting:
            self.home = replace(self.home, is_lost=False)

    async def leave(self) -> None:
        """Clean up after a world whose engine has ended: remove it if it was never touched."""
        home, self.home = self.home, JournalLocation()
        at = home.at
        if at is None or (home.is_named and not home.is_lost):
            return
        with suppress(FileError, OSError):
            remove = runtime.discard if home.is_lost else runtime.sweep_untouched
            await in_thread(lambda: remove(at), "saves")


def _demo(report: Report) -> World:
    report("opening the demo world", 0.0)
    return sim.io.demo()
