"""Keys typed ahead: each waits until the one before it has done what it does."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.events import Event, Key
from textual.message import Message
from textual.timer import Timer

if TYPE_CHECKING:
    from textual.screen import Screen

__all__ = ["KeysInOrder", "Pulse", "TypedAhead"]

LONGEST = 0.25
"""Seconds after which a key no longer waits, should a pulse have been lost with its widget."""

ROUNDS_OF_ENTER = 3
"""The command line tells its parent, which tells the stage, which obeys."""


class Pulse(Message):
    """Follows a key on its way; when it is back at the program the key has done its work."""


class TypedAhead:
    """Keeps the keys of a burst in order on the stage.

    Textual gives a key to whatever has the focus when it arrives. In a burst such as ``:speed 5``
    the letters arrive before ``:`` has moved the focus, and would run as keys of the stage.

    Parameters
    ----------
    app
        The program.
    """

    def __init__(self, app: KeysInOrder) -> None:
        self._app = app
        self._kept: deque[Key] = deque()
        self._rounds = 0
        self._alarm: Timer | None = None

    def keeps(self, key: Key) -> bool:
        """Return whether the key was kept for later."""
        if self._rounds:
            self._kept.append(key)
        return bool(self._rounds)

    def went(self, key: Key) -> None:
        """Follow a key that was sent on its way; dialogs have no keys that need it."""
        if self._app.screen is self._app.stage:
            self._rounds = ROUNDS_OF_ENTER if key.key == "enter" else 1
            self._alarm = self._app.set_timer(LONGEST, self._give_up)
            self._send()

    async def back(self) -> None:
        """Take a pulse that came back, and let the next key go when it was the last one."""
        if self._rounds > 1:
            self._rounds -= 1
            self._send()
        elif self._rounds:
            await self._give_up()

    def _send(self) -> None:
        target = self._app.focused or self._app.screen
        target.post_message(Pulse())

    async def _give_up(self) -> None:
        self._rounds = 0
        if self._alarm is not None:
            self._alarm.stop()
        while self._kept and not self._rounds:
            await self._app.on_event(self._kept.popleft())


class KeysInOrder(App[int], inherit_bindings=False):
    """A program in which each key on the stage does its work before the next is looked at."""

    stage: Screen[Any] | None = None

    def __init__(self) -> None:
        super().__init__()
        self._ahead = TypedAhead(self)

    async def on_event(self, event: Event) -> None:
        """Let each key do its work before the next one is looked at."""
        if not isinstance(event, Key) or event.is_forwarded:
            await super().on_event(event)
        elif not self._ahead.keeps(event):
            await super().on_event(event)
            self._ahead.went(event)

    async def on_pulse(self, event: Pulse) -> None:
        """Let the next key go."""
        event.stop()
        await self._ahead.back()
