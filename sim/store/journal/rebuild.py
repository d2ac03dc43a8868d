"""The rebuilding of a state: the nearest checkpoint before it, then the journal.

What an entry leaves behind is compared with what the journal has of it, as in a recovery.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from sim.core.progress import Report, quiet
from sim.core.text import one_line
from sim.errors import InputError, SnapshotError
from sim.store.journal.journal import folder_of
from sim.store.journal.reading import BrokenError, JournalFile, read_journal
from sim.store.journal.route import JUMP, ReplayLine
from sim.store.journal.rows import Checkpoint, JournalEntry
from sim.store.journal.state import Observer
from sim.store.snapshot.header import as_path
from sim.store.snapshot.snapshot import load

if TYPE_CHECKING:
    from sim.world.world import World


Apply = Callable[["World", JournalEntry], bool]

LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class RebuiltWorld:
    """A world as it was.

    Attributes
    ----------
    world
        At the tick that was asked for.
    line
        The way to it.
    checkpoint
        Where the replay began.
    ticks
        How many were run again.
    compared
        Entries that were compared with the journal; all came out the same.
    """

    world: World
    line: ReplayLine
    checkpoint: Checkpoint
    ticks: int
    compared: int


def rebuild(
    path: str | PathLike[str],
    tick: int,
    apply: Apply,
    *,
    number: int | None = None,
    report: Report = quiet,
) -> RebuiltWorld:
    """Build a live world anew as it was when it left a tick; nothing on the disk is changed."""
    folder = folder_of(as_path(path))
    with read_journal(folder) as journal:
        try:
            line = journal.line(number, tick)
            there = [each for each in journal.checkpoints() if (folder / each.file).is_file()]
            checkpoints = [each for each in there if line.leads_by(each)]
            if not checkpoints:
                first = min((each.tick for each in there), default=0)
                raise InputError(
                    f"No checkpoint at tick {tick:,} or before it is kept; the first is at tick "
                    f"{first:,}, what was before that was given up for room (journal_mb)."
                )
            return _first_that_works(folder, journal, line, checkpoints, apply, report)
        except BrokenError as error:
            raise SnapshotError(journal.path, str(error)) from error


def earliest(path: str | PathLike[str]) -> int:
    """Return the earliest tick on the world's line that can be rebuilt."""
    folder = folder_of(as_path(path))
    with read_journal(folder) as journal:
        try:
            line = journal.line()
        except BrokenError as error:
            raise SnapshotError(journal.path, str(error)) from error
        there = [each for each in journal.checkpoints() if (folder / each.file).is_file()]
        return min((each.tick for each in there if line.leads_by(each)), default=0)


def is_kept(path: str | PathLike[str], goals: Sequence[tuple[int, int]]) -> list[bool]:
    """Say which ticks a journal still leads to: what is older than its window was given up."""
    folder = folder_of(as_path(path))
    with read_journal(folder) as journal:
        there = [each for each in journal.checkpoints() if (folder / each.file).is_file()]
        try:
            lines = [journal.line(number or None, tick) for tick, number in goals]
        except BrokenError as error:
            raise SnapshotError(journal.path, str(error)) from error
    return [any(map(line.leads_by, there)) for line in lines]


def same_way(path: str | PathLike[str], one: int, other: int, tick: int) -> bool:
    """Whether the lines of a journal to ``one`` and to ``other`` are the same up to a tick."""
    with read_journal(folder_of(as_path(path))) as journal:
        try:
            lines = (journal.line(one, tick), journal.line(other, tick))
            return _done(journal, lines[0]) == _done(journal, lines[1])
        except BrokenError as error:
            raise SnapshotError(journal.path, str(error)) from error


def _done(journal: JournalFile, line: ReplayLine) -> list[tuple[int, int]]:
    """Return the entries of a line that did something, each with the tick that it led to."""
    found: list[tuple[int, int]] = []
    for first, last, until in line.parts:
        found += journal.rows(
            "SELECT number, min(tick, ?) FROM entries WHERE number BETWEEN ? AND ? AND kind <> ?"
            " AND (tick - ticks < ? OR (ticks = 0 AND tick <= ?)) ORDER BY number",
            *(until, first, last, JUMP, until, until),
        )
    return found


def _first_that_works(
    folder: Path,
    journal: JournalFile,
    line: ReplayLine,
    checkpoints: list[Checkpoint],
    apply: Apply,
    report: Report,
) -> RebuiltWorld:
    """Begin at the nearest checkpoint; at one before it where that does not lead there."""
    refused: SnapshotError | None = None
    for checkpoint in checkpoints:
        try:
            report(f"reading the checkpoint of tick {checkpoint.tick:,}", 0.0)
            world = _loaded(folder / checkpoint.file, checkpoint)
            return _replayed(journal, world, line, checkpoint, apply, report)
        except SnapshotError as error:
            refused = refused or error
    assert refused is not None  # noqa: S101 - there was a checkpoint
    raise refused


def _loaded(path: Path, checkpoint: Checkpoint) -> World:
    world = load(path)
    if world.digest() != checkpoint.world:
        raise SnapshotError(path, "not the checkpoint that the journal names")
    return world


def _replayed(
    journal: JournalFile,
    world: World,
    line: ReplayLine,
    checkpoint: Checkpoint,
    apply: Apply,
    report: Report,
) -> RebuiltWorld:
    observer, run, compared = Observer(world), 0, 0
    way = max(line.tick - checkpoint.tick, 1)
    for entry in journal.entries(checkpoint.number, checkpoint.digest):
        if entry.number > line.number:
            break
        part = line.of(entry)
        if part is None:
            continue
        report(f"running tick {world.tick + 1:,}", min(1.0, (world.tick - checkpoint.tick) / way))
        _do(journal.path, world, part, apply)
        if part.digest:
            _compare(journal.path, world, part, observer)
            compared += 1
        run += part.ticks
    world.woken.clear()
    if world.tick != line.tick:
        raise InputError(f"The world never was at tick {line.tick:,}; it ends at {world.tick:,}.")
    return RebuiltWorld(world, line, checkpoint, run, compared)


def _do(path: Path, world: World, entry: JournalEntry, apply: Apply) -> None:
    try:
        can = apply(world, entry)
    except Exception as error:
        said = one_line(f"{type(error).__name__}: {error}", LONGEST_REASON)
        failed = f"entry {entry.number:,} fails when done again: {said}"
        raise SnapshotError(path, failed) from error
    if not can:
        raise SnapshotError(
            path,
            f"entry {entry.number:,} ({entry.kind}) cannot be done again without the program that "
            "did it; go to a tick behind the checkpoint after it, or before it",
        )


def _compare(path: Path, world: World, entry: JournalEntry, observer: Observer) -> None:
    if entry.kind == JUMP:
        observer.reset(world)
    if not observer.agrees(world, entry):
        raise SnapshotError(
            path,
            f"entry {entry.number:,} ({entry.kind}, tick {entry.tick:,}) comes out differently "
            "when done again: another version of Hubbub or of a plugin, or other hardware",
        )
