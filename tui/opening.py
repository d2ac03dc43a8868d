"""The opening: the stored run is played, without the engine, until the fresh world is wanted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from tui.actions.table import ACTIONS, by_id, key_label, keys_of
from tui.stored_run import FILE, SENTENCE, TICKS_PER_SECOND, frames_of

if TYPE_CHECKING:
    from textual.timer import Timer

    from sim.runtime import Frame
    from tui.program import HubbubApp


PLAYED = (
    "This is a stored run: {run} plays it, {inject} sends your own message, esc opens the world."
)
GOES_ON = {"inject", "new", "open", "scenario"}
"""Actions that open the fresh world first."""


class Opening:
    """Plays the stored run, whose keys reach no engine, until the fresh world is wanted."""

    def __init__(self, app: HubbubApp, at: int = 0) -> None:
        self._app = app
        self._frames = frames_of(FILE.read_bytes())
        self._at = at
        self._is_playing = True
        self._timer: Timer | None = None
        self.wanted = asyncio.Event()
        self.then = ""  # the action that follows in the fresh world

    @property
    def frame(self) -> Frame:
        """The frame that is shown."""
        frame = self._frames[self._at]
        return frame if self._is_playing else replace(frame, state="paused")

    @property
    def sentence(self) -> str:
        """What the line above the footer says."""
        shown, inject = self.frame.communities, self._key("inject")
        if self._is_playing and shown is not None:
            return SENTENCE.format(communities=len(shown.names), key=inject)
        return PLAYED.format(run=self._key("run"), inject=inject)

    def _key(self, act: str) -> str:
        return key_label(keys_of(by_id(act), self._app.keymap)[0])

    def begin(self) -> None:
        """Begin to play."""
        self._timer = self._app.set_interval(1 / TICKS_PER_SECOND, self._advance)
        self._show()

    def end(self) -> None:
        """Make room for the fresh world."""
        if self._timer is not None:
            self._timer.stop()

    def _advance(self) -> None:
        if self._is_playing and self._at + 1 < len(self._frames):
            self._at += 1
            self._is_playing = self._at + 1 < len(self._frames)
            self._show()

    def _show(self) -> None:
        self._app.frame = self.frame
        self._app.redraw()
        self._app.hint()

    def keeps(self, key: str) -> bool:
        """Answer a key; return whether it goes no further."""
        acts = {
            one: action.id
            for action in ACTIONS
            for one in keys_of(action, self._app.keymap)
            if action.where in {"", "live"}
        }
        act = acts.get(key, "")
        if act != "quit":
            self.ask("escape" if key == "escape" else act)
        return act != "quit"

    def ask(self, act: str) -> None:
        """Pause, play on, or open the fresh world, with what was asked for."""
        if act in {"escape", *GOES_ON}:
            self.then = "" if act == "escape" else act
            self.wanted.set()
        self._is_playing = act == "run" and not self._is_playing and not self.wanted.is_set()
        if self._is_playing and self._at + 1 == len(self._frames):
            self._at = 0
        self._show()
