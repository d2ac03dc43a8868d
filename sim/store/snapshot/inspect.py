"""``info`` and ``verify``: what a world file says of itself, and whether its bytes are right."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import xxhash

from sim.core.progress import Report, quiet
from sim.core.text import one_line
from sim.errors import SnapshotError
from sim.store.sans_io import Lookup, Query, look_up
from sim.store.snapshot import columns as arrays
from sim.store.snapshot.gates import DamagedError, bounded, gated
from sim.store.snapshot.header import as_path
from sim.store.snapshot.json_values import from_json
from sim.store.snapshot.opened import OpenedFile, find_world, meta_of, opened, world_rows
from sim.store.snapshot.trailer import NO_STRONG, TRAILER_BYTES, full, quick

NUMBER = re.compile(r"-?[0-9]{1,1000}")
"""Longer ones take long to convert, and nobody counts so far."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin that the saved world used: name, version, kind, and the hash of its file."""

    name: str
    version: str
    kind: str
    hash: str


@dataclass(frozen=True, slots=True)
class Info:
    """What a world file says of itself.

    Attributes
    ----------
    path, bytes
        The file and its size.
    name, note
        For people; one clean line each, like every text here.
    agents, ties, tick, seed
        Of the world; None when the file does not say.
    models, plugins
        Names of the propagation models of its cascades, and the plugins it used.
    saved_at, versions
        When (ISO 8601, UTC), and by which versions of what.
    digest
        The world's, hex.
    relational
        Whether it also holds agents, ties and adoptions as rows.
    interactions
        Single contacts with their times, where the network came with some.
    relations
        How many ties came with each type, of the first hundred types.
    recommenders
        Who rank the feeds of its platform; empty where there is none.
    policies
        Who decide what its members do there, the first for those who join.
    minds
        What decides for members that have a mind of their own, and for how many.
    checked
        How much of the file was looked at, in words.
    """

    path: Path
    bytes: int
    name: str
    note: str
    agents: int | None
    ties: int | None
    tick: int | None
    seed: int | None
    models: tuple[str, ...]
    plugins: tuple[Plugin, ...]
    saved_at: str
    versions: dict[str, str] = field(hash=False)
    digest: str
    relational: bool
    interactions: int | None = None
    relations: dict[str, int] = field(default_factory=dict, hash=False)
    recommenders: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    minds: tuple[str, ...] = ()
    checked: str = "header only; `verify` checks every byte"


@dataclass(frozen=True, slots=True)
class Verification:
    """A file all of whose bytes are as they were saved.

    Attributes
    ----------
    path, bytes, seconds
        The file, its size, and how long it took.
    columns
        How many columns were read and compared with their checksums.
    """

    path: Path
    bytes: int
    seconds: float
    columns: int


def under_way(path: str | PathLike[str]) -> frozenset[int]:
    """Return the numbers of the messages of a world file that run or wait."""
    with opened(as_path(path)) as file, gated(file.path) as connection:
        rows = connection.execute(
            "SELECT id FROM cascades WHERE status IN ('running', 'queued') ORDER BY id"
        )
        return frozenset(int(number) for (number,) in bounded(rows, file.body))


def info(path: str | PathLike[str]) -> Info:
    """Say what is in a world file, without reading its columns or importing any plugin.

    Raises
    ------
    SnapshotError
        When it is no complete world file of a known version. Damage further inside is not seen:
        only the header, the length and the tables for people are looked at.
    """
    with opened(as_path(path)) as file, gated(file.path) as connection:
        return look_up(connection, find_info(file), lambda: file.body)


def find_info(file: OpenedFile) -> Lookup[Info]:
    """Look :func:`info` up, of a file whose header is right."""
    said = yield from find_world()
    plugins = yield Query("SELECT name, version, kind, hash FROM plugins ORDER BY id")
    tables = yield Query("SELECT name FROM sqlite_master")
    return Info(
        path=file.path,
        bytes=file.body + TRAILER_BYTES,
        name=one_line(said.get("name", "")),
        note=one_line(said.get("note", "")),
        agents=_number(said, "agents"),
        ties=_number(said, "ties"),
        tick=_number(said, "tick"),
        seed=_number(said, "seed"),
        models=tuple(_line(name) for name in _json(said, "models", list)),
        plugins=tuple(Plugin(*map(_line, row)) for row in plugins),
        saved_at=one_line(said.get("saved_at", "")),
        versions={_line(k): _line(v) for k, v in _json(said, "versions", dict).items()},
        digest=one_line(said.get("digest", "")),
        relational=("agents",) in tables,
        interactions=_number(said, "interactions"),
        relations=_typed(_json(said, "relations", list)),
        recommenders=tuple(_line(name) for name in _json(said, "recommenders", list)),
        policies=tuple(_line(name) for name in _json(said, "policies", list)),
        minds=tuple(_line(name) for name in _json(said, "minds", list)),
    )


def verify(path: str | PathLike[str], *, report: Report = quiet) -> Verification:
    """Check every byte of a world file against its digests, every column against its checksum.

    Takes the memory of a few chunks, whatever the size of the world.

    Raises
    ------
    SnapshotError
        Naming what is wrong, as ``load`` would; a world too large for this machine is no error.
    """
    started = time.perf_counter()
    with opened(as_path(path)) as file:
        begin = quick if file.trailer.strong == NO_STRONG else full
        with begin(file.descriptor, file.body) as leaves:
            try:
                count = _check_columns(file, report)
            except SnapshotError as error:
                file.require(leaves.trailer() == file.trailer, error.reason)
                raise
            file.require(leaves.trailer(report) == file.trailer)
        size = file.body + TRAILER_BYTES
    return Verification(file.path, size, time.perf_counter() - started, count)


def _check_columns(file: OpenedFile, report: Report) -> int:
    with gated(file.path) as connection:
        meta_of(file.path, world_rows(connection, file.body))
        entries = arrays.declared(connection, file.body)
        hashes = {entry.name: xxhash.xxh3_64() for entry in entries}
        for entry, _, data in arrays.chunks(connection, entries, report):
            hashes[entry.name].update(data)
        for entry in entries:
            if hashes[entry.name].hexdigest() != entry.checksum:
                raise DamagedError(f"column {entry.name!r} does not match its checksum")
    return len(entries)


def _line(value: object) -> str:
    return one_line(str(value))


def _number(said: dict[str, str], key: str) -> int | None:
    text = said.get(key, "")
    return int(text) if NUMBER.fullmatch(text) else None


def _typed(pairs: list[Any]) -> dict[str, int]:
    """Return (type, how many ties) as a table; what is no such pair is left out."""
    fine = [each for each in pairs if isinstance(each, list) and len(each) == 2]
    return {_line(name): count for name, count in fine if isinstance(count, int)}


def _json(said: dict[str, str], key: str, kind: type[Any]) -> Any:
    try:
        value = from_json(said.get(key, ""))
    except ValueError:
        return kind()
    return value if isinstance(value, kind) else kind()
