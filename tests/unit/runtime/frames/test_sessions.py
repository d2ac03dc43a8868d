"""Messages wait, run, rest, fail or are cancelled; and everybody hears of it."""

import gc

import numpy as np
import pytest

from sim import World
from sim.core import (
    CascadeCompleted,
    CascadeGrew,
    CascadeStarted,
    Event,
    InfluenceCalculated,
    MessageReceived,
    MessageSent,
)
from sim.errors import InputError, ParameterError
from sim.runtime import Simulation
from sim.runtime.frames.sessions import MOST_ROWS
from sim.spread.cascade.cascade import _SEAL
from sim.spread.cascade.generations import newest_r
from tests.unit.runtime.isolating import thread_of
from tests.unit.runtime.worlds import present, until


async def test_no_more_run_than_the_cap_and_the_highest_priority_is_next(world: World) -> None:
    async with Simulation(world, max_running=2) as simulation:
        for priority in (0, 0, 1, 5, 5):
            await simulation.inject("news", seeds=[1], model="sis", priority=priority)
        statuses = [row.status for row in simulation.frame.sessions]
        assert statuses == ["running", "running", "queued", "queued", "queued"]
        await simulation.cancel(0)
        await simulation.step()
        assert [row.status for row in simulation.frame.sessions][2:] == [
            "queued",
            "running",
            "queued",
        ]
        await simulation.cancel(1)
        await simulation.step()
        assert [row.id for row in simulation.frame.sessions if row.status == "running"] == [3, 4]


async def test_done_of_a_cancelled_message_tells_what_it_reached(simulation: Simulation) -> None:
    session = await simulation.inject("news", seeds=[1, 2], model="sis")
    await simulation.step(3)
    await simulation.cancel(session.id)
    row = await session.done()
    assert (row.status, row.size) == ("cancelled", session.size)
    await simulation.cancel(session.id)
    size = session.size
    await simulation.step(3)
    assert session.size == size


async def test_events_tell_the_life_of_a_message_in_order(simulation: Simulation) -> None:
    seen: list[Event] = []
    simulation.subscribe(Event, seen.append)
    session = await simulation.inject("news", seeds=[1, 2], model="si", beta=1.0, author=5)
    await simulation.run_until_quiet()
    await until(lambda: isinstance(seen[-1], (CascadeCompleted, InfluenceCalculated)))
    kinds = [type(event) for event in seen]
    assert kinds[:2] == [MessageSent, CascadeStarted]
    assert kinds.index(CascadeCompleted) > kinds.index(CascadeGrew)
    assert sum(event.new for event in seen if isinstance(event, CascadeGrew)) == session.size
    received = [event.receivers for event in seen if isinstance(event, MessageReceived)]
    assert received[-1] == session.size - 2
    sent = seen[0]
    assert isinstance(sent, MessageSent)
    assert (sent.author, sent.text) == (5, "news")


async def test_r_of_a_message_that_reached_everybody_goes_on(world: World) -> None:
    # Adoptions again and generations that become whole change R, while nobody is new.
    every = [world.inject(f"news {k}", seeds=[k], model="sis", beta=0.2, gamma=0.3) for k in (1, 2)]
    world.step(40)
    assert all(cascade.size > 1900 for cascade in every)
    async with Simulation(world) as simulation:

        def is_told() -> bool:
            told = [(row.r, row.cohort) for row in simulation.frame.sessions]
            return told == [newest_r(cascade) for cascade in every]

        told: list[InfluenceCalculated] = []
        simulation.subscribe(InfluenceCalculated, told.append)
        known: list[set[float]] = [set(), set()]
        for _ in range(8):
            for _ in range(5):
                await simulation.step(1)
            await until(is_told)
            for seen, cascade in zip(known, every, strict=True):
                seen.add(cascade.r_newest)
        assert all(len(seen) > 2 for seen in known)
        assert {event.cascade for event in told} == {0, 1}
        assert all(0 < event.cohort < event.tick for event in told)
        await simulation.cancel(0)
        await until(lambda: simulation.frame.sessions[0].status == "cancelled")
        assert np.isnan(simulation.frame.sessions[0].r)
        assert simulation.frame.sessions[0].cohort == -1


async def test_wrong_parameters_are_refused_and_change_nothing(simulation: Simulation) -> None:
    session = await simulation.inject("news", seeds=[1], model="si", beta=0.1)
    with pytest.raises(ParameterError, match=r"beta must be in \[0, 1\], got 1.5"):
        await simulation.set_parameter(session.id, "beta", 1.5)
    with pytest.raises(ParameterError, match="did you mean 'beta'"):
        await simulation.set_parameter(session.id, "betta", 0.5)
    with pytest.raises(InputError, match=r"No session 7; they are 0 to 0"):
        await simulation.set_parameter(7, "beta", 0.5)
    assert session.cascade.model.values()["beta"] == 0.1
    await simulation.cancel(session.id)
    with pytest.raises(InputError, match=r"^Message #0 is cancelled; it cannot change\.$"):
        await simulation.set_parameter(session.id, "beta", 0.5)


