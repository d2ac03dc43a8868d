"""Persistence of a live world: its journal, its history, and its saves.

A save is copied between two ticks, and written by a thread while the world runs on; saves are
written one after the other. Once a file is written, the thread that drives the world updates the
journal and the name of the world, and answers the caller.
"""

from __future__ import annotations

import copy
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.core.progress import Report
from sim.core.scratch import give_back, let_go
from sim.errors import FileError, HubbubError, InputError
from sim.runtime.frames.frames import Durability
from sim.runtime.journal.acts import on_trail
from sim.runtime.journal.checkpoints import CheckpointCopy, Pacing, WorldCopier
from sim.runtime.journal.history import HistoryWriter
from sim.runtime.journal.writer import JournalMark, JournalWriter
from sim.runtime.saves.places import held_by_another, note_saved, since_saved, taken_along
from sim.runtime.undo_history import BUDGET, UndoHistory
from sim.store import SaveReport, info, save
from sim.store.journal.journal import JUMP, JournalError
from sim.store.journal.lease import LeaseError
from sim.store.journal.recovery import Recovery
from sim.world.world import World

if TYPE_CHECKING:
    from sim.world.world import World


_SIZE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class JournalConfig:
    """Where and how a world is journalled.

    Parameters
    ----------
    path
        The world's file; the journal is kept beside it. It need not exist.
    pacing
        When checkpoints are taken (default: the settings).
    author
        The author of commands in the journal.
    recovered
        What :func:`~sim.runtime.journal.writer.recover` found there, if that is to be continued.
    """

    path: Path
    pacing: Pacing = field(default_factory=Pacing.chosen)
    author: str = "script"
    recovered: Recovery | None = None


def begin(world: World, journal_config: JournalConfig) -> JournalWriter:
    """Begin a journal, or continue the existing one."""
    keeper = JournalWriter(
        world,
        journal_config.path,
        pacing=journal_config.pacing,
        author=journal_config.author,
        recovered=journal_config.recovered,
    )
    if not keeper.number and _is_in(journal_config.path, world):
        note_saved(journal_config.path, 0)
    return keeper


def _is_in(path: Path, world: World) -> bool:
    """Return whether a file holds exactly this world."""
    with suppress(HubbubError):
        return path.exists() and info(path).digest == world.digest()
    return False


def digest_in(path: str | Path) -> str:
    """Return the digest of a file's world, or an identity of an unreadable file; "": none."""
    with suppress(FileError):
        return info(path).digest
    with suppress(OSError):
        found = Path(path).stat()
        return f"unreadable {found.st_ino} {found.st_size} {found.st_mtime_ns}"
    return ""


