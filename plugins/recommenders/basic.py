"""Feed recommenders: baselines, formulas, collaborative filtering, diversity and bridging."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from sim import Act, Candidates, Card, Field, Recommender, Weighted, register
from sim.arrays import F32, Array
from sim.platform import (
    Chronological,
    PlatformView,
    Weights,
    learn_tastes,
    mixed,
    tastes_of,
    varied,
)

register("chronological")(Chronological)


@register("random")
class Random(Recommender):
    """Whatever comes: a fair draw for each viewer and message."""

    card: ClassVar[Card] = Card(
        source="the feed 'random' of OASIS (arXiv:2411.11581) and Y Social (arXiv:2408.00818)",
        equations=("score = a uniform draw",),
        checked=("the formula over every candidate of a world",),
    )

    def score(self, candidates: Candidates) -> npt.NDArray[Any]:
        """Return an addressed draw."""
        return candidates.draw


@register("popularity")
class Popularity(Recommender):
    """What most like and share, whoever they are and whenever it was."""

    weight: float = Field(2.0, ge=0, le=100, description="likes that a share counts for")

    card: ClassVar[Card] = Card(
        source="charts by success: Salganik, Dodds & Watts, Science 311, 2006",
        equations=("score = likes + weight shares",),
        checked=("the formula over every candidate of a world",),
    )

    def score(self, candidates: Candidates) -> npt.NDArray[Any]:
        """Return likes + weight x shares."""
        return candidates.likes + np.float32(self.weight) * candidates.shares


@register("content")
class Content(Recommender):
    """What is about one's interests; of equals the newer."""

    card: ClassVar[Card] = Card(
        source="content-based filtering: Pazzani & Billsus, The Adaptive Web, 2007",
        equations=("score = |tags & interests| / |tags| - age / 10,000",),
        checked=("the formula over every candidate of a world",),
    )

    def score(self, candidates: Candidates) -> npt.NDArray[Any]:
        """Return the share of the message's interests that the viewer has, less age / 10,000."""
        return candidates.interest - np.float32(1e-4) * candidates.age


@register("blend")
class Blend(Weighted):
    """A feed as platforms make it: interest, trust, what is new, what is liked, and some variety.

    The score is the sum of its parts ::

        interest * interest + trust * trust + followed * followed
        + fresh * half_life / (half_life + hours)
        + popular * n / (n + 20),  n = likes + 2 shares
        + friends * (further friends that share it)
        - demotion * downranked + language * (the author writes in the viewer's language)
    """

    interest: float = Field(1.0, ge=0, le=100, description="weight of shared interests")
    trust: float = Field(0.6, ge=0, le=100, description="weight of trust in who shared it")
    followed: float = Field(0.4, ge=0, le=100, description="bonus for those one follows")
    fresh: float = Field(0.8, ge=0, le=100, description="weight of novelty")
    half_life: float = Field(
        8.0, gt=0, le=10_000, description="age at which novelty is halved", unit="hours"
    )
    popular: float = Field(0.5, ge=0, le=100, description="weight of likes and shares")
    friends: float = Field(0.2, ge=0, le=100, description="for each further friend that shares it")
    demotion: float = Field(2.0, ge=0, le=100, description="what being down-ranked costs")
    language: float = Field(0.0, ge=0, le=100, description="bonus for the viewer's own language")

    card: ClassVar[Card] = Card(
        source="Hubbub's own; the terms are those of the published ranking of Twitter, 2023",
        equations=("score = the sum of the parts above",),
        checked=("the formula over every candidate of a world",),
    )

    def weights(self) -> Weights:
        """Return what each thing counts for."""
        return Weights(
            self.interest, self.trust, self.followed, self.fresh, self.popular, self.friends,
            self.demotion, self.half_life, language=self.language,
        )  # fmt: skip


_ONE = np.float32(1)
_LATER = np.float32(1e-4)
"""Cost per tick of age, where age only breaks ties."""


@register("most-commented")
class MostCommented(Recommender):
    """What most have answered; of equals the newer."""

    card: ClassVar[Card] = Card(
        source="the feed 'comments' of Y Social (Rossetti et al., arXiv:2408.00818, 2024)",
        equations=("score = replies - age / 10,000",),
        checked=("the formula over every candidate of a world",),
    )

    def score(self, candidates: Candidates) -> Array:
        """Return the replies, less a little for age."""
        found: Array = candidates.replies - _LATER * candidates.age
        return found


