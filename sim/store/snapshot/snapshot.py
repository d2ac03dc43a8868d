"""``save`` and ``load``: a world as one SQLite file, written atomically.

Writing: a new SQLite file beside the target (no journal: it is not visible before it is finished),
digests after the last page, fsync, rename, fsync of the folder. Reading: magic, owner and
version as bytes; then all bytes are hashed by a thread while the columns are read through SQLite
behind gates (:mod:`sim.store.snapshot.gates`), and no world is returned before the digest is
right.

A loaded world keeps an index of its packed records and reads each one on demand. The file stays
open: if it is replaced, the old bytes can still be read. Each record's checksum is in the world's
memory, so no other bytes are accepted.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from sim.agents.records import MemoryChunks
from sim.core.progress import Report, quiet
from sim.errors import FileError, InputError
from sim.settings.durations import timed
from sim.store import relational as rows
from sim.store.journal import audit
from sim.store.snapshot import columns as arrays
from sim.store.snapshot import files, schema
from sim.store.snapshot.files import as_path
from sim.store.snapshot.opened import Restore, S, Storable, opened, packed
from sim.store.snapshot.schema import CHUNK_BYTES, plain

if TYPE_CHECKING:
    from sim.world.world import World


LARGEST_FILE_PAGES = 1 << 24
"""1 TiB; SQLite refuses to grow beyond it as if the disk were full."""


@dataclass(frozen=True, slots=True)
class SaveReport:
    """The result of a save.

    Attributes
    ----------
    path
        The file.
    bytes, seconds
        Its size, and the time until it was safe on the disk.
    """

    path: Path
    bytes: int
    seconds: float


def save(
    world: Storable,
    path: str | PathLike[str],
    *,
    report: Report = quiet,
    note: str = "",
    name: str | None = None,
    relational: bool | None = None,
    strong: bool = True,
) -> SaveReport:
    """Save a world; the previous file stays intact until the new one is safe on the disk.

    Parameters
    ----------
    world
        It is not changed; it must not change meanwhile.
    path
        The file, by convention ``NAME.hub``. It may replace a world file, but no other file.
    report
        Called with the stages "packing", "writing rows", "writing" and "checking"; may cancel until
        the rename.
    note, name
        A line for people, and the world's name (default: the file's).
    relational
        Also write agents, ties and adoptions as rows for ``SELECT``. None: for worlds of up to
        100,000 agents and 400,000 such rows.
    strong
        Also compute BLAKE2b of the file, which ``verify`` compares; checkpoints omit it.

    Returns
    -------
    The path, the size and the duration.

    Raises
    ------
    FileError
        If the file cannot be written, with the reason; the attempt leaves nothing behind.
    InputError
        If the world's metadata or columns are of a kind that a snapshot cannot hold.
    Cancelled
        If ``report`` cancels; the previous file is untouched.
    """
    started = time.perf_counter()
    target = as_path(path)
    report("packing", 0.0)
    meta, columns = packed(world)
    meta, columns = plain(meta), arrays.check_columns(columns)
    people = rows.of(world, relational)
    said = {"name": target.stem if name is None else name, "note": note, "digest": world.digest()}
    with timed("save"), _explained(target), files.draft(target) as draft:
        with _created(draft.path) as file:
            models = arrays.mirror(file, meta, columns, arrays.naming(world))
            arrays.write_facts(file, meta, said | arrays.counted(world, meta, models))
            audit.write(file, world)
            if people is not None:
                rows.write(file, people, report)
            arrays.write(file, columns, report)
        size = seal(draft.descriptor, files.full if strong else files.quick, report)
        report("checking", 1.0)
        draft.publish()
    return SaveReport(target, size, time.perf_counter() - started)


def load(path: str | PathLike[str], *, report: Report = quiet) -> World:
    """Load a world; it continues as if it had never stopped.

    Parameters
    ----------
    path
        A file that ``save`` wrote, or a symbolic link to one. It is never changed, and nothing
        in it is ever executed.
    report
        Called with the stages "reading", "checking" and "restoring"; may cancel.

    Returns
    -------
    A world whose ``digest()`` is the saved one's.

    Raises
    ------
    SnapshotError
        If the file is missing, foreign, truncated, damaged (any flipped bit is detected) or of a
        newer version, or needs more memory than is free (then also a ``CapacityError``).
    """
    from sim.world.world import World

    world = read(path, World.restore, report=report)
    leave_in_file(world, as_path(path))
    return world


def read(path: str | PathLike[str], restore: Restore[S], *, report: Report = quiet) -> S:
    """Load anything that ``save`` wrote; ``load`` with the builder as a parameter.

    Parameters
    ----------
    path, report
        As in :func:`load`.
    restore
        Called with (meta, columns). Its result is returned only if every byte is unchanged since
        it was written; it must not trust its arguments.

    Returns
    -------
    The result of ``restore``, its digest compared with the stored one.
    """
    with opened(as_path(path)) as file:
        return file.restored(restore, report)


@contextlib.contextmanager
def _created(path: Path) -> Iterator[sqlite3.Connection]:
    """Fill an empty file in one transaction, without a journal and without fsync."""
    uri = f"{path.absolute().as_uri()}?mode=rw&nolock=1"  # its draft is locked already
    with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as file:
        file.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, schema.LARGEST_VALUE)  # more is unreadable
        for pragma in (
            f"page_size={schema.PAGE_BYTES}",
            "journal_mode=OFF",  # before anything is written, or a killed save leaves a journal
            "synchronous=OFF",
            f"application_id={schema.APPLICATION_ID}",
            f"user_version={schema.VERSION}",
            f"max_page_count={LARGEST_FILE_PAGES}",
            "mmap_size=0",
        ):
            file.execute(f"PRAGMA {pragma}")
        file.execute("BEGIN")
        schema.create_tables(file, schema.CORE_TABLES)
        yield file
        file.execute("COMMIT")


def seal(descriptor: int, begin: Callable[[int, int], files.Leaves], report: Report) -> int:
    """Append the trailer and return the size; on return every byte is on the disk."""
    body = os.fstat(descriptor).st_size
    with ThreadPoolExecutor(1) as pool:  # the disk writes while the processor hashes
        flushed = pool.submit(files.flush, descriptor)
        with begin(descriptor, body) as leaves:
            trailer = leaves.trailer(report)
        flushed.result()
    os.pwrite(descriptor, trailer.bytes, body)
    files.flush(descriptor)
    return body + files.TRAILER_BYTES


_REFUSED = {
    "SQLITE_FULL": "the disk is full",
    "SQLITE_TOOBIG": f"one of its texts is longer than {schema.LARGEST_VALUE:,} bytes, shorten it",
}


@contextlib.contextmanager
def _explained(target: Path) -> Iterator[None]:
    """Translate an error of the system or SQLite into one sentence for a person."""
    try:
        yield
    except OSError as error:
        raise FileError(target, f"not saved: {files.why_not_saved(error)}") from error
    except sqlite3.Error as error:
        reason = _REFUSED.get(error.sqlite_errorname) or f"the file could not be written ({error})"
        raise FileError(target, f"not saved: {reason}") from error


COLUMN = "cold.data"
KEPT_BYTES = 1 << 20
"""Packed records up to this size stay in memory."""

T = TypeVar("T")


class FiledRecords:
    """The packed records of a world file, read on demand."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self._size = size
        self._lock = Lock()
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        self._file = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        self._file.execute("PRAGMA mmap_size=0")
        rows = self._file.execute(
            "SELECT id FROM chunks WHERE column = ? ORDER BY number", (COLUMN,)
        )
        self._rows = [int(row) for (row,) in rows]

    def __len__(self) -> int:
        return self._size

    def __deepcopy__(self, memo: object) -> FiledRecords:
        return self

    def __reduce__(
        self,
    ) -> tuple[type[MemoryChunks], tuple[np.ndarray[tuple[int], np.dtype[np.uint8]]]]:
        """Pickle the records as bytes, for other processes."""
        return MemoryChunks, (np.frombuffer(self.read(0, self._size), np.uint8),)

    def read(self, start: int, stop: int) -> bytes:
        """Return a range of the bytes."""
        try:
            with self._lock:
                return b"".join(self._pieces(start, stop))
        except (sqlite3.Error, IndexError) as error:
            raise InputError(
                f"{self.path}: what is known of agents cannot be read any more ({error}); "
                "open the world again."
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()

    def _pieces(self, start: int, stop: int) -> list[bytes]:
        found = []
        while start < stop:
            number, offset = divmod(start, CHUNK_BYTES)
            count = min(stop - start, CHUNK_BYTES - offset)
            with self._file.blobopen("chunks", "data", self._rows[number], readonly=True) as blob:
                blob.seek(offset)
                piece = blob.read(count)
            if len(piece) != count:
                raise IndexError(f"{len(piece)} of {count} bytes at {start}")
            found.append(piece)
            start += count
        return found


def leave_in_file(world: World, path: Path, *, kept: int = KEPT_BYTES) -> bool:
    """Let a freshly loaded world read its cold records from its file."""
    cold = world.agents.lore.cold
    size = cold.packed_bytes
    if size <= kept:
        return False
    try:
        filed = FiledRecords(path, size)
        try:
            same = filed.read(0, size) == cold.packed()
        except InputError:
            same = False
    except sqlite3.Error:
        return False
    if not same:
        filed.close()
        return False
    cold.lie_in(filed)
    return True
