"""What a minded member remembers: bounded, and the least worth keeping is forgotten first.

What comes to mind is chosen by recency, importance and relevance in equal parts, as in Park et al.
(2023, Generative Agents): recency ``0.995 ** hours``, importance in [0, 1], relevance the share of
the asked interests that a memory is about.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sim.core.text import clean, clip

__all__ = ["Memory", "Remembered"]

_PER_HOUR = 0.995
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Remembered:
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
    kept
        What is remembered already, oldest first.

    Examples
    --------
    >>> memory = Memory(2)
    >>> for hour, text in enumerate(["a wedding", "a cloud", "a cat"]):
    ...     memory.add(Remembered(hour, text, importance=0.9 if hour == 0 else 0.1))
    >>> [one.text for one in memory.recall(now=3, most=2)]
    ['a wedding', 'a cat']
    """

    def __init__(self, most: int = 64, kept: Iterable[Remembered] = ()) -> None:
        self._most = max(most, 1)
        self._kept: list[Remembered] = []
        for one in kept:
            self.add(one)

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, one: Remembered) -> None:
        """Remember; over the bound, what weighs least by recency and importance is forgotten."""
        text = clip(clean(one.text).replace("\n", " "), _LONGEST)
        self._kept.append(Remembered(one.hour, text, one.tags, one.importance))
        if len(self._kept) > self._most:
            now = max(kept.hour for kept in self._kept)
            weights = [_weight(kept, now) for kept in self._kept]
            del self._kept[weights.index(min(weights))]

    def recall(self, now: float, tags: int = 0, most: int = 5) -> list[Remembered]:
        """Return what comes to mind, the strongest first.

        Parameters
        ----------
        now
            Hours of simulated time.
        tags
            What it is about, as a mask; 0: nothing in particular.
        most
            How many.
        """
        strength = [_weight(one, now) + _relevance(one, tags) for one in self._kept]
        order = sorted(range(len(self._kept)), key=lambda at: (-strength[at], -at))
        return [self._kept[at] for at in order[:most]]

    def dump(self) -> list[list[Any]]:
        """Return what :meth:`restore` takes; only lists, numbers and texts."""
        return [[one.hour, one.text, one.tags, one.importance] for one in self._kept]

    @classmethod
    def restore(cls, most: int, rows: Iterable[Iterable[Any]]) -> Memory:
        """Return the memory of :meth:`dump`."""
        return cls(most, (Remembered(*row) for row in rows))


def _weight(one: Remembered, now: float) -> float:
    return float(_PER_HOUR ** max(now - one.hour, 0.0) + one.importance)


def _relevance(one: Remembered, tags: int) -> float:
    return (one.tags & tags).bit_count() / tags.bit_count() if tags else 0.0
