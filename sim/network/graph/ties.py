""":class:`Ties`: the network itself: CSR in both directions, with batch changes and trust."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arrays import U8, U16, Ids
from sim.core.bounds import Bound, declared
from sim.core.progress import Report, quiet
from sim.errors import InputError
from sim.network.graph import ties_kernels as kernels
from sim.network.graph.adjacency import (
    NO_MARKS,
    Adjacency,
    TieMarks,
    given,
    keys_of,
    merged_marks,
    places,
    settled,
)
from sim.network.graph.arcs import (
    LIMIT,
    NO_TRUST,
    DroppedArcs,
    merged,
    quantised,
    rows_of,
    sorted_rows,
    validated,
    vetted_rows,
)
from sim.network.graph.changes import (
    GAIN,
    LOSS,
    NO_KIND,
    AppliedChanges,
    TieChanges,
    carry_out,
    kinds_of,
    outcomes,
    steps_of,
    write_trust,
)
from sim.network.graph.slab import Slab, TieColumns, read_only

_MANY = 8
"""A batch of more than 1/8 as many additions as ties is merged into new rows."""


class Ties(Adjacency):
    """The directed ties of a network: a tie source -> target means the target hears the source.

    Created by :meth:`from_arcs`, :meth:`from_rows` or :meth:`restore`. Rows are sorted by target
    and hold no loops and no duplicates, so equal sets of ties are equal arrays, however they were
    built. All arrays are read-only and never change; after a change (:meth:`grow`,
    :meth:`add`, :meth:`change`, :meth:`set_trust`) there are new ones and a new :attr:`version`.

    Attributes
    ----------
    rows
        uint32 (n, 2): start and length of each source's row in ``targets``; tight.
    targets
        uint32 (m,): the listeners, row by row.
    trust
        uint16 (m,), value / 65535 in [0, 1]; or (0,) if every tie has trust 1.0.
    kind
        uint8 (m,): 0 follow, 1 friend; or (0,) if every tie is a follow.
    time
        int64 (m,): start of each tie, in seconds since the first of all, -1 unknown; or (0,).
    sign
        int8 (m,): 1 for, -1 against the source; or (0,) if every tie is for.
    live
        The same for kernels that run while ties change: rows with unused places between them.
    version
        A number that is unique to this state of the network within the process.
    dropped
        Loops and duplicates dropped by :meth:`from_arcs`.
    gone
        uint32, ascending: agents removed from the network (:meth:`retire`).
    memo
        Cached analysis results of this version, by name; replaced at every change.
    """

    bounds = MappingProxyType(
        {
            "degree": Bound("u4"),
            "targets": Bound("u4", ("ties",)),
            "trust": Bound("u2", ("trusts",)),
        }
    )
    dropped: DroppedArcs

    def __init__(
        self,
        rows: Ids,
        targets: Ids,
        trust: U16 = NO_TRUST,
        marks: TieMarks = NO_MARKS,
        kind: U8 = NO_KIND,
    ) -> None:
        super().__init__(rows, TieColumns(targets, trust, kind, *marks))
        self.dropped = DroppedArcs()
        self.gone: Ids = np.empty(0, np.uint32)

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
            Number of agents; by default the largest id + 1. Ids that no arc names are isolated.
        trust
            Floats (m,) in [0, 1], stored in 1/65535; or uint16 (m,), already in 1/65535. None: 1.0.
            Of duplicate arcs the trust of the last one is used.
        time, sign
            Integers (m,), as the attributes: of duplicate arcs the earliest time and the last sign
            are used. None: (0,).
        directed
            False: each arc also adds its reverse.
        report
            Progress callback; may cancel.

        Returns
        -------
        Ties
            Without loops and duplicates, which are counted in ``dropped``.

        Raises
        ------
        InputError
            For ids that are negative, too large or not integers, unequal lengths, and trust
            outside [0, 1]; names the first offender.

        Examples
        --------
        >>> ties = Ties.from_arcs([2, 0, 0, 0], [0, 2, 1, 2])
        >>> ties.targets, ties.dropped
        (array([1, 2, 0], dtype=uint32), DroppedArcs(loops=0, duplicates=1))
        """
        heard, hearing, n = validated(sources, targets, agents)
        weights = quantised(trust, heard.size)
        marks = given({"time": time, "sign": sign}, heard.size)
        parts, loops = sorted_rows(heard, hearing, weights, n, both=not directed, report=report)
        if marks:
            marks = settled(marks, heard, hearing, keys_of(*parts[:2]), both=not directed)
        ties = cls(*parts, marks)
        kept = ties.count if directed else ties.count // 2
        ties.dropped = DroppedArcs(loops, heard.size - loops - kept)
        ties._symmetric = None if directed else True
        return ties

    @classmethod
    def from_rows(
        cls, indptr: npt.ArrayLike, targets: npt.ArrayLike, trust: npt.ArrayLike | None = None
    ) -> Ties:
        """Use rows that are already sorted, without copying if the types allow.

        Parameters
        ----------
        indptr
            Integers (n + 1,): start of each agent's row; the last is m.
        targets
            Integers (m,), strictly ascending within a row.
        trust
            As in :meth:`from_arcs`.

        Raises
        ------
        InputError
            For rows that do not match, are not sorted, or hold loops or duplicates.
        """
        lengths, hearing = vetted_rows(indptr, targets)
        ties = cls(rows_of(lengths), hearing, quantised(trust, hearing.size))
        ties._check()
        return ties

    def _check(self) -> None:
        bad = kernels.check_rows(self.rows, self.targets)
        if bad >= 0:
            raise InputError(
                f"The row of agent {bad} must hold rising ids below {self.agents:,}, "
                "without the agent itself."
            )

    def __repr__(self) -> str:
        return f"<Ties: {self.agents:,} agents, {self.count:,} ties>"

    def __copy__(self) -> Ties:
        """Return a copy of the current ties, unaffected by later changes."""
        rows, columns = self.tidy()
        made = Ties(rows, columns.ids, columns.trust, self.marks, columns.kind)
        made.dropped, made._frozen, made.gone = self.dropped, self._frozen, self.gone
        made.version, made.memo = self.version, self.memo
        made._symmetric, made._in_degree = self._symmetric, self._in_degree
        made._out_degree = self._out_degree
        made.back = self.back if self.is_still else None
        return made

    @property
    def reverse(self) -> Ties:
        """The reversed ties: row v holds the sources that v hears. Built on first use.

        From then on it is updated with every change. A symmetric network without trust shares
        its arrays with its reverse. A reverse cannot be changed; change the network.
        """
        return self.reversed()

    def reversed(self, report: Report = quiet) -> Ties:
        """Return :attr:`reverse`, reporting progress to ``report`` while it is built."""
        if self.back is None:
            self.back = self._turned_ties(report)
            self.back.is_reverse_of(self)
        found: Ties = self.back
        return found

    def _turned_ties(self, report: Report) -> Ties:
        if self.slab is None:
            rows, columns = self.turned_round(report)
            return Ties(rows, columns.ids, columns.trust, TieMarks(*columns[3:]), columns.kind)
        live = self.live
        slab = Slab.turned(live.rows, TieColumns(*live[1:]), self.in_degree, report)
        turned = Ties(np.empty((0, 2), np.uint32), np.empty(0, np.uint32))
        turned.hold_slab(slab, self.out_degree.copy())
        return turned

    def grow(self, count: int) -> range:
        """Add ``count`` agents without ties at the end; return their ids.

        Raises
        ------
        InputError
            For a negative count, too many agents, or a reverse.
        """
        self.refuse_frozen()
        first = self.agents
        if count < 0 or first + count >= LIMIT:
            raise InputError(
                f"A network can grow by 0 to {LIMIT - 1 - first:,} agents, got {count:,}."
            )
        symmetric = self._symmetric
        self.grow_rows(count)
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
    ) -> DroppedArcs:
        """Add a batch of ties; an existing tie gets the new trust and counts as a duplicate.

        Parameters
        ----------
        sources, targets, trust, time, sign
            As in :meth:`from_arcs`; ids below :attr:`agents` (see :meth:`grow`). If the network has
            times or signs, ties without a time are unknown, ties without a sign positive.

        Returns
        -------
        DroppedArcs
            Loops and duplicates in the batch. The result is the same as if all arcs
            had been passed to :meth:`from_arcs` at once.
        """
        self.refuse_frozen()
        batch = Ties.from_arcs(sources, targets, self.agents, trust=trust, time=time, sign=sign)
        before = self.count
        if batch.marks or batch.count * _MANY > before:
            self._merge(batch)
        elif batch.count:
            weights = batch.trust if batch.trust.size else np.full(batch.count, 65535, np.uint16)
            self.change(batch.sources(), batch.targets, True, trust=weights)
        known = batch.count - (self.count - before)
        return DroppedArcs(batch.dropped.loops, batch.dropped.duplicates + known)

    def _merge(self, batch: Ties) -> None:
        """Merge these ties and a large batch into new rows."""
        parts = merged(self.parts, batch.parts)
        kind = NO_KIND
        if self.kind.size:
            kind = np.zeros(parts[1].size, np.uint8)
            kind[places(keys_of(*parts[:2]), self.sources(), self.targets)] = self.kind
        marks = merged_marks(self, batch, *parts[:2])
        self._hold(parts[0], TieColumns(parts[1], parts[2], kind, *marks))

    def change(
        self,
        sources: npt.ArrayLike,
        targets: npt.ArrayLike,
        adds: npt.ArrayLike,
        kinds: npt.ArrayLike | None = None,
        trust: npt.ArrayLike | None = None,
    ) -> AppliedChanges:
        """Add and remove ties, about 0.4 microseconds each, without rebuilding the rows.

        Parameters
        ----------
        sources, targets
            Integers (k,), ids below :attr:`agents`. The last command for a pair applies.
        adds
            bool (k,) or one for all: True adds the tie, False removes it.
        kinds
            uint8 (k,) or one for all, of what is added: 0 follow, :data:`FRIEND`. None: a new tie
            is a follow, an existing one keeps its kind.
        trust
            As in :meth:`from_arcs`, of what is added. None: a new tie has trust 1.0, an existing
            one keeps its own.

        Returns
        -------
        AppliedChanges
            The outcome for each pair.

        Raises
        ------
        InputError
            For invalid ids, kinds or trust; nothing is changed.
        CapacityError
            For more ties than a network can hold; nothing is changed.
        """
        self.refuse_frozen()
        return carry_out(self, TieChanges.of(sources, targets, adds, kinds, trust, self.agents))

    def remove(self, sources: npt.ArrayLike, targets: npt.ArrayLike) -> AppliedChanges:
        """Remove ties; see :meth:`change`."""
        return self.change(sources, targets, False)

    def set_trust(
        self, sources: npt.ArrayLike, targets: npt.ArrayLike, trust: npt.ArrayLike
    ) -> npt.NDArray[np.bool_]:
        """Set the trust of ties, in both directions; the last value for a pair applies.

        Returns
        -------
        bool (k,)
            Whether each pair has a tie; pairs without one are skipped.

        Raises
        ------
        InputError
            As :meth:`change`.
        """
        self.refuse_frozen()
        heard, hearing, _ = validated(sources, targets, self.agents)
        values = quantised(trust, heard.size)
        return write_trust(
            self, heard, hearing, lambda slab, *ids: slab.write("trust", *ids, values)
        )

    def learn(
        self,
        sources: npt.ArrayLike,
        targets: npt.ArrayLike,
        good: npt.ArrayLike,
        *,
        gain: float = GAIN,
        loss: float = LOSS,
    ) -> npt.NDArray[np.bool_]:
        """Update the listeners' trust in their sources by outcomes, in the order given.

        An exponential average: a good outcome changes trust t to t + gain * (1 - t), a bad one to
        t - loss * t. It stays in [0, 1], the latest outcomes count most, and with the defaults a
        bad one weighs three times a good one: trust is lost more easily than won (Slovic 1993). If
        a share q of outcomes is good, trust settles at q * gain / (q * gain + (1 - q) * loss).

        Parameters
        ----------
        sources, targets
            Integers (k,): the tie source -> target; the target experienced the outcome.
        good
            bool (k,) or one for all.
        gain, loss
            In [0, 1].

        Returns
        -------
        bool (k,)
            Whether each pair has a tie; pairs without one are skipped.

        Raises
        ------
        InputError
            For invalid ids and outcomes, and steps outside [0, 1].
        """
        self.refuse_frozen()
        heard, hearing, _ = validated(sources, targets, self.agents)
        said, steps = outcomes(good, heard.size), steps_of(gain, loss)
        return write_trust(self, heard, hearing, lambda slab, *ids: slab.learn(*ids, said, *steps))

    def retire(self, agents: Ids) -> tuple[Ids, Ids]:
        """Remove agents from the network: measures cover only the others.

        Parameters
        ----------
        agents
            uint32 (k,), ascending: all agents that are outside the network afterwards.

        Returns
        -------
        (sources, targets) of the removed ties, uint32.
        """
        back = self.reverse
        heard, theirs = _rows_of(self, agents)
        hearing, ours = _rows_of(back, agents)
        pairs = np.unique(np.stack([np.append(heard, ours), np.append(theirs, hearing)]), axis=1)
        sources, targets = pairs[0], pairs[1]
        if sources.size:
            self.remove(sources, targets)
        self.gone = agents
        self.renew()
        return sources, targets

    @property
    def members(self) -> int:
        """Number of agents in the network, without those that are :attr:`gone`."""
        return self.agents - self.gone.size

    def dump(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Return (meta, columns), from which :meth:`restore` creates an equal network.

        ``meta`` is fit for JSON; the columns ``degree`` uint32 (n,), ``targets`` uint32 (m,) and
        ``trust`` uint16 (m,) or (0,), and ``kind``, ``time`` and ``sign`` where not all ties are
        plain follows, depend only on the ties, not on how they were built.
        """
        meta = {"agents": self.agents, "ties": self.count, "weighted": bool(self.trust.size)}
        columns: dict[str, npt.NDArray[Any]] = {
            "degree": self.out_degree,
            "targets": self.targets,
            "trust": self.trust,
        }
        kind = {"kind": self.kind} if self.kind.any() else {}
        return meta, columns | kind | self.marks.columns()

    def laid(self) -> dict[str, npt.NDArray[Any]]:
        """Return what :meth:`restore` would compute, for many processes to share.

        ``rows`` uint32 (n, 2) and ``in_degree`` uint32 (n,); to be handed to :meth:`restore`.
        """
        return {"rows": self.tidy()[0], "in_degree": self.in_degree}

    @classmethod
    def restore(
        cls,
        meta: Mapping[str, Any],
        columns: Mapping[str, npt.NDArray[Any]],
        laid: Mapping[str, npt.NDArray[Any]] | None = None,
    ) -> Ties:
        """Return the network that :meth:`dump` described, checked.

        ``laid``: the result of :meth:`laid` for this network; it and the columns must not change.

        Raises
        ------
        InputError
            For columns that contradict ``meta`` or each other.
        """
        many = int(meta["ties"])
        sizes = {"agents": int(meta["agents"]), "ties": many}
        sizes["trusts"] = many if meta["weighted"] else 0
        own = declared(columns, cls.bounds, sizes, "Ties: column {!r}")
        degree, targets, trust = own.values()
        if int(degree.sum(dtype=np.int64)) != many:
            raise InputError(f"Ties: the degrees must sum to {many:,} ties.")
        marks = given({name: columns.get(name) for name in TieMarks._fields}, targets.size)
        kind = kinds_of(columns.get("kind"), targets.size)
        rows = rows_of(degree.astype(np.int64)) if laid is None else laid["rows"]
        ties = cls(rows, targets, trust, marks, kind)
        ties._check()
        if laid is not None:
            ties._in_degree, ties._out_degree = read_only(laid["in_degree"]), read_only(degree)
        return ties


def _rows_of(ties: Ties, agents: Ids) -> tuple[Ids, Ids]:
    """Return (agent, other) for each place in the rows of some agents."""
    live = ties.live
    starts, lengths = (column.astype(np.int64) for column in live.rows[agents].T)
    first = np.cumsum(lengths) - lengths
    places = np.arange(int(lengths.sum())) + np.repeat(starts - first, lengths)
    return np.repeat(agents, lengths), live.ids[places]
