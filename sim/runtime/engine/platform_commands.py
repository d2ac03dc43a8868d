"""Replayable commands of the journal: open a platform, act, change recommender or policy, flag."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sim.errors import InputError
from sim.minds.deciding import commands as minding
from sim.minds.deciding import played_members
from sim.platform.platform import Platform
from sim.world.world import World

__all__ = ["ACTS", "act", "behave", "flag", "open_platform", "recommend"]


def open_platform(world: World, settings: Any = None, **more: Any) -> None:
    """Let a world run a platform, as ``world.open_platform``."""
    world.open_platform(settings, **more)


def act(world: World, agent: int, what: Any, **said: Any) -> None:
    """Let a member do something in the next tick, as ``world.platform.act``."""
    _platform(world).act(agent, what, **said)


def recommend(world: World, recommender: Any, members: Any = None, **parameters: Any) -> None:
    """Let another recommender rank feeds, as ``world.platform.recommend``."""
    _platform(world).recommend(recommender, members, **parameters)


def behave(world: World, policy: Any, members: Any = None, **parameters: Any) -> None:
    """Let another policy decide what members do, as ``world.platform.behave``."""
    _platform(world).behave(policy, members, **parameters)


def flag(world: World, message: int, name: str, on: bool = True) -> None:
    """Put a flag on a message or take it off, as ``world.platform.flag``."""
    _platform(world).flag(message, name, on=on)


def _platform(world: World) -> Platform:
    if world.platform is None:
        raise InputError("This world has no platform; open one first.")
    return world.platform


ACTS: dict[str, Callable[..., Any]] = {
    "open_platform": open_platform,
    "act": act,
    "recommend": recommend,
    "behave": behave,
    "flag": flag,
    **minding.ACTS,
    **played_members.ACTS,
}
