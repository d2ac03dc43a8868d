"""Two opinion models: cognitive opinion dynamics (risk, institutional trust) and social impact."""

from typing import ClassVar, Literal

import numpy as np

from sim import (
    Around,
    Card,
    Cascade,
    Contacts,
    Draws,
    Field,
    Floats,
    Meetings,
    OpinionModel,
    Voices,
    register,
)
from sim.errors import CapacityError, ParameterError


@register("cognitive-opinion")
class CognitiveOpinion(Meetings):
    """How likely a danger seems: institutions, peers, and one's own nerves (Vilone et al. 2016).

    Each tick all hear what institutions say, ``x_i += T_i (I - x_i)``, then pairs meet: a speaker
    talks with chance ``x_j ** (1 / B_j)`` and moves the listener by ``(1 - T_i) (x_j - x_i)``.
    After either the alarmed (R = 1) take ``(1 + x) / 2``, the careless (R = -1) ``x / 2``.
    """

    mutual: ClassVar[bool] = True

    institutions: float = Field(0.5, ge=0, le=1, description="what institutions say, I")
    trust_low: float = Field(0.0, ge=0, le=1, description="least trust in institutions, T")
    trust_high: float = Field(1.0, ge=0, le=1, description="greatest trust in institutions, T")
    talk_low: float = Field(0.0, ge=0, le=1, description="least tendency to talk, B")
    talk_high: float = Field(1.0, ge=0, le=1, description="greatest tendency to talk, B")
    careless: float = Field(1 / 3, ge=0, le=1, description="share of the careless, R = -1")
    alarmed: float = Field(1 / 3, ge=0, le=1, description="share of the alarmed, R = 1")

    card: ClassVar[Card] = Card(
        source="Vilone, Giardini, Paolucci & Conte, Reducing individuals' risk sensitiveness can "
        "promote positive and non-alarmist views about catastrophic events in an agent-based "
        "simulation, arXiv 1609.04566, 2016",
        equations=(
            "all at once: x_i += T_i (I - x_i), then R",
            "meetings: with chance x_j^(1/B_j): x_i += (1 - T_i) (x_j - x_i), then R; and the "
            "other way round",
            "R = 1: x <- (1 + x) / 2;  R = -1: x <- x / 2;  R = 0: as it is",
        ),
        update="first institutions, all at once; then single updates in sequence, each sees those "
        "before it; the agent of an update is drawn at random, with replacement",
        largest="as large as the world: 40 bytes an agent",
        checked=(
            "without ties and nerves: |x - I| shrinks by 1 - T a tick, to 1e-12",
            "a naive reference with the same draws, to the last bit",
        ),
        choices=(
            "T and B are uniform between their bounds, R by shares; drawn once",
            "both of a pair hear each other as they were before they met, each by its own coin",
            "institutions speak at the beginning of a tick, as N meetings follow",
        ),
    )

    def check(self) -> None:
        """Refuse bounds in the wrong order and shares above one."""
        super().check()
        if self.trust_low > self.trust_high or self.talk_low > self.talk_high:
            raise ParameterError(
                f"{self.plugin_name}: trust_low and talk_low must not exceed trust_high and "
                f"talk_high."
            )
        if self.careless + self.alarmed > 1 + 1e-12:
            raise ParameterError(
                f"{self.plugin_name}: careless and alarmed must sum to at most 1, got "
                f"{self.careless + self.alarmed:g}."
            )

    def traits(self, cascade: Cascade) -> Floats:
        """Draw trust in institutions, 1 / tendency to talk and nerves: float64 (agents, 3)."""
        ids = np.arange(cascade.agents)
        trust, talk, nerves = (cascade.draws(0).uniforms(ids, k, once=True) for k in (1, 2, 3))
        sense = (nerves >= 1 - self.alarmed) * 1.0 - (nerves < self.careless)
        trust = self.trust_low + (self.trust_high - self.trust_low) * trust
        talk = self.talk_low + (self.talk_high - self.talk_low) * talk
        return np.stack([trust, 1.0 / np.maximum(talk, 1e-9), sense], axis=1)

    def informed(self, cascade: Cascade, own: Floats) -> Floats:
        """Return what all think after hearing institutions."""
        trust, _, sense = self.known_traits(cascade).T
        told: Floats = own + trust * (self.institutions - own)
        told += (sense != 0) * (0.5 * ((sense > 0) - told))
        return told

    def discuss(self, cascade: Cascade, contacts: Contacts, draws: Draws, own: Floats) -> None:
        """Hear institutions, then meet."""
        np.copyto(own, self.informed(cascade, own), where=self.movable(cascade))
        super().discuss(cascade, contacts, draws, own)

    def is_settled(self, cascade: Cascade, contacts: Contacts, own: Floats) -> bool:
        """Return false where institutions move anybody: they speak in every tick."""
        moved = np.abs(self.informed(cascade, own) - own)[self.movable(cascade)]
        still = bool(moved.max(initial=0.0) <= self.least)
        return still and super().is_settled(cascade, contacts, own)

    def meet(
        self,
        listener: float,
        speaker: float,
        coin: float,
        trust: float,
        mine: Floats,
        theirs: Floats,
    ) -> float:
        """Hear a peer, if it talks."""
        if coin >= speaker ** theirs[1]:
            return listener
        told: float = listener + (1.0 - mine[0]) * (speaker - listener)
        if mine[2] > 0.0:
            return 0.5 * (1.0 + told)
        if mine[2] < 0.0:
            return 0.5 * told
        return told


