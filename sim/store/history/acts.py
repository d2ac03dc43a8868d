"""The record of acts: what members did, wrote and decided, from the database and from memory."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from sim.platform.acts.kinds import Act
from sim.platform.acts.log import NO_CHAIN, NOBODY, ActColumns
from sim.platform.acts.tick_record import PostedMessages, RecentTicks, TickRecord
from sim.platform.posts.posts import Kind
from sim.store.history.database import (
    PART,
    acts_of,
    decisions_of,
    gated_history,
    history_file,
    texts_of,
    wrote_of,
)
from sim.store.snapshot.gates import (
    OPERATIONS,
    QUERY_SECONDS,
    Deadline,
    Lookup,
    Query,
    look_up,
    room_of,
)

if TYPE_CHECKING:
    from sim.world.world import World


T = TypeVar("T")

_ANSWERS = {Act.QUOTE: int(Kind.QUOTE), Act.REPLY: int(Kind.REPLY)}
"""Acts that refer to one message, and post another."""

_MOST = 1 << 62


class RecordedAct(NamedTuple):
    """One act of a member on the platform."""

    tick: int  # tick, agent, act: when, by whom, and what
    agent: int
    act: Act
    message: int  # number of the message that it refers to, or that it posted; -1: none
    other: int  # the member concerned; -1: none


class TickMessages(NamedTuple):
    """The messages of one tick."""

    tick: int  # when they were posted
    first: int  # number of the first; the others follow
    wrote: PostedMessages  # their columns
    texts: dict[int, str]  # texts that were not written by rules, by message number

    def post(self, number: int) -> RecordedPost:
        """Return one of the messages by its number."""
        place = number - self.first
        row = tuple(column[place].item() for column in self.wrote)
        return RecordedPost(self.tick, number, row, self.texts.get(number))


class RecordedPost(NamedTuple):
    """A message of a member."""

    tick: int  # tick, number: when it was posted, and its number on the platform
    number: int
    row: tuple[Any, ...]  # its columns as of PostedMessages
    own: str | None  # the text; None: written by rules


@dataclass(frozen=True, slots=True)
class _TickRow:
    id: int
    tick: int
    acts: int
    posts: int
    first: int


class Record:
    """The record of what members did: ticks of one world's line, from the disk and from memory.

    Parameters
    ----------
    path
        The history database; None: there is none.
    rows
        Its ticks on the world's line.
    recent
        The latest ticks, from the world itself.
    since
        The tick after which members could act; None: the world never had a platform.
    until
        The world's tick.
    """

    def __init__(
        self,
        path: Path | None,
        rows: Sequence[_TickRow],
        recent: Sequence[TickRecord],
        since: int | None,
        until: int,
    ) -> None:
        self._path = path
        self._rows = {row.tick: row for row in rows}
        self._recent = {left.tick: left for left in recent if left.tick not in self._rows}
        self._since, self._until = since, until

    @property
    def ticks(self) -> list[int]:
        """The ticks on record, ascending."""
        return sorted([*self._rows, *self._recent])

    @property
    def sizes(self) -> tuple[int, int]:
        """Number of acts and of messages on record."""
        rows, recent = self._rows.values(), self._recent.values()
        acts = sum(row.acts for row in rows) + sum(left.acts.agent.size for left in recent)
        posts = sum(row.posts for row in rows) + sum(left.wrote.author.size for left in recent)
        return acts, posts

    @property
    def numbers(self) -> tuple[int, int]:
        """Number of the first message on record, and of the one after the last."""
        ends = [(row.first, row.first + row.posts) for row in self._rows.values()]
        recent = self._recent.values()
        ends += [(left.first, left.first + left.wrote.author.size) for left in recent]
        return min((low for low, _ in ends), default=0), max((high for _, high in ends), default=0)

    @property
    def missing(self) -> list[tuple[int, int]]:
        """Ranges of ticks that were not recorded, or were dropped: first and last."""
        if self._since is None:
            return []
        # counts recorded ticks, not possible ones: a forged tick may be of any size
        there = sorted(tick for tick in self.ticks if self._since < tick <= self._until)
        ends = [self._since, *there, self._until + 1]
        return [(last + 1, first - 1) for last, first in pairwise(ends) if last + 1 < first]

    @property
    def file(self) -> Path | None:
        """The database for lookups of this record; None: none."""
        return self._path if self._rows else None

    def of(
        self, agent: int, other: int | None = None, *, first: int | None = None,
        last: int | None = None,
    ) -> list[RecordedAct]:  # fmt: skip
        """Return the acts of a member, in order of time; ``other``: only those that concern it."""
        return look_up_history(self.file, self.find_deeds(agent, other, first=first, last=last))

    def find_deeds(
        self, agent: int, other: int | None = None, *, first: int | None = None,
        last: int | None = None,
    ) -> Lookup[list[RecordedAct]]:  # fmt: skip
        """Lookup for :meth:`of`."""
        found: list[RecordedAct] = []
        for tick in self._between(first, last):
            acts = yield from self._acts(tick, agent // PART)
            mine = acts.agent == agent
            if other is not None:
                mine &= acts.other == other
            columns = (column[mine].tolist() for column in acts)
            found += [
                RecordedAct(tick, who, Act(act), _known(message), _known(whom))
                for who, act, message, whom in zip(*columns, strict=True)
            ]
        return found

    def acts(
        self, *, first: int | None = None, last: int | None = None, part: int | None = None
    ) -> Iterator[tuple[int, ActColumns]]:
        """Yield (tick, acts), oldest first; acts from the disk in order of their members.

        Parameters
        ----------
        first, last
            Ticks; None: from the beginning, to the end.
        part
            Only one block of 65,536 members: the block's number, from 0.

        Raises
        ------
        SnapshotError
            If the database is damaged.
        """
        with _opened(self.file) as find:
            for tick in self._between(first, last):
                yield tick, find(self._acts(tick, part))

    def _acts(self, tick: int, part: int | None) -> Lookup[ActColumns]:
        if tick not in self._recent:
            return (yield from _find_acts(self._rows[tick], part))
        acts = self._recent[tick].acts
        return acts if part is None else acts.chosen(acts.agent // PART == part)

    def walls(self, *, first: int | None = None, last: int | None = None) -> Iterator[TickMessages]:
        """Yield the messages of each tick, oldest first; errors as :meth:`acts`."""
        with _opened(self.file) as find:
            for tick in self._between(first, last):
                wall = find(self._wall(tick))
                if wall.wrote.author.size:
                    yield wall

    def _wall(self, tick: int) -> Lookup[TickMessages]:
        if tick not in self._recent:
            return (yield from _find_wall(self._rows[tick]))
        left = self._recent[tick]
        return TickMessages(tick, left.first, left.wrote, left.texts)

    def decisions(
        self, *, first: int | None = None, last: int | None = None
    ) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        """Yield (tick, decisions of minds on it), oldest first; errors as :meth:`acts`."""
        with _opened(self.file) as find:
            for tick in self._between(first, last):
                if tick in self._rows:
                    for decisions in find(_find_decisions(self._rows[tick])):
                        yield tick, decisions

    def post(self, number: int) -> RecordedPost | None:
        """Return a message by its number; None if it is not on record."""
        return look_up_history(self.file, self.find_post(number))

    def find_post(self, number: int) -> Lookup[RecordedPost | None]:
        """Lookup for :meth:`post`."""
        firsts = [(row.first, tick) for tick, row in self._rows.items()]
        firsts += [(left.first, tick) for tick, left in self._recent.items()]
        tick = max(((f, t) for f, t in firsts if f <= number), default=(0, None))[1]
        if tick is None:
            return None
        wall = yield from self._wall(tick)
        return wall.post(number) if number < wall.first + wall.wrote.author.size else None

    def behind(self, deed: RecordedAct) -> RecordedPost | None:
        """Return the message that an act posted, or otherwise the one that it refers to."""
        return look_up_history(self.file, self.find_behind(deed))

    def find_behind(self, deed: RecordedAct) -> Lookup[RecordedPost | None]:
        """Lookup for :meth:`behind`."""
        kind = _ANSWERS.get(deed.act)
        if kind is None:
            return None if deed.message < 0 else (yield from self.find_post(deed.message))
        if deed.tick not in self._rows and deed.tick not in self._recent:
            return None
        wall = yield from self._wall(deed.tick)
        own = (wall.wrote.author == deed.agent) & (wall.wrote.parent == deed.message)
        places = np.flatnonzero(own & (wall.wrote.kind == kind))
        return wall.post(wall.first + int(places[0])) if places.size else None

    def _between(self, first: int | None, last: int | None) -> list[int]:
        low, high = (-_MOST if first is None else first), (_MOST if last is None else last)
        return [tick for tick in self.ticks if low <= tick <= high]


class ActIndex(NamedTuple):
    """A world's own index of its acts: enough to find them in a database, in any thread."""

    chains: Mapping[int, bytes]  # the seal of each tick, by tick, ascending
    recent: tuple[TickRecord, ...]  # the latest ticks
    tick: int  # the world's tick
    has_members: bool  # whether there is a platform on which members can act

    @classmethod
    def of(cls, world: World, recent: int | None = None) -> ActIndex:
        """Return the index of a world in memory, copying the ``recent`` last ticks or all."""
        if world.platform is None:
            return cls({}, (), world.tick, False)
        return cls.held(RecentTicks.of(world.platform), recent)

    @classmethod
    def held(cls, held: RecentTicks, recent: int | None = None) -> ActIndex:
        """Return the index of a platform."""
        return cls(held.log.chains, tuple(held.left(recent)), held.tick, True)


