"""Batch insertion, update and removal of ties, in both directions of the CSR at once.

:class:`History` is the log of these changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.arrays import I32, U8, U16, U64, Bools, Ids
from sim.core.append_log import RowLog
from sim.core.bounds import Bound
from sim.errors import CapacityError, InputError
from sim.jit.words import LOW32, S32
from sim.network.graph.adjacency import Adjacency
from sim.network.graph.arcs import LIMIT, quantised, validated
from sim.network.graph.slab import Slab, ordered
from sim.network.graph.slab_kernels import ADDED, KNOWN, REMOVED, UNKNOWN

FRIEND = 1
"""The kind of both ties of a friendship; 0 is a follow."""

GAIN, LOSS = 0.05, 0.15
"""Share of the distance to full trust gained by a good outcome; to none, lost by a bad one."""

NO_KIND: U8 = np.empty(0, np.uint8)
NO_KIND.flags.writeable = False

_FULL = 65535
_LATER = 4
"""Trust updates of over 1/4 of all ties are deferred in one direction until it is read."""


@dataclass(frozen=True, slots=True)
class AppliedChanges:
    """The outcome of a batch of changes.

    Attributes
    ----------
    sources, targets
        uint32 (k,): the named pairs, each once, ascending.
    fate
        uint8 (k,): 0 not there to remove, 1 added, 2 removed, 3 already there.
    order
        uint32 (k,): index in the batch of the command that applied.
    loops, superseded
        Commands from an agent to itself, and those replaced by a later one for the same pair.
    """

    sources: Ids
    targets: Ids
    fate: U8
    order: Ids
    loops: int = 0
    superseded: int = 0

    @property
    def added(self) -> int:
        """Number of ties that were added."""
        return int((self.fate == ADDED).sum())

    @property
    def removed(self) -> int:
        """Number of ties that were removed."""
        return int((self.fate == REMOVED).sum())

    @property
    def known(self) -> int:
        """Number of ties to add that existed already; given kind and trust were updated."""
        return int((self.fate == KNOWN).sum())

    @property
    def unknown(self) -> int:
        """Number of ties to remove that did not exist."""
        return int((self.fate == UNKNOWN).sum())

    def __str__(self) -> str:
        said = {"added": self.added, "removed": self.removed, "known": self.known}
        said |= {"unknown": self.unknown, "loops": self.loops, "superseded": self.superseded}
        return ", ".join(f"{n:,} {name}" for name, n in said.items() if n) or "nothing changed"

    @property
    def moved(self) -> Bools:
        """Which pairs were added or removed: bool (k,)."""
        moved: Bools = (self.fate == ADDED) | (self.fate == REMOVED)
        return moved


@dataclass(slots=True, eq=False)
class TieChanges:
    """Commands on ties, checked and sorted, only the last of each pair."""

    keys: U64
    order: Ids
    adds: U8
    trust: U16
    kind: U8
    gives_trust: bool
    gives_kind: bool
    loops: int
    superseded: int

    @classmethod
    def of(
        cls,
        sources: npt.ArrayLike,
        targets: npt.ArrayLike,
        adds: npt.ArrayLike,
        kinds: npt.ArrayLike | None,
        trust: npt.ArrayLike | None,
        agents: int,
    ) -> TieChanges:
        """Check a batch; raise InputError if it is invalid."""
        heard, hearing, _ = validated(sources, targets, agents)
        size = heard.size
        adding = _bools(adds, size)
        kind = _kinds(kinds, size)
        weights = quantised(trust, size)
        weights = weights if trust is not None else np.full(size, _FULL, np.uint16)
        keys, order = ordered(heard, hearing)
        loops = int((heard == hearing).sum())
        if loops:
            kept = (keys >> S32) != (keys & LOW32)
            keys, order = keys[kept], order[kept]
        superseded = size - loops - keys.size
        return cls(
            keys, order, adding[order].view(np.uint8), weights[order], kind[order],
            trust is not None, kinds is not None, loops, superseded,
        )  # fmt: skip

    def changed(self, fate: U8) -> AppliedChanges:
        """Return the outcome of the batch."""
        return AppliedChanges(*_pairs(self.keys), fate, self.order, self.loops, self.superseded)


def carry_out(ties: Adjacency, batch: TieChanges) -> AppliedChanges:
    """Apply a batch to ties and to their reverse, if built; all of it or nothing."""
    if not batch.keys.size:
        return batch.changed(np.empty(0, np.uint8))
    slab, back = _both(ties)
    fate, at = slab.find(batch.keys, batch.adds)
    moved = (fate == ADDED) | (fate == REMOVED)
    more = int((fate == ADDED).sum()) - int((fate == REMOVED).sum())
    if slab.count + more >= LIMIT:
        raise CapacityError(f"A network has fewer than {LIMIT:,} ties, got {slab.count + more:,}.")
    _prepare((slab, back), batch, fate)
    slab.make_room(batch.keys, fate)
    if back is not None:
        _change_back(back, batch, moved)
    slab.change(batch.keys, fate, at, batch.trust, batch.kind)
    _renew_known((slab, back), batch, fate)
    if moved.any() or (fate == KNOWN).any():
        _note(ties, batch.keys, fate)
    return batch.changed(fate)


def write_trust(
    ties: Adjacency, sources: Ids, targets: Ids, write: Callable[[Slab, Ids, Ids], Bools]
) -> Bools:
    """Write trust where a tie exists, by ``write(slab, rows, ids)``; return where.

    The result must be the same from either direction. A direction that was not read since the last
    update, or that would have to copy a large share of all ties, is not written and catches up
    when it is read.
    """
    slab, back = _both(ties)
    bare = [side for side in (slab, back) if side is not None and not side.columns.trust.size]
    for side in bare:
        side.set_column("trust", _FULL)
    sides: tuple[tuple[Adjacency, Ids, Ids], ...] = ((ties, sources, targets),)
    if ties.back is not None:
        _fall_behind(ties, ties.back, sources.size * _LATER > ties.count)
        sides = (*sides, (ties.back, targets, sources))
    found: Bools = np.zeros(sources.size, np.bool_)
    for held, rows, ids in sides:
        if held.behind is None:
            found = write(held.melt(), rows, ids)
            held.looked = False
    if found.any():
        for held, _, _ in sides:
            held.renew()
    else:  # otherwise the result would depend on which direction was read when
        for held, _, _ in sides:
            slab = held.melt()
            if any(slab is side for side in bare):
                slab.columns = slab.columns._replace(trust=np.empty(0, np.uint16))
                held.behind = None  # nothing is pending, and no column to write to
    return found


def _fall_behind(ties: Adjacency, reverse: Adjacency, is_large: bool) -> None:
    """Choose the direction whose update can be deferred, if any."""
    if ties.behind is None and reverse.behind is None:
        if not reverse.looked or (is_large and ties.looked):
            reverse.behind = ties
        elif not ties.looked or is_large:
            ties.behind = reverse


def _both(ties: Adjacency) -> tuple[Slab, Slab | None]:
    """Return the slabs of ties and of their reverse; drop a reverse that shares the arrays."""
    reverse = ties.back
    if reverse is not None and reverse.is_still:
        shared = np.shares_memory(reverse.tidy()[1].ids, ties.tidy()[1].ids)
        if shared and ties.is_still:
            ties.back = reverse = None
    slab = ties.melt()
    return slab, None if reverse is None else reverse.melt()


def _prepare(slabs: tuple[Slab | None, ...], batch: TieChanges, fate: U8) -> None:
    """Create the columns that added or updated ties need."""
    adds = (fate == ADDED) | (fate == KNOWN)
    for slab in slabs:
        if slab is None:
            continue
        if batch.gives_trust and bool((batch.trust[adds] != _FULL).any()):
            slab.set_column("trust", _FULL)
        if batch.gives_kind and bool(batch.kind[adds].any()):
            slab.set_column("kind", 0)


def _change_back(back: Slab, batch: TieChanges, moved: Bools) -> None:
    """Apply the actual additions and removals to the reverse."""
    sources, targets = _pairs(batch.keys[moved])
    keys, order = ordered(targets, sources)
    fate, at = back.find(keys, batch.adds[moved][order])
    back.make_room(keys, fate)
    back.change(keys, fate, at, batch.trust[moved][order], batch.kind[moved][order])


def _renew_known(slabs: tuple[Slab, Slab | None], batch: TieChanges, fate: U8) -> None:
    """Update kind and trust of existing ties as given by the batch."""
    there = fate == KNOWN
    if not there.any() or not (batch.gives_trust or batch.gives_kind):
        return
    sources, targets = _pairs(batch.keys[there])
    given = (("trust", batch.gives_trust, batch.trust), ("kind", batch.gives_kind, batch.kind))
    for slab, pairs in zip(slabs, ((sources, targets), (targets, sources)), strict=True):
        for name, is_given, values in given:
            if slab is not None and is_given and getattr(slab.columns, name).size:
                slab.write(name, *pairs, values[there])


def _note(ties: Adjacency, keys: U64, fate: U8) -> None:
    """Update the counts of followed agents, and drop cached results about the old ties."""
    sources, targets = _pairs(keys)
    by = (fate == ADDED).astype(np.int64) - (fate == REMOVED)
    for held, ids in ((ties, targets), (ties.back, sources)):
        if held is not None:
            np.add.at(held.hears, ids[by > 0], np.uint32(1))
            np.subtract.at(held.hears, ids[by < 0], np.uint32(1))
            held.renew()


def _pairs(keys: U64) -> tuple[Ids, Ids]:
    return (keys >> S32).astype(np.uint32), (keys & LOW32).astype(np.uint32)


def _bools(said: npt.ArrayLike, size: int, yes: str = "add", no: str = "remove") -> Bools:
    given = np.asarray(said)
    if given.dtype.kind != "b" or given.shape not in {(), (size,)}:
        raise InputError(
            f"Ties need True ({yes}) or False ({no}), one for all or one for each of {size:,}; "
            f"got {given.dtype.name} values of shape {given.shape}."
        )
    return np.ascontiguousarray(np.broadcast_to(given, size))


def outcomes(good: npt.ArrayLike, size: int) -> U8:
    """Return outcomes as 0 and 1, uint8 (size,); raise InputError if invalid."""
    return _bools(good, size, "good", "bad").view(np.uint8)


def steps_of(gain: float, loss: float) -> tuple[int, int]:
    """Return both steps in 1/65535; raise InputError for one outside [0, 1]."""
    for name, value in (("gain", gain), ("loss", loss)):
        if not 0.0 <= value <= 1.0:
            raise InputError(f"{name} must be in [0, 1], got {value:g}.")
    return round(gain * _FULL), round(loss * _FULL)


def _kinds(kinds: npt.ArrayLike | None, size: int) -> U8:
    given: npt.NDArray[Any] = np.asarray(0 if kinds is None else kinds)
    wrong = given.dtype.kind not in "iub" or given.shape not in {(), (size,)}
    if wrong or not ((given >= 0) & (given <= FRIEND)).all():
        raise InputError(
            f"The kind of a tie is 0 (follow) or {FRIEND} (friend), one for all or for each of "
            f"{size:,}."
        )
    return np.ascontiguousarray(np.broadcast_to(given, size).astype(np.uint8))


def kinds_of(column: npt.NDArray[Any] | None, count: int) -> U8:
    """Return the kinds of all ties in a dump, (0,) if it has none; raise InputError if invalid."""
    if column is None:
        return NO_KIND
    if column.shape != (count,):
        raise InputError(f"Ties: column 'kind' must have {count:,} values, got {column.shape}.")
    return _kinds(column, count)


ACTS = ("follow", "unfollow", "befriend", "unfriend", "block", "unblock", "mute", "unmute")
"""Acts of an agent towards another; the log stores the index."""


class History(NamedTuple):
    """Changes in chronological order.

    Attributes
    ----------
    tick
        int32 (k,): tick of the act.
    act
        uint8 (k,): the act, an index into :data:`ACTS`.
    agent, other
        uint32 (k,): the acting agent, and the agent acted on.
    """

    tick: I32
    act: npt.NDArray[np.uint8]
    agent: Ids
    other: Ids


class TieLog(RowLog[History]):
    """The latest million changes of ties; in a world's file, but not in its digest."""

    rows, owner = History, "the log of ties"
    bounds = MappingProxyType(
        {
            "tick": Bound("i4", ("rows",)),
            "act": Bound("u1", ("rows",), below=len(ACTS)),
            "agent": Bound("u4", ("rows",), below="agents"),
            "other": Bound("u4", ("rows",), below="agents"),
        }
    )

    def note(self, tick: int, act: str, agents: Ids, others: Ids) -> None:
        """Record one act of several agents in one tick."""
        self.add(tick, ACTS.index(act), agents, others)

    def about(self, agent: int, other: int | None = None) -> History:
        """Return the changes that involve an agent, or a pair in either order."""
        every = self.all()
        mine = (every.agent == agent) | (every.other == agent)
        if other is not None:
            mine &= (every.agent == other) | (every.other == other)
        return History(*(column[mine] for column in every))
