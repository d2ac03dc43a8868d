"""Agents, ties and adoptions as SQL rows, in a world's file or in a separate database.

A copy for reading: loading ignores it, and checkpoints omit it. It costs about three
microseconds per row, most of it in SQLite, so by default it is written only if saving stays
quick (100,000 agents with 2,000,000 ties take 6.6 s against 0.04 s, and 171 MB against 11), and on
request for any world. :mod:`sim.store.relational` also writes it as a separate file.
"""

from __future__ import annotations

import contextlib
import errno
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, count, islice, repeat, tee
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from sim.agents.lifecycle import Lifecycle
from sim.core.progress import Report, quiet
from sim.errors import Cancelled, InputError
from sim.network.graph.changes import ACTS
from sim.network.relations.blocklist import BLOCKED, MUTED
from sim.network.relations.types import TieRecords
from sim.platform.acts.kinds import Act
from sim.platform.posts.posts import Kind
from sim.spread.compartments.compartments import Compartments
from sim.spread.exposure.exposures import PerExposure
from sim.spread.neighbours.heard import Heard
from sim.store.snapshot.columns import naming
from sim.store.snapshot.schema import CORE_TABLES, RELATIONAL_TABLES, create_tables, to_json, utf8
from sim.world.cascades import Cascades

if TYPE_CHECKING:
    from sim.agents.columns import Agents
    from sim.network.graph.ties import Ties
    from sim.spread.cascade.cascade import Cascade


MOST_AGENTS = 100_000
MOST_ROWS = 400_000
"""Limit for writing by default, in agents and in rows of all tables: about two seconds."""

TRAITS = ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")
NOBODY = 0xFFFF_FFFF
BATCH = 10_000
COLUMNS = {
    "agents": 9,
    "messages": 6,
    "agent_states": 5,
    "agent_relationships": 8,
    "propagation_sessions": 9,
    "propagation_events": 7,
}
_KINDS = ("follow", "friend")
_CLOSED = ("mute", "block")
"""Tie types with rows of their own, which no tie may use."""

POSTS_FROM = 1_000_000_000
"""Offset added to the number of a member's message to get its ``message_id``."""

_JOINED = re.compile(r"([\d,]+) agents from index ([\d,]+)")
_POST_KINDS = [kind.name.lower() for kind in Kind]

Row = tuple[object, ...]


@runtime_checkable
class PopulatedWorld(Protocol):
    """A world with agents, ties and cascades."""

    agents: Agents
    tick: int

    @property
    def cascades(self) -> Sequence[Cascade]:
        """Its messages, in order."""
        ...

    @property
    def ties(self) -> Ties:
        """The ties between agents."""
        ...


def of(world: object, asked: bool | None) -> PopulatedWorld | None:
    """Return the world if its rows are to be written: as requested, or if that costs little."""
    if isinstance(world, PopulatedWorld):
        return world if asked or (asked is None and _is_small(world)) else None
    if asked:
        raise InputError(f"A {type(world).__name__} has no agents to write as rows.")
    return None


def write(connection: sqlite3.Connection, world: PopulatedWorld, report: Report = quiet) -> None:
    """Create and fill the tables of the classical schema; in ``messages`` only those of members."""
    create_tables(connection, RELATIONAL_TABLES)
    fill(connection, world, report)


def fill(
    connection: sqlite3.Connection,
    world: PopulatedWorld,
    report: Report = quiet,
    *,
    posts: Iterable[Row] | None = None,
) -> int:
    """Fill the tables of the classical schema, except for injected messages."""
    ids = [utf8(world.agents.id(index)) for index in range(len(world.agents))]
    ties = _every("agent_relationships")
    changed = _changed_ties(world)
    is_plain = _is_plain(world.ties) and not changed and not len(_records(world))
    if is_plain:  # columns of equal values cost as much to pass on as others
        ties = "agent_relationships VALUES (?, ?, ?, 'follow', '{}', 1.0, 0, 0)"
    lives = _Lives(world)
    told = _posts(world, ids) if posts is None else told_posts(posts, injected_of(world))
    work = (
        (_every("agents"), _agents(world, ids, lives)),
        (_every("agent_states"), _states(world, ids, lives)),
        (_every("messages"), told),
        (ties, _ties(world, ids, changed)),
        (_every("agent_relationships"), _closed(world, ids)),
        (_every("propagation_sessions"), _sessions(world, ids)),
        (_every("propagation_events"), _events(world, ids)),
    )
    before, whole = connection.total_changes, max(1, count_rows(world))
    for into, rows in work:
        for batch in _batches(rows):
            report("writing rows", min(1.0, (connection.total_changes - before) / whole))
            connection.executemany(f"INSERT INTO {into}", batch)
    return connection.total_changes - before


