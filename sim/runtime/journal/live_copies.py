"""Copies of a live world as it is at one moment, while whoever has it open goes on.

The journal is read in one transaction, so the copy ends at an entry; the newest checkpoint on the
way to it is copied too, with which the copy can be opened like any other live world.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing, suppress
from os import PathLike
from pathlib import Path

from sim.core.progress import Report, quiet
from sim.errors import FileError, SnapshotError
from sim.runtime.saves.places import SAVED_FILE, saved_at
from sim.store import info
from sim.store.journal.journal import ACKED_FILE, JOURNAL_FILE, LEASE_FILE, folder_of
from sim.store.journal.lease import is_held
from sim.store.journal.reading import BrokenError, read_journal
from sim.store.snapshot.files import flush_folder

__all__ = ["copy_live"]

TRIES = 5
"""Whoever runs the world may give up a checkpoint while it is being copied."""

_PAGES = 4096


def copy_live(
    path: str | PathLike[str], target: str | PathLike[str], *, report: Report = quiet
) -> Path:
    """Copy what lives beside one world file to beside another.

    Parameters
    ----------
    path, target
        World files, of which neither need exist; beside the first lies a live world, open or not.
    report
        Told the progress; may cancel: then nothing is left.

    Returns
    -------
    Path
        The folder that was made.

    Raises
    ------
    FileError
        When something is there already, or it cannot be read in peace or written.
    """
    source, folder = folder_of(path), folder_of(target)
    if folder.exists():
        raise FileError(folder, "exists; choose another name")
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent))
    try:
        _tried(source, draft, report)
        _keep_note(Path(path), Path(target), draft)
        flush_folder(draft)
        draft.chmod(0o755)
        draft.rename(folder)
        flush_folder(folder.parent)
    except (OSError, sqlite3.Error) as error:
        raise FileError(folder, f"not copied: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def _tried(source: Path, draft: Path, report: Report) -> None:
    for left in reversed(range(TRIES)):
        for each in draft.iterdir():
            each.unlink()
        try:
            _taken(source, draft, report)
        except (FileNotFoundError, SnapshotError):
            if left:
                continue
            if is_held(source / LEASE_FILE):
                raise
            _as_it_is(source, draft, report)  # damaged, and nobody writes to it
        return


def _taken(source: Path, draft: Path, report: Report) -> None:
    """Copy the journal as it is now, and the checkpoint from which it can be played."""
    with suppress(FileNotFoundError):  # it notes what was acknowledged at the latest now
        shutil.copyfile(source / ACKED_FILE, draft / ACKED_FILE)
    with read_journal(source):
        pass  # ours, and of a version that is known
    uri = f"{(source / JOURNAL_FILE).absolute().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(uri, uri=True)) as live,
        closing(sqlite3.connect(draft / JOURNAL_FILE)) as copy,
    ):
        live.backup(copy)
    with read_journal(draft) as journal:
        try:
            line = journal.line()
        except BrokenError as error:
            raise SnapshotError(journal.path, str(error)) from error
        named = [each for each in journal.checkpoints() if line.leads_by(each)]
    for checkpoint in named:
        if (source / checkpoint.file).is_file():
            report("copying the checkpoint", 0.5)
            shutil.copyfile(source / checkpoint.file, draft / checkpoint.file)
            return
    raise SnapshotError(source, "holds no checkpoint that its journal names")


def _as_it_is(source: Path, draft: Path, report: Report) -> None:
    for each in source.iterdir():
        if each.is_file() and not each.is_symlink() and each.name != LEASE_FILE:
            report("copying", 0.5)
            shutil.copyfile(each, draft / each.name)


def _keep_note(path: Path, target: Path, draft: Path) -> None:
    """Keep the note of the last save, where it is that of the file that was copied."""
    saved, note = saved_at(path), folder_of(path) / SAVED_FILE
    with suppress(FileError, OSError):
        if saved is not None and info(target).digest == saved.digest:
            shutil.copyfile(note, draft / SAVED_FILE)
            return
    (draft / SAVED_FILE).unlink(missing_ok=True)
