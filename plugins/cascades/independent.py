"""Independent cascades and their kin: with communities, fading attempts, triggering sets."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from sim import (
    Bools,
    Card,
    Cascade,
    Contacts,
    DrawMode,
    Draws,
    Field,
    LiveEdges,
    Pairs,
    PropagationModel,
    Setting,
    Theory,
    Triggering,
    convince,
    register,
    tree_curves,
)
from sim.spread import Border, Embeddedness, Levels, Novelty, convince_by, fresh_minutes

_MEANING = {
    "inactive": "has not adopted the message",
    "active": "has adopted it, for good; it spreads in the next tick",
}
_LEVELS = (0.1, 0.01, 0.001)


@register("independent-cascade")
class IndependentCascade(PropagationModel):
    """Each new adopter tries once to convince each of its listeners (Kempe et al. 2003).

    Kempe, Kleinberg & Tardos, "Maximizing the spread of influence through a social network", KDD
    2003. Synchronous; an attempt succeeds when its draw in [0, 1) is below its chance; influence
    runs along ties. Constant chances use geometric skips unless coins are asked for; chances by
    trust, degree or level always use coins.
    """

    states: ClassVar[tuple[str, ...]] = ("inactive", "active")
    draws: ClassVar[DrawMode] = "skips"
    progressive: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        family="cascades",
        source="Kempe, Kleinberg & Tardos, Maximizing the spread of influence through a social "
        "network, KDD 2003; trivalency: Chen, Wang & Wang, KDD 2010.",
        meaning={
            "inactive": "has not adopted the message",
            "active": "has adopted it, for good; it spreads in the next tick",
        },
        equations=(
            "P(u convinces v) = p_uv, once, in the tick after u adopted",
            "constant: p_uv = p; trust: p_uv = p trust_uv",
            "weighted-cascade: p_uv = 1 / (number of sources of v)",
            "trivalency: p_uv drawn once for each tie from {0.1, 0.01, 0.001}",
        ),
        draw_modes="skips (default) for constant chances; coins for all",
        cost="one visit a tie of each new adopter, fewer by skips",
        largest="10 million agents on one machine",
        checked=(
            "path of n: (1 - p^n) / (1 - p); star of d leaves: 1 + d p",
            "K_n, mean size: K3 p=.5 2.25, K4 .5 3.25, K5 .3 3.1011297736, K10 .1 3.026928593, "
            "K10 .2 6.784458345; 100,000 copies, within 4 standard errors",
            "karate club p=.1, seeds {0}, {33}, {0, 33}: 3.4109, 3.5033, 6.4240; 20,000 copies",
            "sizes have the law of bond percolation: two-sample KS, 20,000 against 3,000 runs",
            "random networks of mean degree c, c p = 1.5, 2, 3: large cascades .582812, .796812, "
            ".940480 of all",
            "every weighting against plain Python with the same coins, tick by tick",
        ),
        choices=("trivalency: a tie's level belongs to the world, the same for all messages",),
    )

    probability: float = Field(
        0.1, ge=0, le=1, description="chance of one attempt", unit="per attempt"
    )
    weights: Literal["constant", "trust", "weighted-cascade", "trivalency"] = Field(
        "constant",
        description="what an attempt's chance is: the probability, the probability times the tie's "
        "trust, 1 / the follower's number of sources, or one of .1, .01, .001 drawn for the tie",
    )

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Let last tick's adopters try."""
        if self.weights == "weighted-cascade":
            convince(cascade, contacts, draws, chance=1.0, scale="degree")
        elif self.weights == "trust":
            convince(cascade, contacts, draws, chance=self.probability, scale="trust")
        elif self.weights == "trivalency":
            convince_by(Levels(_LEVELS), cascade, contacts, draws)
        else:
            convince(cascade, contacts, draws, chance=self.probability)

    def live_edges(self) -> LiveEdges:
        """Return the chance of a tie's one attempt."""
        if self.weights == "weighted-cascade":
            return LiveEdges(scale="degree")
        if self.weights == "trivalency":
            return LiveEdges(levels=_LEVELS)
        return LiveEdges(self.probability, scale="trust" if self.weights == "trust" else "none")

    def theory(self, setting: Setting, ticks: int) -> tuple[Theory, ...]:
        """Return the tree approximation, where chances follow from numbers of ties."""
        if self.weights in {"trust", "trivalency"}:
            return ()
        by_degree = self.weights == "weighted-cascade"

        def answer(n: int, k: int, q: float) -> float:
            return 1.0 - (1.0 - (1.0 / k if by_degree else self.probability) * q) ** n

        return (tree_curves(setting, ticks, self.states, answer),)


