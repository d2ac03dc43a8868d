"""Copies of saved worlds in another folder: dated, checked, the oldest given up."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sim.core.progress import Report, quiet
from sim.errors import FileError, InputError, SnapshotError
from sim.store.header import open_regular
from sim.store.shelf import SUFFIX, copy_checked, kept, place
from sim.store.trailer import TRAILER_BYTES

__all__ = ["Backup", "backup", "backups", "restore"]

_STAMP = "%Y%m%dT%H%M%SZ"
_DATED = re.compile(r"(?P<name>.+)\.(?P<stamp>[0-9]{8}T[0-9]{6}Z)(-(?P<more>[0-9]+))?\.hub")


@dataclass(frozen=True, slots=True)
class Backup:
    """What became of one world.

    Attributes
    ----------
    name, path
        The world, and its newest backup; None when it has none.
    removed
        The backups that were given up.
    reason
        "copied", "unchanged since", or why it was not copied.
    """

    name: str
    path: Path | None
    removed: tuple[Path, ...]
    reason: str


def backup(folder: Path, to: Path, *, keep: int = 10, report: Report = quiet) -> tuple[Backup, ...]:
    """Copy every world of the saves folder to another one, as ``NAME.20261121T083000Z.hub``.

    A world whose newest backup holds the same bytes is not copied again. One that is damaged is
    not copied, and none of its backups is given up.

    Parameters
    ----------
    folder, to
        The saves folder, and where to; made when missing.
    keep
        How many backups of each world are kept, at least 1.
    report
        Told the progress; may cancel between two files and within one.

    Raises
    ------
    InputError
        When ``keep`` is less than 1, or both folders are one.
    FileError
        When the disk refuses.
    """
    if keep < 1:
        raise InputError(f"--keep must be at least 1, got {keep}.")
    to.mkdir(parents=True, exist_ok=True)
    if folder.resolve() == to.resolve():
        raise InputError(f"{to} is the saves folder itself; backups belong elsewhere.")
    return tuple(_backed(each.name, each.path, to, keep, report) for each in kept(folder))


def backups(to: Path, name: str) -> tuple[Path, ...]:
    """Return the backups of a world, oldest first."""
    found = [(path, _DATED.fullmatch(path.name)) for path in to.glob(f"*{SUFFIX}")]
    dated = [
        (match["stamp"], int(match["more"] or 0), path)
        for path, match in found
        if match and match["name"] == name and path.is_file()
    ]
    return tuple(path for *_, path in sorted(dated))


def restore(
    folder: Path,
    name: str,
    source: Path,
    *,
    new: str | None = None,
    force: bool = False,
    test: bool = False,
    report: Report = quiet,
) -> Path:
    """Bring the newest whole backup of a world back to the saves folder.

    Parameters
    ----------
    folder, name
        The saves folder, and the world's name.
    source
        The folder of backups, or one backup.
    new
        Another name for it.
    force
        Replace the world of that name.
    test
        Only load it and compare its digest; nothing is written.
    report
        Told the progress; may cancel.

    Returns
    -------
    The world's path, or with ``test`` the backup's.

    Raises
    ------
    InputError, FileError
        For a name that breaks the rule, has no backup, or is taken.
    SnapshotError
        When the newest backup is damaged; name an older one.
    """
    target = place(folder, name if new is None else new)
    stem = place(folder, name).name.removesuffix(SUFFIX)
    found = (source,) if source.is_file() else backups(source, stem)
    if not found:
        raise FileError(source, f"holds no backup of {stem}")
    if test:
        from sim.store.snapshot import load

        load(found[-1], report=report)
        return found[-1]
    folder.mkdir(parents=True, exist_ok=True)
    copy_checked(found[-1], target, force=force, report=report)
    return target


def _backed(name: str, path: Path, to: Path, keep: int, report: Report) -> Backup:
    before = backups(to, name)
    newest = before[-1] if before else None
    try:
        if newest is not None and _end(newest) == _end(path):
            return Backup(name, newest, _given_up(before, keep), "unchanged since")
        fresh = _fresh(to, name, newest)
        copy_checked(path, fresh, report=report)
    except SnapshotError as error:
        return Backup(name, newest, (), error.reason)
    return Backup(name, fresh, _given_up((*before, fresh), keep), "copied")


def _fresh(to: Path, name: str, newest: Path | None) -> Path:
    """Return a name after the newest that is there, also when the clock went back."""
    stamp = datetime.now(UTC).strftime(_STAMP)
    match = _DATED.fullmatch(newest.name) if newest is not None else None
    if match is None or match["stamp"] < stamp:
        return to / f"{name}.{stamp}{SUFFIX}"
    return to / f"{name}.{match['stamp']}-{int(match['more'] or 0) + 1}{SUFFIX}"


def _given_up(found: tuple[Path, ...], keep: int) -> tuple[Path, ...]:
    old = found[:-keep]
    for path in old:
        path.unlink()
    return old


def _end(path: Path) -> bytes:
    """Return the size and the trailer of a file: equal ones hold the same world."""
    descriptor = open_regular(path)
    try:
        size = os.fstat(descriptor).st_size
        end = os.pread(descriptor, TRAILER_BYTES, max(0, size - TRAILER_BYTES))
    finally:
        os.close(descriptor)
    return size.to_bytes(8, "big") + end
