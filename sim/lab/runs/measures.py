"""Outcome measures of a run: scalars for the whole run, series by tick, and contents of feeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.agents.lifecycle import Lifecycle
from sim.arrays import F64, Array
from sim.core.rng import Stream
from sim.platform.acts.kinds import Act
from sim.platform.feed.recommender import Candidates
from sim.platform.feed.serving import WRITTEN, FeedInputs, split, tables_of, tray_for
from sim.platform.posts.posts import Kind, pools_of
from sim.platform.tick import keep_feeds
from sim.spread.opinions.model import OpinionModel
from sim.world.metrics.values import opinion_measures

if TYPE_CHECKING:
    from sim.platform.feed.exposures import ExposurePart
    from sim.platform.platform import Platform
    from sim.spread.cascade.cascade import Cascade
    from sim.world.world import World


_TOP = 0.01
_PLEASED = (Act.LIKE, Act.REPOST, Act.QUOTE, Act.REPLY)


class ExposureMeasure(NamedTuple):
    """A number by which runs are compared."""

    group: str
    says: str


FEED_MEASURES: dict[str, ExposureMeasure] = {
    "taste": ExposureMeasure(
        "choice",
        "chance that a message is scored higher for one with its interests than without, in the "
        "second half of a run",
    ),
    "liking": ExposureMeasure(
        "choice",
        "chance that of two candidates the one more to a member's liking scores higher, likewise",
    ),
    "age": ExposureMeasure("choice", "hours since what was shown was posted, on average"),
    "votes": ExposureMeasure("choice", "likes and twice the shares of what was shown, on average"),
    "answers": ExposureMeasure("choice", "replies to what was shown, on average"),
    "trust": ExposureMeasure(
        "choice", "trust of a viewer in who shared what it was shown, 0 in strangers"
    ),
    "top_reach": ExposureMeasure(
        "reach", "share of members shown a message of the top 1 % most shown"
    ),
    "coverage": ExposureMeasure("reach", "share of messages that anybody was shown"),
    "inequality": ExposureMeasure(
        "reach", "Gini of how often messages were shown, 0 all alike, 1 one"
    ),
    "adopted": ExposureMeasure(
        "reach", "share of members that adopted injected messages, on average"
    ),
    "engagement": ExposureMeasure("reach", "likes, shares and replies for each message shown"),
    "variety": ExposureMeasure("diversity", "1 - mean shared tags of two messages in one feed"),
    "breadth": ExposureMeasure(
        "diversity", "different interests that a member was shown, on average"
    ),
    "strangers": ExposureMeasure(
        "diversity", "share of what was shown that no followed member shared"
    ),
    "likeness": ExposureMeasure("polarisation", "mean shared interests of viewer and author"),
    "agreement": ExposureMeasure("polarisation", "share of a message's tags that its viewer has"),
    "separation": ExposureMeasure(
        "polarisation", "share shown of one's own community less of others'"
    ),
    "opinions": ExposureMeasure("polarisation", "variance of opinions as a share of the largest"),
    "two_camps": ExposureMeasure(
        "polarisation", "Sarle's bimodality of opinions, above 5/9 in two camps"
    ),
}
"""The measures, in display order."""


class ExposureSums:
    """Sums over the feeds of a run."""

    def __init__(self, world: World, labels: Array) -> None:
        self._world = world
        keep_feeds(world)
        self._labels = labels
        self._from = self._platform.posts.next
        self._shown = np.zeros(0, np.int64)
        self._interests = np.zeros(len(world.agents), np.uint64)
        self._sums: dict[str, list[float]] = {}
        self._acts = 0

    @property
    def _platform(self) -> Platform:
        platform = self._world.platform
        if platform is None:
            raise RuntimeError("feeds are measured in a world without a platform")
        return platform

    def look(self, *, asks: bool = True) -> None:
        """Add the newest tick; with ``asks`` also the ranking by its recommenders."""
        platform, came = self._platform, len(self._world.agents) - self._labels.size
        if came > 0:
            self._labels = np.append(self._labels, np.full(came, -1, self._labels.dtype))
            self._interests = np.append(self._interests, np.zeros(came, np.uint64))
        for part in platform.exposures.parts:
            self._take(part, platform)
        if asks:
            for name, (right, pairs) in chosen(self._world, platform).items():
                self._count(name, right, pairs)
        self._acts += int(np.isin(platform.acted.act, _PLEASED).sum())
        grown = np.zeros(max(platform.posts.next - self._from, self._shown.size), np.int64)
        grown[: self._shown.size] = self._shown
        new = platform.exposures.message
        grown += np.bincount(new[new >= self._from] - self._from, minlength=grown.size)
        self._shown = grown

    def _take(self, part: ExposurePart, platform: Platform) -> None:
        viewer, posts = part.viewer, platform.posts
        rows = posts.rows(part.message)
        tags, author = posts.tags[rows], posts.author[rows]
        interests = platform.people.column("interests")
        mine, theirs = self._labels[viewer], self._labels[author]
        known = (mine >= 0) & (theirs >= 0)
        self._add("age", part.age * (platform.tick_minutes / 60))
        self._add("votes", posts.likes[rows] + np.float64(2) * posts.shares[rows])
        self._add("answers", posts.replies[rows])
        self._add("trust", part.trust * (1 / 255))
        self._add("strangers", part.friends == 0)
        self._add("likeness", _shared(interests[viewer], interests[author]))
        self._add("agreement", part.interest * (1 / 255))
        self._add("separation", np.where(mine == theirs, 1.0, -1.0)[known])
        np.bitwise_or.at(self._interests, viewer, tags)
        for apart in range(1, int(part.counts.max(initial=1))):
            pair = viewer[apart:] == viewer[:-apart]
            self._add("variety", 1 - _shared(tags[apart:][pair], tags[:-apart][pair]))

    def _add(self, name: str, values: Array) -> None:
        self._count(name, float(values.sum(dtype=np.float64)), values.size)

    def _count(self, name: str, amount: float, of: float) -> None:
        total = self._sums.setdefault(name, [0.0, 0])
        total[0] += amount
        total[1] += of

    def measures(self) -> dict[str, float]:
        """Return each of :data:`FEED_MEASURES`; NaN if there was nothing to measure."""
        agents, shown = len(self._world.agents), np.sort(self._shown)[::-1]
        top = shown[: max(1, int(shown.size * _TOP))]
        stories = [len(cascade.adopters) for cascade in self._world.cascades]
        seen = self._interests[self._interests > 0]
        found = {
            "top_reach": float(top.mean()) / agents if shown.size else np.nan,
            "coverage": float((shown > 0).mean()) if shown.size else np.nan,
            "inequality": _gini(shown),
            "adopted": float(np.mean(stories)) / agents if stories else np.nan,
            "engagement": self._acts / max(self._sums.get("strangers", [0, 0])[1], 1),
            "breadth": float(np.bitwise_count(seen).mean()) if seen.size else np.nan,
        }
        world = self._world
        held = [(world.opinions[topic], world.opinions.span(topic)) for topic in world.opinions]
        held += [
            (cascade.columns["opinion"], cascade.model.span)
            for cascade in world.cascades
            if "opinion" in cascade.columns and isinstance(cascade.model, OpinionModel)
        ]
        told = opinion_measures(*held[0]) if held else {}
        names = {"opinions": "polarisation", "two_camps": "bimodality"}
        found |= {name: told.get(theirs, np.nan) for name, theirs in names.items()}
        for name, (total, count) in self._sums.items():
            found[name] = total / count if count else np.nan
        return {name: found.get(name, np.nan) for name in FEED_MEASURES}


def _shared(one: Array, other: Array) -> Array:
    """Return shared bits / bits of either; 0 if there are none."""
    either = np.bitwise_count(one | other).astype(np.float64)
    share: Array = np.bitwise_count(one & other) / np.maximum(either, 1)
    return share


def _gini(falling: Array) -> float:
    """Return the Gini coefficient of counts in falling order; NaN for no counts."""
    total = float(falling.sum())
    if not total:
        return float("nan")
    places = np.arange(1, falling.size + 1)
    return float((falling.size + 1 - 2 * (places * falling).sum() / total) / falling.size)


Pairs = tuple[float, float]

_ASKED = 512
"""Maximum members per tick whose candidates are ranked for measurement."""


def chosen(world: World, platform: Platform) -> dict[str, Pairs]:
    """Return (correctly ordered pairs, pairs) of :func:`taste` and :func:`liking` for a tick."""
    online = platform.online
    count = min(_ASKED, online.size)
    asked = online[np.arange(count) * online.size // max(count, 1)]
    found = {"taste": (0.0, 0.0), "liking": (0.0, 0.0)}
    for which, viewers in split(asked, platform.members.recommender, len(platform.recommenders)):
        members, settings = platform.members, platform.settings
        recommender = platform.recommenders[which]
        pools = pools_of(platform.posts, platform.trending, recommender.pool(platform))
        tables = tables_of(
            platform, members, pools, world.absent(), world.relationships.closed, settings,
            platform.key(Stream.OFFERED),
        )  # fmt: skip
        serving = FeedInputs(platform, recommender, which, settings.slots, tables)
        tray = tray_for(viewers.size, settings.candidates)
        offered = _known(serving.candidates(viewers, 0, viewers.size, tray))
        scores = platform.recommenders[which].scores_of(offered, platform.settings.slots)
        told = (("taste", taste), ("liking", liking))
        for name, measure in told:
            right, pairs = measure(offered, scores)
            found[name] = found[name][0] + right, found[name][1] + pairs
    return found


def _known(offered: Candidates) -> Candidates:
    """Return the candidates without quotes and replies, which are placed after feeds."""
    kept = (offered.age > 0) | (offered.kind == Kind.POST)
    columns = {name: getattr(offered, name)[kept] for name in WRITTEN}
    columns["stops"] = np.append(0, np.cumsum(kept))[offered.stops]
    return Candidates(offered.around, offered.viewers, columns)


def taste(offered: Candidates, scores: Array) -> Pairs:
    """Return the correctly ordered pairs of members offered one message, and the number of pairs.

    In each pair one member has an interest in the message's topics and the other has none; a pair
    is correct if the first has the higher score, and half correct for equal scores. The general
    appeal of a message cancels out: scores that ignore the viewer get half of the pairs right.
    """
    fits = offered.interest > 0
    order = np.lexsort((scores, offered.message))
    return _ranked(offered.message[order], scores[order], fits[order])


def _ranked(group: Array, scores: Array, fits: Array) -> Pairs:
    """Return Mann and Whitney's U and the number of pairs, summed over groups."""
    if not group.size:
        return 0.0, 0.0
    new = np.append(True, group[1:] != group[:-1])
    run = np.append(True, new[1:] | (scores[1:] != scores[:-1]))  # equal scores in one group
    starts, begins = np.flatnonzero(new), np.flatnonzero(run)
    place = np.arange(group.size) - np.repeat(starts, np.diff(np.append(starts, group.size)))
    lengths = np.diff(np.append(begins, group.size))
    rank = np.repeat(np.add.reduceat(place, begins) / lengths, lengths)  # ties get the mean rank
    size = np.diff(np.append(starts, group.size))
    inside = np.add.reduceat(fits.astype(np.float64), starts)
    above = np.add.reduceat(rank * fits, starts) - inside * (inside - 1) / 2
    return float(above.sum()), float((inside * (size - inside)).sum())


