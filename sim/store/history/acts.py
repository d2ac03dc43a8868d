"""The record of acts: what members did, wrote and decided, from the database and from memory."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sim.core.text import one_line
from sim.errors import SnapshotError
from sim.platform.acts.kinds import Act
from sim.platform.acts.log import NO_CHAIN, NOBODY, ActColumns
from sim.platform.acts.tick_record import PostedMessages, RecentTicks, TickRecord
from sim.platform.posts.posts import Kind
from sim.store.history.database import APPLICATION_ID, BESIDE, TABLES, VERSION, history_file, still
from sim.store.history.packing import PART, acts_of, decisions_of, texts_of, wrote_of
from sim.store.snapshot import schema
from sim.store.snapshot.bounded import DamagedError, Deadline, bounded
from sim.store.snapshot.gates import LIMITS, MOST_OBJECTS, OPERATIONS, PRAGMAS, QUERY_SECONDS
from sim.store.snapshot.header import HEADER_BYTES

if TYPE_CHECKING:
    from sim.world.world import World

__all__ = [
    "ActIndex",
    "Record",
    "RecordedAct",
    "RecordedPost",
    "TickMessages",
    "record_of",
    "require_ours",
]

LONGEST_REASON = 200
_ANSWERS = {Act.QUOTE: int(Kind.QUOTE), Act.REPLY: int(Kind.REPLY)}
"""Acts that are about one message, and post another."""

_MOST = 1 << 62


class RecordedAct(NamedTuple):
    """Something that a member did on the platform.

    Attributes
    ----------
    tick, agent, act
        When, who and what.
    message
        The number of the message that it is about, or that it posted; -1: none.
    other
        The member that it concerns; -1: none.
    """

    tick: int
    agent: int
    act: Act
    message: int
    other: int


class TickMessages(NamedTuple):
    """The messages of a tick.

    Attributes
    ----------
    tick
        When they were posted.
    first
        The number of the first; the others follow.
    wrote
        Their columns.
    texts
        What those say that somebody wrote, by number; rules write the others.
    """

    tick: int
    first: int
    wrote: PostedMessages
    texts: dict[int, str]

    def post(self, number: int) -> RecordedPost:
        """Return one of them by its number."""
        place = number - self.first
        row = tuple(column[place].item() for column in self.wrote)
        return RecordedPost(self.tick, number, row, self.texts.get(number))


class RecordedPost(NamedTuple):
    """A message of a member.

    Attributes
    ----------
    tick, number
        When it was posted, and its number on the platform.
    row
        Its columns as of :class:`~sim.platform.acts.tick_record.PostedMessages`.
    own
        What somebody wrote; None: rules write it.
    """

    tick: int
    number: int
    row: tuple[Any, ...]
    own: str | None


@dataclass(frozen=True, slots=True)
class _TickRow:
    """A tick in the database."""

    id: int
    tick: int
    acts: int
    posts: int
    first: int


class Record:
    """What is kept of what members did: ticks of one world's line, from the disk and from memory.

    Parameters
    ----------
    path
        The history database; None: there is none.
    rows
        Its ticks on the world's line.
    recent
        What the last ticks left in the world itself.
    since
        The tick after which members could do something; None: the world never had a platform.
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
        """The ticks that are kept, rising."""
        return sorted([*self._rows, *self._recent])

    @property
    def sizes(self) -> tuple[int, int]:
        """How many acts and messages are kept."""
        rows, recent = self._rows.values(), self._recent.values()
        acts = sum(row.acts for row in rows) + sum(left.acts.agent.size for left in recent)
        posts = sum(row.posts for row in rows) + sum(left.wrote.author.size for left in recent)
        return acts, posts

    @property
    def numbers(self) -> tuple[int, int]:
        """The number of the first message that is kept, and of the one behind the last."""
        ends = [(row.first, row.first + row.posts) for row in self._rows.values()]
        recent = self._recent.values()
        ends += [(left.first, left.first + left.wrote.author.size) for left in recent]
        return min((low for low, _ in ends), default=0), max((high for _, high in ends), default=0)

    @property
    def missing(self) -> list[tuple[int, int]]:
        """Stretches of ticks that nobody wrote down, or that were dropped: first and last."""
        if self._since is None:
            return []
        there = np.zeros(self._until - self._since, np.bool_)
        there[[tick - self._since - 1 for tick in self.ticks if tick > self._since]] = True
        edges = np.flatnonzero(np.diff(np.concatenate([[True], there, [True]]).astype(np.int8)))
        pairs = (edges + self._since + 1).reshape(-1, 2).tolist()
        return [(first, last - 1) for first, last in pairs]

    def of(
        self, agent: int, other: int | None = None, *, first: int | None = None,
        last: int | None = None,
    ) -> list[RecordedAct]:  # fmt: skip
        """Return what a member did, in order of time; ``other``: where it concerns that one."""
        found: list[RecordedAct] = []
        for tick, acts in self.acts(first=first, last=last, part=agent // PART):
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
        """Yield (tick, acts), the oldest first; those of the disk in the order of their members.

        Parameters
        ----------
        first, last
            Ticks; None: from the beginning, to the end.
        part
            Only of 65,536 members: from that many times so many on.

        Raises
        ------
        SnapshotError
            When the database is damaged.
        """
        with self._opened() as file:
            for tick in self._between(first, last):
                if tick in self._recent:
                    acts = self._recent[tick].acts
                    yield tick, acts if part is None else acts.chosen(acts.agent // PART == part)
                    continue
                row = self._rows[tick]
                yield tick, _acts(file, row, part)

    def walls(self, *, first: int | None = None, last: int | None = None) -> Iterator[TickMessages]:
        """Yield the messages of each tick, the oldest first; errors as :meth:`acts`."""
        with self._opened() as file:
            for tick in self._between(first, last):
                if tick in self._recent:
                    left = self._recent[tick]
                    wall = TickMessages(tick, left.first, left.wrote, left.texts)
                else:
                    wall = _wall(file, self._rows[tick])
                if wall.wrote.author.size:
                    yield wall

    def decisions(
        self, *, first: int | None = None, last: int | None = None
    ) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        """Yield (tick, decisions of minds on it), the oldest first; errors as :meth:`acts`."""
        with self._opened() as file:
            for tick in self._between(first, last):
                if tick in self._rows:
                    for (data,) in _rows(
                        file, "SELECT data FROM decisions WHERE tick = ?", self._rows[tick].id
                    ):
                        yield tick, decisions_of(data)

    def post(self, number: int) -> RecordedPost | None:
        """Return a message by its number; None where it is not kept."""
        firsts = [(row.first, tick) for tick, row in self._rows.items()]
        firsts += [(left.first, tick) for tick, left in self._recent.items()]
        tick = max(((f, t) for f, t in firsts if f <= number), default=(0, None))[1]
        for wall in () if tick is None else self.walls(first=tick, last=tick):
            if number < wall.first + wall.wrote.author.size:
                return wall.post(number)
        return None

    def behind(self, deed: RecordedAct) -> RecordedPost | None:
        """Return the message that a member wrote by an act, or else the one that that is about."""
        kind = _ANSWERS.get(deed.act)
        if kind is None:
            return None if deed.message < 0 else self.post(deed.message)
        for wall in self.walls(first=deed.tick, last=deed.tick):
            own = (wall.wrote.author == deed.agent) & (wall.wrote.parent == deed.message)
            places = np.flatnonzero(own & (wall.wrote.kind == kind))
            if places.size:
                return wall.post(wall.first + int(places[0]))
        return None

    def _between(self, first: int | None, last: int | None) -> list[int]:
        low, high = (-_MOST if first is None else first), (_MOST if last is None else last)
        return [tick for tick in self.ticks if low <= tick <= high]

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection | None]:
        if self._path is None or not self._rows:
            yield None
            return
        with gated_history(self._path) as file:
            yield file


class ActIndex(NamedTuple):
    """What a world knows of its own doings: enough to find them in a database, in any thread.

    Attributes
    ----------
    chains
        What each tick was sealed with, by tick, rising.
    recent
        What the last ticks left.
    tick
        The world's.
    has_members
        Whether there is a platform on which anybody can do anything.
    """

    chains: dict[int, bytes]
    recent: tuple[TickRecord, ...]
    tick: int
    has_members: bool

    @classmethod
    def of(cls, world: World, recent: int | None = None) -> ActIndex:
        """Return those of a world in memory, which may go on.

        ``recent``: of how many last ticks what they left is copied; None: all.
        """
        if world.platform is None:
            return cls({}, (), world.tick, False)
        return cls.held(RecentTicks.of(world.platform), recent)

    @classmethod
    def held(cls, held: RecentTicks, recent: int | None = None) -> ActIndex:
        """Return those of a platform."""
        return cls(dict(held.log.chains), tuple(held.left(recent)), held.tick, True)


def record_of(
    world: World | ActIndex, path: str | PathLike[str] | None = None, *, until: int | None = None
) -> Record:
    """Return what is kept of what the members of a world did.

    Parameters
    ----------
    world
        In memory, or what it knows of it.
    path
        Its file, beside which the history lies; None: what is in memory alone.
    until
        A tick behind the world's own up to which the database is followed: of a journal the last
        checkpoint is older than its end.

    Raises
    ------
    SnapshotError
        When the database is damaged, or foreign.
    """
    traces = world if isinstance(world, ActIndex) else ActIndex.of(world)
    chains, tick = traces.chains, traces.tick
    file = None if path is None else history_file(path)
    if not traces.has_members and (until is None or until <= tick):
        return Record(None, (), (), None, tick)
    since = min(chains, default=tick + 1) - 1
    if file is None or not file.is_file():
        return Record(None, (), traces.recent, since, tick)
    with gated_history(file) as connection:
        ticks = _ticks(connection)
    by_chain = {chain: row for row, chain, _ in ticks}
    rows = [by_chain[chain] for chain in chains.values() if chain in by_chain]
    if until is not None and until > tick:
        rows += _following(ticks, chains.get(tick, NO_CHAIN), until)
        tick = until
    return Record(file, rows, traces.recent, since, tick)


_Tick = tuple[_TickRow, bytes, bytes]


def _ticks(file: sqlite3.Connection) -> list[_Tick]:
    sql = "SELECT id, tick, acts, posts, first, chain, previous FROM ticks ORDER BY id"
    return [(_TickRow(*row[:5]), row[5], row[6]) for row in _rows(file, sql)]


def _following(ticks: Sequence[_Tick], head: bytes, until: int) -> list[_TickRow]:
    """Return the ticks behind one, up to a tick; where ways part, along the one written last."""
    newest = {previous: (row, chain) for row, chain, previous in ticks}
    found: list[_TickRow] = []
    while (step := newest.pop(head, None)) is not None and step[0].tick <= until:
        found.append(step[0])
        head = step[1]
    return found


def _acts(file: sqlite3.Connection | None, row: _TickRow, part: int | None) -> ActColumns:
    sql = "SELECT part, count, data FROM acts WHERE tick = ?"
    given = (row.id,) if part is None else (row.id, part)
    sql += " ORDER BY part" if part is None else " AND part = ?"
    following = row.first + row.posts
    found = _rows(file, sql, *given)
    return ActColumns.joined([acts_of(part, count, data, following) for part, count, data in found])


def _wall(file: sqlite3.Connection | None, row: _TickRow) -> TickMessages:
    for count, data, texts in _rows(
        file, "SELECT count, data, texts FROM posts WHERE tick = ?", row.id
    ):
        return TickMessages(row.tick, row.first, wrote_of(count, data), texts_of(texts))
    return TickMessages(row.tick, row.first, PostedMessages.none(), {})


def _known(number: int) -> int:
    return -1 if number == NOBODY else number


def _rows(file: sqlite3.Connection | None, sql: str, *given: int) -> Iterator[tuple[Any, ...]]:
    assert file is not None  # noqa: S101 - it is open wherever there are rows
    deadline = Deadline(QUERY_SECONDS)
    file.set_progress_handler(deadline, OPERATIONS)
    yield from bounded(file.execute(sql, given), _MOST)


# Opening


@contextlib.contextmanager
def gated_history(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a history database for reading behind every gate that SQLite has.

    Raises
    ------
    SnapshotError
        When there is none, or it is damaged, foreign, or of a newer version; and in place of
        whatever SQLite or a check raises while the block runs.
    """
    _check_header(path)
    uri = f"{path.absolute().as_uri()}?mode=ro{still(path)}"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as file:
            for category, limit in LIMITS:
                file.setlimit(category, limit)
            file.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, schema.LARGEST_VALUE)
            for pragma in PRAGMAS:
                file.execute(f"PRAGMA {pragma}")
            file.set_progress_handler(Deadline(QUERY_SECONDS), OPERATIONS)
            _require_our_tables(path, file)
            yield file
    except DamagedError as error:
        raise SnapshotError(path, f"damaged: {error}") from error
    except (sqlite3.Error, UnicodeError, TypeError) as error:
        reason = one_line(str(error), LONGEST_REASON)
        raise SnapshotError(path, f"cannot be read as a history ({reason})") from error


def require_ours(path: Path) -> None:
    """Raise SnapshotError for what is no history database of ours."""
    with gated_history(path):
        pass


def _check_header(path: Path) -> None:
    """Refuse what is no database of ours before SQLite sees it."""
    for end in ("", *BESIDE):
        each = path.with_name(path.name + end)
        if each.is_symlink() or (each.exists() and not each.is_file()):
            raise SnapshotError(each, "no regular file, and no part of a history of ours")
    try:
        with path.open("rb") as file:
            header = file.read(HEADER_BYTES)
    except OSError as error:
        raise SnapshotError(path, f"cannot be read ({error})") from error
    if not header.startswith(b"SQLite format 3\0") or len(header) < HEADER_BYTES:
        raise SnapshotError(path, "not a history of Hubbub")


def _require_our_tables(path: Path, file: sqlite3.Connection) -> None:
    owner = file.execute("PRAGMA application_id").fetchone()[0]
    version = file.execute("PRAGMA user_version").fetchone()[0]
    found = file.execute("SELECT name, sql FROM sqlite_master").fetchmany(MOST_OBJECTS)
    tables = {name: sql for name, sql in found if not str(name).startswith("sqlite_autoindex_")}
    if owner != APPLICATION_ID:
        raise SnapshotError(path, "not a history of Hubbub")
    if version > VERSION:
        text = f"written by a newer Hubbub (history version {version}, this one reads {VERSION})"
        raise SnapshotError(path, f"{text}; update Hubbub")
    if tables != TABLES:
        raise SnapshotError(path, "damaged, or changed by another program: other tables than ours")
