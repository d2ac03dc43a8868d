"""Single flight: identical requests under way share one call and its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import NamedTuple, TypeVar

from sim.minds.models.asks import Answer, Ask
from sim.minds.models.faults import Fault, ModelError

T = TypeVar("T")


class SharedAnswer(NamedTuple):
    """An answer that many have.

    Attributes
    ----------
    text
        The reply.
    fault
        Why there is none; None: there is.
    detail
        What is to be said of the fault.
    """

    text: str
    fault: Fault | None = None
    detail: str = ""


class SingleFlight:
    """The answers of one tick, and those kept from earlier ones.

    Members that decide at the same time and ask the same wait for the first of them. What went
    wrong went wrong for all of them, and is tried again in the next tick.

    Attributes
    ----------
    fresh
        Replies that this tick brought, by their keys.
    """

    def __init__(self, kept: Mapping[str, str]) -> None:
        self._kept = kept
        self._under_way: dict[str, asyncio.Future[SharedAnswer]] = {}
        self.fresh: dict[str, str] = {}

    async def ask(
        self, key: str, ask: Ask, send: Callable[[Ask], Awaitable[Answer]], read: Callable[[str], T]
    ) -> tuple[T, bool]:
        """Return what a reply says, and whether it is from now."""
        if key in self._kept:
            with suppress(ModelError):  # what cannot be read any more is asked anew
                return read(self._kept[key]), False
        waiting = self._under_way.get(key)
        if waiting is not None:
            shared = await asyncio.shield(waiting)
            if shared.fault is not None:
                raise ModelError(shared.fault, shared.detail)
            return read(shared.text), False
        return await self._first(key, ask, send, read), True

    async def _first(
        self, key: str, ask: Ask, send: Callable[[Ask], Awaitable[Answer]], read: Callable[[str], T]
    ) -> T:
        """Ask, and tell all that wait; who gives up tells them too."""
        done: asyncio.Future[SharedAnswer] = asyncio.get_running_loop().create_future()
        self._under_way[key] = done
        said = SharedAnswer("", Fault.TIMEOUT, "whoever asked for all gave up")
        try:
            text = (await send(ask)).demanded()
            found, said = read(text), SharedAnswer(text)
            self.fresh[key] = text
        except ModelError as error:
            said = SharedAnswer("", error.fault, error.detail)
            raise
        finally:
            done.set_result(said)
        return found
