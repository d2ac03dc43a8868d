"""Branches go their own way from any tick, share their parent's bytes, and outlive it."""

import os
import shutil
from pathlib import Path
from unittest.mock import Mock

import pytest

from sim import World, open_live
from sim.errors import Cancelled, FileError, InputError, UnknownNameError
from sim.runtime import Simulation, branch
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.journal.writer import JournalWriter, recover
from sim.runtime.saves.places import beyond
from sim.store import info, load
from sim.store.journal.journal import folder_of
from sim.store.journal.lineage import lineage
from tests.raising import raises_awaited
from tests.unit.runtime.undo.test_travel import Shown, news, walked


async def kept(path: Path, world: World) -> Shown:
    """Run a world with a journal; two ticks an entry."""
    async with Simulation(world, journal=Pacing(ticks=5, keep=9), path=path) as simulation:
        await news(simulation)
        shown = {0: world.digest()}
        for _ in range(6):
            await simulation.step(2)
            shown[world.tick] = world.digest()
        return shown


async def test_a_branch_begins_at_its_parent_and_goes_its_way(world: World, tmp_path: Path) -> None:
    shown = await kept(tmp_path / "a.hub", world)
    made = branch(tmp_path / "a.hub", tmp_path / "b.hub", 8)
    assert made.lineage == (
        str(tmp_path / "a.hub"),
        8,
        recover(tmp_path / "a.hub").number,
        shown[8],
    )
    assert made.sentence.startswith('Created branch "b" at tick 8.')
    assert lineage(tmp_path / "b.hub") == made.lineage
    found = recover(tmp_path / "b.hub")
    assert found.is_whole
    assert found.world.digest() == shown[8]
    async with Simulation(found.world, journal=True, path=tmp_path / "b.hub") as simulation:
        await simulation.step(4)
        assert found.world.digest() == shown[12]
        await simulation.back(4)
        await news(simulation, 9)
        await simulation.step(1)
    assert recover(tmp_path / "a.hub").world.digest() == shown[12]


async def test_a_branch_within_an_entry_is_at_its_tick(world: World, tmp_path: Path) -> None:
    await kept(tmp_path / "a.hub", world)
    made = branch(tmp_path / "a.hub", tmp_path / "b.hub", 9)
    found = recover(tmp_path / "b.hub")
    assert (found.tick, found.world.digest()) == (9, made.lineage.digest)


async def test_a_branch_at_a_checkpoint_has_nothing_to_copy(world: World, tmp_path: Path) -> None:
    path = tmp_path / "a.hub"
    async with Simulation(world, journal=True, path=path) as simulation:
        digest = world.digest()
        await simulation.step(2)
    made = branch(path, tmp_path / "b.hub", 0)
    found = recover(tmp_path / "b.hub")
    assert (found.number, found.is_whole, found.world.digest()) == (0, True, digest)
    assert (tmp_path / "b.hub").stat().st_nlink == 3  # all three are one
    later = tmp_path / "c.hub"
    keeper = JournalWriter(recover(path).world, path)
    keeper.checkpoint(recover(path).world).result()
    keeper.close()
    assert branch(path, later, 2).lineage.tick == 2
    assert recover(later).number == keeper.number > 0
    assert made.lineage.digest == digest


async def test_a_branch_shares_bytes_and_outlives_its_parent(world: World, tmp_path: Path) -> None:
    shown = await kept(tmp_path / "a.hub", world)
    made = branch(tmp_path / "a.hub", tmp_path / "b.hub", 12)
    (checkpoint,) = folder_of(tmp_path / "b.hub").glob("checkpoint-*")
    # Where it was taken at that very tick, on a busy machine, it is the branch's own file, too.
    names = 2 + made.path.samefile(checkpoint)
    assert (made.shared, checkpoint.stat().st_nlink) == (checkpoint.stat().st_size, names)
    shutil.rmtree(tmp_path / "a.hub.live")
    assert recover(tmp_path / "b.hub").world.digest() == shown[12]


@pytest.mark.parametrize("tick", [0, 9, 12])
async def test_the_file_of_a_branch_is_the_branch(world: World, tmp_path: Path, tick: int) -> None:
    await kept(tmp_path / "a.hub", world)
    made = branch(tmp_path / "a.hub", tmp_path / "b.hub", tick)
    assert (info(made.path).tick, info(made.path).digest) == (tick, made.lineage.digest)
    assert load(made.path).digest() == made.lineage.digest
    assert beyond(made.path) == ""
    found = open_live(made.path)
    assert (found.world.digest(), found.findings) == (made.lineage.digest, ())


