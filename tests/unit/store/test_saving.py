"""Whatever goes wrong while saving: the file from before is whole, and nothing else is left."""

import errno
import fcntl
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from sim import World
from sim.core import files as core_files
from sim.errors import FileError, SnapshotError
from sim.runtime.journal.writer import JournalWriter, recover
from sim.store import info, read, save
from sim.store.journal.journal import NO_DIGEST
from sim.store.journal.reading import BrokenError, JournalFile, find_entry
from sim.store.relational import count_rows
from sim.store.snapshot import files, snapshot
from tests.raising import raises
from tests.unit.runtime.journal_config import play, started
from tests.unit.store.fake import FakeWorld, saved

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """A saved world that must be the same afterwards, alone in its folder."""
    path = saved(tmp_path / "a.hub")
    before = path.read_bytes()
    yield path
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def not_saved(path: Path, match: str) -> None:
    raises(FileError, match, save, FakeWorld.create(100_000, turn=1), path)


def test_a_disk_that_is_full(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "LARGEST_FILE_PAGES", 20)
    not_saved(path, "not saved: the disk is full")


@pytest.mark.parametrize("allowed", [0, 1 << 16, 1 << 20, 9_437_248 - 65])
def test_files_that_may_not_grow(path: Path, allowed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # it would be cut, and kept so
    resource.setrlimit(resource.RLIMIT_FSIZE, (allowed, before[1]))
    try:
        not_saved(path, "not saved: the file (could not be written|would be larger)")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("call", ["fsync", "pwrite", "fchmod", "pread", "replace", "open"])
def test_a_system_call_that_fails(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    monkeypatch.setattr(os, call, Mock(side_effect=OSError(number, os.strerror(number))))
    not_saved(path, core_files.REASONS.get(number, "Input/output error"))
    monkeypatch.undo()


def test_any_exception_leaves_nothing(path: Path) -> None:
    def fails(stage: str, _: float) -> None:
        if stage == "checking":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save(FakeWorld.create(turn=1), path, report=fails)


def test_a_folder_not_made_durable_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):  # noqa: PTH112
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fails)
    number = errno.EIO
    raises(FileError, "Input/output error", saved, tmp_path / "a.hub")
    number = errno.EINVAL  # a file system that knows no such thing
    assert saved(tmp_path / "a.hub").exists()


@pytest.fixture
def bound_by_modes() -> Iterator[Path]:
    """A folder of its own, and no more rights than anybody (root ignores modes)."""
    with tempfile.TemporaryDirectory() as folder:
        path, owner = Path(folder), os.geteuid()
        path.chmod(0o755)
        saved(path / "a.hub")
        (path / "a.hub").chmod(0o644)
        path.chmod(0o555)
        if owner == 0:
            os.seteuid(65534)
        yield path
        os.seteuid(owner)
        path.chmod(0o755)


def test_a_folder_that_is_read_only(bound_by_modes: Path) -> None:
    path = bound_by_modes / "a.hub"
    not_saved(path, "not saved: you may not write there")
    assert read(path, FakeWorld).meta["tick"] == 0
    assert list(bound_by_modes.iterdir()) == [path]


def test_a_folder_that_is_missing_or_no_folder(path: Path) -> None:
    not_saved(path.parent / "missing" / "a.hub", "its folder does not exist, create it first")
    not_saved(path / "a.hub", "its folder is a file")
    not_saved(path.parent / ("x" * 300), "the name is too long")


def test_what_is_no_world_file_is_refused_and_stays(path: Path, tmp_path: Path) -> None:
    link, pipe, thesis = (tmp_path / name for name in ("link", "pipe", "thesis.txt"))
    link.symlink_to(path)
    os.mkfifo(pipe)
    thesis.write_text("years of work")
    not_saved(link, "a symbolic link; save to the file that it leads to")
    not_saved(pipe, "not a regular file")
    not_saved(tmp_path, "not a regular file")
    not_saved(thesis, "exists and is not a Hubbub world; choose another name")
    assert (link.is_symlink(), thesis.read_text()) == (True, "years of work")
    for each in (link, pipe, thesis):
        each.unlink()


@pytest.mark.parametrize("left", [0, 1000])
def test_an_empty_or_a_damaged_file_is_replaced(tmp_path: Path, left: int) -> None:
    path = saved(tmp_path / "a.hub")
    os.truncate(path, left)
    assert read(saved(path), FakeWorld).meta["tick"] == 0


