"""Long work of the lab awaited by asyncio: in a thread, cancelled with the task that awaits it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from sim.core.progress import Report, quiet

__all__ = ["in_background"]

T = TypeVar("T")


async def in_background(work: Callable[..., T], *given: Any, **asked: Any) -> T:
    """Call ``work(*given, report=..., **asked)`` in a thread, and return what it returns.

    Whoever cancels the task stops the work at its next report, and is answered once it has
    stopped: workers are gone, and files are closed.

    Parameters
    ----------
    work
        A function that takes ``report``.
    *given, **asked
        What it is called with; a ``report`` among them is told too, in the thread.

    Examples
    --------
    >>> import asyncio
    >>> def count(most, report):
    ...     report("counting", 0.5)
    ...     return sum(range(most))
    >>> asyncio.run(in_background(count, 5))
    10
    """
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
