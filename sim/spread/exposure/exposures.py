"""The base class of per-exposure models: a probability that one exposure convinces."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any, ClassVar, NamedTuple

import numpy as np
from pydantic import PrivateAttr

from sim.arrays import F64, U64, Ids
from sim.core.authors import returned
from sim.core.cards import Card
from sim.core.rng import Stream
from sim.errors import PluginError
from sim.jit.claims import count_ties
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, Draws
from sim.spread.cascade.faults import is_interruption, place_of
from sim.spread.cascade.model import PropagationModel
from sim.spread.exposure import exposures_kernels as kernels
from sim.spread.exposure.columns import (
    CascadeRows,
    EndColumns,
    Exposure,
    SeveralError,
    count_hearings,
    hearings,
)

__all__ = ["CHUNK", "EndColumns", "Exposure", "PerExposure", "names_any"]

CHUNK = 65_536
"""Exposures in one chunk: about 1 MB of columns, which stays in the processor's cache."""


class PerExposure(PropagationModel):
    """Each time an agent is shown the message by one source, it adopts by :meth:`chance`.

    An adopter speaks in the tick after its adoption, or for :meth:`speaks_for` ticks.
    """

    def chance(self, exposure: Exposure) -> F64:
        """Return the chance of adopting, float64 in [0, 1], one an exposure.

        One call may be about several messages: attributes are columns all the same, except
        ``exposure.message``; a model that reads it is asked about each message by itself.

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


def _settle(
    contacts: Contacts, draws: Draws, viewer: Ids, source: Ids, chance: F64, touched: int
) -> int:
    """Let each exposure of a chunk convince by its own coin; returns how many are claimed."""
    scratch, key = contacts.scratch, draws.key(Stream.EXPOSURES)
    into: tuple[Any, ...] = (scratch.claim, scratch.touched, touched)
    return kernels.settle(viewer, source, chance, viewer.size, key, *into)


SMALL = 4
"""A cascade is small when it fills at most one part in so many of a chunk."""
_alone: set[type] = set()


class _CascadeExposures(NamedTuple):
    """What one cascade has to say in this tick."""

    cascade: Cascade
    contacts: Contacts
    draws: Draws
    speakers: Ids
    closed: U64
    ties: int


def step_in_batches(
    cascades: Sequence[Cascade],
    contacts: Sequence[Contacts],
    draws: Sequence[Draws],
    room: int,
) -> dict[Cascade, BaseException]:
    """Step cascades of one model, with equal parameters; returns what stopped some of them.

    Every result is that of stepping each alone: exposures are addressed, and what is the author's
    is asked before anything is written.
    """
    faults: dict[Cascade, BaseException] = {}
    turns = list(zip(cascades, contacts, draws, strict=True))
    if len(turns) == 1 or type(cascades[0].model) in _alone:
        return _one_by_one(turns, faults)
    small: list[_CascadeExposures] = []
    large = []
    home = next((heard for heard in contacts if heard is heard.whole), None)
    for cascade, heard, own in turns:
        if heard is not home:  # a channel chose contacts for this message
            large.append((cascade, heard, own))
            continue
        turn = _turn(cascade, heard, own, faults)
        if turn is not None and turn.ties * SMALL <= room:
            small.append(turn)
        elif turn is not None:
            large.append((cascade, heard, own))
    for batch in _batches(small, room):
        if not _step_batch(batch):
            _one_by_one([(turn.cascade, turn.contacts, turn.draws) for turn in batch], faults)
    return _one_by_one(large, faults)


def _turn(
    cascade: Cascade, contacts: Contacts, draws: Draws, faults: dict[Cascade, BaseException]
) -> _CascadeExposures | None:
    try:
        speakers = cascade.recent(_model(cascade).ticks_spoken(contacts.tick_minutes))
        if _model(cascade).reads_repeats():
            hearings(cascade)
    except BaseException as error:
        _note(faults, cascade, error)
        return None
    ties = count_ties(contacts.rows, speakers, 0, speakers.size)
    return _CascadeExposures(cascade, contacts, draws, speakers, cascade.closed, int(ties))


def _model(cascade: Cascade) -> PerExposure:
    model: Any = cascade.model
    found: PerExposure = model
    return found


def _note(faults: dict[Cascade, BaseException], cascade: Cascade, error: BaseException) -> None:
    if is_interruption(error):
        raise error
    faults[cascade] = error


def _one_by_one(
    turns: Sequence[tuple[Cascade, Contacts, Draws]], faults: dict[Cascade, BaseException]
) -> dict[Cascade, BaseException]:
    for cascade, contacts, draws in turns:
        try:
            cascade.model.step(cascade, contacts, draws)
        except BaseException as error:
            contacts.scratch.release()
            _note(faults, cascade, error)
        contacts.release()
    return faults


def _batches(turns: list[_CascadeExposures], room: int) -> Iterator[list[_CascadeExposures]]:
    """Yield cascades whose exposures fit in one chunk together."""
    batch: list[_CascadeExposures] = []
    taken = 0
    for turn in turns:
        if taken + turn.ties > room:
            yield batch
            batch, taken = [], 0
        batch.append(turn)
        taken += turn.ties
    if batch:
        yield batch


def _step_batch(batch: list[_CascadeExposures]) -> bool:
    """Step a batch; returns False, with nothing written, where its author has to be asked singly.

    So when he wants to know the message, and when his answer is none: whose fault it is shows then.
    """
    contacts, parts, chunk = batch[0].contacts, [], _chunk(batch)
    filled = 0
    for turn in batch:
        start = filled
        filled, _, _ = kernels.fill(
            contacts.rows, contacts.targets, turn.speakers, 0, 0, turn.closed, *chunk, start
        )
        if filled > start:
            parts.append(CascadeRows(turn.cascade, start, filled))
    viewer, source, tie = (column[:filled] for column in chunk)
    chance = np.empty(0)
    if filled:
        model = _model(parts[0].cascade)
        try:
            chance = model.chances_of(
                Exposure(parts, contacts, viewer, source, tie, batch[0].draws.tick)
            )
        except SeveralError:
            _alone.add(type(model))
            return False
        except BaseException as error:
            if is_interruption(error):
                raise
            return False
    _write(batch, parts, (viewer, source, chance), contacts)
    return True


def _chunk(batch: list[_CascadeExposures]) -> tuple[Any, Any, Any]:
    """Return columns of viewers, sources and ties."""
    size = sum(turn.ties for turn in batch) + 1
    return np.empty(size, np.uint32), np.empty(size, np.uint32), np.empty(size, np.int64)


def _write(
    batch: list[_CascadeExposures],
    parts: list[CascadeRows],
    columns: tuple[Any, Any, Any],
    contacts: Contacts,
) -> None:
    """Let the coins decide; whoever is convinced adopts."""
    keys = {turn.cascade: turn.draws.key(Stream.EXPOSURES) for turn in batch}
    stops = np.array([part.stop for part in parts], np.int64)
    drawn = np.array([keys[part.cascade] for part in parts], np.uint64)
    ends = np.empty(len(parts), np.int64)
    scratch, (viewer, source, chance) = contacts.scratch, columns
    adopted, sources = np.empty_like(viewer), np.empty_like(source)
    kernels.settle_each(
        viewer, source, chance, stops, drawn, scratch.claim, scratch.touched, scratch.sources,
        adopted, sources, ends,
    )  # fmt: skip
    for turn in batch:
        if "repeats" in turn.cascade.held:
            count_hearings(hearings(turn.cascade), contacts, turn.speakers, turn.closed, 255)
    begin = 0
    for part, end in zip(parts, ends.tolist(), strict=True):
        part.cascade.contacts_seen += part.stop - part.start
        if end > begin:
            part.cascade.adopt_won(adopted[begin:end], sources[begin:end])
        begin = end


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
