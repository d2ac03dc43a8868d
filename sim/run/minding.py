"""What is done to minds, as functions a journal can do again: nobody is asked a second time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.errors import InputError
from sim.world.platform_minds import Minds
from sim.world.seeding import choose_seeds
from sim.world.world import World

__all__ = [
    "ACTS",
    "decide",
    "give_minds",
    "members_of",
    "minds_of",
    "take_minds",
    "told",
    "wake_minds",
]


def give_minds(world: World, members: Any, mind: str = "model", goal: str = "") -> int:
    """Give members a mind of their own; returns how many have one now.

    Parameters
    ----------
    world
        With a platform.
    members
        Indices, or an expression: ``"top:50:pagerank"``, ``"community:NAME:20"``, ``"share:0.01"``.
    mind
        The name of a plugin of the kind ``mind``.
    goal
        What they want, in words; empty: nothing in particular.
    """
    return minds_of(world).give(members_of(world, members), mind, goal)


def take_minds(world: World, members: Any) -> int:
    """Let members go by the rules again; returns how many have a mind now."""
    return minds_of(world).take(members_of(world, members))


def wake_minds(world: World, awake: bool) -> None:
    """Say whether minds decide from now on, or the rules for all of them."""
    minds_of(world).awake = bool(awake)


def decide(world: World, rows: Sequence[dict[str, Any]]) -> int:
    """Take what was decided in a tick; returns how many acts wait for the next one."""
    minds = minds_of(world)
    if world.platform is None:
        raise InputError(_NO_PLATFORM)
    return minds.decided(world, world.platform, rows)


def members_of(world: World, members: Any) -> npt.NDArray[Any]:
    """Return the members that an expression names, or indices, checked.

    Raises
    ------
    InputError
        One sentence.
    """
    if isinstance(members, str):
        head, _, share = members.partition(":")
        if head == "share":
            members = f"random:{_count(share, len(world.agents))}"
        return choose_seeds(world, members)
    who = np.atleast_1d(np.asarray(members))
    world.agents.is_active(who)  # refuses who does not exist
    return who


def _count(share: str, agents: int) -> int:
    try:
        part = float(share)
    except ValueError:
        part = -1.0
    if not 0 < part <= 1:
        raise InputError(f"share:PART is a part of all members in (0, 1], got {share!r}.")
    return max(round(part * agents), 1)


def told(world: World) -> str:
    """Return what came of minds so far in a sentence or two; empty where nobody has one."""
    from sim.run.minds import accounts  # it knows this module

    if world.platform is None or not world.platform.minds.members.size:
        return ""
    many = f"{world.platform.minds.members.size:,} members have a mind; nothing is decided yet."
    return " ".join(accounts(world)) or many


_NO_PLATFORM = "Minds read feeds, and this world has no platform; open one first."


def minds_of(world: World) -> Minds:
    """Return the minds of a world's platform.

    Raises
    ------
    InputError
        There is no platform.
    """
    if world.platform is None:
        raise InputError(_NO_PLATFORM)
    return world.platform.minds


ACTS: dict[str, Callable[..., Any]] = {
    "give_minds": give_minds,
    "take_minds": take_minds,
    "wake_minds": wake_minds,
    "decide": decide,
}
"""Name in the journal to function."""
