"""Opening a platform, new or from a file; columns from a file are checked before use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from sim.core.bounds import Bound, require, under
from sim.core.checks import whole_number
from sim.core.registry import make
from sim.errors import HubbubError, InputError
from sim.platform.acts.kinds import OF_GROUPS, ActRequest
from sim.platform.acts.log import NOBODY, OF_ACTS, ActLog
from sim.platform.acts.policy import Policy, RulePolicy
from sim.platform.acts.policy_dispatch import POLICY, policy_of, recommender_of
from sim.platform.acts.relations import founders_of
from sim.platform.feed.recommender import Chronological, Recommender
from sim.platform.members import Members
from sim.platform.platform import Platform
from sim.platform.posts.posts import NO_TOPIC, InjectedPosts, Kind, Posts
from sim.platform.settings import PlatformSettings
from sim.platform.tick import with_platform
from sim.world.base import Phase, PlatformState, WorldState
from sim.world.metrics.series import WATCH
from sim.world.minds.state import Minds
from sim.world.phases import PHASES

Columns = dict[str, npt.NDArray[Any]]

_POSTS = {
    "hot": Bound("u4", ("posts", 8)),
    "cold": Bound("u4", ("posts", 3)),
    "links": Bound("i4", ("posts", 2), low=-1),
}
_OF_POSTS = {
    "author": Bound("u4", ("posts",), below="agents"),
    "created": Bound("i4", ("posts",), below="now", low=0),
    "topic": Bound("u1", ("posts",), below=64, none=NO_TOPIC),
    "kind": Bound("u1", ("posts",), below=len(Kind)),
    "parent": Bound("i4", ("posts",), below="next", low=-1),
}
_OF_PLATFORM = {
    POLICY: Bound("u1", ("members",), below="policies"),
    "trending": Bound("u4", (None,), below="next", low="first"),
    "online": Bound("u4", (None,), below="agents"),
}
_MINDS = {
    "members": Bound("u4", (None,), below="agents"),
    "senders": Bound("u4", (None,), below="agents"),
}
_LOG = {
    **OF_ACTS,
    "ticks": Bound("i8", (None,), below="now", low=0),
    "counted": Bound("i8", (None,), below="now", low=0),
    "sealed": Bound("i8", (None,), below="now", low=0),
    "chains": Bound("u8", (None, 2)),
}


def require_platform(platform: PlatformState, tick: int) -> None:
    """Raise for a restored platform whose columns are out of bounds."""
    posts, log = platform.posts, platform.log.dump()
    members = min(len(platform.members), platform.agents)  # members that joined are added at a tick
    sizes = {
        "agents": platform.agents,
        "members": members,
        "words": (members + 63) // 64,
        "posts": len(posts),
        "first": posts.first,
        "next": posts.next,
        "now": tick + 1,
        "recommenders": len(platform.recommenders),
        "policies": len(platform.policies),
    }
    own = {**platform.held, "trending": platform.trending, "online": platform.online}
    parts: tuple[tuple[Columns, Mapping[str, Bound], str], ...] = (
        (posts.dump()[1], _POSTS, "the posts"),
        ({name: getattr(posts, name) for name in _OF_POSTS}, _OF_POSTS, "the posts"),
        (platform.members.dump(), Members.bounds, "the members"),
        (log, _LOG, "the log"),
        (own, _OF_PLATFORM, "the platform"),
        (_minds(platform), _MINDS, "the minds"),
    )
    for columns, bounds, owner in parts:
        require(columns.items(), bounds, sizes, owner)
    whom = log["other"][~np.isin(log["act"], OF_GROUPS)]
    if (whom[whom != NOBODY] >= platform.agents).any():
        raise InputError(f"The log names others who are not among {platform.agents:,} agents.")
    if (platform.online[1:] <= platform.online[:-1]).any() or platform.online_at > tick:
        raise InputError("Who is online is not in order, or of a tick to come.")


def require_log(columns: Mapping[str, npt.NDArray[Any]], tick: int) -> None:
    """Raise for a log with acts of ticks after ``tick``."""
    told = [(n, column) for n, column in columns.items() if n in {"ticks", "counted", "sealed"}]
    require(told, _LOG, {"now": tick + 1}, "the log")


def texts_of(written: Iterable[tuple[Any, Any]]) -> dict[int, str]:
    """Return the texts of posts in a file, by number."""
    words = {int(number): text for number, text in written}
    if odd := [text for text in words.values() if not isinstance(text, str)]:
        raise InputError(f"The words of a post are {odd[0]!r:.40}, which is no text.")
    return words


def _minds(platform: PlatformState) -> Columns:
    letters = platform.minds.letters.values()
    senders = np.array([sender for own in letters for _, sender, *_ in own], np.uint32)
    return {"members": platform.minds.members, "senders": senders}


W = TypeVar("W", bound=WorldState)

PlatformChoice = bool | Mapping[str, Any] | PlatformSettings | None


def opened(
    world: WorldState,
    settings: PlatformChoice = None,
    *,
    recommender: str | Recommender = "blend",
    policy: str | Policy = "rule",
    **more: Any,
) -> Platform:
    """Return a platform for a world, and add its phases; see :meth:`World.open_platform`."""
    if world.platform is not None:
        raise InputError("This world has a platform already.")
    told = dict(settings) if isinstance(settings, Mapping) else {}
    told |= more
    recommender, policy = told.pop("recommender", recommender), told.pop("policy", policy)
    given = settings if isinstance(settings, PlatformSettings) else PlatformSettings(**told)
    given.check()
    founders_of(world, given.founders)  # raise now rather than when reputation is computed
    ranks, acts = recommender_of(recommender, {}), policy_of(policy)
    world.platform = platform = Platform(world, given, [ranks], acts)
    world.phases = with_platform(world.phases)
    return platform


def phases_of(*, platform: bool, metrics: bool) -> list[Phase]:
    """Return the phases of a tick for what is open, in order; programs may add their own."""
    phases = with_platform(PHASES) if platform else list(PHASES)
    return [*phases, WATCH] if metrics else phases


def with_told(world: W, told: PlatformChoice) -> W:
    """Return the world, with a platform if one is requested."""
    if told is not None and told is not False:
        world.open_platform(None if told is True else told)
    return world


def restore_platform(world: WorldState, meta: dict[str, Any], columns: Columns) -> list[str]:
    """Give a world the platform of :func:`dump_platform`; return remarks for people."""
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
    """Return the plugins, or placeholders for missing ones, adding to ``remarks``."""
    made = []
    for said in told:
        plugin, remark = _plugin(kind, said)
        made.append(plugin)
        remarks += [remark] if remark else []
    return made


def _plugin(kind: str, said: dict[str, Any]) -> tuple[Any, str]:
    """Return (plugin, ""), or (placeholder, remark) if it is missing."""
    try:
        return make(said["name"], kind, **said["parameters"]), ""
    except HubbubError as error:
        stands = _LostRecommender if kind == "recommender" else _LostPolicy
        instead = "the newest first" if kind == "recommender" else "the built-in rules"
        return stands(lost=said), (
            f"The {kind} {said['name']!r} cannot be used: {error} Until it is there, {instead} "
            f"stand{'s' * (kind == 'recommender')} in for it; --plugin FILE brings it."
        )