def test_stale_drafts_are_swept_and_nothing_else(tmp_path: Path) -> None:
    stale = tmp_path / ".a.hub.0123abcd.partial"
    others = [
        tmp_path / name
        for name in (".b.hub.0123abcd.partial", ".a.hub.0123abcz.partial", "a.hub.0123abcd.partial")
    ]
    for each in (stale, *others):
        each.write_bytes(b"x")
    others.append(tmp_path / ".a.hub.4567abcd.partial")
    others[-1].symlink_to(others[0])
    assert files.sweep(tmp_path / "a.hub") == [stale]
    with files.draft(tmp_path / "a.hub") as draft:  # of a writer at work
        assert files.sweep(tmp_path / "a.hub") == []
        assert draft.path.exists()
    assert sorted(tmp_path.iterdir()) == sorted(others)
    assert others[0].read_bytes() == b"x"


def test_a_draft_that_was_swept_is_redone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def swept(descriptor: int, operation: int) -> None:
        monkeypatch.undo()
        next(tmp_path.iterdir()).unlink()

    monkeypatch.setattr(fcntl, "flock", swept)
    assert saved(tmp_path / "a.hub").exists()


def test_without_locks_nothing_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_locks = Mock(side_effect=OSError(errno.ENOLCK, "No locks available"))
    monkeypatch.setattr(fcntl, "flock", no_locks)
    stale = tmp_path / ".a.hub.0123abcd.partial"
    stale.touch()
    assert saved(tmp_path / "a.hub").exists()
    assert stale.exists()


def test_two_writers_of_one_file_leave_one_of_their_worlds(tmp_path: Path) -> None:
    path = tmp_path / "a.hub"

    def other(stage: str, _: float) -> None:
        if stage == "checking":
            saved(path, FakeWorld.create(turn=2))

    save(FakeWorld.create(turn=1), path, report=other)
    assert read(path, FakeWorld).meta["tick"] == 1
    assert list(tmp_path.iterdir()) == [path]


def test_on_macos_the_drive_is_flushed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr("sim.core.files.FULL_FLUSH", 51)
    monkeypatch.setattr(fcntl, "fcntl", lambda _, what: asked.append(what))
    saved(tmp_path / "a.hub")
    assert asked == [51, 51]  # the pages, then the trailer


def killed(path: Path, seconds: float) -> int:
    """Run a writer, kill it after ``seconds`` beyond its first save; return its last turn."""
    command = [sys.executable, "-m", "tests.unit.store.writer", str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(seconds)
        writer.kill()
        return int((first + writer.stdout.read()).split()[-1])


@pytest.mark.parametrize("count", [4, pytest.param(40, marks=pytest.mark.slow)])
def test_a_killed_save_leaves_the_old_or_the_new_world(tmp_path: Path, count: int) -> None:
    """Kill writers until ``count`` of them died within a save; look at the file each time."""
    path, hits = tmp_path / "a.hub", 0
    for pause in np.random.default_rng(count).uniform(0, 0.2, 10 * count).tolist():
        last = killed(path, pause)
        hits += len(list(tmp_path.iterdir())) - 1
        world = read(path, FakeWorld)
        assert world.meta["tick"] in {last, last + 1}
        assert world.digest() == FakeWorld.create(20_000, world.meta["tick"]).digest()
        saved(path)
        assert list(tmp_path.iterdir()) == [path]
        if hits == count:
            return
    pytest.fail(f"only {hits} kills hit a save")


def test_jumps_to_nowhere_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = started()
    keeper = JournalWriter(world, tmp_path / "a.hub")
    play(world, keeper, 2, lambda _: None)
    keeper.close(world)

    monkeypatch.setattr(JournalFile, "line", Mock(side_effect=BrokenError("entry 4 leads nowhere")))
    raises(SnapshotError, "entry 4 leads nowhere", recover, tmp_path / "a.hub")


def test_rows_of_a_world_of_another_kind_are_counted() -> None:
    said = [SimpleNamespace(size=4), SimpleNamespace(size=2)]
    world: Any = SimpleNamespace(agents=[0, 1], ties=SimpleNamespace(count=3), cascades=said)
    assert count_rows(world) == 3 * 2 + 3 + (4 + 2) + 2


def test_an_entry_that_sqlite_cannot_read_is_named() -> None:
    asked = find_entry(6, NO_DIGEST)
    next(asked)
    with pytest.raises(BrokenError, match="7"):
        asked.throw(sqlite3.DatabaseError("database disk image is malformed"))


def test_a_file_says_what_world_it_holds(tmp_path: Path) -> None:
    world = World.create(agents=300, mean_degree=8, seed=7)
    world.inject("The bridge is closed.", seeds=[0, 33], model="sir", beta=0.2, gamma=0.1)
    world.step(3)
    save(world, tmp_path / "a.hub")
    found = info(tmp_path / "a.hub")
    assert (found.agents, found.ties) == (300, world.ties.count)
    assert (found.tick, found.seed, found.models) == (3, 7, ("sir",))
    assert [plugin.name for plugin in found.plugins] == ["sir"]
