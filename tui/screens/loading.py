"""The first thing to be seen: the name, and how far the start has come."""

from __future__ import annotations

import time

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tui.safe import plain
from tui.screens.progress import POLLS_PER_SECOND, Gauge, Job

__all__ = ["Loading"]

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

    Parameters
    ----------
    job
        What goes on; its stage and share are looked at ten times a second.
    """

    AUTO_FOCUS = ""

    def __init__(self, job: Job) -> None:
        super().__init__(id="loading")
        self.job = job

    def compose(self) -> ComposeResult:
        """Lay the name over the bar."""
        with Vertical(id="start"):
            yield Static(Content(WORDMARK), id="wordmark")
            yield Static(MOTTO, id="motto", markup=False)
            yield Gauge()
            yield Static("", id="stage", markup=False)

    def on_mount(self) -> None:
        """Look at the job ten times a second."""
        self._timer = self.set_interval(1 / POLLS_PER_SECOND, self._turn)

    def on_screen_suspend(self) -> None:
        """Rest below the stage."""
        self._timer.stop()

    def _turn(self) -> None:
        spent = time.monotonic() - self.job.started
        stage = self.job.stage
        if stage and spent > PATIENCE and not self.has_class("-failed"):
            stage += f", {spent:.0f} s\nThe first start prepares the engine; later ones are quick."
        self.query_one("#stage", Static).update(plain(stage))
        self.query_one(Gauge).show(self.job.share)

    def fail(self, sentence: str) -> None:
        """Say why no world is open, and what can be done."""
        self.add_class("-failed")
        self.job.stage = f"{sentence}\n\nn makes a new world, o opens a saved one, q quits."
        self._turn()
