""":class:`Around`: the read-only view of the world that an opinion model gets."""

from __future__ import annotations

from typing import Any, Protocol

import numpy.typing as npt

from sim.arrays import F64
from sim.spread.cascade.contacts import AgentReader

Span = tuple[float, float]


class Topics(Protocol):
    """Opinions that several messages share, by topic."""

    def __contains__(self, topic: object) -> bool: ...
    def __getitem__(self, topic: str) -> F64: ...

    def span(self, topic: str) -> Span:
        """Return the range of opinions on a topic."""
        ...

    def hold(self, topic: str, values: npt.ArrayLike, *, span: Span = ...) -> None:
        """Set the opinions of agents, float64 (agents,)."""
        ...

    def write(self, topic: str, values: F64) -> None:
        """Replace opinions by an array, which is not copied."""
        ...


class Around(Protocol):
    """The world as a model may read it; arrays must not be written to."""

    @property
    def opinions(self) -> Topics:
        """The opinions of agents, by topic."""
        ...

    @property
    def ties(self) -> Any:
        """The network."""
        ...

    def people(self) -> AgentReader:
        """Return the columns of agents."""
        ...
