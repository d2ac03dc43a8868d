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
"""Of the way to full trust, what a good outcome takes; of the way to none, what a bad one does."""

NO_KIND: U8 = np.empty(0, np.uint8)
NO_KIND.flags.writeable = False

_FULL = 65535
_LATER = 4
"""New trust for more than one in so many ties waits in one direction until the other is read."""


@dataclass(frozen=True, slots=True)
class AppliedChanges:
    """What became of a batch of changes.

    Attributes
    ----------
    sources, targets
        uint32 (k,): the pairs that were named, each once, rising.
    fate
        uint8 (k,): 0 there was nothing to remove, 1 added, 2 removed, 3 there already.
    order
        uint32 (k,): where in the batch the command stood that counted.
    loops, superseded
        Commands from an agent to itself, and those that a later one on the same pair replaced.
    """

    sources: Ids
    targets: Ids
    fate: U8
    order: Ids
    loops: int = 0
    superseded: int = 0

    @property
    def added(self) -> int:
        """Ties that were not there before."""
        return int((self.fate == ADDED).sum())

    @property
    def removed(self) -> int:
        """Ties that are gone."""
        return int((self.fate == REMOVED).sum())

    @property
    def known(self) -> int:
        """Ties to add that were there; kind and trust were renewed where given."""
        return int((self.fate == KNOWN).sum())

    @property
    def unknown(self) -> int:
        """Ties to remove that were not there."""
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
    """Commands on ties, checked and sorted, the last of each pair."""

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
        """Check a batch; raises InputError."""
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
        """Return what became of it."""
        return AppliedChanges(*_pairs(self.keys), fate, self.order, self.loops, self.superseded)


def carry_out(ties: Adjacency, batch: TieChanges) -> AppliedChanges:
    """Change ties and, where it is built, their reverse; all of the batch or nothing."""
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
    """Write trust where there is a tie, by ``write(slab, rows, ids)``; returns where.

    It must come to the same from either side. A direction that nobody read since the last new
    trust, or that would have to take over a large share of all ties, is left behind and catches up
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
    else:  # or what is told of the ties would hang on who looked at them when
        for held, _, _ in sides:
            slab = held.melt()
            if any(slab is side for side in bare):
                slab.columns = slab.columns._replace(trust=np.empty(0, np.uint16))
                held.behind = None  # there is nothing to catch up with, and no place to write it to
    return found


def _fall_behind(ties: Adjacency, reverse: Adjacency, is_large: bool) -> None:
    """Choose the direction that need not be written now, if any."""
    if ties.behind is None and reverse.behind is None:
        if not reverse.looked or (is_large and ties.looked):
            reverse.behind = ties
        elif not ties.looked or is_large:
            ties.behind = reverse


def _both(ties: Adjacency) -> tuple[Slab, Slab | None]:
    """Return the slabs of ties and of their reverse; one that shares its arrays is dropped."""
    reverse = ties.back
    if reverse is not None and reverse.is_still:
        shared = np.shares_memory(reverse.tidy()[1].ids, ties.tidy()[1].ids)
        if shared and ties.is_still:
            ties.back = reverse = None
    slab = ties.melt()
    return slab, None if reverse is None else reverse.melt()


def _prepare(slabs: tuple[Slab | None, ...], batch: TieChanges, fate: U8) -> None:
    """Make the columns that what is added or renewed needs."""
    adds = (fate == ADDED) | (fate == KNOWN)
    for slab in slabs:
        if slab is None:
            continue
        if batch.gives_trust and bool((batch.trust[adds] != _FULL).any()):
            slab.set_column("trust", _FULL)
        if batch.gives_kind and bool(batch.kind[adds].any()):
            slab.set_column("kind", 0)


def _change_back(back: Slab, batch: TieChanges, moved: Bools) -> None:
    """Carry out in the reverse what is really added and removed."""
    sources, targets = _pairs(batch.keys[moved])
    keys, order = ordered(targets, sources)
    fate, at = back.find(keys, batch.adds[moved][order])
    back.make_room(keys, fate)
    back.change(keys, fate, at, batch.trust[moved][order], batch.kind[moved][order])


def _renew_known(slabs: tuple[Slab, Slab | None], batch: TieChanges, fate: U8) -> None:
    """Give ties that were there the kind and trust that the batch names."""
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
    """Count anew whom each agent hears, and forget what was found out about the old ties."""
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
    """Return outcomes as 0 and 1, uint8 (size,); raises InputError."""
    return _bools(good, size, "good", "bad").view(np.uint8)


def steps_of(gain: float, loss: float) -> tuple[int, int]:
    """Return both steps in 1/65535; raises InputError for one outside [0, 1]."""
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
    """Return the kinds of all ties of a dump, (0,) where it has none; raises InputError."""
    if column is None:
        return NO_KIND
    if column.shape != (count,):
        raise InputError(f"Ties: column 'kind' must have {count:,} values, got {column.shape}.")
    return _kinds(column, count)


ACTS = (
    "follow",
    "unfollow",
    "befriend",
    "unfriend",
    "block",
    "unblock",
    "mute",
    "unmute",
)
"""What an agent does about another; the number in the log is the place here."""


class History(NamedTuple):
    """Changes in the order in which they were made.

    Attributes
    ----------
    tick
        int32 (k,): when.
    act
        uint8 (k,): what, a place in :data:`ACTS`.
    agent, other
        uint32 (k,): who did it, about whom.
    """

    tick: I32
    act: npt.NDArray[np.uint8]
    agent: Ids
    other: Ids


class TieLog(RowLog[History]):
    """The newest changes of ties, a million; no part of a world's digest, but of its file."""

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
        """Remember one act of several agents in one tick."""
        self.add(tick, ACTS.index(act), agents, others)

    def about(self, agent: int, other: int | None = None) -> History:
        """Return the changes that name an agent, or a pair in either order."""
        every = self.all()
        mine = (every.agent == agent) | (every.other == agent)
        if other is not None:
            mine &= (every.agent == other) | (every.other == other)
        return History(*(column[mine] for column in every))
