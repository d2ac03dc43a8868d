"""The card of a model: what a reader must know before believing a curve, kept beside the code.

A form states what is true of all its models, a model what is its own; :func:`card_of` joins them,
the nearest class first. What stays empty is named by :func:`missing`, and a test refuses it.
A :class:`Theory` is a curve that an equation predicts for a model.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace

import numpy as np
import numpy.typing as npt

from sim.core.params import Parameters, describe

_OPTIONAL = {"choices", "family"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """What a model states of itself; every field is one or more plain sentences.

    Attributes
    ----------
    family
        What it is listed under, such as ``"epidemics"``; empty: the first word of its
        file's name.
    source
        The paper: authors, title, where, year; of a model without one, whose idea it is.
    meaning
        What each state means, by the state's name; all of them.
    equations
        The rule as formulas, one a line.
    update
        The order of update: synchronous, or one event at a time with what order.
    comparison
        How a draw or a sum is compared: ``<`` or ``<=``, ``>=``.
    includes_self
        Whether an agent counts among those that it hears.
    direction
        Along which direction of a tie influence runs.
    ties
        The tie rule: who wins when several decide at once.
    time_unit
        What one unit of time is.
    channels
        The channels that it works with.
    draw_modes
        The draw modes that it works with, and which is the default.
    cost
        Work per tick.
    largest
        The largest sensible world.
    checked
        The numbers that it was checked against, one each.
    choices
        Where the paper leaves a choice open: what was chosen, and the parameter that chooses.
    """

    family: str = ""
    source: str = ""
    meaning: Mapping[str, str] = field(default_factory=dict)
    equations: tuple[str, ...] = ()
    update: str = ""
    comparison: str = ""
    includes_self: str = ""
    direction: str = ""
    ties: str = ""
    time_unit: str = ""
    channels: str = ""
    draw_modes: str = ""
    cost: str = ""
    largest: str = ""
    checked: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()


def card_of(cls: type[Parameters]) -> Card:
    """Return the whole card of a model: its own words, then those of its form.

    Parameters
    ----------
    cls
        A plugin class; ``card`` in its body holds its own words.

    Examples
    --------
    >>> from sim import spec
    >>> card_of(spec("sir").cls).time_unit
    'tick'
    """
    joined = Card()
    for owner in cls.__mro__:
        stated = vars(owner).get("card")
        if isinstance(stated, Card):
            empty = [part.name for part in fields(Card) if not getattr(joined, part.name)]
            joined = replace(joined, **{name: getattr(stated, name) for name in empty})
    return joined


def family_of(cls: type[Parameters]) -> str:
    """Return what a model is listed under: its card's family, its package's, its file's name."""
    stated = card_of(cls).family
    if stated:
        return stated
    within = cls.__module__.split(".")
    if within[0] == "plugins" and len(within) > 1:
        return within[1]
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    name = str(file or cls.__module__).replace("\\", "/").rpartition("/")[2].removesuffix(".py")
    return name.rpartition(".")[2].partition("_")[0]


def form_of(cls: type[Parameters]) -> str:
    """Return the name of the form that a model is written in: its nearest class in ``sim``."""
    ours = (owner for owner in cls.__mro__ if owner.__module__.startswith("sim."))
    return next(ours, cls).__name__


def missing(cls: type[Parameters]) -> tuple[str, ...]:
    """Return what a model's card lacks, one phrase each; empty when it is complete.

    Interventions and metrics have no card: of them fields and docstring are looked at.
    """
    card = card_of(cls)
    lacks = [
        part.name
        for part in fields(Card)
        if hasattr(cls, "card") and part.name not in _OPTIONAL and not getattr(card, part.name)
    ]
    states: tuple[str, ...] = getattr(cls, "states", ())
    lacks += [f"the meaning of state {name!r}" for name in states if name not in card.meaning]
    lacks += [f"the description of {p.name!r}" for p in describe(cls) if not p.description]
    if not (cls.__doc__ or "").strip():
        lacks.append("a docstring whose first line is the summary")
    return tuple(lacks)


_SPARSE = {
    "pair approximation": 6.0, "homogeneous": 50.0, "degree-based": 50.0, "all hear all": 50.0
}  # fmt: skip
"""The mean degree below which curves were found more than 0.05 of all agents off, by their kind.

On random regular networks of degree 4 pairs are 0.06 (SIS) and 0.08 (Maki-Thompson) off, from 8 on
at most 0.025; what forgets who knows whom is 0.5 off at 4, 0.24 at 8 and still 0.11 at 20.
"""
_VARIED = {"homogeneous": 0.5, "tree approximation": 0.8}
"""The standard deviation / mean of degrees above which curves were, by their kind.

With preferential attachment one mean degree for all is 0.17 to 0.56 off, at degree 20 still 0.28;
Watts' cascades, near the edge of their window, are 0.09 off in the tree approximation.
"""

