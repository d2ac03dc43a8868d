"""Plain SQL tables as an SQLite database of their own, with indexes, for any client."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from sim.core.progress import Report, quiet
from sim.errors import Cancelled, InputError
from sim.store.relational import tables as relational
from sim.store.relational.tables import PopulatedWorld
from sim.store.snapshot.facts import naming
from sim.store.snapshot.json_values import to_json, utf8
from sim.store.snapshot.schema import CORE_TABLES, RELATIONAL_TABLES, create_tables

__all__ = ["ExtraTable", "write_database"]

_UNIQUE = ",\n  UNIQUE (source_agent_id, target_agent_id, relationship_type)"
_OPERATIONS = 100_000
_PRAGMAS = ("journal_mode=OFF", "synchronous=OFF", "cache_size=-262144", "mmap_size=0")

# A million ties in any order are indexed faster once they are all there than one by one.
_TABLES = {name: sql.replace(_UNIQUE, "") for name, sql in RELATIONAL_TABLES.items()} | {
    "messages": CORE_TABLES["messages"].replace(
        "sender_id TEXT", "sender_id TEXT REFERENCES agents (agent_id)"
    )
}
_BATCH = 10_000
_INDEXES = (
    "CREATE UNIQUE INDEX ties_of_source ON agent_relationships"
    " (source_agent_id, target_agent_id, relationship_type)",
    "CREATE INDEX ties_of_target ON agent_relationships (target_agent_id)",
    "CREATE INDEX messages_of_sender ON messages (sender_id)",
    "CREATE INDEX sessions_of_message ON propagation_sessions (message_id)",
    "CREATE INDEX events_of_message ON propagation_events (message_id, timestamp)",
    "CREATE INDEX events_of_source ON propagation_events (source_agent_id)",
    "CREATE INDEX events_of_target ON propagation_events (target_agent_id)",
)


class ExtraTable(NamedTuple):
    """A table that is written beside the classical ones.

    Attributes
    ----------
    name, sql, columns
        What it is called, what makes it, and how many columns it has.
    rows
        Its rows.
    indexes
        What makes its indexes.
    """

    name: str
    sql: str
    columns: int
    rows: Iterator[tuple[object, ...]]
    indexes: tuple[str, ...] = ()


def write_database(
    world: PopulatedWorld,
    path: str | PathLike[str],
    *,
    posts: Iterable[tuple[object, ...]] | None = None,
    beside: Sequence[ExtraTable] = (),
    report: Report = quiet,
) -> int:
    """Write the tables of the classical schema and their indexes to an empty file.

    Parameters
    ----------
    world
        Must hold still meanwhile.
    path
        A new or empty file; what is left of it after an error is of no use.
    posts
        Messages of members as :func:`~sim.store.relational.tables.told_posts` takes them; None:
        those still in feeds.
    beside
        Further tables.
    report
        Told the stages "writing rows" and "indexing"; may cancel.

    Returns
    -------
    How many rows it holds.

    Raises
    ------
    OSError
        When the disk is full, or the file cannot be written.
    Cancelled
        When ``report`` says so.
    """
    uri = f"{Path(path).absolute().as_uri()}?mode=rwc&nolock=1"
    with _plainly(), contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as to:
        for pragma in _PRAGMAS:
            to.execute(f"PRAGMA {pragma}")
        to.execute("BEGIN")
        create_tables(to, _TABLES)
        before = to.total_changes
        relational.fill(to, world, report, posts=posts)
        to.executemany("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?)", _messages(world))
        for table in beside:
            _fill(to, table, report)
        rows = to.total_changes - before
        indexes = [*_INDEXES, *(index for table in beside for index in table.indexes)]
        for done, index in enumerate(indexes):
            with _cancellable(to, report, done / len(indexes)):
                to.execute(index)
        to.execute("COMMIT")
    return rows


def _fill(to: sqlite3.Connection, table: ExtraTable, report: Report) -> None:
    to.execute(table.sql)
    marks = ", ".join("?" * table.columns)
    while batch := list(islice(table.rows, _BATCH)):
        report("writing rows", 0.99)
        to.executemany(f"INSERT INTO {table.name} VALUES ({marks})", batch)  # noqa: S608 - our names


def _messages(world: PopulatedWorld) -> Iterator[tuple[object, ...]]:
    who = naming(world)
    for cascade in world.cascades:
        message = cascade.message
        said = {
            "tags": list(world.agents.vocabulary.names(message.tags)),
            "priority": cascade.priority,
        }
        author, kind = who(message.author), utf8(message.kind)
        yield cascade.id, author, utf8(message.text), kind, to_json(said), message.created


@contextlib.contextmanager
def _cancellable(connection: sqlite3.Connection, report: Report, share: float) -> Iterator[None]:
    """Let a long statement be cancelled: SQLite swallows what its handler raises."""
    wishes: list[Cancelled] = []

    def asked() -> bool:
        try:
            report("indexing", share)
        except Cancelled as wish:
            wishes.append(wish)
        return bool(wishes)

    connection.set_progress_handler(asked, _OPERATIONS)
    try:
        report("indexing", share)
        yield
    except sqlite3.OperationalError:
        if wishes:
            raise wishes[0] from None
        raise
    finally:
        connection.set_progress_handler(None, 0)


@contextlib.contextmanager
def _plainly() -> Iterator[None]:
    """Say as the system would what SQLite says of the disk."""
    import errno

    try:
        yield
    except sqlite3.IntegrityError as error:
        text = "two rows that must differ are the same; a file that nobody vouches for may say so"
        raise InputError(f"The world cannot be written as tables: {text} ({error}).") from error
    except sqlite3.OperationalError as error:
        full = error.sqlite_errorname == "SQLITE_FULL"
        number = errno.ENOSPC if full else errno.EIO
        raise OSError(number, str(error)) from error
