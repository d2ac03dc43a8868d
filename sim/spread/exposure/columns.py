"""Columns of a chunk of exposures that models read: one value an exposure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, U64, Ids
from sim.jit.claims import count_ties
from sim.spread.cascade.cascade import Cascade, Message
from sim.spread.cascade.contacts import AgentReader, Contacts
from sim.spread.cascade.sparse_column import SparseColumn
from sim.spread.exposure import exposures_kernels as kernels


def fresh_minutes(minutes: float, fading: float = 0.4) -> float:
    """Return what the first minutes of a story count: the integral of ``exp(-fading t^0.4)``.

    Parameters
    ----------
    minutes
        Age of the story, at least 0.
    fading
        How fast novelty fades, at least 0; 0 never, 0.4 in the paper.

    Returns
    -------
    float
        Minutes of undiminished novelty, between 0 and ``minutes``; an incomplete gamma function.

    Examples
    --------
    >>> round(fresh_minutes(69.0) / fresh_minutes(1e9), 3)
    0.5
    """
    if fading <= 0.0:
        return minutes
    x = fading * minutes**0.4
    if x < 1e-3:  # the closed form would lose its digits; the series has three terms to spare
        return float(minutes * (1.0 - 5.0 / 7.0 * x + 5.0 / 18.0 * x * x))
    root = math.sqrt(x)
    half = math.sqrt(math.pi) * math.erf(root)
    incomplete = 1.5 * (0.5 * half - root * math.exp(-x)) - x * root * math.exp(-x)
    return float(2.5 * fading**-2.5 * incomplete)


class EndColumns:
    """Columns of the agents at one end of a chunk of exposures: ``exposure.viewer.openness``."""

    __slots__ = ("_ids", "_people")

    def __init__(self, people: AgentReader, ids: Ids) -> None:
        self._people = people
        self._ids = ids

    def __getattr__(self, name: str) -> npt.NDArray[Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._people.column(name)[self._ids]


class Exposure:
    """A chunk of exposures; every attribute is a column with one value an exposure.

    Attributes
    ----------
    viewer, source
        Columns of who hears and of who speaks, such as ``viewer.openness``.
    """

    def __init__(
        self,
        cascade: Cascade,
        contacts: Contacts,
        viewer: Ids,
        source: Ids,
        tie: npt.NDArray[np.int64],
        tick: int,
    ) -> None:
        self._cascade = cascade
        self._contacts = contacts
        self._viewer = viewer
        self._source = source
        self._tie = tie
        self._tick = tick
        self.viewer = EndColumns(contacts.people, viewer)
        self.source = EndColumns(contacts.people, source)

    def __len__(self) -> int:
        return self._viewer.size

    @property
    def message(self) -> Message:
        """The message shown: what it says in its one copy, not a column."""
        return self._cascade.message

    @property
    def trust(self) -> F64:
        """How much the viewer trusts the source, float64 in [0, 1]."""
        if not self._contacts.trust.size:
            return np.ones(len(self))
        shares: F64 = self._contacts.trust[self._tie] / 65535.0
        return shares

    @property
    def tie_kind(self) -> npt.NDArray[np.uint8]:
        """The kind of the tie, uint8; 0 is "follow"."""
        if not self._contacts.kind.size:
            return np.zeros(len(self), np.uint8)
        kinds: npt.NDArray[np.uint8] = self._contacts.kind[self._tie]
        return kinds

    @property
    def same_community(self) -> npt.NDArray[np.bool_]:
        """Whether the viewer and the source are in one community, bool; False in none."""
        here = self.viewer.community
        same: npt.NDArray[np.bool_] = (here >= 0) & (here == self.source.community)
        return same

    @property
    def has_communities(self) -> bool:
        """Whether anybody in the world is in a community: one answer, the same for all."""
        # Of most chunks somebody is: only a world without any is looked through.
        if (self.viewer.community >= 0).any():
            return True
        return int(self._contacts.people.column("community").max(initial=-1)) >= 0

    @property
    def interest(self) -> F64:
        """The share of the message's interests that the viewer has, in [0, 1]; 1 without tags."""
        out = np.empty(len(self))
        interests = self._contacts.people.column("interests")
        tags = np.uint64(self.message.tags)
        kernels.shared_interests(interests, self._viewer, len(self), tags, out)
        return out

    @property
    def repeats(self) -> F64:
        """How often the viewer heard the message in earlier ticks, at most 255.

        Counted from the first tick on where the code of the model, or of functions that it calls,
        names it or :attr:`novelty`.
        """
        return hearings(self._cascade)[self._viewer].astype(np.float64)

    @property
    def novelty(self) -> F64:
        """``1 / (1 + repeats)``: 1 at the first hearing."""
        return 1.0 / (1.0 + self.repeats)

    @property
    def age_ticks(self) -> F64:
        """Ticks since the cascade started."""
        return np.full(len(self), float(self._tick - self._cascade.started_at))

    @property
    def tick_minutes(self) -> float:
        """Simulated minutes in a tick: one number, the same for all."""
        return self._contacts.tick_minutes

    def fresh_hours(self, fading: float) -> F64:
        """Return how many hours of undiminished novelty this tick counts, the same for all.

        ``fading`` as for :func:`sim.spread.exposure.columns.fresh_minutes`.
        """
        each = self.tick_minutes
        stop = (self._tick - self._cascade.started_at) * each
        hours = (fresh_minutes(stop, fading) - fresh_minutes(stop - each, fading)) / 60.0
        return np.full(len(self), hours)

    def audience(self, spread: float) -> F64:
        """Return how well each is reached: the message's own factor where a seed speaks, else 1.

        The factor and ``spread`` as for :meth:`sim.spread.cascade.cascade.Cascade.audience`; of
        mean 1 over messages, so that chances multiplied by it are the same on average.
        """
        out = np.ones(len(self))
        if spread > 0.0:
            by_seed = np.isin(self._source, self._cascade.seeds)
            out[by_seed] = self._cascade.audience(spread)
        return out

    @property
    def adopted_sources(self) -> F64:
        """How many of the viewer's sources adopted before this tick, at most 65535."""
        return _near(self._cascade, self._contacts)[self._viewer].astype(np.float64)

    @property
    def adopted_share(self) -> F64:
        """The share of the viewer's sources that adopted before this tick, in [0, 1]."""
        degree = np.maximum(self._contacts.degree[self._viewer], 1)
        return np.minimum(self.adopted_sources / degree, 1.0)


