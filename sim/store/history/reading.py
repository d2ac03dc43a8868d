"""Reader of a world's history: from memory, a snapshot, or a journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from sim.agents.columns import Agents
from sim.arrays import F64, I32, I64, Ids
from sim.core.bounds import under
from sim.core.checks import LAST_TICK, whole_number
from sim.core.pictures import described
from sim.core.progress import Report, quiet
from sim.errors import InputError, SnapshotError
from sim.jit.claims import NOBODY
from sim.platform.acts.kinds import act_of
from sim.platform.acts.log import ActLog
from sim.platform.acts.tick_record import RecentTicks, said_in
from sim.platform.opening import require_log, texts_of
from sim.platform.posts.posts import Posts
from sim.platform.posts.texts import ANSWERS, QuotedTexts
from sim.spread.cascade.generations import Generations, cohorts, r_of, summed
from sim.store.history.acts import (
    ActIndex,
    Record,
    RecordedAct,
    RecordedPost,
    look_up_history,
    record_of,
)
from sim.store.journal.journal import Checkpoint, ReplayLine, folder_of
from sim.store.journal.lineage import is_led_on
from sim.store.journal.reading import BrokenError, JournalFile, read_journal
from sim.store.snapshot import columns as arrays
from sim.store.snapshot.columns import Columns
from sim.store.snapshot.files import as_path
from sim.store.snapshot.gates import DamagedError, Lookup, gated
from sim.store.snapshot.opened import opened, sealed, unpack, world_rows
from sim.store.snapshot.schema import from_json
from sim.world.records import PREFIX

if TYPE_CHECKING:
    from sim.world.world import World


T = TypeVar("T")

_MOST_TICKS = 10_000_000
"""Limit for a series: half a gigabyte of counts, and a thousand years of hours."""


@dataclass(slots=True, eq=False)
class WorldHistory:
    """The complete recorded history of one world.

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
        """Split the columns by message."""
        self.packs = self.adoptions.packs()

    @property
    def events(self) -> int:
        """Number of adoptions."""
        return self.adoptions.agents.size

    # Queries

    def agent(
        self, agent: int, *, first: int | None = None, last: int | None = None
    ) -> list[HistoryEvent]:
        """Return what an agent wrote, adopted, passed on and did, in order of time."""
        return self._look_up(self.find_agent(agent, first=first, last=last))

    def find_agent(
        self, agent: int, *, first: int | None = None, last: int | None = None
    ) -> Lookup[list[HistoryEvent]]:
        """Lookup for :meth:`agent`."""
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
        """Return the adoptions and acts between two agents."""
        return self._look_up(self.find_pair(one, other, first=first, last=last))

    def find_pair(
        self, one: int, other: int, *, first: int | None = None, last: int | None = None
    ) -> Lookup[list[HistoryEvent]]:
        """Lookup for :meth:`pair`."""
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
        """Return the text of an event, and what it quotes or answers, with their authors."""
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
        """Return the adopters of a message with their sources, in order of time."""
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

    # Internal

    def _look_up(self, lookup: Lookup[T]) -> T:
        return look_up_history(None if self.record is None else self.record.file, lookup)

    def _cohorts_of(self, pack: AdoptionPack) -> Generations:
        """Return the generations of a message; for an unknown message none is ever complete."""
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
        """Return contacts per tick and messages under way at each tick; NaN where unknown."""
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
    """Return the first and the last requested tick, limited to valid ticks."""
    low, high = -LAST_TICK if first is None else first, LAST_TICK if last is None else last
    return max(-LAST_TICK, min(low, LAST_TICK)), max(-LAST_TICK, min(high, LAST_TICK - 1))