@register("hot")
class Hot(Recommender):
    """Reddit's hot order, on simulated time: votes by their logarithm, against age.

    ``sign(s) log10 max(|s|, 1) + created / 45,000 s``, with s = likes - dislikes: ten times the
    votes weigh as much as 12.5 hours. Time is counted from now rather than from 2005, which moves
    all scores of a tick by the same number and no message past another.
    """

    seconds: float = Field(
        45_000.0, gt=0, le=1e9, description="age that a tenth of the votes outweighs",
        unit="seconds",
    )  # fmt: skip

    card: ClassVar[Card] = Card(
        source="reddit's published ranking code of 2008-2017, _sorts.pyx; OASIS, arXiv:2411.11581",
        equations=("score = sign(s) log10 max(|s|, 1) - age / 45,000 s,  s = likes - dislikes",),
        checked=("100 votes, 12.5 h: 2 - 1 = 1", "-10 votes, new: -1"),
        choices=("simulated seconds: OASIS takes the machine's clock, and ranks by its speed",),
    )

    def score(self, candidates: Candidates) -> Array:
        """Return the sum of its parts."""
        votes, age = self.parts(candidates).values()
        found: Array = votes + age
        return found

    def parts(self, candidates: Candidates) -> dict[str, Array]:
        """Return the votes' part and the age's."""
        c = candidates
        votes = c.likes - c.dislikes
        size = np.log10(np.maximum(np.abs(votes), _ONE))
        return {"votes": np.sign(votes) * size, "age": -c.hours * np.float32(3600 / self.seconds)}


@register("followed-ratio")
class FollowedRatio(Recommender):
    """The newest first, a fixed share of places for those whom one follows."""

    ratio: float = Field(0.6, ge=0, le=1, description="share of places for those one follows")

    card: ClassVar[Card] = Card(
        source="the followers' share of Y Social's feeds (arXiv:2408.00818), default 0.6",
        equations=("the k-th newest asks for place (k + 1/2) / share; score = -place",),
        checked=("5 and 5 candidates, ratio .6, 5 places: 3 followed, 2 others",),
        choices=("where either side runs out, the other takes its places",),
    )

    def score(self, candidates: Candidates) -> Array:
        """Return minus the age."""
        return -candidates.age

    def rerank(self, candidates: Candidates, scores: npt.NDArray[np.float32], slots: int) -> Array:
        """Return minus the place that each asks for."""
        return mixed(candidates, scores, candidates.followed, self.ratio)

    def parts(self, candidates: Candidates) -> dict[str, Array]:
        """Return minus the place."""
        return {"place": self.rerank(candidates, -candidates.age, 0)}


@register("x-style")
class XStyle(Recommender):
    """Recency times fans times similarity, as OASIS has X's feed.

    ``R F S`` with R = ln((271.8 - age) / 100), F = max(1, log1000(fans + 1)) and S the cosine of
    the viewer's interests and the message's. Its age is in units of ``unit`` minutes, and ends at
    171.8, where R is 0: beyond 271.8 there would be no logarithm.
    """

    unit: float = Field(
        60.0, gt=0, le=100_000, description="what age is counted in", unit="minutes"
    )

    card: ClassVar[Card] = Card(
        source="OASIS: Yang et al., arXiv:2411.11581, 2024; its code leaves F out, this does not",
        equations=("score = ln((271.8 - min(age, 171.8)) / 100) max(1, log1000(fans + 1)) cos",),
        checked=("new, 999,999 fans, cosine 1: 0.99990 * 2", "age 171.8: 0"),
        choices=("interests stand for the embeddings of biography and post",),
    )

    def score(self, candidates: Candidates) -> Array:
        """Return the product."""
        c = candidates
        age = np.minimum(c.hours * np.float32(60 / self.unit), np.float32(171.8))
        recency = np.log((np.float32(271.8) - age) / np.float32(100))
        fans = np.maximum(_ONE, np.log10(c.fans + _ONE) / np.float32(3))
        found: Array = np.maximum(recency, np.float32(0)) * fans * _cosine(c)
        return found


def _cosine(c: Candidates) -> Array:
    mine, its = c.viewer_interests, c.tags
    both = np.bitwise_count(mine & its).astype(np.float32)
    sizes = np.bitwise_count(mine).astype(np.float32) * np.bitwise_count(its)
    found: Array = both / np.sqrt(np.maximum(sizes, _ONE))
    return found


