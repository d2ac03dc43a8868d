""":class:`Members`: platform columns of members: recent shares (ring buffer), seen posts, hours."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.bounds import Bound, DeclaredColumns, taken
from sim.jit.claims import mark
from sim.platform.acts.acts_kernels import push
from sim.platform.feed.candidates_kernels import NOTHING, RING, SETS, sweep
from sim.platform.rhythm import KINDS, chronotypes


class Members(DeclaredColumns):
    """Columns with a row for each agent; 43 bytes an agent.

    Attributes
    ----------
    recent, head
        uint32 (n, 4): messages that each lately posted or shared, 0xFFFFFFFF where there is none;
        uint8 (n,): the place of the next.
    live
        uint64 bitmap of who shared anything that was still shown at the last :meth:`sweep`.
    seen
        uint16 (n, 12): messages lately shown, two in each word, by a byte of their hash. A member
        may see a message again after some 24 others, and is kept from less than one in a hundred
        of those it never saw, others than anybody else is.
    chronotype
        uint8 (n,): a place in :data:`sim.platform.rhythm.SHIFTS`.
    recommender
        uint8 (n,): a place in the platform's list of recommenders.
    """

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
    recent: npt.NDArray[np.uint32]
    head: npt.NDArray[np.uint8]
    live: npt.NDArray[np.uint64]
    seen: npt.NDArray[np.uint16]
    chronotype: npt.NDArray[np.uint8]
    recommender: npt.NDArray[np.uint8]

    def __init__(self, seed: int, agents: int) -> None:
        self.seed = seed
        self.hold(self.vacant(_sizes(0)))
        self.grow(agents)

    def __len__(self) -> int:
        return self.head.size

    def grow(self, count: int) -> None:
        """Add members who have shared and seen nothing."""
        before = len(self)
        if before and not count:
            return
        self.grow_to(_sizes(before + count))
        self.chronotype[before:] = chronotypes(self.seed, before, count)

    def share(self, agents: npt.ArrayLike, messages: npt.ArrayLike) -> None:
        """Put messages into the rings of those who post or repost them, in order."""
        who = np.atleast_1d(np.asarray(agents, np.uint32))
        what = np.atleast_1d(np.asarray(messages, np.uint32))
        push(who, what, self.recent, self.head)
        mark(who, self.live)

    def sweep(self, first: int, count: int) -> None:
        """Forget who shared nothing but messages that left: those before ``first``."""
        sweep(self.recent, first, count, self.live)

    @classmethod
    def restore(cls, seed: int, columns: Mapping[str, npt.NDArray[Any]]) -> Members:
        """Return the members of :meth:`dump`; takes copies."""
        members = cls(seed, 0)
        members.hold(taken(columns, cls.bounds, "the members"))
        return members


def _sizes(members: int) -> dict[str, int]:
    return {"members": members, "words": (members + 63) // 64}