def _counted(packs: Sequence[AdoptionPack], begins: int, length: int) -> tuple[int, I64]:
    """Return the adoptions before a tick, and those at each of ``length`` ticks from it on."""
    small = [pack.ticks for pack in packs if pack.ticks.size <= length]
    ticks = np.concatenate([np.empty(0, np.int32), *small]) - begins
    before = int(np.count_nonzero(ticks < 0))
    new = np.bincount(ticks[(ticks >= 0) & (ticks < length)], minlength=length).astype(np.int64)
    edges = np.arange(begins, begins + length + 1)
    for pack in packs:
        if pack.ticks.size > length:  # they are sorted: searching for the edges is enough
            places = np.searchsorted(pack.ticks, edges.astype(np.int32))
            before += int(places[0])
            new += np.diff(places)
    return before, new


def _series(
    at: I64, new: I64, before: int, contacts: F64, running: F64, width: int
) -> HistorySeries:
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
    """What is known about a message."""

    # id, text, model: its number, text, and the name of its model; empty if unknown
    id: int
    text: str = ""
    model: str = ""
    author: int = -1  # index of its author, -1: none
    created: int = 0  # the tick at which it was created
    contacts: int = 0  # number of exposures, as far as they were counted


class HistoryEvent(NamedTuple):
    """Something that an agent did, or that happened to it.

    ``kind`` is ``"wrote"`` a message, ``"began"`` with it (a seed, or adopted without a source),
    ``"adopted"`` it from ``other``, or ``"convinced"`` ``other`` of it; ``other`` is -1 for none.
    Or it is the name of an act on the platform (:class:`~sim.platform.acts.kinds.Act`): then
    ``message`` is
    -1, and ``post`` the number of the platform's message concerned or posted, -1 for none.
    """

    tick: int
    message: int
    kind: Kind
    agent: int
    other: int
    post: int = -1


class Adopters(NamedTuple):
    """Adopters of a message, in order: uint32 indices, int32 ticks, int64 sources (-1: none)."""

    agents: Ids
    ticks: I32
    sources: I64


class TickCounts(NamedTuple):
    """Counts of a whole world at a tick, from a journal: contacts so far, and messages."""

    tick: int
    contacts: int
    running: int
    queued: int


@dataclass(frozen=True, slots=True, eq=False)
class HistorySeries:
    """Numbers over time, one per tick or per interval of ticks."""

    ticks: I64  # int64: the last tick of each interval
    new: I64  # new, adopted: int64: adoptions in it, and all up to its end
    adopted: I64
    # float64: adoptions caused, at any time, by the adopters in it, per adoption, first
    # and later ones; NaN where there are none, and while any may still cause more
    r: F64
    # float64: exposures per tick, averaged over the entries of the journal; NaN: unknown
    contacts: F64
    running: F64  # float64: messages under way; NaN: unknown


class AdoptionPack(NamedTuple):
    """Adoptions of one message, in order."""

    message: int
    agents: Ids
    ticks: I32
    sources: Ids

    def first(self, count: int) -> AdoptionPack:
        """Return the first ``count`` of them."""
        return AdoptionPack(
            self.message, self.agents[:count], self.ticks[:count], self.sources[:count]
        )


@dataclass(slots=True, eq=False)
class AdoptionColumns:
    """Adoptions of all messages in three columns, one message after the other."""

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
        """Return columns with room for this many adoptions of each message."""
        starts = np.cumsum([0, *sizes.values()], dtype=np.int64)
        size = int(starts[-1])
        agents, sources = np.empty(size, np.uint32), np.empty(size, np.uint32)
        return cls(list(sizes), starts, agents, np.empty(size, np.int32), sources)

    def packs(self) -> list[AdoptionPack]:
        """Return the part of each message in the columns."""
        ends = zip(self.messages, self.starts.tolist(), self.starts[1:].tolist(), strict=False)
        return [
            AdoptionPack(message, self.agents[a:b], self.ticks[a:b], self.sources[a:b])
            for message, a, b in ends
        ]


ADOPTION_BYTES = 12
_LAST = 1 << 62

Meta = Mapping[str, Any]


