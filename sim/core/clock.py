"""Simulated time: ticks as days and hours. There is no wall clock in a world."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from sim.errors import InputError

_MINUTES = {"minute": 1.0, "hour": 60.0, "day": 1440.0, "week": 10080.0}


class Moment(NamedTuple):
    """A day, counted from 1, and the hour in it, 0 <= hour < 24."""

    day: int
    hour: float

    def __str__(self) -> str:
        minutes = int(self.hour * 60 + 1e-6)  # a clock rounds down
        return f"day {self.day} {minutes // 60:02d}:{minutes % 60:02d}"


class TickWarning(UserWarning):
    """A model with parameters per tick runs in a world whose ticks are not hours."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Ticks of one length; tick 0 is the first midnight.

    Parameters
    ----------
    tick_minutes
        Simulated minutes in a tick, > 0.

    Examples
    --------
    >>> str(Clock(tick_minutes=60).moment(30))
    'day 2 06:00'
    >>> Clock(tick_minutes=30).ticks(hours=2)
    4
    """

    tick_minutes: float = 60

    def __post_init__(self) -> None:
        if not (math.isfinite(self.tick_minutes) and self.tick_minutes > 0):
            raise InputError(f"tick_minutes must be more than 0, got {self.tick_minutes}.")

    def moment(self, tick: int) -> Moment:
        """Return the day and hour at which ``tick`` begins."""
        day, minute = divmod(tick * self.tick_minutes, 1440)
        return Moment(int(day) + 1, minute / 60)

    def ticks(self, *, minutes: float = 0, hours: float = 0, days: float = 0) -> int:
        """Return the fewest ticks that span the given time, at least 0."""
        span = minutes + 60 * hours + 1440 * days
        return max(0, math.ceil(span / self.tick_minutes - 1e-9))

    def chance(self, rate: float, *, per: str = "hour") -> float:
        """Return the probability per tick of an event with ``rate`` events per unit on average.

        Parameters
        ----------
        rate
            Events per unit of time, >= 0.
        per
            ``"minute"``, ``"hour"``, ``"day"`` or ``"week"``.

        Returns
        -------
        float
            ``1 - exp(-rate * tick)``, in [0, 1): a Poisson process, per tick.

        Raises
        ------
        InputError
            If the rate is negative or the unit is unknown.
        """
        if per not in _MINUTES:
            raise InputError(f"A rate is per {', '.join(_MINUTES)}; got per {per!r}.")
        if not rate >= 0:
            raise InputError(f"A rate must be at least 0 per {per}, got {rate}.")
        return -math.expm1(-rate * self.tick_minutes / _MINUTES[per])
