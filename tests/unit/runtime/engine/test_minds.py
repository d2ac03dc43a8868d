"""Minds in a live world: it waits for them before it ticks on, and answers meanwhile."""

import asyncio
import json
from concurrent.futures import Future
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from sim import Answer, Decision, Mind, Simulation, Thinker, World, replay
from sim.errors import InputError
from sim.minds import Fault, ModelPool, Provider
from sim.minds.deciding import commands as minding
from sim.runtime.journal.writer import recover
from sim.store import save
from tests.unit.minds.server import Server, status
from tests.unit.runtime.isolating import thread_of


class Liking(Mind):
    """Likes what stands first."""

    async def decide(self, member: Any, feed: Any, memory: Any) -> Any:
        return [Decision("like", 1)] if feed else []


GATE = Event()


class Slow(Mind):
    """Decides once a test lets it."""

    async def decide(self, member: Any, feed: Any, memory: Any) -> Any:
        while not GATE.is_set():  # noqa: ASYNC110 - another thread sets it
            await asyncio.sleep(0.01)
        return []


def minded() -> World:
    told = {"posting": 0.5, "rhythm": "flat"}
    world = World.create(agents=120, mean_degree=8, seed=7, platform=told)
    minding.give_minds(world, list(range(20)))
    return world


def busy(simulation: Simulation) -> bool:
    thinking = thread_of(simulation).engine.thinking
    return thinking is not None and thinking.is_busy


def counts(world: World) -> dict[str, int]:
    return dict(minding.minds_of(world).counts)


async def test_each_tick_is_decided_on_before_the_next() -> None:
    world = World.create(agents=120, mean_degree=8, seed=7, platform={"posting": 0.5})
    async with Simulation(world, minds=Thinker(minds={"model": Liking()})) as simulation:
        await simulation.do("give_minds", list(range(20)))
        assert await simulation.step(3) == 3
        made = await simulation.call(counts)
        assert simulation.frame.events[-1][1].startswith("minds: ")
    assert made["model"] > 3
    assert not minding.minds_of(world).awake
    again = replay(world.trail.acts)
    assert again.findings == ()
    assert again.world.digest() == world.digest()


@pytest.mark.parametrize("is_left", [False, True], ids=["decided on", "left"])
async def test_who_pauses_waits_for_no_mind_and_decisions_on_left_ticks_go(is_left: bool) -> None:
    GATE.clear()
    async with Simulation(minded(), minds=Thinker(minds={"model": Slow()})) as simulation:
        await simulation.play()
        while not busy(simulation):  # noqa: ASYNC110 - it is the engine that thinks
            await asyncio.sleep(0.01)
        assert await simulation.call(lambda world: world.tick) == 1
        await asyncio.wait_for(simulation.pause(), 60)
        if is_left:
            await simulation.call(World.step, 1)
        GATE.set()
        while busy(simulation):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
        assert await simulation.call(lambda world: world.tick) == 1 + is_left
        made = await simulation.call(counts)
        assert made == {} if is_left else made["model"] > 0


async def test_why_nobody_is_asked_is_said_once() -> None:
    thinker = Thinker(lacks="No language model is set.")
    async with Simulation(minded(), minds=thinker) as simulation:
        await simulation.step(2)
        assert simulation.frame.banner == "No language model is set."
        assert [line for _, line in simulation.frame.events].count(thinker.lacks) == 1
        await simulation.think(None)
        await simulation.step(1)
        assert simulation.frame.banner is None
        assert (await simulation.call(counts))["failed"] > 0


async def test_why_a_model_does_not_answer_is_on_the_frame_until_it_does() -> None:
    with Server(status(401)) as server, ModelPool([Provider("m", server.url)]) as pool:
        async with Simulation(minded(), minds=Thinker(pool)) as simulation:
            await simulation.step(2)
            now = simulation.frame.minds
            assert now is not None
            assert "the key was refused" in now.trouble
            assert simulation.frame.banner == now.trouble
            assert now.providers == (("127.0.0.1", "off"),)
            assert dict(now.sources) == {"rule": now.decisions}
            pool._fault = None
            await simulation.step(1)
            assert simulation.frame.banner is None


async def test_minds_need_a_platform() -> None:
    with pytest.raises(InputError, match="no platform"):
        async with Simulation(World.create(agents=10, mean_degree=2), minds=Thinker()):
            pass


async def test_a_recovered_world_has_what_was_decided(path: Path) -> None:
    world = minded()
    save(world, path)
    thinker = Thinker(minds={"model": Liking()})
    async with Simulation(world, path=path, journal=True, minds=thinker) as simulation:
        await simulation.step(3)
    opened = recover(path)
    assert opened.world.digest() == world.digest()
    assert json.dumps(counts(opened.world)) == json.dumps(counts(world))


async def test_minds_decide_on_in_a_past_from_before_they_were_woken() -> None:
    async with Simulation(minded()) as simulation:
        await simulation.step(2)
        await simulation.think(Thinker(minds={"model": Liking()}))
        await simulation.step(2)
        await simulation.back(3)
        assert await simulation.call(counts) == {}
        await simulation.step(2)
        assert (await simulation.call(counts))["model"] > 0


async def test_the_rules_decide_in_a_past_from_before_minds_were_put_to_rest() -> None:
    thinker = Thinker(minds={"model": Liking()})
    async with Simulation(minded(), minds=thinker) as simulation:
        await simulation.step(2)
        await simulation.think(None)
        await simulation.step(1)
        await simulation.back(2)
        await simulation.step(1)
        assert not await simulation.call(lambda world: minding.minds_of(world).awake)


class Silent:
    """Stands for models: none of them answers."""

    def submit(self, ask: Any, seconds: float | None = None) -> Any:
        future: Future[Answer] = Future()
        future.set_result(Answer("", Fault.SERVER, "none"))
        return future


@pytest.mark.parametrize("way", ["play", "step"])
async def test_a_live_world_pauses_where_models_decide_too_little(way: str) -> None:
    world = minded()
    thinker = Thinker(Silent(), least=0.5)
    async with Simulation(world, minds=thinker) as simulation:
        await simulation.do("give_minds", list(range(120)))
        if way == "play":
            await simulation.play()
            while simulation.frame.state != "paused":  # noqa: ASYNC110 - the engine pauses
                await asyncio.sleep(0.01)
        else:
            assert await simulation.step(50) < 50
        assert "at least 50% were asked for" in (simulation.frame.banner or "")
        tick = simulation.frame.tick
        assert await simulation.step(1) == 1  # whoever wants to goes on
        assert simulation.frame.tick == tick + 1


async def test_a_live_world_says_that_nobody_lets_minds_decide() -> None:
    world = World.create(agents=120, mean_degree=8, seed=7, platform=True)
    world.give_minds("top:5:degree")
    async with Simulation(world) as simulation:
        await simulation.step(1)
        assert "Language models of 5 members are off" in (simulation.frame.banner or "")
