"""Files of worlds: drafts of saves, what a small file holds, what a full disk says."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

from sim.core.whole_files import PRIVATE, Draft, flush, flush_folder, sweep, why_not_saved
from sim.errors import FileError
from sim.store.snapshot.header import HEADER_BYTES, is_world_file

__all__ = ["Draft", "draft", "flush", "flush_folder", "is_full", "small", "sweep", "why_not_saved"]

WRITER_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "mmap_size=0", "cache_size=-512")
"""Of databases that are written to while a world lives. Of their pages half a MB is held: they are
written in order, and the usual 2 MB of each fill over an hour."""

FULL = frozenset([errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
FULL_NAMES = frozenset(["SQLITE_FULL", "SQLITE_IOERR", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC"])
"""What may be over once there is room again."""


@contextlib.contextmanager
def draft(target: Path) -> Iterator[Draft]:
    """Open a draft of ``target``; it is gone afterwards unless it was published."""
    _require_replaceable(target)
    sweep(target)
    work = Draft(target, PRIVATE)
    try:
        yield work
    finally:
        work.discard()
        os.close(work.descriptor)


def small(path: Path, most: int) -> bytes:
    """Return the first bytes of a regular file; of a pipe or a link nothing is read."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        return os.pread(descriptor, most, 0)
    finally:
        os.close(descriptor)


def is_full(error: BaseException | None) -> bool:
    """Return whether an error of the system or of SQLite may be over once there is room again."""
    if isinstance(error, OSError):
        return error.errno in FULL
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorname in FULL_NAMES


def _require_replaceable(target: Path) -> None:
    """Refuse what a save may not replace."""
    try:
        found = target.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISLNK(found):
        raise FileError(target, "a symbolic link; save to the file that it leads to, or elsewhere")
    if not stat.S_ISREG(found):
        raise FileError(target, "not a regular file; choose another name")
    with target.open("rb") as file:
        header = file.read(HEADER_BYTES)
    if header and not is_world_file(header):
        raise FileError(target, "exists and is not a Hubbub world; choose another name")
