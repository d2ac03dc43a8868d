"""``export``: write a world in the format of another program, chosen by name."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from xml.sax.saxutils import escape  # nosec B406 - writes, and parses nothing

import numpy as np

from sim.core.progress import Report, quiet
from sim.core.text import clean
from sim.errors import FileError, InputError, UnknownNameError
from sim.io.exporting.acts import doings_of
from sim.io.exporting.tables import (
    BATCH,
    ExportColumn,
    ExportTable,
    Kind,
    Tell,
    encoded,
    graph_of,
    groups_of,
    tables_of,
    who_of,
    write_csv,
    write_jsonl,
)
from sim.store.history.acts import Record, record_of
from sim.store.relational import ExtraTable, injected_of, message_id, write_database
from sim.store.snapshot import files
from sim.store.snapshot.files import HEADER_BYTES, as_path, is_world_file
from sim.store.snapshot.schema import to_json, utf8

if TYPE_CHECKING:
    from sim.world.world import World


@contextlib.contextmanager
def outlet(
    path: str | os.PathLike[str], names: Sequence[str] = (), *, force: bool = False
) -> Iterator[tuple[Path, ...]]:
    """Yield paths to write to; they are renamed to their final names when the block succeeds."""
    target = as_path(path)
    with _explained(target), contextlib.ExitStack() as stack:
        if names:
            stack.enter_context(_folder(target))
        targets = [target / name for name in names] or [target]
        for each in targets:
            _require_free(each, force=force)
            files.sweep(each)
        drafts = [_draft(stack, each) for each in targets]
        yield tuple(draft.path for draft in drafts)
        for draft in drafts:
            files.flush(draft.descriptor)
        for draft in drafts:
            _publish(draft, force=force)


def write_text(path: Path, text: str | bytes, *, force: bool = True) -> None:
    """Write a text atomically; a write error leaves the file unchanged."""
    with outlet(path, force=force) as (draft,):
        draft.write_bytes(text.encode() if isinstance(text, str) else text)


def _draft(stack: contextlib.ExitStack, target: Path) -> files.Draft:
    draft = files.Draft(target)
    stack.callback(os.close, draft.descriptor)
    stack.callback(draft.discard)
    return draft


@contextlib.contextmanager
def _folder(path: Path) -> Iterator[None]:
    """Create a folder, and remove it again if nothing was written to it."""
    if path.is_dir():
        yield
        return
    if path.exists() or path.is_symlink():
        raise FileError(path, "a file, and this format is a folder; choose another name")
    path.mkdir()
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            path.rmdir()
        raise


def _require_free(target: Path, *, force: bool) -> None:
    try:
        found = target.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found):
        raise FileError(target, "not a regular file; choose another name")
    if not force:
        raise FileError(target, "exists; choose another name, or replace it with --force")
    with target.open("rb") as file:
        if is_world_file(file.read(HEADER_BYTES)):
            raise FileError(target, "a world, which an export never replaces; choose another name")


def _publish(draft: files.Draft, *, force: bool) -> None:
    if not force:
        try:
            os.link(draft.path, draft.target, follow_symlinks=False)
        except FileExistsError:
            raise FileError(draft.target, "exists by now; nothing was replaced") from None
        except OSError:  # a file system without links
            _require_free(draft.target, force=False)
        else:
            return
    draft.publish()


@contextlib.contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileError(target, f"not exported: {files.why_not_saved(error)}") from error


_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_TYPES = {"text": "string", "words": "string", "integer": "long", "number": "double"}
_ENTITIES = {'"': "&quot;", "\t": "&#9;", "\n": "&#10;"}


def write_graphml(agents: ExportTable, ties: ExportTable, path: Path, tell: Tell) -> None:
    """Write members and ties as GraphML; trust is the attribute ``weight`` of an edge."""
    nodes, edges, facts, marks = _parts(agents, ties)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f'{_HEAD}<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n')
        for owner, columns in (("node", facts), ("edge", marks)):
            for column in columns:
                kind = _TYPES[column.kind]
                said = f'for="{owner}" attr.name="{column.name}" attr.type="{kind}"'
                file.write(f'<key id="{owner}.{column.name}" {said}/>\n')
        file.write('<graph edgedefault="directed">\n')
        node = f'<node id="%s">{_data("node", facts)}</node>\n'
        _write(file, node, encoded([nodes, *facts], agents.rows, _value, tell))
        edge = f'<edge source="%s" target="%s">{_data("edge", marks)}</edge>\n'
        _write(file, edge, encoded([*edges, *marks], ties.rows, _value, tell))
        file.write("</graph>\n</graphml>\n")


def write_gexf(agents: ExportTable, ties: ExportTable, path: Path, tell: Tell) -> None:
    """Write members and ties as GEXF 1.2; trust is the weight of an edge."""
    nodes, edges, facts, marks = _parts(agents, ties)
    name, *facts = facts
    weight, *marks = marks
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f'{_HEAD}<gexf xmlns="http://www.gexf.net/1.2draft" version="1.2">\n')
        file.write('<graph mode="static" defaultedgetype="directed">\n')
        for owner, columns in (("node", facts), ("edge", marks)):
            file.writelines(_attributes(owner, columns))
        file.write("<nodes>\n")
        known, said = _attvalues("node", facts), _attvalues("edge", marks)
        node = f'<node id="%s" label="%s">{known}</node>\n'
        _write(file, node, encoded([nodes, name, *facts], agents.rows, _value, tell))
        file.write("</nodes>\n<edges>\n")
        edge = f'<edge id="%s" source="%s" target="%s" weight="%s">{said}</edge>\n'
        number = ExportColumn("id", "integer", range(ties.rows))
        _write(file, edge, encoded([number, *edges, weight, *marks], ties.rows, _value, tell))
        file.write("</edges>\n</graph>\n</gexf>\n")


def _parts(
    agents: ExportTable, ties: ExportTable
) -> tuple[ExportColumn, list[ExportColumn], list[ExportColumn], list[ExportColumn]]:
    """Return node ids, edge ends, and the attributes of both, weight first."""
    own, *facts = agents.columns
    source, target, trust, *marks = ties.columns
    ids = _different(own.words or ())
    nodes, *ends = (replace(column, words=ids, kind="text") for column in (own, source, target))
    facts = [_of_node(fact, ids) for fact in facts]
    return nodes, ends, facts, [replace(trust, name="weight"), *marks]


def _of_node(fact: ExportColumn, ids: Sequence[str]) -> ExportColumn:
    """Return an attribute that refers to members, using the ids of nodes."""
    is_member = fact.name.endswith("_source") and fact.kind == "text" and fact.words is not None
    return replace(fact, words=[*ids, ""]) if is_member else fact


def _different(ids: Sequence[Any]) -> Sequence[str]:
    """Return ids that XML can hold; if that makes two equal, numbers in their place."""
    clean_ids = [_clean(str(each)) for each in ids]
    if len(set(clean_ids)) == len(clean_ids):
        return clean_ids
    return [f"n{index}" for index in range(len(clean_ids))]


def _clean(text: str) -> str:
    return clean(text, max(len(text), 1))


def _value(kind: Kind, value: Any) -> str:
    if value is None:
        return ""
    if kind in {"integer", "number"}:
        return repr(value)
    return escape(_clean("; ".join(value) if kind == "words" else value), _ENTITIES)


def _data(owner: str, columns: Iterable[ExportColumn]) -> str:
    return "".join(f'<data key="{owner}.{column.name}">%s</data>' for column in columns)


def _attributes(owner: str, columns: Sequence[ExportColumn]) -> Iterator[str]:
    yield f'<attributes class="{owner}">\n'
    for place, column in enumerate(columns):
        title, kind = f'"{column.name}"', _TYPES[column.kind]
        yield f'<attribute id="{owner}{place}" title={title} type="{kind}"/>\n'
    yield "</attributes>\n"


def _attvalues(owner: str, columns: Sequence[ExportColumn]) -> str:
    values = (f'<attvalue for="{owner}{place}" value="%s"/>' for place, _ in enumerate(columns))
    return f"<attvalues>{''.join(values)}</attvalues>" if columns else ""


def _write(file: IO[str], line: str, batches: Iterable[Iterator[tuple[str, ...]]]) -> None:
    for batch in batches:
        file.write("".join(map(line.__mod__, batch)))


_ROWS = 100_000


def write_parquet(table: ExportTable, path: Path, tell: Tell) -> None:
    """Write a table as one Parquet file, a row group per 100,000 rows."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    types = {
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "words": pa.list_(pa.string()),
    }
    fields = [(column.name, types[column.kind]) for column in table.columns]
    known: dict[int, Any] = {}
    for column in table.columns:
        if column.words is not None:
            words = _storable(column.words, column.kind)
            known[id(column.words)] = pa.array(words, types[column.kind])
    with ParquetWriter(path, pa.schema(fields)) as file:
        for start in range(0, table.rows, _ROWS):
            stop = min(start + _ROWS, table.rows)
            tell(stop - start)
            arrays = [
                _array(column, start, stop, known, types[column.kind]) for column in table.columns
            ]
            file.write_table(pa.table(arrays, pa.schema(fields)))


