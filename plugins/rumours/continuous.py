"""Rumour models in continuous time, exact: Maki-Thompson, Daley-Kendall and others, with rates."""

from typing import Any, ClassVar

from plugins.rumours.classical import (
    DaleyKendall,
    KFoldStifling,
    MakiThompson,
    NekoveeMoreno,
    SIHRRumour,
)
from sim import Card, ContinuousTime, Field, register

CHAIN = (
    "the exact Markov chain over all joint states of 3 agents, mutual ties: the share of each "
    "outcome after 1 and 3 ticks, 20,000 copies, seed 22, 4 standard errors"
)
IGNORANT = "has not heard it"
STIFLER = "knows it, passes it on no more"


def rate(default: float, what: str) -> Any:
    """Return a parameter that is a rate."""
    return Field(default, ge=0, le=1000, description=what, unit="per tick")


@register("maki-thompson-continuous")
class MakiThompsonContinuous(ContinuousTime, MakiThompson):
    """Spreaders call at random moments; whoever calls somebody that knows already stops."""

    call: float = rate(0.5, "rate at which a spreader calls")

    card: ClassVar[Card] = Card(
        meaning={
            "ignorant": IGNORANT,
            "spreader": "calls random followers at rate call",
            "stifler": STIFLER,
        },
        equations=(
            "a spreader calls at rate call, one of its followers at random",
            "ignorant called -> spreader; spreader or stifler called -> the caller stifles",
            "large complete networks: ignorants left .2031878700",
        ),
        checked=(
            "1 spreader + n ignorants, all tied: n = 2 leaves 0, 1, 2 with 3/4, 1/4, 0, 100,000 "
            "copies; n = 10 leaves 2.22591959 on average, 20,000; n = 100 leaves 20.4518789, "
            "2,000; seed 41, 4 standard errors",
            CHAIN,
        ),
    )


@register("k-fold-stifling-continuous")
class KFoldStiflingContinuous(ContinuousTime, KFoldStifling):
    """Spreaders call at random moments and stop after k stifling calls."""

    call: float = rate(0.5, "rate at which a spreader calls")

    card: ClassVar[Card] = Card(
        equations=(
            "as maki-thompson-continuous; a call to somebody that knows counts with chance stifle",
            "after k counted calls the caller stifles",
            "large complete networks: ignorants x = exp(-(k + 1)(1 - x)) at stifle 1",
        ),
        checked=(
            "k = 2 on 400 agents, all tied: ignorants left .0595 within 4 standard errors + .003, "
            "200 copies, seed 43",
            CHAIN,
        ),
    )


@register("daley-kendall-continuous")
class DaleyKendallContinuous(ContinuousTime, DaleyKendall):
    """Pairs meet at random moments; two spreaders that meet both stop."""

    meet: float = rate(0.05, "rate at which a pair meets")

    card: ClassVar[Card] = Card(
        equations=(
            "each pair meets at rate meet: ignorant + spreader -> two spreaders",
            "two spreaders -> two stiflers; spreader + stifler -> two stiflers",
            "large complete networks: ignorants left .2031878700",
        ),
        checked=(
            "1 spreader + n ignorants, all tied: n = 2 leaves 0, 1 with 2/3, 1/3, 100,000 copies; "
            "n = 10 leaves 2.70174978 on average, 20,000; n = 100 leaves 21.0346656, 2,000; seed "
            "42, 4 standard errors",
            CHAIN,
        ),
        choices=(
            "mutual ties: two spreaders are met from both ends, each at half the rate; over a "
            "one-way tie two spreaders meet half as often as others",
        ),
    )


@register("nekovee-moreno-continuous")
class NekoveeMorenoContinuous(ContinuousTime, NekoveeMoreno):
    """Rumours on networks in continuous time: each tie has its own clock."""

    spread: float = rate(0.1, "rate of telling per tie")
    alpha: float = rate(0.05, "rate of stifling per tie")
    delta: float = rate(0.05, "rate of forgetting to spread")

    card: ClassVar[Card] = Card(
        equations=(
            "per tie: ignorant + spreader -> two spreaders at rate spread",
            "spreader + spreader or stifler -> the speaker stifles at rate alpha",
            "rate(spreader -> stifler) = delta",
            "homogeneous, delta 0: R = 1 - exp(-(1 + spread / alpha) R)",
        ),
        checked=(CHAIN,),
    )


@register("sihr-rumour-continuous")
class SIHRRumourContinuous(ContinuousTime, SIHRRumour):
    """Spreaders, ignorants, hibernators, removed, in continuous time."""

    spread: float = rate(0.1, "rate at which a tie makes a spreader")
    refuse: float = rate(0.02, "rate at which it makes a stifler at once")
    alpha: float = rate(0.05, "rate of stifling per tie")
    delta: float = rate(0.1, "rate of forgetting")
    xi: float = rate(0.05, "rate of remembering")
    eta: float = rate(0.05, "rate of being reminded per tie")

    card: ClassVar[Card] = Card(checked=(CHAIN,))
