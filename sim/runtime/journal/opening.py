"""The opening of a journal: nothing, one's own, or one that must not be touched."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from sim.core.progress import Report, quiet
from sim.errors import FileError
from sim.runtime.journal.acts import apply
from sim.runtime.journal.checkpointer import checkpoints_in
from sim.store.journal.journal import JOURNAL_FILE, read_acked
from sim.store.journal.reading import read_journal
from sim.store.journal.recovery import Recovery
from sim.store.journal.recovery import recover as _recover
from sim.store.journal.rows import NO_DIGEST
from sim.world.world import World

__all__ = ["named", "recover", "require_same"]


def recover(path: str | PathLike[str], *, report: Report = quiet) -> Recovery:
    """Bring back the live world of a file: its last checkpoint, and what the journal says since.

    Raises
    ------
    SnapshotError
        When there is no journal, or no checkpoint from which to begin.
    """
    return _recover(path, apply, report=report)


def require_same(folder: Path, world: World) -> list[str]:
    """Return the checkpoints of the journal that is there, oldest first, or refuse it."""
    if _is_new(folder):
        return []
    found = recover(folder.with_name(folder.name.removesuffix(".live")))
    if not found.is_whole:
        said = " ".join(found.findings).rstrip(".")
        raise FileError(folder, f"damaged, so nothing is added to it ({said}); recover it first")
    if found.world.digest() != world.digest():
        raise FileError(
            folder,
            f"holds the journal of a world at tick {found.tick:,}, and this is another world (tick "
            f"{world.tick:,}); go on from what `hubbub recover` finds, or move the folder away",
        )
    return named(folder)


def named(folder: Path) -> list[str]:
    """Return the checkpoints that the journal names, oldest first."""
    with read_journal(folder) as journal:
        return [checkpoint.file for checkpoint in reversed(journal.checkpoints())]


def _is_new(folder: Path) -> bool:
    """Whether nothing was ever acknowledged here; what a killed beginning left is removed.

    Raises
    ------
    FileError
        When there are checkpoints, and no journal.
    """
    path = folder / JOURNAL_FILE
    if read_acked(folder) is None and not checkpoints_in(folder):
        for left in folder.glob(f"{JOURNAL_FILE}*"):
            left.unlink()
        return True
    if not path.exists():
        raise FileError(folder, "has checkpoints and no journal; move the folder away")
    with read_journal(folder) as journal:
        return not journal.checkpoints() and next(journal.entries(0, NO_DIGEST), None) is None
