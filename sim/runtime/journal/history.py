"""The history writer: records what members do, beside the world's file, while the world runs.

What the database lacks after a crash is in the recovered world: no more ticks wait for the disk
than a world holds itself, and decisions are on the disk before they take effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import Any

from sim.platform.acts.tick_record import RecentTicks, ending
from sim.settings.settings import current
from sim.store.history.database import (
    MOST_BEHIND,
    HistoryDatabase,
    TickDecisions,
    copy_history,
    history_file,
    move_history,
)
from sim.world.world import World

_FIELDS = (
    "tick", "member", "number", "question", "text", "fault", "provider", "model", "seconds",
    "read", "written", "nano_dollars", "retries", "source",
)  # fmt: skip
"""Fields of a row for a reply (:func:`sim.minds.models.replies.row_of`), by position."""


class HistoryWriter:
    """Writes the history database of one world."""

    def __init__(
        self,
        world: World,
        path: str | PathLike[str],
        *,
        most_mb: int | None = None,
        noticed: Callable[[], object] = lambda: None,
    ) -> None:
        self.path = Path(path)
        self.world = world
        self._most = (current().history_mb if most_mb is None else most_mb) << 20
        self._noticed = noticed
        self._questions: dict[str, list[tuple[str, str]]] = {}
        self._lock = Lock()
        self._file: HistoryDatabase | None = None
        self._was_in: str | None = None
        self._open()

    def _open(self) -> None:
        if not self._most:
            return
        path = history_file(self.path)
        self._file = HistoryDatabase(
            path, most_bytes=self._most, line=self._line, noticed=lambda: self._noticed()
        )
        self.world.watchers.append(self)
        self.catch_up()

    def catch_up(self) -> None:
        """Write the latest ticks that the world itself still holds, if they are missing."""
        if self.world.platform is not None and self._file is not None:
            for left in RecentTicks.of(self.world.platform).left():
                self._file.put(left)

    def _line(self) -> Mapping[int, bytes]:
        platform = self.world.platform
        return {} if platform is None else platform.log.chains

    @property
    def trouble(self) -> str | None:
        """Why the record is incomplete, one sentence; or None."""
        return self._was_in if self._file is None else self._file.trouble

    @property
    def behind(self) -> int:
        """Number of last ticks to ask the world for: at least those that are not written yet."""
        return MOST_BEHIND if self._file is not None else 1 << 31

    # Recording

    def ticked(self, world: World) -> None:
        """Write a tick; wait if more ticks are unwritten than the world itself holds."""
        platform = world.platform
        if platform is None or self._file is None or world is not self.world:
            return
        self._file.put(ending(platform))
        if self._file.behind >= min(platform.log.ticks, platform.settings.window):
            self._file.wait()

    def asked(self, question: str, turns: Sequence[tuple[str, str]]) -> None:
        """Keep a question until the decision that it was asked for is recorded."""
        with self._lock:
            self._questions[question] = list(turns)

    def decided(self, world: World, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write decisions with their questions and replies, and wait for the disk."""
        with self._lock:
            questions, self._questions = self._questions, {}
        if world.platform is None or self._file is None:
            return
        told = [_told(row, questions) for row in rows]
        self._file.put(TickDecisions(world.platform.log.head, told))
        self._file.wait()

    # Moving along with the world

    def move(self, target: str | PathLike[str]) -> None:
        """Continue beside another file, with all rows so far; the old file keeps its own."""
        source, self.path = self.path, Path(target)
        if source.absolute() == self.path.absolute():
            return
        self.close()
        (copy_history if source.exists() else move_history)(source, target)
        self._open()

    def follow(self, world: World) -> None:
        """Watch another world with the same state."""
        if self in self.world.watchers:
            self.world.watchers.remove(self)
            world.watchers.append(self)
        self.world = world

    def wait(self) -> None:
        """Wait until everything so far is on the disk, or was given up."""
        if self._file is not None:
            self._file.wait()

    def close(self) -> None:
        """Write what waits, and stop recording."""
        if self in self.world.watchers:
            self.world.watchers.remove(self)
        if self._file is not None:
            self._file.close()
            self._was_in, self._file = self._file.trouble, None


def _told(
    row: Mapping[str, Any], questions: Mapping[str, Sequence[tuple[str, str]]]
) -> dict[str, Any]:
    """Return a decision as it is stored: replies by name, each with its prompt if known."""
    said = {name: value for name, value in row.items() if name not in {"replies", "kept"}}
    replies = []
    for each in row.get("replies", ()):
        reply = dict(zip(_FIELDS, each, strict=False))
        prompt = questions.get(str(reply["question"]))
        replies.append(reply | ({"prompt": [list(turn) for turn in prompt]} if prompt else {}))
    return said | ({"replies": replies} if replies else {})


@contextmanager
def recorded(world: World, path: str | PathLike[str] | None) -> Iterator[HistoryWriter | None]:
    """Record what members do, beside a world's file, while the block runs; None: do nothing.

    Parameters
    ----------
    world
        Stepped in the block, by any means.
    path
        Its file, which need not exist yet.

    Examples
    --------
    >>> from hubbub import World, load, save
    >>> from hubbub.runtime import recorded
    >>> from hubbub.store import record_of
    >>> world = World.create(agents=1000, seed=7, platform=True)
    >>> with recorded(world, "monday.hub"):  # doctest: +SKIP
    ...     world.step(100)
    >>> save(world, "monday.hub")  # doctest: +SKIP
    >>> len(record_of(load("monday.hub"), "monday.hub").ticks)  # doctest: +SKIP
    100
    """
    recording = None if path is None else HistoryWriter(world, path)
    try:
        yield recording
    finally:
        if recording is not None:
            recording.close()
