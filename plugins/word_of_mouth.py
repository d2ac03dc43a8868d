"""Word of mouth: viral spread, strong and weak ties, and exponential delays."""

from __future__ import annotations

import math
from typing import ClassVar, Literal, Self

import numpy as np

from sim import (
    Card,
    Cascade,
    Compartments,
    DrawMode,
    Exposure,
    Field,
    Floats,
    PerExposure,
    Setting,
    Theory,
    after,
    contact,
    register,
)  # fmt: skip


@register("viral")
class Viral(PerExposure):
    """Word of mouth: trust, interest, fading novelty, and what further sources add.

    As long as an adopter shows the message, each of its listeners takes it up with a chance that
    grows with trust and shared interest, fades with the age of the story, and rises with every
    further source that has adopted, up to three.
    """

    draws: ClassVar[DrawMode] = "coins"
    by_hours: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        family="word of mouth",
        source="this program's own; its parts: Wu & Huberman, PNAS 2007 (novelty); Centola & Macy, "
        "AJS 2007 (reinforcement); calibrated on the trees of Ma, Gao & Wong, ACL 2017",
        meaning={"inactive": "has not adopted it", "active": "has adopted it, for good"},
        equations=(
            "chance = base * hours * trust * (indifference + (1 - indifference) * interest) "
            "* (1 + reinforcement * min(k - 1, 3)) * a, at most 1",
            "a = exp(audience_spread z - audience_spread^2 / 2) where a seed speaks, z standard "
            "normal, one a message; else a = 1",
            "hours = integral of exp(-fading t^0.4) over this tick's minutes t of the story, / 60",
            "k = sources of the follower that have adopted",
        ),
        time_unit="hour; a tick is as many minutes as the world says",
        cost="each tick, all ties of those who adopted within attention: 60-80 ns a tie",
        largest="as many agents as memory holds",
        checked=(
            "equal to a plain reading of the equations, exposure by exposure, same coins",
            "means of scale, depth and breadth at 10, 60, 300 and 1,440 minutes of 745 retweet "
            "trees: 10 % mean error on the half that it was fitted to, 10 % on the other",
            "sizes after a day, KS to 1,490 trees: .53, errors 9 and 9 %; audience_spread .75: "
            ".10, 10 and 8 %; .7: .11, 10 and 8 %; .9: .11, 10 and 8 % (200 messages, seed 1)",
            "in the limit of many messages: audience_spread .75: .07, and .07 on the half that it "
            "was not fitted to (the halves are .06 apart); .7: .07; .9: .15",
        ),
        choices=(
            "defaults fit messages of accounts with 6,000 followers in a network of communities "
            "with 10 ties a member and ticks of 5 minutes; audiences differ, so should base",
            "audience_spread .75 is for seeds that are heard alike. Logs of the trees' sizes have "
            "a sd of .90, but their mean is 363 and this one's 311, as base fits depth and "
            "breadth too: at .9 the factor, of mean 1, leaves the median at 210, theirs is 239",
            "audience_spread is 0: seeds of a network with unequal degrees differ already",
        ),
    )

    base: float = Field(
        0.24, ge=0, le=1, description="chance at full trust, interest and novelty", unit="per hour"
    )
    indifference: float = Field(
        0.25, ge=0, le=1, description="what is left of the chance without any shared interest"
    )
    fading: float = Field(
        0.63, ge=0, le=10, description="loss of novelty: exp(-fading * minutes^0.4)"
    )
    reinforcement: float = Field(
        0.22, ge=0, le=10, description="gain by each further source that has adopted"
    )
    attention: int = Field(
        24, ge=1, le=1000, description="hours for which an adopter shows it", unit="hours"
    )
    audience_spread: float = Field(
        0.0, ge=0, le=3,
        description="sd of the log of a factor, mean 1, on how seeds are heard, once a message",
    )  # fmt: skip

    def speaks_hours(self) -> float:
        """Return ``attention``."""
        return float(self.attention)

    def chance(self, exposure: Exposure) -> Floats:
        """Weigh one exposure."""
        interest = self.indifference + (1 - self.indifference) * exposure.interest
        further = np.clip(exposure.adopted_sources - 1, 0, 3)
        hours = exposure.fresh_hours(self.fading) * exposure.audience(self.audience_spread)
        return self.base * hours * exposure.trust * interest * (1 + self.reinforcement * further)


