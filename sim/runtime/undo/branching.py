"""``branch``: a new world from an earlier tick of this one, sharing checkpoints on disk."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from sim.core.files import copy_private
from sim.core.progress import Report, quiet
from sim.errors import FileError
from sim.runtime.journal.acts import apply
from sim.runtime.journal.writer import JournalWriter, Pacing, recover
from sim.runtime.saves.places import has_journal, note_saved
from sim.store import info, save
from sim.store.history.database import copy_history, drop_history
from sim.store.journal.journal import JUMP, Checkpoint, Journal, JournalEntry, folder_of
from sim.store.journal.lineage import Lineage, note_lineage
from sim.store.journal.reading import read_journal
from sim.store.journal.recovery import RebuiltWorld, rebuild
from sim.store.snapshot.files import as_path
from sim.world.world import World


@dataclass(frozen=True, slots=True)
class Branch:
    """A world that was branched off.

    Attributes
    ----------
    path
        Its file; its journal lies beside it.
    lineage
        Where it comes from.
    shared
        Bytes that it has in common with its parent on the disk: they are there once, and stay
        when either of the two is deleted.
    """

    path: Path
    lineage: Lineage
    shared: int

    @property
    def sentence(self) -> str:
        """What a person is told."""
        size = f"{self.shared / 2**20:,.1f} MB shared with it" if self.shared else "nothing shared"
        parent = Path(self.lineage.parent).name
        return f"{self.path.name} branches off {parent} at tick {self.lineage.tick:,} ({size})."


def branch(
    path: str | PathLike[str],
    target: str | PathLike[str],
    tick: int,
    *,
    line: int | None = None,
    report: Report = quiet,
) -> Branch:
    """Make a world that begins where another one was at a tick, and knows how it came there.

    The branch has a file and a journal of its own; the file is the world at that tick. Its
    checkpoint is a hard link to the one before that tick, where the file system has such, and its
    journal begins with the entries since.

    Parameters
    ----------
    path
        The file of a world with a journal; it may be running.
    target
        The file to make.
    tick
        Any that the world was at.
    line
        The entry to which the line leads; None: the line that the world is on.
    report
        Told of progress; may cancel: then nothing is made.

    Raises
    ------
    FileError
        When there is no journal, something is in the way, or it cannot be written.
    InputError
        When the world never was at that tick.
    """
    source, made = as_path(path), as_path(target)
    if not has_journal(source):
        raise FileError(source, "has no journal, so nothing is known of its earlier ticks")
    for taken in (made, folder_of(made)):
        if os.path.lexists(taken):
            raise FileError(taken, "is there already; choose another name")
    built = rebuild(source, tick, apply, number=line, report=report)
    origin = Lineage(str(source.absolute()), tick, built.line.number, built.world.digest())
    try:
        shared = _grown(source, made, built, origin, report)
    except BaseException:
        shutil.rmtree(folder_of(made), ignore_errors=True)
        with suppress(OSError):
            made.unlink(missing_ok=True)
            drop_history(made)
        raise
    return Branch(made, origin, shared)


def _grown(source: Path, made: Path, built: RebuiltWorld, origin: Lineage, report: Report) -> int:
    """Fill the branch's folder; returns the bytes that are shared."""
    folder, checkpoint = folder_of(made), built.checkpoint
    folder.mkdir(0o700, parents=True)
    note_lineage(made, origin)
    root = folder_of(source) / checkpoint.file
    copy_history(source, made)
    shared = _linked(root, folder / checkpoint.file)
    if info(root).digest == origin.digest:
        _linked(root, made)
    else:  # whoever reads the file alone, as `info` and exports do, is to see the branch
        save(built.world, made, report=report)
    report("copying the journal", 0.8)
    last = _copied(source, folder, built)
    note_saved(made, _gone_to(made, built.world, last, origin.tick))
    return shared


def _linked(source: Path, target: Path) -> int:
    """Let a file have a second name, or copy it; returns the bytes that are shared."""
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        copy_private(source, target)
        return 0
    return target.stat().st_size


def _copied(source: Path, folder: Path, built: RebuiltWorld) -> int:
    """Write the entries between checkpoint and tick into a new journal; returns the last one."""
    checkpoint, last = built.checkpoint, built.checkpoint.number
    journal = Journal(folder, durable=_heard, troubled=_heard, ended=_heard)
    try:
        taken: Future[Checkpoint] = Future()
        taken.set_result(checkpoint)
        journal.put(None, taken)
        entries: list[JournalEntry] = []
        with read_journal(folder_of(source)) as parent:
            for entry in parent.entries(checkpoint.number, checkpoint.digest):
                if entry.number > built.line.number:
                    break
                entries.append(entry)
                if built.line.of(entry) is not None:
                    for each in entries:
                        journal.put(each)
                    last, entries = entry.number, []
    finally:
        journal.close()
    return last


def _gone_to(made: Path, world: World, last: int, tick: int) -> int:
    """Let the branch be at its tick: what was copied may go on further; returns its last entry."""
    found = recover(made)
    keeper = JournalWriter(found.world, made, recovered=found, pacing=Pacing(None, None, None))
    try:
        if found.world.tick != tick:
            keeper.did(world, JUMP, (tick, last))
        keeper.wait()
    finally:
        keeper.close()
    return keeper.number


def _heard(_told: object) -> None:
    """Wait for nothing: the journal is closed before anybody asks."""
