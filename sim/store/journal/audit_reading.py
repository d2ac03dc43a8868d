"""The reader of the audit log, from a world's file and from the journal beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from sim.errors import SnapshotError
from sim.store.journal.audit import acts_in, broken
from sim.store.journal.journal import JOURNAL_FILE, folder_of
from sim.store.journal.reading import BrokenError, JournalFile, find_entry, read_journal
from sim.store.journal.recovery import CHECKPOINT_NAME
from sim.store.journal.rows import NO_DIGEST, Checkpoint, JournalEntry
from sim.store.journal.saved import is_of_file
from sim.store.sans_io import Lookup, Query
from sim.store.snapshot.gates import gated
from sim.store.snapshot.header import as_path
from sim.store.snapshot.opened import opened, world_rows
from sim.world.log import LoggedAct


@dataclass(frozen=True, slots=True)
class Audit:
    """What was done to a world since it was made.

    Attributes
    ----------
    path
        Its file.
    acts
        In order.
    tick, digest
        Of the world in the file; None where the acts go on in a journal.
    findings
        A sentence for everything that is wrong with the log; empty: each act is as it was noted.
    """

    path: Path
    acts: tuple[LoggedAct, ...]
    tick: int | None
    digest: str | None
    findings: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing, changed or out of place."""
        return not self.findings


def audit(path: str | PathLike[str]) -> Audit:
    """Return what was done to the world of a file, up to the end of its journal if it has one.

    Nothing is changed, and no plugin is imported.

    Raises
    ------
    SnapshotError
        When there is neither a world file nor a journal that can be read.
    """
    file = as_path(path)
    folder = folder_of(file)
    if not (folder / JOURNAL_FILE).exists() or not is_of_file(file):
        return saved_acts(file)
    with read_journal(folder) as journal:
        return _live(file, folder, journal)


def checked(path: str | PathLike[str]) -> int:
    """Check the log of acts of a world file; return how many there are."""
    found = saved_acts(as_path(path))
    if found.findings:
        raise SnapshotError(found.path, found.findings[0].rstrip("."))
    return len(found.acts)


def journal_checked(folder: Path) -> int:
    """Check the chain of a journal; return how many entries it has."""
    count = 0
    with read_journal(folder) as journal:
        try:
            first = min(journal.checkpoints(), key=lambda each: each.number, default=None)
            begun = (0, NO_DIGEST) if first is None else (first.number, first.digest)
            for _ in journal.entries(*begun):
                count += 1
        except BrokenError as error:
            raise SnapshotError(journal.path, str(error)) from None
    return count


def saved_acts(file: Path) -> Audit:
    """Return the acts of a world file alone, whatever lies beside it."""
    with opened(file) as world, gated(world.path) as connection:
        return acts_of(file, world_rows(connection))


def acts_of(file: Path, rows: dict[str, str]) -> Audit:
    """Return the acts that the table ``world`` of a file says."""
    finding = broken(rows)
    try:
        acts = tuple(acts_in(rows))
    except ValueError:
        acts = ()
    tick = rows.get("tick", "")
    return Audit(
        file,
        acts,
        int(tick) if tick.isdecimal() and len(tick) < 19 else None,
        rows.get("digest"),
        (_sentence(finding),) if finding else (),
    )


def _live(file: Path, folder: Path, journal: JournalFile) -> Audit:
    """Return the acts of the newest checkpoint that can be read, and the entries behind it."""
    for checkpoint in candidates(journal.checkpoints()):
        try:
            found = saved_acts(folder / checkpoint.file)
        except SnapshotError:
            continue
        return journal.look_up(find_acts(replace(found, path=file), journal.path, checkpoint))
    raise no_checkpoint(folder)


def candidates(checkpoints: list[Checkpoint]) -> list[Checkpoint]:
    """Return the checkpoints whose files have a name of ours."""
    return [each for each in checkpoints if CHECKPOINT_NAME.fullmatch(each.file)]


def no_checkpoint(folder: Path) -> SnapshotError:
    """Return what is said of a journal without any checkpoint to begin with."""
    return SnapshotError(folder, "no checkpoint can be read; hubbub recover says why")


def find_acts(found: Audit, journal: Path, checkpoint: Checkpoint) -> Lookup[Audit]:
    """Look up the acts behind a checkpoint, as they were when the lookup began."""
    acts, findings = list(found.acts), list(found.findings)
    number, digest = checkpoint.number, checkpoint.digest
    yield Query("BEGIN")  # whoever writes to it may trim it meanwhile
    try:
        while (entry := (yield from find_entry(number, digest))) is not None:
            acts.append(_act(entry, acts))
            number, digest = entry.number, entry.digest
    except BrokenError as error:
        findings.append(_sentence(f"{journal.name}: {error}"))
    same = len(acts) == len(found.acts)
    return Audit(
        found.path,
        tuple(acts),
        found.tick if same else None,
        found.digest if same else None,
        tuple(findings),
    )


def _act(entry: JournalEntry, before: list[LoggedAct]) -> LoggedAct:
    """Return an entry of a journal as an act; steps begin at the tick before them."""
    adopted = f"tick {entry.tick:,}, {entry.metrics.adopters:,} adoptions"
    result = adopted if entry.kind == "step" else ""
    tick = entry.tick - entry.ticks
    act = LoggedAct(len(before), tick, entry.author, entry.kind, entry.command, result)
    return replace(act, digest=act.chained(before[-1].digest if before else ""))


def _sentence(clause: str) -> str:
    return f"{clause[:1].upper()}{clause[1:]}."
