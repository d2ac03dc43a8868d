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
from sim.jit.claims import count_ties
from sim.jit.order import sort_ids
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, Draws
from sim.spread.cascade.model import SLICE
from sim.spread.cascade.sparse_column import SparseColumn
from sim.spread.neighbours.threshold import heard, missing
from sim.spread.rivals import rivals_kernels as kernels

_MANY = 16
"""Once so many times fewer contacts than agents were seen, everybody looks ahead."""


class RivalVoices:
    """One tick of the sums and voices of a contest.

    They are columns of its oldest message: ``sum`` and ``said``, for a few agents or where ties
    weigh their trust, or ``ahead`` and ``heard`` (:mod:`sim.spread.rivals.rivals_kernels`).
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


TieRule = Literal["proportional", "random", "priority", "first"]
_SHOWN = 5


def refuse_rivals_seeds(cascade: Cascade) -> None:
    """Refuse seeds that took a rival message up already; for a model's ``start``.

    Raises
    ------
    InputError
        Names the agents.
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
    """Return whether the sums of a message hold for ties as they are; for a model's ``is_quiet``.

    Parameters
    ----------
    cascade, contacts
        A message of a :class:`Contest` that goes by thresholds, and who hears whom.
    by_trust
        Whether ties weigh their trust.
    """
    if contacts.is_silent:
        return True  # nobody will be told what new ties would say
    basis = _basis(contacts, by_trust)
    kept = (one.held.get("_basis") for one in (cascade, _oldest(cascade)))
    known = next((held for held in kept if held is not None), None)
    return known is None or bool(known[0] < 0) or np.array_equal(known, basis)


def _basis(contacts: Contacts, by_trust: bool) -> I64:
    """Return what sums depend on; contacts that a channel chose earlier are not known any more."""
    ties = contacts.count if contacts.whole is contacts else -1
    return np.array([ties, by_trust and contacts.trust.size > 0], np.int64)


def _oldest(cascade: Cascade) -> Cascade:
    return min((cascade, *cascade.peers), key=lambda one: one.id)


def _earlier(cascade: Cascade) -> Ids:
    """Return who took a message up and has spoken since."""
    mute = np.union1d(cascade.frontier, cascade.held.get("_waiting", cascade.frontier))
    return np.setdiff1d(cascade.adopters, mute)


class _ContestColumns:
    """The working columns of a contest."""

    __slots__ = ("ballot", "listed", "source")

    def __init__(self, agents: int) -> None:
        self.ballot = np.full(agents, claims.FREE)
        self.source = np.empty(agents, np.uint32)
        self.listed = np.empty(agents + 1, np.uint32)


class Contest:
    """One tick of messages that exclude one another.

    Parameters
    ----------
    cascades, contacts, draws
        As ``step_together`` receives them.
    tie
        Who wins an agent that several messages convince in one tick: ``"proportional"`` to the
        attempts that succeeded, a ``"random"`` one of the messages, the highest ``"priority"`` (the
        older one among equals), or the ``"first"``, the oldest.

    Attributes
    ----------
    closed
        Bitmap of agents that took any of the messages up, running or not, or are absent.
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
        kept = cascades[0].memo  # working columns; ballots are free between ticks
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
        """Let last tick's adopters of one message try to convince their listeners, once each.

        Parameters
        ----------
        number
            The message's place among the cascades.
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
        """Let the listeners of one message whose own threshold for it is reached take it up.

        Parameters
        ----------
        number
            The message's place among the cascades.
        by_trust
            Whether ties weigh their trust; else 1.
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
        """Return whether the sums of a message begin anew, from all that took it up so far."""
        basis = _basis(contacts, by_trust)
        if np.array_equal(keeper.held.get("_basis", ()), basis):
            return False
        keeper.held["_basis"] = basis
        return True

    def listen(self, *, by_trust: bool) -> None:
        """Let whoever's one threshold all messages together reach take one of them up.

        The message is drawn in proportion to the weight of its adopters among the agent's sources.
        Sums and thresholds belong to the contest; the oldest message keeps them.
        """
        first = _oldest(self._cascades[0])
        _, contacts, draws = next(
            (turn for turn in self._rounds if not turn[1].is_silent), self._rounds[0]
        )
        deaf = self._cascades[0].absent.size > 0
        trusts = by_trust and contacts.trust.size > 0
        for cascade, heard_by, _ in self._rounds:
            ids = cascade.frontier
            cascade.contacts_seen += claims.count_ties(heard_by.rows, ids, 0, ids.size)
        contest = sorted({*self._cascades, *first.peers}, key=lambda one: one.id)
        own = first.draws(draws.tick)
        sums = RivalVoices(first, contacts, own, self.closed, by_trust=trusts)
        anew = self._begins_anew(first, contacts, by_trust)
        if anew:
            sums.forget()
        if not trusts:
            sums.look_ahead(sum(cascade.contacts_seen for cascade in contest))
        for cascade in contest if anew else ():
            key = cascade.draws(draws.tick).key(Stream.COINS)
            sums.hear(contacts.whole, key, _earlier(cascade), deaf=deaf)
        for cascade, heard_by, draws in self._rounds:
            sums.hear(heard_by, draws.key(Stream.COINS), cascade.frontier, deaf=deaf)
        self._by_voice(*sums.crossed(self._source))

    def _by_voice(self, agents: Ids, voices: Ids) -> None:
        """Let agents, ascending, take up the message whose adopter convinced them; no tie is left.

        Voices are earlier adopters, so that what one message writes decides nothing for the next.
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
        """Let every agent take the message up that won it."""
        for number, (cascade, contacts, _) in enumerate(self._rounds):
            scratch = contacts.scratch
            won = kernels.elect(
                self._listed, self._count, number, self._ballot, self._source, scratch.claim,
                scratch.touched,
            )  # fmt: skip
            cascade.adopt_claims(scratch, won)
        self._count = 0
