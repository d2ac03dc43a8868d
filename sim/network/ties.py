"""Who hears whom: directed ties as sorted rows in two or three flat arrays."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count as counter
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.progress import Report, quiet
from sim.errors import InputError
from sim.kernels import ties as kernels
from sim.network.arcs import (
    LIMIT,
    NO_TRUST,
    Dropped,
    checked_columns,
    chunks,
    merged,
    quantised,
    rows_of,
    sorted_rows,
    transposed,
    vetted,
    vetted_rows,
)
from sim.network.marks import NO_MARKS, Marks, given, keys_of, merged_marks, places, settled

__all__ = ["Dropped", "Ties"]

Ids = npt.NDArray[np.uint32]
Trust = npt.NDArray[np.uint16]
Longs = npt.NDArray[np.int64]

_versions = counter(1)


class Ties:
    """The directed ties of a network: a tie source -> target means the target hears the source.

    Made by :meth:`from_arcs`, :meth:`from_rows` or :meth:`restore`. Rows are sorted by target and
    hold no loops and no duplicates, so equal sets of ties are equal arrays. All arrays are
    read-only; a change (:meth:`grow`, :meth:`add`) makes new ones and a new :attr:`version`.

    Attributes
    ----------
    rows
        uint32 (n, 2): start and length of each source's row in ``targets``; tight.
    targets
        uint32 (m,): who hears, row by row.
    trust
        uint16 (m,), value / 65535 in [0, 1]; or (0,) where every tie has trust 1.0.
    kind
        uint8 (0,): every tie is a "follow".
    time
        int64 (m,): when each tie began, in seconds since the first of all, -1 unknown; or (0,).
    sign
        int8 (m,): 1 for, -1 against the source; or (0,) where every tie is for.
    version
        A number that no other state of any network in this process has.
    dropped
        Loops and duplicates that :meth:`from_arcs` left out.
    memo
        Results of analysis of this version, by name; replaced at every change.
    """

    rows: Ids
    targets: Ids
    trust: Trust
    kind: npt.NDArray[np.uint8]
    time: Longs
    sign: npt.NDArray[np.int8]
    version: int
    dropped: Dropped

    def __init__(
        self, rows: Ids, targets: Ids, trust: Trust = NO_TRUST, marks: Marks = NO_MARKS
    ) -> None:
        self.kind = _read_only(np.empty(0, np.uint8))
        self.dropped = Dropped()
        self._frozen = False
        self._set(rows, targets, trust, marks)

    @classmethod
    def from_arcs(
        cls,
        sources: npt.ArrayLike,
        targets: npt.ArrayLike,
        agents: int | None = None,
        *,
        trust: npt.ArrayLike | None = None,
        time: npt.ArrayLike | None = None,
        sign: npt.ArrayLike | None = None,
        directed: bool = True,
        report: Report = quiet,
    ) -> Ties:
        """Build a network from arcs in any order.

        Parameters
        ----------
        sources, targets
            Integers (m,), 0 <= id < ``agents``: the target hears the source.
        agents
            How many agents; by default the largest id + 1. Ids that no arc names are isolated.
        trust
            Floats (m,) in [0, 1], kept to 1/65535; or uint16 (m,), already in 1/65535. None: 1.0.
            Of duplicate arcs the last one's trust stands.
        time, sign
            Integers (m,), as the attributes: of duplicate arcs the first time and the last sign
            stand. None: (0,).
        directed
            False: each arc also stands for its reverse.
        report
            Told of progress; may cancel.

        Returns
        -------
        Ties
            With loops and duplicates dropped, and counted in ``dropped``.

        Raises
        ------
        InputError
            For ids that are negative, too large or no integers, unequal lengths, and trust
            outside [0, 1]; names the first offender.

        Examples
        --------
        >>> ties = Ties.from_arcs([2, 0, 0, 0], [0, 2, 1, 2])
        >>> ties.targets, ties.dropped
        (array([1, 2, 0], dtype=uint32), Dropped(loops=0, duplicates=1))
        """
        heard, hearing, n = vetted(sources, targets, agents)
        weights = quantised(trust, heard.size)
        marks = given({"time": time, "sign": sign}, heard.size)
        parts, loops = sorted_rows(heard, hearing, weights, n, both=not directed, report=report)
        if marks:
            marks = settled(marks, heard, hearing, keys_of(*parts[:2]), both=not directed)
        ties = cls(*parts, marks)
        kept = ties.count if directed else ties.count // 2
        ties.dropped = Dropped(loops, heard.size - loops - kept)
        ties._symmetric = None if directed else True
        return ties

    @classmethod
    def from_rows(
        cls, indptr: npt.ArrayLike, targets: npt.ArrayLike, trust: npt.ArrayLike | None = None
    ) -> Ties:
        """Take rows that are sorted already, without copying where the types allow.

        Parameters
        ----------
        indptr
            Integers (n + 1,): where each agent's row starts; the last is m.
        targets
            Integers (m,), strictly rising within a row.
        trust
            As in :meth:`from_arcs`.

        Raises
        ------
        InputError
            For rows that do not fit together, are not sorted, or hold loops or duplicates.
        """
        lengths, hearing = vetted_rows(indptr, targets)
        ties = cls(rows_of(lengths), hearing, quantised(trust, hearing.size))
        ties._check()
        return ties

    def _set(self, rows: Ids, targets: Ids, trust: Trust, marks: Marks) -> None:
        self.rows, self.targets, self.trust = (_read_only(a) for a in (rows, targets, trust))
        self.time, self.sign = _read_only(marks.time), _read_only(marks.sign)
        self.version = next(_versions)
        self._reverse: Ties | None = None
        self._out_degree: Ids | None = None
        self._in_degree: Ids | None = None
        self._symmetric: bool | None = None
        self.memo: dict[object, Any] = {}

    def _check(self) -> None:
        bad = kernels.check_rows(self.rows, self.targets)
        if bad >= 0:
            raise InputError(
                f"The row of agent {bad} must hold rising ids below {self.agents:,}, "
                "without the agent itself."
            )

    @property
    def agents(self) -> int:
        """How many agents, n."""
        return len(self.rows)

    @property
    def count(self) -> int:
        """How many ties, m; a friendship (both directions) counts as two."""
        return self.targets.size

    def __len__(self) -> int:
        return self.count

    def __repr__(self) -> str:
        return f"<Ties: {self.agents:,} agents, {self.count:,} ties>"

    @property
    def out_degree(self) -> Ids:
        """How many listeners each agent has, uint32 (n,)."""
        if self._out_degree is None:
            self._out_degree = _read_only(np.ascontiguousarray(self.rows[:, 1]))
        return self._out_degree

    @property
    def in_degree(self) -> Ids:
        """How many agents each agent hears, uint32 (n,); counted once, without the reverse."""
        if self._in_degree is None:
            degree = np.zeros(self.agents, np.int64)
            for begin, end in chunks(self.count):
                kernels.count_targets(self.targets, begin, end, degree)
            self._in_degree = _read_only(degree.astype(np.uint32))
        return self._in_degree

    @property
    def is_symmetric(self) -> bool:
        """Whether every tie has its reverse (trust aside); found out once."""
        if self._symmetric is None:
            self._symmetric = bool(kernels.mirrors(self.rows, self.targets))
        return self._symmetric

    @property
    def has_reverse(self) -> bool:
        """Whether :attr:`reverse` is built already."""
        return self._reverse is not None

    @property
    def reverse(self) -> Ties:
        """The same ties turned round: row v holds the sources that v hears. Built on first use.

        A symmetric network without trust shares its arrays with its reverse. A reverse cannot be
        changed; change the network and ask again.
        """
        return self.reversed()

    def reversed(self, report: Report = quiet) -> Ties:
        """Return :attr:`reverse`, telling ``report`` of progress while it is built."""
        if self._reverse is None:
            marks = self.marks
            if marks:
                marks = marks.taken(np.argsort(self.targets, kind="stable"))
            if self.trust.size == 0 and self.is_symmetric:
                turned = Ties(self.rows, self.targets, marks=marks)
            else:
                turned = Ties(*transposed(*self.parts, self.in_degree, report), marks)
            turned._symmetric = self._symmetric
            turned._frozen = True
            turned._in_degree, turned._out_degree = self._out_degree, self._in_degree
            self._reverse = turned
        return self._reverse

    @property
    def parts(self) -> tuple[Ids, Ids, Trust]:
        """The arrays that kernels take: (rows, targets, trust)."""
        return self.rows, self.targets, self.trust

    @property
    def marks(self) -> Marks:
        """The columns :attr:`time` and :attr:`sign`."""
        return Marks(self.time, self.sign)

    def places(self, sources: npt.ArrayLike, targets: npt.ArrayLike) -> Longs:
        """Return where in :attr:`targets` the tie of each pair stands: int64, -1 for none."""
        return places(keys_of(self.rows, self.targets), np.asarray(sources), np.asarray(targets))

    def listeners(self, agent: int) -> Ids:
        """Return who hears ``agent``: uint32, rising, a view.

        Raises
        ------
        InputError
            For an agent that does not exist.
        """
        if not 0 <= agent < self.agents:
            raise InputError(
                f"No agent {agent}: the network has {self.agents:,} agents, counted from 0."
            )
        start, length = (int(x) for x in self.rows[agent])
        return self.targets[start : start + length]

    def indptr(self) -> Longs:
        """Return where each row starts, and m: int64 (n + 1,)."""
        out = np.zeros(self.agents + 1, np.int64)
        np.cumsum(self.rows[:, 1], out=out[1:])
        return out

    @property
    def nbytes(self) -> int:
        """Bytes held by the arrays, the reverse and the degrees included where built."""
        kept = [*self.parts, *self.marks, self._out_degree, self._in_degree]
        if self._reverse is not None and self._reverse.targets is not self.targets:
            kept += [*self._reverse.parts, *self._reverse.marks]
        bases = {id(a if a.base is None else a.base): a.nbytes for a in kept if a is not None}
        return sum(bases.values())

    def grow(self, count: int) -> range:
        """Add ``count`` agents without ties at the end; return their ids.

        Raises
        ------
        InputError
            For a negative count, too many agents, or a reverse.
        """
        self._refuse_frozen()
        first = self.agents
        if count < 0 or first + count >= LIMIT:
            raise InputError(
                f"A network can grow by 0 to {LIMIT - 1 - first:,} agents, got {count:,}."
            )
        new = np.zeros((count, 2), np.uint32)
        new[:, 0] = self.count
        symmetric = self._symmetric
        self._set(np.concatenate((self.rows, new)), self.targets, self.trust, self.marks)
        self._symmetric = symmetric
        return range(first, first + count)

    def add(
        self,
        sources: npt.ArrayLike,
        targets: npt.ArrayLike,
        trust: npt.ArrayLike | None = None,
        *,
        time: npt.ArrayLike | None = None,
        sign: npt.ArrayLike | None = None,
    ) -> Dropped:
        """Add a batch of ties; one that exists takes the new trust and counts as a duplicate.

        Parameters
        ----------
        sources, targets, trust, time, sign
            As in :meth:`from_arcs`; ids below :attr:`agents` (see :meth:`grow`). In a network that
            has them, ties without a time are of unknown time, ties without a sign are for.

        Returns
        -------
        Dropped
            What the batch held in loops and duplicates. The network is the same as if all arcs
            had been passed to :meth:`from_arcs` at once.
        """
        self._refuse_frozen()
        batch = Ties.from_arcs(sources, targets, self.agents, trust=trust, time=time, sign=sign)
        before = self.count
        if batch.count:
            parts = merged(self.parts, batch.parts)
            self._set(*parts, merged_marks(self, batch, *parts[:2]))
        known = batch.count - (self.count - before)
        return Dropped(batch.dropped.loops, batch.dropped.duplicates + known)

    def _refuse_frozen(self) -> None:
        if self._frozen:
            raise InputError(
                "The reverse of a network cannot change; change the network it came from."
            )

    def dump(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Return (meta, columns), from which :meth:`restore` makes an equal network.

        ``meta`` is fit for JSON; the columns ``degree`` uint32 (n,), ``targets`` uint32 (m,) and
        ``trust`` uint16 (m,) or (0,), and ``time`` and ``sign`` where they are known, depend on
        the ties alone, not on how they came about.
        """
        meta = {"agents": self.agents, "ties": self.count, "weighted": bool(self.trust.size)}
        columns: dict[str, npt.NDArray[Any]] = {
            "degree": self.out_degree,
            "targets": self.targets,
            "trust": self.trust,
        }
        return meta, columns | self.marks.columns()

    @classmethod
    def restore(cls, meta: Mapping[str, Any], columns: Mapping[str, npt.NDArray[Any]]) -> Ties:
        """Return the network that :meth:`dump` described, checked.

        Raises
        ------
        InputError
            For columns that contradict ``meta`` or each other.
        """
        degree, targets, trust = checked_columns(meta, columns)
        marks = given({name: columns.get(name) for name in Marks._fields}, targets.size)
        ties = cls(rows_of(degree.astype(np.int64)), targets, trust, marks)
        ties._check()
        return ties


def _read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view
