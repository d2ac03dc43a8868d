"""Await long work of the lab with asyncio: it runs in a thread and is cancelled with its task."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from sim.core.progress import Report, quiet

P = ParamSpec("P")
T = TypeVar("T")


def awaited(work: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Return an awaitable version of the lab's ``NAME_now`` that runs it in a thread.

    It takes the same arguments; an unknown keyword is refused when it is called.
    Cancelling the task stops the work at its next report, and the cancellation completes once the
    work has stopped: workers have ended, files are closed, and finished results are in them.
    """
    taken = inspect.signature(work)

    @functools.wraps(work)
    def begun(*given: P.args, **asked: P.kwargs) -> Coroutine[Any, Any, T]:
        taken.bind(*given, **asked)
        return _in_thread(work, given, dict(asked))

    begun.__name__ = begun.__qualname__ = work.__name__.removesuffix("_now")
    begun.__doc__ = f"Await, beside the event loop: {inspect.getdoc(work)}"
    return begun


async def _in_thread(work: Callable[..., T], given: tuple[Any, ...], asked: dict[str, Any]) -> T:
    from sim.runtime.jobs import start

    told: Report = asked.pop("report", quiet)

    def reporting(report: Report = quiet) -> T:
        def both(stage: str, share: float) -> None:
            report(stage, share)
            told(stage, share)

        return work(*given, report=both, **asked)

    job = start(reporting)
    try:
        return await job
    except asyncio.CancelledError:
        await asyncio.wait([job.task])
        raise
