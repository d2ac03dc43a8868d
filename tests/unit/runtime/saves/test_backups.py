"""Copies of saved worlds elsewhere."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock

import pytest

from sim import World, open_live
from sim.core import registry
from sim.errors import FileError, InputError, SnapshotError
from sim.runtime import JournalConfig, Simulation
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.journal.writer import recover
from sim.runtime.saves import backups
from sim.runtime.saves.backups import backup, copy_live, restore
from sim.runtime.saves.places import all_saves, require_free
from sim.store import load, save
from sim.store.history.database import damage_of_history, history_file
from sim.store.journal.journal import JUMP
from sim.store.journal.lease import Lease
from tests.raising import raises
from tests.unit.runtime.worlds import present, until
from tests.unit.store.fake import FakeWorld, edited, patch, saved
from tests.unit.store.test_saves import damaged, opened, told


class Clock(datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls, tz: object = None) -> "Clock":
        return cls(2026, 11, 21, 8, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backups, "datetime", Clock)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "saves").mkdir()
    return tmp_path / "saves"


def test_backups_are_dated_and_the_oldest_given_up(folder: Path, tmp_path: Path) -> None:
    to = tmp_path / "away" / "b"
    for turn in range(4):
        save(FakeWorld.create(turn=turn), folder / "a.hub")
        (done,) = backup(folder, to, keep=2)
        assert done.path is not None
        assert (done.reason, told(done.path)) == ("copied", told(folder / "a.hub"))
    assert [path.name for path in backups.backups(to, "a")] == [
        "a.20261121T083000Z-2.hub", "a.20261121T083000Z-3.hub",
    ]  # fmt: skip
    assert [path.name for path in done.removed] == ["a.20261121T083000Z-1.hub"]


def test_a_world_that_has_not_changed_is_not_copied_again(folder: Path, tmp_path: Path) -> None:
    saved(folder / "a.hub")
    first, second = (backup(folder, tmp_path / "b")[0] for _ in range(2))
    assert (second.path, second.reason, second.removed) == (first.path, "unchanged since", ())


def test_a_damaged_world_is_not_copied_and_loses_no_backup(folder: Path, tmp_path: Path) -> None:
    saved(folder / "a.hub")
    (first,) = backup(folder, tmp_path / "b")
    damaged(folder / "a.hub")
    patch(folder / "a.hub", (folder / "a.hub").stat().st_size - 1, b"\0")
    (second,) = backup(folder, tmp_path / "b", keep=1)
    assert (second.path, second.removed) == (first.path, ())
    assert "damaged" in second.reason


def test_a_folder_of_one_name_keeps_to_its_own(folder: Path, tmp_path: Path) -> None:
    for name in ("a", "a.b"):
        saved(folder / f"{name}.hub")
    backup(folder, tmp_path / "b")
    (tmp_path / "b" / "a.hub").write_text("mine")
    assert len(backups.backups(tmp_path / "b", "a")) == 1
    assert len(backups.backups(tmp_path / "b", "a.b")) == 1


@pytest.mark.parametrize(("keep", "to"), [(0, "b"), (1, "saves")])
def test_backups_that_keep_nothing_fail(folder: Path, tmp_path: Path, keep: int, to: str) -> None:
    with pytest.raises(InputError, match=r"at least 1|saves folder itself"):
        backup(folder, tmp_path / to, keep=keep)


def test_worlds_of_one_name_keep_each_its_own_backups(tmp_path: Path) -> None:
    to = tmp_path / "b"
    one, other = tmp_path / "one", tmp_path / "other"
    for at, agents in ((one, 60), (other, 80)):
        at.mkdir()
        save(World.create(agents=agents, mean_degree=4, seed=7), at / "a.hub")
        (done,) = backup(at, to, keep=1)
        assert done.removed == ()
    of_one, of_other = backups.backups(to, "a")
    grown = load(one / "a.hub")
    grown.step()
    save(grown, one / "a.hub")
    (done,) = backup(one, to, keep=1)
    assert (done.removed, of_other.is_file()) == ((of_one,), True)
    brought = restore(other, "a", to, force=True)  # the world that is there, not the newest
    assert (len(load(brought.path).agents), brought.other) == (80, done.path)
    (other / "a.hub").unlink()
    brought = restore(other, "a", to)
    assert (len(load(brought.path).agents), brought.other) == (60, of_other)
    assert restore(other, "a", to, new="c").other == of_other


def test_the_newest_backup_comes_back(folder: Path, tmp_path: Path) -> None:
    for turn in range(2):
        save(FakeWorld.create(turn=turn), folder / "a.hub")
        backup(folder, tmp_path / "b")
    before = told(folder / "a.hub")
    with pytest.raises(FileError, match=r"exists, a world at tick .*--as NAME, .*--force"):
        restore(folder, "a", tmp_path / "b")
    assert told(restore(folder, "a", tmp_path / "b", new="c").path) == before
    (folder / "a.hub").unlink()
    assert told(restore(folder, "a", tmp_path / "b").path) == before


def test_one_of_the_backups_can_be_chosen(folder: Path, tmp_path: Path) -> None:
    for turn in range(2):
        save(FakeWorld.create(turn=turn), folder / "a.hub")
        backup(folder, tmp_path / "b")
    first = backups.backups(tmp_path / "b", "a")[0]
    (folder / "a.hub.live").mkdir()
    assert told(restore(folder, "a", first, force=True).path) == told(first)
    assert [path.name for path in folder.iterdir()] == ["a.hub"]


def test_a_damaged_backup_and_an_open_world_are_refused(folder: Path, tmp_path: Path) -> None:
    raises(FileError, "holds no backup of a", restore, folder, "a", tmp_path)
    before = told(saved(folder / "a.hub"))
    damaged(tmp_path / "x.hub")
    with pytest.raises(SnapshotError, match=r"x\.hub: damaged"):
        restore(folder, "a", tmp_path / "x.hub", force=True)
    backup(folder, tmp_path / "b")
    with opened(folder / "a.hub"), pytest.raises(FileError, match="in use"):
        restore(folder, "a", tmp_path / "b", force=True)
    assert told(folder / "a.hub") == before


def test_a_backup_can_be_tried_without_writing(folder: Path, tmp_path: Path) -> None:
    world = World.create(60, mean_degree=4, seed=1)
    save(world, folder / "a.hub")
    backup(folder, tmp_path / "b")
    (folder / "a.hub").unlink()
    tried = restore(folder, "a", tmp_path / "b", test=True)
    assert (tried.tick, tried.replayed) == (0, 0)
    assert load(tried.path).digest() == world.digest()
    assert list(folder.iterdir()) == []


def test_a_history_that_is_damaged_is_told_of(tmp_path: Path) -> None:
    world = tmp_path / "a.hub"
    path = history_file(world)
    assert damage_of_history(world) == ""
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE kept (line TEXT)")
        database.executemany("INSERT INTO kept VALUES (?)", [("x" * 500,)] * 100)
        database.commit()
    assert damage_of_history(world) == ""
    whole = path.read_bytes()
    for left in (5_000, 600, 40):
        path.write_bytes(whole[:left])
        assert damage_of_history(world)
    path.write_bytes(whole[:4099] + b"\xff\xff" + whole[4101:])  # how many cells a page has
    assert damage_of_history(world)


def test_a_later_second_needs_no_number(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(folder / "a.hub")
    backup(folder, tmp_path / "b")
    monkeypatch.setattr(backups, "datetime", datetime)
    save(FakeWorld.create(turn=1), folder / "a.hub")
    (done,) = backup(folder, tmp_path / "b")
    assert "Z-" not in present(done.path).name


NEVER = Pacing(None, None)


async def lived(path: Path, after: int = 3, file: bool = True) -> None:
    """Save a world at tick 2, or never, and let its journal go on."""
    world = World.create(60, mean_degree=4, seed=1)
    async with Simulation(world, journal=JournalConfig(path, NEVER)) as simulation:
        await simulation.inject("The bridge is closed.", seeds=[1, 2], model="sir")
        await simulation.step(2)
        if file:
            await simulation.save(path)
        for _ in range(after):
            await simulation.step()


@pytest.mark.parametrize("file", [True, False], ids=["saved once", "never saved"])
async def test_a_backup_is_the_world_as_it_is(folder: Path, tmp_path: Path, file: bool) -> None:
    await lived(folder / "a.hub", file=file)
    before = open_live(folder / "a.hub", read_only=True).world.digest()
    history_file(folder / "a.hub").write_bytes(b"what members did")
    (done,) = backup(folder, tmp_path / "b")
    assert done.reason == "copied"
    assert backup(folder, tmp_path / "b")[0].reason == "unchanged since"
    tried = restore(folder, "a", tmp_path / "b", test=True)
    assert tried.tick == 5
    assert tried.replayed >= 3
    back = restore(tmp_path / "elsewhere", "a", tmp_path / "b")
    assert (back.tick, back.aside) == (5, None)
    assert (tried.history, back.history) == ("file is not a database", "file is not a database")
    assert history_file(back.path).read_bytes() == b"what members did"
    opened = open_live(back.path)
    assert (opened.world.digest(), opened.findings) == (before, ())
    async with Simulation(opened.world, journal=opened.journal_config(NEVER)) as simulation:
        await simulation.step()
    assert open_live(back.path).world.tick == 6


async def test_a_world_that_is_open_and_running_is_backed_up_at_one_of_its_entries(
    folder: Path, tmp_path: Path
) -> None:
    world = World.create(60, mean_degree=4, seed=1)
    path, ticks = folder / "a.hub", set()
    save(world, path)
    pacing = Pacing(2, None)
    async with Simulation(world, path=path, journal=JournalConfig(path, pacing)) as simulation:
        await simulation.inject("The bridge is closed.", seeds=[1, 2], model="sir")
        await simulation.play(ticks_per_second=None)
        for _ in range(4):
            to = tmp_path / "b"
            before = simulation.frame.durable_tick or 0  # else there may be nothing new to copy
            await until(lambda at=before: (simulation.frame.durable_tick or 0) > at)  # type: ignore[misc]
            (done,) = await asyncio.to_thread(backup, folder, to, keep=2)
            assert (done.reason, done.name) == ("copied", "a")
            tried = await asyncio.to_thread(restore, folder, "a", to, test=True)
            ticks.add(tried.tick)
        await simulation.pause()
        assert simulation.frame.tick >= max(ticks) > 0
    assert len(list(to.glob("*.live"))) == len(backups.backups(to, "a")) == 2


async def test_a_damaged_journal_is_told_when_it_is_tried(folder: Path, tmp_path: Path) -> None:
    await lived(folder / "a.hub")
    edited(folder / "a.hub.live", "UPDATE entries SET state = zeroblob(16) WHERE number = 4")
    assert backup(folder, tmp_path / "b")[0].reason == "copied"
    with pytest.raises(SnapshotError, match="cannot be played whole: journal: entry 4 does not"):
        restore(folder, "a", tmp_path / "b", test=True)
    (folder / "a.hub.live" / "journal").write_bytes(b"nothing")
    copied = copy_live(folder / "a.hub", tmp_path / "c" / "a.hub")
    assert (copied / "journal").read_bytes() == b"nothing"


async def test_no_journal_is_thrown_away_unmentioned(folder: Path, tmp_path: Path) -> None:
    path = folder / "a.hub"
    await lived(path, after=0)
    backup(folder, tmp_path / "b")
    opened = open_live(path)
    config = opened.journal_config(NEVER)
    async with Simulation(opened.world, path=path, journal=config) as simulation:
        await simulation.step(7)
    done = restore(folder, "a", tmp_path / "b", force=True)
    assert done.aside == folder / "a-before-1.hub"
    assert open_live(path).world.tick == 2
    assert open_live(done.aside).world.tick == 9


ABSENT = '''
from sim import PropagationModel, register


@register("absent-later")
class Absent(PropagationModel):
    """Adopts nobody."""

    def step(self, cascade, contacts, draws):
        pass

    def is_quiet(self, cascade, contacts):
        return False
'''


@pytest.mark.parametrize("is_before", [False, True], ids=["in the journal", "before it"])
async def test_a_plugin_that_the_journal_needs_and_that_is_not_here_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_before: bool
) -> None:
    (tmp_path / "absent.py").write_text(ABSENT)
    registry.names()
    monkeypatch.setitem(registry._known, "propagation", dict(registry._known["propagation"]))
    registry.load_file(tmp_path / "absent.py")
    world = World.create(60, mean_degree=4, seed=1)
    if is_before:
        world.inject("x", seeds=[1], model="absent-later")
    path = folder / "a.hub"
    async with Simulation(world, path=path, journal=JournalConfig(path, NEVER)) as simulation:
        await simulation.step(2)
        if not is_before:
            await simulation.inject("x", seeds=[1], model="absent-later")
        await simulation.step(3)
    backup(folder, tmp_path / "b")
    assert restore(folder, "a", tmp_path / "b", force=True).lacks == ""
    del registry._known["propagation"]["absent-later"]
    done = restore(folder, "a", tmp_path / "b", force=True)
    said = (
        "It has messages of plugin 'absent-later', which is not loaded, so its journal was not "
        "replayed (--test replays it). Load the plugin "
        if is_before
        else "Its journal can be replayed to tick 2; the rest needs plugin 'absent-later', which "
        "is not loaded. Load it "
    )
    assert done.lacks == f"{said}with --plugin FILE (on the screen: :plugin FILE), or enable it."
    assert recover(path).tick == (0 if is_before else 2)
    with pytest.raises(SnapshotError, match="plugin 'absent-later' is not loaded"):
        restore(folder, "a", tmp_path / "b", test=True)


async def test_a_duplicate_goes_on_where_the_world_is(folder: Path) -> None:
    await lived(folder / "a.hub")
    backups.duplicate(folder, "a", "c")
    assert open_live(folder / "c.hub").world.tick == open_live(folder / "a.hub").world.tick == 5
    raises(FileError, "exists", backups.duplicate, folder, "a", "c")
    raises(FileError, "exists", copy_live, folder / "a.hub", folder / "c.hub")


async def test_a_world_never_saved_replaces_one_that_was(folder: Path, tmp_path: Path) -> None:
    path = folder / "a.hub"
    await lived(path, file=False)
    backup(folder, tmp_path / "b")
    shutil.rmtree(folder / "a.hub.live")
    save(World.create(30, mean_degree=4, seed=2), path)
    raises(FileError, "exists", restore, folder, "a", tmp_path / "b")
    assert restore(folder, "a", tmp_path / "b", force=True).tick == 5
    assert not path.exists()
    assert open_live(path).world.tick == 5


def left(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


async def test_a_journal_that_cannot_be_copied_leaves_no_half_of_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lived(folder / "a.hub")
    before = left(folder)
    full = Mock(side_effect=OSError(28, "No space left on device"))
    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(FileError, match=r"not copied: .*No space left"):
        copy_live(folder / "a.hub", tmp_path / "b" / "a.hub")
    assert left(tmp_path / "b") == []
    raises(FileError, "No space left", backups.duplicate, folder, "a", "c")
    assert left(folder) == before


async def test_a_backup_whose_journal_cannot_be_copied_is_none(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lived(folder / "a.hub")
    refused = Mock(side_effect=FileError(folder, "not copied"))
    monkeypatch.setattr("sim.runtime.saves.backups.copy_live", refused)
    raises(FileError, "not copied", backup, folder, tmp_path / "b")
    assert left(tmp_path / "b") == []


async def test_no_damaged_journal_is_copied_amid_its_writing(folder: Path, tmp_path: Path) -> None:
    await lived(folder / "a.hub")
    (folder / "a.hub.live" / "journal").write_bytes(b"nothing")
    with Lease(folder / "a.hub.live" / "lease"), pytest.raises(SnapshotError, match="not a"):
        copy_live(folder / "a.hub", tmp_path / "b.hub")
    assert not (tmp_path / "b.hub.live").exists()


async def test_a_copy_begins_at_the_newest_checkpoint(folder: Path, tmp_path: Path) -> None:
    world = World.create(60, mean_degree=4, seed=1)
    config = JournalConfig(folder / "a.hub", Pacing(2, None))
    async with Simulation(world, journal=config) as simulation:
        for _ in range(7):
            await simulation.step()
    live = folder / "a.hub.live"
    *_, older, newest = sorted(each.name for each in live.glob("checkpoint-*"))
    (live / newest).unlink()
    copied = copy_live(folder / "a.hub", tmp_path / "b.hub")
    assert [each.name for each in copied.glob("checkpoint-*")] == [older]
    assert recover(tmp_path / "b.hub").tick == 7


@pytest.mark.parametrize("is_lost", [True, False], ids=["no checkpoint", "no way"])
async def test_journals_to_nowhere_are_copied(folder: Path, tmp_path: Path, is_lost: bool) -> None:
    await lived(folder / "a.hub")
    live = folder / "a.hub.live"
    for each in live.glob("checkpoint-*") if is_lost else ():
        each.unlink()
    if not is_lost:
        edited(live, f"UPDATE entries SET kind = '{JUMP}' WHERE number = 4")  # noqa: S608 - ours
    copied = copy_live(folder / "a.hub", tmp_path / "b.hub")
    assert (copied / "journal").read_bytes() == (live / "journal").read_bytes()


async def test_a_world_that_cannot_be_opened_is_in_the_list_with_its_reason(folder: Path) -> None:
    await lived(folder / "a.hub", file=False)
    (found,) = all_saves(folder)
    assert (found.name, found.is_saved, found.reason) == ("a", False, "")
    for each in (folder / "a.hub.live").glob("checkpoint-*"):
        each.write_bytes(b"nothing")
    (found,) = all_saves(folder)
    assert found.info is None
    assert found.reason.startswith("not a Hubbub world file")
    for each in (folder / "a.hub.live").glob("checkpoint-*"):
        each.unlink()
    (found,) = all_saves(folder)
    assert found.reason == "its journal has no checkpoint to start from"


def test_what_is_no_world_is_not_replaced_either(folder: Path) -> None:
    (folder / "a.hub").write_bytes(b"letters of mine")
    with pytest.raises(FileError, match="exists; choose another name"):
        require_free(folder / "a.hub", force=False)
    require_free(folder / "a.hub", force=True)
