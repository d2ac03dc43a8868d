"""Probability of takeoff: which runs became large, and a confidence interval of their share."""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

import numpy.typing as npt

from sim.errors import InputError
from sim.lab.statistics.intervals import CONFIDENCE, Interval, numbers, share_interval


class Takeoff(NamedTuple):
    """How many runs took off.

    Attributes
    ----------
    share
        Of the runs, in [0, 1].
    interval
        Of the chance to take off.
    runs, of
        How many took off, of how many.
    threshold
        What a run has to exceed.
    """

    share: float
    interval: Interval
    runs: int
    of: int
    threshold: float


def takeoff_threshold(members: int) -> float:
    """Return how many a message has to reach to have taken off: members to the power of 2/3.

    In large random networks, below the point where messages begin to spread, what one reaches grows
    as the logarithm of the members; at that point as this power; above it as the members
    themselves. So there it parts the two, whatever the chance to share. Of other networks
    (communities, hubs, lattices, a platform's feeds) no theorem says so: it is a convention there,
    and a threshold of one's own may part better. In a world of 1,000 it is 100 members (10 %), in
    one of a million 10,000 (1 %).

    Parameters
    ----------
    members
        Of the world, 1 or more.

    Raises
    ------
    InputError
        For a world without members.

    Source: Bollobás (1984), The evolution of random graphs; Martin-Löf (1998), The final size of
    a nearly critical epidemic.

    Examples
    --------
    >>> round(takeoff_threshold(1000), 9)
    100.0
    """
    if members < 1:
        raise InputError(f"A world has 1 member or more; got {members}.")
    return float(members ** (2 / 3))


def takeoff(
    reached: npt.ArrayLike,
    *,
    members: int | None = None,
    threshold: float | None = None,
    confidence: float = CONFIDENCE,
) -> Takeoff:
    """Return the share of runs that went beyond a threshold, with Wilson's interval.

    Parameters
    ----------
    reached
        Members that each run reached (n,), finite.
    members
        Of the world: the threshold is :func:`takeoff_threshold` of it.
    threshold
        Or the threshold itself, chosen before the runs are looked at.
    confidence
        In (0, 1).

    Raises
    ------
    InputError
        Unless exactly one of ``members`` and ``threshold`` is given, or for no runs.

    Examples
    --------
    >>> takeoff([1, 3, 800, 2, 790], members=1000).share
    0.4
    """
    if (members is None) == (threshold is None):
        raise InputError("What took off is told by members or by a threshold: give one of the two.")
    given = numbers(reached)
    edge = takeoff_threshold(members) if members is not None else float(threshold or 0.0)
    if not isfinite(edge):
        raise InputError(f"A threshold is a finite number; got {edge}.")
    runs = int((given > edge).sum())
    interval = share_interval(runs, given.size, confidence=confidence)
    return Takeoff(runs / given.size, interval, runs, given.size, edge)
