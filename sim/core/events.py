"""Typed events of a world, with their tick, and the bus that delivers them.

An event is a frozen record. Handlers run one after the other, in order of subscription; if one
raises anything, ``SystemExit`` included, it is recorded in :attr:`EventBus.faults` and does not
affect the others.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Any, TypeVar, cast
from uuid import uuid4

from sim.core.text import one_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event in a world.

    Parameters
    ----------
    tick
        The tick of the world when it happened.
    id
        Unique id of the event.
    time
        Time of creation, UTC.
    source
        Name of the world it happened in; empty before it is sent.

    Two events are equal if they describe the same change at the same tick.
    """

    tick: int
    id: str = field(default_factory=lambda: uuid4().hex, compare=False, repr=False)
    time: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False, repr=False)
    source: str = field(default="", compare=False, repr=False)

    @property
    def correlation(self) -> str:
        """What it belongs to, such as ``"message 3"``; if no message, its tick."""
        number = getattr(self, "cascade", None)
        return f"tick {self.tick}" if number is None else f"message {number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentCreated(Event):
    """Agents ``first`` to ``first + count - 1`` joined; one event per command."""

    first: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentUpdated(Event):
    """Some agents changed; ``what`` names the column, such as ``"community"``."""

    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TiesChanged(Event):
    """``added`` ties were formed; ``count`` is the total now."""

    added: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunitiesChanged(Event):
    """Communities of all agents were replaced; ``method`` is their origin."""

    method: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSent(Event):
    """A message was injected as cascade ``cascade`` by ``author`` (an index, or None)."""

    cascade: int
    author: int | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReceived(Event):
    """``receivers`` agents adopted cascade ``cascade`` from a source, up to this tick."""

    cascade: int
    receivers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeStarted(Event):
    """Cascade ``cascade`` left the queue and runs under ``model`` from ``seeds`` agents."""

    cascade: int
    model: str
    seeds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeGrew(Event):
    """``new`` agents adopted since the last such event; ``adopters`` in all."""

    cascade: int
    new: int
    adopters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeCompleted(Event):
    """Cascade ``cascade`` can no longer change."""

    cascade: int
    adopters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeCancelled(Event):
    """Cascade ``cascade`` was cancelled."""

    cascade: int
    adopters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeFailed(Event):
    """The plugin ``model`` failed; only its cascade stopped. ``error`` is one sentence."""

    cascade: int
    model: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InfluenceCalculated(Event):
    """Adopters of ``cascade`` at tick ``cohort`` led to ``r`` further adopters each, on average."""

    cascade: int
    r: float
    cohort: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterChanged(Event):
    """Parameter ``name`` of the model of ``cascade`` is ``value`` from the next tick on."""

    cascade: int
    name: str
    value: object


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRaised(Event):
    """The alert ``name`` is at ``level`` now: 2 critical, 1 warning, 0 over."""

    name: str
    level: int
    value: float
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InterventionDone(Event):
    """Intervention ``number`` was carried out after this tick; ``sentence`` is its result."""

    number: int
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WentTo(Event):
    """The world went back, or forward again, to ``tick`` from the tick ``before``."""

    before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldSaved(Event):
    """The world at this tick was saved to the file ``path``."""

    path: str


Forward = Callable[[Event], Awaitable[None]]
"""Passes an event to the rest of the chain immediately; the result may be awaited."""

Middleware = Callable[[Event, Forward], object]
"""Called with an event and the rest of the chain; may forward, change, or drop the event.

The result of an asynchronous one is awaited; later events may overtake the one it holds.
"""

Run = Callable[[Awaitable[Any], Callable[[BaseException], None]], None]
"""Runs the awaitable of an asynchronous handler, and reports what it raises."""

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class HandlerFault:
    """A handler or middleware that raised."""

    culprit: str
    event: Event
    error: BaseException
    strikes: int = 0

    def __str__(self) -> str:
        kind, name = type(self.event).__name__, type(self.error).__name__
        try:
            said = f": {self.error}" if str(self.error) else ""
        except Exception:
            said = ""
        end = f"; after {self.strikes} faults it hears nothing more" if self.strikes else ""
        return one_line(f"{self.culprit} failed on {kind}: {name}{said}".rstrip(".") + end)


class _Passed:
    """Awaitable of a forwarded event that completes immediately."""

    def __await__(self) -> Generator[None, None, None]:
        yield from ()


class Subscription:
    """A handler on a bus; cancelled by :meth:`cancel` or at the end of a ``with`` block."""

    def __init__(self, bus: EventBus, kind: type[Event], handler: Callable[[Any], None]) -> None:
        self._bus = bus
        self.kind = kind
        self.handler = handler
        self.faults = 0

    @property
    def is_on(self) -> bool:
        """Whether it receives events: neither cancelled nor removed for its faults."""
        return self in self._bus._subscriptions  # noqa: SLF001 - one class in two halves

    def cancel(self) -> None:
        """Stop receiving events; calling it twice is harmless."""
        self._bus._drop(self)  # noqa: SLF001 - one class in two halves

    def __enter__(self) -> Subscription:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cancel()