def _array(column: ExportColumn, start: int, stop: int, known: dict[int, Any], kind: Any) -> Any:
    import pyarrow as pa

    cells = column.cells[start:stop]
    if column.words is None:
        return pa.array(_storable(cells, column.kind), kind)
    places = np.asarray(cells, np.int64)
    return known[id(column.words)].take(pa.array(places, mask=places < 0))


def _storable(values: Any, kind: str) -> Any:
    """Return texts that UTF-8 can hold; nothing else is changed, as programs read Parquet."""
    if kind != "text":
        return values
    return [None if each is None else each.encode("utf-8", "replace").decode() for each in values]


EXPORTS = {
    "sqlite": "a database with the classical tables and indexes",
    "csv": "a folder of tables: members, ties, adoptions, messages, posts, acts, decisions",
    "jsonl": "the same as .jsonl, an object a line",
    "graphml": "members and ties for networkx, igraph, Gephi and others",
    "gexf": "members and ties for Gephi",
    "parquet": "the same as csv as .parquet; needs pyarrow",
}
"""The formats, and what each produces."""

_FOLDERS: dict[str, Callable[[ExportTable, Path, Tell], None]] = {
    "csv": write_csv,
    "jsonl": write_jsonl,
    "parquet": write_parquet,
}
_GRAPHS = {"graphml": write_graphml, "gexf": write_gexf}


