"""Policy dispatch: which policy decides for which members; failing ones fall back to the rules.

Draws are addressed by viewer and message, so what a member does under a policy is the same whatever
decides for others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arrays import U8
from sim.core.registry import make
from sim.core.threads import interruptible
from sim.errors import InputError
from sim.platform.acts.policy import Policy, RulePolicy
from sim.platform.feed.exposures import ExposurePart
from sim.platform.feed.recommenders import alike
from sim.spread.cascade.faults import is_interruption, said_by
from sim.world.contract import PlatformState

POLICY = "policy"
"""The name under which a platform holds each member's place in its policies, where they differ."""

MOST_POLICIES = 255


def policy_of(said: str | Policy, parameters: dict[str, Any] | None = None) -> Policy:
    """Return a policy by name, or the one given."""
    chosen = make(said, "policy", **(parameters or {})) if isinstance(said, str) else said
    if not isinstance(chosen, Policy):
        raise InputError(f"A policy is a name or a Policy, got {type(said).__name__}.")
    return chosen


def ruled_by(platform: PlatformState) -> U8:
    """Return each member's place in the platform's policies, uint8 (members,); 0 is the first."""
    held = platform.held.get(POLICY)
    return np.zeros(len(platform.members), np.uint8) if held is None else held


def decide_by(platform: PlatformState, chosen: Policy, who: npt.NDArray[Any] | None) -> None:
    """Let a policy decide for all, or for some members."""
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
    """Let the first policy decide for those who joined."""
    held = platform.held.get(POLICY)
    if held is not None and held.size < platform.agents:
        more = np.zeros(platform.agents - held.size, np.uint8)
        platform.held[POLICY] = np.concatenate([held, more])


def codes_of(platform: PlatformState, part: ExposurePart, key: np.uint64) -> U8:
    """Return the act of each exposure of a part, uint8; each viewer's policy decides."""
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
    """Return what one policy says; where it fails, what the built-in rules say."""
    try:
        with interruptible():
            return platform.policies[place].codes(part, platform, key)
    except BaseException as error:  # somebody's policy
        if is_interruption(error):
            raise
        platform.failing.setdefault(place, error)
        return RulePolicy().codes(part, platform, key)


def replace_failing(platform: PlatformState) -> None:
    """Put the built-in rules in the place of policies that failed in this tick, and say so."""
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
