""":class:`Adjacency`: one direction of ties as CSR, compact until changed, then in a slab."""

from __future__ import annotations

from itertools import count as counter
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arrays import I64, U16, Ids
from sim.core.progress import Report
from sim.errors import InputError
from sim.network.graph import slab_kernels
from sim.network.graph import ties_kernels as kernels
from sim.network.graph.arcs import chunks
from sim.network.graph.marks import TieMarks
from sim.network.graph.slab import Slab, SlabArrays, TieColumns, read_only, turned_rows
from sim.network.graph.ties_kernels import tie_between

_versions = counter(1)


class Adjacency:
    """The rows of a network and what is read of them; ``Ties`` changes them.

    Every array handed out here is tight, read-only and stays as it is: after a change the next
    look makes another. Kernels that run in every tick read :attr:`live` instead, which costs
    nothing and holds until the next change.
    """

    version: int

    def __init__(self, rows: Ids, columns: TieColumns) -> None:
        self._frozen = False
        self.slab: Slab | None = None
        self._hold(rows, columns)

    def _hold(self, rows: Ids, columns: TieColumns) -> None:
        """Hold tight rows and nothing else."""
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
        """Forget what was found out about the ties as they were."""
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
        """Forget the tight rows where a slab has them too."""
        if self.slab is not None:
            self._tight = None

    def hold_slab(self, slab: Slab, hears: Ids) -> None:
        """Hold rows that can change; ``hears``: how often each id stands in them, to be kept."""
        self.slab, self.hears = slab, hears
        self._agents = len(slab.rows)
        self.renew()

    def melt(self) -> Slab:
        """Return the slab, laid out at the first change; then it alone holds the ties."""
        if self.slab is None:
            slab, self.hears = Slab(*self.tidy()), self.in_degree.copy()
            self.slab, self._tight = slab, None
        return self.slab

    def _catch_up(self) -> None:
        """Take over the trust that so far only the other direction knows."""
        self.looked = True
        if self.behind is not None and self.slab is not None:
            other = self.behind.live
            seen = np.zeros(self.agents, np.uint32)
            slab_kernels.transpose_trust(
                other.rows, other.ids, other.trust, self.slab.rows, self.slab.columns.trust, seen
            )
            self.behind = None

    def grow_rows(self, count: int) -> None:
        """Add agents without ties at the end, in both directions where a slab holds them."""
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
        """Add empty rows to this direction alone."""
        self.melt().grow(count)
        self.hears = np.concatenate((self.hears, np.zeros(count, np.uint32)))
        self._agents += count
        self.renew()

    def refuse_frozen(self) -> None:
        """Raise InputError where this is the reverse of a network, which cannot be changed."""
        if self._frozen:
            raise InputError(
                "The reverse of a network cannot change; change the network it came from."
            )

    # What there is

    @property
    def rows(self) -> Ids:
        """Start and length of each source's row in :attr:`targets`: uint32 (n, 2), tight."""
        return self.tidy()[0]

    @property
    def targets(self) -> Ids:
        """Who hears, row by row: uint32 (m,)."""
        return self.tidy()[1].ids

    @property
    def trust(self) -> U16:
        """uint16 (m,), value / 65535 in [0, 1]; or (0,) where every tie has trust 1.0."""
        return self.tidy()[1].trust

    @property
    def kind(self) -> npt.NDArray[np.uint8]:
        """uint8 (m,), 0 follow, 1 friend; or (0,) where every tie is a follow."""
        return self.tidy()[1].kind

    @property
    def time(self) -> I64:
        """When each tie began, int64 (m,) seconds, -1 unknown; or (0,)."""
        return self.tidy()[1].time

    @property
    def sign(self) -> npt.NDArray[np.int8]:
        """int8 (m,): 1 for, -1 against the source; or (0,) where every tie is for."""
        return self.tidy()[1].sign

    @property
    def live(self) -> SlabArrays:
        """The arrays as kernels read them in a tick: rows may have free places between them.

        Rows and ids belong together until the next change of ties.
        """
        if self.slab is None:
            rows, columns = self.tidy()
            return SlabArrays(rows, *columns)
        self._catch_up()
        return self.slab.live

    @property
    def agents(self) -> int:
        """How many agents, n."""
        return self._agents

    @property
    def count(self) -> int:
        """How many ties, m; a friendship (both directions) counts as two."""
        return self._count

    def __len__(self) -> int:
        return self.count

    @property
    def is_still(self) -> bool:
        """Whether the ties never changed since they were made or loaded: they have no slab."""
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
        """How many listeners each agent has, uint32 (n,)."""
        if self._out_degree is None:
            rows = self.rows if self.slab is None else self.slab.rows
            self._out_degree = read_only(rows[:, 1].copy())
        return self._out_degree

    @property
    def in_degree(self) -> Ids:
        """How many agents each agent hears, uint32 (n,); counted once, then kept."""
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
        """Whether every tie has its reverse (trust aside); found out once."""
        if self._symmetric is None:
            live = self.live
            self._symmetric = bool(kernels.mirrors(live.rows, live.ids))
        return self._symmetric

    def listeners(self, agent: int) -> Ids:
        """Return who hears ``agent``: uint32, rising.

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
        """Return where each row starts, and m: int64 (n + 1,)."""
        out = np.zeros(self.agents + 1, np.int64)
        np.cumsum(self.out_degree, out=out[1:])
        return out

    def sources(self) -> Ids:
        """Return the source of every tie, in the order of :attr:`targets`: uint32 (m,)."""
        return np.repeat(np.arange(self.agents, dtype=np.uint32), self.out_degree)

    def find(self, sources: npt.ArrayLike, targets: npt.ArrayLike) -> I64:
        """Return where in :attr:`live` the tie of each pair stands: int64, -1 for none."""
        live = self.live
        return _found(live.rows, live.ids, sources, targets)

    def places(self, sources: npt.ArrayLike, targets: npt.ArrayLike) -> I64:
        """Return where in :attr:`targets` the tie of each pair stands: int64, -1 for none."""
        return _found(self.rows, self.targets, sources, targets)

    def part(self, turn: int, of: int) -> dict[str, npt.NDArray[Any]]:
        """Return one of ``of`` equal parts of every column of a dump, for a digest in turns.

        The same for equal ties, changed or not; of rows in a slab only that part is copied.
        """
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

    # The other way round

    @property
    def has_reverse(self) -> bool:
        """Whether :attr:`reverse` is built already."""
        return self.back is not None

    def is_reverse_of(self, ties: Adjacency) -> None:
        """Take over what is known of ties whose reverse this is; from now on only they change."""
        self._frozen, self._symmetric = True, ties._symmetric
        self._in_degree, self._out_degree = ties._out_degree, ties._in_degree

    def turned_round(self, report: Report) -> tuple[Ids, TieColumns]:
        """Return the reverse rows and columns, tight; the same arrays where ties are mutual."""
        rows, columns = self.tidy()
        is_plain = not any(column.size for column in columns[1:])
        if is_plain and self.is_symmetric:
            return rows, columns
        return turned_rows(rows, columns, self.in_degree, report)

    @property
    def nbytes(self) -> int:
        """Bytes held by the arrays, the reverse and the degrees included where built."""
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
