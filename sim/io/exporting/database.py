"""A world with all that its members did as one SQLite database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sim.core.progress import Report, quiet
from sim.io.exporting.acts import doings_of
from sim.io.exporting.lines import BATCH
from sim.io.exporting.tables import ExportColumn, ExportTable, groups_of, who_of
from sim.store.history.acts import Record
from sim.store.relational.tables import ExtraTable, injected_of, message_id, write_database
from sim.store.snapshot.json_values import to_json, utf8

if TYPE_CHECKING:
    from sim.world.world import World


_TYPES = {"text": "TEXT", "words": "TEXT", "integer": "INTEGER", "number": "REAL"}
_INDEXED = {
    "acts": ("agent", "message"),
    "decisions": ("member",),
    "replies": ("member",),
    "group_members": ("agent",),
}


def write_all(world: World, record: Record, path: Path, report: Report = quiet) -> int:
    """Write the classical tables; then ``acts``, ``decisions``, ``replies`` and groups."""
    who = who_of(world)
    groups = [_beside(table) for table in groups_of(world, who)]
    if world.platform is None:
        return write_database(world, path, beside=groups, report=report)
    posts, *others = doings_of(world, record, who)
    known = injected_of(world)
    beside = [_beside(_named(table, known) if table.name == "acts" else table) for table in others]
    return write_database(world, path, posts=_rows(posts), beside=[*beside, *groups], report=report)


class _Messages:
    """The messages that acts are about, by their ``message_id`` in this database."""

    def __init__(self, column: ExportColumn, injected: dict[int, int]) -> None:
        self._column, self._injected = column, injected

    def __getitem__(self, where: slice) -> list[int | None]:
        numbers = _cells(self._column, where)
        plain = (None if number is None else int(str(number)) for number in numbers)
        return [message_id(number, self._injected) for number in plain]


def _named(acts: ExportTable, injected: dict[int, int]) -> ExportTable:
    columns = tuple(
        replace(column, cells=_Messages(column, injected)) if column.name == "message" else column
        for column in acts.columns
    )
    return replace(acts, columns=columns)


def _beside(table: ExportTable) -> ExtraTable:
    columns = ",\n  ".join(f'"{column.name}" {_type(column)}' for column in table.columns)
    sql = f"CREATE TABLE {table.name} (\n  {columns}\n) STRICT"
    indexes = [
        f"CREATE INDEX {table.name}_of_{name} ON {table.name} ({name})"
        for name in _INDEXED.get(table.name, ())
    ]
    return ExtraTable(table.name, sql, len(table.columns), _rows(table), tuple(indexes))


def _type(column: ExportColumn) -> str:
    return "TEXT" if column.words is not None else _TYPES[column.kind]


def _rows(table: ExportTable) -> Iterator[tuple[object, ...]]:
    """Yield the rows of a table as SQLite holds them; members are texts, as everywhere there."""
    for start in range(0, table.rows, BATCH):
        where = slice(start, min(start + BATCH, table.rows))
        yield from zip(*(_cells(column, where) for column in table.columns), strict=True)


def _cells(column: ExportColumn, where: slice) -> Iterator[object]:
    cells = column.cells[where]
    plain = cells.tolist() if hasattr(cells, "tolist") else cells
    if column.words is None:
        return (_cell(value) for value in plain)
    words = column.words
    known = len(words)  # a history may have been left by a world of more members
    return (utf8(words[place]) if 0 <= place < known else None for place in plain)


def _cell(value: object) -> object:
    if isinstance(value, str):
        return utf8(value)
    return to_json(value) if isinstance(value, list) else value
