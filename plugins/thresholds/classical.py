"""Threshold models: Watts (share), Centola-Macy (count) and the general threshold."""

from typing import ClassVar, Literal

from sim import Bools, Card, Field, Heard, Hearing, Setting, Theory, register, tree_curves
from sim.spread import binomial

_MEANING = {
    "inactive": "has not adopted",
    "active": "has adopted, for good; heard from the next tick on",
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
