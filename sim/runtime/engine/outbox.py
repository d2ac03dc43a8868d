""":class:`Outbox`: bounded hand-over of frames and events from engine thread to event loop."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Any

from sim.core.events import CascadeGrew, Event, EventBus, InfluenceCalculated, MessageReceived
from sim.core.text import plural
from sim.runtime.frames.frames import Frame

MOST_WAITING = 10_000
"""Events that wait for whoever listens; beyond that the oldest are lost, and their number told."""


class LoopCaller:
    """Runs functions in an event loop on behalf of another thread, in order."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __call__(self, function: Callable[..., object], *args: object) -> None:
        """Call ``function(*args)`` in the loop, soon."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *args)


class Backlog:
    """Events that wait, merged by kind and cascade; the oldest give way to new ones."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self.lost = 0
        self._most = most
        self._waiting: dict[object, Event] = {}
        self._lock = threading.Lock()

    def put(self, event: Event) -> bool:
        """Add an event; returns whether it is the first that waits."""
        with self._lock:
            is_first = not self._waiting
            key = _key(event)
            self._waiting[key] = _merged(self._waiting.pop(key, None), event)
            if len(self._waiting) > self._most:
                del self._waiting[next(iter(self._waiting))]
                self.lost += 1
        return is_first

    def take(self) -> tuple[list[Event], int]:
        """Return (what waits, how many gave way), and wait for others."""
        with self._lock:
            events, self._waiting = list(self._waiting.values()), {}
            lost, self.lost = self.lost, 0
        return events, lost


class AsyncHandlers:
    """Runs what asynchronous handlers return, in the loop's thread; so many at once."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._most = most
        self._tasks: set[asyncio.Task[Any]] = set()

    def __call__(self, work: Awaitable[Any], failed: Callable[[BaseException], None]) -> None:
        """Begin it; ``failed`` is told what it raises."""
        if len(self._tasks) >= self._most:
            if inspect.iscoroutine(work):
                work.close()
            raise TimeoutError(f"{self._most:,} calls of handlers are not done yet")
        task = asyncio.get_running_loop().create_task(_fenced(work, failed))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self, patience: float = 1.0) -> None:
        """Wait for what is not done, so many seconds; then cancel it."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=patience)
            for task in late:
                task.cancel()
            if late:  # what will not be cancelled is left behind
                await asyncio.wait(late, timeout=patience)


async def _fenced(work: Awaitable[Any], failed: Callable[[BaseException], None]) -> None:
    """Await what a handler returned; what it raises, its exit included, ends nobody's loop."""
    try:
        await work
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # as of handlers that are called
        failed(error)


class Outbox:
    """Events on their way to the bus, as a :class:`Backlog` while the loop is busy."""

    def __init__(self, bus: EventBus, post: LoopCaller, faulted: Callable[[str], None]) -> None:
        self.source = ""
        self._bus = bus
        bus.told = lambda fault: faulted(str(fault))
        self._post = post
        self._faulted = faulted
        self._backlog = Backlog()

    def is_heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._bus)

    def emit(self, event: Event) -> None:
        """Send an event; called in the engine's thread."""
        if not self._bus:
            return
        if not event.source:
            event = replace(event, source=self.source)
        if self._backlog.put(event):
            self._post(self._drain)

    def _drain(self) -> None:
        events, lost = self._backlog.take()
        if lost:
            self._faulted(f"{plural(lost, 'event')} dropped: the handlers are too slow")
        for event in events:
            self._bus.publish(event)


def _key(event: Event) -> object:
    if isinstance(event, (CascadeGrew, MessageReceived, InfluenceCalculated)):
        return type(event), event.cascade
    return id(event)


def _merged(earlier: Event | None, event: Event) -> Event:
    if isinstance(earlier, CascadeGrew) and isinstance(event, CascadeGrew):
        return replace(event, new=earlier.new + event.new)
    return event


class Frames:
    """The newest frame, and the watchers to whom it goes; lives in the loop's thread."""

    def __init__(self, post: LoopCaller) -> None:
        self.newest: Frame | None = None
        self._post = post
        self._watches: list[FrameWatch] = []
        self._lock = threading.Lock()
        self._is_posted = False

    def publish(self, frame: Frame) -> None:
        """Take a frame from any thread; one that has not been handed out yet gives way to it."""
        with self._lock:
            if self.newest is None or frame.revision > self.newest.revision:
                self.newest = frame
        if not self._is_posted:
            self._is_posted = True
            self._post(self._hand_out)

    def _hand_out(self) -> None:
        self._is_posted = False
        for watch in self._watches:
            if self.newest is not None:
                watch.put(self.newest)

    def watch(self, size: int) -> FrameWatch:
        """Return a new watch; it begins with the newest frame."""
        return FrameWatch(self, size)

    def join(self, watch: FrameWatch) -> None:
        """Let a watch receive frames."""
        self._watches.append(watch)
        if self.newest is not None:
            watch.put(self.newest)

    def leave(self, watch: FrameWatch) -> None:
        """Let a watch receive nothing more."""
        with suppress(ValueError):
            self._watches.remove(watch)

    def close(self) -> None:
        """End every watch, after the last frame."""
        self._hand_out()
        for watch in self._watches:
            watch.end()
        self._watches.clear()


class FrameWatch:
    """Frames as they come; a watcher that is slow misses some, the engine never waits for it.

    ``async with simulation.watch() as frames: async for frame in frames: ...``

    Attributes
    ----------
    dropped
        Frames that this watcher missed.
    """

    def __init__(self, frames: Frames, size: int) -> None:
        self.dropped = 0
        self._frames = frames
        self._waiting: deque[Frame] = deque(maxlen=max(1, size))
        self._arrived = asyncio.Event()
        self._is_over = False
        self._last = -1

    async def __aenter__(self) -> FrameWatch:
        self._frames.join(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._frames.leave(self)

    def __aiter__(self) -> AsyncIterator[Frame]:
        return self

    async def __anext__(self) -> Frame:
        while not self._waiting:
            if self._is_over:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()

    def put(self, frame: Frame) -> None:
        """Add a frame that is newer; the oldest one waiting goes when there is no room."""
        if frame.revision <= self._last:
            return
        self._last = frame.revision
        self.dropped += len(self._waiting) == self._waiting.maxlen
        self._waiting.append(frame)
        self._arrived.set()

    def end(self) -> None:
        """End the iteration once what waits has been taken."""
        self._is_over = True
        self._arrived.set()
