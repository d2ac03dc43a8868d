"""Live worlds with a journal: what was answered is there, and a full disk only pauses them."""

import asyncio
import shutil
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from sim import Lifecycle, World
from sim.errors import FileError, InputError
from sim.runtime import Simulation
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.journal.writer import recover
from sim.store import LeaseError, load
from sim.store.journal import journal as journals
from sim.store.journal.journal import JournalError
from sim.world.commands import add_ties, set_status
from tests.raising import raises_awaited
from tests.unit.runtime.worlds import until
from tests.unit.store.fake import disk_full


def small() -> World:
    return World.create(agents=300, mean_degree=6, seed=2)


def kept(world: World, path: Path, **options: Any) -> Simulation:
    pacing = Pacing(**({"ticks": None, "seconds": None} | options))
    return Simulation(world, path=path, journal=pacing)


def whole(path: Path, world: World) -> None:
    """Check that the journal gives this world, and nothing is amiss."""
    found = recover(path)
    assert found.findings == ()
    assert found.world.digest() == world.digest()


async def everything(simulation: Simulation) -> None:
    """Do all that a journal can do again."""
    first = await simulation.inject("The bridge is closed.", seeds="top:5", model="sir", beta=0.3)
    await simulation.step(6)
    await simulation.inject("Later", seeds=[3], model="si", at=12, priority=2, author=4)
    await simulation.set_parameter(first.id, "beta", 0.5)
    assert await simulation.create_agents(5) == range(300, 305)
    await simulation.build_friendships(8)
    await simulation.create_communities(["Cooks"], 20)
    await simulation.detect_communities("label-propagation")
    await simulation.call(add_ties, [0, 1], [200, 201])
    await simulation.call(set_status, [7, 8], int(Lifecycle.PAUSED))
    await simulation.step(9)
    await simulation.cancel(1)
    await simulation.run_until_quiet()
    rests = await simulation.inject("Rests", seeds=[9], model="si", beta=0)
    await simulation.step(2)
    await simulation.set_parameter(rests.id, "beta", 0.9)
    await simulation.step(3)


async def test_every_command_is_done_again_from_the_first_checkpoint(path: Path) -> None:
    world = small()
    async with kept(world, path) as simulation:
        await everything(simulation)
        tick = simulation.frame.tick
        await until(lambda: simulation.frame.durable_tick == tick)
    whole(path, world)
    assert recover(path).checkpoint.number == 0


async def test_a_world_goes_on_from_what_was_recovered_as_if_unbroken(path: Path) -> None:
    unbroken = small()
    async with Simulation(unbroken) as simulation:
        await simulation.inject("One", seeds=[1], model="sir")
        await simulation.step(20)
    world = small()
    async with kept(world, path) as simulation:
        await simulation.inject("One", seeds=[1], model="sir")
        await simulation.step(9)
    again = recover(path).world
    async with kept(again, path) as simulation:
        await simulation.step(11)
    assert again.digest() == unbroken.digest()
    whole(path, again)


async def test_an_answer_means_that_it_is_on_the_disk(path: Path) -> None:
    async with kept(small(), path) as simulation:
        await simulation.inject("One", seeds=[1], model="sir")
        for tick in range(1, 6):
            await simulation.step()
            found = recover(path)  # read beside the writer
            assert found.tick == tick
            assert found.is_whole


