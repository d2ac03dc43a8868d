"""The journal of a live world: every command is on the disk before it is acknowledged.

One thread owns the file. Entries reach it through a short queue, and each, or each group, is one
transaction of an SQLite database in WAL mode with ``synchronous=FULL``. After the commit the number
is also written to a small file beside it, and only then is the entry acknowledged: a journal that
ends before that number has lost something. Before and after each commit it checks that the files,
and the lease, are still those that were opened: writes to a file that was removed, renamed or
truncated would be lost.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import sqlite3
import struct
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import xxhash

from sim.core.files import PRIVATE, flush, flush_folder
from sim.errors import FileError
from sim.store.snapshot.files import WRITER_PRAGMAS, is_full, nameable, small
from sim.store.snapshot.gates import make_tables
from sim.store.snapshot.schema import plain

APPLICATION_ID = int.from_bytes(b"HUBJ", "big")
VERSION = 3
"""Version of the journal. Earlier ones cannot be replayed here: their steps use other draws."""

NO_DIGEST = bytes(16)
ROW_BYTES = 100
"""Approximate bytes of a row besides its command or its adoptions."""

TABLES: dict[str, str] = {
    "entries": """CREATE TABLE entries (
  number INTEGER PRIMARY KEY,
  tick INTEGER NOT NULL,
  ticks INTEGER NOT NULL,
  kind TEXT NOT NULL,
  command TEXT NOT NULL,
  author TEXT NOT NULL,
  state BLOB NOT NULL,
  digest BLOB NOT NULL
) STRICT""",
    "adoptions": """CREATE TABLE adoptions (
  number INTEGER NOT NULL,
  cascade INTEGER NOT NULL,
  count INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (number, cascade)
) STRICT, WITHOUT ROWID""",
    "metrics": """CREATE TABLE metrics (
  number INTEGER PRIMARY KEY,
  tick INTEGER NOT NULL,
  running INTEGER NOT NULL,
  queued INTEGER NOT NULL,
  adopters INTEGER NOT NULL,
  contacts INTEGER NOT NULL
) STRICT""",
    "checkpoints": """CREATE TABLE checkpoints (
  id INTEGER PRIMARY KEY,
  number INTEGER NOT NULL,
  tick INTEGER NOT NULL,
  file TEXT NOT NULL,
  world TEXT NOT NULL,
  digest BLOB NOT NULL
) STRICT""",
}
"""Exact SQL text: a journal with other tables is refused."""


@dataclass(frozen=True, slots=True)
class EntryAdoptions:
    """Adopters of one message in the ticks of an entry."""

    cascade: int
    count: int
    data: bytes


@dataclass(frozen=True, slots=True)
class EntryCounts:
    """Running and waiting messages, adoptions and contacts of all messages so far."""

    running: int
    queued: int
    adopters: int
    contacts: int


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One acknowledged command, or a run of ticks: one transaction."""

    number: int
    tick: int
    ticks: int
    kind: str
    command: str
    author: str
    adoptions: tuple[EntryAdoptions, ...]
    metrics: EntryCounts
    state: bytes
    digest: bytes = NO_DIGEST

    @property
    def size(self) -> int:
        """Approximate size in the journal, in bytes."""
        own = sum(ROW_BYTES + len(each.data) for each in self.adoptions)
        return ROW_BYTES + len(self.command) + own

    def chained(self, previous: bytes) -> bytes:
        """Return the digest of this entry when it follows one whose digest is ``previous``."""
        state = xxhash.xxh3_128(previous)
        state.update(struct.pack("<qqq", self.number, self.tick, self.ticks))
        for text in (self.kind, self.command, self.author):
            data = text.encode()
            state.update(struct.pack("<q", len(data)) + data)
        for each in self.adoptions:
            state.update(struct.pack("<qqq", each.cascade, each.count, len(each.data)))
            state.update(each.data)
        numbers = self.metrics
        state.update(
            struct.pack(
                "<qqqq", numbers.running, numbers.queued, numbers.adopters, numbers.contacts
            )
        )
        state.update(self.state)
        return state.digest()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A snapshot of the world in its state after an entry."""

    number: int
    tick: int
    file: str
    world: str
    digest: bytes


def canonical(value: Any) -> str:
    """Return JSON text that is equal for equal values, whatever their order."""
    kept = plain(value, "command")
    return json.dumps(kept, sort_keys=True, separators=(",", ":"), allow_nan=False)


ACKED_FILE, JOURNAL_FILE, LEASE_FILE = "acked", "journal", "lease"
_FILES = (JOURNAL_FILE, f"{JOURNAL_FILE}-wal", ACKED_FILE, LEASE_FILE)
_NEVER = 1 << 63
QUEUE = 8
"""Entries that wait for the disk; a slow disk slows the steps instead of filling the memory."""

TRIMMED = 16
"""Entries that are removed with each new one: no single write takes long."""

RETRY_SECONDS = 0.2
PUT_SECONDS = 0.1
MOST_PAGES = 1 << 28
"""Pages of 4 KiB; the file does not grow beyond that, as if the disk were full."""

_MAGIC = b"HUBACKED"
_SLOT = struct.Struct("<8sqq16s")
_SLOT_BYTES = _SLOT.size + 8


class JournalError(FileError):
    """The journal cannot be written; it has everything that was acknowledged."""


class LastAcknowledged(NamedTuple):
    """The last acknowledged entry."""

    number: int
    tick: int
    digest: bytes


Item = tuple[JournalEntry | None, Future[Checkpoint] | None]
Written = tuple[JournalEntry | None, Checkpoint | None]


def folder_of(path: str | os.PathLike[str]) -> Path:
    """Return the folder ``NAME.hub.live`` of a world's file, which holds the live world."""
    file = nameable(path)
    if not file.name:
        raise FileError(file, "is no name of a world file; write NAME.hub")
    return file.with_name(f"{file.name}.live")


