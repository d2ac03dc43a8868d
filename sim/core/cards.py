"""The card of a model: what a reader must know before trusting its curves, kept with the code.

A form states what holds for all its models, a model what is specific to it; :func:`card_of` merges
them, the nearest class first. :func:`missing` lists empty fields, and a test rejects them.
A :class:`Theory` is a curve that an equation predicts for a model.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace

import numpy as np
import numpy.typing as npt

from sim.core.params import Parameters, describe

_OPTIONAL = {"choices", "family"}


_LABELS = {
    "source": "source", "meaning": "states", "equations": "equations", "update": "update order",
    "comparison": "comparison", "includes_self": "includes self", "direction": "direction",
    "ties": "tie rule", "time_unit": "time unit", "channels": "channels",
    "draw_modes": "draw modes", "cost": "cost per tick", "largest": "largest world",
    "checked": "checked", "choices": "choices",
}  # fmt: skip
"""The fields of a card, and their labels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """Statements of a model about itself; every field is one or more plain sentences.

    Attributes
    ----------
    family
        Section it is listed in, such as ``"epidemics"``; empty: the first word of its
        file's name.
    source
        The paper: authors, title, journal, year; without one, the origin of the idea.
    meaning
        Meaning of each state, by name; all states.
    equations
        The rule as formulas, one per line.
    update
        Order of updates: synchronous, or one event at a time and in which order.
    comparison
        How a draw or a sum is compared: ``<`` or ``<=``, ``>=``.
    includes_self
        Whether an agent counts among its own sources.
    direction
        Direction of influence along a tie.
    ties
        The tie-breaking rule for simultaneous decisions.
    time_unit
        Unit of time.
    channels
        Supported channels.
    draw_modes
        Supported draw modes, and the default.
    cost
        Work per tick.
    largest
        The largest sensible world.
    checked
        Numbers it was validated against, one each.
    choices
        Choices that the paper leaves open: what was chosen, and the parameter for it.
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

    def facts(self) -> Iterator[tuple[str, str]]:
        """Yield a label and a sentence for every statement; further sentences have no label."""
        for name, label in _LABELS.items():
            value = getattr(self, name)
            if isinstance(value, Mapping):
                value = [f"{key}: {said}" for key, said in value.items()]
            for number, said in enumerate([value] if isinstance(value, str) and value else value):
                yield "" if number else label, str(said)


def card_of(cls: type[Parameters]) -> Card:
    """Return the complete card of a model: its own statements, then those of its form.

    Parameters
    ----------
    cls
        A plugin class; its own statements are in ``card`` in the class body.

    Examples
    --------
    >>> from hubbub import spec
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
    """Return a model's family: from its card, its package, or its file's name."""
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
    """Return the name of a model's form: its nearest base class in ``sim``."""
    ours = (owner for owner in cls.__mro__ if owner.__module__.startswith("sim."))
    return next(ours, cls).__name__


def missing(cls: type[Parameters]) -> tuple[str, ...]:
    """Return what a model's card lacks, one phrase each; empty if it is complete.

    Interventions and metrics have no card: their fields and docstring are checked.
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
"""Mean degree below which curves were off by more than 0.05 of all agents, by kind.

On random regular networks of degree 4 pair approximations are off by 0.06 (SIS) and 0.08
(Maki-Thompson), from 8 on by at most 0.025; mean-field curves, which ignore who knows whom, are off
by 0.5 at 4, 0.24 at 8 and still 0.11 at 20.
"""
_VARIED = {"homogeneous": 0.5, "tree approximation": 0.8}
"""Standard deviation / mean of degrees above which curves were off as much, by kind.

With preferential attachment, a single mean degree is off by 0.17 to 0.56, at degree 20 still by
0.28; the tree approximation of Watts' cascades, near the edge of their window, by 0.09.
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
"""Assumptions of curves and where they fail, by kind; sources are in sim.spread.theory."""
_UNKNOWN = (
    "what its model's card says, and a world so large that chance evens out",
    "for a single run with few seeds, and where a network is not as its equations have it",
)


@dataclass(frozen=True, slots=True)
class Setting:
    """The properties of a world that a theory uses: numbers, no ties.

    Attributes
    ----------
    agents, seeds
        Number of agents, and of agents that hold the message at the start.
    degrees
        float64 (largest degree + 1,): share of agents with each number of listeners; sum 1.
    """

    agents: int
    seeds: int
    degrees: npt.NDArray[np.float64]

    @property
    def mean_degree(self) -> float:
        """Average number of listeners per agent."""
        return float(self.degrees @ np.arange(self.degrees.size))


@dataclass(frozen=True, slots=True)
class Theory:
    """A set of predicted curves.

    Attributes
    ----------
    name
        Name of the approximation or closed form, with its source.
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
        """Assumptions of its equations."""
        return self._limits[0]

    @property
    def fails(self) -> str:
        """Conditions under which its curves are unreliable.

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
    """Return the curves, with doubts in their names if the equations do not suit the degrees."""
    number = np.arange(degrees.size)
    mean = float(degrees @ number)
    variance = float(degrees @ number**2) - mean**2
    spread = max(variance, 0.0) ** 0.5 / max(mean, 1e-9)
    return tuple(
        replace(one, name="; ".join([one.name, *_doubts(one.name, mean, spread)]))
        for one in theories
    )


def _doubts(name: str, mean: float, spread: float) -> list[str]:
    """Return reasons to doubt curves of a name for these degrees."""
    if any(mean < bound for kind, bound in _SPARSE.items() if kind in name):
        return [f"mean degree {mean:.3g} is low for it: may be far off"]
    if any(spread > bound for kind, bound in _VARIED.items() if kind in name):
        return ["degrees vary more than it allows: may be far off"]
    return []


def as_if_mutual(theories: Iterable[Theory]) -> tuple[Theory, ...]:
    """Return the curves for a network with one-way ties, marked as such in their names.

    A degree distribution has no directions; the equations treat every tie as mutual.
    """
    return tuple(replace(one, name=f"{one.name}; one-way ties taken as mutual") for one in theories)


def as_if_unclustered(theories: Iterable[Theory], clustering: float) -> tuple[Theory, ...]:
    """Return the curves for a clustered network, marked as such in their names.

    Parameters
    ----------
    theories
        The curves; closed forms use no network and keep their names.
    clustering
        Mean local clustering: share of pairs of an agent's neighbours that are neighbours.
    """
    said = f"clustering {clustering:.2f} left out: may be far off"
    return tuple(
        one if one.name.startswith("closed form") else replace(one, name=f"{one.name}; {said}")
        for one in theories
    )
