"""Epidemic models in continuous time, exact: rates in place of chances, one event at a time.

Each is the model of the same name with ``ContinuousTime`` before it: the same states and rules.
The Markov processes of the literature hold exactly; ticks are only sampling times.
"""

from typing import Any, ClassVar

from plugins.epidemics.classical import SI, SIR, SIRD, SIRS, SIS
from plugins.epidemics.stages import SAIR, SEIR, SEIS, SIHR, SVEIR, SWIR
from sim import Card, ContinuousTime, Field, after, contact, register

CHAIN = (
    "the exact Markov chain over all joint states of 3 agents, mutual ties: the share of each "
    "outcome after 1 and 3 ticks, 20,000 copies, seed 22, 4 standard errors"
)
EDGE = (
    "the edge-based equations on 100,000 agents, P(k) ~ k^-2.5: every state within .005 "
    "of all agents over 40 ticks, mean of 5 runs, seed 54"
)
TRY = "an infected agent tries each of its followers at rate beta"


def rate(default: float, what: str) -> Any:
    """Return a parameter that is a rate."""
    return Field(default, ge=0, le=1000, description=what, unit="per tick")


@register("si-continuous")
class SIContinuous(ContinuousTime, SI):
    """Susceptible-infected in continuous time: each tie passes it on after an exponential wait."""

    beta: float = rate(0.05, "rate of infection per tie")

    card: ClassVar[Card] = Card(
        meaning={"susceptible": "can be infected", "infected": f"{TRY}, for good"},
        equations=("rate(S -> I) = beta k, k infected sources",),
        checked=(CHAIN,),
    )


@register("sis-continuous")
class SISContinuous(ContinuousTime, SIS):
    """Susceptible-infected-susceptible in continuous time: the contact process."""

    beta: float = rate(0.05, "rate of infection per tie")
    gamma: float = rate(0.2, "rate of recovery")

    card: ClassVar[Card] = Card(
        source="T. E. Harris, Contact interactions on a lattice, Ann. Probab. 2, 1974; N. T. J. "
        "Bailey 1975",
        meaning={"susceptible": "can be infected, also again", "infected": TRY},
        equations=("rate(S -> I) = beta k, k infected sources", "rate(I -> S) = gamma"),
        checked=(
            CHAIN,
            "pair approximation .727273 on 4-regular, gamma / beta = 1: within -.01 and +.003, "
            "50,000 agents, seed 6",
        ),
        choices=("an agent may be infected and recover several times within a tick",),
    )


@register("sir-continuous")
class SIRContinuous(ContinuousTime, SIR):
    """Markov SIR: exponential waits over ties, exponential infectious periods."""

    beta: float = rate(0.05, "rate of infection per tie")
    gamma: float = rate(0.2, "rate of recovery")

    card: ClassVar[Card] = Card(
        source="M. S. Bartlett, Some evolutionary stochastic processes, J. R. Stat. Soc. B 11, "
        "1949; Kermack & McKendrick 1927",
        meaning={"susceptible": "can be infected", "infected": TRY, "recovered": "immune for good"},
        equations=(
            "rate(S -> I) = beta k, k infected sources",
            "rate(I -> R) = gamma",
            "P(one tie ever transmits) = beta / (beta + gamma)",
        ),
        checked=(
            "K3 (1, 1): P(1, 2, 3) = 1/3, 1/6, 1/2, mean 13/6; K5 (1, 1): mean 3.898611; 100,000 "
            "copies each, seeds 31 and 32, 4 standard errors",
            CHAIN,
            EDGE,
        ),
    )


@register("sirs-continuous")
class SIRSContinuous(ContinuousTime, SIRS):
    """Susceptible-infected-recovered-susceptible in continuous time: immunity wanes."""

    beta: float = rate(0.05, "rate of infection per tie")
    gamma: float = rate(0.2, "rate of recovery")
    eta: float = rate(0.05, "rate of losing immunity")

    card: ClassVar[Card] = Card(
        meaning={
            "susceptible": "can be infected, also again",
            "infected": TRY,
            "recovered": "immune for a while",
        },
        equations=(
            "rate(S -> I) = beta k, k infected sources",
            "rate(I -> R) = gamma, rate(R -> S) = eta",
        ),
        checked=(CHAIN,),
    )


@register("sird-continuous")
class SIRDContinuous(ContinuousTime, SIRD):
    """Susceptible-infected-recovered-dead in continuous time: two ends compete."""

    beta: float = rate(0.05, "rate of infection per tie")
    gamma: float = rate(0.18, "rate of recovery")
    mu: float = rate(0.02, "rate of death")

    card: ClassVar[Card] = Card(
        meaning={
            "susceptible": "can be infected",
            "infected": TRY,
            "recovered": "immune for good",
            "dead": "gone; keeps its ties, says nothing",
        },
        equations=(
            "rate(S -> I) = beta k, k infected sources",
            "rate(I -> R) = gamma, rate(I -> D) = mu: P(death) = mu / (gamma + mu)",
        ),
        checked=(CHAIN,),
    )


