"""Independent cascades whose attempts weaken with age, or with every earlier exposure."""

from typing import ClassVar, Literal

from sim import Card, Cascade, Contacts, Draws, Field, PropagationModel, convince, register
from sim.spread import Novelty, convince_by, fresh_minutes

_MEANING = {
    "inactive": "has not taken the message up",
    "active": "has taken it up, for good; it speaks in the tick after",
}
_MOST = 255
_FORGOTTEN = 1e-9


@register("novelty-decay")
class NoveltyDecay(PropagationModel):
    """An independent cascade in which a message loses its novelty (Feng et al. 2014).

    Feng, Chen, Cong, Zeng, Chee & Xiang, "Influence maximization with novelty decay in social
    networks", AAAI 2014: who heard the message k times before is convinced with the chance
    p f(k). By age: p exp(-0.4 t^0.4), t in minutes, the decay of attention of Wu & Huberman,
    "Novelty and collective attention", PNAS 2007, as a mean over the tick. Synchronous; an attempt
    succeeds when its draw is below.
    """

    card: ClassVar[Card] = Card(
        source="Feng, Chen, Cong, Zeng, Chee & Xiang, Influence maximization with novelty decay in "
        "social networks, AAAI 2014; by age: Wu & Huberman, Novelty and collective attention, "
        "PNAS 2007.",
        meaning=_MEANING,
        equations=(
            "exposures: P(u convinces v) = p fading^k, k hearings of v in earlier ticks",
            "age: P(u convinces v) = p times the mean of exp(-0.4 t^0.4) over the tick's minutes t "
            "of the message",
        ),
        cost="one visit a tie of each new adopter, one more to count hearings",
        largest="10 million agents on one machine",
        checked=(
            "both rules against plain Python with the same coins, adopters, ticks and sources",
            "an agent that three others reach in turn: the exact shares; 20,000 copies, "
            "within 4 standard errors",
        ),
        choices=(
            "hearings of one tick count as simultaneous: none is earlier than another",
            "decay: which of the two, Feng's by default",
        ),
    )

    probability: float = Field(
        0.2, ge=0, le=1, description="chance of a first, fresh attempt",
        json_schema_extra={"unit": "per attempt"},
    )  # fmt: skip
    decay: Literal["exposures", "age"] = Field(
        "exposures", description="what wears the message out: earlier hearings, or its age"
    )
    fading: float = Field(
        0.5, ge=0, le=1, description="share of the chance left by each earlier hearing"
    )

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Let last tick's adopters try."""
        if self.decay == "age":
            each = contacts.tick_minutes
            stop = (draws.tick - cascade.started_at) * each
            fresh = (fresh_minutes(stop) - fresh_minutes(stop - each)) / each
            convince(cascade, contacts, draws, chance=self.probability * fresh)
        else:
            rule = Novelty(self.left())
            convince_by(rule, cascade, contacts, draws, chance=self.probability)

    def left(self) -> tuple[float, ...]:
        """Return what is left after 0, 1, 2, ... hearings."""
        shares = [1.0]
        while shares[-1] > _FORGOTTEN and len(shares) <= _MOST and self.fading < 1:
            shares.append(shares[-1] * self.fading)
        return tuple(shares)
