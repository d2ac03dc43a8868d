"""Thresholds, tastes and stubborn agents: Kertész, Profile and ProfileThreshold."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from sim import Bools, Card, Cascade, Field, Floats, Heard, Hearing, after, register

_MEANING = {
    "susceptible": "can adopt",
    "adopted": "has adopted, for good; heard from the next tick on",
    "blocked": "will never adopt; still counts among the sources of others",
}
_MILLI = (
    "Milli, Rossetti, Pedreschi & Giannotti, Active and passive diffusion processes in complex "
    "networks, Applied Network Science 3, 2018."
)


@register("kertesz")
class Kertesz(Heard):
    """Adopt once a share of those you hear has, or by yourself; some never do (Ruan et al. 2015).

    Ruan, Iñiguez, Karsai & Kertész, "Kinetics of social contagion", Physical Review Letters 2015.
    Synchronous, compared with ``>=``; blocked agents count as sources that did not adopt.
    """

    states: ClassVar = ("susceptible", "adopted", "blocked")
    card: ClassVar[Card] = Card(
        source="Ruan, Iñiguez, Karsai & Kertész, Kinetics of social contagion, Physical Review "
        "Letters 115, 2015.",
        meaning=_MEANING,
        equations=(
            "at the start each agent that is no seed is blocked with chance r",
            "susceptible -> adopted when (sources that adopted) / (sources) >= threshold, "
            "else with chance p a tick",
        ),
        comparison="share >= threshold",
        cost="one visit a tie of each new adopter; with p > 0 one draw an agent",
        checked=(
            "against plain Python with the same draws, states tick by tick",
            "agents without ties adopt with chance p a tick: geometric, 20,000 agents",
        ),
        choices=("blocked agents: each by a draw, so that their number is binomial",),
    )

    threshold: float = Field(0.18, ge=0, le=1, description="share of adopters needed")
    rate: float = Field(
        0.001, ge=0, le=1, description="chance p of adopting unprompted",
        json_schema_extra={"unit": "per tick"},
    )  # fmt: skip
    blocked: float = Field(0.1, ge=0, le=1, description="share r of agents that never adopt")

    rules: ClassVar = (after("susceptible", "adopted", chance="rate"),)

    def start(self, cascade: Cascade) -> None:
        """Block some, once the seeds have adopted."""
        super().start(cascade)
        self.place(cascade, "blocked", self.blocked)

    def adopts(self, heard: Hearing) -> Bools:
        """Return who hears enough."""
        return heard.share["adopted"] >= self.threshold


@register("profile")
class ProfileModel(Heard):
    """Who hears of it decides by its own taste, however many it hears it from (Milli et al. 2018).

    Milli, Rossetti, Pedreschi & Giannotti, "Active and passive diffusion processes in complex
    networks", Applied Network Science 2018. Asked anew in each tick; a refusal may be final.
    """

    states: ClassVar = ("susceptible", "adopted", "blocked")
    card: ClassVar[Card] = Card(
        source=_MILLI,
        meaning=_MEANING,
        equations=(
            "susceptible with at least one adopted source: -> adopted with chance q, "
            "else -> blocked with chance b",
            "any other susceptible -> adopted with chance p a tick",
            "q = profile, or profile times the agent's openness",
        ),
        cost="one visit a tie of each new adopter, one draw a tick for each that hears of it",
        checked=(
            "against plain Python with the same draws, states tick by tick",
            "a pair: adopted in the end with chance q / (q + (1 - q) b); 20,000 pairs",
        ),
        choices=(
            "blocked: the chance of blocking after a refusal, as the paper says",
            "the draw for p comes after hearing, where hearing changed nothing",
        ),
    )

    profile: float = Field(
        0.2, ge=0, le=1, description="chance q that an agent likes it",
        json_schema_extra={"unit": "per tick"},
    )  # fmt: skip
    openness: bool = Field(False, description="whether the agent's openness multiplies its profile")
    blocked: float = Field(
        0.1, ge=0, le=1, description="chance b that a refusal is final",
        json_schema_extra={"unit": "per refusal"},
    )  # fmt: skip
    rate: float = Field(
        0.0, ge=0, le=1, description="chance p of adopting unprompted",
        json_schema_extra={"unit": "per tick"},
    )  # fmt: skip

    rules: ClassVar = (after("susceptible", "adopted", chance="rate"),)

    def likes(self, heard: Hearing) -> Floats:
        """Return the chance that each likes it; one for all, where it is the same."""
        likes: Floats = np.array(self.profile)
        return likes * heard.listener.openness if self.openness else likes

    def chance(self, heard: Hearing) -> Mapping[str, Floats]:
        """Return the chances of liking it, and of refusing for good."""
        likes = self.likes(heard)
        return {"adopted": likes, "blocked": (1 - likes) * self.blocked}


@register("profile-threshold")
class ProfileThreshold(ProfileModel):
    """As profile, once enough of those you hear have adopted (Milli et al. 2018).

    Milli, Rossetti, Pedreschi & Giannotti, Applied Network Science 2018. Compared with ``>=``.
    """

    card: ClassVar[Card] = Card(
        equations=(
            "susceptible with (sources that adopted) / (sources) >= threshold: -> adopted with "
            "chance q, else -> blocked with chance b",
            "any other susceptible -> adopted with chance p a tick",
            "q = profile, or profile times the agent's openness",
        ),
        comparison="share >= threshold; draw < chance",
        cost="one visit a tie of each new adopter, one question a tick for each that hears of it: "
        "about twice the nanoseconds a visit of SIR in C (1 million agents)",
        checked=("against plain Python with the same draws, states tick by tick",),
    )

    threshold: float = Field(0.1, ge=0, le=1, description="share of adopters needed")

    def chance(self, heard: Hearing) -> Mapping[str, Floats]:
        """Return the chances of those that hear enough; others have none."""
        enough = heard.share["adopted"] >= self.threshold
        return {state: chance * enough for state, chance in super().chance(heard).items()}
