"""The base class of per-exposure models: the probability that one exposure convinces."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, U64, Ids
from sim.core.authors import returned
from sim.core.cards import Card
from sim.core.rng import Stream
from sim.errors import PluginError
from sim.jit.claims import count_ties
from sim.spread.cascade.cascade import Cascade, Message
from sim.spread.cascade.contacts import AgentReader, Contacts, Draws
from sim.spread.cascade.faults import place_of
from sim.spread.cascade.model import PropagationModel
from sim.spread.cascade.sparse_column import SparseColumn
from sim.spread.exposure import exposures_kernels as kernels

CHUNK = 65_536
"""Exposures per chunk: about 1 MB of columns, which stays in the cache."""


class PerExposure(PropagationModel):
    """Each time an agent is shown the message by one source, it adopts by :meth:`chance`.

    An adopter speaks in the tick after its adoption, or for :meth:`speaks_for` ticks.
    """

    def chance(self, exposure: Exposure) -> F64:
        """Return the chance of adopting, float64 in [0, 1], one value per exposure.

        Write it without ``if`` on columns (``numpy.where`` chooses row by row). Values
        outside [0, 1] are clipped; NaN, infinity or another shape stops the cascade.
        """
        raise NotImplementedError

    def speaks_for(self) -> int:
        """Return for how many ticks an adopter repeats the message, at least 0."""
        return 1

    def speaks_hours(self) -> float | None:
        """Return for how many hours an adopter repeats the message; ``None``: use ticks."""
        return None

    def ticks_spoken(self, tick_minutes: float = 60.0) -> int:
        """Return :meth:`speaks_hours` in ticks, at least one, or :meth:`speaks_for`.

        Raises
        ------
        PluginError
            If it is not a valid number of ticks.
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
        """Fill chunks of exposures, compute their chances, toss the coins."""
        if self.reads_repeats():
            hearings(cascade)
        speakers, closed = cascade.recent(self.ticks_spoken(contacts.tick_minutes)), cascade.closed
        ties = count_ties(contacts.rows, speakers, 0, speakers.size)
        size = min(CHUNK, ties) + 1
        chunk: tuple[Any, Any, Any] = (
            np.empty(size, np.uint32), np.empty(size, np.uint32), np.empty(size, np.int64),
        )  # fmt: skip
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
        """Return the chances of the model, or raise PluginError if they are invalid."""
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
        """Do nothing: sources are counted regardless of trust."""

    @classmethod
    def reads_repeats(cls) -> bool:
        """Return whether its code uses hearings, which are then counted from the first tick."""
        return names_any(cls, frozenset({"repeats", "novelty"}), PerExposure)

    def unsettle(self, cascade: Cascade) -> None:
        """Have the adopters among each agent's sources counted again."""
        if "_near" in cascade.held:
            cascade.held["_near"] = np.array([0, -1], np.int64)

    def may_pass_on(self, cascade: Cascade) -> Ids:
        """Return the adopters recent enough to be still speaking."""
        if cascade.is_carried is not None:
            return cascade.adopters  # a feed may show old adoptions
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
    """Return whether a class below ``base``, or a function that it calls, uses any of the names."""
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


def fresh_minutes(minutes: float, fading: float = 0.4) -> float:
    """Return the effective length of the first minutes: the integral of ``exp(-fading t^0.4)``.

    Parameters
    ----------
    minutes
        Age of the story, at least 0.
    fading
        Rate at which novelty fades, at least 0; 0 never, 0.4 in the paper.

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
    if x < 1e-3:  # the closed form would lose precision; the series has three terms to spare
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


@dataclass(eq=False, repr=False)
class Exposure:
    """A chunk of exposures; every attribute is a column with one value per exposure.

    Attributes
    ----------
    viewer, source
        Columns of the listener and of the speaker, such as ``viewer.openness``.
    """

    _cascade: Cascade
    _contacts: Contacts
    _viewer: Ids
    _source: Ids
    _tie: npt.NDArray[np.int64]
    _tick: int

    def __post_init__(self) -> None:
        self.viewer = EndColumns(self._contacts.people, self._viewer)
        self.source = EndColumns(self._contacts.people, self._source)

    def __len__(self) -> int:
        return self._viewer.size

    @property
    def message(self) -> Message:
        """The message shown: the object itself, not a column."""
        return self._cascade.message

    @property
    def trust(self) -> F64:
        """The viewer's trust in the source, float64 in [0, 1]."""
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
        """Whether viewer and source are in the same community, bool; False if in none."""
        here = self.viewer.community
        same: npt.NDArray[np.bool_] = (here >= 0) & (here == self.source.community)
        return same

    @property
    def has_communities(self) -> bool:
        """Whether anyone in the world is in a community: one answer for all rows."""
        # Usually true within the chunk; otherwise the whole world is searched.
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
        """Number of times the viewer heard the message in earlier ticks, at most 255.

        Counted from the first tick if the code of the model, or of functions that it calls,
        uses this or :attr:`novelty`.
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
        """Simulated minutes per tick: one number for all rows."""
        return self._contacts.tick_minutes

    def fresh_hours(self, fading: float) -> F64:
        """Return the hours of undiminished novelty in this tick, equal in all rows.

        ``fading`` as for :func:`fresh_minutes`.
        """
        each = self.tick_minutes
        stop = (self._tick - self._cascade.started_at) * each
        hours = (fresh_minutes(stop, fading) - fresh_minutes(stop - each, fading)) / 60.0
        return np.full(len(self), hours)

    def audience(self, spread: float) -> F64:
        """Return how well each is reached: the message's own factor if a seed speaks, else 1.

        Factor and ``spread`` are those of :meth:`sim.spread.cascade.cascade.Cascade.audience`; the
        mean over messages is 1, so that chances multiplied by it are the same on average.
        """
        out = np.ones(len(self))
        if spread > 0.0:
            by_seed = np.isin(self._source, self._cascade.seeds)
            out[by_seed] = self._cascade.audience(spread)
        return out

    @property
    def adopted_sources(self) -> F64:
        """Number of the viewer's sources that adopted before this tick, at most 65535."""
        return _near(self._cascade, self._contacts)[self._viewer].astype(np.float64)

    @property
    def adopted_share(self) -> F64:
        """The share of the viewer's sources that adopted before this tick, in [0, 1]."""
        degree = np.maximum(self._contacts.degree[self._viewer], 1)
        return np.minimum(self.adopted_sources / degree, 1.0)


def hearings(cascade: Cascade) -> SparseColumn:
    """Return the number of times each agent heard the message before this tick, uint8."""
    if "repeats" not in cascade.held:
        cascade.held["repeats"] = SparseColumn(cascade.agents, np.uint8)
    column: SparseColumn = cascade.held["repeats"]
    return column


def _near(cascade: Cascade, contacts: Contacts) -> SparseColumn:
    """Return the number of adopted sources of each agent, uint16, updated on demand."""
    network = contacts.whole
    upto, ties = cascade.held.get("_near", (0, -1))
    if ties != network.count:  # ties were added, which are not counted yet
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
    """Add one hearing to every open listener of the speakers."""
    ties = count_ties(contacts.rows, speakers, 0, speakers.size)
    column.reserve(min(ties, column.agents))
    rows, targets = contacts.rows, contacts.targets
    kernels.count_heard(rows, targets, speakers, closed, most, column.keys, column.values)
