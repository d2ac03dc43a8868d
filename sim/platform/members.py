"""Columns of members (recent shares, seen posts, chronotypes), and their daily rhythm.

An agent with activity ``a`` and a chronotype ``s`` hours late is online in hour ``h`` with
probability ``min(1, a * c(h - s))``, where ``c`` is the day's curve with mean 1. A tick uses the
mean of the curve over the hours it spans.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.agents.rhythm_kernels import fill_kinds
from sim.arrays import F64
from sim.core import rng
from sim.core.bounds import Bound, DeclaredColumns, taken
from sim.core.rng import Stream
from sim.errors import InputError
from sim.jit.claims import mark
from sim.platform.acts.acts_kernels import push
from sim.platform.feed.candidates_kernels import NOTHING, sweep
from sim.platform.feed.draws_kernels import RING, SETS

_DAILY = (
    0.72, 0.45, 0.28, 0.19, 0.16, 0.20, 0.36, 0.62, 0.88, 1.03, 1.11, 1.16,
    1.24, 1.22, 1.17, 1.17, 1.22, 1.30, 1.40, 1.52, 1.66, 1.72, 1.50, 1.12,
)  # fmt: skip
"""Hours 0 to 23: quiet before dawn, busiest at nine in the evening. A synthetic curve of the usual
shape of hourly post counts, scaled to mean 1. Set your own where it matters."""

SHIFTS = (-3, -2, -1, 0, 1, 2, 3)
"""Delay of each chronotype in hours."""
_SHARES = (0.05, 0.10, 0.20, 0.30, 0.20, 0.10, 0.05)
KINDS = len(SHIFTS)


def curve_of(rhythm: str) -> F64:
    """Return the day's curve, float64 (24,) with mean 1."""
    if rhythm == "flat":
        return np.ones(24)
    try:
        hours = _DAILY if rhythm == "daily" else tuple(float(part) for part in rhythm.split(","))
    except ValueError:
        hours = ()
    curve = np.array(hours)
    if curve.shape != (24,) or not np.isfinite(curve).all() or (curve < 0).any() or not curve.sum():
        raise InputError(
            "A rhythm is 'daily', 'flat' or 24 numbers of at least 0, one an hour, separated by "
            f"commas; got {rhythm!r}."
        )
    mean_one: F64 = curve / curve.mean()
    return mean_one


def chronotypes(seed: int, start: int, count: int) -> npt.NDArray[np.uint8]:
    """Return the chronotype of agents ``start .. start + count``: uint8, an index of ``SHIFTS``."""
    out = np.empty(count, np.uint8)
    upto = np.cumsum(np.array(_SHARES))
    fill_kinds(rng.key(seed, Stream.CHRONOTYPES), start, upto, out)
    return out


def factors(curve: F64, tick: int, tick_minutes: float) -> F64:
    """Return the factor of each chronotype in a tick, float64 (``KINDS``,)."""
    hours = tick_minutes / 60
    begin = (tick - 1) * hours - np.array(SHIFTS, np.float64)
    return (_upto(curve, begin + hours) - _upto(curve, begin)) / hours


def _upto(curve: F64, hour: F64) -> F64:
    """Return the integral of the curve from hour 0; days repeat."""
    sums = np.concatenate([[0.0], np.cumsum(curve)])
    day, rest = np.divmod(hour, 24.0)
    whole = np.minimum(rest.astype(np.int64), 23)
    total: F64 = day * sums[24] + sums[whole] + (rest - whole) * curve[whole]
    return total


class Members(DeclaredColumns):
    """Columns with a row for each agent; 43 bytes per agent."""

    bounds = MappingProxyType(
        {
            "recent": Bound("u4", ("members", RING), fill=int(NOTHING)),
            "head": Bound("u1", ("members",), below=RING),
            "live": Bound("u8", ("words",)),
            "seen": Bound("u2", ("members", SETS)),
            "chronotype": Bound("u1", ("members",), below=KINDS),
            "recommender": Bound("u1", ("members",), below="recommenders"),
        }
    )
    # rings of messages recently posted or shared, 0xFFFFFFFF for none; uint8 (n,): the index of
    # the next entry
    recent: npt.NDArray[np.uint32]
    head: npt.NDArray[np.uint8]
    # uint64 bitmap of members with a shared message still in the table at the last sweep
    live: npt.NDArray[np.uint64]
    # recently seen messages, two per word, as one byte of their hash. A member may see a message
    # again after about 24 others; false positives hide less than 1 % of unseen messages, different
    # ones for each member
    seen: npt.NDArray[np.uint16]
    chronotype: npt.NDArray[np.uint8]  # an index of SHIFTS
    recommender: npt.NDArray[np.uint8]  # an index of the platform's recommenders

    def __init__(self, seed: int, agents: int) -> None:
        self.seed = seed
        self.hold(self.vacant(_sizes(0)))
        self.grow(agents)

    def __len__(self) -> int:
        return self.head.size

    def grow(self, count: int) -> None:
        """Add members that have shared and seen nothing."""
        before = len(self)
        if before and not count:
            return
        self.grow_to(_sizes(before + count))
        self.chronotype[before:] = chronotypes(self.seed, before, count)

    def share(self, agents: npt.ArrayLike, messages: npt.ArrayLike) -> None:
        """Add messages to the rings of the members that post or repost them, in order."""
        who = np.atleast_1d(np.asarray(agents, np.uint32))
        what = np.atleast_1d(np.asarray(messages, np.uint32))
        push(who, what, self.recent, self.head)
        mark(who, self.live)

    def sweep(self, first: int, count: int) -> None:
        """Unmark members whose shared messages all left the table: those before ``first``."""
        sweep(self.recent, first, count, self.live)

    @classmethod
    def restore(cls, seed: int, columns: Mapping[str, npt.NDArray[Any]]) -> Members:
        """Return the members of :meth:`dump`; takes copies."""
        members = cls(seed, 0)
        members.hold(taken(columns, cls.bounds, "the members"))
        return members


def _sizes(members: int) -> dict[str, int]:
    return {"members": members, "words": (members + 63) // 64}