def _every(table: str) -> str:
    return f"{table} VALUES ({', '.join('?' * COLUMNS[table])})"


def count_rows(world: PopulatedWorld) -> int:
    """Return the number of rows for a world: agents, their states, ties, cascades and adoptions."""
    adoptions = _adoptions(world) + len(world.cascades)
    platform = getattr(world, "platform", None)
    posts = 0 if platform is None else len(platform.posts)
    return 3 * len(world.agents) + world.ties.count + adoptions + posts


def _adoptions(world: PopulatedWorld) -> int:
    cascades = world.cascades
    if isinstance(cascades, Cascades):  # without unpacking those that ended
        return sum(each.size for each in cascades.items)
    return sum(cascade.size for cascade in cascades)


def _is_small(world: PopulatedWorld) -> bool:
    return len(world.agents) <= MOST_AGENTS and count_rows(world) <= MOST_ROWS


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


class _Lives:
    """When agents joined, and their lifecycle stages."""

    def __init__(self, world: PopulatedWorld) -> None:
        count = len(world.agents)
        self.status = world.agents.status
        self.created: list[int | None] = [0] * count
        self.moves: dict[int, list[tuple[int, int, int]]] = {}
        platform = getattr(world, "platform", None)
        if platform is not None:
            ticks, counts = platform.log.counted
            signed = len(platform.members)  # agents that came since then sign up in the next tick
            when = np.repeat(ticks, counts[:, Act.SIGN_UP]).tolist()[-signed:]
            self.created[signed - len(when) : signed] = when
        trail = getattr(world, "trail", None)
        for act in () if trail is None else trail.acts:
            found = _JOINED.fullmatch(act.result) if act.kind == "create_agents" else None
            if found is not None:
                many, first = (int(number.replace(",", "")) for number in found.groups())
                within = range(first, min(first + many, count))
                self.created[first : first + many] = [act.tick] * len(within)
        moves = world.agents.lore.moves.all()
        rows = (column.tolist() for column in (moves.agent, moves.tick, moves.before, moves.after))
        for agent, *move in zip(*rows, strict=True):
            self.moves.setdefault(agent, []).append((move[0], move[1], move[2]))

    def stages(self, agent: int) -> list[tuple[int | None, int]]:
        """Return (since when, lifecycle stage) of an agent, its first stage first."""
        moves = self.moves.get(agent, [])
        first = moves[0][1] if moves else int(self.status[agent])
        return [(self.created[agent], first), *((tick, after) for tick, _, after in moves)]


def _agents(world: PopulatedWorld, ids: list[str], lives: _Lives) -> Iterator[Row]:
    agents = world.agents
    words = [status.name.lower() for status in Lifecycle]
    titles, named, cold = (
        agents.communities,
        [(1 << bit, agents.vocabulary.names(1 << bit)[0]) for bit in range(len(agents.vocabulary))],
        agents.lore.cold,
    )
    columns: tuple[npt.NDArray[Any], ...]
    columns = (agents.status, agents.community, agents.interests, agents.activity)
    for index, row in enumerate(zip(*(_each(column) for column in columns), strict=True)):
        status, label, mask, activity = row
        community = titles[label] if 0 <= label < len(titles) else None
        interests = [name for bit, name in named if mask & bit]
        said = {"interests": interests, "activity": round(activity, 6), "community": community}
        if language := agents.language_name(index):
            said["language"] = language
        record = cold.get(index) if len(cold) and index in cold else {}
        if record.get("more"):
            said["profile"] = record["more"]
        about = utf8(str(record.get("biography", "")))
        stages = lives.stages(index)
        yield (
            ids[index], "agent", utf8(agents.name(index)), about or None, _json(said),
            words[status], lives.created[index], stages[-1][0], len(stages),
        )  # fmt: skip


def _states(world: PopulatedWorld, ids: list[str], lives: _Lives) -> Iterator[Row]:
    shares = np.round(np.arange(256) / 255, 4).tolist()
    for index, traits in enumerate(_each(world.agents.personality)):
        said = {name: shares[value] for name, value in zip(TRAITS, traits, strict=True)}
        yield ids[index], "personality", _json(said), lives.created[index], 1
        for version, (tick, stage) in enumerate(lives.stages(index), 1):
            yield ids[index], "lifecycle", f'{{"status": "{_STAGES[stage]}"}}', tick, version


_STAGES = [status.name.lower() for status in Lifecycle]


