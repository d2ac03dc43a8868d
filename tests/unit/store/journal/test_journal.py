"""The journal's owner, its lease, and what is noted beside it."""

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sim.errors import SnapshotError
from sim.store import LeaseError
from sim.store.journal import journal as journals
from sim.store.journal.journal import (
    NO_DIGEST,
    Checkpoint,
    EntryAdoptions,
    EntryCounts,
    Journal,
    JournalEntry,
    JournalError,
    LastAcknowledged,
    canonical,
    folder_of,
    read_acked,
)
from sim.store.journal.lease import Lease
from sim.store.journal.reading import BrokenError, read_journal
from tests.raising import raises
from tests.unit.store.fake import edited

PATIENCE = 60.0
CHECKPOINT = Checkpoint(0, 0, "checkpoint-0.hub", "ab", NO_DIGEST)


def entry(number: int, previous: bytes = NO_DIGEST, size: int = 12) -> JournalEntry:
    """An entry of one adoption, chained."""
    adoptions = (EntryAdoptions(0, 1, b"a" * size),)
    metrics = EntryCounts(1, 0, number, 2 * number)
    made = JournalEntry(number, number, 1, "step", "{}", "test", adoptions, metrics, bytes(16))
    return replace(made, digest=made.chained(previous))


def chain(count: int, size: int = 12) -> list[JournalEntry]:
    made: list[JournalEntry] = []
    for number in range(1, count + 1):
        made.append(entry(number, made[-1].digest if made else NO_DIGEST, size))
    return made


class Told:
    """What a journal said, and what can be waited for."""

    def __init__(self) -> None:
        self.durable: list[int] = []
        self.troubles: list[str | None] = []
        self.errors: list[Exception | None] = []
        self.changed = threading.Condition()

    def opened(self, folder: Path, **options: Any) -> Journal:
        return Journal(
            folder,
            durable=lambda e: self.note(self.durable, e.number),
            troubled=lambda said: self.note(self.troubles, said),
            ended=lambda error: self.note(self.errors, error),
            **options,
        )

    def note(self, told: list[Any], value: object) -> None:
        with self.changed:
            told.append(value)
            self.changed.notify_all()

    def until(self, condition: Any) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, PATIENCE)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def written(tmp_path: Path, told: Told) -> Path:
    """A folder whose journal has three entries."""
    journal = told.opened(tmp_path)
    for each in chain(3):
        journal.put(each)
    journal.close()
    return tmp_path


def entries(folder: Path) -> list[JournalEntry]:
    with read_journal(folder) as journal:
        return list(journal.entries(0, NO_DIGEST))


def test_what_was_put_is_read_back_and_was_acknowledged_in_order(written: Path, told: Told) -> None:
    assert entries(written) == chain(3)
    assert told.durable == [1, 2, 3]
    assert told.errors == [None]


def test_a_journal_goes_on_where_it_ended(written: Path) -> None:
    told = Told()
    journal = told.opened(written)
    assert journal.acked == LastAcknowledged(3, 3, chain(3)[2].digest)
    journal.put(chain(4)[3])
    journal.close()
    assert entries(written) == chain(4)


def test_a_checkpoint_is_named_and_an_entry_waits_for_its_own(tmp_path: Path, told: Told) -> None:
    journal = told.opened(tmp_path)
    future: Future[Checkpoint] = Future()
    journal.put(entry(1), future)
    assert told.durable == []
    future.set_result(CHECKPOINT)
    journal.close()
    with read_journal(tmp_path) as file:
        assert file.checkpoints() == [CHECKPOINT]
    assert told.durable == [1]


def test_a_journal_without_entries_begins_at_its_checkpoint(tmp_path: Path, told: Told) -> None:
    journal = told.opened(tmp_path)
    future: Future[Checkpoint] = Future()
    future.set_result(replace(CHECKPOINT, tick=9))
    journal.put(None, future)
    journal.close()
    again = told.opened(tmp_path)
    assert again.acked.tick == 9
    again.close()


