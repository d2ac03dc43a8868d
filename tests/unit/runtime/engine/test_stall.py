"""A plugin that does not come back costs a banner, its own message, and nothing else."""

import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from sim import PropagationModel, World
from sim.core import registry
from sim.core.threads import Stalled, interrupt, interruptible
from sim.network.analysis.reputation import flowed
from sim.runtime import EngineError, Simulation
from sim.runtime.engine.stall import RollbackState, Stall, is_foreign, stalled_blocks
from sim.spread.cascade.cascade import _SEAL
from tests.raising import raises_awaited
from tests.unit.runtime.isolating import thread_of
from tests.unit.runtime.worlds import Gate, blocked_until, present, until

LONG = 120.0
FREE = threading.Event()


class Stuck(PropagationModel):
    """Spreads by itself, and does not come back in its third tick."""

    deaf: ClassVar[bool] = False

    def step(self, cascade: Any, contacts: Any, draws: Any) -> None:
        if draws.tick < cascade.started_at + 3:
            seen = cascade.columns.setdefault("seen", contacts.degree[:1].copy())
            seen[0] += 1
            return
        while not FREE.is_set():
            try:
                time.sleep(0.005)
            except Stalled:
                if not self.deaf:
                    raise

    def is_quiet(self, cascade: Any, contacts: Any) -> bool:
        return False


class Deaf(Stuck):
    """Cannot be interrupted, as if it were compiled."""

    deaf: ClassVar[bool] = True


class Reluctant(Deaf):
    """Is stuck as soon as it starts."""

    def start(self, cascade: Any) -> None:
        while not FREE.is_set():
            try:
                time.sleep(0.005)
            except Stalled:
                continue


class Loops(PropagationModel):
    """Does not come back from one of what it is asked beside its steps."""

    hangs: ClassVar[str] = ""

    def step(self, cascade: Any, contacts: Any, draws: Any) -> None:
        """Spread to nobody."""

    def is_quiet(self, cascade: Any, contacts: Any) -> bool:
        return False

    def unsettle(self, cascade: Any) -> None:
        self._ask("unsettle")

    def welcome(self, cascade: Any, count: int) -> None:
        self._ask("welcome")

    def together(self) -> None:
        self._ask("together")

    def _ask(self, what: str) -> None:
        while what == self.hangs and not FREE.is_set():
            time.sleep(0.005)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    registry.load_plugins()
    monkeypatch.setattr("sim.runtime.engine.thread_client._STALLED_SECONDS", 0.3)
    monkeypatch.setattr("sim.runtime.engine.thread_client._PULSE_SECONDS", 0.05)
    monkeypatch.setattr("sim.runtime.engine.thread_client._PATIENCE_SECONDS", LONG)
    FREE.clear()
    for cls in (Stuck, Deaf, Reluctant, Loops):
        registry.register(f"test-{cls.__name__.lower()}")(cls)
    yield
    FREE.set()
    for cls in (Stuck, Deaf, Reluctant, Loops):
        del registry._known["propagation"][cls.plugin_name]


async def stuck(simulation: Simulation, model: str) -> Stall:
    """Play until the engine is held up; returns what the frame says of it."""
    await simulation.inject("Stuck.", seeds=[1], model=model)
    await simulation.inject("Goes on.", seeds=[2, 3], model="si", beta=0.1)
    await simulation.play()
    return await held_up(simulation)


async def held_up(simulation: Simulation) -> Stall:
    """Wait until a plugin holds up the engine; a kernel that compiles may do so before."""

    def by_a_plugin() -> bool:
        stall = simulation.frame.stalled
        return stall is not None and bool(stall.plugin)

    await until(by_a_plugin, LONG)
    return present(simulation.frame.stalled)


async def test_the_banner_names_the_plugin_and_its_line(simulation: Simulation) -> None:
    stall = await stuck(simulation, "test-stuck")
    assert stall.plugin == "test-stuck"
    assert stall.what == "Tick 3"
    assert stall.place.startswith("test_stall.py, line ")
    assert stall.place.endswith(", in step")
    assert "lugin 'test-stuck' has not returned" in str(simulation.frame.banner)
    await simulation.restart()


