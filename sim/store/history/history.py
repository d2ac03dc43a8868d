"""The history of a world: who adopted what, when and from whom; answered from packed columns.

Ten million adoptions take 120 MB; a question looks through all of them in some 20 ms.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeVar

import numpy as np

from sim.agents.columns import Agents
from sim.arrays import F64, I32, I64, Ids
from sim.core.checks import LAST_TICK
from sim.errors import InputError
from sim.jit.claims import NOBODY
from sim.platform.acts.kinds import act_of
from sim.platform.acts.tick_record import said_in
from sim.platform.posts.texts import ANSWERS, QuotedTexts
from sim.spread.cascade.generations import Generations, r_of, summed
from sim.store.history.acts import Record, RecordedAct, RecordedPost, look_up_history
from sim.store.sans_io import Lookup

T = TypeVar("T")

_MOST_TICKS = 10_000_000
"""Of a series: half a gigabyte of counts, and a thousand years of hours."""


@dataclass(slots=True, eq=False)
class WorldHistory:
    """Everything that is on record of one world.

    Examples
    --------
    >>> agents, ticks, sources = np.uint32([4, 7]), np.int32([0, 1]), np.uint32([NOBODY, 4])
    >>> story = AdoptionPack(0, agents, ticks, sources)
    >>> facts = [MessageFacts(0, "The bridge is closed.")]
    >>> history = WorldHistory(AdoptionColumns.of([story]), facts, tick=1)
    >>> [(each.tick, each.kind, each.other) for each in history.agent(4)]
    [(0, 'began', -1), (1, 'convinced', 7)]
    """

    adoptions: AdoptionColumns
    told: list[MessageFacts]
    tick: int
    readings: list[TickCounts] = field(default_factory=list)
    record: Record | None = None
    seed: int = 0
    cohorts: dict[int, Generations] = field(default_factory=dict)
    packs: list[AdoptionPack] = field(init=False)

    def __post_init__(self) -> None:
        """Cut the columns up by message."""
        self.packs = self.adoptions.packs()

    @property
    def events(self) -> int:
        """How many adoptions there are."""
        return self.adoptions.agents.size

    # Questions

    def agent(
        self, agent: int, *, first: int | None = None, last: int | None = None
    ) -> list[HistoryEvent]:
        """Return what an agent wrote, adopted, convinced others of, and did; in order of time."""
        return self._look_up(self.find_agent(agent, first=first, last=last))

    def find_agent(
        self, agent: int, *, first: int | None = None, last: int | None = None
    ) -> Lookup[list[HistoryEvent]]:
        """Look :meth:`agent` up."""
        columns = self.adoptions
        places = np.flatnonzero((columns.agents == agent) | (columns.sources == agent))
        found = list(self._told_of(places, agent, first, last))
        found += [
            HistoryEvent(each.created, each.id, "wrote", agent, -1)
            for each in self.told
            if each.author == agent and _within(each.created, first, last)
        ]
        if self.record is not None:
            deeds = yield from self.record.find_deeds(agent, first=first, last=last)
            found += map(_deed, deeds)
        return sorted(found)

    def pair(
        self, one: int, other: int, *, first: int | None = None, last: int | None = None
    ) -> list[HistoryEvent]:
        """Return what two agents convinced each other of, and did to each other."""
        return self._look_up(self.find_pair(one, other, first=first, last=last))

    def find_pair(
        self, one: int, other: int, *, first: int | None = None, last: int | None = None
    ) -> Lookup[list[HistoryEvent]]:
        """Look :meth:`pair` up."""
        agents, sources = self.adoptions.agents, self.adoptions.sources
        there = (agents == one) & (sources == other)
        there |= (agents == other) & (sources == one)
        found = list(self._happenings(np.flatnonzero(there), first, last))
        if self.record is not None:
            for who, whom in ((one, other), (other, one)):
                deeds = yield from self.record.find_deeds(who, whom, first=first, last=last)
                found += map(_deed, deeds)
        return sorted(found)

    def said(self, happening: HistoryEvent, people: Agents) -> QuotedTexts:
        """Return what was said in a happening, and upon what; whose words are whose."""
        told = {each.id: each.text for each in self.told}
        if happening.message >= 0 or self.record is None:
            return QuotedTexts(told.get(happening.message, ""))
        deed = (happening.agent, act_of(happening.kind), happening.post, happening.other)
        found = self.record.behind(RecordedAct(happening.tick, *deed))
        if found is None:
            return QuotedTexts()
        said = self._said_in(found, people)
        if act_of(happening.kind) not in ANSWERS:
            return said
        upon = self.record.post(happening.post)
        if upon is None:
            return said._replace(upon_by=happening.other)
        about = self._said_in(upon, people)
        return said._replace(upon=about.text, upon_by=about.by)

    def _said_in(self, post: RecordedPost, people: Agents) -> QuotedTexts:
        told = {each.id: each.text for each in self.told}
        own = told.get(post.row[-1], post.own)
        return QuotedTexts(said_in(people, self.seed, post.number, post.row, own), int(post.row[0]))

    def message(
        self, message: int, *, first: int | None = None, last: int | None = None
    ) -> Adopters:
        """Return the adopters of a message with who from whom, in order of time."""
        pack = self._pack(message)
        low, high = _bounds(first, last)
        within = slice(*np.searchsorted(pack.ticks, [low, high + 1]))
        sources = pack.sources[within].astype(np.int64)
        sources[sources == NOBODY] = -1
        return Adopters(pack.agents[within], pack.ticks[within], sources)

    def counts(
        self,
        message: int | None = None,
        *,
        first: int | None = None,
        last: int | None = None,
        points: int | None = None,
        r: bool = False,
    ) -> HistorySeries:
        """Return numbers over time."""
        if points is not None and points < 1:
            raise InputError(f"A series has at least 1 point, got {points}.")
        packs = self.packs if message is None else [self._pack(message)]
        earliest = min((int(pack.ticks[0]) for pack in packs if pack.ticks.size), default=self.tick)
        begins = earliest if first is None else min(max(first, 0), LAST_TICK)
        ends = self.tick if last is None else min(last, self.tick)
        length = max(ends - begins + 1, 0)
        if length > _MOST_TICKS:
            raise InputError(
                f"A series is counted over at most {_MOST_TICKS:,} ticks, and from {begins:,} to "
                f"{ends:,} there are {length:,}; name a shorter stretch (--from, --to)."
            )
        before, new = _counted(packs, begins, length)
        at = np.arange(begins, begins + length, dtype=np.int64)
        contacts, running = self._read(at, whole=message is None)
        width = 1 if points is None else max(1, -(-length // points))
        series = _series(at, new, before, contacts, running, width)
        if r and length:
            about = [self._cohorts_of(pack) for pack in packs]
            found = summed(about, at[::width], begins + length)
            series = replace(series, r=r_of(*found))
        return series

    # Inside

    def _look_up(self, lookup: Lookup[T]) -> T:
        return look_up_history(None if self.record is None else self.record.file, lookup)

    def _cohorts_of(self, pack: AdoptionPack) -> Generations:
        """Return the generations of a message; of one that nobody knows of, none ever whole."""
        none = np.empty(0, np.int64)
        unknown = Generations(
            int(pack.ticks[0]) if pack.ticks.size else 0, none, none, none, False, 0
        )
        return self.cohorts.get(pack.message, unknown)

    def _told_of(
        self, places: I64, agent: int, first: int | None, last: int | None
    ) -> Iterator[HistoryEvent]:
        for each in self._happenings(places, first, last):
            if each.other == agent:
                yield HistoryEvent(each.tick, each.message, "convinced", agent, each.agent)
            if each.agent == agent:
                yield each

    def _happenings(
        self, places: I64, first: int | None, last: int | None
    ) -> Iterator[HistoryEvent]:
        columns = self.adoptions
        packs = np.searchsorted(columns.starts, places, side="right") - 1
        for place, pack in zip(places.tolist(), packs.tolist(), strict=True):
            tick = int(columns.ticks[place])
            if _within(tick, first, last):
                source, agent = int(columns.sources[place]), int(columns.agents[place])
                is_first = source == int(NOBODY)
                kind: Kind = "began" if is_first else "adopted"
                message = columns.messages[pack]
                yield HistoryEvent(tick, message, kind, agent, -1 if is_first else source)

    def _pack(self, message: int) -> AdoptionPack:
        for pack in self.packs:
            if pack.message == message:
                return pack
        known = sorted({each.id for each in self.told} | set(self.adoptions.messages))
        if message in known:
            return AdoptionColumns.room({message: 0}).packs()[0]
        there = f"they are {known[0]} to {known[-1]}" if known else "there is none"
        raise InputError(f"No message {message}; {there}.")

    def _read(self, at: I64, *, whole: bool) -> tuple[F64, F64]:
        """Return contacts a tick and messages under way at each tick; NaN where unknown."""
        contacts, running = np.full(at.size, np.nan), np.full(at.size, np.nan)
        if not whole or not at.size:
            return contacts, running
        before: TickCounts | None = None
        for now in self.readings:
            if before is not None and now.tick > before.tick:
                here = slice(*np.searchsorted(at, [before.tick + 1, now.tick + 1]))
                contacts[here] = (now.contacts - before.contacts) / (now.tick - before.tick)
                running[here] = now.running
            before = now
        return contacts, running


def _deed(deed: RecordedAct) -> HistoryEvent:
    return HistoryEvent(deed.tick, -1, deed.act.says, deed.agent, deed.other, deed.message)


def _within(tick: int, first: int | None, last: int | None) -> bool:
    low, high = _bounds(first, last)
    return low <= tick <= high


def _bounds(first: int | None, last: int | None) -> tuple[int, int]:
    """Return the first and the last tick that are asked for, as ticks that a world can have."""
    low, high = -LAST_TICK if first is None else first, LAST_TICK if last is None else last
    return max(-LAST_TICK, min(low, LAST_TICK)), max(-LAST_TICK, min(high, LAST_TICK - 1))


def _counted(packs: Sequence[AdoptionPack], begins: int, length: int) -> tuple[int, I64]:
    """Return how many adopted before a tick, and how many at each of ``length`` ticks from it."""
    small = [pack.ticks for pack in packs if pack.ticks.size <= length]
    ticks = np.concatenate([np.empty(0, np.int32), *small]) - begins
    before = int(np.count_nonzero(ticks < 0))
    new = np.bincount(ticks[(ticks >= 0) & (ticks < length)], minlength=length).astype(np.int64)
    edges = np.arange(begins, begins + length + 1)
    for pack in packs:
        if pack.ticks.size > length:  # they are in order: looking for the edges is enough
            places = np.searchsorted(pack.ticks, edges.astype(np.int32))
            before += int(places[0])
            new += np.diff(places)
    return before, new


def _series(
    at: I64,
    new: I64,
    before: int,
    contacts: F64,
    running: F64,
    width: int,
) -> HistorySeries:
    """Return a series of stretches of ``width`` ticks."""
    starts = np.arange(0, at.size, width)
    ends = np.minimum(starts + width, at.size) - 1
    if not at.size:
        none, nothing = np.empty(0, np.int64), np.empty(0)
        return HistorySeries(none, none, none, nothing, nothing, nothing)
    more = np.add.reduceat(new, starts)
    r = np.full(starts.size, np.nan)
    known = np.add.reduceat((~np.isnan(contacts)).astype(np.int64), starts)
    average = np.full(starts.size, np.nan)
    np.divide(np.add.reduceat(np.nan_to_num(contacts), starts), known, out=average, where=known > 0)
    return HistorySeries(at[ends], more, before + np.cumsum(more), r, average, running[ends])


Kind = str
"""``wrote``, ``began``, ``adopted``, ``convinced``, or an act of the platform: ``like`` ..."""


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """What is known of a message.

    Attributes
    ----------
    id, text, model
        Its number, text, and the name of its model; empty where nothing tells.
    author
        Index of who wrote it, -1: nobody.
    created
        The tick at which it was made.
    contacts
        How often somebody was exposed to it, as far as it was counted.
    """

    id: int
    text: str = ""
    model: str = ""
    author: int = -1
    created: int = 0
    contacts: int = 0


class HistoryEvent(NamedTuple):
    """Something that an agent did, or that was done to it.

    ``kind`` is ``"wrote"`` a message, ``"began"`` with it (a seed, or nobody convinced it),
    ``"adopted"`` it from ``other``, or ``"convinced"`` ``other`` of it; ``other`` is -1 for nobody.
    Or it is an act on the platform by its name (:class:`~sim.platform.acts.kinds.Act`): then
    ``message`` is
    -1, and ``post`` the number of the message there that it is about or posted, -1 for none.
    """

    tick: int
    message: int
    kind: Kind
    agent: int
    other: int
    post: int = -1


class Adopters(NamedTuple):
    """Who adopted a message, in order: uint32 indices, int32 ticks, int64 sources (-1: nobody)."""

    agents: Ids
    ticks: I32
    sources: I64


class TickCounts(NamedTuple):
    """Counts of a whole world at a tick, as a journal has them: contacts so far, and messages."""

    tick: int
    contacts: int
    running: int
    queued: int


@dataclass(frozen=True, slots=True, eq=False)
class HistorySeries:
    """Numbers over time, one each tick or each stretch of ticks.

    Attributes
    ----------
    ticks
        int64: the last tick of each stretch.
    new, adopted
        int64: adoptions in it, and all up to its end.
    r
        float64: adoptions caused, at any time, by those who adopted in it, per adoption, first and
        later ones; NaN where nobody did, and while any of them may still cause more.
    contacts
        float64: exposures a tick, averaged over the entries of the journal; NaN where unknown.
    running
        float64: messages under way; NaN where unknown.
    """

    ticks: I64
    new: I64
    adopted: I64
    r: F64
    contacts: F64
    running: F64


class AdoptionPack(NamedTuple):
    """Adoptions of one message, in order."""

    message: int
    agents: Ids
    ticks: I32
    sources: Ids

    def first(self, count: int) -> AdoptionPack:
        """Return the first ``count`` of it."""
        return AdoptionPack(
            self.message, self.agents[:count], self.ticks[:count], self.sources[:count]
        )


@dataclass(slots=True, eq=False)
class AdoptionColumns:
    """Adoptions of all messages in three columns, each message's one behind the other."""

    messages: list[int]
    starts: I64
    agents: Ids
    ticks: I32
    sources: Ids

    @classmethod
    def of(cls, packs: Sequence[AdoptionPack]) -> AdoptionColumns:
        """Copy packs into columns."""
        made = cls.room({pack.message: pack.agents.size for pack in packs})
        for pack, start, stop in zip(packs, made.starts, made.starts[1:], strict=False):
            made.agents[start:stop] = pack.agents
            made.ticks[start:stop] = pack.ticks
            made.sources[start:stop] = pack.sources
        return made

    @classmethod
    def room(cls, sizes: Mapping[int, int]) -> AdoptionColumns:
        """Return columns with room for so many adoptions of each message."""
        starts = np.cumsum([0, *sizes.values()], dtype=np.int64)
        size = int(starts[-1])
        agents, sources = np.empty(size, np.uint32), np.empty(size, np.uint32)
        return cls(list(sizes), starts, agents, np.empty(size, np.int32), sources)

    def packs(self) -> list[AdoptionPack]:
        """Return each message's part of the columns."""
        ends = zip(self.messages, self.starts.tolist(), self.starts[1:].tolist(), strict=False)
        return [
            AdoptionPack(message, self.agents[a:b], self.ticks[a:b], self.sources[a:b])
            for message, a, b in ends
        ]
