"""The folder of saved worlds: list, rename, copy, shrink, remove.

A damaged file is listed with its reason, and nothing here changes it. To rewrite a file, it is
copied, checked byte by byte, changed in the copy, sealed, and replaced by a rename.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sim.core.files import sweep_stages
from sim.core.progress import Report, quiet
from sim.core.text import one_line
from sim.errors import FileError, InputError, SnapshotError
from sim.store.history.database import copy_history, drop_history, move_history
from sim.store.journal.journal import JOURNAL_FILE
from sim.store.snapshot import files
from sim.store.snapshot.files import TRAILER_BYTES, open_regular
from sim.store.snapshot.opened import Info, info, verify
from sim.store.snapshot.schema import RELATIONAL_TABLES
from sim.store.snapshot.snapshot import seal

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Allowed names of worlds in the saves folder, without ``.hub``."""

SUFFIX = ".hub"
_PIECE = 1 << 22
Change = Callable[[sqlite3.Connection], object]


@dataclass(frozen=True, slots=True)
class SaveFile:
    """A file of the saves folder."""

    name: str  # name, path, bytes: its name without .hub, cleaned; its path; its size
    path: Path
    bytes: int
    info: Info | None  # its facts; None for a refused file
    reason: str = ""  # why it is refused, or ""
    # whether it has a file; without one it exists only in its journal, and info is of
    # the newest checkpoint there
    is_saved: bool = True


@dataclass(frozen=True, slots=True)
class CompactReport:
    """The result of compacting: the file, its bytes before and after."""

    path: Path
    before: int
    after: int


def kept(folder: Path) -> tuple[SaveFile, ...]:
    """List the worlds of a folder by name, reading only headers; damaged ones with their reason."""
    paths = [*folder.glob(f"*{SUFFIX}")] if folder.is_dir() else []
    return tuple(_seen(path) for path in sorted(paths) if not path.name.startswith("."))


def place(folder: Path, name: str) -> Path:
    """Return the path of a world in the saves folder; it need not exist."""
    stem = name.removesuffix(SUFFIX)
    if not NAME.fullmatch(stem):
        raise InputError(
            f"{name!r:.80} is no name for a saved world: 1 to 64 letters, digits, '.', '_' and "
            "'-', a letter or digit first."
        )
    return folder / f"{stem}{SUFFIX}"


def rename(folder: Path, name: str, new: str) -> Path:
    """Rename a world; its bytes stay, so a damaged one may be renamed, too."""
    source, target = known(folder, name), place(folder, new)
    _require_free(target)
    with _closed(source), _explained(target):
        if os.path.lexists(source):
            _claim(source, target)
            source.unlink()
        move_history(source, target)
        if _live(source).is_dir():
            _live(source).rename(_live(target))
    return target


def duplicate(folder: Path, name: str, new: str, *, report: Report = quiet) -> Path:
    """Copy a world, checking every byte; unsaved changes of a running one are left out."""
    source, target = existing(folder, name), place(folder, new)
    copy_checked(source, target, report=report)
    return target


def delete(folder: Path, name: str) -> Path:
    """Permanently remove a world and its journal; the caller has asked for confirmation."""
    path = known(folder, name)
    with _closed(path), _explained(path):
        path.unlink(missing_ok=True)
        _drop_journal(path)
        drop_history(path)
        sweep_stages(folder)
    return path


def note(folder: Path, name: str, text: str, *, report: Report = quiet) -> Path:
    """Replace the note of a world; the world stays the same, bit for bit."""
    line = one_line(text)
    path = existing(folder, name)
    _rewrite(path, lambda file: file.execute(_SET_NOTE, (line,)), report)
    return path


def compact(folder: Path, name: str, *, report: Report = quiet) -> CompactReport:
    """Make a world file as small as possible, without rows for ``SELECT``, until its next save."""
    path = existing(folder, name)
    before = path.stat().st_size
    _rewrite(path, _shrink, report)
    return CompactReport(path, before, path.stat().st_size)


def verify_all(
    folder: Path, *, only: Path | None = None, report: Report = quiet
) -> tuple[SaveFile, ...]:
    """Check every byte of every world of a folder."""
    found = kept(folder) if only is None else (_seen(only),)
    return tuple(_verified(each, report) for each in found)


