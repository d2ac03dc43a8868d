"""Opinions as choices, cognitive models of opinion, and their coupling with spread."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import ClassVar, Literal

import numpy as np

from sim import (
    Around,
    Card,
    Cascade,
    Contacts,
    DrawMode,
    Draws,
    Exposure,
    Field,
    Floats,
    Meetings,
    OpinionModel,
    PerExposure,
    Setting,
    Swaying,
    Theory,
    Voices,
    register,
)
from sim.errors import CapacityError, ParameterError
from sim.spread import Gatherings, Outflow

TWO = {
    "against": "holds the first opinion",
    "for": "holds the second opinion, with which the seeds begin",
}
STATES = ("against", "for")
BOTH = (0.0, 1.0)
INITIAL = (
    "opinions of those without one: first (all the first), uniform (a fair coin), even, "
    "uniform:LOW:HIGH, normal:MEAN:SPREAD or column:NAME, rounded"
)
_LONGEST = 10.0
"""Maximum updates per agent and tick for which equations are integrated."""
Drift = Callable[[float], float]
LARGE = "as large as the world: 16 bytes an agent"


def begins(model: OpinionModel) -> bool:
    """Return whether only the seeds start with the second opinion, as the equations assume."""
    return model.initial == "first" and not model.topic and model.seed_opinion in {None, BOTH[1]}


def expected(name: str, share: Floats, agents: int) -> tuple[Theory, ...]:
    """Return the curves of a share of the second opinion over time."""
    return (Theory(name, STATES, np.stack([1 - share, share], axis=1) * agents),)


def flow(
    model: Meetings | Gatherings, setting: Setting, share: float, ticks: int, drift: Drift
) -> Floats | None:
    """Integrate ``d share / d update = drift(share) / agents`` over ticks, by short steps.

    ``None`` if the equations do not cover the initial state, or a tick is too long to integrate.
    """
    pace = model.updates / setting.agents if model.updates else 1.0
    if not begins(model) or pace > _LONGEST:
        return None
    shares, steps = [share], 100 * ceil(pace)
    for _ in range(ticks):
        for _ in range(steps):
            middle = share + pace / steps / 2 * drift(share)
            share = min(max(share + pace / steps * drift(middle), 0.0), 1.0)
        shares.append(share)
    return np.array(shares)


@register("voter")
class Voter(Meetings):
    """An agent takes the opinion of one it hears, drawn at random (Clifford & Sudbury 1973)."""

    states: ClassVar[tuple[str, ...]] = STATES
    choices: ClassVar[tuple[float, ...]] = BOTH

    initial: str = Field("first", description=INITIAL)

    card: ClassVar[Card] = Card(
        source="Clifford & Sudbury, A model for spatial conflict, Biometrika 60, 1973; Holley & "
        "Liggett, Ergodic theorems for weakly interacting infinite systems and the voter model, "
        "Annals of Probability 3, 1975",
        meaning=TWO,
        equations=("x_i <- x_j; i drawn from all that hear somebody, j from those that i hears",),
        largest=LARGE,
        checked=(
            "complete networks of 10, half for: 58.107143 single updates to consensus (4,000 "
            "networks, within 4 standard errors)",
            "complete networks of 10, 3 for: the second opinion wins 0.3 of them (as many)",
        ),
    )

    def meet(self, listener: float, speaker: float) -> float:
        """Take over what is heard."""
        return speaker

    def theory(self, setting: Setting, ticks: int) -> tuple[Theory, ...]:
        """Return the mean over many runs: it never changes where all hear equally many."""
        if not begins(self):
            return ()
        share = np.full(ticks + 1, setting.seeds / setting.agents)
        return expected("conserved mean (martingale), equal degrees", share, setting.agents)


@register("zealot-voter")
class ZealotVoter(Voter):
    """The voter model with agents that never change their opinion (Mobilia 2003)."""

    zealots: float = Field(1.0, ge=0, le=1, description="share of the seeds that never change")
    opposing: float = Field(0.01, ge=0, le=1, description="share of the others that never change")

    card: ClassVar[Card] = Card(
        source="Mobilia, Does a single zealot affect an infinite group of voters?, Physical "
        "Review Letters 91, 2003; Mobilia, Petersen & Redner, On the role of zealotry in the voter "
        "model, Journal of Statistical Mechanics 2007",
        meaning=TWO,
        equations=("x_i <- x_j unless i is a zealot", "for / all in the long run: Z+ / (Z+ + Z-)"),
        largest="as large as the world: 17 bytes an agent",
        checked=(
            "complete networks of 30, 6 zealots for, 2 against: mean (3/4) and variance of the "
            "others are those of the exact birth-death chain (400 networks, 20 times each)",
        ),
        choices=("who is a zealot: shares of the seeds and of all others, drawn",),
    )

    def stubborn(self, cascade: Cascade) -> np.ndarray:
        """Draw the zealots."""
        drawn = cascade.draws(0).uniforms(np.arange(cascade.agents), once=True)
        chance = np.full(cascade.agents, self.opposing)
        chance[cascade.seeds] = self.zealots
        return (drawn < chance).astype(np.uint8)

    def theory(self, setting: Setting, ticks: int) -> tuple[Theory, ...]:
        """Return the mean over many runs, everybody hearing everybody."""
        up = setting.seeds * self.zealots
        down = (setting.agents - setting.seeds) * self.opposing
        free = max(setting.agents - up - down, 1.0)
        begun = (setting.seeds - up) / free

        def drift(share: float) -> float:
            heard = (up + share * free) / setting.agents
            return heard - share

        others = flow(self, setting, begun, ticks, drift)
        if others is None:
            return ()
        share = (up + free * others) / setting.agents
        return expected("mean field, all hear all", share, setting.agents)


@register("q-voter")
class QVoter(Gatherings):
    """An agent gives in to q that agree; to none, it may change of itself (Castellano 2009)."""

    states: ClassVar[tuple[str, ...]] = STATES
    choices: ClassVar[tuple[float, ...]] = BOTH

    initial: str = Field("first", description=INITIAL)
    q: int = Field(2, ge=1, le=64, description="how many are heard at once")
    noise: float = Field(
        0.0, ge=0, le=1, description="chance to flip when they differ, epsilon", unit="per meeting"
    )

    card: ClassVar[Card] = Card(
        source="Castellano, Munoz & Pastor-Satorras, Nonlinear q-voter model, Physical Review E "
        "80, 2009",
        meaning=TWO,
        equations=(
            "q of those that i hears, drawn with repetition, agree: x_i <- theirs",
            "else: x_i <- 1 - x_i with chance noise",
        ),
        largest=LARGE,
        checked=(
            "complete networks of 20, q 2, 8 for: the second opinion wins 0.179642, after 100.116 "
            "single updates (4,000 networks, within 4 standard errors)",
            "noise: a naive reference with the same draws, to the last bit",
        ),
        choices=("neighbours are drawn with repetition, as in the paper",),
    )

    def listens(self) -> int:
        """Return ``q``."""
        return self.q

    def restless(self) -> bool:
        """Agents that all agree stay: noise acts on those that hear both opinions."""
        return False

    def decide(self, own: float, heard: Floats, coin: float) -> float:
        """Give in to all, or flip."""
        first: float = heard[0]
        for said in heard:
            if said != first:
                return 1.0 - own if coin < self.noise else own
        return first

    def theory(self, setting: Setting, ticks: int) -> tuple[Theory, ...]:
        """Return the mean-field share, everybody hearing everybody."""

        def drift(share: float) -> float:
            up, down = share**self.q, (1 - share) ** self.q
            mixed = self.noise * (1 - up - down)
            return (1 - share) * (up + mixed) - share * (down + mixed)

        share = flow(self, setting, setting.seeds / setting.agents, ticks, drift)
        name = "mean field, all hear all"
        return () if share is None else expected(name, share, setting.agents)


@register("majority-rule")
class MajorityRule(Gatherings):
    """A group drawn at random takes the opinion of its majority (Galam 1986; Krapivsky 2003)."""

    states: ClassVar[tuple[str, ...]] = STATES
    choices: ClassVar[tuple[float, ...]] = BOTH
    distinct: ClassVar[bool] = True
    moves: ClassVar[Literal["one", "all"]] = "all"
    well_mixed: ClassVar[bool] = True

    initial: str = Field("first", description=INITIAL)
    group: int = Field(3, ge=3, le=65, description="members of a group, an odd number")
    among: Literal["everybody", "ties"] = Field(
        "everybody", description="who joins an agent's group: anybody, or those that it hears"
    )

    card: ClassVar[Card] = Card(
        source="Krapivsky & Redner, Dynamics of majority rule in two-state interacting spin "
        "systems, Physical Review Letters 90, 2003; Galam, Majority rule, hierarchical structures "
        "and democratic totalitarianism, Journal of Mathematical Psychology 30, 1986",
        meaning=TWO,
        equations=("x_j <- majority of the group, for all its members j",),
        includes_self="yes: the agent belongs to its group",
        direction="none: everybody in the group counts alike",
        largest=LARGE,
        cost="one group drawn for each update",
        checked=(
            "complete networks of 21, groups of 3, 8 for: the second opinion wins 0.118942, after "
            "32.744 groups (4,000 networks, within 4 standard errors)",
        ),
        choices=(
            "groups of distinct agents and odd size, so that there are no draws",
            "from the whole population, or from those heard: the parameter among; an agent that "
            "hears too few forms no group",
        ),
    )

    def check(self) -> None:
        """Refuse even groups."""
        super().check()
        if self.group % 2 == 0:
            raise ParameterError(f"{self.plugin_name}: group must be odd, got {self.group}.")

    def listens(self) -> int:
        """Return the members beside the agent."""
        return self.group - 1

    def from_everybody(self) -> bool:
        """Return whether anybody joins."""
        return self.among == "everybody"

    def decide(self, own: float, heard: Floats) -> float:
        """Return the majority's opinion."""
        voices = own
        for said in heard:
            voices += said
        return 1.0 if 2.0 * voices > heard.size + 1.0 else 0.0

    def theory(self, setting: Setting, ticks: int) -> tuple[Theory, ...]:
        """Return the mean-field share."""
        counts = np.arange(self.group + 1)
        ways = np.array(
            [float(np.prod((self.group - np.arange(k)) / (np.arange(k) + 1))) for k in counts]
        )

        def drift(share: float) -> float:
            chance = ways * share**counts * (1 - share) ** (self.group - counts)
            wins = 2 * counts > self.group
            return float(chance @ np.where(wins, self.group - counts, -counts))

        share = flow(self, setting, setting.seeds / setting.agents, ticks, drift)
        return () if share is None else expected("mean field", share, setting.agents)


