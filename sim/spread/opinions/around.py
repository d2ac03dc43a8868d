""":class:`Around`: the read-only view of the world that an opinion model gets."""

from __future__ import annotations

from typing import Any, Protocol

import numpy.typing as npt

from sim.arrays import F64
from sim.spread.cascade.contacts import AgentReader

Span = tuple[float, float]


class Topics(Protocol):
    """Opinions that messages share, by topic."""

    def __contains__(self, topic: object) -> bool: ...
    def __getitem__(self, topic: str) -> F64: ...

    def span(self, topic: str) -> Span:
        """Return the range of opinions on a topic."""
        ...

    def hold(self, topic: str, values: npt.ArrayLike, *, span: Span = ...) -> None:
        """Let agents hold opinions, float64 (agents,)."""
        ...

    def write(self, topic: str, values: F64) -> None:
        """Replace opinions by an array that is handed over."""
        ...


class Around(Protocol):
    """The world, as a model may look at it; what it reads is not to be written into."""

    @property
    def opinions(self) -> Topics:
        """What agents think, by topic."""
        ...

    @property
    def ties(self) -> Any:
        """Who could hear whom."""
        ...

    def people(self) -> AgentReader:
        """Return the columns of agents."""
        ...
