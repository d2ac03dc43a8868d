"""Saves of a live world: copied between two ticks, and written by a thread while the world goes on.

One is written after the other, each with the world as it was when its turn among the commands came.
What it means that a file is written, for the journal, the name of the world and whoever asked, is
seen to in the thread that drives the world.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from sim.core.progress import Report
from sim.core.scratch import give_back, let_go
from sim.runtime.journal.checkpointer import CheckpointCopy, WorldCopier
from sim.runtime.journal.persistence import Persistence, digest_in
from sim.runtime.journal.writer import JournalMark

if TYPE_CHECKING:
    from sim.store import SaveReport
    from sim.world.world import World


class PendingSave:
    """A world on its way into a file.

    Attributes
    ----------
    target
        The file, once it is known.
    written
        Done, in any thread, when the file is safe on the disk or will not be.
    """

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
        """Whether the world took note of it."""
        return self._ended.done()

    def hold(self, world: World) -> bool:
        """Take a copy to be written; returns whether the world may go on meanwhile.

        It stands still where there is no copy: after a failure, or for want of memory.
        """
        try:
            self._copy, goes_on = WorldCopier().take(world)
        except Exception:  # it may be written even so
            self._copy, goes_on = CheckpointCopy(world), False
        return goes_on

    def write(
        self, before: threading.Thread | None, wait: Callable[[], None], left: dict[Path, str]
    ) -> None:
        """Write the file, after the save before it and once the journal lets it; in a thread.

        What it holds then goes into ``left``, also where nobody waits for it any more.
        """
        try:
            if before is not None:
                before.join()
            wait()
            done = self._save()
            left[self.target.absolute()] = digest_in(self.target)
        except BaseException as error:
            self._done_with()
            self.written.set_exception(error)
        else:
            self._done_with()
            self.written.set_result(done)

    def _save(self) -> SaveReport:
        from sim.store import save

        assert self._copy is not None  # noqa: S101 - it is held before it is written
        return save(self._copy, self.target, report=self.report, note=self.note)

    def _done_with(self) -> None:
        """Give back what the copy took, before anybody hears of it."""
        self._copy = None
        let_go()
        give_back()

    def end(self, act: Callable[[SaveReport], None]) -> None:
        """Wait until it is written and call ``act`` with what that came to, unless it failed."""
        try:
            done = self.written.result()
            act(done)
        except BaseException as error:
            self._ended.set_exception(error)
        else:
            self._ended.set_result(done)

    def result(self) -> SaveReport:
        """Return, once it has ended, where the file is, or raise what was wrong."""
        return self._ended.result()


class SaveQueue:
    """The saves of a live world under way; used in the thread that drives it."""

    def __init__(
        self,
        target: Callable[[str | Path | None], Path],
        saved: Callable[[PendingSave], None],
        custody: Callable[[], Persistence],
    ) -> None:
        self._target, self._saved, self._custody = target, saved, custody
        self._queue: deque[PendingSave] = deque()

    def begin(self, world: World, saving: PendingSave) -> None:
        """Begin to save the world as it is now."""
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
        custody = self._custody()
        try:
            saving.target = self._target(saving.path)
            wait = custody.prepare(saving.target, saving.mark)
        except Exception as error:
            saving.written.set_exception(error)
            return
        work = (custody.writing, wait, custody.left)
        custody.writing = threading.Thread(target=saving.write, args=work, name="save", daemon=True)
        custody.writing.start()

    def end(self, saving: PendingSave) -> SaveReport:
        """Wait until a save is written, see to what it means, and return or raise what it came to.

        Those before it come first.
        """
        while not saving.is_ended:
            self._end_first()
        return saving.result()

    def finish(self) -> None:
        """Wait for all saves under way, and see to what they mean."""
        while self._queue:
            self._end_first()

    def _end_first(self) -> None:
        first = self._queue[0]
        first.end(lambda _: self._saved(first))
        self._queue.popleft()
        if self._queue:
            self._start(self._queue[0])
