""":class:`ModelPool`: all providers behind one interface, in a separate event loop and thread.

Order of preference: the first provider whose breaker lets the call pass; the next one if it fails
for a reason that concerns the provider, or its price exceeds the budget. All providers share one
budget.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from threading import Lock, Thread
from time import monotonic
from typing import Self, TypeVar

from sim.core import rng
from sim.core.rng import Stream
from sim.errors import InputError
from sim.minds.models.asks import MOST_WRITTEN, Answer, Ask, Fault, ModelError, Spend, Usage
from sim.minds.models.budget import Budget, Price, Reservation, built_in_prices, price_of
from sim.minds.models.limits import (
    CircuitBreaker,
    ConcurrencyLimit,
    ReplyRoom,
    RequestPace,
    TokenBucket,
)
from sim.minds.models.provider import Provider, ProviderConnection
from sim.minds.models.replies import Reply

T = TypeVar("T")
_RETRIES = 2
_FIRST_PAUSE = 0.5
_LEAST = 0.2
"""Minimum seconds left for a request that had to wait."""
_JITTER = rng.key(0xA11CE, Stream.WAITING)  # not for draws of a world


class ProviderClient:
    """Makes the calls to one provider."""

    def __init__(self, provider: Provider, budget: Budget, prices: Mapping[str, Price]) -> None:
        self.provider = provider
        self.price = price_of(provider.model, prices, local=provider.is_local)
        self.breaker = CircuitBreaker()
        self.gate = ConcurrencyLimit(provider.at_once)
        self.pace = RequestPace()
        self.room = ReplyRoom()
        self._budget = budget
        self._requests = TokenBucket(provider.requests_per_minute)
        self._tokens = TokenBucket(provider.tokens_per_minute)
        self._door = asyncio.Lock()
        self._alone = asyncio.Lock()
        self._wire: ProviderConnection | None = None
        self._calls = 0

    def worst(self, ask: Ask) -> Spend:
        """Return the maximum cost of one call."""
        read = ask.most_read
        written = ask.most + (self._wire.manners.beyond if self._wire is not None else 0)
        return Spend(1, read + written, self.price.of(read, written))

    def known(self, ask: Ask) -> Answer | None:
        """Return the similarity of texts that are all known already; None otherwise."""
        text = self._wire.known(ask) if self._wire is not None and ask.alike else None
        who = self.provider
        return None if text is None else Answer(text, provider=who.called, model=who.model)

    async def ask(self, ask: Ask, deadline: float, patience: float | None = None) -> Answer:
        """Send a request, and repeat it if that may help."""
        began = monotonic()
        retry, again, before = 0, 0, Spend()
        limit = MOST_WRITTEN - ask.most
        last: ModelError | None = None
        clock = _Deadline(deadline, self.provider.seconds, patience)
        while True:
            room = min(self.room.tokens, limit)
            try:
                reply, spent = await self._once(replace(ask, most=ask.most + room), clock)
            except ModelError as error:
                error.spent = before = before.plus(error.spent or Spend())
                if error.fault is Fault.RATE_LIMITED:
                    if clock.waits:
                        continue  # it gets another turn when the server accepts requests
                    raise
                if room and error.fault in _TOO_MUCH:
                    limit, again = self.room.below(room), again + 1
                    continue
                if error.fault is Fault.CUT and self.room.cut(room, limit, error.text):
                    again += 1
                    continue
                if last is not None and error.fault is Fault.RESTING:
                    raise last from None  # it says why the provider rests
                last = error
                pause = self._pause(error, retry)
                if not error.fault.passes or retry == _RETRIES or pause > clock.left:
                    raise
                clock.use(pause)
                await asyncio.sleep(pause)
                retry += 1
            else:
                self.room.answered(room, limit)
                spent = spent.plus(before)
                return Answer(
                    reply.text, provider=self.provider.called, model=self.provider.model,
                    seconds=monotonic() - began, usage=reply.usage, nano=spent.nano,
                    retries=retry + again, spent=spent,
                )  # fmt: skip

    def _pause(self, fault: ModelError, retry: int) -> float:
        """Return the seconds before the next try: the server's request, or full jitter."""
        if fault.wait is not None:
            return fault.wait
        self._calls += 1
        share = float(rng.uniforms(_JITTER, [self._calls])[0])
        return share * _FIRST_PAUSE * (1 << retry)

    async def _once(self, ask: Ask, clock: _Deadline) -> tuple[Reply, Spend]:
        """Send one request, once it has its turn and room in the budget."""
        clock.call = self.breaker.admits()
        if not clock.call:
            raise ModelError(Fault.RESTING, self.breaker.reason)
        congested = False
        number, is_alone = 0, False
        try:
            number = await self._in_time(self.gate.enter(), clock)
            is_alone = await self._is_alone(ask, clock)
            held = await self._held(ask, clock)
            return await self._sent(ask, held, clock)
        except ModelError as error:
            congested = error.fault.is_congestion
            if error.spent is None:  # nothing was sent
                self.breaker.abandon(clock.call)
            raise
        except asyncio.CancelledError:
            self.breaker.abandon(clock.call)
            raise
        finally:
            if is_alone:
                self._alone.release()
            if number:
                self.gate.leave(number, congested=congested)

    def _is_measured(self, ask: Ask) -> bool:
        """Return whether no reply can exceed a cap because of tokens not measured yet."""
        is_known = self._wire is not None and self._wire.manners.is_measured
        return is_known or bool(ask.alike) or self._budget.caps[1:] == (None, None)

    async def _is_alone(self, ask: Ask, clock: _Deadline) -> bool:
        """Wait while one call measures the length of replies; return whether this call does so."""
        if self._is_measured(ask):
            return False
        await self._in_time(self._alone.acquire(), clock)
        if self._is_measured(ask):
            self._alone.release()
            return False
        return True

    async def _in_time(self, turn: Awaitable[T], clock: _Deadline) -> T:
        """Wait for a turn; at the deadline raise a fault that says what it waited for."""
        try:
            async with asyncio.timeout(clock.until):
                return await turn
        except TimeoutError:
            clock.waits = False
            if self.pace.rate:
                raise self._too_late() from None
            raise ModelError(Fault.TIMEOUT, "its turn did not come") from None

    def _too_late(self) -> ModelError:
        """Return the fault of a call whose turn does not come in time, with the server's pace."""
        said = f"its turn did not come at {self.pace.rate:.2g} requests a second"
        return ModelError(Fault.RATE_LIMITED, said)

    async def _held(self, ask: Ask, clock: _Deadline) -> Reservation:
        """Reserve the worst case; if calls under way hold the budget, wait for them."""
        while True:
            changed, worst = self._budget.changed(), self.worst(ask)
            try:
                return self._budget.reserve(worst)
            except ModelError:
                if not self._budget.may_fit(worst):
                    raise
            try:
                async with asyncio.timeout(clock.until):
                    await asyncio.shield(asyncio.wrap_future(changed))  # others wait for it too
            except TimeoutError:
                raise ModelError(
                    Fault.BUDGET, "calls under way held what was left of it until the deadline"
                ) from None

    async def _paced(self, clock: _Deadline) -> float:
        """Wait until the server accepts requests, one after the other; return the time."""
        async with self._door:
            while (wait := self.pace.wait) > 0:
                if wait > clock.patience:
                    clock.waits = False
                    raise ModelError(
                        Fault.RATE_LIMITED, f"the server asks to wait {wait:,.0f} s more"
                    )
                await asyncio.sleep(wait)
            if self.pace.rate and clock.until < _LEAST:  # it would be cut off, and billed
                clock.waits = False
                raise self._too_late()
            return self.pace.take()

    async def _rated(self, tokens: int, clock: _Deadline) -> None:
        """Wait for the rate limits set by the user."""
        wait = max(self._requests.delay(1), self._tokens.delay(tokens))
        if wait > clock.patience:
            raise ModelError(Fault.RESTING, "the rate limit leaves no room before the deadline")
        if wait:
            await asyncio.sleep(wait)

    async def _sent(self, ask: Ask, held: Reservation, clock: _Deadline) -> tuple[Reply, Spend]:
        try:
            await self._rated(held.worst.tokens, clock)
            self._wire = self._wire or ProviderConnection(self.provider)
            sent = await self._in_time(self._paced(clock), clock)
        except BaseException:
            self._requests.give_back(1)
            self._tokens.give_back(held.worst.tokens)
            held.release()
            raise
        try:
            reply = await self._wire.ask(ask, max(clock.left, 0.001))
        except ModelError as error:
            error.spent = self._failed(error, held, sent, clock.call)
            if error.fault is not Fault.RATE_LIMITED:
                clock.use(monotonic() - sent)
            raise
        except BaseException:
            held.keep()
            raise
        self.breaker.succeeded()
        self.pace.answered()
        reply, spent = self._settled(ask, reply, held)
        if reply.fault is not None:
            wrong = ModelError(reply.fault, text=reply.text)
            wrong.spent = spent
            raise wrong
        return reply, spent

    def _failed(self, error: ModelError, held: Reservation, sent: float, call: int) -> Spend:
        """Book a failed call; one that the server refused outright was not billed."""
        says_when = error.fault is Fault.SERVER and error.wait is not None
        if says_when and self.pace.refused_for < self.provider.seconds:
            error.fault = Fault.RATE_LIMITED
        if error.fault is Fault.RATE_LIMITED:
            self.pace.refused(sent, error.wait)
            self._tokens.give_back(held.worst.tokens)
            self.breaker.abandon(call)
            return held.settle(Spend())
        spent = self._booked(error, held)
        if error.fault.ends_provider or error.fault is Fault.MISSING:
            self.breaker.end(str(error))
        elif error.fault.is_of_provider:
            self.breaker.failed(call, None if error.fault is Fault.TIMEOUT else sent)
        else:
            self.breaker.succeeded()
        return spent

    def _booked(self, error: ModelError, held: Reservation) -> Spend:
        if not error.sent:
            self._requests.give_back(1)
            self._tokens.give_back(held.worst.tokens)
            return held.settle(Spend())
        return held.settle(Spend(requests=1)) if error.fault in _UNBILLED else held.keep()

    def _settled(self, ask: Ask, reply: Reply, held: Reservation) -> tuple[Reply, Spend]:
        """Book the server's usage: at least what the text shows, at most what is possible."""
        if reply.usage is None:
            return reply, held.keep()
        read = max(reply.usage.read, ask.least_read)
        written = 0 if ask.alike else max(reply.usage.written, len(reply.text) // 10, 1)
        spent = Spend(1, read + written, self.price.of(read, written))
        most = ask.most_read + 10 * ask.of_pictures  # what a picture takes is a guess
        if read > most or written > MOST_WRITTEN:
            return Reply(reply.text, None, reply.fault), held.keep()  # impossible: book the maximum
        booked = held.settle(spent, beyond=True)
        self._tokens.give_back(held.worst.tokens - spent.tokens)
        return Reply(reply.text, Usage(read, written), reply.fault), booked

    async def close(self) -> None:
        """Close its connections."""
        if self._wire is not None:
            await self._wire.close()


class _Deadline:
    """Time limits of one question: its deadline, and its own time without waits for the server."""

    def __init__(self, deadline: float, seconds: float, patience: float | None) -> None:
        self._deadline = deadline
        self._own = seconds
        self._patience = deadline if patience is None else min(patience, deadline)
        self.waits = True  # whether it still waits when a server refuses it (429)
        self.call = 0  # number of the request from the breaker; 0: not admitted

    @property
    def patience(self) -> float:
        """Seconds that it waits for a server that accepts no requests, at least 0."""
        return max(self._patience - monotonic(), 0.0)

    @property
    def until(self) -> float:
        """Seconds until the deadline, at least 0."""
        return max(self._deadline - monotonic(), 0.0)

    @property
    def left(self) -> float:
        """Seconds that a request, or a pause before the next one, may take."""
        return min(self.until, self._own)

    def use(self, seconds: float) -> None:
        """Record the duration of a request, or of such a pause."""
        self._own -= seconds


_UNBILLED = {
    Fault.QUOTA, Fault.UNAUTHORIZED, Fault.FORBIDDEN, Fault.NOT_FOUND, Fault.TOO_LONG,
    Fault.REJECTED, Fault.REDIRECTED, Fault.MISSING,
}  # fmt: skip
_TOO_MUCH = {Fault.TOO_LONG, Fault.REJECTED}
"""Faults of a server for a reply bound above its own limit."""


_CACHED = 10_000
_LONGEST = 600.0
_SHUT = "the language models were put to rest"


class ModelPool:
    """The language models to ask; a context manager.

    Parameters
    ----------
    providers
        In order of preference, at least one.
    budget
        The caps; default: none.
    prices
        The price table; default: the packaged one.
    cache
        Number of replies kept, to answer equal requests without a call; 0: none.
    embeddings
        The provider that compares texts; None: none.

    Raises
    ------
    InputError, UnknownNameError
        No provider, or one with an unknown price.
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        budget: Budget | None = None,
        prices: Mapping[str, Price] | None = None,
        *,
        cache: int = _CACHED,
        embeddings: Provider | None = None,
    ) -> None:
        if not providers:
            raise InputError("Language models need at least one provider.")
        self.budget = budget or Budget()
        table = built_in_prices() if prices is None else prices
        self.clients = tuple(ProviderClient(provider, self.budget, table) for provider in providers)
        self._alike = (
            () if embeddings is None else (ProviderClient(embeddings, self.budget, table),)
        )
        self._cache: OrderedDict[str, Answer] = OrderedDict()
        self._most_cached = cache
        self._fault: ModelError | None = None
        self._unknown = ""
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="language models", daemon=True)
        self._thread.start()
        self._closed = False
        self._door = Lock()

    def submit(self, ask: Ask, seconds: float | None = None) -> Future[Answer]:
        """Ask from any thread; the future yields an :class:`Answer`, with or without a fault."""
        with self._door:  # a request that got in before closing is cancelled in `_end`
            if not self._closed:
                return asyncio.run_coroutine_threadsafe(self.ask(ask, seconds), self._loop)
        shut: Future[Answer] = Future()
        shut.set_result(Answer(_SHUT, Fault.MISSING, "none", detail=_SHUT))
        return shut

    def ask_all(self, asks: Sequence[Ask], seconds: float | None = None) -> list[Answer]:
        """Ask all at once and wait for all; each has its answer by its deadline."""
        return [future.result() for future in [self.submit(ask, seconds) for ask in asks]]

    async def ask(self, ask: Ask, seconds: float | None = None) -> Answer:
        """Ask within this pool's loop; never raise a fault, but return it.

        It waits for a server that accepts no requests at the moment: until ``seconds`` have passed
        (default: 600), or, if there is another provider, as long as a call may take, and at most
        half of the time left.
        """
        began = monotonic()
        fault, spent = ModelError(Fault.RESTING), Spend()
        clients = [one for one in self.clients if ask.model in {"", one.provider.model}]
        if ask.alike:
            clients = list(self._alike)
            fault = ModelError(Fault.MISSING, "nobody is set who says what texts are alike")
        elif not clients:
            self._unknown = f"No model {ask.model[:60]!r} is set"
            fault = ModelError(Fault.MISSING, self._unknown)
        deadline = began + (_LONGEST if seconds is None else seconds)
        for client in clients:
            cached = client.known(ask) or self._cached(ask, client)
            if cached is not None:
                return _with(cached, spent)
            now = monotonic()
            while_others = min(client.provider.seconds, (deadline - now) / 2)
            patience = deadline if client is clients[-1] else now + while_others
            try:
                answer = await client.ask(ask, deadline, patience)
            except ModelError as error:
                fault, spent = error, spent.plus(error.spent or Spend())
                if error.fault is not Fault.RESTING and not ask.alike:
                    self._fault = error
                if monotonic() >= deadline:
                    break
            else:
                self._fault = self._fault if ask.alike else None
                self._keep(ask, client, answer)
                return _with(answer, spent)
        wrong = Answer(fault.text, fault.fault, "none", detail=str(fault))
        return _with(replace(wrong, seconds=monotonic() - began), spent)

    def _cached(self, ask: Ask, client: ProviderClient) -> Answer | None:
        found = self._cache.get(_key(ask, client)) if self._most_cached else None
        if found is None:
            return None
        self._cache.move_to_end(_key(ask, client))
        return replace(
            found, source="cache", seconds=0.0, usage=Usage(0, 0), nano=0, retries=0, spent=Spend()
        )

    def _keep(self, ask: Ask, client: ProviderClient, answer: Answer) -> None:
        if self._most_cached:
            self._cache[_key(ask, client)] = answer
            while len(self._cache) > self._most_cached:
                self._cache.popitem(last=False)

    @property
    def states(self) -> dict[str, str]:
        """State of each provider: ``"closed"`` (it answers), ``"open"``, ``"trying"`` or ``"off"``.

        ``"paced"``: it answers, but has refused requests as too many.
        """
        found = {}
        for client in self.clients:
            state = client.breaker.state
            is_paced = client.pace.rate > 0 and state == "closed"
            found[client.provider.called] = "paced" if is_paced else state
        return found

    @property
    def trouble(self) -> str:
        """Why no provider answers at the moment, one sentence; empty: one does, or none failed."""
        if self.budget.is_spent:
            return "The budget of the language models is spent; rules decide instead."
        if self._unknown:
            return f"{self._unknown}; rules decide instead."
        error, last = self._fault, self.clients[-1].provider
        if error is not None and error.fault is Fault.BUDGET:
            return "The remaining budget is too small for a request; rules decide instead."
        if error is None or not (
            error.fault.is_of_provider or error.fault is Fault.MISSING or error.says_why
        ):
            return ""
        why = f"{error.fault.value}{': ' if error.detail else ''}{error.detail}".rstrip(".")
        return f"{last.model} at {last.called}: {why}; rules decide instead."

    def close(self) -> None:
        """End calls under way, close connections and the thread; calling it again is harmless."""
        with self._door:
            if self._closed:
                return
            self._closed = True
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        own = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not own]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for client in (*self.clients, *self._alike):
            await client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _with(answer: Answer, before: Spend) -> Answer:
    """Return an answer that includes what was spent before it."""
    spent = before.plus(answer.spent)
    return replace(answer, nano=spent.nano, spent=spent)


def _key(ask: Ask, client: ProviderClient) -> str:
    return f"{client.provider.called}:{ask.fingerprint(client.provider.model)}"
