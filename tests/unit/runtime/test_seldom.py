"""Ways of a simulation that are seldom gone."""

import asyncio
from typing import Any

import numpy as np
import pytest

from sim import World
from sim.core import CascadeGrew, CascadeStarted, EventBus, MessageReceived
from sim.errors import InputError
from sim.runtime import Simulation
from sim.runtime.bulk_operations import create_communities
from sim.runtime.engine.outbox import Frames, LoopCaller, Outbox
from sim.runtime.frames.focus import GroupTally, Tally
from tests.unit.runtime.worlds import until


async def test_a_session_shows_itself_in_one_line(simulation: Simulation) -> None:
    session = await simulation.inject("news", seeds=[1, 2], model="si")
    assert repr(session) == "<Session #0 si: running, 2 adopters>"


async def test_a_message_cancelled_in_the_queue_has_never_started(world: World) -> None:
    started: list[CascadeStarted] = []
    async with Simulation(world, max_running=1) as simulation:
        simulation.subscribe(CascadeStarted, started.append)
        await simulation.inject("first", seeds=[1], model="si")
        waiting = await simulation.inject("second", seeds=[2], model="si")
        await simulation.cancel(waiting.id)
        row = await waiting.done()
        assert (row.status, row.started_at, row.size) == ("cancelled", -1, 0)
        await simulation.step(1)
        await until(lambda: bool(started))
    assert [event.cascade for event in started] == [0]


def test_no_community_gathers_where_everybody_is_taken() -> None:
    world = World.from_edges([0, 1], [1, 2], agents=3, seed=4)
    assert create_communities(world, ["One", "Two"], max_members=3) == {"One": 3, "Two": 0}
    assert world.agents.community.tolist() == [0, 0, 0]


async def test_growth_that_waits_is_told_in_sum_and_receivers_as_they_are_now() -> None:
    told: list[Any] = []
    bus = EventBus()
    outbox = Outbox(bus, LoopCaller(asyncio.get_running_loop()), told.append)
    outbox.emit(CascadeGrew(tick=1, cascade=0, new=1, adopters=2))  # nobody listens yet
    bus.subscribe(CascadeGrew, told.append)
    bus.subscribe(MessageReceived, told.append)
    for tick in (2, 3):
        outbox.emit(CascadeGrew(tick=tick, cascade=0, new=5, adopters=5 * tick))
        outbox.emit(MessageReceived(tick=tick, cascade=0, receivers=4 * tick))
    await until(lambda: len(told) == 2)
    assert told == [
        CascadeGrew(tick=3, cascade=0, new=10, adopters=15),
        MessageReceived(tick=3, cascade=0, receivers=12),
    ]


async def test_a_watch_that_begins_before_any_frame_waits_and_ends_with_the_rest() -> None:
    frames = Frames(LoopCaller(asyncio.get_running_loop()))
    watch = frames.watch(2)
    async with watch:
        frames.close()
        assert [frame async for frame in watch] == []
    frames.leave(watch)  # twice is harmless


def test_a_tally_of_a_message_that_left_the_queue_has_its_start_as_a_row() -> None:
    world = World.from_edges([0, 1], [1, 2], seed=4)
    world.max_running = 0
    tally = Tally(world.inject("news", seeds=[0], model="si", beta=1.0))
    assert (tally.ticks, tally.is_current) == (0, True)
    world.max_running = 1
    world.step()
    tally.ticked()
    assert tally.new.tolist() == [1, 1]
    assert tally.is_current
    world.step()
    assert not tally.is_current


def test_groups_without_a_message_count_nobody() -> None:
    tally = GroupTally.empty(np.array([3, 4], np.int64))
    tally.count(5)
    assert tally.read(1)["adopted"].tolist() == [0, 0]


@pytest.mark.parametrize("size", [1.5, "3", True])
async def test_sizes_of_batches_are_whole(simulation: Simulation, size: Any) -> None:
    with pytest.raises(InputError, match="batch_size must be a whole number"):
        await anext(simulation.interactions(batch_size=size))
