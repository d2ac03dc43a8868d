""":class:`CascadeRecord`: adoption times and sources; depth, breadth and structural virality."""

from __future__ import annotations

from collections.abc import MutableSequence

import numpy as np
import numpy.typing as npt

from sim.spread.cascade import trees_kernels as trees
from sim.spread.cascade.adoption_log import GrowingRows, Log
from sim.spread.cascade.contacts import Ids

__all__ = ["CascadeRecord"]


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
