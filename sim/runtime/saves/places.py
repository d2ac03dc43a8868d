"""Live worlds on the disk (``NAME.hub.live``): listing, owner, renaming, replacing, discarding.

A live world is the folder ``NAME.hub.live`` beside ``NAME.hub``, which need not exist. The process
that writes there holds its lease; beside the journal a small file, ``saved``, says at which entry
``NAME.hub`` was written.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from sim.core.files import write_whole
from sim.core.text import one_line
from sim.errors import FileError, SnapshotError
from sim.runtime.journal.checkpoints import checkpoints_in
from sim.store.history.database import copy_history, drop_history
from sim.store.journal.journal import (
    JOURNAL_FILE,
    LEASE_FILE,
    NO_DIGEST,
    Checkpoint,
    LastAcknowledged,
    folder_of,
    read_acked,
)
from sim.store.journal.lease import Lease, LeaseError, Signature, holder, is_held, signature
from sim.store.journal.lineage import SAVED_FILE, SaveEntry, is_of_file, saved_at
from sim.store.journal.reading import audit, read_journal, saved_acts
from sim.store.journal.recovery import Recovery, older_checkpoint
from sim.store.saves import SaveFile, kept
from sim.store.snapshot.opened import info, under_way
from sim.world.state.state import LostModel
from sim.world.world import World

if TYPE_CHECKING:
    from sim.world.log import LoggedAct
    from sim.world.world import World


@dataclass(frozen=True, slots=True)
class LiveWorldFiles:
    """A live world on the disk, without reading its journal.

    Parameters
    ----------
    path
        The world's file, which need not exist.
    acked
        The last acknowledged entry; None: unknown.
    saved
        When its file was written; None: never, or by another program.
    holder
        The process that has it open now; "": none.
    signature
        The process that has or had it open; None: unknown.
    bytes, written_at
        Size of the folder, and when something was written there last, in seconds since 1970.
    """

    path: Path
    acked: LastAcknowledged | None
    saved: SaveEntry | None
    holder: str
    signature: Signature | None
    bytes: int
    written_at: float = 0.0

    @property
    def was_closed(self) -> bool:
        """Whether the last process that had it open closed it properly."""
        return self.signature is not None and bool(self.signature.until)

    @property
    def is_older(self) -> bool:
        """Whether an earlier version wrote the journal, which cannot be replayed here."""
        return older_checkpoint(folder_of(self.path)) is not None

    @property
    def leads_on(self) -> bool:
        """Whether the journal continues from the file, which has not been rewritten since."""
        return is_of_file(self.path)

    @property
    def opens_at(self) -> int:
        """The tick at which it opens if its journal is complete."""
        if not self.leads_on:
            return info(self.path).tick or 0
        older = older_checkpoint(folder_of(self.path))
        saved = self.saved.tick if self.saved is not None else 0
        if older is not None:
            return max(older.tick, saved if self.path.exists() else 0)
        return self.acked.tick if self.acked is not None else saved

    @property
    def goes_on(self) -> bool:
        """Whether the journal holds more than the world's file."""
        number = self.acked.number if self.acked is not None else 0
        return since_saved(self.path, number)


def has_journal(path: Path) -> bool:
    """Return whether there is a live world beside a file."""
    return (folder_of(path) / JOURNAL_FILE).is_file() or bool(checkpoints_in(folder_of(path)))


def place_of(path: Path) -> LiveWorldFiles | None:
    """Return the live world of a file; None if it has none."""
    if not has_journal(path):
        return None
    folder = folder_of(path)
    lease = folder / LEASE_FILE
    stats = [each.stat() for each in folder.iterdir() if each.is_file()]
    size, written = sum(s.st_size for s in stats), max(s.st_mtime for s in stats)
    held = holder(lease) if is_held(lease) else ""
    return LiveWorldFiles(
        path, read_acked(folder), saved_at(path), held, signature(lease), size, written
    )


def newest_checkpoint(path: Path) -> Path | None:
    """Return the newest checkpoint beside a world's file, by its date; None: no checkpoint."""
    found = checkpoints_in(folder_of(path))
    return max(found, key=lambda each: each.stat().st_mtime, default=None)


def beyond(path: Path) -> str:
    """Describe what the journal of a world holds beyond its file; "": nothing."""
    place = place_of(path)
    if place is None or not place.goes_on or place.acked is None:
        return ""
    if not place.leads_on:
        return (
            f"{path.name} was rewritten after its journal ended at tick {place.acked.tick:,}; "
            "`hubbub open` opens the file and sets the journal aside."
        )
    leads = f"{path.name} is the world as saved; its journal continues to tick"
    ways = "`hubbub open` and `run --journal` resume from there."
    end, last = place.opens_at, place.acked.tick
    if end < last and place.is_older:
        return (
            f"{leads} {last:,}; the ticks after {end:,} were written by an earlier version of "
            f"Hubbub, and only that can replay them. {ways.replace('there', f'tick {end:,}')}"
        )
    return f"{leads} {last:,}. {ways}"


