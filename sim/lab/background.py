"""Long work of the lab awaited by asyncio: in a thread, cancelled with the task that awaits it."""

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
    """Return what runs the work of the lab, ``NAME_now``, in a thread beside the event loop.

    What it takes is what the work takes; a keyword that there is not is refused when it is called.
    Whoever cancels the task stops the work at its next report, and is answered once it has
    stopped: workers are gone, files are closed, and what is finished is in them.
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
