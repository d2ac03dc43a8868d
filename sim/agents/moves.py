"""The log of lifecycle moves: which agents changed stage and when, the newest million."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from sim.agents.lifecycle import Lifecycle
from sim.core.bounds import Bound
from sim.core.row_log import RowLog
from sim.errors import InputError


class Moves(NamedTuple):
    """Moves in the order in which they were made.

    Attributes
    ----------
    tick
        int32 (k,): of the world.
    agent
        uint32 (k,).
    before, after
        uint8 (k,): a :class:`~sim.agents.lifecycle.Lifecycle`.
    """

    tick: npt.NDArray[Any]
    agent: npt.NDArray[Any]
    before: npt.NDArray[Any]
    after: npt.NDArray[Any]


class MoveLog(RowLog[Moves]):
    """The newest moves.

    Attributes
    ----------
    now
        The tick of what is noted next.
    made
        How many were ever noted here, also those forgotten since; never saved.
    """

    rows, owner = Moves, "the log of moves"
    bounds = MappingProxyType(
        {
            "tick": Bound("i4", ("rows",)),
            "agent": Bound("u4", ("rows",), below="agents"),
            "before": Bound("u1", ("rows",), below=max(Lifecycle) + 1),
            "after": Bound("u1", ("rows",), below=max(Lifecycle) + 1),
        }
    )
    now = made = 0

    def note(
        self, agents: npt.NDArray[np.uint32], before: npt.NDArray[np.uint8], after: Lifecycle
    ) -> None:
        """Note that agents went on; those that stayed where they were are left out."""
        moved = before != after
        self.add(self.now, agents[moved], before[moved], after)
        self.made += int(moved.sum())

    def between(self, start: int = 0, stop: int | None = None, agent: int | None = None) -> Moves:
        """Return the moves of ticks ``start`` to ``stop``, both included; of one agent, or all."""
        moves = self.all()
        low = int(np.searchsorted(moves.tick, start, "left"))
        high = len(self) if stop is None else int(np.searchsorted(moves.tick, stop, "right"))
        part = Moves(*(column[low:high] for column in moves))
        if agent is None:
            return part
        return Moves(*(column[part.agent == agent] for column in part))

    @classmethod
    def restore(cls, columns: Mapping[str, npt.NDArray[Any]], agents: int) -> Self:
        """Return the log of :meth:`dump`; InputError for columns that do not fit."""
        log = super().restore(columns, agents)
        ticks = log.all().tick
        if np.any(ticks[1:] < ticks[:-1]):
            raise InputError("The ticks of the log of moves do not rise.")
        log.now = int(ticks[-1]) if ticks.size else 0
        return log
