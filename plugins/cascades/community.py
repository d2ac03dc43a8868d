"""Independent cascades with communities: barriers between them, edge closeness within."""

from typing import ClassVar

from sim import Card, Cascade, Contacts, Draws, Field, LiveEdges, PropagationModel, register
from sim.spread import Border, Embeddedness, convince_by

_MEANING = {
    "inactive": "has not taken the message up",
    "active": "has taken it up, for good; it speaks in the tick after",
}
_SOURCE = (
    "Milli & Rossetti, Community-aware content diffusion: embeddedness and permeability, "
    "Complex Networks 2019."
)
_OVERLAP = "e(u, v) = c / (d_u + d_v - c), d: number of listeners, c: common ones in u's community"
_CHOICES = (
    "neighbours are listeners, also where ties are one-sided; an agent of no community shares none",
)
_CHECKED = (
    "against plain Python with the same coins, adopters, ticks and sources",
    "e(u, v) against set arithmetic, for short rows and hubs",
)


@register("icp")
class Permeability(PropagationModel):
    """An independent cascade whose attempts weaken at the border of a community (ICP).

    Milli & Rossetti, "Community-aware content diffusion: embeddedness and permeability", Complex
    Networks 2019. Communities are the world's.
    """

    progressive: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        source=_SOURCE,
        meaning=_MEANING,
        equations=("P(u convinces v) = p within a community, p * permeability between two",),
        cost="one visit a tie of each new adopter",
        largest="10 million agents on one machine",
        checked=_CHECKED[:1],
        choices=_CHOICES,
    )

    probability: float = Field(
        0.1, ge=0, le=1, description="chance within a community",
        json_schema_extra={"unit": "per attempt"},
    )  # fmt: skip
    permeability: float = Field(
        0.3, ge=0, le=1, description="share of the chance that is left between communities"
    )

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Let last tick's adopters try."""
        rule = Border(self.permeability)
        convince_by(rule, cascade, contacts, draws, chance=self.probability)

    def live_edges(self) -> LiveEdges:
        """Return the chance of a tie's one attempt, and its share between communities."""
        return LiveEdges(self.probability, across=self.permeability)


@register("ice")
class EmbeddednessCascade(PropagationModel):
    """An independent cascade along closeness: the overlap of two neighbourhoods (ICE).

    Milli & Rossetti, Complex Networks 2019. Free of parameters: within a community the chance is
    the tie's embeddedness e(u, v), between two the least embeddedness of the speaker's ties.
    """

    progressive: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        source=_SOURCE,
        meaning=_MEANING,
        equations=(
            _OVERLAP,
            "P(u convinces v) = e(u, v) within a community, min over w of e(u, w) between two",
        ),
        cost="one visit a tie of each new adopter; listeners are compared where its coin is low, "
        "in communities of at most 64 by a word or two an agent, made once a network",
        largest="1 million agents on one machine",
        checked=_CHECKED,
        choices=_CHOICES,
    )

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Let last tick's adopters try."""
        convince_by(Embeddedness(), cascade, contacts, draws)


@register("icep")
class EmbeddednessPermeability(PropagationModel):
    """An independent cascade along closeness, with permeable borders (ICEP).

    Milli & Rossetti, Complex Networks 2019: within a community the chance is the tie's
    embeddedness, between two the probability times the permeability.
    """

    progressive: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        source=_SOURCE,
        meaning=_MEANING,
        equations=(
            _OVERLAP,
            "P(u convinces v) = e(u, v) within a community, p * permeability between two",
        ),
        cost="one visit a tie of each new adopter; listeners are compared where its coin is low, "
        "in communities of at most 64 by a word or two an agent, made once a network",
        largest="1 million agents on one machine",
        checked=_CHECKED,
        choices=_CHOICES,
    )

    probability: float = Field(
        0.1, ge=0, le=1, description="chance over a tie, before the border",
        json_schema_extra={"unit": "per attempt"},
    )  # fmt: skip
    permeability: float = Field(
        0.3, ge=0, le=1, description="share of the chance that is left between communities"
    )

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Let last tick's adopters try."""
        rule = Embeddedness(self.probability * self.permeability)
        convince_by(rule, cascade, contacts, draws)
