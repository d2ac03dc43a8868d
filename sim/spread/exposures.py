"""Per exposure: one number says what it takes to convince this agent, now."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.rng import Stream
from sim.errors import PluginError
from sim.kernels import exposures as kernels
from sim.spread.cascade import Cascade
from sim.spread.contacts import Contacts, Draws, Ids, People
from sim.spread.messages import Message
from sim.spread.model import PropagationModel

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
        out = np.empty(len(self))
        kernels.heard_before(self._viewer, len(self), _heard(self._cascade), out)
        return out

    @property
    def novelty(self) -> Floats:
        """``1 / (1 + repeats)``: 1 at the first hearing."""
        return 1.0 / (1.0 + self.repeats)

    @property
    def age_ticks(self) -> Floats:
        """Ticks since the cascade started, the same in every row."""
        return np.full(len(self), float(self._tick - self._cascade.started_at))

    @property
    def adopted_share(self) -> Floats:
        """The share of the viewer's sources that adopted before this tick, in [0, 1]."""
        near = _near(self._cascade, self._contacts)
        degree = np.maximum(self._contacts.degree[self._viewer], 1)
        return np.minimum(near[self._viewer] / degree, 1.0)


def _heard(cascade: Cascade) -> npt.NDArray[np.uint8]:
    if "repeats" not in cascade.columns:
        cascade.columns["repeats"] = np.zeros(cascade.agents, np.uint8)
    column: npt.NDArray[np.uint8] = cascade.columns["repeats"]
    return column


def _near(cascade: Cascade, contacts: Contacts) -> npt.NDArray[np.uint16]:
    """Return how many sources of each agent adopted, brought up to date on request."""
    near = cascade.columns.setdefault("near", np.zeros(cascade.agents, np.uint16))
    upto = cascade.columns.setdefault("near_upto", np.zeros(1, np.int64))
    fresh = cascade.adopters[int(upto[0]) :]
    if fresh.size:
        nobody = np.zeros_like(cascade.done)
        kernels.count_heard(contacts.rows, contacts.targets, fresh, nobody, 65535, near)
        upto[0] = cascade.size
    found: npt.NDArray[np.uint16] = near
    return found


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
        """Return for how many ticks an adopter repeats the message."""
        return 1

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Fill chunks of exposures, ask for their chances, let the coins decide."""
        speakers = cascade.recent(self.speaks_for())
        touched = 0
        i = e = 0
        buffers: tuple[Any, ...] = (
            np.empty(CHUNK, np.uint32),
            np.empty(CHUNK, np.uint32),
            np.empty(CHUNK, np.int64),
        )
        rows, targets = contacts.rows, contacts.targets
        while i < speakers.size:
            filled, i, e = kernels.fill(rows, targets, speakers, i, e, cascade.done, *buffers)
            viewer, source, tie = (column[:filled] for column in buffers)
            exposure = Exposure(cascade, contacts, viewer, source, tie, draws.tick)
            chance = self._asked(exposure)
            touched = self._settle(contacts, draws, viewer, source, chance, touched)
            cascade.contacts_seen += filled
        if "repeats" in cascade.columns:
            kernels.count_heard(rows, targets, speakers, cascade.done, 255, _heard(cascade))
        cascade.adopt_claims(contacts.scratch, touched)

    def _settle(
        self,
        contacts: Contacts,
        draws: Draws,
        viewer: Ids,
        source: Ids,
        chance: Floats,
        touched: int,
    ) -> int:
        scratch = contacts.scratch
        key = draws.key(Stream.COINS)
        into: tuple[Any, ...] = (scratch.claim, scratch.touched, touched)
        return kernels.settle(viewer, source, chance, viewer.size, key, *into)

    def _asked(self, exposure: Exposure) -> Floats:
        """Return the author's chances, or say what is wrong with them."""
        try:
            chance = np.asarray(self.chance(exposure), np.float64)
        except ValueError as error:
            if "truth value" not in str(error):
                raise
            raise PluginError(
                self.plugin_name, "chance() branches on a column; choose by numpy.where instead"
            ) from error
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
        return cascade.recent(self.speaks_for()).size == 0