async def test_a_new_parameter_wakes_a_message_at_rest(simulation: Simulation) -> None:
    session = await simulation.inject("news", seeds=[1], model="si", beta=0)
    await simulation.step(5)
    first = await session.done()
    assert (first.status, first.size) == ("quiet", 1)
    await simulation.set_parameter(session.id, "beta", 1.0)
    assert session.status == "running"
    assert [row.status for row in simulation.frame.sessions] == ["running"]
    assert len(session.cascade.new_adopters) == 6
    await simulation.run_until_quiet(session.id)
    assert (await session.done()).status == "quiet"
    shown = present(simulation.frame.focus)
    assert np.array_equal([shown.seeds_r, *shown.r[1:]], session.cascade.r, equal_nan=True)
    assert len(session.cascade.r) == len(session.cascade.history)


async def test_a_message_that_stays_dead_takes_no_parameter(simulation: Simulation) -> None:
    session = await simulation.inject("news", seeds=[1], model="independent-cascade", probability=0)
    await simulation.step(5)
    digest = await simulation.call(World.digest)
    with pytest.raises(
        InputError, match=r"^Message #0 has died out, and no member can spread it with"
    ):
        await simulation.set_parameter(session.id, "probability", 1.0)
    assert session.status == "quiet"
    assert [row.status for row in simulation.frame.sessions] == ["quiet"]
    assert session.cascade.model.values()["probability"] == 0
    assert await simulation.call(World.digest) == digest
    assert "set_parameter" not in [act.kind for act in simulation.audit()]


async def test_a_refused_parameter_leaves_sums_over_other_ties(simulation: Simulation) -> None:
    session = await simulation.inject("news", seeds=[1], model="independent-cascade", probability=0)
    await simulation.step(5)
    held = session.cascade.held
    held[_SEAL], held["_basis"] = np.ones(1, np.uint64), np.zeros(2, np.int64)
    digest = await simulation.call(World.digest)
    with pytest.raises(InputError, match="with another probability"):
        await simulation.set_parameter(session.id, "probability", 1.0)
    assert session.cascade.held is held
    assert (held[_SEAL].tolist(), held["_basis"].tolist()) == ([1], [0, 0])
    assert await simulation.call(World.digest) == digest


async def test_parameters_that_clash_are_refused(simulation: Simulation, misbehaving: str) -> None:
    session = await simulation.inject("news", seeds=[1], model=misbehaving)
    with pytest.raises(ParameterError, match="must differ"):
        await simulation.set_parameter(session.id, "left", 2)
    assert session.cascade.model.values() == {"left": 1, "right": 2}


async def test_messages_that_a_world_brings_along_are_sessions_too(world: World) -> None:
    world.run_until_quiet(world.inject("old", seeds=[1], model="si", beta=1.0))
    world.inject("young", seeds=[2], model="sis")
    async with Simulation(world) as simulation:
        assert [row.status for row in simulation.frame.sessions] == ["quiet", "running"]
        assert (await simulation.session(0).done()).size == 2000
        assert simulation.session(1) is simulation.session(1)
        await simulation.cancel(1)
        assert (await simulation.session(1).done()).status == "cancelled"


def _ended(world: World, many: int) -> None:
    for _ in range(many):
        world.inject("x", seeds=[1], model="si").cancel()


async def test_rows_are_bounded_and_keep_the_living(world: World) -> None:
    async with Simulation(world) as simulation:
        alive = await simulation.inject("alive", seeds=[1], model="sis")
        await simulation.call(_ended, MOST_ROWS + 50)
        rows = simulation.frame.sessions
        assert len(rows) == MOST_ROWS
        assert rows[0].id == alive.id
        assert rows[-1].id == MOST_ROWS + 50
        assert simulation.frame.sessions_total == MOST_ROWS + 51


async def test_ended_sessions_still_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.runtime.frames.sessions.MOST_ROWS", 4)
    async with Simulation(world) as simulation:
        for number in range(20):
            session = await simulation.inject("news", seeds=[number], model="si", beta=0)
            while session.status == "running":
                await simulation.step()
        last = await session.done()
        del session
        gc.collect()
        link = thread_of(simulation)
        assert len(link.live.tracker._closed) <= 4
        assert len(link._ended) <= 4
        assert len(link._sessions) <= 1
        assert len(simulation.frame.sessions) == 4
        assert simulation.frame.sessions_total == 20
        assert simulation.frame.sessions[-1] == last
        old = await simulation.session(2).done()
        assert (old.id, old.status, old.size) == (2, "quiet", world.cascades[2].size)
        assert await simulation.session(19).done() == last
        await simulation.set_parameter(0, "beta", 1.0)
        assert simulation.session(0).status == "running"
