"""Streams of interactions: adoptions with their sources, and acts, in batches sized by time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.arrays import Ids
from sim.core.checks import whole_number
from sim.errors import InputError
from sim.jit.claims import NOBODY
from sim.platform.acts.kinds import Act
from sim.platform.acts.log import ActColumns
from sim.spread.cascade.cascade import Cascade
from sim.world.world import World

MOST = 1_000_000
"""Largest number of interactions in a batch."""

_TELLING = np.zeros(len(Act), np.bool_)
_TELLING[[Act.LIKE, Act.UNLIKE, Act.DISLIKE, Act.UNDO_DISLIKE, Act.REPOST, Act.QUOTE]] = True
_TELLING[[Act.REPLY, Act.FOLLOW, Act.UNFOLLOW, Act.DIRECT_MESSAGE]] = True


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Interactions in the order in which they happened; all arrays of one length.

    Parameters
    ----------
    cascade
        int64: the number of the message; -1 for what happened on the platform.
    agents, sources
        uint32: who adopted it, and from whom; on the platform who acted, and whom it concerns.
    ticks
        int32: when.
    act
        uint8: the kind of act (:class:`~sim.platform.acts.kinds.Act`); 0 for adopting a message.
    post
        int64: the number of the platform's message concerned, -1 for none.
    response_ms
        Milliseconds from the request of this batch to its return.
    """

    cascade: npt.NDArray[np.int64]
    agents: Ids
    sources: Ids
    ticks: npt.NDArray[np.int32]
    act: npt.NDArray[np.uint8]
    post: npt.NDArray[np.int64]
    response_ms: float

    def __len__(self) -> int:
        return self.agents.size


class InteractionStream:
    """Collects new log entries of messages and the platform, undone acts too, in batches."""

    def __init__(self, size: int, response_ms: float) -> None:
        if not 1 <= whole_number(size, "batch_size") <= MOST:
            raise InputError(f"batch_size must be in [1, {MOST:,}], got {size:,}.")
        if not response_ms > 0:
            raise InputError(f"response_ms must be more than 0, got {response_ms}.")
        self.size = int(size)
        self._goal = response_ms
        self._read: dict[int, int] | None = None
        self._tick = 0
        self._parts: deque[npt.NDArray[np.int64]] = deque()
        self._count = 0

    @property
    def is_full(self) -> bool:
        """Whether a full batch is ready."""
        return self._count >= self.size

    def collect(self, world: World) -> bool:
        """Take what is new in the logs; the first call only records where they end."""
        if self._read is None:
            self._read = {each.id: each.size for each in world.cascades.items}
            self._tick = world.tick
        for cascade in world.cascades.loose:
            begin, log = self._read.get(cascade.id, 0), cascade.log
            if log.size > begin:
                self._add(cascade.id, log.agents[begin:], log.sources[begin:], log.ticks[begin:])
                self._read[cascade.id] = log.size
        if world.platform is not None:
            for tick in range(self._tick + 1, world.tick + 1):
                is_now = tick == world.tick
                acts = world.platform.acted if is_now else world.platform.log.at(tick)
                self._add_acts(world, tick, acts)
        self._tick = world.tick
        return self.is_full

    def _add(self, cascade: int, agents: Ids, sources: Ids, ticks: npt.NDArray[np.int32]) -> None:
        told = sources != NOBODY  # seeds have no source
        rows = np.zeros((6, int(told.sum())), np.int64)
        rows[0], rows[5] = cascade, -1
        rows[1], rows[2], rows[3] = agents[told], sources[told], ticks[told]
        self._wait(rows)

    def _add_acts(self, world: World, tick: int, acts: ActColumns) -> None:
        """Add what members did to each other in a tick, except sharing what they adopted."""
        told = _TELLING[acts.act] & (acts.other != NOBODY)
        reposted = set(acts.message[acts.act == Act.REPOST].tolist())
        for cascade, post in _injected(world, reposted):
            shared = (acts.act == Act.REPOST) & (acts.message == post)
            if shared.any():
                log = cascade.log
                new = log.agents[log.ticks == tick]
                told &= ~(shared & np.isin(acts.agent, new))
        chosen = acts.chosen(told)
        rows = np.empty((6, chosen.agent.size), np.int64)
        rows[0], rows[1], rows[2], rows[3] = -1, chosen.agent, chosen.other, tick
        rows[4], rows[5] = chosen.act, np.where(chosen.message == NOBODY, -1, chosen.message)
        self._wait(rows)

    def _wait(self, rows: npt.NDArray[np.int64]) -> None:
        if rows.shape[1]:
            self._parts.append(rows)
            self._count += rows.shape[1]

    def take(self, response_ms: float) -> Batch | None:
        """Return the next batch, None if nothing waits; set the size of the one after."""
        if not self._count:
            return None
        rows = self._first(self.size)
        factor = min(max(self._goal / max(response_ms, 1e-6), 0.5), 2.0)
        self.size = int(min(max(self.size * factor, 1), MOST))
        return Batch(
            cascade=rows[0],
            agents=rows[1].astype(np.uint32),
            sources=rows[2].astype(np.uint32),
            ticks=rows[3].astype(np.int32),
            act=rows[4].astype(np.uint8),
            post=rows[5],
            response_ms=response_ms,
        )

    def _first(self, size: int) -> npt.NDArray[np.int64]:
        taken: list[npt.NDArray[np.int64]] = []
        while size and self._parts:
            rows = self._parts.popleft()
            if rows.shape[1] > size:
                self._parts.appendleft(rows[:, size:])
                rows = rows[:, :size]
            taken.append(rows)
            size -= rows.shape[1]
        whole = np.concatenate(taken, axis=1)
        self._count -= whole.shape[1]
        return whole


def _injected(world: World, posts: set[int]) -> Iterator[tuple[Cascade, int]]:
    """Yield the injected messages among some posts of the platform, with their post numbers."""
    numbers = {} if world.platform is None or not posts else world.platform.injected
    for number, post in numbers.items():
        cascade = world.cascades.find(number) if post in posts else None
        if cascade is not None:
            yield cascade, post
