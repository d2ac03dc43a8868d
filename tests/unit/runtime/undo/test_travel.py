"""A living world goes back and forward; its journal, its sessions and its frames go with it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sim import World
from sim.core import WentTo
from sim.errors import Cancelled, HubbubError, InputError
from sim.runtime import Simulation
from sim.runtime.jobs import in_thread
from sim.runtime.journal.acts import apply
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.journal.writer import JournalWriter, recover
from sim.store.journal.recovery import rebuild
from tests.raising import raises_awaited

Shown = dict[int, str]


async def walked(simulation: Simulation, world: World, ticks: int) -> Shown:
    """Step, and return the digest of each tick as it was shown."""
    shown = {world.tick: world.digest()}
    for _ in range(ticks):
        await simulation.step()
        shown[world.tick] = world.digest()
    return shown


async def news(simulation: Simulation, seed: int = 0, **more: Any) -> Any:
    return await simulation.inject(
        f"News {seed}", seeds=[seed], model="sir", beta=0.2, gamma=0.1, **more
    )


@pytest.fixture(params=[False, True], ids=["memory", "journal"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Options of a simulation without and with a journal."""
    return {"journal": Pacing(ticks=4), "path": tmp_path / "a.hub"} if request.param else {}


async def test_back_and_forward_show_what_was_shown(world: World, kept: dict[str, Any]) -> None:
    async with Simulation(world, **kept) as simulation:
        await news(simulation)
        shown = await walked(simulation, world, 5)
        late = await news(simulation, 5)
        shown |= await walked(simulation, world, 5)
        for tick in (9, 5, 4, 0):
            went = await simulation.go_to(tick)
            assert (went.tick, simulation.frame.tick, went.way) == (tick, tick, "memory")
            assert world.digest() == shown[tick]
            assert simulation.frame.sessions_total == (2 if tick >= 5 else 1)
        went = await simulation.forward(7)
        assert world.digest() == shown[7]
        assert simulation.session(1) is late
        assert (await simulation.forward()).tick == 10
        assert world.digest() == shown[10]
        assert simulation.frame.sessions[1].size == late.size == world.cascades[1].size


async def test_another_way_is_another_message(world: World, kept: dict[str, Any]) -> None:
    async with Simulation(world, **kept) as simulation:
        await walked(simulation, world, 3)
        first = await news(simulation, 1)
        await simulation.step(2)
        await simulation.go_to(1)
        assert (await first.done()).status == "cancelled"
        assert (await first.done()).error == "not sent yet at tick 1"
        other = await news(simulation, 2)
        assert (other.id, other.text, first.text) == (first.id, "News 2", "News 1")
        await simulation.step()
        await raises_awaited(InputError, "Nothing to redo", simulation.forward())
        await simulation.cancel(other.id)
        assert (await other.done()).error is None


async def test_sessions_that_had_ended_run_again(world: World) -> None:
    async with Simulation(world) as simulation:
        session = await simulation.inject("One.", seeds=[0], model="independent-cascade")
        await simulation.run_until_quiet()
        end = simulation.frame.tick
        assert (await session.done()).status == "quiet"
        await simulation.back(1)
        assert session.status == "running"
        again = asyncio.create_task(session.done())
        await simulation.forward()
        assert (await again).status == "quiet"
        assert simulation.frame.tick == end


async def test_what_follows_the_world_is_told(world: World) -> None:
    told: list[WentTo] = []
    async with Simulation(world) as simulation:
        simulation.subscribe(WentTo, told.append)
        await news(simulation)
        await simulation.step(6)
        await simulation.back(4)
        frame = simulation.frame
        assert frame.focus is not None
        assert len(frame.focus.history) == 3
        assert frame.dirty
        assert frame.events[-1] == (2, "went to tick 2 from 6")
        assert all(tick <= 2 for tick, _ in frame.events)
    assert [(event.tick, event.before) for event in told] == [(2, 6)]


async def test_going_nowhere_and_to_no_tick(world: World) -> None:
    async with Simulation(world) as simulation:
        await news(simulation)
        await simulation.step(2)
        went = await simulation.back(0)
        assert (went.way, went.sentence) == ("nowhere", "The world is at tick 2.")
        assert (await simulation.forward(0)).tick == 2
        await raises_awaited(InputError, "begins at tick 0", simulation.back(3))
        await raises_awaited(InputError, "Nothing to redo", simulation.go_to(9))
        await simulation.back(1)
        with pytest.raises(InputError, match="possible up to tick 2; from there on, run"):
            await simulation.forward(4)
        await simulation.forward()
        assert simulation.frame.tick == 2