class Persistence:
    """Persists one live world, or nothing; used only in the thread that drives the world."""

    def __init__(
        self,
        world: World,
        keeper: JournalWriter | None = None,
        journal_config: JournalConfig | None = None,
        *,
        undo_bytes: int = BUDGET,
    ) -> None:
        self.past = UndoHistory(world, undo_bytes)
        self._ahead = 0
        self.keeper = self.owned = keeper
        self._keeping = journal_config
        self._world = world
        found = journal_config.recovered if journal_config is not None else None
        self._checkpoint_tick = world.tick if found is None else found.checkpoint.tick
        self._seen = keeper.taken if keeper is not None else 0
        self.recording: HistoryWriter | None = None
        self.writing: threading.Thread | None = None
        self.left: dict[Path, str] = {}
        self._size, self._sized_at = 0, -_SIZE_SECONDS

    @property
    def is_dirty(self) -> bool:
        """Whether the journal has changes that are not in the world's file."""
        if self.owned is None or self._keeping is None:
            return False
        return since_saved(self._keeping.path, self.owned.number)

    def knows(self, target: Path) -> bool:
        """Return whether a file is unchanged since it was saved here, or does not exist."""
        path = target.absolute()
        if digest_in(path) in {"", self.left.get(path)}:
            return True
        if self.writing is not None:
            self.writing.join()  # it may just have been written
        return digest_in(path) == self.left.get(path)

    def record(self, path: str | Path | None) -> None:
        """Record what members do beside a file from now on; None: beside the journal's file."""
        place = path if path is not None or self._keeping is None else self._keeping.path
        if place is not None and self.recording is None:
            self.recording = HistoryWriter(self._world, place)

    # Commands

    @contextmanager
    def done(
        self, kind: str, args: tuple[Any, ...], keywords: Mapping[str, Any] | None = None
    ) -> Iterator[None]:
        """Write a command to the journal, unless it raises: then it changed nothing.

        After a handover of the world the old thread no longer writes to the journal.
        """
        doing = self._world.trail.doing(self._world, kind, args, keywords)
        with self._told(kind, args, keywords), doing:
            yield

    @contextmanager
    def noting(self, about: Callable[[], object]) -> Iterator[None]:
        """Journal a program's actions, all together; ``about`` is called before each."""
        trail, gathering = self._world.trail, list[JournalWriter]()

        @contextmanager
        def witness(
            kind: str, args: tuple[Any, ...], keywords: Mapping[str, Any] | None
        ) -> Iterator[None]:
            about()
            if self.keeper is not None and not gathering:
                self.keeper.flush(self._world)  # a completed tick stays, whatever follows
                self.keeper.gather()
                gathering.append(self.keeper)
            with self._told(kind, args, keywords):
                yield

        trail.witness = witness
        try:
            yield
        finally:
            trail.witness = None
            if gathering and self.owned is not None:  # otherwise another thread owns it
                self.owned.release()

    @contextmanager
    def _told(
        self, kind: str, args: tuple[Any, ...], keywords: Mapping[str, Any] | None
    ) -> Iterator[None]:
        if self.keeper is not None:
            self.keeper.flush(self._world)
        yield
        self.past.told()
        if self.keeper is not None:
            self.keeper.did(self._world, kind, args, keywords)

    @contextmanager
    def kept(self, function: Callable[..., Any], *args: Any, **keywords: Any) -> Iterator[None]:
        """Write what a function changes to the journal, even if it raises."""
        failed = True
        before = self.keeper.looked(self._world) if self.keeper is not None else b""
        try:
            with on_trail(self._world, function, args, keywords):
                yield
            failed = False
        finally:
            self.past.told(surely=False)
            if self.keeper is not None:
                self.keeper.called(self._world, before, function, args, keywords, failed=failed)

    def line_to(self, tick: int) -> int:
        """Return the last entry of the line that passes a tick, past or future."""
        assert self.keeper is not None  # noqa: S101 - there is no line without a journal
        return self.keeper.number if tick <= self._world.tick else self._ahead

    def went(self, tick: int, act: Callable[[], object], line: int | None = None) -> None:
        """Carry out ``act``, which takes the world to another tick, of another ``line``."""
        if line is None:
            line = 0 if self.keeper is None else self.line_to(tick)
        if tick < self._world.tick and self.past.last == self._world.tick:
            self._ahead = line
        with self._world.trail.doing(self._world, JUMP, (tick,)):
            act()
        if self.keeper is not None:
            self.keeper.did(self._world, JUMP, (tick, line))

    def ticked(self) -> str | None:
        """Record a tick; return a remark on the checkpoint, if one was begun."""
        if self.keeper is None:
            return None
        self.keeper.ticked(self._world)
        if self.keeper.taken == self._seen:
            return None
        self._seen, self._checkpoint_tick = self.keeper.taken, self._world.tick
        return f"autosaved; {self.keeper.said_of_pause}"

    def begin(self, journal_config: JournalConfig) -> None:
        """Begin a journal."""
        if self.owned is not None:
            raise InputError(f"This world already has a journal: {self.owned.folder}.")
        self.keeper = self.owned = begin(self._world, journal_config)
        self.past.told()  # the future in memory is on no line of this journal
        self._keeping, self._seen = journal_config, self.keeper.taken
        self._checkpoint_tick = self._world.tick

    # Saving and renaming

    def mark(self) -> JournalMark | None:
        """Return the world's current position in its journal; None without one."""
        return None if self.keeper is None else self.keeper.mark(self._world)

    def prepare(self, target: Path, mark: JournalMark | None) -> Callable[[], None]:
        """Raise if another process has that world open; return the wait for the journal."""
        holder = "" if self.owned is not None and self._lies_by(target) else held_by_another(target)
        if holder:
            raise LeaseError(target, f"in use by {holder}; save under another name")
        keeper = self.keeper
        return (lambda: None) if keeper is None or mark is None else partial(keeper.settle, mark)

    def saved(self, target: Path, mark: JournalMark | None) -> str | None:
        """Continue beside the file that was saved to; return what is wrong with that, if anything.

        Journal and history move along with the world: the file that they were beside stays as it
        was saved. ``mark`` is the position in the journal of the state in the file.
        """
        said = self._taken_along(target)
        if self.keeper is None or self._keeping is None or mark is None:
            return said
        if not self._lies_by(target):
            try:
                self._move(target)
            except (HubbubError, OSError) as error:
                self.keeper = self.owned = self._keeping = None  # rather than stop the world
                return f"The journal is no longer written: {error}"
        with suppress(HubbubError):  # the file was replaced at once
            self.keeper.saved(self._world, target, info(target).digest, mark)
        note_saved(target, mark.number)
        return said

    def _taken_along(self, target: Path) -> str | None:
        """Move the history along with the world; return what is wrong with that, if anything."""
        if self.recording is None:
            self.record(target)
            return None
        try:
            self.recording.move(target)
        except FileError as error:
            self.recording = None
            return f"Member actions are no longer recorded: {error}"
        return None

    def _lies_by(self, target: Path) -> bool:
        return self._keeping is not None and target.absolute() == self._keeping.path.absolute()

    def _move(self, target: Path) -> None:
        assert self.keeper is not None  # noqa: S101 - saved() looked
        assert self._keeping is not None  # noqa: S101 - saved() looked
        keeper, old = self.keeper, self._keeping
        self.keeper = self.owned = None
        keeper.close(self._world)
        found = taken_along(old.path, target, self._world, keeper.number)
        new = JournalConfig(target, old.pacing, old.author, found)
        self.keeper = self.owned = begin(self._world, new)
        self._keeping, self._seen = new, self.keeper.taken

    # Closing

    def fail(self) -> None:
        """Write nothing more to the journal: the world may be between two ticks."""
        self.keeper = None

    def let_go(self) -> Persistence:
        """Hand over to a copy, which is returned; this one no longer writes to the journal."""
        if self.owned is not None:
            self.owned.release()
        other = copy.copy(self)
        self.keeper = self.owned = self.recording = None
        return other

    def of(self, world: World) -> Persistence:
        """Continue with another world that has the same state."""
        self._world, self.past = world, UndoHistory(world, self.past.budget)
        if self.recording is not None:
            self.recording.follow(world)
        return self

    def give_up(self) -> None:
        """No longer wait for room on the disk; callable from any thread."""
        if (keeper := self.owned) is not None:
            keeper.give_up()

    def close(self, *, is_whole: bool) -> None:
        """Write what waits and release the world."""
        keeper, self.keeper, self.owned = self.owned, None, None
        recording, self.recording = self.recording, None
        try:
            if recording is not None:
                recording.close()
        finally:
            if keeper is not None:
                with suppress(HubbubError):  # the journal's thread tells waiting callers
                    keeper.close(self._world if is_whole else None)

    # State

    @property
    def trouble(self) -> str | None:
        """What a person must know about the journal now."""
        lost = None if self.recording is None else self.recording.trouble
        if self.keeper is None:
            return lost
        return self.keeper.trouble or self.keeper.remark or lost

    @property
    def held_up(self) -> JournalError | None:
        """Why no change is possible while the disk is full; None otherwise."""
        if self.keeper is None or self.keeper.trouble is None:
            return None
        return JournalError(self.keeper.folder, self.keeper.trouble.rstrip("."))

    def view(self) -> Durability | None:
        """Return the durability of the world; None without a journal."""
        keeper = self.owned
        if keeper is None:
            return None
        return Durability(
            tick=keeper.durable_tick,
            behind=max(self._world.tick - keeper.durable_tick, 0),
            checkpoint=self._checkpoint_tick,
            pause_ms=1000 * keeper.pause,
            bytes=self._bytes(keeper.folder),
            folder=str(keeper.folder),
            is_held_up=keeper.trouble is not None,
        )

    def _bytes(self, folder: Path) -> int:
        """Return the size of the journal and its checkpoints, read once a second."""
        now = time.monotonic()
        if now - self._sized_at >= _SIZE_SECONDS:
            self._sized_at = now
            with suppress(OSError):
                self._size = sum(path.stat().st_size for path in folder.iterdir())
        return self._size


