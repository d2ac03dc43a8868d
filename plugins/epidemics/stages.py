"""Epidemic models in discrete time beyond SIR: SEIR, SEIS, SWIR, SAIR, SVEIR, SIHR."""

from typing import ClassVar

from sim import Card, Compartments, Field, after, contact, register

CHAIN = (
    "the exact chain over all joint states of 3 agents, mutual ties: the share of each outcome "
    "after 1, 3 and 6 ticks, 20,000 copies, seed 21, 4 standard errors"
)
EDGE = (
    "the edge-based equations on 100,000 agents, P(k) ~ k^-2.5: every state within .005 "
    "of all agents over 40 ticks, mean of 5 runs, seed 54"
)
NAIVE = "plain Python with the same coins, tick by tick, on 60 agents"
SUSCEPTIBLE = "can be infected"
EXPOSED = "infected, not yet infectious"
INFECTED = "infectious: tries each of its followers once a tick"
RECOVERED = "immune for good"
HIT = "P(S -> {0}) = 1 - (1 - beta)^k, k infected sources"


@register("seir")
class SEIR(Compartments):
    """Susceptible-exposed-infected-recovered: infection comes before infectiousness.

    Aron & Schwartz 1984. An agent adopts when it is exposed.
    """

    beta: float = Field(
        0.05, ge=0, le=1, description="chance of infection", unit="per contact and tick"
    )
    alpha: float = Field(
        0.3, ge=0, le=1, description="chance of becoming infectious", unit="per tick"
    )
    gamma: float = Field(0.2, ge=0, le=1, description="chance of recovery", unit="per tick")

    states: ClassVar[tuple[str, ...]] = ("susceptible", "exposed", "infected", "recovered")
    seeded: ClassVar[str] = "infected"
    rules: ClassVar = (
        contact("susceptible", "exposed", by="infected", chance="beta"),
        after("exposed", "infected", chance="alpha"),
        after("infected", "recovered", chance="gamma"),
    )
    card: ClassVar[Card] = Card(
        source="J. L. Aron & I. B. Schwartz, Seasonality and period-doubling bifurcations in an "
        "epidemic model, J. Theor. Biol. 110, 1984",
        meaning={
            "susceptible": SUSCEPTIBLE,
            "exposed": EXPOSED,
            "infected": INFECTED,
            "recovered": RECOVERED,
        },
        equations=(HIT.format("E"), "P(E -> I) = alpha", "P(I -> R) = gamma"),
        checked=(CHAIN, NAIVE, EDGE),
        choices=("alpha is a chance per tick, not a period: the mean latency is 1 / alpha ticks",),
    )


@register("seis")
class SEIS(Compartments):
    """Susceptible-exposed-infected-susceptible: latency, but no immunity (Hethcote 2000)."""

    beta: float = Field(
        0.05, ge=0, le=1, description="chance of infection", unit="per contact and tick"
    )
    alpha: float = Field(
        0.3, ge=0, le=1, description="chance of becoming infectious", unit="per tick"
    )
    gamma: float = Field(0.2, ge=0, le=1, description="chance of recovery", unit="per tick")

    states: ClassVar[tuple[str, ...]] = ("susceptible", "exposed", "infected")
    seeded: ClassVar[str] = "infected"
    rules: ClassVar = (
        contact("susceptible", "exposed", by="infected", chance="beta"),
        after("exposed", "infected", chance="alpha"),
        after("infected", "susceptible", chance="gamma"),
    )
    card: ClassVar[Card] = Card(
        source="H. W. Hethcote, The mathematics of infectious diseases, SIAM Review 42, 2000",
        meaning={
            "susceptible": "can be infected, also again",
            "exposed": EXPOSED,
            "infected": INFECTED,
        },
        equations=(HIT.format("E"), "P(E -> I) = alpha", "P(I -> S) = gamma"),
        checked=(CHAIN, NAIVE),
    )