def liking(offered: Candidates, scores: Array) -> Pairs:
    """Return the correctly ordered pairs of one member's candidates, and the number of pairs.

    A pair is correct if the candidate that the member likes more has the higher score; liking is
    appeal times ``1/4 + 3/4 interest``, as in the rule policy; equal scores are half correct.
    """
    likes = offered.appeal * (np.float32(0.25) + np.float32(0.75) * offered.interest)
    counts = np.diff(offered.stops)
    places = np.arange(counts.max(initial=0))
    there = places < counts[:, np.newaxis]
    mine, given = (np.full(there.shape, np.nan, np.float32) for _ in range(2))
    mine[there], given[there] = likes, scores
    right = pairs = 0.0
    for k in places:  # each candidate against all others of its viewer; no number is above NaN
        more = mine[:, k : k + 1] > mine
        pairs += float(more.sum())
        right += float((more & (given[:, k : k + 1] > given)).sum())
        right += float((more & (given[:, k : k + 1] == given)).sum()) / 2
    return right, pairs


Measure = Callable[["World"], float]

MEASURES = {
    "size": "members who ever adopted it; for several messages the sum",
    "share": "size divided by the number of members; for several messages the mean",
    "depth": "length of the longest chain of adoptions",
    "breadth": "size of the widest generation",
    "virality": "structural virality of the largest message (Goel et al. 2016)",
    "r": "mean adoptions caused by each seed; empty while any may cause more",
    "peak": "most new adopters in a tick, without seeds",
    "peak_tick": "ticks to the (first) peak",
    "quiet_after": "ticks to die out; empty: still spreading",
    "largest": "for several messages: adopters of the largest",
    "failed": "messages that stopped because their model failed",
}
"""The measures of each replicate, and their meanings.

For several messages, depth and breadth are the largest, peak is of their sum, and r is the mean of
those that have one; up to twelve also have their own values, ``size:0``, ``size:1`` ... by
position.
"""

