"""World files as bytes: header, digests after the last page, drafts of saves."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import sqlite3
import stat
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import xxhash

from sim.core.files import PRIVATE, Draft, flush, flush_folder, sweep, why_not_saved
from sim.core.progress import Report, quiet
from sim.core.threads import workers
from sim.errors import FileError, SnapshotError
from sim.store.snapshot.schema import APPLICATION_ID, PAGE_BYTES, VERSION

HEADER_BYTES = 100
SQLITE_MAGIC = b"SQLite format 3\0"

_NO_TEXT = bytes({*range(32), 127} - {*b"\t\n\f\r"})

# First bytes of files that are opened by mistake, so that the message can name them.
LOOKS = (
    (b"\x89PNG", "a PNG image"),
    (b"\x1f\x8b", "gzip data"),
    (b"PK\x03\x04", "a zip archive"),
    (b"%PDF", "a PDF document"),
    (b"\x93NUMPY", "a numpy array"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
)


def as_path(path: str | PathLike[str]) -> Path:
    """Return a path that the system accepts."""
    path = nameable(path)
    if not path.name:  # "." and "/"
        raise SnapshotError(path, "a folder, not a world file")
    return path


def nameable(path: str | PathLike[str]) -> Path:
    """Return a path of a file or folder that the system accepts; like `as_path`."""
    text = os.fspath(path)
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise FileError(f"{text!r:.80}", "half a character makes no file name") from None
    if not text or "\0" in text:
        raise FileError(repr(text), "not a file name")
    return Path(text)


def open_regular(path: Path) -> int:
    """Open a regular file for reading and return its descriptor; other files are not opened."""
    try:
        _require_regular(path, os.stat(path).st_mode)  # noqa: PTH116 - follows links
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise SnapshotError(path, _why_not(path, error)) from error
    try:  # the name may have been given to another file between the check and the opening
        _require_regular(path, os.fstat(descriptor).st_mode)
    except SnapshotError:
        os.close(descriptor)
        raise
    return descriptor


def check_header(path: Path, header: bytes, size: int) -> int:
    """Check magic, owner, version and length; return the number of bytes before the trailer."""
    if size == 0:
        raise SnapshotError(path, "the file is empty, not a Hubbub world")
    if not header.startswith(SQLITE_MAGIC[: len(header)]):
        raise SnapshotError(path, f"not a Hubbub world file{_looks_like(header)}")
    if len(header) < HEADER_BYTES:
        raise SnapshotError(path, f"truncated: only {size} bytes are left of it")
    if _number(header, 68) != APPLICATION_ID:
        raise SnapshotError(path, "an SQLite database of another program, not a Hubbub world")
    version = _number(header, 60)
    if version > VERSION:
        text = f"written by a newer Hubbub (file version {version}, this program reads up to"
        raise SnapshotError(path, f"{text} {VERSION}); update Hubbub to open it")
    if version < 1:
        raise SnapshotError(path, f"damaged: there is no file version {version}")
    page = int.from_bytes(header[16:18], "big")
    if (65_536 if page == 1 else page) != PAGE_BYTES:
        raise SnapshotError(path, "damaged, or changed by another program: wrong page size")
    body = _number(header, 28) * PAGE_BYTES
    if size < body + TRAILER_BYTES:
        missing = body + TRAILER_BYTES - size
        raise SnapshotError(path, f"truncated: the last {missing:,} bytes are missing")
    if size > body + TRAILER_BYTES:
        extra = size - body - TRAILER_BYTES
        raise SnapshotError(path, f"damaged: {extra:,} bytes were added behind its end")
    return body


def version_of(header: bytes) -> int:
    """Return the version of the file format in a header."""
    return _number(header, 60)


def is_world_file(header: bytes) -> bool:
    """Return whether a file with this header is a Hubbub world of any version."""
    complete = len(header) >= HEADER_BYTES and header.startswith(SQLITE_MAGIC)
    return complete and _number(header, 68) == APPLICATION_ID


def _require_regular(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise SnapshotError(path, "a folder, not a world file")
    if not stat.S_ISREG(mode):
        raise SnapshotError(path, "a pipe, socket or device, not a world file")


def _why_not(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        link = " (a symbolic link that leads nowhere)" if path.is_symlink() else ""
        return f"no such file{link}; check the name, or list the folder of your saves"
    if isinstance(error, PermissionError):
        return "may not be read by you; check its permissions"
    return f"cannot be opened ({error.strerror or error})"


def _looks_like(header: bytes) -> str:
    for start, name in LOOKS:
        if header.startswith(start):
            return f" (it looks like {name})"
    if _is_text(header):
        return " (it looks like text; to read a network use `hubbub import`)"
    return " (it looks like binary data)"


def _is_text(header: bytes) -> bool:
    """Return whether this is UTF-8, perhaps cut within a character, without odd control bytes."""
    if header.translate(None, _NO_TEXT) != header:
        return False
    try:
        getincrementaldecoder("utf-8")().decode(header)
    except UnicodeDecodeError:
        return False
    return True


def _number(header: bytes, offset: int) -> int:
    return int.from_bytes(header[offset : offset + 4], "big")


LEAF_BYTES = 1 << 20
STRONG_BYTES = 32
QUICK_BYTES = 16
NO_STRONG = bytes(STRONG_BYTES)
MAGIC = b"\nHUBBUB BLAKE2b-256 tree 1 MiB\n\0"
TRAILER_BYTES = len(MAGIC) + STRONG_BYTES + QUICK_BYTES
MOST_THREADS = 8

Work = Callable[[bytes, int, bool], bytes]


@dataclass(frozen=True, slots=True)
class Trailer:
    """The digests of a file's bytes."""

    strong: bytes  # BLAKE2b-256 of all bytes before the trailer; or NO_STRONG, not computed
    quick: bytes  # xxh3_128 of the leaves' xxh3_128, the magic line and strong

    @classmethod
    def parse(cls, data: bytes) -> Trailer | None:
        """Parse the last bytes of a file; None if they are not a trailer."""
        if len(data) != TRAILER_BYTES or not data.startswith(MAGIC):
            return None
        start = len(MAGIC) + STRONG_BYTES
        return cls(data[len(MAGIC) : start], data[start:])

    @property
    def bytes(self) -> bytes:
        """The bytes written after the last page."""
        return MAGIC + self.strong + self.quick


