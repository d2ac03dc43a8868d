"""The opening: the stored run is played, without the engine, until the fresh world is wanted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from textual.content import Content
from textual.events import Key
from textual.geometry import Offset
from textual.timer import Timer
from textual.widgets import Static

from sim.runtime import Frame
from tui.actions.table import by_key, way_to
from tui.stored_run import FILE, SENTENCE, TICKS_PER_SECOND, frames_of

PLAYED = (
    "A stored run: {run} plays it, {inject} sends yours, {tour} is a tour, esc opens the world."
)
TOUR_KEY = "t"
GOES_ON = {"inject", "new", "open", "scenario", "tour"}
"""Actions that open the fresh world first."""


class Opening:
    """Plays the stored run, whose keys reach no engine, until the fresh world is wanted."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._frames = frames_of(FILE.read_bytes())
        self._at = 0
        self._is_playing = True
        self._timer: Timer | None = None
        self.wanted = asyncio.Event()
        self.then = ""  # the action that follows in the fresh world

    @property
    def frame(self) -> Frame:
        frame = self._frames[self._at]
        return frame if self._is_playing else replace(frame, state="paused")

    @property
    def sentence(self) -> str:
        shown, inject = self.frame.communities, way_to("inject", self._app.keymap)
        if self._is_playing and shown is not None:
            return SENTENCE.format(communities=len(shown.names), key=inject)
        return PLAYED.format(run=way_to("run", self._app.keymap), inject=inject, tour=TOUR_KEY)

    def begin(self) -> None:
        self._timer = self._app.set_interval(1 / TICKS_PER_SECOND, self._advance)
        self._show()

    def end(self) -> None:
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
        if not self.wanted.is_set():  # then the line says what is loaded
            self._app.hint()

    def keeps(self, event: Key) -> bool:
        """Answer a key; return whether it goes no further now."""
        if self.wanted.is_set():
            self._app.typed.append(event)
            return True
        key, meant = event.key, by_key(event.key, self._app.keymap)
        act = "tour" if key == TOUR_KEY else meant.id if meant else ""
        if act != "quit":
            self.ask("escape" if key == "escape" else act)
        return act != "quit"

    def ask(self, act: str) -> None:
        """Pause, play on, or open the fresh world, with what was asked for."""
        if self.wanted.is_set():
            return
        if act in {"escape", *GOES_ON}:
            self.then = "" if act == "escape" else act
            self.wanted.set()
        self._is_playing = act == "run" and not self._is_playing
        if self._is_playing and self._at + 1 == len(self._frames):
            self._at = 0
        self._show()


TOUR = (
    ("inject", "map", "Send a message", "{key} opens the form. Type a sentence, then send it."),
    ("step", "map", "Let time pass", "{key} advances one tick. Watch who adopts."),
    ("compare", "now", "Ask what if", "{key} compares this future with another one."),
    ("why", "curves", "Ask why", "{key} says through whom a member adopted."),
    ("save", "timeline", "Keep it", "{key} saves the world. Enjoy!"),
)
"""Stops of the tour: the action that it waits for, the pane that it points at, title and text."""


class Bubble(Static):
    """One stop of the tour: it points at a pane without covering it, and waits for its key."""

    app: Any

    WIDTH, HEIGHT = 34, 5  # as in the styles

    def __init__(self) -> None:
        super().__init__(id="bubble", markup=False)
        self._stop = 0

    def on_mount(self) -> None:
        self._show()
        self.set_interval(0.2, self._place)

    def did(self, act: str) -> None:
        """Go to the next stop, if this was the action of the present one."""
        if act == TOUR[self._stop][0]:
            self._stop += 1
            if self._stop == len(TOUR):
                self.remove()
            else:
                self._show()

    def _show(self) -> None:
        act, _, title, text = TOUR[self._stop]
        text = text.format(key=way_to(act, self.app.keymap))
        self.update(Content.assemble((title, "bold"), "\n", text))
        self.border_subtitle = f"{self._stop + 1} of {len(TOUR)}, esc ends the tour"
        self._place()

    def _place(self) -> None:
        """Stand beside the pane: to its right or left, below or above it."""
        panes = [pane for pane in self.screen.query(f"#{TOUR[self._stop][1]}") if pane.region.area]
        width, height = self.screen.size
        places = [(width - self.WIDTH, height - self.HEIGHT - 3, "")]
        if panes:
            x, y, across, down = panes[0].region
            places = [
                (x + across, y + 1, "◂"), (x - self.WIDTH, y + 1, "▸"), (x, y + down, "▴"),
                (x, y - self.HEIGHT, "▾"), *places,
            ]  # fmt: skip
        x, y, arrow = next(
            (x, y, arrow)
            for x, y, arrow in places
            if not arrow or (0 <= x <= width - self.WIDTH and 0 <= y <= height - self.HEIGHT)
        )
        self.offset = Offset(x, y)
        self.border_title = arrow
        self.styles.border_title_align = "right" if arrow == "▸" else "left"