def injected_of(world: PopulatedWorld) -> dict[int, int]:
    """Return the platform number and the cascade of each injected message."""
    platform = getattr(world, "platform", None)
    return {} if platform is None else {post: own for own, post in platform.injected.items()}


def message_id(post: int | None, injected: Mapping[int, int]) -> int | None:
    """Return the ``message_id`` of a message on the platform."""
    return None if post is None else injected.get(post, POSTS_FROM + post)


def told_posts(posts: Iterable[Row], injected: Mapping[int, int]) -> Iterator[Row]:
    """Yield messages of members as rows of ``messages``."""
    names = ("likes", "shares", "replies", "reports", "dislikes")
    for number, tick, author, kind, parent, _to, text, tags, message, *counts in posts:
        if message is None:
            parent_id = message_id(None if parent is None else int(str(parent)), injected)
            said = {"post": number, "parent": parent_id, "tags": json.loads(str(tags))}
            said |= dict(zip(names, counts, strict=False))
            yield POSTS_FROM + int(str(number)), author, text, kind, _json(said), tick


def _posts(world: PopulatedWorld, ids: list[str]) -> Iterator[Row]:
    platform = getattr(world, "platform", None)
    if platform is None:
        return
    posts, names = platform.posts, world.agents.vocabulary.names
    columns = (
        posts.created, posts.author, posts.kind, posts.parent, posts.tags, posts.cascade,
        posts.likes, posts.shares, posts.replies, posts.reports, posts.dislikes,
    )  # fmt: skip
    rows = zip(*map(_each, columns), strict=True)
    told = (
        (
            number, tick, ids[author], _POST_KINDS[kind], None if parent < 0 else parent, None,
            utf8(platform.text_of(number)), to_json(list(names(tags))),
            None if message < 0 else message, *counts,
        )
        for number, (tick, author, kind, parent, tags, message, *counts) in enumerate(
            rows, posts.first
        )
    )  # fmt: skip
    yield from told_posts(told, injected_of(world))


def _is_plain(ties: Ties) -> bool:
    return not (ties.trust.size or ties.kind.size or ties.marks)


def _changed_ties(world: PopulatedWorld) -> dict[tuple[int, int], int]:
    """Return when ties were made or changed while the world ran, by (source, target)."""
    relationships = getattr(world, "relationships", None)
    if relationships is None or not relationships.log:
        return {}
    log, found = relationships.log.all(), {}
    made = {ACTS.index(word) for word in ("follow", "befriend", "unfriend")}
    rows = zip(*(column.tolist() for column in log), strict=True)
    for tick, act, agent, other in rows:
        if act in made:
            found[other, agent] = tick  # the follower is the target
            if act != ACTS.index("follow"):
                found[agent, other] = tick
    return found


def _ties(
    world: PopulatedWorld, ids: list[str], changed: dict[tuple[int, int], int]
) -> Iterator[Row]:
    """Return the ties as rows; for plain ties, which are many, no Python runs per row."""
    ties = world.ties
    sources = np.repeat(np.arange(ties.agents, dtype=np.uint32), ties.out_degree)
    named = [map(ids.__getitem__, _each(ends)) for ends in (sources, ties.targets)]
    records = _records(world)
    if _is_plain(ties) and not changed and not len(records):
        return zip(count(), *named, strict=False)
    trust: Iterable[object] = repeat(1.0)
    if ties.trust.size:
        trust = map((np.arange(65536) / 65535).tolist().__getitem__, _each(ties.trust))
    when: Iterable[object] = repeat(0)
    if changed:
        when = (changed.get(pair, 0) for pair in zip(_each(sources), _each(ties.targets)))  # noqa: B905
    since, until = tee(when)
    marks = _marks(ties)
    kinds: Iterable[str] = repeat("follow")
    if ties.kind.size:
        kinds = map(_KINDS.__getitem__, _each(ties.kind))
    if len(records):
        places = _each(records.places(sources, ties.targets))
        said = map(partial(_related, records), places, kinds, marks)
        left, right = tee(said)
        kinds, marks = (pair[0] for pair in left), (pair[1] for pair in right)
    return zip(count(), *named, kinds, marks, trust, since, until, strict=False)


def _records(world: PopulatedWorld) -> TieRecords:
    """Return the imported data of ties; empty for worlds without any."""
    found: TieRecords = getattr(world, "tie_records", None) or TieRecords.none()
    return found


def _related(records: TieRecords, at: int, kind: str, marks: str) -> tuple[str, str]:
    """Return the type and properties of a tie; beside an imported type its kind is a property."""
    if at < 0:
        return kind, marks
    found = records[at]
    told = dict(json.loads(marks)) | dict(found.properties)
    if found.type and kind != _KINDS[0]:
        told.setdefault("kind", kind)
    name = f"{found.type} (imported)" if found.type in _CLOSED else found.type
    return utf8(name or kind), to_json(told)


