"""Long work: what takes more than a moment shows its progress, and keys stay alive meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from textual.app import App

from tui.dialogs.progress import DialogJob, EngineJob, ProgressDialog, in_thread

if TYPE_CHECKING:
    from sim.core import Report
    from sim.runtime import Job


T = TypeVar("T")

PATIENCE = 0.2
"""Seconds that work may take before a dialog shows it."""


class LongWork:
    """Runs one piece of long work at a time.

    Attributes
    ----------
    busy
        What goes on, such as ``"saving the world"``; empty when nothing does.
    """

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self.busy = ""

    async def in_thread(self, title: str, function: Callable[[Report], T]) -> T:
        """Run a function in a thread; it reports, and is cancelled through its report."""
        job = DialogJob(title)
        return await self._follow(job, in_thread(lambda: function(job.report), title))

    async def of_engine(self, title: str, answer: Awaitable[T]) -> T:
        """Wait for an answer of the engine that cannot be called off."""
        return await self._follow(
            DialogJob(title, cancellable=False), asyncio.ensure_future(answer)
        )

    async def reporting(self, title: str, start: Callable[[Report], Awaitable[T]]) -> T:
        """Wait for the engine where it reports how far it is."""
        job = DialogJob(title)
        return await self._follow(job, asyncio.ensure_future(start(job.report)))

    async def job(self, title: str, job: Job[T]) -> T:
        """Wait for a job of the engine."""
        return await self._follow(EngineJob(title, job), asyncio.ensure_future(_result_of(job)))

    async def _follow(self, job: DialogJob, future: asyncio.Future[T]) -> T:
        self.busy = job.title
        dialog: ProgressDialog | None = None
        try:
            await asyncio.wait([future], timeout=PATIENCE)
            if not future.done():
                dialog = ProgressDialog(job)
                await self._app.push_screen(dialog)
            return await future
        finally:
            self.busy = ""
            if dialog is not None:
                dialog.leave()


async def _result_of(job: Job[T]) -> T:
    return await job
