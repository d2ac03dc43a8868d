"""The view of the world that recommenders and policies have."""

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
"""The name under which a platform holds the reputation that was weighed last."""

ENDS = ("viewer", "author", "source")
"""Whose columns a row of a feed has: who looks, who wrote it, who shared it."""


class Acquainted(Protocol):
    """What recommenders of friends may see: a platform has it, and a bare world can show it."""

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
        """How many agents there are."""
        ...

    @property
    def people(self) -> AgentReader:
        """Columns of agents."""
        ...

    @property
    def hearing(self) -> SlabArrays:
        """Whom each agent hears."""
        ...

    @property
    def heard_by(self) -> SlabArrays:
        """Who hears each agent: row v lists the members that hear v."""
        ...

    @property
    def fans(self) -> npt.NDArray[np.uint32]:
        """How many hear each agent, uint32 (n,)."""
        ...


class PlatformView(Acquainted, Protocol):
    """The platform, as plugins read it; it must not be written through.

    A recommender's own columns may be kept in ``held``: arrays by name, saved with the world. Begin
    names with the recommender's.
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
        """Who is online this tick, rising."""
        ...

    @property
    def reputation(self) -> npt.NDArray[np.float32]:
        """What each agent's word counts for, float32 (n,) with mean 1."""
        ...

    @property
    def effective_personality(self) -> npt.NDArray[np.uint8]:
        """Personality as moods bend it, uint8 (n, 5) in 1/255; as it is where there are none."""
        ...

    @property
    def standing(self) -> npt.NDArray[np.uint8]:
        """254 r / (1 + r) of each agent's reputation r, uint8 (n,); or empty: all as 1."""
        ...

    @property
    def trending(self) -> npt.NDArray[np.uint32]:
        """Message numbers that many lately liked or shared, the most first."""
        ...


class DerivedColumns:
    """Columns that are made when first asked for, read-only."""

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
    """Return a column of agents for one end of each row, None for a name of another form."""
    end, _, column = name.partition("_")
    if end not in ends or not column:
        return None
    found: npt.NDArray[Any] = around.people.column(column)[getattr(rows, end)]
    return found.astype(np.float32) if found.dtype == np.float64 else found
