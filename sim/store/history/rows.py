"""The rows of a history: packs of adoptions, and what is told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = [
    "Adopters",
    "AdoptionColumns",
    "AdoptionPack",
    "HistoryEvent",
    "HistorySeries",
    "Kind",
    "MessageFacts",
    "TickCounts",
]

Kind = str
"""``wrote``, ``began``, ``adopted``, ``convinced``, or an act of the platform: ``like`` ..."""
Ids = npt.NDArray[np.uint32]
Ticks = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """What is known of a message.

    Attributes
    ----------
    id, text, model
        Its number, text, and the name of its model; empty where nothing tells.
    author
        Index of who wrote it, -1: nobody.
    created
        The tick at which it was made.
    contacts
        How often somebody was exposed to it, as far as it was counted.
    """

    id: int
    text: str = ""
    model: str = ""
    author: int = -1
    created: int = 0
    contacts: int = 0


class HistoryEvent(NamedTuple):
    """Something that an agent did, or that was done to it.

    ``kind`` is ``"wrote"`` a message, ``"began"`` with it (a seed, or nobody convinced it),
    ``"adopted"`` it from ``other``, or ``"convinced"`` ``other`` of it; ``other`` is -1 for nobody.
    Or it is an act on the platform by its name (:class:`~sim.platform.acts.kinds.Act`): then
    ``message`` is
    -1, and ``post`` the number of the message there that it is about or posted, -1 for none.
    """

    tick: int
    message: int
    kind: Kind
    agent: int
    other: int
    post: int = -1


class Adopters(NamedTuple):
    """Who adopted a message, in order: uint32 indices, int32 ticks, int64 sources (-1: nobody)."""

    agents: Ids
    ticks: Ticks
    sources: Longs


class TickCounts(NamedTuple):
    """Counts of a whole world at a tick, as a journal has them: contacts so far, and messages."""

    tick: int
    contacts: int
    running: int
    queued: int


@dataclass(frozen=True, slots=True, eq=False)
class HistorySeries:
    """Numbers over time, one each tick or each stretch of ticks.

    Attributes
    ----------
    ticks
        int64: the last tick of each stretch.
    new, adopted
        int64: adoptions in it, and all up to its end.
    r
        float64: adoptions caused, at any time, by those who adopted in it, per adoption, first and
        later ones; NaN where nobody did, and while any of them may still cause more.
    contacts
        float64: exposures a tick, averaged over the entries of the journal; NaN where unknown.
    running
        float64: messages under way; NaN where unknown.
    """

    ticks: Longs
    new: Longs
    adopted: Longs
    r: Floats
    contacts: Floats
    running: Floats


class AdoptionPack(NamedTuple):
    """Adoptions of one message, in order."""

    message: int
    agents: Ids
    ticks: Ticks
    sources: Ids

    def first(self, count: int) -> AdoptionPack:
        """Return the first ``count`` of it."""
        return AdoptionPack(
            self.message, self.agents[:count], self.ticks[:count], self.sources[:count]
        )


@dataclass(slots=True, eq=False)
class AdoptionColumns:
    """Adoptions of all messages in three columns, each message's one behind the other.

    Parameters
    ----------
    messages, starts
        Their numbers, and where each begins; with one more start where the last one ends.
    agents, ticks, sources
        The columns.
    """

    messages: list[int]
    starts: Longs
    agents: Ids
    ticks: Ticks
    sources: Ids

    @classmethod
    def of(cls, packs: Sequence[AdoptionPack]) -> AdoptionColumns:
        """Copy packs into columns."""
        made = cls.room({pack.message: pack.agents.size for pack in packs})
        for pack, start, stop in zip(packs, made.starts, made.starts[1:], strict=False):
            made.agents[start:stop] = pack.agents
            made.ticks[start:stop] = pack.ticks
            made.sources[start:stop] = pack.sources
        return made

    @classmethod
    def room(cls, sizes: Mapping[int, int]) -> AdoptionColumns:
        """Return columns with room for so many adoptions of each message."""
        starts = np.cumsum([0, *sizes.values()], dtype=np.int64)
        size = int(starts[-1])
        agents, sources = np.empty(size, np.uint32), np.empty(size, np.uint32)
        return cls(list(sizes), starts, agents, np.empty(size, np.int32), sources)

    def packs(self) -> list[AdoptionPack]:
        """Return each message's part of the columns."""
        ends = zip(self.messages, self.starts.tolist(), self.starts[1:].tolist(), strict=False)
        return [
            AdoptionPack(message, self.agents[a:b], self.ticks[a:b], self.sources[a:b])
            for message, a, b in ends
        ]
