""":class:`Adjacency`: one direction of ties as CSR or slab, and the marks of ties."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count as counter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.arrays import I64, U16, U64, Ids
from sim.core.progress import Report
from sim.errors import InputError
from sim.network.graph import slab_kernels
from sim.network.graph import ties_kernels as kernels
from sim.network.graph.arcs import chunks
from sim.network.graph.slab import Slab, SlabArrays, TieColumns, read_only, turned_rows
from sim.network.graph.ties_kernels import tie_between

UNKNOWN = -1
"""The time of a tie whose start is unknown."""

_NEVER = np.iinfo(np.int64).max


class TieMarks(NamedTuple):
    """Columns over ties or over arcs; each (0,) if nothing is known."""

    time: I64  # int64, seconds since the first interaction of the network; -1 unknown
    sign: npt.NDArray[np.int8]  # int8, -1 or 1

    def __bool__(self) -> bool:
        """Return whether any column is present."""
        return bool(self.time.size or self.sign.size)

    def taken(self, order: npt.NDArray[Any]) -> TieMarks:
        """Return the rows ``order`` of every column that is present."""
        time, sign = self
        return TieMarks(time[order] if time.size else time, sign[order] if sign.size else sign)

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Return the columns that are present, by name."""
        return {name: column for name, column in self._asdict().items() if column.size}


NO_MARKS = TieMarks(np.empty(0, np.int64), np.empty(0, np.int8))


def given(columns: Mapping[str, npt.ArrayLike | None], count: int) -> TieMarks:
    """Return validated marks from columns given by name."""
    time, sign = columns.get("time"), columns.get("sign")
    marks = TieMarks(
        NO_MARKS.time if time is None else _whole(time, count, "time").astype(np.int64),
        NO_MARKS.sign if sign is None else _signs(sign, count),
    )
    if marks.time.size and int(marks.time.min()) < UNKNOWN:
        at = int(np.argmax(marks.time < UNKNOWN))
        raise InputError(f"Tie {at}: time must be at least 0, or -1, got {int(marks.time[at])}.")
    return marks


def _signs(sign: npt.ArrayLike, count: int) -> npt.NDArray[np.int8]:
    values = _whole(sign, count, "sign")
    wrong = np.abs(values) != 1
    if wrong.any():
        at = int(np.argmax(wrong))
        raise InputError(f"Tie {at}: sign must be -1 or 1, got {values[at]}.")
    return values.astype(np.int8)


def _whole(values: npt.ArrayLike, count: int, name: str) -> npt.NDArray[np.signedinteger]:
    column = np.asarray(values)
    if column.shape != (count,) or column.dtype.kind not in "iu":
        raise InputError(
            f"Ties need one whole {name} each ({count:,}), got {column.dtype.name} {column.shape}."
        )
    whole: npt.NDArray[np.signedinteger] = column.astype(np.int64, copy=False)
    return whole


def keys_of(rows: Ids, targets: Ids) -> U64:
    """Return (source, target) of every tie packed into one number, ascending: uint64 (m,)."""
    sources = np.repeat(np.arange(len(rows), dtype=np.uint64), rows[:, 1])
    return (sources << np.uint64(32)) | targets


def places(keys: U64, sources: npt.NDArray[Any], targets: npt.NDArray[Any]) -> I64:
    """Return the index of each pair in ``keys``: int64, -1 if missing."""
    wanted = (sources.astype(np.uint64) << np.uint64(32)) | targets.astype(np.uint64)
    at: I64 = np.searchsorted(keys, wanted).astype(np.int64)
    if not keys.size:
        return np.full(at.shape, -1, np.int64)
    at[keys[np.minimum(at, keys.size - 1)] != wanted] = -1
    return at


def settled(marks: TieMarks, sources: Ids, targets: Ids, keys: U64, *, both: bool) -> TieMarks:
    """Return marks of ties from marks of arcs: the earliest time, the last sign of each tie."""
    at = places(keys, sources, targets)
    if both:
        at = np.column_stack((at, places(keys, targets, sources))).ravel()
        marks = marks.taken(np.repeat(np.arange(sources.size), 2))
    kept = at >= 0
    at, marks = at[kept], marks.taken(kept)
    time, sign = (np.empty(keys.size if c.size else 0, c.dtype) for c in marks)
    if time.size:
        time.fill(_NEVER)
        np.minimum.at(time, at, np.where(marks.time == UNKNOWN, _NEVER, marks.time))
        time[time == _NEVER] = UNKNOWN
    sign[at if sign.size else slice(0)] = marks.sign
    return TieMarks(time, sign)