def hearings(cascade: Cascade) -> SparseColumn:
    """Return how often each agent heard the message before this tick, uint8."""
    if "repeats" not in cascade.held:
        cascade.held["repeats"] = SparseColumn(cascade.agents, np.uint8)
    column: SparseColumn = cascade.held["repeats"]
    return column


def _near(cascade: Cascade, contacts: Contacts) -> SparseColumn:
    """Return how many sources of each agent adopted, uint16, brought up to date on request."""
    network = contacts.whole
    upto, ties = cascade.held.get("_near", (0, -1))
    if ties != network.count:  # ties were added: what was counted lacks them
        cascade.held["near"], upto = SparseColumn(cascade.agents, np.uint16), 0
    near: SparseColumn = cascade.held["near"]
    fresh = cascade.adopters[int(upto) :]
    if fresh.size:
        count_hearings(near, network, fresh, np.zeros_like(cascade.marks()), 65535)
    cascade.held["_near"] = np.array([cascade.size, network.count], np.int64)
    return near


def count_hearings(
    column: SparseColumn, contacts: Contacts, speakers: Ids, closed: U64, most: int
) -> None:
    """Count one more hearing of every open listener of the speakers."""
    ties = count_ties(contacts.rows, speakers, 0, speakers.size)
    column.reserve(min(ties, column.agents))
    rows, targets = contacts.rows, contacts.targets
    kernels.count_heard(rows, targets, speakers, closed, most, column.keys, column.values)
