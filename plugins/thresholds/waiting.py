"""The generalised threshold model: external impulses, and waiting times before adoption."""

from collections.abc import Mapping
from typing import ClassVar

from sim import Bools, Card, Cascade, Contacts, Field, Heard, Hearing, Ids, after, register

_ADOPTED = 2
"""The place of that state."""


@register("generalised-threshold")
class GeneralisedThreshold(Heard):
    """Adopt some time after enough of those you hear have, or by yourself (Török & Kertész 2017).

    Török & Kertész, "Cascading collapse of online social networks", Scientific Reports 2017, as a
    model of adoption: whoever reaches its threshold waits, and acts with chance 1 / tau a tick;
    others act by themselves with chance mu t / tau in tick t. Synchronous, compared with ``>=``.
    """

    states: ClassVar = ("susceptible", "waiting", "adopted", "silent")
    seeded: ClassVar = "adopted"
    card: ClassVar[Card] = Card(
        source="Török & Kertész, Cascading collapse of online social networks, Scientific Reports "
        "7, 2017.",
        meaning={
            "susceptible": "has not heard enough",
            "waiting": "has heard enough, and will adopt",
            "adopted": "has adopted; its listeners hear it",
            "silent": "adopted longer ago than the window; not heard any more",
        },
        equations=(
            "susceptible -> waiting when (sources now adopted) / (sources) >= threshold",
            "waiting -> adopted with chance 1 / tau a tick",
            "susceptible -> adopted by itself with chance min(1, mu t / tau), t ticks after start",
            "adopted -> silent after `window` ticks; 0: never",
        ),
        comparison="share >= threshold",
        cost="one visit a tie of each agent that changed; with mu > 0 one draw an agent",
        checked=(
            "against plain Python with the same draws, states tick by tick",
            "waiting times of a pair are geometric with mean tau; 4,000 pairs, 4 standard errors",
        ),
        choices=(
            "mu t / tau is each agent's chance; the widespread reading as a number of agents per "
            "tick would depend on the size of the world",
            "once waiting an agent adopts, also when its sources have fallen silent",
            "window: an addition; the paper's adopters are heard for ever",
        ),
    )

    threshold: float = Field(0.15, ge=0, le=1, description="share of adopters needed")
    tau: float = Field(
        3.0, ge=1, le=1e6, description="mean time between hearing enough and acting",
        json_schema_extra={"unit": "ticks"},
    )  # fmt: skip
    mu: float = Field(0.0, ge=0, le=1, description="how fast adoption by oneself sets in")
    window: int = Field(
        0, ge=0, le=1_000_000, description="how long an adopter is heard; 0: for ever",
        json_schema_extra={"unit": "ticks"},
    )  # fmt: skip

    rules: ClassVar = (
        after("waiting", "adopted", chance="1 / tau"),
        after("susceptible", "adopted", chance="mu * age / tau"),
    )

    def adopts(self, heard: Hearing) -> Mapping[str, Bools]:
        """Return who hears enough."""
        return {"waiting": heard.share["adopted"] >= self.threshold}

    def forced(self, cascade: Cascade, tick: int) -> Mapping[str, Ids]:
        """Return who adopted a window ago, or earlier and was away or had a longer window."""
        if not self.window:
            return {}
        first, last = cascade.log.ticks.searchsorted([tick - self.window, tick - self.window + 1])
        if cascade.counts["adopted"] == cascade.size - first:
            return {"silent": cascade.log.agents[first:last]}
        loud = cascade.held["state"][cascade.log.agents[:last]] & 0x7F == _ADOPTED
        return {"silent": cascade.log.agents[:last][loud]}

    def is_quiet(self, cascade: Cascade, contacts: Contacts) -> bool:
        """Return whether nothing can change any more."""
        loud = self.window and cascade.counts["adopted"]
        return not loud and super().is_quiet(cascade, contacts)