def journal_config_of(
    journal: bool | Pacing | JournalConfig, path: str | Path | None, author: str
) -> JournalConfig | None:
    """Return where and how to keep a journal; None: not at all."""
    if not journal:
        return None
    if isinstance(journal, JournalConfig):
        return journal
    if path is None:
        raise InputError("A journal is kept beside the world's file; name one with path.")
    return JournalConfig(Path(path), Pacing() if journal is True else journal, author)


class PendingSave:
    """A save under way."""

    def __init__(
        self,
        path: str | Path | None,
        note: str,
        report: Report,
        *,
        mark: JournalMark | None,
        tick: int,
        changes: int,
    ) -> None:
        self.path, self.note, self.report = path, note, report
        self.mark, self.tick, self.changes = mark, tick, changes
        self.target = Path()
        self.written: Future[SaveReport] = Future()
        self._copy: CheckpointCopy | None = None
        self._ended: Future[SaveReport] = Future()

    @property
    def is_ended(self) -> bool:
        """Whether the outcome was processed."""
        return self._ended.done()

    def hold(self, world: World) -> bool:
        """Take a copy to be written; return whether the world may go on: only with a copy."""
        try:
            self._copy, goes_on = WorldCopier().take(world)
        except Exception:  # it may be possible to write without a copy
            self._copy, goes_on = CheckpointCopy(world), False
        return goes_on

    def write(
        self, before: threading.Thread | None, wait: Callable[[], None], left: dict[Path, str]
    ) -> None:
        """Write the file in a thread, after the save before it; store its digest in ``left``."""
        try:
            if before is not None:
                before.join()
            wait()
            assert self._copy is not None  # noqa: S101 - it is held before it is written
            done = save(self._copy, self.target, report=self.report, note=self.note)
            left[self.target.absolute()] = digest_in(self.target)
        except BaseException as error:
            self._done_with()
            self.written.set_exception(error)
        else:
            self._done_with()
            self.written.set_result(done)

    def _done_with(self) -> None:
        """Release the memory of the copy, before the result is set."""
        self._copy = None
        let_go()
        give_back()

    def end(self, act: Callable[[SaveReport], None]) -> None:
        """Wait until it is written and call ``act`` with the report, unless it failed."""
        try:
            done = self.written.result()
            act(done)
        except BaseException as error:
            self._ended.set_exception(error)
        else:
            self._ended.set_result(done)

    def result(self) -> SaveReport:
        """Return the report once it has ended, or raise the error."""
        return self._ended.result()


