"""The audit log as rows of a world's file, and whether all of them are there unchanged.

The rows are in the table ``world`` under ``acts 0``, ``acts 1`` ...: JSON lists of ``[number,
tick, author, kind, arguments, result, digest]``; ``acts head`` holds their number and the last
digest. Each digest covers the act and the digest before it, which reveals any act that is changed,
removed or moved. It does not reveal that someone rewrote all of them; keep a copy of the head
elsewhere if that matters.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sim.store.snapshot.schema import from_json
from sim.world.log import LoggedAct, Trail

HEAD = "acts head"
PART = "acts "
MOST_ACTS = 10_000_000
FIELDS = (int, int, str, str, str, str, str)


def rows_of(world: object) -> Iterator[tuple[str, str]]:
    """Yield the rows of a world's acts, a part at a time; none for an object without a trail."""
    trail = getattr(world, "trail", None)
    if not isinstance(trail, Trail):
        return
    if hasattr(world, "cascades"):
        trail.seal(world)  # type: ignore[arg-type]  # a world, or what has its messages
    for number, text in enumerate(trail.acts.texts()):
        yield f"{PART}{number}", text
    yield HEAD, json.dumps([len(trail.acts), trail.head])


def write(connection: sqlite3.Connection, world: object) -> None:
    """Write the rows of a world's acts into the table ``world`` of a new file."""
    connection.executemany("INSERT INTO world VALUES (?, ?)", rows_of(world))


def acts_in(rows: Mapping[str, str]) -> list[LoggedAct]:
    """Return the acts from a file's rows, in order; they are not checked against their digests."""
    numbers = sorted(int(key[len(PART) :]) for key in rows if _is_part(key))
    found: list[LoggedAct] = []
    for number in numbers:
        part = from_json(rows[f"{PART}{number}"])
        if not isinstance(part, list) or len(found) + len(part) > MOST_ACTS:
            raise ValueError("the log of acts is no list")
        found += [_act(fields) for fields in part]
    return found


def _is_part(key: str) -> bool:
    number = key.removeprefix(PART)
    return key.startswith(PART) and number.isascii() and number.isdecimal() and len(number) < 9


def _act(fields: Any) -> LoggedAct:
    if not isinstance(fields, list) or tuple(map(type, fields)) != FIELDS:
        raise ValueError("an act of the log is malformed")
    return LoggedAct(*fields)


def broken(rows: Mapping[str, str]) -> str:
    """Return what is wrong with the acts from a file's rows, naming the first; empty: nothing."""
    try:
        acts = acts_in(rows)
        count, head = from_json(rows[HEAD]) if HEAD in rows else (len(acts), _head(acts))
    except (ValueError, TypeError) as error:
        return f"the log of acts cannot be read ({error})"
    found = broken_at(acts)
    if found or (len(acts), _head(acts)) == (count, head):
        return found
    return f"acts of the log are missing at its end: {count} were written, {len(acts)} are there"


def broken_at(acts: Sequence[LoggedAct]) -> str:
    """Return the first act that was changed, one clause; empty: none was."""
    before = ""
    for number, act in enumerate(acts):
        if act.number != number:
            return f"act {number:,} of the log is missing or out of its place"
        if act.chained(before) != act.digest:
            who = f"{act.kind!r:.40} at tick {act.tick:,} by {act.author!r:.70}"
            return f"act {number:,} of the log ({who}) is not as it was noted"
        before = act.digest
    return ""


def _head(acts: Sequence[LoggedAct]) -> str:
    return acts[-1].digest if acts else ""


def attach(world: object, rows: Mapping[str, str]) -> None:
    """Give a world that was read from a file the acts of the file, if there are any."""
    trail = getattr(world, "trail", None)
    acts = acts_in(rows)
    if isinstance(trail, Trail) and acts:
        trail.take(acts)