@dataclass(frozen=True, slots=True)
class ExportReport:
    """The result of an export.

    Attributes
    ----------
    paths
        The files written.
    rows
        Number of rows: agents, ties, adoptions and others.
    bytes, seconds
        Total size of the files, and the time until they were safely on disk.
    missing
        Ranges of ticks, first and last, whose posts, acts and decisions are not in the files:
        they were not recorded, or were dropped (the setting ``history_mb``).
    """

    paths: tuple[Path, ...]
    rows: int
    bytes: int
    seconds: float
    missing: tuple[tuple[int, int], ...] = ()


def export(
    world: World,
    path: str | PathLike[str],
    *,
    to: str,
    history: str | PathLike[str] | None = None,
    force: bool = False,
    report: Report = quiet,
) -> ExportReport:
    """Write a world in a format of other programs, completely or not at all.

    Parameters
    ----------
    world
        Must not be stepped meanwhile; not changed.
    path
        The file; for ``csv``, ``jsonl`` and ``parquet`` a folder, created if missing.
    to
        A name in :data:`EXPORTS`. ``graphml`` and ``gexf`` contain only members and ties.
    history
        The world's file, beside which the history of its members is stored; None: only the last
        ticks are written, which the world itself holds.
    force
        Replace existing files. Worlds, links and other files of a folder are never replaced.
    report
        Called with the progress in rows; may raise to cancel.

    Returns
    -------
    The files, the number of rows, size, time, and the missing ticks.

    Raises
    ------
    UnknownNameError
        If there is no such format.
    InputError
        If ``parquet`` is requested and pyarrow is missing.
    SnapshotError
        If the history is damaged.
    FileError
        If a file exists already, or the disk refuses; nothing is left behind.
    Cancelled
        If ``report`` raises it; nothing is left behind.
    """
    if to not in EXPORTS:
        raise UnknownNameError("export format", to, EXPORTS)
    if to == "parquet":
        try:
            import pyarrow as pa  # noqa: F401
        except ImportError:
            raise InputError(
                "Parquet needs pyarrow, which is not installed; pip install 'hubbub[parquet]', "
                "or export to csv or jsonl."
            ) from None
    started = time.perf_counter()
    report("preparing rows", 0.0)
    record = record_of(world, history)
    tables = _tables(world, record) if to in _FOLDERS else ()
    names = [f"{table.name}.{to}" for table in tables]
    with outlet(path, names, force=force) as drafts:
        rows = _written(world, to, drafts, tables, record, report)
        size = sum(draft.stat().st_size for draft in drafts)
    paths = tuple(Path(path) / name for name in names) or (Path(path),)
    missing = () if to in _GRAPHS else tuple(record.missing)
    return ExportReport(paths, rows, size, time.perf_counter() - started, missing)


