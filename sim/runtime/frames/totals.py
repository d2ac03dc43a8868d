"""Running totals of one cascade, kept up from the new entries of its log alone."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, I32, I64
from sim.network.analysis import groups_kernels as kernels
from sim.spread.cascade import trees_kernels as trees
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.generations import cohorts_of

MOST_COLUMNS = 400
"""Columns of time in a heat map; neighbours are merged when there would be more."""

T = TypeVar("T", bound=np.generic)


def frozen(array: npt.NDArray[T]) -> npt.NDArray[T]:
    """Return a view that cannot be written through."""
    view = array.view()
    view.flags.writeable = False
    return view


class _Rows:
    """Rows of numbers that only grow; views handed out stay as they are."""

    def __init__(self, rows: I64) -> None:
        self._rows = rows.copy()
        self.size = len(rows)

    def append(self, row: npt.ArrayLike) -> None:
        if self.size == len(self._rows):
            room = np.empty((max(64, 2 * self.size), *self._rows.shape[1:]), np.int64)
            room[: self.size] = self._rows
            self._rows = room
        self._rows[self.size] = row
        self.size += 1

    @property
    def view(self) -> I64:
        return frozen(self._rows[: self.size])


class Tally:
    """What a frame tells of the cascade in focus.

    Attributes
    ----------
    depth, breadth
        The longest chain from a seed, and the most adopters at one distance.
    virality
        Structural virality as of :attr:`virality_size` adopters.
    """

    def __init__(self, cascade: Cascade) -> None:
        self.cascade = cascade
        self.depth = 0
        self.virality = 0.0
        self.virality_size = 0
        self._history = _Rows(cascade.history)
        self._new = _Rows(cascade.new_adopters)
        self._counted = 0
        self._when = np.full(cascade.agents, -1, np.int32)
        self._level = np.zeros(cascade.agents, np.int32)
        self._caused = np.zeros(64, np.int64)
        self._levels = np.zeros(64, np.int64)
        self._count()

    @property
    def is_current(self) -> bool:
        """Whether every entry of the log is counted."""
        return self._counted == self.cascade.size

    @property
    def ticks(self) -> int:
        """Rows of :attr:`history`: ticks that the cascade has run, and one."""
        return self._new.size

    @property
    def history(self) -> I64:
        """Agents in each state, int64 (ticks, states)."""
        return self._history.view

    @property
    def new(self) -> I64:
        """First adoptions in each tick, int64 (ticks,); row 0 counts the seeds."""
        return self._new.view

    @property
    def breadth(self) -> int:
        """Most adopters at one distance from the seeds."""
        return int(self._levels.max())

    @property
    def cohorts(self) -> tuple[F64, int]:
        """R_t and the tick of :func:`~sim.spread.cascade.generations.cohorts_of`."""
        if not self.is_current:
            return cohorts_of(self.cascade)
        return cohorts_of(self.cascade, self._when, self._caused)

    @property
    def speed(self) -> float:
        """First adoptions per tick over the last ten ticks."""
        recent = self._new.view[1:][-10:]
        return float(recent.mean()) if recent.size else 0.0

    def ticked(self) -> None:
        """Take a tick into account in which the cascade ran."""
        if self._new.size == 0:  # it has just left the queue: its start is a row too
            self._history, self._new = _Rows(self.cascade.history), _Rows(self.cascade.new_adopters)
        else:
            self._history.append(self.cascade.tally)
            self._new.append(self.cascade.size - self._counted)
        self._count()

    def reread(self) -> None:
        """Read the record anew, after something else than a tick may have changed it."""
        self._history, self._new = _Rows(self.cascade.history), _Rows(self.cascade.new_adopters)
        self._count()

    def measure_virality(self) -> None:
        """Bring :attr:`virality` up to date; one pass over all adopters."""
        log = self.cascade.log
        place = np.full(self.cascade.agents, -1, np.int32)
        paths, pairs = trees.wiener(log.agents, log.sources, place, np.empty(log.size, np.int64))
        self.virality = float(paths / pairs) if pairs else 0.0
        self.virality_size = log.size

    def _count(self) -> None:
        more = self.cascade.agents - self._when.size
        if more > 0:  # agents came: the kernel must find a place for each
            self._when = np.append(self._when, np.full(more, -1, np.int32))
            self._level = np.append(self._level, np.zeros(more, np.int32))
        self._caused = _room(self._caused, self._new.size)
        self._levels = _room(self._levels, self._new.size)
        log, end = self.cascade.log, self.cascade.size
        entries = (log.agents, log.ticks, log.sources, self._counted, end)
        first = self.cascade.started_at
        columns = (self._when, self._level, self._caused, self._levels)
        self.depth = max(self.depth, int(kernels.follow(*entries, first, *columns)))
        self._counted = end


class GroupTally:
    """How far the cascade in focus has come in each group, over time.

    Attributes
    ----------
    onset
        int64 (groups,): tick of the first adoption, -1 for none.
    """

    def __init__(self, cascade: Cascade | None, row_of: I32, sizes: I64) -> None:
        self.cascade = cascade
        self.onset = np.full(sizes.size, -1, np.int64)
        self._row_of = row_of
        self._sizes = sizes
        self._width = 1
        self._heat = np.zeros((sizes.size, MOST_COLUMNS), np.int64)
        self._counted = 0

    @classmethod
    def empty(cls, sizes: I64) -> GroupTally:
        """Return the tally of no cascade."""
        return cls(None, np.empty(0, np.int32), sizes)

    def count(self, ticks: int) -> None:
        """Count what is new in the log; ``ticks``: how many the cascade has run, and one."""
        if self.cascade is None:
            return
        while ticks > self._width * MOST_COLUMNS:
            self._halve()
        log, end = self.cascade.log, self.cascade.size
        entries = (log.agents, log.ticks, self._counted, end, self.cascade.started_at)
        kernels.spread_out(*entries, self._width, self._row_of, self._heat, self.onset)
        self._counted = end

    def _halve(self) -> None:
        pairs = self._heat.reshape(len(self._heat), -1, 2).sum(axis=2)
        self._heat = np.zeros_like(self._heat)
        self._heat[:, : pairs.shape[1]] = pairs
        self._width *= 2

    def read(self, ticks: int) -> dict[str, npt.NDArray[Any]]:
        """Return ``adopted``, ``heat``, ``heat_ticks`` and ``onset`` for a frame; copies."""
        columns = -(-ticks // self._width)
        counted = np.cumsum(self._heat[:, :columns], axis=1)
        ends = np.minimum(np.arange(1, columns + 1) * self._width, ticks) - 1
        return {
            "adopted": frozen(self._heat.sum(axis=1)),
            "heat": frozen((counted / np.maximum(self._sizes, 1)[:, None]).astype(np.float32)),
            "heat_ticks": frozen(ends + (self.cascade.started_at if self.cascade else 0)),
            "onset": frozen(self.onset.copy()),
        }


def _room(array: I64, size: int) -> I64:
    if array.size >= size:
        return array
    larger = np.zeros(max(size, 2 * array.size), np.int64)
    larger[: array.size] = array
    return larger
