"""Which checkpoints a live world keeps: the first, and the newest on the line that it is on."""

from __future__ import annotations

import threading
from pathlib import Path

from sim.store.journal_reading import read_journal
from sim.store.journal_rows import Checkpoint
from sim.store.line import Jump, Line

__all__ = ["Ways"]


class Ways:
    """The checkpoints and jumps of one journal; used by the engine's thread and by who writes.

    Parameters
    ----------
    checkpoints
        As the journal names them, oldest first.
    jumps
        In order.
    """

    def __init__(self, checkpoints: list[Checkpoint], jumps: list[Jump]) -> None:
        self._checkpoints = checkpoints
        self._jumps = jumps
        self._lock = threading.Lock()

    @classmethod
    def read(cls, folder: Path) -> Ways:
        """Return those of a journal; checkpoints that were removed meanwhile are left out."""
        with read_journal(folder) as journal:
            named = reversed(journal.checkpoints())
            return cls([each for each in named if (folder / each.file).exists()], journal.jumps())

    @property
    def files(self) -> list[str]:
        """The names of the checkpoints, oldest first."""
        with self._lock:
            return [each.file for each in self._checkpoints]

    def jumped(self, number: int, tick: int, line: int) -> bool:
        """Take note of a jump; returns whether a checkpoint leads to where it went."""
        with self._lock:
            self._jumps.append(Jump(number, tick, line))
            way = Line.to(self._jumps, number)
            return any(way.leads_by(each) for each in self._checkpoints)

    def took(self, checkpoint: Checkpoint, number: int, keep: int) -> list[str]:
        """Take note of a checkpoint; returns the files that are not needed any more.

        Besides the first one, with which every tick can be gone back to, and this one, which may
        have no name in the journal yet, ``keep`` of those on the line to ``number`` stay.
        """
        with self._lock:
            way = Line.to(self._jumps, number)
            older = [each for each in self._checkpoints if each.file != checkpoint.file]
            on_way = [each for each in older if way.leads_by(each)]
            stay = {each.file for each in (*older[:1], *on_way[-keep:])}
            self._checkpoints = [*(each for each in older if each.file in stay), checkpoint]
            return [each.file for each in older if each.file not in stay]
