"""Names of people: generated on demand from the seed, or all of them in alphabetical order.

The lists are 395 first and 200 last names of the US Census (dariusk/corpora, CC0-1.0).
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from sim.agents.records import ColdRecords
from sim.agents.table import Texts
from sim.arrays import U32
from sim.core.rng import Stream, key, words
from sim.jit.mix import word

_HALF = (1 << 32) - 1


def name_of(seed: int, index: int) -> str:
    """Return the generated name of an agent, "First Last"; there are 79,000 different ones."""
    first, last = _lists()
    with np.errstate(over="ignore"):
        bits = int(word(_key(seed), index))
    return f"{first[(bits >> 32) * len(first) >> 32]} {last[(bits & _HALF) * len(last) >> 32]}"


def anonymous(own: int | str) -> str:
    """Return what an agent without a name is called where none is invented: "member 12"."""
    return own if isinstance(own, str) else f"member {own}"


def made_up_ranks(seed: int, count: int) -> npt.NDArray[np.uint32]:
    """Return the alphabetical ranks of the generated names of all agents, uint32 (count,).

    Equal for equal names.
    """
    first, last = (np.argsort(np.argsort(each)).astype(np.uint32) for each in _lists())
    high, low = _places(seed, count)
    ranks: npt.NDArray[np.uint32] = first[high] * np.uint32(last.size)
    return ranks + last[low]


def _places(seed: int, count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the places of all agents' first and last names in the lists."""
    (first, last), bits = _lists(), words(_key(seed), np.arange(count))
    high = (bits >> np.uint64(32)) * np.uint64(len(first)) >> np.uint64(32)
    low = (bits & np.uint64(_HALF)) * np.uint64(len(last)) >> np.uint64(32)
    return high.astype(np.int64), low.astype(np.int64)


_PREFIXES = (
    "North", "South", "East", "West", "Upper", "Lower", "Old", "New", "Little", "Great", "Far",
    "Near", "High", "Long", "Inner", "Outer", "Middle", "Cross", "Broad", "Green", "Grey", "White",
    "Black", "Red",
)  # fmt: skip


def is_unnamed(label: int, name: str) -> bool:
    """Return whether a community's stored name is only its number: ``group 0``, ..."""
    return name == f"group {label}"


def community_titles(seed: int, stored: Sequence[str]) -> list[str]:
    """Return the names of communities; those without one get a coined one, all different."""
    if not any(is_unnamed(label, name) for label, name in enumerate(stored)):
        return list(stored)
    places = _place_names()
    order = np.argsort(words(_key(seed), np.arange(len(places)) + (1 << 40)), kind="stable")
    taken = {name.casefold() for name in stored}
    titles = list(stored)
    for label, name in enumerate(stored):
        if not is_unnamed(label, name):
            continue
        turn, at = divmod(label, len(places))
        title = places[order[at]]
        if turn:
            again, prefix = divmod(turn - 1, len(_PREFIXES))
            title = f"{_PREFIXES[prefix]} {title}" + (f" {again + 1}" if again else "")
        titles[label] = f"{title} {label}" if title.casefold() in taken else title
    return titles


@lru_cache(maxsize=1)
def _place_names() -> tuple[str, ...]:
    path = files("sim.agents") / "data" / "place_names.json"
    return tuple(json.loads(path.read_text(encoding="utf-8")))


def handle(name: str, index: int) -> str:
    """Return a handle made from a name: letters and digits, dots for gaps, the agent's number."""
    plain = unicodedata.normalize("NFKD", name.lower())
    kept = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return f"@{'.'.join(kept.split()) or 'agent'}{index}"


@lru_cache(maxsize=8)
def _key(seed: int) -> np.uint64:
    return key(seed, Stream.NAMES)


@lru_cache(maxsize=1)
def _lists() -> tuple[tuple[str, ...], tuple[str, ...]]:
    paths = (files("sim.agents") / "data" / f"{which}_names.json" for which in ("first", "last"))
    first, last = (tuple(json.loads(path.read_text(encoding="utf-8"))) for path in paths)
    return first, last


WORDS = 3
"""Texts are compared by this many words of 8 bytes."""


class NameSnapshot:
    """The names and ids of all agents when the snapshot was taken; immutable."""

    def __init__(
        self,
        seed: int,
        count: int,
        ids: npt.NDArray[np.int64] | Texts | None,
        names: Texts | None,
        cold: ColdRecords,
        *,
        is_anonymous: bool = False,
    ) -> None:
        self._seed, self._count, self._ids, self._names, self._cold = seed, count, ids, names, cold
        self._is_anonymous = is_anonymous

    def ids(self) -> npt.NDArray[np.int64] | U32:
        """Return the sort keys that order agents by id, (count,)."""
        if self._ids is None:
            return np.arange(self._count, dtype=np.uint32)
        return text_ranks(self._ids) if isinstance(self._ids, Texts) else self._ids

    def names(self) -> U32:
        """Return the sort keys that order agents by name, uint32 (count,)."""
        if self._names is None and not len(self._cold):
            if self._is_anonymous:
                return np.argsort(np.argsort(self.ids(), kind="stable")).astype(np.uint32)
            return made_up_ranks(self._seed, self._count)
        return text_ranks(self._told())

    def containing(self, parts: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Return which agents' names contain one of several texts, ignoring case: (count,)."""
        wanted = [part.casefold() for part in parts]

        def fits(name: str) -> bool:
            return any(part in name.casefold() for part in wanted)

        if self._names is not None or self._is_anonymous:
            return np.fromiter(map(fits, self._told()), np.bool_, self._count)
        first, last = _lists()
        if any(" " in part for part in wanted):
            known = np.array([[fits(f"{one} {two}") for two in last] for one in first])
        else:
            known = np.logical_or.outer([*map(fits, first)], [*map(fits, last)])
        found: npt.NDArray[np.bool_] = known[_places(self._seed, self._count)]
        for at in self._cold.agents().tolist():
            if given := self._cold.text(at, "name"):
                found[at] = fits(given)
        return found

    def _told(self) -> Iterator[str]:
        known = 0 if self._names is None else len(self._names)
        own = set(self._cold.agents().tolist())
        for at in range(self._count):
            told = self._cold.text(at, "name") if at in own else ""
            imported = self._names[at] if self._names is not None and at < known else ""
            yield told or imported or self._unnamed(at)

    def _unnamed(self, at: int) -> str:
        if not self._is_anonymous:
            return name_of(self._seed, at)
        own = at if self._ids is None else self._ids[at]
        return anonymous(own if isinstance(own, str) else int(own))


def text_ranks(texts: Iterable[str]) -> U32:
    """Return the alphabetical ranks of texts, uint32 (n,), ignoring case.

    Texts that agree in their first 24 bytes keep their order.
    """
    room = 8 * WORDS
    raw = b"".join(text.casefold().encode("utf-8", "replace")[:room].ljust(room) for text in texts)
    words = np.frombuffer(raw, ">u8").reshape(-1, WORDS).astype(np.uint64)
    order = np.lexsort(words.T[::-1])
    ranks = np.empty(len(words), np.uint32)
    ranks[order] = np.arange(len(words), dtype=np.uint32)
    return ranks
