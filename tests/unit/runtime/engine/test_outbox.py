"""Events that wait are merged and bounded, and what gave way is told."""

import asyncio
from collections.abc import Generator
from contextlib import suppress

import pytest

from sim import World
from sim.core import Event, EventBus, MessageSent, WorldSaved
from sim.runtime import IsolatedSimulation, Simulation
from sim.runtime.engine.outbox import MOST_WAITING, AsyncHandlers, LoopCaller, Outbox
from tests.unit.runtime.isolating import Thread
from tests.unit.runtime.worlds import until


def saved(tick: int) -> WorldSaved:
    return WorldSaved(tick=tick, path="a.hub")


async def test_a_loop_that_was_busy_is_told_what_it_missed() -> None:
    heard: list[Event] = []
    said: list[str] = []
    bus = EventBus()
    bus.subscribe(Event, heard.append)
    outbox = Outbox(bus, LoopCaller(asyncio.get_running_loop()), said.append)
    for tick in range(MOST_WAITING + 7):
        outbox.emit(saved(tick))
    await asyncio.sleep(0)
    assert [event.tick for event in heard] == list(range(7, MOST_WAITING + 7))
    assert said == ["7 events dropped: the handlers are too slow"]


@pytest.mark.parametrize("is_isolated", [False, True])
async def test_async_handlers_are_awaited_and_events_tell(world: World, is_isolated: bool) -> None:
    heard: list[MessageSent] = []

    async def slow(event: MessageSent) -> None:
        await asyncio.sleep(0.01)
        heard.append(event)

    opened = IsolatedSimulation(world, name="here", spawn=Thread) if is_isolated else None
    async with opened or Simulation(world, name="here") as simulation:
        simulation.subscribe(MessageSent, slow)
        await simulation.inject("one", seeds=[1], model="si")
        await simulation.inject("two", seeds=[2], model="si")
        await until(lambda: len(heard) == 2)
    one, two = sorted(heard, key=lambda event: event.cascade)
    assert (one.correlation, two.correlation) == ("message 0", "message 1")
    assert one.source == two.source == "here"
    assert len({one.id, two.id}) == 2
    assert one.time <= two.time
    assert one.time.tzinfo is not None
    assert WorldSaved(tick=7, path="a").correlation == "tick 7"
    assert saved(7) == saved(7), "the same happened"


class _Later:
    """Something that can be awaited and is no coroutine, as AnyIO and Textual return."""

    def __init__(self, heard: list[str]) -> None:
        self.heard = heard

    def __await__(self) -> Generator[None, None, None]:
        yield
        self.heard.append("object")


async def test_whatever_handlers_return_to_be_awaited_is_awaited(simulation: Simulation) -> None:
    heard: list[str] = []

    async def work() -> None:
        heard.append("task")

    def failing(_event: Event) -> asyncio.Future[None]:
        future = asyncio.get_running_loop().create_future()
        future.set_exception(KeyError("lost"))
        return future

    simulation.subscribe(MessageSent, lambda _event: _Later(heard))
    simulation.subscribe(MessageSent, lambda _event: asyncio.ensure_future(work()))
    failed = simulation.subscribe(MessageSent, failing)
    await simulation.inject("one", seeds=[1], model="si")
    await until(lambda: failed.faults == 1 and len(heard) == 2)
    assert sorted(heard) == ["object", "task"]


async def test_a_handler_that_is_left_out_is_told_of(simulation: Simulation) -> None:
    async def clumsy(_event: Event) -> None:
        raise KeyError("lost")

    subscription = simulation.subscribe(MessageSent, clumsy)
    for number in range(4):
        await simulation.inject(f"m{number}", seeds=[number], model="si")
        await until(lambda: subscription.faults >= min(number + 1, 3))  # noqa: B023 - at once
    said = "clumsy failed on MessageSent: KeyError: 'lost'; after 3 faults it hears nothing more"
    await until(lambda: any(line.endswith(said) for _, line in simulation.frame.events))
    assert (subscription.is_on, subscription.faults) == (False, 3)


async def test_work_that_is_not_done_is_bounded_and_ends_with_the_simulation() -> None:
    awaiting, failed = AsyncHandlers(most=1), list[BaseException]()
    awaiting(asyncio.sleep(3600), failed.append)
    more = asyncio.sleep(0)
    for each in (more, _Later([])):
        with pytest.raises(TimeoutError, match="1 calls of handlers are not done yet"):
            awaiting(each, failed.append)
    await awaiting.close(patience=0.01)
    assert failed == []


@pytest.mark.parametrize("leaves", [SystemExit, KeyboardInterrupt, GeneratorExit])
async def test_an_asynchronous_handler_that_would_leave_ends_nobodys_loop(
    simulation: Simulation, leaves: type[BaseException]
) -> None:
    async def leaving(_event: Event) -> None:
        raise leaves("enough")

    subscription = simulation.subscribe(MessageSent, leaving)
    await simulation.inject("one", seeds=[1], model="si")
    await until(lambda: subscription.faults == 1)
    said = f"leaving failed on MessageSent: {leaves.__name__}: enough"
    await until(lambda: any(line.endswith(said) for _, line in simulation.frame.events))


async def test_a_handler_that_will_not_be_cancelled_holds_up_nobody() -> None:
    is_over = asyncio.Event()

    async def stubborn() -> None:
        while not is_over.is_set():
            with suppress(asyncio.CancelledError):
                await is_over.wait()

    awaiting = AsyncHandlers()
    awaiting(stubborn(), lambda error: None)
    await asyncio.wait_for(awaiting.close(patience=0.01), 30)
    is_over.set()


def test_a_bus_without_a_loop_refuses_asynchronous_handlers() -> None:
    async def late(_event: Event) -> None:
        raise AssertionError

    bus = EventBus()
    with pytest.raises(TypeError, match="late is asynchronous, and nobody here would await it"):
        bus.subscribe(Event, late)
    bus.subscribe(Event, lambda event: late(event))
    bus.subscribe(Event, lambda _event: _Later([]))
    bus.publish(saved(1))
    assert ["nobody here would await it" in str(fault) for fault in bus.faults] == [True, True]