def require_file(path: Path) -> None:
    """Raise for a world that was never saved when its file is needed; say how to open it."""
    if os.path.lexists(path) or not has_journal(path):
        return
    name = path.name.removesuffix(".hub")
    raise FileError(
        path,
        "was never saved and exists only in its journal; resume it with `hubbub open` or `hubbub "
        f"run --journal`, or save it with `hubbub recover {name} --save FILE.hub`",
    )


def live_places(folder: Path) -> list[LiveWorldFiles]:
    """Return the live worlds of a folder, by name."""
    found = []
    for live in sorted(folder.glob("*.hub.live")):
        with suppress(OSError):  # it was removed meanwhile
            place = place_of(live.with_name(live.name.removesuffix(".live")))
            found += [place] if place is not None else []
    return found


def all_saves(folder: Path) -> list[SaveFile]:
    """List the worlds of a folder by path, also those that exist only in their journals."""
    places = (place for place in live_places(folder) if not os.path.lexists(place.path))
    return sorted((*kept(folder), *map(_unsaved, places)), key=lambda each: each.path)


def _unsaved(place: LiveWorldFiles) -> SaveFile:
    name = one_line(place.path.name.removesuffix(".hub"))
    checkpoint = newest_checkpoint(place.path)
    if checkpoint is None:
        reason = "its journal has no checkpoint to start from"
        return SaveFile(name, place.path, place.bytes, None, reason, is_saved=False)
    try:
        said = info(checkpoint)
    except FileError as error:
        return SaveFile(name, place.path, place.bytes, None, error.reason, is_saved=False)
    said = replace(said, tick=place.opens_at, note="never saved; exists only in its journal")
    return SaveFile(name, place.path, place.bytes, said, is_saved=False)


def rest_of(place: LiveWorldFiles) -> str:
    """Describe which part of an earlier version's journal is lost on opening; "": none."""
    if place.acked is None or not place.is_older or place.acked.tick <= place.opens_at:
        return ""
    return (
        f"Its journal continues to tick {place.acked.tick:,}; only the version of Hubbub that "
        "wrote it can replay that."
    )


def held_by_another(path: Path) -> str:
    """Return which process has a world open; "": none, or it has no journal."""
    lease = folder_of(path) / LEASE_FILE
    return holder(lease) if is_held(lease) else ""


# Time of the last save


def note_saved(path: Path, number: int) -> None:
    """Record that a world's file holds its journal up to an entry; a hint, not a guarantee."""
    target = folder_of(path) / SAVED_FILE
    try:
        found = info(path)
        said = SaveEntry(number, found.tick or 0, found.digest)
        write_whole(target, json.dumps(said._asdict()), is_private=True)
    except (OSError, FileError):
        target.unlink(missing_ok=True)


def since_saved(path: Path, number: int) -> bool:
    """Return whether a journal that ends at an entry holds more than the world's file."""
    saved = saved_at(path)
    return number != saved.number if saved is not None else number > 0 or path.exists()


# Creating and removing


def is_untouched(path: Path) -> bool:
    """Return whether nothing was ever done in a live world that was never saved."""
    folder = folder_of(path)
    acked = read_acked(folder)
    if path.exists() or (acked is not None and acked.number):
        return False
    if not (folder / JOURNAL_FILE).exists():
        return not checkpoints_in(folder)
    try:
        with read_journal(folder) as journal:
            named = journal.checkpoints()
            number, digest = (named[0].number, named[0].digest) if named else (0, NO_DIGEST)
            return not number and next(journal.entries(0, digest), None) is None
    except Exception:  # an unreadable journal is kept
        return False


def sweep_untouched(path: Path) -> bool:
    """Remove a live world if nothing was ever done in it and no process has it open."""
    folder = folder_of(path)
    if not (folder / LEASE_FILE).exists() or is_held(folder / LEASE_FILE) or not is_untouched(path):
        return False  # the lease keeps the name of its last holder
    with suppress(FileError, OSError), Lease(folder / LEASE_FILE):
        if is_untouched(path):
            shutil.rmtree(folder)
            return True
    return False


def free_name(saves: Path, name: str) -> Path:
    """Return an unused file name in the saves folder, for a world without a name.

    A live world of that name in which nothing was done is removed.

    Parameters
    ----------
    saves, name
        The folder, and an allowed name.
    """
    for number in itertools.count(1):
        path = saves / f"{name}{'' if number == 1 else f'-{number}'}.hub"
        sweep_untouched(path)
        if not os.path.lexists(path) and not folder_of(path).exists():
            return path
    raise AssertionError  # pragma: no cover - the count has no end