@register("swir")
class SWIR(Compartments):
    """Susceptible-weakened-infected-recovered: a first contact may only weaken.

    Lee, Choi, Kertesz & Kahng 2017 (a generalised epidemic process). The infected stay infected for
    one tick. An agent adopts when it is infected, not when it is weakened.
    """

    kappa: float = Field(
        0.1, ge=0, le=1, description="chance that a contact infects", unit="per contact and tick"
    )
    mu: float = Field(
        0.3, ge=0, le=1, description="chance that one that does not infect weakens",
        unit="per contact and tick",
    )  # fmt: skip
    nu: float = Field(
        0.6, ge=0, le=1, description="chance that a contact infects the weakened",
        unit="per contact and tick",
    )  # fmt: skip

    states: ClassVar[tuple[str, ...]] = ("susceptible", "weakened", "infected", "recovered")
    seeded: ClassVar[str] = "infected"
    adopting: ClassVar[tuple[str, ...]] = ("infected",)
    rules: ClassVar = (
        contact("susceptible", {"infected": "kappa", "weakened": "(1 - kappa) * mu"},
                by="infected"),
        contact("weakened", "infected", by="infected", chance="nu"),
        after("infected", "recovered", chance=1.0),
    )  # fmt: skip
    card: ClassVar[Card] = Card(
        source="D. Lee, W. Choi, J. Kertesz & B. Kahng, Universal mechanism for hybrid percolation "
        "transitions, Sci. Rep. 7, 2017",
        meaning={
            "susceptible": "can be infected or weakened",
            "weakened": "easier to infect; does not infect",
            "infected": "tries each of its followers once, then recovers",
            "recovered": RECOVERED,
        },
        equations=(
            "one contact: P(S -> I) = kappa, P(S -> W) = (1 - kappa) mu, P(W -> I) = nu",
            "P(I -> R) = 1",
        ),
        checked=(CHAIN, NAIVE),
        choices=(
            "the paper lets one infected agent act at a time; here all act at once and an agent "
            "changes once a tick, so that the weakened fall ill in a later tick",
        ),
    )


@register("sair")
class SAIR(Compartments):
    """Susceptible-asymptomatic-infected-recovered: some spread without symptoms.

    Robinson & Stilianakis 2013. Seeds have symptoms.
    """

    beta: float = Field(
        0.05, ge=0, le=1, description="chance of infection by one with symptoms",
        unit="per contact and tick",
    )  # fmt: skip
    beta_a: float = Field(
        0.03, ge=0, le=1, description="chance of infection by one without",
        unit="per contact and tick",
    )  # fmt: skip
    p: float = Field(0.6, ge=0, le=1, description="share of infections that show symptoms")
    gamma: float = Field(
        0.2, ge=0, le=1, description="chance of recovery, with symptoms", unit="per tick"
    )
    gamma_a: float = Field(
        0.2, ge=0, le=1, description="chance of recovery, without", unit="per tick"
    )

    states: ClassVar[tuple[str, ...]] = ("susceptible", "asymptomatic", "infected", "recovered")
    seeded: ClassVar[str] = "infected"
    rules: ClassVar = (
        contact("susceptible", {"infected": "beta * p", "asymptomatic": "beta * (1 - p)"},
                by="infected"),
        contact("susceptible", {"infected": "beta_a * p", "asymptomatic": "beta_a * (1 - p)"},
                by="asymptomatic"),
        after("infected", "recovered", chance="gamma"),
        after("asymptomatic", "recovered", chance="gamma_a"),
    )  # fmt: skip
    card: ClassVar[Card] = Card(
        source="M. Robinson & N. I. Stilianakis, A model for the emergence of drug resistance in "
        "the presence of asymptomatic infections, Math. Biosci. 243, 2013; its strain-free core",
        meaning={
            "susceptible": SUSCEPTIBLE,
            "asymptomatic": "infectious without symptoms: tries each follower once a tick",
            "infected": "infectious with symptoms: tries each follower once a tick",
            "recovered": RECOVERED,
        },
        equations=(
            "P(S -> I or A) = 1 - (1 - beta)^i (1 - beta_a)^a, i and a infectious sources",
            "P(I | infected) = p",
            "P(I -> R) = gamma, P(A -> R) = gamma_a",
        ),
        checked=(CHAIN, NAIVE),
    )


