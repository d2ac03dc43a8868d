"""Rules in which every speaker calls one tie a tick: a shorter way to the same result."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.core.rng import Stream
from sim.kernels import calls as kernels
from sim.kernels.order import sort_ids
from sim.spread.cascade import Cascade
from sim.spread.contacts import Contacts, Draws, Ids
from sim.spread.rules import Table

__all__ = ["Callers", "let_call"]

_MANY = 64
"""So many times fewer speakers than agents are worth a state for each agent."""


class Callers:
    """Who is live, in no order, with their rows beside them.

    Parameters
    ----------
    contacts
        Who hears whom: rows of others are not known.
    live, count
        uint32 buffer, and how many of it are live.
    """

    def __init__(self, contacts: Contacts, live: Ids, count: int) -> None:
        self.contacts = contacts
        self.columns: npt.NDArray[np.uint32] = np.empty((3, count + count // 2 + 1), np.uint32)
        self.columns[0, :count] = live[:count]
        self.count = count
        self.look_up(0)

    def look_up(self, first: int) -> None:
        """Put the rows of the live beside them, from the place ``first`` on."""
        kernels.rows_of(self.contacts.rows, self.columns[0], first, self.count, *self.columns[1:])

    def make_room(self, more: int) -> None:
        """Make room for so many more."""
        if self.count + more > self.columns.shape[1]:
            larger = np.empty((3, self.count + more + self.count // 2), np.uint32)
            larger[:, : self.count] = self.columns[:, : self.count]
            self.columns = larger


def let_call(
    cascade: Cascade, contacts: Contacts, draws: Draws, table: Table, live: Ids, count: int
) -> Callers | None:
    """Step a cascade whose table ``calls_alone``; returns who is live, None where nothing was done.

    That is so where too few are: their states are a table.
    """
    state, scratch, known = cascade.held["state"], contacts.scratch, cascade.memo[3:]
    if count * _MANY >= cascade.agents:
        state.make_dense()
    if not state.is_dense:
        return None
    fits = known and known[0].contacts is contacts and not cascade.absent.size
    fits = fits and known[0].count == count  # else some of them were away
    callers: Callers = known[0] if fits else Callers(contacts, live, count)
    who, start, length = callers.columns
    turning, into = scratch.sources, np.empty(count + 1, np.uint8)
    touched, turned, seen = kernels.call_once(
        start, length, contacts.targets, who, count,
        draws.key(Stream.CONTACTS), state.values, cascade.absent, scratch.claim, scratch.touched,
        table.off, table.cum, table.listener, table.speaker, table.total, table.ceiling,
        len(table.mode), turning, into,
    )  # fmt: skip
    cascade.contacts_seen += seen
    callers.count = kernels.turn(
        who, start, length, count, turning, into, turned, state.values, table.mode, cascade.tally
    )
    sort_ids(scratch.touched, touched, scratch.sources)
    callers.make_room(touched + 1)
    adopted, first = np.empty(touched + 1, np.uint32), callers.count
    callers.count, fresh = kernels.answer(
        scratch.touched, touched, state.values, scratch.claim, table.mode, table.adopting,
        cascade.tally, adopted, scratch.sources, callers.columns[0], first,
    )  # fmt: skip
    callers.look_up(first)
    cascade.enter(adopted[:fresh], scratch.sources[:fresh])
    return callers