@pytest.mark.parametrize(
    ("command", "words", "said"),
    [
        ("note", ([1, 2], "Went abroad."), {}),
        ("reseed", (77,), {}),
        ("at", (5, "ban"), {"agents": "ids:3"}),
        ("open_metrics", (), {"every": 2}),
        ("set_alert", ("spread too fast",), {"warning": 0.02, "critical": 0.1}),
        ("open_platform", (), {}),
        ("limit", (3,), {}),
        ("create_group", ("Cooks",), {}),
        ("follow", ([1], [250]), {}),
        ("unfollow", ([1], [2]), {}),
        ("set_status", ([4], int(Lifecycle.PAUSED)), {}),
    ],
)
async def test_whatever_is_done_by_name_is_in_the_journal(
    path: Path, command: str, words: tuple[Any, ...], said: dict[str, Any]
) -> None:
    world = small()
    async with kept(world, path) as simulation:
        await simulation.do(command, *words, **said)
        await simulation.call(lambda world: world.personal_history(1))  # which only looks
        await simulation.step(6)
    noted = [(act.kind, act.said) for act in world.trail.acts]
    found = recover(path)
    assert (found.is_whole, found.checkpoint.number) == (True, 0)
    assert [act.kind for act in found.world.trail.acts][:2] == ["create", command]
    assert [(act.kind, act.said) for act in found.world.trail.acts][:2] == noted[:2]
    assert found.world.digest() == world.digest()
    assert found.world.personal_history(1) == world.personal_history(1)
    assert found.world.seed == world.seed


async def test_an_unknown_call_that_changes_something_takes_a_checkpoint(path: Path) -> None:
    def change(world: World) -> int:
        world.agents.set_community(np.zeros(300, np.int32), ["All"])
        return 7

    world = small()
    async with kept(world, path) as simulation:
        await simulation.step(2)
        assert await simulation.call(lambda world: world.tick) == 2
        assert await simulation.call(change) == 7
        await simulation.step(2)
    whole(path, world)
    assert recover(path).checkpoint.tick == 2


async def test_a_call_that_fails_half_way_is_kept_as_it_left_the_world(path: Path) -> None:
    def fail(world: World) -> None:
        world.agents.set_status([1], int(Lifecycle.BANNED))
        raise ZeroDivisionError

    world = small()
    async with kept(world, path) as simulation:
        await raises_awaited(ZeroDivisionError, "", simulation.call(fail))
        await simulation.step(2)
    whole(path, world)


async def test_a_command_that_is_refused_leaves_no_entry(path: Path) -> None:
    world = small()
    async with kept(world, path) as simulation:
        await raises_awaited(InputError, "", simulation.inject("One", seeds=[999], model="sir"))
    assert recover(path).number == 0


async def test_checkpoints_are_taken_while_it_runs_and_only_the_newest_stay(path: Path) -> None:
    world = small()
    async with kept(world, path, ticks=5) as simulation:
        await simulation.inject("One", seeds=[1], model="si", beta=0.01)
        for _ in range(8):
            await simulation.step(5)
        lines = [line for _, line in simulation.frame.events if line.startswith("autosaved;")]
        assert lines
    whole(path, world)
    assert recover(path).checkpoint.number > 0
    files = {file.name for file in path.with_name("a.hub.live").glob("checkpoint-*.hub")}
    assert "checkpoint-0.hub" in files  # from which every tick can be gone back to
    assert len(files) <= 4


async def test_a_journal_needs_a_file() -> None:
    with pytest.raises(InputError, match="name one with path"):
        Simulation(small(), journal=True)


async def test_a_second_writer_is_refused_and_the_first_goes_on(path: Path) -> None:
    async with kept(small(), path) as simulation:
        with pytest.raises(LeaseError, match="in use by process"):
            async with Simulation(small(), path=path, journal=True):
                pass
        await simulation.step(2)
    assert recover(path).tick == 2


async def test_another_world_is_not_added_to_a_journal(path: Path) -> None:
    async with kept(small(), path) as simulation:
        await simulation.step(2)
    with pytest.raises(FileError, match="journal of a world at tick 2, and this is another"):
        async with kept(small(), path):
            pass
    assert recover(path).tick == 2


