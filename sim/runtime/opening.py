"""Opening of a world: as saved, or recovered from its journal, with an explanation.

Damaged files are reported, and moved aside under another name; nothing is overwritten.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from pathlib import Path

from sim.core.progress import Report, quiet
from sim.core.text import plural
from sim.errors import FileError, SnapshotError
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.journal.persistence import JournalConfig
from sim.runtime.journal.writer import recover
from sim.runtime.saves.places import (
    LiveWorldFiles,
    all_saves,
    live_places,
    place_of,
    put_aside,
    rest_of,
)
from sim.store import info, load
from sim.store.journal.journal import VERSION
from sim.store.journal.lease import LeaseError
from sim.store.journal.reading import saved_acts
from sim.store.journal.recovery import Recovery, not_carried_over
from sim.store.snapshot.files import as_path
from sim.world.world import World

FORCED = "--force continues without that and sets the journal aside"
"""How to proceed after a refused loss if a command has that option."""

TRIES = 3
"""Attempts: a journal in use may drop a checkpoint while it is read."""


@dataclass(frozen=True, slots=True)
class OpenResult:
    """A world that was opened, and how it was found.

    Attributes
    ----------
    world
        The world.
    path
        The given file; it need not exist if the world was never saved.
    recovered
        What the journal gave; None: the world is the file as saved.
    is_read_only
        Whether the world is a copy that must not be written.
    holder
        The process that has the world open; "": none.
    told
        What a person is shown, one line; "": nothing unusual.
    findings
        A sentence for everything that is missing, damaged or was moved aside.
    """

    world: World
    path: Path
    recovered: Recovery | None = None
    is_read_only: bool = False
    holder: str = ""
    told: str = ""
    findings: tuple[str, ...] = ()

    def journal_config(self, pacing: Pacing | None = None, author: str = "script") -> JournalConfig:
        """Return how to continue its journal: the argument ``journal`` of a simulation."""
        return JournalConfig(self.path, pacing or Pacing.chosen(), author, self.recovered)


def open_live(
    path: str | os.PathLike[str],
    *,
    read_only: bool = False,
    refuse_loss: bool = False,
    way_out: str = FORCED,
    report: Report = quiet,
) -> OpenResult:
    """Open a world, with the changes in the journal beside its file, if there is one.

    Parameters
    ----------
    path
        The world's file, ``NAME.hub``; a world that was never saved has only a folder
        ``NAME.hub.live``.
    read_only
        Return a copy of the current world, and change nothing, not even a name.
    refuse_loss
        Raise, and change nothing, if something that was acknowledged would be lost.
    way_out
        What a person can do in that case, a clause.
    report
        Called with progress; may cancel.

    Returns
    -------
    OpenResult
        Continue with ``Simulation(opened.world, path=path, journal=opened.journal_config())``.

    Raises
    ------
    LeaseError
        If another process has it open, and ``read_only`` is false.
    SnapshotError
        If neither the file nor the journal gives a world.
    FileError
        With ``refuse_loss``: what would be lost, and what to do.
    """
    path = as_path(path)
    place = place_of(path)
    if place is None:
        return OpenResult(load(path, report=report), path, is_read_only=read_only)
    if place.holder and not read_only:
        reason = f"in use by {place.holder}; close it there, or open it read-only"
        raise LeaseError(path, reason)
    try:
        found = _recovered(path, report, TRIES if read_only else 1)
    except SnapshotError as error:
        if refuse_loss:
            raise FileError(path, _refusal([f"{error.path}: {error.reason}"], way_out)) from error
        return _without(place, error, read_only, report)
    if refuse_loss and (lost := _lost(place, found)):
        raise FileError(path, _refusal(lost, way_out))
    opened = _by_the_file(place, found, read_only, report) or _gone_on(place, found, read_only)
    opened.world.remarks += tuple(filter(None, (opened.told, *opened.findings)))
    return opened


def describe_opening(place: LiveWorldFiles) -> str:
    """Say what opening a live world would give, without opening it; one sentence."""
    if place.saved is None and (place.acked is None or not place.acked.number):
        return "Never saved, and unchanged since it was created."
    return f"Opens at {_extent(place, place.opens_at)}. {rest_of(place)}".rstrip()


@dataclass(frozen=True, slots=True)
class SavedWorld:
    """A world of the saves folder, as a list of worlds to open shows it."""

    path: Path
    tick: int
    agents: int  # -1: unknown
    saved: str
    bytes: int
    damage: str = ""  # why it cannot be opened
    live: str = ""  # what opening restores from the journal
    state: str = ""  # how it was left: open here, in use, not closed, unsaved


def saved_worlds(folder: Path) -> list[SavedWorld]:
    """List the saves folder, newest first, including worlds that were never saved."""
    found = []
    places = {place.path: place for place in live_places(folder)}
    for each in all_saves(folder):
        place = places.get(each.path)
        live, state = _left(place)
        if state == "open here" and not each.is_saved:
            continue
        written = place.written_at if place else 0.0
        with suppress(OSError):  # it was never saved, or has just gone
            written = max(written, each.path.stat().st_mtime)
        when = datetime.fromtimestamp(written).astimezone().strftime("%Y-%m-%d %H:%M")
        # A journal alone is enough.
        damage = f"{each.path}: {each.reason}." if each.reason and not live else ""
        known = place is not None and place.acked is not None
        tick = place.opens_at if place and known else each.info.tick or 0 if each.info else 0
        agents = each.info.agents if each.info else None
        found.append(
            SavedWorld(
                each.path, tick, -1 if agents is None else agents, when, each.bytes, damage, live,
                state,
            )
        )  # fmt: skip
    return sorted(found, key=lambda world: world.saved, reverse=True)


def _left(place: LiveWorldFiles | None) -> tuple[str, str]:
    """Return (what opening a live world restores, how it was left)."""
    if place is None:
        return "", ""
    if place.holder:
        if place.signature is not None and place.signature.pid == str(os.getpid()):
            return "Open on this screen.", "open here"
        return f"In use by {place.holder}; you can open a copy.", "in use"
    opening = describe_opening(place)
    if not place.was_closed:
        return f"Not closed properly (recoverable). {opening}", "not closed"
    return opening, "unsaved" if place.goes_on else ""


def _recovered(path: Path, report: Report, tries: int) -> Recovery:
    for left in reversed(range(tries)):
        try:
            return recover(path, report=report)
        except SnapshotError:
            if not left:
                raise
    raise AssertionError  # pragma: no cover - the last try raises


def _gone_on(place: LiveWorldFiles, found: Recovery, read_only: bool) -> OpenResult:
    """Continue from what the journal gave; move an incomplete journal aside unchanged."""
    if found.is_whole or read_only:
        told = _told(place, found)
        return OpenResult(
            found.world, place.path, found, read_only, place.holder, told, found.findings
        )
    told = _told(place, found)
    return OpenResult(found.world, place.path, told=told, findings=_aside(place, found))


def _lost(place: LiveWorldFiles, found: Recovery) -> list[str]:
    """Return what was acknowledged and would be missing in the opened world."""
    beside = _file_beside(place, found)
    acked = place.acked.number if place.acked is not None else -1
    if beside is _FileState.ANEW:
        return [f"it was rewritten after its journal ended at tick {found.tick:,}"]
    reached = found.number
    if beside is _FileState.AHEAD and place.saved is not None:
        reached = place.saved.number
    if found.is_whole or (found.lacks and reached >= acked >= 0):
        return []
    return [*found.findings, found.lacks] if found.lacks else [*found.findings]


def _refusal(sentences: Sequence[str], way_out: str) -> str:
    said = " ".join(dict.fromkeys(filter(None, sentences))).rstrip(".")
    return f"{said}; {way_out}"


def _aside(place: LiveWorldFiles, found: Recovery) -> tuple[str, ...]:
    """Move a journal aside that cannot be continued; return what a person must know of it."""
    if not found.lacks:
        aside = put_aside(place.path, "damaged")
        kept = f"The damaged journal was kept; for details: hubbub recover {aside}"
        return (*found.findings, kept)
    aside = put_aside(place.path, "older" if found.version < VERSION else "unrecovered", link=True)
    kept = f"The journal was kept unchanged as {aside.stem}"
    if found.version < VERSION:
        rest = f"{kept} ({aside.name}.live); open it with the version of Hubbub that wrote it."
        return (*found.findings, rest)
    way = f"{found.lacks} Then open {aside.stem} to resume where it ended."
    return (*found.findings, f"{kept}. {way}")


class _FileState(Enum):
    """State of a world's file relative to what its journal leads to."""

    WITHIN = "an earlier state, or the same; or there is none"
    AHEAD = "a later state: the journal cannot be played as far"
    ANEW = "another world, or one of which the journal knows nothing"


