"""Copies of saved worlds elsewhere."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sim.errors import FileError, InputError, SnapshotError
from sim.store import backups, load, save
from sim.store.backups import backup, restore
from sim.world.world import World
from tests.unit.store.fake import FakeWorld, patch, saved
from tests.unit.store.test_shelf import damaged, opened, told


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
def test_a_backup_that_would_keep_nothing_is_refused(
    folder: Path, tmp_path: Path, keep: int, to: str
) -> None:
    with pytest.raises(InputError, match=r"at least 1|saves folder itself"):
        backup(folder, tmp_path / to, keep=keep)


# Restoring


def test_the_newest_backup_comes_back(folder: Path, tmp_path: Path) -> None:
    for turn in range(2):
        save(FakeWorld.create(turn=turn), folder / "a.hub")
        backup(folder, tmp_path / "b")
    before = told(folder / "a.hub")
    with pytest.raises(FileError, match="exists; choose another name"):
        restore(folder, "a", tmp_path / "b")
    assert told(restore(folder, "a", tmp_path / "b", new="c")) == before
    (folder / "a.hub").unlink()
    assert told(restore(folder, "a", tmp_path / "b")) == before


def test_one_of_the_backups_can_be_chosen(folder: Path, tmp_path: Path) -> None:
    for turn in range(2):
        save(FakeWorld.create(turn=turn), folder / "a.hub")
        backup(folder, tmp_path / "b")
    first = backups.backups(tmp_path / "b", "a")[0]
    (folder / "a.hub.live").mkdir()
    assert told(restore(folder, "a", first, force=True)) == told(first)
    assert [path.name for path in folder.iterdir()] == ["a.hub"]


def test_a_damaged_backup_is_refused_and_replaces_nothing(folder: Path, tmp_path: Path) -> None:
    before = told(saved(folder / "a.hub"))
    damaged(tmp_path / "x.hub")
    with pytest.raises(SnapshotError, match=r"x\.hub: damaged"):
        restore(folder, "a", tmp_path / "x.hub", force=True)
    assert told(folder / "a.hub") == before


def test_a_world_that_is_open_is_not_replaced(folder: Path, tmp_path: Path) -> None:
    saved(folder / "a.hub")
    backup(folder, tmp_path / "b")
    with opened(folder / "a.hub"), pytest.raises(FileError, match="in use"):
        restore(folder, "a", tmp_path / "b", force=True)


def test_a_backup_can_be_tried_without_writing(folder: Path, tmp_path: Path) -> None:
    world = World.create(60, mean_degree=4, seed=1)
    save(world, folder / "a.hub")
    backup(folder, tmp_path / "b")
    (folder / "a.hub").unlink()
    path = restore(folder, "a", tmp_path / "b", test=True)
    assert load(path).digest() == world.digest()
    assert list(folder.iterdir()) == []


def test_a_name_without_backup_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="holds no backup of a"):
        restore(folder, "a", tmp_path)


def test_a_later_second_needs_no_number(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(folder / "a.hub")
    backup(folder, tmp_path / "b")
    monkeypatch.setattr(backups, "datetime", datetime)
    save(FakeWorld.create(turn=1), folder / "a.hub")
    (done,) = backup(folder, tmp_path / "b")
    assert done.path is not None
    assert "Z-" not in done.path.name
