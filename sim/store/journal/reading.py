"""Journal reader, which checks every entry by its digest; and the audit of all acts."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from sim.core.text import one_line
from sim.errors import SnapshotError
from sim.store.journal.audit import acts_in, broken
from sim.store.journal.journal import (
    APPLICATION_ID,
    CHECKPOINT_NAME,
    JOURNAL_FILE,
    JUMP,
    NO_DIGEST,
    ROW_BYTES,
    TABLES,
    VERSION,
    Checkpoint,
    EntryAdoptions,
    EntryCounts,
    JournalEntry,
    Jump,
    ReplayLine,
    folder_of,
)
from sim.store.journal.lineage import is_of_file
from sim.store.snapshot import gates, schema
from sim.store.snapshot.files import HEADER_BYTES, as_path
from sim.store.snapshot.gates import (
    OPERATIONS,
    QUERY_SECONDS,
    DamagedError,
    Deadline,
    Lookup,
    Query,
    Row,
    bounded,
    gated,
    look_up,
    room_of,
)
from sim.store.snapshot.opened import opened, world_rows
from sim.store.snapshot.schema import from_json
from sim.world.log import LoggedAct

T = TypeVar("T")

ENTRY_TYPES = (int, int, int, str, str, str, bytes, bytes)
CHECKPOINT_TYPES = (int, int, str, str, bytes)
LONGEST_REASON = 200
LARGEST_VALUE = 1 << 30
ADOPTION_BYTES = 12
BROKEN = (sqlite3.Error, ValueError, TypeError, DamagedError, MemoryError)


class BrokenError(Exception):
    """An untrustworthy entry; the text is one clause."""


class JournalFile:
    """A journal open for reading."""

    def __init__(self, path: Path, connection: sqlite3.Connection, version: int) -> None:
        self.path = path
        self.version = version
        self._file = connection
        self._deadline = Deadline(QUERY_SECONDS)
        connection.set_progress_handler(self._deadline, OPERATIONS)

    def expect(self, agents: int) -> None:
        """Set the number of agents: no value is longer than their adoptions need."""
        longest = schema.LARGEST_VALUE + ADOPTION_BYTES * agents
        self._file.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, min(LARGEST_VALUE, longest))

    def look_up(self, lookup: Lookup[T]) -> T:
        """Carry a lookup out."""
        return look_up(self._file, lookup, lambda: room_of(self.path), self._deadline)

    def checkpoints(self) -> list[Checkpoint]:
        """Return the checkpoints it names, newest first; rows of wrong types are left out."""
        return self.look_up(find_checkpoints())

    def line(self, number: int | None = None, tick: int | None = None) -> ReplayLine:
        """Return the line to an entry, None: the last one; if a tick is given, up to that."""
        try:
            jumps = self.jumps()
            last = max(self._last("entries"), self._last("checkpoints"))
            return ReplayLine.to(jumps, last if number is None else min(number, last), tick)
        except BROKEN as error:
            reason = one_line(str(error), LONGEST_REASON)
            raise BrokenError(f"no way through the journal can be read ({reason})") from error

    def _last(self, table: str) -> int:
        found = self._file.execute(f"SELECT max(number) FROM {table}").fetchone()  # noqa: S608
        return found[0] or 0

    def rows(self, sql: str, *given: int | str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query; they are not checked against digests."""
        self._deadline.restart()
        for row in bounded(self._file.execute(sql, given), room_of(self.path)):
            yield row
            self._deadline.restart()  # a replay may take any time

    def bytes_to(self, number: int) -> int:
        """Return the approximate size of the entries up to a number, in bytes."""
        size = 0
        for sql in (
            "SELECT count(*), sum(length(command)) FROM entries WHERE number <= ?",
            "SELECT count(*), 12 * sum(count) FROM adoptions WHERE number <= ?",
        ):
            count, more = next(self.rows(sql, number))
            size += ROW_BYTES * count + int(more or 0)
        return size

    def jumps(self) -> list[Jump]:
        """Return the entries by which the world went to another tick, in order."""
        found = []
        for number, said in self.rows(
            "SELECT number, command FROM entries WHERE kind = ? ORDER BY number", JUMP
        ):
            try:
                tick, line = from_json(said)["args"]
                found.append(Jump(number, int(tick), int(line)))
            except (LookupError, TypeError, ValueError) as error:
                raise BrokenError(f"entry {number:,} says not where the world went") from error
        return found

    def entries(self, after: int, previous: bytes) -> Iterator[JournalEntry]:
        """Yield the entries after number ``after``, each checked."""
        expected = after + 1
        try:
            for row in self.rows(_ENTRIES, after):
                yield (entry := self.look_up(_checked(row, expected, previous)))
                expected, previous = expected + 1, entry.digest
        except BROKEN as error:
            raise _unreadable(expected, error) from error


