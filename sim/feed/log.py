"""The act log: who did what to which message, tick by tick, and counts that are kept for ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.feed.acts import Act

__all__ = ["NOBODY", "ActLog", "Acts"]

Ids = npt.NDArray[np.uint32]

NOBODY = 0xFFFFFFFF
"""No message, nobody else."""


class Acts(NamedTuple):
    """Acts in order; four columns of one length.

    Attributes
    ----------
    agent
        uint32: who acts.
    act
        uint8: what (:class:`~sim.feed.acts.Act`).
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
    ) -> Acts:
        """Return acts of columns, or of one value for all."""
        who = np.atleast_1d(np.asarray(agent, np.uint32))
        return cls(
            who,
            np.array(np.broadcast_to(np.asarray(act, np.uint8), who.shape)),
            np.array(np.broadcast_to(np.asarray(message, np.uint32), who.shape)),
            np.array(np.broadcast_to(np.asarray(other, np.uint32), who.shape)),
        )

    @classmethod
    def joined(cls, parts: list[Acts]) -> Acts:
        """Return parts, one behind the other."""
        if not parts:
            return cls.of(np.empty(0, np.uint32), 0)
        return cls(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def chosen(self, which: npt.NDArray[Any] | slice) -> Acts:
        """Return those that a mask, a list of places or a slice chooses."""
        columns: Iterator[npt.NDArray[Any]] = iter(self)
        return Acts(*(column[which] for column in columns))


class ActLog:
    """Acts of the last ticks, and how many of each kind in every tick.

    Parameters
    ----------
    ticks
        How many ticks are kept in full.

    Attributes
    ----------
    counts
        int64 (ticks so far, acts): how many of each :class:`Act` in each tick since the platform
        opened.
    """

    def __init__(self, ticks: int) -> None:
        self.ticks = ticks
        self._blocks: dict[int, list[Acts]] = {}
        self._counts: dict[int, npt.NDArray[np.int64]] = {}

    def add(self, tick: int, acts: Acts, all_of_it: Acts | None = None) -> None:
        """Write down acts of a tick, behind those it has.

        ``all_of_it``, which ends with them, is kept in place of what was there.
        """
        counts = self._counts.get(tick, np.zeros(len(Act), np.int64))
        self._counts[tick] = counts + np.bincount(acts.act, minlength=len(Act))
        if self.ticks and acts.agent.size:
            kept = [*self._blocks.get(tick, []), acts] if all_of_it is None else [all_of_it]
            self._blocks[tick] = kept

    def forget(self, tick: int) -> None:
        """Drop what is older than the ticks that are kept, at ``tick``."""
        for old in [at for at in self._blocks if at <= tick - self.ticks]:
            del self._blocks[old]

    def at(self, tick: int) -> Acts:
        """Return the acts of a tick, in order; none when it is not kept."""
        return Acts.joined(self._blocks.get(tick, []))

    def __iter__(self) -> Iterator[tuple[int, Acts]]:
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
        ticks = sorted(self._counts)
        rows = [self._counts[tick] for tick in ticks]
        counts = np.array(rows, np.int64).reshape(len(ticks), len(Act))
        return np.array(ticks, np.int64), counts

    def __len__(self) -> int:
        return sum(acts.agent.size for block in self._blocks.values() for acts in block)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return 13 * len(self) + 8 * len(Act) * len(self._counts)

    def still(self) -> ActLog:
        """Return a log that stays as it is; it shares what was written, which nobody changes."""
        twin = ActLog(self.ticks)
        twin._blocks = {tick: list(block) for tick, block in self._blocks.items()}
        twin._counts = dict(self._counts)
        return twin

    def arrays(self) -> Iterator[npt.NDArray[Any]]:
        """Go through the columns of the acts that are kept, as they lie in memory."""
        for block in self._blocks.values():
            for acts in block:
                yield from acts

    def dump(self) -> dict[str, npt.NDArray[Any]]:
        """Return the columns by name."""
        kept = list(self)
        acts = Acts.joined([acts for _, acts in kept])
        ticks, counts = self.counted
        return {
            "ticks": np.array([tick for tick, _ in kept], np.int64),
            "lengths": np.array([acts.agent.size for _, acts in kept], np.int64),
            "counted": ticks,
            "counts": counts,
            **acts._asdict(),
        }

    @classmethod
    def restore(cls, ticks: int, columns: Mapping[str, npt.NDArray[Any]]) -> ActLog:
        """Return the log of :meth:`dump`; takes copies."""
        log = cls(ticks)
        acts = Acts.of(*(columns[name] for name in Acts._fields))
        stops = np.cumsum(columns["lengths"]).tolist()
        start = 0
        for tick, stop in zip(columns["ticks"].tolist(), stops, strict=True):
            log._blocks[tick] = [acts.chosen(np.arange(start, stop))]
            start = stop
        for tick, row in zip(columns["counted"].tolist(), columns["counts"], strict=True):
            log._counts[tick] = np.zeros(len(Act), np.int64)
            log._counts[tick][: len(row)] = row
        return log
