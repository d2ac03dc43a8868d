"""Sans-IO database lookups: generators that yield SQL queries and are sent the rows.

A lookup is a generator: it yields each :class:`Query`, is sent the rows, and returns what they say.
So a query stands once, and sqlite3 answers it here, aiosqlite in :mod:`sim.store.reading`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator
from functools import partial
from typing import Any, NamedTuple, TypeVar

from sim.store.snapshot.gates import Deadline, bounded

T = TypeVar("T")

Row = tuple[Any, ...]


class Query(NamedTuple):
    """A statement and what it is given.

    Attributes
    ----------
    sql
        With a question mark for each value.
    given
        The values.
    """

    sql: str
    given: tuple[int | str, ...] = ()


Lookup = Generator[Query, list[Row], T]
"""Yields queries, is sent their rows or has their errors raised in it, returns a T."""


def look_up(
    file: sqlite3.Connection | None,
    lookup: Lookup[T],
    room: Callable[[], int],
    deadline: Deadline | None = None,
) -> T:
    """Carry a lookup out."""
    step = partial(next, lookup)
    while True:
        try:
            query = step()
        except StopIteration as end:
            found: T = end.value
            return found
        assert file is not None  # noqa: S101 - who asks has a file
        if deadline is not None:
            deadline.restart()
        try:
            rows = [*bounded(file.execute(query.sql, query.given), room())]
        except Exception as error:
            step = partial(lookup.throw, error)
        else:
            step = partial(lookup.send, rows)
