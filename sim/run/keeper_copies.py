"""Checkpoints: a world copied between two ticks, and written to its file by a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.store import save
from sim.store.journal_rows import Checkpoint
from sim.world.state import digest_of
from sim.world.world import World

__all__ = ["Copies", "Copy", "Pacing", "checkpoints_in"]

KEPT = 2
"""Checkpoints that stay; when the newest is damaged there is one before it."""

_SHARED = ("ties.", "interactions.")
"""Columns that a change replaces and never writes into: a copy may share them."""

Column = npt.NDArray[Any]
Saver = Callable[["Copy", Path], object]


@dataclass(frozen=True, slots=True)
class Pacing:
    """When a checkpoint is taken: after so many ticks, or so many seconds of running.

    Parameters
    ----------
    ticks, seconds
        Whichever comes first; None: never because of it.
    """

    ticks: int | None = 1000
    seconds: float | None = 60.0


class Copy:
    """A world as it was, in a shape that can be saved.

    Parameters
    ----------
    meta, columns
        Of ``World.dump()``; nobody writes into them while this is saved.
    """

    def __init__(self, meta: dict[str, Any], columns: dict[str, Column]) -> None:
        self._meta = meta
        self._columns = columns
        self._digest = ""

    def dump(self) -> tuple[dict[str, Any], dict[str, Column]]:
        """Return the state."""
        return self._meta, self._columns

    def digest(self) -> str:
        """Return the digest of the world."""
        self._digest = self._digest or digest_of(self._meta, self._columns)
        return self._digest


def checkpoints_in(folder: Path) -> list[Path]:
    """Return the checkpoints in a folder."""
    return list(folder.glob("checkpoint-*.hub"))


def _save(copy: Copy, path: Path) -> None:
    save(copy, path, note="a checkpoint", name=path.parent.name.removesuffix(".hub.live"))


class Copies:
    """Takes checkpoints of one world.

    Parameters
    ----------
    folder
        Where they go.
    saver
        Writes one.

    Attributes
    ----------
    pause
        Seconds that the world stood still for the last one.
    taken
        How many were begun.
    running
        The last one under way; None before the first.
    """

    def __init__(self, folder: Path, saver: Saver = _save) -> None:
        self.pause = 0.0
        self.taken = 0
        self.running: Future[Checkpoint] | None = None
        self._folder = folder
        self._saver = saver
        self._buffers: dict[str, Column] = {}
        self._thread: threading.Thread | None = None

    @property
    def is_busy(self) -> bool:
        """Whether one is being written: its buffers are not free."""
        return self.running is not None and not self.running.done()

    def take(
        self, world: World, number: int, digest: bytes, then: Callable[[Future[Checkpoint]], None]
    ) -> Future[Checkpoint]:
        """Copy the world as it is after the entry ``number``, and begin to write it.

        ``then`` is called with the future in the thread that writes.
        """
        self.join()
        began = perf_counter()
        copy = self._copied(world)
        self.pause = perf_counter() - began
        self.taken += 1
        future: Future[Checkpoint] = Future()
        future.add_done_callback(then)
        self.running = future
        name, tick = f"checkpoint-{number}.hub", world.tick

        def write() -> None:
            try:
                self._saver(copy, self._folder / name)
                done = Checkpoint(number, tick, name, copy.digest(), digest)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(done)

        self._thread = threading.Thread(target=write, name="checkpoint", daemon=True)
        self._thread.start()
        return future

    def thin(self, named: list[str]) -> None:
        """Remove checkpoints but the newest :data:`KEPT`; ``named`` is in order of age."""
        for name in named[:-KEPT]:
            (self._folder / name).unlink(missing_ok=True)

    def join(self) -> None:
        """Wait for the one under way."""
        if self._thread is not None:
            self._thread.join()

    def sweep(self, named: Iterable[str]) -> None:
        """Remove what was left half-made, and checkpoints that the journal does not name."""
        kept = set(named)
        for path in [*self._folder.glob(".checkpoint-*.partial"), *checkpoints_in(self._folder)]:
            if path.name not in kept:
                path.unlink(missing_ok=True)

    def _copied(self, world: World) -> Copy:
        meta, columns = world.dump()
        kept = {}
        for name, column in columns.items():
            kept[name] = column if name.startswith(_SHARED) else self._into(name, column)
        self._buffers = {name: kept[name] for name in kept if not name.startswith(_SHARED)}
        return Copy(meta, kept)

    def _into(self, name: str, column: Column) -> Column:
        """Copy into the buffer of last time where it fits: fresh memory costs ten times more."""
        buffer = self._buffers.get(name)
        if buffer is None or buffer.shape != column.shape or buffer.dtype != column.dtype:
            return np.array(column)
        np.copyto(buffer, column)
        return buffer
