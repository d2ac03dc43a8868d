""":class:`JournalWriter`: a write-ahead log: commands are durable before they are acknowledged."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from sim.core.files import flush_folder
from sim.core.progress import Report, quiet
from sim.core.text import one_line
from sim.errors import FileError, InputError
from sim.runtime.journal.acts import apply
from sim.runtime.journal.checkpoints import (
    CheckpointClock,
    Checkpointer,
    CheckpointRetention,
    Pacing,
    checkpoints_in,
)
from sim.store.journal.journal import (
    JOURNAL_FILE,
    JUMP,
    LEASE_FILE,
    NO_DIGEST,
    Checkpoint,
    Item,
    Journal,
    JournalEntry,
    JournalError,
    canonical,
    folder_of,
    read_acked,
)
from sim.store.journal.lease import Lease
from sim.store.journal.reading import read_journal
from sim.store.journal.recovery import Recovery
from sim.store.journal.recovery import recover as _recover
from sim.store.journal.state import Observer, whole_state
from sim.world.commands import COMMANDS, name_of
from sim.world.log import LONGEST_AUTHOR
from sim.world.world import World

_STRETCH_TICKS = 1024
_LOOK_SECONDS = 0.1
_POLL_SECONDS = 0.001
_STRETCH_SECONDS = 0.25


class JournalMark(NamedTuple):
    """Position in a journal: the last entry, the tick, the digest of all entries."""

    number: int
    tick: int
    digest: bytes


class JournalWriter:
    """Writes a world's journal, in the driving thread; waiting and :meth:`when_durable` in any."""

    def __init__(
        self,
        world: World,
        path: str | PathLike[str],
        *,
        pacing: Pacing | None = None,
        author: str = "script",
        recovered: Recovery | None = None,
        now: Callable[[], float] = time.monotonic,
        **options: Any,
    ) -> None:
        self.folder = folder_of(path)
        self._full: str | None = None
        self.noticed: Callable[[], object] = lambda: None
        self.remark: str | None = None
        self._pacing = pacing or Pacing.chosen()
        self.author = author
        self._now = now
        self._pending, self._began = 0, 0.0
        self._together: list[Item] | None = None
        if not self.folder.is_dir():
            self.folder.mkdir(0o700, parents=True, exist_ok=True)
            flush_folder(self.folder.parent)
        self._lease = Lease(self.folder / LEASE_FILE)
        try:
            known = recovered is not None and recovered.is_whole and recovered.world is world
            is_new = not known and not require_same(self.folder, world)
            most = self._pacing.journal_bytes
            self._retention = (
                CheckpointRetention([], [], most=most)
                if is_new
                else CheckpointRetention.read(self.folder, most)
            )
            self._begin(world, options)
        except BaseException:
            self._lease.release()
            raise

    def _begin(self, world: World, options: dict[str, Any]) -> None:
        keep = self._pacing.keep
        self._copies = Checkpointer(self.folder, keep=keep, noticed=lambda: self.noticed())
        self._clock = CheckpointClock(self._pacing, self._now)
        self._copies.sweep(self._retention.files)
        self._waiting = AckQueue(0)
        self._journal = Journal(
            self.folder,
            durable=self._on_durable,
            troubled=self._on_trouble,
            ended=lambda error: self._waiting.ended(
                error or JournalError(self.folder, "it was closed")
            ),
            **options,
        )
        self._observer = Observer(world)
        self.number, self.durable_tick, self._digest = self._journal.acked
        self._journal.cut(self._retention.cut)
        self._waiting.came(self.number)
        self._clock.taken(world.tick)
        if not self._retention.files:
            self.durable_tick = world.tick
            first = self.checkpoint(world)
            self._copies.join()
            with ExitStack() as beginning:  # without the first one nothing can be recovered
                beginning.callback(self.close)
                first.result()
                while self._journal.named < self.number:
                    self.require_room()
                    self._journal.require_alive()
                    time.sleep(_POLL_SECONDS)
                beginning.pop_all()

    # Entries

    def ticked(self, world: World, *, wait: bool = True) -> None:
        """Record a tick; without ``wait`` a full disk raises :class:`JournalError`."""
        if not wait:
            self.require_room()
        if not self._pending:
            self._began = self._now()
        self._pending += 1
        long = self._now() - self._began > _STRETCH_SECONDS or self._pending >= _STRETCH_TICKS
        if self._journal.is_idle or long:
            self.flush(world)
        spent = sum(world.phase_seconds.values())
        due = self._clock.is_due(world.tick, self._copies.written, spent)
        if due and not self._copies.is_busy:
            self.checkpoint(world)

    def flush(self, world: World) -> None:
        """Write the ticks so far."""
        if ticks := self._pending:
            self._pending = 0
            self._write(world, "step", canonical({"args": [ticks]}), ticks)

    def did(
        self,
        world: World,
        kind: str,
        args: tuple[Any, ...] = (),
        keywords: Mapping[str, Any] | None = None,
    ) -> None:
        """Record a command that was carried out."""
        try:
            said = canonical({"args": list(args), "keywords": keywords or {}})
        except InputError:
            kind, said = f"call:{kind}", "{}"
        whole = kind not in COMMANDS
        if kind == JUMP:
            self._observer.reset(world)
            whole = not self._retention.jumped(self.number + 1, *args)
        self._write(world, kind, said, 0, whole=whole)

    def looked(self, world: World) -> bytes:
        """Return a digest that shows whether a call changed the world; ticks so far are flushed."""
        self.flush(world)
        return whole_state(world)

    def called(
        self,
        world: World,
        before: bytes,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        keywords: dict[str, Any],
        *,
        failed: bool = False,
    ) -> None:
        """Record a function called with the world if that changed it, a command in any case."""
        name = None if failed else name_of(function)
        if name is None and whole_state(world) == before:
            return
        said = {key: value for key, value in keywords.items() if key != "report"}
        if name is None:
            name, args, said = f"call:{getattr(function, '__qualname__', 'function')}", (), {}
        self.did(world, name, args, said)

    def _write(
        self, world: World, kind: str, command: str, ticks: int, *, whole: bool = False
    ) -> None:
        number = self.number + 1
        adoptions, metrics, state = self._observer.look(world, number)
        author = self.author if ticks else one_line(world.trail.author, LONGEST_AUTHOR)
        entry = JournalEntry(
            number, world.tick, ticks, kind, command, author, adoptions, metrics, state
        )
        entry = replace(entry, digest=entry.chained(self._digest))
        self.number, self._digest = number, entry.digest
        self._retention.size += entry.size
        self._clock.wrote(entry.size)
        kept = self._taken(world, self._tell_kept, anew=True) if whole else None
        if self._together is None:
            self._journal.put(entry, kept)
        else:
            self._together.append((entry, kept))

    def gather(self) -> None:
        """Collect entries from here on: the file will have all of them, or none."""
        self._together = []

    def release(self) -> None:
        """Write the collected entries."""
        waiting, self._together = self._together, None
        if waiting:
            self._journal.put_all(waiting)

    # Checkpoints

    @property
    def file(self) -> Path:
        """The world's file, next to the journal."""
        return self.folder.with_name(self.folder.name.removesuffix(".live"))

    @property
    def pause(self) -> float:
        """Seconds for which the world was paused for the last checkpoint."""
        return self._copies.pause

    @property
    def said_of_pause(self) -> str:
        """The same as text for a person."""
        paused = f"paused {1000 * self.pause:.0f} ms"
        return f"{paused} (not enough memory for a copy)" if self._copies.stood_still else paused

    @property
    def taken(self) -> int:
        """Number of checkpoints begun."""
        return self._copies.taken

    def checkpoint(self, world: World) -> Future[Checkpoint]:
        """Begin to write the current world to a separate file."""
        self.flush(world)
        return self._taken(world, self._tell_journal)

    def lies_by(self, file: Path) -> bool:
        """Return whether the journal belongs to a world file."""
        return self.folder.absolute() == folder_of(file).absolute()

    def mark(self, world: World) -> JournalMark:
        """Return the current position, for a save of this state; ticks are flushed."""
        with suppress(JournalError):  # a full disk here says nothing about the save's disk
            self.flush(world)
        return JournalMark(self.number, world.tick, self._digest)

    def settle(self, mark: JournalMark) -> None:
        """Wait until a save may be put in place, unless the journal's disk fails."""
        with suppress(JournalError):
            self.wait(mark.number)
        self._copies.settle()

    def saved(self, world: World, file: Path, digest: str, mark: JournalMark) -> None:
        """Record that the state at a mark was saved: its file becomes a checkpoint.

        A hard link keeps it, whatever happens to the file; on a file system without links, a
        checkpoint is written. If there is a later checkpoint already, nothing is done.
        """
        if self._copies.number >= mark.number:
            return
        self._copies.join()
        if self._retention.newest >= mark.number:
            return
        name = f"checkpoint-{mark.number}.hub"
        linked = self.folder / name
        try:
            linked.unlink(missing_ok=True)  # part of one that the journal never named
            os.link(file, linked)
        except OSError:
            self.checkpoint(world)
            return
        done: Future[Checkpoint] = Future()
        done.set_result(Checkpoint(mark.number, mark.tick, name, digest, mark.digest))
        self._tell_journal(done)

    def _taken(
        self, world: World, then: Callable[[Future[Checkpoint]], None], *, anew: bool = False
    ) -> Future[Checkpoint]:
        future = self._copies.take(world, self.number, self._digest, then, anew=anew)
        self._clock.taken(world.tick)
        return future

    def _tell_journal(self, future: Future[Checkpoint]) -> None:
        """Name a checkpoint in the journal once it is complete; in the thread that wrote it."""
        self._tell_kept(future)
        if future.exception() is None:
            with suppress(JournalError):  # callers that wait for an entry get the error
                self._journal.put(None, future)

    def _tell_kept(self, future: Future[Checkpoint]) -> None:
        """Remove checkpoints that are no longer needed; the new one may not be named yet."""
        if (error := future.exception()) is not None:
            self.remark = f"No checkpoint was written: {error}"
            return
        self.remark = None
        self._copies.drop(self._retention.took(future.result(), self.number, self._copies.keep))
        self._journal.cut(self._retention.cut)

    # Acknowledgement

    @property
    def durable(self) -> int:
        """Number of the last entry on the disk."""
        return self._waiting.durable

    @property
    def lags(self) -> bool:
        """Whether anything is not on the disk yet."""
        return self._pending > 0 or self.durable < self.number

    def wait(self, number: int | None = None) -> None:
        """Wait until an entry is on the disk; None: everything so far."""
        is_told: Future[Exception | None] = Future()
        self.when_durable(self.number if number is None else number, is_told.set_result)
        while not is_told.done():
            with suppress(TimeoutError):
                is_told.exception(_LOOK_SECONDS)
            self.require_room()
        if (error := is_told.result()) is not None:
            raise error

    @property
    def trouble(self) -> str | None:
        """Why the journal or a checkpoint cannot be written, one sentence; or None."""
        return self._full or self._copies.trouble

    def require_room(self) -> None:
        """Raise :class:`JournalError` while the disk is full."""
        if self.trouble is not None:
            raise JournalError(self.folder, self.trouble.rstrip("."))

    def when_durable(self, number: int, tell: Tell) -> None:
        """Call ``tell(None)`` once an entry is on the disk, or ``tell(error)``; in order."""
        self._waiting.when(number, tell)

    def _on_durable(self, entry: JournalEntry) -> None:
        self.durable_tick = entry.tick
        self._waiting.came(entry.number)

    def _on_trouble(self, said: str | None) -> None:
        self._full = said
        self.noticed()

    def give_up(self) -> None:
        """No longer wait for room on the disk, in any thread: what does not fit is dropped."""
        self._journal.give_up()
        self._copies.give_up()

    def close(self, world: World | None = None) -> None:
        """Write what waits and release the world; what the disk does not take is lost."""
        self.give_up()  # first: a full queue would not accept the last ticks either
        try:
            if world is not None:
                self.flush(world)
            self._copies.join()
        finally:
            try:
                self._journal.close()
            finally:
                self._lease.release()