class SaveQueue:
    """The saves of a live world under way; used in the thread that drives it."""

    def __init__(
        self,
        target: Callable[[str | Path | None], Path],
        saved: Callable[[PendingSave], None],
        persistence: Callable[[], Persistence],
    ) -> None:
        self._target, self._saved, self._custody = target, saved, persistence
        self._queue: deque[PendingSave] = deque()

    def begin(self, world: World, saving: PendingSave) -> None:
        """Begin to save the current world."""
        if not self._queue:
            self._custody().prepare(self._target(saving.path), saving.mark)
        goes_on = saving.hold(world)
        if not goes_on:
            self.finish()
        self._queue.append(saving)
        if len(self._queue) == 1:
            self._start(saving)
        if not goes_on:
            self.finish()

    def _start(self, saving: PendingSave) -> None:
        persistence = self._custody()
        try:
            saving.target = self._target(saving.path)
            wait = persistence.prepare(saving.target, saving.mark)
        except Exception as error:
            saving.written.set_exception(error)
            return
        work = (persistence.writing, wait, persistence.left)
        persistence.writing = threading.Thread(
            target=saving.write, args=work, name="save", daemon=True
        )
        persistence.writing.start()

    def end(self, saving: PendingSave) -> SaveReport:
        """Wait for a save and those before it; return its report or raise its error."""
        while not saving.is_ended:
            self._end_first()
        return saving.result()

    def finish(self) -> None:
        """Wait for all saves under way, and process their outcomes."""
        while self._queue:
            self._end_first()

    def _end_first(self) -> None:
        first = self._queue[0]
        first.end(lambda _: self._saved(first))
        self._queue.popleft()
        if self._queue:
            self._start(self._queue[0])