class Journal:
    """The owner of the journal: a thread that writes its input in order."""

    def __init__(
        self,
        folder: Path,
        *,
        durable: Callable[[JournalEntry], object],
        troubled: Callable[[str | None], object],
        ended: Callable[[Exception | None], object],
        most_pages: int = MOST_PAGES,
    ) -> None:
        self.folder = folder
        self._durable = durable
        self._troubled = troubled
        self._ended = ended
        self._most_pages = most_pages
        self._items: queue.Queue[Sequence[Item] | None] = queue.Queue(QUEUE)
        self._error: Exception | None = None
        self._is_over = False
        self._cut = 0
        # number of the last checkpoint written to it since it was opened; or
        # -1
        self.named = -1
        self._gives_up = threading.Event()
        self._more_room = threading.Event()
        with _explained(folder):
            self._file = connected(folder / JOURNAL_FILE, most_pages)
            self._acked_file = os.open(
                folder / ACKED_FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE
            )
            self.acked = _last(self._file)  # the last entry on the disk
        self._known = _sizes(folder)
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    # Called from other threads

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits to be written."""
        return self._items.unfinished_tasks == 0

    def put(self, entry: JournalEntry | None, checkpoint: Future[Checkpoint] | None = None) -> None:
        """Queue something to write; wait while the queue is full."""
        self.put_all([(entry, checkpoint)])

    def put_all(self, items: Sequence[Item]) -> None:
        """Queue several such things together: the file has all of them, or none."""
        while True:
            self.require_alive()
            with contextlib.suppress(queue.Full):
                self._items.put(items, timeout=PUT_SECONDS)
                return

    def allow(self, most_pages: int) -> None:
        """Set another size limit for the file; what waits for room is retried."""
        self._most_pages = most_pages
        self._more_room.set()

    def cut(self, number: int) -> None:
        """Remove the entries up to a checkpoint's, some with each new entry."""
        self._cut = max(self._cut, number)

    def give_up(self) -> None:
        """No longer wait for room: what the disk does not take is dropped."""
        self._gives_up.set()

    def close(self) -> None:
        """Write what waits, and end; do nothing if it has ended."""
        while self._thread.is_alive():
            with contextlib.suppress(queue.Full):
                self._items.put(None, timeout=PUT_SECONDS)
                break
        self._thread.join()
        if self._error is not None:
            raise self._said(self._error) from self._error

    def require_alive(self) -> None:
        """Raise :class:`JournalError` if the owner has ended."""
        if self._is_over:
            error = self._error or RuntimeError("it was closed")
            raise self._said(error) from self._error

    def _said(self, error: Exception) -> JournalError:
        if isinstance(error, JournalError):
            return JournalError(self.folder, error.reason)
        return JournalError(self.folder, f"the journal cannot be written ({error})")

    # The owner's thread

    def _run(self) -> None:
        try:
            while (items := self._items.get()) is not None:
                self._write(items)
                self._items.task_done()
        except Exception as error:
            self._error = error
        finally:
            with contextlib.suppress(OSError, sqlite3.Error):  # a caller waits to be told
                self._file.close()
                os.close(self._acked_file)
            self._is_over = True
            self._ended(None if self._error is None else self._said(self._error))

    def _write(self, items: Sequence[Item]) -> None:
        """Commit, write the numbers, acknowledge: in this order."""
        written = [(entry, None if kept is None else kept.result()) for entry, kept in items]
        self._until_written(written)
        for entry, kept in written:
            self._note(entry, kept)
        for entry, _ in written:
            if entry is not None:
                self._durable(entry)

    def _note(self, entry: JournalEntry | None, kept: Checkpoint | None) -> None:
        if entry is not None:
            self.acked = LastAcknowledged(entry.number, entry.tick, entry.digest)
        elif kept is not None and not self.acked.number:
            self.acked = LastAcknowledged(kept.number, kept.tick, kept.digest)
        _note(self._acked_file, self.acked)
        if kept is not None:
            flush(self._acked_file)
            flush_folder(self.folder)
            self.named = kept.number

    def _until_written(self, written: Sequence[Written]) -> None:
        """Retry until it is stored where it can be found; nothing acknowledged is lost."""
        left, was_troubled = written, False
        while True:
            said = self._missing()
            if not said:
                try:
                    commit(self._file, left, self._cut)
                    left, said = (), self._missing()
                except sqlite3.OperationalError as error:
                    if not is_full(error) or self._gives_up.is_set():
                        raise
                    said = self._full(error)
            if not said:
                break
            if self._gives_up.is_set():
                raise JournalError(self.folder, said.removeprefix("Paused: ").rstrip("."))
            if not was_troubled:
                self._troubled(said)
            was_troubled = True
            self._await_room()
        if was_troubled:
            self._troubled(None)

    def _missing(self) -> str:
        """Return which file is not the one that is written to, as after a rename; "": none."""
        now = _sizes(self.folder)
        for name, (file, size) in self._known.items():
            there, length = now.get(name, (None, 0))
            if there == file and length >= size:
                continue
            what = "is gone" if there is None else "was replaced"
            back = "put it back, or "
            if there == file:  # whatever its length, its content is lost
                what, back, self._known[name] = "was cut short", "", (file, _NEVER)
            where = f"{self.folder.name}/{name}" if now else self.folder.name
            return (
                f"Paused: {where} {what} while the world runs, so the journal cannot continue; "
                f"{back}save the world under another name."
            )
        self._known = now
        return ""

    def _full(self, error: sqlite3.OperationalError) -> str:
        full = error.sqlite_errorname == "SQLITE_FULL"
        why = "the disk is full" if full else f"the disk fails ({error})"
        return (
            f"Paused: {why}, cannot write to {self.folder.name}. Everything up to tick "
            f"{self.acked.tick:,} is saved; free some space, then it continues automatically."
        )

    def _await_room(self) -> None:
        if self._more_room.wait(RETRY_SECONDS):
            self._more_room.clear()
        self._file.execute(f"PRAGMA max_page_count={self._most_pages}")


