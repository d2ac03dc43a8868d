"""The columns of agents that a model is asked about: one value an agent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt

from sim.core.rng import Stream
from sim.errors import UnknownNameError
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, Draws, Ids
from sim.spread.cascade.messages import Message
from sim.spread.exposure.exposures import EndColumns
from sim.spread.neighbours import heard_kernels as kernels
from sim.spread.neighbours import heard_states_kernels as changes
from sim.spread.neighbours.sums import Sums

__all__ = ["Hearing"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint8]


class _ColumnMaker(Protocol):
    """Makes the column of one state, by its number."""

    def __call__(self, which: int) -> Floats: ...


class ByState(Mapping[str, Floats]):
    """Columns by the name of a heard state, made when first looked at."""

    def __init__(self, names: tuple[str, ...], column: _ColumnMaker) -> None:
        self._names = names
        self._column = column
        self._made: dict[str, Floats] = {}

    def __getitem__(self, name: str) -> Floats:
        if name not in self._names:
            raise UnknownNameError("heard state", name, self._names)
        if name not in self._made:
            self._made[name] = self._column(self._names.index(name))
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Hearing:
    """A chunk of agents that hear at least one source; every attribute is a column.

    Attributes
    ----------
    count, share, weight
        By heard state: ``heard.count["infected"]``. How many of an agent's sources are in it; that,
        over all its sources; and their share of its trust (of a model that says ``by_trust()``;
        else as ``share``). float64.
    lasting
        Whether the same will be seen as long as nobody hears anything new: so until the author
        looks at the time or at a column of the agents.
    """

    def __init__(
        self,
        cascade: Cascade,
        contacts: Contacts,
        draws: Draws,
        sums: Sums,
        ids: Ids,
        heard: tuple[str, ...],
        states: tuple[str, ...],
        codes: Codes | None,
    ) -> None:
        self._cascade = cascade
        self._contacts = contacts
        self._draws = draws
        self._sums = sums
        self._ids = ids
        self._states = states
        self._codes = codes
        self.count = ByState(heard, self._count)
        self.share = ByState(heard, self._share)
        self.weight = ByState(heard, self._weight)
        self.lasting = True

    def __len__(self) -> int:
        return self._ids.size

    @property
    def listener(self) -> EndColumns:
        """Columns of the agents asked, such as ``listener.openness``."""
        self.lasting = False
        return EndColumns(self._contacts.people, self._ids)

    @property
    def message(self) -> Message:
        """The message that is heard."""
        return self._cascade.message

    @property
    def sources(self) -> Floats:
        """How many sources an agent has, at least 1."""
        return np.maximum(self._contacts.degree[self._ids], 1).astype(np.float64)

    @property
    def threshold(self) -> Floats:
        """A draw in [0, 1) of each agent, the same in every tick of a cascade."""
        if self._draws.thresholds.size:
            return self._draws.thresholds[self._ids]
        out = np.empty(len(self))
        changes.uniforms(self._draws.key(Stream.THRESHOLDS), self._ids, out)
        return out

    @property
    def age_ticks(self) -> Floats:
        """Ticks since the cascade started, the same in every row."""
        self.lasting = False
        return np.full(len(self), float(self._draws.tick - self._cascade.started_at))

    def is_in(self, state: str) -> npt.NDArray[np.bool_]:
        """Return who is in a state now: for models in which several states listen."""
        if state not in self._states:
            raise UnknownNameError("state", state, self._states)
        if self._codes is None:  # only the one listening state is asked
            return np.ones(len(self), np.bool_)
        found: npt.NDArray[np.bool_] = self._codes == self._states.index(state)
        return found

    def _count(self, which: int) -> Floats:
        out = np.empty(len(self))
        sums = self._sums
        kernels.count_of(sums.keys, sums.rows, self._ids, which, sums.bits, out)
        return out

    def _share(self, which: int) -> Floats:
        out, sums = np.empty(len(self)), self._sums
        degree = self._contacts.degree
        kernels.share_of(sums.keys, sums.rows, self._ids, which, sums.bits, degree, out)
        return out

    def _weight(self, which: int) -> Floats:
        sums = self._sums
        if not sums.by_trust:
            return self._share(which)
        out = np.empty(len(self))
        kernels.trust_of(sums.keys, sums.rows, self._ids, which, out)
        shares: Floats = out / np.maximum(self._contacts.in_trust[self._ids], 1)
        return np.minimum(shares, 1.0)