SERIES = {
    "ever": "members who have ever adopted it; for several messages the sum",
    "new": "new adopters in this tick, seeds included",
    "now": "members spreading it now",
    "running": "messages still spreading",
    "in_STATE": "agents in a state of the message's model",
    "active": "active accounts",
    "ties": "ties of the network",
    "online": "members online",
    "exposures": "impressions",
    "acts": "actions of members",
    "opinion_TOPIC": "mean opinion about a topic, within its own span",
    "opinion_spread_TOPIC": "standard deviation of opinions about a topic",
    "feed_inequality": "Gini of how often messages were shown so far, 0 all alike, 1 one",
    "feed_variety": "1 - mean shared tags of two messages in one feed, so far",
    "feed_outside": "share of what was shown so far that another community wrote",
    "feed_engagement": "likes, shares and replies for each message shown so far",
    "metric_NAME": "the newest value of a metric, where the world takes metrics",
}
"""The series measured after each tick, and their meanings; tick 0 is before the first tick.

Feeds are measured if futures differ in recommenders or in policies.
"""

_HELD = frozenset({"ever", "now", "active", "ties"})
_HELD_OF = ("in_", "opinion_", "feed_")
_HAD_BLANKS = ("in ", "opinion ", "feed ", "metric ")
_NOUGHT = frozenset({"new", "running"})

