"""Measures of feeds: reach, Gini, diversity and similarity of what they showed; their rankings.

What is shown cannot say it: attention falls from slot to slot, so what stands first is liked more
whoever put it there. So a sample of members is offered candidates once more after a tick, the
recommenders score them, and pairs of scores are held against interests and appeal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.arrays import Array
from sim.core.rng import Stream
from sim.platform.acts.kinds import Act
from sim.platform.feed.candidates import Candidates
from sim.platform.feed.serving import WRITTEN, FeedInputs, split, tables_of, tray_for
from sim.platform.feed.waves import keep_feeds
from sim.platform.posts.pools import pools_of
from sim.platform.posts.posts import Kind
from sim.spread.opinions.model import OpinionModel
from sim.world.metrics.sums import opinion_measures

if TYPE_CHECKING:
    from sim.platform.feed.exposures import ExposurePart
    from sim.platform.platform import Platform
    from sim.world.world import World


_TOP = 0.01
_PLEASED = (Act.LIKE, Act.REPOST, Act.QUOTE, Act.REPLY)


class ExposureMeasure(NamedTuple):
    """A number that runs are compared by.

    Attributes
    ----------
    group
        What it speaks of: choice, reach, diversity or polarisation.
    says
        What it means.
    """

    group: str
    says: str


MEASURES: dict[str, ExposureMeasure] = {
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
"""What is measured, in the order in which it is shown."""


class ExposureSums:
    """Sums over the feeds of a run.

    Parameters
    ----------
    world
        With a platform; it is stepped by the caller.
    labels
        int32 (n,): each member's community, -1 for none.
    """

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
        """Take in the feeds and acts of the tick that has just been made.

        ``asks``: whether its recommenders are asked how they choose; who learns needs time.
        """
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
        """Return the number of each of :data:`MEASURES`; NaN where nothing was to be measured."""
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
        found |= self._opinions()
        for name, (total, count) in self._sums.items():
            found[name] = total / count if count else np.nan
        return {name: found.get(name, np.nan) for name in MEASURES}

    def _opinions(self) -> dict[str, float]:
        """Return how far apart the first opinions are that a model moves, if any does."""
        world = self._world
        held = [(world.opinions[topic], world.opinions.span(topic)) for topic in world.opinions]
        held += [
            (cascade.columns["opinion"], cascade.model.span)
            for cascade in world.cascades
            if "opinion" in cascade.columns and isinstance(cascade.model, OpinionModel)
        ]
        told = opinion_measures(*held[0]) if held else {}
        names = {"opinions": "polarisation", "two_camps": "bimodality"}
        return {name: told.get(theirs, np.nan) for name, theirs in names.items()}


def _shared(one: Array, other: Array) -> Array:
    """Return shared bits / bits of either; 0 without any."""
    either = np.bitwise_count(one | other).astype(np.float64)
    share: Array = np.bitwise_count(one & other) / np.maximum(either, 1)
    return share


def _gini(falling: Array) -> float:
    """Return the Gini coefficient of counts in falling order; NaN of none."""
    total = float(falling.sum())
    if not total:
        return float("nan")
    places = np.arange(1, falling.size + 1)
    return float((falling.size + 1 - 2 * (places * falling).sum() / total) / falling.size)


Pairs = tuple[float, float]

_ASKED = 512
"""Members who are offered candidates in a tick."""


def chosen(world: World, platform: Platform) -> dict[str, Pairs]:
    """Return (pairs in the right order, pairs) of :func:`taste` and :func:`liking` for a tick.

    Nothing is changed.
    """
    online = platform.online
    count = min(_ASKED, online.size)
    asked = online[np.arange(count) * online.size // max(count, 1)]
    found = {"taste": (0.0, 0.0), "liking": (0.0, 0.0)}
    for which, viewers in split(asked, platform.members.recommender, len(platform.recommenders)):
        offered = _offered(world, platform, which, viewers)
        scores = platform.recommenders[which].scores_of(offered, platform.settings.slots)
        told = (("taste", taste), ("liking", liking))
        found = {name: _sum(found[name], measure(offered, scores)) for name, measure in told}
    return found


def _sum(one: Pairs, other: Pairs) -> Pairs:
    return one[0] + other[0], one[1] + other[1]


def _offered(world: World, platform: Platform, which: int, viewers: Array) -> Candidates:
    """Return candidates of some viewers, drawn anew."""
    members, settings = platform.members, platform.settings
    recommender = platform.recommenders[which]
    pools = pools_of(platform.posts, platform.trending, recommender.pool(platform))
    tables = tables_of(
        platform, members, pools, world.absent(), world.bonds.closed, settings.drawn,
        platform.key(Stream.OFFERED),
    )  # fmt: skip
    serving = FeedInputs(platform, recommender, which, settings.slots, tables)
    tray = tray_for(viewers.size, settings.candidates)
    return _known(serving.candidates(viewers, 0, viewers.size, tray))


def _known(offered: Candidates) -> Candidates:
    """Return the candidates without what was written since feeds were made.

    Quotes and replies come behind feeds: recommenders have not got ready for them.
    """
    kept = (offered.age > 0) | (offered.kind == Kind.POST)
    columns = {name: getattr(offered, name)[kept] for name in WRITTEN}
    columns["stops"] = np.append(0, np.cumsum(kept))[offered.stops]
    return Candidates(offered.around, offered.viewers, columns)


def taste(offered: Candidates, scores: Array) -> Pairs:
    """Return how many pairs of members offered one message are in the right order, and how many.

    One of a pair has an interest that the message is about, the other has none; right is a higher
    score for the first, and half right the same. What all think of a message cancels out: without
    regard for who looks, half are right.
    """
    fits = offered.interest > 0
    order = np.lexsort((scores, offered.message))
    return _ranked(offered.message[order], scores[order], fits[order])


def _ranked(group: Array, scores: Array, fits: Array) -> Pairs:
    """Return Mann and Whitney's U and how many pairs there are, in sum over groups."""
    if not group.size:
        return 0.0, 0.0
    new = np.append(True, group[1:] != group[:-1])
    run = np.append(True, new[1:] | (scores[1:] != scores[:-1]))  # equal scores in one group
    starts, begins = np.flatnonzero(new), np.flatnonzero(run)
    place = np.arange(group.size) - np.repeat(starts, np.diff(np.append(starts, group.size)))
    lengths = np.diff(np.append(begins, group.size))
    rank = np.repeat(np.add.reduceat(place, begins) / lengths, lengths)  # the mean of equals
    size = np.diff(np.append(starts, group.size))
    inside = np.add.reduceat(fits.astype(np.float64), starts)
    above = np.add.reduceat(rank * fits, starts) - inside * (inside - 1) / 2
    return float(above.sum()), float((inside * (size - inside)).sum())


def liking(offered: Candidates, scores: Array) -> Pairs:
    """Return how many pairs of one member's candidates are in the right order, and how many.

    Right is a higher score for the one that is more to its liking: appeal times
    ``1/4 + 3/4 interest``, as the rule policy has it; half right is the same score.
    """
    likes = offered.appeal * (np.float32(0.25) + np.float32(0.75) * offered.interest)
    counts = np.diff(offered.stops)
    places = np.arange(counts.max(initial=0))
    there = places < counts[:, np.newaxis]
    mine, given = (np.full(there.shape, np.nan, np.float32) for _ in range(2))
    mine[there], given[there] = likes, scores
    right = pairs = 0.0
    for k in places:  # each candidate beside all others of its viewer; nothing is more than NaN
        more = mine[:, k : k + 1] > mine
        pairs += float(more.sum())
        right += float((more & (given[:, k : k + 1] > given)).sum())
        right += float((more & (given[:, k : k + 1] == given)).sum()) / 2
    return right, pairs
