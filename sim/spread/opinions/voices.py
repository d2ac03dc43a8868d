""":class:`Voices`: opinions of the neighbours that each agent hears this tick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, I8, Ids
from sim.core.rng import Stream
from sim.errors import PluginError
from sim.jit.mix import gate
from sim.network.graph.slab_kernels import count_ids
from sim.network.graph.ties_kernels import row_starts, transpose_rows
from sim.spread.cascade.contacts import Contacts, Draws
from sim.spread.cascade.model import SLICE
from sim.spread.opinions import averaging_kernels as kernels
from sim.spread.opinions.averaging_kernels import distances, impacts

if TYPE_CHECKING:
    from sim.spread.cascade.cascade import Cascade


_NO_SIGNS = np.empty(0, np.int8)
_FEW = 256
_TOUCH = 1e-12
"""Tolerance for rounding: opinions exactly the bound apart count as within it."""


@dataclass(eq=False)
class HeardRows:
    """Reversed contacts: row ``v`` lists the sources of agent ``v``.

    Attributes
    ----------
    rows, sources
        uint32 (agents, 2), uint32 (contacts,), ascending within a row.
    trust
        uint16 (contacts,) / 65535, or empty: all 1.0.
    signs
        int8 (contacts,), 1 or -1, or empty: no tie has a sign.
    is_mutual
        Whether all agents are heard by their sources.
    of
        The original contacts.
    """

    rows: npt.NDArray[np.uint32]
    sources: Ids
    trust: npt.NDArray[np.uint16]
    signs: I8
    is_mutual: bool
    of: Contacts
    _drawn: tuple[float, I8] | None = None

    @cached_property
    def hearers(self) -> Ids:
        """Agents that have sources, uint32; empty if all have."""
        lengths = self.rows[:, 1]
        if lengths.all():
            return np.empty(0, np.uint32)
        return np.flatnonzero(lengths).astype(np.uint32)

    @cached_property
    def apart(self) -> npt.NDArray[np.uint8]:
        """The distance in ties from each agent (columns) to each (rows), uint8; 0 if none."""
        agents = len(self.rows)
        out, queue = np.zeros((agents, agents), np.uint8), np.empty(agents, np.uint32)
        for low in range(0, agents, _FEW):
            distances(self.rows, self.sources, low, min(low + _FEW, agents), queue, out)
        return out

    def signs_by(self, key: np.uint64, negative: float) -> I8:
        """Return the signs of contacts, drawn if there are none: int8, 1 or -1."""
        if self.signs.size:
            return self.signs
        if self._drawn is None or self._drawn[0] != negative:
            out = np.empty(self.sources.size, np.int8)
            for low in range(0, len(self.rows), SLICE):
                part = low, min(low + SLICE, len(self.rows))
                kernels.draw_signs(self.rows, self.sources, *part, key, gate(negative), out)
            self._drawn = negative, out
        return self._drawn[1]


def turned(cascade: Cascade, contacts: Contacts) -> HeardRows:
    """Return the sources of each agent this tick; the whole network is reversed only once."""
    ties = None if cascade.around is None else cascade.around.ties
    if ties is not None and _is_whole(contacts, ties):
        reverse = ties.reverse
        rows, sources, trust = reverse.parts
        return HeardRows(rows, sources, trust, reverse.sign, ties.is_symmetric, contacts)
    agents = contacts.agents
    degree = np.zeros(agents, np.int64)
    count_ids(contacts.rows, contacts.targets, 0, agents, degree)
    rows = np.zeros((agents, 2), np.uint32)
    row_starts(degree, rows)
    sources = np.empty(contacts.count, np.uint32)
    trust = np.empty(contacts.count if contacts.trust.size else 0, np.uint16)
    transpose_rows(contacts.rows, contacts.targets, contacts.trust, 0, agents, rows, sources, trust)
    signs = _NO_SIGNS
    if ties is not None and ties.sign.size:
        listeners = np.repeat(np.arange(agents), rows[:, 1])
        places = ties.places(sources, listeners)
        signs = np.where(places >= 0, ties.sign[places], np.int8(1))
    return HeardRows(rows, sources, trust, signs, False, contacts)


def _is_whole(contacts: Contacts, ties: Any) -> bool:
    """Return whether these contacts are all current ties."""
    mine, theirs = contacts.targets, ties.live.ids
    return mine is theirs or np.shares_memory(mine, theirs)


def remembered(cascade: Cascade, contacts: Contacts) -> HeardRows:
    """Return the sources of each agent, cached while the contacts are the same."""
    kept = cascade.memo.get("heard") if isinstance(cascade.memo, dict) else None
    if kept is None or kept.of is not contacts:
        kept = turned(cascade, contacts)
        cascade.memo = {**(cascade.memo or {}), "heard": kept}
    found: HeardRows = kept
    return found


class Voices:
    """What each agent hears in a tick; every attribute is a column with one value per agent.

    Parameters
    ----------
    cascade
        The message that is discussed.
    heard
        The sources of each agent.
    draws
        The tick's randomness.
    opinions
        float64 (agents,): opinions at the start of the tick.

    Attributes
    ----------
    now
        The opinions, read-only.
    """

    def __init__(self, cascade: Cascade, heard: HeardRows, draws: Draws, opinions: F64) -> None:
        self._cascade = cascade
        self._heard = heard
        self._draws = draws
        self._absent = cascade.absent
        self.now = opinions.view()
        self.now.flags.writeable = False

    @property
    def count(self) -> npt.NDArray[np.int64]:
        """Number of sources of each agent, including absent ones."""
        return self._heard.rows[:, 1].astype(np.int64)

    @property
    def first(self) -> F64:
        """The initial opinions, for models that declare ``keeps_first = True``."""
        if "first" not in self._cascade.held:
            raise PluginError(
                self._cascade.model_name,
                "reads heard.first without declaring keeps_first = True in its class",
            )
        return np.asarray(self._cascade.held["first"], np.float64)

    def draw(self, number: int = 0, *, once: bool = False) -> F64:
        """Return a draw in [0, 1) for each agent.

        Parameters
        ----------
        number
            Different numbers give independent draws.
        once
            True: the same in every tick, for constant properties of an agent.
        """
        return self._draws.uniforms(np.arange(self.now.size), number, once=once)

    @cached_property
    def mean(self) -> F64:
        """The mean opinion of an agent's sources; its own if it has none."""
        return self._all(kernels.means, self._heard.trust[:0], self._absent)

    @cached_property
    def mean_by_trust(self) -> F64:
        """As :attr:`mean`, weighted by trust."""
        return self._all(kernels.means, self._heard.trust, self._absent)

    def within(self, bound: float, *, itself: bool = True) -> F64:
        """Return the mean of those at most ``bound`` away (<=), including the agent itself."""
        return self._all(kernels.means_within, self._absent, after=(bound + _TOUCH, int(itself)))

    def signed(self, negative: float = 0.0) -> F64:
        """Return the mean of what is heard, with the opinions of foes reversed.

        Foes are at the other end of ties of sign -1. If ties have no signs, a pair is made
        hostile with the chance ``negative``, in both directions, once for all ticks.
        """
        key = self._draws.key(Stream.SIGNS)
        return self._all(kernels.signed_means, self._heard.signs_by(key, negative), self._absent)

    def share(self, opinion: float) -> F64:
        """Return the share of sources that hold exactly this opinion, in [0, 1]."""
        return self._all(kernels.shares_at, self._absent, after=(float(opinion),))

    def impact(self, persuasive: F64, supportive: F64, near: F64, *, root: bool = False) -> F64:
        """Return the impact of all that hold another opinion minus that of all that hold the same.

        Parameters
        ----------
        persuasive, supportive
            float64 (agents,): strength towards agents of the other and of the same opinion.
        near
            float64 (256,): factor of the strength at each distance in ties, from 0.
        root
            Use the mean strength times the square root of the number, instead of the sum.
        """
        given = self._heard.apart, near, persuasive, supportive, int(root), self._absent
        out = np.empty(self.now.size)
        for low in range(0, out.size, _FEW):
            impacts(*given, low, min(low + _FEW, out.size), self.now, out)
        return out

    def _all(self, kernel: Callable[..., None], *given: Any, after: Any = ()) -> F64:
        """Run a kernel over all rows, in parts."""
        out = np.empty(self.now.size)
        rows = self._heard.rows, self._heard.sources
        for low in range(0, out.size, SLICE):
            kernel(*rows, *given, low, min(low + SLICE, out.size), *after, self.now, out)
        return out
