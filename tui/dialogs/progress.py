"""Long jobs: threads, progress, cancelling; the dialog and the loading screen that show one."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import ProgressBar, Static

from sim.errors import Cancelled
from sim.runtime import Job
from tui.dialogs.dialog import Dialog
from tui.safe_text import line, plain
from tui.text import seconds

T = TypeVar("T")

POLLS_PER_SECOND = 10


class DialogJob:
    """A piece of long work; only the latest report of its thread is kept."""

    def __init__(self, title: str, *, cancellable: bool = True) -> None:
        self.title, self.cancellable = title, cancellable
        self.stage, self.share = "", 0.0
        self.started, self._stop = time.monotonic(), threading.Event()

    def report(self, stage: str, share: float) -> None:
        """Note the progress; raise ``Cancelled`` if cancelling was requested."""
        self.stage, self.share = stage, min(1.0, max(0.0, share))
        if self._stop.is_set():
            raise Cancelled(f"Cancelled {self.title}; nothing was changed.")

    def look(self) -> None:
        """Update the progress of a job that does not report by itself."""

    def cancel(self) -> None:
        self._stop.set()

    def sentence(self, cells: int) -> str:
        """Return the work and how far it is; in more than 40 cells also what it does now."""
        self.look()
        if self.is_stopping:
            return f"cancelling: {line(self.title, cells)}"
        far = f"{self.share:.0%}" if self.share else seconds(time.monotonic() - self.started)
        stage = f": {self.stage}" if self.stage and cells > 40 else ""
        return f"{line(self.title + stage, cells)}, {far}{' (esc cancels)' * self.cancellable}"

    @property
    def is_stopping(self) -> bool:
        return self._stop.is_set()


class EngineJob(DialogJob):
    """A job of the engine, which tracks its own progress."""

    def __init__(self, title: str, job: Job[Any]) -> None:
        super().__init__(title)
        self._job = job

    def look(self) -> None:
        self.stage, self.share = self._job.progress.stage, self._job.progress.share

    def cancel(self) -> None:
        super().cancel()
        self._job.cancel()


def in_thread(work: Callable[[], T], name: str = "work") -> asyncio.Future[T]:
    """Run a function in a daemon thread, which never delays the end of the program."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(how: str, outcome: object) -> None:
        if not future.done():
            getattr(future, how)(outcome)

    def body() -> None:
        try:
            outcome: tuple[str, object] = ("set_result", work())
        except BaseException as error:
            if isinstance(error, StopIteration) or not isinstance(error, Exception):
                # A future cannot carry StopIteration; a plugin's sys.exit must not end the program.
                error = RuntimeError(f"{type(error).__name__}: {error}")
            outcome = ("set_exception", error)
        with suppress(RuntimeError):  # the loop is closed: the result is not needed any more
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=body, name=name, daemon=True).start()
    return future


class ProgressDialog(Dialog[bool]):
    """Shows a job; Escape or the button cancels it, or hides it if it cannot be cancelled."""

    AUTO_FOCUS = ""  # a second Enter, meant for the previous dialog, must not cancel
    takes_keys = False

    def __init__(self, job: DialogJob) -> None:
        away = "Cancel" if job.cancellable else "Hide"
        super().__init__(job.title.capitalize(), yes="", no=f"{away} (esc)")
        self.job = job
        self._is_over = False

    def body(self) -> ComposeResult:
        yield Static("", id="stage", markup=False)
        yield ProgressBar(total=1, show_eta=False)

    def on_mount(self) -> None:
        self._turn()
        self.set_interval(1 / POLLS_PER_SECOND, self._turn)

    def _turn(self) -> None:
        self.job.look()
        if not self.query("#stage"):  # the dialog is closing
            return
        spent = seconds(time.monotonic() - self.job.started)
        stage = self.job.stage or "working"
        stage = "Cancelling ... (Esc again hides this)" if self.job.is_stopping else stage
        self.query_one("#stage", Static).update(line(f"{stage}, {spent}", 70))
        self.query_one(ProgressBar).update(progress=self.job.share)

    def action_close(self) -> None:
        if self.job.cancellable and not self.job.is_stopping:
            self.job.cancel()
            self._turn()
        else:
            self.leave()

    def leave(self) -> None:
        """Close, at once or as soon as no other dialog is above."""
        self._is_over = True
        self.on_screen_resume()

    def on_screen_resume(self) -> None:
        if self._is_over and self.app.screen is self:
            self.dismiss()


WORDMARK = """\
█  █ █  █ ███▄ ███▄ █  █ ███▄
█▄▄█ █  █ █▄▄▀ █▄▄▀ █  █ █▄▄▀
█  █ █  █ █  █ █  █ █  █ █  █
▀  ▀ ▀▀▀▀ ▀▀▀▀ ▀▀▀▀ ▀▀▀▀ ▀▀▀▀"""

PATIENCE = 3.0
"""Seconds after which the loading screen explains the delay."""

MOTTO = "A social network of a million people, in your terminal"


class Loading(Screen[None]):
    """Shows a job until the first world is open."""

    AUTO_FOCUS = ""

    def __init__(self, job: DialogJob) -> None:
        super().__init__(id="loading")
        self.job = job
        self._reason = self._said = ""
        self.uncovered = asyncio.Event()  # set whenever a dialog above is closed

    def compose(self) -> ComposeResult:
        with Vertical(id="start"):
            yield Static(Content(WORDMARK), id="wordmark")
            yield Static(MOTTO, id="motto", markup=False)
            yield ProgressBar(total=1, show_eta=False)
            yield Static("", id="stage", markup=False)

    def on_mount(self) -> None:
        self._timer = self.set_interval(1 / POLLS_PER_SECOND, self._turn)

    def on_screen_suspend(self) -> None:
        self._timer.pause()

    def on_screen_resume(self) -> None:
        self.uncovered.set()
        self._timer.resume()
        self._turn()

    def _turn(self) -> None:
        self.job.look()
        self.query_one("#stage", Static).update(plain("\n\n".join(filter(None, self._lines()))))
        self.query_one(ProgressBar).update(progress=self.job.share)

    def _lines(self) -> tuple[str, ...]:
        """Return the text shown: the error or the progress, and the latest sentence."""
        if self._reason:
            return self._reason, self._said, "n: new world, o: open a saved world, q: quit."
        spent, stage = time.monotonic() - self.job.started, self.job.stage
        if stage and spent > PATIENCE:
            stage += f", {spent:.0f} s\nCompiling on first use; later starts are fast."
        return stage, self._said

    def fail(self, sentence: str) -> None:
        """Show why no world is open, and what to do; later sentences do not replace it."""
        self.add_class("-failed")
        self._reason = sentence
        self.say("")

    def say(self, sentence: str) -> None:
        self._said = sentence
        if self.is_mounted:
            self._turn()
