"""Checkpoints of a running world: when one is due, how it is written, which are kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from sim.arrays import Array
from sim.core.scratch import ScratchArray, ScratchFiles, give_back, is_filed, let_go
from sim.errors import FileError, InputError
from sim.settings.settings import current
from sim.store import available_bytes, save
from sim.store.journal.journal import RETRY_SECONDS, Checkpoint, Jump, ReplayLine
from sim.store.journal.reading import read_journal
from sim.store.snapshot.files import is_full
from sim.world.state.snapshot import still
from sim.world.state.state import digest_of, dump_world
from sim.world.world import World

_SHARE = 5.0
_MOST = 1.5
LEAST_KEPT = 2
"""At least two checkpoints are kept: one to fall back on when the newest is damaged."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """When a checkpoint is taken, and how many are kept.

    Examples
    --------
    >>> Pacing.of("500"), Pacing.of("30s")
    (Pacing(ticks=500, ...keep=2, ...), Pacing(ticks=None, seconds=30.0, ...keep=2, ...))
    """

    ticks: int | None = 1000
    seconds: float | None = 60.0
    replay: float | None = 4.0
    keep: int = LEAST_KEPT
    journal_bytes: int = 256 << 20

    def __post_init__(self) -> None:
        """Reject invalid values."""
        for name in ("ticks", "seconds", "replay"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError(f"A checkpoint is taken after {name} above 0, got {value:g}.")
        if self.keep < LEAST_KEPT:
            raise InputError(f"At least {LEAST_KEPT} checkpoints are kept, got {self.keep}.")

    @classmethod
    def chosen(cls) -> Pacing:
        """Return the pacing of the settings."""
        said = current()
        return cls(
            said.checkpoint_ticks,
            said.checkpoint_seconds,
            said.checkpoint_replay,
            said.checkpoints_kept,
            said.journal_mb << 20,
        )

    @classmethod
    def of(cls, text: str) -> Pacing:
        """Return the pacing for ``"500"`` (ticks) or ``"30s"`` (seconds); nothing else is valid."""
        number, keep = text.strip(), LEAST_KEPT
        try:
            if number.endswith("s"):
                return cls(None, float(number.removesuffix("s")), None, keep)
            return cls(int(number), None, None, keep)
        except (ValueError, OverflowError):
            raise InputError(
                f"Checkpoints are taken every 500 (ticks) or 30s (seconds), got {text!r:.40}."
            ) from None


class CheckpointClock:
    """Decides when a checkpoint is due; used in the thread that drives the world."""

    def __init__(
        self,
        pacing: Pacing,
        now: Callable[[], float],
        worked: Callable[[], float] = time.thread_time,
    ) -> None:
        self._pacing = pacing
        self._now, self._worked = now, worked
        self.taken(0)

    def taken(self, tick: int) -> None:
        """Record that a checkpoint was taken."""
        self._tick, self._at = tick, self._now()
        self._work, self._last = 0.0, self._worked()
        self._bytes = 0

    def wrote(self, size: int) -> None:
        """Record that an entry of this many bytes was written."""
        self._bytes += size

    def is_due(self, tick: int, written: float = 0.0, spent: float = 0.0) -> bool:
        """Return whether a checkpoint is due."""
        worked = self._worked()
        self._work += max(spent, worked - self._last)  # another thread may drive the world by now
        self._last = worked
        ticks, seconds, replay = self._pacing.ticks, self._pacing.seconds, self._pacing.replay
        half = self._pacing.journal_bytes // 2  # entries can be dropped only up to a checkpoint
        return (
            0 < half <= self._bytes
            or (ticks is not None and tick - self._tick >= ticks)
            or (seconds is not None and self._now() - self._at >= seconds)
            or (
                replay is not None
                and self._work >= min(max(replay, _SHARE * written), _MOST * replay)
            )
        )


class CheckpointRetention:
    """The checkpoints and jumps of one journal; used by the engine's thread and by the writer."""

    def __init__(
        self,
        checkpoints: list[Checkpoint],
        jumps: list[Jump],
        *,
        most: int = 0,
        sizes: dict[str, int] | None = None,
    ) -> None:
        self._checkpoints = checkpoints
        self._jumps = jumps
        self._lock = threading.Lock()
        self._most = most
        self._sizes = sizes or {}
        self._stones: list[str] = []
        self.size = max(self._sizes.values(), default=0)
        self.cut = checkpoints[0].number if checkpoints else 0
        for each in checkpoints[1:]:
            self._set_stone(each)

    @classmethod
    def read(cls, folder: Path, most: int = 0) -> CheckpointRetention:
        """Read those of a journal; checkpoints that have been removed are left out."""
        with read_journal(folder) as journal:
            named = reversed(journal.checkpoints())
            there = [each for each in named if (folder / each.file).exists()]
            sizes = {each.file: journal.bytes_to(each.number) for each in there}
            found = cls(there, journal.jumps(), most=most, sizes=sizes)
            found.size = journal.bytes_to(1 << 62)
            return found

    @property
    def files(self) -> list[str]:
        """Names of the checkpoints, oldest first."""
        with self._lock:
            return [each.file for each in self._checkpoints]

    @property
    def newest(self) -> int:
        """Number of the last entry with a checkpoint; -1 if there is none."""
        with self._lock:
            return max((each.number for each in self._checkpoints), default=-1)

    def jumped(self, number: int, tick: int, line: int) -> bool:
        """Record a jump; return whether a checkpoint leads to its target."""
        with self._lock:
            self._jumps.append(Jump(number, tick, line))
            way = ReplayLine.to(self._jumps, number)
            return any(way.leads_by(each) for each in self._checkpoints)

    def took(self, checkpoint: Checkpoint, number: int, keep: int) -> list[str]:
        """Record a checkpoint; return the files that are no longer needed.

        Kept are the first one, from which every later tick can be reached, this one, which the
        journal may not name yet, and ``keep`` of those on the line to ``number``. One in the middle
        of what may be kept stays, too: once that is full it becomes the first.
        """
        with self._lock:
            way = ReplayLine.to(self._jumps, number)
            older = [each for each in self._checkpoints if each.file != checkpoint.file]
            on_way = [each for each in older if way.leads_by(each)]
            stones = [each for each in on_way if each.file in self._stones]
            first = older[0] if older else checkpoint
            if self._most and self._behind(first) >= self._most:
                far = [each for each in stones if self._behind(each) >= self._most // 2]
                first = far[-1] if far else first
                self.cut = max(self.cut, first.number)
            stay = {each.file for each in (first, *stones, *on_way[-keep:])}
            kept = [e for e in older if e.file in stay and e.number >= first.number]
            self._checkpoints = [*kept, checkpoint]
            self._sizes[checkpoint.file] = self.size
            self._set_stone(checkpoint)
            files = {each.file for each in self._checkpoints}
            return [each.file for each in older if each.file not in files]

    def _behind(self, checkpoint: Checkpoint) -> int:
        """Return how many bytes of entries were written after a checkpoint."""
        return self.size - self._sizes.get(checkpoint.file, 0)

    def _set_stone(self, checkpoint: Checkpoint) -> None:
        """Make a checkpoint a milestone if half of what may be kept lies after the last one."""
        names = [each.file for each in self._checkpoints]
        before = [name for name in self._stones if name in names] or names[:1]
        sizes = self._sizes
        far = sizes.get(checkpoint.file, 0) - sizes.get(before[-1] if before else "", 0)
        if self._most and checkpoint.file not in names[:1] and far >= self._most // 2:
            self._stones = [*(n for n in self._stones if n in names), checkpoint.file]


SPARE_BYTES = 256 << 20
"""Memory that a copy leaves free; a world that needs more is paused while it is written."""

_LOOK_SECONDS = 0.1

Saver = Callable[["CheckpointCopy", Path], object]


class CheckpointCopy:
    """A copy of a world in a form that can be saved; packed on first use."""

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
        """Return the state, computed on each call."""
        return dump_world(self._twin)

    def packed(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return the state in the form that a file has."""
        if self._state is None:
            self._state = self._packed()
        return self._state

    def _packed(self) -> tuple[dict[str, Any], dict[str, Array]]:
        if self._buffers is None:
            return dump_world(self._twin, is_packed=True)
        joined = partial(self._buffers.joined, "packed.ended")
        return dump_world(self._twin, self._kept, is_packed=True, joined=joined)

    def _kept(self, name: str, column: Array) -> Array:
        """Return a packed column, in a scratch file if it would take memory."""
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
        """Release what was packed."""
        self._state = None


class WorldCopier:
    """Takes copies of one world, each in the memory of the one before."""

    def __init__(self) -> None:
        self._buffers = CopyBuffers()
        self._last: World | None = None
        self._held = 0

    def take(self, world: World, *, anew: bool = False) -> tuple[CheckpointCopy, bool]:
        """Return a copy to be saved (``anew``: without reuse), and whether the world may go on."""
        held = world.agents.nbytes + sum(each.nbytes for each in world.cascades.loose)
        held += 0 if world.ties.is_still else world.ties.nbytes
        held += world.platform.nbytes if world.platform is not None else 0
        # Half as much again is for the packed form; the last copy is overwritten.
        has_room = held + held // 2 - self._held + SPARE_BYTES <= available_bytes()
        self._held = held if has_room else 0
        if anew or not has_room:
            self._last = None
        if not has_room:
            self._buffers = CopyBuffers()
            return CheckpointCopy(world), False
        self._buffers = self._buffers.next()
        self._last = still(world, self._buffers.copied, self._last)
        return CheckpointCopy(self._last, self._buffers), True


def checkpoints_in(folder: Path) -> list[Path]:
    """Return the checkpoint files in a folder."""
    return list(folder.glob("checkpoint-*.hub"))


def _save(copy: CheckpointCopy, path: Path) -> None:
    name = path.parent.name.removesuffix(".hub.live")
    save(copy, path, note="a checkpoint", name=name, strong=False)


class Checkpointer:
    """Takes checkpoints of one world."""

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
        """Whether one is being written: its buffers are in use."""
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
        """Copy the world in its state after the entry ``number``, and begin to write it.

        ``then`` is called with the future in the thread that writes. ``anew`` is for a command
        that cannot be replayed: ended messages are copied too, as it may have changed them, and
        while the disk is full the write is retried.
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
        """No longer wait for room on the disk."""
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
        """Write it; return False while the disk is full and the write must be retried."""
        try:
            self._saver(copy, path)
        except FileError as error:
            if not insists or not is_full(error.__cause__) or self._gives_up.is_set():
                raise
            self._said(
                f"Paused: the last command needs a checkpoint, which was {error.reason}; free some "
                "space, then it continues automatically."
            )
            return False
        return True

    def drop(self, names: Iterable[str]) -> None:
        """Remove checkpoints."""
        for name in names:
            (self._folder / name).unlink(missing_ok=True)

    def join(self) -> None:
        """Wait for the checkpoint under way."""
        if self._thread is not None:
            self._thread.join()

    def settle(self) -> None:
        """Wait for the checkpoint under way, unless it waits for room on the disk."""
        while self.is_busy and self.trouble is None and self._thread is not None:
            self._thread.join(_LOOK_SECONDS)

    def sweep(self, named: Iterable[str]) -> None:
        """Remove partial files, and checkpoints that the journal does not name."""
        kept = set(named)
        for path in [*self._folder.glob(".checkpoint-*.partial"), *checkpoints_in(self._folder)]:
            if path.name not in kept:
                path.unlink(missing_ok=True)


_SPARE = 4
"""A buffer is made a quarter larger than its first content."""

LARGE = 1 << 16
"""Smaller copies stay in memory: a small world needs no scratch file."""


class CopyBuffers:
    """Copies by name, each in the place of the previous copy: in scratch files, not in memory.

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
        """Return buffers that overwrite the copies of these; places without a copy are released."""
        following = CopyBuffers(self._spill)
        following._free = self._used
        return following

    def copied(self, name: str, column: Array) -> Array:
        """Return a copy of an array, C-contiguous."""
        if column.nbytes < LARGE:
            return np.array(column, order="C")
        return self._room(name, column.nbytes).hold(column)

    def joined(self, name: str, parts: Sequence[Array]) -> Array:
        """Return the parts concatenated, uint8; they are never in memory together."""
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
