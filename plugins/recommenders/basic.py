"""Baseline feed recommenders: chronological, random, popularity, content, and a blend."""

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from sim import Candidates, Card, Field, Recommender, Weighted, register
from sim.platform import Chronological, Weights

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
        - demotion * downranked
    """

    interest: float = Field(1.0, ge=0, le=100, description="weight of shared interests")
    trust: float = Field(0.6, ge=0, le=100, description="weight of trust in who shared it")
    followed: float = Field(0.4, ge=0, le=100, description="bonus for those one follows")
    fresh: float = Field(0.8, ge=0, le=100, description="weight of novelty")
    half_life: float = Field(
        8.0, gt=0, le=10_000, description="age at which novelty is halved",
        json_schema_extra={"unit": "hours"},
    )  # fmt: skip
    popular: float = Field(0.5, ge=0, le=100, description="weight of likes and shares")
    friends: float = Field(0.2, ge=0, le=100, description="for each further friend that shares it")
    demotion: float = Field(2.0, ge=0, le=100, description="what being down-ranked costs")

    card: ClassVar[Card] = Card(
        source="Hubbub's own; the terms are those of the published ranking of Twitter, 2023",
        equations=("score = the sum of the parts above",),
        checked=("the formula over every candidate of a world",),
    )

    def weights(self) -> Weights:
        """Return what each thing counts for."""
        return Weights(
            self.interest, self.trust, self.followed, self.fresh, self.popular, self.friends,
            self.demotion, self.half_life,
        )  # fmt: skip
