"""The history database of a world: members' acts, messages and decisions by tick, on the disk.

It is kept beside the world's file, ``NAME.hub.history``, and moves with it. A tick is identified by
its seal (:meth:`~sim.platform.acts.log.ActLog.seal`), not by its number: ticks that are repeated
after a crash write the same rows, and branches of a world do not mix. One thread owns the
connection; the thread that drives the world passes it columns that no longer change.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import msgpack
import numpy as np
import numpy.typing as npt

from sim.core.files import PRIVATE, flush, flush_folder, why_not_saved
from sim.core.text import one_line
from sim.errors import FileError, SnapshotError
from sim.platform.acts.kinds import Act
from sim.platform.acts.log import ActColumns
from sim.platform.acts.tick_record import KINDS, PostedMessages, TickRecord
from sim.store.snapshot import gates
from sim.store.snapshot.files import HEADER_BYTES, WRITER_PRAGMAS, is_full
from sim.store.snapshot.gates import DamagedError, make_tables, uri_of

PART = 1 << 16
"""Members per row of a tick's acts."""

LARGEST = 1 << 29
"""Limit in bytes of a value before packing."""

_ACT_BYTES = 13
_WROTE_BYTES = sum(np.dtype(kind).itemsize for kind in KINDS)
_LEVEL = 1


