"""The act log: who did what to which message, tick by tick, and counts that are kept for ever."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xxhash

from sim.core.bounds import Bound
from sim.core.scratch import ScratchFiles
from sim.errors import InputError
from sim.platform.acts.kinds import Act
from sim.platform.acts.per_tick import PerTick

Ids = npt.NDArray[np.uint32]

CHAIN_BYTES = 16
NO_CHAIN = bytes(CHAIN_BYTES)
"""Before the first tick of a platform."""

NOBODY = 0xFFFFFFFF
"""No message, nobody else."""

OF_ACTS = {
    "agent": Bound("u4", (None,), below="agents"),
    "act": Bound("u1", (None,), below=len(Act)),
    "message": Bound("u4", (None,), below="next", none=NOBODY),
    "other": Bound("u4", (None,)),
}
"""The columns of acts; whom acts of groups concern is a group."""
_ROW = sum(np.dtype(bound.dtype).itemsize for bound in OF_ACTS.values())


class ActColumns(NamedTuple):
    """Acts in order; four columns of one length.

    Attributes
    ----------
    agent
        uint32: who acts.
    act
        uint8: what (:class:`~sim.platform.acts.kinds.Act`).
    message
        uint32: the message it is about, or :data:`NOBODY`; of a post or letter the new one.
    other
        uint32: whom it concerns, or :data:`NOBODY`. For a repost the member it was seen from, else
        the author, or who is followed, muted or written to; for acts of groups the group.
    """

    agent: Ids
    act: npt.NDArray[np.uint8]
    message: Ids
    other: Ids

    @classmethod
    def of(
        cls,
        agent: npt.ArrayLike,
        act: npt.ArrayLike,
        message: npt.ArrayLike = NOBODY,
        other: npt.ArrayLike = NOBODY,
    ) -> ActColumns:
        """Return acts of columns, or of one value for all."""
        who = np.atleast_1d(np.asarray(agent, np.uint32))
        kinds = [bound.dtype for bound in OF_ACTS.values()][1:]
        others = zip((act, message, other), kinds, strict=True)
        return cls(
            who, *(np.array(np.broadcast_to(np.asarray(c, k), who.shape)) for c, k in others)
        )

    @classmethod
    def joined(cls, parts: list[ActColumns]) -> ActColumns:
        """Return parts, one behind the other."""
        if not parts:
            return cls.of(np.empty(0, np.uint32), 0)
        if len(parts) == 1:
            return parts[0]
        return cls(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def moved(self, spill: ScratchFiles) -> ActColumns:
        """Return their copy in a scratch file."""
        columns: Iterator[npt.NDArray[Any]] = iter(self)
        return ActColumns(*map(spill.moved, columns))

    def chosen(self, which: npt.NDArray[Any] | slice) -> ActColumns:
        """Return those that a mask, a list of places or a slice chooses."""
        columns: Iterator[npt.NDArray[Any]] = iter(self)
        return ActColumns(*(column[which] for column in columns))


ENOUGH_BYTES = 4 << 20
"""A log up to this size stays in memory."""


class ActLog:
    """Acts of the last ticks, and how many of each kind in every tick.

    Attributes
    ----------
    counts
        int64 (ticks so far, acts): how many of each :class:`Act` in each tick since the platform
        opened.
    """

    def __init__(self, ticks: int) -> None:
        self.ticks = ticks
        self._blocks: dict[int, list[ActColumns]] = {}
        self._counts = PerTick(len(Act), np.int64)
        self._chains = PerTick(CHAIN_BYTES, np.uint8)
        self._spill = ScratchFiles()
        self._laid = -1

    def seal(self, tick: int, parts: Iterable[npt.NDArray[Any] | bytes]) -> None:
        """Chain a tick behind those before it, by the bytes of all that was done and written.

        Two worlds that did and wrote the same to a tick have the same 16 bytes there, and others
        have others: by them a file that holds ticks of several branches tells whose each is.
        """
        state = xxhash.xxh3_128(self.head)
        state.update(tick.to_bytes(8, "little"))
        for part in parts:
            state.update(part if isinstance(part, bytes) else part.data)
        self._chains.put(tick, np.frombuffer(state.digest(), np.uint8))

    @property
    def head(self) -> bytes:
        """What the last tick was sealed with, 16 bytes."""
        last = self._chains.last()
        return NO_CHAIN if last is None else last.tobytes()

    @property
    def chains(self) -> Mapping[int, bytes]:
        """What each tick up to now was sealed with since the platform opened, by tick, rising."""
        return Chains(self._chains.copy())

    def sealed_since(self, tick: int) -> list[int]:
        """Return the ticks behind one that are sealed, rising."""
        return self._chains.since(tick)

    def add(self, tick: int, acts: ActColumns, all_of_it: ActColumns | None = None) -> None:
        """Write down acts of a tick, behind those it has.

        ``all_of_it``, which ends with them, is kept in place of what was there.
        """
        before, fresh = self._counts.get(tick), np.bincount(acts.act, minlength=len(Act))
        self._counts.put(tick, fresh if before is None else before + fresh)
        if self.ticks and acts.agent.size:
            kept = [*self._blocks.get(tick, []), acts] if all_of_it is None else [all_of_it]
            self._blocks[tick] = kept

    def renew(self, tick: int, acts: ActColumns) -> None:
        """Keep these acts of a tick in place of those it has."""
        self._counts.put(tick, np.bincount(acts.act, minlength=len(Act)).astype(np.int64))
        self._blocks.pop(tick, None)
        if self.ticks and acts.agent.size:
            self._blocks[tick] = [acts]

    def forget(self, tick: int) -> None:
        """Drop what is older than the ticks that are kept, at ``tick``."""
        for old in [at for at in self._blocks if at <= tick - self.ticks]:
            del self._blocks[old]

    def lay_by(self, tick: int) -> None:
        """Move what was done up to a tick, which is seldom asked for, into scratch files."""
        if _ROW * len(self) < ENOUGH_BYTES:
            return
        for at in [at for at in self._blocks if self._laid < at <= tick]:
            self._blocks[at] = [acts.moved(self._spill) for acts in self._blocks[at]]
        self._laid = max(self._laid, tick)

    def at(self, tick: int) -> ActColumns:
        """Return the acts of a tick, in order; none when it is not kept."""
        return ActColumns.joined(self._blocks.get(tick, []))

    def __iter__(self) -> Iterator[tuple[int, ActColumns]]:
        """Go through the ticks that are kept, the oldest first."""
        for tick in sorted(self._blocks):
            yield tick, self.at(tick)

    def of(self, agent: int, other: int | None = None) -> list[tuple[int, Act, int, int]]:
        """Return what an agent did (to ``other``, where given): (tick, act, message, other)."""
        found = []
        for tick, acts in self:
            mine = acts.agent == agent
            if other is not None:
                mine &= acts.other == other
            for _, act, message, whom in zip(*(c[mine].tolist() for c in acts), strict=True):
                found.append((tick, Act(act), message, whom))
        return found

    def count(self, tick: int, act: Act) -> int:
        """Return how many acts of a kind a tick had; kept for ever."""
        counts = self._counts.get(tick)
        return 0 if counts is None else int(counts[act])

    @property
    def counted(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The ticks that had acts, int64 (k,), and how many of each kind, int64 (k, acts)."""
        return self._counts.columns()

    def __len__(self) -> int:
        return sum(acts.agent.size for block in self._blocks.values() for acts in block)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return _ROW * len(self) + 8 * len(Act) * len(self._counts) + 16 * len(self._chains)

    def still(self) -> ActLog:
        """Return a log that stays as it is; it shares what was written, which nobody changes."""
        twin = ActLog(self.ticks)
        twin._blocks = {tick: list(block) for tick, block in self._blocks.items()}
        twin._counts, twin._chains = self._counts.copy(), self._chains.copy()
        return twin

    def arrays(self) -> Iterator[npt.NDArray[Any]]:
        """Go through the columns of the acts that are kept, as they lie in memory."""
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
        """Return parts, one behind the other; of a long log in a scratch file of their own."""
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
    """What each tick was sealed with, 16 bytes, by tick, rising."""

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
