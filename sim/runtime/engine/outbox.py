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
"""Most events that wait for handlers; beyond that the oldest are dropped and counted."""


class LoopCaller:
    """Runs functions in an event loop on behalf of another thread, in order."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __call__(self, function: Callable[..., object], *args: object) -> None:
        """Call ``function(*args)`` in the loop, soon."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *args)


class Backlog:
    """Waiting events, merged by kind and cascade; the oldest are dropped for new ones."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self.lost = 0
        self._most = most
        self._waiting: dict[object, Event] = {}
        self._lock = threading.Lock()

    def put(self, event: Event) -> bool:
        """Add an event; return whether it is the only one waiting."""
        with self._lock:
            is_first = not self._waiting
            key = _key(event)
            self._waiting[key] = _merged(self._waiting.pop(key, None), event)
            if len(self._waiting) > self._most:
                del self._waiting[next(iter(self._waiting))]
                self.lost += 1
        return is_first

    def take(self) -> tuple[list[Event], int]:
        """Return (waiting events, number dropped), and start again empty."""
        with self._lock:
            events, self._waiting = list(self._waiting.values()), {}
            lost, self.lost = self.lost, 0
        return events, lost


class AsyncHandlers:
    """Runs what asynchronous handlers return, in the loop's thread; a limited number at once."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._most = most
        self._tasks: set[asyncio.Task[Any]] = set()

    def __call__(self, work: Awaitable[Any], failed: Callable[[BaseException], None]) -> None:
        """Start a handler; ``failed`` is called with what it raises."""
        if len(self._tasks) >= self._most:
            if inspect.iscoroutine(work):
                work.close()
            raise TimeoutError(f"{self._most:,} calls of handlers are not done yet")
        task = asyncio.get_running_loop().create_task(_fenced(work, failed))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self, patience: float = 1.0) -> None:
        """Wait for unfinished handlers up to a timeout in seconds; then cancel them."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=patience)
            for task in late:
                task.cancel()
            if late:  # a task that ignores its cancellation is left behind
                await asyncio.wait(late, timeout=patience)


async def _fenced(work: Awaitable[Any], failed: Callable[[BaseException], None]) -> None:
    """Await what a handler returned; nothing it raises, SystemExit included, ends the loop."""
    try:
        await work
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # like synchronous handlers
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
        """Whether there are handlers."""
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
    """The newest frame and its watchers; lives in the loop's thread."""

    def __init__(self, post: LoopCaller) -> None:
        self.newest: Frame | None = None
        self._post = post
        self._watches: list[FrameWatch] = []
        self._lock = threading.Lock()
        self._is_posted = False

    def publish(self, frame: Frame) -> None:
        """Accept a frame from any thread; it replaces one that has not been handed out yet."""
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
        """Start sending frames to a watch."""
        self._watches.append(watch)
        if self.newest is not None:
            watch.put(self.newest)

    def leave(self, watch: FrameWatch) -> None:
        """Stop sending frames to a watch."""
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
        """Add a newer frame; drop the oldest waiting one if there is no room."""
        if frame.revision <= self._last:
            return
        self._last = frame.revision
        self.dropped += len(self._waiting) == self._waiting.maxlen
        self._waiting.append(frame)
        self._arrived.set()

    def end(self) -> None:
        """End the iteration once the waiting frames have been taken."""
        self._is_over = True
        self._arrived.set()
