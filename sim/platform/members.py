""":class:`Members`: platform columns of members: recent shares (ring buffer), seen posts, hours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.jit.claims import mark
from sim.platform.acts.acts_kernels import push
from sim.platform.feed.candidates_kernels import NOTHING, RING, sweep
from sim.platform.rhythm import chronotypes

__all__ = ["Members"]

_COLUMNS = ("recent", "head", "live", "seen", "chronotype", "recommender")


class Members:
    """Columns with a row for each agent; 27 bytes an agent.

    Parameters
    ----------
    seed
        The world's: chronotypes are drawn.
    agents
        How many.

    Attributes
    ----------
    recent, head
        uint32 (n, 4): messages that each lately posted or shared, 0xFFFFFFFF where there is none;
        uint8 (n,): the place of the next.
    live
        uint64 bitmap of who shared anything that was still shown at the last :meth:`sweep`.
    seen
        uint64 (n,): a Bloom word of messages lately shown. One with more than half its bits set is
        begun anew, so that a member may see a message again after some forty others.
    chronotype
        uint8 (n,): a place in :data:`sim.platform.rhythm.SHIFTS`.
    recommender
        uint8 (n,): a place in the platform's list of recommenders.
    """

    def __init__(self, seed: int, agents: int) -> None:
        self.seed = seed
        self.recent = np.full((0, RING), NOTHING)
        self.head = np.zeros(0, np.uint8)
        self.live = np.zeros(0, np.uint64)
        self.seen = np.zeros(0, np.uint64)
        self.chronotype = np.zeros(0, np.uint8)
        self.recommender = np.zeros(0, np.uint8)
        self.grow(agents)

    def __len__(self) -> int:
        return self.head.size

    def grow(self, count: int) -> None:
        """Add members who have shared and seen nothing."""
        before = len(self)
        if before and not count:
            return
        self.recent = _joined(self.recent, np.full((count, RING), NOTHING))
        self.head = _joined(self.head, np.zeros(count, np.uint8))
        self.seen = _joined(self.seen, np.zeros(count, np.uint64))
        self.chronotype = _joined(self.chronotype, chronotypes(self.seed, before, count))
        self.recommender = _joined(self.recommender, np.zeros(count, np.uint8))
        words = (before + count + 63) // 64 - self.live.size
        self.live = np.concatenate([self.live, np.zeros(words, np.uint64)])

    def share(self, agents: npt.ArrayLike, messages: npt.ArrayLike) -> None:
        """Put messages into the rings of those who post or repost them, in order."""
        who = np.atleast_1d(np.asarray(agents, np.uint32))
        what = np.atleast_1d(np.asarray(messages, np.uint32))
        push(who, what, self.recent, self.head)
        mark(who, self.live)

    def sweep(self, first: int, count: int) -> None:
        """Forget who shared nothing but messages that left: those before ``first``."""
        sweep(self.recent, first, count, self.live)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(int(getattr(self, name).nbytes) for name in _COLUMNS)

    def dump(self) -> dict[str, npt.NDArray[Any]]:
        """Return the columns by name."""
        return {name: getattr(self, name) for name in _COLUMNS}

    @classmethod
    def restore(cls, seed: int, columns: Mapping[str, npt.NDArray[Any]]) -> Members:
        """Return the members of :meth:`dump`; takes copies."""
        members = cls(seed, 0)
        for name in _COLUMNS:
            setattr(members, name, np.array(columns[name], getattr(members, name).dtype))
        return members


def _joined(old: npt.NDArray[Any], fresh: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return both; zeros that nothing was copied to take no memory until they are written."""
    return np.concatenate([old, fresh]) if len(old) else fresh