OF_CLOCK = frozenset({"tick_ms", "cpu_ms", "interactions_s"})
"""Metrics of clock time: they differ from run to run and are not part of a result."""

_APART = 12
"""Maximum number of messages that get their own measures."""
_PER_MESSAGE = ("size", "depth", "breadth", "virality", "r", "peak", "peak_tick")


def column_name(*words: str) -> str:
    """Return words as the name of a column, without blanks."""
    return "_".join(words).replace(" ", "_")


def series_name(kept: str) -> str:
    """Return the current name of a series in a file; old names had blanks."""
    return column_name(kept) if kept.startswith(_HAD_BLANKS) else kept


def at_rest_value(series: str, last: float) -> float:
    """Return the value of a series after its run has ended; NaN if unknown."""
    if stays(series):
        return last
    return 0.0 if series in _NOUGHT else math.nan


def stays(series: str) -> bool:
    """Return whether a series keeps its last value once a run has ended."""
    return series in _HELD or series.startswith(_HELD_OF)


class RunObserver:
    """Watches one run."""

    def __init__(
        self, world: World, measures: Mapping[str, Measure], series: Mapping[str, Measure]
    ) -> None:
        self._world = world
        self._start, self._made = world.tick, world.made
        self._under_way = {cascade.id for cascade in world.cascades.loose if cascade.alive}
        self._measures, self._series = measures, series
        self._rows: list[dict[str, float]] = []
        self._now: dict[int, int] = {}
        self._watched: Sequence[int] | None = None
        self._feeds: ExposureSums | None = None

    def watch_feeds(self) -> None:
        """Measure what members are shown, if there is a platform."""
        if self._world.platform is not None:
            self._feeds = ExposureSums(self._world, np.array(self._world.agents.community))

    def watch(self, messages: Sequence[int]) -> None:
        """Measure the messages with these ids only."""
        self._watched = messages

    def look(self) -> None:
        """Record what is visible only at this moment."""
        world = self._world
        for cascade in world.cascades.loose:
            self._now[cascade.id] = cascade.now
        running = sum(cascade.status == "running" for cascade in world.cascades.loose)
        row = {"running": float(running), **_of_world(world)}
        if self._feeds is not None and self._rows:
            row |= _of_feeds(self._feeds)
        row |= {name: float(take(world)) for name, take in self._series.items()}
        chosen = self._chosen()
        row["now"] = float(sum(self._now.get(number, 0) for number in chosen))
        self._rows.append(row)

    def _chosen(self) -> Sequence[int]:
        if self._watched is not None:
            return self._watched
        if self._world.made > self._made:
            return range(self._made, self._world.made)
        return sorted(self._under_way)

    @property
    def ticks(self) -> int:
        """Number of ticks observed."""
        return len(self._rows) - 1

    def _messages(self) -> list[Cascade]:
        chosen = set(self._chosen())
        return [cascade for cascade in self._world.cascades if cascade.id in chosen]

    def measured(self) -> dict[str, float]:
        """Return the measures of the whole run, :data:`MEASURES` first."""
        messages = self._messages()
        found = self._of_all(messages)
        if len(messages) > 1:
            found["largest"] = float(max(cascade.size for cascade in messages))
        if 1 < len(messages) <= _APART:
            each = [self._of_one(cascade) for cascade in messages]
            for name in _PER_MESSAGE:
                found |= {f"{name}:{place}": own[name] for place, own in enumerate(each)}
        return found | {name: float(take(self._world)) for name, take in self._measures.items()}

    def _of_one(self, cascade: Cascade) -> dict[str, float]:
        at = cascade.started_at - self._start
        new = _without_first(cascade)[max(-at, 0) :]  # if already spreading: from the fork on
        r = cascade.r
        return {
            "size": float(cascade.size),
            "depth": float(cascade.depth),
            "breadth": float(cascade.breadth),
            "virality": float(cascade.virality),
            "r": float(r[0]) if r.size else math.nan,
            "peak": float(new.max(initial=0)),
            "peak_tick": float(max(at, 0) + new.argmax()) if new.any() else math.nan,
        }

    def _of_all(self, messages: Sequence[Cascade]) -> dict[str, float]:
        if not messages:
            nothing = dict.fromkeys(MEASURES, math.nan) | {"failed": 0.0}
            del nothing["largest"]
            return nothing
        each = [self._of_one(cascade) for cascade in messages]
        size = sum(own["size"] for own in each)
        new = self._summed(messages, _without_first)
        known = [own["r"] for own in each if own["r"] == own["r"]]
        return {
            "size": size,
            "share": size / max(len(self._world.agents) * len(messages), 1),
            "depth": max(own["depth"] for own in each),
            "breadth": max(own["breadth"] for own in each),
            "virality": max(each, key=lambda own: own["size"])["virality"],
            "r": math.fsum(known) / len(known) if known else math.nan,
            "peak": float(new.max()),
            "peak_tick": float(new.argmax()) if new.any() else math.nan,
            "quiet_after": self._quiet_after(messages),
            "failed": float(sum(cascade.status == "failed" for cascade in messages)),
        }

    def _quiet_after(self, messages: Sequence[Cascade]) -> float:
        if any(cascade.alive for cascade in messages):
            return math.nan
        running = [row["running"] for row in self._rows]
        return float(max((tick for tick, many in enumerate(running) if many), default=-1) + 1)

    def series(self) -> dict[str, F64]:
        """Return each series, float64 (ticks + 1,), :data:`SERIES` first."""
        messages = self._messages()
        new = self._summed(messages, lambda cascade: cascade.new_adopters)
        before = sum(self._before(cascade) for cascade in messages)
        found = {"ever": before + new.cumsum(), "new": new}
        taken = {
            name: self._column(name) for name in dict.fromkeys(n for r in self._rows for n in r)
        }
        found |= {name: taken.pop(name) for name in ("now", "running")}
        for state in dict.fromkeys(state for cascade in messages for state in cascade.states):
            found[column_name("in", state)] = self._in_state(messages, state)
        return found | taken

    def _column(self, name: str) -> F64:
        return np.array([row.get(name, math.nan) for row in self._rows])

    def _before(self, cascade: Cascade) -> int:
        """Return how many had adopted before the run began."""
        rows = self._start - cascade.started_at if cascade.started_at >= 0 else 0
        return int(cascade.new_adopters[: max(rows, 0)].sum())

    def _summed(
        self, messages: Sequence[Cascade], rows: Callable[[Cascade], npt.NDArray[np.int64]]
    ) -> F64:
        total = np.zeros(self.ticks + 1)
        for cascade in messages:
            if cascade.started_at >= 0:
                own, at = rows(cascade), cascade.started_at - self._start
                own, at = own[max(-at, 0) :], max(at, 0)
                own = own[: total.size - at]
                total[at : at + own.size] += own
        return total

    def _in_state(self, messages: Sequence[Cascade], state: str) -> F64:
        total = np.zeros(self.ticks + 1)
        for cascade in messages:
            if state not in cascade.states or not len(cascade.history):
                continue
            place = cascade.states.index(state)
            own = cascade.history[:, place]
            rows = np.arange(total.size) + self._start - cascade.started_at
            held = own[np.clip(rows, 0, len(own) - 1)].astype(np.float64)
            held[rows < 0] = cascade.agents if place == 0 else 0.0
            total += held
        return total


