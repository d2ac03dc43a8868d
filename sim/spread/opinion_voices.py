"""What agents hear: the opinions of those they follow, and whom they follow this tick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.kernels import opinions as kernels
from sim.kernels.ties import row_starts, transpose_rows
from sim.spread.contacts import Bits, Contacts, Ids
from sim.spread.model import SLICE

if TYPE_CHECKING:
    from sim.spread.cascade import Cascade

__all__ = ["Turned", "Voices", "turned"]

Floats = npt.NDArray[np.float64]
Signs = npt.NDArray[np.int8]

_NO_SIGNS = np.empty(0, np.int8)
_TOUCH = 1e-12
"""Opinions apart by just the bound are within it, whatever the last bit of their difference."""


@dataclass(frozen=True, eq=False)
class Turned:
    """Contacts turned round: row ``v`` lists whom agent ``v`` hears.

    Attributes
    ----------
    rows, sources
        uint32 (agents, 2), uint32 (contacts,), ascending within a row.
    trust
        uint16 (contacts,) / 65535, or empty: all 1.0.
    signs
        int8 (contacts,), 1 or -1, or empty: no tie has a sign.
    is_mutual
        Whether everybody is heard by those that it hears.
    of
        The contacts that were turned.
    """

    rows: npt.NDArray[np.uint32]
    sources: Ids
    trust: npt.NDArray[np.uint16]
    signs: Signs
    is_mutual: bool
    of: Contacts

    @cached_property
    def hearers(self) -> Ids:
        """Who hears somebody, uint32; empty when all do."""
        lengths = self.rows[:, 1]
        return (
            np.empty(0, np.uint32) if lengths.all() else np.flatnonzero(lengths).astype(np.uint32)
        )


def turned(cascade: Cascade, contacts: Contacts) -> Turned:
    """Return whom each agent hears this tick.

    The whole network is turned once; it shares its arrays with the ties where all are mutual, and
    takes as much memory again where they are not.
    """
    ties = None if cascade.around is None else cascade.around.ties
    if ties is not None and contacts.targets is ties.targets:
        reverse = ties.reverse
        signs = getattr(reverse, "sign", _NO_SIGNS)
        rows, sources, trust = reverse.parts
        return Turned(rows, sources, trust, signs, ties.is_symmetric, contacts)
    agents = contacts.agents
    degree = np.bincount(contacts.targets, minlength=agents)
    rows = np.zeros((agents, 2), np.uint32)
    row_starts(degree.astype(np.int64), rows)
    sources, trust = np.empty_like(contacts.targets), np.empty_like(contacts.trust)
    transpose_rows(contacts.rows, contacts.targets, contacts.trust, 0, agents, rows, sources, trust)
    return Turned(rows, sources, trust, _NO_SIGNS, False, contacts)


class Voices:
    """What each agent hears in a tick; every attribute is a column with one value an agent.

    Parameters
    ----------
    heard
        Whom each agent hears.
    opinions
        float64 (agents,): what everybody thinks as the tick begins.
    absent
        uint64 bitmap of agents that say nothing, or empty.
    """

    def __init__(self, heard: Turned, opinions: Floats, absent: Bits) -> None:
        self._heard = heard
        self._opinions = opinions
        self._absent = absent

    @cached_property
    def count(self) -> npt.NDArray[np.int64]:
        """How many each agent hears, the absent included."""
        return self._heard.rows[:, 1].astype(np.int64)

    @cached_property
    def mean(self) -> Floats:
        """The mean opinion of those heard; its own for an agent that hears nobody."""
        return self._all(kernels.means, self._heard.trust[:0], self._absent)

    @cached_property
    def mean_by_trust(self) -> Floats:
        """As :attr:`mean`, each weighed by the trust in it."""
        return self._all(kernels.means, self._heard.trust, self._absent)

    def within(self, bound: float, *, itself: bool = True) -> Floats:
        """Return the mean of those at most ``bound`` away (<=), the agent itself among them."""
        given = self._absent
        return self._all(kernels.means_within, given, after=(bound + _TOUCH, int(itself)))

    def signed(self, signs: Signs) -> Floats:
        """Return the mean of what is heard, turned round along ties of sign -1 (int8 a contact)."""
        return self._all(kernels.signed_means, signs, self._absent)

    def share(self, opinion: float) -> Floats:
        """Return the share of those heard that hold exactly this opinion, in [0, 1]."""
        return self._all(kernels.shares_at, self._absent, after=(float(opinion),))

    def _all(self, kernel: Callable[..., None], *given: Any, after: Any = ()) -> Floats:
        """Run a kernel over all rows, some at a time."""
        out = np.empty(self._opinions.size)
        rows = self._heard.rows, self._heard.sources
        for low in range(0, out.size, SLICE):
            kernel(*rows, *given, low, min(low + SLICE, out.size), *after, self._opinions, out)
        return out