@contextmanager
def journalled(world: World, keeper: JournalWriter | None) -> Iterator[None]:
    """Record each command in the journal while the block runs, unless it raises."""

    @contextmanager
    def witness(
        kind: str, args: tuple[Any, ...], keywords: Mapping[str, Any] | None
    ) -> Iterator[None]:
        assert keeper is not None  # noqa: S101 - nobody is witness without one
        keeper.flush(world)
        yield
        keeper.did(world, kind, args, keywords)

    before, world.trail.witness = world.trail.witness, None if keeper is None else witness
    try:
        yield
    finally:
        world.trail.witness = before


Tell = Callable[[Exception | None], object]


class AckQueue:
    """Callbacks that wait for entries to become durable; usable in any thread."""

    def __init__(self, durable: int) -> None:
        self.durable = durable
        self._lock = threading.Lock()
        self._queue: deque[tuple[int, Tell]] = deque()
        self._error: Exception | None = None
        self._is_telling = False

    def when(self, number: int, tell: Tell) -> None:
        """Call ``tell(None)`` once an entry is on the disk, or ``tell(error)``; in order."""
        with self._lock:
            self._queue.append((number, tell))
        self._tell()

    def came(self, number: int) -> None:
        """Record that an entry is on the disk."""
        with self._lock:
            self.durable = number
        self._tell()

    def ended(self, error: Exception) -> None:
        """Record that no further entry will be written."""
        with self._lock:
            self._error = error
        self._tell()

    def _tell(self) -> None:
        """Call what is due, one after the other; concurrent calls leave it to the running one."""
        while (due := self._due()) is not None:
            number, tell = due
            try:
                tell(self._error if number > self.durable else None)
            finally:
                self._is_telling = False

    def _due(self) -> tuple[int, Tell] | None:
        with self._lock:
            if self._is_telling or not self._queue:
                return None
            if self._error is None and self._queue[0][0] > self.durable:
                return None
            self._is_telling = True
            return self._queue.popleft()


