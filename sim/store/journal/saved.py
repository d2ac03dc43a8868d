"""The note beside a journal: at which of its entries the world's file was written.

A file that somebody wrote anew since, or copied there, is none that its journal leads on from:
opening it gives the file, and what is told of the world is that of the file too.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from sim.errors import FileError
from sim.store.journal.journal import JOURNAL_FILE, folder_of
from sim.store.snapshot.inspect import info
from sim.store.snapshot.json_values import from_json

SAVED_FILE = "saved"
_LONGEST = 4096


class SaveEntry(NamedTuple):
    """At which entry of the journal a world's file was written: entry, tick, digest."""

    number: int
    tick: int
    digest: str


def saved_at(path: Path) -> SaveEntry | None:
    """Return when a world's file was written, by its journal; None: never, or nobody noted it."""
    try:
        with (folder_of(path) / SAVED_FILE).open("rb") as file:
            said = from_json(file.read(_LONGEST).decode())
        return SaveEntry(int(said["number"]), int(said["tick"]), str(said["digest"]))
    except (OSError, ValueError, LookupError, TypeError):
        return None


def is_of_file(path: Path) -> bool:
    """Return whether what lies beside a file may lead on from it, and from no other one.

    Also where there is no file, none that can be read, or nobody noted when it was saved.
    """
    noted = saved_at(path)
    if noted is None:
        return True
    try:
        return info(path).digest == noted.digest
    except FileError:
        return True


def is_led_on(path: Path) -> bool:
    """Return whether a journal lies beside a file and leads on from that."""
    return (folder_of(path) / JOURNAL_FILE).is_file() and is_of_file(path)
