""":class:`RivalVoices`: weights heard from rival messages, and one source sampled as the winner."""

from __future__ import annotations

import numpy as np

from sim.arrays import U64, Array, Ids
from sim.core.rng import Stream
from sim.jit.claims import count_ties
from sim.jit.order import sort_ids
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, Draws
from sim.spread.cascade.model import SLICE
from sim.spread.cascade.sparse_column import SparseColumn
from sim.spread.rivals import sums_kernels as kernels

_MANY = 16
"""Once so many times fewer contacts than agents were seen, everybody looks ahead."""


class RivalVoices:
    """One tick of the sums and voices of a contest.

    They are columns of its oldest message: ``sum`` and ``said``, for a few agents or where ties
    weigh their trust, or ``ahead`` and ``heard`` (:mod:`sim.spread.rivals.sums_kernels`).
    """

    def __init__(
        self, keeper: Cascade, contacts: Contacts, draws: Draws, closed: U64, *, by_trust: bool
    ) -> None:
        self._held = keeper.held
        self._scratch = contacts.scratch
        self._closed = closed
        self._thresholds = draws.key(Stream.THRESHOLDS), draws.thresholds
        self._by_trust = by_trust
        self._whole: Array = contacts.in_trust if by_trust else contacts.degree
        self._touched = 0

    def forget(self) -> None:
        """Begin with silence."""
        for name in ("ahead", "heard"):
            self._held.pop(name, None)
        self._held["sum"] = SparseColumn(self._whole.size, np.int64)
        self._held["said"] = SparseColumn(self._whole.size, np.uint32)

    def look_ahead(self, seen: int) -> None:
        """Let everybody draw whom to keep, once ``seen`` contacts, in all of the contest, are many.

        That number is saved, so a world that was loaded goes on as the one that was saved.
        """
        held, agents = self._held, self._whole.size
        begins = "ahead" not in held
        if begins:
            if seen * _MANY < agents or self._whole.max(initial=0) > kernels.LARGEST:
                return
            held["ahead"], held["heard"] = np.zeros(agents, np.uint16), np.zeros(agents, np.uint64)
            ids, sums = held.pop("sum").items()
            voices = held.pop("said")[ids]
            kernels.resume(
                ids, sums, voices, self._whole, *self._thresholds, held["ahead"], held["heard"]
            )
        if begins or not held["ahead"][-1]:  # of agents that joined the last one drew nothing
            kernels.look_ahead(self._whole, *self._thresholds, held["ahead"], held["heard"])

    def hear(self, contacts: Contacts, key: np.uint64, speakers: Ids, *, deaf: bool) -> None:
        """Add what ``speakers`` say."""
        scratch, held = self._scratch, self._held
        trust = contacts.trust if self._by_trust else contacts.trust[:0]
        sums = None if "ahead" in held else self._columns(contacts, speakers)
        for low in range(0, speakers.size, SLICE):
            high = min(low + SLICE, speakers.size)
            if sums:
                self._touched = kernels.listen(
                    contacts.rows, contacts.targets, trust, speakers, low, high, key, self._closed,
                    sums[0], sums[1], sums[2], sums[3], scratch.touched, self._touched,
                )  # fmt: skip
            else:
                self._touched = kernels.listen_ahead(
                    contacts.rows, contacts.targets, speakers, low, high, key, self._closed, deaf,
                    self._thresholds[0], held["ahead"], held["heard"], scratch.touched,
                    self._touched,
                )  # fmt: skip

    def _columns(self, contacts: Contacts, speakers: Ids) -> tuple[Ids, Array, Ids, Array]:
        """Return sums and voices as kernels take them, with room for what speakers say."""
        total, voice = self._held["sum"], self._held["said"]
        ties = count_ties(contacts.rows, speakers, 0, speakers.size)
        for column in (total, voice):
            column.reserve(min(ties, contacts.agents))
        return total.keys, total.values, voice.keys, voice.values

    def crossed(self, sources: Ids) -> tuple[Ids, Ids]:
        """Return who reaches its threshold, ascending, and their voices.

        ``sources`` uint32 (agents,) is room to work in.
        """
        scratch, count = self._scratch, self._touched
        sort_ids(scratch.touched, count, scratch.sources)  # so that memory is read in its order
        if "heard" in self._held:
            kernels.winners(scratch.touched, count, self._held["heard"], sources)
        else:
            total, voice = self._held["sum"], self._held["said"]
            count = kernels.crossed(
                scratch.touched, count, self._whole, *self._thresholds, total.keys, total.values,
                voice.keys, voice.values, sources,
            )  # fmt: skip
        return scratch.touched[:count].copy(), sources[:count].copy()