class EventBus:
    """Delivers events to subscribers, through a chain of middleware.

    Parameters
    ----------
    strikes
        Number of faults after which a handler or middleware is removed.
    run
        Runs the awaitable of an asynchronous handler, and calls its second argument with any
        exception; None: such handlers are rejected.
    told
        Called with every fault.

    Examples
    --------
    >>> bus = EventBus()
    >>> seen = []
    >>> subscription = bus.subscribe(CascadeGrew, seen.append)
    >>> bus.publish(CascadeGrew(tick=3, cascade=0, new=5, adopters=9))
    >>> seen[0].adopters
    9
    """

    def __init__(
        self,
        *,
        strikes: int = 3,
        run: Run | None = None,
        told: Callable[[HandlerFault], object] = lambda _fault: None,
    ) -> None:
        self.strikes = strikes
        self.told = told
        self._run = run
        self.faults: deque[HandlerFault] = deque(maxlen=100)
        self._subscriptions: tuple[Subscription, ...] = ()
        self._middleware: tuple[Middleware, ...] = ()
        self._chain: Callable[[Event], None] = self._deliver
        self._middleware_faults: dict[int, int] = {}

    def __bool__(self) -> bool:
        """Return whether there are subscribers; without any, events need not be created."""
        return bool(self._subscriptions or self._middleware)

    def subscribe(self, kind: type[E], handler: Callable[[E], object]) -> Subscription:
        """Call ``handler`` with every event of ``kind`` and of its subclasses.

        Parameters
        ----------
        kind
            A class of events; :class:`Event` for all.
        handler
            Called with one event; its result is ignored unless it is awaitable: then it is
            awaited concurrently with others.

        Returns
        -------
        Subscription

        Raises
        ------
        TypeError
            If ``kind`` is not a class of events or ``handler`` is not callable.
        """
        if not (isinstance(kind, type) and issubclass(kind, Event)):
            raise TypeError(f"subscribe takes a class of events, such as CascadeGrew, got {kind!r}")
        if not callable(handler):
            raise TypeError(f"A handler must be callable with one event, got {handler!r}")
        self._require_awaiter(handler)
        subscription = Subscription(self, kind, cast("Callable[[Any], None]", handler))
        self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    def use(self, middleware: Middleware) -> None:
        """Add ``middleware`` at the inner end of the chain: the first one added sees events first.

        Parameters
        ----------
        middleware
            Called with (event, forward). It forwards the event, another one, several, or none.
            Its result is ignored unless it is awaitable: then it is awaited concurrently.

        Raises
        ------
        TypeError
            If it is asynchronous and the bus cannot await it.
        """
        self._require_awaiter(middleware)
        self._middleware = (*self._middleware, middleware)
        self._enchain()

    def _require_awaiter(self, function: object) -> None:
        if self._run is None and inspect.iscoroutinefunction(function):
            raise TypeError(f"{_name(function)} is asynchronous, and nobody here would await it")

    def _enchain(self) -> None:
        chain: Callable[[Event], None] = self._deliver
        for link in reversed(self._middleware):
            chain = self._linked(link, chain)
        self._chain = chain

    def _note(self, fault: HandlerFault) -> None:
        self.faults.append(fault)
        self.told(fault)

    def _strike(self, link: Middleware, event: Event, error: BaseException) -> None:
        """Count a fault of a middleware; remove it from the chain after too many."""
        count = self._middleware_faults.get(id(link), 0) + 1
        self._middleware_faults[id(link)] = count
        is_out = count >= self.strikes
        self._note(HandlerFault(_name(link), event, error, count if is_out else 0))
        if is_out:
            self._middleware = tuple(each for each in self._middleware if each is not link)
            self._enchain()

    def publish(self, event: Event) -> None:
        """Deliver ``event`` through the middleware to its handlers; contain their exceptions."""
        self._chain(event)

    def _linked(self, link: Middleware, rest: Callable[[Event], None]) -> Callable[[Event], None]:
        def forward(event: Event) -> None:
            passed = False

            def onward(inner: Event) -> Awaitable[None]:
                nonlocal passed
                passed = True
                rest(inner)
                return _Passed()

            def failed(error: BaseException) -> None:
                self._strike(link, event, error)
                if not passed:  # a broken link must not cut the chain
                    rest(event)

            self._call(lambda: link(event, onward), failed)

        return forward

    def _call(self, work: Callable[[], object], failed: Callable[[BaseException], None]) -> None:
        """Call third-party code, containing even SystemExit; await an awaitable result."""
        try:
            answer = work()
            if inspect.isawaitable(answer):
                self._await(answer, failed)
        except BaseException as error:
            failed(error)

    def _await(self, work: Awaitable[Any], failed: Callable[[BaseException], None]) -> None:
        if self._run is None:
            if inspect.iscoroutine(work):
                work.close()
            raise TypeError("it is asynchronous, and nobody here would await it")
        self._run(work, failed)

    def _deliver(self, event: Event) -> None:
        for subscription in self._subscriptions:
            if isinstance(event, subscription.kind):
                self._call(
                    partial(subscription.handler, event), partial(self._failed, subscription, event)
                )

    def _failed(self, subscription: Subscription, event: Event, error: BaseException) -> None:
        subscription.faults += 1
        is_out = subscription.faults >= self.strikes
        count = subscription.faults if is_out else 0
        if is_out:
            self._drop(subscription)
        self._note(HandlerFault(_name(subscription.handler), event, error, count))

    def _drop(self, subscription: Subscription) -> None:
        self._subscriptions = tuple(s for s in self._subscriptions if s is not subscription)


def _name(function: object) -> str:
    return str(getattr(function, "__qualname__", None) or repr(function))
