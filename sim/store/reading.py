"""Asynchronous reading of databases: aiosqlite executes the lookups of ``gates``.

Files are opened by the same gates, and read by the same lookups, as in :mod:`sim.store.history`,
:mod:`sim.store.journal` and :mod:`sim.store.snapshot`, which read synchronously. Cancelling an
``await`` ends its query.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TypeVar, cast

import aiosqlite

from sim.errors import SnapshotError
from sim.store.history import acts as history
from sim.store.history.acts import ActIndex, Record, file_of, find_record
from sim.store.history.database import open_history, refusing
from sim.store.journal import reading as journal
from sim.store.journal.journal import JOURNAL_FILE, folder_of
from sim.store.journal.lineage import is_of_file
from sim.store.journal.reading import (
    Audit,
    acts_of,
    candidates,
    find_acts,
    find_checkpoints,
    no_checkpoint,
    open_journal,
)
from sim.store.snapshot import gates
from sim.store.snapshot.files import as_path
from sim.store.snapshot.gates import (
    OPERATIONS,
    QUERY_SECONDS,
    Deadline,
    Lookup,
    Query,
    Room,
    Row,
    open_gated,
    room_of,
)
from sim.store.snapshot.opened import Info, OpenedFile, find_info, find_world, opened

T = TypeVar("T")


class _Connection(aiosqlite.Connection):
    """A connection with a daemon thread that ends with it."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connect, iter_chunk_size=64)
        self._thread.daemon = True
        self._stopped: asyncio.Future[object] | None = None

    def stop(self) -> asyncio.Future[object] | None:
        """Ask the thread to end after its current work; a cancelled caller does not wait for it."""
        self._stopped = super().stop()
        return None if self._stopped is None else asyncio.shield(self._stopped)

    async def ended(self) -> None:
        """Wait until the thread has ended, even if cancelled: it may call the loop."""
        left: asyncio.CancelledError | None = None
        while self._stopped is not None and not self._stopped.done():
            try:
                await asyncio.wait([self._stopped])
            except asyncio.CancelledError as error:
                left = error
        self._thread.join()
        if left is not None:
            raise left


class Database:
    """A database for lookups, one at a time."""

    def __init__(self, connection: aiosqlite.Connection, room: Callable[[], int]) -> None:
        self._connection = connection
        self._room = room
        self._deadline = Deadline(QUERY_SECONDS)

    async def guard(self) -> None:
        """Set the time limit of each query; a cancelled one has none left."""
        await self._connection.set_progress_handler(self._deadline, OPERATIONS)

    async def look_up(self, lookup: Lookup[T]) -> T:
        """Carry a lookup out, as ``gates.look_up``; cancelling interrupts the query."""
        step = partial(next, lookup)
        while True:
            try:
                query = step()
            except StopIteration as end:
                found: T = end.value
                return found
            try:
                rows = await self._rows(query)
            except Exception as error:
                step = partial(lookup.throw, error)
            else:
                step = partial(lookup.send, rows)

    async def _rows(self, query: Query) -> list[Row]:
        self._deadline.restart()
        room = Room(self._room())
        # Rows are counted in the thread, each before the next is read.
        self._connection.row_factory = lambda _, row: room.take(row)  # type: ignore[assignment]
        try:
            found = await self._connection.execute_fetchall(query.sql, query.given)
        except asyncio.CancelledError:
            self._deadline.cut()  # a lookup that waits for its turn is not interrupted
            await self._connection.interrupt()
            raise
        return cast("list[Row]", found)


@asynccontextmanager
async def connected(
    connect: Callable[[], sqlite3.Connection], room: Callable[[], int]
) -> AsyncIterator[Database]:
    """Open a database with aiosqlite, in a thread that lasts as long as the block."""
    connection = _Connection(connect)
    try:
        async with connection:
            database = Database(connection, room)
            await database.guard()
            yield database
    finally:
        await connection.ended()


# Histories


async def read_history_file(path: Path | None, lookup: Lookup[T]) -> T:
    """Carry a lookup out on a history, or without one; as ``history.acts.look_up_history``."""
    if path is None:
        return history.look_up_history(None, lookup)
    with refusing(path):
        async with connected(partial(open_history, path), partial(room_of, path)) as database:
            return await database.look_up(lookup)


async def read_record(traces: ActIndex, path: str | PathLike[str] | None) -> Record:
    """Return the record of what members did; as :func:`sim.store.history.acts.record_of`."""
    file = file_of(traces, path, None)
    return await read_history_file(file, find_record(traces, file))


# World files


async def _read_world(path: Path, lookup: Callable[[OpenedFile], Lookup[T]]) -> T:
    """Carry a lookup out on a world file."""
    found: list[OpenedFile] = []

    def connect() -> sqlite3.Connection:
        with opened(path) as file:
            found.append(file)
            return open_gated(file.path)

    with gates.refusing(path):
        async with connected(connect, lambda: found[0].body) as database:
            return await database.look_up(lookup(found[0]))


async def read_info(path: str | PathLike[str]) -> Info:
    """Return the facts on a world file; as :func:`sim.store.info`."""
    return await _read_world(as_path(path), find_info)


# Acts


async def read_audit(path: str | PathLike[str]) -> Audit:
    """Return the acts on a world; as :func:`sim.store.journal.reading.audit`."""
    file = as_path(path)
    folder = folder_of(file)
    if not (folder / JOURNAL_FILE).exists() or not await asyncio.to_thread(is_of_file, file):
        return await _read_saved(file)
    log = folder / JOURNAL_FILE
    with journal.refusing(log):
        async with connected(partial(open_journal, log), partial(room_of, log)) as database:
            for checkpoint in candidates(await database.look_up(find_checkpoints())):
                try:
                    found = await _read_saved(folder / checkpoint.file)
                except SnapshotError:
                    continue
                acts = find_acts(replace(found, path=file), log, checkpoint)
                return await database.look_up(acts)
    raise no_checkpoint(folder)


async def _read_saved(file: Path) -> Audit:
    return acts_of(file, await _read_world(file, lambda _file: find_world()))