def packed_acts(acts: ActColumns, following: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield (part, count, bytes) of the acts of a tick, in order of their members."""
    order = np.argsort(acts.agent, kind="stable")
    agent, act, message, other = (column[order] for column in acts)
    message = np.uint32(following) - message
    parts = agent // np.uint32(PART)
    starts = np.flatnonzero(np.diff(parts, prepend=np.uint32(0xFFFF_FFFF)))
    ends = np.append(starts[1:], agent.size)[: starts.size]
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        rows, part = slice(start, end), int(parts[start])
        steps = np.diff(agent[rows], prepend=np.uint32(part * PART))
        columns = (steps, act[rows], message[rows], other[rows])
        yield part, end - start, zlib.compress(b"".join(map(_planes, columns)), _LEVEL)


def acts_of(part: int, count: int, data: bytes, following: int) -> ActColumns:
    """Return the acts of :func:`packed_acts`."""
    raw = _unpacked(data, count * _ACT_BYTES)
    steps, act, message, other = _columns(raw, count, ("<u4", "u1", "<u4", "<u4"))
    agent = np.cumsum(steps, dtype=np.uint32) + np.uint32(part * PART)
    if act.size and int(act.max()) >= len(Act):
        raise DamagedError("it names an act that there is not")
    return ActColumns(agent, act, np.uint32(following) - message, other)


def packed_wrote(wrote: PostedMessages) -> bytes:
    """Return messages as bytes."""
    columns = (np.asarray(column, kind) for column, kind in zip(wrote, KINDS, strict=True))
    return zlib.compress(b"".join(map(_planes, columns)), _LEVEL)


def wrote_of(count: int, data: bytes) -> PostedMessages:
    """Return the messages of :func:`packed_wrote`."""
    return PostedMessages(*_columns(_unpacked(data, count * _WROTE_BYTES), count, KINDS))


def packed_texts(texts: dict[int, str]) -> bytes:
    """Return the texts of messages by their numbers as bytes; empty for none."""
    return zlib.compress(msgpack.packb(sorted(texts.items())), _LEVEL) if texts else b""


def texts_of(data: bytes) -> dict[int, str]:
    """Return the texts of :func:`packed_texts`."""
    if not data:
        return {}
    try:
        found = msgpack.unpackb(_inflated(data), raw=False, max_ext_len=0)
        return {int(number): str(text) for number, text in found}
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise DamagedError(f"its texts cannot be read ({error})") from error


def packed_decisions(rows: Sequence[dict[str, Any]]) -> bytes:
    """Return decisions of minds as bytes."""
    return zlib.compress(json.dumps(list(rows)).encode(), _LEVEL)


def decisions_of(data: bytes) -> list[dict[str, Any]]:
    """Return the decisions of :func:`packed_decisions`."""
    try:
        rows = json.loads(_inflated(data))
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"its decisions cannot be read ({error})") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DamagedError("its decisions are no list of tables")
    return rows


def _planes(column: npt.NDArray[Any]) -> bytes:
    """Return the first bytes of all numbers, then the second ones, and so on."""
    flat = np.ascontiguousarray(column)
    return flat.view(np.uint8).reshape(flat.size, flat.itemsize).T.tobytes()


def _columns(raw: bytes, count: int, kinds: Sequence[str]) -> Iterator[npt.NDArray[Any]]:
    start = 0
    for kind in kinds:
        size = np.dtype(kind).itemsize
        planes = np.frombuffer(raw, np.uint8, count * size, start).reshape(size, count)
        yield np.ascontiguousarray(planes.T).view(kind).reshape(count)
        start += count * size


def _unpacked(data: bytes, size: int) -> bytes:
    if not 0 <= size <= LARGEST:
        raise DamagedError("it claims to be larger than any tick")
    raw = _inflated(data, size)
    if len(raw) != size:
        raise DamagedError(f"{len(raw):,} bytes are not the {size:,} that it counts")
    return raw


def _inflated(data: bytes, most: int = LARGEST) -> bytes:
    """Decompress at most one byte more than the limit; the caller checks for it."""
    try:
        return zlib.decompressobj().decompress(data, most + 1)
    except zlib.error as error:
        raise DamagedError(f"it cannot be unpacked ({error})") from error


APPLICATION_ID = int.from_bytes(b"HUBH", "big")
VERSION = 1
SUFFIX = ".history"
BESIDE = ("-wal", "-shm", "-journal")

TABLES: dict[str, str] = {
    "ticks": """CREATE TABLE ticks (
  id INTEGER PRIMARY KEY,
  tick INTEGER NOT NULL,
  chain BLOB NOT NULL UNIQUE,
  previous BLOB NOT NULL,
  acts INTEGER NOT NULL,
  posts INTEGER NOT NULL,
  first INTEGER NOT NULL
) STRICT""",
    "acts": """CREATE TABLE acts (
  id INTEGER PRIMARY KEY,
  tick INTEGER NOT NULL,
  part INTEGER NOT NULL,
  count INTEGER NOT NULL,
  data BLOB NOT NULL,
  UNIQUE (tick, part)
) STRICT""",
    "posts": """CREATE TABLE posts (
  tick INTEGER PRIMARY KEY,
  count INTEGER NOT NULL,
  data BLOB NOT NULL,
  texts BLOB NOT NULL
) STRICT""",
    "decisions": """CREATE TABLE decisions (
  tick INTEGER PRIMARY KEY,
  count INTEGER NOT NULL,
  data BLOB NOT NULL
) STRICT""",
}
"""Exact SQL text: a file with other tables is refused. ``tick`` is a ``ticks.id``, except there."""

QUEUE = 4
"""Ticks that wait for the disk; a slow disk slows the steps instead of filling the memory."""

BATCH = 16
"""Maximum number of ticks in one transaction."""

MOST_BEHIND = QUEUE + BATCH + 1
"""Maximum number of ticks that are not on the disk yet."""

RETRY_SECONDS = 0.2
SPARED = 0.9
"""Share of the limit that remains after dropping old ticks, so that this is rare."""

_ROWS = 256


class TickDecisions(NamedTuple):
    """Decisions of minds after the tick with this seal."""

    chain: bytes
    rows: Sequence[dict[str, Any]]


def history_file(path: str | PathLike[str]) -> Path:
    """Return the history database of a world's file."""
    file = Path(path)
    return file.with_name(f"{file.name}{SUFFIX}")


class HistoryDatabase:
    """The owner of a history database: a thread that writes its input in order."""

    def __init__(
        self,
        path: Path,
        *,
        most_bytes: int,
        line: Callable[[], Mapping[int, bytes]] = dict,
        noticed: Callable[[], object] = lambda: None,
    ) -> None:
        self.path = path
        self.trouble: str | None = None  # why ticks are missing, one sentence; or None
        self._most_bytes = most_bytes
        self._line = line
        self._noticed = noticed
        self._items: queue.Queue[TickRecord | TickDecisions | None] = queue.Queue(QUEUE)
        self._gives_up = threading.Event()
        self._file: sqlite3.Connection | None = None
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)
        self._thread.start()

    # Called from the thread that drives the world

    @property
    def behind(self) -> int:
        """Number of ticks that are not on the disk yet."""
        return self._items.unfinished_tasks

    def put(self, item: TickRecord | TickDecisions) -> None:
        """Queue something to write; wait while the queue is full. After a failure it is lost."""
        while self._thread.is_alive():
            with contextlib.suppress(queue.Full):
                self._items.put(item, timeout=RETRY_SECONDS)
                return
            if self.trouble is not None:
                return

    def wait(self) -> None:
        """Wait until everything so far is on the disk, or was given up."""
        is_done = self._items.all_tasks_done
        with is_done:
            while self._items.unfinished_tasks and self._thread.is_alive():
                is_done.wait(RETRY_SECONDS)

    def close(self) -> None:
        """Write what waits, and end; do nothing if it has ended."""
        self._gives_up.set()
        while self._thread.is_alive():
            with contextlib.suppress(queue.Full):
                self._items.put(None, timeout=RETRY_SECONDS)
                break
        self._thread.join()

    # The owner's thread

    def _run(self) -> None:
        try:
            is_open = True
            while is_open:
                batch = [self._items.get()]
                with contextlib.suppress(queue.Empty):
                    while len(batch) < BATCH and batch[-1] is not None:
                        batch.append(self._items.get_nowait())
                is_open = batch[-1] is not None
                self._until_written([item for item in batch if item is not None])
                for _ in batch:
                    self._items.task_done()
            if self._file is not None:
                with contextlib.suppress(sqlite3.Error):  # in use by a reader: then its log stays
                    self._file.execute("PRAGMA journal_mode=DELETE")
        except BaseException as error:  # in any case, no caller waits for a dead thread
            with contextlib.suppress(BaseException):  # this call may be what failed
                self._say(self._said(error))
        finally:
            if self._file is not None:
                self._file.close()

    def _until_written(self, batch: Sequence[TickRecord | TickDecisions]) -> None:
        """Write a batch; retry while the disk is full, unless it must not wait."""
        while batch:
            try:
                self._write(batch)
            except Exception as error:  # whatever it is, the world runs on
                self._say(self._said(error))
                if not is_full(error) or self._gives_up.is_set():
                    return
                self._gives_up.wait(RETRY_SECONDS)
            else:
                self._say(None)
                return

    def _said(self, error: BaseException) -> str:
        why = "the disk is full" if is_full(error) else str(error).rstrip(".")
        return f"What members do is not kept: {why} ({self.path.name})."

    def _say(self, trouble: str | None) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            self._noticed()

    def _write(self, batch: Sequence[TickRecord | TickDecisions]) -> None:
        """Write one transaction: the file then has all of it, or none."""
        if self._file is None:
            self._file = _connected(self.path)
        file = self._file
        file.execute("BEGIN IMMEDIATE")
        try:
            for item in batch:
                if isinstance(item, TickRecord):
                    _insert(file, item)
                else:
                    row = file.execute(
                        "SELECT id FROM ticks WHERE chain = ?", (item.chain,)
                    ).fetchone()
                    if row is not None:
                        file.execute(
                            "INSERT OR REPLACE INTO decisions(tick, count, data) VALUES (?, ?, ?)",
                            (row[0], len(item.rows), packed_decisions(item.rows)),
                        )
            self._make_room(file)
            file.execute("COMMIT")
        except BaseException:
            if file.in_transaction:  # a full disk has rolled it back already
                file.execute("ROLLBACK")
            raise

    def _make_room(self, file: sqlite3.Connection) -> None:
        """Drop the oldest ticks if there are too many: those of other branches first."""
        if _used(file) <= self._most_bytes:
            return
        line = self._line()
        rows = file.execute("SELECT id, tick, chain FROM ticks").fetchall()
        oldest = sorted(rows, key=lambda row: (line.get(row[1]) == row[2], row[1], row[0]))
        while oldest and _used(file) > SPARED * self._most_bytes:
            gone, oldest = oldest[: 1 + len(oldest) // 16], oldest[1 + len(oldest) // 16 :]
            for table, key in _KEYS.items():
                sql = f"DELETE FROM {table} WHERE {key} = ?"  # noqa: S608 - our names
                file.executemany(sql, [(row[0],) for row in gone])


_KEYS = {"acts": "tick", "posts": "tick", "decisions": "tick", "ticks": "id"}


def _insert(file: sqlite3.Connection, left: TickRecord) -> None:
    if not any(left.chain):  # from before ticks were sealed
        return
    following = left.first + left.wrote.author.size
    found = file.execute(
        "INSERT OR IGNORE INTO ticks(tick, chain, previous, acts, posts, first)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            left.tick,
            left.chain,
            left.previous,
            left.acts.agent.size,
            left.wrote.author.size,
            left.first,
        ),
    )
    if not found.rowcount:
        return
    number = found.lastrowid
    file.executemany(
        "INSERT INTO acts(tick, part, count, data) VALUES (?, ?, ?, ?)",
        ((number, *row) for row in packed_acts(left.acts, following)),
    )
    if left.wrote.author.size:
        file.execute(
            "INSERT INTO posts(tick, count, data, texts) VALUES (?, ?, ?, ?)",
            (number, left.wrote.author.size, packed_wrote(left.wrote), packed_texts(left.texts)),
        )