class Full:
    """A disk that is full when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_full, self.tried = False, 0
        self._commit = journals.commit
        monkeypatch.setattr(journals, "commit", self._try)

    def _try(self, *args: Any) -> None:
        if self.is_full:
            self.tried += 1
            disk_full()
        self._commit(*args)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "RETRY_SECONDS", 0.01)


async def test_a_full_disk_pauses_and_everything_goes_on_when_there_is_room(
    path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = small()
    full = Full(monkeypatch)
    async with kept(world, path) as simulation:
        await simulation.step(3)
        full.is_full = True
        await simulation.play(ticks_per_second=200)
        await until(lambda: "the disk is full" in (simulation.frame.banner or ""))
        assert simulation.frame.durable_tick == 3
        assert recover(path).tick == 3
        with pytest.raises(JournalError, match="the disk is full"):
            await simulation.inject("One", seeds=[1], model="sir")
        await simulation.pause()
        full.is_full = False
        await until(lambda: simulation.frame.banner is None)
        await simulation.inject("One", seeds=[1], model="sir")
        await simulation.step(2)
    whole(path, world)


async def test_a_world_that_closes_on_a_full_disk_keeps_what_was_answered(
    path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Full(monkeypatch)
    async with kept(small(), path) as simulation:
        await simulation.step(3)
        full.is_full = True
        await simulation.play()
        await until(lambda: "the disk is full" in (simulation.frame.banner or ""))
    assert recover(path).tick == 3
    assert recover(path).is_whole


async def test_whoever_waits_while_a_world_closes_on_a_full_disk_is_told(
    path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Full(monkeypatch)
    async with kept(small(), path) as simulation:
        await simulation.step(3)
        full.is_full = True
        waiting = asyncio.create_task(simulation.inject("Lost", seeds=[1], model="sir"))
        await until(lambda: full.tried > 0)
    with pytest.raises(JournalError, match="full"):
        await waiting
    assert recover(path).tick == 3
    assert not recover(path).world.cascades


async def test_a_journal_renamed_pauses_a_world_until_it_is_back(path: Path, quick: None) -> None:
    world, live = small(), path.with_name("a.hub.live")
    async with kept(world, path) as simulation:
        await simulation.step(3)
        live.rename(path.with_name("elsewhere"))
        await simulation.play(ticks_per_second=200)
        await until(lambda: "a.hub.live is gone" in (simulation.frame.banner or ""))
        with pytest.raises(JournalError, match=r"a\.hub\.live is gone"):
            await simulation.inject("One", seeds=[1], model="sir")
        await simulation.pause()
        path.with_name("elsewhere").rename(live)
        await until(lambda: simulation.frame.banner is None)
        await simulation.inject("Two", seeds=[1], model="sir")
    whole(path, world)
    assert [each.text for each in recover(path).world.cascades] == ["Two"]


async def test_the_first_writer_stops_where_its_lease_was_removed(path: Path, quick: None) -> None:
    async with kept(small(), path) as first:
        await first.step(3)
        (path.with_name("a.hub.live") / "lease").unlink()
        async with kept(recover(path).world, path) as second:
            await second.step(2)
            waiting = asyncio.create_task(first.step(1))
            await until(lambda: "lease was replaced" in (first.frame.banner or ""))
            await second.step(2)
    with pytest.raises(JournalError, match="lease was replaced"):
        await waiting
    assert (recover(path).tick, recover(path).is_whole) == (7, True)


async def test_a_world_whose_journal_was_removed_goes_on_elsewhere(path: Path, quick: None) -> None:
    async with kept(small(), path) as simulation:
        await simulation.step(3)
        shutil.rmtree(path.with_name("a.hub.live"))
        waiting = asyncio.create_task(simulation.step(1))
        await until(lambda: "a.hub.live is gone" in (simulation.frame.banner or ""))
        await simulation.save(path.with_name("b.hub"))
        with pytest.raises(JournalError, match="is gone"):
            await waiting
        assert "The journal is no longer written" in (simulation.frame.banner or "")
        assert await simulation.step(2) == 2
    assert load(path.with_name("b.hub")).tick == 4


async def test_a_dead_journal_leaves_saving(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with kept(small(), path) as simulation:
        await simulation.step(3)
        monkeypatch.setattr(journals, "commit", Mock(side_effect=ValueError("a broken disk")))
        await raises_awaited(JournalError, "a broken disk", simulation.step(1))
        await raises_awaited(Exception, "a broken disk", simulation.step(1))
        await until(lambda: simulation.frame.state == "failed")
        assert (await simulation.save(path)).path == path
    assert recover(path).tick == 3
