"""Epidemic models in discrete time: synchronous; an infected agent attempts before it recovers.

With latency, vaccination or several infected states: :mod:`plugins.epidemics.stages`. With times
that an agent stays infected other than geometric ones: :mod:`plugins.epidemics.durations`. In
continuous time: :mod:`plugins.epidemics.continuous`.
"""

from typing import ClassVar

from sim import Card, Compartments, Field, after, contact, register

INFECTED = "infectious: tries each of its followers once a tick"
CHAIN = (
    "the exact chain over all joint states of 3 agents, mutual ties: the share of each outcome "
    "after 1, 3 and 6 ticks, 20,000 copies, seed 21, 4 standard errors"
)
EDGE = (
    "the edge-based equations on 100,000 agents, P(k) ~ k^-2.5: every state within .005 "
    "of all agents over 40 ticks, mean of 5 runs, seed 54"
)
NAIVE = "plain Python with the same coins, tick by tick, on 60 agents"


@register("si")
class SI(Compartments):
    """Susceptible-infected: who is infected stays so (Kermack & McKendrick without recovery)."""

    beta: float = Field(
        0.05, ge=0, le=1, description="chance of infection", unit="per contact and tick"
    )

    states: ClassVar[tuple[str, ...]] = ("susceptible", "infected")
    seeded: ClassVar[str] = "infected"
    rules: ClassVar = (contact("susceptible", "infected", by="infected", chance="beta"),)
    card: ClassVar[Card] = Card(
        source="W. O. Kermack & A. G. McKendrick, A contribution to the mathematical theory of "
        "epidemics, Proc. R. Soc. A 115, 1927; without recovery",
        meaning={"susceptible": "can be infected", "infected": f"{INFECTED}, for good"},
        equations=("P(S -> I) = 1 - (1 - beta)^k, k infected sources",),
        checked=(CHAIN, NAIVE),
    )


@register("sis")
class SIS(Compartments):
    """Susceptible-infected-susceptible: recovery leaves no immunity (Bailey 1975)."""

    beta: float = Field(
        0.05, ge=0, le=1, description="chance of infection", unit="per contact and tick"
    )
    gamma: float = Field(0.2, ge=0, le=1, description="chance of recovery", unit="per tick")

    states: ClassVar[tuple[str, ...]] = ("susceptible", "infected")
    seeded: ClassVar[str] = "infected"
    rules: ClassVar = (
        contact("susceptible", "infected", by="infected", chance="beta"),
        after("infected", "susceptible", chance="gamma"),
    )
    card: ClassVar[Card] = Card(
        source="N. T. J. Bailey, The Mathematical Theory of Infectious Diseases and its "
        "Applications, 2nd ed., Griffin 1975",
        meaning={"susceptible": "can be infected, also again", "infected": INFECTED},
        equations=("P(S -> I) = 1 - (1 - beta)^k, k infected sources", "P(I -> S) = gamma"),
        checked=(
            CHAIN,
            NAIVE,
            "pair approximation .727273 on 4-regular, gamma / beta = 1 in ticks of 1/100: within "
            "-.01 and +.003, 50,000 agents, seed 6",
        ),
        choices=("an agent infected in a tick can neither recover nor infect in the same tick",),
    )


