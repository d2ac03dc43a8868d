"""Per exposure: one number says what it takes to convince this agent, now."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.rng import Stream
from sim.errors import PluginError
from sim.kernels import exposures as kernels
from sim.kernels.claims import count_ties
from sim.spread.cascade import Cascade
from sim.spread.contacts import Bits, Contacts, Draws, Ids, People
from sim.spread.freshness import fresh_minutes
from sim.spread.messages import Message
from sim.spread.model import PropagationModel
from sim.spread.sparse import Sparse

__all__ = ["CHUNK", "Exposure", "PerExposure"]

CHUNK = 65_536
"""Exposures in one chunk: about 1 MB of columns, which stays in the processor's cache."""

Floats = npt.NDArray[np.float64]


class Columns:
    """Columns of the agents at one end of a chunk of exposures: ``exposure.viewer.openness``."""

    __slots__ = ("_ids", "_people")

    def __init__(self, people: People, ids: Ids) -> None:
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
    message
        The message; ``message.tags``, ``message.created``.
    """

    def __init__(
        self, cascade: Cascade, contacts: Contacts, viewer: Ids, source: Ids, tie: Any, tick: int
    ) -> None:
        self._cascade = cascade
        self._contacts = contacts
        self._viewer = viewer
        self._tie = tie
        self._tick = tick
        self.viewer = Columns(contacts.people, viewer)
        self.source = Columns(contacts.people, source)

    def __len__(self) -> int:
        return self._viewer.size

    @property
    def message(self) -> Message:
        """The message shown."""
        return self._cascade.message

    @property
    def trust(self) -> Floats:
        """How much the viewer trusts the source, float64 in [0, 1]."""
        if not self._contacts.trust.size:
            return np.ones(len(self))
        shares: Floats = self._contacts.trust[self._tie] / 65535.0
        return shares

    @property
    def tie_kind(self) -> npt.NDArray[np.uint8]:
        """The kind of the tie, uint8; 0 is "follow"."""
        if not self._contacts.kind.size:
            return np.zeros(len(self), np.uint8)
        kinds: npt.NDArray[np.uint8] = self._contacts.kind[self._tie]
        return kinds

    @property
    def interest(self) -> Floats:
        """The share of the message's interests that the viewer has, in [0, 1]; 1 without tags."""
        out = np.empty(len(self))
        tags = np.uint64(self.message.tags)
        interests = self._contacts.people.column("interests")
        kernels.shared_interests(interests, self._viewer, len(self), tags, out)
        return out

    @property
    def repeats(self) -> Floats:
        """How often the viewer heard the message in earlier ticks, at most 255."""
        return _heard(self._cascade)[self._viewer].astype(np.float64)

    @property
    def novelty(self) -> Floats:
        """``1 / (1 + repeats)``: 1 at the first hearing."""
        return 1.0 / (1.0 + self.repeats)

    @property
    def age_ticks(self) -> Floats:
        """Ticks since the cascade started, the same in every row."""
        return np.full(len(self), float(self._tick - self._cascade.started_at))

    @property
    def tick_minutes(self) -> float:
        """Simulated minutes in a tick: one number, the same for all."""
        return self._contacts.tick_minutes

    def fresh_hours(self, fading: float) -> Floats:
        """Return how many hours of undiminished novelty this tick counts, the same in every row.

        ``fading`` as for :func:`sim.spread.freshness.fresh_minutes`.
        """
        stop = (self._tick - self._cascade.started_at) * self.tick_minutes
        whole = fresh_minutes(stop, fading) - fresh_minutes(stop - self.tick_minutes, fading)
        return np.full(len(self), whole / 60.0)

    @property
    def adopted_sources(self) -> Floats:
        """How many of the viewer's sources adopted before this tick, at most 65535."""
        return _near(self._cascade, self._contacts)[self._viewer].astype(np.float64)

    @property
    def adopted_share(self) -> Floats:
        """The share of the viewer's sources that adopted before this tick, in [0, 1]."""
        degree = np.maximum(self._contacts.degree[self._viewer], 1)
        return np.minimum(self.adopted_sources / degree, 1.0)


def _heard(cascade: Cascade) -> Sparse:
    """Return how often each agent heard the message before this tick, uint8."""
    if "repeats" not in cascade.held:
        cascade.held["repeats"] = Sparse(cascade.agents, np.uint8)
    column: Sparse = cascade.held["repeats"]
    return column