def test_an_owner_that_died_refuses_and_says_why(tmp_path: Path, told: Told) -> None:
    journal = told.opened(tmp_path)
    future: Future[Checkpoint] = Future()
    future.set_exception(JournalError(tmp_path, "no"))
    journal.put(entry(1), future)
    told.until(lambda: told.errors)
    raises(JournalError, "no", journal.put, entry(2))
    raises(JournalError, "no", journal.close)
    assert told.durable == []


def test_an_entry_that_sqlite_refuses_ends_the_owner_alone(written: Path, told: Told) -> None:
    journal = told.opened(written)
    journal.put(entry(3))  # there is a third already
    told.until(lambda: len(told.errors) == 2)
    raises(JournalError, "UNIQUE", journal.close)
    assert entries(written) == chain(3)


def test_of_entries_given_together_the_file_has_all_or_none(written: Path, told: Told) -> None:
    made = chain(6)
    journal = told.opened(written)
    journal.put_all([(each, None) for each in made[3:5]])
    journal.put_all([(made[5], None), (made[4], None)])  # there is a fifth by then
    told.until(lambda: len(told.errors) == 2)
    raises(JournalError, "UNIQUE", journal.close)
    assert entries(written) == made[:5]
    assert told.durable == [1, 2, 3, 4, 5]


def test_full_queues_wait(tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "PUT_SECONDS", 0.001)
    journal = told.opened(tmp_path)
    future: Future[Checkpoint] = Future()
    made = chain(journals.QUEUE + 3)
    journal.put(made[0], future)
    threading.Timer(0.1, lambda: future.set_result(CHECKPOINT)).start()
    for each in made[1:]:
        journal.put(each)
    assert future.done()
    journal.close()
    assert entries(tmp_path) == made


def test_closing_wants_room(tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "PUT_SECONDS", 0.001)
    journal = told.opened(tmp_path)
    future: Future[Checkpoint] = Future()
    made = chain(journals.QUEUE + 1)
    for number, each in enumerate(made):
        journal.put(each, None if number else future)
    threading.Timer(0.1, lambda: future.set_result(CHECKPOINT)).start()
    journal.close()
    journal.close()
    assert entries(tmp_path) == made
    raises(JournalError, "was closed", journal.put, entry(1))


