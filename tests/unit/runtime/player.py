"""Plays kept worlds in processes that are killed; prints for each what it had acknowledged."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sim.runtime.journal.writer import JournalWriter
from sim.store.journal import journal
from sim.store.journal.journal import NO_DIGEST
from tests.unit.runtime.keeping import PACING, play, started

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


def child(path: Path, told: int) -> None:
    """Play until killed; each acknowledged entry is a line in a pipe."""
    world = started()
    keeper = JournalWriter(world, path, pacing=PACING)

    def tell(number: int) -> None:
        os.write(told, b"%d\n" % number)
        TOLD[0] = number

    play(world, keeper, 1_000_000, tell)


def killed(path: Path, plant: Callable[[], None], delay: float, least: int | None) -> int:
    """Play in a process, kill it, and return the last entry that it acknowledged.

    ``least`` lines are read before; None: the player ends by itself.
    """
    reads, writes = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reads)
        try:
            plant()
            child(path, writes)
        finally:
            os._exit(1)
    os.close(writes)
    said: list[bytes] = []
    with os.fdopen(reads, "rb") as pipe:
        if least is not None:
            said = [pipe.readline() for _ in range(least)]
            time.sleep(delay)
            os.kill(process, signal.SIGKILL)
        said += pipe.readlines()
    os.waitpid(process, 0)
    return int([line for line in said if line.endswith(b"\n")][-1])


def main(folder: Path, kills: int, seed: int, *bugs: str) -> None:
    """Kill so many players at random moments, then one for each planted bug."""
    moments = random.Random(seed)
    world = started()
    world.inject("Warm up", seeds=[0], model="sir")
    world.step(3)  # every kernel is loaded before the first fork
    for number, bug in enumerate(["none"] * kills + [*bugs]):
        path = folder / f"{number}.hub"
        delay, least = moments.random() * 0.15, moments.randrange(1, 60)
        acked = killed(path, BUGS[bug], delay, least if bug in KILLED else None)
        print(path, acked, flush=True)  # noqa: T201 - the test reads it


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
