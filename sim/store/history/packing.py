"""The packing of a platform's tick into bytes: some 6 of them an act.

Acts lie in the order of their members, in parts of 65,536 members each, so that the history of one
member takes one part of every tick. The bytes of each place of a number lie together before they
are compressed: most of them are alike.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import msgpack
import numpy as np
import numpy.typing as npt

from sim.platform.acts.kinds import Act
from sim.platform.acts.log import ActColumns
from sim.platform.acts.tick_record import KINDS, PostedMessages
from sim.store.snapshot.gates import DamagedError

PART = 1 << 16
"""Members whose acts in a tick lie together."""

LARGEST = 1 << 29
"""Bytes that anything may have before it was packed."""

_ACT_BYTES = 13
_WROTE_BYTES = sum(np.dtype(kind).itemsize for kind in KINDS)
_LEVEL = 1


def packed_acts(acts: ActColumns, following: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield (part, how many, bytes) of the acts of a tick, in order of their members."""
    order = np.argsort(acts.agent, kind="stable")
    agent, act, message, other = (column[order] for column in acts)
    message = np.uint32(following) - message
    parts = agent // np.uint32(PART)
    starts = np.flatnonzero(np.diff(parts, prepend=np.uint32(0xFFFF_FFFF)))
    ends = np.append(starts[1:], agent.size)[: starts.size]
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        rows, part = slice(start, end), int(parts[start])
        steps = np.diff(agent[rows], prepend=np.uint32(part * PART))
        columns = (steps, act[rows], message[rows], other[rows])
        yield part, end - start, zlib.compress(b"".join(map(_planes, columns)), _LEVEL)


def acts_of(part: int, count: int, data: bytes, following: int) -> ActColumns:
    """Return the acts of :func:`packed_acts`."""
    raw = _unpacked(data, count * _ACT_BYTES)
    steps, act, message, other = _columns(raw, count, ("<u4", "u1", "<u4", "<u4"))
    agent = np.cumsum(steps, dtype=np.uint32) + np.uint32(part * PART)
    if act.size and int(act.max()) >= len(Act):
        raise DamagedError("it names an act that there is not")
    return ActColumns(agent, act, np.uint32(following) - message, other)


def packed_wrote(wrote: PostedMessages) -> bytes:
    """Return messages as bytes."""
    columns = (np.asarray(column, kind) for column, kind in zip(wrote, KINDS, strict=True))
    return zlib.compress(b"".join(map(_planes, columns)), _LEVEL)


def wrote_of(count: int, data: bytes) -> PostedMessages:
    """Return the messages of :func:`packed_wrote`."""
    return PostedMessages(*_columns(_unpacked(data, count * _WROTE_BYTES), count, KINDS))


def packed_texts(texts: dict[int, str]) -> bytes:
    """Return the words of messages by their numbers as bytes; nothing for none."""
    return zlib.compress(msgpack.packb(sorted(texts.items())), _LEVEL) if texts else b""


def texts_of(data: bytes) -> dict[int, str]:
    """Return the words of :func:`packed_texts`."""
    if not data:
        return {}
    try:
        found = msgpack.unpackb(_inflated(data), raw=False, max_ext_len=0)
        return {int(number): str(text) for number, text in found}
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise DamagedError(f"its texts cannot be read ({error})") from error


def packed_decisions(rows: Sequence[dict[str, Any]]) -> bytes:
    """Return decisions of minds as bytes."""
    return zlib.compress(json.dumps(list(rows)).encode(), _LEVEL)


def decisions_of(data: bytes) -> list[dict[str, Any]]:
    """Return the decisions of :func:`packed_decisions`."""
    try:
        rows = json.loads(_inflated(data))
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"its decisions cannot be read ({error})") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DamagedError("its decisions are no list of tables")
    return rows


def _planes(column: npt.NDArray[Any]) -> bytes:
    """Return the first bytes of all numbers, then the second ones, and so on."""
    flat = np.ascontiguousarray(column)
    return flat.view(np.uint8).reshape(flat.size, flat.itemsize).T.tobytes()


def _columns(raw: bytes, count: int, kinds: Sequence[str]) -> Iterator[npt.NDArray[Any]]:
    start = 0
    for kind in kinds:
        size = np.dtype(kind).itemsize
        planes = np.frombuffer(raw, np.uint8, count * size, start).reshape(size, count)
        yield np.ascontiguousarray(planes.T).view(kind).reshape(count)
        start += count * size


def _unpacked(data: bytes, size: int) -> bytes:
    if not 0 <= size <= LARGEST:
        raise DamagedError("it claims to be larger than any tick")
    raw = _inflated(data, size)
    if len(raw) != size:
        raise DamagedError(f"{len(raw):,} bytes are not the {size:,} that it counts")
    return raw


def _inflated(data: bytes, most: int = LARGEST) -> bytes:
    """Decompress no more than so many bytes and one, which a caller sees."""
    try:
        return zlib.decompressobj().decompress(data, most + 1)
    except zlib.error as error:
        raise DamagedError(f"it cannot be unpacked ({error})") from error
