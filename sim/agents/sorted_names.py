""":class:`NameSnapshot`: agents' names and ids in alphabetical order, sorted in another thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from sim.agents.cold_records import ColdRecords
from sim.agents.names import made_up_ranks, name_of
from sim.agents.texts import Texts

__all__ = ["NameSnapshot", "text_ranks"]

Ranks = npt.NDArray[np.uint32]

WORDS = 3
"""Texts are told apart by their first 8 bytes times this."""


class NameSnapshot:
    """What agents are called, as it was when it was taken; nothing here changes any more.

    Parameters
    ----------
    seed, count
        Of the population.
    ids
        Foreign ids: None, int64 (count,) or texts.
    names
        Imported names, of the first agents; None without any.
    cold
        Names that were told of some.

    Examples
    --------
    >>> from sim import World
    >>> agents = World.create(agents=30, mean_degree=4, seed=7).agents
    >>> order = agents.naming().names().argsort()
    >>> [agents.name(i) for i in order[:3]]
    ['Aaliyah Jones', 'Aubrey Ramirez', 'Ayden Watson']
    """

    def __init__(
        self,
        seed: int,
        count: int,
        ids: npt.NDArray[np.int64] | Texts | None,
        names: Texts | None,
        cold: ColdRecords,
    ) -> None:
        self._seed, self._count, self._ids, self._names, self._cold = seed, count, ids, names, cold

    def ids(self) -> npt.NDArray[np.int64] | Ranks:
        """Return what agents are sorted by for their ids to be in order, (count,)."""
        if self._ids is None:
            return np.arange(self._count, dtype=np.uint32)
        return text_ranks(self._ids) if isinstance(self._ids, Texts) else self._ids

    def names(self) -> Ranks:
        """Return what agents are sorted by for their names to be in order, uint32 (count,)."""
        if self._names is None and not len(self._cold):
            return made_up_ranks(self._seed, self._count)
        return text_ranks(self._told())

    def _told(self) -> Iterator[str]:
        known = 0 if self._names is None else len(self._names)
        own = set(self._cold.agents().tolist())
        for at in range(self._count):
            told = self._cold.text(at, "name") if at in own else ""
            imported = self._names[at] if self._names is not None and at < known else ""
            yield told or imported or name_of(self._seed, at)


def text_ranks(texts: Iterable[str]) -> Ranks:
    """Return the places of texts in alphabetical order, uint32 (n,), capitals like small letters.

    Those that agree in their first 24 bytes stay as they are.
    """
    room = 8 * WORDS
    raw = b"".join(text.casefold().encode("utf-8", "replace")[:room].ljust(room) for text in texts)
    words = np.frombuffer(raw, ">u8").reshape(-1, WORDS).astype(np.uint64)
    order = np.lexsort(words.T[::-1])
    ranks = np.empty(len(words), np.uint32)
    ranks[order] = np.arange(len(words), dtype=np.uint32)
    return ranks