LARGEST = 5000
"""Agents of whom all distances fit: 25 MB, and 25 million pairs a tick."""


@register("social-impact")
class SocialImpact(OpinionModel):
    """Everybody feels everybody, less the further off: who is outweighed changes (Nowak 1990).

    An agent changes its opinion when the sum of ``p_j / d_ij ** alpha`` over those that differ,
    less the sum of ``s_j / d_ij ** alpha`` over those that agree, exceeds ``threshold + h_i``.
    """

    states: ClassVar[tuple[str, ...]] = ("against", "for")
    choices: ClassVar[tuple[float, ...]] = (0.0, 1.0)

    initial: str = Field(
        "first",
        description="opinions of those without one: first (all the first), uniform (a fair coin), "
        "even, uniform:LOW:HIGH, normal:MEAN:SPREAD or column:NAME, rounded",
    )
    alpha: float = Field(2.0, ge=0, le=20, description="how fast impact fades with distance")
    threshold: float = Field(0.0, ge=-1e6, le=1e6, description="pressure that is withstood")
    noise: float = Field(0.0, ge=0, le=1e6, description="half width of the random pressure h")
    itself: float = Field(0.0, ge=0, le=1e6, description="support that an agent gives itself")
    strengths: Literal["drawn", "equal"] = Field(
        "drawn", description="persuasiveness p and supportiveness s: each uniform in [0, 1), or 1"
    )
    law: Literal["sum", "root"] = Field(
        "sum", description="impacts add up, or are their mean times the root of the number"
    )

    card: ClassVar[Card] = Card(
        source="Nowak, Szamrej & Latane, From private attitude to public opinion: a dynamic theory "
        "of social impact, Psychological Review 97, 1990; the sum: Lewenstein, Nowak & Latane, "
        "Statistical mechanics of social impact, Physical Review A 45, 1992",
        meaning={"against": "holds the first opinion", "for": "holds the second opinion"},
        equations=(
            "I_i = sum over x_j != x_i of p_j / d_ij^alpha - itself * s_i "
            "- sum over x_j = x_i of s_j / d_ij^alpha",
            "x_i <- 1 - x_i if I_i > threshold + h_i, h_i uniform in [-noise, noise] each tick",
            "law root: each sum over N agents is divided by sqrt(N)",
        ),
        comparison="changes when the pressure is > the threshold",
        includes_self="with weight itself, 0 unless given",
        direction="against ties: d_ij is the number of ties that lead from j to i",
        cost="all pairs of agents a tick; distances of all pairs once",
        largest=f"{LARGEST:,} agents (25 MB, some 50 ms a tick); larger worlds are refused",
        checked=("a naive reference with distances of networkx, opinions equal tick by tick",),
        choices=(
            "persuasiveness and supportiveness are drawn apart, as in the 1990 paper",
            "sum (1992) or mean times root (1990): the parameter law",
            "noise and the agent's own support: parameters, 0 unless given",
            "agents that no chain of ties leads from have no impact",
        ),
    )

    def suits(self, around: Around) -> None:
        """Refuse worlds whose pairs are too many."""
        super().suits(around)
        if around.ties.agents > LARGEST:
            raise CapacityError(
                f"{self.plugin_name}: weighs all pairs of agents, so a world may have at most "
                f"{LARGEST:,}; this one has {around.ties.agents:,}. Take a smaller world, or a "
                f"model along ties such as 'q-voter'."
            )

    def is_settled(self, cascade: Cascade, contacts: Contacts, own: Floats) -> bool:
        """Return whether not even the most helpful noise would change anybody."""
        if self.noise == 0.0:
            return super().is_settled(cascade, contacts, own)
        calm = {"noise": 0.0, "threshold": self.threshold - self.noise}
        return self.model_copy(update=calm).is_settled(cascade, contacts, own)

    def update(self, own: Floats, heard: Voices) -> Floats:
        """Change where the others outweigh."""
        if self.strengths == "equal":
            persuasive = supportive = np.ones(own.size)
        else:
            persuasive, supportive = heard.draw(1, once=True), heard.draw(2, once=True)
        near = np.maximum(np.arange(256), 1.0) ** -self.alpha
        impact = heard.impact(persuasive, supportive, near, root=self.law == "root")
        impact -= self.itself * supportive
        shaken = self.threshold + self.noise * (2 * heard.draw(3) - 1)
        return np.where(impact > shaken, 1.0 - own, own)
