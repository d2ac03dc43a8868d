"""Records of single agents: biographies and personas (packed), own hours, stage moves.

Records are packed with msgpack, sixteen neighbouring agents to a chunk, and unpacked on access.
The most recently unpacked chunks are cached, up to a number of bytes, so that a million
biographies take no more memory as Python objects than a hundred do. The packed bytes are an array
in memory, or any object that can read a slice of them (:mod:`sim.store.snapshot.snapshot`: the
world's file).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from threading import Lock
from typing import Any, Final, Protocol

import msgpack
import numpy as np
import numpy.typing as npt
import xxhash

from sim.agents.languages import LANGUAGES
from sim.agents.lifecycle import MoveLog
from sim.agents.profiles import Hours
from sim.core.bounds import prefixed, under
from sim.errors import InputError

Columns = dict[str, npt.NDArray[Any]]


class AgentRecords:
    """Cold records, individual online hours, lifecycle transitions, and languages."""

    def __init__(self) -> None:
        self.cold = ColdRecords()
        self.hours = Hours()
        self.moves = MoveLog()
        self.languages = np.empty(0, np.uint8)  # of each agent; empty: English for all

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        held = self.cold.nbytes + self.hours.nbytes + self.moves.nbytes
        return held + self.languages.nbytes

    def copied(self) -> AgentRecords:
        """Return a copy that later changes do not affect."""
        twin = AgentRecords()
        twin.cold, twin.hours = self.cold.copied(), self.hours.copied()
        twin.moves, twin.languages = self.moves.copied(), self.languages  # never written to
        return twin

    def dump(self) -> Columns:
        """Return hours, transitions and languages as columns."""
        spoken = {"languages": self.languages} if self.languages.size else {}
        own = prefixed("hours.", self.hours.dump()) | prefixed("moves.", self.moves.dump())
        return own | spoken

    @classmethod
    def restore(cls, columns: Mapping[str, npt.NDArray[Any]], agents: int) -> AgentRecords:
        """Restore the records from :meth:`dump`; raise InputError for columns that do not fit."""
        lore = cls()
        lore.hours = Hours.restore(under("hours.", columns), agents)
        lore.moves = MoveLog.restore(under("moves.", columns), agents)
        if "languages" in columns:
            lore.languages = spoken = np.array(columns["languages"], np.uint8)
            if spoken.shape != (agents,) or spoken.max() >= len(LANGUAGES):
                raise InputError(f"The languages of {agents:,} agents are damaged.")
        return lore


Record = dict[str, Any]


BLOCK: Final = 16
"""Number of agents whose records share a chunk."""
_ROOM: Final = 4 << 20
_WAITING: Final = 1024
_WHAT: Final = "What is known of an agent"
_KINDS: Final = {"blocks": "<u4", "masks": "<u2", "sums": "<u8", "starts": "<i8", "data": "|u1"}

_tally = [0, 0]


def tally() -> tuple[int, int]:
    """Return (hits, lookups) of all stores of this process; a hit is a record already unpacked."""
    return _tally[0], _tally[1]


class Chunks(Protocol):
    """Packed bytes, in memory or in a file."""

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from ``start`` to ``stop``."""

    def __len__(self) -> int:
        """Return the number of bytes."""


