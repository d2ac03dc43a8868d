"""Replayable commands of the journal: follow, befriend, block, mute, cut ties, trust, groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sim.core.progress import Report, quiet
from sim.network.graph.changes import GAIN, LOSS, Changed
from sim.world.world import World

__all__ = [
    "ACTS",
    "befriend",
    "block",
    "create_group",
    "follow",
    "join_group",
    "learn",
    "leave_group",
    "mute",
    "remove_ties",
    "unblock",
    "unfollow",
    "unfriend",
    "unmute",
]


def follow(world: World, agents: Any, others: Any, report: Report = quiet) -> Changed:
    """Let agents follow others; as ``World.follow``."""
    report("following", 0.0)
    return world.follow(np.asarray(agents), np.asarray(others))


def unfollow(world: World, agents: Any, others: Any, report: Report = quiet) -> Changed:
    """Let agents follow others no more; as ``World.unfollow``."""
    report("unfollowing", 0.0)
    return world.unfollow(np.asarray(agents), np.asarray(others))


def befriend(world: World, agents: Any, others: Any, report: Report = quiet) -> Changed:
    """Make friends; as ``World.befriend``."""
    report("befriending", 0.0)
    return world.befriend(np.asarray(agents), np.asarray(others))


def unfriend(world: World, agents: Any, others: Any, report: Report = quiet) -> Changed:
    """End friendships; as ``World.unfriend``."""
    report("unfriending", 0.0)
    return world.unfriend(np.asarray(agents), np.asarray(others))


def block(world: World, agents: Any, others: Any, report: Report = quiet) -> Changed:
    """Let agents block others; as ``World.block``."""
    report("blocking", 0.0)
    return world.block(np.asarray(agents), np.asarray(others))


def unblock(world: World, agents: Any, others: Any, report: Report = quiet) -> Changed:
    """Lift blocks; as ``World.unblock``."""
    report("unblocking", 0.0)
    return world.unblock(np.asarray(agents), np.asarray(others))


def mute(world: World, agents: Any, others: Any, report: Report = quiet) -> Changed:
    """Let agents mute others; as ``World.mute``."""
    report("muting", 0.0)
    return world.mute(np.asarray(agents), np.asarray(others))


def unmute(world: World, agents: Any, others: Any, report: Report = quiet) -> Changed:
    """Lift mutes; as ``World.unmute``."""
    report("unmuting", 0.0)
    return world.unmute(np.asarray(agents), np.asarray(others))


def remove_ties(world: World, sources: Any, targets: Any, report: Report = quiet) -> int:
    """Cut ties ``sources[i] -> targets[i]``; returns how many there were."""
    report("cutting ties", 0.0)
    return world.remove_ties(np.asarray(sources), np.asarray(targets)).removed


def learn(
    world: World,
    agents: Any,
    others: Any,
    good: Any,
    gain: float = GAIN,
    loss: float = LOSS,
    report: Report = quiet,
) -> int:
    """Let trust move by outcomes; as ``World.learn``."""
    report("learning", 0.0)
    given = (np.asarray(agents), np.asarray(others), np.asarray(good))
    return world.learn(*given, gain=gain, loss=loss)


def create_group(world: World, name: str, limit: int | None = None, report: Report = quiet) -> int:
    """Make a group; as ``World.groups.create``."""
    report("making a group", 0.0)
    return world.groups.create(name, limit)


def join_group(world: World, agents: Any, group: int | str, report: Report = quiet) -> int:
    """Let agents into a group; as ``World.groups.join``."""
    report("joining", 0.0)
    return world.groups.join(np.asarray(agents), group)


def leave_group(world: World, agents: Any, group: int | str, report: Report = quiet) -> int:
    """Let agents out of a group; as ``World.groups.leave``."""
    report("leaving", 0.0)
    return world.groups.leave(np.asarray(agents), group)


ACTS: dict[str, Callable[..., Any]] = {
    "follow": follow,
    "unfollow": unfollow,
    "befriend": befriend,
    "unfriend": unfriend,
    "block": block,
    "unblock": unblock,
    "mute": mute,
    "unmute": unmute,
    "remove_ties": remove_ties,
    "create_group": create_group,
    "join_group": join_group,
    "leave_group": leave_group,
    "learn": learn,
}
"""Name in the journal to function."""
