"""Worlds that lived on after their file was saved: opened, explained, moved, put aside."""

import os
import shutil
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from sim import World, open_live
from sim.errors import Cancelled, InputError, SnapshotError
from sim.runtime import (
    JournalConfig,
    OpenResult,
    Simulation,
    describe_opening,
    discard,
    free_name,
    live_places,
    newest_checkpoint,
    sweep_untouched,
)
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.journal.persistence import Persistence
from sim.runtime.journal.writer import JournalWriter, recover
from sim.runtime.saves.places import beyond, has_journal, held_by_another, is_untouched, place_of
from sim.store import LeaseError, load, save
from sim.store.journal import journal as journals
from sim.store.journal.journal import folder_of
from sim.store.journal.lineage import saved_at
from tests.raising import raises, raises_awaited
from tests.unit.runtime.worlds import present, until
from tests.unit.store.fake import disk_full, edited

NEVER = Pacing(None, None)


def small(seed: int = 2) -> World:
    return World.create(agents=200, mean_degree=6, seed=seed)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A saved world at tick 3."""
    world = small()
    world.inject("One", seeds=[1], model="sir")
    world.step(3)
    save(world, tmp_path / "a.hub")
    return tmp_path / "a.hub"


def alive(opened: OpenResult, **options: Any) -> Simulation:
    journal_config = opened.journal_config(NEVER)
    return Simulation(opened.world, path=opened.path, journal=journal_config, **options)


async def ran(path: Path, ticks: int) -> None:
    """Open a world, run it, close it."""
    async with alive(open_live(path)) as simulation:
        await simulation.step(ticks)


async def killed(path: Path, folder: Path, ticks: int) -> Path:
    """Run a world, and return a copy of what a kill would leave of it."""
    async with alive(open_live(path)) as simulation:
        await simulation.step(ticks)
        shutil.copytree(path.parent, folder)
    return folder / path.name


def spoil(path: Path) -> None:
    """Leave something else in a file's place."""
    path.write_bytes(b"nothing")


def cut(path: Path, after: int) -> None:
    """Take the end of a journal away, as a flipped bit of its WAL does."""
    edited(folder_of(path), f"DELETE FROM entries WHERE number > {after}")  # noqa: S608 - ours


async def test_a_world_without_a_journal_is_its_file(path: Path) -> None:
    opened = open_live(path)
    assert (opened.world.tick, opened.told, opened.recovered) == (3, "", None)
    assert opened.world.remarks == ()
    assert not opened.is_read_only


async def test_a_world_that_was_closed_goes_on_where_it_was(path: Path) -> None:
    await ran(path, 9)
    opened = open_live(path)
    assert opened.world.tick == 12
    assert opened.told == "Resumed at tick 12 (saved at 3, then 9 ticks from the journal)."
    assert opened.findings == ()
    assert load(path).tick == 3
    async with alive(opened) as simulation:
        assert simulation.frame.dirty
        assert opened.told in [line for _, line in simulation.frame.events]


async def test_after_a_save_there_is_nothing_to_tell(path: Path) -> None:
    async with alive(open_live(path)) as simulation:
        assert not simulation.frame.dirty
        await simulation.step(4)
        assert simulation.frame.dirty
        await simulation.save()
        assert not simulation.frame.dirty
    assert load(path).tick == 7
    opened = open_live(path)
    assert (opened.world.tick, opened.told) == (7, "")
    assert not present(place_of(path)).goes_on
    async with alive(opened) as simulation:
        assert not simulation.frame.dirty


async def test_a_kill_is_told_with_what_is_back_and_who_had_it(path: Path, tmp_path: Path) -> None:
    left = await killed(path, tmp_path.with_name(f"{tmp_path.name}-left"), 5)
    place = present(place_of(left))
    assert not place.was_closed
    assert describe_opening(place) == "Opens at tick 8 (saved at 3, then 5 ticks from the journal)."
    opened = open_live(left)
    assert opened.told.startswith(
        "Recovered completely to tick 8 (saved at 3, then 5 ticks from the journal). Process "
    )
    assert opened.world.digest() == open_live(path).world.digest()
    async with alive(opened) as simulation:
        await simulation.step()
    assert recover(left).is_whole