class Leaves:
    """Threads that hash each MiB of a file's first ``size`` bytes, until the end of the block."""

    def __init__(self, descriptor: int, size: int, work: Work, threads: int) -> None:
        count = -(-size // LEAF_BYTES)
        self._is_full = work is _both
        self._pool = ThreadPoolExecutor(min(threads, count))
        self._results: list[Future[bytes]] = [
            self._pool.submit(_read_and, work, descriptor, number, size) for number in range(count)
        ]

    def __enter__(self) -> Leaves:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def results(self, report: Report = quiet) -> list[bytes]:
        """Wait for all leaves; an exception in one is raised here."""
        found = []
        for number, leaf in enumerate(self._results):
            report("checking", number / len(self._results))
            found.append(leaf.result())
        return found

    def trailer(self, report: Report = quiet) -> Trailer:
        """Wait for all leaves, and return the trailer computed from them."""
        found = self.results(report)
        return (
            trailer_of(found) if self._is_full else Trailer(NO_STRONG, quick_of(found, NO_STRONG))
        )


def full(descriptor: int, size: int) -> Leaves:
    """Start computing both digests, on as many threads as allowed."""
    return Leaves(descriptor, size, _both, min(workers(), MOST_THREADS))


def quick(descriptor: int, size: int) -> Leaves:
    """Start computing the quick digest, in one thread besides the caller's."""
    return Leaves(descriptor, size, _quick, 1)


def trailer_of(leaves: list[bytes]) -> Trailer:
    """Return the trailer computed from the results of :func:`full`."""
    strong = hashlib.blake2b(
        b"".join(leaf[QUICK_BYTES:] for leaf in leaves),
        digest_size=STRONG_BYTES,
        fanout=0,
        depth=2,
        leaf_size=LEAF_BYTES,
        node_depth=1,
        inner_size=STRONG_BYTES,
        last_node=True,
    ).digest()
    return Trailer(strong, quick_of([leaf[:QUICK_BYTES] for leaf in leaves], strong))


def quick_of(leaves: list[bytes], strong: bytes) -> bytes:
    """Return the quick digest computed from the results of :func:`quick`."""
    return xxhash.xxh3_128_digest(b"".join(leaves) + MAGIC + strong)


def _read_and(work: Work, descriptor: int, number: int, size: int) -> bytes:
    start = number * LEAF_BYTES
    length = min(LEAF_BYTES, size - start)
    data = os.pread(descriptor, length, start)
    if len(data) != length:
        raise EOFError(f"the file ends before byte {size}")
    return work(data, number, start + length == size)


def _quick(data: bytes, _number: int, _last: bool) -> bytes:
    return xxhash.xxh3_128_digest(data)


def _both(data: bytes, number: int, last: bool) -> bytes:
    leaf = hashlib.blake2b(
        data,
        digest_size=STRONG_BYTES,
        fanout=0,
        depth=2,
        leaf_size=LEAF_BYTES,
        node_offset=number,
        inner_size=STRONG_BYTES,
        last_node=last,
    )
    return _quick(data, number, last) + leaf.digest()


__all__ = ["Draft", "draft", "flush", "flush_folder", "is_full", "small", "sweep", "why_not_saved"]

WRITER_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "mmap_size=0", "cache_size=-512")
"""For databases that are written while a world runs. The cache is half a MB: pages are written in
order, and the usual 2 MB of each would fill within an hour."""

FULL = frozenset([errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
FULL_NAMES = frozenset(["SQLITE_FULL", "SQLITE_IOERR", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC"])
"""Errors that may go away once there is room again."""


@contextlib.contextmanager
def draft(target: Path) -> Iterator[Draft]:
    """Open a draft of ``target``; it is deleted afterwards unless it was published."""
    _require_replaceable(target)
    sweep(target)
    work = Draft(target, PRIVATE)
    try:
        yield work
    finally:
        work.discard()
        os.close(work.descriptor)


def small(path: Path, most: int) -> bytes:
    """Return the first bytes of a regular file; nothing for a pipe or a link."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        return os.pread(descriptor, most, 0)
    finally:
        os.close(descriptor)


def is_full(error: BaseException | None) -> bool:
    """Return whether an error of the system or of SQLite may go away once there is room again."""
    if isinstance(error, OSError):
        return error.errno in FULL
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorname in FULL_NAMES


def _require_replaceable(target: Path) -> None:
    """Raise for a file that a save may not replace."""
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
