"""Hardened opening of untrusted SQLite files: no views or triggers, bounded queries and rows.

The pages of a malicious file may refer to each other in circles, so that a few kilobytes appear
to be gigabytes of rows.
"""

from __future__ import annotations

import contextlib
import math
import sqlite3
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sim.core.text import one_line
from sim.errors import SnapshotError
from sim.store.snapshot.schema import CORE_TABLES, LARGEST_VALUE, RELATIONAL_TABLES, known_tables

QUERY_SECONDS = 5.0
"""Time limit for all queries on one file together; reading chunks does not count."""

PRAGMAS = ("trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0", "query_only=ON")
OPERATIONS = 10_000
MARKS = ("application_id", "user_version")
MOST_OBJECTS = 100
"""Tables and indexes that are checked; our files have fewer."""

LONGEST_REASON = 200
LIMITS = (
    (sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_VALUE),
    (sqlite3.SQLITE_LIMIT_SQL_LENGTH, 10_000),
    (sqlite3.SQLITE_LIMIT_COLUMN, 64),
    (sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 16),
    (sqlite3.SQLITE_LIMIT_COMPOUND_SELECT, 1),
    (sqlite3.SQLITE_LIMIT_FUNCTION_ARG, 2),
    (sqlite3.SQLITE_LIMIT_ATTACHED, 0),
    (sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH, 1),
)
READABLE = frozenset([*CORE_TABLES, *RELATIONAL_TABLES, "sqlite_master", "sqlite_schema"])


_WRONG = (sqlite3.Error, UnicodeError)  # the latter: SQLite quoting the file


@contextlib.contextmanager
def gated(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a world file read-only with all of SQLite's safeguards."""
    with refusing(path), contextlib.closing(open_gated(path)) as file:
        yield file


@contextlib.contextmanager
def refusing(
    path: Path, what: str = "Hubbub world", wrong: tuple[type[Exception], ...] = _WRONG
) -> Iterator[None]:
    """Raise SnapshotError about a file in place of errors of SQLite or a check in the block."""
    try:
        yield
    except DamagedError as error:
        raise SnapshotError(path, f"damaged: {error}") from error
    except wrong as error:
        reason = one_line(str(error), LONGEST_REASON)
        raise SnapshotError(path, f"cannot be read as a {what} ({reason})") from error


def open_gated(path: Path) -> sqlite3.Connection:
    """Return a world file open for reading, after checking its tables; close it."""
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    return open_shut(uri, _require_world, path.stat().st_size)


def open_shut(
    uri: str, require_ours: Callable[[sqlite3.Connection], None], room: int = LARGEST_VALUE
) -> sqlite3.Connection:
    """Return a database open for reading, with the safeguards common to all; close it."""
    file = sqlite3.connect(uri, uri=True, isolation_level=None)
    try:
        for category, limit in LIMITS:
            file.setlimit(category, limit)
        file.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, min(LARGEST_VALUE, room))
        for pragma in PRAGMAS:
            file.execute(f"PRAGMA {pragma}")
        file.set_progress_handler(Deadline(QUERY_SECONDS), OPERATIONS)
        require_ours(file)
    except BaseException:
        file.close()
        raise
    return file


def uri_of(path: Path) -> str:
    """Return the URI for reading a database: if no process writes to it, no file is created."""
    log = path.with_name(f"{path.name}-wal")
    still = "" if log.exists() and log.stat().st_size else "&immutable=1"
    return f"{path.absolute().as_uri()}?mode=ro{still}"


def require_tables(
    path: Path, what: str, marks: tuple[int, int], tables: dict[str, str], file: sqlite3.Connection
) -> None:
    """Check owner, version and tables of a file that is not a world; only the WAL may have them."""
    owner, version = (file.execute(f"PRAGMA {name}").fetchone()[0] for name in MARKS)
    found = file.execute("SELECT name, sql FROM sqlite_master").fetchmany(MOST_OBJECTS)
    if owner != marks[0]:
        raise SnapshotError(path, f"not a {what} of Hubbub")
    if version > marks[1]:
        text = f"written by a newer Hubbub ({what} version {version}, this one reads {marks[1]})"
        raise SnapshotError(path, f"{text}; update Hubbub")
    if {name: sql for name, sql in found if sql is not None} != tables:
        raise SnapshotError(path, "damaged, or changed by another program: other tables than ours")


def make_tables(file: sqlite3.Connection, marks: tuple[int, int], tables: dict[str, str]) -> None:
    """Give a new database its identification and tables, in one transaction."""
    file.execute("BEGIN IMMEDIATE")
    for name, mark in zip(MARKS, marks, strict=True):
        file.execute(f"PRAGMA {name}={mark}")
    for sql in tables.values():
        file.execute(sql)
    file.execute("COMMIT")


def _authorise(action: int, first: str | None, *_: str | None) -> int:
    if action == sqlite3.SQLITE_SELECT:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_READ and first in READABLE:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _require_world(file: sqlite3.Connection) -> None:
    file.set_authorizer(_authorise)
    rows = file.execute("SELECT type, name, sql FROM sqlite_master")
    if difference := known_tables(rows.fetchmany(MOST_OBJECTS)):
        raise DamagedError(difference)


ROW_BYTES = 16


class DamagedError(Exception):
    """The contents of a file are inconsistent; the text is one clause."""


class Deadline:
    """Stops a query that takes too long; a progress handler of SQLite."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.restart()

    def restart(self) -> None:
        """Grant the whole time again."""
        self._end = time.monotonic() + self._seconds

    def cut(self) -> None:
        """End the time: the query was cancelled."""
        self._end = -math.inf

    def __call__(self) -> bool:
        """Return whether the time is over."""
        return time.monotonic() > self._end


class Room:
    """Limit on the size of rows; counts each that is read."""

    def __init__(self, size: int) -> None:
        self._left = size

    def take(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """Count a row, and return it."""
        self._left -= ROW_BYTES + sum(len(each) for each in row if isinstance(each, (str, bytes)))
        if self._left < 0:
            raise DamagedError("its rows claim to be larger than the file")
        return row


def bounded(rows: Iterable[tuple[Any, ...]], room: int) -> Iterator[tuple[Any, ...]]:
    """Yield rows as long as they fit into a file of ``room`` bytes."""
    return map(Room(room).take, rows)


def room_of(path: Path) -> int:
    """Return the current size of a database and its log: no query has more bytes of rows."""
    beside = (path, path.with_name(f"{path.name}-wal"))
    return sum(each.stat().st_size for each in beside if each.exists())


T = TypeVar("T")

Row = tuple[Any, ...]


class Query(NamedTuple):
    """A statement and its values."""

    sql: str  # with a question mark for each value
    given: tuple[int | str, ...] = ()  # the values


Lookup = Generator[Query, list[Row], T]
"""A generator that yields queries, is sent their rows or errors, and returns a T."""


def look_up(
    file: sqlite3.Connection | None,
    lookup: Lookup[T],
    room: Callable[[], int],
    deadline: Deadline | None = None,
) -> T:
    """Carry a lookup out."""
    step = partial(next, lookup)
    while True:
        try:
            query = step()
        except StopIteration as end:
            found: T = end.value
            return found
        assert file is not None  # noqa: S101 - who asks has a file
        if deadline is not None:
            deadline.restart()
        try:
            rows = [*bounded(file.execute(query.sql, query.given), room())]
        except Exception as error:
            step = partial(lookup.throw, error)
        else:
            step = partial(lookup.send, rows)
