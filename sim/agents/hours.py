"""Hours of single agents: the chance of being online, given for each hour of the day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.errors import InputError

DAY = 24


class Hours:
    """Some agents with 24 chances each; everybody else follows activity and chronotype.

    Attributes
    ----------
    agents
        uint32 (k,), rising.
    chances
        float32 (k, 24): of being online in a tick of each hour, in [0, 1].
    """

    def __init__(self) -> None:
        self.agents = np.empty(0, np.uint32)
        self.chances = np.empty((0, DAY), np.float32)

    def __len__(self) -> int:
        return self.agents.size

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.agents.nbytes + self.chances.nbytes

    def put(self, agents: npt.ArrayLike, chances: npt.ArrayLike) -> None:
        """Give agents their hours, in place of what they had."""
        who = np.asarray(agents, np.uint32)
        own = _checked(np.asarray(chances, np.float64), who.size)
        kept = ~np.isin(self.agents, who)
        everybody = np.concatenate([self.agents[kept], who])
        order = np.argsort(everybody)
        self.agents = everybody[order]
        self.chances = np.concatenate([self.chances[kept], own])[order]

    def wake(
        self,
        online: npt.NDArray[np.uint32],
        can: npt.NDArray[np.bool_],
        uniforms: npt.NDArray[np.float64],
        hour: float,
    ) -> npt.NDArray[np.uint32]:
        """Return who is online once agents with hours of their own keep to these."""
        others = online[~np.isin(online, self.agents, assume_unique=True)]
        wakes = can & (uniforms < self.chances[:, int(hour) % DAY])
        return np.sort(np.concatenate([others, self.agents[wakes]]))

    def copied(self) -> Hours:
        """Return hours that do not change with these; arrays are replaced, never written."""
        twin = Hours()
        twin.agents, twin.chances = self.agents, self.chances
        return twin

    def dump(self) -> dict[str, npt.NDArray[Any]]:
        """Return the columns by name; none when nobody has hours of their own."""
        return {"agents": self.agents, "chances": self.chances} if len(self) else {}

    @classmethod
    def restore(cls, columns: Mapping[str, npt.NDArray[Any]], agents: int) -> Hours:
        """Return the hours of :meth:`dump`; InputError for columns that do not fit."""
        hours = cls()
        if not columns:
            return hours
        if set(columns) != {"agents", "chances"}:
            raise InputError("Hours of agents need the columns agents and chances.")
        who = np.array(columns["agents"], np.uint32)
        if np.any(who[1:] <= who[:-1]) or int(who.max(initial=0)) >= agents:
            raise InputError(f"Hours of agents name agents that are not among {agents}.")
        hours.agents, hours.chances = who, _checked(np.array(columns["chances"]), who.size)
        return hours


def _checked(chances: npt.NDArray[Any], count: int) -> npt.NDArray[np.float32]:
    if chances.shape != (count, DAY) or not np.all((chances >= 0) & (chances <= 1)):
        raise InputError(f"Hours are {DAY} chances in [0, 1] for each of {count} agents.")
    return chances.astype(np.float32)