def _closed(world: PopulatedWorld, ids: list[str]) -> Iterator[Row]:
    """Return mutes and blocks as rows, from an agent to one whose messages it rejects."""
    relationships = getattr(world, "relationships", None)
    columns: dict[str, npt.NDArray[Any]] = (
        {} if relationships is None else relationships.blocklist.dump()
    )
    log = (
        ()
        if relationships is None
        else zip(*(c.tolist() for c in relationships.log.all()), strict=True)
    )
    number, when = world.ties.count, {(ACTS[act], who, whom): tick for tick, act, who, whom in log}
    for listener, source, mark in zip(*map(_each, columns.values()), strict=True):
        for flag, word in zip((MUTED, BLOCKED), _CLOSED, strict=True):
            if mark & flag:
                tick = when.get((word, listener, source))
                yield number, ids[listener], ids[source], word, "{}", 0.0, tick, tick
                number += 1


def _each(column: npt.NDArray[Any]) -> Iterator[Any]:
    """Yield the values of a column one by one, with few as objects at a time."""
    starts = range(0, len(column), BATCH)
    return chain.from_iterable(column[start : start + BATCH].tolist() for start in starts)


def _marks(ties: Ties) -> Iterable[str]:
    """Return the other facts on each tie, as JSON."""
    columns = ties.marks.columns()
    if not columns:
        return repeat("{}")
    rows = zip(*map(_each, columns.values()), strict=True)
    return (_json(dict(zip(columns, row, strict=True))) for row in rows)


def _sessions(world: PopulatedWorld, ids: list[str]) -> Iterator[Row]:
    for cascade in world.cascades:
        started = cascade.started_at if cascade.started_at >= 0 else None
        yield (
            cascade.id,
            cascade.id,
            to_json([ids[seed] for seed in cascade.seeds.tolist()]),
            utf8(cascade.model_name),
            to_json(cascade.model.values()),
            cascade.status,
            started,
            ended_at(cascade),
            cascade.size,
        )


def ended_at(cascade: Cascade) -> int | None:
    """Return the tick at which a message ended; None if it did not, or never began."""
    if cascade.alive or cascade.started_at < 0:
        return None
    return cascade.started_at + int(cascade.new_adopters.size) - 1


def _events(world: PopulatedWorld, ids: list[str]) -> Iterator[Row]:
    number = 0
    for cascade in world.cascades:
        log = cascade.log
        columns = (log.agents, log.sources, log.ticks)
        for agent, source, tick in zip(*map(_each, columns), strict=True):
            if source == NOBODY:
                yield number, cascade.id, ids[agent], None, "sent", tick, "{}"
            else:
                yield number, cascade.id, ids[source], ids[agent], "received", tick, "{}"
            number += 1
        for source, agent, tick in _ignored(world, cascade):
            yield number, cascade.id, ids[source], ids[agent], "ignored", tick, "{}"
            number += 1


def _ignored(world: PopulatedWorld, cascade: Cascade) -> Iterator[tuple[int, int, int]]:
    """Yield (from whom, who, when) of first exposures of agents that never adopted a message."""
    if not _speaks_to_all(world, cascade):
        return
    ties, log = world.ties, cascade.log
    spoken = log.agents[np.argsort(log.ticks, kind="stable")]
    rows, ticks = ties.rows, dict(zip(log.agents[::-1].tolist(), log.ticks[::-1].tolist()))  # noqa: B905
    done = np.zeros(len(world.agents), np.bool_)
    done[log.agents] = True
    for source in spoken.tolist():
        start, length = rows[source].tolist()
        for agent in ties.targets[start : start + length].tolist():
            if not done[agent]:
                done[agent] = True
                yield source, agent, ticks[source] + 1


def _speaks_to_all(world: PopulatedWorld, cascade: Cascade) -> bool:
    model, relationships = cascade.model, getattr(world, "relationships", None)
    every = isinstance(model, PerExposure | Heard) or (
        isinstance(model, Compartments) and model.contacts == "every tie"
    )
    spoken = int(world.ties.out_degree[cascade.log.agents].sum(dtype=np.int64))
    every |= cascade.contacts_seen == spoken  # each adopter once to all its followers
    is_still = relationships is None or not (relationships.blocklist or relationships.log)
    is_still &= bool((world.agents.status == Lifecycle.ACTIVE).all())
    rests = cascade.status in {"quiet", "finished"} and cascade.channel.name == "broadcast"
    return every and is_still and rests and not len(world.agents.lore.moves)


