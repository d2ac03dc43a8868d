"""Opinions of agents about topics: columns that several messages share, saved with the world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arrays import F64
from sim.core.text import clean
from sim.errors import InputError, UnknownNameError

Span = tuple[float, float]


class Opinions(Mapping[str, F64]):
    """Opinions of all agents by topic; the arrays it returns are read-only.

    Examples
    --------
    >>> opinions = Opinions(3)
    >>> opinions.hold("bridge", [0.1, 0.5, 0.9], span=(0, 1))
    >>> opinions["bridge"], opinions.span("bridge")
    (array([0.1, 0.5, 0.9]), (0.0, 1.0))
    """

    def __init__(self, agents: int) -> None:
        self.agents = agents
        self._held: dict[str, F64] = {}
        self._spans: dict[str, Span] = {}

    def __getitem__(self, topic: str) -> F64:
        if topic not in self._held:
            raise UnknownNameError("topic", topic, tuple(self._held))
        view = self._held[topic].view()
        view.flags.writeable = False
        return view

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, topic: object) -> bool:
        return topic in self._held

    def span(self, topic: str) -> Span:
        """Return the range of opinions on a topic."""
        if topic not in self._spans:
            raise UnknownNameError("topic", topic, tuple(self._held))
        return self._spans[topic]

    def hold(self, topic: str, values: npt.ArrayLike, *, span: Span = (-1.0, 1.0)) -> None:
        """Set the opinions of all agents on a topic."""
        column = np.array(values, np.float64)
        low, high = self._spans.get(topic, (float(span[0]), float(span[1])))
        if not topic or topic != clean(topic, 64).strip():
            raise InputError(f"A topic is a name of 1 to 64 printable characters, got {topic!r}.")
        if column.shape != (self.agents,):
            raise InputError(
                f"Opinions on {topic!r} are one number an agent, shape ({self.agents:,},); "
                f"got {column.shape}."
            )
        if not low < high:
            raise InputError(f"A range of opinions has low < high, got {low:g} and {high:g}.")
        if ((column < low) | (column > high)).any():
            raise InputError(f"Opinions on {topic!r} lie in [{low:g}, {high:g}].")
        self._held[topic] = column
        self._spans[topic] = (low, high)

    def write(self, topic: str, values: F64) -> None:
        """Replace the opinions on a topic, float64 (agents,); the array is taken, not copied."""
        self._held[topic] = values

    def grow(self, count: int) -> None:
        """Make room for agents that joined; they have no opinion yet (NaN)."""
        self.agents += count
        for topic, column in self._held.items():
            self._held[topic] = np.concatenate([column, np.full(count, np.nan)])

    def copied(self) -> Opinions:
        """Return an independent copy."""
        made = Opinions(self.agents)
        made._held, made._spans = dict(self._held), dict(self._spans)
        return made

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(column.nbytes for column in self._held.values())

    def dump(self) -> tuple[list[dict[str, Any]], dict[str, npt.NDArray[Any]]]:
        """Return (JSON data, a column for each topic by number)."""
        topics = sorted(self._held)
        meta = [{"topic": topic, "span": list(self._spans[topic])} for topic in topics]
        return meta, {str(k): self._held[topic] for k, topic in enumerate(topics)}

    @classmethod
    def restore(
        cls, meta: list[dict[str, Any]], columns: dict[str, npt.NDArray[Any]], agents: int
    ) -> Opinions:
        """Return the opinions of :meth:`dump`."""
        made = cls(agents)
        for number, said in enumerate(meta):
            low, high = said["span"]
            made.hold(said["topic"], columns[str(number)], span=(low, high))
        return made
