"""Epidemic models in discrete time: synchronous; an infected agent attempts before it recovers."""

from typing import ClassVar

from sim import Compartments, Field, after, contact, register


@register("si")
class SI(Compartments):
    """Susceptible-infected: who is infected stays so (Kermack & McKendrick without recovery)."""

    beta: float = Field(0.05, ge=0, le=1, description="chance of infection per contact and tick")

    states: ClassVar[tuple[str, ...]] = ("susceptible", "infected")
    seeded: ClassVar[str] = "infected"
    rules: ClassVar = (contact("susceptible", "infected", by="infected", chance="beta"),)


@register("sis")
class SIS(Compartments):
    """Susceptible-infected-susceptible: recovery leaves no immunity (Bailey 1975)."""

    beta: float = Field(0.05, ge=0, le=1, description="chance of infection per contact and tick")
    gamma: float = Field(0.2, ge=0, le=1, description="chance of recovery per tick")

    states: ClassVar[tuple[str, ...]] = ("susceptible", "infected")
    seeded: ClassVar[str] = "infected"
    rules: ClassVar = (
        contact("susceptible", "infected", by="infected", chance="beta"),
        after("infected", "susceptible", chance="gamma"),
    )


@register("sir")
class SIR(Compartments):
    """Susceptible-infected-recovered (Kermack & McKendrick 1927)."""

    beta: float = Field(0.05, ge=0, le=1, description="chance of infection per contact and tick")
    gamma: float = Field(0.2, ge=0, le=1, description="chance of recovery per tick")

    states: ClassVar[tuple[str, ...]] = ("susceptible", "infected", "recovered")
    seeded: ClassVar[str] = "infected"
    rules: ClassVar = (
        contact("susceptible", "infected", by="infected", chance="beta"),
        after("infected", "recovered", chance="gamma"),
    )