_ENTRIES = (
    "SELECT number, tick, ticks, kind, command, author, state, digest FROM entries"
    " WHERE number > ? ORDER BY number"
)


def find_checkpoints() -> Lookup[list[Checkpoint]]:
    """Lookup for :meth:`JournalFile.checkpoints`."""
    rows = yield Query("SELECT number, tick, file, world, digest FROM checkpoints ORDER BY id DESC")
    return [Checkpoint(*row) for row in rows if _types(row) == CHECKPOINT_TYPES]


def find_entry(after: int, previous: bytes) -> Lookup[JournalEntry | None]:
    """Lookup for the entry after number ``after``, checked as by :meth:`JournalFile.entries`."""
    try:
        for row in (yield Query(f"{_ENTRIES} LIMIT 1", (after,))):
            return (yield from _checked(row, after + 1, previous))
    except BROKEN as error:
        raise _unreadable(after + 1, error) from error
    return None


def _checked(row: Row, expected: int, previous: bytes) -> Lookup[JournalEntry]:
    if _types(row) != ENTRY_TYPES or row[0] != expected:
        raise BrokenError(f"entry {expected:,} is missing or malformed")
    number, tick, ticks, kind, command, author, state, digest = row
    adoptions = yield Query(
        "SELECT cascade, count, data FROM adoptions WHERE number = ? ORDER BY cascade", (number,)
    )
    metrics = yield Query(
        "SELECT running, queued, adopters, contacts FROM metrics WHERE number = ?", (number,)
    )
    beside = (
        tuple(EntryAdoptions(*each) for each in adoptions),
        EntryCounts(*next(iter(metrics), ())),
    )
    entry = JournalEntry(number, tick, ticks, kind, command, author, *beside, state, digest)
    if entry.chained(previous) != entry.digest:
        raise BrokenError(f"entry {expected:,} does not match its digest")
    return entry


def _unreadable(expected: int, error: BaseException) -> BrokenError:
    reason = one_line(str(error), LONGEST_REASON)
    return BrokenError(f"entry {expected:,} cannot be read ({reason})")


@contextlib.contextmanager
def read_journal(folder: Path) -> Iterator[JournalFile]:
    """Open the journal of a live world for reading; its bytes stay unchanged."""
    path = folder / JOURNAL_FILE
    with refusing(path), contextlib.closing(open_journal(path)) as file:
        yield JournalFile(path, file, int(file.execute("PRAGMA user_version").fetchone()[0]))


refusing = partial(gates.refusing, what="journal")


def open_journal(path: Path) -> sqlite3.Connection:
    """Return a journal open for reading, after checking its tables; close it."""
    if path.is_symlink() or not path.is_file():
        raise SnapshotError(path, "no journal; this world was not running with one")
    for end in ("-wal", "-shm", "-journal"):
        beside = path.with_name(path.name + end)
        if beside.is_symlink() or (beside.exists() and not beside.is_file()):
            raise SnapshotError(beside, "no regular file, and no part of a journal of ours")
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    if not header:
        raise SnapshotError(path, "damaged: the journal is empty")
    if not header.startswith(b"SQLite format 3\0") or len(header) < HEADER_BYTES:
        raise SnapshotError(path, "not a journal of Hubbub")
    return gates.open_shut(gates.uri_of(path), partial(_require_ours, path))


def _require_ours(path: Path, file: sqlite3.Connection) -> None:
    if file.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
        raise SnapshotError(path, "damaged: the journal has lost its tables")
    gates.require_tables(path, "journal", (APPLICATION_ID, VERSION), TABLES, file)


def _types(row: tuple[object, ...]) -> tuple[type, ...]:
    return tuple(type(value) for value in row)