def _near(cascade: Cascade, contacts: Contacts) -> Sparse:
    """Return how many sources of each agent adopted, uint16, brought up to date on request."""
    network = contacts.whole
    upto, ties = cascade.held.get("_near", (0, -1))
    if ties != network.targets.size:  # ties were added: what was counted lacks them
        cascade.held["near"], upto = Sparse(cascade.agents, np.uint16), 0
    near: Sparse = cascade.held["near"]
    fresh = cascade.adopters[int(upto) :]
    if fresh.size:
        _count(near, network, fresh, np.zeros_like(cascade.marks()), 65535)
    cascade.held["_near"] = np.array([cascade.size, network.targets.size], np.int64)
    return near


def _count(column: Sparse, contacts: Contacts, speakers: Ids, closed: Bits, most: int) -> None:
    """Count one more hearing of every open listener of the speakers."""
    ties = count_ties(contacts.rows, speakers, 0, speakers.size)
    column.reserve(min(ties, column.agents))
    rows, targets = contacts.rows, contacts.targets
    kernels.count_heard(rows, targets, speakers, closed, most, column.keys, column.values)


class PerExposure(PropagationModel):
    """Each time an agent is shown the message by one source, it adopts by :meth:`chance`.

    An adopter speaks in the tick after its adoption, or for :meth:`speaks_for` ticks.
    """

    def chance(self, exposure: Exposure) -> Floats:
        """Return the chance of adopting, float64 in [0, 1], one an exposure.

        Write it without ``if`` over the columns (``numpy.where`` chooses row by row). Values
        outside [0, 1] are clipped; NaN or another shape stops the cascade.
        """
        raise NotImplementedError

    def speaks_for(self) -> int:
        """Return for how many ticks an adopter repeats the message, at least 0."""
        return 1

    def _span(self) -> int:
        """Return :meth:`speaks_for`, or refuse what is no number of ticks."""
        span: Any = self.speaks_for()
        if isinstance(span, bool) or not isinstance(span, int | np.integer) or span < 0:
            said = f"speaks_for() must return a whole number of ticks, 0 or more, got {span!r}"
            raise PluginError(self.plugin_name, said)
        return int(span)

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Fill chunks of exposures, ask for their chances, let the coins decide."""
        speakers, closed = cascade.recent(self._span()), cascade.closed
        ties = count_ties(contacts.rows, speakers, 0, speakers.size)
        size = min(CHUNK, ties) + 1
        dtypes = np.uint32, np.uint32, np.int64
        chunk: list[Any] = [np.empty(size, dtype) for dtype in dtypes]
        touched = i = e = 0
        while i < speakers.size:
            filled, i, e = kernels.fill(
                contacts.rows, contacts.targets, speakers, i, e, closed, *chunk
            )
            if filled:
                viewer, source, tie = (column[:filled] for column in chunk)
                chance = self._asked(Exposure(cascade, contacts, viewer, source, tie, draws.tick))
                touched = _settle(contacts, draws, viewer, source, chance, touched)
                cascade.contacts_seen += filled
        if "repeats" in cascade.held:
            _count(_heard(cascade), contacts, speakers, closed, 255)
        cascade.adopt_claims(contacts.scratch, touched)

    def _asked(self, exposure: Exposure) -> Floats:
        """Return the author's chances, or say what is wrong with them."""
        try:
            said = np.asarray(self.chance(exposure))
        except ValueError as error:
            if "truth value" not in str(error):
                raise
            raise PluginError(
                self.plugin_name, "chance() branches on a column; choose by numpy.where instead"
            ) from error
        if said.dtype.kind not in "biuf":
            raise PluginError(
                self.plugin_name, f"chance() must return real numbers, got {said.dtype}"
            )
        chance = said.astype(np.float64)
        if chance.ndim == 0:
            chance = np.full(len(exposure), float(chance))
        if chance.shape != (len(exposure),):
            raise PluginError(
                self.plugin_name,
                f"chance() must return one number an exposure, shape ({len(exposure)},), "
                f"got {chance.shape}",
            )
        if np.isnan(chance).any():
            raise PluginError(self.plugin_name, "chance() returned NaN; check for 0 / 0")
        return np.ascontiguousarray(chance)

    def is_quiet(self, cascade: Cascade, contacts: Contacts) -> bool:
        """Return whether nobody speaks any more."""
        return cascade.recent(self._span()).size == 0


def _settle(
    contacts: Contacts, draws: Draws, viewer: Ids, source: Ids, chance: Floats, touched: int
) -> int:
    """Let each exposure of a chunk convince by its own coin; returns how many are claimed."""
    scratch, key = contacts.scratch, draws.key(Stream.COINS)
    into: tuple[Any, ...] = (scratch.claim, scratch.touched, touched)
    return kernels.settle(viewer, source, chance, viewer.size, key, *into)
