"""Arrays as rows: cut into chunks of 1 MiB when written, read straight into place."""

from __future__ import annotations

import math
import platform
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from importlib import metadata
from itertools import chain, islice
from typing import Any

import numpy as np
import xxhash

from sim.arrays import Array
from sim.core.progress import Report, quiet
from sim.core.scratch import looked_at
from sim.errors import InputError
from sim.store.snapshot.files import LEAF_BYTES
from sim.store.snapshot.gates import DamagedError, bounded
from sim.store.snapshot.schema import CHUNK_BYTES, from_json, to_json, utf8
from sim.world.records import heads

Columns = dict[str, Array]

CHECKSUM = "xxh3_64"
"""Checksum of each chunk and each column. For 110 MB it takes 4 ms; crc32 takes 26, sha256 61 and
BLAKE2b 116, and against damage (not malice) 64 bits are enough."""

DTYPES = frozenset(
    ["|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8"]
)
MOST_DIMENSIONS = 4
ROW_TYPES = (str, str, str, str, int, int, str)


@dataclass(frozen=True, slots=True)
class ColumnEntry:
    """One row of the table ``columns``."""

    # name, dtype, shape: as numpy has them; dtype is little-endian text such as "<u4", order
    # is always C
    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int  # bytes, chunks: its size, and the number of chunks of 1 MiB that it is cut into
    chunks: int
    checksum: str  # xxh3_64 of all its bytes, 16 hex digits

    @classmethod
    def of(cls, name: str, array: Array) -> ColumnEntry:
        """Describe an array."""
        size = array.nbytes
        checksum = xxhash.xxh3_64_hexdigest(_bytes(array))
        looked_at(size)
        return cls(name, array.dtype.str, array.shape, size, -(-size // CHUNK_BYTES), checksum)

    @classmethod
    def parse(cls, row: tuple[Any, ...]) -> ColumnEntry:
        """Parse a row of an untrusted file."""
        if tuple(type(value) for value in row) != ROW_TYPES:  # STRICT binds writers, not files
            raise DamagedError(f"a column is declared by values of wrong types: {row!r:.80}")
        name, dtype, shape_text, order, size, chunks, checksum = row
        shape = _shape(name, shape_text)
        if dtype not in DTYPES or order != "C":
            raise DamagedError(f"column {name!r} has the type {dtype!r}, order {order!r}")
        if size != math.prod(shape) * np.dtype(dtype).itemsize:
            raise DamagedError(f"column {name!r} of shape {list(shape)} cannot have {size} bytes")
        if chunks != -(-size // CHUNK_BYTES):
            raise DamagedError(f"column {name!r} of {size} bytes cannot have {chunks} chunks")
        return cls(name, dtype, shape, size, chunks, checksum)

    def cuts(self) -> Iterator[tuple[int, int, int]]:
        """Yield (number, start, stop) of each chunk, in bytes."""
        for number in range(self.chunks):
            start = number * CHUNK_BYTES
            yield number, start, min(start + CHUNK_BYTES, self.bytes)


def check_columns(columns: Mapping[str, Array]) -> Columns:
    """Return the arrays C-contiguous and little-endian."""
    return {name: _portable(name, array) for name, array in columns.items()}


def write(
    connection: sqlite3.Connection, columns: Mapping[str, Array], report: Report = quiet
) -> None:
    """Write all columns into the tables ``columns`` and ``chunks``."""
    entries = [ColumnEntry.of(name, array) for name, array in columns.items()]
    connection.executemany(
        'INSERT INTO columns(name, dtype, shape, "order", bytes, chunks, checksum)'
        " VALUES (?, ?, ?, 'C', ?, ?, ?)",
        ((e.name, e.dtype, str(list(e.shape)), e.bytes, e.chunks, e.checksum) for e in entries),
    )
    total, done = sum(entry.bytes for entry in entries), 0
    for entry in entries:
        data = _bytes(columns[entry.name])
        for number, start, stop in entry.cuts():
            report("writing", done / total)
            piece = data[start:stop]
            connection.execute(
                "INSERT INTO chunks(column, number, checksum, data) VALUES (?, ?, ?, ?)",
                (entry.name, number, xxhash.xxh3_64_hexdigest(piece), piece),
            )
            done += stop - start
        looked_at(entry.bytes)


def declared(connection: sqlite3.Connection, room: int) -> list[ColumnEntry]:
    """Read the table ``columns``, in order."""
    rows = connection.execute(
        'SELECT name, dtype, shape, "order", bytes, chunks, checksum FROM columns ORDER BY id'
    )
    entries = [ColumnEntry.parse(row) for row in bounded(rows, room)]
    if len({entry.name for entry in entries}) != len(entries):
        raise DamagedError("two of its columns have one name")
    if sum(entry.bytes for entry in entries) > room:
        raise DamagedError("its columns claim to be larger than the file")
    return entries


def read(
    connection: sqlite3.Connection, entries: list[ColumnEntry], report: Report = quiet
) -> Columns:
    """Read all chunks straight into arrays, checking each; raise DamagedError for a bad one."""
    columns = {entry.name: np.empty(entry.shape, entry.dtype) for entry in entries}
    views = {name: _bytes(array) for name, array in columns.items()}
    for entry, start, data in chunks(connection, entries, report):
        views[entry.name][start : start + len(data)] = data
    return columns


def read_some(connection: sqlite3.Connection, entries: list[ColumnEntry]) -> Columns:
    """Read some columns, each chunk of them checked; the others are not read."""
    listed = {
        (column, number): (row, checksum)
        for row, checksum, column, number in connection.execute(
            "SELECT id, checksum, column, number FROM chunks"
        )
    }
    columns = {}
    for entry in entries:
        columns[entry.name] = np.empty(entry.shape, entry.dtype)
        view = _bytes(columns[entry.name])
        for number, start, stop in entry.cuts():
            if (entry.name, number) not in listed:
                raise DamagedError("its chunks are not those that its columns need")
            row = listed[entry.name, number]
            view[start:stop] = _chunk(connection, row, entry, number, stop - start)
    return columns


def chunks(
    connection: sqlite3.Connection, entries: list[ColumnEntry], report: Report = quiet
) -> Iterator[tuple[ColumnEntry, int, bytes]]:
    """Yield (column, first byte, data) of every chunk in order, each checked."""
    rows = _listed(connection, entries)
    total = sum(entry.bytes for entry in entries)
    done = 0
    for entry in entries:
        for number, start, stop in entry.cuts():
            report("reading", done / total)
            yield entry, start, _chunk(connection, next(rows), entry, number, stop - start)
            done += stop - start


def _listed(
    connection: sqlite3.Connection, entries: list[ColumnEntry]
) -> Iterator[tuple[int, str]]:
    """Return (row id, checksum) of every chunk, after checking their order."""
    rows = connection.execute("SELECT id, checksum, column, number FROM chunks ORDER BY id")
    places = [(entry.name, number) for entry in entries for number in range(entry.chunks)]
    listed = rows.fetchmany(len(places) + 1)
    if [row[2:] for row in listed] != places:
        raise DamagedError("its chunks are not those that its columns need")
    return iter([row[:2] for row in listed])


def _chunk(
    connection: sqlite3.Connection, row: tuple[int, str], entry: ColumnEntry, number: int, size: int
) -> bytes:
    where = f"column {entry.name!r}, chunk {number + 1} of {entry.chunks}"
    # A blob handle copies the pages once; SELECT would assemble the value first (33 ms against
    # 40 for 110 MB), and its length is known before a byte is allocated.
    with connection.blobopen("chunks", "data", row[0], readonly=True) as blob:
        if len(blob) != size:
            raise DamagedError(f"{where} has {len(blob)} bytes instead of {size}")
        data = blob.read()
    if xxhash.xxh3_64_hexdigest(data) != row[1]:
        raise DamagedError(f"{where} does not match its checksum")
    return data


def _portable(name: str, array: Array) -> Array:
    array = np.asarray(array)
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
    if little.dtype.str not in DTYPES or array.ndim > MOST_DIMENSIONS:
        raise InputError(
            f"Column {name!r} is an array of {array.dtype} with {array.ndim} dimensions; "
            f"a snapshot holds numbers in up to {MOST_DIMENSIONS}."
        )
    return little


def _bytes(array: Array) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _shape(name: str, text: str) -> tuple[int, ...]:
    try:
        shape = from_json(text)
    except ValueError as error:
        raise DamagedError(f"column {name!r} has no readable shape") from error
    if not isinstance(shape, list) or len(shape) > MOST_DIMENSIONS:
        raise DamagedError(f"column {name!r} has no shape of up to {MOST_DIMENSIONS} numbers")
    if not all(type(n) is int and 0 <= n < 1 << 48 for n in shape):
        raise DamagedError(f"column {name!r} has the shape {text}")
    return tuple(shape)


Meta = dict[str, Any]
"""What ``World.dump()`` returns besides its columns: all of it can be written as JSON."""


Said = Mapping[str, object]
"""Rows of the table ``world``, before conversion to text."""


Who = Callable[[object], str | None]
NOBODY = -1
_AT_A_TIME = 256
"""Messages whose rows are made together."""

_MOST_TYPES = 100
"""Number of tie types in ``info``; further ones are only in the world itself."""


def counted(world: object, meta: Meta, models: set[str]) -> dict[str, object]:
    """Return the numbers that ``info`` shows; ``models`` are from :func:`mirror`."""
    agents, ties = getattr(world, "agents", None), getattr(world, "ties", None)
    hosted = _dict(meta.get("platform"))
    types = _dict(meta.get("relations")).get("types")
    return ({"relations": types[:_MOST_TYPES]} if isinstance(types, list) else {}) | {
        "agents": len(agents) if isinstance(agents, Sized) else _integer(meta.get("agents"), None),
        "ties": _integer(getattr(ties, "count", meta.get("ties")), None),
        "interactions": _integer(_dict(meta.get("interactions")).get("count"), None),
        "tick": meta.get("tick"),
        "seed": meta.get("seed"),
        "models": sorted(models - {""}),
        "recommenders": [str(each.get("name", "")) for each in _dicts(hosted, "recommenders")],
        "policies": [
            str(each.get("name", ""))
            for each in (_dict(hosted.get("policy")), *_dicts(hosted, "policies"))
            if each
        ],
        "minds": _minds(_dict(hosted.get("minds"))),
    }


def _minds(said: Meta) -> list[str]:
    """Return the minds of members, with their parameters and numbers of members."""
    options: dict[object, Meta] = dict(said.get("options", ()))
    named = Counter(
        ",".join([str(kind), *(f"{key}={value}" for key, value in options.get(who, {}).items())])
        for who, kind in said.get("kinds", ())
    )
    return [f"{name} ({number:,})" for name, number in sorted(named.items())]


def naming(world: object) -> Who:
    """Return how agents of this world are identified to people: by their foreign ids."""
    agents = getattr(world, "agents", None)
    count = len(agents) if isinstance(agents, Sized) else 0
    name = getattr(agents, "id", str)

    def who(author: object) -> str | None:
        if author is None or author == NOBODY:
            return None
        if isinstance(author, int) and 0 <= author < count:
            return utf8(name(author))
        return utf8(author)

    return who


def write_facts(connection: sqlite3.Connection, meta: Meta, said: Said) -> None:
    """Write the table ``world``."""
    rows: dict[str, object] = {
        "format": "Hubbub world; saves/README.md says how to read it",
        "saved_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "checksum": CHECKSUM,
        "trailer": f"BLAKE2b-256 (tree, leaves of {LEAF_BYTES} bytes), xxh3_128",
        "versions": to_json(versions()),
        "meta": to_json(meta),
    }
    rows |= {key: _text(value) for key, value in said.items() if value is not None}
    connection.executemany("INSERT INTO world VALUES (?, ?)", rows.items())


def mirror(connection: sqlite3.Connection, meta: Meta, columns: Columns, who: Who) -> set[str]:
    """Write ``plugins``, ``messages`` and ``cascades``; return the models' names."""
    _insert(connection, "plugins", map(_plugin, _dicts(meta, "plugins")))
    messages = _dicts(meta, "messages")
    _insert(connection, "messages", (_message(i, each, who) for i, each in enumerate(messages)))
    models: set[str] = set()
    number, every = 0, _cascades(meta, columns)
    while some := [*islice(every, _AT_A_TIME)]:
        models |= {_model(each)[0] for each in some}
        if not messages:
            said = (each | _dict(each.get("message")) for each in some)
            rows = [_message(i, each, who) for i, each in enumerate(said, number)]
            _insert(connection, "messages", rows)
        found = enumerate(_seeded(some, columns), number)
        _insert(connection, "cascades", [_cascade(i, each, who) for i, each in found])
        number += len(some)
    return models


def _cascades(meta: Meta, columns: Columns) -> Iterator[Meta]:
    """Yield the facts on each message in order of number, packed records included."""
    own, ended = _dicts(meta, "cascades"), heads(columns)
    first = next(ended, None)
    if first is None:
        return iter(own)
    own.sort(key=_id)
    return merge(own, chain([first], ended), key=_id)


def _id(cascade: Meta) -> int:
    return int(cascade["id"])


def versions() -> dict[str, str]:
    """Return the versions and the architecture for which equal digests are promised."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in ("hubbub", "numpy", "numba"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:  # run from a checkout that is not installed
            found[package] = "unknown"
    return found | {"sqlite": sqlite3.sqlite_version, "byteorder": sys.byteorder}


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    every = [*rows]
    if every:
        marks = ", ".join("?" * len(every[0]))
        connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", every)  # noqa: S608 - our names


def _plugin(plugin: Meta) -> tuple[object, ...]:
    fields = (plugin.get(key, "") for key in ("name", "version", "kind"))
    return (None, *map(utf8, fields), utf8(plugin.get("hash", plugin.get("sha256", ""))))


def _message(number: int, message: Meta, who: Who) -> tuple[object, ...]:
    properties = {"tags": message.get("tags"), "priority": message.get("priority", 0)}
    return (
        _integer(message.get("id"), number),
        who(message.get("author")),
        utf8(message.get("text", "")),
        utf8(message.get("kind", "post")),
        to_json(properties),
        _integer(message.get("created"), _integer(message.get("started_at"), 0)),
    )


def _cascade(number: int, cascade: Meta, who: Who) -> tuple[object, ...]:
    message = _dict(cascade.get("message"))
    model, parameters = _model(cascade)
    seeds = cascade.get("seeds")
    return (
        _integer(cascade.get("id"), number),
        utf8(cascade.get("text", message.get("text", ""))),
        who(cascade.get("author", message.get("author"))),
        model,
        to_json(parameters),
        utf8(cascade.get("status", "")),
        len(seeds) if isinstance(seeds, Sized) else _integer(seeds, None),
        _integer(cascade.get("size"), None),
        _integer(cascade.get("started_at"), None),
    )


def _model(cascade: Meta) -> tuple[str, object]:
    """Return a cascade's model as (name, parameters), whether it is text or a separate row."""
    model = cascade.get("model", "")
    own = _dict(model)
    parameters = cascade.get("parameters", own.get("parameters", {}))
    return utf8(own.get("name", "") if own else model), parameters


def _dicts(meta: Meta, key: str) -> list[Meta]:
    found = meta.get(key)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _dict(value: object) -> Meta:
    return value if isinstance(value, dict) else {}


def _seeded(cascades: list[Meta], columns: Columns) -> list[Meta]:
    found = [columns.get(f"cascade.{each.get('id')}.seeds") for each in cascades]
    return [{"seeds": seeds} | each for seeds, each in zip(found, cascades, strict=True)]


def _integer(value: Any, default: int | None) -> int | None:
    fits = isinstance(value, int) and -(1 << 63) <= value < 1 << 63
    return int(value) if fits else default


def _text(value: object) -> str:
    return utf8(value) if isinstance(value, str) else to_json(value)
