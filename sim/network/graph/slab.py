""":class:`Slab`: mutable CSR: sorted rows side by side with spare room for insertions.

A network that never changes has none. At the first change its rows are copied with an
eighth and two places more each; a row that fills up moves to the tail, and a full tail causes a
new layout of all rows. The content of rows depends only on the set of ties, their position on
history, so starts, capacities and free places never affect a digest, a draw or a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.arrays import I64, U8, U64, Array, Ids
from sim.core.progress import Report
from sim.core.scratch import ScratchFiles, looked_at
from sim.errors import CapacityError
from sim.network.analysis.reputation_kernels import learn
from sim.network.graph import slab_kernels as kernels

LIMIT = 1 << 32
SLACK = 2
"""Spare places in every row, in addition to an eighth of its length."""
HEAD = 0.15
"""Share of the slab that is left free at the tail in a new layout."""

_AGENTS = 1 << 17  # rows a kernel call


class TieColumns(NamedTuple):
    """Columns of ties; every column except the first may be (0,)."""

    ids: Array  # uint32: the agent at the other end
    trust: Array  # uint16, value / 65535; (0,): all 1.0
    kind: Array  # uint8; (0,): all "follow"
    time: Array  # int64, seconds; (0,): all unknown
    sign: Array  # int8; (0,): all for

    def empty(self, size: int) -> TieColumns:
        """Return columns of ``size`` zeros; columns that are (0,) stay so."""
        held = (np.zeros(size if c.size or c is self.ids else 0, c.dtype) for c in self)
        return TieColumns(*held)

    def filed(self, size: int, spill: ScratchFiles) -> TieColumns:
        """Return writable columns as of :meth:`empty`, in scratch files."""
        sizes = [size if c.size or c is self.ids else 0 for c in self]
        return TieColumns(*(spill.empty(n, c.dtype) for n, c in zip(sizes, self, strict=True)))

    def read_only(self) -> TieColumns:
        """Return views that cannot be written to."""
        return TieColumns(*(read_only(column) for column in self))

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(column.nbytes for column in self)


class SlabArrays(NamedTuple):
    """The arrays that kernels read, with unused places between the rows."""

    rows: Array  # uint32 (n, 2): start and length of each row
    ids: Array  # as TieColumns; longer than the number of ties
    trust: Array  # as TieColumns; longer than the number of ties
    kind: Array  # as TieColumns; longer than the number of ties
    time: Array  # as TieColumns; longer than the number of ties
    sign: Array  # as TieColumns; longer than the number of ties


class Slab:
    """Sorted rows that change in place.

    ``rows`` is replaced whenever ``columns`` is, so that a holder of both never combines new rows
    with old columns; ``state`` holds the first free place of the tail.
    """

    spill: ScratchFiles | None = None
    """Where tight rows are written; None: in memory."""

    def __init__(self, rows: Ids, columns: TieColumns) -> None:
        self.count = int(rows[:, 1].sum(dtype=np.int64))
        self._lay_out(rows, columns, 0)

    @classmethod
    def turned(cls, rows: Ids, columns: TieColumns, in_degree: Ids, report: Report) -> Slab:
        """Return the reverse of rows, directly in the layout of a slab."""
        made, capacity = cls.__new__(cls), _roomy(in_degree)
        made.rows, made.columns = turned_rows(rows, columns, in_degree, report, capacity)
        made.capacity = capacity
        made.count = int(in_degree.sum(dtype=np.int64))
        made.state = np.array([int(capacity.sum(dtype=np.int64))], np.int64)
        return made

    @classmethod
    def vacant(cls, rows: int, *, kinds: bool = False) -> Slab:
        """Return a slab of empty rows with ids, and with kinds if requested."""
        none = TieColumns(*(np.empty(0, kind) for kind in ("u4", "u2", "u1", "i8", "i1")))
        made = cls(np.zeros((rows, 2), np.uint32), none)
        if kinds:
            made.set_column("kind", 0)
        return made

    def _lay_out(self, rows: Ids, columns: TieColumns, more: int) -> None:
        """Copy rows into a new layout, with ``more`` places at the tail."""
        capacity = _roomy(rows[:, 1])
        total = int(capacity.sum(dtype=np.int64))
        into = columns.empty(_room(total, more))
        out_rows, capacity, place = np.empty_like(rows), np.empty(len(rows), np.uint32), 0
        source = (read_only(rows), columns.read_only())
        for begin, end in _spans(len(rows)):
            part = out_rows[begin:end], capacity[begin:end]
            place = kernels.lay_out(source[0], begin, end, SLACK, place, source[1], *part, into)
        self.rows, self.capacity, self.columns = out_rows, capacity, into
        self.state = np.array([place], np.int64)

    @property
    def live(self) -> SlabArrays:
        """The arrays that kernels read, read-only."""
        return SlabArrays(read_only(self.rows), *self.columns.read_only())

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.rows.nbytes + self.capacity.nbytes + self.columns.nbytes

    def tight(self, begin: int = 0, end: int | None = None) -> tuple[Ids, TieColumns]:
        """Return the rows ``begin`` to ``end - 1`` without free places: new arrays."""
        stop = len(self.rows) if end is None else end
        rows, columns = read_only(self.rows), self.columns.read_only()
        lengths = rows[begin:stop, 1]
        size = int(lengths.sum(dtype=np.int64))
        into = self.columns.filed(size, self.spill) if self.spill else self.columns.empty(size)
        span = 2 * into.nbytes * _AGENTS // max(stop - begin, 1)
        out, place = np.empty((stop - begin, 2), np.uint32), 0
        for first, last in _spans(stop - begin):
            place = kernels.lay_out(
                rows, begin + first, begin + last, -1, place, columns, out[first:last],
                self.capacity[:0], into,
            )  # fmt: skip
            if self.spill is not None:
                looked_at(span)
        return out, into

    def row(self, agent: int) -> Ids:
        """Return the ids of one row, ascending; a view, invalid after the next change."""
        start, length = (int(x) for x in self.rows[agent])
        return read_only(self.columns.ids[start : start + length])

    def grow(self, count: int) -> None:
        """Add empty rows at the end."""
        new = np.zeros((count, 2), np.uint32)
        self.rows = np.concatenate((self.rows, new))
        self.capacity = np.concatenate((self.capacity, np.zeros(count, np.uint32)))

    def find(self, keys: U64, adds: U8) -> tuple[U8, I64]:
        """Return (fate, places) of a batch of :func:`ordered` keys; changes nothing."""
        fate, places = np.empty(keys.size, np.uint8), np.empty(keys.size, np.int64)
        kernels.find(read_only(self.rows), read_only(self.columns.ids), keys, adds, places, fate)
        return fate, places

    def make_room(self, keys: U64, fate: U8) -> None:
        """Make sure that :meth:`change` has room for a batch."""
        needed = kernels.room_needed(self.rows, self.capacity, keys, fate)
        if int(self.state[0]) + needed > self.columns.ids.size:
            needed = kernels.room_needed(self.rows, _roomy(self.rows[:, 1]), keys, fate)
            self._lay_out(self.rows, self.columns, needed)

    def change(
        self, keys: U64, fate: U8, places: I64, trust: npt.NDArray[np.uint16], kind: U8
    ) -> None:
        """Apply a batch that :meth:`find` looked up and :meth:`make_room` made room for.

        ``places`` is overwritten. ``trust`` and ``kind`` (k,) apply to what is added.
        """
        kernels.change(
            self.rows, self.capacity, self.state, *self.columns, keys, fate, places, trust, kind
        )
        self.count += int((fate == kernels.ADDED).sum()) - int((fate == kernels.REMOVED).sum())

    def set_column(self, name: str, value: int) -> None:
        """Create a missing column with one value for all."""
        column: npt.NDArray[Any] = getattr(self.columns, name)
        if not column.size:
            full = np.full(self.columns.ids.size, value, column.dtype)
            self.columns = self.columns._replace(**{name: full})
            self.rows = self.rows.copy()

    def write(
        self, name: str, sources: Ids, targets: Ids, values: npt.NDArray[Any]
    ) -> npt.NDArray[np.bool_]:
        """Write into an existing column; return which pairs were found. The last value wins."""
        found = np.zeros(sources.size, np.uint8)
        column = getattr(self.columns, name)
        rows, ids = read_only(self.rows), read_only(self.columns.ids)
        kernels.write_values(rows, ids, sources, targets, values, column, found)
        return found.view(np.bool_)

    def learn(
        self, sources: Ids, targets: Ids, good: U8, gain: int, loss: int
    ) -> npt.NDArray[np.bool_]:
        """Update trust by outcomes (``reputation_kernels``); return which pairs were found."""
        found = np.zeros(sources.size, np.uint8)
        rows, ids = read_only(self.rows), read_only(self.columns.ids)
        learn(rows, ids, self.columns.trust, sources, targets, good, gain, loss, found)
        return found.view(np.bool_)


def ordered(rows: Ids, ids: Ids) -> tuple[U64, Ids]:
    """Return (keys, order) of a batch, sorted by row and id; of equal pairs only the last."""
    keys = (rows.astype(np.uint64) << np.uint64(32)) | ids
    order = np.arange(keys.size, dtype=np.uint32)
    if not keys.size:
        return keys, order
    spare = np.empty_like(keys), np.empty_like(order)
    if kernels.sort_pairs(keys, order, *spare):
        keys, order = spare
    again = keys[1:] == keys[:-1]
    if again.any():
        last = np.append(~again, True)
        keys, order = keys[last], order[last]
    return keys, order


def turned_rows(
    rows: Ids, columns: TieColumns, in_degree: Ids, report: Report, capacity: Ids | None = None
) -> tuple[Ids, TieColumns]:
    """Return the reverse rows, sorted: tight, or with places of ``capacity`` and a free tail."""
    places = in_degree if capacity is None else capacity
    starts = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(places, out=starts[1:])
    out = np.zeros_like(rows)
    out[:, 0] = starts[:-1]
    into = columns.empty(int(starts[-1]) if capacity is None else _room(int(starts[-1]), 0))
    source = read_only(rows), columns.read_only()
    for begin, end in _spans(len(rows)):
        report("reversing ties", begin / len(rows))
        kernels.transpose(source[0], begin, end, source[1], out, into)
    return out, into


def read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a view that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


def _room(total: int, more: int) -> int:
    """Return the size of a slab for ``total`` places of rows and at least ``more`` at the tail."""
    room = total + max(more, int(total * HEAD)) + 64
    if room >= LIMIT:
        room = total + more
    if room >= LIMIT:
        raise CapacityError(
            f"A network that changes has room for {LIMIT - 1:,} ties, and this one needs "
            f"{room:,} places."
        )
    return room


def _roomy(lengths: Ids) -> Ids:
    """Return the capacity of rows in a new layout."""
    capacity: Ids = lengths + lengths // np.uint32(8) + np.uint32(SLACK)
    return capacity


def _spans(count: int) -> Iterator[tuple[int, int]]:
    for begin in range(0, count, _AGENTS):
        yield begin, min(count, begin + _AGENTS)