_MOST = 255
_FORGOTTEN = 1e-9


@register("novelty-decay")
class NoveltyDecay(PropagationModel):
    """An independent cascade in which a message loses its novelty (Feng et al. 2014).

    Feng, Chen, Cong, Zeng, Chee & Xiang, "Influence maximization with novelty decay in social
    networks", AAAI 2014: who heard the message k times before is convinced with the chance
    p f(k). By age: p exp(-0.4 t^0.4), t in minutes, the decay of attention of Wu & Huberman,
    "Novelty and collective attention", PNAS 2007, as a mean over the tick. Synchronous; an attempt
    succeeds when its draw is below.
    """

    card: ClassVar[Card] = Card(
        source="Feng, Chen, Cong, Zeng, Chee & Xiang, Influence maximization with novelty decay in "
        "social networks, AAAI 2014; by age: Wu & Huberman, Novelty and collective attention, "
        "PNAS 2007.",
        meaning=_MEANING,
        equations=(
            "exposures: P(u convinces v) = p fading^k, k hearings of v in earlier ticks",
            "age: P(u convinces v) = p times the mean of exp(-0.4 t^0.4) over the tick's minutes t "
            "of the message",
        ),
        cost="one visit a tie of each new adopter, one more to count hearings",
        largest="10 million agents on one machine",
        checked=(
            "both rules against plain Python with the same coins, adopters, ticks and sources",
            "an agent that three others reach in turn: the exact shares; 20,000 copies, "
            "within 4 standard errors",
        ),
        choices=(
            "hearings of one tick count as simultaneous: none is earlier than another",
            "decay: which of the two, Feng's by default",
        ),
    )

    probability: float = Field(
        0.2, ge=0, le=1, description="chance of a first, fresh attempt", unit="per attempt"
    )
    decay: Literal["exposures", "age"] = Field(
        "exposures", description="what wears the message out: earlier hearings, or its age"
    )
    fading: float = Field(
        0.5, ge=0, le=1, description="share of the chance left by each earlier hearing"
    )

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Let last tick's adopters try."""
        if self.decay == "age":
            each = contacts.tick_minutes
            stop = (draws.tick - cascade.started_at) * each
            fresh = (fresh_minutes(stop) - fresh_minutes(stop - each)) / each
            convince(cascade, contacts, draws, chance=self.probability * fresh)
        else:
            rule = Novelty(self.left())
            convince_by(rule, cascade, contacts, draws, chance=self.probability)

    def left(self) -> tuple[float, ...]:
        """Return what is left after 0, 1, 2, ... hearings."""
        shares = [1.0]
        while shares[-1] > _FORGOTTEN and len(shares) <= _MOST and self.fading < 1:
            shares.append(shares[-1] * self.fading)
        return tuple(shares)


_SOURCE = (
    "Milli & Rossetti, Community-aware content diffusion: embeddedness and permeability, "
    "Complex Networks 2019."
)
_OVERLAP = "e(u, v) = c / (d_u + d_v - c), d: number of followers, c: common ones in u's community"
_CHOICES = (
    "neighbours are followers, also where ties are one-sided; an agent of no community shares none",
)
_CHECKED = (
    "against plain Python with the same coins, adopters, ticks and sources",
    "e(u, v) against set arithmetic, for short rows and hubs",
)


@register("icp")
class Permeability(PropagationModel):
    """An independent cascade whose attempts weaken at the border of a community (ICP).

    Milli & Rossetti, "Community-aware content diffusion: embeddedness and permeability", Complex
    Networks 2019. Communities are the world's.
    """

    progressive: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        source=_SOURCE,
        meaning=_MEANING,
        equations=("P(u convinces v) = p within a community, p * permeability between two",),
        cost="one visit a tie of each new adopter",
        largest="10 million agents on one machine",
        checked=_CHECKED[:1],
        choices=_CHOICES,
    )

    probability: float = Field(
        0.1, ge=0, le=1, description="chance within a community", unit="per attempt"
    )
    permeability: float = Field(
        0.3, ge=0, le=1, description="share of the chance that is left between communities"
    )

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Let last tick's adopters try."""
        rule = Border(self.permeability)
        convince_by(rule, cascade, contacts, draws, chance=self.probability)

    def live_edges(self) -> LiveEdges:
        """Return the chance of a tie's one attempt, and its share between communities."""
        return LiveEdges(self.probability, across=self.permeability)