async def test_the_banner_names_what_a_tick_computes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*args: Any, **told: Any) -> Any:
        FREE.wait(LONG)
        return flowed(*args, **told)

    world = World.create(agents=300, mean_degree=6, seed=2, platform={"reputation_hours": 1.0})
    world.step()  # compiles what the engine will run
    monkeypatch.setattr("sim.platform.acts.relations.flowed", slow)
    async with Simulation(world) as simulation:
        run = asyncio.create_task(simulation.step())
        says = "Weighing the reputation of 300 members"
        await until(lambda: says in str(simulation.frame.banner), LONG)
        assert present(simulation.frame.stalled).what == says
        FREE.set()
        await run
        assert simulation.frame.banner is None


async def test_a_loop_in_python_costs_its_own_message(world: World, simulation: Simulation) -> None:
    await stuck(simulation, "test-stuck")
    ended = await simulation.restart()
    assert (ended.plugin, ended.sessions, ended.was_rebuilt) == ("test-stuck", (0,), False)
    await until(lambda: simulation.frame.tick > 10, LONG)
    await simulation.pause()
    assert simulation.frame.stalled is None
    assert simulation.session(0).status == "failed"
    assert "message #0 was stopped, everything else resumes" in str(simulation.frame.banner)

    other = World.create(agents=2000, mean_degree=10, seed=7)
    other.made = 1
    story = other.inject("Goes on.", seeds=[2, 3], model="si", beta=0.1)
    other.step(simulation.frame.tick)
    assert simulation.session(1).size == story.size