def copy_checked(
    source: Path, target: Path, *, force: bool = False, report: Report = quiet
) -> None:
    """Copy a world file; the copy gets its name once every byte of it was checked."""
    if not force:
        _require_free(target)
    with _closed(target), _explained(target), files.draft(target) as draft:
        _copied(source, draft, report)
        files.flush(draft.descriptor)
        if force:
            draft.publish()
            _drop_journal(target)
        else:
            _claim(draft.path, target)
        copy_history(source, target)


_SET_NOTE = "INSERT OR REPLACE INTO world VALUES ('note', ?)"


def _seen(path: Path) -> SaveFile:
    name = one_line(path.name.removesuffix(SUFFIX))
    try:
        said = info(path)
    except FileError as error:
        size = path.lstat().st_size if os.path.lexists(path) else 0
        return SaveFile(name, path, size, None, error.reason)
    return SaveFile(name, path, said.bytes, said)


def _verified(each: SaveFile, report: Report) -> SaveFile:
    if each.reason:
        return each
    try:
        verify(each.path, report=report)
    except SnapshotError as error:
        return SaveFile(each.name, each.path, each.bytes, each.info, error.reason)
    return each


def existing(folder: Path, name: str) -> Path:
    """Return the path of a world that is in the saves folder."""
    path = place(folder, name)
    if _is_alive_alone(path):
        way = f"`hubbub recover {path.name.removesuffix(SUFFIX)} --save FILE.hub` saves it"
        raise FileError(path, f"was never saved, it lives in its journal; {way}")
    if path.is_symlink() or not path.is_file():
        there = ", ".join(each.name for each in kept(folder)) or "none"
        raise FileError(path, f"no such saved world; there are: {one_line(there, 200)}")
    return path


def known(folder: Path, name: str) -> Path:
    """Return the path of a world in the saves folder, saved or existing only in its journal."""
    path = place(folder, name)
    return path if _is_alive_alone(path) else existing(folder, name)


def _is_alive_alone(path: Path) -> bool:
    """Return whether a world has a journal and no file."""
    return (_live(path) / JOURNAL_FILE).is_file() and not os.path.lexists(path)


def _live(path: Path) -> Path:
    return path.with_name(f"{path.name}.live")


@contextlib.contextmanager
def _closed(path: Path) -> Iterator[None]:
    """Raise if a process has a world open; otherwise keep others from opening it in the block."""
    try:
        descriptor = os.open(_live(path) / "lease", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise FileError(path, "in use by another process; close it there first") from None
    finally:
        os.close(descriptor)


def _drop_journal(path: Path) -> None:
    if _live(path).is_dir():
        shutil.rmtree(_live(path))


def _require_free(target: Path) -> None:
    for path in (target, _live(target)):
        if os.path.lexists(path):
            raise FileError(path, "exists; choose another name")


def _claim(source: Path, target: Path) -> None:
    """Hard-link a file to an unused name; no other process can take it in between."""
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        raise FileError(target, "exists; choose another name") from None


def _rewrite(path: Path, change: Change, report: Report) -> None:
    """Replace a file by a changed copy, after every byte of the copy was checked."""
    with _closed(path), _explained(path), files.draft(path) as draft:
        size = _copied(path, draft, report)
        os.ftruncate(draft.descriptor, size - TRAILER_BYTES)
        uri = f"{draft.path.absolute().as_uri()}?mode=rw&nolock=1"
        with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as file:
            for pragma in ("trusted_schema=OFF", "journal_mode=OFF", "synchronous=OFF"):
                file.execute(f"PRAGMA {pragma}")
            change(file)
        seal(draft.descriptor, files.full, report)
        draft.publish()


def _shrink(file: sqlite3.Connection) -> None:
    for table in RELATIONAL_TABLES:
        file.execute(f"DROP TABLE IF EXISTS {table}")
    file.execute("VACUUM")


def _copied(source: Path, draft: files.Draft, report: Report) -> int:
    """Copy a file into a draft and check the copy; return its size."""
    descriptor = open_regular(source)
    with open(descriptor, "rb") as file, open(draft.descriptor, "wb", closefd=False) as out:  # noqa: PTH123 - descriptors
        whole, done = max(1, os.fstat(descriptor).st_size), 0
        while piece := file.read(_PIECE):
            report("copying", min(1.0, done / whole))
            out.write(piece)
            done += len(piece)
    try:
        verify(draft.path, report=report)
    except SnapshotError as error:
        raise SnapshotError(source, error.reason) from None
    return done


@contextlib.contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileError(target, f"not changed: {files.why_not_saved(error)}") from error
    except sqlite3.Error as error:
        raise FileError(target, f"not changed: the file could not be written ({error})") from error
