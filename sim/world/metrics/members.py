"""Series of single members, tick by tick: their followers, acts, feeds and reputation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.errors import InputError, UnknownNameError
from sim.platform.acts.kinds import Act
from sim.world.contract import WorldState

MOST_FOLLOWED = 1_000
"""Members that may be followed at once."""

MEMBER_SERIES: dict[str, str] = {
    "followers": "members that hear it",
    "follows": "members that it hears",
    "acts": "what it did on the platform in the tick",
    "posts": "posts it wrote in the tick",
    "seen": "messages that its feed showed it in the tick",
    "shown": "how often its own posts stood in feeds in the tick",
    "reputation": "what its word counts for, 1 on average",
}
"""Every series of a member: its name, and what it means."""

_PLACES = {name: place for place, name in enumerate(MEMBER_SERIES)}


class MemberSeries:
    """Numbers of some members, one row a tick; of more rows than are kept the oldest go."""

    def __init__(self, agents: npt.ArrayLike, rows: int) -> None:
        self.agents = np.unique(np.asarray(agents, np.uint32))
        if self.agents.size > MOST_FOLLOWED:
            raise InputError(
                f"At most {MOST_FOLLOWED:,} members are followed, got {self.agents.size:,}; "
                f"choose fewer, such as top:20:degree."
            )
        self._rows = rows
        self._taken: dict[int, npt.NDArray[np.float64]] = {}

    def take(self, world: WorldState) -> None:
        """Write down the tick that a world has just run."""
        who = self.agents
        found = np.full((who.size, len(_PLACES)), np.nan)
        found[:, _PLACES["followers"]] = world.ties.out_degree[who]
        found[:, _PLACES["follows"]] = world.ties.in_degree[who]
        platform = world.platform
        if platform is not None:
            acts = platform.log.at(world.tick)
            did = acts.act != np.uint8(Act.DO_NOTHING)
            found[:, _PLACES["acts"]] = _counted(who, acts.agent[did])
            found[:, _PLACES["posts"]] = _counted(who, acts.agent[acts.act == np.uint8(Act.POST)])
            found[:, _PLACES["reputation"]] = platform.reputation[who]
            if platform.exposures.taken is None:
                self._take_feeds(world, found)
        self._taken[world.tick] = found
        while len(self._taken) > self._rows:
            del self._taken[next(iter(self._taken))]

    def _take_feeds(self, world: WorldState, found: npt.NDArray[np.float64]) -> None:
        platform = world.platform
        if platform is None:
            return
        seen, shown = np.zeros(self.agents.size), np.zeros(self.agents.size)
        for part in platform.exposures.parts:
            at = np.searchsorted(self.agents, part.viewers).clip(max=self.agents.size - 1)
            ours = self.agents[at] == part.viewers
            np.add.at(seen, at[ours], part.counts[ours])
            shown += _counted(self.agents, platform.posts.author[platform.posts.rows(part.message)])
        found[:, _PLACES["seen"]], found[:, _PLACES["shown"]] = seen, shown

    @property
    def ticks(self) -> npt.NDArray[np.int64]:
        """The ticks that are kept, int64 (rows,)."""
        return np.fromiter(self._taken, np.int64, len(self._taken))

    def __len__(self) -> int:
        return len(self._taken)

    def __getitem__(self, name: str) -> npt.NDArray[np.float64]:
        """Return a series of every member, float64 (rows, members); NaN where it does not apply."""
        if name not in _PLACES:
            raise UnknownNameError("series of members", name, tuple(_PLACES))
        return self._rows_of()[:, :, _PLACES[name]]

    def table(self) -> Iterator[dict[str, float]]:
        """Yield a row for each tick and member: ``tick``, ``agent``, then what applies."""
        for tick, found in self._taken.items():
            for agent, row in zip(self.agents.tolist(), found.tolist(), strict=True):
                known = {name: row[place] for name, place in _PLACES.items()}
                known = {name: value for name, value in known.items() if value == value}
                yield {"tick": tick, "agent": agent, **known}

    def _rows_of(self) -> npt.NDArray[np.float64]:
        empty = np.empty((0, self.agents.size, len(_PLACES)))
        return np.stack([*self._taken.values()]) if self._taken else empty

    def dump(self) -> dict[str, npt.NDArray[Any]]:
        """Return the columns by name."""
        return {"agents": self.agents, "ticks": self.ticks, "values": self._rows_of()}

    @classmethod
    def restore(
        cls, columns: Mapping[str, npt.NDArray[Any]], rows: int, people: int
    ) -> MemberSeries:
        """Return the series of :meth:`dump`; ``people``: how many agents there are."""
        series = cls(columns["agents"], rows)
        ticks, values = columns["ticks"], columns["values"]
        size = (len(ticks), series.agents.size, len(_PLACES))
        rising = ticks.ndim == 1 and bool((np.diff(ticks) > 0).all())
        if not rising or values.shape != size or (series.agents >= people).any():
            raise InputError("The series of members fit neither their ticks nor the agents.")
        for tick, found in zip(ticks.tolist(), values, strict=True):
            series._taken[tick] = np.array(found, np.float64)
        return series


def _counted(who: npt.NDArray[np.uint32], ids: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return how often each of some members, rising, is among ids."""
    at = np.searchsorted(who, ids).clip(max=max(who.size - 1, 0))
    ours = at[who[at] == ids] if who.size else np.empty(0, np.int64)
    return np.bincount(ours, minlength=who.size).astype(np.float64)
