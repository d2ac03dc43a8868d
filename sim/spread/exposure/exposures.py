"""The base class of per-exposure models: a probability that one exposure convinces."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any, ClassVar

import numpy as np

from sim.arrays import F64, Ids
from sim.core.authors import returned
from sim.core.cards import Card
from sim.core.rng import Stream
from sim.errors import PluginError
from sim.jit.claims import count_ties
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, Draws
from sim.spread.cascade.faults import place_of
from sim.spread.cascade.model import PropagationModel
from sim.spread.exposure import exposures_kernels as kernels
from sim.spread.exposure.columns import Exposure, count_hearings, hearings

CHUNK = 65_536
"""Exposures in one chunk: about 1 MB of columns, which stays in the processor's cache."""


class PerExposure(PropagationModel):
    """Each time an agent is shown the message by one source, it adopts by :meth:`chance`.

    An adopter speaks in the tick after its adoption, or for :meth:`speaks_for` ticks.
    """

    def chance(self, exposure: Exposure) -> F64:
        """Return the chance of adopting, float64 in [0, 1], one an exposure.

        Write it without ``if`` over the columns (``numpy.where`` chooses row by row). Values
        outside [0, 1] are clipped; NaN, infinity or another shape stops the cascade.
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
        cost="all ties of those who speak, 50-100 ns each",
        largest="10 million agents with 200 million ties",
    )

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Fill chunks of exposures, ask for their chances, let the coins decide."""
        if self.reads_repeats():
            hearings(cascade)
        speakers, closed = cascade.recent(self.ticks_spoken(contacts.tick_minutes)), cascade.closed
        ties = count_ties(contacts.rows, speakers, 0, speakers.size)
        size = min(CHUNK, ties) + 1
        chunk: list[Any] = [np.empty(size, kind) for kind in (np.uint32, np.uint32, np.int64)]
        scratch, key = contacts.scratch, draws.key(Stream.EXPOSURES)
        touched = i = e = 0
        while i < speakers.size:
            filled, i, e = kernels.fill(
                contacts.rows, contacts.targets, speakers, i, e, closed, *chunk, 0
            )
            if filled:
                viewer, source, tie = (column[:filled] for column in chunk)
                asked = Exposure(cascade, contacts, viewer, source, tie, draws.tick)
                touched = kernels.settle(
                    viewer, source, self.chances_of(asked), filled, key, scratch.claim,
                    scratch.touched, touched,
                )  # fmt: skip
                cascade.contacts_seen += filled
        if "repeats" in cascade.held:
            count_hearings(hearings(cascade), contacts, speakers, closed, 255)
        cascade.adopt_claims(scratch, touched)

    def chances_of(self, exposure: Exposure) -> F64:
        """Return the author's chances, or say what is wrong with them."""
        try:
            given: object = self.chance(exposure)
            said = np.asarray(given)
        except ValueError as error:
            if "truth value" not in str(error):
                raise
            raise PluginError(
                self.plugin_name,
                f"chance() branches on a column{place_of(error)}; choose by numpy.where instead",
            ) from error
        if said.dtype.kind not in "biuf":
            raise PluginError(
                self.plugin_name, f"chance() must return real numbers, got {returned(given, said)}"
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
        if not np.isfinite(chance).all():
            raise PluginError(
                self.plugin_name, "chance() returned NaN or infinity; check for a division by 0"
            )
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


_DEPTH = 4


@lru_cache(maxsize=512)
def names_any(cls: type, wanted: frozenset[str], base: type) -> bool:
    """Return whether the code of a class, below ``base``, or of functions that it calls names any.

    Names that are put together while it runs are not seen.
    """
    owners = [owner for owner in cls.__mro__ if issubclass(owner, base) and owner is not base]
    own = [part for owner in owners for part in vars(owner).values()]
    return any(not wanted.isdisjoint(_names(each, _DEPTH)) for each in _functions(own))


def _functions(parts: list[object]) -> Iterator[FunctionType]:
    for part in parts:
        inner = getattr(part, "fget", None) or getattr(part, "__func__", part)
        inner = getattr(inner, "func", inner)  # a cached property
        inner = getattr(inner, "__wrapped__", inner)
        if isinstance(inner, FunctionType):
            yield inner


def _names(function: FunctionType, depth: int) -> set[str]:
    found = _in_code(function.__code__)
    for name in list(found) if depth else ():
        other = function.__globals__.get(name)
        if isinstance(other, FunctionType):
            found |= _names(other, depth - 1)
    return found


def _in_code(code: CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _in_code(constant)
        elif isinstance(constant, str):
            names.add(constant)
    return names