_LIMITS = {
    "edge-based": (
        "a large random network of the given degrees with mutual ties and without short circles, "
        "and many seeds drawn at random",
        "where neighbours know each other, ties are one-way, or a few or chosen seeds decide by "
        "chance whether it takes off",
    ),
    "pair approximation": (
        "the mean number of ties for everybody, and that what an agent's other neighbours do "
        "follows from its own state alone",
        "where degrees are few (below 6) or vary, triangles are many, or a few seeds decide",
    ),
    "degree-based": (
        "that agents of one degree are alike and meet the ends of ties anew each tick",
        "on sparse networks (mean degree below 50), where it is too fast and too large, and where "
        "a few seeds decide",
    ),
    "homogeneous": (
        "the mean number of ties for everybody, their ends strangers anew each tick",
        "on sparse networks (mean degree below 50), with degrees that vary, and where a few seeds "
        "decide",
    ),
    "tree approximation": (
        "a large random network of the given degrees without short circles, and seeds at random",
        "near the edge of cascades, where a few seeds decide, and where neighbours know each other",
    ),
    "all hear all": (
        "that everybody hears everybody alike, in a large world",
        "on sparse networks, and in small worlds, where chance decides",
    ),
    "conserved mean": (
        "ties that are mutual and as many for everybody; it is a mean over many runs",
        "for a single run, which drifts away from its mean, and where degrees vary",
    ),
    "closed form": (
        "a large population whose agents are all alike, as its source has it",
        "for a single run in a small world, and wherever who hears whom matters",
    ),
}
"""By kind: what its curves assume, and where they fail; sources are in sim.spread.theory."""
_UNKNOWN = (
    "what its model's card says, and a world so large that chance evens out",
    "for a single run with few seeds, and where a network is not as its equations have it",
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What a theory knows of a world: numbers, no ties.

    Attributes
    ----------
    agents, seeds
        How many agents there are, and how many hold the message at the start.
    degrees
        float64 (largest degree + 1,): the share of agents with each number of listeners; sums to 1.
    """

    agents: int
    seeds: int
    degrees: npt.NDArray[np.float64]

    @property
    def mean_degree(self) -> float:
        """Listeners of an agent on average."""
        return float(self.degrees @ np.arange(self.degrees.size))


@dataclass(frozen=True, slots=True)
class Theory:
    """One predicted set of curves.

    Attributes
    ----------
    name
        Of the approximation or closed form, with its source.
    states
        Names of the columns, those of the model.
    expected
        float64 (ticks + 1, states): agents in each state, row 0 at the start.
    """

    name: str
    states: tuple[str, ...]
    expected: npt.NDArray[np.float64]

    @property
    def assumes(self) -> str:
        """What its equations take for granted."""
        return self._limits[0]

    @property
    def fails(self) -> str:
        """Where its curves are not to be relied on.

        Examples
        --------
        >>> Theory("pair approximation", ("S", "I"), np.zeros((1, 2))).fails
        'where degrees are few (below 6) or vary, triangles are many, or a few seeds decide'
        """
        return self._limits[1]

    @property
    def limits(self) -> str:
        """Two sentences of both."""
        return f"It assumes {self.assumes}. It fails {self.fails}."

    @property
    def _limits(self) -> tuple[str, str]:
        return next((said for kind, said in _LIMITS.items() if kind in self.name), _UNKNOWN)


def with_doubts(theories: Iterable[Theory], degrees: npt.NDArray[np.float64]) -> tuple[Theory, ...]:
    """Return the curves; their names say where the equations are not made for the degrees."""
    number = np.arange(degrees.size)
    mean = float(degrees @ number)
    variance = float(degrees @ number**2) - mean**2
    spread = max(variance, 0.0) ** 0.5 / max(mean, 1e-9)
    return tuple(
        replace(one, name="; ".join([one.name, *_doubts(one.name, mean, spread)]))
        for one in theories
    )


def _doubts(name: str, mean: float, spread: float) -> list[str]:
    """Return what makes curves of a name doubtful where degrees are so."""
    if any(mean < bound for kind, bound in _SPARSE.items() if kind in name):
        return [f"mean degree {mean:.3g} is low for it: may be far off"]
    if any(spread > bound for kind, bound in _VARIED.items() if kind in name):
        return ["degrees vary more than it allows: may be far off"]
    return []


def as_if_mutual(theories: Iterable[Theory]) -> tuple[Theory, ...]:
    """Return the curves for a network with one-way ties, named as what they are.

    A degree distribution does not say who hears whom; equations take every tie as mutual.
    """
    return tuple(replace(one, name=f"{one.name}; one-way ties taken as mutual") for one in theories)


def as_if_unclustered(theories: Iterable[Theory], clustering: float) -> tuple[Theory, ...]:
    """Return the curves for a network in which neighbours know each other, named as what they are.

    Parameters
    ----------
    theories
        The curves; closed forms know no network and keep their names.
    clustering
        The mean local clustering: of two neighbours of an agent, how often they are neighbours.
    """
    said = f"clustering {clustering:.2f} left out: may be far off"
    return tuple(
        one if one.name.startswith("closed form") else replace(one, name=f"{one.name}; {said}")
        for one in theories
    )