def _sizes(folder: Path) -> dict[str, tuple[tuple[int, int], int]]:
    """Return the files that a journal's names refer to now, and their minimum lengths."""
    found = {}
    for name in _FILES:
        with contextlib.suppress(OSError):
            said = (folder / name).stat()
            grows = name.startswith(JOURNAL_FILE)
            found[name] = ((said.st_dev, said.st_ino), said.st_size if grows else 0)
    return found


def connected(path: Path, most_pages: int = MOST_PAGES) -> sqlite3.Connection:
    """Open a journal for writing; create it if there is none."""
    is_new = not path.exists() or path.stat().st_size == 0
    if is_new:
        path.touch(PRIVATE)
    file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        for pragma in WRITER_PRAGMAS:
            file.execute(f"PRAGMA {pragma}")
        file.execute(f"PRAGMA max_page_count={most_pages}")
        if is_new:
            make_tables(file, (APPLICATION_ID, VERSION), TABLES)
    except BaseException:
        file.close()
        if is_new:  # an empty file would look like a journal that has lost its tables
            for left in path.parent.glob(f"{path.name}*"):
                left.unlink()
        raise
    return file


def commit(file: sqlite3.Connection, written: Sequence[Written], cut: int = 0) -> None:
    """Write one transaction, all or nothing; ``cut``: entry of the first checkpoint to keep."""
    file.execute("BEGIN IMMEDIATE")
    try:
        for entry, c in written:
            if entry is not None:
                _insert(file, entry)
            if c is not None:
                file.execute(
                    "INSERT INTO checkpoints(number, tick, file, world, digest)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (c.number, c.tick, c.file, c.world, c.digest),
                )
            if cut:
                _trim(file, cut)
        file.execute("COMMIT")
    except BaseException:
        if file.in_transaction:  # a full disk has rolled it back already
            file.execute("ROLLBACK")
        raise


