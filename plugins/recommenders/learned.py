"""Feed recommenders by collaborative filtering, for diversity, and for bridging of groups."""

from typing import ClassVar

import numpy as np

from plugins.recommenders.basic import Blend
from sim import Act, Candidates, Card, Field, Recommender, register
from sim.arrays import F32, Array
from sim.platform import PlatformView, learn_tastes, tastes_of, varied


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
    """Count who liked which row, and whether it is of another community than the author."""
    community = platform.people.column("community")
    mine, its = community[who], community[platform.posts.author[rows]]
    across = (mine != its) | (mine < 0)
    counts[:, 0] += np.bincount(rows[across], minlength=len(counts)).astype(np.float32)
    counts[:, 1] += np.bincount(rows, minlength=len(counts)).astype(np.float32)
