""":class:`Identities`: agents' external ids from their data source, mapped to indices and back."""

from __future__ import annotations

import difflib
import operator
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from sim.agents.texts import Texts
from sim.errors import InputError

ForeignIds = npt.NDArray[np.int64] | Sequence[str] | Texts
"""Ids of the world a file came from: integers, or strings."""

_CANDIDATES = 4000  # strings compared when a suggestion is sought: 30 ms


class Identities:
    """The foreign ids of agents 0..n-1, immutable; equal to the index when there are none."""

    def __init__(self, count: int, foreign: npt.NDArray[np.int64] | Texts | None = None) -> None:
        self.count = count
        self.foreign = foreign

    @classmethod
    def of(cls, count: int, ids: ForeignIds | None) -> Identities:
        """Return ids as a person passes them, checked: ``count`` of them, all different."""
        identities = cls(count, _packed(ids))
        if identities.foreign is not None:
            if len(identities.foreign) != count:
                raise InputError(f"{count} agents need {count} ids, got {len(identities.foreign)}.")
            identities.check_unique()
        return identities

    def __getitem__(self, index: int) -> int | str:
        if self.foreign is None:
            return index
        return self.foreign[index] if isinstance(self.foreign, Texts) else int(self.foreign[index])

    @property
    def nbytes(self) -> int:
        """Bytes of the ids, and of the lookup once it was built."""
        own = 0 if self.foreign is None else self.foreign.nbytes
        lookup: tuple[npt.NDArray[Any], ...] = self.__dict__.get("_lookup", ())
        return own + sum(part.nbytes for part in lookup)

    def index(self, foreign: SupportsIndex | str) -> int:
        """Return the agent of a foreign id; a number may come as digits."""
        if isinstance(self.foreign, Texts):
            return self._index_of_text(str(foreign))
        return self._index_of_number(_number(foreign))

    def extended(self, more: int, ids: ForeignIds | None = None) -> Identities:
        """Return these and ``more`` new ones: given, or made up so that none is taken."""
        count = self.count + more
        if self.foreign is None:
            if ids is not None:
                raise InputError("Agents of this world are called by their index; leave out ids.")
            return Identities(count)
        fresh = self._made_up(more) if ids is None else ids
        if isinstance(self.foreign, Texts):
            return Identities.of(count, self.foreign + _texts(fresh))
        if isinstance(fresh, Texts) or not _are_integers(fresh):
            raise InputError("The ids of this world are integers; the new ones must be too.")
        added = np.asarray(fresh, np.int64)
        return Identities.of(count, np.concatenate([self.foreign, added]))

    def check_unique(self) -> None:
        """Raise InputError when two agents share an id."""
        keys, order = self._lookup
        seen: dict[int | str, int] = {}
        before = -1
        for at in np.flatnonzero(keys[1:] == keys[:-1]).tolist():
            if at != before + 1:  # another run of equal hashes
                seen = {}
            before = at
            for agent in order[at : at + 2].tolist():
                if seen.setdefault(self[agent], agent) != agent:
                    twins = f"{seen[self[agent]]} and {agent}"
                    raise InputError(f"Agents {twins} share the id {self[agent]!r}.")

    @cached_property
    def _lookup(
        self,
    ) -> tuple[npt.NDArray[np.int64] | npt.NDArray[np.uint64], npt.NDArray[np.uint32]]:
        """Sorted integers or hashes, and whose they are."""
        if self.foreign is None:
            raise InputError("Agents without foreign ids need no lookup.")
        keys = self.foreign.hashes() if isinstance(self.foreign, Texts) else self.foreign
        order = np.argsort(keys, kind="stable").astype(np.uint32)
        return keys[order], order

    def _index_of_number(self, number: int) -> int:
        if self.foreign is None:
            if 0 <= number < self.count:
                return number
            raise InputError(f"No agent {number}: agents are 0 to {self.count - 1}.")
        keys, order = self._lookup
        at = int(np.searchsorted(keys, number)) if abs(number) < 1 << 63 else 0
        if at < len(keys) and int(keys[at]) == number:
            return int(order[at])
        near = min(keys[max(at - 1, 0) : at + 1].tolist(), key=lambda one: abs(one - number))
        raise InputError(
            f"No agent has the id {number}: ids lie between {keys[0]} and {keys[-1]}, "
            f"the nearest is {near}."
        )

    def _index_of_text(self, text: str) -> int:
        keys, order = self._lookup
        mark = Texts.of([text]).hashes()[0]
        for at in range(int(np.searchsorted(keys, mark)), len(keys)):
            if keys[at] != mark:
                break
            if self[int(order[at])] == text:
                return int(order[at])
        near = difflib.get_close_matches(text, self._alike(text), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"the first one is {self[0]!r}."
        raise InputError(f"No agent has the id {text!r}; {hint}")

    def _alike(self, text: str) -> list[str]:
        """Ids of nearly the same length that begin or end alike, at most some thousands."""
        texts, raw = self.foreign, text.encode("utf-8", "replace")
        if not isinstance(texts, Texts) or not raw:
            return []
        lengths = np.diff(texts.offsets)
        rows = np.flatnonzero((lengths > 0) & (np.abs(lengths - len(raw)) <= 2))
        first = texts.blob[texts.offsets[rows]] == raw[0]
        last = texts.blob[texts.offsets[rows + 1] - 1] == raw[-1]
        return [texts[row] for row in rows[first | last][:_CANDIDATES].tolist()]

    def _made_up(self, more: int) -> npt.NDArray[np.int64] | list[str]:
        if not isinstance(self.foreign, Texts):
            keys, _ = self._lookup
            return np.arange(1, more + 1, dtype=np.int64) + int(keys[-1])
        names = [f"agent-{self.count + one}" for one in range(more)]
        taken = set(self.foreign)
        while any(name in taken for name in names):
            names = [f"new-{name}" for name in names]
        return names


def _packed(ids: ForeignIds | None) -> npt.NDArray[np.int64] | Texts | None:
    if ids is None or isinstance(ids, Texts):
        return ids
    if not _are_integers(ids):
        return _texts(ids)
    array = np.array(ids, np.int64)
    array.flags.writeable = False
    return array


def _are_integers(ids: npt.NDArray[np.int64] | Sequence[str]) -> bool:
    return isinstance(ids, np.ndarray) and ids.dtype.kind in "iu"


def _texts(ids: Iterable[object]) -> Texts:
    return ids if isinstance(ids, Texts) else Texts.of(str(one) for one in ids)


def _number(foreign: SupportsIndex | str) -> int:
    if not isinstance(foreign, str):
        return operator.index(foreign)
    try:
        return int(foreign)
    except ValueError:
        raise InputError(f"Agents of this world have numbers for ids, got {foreign!r}.") from None
