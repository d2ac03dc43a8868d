"""Commands are carried out and answered in order; time goes as it was asked to."""

import asyncio
import sys
import threading
import time

import pytest

from sim import World
from sim.errors import Cancelled, HubbubError, InputError
from sim.runtime import Simulation
from sim.runtime.engine.run_control import TickPace
from tests.raising import raises_awaited
from tests.unit.runtime.worlds import Gate, Hand, slow_phase, until


async def test_commands_are_answered_in_the_order_of_sending(simulation: Simulation) -> None:
    answered: list[str] = []

    async def send(name: str, command: object) -> None:
        await command  # type: ignore[misc]
        answered.append(name)

    async def refused() -> None:
        await raises_awaited(InputError, "No session 99", simulation.cancel(99))

    await asyncio.gather(
        send("step", simulation.step(3)),
        send("inject", simulation.inject("one", seeds=[1], model="si")),
        send("refused", refused()),
        send("call", simulation.call(lambda world: world.tick)),
        send("pause", simulation.pause()),
    )
    assert answered == ["step", "inject", "refused", "call", "pause"]


async def test_play_goes_on_until_a_pause_is_answered(simulation: Simulation) -> None:
    await simulation.play()
    states = [simulation.frame.state]
    await until(lambda: simulation.frame.tick >= 5)
    await simulation.pause()
    tick = simulation.frame.tick
    assert [*states, simulation.frame.state] == ["playing", "paused"]
    for _ in range(5):
        assert await simulation.call(lambda world: world.tick) == tick


async def test_pause_during_a_long_tick_says_pausing_at_once(world: World, gate: Gate) -> None:
    async with Simulation(world) as simulation:
        await simulation.play()
        await until(lambda: gate.came == 1)
        pause = asyncio.create_task(simulation.pause())
        await until(lambda: simulation.frame.state == "pausing")
        assert not pause.done()
        gate.open()
        await pause
        assert simulation.frame.state == "paused"
        assert (gate.came, simulation.frame.tick) == (1, 1)  # the running tick, not another one


async def test_pause_ends_steps_early_and_they_say_how_many_were_run(world: World) -> None:
    gate = Gate(at=3)
    world.phases.append(gate.phase)
    async with Simulation(world) as simulation:
        steps = asyncio.create_task(simulation.step(100_000))
        await until(lambda: gate.came == 3 and simulation.frame.state == "stepping")
        pause = asyncio.create_task(simulation.pause())
        await until(lambda: simulation.frame.state == "pausing")
        gate.open()
        await pause
        assert await steps == simulation.frame.tick == 3


async def test_steps_sent_after_a_pause_are_run(simulation: Simulation) -> None:
    _, done = await asyncio.gather(simulation.pause(), simulation.step(2))
    assert done == 2


async def test_step_ends_playing(simulation: Simulation) -> None:
    await simulation.play(ticks_per_second=0.01)
    assert await simulation.step(3) == 3
    assert simulation.frame.state == "paused"
    assert simulation.frame.tick in {3, 4}  # one was due when playing began


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    """The clock by which ticks are due; no tick takes time, however busy the machine is."""
    hand = Hand()
    monkeypatch.setattr("sim.runtime.engine.live._QUIET_TICK_MS", float("inf"))
    monkeypatch.setattr("sim.runtime.engine.run_control.TickPace", lambda: TickPace(hand))
    return hand


@pytest.mark.parametrize("rate", [64, None])
async def test_a_tick_is_run_when_it_is_due_and_not_before(
    world: World, hand: Hand, counter: Gate, rate: float | None
) -> None:
    period = 0.01 if rate is None else 1 / rate  # full speed, but nothing is under way
    async with Simulation(world) as simulation:
        await simulation.play(rate)
        for tick in range(1, 20):
            await until(lambda due=tick: counter.came >= due)  # type: ignore[misc]
            assert await simulation.call(lambda world: world.tick) == tick
            hand.time += period


@pytest.mark.bench
async def test_play_keeps_the_rate_that_was_asked(simulation: Simulation) -> None:
    await simulation.play(ticks_per_second=50)
    began = simulation.frame.tick, time.monotonic()
    await asyncio.sleep(1)
    await simulation.pause()
    ticks, seconds = simulation.frame.tick - began[0], time.monotonic() - began[1]
    assert ticks / seconds == pytest.approx(50, rel=0.3)


