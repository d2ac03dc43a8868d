"""Plays kept worlds in processes that are killed; prints for each what it had acknowledged."""

import os
import random
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sim.runtime.journal.writer import JournalWriter
from sim.store.journal import journal
from sim.store.journal.journal import NO_DIGEST
from tests.faults.killing import child, killed
from tests.unit.runtime.journal_config import PACING, play, started

FATAL = 25
"""The entry at which a planted bug strikes."""


TOLD = [0]
"""The last entry that this process told of as acknowledged."""


def die() -> None:
    """End as by a power button."""
    os.kill(os.getpid(), signal.SIGKILL)


def ack_before_commit() -> None:
    """Plant: acknowledge, then write."""

    def write(self: Any, items: Any) -> None:
        for entry in [entry for entry, _ in items if entry is not None]:
            keeper = self._durable.__self__
            while entry.number == FATAL and not keeper._waiting:
                time.sleep(0.001)  # until somebody waits to be told
            self._durable(entry)
            if entry.number == FATAL:
                until = time.monotonic() + 60
                while TOLD[0] < FATAL and time.monotonic() < until:
                    time.sleep(0.001)  # until it was told: that thread may have no processor yet
                die()
        whole(self, items)

    whole = journal.Journal._write
    journal.Journal._write = write  # type: ignore[method-assign]


def split_transaction() -> None:
    """Plant: write an entry and what came of it in two transactions."""

    def commit(file: sqlite3.Connection, written: Any, cut: int = 0) -> None:
        whole(file, [(None, checkpoint) for _, checkpoint in written], cut)
        for entry in [entry for entry, _ in written if entry is not None]:
            if entry.number == FATAL:
                file.set_trace_callback(lambda sql: die() if "INTO metrics" in sql else None)
            journal._insert(file, entry)  # each statement is a transaction

    whole = journal.commit
    journal.commit = commit


def missing_digest() -> None:
    """Plant: write entries that chain to nothing."""

    def commit(file: sqlite3.Connection, written: Any, cut: int = 0) -> None:
        whole(file, written, cut)
        if any(entry is not None for entry, _ in written):
            file.execute("UPDATE entries SET digest = ?", (NO_DIGEST,))

    whole = journal.commit
    journal.commit = commit


BUGS: dict[str, Callable[[], None]] = {
    "none": lambda: None,
    "ack-before-commit": ack_before_commit,
    "split-transaction": split_transaction,
    "missing-digest": missing_digest,
}


KILLED = {"none", "missing-digest"}
"""Players that do not end by themselves."""


def player(path: Path, plant: Callable[[], None], done: Callable[[int], object]) -> None:
    """Plant a bug and play until killed; each acknowledged entry is told."""
    plant()
    world = started()

    def tell(number: int) -> None:
        done(number)
        TOLD[0] = number

    play(world, JournalWriter(world, path, pacing=PACING), 1_000_000, tell)


def main(folder: Path, kills: int, seed: int, *bugs: str) -> None:
    """Kill so many players at random moments, then one for each planted bug."""
    undo_points = random.Random(seed)
    world = started()
    world.inject("Warm up", seeds=[0], model="sir")
    world.step(3)  # every kernel is loaded before the first fork
    for number, bug in enumerate(["none"] * kills + [*bugs]):
        path = folder / f"{number}.hub"
        delay, least = undo_points.random() * 0.15, undo_points.randrange(1, 60)
        process, reads = child(partial(player, path, BUGS[bug]))
        acked = killed(process, reads, least if bug in KILLED else None, delay)
        print(path, acked, flush=True)  # noqa: T201 - the test reads it


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