class MemoryChunks:
    """Packed bytes in memory."""

    def __init__(self, data: npt.NDArray[np.uint8]) -> None:
        self._data = data

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from ``start`` to ``stop``."""
        return self._data[start:stop].tobytes()

    def __len__(self) -> int:
        return len(self._data)


class ColdRecords:
    """Records by agent, a dict of plain values each; agents without one cost nothing."""

    def __init__(self, *, room: int = _ROOM) -> None:
        self._room = room
        self._index = _no_index()
        self._chunks: Chunks = MemoryChunks(np.empty(0, np.uint8))
        self._changed: dict[int, dict[int, Record]] = {}
        self._known: OrderedDict[int, tuple[int, dict[int, Record]]] = OrderedDict()
        self._used = 0
        self._lock = Lock()
        self.hits = 0
        self.asked = 0

    def __len__(self) -> int:
        with self._lock:
            self._fold()
            return int(np.unpackbits(self._index["masks"].view(np.uint8)).sum())

    def __contains__(self, agent: int) -> bool:
        with self._lock:
            return self._has(agent)

    def __deepcopy__(self, memo: object) -> ColdRecords:
        return self.copied()

    @property
    def nbytes(self) -> int:
        """Size in bytes of the packed data in memory, excluding data in a file."""
        if not self._index["blocks"].size:
            return 0
        held = len(self._chunks) if isinstance(self._chunks, MemoryChunks) else 0
        return held + sum(column.nbytes for column in self._index.values())

    @property
    def packed_bytes(self) -> int:
        """Return the size of the packed records in bytes, in memory or in a file."""
        with self._lock:
            self._fold()
            return len(self._chunks)

    def packed(self) -> bytes:
        """Return all packed records."""
        with self._lock:
            self._fold()
            return self._chunks.read(0, len(self._chunks))

    def agents(self) -> npt.NDArray[np.uint32]:
        """Return the agents that have a record: uint32, ascending."""
        with self._lock:
            self._fold()
            bits = np.unpackbits(self._index["masks"].view(np.uint8), bitorder="little")
            rows, places = np.nonzero(bits.reshape(-1, BLOCK))
            found = self._index["blocks"][rows].astype(np.int64) * BLOCK + places
            return found.astype(np.uint32)

    def get(self, agent: int) -> Record:
        """Return the record of an agent, read-only; empty if it has none."""
        with self._lock:
            if not self._has(agent):
                return {}
            self.asked += 1
            _tally[1] += 1
            return self._block(agent // BLOCK, counted=True).get(agent, {})

    def text(self, agent: int, field: str) -> str:
        """Return one field of an agent's record as text; empty if missing."""
        value = self.get(agent).get(field, "")
        return value if isinstance(value, str) else ""

    def put(self, records: Mapping[int, Record]) -> None:
        """Replace the records of agents; an empty record removes it."""
        for agent, record in records.items():
            _packed([record], f"What is known of agent {agent}")
        with self._lock:
            for agent, record in records.items():
                block = self._open(agent // BLOCK)
                block.pop(agent, None)
                if record:
                    block[agent] = record
                if len(self._changed) > _WAITING:
                    self._fold()

    def note(self, agents: Iterable[int], tick: int, text: str) -> None:
        """Add a line to the history of each agent."""
        for agent in agents:
            record = dict(self.get(int(agent)))
            record["history"] = [*record.get("history", ()), [tick, text]]
            self.put({int(agent): record})

    def copied(self) -> ColdRecords:
        """Return a copy that later changes do not affect; packed bytes are shared."""
        with self._lock:
            self._fold()
            twin = ColdRecords(room=self._room)
            twin._index, twin._chunks = self._index, self._chunks
            return twin

    def dump(self) -> Columns:
        """Return the packed columns by name; empty if no agent has a record."""
        with self._lock:
            self._fold()
            if not self._index["blocks"].size:
                return {}
            data = np.frombuffer(self._chunks.read(0, len(self._chunks)), np.uint8)
            return {**self._index, "data": data}

    @classmethod
    def restore(cls, columns: Mapping[str, npt.NDArray[Any]], agents: int) -> ColdRecords:
        """Restore the records from :meth:`dump`."""
        cold = cls()
        if not columns:
            return cold
        if set(columns) != set(_KINDS) or any(columns[n].dtype != k for n, k in _KINDS.items()):
            raise InputError(f"What is known of agents needs the columns {', '.join(_KINDS)}.")
        own = {name: np.array(column) for name, column in columns.items()}
        _check(own, agents)
        cold._chunks = MemoryChunks(own.pop("data"))
        cold._index = own
        return cold

    def lie_in(self, chunks: Chunks) -> None:
        """Read the packed bytes from ``chunks`` from now on; they must equal the current ones."""
        with self._lock:
            self._fold()
            if len(chunks) != len(self._chunks):
                raise InputError(f"{len(self._chunks):,} bytes are known, {len(chunks):,} offered.")
            self._chunks = chunks
            self._forget()

    # The lock is held

    def _has(self, agent: int) -> bool:
        number, place = divmod(agent, BLOCK)
        if number in self._changed:
            return agent in self._changed[number]
        row = self._row(number)
        return row >= 0 and bool(int(self._index["masks"][row]) >> place & 1)

    def _row(self, number: int) -> int:
        blocks = self._index["blocks"]
        row = int(np.searchsorted(blocks, number))
        return row if row < blocks.size and blocks[row] == number else -1

    def _block(self, number: int, *, counted: bool = False) -> dict[int, Record]:
        """Return the unpacked records of a block."""
        known = self._changed.get(number)
        if known is None and number in self._known:
            self._known.move_to_end(number)
            known = self._known[number][1]
        if known is not None:
            self.hits += counted
            _tally[0] += counted
            return known
        row = self._row(number)
        records, size = ({}, 0) if row < 0 else self._unpacked(row)
        self._known[number] = (size, records)
        self._used += size
        while self._used > self._room and len(self._known) > 1:
            self._used -= self._known.popitem(last=False)[1][0]
        return records

    def _open(self, number: int) -> dict[int, Record]:
        """Return the records of a block that is about to be modified."""
        if number not in self._changed:
            self._changed[number] = dict(self._block(number))
            self._used -= self._known.pop(number, (0, {}))[0]
        return self._changed[number]

    def _unpacked(self, row: int) -> tuple[dict[int, Record], int]:
        index = self._index
        start, stop = int(index["starts"][row]), int(index["starts"][row + 1])
        raw = self._chunks.read(start, stop)
        first = int(index["blocks"][row]) * BLOCK
        if xxhash.xxh3_64_intdigest(raw) != int(index["sums"][row]):
            raise InputError(f"What is known of agents {first} to {first + BLOCK - 1} is damaged.")
        mask = int(index["masks"][row])
        who = [first + place for place in range(BLOCK) if mask >> place & 1]
        return dict(zip(who, _read(raw, first), strict=False)), len(raw)

    def _fold(self) -> None:
        """Pack pending changes; the bytes depend only on the final contents."""
        if not self._changed:
            return
        changed = {number: block for number, block in self._changed.items() if block}
        gone = np.isin(self._index["blocks"], list(self._changed))
        old = {int(n): row for row, n in enumerate(self._index["blocks"]) if not gone[row]}
        order = sorted({*changed, *old})
        raws = [
            self._piece(old[number])
            if number in old
            else _packed([record for _, record in sorted(changed[number].items())], _WHAT)
            for number in order
        ]
        sums = [
            int(self._index["sums"][old[n]]) if n in old else xxhash.xxh3_64_intdigest(raw)
            for n, raw in zip(order, raws, strict=True)
        ]
        masks = [
            int(self._index["masks"][old[n]])
            if n in old
            else sum(1 << agent % BLOCK for agent in changed[n])
            for n in order
        ]
        starts = np.concatenate([[0], np.cumsum([len(raw) for raw in raws], dtype=np.int64)])
        self._index = {
            "blocks": np.array(order, np.uint32),
            "masks": np.array(masks, np.uint16),
            "sums": np.array(sums, np.uint64),
            "starts": starts.astype(np.int64),
        }
        self._chunks = MemoryChunks(np.frombuffer(b"".join(raws), np.uint8))
        self._changed = {}
        self._forget()

    def _piece(self, row: int) -> bytes:
        starts = self._index["starts"]
        return self._chunks.read(int(starts[row]), int(starts[row + 1]))

    def _forget(self) -> None:
        self._known.clear()
        self._used = 0


def _no_index() -> Columns:
    index = {name: np.empty(0, kind) for name, kind in _KINDS.items() if name != "data"}
    return index | {"starts": np.zeros(1, np.int64)}


def _packed(records: list[Record], what: str) -> bytes:
    try:
        packed: bytes = msgpack.packb(records, unicode_errors="surrogatepass")
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{what} cannot be kept ({error}); use text, numbers, lists.") from None
    return packed


def _read(raw: bytes, first: int) -> Iterator[Record]:
    try:
        records = msgpack.unpackb(raw, unicode_errors="surrogatepass")
    except ValueError as error:
        raise InputError(f"What is known of agents from {first} on is damaged: {error}.") from None
    if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
        raise InputError(f"What is known of agents from {first} on is no list of tables.")
    return iter(records)


def _check(own: Columns, agents: int) -> None:
    """Raise InputError for columns that would be read out of bounds."""
    blocks, starts = own["blocks"], own["starts"]
    rising = bool(np.all(blocks[1:] > blocks[:-1])) and bool(np.all(starts[1:] >= starts[:-1]))
    fits = own["masks"].shape == own["sums"].shape == blocks.shape == (len(starts) - 1,)
    if not (fits and rising and starts[0] == 0 and starts[-1] == len(own["data"])):
        raise InputError("What is known of agents is damaged: its columns do not fit each other.")
    if blocks.size:
        last = int(blocks[-1]) * BLOCK + int(own["masks"][-1]).bit_length() - 1
        if last >= agents or not own["masks"].all():
            raise InputError(f"What is known of agents names agent {last}; there are {agents}.")
