"""Queries about feeds and posts of a world with a platform; for :meth:`Simulation.query`.

As in :mod:`sim.runtime.queries.members`, each takes a few milliseconds for a million agents.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sim.core.text import plural
from sim.errors import InputError
from sim.network.graph.slab import read_only
from sim.platform.acts.kinds import Act
from sim.platform.acts.log import NOBODY
from sim.platform.feed.exposures import ExposurePart
from sim.platform.feed.why import Why, whys
from sim.platform.posts.posts import Flag, Kind
from sim.platform.posts.texts import said_in_message

if TYPE_CHECKING:
    from sim.platform.platform import Platform
    from sim.world.metrics.alerts import Alert, AlertRule
    from sim.world.world import World


MOST_ACTS, MOST_TICKS = 40, 24
_COURSE = 240
_TOLD = (Act.POST, Act.LIKE, Act.REPOST, Act.REPLY)


@dataclass(frozen=True, slots=True, eq=False)
class MetricsState:
    """Metrics of a world that measures them; arrays are read-only."""

    names: tuple[str, ...]
    ticks: npt.NDArray[np.int64]
    rows: npt.NDArray[np.float64]
    latest: tuple[tuple[str, float, int], ...]
    alarms: tuple[tuple[str, int], ...]
    alerts: tuple[Alert, ...]
    rules: tuple[tuple[str, AlertRule], ...] = ()
    raised: int = 0

    def series(self, name: str) -> npt.NDArray[np.float64]:
        """Return the values of a metric, float64 (rows,)."""
        return self.rows[:, self.names.index(name)]


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One message in a feed."""

    message: int
    text: str
    source: str
    followed: bool
    score: float
    likes: int
    shares: int


@dataclass(frozen=True, slots=True)
class MemberFeed:
    """What a platform knows about one member."""

    tick: int
    is_online: bool
    reputation: float
    recommender: str
    shown: tuple[FeedItem, ...]
    acts: tuple[tuple[int, str, str], ...]
    unknown: str = ""


def feed_of(world: World, agent: int) -> MemberFeed | None:
    """Return what the platform knows about an agent; None without a platform."""
    platform = world.platform
    if platform is None:
        return None
    acts = _acts_of(platform, agent)
    at = int(np.searchsorted(platform.online, agent))
    is_online = at < platform.online.size and int(platform.online[at]) == agent
    is_member = agent < len(platform.members)  # new members join with the next tick
    which = platform.recommenders[int(platform.members.recommender[agent]) if is_member else 0]
    return MemberFeed(
        platform.exposures.tick, is_online, float(platform.reputation[agent]),
        which.plugin_name or type(which).__name__, shown_of(world, platform, agent),
        tuple((tick, act.says, _about(world, about, whom)) for tick, act, about, whom in acts),
        _unknown(world, platform),
    )  # fmt: skip


def _unknown(world: World, platform: Platform) -> str:
    if platform.exposures.taken is not None:
        return "This platform keeps no feeds (keep_feeds is off)."
    return (
        "" if platform.exposures.tick == world.tick else "Feeds come after the next tick; press ."
    )


def _acts_of(platform: Platform, agent: int) -> list[tuple[int, Act, int, int]]:
    """Return the newest acts of an agent, from the last day at most."""
    found: list[tuple[int, Act, int, int]] = []
    for tick in range(platform.tick, max(-1, platform.tick - MOST_TICKS), -1):
        acts = platform.log.at(tick)
        mine = acts.chosen(np.flatnonzero(acts.agent == agent)[::-1])
        rows = zip(*(column.tolist() for column in mine), strict=True)
        found += [(tick, Act(act), message, other) for _, act, message, other in rows]
        if len(found) >= MOST_ACTS:
            break
    return found[:MOST_ACTS]


def _about(world: World, message: int, other: int) -> str:
    said = [] if message == NOBODY else [f"m{message}"]
    if other != NOBODY and other < len(world.agents):
        said.append(f"of {world.agents.name(other)}" if said else world.agents.name(other))
    return " ".join(said)