def merged_marks(before: Adjacency, batch: Adjacency, rows: Ids, targets: Ids) -> TieMarks:
    """Return the marks of a network after merging a batch of ties into it.

    Ties without marks get an unknown time and a positive sign.
    """
    old, new = before.marks, batch.marks
    if not (old or new):
        return NO_MARKS
    old_keys, new_keys, keys = (
        keys_of(*own)
        for own in ((before.rows, before.targets), (batch.rows, batch.targets), (rows, targets))
    )
    time = np.full(keys.size if old.time.size or new.time.size else 0, UNKNOWN, np.int64)
    sign = np.ones(keys.size if old.sign.size or new.sign.size else 0, np.int8)
    for marks, own in ((old, old_keys), (new, new_keys)):
        at = np.searchsorted(keys, own)
        if marks.time.size:
            known = np.where(time[at] == UNKNOWN, _NEVER, time[at])
            then = np.where(marks.time == UNKNOWN, known, marks.time)
            time[at] = np.minimum(known, then)
        if marks.sign.size:
            sign[at] = marks.sign
    time[time == _NEVER] = UNKNOWN
    return TieMarks(time, sign)


_versions = counter(1)


class Adjacency:
    """The rows of a network and what is derived from them; ``Ties`` changes them.

    Every public array is tight and read-only and never changes: after a change of ties the next
    access creates a new one. Kernels that run in every tick read :attr:`live` instead, which costs
    nothing and is valid until the next change.
    """

    version: int

    def __init__(self, rows: Ids, columns: TieColumns) -> None:
        self._frozen = False
        self.slab: Slab | None = None
        self._hold(rows, columns)

    def _hold(self, rows: Ids, columns: TieColumns) -> None:
        """Hold tight rows and drop any slab."""
        self.slab = None
        self._tight: tuple[Ids, TieColumns] | None = read_only(rows), columns.read_only()
        self.back: Any = None
        self.hears: Ids = np.empty(0, np.uint32)
        self._count = columns.ids.size
        self._agents = len(rows)
        self.behind: Adjacency | None = None
        self.looked = True
        self.renew()

    def renew(self) -> None:
        """Drop cached results about the ties before a change."""
        self.version = next(_versions)
        self._out_degree: Ids | None = None
        self._in_degree: Ids | None = None
        self._symmetric: bool | None = None
        self.memo: dict[object, Any] = {}
        if self.slab is not None:
            self._tight = None
            self._count = self.slab.count

    def tidy(self) -> tuple[Ids, TieColumns]:
        """Return (rows, columns) without free places."""
        if self._tight is None:
            self._catch_up()
            rows, columns = self.melt().tight()
            self._tight = read_only(rows), columns.read_only()
        return self._tight

    def loosen(self) -> None:
        """Drop the tight rows if a slab holds them too."""
        if self.slab is not None:
            self._tight = None

    def hold_slab(self, slab: Slab, hears: Ids) -> None:
        """Hold mutable rows; ``hears``: how often each id occurs in them, kept without a copy."""
        self.slab, self.hears = slab, hears
        self._agents = len(slab.rows)
        self.renew()

    def melt(self) -> Slab:
        """Return the slab, created at the first change; it then is the only holder of the ties."""
        if self.slab is None:
            slab, self.hears = Slab(*self.tidy()), self.in_degree.copy()
            self.slab, self._tight = slab, None
        return self.slab

    def _catch_up(self) -> None:
        """Copy pending trust values from the other direction."""
        self.looked = True
        if self.behind is not None and self.slab is not None:
            other = self.behind.live
            seen = np.zeros(self.agents, np.uint32)
            slab_kernels.transpose_trust(
                other.rows, other.ids, other.trust, self.slab.rows, self.slab.columns.trust, seen
            )
            self.behind = None

    def grow_rows(self, count: int) -> None:
        """Add agents without ties at the end, in both directions if slabs hold them."""
        if self.slab is None:
            new = np.zeros((count, 2), np.uint32)
            new[:, 0] = self.count
            rows, columns = self.tidy()
            self._hold(np.concatenate((rows, new)), columns)
            return
        for side in (self, self.back):
            if side is not None:
                side.append(count)

    def append(self, count: int) -> None:
        """Add empty rows to this direction only."""
        self.melt().grow(count)
        self.hears = np.concatenate((self.hears, np.zeros(count, np.uint32)))
        self._agents += count
        self.renew()

    def refuse_frozen(self) -> None:
        """Raise InputError if this is the reverse of a network, which cannot be changed."""
        if self._frozen:
            raise InputError(
                "The reverse of a network cannot change; change the network it came from."
            )

    # Contents

    @property
    def rows(self) -> Ids:
        """Start and length of each source's row in :attr:`targets`: uint32 (n, 2), tight."""
        return self.tidy()[0]

    @property
    def targets(self) -> Ids:
        """The listeners, row by row: uint32 (m,)."""
        return self.tidy()[1].ids

    @property
    def trust(self) -> U16:
        """uint16 (m,), value / 65535 in [0, 1]; or (0,) if every tie has trust 1.0."""
        return self.tidy()[1].trust

    @property
    def kind(self) -> npt.NDArray[np.uint8]:
        """uint8 (m,), 0 follow, 1 friend; or (0,) if every tie is a follow."""
        return self.tidy()[1].kind

    @property
    def time(self) -> I64:
        """When each tie began, int64 (m,) seconds, -1 unknown; or (0,)."""
        return self.tidy()[1].time

    @property
    def sign(self) -> npt.NDArray[np.int8]:
        """int8 (m,): 1 for, -1 against the source; or (0,) if every tie is for."""
        return self.tidy()[1].sign

    @property
    def live(self) -> SlabArrays:
        """The arrays that kernels read in a tick: rows may have free places between them.

        Rows and ids belong together until the next change of ties.
        """
        if self.slab is None:
            rows, columns = self.tidy()
            return SlabArrays(rows, *columns)
        self._catch_up()
        return self.slab.live

    @property
    def agents(self) -> int:
        """Number of agents, n."""
        return self._agents

    @property
    def count(self) -> int:
        """Number of ties, m; a friendship (both directions) counts as two."""
        return self._count

    def __len__(self) -> int:
        return self.count

    @property
    def is_still(self) -> bool:
        """Whether the ties have never changed since their creation or loading: there is no slab."""
        return self.slab is None

    @property
    def parts(self) -> tuple[Ids, Ids, U16]:
        """The arrays that kernels take: (rows, targets, trust)."""
        rows, columns = self.tidy()
        return rows, columns.ids, columns.trust

    @property
    def marks(self) -> TieMarks:
        """The columns :attr:`time` and :attr:`sign`."""
        return TieMarks(self.time, self.sign)

    @property
    def out_degree(self) -> Ids:
        """Number of listeners of each agent, uint32 (n,)."""
        if self._out_degree is None:
            rows = self.rows if self.slab is None else self.slab.rows
            self._out_degree = read_only(rows[:, 1].copy())
        return self._out_degree

    @property
    def in_degree(self) -> Ids:
        """Number of agents that each agent follows, uint32 (n,); cached."""
        if self._in_degree is None:
            if self.slab is not None:
                self._in_degree = read_only(self.hears.copy())
            else:
                degree = np.zeros(self.agents, np.int64)
                for begin, end in chunks(self.count):
                    kernels.count_targets(self.targets, begin, end, degree)
                self._in_degree = read_only(degree.astype(np.uint32))
        return self._in_degree

    @property
    def is_symmetric(self) -> bool:
        """Whether the reverse of every tie exists (ignoring trust); cached."""
        if self._symmetric is None:
            live = self.live
            self._symmetric = bool(kernels.mirrors(live.rows, live.ids))
        return self._symmetric

    def listeners(self, agent: int) -> Ids:
        """Return the listeners of ``agent``: uint32, ascending.

        Raises
        ------
        InputError
            For an agent that does not exist.
        """
        if not 0 <= agent < self.agents:
            raise InputError(
                f"No agent {agent}: the network has {self.agents:,} agents, counted from 0."
            )
        if self.slab is not None:
            return read_only(self.slab.row(agent).copy())
        start, length = (int(x) for x in self.rows[agent])
        return self.targets[start : start + length]

    def indptr(self) -> I64:
        """Return the start of each row, and m: int64 (n + 1,)."""
        out = np.zeros(self.agents + 1, np.int64)
        np.cumsum(self.out_degree, out=out[1:])
        return out

    def sources(self) -> Ids:
        """Return the source of every tie, in the order of :attr:`targets`: uint32 (m,)."""
        return np.repeat(np.arange(self.agents, dtype=np.uint32), self.out_degree)

    def find(self, sources: npt.ArrayLike, targets: npt.ArrayLike) -> I64:
        """Return the index in :attr:`live` of the tie of each pair: int64, -1 for none."""
        live = self.live
        return _found(live.rows, live.ids, sources, targets)

    def places(self, sources: npt.ArrayLike, targets: npt.ArrayLike) -> I64:
        """Return the index in :attr:`targets` of the tie of each pair: int64, -1 for none."""
        return _found(self.rows, self.targets, sources, targets)

    def part(self, turn: int, of: int) -> dict[str, npt.NDArray[Any]]:
        """Return one of ``of`` equal parts of every dumped column, copying only that part."""
        count = self.count
        begin, end = turn * count // of, (turn + 1) * count // of
        degree = self.out_degree
        first = self.agents * turn // of
        parts: dict[str, npt.NDArray[Any]] = {
            "degree": degree[first : (turn + 1) * self.agents // of]
        }
        if self._tight is not None or self.slab is None:
            columns, low = self.tidy()[1], 0
        else:
            self._catch_up()
            stops = np.cumsum(degree, dtype=np.int64)
            a = int(np.searchsorted(stops, begin, side="right"))
            b = min(int(np.searchsorted(stops, end)) + 1, self.agents)
            low = int(stops[a - 1]) if a else 0
            columns = self.slab.tight(min(a, b), b)[1]
        for name, column in zip(("targets", *TieColumns._fields[1:]), columns, strict=True):
            own = column[begin - low : end - low] if column.size else column
            if name in {"targets", "trust"} or (own.size and (name != "kind" or own.any())):
                parts[name] = own
        return parts

    # The reverse direction

    @property
    def has_reverse(self) -> bool:
        """Whether :attr:`reverse` has been built."""
        return self.back is not None

    def is_reverse_of(self, ties: Adjacency) -> None:
        """Copy what is known about ``ties``, of which this is the reverse; forbid changes here."""
        self._frozen, self._symmetric = True, ties._symmetric
        self._in_degree, self._out_degree = ties._out_degree, ties._in_degree

    def turned_round(self, report: Report) -> tuple[Ids, TieColumns]:
        """Return the reverse rows and columns, tight; the same arrays if ties are mutual."""
        rows, columns = self.tidy()
        is_plain = not any(column.size for column in columns[1:])
        if is_plain and self.is_symmetric:
            return rows, columns
        return turned_rows(rows, columns, self.in_degree, report)

    @property
    def nbytes(self) -> int:
        """Bytes held by the arrays, including the reverse and the degrees if built."""
        kept: list[npt.NDArray[Any]] = []
        for held in (self, self.back):
            if held is not None:
                kept += held.arrays()
        bases = {id(a if a.base is None else a.base): a.nbytes for a in kept}
        return sum(bases.values())

    def arrays(self) -> list[npt.NDArray[Any]]:
        """Return every array held for this direction."""
        kept: list[npt.NDArray[Any] | None] = [self._out_degree, self._in_degree, self.hears]
        if self._tight is not None:
            kept += [self._tight[0], *self._tight[1]]
        if self.slab is not None:
            kept += [self.slab.rows, self.slab.capacity, *self.slab.columns]
        return [array for array in kept if array is not None]


def _found(rows: Ids, ids: Ids, sources: npt.ArrayLike, targets: npt.ArrayLike) -> I64:
    starts, ends = np.broadcast_arrays(np.asarray(sources), np.asarray(targets))
    out = np.full(starts.shape, -1, np.int64)
    known = (starts >= 0) & (starts < len(rows)) & (ends >= 0) & (ends < len(rows))
    found = np.empty(int(known.sum()), np.int64)
    heard, hearing = (np.ascontiguousarray(a[known], np.uint32) for a in (starts, ends))
    tie_between(rows, ids, heard, hearing, found)
    out[known] = found
    return out