def _file_beside(place: LiveWorldFiles, found: Recovery) -> _FileState:
    try:
        said = info(place.path)
    except FileError:
        return _FileState.WITHIN
    saved = place.saved
    if said.digest == found.world.digest():
        return _FileState.WITHIN
    if saved is not None and said.digest == saved.digest:
        return _FileState.AHEAD if found.number < saved.number else _FileState.WITHIN
    if _is_later(place.path, found.world):
        return _FileState.AHEAD  # the saving process was killed before that was recorded
    return _FileState.ANEW if saved is not None else _FileState.WITHIN


def _behind_the_save(place: LiveWorldFiles, found: Recovery, tick: int) -> tuple[str, ...]:
    """Return what is wrong if the file is opened instead of what its journal leads to."""
    acked, saved = place.acked, place.saved
    if not found.lacks or acked is None:
        return found.findings
    kept = [said for said in found.findings if said != not_carried_over(found.tick, acked)]
    behind = saved is None or acked.number > saved.number
    return (*kept, not_carried_over(tick, acked)) if behind and acked.tick != tick else (*kept,)


def _is_later(path: Path, world: World) -> bool:
    """Return whether a file holds a world with the same beginning, at a later tick."""
    try:
        said = saved_acts(path)
    except SnapshotError:
        return False
    acts, own = said.acts, world.trail.acts
    same = bool(acts and own) and acts[0].digest == own[0].digest
    return same and (said.tick or 0) > world.tick


