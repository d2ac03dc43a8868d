"""The schedule of checkpoints: :class:`CheckpointClock` says when one is due; which are kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sim.errors import InputError
from sim.store.journal.journal import Checkpoint, Jump, ReplayLine
from sim.store.journal.reading import read_journal

_SHARE = 5.0
_MOST = 1.5
LEAST_KEPT = 2
"""When the newest checkpoint is damaged there is one before it."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """When a checkpoint is taken, and how many stay.

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
        """Refuse what cannot be meant."""
        for name in ("ticks", "seconds", "replay"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError(f"A checkpoint is taken after {name} above 0, got {value:g}.")
        if self.keep < LEAST_KEPT:
            raise InputError(f"At least {LEAST_KEPT} checkpoints are kept, got {self.keep}.")

    @classmethod
    def chosen(cls) -> Pacing:
        """Return the pacing that the settings say."""
        from sim.settings.settings import current

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
        """Return the pacing of ``"500"`` (ticks) or ``"30s"`` (seconds), and nothing else."""
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
    """Says when a checkpoint is due; asked in the thread that drives the world."""

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
        """Say that a checkpoint was taken."""
        self._tick, self._at = tick, self._now()
        self._work, self._last = 0.0, self._worked()

    def is_due(self, tick: int, written: float = 0.0, spent: float = 0.0) -> bool:
        """Whether the next is to be taken."""
        worked = self._worked()
        self._work += max(spent, worked - self._last)  # another thread may drive the world by now
        self._last = worked
        ticks, seconds, replay = self._pacing.ticks, self._pacing.seconds, self._pacing.replay
        return (
            (ticks is not None and tick - self._tick >= ticks)
            or (seconds is not None and self._now() - self._at >= seconds)
            or (replay is not None and self._work >= _worth(replay, written))
        )


def _worth(replay: float, written: float) -> float:
    return min(max(replay, _SHARE * written), _MOST * replay)


class CheckpointRetention:
    """The checkpoints and jumps of one journal; used by the engine's thread and by who writes.

    Attributes
    ----------
    cut
        The entry of the first checkpoint: what leads to it is not needed any more.
    size
        Bytes of all entries so far.
    """

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
        """Return those of a journal; checkpoints that were removed meanwhile are left out."""
        with read_journal(folder) as journal:
            named = reversed(journal.checkpoints())
            there = [each for each in named if (folder / each.file).exists()]
            sizes = {each.file: journal.bytes_to(each.number) for each in there}
            found = cls(there, journal.jumps(), most=most, sizes=sizes)
            found.size = journal.bytes_to(1 << 62)
            return found

    @property
    def files(self) -> list[str]:
        """The names of the checkpoints, oldest first."""
        with self._lock:
            return [each.file for each in self._checkpoints]

    @property
    def newest(self) -> int:
        """The last entry that a checkpoint stands at; -1 where there is none."""
        with self._lock:
            return max((each.number for each in self._checkpoints), default=-1)

    def jumped(self, number: int, tick: int, line: int) -> bool:
        """Take note of a jump; returns whether a checkpoint leads to where it went."""
        with self._lock:
            self._jumps.append(Jump(number, tick, line))
            way = ReplayLine.to(self._jumps, number)
            return any(way.leads_by(each) for each in self._checkpoints)

    def took(self, checkpoint: Checkpoint, number: int, keep: int) -> list[str]:
        """Take note of a checkpoint; returns the files that are not needed any more.

        Besides the first one, with which every tick since can be gone back to, and this one, which
        may have no name in the journal yet, ``keep`` of those on the line to ``number`` stay. So
        does one in the middle of what may be kept: once that is full it is the first.
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
        """Return how many bytes of entries came behind a checkpoint."""
        return self.size - self._sizes.get(checkpoint.file, 0)

    def _set_stone(self, checkpoint: Checkpoint) -> None:
        """Let a checkpoint stay where half of what may be kept lies behind the last that does."""
        names = [each.file for each in self._checkpoints]
        before = [name for name in self._stones if name in names] or names[:1]
        sizes = self._sizes
        far = sizes.get(checkpoint.file, 0) - sizes.get(before[-1] if before else "", 0)
        if self._most and checkpoint.file not in names[:1] and far >= self._most // 2:
            self._stones = [*(n for n in self._stones if n in names), checkpoint.file]
