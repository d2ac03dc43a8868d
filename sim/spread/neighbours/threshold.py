"""Thresholds: an agent adopts once enough of its sources have adopted; and :func:`pressure`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, U64, Ids
from sim.core.bounds import Bound
from sim.core.cards import Card
from sim.core.checks import shown
from sim.core.params import Field
from sim.core.rng import Stream
from sim.errors import InputError, ParameterError
from sim.jit.claims import FREE, count_ties
from sim.jit.order import sort_ids
from sim.spread.cascade.bounds import READY
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, Draws, Scratch, bitmap
from sim.spread.cascade.model import SLICE, PropagationModel
from sim.spread.cascade.sparse_column import SparseColumn
from sim.spread.neighbours.pressure_kernels import press, release
from sim.spread.neighbours.threshold_kernels import Thresholds, count_down, fill, hear


class Threshold(PropagationModel):
    """An agent adopts when the share of its sources that adopted reaches its threshold (``>=``).

    Synchronous: additions of a tick first, decisions after. An agent without sources never adopts.
    Its recorded source is the one whose word tipped it, hearing the tick's speakers in id order.
    Who is absent sees on its return who of its sources adopted meanwhile.
    """

    bounds: ClassVar[dict[str, Bound]] = READY
    progressive: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        update="synchronous: a tick's additions first, decisions after; an adopter that is absent "
        "when its turn comes is counted when it is back, a follower that is absent sees on its "
        "return who adopted; after new ties, weights or levels all sums begin anew",
        comparison="the sum of weights >= the threshold, in whole numbers; at least one source",
        ties="the source is the one whose word tipped the sum, the tick's speakers in id order",
        draw_modes="coins: one threshold an agent and message, where level() gives none",
        cost="one visit to each tie of each new adopter",
        largest="10 million agents with 200 million ties",
    )

    weights: Literal["uniform", "trust"] = Field(
        "uniform", description="what a source weighs: 1 / number of sources, or its share of trust"
    )

    def level(self) -> float | None:
        """Return the threshold of all agents, or ``None``: a uniform draw in [0, 1) per agent."""
        return None

    def check(self) -> None:
        """Raise ParameterError for a level outside the allowed range.

        Raises
        ------
        ParameterError
            Explains the problem in one sentence.
        """
        self._level()

    def _level(self) -> float:
        """Return :meth:`level`, or -1.0 for drawn thresholds."""
        level: Any = self.level()
        if level is None:
            return -1.0
        if not isinstance(level, int | float | np.number) or not 0.0 <= level <= 1.0:
            owner = self.plugin_name or type(self).__name__
            raise ParameterError(f"{owner}: level() must be None or in [0, 1], got {shown(level)}.")
        return float(level)

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Add the weight of new adopters; agents whose threshold is reached adopt."""
        level, speakers = self._level(), cascade.frontier
        touched = 0
        if self._renewed(cascade, contacts, level):
            mute = np.union1d(speakers, cascade.held.get("_waiting", speakers))
            earlier = np.setdiff1d(cascade.adopters, mute)
            touched = heard(
                cascade, contacts.whole, draws, earlier, cascade.marks(), level, touched
            )
        cascade.contacts_seen += count_ties(contacts.rows, speakers, 0, speakers.size)
        touched = heard(cascade, contacts, draws, speakers, cascade.marks(), level, touched)
        if cascade.absent.size or "_ready" in cascade.held:
            touched = _present_only(cascade, contacts.scratch, touched)
        cascade.adopt_claims(contacts.scratch, touched)

    def _renewed(self, cascade: Cascade, contacts: Contacts, level: float) -> bool:
        """Update the basis of the sums; return whether they restart from all adopters so far.

        They do after a change of weights, level or ties; contacts that a channel chose in earlier
        ticks are unknown, so that sums over these survive new ties.
        """
        basis = self._basis(contacts, level)
        if np.array_equal(cascade.held.get("_basis", ()), basis):
            return False
        cascade.held["_basis"] = basis
        cascade.held["left"] = missing(contacts, by_trust=bool(basis[1]))
        cascade.held.pop("_ready", None)
        return True

    def _basis(self, contacts: Contacts, level: float) -> npt.NDArray[np.float64]:
        """Return the values that the sums depend on."""
        by_trust = self.weights == "trust" and contacts.trust.size > 0
        ties = contacts.count if contacts.whole is contacts else -1
        return np.array([ties, by_trust, level], np.float64)

    def is_quiet(self, cascade: Cascade, contacts: Contacts) -> bool:
        """Return whether no agent speaks or returns over its threshold, and all sums are valid."""
        if cascade.frontier.size or cascade.present(_ready(cascade)[0]).size:
            return False
        basis, held = self._basis(contacts, self._level()), cascade.held.get("_basis")
        known = held is None or held[0] < 0 or np.array_equal(held, basis)
        return contacts.is_silent or bool(known)


def _ready(cascade: Cascade) -> npt.NDArray[np.uint32]:
    """Return absent agents over their threshold, and their tipping sources: uint32 (2, agents)."""
    ready: npt.NDArray[np.uint32] = cascade.held.get("_ready", np.empty((2, 0), np.uint32))
    return ready


