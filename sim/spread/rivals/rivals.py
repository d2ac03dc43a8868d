""":class:`Contest`: one tick of mutually exclusive messages, and its tie-breaking rule.

A model whose :meth:`~sim.spread.cascade.model.PropagationModel.together` groups its cascades opens
a :class:`Contest` in each ``step_together``: every message claims, then the contest settles.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from sim.arrays import I64, U64, Array, Ids
from sim.core.rng import Stream
from sim.errors import InputError
from sim.jit import claims
from sim.jit.order import sort_ids
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, Draws
from sim.spread.cascade.model import SLICE
from sim.spread.cascade.sparse_column import SparseColumn
from sim.spread.neighbours.threshold import heard, missing
from sim.spread.rivals import rivals_kernels as kernels

TieRule = Literal["proportional", "random", "priority", "first"]
_SHOWN = 5


def refuse_rivals_seeds(cascade: Cascade) -> None:
    """Raise InputError for seeds that adopted a rival message; for a model's ``start``.

    Raises
    ------
    InputError
        Lists the agents.
    """
    for rival in cascade.peers:
        if rival is not cascade:
            both = np.intersect1d(cascade.seeds, rival.adopters)
            if both.size:
                shown = ", ".join(str(v) for v in both[:_SHOWN].tolist())
                more = f" and {both.size - _SHOWN:,} more" if both.size > _SHOWN else ""
                raise InputError(
                    f"seeds must be disjoint; message {rival.id} already has {shown}{more}; take "
                    "other seeds, such as random:40, or start it before the other spreads"
                )


def rivals_know_ties(cascade: Cascade, contacts: Contacts, *, by_trust: bool) -> bool:
    """Return whether a message's sums are valid for the current ties; for a model's ``is_quiet``.

    Parameters
    ----------
    cascade, contacts
        A message of a :class:`Contest` with thresholds, and its contacts.
    by_trust
        Whether ties are weighted by trust.
    """
    if contacts.is_silent:
        return True  # nobody hears over new ties
    basis = _basis(contacts, by_trust)
    kept = (one.held.get("_basis") for one in (cascade, cascade.oldest))
    known = next((held for held in kept if held is not None), None)
    return known is None or bool(known[0] < 0) or np.array_equal(known, basis)


def _basis(contacts: Contacts, by_trust: bool) -> I64:
    """Return the basis of sums; -1 for contacts chosen by a channel, which are not stored."""
    ties = contacts.count if contacts.whole is contacts else -1
    return np.array([ties, by_trust and contacts.trust.size > 0], np.int64)


def _earlier(cascade: Cascade) -> Ids:
    """Return the adopters of a message that have already spoken."""
    mute = np.union1d(cascade.frontier, cascade.held.get("_waiting", cascade.frontier))
    return np.setdiff1d(cascade.adopters, mute)


class _ContestColumns:
    __slots__ = ("ballot", "listed", "source")

    def __init__(self, agents: int) -> None:
        self.ballot = np.full(agents, claims.FREE)
        self.source = np.empty(agents, np.uint32)
        self.listed = np.empty(agents + 1, np.uint32)


class Contest:
    """One tick of mutually exclusive messages.

    Parameters
    ----------
    cascades, contacts, draws
        As ``step_together`` receives them.
    tie
        The rule if several messages convince an agent in one tick: ``"proportional"`` to the
        successful attempts, a ``"random"`` one of the messages, the highest ``"priority"`` (the
        older one if equal), or the ``"first"``, the oldest.

    Attributes
    ----------
    closed
        Bitmap of agents that adopted any of the messages, running or not, or are absent.
    """

    def __init__(
        self,
        cascades: Sequence[Cascade],
        contacts: Sequence[Contacts],
        draws: Sequence[Draws],
        tie: TieRule,
    ) -> None:
        self._rounds = list(zip(cascades, contacts, draws, strict=True))
        self._cascades = list(cascades)
        self._tie = tie
        kept = cascades[0].memo  # working columns; ballots are cleared between ticks
        if not isinstance(kept, _ContestColumns) or kept.ballot.size != cascades[0].agents:
            kept = cascades[0].memo = _ContestColumns(cascades[0].agents)
        self._ballot, self._source, self._listed = kept.ballot, kept.source, kept.listed
        self._count = 0
        self.closed: U64 = cascades[0].closed.copy()
        for cascade in {*cascades, *cascades[0].peers}:
            self.closed |= cascade.marks()

    def attempt(
        self, number: int, *, chance: float, scale: Literal["none", "trust", "degree"] = "none"
    ) -> None:
        """Let last tick's adopters of one message try to convince each of their listeners once.

        Parameters
        ----------
        number
            The message's index among the cascades.
        chance, scale
            As in :func:`~sim.spread.cascade.model.convince`.
        """
        cascade, contacts, draws = self._rounds[number]
        ids, scratch = cascade.frontier, contacts.scratch
        cascade.contacts_seen += claims.count_ties(contacts.rows, ids, 0, ids.size)
        trust = contacts.trust if scale == "trust" else contacts.trust[:0]
        degree = contacts.degree if scale == "degree" else contacts.degree[:0]
        key, touched = draws.key(Stream.COINS), 0
        skips = draws.mode == "skips" and scale == "none" and 0.0 < chance < 1.0
        for low in range(0, ids.size, SLICE):
            high = min(low + SLICE, ids.size)
            if skips:
                touched = claims.claim_skips(
                    contacts.rows, contacts.targets, ids, low, high, key, claims.gap_scale(chance),
                    self.closed, scratch.claim, scratch.touched, touched,
                )  # fmt: skip
            else:
                touched = claims.claim_coins(
                    contacts.rows, contacts.targets, trust, degree, ids, low, high, key, chance,
                    self.closed, scratch.claim, scratch.touched, touched,
                )  # fmt: skip
        self._enter(number, touched)

    def cross(self, number: int, *, by_trust: bool) -> None:
        """Let the listeners of one message adopt it if their own threshold for it is reached.

        Parameters
        ----------
        number
            The message's index among the cascades.
        by_trust
            Whether ties are weighted by trust; otherwise by 1.
        """
        cascade, contacts, draws = self._rounds[number]
        ids, touched = cascade.frontier, 0
        about, deaf = (self.closed, -1.0), cascade.absent.size > 0
        cascade.contacts_seen += claims.count_ties(contacts.rows, ids, 0, ids.size)
        if self._begins_anew(cascade, contacts, by_trust):
            trusts = by_trust and contacts.trust.size > 0
            cascade.held["left"] = missing(contacts, by_trust=trusts)
            earlier = _earlier(cascade)
            touched = heard(cascade, contacts.whole, draws, earlier, *about, touched, deaf=deaf)
        self._enter(number, heard(cascade, contacts, draws, ids, *about, touched, deaf=deaf))

    def _begins_anew(self, keeper: Cascade, contacts: Contacts, by_trust: bool) -> bool:
        """Return whether the sums of a message restart from all of its adopters so far."""
        basis = _basis(contacts, by_trust)
        if np.array_equal(keeper.held.get("_basis", ()), basis):
            return False
        keeper.held["_basis"] = basis
        return True

    def listen(self, *, by_trust: bool) -> None:
        """Agents whose joint threshold is reached adopt one of the competing messages.

        The message is drawn in proportion to the weight of its adopters among the agent's sources.
        Sums and thresholds belong to the contest; the oldest message stores them.
        """
        rounds, first = self._rounds, self._cascades[0].oldest
        contacts = next((one for _, one, _ in rounds if not one.is_silent), rounds[0][1])
        own, scratch = first.draws(rounds[0][2].tick), contacts.scratch
        trusts = by_trust and contacts.trust.size > 0
        whole: Array = contacts.in_trust if trusts else contacts.degree
        words: list[tuple[Contacts, np.uint64, Ids]] = []
        if self._begins_anew(first, contacts, by_trust) or "sum" not in first.held:
            first.held.pop("ahead", None)  # from saves of an older format
            first.held.pop("heard", None)
            first.held["sum"] = SparseColumn(whole.size, np.int64)
            first.held["said"] = SparseColumn(whole.size, np.uint32)
            for one in sorted({*self._cascades, *first.peers}, key=lambda one: one.id):
                key = one.draws(own.tick).key(Stream.COINS)
                words.append((contacts.whole, key, _earlier(one)))
        for cascade, heard_by, draws in rounds:
            ids = cascade.frontier
            cascade.contacts_seen += claims.count_ties(heard_by.rows, ids, 0, ids.size)
            words.append((heard_by, draws.key(Stream.COINS), ids))
        total, voice = first.held["sum"], first.held["said"]
        touched = 0
        for over, key, ids in words:
            ties = claims.count_ties(over.rows, ids, 0, ids.size)
            for column in (total, voice):
                column.reserve(min(ties, over.agents))
            for low in range(0, ids.size, SLICE):
                touched = kernels.listen(
                    over.rows, over.targets, over.trust if trusts else over.trust[:0], ids, low,
                    min(low + SLICE, ids.size), key, self.closed, total.keys, total.values,
                    voice.keys, voice.values, scratch.touched, touched,
                )  # fmt: skip
        sort_ids(scratch.touched, touched, scratch.sources)  # so that memory is read in order
        key = first.draws(own.tick).key(Stream.THRESHOLDS)
        count = kernels.crossed(
            scratch.touched, touched, whole, key, own.thresholds,
            total.keys, total.values, voice.keys, voice.values, self._source,
        )  # fmt: skip
        self._by_voice(scratch.touched[:count].copy(), self._source[:count].copy())

    def _by_voice(self, agents: Ids, voices: Ids) -> None:
        """Let agents, ascending, adopt the message of the adopter that convinced them.

        Voices are earlier adopters, so that what one message writes does not affect the next.
        """
        mine, sources = np.empty((2, agents.size + 1), np.uint32)
        for cascade in self._cascades:
            count = kernels.told_by(agents, voices, cascade.marks(), mine, sources)
            cascade.adopt_won(mine[:count], sources[:count])

    def _enter(self, number: int, touched: int) -> None:
        """Turn the claims of one message into ballots."""
        _, contacts, draws = self._rounds[number]
        scratch = contacts.scratch
        self._count = kernels.enter(
            scratch.touched, touched, scratch.claim, number, self._rank(number),
            draws.key(Stream.OUTCOMES), self._ballot, self._source, self._listed, self._count,
        )  # fmt: skip

    def _rank(self, number: int) -> int:
        if self._tie == "proportional":
            return kernels.BY_ATTEMPT
        if self._tie == "random":
            return kernels.BY_DRAW
        if self._tie == "first":
            return number
        order = sorted(self._cascades, key=lambda cascade: (-cascade.priority, cascade.id))
        return order.index(self._cascades[number])

    def settle(self) -> None:
        """Let every agent adopt the message that won it."""
        for number, (cascade, contacts, _) in enumerate(self._rounds):
            scratch = contacts.scratch
            won = kernels.elect(
                self._listed, self._count, number, self._ballot, self._source, scratch.claim,
                scratch.touched,
            )  # fmt: skip
            cascade.adopt_claims(scratch, won)
        self._count = 0
