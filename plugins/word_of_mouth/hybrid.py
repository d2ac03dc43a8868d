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
            "means of scale, depth and breadth at 10, 60, 300 and 1,440 minutes of 745 retweet "
            "trees: 7 % mean error on the half that it was fitted to, 7 % on the other",
            "sizes after a day, KS to 1,490 trees: .54; audience_spread .75: .10, errors 9 and "
            "7 %; .7: .11, 9 and 7 %; .9: .13, 10 and 8 % (200 messages, seed 1)",
            "in the limit of many messages: audience_spread .75: .08, and .08 on the half that it "
            "was not fitted to (the halves are .06 apart); .7: .07; .9: .15",
        ),
        choices=(
            "a tie is strong when its ends share a community, or from a trust on: strong, cut; "
            "where nobody in the world is in a community, from a trust on too",
            "defaults fit messages of accounts with 6,000 listeners in a network of communities "
            "with 10 ties a member and ticks of 5 minutes",
            "audience_spread .75 is for seeds that are heard alike. Logs of the trees' sizes have "
            "a sd of .90, but their mean is 363 and this one's 300, as base and rate fit depth "
            "and breadth too: at .9 the factor, of mean 1, leaves the median at 205, theirs is 239",
            "audience_spread is 0: seeds of a network with unequal degrees differ already",
        ),
    )

    strong: Literal["community", "trust"] = Field(
        "community",
        description="what makes a tie strong: one community, or trust; trust where there is none",
    )
    cut: float = Field(0.5, ge=0, le=1, description="least trust of a strong tie")
    base: float = Field(
        0.15, ge=0, le=1, description="chance over a strong tie at full trust and interest",
        json_schema_extra={"unit": "per hour"},
    )  # fmt: skip
    rate: float = Field(
        0.23, ge=0, le=100, description="transmissions",
        json_schema_extra={"unit": "per weak tie and hour"},
    )  # fmt: skip
    fading: float = Field(
        0.61, ge=0, le=10, description="loss of novelty: exp(-fading * minutes^0.4)"
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
