"""The recommenders in force, as a person names them, and whose feeds each ranks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.params import Parameters
from sim.core.registry import make
from sim.errors import InputError
from sim.platform.feed.recommender import Recommender
from sim.spread.cascade.faults import checked
from sim.world.contract import PlatformState, WorldState

_MOST_RECOMMENDERS = 255


def recommender_of(said: Recommender | str, parameters: dict[str, Any]) -> Recommender:
    """Return a recommender by name, or the one given, checked."""
    chosen = make(said, "recommender", **parameters) if isinstance(said, str) else said
    if not isinstance(chosen, Recommender):
        raise InputError(f"A recommender is a name or a Recommender, got {type(said).__name__}.")
    return checked(chosen)


def members_of(
    world: WorldState, platform: PlatformState, said: npt.ArrayLike | None
) -> npt.NDArray[Any] | None:
    """Return members as an array, None for everybody, or refuse those that there are not."""
    if said is None:
        return None
    who = np.atleast_1d(np.asarray(said))
    world.agents.is_active(who)  # refuses who does not exist
    if who.size and int(who.max()) >= len(platform.members):
        raise InputError(f"Agent {int(who.max())} signs up with the next tick; choose then.")
    return who if who.size else who.astype(np.uint32)  # of nobody numpy makes floats


def rank_by(platform: PlatformState, chosen: Recommender, who: npt.NDArray[Any] | None) -> None:
    """Let a recommender rank the feeds of all, or of some members."""
    if who is None:
        platform.recommenders, platform.members.recommender[:] = [chosen], np.uint8(0)
        return
    places = [k for k, known in enumerate(platform.recommenders) if alike(known, chosen)]
    if not places and len(platform.recommenders) == _MOST_RECOMMENDERS:
        raise InputError(f"A world has at most {_MOST_RECOMMENDERS} recommenders at once.")
    if not places:
        platform.recommenders.append(chosen)
    last = len(platform.recommenders) - 1
    platform.members.recommender[who] = np.uint8(places[0] if places else last)


def alike(one: Parameters, other: Parameters) -> bool:
    """Whether two plugins do the same: of one class, told the same."""
    return type(one) is type(other) and one.values() == other.values()
