"""The schedule of checkpoints: :class:`CheckpointClock` says when one is due."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sim.errors import InputError

__all__ = ["CheckpointClock", "Pacing"]

_SHARE = 5.0
_MOST = 1.5
LEAST_KEPT = 2
"""When the newest checkpoint is damaged there is one before it."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """When a checkpoint is taken, and how many stay.

    Parameters
    ----------
    ticks, seconds
        After so many ticks, or so many seconds of the clock, whichever comes first; None: never
        because of it.
    replay
        After so many seconds of computing, which is what a recovery would have to do again; up to
        half as many more while it is less than five times as long as the last took to write. None:
        never because of it.
    keep
        How many checkpoints stay, at least 2.
    journal_bytes
        Entries up to this size in sum stay, to go back along; then the older half is given up. 0:
        all of them stay.

    Raises
    ------
    InputError
        When one is too small.

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
        """Return the pacing of ``"500"`` (ticks) or ``"30s"`` (seconds), and nothing else.

        Raises
        ------
        InputError
            For any other text.
        """
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
    """Says when a checkpoint is due; asked in the thread that drives the world.

    Parameters
    ----------
    pacing
        When.
    now
        A monotonic clock in seconds.
    worked
        A clock of the processor time of the thread that asks.
    """

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
        """Whether the next is to be taken.

        Parameters
        ----------
        tick
            The tick that the world is at.
        written
            Seconds that the last took to write.
        spent
            Seconds that the newest tick took, threads of its own included.
        """
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