def _without_first(cascade: Cascade) -> npt.NDArray[np.int64]:
    new = np.array(cascade.new_adopters)
    new[:1] = 0
    return new


def _of_feeds(feeds: ExposureSums) -> dict[str, float]:
    feeds.look(asks=False)
    found = feeds.measures()
    found["outside"] = (1 - found["separation"]) / 2
    names = ("inequality", "variety", "outside", "engagement")
    return {column_name("feed", name): found[name] for name in names}


def _of_world(world: World) -> dict[str, float]:
    active = np.count_nonzero(world.agents.status == np.uint8(Lifecycle.ACTIVE))
    found = {"active": float(active), "ties": float(world.ties.count)}
    platform = world.platform
    if platform is not None:
        acts = (act for act in Act if act is not Act.DO_NOTHING)
        found["online"] = float(platform.online.size)
        found["exposures"] = float(len(platform.exposures))
        found["acts"] = float(sum(platform.log.count(world.tick, act) for act in acts))
    for topic in world.opinions:
        values = np.asarray(world.opinions[topic], np.float64)
        found[column_name("opinion", topic)] = float(values.mean())
        found[column_name("opinion_spread", topic)] = float(values.std())
    if world.metrics is not None:
        for name, value in world.metrics.latest.items():
            if name not in OF_CLOCK:
                found[column_name("metric", name)] = float(value)
    return found
