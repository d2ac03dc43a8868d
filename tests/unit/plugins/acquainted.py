"""Small worlds for recommenders of friends, with nothing else around."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sim import World, names, spec

OURS = [
    name
    for name in names("friend-recommender")
    if spec(name, "friend-recommender").origin.startswith("plugins.")
]


@dataclass
class Bare:
    """What recommenders of friends may see of a world without a platform."""

    world: World
    tick: int = 0
    seed: int = 0

    @property
    def agents(self) -> int:
        return len(self.world.agents)

    @property
    def people(self) -> Any:
        return self.world.network().people

    @property
    def hearing(self) -> Any:
        return self.world.ties.reverse.live

    @property
    def heard_by(self) -> Any:
        return self.world.ties.live

    @property
    def fans(self) -> Any:
        return self.world.ties.out_degree


def mutual(pairs: list[tuple[int, int]], agents: int) -> Bare:
    """Return a world of friendships."""
    ids = np.array(pairs, np.int64).reshape(-1, 2)
    return Bare(World.from_edges(ids[:, 0], ids[:, 1], agents, directed=False, seed=3))
