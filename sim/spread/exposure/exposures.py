"""The base class of per-exposure models: a probability that one exposure convinces."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import PrivateAttr

from sim.core.cards import Card
from sim.core.rng import Stream
from sim.errors import PluginError
from sim.jit.claims import count_ties
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, Draws, Ids
from sim.spread.cascade.faults import place_of
from sim.spread.cascade.model import PropagationModel
from sim.spread.cascade.used_names import names_any
from sim.spread.exposure import exposures_kernels as kernels
from sim.spread.exposure.columns import (
    CascadeRows,
    EndColumns,
    Exposure,
    Floats,
    count_hearings,
    hearings,
)
from sim.spread.exposure.message_batches import step_in_batches

__all__ = ["CHUNK", "EndColumns", "Exposure", "Floats", "PerExposure"]

CHUNK = 65_536
"""Exposures in one chunk: about 1 MB of columns, which stays in the processor's cache."""


class PerExposure(PropagationModel):
    """Each time an agent is shown the message by one source, it adopts by :meth:`chance`.

    An adopter speaks in the tick after its adoption, or for :meth:`speaks_for` ticks.
    """

    def chance(self, exposure: Exposure) -> Floats:
        """Return the chance of adopting, float64 in [0, 1], one an exposure.

        One call may be about several messages: attributes are columns all the same, except
        ``exposure.message``; a model that reads it is asked about each message by itself.

        Write it without ``if`` over the columns (``numpy.where`` chooses row by row). Values
        outside [0, 1] are clipped; NaN or another shape stops the cascade.
        """
        raise NotImplementedError

    def speaks_for(self) -> int:
        """Return for how many ticks an adopter repeats the message, at least 0."""
        return 1

    def speaks_hours(self) -> float | None:
        """Return for how many hours an adopter repeats the message; ``None``: by ticks."""
        return None

    def ticks_spoken(self, tick_minutes: float = 60.0) -> int:
        """Return :meth:`speaks_hours` in ticks, at least one, or :meth:`speaks_for`.

        Raises
        ------
        PluginError
            For what is no number of ticks.
        """
        hours = self.speaks_hours()
        if hours is not None:
            return max(1, round(hours * 60 / tick_minutes))
        span: Any = self.speaks_for()
        if isinstance(span, bool) or not isinstance(span, int | np.integer) or span < 0:
            said = f"speaks_for() must return a whole number of ticks, 0 or more, got {span!r}"
            raise PluginError(self.plugin_name, said)
        return int(span)

    card: ClassVar[Card] = Card(
        update="synchronous: all exposures of a tick see the state before it; an adopter speaks "
        "from the tick after its adoption on, for a span that runs on while it is absent (a span "
        "of one tick waits for it)",
        comparison="an exposure convinces when its draw in [0, 1) is < its chance, clipped to "
        "[0, 1]",
        ties="each exposure has its own draw, anew each tick; among several that convince one "
        "viewer a fair draw chooses the source, whatever their chances",
        draw_modes="coins: one an exposure",
        cost="all ties of those who speak, 50-100 ns each; small messages of equal parameters "
        "share a pass",
        largest="10 million agents with 200 million ties",
    )

    _kin: Hashable | None = PrivateAttr(None)

    def together(self) -> Hashable | None:
        """Return its parameters: small cascades of one model share one pass over the network."""
        if self._kin is None and type(self).step is PerExposure.step:
            self._kin = tuple(self.values().items())
        return self._kin

    @classmethod
    def step_together(
        cls, cascades: Sequence[Cascade], contacts: Sequence[Contacts], draws: Sequence[Draws]
    ) -> Mapping[Cascade, BaseException] | None:
        """Step small cascades in one batch, large ones one by one: the result is the same."""
        return step_in_batches(cascades, contacts, draws, CHUNK)

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Fill chunks of exposures, ask for their chances, let the coins decide."""
        if self.reads_repeats():
            hearings(cascade)
        speakers, closed = cascade.recent(self.ticks_spoken(contacts.tick_minutes)), cascade.closed
        ties = count_ties(contacts.rows, speakers, 0, speakers.size)
        size = min(CHUNK, ties) + 1
        dtypes = np.uint32, np.uint32, np.int64
        chunk: list[Any] = [np.empty(size, dtype) for dtype in dtypes]
        touched = i = e = 0
        while i < speakers.size:
            filled, i, e = kernels.fill(
                contacts.rows,
                contacts.targets,
                speakers,
                i,
                e,
                closed,
                chunk[0],
                chunk[1],
                chunk[2],
                0,
            )
            if filled:
                viewer, source, tie = (column[:filled] for column in chunk)
                part = [CascadeRows(cascade, 0, filled)]
                chance = self.chances_of(Exposure(part, contacts, viewer, source, tie, draws.tick))
                touched = _settle(contacts, draws, viewer, source, chance, touched)
                cascade.contacts_seen += filled
        if "repeats" in cascade.held:
            count_hearings(hearings(cascade), contacts, speakers, closed, 255)
        cascade.adopt_claims(contacts.scratch, touched)

    def chances_of(self, exposure: Exposure) -> Floats:
        """Return the author's chances, or say what is wrong with them."""
        try:
            said = np.asarray(self.chance(exposure))
        except ValueError as error:
            if "truth value" not in str(error):
                raise
            raise PluginError(
                self.plugin_name,
                f"chance() branches on a column{place_of(error)}; choose by numpy.where instead",
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

    def reweigh(self, cascade: Cascade) -> None:
        """Do nothing: what is counted are sources, whatever their trust."""

    @classmethod
    def reads_repeats(cls) -> bool:
        """Return whether its code names hearings, which then count from the first tick on."""
        return names_any(cls, frozenset({"repeats", "novelty"}), PerExposure)

    def unsettle(self, cascade: Cascade) -> None:
        """Let it be counted anew how many of those that an agent hears adopted."""
        if "_near" in cascade.held:
            cascade.held["_near"] = np.array([0, -1], np.int64)

    def may_pass_on(self, cascade: Cascade) -> Ids:
        """Return who adopted so short a time ago that it still speaks."""
        if cascade.is_carried is not None:
            return cascade.adopters  # a feed may show what somebody adopted long ago
        minutes = cascade.tick_minutes
        span = self.ticks_spoken(minutes)
        spoken = int(cascade.new_adopters[-span:].sum()) if span > 0 else 0
        return np.union1d(cascade.adopters[cascade.size - spoken :], cascade.yet_to_speak)

    def is_quiet(self, cascade: Cascade, contacts: Contacts) -> bool:
        """Return whether nobody speaks any more."""
        return cascade.recent(self.ticks_spoken(contacts.tick_minutes)).size == 0


def _settle(
    contacts: Contacts, draws: Draws, viewer: Ids, source: Ids, chance: Floats, touched: int
) -> int:
    """Let each exposure of a chunk convince by its own coin; returns how many are claimed."""
    scratch, key = contacts.scratch, draws.key(Stream.EXPOSURES)
    into: tuple[Any, ...] = (scratch.claim, scratch.touched, touched)
    return kernels.settle(viewer, source, chance, viewer.size, key, *into)