@register("similar-users")
class SimilarUsers(Recommender):
    """What members like oneself share: in interests and in the five traits.

    ``J(interests of viewer and source) * (1 - mean difference of traits) - age / 10,000``.
    """

    card: ClassVar[Card] = Card(
        source="user-based filtering: Resnick et al., GroupLens, CSCW 1994; on traits, not on acts",
        equations=("score = J(viewer, source) (1 - mean |traits|) - age / 10,000",),
        checked=("the formula over every candidate of a world",),
        choices=("on what members did, it is collaborative-filtering",),
    )

    def score(self, candidates: Candidates) -> Array:
        """Return the likeness of viewer and source."""
        c = candidates
        mine, theirs = c.viewer_interests, c.source_interests
        either = np.bitwise_count(mine | theirs).astype(np.float32)
        share = np.bitwise_count(mine & theirs) / np.maximum(either, _ONE)
        traits = c.around.people.column("personality")
        apart = np.abs(traits[c.viewer].astype(np.float32) - traits[c.source]).mean(axis=1)
        found: Array = share * (_ONE - apart / np.float32(255)) - _LATER * c.age
        return found


@register("trust-weighted")
class TrustWeighted(Recommender):
    """What trusted members share: trust times the author's reputation, and interest besides.

    ``t * r / (r + 1) * (1 + interest)``, with t the viewer's trust in the source (``stranger`` for
    those it does not follow) and r the author's reputation, 1 on average.
    """

    stranger: float = Field(0.2, ge=0, le=1, description="trust in those one does not follow")

    card: ClassVar[Card] = Card(
        source="Hubbub's own; trust as a weight: Golbeck, Computing and applying trust, 2005",
        equations=("score = t r / (r + 1) (1 + interest) - age / 10,000",),
        checked=("the formula over every candidate of a world",),
    )

    def score(self, candidates: Candidates) -> Array:
        """Return the weighted trust."""
        c = candidates
        trust = np.where(c.followed, c.trust, np.float32(self.stranger))
        found: Array = (
            trust * c.reputation / (c.reputation + _ONE) * (_ONE + c.interest) - _LATER * c.age
        )
        return found


@register("collaborative-filtering")
class CollaborativeFiltering(Recommender):
    """What those liked who like what one likes: short vectors learned from every act.

    A message begins with the vectors of its author and of what it is about, and is moved by each
    like, repost, quote, dislike and report; to write of something is to like it. Members begin with
    none to speak of: what their interests are is never looked at. What is learned is saved with the
    world. It learns from the act log: a platform that keeps none (``log_ticks`` 0) teaches nothing.
    """

    factors: int = Field(16, ge=1, le=64, description="length of the vectors")
    rate: float = Field(0.05, gt=0, le=1, description="how far an act moves them")
    pull: float = Field(0.005, ge=0, le=1, description="pull of all towards 0")
    misses: int = Field(1, ge=0, le=20, description="messages drawn against for each act")

    card: ClassVar[Card] = Card(
        source="Koren, Bell & Volinsky, Computer 42(8), 2009; with log-odds, Johnson, NIPS-W 2014; "
        "messages by their author and topics, Kula, LightFM, CBRecSys 2015",
        equations=(
            "score = bias(message) + dot(member, message)",
            "message at first = its author + mean of its topics",
            "an act moves both by rate (value - chance) other - rate pull own; "
            "author and topics move as the message does",
        ),
        cost="a step of 2 k multiplications for each act and each miss, k a candidate",
        checked=(
            "one step by hand",
            "at the defaults, who has an interest is guessed to like it more: AUC 0.68 after two "
            "days, 0.71 after five; blind, and of other recommenders by votes or age, 0.50",
            "jester5k: RMSE 4.02 to 4.06, of biases alone 4.30 to 4.34",
            "msweb: hit rate of ten 0.70, of popularity 0.64",
        ),
        choices=("own kernels: an act at a time needs no refit of all",),
    )

    def prepare(self, platform: PlatformView) -> None:
        """Learn from the acts since the last tick."""
        learn_tastes(
            platform,
            self._name,
            factors=self.factors,
            rate=self.rate,
            pull=self.pull,
            misses=self.misses,
        )

    def score(self, candidates: Candidates) -> Array:
        """Return the sum of its parts."""
        liked, taste = self.parts(candidates).values()
        found: Array = liked + taste
        return found

    def parts(self, candidates: Candidates) -> dict[str, Array]:
        """Return what all think of it, and how it fits the viewer."""
        tastes, rows = tastes_of(candidates.around, self._name), candidates.row
        if tastes is None:
            nothing = np.zeros(len(candidates), np.float32)
            return {"liked": nothing, "taste": nothing}
        return {"liked": tastes.bias[rows], "taste": tastes.guess(candidates.viewer, rows)}

    @property
    def _name(self) -> str:
        """Two of them with other parameters learn apart."""
        return "collaborative-filtering-" + "-".join(f"{v:g}" for v in self.values().values())


