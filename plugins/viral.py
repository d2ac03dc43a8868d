"""Viral spread: a friend's word, weighed."""

from typing import ClassVar

import numpy as np

from sim import DrawMode, Exposure, Field, Floats, PerExposure, register


@register("viral")
class Viral(PerExposure):
    """Word of mouth: trust, interest, fading novelty, and what repetition adds.

    Each exposure convinces with chance::

        base * trust * (indifference + (1 - indifference) * interest)
             * exp(-fading * age_ticks) * (1 + reinforcement * min(repeats, 3))

    clipped to [0, 1]. Novelty fades exponentially in the age of the message (Wu & Huberman,
    "Novelty and collective attention", PNAS 2007, observe a stretched exponential; the plain one is
    our simplification). Repeated exposure from further sources reinforces, up to three times
    (Centola & Macy, "Complex contagions and the weakness of long ties", AJS 2007). An adopter
    repeats the message for ``attention`` ticks.
    """

    draws: ClassVar[DrawMode] = "coins"

    base: float = Field(0.4, ge=0, le=1, description="chance at full trust, interest and novelty")
    indifference: float = Field(
        0.25, ge=0, le=1, description="what is left of the chance without any shared interest"
    )
    fading: float = Field(0.05, ge=0, le=10, description="loss of novelty per tick of age")
    reinforcement: float = Field(0.5, ge=0, le=10, description="gain by each earlier exposure")
    attention: int = Field(1, ge=1, le=1000, description="ticks for which an adopter repeats it")

    def speaks_for(self) -> int:
        """Return ``attention``."""
        return self.attention

    def chance(self, exposure: Exposure) -> Floats:
        """Weigh one exposure."""
        interest = self.indifference + (1 - self.indifference) * exposure.interest
        novelty = np.exp(-self.fading * exposure.age_ticks)
        repeats = 1 + self.reinforcement * np.minimum(exposure.repeats, 3)
        return self.base * exposure.trust * interest * novelty * repeats
