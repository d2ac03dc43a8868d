""":class:`ModelPool`: all providers behind one interface, in an event loop and thread of its own.

Order of preference: the first provider whose breaker lets the call pass; the next one where it
fails for a reason that lies with the provider, or its price leaves no room. The budget is one for
all.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from threading import Lock, Thread
from time import monotonic
from types import TracebackType
from typing import Self

from sim.errors import InputError
from sim.minds.models.asks import Answer, Ask
from sim.minds.models.budget import Budget
from sim.minds.models.faults import Fault, ModelError
from sim.minds.models.prices import Price, Spend, built_in_prices
from sim.minds.models.provider import Provider
from sim.minds.models.provider_client import ProviderClient
from sim.minds.models.replies import Usage

_CACHED = 10_000
_LONGEST = 600.0
_SHUT = "the language models were put to rest"


class ModelPool:
    """Language models to ask; a context manager.

    Parameters
    ----------
    providers
        In order of preference, at least one.
    budget
        The caps; default: none.
    prices
        The price table; default: the packaged one.
    cache
        Replies kept, to answer an equal request without a call; 0: none.
    embeddings
        Who says how far texts are alike; None: nobody.

    Raises
    ------
    InputError, UnknownNameError
        No provider, or one whose price nobody knows.
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
        self.lines = tuple(ProviderClient(provider, self.budget, table) for provider in providers)
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
        """Ask from any thread; the future brings an :class:`Answer`, with or without a fault."""
        with self._door:  # whoever got in before the door closed is seen off in `_end`
            if not self._closed:
                return asyncio.run_coroutine_threadsafe(self.ask(ask, seconds), self._loop)
        shut: Future[Answer] = Future()
        shut.set_result(Answer(_SHUT, Fault.MISSING, "none", detail=_SHUT))
        return shut

    def ask_all(self, asks: Sequence[Ask], seconds: float | None = None) -> list[Answer]:
        """Ask all at once and wait for all; each has its answer, at the latest at its deadline."""
        return [future.result() for future in [self.submit(ask, seconds) for ask in asks]]

    async def ask(self, ask: Ask, seconds: float | None = None) -> Answer:
        """Ask within this pool's loop; never raises a fault, returns it.

        A server that takes no more requests just now is waited for: until ``seconds`` are over
        (default: 600), or, where somebody else can be asked, for as long as a call may take, and
        for half of what is left at most.
        """
        began = monotonic()
        fault, spent = ModelError(Fault.RESTING), Spend()
        lines = [line for line in self.lines if ask.model in {"", line.provider.model}]
        if ask.alike:
            lines = list(self._alike)
            fault = ModelError(Fault.MISSING, "nobody is set who says what texts are alike")
        elif not lines:
            self._unknown = f"No model {ask.model[:60]!r} is set"
            fault = ModelError(Fault.MISSING, self._unknown)
        deadline = began + (_LONGEST if seconds is None else seconds)
        for line in lines:
            cached = line.known(ask) or self._cached(ask, line)
            if cached is not None:
                return _with(cached, spent)
            now = monotonic()
            while_others = min(line.provider.seconds, (deadline - now) / 2)
            patience = deadline if line is lines[-1] else now + while_others
            try:
                answer = await line.ask(ask, deadline, patience)
            except ModelError as error:
                fault, spent = error, spent.plus(error.spent or Spend())
                if error.fault is not Fault.RESTING and not ask.alike:
                    self._fault = error
                if monotonic() >= deadline:
                    break
            else:
                self._fault = self._fault if ask.alike else None
                self._keep(ask, line, answer)
                return _with(answer, spent)
        wrong = Answer(fault.text, fault.fault, "none", detail=str(fault))
        return _with(replace(wrong, seconds=monotonic() - began), spent)

    def _cached(self, ask: Ask, line: ProviderClient) -> Answer | None:
        found = self._cache.get(_key(ask, line)) if self._most_cached else None
        if found is None:
            return None
        self._cache.move_to_end(_key(ask, line))
        return replace(
            found, source="cache", seconds=0.0, usage=Usage(0, 0), nano=0, retries=0, spent=Spend()
        )

    def _keep(self, ask: Ask, line: ProviderClient, answer: Answer) -> None:
        if self._most_cached:
            self._cache[_key(ask, line)] = answer
            while len(self._cache) > self._most_cached:
                self._cache.popitem(last=False)

    @property
    def states(self) -> dict[str, str]:
        """Of each provider: ``"closed"`` (it answers), ``"open"``, ``"trying"`` or ``"off"``.

        ``"paced"``: it answers, and refused requests as too many before.
        """
        found = {}
        for line in self.lines:
            state = line.breaker.state
            found[line.provider.called] = "paced" if line.is_paced and state == "closed" else state
        return found

    @property
    def trouble(self) -> str:
        """Why nobody answers just now, one sentence; empty when somebody does, or nobody failed."""
        if self.budget.is_spent:
            return "The budget of the language models is spent; rules decide for minded members."
        if self._unknown:
            return f"{self._unknown}; rules decide for members that are to ask it."
        error, last = self._fault, self.lines[-1].provider
        if error is not None and error.fault is Fault.BUDGET:
            return "The budget has no room for another question; rules decide for minded members."
        if error is None or not (
            error.fault.is_of_provider or error.fault is Fault.MISSING or error.says_why
        ):
            return ""
        why = f"{error.fault.value}{': ' if error.detail else ''}{error.detail}".rstrip(".")
        return f"{last.model} at {last.called}: {why}; rules decide for minded members."

    def close(self) -> None:
        """End calls under way, close connections and the thread; doing it again is harmless."""
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
        for line in (*self.lines, *self._alike):
            await line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _with(answer: Answer, before: Spend) -> Answer:
    """Return an answer that owns up to what was spent before it too."""
    spent = before.plus(answer.spent)
    return replace(answer, nano=spent.nano, spent=spent)


def _key(ask: Ask, line: ProviderClient) -> str:
    return f"{line.provider.called}:{ask.fingerprint(line.provider.model)}"
