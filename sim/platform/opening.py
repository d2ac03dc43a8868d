"""Opening of a world's platform: a new one, or the one that a file tells of; its phases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from sim.core.bounds import under
from sim.core.checks import whole_number
from sim.core.registry import make
from sim.errors import HubbubError, InputError
from sim.platform.acts.log import ActLog
from sim.platform.acts.policy import Policy, RulePolicy
from sim.platform.acts.policy_dispatch import policy_of
from sim.platform.acts.relations import founders_of
from sim.platform.acts.requests import ActRequest
from sim.platform.bounds import require_platform, texts_of
from sim.platform.feed.recommender import Chronological, Recommender
from sim.platform.feed.recommenders import recommender_of
from sim.platform.members import Members
from sim.platform.platform import Platform
from sim.platform.posts.injected import InjectedPosts
from sim.platform.posts.posts import Posts
from sim.platform.settings import PlatformSettings
from sim.platform.tick import with_platform
from sim.world.contract import Phase, WorldParts, WorldState
from sim.world.metrics.series import WATCH
from sim.world.minds.minds import Minds
from sim.world.phases import PHASES

Columns = dict[str, npt.NDArray[Any]]
W = TypeVar("W", bound=WorldState)

PlatformChoice = bool | Mapping[str, Any] | PlatformSettings | None


def opened(
    world: WorldParts,
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
    world.platform = platform = Platform(world, given, [ranks], acts)
    world.phases = with_platform(world.phases)
    return platform


def phases_of(*, platform: bool, metrics: bool) -> list[Phase]:
    """Return the phases of a tick with what is open, in order; a program may add its own."""
    phases = with_platform(PHASES) if platform else list(PHASES)
    return [*phases, WATCH] if metrics else phases


def with_told(world: W, told: PlatformChoice) -> W:
    """Return the world, with a platform where one is asked for."""
    if told is not None and told is not False:
        world.open_platform(None if told is True else told)
    return world


def restore_platform(world: WorldParts, meta: dict[str, Any], columns: Columns) -> list[str]:
    """Give a world the platform of :func:`dump_platform`; returns what a person should know."""
    remarks: list[str] = []
    recommenders: list[Recommender] = _plugins("recommender", meta["recommenders"], remarks)
    acts = [meta["policy"], *meta.get("policies", ())]
    policies: list[Policy] = _plugins("policy", acts, remarks)
    platform = Platform(world, PlatformSettings(**meta["settings"]), recommenders, policies[0])
    platform.policies = policies
    platform.posts = Posts.restore(meta["posts"], under("posts.", columns))
    platform.members = Members.restore(world.seed, under("members.", columns))
    platform.log = ActLog.restore(platform.settings.log_ticks, under("log.", columns))
    platform.held = {name: np.array(c) for name, c in under("held.", columns).items()}
    platform.trending = np.array(columns["trending"], np.uint32)
    platform.online = np.array(columns["online"])
    platform.online_at = whole_number(meta["online_at"], "The tick of who is online", low=-1)
    platform.injected = InjectedPosts((int(own), int(post)) for own, post in meta["injected"])
    platform.written = texts_of(meta["written"])
    platform.waiting = [ActRequest.restore(said) for said in meta["waiting"]]
    platform.minds = Minds.restore(meta.get("minds"))
    require_platform(platform, world.tick)
    world.platform = platform
    world.phases = with_platform(world.phases)
    return remarks


class _LostRecommender(Chronological):
    """Stands for a recommender that is not here: the newest first, until it is."""

    lost: dict[str, Any]


class _LostPolicy(RulePolicy):
    """Stands for a policy that is not here: the built-in rules, until it is."""

    lost: dict[str, Any]


def _plugins(kind: str, told: Iterable[dict[str, Any]], remarks: list[str]) -> list[Any]:
    """Return the plugins, or what stands for them; says so in ``remarks``."""
    made = []
    for said in told:
        plugin, remark = _plugin(kind, said)
        made.append(plugin)
        remarks += [remark] if remark else []
    return made


def _plugin(kind: str, said: dict[str, Any]) -> tuple[Any, str]:
    """Return the plugin, or what stands for it and a sentence that says so."""
    try:
        return make(said["name"], kind, **said["parameters"]), ""
    except HubbubError as error:
        stands = _LostRecommender if kind == "recommender" else _LostPolicy
        instead = "the newest first" if kind == "recommender" else "the built-in rules"
        return stands(lost=said), (
            f"The {kind} {said['name']!r} cannot be used: {error} Until it is there, {instead} "
            f"stand{'s' * (kind == 'recommender')} in for it; --plugin FILE brings it."
        )
