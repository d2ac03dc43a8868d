"""Friend candidates: members a few ties away, with a column for each feature of a pair."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from sim.arrays import F32, I64, Ids
from sim.core import rng
from sim.core.cards import Card
from sim.core.params import Field
from sim.core.rng import Stream
from sim.errors import PluginError
from sim.platform.feed import friends_kernels as kernels
from sim.platform.feed.recommender import FriendRecommender
from sim.platform.platform_view import Acquainted, DerivedColumns, of_end

Found = tuple[I64, Ids, dict[str, F32]]

MET = 64
"""Maximum number of candidates for a member that hears nobody."""
_GUESTS = 1 << 14
"""Number of such members processed at a time."""
_LOW32, _S32 = np.uint64(0xFFFFFFFF), np.uint64(32)
_SUMS = ("common", "adamic_adar", "spread")
_ROOM = 1 << 20
"""Number of candidate pairs processed at a time, at least those of one viewer."""


class Prospects(DerivedColumns):
    """Pairs of a viewer and another it might follow; columns are created on first access.

    Numbers are float32. Columns of agents are available for both: ``viewer_openness``,
    ``other_community``.

    Attributes
    ----------
    around
        The platform, or a bare world (:class:`Acquainted`).
    viewers, stops
        uint32 (viewers,), int64 (viewers + 1,): viewers, and the offset of each one's pairs.
    other
        uint32 (pairs,): the other member.
    common
        Number of the viewer's sources that hear the other.
    adamic_adar
        The sum over them of 1 / ln(members that they hear, at least 2).
    spread
        The sum over them of 1 / (members that they hear).
    hears, fans
        Number of the viewer's sources; number of the other's listeners.
    similarity
        Shared interests / interests of either; 0 without any.
    likeness
        1 - mean difference of their five traits, in [0, 1].
    same_community
        bool.
    """

    def __init__(
        self, around: Acquainted, viewers: Ids, stops: I64, other: Ids, known: dict[str, F32]
    ) -> None:
        self.around = around
        self.viewers = viewers
        self.stops = stops
        self.other = other
        self._made: dict[str, npt.NDArray[Any]] = dict(known)

    def __len__(self) -> int:
        return self.other.size

    def _make(self, name: str) -> npt.NDArray[Any]:
        if name in _COLUMNS:
            return _COLUMNS[name](self)
        found = of_end(self, self.around, name, {"viewer", "other"})
        if found is not None:
            return found
        raise AttributeError(
            f"Prospects have no column {name!r}; there are {', '.join(self.names())}, and "
            f"columns of agents as viewer_NAME and other_NAME."
        )

    def proposable(self) -> Prospects:
        """Return the pairs whose other member may be proposed, by its lifecycle status.

        See :data:`sim.agents.lifecycle.PLACES`.
        """
        fits = self.around.people.column("proposable")[self.other]
        if fits.all():
            return self
        stops = np.concatenate(([0], np.cumsum(fits)))[self.stops]
        known = {name: column[fits] for name, column in self._made.items()}
        return Prospects(self.around, self.viewers, stops, self.other[fits], known)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of the columns, without columns of agents."""
        return tuple(sorted(("other", "common", "adamic_adar", "spread", *_COLUMNS)))


def _similarity(pairs: Prospects) -> npt.NDArray[Any]:
    mine, theirs = pairs.viewer_interests, pairs.other_interests
    either = np.bitwise_count(mine | theirs).astype(np.float32)
    found: npt.NDArray[Any] = np.bitwise_count(mine & theirs) / np.maximum(either, np.float32(1))
    return found


def _likeness(pairs: Prospects) -> npt.NDArray[Any]:
    mine, theirs = (
        pairs.around.people.column("personality")[who].astype(np.float32)
        for who in (pairs.viewer, pairs.other)
    )
    found: npt.NDArray[Any] = 1 - np.abs(mine - theirs).mean(axis=1) / np.float32(255)
    return found