@register("hybrid")
class Hybrid(PerExposure):
    """Word of mouth over strong ties, plain diffusion over weak ones (Granovetter 1973).

    A strong tie persuades by trust and interest; a weak one passes the message on after an
    exponential delay, whatever the interest. Both fade with the age of the story.
    """

    draws: ClassVar[DrawMode] = "coins"
    by_hours: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        family="word of mouth",
        source="this program's own; its parts: Granovetter, The strength of weak ties, AJS 1973; "
        "Wu & Huberman, PNAS 2007 (novelty); calibrated on the trees of Ma, Gao & Wong, ACL 2017",
        meaning={"inactive": "has not adopted it", "active": "has adopted it, for good"},
        equations=(
            "strong tie: chance = base * hours * trust * interest * a, at most 1",
            "weak tie: chance = 1 - exp(-rate * hours * a)",
            "a = exp(audience_spread z - audience_spread^2 / 2) where a seed speaks, z standard "
            "normal, one a message; else a = 1",
            "hours = integral of exp(-fading t^0.4) over this tick's minutes t of the story, / 60",
        ),
        time_unit="hour; a tick is as many minutes as the world says",
        cost="each tick, all ties of those who adopted within attention: 60-80 ns a tie",
        largest="as many agents as memory holds",
        checked=(
            "equal to a plain reading of the equations, exposure by exposure, same coins",
            "on the network retweet-like, both at their defaults, 200 messages of a day: NRMSE to "
            "the means of 1,490 retweet trees of scale .03, depth .05 and breadth .06, KS of sizes "
            ".08; more in sim/lab/calibration/README.md",
        ),
        choices=(
            "a tie is strong when its ends share a community, or from a trust on: strong, cut; "
            "where nobody in the world is in a community, from a trust on too",
            "defaults fit messages of roots of the network retweet-like, as it comes, in ticks of "
            "5 minutes; audiences differ, so should rate",
            "audience_spread is 0: seeds of a network with unequal degrees differ already",
        ),
    )

    strong: Literal["community", "trust"] = Field(
        "community",
        description="what makes a tie strong: one community, or trust; trust where there is none",
    )
    cut: float = Field(0.5, ge=0, le=1, description="least trust of a strong tie")
    base: float = Field(
        0.09, ge=0, le=1, description="chance over a strong tie at full trust and interest",
        unit="per hour",
    )  # fmt: skip
    rate: float = Field(
        0.103, ge=0, le=100, description="transmissions", unit="per weak tie and hour"
    )
    fading: float = Field(
        0.46, ge=0, le=10, description="loss of novelty: exp(-fading * minutes^0.4)"
    )
    attention: int = Field(
        24, ge=1, le=1000, description="hours for which an adopter shows it", unit="hours"
    )
    audience_spread: float = Field(
        0.0, ge=0, le=3,
        description="sd of the log of a factor, mean 1, on how seeds are heard, once a message",
    )  # fmt: skip

    def speaks_hours(self) -> float:
        """Return ``attention``."""
        return float(self.attention)

    def chance(self, exposure: Exposure) -> Floats:
        """Weigh one exposure by the kind of its tie."""
        trust = exposure.trust
        hours = exposure.fresh_hours(self.fading) * exposure.audience(self.audience_spread)
        by_trust = self.strong == "trust" or not exposure.has_communities
        near = trust >= self.cut if by_trust else exposure.same_community
        word_of_mouth = self.base * hours * trust * exposure.interest
        return np.where(near, word_of_mouth, -np.expm1(-self.rate * hours))


@register("diffusion")
class Diffusion(Compartments):
    """Every tie passes the message on after an exponential delay, until attention ends.

    Continuous time observed at whole ticks: a chain of several ties takes several ticks.
    """

    card: ClassVar[Card] = Card(
        family="word of mouth",
        source="Gomez-Rodriguez, Balduzzi & Scholkopf, Uncovering the temporal dynamics of "
        "diffusion networks, ICML 2011 (exponential transmission), with an exponential span",
        meaning={
            "unaware": "has not heard of it",
            "informed": "has it and passes it on",
            "silent": "has it and passes it on no more",
        },
        equations=(
            "a tie of trust w fires in a tick of h hours with chance w (1 - exp(-rate a h))",
            "a = exp(audience_spread z - audience_spread^2 / 2) where a seed speaks, z standard "
            "normal, one a message; else a = 1",
            "an informed agent falls silent in a tick with chance 1 - exp(-h / span)",
        ),
        time_unit="hour; a tick is as many minutes as the world says",
        cost="each tick, the ties of the informed, by skips where trust is 1: 15-40 ns a tie used",
        largest="as many agents as memory holds",
        checked=(
            "equal to plain Python tick by tick with the same coins",
            "final sizes on complete graphs in thin ticks: Markov SIR, K3 13/6, K5 3.898611 "
            "(4 standard errors)",
            "means of scale, depth and breadth at 10, 60, 300 and 1,440 minutes of 745 retweet "
            "trees: 55 % mean error on the half that it was fitted to, 54 % on the other: an "
            "exponential delay cannot follow both the first minutes and the last hours of a story",
            "sizes after a day, KS to 1,490 trees: .20; audience_spread .9: .28, errors 58, 56 % "
            "(200 messages, seed 1)",
        ),
        choices=(
            "defaults fit messages of accounts with 6,000 followers in a network of communities "
            "with 10 ties a member; measured in ticks of 5 minutes",
            "audience_spread is 0: the exponential span of a seed spreads sizes already",
        ),
    )

    rate: float = Field(0.0053, ge=0, le=100, description="transmissions", unit="per tie and hour")
    span: float = Field(
        7.3, gt=0, le=1e6, description="mean time until an agent falls silent", unit="hours"
    )

    audience_spread: float = Field(
        0.0, ge=0, le=3,
        description="sd of the log of a factor, mean 1, on how seeds are heard, once a message",
    )  # fmt: skip

    by_hours: ClassVar[bool] = True
    states: ClassVar[tuple[str, ...]] = ("unaware", "informed", "silent")
    seeded: ClassVar[str] = "informed"
    rules: ClassVar = (
        contact("unaware", "informed", by="informed", chance="hazard * trust"),
        after("informed", "silent", chance="fading"),
    )

    def for_seeds(self, cascade: Cascade) -> Self:
        """Return the model with a rate of the message's own."""
        factor = cascade.audience(self.audience_spread)
        return self if factor == 1.0 else self.model_copy(update={"rate": self.rate * factor})

    def theory(self, setting: Setting, ticks: int) -> tuple[Theory, ...]:
        """Return what equations predict where all messages have one audience; else nothing."""
        return () if self.audience_spread else super().theory(setting, ticks)

    @property
    def hazard(self) -> float:
        """Chance that a tie of full trust fires within a tick."""
        return -math.expm1(-self.rate * self.tick_hours)

    @property
    def fading(self) -> float:
        """Chance of falling silent within a tick."""
        return -math.expm1(-self.tick_hours / self.span)