@register("seir-continuous")
class SEIRContinuous(ContinuousTime, SEIR):
    """Susceptible-exposed-infected-recovered in continuous time."""

    beta: float = rate(0.05, "rate of infection per tie")
    alpha: float = rate(0.3, "rate of becoming infectious")
    gamma: float = rate(0.2, "rate of recovery")

    card: ClassVar[Card] = Card(
        equations=(
            "rate(S -> E) = beta k, k infected sources",
            "rate(E -> I) = alpha, rate(I -> R) = gamma",
        ),
        checked=(CHAIN,),
        choices=("alpha is a rate, not a period: the mean latency is 1 / alpha ticks",),
    )


@register("seis-continuous")
class SEISContinuous(ContinuousTime, SEIS):
    """Susceptible-exposed-infected-susceptible in continuous time."""

    beta: float = rate(0.05, "rate of infection per tie")
    alpha: float = rate(0.3, "rate of becoming infectious")
    gamma: float = rate(0.2, "rate of recovery")

    card: ClassVar[Card] = Card(
        equations=(
            "rate(S -> E) = beta k, k infected sources",
            "rate(E -> I) = alpha, rate(I -> S) = gamma",
        ),
        checked=(CHAIN,),
    )


@register("swir-continuous")
class SWIRContinuous(ContinuousTime, SWIR):
    """Susceptible-weakened-infected-recovered with the paper's four reactions, at rates."""

    kappa: float = rate(0.1, "rate at which a tie infects")
    mu: float = rate(0.3, "rate at which a tie weakens")
    nu: float = rate(0.6, "rate at which a tie infects the weakened")
    gamma: float = rate(1.0, "rate of recovery")

    rules: ClassVar = (
        contact("susceptible", {"infected": "kappa", "weakened": "mu"}, by="infected"),
        contact("weakened", "infected", by="infected", chance="nu"),
        after("infected", "recovered", chance="gamma"),
    )
    card: ClassVar[Card] = Card(
        meaning={
            "susceptible": "can be infected or weakened",
            "weakened": "easier to infect; does not infect",
            "infected": "tries each of its followers, then recovers",
            "recovered": "immune for good",
        },
        equations=(
            "rates, k infected sources: S -> I kappa k, S -> W mu k, W -> I nu k",
            "rate(I -> R) = gamma, the paper's lambda",
        ),
        checked=(CHAIN,),
        choices=("mu is the rate of weakening itself; in ticks it is what infection leaves over",),
    )


@register("sair-continuous")
class SAIRContinuous(ContinuousTime, SAIR):
    """Susceptible-asymptomatic-infected-recovered in continuous time."""

    beta: float = rate(0.05, "rate of infection per tie by one with symptoms")
    beta_a: float = rate(0.03, "rate of infection per tie by one without")
    gamma: float = rate(0.2, "rate of recovery with symptoms")
    gamma_a: float = rate(0.2, "rate of recovery without")

    card: ClassVar[Card] = Card(
        equations=(
            "rate(S -> I or A) = beta i + beta_a a, i and a infectious sources; P(I) = p",
            "rate(I -> R) = gamma, rate(A -> R) = gamma_a",
        ),
        checked=(CHAIN, EDGE),
    )


@register("sveir-continuous")
class SVEIRContinuous(ContinuousTime, SVEIR):
    """Susceptible-vaccinated-exposed-infected-recovered in continuous time."""

    beta: float = rate(0.05, "rate of infection per tie")
    theta: float = rate(0.01, "rate of vaccination")
    delta: float = rate(0.3, "rate of becoming infectious")
    gamma: float = rate(0.2, "rate of recovery")

    card: ClassVar[Card] = Card(
        meaning={
            "susceptible": "can be infected",
            "vaccinated": "can be infected, at sigma times the rate",
            "exposed": "infected, not yet infectious",
            "infected": TRY,
            "recovered": "immune for good",
        },
        equations=(
            "rates, k infected sources: S -> E beta k, V -> E sigma beta k, S -> V theta",
            "rate(E -> I) = delta, rate(I -> R) = gamma",
        ),
        cost="a draw for every susceptible agent each tick, beside the events",
        checked=(CHAIN,),
    )


@register("sihr-continuous")
class SIHRContinuous(ContinuousTime, SIHR):
    """Susceptible-infected-hospitalised-recovered in continuous time."""

    beta: float = rate(0.05, "rate of infection per tie")
    eta: float = rate(0.1, "rate of entering hospital")
    gamma: float = rate(0.1, "rate of recovery at home")
    delta: float = rate(0.2, "rate of recovery in hospital")

    card: ClassVar[Card] = Card(
        equations=(
            "rate(S -> I) = beta k, k infected sources",
            "rate(I -> H) = eta, rate(I -> R) = gamma, rate(H -> R) = delta",
        ),
        checked=(CHAIN,),
    )
