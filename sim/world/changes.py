"""Bulk changes of agents' properties, selected by a condition or by indices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from sim.agents.character import credulity, verification
from sim.agents.conditions import where
from sim.agents.lifecycle import check_moves, lifecycle
from sim.agents.table import shares
from sim.agents.traits import TRAITS
from sim.errors import InputError, UnknownNameError
from sim.platform.acts.moods import moods
from sim.platform.acts.relations import reputation_of

if TYPE_CHECKING:
    from sim.platform.platform import Platform
    from sim.world.world import World

__all__ = ["CHANGES", "change", "chosen"]

Ids = npt.NDArray[np.uint32]

CHANGES: Final = ("status", "activity", "interests", "community", *TRAITS)
"""What :func:`change` can set."""


def chosen(world: World, agents: str | npt.ArrayLike) -> Ids:
    """Return the agents of a condition (:mod:`sim.agents.conditions`), or of an array of indices.

    A condition may also name ``followers``, ``follows``, ``credulity`` and ``verification``; in a
    world with a platform ``reputation`` (1 on average), ``mood`` and ``online`` (1 or 0).
    """
    if isinstance(agents, str):
        return where(world.agents, agents, _numbers(world))
    who = np.atleast_1d(np.asarray(agents))
    if who.dtype.kind not in "iu" and who.size:
        raise InputError(f"Agents are integers or a condition, got an array of {who.dtype}.")
    world.agents.is_active(who)  # refuses unknown ones
    return np.unique(who).astype(np.uint32)


def _numbers(world: World) -> Mapping[str, Callable[[], npt.NDArray[Any]]]:
    numbers: dict[str, Callable[[], npt.NDArray[Any]]] = {
        "followers": lambda: world.ties.out_degree,
        "follows": lambda: world.ties.in_degree,
        "credulity": lambda: credulity(world.agents),
        "verification": lambda: verification(world.agents),
    }
    platform = world.platform
    if platform is None:
        return numbers
    many = len(world.agents)
    return numbers | {
        "reputation": lambda: reputation_of(platform),
        "mood": lambda: _padded(moods(platform), many),
        "online": lambda: _online(world, platform),
    }


def _online(world: World, platform: Platform) -> npt.NDArray[np.bool_]:
    """Return who is online; a platform that was opened since the last tick cannot tell."""
    if platform.online_at != world.tick:
        raise InputError("Who is online is found out by a tick: it is known after the next one.")
    return np.isin(np.arange(len(world.agents)), platform.online)


def _padded(column: npt.NDArray[Any], many: int) -> npt.NDArray[Any]:
    """Return a column with 0 for those who sign up with the next tick."""
    return np.concatenate([column, np.zeros(many - column.size, column.dtype)])


def change(world: World, agents: str | npt.ArrayLike, values: Mapping[str, Any]) -> Ids:
    """Set properties of agents; all of them, or nothing when one value is not allowed.

    Raises
    ------
    InputError
        For an unknown property or value; for a move of life that is not allowed, with the legal
        ones.
    """
    wrong = [name for name in values if name not in CHANGES]
    if wrong:
        raise UnknownNameError("property of agents", wrong[0], CHANGES)
    if not values:
        raise InputError(f"Say what to set: {', '.join(CHANGES)}.")
    who = chosen(world, agents)
    ready = [_SETTERS.get(name, _trait)(world, who, name, value) for name, value in values.items()]
    for carry_out in ready:
        carry_out()
    return who


Ready = Callable[[], None]


def _status(world: World, who: Ids, _: str, value: Any) -> Ready:
    goal = lifecycle(value)
    check_moves(who, world.agents.status[who], goal, world.agents.id)
    return lambda: world.agents.set_status(who, goal)


def _activity(world: World, who: Ids, name: str, value: Any) -> Ready:
    share = shares(_number(name, value), name)
    return lambda: world.agents.set_activity(who, share)


def _interests(world: World, who: Ids, _: str, value: Any) -> Ready:
    names = value.split(",") if isinstance(value, str) else list(value)
    mask = world.agents.vocabulary.mask(name.strip() for name in names if name.strip())
    return lambda: world.agents.set_interests(who, np.uint64(mask))


def _community(world: World, who: Ids, _: str, value: Any) -> Ready:
    agents = world.agents
    names, labels = agents.communities, agents.community.copy()
    title = str(value)
    if title.casefold() == "none":
        labels[who] = -1
    elif title in names:
        labels[who] = names.index(title)
    else:
        raise UnknownNameError("community", title, names or ["none"])
    return lambda: agents.set_community(labels, names)


def _trait(world: World, who: Ids, name: str, value: Any) -> Ready:
    share = shares(_number(name, value), name)

    def carry_out() -> None:
        traits = world.agents.personality[who] / 255.0
        traits[:, TRAITS.index(name)] = share
        world.agents.set_personality(who, traits)

    return carry_out


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be a number in [0, 1], got {value!r:.40}.") from None


_SETTERS: Final[Mapping[str, Callable[[World, Ids, str, Any], Ready]]] = {
    "status": _status,
    "activity": _activity,
    "interests": _interests,
    "community": _community,
}