@register("sir")
class SIR(Compartments):
    """Susceptible-infected-recovered (Kermack & McKendrick 1927)."""

    beta: float = Field(
        0.05, ge=0, le=1, description="chance of infection", unit="per contact and tick"
    )
    gamma: float = Field(0.2, ge=0, le=1, description="chance of recovery", unit="per tick")

    states: ClassVar[tuple[str, ...]] = ("susceptible", "infected", "recovered")
    seeded: ClassVar[str] = "infected"
    rules: ClassVar = (
        contact("susceptible", "infected", by="infected", chance="beta"),
        after("infected", "recovered", chance="gamma"),
    )
    card: ClassVar[Card] = Card(
        source="W. O. Kermack & A. G. McKendrick, A contribution to the mathematical theory of "
        "epidemics, Proc. R. Soc. A 115, 1927; on networks, in ticks",
        meaning={
            "susceptible": "can be infected",
            "infected": INFECTED,
            "recovered": "immune for good",
        },
        equations=(
            "P(S -> I) = 1 - (1 - beta)^k, k infected sources",
            "P(I -> R) = gamma",
            "P(one tie ever transmits) = beta / (1 - (1 - beta)(1 - gamma))",
        ),
        checked=(
            "mean size on K2 (.1, .2) 1.3571429, K5 (.1, .2) 3.2588066, K10 (.05, .2) 5.8949893: "
            "100,000 copies each, 4 standard errors",
            "attack rate and chance of an outbreak on 4-regular (.3, .5): 1,000 runs of 40,000 "
            "agents, within .005 and 4 standard errors",
            EDGE,
            CHAIN,
            NAIVE,
        ),
        choices=("an infected agent attempts before it recovers in the same tick",),
    )


@register("sirs")
class SIRS(Compartments):
    """Susceptible-infected-recovered-susceptible: immunity wanes (Hethcote 1976)."""

    beta: float = Field(
        0.05, ge=0, le=1, description="chance of infection", unit="per contact and tick"
    )
    gamma: float = Field(0.2, ge=0, le=1, description="chance of recovery", unit="per tick")
    eta: float = Field(0.05, ge=0, le=1, description="chance of losing immunity", unit="per tick")

    states: ClassVar[tuple[str, ...]] = ("susceptible", "infected", "recovered")
    seeded: ClassVar[str] = "infected"
    rules: ClassVar = (
        contact("susceptible", "infected", by="infected", chance="beta"),
        after("infected", "recovered", chance="gamma"),
        after("recovered", "susceptible", chance="eta"),
    )
    card: ClassVar[Card] = Card(
        source="H. W. Hethcote, Qualitative analyses of communicable disease models, Math. Biosci. "
        "28, 1976",
        meaning={
            "susceptible": "can be infected, also again",
            "infected": INFECTED,
            "recovered": "immune for a while",
        },
        equations=(
            "P(S -> I) = 1 - (1 - beta)^k, k infected sources",
            "P(I -> R) = gamma",
            "P(R -> S) = eta",
        ),
        checked=(CHAIN, NAIVE),
    )


@register("sird")
class SIRD(Compartments):
    """Susceptible-infected-recovered-dead: two ends compete (Bailey 1975)."""

    beta: float = Field(
        0.05, ge=0, le=1, description="chance of infection", unit="per contact and tick"
    )
    gamma: float = Field(0.18, ge=0, le=1, description="chance of recovery", unit="per tick")
    mu: float = Field(0.02, ge=0, le=1, description="chance of death", unit="per tick")

    states: ClassVar[tuple[str, ...]] = ("susceptible", "infected", "recovered", "dead")
    seeded: ClassVar[str] = "infected"
    rules: ClassVar = (
        contact("susceptible", "infected", by="infected", chance="beta"),
        after("infected", "recovered", chance="gamma"),
        after("infected", "dead", chance="mu"),
    )
    card: ClassVar[Card] = Card(
        source="N. T. J. Bailey, The Mathematical Theory of Infectious Diseases and its "
        "Applications, 2nd ed., Griffin 1975; removal by recovery or by death",
        meaning={
            "susceptible": "can be infected",
            "infected": INFECTED,
            "recovered": "immune for good",
            "dead": "gone; keeps its ties, says nothing",
        },
        equations=(
            "P(S -> I) = 1 - (1 - beta)^k, k infected sources",
            "P(I -> R) = gamma, P(I -> D) = mu, one draw; gamma + mu <= 1, else refused",
        ),
        checked=(CHAIN, NAIVE),
    )
