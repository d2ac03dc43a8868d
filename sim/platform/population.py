"""The population of a platform: newcomers and churn, and members with hours of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sim.agents.lifecycle import Lifecycle
from sim.agents.turnover import leavers, newcomers
from sim.core import rng
from sim.core.rng import Stream

if TYPE_CHECKING:
    from sim.platform.platform import Platform
    from sim.world.world import World

__all__ = ["own_hours", "turn_over"]

"""Salt of the coins of members with hours of their own."""


def turn_over(world: World, platform: Platform) -> None:
    """Let members leave for good, and new ones join, as the platform's settings say of a day.

    Who leaves is deactivated; who joins has no ties yet.
    """
    said, minutes = platform.settings, world.tick_minutes
    if not (said.newcomers or said.churn):
        return
    active = int(np.count_nonzero(world.agents.status == Lifecycle.ACTIVE))
    left = leavers(world.agents, world.seed, world.tick, said.churn, minutes)
    if left.size:
        world.agents.set_status(left, Lifecycle.DEACTIVATED)
    joining = newcomers(active, world.seed, world.tick, said.newcomers, minutes)
    if joining:
        # Not as an act of its own on the trail: it comes about again when the tick does.
        world.take_in(joining)


def own_hours(
    world: World, platform: Platform, online: npt.NDArray[np.uint32]
) -> npt.NDArray[np.uint32]:
    """Return who is online once members with hours of their own keep to these."""
    hours = world.agents.lore.hours
    if not len(hours):
        return online
    can = world.agents.status[hours.agents] == Lifecycle.ACTIVE
    key = rng.key(world.seed, Stream.OWN_HOURS, world.tick)
    middle = (world.tick - 0.5) * world.tick_minutes / 60
    return hours.wake(online, can, rng.uniforms(key, hours.agents), middle)