def _same_community(pairs: Prospects) -> npt.NDArray[Any]:
    same: npt.NDArray[Any] = (pairs.viewer_community == pairs.other_community) & (
        pairs.viewer_community >= 0
    )
    return same


_COLUMNS: dict[str, Callable[[Prospects], npt.NDArray[Any]]] = {
    "viewer": lambda pairs: np.repeat(pairs.viewers, np.diff(pairs.stops)),
    "hears": lambda pairs: pairs.around.hearing.rows[pairs.viewer, 1].astype(np.float32),
    "fans": lambda pairs: pairs.around.fans[pairs.other].astype(np.float32),
    "similarity": _similarity,
    "likeness": _likeness,
    "same_community": _same_community,
}


def pairs_near(
    around: Acquainted, viewers: Ids, *, cap: int = 128, room: int = _ROOM
) -> Iterator[Prospects]:
    """Yield the pairs of viewers with members two ties away, some viewers at a time.

    Parameters
    ----------
    around
        A platform, or a bare world.
    viewers
        uint32 (k,).
    cap
        Sampled places per row: a viewer has at most ``cap ** 2`` pairs.
    room
        Maximum number of pairs held at a time.
    """
    hearing, key = around.hearing, rng.key(around.seed, Stream.NEAR, around.tick)
    size = cap * cap + cap
    at, work = np.zeros(around.agents, np.int64), _crossed(size)
    room, low = max(room, cap * cap), 0
    while low < viewers.size:
        stops = np.zeros(viewers.size - low + 1, np.int64)
        crossed = _crossed(room)
        rows, ids = hearing.rows, hearing.ids
        done = kernels.two_hop(viewers, low, rows, ids, cap, key, at, work, stops, crossed)
        stop = stops[done]
        found = dict(zip(_SUMS, (column[:stop] for column in crossed[1:]), strict=True))
        asked = viewers[low : low + done]
        others = crossed.others[:stop]
        yield Prospects(around, asked, stops[: done + 1], others, found).proposable()
        low += done


def _crossed(size: int) -> kernels.Crossed:
    common, adamic, spread = np.empty((3, size), np.float32)
    return kernels.Crossed(np.empty(size, np.uint32), common, adamic, spread)


def walked(
    around: Acquainted, viewers: Ids, steps: int, *, cap: int = 128, most: int = 4096
) -> Iterator[Prospects]:
    """Yield each viewer with the members that a random walk from it may reach, as ``walk``.

    Parameters
    ----------
    around, viewers, cap
        As :func:`pairs_near`.
    steps
        Steps of the walk; the probabilities of being at a member after 2, 3, ... are summed.
    most
        Maximum number of members from which a walk continues.
    """
    hearing, key = around.hearing, rng.key(around.seed, Stream.WALKS, around.tick)
    size = around.agents
    mass, fresh, total = (np.zeros(size) for _ in range(3))
    front, ahead, reached = (np.empty(size, np.uint32) for _ in range(3))
    marks = np.zeros(size, np.uint64)
    for viewer in viewers.tolist():
        count = kernels.walk(
            viewer, hearing.rows, hearing.ids, steps, cap, most, key, mass, fresh, total, front,
            ahead, reached, marks,
        )  # fmt: skip
        yield _come_to(around, viewer, reached[:count], total, "walk")


def liked_alike(around: Acquainted, viewers: Ids, *, cap: int = 32) -> Iterator[Prospects]:
    """Yield each viewer with the sources of members that share sources with it, as ``alike``.

    ``alike`` is the probability that a walk ends there which goes to a source of the viewer, back
    to another listener of that source, and on to a source of that listener.

    Parameters
    ----------
    around, viewers
        As :func:`pairs_near`.
    cap
        Sampled places per row: a viewer has at most ``cap ** 3`` pairs.
    """
    hearing, heard = around.hearing, around.heard_by
    key, total = rng.key(around.seed, Stream.ALIKE, around.tick), np.zeros(around.agents)
    reached = np.empty(around.agents, np.uint32)
    for viewer in viewers.tolist():
        count = kernels.alike(
            viewer, hearing.rows, hearing.ids, heard.rows, heard.ids, cap, key, total, reached
        )
        yield _come_to(around, viewer, reached[:count], total, "alike")


