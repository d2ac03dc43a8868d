"""The columns of agents that a model is asked about, and the sums over neighbours behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, U8, U64, Ids
from sim.core.rng import Stream
from sim.errors import UnknownNameError
from sim.jit.claims import count_ties
from sim.jit.sparse import VACANT
from sim.spread.cascade.cascade import Cascade, Message
from sim.spread.cascade.contacts import Contacts, Draws
from sim.spread.cascade.model import SLICE
from sim.spread.cascade.sparse_column import SparseColumn
from sim.spread.exposure.exposures import EndColumns
from sim.spread.neighbours import heard_kernels as kernels
from sim.spread.neighbours import heard_states_kernels as changes


class _ColumnMaker(Protocol):
    """Makes the column of one state, by its number."""

    def __call__(self, which: int) -> F64: ...


class ByState(Mapping[str, F64]):
    """Columns by the name of a heard state, made when first looked at."""

    def __init__(self, names: tuple[str, ...], column: _ColumnMaker) -> None:
        self._names = names
        self._column = column
        self._made: dict[str, F64] = {}

    def __getitem__(self, name: str) -> F64:
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
        codes: U8 | None,
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
    def sources(self) -> F64:
        """How many sources an agent has, at least 1."""
        return np.maximum(self._contacts.degree[self._ids], 1).astype(np.float64)

    @property
    def threshold(self) -> F64:
        """A draw in [0, 1) of each agent, the same in every tick of a cascade."""
        if self._draws.thresholds.size:
            return self._draws.thresholds[self._ids]
        out = np.empty(len(self))
        changes.uniforms(self._draws.key(Stream.THRESHOLDS), self._ids, out)
        return out

    @property
    def age_ticks(self) -> F64:
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

    def _count(self, which: int) -> F64:
        out = np.empty(len(self))
        sums = self._sums
        kernels.count_of(sums.keys, sums.rows, self._ids, which, sums.bits, out)
        return out

    def _share(self, which: int) -> F64:
        out, sums = np.empty(len(self)), self._sums
        degree = self._contacts.degree
        kernels.share_of(sums.keys, sums.rows, self._ids, which, sums.bits, degree, out)
        return out

    def _weight(self, which: int) -> F64:
        sums = self._sums
        if not sums.by_trust:
            return self._share(which)
        out = np.empty(len(self))
        kernels.trust_of(sums.keys, sums.rows, self._ids, which, out)
        shares: F64 = out / np.maximum(self._contacts.in_trust[self._ids], 1)
        return np.minimum(shares, 1.0)


_NO_KEYS = np.empty(0, np.uint32)
_NO_VOICE = np.empty(0, np.uint32)
_NO_STATE = np.empty(0, np.uint8)
_LEAST = 256


class Sums:
    """How many of an agent's sources are in each heard state, and how much trust they have.

    A hash table while few agents hear anything, dense beyond. Made from states at any time
    (:meth:`tell` over everybody), hence never saved.

    Attributes
    ----------
    keys, rows
        As :mod:`sim.spread.neighbours.heard_kernels` takes them.
    bits
        Bits of one counter.
    """

    __slots__ = ("_taken", "bits", "by_trust", "contacts", "keys", "rows")

    def __init__(self, contacts: Contacts, heard: int, *, by_trust: bool) -> None:
        self.contacts = contacts
        self.by_trust = by_trust and contacts.trust.size > 0
        self.bits = kernels.BITS // heard
        self.keys = _NO_KEYS
        self.rows = np.empty((0, 1 + heard * self.by_trust), np.uint64)
        self._taken = 0
        self._resize(_LEAST)

    def reserve(self, more: int) -> None:
        """Make sure that ``more`` further agents can hear something."""
        if self.keys.size == 0:
            return
        self._taken += more
        if 2 * self._taken <= self.keys.size:
            return
        self._taken = int(np.count_nonzero(self.keys != VACANT)) + more
        if 2 * self._taken > self.keys.size:
            self._resize(1 << (4 * self._taken - 1).bit_length())

    def _resize(self, slots: int) -> None:
        """Move to a table of so many places, or to a row for each agent where that is smaller."""
        width, agents = self.rows.shape[1], self.contacts.agents
        keys, size = _NO_KEYS, agents
        if slots * (4 + 8 * width) < agents * 8 * width:
            keys, size = np.full(slots, VACANT), slots
        rows = np.zeros((size, width), np.uint64)
        kernels.rehash_rows(self.keys, self.rows, keys, rows)
        self.keys, self.rows = keys, rows

    def tell(
        self,
        speakers: Ids,
        was: U8,
        now: int,
        key: np.uint64,
        deaf: U64,
        voice: SparseColumn | None,
        state: SparseColumn | None,
        touched: Ids,
        count: int,
    ) -> int:
        """Let ``speakers`` enter the heard state ``now``; returns how many are touched.

        As :func:`sim.spread.neighbours.heard_kernels.tell`; ``voice`` is the state's column of
        voices, if any, and
        ``state`` that of states, where voices of those that ever adopted need not be kept.
        """
        contacts = self.contacts
        trust = contacts.trust if self.by_trust else contacts.trust[:0]
        if self.keys.size or (voice is not None and voice.keys.size):
            room = min(count_ties(contacts.rows, speakers, 0, speakers.size), contacts.agents)
            self.reserve(room)
            if voice is not None:
                voice.reserve(room)
        voices = (_NO_KEYS, _NO_VOICE) if voice is None else (voice.keys, voice.values)
        states = (_NO_KEYS, _NO_STATE) if state is None else (state.keys, state.values)
        rows, targets, bits = contacts.rows, contacts.targets, self.bits
        told = kernels.ToldColumns(self.keys, self.rows, *voices, *states)
        for low in range(0, speakers.size, SLICE):
            high = min(low + SLICE, speakers.size)
            count = kernels.tell(
                rows, targets, trust, speakers, was, now, low, high, bits, key, deaf, told, touched,
                count,
            )  # fmt: skip
        return count

    def fill(self, ids: Ids, numbers: U8, deaf: U64) -> None:
        """Begin with agents ``ids`` being in the heard states ``numbers``."""
        spare = np.empty(self.contacts.agents + 1, np.uint32)
        blank = np.full(ids.size, kernels.NONE)
        for number in np.unique(numbers[numbers != kernels.NONE]):
            chosen = np.sort(ids[numbers == number])
            self.tell(chosen, blank, int(number), np.uint64(0), deaf, None, None, spare, 0)
        kernels.forget(self.rows)
