"""Bookmarks and lineage: small files that are whole or not believed."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from sim.errors import InputError, SnapshotError
from sim.store import Bookmark, Lineage
from sim.store.journal.journal import folder_of
from sim.store.journal.lease import Lease, holder, is_held, signature
from sim.store.journal.lineage import bookmarks, checked_name, keep_bookmarks, lineage, note_lineage
from tests.raising import raises
from tests.unit.runtime.worlds import present


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder_of(tmp_path / "a.hub").mkdir()
    return tmp_path / "a.hub"


def test_bookmarks_come_back_in_order_of_tick(path: Path) -> None:
    assert bookmarks(path) == []
    keep_bookmarks(path, [Bookmark("late", 9, 4), Bookmark("b", 2), Bookmark("a", 2, 1)])
    assert bookmarks(path) == [("a", 2, 1), ("b", 2, 0), ("late", 9, 4)]


def test_lineage_comes_back(path: Path) -> None:
    assert lineage(path) is None
    said = Lineage("/worlds/monday.hub", 7, 12, "00ff")
    note_lineage(path, said)
    assert lineage(path) == said


@pytest.mark.parametrize("text", ["{", "[1]", '[["a"]]', '[["", 1, 2]]', '[["a", "x", 2]]', "3"])
def test_damaged_bookmarks_are_named_and_damaged_lineage_is_none(path: Path, text: str) -> None:
    (folder_of(path) / "bookmarks").write_text(text)
    (folder_of(path) / "lineage").write_text(text)
    raises(SnapshotError, "these are no bookmarks", bookmarks, path)
    assert lineage(path) is None


@pytest.mark.parametrize("name", ["", "12", "+7", " a", "a\nb", "x" * 65, "\x1b[2J"])
def test_what_is_no_name_is_refused(name: str) -> None:
    raises(InputError, "A bookmark is named by", checked_name, name)


def test_there_is_an_end_to_bookmarks(path: Path) -> None:
    with pytest.raises(InputError, match="at most 1,000"):
        keep_bookmarks(path, [Bookmark(f"b{k}", k) for k in range(1001)])
    assert bookmarks(path) == []


def test_a_failed_write_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_bookmarks(path, [Bookmark("a", 1)])

    monkeypatch.setattr("sim.core.files.flush", Mock(side_effect=OSError("full")))
    raises(OSError, "full", keep_bookmarks, path, [])
    assert bookmarks(path) == [("a", 1, 0)]
    assert [file.name for file in folder_of(path).iterdir()] == ["bookmarks"]


DIE = """
import os, pathlib, sys
from sim.store.journal.lease import Lease
lease = Lease(pathlib.Path(sys.argv[1]))
os._exit(9)
"""


def test_a_lease_is_held_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "lease"
    assert not is_held(path)
    with Lease(path):
        assert is_held(path)
    assert not is_held(path)


def test_a_release_is_noted_and_who_held_it_stays(tmp_path: Path) -> None:
    path = tmp_path / "lease"
    lease = Lease(path)
    said = present(signature(path))
    assert said[:2] == (str(os.getpid()), socket.gethostname())
    assert said.until == ""
    lease.release()
    lease.release()
    after = present(signature(path))
    assert after.since == said.since
    assert after.until >= said.since
    assert holder(path) == f"process {os.getpid()} on {socket.gethostname()} since {said.since}"


def test_a_process_that_died_with_it_never_released_it(tmp_path: Path) -> None:
    path = tmp_path / "lease"
    assert subprocess.run([sys.executable, "-c", DIE, str(path)], check=False).returncode == 9
    assert not is_held(path)
    assert present(signature(path)).until == ""


@pytest.mark.parametrize("data", [b"", b"{", b"{}", b"[]", b"7", b'{"pid": 1}', b"\xff"])
def test_a_file_that_says_nothing_has_no_signature(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "lease").write_bytes(data)
    assert signature(tmp_path / "lease") is None
    assert holder(tmp_path / "lease") == "another process"


def test_who_only_looks_keeps_nobody_from_taking_it(tmp_path: Path) -> None:
    path = tmp_path / "lease"
    Lease(path).release()
    for _ in range(50):
        assert not is_held(path)
        Lease(path).release()
