"""Atomic files, old or new, never a mix: written beside the target, flushed, renamed over it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

from sim.errors import FileError
from sim.store.snapshot.header import HEADER_BYTES, is_world_file

__all__ = ["Draft", "draft", "flush", "flush_folder", "is_full", "small", "sweep", "why_not_saved"]

FULL_FLUSH = getattr(fcntl, "F_FULLFSYNC", None)
"""On macOS fsync stops at the drive's own cache; this goes through it."""

WRITER_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "mmap_size=0", "cache_size=-512")
"""Of databases that are written to while a world lives. Of their pages half a MB is held: they are
written in order, and the usual 2 MB of each fill over an hour."""

NO_FOLDER_FLUSH = frozenset([errno.EINVAL, errno.ENOTSUP, errno.EBADF])
FULL = frozenset([errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
FULL_NAMES = frozenset(["SQLITE_FULL", "SQLITE_IOERR", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC"])
"""What may be over once there is room again."""

REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your disk quota is used up",
    errno.EFBIG: "the file would be larger than is allowed here",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "you may not write there",
    errno.EPERM: "you may not write there",
    errno.ENOENT: "its folder does not exist, create it first",
    errno.ENOTDIR: "its folder is a file",
    errno.ENAMETOOLONG: "the name is too long",
}


class Draft:
    """A file being written under a temporary name; it carries a lock while its writer lives.

    Attributes
    ----------
    path
        ``.NAME.XXXXXXXX.partial`` beside the target.
    target
        What it replaces when published.
    descriptor
        Open for reading and writing.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path, self.descriptor = _create(target)

    def publish(self) -> None:
        """Give the finished, flushed file its name, and make the name durable."""
        self.path.replace(self.target)
        flush_folder(self.target.parent)

    def discard(self) -> None:
        """Forget it; nothing is left beside the target."""
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()


@contextlib.contextmanager
def draft(target: Path) -> Iterator[Draft]:
    """Open a draft of ``target``; it is gone afterwards unless it was published.

    Raises
    ------
    FileError
        When the target is a symbolic link, folder, device or somebody else's file: a save
        replaces world files and nothing else.
    OSError
        When the folder cannot be written.
    """
    mode = _replaceable(target)
    sweep(target)
    work = Draft(target)
    try:
        if mode is not None:
            os.fchmod(work.descriptor, mode)
        yield work
    finally:
        work.discard()
        os.close(work.descriptor)


def sweep(target: Path) -> list[Path]:
    """Remove drafts of ``target`` whose writer died, and return their paths."""
    pattern = re.compile(re.escape(f".{target.name}.") + r"[0-9a-f]{8}\.partial")
    with os.scandir(target.parent) as entries:
        drafts = [Path(entry.path) for entry in entries if pattern.fullmatch(entry.name)]
    return [path for path in drafts if _removed_orphan(path)]


def flush(descriptor: int) -> None:
    """Return once every byte of an open file is on the disk."""
    if FULL_FLUSH is None:
        os.fsync(descriptor)
    else:
        fcntl.fcntl(descriptor, FULL_FLUSH)


def small(path: Path, most: int) -> bytes:
    """Return the first bytes of a regular file; of a pipe or a link nothing is read.

    Raises
    ------
    OSError
        When there is no such file.
    """
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


def why_not_saved(error: OSError) -> str:
    """Say in one clause why a file could not be written."""
    return REASONS.get(error.errno or 0, f"the file could not be written ({error})")


def _create(target: Path) -> tuple[Path, int]:
    while True:
        path = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o666)
        with contextlib.suppress(OSError):  # some file systems know no locks: never swept there
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if path.exists():  # else it was swept in the instant before it was locked
            return path, descriptor
        os.close(descriptor)


def _removed_orphan(path: Path) -> bool:
    """Remove a draft that nobody holds locked; the lock is kept until it is gone."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _replaceable(target: Path) -> int | None:
    """Check that a save may replace what is there; return its permission bits, if any."""
    try:
        found = target.lstat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(found):
        raise FileError(target, "a symbolic link; save to the file that it leads to, or elsewhere")
    if not stat.S_ISREG(found):
        raise FileError(target, "not a regular file; choose another name")
    with target.open("rb") as file:
        header = file.read(HEADER_BYTES)
    if header and not is_world_file(header):
        raise FileError(target, "exists and is not a Hubbub world; choose another name")
    return stat.S_IMODE(found)


def flush_folder(folder: Path) -> None:
    """Return once the names in a folder are on the disk: a new file is not safe before."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NO_FOLDER_FLUSH:  # some file systems cannot, and need not
            raise
    finally:
        os.close(descriptor)
