"""The log of tie changes: who changed which tie and when, the newest ones as columns."""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.arrays import I32, Ids
from sim.core.bounds import Bound
from sim.core.row_log import RowLog

ACTS = (
    "follow",
    "unfollow",
    "befriend",
    "unfriend",
    "block",
    "unblock",
    "mute",
    "unmute",
)
"""What an agent does about another; the number in the log is the place here."""


class History(NamedTuple):
    """Changes in the order in which they were made.

    Attributes
    ----------
    tick
        int32 (k,): when.
    act
        uint8 (k,): what, a place in :data:`ACTS`.
    agent, other
        uint32 (k,): who did it, about whom.
    """

    tick: I32
    act: npt.NDArray[np.uint8]
    agent: Ids
    other: Ids


class TieLog(RowLog[History]):
    """The newest changes of ties, a million; no part of a world's digest, but of its file."""

    rows, owner = History, "the log of ties"
    bounds = MappingProxyType(
        {
            "tick": Bound("i4", ("rows",)),
            "act": Bound("u1", ("rows",), below=len(ACTS)),
            "agent": Bound("u4", ("rows",), below="agents"),
            "other": Bound("u4", ("rows",), below="agents"),
        }
    )

    def note(self, tick: int, act: str, agents: Ids, others: Ids) -> None:
        """Remember one act of several agents in one tick."""
        self.add(tick, ACTS.index(act), agents, others)

    def about(self, agent: int, other: int | None = None) -> History:
        """Return the changes that name an agent, or a pair in either order."""
        every = self.all()
        mine = (every.agent == agent) | (every.other == agent)
        if other is not None:
            mine &= (every.agent == other) | (every.other == other)
        return History(*(column[mine] for column in every))
