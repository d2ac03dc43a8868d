"""Assignment of plugins: each member's recommender and policy.

A policy that fails is replaced by the built-in rules. Draws are addressed by viewer and message,
so a member's acts under a policy do not depend on the policies of others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arrays import U8
from sim.core.params import Parameters
from sim.core.registry import make
from sim.core.threads import interruptible
from sim.errors import InputError
from sim.platform.acts.policy import Policy, RulePolicy
from sim.platform.feed.exposures import ExposurePart
from sim.platform.feed.recommender import Recommender
from sim.spread.cascade.faults import checked, is_interruption, said_by
from sim.spread.channels.channel import read
from sim.world.base import PlatformState, WorldState

_MOST_RECOMMENDERS = 255


def recommender_of(said: Recommender | str, parameters: dict[str, Any]) -> Recommender:
    """Return a recommender by name (or ``NAME,KEY=VALUE,...``), or the one given, checked."""
    chosen: Any = said
    if isinstance(said, str):
        name, own = read(said, "A recommender", "blend,language=1")
        chosen = make(name, "recommender", **{**own, **parameters})
    if not isinstance(chosen, Recommender):
        raise InputError(f"A recommender is a name or a Recommender, got {type(said).__name__}.")
    return checked(chosen)


def members_of(
    world: WorldState, platform: PlatformState, said: npt.ArrayLike | None
) -> npt.NDArray[Any] | None:
    """Return members as an array, None for everybody; raise for unknown ones."""
    if said is None:
        return None
    who = np.atleast_1d(np.asarray(said))
    world.agents.is_active(who)  # raises for unknown agents
    if who.size and int(who.max()) >= len(platform.members):
        raise InputError(f"Agent {int(who.max())} signs up with the next tick; choose then.")
    return who if who.size else who.astype(np.uint32)  # an empty list becomes float


def rank_by(platform: PlatformState, chosen: Recommender, who: npt.NDArray[Any] | None) -> None:
    """Set the recommender that ranks the feeds of all, or of some members."""
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
    """Return whether two plugins are equal: same class and same parameters."""
    return type(one) is type(other) and one.values() == other.values()


POLICY = "policy"
"""Name of the column in ``platform.held`` with each member's policy index, if they differ."""

MOST_POLICIES = 255


def policy_of(said: str | Policy, parameters: dict[str, Any] | None = None) -> Policy:
    """Return a policy by name, or the one given."""
    chosen = make(said, "policy", **(parameters or {})) if isinstance(said, str) else said
    if not isinstance(chosen, Policy):
        raise InputError(f"A policy is a name or a Policy, got {type(said).__name__}.")
    return chosen


def ruled_by(platform: PlatformState) -> U8:
    """Return the index of each member's policy in the platform's list, uint8 (members,)."""
    held = platform.held.get(POLICY)
    return np.zeros(len(platform.members), np.uint8) if held is None else held


def decide_by(platform: PlatformState, chosen: Policy, who: npt.NDArray[Any] | None) -> None:
    """Set the policy that decides for all, or for some members."""
    if who is None:
        platform.policies = [chosen]
        platform.held.pop(POLICY, None)
        return
    places = [k for k, known in enumerate(platform.policies) if alike(known, chosen)]
    if not places and len(platform.policies) == MOST_POLICIES:
        raise InputError(f"A world has at most {MOST_POLICIES} policies at once.")
    if not places:
        platform.policies = [*platform.policies, chosen]
    place = places[0] if places else len(platform.policies) - 1
    if place or POLICY in platform.held:
        own = ruled_by(platform).copy()
        own[who] = place
        platform.held[POLICY] = own


def grow_policies(platform: PlatformState) -> None:
    """Assign the first policy to members that joined."""
    held = platform.held.get(POLICY)
    if held is not None and held.size < platform.agents:
        more = np.zeros(platform.agents - held.size, np.uint8)
        platform.held[POLICY] = np.concatenate([held, more])


def codes_of(platform: PlatformState, part: ExposurePart, key: np.uint64) -> U8:
    """Return the act of each exposure of a part, uint8, by each viewer's policy."""
    held = platform.held.get(POLICY)
    own = np.zeros(0, np.uint8) if held is None else held[part.viewers]
    there = np.unique(own)
    if there.size <= 1:
        return _codes(platform, int(there[0]) if there.size else 0, part, key)
    codes = np.zeros(part.message.size, np.uint8)
    for place in there.tolist():
        some = own == place
        codes[np.repeat(some, part.counts)] = _codes(platform, place, cut(part, some), key)
    return codes


def _codes(platform: PlatformState, place: int, part: ExposurePart, key: np.uint64) -> U8:
    """Return the acts by one policy; if it fails, those by the built-in rules."""
    try:
        with interruptible():
            return platform.policies[place].codes(part, platform, key)
    except BaseException as error:  # plugin code
        if is_interruption(error):
            raise
        platform.failing.setdefault(place, error)
        return RulePolicy().codes(part, platform, key)


def replace_failing(platform: PlatformState) -> None:
    """Replace policies that failed in this tick by the built-in rules, and record the faults."""
    for place, error in sorted(platform.failing.items()):
        failed = platform.policies[place]
        platform.faults.append(
            f"The policy {failed.plugin_name!r} failed and decides no more; the rules do: "
            f"{said_by(error, failed)}"
        )
        platform.policies[place] = RulePolicy()
    platform.failing.clear()


def cut(part: ExposurePart, own: npt.NDArray[np.bool_]) -> ExposurePart:
    """Return the feeds of some viewers of a part."""
    places = np.repeat(own, part.counts)
    shown = {name: getattr(part, name)[places] for name in ExposurePart._fields[2:-1]}
    return ExposurePart(part.viewers[own], part.counts[own], **shown, recommender=part.recommender)
