"""Queries of a live world that change nothing: answered between two ticks, in any state."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import Any, TypeVar, overload

from sim.runtime.engine.engine_command import outcome
from sim.runtime.engine.thread_client import EngineClient, not_open
from sim.runtime.jobs import in_thread

__all__ = ["Queries"]

R = TypeVar("R")
T = TypeVar("T")

_PATIENCE = 1.0
"""Seconds after which a question looks whether there is still somebody to answer."""


class Queries:
    """What can be asked of a simulation at any time, ten times a second if need be.

    Unlike :meth:`~sim.runtime.Simulation.call`, a question is answered ahead of the commands that
    wait, within a stretch of steps too, and nothing looks whether it changed anything.
    """

    @property
    def _link(self) -> EngineClient:
        raise NotImplementedError

    @overload
    async def query(self, function: Callable[..., R], *args: Any) -> R: ...

    @overload
    async def query(
        self, function: Callable[..., R], *args: Any, then: Callable[[R], Awaitable[T]]
    ) -> T: ...

    @overload
    async def query(self, function: Callable[..., R], *args: Any, then: Callable[[R], T]) -> T: ...

    async def query(
        self,
        function: Callable[..., Any],
        *args: Any,
        then: Callable[[Any], Any] | None = None,
    ) -> Any:
        """Return ``function(world, *args)``, asked between two ticks; it must change nothing.

        Parameters
        ----------
        function
            It should take less than 50 ms, for no tick runs meanwhile, and must return nothing
            that the world goes on writing to.
        *args
            What it is called with.
        then
            Makes the answer of what it returned, in a thread beside the engine: what takes longer;
            or a coroutine function, which is awaited here.

        Raises
        ------
        InputError
            As the function does.
        HubbubError
            When the simulation is not open, or is closed meanwhile.
        """
        link, loop = self._link, asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def settle(result: Any, error: Exception | None) -> None:
            if not future.done():
                future.set_result((result, error))

        def act() -> None:
            if future.cancelled():
                return  # nobody waits any more
            found, refusal = outcome(lambda: function(link.live.world, *args))
            loop.call_soon_threadsafe(settle, found, refusal)

        link.hurry(act)
        try:
            while not future.done():
                await asyncio.wait([future], timeout=_PATIENCE)
                if not future.done() and link.engine.join(0.0):
                    raise not_open()
        except asyncio.CancelledError:
            future.cancel()
            raise
        result, error = future.result()
        if error is not None:
            raise error
        if then is None:
            return result
        return await (then(result) if iscoroutinefunction(then) else in_thread(then, result))
