"""Coupling of opinions and spread: a message moves opinions, and opinions decide who adopts it."""

from typing import ClassVar

import numpy as np

from sim import Card, DrawMode, Exposure, Field, Floats, PerExposure, Swaying, register


@register("persuasion")
class Persuasion(Swaying, PerExposure):
    """Who agrees with a message passes it on; who hears it comes to agree a little more.

    An exposure convinces with chance ``base * trust * ((1 + stance * x_i) / 2) ** taste``, x_i the
    hearer's opinion in [-1, 1]; every hearing moves x_i by ``pull * (stance - x_i)``. Give it the
    ``topic`` of an opinion model, and the discussion and the message act on one another.
    """

    draws: ClassVar[DrawMode] = "coins"

    base: float = Field(
        0.3, ge=0, le=1, description="chance at full trust and full agreement",
        json_schema_extra={"unit": "per hearing"},
    )  # fmt: skip
    taste: float = Field(1.0, ge=0, le=20, description="how much agreement matters; 0: not at all")

    card: ClassVar[Card] = Card(
        source="ours: a plain coupling of adoption and opinion",
        meaning={
            "inactive": "has not taken the message up; its opinion may have been moved",
            "active": "took the message up, and tells its listeners in the tick after",
        },
        equations=(
            "chance = base * trust * ((1 + stance * x_i) / 2)^taste",
            "after k hearings in a tick: x_i <- stance + (x_i - stance) (1 - pull)^k",
        ),
        cost="the ties of the tick's speakers, twice; opinions of all once",
        largest="as large as the world: 16 bytes an agent",
        checked=(
            "a chain of agents, base 1, taste 0: opinions after k hearings, to 1e-12",
            "taste 0 and pull 0: the per-exposure form with chance base * trust, the same adopters",
        ),
        choices=("opinions of a tick are those as it begins: hearing counts from the next one",),
    )

    def chance(self, exposure: Exposure) -> Floats:
        """Weigh one exposure by agreement."""
        agreement = (1 + self.stance * exposure.viewer.opinion) / 2
        return self.base * exposure.trust * np.maximum(agreement, 0.0) ** self.taste
