"""The removal of destroyed members: nothing in the network knows of them any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.agents.lifecycle import belongs
from sim.arrays import Ids

if TYPE_CHECKING:
    from sim.network.graph.ties import Ties

from sim.world.contract import WorldState


def bury(world: WorldState, ties: Ties) -> None:
    """Take those out of the network who do not belong to it any more (:mod:`sim.agents.lifecycle`).

    Their ties, mutes, blocks and suspended follows end, on both sides; they leave their groups and
    their community, and nobody's reputation is theirs. Messages sum up anew over the ties that are
    left. Nothing is done where nobody was destroyed since the last time.
    """
    gone = gone_of(world)
    fresh = np.setdiff1d(gone, ties.gone, assume_unique=True)
    if not fresh.size:
        return
    sources, targets = ties.retire(gone)
    world.bonds.log.note(world.tick, "unfollow", targets, sources)
    held = world.bonds.retire(gone)
    _leave_community(world, fresh)
    _lose_reputation(world, fresh)
    if sources.size or held:
        world.unsettle()


def gone_of(world: WorldState) -> Ids:
    """Return who does not belong to the network any more, uint32 (k,), rising."""
    return np.flatnonzero(~belongs(world.agents.status, "network")).astype(np.uint32)


def _leave_community(world: WorldState, gone: Ids) -> None:
    agents = world.agents
    if (agents.community[gone] >= 0).any():
        labels = agents.community.copy()
        labels[gone] = -1
        agents.set_community(labels, agents.communities)


def _lose_reputation(world: WorldState, gone: Ids) -> None:
    from sim.platform.acts.relations import REPUTATION  # it knows World

    held = {} if world.platform is None else world.platform.held
    known = held.get(REPUTATION, np.empty(0, np.float32))
    inside = gone[gone < known.size]
    if known[inside].any():
        known = known.copy()  # who remembers the last weighing holds the old one
        known[inside] = 0.0
        held[REPUTATION] = known
