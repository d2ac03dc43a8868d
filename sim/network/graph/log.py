"""The log of tie changes: who changed which tie and when, the newest ones as columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.errors import InputError

__all__ = ["ACTS", "History", "TieLog"]

Ids = npt.NDArray[np.uint32]
Ints = npt.NDArray[np.int32]

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

MOST = 1 << 20
"""Changes that are remembered; beyond that the oldest are forgotten."""


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

    tick: Ints
    act: npt.NDArray[np.uint8]
    agent: Ids
    other: Ids


NOTHING = History(
    np.empty(0, np.int32), np.empty(0, np.uint8), np.empty(0, np.uint32), np.empty(0, np.uint32)
)


class TieLog:
    """The newest changes of ties; no part of a world's digest, but of its file.

    Parameters
    ----------
    most
        How many are remembered.
    """

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._chunks: list[History] = []
        self.count = 0

    def __deepcopy__(self, memo: object) -> TieLog:
        """Return a log that stays as it is; it shares what was noted, which nobody changes."""
        twin = TieLog(self.most)
        twin._chunks, twin.count = list(self._chunks), self.count
        return twin

    def note(self, tick: int, act: str, agents: Ids, others: Ids) -> None:
        """Remember one act of several agents in one tick."""
        if not agents.size:
            return
        who, whom = agents[-self.most :].copy(), others[-self.most :].copy()
        when = np.full(who.size, tick, np.int32)
        what = np.full(who.size, ACTS.index(act), np.uint8)
        self._chunks.append(History(when, what, who, whom))
        self.count += who.size
        if len(self._chunks) > 256 or self.count > self.most + self.most // 4:
            self._chunks = [self.all()]
            self.count = self._chunks[0].tick.size

    def all(self) -> History:
        """Return every change that is remembered, the newest :attr:`most`."""
        if not self._chunks:
            return NOTHING
        parts = [np.concatenate(column)[-self.most :] for column in zip(*self._chunks, strict=True)]
        return History(*parts)

    def about(self, agent: int, other: int | None = None) -> History:
        """Return the changes that name an agent, or a pair in either order."""
        every = self.all()
        mine = (every.agent == agent) | (every.other == agent)
        if other is not None:
            mine &= (every.agent == other) | (every.other == other)
        return History(*(column[mine] for column in every))

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(column.nbytes for chunk in self._chunks for column in chunk)

    def dump(self) -> dict[str, npt.NDArray[Any]]:
        """Return the columns of :class:`History`; {} where nothing was noted."""
        return self.all()._asdict() if self.count else {}

    @classmethod
    def restore(cls, columns: Mapping[str, npt.NDArray[Any]], agents: int) -> TieLog:
        """Return the log of :meth:`dump`.

        Raises
        ------
        InputError
            For columns that do not fit together.
        """
        log = cls()
        if not columns:
            return log
        every = History(*(columns.get(name, column) for name, column in NOTHING._asdict().items()))
        sizes = {column.shape for column in every}
        fits = len(sizes) == 1 and every.tick.ndim == 1 and every.tick.size > 0
        if (
            not fits
            or max(every.agent.max(), every.other.max()) >= agents
            or (every.act.max() >= len(ACTS))
        ):
            raise InputError("The log of ties holds columns that do not fit together.")
        log._chunks, log.count = [every], every.tick.size
        return log
