"""Recovery and rebuilding of worlds: from a checkpoint and the replayed journal, compared.

Nothing in the folder is changed. The replay ends at the first untrustworthy entry, and reports
what was acknowledged, where the file ends, and why.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from sim.core.progress import Report, quiet
from sim.core.text import one_line, plural
from sim.errors import InputError, SnapshotError, UnknownNameError
from sim.store.journal.journal import (
    CHECKPOINT_NAME,
    JUMP,
    VERSION,
    Checkpoint,
    JournalEntry,
    LastAcknowledged,
    ReplayLine,
    folder_of,
    read_acked,
)
from sim.store.journal.reading import BrokenError, JournalFile, read_journal
from sim.store.journal.state import Observer
from sim.store.snapshot.files import as_path
from sim.store.snapshot.opened import info
from sim.store.snapshot.snapshot import load
from sim.world.state.state import LostModel

if TYPE_CHECKING:
    from sim.world.world import World


Apply = Callable[["World", JournalEntry], bool]
"""Replays an entry; returns False if only the program that did it can."""

LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Recovery:
    """The result of a recovery."""

    world: World  # the world after the last trustworthy entry
    number: int  # number, tick, digest: of that entry
    tick: int
    digest: bytes
    # the last acknowledged entry, from the file beside the journal; None: unknown
    acked: LastAcknowledged | None
    checkpoint: Checkpoint  # where the replay began
    replayed: int  # replayed, ticks: entries done again, and ticks among them
    ticks: int
    findings: tuple[str, ...]  # a sentence for everything that is wrong; empty: nothing
    seconds: float  # its duration
    # why the rest of an undamaged journal cannot be replayed here, and what would
    # help; empty: nothing is missing, or it is damaged
    lacks: str = ""
    version: int = VERSION  # of the journal; an earlier version yields only its newest checkpoint

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing or damaged."""
        return not self.findings

    @property
    def sentence(self) -> str:
        """What a person is shown."""
        where = f"checkpoint at tick {self.checkpoint.tick:,}"
        return (
            f"Recovered to tick {self.tick:,}: {where}, then "
            f"{plural(self.replayed, 'entry', 'entries')} ({plural(self.ticks, 'tick')}) replayed "
            f"and compared in {self.seconds:.1f} s."
        )


@dataclass(slots=True)
class _Replay:
    world: World
    number: int
    digest: bytes
    replayed: int = 0
    ticks: int = 0
    findings: list[str] = field(default_factory=list)
    diverged: bool = False
    trusted: int = 0
    lacks: str = ""


def recover(path: str | PathLike[str], apply: Apply, *, report: Report = quiet) -> Recovery:
    """Recover the live world of a file."""
    began = perf_counter()
    folder = folder_of(as_path(path))
    acked = read_acked(folder)
    findings: list[str] = []
    with read_journal(folder) as journal:
        for checkpoint in _on_the_way(folder, journal):
            try:
                done = _replayed(folder, journal, checkpoint, apply, report)
            except SnapshotError as error:
                findings.append(_sentence(f"{error.path}: {error.reason}"))
                continue
            findings += done.findings + _gap(acked, done)
            done.world.woken.clear()
            return Recovery(
                done.world,
                done.number,
                done.world.tick,
                done.digest,
                acked,
                checkpoint,
                done.replayed,
                done.ticks,
                tuple(findings),
                perf_counter() - began,
                done.lacks,
                journal.version,
            )
    said = " ".join(findings) or "it names none"
    raise SnapshotError(folder, f"no checkpoint to begin from can be used: {said}".rstrip("."))


def _replayed(
    folder: Path, journal: JournalFile, checkpoint: Checkpoint, apply: Apply, report: Report
) -> _Replay:
    """Replay from a checkpoint; again, and less far, if an entry comes out differently."""
    line = _line(journal)
    if journal.version < VERSION:
        return _as_it_was(folder, journal, checkpoint, report)
    done = _once(folder, journal, checkpoint, apply, report, line)
    is_short = done.trusted < line.parts[-1].first  # it ended before a jump
    if not done.diverged and not is_short:
        return done
    last = done.number if done.diverged else done.trusted
    again = _once(folder, journal, checkpoint, apply, report, _line(journal, last))
    again.findings, again.lacks = done.findings, done.lacks
    return again


