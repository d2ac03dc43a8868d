"""The queue of keys typed ahead: each waits until the previous one has had its effect."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, cast

from textual.app import App
from textual.events import Event, Key
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input

from tui.actions.table import Action, key_label, way_to

LOOK_EVERY = 0.25
"""Seconds between two checks that the pulse can still come back."""

LONGEST = 5.0
"""Maximum seconds that keys wait, whatever the reason."""

UNPROMPTED = 0.5
"""Seconds after the last key from which a dialog comes unexpected."""

DEAF_SECONDS = 0.3
"""Seconds for which a dialog that comes unexpected takes no keys: they were meant for the stage."""

ROUNDS = {"enter": 3, "escape": 2}
"""Pulse rounds of keys that are passed on: the command line tells its parent, then the stage."""


class Pulse(Message):
    """A message sent after a key; when it arrives back, the key has had its effect."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class TypedAhead:
    """Keeps the keys of a burst in order.

    Textual gives a key to whatever has the focus when it arrives. In a burst such as ``:speed 5``
    the letters arrive before ``:`` has moved the focus, and in ``ihello`` before the dialog that
    ``i`` opens is there; they would run as keys of the stage.
    """

    def __init__(self, app: KeysInOrder) -> None:
        self._app = app
        self._kept: deque[Key] = deque()
        self._rounds = 0
        self._newest = 0
        self._bearer: MessagePump | None = None
        self._opener: object | None = None
        self._aside: tuple[object | None, deque[Key]] = (None, deque())
        self._since = self._newest_key = self._deaf_until = 0.0
        self._alarm: Timer | None = None

    @property
    def is_waiting(self) -> bool:
        return bool(self._rounds) or self._opener is not None

    def keeps(self, key: Key) -> bool:
        """Return whether the key was queued, or dropped as it was not meant for a new dialog."""
        if key.time < self._deaf_until:
            return True
        self._newest_key = key.time
        if self.is_waiting or self._kept:
            self._kept.append(key)
            return True
        return False

    def went(self, key: Key) -> None:
        """Send a pulse after a key that was dispatched."""
        self._follow(self._app.focused or self._app.screen, ROUNDS.get(key.key, 1))

    def opens(self, opener: object) -> None:
        """Hold the next keys for the dialog that an action is about to open."""
        self._opener = opener
        self._begin()

    def opened(self, screen: Screen[Any]) -> None:
        """Release the next keys to a screen, once its first field has the focus."""
        now = time.monotonic()
        if self._opener is None:
            if screen is not self._app.stage and now - self._newest_key > UNPROMPTED:
                self._deaf_until = now + DEAF_SECONDS  # the work of an action has led to it
            return
        if not getattr(screen, "takes_keys", True):  # it only shows the progress of the action
            self._aside, self._kept = (self._opener, self._kept), deque()
        self._opener = None
        self._follow(screen, 1)

    def released(self) -> None:
        """Release the next keys to the stage: the action takes long, and opens its dialog later."""
        if self._opener is not None:
            self._opener = None
            self._follow(self._app, 1)

    @property
    def waiting(self) -> str:
        """The keys that wait, as a person writes them."""
        return "".join(f"{shown_key(key)} " for key in self._kept).strip()

    def ended(self, opener: object) -> None:
        """Release the next keys: the action has ended, whatever it opened."""
        if opener is self._aside[0]:
            self._kept.extendleft(reversed(self._aside[1]))
            self._aside = (None, deque())
        elif opener is not self._opener:
            return
        self._opener = None
        self._follow(self._app, 1)

    async def back(self, pulse: Pulse) -> None:
        """Handle a returned pulse; release the next key if it was the last round."""
        if pulse.number != self._newest:
            return
        if self._rounds > 1:
            self._follow(self._app.focused or self._app.screen, self._rounds - 1)
            return
        self._rounds = 0
        if self._opener is None:
            await self._let_go()

    def _begin(self) -> None:
        self._since = time.monotonic()
        if self._alarm is None:
            self._alarm = self._app.set_interval(LOOK_EVERY, self._look)

    def _follow(self, bearer: MessagePump, rounds: int) -> None:
        self._begin()
        self._rounds = rounds
        self._newest += 1
        self._bearer = bearer
        if not bearer.post_message(Pulse(self._newest)):  # the widget is closing
            self._bearer = self._app
            self._app.post_message(Pulse(self._newest))

    async def _look(self) -> None:
        """Release keys if a pulse was lost with its widget, or if everything takes too long."""
        lost = self._rounds and (self._bearer is None or not self._bearer.is_running)
        if lost:
            self._follow(self._app, 1)
        elif time.monotonic() - self._since > LONGEST:
            self._rounds, self._opener = 0, None
            await self._let_go()

    async def _let_go(self) -> None:
        if self._alarm is not None:
            self._alarm.stop()
            self._alarm = None
        while self._kept and not self.is_waiting:
            await self._app.take_key(self._kept.popleft())


