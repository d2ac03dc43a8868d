"""The log of lifecycle moves: which agents changed stage and when, the newest million."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.agents.lifecycle import Lifecycle
from sim.errors import InputError

__all__ = ["MOST_MOVES", "MoveLog", "Moves"]

MOST_MOVES: Final = 1 << 20
"""Moves that are remembered, 10 bytes each; of more, the older half is forgotten."""
_KINDS: Final = {"tick": "<i4", "agent": "<u4", "before": "|u1", "after": "|u1"}


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


class MoveLog:
    """A log of moves that grows at its end.

    Attributes
    ----------
    now
        The tick of what is noted next.
    made
        How many were ever noted here, also those forgotten since; never saved.
    """

    def __init__(self) -> None:
        self.now = 0
        self.made = 0
        self._parts: list[Moves] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return 10 * self._count

    def note(
        self, agents: npt.NDArray[np.uint32], before: npt.NDArray[np.uint8], after: Lifecycle
    ) -> None:
        """Note that agents went on; those that stayed where they were are left out."""
        moved = before != after
        count = int(moved.sum())
        if not count:
            return
        tick = np.full(count, self.now, np.int32)
        self._parts.append(
            Moves(tick, agents[moved], before[moved], np.full(count, after, np.uint8))
        )
        self._count += count
        self.made += count
        if self._count > MOST_MOVES:
            kept = [column[-MOST_MOVES // 2 :].copy() for column in self.all()]
            self._parts, self._count = [Moves(*kept)], kept[0].size

    def all(self) -> Moves:
        """Return every move that is remembered."""
        if not self._parts:
            return Moves(*(np.empty(0, kind) for kind in _KINDS.values()))
        if len(self._parts) > 1:
            self._parts = [Moves(*map(np.concatenate, zip(*self._parts, strict=True)))]
        return self._parts[0]

    def between(self, start: int = 0, stop: int | None = None, agent: int | None = None) -> Moves:
        """Return the moves of ticks ``start`` to ``stop``, both included; of one agent, or all."""
        moves = self.all()
        low = int(np.searchsorted(moves.tick, start, "left"))
        high = len(self) if stop is None else int(np.searchsorted(moves.tick, stop, "right"))
        part = Moves(*(column[low:high] for column in moves))
        if agent is None:
            return part
        return Moves(*(column[part.agent == agent] for column in part))

    def copied(self) -> MoveLog:
        """Return a log that does not grow with this one."""
        twin = MoveLog()
        twin.now, twin._parts, twin._count = self.now, list(self._parts), self._count
        twin.made = self.made
        return twin

    def dump(self) -> dict[str, npt.NDArray[Any]]:
        """Return the columns by name; none of an empty log."""
        return dict(self.all()._asdict()) if self._count else {}

    @classmethod
    def restore(cls, columns: Mapping[str, npt.NDArray[Any]], agents: int) -> MoveLog:
        """Return the log of :meth:`dump`; InputError for columns that do not fit."""
        log = cls()
        if not columns:
            return log
        try:
            moves = Moves(*(np.array(columns[name], kind) for name, kind in _KINDS.items()))
        except KeyError as error:
            raise InputError(f"The log of moves has no column {error}.") from None
        sizes = {column.shape for column in moves}
        last = max(int(moves.before.max(initial=0)), int(moves.after.max(initial=0)))
        if len(sizes) != 1 or moves.tick.ndim != 1 or last > max(Lifecycle):
            raise InputError("The columns of the log of moves do not fit each other.")
        if np.any(moves.tick[1:] < moves.tick[:-1]) or int(moves.agent.max(initial=0)) >= agents:
            raise InputError(f"The log of moves names ticks or agents out of range ({agents}).")
        log._parts, log._count = [moves], moves.tick.size
        log.now = int(moves.tick[-1]) if moves.tick.size else 0
        return log
