"""Checks of a running world: levels, sentences, history, and the pause before memory runs out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from sim import World
from sim.core.registry import _failures
from sim.errors import InputError, PluginError
from sim.runtime import Finding, Simulation, Vitals, health_check
from sim.runtime import health as health_watch
from sim.runtime.engine.outbox import LoopCaller
from sim.runtime.health import (
    CHECKS,
    CheckHistory,
    HealthWatch,
    JournalStatus,
    Level,
    forget,
    graded,
    look,
)
from sim.settings import load_settings
from sim.settings.settings import use
from tests.unit.runtime.isolating import thread_of
from tests.unit.runtime.worlds import until

MB = 1 << 20


def small() -> World:
    return World.create(agents=60, mean_degree=4, seed=3)


def test_all_is_well_with_a_world_that_is_well() -> None:
    found = look(Vitals(room=1 << 40, folder="/saves"))
    assert (found.level, found.sentence) == ("ok", "No problems.")
    assert {"memory", "event loop", "plugins", "clock", "disk space"} <= {
        reading.name for reading in found.readings
    }
    with pytest.raises(KeyError):
        found.reading("nothing")


@pytest.mark.parametrize(
    ("vitals", "name", "level", "sentence"),
    [
        (Vitals(room=50 * MB, folder="/s"), "disk space", "critical", "50 MiB free in /s"),
        (Vitals(room=500 * MB, folder="/s"), "disk space", "warning", "500 MiB free in /s"),
        (Vitals(room=1536 * MB, folder="/s"), "disk space", "ok", "1.5 GiB free in /s"),
        (Vitals(resident=300 * MB, hard=200 * MB), "memory", "critical", "allows 200."),
        (Vitals(resident=300 * MB, soft=200 * MB), "memory", "warning", "memory_soft_mb is 200."),
        (Vitals(free=10 * MB), "memory", "critical", "programs or use a smaller"),
        (Vitals(free=300 * MB), "memory", "warning", "300 MiB free; close other programs."),
        (Vitals(loop_lag=0.3), "event loop", "warning", "Event loop delay: 300 ms."),
        (Vitals(loop_lag=3), "event loop", "critical", "Event loop delay: 3,000 ms."),
        (Vitals(commands=200), "commands", "warning", "200 commands waiting for the engine."),
        (Vitals(queued=7), "messages", "ok", "7 messages queued."),
        (Vitals(broken_plugins=("A fails.", "B too.")), "plugins", "warning", "A fails. B too."),
        (Vitals(state="failed"), "engine", "critical", "The engine has stopped; save"),
        (Vitals(jump=-3600), "clock", "warning", "back by 3,600 s; results"),
        (Vitals(jump=7), "clock", "warning", "jumped forward by 7 s"),
        (Vitals(journal=JournalStatus(5, 3, None)), "journal", "ok", "3 entries not on disk"),
        (Vitals(journal=JournalStatus(5, 0, "Full.")), "journal", "critical", "Full."),
        (Vitals(tick=5, journal=JournalStatus(5, 0, None)), "durable tick", "ok", "the last"),
        (Vitals(tick=2005, journal=JournalStatus(5, 0, None)), "durable tick", "warning",
         "Saved to tick 5; 2,000 ticks unsaved."),
        (Vitals(caches={"replies": (0, 500)}), "caches", "warning", "replies 0 %"),
        (Vitals(caches={"replies": (0, 50)}), "caches", "ok", "replies 0 %"),
        (Vitals(caches={"replies": (0, 0)}), "caches", "ok", "no requests"),
    ],
)  # fmt: skip
def test_a_check_says_its_level(vitals: Vitals, name: str, level: Level, sentence: str) -> None:
    found = look(vitals)
    assert found.reading(name).level == level
    assert sentence in found.reading(name).sentence
    assert found.level == level
    assert level == "ok" or sentence in found.sentence


@pytest.fixture
def mine() -> Iterator[str]:
    yield "of a test"
    forget("of a test")


def test_anybody_may_register_a_check(mine: str) -> None:
    @health_check(mine, unit="things")
    def things(vitals: Vitals) -> Finding:
        return graded(vitals.tick, 10, 20, f"{vitals.tick} things.")

    assert [look(Vitals(tick=n)).reading(mine).level for n in (9, 10, 20)] == [
        "ok", "warning", "critical",
    ]  # fmt: skip
    assert CHECKS[mine].unit == "things"
    with pytest.raises(InputError, match="already"):
        health_check(mine)(things)


def test_a_check_that_fails_is_a_warning_and_the_others_go_on(mine: str) -> None:
    @health_check(mine)
    def broken(vitals: Vitals) -> Finding:
        raise ValueError("a fault")

    found = look(Vitals())
    assert found.reading(mine).sentence == "The check 'of a test' failed: ValueError: a fault."
    assert found.level == "warning"
    assert found.reading("clock").level == "ok"


def test_a_cache_is_counted() -> None:
    counted = look(Vitals(caches={"of a test": (30, 40)}))
    assert "of a test 75 %" in counted.reading("caches").sentence


def test_the_history_is_bounded() -> None:
    history = CheckHistory(3)
    for tick in range(5):
        found = look(Vitals(commands=tick), history)
    assert found.reading("commands").history == (2, 3, 4)


async def test_a_simulation_tells_how_it_is(tmp_path: Path) -> None:
    async with Simulation(small(), path=tmp_path / "a.hub", journal=True) as simulation:
        await simulation.step(3)
        found = simulation.health()
        assert found.tick == 3
        assert found.reading("memory").value > 10
        assert found.reading("disk space").sentence.endswith(f"{tmp_path / 'a.hub.live'}.")
        assert found.reading("durable tick").sentence == "Saved to tick 3, the last one."
        assert simulation.health(within=1e9) is found


async def test_it_looks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    kind: Any = health_watch.HealthWatch.__init__
    monkeypatch.setattr(kind, "__kwdefaults__", kind.__kwdefaults__ | {"period": 0.01})
    async with Simulation(small()) as simulation:
        watch = thread_of(simulation).looking
        await until(lambda: watch.newest is not None and watch._called is None and watch._lag > 0)
        assert len(simulation.health(within=1e9).readings) >= 8
    assert not watch._thread.is_alive()


async def test_a_hard_ceiling_pauses_the_world_with_a_banner() -> None:
    use(load_settings(memory_hard_mb=16))
    try:
        async with Simulation(small()) as simulation:
            await simulation.play()
            await until(lambda: simulation.frame.tick > 2)
            thread_of(simulation).looking._hold(simulation.health())
            await until(lambda: simulation.frame.state == "paused")
            assert str(simulation.frame.banner).startswith("Paused before memory runs out. The pro")
            await simulation.step(2)
            thread_of(simulation).looking._hold(simulation.health())
            assert simulation.frame.state == "paused", "one pause each time it is reached"
    finally:
        use(load_settings())


async def test_what_is_wrong_with_plugins_is_told() -> None:
    _failures.append(PluginError("mine", "cannot be imported"))
    try:
        async with Simulation(small()) as simulation:
            story = await simulation.inject("hi", seeds=[0], model="si")
            await simulation.call(lambda world: world.cascades[0].fail("its plugin broke"))
            said = simulation.health().reading("plugins").sentence
            assert "cannot be imported" in said
            assert f"Message #{story.id} stopped: its plugin broke" in said
    finally:
        _failures.clear()


class Clock:
    def __init__(self) -> None:
        self.wall = self.now = 100.0

    def pass_(self, seconds: float, jump: float = 0.0) -> None:
        self.now += seconds
        self.wall += seconds + jump


async def test_clocks_and_loops_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Simulation(small(), name="x") as simulation:
        clock, posted = Clock(), list[Any]()
        post = cast("LoopCaller", posted.append)
        link = thread_of(simulation)
        watch = HealthWatch(
            link._vitals, link._pause, post, wall=lambda: clock.wall, now=lambda: clock.now
        )
        clock.pass_(5, jump=-60)
        assert watch.look().reading("clock").value == pytest.approx(-60)
        watch._call_loop()
        clock.pass_(3)
        watch._call_loop()
        assert watch.look().reading("event loop").value == pytest.approx(3000)
        clock.pass_(1)
        posted[0]()
        posted[0]()
        assert watch.look().reading("event loop").value == pytest.approx(4000)
        watch.stop()


async def test_a_folder_that_cannot_be_asked_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise OSError

    async with Simulation(small()) as simulation:
        monkeypatch.setattr("shutil.disk_usage", broken)
        names = [reading.name for reading in simulation.health(within=-1).readings]
        assert "disk space" not in names