def _as_it_was(
    folder: Path, journal: JournalFile, checkpoint: Checkpoint, report: Report
) -> _Replay:
    """Restore a checkpoint of an earlier version; later entries would give other results."""
    done = _Replay(_loaded(folder, checkpoint, report), checkpoint.number, checkpoint.digest)
    done.lacks = (
        f"Its journal was written by an earlier version of Hubbub (journal version "
        f"{journal.version}), and replaying it here would give different results: {OLDER_WAY_OUT}"
    )
    done.findings.append(done.lacks)
    return done


def _once(
    folder: Path,
    journal: JournalFile,
    checkpoint: Checkpoint,
    apply: Apply,
    report: Report,
    line: ReplayLine,
) -> _Replay:
    done = _Replay(_loaded(folder, checkpoint, report), checkpoint.number, checkpoint.digest)
    done.trusted = checkpoint.number
    observer = Observer(done.world)
    whole = max(1, line.number - checkpoint.number)
    journal.expect(len(done.world.agents))
    try:
        for entry in journal.entries(checkpoint.number, checkpoint.digest):
            if entry.number > line.number:
                break
            done.trusted = entry.number
            report(f"replaying tick {entry.tick:,}", (entry.number - checkpoint.number) / whole)
            part = line.of(entry)
            if part is not None and not _did(done, part, observer, apply):
                break
            journal.expect(len(done.world.agents))
    except BrokenError as error:
        done.findings.append(_sentence(f"{journal.path.name}: {error}"))
    return done


def _did(done: _Replay, entry: JournalEntry, observer: Observer, apply: Apply) -> bool:
    """Replay one entry, and compare; False ends the replay before it."""
    try:
        can = apply(done.world, entry)
    except Exception as error:
        done.diverged = True
        missing = error.name if isinstance(error, UnknownNameError) else _missing_in(done.world)
        said = one_line(f"{type(error).__name__}: {error}", LONGEST_REASON)
        failed = f"Cannot replay tick {entry.tick:,} ({entry.kind}): {said}"
        done.findings.append(_needs(entry, missing) or failed)
        done.lacks = _load(missing) or WAY_OUT
        return False
    if not can:
        done.findings.append(
            f"Cannot replay tick {entry.tick:,} ({entry.kind}) without the program that did it, "
            "and no later checkpoint can be used."
        )
        done.lacks = "That program can resume it."
        return False
    if not entry.digest:  # a part of one: its end state is not recorded
        done.ticks += entry.ticks
        return True
    if entry.kind == JUMP:
        observer.reset(done.world)
    if not observer.agrees(done.world, entry):
        done.diverged = True
        missing = _missing_in(done.world)
        differs = (
            f"Replaying tick {entry.tick:,} ({entry.kind}) gives a different result: another "
            "version of Hubbub or of a plugin, or different hardware."
        )
        done.findings.append(_needs(entry, missing) or differs)
        done.lacks = _load(missing) or WAY_OUT
        return False
    done.number, done.digest = entry.number, entry.digest
    done.replayed, done.ticks = done.replayed + 1, done.ticks + entry.ticks
    return True


OLDER_WAY_OUT = (
    "to recover the rest, open the world with the version of Hubbub that wrote it, save it there, "
    "and open that file here."
)
LOADING = "with --plugin FILE (on the screen: :plugin FILE), or enable it."
WAY_OUT = "It can be resumed with the plugins and the version of Hubbub that wrote it."


def _missing_in(world: World) -> str:
    """Return the missing plugin that a message of a world needs; "": none."""
    lost = [c.model_name for c in world.cascades if isinstance(c.model, LostModel)]
    return lost[-1] if lost else ""


def _needs(entry: JournalEntry, name: str) -> str:
    return f"Cannot replay tick {entry.tick:,}: plugin {name!r} is not loaded." if name else ""


