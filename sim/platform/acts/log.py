"""The act log: members, acts and messages by tick, and permanent counts per tick."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xxhash

from sim.arrays import Array, Ids
from sim.core.bounds import Bound
from sim.core.scratch import ScratchFiles
from sim.errors import InputError
from sim.platform.acts.kinds import Act

SETTLED = 64
"""Number of rows that settle at a time; as many of the newest rows may still change."""

_FEWEST = 4 * SETTLED
_IN_MEMORY = 1 << 20
"""Maximum size of rows kept in memory, in bytes."""

_adding = Lock()


class _SettledRows:
    """Rows in order of their ticks; a written row never changes."""

    def __init__(
        self, width: int, dtype: np.dtype[Any], spill: ScratchFiles, room: int = _FEWEST
    ) -> None:
        self._spill = spill
        size = room * width * dtype.itemsize
        if size <= _IN_MEMORY:
            self.ticks, self.rows = np.empty(room, np.int64), np.empty((room, width), dtype)
        else:
            self.ticks = spill.empty(room, np.int64)
            self.rows = spill.empty(room * width, dtype).reshape(room, width)
        self._taken = 0

    def followed_by(self, count: int, ticks: Array, rows: Array) -> _SettledRows:
        """Return the first ``count`` rows followed by others, sharing memory if possible."""
        stop = count + ticks.size
        with _adding:
            there = slice(count, min(stop, self._taken))
            known = max(there.stop - count, 0)
            is_so = np.array_equal(self.ticks[there], ticks[:known]) and np.array_equal(
                self.rows[there], rows[:known]
            )
            if is_so and stop <= self.ticks.size:
                self.ticks[count + known : stop] = ticks[known:]
                self.rows[count + known : stop] = rows[known:]
                self._taken = max(self._taken, stop)
                return self
        room = max(_FEWEST, 2 * stop)
        others = _SettledRows(self.rows.shape[1], self.rows.dtype, self._spill, room)
        others.ticks[:count], others.rows[:count] = self.ticks[:count], self.rows[:count]
        others._taken = count
        return others.followed_by(count, ticks, rows)


class PerTick:
    """Rows by tick; copies share all but the newest.

    Examples
    --------
    >>> counts = PerTick(2, np.int64)
    >>> for tick in range(1000):
    ...     counts.put(tick, np.array([tick, 1]))
    >>> twin = counts.copy()
    >>> counts.put(1000, np.array([0, 0]))
    >>> len(twin), twin.get(7).tolist(), twin.get(1000) is None
    (1000, [7, 1], True)
    """

    def __init__(self, width: int, dtype: npt.DTypeLike) -> None:
        self._width, self._dtype = width, np.dtype(dtype)
        self._spill = ScratchFiles()
        self._state = self._without()

    def _without(self) -> tuple[_SettledRows, int, dict[int, Array]]:
        return _SettledRows(self._width, self._dtype, self._spill), 0, {}

    def put(self, tick: int, row: Array) -> None:
        """Set the row of a tick, replacing an existing one."""
        settled, count, newest = self._state
        if count and tick <= int(settled.ticks[count - 1]):  # a settled row changes
            every = dict(self)
            settled, count, newest = self._without()
            newest |= every
        newest[tick] = row
        self._state = (settled, count, newest)
        if len(newest) > 2 * SETTLED:
            self._settle()

    def _settle(self) -> None:
        settled, count, newest = self._state
        ticks = sorted(newest)
        old = ticks[:-SETTLED]
        rows = np.array([newest[tick] for tick in old], self._dtype)
        settled = settled.followed_by(count, np.array(old, np.int64), rows)
        rest = {tick: newest[tick] for tick in ticks[-SETTLED:]}
        self._state = (settled, count + len(old), rest)

    def get(self, tick: int) -> Array | None:
        """Return the row of a tick, or None."""
        settled, count, newest = self._state
        if (row := newest.get(tick)) is not None:
            return row
        at = int(np.searchsorted(settled.ticks[:count], tick))
        there = at < count and int(settled.ticks[at]) == tick
        return np.array(settled.rows[at]) if there else None

    def last(self) -> Array | None:
        """Return the row of the last tick, or None."""
        newest = self._state[2]
        return newest[max(newest)] if newest else None

    def since(self, tick: int) -> list[int]:
        """Return the ticks after ``tick`` that have a row, ascending."""
        settled, count, newest = self._state
        old = settled.ticks[:count]
        behind: list[int] = old[np.searchsorted(old, tick, "right") :].tolist()
        return behind + sorted(at for at in list(newest) if at > tick)

    def copy(self) -> PerTick:
        """Return an independent copy."""
        settled, count, newest = self._state
        twin = copy(self)
        vars(twin).update(_state=(settled, count, dict(newest)))
        return twin

    def columns(self) -> tuple[npt.NDArray[np.int64], Array]:
        """Return the ticks, int64 (k,), ascending, and their rows, (k, width), read-only."""
        settled, count, newest = self._state
        held = list(newest.items())  # in one operation: the engine may add rows meanwhile
        held.sort(key=lambda each: each[0])
        ticks = np.array([at for at, _ in held], np.int64)
        rows = np.array([row for _, row in held], self._dtype).reshape(len(held), self._width)
        settled, count = settled.followed_by(count, ticks, rows), count + len(held)
        found = settled.ticks[:count], settled.rows[:count]
        for column in found:
            column.flags.writeable = False
        return found

    def take(self, ticks: Iterable[int], rows: Iterable[Array]) -> None:
        """Set many rows."""
        for tick, row in zip(ticks, rows, strict=True):
            self.put(tick, row.copy())

    def __iter__(self) -> Iterator[tuple[int, Array]]:
        ticks, rows = self.columns()
        return zip(ticks.tolist(), rows, strict=True)

    def __len__(self) -> int:
        _, count, newest = self._state
        return count + len(newest)


CHAIN_BYTES = 16
NO_CHAIN = bytes(CHAIN_BYTES)
"""Chain value before a platform's first tick."""

