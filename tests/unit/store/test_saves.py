"""The saves folder: worlds listed, named, copied, remarked, shrunk and removed."""

import fcntl
import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from sim import World
from sim.errors import Cancelled, FileError, InputError, SnapshotError
from sim.store import info, load, save, saves, verify
from sim.store.snapshot import files
from tests.raising import raises
from tests.unit.store.fake import FakeWorld, edit, patch, saved


def told(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def damaged(path: Path) -> Path:
    """Flip a bit far inside a world: its header is right."""
    saved(path)
    byte = path.read_bytes()[200_000]
    patch(path, 200_000, bytes([byte ^ 1]))
    return path


@contextmanager
def opened(path: Path) -> Iterator[None]:
    """Hold the lease of a world as a running one does."""
    live = path.with_name(f"{path.name}.live")
    live.mkdir()
    with (live / "lease").open("w") as lease:
        fcntl.flock(lease, fcntl.LOCK_EX)
        yield


def test_worlds_are_listed_by_name(tmp_path: Path) -> None:
    saved(tmp_path / "b.hub")
    save(FakeWorld.create(), tmp_path / "a.hub", note="first")
    (tmp_path / "other.txt").touch()
    (tmp_path / ".c.hub").touch()
    found = saves.kept(tmp_path)
    assert [(each.name, each.reason) for each in found] == [("a", ""), ("b", "")]
    assert found[0].info is not None
    assert (found[0].info.note, found[0].info.plugins[0].hash) == ("first", "ab")
    assert found[0].bytes == (tmp_path / "a.hub").stat().st_size


def test_what_is_no_world_is_listed_with_its_reason_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "text.hub").write_text("hello")
    (tmp_path / "gone.hub").symlink_to("nowhere")
    (tmp_path / "folder.hub").mkdir()
    (tmp_path / "a\x1b[2J.hub").touch()
    path = saved(tmp_path / "short.hub")
    path.write_bytes(path.read_bytes()[:-1])
    before = told(path)
    found = {each.name: each.reason for each in saves.kept(tmp_path)}
    assert "looks like text" in found["text"]
    assert "leads nowhere" in found["gone"]
    assert "a folder" in found["folder"]
    assert "empty" in found["a\ufffd[2J"]
    assert "the last 1 bytes are missing" in found["short"]
    assert told(path) == before


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert saves.kept(tmp_path / "absent") == ()


@pytest.mark.parametrize(
    "name", ["", ".a", "-a", "_a", "a/b", "../a", "a b", "a\n", "é", "a" * 65, "/etc/a", "a\0", "~"]
)
def test_names_that_could_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    raises(InputError, "is no name for a saved world", saves.place, tmp_path, name)


@pytest.mark.parametrize("name", ["a", "Monday.2", "9-to_5", "a" * 64, "a.hub"])
def test_plain_names_are_taken(tmp_path: Path, name: str) -> None:
    path = saves.place(tmp_path, name)
    assert path.parent == tmp_path
    assert path.name == f"{name.removesuffix('.hub')}.hub"


@pytest.mark.parametrize("there", ["nothing", "link", "folder"])
def test_only_files_of_the_folder_are_meant(tmp_path: Path, there: str) -> None:
    saved(tmp_path / "b.hub")
    if there == "link":
        (tmp_path / "a.hub").symlink_to("b.hub")
    elif there == "folder":
        (tmp_path / "a.hub").mkdir()
    raises(FileError, r"no such saved world; there are: .*b", saves.existing, tmp_path, "a")


def test_a_world_is_renamed_with_its_journal(tmp_path: Path) -> None:
    before = told(saved(tmp_path / "a.hub"))
    (tmp_path / "a.hub.live").mkdir()
    assert saves.rename(tmp_path, "a", "b") == tmp_path / "b.hub"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.hub", "b.hub.live"]
    assert told(tmp_path / "b.hub") == before


def test_a_damaged_world_may_be_renamed_but_not_copied(tmp_path: Path) -> None:
    before = told(damaged(tmp_path / "a.hub"))
    raises(SnapshotError, r"a\.hub: damaged or changed", saves.duplicate, tmp_path, "a", "b")
    saves.rename(tmp_path, "a", "c")
    assert [path.name for path in tmp_path.iterdir()] == ["c.hub"]
    assert told(tmp_path / "c.hub") == before


@pytest.mark.parametrize("there", ["b.hub", "b.hub.live"])
@pytest.mark.parametrize("act", [saves.rename, saves.duplicate])
def test_nothing_is_replaced(tmp_path: Path, there: str, act: Callable[..., Path]) -> None:
    saved(tmp_path / "a.hub")
    (tmp_path / there).write_text("mine")
    raises(FileError, "exists; choose another name", act, tmp_path, "a", "b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.hub", there]


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    saved(tmp_path / "a.hub")

    def report(stage: str, share: float) -> None:
        (tmp_path / "b.hub").write_text("mine")

    with pytest.raises(FileError, match="exists; choose another name"):
        saves.duplicate(tmp_path, "a", "b", report=report)
    assert (tmp_path / "b.hub").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("live", [True, False])
