"""A save holds the world as it was when asked for; ticks and commands go on while it is written."""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sim import World
from sim.core import WorldSaved
from sim.errors import Cancelled, FileError, InputError
from sim.runtime import EngineError, IsolatedSimulation, JournalConfig, Simulation
from sim.runtime.engine.stall import Stall
from sim.runtime.journal import checkpoints as checkpointer
from sim.runtime.journal import persistence
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.journal.writer import recover
from sim.store import load, save, verify
from sim.store.journal.journal import folder_of
from sim.store.journal.lineage import saved_at
from sim.store.journal.reading import read_journal
from tests.faults.killing import child
from tests.raising import raises_awaited
from tests.unit.runtime.isolating import Thread, thread_of
from tests.unit.runtime.worlds import PATIENCE, blocked_until, present, until

Live = Simulation
NEVER = Pacing(None, None, None)


class Held:
    """Writers of saves wait until the test lets them go on, so many at a time."""

    def __init__(self) -> None:
        self.came: list[Path] = []
        self.fails: Exception | None = None
        self._free = threading.Semaphore(0)

    def save(self, world: Any, path: Path, **said: Any) -> Any:
        self.came.append(path)
        assert self._free.acquire(timeout=PATIENCE), "nobody let the writer go on"
        if self.fails is not None:
            raise self.fails
        return save(world, path, **said)

    def go(self, writers: int = 1) -> None:
        self._free.release(writers)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    each = Held()
    monkeypatch.setattr(persistence, "save", each.save)
    yield each
    each.go(100)


def made(*, platform: bool = True) -> World:
    world = World.create(agents=300, mean_degree=6, seed=5, platform=platform)
    world.inject("Early.", seeds=[1, 2], model="si", beta=0.2)
    world.step(2)
    return world


def digest(world: World) -> str:
    return world.digest()


def activity(world: World, share: float) -> None:
    world.agents.set_activity([0], share)