def _trim(file: sqlite3.Connection, cut: int) -> None:
    """Remove checkpoints before an entry, and some of the entries up to it."""
    low = file.execute("SELECT min(number) FROM entries").fetchone()[0]
    if low is None or low > cut:
        return
    file.execute("DELETE FROM checkpoints WHERE number < ?", (cut,))
    until = min(low + TRIMMED, cut)
    for table in ("adoptions", "metrics", "entries"):
        file.execute(f"DELETE FROM {table} WHERE number <= ?", (until,))  # noqa: S608


def _insert(file: sqlite3.Connection, entry: JournalEntry) -> None:
    e, m = entry, entry.metrics
    file.execute(
        "INSERT INTO entries(number, tick, ticks, kind, command, author, state, digest)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (e.number, e.tick, e.ticks, e.kind, e.command, e.author, e.state, e.digest),
    )
    file.executemany(
        "INSERT INTO adoptions(number, cascade, count, data) VALUES (?, ?, ?, ?)",
        [(e.number, each.cascade, each.count, each.data) for each in e.adoptions],
    )
    file.execute(
        "INSERT INTO metrics(number, tick, running, queued, adopters, contacts)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (e.number, e.tick, m.running, m.queued, m.adopters, m.contacts),
    )


def _last(file: sqlite3.Connection) -> LastAcknowledged:
    """Return the last entry of a journal, or otherwise the position of its first checkpoint."""
    for table in ("entries", "checkpoints"):
        row = file.execute(
            f"SELECT number, tick, digest FROM {table} ORDER BY number DESC LIMIT 1"  # noqa: S608
        ).fetchone()
        if row is not None:
            return LastAcknowledged(*row)
    return LastAcknowledged(0, 0, bytes(16))


