"""Information diffusion in continuous time."""

import math
from typing import ClassVar

from sim import Compartments, Field, after, contact, register


@register("diffusion")
class Diffusion(Compartments):
    """Continuous-time diffusion: every tie passes the message on after an exponential delay.

    Gomez-Rodriguez, Balduzzi & Scholkopf, "Uncovering the temporal dynamics of diffusion networks",
    ICML 2011 (exponential transmission), with an exponential span of attention. A tie of trust w
    fires in a tick with chance ``w * (1 - exp(-rate))``; an informed agent falls silent with chance
    ``1 - exp(-1 / span)``. Observed at whole ticks: a chain of several ties takes several ticks.
    """

    rate: float = Field(0.05, ge=0, le=100, description="transmissions per tie and tick")
    span: float = Field(10.0, gt=0, le=1e6, description="mean ticks until an agent falls silent")

    states: ClassVar[tuple[str, ...]] = ("unaware", "informed", "silent")
    seeded: ClassVar[str] = "informed"
    rules: ClassVar = (
        contact("unaware", "informed", by="informed", chance="hazard * trust"),
        after("informed", "silent", chance="fading"),
    )

    @property
    def hazard(self) -> float:
        """Chance that a tie of full trust fires within a tick."""
        return -math.expm1(-self.rate)

    @property
    def fading(self) -> float:
        """Chance of falling silent within a tick."""
        return -math.expm1(-1.0 / self.span)