def left(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def asked(simulation: Live, held: Held, *path: Path) -> asyncio.Task[Any]:
    """Ask for a save, and return once its writer is held."""
    came = len(held.came)
    task = asyncio.create_task(simulation.save(*path))
    await until(lambda: len(held.came) > came)
    return task


async def queued(simulation: Live, *path: Path) -> asyncio.Task[Any]:
    """Ask for a save that waits for another one."""
    task = asyncio.create_task(simulation.save(*path))
    await asyncio.sleep(0)  # it is a command from here on
    return task


async def rebuilt(simulation: Live, held: Held) -> None:
    """Ask for a save, and leave the engine that writes it behind."""
    link = thread_of(simulation)
    behind = await asked(simulation, held)
    link.live.rollback._take(link.live.world)
    link.live.rollback.after_tick(link.live.world)
    await link._rebuild(Stall("Tick 3", 1.0))
    with pytest.raises(EngineError, match="restarted; try again"):
        await behind
    await simulation.step(1)


@pytest.mark.parametrize("journal", [False, NEVER])
async def test_ticks_go_on_amid_a_save(path: Path, held: Held, journal: bool | Pacing) -> None:
    heard: list[WorldSaved] = []
    async with Simulation(made(), path=path, journal=journal) as simulation:
        simulation.subscribe(WorldSaved, heard.append)
        then = await simulation.call(digest)
        task = await asked(simulation, held)
        assert await simulation.call(digest) == then
        await simulation.step(3)
        await simulation.call(activity, 0.9)
        await simulation.inject("Meanwhile.", seeds=[7], model="si")
        assert not task.done()
        assert path not in left(path.parent)
        assert simulation.frame.state == "paused", "nothing waits for the disk"
        held.go()
        assert (await task).path == path
        assert simulation.frame.dirty
        assert (5, "saved to a.hub, as it was at tick 2") in simulation.frame.events
        now = await simulation.call(digest)
    assert [event.tick for event in heard] == [2]
    verify(path)
    there = load(path)
    assert (there.tick, there.digest()) == (2, then)
    there.step(3)
    activity(there, 0.9)
    there.inject("Meanwhile.", seeds=[7], model="si")
    assert there.digest() == now
    if journal:
        found = recover(path)
        assert found.is_whole
        assert (found.tick, found.world.digest()) == (5, now)


async def test_an_engine_elsewhere_ticks_while_a_save_is_written(path: Path, held: Held) -> None:
    async with IsolatedSimulation(made(), path=path, journal=NEVER, spawn=Thread) as simulation:
        then = await simulation.call(digest)
        task = await asked(simulation, held)
        assert await simulation.step(3) == 3
        assert not task.done()
        held.go()
        assert (await task).path == path
    assert (load(path).tick, load(path).digest()) == (2, then)
    assert (recover(path).tick, recover(path).is_whole) == (5, True)


async def test_a_save_becomes_the_checkpoint_of_its_entry(path: Path, held: Held) -> None:
    async with Simulation(made(), path=path, journal=NEVER) as simulation:
        await simulation.step(1)
        task = await asked(simulation, held)
        await simulation.step(2)
        held.go()
        await task
        await simulation.step(1)
    with read_journal(folder_of(path)) as journal:
        newest = journal.checkpoints()[0]
    noted = present(saved_at(path))
    assert (newest.tick, newest.number) == (noted.tick, noted.number) == (3, 1)
    assert newest.world == load(path).digest()
    assert (folder_of(path) / newest.file).samefile(path)
    found = recover(path)
    assert (found.checkpoint.number, found.tick, found.is_whole) == (1, 6, True)


async def test_a_save_is_no_checkpoint_where_a_later_one_is_there(path: Path, held: Held) -> None:
    async with Simulation(made(), path=path, journal=NEVER) as simulation:
        task = await asked(simulation, held)
        await simulation.step(1)
        await simulation.call(activity, 0.25)  # forces one
        held.go()
        await task
        again = await asked(simulation, held)
        held.go()
        await again  # of the same entry as that one
    with read_journal(folder_of(path)) as journal:
        assert [each.number for each in journal.checkpoints()] == [2, 0]
    assert recover(path).is_whole


async def test_a_save_that_fails_is_told_and_loses_nothing(tmp_path: Path, held: Held) -> None:
    path = tmp_path / "a.hub"
    async with Simulation(made(), path=path, journal=NEVER) as simulation:
        first = await asked(simulation, held)
        held.go()
        await first
        before = path.read_bytes()
        await simulation.step(1)
        held.fails = FileError(tmp_path / "b.hub", "not saved: the disk is full")
        task = await asked(simulation, held, tmp_path / "b.hub")
        await simulation.step(1)
        held.go()
        with pytest.raises(FileError, match="not saved: the disk is full"):
            await task
        assert path.read_bytes() == before
        assert simulation.frame.path == str(path)
        assert simulation.frame.dirty
        held.fails = None
        task = await asked(simulation, held)
        held.go()
        await task
        assert not simulation.frame.dirty
    assert load(path).tick == 4
    assert recover(path).is_whole
    assert not folder_of(tmp_path / "b.hub").exists()


async def test_saves_at_once_are_states_one_after_the_other(tmp_path: Path, held: Held) -> None:
    async with Simulation(made(), path=tmp_path / "a.hub", journal=NEVER) as simulation:
        first = await asked(simulation, held, tmp_path / "b.hub")
        await simulation.step(1)
        second = await queued(simulation, tmp_path / "c.hub")
        await simulation.step(1)
        third = await queued(simulation)  # to where the world is by then
        await simulation.step(1)
        assert [path.name for path in held.came] == ["b.hub"]
        held.go(3)
        saved = [(await task).path.name for task in (first, second, third)]
        assert saved == ["b.hub", "c.hub", "c.hub"]
        assert [path.name for path in held.came] == saved
    assert [load(tmp_path / f"{name}.hub").tick for name in "bc"] == [2, 4]
    found = recover(tmp_path / "c.hub")
    assert (found.tick, found.is_whole) == (5, True)
    assert not folder_of(tmp_path / "a.hub").exists(), "the journal went along"
    assert not folder_of(tmp_path / "b.hub").exists()


async def test_a_save_is_refused_for_what_is_true_at_its_turn(path: Path, held: Held) -> None:
    async with Simulation(made()) as simulation:
        held.fails = FileError(path, "not saved: the disk is full")
        first = await asked(simulation, held, path)
        second = await queued(simulation)
        await simulation.step(1)
        held.go()
        with pytest.raises(FileError, match="disk is full"):
            await first
        with pytest.raises(InputError, match="This world has no file yet"):
            await second


async def test_a_world_is_closed_once_its_saves_are_written(path: Path, held: Held) -> None:
    async with Simulation(made(), path=path, journal=NEVER) as simulation:
        task = await asked(simulation, held)
        await simulation.step(2)
        threading.Timer(0.2, held.go).start()
    assert (await task).path == path
    assert load(path).tick == 2
    noted, found = saved_at(path), recover(path)
    assert (present(noted).tick, found.tick, found.is_whole) == (2, 4, True)


async def test_a_save_under_way_is_cancelled_by_its_report(tmp_path: Path, held: Held) -> None:
    said = threading.Event()

    def report(_stage: str, _share: float) -> None:
        if said.is_set():
            raise Cancelled("Cancelled while packing; nothing was changed.")

    path = tmp_path / "a.hub"
    async with Simulation(made(), path=path) as simulation:
        task = asyncio.create_task(simulation.save(report=report))
        await until(lambda: bool(held.came))
        said.set()
        held.go()
        with pytest.raises(Cancelled, match="nothing was changed"):
            await task
        await simulation.step(1)
        assert simulation.frame.dirty
    assert [each.name for each in left(tmp_path) if each.suffix in {".hub", ".partial"}] == []


async def test_a_save_that_nobody_waits_for_is_written_all_the_same(path: Path, held: Held) -> None:
    async with Simulation(made(), path=path) as simulation:
        task = await asked(simulation, held)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        held.go()
        await until(path.exists)
    assert load(path).tick == 2


async def test_without_memory_for_a_copy_the_world_stands_still_for_a_save(
    tmp_path: Path, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Simulation(made(), path=tmp_path / "a.hub") as simulation:
        first = await asked(simulation, held)
        await simulation.step(1)
        monkeypatch.setattr(checkpointer, "available_bytes", lambda: 0)
        second = await queued(simulation, tmp_path / "b.hub")
        step = asyncio.create_task(simulation.step(1))
        done, _ = await asyncio.wait([second, step], timeout=0.2)
        assert not done
        held.go(2)
        await asyncio.gather(first, second, step)
    assert [load(tmp_path / f"{name}.hub").tick for name in "ab"] == [2, 3]


async def test_what_cannot_be_copied_is_saved(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_given: object) -> World:
        raise MemoryError

    monkeypatch.setattr(checkpointer, "still", fails)
    world = made()
    async with Simulation(world, path=path) as simulation:
        await simulation.save()
    assert load(path).digest() == world.digest()


async def test_a_journal_begins_after_the_saves_under_way(path: Path, held: Held) -> None:
    async with Simulation(made(), path=path) as simulation:
        task = await asked(simulation, held)
        await simulation.step(1)
        keep = asyncio.create_task(simulation.keep(JournalConfig(path, NEVER)))
        held.go()
        await asyncio.gather(task, keep)
        await simulation.step(1)
    assert load(path).tick == 2
    found = recover(path)
    assert (found.tick, found.is_whole) == (4, True)


async def test_a_left_engine_answers_for_its_save_before_the_next(path: Path, held: Held) -> None:
    async with Simulation(made(platform=False), path=path, journal=NEVER) as simulation:
        await rebuilt(simulation, held)
        later = await queued(simulation)
        await simulation.step(1)
        assert len(held.came) == 1, "one after the other"
        held.go(2)
        await later
    assert load(path).tick == 3
    found = recover(path)
    assert (found.tick, found.is_whole) == (4, True)


async def test_a_save_of_an_engine_left_behind_is_no_strange_file(path: Path, held: Held) -> None:
    save(world := made(platform=False), path)
    async with Simulation(world, path=path) as simulation:
        await rebuilt(simulation, held)
        writing = present(thread_of(simulation).live.persistence.writing)
        held.go(2)
        await asyncio.to_thread(writing.join)
        await simulation.save()
    assert load(path).tick == 3


async def test_who_is_left_behind_as_a_save_begins_answers_for_it(path: Path, held: Held) -> None:
    """Whatever it was about to note of the save when somebody lost patience with it."""
    async with Simulation(made(platform=False), path=path, journal=NEVER) as live:
        link = thread_of(live)
        link.live.rollback._take(link.live.world)
        link.live.rollback._completed = link.live.world.tick
        behind, loop = link.engine, asyncio.get_running_loop()
        rebuilt: list[Any] = []

        class Noted(list[Any]):
            def append(self, item: Any) -> None:
                rebuilding = link._rebuild(Stall("Tick 3", 1.0))
                rebuilt.append(asyncio.run_coroutine_threadsafe(rebuilding, loop))
                blocked_until(lambda: behind._is_over)
                super().append(item)

        behind._saving = Noted()
        await raises_awaited(EngineError, "restarted; try again", live.save())
        await until(lambda: bool(rebuilt))  # the other thread may not have noted it yet
        await asyncio.wrap_future(rebuilt[0])
        held.go(2)
        await live.save()
    assert load(path).tick == 2


def test_killed_while_saving_nothing_that_was_told_is_lost(path: Path) -> None:

    def work(done: Any) -> None:
        """Save, ask for another save that is never written, and go on."""
        each = Held()
        persistence.save = each.save  # type: ignore[assignment,attr-defined]

        async def live() -> None:
            async with Simulation(made(), path=path, journal=NEVER) as simulation:
                each.go()
                await simulation.save()
                await simulation.step(1)
                task = await asked(simulation, each)
                for _ in range(3):
                    await simulation.step(1)
                    done(simulation.frame.tick)
                await task

        asyncio.run(live())

    process, reads = child(work)
    with os.fdopen(reads, "rb") as pipe:
        told = [int(pipe.readline()) for _ in range(3)]
        os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    assert told == [4, 5, 6]
    assert load(path).tick == 2
    found = recover(path)
    assert (found.tick, found.is_whole) == (6, True)
