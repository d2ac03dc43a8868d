"""Agents, ties and adoptions as rows, so that ``SELECT`` works for everyone on small worlds.

A copy for reading: loading ignores it. It costs about four microseconds a row, so it is written
unasked only where saving stays quick (7,624 agents with 55,656 ties: 0.35 s against 0.01 s), and
on request for any world.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from sim.core.progress import Report, quiet
from sim.errors import InputError
from sim.store.plain import to_json, utf8
from sim.store.schema import RELATIONAL_TABLES, create_tables

if TYPE_CHECKING:
    from sim.agents.columns import Agents
    from sim.network.ties import Ties
    from sim.spread.cascade import Cascade

__all__ = ["MOST_AGENTS", "MOST_ROWS", "Populated", "of", "write"]

MOST_AGENTS = 10_000
MOST_ROWS = 120_000
"""What is written unasked, in agents and in rows of all tables: about half a second."""

TRAITS = ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")
NOBODY = 0xFFFF_FFFF
BATCH = 10_000
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
    ids = [utf8(world.agents.id(index)) for index in range(len(world.agents))]
    work = {
        "agents": _agents(world, ids),
        "agent_states": _states(world, ids),
        "agent_relationships": _ties(world, ids),
        "propagation_sessions": _sessions(world, ids),
        "propagation_events": _events(world, ids),
    }
    for done, (table, rows) in enumerate(work.items()):
        for batch in _batches(rows):
            report("writing rows", done / len(work))
            marks = ", ".join("?" * len(batch[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", batch)  # noqa: S608


def _is_small(world: Populated) -> bool:
    agents = len(world.agents)
    adoptions = sum(cascade.size for cascade in world.cascades)
    return agents <= MOST_AGENTS and 2 * agents + world.ties.count + adoptions <= MOST_ROWS


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _agents(world: Populated, ids: list[str]) -> Iterator[Row]:
    from sim.agents.lifecycle import Lifecycle

    agents, tick = world.agents, world.tick
    words = [status.name.lower() for status in Lifecycle]
    columns = (agents.status, agents.community, agents.interests, agents.activity)
    for index, row in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        status, label, mask, activity = row
        community = agents.communities[label] if 0 <= label < len(agents.communities) else None
        interests = list(agents.vocabulary.names(mask))
        said = {"interests": interests, "activity": round(activity, 6), "community": community}
        name = utf8(agents.name(index))
        yield ids[index], "agent", name, None, _json(said), words[status], None, tick, 1


def _states(world: Populated, ids: list[str]) -> Iterator[Row]:
    shares = np.round(world.agents.personality / 255, 4).tolist()
    for each, share in zip(ids, shares, strict=True):
        yield each, "personality", _json(dict(zip(TRAITS, share, strict=True))), world.tick, 1


def _ties(world: Populated, ids: list[str]) -> Iterator[Row]:
    ties, tick = world.ties, world.tick
    sources = np.repeat(np.arange(ties.agents), ties.out_degree).tolist()
    trust = (ties.trust / 65535).tolist() if ties.trust.size else repeat(1.0)
    rows = zip(sources, ties.targets.tolist(), trust, _marks(ties), strict=False)
    for number, (source, target, strength, said) in enumerate(rows):
        yield number, ids[source], ids[target], "follow", said, strength, None, tick


def _marks(ties: Ties) -> Iterable[str]:
    """Return what else is known of each tie, as JSON."""
    columns = ties.marks.columns()
    if not columns:
        return repeat("{}")
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
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
        columns = (log.agents.tolist(), log.sources.tolist(), log.ticks.tolist())
        for agent, source, tick in zip(*columns, strict=True):
            if source == NOBODY:
                yield number, cascade.id, ids[agent], None, "sent", tick, "{}"
            else:
                yield number, cascade.id, ids[source], ids[agent], "received", tick, "{}"
            number += 1


def _json(value: dict[str, object]) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return utf8(text)
