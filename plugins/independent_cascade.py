"""Independent cascades."""

from typing import ClassVar, Literal

from sim import Cascade, Contacts, DrawMode, Draws, Field, PropagationModel, convince, register


@register("independent-cascade")
class IndependentCascade(PropagationModel):
    """Each new adopter tries once to convince each of its listeners (Kempe et al. 2003).

    Kempe, Kleinberg & Tardos, "Maximizing the spread of influence through a social network", KDD
    2003. Synchronous; an attempt succeeds when its draw in [0, 1) is below its chance; influence
    runs along ties. Constant chances use geometric skips unless coins are asked for; chances by
    trust or degree always use coins.
    """

    states: ClassVar[tuple[str, ...]] = ("inactive", "active")
    draws: ClassVar[DrawMode] = "skips"
    progressive: ClassVar[bool] = True

    probability: float = Field(0.1, ge=0, le=1, description="chance of one attempt")
    weights: Literal["constant", "trust", "weighted-cascade"] = Field(
        "constant",
        description="what an attempt's chance is: the probability, the probability times the tie's "
        "trust, or 1 / the listener's number of sources",
    )

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Let last tick's adopters try."""
        if self.weights == "weighted-cascade":
            convince(cascade, contacts, draws, chance=1.0, scale="degree")
        elif self.weights == "trust":
            convince(cascade, contacts, draws, chance=self.probability, scale="trust")
        else:
            convince(cascade, contacts, draws, chance=self.probability)
