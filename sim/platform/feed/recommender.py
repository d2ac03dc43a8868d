"""The contract of recommenders, the candidates that they score, and rerankers for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from sim.arrays import F32, Ids
from sim.core.authors import returned
from sim.core.cards import Card
from sim.core.params import Parameters
from sim.errors import PluginError
from sim.platform.feed import rerank_kernels as kernels
from sim.platform.platform_view import DerivedColumns, PlatformView, of_end


class Candidates(DerivedColumns):
    """Read-only columns with one value per candidate, in viewer order; created on first access.

    Numbers are float32, so that sums of columns stay float32. Columns of agents are available for
    all ends: ``viewer_openness``, ``author_community``, ``source_activity``. Do not keep references
    to the arrays: they are reused for the next viewers.

    Attributes
    ----------
    around
        The platform (:class:`~sim.platform.platform_view.PlatformView`).
    viewers
        uint32 (viewers,): the viewers.
    stops
        int64 (viewers + 1,): offset of each viewer's candidates, and the end.
    message, source, author
        uint32: number of the post; the member that shared it, or the author if that is a stranger;
        the author.
    trust
        float32 in [0, 1]: the viewer's trust in the source; 0 for strangers.
    interest
        float32 in [0, 1]: share of the message's interests that the viewer has; 1 without any.
    likes, shares
        float32: number of likes, and of reposts and quotes.
    age
        float32: ticks since posting.
    friends
        uint8: number of drawn members, among those the viewer follows, that shared it.
    flags
        uint8: flags of the post (:class:`~sim.platform.posts.posts.Flag`).
    """

    def __init__(
        self, around: PlatformView, viewers: Ids, columns: dict[str, npt.NDArray[Any]]
    ) -> None:
        self.around = around
        self.viewers = viewers
        self._made = columns

    def __len__(self) -> int:
        return int(self._made["message"].size)

    def _make(self, name: str) -> npt.NDArray[Any]:
        if name in _COLUMNS:
            return _COLUMNS[name](self)
        found = of_end(self, self.around, name)
        if found is not None:
            return found
        raise AttributeError(
            f"Candidates have no column {name!r}; there are {', '.join(sorted(self.names()))}, and "
            f"columns of agents as viewer_NAME, author_NAME and source_NAME."
        )

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of the columns, without columns of agents."""
        given = ("stops", "message", "source", "author", "trust", "interest", "likes", "shares")
        return (*given, "age", "friends", "flags", *_COLUMNS)

    def of_post(self, column: str) -> npt.NDArray[Any]:
        """Return a column of :class:`~sim.platform.posts.posts.Posts` for each candidate."""
        values: npt.NDArray[Any] = getattr(self.around.posts, column)[self.row]
        return values

    def each_viewer(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return a value per viewer, repeated for each of its candidates."""
        return np.repeat(values, np.diff(self.stops))


def _viewer(c: Candidates) -> npt.NDArray[Any]:
    return c.each_viewer(c.viewers)


def _row(c: Candidates) -> npt.NDArray[Any]:
    return c.message.astype(np.int64) - c.around.posts.first


def _similarity(c: Candidates) -> npt.NDArray[Any]:
    mine, theirs = c.viewer_interests, c.author_interests
    either = np.bitwise_count(mine | theirs).astype(np.float32)
    share: npt.NDArray[Any] = np.bitwise_count(mine & theirs) / np.maximum(either, np.float32(1))
    return share


def _same_community(c: Candidates) -> npt.NDArray[Any]:
    same: npt.NDArray[Any] = (c.viewer_community == c.author_community) & (c.viewer_community >= 0)
    return same


def _draw(c: Candidates) -> npt.NDArray[Any]:
    return (c.bits >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)


def _hours(c: Candidates) -> npt.NDArray[Any]:
    return c.age * np.float32(c.around.tick_minutes / 60)


def _flag(bit: int) -> Callable[[Candidates], npt.NDArray[Any]]:
    return lambda c: (c.flags & np.uint8(bit)) > 0


def _counter(name: str) -> Callable[[Candidates], npt.NDArray[Any]]:
    return lambda c: c.of_post(name).astype(np.float32)


_COLUMNS: dict[str, Callable[[Candidates], npt.NDArray[Any]]] = {
    "viewer": _viewer,
    "row": _row,
    "followed": lambda c: c.friends > 0,
    "hours": _hours,
    "dislikes": _counter("dislikes"),
    "replies": _counter("replies"),
    "reports": _counter("reports"),
    "shown": _counter("shown"),
    "appeal": lambda c: c.appeal_byte * np.float32(1 / 255),
    "topic": lambda c: c.of_post("topic"),
    "tags": lambda c: c.of_post("tags"),
    "kind": lambda c: c.of_post("kind"),
    "labelled": _flag(1),
    "downranked": _flag(4),
    "pinned": _flag(8),
    "ad": _flag(16),
    "injected": _flag(32),
    "fans": lambda c: c.around.fans[c.author].astype(np.float32),
    "reputation": lambda c: c.around.reputation[c.author],
    "similarity": _similarity,
    "same_community": _same_community,
    "same_language": lambda c: c.viewer_language == c.author_language,
    "draw": _draw,
}


def varied(
    candidates: Candidates,
    scores: npt.NDArray[Any],
    slots: int,
    *,
    variety: float,
    same_author: float,
) -> F32:
    """Return scores that make feeds less repetitive.

    The best candidate comes first; then, repeatedly, the best one after subtracting ``variety``
    times its largest share of tags in common with one above it, and ``same_author`` for each
    message above it by the same author. Carbonell & Goldstein, SIGIR 1998 (maximal marginal
    relevance).

    Parameters
    ----------
    candidates
        Candidates of many viewers.
    scores
        float32 (candidates,).
    slots
        Number of places in a feed.
    variety, same_author
        Weights, at least 0.
    """
    out = np.empty(len(candidates), np.float32)
    tags = np.ascontiguousarray(candidates.tags)
    kernels.spread_out(
        candidates.stops, np.ascontiguousarray(scores, np.float32), candidates.bits, tags,
        candidates.author, slots, variety, same_author, out,
    )  # fmt: skip
    return out


def mixed(
    candidates: Candidates,
    scores: npt.NDArray[Any],
    first: npt.NDArray[np.bool_],
    ratio: float,
) -> F32:
    """Return scores that give a share of each feed to some candidates, each kind in score order.

    Parameters
    ----------
    candidates, scores
        As :func:`varied`.
    first
        bool (candidates,): candidates that the share is for.
    ratio
        Share of places, in [0, 1]; each kind fills places that the other leaves empty.
    """
    out = np.empty(len(candidates), np.float32)
    kernels.mix_shares(
        candidates.stops, np.ascontiguousarray(scores, np.float32), candidates.bits,
        np.ascontiguousarray(first).view(np.uint8), ratio, out,
    )  # fmt: skip
    return out


class Recommender(Parameters):
    """A way to rank feeds; its fields are its parameters.

    ::

        @register("popularity")
        class Popularity(Recommender):
            '''What most like and share.'''

            def score(self, candidates):
                return candidates.likes + 2.0 * candidates.shares

    One call scores the candidates of thousands of viewers. Calls come from several threads: write
    nothing in :meth:`score` that another call reads; :meth:`prepare` runs alone.
    """

    plugin_kind: ClassVar[str] = "recommender"
    version: ClassVar[str] = "1"
    api: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ()
    card: ClassVar[Card] = Card(
        family="feeds",
        meaning={"score": "how well a message would do in a feed; the unit is the formula's"},
        update="all feeds of a tick from what stands before its acts",
        comparison="the highest scores are shown",
        includes_self="one's own posts are no candidates",
        direction="from who shared a message to who hears them, and from the platform's pools",
        ties="equal scores by a draw addressed by tick, viewer and message",
        time_unit="tick",
        channels="feed",
        draw_modes="none of its own: the column draw",
        cost="one number a candidate, at most 40 for each member online",
        largest="as many agents as memory holds",
    )

    def check(self) -> None:
        """Raise for inconsistent parameters; called when it is assigned to a platform.

        Raises
        ------
        ParameterError
            One sentence.
        """

    def prepare(self, platform: PlatformView) -> None:
        """Prepare for a tick; called once before its feeds, in a single thread.

        Its cost should depend on who is online and what is new, never on members x messages.
        Attributes must be derivable from the platform alone after a restart; arrays that grow with
        time belong in ``platform.held``.
        """

    def pool(self, platform: PlatformView) -> npt.NDArray[np.uint32] | None:
        """Return messages to draw from beyond the viewer's follows; None: the platform's pools.

        The platform's pools are the newest messages, by topic, and the trending ones.
        """
        return None

    def score(self, candidates: Candidates) -> npt.NDArray[Any]:
        """Return a number for each candidate, preferably float32; the highest are shown.

        Use ``numpy.where`` instead of ``if`` on columns. NaN or another shape is an error; equal
        scores are shown in random order.
        """
        raise NotImplementedError

    def rerank(
        self, candidates: Candidates, scores: npt.NDArray[np.float32], slots: int
    ) -> npt.NDArray[Any]:
        """Return adjusted scores that depend on the rest of the feed: diversity, bridging.

        ``candidates.stops`` holds the offset of each viewer. By default the scores themselves.
        """
        return scores

    def parts(self, candidates: Candidates) -> dict[str, npt.NDArray[Any]]:
        """Return named terms that sum to the score, for explanations; by default the score."""
        return {"score": self.score(candidates)}

    def scores_of(self, candidates: Candidates, slots: int) -> npt.NDArray[np.float32]:
        """Return the plugin's scores as float32, checked.

        Raises
        ------
        PluginError
            For another shape, or NaN.
        """
        scores = self._checked(self.score(candidates), "score", len(candidates))
        if type(self).rerank is not Recommender.rerank:
            scores = self._checked(
                self.rerank(candidates, scores, slots), "rerank", len(candidates)
            )
        return scores

    def _checked(self, said: Any, hook: str, count: int) -> npt.NDArray[np.float32]:
        found = np.asarray(said)
        name = self.plugin_name or type(self).__name__
        if found.dtype.kind not in "biuf" or found.shape not in {(), (count,)}:
            raise PluginError(
                name,
                f"{hook}() must return one number a candidate, shape ({count},), got "
                f"{returned(said, found, shape=True)}",
            )
        return np.ascontiguousarray(np.broadcast_to(found, count), np.float32)

    def refuse_nan(self) -> PluginError:
        """Return the error for scores that are NaN."""
        name = self.plugin_name or type(self).__name__
        return PluginError(name, "score() returned NaN; check for 0 / 0")


class Chronological(Recommender):
    """The newest first: no ranking but time. It stands in for a recommender that failed."""

    card: ClassVar[Card] = Card(
        source="what feeds were before they were ranked",
        equations=("score = -age",),
        checked=("the formula over every candidate of a world",),
    )

    def score(self, candidates: Candidates) -> npt.NDArray[Any]:
        """Return minus the age."""
        return -candidates.age


class FriendRecommender(Parameters):
    """A way to propose whom to follow; its fields are its parameters."""

    plugin_kind: ClassVar[str] = "friend-recommender"
    version: ClassVar[str] = "1"
    api: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ()

    def suggest(
        self, viewers: npt.NDArray[np.uint32], platform: PlatformView, count: int
    ) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32], npt.NDArray[np.float32]]:
        """Return (viewers, suggested, scores), at most ``count`` for each viewer, best first.

        A viewer is never suggested itself or a member it follows. The caller leaves out members
        that may not be proposed (:data:`sim.agents.lifecycle.PLACES`), or are muted or blocked.
        """
        raise NotImplementedError