async def test_where_nothing_can_be_linked_bytes_are_copied(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = await kept(tmp_path / "a.hub", world)

    monkeypatch.setattr(os, "link", Mock(side_effect=OSError("no links here")))
    assert branch(tmp_path / "a.hub", tmp_path / "b.hub", 12).shared == 0
    assert recover(tmp_path / "b.hub").world.digest() == shown[12]


async def test_what_cannot_be_branched_leaves_nothing(world: World, tmp_path: Path) -> None:
    await kept(tmp_path / "a.hub", world)
    for taken in ("b.hub", "c.hub.live"):
        (tmp_path / taken).mkdir()
        with pytest.raises(FileError, match="is there already"):
            branch(tmp_path / "a.hub", tmp_path / taken.removesuffix(".live"), 2)
    with pytest.raises(FileError, match="has no journal"):
        branch(tmp_path / "x.hub", tmp_path / "d.hub", 2)
    with pytest.raises(InputError, match="was never at tick 99; it ends at 12"):
        branch(tmp_path / "a.hub", tmp_path / "d.hub", 99)

    def stop(stage: str, _share: float) -> None:
        if "copying" in stage:
            raise Cancelled("Enough.")

    with pytest.raises(Cancelled):
        branch(tmp_path / "a.hub", tmp_path / "d.hub", 2, report=stop)
    assert not (tmp_path / "d.hub").exists()
    assert not folder_of(tmp_path / "d.hub").exists()


async def test_a_running_world_branches_and_goes_on(world: World, tmp_path: Path) -> None:
    async with Simulation(world, journal=True, path=tmp_path / "a.hub") as simulation:
        await news(simulation)
        shown = await walked(simulation, world, 6)
        await simulation.branch(tmp_path / "b.hub")
        await simulation.branch(tmp_path / "c.hub", 2)
        await simulation.step()
    assert recover(tmp_path / "b.hub").world.digest() == shown[6]
    assert recover(tmp_path / "c.hub").world.digest() == shown[2]


async def test_without_a_journal_a_branch_is_as_it_is_now(world: World, tmp_path: Path) -> None:
    async with Simulation(world, name="town") as simulation:
        await news(simulation)
        await simulation.step(3)
        made = await simulation.branch(tmp_path / "b.hub")
        with pytest.raises(InputError, match="current tick, 3; go to tick 1 first"):
            await simulation.branch(tmp_path / "c.hub", 1)
        assert simulation.frame.path is None
        said = (await simulation.reach()).sentence
        assert said.startswith("Undo history in memory: ticks 0 to 3; start a journal")
    assert load(tmp_path / "b.hub").digest() == world.digest() == made.lineage.digest
    assert info(tmp_path / "b.hub").note == f"branch of town at tick 3, {world.digest()}"


async def test_bookmarks_name_ticks_and_are_gone_to(world: World, path: Path) -> None:
    for options in ({}, {"journal": True, "path": path}):
        world = World.create(agents=300, mean_degree=6, seed=3)
        async with Simulation(world, **options) as simulation:  # type: ignore[arg-type]
            await news(simulation)
            await simulation.step(3)
            digest = world.digest()
            await simulation.bookmark("before")
            await simulation.step(3)
            await simulation.bookmark("start", 0)
            assert [each[:2] for each in await simulation.bookmarks()] == [
                ("start", 0),
                ("before", 3),
            ]
            went = await simulation.go_to("before")
            assert (went.tick, went.way, world.digest()) == (3, "memory", digest)
            await simulation.bookmark("before", 2)
            await simulation.forget("start")
            assert [each[:2] for each in await simulation.bookmarks()] == [("before", 2)]
            with pytest.raises(UnknownNameError, match="Did you mean 'before'"):
                await simulation.go_to("befor")
            with pytest.raises(InputError, match="tick 9 is in the future"):
                await simulation.bookmark("later", 9)


async def test_a_bookmark_come_by_again_is_on_the_same_line(world: World, path: Path) -> None:
    async with Simulation(world, journal=True, path=path) as simulation:
        await news(simulation)
        shown = await walked(simulation, world, 6)
        await simulation.back(1)
        await simulation.back(3)
        await simulation.bookmark("here")
        await simulation.forward()
        assert (await simulation.go_to("here")).way == "memory"
        await simulation.forward(2)
        assert world.digest() == shown[4]
        assert (await simulation.reach()) == (0, 6, 0)
        said = (await simulation.reach()).sentence
        assert said == "Undo history in memory: ticks 0 to 6; in the journal: from tick 0."


async def test_a_bookmark_on_a_line_left_is_in_the_journal(world: World, path: Path) -> None:
    async with Simulation(world, journal=True, path=path) as simulation:
        await news(simulation)
        await walked(simulation, world, 6)
        await simulation.bookmark("this way")
        digest = world.digest()
        await simulation.go_to(2)
        await news(simulation, 9)
        await simulation.step(5)
        other = world.digest()
        went = await simulation.go_to("this way")
        assert (went.tick, went.way, world.digest()) == (6, "journal", digest)
        assert simulation.frame.sessions_total == 1
        await raises_awaited(InputError, "", simulation.forward())
        await simulation.step()
    found = recover(path)
    assert found.is_whole
    assert found.world.digest() == world.digest() != other