NOBODY = 0xFFFFFFFF
"""Value for no message, and for no other member."""

OF_ACTS = {
    "agent": Bound("u4", (None,), below="agents"),
    "act": Bound("u1", (None,), below=len(Act)),
    "message": Bound("u4", (None,), below="next", none=NOBODY),
    "other": Bound("u4", (None,)),
}
"""Columns of acts; ``other`` of acts on groups is the group."""
_ROW = sum(np.dtype(bound.dtype).itemsize for bound in OF_ACTS.values())


class ActColumns(NamedTuple):
    """Acts in order; four columns of equal length."""

    agent: Ids  # the acting member
    act: npt.NDArray[np.uint8]  # the act (Act)
    message: Ids  # the message it concerns, or NOBODY; for posts and direct messages the new one
    # the other member, or NOBODY: for a repost the one it was seen from, else the author, or the
    # member followed, muted or written to; for acts on groups the group
    other: Ids

    @classmethod
    def of(
        cls,
        agent: npt.ArrayLike,
        act: npt.ArrayLike,
        message: npt.ArrayLike = NOBODY,
        other: npt.ArrayLike = NOBODY,
    ) -> ActColumns:
        """Return acts from columns, or from one value for all."""
        who = np.atleast_1d(np.asarray(agent, np.uint32))
        kinds = [bound.dtype for bound in OF_ACTS.values()][1:]
        others = zip((act, message, other), kinds, strict=True)
        return cls(
            who, *(np.array(np.broadcast_to(np.asarray(c, k), who.shape)) for c, k in others)
        )

    @classmethod
    def joined(cls, parts: list[ActColumns]) -> ActColumns:
        """Return the parts, concatenated."""
        if not parts:
            return cls.of(np.empty(0, np.uint32), 0)
        if len(parts) == 1:
            return parts[0]
        return cls(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def moved(self, spill: ScratchFiles) -> ActColumns:
        """Return a copy in a scratch file."""
        columns: Iterator[npt.NDArray[Any]] = iter(self)
        return ActColumns(*map(spill.moved, columns))

    def chosen(self, which: npt.NDArray[Any] | slice) -> ActColumns:
        """Return the acts that a mask, indices or a slice selects."""
        columns: Iterator[npt.NDArray[Any]] = iter(self)
        return ActColumns(*(column[which] for column in columns))


ENOUGH_BYTES = 4 << 20
"""Maximum size of a log kept in memory, in bytes."""


class ActLog:
    """Acts of recent ticks, and counts of each kind for every tick."""

    def __init__(self, ticks: int) -> None:
        self.ticks = ticks
        self._blocks: dict[int, list[ActColumns]] = {}
        self._counts = PerTick(len(Act), np.int64)
        self._chains = PerTick(CHAIN_BYTES, np.uint8)
        self._spill = ScratchFiles()
        self._laid = -1

    def seal(self, tick: int, parts: Iterable[npt.NDArray[Any] | bytes]) -> None:
        """Extend the hash chain by a tick, over the bytes of all its acts and posts.

        The 16 bytes are equal for worlds with equal acts and posts up to a tick, and differ
        otherwise; they identify the branch of each tick in a file with ticks of several branches.
        """
        state = xxhash.xxh3_128(self.head)
        state.update(tick.to_bytes(8, "little"))
        for part in parts:
            state.update(part if isinstance(part, bytes) else part.data)
        self._chains.put(tick, np.frombuffer(state.digest(), np.uint8))

    @property
    def head(self) -> bytes:
        """Chain value of the last tick, 16 bytes."""
        last = self._chains.last()
        return NO_CHAIN if last is None else last.tobytes()

    @property
    def chains(self) -> Mapping[int, bytes]:
        """Chain values of all ticks since the platform opened, by tick, ascending."""
        return Chains(self._chains.copy())

    def sealed_since(self, tick: int) -> list[int]:
        """Return the sealed ticks after ``tick``, ascending."""
        return self._chains.since(tick)

    def add(self, tick: int, acts: ActColumns, all_of_it: ActColumns | None = None) -> None:
        """Append acts to a tick."""
        before, fresh = self._counts.get(tick), np.bincount(acts.act, minlength=len(Act))
        self._counts.put(tick, fresh if before is None else before + fresh)
        if self.ticks and acts.agent.size:
            kept = [*self._blocks.get(tick, []), acts] if all_of_it is None else [all_of_it]
            self._blocks[tick] = kept

    def renew(self, tick: int, acts: ActColumns) -> None:
        """Replace the acts of a tick."""
        self._counts.put(tick, np.bincount(acts.act, minlength=len(Act)).astype(np.int64))
        self._blocks.pop(tick, None)
        if self.ticks and acts.agent.size:
            self._blocks[tick] = [acts]

    def forget(self, tick: int) -> None:
        """Drop acts that are too old to keep at ``tick``."""
        for old in [at for at in self._blocks if at <= tick - self.ticks]:
            del self._blocks[old]

    def lay_by(self, tick: int) -> None:
        """Move acts up to a tick, which are rarely read, to scratch files."""
        if _ROW * len(self) < ENOUGH_BYTES:
            return
        for at in [at for at in self._blocks if self._laid < at <= tick]:
            self._blocks[at] = [acts.moved(self._spill) for acts in self._blocks[at]]
        self._laid = max(self._laid, tick)

    def at(self, tick: int) -> ActColumns:
        """Return the acts of a tick, in order; empty if they are not kept."""
        return ActColumns.joined(self._blocks.get(tick, []))

    def __iter__(self) -> Iterator[tuple[int, ActColumns]]:
        """Yield (tick, acts) of the ticks that are kept, the oldest first."""
        for tick in sorted(self._blocks):
            yield tick, self.at(tick)

    def of(self, agent: int, other: int | None = None) -> list[tuple[int, Act, int, int]]:
        """Return an agent's acts (on ``other``, if given): (tick, act, message, other)."""
        found = []
        for tick, acts in self:
            mine = acts.agent == agent
            if other is not None:
                mine &= acts.other == other
            for _, act, message, whom in zip(*(c[mine].tolist() for c in acts), strict=True):
                found.append((tick, Act(act), message, whom))
        return found

    def count(self, tick: int, act: Act) -> int:
        """Return the number of acts of a kind in a tick; kept permanently."""
        counts = self._counts.get(tick)
        return 0 if counts is None else int(counts[act])

    @property
    def counted(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Ticks with acts, int64 (k,), and the counts of each kind, int64 (k, acts)."""
        return self._counts.columns()

    def __len__(self) -> int:
        return sum(acts.agent.size for block in self._blocks.values() for acts in block)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return _ROW * len(self) + 8 * len(Act) * len(self._counts) + 16 * len(self._chains)

    def still(self) -> ActLog:
        """Return a snapshot of the log; it shares what was written, which never changes."""
        twin = ActLog(self.ticks)
        twin._blocks = {tick: list(block) for tick, block in self._blocks.items()}
        twin._counts, twin._chains = self._counts.copy(), self._chains.copy()
        return twin

    def arrays(self) -> Iterator[npt.NDArray[Any]]:
        """Yield the columns of the acts that are kept, without copying."""
        for block in self._blocks.values():
            for acts in block:
                yield from acts

    def dump(self) -> dict[str, npt.NDArray[Any]]:
        """Return the columns by name."""
        kept = sorted(self._blocks.items())
        ticks, counts = self.counted
        sealed, chains = self._chains.columns()
        lengths = [sum(acts.agent.size for acts in block) for _, block in kept]
        return {
            "ticks": np.array([tick for tick, _ in kept], np.int64),
            "lengths": np.array(lengths, np.int64),
            "counted": ticks,
            "counts": counts,
            "sealed": sealed,
            "chains": np.ascontiguousarray(chains).view("<u8").reshape(-1, 2),
            **self._joined([acts for _, block in kept for acts in block])._asdict(),
        }

    def _joined(self, parts: list[ActColumns]) -> ActColumns:
        """Return the parts, concatenated; for a long log in a scratch file."""
        if _ROW * len(self) < ENOUGH_BYTES:
            return ActColumns.joined(parts)
        spill = ScratchFiles()
        return ActColumns(*(spill.joined(columns) for columns in zip(*parts, strict=True)))

    @classmethod
    def restore(cls, ticks: int, columns: Mapping[str, npt.NDArray[Any]]) -> ActLog:
        """Return the log of :meth:`dump`; takes copies."""
        log = cls(ticks)
        acts = ActColumns.of(*(columns[name] for name in ActColumns._fields))
        lengths = columns["lengths"]
        many = acts.agent.size
        if ((lengths < 0) | (lengths > many)).any() or int(lengths.sum()) != many:
            raise InputError(f"The log of acts has {many:,} rows, its ticks have others.")
        stops = np.cumsum(lengths).tolist()
        start = 0
        for tick, stop in zip(columns["ticks"].tolist(), stops, strict=True):
            log._blocks[tick] = [acts.chosen(np.arange(start, stop))]
            start = stop
        known = columns["counts"]
        counts = np.zeros((len(known), len(Act)), np.int64)
        counts[:, : known.shape[1]] = known
        log._counts.take(columns["counted"].tolist(), counts)
        chains = np.ascontiguousarray(columns["chains"].astype("<u8")).view(np.uint8)
        log._chains.take(columns["sealed"].tolist(), chains.reshape(-1, CHAIN_BYTES))
        return log


class Chains(Mapping[int, bytes]):
    """Chain values of ticks, 16 bytes each, by tick, ascending."""

    def __init__(self, rows: PerTick) -> None:
        self._rows = rows

    def __getitem__(self, tick: int) -> bytes:
        row = self._rows.get(tick)
        if row is None:
            raise KeyError(tick)
        return row.tobytes()

    def __iter__(self) -> Iterator[int]:
        return map(int, self._rows.columns()[0])

    def __len__(self) -> int:
        return len(self._rows)