def test_full_disk_loses_none(tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    def await_room(journal: Journal) -> None:
        waits(journal)
        told.note(tries, 1)

    tries: list[int] = []
    waits = Journal._await_room
    monkeypatch.setattr(journals, "RETRY_SECONDS", 0.001)
    monkeypatch.setattr(Journal, "_await_room", await_room)
    journal = told.opened(tmp_path, most_pages=40)
    made = chain(6, size=40_000)
    for each in made:
        journal.put(each)
    told.until(lambda: told.troubles)
    assert told.troubles[0] is not None
    assert "the disk is full" in told.troubles[0]
    last = told.durable[-1]
    assert f"Everything up to tick {last:,} is saved" in told.troubles[0]
    assert entries(tmp_path) == made[:last]
    told.until(lambda: len(tries) > 2)
    journal.allow(journals.MOST_PAGES)
    told.until(lambda: len(told.durable) == 6)
    journal.close()
    assert told.troubles[1:] == [None]
    assert entries(tmp_path) == made


def test_who_gives_up_on_a_full_disk_loses_no_acknowledged(tmp_path: Path, told: Told) -> None:
    journal = told.opened(tmp_path, most_pages=40)
    for each in chain(6, size=40_000):
        journal.put(each)
    told.until(lambda: told.troubles)
    journal.give_up()
    raises(JournalError, "full", journal.close)
    assert entries(tmp_path) == chain(6, size=40_000)[: told.durable[-1]]


def removed(folder: Path, name: str) -> None:
    (folder / name).unlink()


def cut_short(folder: Path, name: str) -> None:
    with (folder / name).open("r+b") as file:
        file.truncate(20)


def replaced(folder: Path, name: str) -> None:
    other = folder / "other"
    other.write_bytes((folder / name).read_bytes())
    other.replace(folder / name)


@pytest.mark.parametrize(
    ("harm", "name", "said"),
    [
        (removed, "journal", "is gone"),
        (removed, "journal-wal", "is gone"),
        (removed, "acked", "is gone"),
        (removed, "lease", "is gone"),
        (cut_short, "journal", "was cut short"),
        (cut_short, "journal-wal", "was cut short"),
        (replaced, "journal", "was replaced"),
        (replaced, "lease", "was replaced"),
    ],
)
def test_what_is_written_to_files_that_nobody_will_find_is_not_acknowledged(
    tmp_path: Path, told: Told, harm: Any, name: str, said: str
) -> None:
    made = chain(3)
    with Lease(tmp_path / "lease"):
        journal = told.opened(tmp_path)
        journal.put(made[0])
        told.until(lambda: told.durable == [1])
        harm(tmp_path, name)
        journal.put(made[1])
        told.until(lambda: told.troubles)
        assert told.troubles[0] is not None
        assert f"Paused: {tmp_path.name}/{name} {said} while the world runs" in told.troubles[0]
        assert ("put it back" in told.troubles[0]) == (said != "was cut short")
        journal.give_up()
        raises(JournalError, f"{name} {said}", journal.close)
    assert told.durable == [1]
    assert isinstance(told.errors[0], JournalError)


def test_cut_journals_stay_cut(tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "RETRY_SECONDS", 0.001)
    journal = told.opened(tmp_path)
    journal.put(entry(1))
    told.until(lambda: told.durable == [1])
    size = (tmp_path / "journal-wal").stat().st_size
    cut_short(tmp_path, "journal-wal")
    journal.put(chain(2)[1])
    told.until(lambda: told.troubles)
    os.truncate(tmp_path / "journal-wal", 2 * size)
    journal.give_up()
    raises(JournalError, "cut short", journal.close)
    assert (told.durable, len(told.troubles)) == ([1], 1)


@pytest.mark.parametrize("is_written", [False, True])
def test_a_folder_that_is_renamed_and_comes_back_is_gone_on_with(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch, *, is_written: bool
) -> None:
    def renamed(*args: Any) -> None:
        commit(*args)
        if is_written and folder.exists() and not told.troubles:
            folder.rename(elsewhere)

    commit = journals.commit
    folder, elsewhere = tmp_path / "a.hub.live", tmp_path / "elsewhere"
    monkeypatch.setattr(journals, "RETRY_SECONDS", 0.001)
    folder.mkdir()
    journal = told.opened(folder)
    journal.put(entry(1))
    told.until(lambda: told.durable == [1])
    monkeypatch.setattr(journals, "commit", renamed)
    if not is_written:
        folder.rename(elsewhere)
    journal.put(chain(2)[1])
    told.until(lambda: told.troubles)
    assert told.troubles == [
        "Paused: a.hub.live is gone while the world runs, so the journal cannot continue; put it "
        "back, or save the world under another name."
    ]
    assert told.durable == [1]
    elsewhere.rename(folder)
    told.until(lambda: told.durable == [1, 2])
    journal.close()
    assert told.troubles[1:] == [None]
    assert entries(folder) == chain(2)


def test_a_disk_that_fails_is_not_called_full(tmp_path: Path, told: Told) -> None:
    journal = told.opened(tmp_path)
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = "SQLITE_IOERR_WRITE"
    assert "the disk fails" in journal._full(error)
    journal.close()


def test_a_file_of_another_kind_is_no_journal(tmp_path: Path, told: Told) -> None:
    (tmp_path / "journal").write_text("not a database" * 100)
    raises(JournalError, "cannot be opened", told.opened, tmp_path)


def test_json_is_the_same_whatever_the_order_was() -> None:
    assert canonical({"b": 1, "a": [2.5, None]}) == canonical({"a": (2.5, None), "b": 1})
    assert canonical({"b": 1, "a": 2}) == '{"a":2,"b":1}'


def test_the_last_acknowledged_entry_is_noted_beside_the_journal(written: Path) -> None:
    assert read_acked(written) == LastAcknowledged(3, 3, chain(3)[2].digest)
    assert folder_of("a/b.hub") == Path("a/b.hub.live")


def test_a_torn_note_leaves_the_one_before(written: Path) -> None:
    data = bytearray((written / "acked").read_bytes())
    data[len(data) // 2 + 10] ^= 1  # entry 3 is in the second slot
    (written / "acked").write_bytes(data)
    assert read_acked(written) == LastAcknowledged(2, 2, chain(2)[1].digest)


def test_no_note_or_one_of_another_kind_is_nothing_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_acked(tmp_path) is None
    (tmp_path / "acked").write_bytes(b"abc")
    assert read_acked(tmp_path) is None
    with (tmp_path / "acked").open("r+b") as file, monkeypatch.context() as patch:
        patch.setattr(journals, "_MAGIC", b"ANOTHER!")
        journals._note(file.fileno(), LastAcknowledged(1, 1, NO_DIGEST))
    assert read_acked(tmp_path) is None


def test_reading_changes_no_byte(written: Path) -> None:
    before = {path.name: path.read_bytes() for path in written.iterdir()}
    assert len(entries(written)) == 3
    assert {path.name: path.read_bytes() for path in written.iterdir()} == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE entries SET tick = 7 WHERE number = 2", "entry 2 does not match its digest"),
        ("UPDATE adoptions SET data = x'00' WHERE number = 2", "entry 2 does not match"),
        ("UPDATE metrics SET contacts = 1 WHERE number = 2", "entry 2 does not match"),
        ("DELETE FROM metrics WHERE number = 2", "entry 2 cannot be read"),
        ("DELETE FROM entries WHERE number = 2", "entry 2 is missing or malformed"),
    ],
)
def test_a_changed_entry_ends_the_reading_by_name(written: Path, change: str, said: str) -> None:
    edited(written, change)
    with read_journal(written) as journal, pytest.raises(BrokenError, match=said):
        list(journal.entries(0, NO_DIGEST))


