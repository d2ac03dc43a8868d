"""The hoax model: believers, fact-checkers and forgetting compete for agents."""

from collections.abc import Mapping
from typing import ClassVar

from sim import Card, Field, Floats, Heard, Hearing, after, register


@register("hoax")
class Hoax(Heard):
    """Believers and fact-checkers win over the susceptible; both forget (Tambuscio et al. 2015).

    Tambuscio, Ruffo, Flammini & Menczer, "Fact-checking effect on viral hoaxes: a model of
    misinformation spread in social networks", WWW 2015 companion (SBFC). Seeds are believers.
    Synchronous; f + g = beta for everybody who hears anyone.
    """

    states: ClassVar = ("susceptible", "believer", "fact-checker")
    heard: ClassVar = ("believer", "fact-checker")
    card: ClassVar[Card] = Card(
        family="rumours",
        source="Tambuscio, Ruffo, Flammini & Menczer, Fact-checking effect on viral hoaxes: a "
        "model of misinformation spread in social networks, WWW 2015 companion.",
        meaning={
            "susceptible": "neither, or has forgotten",
            "believer": "believes the hoax and spreads it",
            "fact-checker": "knows better and spreads that",
        },
        equations=(
            "b, c: believers and fact-checkers among the sources; a: credibility",
            "D = b (1 + a) + c (1 - a)",
            "susceptible -> believer with chance beta b (1 + a) / D",
            "susceptible -> fact-checker with chance beta c (1 - a) / D",
            "believer -> fact-checker with chance verify; both -> susceptible with chance forget",
        ),
        cost="one visit a tie of each agent that changed, one draw a tick for each that "
        "hears of it",
        checked=(
            "against plain Python with the same draws, states tick by tick",
            "mean field, a = .3, forget = .1: the hoax dies iff verify > .085714; on a random "
            "network of mean degree 60 it lives at .055 and dies at .12",
        ),
        choices=("verifying and forgetting compete: at most one a tick",),
    )

    beta: float = Field(
        0.5, ge=0, le=1, description="chance of being won over",
        json_schema_extra={"unit": "per tick"},
    )  # fmt: skip
    credibility: float = Field(
        0.3, ge=0, lt=1, description="how much likelier the hoax is believed"
    )
    verify: float = Field(
        0.05, ge=0, le=1, description="chance that a believer checks",
        json_schema_extra={"unit": "per tick"},
    )  # fmt: skip
    forget: float = Field(
        0.1, ge=0, le=1, description="chance of forgetting", json_schema_extra={"unit": "per tick"}
    )

    rules: ClassVar = (
        after("believer", "fact-checker", chance="verify"),
        after("believer", "susceptible", chance="forget"),
        after("fact-checker", "susceptible", chance="forget"),
    )

    def chance(self, heard: Hearing) -> Mapping[str, Floats]:
        """Return the chances of both camps."""
        hoax = heard.count["believer"] * (1 + self.credibility)
        truth = heard.count["fact-checker"] * (1 - self.credibility)
        pull = self.beta / (hoax + truth)
        return {"believer": pull * hoax, "fact-checker": pull * truth}