def _used(file: sqlite3.Connection) -> int:
    pages, free, size = (
        file.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _connected(path: Path) -> sqlite3.Connection:
    """Open a database for writing; create it if there is none."""
    is_new = not os.path.lexists(path) or not path.lstat().st_size
    if is_new:
        path.touch(PRIVATE)
    else:
        require_ours(path)
    file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        for pragma in WRITER_PRAGMAS:
            file.execute(f"PRAGMA {pragma}")
        file.execute("PRAGMA trusted_schema=OFF")
        if is_new:
            make_tables(file, (APPLICATION_ID, VERSION), TABLES)
    except BaseException:
        file.close()
        if is_new:
            drop_files(path)
        raise
    return file


# Moving along with the world


def drop_files(path: Path, ends: Sequence[str] = ("", *BESIDE)) -> None:
    """Remove a database and SQLite's files beside it; or only the latter."""
    for end in ends:
        path.with_name(path.name + end).unlink(missing_ok=True)


def drop_history(world: str | PathLike[str]) -> None:
    """Permanently remove the history of a world's file, if there is one."""
    drop_files(history_file(world))


def move_history(world: str | PathLike[str], target: str | PathLike[str]) -> None:
    """Move a world's history, which must not be open, to another world; replace that one's."""
    source, goal = history_file(world), history_file(target)
    with _explained(goal):
        if not source.is_file():
            drop_files(goal)
            return
        _take_in_log(source)
        drop_files(goal, BESIDE)
        source.replace(goal)  # the log of a damaged one moves along: it can be recovered by hand
        for end in BESIDE:
            path = source.with_name(source.name + end)
            if path.exists():
                path.replace(goal.with_name(goal.name + end))
        flush_folder(goal.parent)


def copy_history(world: str | PathLike[str], target: str | PathLike[str]) -> None:
    """Copy the committed part of a world's history to another world; replace that one's."""
    source, goal = history_file(world), history_file(target)
    if source.absolute() == goal.absolute():
        return
    if not source.is_file() or source.is_symlink():
        with _explained(goal):
            drop_files(goal)
        return
    draft = goal.with_name(f".{goal.name}.partial")
    with _explained(goal), _gone_afterwards(draft):
        draft.touch(PRIVATE)
        if not _copied_by_sqlite(source, draft):
            shutil.copyfile(source, draft)  # damaged: it is copied unchanged
        with draft.open("rb") as file:
            flush(file.fileno())
        drop_files(goal, BESIDE)  # SQLite matches a log to a database only by its name
        draft.replace(goal)
        flush_folder(goal.parent)


def damage_of_history(world: str | PathLike[str]) -> str:
    """Return why the pages of a world's history cannot be read completely; "": they can."""
    file = history_file(world)
    if not file.is_file():
        return ""
    try:
        with contextlib.closing(sqlite3.connect(uri_of(file), uri=True)) as database:
            (said,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        said = str(error)
    return "" if said == "ok" else one_line(said)


def _take_in_log(path: Path) -> None:
    """Merge a database's log into it, so that it is one file; a damaged one stays."""
    if not path.with_name(f"{path.name}-wal").exists():
        return
    with contextlib.suppress(sqlite3.Error, FileError):
        require_ours(path)
        with contextlib.closing(sqlite3.connect(path)) as file:
            file.execute("PRAGMA journal_mode=DELETE")


def _copied_by_sqlite(source: Path, draft: Path) -> bool:
    try:
        with (
            contextlib.closing(sqlite3.connect(uri_of(source), uri=True)) as file,
            contextlib.closing(sqlite3.connect(draft)) as copy,
        ):
            copy.execute("PRAGMA synchronous=OFF")
            file.backup(copy, pages=_ROWS * 16)
            copy.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.DatabaseError as error:
        if is_full(error):
            raise
        return False
    return True


@contextlib.contextmanager
def _gone_afterwards(draft: Path) -> Iterator[None]:
    try:
        drop_files(draft)
        yield
    finally:
        drop_files(draft)


@contextlib.contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileError(target, f"not copied: {why_not_saved(error)}") from error
    except sqlite3.Error as error:
        raise FileError(target, f"not copied: the file could not be written ({error})") from error


@contextlib.contextmanager
def gated_history(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a history database for reading with all of SQLite's safeguards."""
    with refusing(path), contextlib.closing(open_history(path)) as file:
        yield file


refusing = partial(gates.refusing, what="history", wrong=(sqlite3.Error, UnicodeError, TypeError))


def open_history(path: Path) -> sqlite3.Connection:
    """Return a history database open for reading, after checking its tables; close it."""
    for end in ("", *BESIDE):
        each = path.with_name(path.name + end)
        if each.is_symlink() or (each.exists() and not each.is_file()):
            raise SnapshotError(each, "no regular file, and no part of a history of ours")
    try:
        with path.open("rb") as file:
            header = file.read(HEADER_BYTES)
    except OSError as error:
        raise SnapshotError(path, f"cannot be read ({error})") from error
    if not header.startswith(b"SQLite format 3\0") or len(header) < HEADER_BYTES:
        raise SnapshotError(path, "not a history of Hubbub")
    check = partial(gates.require_tables, path, "history", (APPLICATION_ID, VERSION), TABLES)
    return gates.open_shut(uri_of(path), check)


def require_ours(path: Path) -> None:
    """Raise SnapshotError for a file that is not our history database."""
    with gated_history(path):
        pass