def _load(name: str) -> str:
    return f"Load plugin {name!r} {LOADING}" if name else ""


def _on_the_way(folder: Path, journal: JournalFile) -> list[Checkpoint]:
    """Return the checkpoints on the line; if it has jumps, only those whose files exist."""
    line = _line(journal)
    found = [each for each in journal.checkpoints() if line.leads_by(each)]
    if len(line.parts) == 1:
        return found
    return [each for each in found if (folder / each.file).exists()]


def _line(journal: JournalFile, last: int | None = None) -> ReplayLine:
    try:
        return journal.line(last)
    except BrokenError as error:
        raise SnapshotError(journal.path, str(error)) from error


def _loaded(folder: Path, checkpoint: Checkpoint, report: Report) -> World:
    if not CHECKPOINT_NAME.fullmatch(checkpoint.file):
        raise SnapshotError(folder, "its journal names a checkpoint that has no such name")
    world = load(folder / checkpoint.file, report=report)
    if info(folder / checkpoint.file).digest != checkpoint.world:  # the digest in its own version
        raise SnapshotError(folder / checkpoint.file, "not the checkpoint that the journal names")
    return world


def older_checkpoint(folder: Path) -> Checkpoint | None:
    """Return the tick at which a world with a journal of an earlier version opens, unloaded."""
    try:
        with read_journal(folder) as journal:
            if journal.version >= VERSION:
                return None
            named = _on_the_way(folder, journal)
            return next((each for each in named if (folder / each.file).is_file()), None)
    except SnapshotError:
        return None


def not_carried_over(tick: int, acked: LastAcknowledged) -> str:
    """Say which acknowledged acts are not in a world that is opened at a tick."""
    if acked.tick <= tick:
        return f"Changes after tick {tick:,} were not recovered."
    if acked.tick == tick + 1:
        return f"Tick {acked.tick:,} was not recovered."
    return f"Ticks {tick + 1:,}-{acked.tick:,} were not recovered."


def _gap(acked: LastAcknowledged | None, done: _Replay) -> list[str]:
    """Say which acknowledged entries are missing."""
    if acked is None:
        return ["No record of the last acknowledged entry; a lost end would go unnoticed."]
    if acked.number > done.number and done.lacks:
        return [not_carried_over(done.world.tick, acked)]
    if acked.number > done.number:
        return [
            f"Entry {acked.number:,} (tick {acked.tick:,}) was acknowledged, but the journal ends "
            f"at entry {done.number:,} (tick {done.world.tick:,})."
        ]
    if acked.number == done.number and acked.digest != done.digest:
        return [f"Entry {done.number:,} is not the one that was acknowledged."]
    return []


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


@dataclass(frozen=True, slots=True)
class RebuiltWorld:
    """A world rebuilt in its state at a tick."""

    world: World  # at the requested tick
    line: ReplayLine  # the line to it
    checkpoint: Checkpoint  # where the replay began
    ticks: int  # number of ticks run again
    compared: int  # number of entries compared with the journal; all results were the same


def rebuild(
    path: str | PathLike[str],
    tick: int,
    apply: Apply,
    *,
    number: int | None = None,
    report: Report = quiet,
) -> RebuiltWorld:
    """Rebuild a live world in its state on leaving a tick; nothing on the disk is changed."""
    folder = folder_of(as_path(path))
    with _trusting(folder) as journal:
        line, there = journal.line(number, tick), _present(folder, journal)
        checkpoints = [each for each in there if line.leads_by(each)]
        if not checkpoints:
            first = min((each.tick for each in there), default=0)
            raise InputError(
                f"No checkpoint at or before tick {tick:,}; the first is at tick {first:,}, "
                "earlier ones were dropped to save space (journal_mb)."
            )
        return _first_that_works(journal, line, checkpoints, apply, report)


@contextlib.contextmanager
def _trusting(folder: Path) -> Iterator[JournalFile]:
    """Open a journal in which nothing may be wrong."""
    with read_journal(folder) as journal:
        try:
            yield journal
        except BrokenError as error:
            raise SnapshotError(journal.path, str(error)) from error


