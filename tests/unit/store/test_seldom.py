"""What seldom happens to a journal and to the rows for people."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sim.errors import SnapshotError
from sim.runtime.journal.writer import JournalWriter, recover
from sim.store import save
from sim.store.journal.reading import BrokenError, JournalFile
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