async def test_a_second_process_is_told_who_has_it_and_gets_a_copy(path: Path) -> None:
    async with alive(open_live(path)) as simulation:
        await simulation.step(2)
        raises(LeaseError, r"in use by process \d+ on .* open it read-only", open_live, path)
        before = sorted(folder_of(path).iterdir())
        copy = open_live(path, read_only=True)
        assert (copy.world.tick, copy.is_read_only) == (5, True)
        told = "Opened a copy at tick 5 (saved at 3, then 2 ticks from the journal);"
        assert copy.told.startswith(told)
        assert copy.told.endswith("has the world open.")
        assert sorted(folder_of(path).iterdir()) == before
        async with Simulation(copy.world, path=path) as other:
            await other.step(3)
            await raises_awaited(LeaseError, "save under another name", other.save())
            assert other.frame.kept is None
        await simulation.step()
    assert recover(path).tick == 6


async def test_what_is_missing_is_named_and_the_damaged_journal_put_aside(path: Path) -> None:
    for _ in range(4):
        await ran(path, 1)
    cut(path, after=2)
    copy = open_live(path, read_only=True)
    assert copy.recovered is not None
    opened = open_live(path)
    assert opened.world.tick == copy.world.tick == 5
    assert opened.told == (
        "Recovery incomplete: recovered to tick 5 (saved at 3, then 2 ticks from the journal)."
    )
    assert opened.findings[0] == (
        "Entry 4 (tick 7) was acknowledged, but the journal ends at entry 2 (tick 5)."
    )
    aside = path.with_name("a-damaged-1.hub")
    assert str(aside) in opened.findings[1]
    assert recover(aside).findings == opened.findings[:1]
    async with alive(opened) as simulation:
        await simulation.step(1)
    assert recover(path).tick == 6


async def test_a_file_that_was_written_anew_is_opened_and_its_journal_kept(path: Path) -> None:
    await ran(path, 5)
    save(small(seed=9), path)
    copy = open_live(path, read_only=True)
    assert (copy.world.tick, copy.world.seed) == (0, 9)
    opened = open_live(path)
    assert opened.told == (
        "a.hub was rewritten after its journal ended at tick 8; opened the file."
    )
    assert opened.findings == ("The world of the old journal was kept as a-before-1.",)
    assert (opened.world.tick, opened.world.seed) == (0, 9)
    assert recover(path.with_name("a-before-1.hub")).tick == 8


async def test_a_file_that_is_damaged_is_no_loss_beside_its_journal(path: Path) -> None:
    await ran(path, 2)
    spoil(path)
    assert open_live(path).world.tick == 5


async def test_a_journal_that_gives_nothing_leaves_the_file(path: Path) -> None:
    await ran(path, 5)
    for checkpoint in folder_of(path).glob("checkpoint-*.hub"):
        spoil(checkpoint)
    assert open_live(path, read_only=True).world.tick == 3
    opened = open_live(path)
    assert opened.told == "The journal of a.hub cannot be used; opened the file at tick 3."
    assert "no checkpoint to begin from" in opened.findings[0]
    assert opened.findings[1] == "The rest of the journal was kept as a-damaged-1.hub.live."
    assert opened.world.remarks == (opened.told, *opened.findings)
    path.with_name("a-damaged-1.hub.live").rename(folder_of(path))
    os.unlink(path)  # noqa: PTH108 - a method of the path is no better
    raises(SnapshotError, "no checkpoint to begin from", open_live, path, read_only=True)


async def test_opening_can_be_cancelled(path: Path) -> None:
    await ran(path, 5)

    def cancel(stage: str, share: float) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        open_live(path, report=cancel)
    assert open_live(path).world.tick == 8


async def test_the_journal_goes_along_to_another_name(path: Path) -> None:
    other = path.with_name("b.hub")
    async with alive(open_live(path)) as simulation:
        await simulation.step(2)
        await simulation.save(other)
        assert present(simulation.frame.kept).folder.endswith("b.hub.live")
        await simulation.step(3)
        assert not folder_of(path).exists()
    assert (load(path).tick, load(other).tick) == (3, 5)
    assert open_live(path).world.tick == 3
    opened = open_live(other)
    assert opened.told == "Resumed at tick 8 (saved at 5, then 3 ticks from the journal)."
    assert present(opened.recovered).checkpoint.tick == 5, "the save is one"


