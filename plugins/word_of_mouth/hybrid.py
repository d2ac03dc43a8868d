"""The ``hybrid`` model: strong ties persuade, weak ties carry (Granovetter 1973)."""

from typing import ClassVar, Literal

import numpy as np

from sim import Card, DrawMode, Exposure, Field, Floats, PerExposure, register


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
        meaning={"inactive": "has not taken it up", "active": "has taken it up, for good"},
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
        json_schema_extra={"unit": "per hour"},
    )  # fmt: skip
    rate: float = Field(
        0.103, ge=0, le=100, description="transmissions",
        json_schema_extra={"unit": "per weak tie and hour"},
    )  # fmt: skip
    fading: float = Field(
        0.46, ge=0, le=10, description="loss of novelty: exp(-fading * minutes^0.4)"
    )
    attention: int = Field(
        24, ge=1, le=1000, description="hours for which an adopter shows it",
        json_schema_extra={"unit": "hours"},
    )  # fmt: skip
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
