"""The world on the screen: its engine, its journal, and its lock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim import store
from sim.errors import Cancelled, FileError, HubbubError
from tui.dialogs.dialog import Notice, sentence_of
from tui.dialogs.progress import in_thread
from tui.parts import FrameFeed
from tui.safe_text import line
from tui.simulator import JournalLocation
from tui.text import count

if TYPE_CHECKING:
    from sim import World
    from sim.core import Report
    from sim.runtime import Frame, JournalConfig, OpenResult


DEMO = "lastfm-asia"
"""The name of the demo world."""

TRIES = 3
"""Attempts at a free name, which another program may take at the same moment."""

COPY = (
    "\n\nYou can open a copy and step it; nothing is written, and changes are lost unless you save "
    "it under another name."
)


class WorldSession:
    """Opens the simulation of a world with its journal, and cleans up after the previous one."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.home = JournalLocation()  # of the world on the screen
        self.is_quitting = False
        self._obstacle = self._over = ""

    # Opening

    async def begin(self, path: Path | None, report: Report, *, read_only: bool = False) -> None:
        """Enter the first world: that of the command line, or else the demo world."""
        app = self._app
        if path is None:
            world = await in_thread(lambda: app.simulator.demo(report), "start")
            if app.opening is not None:
                report("", 1.0)
                await app.opening.wanted.wait()
            report("starting the engine", 0.9)
            await app.enter(world, DEMO, is_first=True)
            return

        async def open_it(is_copy: bool) -> OpenResult:
            return await in_thread(
                lambda: app.simulator.open(path, report, read_only=is_copy or read_only), "start"
            )

        opened = await self._or_a_copy(open_it)
        if opened is None:
            raise Cancelled(f"{path.name} is in use.")
        report("starting the engine", 0.9)
        await app.enter(opened.world, path.stem, path, opened, is_first=True)

    async def opened(self, path: Path) -> OpenResult | None:
        """Open a file; if another process has it open, offer a copy. None: declined."""
        app = self._app

        async def open_it(read_only: bool) -> Any:
            return await app.work.in_thread(
                "opening the world",
                lambda report: app.simulator.open(path, report, read_only=read_only),
            )

        return await self._or_a_copy(open_it)

    async def _or_a_copy(
        self, open_it: Callable[[bool], Awaitable[OpenResult]]
    ) -> OpenResult | None:
        try:
            return await open_it(False)
        except store.LeaseError as held:
            if not await self._app.confirmed("In use", f"{held}{COPY}", "Open a copy"):
                return None
        return await open_it(True)

    async def start(
        self, world: World, name: str, path: Path | None, opened: OpenResult | None
    ) -> tuple[FrameFeed, JournalLocation]:
        """Start the engine of a world, without a journal if none can be kept."""
        if opened is not None and opened.is_read_only:
            return await self._feed(world, name, None, None), JournalLocation(is_copy=True)
        if not await self._wants_journal(name):
            return await self._feed(world, name, path, None), JournalLocation()
        try:
            if path is None:
                return await self._unnamed(world, name)
            journal_config = self._app.simulator.journal_config(path, opened)
            return await self._feed(world, name, path, journal_config), JournalLocation(
                path, is_named=True
            )
        except (FileError, OSError) as error:
            self._refuse(error, is_named=path is not None)
        return await self._feed(world, name, path, None), JournalLocation()

    def _refuse(self, error: Exception, *, is_named: bool) -> None:
        if is_named and isinstance(error, store.LeaseError):
            raise error
        self._obstacle = f"No journal: {sentence_of(error)}"

    async def _unnamed(self, world: World, name: str) -> tuple[FrameFeed, JournalLocation]:
        simulator = self._app.simulator
        for left in reversed(range(TRIES)):
            at = await in_thread(lambda: simulator.free_name(name), "saves")
            try:
                return await self._feed(
                    world, name, None, simulator.journal_config(at, None)
                ), JournalLocation(at)
            except store.LeaseError:
                if not left:
                    raise
        raise AssertionError  # pragma: no cover - the last try raises

    async def _feed(
        self, world: World, name: str, path: Path | None, journal_config: JournalConfig | None
    ) -> FrameFeed:
        simulation = self._app.simulator.simulation(world, name, path, journal_config)
        feed = FrameFeed(simulation, self._app.show_problem)
        await feed.open()
        return feed

    async def _wants_journal(self, name: str) -> bool:
        wish: str = self._app.preferences.journal
        if wish != "ask":
            return wish == "on"
        question = (
            f"With a journal, changes in {line(name, 40)} survive a crash; without one, unsaved "
            "changes are lost."
        )
        wants_none = self._app.confirmed(
            "Without a journal?", question, "Without journal", "With journal"
        )
        return not await wants_none

    # While it is open

    async def greet(self, opened: OpenResult | None) -> None:
        """Show what was found when the world was opened, and what is missing."""
        obstacle, self._obstacle = self._obstacle, ""
        over, self._over = self._over, ""
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
        frame = self._app.simulation.frame
        if frame.kept is not None:
            self.home = JournalLocation(path, is_named=True)
            return
        self.home = replace(self.home, is_named=True, is_copy=False)
        if self._app.preferences.journal == "on":
            await self.keep(path)

    async def keep(self, path: Path) -> None:
        journal_config = self._app.simulator.journal_config(path, None)
        try:
            await self._app.simulation.keep(journal_config)
        except (HubbubError, OSError) as error:
            self._app.say(f"No journal: {sentence_of(error)}", "warning")
        else:
            self.home = JournalLocation(path, is_named=True)

    # Leaving

    def stopped(self, frame: Frame) -> None:
        """Note that a scenario was running in a world that is left: it ends there."""
        now = frame.program
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
            lambda report: app.simulator.load(path, report) if path else app.simulator.demo(report),
        )
        self.throw_away()
        await app.part()
        await app.enter(world, path.stem if path else DEMO, path)
        if path is not None and app.frame is not None:
            app.say(f"Reverted to {path.name} as saved at tick {count(app.frame.tick)}.", "good")

    async def erased(self, path: Path, who: str, how: str) -> None:
        """Leave the world, delete profiles from everything stored of it, and enter it again."""
        app = self._app
        told, refused = "", ""
        await app.part()
        try:
            told = await app.work.in_thread(
                "deleting profiles", lambda report: app.simulator.erase(path, who, how, report)
            )
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
            await in_thread(lambda: self._app.simulator.leave(at, for_good=home.is_lost), "saves")