COUNT_SECONDS = 1.0
"""Seconds within which the next key continues a count, or takes it."""

STEPS = frozenset({"step", "forward", "step-back"})
"""Actions that repeat by a single digit too, though that digit alone shows a mode."""


class CountPrefix:
    """The number typed before a key, such as ``20<``.

    Each digit from 1 to 5 shows its mode at once. Only a key that takes a number, typed within a
    second, makes them a count, and the mode before them returns.
    """

    def __init__(self) -> None:
        self._digits = self.mode = ""
        self._at = 0.0
        self._is_open = False

    @property
    def is_count(self) -> bool:
        """Whether the digits so far are more than the key of a mode."""
        return self._is_open and (len(self._digits) > 1 or self._digits > "5")

    def meets(self, key: Key, mode: str) -> bool:
        """Note a key; return whether it does no more than that: it is no key of a mode."""
        if not self._is_open or key.time - self._at > COUNT_SECONDS:
            self._digits, self.mode = "", mode
        self._at, digit = key.time, key.character or ""
        self._is_open = digit.isdecimal() and bool(self._digits or digit != "0")
        self._digits += digit if self._is_open else ""
        return self._is_open and digit not in "12345"

    def words(self, action: Action) -> tuple[str, ...]:
        """Return the count for an action, as its words."""
        is_meant = len(self._digits) > 1 or self._digits > "5" or action.id in STEPS
        return (self._digits,) if action.counts and self._digits and is_meant else ()

    def __str__(self) -> str:
        return f"{self._digits} times: < > . g f l repeat it when typed at once."


class KeysInOrder(App[int], inherit_bindings=False):
    """A program in which each key has its effect before the next is handled."""

    stage: Screen[Any] | None = None

    def __init__(self) -> None:
        super().__init__()
        self.ahead = TypedAhead(self)
        self.prefix = CountPrefix()

    async def on_event(self, event: Event) -> None:
        if not isinstance(event, Key) or event.is_forwarded:
            await super().on_event(event)
        elif not self.ahead.keeps(event):
            await self.take_key(event)

    async def take_key(self, key: Key) -> None:
        """Dispatch a key; on the stage, say when it does nothing."""
        app, is_noted, known = cast(Any, self), False, None
        takes_text = isinstance(self.focused, Input) or hasattr(self.focused, "takes_numbers")
        if self.screen is self.stage and not takes_text:
            app.pressed()
            is_noted = self.prefix.meets(key, app.situation().mode)
            known = self.screen.active_bindings
            if self.prefix.is_count:
                app.say(str(self.prefix))
        if not is_noted:
            await super().on_event(key)
            if known is not None and not any(name in known for name in (key.key, *key.aliases)):
                keys = way_to("help", app.keymap)
                app.say(f"{shown_key(key)} does nothing here; {keys} lists the keys.", "warning")
        self.ahead.went(key)

    async def on_pulse(self, event: Pulse) -> None:
        event.stop()
        await self.ahead.back(event)

    def push_screen(self, screen: Any, *given: Any, **named: Any) -> Any:
        """Push a screen; keys typed ahead are for it."""
        pushed = super().push_screen(screen, *given, **named)
        self.ahead.opened(self.screen)
        return pushed


def shown_key(key: Key) -> str:
    """Return a key as a person types it."""
    return key.character if key.is_printable and key.character else key_label(key.key)
