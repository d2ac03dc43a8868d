"""Binary opinion models: voter, zealots, q-voter, majority rule, Sznajd."""

from collections.abc import Callable
from math import ceil
from typing import ClassVar, Literal

import numpy as np

from sim import Card, Cascade, Field, Floats, Meetings, OpinionModel, Setting, Theory, register
from sim.errors import ParameterError
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
"""Updates an agent in a tick, up to which equations are followed."""
Drift = Callable[[float], float]
LARGE = "as large as the world: 16 bytes an agent"


def begins(model: OpinionModel) -> bool:
    """Return whether the seeds alone begin with the second opinion, as the equations have it."""
    return model.initial == "first" and not model.topic and model.seed_opinion in {None, BOTH[1]}


def expected(name: str, share: Floats, agents: int) -> tuple[Theory, ...]:
    """Return the curves of a share of the second opinion over time."""
    return (Theory(name, STATES, np.stack([1 - share, share], axis=1) * agents),)


def flow(
    model: Meetings | Gatherings, setting: Setting, share: float, ticks: int, drift: Drift
) -> Floats | None:
    """Integrate ``d share / d update = drift(share) / agents`` over ticks, by short steps.

    ``None`` where the equations do not know how it begins, or a tick is too long to follow.
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
        0.0, ge=0, le=1, description="chance to flip when they differ, epsilon",
        json_schema_extra={"unit": "per meeting"},
    )  # fmt: skip

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
        "nothing", description="when they differ: nothing, or each one's listeners take the other's"
    )

    card: ClassVar[Card] = Card(
        source="Sznajd-Weron & Sznajd, Opinion evolution in closed community, International "
        "Journal of Modern Physics C 11, 2000; on networks without the second rule: Stauffer, "
        "Sousa & Moss de Oliveira, International Journal of Modern Physics C 11, 2000",
        meaning=TWO,
        equations=(
            "i drawn, j drawn from those that i hears; if x_i = x_j: x_k <- x_i for all k that "
            "hear i or j",
            "discord = cross: if x_i != x_j, listeners of i take x_j, those of j take x_i",
        ),
        direction="along ties, outward: the pair moves its listeners",
        cost="the listeners of two agents for each update",
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