@pytest.mark.parametrize("ticks", [0, 7])
async def test_what_was_not_saved_of_a_replaced_world_is_put_aside(path: Path, ticks: int) -> None:
    other = path.with_name("b.hub")
    save(small(seed=5), other)
    await ran(other, ticks)
    async with alive(open_live(path)) as simulation:
        await simulation.save(other)
        await simulation.step()
    assert (open_live(other).world.seed, open_live(other).world.tick) == (2, 4)
    aside = path.with_name("b-before-1.hub")
    assert has_journal(aside) == bool(ticks)
    if ticks:
        assert (recover(aside).world.seed, recover(aside).tick) == (5, 7)


async def test_nobody_saves_over_a_world_that_is_open(path: Path) -> None:
    other = path.with_name("b.hub")
    save(small(seed=5), other)
    async with alive(open_live(path)) as simulation, alive(open_live(other)):
        await raises_awaited(LeaseError, "save under another name", simulation.save(other))
        await simulation.step()
    assert load(other).seed == 5


async def test_without_its_journal_it_goes_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with alive(open_live(path)) as simulation:
        denied = Mock(side_effect=OSError(13, "Permission denied"))
        monkeypatch.setattr("sim.runtime.journal.persistence.taken_along", denied)
        await simulation.save(path.with_name("b.hub"))
        assert "The journal is no longer written" in (simulation.frame.banner or "")
        await simulation.step(2)
        assert simulation.frame.kept is None
    assert load(path.with_name("b.hub")).tick == 3


