""":class:`RunControl`: play, step and pause: whether and when the next tick is due."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sim.runtime.engine.pace import TickPace

__all__ = ["Gear", "RunControl", "StepRequest"]

Gear = Literal["paused", "pausing", "playing", "stepping"]

_IDLE_SECONDS = 0.01
"""A world in which nothing happens is not driven faster than this, whatever was asked."""


@dataclass(slots=True)
class StepRequest:
    """A number of ticks to run and then stop.

    Parameters
    ----------
    order
        The number of the command that asked for it.
    ticks
        How many at most.
    until
        Called after each tick; true ends the stretch.
    done
        How many were run.
    ended
        Whether nothing more of it is wanted; any thread may set it.
    """

    order: int
    ticks: int
    until: Callable[[], bool]
    done: int = 0
    ended: bool = False


class RunControl:
    """Decides on the next tick; belongs to the engine's thread, but for :attr:`cut`.

    Attributes
    ----------
    cut
        Whatever was ordered by a command numbered below this ends after the running tick. Another
        thread may raise it: a pause need not wait for its turn to be felt.
    """

    def __init__(self) -> None:
        self.cut = 0
        self.pace = TickPace()
        self.stretch: StepRequest | None = None
        self._played_by: int | None = None
        self._until: Callable[[], bool] = never

    @property
    def gear(self) -> Gear:
        """The state to show."""
        if self.stretch is None and self._played_by is None:
            return "paused"
        if self._is_cut:
            return "pausing"
        return "playing" if self.stretch is None else "stepping"

    @property
    def wants_tick(self) -> bool:
        """Whether there is a tick to run, now or when :attr:`TickPace.wait` is over."""
        running = self.stretch is not None or self._played_by is not None
        return running and not self._is_cut

    @property
    def _is_cut(self) -> bool:
        order = self.stretch.order if self.stretch else self._played_by
        return order is not None and order < self.cut

    def play(self, order: int, rate: float | None, until: Callable[[], bool]) -> None:
        """Run until paused, or until ``until`` is true after a tick."""
        self.pace.ask(rate)
        self._played_by, self._until = order, until

    def step(self, stretch: StepRequest) -> None:
        """Run a stretch; playing ends here."""
        self.pause()
        self.pace.ask(None)
        self.stretch = stretch

    def pause(self) -> None:
        """Run nothing more."""
        self.stretch = self._played_by = None
        self.pace.restart()

    def halt(self) -> None:
        """Have whatever runs end after the running tick; whoever waits for it is answered."""
        if self.stretch is not None:
            self.stretch.ended = True
        else:
            self.pause()

    def ticked(self, *, idle: bool) -> None:
        """Note a tick; ``idle``: nothing could happen in it, and it took no time."""
        slow = idle and self.stretch is None and self.pace.asked is None
        self.pace.ticked(at_least=_IDLE_SECONDS if slow else 0.0)
        if self.stretch is not None:
            self.stretch.done += 1
            self.stretch.ended |= self.stretch.until()
        elif self._until():
            self.pause()

    @property
    def finished(self) -> StepRequest | None:
        """The stretch that has come to its end, by its length, its condition or a cut."""
        stretch = self.stretch
        if stretch and (stretch.ended or stretch.done >= stretch.ticks or self._is_cut):
            return stretch
        return None


def never() -> bool:
    """Return False: no condition."""
    return False
