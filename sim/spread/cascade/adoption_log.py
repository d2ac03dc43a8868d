"""A cascade's log, columns of adopter, tick and source; and :class:`CascadeRecord`, its shape."""

from __future__ import annotations

from collections.abc import Callable, MutableSequence
from copy import copy
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from sim.arrays import Ids
from sim.spread.cascade import trees_kernels as trees

T = TypeVar("T", bound=np.generic)
Keep = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
"""Returns an array's copy where it is to lie, or the array."""

_PART = 8
"""From this part of the agents on there is room for all: what is not written to costs nothing."""


def _grown(
    columns: tuple[npt.NDArray[np.generic], ...], size: int, most: int
) -> npt.NDArray[np.uint32]:
    """Return columns with room for ``size`` entries, and for all where many of ``most`` are in.

    They are rows of one array: large ones are had in large pages.
    """
    room = max(size, 16, columns[0].size + columns[0].size // 2)
    larger = np.empty((len(columns), max(room, most) if room * _PART > most else room), np.uint32)
    for row, column in zip(larger, columns, strict=True):
        row[: column.size] = column.view(np.uint32)
    return larger


def _frozen(array: npt.NDArray[T]) -> npt.NDArray[T]:
    view = array.view()
    view.flags.writeable = False
    return view


class Log:
    """Append-only columns in order of (tick, agent).

    Attributes
    ----------
    size
        How many adopters it lists.
    """

    __slots__ = ("_agents", "_is_filed", "_lent", "_most", "_sources", "_ticks", "size")

    def __init__(self, agents: int = 0) -> None:
        self._lent = 0
        self._is_filed = False
        self._most = agents
        self._agents = np.empty(0, np.uint32)
        self._ticks = np.empty(0, np.int32)
        self._sources = np.empty(0, np.uint32)
        self.size = 0

    @property
    def agents(self) -> npt.NDArray[np.uint32]:
        """The adopters, uint32 (size,), a read-only view."""
        return _frozen(self._agents[: self.size])

    @property
    def ticks(self) -> npt.NDArray[np.int32]:
        """The world's tick of each adoption, int32 (size,), a read-only view."""
        return _frozen(self._ticks[: self.size])

    @property
    def sources(self) -> npt.NDArray[np.uint32]:
        """Who convinced each, uint32 (size,); 0xFFFFFFFF for nobody. A read-only view."""
        return _frozen(self._sources[: self.size])

    @property
    def nbytes(self) -> int:
        """Bytes of memory held, room to grow included; none where it was moved to a file."""
        own = self._agents.nbytes + self._ticks.nbytes + self._sources.nbytes
        return 0 if self._is_filed else own

    def append(
        self, agents: npt.NDArray[np.uint32], tick: int, sources: npt.NDArray[np.uint32]
    ) -> None:
        """Add the adopters of one tick, ascending, with who convinced them."""
        if not agents.size:
            return
        stop = self.size + agents.size
        if stop > self._agents.size:
            columns = self._agents, self._ticks, self._sources
            self._agents, ticks, self._sources = _grown(columns, stop, self._most)
            self._ticks, self._is_filed = ticks.view(np.int32), False
        self._agents[self.size : stop] = agents
        self._ticks[self.size : stop] = tick
        self._sources[self.size : stop] = sources
        self.size = stop

    def cut(self, size: int) -> None:
        """Drop every entry behind the first ``size``."""
        self.size = min(size, self.size)
        if size < self._lent:
            self._agents, self._ticks = self._agents.copy(), self._ticks.copy()
            self._sources, self._lent, self._is_filed = self._sources.copy(), 0, False

    def moved(self, keep: Keep, *, whole: bool = True) -> None:
        """Let it lie where ``keep`` puts arrays, without room to grow if it is whole."""
        stop = self.size if whole else None
        self._agents, self._ticks = keep(self._agents[:stop]), keep(self._ticks[:stop])
        self._sources, self._is_filed = keep(self._sources[:stop]), True

    def so_far(self) -> Log:
        """Return a log of the entries there are; it shares their memory and never changes."""
        self._lent = self.size
        return copy(self)

    def dump(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return the columns by name."""
        return {
            "log.agents": np.ascontiguousarray(self.agents),
            "log.ticks": np.ascontiguousarray(self.ticks),
            "log.sources": np.ascontiguousarray(self.sources),
        }

    @classmethod
    def restore(cls, columns: dict[str, npt.NDArray[np.generic]]) -> Log:
        """Return the log of :meth:`dump`'s columns."""
        log = cls()
        log._agents = columns["log.agents"].astype(np.uint32)
        log._ticks = columns["log.ticks"].astype(np.int32)
        log._sources = columns["log.sources"].astype(np.uint32)
        log.size = log._agents.size
        return log


class GrowingRows:
    """Rows of whole numbers that only grow at the end; a look at them copies nothing.

    Attributes
    ----------
    count
        How many rows there are.
    """

    __slots__ = ("_lent", "_rows", "count")

    def __init__(self, width: int) -> None:
        self._lent = 0
        self._rows = np.zeros((8, width), np.int64)
        self.count = 0

    @property
    def view(self) -> npt.NDArray[np.int64]:
        """The rows, int64 (count, width), read-only; rows added later are not in it."""
        return _frozen(self._rows[: self.count])

    @property
    def nbytes(self) -> int:
        """Bytes held, room to grow included."""
        return self._rows.nbytes

    def append(self, row: npt.NDArray[np.int64]) -> None:
        """Add a row at the end."""
        if self.count == len(self._rows):
            larger = np.zeros((max(2 * self.count, 8), self._rows.shape[1]), np.int64)
            larger[: self.count] = self._rows
            self._rows = larger
        self._rows[self.count] = row
        self.count += 1

    def cut(self, count: int) -> None:
        """Drop every row behind the first ``count``."""
        self.count = min(count, self.count)
        if count < self._lent:
            self._rows, self._lent = self._rows.copy(), 0

    def moved(self, keep: Keep) -> None:
        """Let them lie where ``keep`` puts arrays, without room to grow."""
        self._rows = keep(self._rows[: self.count])

    def so_far(self) -> GrowingRows:
        """Return the rows there are; they share their memory and never change."""
        self._lent = self.count
        return copy(self)

    @classmethod
    def of(cls, rows: npt.NDArray[np.generic]) -> GrowingRows:
        """Return rows that begin with those given, (count, width)."""
        made = cls(rows.shape[1])
        made.count = len(rows)
        made._rows = np.array(rows, np.int64) if len(rows) else made._rows
        return made


class CascadeRecord:
    """The adoptions of one message; arrays over all agents are built when asked for.

    Parameters
    ----------
    agents
        How many agents there are.
    states
        How many states an agent can be in.

    Attributes
    ----------
    started_at
        The tick at which the seeds adopted, -1 before.
    tally
        Agents in each state now, int64 (states,): all in the first one before the start.
    """

    def __init__(self, agents: int, states: int) -> None:
        self.agents = agents
        self.started_at = -1
        self.tally = np.zeros(states, np.int64)
        self.tally[0] = agents
        self._log = Log(agents)
        self._new: MutableSequence[int] = []
        self._history = GrowingRows(states)

    @property
    def size(self) -> int:
        """How many agents ever adopted."""
        return self._log.size

    @property
    def log(self) -> Log:
        """Adopters, ticks and sources in order of (tick, agent)."""
        return self._log

    @property
    def adopters(self) -> Ids:
        """Who adopted, uint32 in order of (tick, agent); a read-only view."""
        return self._log.agents

    @property
    def adopted_at(self) -> npt.NDArray[np.int32]:
        """The tick of each agent's first adoption, int32 (agents,), -1 for never; on request."""
        return self._columns()[0]

    @property
    def source(self) -> npt.NDArray[np.int64]:
        """Who convinced each agent, int64 (agents,), -1 for seeds and non-adopters; on request."""
        return self._columns()[1]

    def _columns(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        adopted_at = np.full(self.agents, -1, np.int32)
        source = np.full(self.agents, -1, np.int64)
        log = self._log
        trees.fill_columns(log.agents, log.ticks, log.sources, adopted_at, source)
        return adopted_at, source

    @property
    def history(self) -> npt.NDArray[np.int64]:
        """Agents in each state, int64 (ticks + 1, states): one row at the start, one a tick.

        A read-only view; a later one shows later ticks too.
        """
        return self._history.view

    @property
    def stirred(self) -> bool:
        """Whether the last tick changed anybody's state, or there was none yet."""
        last = self._history.view[-2:]
        return len(last) < 2 or last[0].tolist() != last[1].tolist()

    @property
    def new_adopters(self) -> npt.NDArray[np.int64]:
        """First adoptions in each tick since the start, int64 (ticks + 1,); row 0 counts seeds."""
        return np.array(self._new, np.int64)

    @property
    def speed(self) -> float:
        """First adoptions per tick over the last ten ticks."""
        recent = self._new[1:][-10:]
        return sum(recent) / len(recent) if recent else 0.0

    @property
    def depths(self) -> npt.NDArray[np.int32]:
        """Distance of each adopter from its seed, int32 (size,), in the order of ``adopters``."""
        out = np.empty(self.size, np.int32)
        place = np.full(self.agents, -1, np.int32)
        trees.depths(self._log.agents, self._log.sources, place, out)
        return out

    @property
    def depth(self) -> int:
        """The longest chain from a seed."""
        return int(self.depths.max(initial=0))

    @property
    def breadth(self) -> int:
        """The widest level: most adopters at one distance from the seeds."""
        return int(np.bincount(self.depths).max(initial=0)) if self.size else 0

    @property
    def virality(self) -> float:
        """Structural virality: mean distance between two adopters of one tree.

        Goel, Anderson, Hofman & Watts, "The structural virality of online diffusion", Management
        Science 2016. 0.0 when no tree has two members.
        """
        place = np.full(self.agents, -1, np.int32)
        scratch = np.empty(self.size, np.int64)
        paths, pairs = trees.wiener(self._log.agents, self._log.sources, place, scratch)
        return float(paths / pairs) if pairs else 0.0