async def test_new_rate_is_taken_while_playing(simulation: Simulation) -> None:
    await simulation.play(ticks_per_second=0.5)
    await simulation.play(ticks_per_second=200)
    await until(lambda: simulation.frame.tick >= 20)
    assert simulation.frame.asked_rate == 200


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf"), 1e9])
async def test_impossible_rate_is_refused(simulation: Simulation, rate: float) -> None:
    await raises_awaited(InputError, "ticks_per_second must be in", simulation.play(rate))
    assert simulation.frame.state == "paused"


async def test_play_until_quiet_ends_when_nothing_is_alive(simulation: Simulation) -> None:
    await simulation.play(until_quiet=True)
    assert simulation.frame.state == "paused"
    session = await simulation.inject("news", seeds=[1], model="independent-cascade")
    await simulation.play(until_quiet=True)
    await session.done()
    await until(lambda: simulation.frame.state == "paused")
    assert simulation.frame.tick <= 60


async def test_cancelling_a_step_ends_it_after_the_running_tick(world: World) -> None:
    gate = Gate(at=3)
    world.phases.append(gate.phase)
    async with Simulation(world) as simulation:
        steps = asyncio.create_task(simulation.step(100_000))
        await until(lambda: gate.came == 3)
        steps.cancel()
        with pytest.raises(asyncio.CancelledError):
            await steps
        gate.open()
        assert await simulation.call(lambda world: world.tick) == 3
        assert simulation.frame.state == "paused"


async def test_call_runs_in_the_engine_and_returns_or_raises(simulation: Simulation) -> None:
    thread = await simulation.call(lambda world, wait: threading.current_thread().name, 0)
    assert thread == "engine"
    await raises_awaited(KeyError, "lost", simulation.call(lambda world: dict[str, int]()["lost"]))
    await raises_awaited(HubbubError, "SystemExit", simulation.call(lambda world: sys.exit(3)))
    assert await simulation.step() == 1


async def test_world_is_dirty_after_profiles_in_cold_data(simulation: Simulation) -> None:
    await simulation.call(lambda world: world.take_profiles([{"name": "Ada"}], "order"))
    assert simulation.frame.dirty


async def test_closing_tells_whoever_waits_and_stops_at_a_whole_tick(world: World) -> None:
    world.phases.append(slow_phase(0.02))
    async with Simulation(world) as simulation:
        session = await simulation.inject("news", seeds=[1], model="sis")
        steps = asyncio.create_task(simulation.step(100_000))
        later = asyncio.create_task(simulation.save())
        ended = asyncio.create_task(session.done())
        await until(lambda: simulation.frame.tick > 0)
    for task in (steps, later, ended):
        with pytest.raises(Cancelled, match="closed"):
            await task
    assert len(session.cascade.history) == world.tick + 1
    await raises_awaited(Cancelled, "", simulation.step())


def test_a_world_can_be_simulated_again_and_again(world: World) -> None:
    async def go_on() -> int:
        async with Simulation(world) as simulation:
            return await simulation.step(2)

    for _ in range(3):
        assert asyncio.run(go_on()) == 2
    assert world.tick == 6


async def test_error_in_the_block_closes_the_engine(world: World) -> None:
    async def stumble() -> None:
        async with Simulation(world) as simulation:
            await simulation.play()
            raise KeyError("mine")

    await raises_awaited(KeyError, "", stumble())


@pytest.mark.parametrize("wrong", [{"max_running": 0}, {"frames_per_second": 0}])
def test_settings_out_of_range_are_refused(world: World, wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        Simulation(world, **wrong)  # type: ignore[arg-type]


async def test_performance_counts_answers_and_refusals(simulation: Simulation) -> None:
    await asyncio.gather(*(simulation.step(0) for _ in range(3)))
    await asyncio.gather(simulation.cancel(99), return_exceptions=True)
    figures = simulation.performance()
    assert figures.operations == 5
    assert figures.success_rate == 4 / 5
    assert figures.peak_concurrency == 3
    assert figures.mean_response_ms > 0
    assert figures.operations_per_second > 0


async def test_a_copy_stays_as_the_world_was_and_goes_on_as_it_does() -> None:
    world = World.create(agents=300, mean_degree=6, seed=7)
    world.open_platform(rhythm="flat", posting=0.5)
    async with Simulation(world) as simulation:
        await simulation.inject("Closed.", seeds=[3, 4], model="sir", beta=0.2)
        await simulation.step(3)
        copied = await simulation.world()
        before = copied.digest()
        await simulation.step(3)
        assert copied.digest() == before
        copied.step(3)
        assert copied.digest() == await simulation.call(World.digest)
