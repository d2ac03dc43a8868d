"""Long jobs: threads, progress, cancel; the dialog and the loading screen that show one."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from sim.errors import Cancelled
from tui.dialogs.dialog import Dialog
from tui.safe_text import line, plain
from tui.text import seconds

if TYPE_CHECKING:
    from sim.runtime import Job


T = TypeVar("T")


POLLS_PER_SECOND = 10


class DialogJob:
    """A piece of long work; reports from its thread are kept, never queued."""

    def __init__(self, title: str, *, cancellable: bool = True) -> None:
        self.title = title
        self.cancellable = cancellable
        self.stage = ""
        self.share = 0.0
        self.started = time.monotonic()
        self._stop = threading.Event()

    def report(self, stage: str, share: float) -> None:
        """Note how far it is; raises ``Cancelled`` once that was wished."""
        self.stage, self.share = stage, min(1.0, max(0.0, share))
        if self._stop.is_set():
            raise Cancelled(f"Cancelled {self.title}; nothing was changed.")

    def look(self) -> None:
        """Take over how far it is, where it does not report by itself."""

    def cancel(self) -> None:
        """Wish that it stops."""
        self._stop.set()

    @property
    def is_stopping(self) -> bool:
        """Whether that was wished."""
        return self._stop.is_set()


class EngineJob(DialogJob):
    """A job that the engine does; it knows its own progress."""

    def __init__(self, title: str, job: Job[Any]) -> None:
        super().__init__(title)
        self._job = job

    def look(self) -> None:
        """Take over how far it is."""
        self.stage, self.share = self._job.progress.stage, self._job.progress.share

    def cancel(self) -> None:
        """Wish that it stops."""
        super().cancel()
        self._job.cancel()


def in_thread(work: Callable[[], T], name: str = "work") -> asyncio.Future[T]:
    """Run a function in a thread that never holds up the end of the program."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def body() -> None:
        try:
            outcome: tuple[T | None, BaseException | None] = (work(), None)
        except BaseException as error:
            outcome = (None, error)
            if isinstance(error, StopIteration) or not isinstance(error, Exception):
                # No future carries the one, and a plugin's sys.exit must not end the program.
                outcome = (None, RuntimeError(f"{type(error).__name__}: {error}"))
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=body, name=name, daemon=True).start()
    return future


class ProgressGauge(Widget):
    """A bar that fills: ``━━━━━━━━────  41%  reading lines``."""

    DEFAULT_CSS = "ProgressGauge { height: 1; width: 1fr; }"

    def __init__(self, *, id: str = "gauge") -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self._share = -1.0

    def show(self, share: float) -> None:
        """Fill it up to ``share`` of one."""
        if round(share, 3) != self._share:
            self._share = round(share, 3)
            self.refresh()

    def render(self) -> Content:
        """Draw the bar."""
        share = max(0.0, self._share)
        width = max(1, self.size.width - 6)
        done = round(width * share)
        return Content.assemble(
            ("━" * done, "$primary"),
            ("─" * (width - done), "$foreground-disabled"),
            (f" {share:4.0%}", "bold"),
        )


class ProgressDialog(Dialog[bool]):
    """Shows a job; Escape or the button cancels it, or hides it where it cannot be called off."""

    AUTO_FOCUS = ""  # a second Enter, meant for the dialog before, calls nothing off
    takes_keys = False

    def __init__(self, job: DialogJob) -> None:
        away = "Cancel" if job.cancellable else "Hide"
        super().__init__(job.title.capitalize(), yes="", no=f"{away} (esc)")
        self.job = job
        self._is_over = False

    def body(self) -> ComposeResult:
        yield Static("", id="stage", markup=False)
        yield ProgressGauge()

    def on_mount(self) -> None:
        self._turn()
        self.set_interval(1 / POLLS_PER_SECOND, self._turn)

    def _turn(self) -> None:
        self.job.look()
        if not self.query("#stage"):  # it is being taken down
            return
        spent = seconds(time.monotonic() - self.job.started)
        stage = self.job.stage or "working"
        stage = "Cancelling ... (Esc again hides this)" if self.job.is_stopping else stage
        self.query_one("#stage", Static).update(line(f"{stage}, {spent}", 70))
        self.query_one(ProgressGauge).show(self.job.share)

    def action_close(self) -> None:
        """Wish that the job stops; the dialog goes when it has, or when that is wished again."""
        if self.job.cancellable and not self.job.is_stopping:
            self.job.cancel()
            self._turn()
        else:
            self.leave()

    def leave(self) -> None:
        """Go, at once or as soon as no other dialog lies above."""
        self._is_over = True
        self._go()

    def on_screen_resume(self) -> None:
        """Go, if that was wished while another dialog lay above."""
        self._go()

    def _go(self) -> None:
        if self._is_over and self.app.screen is self:
            self.dismiss()


WORDMARK = """\
█  █ █  █ ███▄ ███▄ █  █ ███▄
█▄▄█ █  █ █▄▄▀ █▄▄▀ █  █ █▄▄▀
█  █ █  █ █  █ █  █ █  █ █  █
▀  ▀ ▀▀▀▀ ▀▀▀▀ ▀▀▀▀ ▀▀▀▀ ▀▀▀▀"""

PATIENCE = 3.0
"""Seconds after which the start explains why it takes so long."""

MOTTO = "A social network of a million people, in your terminal"


class Loading(Screen[None]):
    """Shows a job until the first world is open."""

    AUTO_FOCUS = ""

    def __init__(self, job: DialogJob) -> None:
        super().__init__(id="loading")
        self.job = job
        self._reason = self._said = ""
        self.uncovered = asyncio.Event()  # set whenever a dialog above it was closed

    def compose(self) -> ComposeResult:
        with Vertical(id="start"):
            yield Static(Content(WORDMARK), id="wordmark")
            yield Static(MOTTO, id="motto", markup=False)
            yield ProgressGauge()
            yield Static("", id="stage", markup=False)

    def on_mount(self) -> None:
        self._timer = self.set_interval(1 / POLLS_PER_SECOND, self._turn)

    def on_screen_suspend(self) -> None:
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
            return self._reason, self._said, "n: new world, o: open a saved world, q: quit."
        spent, stage = time.monotonic() - self.job.started, self.job.stage
        if stage and spent > PATIENCE:
            stage += f", {spent:.0f} s\nCompiling on first use; later starts are fast."
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
