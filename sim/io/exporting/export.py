"""``export``: writes a world in the format of another program, chosen by the file's suffix."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from sim.core.progress import Report, quiet
from sim.errors import UnknownNameError
from sim.io.exporting.acts import doings_of
from sim.io.exporting.export_files import outlet
from sim.io.exporting.graphs import write_gexf, write_graphml
from sim.io.exporting.lines import Tell, write_csv, write_jsonl
from sim.io.exporting.parquet import require_pyarrow, write_parquet
from sim.io.exporting.tables import ExportTable, graph_of, tables_of, who_of
from sim.store.history.acts import Record, record_of

if TYPE_CHECKING:
    from sim.world.world import World


EXPORTS = {
    "sqlite": "a database with the classical tables and indexes",
    "csv": "a folder of tables: members, ties, adoptions, messages, posts, acts, decisions",
    "jsonl": "the same as .jsonl, an object a line",
    "graphml": "members and ties for networkx, igraph, Gephi and others",
    "gexf": "members and ties for Gephi",
    "parquet": "the same as csv as .parquet; needs pyarrow",
}
"""Every format, and what it makes."""

_FOLDERS: dict[str, Callable[[ExportTable, Path, Tell], None]] = {
    "csv": write_csv,
    "jsonl": write_jsonl,
    "parquet": write_parquet,
}
_GRAPHS = {"graphml": write_graphml, "gexf": write_gexf}


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export made.

    Attributes
    ----------
    paths
        The files.
    rows
        Agents, ties, adoptions and what else they hold as rows.
    bytes, seconds
        Of all files together, and how long it took until they were safe on the disk.
    missing
        Stretches of ticks, first and last, of which posts, acts and decisions are not in the files:
        nobody wrote them down, or they were dropped (the setting ``history_mb``).
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
    """Write a world in a format of other programs; all of it or nothing.

    Parameters
    ----------
    world
        Must hold still meanwhile; not changed.
    path
        The file; for ``csv``, ``jsonl`` and ``parquet`` a folder, made when missing.
    to
        A name of :data:`EXPORTS`. ``graphml`` and ``gexf`` hold members and ties alone.
    history
        The world's file, beside which lies what its members did; None: only what they did in the
        last ticks is written, which the world itself holds.
    force
        Replace files that are there. Worlds, links and other files of a folder never are.
    report
        Told of progress by rows; may cancel.

    Returns
    -------
    Where, how many rows, how large, how long, and what nobody knows.

    Raises
    ------
    UnknownNameError
        When there is no such format.
    InputError
        When ``parquet`` is asked for and pyarrow is missing.
    SnapshotError
        When the history is damaged.
    FileError
        When something is there already, or the disk refuses; nothing is left of the attempt.
    Cancelled
        When ``report`` says so; nothing is left either.
    """
    if to not in EXPORTS:
        raise UnknownNameError("export format", to, EXPORTS)
    if to == "parquet":
        require_pyarrow()
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
        from sim.io.exporting.database import write_all

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
