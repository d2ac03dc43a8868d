"""What seldom happens to a journal and to the rows for people."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sim.errors import SnapshotError
from sim.runtime.journal.writer import JournalWriter, recover
from sim.store import save
from sim.store.journal.journal import NO_DIGEST
from sim.store.journal.reading import BrokenError, JournalFile, find_entry
from sim.store.relational import count_rows
from tests.unit.runtime.keeping import play, started


def test_a_journal_whose_jumps_lead_nowhere_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = started()
    keeper = JournalWriter(world, tmp_path / "a.hub")
    play(world, keeper, 2, lambda _: None)
    keeper.close(world)

    def broken(*_: object) -> None:
        raise BrokenError("entry 4 leads nowhere")

    monkeypatch.setattr(JournalFile, "line", broken)
    with pytest.raises(SnapshotError, match="entry 4 leads nowhere"):
        recover(tmp_path / "a.hub")


def test_messages_are_rows_for_people(tmp_path: Path) -> None:
    world = started()
    world.inject("The bridge is closed.", seeds=[1], model="sir")
    save(world, tmp_path / "a.hub")
    with closing(sqlite3.connect(tmp_path / "a.hub")) as file:
        texts = [str(row) for row in file.execute("SELECT * FROM messages")]
    assert any("The bridge is closed." in row for row in texts)


def test_rows_of_a_world_of_another_kind_are_counted() -> None:
    said = [SimpleNamespace(size=4), SimpleNamespace(size=2)]
    world: Any = SimpleNamespace(agents=[0, 1], ties=SimpleNamespace(count=3), cascades=said)
    assert count_rows(world) == 3 * 2 + 3 + (4 + 2) + 2


def test_an_entry_that_sqlite_cannot_read_is_named() -> None:
    asked = find_entry(6, NO_DIGEST)
    next(asked)
    with pytest.raises(BrokenError, match="7"):
        asked.throw(sqlite3.DatabaseError("database disk image is malformed"))
