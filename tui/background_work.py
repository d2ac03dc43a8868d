"""Background work: learning words to complete, preparing models, watching the settings."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual.css.query import NoMatches

from sim.errors import HubbubError
from tui.dialogs.error import sentence_of
from tui.dialogs.progress import POLLS_PER_SECOND, DialogJob, in_thread
from tui.model_access import asking_of
from tui.safe_text import line

if TYPE_CHECKING:
    from sim.runtime import Health
    from tui.program import HubbubApp


MOST_FILES = 200
"""Files of this folder whose names can be completed."""
LOOKS_EVERY = 2.0
"""Seconds between two looks at the settings file, and at the world's health."""
LATE_SECONDS = 5.0
"""Seconds after which a look at the health that has not ended is a warning."""


class BackgroundWork:
    """Work that nobody waits for.

    Attributes
    ----------
    model_words, saved_words, lab_words, scenario_words
        What the ``:`` line can complete: models with their parameters, saved worlds, studies and
        scenarios to sweep of this folder, scenarios to play.
    """

    def __init__(self, app: HubbubApp) -> None:
        self._app = app
        self._warming = DialogJob("preparing the models")
        self.model_words: list[str] = []
        self.saved_words: list[str] = []
        self.lab_words: list[str] = []
        self.scenario_words: list[str] = []

    async def begin(self) -> None:
        """Begin, once the first world is on the screen."""
        for look in (self.look_at_settings, self.look_at_health):
            self._app.run_worker(_again_and_again(look), group="looks")
        await self._learn_words()
        await self._warm()

    async def end(self) -> None:
        """Stop what can be stopped, and ask no language model any more."""
        self._warming.cancel()
        await asking_of(self._app).close()

    async def _learn_words(self) -> None:
        backend = self._app.backend
        cards = await in_thread(backend.models, "models")
        names = [f"model={card.name}" for card in cards]
        parameters = {f"{spec.name}=" for card in cards for spec in card.parameters}
        self.model_words = [*names, *sorted(parameters)]
        saved = await backend.saved()
        self.saved_words = [world.path.stem for world in saved]
        await self.learn_files()
        left = [line(world.path.stem, 30) for world in saved if world.state == "not closed"]
        if left:
            them = "it" if len(left) == 1 else "them"
            self._app.notify(f"Not closed last time: {', '.join(left[:5])}. o opens {them}.")

    async def learn_files(self) -> None:
        """Learn which studies and scenarios this folder has."""
        names = await in_thread(lambda: sorted(Path.cwd().glob("*.toml"))[:MOST_FILES], "studies")
        self.lab_words = [name.stem for name in names]
        found = await in_thread(self._app.backend.scenarios, "scenarios")
        self.scenario_words = [each.where for each in found]

    async def _warm(self) -> None:
        """Prepare every model; the bar says which one is at it."""
        backend, timer = self._app.backend, self._app.set_interval(1 / POLLS_PER_SECOND, self._tell)
        try:
            await in_thread(lambda: backend.warm(self._warming.report), "warm")
        except Exception as error:
            self._app.log.warning(sentence_of(error))
        timer.stop()
        self._warming.stage = ""
        self._tell()

    def _tell(self) -> None:
        with suppress(NoMatches):  # the stage is being taken down
            self._app.say_preparing(self._warming.stage)

    async def look_at_settings(self) -> None:
        """Announce what changed in the settings file, and do as it says now."""
        changed = await in_thread(self._app.backend.changed_settings, "settings")
        for sentence in changed:
            self._app.notify(sentence, title="Settings")
        if changed:
            self._app.prefer(await in_thread(self._app.backend.preferences, "settings"))

    async def look_at_health(self) -> None:
        """Take over how the world is; whoever draws it waits for no disk and no plugin's check."""
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
    """Return the last look with a warning before it that the next one does not end."""
    from sim.runtime import Health, Reading

    said = f"A health check has not come back for {LATE_SECONDS:.0f} s; what follows is older."
    late = Reading("checks", "s", "warning", said, LATE_SECONDS, (LATE_SECONDS,))
    return Health(0, (late,)) if last is None else replace(last, readings=(late, *last.readings))


async def _again_and_again(look: Callable[[], Awaitable[None]]) -> None:
    """Look for as long as the program runs; a timer that waits would hold up the keys."""
    while True:
        await look()
        await asyncio.sleep(LOOKS_EVERY)
