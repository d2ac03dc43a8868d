"""Cascades in time: ``continuous-cascade`` with delays along ties, and ``time-decay``."""

from math import exp, prod
from typing import ClassVar, Literal

from sim import (
    Arrivals,
    Card,
    Cascade,
    Contacts,
    Delay,
    Draws,
    Field,
    LiveEdges,
    convince,
    register,
)

_MEANING = {
    "inactive": "has not been reached",
    "active": "has been reached, for good; passes the message on over each tie in its own time",
}


@register("continuous-cascade")
class ContinuousCascade(Arrivals):
    """An independent cascade in continuous time: each tie has a delay (Saito, Gomez-Rodriguez).

    Saito, Kimura, Ohara & Motoda, "Learning continuous-time information diffusion model", ACML 2009
    (a chance and an exponential delay for each tie); Gomez-Rodriguez, Balduzzi & Schölkopf,
    "Uncovering the temporal dynamics of diffusion networks", ICML 2011 (delays alone, up to a
    horizon; Weibull's law among them). Exact: an agent is reached at its shortest path of delays.
    """

    card: ClassVar[Card] = Card(
        source="Saito, Kimura, Ohara & Motoda, Learning continuous-time information diffusion "
        "model for social behavioral data analysis, ACML 2009; Gomez-Rodriguez, Balduzzi & "
        "Schölkopf, Uncovering the temporal dynamics of diffusion networks, ICML 2011.",
        meaning=_MEANING,
        equations=(
            "a tie passes the message on with chance p, or p times its trust",
            "after a delay T: exponential of mean s, or Weibull P(T > t) = exp(-(t / s)^k)",
            "t_v = min over sources u of t_u + T_uv, while within the horizon",
        ),
        checked=(
            "arrival times and sources equal Dijkstra's over the same delays, to the last bit",
            "delays of 20,000 pairs: Kolmogorov-Smirnov against the laws; shares that pass",
            "karate club, p = .1, no horizon, seed 0: mean size 3.4109, as an independent cascade",
        ),
        choices=("time is counted in 2^-32 ticks; an agent is seen at the end of its tick",),
    )

    probability: float = Field(
        0.2, ge=0, le=1, description="chance that a tie passes it on at all", unit="per tie"
    )
    weights: Literal["constant", "trust"] = Field(
        "constant",
        description="what that chance is: the probability, or that times the tie's trust",
    )
    law: Literal["exponential", "weibull"] = Field(
        "exponential", description="law of the delay along a tie"
    )
    scale: float = Field(
        4.0, ge=1e-6, le=1e9, description="mean delay, or scale of Weibull's law", unit="ticks"
    )
    shape: float = Field(2.0, ge=0.05, le=50, description="shape of Weibull's law; 1: exponential")
    span: float = Field(
        0.0, ge=0, le=1e9, description="horizon from the start; 0: as long as it takes",
        unit="ticks",
    )  # fmt: skip

    def delay(self) -> Delay:
        """Return the law of the delay."""
        return Delay(self.scale, self.shape if self.law == "weibull" else 1.0)

    def passes(self) -> float:
        """Return the chance that a tie passes the message on."""
        return self.probability

    def by_trust(self) -> bool:
        """Return whether trust multiplies it."""
        return self.weights == "trust"

    def horizon(self) -> float:
        """Return the horizon."""
        return self.span

    def live_edges(self) -> LiveEdges | None:
        """Return the chance of a tie, however long it takes; with a horizon time matters."""
        scale: Literal["trust", "none"] = "trust" if self.by_trust() else "none"
        return None if self.span else LiveEdges(self.probability, scale=scale)


@register("time-decay")
class TimeDecay(Arrivals):
    """An independent cascade whose attempts weaken with time (Goyal et al. 2010).

    Goyal, Bonchi & Lakshmanan, "Learning influence probabilities in social networks", WSDM 2010:
    influence over a tie falls off as p exp(-dt / tau). Counted from the adoption of the speaker,
    who tries tick after tick; or from the start of the message, each speaker trying once.
    """

    card: ClassVar[Card] = Card(
        source="Goyal, Bonchi & Lakshmanan, Learning influence probabilities in social networks, "
        "WSDM 2010.",
        meaning={
            "inactive": "has not adopted the message",
            "active": "has adopted it, for good; it tries again tick after tick, ever weaker",
        },
        equations=(
            "adoption: u tries dt = 1, 2, ..., attempts ticks after it adopted; "
            "P(success) = p exp(-dt / tau) each",
            "message: u tries once, dt ticks after the message started; P = p exp(-dt / tau)",
        ),
        update="synchronous: who adopts in a tick tries from the next one on",
        checked=(
            "by adoption: adopters and ticks against Dijkstra over the first success of each tie",
            "by adoption: 20,000 pairs, first successes at 1, 2, 3, ... within 4 standard errors",
            "by message: against plain Python with the same coins",
        ),
        choices=(
            "the paper joins influences at a threshold; here attempts are independent",
            "since: what dt counts from; adoption is the paper's",
            "by adoption: the attempt that succeeds is the last over its tie; a follower that is "
            "absent then misses it. The paper knows no absence",
        ),
    )

    probability: float = Field(
        0.2, ge=0, le=1, description="chance of an attempt at dt = 0", unit="per attempt"
    )
    tau: float = Field(
        3.0, ge=0.01, le=1e9, description="time in which the chance falls to 1/e", unit="ticks"
    )
    since: Literal["adoption", "message"] = Field(
        "adoption", description="what dt counts from: the speaker's adoption, the message's start"
    )
    attempts: int = Field(10, ge=1, le=1000, description="attempts over a tie, by adoption")

    def delay(self) -> Delay:
        """Return the chance of each attempt."""
        tries = range(1, self.attempts + 1)
        return Delay(attempts=tuple(self.probability * exp(-dt / self.tau) for dt in tries))

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Let those who adopted try."""
        if self.since == "adoption":
            super().step(cascade, contacts, draws)
            return
        chance = self.probability * exp((cascade.started_at - draws.tick) / self.tau)
        convince(cascade, contacts, draws, chance=chance)

    def is_quiet(self, cascade: Cascade, contacts: Contacts) -> bool:
        """Return whether nobody tries any more."""
        if self.since == "adoption":
            return super().is_quiet(cascade, contacts)
        return cascade.frontier.size == 0

    def live_edges(self) -> LiveEdges | None:
        """Return the chance that one of a tie's attempts succeeds; by message time matters."""
        if self.since == "message":
            return None
        return LiveEdges(1.0 - prod(1.0 - chance for chance in self.delay().attempts))
