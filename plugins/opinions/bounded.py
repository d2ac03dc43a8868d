"""Bounded confidence: only those who think alike are listened to."""

from typing import ClassVar, Literal

import numpy as np

from sim import Card, Cascade, Field, Floats, Meetings, OpinionModel, Voices, register


@register("deffuant")
class Deffuant(Meetings):
    """Two who meet and think alike move towards each other (Deffuant et al. 2000).

    If ``|x_i - x_j| < bound``: ``x_i += mu (x_j - x_i)`` and ``x_j += mu (x_i - x_j)``.
    """

    mutual: ClassVar[bool] = True
    conserves: ClassVar[bool] = True

    bound: float = Field(0.2, ge=0, le=2, description="largest gap that still persuades, epsilon")
    mu: float = Field(0.5, ge=0, le=0.5, description="share of the gap that each one moves")

    card: ClassVar[Card] = Card(
        source="Deffuant, Neau, Amblard & Weisbuch, Mixing beliefs among interacting agents, "
        "Advances in Complex Systems 3, 2000",
        equations=("if |d| < bound, d = x_j - x_i:  x_i += mu d,  x_j -= mu d",),
        comparison="a gap persuades when it is < the bound",
        largest="as large as the world: 16 bytes an agent",
        checked=(
            "complete network of 1,000, mu 1/2, uniform start: clusters of at least 5 %: 1, 2, 3 "
            "for bound 0.5, 0.2, 0.15",
            "mean opinion conserved to 1e-12",
        ),
        choices=(
            "both move where each hears the other; along one-sided ties the listener alone does",
        ),
    )

    def meet(self, listener: float, speaker: float) -> float:
        """Move a part of the way, if it is not too long."""
        if abs(speaker - listener) < self.bound:
            return listener + self.mu * (speaker - listener)
        return listener


@register("hegselmann-krause")
class HegselmannKrause(OpinionModel):
    """Everybody takes the mean of those it hears that think alike, itself included (2002).

    ``x_i <- mean of x_j over {j heard: |x_i - x_j| <= bound} and i itself``
    """

    bound: float = Field(0.2, ge=0, le=2, description="largest gap that still persuades, epsilon")

    card: ClassVar[Card] = Card(
        source="Hegselmann & Krause, Opinion dynamics and bounded confidence: models, analysis "
        "and simulation, Journal of Artificial Societies and Social Simulation 5(3), 2002",
        equations=("x_i(t+1) = mean of x_j(t) over j with |x_i(t) - x_j(t)| <= bound, i included",),
        comparison="a gap persuades when it is <= the bound (up to 1e-12 of rounding)",
        includes_self="yes",
        checked=(
            "complete network of 11, even start, bound 1/4: all at 0.5 after 8 ticks",
            "complete network of 21, even start, bound 3/20: 7, 7, 7 agents at 0.204187, 0.5, "
            "0.795813 after 6 ticks",
        ),
        choices=("the paper lets all hear all: a complete network; here along ties",),
    )

    def update(self, own: Floats, heard: Voices) -> Floats:
        """Take the mean of those who think alike."""
        return heard.within(self.bound, itself=True)


class Stubborn(Meetings):
    """What the weighted models have in common: opinions in [-1, 1], and agents that never move."""

    span: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    bound: float = Field(0.3, ge=0, le=2, description="largest gap that still persuades, epsilon")
    weight: float = Field(1.0, ge=0, le=1, description="influence of a tie of full trust")
    stubborn_share: float = Field(0.0, ge=0, le=1, description="share of agents that never move")

    def stubborn(self, cascade: Cascade) -> np.ndarray:
        """Draw who never moves."""
        if self.stubborn_share == 0.0:
            return super().stubborn(cascade)
        ids = np.arange(cascade.agents)
        drawn = cascade.draws(0).uniforms(ids, once=True) < self.stubborn_share
        return drawn.astype(np.uint8)


