""":class:`Sums`: neighbour counts and trust by state, updated incrementally, for ``Heard``."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.jit.claims import count_ties
from sim.jit.sparse import VACANT
from sim.spread.cascade.contacts import Bits, Contacts, Ids
from sim.spread.cascade.model import SLICE
from sim.spread.cascade.sparse_column import SparseColumn
from sim.spread.neighbours import heard_kernels as kernels
from sim.spread.neighbours.heard_dense_kernels import tell_dense

__all__ = ["Sums"]

Codes = npt.NDArray[np.uint8]

_NO_KEYS = np.empty(0, np.uint32)
_NO_VOICE = np.empty(0, np.uint32)
_NO_STATE = np.empty(0, np.uint8)
_LEAST = 256


class Sums:
    """How many of an agent's sources are in each heard state, and how much trust they have.

    A hash table while few agents hear anything, dense beyond. Made from states at any time
    (:meth:`tell` over everybody), hence never saved.

    Parameters
    ----------
    contacts
        Who hears whom; the sums hold as long as this very object does.
    heard
        How many states are listened to.
    by_trust
        Whether trust is added up too.

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
        was: Codes,
        now: int,
        key: np.uint64,
        deaf: Bits,
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
        sparse = self.keys.size or voices[0].size or states[0].size
        rows, targets, bits = contacts.rows, contacts.targets, self.bits
        for low in range(0, speakers.size, SLICE):
            high = min(low + SLICE, speakers.size)
            if not (sparse or trust.size or states[1].size):
                count = tell_dense(
                    rows, targets, speakers, was, now, low, high, bits, key, deaf, self.rows,
                    voices[1], touched, count,
                )  # fmt: skip
                continue
            count = kernels.tell(
                rows, targets, trust, speakers, was, now, low, high, bits, key, deaf, self.keys,
                self.rows, voices[0], voices[1], states[0], states[1], touched, count,
            )  # fmt: skip
        return count

    def fill(self, ids: Ids, numbers: Codes, deaf: Bits) -> None:
        """Begin with agents ``ids`` being in the heard states ``numbers``."""
        spare = np.empty(self.contacts.agents + 1, np.uint32)
        blank = np.full(ids.size, kernels.NONE)
        for number in np.unique(numbers[numbers != kernels.NONE]):
            chosen = np.sort(ids[numbers == number])
            self.tell(chosen, blank, int(number), np.uint64(0), deaf, None, None, spare, 0)
        kernels.forget(self.rows)
