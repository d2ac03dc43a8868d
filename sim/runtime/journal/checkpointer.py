"""The checkpointer: a world copied between two ticks, and written to its file by a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from sim.arrays import Array
from sim.core.scratch import ScratchArray, ScratchFiles, give_back, is_filed, let_go
from sim.errors import FileError
from sim.store import available_bytes, save
from sim.store.journal.journal import RETRY_SECONDS, Checkpoint
from sim.store.snapshot.files import is_full
from sim.world.state.snapshot import still
from sim.world.state.state import digest_of, dump_world
from sim.world.world import World

SPARE_BYTES = 256 << 20
"""Memory that a copy leaves free; a world that needs more is written while it stands still."""

_LOOK_SECONDS = 0.1

Saver = Callable[["CheckpointCopy", Path], object]


class CheckpointCopy:
    """A world as it was, in a shape that can be saved; packed by whoever asks first."""

    def __init__(self, twin: World, buffers: CopyBuffers | None = None) -> None:
        self._buffers = buffers
        self.agents = twin.agents
        self.ties = twin.ties
        twin.trail.seal(twin)
        self.trail = twin.trail
        self._twin = twin
        self._state: tuple[dict[str, Any], dict[str, Array]] | None = None
        self._digest = ""

    def dump(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return the state, anew."""
        return dump_world(self._twin)

    def packed(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return the state as a file keeps it."""
        if self._state is None:
            self._state = self._packed()
        return self._state

    def _packed(self) -> tuple[dict[str, Any], dict[str, Array]]:
        if self._buffers is None:
            return dump_world(self._twin, is_packed=True)
        joined = partial(self._buffers.joined, "packed.ended")
        return dump_world(self._twin, self._kept, is_packed=True, joined=joined)

    def _kept(self, name: str, column: Array) -> Array:
        """Return a packed column where it takes no memory."""
        if name.startswith("ties."):
            self.ties.loosen()
        if self._buffers is None or is_filed(column):
            return column
        return self._buffers.copied(f"packed.{name}", column)

    def digest(self) -> str:
        """Return the digest of the world."""
        self._digest = self._digest or digest_of(*self.packed())
        return self._digest

    def rest(self) -> None:
        """Let go of what was packed."""
        self._state = None


class WorldCopier:
    """Takes twins of one world, each in the room of the one before."""

    def __init__(self) -> None:
        self._buffers = CopyBuffers()
        self._last: World | None = None
        self._held = 0

    def take(self, world: World, *, anew: bool = False) -> tuple[CheckpointCopy, bool]:
        """Return the world as it is now, to be saved, and whether it may go on meanwhile.

        It may not where memory has no room for a twin. ``anew``: messages at rest are copied too.
        """
        has_room = self._has_room(world)
        if anew or not has_room:
            self._last = None
        if not has_room:
            self._buffers = CopyBuffers()
            return CheckpointCopy(world), False
        self._buffers = self._buffers.next()
        self._last = still(world, self._buffers.copied, self._last)
        return CheckpointCopy(self._last, self._buffers), True

    def _has_room(self, world: World) -> bool:
        """Whether a copy of what ticks write into fits into memory, beside the last one.

        Half of it again is for what is packed.
        """
        held = world.agents.nbytes + sum(each.nbytes for each in world.cascades.loose)
        held += 0 if world.ties.is_still else world.ties.nbytes
        held += world.platform.nbytes if world.platform is not None else 0
        fits = held + held // 2 - self._held + SPARE_BYTES <= available_bytes()
        self._held = held if fits else 0
        return fits


def checkpoints_in(folder: Path) -> list[Path]:
    """Return the checkpoints in a folder."""
    return list(folder.glob("checkpoint-*.hub"))


def _save(copy: CheckpointCopy, path: Path) -> None:
    name = path.parent.name.removesuffix(".hub.live")
    save(copy, path, note="a checkpoint", name=name, strong=False)


class Checkpointer:
    """Takes checkpoints of one world.

    Attributes
    ----------
    pause
        Seconds that the world stood still for the last one.
    stood_still
        Whether it stood still until that was written: there was no memory for a copy.
    written
        Seconds that it took to pack and write the last one.
    trouble
        What keeps one from being written that must be, one sentence; or None.
    taken
        How many were begun.
    number
        The entry of the last one that was begun; -1 before the first.
    running
        The last one under way; None before the first.
    """

    def __init__(
        self,
        folder: Path,
        saver: Saver = _save,
        keep: int = 2,
        noticed: Callable[[], object] = lambda: None,
    ) -> None:
        self.keep = keep
        self._noticed = noticed
        self.pause = self.written = 0.0
        self.trouble: str | None = None
        self.stood_still = False
        self.taken = 0
        self.number = -1
        self.running: Future[Checkpoint] | None = None
        self._folder = folder
        self._saver = saver
        self._twins = WorldCopier()
        self._gives_up = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_busy(self) -> bool:
        """Whether one is being written: its buffers are not free."""
        return self.running is not None and not self.running.done()

    def take(
        self,
        world: World,
        number: int,
        digest: bytes,
        then: Callable[[Future[Checkpoint]], None],
        *,
        anew: bool = False,
    ) -> Future[Checkpoint]:
        """Copy the world as it is after the entry ``number``, and begin to write it.

        ``then`` is called with the future in the thread that writes. ``anew`` is for a command
        that nobody can do again: messages at rest are copied too, it may have changed them, and
        while the disk is full it is tried again.
        """
        self.join()
        began = perf_counter()
        copy, goes_on = self._twins.take(world, anew=anew)
        self.stood_still = not goes_on
        self.taken += 1
        self.number = number
        future: Future[Checkpoint] = Future()
        self.running = future
        future.add_done_callback(then)
        checkpoint = Checkpoint(number, world.tick, f"checkpoint-{number}.hub", "", digest)
        work = (copy, checkpoint, future, anew)
        self._thread = threading.Thread(
            target=self._write, args=work, name="checkpoint", daemon=True
        )
        self._thread.start()
        if not goes_on:
            self.join()
        self.pause = perf_counter() - began
        return future

    def give_up(self) -> None:
        """Wait for no room any more."""
        self._gives_up.set()

    def _write(
        self,
        copy: CheckpointCopy,
        checkpoint: Checkpoint,
        future: Future[Checkpoint],
        insists: bool,
    ) -> None:
        try:
            self._save(copy, self._folder / checkpoint.file, insists)
            done = replace(checkpoint, world=copy.digest())
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(done)
        finally:
            copy.rest()
            let_go()
            give_back()

    def _save(self, copy: CheckpointCopy, path: Path, insists: bool) -> None:
        try:
            began = perf_counter()
            while not self._saved(copy, path, insists):
                self._gives_up.wait(RETRY_SECONDS)
                began = perf_counter()
            self.written = perf_counter() - began
        finally:
            self._said(None)

    def _said(self, trouble: str | None) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            self._noticed()

    def _saved(self, copy: CheckpointCopy, path: Path, insists: bool) -> bool:
        """Write it; False while the disk is full and it is to be tried again."""
        try:
            self._saver(copy, path)
        except FileError as error:
            if not insists or not is_full(error.__cause__) or self._gives_up.is_set():
                raise
            self._said(
                f"Paused: the last command needs a checkpoint, which was {error.reason}; make room "
                "and it goes on by itself."
            )
            return False
        return True

    def drop(self, names: Iterable[str]) -> None:
        """Remove checkpoints."""
        for name in names:
            (self._folder / name).unlink(missing_ok=True)

    def join(self) -> None:
        """Wait for the one under way."""
        if self._thread is not None:
            self._thread.join()

    def settle(self) -> None:
        """Wait for the one under way, unless it waits for room itself."""
        while self.is_busy and self.trouble is None and self._thread is not None:
            self._thread.join(_LOOK_SECONDS)

    def sweep(self, named: Iterable[str]) -> None:
        """Remove what was left half-made, and checkpoints that the journal does not name."""
        kept = set(named)
        for path in [*self._folder.glob(".checkpoint-*.partial"), *checkpoints_in(self._folder)]:
            if path.name not in kept:
                path.unlink(missing_ok=True)


_SPARE = 4
"""A place has a quarter of its size to grow into."""

LARGE = 1 << 16
"""Smaller copies stay in memory: a small world needs no file."""


class CopyBuffers:
    """Copies by name, each in the place of the copy before: in scratch files, not in memory.

    Examples
    --------
    >>> buffers = CopyBuffers()
    >>> first = buffers.copied("ages", np.arange(20_000))
    >>> second = buffers.next().copied("ages", np.arange(22_000))
    >>> bool(np.shares_memory(first, second)), second[-2:].tolist()
    (True, [21998, 21999])
    """

    def __init__(self, spill: ScratchFiles | None = None) -> None:
        self._spill = spill or ScratchFiles()
        self._free: dict[str, ScratchArray] = {}
        self._used: dict[str, ScratchArray] = {}

    def next(self) -> CopyBuffers:
        """Return buffers that write over the copies of these; what had no copy is let go."""
        following = CopyBuffers(self._spill)
        following._free = self._used
        return following

    def copied(self, name: str, column: Array) -> Array:
        """Return a copy of an array, C-contiguous."""
        if column.nbytes < LARGE:
            return np.array(column, order="C")
        return self._room(name, column.nbytes).hold(column)

    def joined(self, name: str, parts: Sequence[Array]) -> Array:
        """Return bytes one behind the other, uint8; they are never in memory together."""
        size = sum(part.nbytes for part in parts)
        if size < LARGE:
            return np.concatenate([*parts, np.zeros(0, np.uint8)])
        return self._room(name, size).joined(parts, np.dtype(np.uint8))

    def _room(self, name: str, size: int) -> ScratchArray:
        room = self._free.get(name)
        if room is None or room.size < size:
            room = self._spill.room(size + size // _SPARE)
        self._used[name] = room
        return room
