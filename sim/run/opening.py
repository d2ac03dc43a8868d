"""Open a world: the file as it was saved, or what lived on beside it, brought back and explained.

What is damaged is named, and put aside under a name of its own; nothing here overwrites anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from sim.core.progress import Report, quiet
from sim.errors import FileError, SnapshotError
from sim.run.custody import Keeping
from sim.run.keeper import Pacing, recover
from sim.run.places import LivePlace, Saved, place_of, put_aside
from sim.store import info, load
from sim.store.header import as_path
from sim.store.lease import LeaseError
from sim.store.recovery import Recovery
from sim.world.world import World

__all__ = ["Opened", "describe", "open_live"]

TRIES = 3
"""A journal that is being written may drop a checkpoint while that is read."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A world that was opened, and how it was found.

    Attributes
    ----------
    world
        The world.
    path
        The file that was named; it need not exist where a world was never saved.
    recovered
        What its journal gave; None: it is the file as it was saved.
    is_read_only
        Whether nothing may be written: it is a copy.
    holder
        The process that has the world open; "": none.
    told
        What a person is told, one line; "": nothing was out of the ordinary.
    findings
        A sentence for everything that is missing or damaged, or was put aside.
    """

    world: World
    path: Path
    recovered: Recovery | None = None
    is_read_only: bool = False
    holder: str = ""
    told: str = ""
    findings: tuple[str, ...] = ()

    def keeping(self, pacing: Pacing | None = None, author: str = "script") -> Keeping:
        """Return how it goes on: as the argument ``journal`` of a simulation."""
        return Keeping(self.path, pacing or Pacing.chosen(), author, self.recovered)


def open_live(
    path: str | PathLike[str], *, read_only: bool = False, report: Report = quiet
) -> Opened:
    """Open a world: where a journal lies beside its file, what that says too.

    Parameters
    ----------
    path
        The world's file, ``NAME.hub``; a world that was never saved has a folder
        ``NAME.hub.live`` alone.
    read_only
        Give a copy of the world as it is now, and change nothing, not even a name.
    report
        Told of progress; may cancel.

    Returns
    -------
    Opened
        Go on with ``Simulation(opened.world, path=path, journal=opened.keeping())``.

    Raises
    ------
    LeaseError
        When another process has it open, and ``read_only`` is not asked for.
    SnapshotError
        When neither the file nor the journal gives a world.
    """
    path = as_path(path)
    place = place_of(path)
    if place is None:
        return Opened(load(path, report=report), path, is_read_only=read_only)
    if place.holder and not read_only:
        reason = f"in use by {place.holder}; close it there, or open it read-only"
        raise LeaseError(path, reason)
    try:
        found = _recovered(path, report, TRIES if read_only else 1)
    except SnapshotError as error:
        return _without(place, error, read_only, report)
    opened = _replaced(place, found, read_only, report) or _gone_on(place, found, read_only)
    opened.world.remarks += tuple(filter(None, (opened.told, *opened.findings)))
    return opened


def describe(place: LivePlace) -> str:
    """Say what opening a live world will give, without opening it; one sentence."""
    if place.saved is None and (place.acked is None or not place.acked.number):
        return "Never saved, and nothing was done in it."
    return f"Opens at {_extent(place.saved, _tick(place))}."


def _recovered(path: Path, report: Report, tries: int) -> Recovery:
    for left in reversed(range(tries)):
        try:
            return recover(path, report=report)
        except SnapshotError:
            if not left:
                raise
    raise AssertionError  # pragma: no cover - the last try raises


def _gone_on(place: LivePlace, found: Recovery, read_only: bool) -> Opened:
    """Go on with what the journal gave; one that is damaged is put aside as it is."""
    if found.is_whole or read_only:
        told = _told(place, found)
        return Opened(found.world, place.path, found, read_only, place.holder, told, found.findings)
    aside = put_aside(place.path, "damaged")
    kept = f"The damaged journal is kept: hubbub recover {aside} explains it."
    return Opened(
        found.world, place.path, None, told=_told(place, found), findings=(*found.findings, kept)
    )


def _replaced(place: LivePlace, found: Recovery, read_only: bool, report: Report) -> Opened | None:
    """Open the file where somebody wrote it anew without its journal; None: nobody did."""
    if place.saved is None or not place.path.exists():
        return None
    try:
        digest = info(place.path).digest
    except FileError:
        return None
    if digest in {place.saved.digest, found.world.digest()}:
        return None
    world = load(place.path, report=report)
    told = (
        f"{place.path.name} was written anew since its journal ended at tick {found.tick:,}: "
        "this is the file."
    )
    if read_only:
        return Opened(world, place.path, None, read_only, place.holder, told)
    aside = put_aside(place.path, "before")
    kept = f"The world of its old journal is kept as {aside.stem}."
    return Opened(world, place.path, told=told, findings=(kept,))


def _without(place: LivePlace, error: SnapshotError, read_only: bool, report: Report) -> Opened:
    """Open the file where its journal gives nothing, if it has one."""
    if not place.path.exists():
        raise error
    world = load(place.path, report=report)
    told = (
        f"The journal of {place.path.name} cannot be used; this is the file, tick {world.tick:,}."
    )
    findings = [f"{error.path}: {error.reason}"]
    if not read_only:
        aside = put_aside(place.path, "damaged")
        findings.append(f"What is left of the journal is kept: {aside.name}.live.")
    opened = Opened(world, place.path, None, read_only, place.holder, told, tuple(findings))
    world.remarks += (told, *findings)
    return opened


def _told(place: LivePlace, found: Recovery) -> str:
    """Say in one line what was found and done."""
    where = _extent(place.saved, found.tick)
    if place.holder:
        return f"A copy at {where}; {place.holder} has it open."
    if not found.is_whole:
        return f"Recovered to {where}; something is missing."
    if not place.was_closed:
        return f"Recovered to {where}; nothing is missing.{_ended(place)}"
    return f"Goes on at {where}." if place.goes_on else ""


def _extent(saved: Saved | None, tick: int) -> str:
    """Write ``tick 1,204 (saved at 1,100, then 104 ticks from its journal)``."""
    if saved is None:
        return f"tick {tick:,} (from its journal; never saved)"
    more = tick - saved.tick
    if not more:
        return f"tick {tick:,} (saved at {saved.tick:,})"
    ticks = f"{more:,} tick{'s' * (more != 1)}"
    return f"tick {tick:,} (saved at {saved.tick:,}, then {ticks} from its journal)"


def _ended(place: LivePlace) -> str:
    """Name the process that did not close it."""
    said = place.signature
    if said is None:
        return ""
    return f" Process {said.pid} on {said.host} ended without closing it."


def _tick(place: LivePlace) -> int:
    if place.acked is not None:
        return place.acked.tick
    return place.saved.tick if place.saved is not None else 0
