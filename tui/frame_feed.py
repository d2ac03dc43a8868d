"""The feed of frames to the screen: the newest one is kept, the rest are dropped."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.runtime import Frame, Simulation
    from sim.runtime.health import Health


CLOSING_SECONDS = 5.0
"""How long the engine may take to finish its tick when the world is left."""


class Mailbox:
    """Room for one frame; a newer one replaces it, so a slow screen never builds a queue."""

    def __init__(self) -> None:
        self._frame: Frame | None = None
        self.dropped = 0

    def put(self, frame: Frame) -> None:
        """Leave a frame, over whatever lies there."""
        self.dropped += self._frame is not None
        self._frame = frame

    def take(self) -> Frame | None:
        """Take the frame out; ``None`` when nothing new has come."""
        frame, self._frame = self._frame, None
        return frame


class FrameFeed:
    """One running simulation and the task that watches it.

    The simulation is entered and left in the same task, whoever asks for it.

    Attributes
    ----------
    health
        The last look at its health; None before the first. To look may take long: a thread does.
    """

    def __init__(self, simulation: Simulation, on_failure: Callable[[Exception], None]) -> None:
        self.simulation = simulation
        self._on_failure = on_failure
        self.mailbox = Mailbox()
        self.health: Health | None = None
        self._ready: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start the engine and begin to watch; raises what the engine raises."""
        self._ready = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._watch(), name="feed")
        await self._ready

    async def close(self) -> None:
        """Stop watching and leave the engine; bounded, whatever the engine does."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait([self._task], timeout=CLOSING_SECONDS)
        self._task = None

    async def _watch(self) -> None:
        assert self._ready is not None  # noqa: S101 - open() made it
        try:
            async with self.simulation as simulation, simulation.watch() as frames:
                self.mailbox.put(simulation.frame)
                self._ready.set_result(None)
                async for frame in frames:
                    self.mailbox.put(frame)
        except Exception as error:
            if self._ready.done():
                self._on_failure(error)
            else:
                self._ready.set_exception(error)
        finally:
            with contextlib.suppress(asyncio.InvalidStateError):
                self._ready.cancel()
