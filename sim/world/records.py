""":class:`PackedRecord`: compressed records of ended messages, cheap to digest.

A record holds the message's metadata in the form that is digested, then a list of the columns, then
the columns, each after the header that a digest puts before it. It is compressed once, when the
message is packed: memory, saves and all checkpoints hold the same few bytes.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

Meta = dict[str, Any]
Columns = dict[str, npt.NDArray[Any]]
Joined = Callable[[Sequence[npt.NDArray[np.uint8]]], npt.NDArray[np.uint8]]

PACKED_BYTES = 64 << 10
"""Records up to this size in bytes are packed; larger ones stay uncompressed."""

PREFIX = "ended."
"""Prefix of the columns of packed records in a file."""

_NAMES = ("numbers", "sizes", "wholes", "records")
_LENGTH = 8
_RESTED = '"rested":""'
_KINDS = "biuf"
_MOST_DIMENSIONS = 4
_OBJECT_BYTES, _SPARE_BYTES = 64, 64 << 20
"""A JSON value takes about 64 bytes of memory, but as few as two bytes of text."""


class PackedRecord(NamedTuple):
    """A packed record."""

    number: int
    whole: int
    data: bytes | memoryview


def canonical(value: object) -> str:
    """Return JSON in the canonical form for digests."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def serialize(meta: Meta, columns: Columns) -> bytes:
    """Return a record as uncompressed bytes; ``rested`` is left empty."""
    if meta["status"] == "quiet":
        meta = meta | {"rested": ""}
    parts, laid = [], []
    for name in sorted(columns):
        column = np.ascontiguousarray(columns[name])
        column = column.astype(column.dtype.newbyteorder("<"), copy=False)
        laid.append((name, column.dtype.str, column.shape))
        parts += [_front(meta["id"], laid[-1]), column.tobytes()]
    heads = canonical(meta).encode(), canonical(laid).encode()
    return b"".join([_length(heads[0]), heads[0], _length(heads[1]), heads[1], *parts])


def resting(data: bytes, rested: str) -> bytes:
    """Return a record of :func:`serialize` with ``rested`` filled in."""
    said = _said(data)
    filled = _rested_as(said, rested)
    return _length(filled) + filled + data[_LENGTH + len(said) :]


def read(data: bytes, rested: str) -> tuple[Meta, Columns]:
    """Return (metadata, columns) of a record that :func:`serialize` made; ValueError if it is none.

    ``rested`` is the world's ``rested_as``: its state when quiet messages were last checked.
    """
    said, laid, begin = _head(data)
    meta = json.loads(said, parse_constant=_refuse)
    columns: Columns = {}
    for name, kind, shape in laid:
        _require_sound(name, kind, shape, max(len(data), PACKED_BYTES))
        front = _front(meta["id"], (name, kind, tuple(shape)))
        if data[begin : begin + len(front)] != front:
            raise ValueError(f"a column {name!r:.40} that is not where it should be")
        count = int(np.prod(shape, dtype=object)) if shape else 1
        columns[name] = np.frombuffer(data, kind, count, begin + len(front)).reshape(shape)
        begin += len(front) + columns[name].nbytes
    if begin != len(data):
        raise ValueError("bytes behind its columns")
    if meta["status"] == "quiet":
        meta["rested"] = meta["rested"] or rested
    return meta, columns


def filed(found: Sequence[PackedRecord], joined: Joined = np.concatenate) -> Columns:
    """Return packed records as columns of a file; empty without records."""
    if not found:
        return {}
    sizes = [len(each.data) for each in found]
    return {
        f"{PREFIX}numbers": np.array([each.number for each in found], np.int64),
        f"{PREFIX}sizes": np.array(sizes, np.int64),
        f"{PREFIX}wholes": np.array([each.whole for each in found], np.int64),
        f"{PREFIX}records": joined([np.frombuffer(each.data, np.uint8) for each in found]),
    }


def records(columns: Columns) -> list[PackedRecord]:
    """Return the packed records among the columns of a file, without copying their bytes."""
    own = [columns[PREFIX + name] for name in _NAMES if PREFIX + name in columns]
    if not own:
        return []
    if len(own) < len(_NAMES) or any(each.ndim != 1 for each in own):
        raise ValueError("one of their columns is missing")
    numbers, sizes, wholes, data = own
    if any(each.dtype != np.int64 for each in own[:3]) or data.dtype != np.uint8:
        raise ValueError("their columns are of wrong types")
    if not numbers.size == sizes.size == wholes.size:
        raise ValueError("their columns are of several lengths")
    if numbers.size and (min(sizes.min(), wholes.min()) < 0 or wholes.max() > PACKED_BYTES):
        raise ValueError("one of them is too large")
    if sizes.sum() != data.size or (numbers.size and sizes.max() > data.size):
        raise ValueError("they are not as long as they claim")
    held, stops = np.ascontiguousarray(data).data, np.cumsum(sizes).tolist()
    starts = [0, *stops[:-1]]
    told = zip(numbers.tolist(), wholes.tolist(), starts, stops, strict=True)
    return [PackedRecord(number, whole, held[start:stop]) for number, whole, start, stop in told]


