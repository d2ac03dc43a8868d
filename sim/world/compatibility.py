"""Compatibility of two agents: interests, personality, common friends and communities.

::

    score = 0.4 * interests + 0.3 * personality + 0.2 * friends + 0.1 * communities

    interests    shared interests / interests of either           (Jaccard; 0 where neither has any)
    personality  1 - mean difference of the five traits
    friends      c / (c + 3),  c members tied to both, either way
    communities  1 in the same community; else shared groups / groups of either

Each part is in [0, 1] and the same both ways. Likeness attracts: McPherson, Smith-Lovin & Cook,
Annual Review of Sociology 27, 2001; the weights are Hubbub's own, those of the friend recommender
``compatibility``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, Ids
from sim.errors import InputError
from sim.network.analysis.compatibility_kernels import common_circle

if TYPE_CHECKING:
    from sim.network.graph.slab import SlabArrays

from sim.world.base import WorldState

WEIGHTS: Final = {"interests": 0.4, "personality": 0.3, "friends": 0.2, "communities": 0.1}
_HALF = 3
"""Number of common friends at which the friends part is 1/2."""
_PAIRS = 4096


@dataclass(frozen=True, slots=True)
class Compatibility:
    """Scores of pairs of agents, and their parts.

    Attributes
    ----------
    agents, others
        uint32 (k,): the two sides of each pair.
    interests, personality, friends, communities
        float64 (k,) in [0, 1]: the parts before weighting.
    common
        int64 (k,): number of members tied to both.
    """

    agents: Ids
    others: Ids
    interests: F64
    personality: F64
    friends: F64
    communities: F64
    common: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return self.agents.size

    @property
    def score(self) -> F64:
        """float64 (k,) in [0, 1]."""
        total = np.zeros(len(self))
        for part in self.parts.values():
            total += part
        return total

    @property
    def parts(self) -> dict[str, F64]:
        """Contribution of each part to the score: float64 (k,) by name."""
        return {name: weight * getattr(self, name) for name, weight in WEIGHTS.items()}

    def __str__(self) -> str:
        return f"{len(self):,} pairs, {self.score.mean() if len(self) else 0:.3f} on average"


def compatibility(world: WorldState, agents: npt.ArrayLike, others: npt.ArrayLike) -> Compatibility:
    """Return the scores of pairs of agents; one side may be a single agent."""
    who, whom = (_ids(world, side) for side in (agents, others))
    try:
        who, whom = (np.ascontiguousarray(side) for side in np.broadcast_arrays(who, whom))
    except ValueError:
        raise InputError(f"{who.size:,} agents and {whom.size:,} others are no pairs.") from None
    tags = world.agents.interests
    shared, either = _bits(tags[who] & tags[whom]), _bits(tags[who] | tags[whom])
    traits = world.agents.personality.astype(np.int16)[np.stack([who, whom])]
    common = _common(world, who, whom)
    return Compatibility(
        who, whom,
        shared / np.maximum(either, 1),
        1.0 - np.abs(traits[0] - traits[1]).mean(axis=1) / 255.0,
        common / (common + _HALF),
        _communities(world, who, whom),
        common,
    )  # fmt: skip


def _ids(world: WorldState, side: npt.ArrayLike) -> Ids:
    ids = np.atleast_1d(np.asarray(side))
    world.agents.is_active(ids)  # raises for unknown agents
    return ids.astype(np.uint32)


def _bits(masks: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    counts: npt.NDArray[Any] = np.bitwise_count(masks)
    return counts.astype(np.int64)


def _common(world: WorldState, who: Ids, whom: Ids) -> npt.NDArray[np.int64]:
    """Return how many members are tied to both agents of each pair, in blocks of bounded size."""
    out = np.zeros(who.size, np.int64)
    ways = world.ties.live, world.ties.reverse.live
    for low in range(0, who.size, _PAIRS):
        part = slice(low, low + _PAIRS)
        people, place = np.unique(np.concatenate([who[part], whom[part]]), return_inverse=True)
        circles = [_circle(ways, int(agent)) for agent in people]
        starts = np.cumsum([0, *(circle.size for circle in circles)], dtype=np.int64)
        ids = np.concatenate(circles) if circles else np.empty(0, np.uint32)
        size = who[part].size
        place = place.astype(np.int64)
        common_circle(starts, ids, place[:size], place[size:], out[part])
    return out


def _circle(ways: tuple[SlabArrays, SlabArrays], agent: int) -> Ids:
    rows = []
    for live in ways:
        start, length = (int(each) for each in live.rows[agent])
        rows.append(live.ids[start : start + length])
    return np.unique(np.concatenate(rows)).astype(np.uint32)


def _communities(world: WorldState, who: Ids, whom: Ids) -> F64:
    labels = world.agents.community
    same = (labels[who] >= 0) & (labels[who] == labels[whom])
    found: F64 = same.astype(np.float64)
    if len(world.relationships.groups):
        for place in np.flatnonzero(~same):
            one, other = (set(world.groups.of(int(side[place]))) for side in (who, whom))
            found[place] = len(one & other) / max(len(one | other), 1)
    return found
