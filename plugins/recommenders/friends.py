"""Friend recommenders (link prediction): common neighbours, Jaccard, Adamic-Adar, random walks."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from sim import Card, Field, Prospects, TwoHop, register
from sim.arrays import Array
from sim.platform import Acquainted, liked_alike, walked

_BY = (
    "Liben-Nowell & Kleinberg, The link-prediction problem for social networks, JASIST 58(7), 2007"
)
_TESTED = "held-out ties of lastfm-asia against as many random pairs: AUC "


@register("common-neighbours")
class CommonNeighbours(TwoHop):
    """Who is heard by the most members that one hears."""

    card: ClassVar[Card] = Card(
        source=f"Newman, PRE 64, 025102, 2001; {_BY}",
        equations=("score(v, w) = |hears(v) & heard by(w)|",),
        checked=(f"{_TESTED}0.81 to 0.82",),
    )

    def score(self, pairs: Prospects) -> Array:
        """Return how many members stand between."""
        return pairs.common


@register("jaccard")
class Jaccard(TwoHop):
    """Common members as a share of all members of either."""

    card: ClassVar[Card] = Card(
        source=f"Jaccard, 1901; {_BY}",
        equations=("score(v, w) = c / (|hears(v)| + |heard by(w)| - c), c members in common",),
        checked=(f"{_TESTED}0.81 to 0.82",),
    )

    def score(self, pairs: Prospects) -> Array:
        """Return the share."""
        share: Array = pairs.common / (pairs.hears + pairs.fans - pairs.common)
        return share


@register("adamic-adar")
class AdamicAdar(TwoHop):
    """Common members, of whom those that hear few count most."""

    card: ClassVar[Card] = Card(
        source=f"Adamic & Adar, Social Networks 25(3), 2003; {_BY}",
        equations=("score(v, w) = sum over m between of 1 / ln |hears(m)|",),
        checked=(f"{_TESTED}0.81 to 0.82",),
        choices=("who hears one member alone counts as hearing two: ln 1 would divide by 0",),
    )

    def score(self, pairs: Prospects) -> Array:
        """Return the weighted count."""
        return pairs.adamic_adar


@register("preferential-attachment")
class MostFollowed(TwoHop):
    """The most followed of those two steps away."""

    card: ClassVar[Card] = Card(
        source=f"Barabasi & Albert, Science 286, 1999; {_BY}",
        equations=("score(v, w) = |hears(v)| * |heard by(w)|",),
        checked=("the product of degrees, by hand",),
        choices=("only members two steps away are candidates: of all, everybody gets the same",),
    )

    def score(self, pairs: Prospects) -> Array:
        """Return the product of degrees."""
        product: Array = pairs.hears * pairs.fans
        return product


@register("two-hop-walk")
class TwoHopWalk(TwoHop):
    """Where two random steps along ties end."""

    card: ClassVar[Card] = Card(
        source="Liu & Lu, Link prediction based on local random walk, EPL 89, 58007, 2010",
        equations=("score(v, w) = sum over m between of 1 / (|hears(v)| |hears(m)|)",),
        checked=(f"{_TESTED}0.81 to 0.82",),
    )

    def score(self, pairs: Prospects) -> Array:
        """Return the chance of ending there."""
        chance: Array = pairs.spread / pairs.hears
        return chance


@register("random-walk")
class RandomWalk(TwoHop):
    """Where a random walk of a few steps along ties has been: it sees beyond friends of friends."""

    steps: int = Field(4, ge=2, le=8, description="steps of the walk")
    cap: int = Field(64, ge=1, le=4096, description="places of a row that are looked at")
    most: int = Field(512, ge=1, le=1_000_000, description="members from which a walk goes on")

    card: ClassVar[Card] = Card(
        source="the superposed local random walk of Liu & Lu, EPL 89, 58007, 2010",
        equations=("score(v, w) = sum over t = 2 .. steps of P(walk from v stands on w after t)",),
        cost="for each viewer, the members within reach, at most cap * most a step",
        checked=(f"{_TESTED}0.89 to 0.91",),
        choices=("4 steps: AUC 0.82 at 2, 0.88 to 0.89 at 3, 0.89 to 0.91 at 4, less at 5",),
    )

    def near(self, viewers: npt.NDArray[np.uint32], around: Acquainted) -> Iterator[Prospects]:
        """Yield everybody whom the walk may come to."""
        return walked(around, viewers, self.steps, cap=self.cap, most=self.most)

    def score(self, pairs: Prospects) -> Array:
        """Return the summed chance."""
        return pairs.walk


@register("collaborative-follows")
class CollaborativeFollows(TwoHop):
    """Collaborative filtering of members: whom those follow who follow whom one follows.

    Of two members who follow the same, the fewer follow that one, and the fewer they follow
    themselves, the more alike they are. Whom many follow is proposed no more for that alone.
    """

    cap: int = Field(32, ge=1, le=1024, description="places of a row that are looked at")
    damping: float = Field(
        0.5, ge=0, le=1, description="how much being followed by many is discounted: 0 not at all"
    )

    card: ClassVar[Card] = Card(
        source="user-based filtering: Resnick et al., GroupLens, CSCW 1994; as a walk on follows, "
        "Gupta et al., WTF: the who to follow service at Twitter, WWW 2013",
        equations=(
            "score(v, w) = P(walk from v to m it hears, to u who hears m, to w whom u hears) "
            "/ |heard by(w)| ^ damping",
        ),
        direction="from a viewer to whom it hears, back to who else hears those, to whom they hear",
        cost="for each viewer, at most cap ^ 3 steps; about degree ^ 3 where rows are short",
        checked=(
            "the product of transition matrices",
            "held-out ties of lastfm-asia against as many random pairs: AUC 0.86 to 0.87, by "
            "degree 0.75; against pairs drawn by degree 0.84 to 0.86, by degree 0.47 to 0.49",
            "held-out votes of wiki-vote against others drawn by degree: AUC 0.82, by degree 0.51",
        ),
        choices=(
            "follows are what is filtered: of likes, it is the feeds' collaborative-filtering",
        ),
    )

    def near(self, viewers: npt.NDArray[np.uint32], around: Acquainted) -> Iterator[Prospects]:
        """Yield whom those hear who hear the same."""
        return liked_alike(around, viewers, cap=self.cap)

    def score(self, pairs: Prospects) -> Array:
        """Return the chance, discounted."""
        found: Array = pairs.alike / np.maximum(pairs.fans, np.float32(1)) ** np.float32(
            self.damping
        )
        return found


@register("compatibility")
class CompatibleMembers(TwoHop):
    """Who is most like oneself: in interests, traits, friends and community.

    ::

        score = interests * (shared interests / interests of either)
              + traits * (1 - mean difference of the five traits)
              + friends * c / (c + 3),  c members in common
              + community * (same community)
    """

    interests: float = Field(0.4, ge=0, le=100, description="weight of shared interests")
    traits: float = Field(0.3, ge=0, le=100, description="weight of like traits")
    friends: float = Field(0.2, ge=0, le=100, description="weight of members in common")
    community: float = Field(0.1, ge=0, le=100, description="weight of the same community")

    card: ClassVar[Card] = Card(
        source="Hubbub's own; likeness attracts: McPherson, Smith-Lovin & Cook, ARS 27, 2001",
        equations=(
            "score = .4 J(interests) + .3 (1 - mean |traits|) + .2 c / (c + 3) + .1 [community]",
        ),
        checked=("each term by hand", "deezer-ro: friends share more interests than strangers"),
    )

    def score(self, pairs: Prospects) -> Array:
        """Return the weighted sum."""
        one, c = np.float32, pairs.common
        total: Array = (
            one(self.interests) * pairs.similarity
            + one(self.traits) * pairs.likeness
            + one(self.friends) * c / (c + one(3))
            + one(self.community) * pairs.same_community
        )
        return total