@register("diversity")
class Diversity(Blend):
    """The blend, where each place loses what resembles those above it."""

    variety: float = Field(0.8, ge=0, le=100, description="loss at equal interests as one above")
    same_author: float = Field(
        0.4, ge=0, le=100, description="loss for each message of its author above"
    )

    card: ClassVar[Card] = Card(
        source="maximal marginal relevance: Carbonell & Goldstein, SIGIR 1998",
        equations=("next = argmax of blend - variety max J(tags, one above) - same_author n",),
        cost="slots times candidates, for each viewer",
        checked=("the greedy choice by hand", "variety = same_author = 0 is the blend"),
    )

    def rerank(self, candidates: Candidates, scores: F32, slots: int) -> Array:
        """Return the scores less what repeats."""
        return varied(candidates, scores, slots, variety=self.variety, same_author=self.same_author)

    def parts(self, candidates: Candidates) -> dict[str, Array]:
        """Return the terms of the blend, and the loss."""
        found = super().parts(candidates)
        base = super().score(candidates)
        least = np.diff(candidates.stops).max(initial=0)
        return found | {"repeats": self.rerank(candidates, base, int(least)) - base}


@register("bridging")
class Bridging(Blend):
    """The blend, and a bonus for what is liked across communities.

    Of a message's likes and reposts, c come from members of other communities than its author's;
    the bonus is ``bridge * c / (n + 5)``, n all of them: a few votes from everywhere prove little.
    Members of no community count as others.
    """

    bridge: float = Field(1.5, ge=0, le=100, description="weight of what is liked across")

    card: ClassVar[Card] = Card(
        source="Ovadya & Thorburn, Bridging systems, arXiv:2301.09976, 2023",
        equations=("score = blend + bridge c / (n + 5)",),
        cost="as the blend, and a count for each like",
        checked=("counts by hand", "bridge = 0 is the blend"),
        choices=("communities stand for camps",),
    )

    def prepare(self, platform: PlatformView) -> None:
        """Count the likes since the last tick."""
        held, posts = platform.held, platform.posts
        counts, marks = held.get("bridging.counts"), held.get("bridging.marks")
        if counts is None or marks is None:
            counts, marks = np.zeros((0, 2), np.float32), np.array([posts.first, -1], np.int64)
        kept = counts[posts.first - int(marks[0]) :]
        grown = np.zeros((len(posts), 2), np.float32)
        grown[: len(kept)] = kept
        for tick, acts in platform.log:
            if int(marks[1]) < tick < platform.tick:
                liked = np.isin(acts.act, (Act.LIKE, Act.REPOST)) & (acts.message >= posts.first)
                _count(platform, grown, acts.agent[liked], posts.rows(acts.message[liked]))
        held["bridging.counts"] = grown
        held["bridging.marks"] = np.array([posts.first, platform.tick - 1], np.int64)

    def score(self, candidates: Candidates) -> Array:
        """Return the blend and the bonus."""
        found: Array = super().score(candidates) + self._bonus(candidates)
        return found

    def parts(self, candidates: Candidates) -> dict[str, Array]:
        """Return the terms of the blend, and the bonus."""
        return super().parts(candidates) | {"bridge": self._bonus(candidates)}

    def _bonus(self, candidates: Candidates) -> Array:
        counts = candidates.around.held.get("bridging.counts")
        if counts is None:
            return np.zeros(len(candidates), np.float32)
        across, all_of = counts[candidates.row].T
        found: Array = np.float32(self.bridge) * across / (all_of + np.float32(5))
        return found


def _count(platform: PlatformView, counts: Array, who: Array, rows: Array) -> None:
    """Count likes per row: those from another community than the author's, and all."""
    community = platform.people.column("community")
    mine, its = community[who], community[platform.posts.author[rows]]
    across = (mine != its) | (mine < 0)
    counts[:, 0] += np.bincount(rows[across], minlength=len(counts)).astype(np.float32)
    counts[:, 1] += np.bincount(rows, minlength=len(counts)).astype(np.float32)