@register("ice")
class EmbeddednessCascade(PropagationModel):
    """An independent cascade along closeness: the overlap of two neighbourhoods (ICE).

    Milli & Rossetti, Complex Networks 2019. Free of parameters: within a community the chance is
    the tie's embeddedness e(u, v), between two the least embeddedness of the speaker's ties.
    """

    progressive: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        source=_SOURCE,
        meaning=_MEANING,
        equations=(
            _OVERLAP,
            "P(u convinces v) = e(u, v) within a community, min over w of e(u, w) between two",
        ),
        cost="one visit a tie of each new adopter; followers are compared where its coin is low, "
        "in communities of at most 64 by a word or two an agent, made once a network",
        largest="1 million agents on one machine",
        checked=_CHECKED,
        choices=_CHOICES,
    )

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Let last tick's adopters try."""
        convince_by(Embeddedness(), cascade, contacts, draws)


@register("icep")
class EmbeddednessPermeability(PropagationModel):
    """An independent cascade along closeness, with permeable borders (ICEP).

    Milli & Rossetti, Complex Networks 2019: within a community the chance is the tie's
    embeddedness, between two the probability times the permeability.
    """

    progressive: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        source=_SOURCE,
        meaning=_MEANING,
        equations=(
            _OVERLAP,
            "P(u convinces v) = e(u, v) within a community, p * permeability between two",
        ),
        cost="one visit a tie of each new adopter; followers are compared where its coin is low, "
        "in communities of at most 64 by a word or two an agent, made once a network",
        largest="1 million agents on one machine",
        checked=_CHECKED,
        choices=_CHOICES,
    )

    probability: float = Field(
        0.1, ge=0, le=1, description="chance over a tie, before the border", unit="per attempt"
    )
    permeability: float = Field(
        0.3, ge=0, le=1, description="share of the chance that is left between communities"
    )

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Let last tick's adopters try."""
        rule = Embeddedness(self.probability * self.permeability)
        convince_by(rule, cascade, contacts, draws)


@register("triggering")
class TriggeringSets(Triggering):
    """Adopt once anybody does of a set that you drew among those you hear (Kempe et al. 2003).

    Kempe, Kleinberg & Tardos, KDD 2003: every model whose agents draw such a set in advance has the
    law of reachability over live ties. Each source by itself: an independent cascade. One source,
    evenly or by trust: a linear threshold. Several: in between.
    """

    states: ClassVar = ("inactive", "active")
    card: ClassVar[Card] = Card(
        source="Kempe, Kleinberg & Tardos, Maximizing the spread of influence through a social "
        "network, KDD 2003, section 4.1.",
        meaning={
            "inactive": "none of its set has adopted",
            "active": "has adopted, for good; it triggers in the next tick",
        },
        equations=(
            "v adopts in the tick after the first u of its set T_v did",
            "independent: each source is in T_v with chance p",
            "several: the next `size` sources by id, from a random one on, around the circle",
            "trusted: one source, in proportion to trust",
        ),
        checked=(
            "independent: adopts as independent-cascade does with the same coins, tick by tick",
            "every way: breadth-first search over the live ties, adopters and ticks",
            "several, size 1, K5, one seed: mean size 3.21875, as linear thresholds; 20,000 "
            "copies, within 4 standard errors",
        ),
        choices=(
            "several: sets of consecutive ids, so that each source is in with size / sources",
        ),
    )

    sets: Literal["independent", "several", "trusted"] = Field(
        "several",
        description="how an agent draws its set: each source with the probability, `size` of its "
        "sources, or one in proportion to trust",
    )
    probability: float = Field(
        0.1, ge=0, le=1, description="chance of each source, independent", unit="per source"
    )
    size: int = Field(2, ge=1, le=1_000_000, description="sources in a set, several")

    def triggers(self, pairs: Pairs) -> Bools:
        """Return which sources are in the sets of those that hear them."""
        if self.sets == "independent":
            return pairs.coin < self.probability
        if self.sets == "trusted":
            return (pairs.before <= pairs.draw) & (pairs.draw < pairs.before + pairs.share)
        first = np.floor(pairs.draw * pairs.sources)
        return (pairs.rank - first) % pairs.sources < self.size
