"""Fast path for single-contact rules: every speaker calls one random neighbour a tick."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.arrays import Array, Ids
from sim.core.rng import Stream
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, Draws
from sim.spread.compartments import single_contact_kernels as kernels
from sim.spread.compartments.rules import RuleTable

_MANY = 128
"""So many times fewer speakers than agents are worth a state for each agent."""

_PART = 8
"""There is room for twice this part of the agents from the start, before it is written to."""


class SingleContactSpeakers:
    """Who is live, in no order, with their rows and states beside them.

    Attributes
    ----------
    beside
        uint32 (room,) each: who is live, and the start and length of its row.
    codes
        uint8 (room,): its state.
    wide, into
        Three of uint64 (room,) and one of uint8 to work in.
    """

    def __init__(
        self, contacts: Contacts, state: npt.NDArray[np.uint8], live: Ids, count: int
    ) -> None:
        self.contacts = contacts
        self.count = 0
        self.beside = _columns(0, np.uint32)
        self.codes: npt.NDArray[np.uint8] = np.empty(0, np.uint8)
        self.make_room(max(count, contacts.agents // _PART))
        who, start, length = self.beside
        who[:count] = live[:count]
        self.count = count
        kernels.rows_of(contacts.rows, state, live, count, start, length, self.codes)

    def make_room(self, more: int) -> None:
        """Make room for so many more, and one."""
        if self.count + more < self.codes.size:
            return
        room = min(2 * (self.count + more), self.contacts.agents) + 1
        beside, codes = _columns(room, np.uint32), np.empty(room, np.uint8)
        for larger, column in zip((*beside, codes), (*self.beside, self.codes), strict=True):
            larger[: self.count] = column[: self.count]
        self.beside, self.codes = beside, codes
        self.into, self.wide = np.empty(room, np.uint8), _columns(room, np.uint64)


def _columns(room: int, dtype: npt.DTypeLike) -> tuple[Array, Array, Array]:
    """Return three columns, each by itself: of what is never written to no memory is taken."""
    return np.empty(room, dtype), np.empty(room, dtype), np.empty(room, dtype)


def let_call(
    cascade: Cascade, contacts: Contacts, draws: Draws, table: RuleTable, live: Ids, count: int
) -> SingleContactSpeakers | None:
    """Step a cascade whose table ``calls_alone``; returns who is live, None where nothing was done.

    That is so where too few are: their states are a table.
    """
    state, known = cascade.held["state"], cascade.memo[3:]
    if count * _MANY >= cascade.agents:
        state.make_dense()
    if not state.is_dense:
        return None
    fits = known and known[0].contacts is contacts and not cascade.absent.size
    fits = fits and known[0].count == count  # else some of them were away
    callers: SingleContactSpeakers = (
        known[0] if fits else SingleContactSpeakers(contacts, state.values, live, count)
    )
    who, claim, spare = callers.wide
    speaks, start, length = callers.beside
    touched, sources = contacts.scratch.touched, contacts.scratch.sources
    callers.count, claims, turned, seen = kernels.call_once(
        speaks, start, length, callers.codes, count, contacts.targets, draws.key(Stream.CONTACTS),
        state.values, cascade.absent, table.contacts,
        kernels.CallsMade(who, claim, touched, callers.into),
    )  # fmt: skip
    cascade.contacts_seen += seen
    kernels.turn(touched, callers.into, turned, state.values, cascade.tally)
    many = kernels.winners(who, claim, claims, spare, touched)
    callers.make_room(many)
    speaks, start, length = callers.beside
    callers.count, fresh = kernels.answer(
        touched, who, many, state.values, table.mode, table.adopting, cascade.tally, sources,
        contacts.rows, speaks, start, length, callers.codes, callers.count,
    )  # fmt: skip
    cascade.enter(touched[:fresh], sources[:fresh])
    return callers
