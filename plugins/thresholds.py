"""Threshold models: an agent adopts once enough of its sources have, or external impulses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np

from sim import (
    Bools,
    Card,
    Cascade,
    Contacts,
    Field,
    Floats,
    Heard,
    Hearing,
    Ids,
    LiveEdges,
    Setting,
    Theory,
    Threshold,
    after,
    register,
    tree_curves,
)
from sim.spread import binomial

_MEANING = {
    "inactive": "has not adopted",
    "active": "has adopted, for good; spreads from the next tick",
}


@register("watts")
class Watts(Heard):
    """Adopt once a share of those you hear has adopted (Watts 2002).

    Watts, "A simple model of global cascades on random networks", PNAS 2002. Synchronous, compared
    with ``>=``; an agent that hears nobody never adopts.
    """

    states: ClassVar = ("inactive", "active")
    progressive: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        source="Watts, A simple model of global cascades on random networks, PNAS 99, 2002.",
        meaning=_MEANING,
        equations=("inactive -> active when (sources that adopted) / (sources) >= phi",),
        comparison="share >= phi",
        checked=(
            "against plain Python, adopters and ticks, on random networks",
            "random networks, phi = .18: single seeds set off global cascades at mean degree z = 3 "
            "and 5 and none at z = 0.8 and 8; the window is (1.0207, 5.7647)",
        ),
        choices=("Watts updates in random order; the final state is the same",),
    )

    phi: float = Field(0.18, ge=0, le=1, description="share of adopters needed among sources")

    def adopts(self, heard: Hearing) -> Bools:
        """Return who hears enough."""
        return heard.share["active"] >= self.phi

    def theory(self, setting: Setting, ticks: int) -> tuple[Theory, ...]:
        """Return the tree approximation."""

        def answer(n: int, k: int, q: float) -> float:
            number, chance = binomial(n, q)
            return float(chance[(number > 0) & (number / k >= self.phi)].sum())

        return (tree_curves(setting, ticks, self.states, answer),)


@register("centola-macy")
class CentolaMacy(Heard):
    """Adopt once a number of those you hear has adopted (Centola & Macy 2007).

    Centola & Macy, "Complex contagions and the weakness of long ties", American Journal of
    Sociology 2007. Synchronous, compared with ``>=``.
    """

    states: ClassVar = ("inactive", "active")
    progressive: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        source="Centola & Macy, Complex contagions and the weakness of long ties, American Journal "
        "of Sociology 113, 2007.",
        meaning=_MEANING,
        equations=("inactive -> active when (sources that adopted) >= a",),
        comparison="number >= a",
        checked=(
            "against plain Python, adopters and ticks, on random networks",
            "a ring whose agents hear the 2 nearest on both sides, a = 2, two neighbours as seeds: "
            "one more agent at each end a tick; a = 3: nobody",
        ),
    )

    needed: int = Field(2, ge=1, le=1_000_000, description="number of adopters needed")

    def adopts(self, heard: Hearing) -> Bools:
        """Return who hears enough."""
        return heard.count["active"] >= self.needed

    def theory(self, setting: Setting, ticks: int) -> tuple[Theory, ...]:
        """Return the tree approximation."""

        def answer(n: int, k: int, q: float) -> float:
            number, chance = binomial(n, q)
            return float(chance[number >= self.needed].sum())

        return (tree_curves(setting, ticks, self.states, answer),)


@register("general-threshold")
class GeneralThreshold(Heard):
    """Adopt once a function of those that adopted reaches your own threshold (Kempe et al. 2003).

    Kempe, Kleinberg & Tardos, KDD 2003. The function is the sum of weights, to a power: 1 is the
    linear threshold model; less makes first words count more (submodular), more makes company count
    more. Thresholds are uniform in [0, 1), one an agent and message; compared with ``>=``.
    """

    states: ClassVar = ("inactive", "active")
    progressive: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        source="Kempe, Kleinberg & Tardos, Maximizing the spread of influence through a social "
        "network, KDD 2003, section 4.",
        meaning=_MEANING,
        equations=(
            "inactive -> active when f(A) >= theta, theta uniform in [0, 1)",
            "f(A) = (sum over sources in A of w)^power; w = 1 / sources, or its share of trust",
        ),
        comparison="f >= threshold",
        checked=(
            "power 1 adopts as linear-threshold does, tick by tick, with the same thresholds",
            "K5, power 1, one seed: mean size 3.21875; 20,000 copies within 4 standard errors",
            "two sources that adopt in turn: shares (1/2)^power, then 1; 20,000 copies",
        ),
        choices=("the function: a power of the sum; write your own in three lines (Heard)",),
    )

    weights: Literal["uniform", "trust"] = Field(
        "uniform", description="what a source weighs: 1 / number of sources, or its share of trust"
    )
    power: float = Field(0.5, ge=0.05, le=20, description="exponent of the sum; below 1: concave")

    def by_trust(self) -> bool:
        """Return whether weights are shares of trust."""
        return self.weights == "trust"

    def adopts(self, heard: Hearing) -> Bools:
        """Return who hears enough for its threshold."""
        return heard.weight["active"] ** self.power >= heard.threshold

    def theory(self, setting: Setting, ticks: int) -> tuple[Theory, ...]:
        """Return the tree approximation, for equal weights."""
        if self.weights == "trust":
            return ()

        def answer(n: int, k: int, q: float) -> float:
            number, chance = binomial(n, q)
            return float(chance @ (number / k) ** self.power)

        return (tree_curves(setting, ticks, self.states, answer),)


@register("linear-threshold")
class LinearThreshold(Threshold):
    """An agent adopts once the weight of its adopted sources reaches its own random threshold.

    Granovetter, "Threshold models of collective behavior", American Journal of Sociology 1978;
    Kempe, Kleinberg & Tardos, KDD 2003. Thresholds are uniform in [0, 1), one an agent and message;
    weights of an agent's sources sum to 1; synchronous, compared with ``>=``.
    """

    card: ClassVar[Card] = Card(
        family="thresholds",
        source="Granovetter, Threshold models of collective behavior, American Journal of "
        "Sociology 83, 1978; Kempe, Kleinberg & Tardos, KDD 2003.",
        meaning={
            "inactive": "has not adopted",
            "active": "has adopted, for good; it spreads in the next tick",
        },
        equations=(
            "v adopts when the sum over its adopted sources u of w_uv >= theta_v",
            "theta_v uniform in [0, 1); w_uv = 1 / sources of v, or u's share of v's trust",
        ),
        comparison="sum >= threshold, in whole numbers of weight: at least one source is needed",
        ties="the source is the one whose word tipped it, the tick's speakers heard in id order",
        draw_modes="coins: one threshold an agent and message",
        cost="one visit a tie of each new adopter",
        largest="10 million agents on one machine",
        checked=(
            "K_n, weights 1/(n-1), one seed: n = 2, 3, 5, 10, 100: 2, 2.5, 3.21875, 4.458316, "
            "13.147187; within 4 standard errors",
            "karate club, seeds {0}, {33}, {0, 33}: 12.2436, 13.0837, 22.6145; 20,000 copies",
            "sizes have the law of live edges: two-sample KS, 20,000 against 3,000 runs",
            "against sums in plain Python with the same thresholds, tick by tick",
        ),
    )

    def live_edges(self) -> LiveEdges:
        """Return the one live tie of each listener that a random threshold amounts to."""
        return LiveEdges(one_source=self.weights)

    def theory(self, setting: Setting, ticks: int) -> tuple[Theory, ...]:
        """Return the tree approximation, for equal weights."""
        if self.weights == "trust":
            return ()
        return (tree_curves(setting, ticks, self.states, lambda n, k, q: n * q / k),)


_PROFILE_MEANING = {
    "susceptible": "can adopt",
    "adopted": "has adopted, for good; spreads from the next tick",
    "blocked": "will never adopt; still counts among the sources of others",
}
_MILLI = (
    "Milli, Rossetti, Pedreschi & Giannotti, Active and passive diffusion processes in complex "
    "networks, Applied Network Science 3, 2018."
)


@register("kertesz")
class Kertesz(Heard):
    """Adopt once a share of those you hear has, or by yourself; some never do (Ruan et al. 2015).

    Ruan, Iñiguez, Karsai & Kertész, "Kinetics of social contagion", Physical Review Letters 2015.
    Synchronous, compared with ``>=``; blocked agents count as sources that did not adopt.
    """

    states: ClassVar = ("susceptible", "adopted", "blocked")
    card: ClassVar[Card] = Card(
        source="Ruan, Iñiguez, Karsai & Kertész, Kinetics of social contagion, Physical Review "
        "Letters 115, 2015.",
        meaning=_PROFILE_MEANING,
        equations=(
            "at the start each agent that is no seed is blocked with chance r",
            "susceptible -> adopted when (sources that adopted) / (sources) >= threshold, "
            "else with chance p a tick",
        ),
        comparison="share >= threshold",
        cost="one visit a tie of each new adopter; with p > 0 one draw an agent",
        checked=(
            "against plain Python with the same draws, states tick by tick",
            "agents without ties adopt with chance p a tick: geometric, 20,000 agents",
        ),
        choices=("blocked agents: each by a draw, so that their number is binomial",),
    )

    threshold: float = Field(0.18, ge=0, le=1, description="share of adopters needed")
    rate: float = Field(
        0.001, ge=0, le=1, description="chance p of adopting unprompted", unit="per tick"
    )
    blocked: float = Field(0.1, ge=0, le=1, description="share r of agents that never adopt")

    rules: ClassVar = (after("susceptible", "adopted", chance="rate"),)

    def start(self, cascade: Cascade) -> None:
        """Block some, once the seeds have adopted."""
        super().start(cascade)
        self.place(cascade, "blocked", self.blocked)

    def adopts(self, heard: Hearing) -> Bools:
        """Return who hears enough."""
        return heard.share["adopted"] >= self.threshold


@register("profile")
class ProfileModel(Heard):
    """Who hears of it decides by its own taste, however many it hears it from (Milli et al. 2018).

    Milli, Rossetti, Pedreschi & Giannotti, "Active and passive diffusion processes in complex
    networks", Applied Network Science 2018. Asked anew in each tick; a refusal may be final.
    """

    states: ClassVar = ("susceptible", "adopted", "blocked")
    card: ClassVar[Card] = Card(
        source=_MILLI,
        meaning=_PROFILE_MEANING,
        equations=(
            "susceptible with at least one adopted source: -> adopted with chance q, "
            "else -> blocked with chance b",
            "any other susceptible -> adopted with chance p a tick",
            "q = profile, or profile times the agent's openness",
        ),
        cost="one visit a tie of each new adopter, one draw a tick for each that hears of it",
        checked=(
            "against plain Python with the same draws, states tick by tick",
            "a pair: adopted in the end with chance q / (q + (1 - q) b); 20,000 pairs",
        ),
        choices=(
            "blocked: the chance of blocking after a refusal, as the paper says",
            "the draw for p comes after hearing, where hearing changed nothing",
        ),
    )

    profile: float = Field(
        0.2, ge=0, le=1, description="chance q that an agent likes it", unit="per tick"
    )
    openness: bool = Field(False, description="whether the agent's openness multiplies its profile")
    blocked: float = Field(
        0.1, ge=0, le=1, description="chance b that a refusal is final", unit="per refusal"
    )
    rate: float = Field(
        0.0, ge=0, le=1, description="chance p of adopting unprompted", unit="per tick"
    )

    rules: ClassVar = (after("susceptible", "adopted", chance="rate"),)

    def likes(self, heard: Hearing) -> Floats:
        """Return the chance that each likes it; one for all, where it is the same."""
        likes: Floats = np.array(self.profile)
        return likes * heard.listener.openness if self.openness else likes

    def chance(self, heard: Hearing) -> Mapping[str, Floats]:
        """Return the chances of liking it, and of refusing for good."""
        likes = self.likes(heard)
        return {"adopted": likes, "blocked": (1 - likes) * self.blocked}


@register("profile-threshold")
class ProfileThreshold(ProfileModel):
    """As profile, once enough of those you hear have adopted (Milli et al. 2018).

    Milli, Rossetti, Pedreschi & Giannotti, Applied Network Science 2018. Compared with ``>=``.
    """

    card: ClassVar[Card] = Card(
        equations=(
            "susceptible with (sources that adopted) / (sources) >= threshold: -> adopted with "
            "chance q, else -> blocked with chance b",
            "any other susceptible -> adopted with chance p a tick",
            "q = profile, or profile times the agent's openness",
        ),
        comparison="share >= threshold; draw < chance",
        cost="one visit a tie of each new adopter, one question a tick for each that hears of it: "
        "about twice the nanoseconds a visit of SIR in C (1 million agents)",
        checked=("against plain Python with the same draws, states tick by tick",),
    )

    threshold: float = Field(0.1, ge=0, le=1, description="share of adopters needed")

    def chance(self, heard: Hearing) -> Mapping[str, Floats]:
        """Return the chances of those that hear enough; others have none."""
        enough = heard.share["adopted"] >= self.threshold
        return {state: chance * enough for state, chance in super().chance(heard).items()}


_ADOPTED = 2
"""Index of the state."""


@register("generalised-threshold")
class GeneralisedThreshold(Heard):
    """Adopt some time after enough of those you hear have, or by yourself (Török & Kertész 2017).

    Török & Kertész, "Cascading collapse of online social networks", Scientific Reports 2017, as a
    model of adoption: whoever reaches its threshold waits, and acts with chance 1 / tau a tick;
    others act by themselves with chance mu t / tau in tick t. Synchronous, compared with ``>=``.
    """

    states: ClassVar = ("susceptible", "waiting", "adopted", "silent")
    seeded: ClassVar = "adopted"
    card: ClassVar[Card] = Card(
        source="Török & Kertész, Cascading collapse of online social networks, Scientific Reports "
        "7, 2017.",
        meaning={
            "susceptible": "has not heard enough",
            "waiting": "has heard enough, and will adopt",
            "adopted": "has adopted; its followers hear it",
            "silent": "adopted longer ago than the window; not heard any more",
        },
        equations=(
            "susceptible -> waiting when (sources now adopted) / (sources) >= threshold",
            "waiting -> adopted with chance 1 / tau a tick",
            "susceptible -> adopted by itself with chance min(1, mu t / tau), t ticks after start",
            "adopted -> silent after `window` ticks; 0: never",
        ),
        comparison="share >= threshold",
        cost="one visit a tie of each agent that changed; with mu > 0 one draw an agent",
        checked=(
            "against plain Python with the same draws, states tick by tick",
            "waiting times of a pair are geometric with mean tau; 4,000 pairs, 4 standard errors",
        ),
        choices=(
            "mu t / tau is each agent's chance; the widespread reading as a number of agents per "
            "tick would depend on the size of the world",
            "once waiting an agent adopts, also when its sources have fallen silent",
            "window: an addition; the paper's adopters are heard for ever",
        ),
    )

    threshold: float = Field(0.15, ge=0, le=1, description="share of adopters needed")
    tau: float = Field(
        3.0, ge=1, le=1e6, description="mean time between hearing enough and acting", unit="ticks"
    )
    mu: float = Field(0.0, ge=0, le=1, description="how fast adoption by oneself sets in")
    window: int = Field(
        0, ge=0, le=1_000_000, description="how long an adopter is heard; 0: for ever", unit="ticks"
    )

    rules: ClassVar = (
        after("waiting", "adopted", chance="1 / tau"),
        after("susceptible", "adopted", chance="mu * age / tau"),
    )

    def adopts(self, heard: Hearing) -> Mapping[str, Bools]:
        """Return who hears enough."""
        return {"waiting": heard.share["adopted"] >= self.threshold}

    def forced(self, cascade: Cascade, tick: int) -> Mapping[str, Ids]:
        """Return who adopted a window ago, or earlier and was away or had a longer window."""
        if not self.window:
            return {}
        first, last = cascade.log.ticks.searchsorted([tick - self.window, tick - self.window + 1])
        if cascade.counts["adopted"] == cascade.size - first:
            return {"silent": cascade.log.agents[first:last]}
        loud = cascade.held["state"][cascade.log.agents[:last]] & 0x7F == _ADOPTED
        return {"silent": cascade.log.agents[:last][loud]}

    def is_quiet(self, cascade: Cascade, contacts: Contacts) -> bool:
        """Return whether nothing can change any more."""
        loud = self.window and cascade.counts["adopted"]
        return not loud and super().is_quiet(cascade, contacts)
