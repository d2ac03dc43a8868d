"""``opened``: creates a world's platform and adds its phases to the tick."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sim.errors import InputError
from sim.platform.acts.policy import Policy
from sim.platform.acts.policy_dispatch import policy_of
from sim.platform.acts.relations import founders_of
from sim.platform.feed.recommender import Recommender
from sim.platform.feed.recommenders import recommender_of
from sim.platform.platform import Platform
from sim.platform.settings import PlatformSettings
from sim.platform.tick import with_platform
from sim.world.metrics.series import WATCH
from sim.world.phases import PHASES, Phase

if TYPE_CHECKING:
    from sim.world.world import World

__all__ = ["PlatformChoice", "opened", "phases_of", "with_told"]

PlatformChoice = bool | Mapping[str, Any] | PlatformSettings | None


def opened(
    world: World,
    settings: PlatformChoice = None,
    *,
    recommender: str | Recommender = "blend",
    policy: str | Policy = "rule",
    **more: Any,
) -> Platform:
    """Return a platform for a world, and let its ticks run it; see :meth:`World.open_platform`."""
    if world.platform is not None:
        raise InputError("This world has a platform already.")
    told = dict(settings) if isinstance(settings, Mapping) else {}
    told |= more
    recommender, policy = told.pop("recommender", recommender), told.pop("policy", policy)
    given = settings if isinstance(settings, PlatformSettings) else PlatformSettings(**told)
    given.check()
    founders_of(world, given.founders)  # refused now rather than when reputation is weighed
    ranks, acts = recommender_of(recommender, {}), policy_of(policy)
    world.platform = Platform(world, given, [ranks], acts)
    world.phases = with_platform(world.phases)
    return world.platform


def phases_of(*, platform: bool, metrics: bool) -> list[Phase]:
    """Return the phases of a tick with what is open, in order; a program may add its own."""
    phases = with_platform(PHASES) if platform else list(PHASES)
    return [*phases, WATCH] if metrics else phases


def with_told(world: World, told: PlatformChoice) -> World:
    """Return the world, with a platform where one is asked for."""
    if told is not None and told is not False:
        world.open_platform(None if told is True else told)
    return world
