""":class:`ExposureSums`: reach, Gini, diversity and similarity of what feeds showed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.lab.recommenders.ranking_quality import chosen
from sim.platform.acts.kinds import Act
from sim.platform.feed.waves import keep_feeds
from sim.spread.opinions.model import OpinionModel
from sim.world.metrics.sums import opinion_measures

if TYPE_CHECKING:
    from sim.platform.feed.exposures import ExposurePart
    from sim.platform.platform import Platform
    from sim.world.world import World

__all__ = ["MEASURES", "ExposureMeasure", "ExposureSums"]

Array = npt.NDArray[Any]

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
    "top reach": ExposureMeasure(
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
    "two camps": ExposureMeasure(
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
        platform = self._platform
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
            "top reach": float(top.mean()) / agents if shown.size else np.nan,
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
        names = {"opinions": "polarisation", "two camps": "bimodality"}
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
