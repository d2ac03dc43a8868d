"""Agents, ties and adoptions as rows, so that ``SELECT`` works for everyone on small worlds.

A copy for reading: loading ignores it, and checkpoints go without. It costs about three
microseconds a row, most of it in SQLite, so it is written unasked only where saving stays quick
(100,000 agents with 2,000,000 ties take 6.6 s against 0.04 s, and 171 MB against 11), and on
request for any world. :mod:`sim.store.database` writes it as a file of its own.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import chain, count, islice, repeat
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from sim.core.progress import Report, quiet
from sim.errors import InputError
from sim.store.plain import to_json, utf8
from sim.store.schema import RELATIONAL_TABLES, create_tables

if TYPE_CHECKING:
    from sim.agents.columns import Agents
    from sim.network.ties import Ties
    from sim.spread.cascade import Cascade

__all__ = ["MOST_AGENTS", "MOST_ROWS", "Populated", "count_rows", "fill", "of", "write"]

MOST_AGENTS = 100_000
MOST_ROWS = 400_000
"""What is written unasked, in agents and in rows of all tables: about two seconds."""

TRAITS = ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")
NOBODY = 0xFFFF_FFFF
BATCH = 10_000
COLUMNS = {
    "agents": 9,
    "agent_states": 5,
    "agent_relationships": 8,
    "propagation_sessions": 9,
    "propagation_events": 7,
}
_KINDS = ("follow", "friend")

Row = tuple[object, ...]


@runtime_checkable
class Populated(Protocol):
    """A world with agents, ties and cascades."""

    agents: Agents
    ties: Ties
    cascades: list[Cascade]
    tick: int


def of(world: object, asked: bool | None) -> Populated | None:
    """Return the world when its rows are to be written: as asked, or where that costs little.

    Raises
    ------
    InputError
        When they are asked for and the world has no agents.
    """
    if isinstance(world, Populated):
        return world if asked or (asked is None and _is_small(world)) else None
    if asked:
        raise InputError(f"A {type(world).__name__} has no agents to write as rows.")
    return None


def write(connection: sqlite3.Connection, world: Populated, report: Report = quiet) -> None:
    """Create and fill the tables of the classical schema that ``messages`` is not one of.

    Parameters
    ----------
    connection
        A new file in a transaction.
    world
        Read only.
    report
        Told of progress by table; may cancel.
    """
    create_tables(connection, RELATIONAL_TABLES)
    fill(connection, world, report)


def fill(connection: sqlite3.Connection, world: Populated, report: Report = quiet) -> int:
    """Fill the tables of the classical schema that ``messages`` is not one of.

    Parameters
    ----------
    connection, world, report
        As of :func:`write`; the tables are there and empty.

    Returns
    -------
    How many rows were written.
    """
    ids = [utf8(world.agents.id(index)) for index in range(len(world.agents))]
    ties = _every("agent_relationships")
    if _is_plain(world.ties):  # values that are all alike cost as much to hand over as others
        ties = f"agent_relationships VALUES (?, ?, ?, 'follow', '{{}}', 1.0, NULL, {world.tick:d})"
    work = (
        (_every("agents"), _agents(world, ids)),
        (_every("agent_states"), _states(world, ids)),
        (ties, _ties(world, ids)),
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


def count_rows(world: Populated) -> int:
    """Return how many rows a world is: of agents, their states, ties, cascades and adoptions."""
    adoptions = sum(cascade.size + 1 for cascade in world.cascades)
    return 2 * len(world.agents) + world.ties.count + adoptions


def _is_small(world: Populated) -> bool:
    return len(world.agents) <= MOST_AGENTS and count_rows(world) <= MOST_ROWS


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _agents(world: Populated, ids: list[str]) -> Iterator[Row]:
    from sim.agents.lifecycle import Lifecycle

    agents, tick = world.agents, world.tick
    words = [status.name.lower() for status in Lifecycle]
    titles, named = agents.communities, _bits(agents)
    columns: tuple[npt.NDArray[Any], ...]
    columns = (agents.status, agents.community, agents.interests, agents.activity)
    for index, row in enumerate(zip(*(_each(column) for column in columns), strict=True)):
        status, label, mask, activity = row
        community = titles[label] if 0 <= label < len(titles) else None
        interests = [name for bit, name in named if mask & bit]
        said = {"interests": interests, "activity": round(activity, 6), "community": community}
        name = utf8(agents.name(index))
        yield ids[index], "agent", name, None, _json(said), words[status], None, tick, 1


def _bits(agents: Agents) -> list[tuple[int, str]]:
    """Return the bit of each interest and its name."""
    return [
        (1 << bit, agents.vocabulary.names(1 << bit)[0]) for bit in range(len(agents.vocabulary))
    ]


def _states(world: Populated, ids: list[str]) -> Iterator[Row]:
    shares = np.round(np.arange(256) / 255, 4).tolist()
    for each, traits in zip(ids, _each(world.agents.personality), strict=True):
        said = {name: shares[value] for name, value in zip(TRAITS, traits, strict=True)}
        yield each, "personality", _json(said), world.tick, 1


def _is_plain(ties: Ties) -> bool:
    return not (ties.trust.size or ties.kind.size or ties.marks)


def _ties(world: Populated, ids: list[str]) -> Iterator[Row]:
    """Return the ties as rows; no line of Python runs for one, they are many."""
    ties = world.ties
    sources = np.repeat(np.arange(ties.agents, dtype=np.uint32), ties.out_degree)
    named = [map(ids.__getitem__, _each(ends)) for ends in (sources, ties.targets)]
    if _is_plain(ties):
        return zip(count(), *named, strict=False)
    trust: Iterable[object] = repeat(1.0)
    if ties.trust.size:
        trust = map((np.arange(65536) / 65535).tolist().__getitem__, _each(ties.trust))
    marks, tick = _marks(ties), repeat(world.tick)
    kinds = map(_KINDS.__getitem__, _each(ties.kind)) if ties.kind.size else repeat("follow")
    return zip(count(), *named, kinds, marks, trust, repeat(None), tick, strict=False)


def _closed(world: Populated, ids: list[str]) -> Iterator[Row]:
    """Return mutes and blocks as rows: of an agent that does not want to hear another."""
    from sim.network.ears import BLOCKED, MUTED

    bonds = getattr(world, "bonds", None)
    columns: dict[str, npt.NDArray[Any]] = {} if bonds is None else bonds.ears.dump()
    number, tick = world.ties.count, world.tick
    for listener, source, mark in zip(*map(_each, columns.values()), strict=True):
        for flag, word in ((MUTED, "mute"), (BLOCKED, "block")):
            if mark & flag:
                yield number, ids[listener], ids[source], word, "{}", 0.0, None, tick
                number += 1


def _each(column: npt.NDArray[Any]) -> Iterator[Any]:
    """Return the values of a column one by one, of which few are objects at a time."""
    starts = range(0, len(column), BATCH)
    return chain.from_iterable(column[start : start + BATCH].tolist() for start in starts)


def _marks(ties: Ties) -> Iterable[str]:
    """Return what else is known of each tie, as JSON."""
    columns = ties.marks.columns()
    if not columns:
        return repeat("{}")
    rows = zip(*map(_each, columns.values()), strict=True)
    return (_json(dict(zip(columns, row, strict=True))) for row in rows)


def _sessions(world: Populated, ids: list[str]) -> Iterator[Row]:
    for cascade in world.cascades:
        started = cascade.started_at if cascade.started_at >= 0 else None
        ended = (
            None if cascade.alive or started is None else started + cascade.new_adopters.size - 1
        )
        yield (
            cascade.id,
            cascade.id,
            to_json([ids[seed] for seed in cascade.seeds.tolist()]),
            utf8(cascade.model_name),
            to_json(cascade.model.values()),
            cascade.status,
            started,
            ended,
            cascade.size,
        )


def _events(world: Populated, ids: list[str]) -> Iterator[Row]:
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


def _json(value: dict[str, object]) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return utf8(text)
