""":class:`Triggering`: triggering-set models: an agent adopts once any source in its set does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, Bools, Ids
from sim.core.cards import Card
from sim.core.rng import Stream
from sim.errors import PluginError
from sim.jit.claims import count_ties
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, Draws
from sim.spread.cascade.model import PropagationModel
from sim.spread.exposure import triggering_kernels as triggers
from sim.spread.neighbours import heard_kernels as heard_states

CHUNK = 65_536
"""Pairs evaluated at once."""


@dataclass(slots=True)
class _Places:
    """Rank and preceding trust of every tie, and total trust by agent; made on first access."""

    contacts: Contacts
    rank: npt.NDArray[np.uint32]
    before: npt.NDArray[np.int64]
    whole: npt.NDArray[np.int64]


@dataclass(eq=False, repr=False)
class Pairs:
    """A chunk of pairs of an agent and one of its sources; every attribute is a column.

    All draws are fixed for the cascade: a set is drawn once.
    """

    _cascade: Cascade
    _contacts: Contacts
    _draws: Draws
    _viewer: Ids
    _source: Ids
    _tie: Any

    def __len__(self) -> int:
        return self._viewer.size

    @property
    def coin(self) -> F64:
        """A draw in [0, 1) for the pair."""
        if self._draws.coins.size:
            given: F64 = (self._draws.coins[self._tie] >> np.uint64(11)) * 2.0**-53
            return given
        out = np.empty(len(self))
        key = self._draws.key(Stream.COINS)
        triggers.pair_draws(key, self._source, self._viewer, out)
        return out

    @property
    def draw(self) -> F64:
        """A draw in [0, 1) for the agent, equal for all its sources."""
        if self._draws.thresholds.size:
            return self._draws.thresholds[self._viewer]
        out = np.empty(len(self))
        heard_states.uniforms(self._draws.key(Stream.THRESHOLDS), self._viewer, out)
        return out

    @property
    def sources(self) -> F64:
        """Number of sources of the agent, at least 1."""
        return np.maximum(self._contacts.degree[self._viewer], 1).astype(np.float64)

    @property
    def rank(self) -> F64:
        """The rank of the source among the agent's sources: 0, 1, ..., by id."""
        ranks: npt.NDArray[np.uint32] = self._places().rank[self._tie]
        return ranks.astype(np.float64)

    @property
    def share(self) -> F64:
        """The source's share of the agent's trust, in [0, 1]."""
        trust = self._contacts.trust
        own = trust[self._tie] if trust.size else np.ones(len(self))
        shares: F64 = own / np.maximum(self._places().whole[self._viewer], 1)
        return shares

    @property
    def before(self) -> F64:
        """The total share of all sources of lower rank, in [0, 1)."""
        places = self._places()
        sums: F64 = places.before[self._tie] / np.maximum(places.whole[self._viewer], 1)
        return sums

    def _places(self) -> _Places:
        """Return the ranks of all ties of these contacts."""
        contacts, known = self._contacts, self._cascade.memo
        if not isinstance(known, _Places) or known.contacts is not contacts:
            ties, agents = contacts.targets.size, contacts.agents
            rank, before = np.empty(ties, np.uint32), np.empty(ties, np.int64)
            seen, whole = np.zeros(agents, np.int64), np.zeros(agents, np.int64)
            triggers.ranks(
                contacts.rows, contacts.targets, contacts.trust, seen, whole, rank, before
            )
            known = self._cascade.memo = _Places(contacts, rank, before, whole)
        return known


class Triggering(PropagationModel):
    """A model of triggering sets (Kempe et al. 2003): write :meth:`triggers`.

    Each agent draws, once, a random set of those it hears; it adopts in the tick after the first of
    them did. Independent cascades and linear thresholds are the best-known cases.
    """

    progressive: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        comparison="draws in [0, 1) as the equation says",
        ties="the source is, of those in the set that adopted last tick, one drawn fairly",
        draw_modes="coins: one draw a tie, one an agent, for all its life",
        cost="one visit a tie of each new adopter; places of sources: one pass over all ties",
        largest="10 million agents on one machine",
    )

    def triggers(self, pairs: Pairs) -> Bools:
        """Return whether each source is in the agent's set, one bool per pair.

        Write it without ``if`` on columns, using only the draws of ``pairs``.
        """
        raise NotImplementedError

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Let last tick's adopters trigger."""
        speakers, closed, scratch = cascade.frontier, cascade.closed, contacts.scratch
        ties = count_ties(contacts.rows, speakers, 0, speakers.size)
        size = min(CHUNK, ties) + 1
        chunk: list[Any] = [np.empty(size, kind) for kind in (np.uint32, np.uint32, np.int64)]
        key, touched, i, e = draws.key(Stream.OUTCOMES), 0, 0, 0
        while i < speakers.size:
            rows, targets = contacts.rows, contacts.targets
            filled, i, e = triggers.open_pairs(rows, targets, speakers, i, e, closed, *chunk)
            viewer, source, tie = (column[:filled] for column in chunk)
            chosen = self._asked(Pairs(cascade, contacts, draws, viewer, source, tie))
            touched = triggers.trigger(
                viewer, source, chosen, filled, key, scratch.claim, scratch.touched, touched
            )
        cascade.contacts_seen += ties
        cascade.adopt_claims(scratch, touched)

    def _asked(self, pairs: Pairs) -> npt.NDArray[np.uint8]:
        """Return the model's answers, 0 or 1, or raise PluginError if they are invalid."""
        said = np.asarray(self.triggers(pairs))
        if said.shape not in {(), (len(pairs),)} or said.dtype.kind != "b":
            raise PluginError(
                self.plugin_name,
                f"triggers() must return one bool a pair, shape ({len(pairs)},), got "
                f"{said.dtype} {said.shape}",
            )
        return np.ascontiguousarray(np.broadcast_to(said, len(pairs)), np.uint8)