@dataclass(frozen=True, slots=True)
class Audit:
    """All acts on a world since it was made.

    Attributes
    ----------
    path
        Its file.
    acts
        In order.
    tick, digest
        Of the world in the file; None if the acts continue in a journal.
    findings
        A sentence for everything that is wrong with the log; empty: no act was changed.
    """

    path: Path
    acts: tuple[LoggedAct, ...]
    tick: int | None
    digest: str | None
    findings: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing, changed or out of place."""
        return not self.findings


def audit(path: str | PathLike[str]) -> Audit:
    """Return the acts on the world of a file, up to the end of its journal if it has one.

    Nothing is changed, and no plugin is imported.

    Raises
    ------
    SnapshotError
        If there is neither a world file nor a journal that can be read.
    """
    file = as_path(path)
    folder = folder_of(file)
    if not (folder / JOURNAL_FILE).exists() or not is_of_file(file):
        return saved_acts(file)
    with read_journal(folder) as journal:
        return _live(file, folder, journal)


def checked(path: str | PathLike[str]) -> int:
    """Check the log of acts of a world file; return its number of acts."""
    found = saved_acts(as_path(path))
    if found.findings:
        raise SnapshotError(found.path, found.findings[0].rstrip("."))
    return len(found.acts)


def journal_checked(folder: Path) -> int:
    """Check the chain of a journal; return its number of entries."""
    count = 0
    with read_journal(folder) as journal:
        try:
            first = min(journal.checkpoints(), key=lambda each: each.number, default=None)
            begun = (0, NO_DIGEST) if first is None else (first.number, first.digest)
            for _ in journal.entries(*begun):
                count += 1
        except BrokenError as error:
            raise SnapshotError(journal.path, str(error)) from None
    return count


def saved_acts(file: Path) -> Audit:
    """Return the acts in a world file alone, ignoring a journal beside it."""
    with opened(file) as world, gated(world.path) as connection:
        return acts_of(file, world_rows(connection))


def acts_of(file: Path, rows: dict[str, str]) -> Audit:
    """Return the acts in the table ``world`` of a file."""
    finding = broken(rows)
    try:
        acts = tuple(acts_in(rows))
    except ValueError:
        acts = ()
    tick = rows.get("tick", "")
    return Audit(
        file,
        acts,
        int(tick) if tick.isdecimal() and len(tick) < 19 else None,
        rows.get("digest"),
        (_sentence(finding),) if finding else (),
    )


def _live(file: Path, folder: Path, journal: JournalFile) -> Audit:
    """Return the acts of the newest readable checkpoint, and the entries after it."""
    for checkpoint in candidates(journal.checkpoints()):
        try:
            found = saved_acts(folder / checkpoint.file)
        except SnapshotError:
            continue
        return journal.look_up(find_acts(replace(found, path=file), journal.path, checkpoint))
    raise no_checkpoint(folder)


def candidates(checkpoints: list[Checkpoint]) -> list[Checkpoint]:
    """Return the checkpoints whose file names are valid."""
    return [each for each in checkpoints if CHECKPOINT_NAME.fullmatch(each.file)]


def no_checkpoint(folder: Path) -> SnapshotError:
    """Return the error for a journal without any checkpoint to start from."""
    return SnapshotError(folder, "no checkpoint can be read; hubbub recover says why")


def find_acts(found: Audit, journal: Path, checkpoint: Checkpoint) -> Lookup[Audit]:
    """Lookup for the acts after a checkpoint, as they were when the lookup began."""
    acts, findings = list(found.acts), list(found.findings)
    number, digest = checkpoint.number, checkpoint.digest
    yield Query("BEGIN")  # the process that writes to it may trim it meanwhile
    try:
        while (entry := (yield from find_entry(number, digest))) is not None:
            adopted = f"tick {entry.tick:,}, {entry.metrics.adopters:,} adoptions"
            result = adopted if entry.kind == "step" else ""
            tick = entry.tick - entry.ticks
            act = LoggedAct(len(acts), tick, entry.author, entry.kind, entry.command, result)
            acts.append(replace(act, digest=act.chained(acts[-1].digest if acts else "")))
            number, digest = entry.number, entry.digest
    except BrokenError as error:
        findings.append(_sentence(f"{journal.name}: {error}"))
    same = len(acts) == len(found.acts)
    return Audit(
        found.path,
        tuple(acts),
        found.tick if same else None,
        found.digest if same else None,
        tuple(findings),
    )


def _sentence(clause: str) -> str:
    return f"{clause[:1].upper()}{clause[1:]}."
