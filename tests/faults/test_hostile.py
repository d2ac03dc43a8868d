"""Files made to harm are refused with a reason, in little time and memory, and stay as they are."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sim.errors import SnapshotError
from sim.store.journal.journal import read_acked
from sim.store.journal.reading import read_journal
from sim.store.snapshot import schema
from sim.store.snapshot.files import small
from sim.store.snapshot.gates import DamagedError, Deadline, bounded
from tests.faults.hostile import JOURNALS, SNAPSHOTS, _kept
from tests.raising import raises

ROOT = Path(__file__).resolve().parents[2]
Found = dict[str, dict[str, tuple[str, bool]]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What each was told, opened with 500 MB more than the program takes and 5 s of processor."""
    folder = tmp_path_factory.mktemp("hostile")
    words = [sys.executable, "-m", "tests.faults.hostile", str(folder)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told: Found = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_a_hostile_world_is_refused_with_its_reason_and_left_alone(found: Found, name: str) -> None:
    said, is_same = found["snapshots"][name]
    first = said.splitlines()[0]
    reason = SNAPSHOTS[name][1]
    assert re.search(reason, first), said
    assert not reason or not first.startswith("opened"), said
    assert "died" not in said
    assert "out of memory" not in said
    assert is_same


@pytest.mark.parametrize("name", JOURNALS)
def test_a_hostile_journal_is_refused_with_its_reason_and_left_alone(
    found: Found, name: str
) -> None:
    said, is_same = found["journals"][name]
    assert re.search(JOURNALS[name][1], said), said
    assert "died" not in said
    assert "out of memory" not in said
    assert is_same


def test_there_are_enough_of_them() -> None:
    assert len(SNAPSHOTS) + len(JOURNALS) >= 80


def test_rows_of_a_file_are_never_more_than_fit_into_it() -> None:
    rows = [("a" * 84, 7)] * 3
    assert len(list(bounded(rows, 300))) == 3
    raises(DamagedError, "larger than the file", list, bounded(rows, 299))


def test_a_deadline_that_is_restarted_is_not_over() -> None:
    over, ahead = Deadline(-1.0), Deadline(1000.0)
    assert over()
    ahead.restart()
    assert not ahead()


def test_a_pipe_is_no_small_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "acked")
    raises(OSError, "not a regular file", small, tmp_path / "acked", 9)
    assert read_acked(tmp_path) is None


def test_json_of_many_tiny_pieces_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "SPARE_BYTES", 0)
    raises(ValueError, "too many values", schema.from_json, "[" + "[]," * 50 + "[]]")


def test_what_lies_beside_a_journal_is_a_file_or_refused(tmp_path: Path) -> None:
    _kept(tmp_path / "a.hub")
    folder = tmp_path / "a.hub.live"
    with pytest.raises(SnapshotError, match="larger than the file"), read_journal(folder):
        raise DamagedError("its rows claim to be larger than the file")
    (folder / "journal-wal").symlink_to("/dev/null")
    with pytest.raises(SnapshotError, match="no regular file"), read_journal(folder):
        pass