def _note(descriptor: int, acked: LastAcknowledged) -> None:
    """Write the number into the slot that does not hold the previous one.

    It is flushed only with checkpoints: a killed process loses nothing of it, and after a power
    failure it may be behind the journal, never ahead of it.
    """
    body = _SLOT.pack(_MAGIC, *acked)
    record = body + xxhash.xxh3_64_digest(body)
    os.pwrite(descriptor, record, acked.number % 2 * _SLOT_BYTES)


def read_acked(folder: Path) -> LastAcknowledged | None:
    """Return the last acknowledged entry, from the file beside the journal; None: unknown."""
    try:
        data = small(folder / ACKED_FILE, 2 * _SLOT_BYTES)
    except OSError:
        return None
    found = []
    for start in (0, _SLOT_BYTES):
        body, seal = data[start : start + _SLOT.size], data[start + _SLOT.size :][:8]
        if len(body) == _SLOT.size and xxhash.xxh3_64_digest(body) == seal:
            magic, *acked = _SLOT.unpack(body)
            found += [LastAcknowledged(*acked)] if magic == _MAGIC else []
    return max(found, default=None)


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise JournalError(folder, f"the journal cannot be opened ({error})") from error


JUMP = "go_to"
"""Kind of the entry by which a world goes to another tick."""

_LAST = 1 << 62


class Jump(NamedTuple):
    """An entry by which the world went to another tick."""

    number: int
    tick: int
    line: int


class RouteSegment(NamedTuple):
    """Consecutive entries, up to a tick."""

    first: int
    last: int
    until: int


@dataclass(frozen=True, slots=True)
class ReplayLine:
    """The entries to replay, in their order."""

    number: int  # number, tick: the last entry of the line, and the tick at which it ends
    tick: int
    # its segments, first to last; all other entries are off the line
    parts: tuple[RouteSegment, ...]

    @classmethod
    def to(cls, jumps: Iterable[Jump], number: int, tick: int | None = None) -> ReplayLine:
        """Return the line to an entry, or to a tick before it.

        Examples
        --------
        >>> ReplayLine.to([Jump(11, 3, 10)], 15).parts
        (RouteSegment(first=0, last=10, until=3),
         RouteSegment(first=11, last=15, until=4611686018427387904))
        """
        known = list(jumps)
        numbers = [jump.number for jump in known]
        until = _LAST if tick is None else tick
        ends, parts, last = until, [], number
        while place := bisect_right(numbers, last):
            jump = known[place - 1]
            if not 0 <= jump.line < jump.number or jump.tick < 0:
                raise ValueError(f"entry {jump.number:,} leads nowhere")
            parts.append(RouteSegment(jump.number, last, until))
            last, until = jump.line, min(until, jump.tick)
        parts.append(RouteSegment(0, last, until))
        return cls(number, ends, tuple(reversed(parts)))

    def of(self, entry: JournalEntry) -> JournalEntry | None:
        """Return the part of an entry on the line, without a digest if cut; None: it is off it."""
        part, begun = self._part(entry.number), entry.tick - entry.ticks
        if part is None or begun > part.until or (entry.ticks and begun == part.until):
            return None
        if entry.tick <= part.until:
            return entry
        ticks = part.until - begun
        said = canonical({"args": [ticks]})
        return replace(entry, tick=part.until, ticks=ticks, command=said, digest=b"")

    def leads_by(self, checkpoint: Checkpoint) -> bool:
        """Return whether the line passes the position of a checkpoint."""
        part = self._part(checkpoint.number)
        return part is not None and checkpoint.tick <= part.until

    def _part(self, number: int) -> RouteSegment | None:
        for part in self.parts:
            if part.first <= number <= part.last:
                return part
        return None


CHECKPOINT_NAME = re.compile(r"checkpoint-[0-9]{1,18}\.hub")