def opened(record: PackedRecord) -> bytes:
    """Return a record's bytes, decompressed."""
    try:
        unpacking = zlib.decompressobj()
        data = unpacking.decompress(record.data, record.whole + 1)
    except zlib.error as error:
        raise ValueError(f"message {record.number} cannot be unpacked") from error
    if len(data) != record.whole or not unpacking.eof:
        raise ValueError(f"message {record.number} is not as long as it claims")
    return data


def heads(columns: Columns) -> Iterator[Meta]:
    """Yield the metadata of each packed record, with the number of its seeds."""
    for record in records(columns):
        said, laid, _ = _head(opened(record))
        seeds = next(shape for name, _, shape in laid if name == "seeds")
        yield json.loads(said) | {"seeds": seeds[0]}


def texts(columns: Columns, rested: str) -> Iterator[tuple[int, bytes]]:
    """Yield number and metadata of each packed message, in the form for digests."""
    for record in records(columns):
        yield record.number, _rested_as(_said(opened(record)), rested)


def body(record: PackedRecord) -> memoryview:
    """Return the columns of a record in the form for digests."""
    data = opened(record)
    return memoryview(data)[_begin(data) :]


def unfold(meta: Meta, columns: Columns) -> None:
    """Convert a file's contents into those of :meth:`~sim.world.world.World.dump`, in place."""
    found = records(columns)
    rested = meta.pop("ended", {}).get("rested", "")
    for name in _NAMES:
        columns.pop(PREFIX + name, None)
    if not found:
        return
    _require_few_values(found)
    told = {each["id"]: each for each in meta["cascades"]}
    for record in found:
        said, own = read(opened(record), rested)
        if said["id"] != record.number or record.number in told:
            raise ValueError(f"message {record.number} is not the one that it claims to be")
        told[record.number] = said
        for name, column in own.items():
            columns[f"cascade.{record.number}.{name}"] = np.array(column)
    meta["cascades"] = [told[number] for number in sorted(told)]


def _require_few_values(found: Iterable[PackedRecord]) -> None:
    """Raise for metadata of so many small values that parsing would take far more memory."""
    values = size = 0
    for record in found:
        said = _said(opened(record))
        values, size = values + sum(map(said.count, (b"[", b"{", b","))), size + record.whole
    if _OBJECT_BYTES * values > _SPARE_BYTES + 4 * size:
        raise ValueError("too many values for their size")


def _head(data: bytes) -> tuple[bytes, list[Any], int]:
    """Return the metadata, the list of columns, and the offset of the columns."""
    said, begin = _said(data), _begin(data)
    laid = json.loads(data[2 * _LENGTH + len(said) : begin])
    return said, laid, begin


def _begin(data: bytes) -> int:
    """Return the offset of the columns."""
    middle = _LENGTH + int.from_bytes(data[:_LENGTH], "little")
    return middle + _LENGTH + int.from_bytes(data[middle : middle + _LENGTH], "little")


def _said(data: bytes) -> bytes:
    return data[_LENGTH : _LENGTH + int.from_bytes(data[:_LENGTH], "little")]


def _rested_as(said: bytes, rested: str) -> bytes:
    """Fill in ``rested``; only strings, with escaped quotes, follow it, so the match is safe."""
    before, open_, behind = said.rpartition(_RESTED.encode())
    if not open_ or b'"status":"quiet"' not in behind:
        return said
    return before + f'"rested":{json.dumps(rested)}'.encode() + behind


def _front(number: int, laid: tuple[str, str, tuple[int, ...]]) -> bytes:
    name, kind, shape = laid
    return f"cascade.{number}.{name} {kind} {shape}".encode()


def _length(data: bytes) -> bytes:
    return len(data).to_bytes(_LENGTH, "little")


def _require_sound(name: object, kind: object, shape: object, most: int) -> None:
    whole = isinstance(shape, list) and len(shape) <= _MOST_DIMENSIONS
    if not isinstance(name, str) or not isinstance(kind, str) or not whole:
        raise ValueError("a column of no kind")
    if not all(type(n) is int and 0 <= n <= most for n in shape):  # type: ignore[attr-defined]
        raise ValueError(f"a column {name!r:.40} of no size")
    if np.dtype(kind).kind not in _KINDS:
        raise ValueError(f"a column {name!r:.40} of {kind!r:.20}")


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")