def history_of(
    world: World, path: str | PathLike[str] | None = None, *, recent: int | None = None
) -> WorldHistory:
    """Return the history of a world in memory: the records of its messages and of its members.

    The record of a message is shared until it grows; call this between two ticks.

    Parameters
    ----------
    world
        The world in memory.
    path
        Its file, with the acts of members beside it; None: only those in memory.
    recent
        Number of latest ticks for which acts are taken from memory; None: all in memory.

    Raises
    ------
    SnapshotError
        If the database beside the file is damaged, or foreign.
    """
    history, traces = in_memory(world, recent)
    return replace(history, record=record_of(traces, path))


def in_memory(world: World, recent: int | None = None) -> tuple[WorldHistory, ActIndex]:
    """Return the history of a world without the record of acts, and the index to find that."""
    packs, told = [], []
    for cascade in world.cascades:
        log, message = cascade.log.so_far(), cascade.message
        packs.append(AdoptionPack(cascade.id, log.agents, log.ticks, log.sources))
        said = (cascade.id, cascade.text, cascade.model_name, message.author, message.created)
        told.append(MessageFacts(*said, int(cascade.contacts_seen)))
    traces = ActIndex.of(world, recent)
    return WorldHistory(AdoptionColumns.of(packs), told, world.tick, seed=world.seed), traces