def shown_of(world: World, platform: Platform, agent: int) -> tuple[FeedItem, ...]:
    """Return the feed of an agent in the last tick; empty if feeds are not kept."""
    if platform.exposures.taken is not None:
        return ()
    for part in platform.exposures.parts:
        at = int(np.searchsorted(part.viewers, agent))
        if at < part.viewers.size and part.viewers[at] == agent:
            low = int(part.counts[:at].sum(dtype=np.int64))
            places = range(low, low + int(part.counts[at]))
            return tuple(_shown(world, platform, part, place) for place in places)
    return ()


def _shown(world: World, platform: Platform, part: ExposurePart, place: int) -> FeedItem:
    message, posts = int(part.message[place]), platform.posts
    source = world.agents.name(int(part.source[place]))
    row = message - posts.first
    return FeedItem(
        message, _line(world, platform, message), source,
        bool(part.friends[place]), float(part.score[place]),
        int(posts.likes[row]), int(posts.shares[row]),
    )  # fmt: skip


def _line(world: World, platform: Platform, message: int) -> str:
    """Return the text of a message: its author's words, then what it quotes or answers."""
    said = said_in_message(world, platform, message)
    return said.line(said.by, world.agents.name)


def whys_of(
    world: World, agent: int, messages: tuple[int, ...] = ()
) -> tuple[int, list[tuple[Why, str, str]]]:
    """Return the tick of an agent's feed, and why each message is in it, best first."""
    platform = _platform(world)
    found = [
        (why, world.agents.name(why.source), _line(world, platform, why.message))
        for why in whys(platform, agent)
        if not messages or why.message in messages
    ]
    return platform.exposures.tick, found


def _platform(world: World) -> Platform:
    if world.platform is None:
        raise InputError("This world has no platform; type :platform on.")
    return world.platform


@dataclass(frozen=True, slots=True)
class PlatformNow:
    """The state of a platform in its last tick, as frames carry it."""

    online: int
    exposures: int
    messages: int
    acts: tuple[tuple[str, int], ...]
    recommenders: tuple[str, ...]
    course: MetricsState | None = None


def platform_now(world: World) -> PlatformNow | None:
    """Return the state of the platform; None without one."""
    platform = world.platform
    if platform is None:
        return None
    done = [(act.says, platform.log.count(world.tick, act)) for act in Act]
    done.sort(key=lambda each: -each[1])
    is_known = platform.exposures.tick == world.tick  # feeds are not saved in files
    return PlatformNow(
        platform.online.size if platform.online_at == world.tick else -1,
        len(platform.exposures) if is_known else -1,
        len(platform.posts),
        tuple(each for each in done if each[1]),
        tuple(each.plugin_name or type(each).__name__ for each in platform.recommenders),
        None if world.cascades else _course(platform, world.tick),
    )  # fmt: skip


def _course(platform: Platform, now: int) -> MetricsState | None:
    log = platform.log
    ticks = range(max(1, now - _COURSE + 1), now + 1)
    rows = np.array([[log.count(tick, act) for act in _TOLD] for tick in ticks], np.float64)
    if not rows.any():
        return None
    names = tuple(f"act_{act.name.lower()}" for act in _TOLD)
    return MetricsState(names, read_only(np.array(ticks, np.int64)), read_only(rows), (), (), ())


def about_platform(world: World) -> str:
    """Return one sentence about the platform; empty without one."""
    platform = world.platform
    if platform is None:
        return ""
    names = ", ".join(each.plugin_name or type(each).__name__ for each in platform.recommenders)
    acts = [each.plugin_name or type(each).__name__ for each in platform.policies]
    return (
        f"Platform: {platform.online.size:,} online, {plural(len(platform.posts), 'message')} in "
        f"feeds, ranked by {names}" + (f"; policies: {', '.join(acts)}." if len(acts) > 1 else ".")
    )


def flags_of(flags: int) -> tuple[str, ...]:
    """Return the names of the platform's flags on a message."""
    return tuple(one.name.lower() for one in Flag if one.name and flags & one)


KINDS = tuple(kind.name.lower() for kind in Kind)
"""Names of the kinds of messages."""