def _json(value: dict[str, object]) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return utf8(text)


_UNIQUE = ",\n  UNIQUE (source_agent_id, target_agent_id, relationship_type)"
_OPERATIONS = 100_000
_PRAGMAS = ("journal_mode=OFF", "synchronous=OFF", "cache_size=-262144", "mmap_size=0")

# A million ties in any order are indexed faster after they are inserted than one by one.
_TABLES = {name: sql.replace(_UNIQUE, "") for name, sql in RELATIONAL_TABLES.items()} | {
    "messages": CORE_TABLES["messages"].replace(
        "sender_id TEXT", "sender_id TEXT REFERENCES agents (agent_id)"
    )
}
_BATCH = 10_000
_INDEXES = (
    "CREATE UNIQUE INDEX ties_of_source ON agent_relationships"
    " (source_agent_id, target_agent_id, relationship_type)",
    "CREATE INDEX ties_of_target ON agent_relationships (target_agent_id)",
    "CREATE INDEX messages_of_sender ON messages (sender_id)",
    "CREATE INDEX sessions_of_message ON propagation_sessions (message_id)",
    "CREATE INDEX events_of_message ON propagation_events (message_id, timestamp)",
    "CREATE INDEX events_of_source ON propagation_events (source_agent_id)",
    "CREATE INDEX events_of_target ON propagation_events (target_agent_id)",
)


class ExtraTable(NamedTuple):
    """A table that is written in addition to the classical ones."""

    name: str  # name, sql, columns: its name, the statement that makes it, its number of columns
    sql: str
    columns: int
    rows: Iterator[tuple[object, ...]]  # its rows
    indexes: tuple[str, ...] = ()  # the statements that make its indexes


def write_database(
    world: PopulatedWorld,
    path: str | PathLike[str],
    *,
    posts: Iterable[tuple[object, ...]] | None = None,
    beside: Sequence[ExtraTable] = (),
    report: Report = quiet,
) -> int:
    """Write the tables of the classical schema and their indexes to an empty file."""
    uri = f"{Path(path).absolute().as_uri()}?mode=rwc&nolock=1"
    with _plainly(), contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as to:
        for pragma in _PRAGMAS:
            to.execute(f"PRAGMA {pragma}")
        to.execute("BEGIN")
        create_tables(to, _TABLES)
        before = to.total_changes
        fill(to, world, report, posts=posts)
        to.executemany("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?)", _messages(world))
        for table in beside:
            to.execute(table.sql)
            marks = ", ".join("?" * table.columns)
            while batch := list(islice(table.rows, _BATCH)):
                report("writing rows", 0.99)
                to.executemany(f"INSERT INTO {table.name} VALUES ({marks})", batch)  # noqa: S608 - our names
        rows = to.total_changes - before
        indexes = [*_INDEXES, *(index for table in beside for index in table.indexes)]
        for done, index in enumerate(indexes):
            with _cancellable(to, report, done / len(indexes)):
                to.execute(index)
        to.execute("COMMIT")
    return rows


def _messages(world: PopulatedWorld) -> Iterator[tuple[object, ...]]:
    who = naming(world)
    for cascade in world.cascades:
        message = cascade.message
        said = {
            "tags": list(world.agents.vocabulary.names(message.tags)),
            "priority": cascade.priority,
        }
        author, kind = who(message.author), utf8(message.kind)
        yield cascade.id, author, utf8(message.text), kind, to_json(said), message.created


@contextlib.contextmanager
def _cancellable(connection: sqlite3.Connection, report: Report, share: float) -> Iterator[None]:
    """Make a long statement cancellable: SQLite swallows what its handler raises."""
    wishes: list[Cancelled] = []

    def asked() -> bool:
        try:
            report("indexing", share)
        except Cancelled as wish:
            wishes.append(wish)
        return bool(wishes)

    connection.set_progress_handler(asked, _OPERATIONS)
    try:
        report("indexing", share)
        yield
    except sqlite3.OperationalError:
        if wishes:
            raise wishes[0] from None
        raise
    finally:
        connection.set_progress_handler(None, 0)


@contextlib.contextmanager
def _plainly() -> Iterator[None]:
    """Translate an SQLite error about the disk into the words of the system."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        text = "two rows that must differ are the same; a file that nobody vouches for may say so"
        raise InputError(f"The world cannot be written as tables: {text} ({error}).") from error
    except sqlite3.OperationalError as error:
        full = error.sqlite_errorname == "SQLITE_FULL"
        number = errno.ENOSPC if full else errno.EIO
        raise OSError(number, str(error)) from error
