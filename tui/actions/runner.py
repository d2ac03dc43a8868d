"""The action runner: each runs beside the keys, and what it refuses becomes a sentence."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sim.errors import Cancelled, HubbubError, InputError
from tui.actions import (  # noqa: F401 - each registers what it does
    agents,
    lab,
    members,
    messages,
    metrics,
    minds,
    past,
    platform,
    program,
    runs,
    talks,
    time,
    view,
    world,
)
from tui.actions.action import act_of
from tui.actions.command_line import parse
from tui.dialogs.error import sentence_of

if TYPE_CHECKING:
    from tui.actions.table import Action
    from tui.viewer import Viewer


PATIENCE = 0.5
"""Seconds that acts begun before have to end before the world is left."""


class ActionRunner:
    """Carries out acts, by key, by name, or out of the palette."""

    def __init__(self, app: Viewer) -> None:
        self._app = app
        self._quick: set[asyncio.Event] = set()

    def obey(self, line: str) -> None:
        """Carry out a line typed after ``:``."""
        try:
            command = parse(line)
        except InputError as error:
            self._app.say(str(error), "error")
            return
        self.perform(command.action, command.words)

    def perform(self, action: Action, words: tuple[str, ...] = ()) -> None:
        """Carry out an act, or say why it cannot be done now."""
        obstacle = action.when(self._app.situation())
        if obstacle:
            self._app.say(obstacle, "warning")
            return
        over = asyncio.Event()
        if action.opens:
            self._app.ahead.opens(over)
        else:
            self._quick.add(over)
        act = self._perform(action, words, over)
        self._app.run_worker(act, group="acts", exit_on_error=False)

    async def _perform(self, action: Action, words: tuple[str, ...], over: asyncio.Event) -> None:
        app = self._app
        try:
            await act_of(action.id)(app, words)
        except Cancelled as wish:
            app.say(str(wish))
        except InputError as error:
            app.say(str(error), "error")
        except Exception as error:
            if not isinstance(error, HubbubError):
                app.log.error(sentence_of(error))
            if (app.is_rescuing and action.id != "restart") or self._is_said(error):
                app.say(sentence_of(error), "warning")  # it waited for the plugin that is stopped
            else:
                app.show_problem(error)
        finally:
            app.homes.stay()
            over.set()
            self._quick.discard(over)
            app.ahead.ended(over)

    def _is_said(self, error: Exception) -> bool:
        """Return whether the banner says it already: the disk is full, an engine was replaced."""
        kept = self._app.frame.kept if self._app.frame else None
        is_full = kept is not None and kept.is_held_up and isinstance(error, HubbubError)
        return is_full or _was_replaced(error)

    async def settle(self) -> None:
        """Wait a moment for acts begun before, such as a step, so that what they did is known."""
        waiting = [asyncio.create_task(over.wait()) for over in self._quick]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=PATIENCE)
            for task in late:
                task.cancel()


def _was_replaced(error: Exception) -> bool:
    """Return whether the engine ended by a plugin's fault: the banner says so already."""
    from sim.runtime import ReplacedError

    return isinstance(error, ReplacedError)
