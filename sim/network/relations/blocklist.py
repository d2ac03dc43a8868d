"""The blocklist: mutes and blocks, separate from the ties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.arrays import U8, Ids
from sim.errors import InputError
from sim.network.graph.slab import Slab, ordered, read_only
from sim.network.graph.slab_kernels import KNOWN
from sim.network.relations import blocklist_kernels as kernels

MUTED, BLOCKED, SHUNNED = 1, 2, 4
"""Marks of a listener about a source, added up: muted it, blocked it, was blocked by it."""


class BlocklistArrays(NamedTuple):
    """What kernels need for :func:`sim.network.relations.blocklist_kernels.is_closed`."""

    closed: npt.NDArray[np.uint64]  # uint64, one bit an agent; (0,) if nobody blocks anybody
    rows: Ids  # uint32 (n, 2) into ids
    ids: Ids  # uint32: the sources that each listener does not hear


OPEN = BlocklistArrays(
    read_only(np.empty(0, np.uint64)),
    read_only(np.empty((0, 2), np.uint32)),
    read_only(np.empty(0, np.uint32)),
)
"""An empty blocklist; read-only as marks are: one type, one compilation."""


class Blocklist:
    """Marks of listeners about sources; takes no memory while there are none."""

    def __init__(self, agents: int) -> None:
        self.agents = agents
        self._slab: Slab | None = None
        self._bits = OPEN.closed
        self.version = 0

    def __bool__(self) -> bool:
        return self._slab is not None and self._slab.count > 0

    @property
    def count(self) -> int:
        """Number of marked pairs."""
        return 0 if self._slab is None else self._slab.count

    @property
    def closed(self) -> BlocklistArrays:
        """The arrays for kernels; valid until the next mark."""
        if self._slab is None or not self._slab.count:
            return OPEN
        return BlocklistArrays(read_only(self._bits), *self._slab.live[:2])

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._bits.nbytes + (0 if self._slab is None else self._slab.nbytes)

    def marks(self, listeners: Ids, sources: Ids) -> U8:
        """Return the marks of each pair: uint8 (k,), 0 if there are no mutes or blocks."""
        out = np.zeros(listeners.size, np.uint8)
        if self._slab is not None:
            live = self._slab.live
            kernels.look_up(live.rows, live.ids, live.kind, listeners, sources, out)
        return out

    def are_closed(self, listeners: Ids, sources: Ids) -> npt.NDArray[np.bool_]:
        """Return whether each listener must not hear each source: bool (k,)."""
        out = np.zeros(listeners.size, np.uint8)
        if self:
            kernels.shut(*self.closed, listeners, sources, out)
        return out.view(np.bool_)

    def set(self, listeners: Ids, sources: Ids, mark: int, on: bool) -> npt.NDArray[np.bool_]:
        """Set or clear a mark of pairs, each given once; return which changed: bool (k,)."""
        before = self.marks(listeners, sources)
        after = before | np.uint8(mark) if on else before & ~np.uint8(mark)
        changed: npt.NDArray[np.bool_] = before != after
        if changed.any():
            self._write(listeners[changed], sources[changed], after[changed])
        return changed

    def _write(self, listeners: Ids, sources: Ids, marks: U8) -> None:
        self.version += 1
        slab = self._held()
        keys, order = ordered(listeners, sources)
        kind = marks[order]
        fate, at = slab.find(keys, (kind > 0).view(np.uint8))
        slab.make_room(keys, fate)
        slab.change(keys, fate, at, np.empty(0, np.uint16), kind)
        there = order[fate == KNOWN]
        slab.write("kind", listeners[there], sources[there], marks[there])
        who = np.unique(listeners)
        has = slab.rows[who, 1] > 0
        words, bits = who >> np.uint32(6), np.uint64(1) << (who.astype(np.uint64) & np.uint64(63))
        np.bitwise_or.at(self._bits, words[has], bits[has])
        np.bitwise_and.at(self._bits, words[~has], ~bits[~has])

    def _held(self) -> Slab:
        if self._slab is None:
            self._slab = Slab.vacant(self.agents, kinds=True)
            self._bits = np.zeros((self.agents + 63) // 64, np.uint64)
        return self._slab

    def marked(self, listener: int) -> int:
        """Return the number of sources about which a listener has marks."""
        return 0 if self._slab is None else int(self._slab.rows[listener, 1])

    def forget(self, agents: Ids) -> bool:
        """Drop every mark by or about some agents; return whether there was any."""
        held = self.dump()
        if not held:
            return False
        theirs = np.isin(held["listener"], agents) | np.isin(held["source"], agents)
        if theirs.any():
            ends = held["listener"][theirs], held["source"][theirs]
            self._write(*ends, np.zeros(ends[0].size, np.uint8))
        return bool(theirs.any())

    def of(self, listener: int, mark: int) -> Ids:
        """Return the sources about which a listener has a mark: uint32, ascending."""
        if self._slab is None:
            return np.empty(0, np.uint32)
        start, length = (int(x) for x in self._slab.rows[listener])
        part = slice(start, start + length)
        found: Ids = self._slab.columns.ids[part][self._slab.columns.kind[part] & mark > 0]
        return found

    def grow(self, count: int) -> None:
        """Add agents without marks."""
        self.agents += count
        if self._slab is not None:
            self._slab.grow(count)
            more = (self.agents + 63) // 64 - self._bits.size
            self._bits = np.concatenate((self._bits, np.zeros(more, np.uint64)))

    def dump(self) -> dict[str, npt.NDArray[Any]]:
        """Return the marked pairs as columns ``listener``, ``source`` and ``mark``; {} if none."""
        if self._slab is None or not self._slab.count:
            return {}
        rows, columns = self._slab.tight()
        listeners = np.repeat(np.arange(self.agents, dtype=np.uint32), rows[:, 1])
        return {"listener": listeners, "source": columns.ids, "mark": columns.kind}

    @classmethod
    def restore(cls, columns: Mapping[str, npt.NDArray[Any]], agents: int) -> Blocklist:
        """Restore the blocklist from :meth:`dump`."""
        blocklist = cls(agents)
        if not columns:
            return blocklist
        none: npt.NDArray[Any] = np.empty(0, np.uint32)
        names = ("listener", "source", "mark")
        listeners, sources, marks = (columns.get(name, none) for name in names)
        fits = listeners.shape == sources.shape == marks.shape and listeners.size > 0
        keys = listeners.astype(np.uint64) << np.uint64(32) if fits else np.empty(0, np.uint64)
        keys = keys | sources.astype(np.uint64) if fits else keys
        if (
            not fits
            or int(max(listeners.max(), sources.max())) >= agents
            or not (keys[1:] > keys[:-1]).all()
            or not ((marks > 0) & (marks < 2 * SHUNNED)).all()
        ):
            raise InputError("Mutes and blocks: the columns do not name rising pairs and marks.")
        blocklist._write(listeners, sources, marks)
        return blocklist
