"""A mix of word of mouth and diffusion."""

from typing import ClassVar, Literal

import numpy as np

from sim import DrawMode, Exposure, Field, Floats, PerExposure, register


@register("hybrid")
class Hybrid(PerExposure):
    """Word of mouth over strong ties, slow diffusion over weak ones (Granovetter 1973).

    A tie is strong when its ends share a community (``strong="community"``) or its trust is at
    least ``cut`` (``strong="trust"``). A strong tie convinces with chance ``base * trust *
    interest``, each exposure anew; a weak one passes the message on with the hazard of an
    exponential delay, ``1 - exp(-rate)``, whatever the interest. Granovetter, "The strength of weak
    ties", AJS 1973. An adopter speaks for ``attention`` ticks.
    """

    draws: ClassVar[DrawMode] = "coins"

    strong: Literal["community", "trust"] = Field(
        "community", description="what makes a tie strong: one community, or trust"
    )
    cut: float = Field(0.5, ge=0, le=1, description="least trust of a strong tie")
    base: float = Field(0.2, ge=0, le=1, description="chance over a strong tie at full interest")
    rate: float = Field(0.02, ge=0, le=100, description="transmissions per weak tie and tick")
    attention: int = Field(5, ge=1, le=1000, description="ticks for which an adopter speaks")

    def speaks_for(self) -> int:
        """Return ``attention``."""
        return self.attention

    def chance(self, exposure: Exposure) -> Floats:
        """Weigh one exposure by the kind of its tie."""
        trust = exposure.trust
        if self.strong == "trust":
            near = trust >= self.cut
        else:
            here = exposure.viewer.community
            near = (here >= 0) & (here == exposure.source.community)
        word_of_mouth = self.base * trust * exposure.interest
        return np.where(near, word_of_mouth, -np.expm1(-self.rate))
