"""One provider in use: its limits, its breaker, its retries, all under one deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import monotonic

from sim.core import rng
from sim.llm.asks import Answer, Ask
from sim.llm.breaker import Breaker
from sim.llm.budget import Budget, Reservation, Spend
from sim.llm.faults import Fault, ModelError
from sim.llm.limits import Gate, Rate
from sim.llm.prices import Price, price_of
from sim.llm.provider import Provider
from sim.llm.replies import Reply, Usage
from sim.llm.wire import Wire

__all__ = ["Line"]

_RETRIES = 2
_FIRST_PAUSE = 0.5
_JITTER = rng.key(0xA11CE, 0)  # no draw of a world


class Line:
    """The calls to one provider.

    Parameters
    ----------
    provider
        Where they go.
    budget
        What they may cost, shared by all providers.
    prices
        The price table.
    """

    def __init__(self, provider: Provider, budget: Budget, prices: Mapping[str, Price]) -> None:
        self.provider = provider
        self.price = price_of(provider.model, prices, local=provider.is_local)
        self.breaker = Breaker()
        self.gate = Gate(provider.at_once)
        self._budget = budget
        self._requests = Rate(provider.requests_per_minute)
        self._tokens = Rate(provider.tokens_per_minute)
        self._wire: Wire | None = None
        self._calls = 0

    def worst(self, ask: Ask) -> Spend:
        """Return what one call may cost at most."""
        read = ask.most_read
        return Spend(1, read + ask.most, self.price.of(read, ask.most))

    async def ask(self, ask: Ask, deadline: float) -> Answer:
        """Ask, and again where that may help.

        Parameters
        ----------
        ask
            The request.
        deadline
            Of :func:`time.monotonic`; nothing of it lasts longer.

        Raises
        ------
        ModelError
            No reply; ``BUDGET`` and ``RESTING`` say that nothing was sent.
        """
        began = monotonic()
        retry, before = 0, Spend()
        last: ModelError | None = None
        while True:
            try:
                reply, spent = await self._once(ask, deadline)
            except ModelError as error:
                error.spent = before = before.plus(error.spent or Spend())
                if last is not None and error.fault is Fault.RESTING:
                    raise last from None  # it says why the provider rests
                last = error
                pause = self._pause(error, retry)
                if not error.fault.passes or retry == _RETRIES or monotonic() + pause > deadline:
                    raise
                await asyncio.sleep(pause)
                retry += 1
            else:
                return self._answer(reply, spent.plus(before), monotonic() - began, retry)

    def _answer(self, reply: Reply, spent: Spend, seconds: float, retries: int) -> Answer:
        return Answer(
            reply.text,
            provider=self.provider.called,
            model=self.provider.model,
            seconds=seconds,
            usage=reply.usage,
            nano=spent.nano,
            retries=retries,
            spent=spent,
        )

    def _pause(self, fault: ModelError, retry: int) -> float:
        """Return the seconds before the next try: as asked for, else full jitter."""
        if fault.wait is not None:
            return fault.wait
        self._calls += 1
        share = float(rng.uniforms(_JITTER, [self._calls])[0])
        return share * _FIRST_PAUSE * (1 << retry)

    async def _once(self, ask: Ask, deadline: float) -> tuple[Reply, Spend]:
        """Send one request, when its turn has come and the budget has room for it."""
        if not self.breaker.admits():
            raise ModelError(Fault.RESTING, self.breaker.reason)
        call = await self._turn(deadline)
        congested = False
        try:
            held = self._budget.reserve(self.worst(ask))
            return await self._sent(ask, held, deadline)
        except ModelError as error:
            congested = error.fault.is_congestion
            if error.fault is Fault.BUDGET:
                self.breaker.abandon()
            raise
        except asyncio.CancelledError:
            self.breaker.abandon()
            raise
        finally:
            self.gate.leave(call, congested=congested)

    async def _turn(self, deadline: float) -> int:
        try:
            async with asyncio.timeout(max(deadline - monotonic(), 0)):
                return await self.gate.enter()
        except TimeoutError:
            self.breaker.abandon()
            raise ModelError(Fault.TIMEOUT, "its turn did not come") from None
        except asyncio.CancelledError:
            self.breaker.abandon()
            raise

    async def _sent(self, ask: Ask, held: Reservation, deadline: float) -> tuple[Reply, Spend]:
        wait = max(self._requests.delay(1), self._tokens.delay(held.worst.tokens))
        if monotonic() + wait > deadline:
            self._requests.give_back(1)
            self._tokens.give_back(held.worst.tokens)
            held.release()
            self.breaker.abandon()
            raise ModelError(Fault.RESTING, "the rate limit leaves no room before the deadline")
        try:
            if wait:
                await asyncio.sleep(wait)
            reply = await self._open().ask(ask, max(deadline - monotonic(), 0.001))
        except ModelError as error:
            error.spent = self._failed(error, held)
            raise
        except BaseException:
            held.keep()
            raise
        self.breaker.succeeded()
        reply, spent = self._settled(ask, reply, held)
        if reply.fault is not None:
            wrong = ModelError(reply.fault, text=reply.text)
            wrong.spent = spent
            raise wrong
        return reply, spent

    def _open(self) -> Wire:
        if self._wire is None:
            self._wire = Wire(self.provider)
        return self._wire

    def _failed(self, error: ModelError, held: Reservation) -> Spend:
        """Book a call that brought nothing; what a server refused outright was not billed."""
        refused = error.fault in _UNBILLED
        spent = held.settle(Spend(requests=1)) if refused else held.keep()
        if error.fault.ends_provider or error.fault is Fault.MISSING:
            self.breaker.end(str(error))
        elif error.fault.is_of_provider:
            self.breaker.failed()
        else:
            self.breaker.succeeded()
        return spent

    def _settled(self, ask: Ask, reply: Reply, held: Reservation) -> tuple[Reply, Spend]:
        """Book what the server says, but never less than the text itself shows."""
        if reply.usage is None:
            return reply, held.keep()
        read = max(reply.usage.read, ask.least_read)
        written = max(reply.usage.written, len(reply.text) // 10, 1)
        spent = Spend(1, read + written, self.price.of(read, written))
        booked = held.settle(spent)
        self._tokens.give_back(max(held.worst.tokens - spent.tokens, 0))
        return Reply(reply.text, Usage(read, written), reply.fault), booked

    async def close(self) -> None:
        """Close its connections."""
        if self._wire is not None:
            await self._wire.close()


_UNBILLED = {
    Fault.RATE_LIMITED, Fault.QUOTA, Fault.UNAUTHORIZED, Fault.FORBIDDEN, Fault.NOT_FOUND,
    Fault.TOO_LONG, Fault.REJECTED, Fault.MISSING,
}  # fmt: skip