@register("weighted-hk")
class WeightedHK(Stubborn):
    """Those who think alike push an agent further its way, by trust (Milli 2021).

    With ``m = mean of w_ij x_j`` over those heard within ``bound``: ``x_i += m (1 - |x_i|)``.
    """

    variant: Literal["group", "pair"] = Field(
        "group", description="hear all within the bound at once, or one of those heard at random"
    )

    card: ClassVar[Card] = Card(
        source="Milli, Opinion dynamic modeling of news perception, Applied Network Science 6, "
        "2021; Toccaceli, Milli & Rossetti, Complex Networks 2020",
        equations=(
            "group: x_i += m (1 - x_i) if x_i >= 0, else m (1 + x_i); m = mean of w_ij x_j within "
            "the bound",
            "pair: the same with (x_i + w_ij x_j) / 2 for m, when |x_i - x_j| <= bound",
        ),
        comparison="a gap persuades when it is <= the bound",
        largest="as large as the world: 16 bytes an agent",
        cost="group: the row of ties of each updated agent; pair: one tie",
        checked=("a naive reference with the same draws, to the last bit",),
        choices=(
            "group and pair are both in the paper: the parameter variant",
            "w_ij is weight times the trust in the tie",
            "one agent at a time in the paper, as here",
        ),
    )

    @property
    def in_groups(self) -> bool:
        """Whether all within the bound are heard at once."""
        return self.variant == "group"

    def hears_within(self) -> float | None:
        """Return the bound, where all within it are heard at once."""
        return self.bound if self.in_groups else None

    def meet(self, listener: float, speaker: float, coin: float, trust: float) -> float:
        """Move further the way that was heard; the nearer to the end, the less."""
        if self.in_groups:
            push = self.weight * speaker
        elif abs(speaker - listener) <= self.bound:
            push = 0.5 * (listener + self.weight * trust * speaker)
        else:
            push = 0.0
        return listener + push * (1.0 - abs(listener))


@register("attraction-repulsion-hk")
class AttractionRepulsionHK(Stubborn):
    """Those who think alike attract, those who do not repel (Milli 2021).

    With ``s = x_i + w_ij x_j`` the listener moves by ``|s| / 2 * (1 - |x_i|)``: towards ``x_j``
    when ``|x_i - x_j| < bound``, else away from it.
    """

    variant: Literal["both", "attraction", "repulsion"] = Field(
        "both", description="which of the two forces act"
    )

    card: ClassVar[Card] = Card(
        source="Milli, Opinion dynamic modeling of news perception, Applied Network Science 6, "
        "2021; Toccaceli, Milli & Rossetti, Complex Networks 2020",
        equations=(
            "s = x_i + w_ij x_j",
            "|x_i - x_j| < bound:  x_i += sign(x_j - x_i) |s| / 2 (1 - |x_i|)",
            "else:  x_i -= sign(x_j - x_i) |s| / 2 (1 - |x_i|)",
        ),
        comparison="a gap attracts when it is < the bound, else it repels",
        largest="as large as the world: 16 bytes an agent",
        checked=(
            "the eight cases of each force in the paper, one by one",
            "a naive reference with the same draws, to the last bit",
        ),
        choices=(
            "variant: both forces, or one alone; where the other would act nothing moves",
            "equal opinions neither attract nor repel: the paper's cases leave them out",
            "w_ij is weight times the trust in the tie",
        ),
    )

    @property
    def attracts(self) -> bool:
        """Whether those within the bound attract."""
        return self.variant != "repulsion"

    @property
    def repels(self) -> bool:
        """Whether those beyond the bound repel."""
        return self.variant != "attraction"

    def meet(self, listener: float, speaker: float, coin: float, trust: float) -> float:
        """Move towards the speaker or away from it."""
        way = 0.0
        if speaker != listener:
            way = 1.0 if speaker > listener else -1.0
        near = abs(speaker - listener) < self.bound
        if near and not self.attracts:
            way = 0.0
        if not near:
            way = -way if self.repels else 0.0
        size = abs(listener + self.weight * trust * speaker) / 2.0
        return listener + way * size * (1.0 - abs(listener))
