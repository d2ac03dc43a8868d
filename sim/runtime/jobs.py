"""Jobs: long work in a thread, seen from asyncio, with progress; it can be cancelled."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, ParamSpec, TypeVar

from sim.core.progress import Report
from sim.errors import Cancelled

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a piece of work.

    Parameters
    ----------
    stage
        What it is doing, such as ``"sorting ties"``; empty before the first report.
    share
        Share that is done, in [0, 1].
    """

    stage: str = ""
    share: float = 0.0


class Job(Generic[T]):
    """A long piece of work; ``await`` it for its result.

    Cancelling the awaiting task cancels the work too. A job is made by :func:`start` and by
    methods of :class:`~sim.runtime.Simulation`.

    Attributes
    ----------
    progress
        The newest :class:`Progress`.
    task
        The task of the event loop that does the work or waits for it.
    stopping
        Set, in the event loop, once the work was asked to stop.
    """

    def __init__(self, work: Callable[[Report], Coroutine[Any, Any, T]]) -> None:
        self.progress = Progress()
        self._loop = asyncio.get_running_loop()
        self._is_cancelled = threading.Event()
        self._is_noticed = False
        self._changed, self.stopping = asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(work(self._report))
        self.task.add_done_callback(self._settle)

    def cancel(self) -> None:
        """Ask the work to stop; it ends with :class:`~sim.errors.Cancelled` at its next report."""
        self._is_cancelled.set()
        with suppress(RuntimeError):  # the loop is closed: no task waits
            self._loop.call_soon_threadsafe(self.stopping.set)

    @property
    def is_done(self) -> bool:
        """Whether it has ended, with a result or an error."""
        return self.task.done()

    def __await__(self) -> Generator[Any, None, T]:
        return self._result().__await__()

    async def changes(self) -> AsyncIterator[Progress]:
        """Yield the newest progress whenever it changes, until the work ends."""
        while not self.task.done():
            await self._changed.wait()
            self._changed.clear()
            yield self.progress

    async def _result(self) -> T:
        try:
            return await asyncio.shield(self.task)
        except asyncio.CancelledError:
            self.cancel()
            raise

    def _report(self, stage: str, share: float) -> None:
        """Accept a report, in the thread in which the work runs."""
        if self._is_cancelled.is_set():
            raise Cancelled(f"Cancelled while {stage or 'working'}; nothing was changed.")
        self.progress = Progress(stage, min(max(share, 0.0), 1.0))
        if not self._is_noticed:
            self._is_noticed = True
            with suppress(RuntimeError):  # the loop is closed: no task waits
                self._loop.call_soon_threadsafe(self._notice)

    def _notice(self) -> None:
        self._is_noticed = False
        self._changed.set()

    def _settle(self, task: asyncio.Task[T]) -> None:
        self._changed.set()
        if not task.cancelled():
            task.exception()  # retrieved: a job that is not awaited causes no warning


def start(function: Callable[P, T], *args: P.args, **keywords: P.kwargs) -> Job[T]:
    """Run ``function(*args, report=..., **keywords)`` in a thread of its own.

    Parameters
    ----------
    function
        Long work that takes ``report``, such as ``World.create`` or ``load``.
    *args, **keywords
        Its arguments.

    Returns
    -------
    Job
        Await it for what the function returns or raises.
    """
    call: Callable[..., T] = partial(function, *args, **keywords)
    return Job(lambda report: _awaited(in_thread(call, report=report)))


async def _awaited(work: Awaitable[T]) -> T:
    return await work


def in_thread(function: Callable[P, T], *args: P.args, **keywords: P.kwargs) -> Awaitable[T]:
    """Call ``function`` in a new daemon thread; if the caller leaves, its result is discarded."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(act: Callable[[Any], None], what: Any) -> None:
        if not future.done():
            act(what)

    def run() -> None:
        try:
            answer: tuple[Callable[[Any], None], Any] = (
                future.set_result,
                function(*args, **keywords),
            )
        except (StopIteration, KeyboardInterrupt, SystemExit) as error:
            said = f"{type(error).__name__} in a thread: {error}"
            answer = (future.set_exception, RuntimeError(said))
        except BaseException as error:
            answer = (future.set_exception, error)
        with suppress(RuntimeError):  # the loop is closed: no task waits
            loop.call_soon_threadsafe(settle, *answer)

    name = getattr(function, "__name__", "work")
    threading.Thread(target=run, name=f"job-{name}", daemon=True).start()
    return future