def _tables(world: World, record: Record) -> tuple[ExportTable, ...]:
    who = who_of(world)
    doings = () if world.platform is None else doings_of(world, record, who)
    return tables_of(world, who) + doings


def _written(
    world: World,
    to: str,
    drafts: Sequence[Path],
    tables: tuple[ExportTable, ...],
    record: Record,
    report: Report,
) -> int:
    if to == "sqlite":
        return write_all(world, record, drafts[0], report)
    if to in _GRAPHS:
        agents, ties = graph_of(world)
        tables = (agents, ties)
        _GRAPHS[to](agents, ties, drafts[0], _counting(tables, report))
    else:
        tell = _counting(tables, report)
        for table, draft in zip(tables, drafts, strict=True):
            _FOLDERS[to](table, draft, tell)
    return sum(table.rows for table in tables)


def _counting(tables: Sequence[ExportTable], report: Report) -> Tell:
    whole, done = sum(table.rows for table in tables), 0

    def tell(rows: int) -> None:
        nonlocal done
        report("writing rows", done / whole)
        done += rows

    return tell


_SQL_TYPES = {"text": "TEXT", "words": "TEXT", "integer": "INTEGER", "number": "REAL"}
_INDEXED = {
    "acts": ("agent", "message"),
    "decisions": ("member",),
    "replies": ("member",),
    "group_members": ("agent",),
}


def write_all(world: World, record: Record, path: Path, report: Report = quiet) -> int:
    """Write the classical tables, then ``acts``, ``decisions``, ``replies`` and groups."""
    who = who_of(world)
    groups = [_beside(table) for table in groups_of(world, who)]
    if world.platform is None:
        return write_database(world, path, beside=groups, report=report)
    posts, *others = doings_of(world, record, who)
    known = injected_of(world)
    beside = [_beside(_named(table, known) if table.name == "acts" else table) for table in others]
    return write_database(world, path, posts=_rows(posts), beside=[*beside, *groups], report=report)


class _Messages:
    """The messages that acts refer to, by their ``message_id`` in this database."""

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
    types = ["TEXT" if c.words is not None else _SQL_TYPES[c.kind] for c in table.columns]
    named = zip(table.columns, types, strict=True)
    columns = ",\n  ".join(f'"{column.name}" {kind}' for column, kind in named)
    sql = f"CREATE TABLE {table.name} (\n  {columns}\n) STRICT"
    indexes = [
        f"CREATE INDEX {table.name}_of_{name} ON {table.name} ({name})"
        for name in _INDEXED.get(table.name, ())
    ]
    return ExtraTable(table.name, sql, len(table.columns), _rows(table), tuple(indexes))


def _rows(table: ExportTable) -> Iterator[tuple[object, ...]]:
    """Yield the rows of a table as SQLite stores them; members are texts, as in all its tables."""
    for start in range(0, table.rows, BATCH):
        where = slice(start, min(start + BATCH, table.rows))
        yield from zip(*(_cells(column, where) for column in table.columns), strict=True)


def _cells(column: ExportColumn, where: slice) -> Iterator[object]:
    cells = column.cells[where]
    plain = cells.tolist() if hasattr(cells, "tolist") else cells
    if column.words is None:
        return (_cell(value) for value in plain)
    words = column.words
    known = len(words)  # a history may be of a world with more members
    return (utf8(words[place]) if 0 <= place < known else None for place in plain)


def _cell(value: object) -> object:
    if isinstance(value, str):
        return utf8(value)
    return to_json(value) if isinstance(value, list) else value
