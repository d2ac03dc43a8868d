"""Replayable commands of the journal: give profiles, change agents, add notes to their history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sim.core.progress import Report, quiet
from sim.world.profile_assignment import ProfilesTaken
from sim.world.world import World

__all__ = ["ACTS", "change_agents", "note", "take_profiles"]


def take_profiles(
    world: World,
    profiles: Any,
    match: Any = "auto",
    interests: Any = "known",
    report: Report = quiet,
) -> ProfilesTaken:
    """Give profiles, as plain values, to agents."""
    report("giving profiles", 0.0)
    return world.take_profiles(profiles, match, interests)


def change_agents(world: World, agents: Any, report: Report = quiet, **values: Any) -> int:
    """Set properties of the agents of a condition, or of indices; returns how many they are."""
    report("changing agents", 0.0)
    return int(world.change_agents(agents, **values).size)


def note(world: World, agents: Any, text: str) -> None:
    """Add a line to the personal history of agents."""
    world.note(np.asarray(agents), text)


ACTS: dict[str, Callable[..., Any]] = {
    "take_profiles": take_profiles,
    "change_agents": change_agents,
    "note": note,
}