def test_entries_behind_a_number_are_checked_against_its_digest(written: Path) -> None:
    with read_journal(written) as journal:
        assert list(journal.entries(2, chain(2)[1].digest)) == chain(3)[2:]
        with pytest.raises(BrokenError):
            list(journal.entries(2, NO_DIGEST))


def refused(folder: Path, said: str) -> None:
    with pytest.raises(SnapshotError, match=said), read_journal(folder):
        pass


def test_what_is_no_journal_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, "no journal")
    (tmp_path / "journal").touch()
    refused(tmp_path, "the journal is empty")
    (tmp_path / "journal").write_bytes(b"text" * 100)
    refused(tmp_path, "not a journal of Hubbub")


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("CREATE TABLE t (a)", "not a journal of Hubbub"),
        ("PRAGMA journal_mode=WAL", "lost its tables"),
    ],
)
def test_another_database_is_refused(tmp_path: Path, statement: str, said: str) -> None:
    edited(tmp_path, statement)
    refused(tmp_path, said)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("PRAGMA user_version=999", "newer Hubbub"),
        ("CREATE VIEW v AS SELECT 1", "other tables than ours"),
    ],
)
def test_a_journal_that_is_not_as_ours_is_refused(written: Path, statement: str, said: str) -> None:
    edited(written, statement)
    refused(written, said)


def test_a_journal_whose_pages_are_damaged_is_refused(written: Path) -> None:
    data = bytearray((written / "journal").read_bytes())
    data[100:4096] = bytes(3996)
    (written / "journal").write_bytes(data)
    refused(written, "cannot be read as a journal|lost its tables")


HOLD = """
import sys, pathlib
from sim.store.journal.lease import Lease
lease = Lease(pathlib.Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, which holds the lease until it is killed."""
    words = [sys.executable, "-c", HOLD, str(tmp_path / "lease")]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_another_process_is_named_and_its_death_frees_the_world(
    tmp_path: Path, other: subprocess.Popen[str]
) -> None:
    raises(LeaseError, f"process {other.pid} on", Lease, tmp_path / "lease")
    other.kill()
    other.wait()
    Lease(tmp_path / "lease").release()
