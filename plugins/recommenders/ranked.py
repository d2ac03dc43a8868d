"""Feed recommenders by a formula: most commented, hot, similar users, trust-weighted."""

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from sim import Candidates, Card, Field, Recommender, register
from sim.arrays import Array
from sim.platform import mixed

_ONE = np.float32(1)
_LATER = np.float32(1e-4)
"""What a tick of age costs where it only decides between equals."""


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
        json_schema_extra={"unit": "seconds"},
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
        return {
            "votes": np.sign(votes) * size,
            "age": -c.hours * np.float32(3600 / self.seconds),
        }


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
        60.0, gt=0, le=100_000, description="what age is counted in",
        json_schema_extra={"unit": "minutes"},
    )  # fmt: skip

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