@register("sznajd")
class Sznajd(Outflow):
    """Two who agree persuade all who hear either of them (Sznajd-Weron & Sznajd 2000)."""

    states: ClassVar[tuple[str, ...]] = STATES
    choices: ClassVar[tuple[float, ...]] = BOTH

    initial: str = Field("first", description=INITIAL)
    discord: Literal["nothing", "cross"] = Field(
        "nothing", description="when they differ: nothing, or each one's followers take the other's"
    )

    card: ClassVar[Card] = Card(
        source="Sznajd-Weron & Sznajd, Opinion evolution in closed community, International "
        "Journal of Modern Physics C 11, 2000; on networks without the second rule: Stauffer, "
        "Sousa & Moss de Oliveira, International Journal of Modern Physics C 11, 2000",
        meaning=TWO,
        equations=(
            "i drawn, j drawn from those that i hears; if x_i = x_j: x_k <- x_i for all k that "
            "hear i or j",
            "discord = cross: if x_i != x_j, followers of i take x_j, those of j take x_i",
        ),
        direction="along ties, outward: the pair moves its followers",
        cost="the followers of two agents for each update",
        largest=LARGE,
        checked=(
            "complete networks of 10, 4 for: the second opinion wins 2/7, after 15/7 single "
            "updates, solved by hand (4,000 networks, within 4 standard errors)",
            "a naive reference with the same draws, to the last bit",
        ),
        choices=(
            "what a pair that differs does: the parameter discord; the first paper's rule for a "
            "chain crosses, later work on networks does nothing",
        ),
    )

    def crosses(self) -> bool:
        """Return whether a pair that differs acts too."""
        return self.discord == "cross"


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
"""Maximum number of agents for all distances: 25 MB, and 25 million pairs per tick."""


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


@register("persuasion")
class Persuasion(Swaying, PerExposure):
    """Who agrees with a message passes it on; who hears it comes to agree a little more.

    An exposure convinces with chance ``base * trust * ((1 + stance * x_i) / 2) ** taste``, x_i the
    hearer's opinion in [-1, 1]; every hearing moves x_i by ``pull * (stance - x_i)``. Give it the
    ``topic`` of an opinion model, and the discussion and the message act on one another.
    """

    draws: ClassVar[DrawMode] = "coins"

    base: float = Field(
        0.3, ge=0, le=1, description="chance at full trust and full agreement", unit="per hearing"
    )
    taste: float = Field(1.0, ge=0, le=20, description="how much agreement matters; 0: not at all")

    card: ClassVar[Card] = Card(
        source="ours: a plain coupling of adoption and opinion",
        meaning={
            "inactive": "has not adopted the message; its opinion may have been moved",
            "active": "has adopted the message, and tells its followers in the next tick",
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
