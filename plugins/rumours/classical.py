"""Rumours in discrete time: Maki-Thompson, Daley-Kendall, Nekovee-Moreno, forest fire, hoax.

The papers' numbers hold for one meeting at a time; ticks approach them only as they get shorter.
For the exact processes see :mod:`plugins.rumours.continuous`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

from sim import (
    Card,
    Compartments,
    Field,
    Floats,
    Heard,
    Hearing,
    Setting,
    Theory,
    after,
    contact,
    register,
)

CHAIN = (
    "the exact chain over all joint states of 3 agents, mutual ties: the share of each outcome "
    "after 1, 3 and 6 ticks, 20,000 copies, seed 21, 4 standard errors"
)
NAIVE = "plain Python with the same coins, tick by tick, on 60 agents"
IGNORANT = "has not heard it"
STIFLER = "knows it, passes it on no more"
CALL = "one draw a call, whichever draw mode"


@register("maki-thompson")
class MakiThompson(Compartments):
    """Spreaders call; whoever calls somebody that knows already stops (Maki & Thompson 1973)."""

    call: float = Field(
        0.5, ge=0, le=1, description="chance of a call", unit="per spreader and tick"
    )

    states: ClassVar[tuple[str, ...]] = ("ignorant", "spreader", "stifler")
    seeded: ClassVar[str] = "spreader"
    contacts: ClassVar[Literal["every tie"] | int] = 1
    rules: ClassVar = (
        contact("ignorant", "spreader", by="spreader", chance="call"),
        contact("spreader", None, by="spreader", speaker_becomes="stifler", chance="call"),
        contact("stifler", None, by="spreader", speaker_becomes="stifler", chance="call"),
    )
    card: ClassVar[Card] = Card(
        source="D. P. Maki & M. Thompson, Mathematical Models and Applications, Prentice-Hall 1973",
        meaning={
            "ignorant": IGNORANT,
            "spreader": "calls one random follower a tick, or nobody",
            "stifler": STIFLER,
        },
        equations=(
            "each tick a spreader calls with chance call, one of its followers at random",
            "ignorant called -> spreader; spreader or stifler called -> the caller stifles",
        ),
        draw_modes=CALL,
        checked=(CHAIN,),
        choices=(
            "a spreader calls a random follower, so an agent calls as often as any other; "
            "nekovee-moreno is the reading in which each tie has its own clock",
        ),
    )


def _stifling(most: int) -> tuple[Any, ...]:
    """Return the rules for spreaders that stop after up to ``most`` stifling calls."""
    levels = ["spreader", *(f"tired-{n}" for n in range(1, most))]
    rules: list[Any] = [contact("ignorant", "spreader", by=levels, chance="call")]
    for used, level in enumerate(levels):
        for known in (*levels, "stifler"):
            ends = f"call * stifle * ends_at_{used + 1}"
            rules.append(contact(known, None, by=level, speaker_becomes="stifler", chance=ends))
            if used + 1 < most:
                tires = f"call * stifle * (1 - ends_at_{used + 1})"
                further = levels[used + 1]
                rules.append(contact(known, None, by=level, speaker_becomes=further, chance=tires))
    return tuple(rules)


@register("k-fold-stifling")
class KFoldStifling(Compartments):
    """Maki-Thompson where a spreader stops after k stifling calls (Carnal 1994; Daley & Gani 1999).

    With ``stifle`` below 1 each such call counts with that chance: random stifling (Lebensztayn,
    Machado & Rodriguez 2011).
    """

    call: float = Field(
        0.5, ge=0, le=1, description="chance of a call", unit="per spreader and tick"
    )
    k: int = Field(2, ge=1, le=5, description="stifling calls after which a spreader stops")
    stifle: float = Field(
        1.0, ge=0, le=1, description="chance that a stifling call counts", unit="per call"
    )

    states: ClassVar[tuple[str, ...]] = (
        "ignorant", "spreader", "tired-1", "tired-2", "tired-3", "tired-4", "stifler",
    )  # fmt: skip
    seeded: ClassVar[str] = "spreader"
    contacts: ClassVar[Literal["every tie"] | int] = 1
    rules: ClassVar = _stifling(5)
    card: ClassVar[Card] = Card(
        source="E. Lebensztayn, F. P. Machado & P. M. Rodriguez, On the behaviour of a rumour "
        "process with random stifling, Environ. Model. Softw. 26, 2011; k-fold stifling: D. J. "
        "Daley & J. Gani, Epidemic Modelling, Cambridge 1999",
        meaning={
            "ignorant": IGNORANT,
            "spreader": "calls one random follower a tick, or nobody; was never stifled",
            **{f"tired-{n}": f"a spreader with {n} stifling calls behind it" for n in range(1, 5)},
            "stifler": STIFLER,
        },
        equations=(
            "as maki-thompson; a call to somebody that knows counts with chance stifle",
            "after k counted calls the caller stifles",
            "large complete networks, thin ticks: ignorants x = exp(-(k + 1)(1 - x)) at stifle 1",
        ),
        draw_modes=CALL,
        checked=(CHAIN,),
    )

    @property
    def ends_at_1(self) -> float:
        """Whether the first counted call ends it, 0 or 1."""
        return float(self.k <= 1)

    @property
    def ends_at_2(self) -> float:
        """Whether the second does."""
        return float(self.k <= 2)

    @property
    def ends_at_3(self) -> float:
        """Whether the third does."""
        return float(self.k <= 3)

    @property
    def ends_at_4(self) -> float:
        """Whether the fourth does."""
        return float(self.k <= 4)

    @property
    def ends_at_5(self) -> float:
        """Whether the fifth does: always."""
        return 1.0


@register("daley-kendall")
class DaleyKendall(Compartments):
    """Pairs meet; two spreaders that meet both stop (Daley & Kendall 1965)."""

    meet: float = Field(
        0.05, ge=0, le=1, description="chance of a meeting", unit="per pair and tick"
    )

    states: ClassVar[tuple[str, ...]] = ("ignorant", "spreader", "stifler")
    seeded: ClassVar[str] = "spreader"
    rules: ClassVar = (
        contact("ignorant", "spreader", by="spreader", chance="meet"),
        contact("spreader", "stifler", by="spreader", speaker_becomes="stifler", chance="meet / 2"),
        contact("stifler", None, by="spreader", speaker_becomes="stifler", chance="meet"),
    )
    card: ClassVar[Card] = Card(
        source="D. J. Daley & D. G. Kendall, Stochastic rumours, J. Inst. Maths Applics 1, 1965",
        meaning={"ignorant": IGNORANT, "spreader": "tells whom it meets", "stifler": STIFLER},
        equations=(
            "a pair that meets: ignorant + spreader -> two spreaders",
            "two spreaders -> two stiflers; spreader + stifler -> two stiflers",
        ),
        checked=(CHAIN, NAIVE),
        choices=(
            "mutual ties: two spreaders are met from both ends, each with half the chance; over a "
            "one-way tie two spreaders meet half as often as others",
            "in one tick an agent may meet several; the draw that fell lowest decides",
        ),
    )


@register("nekovee-moreno")
class NekoveeMoreno(Compartments):
    """Rumours on networks: each tie spreads or stifles, and spreaders forget (Nekovee et al. 2007).

    The Maki-Thompson model with a clock for each tie; at ``delta`` 0 there is no threshold.
    """

    spread: float = Field(
        0.1, ge=0, le=1, description="chance of telling", unit="per contact and tick"
    )
    alpha: float = Field(
        0.05, ge=0, le=1, description="chance of stifling", unit="per contact and tick"
    )
    delta: float = Field(
        0.05, ge=0, le=1, description="chance of forgetting to spread", unit="per tick"
    )

    states: ClassVar[tuple[str, ...]] = ("ignorant", "spreader", "stifler")
    seeded: ClassVar[str] = "spreader"
    rules: ClassVar = (
        contact("ignorant", "spreader", by="spreader", chance="spread"),
        contact("spreader", None, by="spreader", speaker_becomes="stifler", chance="alpha"),
        contact("stifler", None, by="spreader", speaker_becomes="stifler", chance="alpha"),
        after("spreader", "stifler", chance="delta"),
    )
    card: ClassVar[Card] = Card(
        source="M. Nekovee, Y. Moreno, G. Bianconi & M. Marsili, Theory of rumour spreading in "
        "complex social networks, Physica A 374, 2007",
        meaning={"ignorant": IGNORANT, "spreader": "tells its followers", "stifler": STIFLER},
        equations=(
            "per tie and tick: ignorant + spreader -> two spreaders with chance spread",
            "spreader + spreader or stifler -> the speaker stifles with chance alpha",
            "P(spreader -> stifler) = delta",
            "homogeneous, delta 0: R = 1 - exp(-(1 + spread / alpha) R)",
        ),
        checked=(CHAIN, NAIVE),
    )


@register("sihr-rumour")
class SIHRRumour(Compartments):
    """Spreaders, ignorants, hibernators, removed: forgetting and remembering (Zhao et al. 2012)."""

    spread: float = Field(
        0.1, ge=0, le=1, description="chance that a contact makes a spreader",
        unit="per contact and tick",
    )  # fmt: skip
    refuse: float = Field(
        0.02, ge=0, le=1, description="chance that it makes a stifler at once",
        unit="per contact and tick",
    )  # fmt: skip
    alpha: float = Field(
        0.05, ge=0, le=1, description="chance of stifling", unit="per contact and tick"
    )
    delta: float = Field(0.1, ge=0, le=1, description="chance of forgetting", unit="per tick")
    xi: float = Field(0.05, ge=0, le=1, description="chance of remembering", unit="per tick")
    eta: float = Field(
        0.05, ge=0, le=1, description="chance of being reminded", unit="per contact and tick"
    )

    states: ClassVar[tuple[str, ...]] = ("ignorant", "spreader", "hibernator", "stifler")
    seeded: ClassVar[str] = "spreader"
    adopting: ClassVar[tuple[str, ...]] = ("spreader",)
    rules: ClassVar = (
        contact("ignorant", {"spreader": "spread", "stifler": "refuse"}, by="spreader"),
        contact("hibernator", "spreader", by="spreader", chance="eta"),
        contact("spreader", None, by="spreader", speaker_becomes="stifler", chance="alpha"),
        contact("stifler", None, by="spreader", speaker_becomes="stifler", chance="alpha"),
        after("spreader", "hibernator", chance="delta"),
        after("hibernator", "spreader", chance="xi"),
    )
    card: ClassVar[Card] = Card(
        source="L. Zhao, J. Wang, Y. Chen, Q. Wang, J. Cheng & H. Cui, SIHR rumor spreading model "
        "in social networks, Physica A 391, 2012",
        meaning={
            "ignorant": IGNORANT,
            "spreader": "tells its followers",
            "hibernator": "has forgotten it for now",
            "stifler": STIFLER,
        },
        equations=(
            "mean field, k ties: I' = -(spread + refuse) k I S",
            "S' = spread k I S + xi H + eta k H S - alpha k S (S + R) - delta S",
            "H' = delta S - xi H - eta k H S, R' = refuse k I S + alpha k S (S + R)",
        ),
        checked=(CHAIN, NAIVE),
        choices=("an agent adopts when it first spreads; who refuses at once never does",),
    )


_FEW = 50.0
"""Number of burning agents below which chance decides whether a fire goes out, which no curve
predicts: at the defaults with mean degree 60, curves were off by 0.25 of all agents."""


@register("forest-fire")
class ForestFire(Compartments):
    """Trees catch fire from burning neighbours or by lightning, and grow again (Drossel & Schwabl).

    Drossel & Schwabl, "Self-organized critical forest-fire model", Physical Review Letters 1992.
    As a rumour: whoever hears of it tells at once, tires at once, and is ready again in time.
    Synchronous; lightning strikes only a tree without a burning neighbour.
    """

    states: ClassVar = ("tree", "burning", "empty")
    seeded: ClassVar = "burning"
    card: ClassVar[Card] = Card(
        family="rumours",
        source="Drossel & Schwabl, Self-organized critical forest-fire model, Physical Review "
        "Letters 69, 1992.",
        meaning={
            "tree": "can catch fire",
            "burning": "sets fire to all its followers in the next tick",
            "empty": "burnt down; nothing to burn until a tree grows",
        },
        equations=(
            "tree -> burning if any source burns, else with chance f",
            "burning -> empty in the next tick",
            "empty -> tree with chance p",
        ),
        draw_modes="skips (default) and coins; a fire passes on with certainty in both",
        cost="one draw an agent for lightning, one visit a tie of each burning tree",
        largest="10 million agents on one machine",
        checked=(
            "against plain Python with the same draws, states tick by tick",
            "f = 0, p = 0: fire reaches what breadth-first search reaches, level by level",
            "isolated trees: burning : empty : tree settle at f p / (f + p + f p) x (1, 1/p, 1/f)",
        ),
        choices=("adopter: whoever burnt at least once",),
    )

    growth: float = Field(0.05, ge=0, le=1, description="chance that a tree grows", unit="per tick")
    lightning: float = Field(
        1e-4, ge=0, le=1, description="chance of lightning", unit="per tree and tick"
    )

    rules: ClassVar = (
        contact("tree", "burning", by="burning", chance=1.0),
        after("tree", "burning", chance="lightning"),
        after("burning", "empty", chance=1.0),
        after("empty", "tree", chance="growth"),
    )

    def theory(self, setting: Setting, ticks: int) -> tuple[Theory, ...]:
        """Return what equations predict; they say so where a fire may go out between two waves."""
        return tuple(self._doubted(one) for one in super().theory(setting, ticks))

    def _doubted(self, curve: Theory) -> Theory:
        burning = curve.expected[1:, curve.states.index("burning")]
        if burning.size == 0 or burning.min() >= _FEW:
            return curve
        said = "at times so few burn that the fire may go out: may be far off"
        return replace(curve, name=f"{curve.name}; {said}")


@register("hoax")
class Hoax(Heard):
    """Believers and fact-checkers win over the susceptible; both forget (Tambuscio et al. 2015).

    Tambuscio, Ruffo, Flammini & Menczer, "Fact-checking effect on viral hoaxes: a model of
    misinformation spread in social networks", WWW 2015 companion (SBFC). Seeds are believers.
    Synchronous; f + g = beta for everybody who hears anyone.
    """

    states: ClassVar = ("susceptible", "believer", "fact-checker")
    heard: ClassVar = ("believer", "fact-checker")
    card: ClassVar[Card] = Card(
        family="rumours",
        source="Tambuscio, Ruffo, Flammini & Menczer, Fact-checking effect on viral hoaxes: a "
        "model of misinformation spread in social networks, WWW 2015 companion.",
        meaning={
            "susceptible": "neither, or has forgotten",
            "believer": "believes the hoax and spreads it",
            "fact-checker": "knows better and spreads that",
        },
        equations=(
            "b, c: believers and fact-checkers among the sources; a: credibility",
            "D = b (1 + a) + c (1 - a)",
            "susceptible -> believer with chance beta b (1 + a) / D",
            "susceptible -> fact-checker with chance beta c (1 - a) / D",
            "believer -> fact-checker with chance verify; both -> susceptible with chance forget",
        ),
        cost="one visit a tie of each agent that changed, one draw a tick for each that "
        "hears of it",
        checked=(
            "against plain Python with the same draws, states tick by tick",
            "mean field, a = .3, forget = .1: the hoax dies iff verify > .085714; on a random "
            "network of mean degree 60 it lives at .055 and dies at .12",
        ),
        choices=("verifying and forgetting compete: at most one a tick",),
    )

    beta: float = Field(0.5, ge=0, le=1, description="chance of being won over", unit="per tick")
    credibility: float = Field(
        0.3, ge=0, lt=1, description="how much likelier the hoax is believed"
    )
    verify: float = Field(
        0.05, ge=0, le=1, description="chance that a believer checks", unit="per tick"
    )
    forget: float = Field(0.1, ge=0, le=1, description="chance of forgetting", unit="per tick")

    rules: ClassVar = (
        after("believer", "fact-checker", chance="verify"),
        after("believer", "susceptible", chance="forget"),
        after("fact-checker", "susceptible", chance="forget"),
    )

    def chance(self, heard: Hearing) -> Mapping[str, Floats]:
        """Return the chances of both camps."""
        hoax = heard.count["believer"] * (1 + self.credibility)
        truth = heard.count["fact-checker"] * (1 - self.credibility)
        pull = self.beta / (hoax + truth)
        return {"believer": pull * hoax, "fact-checker": pull * truth}
