"""Hardened opening of untrusted SQLite files: no views or triggers, bounded queries and rows.

The pages of a file made to harm may lead into each other again and again, so that a few kilobytes
seem to be gigabytes of rows.
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
"""What all queries on one file may take together; reading chunks does not count."""

PRAGMAS = ("trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0", "query_only=ON")
OPERATIONS = 10_000
MARKS = ("application_id", "user_version")
MOST_OBJECTS = 100
"""Tables and indexes that are looked at; our files have fewer."""

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
    """Open a world file read-only behind every gate that SQLite has."""
    with refusing(path), contextlib.closing(open_gated(path)) as file:
        yield file


@contextlib.contextmanager
def refusing(
    path: Path, what: str = "Hubbub world", wrong: tuple[type[Exception], ...] = _WRONG
) -> Iterator[None]:
    """Raise SnapshotError of a file in place of what SQLite or a check raises in the block."""
    try:
        yield
    except DamagedError as error:
        raise SnapshotError(path, f"damaged: {error}") from error
    except wrong as error:
        reason = one_line(str(error), LONGEST_REASON)
        raise SnapshotError(path, f"cannot be read as a {what} ({reason})") from error


def open_gated(path: Path) -> sqlite3.Connection:
    """Return a world file open for reading, its tables found to be ours; close it."""
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    return open_shut(uri, _require_world, path.stat().st_size)


def open_shut(
    uri: str, require_ours: Callable[[sqlite3.Connection], None], room: int = LARGEST_VALUE
) -> sqlite3.Connection:
    """Return a database open for reading, behind the gates that all of them have; close it."""
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
    """Return how a database is read: where nobody writes to it, nothing is made beside it."""
    log = path.with_name(f"{path.name}-wal")
    still = "" if log.exists() and log.stat().st_size else "&immutable=1"
    return f"{path.absolute().as_uri()}?mode=ro{still}"


def require_tables(
    path: Path, what: str, marks: tuple[int, int], tables: dict[str, str], file: sqlite3.Connection
) -> None:
    """Compare owner, version and tables of what is no world; the WAL may have them alone."""
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
    """Give a new database its marks and tables, at once."""
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
    """What a file says does not fit together; the text is one clause."""


class Deadline:
    """Stops a query that takes too long; a progress handler of SQLite."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.restart()

    def restart(self) -> None:
        """Give it the whole time again."""
        self._end = time.monotonic() + self._seconds

    def cut(self) -> None:
        """Let it be over: nobody waits for the query any more."""
        self._end = -math.inf

    def __call__(self) -> bool:
        """Return whether it is over."""
        return time.monotonic() > self._end


class Room:
    """What rows may take; counts each that is read."""

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
    """Return the bytes of a database and its log now: no rows of a query can be larger."""
    beside = (path, path.with_name(f"{path.name}-wal"))
    return sum(each.stat().st_size for each in beside if each.exists())


T = TypeVar("T")

Row = tuple[Any, ...]


class Query(NamedTuple):
    """A statement and what it is given."""

    sql: str  # with a question mark for each value
    given: tuple[int | str, ...] = ()  # the values


Lookup = Generator[Query, list[Row], T]
"""Yields queries, is sent their rows or has their errors raised in it, returns a T."""


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