def recover(path: str | PathLike[str], *, report: Report = quiet) -> Recovery:
    """Recover the live world of a file: its last checkpoint, and the journal since then."""
    return _recover(path, apply, report=report)


def require_same(folder: Path, world: World) -> list[str]:
    """Return the checkpoints of the existing journal, oldest first; raise if it does not match."""
    if _is_new(folder):
        return []
    found = recover(folder.with_name(folder.name.removesuffix(".live")))
    if not found.is_whole:
        said = " ".join(found.findings).rstrip(".")
        raise FileError(folder, f"damaged, so nothing is added to it ({said}); recover it first")
    if found.world.digest() != world.digest():
        raise FileError(
            folder,
            f"holds the journal of a world at tick {found.tick:,}, and this is another world (tick "
            f"{world.tick:,}); go on from what `hubbub recover` finds, or move the folder away",
        )
    return named(folder)


def named(folder: Path) -> list[str]:
    """Return the checkpoints named in the journal, oldest first."""
    with read_journal(folder) as journal:
        return [checkpoint.file for checkpoint in reversed(journal.checkpoints())]


def _is_new(folder: Path) -> bool:
    """Return whether nothing was acknowledged here; remove the rest of a killed beginning."""
    path = folder / JOURNAL_FILE
    if read_acked(folder) is None and not checkpoints_in(folder):
        for left in folder.glob(f"{JOURNAL_FILE}*"):
            left.unlink()
        return True
    if not path.exists():
        raise FileError(folder, "has checkpoints and no journal; move the folder away")
    with read_journal(folder) as journal:
        return not journal.checkpoints() and next(journal.entries(0, NO_DIGEST), None) is None
