"""The loading screen: the name, and how far the start has come."""

from __future__ import annotations

import asyncio
import time

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tui.dialogs.progress import POLLS_PER_SECOND, DialogJob, ProgressGauge
from tui.safe_text import plain

WORDMARK = """\
█  █ █  █ ███▄ ███▄ █  █ ███▄
█▄▄█ █  █ █▄▄▀ █▄▄▀ █  █ █▄▄▀
█  █ █  █ █  █ █  █ █  █ █  █
▀  ▀ ▀▀▀▀ ▀▀▀▀ ▀▀▀▀ ▀▀▀▀ ▀▀▀▀"""

PATIENCE = 3.0
"""Seconds after which the start explains why it takes so long."""

MOTTO = "a city of a million people, talking"


class Loading(Screen[None]):
    """Shows a job until the first world is open.

    Attributes
    ----------
    uncovered
        Set whenever a dialog above it was closed.
    """

    AUTO_FOCUS = ""

    def __init__(self, job: DialogJob) -> None:
        super().__init__(id="loading")
        self.job = job
        self._reason = self._said = ""
        self.uncovered = asyncio.Event()

    def compose(self) -> ComposeResult:
        """Lay the name over the bar."""
        with Vertical(id="start"):
            yield Static(Content(WORDMARK), id="wordmark")
            yield Static(MOTTO, id="motto", markup=False)
            yield ProgressGauge()
            yield Static("", id="stage", markup=False)

    def on_mount(self) -> None:
        """Look at the job ten times a second."""
        self._timer = self.set_interval(1 / POLLS_PER_SECOND, self._turn)

    def on_screen_suspend(self) -> None:
        """Rest below the stage or a dialog."""
        self._timer.pause()

    def on_screen_resume(self) -> None:
        """Go on once a dialog was closed."""
        self.uncovered.set()
        self._timer.resume()
        self._turn()

    def _turn(self) -> None:
        self.query_one("#stage", Static).update(plain("\n\n".join(filter(None, self._lines()))))
        self.query_one(ProgressGauge).show(self.job.share)

    def _lines(self) -> tuple[str, ...]:
        """Return what is told: why no world is open, or how far it is; and what was said last."""
        if self._reason:
            return self._reason, self._said, "n makes a new world, o opens a saved one, q quits."
        spent, stage = time.monotonic() - self.job.started, self.job.stage
        if stage and spent > PATIENCE:
            stage += f", {spent:.0f} s\nThe first start prepares the engine; later ones are quick."
        return stage, self._said

    def fail(self, sentence: str) -> None:
        """Say why no world is open, and what can be done; it stays whatever is said after."""
        self.add_class("-failed")
        self._reason = sentence
        self.say("")

    def say(self, sentence: str) -> None:
        """Say a sentence below what goes on, or below why nothing does."""
        self._said = sentence
        if self.is_mounted:
            self._turn()