async def test_without_memory_a_journal_rebuilds_every_tick(world: World, path: Path) -> None:
    journal = Pacing(ticks=5, keep=9)
    async with Simulation(world, journal=journal, path=path, undo_bytes=0) as simulation:
        await news(simulation)
        shown = await walked(simulation, world, 8)
        await news(simulation, 5)
        shown |= await walked(simulation, world, 4)
        for tick in (11, 8, 3, 0):
            went = await simulation.go_to(tick)
            assert (went.way, world.digest()) == ("journal", shown[tick])
        await raises_awaited(InputError, "", simulation.forward())
    assert recover(path).world.digest() == shown[0]


async def test_a_world_opened_again_goes_back_beyond_its_opening(world: World, path: Path) -> None:
    async with Simulation(world, journal=True, path=path) as simulation:
        await news(simulation)
        shown = await walked(simulation, world, 6)
    found = recover(path)
    async with Simulation(found.world, journal=True, path=path) as simulation:
        shown |= await walked(simulation, found.world, 3)
        went = await simulation.go_to(2)
        assert went.sentence == "Went back from tick 9 to 2 (from journal, 2 ticks replayed)."
        assert found.world.digest() == shown[2]
        await simulation.forward(1)  # not in memory: between 2 and 6 there is a gap
        assert found.world.digest() == shown[3]
        assert (await simulation.forward()).way == "memory"
        assert found.world.digest() == shown[9]
    assert recover(path).world.digest() == shown[9]


async def test_a_crash_after_going_back_recovers_the_newer_line(world: World, path: Path) -> None:
    async with Simulation(world, journal=Pacing(ticks=3), path=path) as simulation:
        await news(simulation)
        shown = await walked(simulation, world, 7)
        await simulation.back(5)
        await news(simulation, 9)
        await simulation.step(2)
        digest = world.digest()
        found = recover(path)  # as it lies on the disk now
    assert found.is_whole
    assert (found.tick, found.world.digest()) == (4, digest)
    left = rebuild(path, 2, apply).line.parts[0].last
    assert rebuild(path, 7, apply, number=left).world.digest() == shown[7]


async def test_a_long_way_can_be_cancelled(world: World, path: Path) -> None:
    async with Simulation(world, journal=True, path=path, undo_bytes=0) as simulation:
        await news(simulation)
        await simulation.step(5)
        digest = world.digest()
        job = simulation.back(3)
        job.cancel()
        with pytest.raises(Cancelled):
            await job
        assert (world.tick, world.digest()) == (5, digest)


async def test_a_world_that_goes_on_meanwhile_stays(
    world: World, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Simulation(world, journal=True, path=path, undo_bytes=0) as simulation:
        await news(simulation)
        await simulation.step(3)

        async def slow(*args: Any, **keywords: Any) -> Any:
            await simulation.step()
            return await in_thread(*args, **keywords)

        monkeypatch.setattr("sim.runtime.travel.in_thread", slow)
        await raises_awaited(HubbubError, "has advanced", simulation.back(2))
        assert simulation.frame.tick == 4


async def test_the_first_checkpoint_stays_and_those_on_the_line(world: World, path: Path) -> None:
    async with Simulation(world, journal=Pacing(ticks=3), path=path) as simulation:
        await news(simulation)
        shown = await walked(simulation, world, 20)
        await simulation.go_to(4)
        shown |= await walked(simulation, world, 16)
        await simulation.go_to(5)
    there = {file.name for file in path.with_name("a.hub.live").glob("checkpoint-*.hub")}
    assert "checkpoint-0.hub" in there
    found = recover(path)
    assert found.is_whole
    assert found.world.digest() == shown[5]


async def test_going_before_the_first_checkpoint_takes_another(world: World, path: Path) -> None:
    world.step(3)
    keeper = JournalWriter(world, path)
    keeper.did(world, "go_to", (1, 0))  # as of a world that began its journal on the way
    keeper.wait()
    keeper.close(world)
    assert {file.name for file in keeper.folder.glob("checkpoint-*.hub")} == {
        "checkpoint-0.hub",
        "checkpoint-1.hub",
    }


async def test_a_platform_is_rebuilt_and_goes_on_the_same_way(path: Path) -> None:
    world = World.create(agents=200, mean_degree=6, seed=5, platform=True)
    async with Simulation(world, journal=True, path=path, undo_bytes=0) as simulation:
        await news(simulation)
        shown = await walked(simulation, world, 6)
        assert (await simulation.go_to(3)).way == "journal"
        assert await walked(simulation, world, 3) == {tick: shown[tick] for tick in (3, 4, 5, 6)}
    found = recover(path)
    assert found.findings == ()
    assert found.world.digest() == shown[6]