def _come_to(
    around: Acquainted, viewer: int, reached: Ids, total: npt.NDArray[np.float64], name: str
) -> Prospects:
    """Return a viewer's pairs with members reached that it does not hear; reset ``total`` to 0."""
    others = reached.copy()
    chances = total[others].astype(np.float32)
    total[others] = 0.0
    start, length = (int(x) for x in around.hearing.rows[viewer])
    known = np.append(around.hearing.ids[start : start + length], np.uint32(viewer))
    new = ~np.isin(others, known)
    stops = np.array([0, int(new.sum())], np.int64)
    who = np.array([viewer], np.uint32)
    return Prospects(around, who, stops, others[new], {name: chances[new]}).proposable()


def welcomed(around: Acquainted, viewers: Ids, count: int) -> tuple[Ids, Ids, F32]:
    """Return suggestions for members that hear nobody: (viewers, suggested, scores), best first.

    No path along ties leads from them to others. Each draws :data:`MET` candidates: a source of a
    random member, so that members with many listeners are drawn often. The score is the share of
    common interests, then the number of times drawn; members who may not be proposed are left out.
    """
    asked = np.ascontiguousarray(viewers if count else viewers[:0], np.uint32)
    parts = [_met(around, asked[k : k + _GUESTS], count) for k in range(0, asked.size, _GUESTS)]
    none = (np.empty(0, np.uint32), np.empty(0, np.uint32), np.empty(0, np.float32))
    who, others, scores = (np.concatenate(part) for part in zip(none, *parts, strict=True))
    return who, others, scores


def _met(around: Acquainted, asked: Ids, count: int) -> tuple[Ids, Ids, F32]:
    """Return the suggestions for some of them, best first."""
    hearing = around.hearing
    key, places = rng.key(around.seed, Stream.WELCOME, around.tick), np.arange(MET, dtype=np.uint32)
    words = rng.words(key, np.repeat(asked, MET), np.tile(places, asked.size))
    low, high = words & _LOW32, words >> _S32
    via = ((low * np.uint64(around.agents)) >> _S32).astype(np.uint32)
    start, length = hearing.rows[via].astype(np.uint64).T
    chosen = (start + ((high * np.maximum(length, np.uint64(1))) >> _S32)).astype(np.int64)
    met = via.copy()
    some = length > 0
    met[some] = hearing.ids[chosen[some]]
    met_by = np.repeat(np.arange(asked.size), MET)
    can = around.people.column("proposable")[met] & (met != asked[met_by])
    return _closest(around, asked, met_by[can], met[can], count)


def _closest(
    around: Acquainted, asked: Ids, met_by: I64, met: Ids, count: int
) -> tuple[Ids, Ids, F32]:
    """Return the best few distinct candidates."""
    pairs, times = np.unique(met_by << 32 | met.astype(np.int64), return_counts=True)
    which, others = pairs >> 32, (pairs & 0xFFFFFFFF).astype(np.uint32)
    interests = around.people.column("interests")
    mine, theirs = interests[asked[which]], interests[others]
    either = np.bitwise_count(mine | theirs).astype(np.float32)
    alike = (np.bitwise_count(mine & theirs) / np.maximum(either, 1)).astype(np.float32)
    lots = rng.words(
        rng.key(around.seed, Stream.FRIENDS, around.tick), asked[which], others
    )  # of equals, none for its number
    order = np.lexsort((lots, -times, -alike, which))
    begins = np.searchsorted(which, np.arange(asked.size))
    best = order[(np.arange(order.size) - begins[which]) < count]
    return asked[which[best]], others[best], alike[best]


