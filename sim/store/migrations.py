"""Files of an earlier version, brought to the present one as a copy; the original stays as it is.

A step changes an open copy from its version to the next. There is none yet: version 1 is the
first. Whoever changes :data:`sim.store.schema.VERSION` adds the step here, and a file of the old
version to ``tests/faults/versions``.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sim.core.progress import Report, quiet
from sim.errors import FileError, SnapshotError
from sim.store import files, schema, trailer
from sim.store.header import HEADER_BYTES, check_header, open_regular, version_of
from sim.store.trailer import TRAILER_BYTES

__all__ = ["STEPS", "is_old", "migrate"]

STEPS: dict[int, Callable[[sqlite3.Connection], object]] = {}
"""From a version to the change that makes the next of it."""

_PIECE = 1 << 22


def is_old(path: Path) -> bool:
    """Return whether a file is a world of an earlier version.

    Raises
    ------
    SnapshotError
        As of opening it, when it is no whole world file.
    """
    descriptor = open_regular(path)
    try:
        header = os.pread(descriptor, HEADER_BYTES, 0)
        check_header(path, header, os.fstat(descriptor).st_size)
    finally:
        os.close(descriptor)
    return version_of(header) < schema.VERSION


def migrate(source: Path, target: Path, *, report: Report = quiet) -> Path:
    """Write a world of an earlier version as one of the present version.

    Parameters
    ----------
    source
        A world file; only read.
    target
        A new name; nothing may be there.
    report
        Told the progress; may cancel.

    Returns
    -------
    ``target``, sealed; its content is checked when it is loaded.

    Raises
    ------
    FileError
        When something is at ``target``, or the disk refuses.
    SnapshotError
        When the source is damaged, or there is no way from its version to this one.
    """
    if os.path.lexists(target):
        raise FileError(target, "exists; choose another name")
    with files.draft(target) as draft:
        size = _copied(source, draft.descriptor, report)
        header = os.pread(draft.descriptor, HEADER_BYTES, 0)
        os.ftruncate(draft.descriptor, size - TRAILER_BYTES)
        _change(source, draft.path, version_of(header))
        seal(draft.descriptor, report)
        draft.publish()
    return target


def seal(descriptor: int, report: Report = quiet) -> None:
    """Append the trailer of an open file; on return every byte is on the disk."""
    body = os.fstat(descriptor).st_size
    with trailer.full(descriptor, body) as leaves:
        found = leaves.trailer(report)
    os.pwrite(descriptor, found.bytes, body)
    files.flush(descriptor)


def _copied(source: Path, to: int, report: Report) -> int:
    """Copy a file whose every byte is as it was written; return its size."""
    descriptor = open_regular(source)
    try:
        size = os.fstat(descriptor).st_size
        body = check_header(source, os.pread(descriptor, HEADER_BYTES, 0), size)
        with trailer.full(descriptor, body) as leaves:
            found = leaves.trailer(report).bytes
        if found != os.pread(descriptor, TRAILER_BYTES, body):
            raise SnapshotError(
                source, "damaged or changed: its bytes are not those that were saved"
            )
        for start in range(0, size, _PIECE):
            report("copying", start / size)
            os.pwrite(to, os.pread(descriptor, _PIECE, start), start)
    finally:
        os.close(descriptor)
    return size


def _change(source: Path, path: Path, version: int) -> None:
    uri = f"{path.absolute().as_uri()}?mode=rw&nolock=1"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as file:
        for pragma in ("trusted_schema=OFF", "journal_mode=OFF", "synchronous=OFF"):
            file.execute(f"PRAGMA {pragma}")
        for number in range(version, schema.VERSION):
            if number not in STEPS:
                raise SnapshotError(source, f"of version {number}, from which no way leads here")
            STEPS[number](file)
            file.execute(f"PRAGMA user_version={number + 1}")