@register("sveir")
class SVEIR(Compartments):
    """Susceptible-vaccinated-exposed-infected-recovered: an imperfect vaccine (Gumel et al. 2006).

    The susceptible are vaccinated all the time, whether or not they hear anything.
    """

    beta: float = Field(
        0.05, ge=0, le=1, description="chance of infection", unit="per contact and tick"
    )
    theta: float = Field(0.01, ge=0, le=1, description="chance of vaccination", unit="per tick")
    sigma: float = Field(0.2, ge=0, le=1, description="what the vaccine leaves of the chance")
    delta: float = Field(
        0.3, ge=0, le=1, description="chance of becoming infectious", unit="per tick"
    )
    gamma: float = Field(0.2, ge=0, le=1, description="chance of recovery", unit="per tick")

    states: ClassVar[tuple[str, ...]] = (
        "susceptible", "vaccinated", "exposed", "infected", "recovered",
    )  # fmt: skip
    seeded: ClassVar[str] = "infected"
    rules: ClassVar = (
        contact("susceptible", "exposed", by="infected", chance="beta"),
        contact("vaccinated", "exposed", by="infected", chance="sigma * beta"),
        after("susceptible", "vaccinated", chance="theta"),
        after("exposed", "infected", chance="delta"),
        after("infected", "recovered", chance="gamma"),
    )
    card: ClassVar[Card] = Card(
        source="A. B. Gumel, C. C. McCluskey & J. Watmough, An SVEIR model for assessing potential "
        "impact of an imperfect anti-SARS vaccine, Math. Biosci. Eng. 3, 2006",
        meaning={
            "susceptible": SUSCEPTIBLE,
            "vaccinated": "can be infected, with sigma times the chance",
            "exposed": EXPOSED,
            "infected": INFECTED,
            "recovered": RECOVERED,
        },
        equations=(
            HIT.format("E"),
            "P(V -> E) = 1 - (1 - sigma beta)^k",
            "P(S -> V) = theta, where not infected in the same tick",
            "P(E -> I) = delta, P(I -> R) = gamma",
        ),
        cost="every susceptible agent draws each tick, beside the ties of the infected",
        checked=(CHAIN, NAIVE),
    )


@register("sihr")
class SIHR(Compartments):
    """Susceptible-infected-hospitalised-recovered: hospitals isolate (Brauer 2008).

    For the rumour model of that name see ``sihr-rumour``.
    """

    beta: float = Field(
        0.05, ge=0, le=1, description="chance of infection", unit="per contact and tick"
    )
    eta: float = Field(0.1, ge=0, le=1, description="chance of entering hospital", unit="per tick")
    gamma: float = Field(
        0.1, ge=0, le=1, description="chance of recovery, at home", unit="per tick"
    )
    delta: float = Field(
        0.2, ge=0, le=1, description="chance of recovery, in hospital", unit="per tick"
    )

    states: ClassVar[tuple[str, ...]] = ("susceptible", "infected", "hospitalised", "recovered")
    seeded: ClassVar[str] = "infected"
    rules: ClassVar = (
        contact("susceptible", "infected", by="infected", chance="beta"),
        after("infected", "hospitalised", chance="eta"),
        after("infected", "recovered", chance="gamma"),
        after("hospitalised", "recovered", chance="delta"),
    )
    card: ClassVar[Card] = Card(
        source="F. Brauer, Compartmental models in epidemiology, in Mathematical Epidemiology, "
        "Springer 2008: the model with treatment, its treated class not infectious",
        meaning={
            "susceptible": SUSCEPTIBLE,
            "infected": INFECTED,
            "hospitalised": "isolated: infects nobody",
            "recovered": RECOVERED,
        },
        equations=(
            HIT.format("I"),
            "P(I -> H) = eta, P(I -> R) = gamma, one draw; eta + gamma <= 1, else refused",
            "P(H -> R) = delta",
        ),
        checked=(CHAIN, NAIVE),
    )
