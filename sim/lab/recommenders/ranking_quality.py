"""The quality of rankings: recommenders' scores beside what members would like, shown or not.

What is shown cannot say it: attention falls from slot to slot, so what stands first is liked more
whoever put it there. So a sample of members is offered candidates once more after a tick, the
recommenders score them, and pairs of scores are held against interests and appeal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.core.rng import Stream
from sim.platform.feed.candidates import Candidates
from sim.platform.feed.serving import WRITTEN, FeedInputs, split, tray_for
from sim.platform.posts.pools import pools_of
from sim.platform.posts.posts import Kind

if TYPE_CHECKING:
    from sim.platform.platform import Platform
    from sim.world.world import World

__all__ = ["chosen", "liking", "taste"]

Array = npt.NDArray[Any]
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
    serving = FeedInputs(
        platform, recommender, which,
        pools_of(platform.posts, platform.trending, recommender.pool(platform)),
        members.seen.copy(), members.recent, members.live, world.absent(), world.bonds.closed,
        settings.drawn, settings.slots, platform.key(Stream.OFFERED),
    )  # fmt: skip
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