async def test_saves_work_beside_full_journals(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with alive(open_live(path)) as simulation:
        with monkeypatch.context() as patch:
            patch.setattr(journals, "commit", disk_full)
            await simulation.play()
            await until(lambda: bool(simulation.frame.kept and simulation.frame.kept.is_held_up))
            await simulation.pause()
            await simulation.save(path.with_name("elsewhere.hub"))


async def test_a_world_that_was_never_saved_lives_in_its_folder_alone(tmp_path: Path) -> None:
    path = free_name(tmp_path, "new")
    async with Simulation(small(), name="new", journal=JournalConfig(path, NEVER)) as simulation:
        assert not simulation.frame.dirty
        assert simulation.frame.path is None
        await simulation.step(2)
    assert not path.exists()
    place = present(place_of(path))
    assert place.was_closed
    assert describe_opening(place) == "Opens at tick 2 (from its journal; never saved)."
    assert [each.path for each in live_places(tmp_path)] == [path]
    assert free_name(tmp_path, "new").name == "new-2.hub"
    assert open_live(path).told == "Resumed at tick 2 (from its journal; never saved)."
    discard(path)
    assert not folder_of(path).exists()
    raises(SnapshotError, "no such file", open_live, path)


async def test_a_world_in_which_nothing_was_done_is_swept(tmp_path: Path) -> None:
    path = free_name(tmp_path, "new")
    async with Simulation(small(), journal=JournalConfig(path, NEVER)):
        assert not sweep_untouched(path)
    assert is_untouched(path)
    assert (
        describe_opening(present(place_of(path)))
        == "Never saved, and unchanged since it was created."
    )
    assert free_name(tmp_path, "new") == path
    assert not folder_of(path).exists()
    assert not sweep_untouched(path)


async def test_what_is_saved_or_cannot_be_read_is_never_swept(path: Path, tmp_path: Path) -> None:
    await ran(path, 0)
    assert not is_untouched(path)
    folder = folder_of(tmp_path / "c.hub")
    folder.mkdir()
    assert is_untouched(tmp_path / "c.hub")
    (folder / "journal").write_bytes(b"?")
    assert not is_untouched(tmp_path / "c.hub")
    (folder / "saved").write_bytes(b"[]")
    assert saved_at(tmp_path / "c.hub") is None


async def test_a_world_beside_another_ones_file_is_not_taken_for_saved(path: Path) -> None:
    async with Simulation(small(seed=7), path=path, journal=NEVER):
        pass
    assert saved_at(path) is None


async def test_a_note_that_fails_is_no_loss(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with alive(open_live(path)) as simulation:
        full = Mock(side_effect=OSError(28, "No space left on device"))
        monkeypatch.setattr("sim.core.files.flush", full)
        await simulation.step()
        await simulation.save()
    assert saved_at(path) is None
    assert not [*folder_of(path).glob(".saved*")]
    assert open_live(path).world.tick == 4


async def test_frames_say_how_safe_a_world_is(path: Path) -> None:
    async with alive(open_live(path)) as simulation:
        await simulation.step(2)
        await until(lambda: simulation.frame.durable_tick == 5)
        kept = present(simulation.frame.kept)
        assert (kept.tick, kept.behind, kept.checkpoint) == (5, 0, 3)
        assert kept.bytes > 0
        assert kept.pause_ms >= 0
        assert not kept.is_held_up
    async with Simulation(small()) as other:
        assert other.frame.kept is None


async def test_a_command_whose_thread_was_left_behind_writes_nothing(path: Path) -> None:
    world = small()
    keeper = JournalWriter(world, path.with_name("n.hub"), pacing=NEVER)
    persistence = Persistence(world, keeper, JournalConfig(path.with_name("n.hub"), NEVER))
    with persistence.done("cancel", (0,)):
        held = persistence.let_go()
    with persistence.kept(setattr):
        world.step()
    assert persistence.ticked() is None
    assert persistence.trouble is None
    assert keeper.number == 0
    held.of(small()).close(is_whole=True)
    assert not held_by_another(path.with_name("n.hub"))


async def test_a_journal_can_be_begun_in_the_midst(path: Path) -> None:
    world = load(path)
    async with Simulation(world, path=path) as simulation:
        await simulation.step(2)
        assert simulation.frame.kept is None
        await simulation.keep(JournalConfig(path, NEVER))
        await simulation.step(3)
        await until(lambda: simulation.frame.durable_tick == 8)
        with pytest.raises(InputError, match="already has a journal"):
            await simulation.keep(JournalConfig(path, NEVER))
    assert open_live(path).world.digest() == world.digest()


async def test_a_journal_beside_a_damaged_file_says_nothing_of_it(path: Path) -> None:
    world = load(path)
    spoil(path)
    async with Simulation(world, path=path, journal=NEVER) as simulation:
        await simulation.step()
    assert saved_at(path) is None
    assert open_live(path).world.tick == 4


async def test_little_that_is_known_is_said_as_little(path: Path) -> None:
    await ran(path, 2)
    (folder_of(path) / "acked").unlink()
    (folder_of(path) / "lease").write_bytes(b"?")
    assert describe_opening(present(place_of(path))) == "Opens at tick 3 (saved at 3)."
    assert beyond(path) == ""
    told = open_live(path, read_only=True).told
    assert told.endswith("then 2 ticks from the journal).")


async def test_what_a_journal_holds_beyond_its_file(path: Path) -> None:
    assert beyond(path) == ""
    assert newest_checkpoint(path) is None
    await ran(path, 0)
    assert beyond(path) == ""
    await ran(path, 2)
    assert beyond(path).startswith("a.hub is the world as saved; its journal continues to t")
    assert newest_checkpoint(path) == folder_of(path) / "checkpoint-0.hub"


async def test_each_damaged_journal_gets_a_name_of_its_own(path: Path) -> None:
    for number in (1, 2):
        await ran(path, 1)
        await ran(path, 1)
        cut(path, after=1)
        assert f"a-damaged-{number}.hub" in open_live(path).findings[-1]


async def test_a_world_touched_late_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = free_name(tmp_path, "new")
    async with Simulation(small(), journal=JournalConfig(path, NEVER)):
        pass
    answers = iter([True, False])
    monkeypatch.setattr("sim.runtime.saves.places.is_untouched", lambda _: next(answers))
    assert not sweep_untouched(path)
    assert folder_of(path).exists()


async def test_an_unsigned_world_is_recovered_without_a_name(path: Path, tmp_path: Path) -> None:
    left = await killed(path, tmp_path.with_name("unsigned"), 1)
    (folder_of(left) / "lease").write_bytes(b"")
    assert open_live(left).told.startswith("Recovered completely to ")
