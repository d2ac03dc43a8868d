"""Frames and events as they come, over a WebSocket or as server-sent events.

A watcher is never waited for: of frames it misses some, of events the oldest, and one that takes
nothing for ten seconds is let go. A frame is written down once for all watchers.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import fields
from typing import Annotated, Literal

from fastapi import Query, Request, WebSocket, WebSocketDisconnect
from starlette.responses import Response, StreamingResponse

from sim.api.guard import PROTOCOL
from sim.api.routes import OBSERVE, encoded, frame_facts, router
from sim.core.events import Event
from sim.errors import HubbubError
from sim.runtime import Frame, FrameWatch, Simulation

watching = router("watching")

MOST_WATCHERS = 32
_MOST_EVENTS = 1000
_PATIENCE_SECONDS = 10.0
_BEAT_SECONDS = 15.0
_NOT_TOLD = {"id", "time", "source"}

What = Annotated[Literal["frames", "events", "all"], Query(description="what is sent")]
Rate = Annotated[float, Query(ge=0.1, le=10, description="frames per second, at most")]
Item = tuple[str, str]


class Watchers:
    """Who watches a world; and the newest frame, as all of them get it."""

    def __init__(self, simulation: Simulation) -> None:
        self.count = 0
        self._simulation = simulation
        self._written = (-1, "")
        self._queues: list[deque[Item]] = []
        simulation.subscribe(Event, self._on_event)

    def _on_event(self, event: Event) -> None:
        if self._queues:
            facts = {each.name: getattr(event, each.name) for each in fields(event)}
            told = {name: value for name, value in facts.items() if name not in _NOT_TOLD}
            item = "event", encoded({"event": type(event).__name__, **told})
            for queue in self._queues:
                queue.append(item)

    def _frame(self, frame: Frame) -> Item:
        if frame.revision != self._written[0]:
            self._written = frame.revision, encoded(frame_facts(frame))
        return "frame", self._written[1]

    @asynccontextmanager
    async def watch(self, what: str, rate: float) -> AsyncIterator[AsyncIterator[Item]]:
        """Give what comes to a watcher, who counts as one inside the block.

        Raises
        ------
        HubbubError
            If enough watch already.
        """
        if self.count >= MOST_WATCHERS:
            raise HubbubError(f"{MOST_WATCHERS} watch already; try again when one has left.")
        queue: deque[Item] = deque(maxlen=_MOST_EVENTS)
        self.count += 1
        if what != "frames":
            self._queues.append(queue)
        try:
            async with (
                self._simulation.watch(1) as frames,
                aclosing(self._items(frames, queue, what != "events", rate)) as items,
            ):
                yield items
        finally:
            self.count -= 1
            self._queues = [each for each in self._queues if each is not queue]

    async def _items(
        self, frames: FrameWatch, queue: deque[Item], has_frames: bool, rate: float
    ) -> AsyncGenerator[Item]:
        said = time.monotonic()
        while True:
            began, frame = time.monotonic(), None
            with suppress(TimeoutError):
                try:
                    frame = await asyncio.wait_for(anext(frames), 1 / rate)
                except StopAsyncIteration:
                    return
            items = [self._frame(frame)] if frame is not None and has_frames else []
            while queue:
                items.append(queue.popleft())
            if not items and began - said > _BEAT_SECONDS:
                items.append(("beat", "{}"))
            for item in items:
                said = began
                yield item
            await asyncio.sleep(max(began + 1 / rate - time.monotonic(), 0.0))


@watching.get("/watch", **OBSERVE)
async def stream(request: Request, what: What = "all", rate: Rate = 4.0) -> Response:
    """Send frames and events as server-sent events named `frame`, `event` and `beat`."""
    watchers: Watchers = request.app.state.watchers
    watch = watchers.watch(what, rate)
    items = await watch.__aenter__()

    async def lines() -> AsyncIterator[str]:
        try:
            async for kind, text in items:
                yield f"event: {kind}\ndata: {text}\n\n"
        finally:
            await watch.__aexit__(None, None, None)

    return StreamingResponse(lines(), media_type="text/event-stream")


async def socket(browser: WebSocket, what: What = "all", rate: Rate = 4.0) -> None:
    """Send frames and events as `{"frame": ...}`, `{"event": ...}` and `{"beat": {}}`."""
    watchers: Watchers = browser.app.state.watchers
    offered = browser.scope.get("subprotocols", ())
    try:
        async with watchers.watch(what, rate) as items:
            await browser.accept(PROTOCOL if PROTOCOL in offered else None)
            leaving = asyncio.create_task(_left(browser))
            try:
                async for kind, text in items:
                    sending = browser.send_text(f'{{"{kind}":{text}}}')
                    await asyncio.wait_for(sending, _PATIENCE_SECONDS)
                    if leaving.done():
                        return
            finally:
                leaving.cancel()
            await browser.close()
    except HubbubError as error:
        await browser.close(1013, str(error))
    except (TimeoutError, WebSocketDisconnect, RuntimeError, OSError):
        return  # it left, or takes nothing


async def _left(browser: WebSocket) -> None:
    """Return once a watcher has left; what it sends is not read."""
    while (await browser.receive())["type"] != "websocket.disconnect":
        pass