def discard(path: Path) -> None:
    """Permanently remove a live world; its file stays as it was saved.

    Raises
    ------
    LeaseError
        If a process has it open.
    OSError
        If it cannot be removed.
    """
    with Lease(folder_of(path) / LEASE_FILE):
        shutil.rmtree(folder_of(path))
    if not path.exists():
        drop_history(path)


def put_aside(path: Path, why: str, *, link: bool = False) -> Path:
    """Rename a live world to ``NAME-WHY-1``, with ``link`` its file too; nothing is lost."""
    stem = path.name.removesuffix(".hub")
    with Lease(folder_of(path) / LEASE_FILE):
        for number in itertools.count(1):
            aside = path.with_name(f"{stem}-{why}-{number}.hub")
            if not os.path.lexists(aside) and not folder_of(aside).exists():
                if link:
                    with suppress(OSError):
                        os.link(path, aside)
                folder_of(path).rename(folder_of(aside))
                copy_history(path, aside)
                return aside
    raise AssertionError  # pragma: no cover - the count has no end


def taken_along(path: Path, target: Path, world: World, number: int) -> Recovery:
    """Move a closed journal to another file, and return its recovery there."""
    place = place_of(target)
    if place is not None and place.goes_on:
        put_aside(target, "before")
    elif folder_of(target).exists():
        discard(target)
    shutil.move(folder_of(path), folder_of(target))
    nothing = Checkpoint(0, 0, "", "", NO_DIGEST)
    return Recovery(world, number, world.tick, NO_DIGEST, None, nothing, 0, 0, (), 0.0)


def lost_by_saving(world: World, path: str | PathLike[str]) -> str:
    """Say what would be lost if a world were saved to a file, one clause."""
    file = Path(path)
    try:
        said = saved_acts(file)
        alive = under_way(file)
    except SnapshotError:
        return ""
    acts = world.trail.acts
    if not said.acts or not acts or said.acts[0].digest != acts[0].digest:
        return ""
    if (said.tick or 0) > world.tick:
        return f"holds this world at tick {said.tick:,}, later than the current tick {world.tick:,}"
    for cascade in world.cascades:
        lacks = isinstance(cascade.model, LostModel) and cascade.status == "failed"
        if lacks and cascade.id in alive:
            return (
                f"holds message #{cascade.id} still spreading, which stopped here because plugin "
                f"{cascade.model_name!r} is missing"
            )
    return ""


def another_world(world: World, path: str | PathLike[str]) -> str:
    """Return which other world a file holds, one clause; "": none, or an earlier state."""
    file = Path(path)
    try:
        said = saved_acts(file)
    except SnapshotError:
        return ""
    acts = world.trail.acts
    if not said.acts or not acts or _made(said.acts[0]) == _made(acts[0]):
        return ""
    return f"holds another world, at tick {said.tick or 0:,}"


def origin_of(path: Path) -> LoggedAct | None:
    """Return the first act of the world in a file, or in the journal beside it; None: unknown."""
    try:
        acts = (saved_acts(path) if path.is_file() else audit(path)).acts
    except SnapshotError:
        return None
    return _made(acts[0]) if acts else None


def _made(first: LoggedAct) -> LoggedAct:
    """Return the act that made a world, without its author."""
    return replace(first, author="", digest="")


def require_free(path: Path, *, force: bool, ways: str = "") -> None:
    """Raise if a place is taken: by a file, or by a world that exists only in its journal."""
    if holder := held_by_another(path):
        raise LeaseError(path, f"in use by {holder}; close it there first")
    found = "" if force else _there(path)
    if found:
        raise FileError(path, f"{found}; {ways or 'choose another name, or add --force'}")


def make_way(path: Path, *, drop: bool = True) -> str:
    """Move aside the journal of a file to be replaced; ``drop`` its history; say where it is."""
    aside = cleared(path)
    if drop:
        drop_history(path)
    return "" if aside is None else f"The previous world's journal was moved to {aside.stem}."


def cleared(path: Path) -> Path | None:
    """Move aside the journal of a file; return the file it is beside now, or None."""
    if place_of(path) is not None:
        return put_aside(path, "before", link=True)
    if folder_of(path).is_dir():
        discard(path)
    return None


def _there(path: Path) -> str:
    """Describe what exists at a place, one clause; "": nothing."""
    place = place_of(path)
    lives = place is not None and place.goes_on
    end = "" if place is None or place.acked is None else f" tick {place.acked.tick:,}"
    if os.path.lexists(path):
        try:
            held = f"exists, a world at tick {info(path).tick or 0:,}"
        except FileError:
            held = "exists"
        return f"{held}, and its journal continues{end and f' to{end}'}" if lives else held
    if place is not None or folder_of(path).is_dir():
        return f"a world that was never saved exists there in its journal{end and f', at{end}'}"
    return ""