def read_history(path: str | PathLike[str], *, report: Report = quiet) -> WorldHistory:
    """Return the history of a world file, and of the journal beside it if there is one.

    Parameters
    ----------
    path
        ``NAME.hub``; if ``NAME.hub.live`` holds a journal that continues from it, that is read
        instead: its first
        checkpoint on the line that the world is on, and the entries since then.
    report
        Called with progress; may cancel.

    Raises
    ------
    SnapshotError
        If it cannot be read. Bytes of a journal are not compared with their digests here; use
        ``hubbub verify`` for that.
    """
    file = as_path(path)
    folder = folder_of(file)
    if is_led_on(file):
        with read_journal(folder) as journal:
            try:
                return _of_journal(folder, journal, report)
            except (BrokenError, sqlite3.Error, ValueError, TypeError) as error:
                raise SnapshotError(journal.path, f"damaged: {error}") from error
    report("reading the snapshot", 0.0)
    meta, columns = columns_of(file, _is_log)
    try:
        packs, told = AdoptionColumns.of(_packs(meta, columns)), _told(meta)
        tick, seed = int(meta["tick"]), int(meta.get("seed", 0))
    except (DamagedError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise SnapshotError(
            file, f"damaged: its history cannot be read ({error!s:.200})"
        ) from error
    record = _record(file, meta, columns, tick)
    return WorldHistory(packs, told, tick, record=record, seed=seed)


def cohorts_of(world: World) -> dict[int, Generations]:
    """Return the generations of each message that has started, for :attr:`WorldHistory.cohorts`."""
    return {each.id: cohorts(each) for each in world.cascades if each.status != "queued"}


def columns_of(path: Path, wanted: Callable[[str], bool]) -> tuple[Meta, Columns]:
    """Read some columns of a snapshot, each chunk checked; the rest is not read."""
    with opened(path) as file, gated(path) as connection:
        declared = arrays.declared(connection, file.body)
        entries = [e for e in declared if wanted(e.name) or e.name.startswith(PREFIX)]
        columns = arrays.read_some(connection, entries)
        try:
            meta = from_json(world_rows(connection, file.body).get("meta", ""))
            tick = whole_number(meta["tick"], "its tick", low=0, high=LAST_TICK)
            meta = meta | {"tick": tick, "cascades": list(meta["cascades"])}
        except (LookupError, TypeError, ValueError) as error:
            raise DamagedError(f"its metadata cannot be read ({error})") from error
    unpack(path, meta, columns)
    return meta, {name: own for name, own in columns.items() if wanted(name)}


def people_of(path: str | PathLike[str]) -> Agents:
    """Return the population of a world file, or of the newest checkpoint of its journal."""
    file = as_path(path)
    folder = folder_of(file)
    if is_led_on(file):
        with read_journal(folder) as journal:
            file = folder / _on_line(folder, journal)[-1].file
    meta, columns = columns_of(file, lambda name: name.startswith("agents."))
    try:
        return Agents.restore(meta["agents"], under("agents.", columns))
    except (InputError, LookupError, TypeError) as error:
        raise SnapshotError(file, f"its agents cannot be read ({error})") from error


def _on_line(folder: Path, journal: JournalFile) -> list[Checkpoint]:
    """Return the existing checkpoints on the world's line, oldest first."""
    line = journal.line()
    named = [each for each in reversed(journal.checkpoints()) if line.leads_by(each)]
    there = [each for each in named if (folder / each.file).is_file()]
    if not there:
        raise SnapshotError(folder, "no checkpoint on its line is there")
    return there


def _is_log(name: str) -> bool:
    return name.startswith(_PLATFORM) or (name.startswith("cascade.") and ".log." in name)


_PLATFORM = ("platform.log.", "platform.posts.")


def _record(path: Path, meta: Meta, columns: Columns, until: int) -> Record:
    """Return the record of acts, from a snapshot and the database beside the file."""
    said, tick = meta.get("platform"), int(meta["tick"])
    if said is None:
        return record_of(ActIndex({}, (), tick, False), path, until=until)
    try:
        if "platform.log.sealed" not in columns:
            sealed(dict(meta), columns)
        own = [under(prefix, columns) for prefix in _PLATFORM]
        settings, written = said["settings"], texts_of(said["written"])
        require_log(own[0], tick)
        log = ActLog.restore(int(settings["log_ticks"]), own[0])
        posts = Posts.restore(said["posts"], own[1])
        traces = ActIndex.held(RecentTicks(log, posts, written, tick, int(settings["window"])))
    except (DamagedError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise SnapshotError(path, f"its log of acts cannot be read ({error!r:.200})") from error
    return record_of(traces, path, until=until)


def _packs(meta: Meta, columns: Columns) -> list[AdoptionPack]:
    found = []
    people = int(meta["agents"]["count"])
    for said in meta["cascades"]:
        parts = [columns[f"cascade.{said['id']}.log.{part}"] for part in _PARTS]
        if len({part.shape for part in parts}) > 1 or parts[0].ndim != 1:
            raise DamagedError(f"its log of message {said['id']!r:.40} has rows of several lengths")
        who, ticks, sources = parts
        unknown = (who >= people).any() or ((sources >= people) & (sources != NOBODY)).any()
        if unknown or ((ticks < 0) | (ticks > meta["tick"])).any():
            raise DamagedError(f"its log of message {said['id']!r:.40} holds what never was")
        found.append(AdoptionPack(int(said["id"]), *parts))
    return found


_PARTS = ("agents", "ticks", "sources")


def _told(meta: Meta) -> list[MessageFacts]:
    return [
        MessageFacts(
            int(said["id"]),
            str(said["text"]),
            str(said["model"]),
            int(said["author"]),
            int(said["created"]),
            int(said["contacts_seen"]),
        )
        for said in meta["cascades"]
    ]


# Journals


def _of_journal(folder: Path, journal: JournalFile, report: Report) -> WorldHistory:
    line, there = journal.line(), _on_line(folder, journal)
    first, newest = there[0], there[-1]
    report(f"reading the checkpoint of tick {first.tick:,}", 0.0)
    meta, columns = columns_of(folder / first.file, _is_log)
    report("reading the journal", 0.2)
    told = {each.id: each for each in _told(meta)}
    later, doings = meta, columns
    if newest is not first:
        later, doings = columns_of(folder / newest.file, lambda name: name.startswith(_PLATFORM))
        told |= {each.id: each for each in _told(later)}
    packs = _noted(journal, line, first.number, _packs(meta, columns))
    for each in _sent(journal, line, newest.number):
        told.setdefault(each.id, each)
    readings = [_reading(meta), *_readings(journal, line, first.number)]
    tick, file = readings[-1].tick, folder.with_name(folder.name.removesuffix(".live"))
    record = _record(file, later, doings, tick)
    return WorldHistory(
        packs, list(told.values()), tick, readings, record, int(meta.get("seed", 0))
    )


def _noted(
    journal: JournalFile, line: ReplayLine, after: int, before: list[AdoptionPack]
) -> AdoptionColumns:
    """Return all adoptions: earlier ones, and those in the journal on a line."""
    sizes = {pack.message: pack.agents.size for pack in before}
    many = "SELECT cascade, sum(count) FROM adoptions WHERE number > ? GROUP BY cascade"
    for message, count in journal.rows(many, after):
        sizes[message] = sizes.get(message, 0) + count
    room = _FilledColumns(AdoptionColumns.room(sizes))
    for pack in before:
        room.add(pack.message, pack[1:], _LAST)
    for part in line.parts:
        for message, count, data in journal.rows(
            "SELECT cascade, count, data FROM adoptions WHERE number BETWEEN ? AND ?"
            " ORDER BY number, cascade",
            max(part.first, after + 1),
            part.last,
        ):
            room.add(message, split(data, count), part.until)
    return room.filled()


class _FilledColumns:
    """Columns that are filled, each message's part from its start."""

    def __init__(self, laid: AdoptionColumns) -> None:
        self._laid = laid
        self._next = dict(zip(laid.messages, laid.starts.tolist(), strict=False))

    def add(self, message: int, parts: Sequence[npt.NDArray[Any]], until: int) -> None:
        """Add the adoptions up to a tick."""
        agents, ticks, sources = parts
        if ticks[-1:].max(initial=0) > until:
            here = ticks <= until
            agents, ticks, sources = agents[here], ticks[here], sources[here]
        start = self._next[message]
        stop = self._next[message] = start + agents.size
        self._laid.agents[start:stop] = agents
        self._laid.ticks[start:stop] = ticks
        self._laid.sources[start:stop] = sources

    def filled(self) -> AdoptionColumns:
        """Return the columns without the unused room for entries off the line."""
        laid, ends = self._laid, list(self._next.values())
        if ends == laid.starts[1:].tolist():
            return laid
        packs = zip(laid.packs(), ends, laid.starts.tolist(), strict=False)
        return AdoptionColumns.of([pack.first(end - start) for pack, end, start in packs])


def _reading(meta: Meta) -> TickCounts:
    contacts = sum(int(said["contacts_seen"]) for said in meta["cascades"])
    now = [said["status"] for said in meta["cascades"]]
    return TickCounts(int(meta["tick"]), contacts, now.count("running"), now.count("queued"))


def _readings(journal: JournalFile, line: ReplayLine, after: int) -> Iterator[TickCounts]:
    for part in line.parts:
        for row in journal.rows(
            "SELECT tick, contacts, running, queued FROM metrics"
            " WHERE number BETWEEN ? AND ? AND tick <= ? ORDER BY number",
            max(part.first, after + 1),
            part.last,
            part.until,
        ):
            yield TickCounts(*row)


def _sent(journal: JournalFile, line: ReplayLine, after: int) -> Iterator[MessageFacts]:
    """Yield the facts on messages that were sent after a checkpoint, from the journal."""
    for part in line.parts:
        for tick, command, message in journal.rows(
            "SELECT e.tick, e.command, max(a.cascade) FROM entries AS e JOIN adoptions AS a ON "
            "a.number = e.number WHERE e.number BETWEEN ? AND ? AND e.kind = 'inject' AND e.tick "
            "<= ? GROUP BY e.number ORDER BY e.number",
            max(part.first, after + 1),
            part.last,
            part.until,
        ):
            said = from_json(command).get("keywords", {})
            author = said.get("author")
            text, model = str(said.get("text", "")), str(said.get("model", ""))
            text = described(text, str(said["alt"])) if said.get("alt") else text
            yield MessageFacts(message, text, model, -1 if author is None else int(author), tick)


def split(data: bytes, count: int) -> tuple[npt.NDArray[Any], ...]:
    """Return agents, ticks and sources from a packed row."""
    if len(data) != ADOPTION_BYTES * count:
        raise ValueError(f"{len(data)} bytes are not {count} adoptions")
    agents, ticks, sources = np.frombuffer(data, np.uint32).reshape(3, count)
    return agents, ticks.view(np.int32), sources
