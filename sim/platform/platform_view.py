"""The interface of the platform for recommenders and policies."""

from __future__ import annotations

from collections.abc import Container
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from sim.network.graph.slab import SlabArrays
from sim.platform.acts.log import ActLog
from sim.platform.posts.posts import Posts
from sim.spread.cascade.contacts import AgentReader

REPUTATION = "reputation"
"""Name of the column in ``platform.held`` with the latest reputation."""

ENDS = ("viewer", "author", "source")
"""Members whose columns a feed row has: the viewer, the author, the source that shared it."""


class Acquainted(Protocol):
    """What recommenders of friends may read; provided by platforms, and by worlds without one."""

    @property
    def tick(self) -> int:
        """The world's tick."""
        ...

    @property
    def seed(self) -> int:
        """The world's seed."""
        ...

    @property
    def agents(self) -> int:
        """Number of agents."""
        ...

    @property
    def people(self) -> AgentReader:
        """Columns of agents."""
        ...

    @property
    def hearing(self) -> SlabArrays:
        """Sources that each agent hears."""
        ...

    @property
    def heard_by(self) -> SlabArrays:
        """Listeners of each agent: row v lists the members that hear v."""
        ...

    @property
    def fans(self) -> npt.NDArray[np.uint32]:
        """Number of listeners of each agent, uint32 (n,)."""
        ...


class PlatformView(Acquainted, Protocol):
    """The platform, as plugins read it; its arrays must not be modified.

    A recommender may store its own columns in ``held``: arrays by name, saved with the world.
    Prefix the names with the recommender's name.
    """

    posts: Posts
    log: ActLog
    held: dict[str, npt.NDArray[Any]]

    @property
    def tick_minutes(self) -> float:
        """Simulated minutes in a tick."""
        ...

    @property
    def online(self) -> npt.NDArray[np.uint32]:
        """Members online in this tick, ascending."""
        ...

    @property
    def reputation(self) -> npt.NDArray[np.float32]:
        """Reputation of each agent, float32 (n,) with mean 1."""
        ...

    @property
    def effective_personality(self) -> npt.NDArray[np.uint8]:
        """Personality adjusted by mood, uint8 (n, 5) in 1/255; unadjusted without moods."""
        ...

    @property
    def standing(self) -> npt.NDArray[np.uint8]:
        """254 r / (1 + r) of each agent's reputation r, uint8 (n,); empty: 1 for all."""
        ...

    @property
    def trending(self) -> npt.NDArray[np.uint32]:
        """Numbers of the messages most liked and shared recently, the highest first."""
        ...


class DerivedColumns:
    """Read-only columns, created on first access."""

    _made: dict[str, npt.NDArray[Any]]

    def __getattr__(self, name: str) -> npt.NDArray[Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._made:
            column = self._make(name)
            column.flags.writeable = False
            self._made[name] = column
        return self._made[name]

    def _make(self, name: str) -> npt.NDArray[Any]:
        raise NotImplementedError


def of_end(
    rows: Any, around: Acquainted, name: str, ends: Container[str] = ENDS
) -> npt.NDArray[Any] | None:
    """Return a column of agents for one end of each row; None if the name has another form."""
    end, _, column = name.partition("_")
    if end not in ends or not column:
        return None
    found: npt.NDArray[Any] = around.people.column(column)[getattr(rows, end)]
    return found.astype(np.float32) if found.dtype == np.float64 else found
