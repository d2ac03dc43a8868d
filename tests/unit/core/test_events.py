"""The bus carries events in order, and contains what its listeners do."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sim.core import CascadeGrew, CascadeStarted, Event, EventBus, events
from sim.core.events import Forward, Middleware


def grew(new: int) -> CascadeGrew:
    return CascadeGrew(tick=3, cascade=0, new=new, adopters=10)


@pytest.fixture
def bus() -> EventBus:
    return EventBus()


@pytest.fixture
def seen() -> list[object]:
    return []


def test_handlers_get_their_kind_in_order_of_subscription(
    bus: EventBus, seen: list[object]
) -> None:
    bus.subscribe(CascadeGrew, lambda e: seen.append(("first", e.new)))
    bus.subscribe(CascadeStarted, lambda e: seen.append(("wrong", e)))
    bus.subscribe(CascadeGrew, lambda e: seen.append(("second", e.new)))
    bus.publish(grew(1))
    assert seen == [("first", 1), ("second", 1)]


def test_subscribing_to_event_hears_every_kind(bus: EventBus, seen: list[object]) -> None:
    bus.subscribe(Event, seen.append)
    started = CascadeStarted(tick=0, cascade=0, model="sir", seeds=3)
    bus.publish(started)
    bus.publish(grew(1))
    assert seen == [started, grew(1)]


def test_cancelled_subscription_hears_nothing_more(bus: EventBus, seen: list[object]) -> None:
    with bus.subscribe(Event, seen.append) as subscription:
        bus.publish(grew(1))
    bus.publish(grew(2))
    subscription.cancel()
    assert seen == [grew(1)]
    assert not bus


def test_handler_may_cancel_itself_while_called(bus: EventBus, seen: list[object]) -> None:
    def once(event: Event) -> None:
        seen.append(event)
        subscription.cancel()

    subscription = bus.subscribe(Event, once)
    bus.subscribe(Event, seen.append)
    bus.publish(grew(1))
    bus.publish(grew(2))
    assert seen == [grew(1), grew(1), grew(2)]


def test_failing_handler_is_named_and_costs_nobody_else(bus: EventBus, seen: list[object]) -> None:
    def clumsy(event: Event) -> None:
        raise KeyError("lost")

    bus.subscribe(Event, clumsy)
    bus.subscribe(Event, seen.append)
    bus.publish(grew(1))
    assert seen == [grew(1)]
    assert "clumsy failed on CascadeGrew: KeyError: 'lost'" in str(bus.faults[0])


def test_handler_that_fails_three_times_is_unsubscribed() -> None:
    calls: list[Event] = []
    bus = EventBus(strikes=3)

    def clumsy(event: Event) -> None:
        calls.append(event)
        raise ValueError("again")

    bus.subscribe(Event, clumsy)
    for new in range(5):
        bus.publish(grew(new))
    assert len(calls) == len(bus.faults) == 3


def test_middleware_runs_outside_in_and_may_change_or_keep_events(
    bus: EventBus, seen: list[object]
) -> None:
    def outer(event: Event, forward: Forward) -> None:
        seen.append("outer")
        forward(event)

    def double(event: Event, forward: Forward) -> None:
        assert isinstance(event, CascadeGrew)
        forward(dataclasses.replace(event, new=event.new * 2))

    def keep_small(event: Event, forward: Forward) -> None:
        if isinstance(event, CascadeGrew) and event.new > 2:
            forward(event)

    for middleware in (outer, double, keep_small):
        bus.use(middleware)
    bus.subscribe(CascadeGrew, lambda e: seen.append(e.new))
    bus.publish(grew(1))
    bus.publish(grew(5))
    assert seen == ["outer", "outer", 10]


def test_broken_middleware_does_not_cut_the_chain_nor_double_events(
    bus: EventBus, seen: list[object]
) -> None:
    def before(event: Event, forward: Forward) -> None:
        raise ValueError("before forwarding")

    def after(event: Event, forward: Forward) -> None:
        forward(event)
        raise ValueError("after forwarding")

    bus.use(before)
    bus.use(after)
    bus.subscribe(Event, seen.append)
    bus.publish(grew(1))
    assert seen == [grew(1)]
    assert len(bus.faults) == 2


def test_subscribe_refuses_what_is_no_event_or_no_handler() -> None:
    with pytest.raises(TypeError, match="class of events"):
        EventBus().subscribe(int, print)  # type: ignore[type-var]
    with pytest.raises(TypeError, match="callable"):
        EventBus().subscribe(Event, 3)  # type: ignore[arg-type]


def test_every_event_is_frozen_and_has_a_tick() -> None:
    kinds: list[Any] = [kind for kind in vars(events).values() if isinstance(kind, type)]
    kinds = [kind for kind in kinds if issubclass(kind, Event)]
    assert len(kinds) >= 15
    for kind in kinds:
        assert "tick" in {field.name for field in dataclasses.fields(kind)}
        assert kind.__dataclass_params__.frozen


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
@pytest.mark.parametrize("as_handler", [True, False])
def test_who_wants_to_end_the_program_is_named_and_costs_nobody_else(
    kind: type[BaseException], as_handler: bool, bus: EventBus, seen: list[object]
) -> None:
    def selfish(_event: Event, _forward: Forward | None = None) -> None:
        raise kind

    if as_handler:
        bus.subscribe(CascadeGrew, selfish)
    else:
        bus.use(selfish)
    bus.subscribe(CascadeGrew, seen.append)
    bus.publish(grew(1))
    assert seen == [grew(1)]
    assert "selfish failed on CascadeGrew" in str(bus.faults[0])
    assert str(bus.faults[0]).endswith(kind.__name__)


class _MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("even this fails")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("\x1b[2Jgone\nand more"), "ValueError: \ufffd[2Jgone and more"),
        (_MuteError(), "_MuteError"),
    ],
)
def test_fault_is_one_harmless_line(error: Exception, said: str, bus: EventBus) -> None:
    def loud(_event: Event) -> None:
        raise error

    bus.subscribe(CascadeGrew, loud)
    bus.publish(grew(1))
    assert str(bus.faults[0]).endswith(f"loud failed on CascadeGrew: {said}")


def test_a_middleware_that_fails_three_times_leaves_the_chain(
    bus: EventBus, seen: list[object]
) -> None:
    calls: list[Event] = []

    def broken(event: Event, forward: object) -> None:
        calls.append(event)
        raise SystemExit

    bus.use(broken)
    bus.subscribe(CascadeGrew, seen.append)
    events = [grew(new) for new in range(5)]
    for event in events:
        bus.publish(event)
    assert (len(calls), seen) == (3, events)


async def _published(middleware: Middleware) -> tuple[EventBus, list[CascadeGrew]]:
    """Two events through an asynchronous middleware, until nothing is awaited any more."""
    tasks = list[asyncio.Task[None]]()

    async def awaited(work: Awaitable[Any], failed: Callable[[BaseException], None]) -> None:
        try:
            await work
        except ValueError as error:
            failed(error)

    bus = EventBus(
        run=lambda work, failed: tasks.append(asyncio.ensure_future(awaited(work, failed)))
    )
    seen = list[CascadeGrew]()
    bus.use(middleware)
    bus.subscribe(CascadeGrew, seen.append)
    for new in (1, 2):
        bus.publish(grew(new))
    await asyncio.gather(*tasks)
    return bus, seen


async def _waits(event: Event, forward: Forward) -> None:
    await asyncio.sleep(0)
    await forward(event)


async def _forwards_at_once(event: Event, forward: Forward) -> None:
    forward(event)
    await asyncio.sleep(0)


async def _keeps_the_first(event: Event, forward: Forward) -> None:
    if event != grew(1):
        forward(event)


async def _fails_before(event: Event, forward: Forward) -> None:
    await asyncio.sleep(0)
    raise ValueError


async def _fails_after(event: Event, forward: Forward) -> None:
    await forward(event)
    raise ValueError


@pytest.mark.parametrize(
    ("middleware", "comes", "faults"),
    [
        (_waits, [1, 2], 0), (_forwards_at_once, [1, 2], 0), (_keeps_the_first, [2], 0),
        (_fails_before, [1, 2], 2), (_fails_after, [1, 2], 2),
    ],
)  # fmt: skip
async def test_asynchronous_middleware_is_awaited_and_swallows_nothing(
    middleware: Middleware, comes: list[int], faults: int
) -> None:
    bus, seen = await _published(middleware)
    assert [event.new for event in seen] == comes
    assert len(bus.faults) == faults


def test_asynchronous_middleware_is_refused_where_nobody_awaits_it(
    bus: EventBus, seen: list[object]
) -> None:
    with pytest.raises(TypeError, match="_waits is asynchronous, and nobody here would await it"):
        bus.use(_waits)
    bus.use(lambda event, forward: _waits(event, forward))  # seen only when it is called
    bus.subscribe(CascadeGrew, seen.append)
    bus.publish(grew(1))
    assert seen == [grew(1)]
    assert "nobody here would await it" in str(bus.faults[0])