def _by_the_file(
    place: LiveWorldFiles, found: Recovery, read_only: bool, report: Report
) -> OpenResult | None:
    """Open the file if the journal does not account for it; return None otherwise."""
    beside = _file_beside(place, found)
    if beside is _FileState.WITHIN:
        return None
    world = load(place.path, report=report)
    name = place.path.name
    if beside is _FileState.ANEW:
        told = (
            f"{name} was rewritten after its journal ended at tick {found.tick:,}; opened the file."
        )
        findings: tuple[str, ...] = ()
    else:
        told = f"Opened {name} as saved at tick {world.tick:,}"
        told += f"; its journal ends at tick {found.tick:,}." if found.findings else "."
        findings = _behind_the_save(place, found, world.tick)
        found = replace(found, findings=findings)
    if read_only:
        return OpenResult(world, place.path, None, read_only, place.holder, told, findings)
    if beside is _FileState.AHEAD:
        return OpenResult(world, place.path, told=told, findings=_aside(place, found))
    aside = put_aside(place.path, "before")
    kept = f"The world of the old journal was kept as {aside.stem}."
    return OpenResult(world, place.path, told=told, findings=(kept,))


def _without(
    place: LiveWorldFiles, error: SnapshotError, read_only: bool, report: Report
) -> OpenResult:
    """Open the file without its useless journal, if there is a file."""
    if not place.path.exists():
        raise error
    world = load(place.path, report=report)
    told = (
        f"The journal of {place.path.name} cannot be used; opened the file at tick {world.tick:,}."
    )
    findings = [f"{error.path}: {error.reason}"]
    if not read_only:
        aside = put_aside(place.path, "damaged")
        findings.append(f"The rest of the journal was kept as {aside.name}.live.")
    opened = OpenResult(world, place.path, None, read_only, place.holder, told, tuple(findings))
    world.remarks += (told, *findings)
    return opened


def _told(place: LiveWorldFiles, found: Recovery) -> str:
    """Report in one line what was found and done."""
    where = _extent(place, found.tick)
    if place.holder:
        return f"Opened a copy at {where}; {place.holder} has the world open."
    if not found.is_whole and not found.lacks:
        return f"Recovery incomplete: recovered to {where}."
    if not found.is_whole:
        behind = place.acked is None or place.acked.number > found.number
        rest = "the rest of its journal cannot be replayed" if behind else "started a new journal"
        return f"Opened at {where}; {rest}."
    if not place.was_closed:
        return f"Recovered completely to {where}.{_ended(place)}"
    return f"Resumed at {where}." if place.goes_on else ""


def _extent(place: LiveWorldFiles, tick: int) -> str:
    """Format ``tick 1,204 (saved at 1,100, then 104 ticks from its journal)``."""
    saved = place.saved
    if saved is None:
        how = "its file is a different world" if place.path.exists() else "never saved"
        return f"tick {tick:,} (from its journal; {how})"
    if not place.path.exists():
        return (
            f"tick {tick:,} (from its journal; {place.path.name}, saved at {saved.tick:,}, is "
            "missing)"
        )
    more = tick - saved.tick
    if not more:
        return f"tick {tick:,} (saved at {saved.tick:,})"
    if more < 0:
        return f"tick {tick:,} (saved at {saved.tick:,}, then moved back)"
    ticks = plural(more, "tick")
    return f"tick {tick:,} (saved at {saved.tick:,}, then {ticks} from the journal)"


def _ended(place: LiveWorldFiles) -> str:
    """Name the process that did not close it."""
    said = place.signature
    if said is None:
        return ""
    return f" Process {said.pid} on {said.host} did not close it."
