""":class:`FiledRecords`: lazy loading of agents' cold records from the world's file.

A world that was loaded keeps an index of these packed records and reads a piece when it is asked
for one. The file stays open: where it is replaced, the bytes of before can still be read. Each
record's checksum is in the world's memory, so no other bytes can pass for them.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from sim.agents.cold_records import MemoryChunks
from sim.errors import InputError
from sim.store.snapshot.schema import CHUNK_BYTES

if TYPE_CHECKING:
    from sim.world.world import World

__all__ = ["COLUMN", "KEPT_BYTES", "FiledRecords", "leave_in_file"]

COLUMN = "cold.data"
KEPT_BYTES = 1 << 20
"""Packed records up to this size stay in memory."""

T = TypeVar("T")


class FiledRecords:
    """The packed records of a world file.

    Parameters
    ----------
    path
        The file.
    size
        Bytes of all records together.

    Raises
    ------
    sqlite3.Error
        When the file does not hold them.
    """

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
        """Go to other processes as bytes."""
        return MemoryChunks, (np.frombuffer(self.read(0, self._size), np.uint8),)

    def read(self, start: int, stop: int) -> bytes:
        """Return some of the bytes.

        Raises
        ------
        InputError
            When the file cannot be read any more.
        """
        try:
            with self._lock:
                return b"".join(self._pieces(start, stop))
        except (sqlite3.Error, IndexError) as error:
            raise InputError(
                f"{self.path}: what is known of agents cannot be read any more ({error}); "
                "open the world again."
            ) from error

    def close(self) -> None:
        """Let go of the file."""
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
    """Let a world that was just loaded read its cold records from its file.

    Parameters
    ----------
    world
        Loaded from ``path``.
    path
        A world file.
    kept
        Bytes up to which they stay in memory.

    Returns
    -------
    Whether it does; not where there are few, or the file is not what was loaded.
    """
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
