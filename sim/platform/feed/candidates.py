"""The candidates that a recommender scores: many viewers at once, a column for each property."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arrays import Ids
from sim.platform.platform_view import PlatformView, of_end


class Candidates:
    """Columns with one value a candidate, ordered by viewer; read-only, made when first asked for.

    Numbers are float32, so that sums of columns stay so. Any column of agents is there for both
    ends: ``viewer_openness``, ``author_community``, ``source_activity``. Take what you need and
    keep nothing: the arrays are used again for the next viewers.

    Attributes
    ----------
    around
        The platform (:class:`~sim.platform.platform_view.PlatformView`).
    viewers
        uint32 (viewers,): who looks.
    stops
        int64 (viewers + 1,): where each viewer's candidates begin, and the end.
    message, source, author
        uint32: the number of the post; who shared it, the author where that is a stranger; who
        wrote it.
    trust
        float32 in [0, 1]: the viewer's trust in the source; 0 for strangers.
    interest
        float32 in [0, 1]: the share of the message's interests that the viewer has; 1 without any.
    likes, shares
        float32: how many liked it, and reposted or quoted it.
    age
        float32: ticks since it was posted.
    friends
        uint8: how many of the members drawn, of those whom the viewer follows, shared it.
    flags
        uint8: what the platform has put on the post (:class:`~sim.platform.posts.posts.Flag`).
    """

    def __init__(
        self, around: PlatformView, viewers: Ids, columns: dict[str, npt.NDArray[Any]]
    ) -> None:
        self.around = around
        self.viewers = viewers
        self._made = columns

    def __len__(self) -> int:
        return int(self._made["message"].size)

    def __getattr__(self, name: str) -> npt.NDArray[Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._made:
            column = self._make(name)
            column.flags.writeable = False
            self._made[name] = column
        return self._made[name]

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
        """Return the names of the columns, without those of agents."""
        given = ("stops", "message", "source", "author", "trust", "interest", "likes", "shares")
        return (*given, "age", "friends", "flags", *_COLUMNS)

    def of_post(self, column: str) -> npt.NDArray[Any]:
        """Return a column of :class:`~sim.platform.posts.posts.Posts` for each candidate."""
        values: npt.NDArray[Any] = getattr(self.around.posts, column)[self.row]
        return values

    def each_viewer(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return one value a viewer, repeated for each of its candidates."""
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
    "draw": _draw,
}