def _present_only(cascade: Cascade, scratch: Scratch, touched: int) -> int:
    """Let absent agents that crossed their threshold wait, and returned ones adopt."""
    ids = scratch.touched[:touched]
    known = _ready(cascade)
    cascade.held.pop("_ready", None)
    crossed = np.concatenate([known, [ids, scratch.claim[ids].astype(np.uint32)]], axis=1)
    here = np.isin(crossed[0], cascade.present(crossed[0]))
    scratch.claim[ids] = FREE
    if not here.all():
        cascade.held["_ready"] = crossed[:, ~here]
    back = crossed[:, here]
    scratch.touched[: back.shape[1]] = back[0]
    scratch.claim[back[0]] = back[1]
    return int(back.shape[1])


_MANY = 16
"""After n/16 contacts, initialise all thresholds in one pass: by then
a table of those that heard anything would be no smaller than the whole column."""


def missing(contacts: Contacts, *, by_trust: bool) -> SparseColumn:
    """Return an empty column of missing weights: two bytes each if all ties weigh 1."""
    dtype: Any = np.int64
    if not by_trust:
        dtype = np.uint16 if int(contacts.degree.max(initial=0)) < 0xFFFF else np.int32
    return SparseColumn(contacts.agents, dtype)


def heard(
    cascade: Cascade,
    contacts: Contacts,
    draws: Draws,
    speakers: Ids,
    closed: U64,
    level: float,
    touched: int,
    *,
    deaf: bool = False,
) -> int:
    """Add the weight of ``speakers`` to ``cascade.held["left"]``; return the number of claims.

    Whether all thresholds are initialised depends only on ``cascade.contacts_seen``, which is
    saved: a loaded world continues exactly as the saved one would have.
    """
    left, scratch = cascade.held["left"], contacts.scratch
    by_trust = left.values.dtype == np.int64
    whole: npt.NDArray[Any] = contacts.in_trust if by_trust else contacts.degree
    thresholds = Thresholds(draws.key(Stream.THRESHOLDS), draws.thresholds, level)
    quick = not (by_trust or deaf) and cascade.contacts_seen * _MANY >= cascade.agents
    if quick:
        left.make_dense()
        if not left.values.min(initial=1):
            fill(whole, thresholds, left.values)
    else:
        left.reserve(min(count_ties(contacts.rows, speakers, 0, speakers.size), cascade.agents))
    for low in range(0, speakers.size, SLICE):
        high = min(low + SLICE, speakers.size)
        if quick:
            touched = count_down(
                contacts.rows, contacts.targets, speakers, low, high, closed, left.values,
                scratch.claim, scratch.touched, touched,
            )  # fmt: skip
        else:
            touched = hear(
                contacts.rows, contacts.targets, contacts.trust if by_trust else contacts.trust[:0],
                whole, speakers, low, high, thresholds, closed, left.keys, left.values,
                scratch.claim, scratch.touched, touched,
            )  # fmt: skip
    return touched


@dataclass(frozen=True, slots=True)
class Pressure:
    """The weights that listeners hear this tick.

    Attributes
    ----------
    listeners
        uint32 ascending: the agents that hear at least one speaker.
    total
        float64, one per listener: the total weight of its speakers.
    source
        uint32: one of its speakers, chosen uniformly.
    """

    listeners: Ids
    total: F64
    source: Ids


def pressure(
    cascade: Cascade,
    contacts: Contacts,
    draws: Draws,
    speakers: Ids,
    weights: npt.ArrayLike = 1.0,
    *,
    deaf: npt.NDArray[np.bool_] | None = None,
) -> Pressure:
    """Sum for every listener the weights of its sources that speak this tick.

    Parameters
    ----------
    cascade, contacts, draws
        As in :meth:`PropagationModel.step`; absent agents hear nothing.
    speakers
        uint32, distinct, in an order that depends only on the state, as sums of floats do on it.
    weights
        float64: one for each speaker, or one for all.
    deaf
        bool (agents,): agents to skip; ``None``: none. It saves most of the work.

    Raises
    ------
    InputError
        If there is neither one weight nor one for each speaker.
    """
    ids = np.ascontiguousarray(speakers, np.uint32)
    given = np.asarray(weights, np.float64)
    if given.shape not in {(), ids.shape}:
        raise InputError(f"Give one weight, or one for each of {ids.size:,} speakers.")
    each = np.ascontiguousarray(np.broadcast_to(given, ids.shape))
    scratch, total = contacts.scratch, np.zeros(contacts.agents)
    cascade.contacts_seen += count_ties(contacts.rows, ids, 0, ids.size)
    closed = cascade.absent if deaf is None else bitmap(deaf.size, np.flatnonzero(deaf))
    if deaf is not None and cascade.absent.size:
        closed |= cascade.absent
    touched = 0
    for low in range(0, ids.size, SLICE):
        touched = press(
            contacts.rows, contacts.targets, ids, low, min(low + SLICE, ids.size), each,
            draws.key(Stream.CONTACTS), closed, total, scratch.claim, scratch.touched,
            touched,
        )  # fmt: skip
    sort_ids(scratch.touched, touched, scratch.sources)
    sums, source = np.empty(touched), np.empty(touched, np.uint32)
    release(scratch.touched, touched, total, scratch.claim, sums, source)
    return Pressure(scratch.touched[:touched].copy(), sums, source)