def record_of(
    world: World | ActIndex, path: str | PathLike[str] | None = None, *, until: int | None = None
) -> Record:
    """Return the record of what the members of a world did.

    Parameters
    ----------
    world
        A world in memory, or its index.
    path
        Its file, with the history beside it; None: only what is in memory.
    until
        A tick after the world's own up to which the database is read: a journal ends later than
        its last checkpoint.

    Raises
    ------
    SnapshotError
        If the database is damaged, or foreign.
    """
    traces = world if isinstance(world, ActIndex) else ActIndex.of(world)
    file = file_of(traces, path, until)
    return look_up_history(file, find_record(traces, file, until))


def file_of(traces: ActIndex, path: str | PathLike[str] | None, until: int | None) -> Path | None:
    """Return the database that :func:`find_record` needs; None: none."""
    file = None if path is None else history_file(path)
    is_known = traces.has_members or (until is not None and until > traces.tick)
    return file if is_known and file is not None and file.is_file() else None


def find_record(traces: ActIndex, file: Path | None, until: int | None = None) -> Lookup[Record]:
    """Lookup for :func:`record_of`; ``file``: from :func:`file_of`."""
    chains, tick = traces.chains, traces.tick
    if not traces.has_members and (until is None or until <= tick):
        return Record(None, (), (), None, tick)
    since = next(iter(chains), tick + 1) - 1
    if file is None:
        return Record(None, (), traces.recent, since, tick)
    ticks = yield from _find_ticks()
    rows = [row for row, chain, _ in ticks if chains.get(row.tick) == chain]
    rows.sort(key=lambda row: row.tick)
    if until is not None and until > tick:
        rows += _following(ticks, chains.get(tick, NO_CHAIN), until)
        tick = until
    return Record(file, rows, traces.recent, since, tick)


