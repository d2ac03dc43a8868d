"""Lineage and bookmarks of a world, and whether its journal continues from its file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from sim.core.files import write_whole
from sim.core.text import one_line
from sim.errors import FileError, InputError, SnapshotError
from sim.store.journal.journal import JOURNAL_FILE, folder_of
from sim.store.snapshot.files import as_path
from sim.store.snapshot.opened import info
from sim.store.snapshot.schema import from_json

BOOKMARKS_FILE, LINEAGE_FILE = "bookmarks", "lineage"
MOST_BYTES = 1 << 20
MOST_BOOKMARKS = 1000
LONGEST_NAME = 64

Place = str | PathLike[str]


class Bookmark(NamedTuple):
    """A tick with a name.

    Parameters
    ----------
    name
        One line of at most 64 characters.
    tick
        The tick.
    line
        The last entry of the line when it was named; 0 without a journal.
    """

    name: str
    tick: int
    line: int = 0


class Lineage(NamedTuple):
    """The origin of a branch.

    Parameters
    ----------
    parent
        The file of the original world, which may no longer exist.
    tick, entry
        The tick, and the last entry of the line in the parent's journal.
    digest
        ``world.digest()`` there.
    """

    parent: str
    tick: int
    entry: int
    digest: str


def checked_name(name: str) -> str:
    """Return the name of a bookmark, or raise if it is not allowed."""
    fits = 0 < len(name) <= LONGEST_NAME and name == one_line(name).strip()
    if not fits or name.lstrip("+-").isdecimal():
        raise InputError(
            f"A bookmark is named by 1 to {LONGEST_NAME} printable characters that are no number, "
            f"got {one_line(name, LONGEST_NAME)!r}."
        )
    return name


def bookmarks(path: Place) -> list[Bookmark]:
    """Return the bookmarks of a live world, in order of tick; none without a journal."""
    file = folder_of(as_path(path)) / BOOKMARKS_FILE
    try:
        said = _read(file)
        return sorted(
            (Bookmark(checked_name(str(n)), int(t), int(at)) for n, t, at in said or ()),
            key=lambda each: (each.tick, each.name),
        )
    except (LookupError, TypeError, ValueError) as error:
        raise SnapshotError(file, "damaged: these are no bookmarks") from error


def keep_bookmarks(path: Place, kept: Iterable[Bookmark]) -> None:
    """Write the bookmarks of a live world, replacing the existing ones."""
    every = [list(each) for each in kept]
    if len(every) > MOST_BOOKMARKS:
        raise InputError(f"A world has at most {MOST_BOOKMARKS:,} bookmarks; remove some.")
    _write(folder_of(as_path(path)) / BOOKMARKS_FILE, every)


def lineage(path: Place) -> Lineage | None:
    """Return the origin of a branched world; None: none is recorded."""
    with suppress(LookupError, TypeError, ValueError):
        said = _read(folder_of(as_path(path)) / LINEAGE_FILE)
        if said is not None:
            parent = one_line(str(said["parent"]))
            return Lineage(parent, int(said["tick"]), int(said["entry"]), str(said["digest"]))
    return None


def note_lineage(path: Place, said: Lineage) -> None:
    """Record the origin of a branched world."""
    _write(folder_of(as_path(path)) / LINEAGE_FILE, said._asdict())


def _read(file: Path) -> Any:
    try:
        with file.open("rb") as opened:
            return from_json(opened.read(MOST_BYTES).decode())
    except OSError:
        return None


def _write(file: Path, value: object) -> None:
    write_whole(file, json.dumps(value), is_private=True)


SAVED_FILE = "saved"
_LONGEST = 4096


class SaveEntry(NamedTuple):
    """The journal entry at which a world's file was written: entry, tick, digest."""

    number: int
    tick: int
    digest: str


def saved_at(path: Path) -> SaveEntry | None:
    """Return when a world's file was written, from its journal; None: never, or not recorded."""
    try:
        with (folder_of(path) / SAVED_FILE).open("rb") as file:
            said = from_json(file.read(_LONGEST).decode())
        return SaveEntry(int(said["number"]), int(said["tick"]), str(said["digest"]))
    except (OSError, ValueError, LookupError, TypeError):
        return None


def is_of_file(path: Path) -> bool:
    """Return whether the journal beside a file may continue from it: also if that is unknown."""
    noted = saved_at(path)
    if noted is None:
        return True
    try:
        return info(path).digest == noted.digest
    except FileError:
        return True


def is_led_on(path: Path) -> bool:
    """Return whether there is a journal beside a file and it continues from that."""
    return (folder_of(path) / JOURNAL_FILE).is_file() and is_of_file(path)
