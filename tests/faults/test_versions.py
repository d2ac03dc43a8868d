"""Files of every released version open; an old one is migrated as a copy, a newer one refused."""

from __future__ import annotations

import lzma
import sqlite3
from pathlib import Path

import pytest

from sim.errors import FileError, SnapshotError
from sim.store import header, load, migrations, schema, verify
from sim.store.migrations import is_old, migrate
from tests.unit.store.fake import edit, patch

VERSIONS = Path(__file__).parent / "versions"
KNOWN = {1: ("1aeec2a7317ede492534d537292f0b57", 6)}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A world file as version 1 wrote it."""
    path = tmp_path / "old.hub"
    path.write_bytes(lzma.decompress((VERSIONS / "world-1.hub.xz").read_bytes()))
    return path


def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the present version be 2."""
    monkeypatch.setattr(schema, "VERSION", 2)
    monkeypatch.setattr(header, "VERSION", 2)


def test_there_is_a_file_of_every_version() -> None:
    files = {path.name for path in VERSIONS.iterdir()}
    assert files == {f"world-{version}.hub.xz" for version in range(1, schema.VERSION + 1)}


def test_a_file_of_the_first_version_is_the_world_that_was_saved(old: Path) -> None:
    assert verify(old).columns > 0
    world = load(old)
    assert (world.digest(), world.tick) == KNOWN[1]
    assert not is_old(old)


def test_an_old_file_is_migrated_as_a_copy_and_stays(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer(monkeypatch)
    before = old.read_bytes()

    def step(file: sqlite3.Connection) -> None:
        file.execute("UPDATE world SET value = 'migrated' WHERE key = 'note'")

    monkeypatch.setitem(migrations.STEPS, 1, step)
    assert is_old(old)
    made = migrate(old, tmp_path / "new.hub")
    assert old.read_bytes() == before
    assert not is_old(made)
    assert load(made).digest() == KNOWN[1][0]
    with pytest.raises(FileError, match="exists"):
        migrate(old, made)


def test_a_version_from_which_no_way_leads_here_is_refused_and_nothing_is_left(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer(monkeypatch)
    with pytest.raises(SnapshotError, match="of version 1, from which no way leads here"):
        migrate(old, tmp_path / "new.hub")
    assert [path.name for path in tmp_path.iterdir()] == ["old.hub"]


def test_a_damaged_old_file_is_not_migrated(old: Path, tmp_path: Path) -> None:
    patch(old, 70_000, b"XXXX")
    with pytest.raises(SnapshotError, match="damaged or changed"):
        migrate(old, tmp_path / "new.hub")


def test_a_newer_file_is_refused(old: Path, tmp_path: Path) -> None:
    edit(old, "PRAGMA user_version=999")
    for act in (load, is_old, lambda path: migrate(path, tmp_path / "new.hub")):
        with pytest.raises(SnapshotError, match="written by a newer Hubbub"):
            act(old)