def _present(folder: Path, journal: JournalFile) -> list[Checkpoint]:
    """Return the checkpoints whose files exist, newest first."""
    return [each for each in journal.checkpoints() if (folder / each.file).is_file()]


def earliest(path: str | PathLike[str]) -> int:
    """Return the earliest tick on the world's line that can be rebuilt."""
    folder = folder_of(as_path(path))
    with _trusting(folder) as journal:
        line = journal.line()
        ticks = (each.tick for each in _present(folder, journal) if line.leads_by(each))
        return min(ticks, default=0)


def is_kept(path: str | PathLike[str], goals: Sequence[tuple[int, int]]) -> list[bool]:
    """Describe which ticks a journal still reaches: those before its window were dropped."""
    folder = folder_of(as_path(path))
    with _trusting(folder) as journal:
        there = _present(folder, journal)
        lines = [journal.line(number or None, tick) for tick, number in goals]
    return [any(map(line.leads_by, there)) for line in lines]


def same_way(path: str | PathLike[str], one: int, other: int, tick: int) -> bool:
    """Return whether the lines of a journal to ``one`` and to ``other`` are equal up to a tick."""
    with _trusting(folder_of(as_path(path))) as journal:
        return _done(journal, journal.line(one, tick)) == _done(journal, journal.line(other, tick))


def _done(journal: JournalFile, line: ReplayLine) -> list[tuple[int, int]]:
    """Return the entries of a line that changed something, each with its resulting tick."""
    found: list[tuple[int, int]] = []
    for first, last, until in line.parts:
        found += journal.rows(
            "SELECT number, min(tick, ?) FROM entries WHERE number BETWEEN ? AND ? AND kind <> ?"
            " AND (tick - ticks < ? OR (ticks = 0 AND tick <= ?)) ORDER BY number",
            *(until, first, last, JUMP, until, until),
        )
    return found


def _first_that_works(
    journal: JournalFile,
    line: ReplayLine,
    checkpoints: list[Checkpoint],
    apply: Apply,
    report: Report,
) -> RebuiltWorld:
    """Start at the nearest checkpoint; at an earlier one if that does not work."""
    refused: SnapshotError | None = None
    for checkpoint in checkpoints:
        try:
            report(f"reading the checkpoint of tick {checkpoint.tick:,}", 0.0)
            return _rebuilt(journal, line, checkpoint, apply, report)
        except SnapshotError as error:
            refused = refused or error
    assert refused is not None  # noqa: S101 - there was a checkpoint
    raise refused


def _rebuilt(
    journal: JournalFile, line: ReplayLine, checkpoint: Checkpoint, apply: Apply, report: Report
) -> RebuiltWorld:
    path = journal.path.with_name(checkpoint.file)
    world = load(path)
    if world.digest() != checkpoint.world:
        raise SnapshotError(path, "not the checkpoint that the journal names")
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
            if part.kind == JUMP:
                observer.reset(world)
            if not observer.agrees(world, part):
                raise SnapshotError(
                    journal.path,
                    f"replaying tick {part.tick:,} ({part.kind}) gives a different result: another "
                    "version of Hubbub or of a plugin, or different hardware",
                )
            compared += 1
        run += part.ticks
    world.woken.clear()
    if world.tick != line.tick:
        raise InputError(f"The world was never at tick {line.tick:,}; it ends at {world.tick:,}.")
    return RebuiltWorld(world, line, checkpoint, run, compared)


def _do(path: Path, world: World, entry: JournalEntry, apply: Apply) -> None:
    try:
        can = apply(world, entry)
    except Exception as error:
        said = one_line(f"{type(error).__name__}: {error}", LONGEST_REASON)
        failed = f"cannot replay tick {entry.tick:,} ({entry.kind}): {said}"
        raise SnapshotError(path, failed) from error
    if not can:
        raise SnapshotError(
            path,
            f"cannot replay tick {entry.tick:,} ({entry.kind}) without the program that did it; go "
            "to a tick before it, or after the next checkpoint",
        )