def test_deleting_takes_the_journal_too(tmp_path: Path, live: bool) -> None:
    saved(tmp_path / "a.hub")
    if live:
        (tmp_path / "a.hub.live").mkdir()
        (tmp_path / "a.hub.live" / "journal").touch()
    saves.delete(tmp_path, "a")
    assert list(tmp_path.iterdir()) == []


ACTS: list[Callable[[Path], Any]] = [
    lambda folder: saves.rename(folder, "a", "b"),
    lambda folder: saves.delete(folder, "a"),
    lambda folder: saves.note(folder, "a", "x"),
    lambda folder: saves.compact(folder, "a"),
]


@pytest.mark.parametrize("act", ACTS)
def test_a_world_that_is_open_is_left_alone(tmp_path: Path, act: Callable[[Path], Any]) -> None:
    before = told(saved(tmp_path / "a.hub"))
    with opened(tmp_path / "a.hub"):
        raises(FileError, "in use by another process", act, tmp_path)
        assert told(tmp_path / "a.hub") == before
    act(tmp_path)


@pytest.fixture
def world() -> World:
    world = World.create(60, mean_degree=4, seed=1)
    world.inject("Hi", seeds=[0], model="independent-cascade", probability=0.5)
    world.step(3)
    return world


def test_a_note_changes_nothing_else(tmp_path: Path, world: World) -> None:
    save(world, tmp_path / "a.hub", note="before")
    saves.note(tmp_path, "a", "after\nthe\x1b news")
    assert info(tmp_path / "a.hub").note == "after the\ufffd news"
    assert info(tmp_path / "a.hub").relational
    verify(tmp_path / "a.hub")
    assert load(tmp_path / "a.hub").digest() == world.digest()
    assert [path.name for path in tmp_path.iterdir()] == ["a.hub"]


def test_compacting_leaves_out_the_rows_and_keeps_the_world(tmp_path: Path, world: World) -> None:
    save(world, tmp_path / "a.hub", note="kept")
    done = saves.compact(tmp_path, "a")
    found = info(tmp_path / "a.hub")
    assert (found.relational, found.note, found.bytes) == (False, "kept", done.after)
    assert done.after < done.before
    verify(tmp_path / "a.hub")
    assert load(tmp_path / "a.hub").digest() == world.digest()


@pytest.mark.parametrize("act", ACTS[2:])
def test_a_damaged_world_is_never_rewritten(tmp_path: Path, act: Callable[[Path], Any]) -> None:
    before = told(damaged(tmp_path / "a.hub"))
    raises(SnapshotError, r"a\.hub: damaged or changed", act, tmp_path)
    assert told(tmp_path / "a.hub") == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.hub"]


def test_a_hostile_world_is_never_rewritten(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.hub")
    edit(path, "CREATE TRIGGER t AFTER INSERT ON world BEGIN DELETE FROM chunks; END")
    before = told(path)
    with pytest.raises(SnapshotError, match="its trigger 't' is none that this program writes"):
        saves.note(tmp_path, "a", "x")
    assert told(path) == before


@pytest.mark.parametrize("act", [saves.note, saves.duplicate])
def test_work_can_be_cancelled(tmp_path: Path, act: Callable[..., Path]) -> None:
    before = told(saved(tmp_path / "a.hub"))

    with pytest.raises(Cancelled):
        act(tmp_path, "a", "b", report=Mock(side_effect=Cancelled))
    assert [path.name for path in tmp_path.iterdir()] == ["a.hub"]
    assert told(tmp_path / "a.hub") == before


@pytest.mark.parametrize("error", [OSError(28, "full"), sqlite3.OperationalError("disk full")])
def test_full_disk_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    before = told(saved(tmp_path / "a.hub"))

    def full(descriptor: int) -> None:
        raise error

    monkeypatch.setattr(files, "flush", full)
    raises(FileError, r"a\.hub: not changed: .*full", saves.note, tmp_path, "a", "x")
    assert [path.name for path in tmp_path.iterdir()] == ["a.hub"]
    assert told(tmp_path / "a.hub") == before


def test_all_worlds_are_checked_and_the_damaged_ones_named(tmp_path: Path) -> None:
    saved(tmp_path / "a.hub")
    before = told(damaged(tmp_path / "b.hub"))
    (tmp_path / "c.hub").write_text("hello")
    found = {each.name: each.reason for each in saves.verify_all(tmp_path)}
    assert found["a"] == ""
    assert "not those that were saved" in found["b"]
    assert "looks like text" in found["c"]
    assert told(tmp_path / "b.hub") == before
    (one,) = saves.verify_all(tmp_path, only=tmp_path / "b.hub")
    assert one.reason == found["b"]


def test_a_file_that_goes_away_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "a.hub")
    monkeypatch.setattr(saves, "info", lambda path: (path.unlink(), info(path)))
    (found,) = saves.kept(tmp_path)
    assert (found.path, found.bytes) == (path, 0)
    assert "no such file" in found.reason