_Tick = tuple[_TickRow, bytes, bytes]


def _find_ticks() -> Lookup[list[_Tick]]:
    sql = "SELECT id, tick, acts, posts, first, chain, previous FROM ticks ORDER BY id"
    return [(_TickRow(*row[:5]), row[5], row[6]) for row in (yield Query(sql))]


def _following(ticks: Sequence[_Tick], head: bytes, until: int) -> list[_TickRow]:
    """Return the ticks after one, up to a tick; at a fork, along the line written last."""
    newest = {previous: (row, chain) for row, chain, previous in ticks}
    found: list[_TickRow] = []
    while (step := newest.pop(head, None)) is not None and step[0].tick <= until:
        found.append(step[0])
        head = step[1]
    return found


def _find_acts(row: _TickRow, part: int | None) -> Lookup[ActColumns]:
    sql = "SELECT part, count, data FROM acts WHERE tick = ?"
    given = (row.id,) if part is None else (row.id, part)
    sql += " ORDER BY part" if part is None else " AND part = ?"
    following = row.first + row.posts
    found = yield Query(sql, given)
    return ActColumns.joined([acts_of(part, count, data, following) for part, count, data in found])


def _find_wall(row: _TickRow) -> Lookup[TickMessages]:
    for count, data, texts in (
        yield Query("SELECT count, data, texts FROM posts WHERE tick = ?", (row.id,))
    ):
        return TickMessages(row.tick, row.first, wrote_of(count, data), texts_of(texts))
    return TickMessages(row.tick, row.first, PostedMessages.none(), {})


def _find_decisions(row: _TickRow) -> Lookup[list[list[dict[str, Any]]]]:
    found = yield Query("SELECT data FROM decisions WHERE tick = ?", (row.id,))
    return [decisions_of(data) for (data,) in found]


def _known(number: int) -> int:
    return -1 if number == NOBODY else number


# Opening


def look_up_history(path: Path | None, lookup: Lookup[T]) -> T:
    """Open a history database and carry a lookup out on it; None: run it without a database."""
    with _opened(path) as find:
        found: T = find(lookup)
    return found


@contextlib.contextmanager
def _opened(path: Path | None) -> Iterator[Callable[[Lookup[Any]], Any]]:
    """Open an optional database; yields a function that carries lookups out."""
    if path is None:
        yield lambda lookup: look_up(None, lookup, int)
        return
    with gated_history(path) as file:
        deadline = Deadline(QUERY_SECONDS)
        file.set_progress_handler(deadline, OPERATIONS)
        yield lambda lookup: look_up(file, lookup, lambda: room_of(path), deadline)