async def test_returners_go_on(simulation: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is seen to be stuck, its tick ends, and only then is the strike made."""
    await stuck(simulation, "test-stuck")
    engine = thread_of(simulation).engine
    under_way = engine.under_way

    def late(target: Any) -> bool:
        FREE.set()
        blocked_until(lambda: engine.under_way is not under_way)
        return interrupt(target)

    monkeypatch.setattr("sim.runtime.engine.thread_client.interrupt", late)
    ended = await simulation.restart()
    assert (ended.sessions, ended.was_rebuilt) == ((), False)
    assert ended.sentence.startswith("Plugin 'test-stuck' returned by itself (test_stall.py")
    tick = simulation.frame.tick
    await until(lambda: simulation.frame.tick > tick + 3, LONG)
    await simulation.pause()
    assert [row.error for row in simulation.frame.sessions] == [None, None]


def test_a_plugin_in_a_thread_that_makes_feeds_is_interrupted_there() -> None:
    met: list[BaseException] = []

    def work() -> None:
        try:
            with interruptible():
                Stuck().step(SimpleNamespace(started_at=0), None, SimpleNamespace(tick=9))
        except BaseException as error:
            met.append(error)

    thread = threading.Thread(target=work, name="worker_0")
    thread.start()
    blocked_until(lambda: bool(stalled_blocks(threading.get_ident(), "test-stuck")))
    assert stalled_blocks(threading.get_ident(), "test-deaf") == []
    (block,) = stalled_blocks(threading.get_ident(), "test-stuck")
    assert interrupt(block)
    thread.join()
    assert [type(error) for error in met] == [Stalled]


def test_a_block_in_which_no_foreign_plugin_runs_is_not_to_be_struck() -> None:
    with interruptible():
        assert stalled_blocks(threading.get_ident(), "") == []


def _other_ties(world: World) -> None:
    world.cascades[0].held[_SEAL] = np.ones(1, np.uint64)
    world.step()


@pytest.mark.parametrize(
    ("hangs", "act"),
    [
        ("unsettle", _other_ties),
        ("unsettle", lambda world: world.unsettle()),
        ("unsettle", lambda world: world.unsettle(trust_only=True)),
        ("welcome", lambda world: world.create_agents(3)),
        ("together", World.step),
    ],
)
def test_what_a_model_is_asked_beside_its_steps_is_interrupted_too(
    monkeypatch: pytest.MonkeyPatch, hangs: str, act: Callable[[World], Any]
) -> None:
    world = World.create(agents=300, mean_degree=6, seed=2)
    story = world.inject("Loops.", seeds=[0], model="test-loops")
    other = world.inject("Goes on.", seeds=[1], model="si", beta=0.5)
    world.step()
    monkeypatch.setattr(Loops, "hangs", hangs)
    thread = threading.Thread(target=act, args=(world,))
    thread.start()
    try:
        blocked_until(lambda: bool(stalled_blocks(thread.ident, "test-loops")))
        assert all(map(interrupt, stalled_blocks(thread.ident, "test-loops")))
        thread.join()
    finally:
        FREE.set()
    assert (story.status, other.status) == ("failed", "running")
    stopped = "test-loops: Stalled: it did not return and was stopped (test_stall.py"
    assert str(story.error).startswith(stopped)
    world.step(2)


async def test_any_other_loop_is_left_behind_and_the_world_rebuilt(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sim.runtime.engine.thread_client._PATIENCE_SECONDS", 0.2)
    async with Simulation(world) as simulation:
        session = await simulation.inject("Waits.", seeds=[4], model="si", beta=0.2)
        stall = await stuck(simulation, "test-deaf")
        ended = await simulation.restart()
        assert (stall.plugin, ended.sessions, ended.was_rebuilt) == ("test-deaf", (1,), True)
        assert (ended.tick, simulation.frame.tick) == (2, 2)
        assert simulation.frame.state == "paused"
        assert [row.status for row in simulation.frame.sessions] == ["running", "failed", "running"]
        row = await simulation.session(1).done()
        assert row.error == f"test-deaf: did not return ({stall.place})"
        assert any("everything else resumes" in line for _, line in simulation.frame.events)
        await simulation.step(10)
        assert (await simulation.save(tmp_path / "after.hub")).bytes > 0
        size = session.size

    other = World.create(agents=2000, mean_degree=10, seed=7)
    story = other.inject("Waits.", seeds=[4], model="si", beta=0.2)
    other.step(12)
    assert size == story.size


async def test_who_waits_is_told_to_ask_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.runtime.engine.thread_client._PATIENCE_SECONDS", 0.2)
    async with Simulation(world) as simulation:
        await simulation.step(2)
        waiting = asyncio.create_task(
            simulation.inject("Never.", seeds=[1], model="test-reluctant")
        )
        later = asyncio.create_task(simulation.step(5))
        await held_up(simulation)
        ended = await simulation.restart()
        assert (ended.tick, ended.sessions, ended.was_rebuilt) == (2, (), True)
        for task in (waiting, later):
            with pytest.raises(EngineError, match="restarted; try again"):
                await task
        assert simulation.frame.sessions_total == 0
        assert await simulation.step(3) == 3


async def test_what_is_no_foreign_plugin_is_waited_for(world: World, gate: Gate) -> None:
    async with Simulation(world) as simulation:
        await simulation.play()
        await until(lambda: simulation.frame.stalled is not None, LONG)
        stall = present(simulation.frame.stalled)
        assert stall.plugin == ""
        assert re.fullmatch(r"Tick 1 \.\.\. \d+ s", stall.sentence)
        assert simulation.frame.banner == stall.sentence
        await raises_awaited(EngineError, "No third-party plugin", simulation.restart())
        gate.open()


def test_copies_are_taken_only_for_foreign_plugins_and_are_rare() -> None:
    now = [0.0]
    rollback = RollbackState(lambda: now[0])
    world = World.create(agents=500, mean_degree=5, seed=1)
    story = world.inject("Ours.", seeds=[0], model="si")
    rollback.before_tick(world)
    assert not rollback.has_copy
    assert not is_foreign(story)
    world.inject("Theirs.", seeds=[0], model="test-stuck")
    for _ in range(2):
        rollback.before_tick(world)
        world.step()
    assert rollback.has_copy
    again = rollback.rebuilt(world.phases)
    assert (again.tick, world.tick) == (1, 2)
    again.step()
    assert again.digest() == world.digest()
    assert again.cascades[1].model is world.cascades[1].model
