"""Replayable commands of the journal about minds: give, take, wake, and apply decisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sim.errors import InputError
from sim.world.minds.bounds import asked_of, caps_of
from sim.world.minds.giving import members_of, mind_of
from sim.world.minds.minds import Minds
from sim.world.world import World

__all__ = [
    "ACTS",
    "checked_mind",
    "decide",
    "give_minds",
    "keep_minds",
    "members_of",
    "minds_of",
    "take_minds",
    "told",
    "wake_minds",
]


def give_minds(
    world: World,
    members: Any,
    mind: str = "model",
    goal: str = "",
    language: Any = "",
    **options: Any,
) -> int:
    """Give members a mind of their own, as ``world.give_minds``; returns how many have one now."""
    many = world.give_minds(members, mind, goal, language=language or "", **options)
    minds_of(world).unheard = False  # whoever gives minds by this sees to it, or says so
    return many


def take_minds(world: World, members: Any) -> int:
    """Let members go by the rules again; returns how many have a mind now."""
    return world.take_minds(members)


def checked_mind(said: str) -> None:
    """Refuse a mind that there is not, or parameters that it does not take.

    Parameters
    ----------
    said
        ``"model"``, ``"model,temperature=0.2,language=German"``.

    Raises
    ------
    InputError, UnknownNameError, ParameterError
        One sentence.
    """
    from sim.core.registry import load_plugins, make
    from sim.minds import minds

    load_plugins()
    name, options = mind_of(said)
    options.pop("language", None)
    made = make(name, "mind", **options)
    if isinstance(made, minds.Mind):
        made.check()


def wake_minds(world: World, awake: bool, made: dict[str, Any] | None = None) -> None:
    """Say whether minds decide from now on, or the rules for all of them.

    Parameters
    ----------
    awake
        Whether they do.
    made
        With what they decide (:func:`sim.minds.deciding.manifest.made_with`): no part of the
        world, but the trail keeps it for whoever repeats the run.
    """
    del made
    minds = minds_of(world)
    minds.awake, minds.unheard = bool(awake), False


def keep_minds(world: World, said: Mapping[str, Any]) -> None:
    """Keep with the world what belongs to a run and not to a process, for whoever resumes it.

    Parameters
    ----------
    said
        ``caps`` on requests, tokens and nano-dollars; ``asked``: words and the members they named.

    Raises
    ------
    InputError
        It is not of that form.
    """
    minds = minds_of(world)
    caps = caps_of(said["caps"]) if "caps" in said else minds.caps
    asked = dict(asked_of(*pair) for pair in said.get("asked", ()))
    minds.caps, minds.asked = caps, minds.asked | asked


def decide(world: World, rows: Sequence[dict[str, Any]]) -> int:
    """Take what was decided in a tick; returns how many acts wait for the next one."""
    minds = minds_of(world)
    if world.platform is None:
        raise InputError(_NO_PLATFORM)
    for watcher in world.watchers:
        watcher.decided(world, rows)
    return minds.decided(world, world.platform, rows)


def told(world: World) -> str:
    """Return what came of minds so far in a sentence or two; empty where nobody has one."""
    from sim.minds.deciding.thinker import accounts  # it knows this module

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
    "keep_minds": keep_minds,
    "decide": decide,
}
"""Name in the journal to function."""
