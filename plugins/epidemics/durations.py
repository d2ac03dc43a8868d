"""Epidemics with latent and infectious periods of any distribution, drawn when an agent enters.

A probability per tick means a geometric period, most likely one tick long. Real ones differ: choose
a distribution, its mean, and its spread (standard deviation / mean).
"""

from typing import Any, ClassVar

from sim import Card, Durations, Field, contact, register, stay
from sim.spread import StayLaw

LAWS = (
    "stays: geometric, fixed, Weibull, gamma or lognormal, of mean m ticks and standard deviation "
    "spread x m",
    "times that are not whole are rounded at random so that the mean is kept; what would be no "
    "tick is one, which lengthens short stays: gamma of mean 2 and spread 1 to 2.21 ticks",
)
TWO = (
    "two agents: P(transmit) = 1 - E[(1 - beta)^D] for each law, 20,000 pairs, seed 51, 4 standard "
    "errors"
)
STAYS = "mean and spread of 20,000 stays of each law, seed 52, 4 standard errors"
SAME = "geometric stays have the exact law of the model in chances on 3 agents, 20,000 copies"
EDGE = (
    "the edge-based equations on 100,000 agents, P(k) ~ k^-2.5: every state within .005 "
    "of all agents over 40 ticks, mean of 5 runs, seed 54"
)
SUSCEPTIBLE = "can be infected"
EXPOSED = "infected, not yet infectious, for a latent period"
INFECTED = "tries each of its followers once a tick, for an infectious period"
SOURCE = (
    "A. L. Lloyd, Realistic distributions of infectious periods in epidemic models, Theor. Popul. "
    "Biol. 60, 2001; in ticks"
)


def beta() -> Any:
    """Return the parameter for the infection probability."""
    return Field(0.05, ge=0, le=1, description="chance of infection", unit="per contact and tick")


def law() -> Any:
    """Return the parameter for the distribution of periods."""
    return Field("gamma", description="law of how long a stay lasts")


def spread() -> Any:
    """Return the parameter for the relative spread of periods."""
    return Field(0.5, ge=0.05, le=3, description="standard deviation / mean; not of geometric or "
                 "fixed stays")  # fmt: skip


def period(default: float, of: str) -> Any:
    """Return a parameter for a mean period."""
    return Field(default, ge=1, le=1000, description=f"mean {of} period", unit="ticks")


@register("sir-durations")
class SIRDurations(Durations):
    """Susceptible-infected-recovered with an infectious period of any law (Lloyd 2001)."""

    beta: float = beta()
    infectious: float = period(5, "infectious")
    law: StayLaw = law()
    spread: float = spread()

    states: ClassVar[tuple[str, ...]] = ("susceptible", "infected", "recovered")
    seeded: ClassVar[str] = "infected"
    rules: ClassVar = (contact("susceptible", "infected", by="infected", chance="beta"),)
    stays: ClassVar = (stay("infected", "recovered", mean="infectious"),)
    card: ClassVar[Card] = Card(
        source=SOURCE,
        meaning={"susceptible": SUSCEPTIBLE, "infected": INFECTED, "recovered": "immune for good"},
        equations=(
            "P(S -> I) = 1 - (1 - beta)^k, k infected sources; I lasts D ticks",
            "P(one tie ever transmits) = 1 - E[(1 - beta)^D]",
            *LAWS,
        ),
        checked=(
            TWO,
            STAYS,
            SAME,
            "attack rate of fixed periods on 4-regular: 60,000 agents, seed 53, within .01",
        ),
    )


@register("sis-durations")
class SISDurations(Durations):
    """Susceptible-infected-susceptible with an infectious period of any law (Lloyd 2001)."""

    beta: float = beta()
    infectious: float = period(5, "infectious")
    law: StayLaw = law()
    spread: float = spread()

    states: ClassVar[tuple[str, ...]] = ("susceptible", "infected")
    seeded: ClassVar[str] = "infected"
    rules: ClassVar = (contact("susceptible", "infected", by="infected", chance="beta"),)
    stays: ClassVar = (stay("infected", "susceptible", mean="infectious"),)
    card: ClassVar[Card] = Card(
        source=SOURCE,
        meaning={"susceptible": "can be infected, also again", "infected": INFECTED},
        equations=(
            "P(S -> I) = 1 - (1 - beta)^k, k infected sources; I lasts D ticks, a new D each time",
            *LAWS,
        ),
        checked=(STAYS, SAME),
    )


@register("seir-durations")
class SEIRDurations(Durations):
    """Susceptible-exposed-infected-recovered with latent and infectious periods of any law.

    Lloyd 2001. What libraries call SEIR in continuous time often lets the hazard grow with the
    clock of the whole run; here a period starts when its agent enters it.
    """

    beta: float = beta()
    latent: float = period(3, "latent")
    infectious: float = period(5, "infectious")
    law: StayLaw = law()
    spread: float = spread()

    states: ClassVar[tuple[str, ...]] = ("susceptible", "exposed", "infected", "recovered")
    seeded: ClassVar[str] = "infected"
    rules: ClassVar = (contact("susceptible", "exposed", by="infected", chance="beta"),)
    stays: ClassVar = (
        stay("exposed", "infected", mean="latent"),
        stay("infected", "recovered", mean="infectious"),
    )
    card: ClassVar[Card] = Card(
        source=SOURCE,
        meaning={
            "susceptible": SUSCEPTIBLE,
            "exposed": EXPOSED,
            "infected": INFECTED,
            "recovered": "immune for good",
        },
        equations=(
            "P(S -> E) = 1 - (1 - beta)^k, k infected sources; E and I last as drawn",
            *LAWS,
        ),
        checked=(TWO, STAYS, SAME, EDGE),
        choices=("one law and one spread for both periods, each with its own mean",),
    )


@register("seis-durations")
class SEISDurations(Durations):
    """Susceptible-exposed-infected-susceptible with periods of any law (Lloyd 2001)."""

    beta: float = beta()
    latent: float = period(3, "latent")
    infectious: float = period(5, "infectious")
    law: StayLaw = law()
    spread: float = spread()

    states: ClassVar[tuple[str, ...]] = ("susceptible", "exposed", "infected")
    seeded: ClassVar[str] = "infected"
    rules: ClassVar = (contact("susceptible", "exposed", by="infected", chance="beta"),)
    stays: ClassVar = (
        stay("exposed", "infected", mean="latent"),
        stay("infected", "susceptible", mean="infectious"),
    )
    card: ClassVar[Card] = Card(
        source=SOURCE,
        meaning={
            "susceptible": "can be infected, also again",
            "exposed": EXPOSED,
            "infected": INFECTED,
        },
        equations=(
            "P(S -> E) = 1 - (1 - beta)^k, k infected sources; E and I last as drawn",
            *LAWS,
        ),
        checked=(STAYS, SAME),
        choices=("one law and one spread for both periods, each with its own mean",),
    )