class TwoHop(FriendRecommender):
    """A recommender of friends by a formula over members two steps away.

    ::

        @register("shared-friends")
        class SharedFriends(TwoHop):
            '''Who shares most friends.'''

            def score(self, pairs):
                return pairs.common / (1 + pairs.fans)

    Its fields are its parameters.
    """

    card: ClassVar[Card] = Card(
        family="friends",
        meaning={"score": "how good a friend it would make; what it means is the formula's"},
        update="all pairs from the network as it stands at the tick",
        comparison="the highest scores are suggested",
        includes_self="never; nor those that the viewer hears already",
        direction="from a viewer to whom it hears, and to whom those hear",
        ties="equal scores by a draw addressed by viewer and other",
        time_unit="tick",
        channels="none: it proposes ties",
        draw_modes="none, beyond which places of long rows are looked at",
        cost="for each viewer, members two steps away, at most cap * cap",
        largest="as many agents as memory holds",
    )

    cap: int = Field(128, ge=1, le=4096, description="places of a row that are looked at")

    def score(self, pairs: Prospects) -> npt.NDArray[Any]:
        """Return one number per pair, preferably float32; the highest are suggested."""
        raise NotImplementedError

    def near(self, viewers: Ids, around: Acquainted) -> Iterator[Prospects]:
        """Yield the pairs to choose from; by default members two ties away."""
        return pairs_near(around, viewers, cap=self.cap)

    def suggest(self, viewers: Ids, platform: Acquainted, count: int) -> tuple[Ids, Ids, F32]:
        """Return (viewers, suggested, scores), at most ``count`` for each viewer, best first."""
        asked = np.ascontiguousarray(viewers, np.uint32)
        key = rng.key(platform.seed, Stream.FRIENDS, platform.tick)
        parts = [self._best(pairs, key, count) for pairs in self.near(asked, platform)]
        none = (np.empty(0, np.uint32), np.empty(0, np.uint32), np.empty(0, np.float32))
        who, others, scores = (np.concatenate(part) for part in zip(none, *parts, strict=True))
        return who, others, scores

    def of_pairs(self, viewers: Ids, others: Ids, around: Acquainted) -> F32:
        """Return the score of each pair, float32 (pairs,); minus infinity if too far away.

        Pairs that are already tied count as too far away: they are never proposed.
        """
        asked, which = np.unique(np.asarray(viewers, np.uint32), return_inverse=True)
        wanted = which.astype(np.uint64) << np.uint64(32) | np.asarray(others, np.uint64)
        found = np.full(wanted.size, -np.inf, np.float32)
        begin = 0
        for pairs in self.near(asked, around):
            rank = np.repeat(np.arange(begin, begin + pairs.viewers.size), np.diff(pairs.stops))
            keys = rank.astype(np.uint64) << np.uint64(32) | pairs.other
            order, scores = np.argsort(keys), self._scores(pairs)
            place = np.minimum(np.searchsorted(keys, wanted, sorter=order), max(keys.size - 1, 0))
            if keys.size:
                hit = keys[order[place]] == wanted
                found[hit] = scores[order[place[hit]]]
            begin += pairs.viewers.size
        return found

    def _best(self, pairs: Prospects, key: np.uint64, count: int) -> tuple[Ids, Ids, F32]:
        scores = self._scores(pairs)
        counts = np.empty(pairs.viewers.size, np.int64)
        chosen = np.zeros(pairs.viewers.size * count, np.int64)
        kernels.best(pairs.stops, pairs.viewers, pairs.other, scores, key, count, counts, chosen)
        taken = np.arange(count) < counts[:, np.newaxis]
        places = chosen.reshape(-1, count)[taken]
        return np.repeat(pairs.viewers, counts), pairs.other[places], scores[places]

    def _scores(self, pairs: Prospects) -> F32:
        said = np.asarray(self.score(pairs))
        name = self.plugin_name or type(self).__name__
        if said.dtype.kind not in "biuf" or said.shape not in {(), (len(pairs),)}:
            raise PluginError(
                name,
                f"score() must return one number a pair, shape ({len(pairs)},), got {said.dtype} "
                f"{said.shape}",
            )
        scores = np.ascontiguousarray(np.broadcast_to(said, len(pairs)), np.float32)
        if np.isnan(scores).any():
            raise PluginError(name, "score() returned NaN; check for 0 / 0")
        return scores
