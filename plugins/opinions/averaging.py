"""Opinions on a scale: weighted means, bounded confidence, and algorithmic bias."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from sim import Card, Cascade, Field, Floats, Meetings, OpinionModel, Voices, register
from sim.errors import ParameterError


@register("degroot")
class DeGroot(OpinionModel):
    """Everybody takes the mean opinion of those heard, tick after tick (DeGroot 1974).

    ``x_i <- stay * x_i + (1 - stay) * mean of x_j over those that i hears``
    """

    weights: Literal["uniform", "trust"] = Field(
        "uniform", description="what each one heard weighs: all alike, or the trust in it"
    )
    stay: float = Field(0.0, ge=0, le=1, description="weight of an agent's own opinion")

    card: ClassVar[Card] = Card(
        source="DeGroot, Reaching a consensus, Journal of the American Statistical Association "
        "69, 1974",
        equations=("x(t+1) = W x(t)", "W_ii = stay, W_ij = (1 - stay) / number of those i hears"),
        includes_self="with weight stay, 0 unless given",
        checked=(
            "karate club, x_i(0) = i/33, W = D^-1 A: consensus 0.4924242424, to 1e-9",
            "karate club: distances to it shrink by 0.8677277 a tick, the second eigenvalue, to "
            "1e-6",
        ),
        choices=(
            "W is any row-stochastic matrix in the paper: uniform over ties, or by trust",
            "an agent that hears nobody keeps its opinion",
        ),
    )

    def update(self, own: Floats, heard: Voices) -> Floats:
        """Move to the mean of what is heard."""
        mean = heard.mean if self.weights == "uniform" else heard.mean_by_trust
        return self.stay * own + (1 - self.stay) * mean


@register("friedkin-johnsen")
class FriedkinJohnsen(OpinionModel):
    """The mean of what is heard, held back by what each thought first (Friedkin & Johnsen 1990).

    ``x_i <- (1 - anchor) * mean of x_j over those that i hears + anchor * x_i(0)``
    """

    keeps_first: ClassVar[bool] = True

    anchor: float = Field(0.1, ge=0, le=1, description="weight of an agent's first opinion, theta")
    weights: Literal["uniform", "trust"] = Field(
        "uniform", description="what each one heard weighs: all alike, or the trust in it"
    )

    card: ClassVar[Card] = Card(
        source="Friedkin & Johnsen, Social influence and opinions, Journal of Mathematical "
        "Sociology 15, 1990",
        equations=("x(t+1) = (I - Theta) W x(t) + Theta x(0)",),
        largest="as large as the world: 24 bytes an agent",
        checked=(
            "karate club, theta 0.1, x_i(0) = i/33: x_0 0.3489184376, x_16 0.3255266052, x_33 "
            "0.6264473851, mean 0.4920182686, to 1e-9",
        ),
        choices=(
            "Theta is a number of each agent in the paper: one for all here",
            "an agent that hears nobody keeps its opinion",
            "newcomers are anchored where they begin",
        ),
    )

    def update(self, own: Floats, heard: Voices) -> Floats:
        """Move to the mean of what is heard, and back towards the first opinion."""
        mean = heard.mean if self.weights == "uniform" else heard.mean_by_trust
        return (1 - self.anchor) * mean + self.anchor * heard.first


@register("altafini")
class Altafini(OpinionModel):
    """Friends attract, foes repel: the mean over ties with signs (Altafini 2013).

    ``x_i <- x_i + pace * (mean of s_ij x_j over those that i hears - x_i)``, opinions in [-1, 1].
    """

    span: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    pace: float = Field(
        0.5, gt=0, le=1, description="share of the way that an agent goes", unit="per tick"
    )
    negative: float = Field(
        0.1, ge=0, le=1, description="share of pairs with a negative tie, where ties have no signs"
    )

    card: ClassVar[Card] = Card(
        source="Altafini, Consensus problems on networks with antagonistic interactions, IEEE "
        "Transactions on Automatic Control 58, 2013",
        equations=("x_i(t+1) = (1 - pace) x_i(t) + pace / d_i * sum_j s_ij x_j(t)",),
        includes_self="with weight 1 - pace",
        largest="as large as the world: 16 bytes an agent, 1 byte a tie for signs",
        checked=(
            "karate club, ties between its two clubs negative, x_i(0) = 2 i/33 - 1: the clubs end "
            "at 0.6612276612 and -0.6612276612, to 1e-9",
            "a triangle with one negative tie: all end at 0",
        ),
        choices=(
            "continuous in time in the paper: a tick is one step of length pace of the flow in "
            "which each agent's ties weigh 1 in all; pace 1 swings for ever on two-sided networks",
            "signs: those of the ties; where they have none, the same draw for both directions of "
            "a pair makes it negative with chance negative",
        ),
    )

    def update(self, own: Floats, heard: Voices) -> Floats:
        """Move towards friends and away from foes."""
        return own + self.pace * (heard.signed(self.negative) - own)


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
            "both move where each hears the other; along one-sided ties the follower alone does",
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


@register("algorithmic-bias")
class AlgorithmicBias(Meetings):
    """Two who think alike meet more often, and meet in the middle (Sirbu et al. 2019).

    The partner j of i is drawn in proportion to ``max(|x_i - x_j|, 1e-5) ** -gamma``; if
    ``|x_i - x_j| < bound`` both take the mean of the two. With ``gamma = 0`` this is ``deffuant``.
    """

    mutual: ClassVar[bool] = True
    conserves: ClassVar[bool] = True

    bound: float = Field(0.32, ge=0, le=2, description="largest gap that still persuades, epsilon")
    gamma: float = Field(1.0, ge=0, le=20, description="strength of the bias towards like minds")

    card: ClassVar[Card] = Card(
        source="Sirbu, Pedreschi, Giannotti & Kertesz, Algorithmic bias amplifies opinion "
        "fragmentation and polarization: a bounded confidence model, PLOS ONE 14, 2019",
        equations=(
            "P(j | i) ~ max(|x_i - x_j|, 1e-5)^-gamma over those i hears",
            "if |x_i - x_j| < bound:  x_i, x_j <- (x_i + x_j) / 2",
        ),
        comparison="a gap persuades when it is < the bound",
        cost="the row of ties of each updated agent",
        largest="as large as the world: 16 bytes an agent",
        checked=(
            "partners of one follower by distance: 300,000 draws against the exact law, chi-square",
            "gamma 0: deffuant with mu 1/2, to 1e-12",
            "mean opinion conserved to 1e-12",
        ),
        choices=(
            "distances below 1e-5 count as 1e-5",
            "both move where each hears the other; along one-sided ties the follower alone does",
        ),
    )

    def preference(self) -> float:
        """Return ``gamma``."""
        return self.gamma

    def meet(self, listener: float, speaker: float) -> float:
        """Take the mean, if the gap is not too large."""
        if abs(speaker - listener) < self.bound:
            return 0.5 * (listener + speaker)
        return listener


@register("algorithmic-bias-media")
class AlgorithmicBiasMedia(AlgorithmicBias):
    """As algorithmic-bias, with media that are heard and never move (Pansanella et al. 2023).

    After each meeting, with chance ``media_chance``, the agent whose turn it is hears a medium,
    drawn by ``gamma_media`` as partners are by ``gamma``, and takes the mean if it is near enough.
    """

    conserves: ClassVar[bool] = False

    media_opinions: str = Field("0.05,0.5,0.95", description="what each medium says, by commas")
    media_chance: float = Field(
        0.2, ge=0, le=1, description="chance to hear one", unit="per meeting"
    )
    gamma_media: float = Field(1.0, ge=0, le=20, description="bias in the choice of a medium")

    card: ClassVar[Card] = Card(
        source="Pansanella, Sirbu, Kertesz & Rossetti, Mass media impact on opinion evolution in "
        "biased digital environments: a bounded confidence model, Scientific Reports 13, 2023",
        equations=(
            "as algorithmic-bias; then with chance media_chance a medium m, "
            "P(m | i) ~ max(|x_i - x_m|, 1e-5)^-gamma_media",
            "if |x_i - x_m| < bound:  x_i <- (x_i + x_m) / 2",
        ),
        checked=(
            "one medium, bound 1: all end at its opinion",
            "media_chance 0: algorithmic-bias, to the last bit",
        ),
        choices=(
            "media are heard by the agent whose turn it is, not by its partner",
            "agents take their turn at random, on complete networks too",
            "distances below 1e-5 count as 1e-5",
        ),
    )

    def check(self) -> None:
        """Refuse media that say nothing in the range."""
        super().check()
        self._opinions()

    def _opinions(self) -> Floats:
        try:
            said = np.array([float(word) for word in self.media_opinions.split(",")])
        except ValueError:
            said = np.array([np.nan])
        if not ((said >= 0.0) & (said <= 1.0)).all():
            raise ParameterError(
                f"{self.plugin_name}: media_opinions must be numbers in [0, 1] with commas "
                f"between, got {self.media_opinions!r}."
            )
        return said

    def media(self) -> tuple[Floats, float, float]:
        """Return what media say, the chance to hear one, and the bias among them."""
        return self._opinions(), self.media_chance, self.gamma_media
