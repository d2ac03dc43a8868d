"""Recall: which of a member's memories come to its mind.

What is kept, and what is forgotten, is said in :mod:`sim.world.minds.memory`. What comes to mind is
chosen by recency, importance and relevance in equal parts, as in Park et al. (2023, Generative
Agents): recency ``0.995 ** hours``, importance in [0, 1], relevance the share of the asked
interests that a memory is about, or of the asked words that stand in it, whichever is more; or how
far its embedding is like that of what is asked, where a server says it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sim.world.minds.memory import MOST, Row, kept, recency

__all__ = ["Memory", "MemoryItem"]

_WORD = re.compile(r"\w{4,}")


@dataclass(frozen=True, slots=True)
class MemoryItem:
    """One memory.

    Attributes
    ----------
    hour
        Of simulated time.
    text
        At most 200 characters.
    tags
        Interests as a mask of bits.
    importance
        In [0, 1].
    """

    hour: float
    text: str
    tags: int = 0
    importance: float = 0.3


class Memory:
    """One member's memory.

    Parameters
    ----------
    most
        Memories kept, at least 1.
    known
        What is remembered already, oldest first.

    Examples
    --------
    >>> memory = Memory(2)
    >>> for hour, text in enumerate(["a wedding", "a cloud", "a cat"]):
    ...     memory.add(MemoryItem(hour, text, importance=0.9 if hour == 0 else 0.1))
    >>> [one.text for one in memory.recall(now=3, most=2)]
    ['a wedding', 'a cat']
    """

    def __init__(self, most: int = MOST, known: Iterable[MemoryItem] = ()) -> None:
        self._most = max(most, 1)
        self._rows = kept([_row(one) for one in known], self._most)

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, one: MemoryItem) -> None:
        """Remember; over a bound, what weighs least is forgotten."""
        self._rows = kept([*self._rows, _row(one)], self._most)

    def recall(
        self,
        now: float,
        tags: int = 0,
        most: int = 5,
        words: str = "",
        alike: Sequence[float] | None = None,
    ) -> list[MemoryItem]:
        """Return what comes to mind, the strongest first.

        Parameters
        ----------
        now
            Hours of simulated time.
        tags
            What it is about, as a mask; 0: nothing in particular.
        most
            How many.
        words
            What is asked or spoken of; empty: nothing in particular.
        alike
            How far each memory is like what is asked, of embeddings, in their order; it counts
            instead of tags and words. None: nobody can say.
        """
        asked = set(_WORD.findall(words.casefold()))
        near = [_relevance(row, tags, asked) for row in self._rows]
        if alike is not None and len(alike) == len(near):
            near = [min(max(float(one), 0.0), 1.0) for one in alike]
        strength = [
            recency(row[0], now) + row[3] + relevance
            for row, relevance in zip(self._rows, near, strict=True)
        ]
        order = sorted(range(len(self._rows)), key=lambda at: (-strength[at], -at))
        return [MemoryItem(*self._rows[at]) for at in order[:most]]

    def told(self, now: float, alike: Sequence[float] | None = None) -> list[str]:
        """Return the texts of the five that come to mind; see :meth:`recall`."""
        return [one.text for one in self.recall(now, alike=alike)]

    def dump(self) -> list[Row]:
        """Return what :meth:`restore` takes; only lists, numbers and texts."""
        return [list(row) for row in self._rows]

    @classmethod
    def restore(cls, most: int, rows: Iterable[Iterable[Any]]) -> Memory:
        """Return the memory of :meth:`dump`."""
        return cls(most, (MemoryItem(*row) for row in rows))


def _row(one: MemoryItem) -> Row:
    return [one.hour, one.text, one.tags, one.importance]


def _relevance(row: Row, tags: int, asked: set[str]) -> float:
    shared = (row[2] & tags).bit_count() / tags.bit_count() if tags else 0.0
    if not asked:
        return shared
    said = asked.intersection(_WORD.findall(row[1].casefold()))
    return max(shared, len(said) / len(asked))
