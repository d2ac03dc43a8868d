"""The header of a file: its first 100 bytes and its size, read before SQLite sees it."""

from __future__ import annotations

import os
import stat
from codecs import getincrementaldecoder
from os import PathLike
from pathlib import Path

from sim.errors import FileError, SnapshotError
from sim.store.snapshot.schema import APPLICATION_ID, PAGE_BYTES, VERSION
from sim.store.snapshot.trailer import TRAILER_BYTES

HEADER_BYTES = 100
SQLITE_MAGIC = b"SQLite format 3\0"

_NO_TEXT = bytes({*range(32), 127} - {*b"\t\n\f\r"})

# First bytes of what people pick by mistake, so that the sentence can name it.
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
    """Return a path that the system can be asked about."""
    path = nameable(path)
    if not path.name:  # "." and "/"
        raise SnapshotError(path, "a folder, not a world file")
    return path


def nameable(path: str | PathLike[str]) -> Path:
    """Return a path, of a file or a folder, that the system can be asked about; as `as_path`."""
    text = os.fspath(path)
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise FileError(f"{text!r:.80}", "half a character makes no file name") from None
    if not text or "\0" in text:
        raise FileError(repr(text), "not a file name")
    return Path(text)


def open_regular(path: Path) -> int:
    """Open a regular file for reading and return its descriptor; nothing else is touched."""
    try:
        _require_regular(path, os.stat(path).st_mode)  # noqa: PTH116 - follows links
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise SnapshotError(path, _why_not(path, error)) from error
    try:  # between the look and the opening the name may have been given to something else
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
    _check_version(path, _number(header, 60))
    return _check_length(path, header, size)


def version_of(header: bytes) -> int:
    """Return the version of the file format that a header names."""
    return _number(header, 60)


def is_world_file(header: bytes) -> bool:
    """Say whether a file with this header is a Hubbub world of any version."""
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
    """Return whether this is UTF-8, maybe cut within a character, without odd control bytes."""
    if header.translate(None, _NO_TEXT) != header:
        return False
    try:
        getincrementaldecoder("utf-8")().decode(header)
    except UnicodeDecodeError:
        return False
    return True


def _check_version(path: Path, version: int) -> None:
    if version > VERSION:
        text = f"written by a newer Hubbub (file version {version}, this program reads up to"
        raise SnapshotError(path, f"{text} {VERSION}); update Hubbub to open it")
    if version < 1:
        raise SnapshotError(path, f"damaged: there is no file version {version}")


def _check_length(path: Path, header: bytes, size: int) -> int:
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


def _number(header: bytes, offset: int) -> int:
    return int.from_bytes(header[offset : offset + 4], "big")
